#include "agent/transaction/probes.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "plans/base/clock.h"
#include "agent/diagnose/causes.h"
#include "agent/diagnose/diagnose.h"
#include "agent/transaction/signals.h"

/* A queue can be empty for a moment: what is wrong must be gone in more looks than one. And who met
 * a full one comes back no sooner than his kernel's first retransmission, a second later: what the
 * plan cures must stay gone for longer than that. */
enum { PAUSE_MS = 250, LOOKS_NEEDED = 2, RETURN_MS = 1500 };

/* What strangers can write proves nothing about a change. */
static const struct facts_wanted without_logs = {.without_logs = true};

int probes_baseline(const struct host *host, struct arena *arena, struct probes *out_probes,
                    struct err *err)
{
    return facts_observe(host, &without_logs, arena, &out_probes->before, err) < 0 ||
                   facts_check_late(&out_probes->before, err) < 0
               ? -1
               : 0;
}

int probes_check_activates(const struct probes *probes, const struct plan *plan,
                           struct arena *arena, struct err *err)
{
    struct diagnosis_result now = {0};

    if (plan_impact(plan) == IMPACT_NONE)
        return 0;
    diagnose(&probes->before, NULL, NULL, arena, &now);
    for (size_t i = 0; i < now.activates.count; i++)
        if (!strings_have(&plan->activates, now.activates.at[i]))
            return err_set(err, ERR_CHANGED,
                           "the reload would also activate what the plan does not list: %s",
                           now.activates.at[i]);
    return 0;
}

static bool is_up(const char *status)
{
    /* "UP 1/3" is going down, but still serves; "no check" is never anything else. */
    return status != NULL && strncmp(status, "UP", 2) == 0;
}

static const struct haproxy_stat *find_row(const struct facts *facts,
                                           const struct haproxy_stat *like)
{
    for (size_t i = 0; i < facts->stat_count; i++) {
        const struct haproxy_stat *row = &facts->stats[i];
        if (row->type == like->type && strcmp(row->proxy, like->proxy) == 0 &&
            strcmp(row->name, like->name) == 0)
            return row;
    }
    return NULL;
}

static void compare_rows(const struct facts *before, const struct facts *after, struct arena *arena,
                         struct strings *worse)
{
    if (!facts_have(before, SOURCE_STATS))
        return;
    if (!facts_have(after, SOURCE_STATS)) {
        strings_addf(worse, arena, "the Runtime API answered before and does not now");
        return;
    }
    for (size_t i = 0; i < before->stat_count; i++) {
        const struct haproxy_stat *row = &before->stats[i];
        if ((row->type != STAT_SERVER && row->type != STAT_BACKEND) || !is_up(row->status))
            continue;
        const struct haproxy_stat *now = find_row(after, row);
        if (now == NULL)
            strings_addf(worse, arena, "%s/%s was UP and is gone", row->proxy, row->name);
        else if (!is_up(now->status))
            strings_addf(worse, arena, "%s/%s was UP and is %s", row->proxy, row->name,
                         now->status);
    }
}

/* What an operator can set over the Runtime API and a reload forgets. */
static const char *admin_state(const struct haproxy_stat *row)
{
    if (row->status != NULL && strncmp(row->status, "MAINT", 5) == 0)
        return "in maintenance";
    if (row->status != NULL && strncmp(row->status, "DRAIN", 5) == 0)
        return "draining";
    return "in use";
}

static int check_row_kept(const struct haproxy_stat *before, const struct haproxy_stat *now,
                          struct err *err)
{
    const char *name = before->type == STAT_FRONTEND ? "FRONTEND" : before->name;

    if (before->session_limit != now->session_limit)
        return err_set(err, ERR_CHANGED,
                       "somebody set maxconn of %s/%s from %" PRId64 " to %" PRId64
                       " meanwhile: the reload would lose that",
                       before->proxy, name, before->session_limit, now->session_limit);
    if (before->type == STAT_SERVER && strcmp(admin_state(before), admin_state(now)) != 0)
        return err_set(err, ERR_CHANGED,
                       "somebody put %s/%s %s meanwhile (it was %s): the reload would lose that",
                       before->proxy, name, admin_state(now), admin_state(before));
    if (before->address != NULL && now->address != NULL &&
        strcmp(before->address, now->address) != 0)
        return err_set(err, ERR_CHANGED,
                       "somebody turned %s/%s from %s to %s meanwhile: the reload would lose that",
                       before->proxy, name, before->address, now->address);
    return 0;
}

static int check_global_kept(const struct facts *before, const struct haproxy_info *info,
                             struct err *err)
{
    int64_t then = 0, now = 0;

    if (!haproxy_info_number(&before->info, "Maxconn", &then) ||
        !haproxy_info_number(info, "Maxconn", &now) || then == now)
        return 0;
    return err_set(err, ERR_CHANGED,
                   "somebody set the global maxconn from %" PRId64 " to %" PRId64
                   " meanwhile: the reload would lose that",
                   then, now);
}

int probes_check_kept(const struct probes *probes, const struct plan *plan, struct arena *arena,
                      struct err *err)
{
    const struct facts *before = &probes->before;
    const char *socket = before->haproxy->stats_socket;
    struct haproxy_stat *rows = NULL;
    struct haproxy_info info;
    struct span answer;
    size_t count = 0;

    if (plan_impact(plan) != IMPACT_RELOAD || !before->haproxy->running || socket == NULL ||
        !facts_have(before, SOURCE_STATS))
        return 0;
    if (haproxy_api_ask(socket, "show info", HAPROXY_API_DEADLINE_MS, HAPROXY_API_ANSWER_MAX, arena,
                        &answer, err) < 0 ||
        haproxy_info_parse(answer, arena, &info, err) < 0 ||
        haproxy_api_ask(socket, "show stat", HAPROXY_API_DEADLINE_MS, HAPROXY_API_ANSWER_MAX, arena,
                        &answer, err) < 0 ||
        haproxy_stat_parse(answer, arena, &rows, &count, err) < 0)
        return err_wrap(err, "cannot look for what a reload would lose");
    if (check_global_kept(before, &info, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct haproxy_stat *row = find_row(before, &rows[i]);
        if (row != NULL && check_row_kept(row, &rows[i], err) < 0)
            return -1;
    }
    return 0;
}

const char *probes_unseen(const struct probes *probes, struct arena *arena)
{
    const struct facts *before = &probes->before;

    if (!before->haproxy->running || facts_have(before, SOURCE_STATS))
        return NULL;
    return arena_printf(
        arena,
        "the service: HAProxy's Runtime API did not answer before (%s), so that its "
        "servers cannot be compared",
        before->sources[SOURCE_STATS].reason == NULL ? "no socket"
                                                     : before->sources[SOURCE_STATS].reason);
}

static bool listens(const struct facts *facts, uint32_t port)
{
    for (size_t i = 0; i < facts->sockets.listener_count; i++)
        if (facts->sockets.listeners[i].port == port)
            return true;
    return false;
}

static void compare_listeners(const struct facts *before, const struct facts *after,
                              struct arena *arena, struct strings *worse)
{
    if (!facts_have(before, SOURCE_SOCKETS) || before->cfg == NULL)
        return;
    for (size_t p = 0; p < before->cfg->proxy_count; p++) {
        const struct cfg_proxy *proxy = before->cfg->proxies[p];
        for (size_t b = 0; b < proxy->bind_count; b++) {
            const struct cfg_bind *bind = &proxy->binds[b];
            for (uint32_t port = bind->port_low; port != 0 && port <= bind->port_high; port++)
                if (listens(before, port) && !listens(after, port))
                    strings_addf(worse, arena, "nothing listens on tcp/%u any more", port);
        }
    }
}

static void compare_connects(const struct facts *before, const struct facts *after,
                             struct arena *arena, struct strings *worse)
{
    for (size_t i = 0; i < before->probe_count; i++) {
        const struct probe *probe = &before->probes[i];
        if (probe->error != 0)
            continue;
        for (size_t k = 0; k < after->probe_count; k++) {
            const struct probe *now = &after->probes[k];
            if (now->port == probe->port && strcmp(now->address, probe->address) == 0 &&
                now->error != 0)
                strings_addf(worse, arena, "%s:%u accepted a connection and does not now: %s",
                             probe->address, probe->port, strerror(now->error));
        }
    }
}

void probes_compare(const struct facts *before, const struct facts *after, struct arena *arena,
                    struct strings *worse)
{
    if (before->haproxy->running && !after->haproxy->running)
        strings_addf(worse, arena, "HAProxy was running and is not");
    compare_rows(before, after, arena, worse);
    compare_listeners(before, after, arena, worse);
    compare_connects(before, after, arena, worse);
}

/* A finding that some change of the plan answers: its proof is due now, but for what only a restart
 * makes effective. */
static bool is_answered(const struct plan *plan, const struct finding *finding)
{
    const struct cause *cause = causes_find(finding->cause);

    if (cause != NULL && cause->is_cured_later)
        return false;
    for (size_t i = 0; i < plan->change_count; i++)
        if (plan->changes[i].action != ACTION_NO_OP && plan->changes[i].impact != IMPACT_RESTART &&
            strings_have(&plan->changes[i].why, finding->cause))
            return true;
    return false;
}

static void compare_findings(const struct plan *plan, const struct facts *after,
                             struct arena *arena, struct strings *worse)
{
    struct diagnosis_result now = {0};

    diagnose(after, NULL, NULL, arena, &now);
    for (size_t i = 0; i < plan->finding_count; i++) {
        const struct finding *finding = &plan->findings[i];
        if (!is_answered(plan, finding))
            continue;
        for (size_t k = 0; k < now.finding_count; k++)
            if (strcmp(now.findings[k].cause, finding->cause) == 0 &&
                strcmp(now.findings[k].object, finding->object) == 0 &&
                now.findings[k].state == FINDING_PROVEN)
                strings_addf(worse, arena, "%s of %s is %s: %s", finding->cause, finding->object,
                             finding->state == FINDING_PROVEN ? "still there" : "proven now",
                             now.findings[k].summary);
    }
}

static bool answers_some_finding(const struct plan *plan)
{
    for (size_t i = 0; i < plan->finding_count; i++)
        if (is_answered(plan, &plan->findings[i]))
            return true;
    return false;
}

int probes_judge(const struct probes *probes, const struct host *host, const struct plan *plan,
                 unsigned deadline_ms, struct arena *arena, struct strings *worse, struct err *err)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    int64_t must_last = answers_some_finding(plan) ? RETURN_MS : 0;
    int64_t end = clock_ms(CLOCK_BOOTTIME) + deadline_ms, good_since = 0;
    int good = 0;

    for (;;) {
        struct arena *scratch CLEANUP_ARENA = arena_new();
        struct facts after;
        struct strings found = {0};
        struct err late = {0};
        int64_t begin = clock_ms(CLOCK_BOOTTIME);
        if (facts_observe(host, &without_logs, scratch, &after, err) < 0)
            return -1;
        probes_compare(&probes->before, &after, scratch, &found);
        compare_findings(plan, &after, scratch, &found);
        /* What nobody sees is not gone. */
        if (facts_check_late(&after, &late) < 0)
            strings_addf(&found, scratch, "%s", late.text);
        good = found.count == 0 ? good + 1 : 0;
        good_since = good == 1 ? begin : good_since;
        if (good >= LOOKS_NEEDED && begin - good_since >= must_last)
            return 0;
        if (found.count > 0 && clock_ms(CLOCK_BOOTTIME) >= end) {
            for (size_t i = 0; i < found.count; i++)
                strings_add(worse, arena, found.at[i]);
            return 0;
        }
        if (signals_check(err) < 0)
            return -1;
        (void)nanosleep(&pause, NULL);
    }
}
