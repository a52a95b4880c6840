#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "plans/base/escape.h"
#include "plans/base/clock.h"
#include "plans/base/text.h"
#include "remediations/host/haproxy_process.h"

enum { READ_STEP = 4096, LINE_MAX_SHOWN = 1024, SIGNAL_EXIT = 128, VERSION_MAX = 64 };

/* ---- the child: only calls that are safe between fork(2) and execve(2) in a program with threads
 * ---- */

static bool give_up_root(const struct program_run *run)
{
    if (!run->as_user)
        return true;
    /* To set*id(2), -1 means "as it is": root. */
    return run->uid != (uid_t)-1 && run->gid != (gid_t)-1 &&
           setgroups(run->group_count, run->groups) == 0 &&
           setresgid(run->gid, run->gid, run->gid) == 0 &&
           setresuid(run->uid, run->uid, run->uid) == 0;
}

/* Behind close_range(2): these are to stay. */
static bool open_sockets(const struct program_run *run, int *failure)
{
    int last = 0, one = -1;

    if (run->socket_count == 0)
        return true;
    for (size_t i = 0; i < run->socket_count; i++)
        last = run->sockets[i] > last ? run->sockets[i] : last;
    int moved = fcntl(*failure, F_DUPFD_CLOEXEC, last + 1);
    if (moved < 0 || (one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return false;
    *failure = moved;
    for (size_t i = 0; i < run->socket_count; i++)
        if ((run->sockets[i] == one ? fcntl(one, F_SETFD, 0) : dup2(one, run->sockets[i])) < 0)
            return false;
    return true;
}

static _Noreturn void become_program(const struct program_run *run, pid_t parent, int output,
                                     int failure)
{
    sigset_t none;

    (void)setpgid(0, 0);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0 && chdir(run->directory) == 0 && give_up_root(run)) {
        (void)syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
        /* After the change of user, which clears it. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* execve(2) does not write to the strings; its type is older than const. */
        if (open_sockets(run, &failure) && getppid() == parent)
            (void)execve(run->argv[0], (char *const *)(uintptr_t)run->argv,
                         (char *const *)(uintptr_t)run->environment);
    }
    int failed = errno;
    (void)!write(failure, &failed, sizeof failed);
    _exit(127);
}

/* ---- the parent ---- */

struct child {
    pid_t pid;
    int output;  /* what it prints */
    int failure; /* errno where it could not become the program */
};

static void child_cleanup(const struct child *child)
{
    if (child->output >= 0)
        (void)close(child->output);
    if (child->failure >= 0)
        (void)close(child->failure);
    if (child->pid > 0) {
        /* Its group: what it started ends with it. Not reaped yet, so the number is still its own.
         */
        (void)kill(-child->pid, SIGKILL);
        (void)kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
}

static int start(const struct program_run *run, struct child *child, struct err *err)
{
    int output[2], failure[2];

    if (pipe2(output, O_CLOEXEC) < 0)
        return err_sys(err, errno, "cannot make a pipe");
    child->output = output[0];
    int output_end CLEANUP_FD = output[1];
    if (pipe2(failure, O_CLOEXEC) < 0)
        return err_sys(err, errno, "cannot make a pipe");
    child->failure = failure[0];
    int failure_end CLEANUP_FD = failure[1];

    pid_t self = getpid(), pid = fork();
    if (pid < 0)
        return err_sys(err, errno, "cannot start '%s'", run->argv[0]);
    if (pid == 0)
        become_program(run, self, output_end, failure_end);
    child->pid = pid;
    (void)setpgid(pid, pid);
    return 0;
}

/* Empties what the pipe holds now. False: the end. */
static bool drain(int fd, struct text *output)
{
    char step[READ_STEP];

    for (;;) {
        ssize_t got = read(fd, step, sizeof step);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN;
        if (got == 0)
            return false;
        size_t room = PROGRAM_OUTPUT_MAX - output->len;
        text_add_span(output, (struct span){step, (size_t)got < room ? (size_t)got : room});
    }
}

/* Until the program has ended, also where something that it started still holds the pipe. */
static int wait_for_end(const struct program_run *run, const struct child *child, int64_t deadline,
                        struct text *output, struct err *err)
{
    int ended CLEANUP_FD = (int)syscall(SYS_pidfd_open, child->pid, 0U);

    if (ended < 0)
        return err_sys(err, errno, "cannot watch '%s'", run->argv[0]);
    if (fcntl(child->output, F_SETFL, O_NONBLOCK) < 0)
        return err_sys(err, errno, "cannot read from '%s'", run->argv[0]);
    for (bool open = true;;) {
        struct pollfd fds[] = {{.fd = ended, .events = POLLIN},
                               {.fd = open ? child->output : -1, .events = POLLIN}};
        int64_t left = deadline - clock_ms(CLOCK_MONOTONIC);
        if (left <= 0)
            return err_sys(err, ETIMEDOUT, "'%s' did not end", run->argv[0]);
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return err_sys(err, errno, "cannot wait for '%s'", run->argv[0]);
        if (open && fds[1].revents != 0)
            open = drain(child->output, output);
        if (fds[0].revents != 0) {
            (void)drain(child->output, output);
            return 0;
        }
    }
}

static int reap(const struct program_run *run, struct child *child, int *out_exit, struct err *err)
{
    int status = 0, failed = 0;

    (void)kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_sys(err, errno, "cannot wait for '%s'", run->argv[0]);
    child->pid = 0;
    if (read(child->failure, &failed, sizeof failed) == (ssize_t)sizeof failed)
        return err_sys(err, failed, "cannot run '%s'", run->argv[0]);
    *out_exit = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNAL_EXIT + WTERMSIG(status);
    return 0;
}

int haproxy_program_run(const struct program_run *run, unsigned deadline_ms, struct arena *arena,
                        int *out_exit, struct span *out_output, struct err *err)
{
    __attribute__((cleanup(child_cleanup))) struct child child = {.output = -1, .failure = -1};
    struct text output = text_new(arena);
    int64_t deadline = clock_ms(CLOCK_MONOTONIC) + deadline_ms;

    if (start(run, &child, err) < 0 || wait_for_end(run, &child, deadline, &output, err) < 0 ||
        reap(run, &child, out_exit, err) < 0)
        return -1;
    *out_output = text_span(&output);
    return 0;
}

/* ---- haproxy -v ---- */

/* "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/"; "HA-Proxy version" up
 * to 2.3. */
static const char *version_of(struct span output, struct arena *arena)
{
    struct span line;

    while (span_next_line(&output, &line)) {
        if (!span_starts_with(line, "HAProxy version ") &&
            !span_starts_with(line, "HA-Proxy version "))
            continue;
        (void)span_cut(&line, ' ');
        (void)span_cut(&line, ' ');
        struct span version = span_cut(&line, ' ');
        return version.len == 0 ? NULL : escape_span(arena, version, VERSION_MAX);
    }
    return NULL;
}

int haproxy_version_run(const struct program_run *run, unsigned deadline_ms, struct arena *arena,
                        const char **out_version, struct err *err)
{
    const char *const argv[] = {run->argv[0], "-v", NULL}, *const environment[] = {"LC_ALL=C",
                                                                                   NULL};
    struct program_run version_run = *run;
    struct span output;
    int code = 0;

    version_run.argv = argv;
    version_run.environment = environment;
    version_run.directory = "/";
    if (haproxy_program_run(&version_run, deadline_ms, arena, &code, &output, err) < 0)
        return -1;
    *out_version = version_of(output, arena);
    return 0;
}

int haproxy_program_version(const char *program, unsigned deadline_ms, struct arena *arena,
                            const char **out_version, struct err *err)
{
    const char *const argv[] = {program, NULL};
    struct program_run run = {.argv = argv};

    return haproxy_version_run(&run, deadline_ms, arena, out_version, err);
}
