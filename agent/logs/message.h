/* logs/message: one line of HAProxy's own words (not of traffic) as a kind and its fields.
 * Use:     if (log_message_classify(text, &message)) switch (message.kind) ...
 * Shapes:  `text` is what stands behind the framing (time, host, tag), or a line of stderr with its
 *          "[ALERT]    (pid) : " header; LOG_MESSAGE_MAX bytes of it are looked at. Anybody can
 *          have written it: names are checked against HAProxy's alphabet, numbers are bounded, and
 *          the other spans may hold any byte.
 * Owns:    the spans point into `text`; what a kind does not tell is empty, 0, or -1 where said.
 * Errors:  none: what is no message of HAProxy's gives false.
 * Source:  HAProxy 1.8 to 3.5-dev5: print_message, server.c srv_append_status, check.c, proto_tcp.c,
 *          protocol.c, haproxy.c main, mworker.c, proxy.c, listener.c, limits.c.
 */
#ifndef HAMEDIC_AGENT_LOGS_MESSAGE_H
#define HAMEDIC_AGENT_LOGS_MESSAGE_H

#include "plans/base/span.h"

#define LOG_MESSAGE_MAX 8192

enum log_message_kind {
    LOG_MESSAGE_OTHER, /* HAProxy's by its header or its beginning, but none of those below */
    /* servers */
    LOG_MESSAGE_SERVER_DOWN,
    LOG_MESSAGE_SERVER_UP,
    LOG_MESSAGE_SERVER_STOPPING,
    LOG_MESSAGE_SERVER_MAINTENANCE, /* enters, leaves or stays in it; also drain */
    LOG_MESSAGE_NO_SERVER_AVAILABLE,
    LOG_MESSAGE_CHECK_FAILED,
    LOG_MESSAGE_CHECK_SUCCEEDED,
    /* resources, while it runs */
    LOG_MESSAGE_FD_LIMIT_PROCESS,
    LOG_MESSAGE_FD_LIMIT_SYSTEM,
    LOG_MESSAGE_MEMORY_LIMIT,
    LOG_MESSAGE_CONNECTION_LIMIT, /* of the process: above maxsock */
    LOG_MESSAGE_NO_FREE_PORTS,
    LOG_MESSAGE_LOCAL_ADDRESS_IN_USE,
    LOG_MESSAGE_CANNOT_BIND_SOURCE,
    LOG_MESSAGE_NO_FREE_SOCKETS,
    LOG_MESSAGE_CANNOT_CREATE_SOCKET,
    /* start and reload */
    LOG_MESSAGE_BIND_FAILED,
    LOG_MESSAGE_LISTEN_FAILED,
    LOG_MESSAGE_LISTENERS_FAILED, /* "Some protocols failed to start their listeners" */
    LOG_MESSAGE_NO_LISTENER,
    LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT,
    LOG_MESSAGE_FD_LIMIT_TOO_LOW,
    LOG_MESSAGE_CANNOT_SET_MEMORY_LIMIT,
    LOG_MESSAGE_CONFIG_ERROR,
    LOG_MESSAGE_CONFIG_WARNING,
    LOG_MESSAGE_CONFIG_REFUSED, /* the verdict behind the errors */
    LOG_MESSAGE_VERSION,
    LOG_MESSAGE_RELOADING,
    LOG_MESSAGE_LOADING_SUCCESS,
    LOG_MESSAGE_LOADING_FAILURE,
    LOG_MESSAGE_WORKER_STARTED,
    LOG_MESSAGE_WORKER_EXITED,
    LOG_MESSAGE_WORKERS_GONE, /* the master ends too */
    /* frontends and backends */
    LOG_MESSAGE_PROXY_STARTED,
    LOG_MESSAGE_PROXY_PAUSED,
    LOG_MESSAGE_PROXY_RESUMED,
    LOG_MESSAGE_PROXY_STOPPED,
    LOG_MESSAGE_PROXY_PAUSE_FAILED,
    LOG_MESSAGE_PROXY_ENABLE_FAILED, /* its port was taken meanwhile */
    LOG_MESSAGE_KINDS
};

enum log_level {
    LOG_LEVEL_NONE,
    LOG_LEVEL_DIAG,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ALERT,
};

struct log_message {
    enum log_message_kind kind;
    enum log_level level; /* of its header; NONE: it has none */
    int64_t writer;       /* process id in the header; 0: none */
    struct span body;     /* the text behind the header and "config : " */
    struct span proxy;    /* frontend, backend or listen */
    struct span server;
    bool backup;         /* the server is one */
    struct span reason;  /* of a check: "Layer4 connection problem"; of a bind, of a worker's end:
                                        the words in parentheses; of a configuration: what is wrong */
    struct span info;    /* of a check: what the system or the server said */
    struct span file;    /* configuration */
    uint64_t line;       /* 0: not told */
    struct span address; /* "127.0.0.1:9001", ":::80", "/run/x.sock" */
    uint32_t port;       /* of it; 0: none */
    int error;           /* errno value that `reason` or `info` is the name of; 0: none known */
    int64_t code;        /* layer 7 status of a check; exit status of a worker; -1 */
    int64_t worker;      /* process id the message speaks of; 0: none */
    int64_t need, limit; /* file descriptors asked for, and what there is; -1 */
    int64_t active, backups; /* servers that are left; -1 */
};

bool log_message_classify(struct span text, struct log_message *out_message);
const char *log_message_word(enum log_message_kind kind); /* "bind-failed" */
const char *log_level_word(enum log_level level);         /* "alert"; "" for NONE */

#endif
