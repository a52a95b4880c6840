#include "plans/minisign.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <sodium.h>

#include "plans/base/escape.h"

enum {
    ALGORITHM_BYTES = 2,
    SIGNATURE_BYTES = 64,
    SALT_BYTES = 32,
    LIMIT_BYTES = 8,
    CHECKSUM_BYTES = 32,
    /* Of the records behind the base64. */
    PUBLIC_RECORD = ALGORITHM_BYTES + MINISIGN_ID_BYTES + MINISIGN_PUBLIC_BYTES,
    SIGNATURE_RECORD = ALGORITHM_BYTES + MINISIGN_ID_BYTES + SIGNATURE_BYTES,
    SECRET_PART = MINISIGN_ID_BYTES + MINISIGN_SECRET_BYTES + CHECKSUM_BYTES,
    SALT_AT = 3 * ALGORITHM_BYTES,
    OPS_AT = SALT_AT + SALT_BYTES,
    MEMORY_AT = OPS_AT + LIMIT_BYTES,
    SECRET_AT = MEMORY_AT + LIMIT_BYTES,
    SECRET_RECORD = SECRET_AT + SECRET_PART,
    BASE64_MAX = 4 * ((SECRET_RECORD + 2) / 3) + 1,
    UNTRUSTED_MAX = 1024,
    TRUSTED_MAX = 8192,
};

static const char untrusted_prefix[] = "untrusted comment: ";
static const char trusted_prefix[] = "trusted comment: ";
static const char legacy[] = "Ed", prehashed[] = "ED", scrypt[] = "Sc", blake2b[] = "B2";

static const uint64_t ops_limit = 33554432, memory_limit = 1073741824;

static void be_ready(void)
{
    int ready = sodium_init();

    assert(ready >= 0);
    (void)ready;
}

static bool is(const unsigned char *at, const char *algorithm)
{
    return memcmp(at, algorithm, ALGORITHM_BYTES) == 0;
}

/* ---- lines and base64 ---- */

/* libsodium 1.0.18 takes bytes 0x80..0xff for '/': nothing outside the alphabet may reach it. */
static bool decode(struct span line, unsigned char *out_record, size_t size)
{
    size_t len = 0;

    if (line.len != sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL) - 1)
        return false;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            c != '+' && c != '/' && c != '=')
            return false;
    }
    return sodium_base642bin(out_record, size, line.ptr, line.len, NULL, &len, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           len == size;
}

static void encode(const unsigned char *record, size_t size, char out_line[BASE64_MAX])
{
    (void)sodium_bin2base64(out_line, BASE64_MAX, record, size, sodium_base64_VARIANT_ORIGINAL);
}

/* Line 1, the same in every file of minisign, and the record of line 2. */
static bool read_head(struct span *rest, unsigned char *out_record, size_t size)
{
    struct span line;

    if (!span_next_line(rest, &line) || !span_starts_with(line, untrusted_prefix) ||
        line.len >= UNTRUSTED_MAX)
        return false;
    return span_next_line(rest, &line) && decode(line, out_record, size);
}

/* ---- keys ---- */

void minisign_generate(struct minisign_secret *out_secret)
{
    unsigned char public[MINISIGN_PUBLIC_BYTES];

    be_ready();
    randombytes_buf(out_secret->id, sizeof out_secret->id);
    (void)crypto_sign_keypair(public, out_secret->key);
}

void minisign_public_of(const struct minisign_secret *secret, struct minisign_public *out_public)
{
    memcpy(out_public->id, secret->id, MINISIGN_ID_BYTES);
    (void)crypto_sign_ed25519_sk_to_pk(out_public->key, secret->key);
}

void minisign_wipe(struct minisign_secret *secret)
{
    sodium_memzero(secret, sizeof *secret);
}

void minisign_id_text(const struct minisign_public *public, char out_text[MINISIGN_ID_SIZE])
{
    static const char hex[] = "0123456789ABCDEF";

    /* minisign shows the id as a little-endian number: the last byte comes first. */
    for (size_t i = 0; i < MINISIGN_ID_BYTES; i++) {
        unsigned char byte = public->id[MINISIGN_ID_BYTES - 1 - i];
        out_text[2 * i] = hex[byte >> 4];
        out_text[2 * i + 1] = hex[byte & 15];
    }
    out_text[MINISIGN_ID_SIZE - 1] = '\0';
}

bool minisign_same_key(const struct minisign_public *a, const struct minisign_public *b)
{
    return memcmp(a->key, b->key, MINISIGN_PUBLIC_BYTES) == 0;
}

const char *minisign_write_public(const struct minisign_public *public, struct arena *arena)
{
    unsigned char record[PUBLIC_RECORD];
    char line[BASE64_MAX], id[MINISIGN_ID_SIZE];

    memcpy(record, legacy, ALGORITHM_BYTES);
    memcpy(record + ALGORITHM_BYTES, public->id, MINISIGN_ID_BYTES);
    memcpy(record + ALGORITHM_BYTES + MINISIGN_ID_BYTES, public->key, MINISIGN_PUBLIC_BYTES);
    encode(record, sizeof record, line);
    minisign_id_text(public, id);
    return arena_printf(arena, "%sminisign public key %s\n%s\n", untrusted_prefix, id, line);
}

int minisign_parse_public(struct span text, struct minisign_public *out_public, struct err *err)
{
    unsigned char record[PUBLIC_RECORD];

    if (!read_head(&text, record, sizeof record) || text.len != 0 || !is(record, legacy))
        return err_set(err, ERR_INPUT,
                       "not a minisign public key: expected a comment line and a line of base64");
    memcpy(out_public->id, record + ALGORITHM_BYTES, MINISIGN_ID_BYTES);
    memcpy(out_public->key, record + ALGORITHM_BYTES + MINISIGN_ID_BYTES, MINISIGN_PUBLIC_BYTES);
    return 0;
}

static void put_limit(unsigned char *at, uint64_t value)
{
    for (size_t i = 0; i < LIMIT_BYTES; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_limit(const unsigned char *at)
{
    uint64_t value = 0;

    for (size_t i = 0; i < LIMIT_BYTES; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* BLAKE2b-256 over algorithm, key id and key. */
static void checksum(const unsigned char *secret_part, unsigned char out_sum[CHECKSUM_BYTES])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, CHECKSUM_BYTES);
    (void)crypto_generichash_update(&state, (const unsigned char *)legacy, ALGORITHM_BYTES);
    (void)crypto_generichash_update(&state, secret_part, MINISIGN_ID_BYTES + MINISIGN_SECRET_BYTES);
    (void)crypto_generichash_final(&state, out_sum, CHECKSUM_BYTES);
    sodium_memzero(&state, sizeof state);
}

/* The same step encrypts and decrypts: the stream is made from the passphrase and laid over the
 * secret. */
static int lay_stream(unsigned char record[SECRET_RECORD], const char *passphrase, struct err *err)
{
    unsigned char stream[SECRET_PART];
    uint64_t ops = get_limit(record + OPS_AT), memory = get_limit(record + MEMORY_AT);

    if (ops > ops_limit || memory > memory_limit)
        return err_set(err, ERR_INPUT, "secret key asks for more work than minisign does");
    if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof stream, passphrase, strlen(passphrase),
                                           record + SALT_AT, ops, (size_t)memory) < 0)
        return err_sys(err, ENOMEM, "cannot use the passphrase: it takes %zu MiB of memory",
                       (size_t)(memory >> 20));
    for (size_t i = 0; i < SECRET_PART; i++)
        record[SECRET_AT + i] ^= stream[i];
    sodium_memzero(stream, sizeof stream);
    return 0;
}

int minisign_write_secret(const struct minisign_secret *secret, const char *passphrase,
                          struct arena *arena, const char **out_text, struct err *err)
{
    unsigned char record[SECRET_RECORD] = {0};
    char line[BASE64_MAX];

    memcpy(record, legacy, ALGORITHM_BYTES);
    memcpy(record + 2 * ALGORITHM_BYTES, blake2b, ALGORITHM_BYTES);
    memcpy(record + SECRET_AT, secret->id, MINISIGN_ID_BYTES);
    memcpy(record + SECRET_AT + MINISIGN_ID_BYTES, secret->key, MINISIGN_SECRET_BYTES);
    /* Plain, minisign leaves salt, limits and checksum all zero. */
    if (passphrase != NULL) {
        be_ready();
        memcpy(record + ALGORITHM_BYTES, scrypt, ALGORITHM_BYTES);
        randombytes_buf(record + SALT_AT, SALT_BYTES);
        put_limit(record + OPS_AT, ops_limit);
        put_limit(record + MEMORY_AT, memory_limit);
        checksum(record + SECRET_AT, record + SECRET_RECORD - CHECKSUM_BYTES);
        if (lay_stream(record, passphrase, err) < 0) {
            sodium_memzero(record, sizeof record);
            return -1;
        }
    }
    encode(record, sizeof record, line);
    *out_text = arena_printf(arena, "%shamedic %ssecret key\n%s\n", untrusted_prefix,
                             passphrase == NULL ? "" : "encrypted ", line);
    sodium_memzero(record, sizeof record);
    sodium_memzero(line, sizeof line);
    return 0;
}

static int read_secret_record(struct span text, unsigned char out_record[SECRET_RECORD],
                              bool *out_encrypted, struct err *err)
{
    static const unsigned char no_kdf[ALGORITHM_BYTES];

    if (!read_head(&text, out_record, SECRET_RECORD) || text.len != 0 || !is(out_record, legacy) ||
        !is(out_record + 2 * ALGORITHM_BYTES, blake2b))
        return err_set(err, ERR_INPUT,
                       "not a minisign secret key: expected a comment line and a line of base64");
    bool encrypted = is(out_record + ALGORITHM_BYTES, scrypt);
    if (!encrypted && memcmp(out_record + ALGORITHM_BYTES, no_kdf, ALGORITHM_BYTES) != 0)
        return err_set(err, ERR_INPUT, "secret key: expected scrypt or no encryption");
    *out_encrypted = encrypted;
    return 0;
}

int minisign_secret_is_encrypted(struct span text, bool *out_encrypted, struct err *err)
{
    unsigned char record[SECRET_RECORD];
    int result = read_secret_record(text, record, out_encrypted, err);

    sodium_memzero(record, sizeof record);
    return result;
}

/* A key whose halves do not belong together would, when signing, give itself away. */
static bool halves_match(const unsigned char key[MINISIGN_SECRET_BYTES])
{
    unsigned char seed[crypto_sign_SEEDBYTES], public[MINISIGN_PUBLIC_BYTES];
    unsigned char again[MINISIGN_SECRET_BYTES];

    (void)crypto_sign_ed25519_sk_to_seed(seed, key);
    (void)crypto_sign_seed_keypair(public, again, seed);
    bool match = sodium_memcmp(again, key, MINISIGN_SECRET_BYTES) == 0;
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(again, sizeof again);
    return match;
}

static int open_record(unsigned char record[SECRET_RECORD], bool encrypted, const char *passphrase,
                       struct err *err)
{
    unsigned char sum[CHECKSUM_BYTES];

    if (encrypted) {
        if (passphrase == NULL)
            return err_set(err, ERR_DENIED, "secret key is encrypted: expected a passphrase");
        if (lay_stream(record, passphrase, err) < 0)
            return -1;
        checksum(record + SECRET_AT, sum);
        if (sodium_memcmp(sum, record + SECRET_RECORD - CHECKSUM_BYTES, CHECKSUM_BYTES) != 0)
            return err_set(err, ERR_DENIED, "wrong passphrase");
    }
    if (!halves_match(record + SECRET_AT + MINISIGN_ID_BYTES))
        return err_set(err, ERR_INPUT, "secret key is damaged: its halves do not belong together");
    return 0;
}

int minisign_parse_secret(struct span text, const char *passphrase,
                          struct minisign_secret *out_secret, struct err *err)
{
    unsigned char record[SECRET_RECORD];
    bool encrypted;

    be_ready();
    int result = read_secret_record(text, record, &encrypted, err);
    if (result == 0)
        result = open_record(record, encrypted, passphrase, err);
    if (result == 0) {
        memcpy(out_secret->id, record + SECRET_AT, MINISIGN_ID_BYTES);
        memcpy(out_secret->key, record + SECRET_AT + MINISIGN_ID_BYTES, MINISIGN_SECRET_BYTES);
    }
    sodium_memzero(record, sizeof record);
    return result;
}

/* ---- signatures ---- */

/* The four lines of a signature file, decoded. */
struct signature {
    unsigned char record[SIGNATURE_RECORD];
    struct span trusted_comment;
    unsigned char comment_signature[SIGNATURE_BYTES];
};

static const unsigned char *key_id(const struct signature *signature)
{
    return signature->record + ALGORITHM_BYTES;
}

static const unsigned char *file_signature(const struct signature *signature)
{
    return signature->record + ALGORITHM_BYTES + MINISIGN_ID_BYTES;
}

static int read_signature(struct span text, struct signature *out_signature, struct err *err)
{
    struct span rest = text, line, comment;

    if (text.len > MINISIGN_FILE_MAX)
        return err_set(err, ERR_INPUT, "signature too large: expected at most %zu bytes",
                       MINISIGN_FILE_MAX);
    if (!read_head(&rest, out_signature->record, SIGNATURE_RECORD) ||
        !span_next_line(&rest, &comment) || !span_starts_with(comment, trusted_prefix) ||
        comment.len >= TRUSTED_MAX || !span_next_line(&rest, &line) ||
        !decode(line, out_signature->comment_signature, SIGNATURE_BYTES) || rest.len != 0)
        return err_set(err, ERR_INPUT, "not a minisign signature: expected its four lines");
    if (!is(out_signature->record, prehashed) && !is(out_signature->record, legacy))
        return err_set(err, ERR_INPUT, "signature of an unknown algorithm: expected ED or Ed");
    size_t prefix = sizeof trusted_prefix - 1;
    out_signature->trusted_comment = (struct span){comment.ptr + prefix, comment.len - prefix};
    return 0;
}

static void hash(struct span bytes, unsigned char out_hash[crypto_generichash_BYTES_MAX])
{
    (void)crypto_generichash(out_hash, crypto_generichash_BYTES_MAX,
                             (const unsigned char *)bytes.ptr, bytes.len, NULL, 0);
}

/* What the second signature covers: the first one and the trusted comment. */
static size_t join_comment(const unsigned char *first, struct span comment,
                           unsigned char out_bytes[SIGNATURE_BYTES + TRUSTED_MAX])
{
    assert(comment.len <= TRUSTED_MAX);
    memcpy(out_bytes, first, SIGNATURE_BYTES);
    memcpy(out_bytes + SIGNATURE_BYTES, comment.ptr, comment.len);
    return SIGNATURE_BYTES + comment.len;
}

int minisign_sign(struct span bytes, const struct minisign_secret *secret,
                  const char *trusted_comment, struct arena *arena, const char **out_text,
                  struct err *err)
{
    struct span comment = span_of(trusted_comment);
    unsigned char record[SIGNATURE_RECORD], second[SIGNATURE_BYTES];
    unsigned char digest[crypto_generichash_BYTES_MAX], joined[SIGNATURE_BYTES + TRUSTED_MAX];
    unsigned char *first = record + ALGORITHM_BYTES + MINISIGN_ID_BYTES;
    char line[BASE64_MAX], last[BASE64_MAX];

    if (!escape_is_plain(comment) || comment.len + sizeof trusted_prefix > TRUSTED_MAX)
        return err_set(err, ERR_INPUT, "trusted comment: expected a line of printable ASCII");
    be_ready();
    hash(bytes, digest);
    memcpy(record, prehashed, ALGORITHM_BYTES);
    memcpy(record + ALGORITHM_BYTES, secret->id, MINISIGN_ID_BYTES);
    (void)crypto_sign_detached(first, NULL, digest, sizeof digest, secret->key);
    (void)crypto_sign_detached(second, NULL, joined, join_comment(first, comment, joined),
                               secret->key);
    encode(record, sizeof record, line);
    encode(second, sizeof second, last);
    *out_text = arena_printf(arena, "%ssignature by hamedic\n%s\n%s%s\n%s\n", untrusted_prefix,
                             line, trusted_prefix, trusted_comment, last);
    return 0;
}

int minisign_signature_id(struct span text, unsigned char out_id[MINISIGN_ID_BYTES],
                          struct err *err)
{
    struct signature signature;

    if (read_signature(text, &signature, err) < 0)
        return -1;
    memcpy(out_id, key_id(&signature), MINISIGN_ID_BYTES);
    return 0;
}

static bool holds(struct span bytes, const struct signature *signature, const unsigned char *key)
{
    unsigned char digest[crypto_generichash_BYTES_MAX], joined[SIGNATURE_BYTES + TRUSTED_MAX];
    const unsigned char *first = file_signature(signature);
    const unsigned char *message = (const unsigned char *)bytes.ptr;
    size_t len = bytes.len;

    if (is(signature->record, prehashed)) {
        hash(bytes, digest);
        message = digest;
        len = sizeof digest;
    }
    return crypto_sign_verify_detached(first, message, len, key) == 0 &&
           crypto_sign_verify_detached(signature->comment_signature, joined,
                                       join_comment(first, signature->trusted_comment, joined),
                                       key) == 0;
}

int minisign_verify(struct span bytes, struct span signature_text,
                    const struct minisign_public *public, struct err *err)
{
    struct signature signature;

    be_ready();
    if (read_signature(signature_text, &signature, err) < 0)
        return -1;
    if (memcmp(key_id(&signature), public->id, MINISIGN_ID_BYTES) != 0)
        return err_set(err, ERR_DENIED, "signature was made with another key");
    if (!holds(bytes, &signature, public->key))
        return err_set(err, ERR_DENIED, "signature does not hold");
    return 0;
}
