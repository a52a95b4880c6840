#include "agent/commands/commands.h"

#include <time.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/explain.h"
#include "agent/logs/period.h"
#include "agent/commands/watching.h"
#include "agent/report.h"

static const struct cli_option options[] = {
    {"json", 0, NULL, "one JSON document (hamedic/diagnosis/1)"},
    {"explain", 0, "[SLUG]", "what a cause means, how it is proven; without SLUG: all of them"},
    {"target", 0, "ADDRESS[:PORT]", "what clients ask for: does HAProxy serve it?"},
    {"watch", 0, "[SECONDS]", "look again and again, in place (every 2 seconds); Ctrl-C ends it"},
    {"since", 0, "TIME", "how far to go back in the log: 1h, 10:00, '2026-11-28 10:00' (15m)"},
    {"log", 0, "FILE", "HAProxy's log, instead of what is found; may be repeated"},
    {"policy", 0, "FILE", "policy file, instead of the host's"},
    {NULL, 0, NULL, NULL},
};

/* "--explain=SLUG", or "--explain SLUG". */
static enum exit_code explain(struct invocation *invocation)
{
    const char *slug = cli_value(invocation, "explain");
    struct text text = text_new(invocation->arena);

    if (invocation->arguments.count > 0)
        slug = invocation->arguments.at[0];
    if (slug[0] == '\0') {
        explain_list(&invocation->style, &text);
        cli_print(&text);
        return EXIT_OK;
    }
    const struct cause *cause = causes_find(slug);
    if (cause == NULL) {
        explain_list(&invocation->style, &text);
        cli_print(&text);
        return cli_usage(invocation, "diagnose: no cause is called '%s'", slug);
    }
    explain_cause(&invocation->style, cause, &text);
    cli_print(&text);
    return EXIT_OK;
}

/* "--watch=SECONDS", or "--watch SECONDS". 0 after a message. */
static unsigned watch_seconds(const struct invocation *invocation)
{
    const char *word = cli_value(invocation, "watch");
    uint64_t seconds = WATCHING_SECONDS;

    if (invocation->arguments.count > 0)
        word = invocation->arguments.at[0];
    if (word[0] != '\0' && (!span_scan_u64(span_of(word), &seconds) || seconds == 0 ||
                            seconds > WATCHING_SECONDS_MAX)) {
        (void)cli_usage(invocation, "diagnose --watch '%s': expected 1 to %d seconds", word,
                        WATCHING_SECONDS_MAX);
        return 0;
    }
    return (unsigned)seconds;
}

static int read_wanted(const struct invocation *invocation, struct facts_wanted *wanted,
                       struct err *err)
{
    const char *since = cli_value(invocation, "since");

    wanted->logs = cli_values(invocation, "log");
    return since == NULL
               ? 0
               : log_period_parse(since, (int64_t)time(NULL) * 1000, &wanted->logs_since, err);
}

static enum exit_code look_once(struct invocation *invocation, const struct host *host,
                                const struct policy *policy, const struct facts_wanted *wanted)
{
    struct examination seen = {.wanted = *wanted};
    struct text text = text_new(invocation->arena);
    struct err err;

    if (examine(host, policy, invocation->arena, &seen, &err) < 0)
        return cli_fail(&err);
    if (cli_has(invocation, "json")) {
        const struct diagnosis report = examine_report(&seen, invocation->arena);
        text_add(&text, codec_write_diagnosis(&report, invocation->arena));
    } else {
        report_whole(&invocation->style, &seen, cli_self(invocation), invocation->verbose,
                     invocation->height, &text);
    }
    cli_print(&text);
    return examine_found_something(&seen) ? EXIT_SOMETHING : EXIT_OK;
}

static enum exit_code run(struct invocation *invocation)
{
    struct host *host CLEANUP_HOST = NULL;
    struct policy *policy CLEANUP_POLICY = NULL;
    bool watch = cli_has(invocation, "watch");
    struct watching how = {0};
    struct err err;

    if (cli_has(invocation, "explain"))
        return explain(invocation);
    if (watch && cli_has(invocation, "json"))
        return cli_usage(invocation, "diagnose: --watch and --json do not go together");
    if (!watch && invocation->arguments.count > 0)
        return cli_usage(invocation, "diagnose: unexpected '%s'", invocation->arguments.at[0]);
    if (watch && (how.seconds = watch_seconds(invocation)) == 0)
        return EXIT_USAGE;
    if (read_wanted(invocation, &how.wanted, &err) < 0)
        return cli_usage(invocation, "diagnose: --since %s", err.text);
    if (cli_open_host(invocation, &host, &err) < 0 ||
        cli_open_policy(invocation, host, &policy, &err) < 0)
        return cli_fail(&err);
    return watch ? watching_run(invocation, host, policy, &how)
                 : look_once(invocation, host, policy, &how.wanted);
}

const struct command command_diagnose = {
    .name = "diagnose",
    .arguments = "[SLUG|SECONDS]",
    .summary = "what is wrong and why, with evidence",
    .about =
        "Looks at HAProxy, its configuration, the kernel and the servers, all at once, and "
        "names what is wrong with the evidence for it. Changes nothing.\n"
        "With --explain it looks at nothing: it tells what the word in a finding means.\n"
        "With --watch what is new since the last look is marked, and what is gone is told.\n"
        "-v tells of every source whether it was seen, why not, and how long that took; and where "
        "one cause was found many times, all of that in full.\n"
        "Exit status: 0 nothing proven, 2 findings; of --watch always 0.",
    .example = "  hamedic diagnose\n  hamedic diagnose --since 1h --log /srv/log/haproxy.log\n  "
               "hamedic diagnose --explain backend-refused\n"
               "  hamedic diagnose --json | jq '.findings[].cause'\n",
    .options = options,
    .most = 1,
    .run = run,
};
