#include <arpa/inet.h>
#include <sys/socket.h>

#include "remediations/sysctl_ports.h"
#include "tests/unit/boot_tree.h"

#define SOMAXCONN_ADDRESS "sysctl.dropin:net.core.somaxconn"
#define RANGE             "sysctl.dropin:net.ipv4.ip_local_port_range"
#define RESERVED          "sysctl.dropin:net.ipv4.ip_local_reserved_ports"
#define OWN               "etc/sysctl.d/99-hamedic.conf"
#define SOMAXCONN_PATH    "proc/sys/net/core/somaxconn"

/* A tree that stands for a running kernel: net.core.somaxconn is 128 there. */
static void make_running(struct boot_tree *tree)
{
    boot_tree_write(tree, SOMAXCONN_PATH, "128\n");
    boot_tree_write(tree, "proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    boot_tree_write(tree, "proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
    boot_tree_write(tree, "proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n");
    tree->host->live = true;
}

static const char *checked(struct boot_tree *tree, const char *target, const char *value)
{
    const char *out = NULL;

    if (remediation_for("sysctl.dropin")->check(target, value, tree->arena, &out, &tree->err) < 0)
        return NULL;
    return out;
}

static void test_sysctl_dropin_check_gives_one_form(void **state)
{
    struct boot_tree *tree = *state;

    assert_string_equal(checked(tree, "net.ipv4.ip_local_port_range", " 1024\t 65535 "),
                        "1024 65535");
    assert_string_equal(
        checked(tree, "net.ipv4.ip_local_reserved_ports", "8443,8404,8405,80-82,81"),
        "80-82,8404-8405,8443");
    assert_string_equal(checked(tree, "net.core.somaxconn", "04096"), "4096");
    assert_string_equal(checked(tree, "net.core.somaxconn", ""), "");
}

static void test_sysctl_dropin_check_refuses_what_the_kernel_would(void **state)
{
    struct boot_tree *tree = *state;

    assert_null(checked(tree, "net.core.somaxconn", "many"));
    assert_null(checked(tree, "net.core.somaxconn", "0"));
    assert_null(checked(tree, "net.core.somaxconn", "2147483648"));
    assert_null(checked(tree, "net.core.somaxconn", "1\n2"));
    assert_null(checked(tree, "net.ipv4.ip_local_port_range", "65535 1024"));
    assert_null(checked(tree, "net.ipv4.ip_local_port_range", "1024"));
    assert_null(checked(tree, "net.ipv4.ip_local_port_range", "1024 65536"));
    assert_null(checked(tree, "net.ipv4.ip_local_reserved_ports", "70000"));
    assert_null(checked(tree, "net.ipv4.ip_local_reserved_ports", "90-80"));
    assert_null(checked(tree, "net/core/somaxconn", "1"));
    assert_null(checked(tree, "net.core.somaxconn\n", "1"));
    assert_null(checked(tree, "../etc/passwd", "1"));
}

static void test_sysctl_dropin_in_a_tree_has_no_running_side(void **state)
{
    struct boot_tree *tree = *state;
    struct change change = boot_tree_plan(tree, SOMAXCONN_ADDRESS, "4096");

    assert_int_equal(change.action, ACTION_CREATE);
    assert_null(change.before.persistent);
    assert_null(change.before.runtime);
    assert_string_equal(change.after.persistent, "4096");
    assert_null(change.after.runtime);
    assert_string_equal(change.file, "/" OWN);
    boot_tree_apply(tree, &change, 1);
    assert_non_null(strstr(boot_tree_read(tree, OWN), "net.core.somaxconn = 4096\n"));
    struct undo_report report = boot_tree_undo(tree, &change);
    assert_int_equal(report.persistent, UNDONE_RESTORED);
    assert_int_equal(report.runtime, UNDONE_ALREADY);
    assert_null(boot_tree_read(tree, OWN));
}

static void test_sysctl_dropin_sets_both_sides_and_takes_both_back(void **state)
{
    struct boot_tree *tree = *state;

    make_running(tree);
    boot_tree_write(tree, "etc/sysctl.d/99-haproxy.conf",
                    "net.core.somaxconn=256\nfs.file-max=9\n");
    struct change change = boot_tree_plan(tree, SOMAXCONN_ADDRESS, "4096");
    assert_int_equal(change.action, ACTION_UPDATE);
    assert_string_equal(change.before.persistent, "256");
    assert_string_equal(change.before.runtime, "128");
    assert_string_equal(change.after.runtime, "4096");
    assert_string_equal(change.file, "/etc/sysctl.d/99-haproxy.conf");
    assert_int_equal(change.impact, IMPACT_NONE);
    assert_non_null(strstr(change.notes.at[0], "restart"));

    boot_tree_stage(tree, &change, 1);
    assert_string_equal(boot_tree_read(tree, SOMAXCONN_PATH), "128\n");
    stage_free(tree->stage);
    boot_tree_apply(tree, &change, 1);
    assert_string_equal(boot_tree_read(tree, SOMAXCONN_PATH), "4096\n");
    assert_string_equal(boot_tree_read(tree, "etc/sysctl.d/99-haproxy.conf"),
                        "net.core.somaxconn=4096\nfs.file-max=9\n");
    struct undo_report report = boot_tree_undo(tree, &change);
    assert_int_equal(report.persistent, UNDONE_RESTORED);
    assert_int_equal(report.runtime, UNDONE_RESTORED);
    assert_string_equal(boot_tree_read(tree, SOMAXCONN_PATH), "128\n");
    assert_string_equal(boot_tree_read(tree, "etc/sysctl.d/99-haproxy.conf"),
                        "net.core.somaxconn=256\nfs.file-max=9\n");
}

static void test_sysctl_dropin_undo_takes_only_its_own_part_of_an_edited_file(void **state)
{
    struct boot_tree *tree = *state;
    struct change changes[2] = {boot_tree_plan(tree, SOMAXCONN_ADDRESS, "4096"),
                                boot_tree_plan(tree, "sysctl.dropin:fs.file-max", "100000")};

    boot_tree_apply(tree, changes, 2);
    const char *text = boot_tree_read(tree, OWN);
    boot_tree_write(tree, OWN, arena_printf(tree->arena, "%skernel.x = 1\n", text));
    assert_int_equal(boot_tree_undo(tree, &changes[1]).persistent, UNDONE_OWN_PART);
    assert_int_equal(boot_tree_undo(tree, &changes[0]).persistent, UNDONE_OWN_PART);
    /* Recovery does it again where a crash came before that was recorded. */
    struct undo_report again = boot_tree_undo(tree, &changes[0]);
    assert_int_equal(again.persistent, UNDONE_ALREADY);
    assert_null(again.left);
    assert_non_null(strstr(boot_tree_read(tree, OWN), "kernel.x = 1\n"));
    assert_null(strstr(boot_tree_read(tree, OWN), "somaxconn"));
    assert_null(strstr(boot_tree_read(tree, OWN), "file-max"));
}

static void test_sysctl_dropin_undo_puts_the_old_value_into_an_edited_file(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/99-haproxy.conf", "net.core.somaxconn=256\n");
    struct change change = boot_tree_plan(tree, SOMAXCONN_ADDRESS, "4096");
    boot_tree_apply(tree, &change, 1);
    boot_tree_write(tree, "etc/sysctl.d/99-haproxy.conf", "# mine\nnet.core.somaxconn=4096\n");
    assert_int_equal(boot_tree_undo(tree, &change).persistent, UNDONE_OWN_PART);
    assert_string_equal(boot_tree_read(tree, "etc/sysctl.d/99-haproxy.conf"),
                        "# mine\nnet.core.somaxconn=256\n");
}

static void test_sysctl_dropin_undo_leaves_what_somebody_else_set(void **state)
{
    struct boot_tree *tree = *state;

    make_running(tree);
    struct change change = boot_tree_plan(tree, SOMAXCONN_ADDRESS, "4096");
    boot_tree_apply(tree, &change, 1);
    boot_tree_write(tree, SOMAXCONN_PATH, "777\n");
    boot_tree_write(tree, OWN, "net.core.somaxconn = 888\n");
    struct undo_report report = boot_tree_undo(tree, &change);
    assert_int_equal(report.persistent, UNDONE_LEFT);
    assert_int_equal(report.runtime, UNDONE_LEFT);
    assert_non_null(strstr(report.left, "777"));
    assert_non_null(strstr(report.left, OWN));
    assert_string_equal(boot_tree_read(tree, SOMAXCONN_PATH), "777\n");
    assert_string_equal(boot_tree_read(tree, OWN), "net.core.somaxconn = 888\n");
}

static void test_sysctl_dropin_running_value_alone_is_a_change(void **state)
{
    struct boot_tree *tree = *state;

    make_running(tree);
    boot_tree_write(tree, "etc/sysctl.d/50.conf", "net.core.somaxconn = 4096\n");
    struct change change = boot_tree_plan(tree, SOMAXCONN_ADDRESS, "4096");
    assert_int_equal(change.action, ACTION_UPDATE);
    assert_int_equal(change.diff.count, 0);
    boot_tree_apply(tree, &change, 1);
    assert_string_equal(boot_tree_read(tree, SOMAXCONN_PATH), "4096\n");
    assert_null(boot_tree_read(tree, OWN));
    assert_int_equal(boot_tree_plan(tree, SOMAXCONN_ADDRESS, "4096").action, ACTION_NO_OP);
    assert_int_equal(boot_tree_undo(tree, &change).runtime, UNDONE_RESTORED);
    assert_string_equal(boot_tree_read(tree, SOMAXCONN_PATH), "128\n");
}

static void test_sysctl_dropin_empty_wish_takes_our_line_away(void **state)
{
    struct boot_tree *tree = *state;

    make_running(tree);
    boot_tree_write(tree, "usr/lib/sysctl.d/50.conf", "net.core.somaxconn = 128\n");
    boot_tree_write(tree, OWN, "net.core.somaxconn = 4096\n# keep\n");
    boot_tree_write(tree, SOMAXCONN_PATH, "4096\n");
    struct change change = boot_tree_plan(tree, SOMAXCONN_ADDRESS, "");
    assert_int_equal(change.action, ACTION_DELETE);
    assert_string_equal(change.after.persistent, "128");
    assert_string_equal(change.after.runtime, "128");
    boot_tree_apply(tree, &change, 1);
    assert_string_equal(boot_tree_read(tree, OWN), "# keep\n");
    assert_string_equal(boot_tree_read(tree, SOMAXCONN_PATH), "128\n");
    (void)boot_tree_undo(tree, &change);
    assert_string_equal(boot_tree_read(tree, OWN), "net.core.somaxconn = 4096\n# keep\n");
    assert_string_equal(boot_tree_read(tree, SOMAXCONN_PATH), "4096\n");
}

static void test_sysctl_dropin_prove_sees_a_later_file_that_came_meanwhile(void **state)
{
    struct boot_tree *tree = *state;
    struct change change = boot_tree_plan(tree, SOMAXCONN_ADDRESS, "4096");
    struct proof proof;

    boot_tree_apply(tree, &change, 1);
    boot_tree_write(tree, "etc/sysctl.d/99-haproxy.conf", "net.core.somaxconn = 1\n");
    assert_int_equal(remediation_for("sysctl.dropin")
                         ->prove(tree->stage, &change, tree->arena, &proof, &tree->err),
                     -1);
    assert_non_null(strstr(tree->err.text, "99-haproxy.conf"));
}

static void test_sysctl_dropin_read_knows_every_object_of_the_plan(void **state)
{
    struct boot_tree *tree = *state;
    struct change now = {0};

    make_running(tree);
    boot_tree_write(tree, "usr/lib/sysctl.d/99-vendor.conf", "net.core.somaxconn = 1\n");
    struct change change = boot_tree_plan(tree, SOMAXCONN_ADDRESS, "4096");
    assert_int_equal(remediation_for("sysctl.dropin")
                         ->read(&tree->scene, "net.core.somaxconn", tree->arena, &now, &tree->err),
                     0);
    assert_int_equal(change.touched_count, 3);
    for (size_t i = 0; i < change.touched_count; i++) {
        bool found = false;
        for (size_t k = 0; k < now.touched_count; k++)
            found = found || (strcmp(now.touched[k].object, change.touched[i].object) == 0 &&
                              strcmp(now.touched[k].digest, change.touched[i].digest) == 0);
        assert_true(found);
    }
    assert_string_equal(now.before.runtime, change.before.runtime);
    assert_string_equal(now.before.persistent, change.before.persistent);
}

static void test_sysctl_dropin_other_network_namespace_is_unsupported(void **state)
{
    struct boot_tree *tree = *state;

    make_running(tree);
    tree->haproxy.running = true;
    boot_tree_refuse(tree, SOMAXCONN_ADDRESS, "4096", ERR_UNSUPPORTED);
    boot_tree_write(tree, "proc/sys/fs/file-max", "1000\n");
    assert_int_equal(boot_tree_plan(tree, "sysctl.dropin:fs.file-max", "2000").action,
                     ACTION_CREATE);
}

static void test_sysctl_dropin_key_this_kernel_lacks_is_unsupported(void **state)
{
    struct boot_tree *tree = *state;

    make_running(tree);
    boot_tree_refuse(tree, "sysctl.dropin:net.core.nosuch", "1", ERR_UNSUPPORTED);
}

/* ---- ports ---- */

static struct cfg *with_bind(struct boot_tree *tree, uint32_t low, uint32_t high)
{
    struct cfg *cfg = arena_alloc(tree->arena, sizeof *cfg);
    struct cfg_proxy *proxy = arena_alloc(tree->arena, sizeof *proxy);

    proxy->binds = arena_alloc(tree->arena, sizeof *proxy->binds);
    proxy->binds[0].port_low = low;
    proxy->binds[0].port_high = high;
    proxy->bind_count = 1;
    ARENA_PUSH(tree->arena, cfg->proxies, cfg->proxy_count) = proxy;
    return cfg;
}

static void test_sysctl_dropin_range_over_a_bind_port_is_refused(void **state)
{
    struct boot_tree *tree = *state;

    tree->scene.cfg = with_bind(tree, 8404, 8405);
    boot_tree_refuse(tree, RANGE, "1024 65535", ERR_INPUT);
    assert_non_null(strstr(tree->err.text, "reserved: 8404-8405;"));
    assert_non_null(strstr(tree->err.text, "ip_local_reserved_ports=8404-8405"));
    assert_int_equal(boot_tree_plan(tree, RANGE, "9000 65535").action, ACTION_CREATE);
}

static void test_sysctl_dropin_range_names_what_is_reserved_already_too(void **state)
{
    struct boot_tree *tree = *state;

    tree->scene.cfg = with_bind(tree, 8404, 8404);
    boot_tree_write(tree, "etc/sysctl.d/50.conf", "net.ipv4.ip_local_reserved_ports = 80,9000\n");
    boot_tree_refuse(tree, RANGE, "1024 65535", ERR_INPUT);
    assert_non_null(strstr(tree->err.text, "ip_local_reserved_ports=80,8404,9000"));
}

static void test_sysctl_dropin_range_with_the_wish_beside_it_is_planned(void **state)
{
    struct boot_tree *tree = *state;
    struct wish wish = {.address = RESERVED, .value = "8404"};

    tree->scene.cfg = with_bind(tree, 8404, 8404);
    tree->scene.wishes = &wish;
    tree->scene.wish_count = 1;
    struct change change = boot_tree_plan(tree, RANGE, "1024 65535");
    assert_int_equal(change.exposure.count, 2);
    assert_non_null(strstr(change.exposure.at[1], "name_bind"));
    wish.value = "8405";
    boot_tree_refuse(tree, RANGE, "1024 65535", ERR_INPUT);
}

static void test_sysctl_dropin_range_reserved_only_now_is_refused(void **state)
{
    struct boot_tree *tree = *state;

    make_running(tree);
    tree->scene.cfg = with_bind(tree, 8404, 8404);
    boot_tree_write(tree, "proc/sys/net/ipv4/ip_local_reserved_ports", "1024-32767\n");
    boot_tree_refuse(tree, RANGE, "1024 60999", ERR_INPUT);
    assert_non_null(strstr(tree->err.text, "8404"));
    boot_tree_write(tree, "etc/sysctl.d/50.conf", "net.ipv4.ip_local_reserved_ports=1024-32767\n");
    (void)boot_tree_plan(tree, RANGE, "1024 60999");
}

static void test_sysctl_dropin_range_over_a_socket_that_listens_is_refused(void **state)
{
    struct boot_tree *tree = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = -1;
    uint16_t port = 20000;

    make_running(tree);
    for (; port < 30000 && fd < 0; port++) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address.sin_port = htons(port);
        if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0)
            break;
        (void)close(fd);
        fd = -1;
    }
    assert_true(fd >= 0);
    const char *range = arena_printf(tree->arena, "%u 65535", port);
    boot_tree_refuse(tree, RANGE, range, ERR_INPUT);
    assert_non_null(strstr(tree->err.text, arena_printf(tree->arena, "%u", port)));
    (void)close(fd);
}

static void test_sysctl_dropin_range_below_the_unprivileged_ports_is_refused(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_refuse(tree, RANGE, "1000 65535", ERR_INPUT);
    boot_tree_write(tree, "etc/sysctl.d/50.conf", "net.ipv4.ip_unprivileged_port_start = 5000\n");
    boot_tree_refuse(tree, RANGE, "4999 65535", ERR_INPUT);
    (void)boot_tree_plan(tree, RANGE, "5000 65535");
}

static void test_sysctl_dropin_shorter_list_says_what_it_opens(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/50.conf", "net.ipv4.ip_local_reserved_ports=80,8404\n");
    struct change change = boot_tree_plan(tree, RESERVED, "80");
    assert_int_equal(change.exposure.count, 1);
    assert_non_null(strstr(change.exposure.at[0], "8404"));
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, boot_tree_setup, boot_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(test_sysctl_dropin_check_gives_one_form),
        IN_TREE(test_sysctl_dropin_check_refuses_what_the_kernel_would),
        IN_TREE(test_sysctl_dropin_in_a_tree_has_no_running_side),
        IN_TREE(test_sysctl_dropin_sets_both_sides_and_takes_both_back),
        IN_TREE(test_sysctl_dropin_undo_takes_only_its_own_part_of_an_edited_file),
        IN_TREE(test_sysctl_dropin_undo_puts_the_old_value_into_an_edited_file),
        IN_TREE(test_sysctl_dropin_undo_leaves_what_somebody_else_set),
        IN_TREE(test_sysctl_dropin_running_value_alone_is_a_change),
        IN_TREE(test_sysctl_dropin_empty_wish_takes_our_line_away),
        IN_TREE(test_sysctl_dropin_prove_sees_a_later_file_that_came_meanwhile),
        IN_TREE(test_sysctl_dropin_read_knows_every_object_of_the_plan),
        IN_TREE(test_sysctl_dropin_other_network_namespace_is_unsupported),
        IN_TREE(test_sysctl_dropin_key_this_kernel_lacks_is_unsupported),
        IN_TREE(test_sysctl_dropin_range_over_a_bind_port_is_refused),
        IN_TREE(test_sysctl_dropin_range_names_what_is_reserved_already_too),
        IN_TREE(test_sysctl_dropin_range_with_the_wish_beside_it_is_planned),
        IN_TREE(test_sysctl_dropin_range_reserved_only_now_is_refused),
        IN_TREE(test_sysctl_dropin_range_over_a_socket_that_listens_is_refused),
        IN_TREE(test_sysctl_dropin_range_below_the_unprivileged_ports_is_refused),
        IN_TREE(test_sysctl_dropin_shorter_list_says_what_it_opens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
