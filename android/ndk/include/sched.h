#ifndef CLOUDKEY_NDK_SCHED_H
#define CLOUDKEY_NDK_SCHED_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
struct sched_param { int sched_priority; }; int sched_yield(void);
#ifdef __cplusplus
}
#endif
#endif
