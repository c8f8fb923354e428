/* Calls that sleep, and futexes: a span is divided, a deadline is mapped back. */
#include <errno.h>
#include <linux/futex.h>
#include <time.h>

#include "lens.h"

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

/* Put a scaled copy into the slot, and have argument `k` point to it. */
static enum step replaced(struct thread *thread, struct regs *regs, int k, ns_t real) {
    uint64_t slot = slot_of(thread, regs);
    if (!span_put(thread->tid, slot, TIMESPEC, real)) return LET;
    regs_set_arg(regs, k, slot);
    return WATCH;
}

/* What is left of a sleep that a signal interrupted. */
static long finish_sleep(struct thread *thread, struct call *call, long result) {
    if (call->at && (result == -EINTR || is_restart(result)))
        span_up(thread->tid, call->at, TIMESPEC);
    if (is_restart(result)) thread->restart = *call;
    else thread->restart.finish = NULL;
    return result;
}

static enum step sleep_for(struct thread *thread, struct regs *regs, int k) {
    ns_t span;
    if (!span_get(thread->tid, regs_arg(regs, k), TIMESPEC, &span)) return LET;
    thread->call.finish = finish_sleep;
    thread->call.at = regs_arg(regs, k + 1);
    return replaced(thread, regs, k, real_span(span));
}

static enum step until(struct thread *thread, struct regs *regs, int k, int clock) {
    ns_t deadline;
    if (!clock_scaled(clock)) return LET;
    if (!span_get(thread->tid, regs_arg(regs, k), TIMESPEC, &deadline)) return LET;
    return replaced(thread, regs, k, real_deadline(clock, deadline));
}

RULE(enter_nanosleep) { return sleep_for(thread, regs, 0); }

RULE(enter_clock_nanosleep) {
    if (regs_arg(regs, 1) & TIMER_ABSTIME)
        return until(thread, regs, 2, (int)regs_arg(regs, 0));
    return sleep_for(thread, regs, 2);
}

/* The kernel goes on with what a stop interrupted; it remembers the real deadline by itself. */
RULE(enter_restart) {
    (void)regs;
    if (!thread->restart.finish) return LET;
    thread->call.finish = thread->restart.finish;
    thread->call.at = thread->restart.at;
    return WATCH;
}

RULE(enter_futex) {
    int operation = (int)regs_arg(regs, 1);
    int clock = operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    ns_t span;
    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        if (!span_get(thread->tid, regs_arg(regs, 3), TIMESPEC, &span)) return LET;
        return replaced(thread, regs, 3, real_span(span));
    case FUTEX_LOCK_PI:
        return until(thread, regs, 3, CLOCK_REALTIME);
    default:
        return until(thread, regs, 3, clock);
    }
}

RULE(enter_futex_waitv) { return until(thread, regs, 3, (int)regs_arg(regs, 4)); }
