#include "agent/commands/reviewing.h"

#include "plans/base/file.h"

int reviewing_open(struct reviewing *reviewing, struct invocation *invocation,
                   enum reviewing_purpose purpose, struct err *err)
{
    int keys CLEANUP_FD = -1;

    if (cli_open_host(invocation, &reviewing->host, err) < 0 ||
        cli_open_policy(invocation, reviewing->host, &reviewing->policy, err) < 0 ||
        cli_open_keys(invocation, reviewing->host, &keys, err) < 0)
        return -1;
    if (purpose == REVIEWING_TO_VERIFY && keys < 0)
        return err_set(err, ERR_DENIED,
                       "there are no keys to verify signatures with: expected /etc/hamedic or "
                       "--keys DIR");
    bool away = cli_has(invocation, "keys") || purpose == REVIEWING_TO_APPROVE;
    bool may_be_draft =
        purpose == REVIEWING_TO_SHOW || (purpose == REVIEWING_TO_APPROVE && keys < 0);
    const struct review_request request = {
        .path = invocation->arguments.at[0],
        .keys_dir = keys,
        .policy = reviewing->policy,
        .host = away ? NULL : reviewing->host,
        .signature = may_be_draft ? REVIEW_MAY_BE_DRAFT : REVIEW_MUST_BE_SIGNED,
    };
    return review_open(&request, invocation->arena, &reviewing->review, err);
}

void reviewing_close(struct reviewing *reviewing)
{
    review_close(&reviewing->review);
    policy_free(reviewing->policy);
    if (reviewing->host != NULL)
        host_close(reviewing->host);
}
