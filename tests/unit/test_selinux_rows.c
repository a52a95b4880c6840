/* The two SELinux rows, through the stage, on a real policy store in a tree. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>

#include "plans/base/file.h"
#include "plans/base/text.h"
#include "remediations/remediation.h"

#define TREE_NAME "rows"
#include "tests/unit/selinux_tree.h"

extern const struct remediation selinux_boolean;
extern const struct remediation selinux_port;

#define INSTALLED TREE "/etc/selinux/default/policy/policy.33"
#define ID        "00112233445566778899aabbccddeeff"

struct fixture {
    struct host *host;
    struct arena *arena;
    struct scene scene;
    struct haproxy haproxy;
    struct stage *stage;
    struct stage_settings settings;
    struct strings announced;
    struct err err;
};

#define ASSERT_OK(call)                                                                            \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, fixture->err.text);                                          \
    } while (0)
#define ASSERT_FAILS(call, expected_kind, words)                                                   \
    do {                                                                                           \
        assert_int_equal((call), -1);                                                              \
        if (strstr(fixture->err.text, (words)) == NULL)                                            \
            fail_msg("expected '%s' in: %s", (words), fixture->err.text);                          \
        assert_int_equal(fixture->err.kind, (expected_kind));                                      \
    } while (0)

static int note_announced(void *context, const char *what, struct err *err)
{
    struct fixture *fixture = context;

    (void)err;
    strings_add(&fixture->announced, fixture->arena, arena_string(fixture->arena, what));
    return 0;
}

static size_t count_opened(const struct fixture *fixture)
{
    size_t count = 0;

    for (size_t at = 0; at < fixture->announced.count; at++)
        count += strncmp(fixture->announced.at[at], "selinux-store ", 14) == 0;
    return count;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    tree_make();
    fixture->arena = arena_new();
    ASSERT_OK(host_open(TREE, &fixture->host, &fixture->err));
    fixture->scene = (struct scene){.host = fixture->host, .haproxy = &fixture->haproxy};
    fixture->settings = (struct stage_settings){
        .host = fixture->host,
        .haproxy = &fixture->haproxy,
        .id = ID,
        .undo_dir = open(TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        .announce = note_announced,
        .context = fixture,
    };
    ASSERT_OK(stage_new(&fixture->settings, &fixture->stage, &fixture->err));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    stage_free(fixture->stage);
    (void)close(fixture->settings.undo_dir);
    host_close(fixture->host);
    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

/* ---- helpers ---- */
static const struct remediation *row_of(const char *address)
{
    return strncmp(address, selinux_port.kind, strlen(selinux_port.kind)) == 0 ? &selinux_port
                                                                               : &selinux_boolean;
}

static int try_plan(struct fixture *fixture, const char *address, const char *value,
                    struct change *out_change)
{
    const struct remediation *row = row_of(address);
    struct wish wish = {.address = address, .source = WISH_OPERATOR};

    if (row->check(strchr(address, ':') + 1, value, fixture->arena, &wish.value, &fixture->err) < 0)
        return -1;
    return row->plan(&fixture->scene, &wish, fixture->arena, out_change, &fixture->err);
}

static struct change plan(struct fixture *fixture, const char *address, const char *value)
{
    struct change change;

    ASSERT_OK(try_plan(fixture, address, value, &change));
    return change;
}

static void stage(struct fixture *fixture, const struct change *change)
{
    ASSERT_OK(
        row_of(change->address)->stage(fixture->stage, &fixture->scene, change, &fixture->err));
}

static void commit(struct fixture *fixture, const struct change *change)
{
    ASSERT_OK(row_of(change->address)->commit(fixture->stage, change, &fixture->err));
}

static struct proof prove(struct fixture *fixture, const struct change *change)
{
    struct proof proof;

    ASSERT_OK(row_of(change->address)
                  ->prove(fixture->stage, change, fixture->arena, &proof, &fixture->err));
    return proof;
}

static struct undo_report undo(struct fixture *fixture, const struct change *change)
{
    struct undo_report report;

    ASSERT_OK(row_of(change->address)
                  ->undo(fixture->stage, change, fixture->arena, &report, &fixture->err));
    return report;
}

/* As after a crash: nothing is left but what the journal has. */
static void forget(struct fixture *fixture)
{
    const char *records = stage_records(fixture->stage, fixture->arena);

    stage_free(fixture->stage);
    ASSERT_OK(stage_new(&fixture->settings, &fixture->stage, &fixture->err));
    ASSERT_OK(stage_restore(fixture->stage, span_of(records), &fixture->err));
    for (size_t at = 0; at < fixture->announced.count; at++)
        stage_mark_announced(fixture->stage, fixture->announced.at[at]);
}

/* The same, but killed before the last commit's end was recorded. */
static void forget_the_end(struct fixture *fixture)
{
    assert_true(fixture->announced.count > 0);
    const char *last = fixture->announced.at[--fixture->announced.count];
    assert_string_equal(last, "selinux-store-stands");
    forget(fixture);
}

/* Killed in a commit that never came to its end; the store was at its first commit. */
static void forget_in_commit(struct fixture *fixture, const char *opened)
{
    strings_add(&fixture->announced, fixture->arena, opened);
    forget(fixture);
}

/* Another program's change to the store. */
static void change_behind(struct fixture *fixture, const char *boolean, bool on)
{
    struct semanage *store = NULL;

    ASSERT_OK(semanage_open(fixture->host, &store, &fixture->err));
    ASSERT_OK(semanage_begin(store, &fixture->err));
    ASSERT_OK(semanage_set_boolean(store, boolean, on, false, &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    semanage_close(store);
}

static void label_behind(struct fixture *fixture, uint32_t port, const char *type)
{
    struct semanage *store = NULL;

    ASSERT_OK(semanage_open(fixture->host, &store, &fixture->err));
    ASSERT_OK(semanage_begin(store, &fixture->err));
    ASSERT_OK(semanage_set_port(store, "tcp", port, type, &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    semanage_close(store);
}

static struct semanage_boolean boolean_now(struct fixture *fixture, const char *name)
{
    struct semanage *store = NULL;
    struct semanage_boolean boolean;

    ASSERT_OK(semanage_open(fixture->host, &store, &fixture->err));
    ASSERT_OK(semanage_get_boolean(store, name, &boolean, &fixture->err));
    semanage_close(store);
    return boolean;
}

static struct semanage_port_label port_now(struct fixture *fixture, uint32_t port)
{
    struct semanage *store = NULL;
    struct semanage_port_label label;

    ASSERT_OK(semanage_open(fixture->host, &store, &fixture->err));
    ASSERT_OK(semanage_get_port(store, "tcp", port, fixture->arena, &label, &fixture->err));
    semanage_close(store);
    return label;
}

/* What is counted needs libsepol; without it, words, and that they are words. */
#if COUNTS_EXPOSURE
#define WHO_GAINS                                                                                  \
    "tcp/8888 for haproxy_t (connect, bind) and 2 other domains (bind): "                          \
    "hamedic_child_t, hamedic_web_t"
#define WHAT_ANY_OPENS "65,511 more TCP ports to connect to and 65,514 to bind, for haproxy_t"
#define ABOUT_OTHERS   "no other domain gains by it"
#else
#define WHO_GAINS      "tcp/8888 for HAProxy and every other domain that may use http_port_t"
#define WHAT_ANY_OPENS "everything that the policy allows under 'haproxy_connect_any'"
#define ABOUT_OTHERS   "what that is was not counted: this hamedic was built without libsepol"
#endif

#define ANY  "selinux.boolean:haproxy_connect_any"
#define OWN  "selinux.boolean:haproxy_on_by_policy"
#define PORT "selinux.port:tcp/8888"

/* ---- check ---- */
static void test_selinux_boolean_check_gives_one_spelling(void **state)
{
    struct fixture *fixture = *state;
    static const char *const spellings[][2] = {{"on", "on"},   {"1", "on"},  {"true", "on"},
                                               {"off", "off"}, {"0", "off"}, {"false", "off"},
                                               {"", ""}};

    for (size_t at = 0; at < sizeof spellings / sizeof spellings[0]; at++) {
        const char *value = NULL;
        ASSERT_OK(selinux_boolean.check("haproxy_connect_any", spellings[at][0], fixture->arena,
                                        &value, &fixture->err));
        assert_string_equal(value, spellings[at][1]);
    }
}

static void test_selinux_boolean_check_of_bad_words_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"", "../enforce", "a b", "a\nb", "haproxy=on"};
    const char *value = NULL;

    for (size_t at = 0; at < sizeof names / sizeof names[0]; at++)
        ASSERT_FAILS(selinux_boolean.check(names[at], "on", fixture->arena, &value, &fixture->err),
                     ERR_INPUT, "cannot be the name");
    ASSERT_FAILS(selinux_boolean.check("x", "maybe", fixture->arena, &value, &fixture->err),
                 ERR_INPUT, "'maybe'");
}

static void test_selinux_port_check_of_bad_ports_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const targets[] = {
        "tcp/70000", "tcp/0", "tcp/",    "tcp/08888", "sctp/80", "8888",     "tcp/-1",
        "tcp/80 ",   "",      "tcp/1-2", "TCP/80",    "/80",     "tcp/80/1", "tcp/4294967376"};
    const char *value = NULL;

    for (size_t at = 0; at < sizeof targets / sizeof targets[0]; at++) {
        assert_int_equal(
            selinux_port.check(targets[at], "http_port_t", fixture->arena, &value, &fixture->err),
            -1);
        assert_int_equal(fixture->err.kind, ERR_INPUT);
    }
    ASSERT_FAILS(
        selinux_port.check("tcp/80", "http_port_t; reboot", fixture->arena, &value, &fixture->err),
        ERR_INPUT, "SELinux type");
    ASSERT_OK(
        selinux_port.check("udp/65535", "http_port_t", fixture->arena, &value, &fixture->err));
    assert_string_equal(value, "http_port_t");
}

/* ---- plan ---- */
static void test_selinux_boolean_plan_tells_sides_and_exposure(void **state)
{
    struct fixture *fixture = *state;
    struct change change = plan(fixture, ANY, "on");

    assert_int_equal(change.action, ACTION_CREATE);
    assert_string_equal(change.before.persistent, "off");
    assert_null(change.before.runtime);
    assert_string_equal(change.after.persistent, "on");
    assert_null(change.after.runtime);
    assert_int_equal(change.touched_count, 1);
    assert_string_equal(change.touched[0].object, "selinux boolean haproxy_connect_any");
    assert_int_equal(change.exposure.count, 1);
    assert_string_equal(change.exposure.at[0], WHAT_ANY_OPENS);
    assert_true(strings_have(&change.notes, ABOUT_OTHERS));
    assert_string_equal(change.diff.at[0], "+haproxy_connect_any=1");
}

static void test_selinux_boolean_plan_of_what_is_so_is_no_op(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(plan(fixture, ANY, "off").action, ACTION_NO_OP);
    assert_int_equal(plan(fixture, OWN, "on").action, ACTION_NO_OP);
    assert_int_equal(plan(fixture, ANY, "").action, ACTION_NO_OP);
}

static void test_selinux_boolean_plan_of_an_unknown_one_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct change change;

    ASSERT_FAILS(try_plan(fixture, "selinux.boolean:no_such_boolean", "on", &change), ERR_INPUT,
                 "'no_such_boolean'");
}

static void test_selinux_port_plan_of_a_free_port_creates_a_label(void **state)
{
    struct fixture *fixture = *state;
    struct change change = plan(fixture, PORT, "http_port_t");

    assert_int_equal(change.action, ACTION_CREATE);
    assert_string_equal(change.before.persistent, "unreserved_port_t");
    assert_string_equal(change.after.persistent, "http_port_t");
    assert_string_equal(change.touched[0].object, "selinux port tcp/8888");
    assert_string_equal(change.exposure.at[0], WHO_GAINS);
    assert_int_equal(plan(fixture, "selinux.port:tcp/80", "http_port_t").action, ACTION_NO_OP);
    assert_int_equal(plan(fixture, PORT, "").action, ACTION_NO_OP);
}

#if COUNTS_EXPOSURE
/* A label that goes back takes from those it was given to. */
static void test_selinux_rows_plan_tells_who_loses(void **state)
{
    struct fixture *fixture = *state;

    label_behind(fixture, 8888, "http_port_t");
    struct change port = plan(fixture, PORT, "");
    assert_int_equal(port.exposure.count, 0);
    assert_true(strings_have(&port.notes, "tcp/8888 opens to no domain that could not use it "
                                          "before"));
    assert_true(strings_have(&port.notes, "takes tcp/8888 from haproxy_t (connect, bind) and 2 "
                                          "other domains (bind): hamedic_child_t, hamedic_web_t"));
    port = plan(fixture, PORT, "http_cache_port_t");
    assert_string_equal(port.exposure.at[0],
                        "tcp/8888 for 2 domains (connect): hamedic_one_t, hamedic_trial_t");
    struct change boolean = plan(fixture, OWN, "off");
    assert_int_equal(boolean.exposure.count, 0);
    assert_true(strings_have(&boolean.notes, "takes 2 TCP ports to connect to from haproxy_t"));
    boolean = plan(fixture, "selinux.boolean:hamedic_wide", "on");
    assert_int_equal(boolean.exposure.count, 1);
    assert_string_equal(boolean.exposure.at[0], "what its rules allow 2 other domains");
    assert_true(strings_have(&boolean.notes, "haproxy_t gains no TCP port by it"));
}
#endif

static void test_selinux_port_plan_of_another_services_port_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct change change;

    ASSERT_FAILS(try_plan(fixture, "selinux.port:tcp/5432", "http_port_t", &change), ERR_INPUT,
                 "tcp/5432 is postgresql_port_t in the policy: a label would take it from that "
                 "service; use selinux.boolean:haproxy_connect_any=on");
    /* A port inside a range of the policy has no record of its own, and yet is somebody's. */
    ASSERT_FAILS(try_plan(fixture, "selinux.port:tcp/20005", "http_port_t", &change), ERR_INPUT,
                 "hamedic_range_port_t");
}

static void test_selinux_port_plan_of_a_bad_type_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct change change;

    ASSERT_FAILS(try_plan(fixture, PORT, "bin_t", &change), ERR_INPUT, "'bin_t'");
    ASSERT_FAILS(try_plan(fixture, PORT, "nosuch_port_t", &change), ERR_INPUT, "'nosuch_port_t'");
}

/* ---- apply and undo ---- */
static void test_selinux_rows_apply_both_in_one_transaction(void **state)
{
    struct fixture *fixture = *state;
    struct change boolean = plan(fixture, ANY, "on");
    struct change port = plan(fixture, PORT, "http_port_t");

    stage(fixture, &boolean);
    stage(fixture, &port);
    assert_false(boolean_now(fixture, "haproxy_connect_any").on);
    commit(fixture, &boolean);
    assert_true(boolean_now(fixture, "haproxy_connect_any").on);
    assert_string_equal(port_now(fixture, 8888).type, "http_port_t");
    commit(fixture, &port);
    assert_int_equal(count_opened(fixture), 1);
    assert_non_null(strstr(prove(fixture, &boolean).now, "on in the policy store"));
    assert_non_null(strstr(prove(fixture, &port).now, "http_port_t in the policy store"));
    assert_non_null(prove(fixture, &port).later);
}

static void test_selinux_rows_undo_both_in_one_transaction(void **state)
{
    struct fixture *fixture = *state;
    struct change boolean = plan(fixture, ANY, "on");
    struct change port = plan(fixture, PORT, "http_port_t");

    stage(fixture, &boolean);
    stage(fixture, &port);
    commit(fixture, &boolean);
    commit(fixture, &port);
    forget(fixture);
    stage_undo_begin(fixture->stage);
    struct undo_report report = undo(fixture, &port);
    assert_int_equal(report.persistent, UNDONE_RESTORED);
    /* Nothing runs in a tree: no running value is said to be restored. */
    assert_int_equal(report.runtime, UNDONE_ALREADY);
    report = undo(fixture, &boolean);
    assert_int_equal(report.persistent, UNDONE_RESTORED);
    assert_int_equal(report.runtime, UNDONE_ALREADY);
    assert_true(boolean_now(fixture, "haproxy_connect_any").on);
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    assert_int_equal(count_opened(fixture), 2);
    assert_false(boolean_now(fixture, "haproxy_connect_any").on);
    assert_false(boolean_now(fixture, "haproxy_connect_any").is_local);
    assert_string_equal(port_now(fixture, 8888).type, "unreserved_port_t");
    assert_false(port_now(fixture, 8888).is_local);
    /* Once more: nothing is left to do. */
    assert_int_equal(undo(fixture, &port).persistent, UNDONE_ALREADY);
    assert_int_equal(undo(fixture, &boolean).persistent, UNDONE_ALREADY);
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
}

static void test_selinux_rows_undo_gives_older_local_values_back(void **state)
{
    struct fixture *fixture = *state;

    change_behind(fixture, "haproxy_on_by_policy", false);
    label_behind(fixture, 8888, "http_cache_port_t");
    struct change boolean = plan(fixture, OWN, "on");
    struct change port = plan(fixture, PORT, "http_port_t");
    assert_int_equal(boolean.action, ACTION_UPDATE);
    assert_int_equal(port.action, ACTION_UPDATE);
    assert_string_equal(port.before.persistent, "http_cache_port_t");
    stage(fixture, &boolean);
    stage(fixture, &port);
    commit(fixture, &boolean);
    assert_true(boolean_now(fixture, "haproxy_on_by_policy").on);
    stage_undo_begin(fixture->stage);
    assert_int_equal(undo(fixture, &port).persistent, UNDONE_RESTORED);
    assert_int_equal(undo(fixture, &boolean).persistent, UNDONE_RESTORED);
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    assert_true(boolean_now(fixture, "haproxy_on_by_policy").is_local);
    assert_false(boolean_now(fixture, "haproxy_on_by_policy").local_on);
    assert_string_equal(port_now(fixture, 8888).type, "http_cache_port_t");
}

static void test_selinux_rows_take_customisation_away_and_back(void **state)
{
    struct fixture *fixture = *state;

    change_behind(fixture, "haproxy_on_by_policy", false);
    label_behind(fixture, 8888, "http_port_t");
    struct change boolean = plan(fixture, OWN, "");
    struct change port = plan(fixture, PORT, "");
    assert_int_equal(boolean.action, ACTION_DELETE);
    assert_int_equal(port.action, ACTION_DELETE);
    assert_string_equal(port.after.persistent, "unreserved_port_t");
    stage(fixture, &boolean);
    stage(fixture, &port);
    commit(fixture, &boolean);
    commit(fixture, &port);
    assert_true(boolean_now(fixture, "haproxy_on_by_policy").on);
    assert_false(port_now(fixture, 8888).is_local);
    (void)prove(fixture, &boolean);
    (void)prove(fixture, &port);
    stage_undo_begin(fixture->stage);
    assert_int_equal(undo(fixture, &port).persistent, UNDONE_RESTORED);
    assert_int_equal(undo(fixture, &boolean).persistent, UNDONE_RESTORED);
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    assert_false(boolean_now(fixture, "haproxy_on_by_policy").on);
    assert_string_equal(port_now(fixture, 8888).type, "http_port_t");
}

static void test_selinux_rows_undo_before_the_commit_stages_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct change boolean = plan(fixture, ANY, "on");
    struct change port = plan(fixture, PORT, "http_port_t");

    stage(fixture, &boolean);
    stage(fixture, &port);
    forget(fixture);
    stage_undo_begin(fixture->stage);
    assert_int_equal(undo(fixture, &port).persistent, UNDONE_ALREADY);
    assert_int_equal(undo(fixture, &boolean).persistent, UNDONE_ALREADY);
    struct span before, after;
    ASSERT_OK(
        file_read(AT_FDCWD, INSTALLED, HOST_FILE_MAX, fixture->arena, &before, &fixture->err));
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    ASSERT_OK(file_read(AT_FDCWD, INSTALLED, HOST_FILE_MAX, fixture->arena, &after, &fixture->err));
    assert_true(span_equal(before, after));
}

static void test_selinux_rows_undo_leaves_what_somebody_changed_since(void **state)
{
    struct fixture *fixture = *state;
    struct change boolean = plan(fixture, ANY, "on");
    struct change port = plan(fixture, PORT, "http_port_t");

    stage(fixture, &boolean);
    stage(fixture, &port);
    commit(fixture, &boolean);
    change_behind(fixture, "haproxy_connect_any", false);
    label_behind(fixture, 8888, "http_cache_port_t");
    forget(fixture);
    stage_undo_begin(fixture->stage);
    struct undo_report report = undo(fixture, &port);
    assert_int_equal(report.persistent, UNDONE_LEFT);
    assert_non_null(strstr(report.left, "http_cache_port_t"));
    report = undo(fixture, &boolean);
    assert_int_equal(report.persistent, UNDONE_LEFT);
    assert_non_null(strstr(report.left, "'haproxy_connect_any' is off"));
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    assert_string_equal(port_now(fixture, 8888).type, "http_cache_port_t");
}

/* Our own commit was cut off between the two renames: recovery repairs the store, then undoes. */
static void test_selinux_rows_undo_repairs_our_own_cut_off_commit(void **state)
{
    struct fixture *fixture = *state;
    struct change port = plan(fixture, PORT, "http_port_t");

    stage(fixture, &port);
    forget_in_commit(fixture, "selinux-store 1");
    assert_return_code(rename(STORE "/active", STORE "/previous"), 0);
    stage_undo_begin(fixture->stage);
    assert_int_equal(undo(fixture, &port).persistent, UNDONE_ALREADY);
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    assert_string_equal(port_now(fixture, 8888).type, "unreserved_port_t");
}

/* The same after both renames: the store has our label, the installed policy does not. */
static struct span installed_policy(struct fixture *fixture)
{
    struct span policy;

    ASSERT_OK(
        file_read(AT_FDCWD, INSTALLED, HOST_FILE_MAX, fixture->arena, &policy, &fixture->err));
    return policy;
}

static void write_number(struct fixture *fixture, const char *path, const char *number)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    ASSERT_OK(file_write_all(fd, path, span_of(number), &fixture->err));
    (void)close(fd);
}

static void install(struct fixture *fixture, struct span policy)
{
    int fd = open(INSTALLED, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    ASSERT_OK(file_write_all(fd, INSTALLED, policy, &fixture->err));
    (void)close(fd);
}

static void test_selinux_rows_undo_repairs_a_commit_that_was_not_installed(void **state)
{
    struct fixture *fixture = *state;
    struct change boolean = plan(fixture, ANY, "on");
    struct change port = plan(fixture, PORT, "http_port_t");
    struct span old = installed_policy(fixture);

    stage(fixture, &boolean);
    stage(fixture, &port);
    commit(fixture, &boolean);
    install(fixture, old);
    forget_the_end(fixture);
    stage_undo_begin(fixture->stage);
    assert_int_equal(undo(fixture, &port).persistent, UNDONE_RESTORED);
    assert_int_equal(undo(fixture, &boolean).persistent, UNDONE_RESTORED);
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    assert_false(port_now(fixture, 8888).is_local);
    assert_string_equal(port_now(fixture, 8888).type, "unreserved_port_t");
    assert_false(boolean_now(fixture, "haproxy_connect_any").is_local);
}

/* The repair is a commit itself, and is cut off in its turn: that is ours, too. */
static void test_selinux_rows_undo_repairs_a_repair_that_was_cut_off(void **state)
{
    struct fixture *fixture = *state;
    struct change port = plan(fixture, PORT, "http_port_t");
    struct span old = installed_policy(fixture);

    stage(fixture, &port);
    commit(fixture, &port);
    install(fixture, old);
    forget_the_end(fixture);
    stage_undo_begin(fixture->stage);
    (void)undo(fixture, &port);
    /* The last one announced is the repair. */
    assert_string_equal(fixture->announced.at[fixture->announced.count - 1], "selinux-store 2");
    install(fixture, old);
    forget(fixture);
    assert_return_code(rename(STORE "/active", STORE "/previous"), 0);
    write_number(fixture, STORE "/previous/commit_num", "2");
    stage_undo_begin(fixture->stage);
    assert_int_equal(undo(fixture, &port).persistent, UNDONE_RESTORED);
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    assert_string_equal(port_now(fixture, 8888).type, "unreserved_port_t");
}

/* What another program's commit left is named and stays, byte for byte. */
static void expect_left_alone(struct fixture *fixture, const struct change *port, const char *why)
{
    struct undo_report report;

    stage_undo_begin(fixture->stage);
    ASSERT_FAILS(
        row_of(port->address)->undo(fixture->stage, port, fixture->arena, &report, &fixture->err),
        ERR_CHANGED, why);
    assert_non_null(strstr(fixture->err.text, "by another program's commit"));
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
}

static void test_selinux_rows_undo_leaves_a_store_cut_off_after_our_commit(void **state)
{
    struct fixture *fixture = *state;
    struct change port = plan(fixture, PORT, "http_port_t");

    stage(fixture, &port);
    commit(fixture, &port);
    forget(fixture);
    assert_return_code(rename(STORE "/active", STORE "/previous"), 0);
    expect_left_alone(fixture, &port, "'active' directory is missing");
    assert_int_not_equal(access(STORE "/active", F_OK), 0);
    assert_return_code(access(STORE "/previous/policy.kern", F_OK), 0);
}

/* Ours may have been cut off as well, but not here: the store that is left is a later one. */
static void test_selinux_rows_undo_leaves_a_later_store_that_was_cut_off(void **state)
{
    struct fixture *fixture = *state;
    struct change port = plan(fixture, PORT, "http_port_t");

    stage(fixture, &port);
    commit(fixture, &port);
    forget_the_end(fixture);
    assert_return_code(rename(STORE "/active", STORE "/previous"), 0);
    expect_left_alone(fixture, &port, "'active' directory is missing");
    assert_int_not_equal(access(STORE "/active", F_OK), 0);
}

static void test_selinux_rows_undo_leaves_a_store_not_installed_by_others(void **state)
{
    struct fixture *fixture = *state;
    struct change port = plan(fixture, PORT, "http_port_t");
    struct span old = installed_policy(fixture);

    stage(fixture, &port);
    commit(fixture, &port);
    label_behind(fixture, 8889, "http_port_t");
    install(fixture, old);
    forget_the_end(fixture);
    expect_left_alone(fixture, &port, "not the store's");
    assert_true(span_equal(installed_policy(fixture), old));
}

/* What never reached the store is none of its business. */
static void test_selinux_rows_undo_before_the_commit_needs_no_store(void **state)
{
    struct fixture *fixture = *state;
    struct change boolean = plan(fixture, ANY, "on");
    struct change port = plan(fixture, PORT, "http_port_t");

    stage(fixture, &boolean);
    stage(fixture, &port);
    forget(fixture);
    assert_return_code(rename(STORE "/active", STORE "/previous"), 0);
    stage_undo_begin(fixture->stage);
    assert_int_equal(undo(fixture, &port).persistent, UNDONE_ALREADY);
    struct undo_report report = undo(fixture, &boolean);
    assert_int_equal(report.persistent, UNDONE_ALREADY);
    assert_null(report.left);
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    assert_int_not_equal(access(STORE "/active", F_OK), 0);
}

/* What undo must tell apart: a local record that was not there, one of another value, one of the
 * same value, and one that says what the policy says. */
static const char *state_of(struct fixture *fixture)
{
    static const char *const booleans[] = {"haproxy_connect_any", "haproxy_on_by_policy"};
    static const uint32_t ports[] = {80, 8888, 8889};
    struct text text = text_new(fixture->arena);

    for (size_t at = 0; at < sizeof booleans / sizeof booleans[0]; at++) {
        struct semanage_boolean now = boolean_now(fixture, booleans[at]);
        text_addf(&text, "%s %d local %d %d\n", booleans[at], now.on, now.is_local,
                  now.is_local && now.local_on);
    }
    for (size_t at = 0; at < sizeof ports / sizeof ports[0]; at++) {
        struct semanage_port_label now = port_now(fixture, ports[at]);
        text_addf(&text, "%u %s local %d\n", ports[at], now.type, now.is_local);
    }
    return text_string(&text);
}

struct undo_case {
    const char *address, *value;
    enum action action;
};

/* From whatever stands now, there and back again. */
static void go_and_return(struct fixture *fixture, const struct undo_case *wanted)
{
    const char *before = state_of(fixture);
    struct change change = plan(fixture, wanted->address, wanted->value);

    if (change.action != wanted->action)
        fail_msg("%s=%s: action %d", wanted->address, wanted->value, (int)change.action);
    stage(fixture, &change);
    commit(fixture, &change);
    if (change.action == ACTION_NO_OP)
        assert_string_equal(state_of(fixture), before);
    else
        assert_string_not_equal(state_of(fixture), before);
    forget(fixture);
    stage_undo_begin(fixture->stage);
    struct undo_report report = undo(fixture, &change);
    assert_int_equal(report.persistent,
                     change.action == ACTION_NO_OP ? UNDONE_ALREADY : UNDONE_RESTORED);
    ASSERT_OK(stage_undo_finish(fixture->stage, &fixture->err));
    assert_string_equal(state_of(fixture), before);
    /* The next one is another transaction. */
    stage_free(fixture->stage);
    fixture->announced.count = 0;
    ASSERT_OK(stage_new(&fixture->settings, &fixture->stage, &fixture->err));
}

static void test_selinux_rows_undo_gives_back_exactly_what_was(void **state)
{
    static const struct undo_case without_records[] = {
        {ANY, "on", ACTION_CREATE},
        {ANY, "off", ACTION_NO_OP}, /* so by the policy */
        {OWN, "off", ACTION_CREATE},
        {OWN, "on", ACTION_NO_OP},
        {OWN, "", ACTION_NO_OP},
        {PORT, "http_port_t", ACTION_CREATE},
        {PORT, "", ACTION_NO_OP},
        {"selinux.port:tcp/80", "http_port_t", ACTION_NO_OP}, /* so by the policy */
    };
    static const struct undo_case with_records[] = {
        {ANY, "on", ACTION_NO_OP}, /* so by somebody */
        {ANY, "off", ACTION_UPDATE},
        {ANY, "", ACTION_DELETE},
        {OWN, "off", ACTION_UPDATE}, /* the local record says what the policy says */
        {OWN, "on", ACTION_NO_OP},
        {OWN, "", ACTION_DELETE},
        {PORT, "http_cache_port_t", ACTION_NO_OP},
        {PORT, "http_port_t", ACTION_UPDATE},
        {PORT, "", ACTION_DELETE},
        {"selinux.port:tcp/8889", "http_port_t", ACTION_CREATE},
    };
    struct fixture *fixture = *state;

    for (size_t at = 0; at < sizeof without_records / sizeof without_records[0]; at++)
        go_and_return(fixture, &without_records[at]);
    change_behind(fixture, "haproxy_connect_any", true);
    change_behind(fixture, "haproxy_on_by_policy", true);
    label_behind(fixture, 8888, "http_cache_port_t");
    for (size_t at = 0; at < sizeof with_records / sizeof with_records[0]; at++)
        go_and_return(fixture, &with_records[at]);
}

/* ---- staleness ---- */
static void test_selinux_rows_stage_of_what_moved_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct change boolean = plan(fixture, ANY, "on");
    struct change port = plan(fixture, PORT, "http_port_t");

    /* The value is the same as planned, but somebody made it local meanwhile: undo would be
     * another. */
    change_behind(fixture, "haproxy_connect_any", false);
    label_behind(fixture, 8888, "http_cache_port_t");
    ASSERT_FAILS(selinux_boolean.stage(fixture->stage, &fixture->scene, &boolean, &fixture->err),
                 ERR_CHANGED, "now value off, local off");
    ASSERT_FAILS(selinux_port.stage(fixture->stage, &fixture->scene, &port, &fixture->err),
                 ERR_CHANGED, "http_cache_port_t");
}

static void test_selinux_rows_read_gives_the_digest_that_plan_wrote(void **state)
{
    struct fixture *fixture = *state;
    struct change planned = plan(fixture, PORT, "http_port_t");
    struct change now;

    ASSERT_OK(selinux_port.read(&fixture->scene, "tcp/8888", fixture->arena, &now, &fixture->err));
    assert_string_equal(now.touched[0].digest, planned.touched[0].digest);
    assert_string_equal(now.before.persistent, planned.before.persistent);
    label_behind(fixture, 8888, "http_cache_port_t");
    ASSERT_OK(selinux_port.read(&fixture->scene, "tcp/8888", fixture->arena, &now, &fixture->err));
    assert_string_not_equal(now.touched[0].digest, planned.touched[0].digest);

    planned = plan(fixture, ANY, "on");
    ASSERT_OK(selinux_boolean.read(&fixture->scene, "haproxy_connect_any", fixture->arena, &now,
                                   &fixture->err));
    assert_string_equal(now.touched[0].digest, planned.touched[0].digest);
}

static void test_selinux_rows_prove_of_what_is_not_so_fails(void **state)
{
    struct fixture *fixture = *state;
    struct change boolean = plan(fixture, ANY, "on");
    struct change port = plan(fixture, PORT, "http_port_t");
    struct proof proof;

    ASSERT_FAILS(
        selinux_boolean.prove(fixture->stage, &boolean, fixture->arena, &proof, &fixture->err),
        ERR_SYS, "'haproxy_connect_any' as off");
    ASSERT_FAILS(selinux_port.prove(fixture->stage, &port, fixture->arena, &proof, &fixture->err),
                 ERR_SYS, "'unreserved_port_t', not 'http_port_t'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_selinux_boolean_check_gives_one_spelling),
        TEST(test_selinux_boolean_check_of_bad_words_is_refused),
        TEST(test_selinux_port_check_of_bad_ports_is_refused),
        TEST(test_selinux_boolean_plan_tells_sides_and_exposure),
        TEST(test_selinux_boolean_plan_of_what_is_so_is_no_op),
        TEST(test_selinux_boolean_plan_of_an_unknown_one_is_refused),
        TEST(test_selinux_port_plan_of_a_free_port_creates_a_label),
#if COUNTS_EXPOSURE
        TEST(test_selinux_rows_plan_tells_who_loses),
#endif
        TEST(test_selinux_port_plan_of_another_services_port_is_refused),
        TEST(test_selinux_port_plan_of_a_bad_type_is_refused),
        TEST(test_selinux_rows_apply_both_in_one_transaction),
        TEST(test_selinux_rows_undo_both_in_one_transaction),
        TEST(test_selinux_rows_undo_gives_older_local_values_back),
        TEST(test_selinux_rows_take_customisation_away_and_back),
        TEST(test_selinux_rows_undo_before_the_commit_stages_nothing),
        TEST(test_selinux_rows_undo_leaves_what_somebody_changed_since),
        TEST(test_selinux_rows_undo_repairs_our_own_cut_off_commit),
        TEST(test_selinux_rows_undo_repairs_a_commit_that_was_not_installed),
        TEST(test_selinux_rows_undo_repairs_a_repair_that_was_cut_off),
        TEST(test_selinux_rows_undo_leaves_a_store_cut_off_after_our_commit),
        TEST(test_selinux_rows_undo_leaves_a_later_store_that_was_cut_off),
        TEST(test_selinux_rows_undo_leaves_a_store_not_installed_by_others),
        TEST(test_selinux_rows_undo_before_the_commit_needs_no_store),
        TEST(test_selinux_rows_undo_gives_back_exactly_what_was),
        TEST(test_selinux_rows_stage_of_what_moved_is_refused),
        TEST(test_selinux_rows_read_gives_the_digest_that_plan_wrote),
        TEST(test_selinux_rows_prove_of_what_is_not_so_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
