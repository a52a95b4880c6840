/* tests/crash/follow: runs a program, counts the system calls of all its processes and threads, and
 * kills them all before one of those calls.
 * Use:     follow [OPTION]... -- PROGRAM ARGUMENT...
 *              -r FILE       the report, one line
 *              -s SECONDS    what makes no call for so long is killed: "hung"; so is what still runs
 *                            after 40 times that
 *              -k N          SIGKILL to every process before call N, which is not made
 *              -t FILE       a line for each call (calls.h)
 * Shapes:  calls are counted from 1 over all processes, in the order in which they are made. The
 *          report: calls=N fired=0|1 at=N number=NR ended=exit|signal|hung status=N (one line);
 *          ended and status are those of the first process. tests/crash/inject, which puts other
 *          faults too, watches one process only.
 * Errors:  exit status 2 where the program could not be watched; else 0.
 * Source:  ptrace(2), PTRACE_O_TRACEFORK and its like.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/calls.h"

#ifndef __x86_64__
#error "tests/crash/follow changes registers by their names on x86-64"
#endif

enum {
    TASKS_MAX = 512,
    ALARMS_MAX = 40,
    OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK |
              PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE
};

struct task {
    pid_t tid; /* 0: free */
    long n;    /* of the call that it is in; 0: in none that is counted */
    bool stopped_once;
    struct call *call;
};

static struct {
    long at;
    unsigned seconds;
    const char *report;
    FILE *trace;
} order = {.seconds = 30};

static struct {
    long calls, fired, at, number;
    bool begun, hung;
    int status;
} seen;

static struct task tasks[TASKS_MAX];
static pid_t first;
static volatile sig_atomic_t alarmed;

static _Noreturn void __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("follow: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2); /* PTRACE_O_EXITKILL ends the rest */
}

/* A busy machine makes all calls slow, and no program hang. */
static void on_alarm(int signal_number)
{
    static long calls_before = -1;
    static unsigned times;

    (void)signal_number;
    if (seen.calls != calls_before && ++times < ALARMS_MAX) {
        calls_before = seen.calls;
        (void)alarm(order.seconds);
        return;
    }
    alarmed = 1;
}

static struct task *task_of(pid_t tid)
{
    struct task *free_one = NULL;

    for (size_t i = 0; i < TASKS_MAX; i++) {
        if (tasks[i].tid == tid)
            return &tasks[i];
        if (tasks[i].tid == 0 && free_one == NULL)
            free_one = &tasks[i];
    }
    if (free_one == NULL)
        fail("more than %d processes", TASKS_MAX);
    *free_one = (struct task){.tid = tid, .call = free_one->call};
    return free_one;
}

static void kill_all(void)
{
    for (size_t i = 0; i < TASKS_MAX; i++)
        if (tasks[i].tid != 0)
            (void)kill(tasks[i].tid, SIGKILL);
}

/* The call in which it dies is not made, whatever the kernel does first. */
static void die_here(pid_t tid, long number)
{
    struct user_regs_struct registers;

    if (ptrace(PTRACE_GETREGS, tid, NULL, &registers) == 0) {
        registers.orig_rax = (unsigned long long)-1;
        (void)ptrace(PTRACE_SETREGS, tid, NULL, &registers);
    }
    seen.fired = 1;
    seen.at = seen.calls;
    seen.number = number;
    kill_all();
}

static void enter_call(struct task *task, const struct __ptrace_syscall_info *info)
{
    task->n = ++seen.calls;
    if (order.at != 0 && seen.calls == order.at) {
        die_here(task->tid, (long)info->entry.nr);
        return;
    }
    if (order.trace == NULL)
        return;
    if (task->call == NULL && (task->call = malloc(sizeof *task->call)) == NULL)
        fail("no memory");
    memset(task->call, 0, sizeof *task->call);
    task->call->number = (long)info->entry.nr;
    memcpy(task->call->args, info->entry.args, sizeof task->call->args);
    call_describe(task->tid, task->call);
    if (task->call->number == SYS_exit_group || task->call->number == SYS_exit) {
        call_print(order.trace, task->n, task->call, 0);
        task->n = 0;
    }
}

static void pass_call(struct task *task)
{
    struct __ptrace_syscall_info info;

    if (!seen.begun || seen.fired > 0 ||
        ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof info, &info) <= 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        enter_call(task, &info);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && task->n != 0) {
        if (order.trace != NULL)
            call_print(order.trace, task->n, task->call, info.exit.rval);
        task->n = 0;
    }
}

/* What stopped a process, and the signal to go on with. */
static int meet(struct task *task, int status)
{
    int signal_number = WSTOPSIG(status);
    bool new_one = !task->stopped_once;

    task->stopped_once = true;
    if (signal_number == (SIGTRAP | 0x80)) {
        pass_call(task);
        return 0;
    }
    if (status >> 16 != 0) {
        seen.begun = seen.begun || status >> 16 == PTRACE_EVENT_EXEC;
        return 0;
    }
    return new_one && signal_number == SIGSTOP ? 0 : signal_number; /* how a new one begins */
}

static void watch(void)
{
    for (;;) {
        int status;
        pid_t tid = waitpid(-1, &status, __WALL);

        if (alarmed && !seen.hung) {
            seen.hung = true;
            kill_all();
        }
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            return;
        struct task *task = task_of(tid);
        if (!WIFSTOPPED(status)) {
            task->tid = 0;
            if (tid == first)
                seen.status = status;
            continue;
        }
        int deliver = meet(task, status);
        if (seen.fired > 0 || seen.hung)
            (void)kill(tid, SIGKILL); /* born while the others died */
        (void)ptrace(PTRACE_SYSCALL, tid, NULL, (long)deliver);
    }
}

static void start(char **program)
{
    int status;

    first = fork();
    if (first < 0)
        fail("cannot fork: %s", strerror(errno));
    if (first == 0) {
        (void)personality(ADDR_NO_RANDOMIZE);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
            _exit(127);
        (void)execvp(program[0], program);
        _exit(127);
    }
    if (waitpid(first, &status, __WALL) != first || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, first, NULL, OPTIONS) < 0)
        fail("cannot trace: %s", strerror(errno));
    task_of(first)->stopped_once = true;
    if (ptrace(PTRACE_SYSCALL, first, NULL, 0L) < 0)
        fail("cannot go on: %s", strerror(errno));
}

static long number_of(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || number < 0)
        fail("'%s': expected a number", text);
    return number;
}

static FILE *open_file(const char *name)
{
    FILE *file = fopen(name, "we");

    if (file == NULL)
        fail("cannot write '%s': %s", name, strerror(errno));
    return file;
}

static void read_order(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "+r:s:k:t:")) != -1;)
        switch (option) {
        case 'r':
            order.report = optarg;
            break;
        case 's':
            order.seconds = (unsigned)number_of(optarg);
            break;
        case 'k':
            order.at = number_of(optarg);
            break;
        case 't':
            order.trace = open_file(optarg);
            break;
        default:
            exit(2);
        }
    if (optind >= argc || order.report == NULL)
        fail("expected: follow -r FILE [OPTION]... -- PROGRAM ARGUMENT...");
}

static void report(void)
{
    FILE *file = open_file(order.report);
    const char *ended = seen.hung ? "hung" : WIFSIGNALED(seen.status) ? "signal" : "exit";

    (void)fprintf(file, "calls=%ld fired=%ld at=%ld number=%ld ended=%s status=%d\n", seen.calls,
                  seen.fired, seen.at, seen.number, ended,
                  WIFSIGNALED(seen.status) ? WTERMSIG(seen.status) : WEXITSTATUS(seen.status));
    if (fclose(file) != 0 || (order.trace != NULL && fclose(order.trace) != 0))
        fail("cannot write the report");
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = on_alarm};

    read_order(argc, argv);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) < 0 || sigaction(SIGALRM, &action, NULL) < 0)
        fail("cannot prepare: %s", strerror(errno));
    start(argv + optind);
    (void)alarm(order.seconds);
    watch();
    report();
    return 0;
}
