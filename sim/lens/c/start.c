/* lens --speed K --base NS [--notes FILE] -- COMMAND ...
 *
 * Runs COMMAND in this very process: it keeps the pid, the parent, the session and the descriptors
 * that it has. The supervisor is a process beside it, of no session or group of the command's and
 * without its environment, so that nobody meets it who signals or counts the command's processes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lens.h"

#define CANNOT_LENS 125
#define CANNOT_RUN 126
#define NOT_FOUND 127
#define TIMER_SLACK_NS 50000 /* by which the kernel may let a sleep be late: it counts too */
#define OPTIONS                                                                                   \
    (PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |      \
     PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

extern char **environ;

static int fail(const char *what) {
    fprintf(stderr, "lens: %s: %s\n", what, strerror(errno));
    notes_failed();
    return CANNOT_LENS;
}

/* In the environment there are marks by which a world's processes are found, and secrets. */
static void forget_environment(void) {
    for (char **entry = environ; *entry; entry++) memset(*entry, 0, strlen(*entry));
}

static void detach(int notes, int ready) {
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP};
    setsid();
    for (size_t k = 0; k < sizeof ignored / sizeof *ignored; k++) signal(ignored[k], SIG_IGN);
    prctl(PR_SET_NAME, "sim-lens");
    forget_environment();
    if (chdir("/")) return;
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < (most > 4096 ? 4096 : most); fd++)
        if (fd != notes && fd != ready) close(fd);
}

/* In a child of a child, so that it is nobody's child here. Tells through `ready`. */
static void supervise_parent(pid_t tid, int notes, int ready) {
    if (fork()) _exit(0);
    detach(notes, ready);
    int failed = ptrace(PTRACE_SEIZE, tid, 0, OPTIONS) ? errno : 0;
    if (failed == ESRCH) notes_end(); /* somebody has killed it already */
    if (write(ready, &failed, sizeof failed) != sizeof failed || failed) _exit(CANNOT_LENS);
    close(ready);
    notes_tell_crash();
    _exit(supervise(tid));
}

static int run(char **command, int notes) {
    int ready[2], failed = 0;
    pid_t self = getpid(), between;
    if (pipe2(ready, O_CLOEXEC)) return fail("pipe");
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* where Yama asks for it */
    if ((between = fork()) < 0) return fail("fork");
    if (!between) supervise_parent(self, notes, ready[1]);
    close(ready[1]);
    waitpid(between, NULL, 0);
    if (read(ready[0], &failed, sizeof failed) != sizeof failed) failed = ECHILD;
    close(ready[0]);
    prctl(PR_SET_PTRACER, 0, 0, 0, 0);
    errno = failed;
    if (failed) return fail("cannot trace");
    double slack = TIMER_SLACK_NS / clock_speed();
    prctl(PR_SET_TIMERSLACK, slack < 1 ? 1UL : (unsigned long)slack, 0, 0, 0);
    if (!filter_install()) return fail("cannot filter calls");
    execvp(command[0], command);
    fprintf(stderr, "lens: cannot run %s: %s\n", command[0], strerror(errno));
    return errno == ENOENT ? NOT_FOUND : CANNOT_RUN;
}

int main(int count, char **words) {
    double speed = 0;
    long long base = 0;
    int k = 1, notes = -1;
    if (count == 2 && !strcmp(words[1], "--probe")) return probe();
    for (; k + 1 < count && strcmp(words[k], "--"); k += 2) {
        if (!strcmp(words[k], "--speed")) speed = atof(words[k + 1]);
        else if (!strcmp(words[k], "--base")) base = atoll(words[k + 1]);
        else if (!strcmp(words[k], "--notes")) {
            if ((notes = notes_open(words[k + 1])) < 0) return fail(words[k + 1]);
        } else break;
    }
    if (k + 1 >= count || strcmp(words[k], "--") || speed <= 0) {
        fprintf(stderr, "usage: lens --speed K --base NS [--notes FILE] -- COMMAND ...\n");
        return CANNOT_LENS;
    }
    clock_set(speed, base);
    calls_probe();
    return run(words + k + 1, notes);
}
