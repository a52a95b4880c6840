/* host/haproxy_cfg: haproxy.cfg as HAProxy reads it, and edits that keep every other byte.
 * Use:     cfg_load(host, haproxy, arena, &cfg, err)  or  cfg_parse(files, count, ...);
 *          cfg_find_maxconn(cfg, target, ...); cfg_set_maxconn(...) gives the new bytes of one file.
 * Shapes:  lines count from 1, offsets in bytes from the start of the file. Values are unquoted and expanded
 *          as HAProxy does it. Lines inside .if/.elif/.else are `conditional`: whether they count is not
 *          known here. Sections come in any order and file, names are unique only per kind of section.
 * Owns:    struct cfg lives in the arena and points into the files' bytes.
 * Errors:  ERR_INPUT "FILE:LINE: what was seen, what was expected" for what HAProxy's own reader refuses
 *          (NUL, unterminated quote, more than 64 words, unknown .directive ...), and for files above
 *          HOST_FILE_MAX. Keywords that hamedic does not know are none of its business.
 * Source:  HAProxy configuration.txt 2.2 "Quoting and escaping", 2.3 "Environment variables",
 *          2.4 "Conditional blocks"; 2.6.12 cfgparse.c and tools.c were read for facts.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_H

#include "remediations/host/haproxy.h"

struct cfg_file {
    const char *path; /* as the host sees it, links followed */
    struct span bytes;
};

/* Where a word stands. len 0: nowhere. */
struct cfg_place {
    const struct cfg_file *file;
    size_t line;
    size_t offset, len; /* of the raw word, quotes and all */
    bool conditional;
    bool from_variable; /* its text comes from an environment variable */
};

enum cfg_kind { CFG_GLOBAL, CFG_DEFAULTS, CFG_FRONTEND, CFG_BACKEND, CFG_LISTEN, CFG_OTHER };

struct cfg_number {
    bool set;
    uint64_t value;
    struct cfg_place place; /* of the value word */
};

struct cfg_bind {
    const char *text;    /* "*:8443" as written, expanded and escaped */
    const char *address; /* "0.0.0.0", "::", "10.0.0.1", "/run/x.sock"; NULL: a name or special form */
    bool is_unix;
    uint32_t port_low, port_high; /* 0: none */
    struct cfg_number maxconn;
    size_t line;
    const struct cfg_file *file;
};

struct cfg_server {
    const char *name;
    const char *text;    /* "10.0.0.1:80" as written, expanded */
    const char *address; /* literal IP without brackets, or unix path; NULL: a name to resolve */
    bool is_unix;
    uint32_t port;       /* 0: none */
    struct cfg_number maxconn; /* effective: own, else default-server's above it, else inherited from defaults;
                                  place is where that stands */
    bool maxconn_is_own;
    bool check, agent_check, disabled, backup;
    unsigned check_ports; /* `port` and `agent-port` keywords: one descriptor each */
    struct cfg_place line_place; /* offset and len of the whole line without its end */
};

struct cfg_proxy {
    enum cfg_kind kind;
    const char *name; /* "" for an anonymous defaults */
    const struct cfg_proxy *defaults; /* the defaults section it inherits from; NULL: none */
    const struct cfg_file *file;
    size_t line;
    bool conditional;
    struct cfg_number maxconn; /* its own last one (frontend, listen, defaults); what it inherits: cfg_effective_maxconn */
    struct cfg_number fullconn;
    const char *default_backend; /* NULL: none */
    bool splice; /* any option splice-*, own or inherited */
    bool disabled;
    struct cfg_bind *binds;
    size_t bind_count;
    struct cfg_server *servers;
    size_t server_count;
};

struct cfg {
    struct cfg_file *files;
    size_t file_count;
    struct cfg_proxy **proxies; /* defaults, frontends, backends, listens in order */
    size_t proxy_count;
    struct {
        struct cfg_number maxconn; /* the first one counts */
        struct cfg_number nbthread, ulimit_n, fd_hard_limit;
        bool strict_limits; /* default true (2.3 and later) */
        bool present;
        struct cfg_stats_socket {
            const char *path;  /* NULL: not a unix socket */
            const char *text;
            const char *level; /* "user", "operator", "admin" */
            const char *mode;  /* NULL: not said */
            size_t line;
            const struct cfg_file *file;
        } *stats_sockets;
        size_t stats_socket_count;
    } global;
    size_t extra_binds; /* listeners that belong to no proxy: peers, log-forward, ring */
    const char *managed_by; /* "HAProxy Data Plane API", "Ansible", ...: who says that the file is its own; NULL */
};

/* Pure: the files in the order of -f, `environment` as NAME=VALUE. */
MUST_CHECK int cfg_parse(const struct cfg_file *files, size_t file_count,
                         const struct strings *environment, struct arena *arena,
                         struct cfg **out_cfg, struct err *err);
/* Reads what haproxy->config names (directories: *.cfg, regular, not hidden, in byte order). */
MUST_CHECK int cfg_load(const struct host *host, const struct haproxy *haproxy, struct arena *arena,
                        struct cfg **out_cfg, struct err *err);

const struct cfg_proxy *cfg_find_proxy(const struct cfg *cfg, enum cfg_kind kind, const char *name);
/* Own maxconn, else the inherited one; set false: none anywhere (the global one is the limit). 0 counts as none. */
struct cfg_number cfg_effective_maxconn(const struct cfg_proxy *proxy);

/* The place that decides a maxconn target: "global", "defaults", "defaults/NAME", "frontend/NAME",
 * "listen/NAME", "server/BACKEND/NAME", "default-server/BACKEND". ERR_INPUT names what is missing, doubled,
 * conditional or taken from a variable, with file and line, so that an edit there is refused. */
struct cfg_slot {
    const char *value;             /* effective now in the file, decimal; NULL: none */
    const struct cfg_file *file;   /* the file an edit changes */
    struct cfg_place token;        /* len 0: there is no own maxconn; it would be inserted */
    const char *inherited_from;    /* "defaults (haproxy.cfg:12)"; NULL: its own or none */
    const char *overridden_by;     /* "-n 400": an edit would not take effect; NULL */
};
MUST_CHECK int cfg_find_maxconn(const struct cfg *cfg, const struct haproxy *haproxy,
                                const char *target, struct arena *arena, struct cfg_slot *out_slot,
                                struct err *err);
/* The new bytes of slot.file with `value` ("" removes our own word or line) and nothing else changed, and the
 * diff lines. The result was parsed again and gives that value. */
MUST_CHECK int cfg_set_maxconn(const struct cfg *cfg, const struct haproxy *haproxy,
                               const char *target, const char *value, struct arena *arena,
                               struct cfg_file *out_file, struct strings *out_diff,
                               struct err *err);
/* Adds a `stats socket PATH mode 600 level admin` line to global (made where there is none); PATH "" removes
 * the line that has `remove_path`. */
MUST_CHECK int cfg_set_stats_socket(const struct cfg *cfg, const char *path,
                                    const char *remove_path, struct arena *arena,
                                    struct cfg_file *out_file, struct strings *out_diff,
                                    struct err *err);

#endif
