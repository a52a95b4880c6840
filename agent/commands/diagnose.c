#include "agent/commands/commands.h"

#include "agent/diagnose/causes.h"
#include "agent/diagnose/explain.h"
#include "agent/examine.h"

static const struct cli_option options[] = {
    {"json", 0, NULL, "one JSON document (hamedic/diagnosis/1)"},
    {"explain", 0, "[SLUG]", "what a cause means, how it is proven; without SLUG: all of them"},
    {"policy", 0, "FILE", "policy file, instead of the host's"},
    {NULL, 0, NULL, NULL},
};

static void print_headline(const struct invocation *invocation, const struct examination *seen,
                           struct text *text)
{
    const struct facts *facts = &seen->facts;
    size_t fronts = 0, backs = 0, servers = 0;

    for (size_t i = 0; facts->cfg != NULL && i < facts->cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = facts->cfg->proxies[i];
        fronts += proxy->kind == CFG_FRONTEND || proxy->kind == CFG_LISTEN ? 1 : 0;
        backs += proxy->kind == CFG_BACKEND || proxy->kind == CFG_LISTEN ? 1 : 0;
        servers += proxy->server_count;
    }
    int64_t slowest = 0;
    size_t asked = 0;
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        asked += facts->sources[i].state == SOURCE_OK ? 1 : 0;
        if (facts->sources[i].milliseconds > slowest)
            slowest = facts->sources[i].milliseconds;
    }
    const char *dot = invocation->style.unicode ? "·" : "-";
    render_toned(&invocation->style, TONE_BOLD, facts->host_name, text);
    text_addf(text, " %s HAProxy %s%s", dot,
              facts->haproxy->version == NULL ? "(not installed)" : facts->haproxy->version,
              facts->tree               ? ", a tree"
              : facts->haproxy->running ? ""
                                        : ", not running");
    text_addf(text,
              " %s %zu frontends, %zu backends, %zu servers\n%zu sources, the slowest %jd.%jd s\n",
              dot, fronts, backs, servers, asked, (intmax_t)(slowest / 1000),
              (intmax_t)(slowest % 1000 / 100));
}

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

static enum exit_code look(struct invocation *invocation)
{
    struct host *host CLEANUP_HOST = NULL;
    struct policy *policy CLEANUP_POLICY = NULL;
    struct examination seen = {0};
    struct err err;

    if (cli_open_host(invocation, &host, &err) < 0 ||
        cli_open_policy(invocation, host, &policy, &err) < 0 ||
        examine(host, policy, invocation->arena, &seen, &err) < 0)
        return cli_fail(&err);
    const struct diagnosis report = examine_report(&seen, invocation->arena);
    struct text text = text_new(invocation->arena);
    if (cli_has(invocation, "json")) {
        text_add(&text, codec_write_diagnosis(&report, invocation->arena));
    } else {
        print_headline(invocation, &seen, &text);
        text_add(&text, "\n");
        if (report.finding_count == 0)
            text_add(&text, "Nothing wrong was found.\n");
        else
            render_findings(&invocation->style, report.findings, report.finding_count, &text);
        for (size_t i = 0; i < report.not_checked.count; i++)
            render_wrapped(&invocation->style, i == 0 ? "Not looked at: " : "               ", 15,
                           report.not_checked.at[i], &text);
        if (seen.result.wish_count > 0)
            text_addf(&text, "\nNext: %s plan -o fix.plan\n", cli_self(invocation));
    }
    cli_print(&text);
    return examine_found_something(&seen) ? EXIT_SOMETHING : EXIT_OK;
}

static enum exit_code run(struct invocation *invocation)
{
    if (cli_has(invocation, "explain"))
        return explain(invocation);
    if (invocation->arguments.count > 0)
        return cli_usage(invocation, "diagnose: unexpected '%s'", invocation->arguments.at[0]);
    return look(invocation);
}

const struct command command_diagnose = {
    .name = "diagnose",
    .arguments = "[SLUG]",
    .summary = "what is wrong and why, with evidence",
    .about = "Looks at HAProxy, its configuration, the kernel and the servers, all at once, and "
             "names what is wrong with the evidence for it. Changes nothing.\n"
             "With --explain it looks at nothing: it tells what the word in a finding means.\n"
             "Exit status: 0 nothing proven, 2 findings.",
    .example = "  hamedic diagnose\n  hamedic diagnose --explain backend-refused\n"
               "  hamedic diagnose --json | jq '.findings[].cause'\n",
    .options = options,
    .most = 1,
    .run = run,
};
