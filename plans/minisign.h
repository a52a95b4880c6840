/* plans/minisign: Ed25519 keys and detached signatures as the stock tool `minisign` writes and
 * reads them.
 * Use:     minisign_generate(&secret); minisign_sign(bytes, &secret, comment, arena, &text, err);
 *          minisign_parse_public(text, &public, err); minisign_verify(bytes, text, &public, err)
 * Shapes:  files are text: public key 2 lines, secret key 2 lines, signature 4 lines, LF. We sign
 *          prehashed ("ED", BLAKE2b-512); both "ED" and legacy "Ed" signatures are verified.
 *          Base64 alphabet is checked before decoding (libsodium 1.0.18 takes bytes 0x80..0xff for
 *          '/').
 * Owns:    text lives in the arena. A struct minisign_secret holds key material: minisign_wipe it.
 * Errors:  ERR_INPUT malformed; ERR_DENIED signature does not hold, wrong passphrase; ERR_SYS
 *          memory.
 * Source:  jedisct1.github.io/minisign "Signature format", "Public key format"; minisign 0.11.
 */
#ifndef HAMEDIC_PLANS_MINISIGN_H
#define HAMEDIC_PLANS_MINISIGN_H

#include <stdbool.h>

#include "plans/base/arena.h"
#include "plans/base/span.h"

enum { MINISIGN_ID_BYTES = 8, MINISIGN_PUBLIC_BYTES = 32, MINISIGN_SECRET_BYTES = 64 };
#define MINISIGN_FILE_MAX ((size_t)16 * 1024)
#define MINISIGN_ID_SIZE                                                                           \
    17 /* key id as 16 upper-case hex digits, and NUL: as minisign shows it                        \
        */

struct minisign_public {
    unsigned char id[MINISIGN_ID_BYTES];
    unsigned char key[MINISIGN_PUBLIC_BYTES];
};

struct minisign_secret {
    unsigned char id[MINISIGN_ID_BYTES];
    unsigned char key[MINISIGN_SECRET_BYTES];
};

void minisign_generate(struct minisign_secret *out_secret);
void minisign_public_of(const struct minisign_secret *secret, struct minisign_public *out_public);
void minisign_wipe(struct minisign_secret *secret);
void minisign_id_text(const struct minisign_public *public, char out_text[MINISIGN_ID_SIZE]);
bool minisign_same_key(const struct minisign_public *a, const struct minisign_public *b);

const char *minisign_write_public(const struct minisign_public *public, struct arena *arena);
/* passphrase NULL: stored plain (as minisign -W). Encrypting takes a second and 1 GiB of memory. */
MUST_CHECK int minisign_write_secret(const struct minisign_secret *secret, const char *passphrase,
                                     struct arena *arena, const char **out_text, struct err *err);
MUST_CHECK int minisign_parse_public(struct span text, struct minisign_public *out_public,
                                     struct err *err);
/* Tells whether parsing that secret key will need a passphrase. */
MUST_CHECK int minisign_secret_is_encrypted(struct span text, bool *out_encrypted, struct err *err);
MUST_CHECK int minisign_parse_secret(struct span text, const char *passphrase,
                                     struct minisign_secret *out_secret, struct err *err);

/* trusted_comment: printable ASCII, one line. */
MUST_CHECK int minisign_sign(struct span bytes, const struct minisign_secret *secret,
                             const char *trusted_comment, struct arena *arena,
                             const char **out_text, struct err *err);
/* The key id that a signature names, to look its key up (not proven by anything). */
MUST_CHECK int minisign_signature_id(struct span text, unsigned char out_id[MINISIGN_ID_BYTES],
                                     struct err *err);
MUST_CHECK int minisign_verify(struct span bytes, struct span signature_text,
                               const struct minisign_public *public, struct err *err);

#endif
