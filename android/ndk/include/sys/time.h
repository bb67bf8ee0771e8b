#ifndef CLOUDKEY_NDK_SYS_TIME_H
#define CLOUDKEY_NDK_SYS_TIME_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
struct timeval { time_t tv_sec; suseconds_t tv_usec; };
struct timezone; int gettimeofday(struct timeval *, struct timezone *);
#ifdef __cplusplus
}
#endif
#endif
