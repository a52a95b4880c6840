#include "agent/commands/commands.h"

#include "agent/diagnose/explain.h"
#include "remediations/remediation.h"

static const struct cli_option options[] = {{NULL, 0, NULL, NULL}};

static void help_addresses(struct invocation *invocation)
{
    struct text text = text_new(invocation->arena);
    size_t count;
    const struct remediation *const *rows = remediation_table(&count);

    text_add(&text, "\nWhat can be changed (KIND:TARGET=VALUE)\n");
    for (size_t i = 0; i < count; i++)
        text_addf(&text, "  %s\n      %s\n", rows[i]->example, rows[i]->summary);
    cli_print(&text);
}

static void help_causes(struct invocation *invocation)
{
    struct text text = text_new(invocation->arena);

    text_add(&text, "\nCauses it can name (hamedic diagnose --explain SLUG)\n");
    explain_list(&invocation->style, &text);
    cli_print(&text);
}

static enum exit_code run(struct invocation *invocation)
{
    if (invocation->arguments.count == 0) {
        cli_help_all(invocation);
        return EXIT_OK;
    }
    const struct command *command = cli_find_command(invocation->arguments.at[0]);
    if (command == NULL)
        return cli_usage(invocation, "unknown command '%s'", invocation->arguments.at[0]);
    cli_help_command(invocation, command);
    if (command == &command_plan)
        help_addresses(invocation);
    if (command == &command_diagnose)
        help_causes(invocation);
    return EXIT_OK;
}

const struct command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "this overview, or one command in full",
    .about = "Prints the overview, or one command's options and an example.",
    .example = "  hamedic help plan\n",
    .options = options,
    .most = 1,
    .run = run,
};
