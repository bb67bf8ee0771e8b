#ifndef CLOUDKEY_NDK_NETINET_IN_H
#define CLOUDKEY_NDK_NETINET_IN_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/socket.h>
typedef uint16_t in_port_t; typedef uint32_t in_addr_t;
#define IPPROTO_IP 0
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
struct in_addr { in_addr_t s_addr; };
struct sockaddr_in { sa_family_t sin_family; in_port_t sin_port; struct in_addr sin_addr; unsigned char __pad[8]; };
struct in6_addr { union { uint8_t __u8[16]; uint16_t __u16[8]; uint32_t __u32[4]; } in6_u; };
#define s6_addr in6_u.__u8
struct sockaddr_in6 { unsigned short sin6_family; in_port_t sin6_port; uint32_t sin6_flowinfo; struct in6_addr sin6_addr; uint32_t sin6_scope_id; };
#ifdef __cplusplus
}
#endif
#endif
