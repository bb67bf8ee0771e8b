#ifndef CLOUDKEY_NDK_SYS_STAT_H
#define CLOUDKEY_NDK_SYS_STAT_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
#include <time.h>
struct stat { unsigned long st_dev; unsigned long st_ino; unsigned int st_mode; unsigned int st_nlink; unsigned int st_uid; unsigned int st_gid; unsigned long st_rdev; unsigned long __pad1; long st_size; int st_blksize; int __pad2; long st_blocks; struct timespec st_atim, st_mtim, st_ctim; unsigned int __unused4, __unused5; };
#define st_atime st_atim.tv_sec
#define st_mtime st_mtim.tv_sec
#define st_ctime st_ctim.tv_sec
#define S_IFMT 0170000
#define S_IFDIR 0040000
#define S_IFREG 0100000
#define S_ISDIR(m) (((m)&S_IFMT) == S_IFDIR)
#define S_ISREG(m) (((m)&S_IFMT) == S_IFREG)
#define S_IRWXU 0700
#define S_IRWXG 0070
#define S_IRWXO 0007
int stat(const char *, struct stat *); int fstat(int, struct stat *); int lstat(const char *, struct stat *); int mkdir(const char *, mode_t); int chmod(const char *, mode_t); mode_t umask(mode_t);
#ifdef __cplusplus
}
#endif
#endif
