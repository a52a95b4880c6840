#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/approval.h"
#include "plans/base/file.h"
#include "tests/unit/cmocka_all.h"

#define PLAN "fix.plan"

/* A folder of keys and a folder with a plan, and the secrets that belong to them. */
struct office {
    struct arena *arena;
    int top;
    int keys;
    int plans;
    char path[64];
    struct minisign_secret agent, ann, bob;
    struct span bytes;
};

static void write_file(int dir, const char *name, const char *text)
{
    struct err err = {0};

    if (file_put(dir, name, span_of(text), 0644, &err) < 0)
        fail_msg("%s", err.text);
}

static void add_key(const struct office *office, const char *name,
                    const struct minisign_secret *secret)
{
    struct minisign_public public;

    minisign_public_of(secret, &public);
    write_file(office->keys, name, minisign_write_public(&public, office->arena));
}

static int open_folder(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static int open_office(void **state)
{
    struct office *office = calloc(1, sizeof *office);

    assert_non_null(office);
    (void)snprintf(office->path, sizeof office->path, "/tmp/hamedic-approval-XXXXXX");
    assert_non_null(mkdtemp(office->path));
    office->arena = arena_new();
    office->top = open_folder(AT_FDCWD, office->path);
    assert_int_equal(mkdirat(office->top, "keys", 0700), 0);
    assert_int_equal(mkdirat(office->top, "keys/operators", 0700), 0);
    assert_int_equal(mkdirat(office->top, "plans", 0700), 0);
    office->keys = open_folder(office->top, "keys");
    office->plans = open_folder(office->top, "plans");
    minisign_generate(&office->agent);
    minisign_generate(&office->ann);
    minisign_generate(&office->bob);
    add_key(office, "agent.pub", &office->agent);
    add_key(office, "operators/ann.pub", &office->ann);
    add_key(office, "operators/bob.pub", &office->bob);
    office->bytes = span_of("the plan\n");
    write_file(office->plans, PLAN, office->bytes.ptr);
    *state = office;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static int close_office(void **state)
{
    struct office *office = *state;
    int result = nftw(office->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

    (void)close(office->keys);
    (void)close(office->plans);
    (void)close(office->top);
    arena_free(office->arena);
    free(office);
    return result;
}

static void sign(const struct office *office, const char *operator_name,
                 const struct minisign_secret *secret)
{
    const char *file = NULL;
    struct err err = {0};

    if (approval_sign(office->bytes, office->plans, PLAN, operator_name, secret, office->arena,
                      &file, &err) < 0)
        fail_msg("%s", err.text);
}

static struct approvals collect(const struct office *office)
{
    struct approvals approvals = {0};
    struct keyring keys;
    struct err err = {0};

    if (approval_load_keys(office->keys, office->arena, &keys, &err) < 0 ||
        approval_collect(office->bytes, office->plans, PLAN, &keys, office->arena, &approvals,
                         &err) < 0)
        fail_msg("%s", err.text);
    return approvals;
}

static void assert_only(const struct strings *strings, const char *line)
{
    assert_int_equal(strings->count, 1);
    assert_string_equal(strings->at[0], line);
}

static void assert_keys_refused(const struct office *office, enum err_kind kind, const char *part)
{
    struct keyring keys;
    struct err err = {0};

    assert_int_equal(approval_load_keys(office->keys, office->arena, &keys, &err), -1);
    assert_int_equal(err.kind, kind);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_approval_agent_and_operators_are_told_apart(void **state)
{
    const struct office *office = *state;

    sign(office, NULL, &office->agent);
    sign(office, "anything", &office->ann);
    sign(office, "bob", &office->bob);
    struct approvals approvals = collect(office);
    struct minisign_public public;
    char id[MINISIGN_ID_SIZE];
    minisign_public_of(&office->agent, &public);
    minisign_id_text(&public, id);
    assert_true(approvals.agent_signed);
    assert_string_equal(approvals.agent_id, id);
    assert_int_equal(approvals.approval_count, 2);
    assert_string_equal(approvals.approvals[0].operator_name, "ann");
    assert_string_equal(approvals.approvals[0].file, "fix.plan.anything.minisig");
    assert_string_equal(approvals.approvals[1].operator_name, "bob");
    assert_int_equal(approvals.bad.count + approvals.unknown.count + approvals.ignored.count, 0);
}

static void test_approval_unsigned_plan_has_nothing(void **state)
{
    struct approvals approvals = collect(*state);

    assert_false(approvals.agent_signed);
    assert_int_equal(approvals.approval_count, 0);
    assert_int_equal(approvals.bad.count, 0);
}

static void test_approval_operators_key_in_the_agents_file_is_an_approval(void **state)
{
    const struct office *office = *state;

    sign(office, NULL, &office->ann);
    struct approvals approvals = collect(office);
    assert_false(approvals.agent_signed);
    assert_int_equal(approvals.approval_count, 1);
}

static void test_approval_agents_key_among_the_operators_never_approves(void **state)
{
    const struct office *office = *state;
    struct minisign_secret renamed = office->agent;

    add_key(office, "operators/aaa.pub", &office->agent);
    /* The same key under another id is still the agent's. */
    renamed.id[0] ^= 1;
    add_key(office, "operators/zzz.pub", &renamed);
    sign(office, "aaa", &office->agent);
    sign(office, "zzz", &renamed);
    struct approvals approvals = collect(office);
    assert_true(approvals.agent_signed);
    assert_int_equal(approvals.approval_count, 0);
}

static void test_approval_one_key_under_two_names_counts_once(void **state)
{
    const struct office *office = *state;
    struct minisign_secret renamed = office->ann;

    renamed.id[0] ^= 1;
    add_key(office, "operators/second.pub", &office->ann);
    add_key(office, "operators/third.pub", &renamed);
    sign(office, "one", &office->ann);
    sign(office, "two", &office->ann);
    sign(office, "three", &renamed);
    struct approvals approvals = collect(office);
    assert_int_equal(approvals.approval_count, 1);
    assert_string_equal(approvals.approvals[0].operator_name, "ann");
}

static void test_approval_two_keys_with_one_id_are_both_tried(void **state)
{
    const struct office *office = *state;
    struct minisign_secret twin = office->bob;

    memcpy(twin.id, office->ann.id, sizeof twin.id);
    add_key(office, "operators/bob.pub", &twin);
    sign(office, "bob", &twin);
    struct approvals approvals = collect(office);
    assert_int_equal(approvals.bad.count, 0);
    assert_int_equal(approvals.approval_count, 1);
    assert_string_equal(approvals.approvals[0].operator_name, "bob");
}

static void test_approval_signature_of_other_bytes_is_bad(void **state)
{
    struct office *office = *state;

    sign(office, "ann", &office->ann);
    office->bytes = span_of("the plan!\n");
    struct approvals approvals = collect(office);
    assert_int_equal(approvals.approval_count, 0);
    assert_only(&approvals.bad, "fix.plan.ann.minisig: signature does not hold");
}

static void test_approval_malformed_large_linked_and_odd_files_are_bad(void **state)
{
    const struct office *office = *state;
    char *huge = arena_alloc(office->arena, MINISIGN_FILE_MAX + 2);

    memset(huge, 'A', MINISIGN_FILE_MAX + 1);
    write_file(office->plans, PLAN ".a.minisig", "nonsense\n");
    write_file(office->plans, PLAN ".b.minisig", huge);
    sign(office, "ann", &office->ann);
    assert_int_equal(renameat(office->plans, PLAN ".ann.minisig", office->plans, "elsewhere"), 0);
    assert_int_equal(symlinkat("elsewhere", office->plans, PLAN ".c.minisig"), 0);
    assert_int_equal(mkfifoat(office->plans, PLAN ".d.minisig", 0600), 0);
    assert_int_equal(mkdirat(office->plans, PLAN ".e.minisig", 0700), 0);
    write_file(office->plans, PLAN ".\x1b[2J.minisig", "");
    struct approvals approvals = collect(office);
    assert_int_equal(approvals.approval_count, 0);
    assert_int_equal(approvals.bad.count, 6);
    assert_string_equal(
        approvals.bad.at[0],
        "fix.plan.\\x1b[2J.minisig: not a minisign signature: expected its four lines");
    assert_non_null(strstr(approvals.bad.at[2], "b.minisig: "));
    assert_non_null(strstr(approvals.bad.at[2], "too large"));
    assert_non_null(strstr(approvals.bad.at[3], "is a symbolic link, expected"));
    assert_non_null(strstr(approvals.bad.at[4], "expected a regular file"));
}

static void test_approval_unknown_key_is_told_and_does_not_count(void **state)
{
    const struct office *office = *state;
    struct minisign_secret stranger;

    minisign_generate(&stranger);
    sign(office, "eve", &stranger);
    struct approvals approvals = collect(office);
    assert_int_equal(approvals.approval_count, 0);
    assert_int_equal(approvals.bad.count, 0);
    assert_only(&approvals.unknown, "fix.plan.eve.minisig: made with a key that is not known here");
}

static void test_approval_files_of_other_plans_are_left_alone(void **state)
{
    struct office *office = *state;
    struct span bytes = office->bytes;

    write_file(office->plans, PLAN ".old", "an older plan\n");
    office->bytes = span_of("an older plan\n");
    sign(office, "old", &office->agent); /* as the agent's own of "fix.plan.old" would be named */
    office->bytes = bytes;
    write_file(office->plans, "other.plan.minisig", "nonsense");
    write_file(office->plans, PLAN "ned.minisig", "nonsense");
    write_file(office->plans, PLAN ".sig", "SSH");
    struct approvals approvals = collect(office);
    assert_int_equal(approvals.bad.count, 0);
    assert_false(approvals.agent_signed);
    assert_int_equal(approvals.ignored.count, 2);
    assert_string_equal(approvals.ignored.at[0],
                        "fix.plan.old.minisig: stands beside a file of its own");
    assert_string_equal(approvals.ignored.at[1], "fix.plan.sig: SSH signatures are not read");
}

static void test_approval_remove_takes_signatures_of_this_plan_alone(void **state)
{
    const struct office *office = *state;
    struct err err = {0};
    const char *const stay[] = {PLAN, PLAN ".old", PLAN ".old.minisig", PLAN ".note.minisig",
                                "other.plan.minisig"};

    sign(office, NULL, &office->agent);
    sign(office, "ann", &office->ann);
    sign(office, "old", &office->bob);
    write_file(office->plans, PLAN ".old", "an older plan\n");
    write_file(office->plans, PLAN ".note.minisig", "no signature\n");
    write_file(office->plans, "other.plan.minisig", "another's\n");
    assert_int_equal(approval_remove(office->plans, PLAN, office->arena, &err), 0);
    assert_int_equal(faccessat(office->plans, PLAN ".minisig", F_OK, 0), -1);
    assert_int_equal(faccessat(office->plans, PLAN ".ann.minisig", F_OK, 0), -1);
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
        assert_int_equal(faccessat(office->plans, stay[i], F_OK, 0), 0);
}

static void test_approval_more_than_64_signature_files_are_refused(void **state)
{
    const struct office *office = *state;

    sign(office, "ann", &office->ann);
    struct span text = {0};
    struct err err = {0};
    assert_int_equal(file_read(office->plans, PLAN ".ann.minisig", MINISIGN_FILE_MAX, office->arena,
                               &text, &err),
                     0);
    for (int i = 0; i < 63; i++)
        write_file(office->plans, arena_printf(office->arena, PLAN ".%d.minisig", i), text.ptr);
    assert_int_equal(collect(office).bad.count, 0);
    write_file(office->plans, PLAN ".63.minisig", text.ptr);
    struct approvals approvals = collect(office);
    assert_only(&approvals.bad, "65 signature files: expected at most 64");
    assert_int_equal(approvals.approval_count, 1);
}

static void test_approval_absent_keys_are_no_error(void **state)
{
    const struct office *office = *state;
    struct keyring keys;
    struct err err = {0};

    assert_int_equal(approval_load_keys(office->plans, office->arena, &keys, &err), 0);
    assert_false(keys.has_agent);
    assert_int_equal(keys.operator_count, 0);
}

static void test_approval_key_that_others_may_write_is_refused(void **state)
{
    const struct office *office = *state;

    assert_int_equal(fchmodat(office->keys, "operators/bob.pub", 0664, 0), 0);
    assert_keys_refused(office, ERR_INPUT, "'bob.pub' is writable by others (mode 0664)");
    assert_int_equal(fchmodat(office->keys, "operators/bob.pub", 0644, 0), 0);
    assert_int_equal(fchmodat(office->keys, "agent.pub", 0646, 0), 0);
    assert_keys_refused(office, ERR_INPUT, "'agent.pub' is writable by others (mode 0646)");
    assert_int_equal(fchmodat(office->keys, "agent.pub", 0644, 0), 0);
    assert_int_equal(fchmodat(office->keys, "operators", 0777, 0), 0);
    assert_keys_refused(office, ERR_INPUT, "'operators' is writable by others (mode 0777)");
}

static void test_approval_key_of_a_stranger_is_refused(void **state)
{
    const struct office *office = *state;

    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    assert_int_equal(fchownat(office->keys, "operators/ann.pub", 12345, 0, 0), 0);
    assert_keys_refused(office, ERR_INPUT, "'ann.pub' belongs to uid 12345");
}

static void test_approval_linked_or_malformed_key_is_refused(void **state)
{
    const struct office *office = *state;

    assert_int_equal(symlinkat("bob.pub", office->keys, "operators/link.pub"), 0);
    assert_keys_refused(office, ERR_INPUT, "'link.pub' is a symbolic link");
    assert_int_equal(unlinkat(office->keys, "operators/link.pub", 0), 0);
    write_file(office->keys, "operators/eve.pub", "untrusted comment: x\nRWQ\n");
    assert_keys_refused(office, ERR_INPUT, "'operators': 'eve.pub': not a minisign public key");
}

static void test_approval_signing_again_replaces_and_odd_names_are_refused(void **state)
{
    const struct office *office = *state;
    const char *file = NULL;
    struct err err = {0};

    write_file(office->plans, PLAN ".minisig", "old");
    sign(office, NULL, &office->agent);
    assert_true(collect(office).agent_signed);
    assert_int_equal(approval_sign(office->bytes, office->plans, PLAN, "a/b", &office->ann,
                                   office->arena, &file, &err),
                     -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(approval_sign(office->bytes, office->plans, PLAN, "", &office->ann,
                                   office->arena, &file, &err),
                     -1);
    assert_int_equal(approval_sign(office->bytes, office->plans, "../" PLAN, "ann", &office->ann,
                                   office->arena, &file, &err),
                     -1);
    assert_null(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_office, close_office)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_approval_agent_and_operators_are_told_apart),
        TEST(test_approval_unsigned_plan_has_nothing),
        TEST(test_approval_operators_key_in_the_agents_file_is_an_approval),
        TEST(test_approval_agents_key_among_the_operators_never_approves),
        TEST(test_approval_one_key_under_two_names_counts_once),
        TEST(test_approval_two_keys_with_one_id_are_both_tried),
        TEST(test_approval_signature_of_other_bytes_is_bad),
        TEST(test_approval_malformed_large_linked_and_odd_files_are_bad),
        TEST(test_approval_unknown_key_is_told_and_does_not_count),
        TEST(test_approval_files_of_other_plans_are_left_alone),
        TEST(test_approval_remove_takes_signatures_of_this_plan_alone),
        TEST(test_approval_more_than_64_signature_files_are_refused),
        TEST(test_approval_absent_keys_are_no_error),
        TEST(test_approval_key_that_others_may_write_is_refused),
        TEST(test_approval_key_of_a_stranger_is_refused),
        TEST(test_approval_linked_or_malformed_key_is_refused),
        TEST(test_approval_signing_again_replaces_and_odd_names_are_refused),
    };

    return cmocka_run_group_tests_name("approval", tests, NULL, NULL);
}
