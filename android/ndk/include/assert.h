#ifndef CLOUDKEY_NDK_ASSERT_H
#define CLOUDKEY_NDK_ASSERT_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/cdefs.h>
void __assert2(const char *, int, const char *, const char *) __attribute__((noreturn));
#define assert(e) ((e) ? (void)0 : __assert2(__FILE__, __LINE__, __func__, #e))
#ifdef __cplusplus
}
#endif
#endif
