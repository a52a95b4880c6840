/* host/haproxy_cfg: haproxy.cfg as HAProxy reads it, and edits that keep every other byte.
 * Use:     cfg_load(host, haproxy, arena, &cfg, err)  or  cfg_parse(files, count, ...);
 *          cfg_find_maxconn(cfg, target, ...); cfg_set_maxconn(...) gives one file's new bytes.
 * Shapes:  lines count from 1, offsets in bytes from the start of the file. Values are unquoted
 *          and expanded as HAProxy does it. Lines inside .if/.elif/.else are `conditional`:
 *          whether they count is not known here. Sections come in any order and file, names are
 *          unique only per kind of section.
 * Owns:    struct cfg lives in the arena and points into the files' bytes.
 * Errors:  ERR_INPUT "FILE:LINE: what was seen, what was expected" for what HAProxy's own reader
 *          refuses (NUL, unterminated quote, more than 64 words, unknown .directive ...), and for
 *          files above HOST_FILE_MAX. Keywords that hamedic does not know are not its business.
 * Source:  HAProxy configuration.txt 2.2 "Quoting and escaping", 2.3 "Environment variables", 2.4
 *          "Conditional blocks"; 2.6.12 cfgparse.c and tools.c were read for facts.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_H

#include "remediations/host/haproxy.h"
#include "remediations/host/haproxy_cfg_check.h"

struct cfg_file {
    const char *path; /* as the host sees it, links followed */
    struct span bytes;
};

/* Where a word stands. len 0: nowhere. */
struct cfg_place {
    const struct cfg_file *file;
    size_t line;
    uint32_t offset, len; /* of the raw word, quotes and all; no file has 4 GiB */
    bool conditional;
    bool from_variable; /* its text comes from an environment variable */
};

enum cfg_kind { CFG_GLOBAL, CFG_DEFAULTS, CFG_FRONTEND, CFG_BACKEND, CFG_LISTEN, CFG_OTHER };

struct cfg_number {
    bool set;
    uint64_t value;
    struct cfg_place place; /* of the value word */
};

#define CFG_SHARDS_BY_THREAD UINT32_MAX
struct cfg_bind {
    const char *text; /* "*:8443" as written, expanded and escaped */
    const char
        *address; /* "0.0.0.0", "::", "10.0.0.1", "/run/x.sock"; NULL: a name or special form */
    bool is_unix;
    uint32_t port_low, port_high; /* 0: none */
    uint32_t shards; /* listeners per address; CFG_SHARDS_BY_THREAD: as many as threads */
    struct cfg_number maxconn;
    bool accept_proxy;
    struct cfg_number backlog;
    bool conditional;  /* inside or behind .if: it may not count */
    bool in_namespace; /* `namespace`: it listens in another network */
    bool transparent;  /* it may listen on an address that is not this host's */
    bool ssl;
    size_t line;
    const struct cfg_file *file;
};

struct cfg_server {
    const char *name;
    const char *text;    /* "10.0.0.1:80" as written, expanded */
    const char *address; /* literal IP without brackets, or unix path; NULL: a name to resolve */
    bool is_unix;
    uint32_t port;             /* 0: none */
    struct cfg_number maxconn; /* effective: own, else default-server's above it, else inherited
                                  from defaults; place is where that stands */
    bool maxconn_is_own;
    bool check, agent_check, disabled, backup;
    unsigned check_ports; /* `port` and `agent-port` keywords: one descriptor each */
    uint32_t check_port;  /* what `port` says, own or default-server's; 0: the server's own */
    bool weight_is_zero;  /* `weight 0` */
    uint32_t inter_ms;    /* `inter`; 0: not said */
    const struct cfg_contact *contact; /* NULL: nothing special; shared with others */
    /* `server-template`: name is the prefix, and these are the numbers behind it; 0 and 0 for a
     * `server`. */
    uint32_t template_low, template_high;
    const struct cfg_number *minconn; /* HAProxy raises maxconn to it; NULL: none */
    struct cfg_place line_place;      /* offset and len of the whole line without its end */
    uint32_t words_end; /* offset behind the last word that counts: where a word can be added */
};

/* A `default-server` line. */
struct cfg_default_server {
    struct cfg_place line_place;
    uint32_t words_end;
    struct cfg_number maxconn;
    size_t servers_above; /* servers of the section that stand above it: it does not reach them */
};

struct cfg_proxy {
    enum cfg_kind kind;
    const char *name;                 /* "" for an anonymous defaults */
    const struct cfg_proxy *defaults; /* the defaults section it inherits from; NULL: none */
    const struct cfg_file *file;
    size_t line;
    bool conditional;
    const struct cfg_proxy *twin; /* a later section of the same kind and name; NULL: none */
    struct cfg_place header;      /* its whole line */
    struct cfg_place
        unsure_maxconn; /* a maxconn line inside .if: not known whether it counts; len 0: none */
    struct cfg_number maxconn; /* its own last one (frontend, listen, defaults); what it inherits:
                                  cfg_effective_maxconn */
    struct cfg_number fullconn;
    struct cfg_number backlog;     /* its own last one */
    const char *default_backend;   /* NULL: none */
    struct strings uses;           /* the names behind `use_backend`; may be expressions */
    struct strings servers_chosen; /* the same behind `use-server` */
    const char *monitor_uri;       /* own or inherited; NULL: none */
    size_t monitor_fail_line;      /* the first `monitor fail`; 0: none */
    /* `errorfile 503`, `errorloc 503` or `http-error status 503` of its own; 0: none. */
    size_t error_page_line;
    /* Something here may answer or take a request without a server: `dispatch`, `http-request
     * return`, `use-service`, `redirect`, `stats`, ... */
    bool answers_itself;
    bool is_http; /* `mode http`, own or inherited */
    struct cfg_check check;
    bool splice;             /* any option splice-*, own or inherited */
    unsigned splice_options; /* which of them, as bits */
    bool disabled;
    struct cfg_bind *binds;
    size_t bind_count;
    struct cfg_server *servers;
    size_t server_count;
    struct cfg_default_server *default_servers;
    size_t default_server_count;
    struct cfg_server server_settings; /* what a server line here would begin with */
};

/* Of what a limit does not allow: a start that fails, or one with less. Said by nobody, it is the
 * version's: strict from 2.3 on. */
enum cfg_strictness { CFG_STRICT_UNSAID, CFG_STRICT_ON, CFG_STRICT_OFF };

struct index;
struct cfg {
    struct cfg_file *files;
    size_t file_count;
    struct cfg_proxy **proxies; /* defaults, frontends, backends, listens in order */
    size_t proxy_count;
    struct {
        struct cfg_number maxconn; /* the first one counts */
        struct cfg_number nbthread, ulimit_n, fd_hard_limit, maxpipes;
        struct cfg_number stats_maxconn; /* `stats maxconn`: connections to the Runtime API */
        bool master_worker;
        struct cfg_place header;         /* of the first global section; len 0: there is none */
        struct cfg_place zero_maxconn;   /* a `maxconn 0`, which counts as none; len 0: none */
        struct cfg_place unsure_maxconn; /* a maxconn line inside .if; len 0: none */
        enum cfg_strictness strict_limits;
        bool verifies_no_server; /* `ssl-server-verify none`: for lines that do not say */
        bool present;
        struct cfg_stats_socket {
            const char *path;     /* NULL: not a unix socket */
            const char *endpoint; /* what it is asked by: its path, "127.0.0.1:9999" of one on
                                     TCP, "abns@x"; NULL: none of these */
            const char *text;
            const char *level; /* "user", "operator", "admin" */
            const char *mode;  /* NULL: not said */
            size_t line;
            const struct cfg_file *file;
            struct cfg_place line_place;
        } * stats_sockets;
        size_t stats_socket_count;
    } global;
    size_t extra_binds;   /* listeners that belong to no proxy: peers, log-forward, ring */
    size_t peer_count;    /* in all peers sections */
    size_t default_ports; /* `port` and `agent-port` keywords on default-server lines */
    const struct strings *environment; /* as given */
    const struct index *index;         /* of proxies */
    const char *managed_by; /* "HAProxy Data Plane API", "Ansible", ...: who says that the file is
                               its own; NULL */
};

/* Pure: the files in the order of -f, `environment` as NAME=VALUE. */
MUST_CHECK int cfg_parse(const struct cfg_file *files, size_t file_count,
                         const struct strings *environment, struct arena *arena,
                         struct cfg **out_cfg, struct err *err);
/* Reads what haproxy->config names (directories: *.cfg, regular, not hidden, in byte order). */
MUST_CHECK int cfg_load(const struct host *host, const struct haproxy *haproxy, struct arena *arena,
                        struct cfg **out_cfg, struct err *err);
/* As cfg_load, but the servers are left out: a third of the time and memory, and enough for sockets
 * and binds. */
MUST_CHECK int cfg_load_without_servers(const struct host *host, const struct haproxy *haproxy,
                                        struct arena *arena, struct cfg **out_cfg, struct err *err);

const struct cfg_proxy *cfg_find_proxy(const struct cfg *cfg, enum cfg_kind kind, const char *name);
/* The backend or listen of that name; NULL: none. */
const struct cfg_proxy *cfg_find_backend(const struct cfg *cfg, const char *name);
/* Also one that a `server-template` makes. NULL: none. */
const struct cfg_server *cfg_find_server(const struct cfg_proxy *proxy, const char *name);
/* Own maxconn, else the inherited one; set false: none anywhere (the global one is the limit). 0
 * counts as none. */
struct cfg_number cfg_effective_maxconn(const struct cfg_proxy *proxy);

/* A maxconn target in its parts. ERR_INPUT says what it is to look like. */
struct cfg_target {
    enum cfg_target_kind { TARGET_GLOBAL, TARGET_PROXY, TARGET_SERVER, TARGET_DEFAULT_SERVER } kind;
    enum cfg_kind section; /* TARGET_PROXY */
    const char *proxy;     /* its name; "" for an anonymous defaults */
    const char *server;    /* TARGET_SERVER */
};
MUST_CHECK int cfg_target_parse(const char *target, struct arena *arena,
                                struct cfg_target *out_target, struct err *err);

/* The place that decides a maxconn target: "global", "defaults", "defaults/NAME", "frontend/NAME",
 * "listen/NAME", "server/BACKEND/NAME", "default-server/BACKEND". ERR_INPUT names what is missing,
 * doubled, conditional or taken from a variable, with file and line, so that an edit there is
 * refused. */
struct cfg_slot {
    const char *value;           /* effective now in the file, decimal; NULL: none */
    const struct cfg_file *file; /* the file an edit changes */
    struct cfg_place token;      /* len 0: there is no own maxconn; it would be inserted */
    const char *inherited_from;  /* "defaults (haproxy.cfg:12)"; NULL: its own or none */
    const char *overridden_by;   /* "-n 400": an edit would not take effect; NULL */
};
MUST_CHECK int cfg_find_maxconn(const struct cfg *cfg, const struct haproxy *haproxy,
                                const char *target, struct arena *arena, struct cfg_slot *out_slot,
                                struct err *err);
/* The new bytes of slot.file with `value` ("" removes our own word or line) and nothing else
 * changed, and the diff lines. The result was parsed again and gives that value. */
MUST_CHECK int cfg_set_maxconn(const struct cfg *cfg, const struct haproxy *haproxy,
                               const char *target, const char *value, struct arena *arena,
                               struct cfg_file *out_file, struct strings *out_diff,
                               struct err *err);
/* Adds a `stats socket PATH mode 600 level admin` line to global (made where there is none); PATH
 * "" removes the line that has `remove_path`. */
MUST_CHECK int cfg_set_stats_socket(const struct cfg *cfg, const char *path,
                                    const char *remove_path, struct arena *arena,
                                    struct cfg_file *out_file, struct strings *out_diff,
                                    struct err *err);

#endif
