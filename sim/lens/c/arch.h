/* The registers of a traced thread: all that differs between processors. */
#ifndef ARCH_H
#define ARCH_H

#include <linux/audit.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#if defined(__x86_64__)

#define NATIVE_ARCH AUDIT_ARCH_X86_64
struct regs {
    struct user_regs_struct user;
};

#elif defined(__aarch64__)

#define NATIVE_ARCH AUDIT_ARCH_AARCH64
struct regs {
    struct user_regs_struct user;
    int nr, asked_nr; /* as it stands, and as it was read */
};

#else
#error "the lens knows x86-64 and aarch64"
#endif

bool regs_get(pid_t tid, struct regs *regs);
bool regs_put(pid_t tid, const struct regs *regs);
int regs_nr(const struct regs *regs);
void regs_set_nr(struct regs *regs, int nr);
uint64_t regs_arg(const struct regs *regs, int k);
void regs_set_arg(struct regs *regs, int k, uint64_t value);
long regs_result(const struct regs *regs);
uint64_t regs_ip(const struct regs *regs);
uint64_t regs_sp(const struct regs *regs);
void regs_set_sp(struct regs *regs, uint64_t sp);
/* Have the call not made, and its caller find this result. */
void regs_answer(struct regs *regs, long result);
/* At a call's end: this result, and for the rest of its arguments those before the call. */
void regs_finish(struct regs *regs, const struct regs *before, long result);
/* Whether the thread runs code of the processor's own width. */
bool regs_native(const struct regs *regs);

#endif
