/* x86-64: the number of a call is in orig_rax, its result in rax. */
#if defined(__x86_64__)
#include <sys/ptrace.h>

#include "arch.h"

#define USER_64_BIT 0x33 /* the code segment of 64-bit programs */

bool regs_get(pid_t tid, struct regs *regs) {
    return ptrace(PTRACE_GETREGS, tid, 0, &regs->user) == 0;
}

bool regs_put(pid_t tid, const struct regs *regs) {
    return ptrace(PTRACE_SETREGS, tid, 0, &regs->user) == 0;
}

int regs_nr(const struct regs *regs) { return (int)regs->user.orig_rax; }

void regs_set_nr(struct regs *regs, int nr) { regs->user.orig_rax = (unsigned long)(long)nr; }

/* Libraries disagree on the type of these fields, not on their size. */
static uint64_t *arg(struct regs *regs, int k) {
    struct user_regs_struct *user = &regs->user;
    void *const args[] = {&user->rdi, &user->rsi, &user->rdx, &user->r10, &user->r8, &user->r9};
    return args[k];
}

uint64_t regs_arg(const struct regs *regs, int k) { return *arg((struct regs *)regs, k); }

void regs_set_arg(struct regs *regs, int k, uint64_t value) { *arg(regs, k) = value; }

long regs_result(const struct regs *regs) { return (long)regs->user.rax; }

uint64_t regs_ip(const struct regs *regs) { return regs->user.rip; }

uint64_t regs_sp(const struct regs *regs) { return regs->user.rsp; }

void regs_set_sp(struct regs *regs, uint64_t sp) { regs->user.rsp = sp; }

void regs_answer(struct regs *regs, long result) {
    regs_set_nr(regs, -1);
    regs->user.rax = (unsigned long)result;
}

void regs_finish(struct regs *regs, const struct regs *before, long result) {
    for (int k = 0; k < 6; k++) regs_set_arg(regs, k, regs_arg(before, k));
    /* Where the kernel makes the call again, it makes the one that the caller asked for. */
    regs->user.orig_rax = before->user.orig_rax;
    regs->user.rax = (unsigned long)result;
}

bool regs_native(const struct regs *regs) { return regs->user.cs == USER_64_BIT; }

#endif
