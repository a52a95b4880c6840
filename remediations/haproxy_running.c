#include "remediations/haproxy_running.h"

#include <inttypes.h>
#include <string.h>

#include "remediations/host/haproxy_api.h"

static const char *limit_text(struct arena *arena, int64_t limit)
{
    return limit > 0 ? arena_printf(arena, "%" PRId64, limit) : NULL;
}

static int read_global(const struct haproxy *haproxy, struct arena *arena,
                       struct running_maxconn *running, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct haproxy_info info;
    struct span answer;
    int64_t maxconn = 0, hard = 0;

    if (haproxy_api_ask(haproxy->stats_socket, "show info", HAPROXY_API_DEADLINE_MS,
                        HAPROXY_API_ANSWER_MAX, scratch, &answer, err) < 0 ||
        haproxy_info_parse(answer, scratch, &info, err) < 0)
        return -1;
    if (!haproxy_info_number(&info, "Maxconn", &maxconn))
        return err_set(err, ERR_INPUT, "'show info' tells no Maxconn");
    running->value = limit_text(arena, maxconn);
    if (haproxy_info_number(&info, "Hard_maxconn", &hard) && hard > 0)
        running->hard = (uint64_t)hard;
    return 0;
}

static bool is_row(const struct haproxy_stat *row, const struct cfg_target *target)
{
    if (strcmp(row->proxy, target->proxy) != 0)
        return false;
    if (target->kind == TARGET_SERVER)
        return row->type == STAT_SERVER && strcmp(row->name, target->server) == 0;
    return row->type == STAT_FRONTEND;
}

static int read_row(const struct haproxy *haproxy, const struct cfg_target *target,
                    struct arena *arena, struct running_maxconn *running, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct haproxy_stat *rows = NULL;
    struct span answer;
    size_t count = 0;

    if (haproxy_api_ask(haproxy->stats_socket, "show stat", HAPROXY_API_DEADLINE_MS,
                        HAPROXY_API_ANSWER_MAX, scratch, &answer, err) < 0 ||
        haproxy_stat_parse(answer, scratch, &rows, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!is_row(&rows[i], target))
            continue;
        running->value = limit_text(arena, rows[i].session_limit);
        return 0;
    }
    running->asked = false;
    running->reason = "the running HAProxy has no such section or server";
    return 0;
}

void running_read(const struct host *host, const struct haproxy *haproxy,
                  const struct cfg_target *target, struct arena *arena,
                  struct running_maxconn *out_running)
{
    struct running_maxconn running = {.asked = true};
    struct err err = {0};
    bool of_section = target->kind == TARGET_PROXY && target->section != CFG_DEFAULTS;

    if (!host->live)
        running.reason = "a tree runs nothing";
    else if (!haproxy->running)
        running.reason = "HAProxy does not run";
    else if (target->kind == TARGET_DEFAULT_SERVER || (target->kind == TARGET_PROXY && !of_section))
        running.reason = "defaults have no running value of their own";
    else if (haproxy->stats_socket == NULL)
        running.reason = "HAProxy has no stats socket";
    running.asked = running.reason == NULL;
    if (running.asked &&
        (target->kind == TARGET_GLOBAL ? read_global(haproxy, arena, &running, &err)
                                       : read_row(haproxy, target, arena, &running, &err)) < 0)
        running = (struct running_maxconn){.silent = true, .reason = arena_string(arena, err.text)};
    *out_running = running;
}

int running_set(const struct haproxy *haproxy, const struct cfg_target *target, const char *value,
                struct arena *arena, struct err *err)
{
    const char *number = value == NULL ? "0" : value;
    const char *command;

    if (target->kind == TARGET_GLOBAL)
        command = arena_printf(arena, "set maxconn global %s", number);
    else if (target->kind == TARGET_SERVER)
        command = arena_printf(arena, "set maxconn server %s/%s %s", target->proxy, target->server,
                               number);
    else
        return err_set(err, ERR_BUG, "maxconn of '%s' is not set at run time", target->proxy);
    if (haproxy_api_tell(haproxy->stats_socket, command, HAPROXY_API_DEADLINE_MS, err) < 0)
        return err_wrap(err, "'%s'", command);
    return 0;
}
