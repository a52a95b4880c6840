/* Prepare, commit, prove. Undoing is in undo.c. */
#include "agent/transaction/engine.h"

#include <string.h>

#include "agent/transaction/deadline.h"
#include "agent/transaction/probes.h"
#include "agent/transaction/signals.h"
#include "agent/transaction/unmoved.h"
#include "agent/transaction/work.h"
#include "plans/base/json.h"

enum { PROVE_DEADLINE_MS = 20000 };

/* ---- prepare: everything that can fail without being seen ---- */

static int check_all_unmoved(const struct engine *engine, const struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->change_count; i++)
        if (engine_check_unmoved(engine->scene, &plan->changes[i], engine->arena, err) < 0)
            return -1;
    return 0;
}

static int stage_all(struct work *work, struct err *err)
{
    for (size_t i = 0; i < work->step_count; i++) {
        const struct step *step = &work->steps[i];
        if (step->row->stage(work->stage, work->engine->scene, step->change, err) < 0)
            return err_wrap(err, "cannot stage %s", step->change->address);
        if (step->change->impact == IMPACT_RELOAD)
            stage_want_reload(work->stage);
    }
    return 0;
}

/* A file may have been edited between the look at all of them and its staging. */
static int check_all_planned(const struct work *work, struct err *err)
{
    for (size_t i = 0; i < work->step_count; i++)
        if (stage_check_planned(work->stage, work->steps[i].change, err) < 0)
            return -1;
    return 0;
}

static int prepare(struct work *work, struct err *err)
{
    struct arena *arena = work->engine->arena;

    if (stage_all(work, err) < 0 || check_all_planned(work, err) < 0)
        return -1;
    const char *records = stage_records(work->stage, arena);
    if (journal_append(&work->journal, RECORD_STAGED, records, err) < 0 ||
        stage_seal(work->stage, err) < 0)
        return -1;
    return signals_check(err);
}

/* ---- commit and prove ---- */

/* The first step that changes something of HAProxy's, or the end. */
static bool is_first_of_haproxy(const struct work *work, size_t at)
{
    static const char kind[] = "haproxy.";
    size_t first = 0;

    while (first < work->step_count &&
           strncmp(work->steps[first].row->kind, kind, sizeof kind - 1) != 0)
        first++;
    return at == first;
}

/* Before anything of HAProxy's is changed here: later, what is ours could not be told from what is
 * somebody else's. */
static int check_kept(const struct work *work, const struct probes *probes, size_t at,
                      struct err *err)
{
    if (!work->engine->host->live || !is_first_of_haproxy(work, at))
        return 0;
    return probes_check_kept(probes, work->plan, work->engine->arena, err);
}

static int commit(struct work *work, const struct probes *probes, struct err *err)
{
    for (size_t i = 0; i < work->step_count; i++) {
        const struct step *step = &work->steps[i];
        if (signals_check(err) < 0 || check_kept(work, probes, i, err) < 0)
            return -1;
        if (step->row->commit(work->stage, step->change, err) < 0)
            return err_wrap(err, "cannot commit %s", step->change->address);
    }
    if (signals_check(err) < 0 || check_kept(work, probes, work->step_count, err) < 0 ||
        stage_finish(work->stage, err) < 0)
        return -1;
    return journal_append(&work->journal, RECORD_COMMITTED, NULL, err);
}

static int prove(struct work *work, const struct probes *probes, struct strings *notes,
                 struct err *err)
{
    const struct engine *engine = work->engine;
    struct strings worse = {0};

    for (size_t i = 0; i < work->step_count; i++) {
        const struct step *step = &work->steps[i];
        struct proof proof = {0};
        if (step->row->prove(work->stage, step->change, engine->arena, &proof, err) < 0)
            return err_wrap(err, "%s did not prove itself", step->change->address);
        if (proof.now != NULL)
            work_report(work, true, "proven     %s: %s", step->change->address, proof.now);
        if (proof.later != NULL)
            strings_addf(notes, engine->arena, "%s: %s", step->change->address, proof.later);
    }
    if (!engine->host->live)
        return signals_check(err);
    if (probes_judge(probes, engine->host, work->plan, PROVE_DEADLINE_MS, engine->arena, &worse,
                     err) < 0)
        return err_wrap(err, "cannot prove the service");
    if (worse.count > 0)
        return err_set(err, ERR_CHANGED, "%s%s", worse.at[0], worse.count > 1 ? ", and more" : "");
    const char *unseen = probes_unseen(probes, engine->arena);
    if (unseen != NULL)
        strings_add(notes, engine->arena, unseen);
    work_report(work, true,
                "proven     the service is as good as before, and what was wrong is gone");
    return signals_check(err);
}

static void add_unrecorded(const struct work *work, const struct err *failure,
                           struct engine_result *result)
{
    result->outcome = OUTCOME_INCOMPLETE;
    strings_addf(&result->left, work->engine->arena,
                 "the new state stands and works, but that could not be recorded (%s): run "
                 "`hamedic recover`",
                 failure->text);
}

static int record_deadline(struct work *work, struct err *err)
{
    struct json *object CLEANUP_JSON = json_object();

    json_set_int(object, "seconds", work->confirm_seconds);
    json_set_int(object, "until_ms", deadline_now_ms() + work->confirm_seconds * 1000);
    return journal_append(&work->journal, RECORD_AWAITING_CONFIRM,
                          json_write(object, false, work->engine->arena), err);
}

/* PROVEN on disk is the decision; with a deadline, it is that somebody may confirm. */
static int record_decision(struct work *work, struct err *err)
{
    if (journal_append(&work->journal, RECORD_PROVEN, NULL, err) < 0)
        return -1;
    return work->confirm_seconds > 0 ? record_deadline(work, err) : 0;
}

/* Where the decision cannot be written all is taken back, as soon as that is on disk in its stead;
 * where that cannot be written either, nothing is decided: neither "done" nor "rolled back" may be
 * said, and recovery will read what really reached the disk. */
static void decide(struct work *work, struct engine_result *result)
{
    struct err failure, second;

    if (record_decision(work, &failure) < 0) {
        if (work_record_rollback(work, failure.text, &second) < 0)
            add_unrecorded(work, &failure, result);
        else {
            work_report(work, false, "%s", failure.text);
            work_undo(work, failure.text, result);
        }
        return;
    }
    /* What was displaced stays until then, to be put back as the very same file. */
    if (work->confirm_seconds > 0) {
        result->outcome = OUTCOME_AWAITING;
        result->confirm_seconds = work->confirm_seconds;
        return;
    }
    result->outcome = OUTCOME_APPLIED;
    if (stage_settle(work->stage, &failure) < 0 ||
        journal_append(&work->journal, RECORD_DONE, NULL, &failure) < 0)
        add_unrecorded(work, &failure, result);
}

static void run(struct work *work, const struct probes *probes, struct engine_result *result)
{
    struct err failure = {0};

    if (commit(work, probes, &failure) == 0) {
        work_report(work, true, "committed  %s", work_list(work));
        if (prove(work, probes, &result->notes, &failure) == 0) {
            decide(work, result);
            return;
        }
    }
    work_report(work, false, "%s", failure.text);
    work_undo(work, failure.text, result);
}

/* ---- apply ---- */

static int check_unspent(const struct engine *engine, const struct plan *plan, struct err *err)
{
    struct ledger_entry *entries;
    size_t count;

    if (ledger_list(engine->ledger, engine->arena, &entries, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].plan_id, plan->id) == 0 && entries[i].spent)
            return err_set(err, ERR_DENIED,
                           "plan %.12s was used already (transaction %s): every plan is applied at "
                           "most once",
                           plan->id, entries[i].folder);
    return 0;
}

/* Nothing became visible: no trace stays. */
static int clear_up(struct work *work, const char *reason, struct err *err)
{
    bool spent = work->journal.state == RECORD_PREPARED;

    if (stage_discard(work->stage, err) < 0)
        return err_wrap(err, "cannot clear up");
    int ended = journal_append(&work->journal, RECORD_ROLLED_BACK, work_reason(work, reason), err);
    /* On a full disk a folder can still go, and takes its journal along. */
    if ((ended < 0 && spent) || ledger_forget(work->engine->ledger, work->plan->id, err) < 0)
        return err_wrap(err, "cannot clear up");
    return 0;
}

static int prepare_or_give_up(struct work *work, bool dry_run, struct err *err)
{
    struct err second;

    work_begin_changes(); /* what is staged must be cleared up, too */
    if (prepare(work, err) == 0) {
        work_report(work, true, "staged     %s", work_list(work));
        if (dry_run)
            return clear_up(work, "dry run", err);
        if (journal_append(&work->journal, RECORD_PREPARED, NULL, err) == 0 &&
            journal_append(&work->journal, RECORD_COMMITTING, NULL, err) == 0)
            return 0;
    }
    if (clear_up(work, err->text, &second) < 0)
        return err_wrap(err, "%s; before that", second.text);
    return -1;
}

int engine_apply(const struct engine *engine, const struct engine_order *order,
                 struct engine_result *out_result, struct err *err)
{
    struct work work CLEANUP_WORK = WORK_EMPTY;
    struct engine_result result = {0};
    struct probes probes = {0};
    struct signals held CLEANUP_SIGNALS;

    signals_hold(&held);
    if (check_unspent(engine, order->plan, err) < 0 ||
        check_all_unmoved(engine, order->plan, err) < 0)
        return -1;
    work_report_to(engine, true, "nothing moved since the plan (%zu objects compared)",
                   unmoved_count(order->plan));
    if (plan_effective_changes(order->plan) == 0) {
        *out_result = (struct engine_result){.outcome = OUTCOME_NOTHING};
        return 0;
    }
    if (engine->host->live) {
        if (probes_baseline(engine->host, engine->arena, &probes, err) < 0)
            return err_wrap(err, "cannot look at the service before");
        if (probes_check_activates(&probes, order->plan, engine->arena, err) < 0)
            return -1;
    }
    if (work_begin(&work, engine, order, err) < 0)
        return -1;
    if (prepare_or_give_up(&work, order->dry_run, err) < 0)
        return -1;
    if (order->dry_run) {
        result.outcome = OUTCOME_DRY;
        *out_result = result;
        return 0;
    }
    run(&work, &probes, &result);
    *out_result = result;
    return 0;
}
