/* The traced process's memory, a word at a time: the tracer may always, whatever /proc allows. */
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>

#include "lens.h"

#define WORD sizeof(long)

bool memory_get(pid_t tid, uint64_t from, void *to, size_t size) {
    for (size_t done = 0; done < size; done += WORD) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, tid, from + done, 0);
        if (errno) return false;
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
