#ifndef CLOUDKEY_NDK_TIME_H
#define CLOUDKEY_NDK_TIME_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
struct timespec { time_t tv_sec; long tv_nsec; };
struct tm { int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst; long tm_gmtoff; const char *tm_zone; };
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCKS_PER_SEC 1000000
time_t time(time_t *); struct tm *localtime(const time_t *); struct tm *localtime_r(const time_t *, struct tm *); struct tm *gmtime_r(const time_t *, struct tm *); time_t mktime(struct tm *);
int clock_gettime(clockid_t, struct timespec *); int nanosleep(const struct timespec *, struct timespec *); size_t strftime(char *, size_t, const char *, const struct tm *); clock_t clock(void);
#ifdef __cplusplus
}
#endif
#endif
