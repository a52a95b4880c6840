#include "agent/commands/commands.h"
#include "remediations/remediation.h"

static const struct cli_option options[] = {{NULL, 0, NULL, NULL}};

static enum exit_code run(struct invocation *invocation)
{
    struct text text = text_new(invocation->arena);

    text_add(&text, "hamedic " HAMEDIC_VERSION "\n");
    cli_print(&text);
    return EXIT_OK;
}

const struct command command_version = {
    .name = "version",
    .arguments = "",
    .summary = "the version of hamedic",
    .about = "Prints the version.",
    .example = "  hamedic version\n",
    .options = options,
    .run = run,
};
