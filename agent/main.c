/* hamedic: finds out why HAProxy does not serve, writes a signed plan, applies it all-or-nothing.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/cli.h"

/* Out of memory ends the process: in a transaction that is a crash like any other, and `recover`
 * knows what to do. */
static void out_of_memory(void)
{
    (void)fputs("hamedic: out of memory\n", stderr);
    _exit(EXIT_ERROR);
}

int main(int argc, char **argv)
{
    arena_on_exhausted(out_of_memory);
    (void)setlocale(LC_CTYPE, "");
    /* A reader that went away shows as a failed write, not as a death in the middle of a
     * transaction. */
    (void)signal(SIGPIPE, SIG_IGN);
    return (int)cli_main(argc, argv);
}
