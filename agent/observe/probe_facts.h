/* observe/probe_facts: what our own connections to the servers found.
 * Shapes:  `struct probe` is one address and port; `struct asked` one server that was asked as
 *          HAProxy's check, or a client, would ask it. Texts came from strangers: escaped.
 * Owns:    the arena of the facts.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_PROBE_FACTS_H
#define HAMEDIC_AGENT_OBSERVE_PROBE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was said to a connect by somebody else than the server's own TCP. */
struct probe_answer {
    const char *from; /* an address */
    const char *word; /* "port unreachable" */
    bool is_filter;   /* only a packet filter says so to TCP */
};

struct probe {
    const char *address; /* of a server, or of its check; a UNIX socket by its name */
    uint32_t port;       /* 0: of a UNIX socket */
    int error; /* 0 connected; else errno: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, EADDRNOTAVAIL, ...
                */
    int64_t microseconds;
    const struct probe_answer *answer; /* NULL: none */
};

/* An address that a `source` names. */
struct probe_source {
    const char *address;
    int error; /* of bind(2); 0: this host has it */
};

/* What came back. */
enum asked_said {
    ASKED_NOTHING, /* no question was sent: only the TLS handshake was of interest, or it failed */
    ASKED_STATUS,  /* the status line of an HTTP answer */
    ASKED_OTHER,   /* bytes that are no HTTP answer */
    ASKED_TLS,     /* bytes of TLS, to a question in plain text */
    ASKED_CLOSED,  /* the connection was closed or reset before anything came */
    ASKED_SILENT,  /* nothing in the time there was */
    ASKED_SAID_COUNT
};
enum asked_tls {
    TLS_NOT_TRIED,
    TLS_FINE,
    TLS_PLAIN,   /* the peer answers in plain text */
    TLS_REFUSED, /* the peer, or our side, ended the handshake: tls_text */
    TLS_SILENT,
    /* It came about, and the certificate is not what the configuration wants: tls_text. */
    TLS_EXPIRED,    /* its time is over, or has not begun */
    TLS_DISTRUSTED, /* nobody vouches for it whom the configuration trusts */
    TLS_OTHER_NAME, /* it has other names than the one that is wanted */
    TLS_COUNT
};
struct asked {
    const char *backend, *server; /* as in `show stat` */
    const char *address;
    uint32_t port;
    const char *question; /* "GET /health"; "TLS handshake" */
    int error;            /* of the connection; then nothing was said. As in `struct probe` */
    enum asked_said said;
    uint32_t status;      /* ASKED_STATUS */
    const char *text;     /* first line of what came; NULL */
    int64_t milliseconds; /* until it came, from the connect on */
    enum asked_tls tls;   /* as the check does it; after ASKED_TLS and ASKED_CLOSED: tried too */
    const char *tls_text; /* NULL: nothing to say */
    /* "check-sni", "verifyhost": by which word of the line the certificate must have the name
     * `wanted`. NULL: it may have any, or HAProxy alone knows which. */
    const char *wanted_by, *wanted;
    bool tls_was_a_try; /* the configuration asks for plain text: it was tried to learn more */
};

#endif
