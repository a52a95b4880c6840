#include "agent/commands/commands.h"

#include "agent/commands/changing.h"

static const struct cli_option options[] = {
    {"accept", 0, NULL, "record the present state as it is, after a person put it right"},
    {NULL, 0, NULL, NULL},
};

static enum exit_code accept_present_state(struct changing *changing)
{
    struct err err;
    size_t accepted = 0;

    for (size_t i = 0; i < changing->entry_count; i++) {
        const struct ledger_entry *entry = &changing->entries[i];
        struct journal_records records;
        struct journal journal = {.fd = -1};
        int folder CLEANUP_FD = -1;
        if (entry->state != RECORD_NEEDS_A_PERSON || entry->damaged != NULL)
            continue;
        if (ledger_open_entry(&changing->ledger, entry, changing->invocation->arena, &folder,
                              &records, &journal, &err) < 0)
            return cli_fail(&err);
        int done = journal_append(&journal, RECORD_ACCEPTED, NULL, &err);
        journal_close(&journal);
        if (done < 0)
            return cli_fail(&err);
        cli_say(changing->invocation, "Transaction %s: the present state is accepted.",
                entry->folder);
        accepted++;
    }
    if (accepted == 0)
        cli_say(changing->invocation, "No transaction waits for a person.");
    return EXIT_OK;
}

static enum exit_code run(struct invocation *invocation)
{
    struct changing changing CLEANUP_CHANGING = CHANGING_EMPTY;
    enum exit_code code;
    struct err err;
    bool any;

    if (changing_open(&changing, invocation, &err) < 0 || changing_lock(&changing, &err) < 0 ||
        changing_finish_interrupted(&changing, &any, &code, &err) < 0)
        return cli_fail(&err);
    if (cli_has(invocation, "accept"))
        return accept_present_state(&changing);
    if (code != EXIT_OK)
        return code;
    if (changing_check_settled(&changing, &err) < 0) {
        (void)cli_fail(&err);
        return EXIT_INCOMPLETE;
    }
    if (!any)
        cli_say(invocation, "No transaction was interrupted.");
    return EXIT_OK;
}

const struct command command_recover = {
    .name = "recover",
    .arguments = "",
    .summary = "bring an interrupted transaction to an end",
    .about = "After a crash or a power cut: brings the host to entirely-before, or to "
             "entirely-after where the transaction had proven itself. To be run at boot, before "
             "HAProxy starts; harmless at any time.\n"
             "Exit status: 0 nothing is open any more; 5 a person must act.",
    .example = "  hamedic recover\n",
    .options = options,
    .changes = true,
    .run = run,
};
