/* commands/commands: the commands, one file each. */
#ifndef HAMEDIC_AGENT_COMMANDS_COMMANDS_H
#define HAMEDIC_AGENT_COMMANDS_COMMANDS_H

#include "agent/cli.h"

extern const struct command command_diagnose, command_plan, command_show, command_approve,
    command_verify, command_apply, command_confirm, command_rollback, command_recover,
    command_history, command_keygen, command_logs, command_version, command_help;

/* In the order of `hamedic help`. */
const struct command *const *commands_table(size_t *out_count);

#endif
