#include "agent/observe/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "plans/base/clock.h"
#include "plans/base/file.h"

enum { STEP = 64 * 1024, FIRST_FOREIGN_FD = 3, REAP_MS = 1000, REAP_STEP_MS = 10, LEFT_MAX = 64 };

/* What a parser of bounded input can need at most: the answers of HAProxy are at most 32 MiB, and
 * are held as bytes, as rows and as a message. */
#define MEMORY_BYTES ((rlim_t)1024 * 1024 * 1024)

/* ---- the child ---- */

static void close_others(const int *keep, size_t count)
{
    unsigned from = FIRST_FOREIGN_FD;

    /* Few descriptors are kept: the next larger one is looked for anew each time. */
    for (;;) {
        unsigned next = UINT32_MAX;
        for (size_t i = 0; i < count; i++)
            if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < next)
                next = (unsigned)keep[i];
        if (next > from)
            (void)close_range(from, next == UINT32_MAX ? next : next - 1, 0);
        if (next == UINT32_MAX)
            return;
        from = next + 1;
    }
}

/* Who reads what the agent says would wait for a child that hangs. */
static void leave_streams(void)
{
#ifdef __SANITIZE_ADDRESS__ /* it has something to say */
    const int last = STDOUT_FILENO;
#else
    const int last = STDERR_FILENO;
#endif
    int nothing CLEANUP_FD = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; nothing >= 0 && fd <= last; fd++)
        (void)dup2(nothing, fd);
}

static void limit(const struct apart_job *job)
{
    const struct rlimit none = {0, 0};
    rlim_t seconds = job->time_ms / 1000 + 1;
    const struct rlimit time = {seconds, seconds};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_FSIZE, &none);
    (void)setrlimit(RLIMIT_CPU, &time);
#ifndef __SANITIZE_ADDRESS__ /* its shadow takes terabytes of addresses */
    const struct rlimit memory = {MEMORY_BYTES, MEMORY_BYTES};
    (void)setrlimit(RLIMIT_DATA, &memory);
#endif
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Handlers of the agent's are about its own work; here a signal ends the process. */
static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void be_child(const struct apart_job *job, pid_t parent, int pipe_fd)
{
    int keep[APART_KEEP_MAX + 1];
    struct arena *arena = arena_new();
    struct text out = text_new(arena);
    struct err err = {0};

    /* Nobody reads what it sends once the agent is gone; and it must not outlive the agent with a
     * lock of the agent's. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    reset_signals();
    memcpy(keep, job->keep, job->keep_count * sizeof *keep);
    keep[job->keep_count] = pipe_fd;
    close_others(keep, job->keep_count + 1);
    leave_streams();
    limit(job);
    job->work(job->context, &out);
    _exit(file_write_all(pipe_fd, job->name, text_span(&out), &err) < 0 ? 1 : 0);
}

/* ---- the parent ---- */

/* Those that were killed and had not ended: they hang in a call of the system that no signal ends,
 * as where a disk does not answer. */
static struct left {
    const char *name;
    pid_t pid;
} left[LEFT_MAX];
static size_t left_count;

bool apart_hangs(const char *name)
{
    for (size_t i = 0; i < left_count; i++)
        if (strcmp(left[i].name, name) == 0) {
            if (waitpid(left[i].pid, NULL, WNOHANG) == 0)
                return true;
            left[i--] = left[--left_count];
        }
    return false;
}

/* A killed one ends at once, or does not. False: it does not; apart_hangs tells when it has. */
static bool reap_killed(const struct apart *apart)
{
    const struct timespec step = {.tv_nsec = REAP_STEP_MS * 1000000L};
    int64_t end = clock_ms(CLOCK_MONOTONIC) + REAP_MS;

    while (waitpid(apart->pid, NULL, WNOHANG) == 0) {
        if (clock_ms(CLOCK_MONOTONIC) >= end) {
            if (left_count < LEFT_MAX)
                left[left_count++] = (struct left){apart->job->name, apart->pid};
            return false;
        }
        (void)nanosleep(&step, NULL);
    }
    return true;
}

int apart_start(struct apart *out_apart, const struct apart_job *job, struct err *err)
{
    int ends[2];
    pid_t self = getpid();

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(err, errno, "cannot make a pipe");
    int from_child CLEANUP_FD = ends[0];
    int to_parent CLEANUP_FD = ends[1];
    if (fcntl(from_child, F_SETFL, O_NONBLOCK) < 0)
        return err_sys(err, errno, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(err, errno, "cannot start a process for '%s'", job->name);
    if (pid == 0)
        be_child(job, self, to_parent);
    *out_apart = (struct apart){.job = job,
                                .pid = pid,
                                .fd = take_fd(&from_child),
                                .killed_at = clock_ms(CLOCK_MONOTONIC) + job->time_ms,
                                .received = text_new(job->arena)};
    return 0;
}

static void close_pipe(struct apart *apart)
{
    (void)close(apart->fd);
    apart->fd = -1;
}

void apart_read(struct apart *apart)
{
    char step[STEP];

    while (apart->fd >= 0) {
        ssize_t got = read(apart->fd, step, sizeof step);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        apart->sent_too_much =
            got > 0 && (size_t)got > apart->job->message_bytes - apart->received.len;
        if (got <= 0 || apart->sent_too_much)
            close_pipe(apart);
        else
            text_add_span(&apart->received, (struct span){step, (size_t)got});
    }
}

bool apart_is_ended(const struct apart *apart, int64_t now)
{
    return apart->fd < 0 || now >= apart->killed_at;
}

int apart_end(struct apart *apart, struct span *out_message, struct err *err)
{
    const struct apart_job *job = apart->job;
    bool late = apart->fd >= 0;
    int status = 0;

    if (late)
        close_pipe(apart);
    /* It is ours and not yet waited for, so that its number is nobody else's. One that has sent all
     * is about to end by itself; a signal then is one too many and harms nothing but its status. */
    if (late || apart->sent_too_much)
        (void)kill(apart->pid, SIGKILL);
    if (late)
        return err_sys(err, ETIMEDOUT, "'%s' was not done after %u ms and was %s", job->name,
                       job->time_ms,
                       reap_killed(apart) ? "ended" : "killed, but hangs all the same");
    while (waitpid(apart->pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_sys(err, errno, "cannot wait for the process of '%s'", job->name);
    if (apart->sent_too_much)
        return err_set(err, ERR_INPUT, "'%s' gave more than %zu bytes", job->name,
                       job->message_bytes);
    if (WIFSIGNALED(status))
        return err_set(err, ERR_SYS, "the process that reads '%s' was ended by signal %d",
                       job->name, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return err_set(err, ERR_SYS, "the process that reads '%s' ended with status %d", job->name,
                       WEXITSTATUS(status));
    *out_message = text_span(&apart->received);
    return 0;
}
