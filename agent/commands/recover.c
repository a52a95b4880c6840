#include "agent/commands/commands.h"

#include <errno.h>
#include <time.h>

#include "agent/commands/changing.h"
#include "agent/transaction/deadline.h"

static const struct cli_option options[] = {
    {"accept", 0, NULL, "record the present state as it is, after a person put it right"},
    {"deadline", 0, NULL, "for the timer: take back what was not confirmed in time"},
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

/* ---- the deadline's timer ---- */

static void sleep_ms(int64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_BOOTTIME, &until);
    int64_t end = (int64_t)until.tv_sec * 1000 + until.tv_nsec / 1000000 + ms + 1;
    until = (struct timespec){end / 1000, end % 1000 * 1000000};
    while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

/* Without the lock, which `hamedic confirm` needs meanwhile. Nothing to be read is nothing to wait
 * for: what is wrong is told under the lock. */
static void wait_for_deadline(const struct host *host, struct arena *arena)
{
    struct ledger ledger CLEANUP_LEDGER = {.transactions = -1, .lock = -1};
    struct ledger_entry *entries;
    struct err ignored;
    size_t count;

    if (ledger_open(host, LEDGER_READ, &ledger, &ignored) < 0 ||
        ledger_list(&ledger, arena, &entries, &count, &ignored) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!ledger_awaits_confirm(&entries[i]))
            continue;
        int64_t left = deadline_left_ms(&entries[i]);
        if (left > 0 && left <= 2 * DEADLINE_PERIOD_MS)
            sleep_ms(left);
    }
}

static enum exit_code watch_deadline(struct changing *changing)
{
    enum exit_code code;
    struct err err;
    bool any;

    wait_for_deadline(changing->host, changing->invocation->arena);
    if (changing_lock(changing, &err) < 0) {
        /* An apply or a confirm is at work: the next look finds what it leaves. */
        if (err.kind == ERR_CHANGED)
            return EXIT_OK;
        return cli_fail(&err);
    }
    if (changing_finish_interrupted(changing, &any, &code, &err) < 0) {
        (void)cli_fail(&err);
        return EXIT_INCOMPLETE;
    }
    changing_disarm(changing);
    return code;
}

/* ---- recover ---- */

static enum exit_code run(struct invocation *invocation)
{
    struct changing changing CLEANUP_CHANGING = CHANGING_EMPTY;
    enum exit_code code;
    struct err err;
    bool any;

    if (changing_open_repair(&changing, invocation, &err) < 0)
        return cli_fail(&err);
    if (cli_has(invocation, "deadline"))
        return watch_deadline(&changing);
    if (changing_begin(&changing, &any, &code) < 0)
        return code;
    if (cli_has(invocation, "accept"))
        return accept_present_state(&changing);
    if (code == EXIT_INCOMPLETE)
        return code;
    if (changing_check_settled(&changing) != EXIT_OK)
        return EXIT_INCOMPLETE;
    const struct ledger_entry *awaiting = changing_awaiting(&changing);
    if (awaiting != NULL)
        cli_say(invocation, "Transaction %s awaits its confirmation for %jd s more.",
                awaiting->folder, (intmax_t)(deadline_left_ms(awaiting) / 1000));
    else if (!any)
        cli_say(invocation, "No transaction was interrupted.");
    return EXIT_OK;
}

const struct command command_recover = {
    .name = "recover",
    .arguments = "",
    .summary = "bring an interrupted transaction to an end",
    .about = "After a crash or a power cut: brings the host to entirely-before, or to "
             "entirely-after where the transaction had proven itself; takes back what was to be "
             "confirmed and was not. Run at boot by hamedic-recover.service, before HAProxy "
             "starts; harmless at any time. Neither the policy nor the settings nor a HAProxy that "
             "cannot be examined keep it from its work.\n"
             "Exit status: 0 nothing is open any more; 5 a person must act; with --deadline 4 "
             "where something was not confirmed in time and was taken back.",
    .example = "  hamedic recover\n",
    .options = options,
    .changes = true,
    .run = run,
};
