/* commands/watching: a report again and again, in place on a terminal.
 * Use:     watching_run(invocation, host, policy, &how): ends the process's part in it with the exit code.
 * Shapes:  on a terminal each round takes the place of the one before, within the window; else
 *          rounds stand one after another, a blank line between them.
 * Errors:  what a round says it failed for; a round that fails ends it.
 */
#ifndef HAMEDIC_AGENT_COMMANDS_WATCHING_H
#define HAMEDIC_AGENT_COMMANDS_WATCHING_H

#include "agent/cli.h"
#include "agent/examine.h"

#define WATCHING_SECONDS     2 /* between two rounds, where nothing is said */
#define WATCHING_SECONDS_MAX 3600

struct watching {
    unsigned seconds; /* between two rounds */
    struct facts_wanted wanted;
};

/* Ends with EXIT_OK on SIGINT, SIGTERM and SIGHUP, at any moment, with the terminal as it was. */
enum exit_code watching_run(struct invocation *invocation, const struct host *host,
                            const struct policy *policy, const struct watching *how);

#endif
