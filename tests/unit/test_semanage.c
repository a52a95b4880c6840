/* Everything is proven on a real policy store: libsemanage reports success for much that it did not
 * do. Which of its traps is met where (tests are of this file, but for those of test_selinux_rows.c
 * "rows", test_selinux_policy.c "policy" and crash/run, integration/store_windows.sh "crash"):
 *
 * no SELinux kernel
 *   the running boolean cannot be asked        rows boolean_plan_tells_sides_and_exposure
 *   the policy is installed all the same       boolean_and_port_in_one_transaction_are_installed
 * killed in the middle of a commit (crash kills at every rename, unlink, rmdir and sync)
 *   before the first rename: tmp is left       leftover_of_a_killed_commit_does_not_disturb
 *   no `active`: all lists are empty, rc 0     store_without_active_is_told_and_repaired,
 *                                              rows undo_repairs_our_own_cut_off_commit
 *   `semodule -l` then makes an empty one      store_with_an_empty_active_is_told_and_repaired
 *   not installed: an empty commit does not    store_that_is_not_installed_is_told_and_repaired,
 *     repair, nor does "it is there already"   store_without_local_records_is_repaired_by_building,
 *                                              rows undo_repairs_a_commit_that_was_not_installed
 *   installed, not loaded                      needs a kernel: the lab
 *   a commit that fails leaves all, and tmp    commit_that_fails_changes_nothing
 * what it takes without a word
 *   port 70000 (becomes 4464), port 0          port_out_of_range_is_refused,
 *                                              rows port_check_of_bad_ports_is_refused
 *   a type that no port has (bin_t)            type_that_is_no_port_type_is_refused
 *   a boolean that there is not                unknown_boolean_is_refused
 *   a commit of 0 after something was staged   commit_that_installs_nothing_is_an_error
 *   the deletion of what only the policy has   unset_of_what_is_not_ours_stages_nothing
 *   ... or of a port in a local range          unset_in_a_local_range_stages_nothing
 * which record counts
 *   a port in a range has no record of its own port_inside_a_policy_range_has_the_ranges_type
 *   a local record shadows the policy's own    undo_of_both_gives_the_old_policy_back
 *   a local range shadows other services       local_range_shadows_the_policys_own_ports,
 *                                              labels_are_those_of_the_installed_policy,
 *                                              policy local_records_cover_the_policys_own
 *   local records that overlap                 port_in_a_local_range_is_refused
 *   another service's port                     rows port_plan_of_another_services_port_is_refused
 * undo
 *   with, without and with an equal local      rows undo_gives_back_exactly_what_was,
 *     record, of ports and booleans            rows undo_gives_older_local_values_back
 *   the running boolean too                    needs a kernel: the lab
 * locks and rights
 *   another writer: 5 s, then nobody is named  begin_while_another_writes_names_it
 *   not root                                   open_without_rights_says_what_is_missing
 * may a domain use a port
 *   the first record decides, offline          policy answers_what_libsepol_computes
 *   permissive domains, getenforce             policy names_are_found; of a kernel: the lab
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <semanage/semanage.h>

#include "plans/base/file.h"
#include "remediations/host/selinux.h"
#include "remediations/host/selinux_policy.h"
#include "remediations/host/semanage_condition.h"

#define TREE_NAME "semanage"
#include "tests/unit/selinux_tree.h"

#define ACTIVE    STORE "/active"
#define PREVIOUS  STORE "/previous"
#define INSTALLED TREE "/etc/selinux/default/policy/policy.33"

/* A commit that libsemanage calls a success without doing it, and one that it refuses, since
 * somebody else's range overlaps (linked with --wrap). */
static bool commits_are_dropped;
static bool commits_overlap;

int __real_semanage_commit(semanage_handle_t *handle);
int __wrap_semanage_commit(semanage_handle_t *handle);

static void stage_range(semanage_handle_t *handle, int low, int high)
{
    semanage_port_key_t *key = NULL;
    semanage_context_t *context = NULL;
    semanage_port_t *record = NULL;

    assert_return_code(semanage_port_key_create(handle, low, high, SEMANAGE_PROTO_TCP, &key), 0);
    assert_return_code(semanage_port_create(handle, &record), 0);
    assert_return_code(
        semanage_context_from_string(handle, "system_u:object_r:http_port_t:s0", &context), 0);
    assert_return_code(semanage_port_set_con(handle, record, context), 0);
    semanage_port_set_proto(record, SEMANAGE_PROTO_TCP);
    semanage_port_set_range(record, low, high);
    assert_return_code(semanage_port_modify_local(handle, key, record), 0);
    semanage_port_key_free(key);
    semanage_port_free(record);
    semanage_context_free(context);
}

int __wrap_semanage_commit(semanage_handle_t *handle)
{
    if (commits_are_dropped)
        return 0;
    if (commits_overlap)
        stage_range(handle, 8880, 8890);
    return __real_semanage_commit(handle);
}

struct fixture {
    struct host *host;
    struct arena *arena;
    struct err err;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    tree_make();
    fixture->arena = arena_new();
    assert_return_code(host_open(TREE, &fixture->host, &fixture->err), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    host_close(fixture->host);
    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

#define ASSERT_OK(call)                                                                            \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, fixture->err.text);                                          \
    } while (0)
#define ASSERT_FAILS(call, expected_kind, words)                                                   \
    do {                                                                                           \
        assert_int_equal((call), -1);                                                              \
        assert_non_null(strstr(fixture->err.text, (words)));                                       \
        assert_int_equal(fixture->err.kind, (expected_kind));                                      \
    } while (0)

static struct semanage *open_store(struct fixture *fixture)
{
    struct semanage *store = NULL;

    ASSERT_OK(semanage_open(fixture->host, &store, &fixture->err));
    return store;
}

static struct semanage *begin(struct fixture *fixture)
{
    struct semanage *store = open_store(fixture);

    ASSERT_OK(semanage_begin(store, &fixture->err));
    return store;
}

static struct semanage_port_label port_of(struct fixture *fixture, struct semanage *store,
                                          uint32_t port)
{
    struct semanage_port_label label;

    ASSERT_OK(semanage_get_port(store, "tcp", port, fixture->arena, &label, &fixture->err));
    return label;
}

static struct semanage_boolean boolean_of(struct fixture *fixture, struct semanage *store,
                                          const char *name)
{
    struct semanage_boolean boolean;

    ASSERT_OK(semanage_get_boolean(store, name, &boolean, &fixture->err));
    return boolean;
}

static struct span bytes_of(struct fixture *fixture, const char *path)
{
    struct span bytes;

    ASSERT_OK(file_read(AT_FDCWD, path, HOST_FILE_MAX, fixture->arena, &bytes, &fixture->err));
    return bytes;
}

/* A local record made by another program: for ranges, which we do not make. */
static void write_local_ports(struct fixture *fixture, const char *text)
{
    char semodule[] = "semodule", path_option[] = "-p", tree[] = TREE, store_option[] = "-s";
    char name[] = "default", build[] = "-nNB";
    char *const argv[] = {semodule, path_option, tree, store_option, name, build, NULL};
    int fd = open(ACTIVE "/ports.local", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    ASSERT_OK(file_write_all(fd, "ports.local", span_of(text), &fixture->err));
    (void)close(fd);
    assert_int_equal(tree_run("semodule", argv), 0);
}

/* ---- reading ---- */
static void test_selinux_store_name_of_a_tree_is_its_own(void **state)
{
    struct fixture *fixture = *state;
    const char *name = NULL;

    ASSERT_OK(selinux_store_name(fixture->host, fixture->arena, &name, &fixture->err));
    assert_string_equal(name, "default");
    assert_int_equal(selinux_mode(fixture->host), SELINUX_OFF);
}

static void test_selinux_store_name_that_is_a_path_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *name = NULL;

    fixture->host->settings.selinux_store = "../../etc";
    ASSERT_FAILS(selinux_store_name(fixture->host, fixture->arena, &name, &fixture->err), ERR_INPUT,
                 "'../../etc'");
}

static void test_semanage_port_inside_a_policy_range_has_the_ranges_type(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = open_store(fixture);
    struct semanage_port_label label = port_of(fixture, store, 20005);

    assert_string_equal(label.type, "hamedic_range_port_t");
    assert_string_equal(label.policy_type, "hamedic_range_port_t");
    assert_false(label.is_local);
    assert_string_equal(port_of(fixture, store, 8888).type, "unreserved_port_t");
    assert_string_equal(port_of(fixture, store, 8080).type, "http_cache_port_t");
    semanage_close(store);
}

static void test_semanage_port_type_is_told_from_other_types(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = open_store(fixture);
    bool is = false;

    ASSERT_OK(semanage_is_port_type(store, "http_port_t", &is, &fixture->err));
    assert_true(is);
    ASSERT_OK(semanage_is_port_type(store, "bin_t", &is, &fixture->err));
    assert_false(is);
    ASSERT_OK(semanage_is_port_type(store, "", &is, &fixture->err));
    assert_false(is);
    semanage_close(store);
}

static void test_semanage_unknown_boolean_is_not_known(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = open_store(fixture);

    assert_false(boolean_of(fixture, store, "no_such_boolean").known);
    assert_true(boolean_of(fixture, store, "haproxy_connect_any").known);
    assert_false(boolean_of(fixture, store, "haproxy_connect_any").on);
    assert_true(boolean_of(fixture, store, "haproxy_on_by_policy").on);
    semanage_close(store);
}

/* ---- changing ---- */
static void test_semanage_boolean_and_port_in_one_transaction_are_installed(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = begin(fixture);
    struct span before = bytes_of(fixture, INSTALLED);

    ASSERT_OK(semanage_set_boolean(store, "haproxy_connect_any", true, false, &fixture->err));
    ASSERT_OK(semanage_set_port(store, "tcp", 8888, "http_port_t", &fixture->err));
    assert_true(span_equal(before, bytes_of(fixture, INSTALLED)));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    semanage_close(store);

    assert_false(span_equal(before, bytes_of(fixture, INSTALLED)));
    store = open_store(fixture);
    assert_true(boolean_of(fixture, store, "haproxy_connect_any").on);
    assert_true(boolean_of(fixture, store, "haproxy_connect_any").is_local);
    assert_string_equal(port_of(fixture, store, 8888).type, "http_port_t");
    assert_string_equal(port_of(fixture, store, 8888).policy_type, "unreserved_port_t");
    assert_true(port_of(fixture, store, 8888).is_local);
    semanage_close(store);
}

static void change_both(struct fixture *fixture, struct semanage *store)
{
    ASSERT_OK(semanage_begin(store, &fixture->err));
    ASSERT_OK(semanage_set_boolean(store, "haproxy_connect_any", true, false, &fixture->err));
    ASSERT_OK(semanage_set_port(store, "tcp", 8080, "http_port_t", &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
}

static void undo_both(struct fixture *fixture, struct semanage *store)
{
    ASSERT_OK(semanage_begin(store, &fixture->err));
    ASSERT_OK(semanage_unset_boolean(store, "haproxy_connect_any", &fixture->err));
    ASSERT_OK(semanage_unset_port(store, "tcp", 8080, &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
}

static void test_semanage_undo_of_both_gives_the_old_policy_back(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = open_store(fixture);

    /* A policy that semodule built and the same one merged by a commit differ in the order of their
     * bytes: the first round gives the one to compare with. */
    change_both(fixture, store);
    undo_both(fixture, store);
    struct span before = bytes_of(fixture, INSTALLED);
    change_both(fixture, store);
    assert_false(span_equal(before, bytes_of(fixture, INSTALLED)));
    assert_string_equal(port_of(fixture, store, 8080).type, "http_port_t");
    assert_string_equal(port_of(fixture, store, 8080).policy_type, "http_cache_port_t");
    undo_both(fixture, store);
    assert_true(span_equal(before, bytes_of(fixture, INSTALLED)));
    assert_string_equal(port_of(fixture, store, 8080).type, "http_cache_port_t");
    assert_false(port_of(fixture, store, 8080).is_local);
    assert_false(boolean_of(fixture, store, "haproxy_connect_any").is_local);
    semanage_close(store);
}

static void test_semanage_transaction_that_is_abandoned_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = begin(fixture);

    ASSERT_OK(semanage_set_port(store, "tcp", 8888, "http_port_t", &fixture->err));
    semanage_abandon(store);
    assert_false(port_of(fixture, store, 8888).is_local);
    assert_int_not_equal(access(STORE "/tmp", F_OK), 0);
    /* The lock is free again. */
    ASSERT_OK(semanage_begin(store, &fixture->err));
    semanage_close(store);
}

static void test_semanage_commit_of_nothing_is_no_commit(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = begin(fixture);
    struct span number = bytes_of(fixture, ACTIVE "/commit_num");

    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    assert_true(span_equal(number, bytes_of(fixture, ACTIVE "/commit_num")));
    semanage_close(store);
}

static void test_semanage_commit_that_installs_nothing_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = begin(fixture);

    ASSERT_OK(semanage_set_port(store, "tcp", 8888, "http_port_t", &fixture->err));
    commits_are_dropped = true;
    ASSERT_FAILS(semanage_commit_staged(store, &fixture->err), ERR_SYS, "installed nothing");
    commits_are_dropped = false;
    semanage_close(store);
    store = open_store(fixture);
    assert_false(port_of(fixture, store, 8888).is_local);
    semanage_close(store);
}

/* ---- what libsemanage would take ---- */
static void test_semanage_port_out_of_range_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = begin(fixture);

    ASSERT_FAILS(semanage_set_port(store, "tcp", 70000, "http_port_t", &fixture->err), ERR_INPUT,
                 "70000 is no port");
    ASSERT_FAILS(semanage_set_port(store, "tcp", 0, "http_port_t", &fixture->err), ERR_INPUT,
                 "0 is no port");
    ASSERT_FAILS(semanage_set_port(store, "sctp", 80, "http_port_t", &fixture->err), ERR_INPUT,
                 "'sctp'");
    semanage_close(store);
}

static void test_semanage_type_that_is_no_port_type_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = begin(fixture);

    ASSERT_FAILS(semanage_set_port(store, "tcp", 8888, "bin_t", &fixture->err), ERR_INPUT,
                 "'bin_t'");
    ASSERT_FAILS(semanage_set_port(store, "tcp", 8888, "nosuch_port_t", &fixture->err), ERR_INPUT,
                 "'nosuch_port_t'");
    semanage_close(store);
}

static void test_semanage_unknown_boolean_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = begin(fixture);

    ASSERT_FAILS(semanage_set_boolean(store, "no_such_boolean", true, false, &fixture->err),
                 ERR_INPUT, "'no_such_boolean'");
    semanage_close(store);
}

static void test_semanage_port_in_a_local_range_is_refused(void **state)
{
    struct fixture *fixture = *state;

    write_local_ports(fixture, "portcon tcp 8880-8890 system_u:object_r:http_cache_port_t:s0\n");
    struct semanage *store = begin(fixture);
    struct semanage_port_label label = port_of(fixture, store, 8888);
    assert_string_equal(label.type, "http_cache_port_t");
    assert_string_equal(label.local_range_type, "http_cache_port_t");
    assert_int_equal(label.local_low, 8880);
    assert_int_equal(label.local_high, 8890);
    assert_false(label.is_local);
    assert_string_equal(label.policy_type, "unreserved_port_t");
    ASSERT_FAILS(semanage_set_port(store, "tcp", 8888, "http_port_t", &fixture->err), ERR_INPUT,
                 "8880-8890");
    semanage_close(store);
}

static void test_semanage_local_range_shadows_the_policys_own_ports(void **state)
{
    struct fixture *fixture = *state;

    write_local_ports(fixture, "portcon tcp 7990-8100 system_u:object_r:commplex_main_port_t:s0\n");
    struct semanage *store = open_store(fixture);
    struct semanage_port_label label = port_of(fixture, store, 8080);
    assert_string_equal(label.type, "commplex_main_port_t");
    assert_string_equal(label.policy_type, "http_cache_port_t");
    assert_string_equal(label.local_range_type, "commplex_main_port_t");
    assert_false(label.is_local);
    semanage_close(store);
}

#if ASKS_POLICY
/* What is worked out of the store's records is what the binary policy says, that the kernel goes
 * by. */
static void test_semanage_labels_are_those_of_the_installed_policy(void **state)
{
    static const uint32_t ports[] = {1,     22,    80,    443,   1023,  1024,  5432, 7989,
                                     7990,  8080,  8100,  8101,  8888,  9000,  9999, 20000,
                                     20001, 20005, 20010, 20011, 32768, 61000, 65535};
    struct selinux_policy *policy CLEANUP_SELINUX_POLICY = NULL;
    struct fixture *fixture = *state;

    write_local_ports(fixture, "portcon tcp 7990-8100 system_u:object_r:commplex_main_port_t:s0\n"
                               "portcon tcp 8888 system_u:object_r:http_port_t:s0\n"
                               "portcon tcp 20005 system_u:object_r:http_port_t:s0\n"
                               "portcon udp 9999 system_u:object_r:http_port_t:s0\n");
    ASSERT_OK(selinux_policy_open(fixture->host, &policy, &fixture->err));
    struct semanage *store = open_store(fixture);
    for (size_t at = 0; at < sizeof ports / sizeof ports[0]; at++)
        assert_string_equal(port_of(fixture, store, ports[at]).type,
                            selinux_policy_port_type(policy, "tcp", ports[at]));
    semanage_close(store);
}
#endif

static void test_semanage_unset_in_a_local_range_stages_nothing(void **state)
{
    struct fixture *fixture = *state;

    write_local_ports(fixture, "portcon tcp 8880-8890 system_u:object_r:http_cache_port_t:s0\n");
    struct semanage *store = begin(fixture);
    struct span before = bytes_of(fixture, ACTIVE "/ports.local");
    ASSERT_OK(semanage_unset_port(store, "tcp", 8888, &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    assert_true(span_equal(before, bytes_of(fixture, ACTIVE "/ports.local")));
    assert_string_equal(port_of(fixture, store, 8888).type, "http_cache_port_t");
    semanage_close(store);
}

static void test_semanage_commit_that_fails_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = begin(fixture);
    struct span installed = bytes_of(fixture, INSTALLED);
    struct span number = bytes_of(fixture, ACTIVE "/commit_num");

    ASSERT_OK(semanage_set_boolean(store, "haproxy_connect_any", true, false, &fixture->err));
    ASSERT_OK(semanage_set_port(store, "tcp", 8888, "http_port_t", &fixture->err));
    commits_overlap = true;
    int result = semanage_commit_staged(store, &fixture->err);
    commits_overlap = false;
    ASSERT_FAILS(result, ERR_SYS, "overlap");
    semanage_close(store);

    assert_true(span_equal(installed, bytes_of(fixture, INSTALLED)));
    assert_true(span_equal(number, bytes_of(fixture, ACTIVE "/commit_num")));
    store = begin(fixture); /* whatever it left is no hindrance */
    assert_false(port_of(fixture, store, 8888).is_local);
    assert_false(boolean_of(fixture, store, "haproxy_connect_any").is_local);
    ASSERT_OK(semanage_set_port(store, "tcp", 8888, "http_port_t", &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    assert_string_equal(port_of(fixture, store, 8888).type, "http_port_t");
    semanage_close(store);
}

static void test_semanage_open_without_rights_says_what_is_missing(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = NULL;
    int status = -1;

    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(2);
        int result = semanage_open(fixture->host, &store, &fixture->err);
        _exit(result == -1 && fixture->err.kind == ERR_SYS &&
                      strstr(fixture->err.text, "Permission denied") != NULL
                  ? 0
                  : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_semanage_unset_of_what_is_not_ours_stages_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = begin(fixture);
    struct span number = bytes_of(fixture, ACTIVE "/commit_num");

    ASSERT_OK(semanage_unset_port(store, "tcp", 8080, &fixture->err));
    ASSERT_OK(semanage_unset_boolean(store, "haproxy_connect_any", &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    assert_true(span_equal(number, bytes_of(fixture, ACTIVE "/commit_num")));
    assert_string_equal(port_of(fixture, store, 8080).type, "http_cache_port_t");
    semanage_close(store);
}

static void test_semanage_set_outside_a_transaction_is_a_bug(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = open_store(fixture);

    ASSERT_FAILS(semanage_set_port(store, "tcp", 8888, "http_port_t", &fixture->err), ERR_BUG,
                 "no policy store transaction");
    semanage_close(store);
}

/* ---- a second writer ---- */
static void test_semanage_begin_while_another_writes_names_it(void **state)
{
    struct fixture *fixture = *state;
    char who[64];
    struct semanage *store = open_store(fixture);
    int ready[2];

    assert_return_code(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int lock = open(STORE "/semanage.trans.LOCK", O_RDWR | O_CLOEXEC);
        if (lock < 0 || flock(lock, LOCK_EX) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        (void)pause();
        _exit(0);
    }
    assert_true(child > 0);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)snprintf(who, sizeof who, "process %d (test_semanage)", (int)child);
    ASSERT_FAILS(semanage_begin(store, &fixture->err), ERR_SYS,
                 "another program holds the policy store's lock");
    assert_non_null(strstr(fixture->err.text, who));
    assert_return_code(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(ready[0]);
    (void)close(ready[1]);
    semanage_close(store);
}

/* ---- the store's condition ---- */
static enum semanage_condition condition_of(struct fixture *fixture)
{
    enum semanage_condition condition;

    ASSERT_OK(semanage_check(fixture->host, fixture->arena, &condition, &fixture->err));
    return condition;
}

static void commit_port(struct fixture *fixture)
{
    struct semanage *store = begin(fixture);

    ASSERT_OK(semanage_set_port(store, "tcp", 8888, "http_port_t", &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    semanage_close(store);
}

static void test_semanage_check_of_a_whole_store_is_sound(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(condition_of(fixture), SEMANAGE_SOUND);
    commit_port(fixture);
    assert_int_equal(condition_of(fixture), SEMANAGE_SOUND);
}

static void test_semanage_check_without_a_store_says_none(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store;

    assert_return_code(unlink(TREE "/etc/selinux/config"), 0);
    assert_int_equal(condition_of(fixture), SEMANAGE_NONE);
    ASSERT_FAILS(semanage_open(fixture->host, &store, &fixture->err), ERR_UNSUPPORTED,
                 "no SELinux policy store");
    fixture->host->settings.selinux_store = "nothere";
    assert_int_equal(condition_of(fixture), SEMANAGE_NONE);
}

/* Between the two renames of a commit. */
static void test_semanage_store_without_active_is_told_and_repaired(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store;

    assert_return_code(rename(ACTIVE, PREVIOUS), 0);
    assert_int_equal(condition_of(fixture), SEMANAGE_NO_ACTIVE);
    ASSERT_FAILS(semanage_open(fixture->host, &store, &fixture->err), ERR_CHANGED,
                 "'active' is missing");
    assert_int_not_equal(access(ACTIVE, F_OK), 0);
    ASSERT_OK(semanage_repair(fixture->host, NULL, &fixture->err));
    assert_int_equal(condition_of(fixture), SEMANAGE_SOUND);
    assert_int_not_equal(access(PREVIOUS, F_OK), 0);
    commit_port(fixture);
}

static void test_semanage_damaged_store_without_a_lock_file_is_told(void **state)
{
    struct fixture *fixture = *state;

    assert_return_code(rename(ACTIVE, PREVIOUS), 0);
    assert_return_code(unlink(STORE "/semanage.trans.LOCK"), 0);
    assert_int_equal(condition_of(fixture), SEMANAGE_NO_ACTIVE);
}

/* The same, and then somebody ran `semodule -l`, which makes an empty `active`. */
static void test_semanage_store_with_an_empty_active_is_told_and_repaired(void **state)
{
    struct fixture *fixture = *state;
    char semodule[] = "semodule", path_option[] = "-p", tree[] = TREE, store_option[] = "-s";
    char name[] = "default", list[] = "-l";
    char *const argv[] = {semodule, path_option, tree, store_option, name, list, NULL};

    assert_return_code(rename(ACTIVE, PREVIOUS), 0);
    (void)tree_run("semodule", argv);
    assert_return_code(access(ACTIVE, F_OK), 0);
    assert_int_equal(condition_of(fixture), SEMANAGE_NO_ACTIVE);
    ASSERT_OK(semanage_repair(fixture->host, NULL, &fixture->err));
    assert_int_equal(condition_of(fixture), SEMANAGE_SOUND);
    commit_port(fixture);
}

/* After both renames, before the policy file is replaced. */
static void install_old_policy(struct fixture *fixture)
{
    struct span old = bytes_of(fixture, INSTALLED);

    commit_port(fixture);
    int fd = open(INSTALLED, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    ASSERT_OK(file_write_all(fd, INSTALLED, old, &fixture->err));
    (void)close(fd);
}

static void test_semanage_store_that_is_not_installed_is_told_and_repaired(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store;

    install_old_policy(fixture);
    assert_int_equal(condition_of(fixture), SEMANAGE_NOT_INSTALLED);
    ASSERT_FAILS(semanage_open(fixture->host, &store, &fixture->err), ERR_CHANGED,
                 "not the one installed");
    ASSERT_OK(semanage_repair(fixture->host, NULL, &fixture->err));
    assert_int_equal(condition_of(fixture), SEMANAGE_SOUND);
    assert_true(span_equal(bytes_of(fixture, INSTALLED), bytes_of(fixture, ACTIVE "/policy.kern")));
    store = open_store(fixture);
    assert_string_equal(port_of(fixture, store, 8888).type, "http_port_t");
    semanage_close(store);
}

/* An undo took the last local record away and was interrupted there: nothing is left to stage
 * again. */
static void test_semanage_store_without_local_records_is_repaired_by_building(void **state)
{
    struct fixture *fixture = *state;

    commit_port(fixture);
    struct span labelled = bytes_of(fixture, INSTALLED);
    struct semanage *store = begin(fixture);
    ASSERT_OK(semanage_unset_port(store, "tcp", 8888, &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    semanage_close(store);
    int fd = open(INSTALLED, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    ASSERT_OK(file_write_all(fd, INSTALLED, labelled, &fixture->err));
    (void)close(fd);

    assert_int_equal(condition_of(fixture), SEMANAGE_NOT_INSTALLED);
    ASSERT_OK(semanage_repair(fixture->host, NULL, &fixture->err));
    assert_int_equal(condition_of(fixture), SEMANAGE_SOUND);
}

static void test_semanage_leftover_of_a_killed_commit_does_not_disturb(void **state)
{
    struct fixture *fixture = *state;

    assert_return_code(mkdir(STORE "/tmp", 0700), 0);
    assert_return_code(mkdir(STORE "/tmp/modules", 0700), 0);
    assert_int_equal(condition_of(fixture), SEMANAGE_SOUND);
    commit_port(fixture);
}

/* ---- trees are not to be trusted ---- */
static void test_semanage_store_behind_a_link_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store;

    assert_return_code(rename(TREE "/var/lib/selinux", TREE "/var/lib/elsewhere"), 0);
    assert_return_code(symlink("elsewhere", TREE "/var/lib/selinux"), 0);
    ASSERT_FAILS(semanage_open(fixture->host, &store, &fixture->err), ERR_DENIED, "link");
}

static void test_semanage_tree_that_names_a_program_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store;
    int fd = open(TREE "/etc/selinux/semanage.conf", O_WRONLY | O_APPEND | O_CLOEXEC);

    assert_true(fd >= 0);
    ASSERT_OK(file_write_all(
        fd, "conf", span_of("[setfiles]\npath = /tmp/evil\nargs = $@\n[end]\n"), &fixture->err));
    (void)close(fd);
    ASSERT_FAILS(semanage_open(fixture->host, &store, &fixture->err), ERR_DENIED, "'/tmp/evil'");
}

static void test_semanage_second_root_in_a_process_is_a_bug(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = open_store(fixture);
    struct host *other = NULL;

    semanage_close(store);
    char script[] = TESTS_DIR "/fixtures/selinux/make_tree.sh";
    char shell[] = "sh", tree[] = TREE ".other", cache[] = TREE_DIR "/cache";
    char *const argv[] = {shell, script, tree, cache, NULL};
    assert_int_equal(tree_run("sh", argv), 0);
    ASSERT_OK(host_open(TREE ".other", &other, &fixture->err));
    ASSERT_FAILS(semanage_open(other, &store, &fixture->err), ERR_BUG, ".other");
    host_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_selinux_store_name_of_a_tree_is_its_own),
        TEST(test_selinux_store_name_that_is_a_path_is_refused),
        TEST(test_semanage_port_inside_a_policy_range_has_the_ranges_type),
        TEST(test_semanage_port_type_is_told_from_other_types),
        TEST(test_semanage_unknown_boolean_is_not_known),
        TEST(test_semanage_boolean_and_port_in_one_transaction_are_installed),
        TEST(test_semanage_undo_of_both_gives_the_old_policy_back),
        TEST(test_semanage_transaction_that_is_abandoned_changes_nothing),
        TEST(test_semanage_commit_of_nothing_is_no_commit),
        TEST(test_semanage_commit_that_installs_nothing_is_an_error),
        TEST(test_semanage_port_out_of_range_is_refused),
        TEST(test_semanage_type_that_is_no_port_type_is_refused),
        TEST(test_semanage_unknown_boolean_is_refused),
        TEST(test_semanage_port_in_a_local_range_is_refused),
        TEST(test_semanage_local_range_shadows_the_policys_own_ports),
#if ASKS_POLICY
        TEST(test_semanage_labels_are_those_of_the_installed_policy),
#endif
        TEST(test_semanage_unset_in_a_local_range_stages_nothing),
        TEST(test_semanage_commit_that_fails_changes_nothing),
        TEST(test_semanage_open_without_rights_says_what_is_missing),
        TEST(test_semanage_unset_of_what_is_not_ours_stages_nothing),
        TEST(test_semanage_set_outside_a_transaction_is_a_bug),
        TEST(test_semanage_begin_while_another_writes_names_it),
        TEST(test_semanage_check_of_a_whole_store_is_sound),
        TEST(test_semanage_check_without_a_store_says_none),
        TEST(test_semanage_store_without_active_is_told_and_repaired),
        TEST(test_semanage_damaged_store_without_a_lock_file_is_told),
        TEST(test_semanage_store_with_an_empty_active_is_told_and_repaired),
        TEST(test_semanage_store_that_is_not_installed_is_told_and_repaired),
        TEST(test_semanage_store_without_local_records_is_repaired_by_building),
        TEST(test_semanage_leftover_of_a_killed_commit_does_not_disturb),
        TEST(test_semanage_store_behind_a_link_is_refused),
        TEST(test_semanage_tree_that_names_a_program_is_refused),
        TEST(test_semanage_second_root_in_a_process_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
