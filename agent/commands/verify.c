#include "agent/commands/commands.h"

#include <string.h>

#include "agent/commands/reviewing.h"

static const struct cli_option options[] = {
    {"keys", 0, "DIR", "agent.pub and operators/, instead of /etc/hamedic"},
    {"policy", 0, "FILE", "policy file, instead of the host's"},
    {NULL, 0, NULL, NULL},
};

static enum exit_code tell(struct invocation *invocation, struct review *review)
{
    struct text text = text_new(invocation->arena);

    if (!review_is_approved(review))
        strings_addf(
            &review->against, invocation->arena, "%zu of %jd operators' signatures are there%s",
            review->approvals.approval_count, (intmax_t)review->approvals_needed,
            review->person_suffices ? " (or a person at a terminal, when it is applied)" : "");
    for (size_t i = 0; i < review->held.count; i++)
        render_step(&invocation->style, true, review->held.at[i], &text);
    for (size_t i = 0; i < review->approvals.approval_count; i++)
        render_step(&invocation->style, true,
                    arena_printf(invocation->arena, "approved by %s, key %s",
                                 review->approvals.approvals[i].operator_name,
                                 review->approvals.approvals[i].key_id),
                    &text);
    for (size_t i = 0; i < review->approvals.unknown.count; i++)
        render_step(
            &invocation->style, false,
            arena_printf(invocation->arena, "not counted: %s", review->approvals.unknown.at[i]),
            &text);
    for (size_t i = 0; i < review->against.count; i++)
        render_step(&invocation->style, false, review->against.at[i], &text);
    for (size_t i = 0; i < review->not_checked.count; i++)
        render_wrapped(&invocation->style, "not checked: ", 13, review->not_checked.at[i], &text);
    if (!invocation->quiet)
        cli_print(&text);
    if (review->against.count == 0)
        return EXIT_OK;
    return cli_refuse("%s%s", review->against.at[0],
                      review->against.count > 1 ? " (and more, above)" : "");
}

static enum exit_code run(struct invocation *invocation)
{
    struct reviewing reviewing CLEANUP_REVIEWING = REVIEWING_EMPTY;
    struct err err;

    if (reviewing_open(&reviewing, invocation, REVIEWING_TO_VERIFY, &err) < 0)
        return cli_fail(&err);
    return tell(invocation, &reviewing.review);
}

const struct command command_verify = {
    .name = "verify",
    .arguments = "PLAN",
    .summary = "check signatures, expiry and policy of a plan",
    .about = "Checks that the plan is genuine, fresh, allowed by the policy and approved. Needs no "
             "root, and with --keys no host: what only the host can tell is named as not checked.\n"
             "Exit status: 0 all held; 3 refused; 1 the plan is malformed.",
    .example = "  hamedic verify fix.plan\n  hamedic verify fix.plan --keys ./keys --policy "
               "policies/ci.conf\n",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
