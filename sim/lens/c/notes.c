/* What the simulator is told: a line for each thing seen that the lens does not cover, and `end`,
 * or `failed` where the lens cannot do its work. The file is locked as long as somebody supervises,
 * so whoever finds it unlocked and without `end` knows that the supervisor was killed, and its
 * machine with it. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lens.h"

static int file = -1;
static const char *const words[NOTE_COUNT] = {
    [NOTE_IO_URING] = "io_uring\n",
    [NOTE_KEEPALIVE] = "keepalive\n",
    [NOTE_LINGER] = "linger\n",
    [NOTE_NO_STUB] = "no stub\n",
    [NOTE_32_BIT] = "32 bit\n",
    [NOTE_HIDDEN] = "hidden\n",
};

static void write_line(const char *line) {
    if (file >= 0 && write(file, line, strlen(line)) < 0) return; /* nobody reads it then */
}

int notes_open(const char *path) {
    file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    return file >= 0 && flock(file, LOCK_EX | LOCK_NB) ? -1 : file;
}

void note(enum note what) {
    static bool noted[NOTE_COUNT];
    if (noted[what]) return;
    noted[what] = true;
    write_line(words[what]);
}

void notes_end(void) { write_line("end\n"); }

/* The machine ends with it: it must not be said that it died by itself. */
void notes_failed(void) { write_line("failed\n"); }

static void crashed(int signal) {
    notes_failed();
    _exit(128 + signal);
}

void notes_tell_crash(void) {
    static const int defects[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t k = 0; k < sizeof defects / sizeof *defects; k++) signal(defects[k], crashed);
}
