#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "plans/base/file.h"
#include "plans/minisign.h"
#include "tests/unit/cmocka_all.h"

extern char **environ;

/* A folder of its own, in which the stock tool and we leave files for one another. */
struct workshop {
    struct arena *arena;
    int dir;
    char path[64];
};

static int open_workshop(void **state)
{
    static struct workshop workshop;

    (void)snprintf(workshop.path, sizeof workshop.path, "/tmp/hamedic-minisign-XXXXXX");
    if (mkdtemp(workshop.path) == NULL)
        return -1;
    workshop.arena = arena_new();
    workshop.dir = open(workshop.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = &workshop;
    return workshop.dir < 0 ? -1 : 0;
}

static int close_workshop(void **state)
{
    static const char *const names[] = {"p.pub", "s.key", "f", "f.minisig"};
    struct workshop *workshop = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlinkat(workshop->dir, names[i], 0);
    (void)close(workshop->dir);
    arena_free(workshop->arena);
    return rmdir(workshop->path);
}

/* Runs the stock tool in the workshop with `input` to type; returns its exit status. */
static int run_minisign(const struct workshop *workshop, const char *input,
                        const char *const args[])
{
    char *argv[16] = {NULL};
    posix_spawn_file_actions_t actions;
    int in[2], status;
    pid_t pid;

    for (size_t i = 0; args[i] != NULL; i++) {
        assert_true(i + 1 < sizeof argv / sizeof argv[0]);
        argv[i] = arena_string(workshop->arena, args[i]);
    }
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addchdir_np(&actions, workshop->path), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, in[0], 0), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, 1, 2), 0);
    int failed = posix_spawnp(&pid, "minisign", &actions, NULL, argv, environ);
    if (failed != 0)
        fail_msg("cannot run minisign (package minisign): %s", strerror(failed));
    (void)posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(write(in[1], input, strlen(input)), (ssize_t)strlen(input));
    (void)close(in[0]);
    (void)close(in[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}
#define RUN(workshop, input, ...)                                                                  \
    run_minisign((workshop), (input), (const char *[]){"minisign", __VA_ARGS__, NULL})

static void put(const struct workshop *workshop, const char *name, const char *text)
{
    struct err err = {0};

    if (file_put(workshop->dir, name, span_of(text), 0600, &err) < 0)
        fail_msg("%s", err.text);
}

static struct span get(const struct workshop *workshop, const char *name)
{
    struct span bytes = {0};
    struct err err = {0};

    if (file_read(workshop->dir, name, MINISIGN_FILE_MAX, workshop->arena, &bytes, &err) < 0)
        fail_msg("%s", err.text);
    return bytes;
}

static const char *sign(struct arena *arena, struct span bytes,
                        const struct minisign_secret *secret)
{
    const char *text = NULL;
    struct err err = {0};

    if (minisign_sign(bytes, secret, "what we say of it", arena, &text, &err) < 0)
        fail_msg("%s", err.text);
    return text;
}

/* A signature over "the plan\n" by a fresh key. */
struct signed_plan {
    struct minisign_secret secret;
    struct minisign_public public;
    struct span bytes;
    struct span signature;
};

static struct signed_plan make_signed(struct arena *arena)
{
    struct signed_plan made = {.bytes = span_of("the plan\n")};

    minisign_generate(&made.secret);
    minisign_public_of(&made.secret, &made.public);
    made.signature = span_of(sign(arena, made.bytes, &made.secret));
    return made;
}

static void test_minisign_our_signature_is_accepted_by_the_stock_tool(void **state)
{
    const struct workshop *workshop = *state;
    struct signed_plan made = make_signed(workshop->arena);

    put(workshop, "p.pub", minisign_write_public(&made.public, workshop->arena));
    put(workshop, "f", made.bytes.ptr);
    put(workshop, "f.minisig", made.signature.ptr);
    assert_int_equal(RUN(workshop, "", "-V", "-q", "-p", "p.pub", "-m", "f"), 0);
    put(workshop, "f", "the plam\n");
    assert_int_not_equal(RUN(workshop, "", "-V", "-q", "-p", "p.pub", "-m", "f"), 0);
}

static void test_minisign_signature_of_the_stock_tool_holds_prehashed_and_legacy(void **state)
{
    const struct workshop *workshop = *state;
    struct minisign_public public;
    struct err err = {0};
    struct span bytes = span_of("fix the port\n");

    assert_int_equal(RUN(workshop, "", "-G", "-f", "-W", "-p", "p.pub", "-s", "s.key"), 0);
    put(workshop, "f", bytes.ptr);
    assert_int_equal(minisign_parse_public(get(workshop, "p.pub"), &public, &err), 0);
    assert_int_equal(RUN(workshop, "", "-S", "-W", "-s", "s.key", "-m", "f"), 0);
    assert_int_equal(minisign_verify(bytes, get(workshop, "f.minisig"), &public, &err), 0);
    assert_int_equal(RUN(workshop, "", "-S", "-W", "-l", "-s", "s.key", "-m", "f"), 0);
    struct span text = get(workshop, "f.minisig");
    assert_non_null(strstr(text.ptr, "\nRW")); /* "Ed": the legacy algorithm */
    assert_int_equal(minisign_verify(bytes, text, &public, &err), 0);
    assert_int_equal(minisign_verify(span_of("fix the pork\n"), text, &public, &err), -1);
    assert_int_equal(err.kind, ERR_DENIED);
}

static void test_minisign_plain_key_of_the_stock_tool_signs_for_it(void **state)
{
    const struct workshop *workshop = *state;
    struct minisign_secret secret;
    struct err err = {0};
    bool encrypted = true;

    assert_int_equal(RUN(workshop, "", "-G", "-f", "-W", "-p", "p.pub", "-s", "s.key"), 0);
    assert_int_equal(minisign_secret_is_encrypted(get(workshop, "s.key"), &encrypted, &err), 0);
    assert_false(encrypted);
    assert_int_equal(minisign_parse_secret(get(workshop, "s.key"), NULL, &secret, &err), 0);
    put(workshop, "f", "words");
    put(workshop, "f.minisig", sign(workshop->arena, span_of("words"), &secret));
    assert_int_equal(RUN(workshop, "", "-V", "-q", "-p", "p.pub", "-m", "f"), 0);
}

static void test_minisign_our_plain_key_signs_in_the_stock_tool(void **state)
{
    const struct workshop *workshop = *state;
    struct signed_plan made = make_signed(workshop->arena);
    const char *text = NULL;
    struct err err = {0};

    assert_int_equal(minisign_write_secret(&made.secret, NULL, workshop->arena, &text, &err), 0);
    put(workshop, "s.key", text);
    put(workshop, "f", made.bytes.ptr);
    assert_int_equal(RUN(workshop, "", "-S", "-W", "-s", "s.key", "-m", "f"), 0);
    assert_int_equal(minisign_verify(made.bytes, get(workshop, "f.minisig"), &made.public, &err),
                     0);
}

static void test_minisign_our_encrypted_key_opens_in_the_stock_tool(void **state)
{
    const struct workshop *workshop = *state;
    struct signed_plan made = make_signed(workshop->arena);
    const char *text = NULL;
    struct err err = {0};
    bool encrypted = false;

    assert_int_equal(
        minisign_write_secret(&made.secret, "open sesame", workshop->arena, &text, &err), 0);
    assert_int_equal(minisign_secret_is_encrypted(span_of(text), &encrypted, &err), 0);
    assert_true(encrypted);
    put(workshop, "s.key", text);
    put(workshop, "f", made.bytes.ptr);
    assert_int_equal(RUN(workshop, "open sesame\n", "-S", "-s", "s.key", "-m", "f"), 0);
    assert_int_equal(minisign_verify(made.bytes, get(workshop, "f.minisig"), &made.public, &err),
                     0);
}

static void test_minisign_encrypted_key_of_the_stock_tool_needs_its_passphrase(void **state)
{
    const struct workshop *workshop = *state;
    struct minisign_secret secret;
    struct minisign_public public, from_secret;
    struct err err = {0};

    assert_int_equal(
        RUN(workshop, "pass word\npass word\n", "-G", "-f", "-p", "p.pub", "-s", "s.key"), 0);
    struct span text = get(workshop, "s.key");
    assert_int_equal(minisign_parse_secret(text, NULL, &secret, &err), -1);
    assert_int_equal(err.kind, ERR_DENIED);
    assert_int_equal(minisign_parse_secret(text, "pass ward", &secret, &err), -1);
    assert_int_equal(err.kind, ERR_DENIED);
    assert_string_equal(err.text, "wrong passphrase");
    assert_int_equal(minisign_parse_secret(text, "pass word", &secret, &err), 0);
    minisign_public_of(&secret, &from_secret);
    assert_int_equal(minisign_parse_public(get(workshop, "p.pub"), &public, &err), 0);
    assert_memory_equal(&public, &from_secret, sizeof public);
}

/* Where the bytes behind line 1 begin: only there may a flipped bit go unnoticed. */
static size_t signed_part(struct span signature)
{
    return (size_t)(strchr(signature.ptr, '\n') - signature.ptr);
}

static void test_minisign_every_flipped_bit_of_a_signature_is_refused(void **state)
{
    const struct workshop *workshop = *state;
    struct signed_plan made = make_signed(workshop->arena);
    char *text = arena_copy(workshop->arena, made.signature.ptr, made.signature.len);
    struct span flipped = {text, made.signature.len};
    struct err err = {0};

    assert_int_equal(minisign_verify(made.bytes, flipped, &made.public, &err), 0);
    for (size_t at = signed_part(flipped); at + 1 < flipped.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ (1 << bit));
            if (minisign_verify(made.bytes, flipped, &made.public, &err) == 0)
                fail_msg("accepted with bit %u of byte %zu flipped", bit, at);
            text[at] = (char)(text[at] ^ (1 << bit));
        }
    }
}

static void test_minisign_every_flipped_bit_of_the_signed_bytes_is_refused(void **state)
{
    const struct workshop *workshop = *state;
    struct signed_plan made = make_signed(workshop->arena);
    char *bytes = arena_copy(workshop->arena, made.bytes.ptr, made.bytes.len);
    struct err err = {0};

    for (size_t at = 0; at < made.bytes.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] = (char)(bytes[at] ^ (1 << bit));
            assert_int_equal(minisign_verify((struct span){bytes, made.bytes.len}, made.signature,
                                             &made.public, &err),
                             -1);
            assert_int_equal(err.kind, ERR_DENIED);
            bytes[at] = (char)(bytes[at] ^ (1 << bit));
        }
    }
    assert_int_equal(minisign_verify((struct span){bytes, made.bytes.len - 1}, made.signature,
                                     &made.public, &err),
                     -1);
}

static void test_minisign_signature_cut_off_or_longer_is_malformed(void **state)
{
    const struct workshop *workshop = *state;
    struct signed_plan made = make_signed(workshop->arena);
    struct err err = {0};

    /* The last byte is the LF behind line 4, which may be absent. */
    for (size_t len = 0; len + 1 < made.signature.len; len++) {
        struct span part = {made.signature.ptr, len};
        assert_int_equal(minisign_verify(made.bytes, part, &made.public, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
    }
    const char *longer = arena_printf(workshop->arena, "%sx\n", made.signature.ptr);
    assert_int_equal(minisign_verify(made.bytes, span_of(longer), &made.public, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    char *huge = arena_alloc(workshop->arena, MINISIGN_FILE_MAX + 1);
    memset(huge, 'A', MINISIGN_FILE_MAX + 1);
    assert_int_equal(
        minisign_verify(made.bytes, (struct span){huge, MINISIGN_FILE_MAX + 1}, &made.public, &err),
        -1);
    assert_int_equal(err.kind, ERR_INPUT);
}

static void test_minisign_byte_above_ascii_is_no_slash(void **state)
{
    const struct workshop *workshop = *state;
    struct err err = {0};

    /* libsodium 1.0.18 would decode the high byte as '/': a key with '/' in it is needed to tell.
     */
    for (int tries = 0; tries < 1000; tries++) {
        struct signed_plan made = make_signed(workshop->arena);
        char *text = arena_copy(workshop->arena, made.signature.ptr, made.signature.len);
        char *slash = strchr(strchr(text, '\n'), '/');
        if (slash == NULL || slash > strstr(text, "trusted comment: what"))
            continue;
        *slash = (char)0xaf;
        assert_int_equal(minisign_verify(made.bytes, (struct span){text, made.signature.len},
                                         &made.public, &err),
                         -1);
        assert_int_equal(err.kind, ERR_INPUT);
        return;
    }
    fail_msg("no signature with a slash in 1000");
}

static void test_minisign_another_key_is_denied(void **state)
{
    const struct workshop *workshop = *state;
    struct signed_plan made = make_signed(workshop->arena);
    struct signed_plan other = make_signed(workshop->arena);
    struct err err = {0};

    assert_int_equal(minisign_verify(made.bytes, made.signature, &other.public, &err), -1);
    assert_int_equal(err.kind, ERR_DENIED);
    /* Nor does it help to take on the other's id. */
    memcpy(other.public.id, made.public.id, MINISIGN_ID_BYTES);
    assert_int_equal(minisign_verify(made.bytes, made.signature, &other.public, &err), -1);
    assert_string_equal(err.text, "signature does not hold");
}

static void test_minisign_id_is_shown_as_minisign_shows_it(void **state)
{
    struct minisign_public public;
    struct err err = {0};
    char id[MINISIGN_ID_SIZE];

    (void)state;
    assert_int_equal(
        minisign_parse_public(span_of("untrusted comment: minisign public key 707685BBBAA22B25\n"
                                      "RWQlK6K6u4V2cIzzjX/YtH/aNhIG22x3d1wOzmd3OaIyLzNz+EAo6CUc\n"),
                              &public, &err),
        0);
    minisign_id_text(&public, id);
    assert_string_equal(id, "707685BBBAA22B25");
}

static void test_minisign_malformed_public_keys_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "RWQlK6K6u4V2cIzzjX/YtH/aNhIG22x3d1wOzmd3OaIyLzNz+EAo6CUc\n",
        "comment\nRWQlK6K6u4V2cIzzjX/YtH/aNhIG22x3d1wOzmd3OaIyLzNz+EAo6CUc\n",
        "untrusted comment: x\nRWQlK6K6u4V2cIzzjX/YtH/aNhIG22x3d1wOzmd3OaIyLzNz+EAo6CU\n",
        "untrusted comment: x\nRWQlK6K6u4V2cIzzjX/YtH/aNhIG22x3d1wOzmd3OaIyLzNz+EAo6CUc\r\n",
        "untrusted comment: x\nRUQlK6K6u4V2cIzzjX/YtH/aNhIG22x3d1wOzmd3OaIyLzNz+EAo6CUc\n",
        "untrusted comment: x\nRWQlK6K6u4V2cIzzjX/YtH/aNhIG22x3d1wOzmd3OaIyLzNz+EAo6CUc\nmore\n",
    };
    struct minisign_public public;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct err err = {0};
        if (minisign_parse_public(span_of(texts[i]), &public, &err) == 0)
            fail_msg("accepted: %s", texts[i]);
        assert_int_equal(err.kind, ERR_INPUT);
    }
}

static void test_minisign_secret_key_with_flipped_bit_never_signs_for_another_key(void **state)
{
    const struct workshop *workshop = *state;
    struct signed_plan made = make_signed(workshop->arena);
    struct minisign_secret parsed;
    const char *text = NULL;
    struct err err = {0};

    assert_int_equal(minisign_write_secret(&made.secret, NULL, workshop->arena, &text, &err), 0);
    char *damaged = arena_string(workshop->arena, text);
    /* Into the middle of the 64 key bytes: 6 + 32 + 16 + 8 + 30 bytes of the record. */
    char *at = strchr(damaged, '\n') + 1 + (92 * 4) / 3;
    *at = *at == 'A' ? 'B' : 'A';
    assert_int_equal(minisign_parse_secret(span_of(damaged), NULL, &parsed, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
}

static void test_minisign_secret_key_asking_for_more_work_is_refused(void **state)
{
    const struct workshop *workshop = *state;
    struct minisign_secret secret;
    struct err err = {0};
    char line[213];

    /* "Ed", "Sc", "B2", and zeroes but for the highest byte of the first limit (byte 45). */
    memset(line, 'A', sizeof line);
    memcpy(line, "RWRTY0Iy", 8);
    line[60] = '/';
    line[61] = 'w';
    line[211] = '=';
    line[212] = '\0';
    const char *text = arena_printf(workshop->arena, "untrusted comment: x\n%s\n", line);
    assert_int_equal(minisign_parse_secret(span_of(text), "x", &secret, &err), -1);
    assert_string_equal(err.text, "secret key asks for more work than minisign does");
    assert_int_equal(err.kind, ERR_INPUT);
}

static void test_minisign_trusted_comment_of_two_lines_is_refused(void **state)
{
    const struct workshop *workshop = *state;
    struct signed_plan made = make_signed(workshop->arena);
    const char *text = NULL;
    struct err err = {0};

    assert_int_equal(
        minisign_sign(made.bytes, &made.secret, "one\ntwo", workshop->arena, &text, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minisign_our_signature_is_accepted_by_the_stock_tool),
        cmocka_unit_test(test_minisign_signature_of_the_stock_tool_holds_prehashed_and_legacy),
        cmocka_unit_test(test_minisign_plain_key_of_the_stock_tool_signs_for_it),
        cmocka_unit_test(test_minisign_our_plain_key_signs_in_the_stock_tool),
        cmocka_unit_test(test_minisign_our_encrypted_key_opens_in_the_stock_tool),
        cmocka_unit_test(test_minisign_encrypted_key_of_the_stock_tool_needs_its_passphrase),
        cmocka_unit_test(test_minisign_every_flipped_bit_of_a_signature_is_refused),
        cmocka_unit_test(test_minisign_every_flipped_bit_of_the_signed_bytes_is_refused),
        cmocka_unit_test(test_minisign_signature_cut_off_or_longer_is_malformed),
        cmocka_unit_test(test_minisign_byte_above_ascii_is_no_slash),
        cmocka_unit_test(test_minisign_another_key_is_denied),
        cmocka_unit_test(test_minisign_id_is_shown_as_minisign_shows_it),
        cmocka_unit_test(test_minisign_malformed_public_keys_are_refused),
        cmocka_unit_test(test_minisign_secret_key_with_flipped_bit_never_signs_for_another_key),
        cmocka_unit_test(test_minisign_secret_key_asking_for_more_work_is_refused),
        cmocka_unit_test(test_minisign_trusted_comment_of_two_lines_is_refused),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("minisign", tests, open_workshop, close_workshop);
}
