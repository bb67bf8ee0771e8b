#ifndef CLOUDKEY_NDK_INTTYPES_H
#define CLOUDKEY_NDK_INTTYPES_H
#ifdef __cplusplus
extern "C" {
#endif
#include <stdint.h>
#define PRId64 "ld"
#define PRIu64 "lu"
#define PRIx64 "lx"
#define PRId32 "d"
#define PRIu32 "u"
#define PRIx32 "x"
#ifdef __cplusplus
}
#endif
#endif
