#ifndef CLOUDKEY_NDK_SYS_MMAN_H
#define CLOUDKEY_NDK_SYS_MMAN_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_ANON MAP_ANONYMOUS
#define MAP_FAILED ((void *)-1)
void *mmap(void *, size_t, int, int, int, off_t); int munmap(void *, size_t); int mprotect(void *, size_t, int); int madvise(void *, size_t, int);
#ifdef __cplusplus
}
#endif
#endif
