#include "agent/commands/changing.h"

#include <errno.h>
#include <stdio.h>

#include "agent/transaction/deadline.h"
#include "plans/base/escape.h"

static int check_caller(const struct changing *changing, struct err *err)
{
    if (changing->host->live && geteuid() != 0)
        return err_sys(err, EPERM, "only root can change this host");
    if (!changing->host->live && host_is_own_root(changing->host))
        return err_set(err, ERR_INPUT,
                       "--root '%s' is this live host itself: leave --root out, so that what runs "
                       "is changed and proven along with the files",
                       changing->host->root_path);
    return 0;
}

int changing_open(struct changing *changing, struct invocation *invocation, struct err *err)
{
    changing->invocation = invocation;
    if (cli_open_host(invocation, &changing->host, err) < 0 || check_caller(changing, err) < 0)
        return -1;
    return cli_open_policy(invocation, changing->host, &changing->policy, err);
}

int changing_open_repair(struct changing *changing, struct invocation *invocation, struct err *err)
{
    struct err settings = {0};

    changing->invocation = invocation;
    if (cli_open_host(invocation, &changing->host, &settings) == 0)
        return check_caller(changing, err);
    if (host_open(cli_value(invocation, "root"), &changing->host, err) < 0 ||
        check_caller(changing, err) < 0)
        return -1;
    (void)fprintf(stderr, "hamedic: going on without settings: %s\n", settings.text);
    return 0;
}

static void report(void *context, bool good, const char *words)
{
    const struct invocation *invocation = context;
    struct text text = text_new(invocation->arena);

    if (invocation->quiet && good)
        return;
    render_step(&invocation->style, good, escape_string(invocation->arena, words), &text);
    cli_print(&text);
}

static int read_ledger(struct changing *changing, struct err *err)
{
    return ledger_list(&changing->ledger, changing->invocation->arena, &changing->entries,
                       &changing->entry_count, err);
}

/* Who only puts back what was does without a HAProxy that cannot be examined. */
static int look(struct changing *changing, struct err *err)
{
    struct engine *engine = &changing->engine;

    engine->haproxy_error = NULL;
    if (scene_open(changing->host, changing->policy, changing->invocation->arena,
                   &changing->haproxy, &changing->scene, err) == 0)
        return 0;
    if (changing->policy != NULL)
        return -1;
    engine->haproxy_error = arena_string(changing->invocation->arena, err->text);
    changing->haproxy = (struct haproxy){0};
    changing->scene = (struct scene){.host = changing->host, .haproxy = &changing->haproxy};
    return 0;
}

int changing_lock(struct changing *changing, struct err *err)
{
    if (ledger_open(changing->host, LEDGER_WRITE, &changing->ledger, err) < 0 ||
        read_ledger(changing, err) < 0)
        return -1;
    changing->engine = (struct engine){
        .host = changing->host,
        .haproxy = &changing->haproxy,
        .scene = &changing->scene,
        .ledger = &changing->ledger,
        .arena = changing->invocation->arena,
        .report = report,
        .context = changing->invocation,
    };
    return look(changing, err);
}

static bool is_due(const struct ledger_entry *entry)
{
    return ledger_is_unfinished(entry) ||
           (ledger_awaits_confirm(entry) && deadline_left_ms(entry) == 0);
}

static int finish(struct changing *changing, const struct ledger_entry *entry,
                  enum exit_code *out_code, struct err *err)
{
    struct engine_result result = {0};
    bool awaited = ledger_awaits_confirm(entry);

    if (awaited)
        cli_say(changing->invocation, "Transaction %s was not confirmed in time.", entry->folder);
    else
        cli_say(changing->invocation, "Transaction %s was interrupted at %s.", entry->folder,
                record_type_word(entry->state));
    if (engine_recover(&changing->engine, entry, &result, err) < 0)
        return err_wrap(err, "transaction %s cannot be brought to its end", entry->folder);
    enum exit_code code = changing_tell(changing, entry->plan_id, &result);
    if (code == EXIT_INCOMPLETE || (code == EXIT_ROLLED_BACK && awaited && *out_code == EXIT_OK))
        *out_code = code;
    return 0;
}

int changing_finish_interrupted(struct changing *changing, bool *out_any, enum exit_code *out_code,
                                struct err *err)
{
    bool deadline = false;

    *out_any = false;
    *out_code = EXIT_OK;
    for (size_t i = 0; i < changing->entry_count; i++) {
        if (!is_due(&changing->entries[i]))
            continue;
        *out_any = true;
        deadline = deadline || changing->entries[i].confirm_seconds > 0;
        if (finish(changing, &changing->entries[i], out_code, err) < 0)
            return -1;
    }
    if (!*out_any)
        return 0;
    /* What recovery put back is what the next step must see. */
    if (read_ledger(changing, err) < 0)
        return -1;
    if (deadline)
        changing_disarm(changing);
    return look(changing, err);
}

int changing_begin(struct changing *changing, bool *out_any, enum exit_code *out_code)
{
    struct err err;

    if (changing_lock(changing, &err) < 0) {
        *out_code = cli_fail(&err);
        return -1;
    }
    if (changing_finish_interrupted(changing, out_any, out_code, &err) < 0) {
        (void)cli_fail(&err);
        *out_code = EXIT_INCOMPLETE;
        return -1;
    }
    return 0;
}

enum exit_code changing_check_settled(const struct changing *changing)
{
    for (size_t i = 0; i < changing->entry_count; i++) {
        const struct ledger_entry *entry = &changing->entries[i];
        if (entry->damaged != NULL) {
            (void)fprintf(
                stderr,
                "hamedic: the record of transaction %s is damaged, and nothing is done "
                "before a person looked at the host: %s; look at its folder below " LEDGER_DIR
                "/tx, and move that away\n",
                entry->folder, entry->damaged);
            return EXIT_INCOMPLETE;
        }
        if (entry->state == RECORD_NEEDS_A_PERSON)
            return cli_refuse("transaction %s waits for a person: put right what `hamedic history` "
                              "names, then `hamedic rollback` again, or `hamedic recover --accept`",
                              entry->folder);
    }
    return EXIT_OK;
}

const struct ledger_entry *changing_awaiting(const struct changing *changing)
{
    for (size_t i = 0; i < changing->entry_count; i++)
        if (ledger_awaits_confirm(&changing->entries[i]))
            return &changing->entries[i];
    return NULL;
}

void changing_disarm(struct changing *changing)
{
    struct err err = {0};

    if (read_ledger(changing, &err) == 0) {
        for (size_t i = 0; i < changing->entry_count; i++)
            if (ledger_is_unfinished(&changing->entries[i]) ||
                ledger_awaits_confirm(&changing->entries[i]))
                return;
        if (deadline_disarm(changing->host, &err) == 0)
            return;
    }
    (void)fprintf(stderr,
                  "hamedic: the deadline's timer was not stopped (%s): it finds nothing to do, and "
                  "tries to stop itself\n",
                  err.text);
}

static void tell_lines(const struct strings *lines, const char *first)
{
    for (size_t i = 0; i < lines->count; i++)
        (void)fprintf(stderr, "%s%s\n", first, lines->at[i]);
}

enum exit_code changing_tell(const struct changing *changing, const char *plan_id,
                             const struct engine_result *result)
{
    struct invocation *invocation = changing->invocation;

    for (size_t i = 0; i < result->notes.count; i++)
        cli_say(invocation, "Later: %s", result->notes.at[i]);
    switch (result->outcome) {
    case OUTCOME_APPLIED:
        cli_say(invocation, "Done. Take it back with: %s rollback %.6s", cli_self(invocation),
                plan_id);
        return EXIT_OK;
    case OUTCOME_AWAITING:
        cli_say(invocation,
                "Proven. In %jd s it is taken back, unless somebody says before: %s confirm\n"
                "Take it back at once with: %s rollback %.6s",
                (intmax_t)result->confirm_seconds, cli_self(invocation), cli_self(invocation),
                plan_id);
        return EXIT_OK;
    case OUTCOME_NOTHING:
        cli_say(invocation, "Done: there was nothing to change.");
        return EXIT_OK;
    case OUTCOME_DRY:
        cli_say(invocation, "Dry run: everything could be prepared; nothing was changed.");
        return EXIT_OK;
    case OUTCOME_FINISHED:
        cli_say(invocation, "Finished: plan %.6s had been proven, and stands.", plan_id);
        return EXIT_OK;
    case OUTCOME_ROLLED_BACK:
        if (result->reason != NULL)
            cli_say(invocation, "Rolled back: the host is as before plan %.6s.", plan_id);
        else
            cli_say(invocation, "Nothing had been changed by plan %.6s.", plan_id);
        return EXIT_ROLLED_BACK;
    case OUTCOME_INCOMPLETE:
        break;
    }
    (void)fprintf(stderr,
                  result->reason == NULL ? "hamedic: plan %.6s was not brought to its end\n"
                                         : "hamedic: the rollback of plan %.6s is incomplete\n",
                  plan_id);
    tell_lines(&result->left, "  - ");
    return EXIT_INCOMPLETE;
}

void changing_close(struct changing *changing)
{
    ledger_close(&changing->ledger);
    policy_free(changing->policy);
    if (changing->host != NULL)
        host_close(changing->host);
    changing->host = NULL;
    changing->policy = NULL;
}
