/* host/tls: one TLS handshake as a client, on a connection that somebody else made. The only user of
 * OpenSSL.
 * Use:     tls_new(fd, &wish, &tls, err); tls_shake(tls) whenever fd is ready, until it
 *          wants nothing more; tls_outcome(); then perhaps tls_send, tls_receive; tls_free(tls).
 * Shapes:  fd does not block. Nothing is refused because of a certificate: what is wrong with it is
 *          told afterwards, its time first, its name last.
 * Owns:    the caller keeps fd and closes it after tls_free; the wish must live as long. Texts of
 *          the peer are escaped.
 * Errors:  tls_new: ERR_SYS ENOMEM, ERR_UNSUPPORTED where this build, or this host, has no OpenSSL, ERR_INPUT where `trusted`
 *          holds no certificate.
 * Source:  SSL_do_handshake(3), SSL_get_verify_result(3); OpenSSL 1.1.1 and later. Which names of a
 *          certificate count: HAProxy, ssl_sock_srv_verifycbk() (2.4 to 3.2): its DNS names and, even
 *          where it has some, the common names of its subject; no address.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_TLS_H
#define HAMEDIC_REMEDIATIONS_HOST_TLS_H

#include <stdbool.h>

#include "plans/base/arena.h"
#include "plans/base/span.h"

struct tls;
enum tls_step { TLS_STEP_DONE, TLS_STEP_READ, TLS_STEP_WRITE, TLS_STEP_FAILED };
struct tls_wish {
    const char *name;     /* what SNI says; NULL: nothing */
    bool is_verified;     /* false: any certificate will do */
    struct span trusted;  /* PEM of the authorities to believe; len 0: nobody is asked */
    const char *expected; /* a name that the certificate must have; NULL: any will do */
};
enum tls_result {
    TLS_RESULT_GOOD,
    TLS_RESULT_PLAIN,     /* the peer answered in plain text */
    TLS_RESULT_FAILED,    /* text says how: an alert of the peer, or what was wrong for our side */
    TLS_RESULT_NOT_VALID, /* the certificate's time */
    TLS_RESULT_NOT_TRUSTED, /* no authority of `trusted` vouches for it */
    TLS_RESULT_OTHER_NAME   /* text says which names it has */
};

MUST_CHECK int tls_new(int fd, const struct tls_wish *wish, struct tls **out_tls, struct err *err);
enum tls_step tls_shake(struct tls *tls);
/* After tls_shake gave TLS_STEP_DONE or TLS_STEP_FAILED. *out_text may be NULL. */
enum tls_result tls_outcome(const struct tls *tls, struct arena *arena, const char **out_text);
/* *out_len: bytes that went; TLS_STEP_DONE with 0 received: the peer ended it. */
enum tls_step tls_send(struct tls *tls, struct span bytes, size_t *out_len);
enum tls_step tls_receive(struct tls *tls, char *buffer, size_t room, size_t *out_len);
void tls_free(struct tls *tls); /* NULL is allowed */

#endif
