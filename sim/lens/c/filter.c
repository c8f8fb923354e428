/* The seccomp filter: which calls stop for the supervisor. It sees numbers, not memory. What does
 * not stop costs nothing: the kernel remembers which calls are always allowed. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lens.h"
#include "stub.h"

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
#define MOST 1024

static struct sock_filter code[MOST];
static unsigned short length;

static void emit(struct sock_filter instruction) {
    if (length < MOST) code[length++] = instruction;
}

#define STATEMENT(op, k) emit((struct sock_filter)BPF_STMT(op, k))
#define JUMP(op, k, yes, no) emit((struct sock_filter)BPF_JUMP(op, k, yes, no))

static void load_low(int arg) { /* both processors are little-endian */
    STATEMENT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, args[arg]));
}

static void load_high(int arg) {
    STATEMENT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, args[arg]) + 4);
}

static void allow(void) { STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW); }
static void trace(void) { STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_TRACE); }
static void trace_if(unsigned value) {
    JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    trace();
}
static void allow_if(unsigned value) {
    JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    allow();
}

static void trace_if_pointer(int arg) {
    load_low(arg);
    JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    trace();
    load_high(arg);
    JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    trace();
}

static void futex(int arg) {
    load_low(1);
    STATEMENT(BPF_ALU | BPF_AND | BPF_K, (unsigned)FUTEX_CMD_MASK);
    static const unsigned waits[] = {FUTEX_WAIT, FUTEX_LOCK_PI, FUTEX_WAIT_BITSET,
                                     FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2};
    unsigned char count = sizeof waits / sizeof *waits;
    for (unsigned char k = 0; k < count; k++)
        JUMP(BPF_JMP | BPF_JEQ | BPF_K, waits[k], (unsigned char)(count - k), 0);
    allow();
    trace_if_pointer(arg);
}

static void socket_times(void) {
    load_low(1);
    JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 0, 8);
    load_low(2);
    trace_if(SO_RCVTIMEO);
    trace_if(SO_SNDTIMEO);
    trace_if(SO_LINGER);
    allow();
    JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 1, 0);
    allow();
    load_low(2);
    trace_if(TCP_USER_TIMEOUT);
    trace_if(TCP_KEEPIDLE);
    trace_if(TCP_KEEPINTVL);
}

static void condition(const struct rule *rule) {
    switch (rule->when) {
    case ALWAYS:
        trace();
        break;
    case CLOCK:
        load_low(rule->arg);
        for (unsigned clock = 0; clock < 16; clock++)
            if (stub_scaled((int)clock)) trace_if(clock);
        break;
    case NOT_NULL:
        trace_if_pointer(rule->arg);
        break;
    case FINITE:
        load_low(rule->arg);
        allow_if(0);
        JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x80000000u, 1, 0);
        trace();
        break;
    case IS_ZERO:
        load_low(rule->arg);
        trace_if(0);
        break;
    case FUTEX_WAITS:
        futex(rule->arg);
        break;
    case SOCKET_TIMES:
        socket_times();
        break;
    }
    allow();
}

static void build(void) {
    length = 0;
    STATEMENT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
    allow();
    STATEMENT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int k = 0; k < rule_count; k++) {
        unsigned short here = length;
        JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)rules[k].nr, 0, 0);
        condition(&rules[k]);
        code[here].jf = (unsigned char)(length - here - 1);
    }
    allow();
}

bool filter_install(void) {
    build();
    struct sock_fprog program = {length, code};
    if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return true;
    /* Whoever is not root promises that no program of his will gain rights (setuid) by exec. */
    if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return false;
    return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}
