#ifndef CLOUDKEY_NDK_FCNTL_H
#define CLOUDKEY_NDK_FCNTL_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
#include <asm/fcntl.h>
int open(const char *, int, ...); int fcntl(int, int, ...); int creat(const char *, mode_t);
#ifdef __cplusplus
}
#endif
#endif
