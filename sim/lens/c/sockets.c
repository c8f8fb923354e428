/* Options of sockets that are times. What whole seconds cannot say is noted. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "lens.h"

static bool socket_timeout(const struct regs *regs) {
    int option = (int)regs_arg(regs, 2);
    return (int)regs_arg(regs, 1) == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO);
}

RULE(enter_setsockopt) {
    uint64_t slot = slot_of(thread, regs), from = regs_arg(regs, 3);
    int option = (int)regs_arg(regs, 2), size = (int)regs_arg(regs, 4);
    if (socket_timeout(regs)) {
        ns_t span;
        if (size < 16 || !span_get(thread->tid, from, TIMEVAL, &span)) return LET;
        if (!span_put(thread->tid, slot, TIMEVAL, real_span(span))) return LET;
        regs_set_arg(regs, 3, slot);
        regs_set_arg(regs, 4, 16);
        return WATCH;
    }
    if ((int)regs_arg(regs, 1) == SOL_SOCKET) {
        struct linger linger;
        if (size >= (int)sizeof linger && memory_get(thread->tid, from, &linger, sizeof linger) &&
            linger.l_onoff && linger.l_linger)
            note(NOTE_LINGER);
        return LET;
    }
    if (option == TCP_USER_TIMEOUT) {
        uint32_t ms;
        if (size < 4 || !memory_get(thread->tid, from, &ms, sizeof ms) || !ms) return LET;
        uint32_t real = (uint32_t)(ms / clock_speed());
        if (!real) real = 1;
        if (!memory_put(thread->tid, slot, &real, sizeof real)) return LET;
        regs_set_arg(regs, 3, slot);
        regs_set_arg(regs, 4, sizeof real);
        return WATCH;
    }
    uint32_t seconds;
    if (size < 4 || !memory_get(thread->tid, from, &seconds, sizeof seconds)) return LET;
    uint32_t real = (uint32_t)(seconds / clock_speed() + 0.5);
    if (!real) real = 1;
    if (real * clock_speed() != seconds) note(NOTE_KEEPALIVE);
    if (!memory_put(thread->tid, slot, &real, sizeof real)) return LET;
    regs_set_arg(regs, 3, slot);
    regs_set_arg(regs, 4, sizeof real);
    return WATCH;
}

static long finish_timeout(struct thread *thread, struct call *call, long result) {
    if (result == 0) span_up(thread->tid, call->at, TIMEVAL);
    return result;
}

static long finish_number(struct thread *thread, struct call *call, long result) {
    uint32_t number;
    if (result == 0 && memory_get(thread->tid, call->at, &number, sizeof number)) {
        number = (uint32_t)(number * clock_speed());
        memory_put(thread->tid, call->at, &number, sizeof number);
    }
    return result;
}

RULE(enter_getsockopt) {
    bool tcp = (int)regs_arg(regs, 1) == IPPROTO_TCP;
    if (!tcp && !socket_timeout(regs)) return LET;
    thread->call.at = regs_arg(regs, 3);
    thread->call.finish = tcp ? finish_number : finish_timeout;
    return WATCH;
}
