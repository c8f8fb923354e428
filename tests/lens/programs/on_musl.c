/* A program with musl as its libc: prints how long each way of waiting lasted, by its own clock. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double now(clockid_t clock) {
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static struct timespec of(double seconds) {
    struct timespec made = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    return made;
}

static void sleeps(double span) {
    struct timespec left = of(span);
    nanosleep(&left, NULL);
}

static void interval(double span) {
    double next = now(CLOCK_MONOTONIC);
    for (int k = 0; k < 5; k++) {
        struct timespec then = of(next += span / 5);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL);
    }
}

static void polls(double span) { poll(NULL, 0, (int)(span * 1000)); }

static void condition(double span) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
    struct timespec then = of(now(CLOCK_REALTIME) + span);
    pthread_mutex_lock(&mutex);
    while (pthread_cond_timedwait(&woken, &mutex, &then) == 0) continue;
}

static void deadline(double span) {
    int ends[2];
    char byte;
    struct timeval left = {(time_t)span, (long)((span - (time_t)span) * 1e6)};
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &left, sizeof left);
    if (read(ends[0], &byte, 1) < 0) close(ends[0]);
}

int main(int count, char **words) {
    static const struct {
        const char *name;
        void (*wait)(double span);
    } ways[] = {{"sleep", sleeps},
                {"interval", interval},
                {"poll timeout", polls},
                {"condition wait", condition},
                {"read deadline", deadline}};
    double total = count > 1 ? atof(words[1]) : 1;
    for (int k = 0; k < 5; k++) {
        ways[k].wait(total / 50); /* so that nothing is done for the first time */
        double began = now(CLOCK_MONOTONIC);
        ways[k].wait(total);
        printf("lasted %.9f %s\n", now(CLOCK_MONOTONIC) - began, ways[k].name);
        fflush(stdout);
    }
    printf("calendar %.9f\n", now(CLOCK_REALTIME));
    return 0;
}
