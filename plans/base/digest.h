/* base/digest: BLAKE2b-256 of bytes, as lower-case hex.
 * Source:  RFC 7693; libsodium crypto_generichash with 32 bytes, no key.
 */
#ifndef HAMEDIC_PLANS_BASE_DIGEST_H
#define HAMEDIC_PLANS_BASE_DIGEST_H

#include "plans/base/err.h"
#include "plans/base/span.h"

#define DIGEST_HEX_SIZE 65 /* 64 digits and NUL */

struct digest {
    char hex[DIGEST_HEX_SIZE];
};

struct digest digest_bytes(struct span bytes);
/* BLAKE2b-256 keyed with `key` (1..64 bytes). */
struct digest digest_keyed(struct span key, struct span bytes);
bool digest_equal(const struct digest *a, const struct digest *b);
/* Who is called, and MUST NOT return, where the system gives libsodium no random numbers, for keys;
 * nobody: abort. */
void digest_on_no_random(void (*handler)(void));
/* `bytes` random bytes as hex; out must hold 2 * bytes + 1; bytes <= 32. */
MUST_CHECK int digest_random_hex(size_t bytes, char *out_hex, struct err *err);

#endif
