/* Calls that wait for a message, a semaphore, a signal, a finished read. */
#include <time.h>

#include "lens.h"

static enum step at(struct thread *thread, struct regs *regs, int k, ns_t real) {
    uint64_t slot = slot_of(thread, regs);
    if (!span_put(thread->tid, slot, TIMESPEC, real)) return LET;
    thread->call.copy = slot;
    regs_set_arg(regs, k, slot);
    return WATCH;
}

static enum step span_at(struct thread *thread, struct regs *regs, int k) {
    ns_t span;
    if (!span_get(thread->tid, regs_arg(regs, k), TIMESPEC, &span)) return LET;
    return at(thread, regs, k, real_span(span));
}

RULE(enter_span_2) { return span_at(thread, regs, 2); } /* rt_sigtimedwait */
RULE(enter_span_3) { return span_at(thread, regs, 3); } /* semtimedop */
RULE(enter_span_4) { return span_at(thread, regs, 4); } /* io_getevents, io_pgetevents */

static long finish_recvmmsg(struct thread *thread, struct call *call, long result) {
    ns_t left;
    if (result >= 0 && span_get(thread->tid, call->copy, TIMESPEC, &left))
        span_put(thread->tid, call->at, TIMESPEC, shown_span(left));
    return result;
}

RULE(enter_recvmmsg) {
    thread->call.at = regs_arg(regs, 4);
    thread->call.finish = finish_recvmmsg;
    return span_at(thread, regs, 4);
}

RULE(enter_mq_timed) {
    ns_t deadline;
    if (!span_get(thread->tid, regs_arg(regs, 4), TIMESPEC, &deadline)) return LET;
    return at(thread, regs, 4, real_deadline(CLOCK_REALTIME, deadline));
}
