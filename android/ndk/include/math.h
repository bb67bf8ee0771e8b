#ifndef CLOUDKEY_NDK_MATH_H
#define CLOUDKEY_NDK_MATH_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/cdefs.h>
double floor(double); double ceil(double); double sqrt(double); double pow(double, double); double fabs(double); float sqrtf(float); float floorf(float);
#ifdef __cplusplus
}
#endif
#endif
