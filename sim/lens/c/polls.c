/* Calls that wait for descriptors. Milliseconds are too coarse at ten times: poll and epoll_wait
 * become their siblings that take nanoseconds. */
#include <sys/syscall.h>
#include <time.h>

#include "lens.h"

#define MILLISECOND 1000000LL
#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif

/* The kernel writes what is left into the copy: it belongs into the caller's, in shown time. */
static long finish_left(struct thread *thread, struct call *call, long result) {
    ns_t left;
    if (span_get(thread->tid, call->copy, call->form, &left))
        span_put(thread->tid, call->at, call->form, shown_span(left));
    return result;
}

static enum step divided(struct thread *thread, struct regs *regs, int k, enum form form) {
    ns_t span;
    uint64_t slot = slot_of(thread, regs);
    if (!span_get(thread->tid, regs_arg(regs, k), form, &span)) return LET;
    if (!span_put(thread->tid, slot, form, real_span(span))) return LET;
    thread->call.at = regs_arg(regs, k);
    thread->call.copy = slot;
    thread->call.form = form;
    thread->call.finish = finish_left;
    regs_set_arg(regs, k, slot);
    return WATCH;
}

RULE(enter_ppoll) { return divided(thread, regs, 2, TIMESPEC); }
RULE(enter_select) { return divided(thread, regs, 4, TIMEVAL); }
RULE(enter_pselect) { return divided(thread, regs, 4, TIMESPEC); }

#ifdef __NR_poll
/* One that a stop interrupts is made again with the caller's arguments, so with all of its time;
 * a real poll keeps to its first deadline. */
static long finish_poll(struct thread *thread, struct call *call, long result) {
    if (is_restart(result)) thread->poll = call->before;
    else thread->poll_until = 0;
    return result;
}

static bool same_poll(const struct thread *thread, const struct regs *regs) {
    if (!thread->poll_until || regs_ip(regs) != regs_ip(&thread->poll)) return false;
    for (int k = 0; k < 3; k++)
        if (regs_arg(regs, k) != regs_arg(&thread->poll, k)) return false;
    return regs_sp(regs) == regs_sp(&thread->poll);
}

RULE(enter_poll) {
    uint64_t slot = slot_of(thread, regs);
    ns_t now = real_now(CLOCK_MONOTONIC), span = real_span((int)regs_arg(regs, 2) * MILLISECOND);
    if (same_poll(thread, regs)) span = thread->poll_until > now ? thread->poll_until - now : 1;
    thread->poll_until = now + span;
    if (!span_put(thread->tid, slot, TIMESPEC, span)) return LET;
    thread->call.finish = finish_poll;
    regs_set_nr(regs, __NR_ppoll);
    regs_set_arg(regs, 2, slot);
    regs_set_arg(regs, 3, 0);
    regs_set_arg(regs, 4, 0);
    return WATCH;
}
#endif

static enum step epoll(struct thread *thread, struct regs *regs, bool with_mask) {
    uint64_t slot = slot_of(thread, regs);
    ns_t span = real_span((int)regs_arg(regs, 3) * MILLISECOND);
    if (!has_epoll_pwait2) { /* an older kernel, or a container that refuses it */
        regs_set_arg(regs, 3, (uint64_t)((span + MILLISECOND - 1) / MILLISECOND));
        return WATCH;
    }
    if (!span_put(thread->tid, slot, TIMESPEC, span)) return LET;
    regs_set_nr(regs, __NR_epoll_pwait2);
    regs_set_arg(regs, 3, slot);
    if (!with_mask) {
        regs_set_arg(regs, 4, 0);
        regs_set_arg(regs, 5, 0);
    }
    return WATCH;
}

RULE(enter_epoll_wait) { return epoll(thread, regs, false); }
RULE(enter_epoll_pwait) { return epoll(thread, regs, true); }

RULE(enter_epoll_pwait2) {
    enum step step = divided(thread, regs, 3, TIMESPEC);
    thread->call.finish = finish_plain; /* this one leaves the caller's as it was */
    return step;
}
