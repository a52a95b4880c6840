/* hamedic: finds out why HAProxy does not serve, writes a signed plan, applies it all-or-nothing.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/cli.h"
#include "agent/transaction/work.h"
#include "plans/base/digest.h"

#define STACK_OF_FAULTS 65536 /* bytes; a kernel with AVX-512 saves some 3 KiB there */

static void say(const char *words)
{
    if (write(STDERR_FILENO, words, strlen(words)) < 0)
        return; /* nobody listens */
}

/* What ends the process here and now is in a transaction a crash like any other, and `recover` knows
 * what to do. Exit status 1 would say that nothing was changed. Async-signal-safe. */
static _Noreturn void end_at_once(const char *words)
{
    say("hamedic: ");
    say(words);
    say(" (`hamedic recover` ends what was under way)\n");
    _exit(work_has_begun_changes() ? EXIT_INCOMPLETE : EXIT_ERROR);
}

static void out_of_memory(void)
{
    end_at_once("out of memory");
}

static void no_random(void)
{
    end_at_once("the system gives no random numbers");
}

/* libsemanage and what it calls end the process by an assertion, or free memory twice, where reading
 * fails from some moment on (seen with 3.4): to the caller that is an end like the others. */
static void on_fault(int number)
{
    end_at_once(number == SIGABRT   ? "it, or a library, gave up (SIGABRT)"
                : number == SIGSEGV ? "it, or a library, broke (SIGSEGV)"
                                    : "it, or a library, broke (SIGBUS, SIGFPE or SIGILL)");
}

/* Whoever has a handler already, as sanitizers have, keeps it. */
static void catch_faults(void)
{
    static const int faults[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    static char stack[STACK_OF_FAULTS];
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_fault}, now;

    action.sa_flags = (int)(SA_RESETHAND | (sigaltstack(&other, NULL) == 0 ? SA_ONSTACK : 0));
    (void)sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (sigaction(faults[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            (void)sigaction(faults[i], &action, NULL);
}

/* A file opened as 1 or 2 would have messages written into it; what else was handed down is not
 * for the programs that libsemanage starts. */
static void settle_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        /* What cannot be printed must still fail: each is opened the wrong way round. */
        int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int opened = open("/dev/null", flags);
        if (opened != fd)
            _exit(EXIT_ERROR);
    }
    (void)syscall(SYS_close_range, STDERR_FILENO + 1U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
}

int main(int argc, char **argv)
{
    settle_descriptors();
    catch_faults();
    (void)umask(022); /* a folder in which others look must not depend on who called */
    arena_on_exhausted(out_of_memory);
    digest_on_no_random(no_random);
    (void)setlocale(LC_CTYPE, "");
    /* A reader that went away shows as a failed write, not as a death in the middle of a
     * transaction. */
    (void)signal(SIGPIPE, SIG_IGN);
    return (int)cli_main(argc, argv);
}
