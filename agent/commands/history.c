#include "agent/commands/commands.h"

#include <string.h>

#include "agent/transaction/ledger.h"
#include "plans/base/json.h"
#include "plans/codec.h"

static const struct cli_option options[] = {
    {"json", 0, NULL, "one JSON document (hamedic/history/1)"},
    {NULL, 0, NULL, NULL},
};

#define HISTORY_SCHEMA "hamedic/history/1"

/* What a person calls the state. */
static const char *state_word(const struct ledger_entry *entry)
{
    if (entry->damaged != NULL)
        return "damaged";
    if (entry->state == RECORD_DONE)
        return "applied";
    if (entry->state == RECORD_ROLLED_BACK)
        return "rolled back";
    if (entry->state == RECORD_NEEDS_A_PERSON)
        return "needs a person";
    if (entry->state == RECORD_ACCEPTED)
        return "accepted as it stands";
    if (entry->state == RECORD_AWAITING_CONFIRM)
        return "awaiting confirmation";
    return "interrupted";
}

/* A member of the payload of the last record of that type; NULL: there is none. */
static const char *said(const struct ledger_entry *entry, enum record_type type, const char *key,
                        struct arena *arena)
{
    struct err ignored;

    for (size_t i = entry->records.count; i-- > 0;) {
        struct json *object CLEANUP_JSON = NULL;
        const char *value;
        if (entry->records.at[i].type != type)
            continue;
        if (json_parse(span_of(entry->records.at[i].payload), 4, &object, &ignored) < 0 ||
            json_get_string_or_null(object, "", key, PLAN_STRING_MAX, &value, &ignored) < 0 ||
            value == NULL)
            return NULL;
        return arena_string(arena, value);
    }
    return NULL;
}

/* What a person must put right, told by the record that asks for one. */
static void needs(const struct ledger_entry *entry, struct arena *arena, struct strings *what)
{
    const struct json *list;
    struct err ignored;

    if (entry->damaged != NULL || entry->state != RECORD_NEEDS_A_PERSON)
        return;
    const struct record *record = &entry->records.at[entry->records.count - 1];
    struct json *object CLEANUP_JSON = NULL;
    if (json_parse(span_of(record->payload), 4, &object, &ignored) < 0 ||
        json_get_array(object, "", "what", PLAN_CHANGES_MAX * 2, &list, &ignored) < 0)
        return;
    for (size_t i = 0; i < json_count(list); i++)
        if (json_string_value(json_at(list, i)) != NULL)
            strings_add(what, arena, arena_string(arena, json_string_value(json_at(list, i))));
}

static void read_changes(const struct ledger_entry *entry, struct arena *arena, struct plan *plan)
{
    struct err ignored;

    if (codec_read_plan(entry->plan_bytes, arena, plan, &ignored) < 0)
        *plan = (struct plan){0};
}

static const char *time_of(const struct ledger_entry *entry, bool last, struct arena *arena)
{
    if (entry->records.count == 0)
        return "(unknown)";
    return time_text(arena, entry->records.at[last ? entry->records.count - 1 : 0].time);
}

static struct json *entry_json(const struct ledger_entry *entry, struct arena *arena)
{
    struct json *object = json_object();
    struct json *changes = json_array();
    struct json *what = json_array();
    struct strings left = {0};
    struct plan plan = {0};

    read_changes(entry, arena, &plan);
    for (size_t i = 0; i < plan.change_count; i++) {
        struct json *change = json_object();
        json_set_string(change, "address", plan.changes[i].address);
        json_set_string(change, "before", plan.changes[i].before.persistent);
        json_set_string(change, "after", plan.changes[i].after.persistent);
        json_append(changes, change);
    }
    needs(entry, arena, &left);
    for (size_t i = 0; i < left.count; i++)
        json_append(what, json_string(left.at[i]));
    json_set_int(object, "serial", (int64_t)entry->serial);
    json_set_string(object, "plan", entry->plan_id);
    json_set_string(object, "state", state_word(entry));
    json_set_string(object, "opened", time_of(entry, false, arena));
    json_set_string(object, "ended", time_of(entry, true, arena));
    json_set_string(object, "by", said(entry, RECORD_OPEN, "by", arena));
    json_set_string(object, "confirmed", said(entry, RECORD_CONFIRMED, "by", arena));
    json_set_string(object, "reason", said(entry, RECORD_ROLLING_BACK, "reason", arena));
    json_set(object, "changes", changes);
    json_set(object, "needs", what);
    return object;
}

static void entry_text(struct invocation *invocation, const struct ledger_entry *entry,
                       struct text *text)
{
    struct arena *arena = invocation->arena;
    struct plan plan = {0};
    struct strings left = {0};
    const char *by = said(entry, RECORD_OPEN, "by", arena);
    const char *reason = said(entry, RECORD_ROLLING_BACK, "reason", arena);
    const char *arrow = invocation->style.unicode ? "→" : "->";
    const char *confirmed = said(entry, RECORD_CONFIRMED, "by", arena);
    bool bad = entry->damaged != NULL || entry->state == RECORD_NEEDS_A_PERSON ||
               ledger_is_unfinished(entry);

    read_changes(entry, arena, &plan);
    text_addf(text, "%s  plan %.6s  ", time_of(entry, false, arena), entry->plan_id);
    render_toned(&invocation->style,
                 bad                           ? TONE_BAD
                 : entry->state == RECORD_DONE ? TONE_GOOD
                                               : TONE_DIM,
                 state_word(entry), text);
    text_add(text, "\n");
    for (size_t i = 0; i < plan.change_count; i++)
        text_addf(text, "    %s  %s %s %s\n", plan.changes[i].address,
                  plan.changes[i].before.persistent == NULL ? "(none)"
                                                            : plan.changes[i].before.persistent,
                  arrow,
                  plan.changes[i].after.persistent == NULL ? "(none)"
                                                           : plan.changes[i].after.persistent);
    if (by != NULL)
        render_wrapped(&invocation->style, "    review  ", 12, by, text);
    if (confirmed != NULL)
        render_wrapped(&invocation->style, "    kept by ", 12, confirmed, text);
    if (reason != NULL)
        render_wrapped(&invocation->style, "    back    ", 12, reason, text);
    if (entry->damaged != NULL)
        render_wrapped(&invocation->style, "    damaged ", 12, entry->damaged, text);
    needs(entry, arena, &left);
    for (size_t i = 0; i < left.count; i++)
        render_wrapped(&invocation->style, "    person  ", 12, left.at[i], text);
}

static enum exit_code run(struct invocation *invocation)
{
    struct host *host CLEANUP_HOST = NULL;
    struct ledger ledger CLEANUP_LEDGER = {.transactions = -1, .lock = -1};
    struct ledger_entry *entries;
    struct err err;
    size_t count;

    if (cli_open_host(invocation, &host, &err) < 0 ||
        ledger_open(host, LEDGER_READ, &ledger, &err) < 0 ||
        ledger_list(&ledger, invocation->arena, &entries, &count, &err) < 0)
        return cli_fail(&err);
    struct text text = text_new(invocation->arena);
    if (cli_has(invocation, "json")) {
        struct json *root CLEANUP_JSON = json_object();
        struct json *list = json_array();
        for (size_t i = 0; i < count; i++)
            json_append(list, entry_json(&entries[i], invocation->arena));
        json_set_string(root, "schema", HISTORY_SCHEMA);
        json_set(root, "transactions", list);
        text_add(&text, json_write(root, true, invocation->arena));
    } else {
        for (size_t i = count; i-- > 0;)
            entry_text(invocation, &entries[i], &text);
        if (count == 0)
            text_add(&text, "No transaction yet.\n");
    }
    cli_print(&text);
    return EXIT_OK;
}

const struct command command_history = {
    .name = "history",
    .arguments = "",
    .summary = "what was applied and taken back, newest first",
    .about = "Lists the transactions of this host with their changes, who reviewed them, and how "
             "they ended.",
    .example = "  hamedic history\n  hamedic history --json\n",
    .options = options,
    .run = run,
};
