#include "tests/unit/boot_tree.h"

#include "remediations/host/limits.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define ADDRESS  "systemd.limit:haproxy.service"
#define FRAGMENT "usr/lib/systemd/system/haproxy.service"
#define DROPIN   "etc/systemd/system/haproxy.service.d/99-hamedic.conf"

static void make_unit(struct boot_tree *tree)
{
    boot_tree_write(tree, FRAGMENT, "[Service]\nExecStart=/usr/sbin/haproxy -Ws\n");
    boot_tree_directory(tree, "etc/systemd/system/x");
}

static void test_systemd_limit_check_takes_one_number(void **state)
{
    struct boot_tree *tree = *state;
    const struct remediation *row = remediation_for("systemd.limit");
    static const char *const wrong[] = {"64K", "1024:2048", "infinity", "-1", "0", "2147483585"};
    const char *value = NULL;

    assert_int_equal(row->check("haproxy.service", "0200000", tree->arena, &value, &tree->err), 0);
    assert_string_equal(value, "200000");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(row->check("haproxy.service", wrong[i], tree->arena, &value, &tree->err),
                         -1);
        assert_int_equal(tree->err.kind, ERR_INPUT);
    }
    assert_int_equal(row->check("haproxy", "1000", tree->arena, &value, &tree->err), -1);
    assert_int_equal(row->check("../haproxy.service", "1000", tree->arena, &value, &tree->err), -1);
}

static void test_systemd_limit_in_a_tree_is_a_dropin(void **state)
{
    struct boot_tree *tree = *state;

    make_unit(tree);
    struct change change = boot_tree_plan(tree, ADDRESS, "200000");
    assert_int_equal(change.action, ACTION_CREATE);
    assert_int_equal(change.impact, IMPACT_NONE);
    assert_null(change.before.persistent);
    assert_null(change.after.runtime);
    assert_string_equal(change.file, "/" DROPIN);
    boot_tree_apply(tree, &change, 1);
    assert_non_null(strstr(boot_tree_read(tree, DROPIN), "LimitNOFILE=200000\n"));
    assert_int_equal(boot_tree_plan(tree, ADDRESS, "200000").action, ACTION_NO_OP);
    assert_int_equal(boot_tree_undo(tree, &change).persistent, UNDONE_RESTORED);
    assert_null(boot_tree_read(tree, DROPIN));
}

/* HAProxy raises its soft limit to the hard one: the file is right already. */
static void test_systemd_limit_that_files_give_already_is_left_alone(void **state)
{
    struct boot_tree *tree = *state;

    make_unit(tree);
    boot_tree_write(tree, "etc/systemd/system/haproxy.service.d/limits.conf",
                    "[Service]\nLimitNOFILE=1024:200000\n");
    boot_tree_write(tree, "etc/sysctl.d/50.conf", "fs.nr_open = 1048576\n");
    struct change change = boot_tree_plan(tree, ADDRESS, "200000");
    assert_int_equal(change.action, ACTION_NO_OP);
    assert_string_equal(change.after.persistent, "1024:200000");
    assert_int_equal(boot_tree_plan(tree, ADDRESS, "100000").action, ACTION_UPDATE);
    boot_tree_write(tree, "etc/systemd/system/haproxy.service.d/limits.conf",
                    "[Service]\nLimitNOFILE=infinity\n");
    assert_int_equal(boot_tree_plan(tree, ADDRESS, "1048576").action, ACTION_NO_OP);
    assert_int_equal(boot_tree_plan(tree, ADDRESS, "200000").action, ACTION_UPDATE);
}

static void test_systemd_limit_undo_takes_only_its_own_line(void **state)
{
    struct boot_tree *tree = *state;

    make_unit(tree);
    boot_tree_write(tree, DROPIN, "[Service]\nLimitNOFILE=1000\n");
    struct change change = boot_tree_plan(tree, ADDRESS, "200000");
    assert_int_equal(change.action, ACTION_UPDATE);
    assert_string_equal(change.before.persistent, "1000");
    boot_tree_apply(tree, &change, 1);
    boot_tree_write(tree, DROPIN, "[Service]\nNice=1\nLimitNOFILE=200000\n");
    assert_int_equal(boot_tree_undo(tree, &change).persistent, UNDONE_OWN_PART);
    assert_int_equal(boot_tree_undo(tree, &change).persistent, UNDONE_ALREADY);
    assert_string_equal(boot_tree_read(tree, DROPIN), "[Service]\nNice=1\nLimitNOFILE=1000\n");
}

static void test_systemd_limit_undo_leaves_another_value(void **state)
{
    struct boot_tree *tree = *state;

    make_unit(tree);
    struct change change = boot_tree_plan(tree, ADDRESS, "200000");
    boot_tree_apply(tree, &change, 1);
    boot_tree_write(tree, DROPIN, "[Service]\nLimitNOFILE=5\n");
    struct undo_report report = boot_tree_undo(tree, &change);
    assert_int_equal(report.persistent, UNDONE_LEFT);
    assert_non_null(strstr(report.left, DROPIN));
    assert_string_equal(boot_tree_read(tree, DROPIN), "[Service]\nLimitNOFILE=5\n");
}

static void test_systemd_limit_empty_wish_takes_our_dropin_away(void **state)
{
    struct boot_tree *tree = *state;

    make_unit(tree);
    boot_tree_write(tree, DROPIN, "[Service]\nLimitNOFILE=1000\n");
    struct change change = boot_tree_plan(tree, ADDRESS, "");
    assert_int_equal(change.action, ACTION_DELETE);
    assert_null(change.after.persistent);
    boot_tree_apply(tree, &change, 1);
    assert_null(boot_tree_read(tree, DROPIN));
    assert_int_equal(boot_tree_undo(tree, &change).persistent, UNDONE_RESTORED);
    assert_string_equal(boot_tree_read(tree, DROPIN), "[Service]\nLimitNOFILE=1000\n");
}

static void test_systemd_limit_above_nr_open_is_refused(void **state)
{
    struct boot_tree *tree = *state;
    struct wish wish = {.address = "sysctl.dropin:fs.nr_open", .value = "2097152"};

    make_unit(tree);
    boot_tree_write(tree, "etc/sysctl.d/50.conf", "fs.nr_open = 1048576\n");
    boot_tree_refuse(tree, ADDRESS, "1048577", ERR_INPUT);
    assert_non_null(strstr(tree->err.text, "sysctl.dropin:fs.nr_open=1048640"));
    tree->scene.wishes = &wish;
    tree->scene.wish_count = 1;
    (void)boot_tree_plan(tree, ADDRESS, "1048577");
}

static void test_systemd_limit_of_another_unit_is_refused(void **state)
{
    struct boot_tree *tree = *state;

    make_unit(tree);
    boot_tree_write(tree, "usr/lib/systemd/system/nginx.service", "[Service]\n");
    tree->haproxy.unit = "haproxy.service";
    boot_tree_refuse(tree, "systemd.limit:nginx.service", "1000", ERR_INPUT);
    boot_tree_link(tree, "etc/systemd/system/lb.service", "/" FRAGMENT);
    assert_int_equal(boot_tree_plan(tree, "systemd.limit:lb.service", "1000").action,
                     ACTION_CREATE);
}

static void test_systemd_limit_read_knows_every_object_of_the_plan(void **state)
{
    struct boot_tree *tree = *state;
    struct change now = {0};

    make_unit(tree);
    boot_tree_write(tree, "etc/systemd/system/service.d/zz.conf", "[Service]\nLimitNOFILE=7\n");
    struct change change = boot_tree_plan(tree, ADDRESS, "200000");
    assert_int_equal(remediation_for("systemd.limit")
                         ->read(&tree->scene, "haproxy.service", tree->arena, &now, &tree->err),
                     0);
    assert_int_equal(change.touched_count, 2);
    for (size_t i = 0; i < change.touched_count; i++) {
        bool found = false;
        for (size_t k = 0; k < now.touched_count; k++)
            found = found || strcmp(now.touched[k].object, change.touched[i].object) == 0;
        assert_true(found);
    }
    assert_string_equal(now.before.persistent, "7");
}

/* prlimit on a process that sleeps. */
static void test_limits_set_is_read_back(void **state)
{
    uint64_t soft = 0, hard = 0;
    struct err err = {0};
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        (void)pause();
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(limits_read(pid, &soft, &hard, &err), 0);
    assert_true(hard >= 64);
    assert_int_equal(limits_set(pid, 60, hard, &err), 0);
    assert_int_equal(limits_read(pid, &soft, &hard, &err), 0);
    assert_int_equal(soft, 60);
    assert_int_equal(limits_set(pid, 60, 59, &err), -1);
    assert_int_equal(err.sys, EINVAL);
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(limits_read(pid, &soft, &hard, &err), -1);
    assert_int_equal(err.sys, ESRCH);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, boot_tree_setup, boot_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(test_systemd_limit_check_takes_one_number),
        IN_TREE(test_systemd_limit_in_a_tree_is_a_dropin),
        IN_TREE(test_systemd_limit_that_files_give_already_is_left_alone),
        IN_TREE(test_systemd_limit_undo_takes_only_its_own_line),
        IN_TREE(test_systemd_limit_undo_leaves_another_value),
        IN_TREE(test_systemd_limit_empty_wish_takes_our_dropin_away),
        IN_TREE(test_systemd_limit_above_nr_open_is_refused),
        IN_TREE(test_systemd_limit_of_another_unit_is_refused),
        IN_TREE(test_systemd_limit_read_knows_every_object_of_the_plan),
        cmocka_unit_test(test_limits_set_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
