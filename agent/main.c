/* hamedic: finds out why HAProxy does not serve, writes a signed plan, applies it all-or-nothing.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/cli.h"
#include "agent/transaction/work.h"
#include "plans/base/digest.h"

/* What ends the process here and now is in a transaction a crash like any other, and `recover` knows
 * what to do. Exit status 1 would say that nothing was changed. */
static _Noreturn void end_at_once(const char *words)
{
    (void)fprintf(stderr, "hamedic: %s (`hamedic recover` ends what was under way)\n", words);
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
    (void)umask(022); /* a folder in which others look must not depend on who called */
    arena_on_exhausted(out_of_memory);
    digest_on_no_random(no_random);
    (void)setlocale(LC_CTYPE, "");
    /* A reader that went away shows as a failed write, not as a death in the middle of a
     * transaction. */
    (void)signal(SIGPIPE, SIG_IGN);
    return (int)cli_main(argc, argv);
}
