#include "agent/logs/tally_summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plans/base/escape.h"

/* The groups while outcomes are added up, by the numbers of their names; and which servers a backend has. */
struct groups {
    const struct log_tally *tally;
    struct arena *arena;
    struct log_group *all, *frontends, *backends, *servers;
    uint32_t *first_server, *next_server; /* by backend, by server; 0: none */
};

static int by_status_count(const void *a, const void *b)
{
    const struct log_count_status *first = a, *second = b;

    if (first->count != second->count)
        return first->count < second->count ? 1 : -1;
    return first->status < second->status ? -1 : first->status > second->status;
}

static int by_state_count(const void *a, const void *b)
{
    const struct log_count_state *first = a, *second = b;

    if (first->count != second->count)
        return first->count < second->count ? 1 : -1;
    return strcmp(first->state, second->state);
}

static int by_requests(const void *a, const void *b)
{
    const struct log_group *first = a, *second = b;
    int order;

    if (first->requests != second->requests)
        return first->requests < second->requests ? 1 : -1;
    order = strcmp(first->name, second->name);
    if (order != 0 || first->backend == NULL || second->backend == NULL)
        return order;
    return strcmp(first->backend, second->backend);
}

static void add_status(struct arena *arena, struct log_group *group, uint32_t status,
                       uint64_t count)
{
    int32_t shown = (int32_t)status - 1;
    struct log_count_status *row;

    if (status == TALLY_NO_STATUS || count == 0)
        return;
    group->classes[shown >= 100 && shown < 600 ? shown / 100 : 0] += count;
    for (size_t i = 0; i < group->status_count; i++)
        if (group->statuses[i].status == shown) {
            group->statuses[i].count += count;
            return;
        }
    row = &ARENA_PUSH(arena, group->statuses, group->status_count);
    *row = (struct log_count_status){.status = shown, .count = count};
}

static void add_state(struct arena *arena, struct log_group *group, uint32_t packed, uint64_t count)
{
    struct log_count_state *row;
    char state[5];

    if (count == 0)
        return;
    log_tally_unpack_state(packed, 4, state);
    for (size_t i = 0; i < group->state_count; i++)
        if (strcmp(group->states[i].state, state) == 0) {
            group->states[i].count += count;
            return;
        }
    row = &ARENA_PUSH(arena, group->states, group->state_count);
    row->count = count;
    memcpy(row->state, state, sizeof state);
}

static void add_outcome(struct groups *groups, const struct tally_outcome *outcome)
{
    const struct tally_route *route = &groups->tally->route_rows[outcome->route];
    struct log_group *const members[] = {groups->all, &groups->frontends[route->frontend],
                                         &groups->backends[route->backend],
                                         &groups->servers[route->server]};
    uint32_t status = outcome->key >> 16, state = outcome->key & 0xffff;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        add_status(groups->arena, members[i], status, outcome->count);
        add_state(groups->arena, members[i], state, outcome->count);
        if (log_tally_is_error_packed(state, status))
            members[i]->failed += outcome->count;
    }
}

/* What found no row: of everything it is known, of whom it was is not. `failed` cannot be told from the two apart,
 * and counts the states alone. */
static void add_lost(struct groups *groups)
{
    if (groups->tally->lost == 0)
        return;
    for (uint32_t status = 0; status < 1024; status++)
        add_status(groups->arena, groups->all, status, groups->tally->lost_statuses[status]);
    for (uint32_t state = 0; state < 65536; state++) {
        add_state(groups->arena, groups->all, state, groups->tally->lost_states[state]);
        if (log_tally_is_error_packed(state, TALLY_NO_STATUS))
            groups->all->failed += groups->tally->lost_states[state];
    }
}

static void raise_to(uint32_t *most, int32_t value)
{
    if (value > 0 && (uint32_t)value > *most)
        *most = (uint32_t)value;
}

static void add_route(struct groups *groups, uint32_t index)
{
    const struct tally_route *route = &groups->tally->route_rows[index];
    struct log_group *const members[] = {groups->all, &groups->frontends[route->frontend],
                                         &groups->backends[route->backend],
                                         &groups->servers[route->server]};
    static const enum tally_lane conns[] = {LANE_ACTCONN, LANE_FECONN, LANE_BECONN, LANE_SRVCONN};

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct log_group *group = members[i];

        group->requests += route->requests;
        group->tls += route->is_tls ? route->requests : 0;
        group->no_server += route->server_kind == LOG_SERVER_NONE ? route->requests : 0;
        group->retries += route->retries;
        group->retried += route->retried;
        group->redispatched += route->redispatched;
        group->queued += route->queued;
        group->bytes += route->bytes;
        raise_to(&group->conns, route->most[conns[i]]);
        raise_to(&group->server_queue, route->most[LANE_SERVER_QUEUE]);
        raise_to(&group->backend_queue, route->most[LANE_BACKEND_QUEUE]);
        for (enum log_timer timer = LOG_TIMER_TR; timer < LOG_TIMER_COUNT; timer++)
            if (route->most[timer] > group->timers[timer].max)
                group->timers[timer].max = route->most[timer];
    }
    if (route->server != 0 && groups->servers[route->server].backend == NULL) {
        groups->servers[route->server].backend = ""; /* seen; named below */
        groups->next_server[route->server] = groups->first_server[route->backend];
        groups->first_server[route->backend] = route->server;
    }
}

static void tell_timers(struct log_group *group, const struct log_timers *timers)
{
    for (enum log_timer timer = LOG_TIMER_TR; timer < LOG_TIMER_COUNT; timer++)
        log_timers_percentiles(timers, timer, group->timers[timer].max, &group->timers[timer]);
}

/* A backend's times are those of its servers together, and all are those of everything. */
static void add_timers(struct groups *groups)
{
    const struct log_tally *tally = groups->tally;
    struct log_timers *sum = arena_alloc(groups->arena, sizeof *sum);

    for (uint32_t i = 0; i < tally->timer_count; i++)
        log_timers_merge(sum, &tally->timers[i]);
    tell_timers(groups->all, sum);
    for (uint32_t frontend = 0; frontend < tally->frontends.count; frontend++)
        tell_timers(&groups->frontends[frontend], &tally->frontend_timers[frontend]);
    for (uint32_t backend = 0; backend < tally->backends.count; backend++) {
        memset(sum, 0, sizeof *sum);
        for (uint32_t server = groups->first_server[backend]; server != 0;
             server = groups->next_server[server]) {
            uint32_t own = tally->server_timers[server];

            if (own == 0)
                continue;
            log_timers_merge(sum, &tally->timers[own]);
            tell_timers(&groups->servers[server], &tally->timers[own]);
        }
        tell_timers(&groups->backends[backend], sum);
    }
}

/* Without those that nothing came to, most requests first, their lists sorted too. */
static void finish(struct log_group *groups, size_t count, struct log_group **out_groups,
                   size_t *out_count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (groups[i].requests > 0)
            groups[kept++] = groups[i];
    for (size_t i = 0; i < kept; i++) {
        if (groups[i].status_count > 0)
            qsort(groups[i].statuses, groups[i].status_count, sizeof *groups[i].statuses,
                  by_status_count);
        if (groups[i].state_count > 0)
            qsort(groups[i].states, groups[i].state_count, sizeof *groups[i].states,
                  by_state_count);
    }
    if (kept > 0)
        qsort(groups, kept, sizeof *groups, by_requests);
    *out_groups = groups;
    *out_count = kept;
}

static void name_groups(struct groups *groups, const struct log_names *names,
                        struct log_group *rows)
{
    static const struct log_percentiles none = {.p50 = -1, .p95 = -1, .p99 = -1, .max = -1};

    for (uint32_t i = 0; i < names->count; i++) {
        struct span name = log_names_get(names, i);

        for (enum log_timer timer = LOG_TIMER_TR; timer < LOG_TIMER_COUNT; timer++)
            if (rows[i].timers[timer].count == 0)
                rows[i].timers[timer] = none;
        if (i == 0)
            name = span_of("(others)");
        else if (rows == groups->servers)
            rows[i].backend = escape_span(groups->arena, span_cut(&name, '/'), LOG_TALLY_NAME_MAX);
        rows[i].name = escape_span(groups->arena, name, LOG_TALLY_NAME_MAX);
    }
    if (rows == groups->servers)
        rows[0].backend = "(others)";
}

void log_tally_summary_groups(const struct log_tally *tally, struct arena *arena,
                              struct log_summary *summary)
{
    struct groups groups = {
        .tally = tally,
        .arena = arena,
        .all = &summary->all,
        .frontends = arena_alloc(arena, tally->frontends.count * sizeof(struct log_group)),
        .backends = arena_alloc(arena, tally->backends.count * sizeof(struct log_group)),
        .servers = arena_alloc(arena, tally->servers.count * sizeof(struct log_group)),
        .first_server = arena_alloc(arena, tally->backends.count * sizeof(uint32_t)),
        .next_server = arena_alloc(arena, tally->servers.count * sizeof(uint32_t)),
    };
    struct tally_outcome outcome;
    struct log_group *all;
    uint32_t place = 0;
    size_t one;

    for (uint32_t i = 0; i < tally->routes.count; i++)
        add_route(&groups, i);
    while (log_tally_next_outcome(tally, &place, &outcome))
        add_outcome(&groups, &outcome);
    add_lost(&groups);
    add_timers(&groups);
    summary->all.name = "all";
    name_groups(&groups, &tally->frontends, groups.frontends);
    name_groups(&groups, &tally->backends, groups.backends);
    name_groups(&groups, &tally->servers, groups.servers);
    finish(&summary->all, 1, &all, &one);
    finish(groups.frontends, tally->frontends.count, &summary->frontends, &summary->frontend_count);
    finish(groups.backends, tally->backends.count, &summary->backends, &summary->backend_count);
    finish(groups.servers, tally->servers.count, &summary->servers, &summary->server_count);
}
