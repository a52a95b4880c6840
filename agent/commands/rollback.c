#include "agent/commands/commands.h"

#include <string.h>

#include "agent/commands/changing.h"

static const struct cli_option options[] = {{NULL, 0, NULL, NULL}};

static bool has_id(const struct ledger_entry *entry, const char *id)
{
    return id == NULL || strncmp(entry->plan_id, id, strlen(id)) == 0;
}

/* The newest transaction that still stands; what was applied after another can only be taken back
 * before it. */
static int choose_standing(const struct changing *changing, const char *id,
                           const struct ledger_entry **out_entry, struct err *err)
{
    const struct ledger_entry *newest = NULL;

    for (size_t i = changing->entry_count; i-- > 0 && newest == NULL;)
        if (changing->entries[i].state == RECORD_DONE ||
            changing->entries[i].state == RECORD_AWAITING_CONFIRM)
            newest = &changing->entries[i];
    if (newest == NULL)
        return err_set(err, ERR_INPUT, "no transaction stands that could be taken back");
    if (id == NULL && newest != &changing->entries[changing->entry_count - 1])
        return err_set(
            err, ERR_INPUT,
            "the newest transaction was taken back already; to take the one before it back "
            "say: hamedic rollback %.6s",
            newest->plan_id);
    if (has_id(newest, id)) {
        *out_entry = newest;
        return 0;
    }
    for (size_t i = 0; i < changing->entry_count; i++)
        if (has_id(&changing->entries[i], id))
            return err_set(err, ERR_INPUT,
                           "plan %s: %s; only the newest that stands, %.6s, can be taken back", id,
                           changing->entries[i].state == RECORD_DONE ? "others came after it"
                                                                     : "it does not stand",
                           newest->plan_id);
    return err_set(err, ERR_INPUT, "there is no transaction '%s' (see hamedic history)", id);
}

/* NULL: told why not; *out_code is how the command ends. */
static const struct ledger_entry *choose(const struct changing *changing, const char *id,
                                         enum exit_code *out_code)
{
    const struct ledger_entry *chosen = NULL;
    struct err err;

    if (changing->entry_count == 0) {
        (void)err_set(&err, ERR_INPUT, "there is no transaction to take back");
        *out_code = cli_fail(&err);
        return NULL;
    }
    /* One that could not be taken back whole may be tried again: the disk has room now, or a person
     * put a value right. */
    const struct ledger_entry *newest = &changing->entries[changing->entry_count - 1];
    if (newest->damaged == NULL && newest->state == RECORD_NEEDS_A_PERSON && has_id(newest, id))
        return newest;
    *out_code = changing_check_settled(changing);
    if (*out_code != EXIT_OK)
        return NULL;
    if (choose_standing(changing, id, &chosen, &err) < 0)
        *out_code = cli_fail(&err);
    return chosen;
}

static bool was_taken_back(const struct changing *changing, const char *id)
{
    const struct ledger_entry *newest = &changing->entries[changing->entry_count - 1];

    return newest->damaged == NULL && newest->state == RECORD_ROLLED_BACK && has_id(newest, id);
}

static enum exit_code run(struct invocation *invocation)
{
    struct changing changing CLEANUP_CHANGING = CHANGING_EMPTY;
    const char *id = invocation->arguments.count > 0 ? invocation->arguments.at[0] : NULL;
    struct engine_result result = {0};
    enum exit_code code;
    struct err err;
    bool any;

    if (id != NULL && strlen(id) < 4)
        return cli_usage(invocation, "rollback: '%s': expected at least 4 digits of a plan's id",
                         id);
    if (changing_open_repair(&changing, invocation, &err) < 0)
        return cli_fail(&err);
    if (changing_begin(&changing, &any, &code) < 0 || code == EXIT_INCOMPLETE)
        return code;
    /* What was finished right now may be what was asked for. */
    if (any && was_taken_back(&changing, id))
        return EXIT_OK;
    const struct ledger_entry *entry = choose(&changing, id, &code);
    if (entry == NULL)
        return code;
    if (engine_rollback(&changing.engine, entry, "taken back by an operator", &result, &err) < 0)
        return cli_fail(&err);
    code = changing_tell(&changing, entry->plan_id, &result);
    if (entry->confirm_seconds > 0)
        changing_disarm(&changing);
    return code == EXIT_ROLLED_BACK ? EXIT_OK : code;
}

const struct command command_rollback = {
    .name = "rollback",
    .arguments = "[ID]",
    .summary = "take the newest transaction back",
    .about = "Puts back what was: files byte for byte with owner, mode and times, running values, "
             "the SELinux store's records. What somebody edited since keeps their edits and loses "
             "only ours. A value that is neither ours nor the old one is left alone and named.\n"
             "Exit status: 0 the host is as before; 5 incomplete, says what stands where.",
    .example = "  hamedic rollback\n  hamedic rollback 7f3a9c\n",
    .options = options,
    .most = 1,
    .changes = true,
    .run = run,
};
