#ifndef CLOUDKEY_NDK_SYS_CDEFS_H
#define CLOUDKEY_NDK_SYS_CDEFS_H
#ifdef __cplusplus
extern "C" {
#endif
#ifndef __ANDROID_API__
#define __ANDROID_API__ 24
#endif
#ifndef __LP64__
#error "these headers state only the 64-bit ABI"
#endif
#ifdef __cplusplus
#define __BEGIN_DECLS extern "C" {
#define __END_DECLS }
#else
#define __BEGIN_DECLS
#define __END_DECLS
#endif
#define __INTRODUCED_IN(x) __attribute__((__availability__(android, strict, introduced = x)))
#define __DEPRECATED_IN(x)
#define __RENAME_IF_FILE_OFFSET64(x)
#define __REMOVED_IN(x)
#define __BIONIC__ 1
#ifdef __cplusplus
}
#endif
#endif
