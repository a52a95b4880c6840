#include "agent/commands/commands.h"

#include <string.h>

#include "agent/commands/changing.h"

static const struct cli_option options[] = {{NULL, 0, NULL, NULL}};

/* What to answer where nothing awaits it: the newest one may have been confirmed before. */
static enum exit_code nothing_awaits(const struct changing *changing)
{
    const struct ledger_entry *newest =
        changing->entry_count == 0 ? NULL : &changing->entries[changing->entry_count - 1];
    struct err err;

    if (newest != NULL && newest->state == RECORD_DONE && newest->confirm_seconds > 0) {
        cli_say(changing->invocation, "Plan %.6s was confirmed already.", newest->plan_id);
        return EXIT_OK;
    }
    (void)err_set(&err, ERR_INPUT, "no transaction awaits a confirmation (see hamedic history)");
    return cli_fail(&err);
}

static enum exit_code run(struct invocation *invocation)
{
    struct changing changing CLEANUP_CHANGING = CHANGING_EMPTY;
    struct engine_result result = {0};
    enum exit_code code;
    struct err err;
    bool any;

    if (changing_open_repair(&changing, invocation, &err) < 0)
        return cli_fail(&err);
    /* One whose time is over comes back here: the first decision holds. */
    if (changing_begin(&changing, &any, &code) < 0 || code != EXIT_OK)
        return code;
    const struct ledger_entry *entry = changing_awaiting(&changing);
    if (entry == NULL) {
        code = changing_check_settled(&changing);
        return code != EXIT_OK ? code : nothing_awaits(&changing);
    }
    const char *by = arena_printf(invocation->arena, "uid %u", (unsigned)getuid());
    if (engine_confirm(&changing.engine, entry, by, &result, &err) < 0)
        return cli_fail(&err);
    if (result.outcome == OUTCOME_INCOMPLETE)
        return changing_tell(&changing, entry->plan_id, &result);
    changing_disarm(&changing);
    cli_say(invocation, "Confirmed: plan %.6s stays. Take it back with: %s rollback %.6s",
            entry->plan_id, cli_self(invocation), entry->plan_id);
    return EXIT_OK;
}

const struct command command_confirm = {
    .name = "confirm",
    .arguments = "",
    .summary = "keep what was applied with --confirm",
    .about =
        "Says that what `hamedic apply --confirm SECONDS` applied works and stays. Best said "
        "from a new connection to the host: one that can still be made is the proof. Without "
        "it everything is taken back when the time is over, also if the terminal, the agent "
        "or the host went away meanwhile.\n"
        "Exit status: 0 it stays; 1 nothing awaits a confirmation; 4 the time was over, and it "
        "was taken back; 5 a person must act.",
    .example = "  hamedic confirm\n",
    .options = options,
    .changes = true,
    .run = run,
};
