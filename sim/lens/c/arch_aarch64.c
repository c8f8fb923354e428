/* aarch64: the number of a call is in x8 and is changed beside the registers; x0 is the first
 * argument and the result. */
#if defined(__aarch64__)
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "arch.h"

#define NT_SYSTEM_CALL 0x404
#define MODE_32_BIT 0x10

static bool regset(int request, pid_t tid, int which, void *data, size_t size) {
    struct iovec place = {data, size};
    return ptrace(request, tid, which, &place) == 0;
}

bool regs_get(pid_t tid, struct regs *regs) {
    if (!regset(PTRACE_GETREGSET, tid, NT_PRSTATUS, &regs->user, sizeof regs->user)) return false;
    regs->nr = regs->asked_nr = (int)regs->user.regs[8];
    return true;
}

bool regs_put(pid_t tid, const struct regs *regs) {
    int nr = regs->nr;
    if (nr != regs->asked_nr && !regset(PTRACE_SETREGSET, tid, NT_SYSTEM_CALL, &nr, sizeof nr))
        return false;
    struct user_regs_struct user = regs->user;
    return regset(PTRACE_SETREGSET, tid, NT_PRSTATUS, &user, sizeof user);
}

int regs_nr(const struct regs *regs) { return regs->nr; }

void regs_set_nr(struct regs *regs, int nr) { regs->nr = nr; }

uint64_t regs_arg(const struct regs *regs, int k) { return regs->user.regs[k]; }

void regs_set_arg(struct regs *regs, int k, uint64_t value) { regs->user.regs[k] = value; }

long regs_result(const struct regs *regs) { return (long)regs->user.regs[0]; }

uint64_t regs_ip(const struct regs *regs) { return regs->user.pc; }

uint64_t regs_sp(const struct regs *regs) { return regs->user.sp; }

void regs_set_sp(struct regs *regs, uint64_t sp) { regs->user.sp = sp; }

void regs_answer(struct regs *regs, long result) {
    regs_set_nr(regs, -1);
    regs->user.regs[0] = (uint64_t)result;
}

void regs_finish(struct regs *regs, const struct regs *before, long result) {
    for (int k = 1; k < 6; k++) regs_set_arg(regs, k, regs_arg(before, k));
    regs->user.regs[0] = (uint64_t)result;
}

bool regs_native(const struct regs *regs) { return !(regs->user.pstate & MODE_32_BIT); }

#endif
