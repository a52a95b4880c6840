#include "plans/base/digest.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <sodium.h>

enum { DIGEST_BYTES = 32 };

static struct digest to_hex(const unsigned char *raw)
{
    struct digest digest;

    sodium_bin2hex(digest.hex, sizeof digest.hex, raw, DIGEST_BYTES);
    return digest;
}

struct digest digest_bytes(struct span bytes)
{
    unsigned char raw[DIGEST_BYTES];

    (void)crypto_generichash(raw, sizeof raw, (const unsigned char *)bytes.ptr, bytes.len, NULL, 0);
    return to_hex(raw);
}

struct digest digest_keyed(struct span key, struct span bytes)
{
    unsigned char raw[DIGEST_BYTES];

    assert(key.len >= 1 && key.len <= crypto_generichash_KEYBYTES_MAX);
    (void)crypto_generichash(raw, sizeof raw, (const unsigned char *)bytes.ptr, bytes.len,
                             (const unsigned char *)key.ptr, key.len);
    return to_hex(raw);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return strcmp(a->hex, b->hex) == 0;
}

void digest_on_no_random(void (*handler)(void))
{
    (void)sodium_set_misuse_handler(handler);
}

/* Not libsodium's: it ends the process where there are none, and a transaction must be taken back. */
int digest_random_hex(size_t bytes, char *out_hex, struct err *err)
{
    unsigned char raw[DIGEST_BYTES];
    size_t have = 0;

    assert(bytes <= sizeof raw);
    while (have < bytes) {
        ssize_t got = getrandom(raw + have, bytes - have, 0);

        if (got < 0 && errno != EINTR)
            return err_sys(err, errno, "the system gives no random numbers");
        have += got > 0 ? (size_t)got : 0;
    }
    sodium_bin2hex(out_hex, 2 * bytes + 1, raw, bytes);
    return 0;
}
