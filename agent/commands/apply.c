#include "agent/commands/commands.h"

#include <string.h>
#include <time.h>

#include "agent/commands/changing.h"
#include "agent/prompt.h"
#include "agent/review.h"
#include "plans/base/file.h"

enum { SHORT_ID = 6, CLOCK_BACK_SECONDS = 300 };

static const struct cli_option options[] = {
    {"dry-run", 'n', NULL, "prepare and check everything, then stop: nothing is changed"},
    {"confirm", 0, "SECONDS", "roll back unless confirmed in time (not in this version)"},
    {NULL, 0, NULL, NULL},
};

/* A person who saw the plan and types its id counts as the review, as far as the policy says so. */
static int ask_person(struct invocation *invocation, const struct review *review, struct err *err)
{
    struct text text = text_new(invocation->arena);
    const char *answer;

    render_plan(&invocation->style, RENDER_FULL, &review->plan, NULL, &text);
    cli_print(&text);
    const char *question = arena_printf(
        invocation->arena, "\nType %.*s to apply this plan, anything else to leave it: ", SHORT_ID,
        review->plan.id);
    if (prompt_ask(question, false, invocation->arena, &answer, err) < 0)
        return -1;
    size_t len = strlen(answer);
    if (len < SHORT_ID || strncmp(answer, review->plan.id, len) != 0)
        return err_set(err, ERR_DENIED, "declined: nothing was changed");
    return 0;
}

static int get_approval(struct invocation *invocation, const struct review *review,
                        bool *out_by_person, const char **out_by, struct err *err)
{
    struct text by = text_new(invocation->arena);

    *out_by_person = false;
    if (review_is_approved(review)) {
        text_add(&by, review->approvals.approval_count == 0 ? "nobody: it changes nothing"
                                                            : "operators");
        for (size_t i = 0; i < review->approvals.approval_count; i++)
            text_addf(&by, "%s %s (%s)", i == 0 ? "" : ",",
                      review->approvals.approvals[i].operator_name,
                      review->approvals.approvals[i].key_id);
        *out_by = text_string(&by);
        return 0;
    }
    if (!review->person_suffices || !prompt_is_possible())
        return err_set(
            err, ERR_DENIED,
            "%zu of %jd operators' signatures are there%s%s%s: hamedic approve PLAN -k KEY",
            review->approvals.approval_count, (intmax_t)review->approvals_needed,
            review->person_suffices ? ", and nobody is at a terminal" : "",
            review->approvals.unknown.count > 0 ? "; not counted: " : "",
            review->approvals.unknown.count > 0 ? review->approvals.unknown.at[0] : "");
    if (ask_person(invocation, review, err) < 0)
        return -1;
    *out_by_person = true;
    text_addf(&by, "a person at a terminal, uid %u", (unsigned)getuid());
    *out_by = text_string(&by);
    return 0;
}

typedef int reviewing(const struct review_request *request, struct arena *arena,
                      struct review *review, struct err *err);

static int review_plan(struct changing *changing, reviewing *how, struct review *review,
                       struct err *err)
{
    struct invocation *invocation = changing->invocation;
    int keys CLEANUP_FD = -1;

    if (cli_open_keys(invocation, changing->host, &keys, err) < 0)
        return -1;
    if (keys < 0)
        return err_set(err, ERR_DENIED, "this host has no keys (/etc/hamedic): hamedic keygen");
    const struct review_request request = {
        .path = invocation->arguments.at[0],
        .keys_dir = keys,
        .policy = changing->policy,
        .host = changing->host,
        .signature = REVIEW_MUST_BE_SIGNED,
    };
    if (how(&request, invocation->arena, review, err) < 0)
        return -1;
    if (review->against.count > 0)
        return err_set(err, ERR_DENIED, "%s", review->against.at[0]);
    return 0;
}

/* A clock that was set back revives nothing: no time before the newest record of this host is
 * believed. */
static int check_clock(const struct changing *changing, struct err *err)
{
    int64_t latest = ledger_latest_time(changing->entries, changing->entry_count);
    int64_t now = (int64_t)time(NULL);

    if (now + CLOCK_BACK_SECONDS < latest)
        return err_set(err, ERR_DENIED,
                       "the clock stands at %s, before this host's last transaction at %s",
                       time_text(changing->invocation->arena, now),
                       time_text(changing->invocation->arena, latest));
    return 0;
}

/* Under the lock everything is asked again: the policy may have been tightened, a key taken away, the
 * plan expired, while somebody was looking at the prompt. */
static int check_again(struct changing *changing, struct review *review, bool by_person,
                       struct err *err)
{
    policy_free(changing->policy);
    changing->policy = NULL;
    if (cli_open_policy(changing->invocation, changing->host, &changing->policy, err) < 0 ||
        review_plan(changing, review_again, review, err) < 0)
        return -1;
    if (!cli_has(changing->invocation, "dry-run") && !review_is_approved(review) &&
        !(by_person && review->person_suffices))
        return err_set(err, ERR_DENIED,
                       "%zu of %jd operators' signatures are there: others went while it waited",
                       review->approvals.approval_count, (intmax_t)review->approvals_needed);
    return check_clock(changing, err);
}

static enum exit_code apply(struct changing *changing, struct review *review, bool by_person,
                            const char *by)
{
    struct invocation *invocation = changing->invocation;
    struct engine_result result = {0};
    enum exit_code code;
    struct err err;
    bool any;

    if (changing_lock(changing, &err) < 0 ||
        changing_finish_interrupted(changing, &any, &code, &err) < 0 ||
        changing_check_settled(changing, &err) < 0 ||
        check_again(changing, review, by_person, &err) < 0)
        return cli_fail(&err);
    changing->engine.report(
        changing->engine.context, true,
        arena_printf(invocation->arena,
                     "plan is genuine, fresh, allowed by policy \"%s\"; review: %s",
                     policy_name(changing->policy), by));
    struct engine_order order = {
        .plan = &review->plan,
        .plan_bytes = review->bytes,
        .by = by,
        .dry_run = cli_has(invocation, "dry-run"),
    };
    struct ledger_file *files;
    review_signature_files(review, invocation->arena, &files, &order.file_count);
    order.files = files;
    if (engine_apply(&changing->engine, &order, &result, &err) < 0) {
        code = cli_fail(&err);
        cli_say(invocation, "Nothing was changed.%s",
                err.kind == ERR_CHANGED ? " Make a new plan: hamedic plan -o FILE" : "");
        return code;
    }
    return changing_tell(changing, review->plan.id, &result);
}

static enum exit_code run(struct invocation *invocation)
{
    struct changing changing CLEANUP_CHANGING = CHANGING_EMPTY;
    struct review review CLEANUP_REVIEW = REVIEW_EMPTY;
    const char *by = "nobody: a dry run";
    bool by_person = false;
    struct err err;

    if (cli_has(invocation, "confirm")) {
        (void)err_set(&err, ERR_UNSUPPORTED,
                      "--confirm: this hamedic has nothing that would hold the deadline");
        return cli_fail(&err);
    }
    if (changing_open(&changing, invocation, &err) < 0 ||
        review_plan(&changing, review_open, &review, &err) < 0)
        return cli_fail(&err);
    if (!cli_has(invocation, "dry-run") &&
        get_approval(invocation, &review, &by_person, &by, &err) < 0)
        return cli_fail(&err);
    return apply(&changing, &review, by_person, by);
}

const struct command command_apply = {
    .name = "apply",
    .arguments = "PLAN",
    .summary = "carry a reviewed plan out, all or nothing",
    .about = "Checks signatures, host, expiry, policy and approvals, and that nothing moved since "
             "the plan; prepares everything, makes it visible, proves it, and takes all of it back "
             "if anything is not as it should be, or if it is interrupted meanwhile. Without "
             "enough operators' signatures a person at "
             "a terminal is shown the plan and asked, as far as the policy allows that.\n"
             "Exit status: 0 done; 3 refused; 4 rolled back; 5 rollback incomplete; 1 error, "
             "nothing changed.",
    .example = "  hamedic apply fix.plan\n  hamedic apply fix.plan --dry-run\n",
    .options = options,
    .least = 1,
    .most = 1,
    .changes = true,
    .run = run,
};
