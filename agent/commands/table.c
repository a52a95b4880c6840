#include "agent/commands/commands.h"

/* The order of `hamedic help`: the order in which they are used. */
static const struct command *const table[] = {
    &command_diagnose, &command_logs,   &command_plan,    &command_show,     &command_approve,
    &command_verify,   &command_apply,  &command_confirm, &command_rollback, &command_recover,
    &command_history,  &command_keygen, &command_version, &command_help,
};

const struct command *const *commands_table(size_t *out_count)
{
    *out_count = sizeof table / sizeof table[0];
    return table;
}
