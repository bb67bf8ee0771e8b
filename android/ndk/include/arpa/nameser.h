#ifndef CLOUDKEY_NDK_ARPA_NAMESER_H
#define CLOUDKEY_NDK_ARPA_NAMESER_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
#ifdef __cplusplus
}
#endif
#endif
