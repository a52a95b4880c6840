/* observe/messages: what HAProxy, and systemd of it, said lately.
 * Use:     messages_add(&messages, arena, time, of_systemd, text) for each line in order; then
 *          message_last(&messages, LOG_MESSAGE_BIND_FAILED) ...
 * Shapes:  oldest first; only what is no traffic. Names and texts are escaped, NULL where a message
 *          has none. Anybody who may log can have written them: they explain what other sources
 *          show, and decide nothing alone.
 * Owns:    everything lives in the arena given.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_MESSAGES_H
#define HAMEDIC_AGENT_OBSERVE_MESSAGES_H

#include "agent/logs/message.h"
#include "plans/base/arena.h"

#define MESSAGES_MAX 400 /* the newest */

struct haproxy_message {
    enum log_message_kind kind;
    enum log_level level;
    bool of_systemd;
    int64_t time;   /* seconds since 1970; 0: not told */
    int64_t writer; /* process id; 0: not told */
    const char *proxy, *server, *address, *file, *reason;
    uint32_t port; /* of the address; 0: none */
    uint64_t line;
    int64_t error; /* errno value; 0: none known */
    int64_t code, worker, need, limit;
    const char *text;
};

struct haproxy_messages {
    struct haproxy_message *at;
    size_t count;
    uint64_t left_out; /* older ones */
    const char *from;  /* "journal"; or the path of a log, escaped */
};

/* False: the line is none of HAProxy's, or none that could explain anything. */
bool messages_add(struct haproxy_messages *messages, struct arena *arena, int64_t time,
                  int64_t writer, bool of_systemd, struct span text);
/* The newest of its kind; NULL: none. */
const struct haproxy_message *messages_last(const struct haproxy_messages *messages,
                                            enum log_message_kind kind);
/* Where the messages of the newest attempt to start or reload begin: behind the last "Loading
 * success.", and of a failed attempt all that the process said that failed. */
size_t messages_attempt(const struct haproxy_messages *messages);

#endif
