#include "agent/logs/tally_parts.h"

#include "agent/logs/take.h"

static enum log_server_kind kind_of(struct span server)
{
    if (span_is(server, "<NOSRV>"))
        return LOG_SERVER_NONE;
    return server.len > 0 && *server.ptr == '<' ? LOG_SERVER_APPLET : LOG_SERVER_NAMED;
}

/* Where there is no more room it is "(others)", which is 0. */
static uint32_t add(struct log_names *names, struct span name)
{
    uint32_t index = log_names_add(names, name, log_names_hash(name));

    return index == LOG_NAMES_NONE ? 0 : index;
}

static uint32_t timers_of(struct log_tally *tally, uint32_t server)
{
    if (server != 0 && tally->server_timers[server] == 0 && tally->timer_count < LOG_TALLY_TIMED)
        tally->server_timers[server] = tally->timer_count++;
    return tally->server_timers[server];
}

/* "fe[~] be/srv", known or new. */
uint32_t log_tally_route(struct log_tally *tally, struct span route)
{
    uint32_t known = tally->routes.count;
    uint32_t index = add(&tally->routes, route);
    struct tally_route *row = &tally->route_rows[index];
    struct span frontend, server;

    if (index < known)
        return index;
    row->name = tally->routes.bytes + tally->routes.names[index].offset;
    row->name_len = tally->routes.names[index].len;
    row->outcomes = tally->route_outcomes[index];
    server = route;
    frontend = span_cut(&server, ' ');
    row->is_tls = span_ends_with(frontend, "~");
    if (row->is_tls)
        frontend.len--;
    row->frontend = add(&tally->frontends, frontend);
    row->server = add(&tally->servers, server);
    row->backend = add(&tally->backends, span_cut(&server, '/'));
    row->server_kind = kind_of(server);
    row->is_client = span_ends_with(route, " -/-");
    row->timers = timers_of(tally, row->server);
    row->timed = &tally->timers[row->timers];
    row->front = &tally->frontend_timers[row->frontend];
    return index;
}
