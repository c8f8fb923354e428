/* Shown and real time. Every process of a world is given the same speed and the same base, so that
 * their calendars agree. What is shown follows from the monotonic clock alone: a host's calendar
 * that is set forward by a second is so by one second here too, and not by `speed` seconds. */
#include <time.h>

#include "lens.h"
#include "stub.h"

static double speed = 1;
static ns_t base;
static int64_t factor;

#define FOREVER (SECOND * 1000000000LL) /* longer spans are passed on: they would overflow */

void clock_set(double asked, ns_t from) {
    speed = asked;
    base = from;
    factor = stub_factor(asked);
}

double clock_speed(void) { return speed; }

ns_t clock_base(void) { return base; }

bool clock_scaled(int clock) { return stub_scaled(clock); }

ns_t real_now(int clock) {
    struct timespec now;
    if (clock_gettime(clock, &now)) return 0;
    return now.tv_sec * SECOND + now.tv_nsec;
}

ns_t shown_now(int clock) {
    return real_now(clock) + stub_drift(real_now(CLOCK_MONOTONIC) - base, factor);
}

ns_t real_span(ns_t shown) {
    if (shown <= 0 || shown >= FOREVER) return shown;
    ns_t real = (ns_t)((double)shown / speed);
    return real ? real : 1;
}

ns_t shown_span(ns_t real) {
    if (real <= 0 || real >= FOREVER) return real;
    return (ns_t)((double)real * speed);
}

ns_t real_deadline(int clock, ns_t shown) {
    if (shown >= FOREVER * 4) return shown;
    ns_t ahead = shown - shown_now(clock);
    ns_t real = real_now(clock) + (ns_t)((double)ahead / speed);
    return real > 0 ? real : 1;
}
