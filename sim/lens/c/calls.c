/* Every call that is looked at, and when. The filter and the supervisor follow this one table. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lens.h"

/* Newer than some headers. */
#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif
#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif

const struct rule rules[] = {
    {__NR_clock_gettime, CLOCK, 0, enter_clock_gettime},
    {__NR_gettimeofday, NOT_NULL, 0, enter_gettimeofday},
    {__NR_futex, FUTEX_WAITS, 3, enter_futex},
    {__NR_futex_waitv, NOT_NULL, 3, enter_futex_waitv},
    {__NR_epoll_pwait, FINITE, 3, enter_epoll_pwait},
    {__NR_epoll_pwait2, NOT_NULL, 3, enter_epoll_pwait2},
    {__NR_ppoll, NOT_NULL, 2, enter_ppoll},
    {__NR_pselect6, NOT_NULL, 4, enter_pselect},
    {__NR_nanosleep, ALWAYS, 0, enter_nanosleep},
    {__NR_clock_nanosleep, CLOCK, 0, enter_clock_nanosleep},
    {__NR_restart_syscall, ALWAYS, 0, enter_restart},
    {__NR_timerfd_settime, ALWAYS, 0, enter_timerfd_settime},
    {__NR_timerfd_gettime, ALWAYS, 0, enter_timerfd_gettime},
    {__NR_timer_settime, ALWAYS, 0, enter_timer_settime},
    {__NR_timer_gettime, ALWAYS, 0, enter_timer_gettime},
    {__NR_setitimer, IS_ZERO, 0, enter_setitimer},
    {__NR_getitimer, IS_ZERO, 0, enter_getitimer},
    {__NR_rt_sigtimedwait, NOT_NULL, 2, enter_span_2},
    {__NR_semtimedop, NOT_NULL, 3, enter_span_3},
    {__NR_io_getevents, NOT_NULL, 4, enter_span_4},
    {__NR_io_pgetevents, NOT_NULL, 4, enter_span_4},
    {__NR_recvmmsg, NOT_NULL, 4, enter_recvmmsg},
    {__NR_mq_timedsend, NOT_NULL, 4, enter_mq_timed},
    {__NR_mq_timedreceive, NOT_NULL, 4, enter_mq_timed},
    {__NR_setsockopt, SOCKET_TIMES, 0, enter_setsockopt},
    {__NR_getsockopt, SOCKET_TIMES, 0, enter_getsockopt},
    {__NR_io_uring_setup, ALWAYS, 0, enter_io_uring},
#ifdef __NR_poll /* x86-64 has these of old */
    {__NR_poll, FINITE, 2, enter_poll},
    {__NR_epoll_wait, FINITE, 3, enter_epoll_wait},
    {__NR_select, NOT_NULL, 4, enter_select},
    {__NR_time, ALWAYS, 0, enter_time},
    {__NR_alarm, ALWAYS, 0, enter_alarm},
#endif
};
const int rule_count = sizeof rules / sizeof *rules;

long answer;
bool has_epoll_pwait2;

void calls_probe(void) {
    long refused = syscall(__NR_epoll_pwait2, -1, 0, 0, 0, 0, 0);
    has_epoll_pwait2 = refused && errno != ENOSYS && errno != EPERM;
}

long finish_plain(struct thread *thread, struct call *call, long result) {
    (void)thread, (void)call;
    return result;
}
