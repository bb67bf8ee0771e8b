#ifndef CLOUDKEY_NDK_ANDROID_RECT_H
#define CLOUDKEY_NDK_ANDROID_RECT_H
#ifdef __cplusplus
extern "C" {
#endif
#include <stdint.h>
typedef struct ARect { int32_t left, top, right, bottom; } ARect;
#ifdef __cplusplus
}
#endif
#endif
