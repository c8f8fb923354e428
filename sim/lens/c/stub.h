/* The arithmetic of shown time, in whole numbers: the supervisor and the stub have to agree. */
#ifndef STUB_H
#define STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* speed - 1, in units of 2^-32. */
static inline int64_t stub_factor(double speed) { return (int64_t)((speed - 1) * 4294967296.0); }

static inline __attribute__((always_inline)) int64_t stub_drift(int64_t passed, int64_t factor) {
    return (int64_t)((__int128)passed * factor >> 32);
}

/* All clocks of the kernel but those of processor time (2 and 3), and those of devices. */
static inline __attribute__((always_inline)) bool stub_scaled(int clock) {
    return clock >= 0 && clock <= 11 && clock != 2 && clock != 3;
}

/* What the stub finds in front of its code. */
struct stub_data {
    int64_t base;
    int64_t factor;
    uint64_t clock_gettime; /* the kernel's own */
};

/* The stub is copied as it is: data first, then code that needs nothing else. */
extern const char __start_lens_stub[], __stop_lens_stub[];
extern struct stub_data stub_data;
int stub_clock_gettime(int clock, void *to);
int stub_gettimeofday(void *to, void *zone);
long stub_time(long *to);

#endif
