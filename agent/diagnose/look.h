/* diagnose/look: questions to the facts that several causes ask.
 * Shapes:  names and addresses are as in the facts; a number that is not known is -1 (int64_t) or
 *          0 (uint64_t).
 * Owns:    results live in the work's arena or in its facts.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_LOOK_H
#define HAMEDIC_AGENT_DIAGNOSE_LOOK_H

#include "agent/diagnose/diagnose.h"

#define WISH_RESERVED_PORTS "sysctl.dropin:net.ipv4.ip_local_reserved_ports"

/* A server, as the running process and the file know it. */
struct server_view {
    const struct haproxy_stat *row; /* NULL: the running process was not asked */
    const struct cfg_proxy *proxy;  /* NULL: not in the file */
    const struct cfg_server *server;
    const char *backend, *name;
    const char *address; /* NULL: not known */
    uint32_t port;
    const struct probe *probe; /* NULL: not probed */
    /* Where its check goes; the same as above where the file says nothing else. */
    const char *check_address;
    uint32_t check_port;
    const struct probe *check_probe;
    const struct asked *asked;         /* NULL: it was not asked more */
    const struct cfg_contact *contact; /* never NULL */
    const struct server_view *follows; /* `track`: whose check decides for it; NULL: its own */
};
/* Its check goes to another address or port than its traffic. */
bool look_check_goes_elsewhere(const struct server_view *view);
/* The UNIX socket that it listens on, as the file has it; NULL: none, or it is not in the file. */
const char *look_unix_of(const struct server_view *view);
/* By name; NULL: none. */
const struct server_view *look_server(const struct diagnosis_work *work, const char *backend,
                                      const char *name);
/* What the log says of it; NULL: nothing, or no log is at hand. Never the only proof. */
const struct log_group *look_log_of(const struct diagnosis_work *work,
                                    const struct server_view *view);
/* Nothing of that kind any more for a minute, and for ten times as long as lay between two of them. */
bool look_is_over(const struct diagnosis_work *work, const struct log_fault *fault);
/* The address that it is connected from by `source`, its own or its section's; NULL: none. */
const char *look_source_of(const struct server_view *view);
/* Fills work->servers and work->rows: before anything else here is asked. */
void look_find_servers(struct diagnosis_work *work);
/* Where the servers of the backend of servers[start] end. */
size_t look_backend_end(const struct diagnosis_work *work, size_t start);
/* Does it take traffic? Servers without a check always do. */
bool look_takes_traffic(const struct server_view *view);
bool look_backend_takes_traffic(const struct diagnosis_work *work, size_t start, size_t end);
const struct haproxy_stat *look_row(const struct diagnosis_work *work, enum stat_type type,
                                    const char *proxy);
/* A frontend or listen section. */
const struct cfg_proxy *look_front(const struct cfg *cfg, const char *name);
bool look_is_front(const struct cfg_proxy *proxy);

/* A second source was asked for what a first one says: what is it worth then? One that does not
 * exist on this host cannot contradict; one that could not be read might have. */
enum finding_state look_second(const struct diagnosis_work *work, enum source_id source, bool seen);

int64_t look_info(const struct diagnosis_work *work, const char *key); /* -1: not said */
/* Connections that wait to be accepted, on the ports of this proxy; NULL: of all. -1: not known.
 * `full`: a queue is at its limit, so that more may wait than are counted. */
int64_t look_accept_queue(const struct diagnosis_work *work, const struct cfg_proxy *proxy,
                          bool *out_full);
bool look_is_listened(const struct sockets *sockets, const struct cfg_bind *bind, uint32_t port);
bool look_is_loopback(const char *address);

const char *look_sysctl(const struct diagnosis_work *work, const char *key); /* running; NULL */
bool look_is_stopped(const struct facts *facts); /* installed on this host, and not running */
/* It runs, or systemd tried to keep it running: nobody stopped it on purpose. */
bool look_should_run(const struct facts *facts);
/* Since the last one that worked, by `show proc`; -1: not told. */
int64_t look_failed_reloads(const struct facts *facts);
bool look_config_is_invalid(const struct facts *facts);
bool look_budget_is_short(const struct facts *facts);
/* The unit whose LimitNOFILE can give the next start `need` descriptors, and a round value for it;
 * NULL: raising it would not help, or is not allowed. */
const char *look_unit_for(const struct diagnosis_work *work, uint64_t need, uint64_t *out_limit);
/* Wishes for what gives HAProxy `need` descriptors: its unit's LimitNOFILE, and fs.nr_open where
 * that caps it. False: neither would help, or is not allowed. */
bool look_wish_descriptors(struct diagnosis_work *work, const struct cause *cause, uint64_t need,
                           const char *because);
/* No process may have more descriptors than this: fs.nr_open. */
uint64_t look_nr_open(const struct diagnosis_work *work);
/* The hard limit that the unit's files give its next start, where that is more than what the
 * running HAProxy has and cannot raise by itself; 0: no such thing. */
uint64_t look_pending_limit(const struct diagnosis_work *work);

/* What stands in the way of an edit of this maxconn target ("server/be_api/app1") in the file;
 * NULL: nothing. */
const char *look_edit_obstacle(struct diagnosis_work *work, const char *target);
/* A TCP bind with a port, in HAProxy's own network? QUIC listens on UDP. */
bool look_is_tcp(const struct cfg_bind *bind);
const char *look_place(struct diagnosis_work *work, const struct cfg_file *file, size_t line);

uint64_t look_bound(const struct diagnosis_work *work, const char *address); /* UINT64_MAX: none */
uint64_t look_round_up(uint64_t value); /* to two significant digits */
/* A limit for `current` plus `waiting`: with a margin, at least a quarter more, at most `factor` (2
 * to 100) times as much, or 128 where that is more. */
uint64_t look_new_limit(uint64_t current, uint64_t waiting, uint64_t factor);

bool look_same(const char *a, const char *b); /* two NULL are not the same */
const char *look_shown(const char *text);     /* never NULL */

#endif
