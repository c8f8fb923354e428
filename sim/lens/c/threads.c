/* Who is traced: a table by thread id, and a small number for each that no two have at a time. */
#include <stdlib.h>
#include <string.h>

#include "lens.h"

#define BUCKETS 1024
#define MOST 65536

static struct thread *buckets[BUCKETS];
static unsigned char taken[MOST / 8];

static struct thread **place_of(pid_t tid) {
    struct thread **place = &buckets[tid % BUCKETS];
    while (*place && (*place)->tid != tid) place = &(*place)->next;
    return place;
}

static int free_index(void) {
    for (int byte = 0; byte < MOST / 8; byte++)
        if (taken[byte] != 0xff)
            for (int bit = 0; bit < 8; bit++)
                if (!(taken[byte] & 1 << bit)) {
                    taken[byte] |= (unsigned char)(1 << bit);
                    return byte * 8 + bit;
                }
    return MOST;
}

struct thread *thread_of(pid_t tid) {
    struct thread **place = place_of(tid);
    if (*place) return *place;
    struct thread *thread = calloc(1, sizeof *thread);
    if (!thread) abort(); /* its end ends what it traces: nobody goes on with a wrong time */
    thread->tid = tid;
    thread->index = free_index();
    return *place = thread;
}

void thread_inherit(struct thread *thread, const struct thread *parent) {
    thread->named = true;
    thread->slots = parent->slots;
    thread->vdso = parent->vdso;
}

void thread_forget(pid_t tid) {
    struct thread **place = place_of(tid), *thread = *place;
    if (!thread) return;
    *place = thread->next;
    if (thread->index < MOST) taken[thread->index / 8] &= (unsigned char)~(1 << thread->index % 8);
    free(thread);
}

void threads_each(void (*act)(struct thread *thread)) {
    for (int k = 0; k < BUCKETS; k++)
        for (struct thread *thread = buckets[k], *next; thread; thread = next) {
            next = thread->next;
            act(thread);
        }
}
