/* agent/cli: the command line as tables: what commands there are, what each takes, how it ends.
 * Use:     a command is one file in commands/ with one `const struct command`, and one line in
 *          commands/table.c; help and dispatch come from there.
 * Shapes:  options may stand before and after the command's name; "--" ends them.
 */
#ifndef HAMEDIC_AGENT_CLI_H
#define HAMEDIC_AGENT_CLI_H

#include "plans/render.h"
#include "policies/policy.h"
#include "remediations/host/host.h"

/* The contract with scripts. */
enum exit_code {
    EXIT_OK = 0,
    EXIT_ERROR = 1,       /* nothing was changed */
    EXIT_SOMETHING = 2,   /* findings, changes */
    EXIT_REFUSED = 3,     /* signature, approvals, expiry, replay, wrong host, policy, stale */
    EXIT_ROLLED_BACK = 4, /* the host is as before */
    EXIT_INCOMPLETE = 5,  /* a person must act */
    EXIT_USAGE = 64,
};

struct cli_option {
    const char *name;     /* long form without dashes */
    char letter;          /* 0: none */
    const char *argument; /* "FILE"; "[FILE]": may be left away; NULL: takes none */
    const char *help;
};

struct cli_value {
    const char *name, *value; /* value "" where the option takes none */
};

struct invocation {
    const struct command *command;
    struct arena *arena;
    struct cli_value *values;
    size_t value_count;
    struct strings arguments; /* what is no option */
    struct render_style style;
    size_t height; /* lines of the terminal; 0: standard output is none */
    bool quiet, verbose;
};

struct command {
    const char *name;
    const char *arguments; /* "PLAN", "[ID]", "" */
    const char *summary;   /* one line */
    const char *about;     /* what it does, how it ends; a paragraph a line */
    const char *example;
    const struct cli_option *options; /* ends with name NULL */
    size_t least, most;               /* how many arguments */
    bool changes; /* its exit status tells what became of the host, printed or not */
    enum exit_code (*run)(struct invocation *invocation);
};

enum exit_code cli_main(int argc, char **argv);
void cli_help_all(struct invocation *invocation);
void cli_help_command(struct invocation *invocation, const struct command *command);
const struct command *cli_find_command(const char *name);

bool cli_has(const struct invocation *invocation, const char *name);
const char *cli_value(const struct invocation *invocation, const char *name); /* the last; NULL */
struct strings cli_values(const struct invocation *invocation, const char *name);

/* ---- what commands say ---- */
/* To standard output, as it is. */
void cli_print(const struct text *text);
void cli_say(const struct invocation *invocation, const char *format, ...) PRINTF_LIKE(2, 3);
/* What to type to get here again: "hamedic", with the --root that was given. */
const char *cli_self(const struct invocation *invocation);
/* "hamedic: ..." on standard error; gives the exit code that belongs to the kind of error. */
enum exit_code cli_fail(const struct err *err);
enum exit_code cli_refuse(const char *format, ...) PRINTF_LIKE(1, 2);
enum exit_code cli_usage(const struct invocation *invocation, const char *format, ...)
    PRINTF_LIKE(2, 3);
/* Output that cannot be written is an error like any other. */
enum exit_code cli_finish(const struct command *command, enum exit_code code);

/* ---- what commands start from ---- */
/* The host of --root with its settings (--config). */
MUST_CHECK int cli_open_host(const struct invocation *invocation, struct host **out_host,
                             struct err *err);
/* --policy FILE, else the host's policy.d, else the built-in. host may be NULL. */
MUST_CHECK int cli_open_policy(const struct invocation *invocation, const struct host *host,
                               struct policy **out_policy, struct err *err);
/* --keys DIR, else the host's /etc/hamedic; -1 in *out_dir where there is none. */
MUST_CHECK int cli_open_keys(const struct invocation *invocation, const struct host *host,
                             int *out_dir, struct err *err);

#endif
