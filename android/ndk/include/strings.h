#ifndef CLOUDKEY_NDK_STRINGS_H
#define CLOUDKEY_NDK_STRINGS_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
int strcasecmp(const char *, const char *); int strncasecmp(const char *, const char *, size_t);
#ifdef __cplusplus
}
#endif
#endif
