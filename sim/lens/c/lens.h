/* The lens: a process and all that descends from it see time pass `speed` times as fast.
 *
 *   shown = real + (monotonic now - base) x (speed - 1)      for every clock but processor time
 *
 * A supervisor traces the process. Calls that tell time are answered in its place, calls that wait
 * get the real span in place of the shown one, everything else never stops (filter.c). One file
 * one story; this one has what they share. */
#ifndef LENS_H
#define LENS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "arch.h"

typedef int64_t ns_t;
#define SECOND 1000000000LL

/* --- clock.c: shown and real time --------------------------------------------------------- */

void clock_set(double speed, ns_t base);
double clock_speed(void);
ns_t clock_base(void);
bool clock_scaled(int clock);
ns_t real_now(int clock);
ns_t shown_now(int clock);
ns_t real_span(ns_t shown); /* 0 stays 0 and nothing else becomes 0: a timer of 0 is off */
ns_t shown_span(ns_t real);
ns_t real_deadline(int clock, ns_t shown);

/* --- spans.c: times in the caller's memory -------------------------------------------------- */

enum form { TIMESPEC, TIMEVAL };
bool span_get(pid_t tid, uint64_t at, enum form form, ns_t *span); /* false where it is none */
bool span_put(pid_t tid, uint64_t at, enum form form, ns_t span);
void span_up(pid_t tid, uint64_t at, enum form form);
bool is_restart(long result);

/* --- threads.c: who is traced -------------------------------------------------------------- */

struct thread;

/* A call that is under way and whose end must be seen. */
struct call {
    struct regs before; /* as the caller made it: given back at its end */
    /* Looks at the end of the call; the result that it returns is what the caller gets. */
    long (*finish)(struct thread *thread, struct call *call, long result);
    uint64_t at;    /* the caller's memory that the kernel's answer belongs into */
    uint64_t copy;  /* where the kernel finds, and leaves, the scaled one */
    enum form form; /* of what is there */
};

struct thread {
    pid_t tid;
    int index; /* no two living threads have the same: the number of its slot */
    struct thread *next;
    bool named;    /* its parent told of it: it has its parent's memory */
    bool held;     /* it stands at its first stop until its parent has told */
    bool watching; /* `call` is under way */
    struct call call;
    struct call restart; /* a sleep that restart_syscall will go on with */
    uint64_t slots;      /* scratch memory of its process, 0 where there is none */
    uint64_t vdso;       /* the kernel's, where the stub calls it; 0 where it is hidden */
    ns_t poll_until;     /* the deadline of a poll that a stop interrupted, and that begins again */
    struct regs poll;
};

struct thread *thread_of(pid_t tid); /* made where there is none */
void thread_inherit(struct thread *thread, const struct thread *parent);
void thread_forget(pid_t tid);
void threads_each(void (*act)(struct thread *thread));

/* --- memory.c: the traced process's memory -------------------------------------------------- */

bool memory_get(pid_t tid, uint64_t from, void *to, size_t size);
bool memory_put(pid_t tid, uint64_t to, const void *from, size_t size);
bool memory_is_hidden(const struct thread *thread, const struct regs *regs);

/* --- calls.c: which calls are looked at, and how ---------------------------------------------- */

enum step {
    LET,    /* it goes on as it is */
    ANSWER, /* it is not made: the result stands in `answer` */
    WATCH,  /* it goes on, perhaps changed, and its end is looked at */
};

/* When a call is looked at; the filter decides, so that any other time costs nothing. */
enum when {
    ALWAYS,
    CLOCK,      /* argument `arg` is a clock that is scaled */
    NOT_NULL,   /* argument `arg` is a pointer */
    FINITE,     /* argument `arg` is a timeout in milliseconds, neither 0 nor negative */
    IS_ZERO,    /* argument `arg` is 0 */
    FUTEX_WAITS, /* futex: a wait that has a timeout */
    SOCKET_TIMES /* setsockopt, getsockopt: an option that is a time */
};

struct rule {
    int nr;
    enum when when;
    int arg;
    enum step (*enter)(struct thread *thread, struct regs *regs);
};

extern const struct rule rules[];
extern const int rule_count;

extern long answer;
extern bool has_epoll_pwait2;
void calls_probe(void); /* what this kernel has; before the filter is there */
long finish_plain(struct thread *thread, struct call *call, long result);
uint64_t slot_of(const struct thread *thread, const struct regs *regs);

#define RULE(name) enum step name(struct thread *thread, struct regs *regs)
/* answers.c */
RULE(enter_clock_gettime);
RULE(enter_gettimeofday);
RULE(enter_time);
RULE(enter_io_uring);
/* sleeps.c */
RULE(enter_nanosleep);
RULE(enter_clock_nanosleep);
RULE(enter_restart);
RULE(enter_futex);
RULE(enter_futex_waitv);
/* polls.c */
RULE(enter_poll);
RULE(enter_ppoll);
RULE(enter_epoll_wait);
RULE(enter_epoll_pwait);
RULE(enter_epoll_pwait2);
RULE(enter_select);
RULE(enter_pselect);
/* queues.c */
RULE(enter_span_2);
RULE(enter_span_3);
RULE(enter_span_4);
RULE(enter_recvmmsg);
RULE(enter_mq_timed);
/* timers.c */
RULE(enter_timerfd_settime);
RULE(enter_timerfd_gettime);
RULE(enter_timer_settime);
RULE(enter_timer_gettime);
RULE(enter_setitimer);
RULE(enter_getitimer);
RULE(enter_alarm);
/* sockets.c */
RULE(enter_setsockopt);
RULE(enter_getsockopt);

/* --- one story each ------------------------------------------------------------------------ */

bool filter_install(void);
void exec_prepare(struct thread *thread);
bool vdso_stub(pid_t tid, uint64_t vdso); /* false where it cannot be done */
bool vdso_holds(uint64_t vdso, uint64_t ip);
int supervise(pid_t main_tid);

enum note {
    NOTE_IO_URING,
    NOTE_KEEPALIVE,
    NOTE_LINGER,
    NOTE_NO_STUB,
    NOTE_32_BIT,
    NOTE_HIDDEN,
    NOTE_COUNT
};
int notes_open(const char *path); /* held as long as somebody supervises; -1 if it cannot be */
void note(enum note what);
void notes_end(void);
void notes_failed(void);
void notes_tell_crash(void);

int probe(void);

#endif
