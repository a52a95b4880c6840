#include "agent/commands/changing.h"

#include <errno.h>
#include <stdio.h>

#include "plans/base/escape.h"

int changing_open(struct changing *changing, struct invocation *invocation, struct err *err)
{
    changing->invocation = invocation;
    if (cli_open_host(invocation, &changing->host, err) < 0)
        return -1;
    if (changing->host->live && geteuid() != 0)
        return err_sys(err, EPERM, "only root can change this host");
    if (!changing->host->live && host_is_own_root(changing->host))
        return err_set(err, ERR_INPUT,
                       "--root '%s' is this live host itself: leave --root out, so that what runs "
                       "is changed and proven along with the files",
                       changing->host->root_path);
    return cli_open_policy(invocation, changing->host, &changing->policy, err);
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

int changing_lock(struct changing *changing, struct err *err)
{
    struct arena *arena = changing->invocation->arena;

    if (ledger_open(changing->host, LEDGER_WRITE, &changing->ledger, err) < 0 ||
        read_ledger(changing, err) < 0 ||
        scene_open(changing->host, changing->policy, arena, &changing->haproxy, &changing->scene,
                   err) < 0)
        return -1;
    changing->engine = (struct engine){
        .host = changing->host,
        .haproxy = &changing->haproxy,
        .scene = &changing->scene,
        .ledger = &changing->ledger,
        .arena = arena,
        .report = report,
        .context = changing->invocation,
    };
    return 0;
}

int changing_finish_interrupted(struct changing *changing, bool *out_any, enum exit_code *out_code,
                                struct err *err)
{
    *out_any = false;
    *out_code = EXIT_OK;
    for (size_t i = 0; i < changing->entry_count; i++) {
        const struct ledger_entry *entry = &changing->entries[i];
        struct engine_result result = {0};
        if (!ledger_is_unfinished(entry))
            continue;
        *out_any = true;
        cli_say(changing->invocation, "Transaction %s was interrupted at %s.", entry->folder,
                record_type_word(entry->state));
        if (engine_recover(&changing->engine, entry, &result, err) < 0)
            return -1;
        enum exit_code code = changing_tell(changing, entry->plan_id, &result);
        if (code == EXIT_INCOMPLETE)
            *out_code = code;
    }
    if (!*out_any)
        return 0;
    /* What recovery put back is what the next step must see. */
    if (read_ledger(changing, err) < 0)
        return -1;
    return scene_open(changing->host, changing->policy, changing->invocation->arena,
                      &changing->haproxy, &changing->scene, err);
}

int changing_check_settled(const struct changing *changing, struct err *err)
{
    for (size_t i = 0; i < changing->entry_count; i++) {
        const struct ledger_entry *entry = &changing->entries[i];
        if (entry->damaged != NULL)
            return err_set(
                err, ERR_CHANGED,
                "the record of transaction %s is damaged: %s; look at the host and at its "
                "folder below /var/lib/hamedic/tx, and move that away",
                entry->folder, entry->damaged);
        if (entry->state == RECORD_NEEDS_A_PERSON)
            return err_set(err, ERR_CHANGED,
                           "transaction %s waits for a person: put right what `hamedic history` "
                           "names, then `hamedic rollback` again, or `hamedic recover --accept`",
                           entry->folder);
    }
    return 0;
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
