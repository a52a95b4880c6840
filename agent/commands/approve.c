#include "agent/commands/commands.h"

#include <string.h>

#include "agent/keys.h"
#include "agent/commands/reviewing.h"

static const struct cli_option options[] = {
    {"key", 'k', "KEYFILE", "the operator's secret key (minisign's format)"},
    {"keys", 0, "DIR", "agent.pub and operators/, instead of /etc/hamedic"},
    {"policy", 0, "FILE", "policy file, instead of the host's"},
    {NULL, 0, NULL, NULL},
};

/* "/home/ann/ops-1.key" signs as "ops-1". */
static const char *operator_name(struct invocation *invocation, const char *key_file)
{
    const char *slash = strrchr(key_file, '/');
    struct span name = span_of(slash == NULL ? key_file : slash + 1);

    if (span_ends_with(name, ".key"))
        name.len -= strlen(".key");
    return arena_copy(invocation->arena, name.ptr, name.len);
}

static enum exit_code sign(struct invocation *invocation, const struct review *review)
{
    const char *key_file = cli_value(invocation, "key");
    struct minisign_secret secret;
    struct minisign_public public;
    char id[MINISIGN_ID_SIZE];
    const char *file;
    struct err err;

    if (keys_load_operator(key_file, &secret, &err) < 0)
        return cli_fail(&err);
    minisign_public_of(&secret, &public);
    minisign_id_text(&public, id);
    if (review->keys.has_agent && minisign_same_key(&public, &review->keys.agent)) {
        minisign_wipe(&secret);
        return cli_refuse("'%s' is the agent's own key: it never counts as an approval", key_file);
    }
    int done =
        approval_sign(review->bytes, review->plan_dir, review->plan_name,
                      operator_name(invocation, key_file), &secret, invocation->arena, &file, &err);
    minisign_wipe(&secret);
    if (done < 0)
        return cli_fail(&err);
    cli_say(invocation, "Plan %.6s for %s, risk %s, %zu changes: approved by key %s in %s",
            review->plan.id, review->plan.host.name, risk_word(review->plan.risk),
            plan_effective_changes(&review->plan), id, file);
    return EXIT_OK;
}

static enum exit_code run(struct invocation *invocation)
{
    struct reviewing reviewing CLEANUP_REVIEWING = REVIEWING_EMPTY;
    struct err err;

    if (!cli_has(invocation, "key"))
        return cli_usage(invocation, "approve: expected -k KEYFILE");
    if (reviewing_open(&reviewing, invocation, REVIEWING_TO_APPROVE, &err) < 0)
        return cli_fail(&err);
    if (reviewing.review.plan.draft)
        return cli_refuse(
            "the plan is a draft: it can never be applied, so there is nothing to approve");
    return sign(invocation, &reviewing.review);
}

const struct command command_approve = {
    .name = "approve",
    .arguments = "PLAN",
    .summary = "add an operator's signature beside a plan",
    .about = "Signs the plan's bytes with the operator's key and writes PLAN.NAME.minisig beside "
             "it, NAME being the key file's. Where the agent's public key is at hand, its "
             "signature must hold first. Review with `hamedic show` before. Needs no root.",
    .example = "  hamedic approve fix.plan -k ops-1.key\n",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
