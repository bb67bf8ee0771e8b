#ifndef CLOUDKEY_NDK_ERRNO_H
#define CLOUDKEY_NDK_ERRNO_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/cdefs.h>
#include <linux/errno.h>
int *__errno(void) __attribute__((const));
#define errno (*__errno())
#ifndef ENOTSUP
#define ENOTSUP EOPNOTSUPP
#endif
#ifdef __cplusplus
}
#endif
#endif
