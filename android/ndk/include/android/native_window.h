#ifndef CLOUDKEY_NDK_ANDROID_NATIVE_WINDOW_H
#define CLOUDKEY_NDK_ANDROID_NATIVE_WINDOW_H
#ifdef __cplusplus
extern "C" {
#endif
#include <stdint.h>
#include <sys/cdefs.h>
#include <android/rect.h>
typedef struct ANativeWindow ANativeWindow;
typedef struct ANativeWindow_Buffer { int32_t width, height, stride, format; void *bits; uint32_t reserved[6]; } ANativeWindow_Buffer;
enum { WINDOW_FORMAT_RGBA_8888 = 1, WINDOW_FORMAT_RGBX_8888 = 2, WINDOW_FORMAT_RGB_565 = 4 };
void ANativeWindow_acquire(ANativeWindow *); void ANativeWindow_release(ANativeWindow *); int32_t ANativeWindow_getWidth(ANativeWindow *); int32_t ANativeWindow_getHeight(ANativeWindow *); int32_t ANativeWindow_getFormat(ANativeWindow *);
int32_t ANativeWindow_setBuffersGeometry(ANativeWindow *, int32_t, int32_t, int32_t); int32_t ANativeWindow_lock(ANativeWindow *, ANativeWindow_Buffer *, ARect *); int32_t ANativeWindow_unlockAndPost(ANativeWindow *);
#ifdef __cplusplus
}
#endif
#endif
