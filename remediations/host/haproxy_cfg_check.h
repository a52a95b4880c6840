/* host/haproxy_cfg_check: how a backend's servers are reached and checked, as the file says it.
 * Shapes:  texts are as HAProxy takes them: expanded, unquoted, NUL-ended, not escaped; NULL where
 *          the file says nothing. Milliseconds; 0: not said.
 * Owns:    the configuration's arena.
 * Source:  HAProxy configuration.txt 4.2 "option httpchk", "http-check", "option tcp-check", 5.2
 *          "check-ssl", "sni", "source", "track", ... (2.6; the same words since 2.2). Up to 2.1
 *          `http-check send` did not exist, and headers stood behind the version of `option
 *          httpchk`, which is read too.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_CHECK_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_CHECK_H

#include "plans/plan.h"

/* What a check does once it is connected. */
enum cfg_check_kind {
    CFG_CHECK_CONNECT, /* nothing more */
    CFG_CHECK_HTTP,
    CFG_CHECK_OTHER, /* tcp-check, mysql-check, ...: their own words */
};
enum cfg_expect {
    CFG_EXPECT_USUAL,  /* a status of 200 to 399 */
    CFG_EXPECT_STATUS, /* one of a list: "200-299,404" */
    CFG_EXPECT_OTHER,  /* a header, a body, a regular expression */
};
/* Of a proxy: own or inherited. */
struct cfg_check {
    enum cfg_check_kind kind;
    const char *name; /* "httpchk", "tcp-check", "mysql-check"; NULL: no such option */
    const char *method, *uri, *version;
    struct strings headers; /* "Host: www.example.com" */
    /* Not to be repeated by who cannot do what HAProxy does: several steps, a body, values that are
     * worked out for each server. */
    bool is_intricate;
    bool connects_by_rule; /* `tcp-check connect`, `http-check connect`: with words of its own */
    enum cfg_expect expect;
    bool expect_is_negated;
    const char *expected; /* CFG_EXPECT_STATUS: the list */
    uint32_t timeout_ms;  /* `timeout check` */
    const char *source;   /* `source` of the proxy: an address */
    size_t expect_line;   /* where it stands; 0: nowhere */
    bool is_inherited;    /* nothing of the section's own stood here yet */
};

/* Of a server: what goes beyond a plain connection to its address and port. */
struct cfg_contact {
    bool ssl, check_ssl, no_check_ssl; /* the file's words: cfg_check_is_ssl says what they mean */
    bool send_proxy, check_send_proxy;
    bool verify_none, verify_required; /* neither: what global says */
    const char *check_address;         /* `addr` */
    const char *sni;                   /* the expression: "str(www.example.com)", "req.hdr(host)" */
    const char *check_sni, *verify_host, *ca_file;
    const char *source; /* an address, without port or range */
    bool source_has_range;
    const char *resolvers, *init_addr, *track, *observe;
    const char *socks;             /* `socks4`: the proxy that connects to it instead */
    const char *network_namespace; /* `namespace`: in which it is connected to */
};

struct cfg_server;
/* Does the check speak TLS? It does what the traffic does only where it goes to the same place. */
bool cfg_check_is_ssl(const struct cfg_server *server);
/* Never NULL. */
const struct cfg_contact *cfg_contact_of(const struct cfg_server *server);
/* Is its traffic a TCP connection from HAProxy's own network to its address, so that a connection of
 * our own says the same? */
bool cfg_server_is_direct(const struct cfg_server *server);
/* The UNIX socket that it is connected to by: "/run/a.sock", also of "unix@/run/a.sock"; "abns@a". NULL: none. */
const char *cfg_server_unix(const struct cfg_server *server);
/* Would the check take this HTTP status? False also where it cannot be said: `out_known`. */
bool cfg_check_takes_status(const struct cfg_check *check, uint32_t status, bool *out_known);
/* How long a check may take in all: `timeout check`, else `inter`, else 2 s. */
uint32_t cfg_check_limit_ms(const struct cfg_check *check, const struct cfg_server *server);

#endif
