/* tests/crash/inject: runs a program, counts the system calls of its main process, and puts one
 * fault before one of them.
 * Use:     inject [OPTION]... -- PROGRAM ARGUMENT...
 *              -r FILE            the report, one line (see below)
 *              -s SECONDS         a program that makes no call for so long is killed: "hung"; so is
 *                                 one that still runs after 40 times that
 *              -k N               SIGKILL before call N, which is not made
 *              -e N -E ERRNO      call N fails with that number and is not made; those behind it are
 *                                 not counted
 *              -f N -E ERRNO      so does every call from N on; EINTR every second one
 *              -c N -d DIR -g F   before call N the file system that holds DIR is shut down with
 *                                 flag F (2: what is not on disk is lost, 1: but for the file
 *                                 system's own log), and then SIGKILL
 *              -o PATTERN         fsync, fdatasync and syncfs of a path that matches say 0 and do
 *                                 nothing
 *              -a TEXT            N is counted from the first call that writes something with TEXT
 *                                 near its beginning, which is the 0th
 *              -t FILE            a line for each call (calls.h)
 *              -p N               both run on processor N: handing over is quicker there
 * Shapes:  calls are counted from 1, the first one is the dynamic loader's. Errors come only after
 *          `first`, the close_range(2) with which hamedic's main begins: how the loader ends is not
 *          hamedic's doing. The report:
 *              calls=N first=N fired=N at=N number=NR failed_syncs=N omitted=N ended=exit|signal|hung
 *              status=N
 *          (one line). `fired` counts faults that really took place; `at` and `number` name the first.
 *          Processes that the program starts run on without faults, and are waited for.
 * Errors:  exit status 2 where the program could not be watched; else 0.
 * Source:  ptrace(2); ioctl EXT4_IOC_SHUTDOWN = XFS_IOC_GOINGDOWN, Linux 4.11.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/calls.h"

#ifndef __x86_64__
#error "tests/crash/inject changes registers by their names on x86-64"
#endif

#define SHUTDOWN_IOCTL 0x8004587dUL

enum { ALARMS_MAX = 40 };

enum fault { FAULT_NONE, FAULT_KILL, FAULT_ERROR, FAULT_ERRORS, FAULT_CUT };

static struct {
    enum fault fault;
    long at;
    int error;
    int cut_dir;
    uint32_t cut_flag;
    const char *omitted;
    const char *after;
    const char *report;
    FILE *trace;
    unsigned seconds;
} order = {.cut_dir = -1, .seconds = 30};

static struct {
    long calls, first, fired, at, number, failed_syncs, omitted;
    long base; /* the call from which they are counted; -1: not come yet */
    bool hung;
} seen;

static pid_t child;

static _Noreturn void __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("inject: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2);
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
    seen.hung = true;
    (void)kill(child, SIGKILL);
}

/* ---- what happens at a call ---- */

static void skip_call(long result)
{
    struct user_regs_struct registers;

    if (ptrace(PTRACE_GETREGS, child, NULL, &registers) < 0)
        return; /* it is dying */
    registers.orig_rax = (unsigned long long)-1;
    registers.rax = (unsigned long long)result;
    (void)ptrace(PTRACE_SETREGS, child, NULL, &registers);
}

/* brk(2) has no errno: it says that nothing moved. Asked for nothing, it says so; the program's own
 * argument MUST stand in its register again afterwards. */
static void ask(uint64_t argument)
{
    struct user_regs_struct registers;

    if (ptrace(PTRACE_GETREGS, child, NULL, &registers) < 0)
        return;
    registers.rdi = argument;
    (void)ptrace(PTRACE_SETREGS, child, NULL, &registers);
}

/* At the end of a call that was not made the kernel has put ENOSYS there. */
static void set_result(long result)
{
    struct user_regs_struct registers;

    if (ptrace(PTRACE_GETREGS, child, NULL, &registers) < 0)
        return;
    registers.rax = (unsigned long long)result;
    (void)ptrace(PTRACE_SETREGS, child, NULL, &registers);
}

static void note_fired(long number)
{
    if (seen.fired++ == 0) {
        seen.at = seen.calls;
        seen.number = number;
    }
}

static void die_here(long number)
{
    if (order.fault == FAULT_CUT && ioctl(order.cut_dir, SHUTDOWN_IOCTL, &order.cut_flag) < 0)
        fail("cannot shut the file system down: %s", strerror(errno));
    skip_call(-ENOSYS);
    if (kill(child, SIGKILL) == 0)
        note_fired(number);
}

static bool is_omitted(const struct call *call)
{
    return order.omitted != NULL && call_syncs(call) && fnmatch(order.omitted, call->path, 0) == 0;
}

static bool is_erring(long number)
{
    if (seen.first == 0 || !call_can_fail(number))
        return false;
    if (order.fault == FAULT_ERROR)
        return seen.calls == order.at;
    return order.fault == FAULT_ERRORS && seen.calls >= order.at &&
           (order.error != EINTR || (seen.calls - order.at) % 2 == 0);
}

static bool is_time(struct call *call)
{
    if (order.after != NULL && seen.base < 0) {
        call_describe(child, call);
        if (strcmp(call->kind, "write") == 0 && strstr(call->detail, order.after) != NULL)
            seen.base = seen.calls;
    }
    return seen.base >= 0 && seen.calls - seen.base == order.at;
}

/* True: the call is not made, and gives *out_result. */
static bool meet(struct call *call, long *out_result)
{
    seen.calls++;
    if (seen.first == 0 && call->number == SYS_close_range)
        seen.first = seen.calls;
    if ((order.fault == FAULT_KILL || order.fault == FAULT_CUT) && is_time(call)) {
        die_here(call->number);
        return false;
    }
    if (order.trace != NULL || order.omitted != NULL)
        call_describe(child, call);
    if (is_omitted(call)) {
        seen.omitted++;
        *out_result = 0;
        return true;
    }
    if (!is_erring(call->number))
        return false;
    note_fired(call->number);
    if (call->number == SYS_brk) {
        ask(0);
        return false;
    }
    if (call_syncs(call))
        seen.failed_syncs++;
    *out_result = -order.error;
    return true;
}

/* ---- watching ---- */

static int go_on(int signal_number)
{
    return ptrace(PTRACE_SYSCALL, child, NULL, (long)signal_number) < 0 && errno != ESRCH ? -1 : 0;
}

static bool wait_for(int *out_status)
{
    while (waitpid(child, out_status, __WALL) < 0)
        if (errno != EINTR)
            fail("cannot wait: %s", strerror(errno));
    return WIFSTOPPED(*out_status);
}

static void end_of(const struct call *call)
{
    struct __ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) > 0 &&
        info.op == PTRACE_SYSCALL_INFO_EXIT)
        call_print(order.trace, seen.calls, call, info.exit.rval);
}

/* One call, from its entry to its end. False: the program ended in it. */
static bool pass_call(int *out_status)
{
    struct __ptrace_syscall_info info;
    struct call call = {0};
    long result = 0;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return true; /* the end of the execve that began it */
    call.number = (long)info.entry.nr;
    memcpy(call.args, info.entry.args, sizeof call.args);
    bool skipped = meet(&call, &result);
    if (skipped)
        skip_call(result);
    if (order.trace != NULL && call.number == SYS_exit_group)
        call_print(order.trace, seen.calls, &call, 0);
    if (go_on(0) < 0 || !wait_for(out_status))
        return false;
    if (skipped)
        set_result(result);
    if (call.number == SYS_brk)
        ask(call.args[0]);
    if (order.trace != NULL && !skipped)
        end_of(&call);
    return true;
}

/* Nothing is left to be done, and being watched makes it several times slower. */
static bool is_through(void)
{
    return order.fault == FAULT_ERROR && seen.fired > 0 && order.trace == NULL &&
           order.omitted == NULL;
}

static int let_go(void)
{
    int status;

    if (ptrace(PTRACE_DETACH, child, NULL, NULL) < 0 && errno != ESRCH)
        fail("cannot let go: %s", strerror(errno));
    while (wait_for(&status))
        continue;
    return status;
}

static int watch(void)
{
    int status;
    bool begun = false;

    if (!wait_for(&status))
        return status;
    if (ptrace(PTRACE_SETOPTIONS, child, NULL,
               PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0)
        fail("cannot trace: %s", strerror(errno));
    for (int deliver = 0;;) {
        if (go_on(deliver) < 0)
            fail("cannot go on: %s", strerror(errno));
        if (!wait_for(&status))
            return status;
        deliver = 0;
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
            begun = true;
        else if (WSTOPSIG(status) != (SIGTRAP | 0x80))
            deliver = WSTOPSIG(status);
        else if (begun && !pass_call(&status))
            return status;
        if (is_through() && deliver == 0)
            return let_go();
    }
}

static void start(char **program)
{
    child = fork();
    if (child < 0)
        fail("cannot fork: %s", strerror(errno));
    if (child != 0)
        return;
    /* The same calls each time: an address space laid out by chance makes their number vary. */
    (void)personality(ADDR_NO_RANDOMIZE);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
        _exit(127);
    (void)execvp(program[0], program);
    _exit(127);
}

/* ---- orders and report ---- */

static long number_of(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || number < 0)
        fail("'%s': expected a number", text);
    return number;
}

static void set_fault(enum fault fault, const char *at)
{
    order.fault = fault;
    order.at = number_of(at);
}

static void stay_on(const char *processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)number_of(processor), &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fail("cannot stay on processor %s: %s", processor, strerror(errno));
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
    for (int option; (option = getopt(argc, argv, "+r:s:k:e:f:E:c:d:g:o:a:t:p:")) != -1;)
        switch (option) {
        case 'r':
            order.report = optarg;
            break;
        case 's':
            order.seconds = (unsigned)number_of(optarg);
            break;
        case 'k':
            set_fault(FAULT_KILL, optarg);
            break;
        case 'e':
            set_fault(FAULT_ERROR, optarg);
            break;
        case 'f':
            set_fault(FAULT_ERRORS, optarg);
            break;
        case 'E':
            order.error = (int)number_of(optarg);
            break;
        case 'c':
            set_fault(FAULT_CUT, optarg);
            break;
        case 'd':
            order.cut_dir = open(optarg, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            break;
        case 'g':
            order.cut_flag = (uint32_t)number_of(optarg);
            break;
        case 'o':
            order.omitted = optarg;
            break;
        case 'a':
            order.after = optarg;
            seen.base = -1;
            break;
        case 't':
            order.trace = open_file(optarg);
            break;
        case 'p':
            stay_on(optarg);
            break;
        default:
            exit(2);
        }
    if (optind >= argc || order.report == NULL || (order.fault == FAULT_CUT && order.cut_dir < 0))
        fail("expected: inject -r FILE [OPTION]... -- PROGRAM ARGUMENT...");
}

static void report(int status)
{
    FILE *file = open_file(order.report);

    (void)fprintf(file,
                  "calls=%ld first=%ld fired=%ld at=%ld number=%ld failed_syncs=%ld omitted=%ld "
                  "ended=%s status=%d\n",
                  seen.calls, seen.first, seen.fired, seen.at, seen.number, seen.failed_syncs,
                  seen.omitted,
                  seen.hung             ? "hung"
                  : WIFSIGNALED(status) ? "signal"
                                        : "exit",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (fclose(file) != 0 || (order.trace != NULL && fclose(order.trace) != 0))
        fail("cannot write the report");
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = on_alarm};

    read_order(argc, argv);
    /* What the program started and left behind ends before the report is made. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) < 0 || sigaction(SIGALRM, &action, NULL) < 0)
        fail("cannot prepare: %s", strerror(errno));
    start(argv + optind);
    (void)alarm(order.seconds);
    int status = watch();
    (void)alarm(0);
    while (wait(NULL) > 0 || errno == EINTR)
        continue;
    report(status);
    return 0;
}
