/* Times in the caller's memory: seconds, and nanoseconds or microseconds. */
#include "lens.h"

bool span_get(pid_t tid, uint64_t at, enum form form, ns_t *span) {
    int64_t fields[2];
    ns_t unit = form == TIMESPEC ? 1 : 1000;
    if (!at || !memory_get(tid, at, fields, sizeof fields)) return false;
    /* What the kernel calls invalid, it shall see as it is. */
    if (fields[0] < 0 || fields[1] < 0 || fields[1] * unit >= SECOND) return false;
    if (fields[0] >= INT64_MAX / SECOND) return false;
    *span = fields[0] * SECOND + fields[1] * unit;
    return true;
}

bool span_put(pid_t tid, uint64_t at, enum form form, ns_t span) {
    ns_t unit = form == TIMESPEC ? 1 : 1000;
    ns_t part = span % SECOND;
    /* Not 0 where it was more: that would be no timeout, or a timer that is off. */
    if (span && span < unit) part = unit;
    int64_t fields[2] = {span / SECOND, part / unit};
    return memory_put(tid, at, fields, sizeof fields);
}

void span_up(pid_t tid, uint64_t at, enum form form) {
    ns_t span;
    if (span_get(tid, at, form, &span)) span_put(tid, at, form, shown_span(span));
}

/* The kernel's own results for "make this call again", which no program sees. */
bool is_restart(long result) { return result <= -512 && result >= -516; }
