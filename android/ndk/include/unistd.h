#ifndef CLOUDKEY_NDK_UNISTD_H
#define CLOUDKEY_NDK_UNISTD_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
ssize_t read(int, void *, size_t); ssize_t write(int, const void *, size_t); int close(int); int unlink(const char *); int rmdir(const char *); int access(const char *, int); int pipe(int *); int dup(int); int dup2(int, int); off_t lseek(int, off_t, int); int usleep(useconds_t); unsigned int sleep(unsigned int); pid_t getpid(void); pid_t gettid(void); uid_t getuid(void); gid_t getgid(void); long syscall(long, ...); int fsync(int); int ftruncate(int, off_t);
int setuid(uid_t); int setgid(gid_t); int seteuid(uid_t); int setegid(gid_t); int setreuid(uid_t, uid_t); int setregid(gid_t, gid_t); int setresuid(uid_t, uid_t, uid_t); int setresgid(gid_t, gid_t, gid_t); int setgroups(size_t, const gid_t *); void _exit(int) __attribute__((noreturn));
#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define F_OK 0
#define R_OK 4
#define W_OK 2
#define X_OK 1
#ifdef __cplusplus
}
#endif
#endif
