#include "agent/review.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "agent/transaction/ledger.h"
#include "plans/base/escape.h"
#include "plans/base/file.h"
#include "plans/codec.h"

/* Clocks of two machines differ a little; a plan from the future by more is refused. */
enum { CLOCK_SLACK_SECONDS = 300 };

static int read_plan(const char *path, struct arena *arena, struct review *review, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *parent = slash == NULL   ? "."
                         : slash == path ? "/"
                                         : arena_copy(arena, path, (size_t)(slash - path));

    review->plan_name = slash == NULL ? path : slash + 1;
    review->plan_dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (review->plan_dir < 0)
        return err_sys(err, errno, "cannot open the directory of '%s'", path);
    if (file_read(review->plan_dir, review->plan_name, PLAN_FILE_MAX, arena, &review->bytes, err) <
        0)
        return slash == NULL ? -1 : err_wrap(err, "'%s'", path);
    return 0;
}

static int check_signatures(const struct review_request *request, struct arena *arena,
                            struct review *review, struct err *err)
{
    if (request->keys_dir < 0) {
        strings_add(&review->not_checked, arena, "signatures: no keys to check them with");
        return 0;
    }
    if (approval_load_keys(request->keys_dir, arena, &review->keys, err) < 0 ||
        approval_collect(review->bytes, review->plan_dir, review->plan_name, &review->keys, arena,
                         &review->approvals, err) < 0)
        return -1;
    const struct approvals *approvals = &review->approvals;
    if (approvals->bad.count > 0)
        return err_set(err, ERR_DENIED, "%s", approvals->bad.at[0]);
    if (approvals->agent_signed) {
        strings_addf(&review->held, arena, "signed by this host's agent, key %s",
                     approvals->agent_id);
        return 0;
    }
    bool none = approvals->approval_count == 0 && approvals->unknown.count == 0;
    if (request->signature == REVIEW_MAY_BE_DRAFT && none) {
        strings_add(&review->against, arena, "no signature of the agent");
        return 0;
    }
    if (!review->keys.has_agent)
        return err_set(err, ERR_DENIED,
                       "there is no agent.pub to check the agent's signature with");
    return err_set(err, ERR_DENIED, "'%s' bears no signature of this host's agent%s%s",
                   review->plan_name, approvals->unknown.count > 0 ? "; " : "",
                   approvals->unknown.count > 0 ? approvals->unknown.at[0] : "");
}

static void check_times(const struct plan *plan, struct arena *arena, struct review *review)
{
    int64_t now = (int64_t)time(NULL);

    if (now >= plan->expires)
        strings_addf(&review->against, arena, "the plan expired at %s (now %s)",
                     time_text(arena, plan->expires), time_text(arena, now));
    else if (plan->created > now + CLOCK_SLACK_SECONDS)
        strings_addf(&review->against, arena,
                     "the plan was made at %s, which is still to come (now %s)",
                     time_text(arena, plan->created), time_text(arena, now));
    else
        strings_addf(&review->held, arena, "fresh until %s", time_text(arena, plan->expires));
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int check_host(const struct review_request *request, struct arena *arena,
                      struct review *review, struct err *err)
{
    const struct plan *plan = &review->plan;
    const char *machine, *lineage;

    if (plan->draft)
        strings_add(
            &review->against, arena,
            "the plan is a draft: it was made where there is no agent key, and is never applied");
    if (request->host == NULL) {
        strings_addf(&review->not_checked, arena, "that this is host %s", plan->host.name);
        return 0;
    }
    if (host_machine(request->host, arena, &machine, err) < 0 ||
        ledger_lineage(request->host, arena, &lineage, err) < 0)
        return -1;
    if (plan->tree == request->host->live)
        strings_addf(&review->against, arena, "the plan was made for %s",
                     plan->tree ? "a tree (--root), not for a live host"
                                : "a live host, not for a tree");
    if (!same(plan->host.machine, machine))
        strings_addf(&review->against, arena, "the plan was made for another host (%s)",
                     plan->host.name);
    else if (!plan->draft && !same(plan->host.lineage, lineage))
        strings_addf(
            &review->against, arena,
            "the plan was made for another lineage of this host (its keys were made anew since, "
            "or it is a clone)");
    else
        strings_addf(&review->held, arena, "made for this host, %s", plan->host.name);
    return 0;
}

static void check_policy(const struct review_request *request, struct arena *arena,
                         struct review *review)
{
    struct strings refusals = {0};

    policy_judge(request->policy, &review->plan, arena, &refusals);
    for (size_t i = 0; i < refusals.count; i++)
        strings_add(&review->against, arena, refusals.at[i]);
    if (refusals.count == 0)
        strings_addf(&review->held, arena, "allowed by policy \"%s\"",
                     policy_name(request->policy));
    review->approvals_needed = policy_approvals_for(request->policy, review->plan.risk);
    if (review->plan.approvals > review->approvals_needed)
        review->approvals_needed = review->plan.approvals;
    review->person_suffices = policy_person_suffices(request->policy, review->plan.risk);
    if (plan_effective_changes(&review->plan) == 0) {
        review->approvals_needed = 0;
        review->person_suffices = true;
    }
}

void review_close(struct review *review)
{
    if (review->plan_dir >= 0)
        (void)close(review->plan_dir);
    review->plan_dir = -1;
}

static int judge(const struct review_request *request, struct arena *arena, struct review *review,
                 struct err *err)
{
    if (check_signatures(request, arena, review, err) < 0)
        return -1;
    if (codec_read_plan(review->bytes, arena, &review->plan, err) < 0)
        return err_wrap(err, "'%s'", request->path);
    check_times(&review->plan, arena, review);
    if (check_host(request, arena, review, err) < 0)
        return -1;
    check_policy(request, arena, review);
    return 0;
}

int review_open(const struct review_request *request, struct arena *arena,
                struct review *out_review, struct err *err)
{
    struct review review CLEANUP_REVIEW = REVIEW_EMPTY;

    if (read_plan(request->path, arena, &review, err) < 0 ||
        judge(request, arena, &review, err) < 0)
        return -1;
    *out_review = review;
    review.plan_dir = -1;
    return 0;
}

int review_again(const struct review_request *request, struct arena *arena, struct review *review,
                 struct err *err)
{
    struct review again = {
        .bytes = review->bytes, .plan_dir = review->plan_dir, .plan_name = review->plan_name};

    if (judge(request, arena, &again, err) < 0)
        return -1;
    *review = again;
    return 0;
}

bool review_is_approved(const struct review *review)
{
    return (int64_t)review->approvals.approval_count >= review->approvals_needed;
}

void review_signature_files(const struct review *review, struct arena *arena,
                            struct ledger_file **out_files, size_t *out_count)
{
    const struct approvals *approvals = &review->approvals;
    struct ledger_file *files = NULL;
    size_t count = 0;

    if (approvals->agent_signed)
        ARENA_PUSH(arena, files, count) =
            (struct ledger_file){"plan.minisig", approvals->agent_signature};
    for (size_t i = 0; i < approvals->approval_count; i++)
        ARENA_PUSH(arena, files, count) = (struct ledger_file){
            arena_printf(arena, "plan.%s.minisig", approvals->approvals[i].key_id),
            approvals->approvals[i].signature,
        };
    *out_files = files;
    *out_count = count;
}
