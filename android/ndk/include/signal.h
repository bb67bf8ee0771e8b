#ifndef CLOUDKEY_NDK_SIGNAL_H
#define CLOUDKEY_NDK_SIGNAL_H
#ifdef __cplusplus
extern "C" {
#endif
#include <sys/types.h>
typedef unsigned long sigset_t; typedef int sig_atomic_t; typedef void (*sighandler_t)(int);
typedef struct { int si_signo, si_errno, si_code; int __pad0; union { void *__addr; int __pad[28]; } __u; } siginfo_t;
typedef struct { void *ss_sp; int ss_flags; size_t ss_size; } stack_t;
struct sigaction { int sa_flags; union { sighandler_t sa_handler; void (*sa_sigaction)(int, siginfo_t *, void *); }; sigset_t sa_mask; void (*sa_restorer)(void); };
#define SIG_DFL ((sighandler_t)0)
#define SIG_IGN ((sighandler_t)1)
#define SIG_ERR ((sighandler_t)-1)
#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
#define SA_NOCLDSTOP 1
#define SA_SIGINFO 4
#define SA_RESTORER 0x04000000
#define SA_ONSTACK 0x08000000
#define SA_RESTART 0x10000000
#define SA_NODEFER 0x40000000
#define SS_DISABLE 2
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGCHLD 17
#define SIGPROF 27
int sigaction(int, const struct sigaction *, struct sigaction *); int sigemptyset(sigset_t *); int sigfillset(sigset_t *); int sigaddset(sigset_t *, int); int sigdelset(sigset_t *, int); int sigismember(const sigset_t *, int); int sigprocmask(int, const sigset_t *, sigset_t *); int sigaltstack(const stack_t *, stack_t *); int raise(int); int kill(pid_t, int);
#ifdef __cplusplus
}
#endif
#endif
