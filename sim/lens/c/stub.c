/* The cheap clock: what stands in for the vDSO's functions, in the process itself.
 *
 * This section is copied to another place (vdso.c), so it refers to nothing outside of itself: no
 * function, no constant in memory, no table of jumps. It asks the kernel's own function, which
 * reads the real clock without a call into the kernel, and scales what that says. */
#include "stub.h"

#define PART __attribute__((section("lens_stub"), noinline, used))

__asm__(".pushsection lens_stub,\"ax\",%progbits\n"
        ".balign 64\n.globl stub_data\nstub_data:\n.skip 64\n"
        ".popsection\n");

struct moment {
    int64_t s, part;
};

typedef int clock_function(int clock, struct moment *to);

static inline __attribute__((always_inline)) const struct stub_data *data(void) {
    const struct stub_data *found;
#if defined(__x86_64__)
    __asm__("lea stub_data(%%rip), %0" : "=r"(found));
#else
    __asm__("adr %0, stub_data" : "=r"(found));
#endif
    return found;
}

static inline __attribute__((always_inline)) int read_shown(int clock, struct moment *to) {
    const struct stub_data *own = data();
    clock_function *real = (clock_function *)own->clock_gettime;
    struct moment now;
    int failed = real(clock, to);
    if (failed || !stub_scaled(clock)) return failed;
    if ((failed = real(1, &now))) return failed;
    int64_t passed = now.s * 1000000000 + now.part - own->base;
    int64_t shown = to->s * 1000000000 + to->part + stub_drift(passed, own->factor);
    to->s = shown / 1000000000;
    to->part = shown % 1000000000;
    return 0;
}

PART int stub_clock_gettime(int clock, void *to) { return read_shown(clock, to); }

PART int stub_gettimeofday(void *to, void *zone) {
    struct moment now, *told = to;
    int64_t *west = zone; /* two ints: no zone is what kernels say */
    if (west) *west = 0;
    if (!told) return 0;
    int failed = read_shown(0, &now);
    if (failed) return failed;
    told->s = now.s;
    told->part = now.part / 1000;
    return 0;
}

PART long stub_time(long *to) {
    struct moment now;
    if (read_shown(0, &now)) return -1;
    if (to) *to = now.s;
    return now.s;
}
