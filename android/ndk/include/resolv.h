#ifndef CLOUDKEY_NDK_RESOLV_H
#define CLOUDKEY_NDK_RESOLV_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
#include <netdb.h>
int res_search(const char *, int, int, u_char *, int); int res_init(void);
#ifdef __cplusplus
}
#endif
#endif
