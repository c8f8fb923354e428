/* A new program begins: it is given scratch memory, and a clock that shows the world's time.
 *
 * At its first instruction the stack holds argc, argv, envp and the auxiliary vector, found by the
 * stack pointer alone; the strings lie elsewhere. So that block moves down, and what is between is
 * the process's for good: a slot for each of its threads, in which a call finds the scaled copy of
 * a time. Memory below the stack pointer would not do: a goroutine's stack ends there. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lens.h"

#define SLOT 64
#define SLOTS 1000
/* One more, so that they can be aligned. A stack begins with twice that (setup_arg_pages). */
#define SCRATCH ((uint64_t)SLOT * (SLOTS + 1))
#define RED_ZONE 1024
#define AT_IGNORED 1

uint64_t slot_of(const struct thread *thread, const struct regs *regs) {
    if (thread->slots && thread->index < SLOTS)
        return thread->slots + (uint64_t)thread->index * SLOT;
    return (regs_sp(regs) - RED_ZONE) & ~15ULL;
}

static uint64_t word(pid_t tid, uint64_t at) {
    uint64_t value = 0;
    memory_get(tid, at, &value, sizeof value);
    return value;
}

/* Where the auxiliary vector begins: after argc, argv and envp, each with a zero at its end. */
static uint64_t vector_at(pid_t tid, uint64_t sp) {
    uint64_t at = sp + 8 * (word(tid, sp) + 2);
    while (word(tid, at)) at += 8;
    return at + 8;
}

static void set_clock(struct thread *thread, uint64_t entry, uint64_t vdso) {
    if (vdso_stub(thread->tid, vdso)) {
        thread->vdso = vdso;
        return;
    }
    uint64_t ignored = AT_IGNORED; /* libc and Go find no vDSO, and make real calls */
    if (memory_put(thread->tid, entry, &ignored, sizeof ignored)) note(NOTE_NO_STUB);
    /* Else it was killed as it began. */
}

static bool move_down(struct thread *thread, uint64_t from, uint64_t size) {
    char *block = malloc(size);
    bool moved = block && memory_get(thread->tid, from, block, size) &&
                 memory_put(thread->tid, from - SCRATCH, block, size);
    free(block);
    return moved;
}

void exec_prepare(struct thread *thread) {
    struct regs regs;
    thread->slots = thread->vdso = 0;
    thread->poll_until = 0;
    thread->restart.finish = NULL;
    if (!regs_get(thread->tid, &regs)) return;
    if (!regs_native(&regs)) {
        note(NOTE_32_BIT);
        return;
    }
    uint64_t sp = regs_sp(&regs), vector = vector_at(thread->tid, sp), end = vector, kind;
    for (; (kind = word(thread->tid, end)); end += 16)
        if (kind == AT_SYSINFO_EHDR) set_clock(thread, end, word(thread->tid, end + 8));
    uint64_t size = end + 16 - sp;
    if (!move_down(thread, sp, size)) return;
    regs_set_sp(&regs, sp - SCRATCH);
    if (!regs_put(thread->tid, &regs)) return;
    thread->slots = (sp - SCRATCH + size + SLOT - 1) & ~(uint64_t)(SLOT - 1);
}
