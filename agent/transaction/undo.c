/* Rolling back: after a failure, on an operator's word, after a crash. */
#include "agent/transaction/signals.h"
#include "agent/transaction/work.h"

#include <errno.h>
#include <string.h>

#include "plans/base/json.h"

static const char *undone_word(enum undone undone)
{
    static const char *const words[] = {
        [UNDONE_RESTORED] = "restored",
        [UNDONE_OWN_PART] = "own part taken back",
        [UNDONE_ALREADY] = "was as before",
        [UNDONE_LEFT] = "left alone",
    };

    return words[undone];
}

static int record_undone(struct work *work, const struct step *step,
                         const struct undo_report *report, struct err *err)
{
    struct json *object CLEANUP_JSON = json_object();

    json_set_string(object, "address", step->change->address);
    json_set_string(object, "persistent", undone_word(report->persistent));
    json_set_string(object, "runtime", undone_word(report->runtime));
    json_set_string(object, "left", report->left);
    return journal_append(&work->journal, RECORD_UNDONE,
                          json_write(object, false, work->engine->arena), err);
}

/* What another program or a full machine is in the way of is tried again, by the deadline's timer too;
 * anything else waits for a person. */
static bool is_passing(const struct err *err)
{
    static const int passing[] = {EAGAIN, EBUSY,  EDQUOT, EINTR,    EMFILE,
                                  ENFILE, ENOMEM, ENOSPC, ETIMEDOUT};

    for (size_t i = 0; err->kind == ERR_SYS && i < sizeof passing / sizeof *passing; i++)
        if (err->sys == passing[i])
            return true;
    return false;
}

static void undo_step(struct work *work, const struct step *step, struct engine_result *result)
{
    struct strings *left = &result->left;
    struct arena *arena = work->engine->arena;
    struct undo_report report = {0};
    struct err err;

    if (step->row->undo(work->stage, step->change, arena, &report, &err) < 0) {
        strings_addf(left, arena, "%s: %s", step->change->address, err.text);
        work_report(work, false, "%s: %s", step->change->address, err.text);
        result->try_again = result->try_again || is_passing(&err);
        return;
    }
    if (report.left != NULL)
        strings_addf(left, arena, "%s: %s", step->change->address, report.left);
    /* The record is for the history; what it says can be seen on the host again. */
    if (work->journal.state == RECORD_ROLLING_BACK && record_undone(work, step, &report, &err) < 0)
        work_report(work, false, "cannot record the undo of %s: %s", step->change->address,
                    err.text);
    const char *running = work->engine->host->live ? ", running value " : "";
    work_report(work, report.left == NULL, "taken back %s: %s%s%s", step->change->address,
                undone_word(report.persistent), running,
                running[0] == '\0' ? "" : undone_word(report.runtime));
}

static int record_end(struct work *work, const char *reason, const struct engine_result *result,
                      struct err *err)
{
    const struct strings *left = &result->left;

    if (work->journal.state != RECORD_ROLLING_BACK && work_record_rollback(work, reason, err) < 0)
        return -1;
    if (left->count == 0)
        return journal_append(&work->journal, RECORD_ROLLED_BACK, NULL, err);
    if (result->try_again)
        return 0;
    struct json *object CLEANUP_JSON = json_object();
    struct json *what = json_array();
    for (size_t i = 0; i < left->count; i++)
        json_append(what, json_string(left->at[i]));
    json_set(object, "what", what);
    return journal_append(&work->journal, RECORD_NEEDS_A_PERSON,
                          json_write(object, false, work->engine->arena), err);
}

int work_record_rollback(struct work *work, const char *reason, struct err *err)
{
    return journal_append(&work->journal, RECORD_ROLLING_BACK, work_reason(work, reason), err);
}

static bool concerns_haproxy(const struct work *work)
{
    for (size_t i = 0; i < work->step_count; i++)
        if (work->steps[i].row->runs_in_haproxy || work->steps[i].change->impact != IMPACT_NONE)
            return true;
    return false;
}

void work_undo(struct work *work, const char *reason, struct engine_result *result)
{
    struct arena *arena = work->engine->arena;
    struct err failure;

    result->reason = reason == NULL ? NULL : arena_string(arena, reason);
    result->outcome = OUTCOME_INCOMPLETE;
    result->notes = (struct strings){0};
    /* On a full disk the host is taken back all the same: recovery would do no less. */
    if (work->journal.state != RECORD_ROLLING_BACK &&
        work_record_rollback(work, reason, &failure) < 0)
        work_report(work, false, "%s", failure.text);
    if (work->engine->host->live && work->engine->haproxy_error != NULL && concerns_haproxy(work))
        strings_addf(&result->left, arena,
                     "HAProxy could not be examined (%s): what it runs with may not be as before; "
                     "once that is put right, `hamedic rollback`",
                     work->engine->haproxy_error);
    stage_undo_begin(work->stage);
    for (size_t i = work->step_count; i-- > 0;)
        undo_step(work, &work->steps[i], result);
    if (stage_undo_finish(work->stage, &failure) < 0) {
        strings_add(&result->left, arena, arena_string(arena, failure.text));
        result->try_again = result->try_again || is_passing(&failure);
    }
    if (stage_undo_leaves_active(work->stage))
        work_report(work, true,
                    "HAProxy is not reloaded: what its files said before was not what ran, and the "
                    "worker that runs goes on");
    if (stage_undo_leaves_started(work->stage))
        work_report(work, true, "HAProxy did not run before and was started: it goes on");
    if (stage_settle(work->stage, &failure) < 0) {
        strings_add(&result->left, arena, arena_string(arena, failure.text));
        result->try_again = result->try_again || is_passing(&failure);
    }
    if (result->try_again)
        strings_add(&result->left, arena, "`hamedic recover` goes on where this ended");
    if (record_end(work, reason, result, &failure) < 0)
        strings_addf(&result->left, arena,
                     "%s, but that could not be recorded (%s): run `hamedic recover` once the disk "
                     "can be written",
                     result->left.count == 0 ? "all was taken back" : "all else was taken back",
                     failure.text);
    if (result->left.count == 0)
        result->outcome = OUTCOME_ROLLED_BACK;
}

int engine_rollback(const struct engine *engine, const struct ledger_entry *entry,
                    const char *reason, struct engine_result *out_result, struct err *err)
{
    struct work work CLEANUP_WORK = WORK_EMPTY;
    struct engine_result result = {0};
    struct journal_records records;
    struct signals held CLEANUP_SIGNALS;

    signals_hold(&held);
    work_begin_changes();
    if (work_resume(&work, engine, entry, &records, err) < 0 ||
        work_record_rollback(&work, reason, err) < 0)
        return -1;
    work_undo(&work, reason, &result);
    *out_result = result;
    return 0;
}

static int finish_forward(struct work *work, struct engine_result *result, struct err *err)
{
    if (stage_settle(work->stage, err) < 0 ||
        journal_append(&work->journal, RECORD_DONE, NULL, err) < 0)
        return -1;
    result->outcome = OUTCOME_FINISHED;
    return 0;
}

static int discard(struct work *work, struct engine_result *result, struct err *err)
{
    struct err placed;

    /* A disk that did not keep its word may have lost records, or somebody cut the journal short. */
    if (stage_check_unplaced(work->stage, &placed) < 0) {
        if (placed.kind != ERR_CHANGED) {
            *err = placed;
            return -1;
        }
        strings_addf(&result->left, work->engine->arena,
                     "its journal ends before anything was changed, but %s: a person must look at "
                     "it; nothing is done",
                     placed.text);
        result->outcome = OUTCOME_INCOMPLETE;
        return 0;
    }
    if (stage_discard(work->stage, err) < 0 ||
        journal_append(&work->journal, RECORD_ROLLED_BACK,
                       work_reason(work, "interrupted before anything was changed"), err) < 0)
        return -1;
    result->outcome = OUTCOME_ROLLED_BACK;
    return 0;
}

int engine_confirm(const struct engine *engine, const struct ledger_entry *entry, const char *by,
                   struct engine_result *out_result, struct err *err)
{
    struct work work CLEANUP_WORK = WORK_EMPTY;
    struct engine_result result = {.outcome = OUTCOME_FINISHED};
    struct journal_records records;
    struct json *object CLEANUP_JSON = json_object();
    struct signals held CLEANUP_SIGNALS;
    struct err failure;

    signals_hold(&held);
    work_begin_changes();
    json_set_string(object, "by", by);
    if (work_resume(&work, engine, entry, &records, err) < 0)
        return -1;
    const char *payload = json_write(object, false, engine->arena);
    if (journal_append(&work.journal, RECORD_CONFIRMED, payload, &failure) < 0) {
        result.outcome = OUTCOME_INCOMPLETE;
        strings_addf(&result.left, engine->arena,
                     "whether it is confirmed could not be recorded (%s): run `hamedic confirm` "
                     "again; if not, the deadline takes it back",
                     failure.text);
    } else if (finish_forward(&work, &result, &failure) < 0) {
        result.outcome = OUTCOME_INCOMPLETE;
        strings_addf(&result.left, engine->arena,
                     "it is confirmed and stays, but could not be cleared up (%s): run `hamedic "
                     "recover`",
                     failure.text);
    }
    *out_result = result;
    return 0;
}

/* Why a transaction that is not to stay comes back. */
static const char *reason_to_undo(const struct work *work, const struct ledger_entry *entry)
{
    if (work->journal.state != RECORD_AWAITING_CONFIRM)
        return "interrupted by a crash or a power cut";
    struct arena *scratch CLEANUP_ARENA = arena_new();
    if (strcmp(entry->deadline_boot, journal_boot_id(scratch)) != 0)
        return "not confirmed before the host was restarted";
    return arena_printf(work->engine->arena, "not confirmed within %jd s",
                        (intmax_t)work->confirm_seconds);
}

int engine_recover(const struct engine *engine, const struct ledger_entry *entry,
                   struct engine_result *out_result, struct err *err)
{
    struct work work CLEANUP_WORK = WORK_EMPTY;
    struct engine_result result = {0};
    struct journal_records records;
    struct signals held CLEANUP_SIGNALS;
    int done = 0;

    signals_hold(&held);
    work_begin_changes();
    if (work_resume(&work, engine, entry, &records, err) < 0)
        return -1;
    if (work.journal.state == RECORD_CONFIRMED ||
        (work.journal.state == RECORD_PROVEN && work.confirm_seconds == 0))
        done = finish_forward(&work, &result, err);
    else if (work.journal.state == RECORD_OPEN || work.journal.state == RECORD_STAGED ||
             work.journal.state == RECORD_PREPARED)
        done = discard(&work, &result, err);
    else
        work_undo(&work, reason_to_undo(&work, entry), &result);
    if (done < 0)
        return -1;
    *out_result = result;
    return 0;
}
