#ifndef CLOUDKEY_NDK_DIRENT_H
#define CLOUDKEY_NDK_DIRENT_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
struct dirent { uint64_t d_ino; int64_t d_off; unsigned short d_reclen; unsigned char d_type; char d_name[256]; };
typedef struct DIR DIR;
#define DT_UNKNOWN 0
#define DT_DIR 4
#define DT_REG 8
DIR *opendir(const char *); struct dirent *readdir(DIR *); int closedir(DIR *);
#ifdef __cplusplus
}
#endif
#endif
