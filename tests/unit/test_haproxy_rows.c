/* haproxy.maxconn and haproxy.stats_socket on a tree: planned, staged, made visible, proven, taken
 * back. */
#include "remediations/remediation.h"
#include "tests/unit/scratch.h"

extern const struct remediation haproxy_maxconn;
extern const struct remediation haproxy_stats_socket;

#define CFG "/etc/haproxy.cfg"
#define TEXT                                                                                       \
    "global\n\tmaxconn 500 # small\n\tnbthread 2\n\nbackend b\n\tserver s 10.0.0.1:80 check\n"     \
    "\tserver t 10.0.0.2:80 maxconn 9\n"

struct room {
    struct scratch scratch;
    struct host *host;
    struct haproxy haproxy;
    struct scene scene;
    int undo;
};

static void load(struct room *room)
{
    struct cfg *cfg = NULL;
    struct err err = {0};

    if (cfg_load(room->host, &room->haproxy, room->scratch.arena, &cfg, &err) < 0)
        fail_msg("%s", err.text);
    room->scene.cfg = cfg;
}

static void write_cfg(struct room *room, const char *text)
{
    scratch_write(&room->scratch, "etc/haproxy.cfg", text);
    load(room);
}

static int setup(void **state)
{
    static struct room room;
    struct err err = {0};
    char path[300];

    room = (struct room){0};
    scratch_open(&room.scratch);
    assert_int_equal(mkdirat(room.scratch.dir, "etc", 0755), 0);
    assert_int_equal(mkdirat(room.scratch.dir, "undo", 0700), 0);
    (void)snprintf(path, sizeof path, "%s/undo", room.scratch.path);
    room.undo = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (host_open(room.scratch.path, &room.host, &err) < 0)
        fail_msg("%s", err.text);
    strings_add(&room.haproxy.config, room.scratch.arena, CFG);
    room.scene.host = room.host;
    room.scene.haproxy = &room.haproxy;
    write_cfg(&room, TEXT);
    *state = &room;
    return 0;
}

static int teardown(void **state)
{
    struct room *room = *state;

    host_close(room->host);
    (void)close(room->undo);
    scratch_close(&room->scratch);
    return 0;
}

static struct stage *new_stage(struct room *room)
{
    const struct stage_settings settings = {.host = room->host,
                                            .haproxy = &room->haproxy,
                                            .id = "0123456789abcdef",
                                            .undo_dir = room->undo};
    struct stage *stage = NULL;
    struct err err;

    assert_int_equal(stage_new(&settings, &stage, &err), 0);
    return stage;
}

static int try_plan(struct room *room, const struct remediation *row, const char *target,
                    const char *value, struct change *out_change, struct err *err)
{
    struct arena *arena = room->scratch.arena;
    struct wish wish = {.address = arena_printf(arena, "%s:%s", row->kind, target), .value = value};

    if (row->check(target, value, arena, &wish.value, err) < 0)
        return -1;
    return row->plan(&room->scene, &wish, arena, out_change, err);
}

static struct change plan(struct room *room, const struct remediation *row, const char *target,
                          const char *value)
{
    struct change change = {0};
    struct err err = {0};

    if (try_plan(room, row, target, value, &change, &err) < 0)
        fail_msg("%s", err.text);
    return change;
}

static void assert_plan_refused(struct room *room, const struct remediation *row,
                                const char *target, const char *value, enum err_kind kind,
                                const char *part)
{
    struct change change = {0};
    struct err err = {0};

    assert_int_equal(try_plan(room, row, target, value, &change, &err), -1);
    assert_int_equal(err.kind, kind);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static struct stage *apply(struct room *room, const struct remediation *row,
                           const struct change *change)
{
    struct stage *stage = new_stage(room);
    struct proof proof = {0};
    struct err err = {0};

    if (row->stage(stage, &room->scene, change, &err) < 0 || stage_seal(stage, &err) < 0 ||
        row->commit(stage, change, &err) < 0 ||
        row->prove(stage, change, room->scratch.arena, &proof, &err) < 0)
        fail_msg("%s", err.text);
    assert_non_null(proof.now);
    return stage;
}

static struct undo_report undo(struct room *room, const struct remediation *row,
                               const struct change *change, struct stage *stage)
{
    struct undo_report report = {0};
    struct err err = {0};

    stage_undo_begin(stage);
    if (row->undo(stage, change, room->scratch.arena, &report, &err) < 0 ||
        stage_undo_finish(stage, &err) < 0 || stage_settle(stage, &err) < 0)
        fail_msg("%s", err.text);
    stage_free(stage);
    return report;
}

static void assert_cfg(struct room *room, const char *expected)
{
    assert_string_equal(scratch_read(&room->scratch, "etc/haproxy.cfg"), expected);
}

static void test_maxconn_update_and_undo_give_the_old_bytes_back(void **state)
{
    struct room *room = *state;
    struct change change = plan(room, &haproxy_maxconn, "global", "0600");

    assert_int_equal(change.action, ACTION_UPDATE);
    assert_string_equal(change.before.persistent, "500");
    assert_string_equal(change.after.persistent, "600");
    assert_string_equal(change.file, CFG);
    assert_int_equal(change.touched_count, 1);
    assert_true(change.exposure.count > 0);
    struct stage *stage = apply(room, &haproxy_maxconn, &change);
    assert_cfg(room, "global\n\tmaxconn 600 # small\n\tnbthread 2\n\nbackend b\n\tserver s "
                     "10.0.0.1:80 check\n\tserver t 10.0.0.2:80 maxconn 9\n");
    struct undo_report report = undo(room, &haproxy_maxconn, &change, stage);
    assert_int_equal(report.persistent, UNDONE_RESTORED);
    assert_cfg(room, TEXT);
}

static void test_maxconn_create_on_a_server_undo_after_a_foreign_edit_takes_ours_only(void **state)
{
    struct room *room = *state;
    struct change change = plan(room, &haproxy_maxconn, "server/b/s", "77");

    assert_int_equal(change.action, ACTION_CREATE);
    assert_null(change.before.persistent);
    struct stage *stage = apply(room, &haproxy_maxconn, &change);
    scratch_write(&room->scratch, "etc/haproxy.cfg",
                  "# new\nbackend b\n\tserver s 10.0.0.9:80 check maxconn 77 weight 5\n");
    struct undo_report report = undo(room, &haproxy_maxconn, &change, stage);
    assert_int_equal(report.persistent, UNDONE_OWN_PART);
    assert_cfg(room, "# new\nbackend b\n\tserver s 10.0.0.9:80 check weight 5\n");
}

static void test_maxconn_undo_leaves_a_foreign_value_alone(void **state)
{
    struct room *room = *state;
    struct change change = plan(room, &haproxy_maxconn, "server/b/t", "77");
    struct stage *stage = apply(room, &haproxy_maxconn, &change);

    scratch_write(&room->scratch, "etc/haproxy.cfg",
                  "backend b\n\tserver t 10.0.0.9:80 maxconn 78\n");
    struct undo_report report = undo(room, &haproxy_maxconn, &change, stage);
    assert_int_equal(report.persistent, UNDONE_LEFT);
    assert_non_null(report.left);
    assert_non_null(strstr(report.left, CFG));
    assert_cfg(room, "backend b\n\tserver t 10.0.0.9:80 maxconn 78\n");
}

static void test_maxconn_delete_and_undo_put_the_word_back(void **state)
{
    struct room *room = *state;
    struct change change = plan(room, &haproxy_maxconn, "server/b/t", "");

    assert_int_equal(change.action, ACTION_DELETE);
    struct stage *stage = apply(room, &haproxy_maxconn, &change);
    scratch_write(&room->scratch, "etc/haproxy.cfg", "backend b\n server t 10.0.0.2:80 # x\n");
    struct undo_report report = undo(room, &haproxy_maxconn, &change, stage);
    assert_int_equal(report.persistent, UNDONE_OWN_PART);
    assert_cfg(room, "backend b\n server t 10.0.0.2:80 maxconn 9 # x\n");
}

static void test_maxconn_two_changes_are_edits_of_one_image(void **state)
{
    struct room *room = *state;
    struct change first = plan(room, &haproxy_maxconn, "global", "600");
    struct change second = plan(room, &haproxy_maxconn, "server/b/s", "7");
    struct stage *stage = new_stage(room);
    struct err err = {0};

    if (haproxy_maxconn.stage(stage, &room->scene, &first, &err) < 0 ||
        haproxy_maxconn.stage(stage, &room->scene, &second, &err) < 0 ||
        stage_seal(stage, &err) < 0 || haproxy_maxconn.commit(stage, &first, &err) < 0 ||
        haproxy_maxconn.commit(stage, &second, &err) < 0 || stage_settle(stage, &err) < 0)
        fail_msg("%s", err.text);
    stage_free(stage);
    assert_cfg(room, "global\n\tmaxconn 600 # small\n\tnbthread 2\n\nbackend b\n\tserver s "
                     "10.0.0.1:80 check maxconn 7\n\tserver t 10.0.0.2:80 maxconn 9\n");
}

static void test_maxconn_plan_nothing_to_do_is_no_op(void **state)
{
    struct room *room = *state;

    assert_int_equal(plan(room, &haproxy_maxconn, "global", "500").action, ACTION_NO_OP);
    assert_int_equal(plan(room, &haproxy_maxconn, "server/b/s", "").action, ACTION_NO_OP);
}

static void test_maxconn_plan_refuses_what_does_not_fit_or_win(void **state)
{
    struct room *room = *state;
    static const struct wish limit = {.address = "systemd.limit:haproxy.service",
                                      .value = "300000"};

    assert_plan_refused(room, &haproxy_maxconn, "global", "0", ERR_INPUT, "maxconn");
    assert_plan_refused(room, &haproxy_maxconn, "global", "5k", ERR_INPUT, "maxconn");
    assert_plan_refused(room, &haproxy_maxconn, "server/b", "5", ERR_INPUT, "server/BACKEND/NAME");
    assert_plan_refused(room, &haproxy_maxconn, "frontend/none", "5", ERR_INPUT, "no section");
    room->haproxy.argument_maxconn = 400;
    assert_plan_refused(room, &haproxy_maxconn, "global", "600", ERR_INPUT, "-n 400");
    room->haproxy.argument_maxconn = 0;
    room->haproxy.running = true;
    room->haproxy.limit_hard = 20000;
    assert_plan_refused(room, &haproxy_maxconn, "global", "100000", ERR_INPUT,
                        "10 + 1 for checks + 3 x 2 threads + 2 x 100000 connections = 200017");
    room->scene.wishes = &limit;
    room->scene.wish_count = 1;
    assert_int_equal(plan(room, &haproxy_maxconn, "global", "100000").action, ACTION_UPDATE);
    write_cfg(room, "# Ansible managed\nglobal\n maxconn 5\n");
    assert_plan_refused(room, &haproxy_maxconn, "global", "6", ERR_DENIED, "Ansible");
    room->scene.may_edit_managed_files = true;
    assert_int_equal(plan(room, &haproxy_maxconn, "global", "6").action, ACTION_UPDATE);
    room->scene.cfg = NULL;
    room->scene.cfg_error = "a.cfg:1: no";
    assert_plan_refused(room, &haproxy_maxconn, "global", "6", ERR_UNSUPPORTED, "a.cfg:1: no");
}

static void test_maxconn_stage_refuses_where_another_file_decides_now(void **state)
{
    struct room *room = *state;
    struct change change = plan(room, &haproxy_maxconn, "global", "600");
    struct stage *stage = new_stage(room);
    struct err err = {0};

    scratch_write(&room->scratch, "etc/first.cfg", "global\n maxconn 4\n");
    room->haproxy.config.count = 0;
    strings_add(&room->haproxy.config, room->scratch.arena, "/etc/first.cfg");
    strings_add(&room->haproxy.config, room->scratch.arena, CFG);
    load(room);
    assert_int_equal(haproxy_maxconn.stage(stage, &room->scene, &change, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_int_equal(stage_discard(stage, &err), 0);
    stage_free(stage);
    assert_cfg(room, TEXT);
}

static void test_cfg_load_reads_directories_in_byte_order(void **state)
{
    struct room *room = *state;

    assert_int_equal(mkdirat(room->scratch.dir, "etc/conf.d", 0755), 0);
    scratch_write(&room->scratch, "etc/conf.d/b.cfg", "global\n maxconn 2\n");
    scratch_write(&room->scratch, "etc/conf.d/B.cfg", "global\n maxconn 1\n");
    scratch_write(&room->scratch, "etc/conf.d/.a.cfg", "global\n maxconn 3\n");
    scratch_write(&room->scratch, "etc/conf.d/a.conf", "global\n maxconn 4\n");
    assert_int_equal(mkdirat(room->scratch.dir, "etc/conf.d/A.cfg", 0755), 0);
    assert_int_equal(symlinkat("../haproxy.cfg", room->scratch.dir, "etc/conf.d/c.cfg"), 0);
    room->haproxy.config.count = 0;
    strings_add(&room->haproxy.config, room->scratch.arena, "/etc/conf.d/");
    load(room);
    assert_int_equal(room->scene.cfg->file_count, 3);
    assert_string_equal(room->scene.cfg->files[0].path, "/etc/conf.d/B.cfg");
    assert_string_equal(room->scene.cfg->files[1].path, "/etc/conf.d/b.cfg");
    assert_string_equal(room->scene.cfg->files[2].path, CFG);
    assert_int_equal(room->scene.cfg->global.maxconn.value, 1);
}

static void test_stats_socket_create_and_undo(void **state)
{
    struct room *room = *state;
    struct change change = plan(room, &haproxy_stats_socket, "global", "/run/haproxy/a.sock");

    assert_int_equal(change.action, ACTION_CREATE);
    assert_true(change.exposure.count > 0);
    struct stage *stage = apply(room, &haproxy_stats_socket, &change);
    assert_cfg(room, "global\n\tmaxconn 500 # small\n\tnbthread 2\n\tstats socket "
                     "/run/haproxy/a.sock mode 600 level admin\n\nbackend b\n\tserver s "
                     "10.0.0.1:80 check\n\tserver t 10.0.0.2:80 maxconn 9\n");
    load(room);
    assert_int_equal(plan(room, &haproxy_stats_socket, "global", "/run/haproxy/a.sock").action,
                     ACTION_NO_OP);
    assert_int_equal(plan(room, &haproxy_stats_socket, "global", "").action, ACTION_DELETE);
    struct undo_report report = undo(room, &haproxy_stats_socket, &change, stage);
    assert_int_equal(report.persistent, UNDONE_RESTORED);
    assert_cfg(room, TEXT);
    load(room);
    assert_int_equal(plan(room, &haproxy_stats_socket, "global", "").action, ACTION_NO_OP);
}

static void test_stats_socket_check_refuses_paths_that_haproxy_would_not_take(void **state)
{
    struct room *room = *state;
    char path[120] = "/run/";

    memset(path + 5, 'a', 93);
    assert_plan_refused(room, &haproxy_stats_socket, "global", path, ERR_INPUT, "at most 97");
    assert_plan_refused(room, &haproxy_stats_socket, "global", "run/a", ERR_INPUT, "absolute");
    assert_plan_refused(room, &haproxy_stats_socket, "global", "/run/a b", ERR_INPUT, "bad path");
    assert_plan_refused(room, &haproxy_stats_socket, "global", "/run/a\"", ERR_INPUT, "bad path");
    assert_plan_refused(room, &haproxy_stats_socket, "global", "/run/a#", ERR_INPUT, "bad path");
    assert_plan_refused(room, &haproxy_stats_socket, "global", "/run/../a", ERR_INPUT, "bad path");
    assert_plan_refused(room, &haproxy_stats_socket, "b", "/run/a", ERR_INPUT, "global");
    assert_plan_refused(room, &haproxy_stats_socket, "global", "/none/a", ERR_SYS, "/none");
}

int main(void)
{
#define ROOM_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROOM_TEST(test_maxconn_update_and_undo_give_the_old_bytes_back),
        ROOM_TEST(test_maxconn_create_on_a_server_undo_after_a_foreign_edit_takes_ours_only),
        ROOM_TEST(test_maxconn_undo_leaves_a_foreign_value_alone),
        ROOM_TEST(test_maxconn_delete_and_undo_put_the_word_back),
        ROOM_TEST(test_maxconn_two_changes_are_edits_of_one_image),
        ROOM_TEST(test_maxconn_plan_nothing_to_do_is_no_op),
        ROOM_TEST(test_maxconn_plan_refuses_what_does_not_fit_or_win),
        ROOM_TEST(test_maxconn_stage_refuses_where_another_file_decides_now),
        ROOM_TEST(test_cfg_load_reads_directories_in_byte_order),
        ROOM_TEST(test_stats_socket_create_and_undo),
        ROOM_TEST(test_stats_socket_check_refuses_paths_that_haproxy_would_not_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
