#include "agent/transaction/work.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plans/base/json.h"
#include "plans/base/text.h"
#include "plans/codec.h"

enum { REPORT_SIZE = 2048 };

static bool changes_begun;

void work_begin_changes(void)
{
    changes_begun = true;
}

bool work_has_begun_changes(void)
{
    return changes_begun;
}

static void PRINTF_LIKE(3, 0)
    report_words(const struct engine *engine, bool good, const char *format, va_list args)
{
    char words[REPORT_SIZE];

    if (engine->report == NULL)
        return;
    (void)vsnprintf(words, sizeof words, format, args);
    engine->report(engine->context, good, words);
}

void work_report(const struct work *work, bool good, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report_words(work->engine, good, format, args);
    va_end(args);
}

void work_report_to(const struct engine *engine, bool good, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report_words(engine, good, format, args);
    va_end(args);
}

const char *work_list(const struct work *work)
{
    struct text text = text_new(work->engine->arena);

    for (size_t i = 0; i < work->step_count; i++)
        text_addf(&text, "%s%s", i == 0 ? "" : ", ", work->steps[i].change->address);
    return work->step_count == 0 ? "nothing to change" : text_string(&text);
}

const char *work_reason(const struct work *work, const char *reason)
{
    struct json *object CLEANUP_JSON = json_object();

    json_set_string(object, "reason", reason);
    return json_write(object, false, work->engine->arena);
}

static int order_steps(struct work *work, struct err *err)
{
    size_t row_count, placed = 0;
    const struct remediation *const *rows = remediation_table(&row_count);

    for (size_t r = 0; r < row_count; r++)
        for (size_t i = 0; i < work->plan->change_count; i++) {
            const struct change *change = &work->plan->changes[i];
            if (strcmp(change->kind, rows[r]->kind) != 0)
                continue;
            placed++;
            if (change->action != ACTION_NO_OP)
                ARENA_PUSH(work->engine->arena, work->steps, work->step_count) =
                    (struct step){rows[r], change};
        }
    if (placed != work->plan->change_count)
        return err_set(err, ERR_UNSUPPORTED,
                       "the plan has a kind of change that this hamedic does not know");
    return 0;
}

static int announce(void *context, const char *what, struct err *err)
{
    struct work *work = context;
    struct json *object CLEANUP_JSON = json_object();

    json_set_string(object, "what", what);
    return journal_append(&work->journal, RECORD_ANNOUNCE,
                          json_write(object, false, work->engine->arena), err);
}

static int make_stage(struct work *work, struct err *err)
{
    const struct stage_settings settings = {
        .host = work->engine->host,
        .haproxy = work->engine->haproxy,
        .id = work->plan->id,
        .undo_dir = work->folder,
        .was_in_step = work->plan->activates.count == 0,
        .announce = announce,
        .context = work,
    };

    return stage_new(&settings, &work->stage, err);
}

int work_begin(struct work *work, const struct engine *engine, const struct engine_order *order,
               struct err *err)
{
    struct json *opening CLEANUP_JSON = json_object();

    work->engine = engine;
    work->plan = order->plan;
    work->confirm_seconds = order->confirm_seconds;
    json_set_int(opening, "format", JOURNAL_FORMAT);
    json_set_string(opening, "plan", order->plan->id);
    json_set_string(opening, "by", order->by);
    if (order->confirm_seconds > 0)
        json_set_int(opening, "confirm", order->confirm_seconds);
    if (order_steps(work, err) < 0 ||
        ledger_begin(engine->ledger, order->plan->id, order->plan_bytes, order->files,
                     order->file_count, json_write(opening, false, engine->arena), &work->folder,
                     &work->journal, err) < 0)
        return -1;
    return make_stage(work, err);
}

/* The undo records and the announced effects, from the journal. */
static int restore_stage(struct work *work, const struct journal_records *records, struct err *err)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct record *record = &records->at[i];
        if (record->type == RECORD_STAGED &&
            stage_restore(work->stage, span_of(record->payload), err) < 0)
            return -1;
        if (record->type != RECORD_ANNOUNCE)
            continue;
        struct json *object CLEANUP_JSON = NULL;
        const char *what;
        if (json_parse(span_of(record->payload), 2, &object, err) < 0 ||
            json_get_string(object, "ANNOUNCE", "what", 64, &what, err) < 0)
            return -1;
        stage_mark_announced(work->stage, what);
    }
    return 0;
}

int work_resume(struct work *work, const struct engine *engine, const struct ledger_entry *entry,
                struct journal_records *out_records, struct err *err)
{
    struct plan *plan = arena_alloc(engine->arena, sizeof *plan);

    work->engine = engine;
    if (codec_read_plan(entry->plan_bytes, engine->arena, plan, err) < 0)
        return err_wrap(err, "transaction '%s'", entry->folder);
    work->plan = plan;
    work->confirm_seconds = entry->confirm_seconds;
    if (order_steps(work, err) < 0 ||
        ledger_open_entry(engine->ledger, entry, engine->arena, &work->folder, out_records,
                          &work->journal, err) < 0 ||
        make_stage(work, err) < 0 || restore_stage(work, out_records, err) < 0)
        return err_wrap(err, "transaction '%s'", entry->folder);
    return 0;
}

void work_end(struct work *work)
{
    stage_free(work->stage);
    journal_close(&work->journal);
    if (work->folder >= 0)
        (void)close(work->folder);
    work->stage = NULL;
    work->folder = -1;
}
