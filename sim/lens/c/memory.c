/* The traced process's memory, a word at a time: its tracer may, whatever /proc allows. But for a
 * process that has changed its user, or asked that nobody see its memory: then only root may. */
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>

#include "lens.h"

#define WORD sizeof(long)

static bool failed;

bool memory_get(pid_t tid, uint64_t from, void *to, size_t size) {
    for (size_t done = 0; done < size; done += WORD) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, tid, from + done, 0);
        if (errno) {
            failed = true;
            return false;
        }
        memcpy((char *)to + done, &word, size - done < WORD ? size - done : WORD);
    }
    return true;
}

bool memory_put(pid_t tid, uint64_t to, const void *from, size_t size) {
    for (size_t done = 0; done < size; done += WORD) {
        long word = 0;
        if (size - done < WORD && !memory_get(tid, to + done, &word, WORD)) return false;
        memcpy(&word, (const char *)from + done, size - done < WORD ? size - done : WORD);
        if (ptrace(PTRACE_POKEDATA, tid, to + done, word)) return false;
    }
    return true;
}

bool memory_is_hidden(const struct thread *thread, const struct regs *regs) {
    long word;
    if (!failed) return false;
    failed = false; /* it may have been a wrong address; a stack is none */
    bool hidden = !memory_get(thread->tid, regs_sp(regs), &word, sizeof word);
    failed = false;
    return hidden;
}
