#include "agent/commands/commands.h"

#include <string.h>
#include <time.h>

#include "agent/commands/changing.h"
#include "agent/prompt.h"
#include "agent/review.h"
#include "agent/transaction/deadline.h"
#include "plans/base/file.h"

enum { SHORT_ID = 6, CLOCK_BACK_SECONDS = 300 };

static const struct cli_option options[] = {
    {"dry-run", 'n', NULL, "prepare and check everything, then stop: nothing is changed"},
    {"confirm", 0, "SECONDS", "take it back unless `hamedic confirm` is said in time"},
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

static int refuse_while_awaiting(const struct changing *changing, struct err *err)
{
    const struct ledger_entry *awaiting = changing_awaiting(changing);

    if (awaiting == NULL)
        return 0;
    return err_set(err, ERR_CHANGED,
                   "transaction %s awaits its confirmation for %jd s more: hamedic confirm, or "
                   "hamedic rollback",
                   awaiting->folder, (intmax_t)(deadline_left_ms(awaiting) / 1000));
}

/* Whoever holds the deadline is at his post before anything is begun. */
static int run_engine(struct changing *changing, const struct engine_order *order,
                      struct engine_result *out_result, struct err *err)
{
    bool armed = order->confirm_seconds > 0 && !order->dry_run;

    if (order->confirm_seconds > 0 && deadline_check(changing->host, &changing->ledger, err) < 0)
        return err_wrap(err, "--confirm");
    if (armed && deadline_arm(changing->host, err) < 0) {
        changing_disarm(changing);
        return err_wrap(err, "--confirm");
    }
    int done = engine_apply(&changing->engine, order, out_result, err);
    if (armed)
        changing_disarm(changing);
    return done;
}

static enum exit_code apply(struct changing *changing, struct review *review, bool by_person,
                            const char *by, int64_t confirm_seconds)
{
    struct invocation *invocation = changing->invocation;
    struct engine_result result = {0};
    enum exit_code code;
    struct err err;
    bool any;

    if (changing_begin(changing, &any, &code) < 0 || code == EXIT_INCOMPLETE)
        return code;
    code = changing_check_settled(changing);
    if (code != EXIT_OK)
        return code;
    if (refuse_while_awaiting(changing, &err) < 0 ||
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
        .confirm_seconds = confirm_seconds,
    };
    struct ledger_file *files;
    review_signature_files(review, invocation->arena, &files, &order.file_count);
    order.files = files;
    if (run_engine(changing, &order, &result, &err) < 0) {
        code = cli_fail(&err);
        cli_say(invocation, "Nothing was changed.%s",
                err.kind == ERR_CHANGED ? " Make a new plan: hamedic plan -o FILE" : "");
        return code;
    }
    return changing_tell(changing, review->plan.id, &result);
}

/* -1: told. */
static int read_confirm(const struct invocation *invocation, int64_t *out_seconds)
{
    const char *word = cli_value(invocation, "confirm");
    uint64_t seconds = 0;

    if (word != NULL && (!span_scan_u64(span_of(word), &seconds) || seconds == 0 ||
                         seconds > DEADLINE_SECONDS_MAX)) {
        (void)cli_usage(invocation, "--confirm '%s': expected seconds, 1 to %d", word,
                        DEADLINE_SECONDS_MAX);
        return -1;
    }
    *out_seconds = (int64_t)seconds;
    return 0;
}

static enum exit_code run(struct invocation *invocation)
{
    struct changing changing CLEANUP_CHANGING = CHANGING_EMPTY;
    struct review review CLEANUP_REVIEW = REVIEW_EMPTY;
    const char *by = "nobody: a dry run";
    bool by_person = false;
    int64_t confirm_seconds;
    struct err err;

    if (read_confirm(invocation, &confirm_seconds) < 0)
        return EXIT_USAGE;
    if (changing_open(&changing, invocation, &err) < 0 ||
        review_plan(&changing, review_open, &review, &err) < 0)
        return cli_fail(&err);
    /* Before a person is asked. */
    if (confirm_seconds > 0 && deadline_check(changing.host, &changing.ledger, &err) < 0) {
        (void)err_wrap(&err, "--confirm");
        return cli_fail(&err);
    }
    if (!cli_has(invocation, "dry-run") &&
        get_approval(invocation, &review, &by_person, &by, &err) < 0)
        return cli_fail(&err);
    return apply(&changing, &review, by_person, by, confirm_seconds);
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
             "With --confirm SECONDS it comes back by itself unless `hamedic confirm` is said in "
             "time; systemd holds that deadline, also over a restart of the host.\n"
             "Exit status: 0 done; 3 refused; 4 rolled back; 5 rollback incomplete; 1 error, "
             "nothing changed.",
    .example = "  hamedic apply fix.plan\n  hamedic apply fix.plan --dry-run\n"
               "  hamedic apply --confirm 120 fix.plan\n",
    .options = options,
    .least = 1,
    .most = 1,
    .changes = true,
    .run = run,
};
