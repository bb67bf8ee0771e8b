#ifndef CLOUDKEY_NDK_STDLIB_H
#define CLOUDKEY_NDK_STDLIB_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
#include <stdio.h>
#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX 0x7fffffff
void *malloc(size_t); void *calloc(size_t, size_t); void *realloc(void *, size_t); void free(void *); int posix_memalign(void **, size_t, size_t);
void abort(void) __attribute__((noreturn)); void exit(int) __attribute__((noreturn)); void _exit(int) __attribute__((noreturn)); int atexit(void (*)(void));
char *getenv(const char *); int setenv(const char *, const char *, int); int unsetenv(const char *); int clearenv(void); int putenv(char *);
int atoi(const char *); long atol(const char *); double atof(const char *);
long strtol(const char *, char **, int); unsigned long strtoul(const char *, char **, int); long long strtoll(const char *, char **, int); unsigned long long strtoull(const char *, char **, int); double strtod(const char *, char **);
void qsort(void *, size_t, size_t, int (*)(const void *, const void *)); int abs(int); long labs(long);
#ifdef __cplusplus
}
#endif
#endif
