#ifndef CLOUDKEY_NDK_DLFCN_H
#define CLOUDKEY_NDK_DLFCN_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/cdefs.h>
#define RTLD_LOCAL 0
#define RTLD_LAZY 1
#define RTLD_NOW 2
#define RTLD_NOLOAD 4
#define RTLD_GLOBAL 0x100
#define RTLD_DEFAULT ((void *)0)
#define RTLD_NEXT ((void *)-1L)
void *dlopen(const char *, int); int dlclose(void *); void *dlsym(void *, const char *); char *dlerror(void);
#ifdef __cplusplus
}
#endif
#endif
