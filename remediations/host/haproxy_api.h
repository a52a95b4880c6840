/* host/haproxy_api: questions to HAProxy's Runtime API, and what its answers mean.
 * Use:     haproxy_api_ask(socket, "show info;show stat", ...); haproxy_info_parse();
 *          haproxy_stat_parse()
 * Shapes:  a socket is a path, "127.0.0.1:9999" or "[::1]:9999" of one that listens on TCP, or
 *          "abns@name" (its address is as long as any, filled with zeros) or "abnsz@name" of one
 *          that has an abstract name.
 *          One connection a call, ONE line, commands separated by ';', read to the end of file.
 *          Columns and keys are found by name, never by position: they moved inside a stable
 *          branch.
 * Owns:    results live in the arena.
 * Errors:  ERR_SYS (no socket, refused, ETIMEDOUT after deadline_ms in all); ERR_INPUT an answer
 *          that is not what was asked for, or longer than `max`: says what came instead, escaped
 *          and cut.
 * Source:  HAProxy management.txt 9.2 (CSV format), 9.3 (commands); recorded answers of 2.2 to
 *          3.5.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_API_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_API_H

#include <sys/types.h>

#include "plans/plan.h"

#define HAPROXY_API_DEADLINE_MS 3000u
#define HAPROXY_API_ANSWER_MAX  ((size_t)32 * 1024 * 1024)

MUST_CHECK int haproxy_api_ask(const char *socket_path, const char *command, unsigned deadline_ms,
                               size_t max, struct arena *arena, struct span *out_answer,
                               struct err *err);
/* The same in two steps, for a process that may open nothing: what is opened here may not be
 * connected yet (its accept queue is full), which the question goes on with. */
MUST_CHECK int haproxy_api_open(const char *socket_path, int *out_fd, struct err *err);
MUST_CHECK int haproxy_api_ask_open(int fd, const char *socket_path, const char *command,
                                    unsigned deadline_ms, size_t max, struct arena *arena,
                                    struct span *out_answer, struct err *err);
/* As above for a command that answers nothing when it worked: any other answer is ERR_INPUT with
 * it. */
MUST_CHECK int haproxy_api_tell(const char *socket_path, const char *command, unsigned deadline_ms,
                                struct err *err);

/* Does somebody take connections there now? */
bool haproxy_api_connects(const char *socket_path);

/* `show info`. A key that the version does not know is absent. */
struct haproxy_info {
    struct haproxy_info_field {
        struct span key, value;
    } * fields;
    size_t field_count;
};
MUST_CHECK int haproxy_info_parse(struct span answer, struct arena *arena,
                                  struct haproxy_info *out_info, struct err *err);
bool haproxy_info_number(const struct haproxy_info *info, const char *key, int64_t *out_value);
const char *haproxy_info_text(const struct haproxy_info *info, const char *key,
                              struct arena *arena); /* NULL: absent; escaped */

/* One row of `show stat`: what hamedic uses of it. -1: the field was empty or the column absent;
 * NULL the same for texts, which are escaped. Besides `type` there are only const char * and
 * int64_t here, so that a row can be sent field by field. */
enum stat_type { STAT_FRONTEND, STAT_BACKEND, STAT_SERVER, STAT_LISTENER };
struct haproxy_stat {
    enum stat_type type;
    const char *proxy, *name;
    const char *status;            /* "UP", "DOWN", "OPEN", "no check", ... */
    const char *check_status;      /* "L4CON"; a leading "* " was taken off */
    const char *last_check;        /* last_chk text */
    const char *check_description; /* "Layer4 connection problem" */
    const char *agent_status, *last_agent;
    const char *address; /* "10.0.0.1:80"; NULL below level operator */
    const char *tracked; /* "be/s1": whose check decides */
    const char *mode;    /* "http", "tcp"; NULL below level operator */
    int64_t queue, queue_max, sessions, sessions_max, session_limit, sessions_total, queue_limit;
    int64_t requests_denied, responses_denied, request_errors, response_errors;
    int64_t connect_errors, retries, redispatches, weight, active, backup;
    int64_t check_failures, check_downs, rate, rate_limit, rate_max;
    /* Of a server: its own answers, not what HAProxy said in its place. */
    int64_t responses_1xx, responses_2xx, responses_3xx, responses_4xx, responses_5xx,
        responses_other;
    int64_t observed_failures; /* hanafail: `observe` saw them in the traffic */
    int64_t requests_total, client_aborts, server_aborts;
    int64_t queue_ms, connect_ms, response_ms, total_ms; /* averages over the last 1024 */
    int64_t check_code, check_ms, agent_ms, check_rise, check_fall, check_health, last_change;
    int64_t id; /* iid: of its proxy */
};
MUST_CHECK int haproxy_stat_parse(struct span answer, struct arena *arena,
                                  struct haproxy_stat **out_rows, size_t *out_count,
                                  struct err *err);

/* `show resolvers`: one row for each name server. -1: the version does not say. */
struct haproxy_resolver {
    const char *section, *nameserver; /* escaped */
    int64_t sent, send_errors, valid, no_such_name, timeouts, refused;
};
/* Leaves both as they are where the answer holds no such part: an older version, or no level. */
void haproxy_resolvers_parse(struct span answer, struct arena *arena,
                             struct haproxy_resolver **rows, size_t *count);

/* `show proc` of the master socket. */
struct haproxy_proc {
    int64_t failed_reloads; /* -1: the version does not say */
    int64_t reloads;
    pid_t worker; /* newest current worker; 0: none */
};
MUST_CHECK int haproxy_proc_parse(struct span answer, struct haproxy_proc *out_proc,
                                  struct err *err);

#endif
