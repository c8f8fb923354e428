/* A program for the lens to be tried with: what it sees of time, a line for each way to see it.
 *
 * `clock` lines are instants, which whoever started it compares with his own clock; the others are
 * how long half a second lasted, by the shown clock. */
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lens.h"

#define HALF_A_SECOND (SECOND / 2)

static const struct timespec half = {0, HALF_A_SECOND};

static struct timespec in_half(int clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    now.tv_nsec += HALF_A_SECOND;
    if (now.tv_nsec >= SECOND) now.tv_sec++, now.tv_nsec -= SECOND;
    return now;
}

static void sleeps(void) { nanosleep(&half, NULL); }

static void sleeps_until(void) {
    struct timespec then = in_half(CLOCK_REALTIME);
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &then, NULL);
}

static void polls(void) { poll(NULL, 0, 500); }

static void selects(void) {
    struct timeval span = {0, 500000};
    select(0, NULL, NULL, NULL, &span);
}

static void waits_in_epoll(void) {
    struct epoll_event event;
    int epoll = epoll_create1(0);
    epoll_wait(epoll, &event, 1, 500);
    close(epoll);
}

static void waits_for_condition(void) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct timespec then = in_half(CLOCK_REALTIME);
    pthread_mutex_lock(&mutex);
    while (pthread_cond_timedwait(&condition, &mutex, &then) == 0) continue;
}

static void waits_for_futex(void) {
    int word = 0;
    syscall(__NR_futex, &word, FUTEX_WAIT_PRIVATE, 0, &half, NULL, 0);
}

static void reads_timer(void) {
    struct itimerspec timer = {{0, 0}, half};
    uint64_t times;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(fd, 0, &timer, NULL);
    if (read(fd, &times, sizeof times) < 0) return;
    close(fd);
}

static void awaits_alarm(void) {
    struct itimerval timer = {{0, 0}, {0, 500000}};
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    sigwait(&set, &number);
}

static ns_t of(const struct timespec *time) { return time->tv_sec * SECOND + time->tv_nsec; }

static void tell_clock(const char *name, int clock, bool by_call) {
    struct timespec now;
    if (by_call) syscall(__NR_clock_gettime, clock, &now);
    else clock_gettime(clock, &now);
    printf("clock %s %lld\n", name, (long long)of(&now));
}

static void tell_wait(const char *name, void (*wait)(void)) {
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    wait();
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("lasted %lld %s\n", (long long)(of(&ended) - of(&began)), name);
}

int probe(void) {
    static const struct {
        const char *name;
        void (*wait)(void);
    } ways[] = {
        {"nanosleep", sleeps},           {"clock_nanosleep", sleeps_until},
        {"poll", polls},                 {"select", selects},
        {"epoll_wait", waits_in_epoll},  {"condition", waits_for_condition},
        {"futex", waits_for_futex},      {"timerfd", reads_timer},
        {"setitimer", awaits_alarm},
    };
    tell_clock("monotonic", CLOCK_MONOTONIC, false);
    tell_clock("monotonic", CLOCK_MONOTONIC, true);
    tell_clock("realtime", CLOCK_REALTIME, false);
    tell_clock("realtime", CLOCK_REALTIME, true);
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) tell_wait(ways[k].name, ways[k].wait);
    fflush(stdout);
    pid_t child = fork();
    if (!child) tell_wait("a child's sleep", sleeps);
    else waitpid(child, NULL, 0);
    return 0;
}
