#include "agent/commands/commands.h"

#include "agent/commands/reviewing.h"
#include "plans/codec.h"

static const struct cli_option options[] = {
    {"json", 0, NULL, "the plan file itself, once its signature held"},
    {"keys", 0, "DIR", "agent.pub and operators/, instead of /etc/hamedic"},
    {"policy", 0, "FILE", "policy file, instead of the host's"},
    {NULL, 0, NULL, NULL},
};

static void print_verdict(struct invocation *invocation, const struct review *review)
{
    struct text text = text_new(invocation->arena);

    if (review->against.count == 0)
        text_add(&text, review_is_approved(review) ? "It may be applied.\n"
                        : review->person_suffices
                            ? "It may be applied once approved, or by a person at a terminal.\n"
                            : "It may be applied once approved.\n");
    for (size_t i = 0; i < review->against.count; i++)
        render_wrapped(&invocation->style, i == 0 ? "Against it:  " : "             ", 13,
                       review->against.at[i], &text);
    for (size_t i = 0; i < review->not_checked.count; i++)
        render_wrapped(&invocation->style, i == 0 ? "Not checked: " : "             ", 13,
                       review->not_checked.at[i], &text);
    cli_print(&text);
}

static enum exit_code show(struct invocation *invocation, const struct review *review)
{
    struct text text = text_new(invocation->arena);

    if (cli_has(invocation, "json")) {
        text_add_span(&text, review->bytes);
        cli_print(&text);
    } else {
        render_plan(&invocation->style, RENDER_FULL, &review->plan, NULL, &text);
        render_approvals(&invocation->style, &review->plan, &review->approvals, &text);
        cli_print(&text);
        print_verdict(invocation, review);
    }
    /* A draft is there to be looked at; that it cannot be applied is no refusal to show it. */
    bool only_draft = review->plan.draft;
    return review->against.count > 0 && !only_draft ? EXIT_REFUSED : EXIT_OK;
}

static enum exit_code run(struct invocation *invocation)
{
    struct reviewing reviewing CLEANUP_REVIEWING = REVIEWING_EMPTY;
    struct err err;

    if (reviewing_open(&reviewing, invocation, REVIEWING_TO_SHOW, &err) < 0)
        return cli_fail(&err);
    return show(invocation, &reviewing.review);
}

const struct command command_show = {
    .name = "show",
    .arguments = "PLAN",
    .summary = "review a plan: changes, diffs, why, risk, signatures",
    .about =
        "Shows all that a reviewer needs: what is wrong, what will change, what it opens and "
        "disturbs, how it is taken back, who signed, and what the policy says. Needs no root.\n"
        "Exit status: 0 it may be applied (once approved) or is a draft; 3 something stands "
        "against it.",
    .example = "  hamedic show fix.plan\n  hamedic show fix.plan --keys ./keys --policy ci.conf\n",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
