#include "agent/pending.h"

#include <stdio.h>

#include "agent/transaction/deadline.h"

/* NULL: it is at its end. */
static const char *what_is_due(const struct ledger_entry *entry, struct arena *arena)
{
    if (entry->damaged != NULL)
        return arena_printf(arena, "has a damaged record (%s): a person must look at the host",
                            entry->damaged);
    if (entry->state == RECORD_NEEDS_A_PERSON)
        return "waits for a person: `hamedic history` names what to put right";
    if (ledger_is_unfinished(entry))
        return "was interrupted: `hamedic recover` (or the next apply) brings it to an end first";
    if (!ledger_awaits_confirm(entry))
        return NULL;
    int64_t left = deadline_left_ms(entry);
    if (left == 0)
        return "was not confirmed in time: `hamedic recover` takes it back";
    return arena_printf(arena,
                        "awaits its confirmation for %jd s more: `hamedic confirm` keeps it, "
                        "`hamedic rollback` takes it back",
                        (intmax_t)(left / 1000));
}

void pending_name(const struct host *host, struct arena *arena)
{
    struct ledger ledger CLEANUP_LEDGER = {.transactions = -1, .lock = -1};
    struct ledger_entry *entries;
    struct err ignored;
    size_t count;

    if (ledger_open(host, LEDGER_READ, &ledger, &ignored) < 0 ||
        ledger_list(&ledger, arena, &entries, &count, &ignored) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        const char *due = what_is_due(&entries[i], arena);
        if (due != NULL)
            (void)fprintf(stderr, "hamedic: transaction %s %s\n", entries[i].folder, due);
    }
}
