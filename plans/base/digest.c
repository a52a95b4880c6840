#include "plans/base/digest.h"

#include <assert.h>
#include <string.h>

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

void digest_random_hex(size_t bytes, char *out_hex)
{
    unsigned char raw[DIGEST_BYTES];

    assert(bytes <= sizeof raw);
    randombytes_buf(raw, bytes);
    sodium_bin2hex(out_hex, 2 * bytes + 1, raw, bytes);
}
