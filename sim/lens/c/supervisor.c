/* The supervisor: follows whoever descends from the process, until the last of them has ended.
 *
 * It is not the process's parent: the process is a child of whoever started the lens, with the pid
 * that was given to the lens itself. Signals, stops and ends take their usual ways; each is only
 * seen here first and passed on. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lens.h"

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

static int held;

/* Go on; with `signal` if it is one that was on its way. A thread that has gone is gone. */
static void go_on(struct thread *thread, int signal) {
    ptrace(thread->watching ? PTRACE_SYSCALL : PTRACE_CONT, thread->tid, 0, (long)signal);
}

static void let_go(struct thread *thread) {
    if (!thread->held) return;
    thread->held = false;
    held--;
    go_on(thread, 0);
}

static void enter(struct thread *thread) {
    struct regs regs;
    if (!regs_get(thread->tid, &regs)) return;
    int nr = regs_nr(&regs);
    for (const struct rule *rule = rules; rule < rules + rule_count; rule++) {
        if (rule->nr != nr) continue;
        thread->call = (struct call){.before = regs, .finish = finish_plain};
        if (rule->enter != enter_restart) thread->restart.finish = NULL;
        enum step step = rule->enter(thread, &regs);
        if (step == ANSWER) regs_answer(&regs, answer);
        if (step != LET) regs_put(thread->tid, &regs);
        else if (memory_is_hidden(thread, &regs)) note(NOTE_HIDDEN);
        thread->watching = step == WATCH;
        return;
    }
}

static void leave(struct thread *thread) {
    struct regs regs;
    thread->watching = false;
    if (!regs_get(thread->tid, &regs)) return;
    long result = thread->call.finish(thread, &thread->call, regs_result(&regs));
    regs_finish(&regs, &thread->call.before, result);
    regs_put(thread->tid, &regs);
}

/* Whether a program has a handler for a signal: then no call begins again as if nothing was. */
static bool handles(pid_t tid, int signal) {
    char path[64], line[256];
    unsigned long long mask = 0;
    snprintf(path, sizeof path, "/proc/%d/status", tid);
    FILE *file = fopen(path, "re");
    if (!file) return true;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "SigCgt: %llx", &mask) == 1) break;
    fclose(file);
    return mask >> (signal - 1) & 1;
}

static void child_told(struct thread *parent) {
    unsigned long tid;
    if (ptrace(PTRACE_GETEVENTMSG, parent->tid, 0, &tid)) return;
    struct thread *child = thread_of((pid_t)tid);
    thread_inherit(child, parent);
    let_go(child);
}

static void execed(struct thread *thread) {
    unsigned long before;
    /* Of the other threads nothing more is heard; the one that called exec has this number now. */
    if (ptrace(PTRACE_GETEVENTMSG, thread->tid, 0, &before) == 0 && (pid_t)before != thread->tid)
        thread_forget((pid_t)before);
    thread->named = true;
    thread->watching = false;
    exec_prepare(thread);
}

static void event_stop(struct thread *thread, int signal) {
    bool stops = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
    if (stops) { /* it stays stopped until SIGCONT */
        ptrace(PTRACE_LISTEN, thread->tid, 0, 0);
    } else if (!thread->named) { /* newborn */
        thread->held = true;
        held++;
    } else {
        go_on(thread, 0);
    }
}

static void stopped(struct thread *thread, int status) {
    int signal = WSTOPSIG(status), event = status >> 16;
    switch (event) {
    case PTRACE_EVENT_SECCOMP:
        enter(thread);
        break;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
        child_told(thread);
        break;
    case PTRACE_EVENT_EXEC:
        execed(thread);
        break;
    case PTRACE_EVENT_STOP:
        event_stop(thread, signal);
        return;
    default:
        if (signal == SYSCALL_STOP) {
            if (thread->watching) leave(thread);
            break;
        }
        if (thread->poll_until && handles(thread->tid, signal)) thread->poll_until = 0;
        go_on(thread, signal);
        return;
    }
    go_on(thread, 0);
}

int supervise(pid_t main_tid) {
    int status;
    thread_of(main_tid)->named = true;
    for (;;) {
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && errno == EINTR) continue;
        if (tid < 0) break; /* nobody is left */
        if (WIFSTOPPED(status)) {
            stopped(thread_of(tid), status);
            continue;
        }
        if (thread_of(tid)->held) held--;
        thread_forget(tid);
        if (held) threads_each(let_go); /* a parent that was killed tells of no child */
    }
    notes_end();
    return 0;
}
