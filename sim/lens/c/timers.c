/* Timers: a value and an interval. What is left of one is told in shown time. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lens.h"

#define ABSOLUTE 1 /* TIMER_ABSTIME, TFD_TIMER_ABSTIME */
#define HALF 16    /* bytes of each of the two times */

/* The number after `name` in a file of /proc, behind a line `after`; -1 where there is none. */
static int told(const char *path, const char *after, const char *name) {
    char line[128];
    int found = -1;
    bool there = after == NULL;
    FILE *file = fopen(path, "re");
    if (!file) return -1;
    while (found < 0 && fgets(line, sizeof line, file)) {
        if (!there) there = strcmp(line, after) == 0;
        else if (strncmp(line, name, strlen(name)) == 0) sscanf(line + strlen(name), "%d", &found);
    }
    fclose(file);
    return found;
}

static int clock_of_fd(pid_t tid, int fd) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", tid, fd);
    int clock = told(path, NULL, "clockid:");
    return clock < 0 ? CLOCK_MONOTONIC : clock;
}

/* A timer of processor time (Go's profiler has one) is none of ours. */
static int clock_of_timer(pid_t tid, int timer) {
    char path[64], after[32];
    snprintf(path, sizeof path, "/proc/%d/timers", tid);
    snprintf(after, sizeof after, "ID: %d\n", timer);
    FILE *file = fopen(path, "re");
    if (!file) return CLOCK_MONOTONIC; /* a kernel that does not tell */
    fclose(file);
    return told(path, after, "ClockID:");
}

static long finish_timer(struct thread *thread, struct call *call, long result) {
    if (result == 0 && call->at) {
        span_up(thread->tid, call->at, call->form);
        span_up(thread->tid, call->at + HALF, call->form);
    }
    return result;
}

static enum step asks(struct thread *thread, uint64_t at, enum form form) {
    thread->call.at = at;
    thread->call.form = form;
    thread->call.finish = finish_timer;
    return WATCH;
}

/* `fresh` is the argument with the new value, `old` the one for what is left of the old. */
static enum step sets(struct thread *thread, struct regs *regs, int fresh, enum form form,
                      bool absolute, int clock) {
    uint64_t from = regs_arg(regs, fresh), slot = slot_of(thread, regs);
    ns_t interval, value;
    if (!span_get(thread->tid, from, form, &interval)) return LET;
    if (!span_get(thread->tid, from + HALF, form, &value)) return LET;
    if (value) value = absolute ? real_deadline(clock, value) : real_span(value);
    if (!span_put(thread->tid, slot, form, real_span(interval))) return LET;
    if (!span_put(thread->tid, slot + HALF, form, value)) return LET;
    regs_set_arg(regs, fresh, slot);
    return asks(thread, regs_arg(regs, fresh + 1), form);
}

RULE(enter_timerfd_settime) {
    int clock = clock_of_fd(thread->tid, (int)regs_arg(regs, 0));
    return sets(thread, regs, 2, TIMESPEC, regs_arg(regs, 1) & ABSOLUTE, clock);
}

RULE(enter_timer_settime) {
    int clock = clock_of_timer(thread->tid, (int)regs_arg(regs, 0));
    if (!clock_scaled(clock)) return LET;
    return sets(thread, regs, 2, TIMESPEC, regs_arg(regs, 1) & ABSOLUTE, clock);
}

RULE(enter_setitimer) { return sets(thread, regs, 1, TIMEVAL, false, CLOCK_REALTIME); }

RULE(enter_timerfd_gettime) { return asks(thread, regs_arg(regs, 1), TIMESPEC); }

RULE(enter_timer_gettime) {
    if (!clock_scaled(clock_of_timer(thread->tid, (int)regs_arg(regs, 0)))) return LET;
    return asks(thread, regs_arg(regs, 1), TIMESPEC);
}

RULE(enter_getitimer) { return asks(thread, regs_arg(regs, 1), TIMEVAL); }

#ifdef __NR_alarm
/* The seconds that were left of the alarm before: at least 1 where there was one. */
static long finish_alarm(struct thread *thread, struct call *call, long result) {
    ns_t left = 0;
    if (result < 0) return result;
    span_get(thread->tid, call->copy + HALF, TIMEVAL, &left);
    return (shown_span(left) + SECOND - 1) / SECOND;
}

/* Whole seconds cannot be divided: it becomes setitimer. */
RULE(enter_alarm) {
    uint64_t slot = slot_of(thread, regs);
    ns_t span = real_span((ns_t)(unsigned)regs_arg(regs, 0) * SECOND);
    if (!span_put(thread->tid, slot, TIMEVAL, 0)) return LET;
    if (!span_put(thread->tid, slot + HALF, TIMEVAL, span)) return LET;
    thread->call.copy = slot + 2 * HALF;
    thread->call.finish = finish_alarm;
    regs_set_nr(regs, __NR_setitimer);
    regs_set_arg(regs, 0, ITIMER_REAL);
    regs_set_arg(regs, 1, slot);
    regs_set_arg(regs, 2, slot + 2 * HALF);
    return WATCH;
}
#endif
