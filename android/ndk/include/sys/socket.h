#ifndef CLOUDKEY_NDK_SYS_SOCKET_H
#define CLOUDKEY_NDK_SYS_SOCKET_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
typedef unsigned short sa_family_t;
struct sockaddr { sa_family_t sa_family; char sa_data[14]; };
struct sockaddr_storage { sa_family_t ss_family; char __data[128 - sizeof(sa_family_t)]; } __attribute__((aligned(sizeof(unsigned long))));
#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define PF_UNSPEC AF_UNSPEC
#define PF_INET AF_INET
#define PF_INET6 AF_INET6
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_CLOEXEC 02000000
#define SOCK_NONBLOCK 04000
#ifdef __cplusplus
}
#endif
#endif
