/* Calls that tell the time: they are answered here, and not made. */
#include <errno.h>
#include <time.h>

#include "lens.h"

static enum step tell(long result) {
    answer = result;
    return ANSWER;
}

RULE(enter_clock_gettime) {
    /* The stub asks the kernel's own function, which makes the call where the host's clock cannot
     * be read without one. The stub scales it then. */
    if (vdso_holds(thread->vdso, regs_ip(regs))) return LET;
    ns_t now = shown_now((int)regs_arg(regs, 0));
    return tell(span_put(thread->tid, regs_arg(regs, 1), TIMESPEC, now) ? 0 : -EFAULT);
}

RULE(enter_gettimeofday) {
    uint64_t to = regs_arg(regs, 0);
    if (!to || vdso_holds(thread->vdso, regs_ip(regs))) return LET;
    return tell(span_put(thread->tid, to, TIMEVAL, shown_now(CLOCK_REALTIME)) ? 0 : -EFAULT);
}

RULE(enter_time) {
    if (vdso_holds(thread->vdso, regs_ip(regs))) return LET;
    int64_t now = shown_now(CLOCK_REALTIME) / SECOND;
    uint64_t to = regs_arg(regs, 0);
    if (to && !memory_put(thread->tid, to, &now, sizeof now)) return tell(-EFAULT);
    return tell(now);
}

/* Its timeouts lie in memory that it shares with the kernel: nobody could scale them. Programs take
 * it for a kernel without io_uring, and fall back. */
RULE(enter_io_uring) {
    (void)thread, (void)regs;
    note(NOTE_IO_URING);
    return tell(-ENOSYS);
}
