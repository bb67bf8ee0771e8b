#ifndef CLOUDKEY_NDK_GRP_H
#define CLOUDKEY_NDK_GRP_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
int setgroups(size_t, const gid_t *);
#ifdef __cplusplus
}
#endif
#endif
