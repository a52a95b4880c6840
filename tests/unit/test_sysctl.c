#include "remediations/host/sysctl.h"

#include "tests/unit/boot_tree.h"

#define KEY "net.core.somaxconn"
#define HEAD                                                                                       \
    "# Written by hamedic. 'hamedic history' tells which plan set what, and takes it back.\n"

static struct sysctl_boot at_boot(struct boot_tree *tree, const char *key)
{
    struct sysctl_boot boot = {0};

    if (sysctl_at_boot(tree->host, key, tree->arena, &boot, &tree->err) < 0)
        fail_msg("%s", tree->err.text);
    return boot;
}

static struct sysctl_edit plan(struct boot_tree *tree, const char *key, const char *value)
{
    struct sysctl_edit edit = {0};

    if (sysctl_plan_edit(tree->host, key, value, tree->arena, &edit, &tree->err) < 0)
        fail_msg("%s", tree->err.text);
    return edit;
}

static void assert_text(struct span span, const char *expected)
{
    assert_int_equal(span.len, strlen(expected));
    assert_memory_equal(span.ptr == NULL ? "" : span.ptr, expected, span.len);
}

static const char *edited(struct boot_tree *tree, struct span text, const char *key,
                          const char *value)
{
    struct span out = {0};

    if (sysctl_edit_text(text, key, value, tree->arena, &out, NULL, &tree->err) < 0)
        fail_msg("%s", tree->err.text);
    return arena_copy(tree->arena, out.ptr == NULL ? "" : out.ptr, out.len);
}

static const char *edited_text(struct boot_tree *tree, const char *text, const char *value)
{
    return edited(tree, span_of(text), KEY, value);
}

static void test_sysctl_key_is_valid_only_as_a_dotted_path(void **state)
{
    (void)state;
    assert_true(sysctl_key_is_valid("net.core.somaxconn"));
    assert_true(sysctl_key_is_valid("net.ipv4.conf.eth0/100.rp_filter"));
    assert_true(sysctl_key_is_valid("fs.file-max"));
    assert_false(sysctl_key_is_valid(""));
    assert_false(sysctl_key_is_valid("somaxconn"));
    assert_false(sysctl_key_is_valid("net/core/somaxconn"));
    assert_false(sysctl_key_is_valid("net.core.somaxconn "));
    assert_false(sysctl_key_is_valid("net.core."));
    assert_false(sysctl_key_is_valid(".net.core"));
    assert_false(sysctl_key_is_valid("net..core"));
    assert_false(sysctl_key_is_valid("-net.core.somaxconn"));
    assert_false(sysctl_key_is_valid("net.core.*"));
    assert_false(sysctl_key_is_valid("a.//.b")); /* a/../b */
    assert_false(sysctl_key_is_valid("net.core.Somaxconn"));
}

/* ---- who sets it ---- */

static void assert_assignment(const struct sysctl_assignment *found, const char *file, size_t line,
                              const char *value, bool wins, bool for_haproxy)
{
    assert_string_equal(found->file, file);
    assert_int_equal(found->line, line);
    assert_string_equal(found->value, value);
    assert_int_equal(found->wins, wins);
    assert_int_equal(found->for_haproxy, for_haproxy);
}

static void test_sysctl_assignments_are_told_in_the_order_of_boot(void **state)
{
    struct boot_tree *tree = *state;
    struct sysctl_assignment *found = NULL;
    size_t count = 0;

    boot_tree_write(tree, "usr/lib/sysctl.d/10-vendor.conf", KEY " = 1\n");
    boot_tree_write(tree, "etc/sysctl.d/50-haproxy.conf", "# x\nnet/core/somaxconn=16384\n");
    boot_tree_write(tree, "run/sysctl.d/60-x.conf", "-" KEY " = 7\n");
    boot_tree_write(tree, "etc/sysctl.d/70-y.conf", "# For HAproxy's queue\n" KEY "=8\n");
    boot_tree_write(tree, "etc/sysctl.d/80-z.conf", "net.core.*=9\nnet.core.somaxconn2=9\n");
    boot_tree_write(tree, "etc/sysctl.conf", KEY " = 1024\n");
    boot_tree_link(tree, "etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
    assert_int_equal(sysctl_assignments(tree->host, KEY, tree->arena, &found, &count, &tree->err),
                     0);
    assert_int_equal(count, 4);
    assert_assignment(&found[0], "/etc/sysctl.d/50-haproxy.conf", 2, "16384", false, true);
    assert_assignment(&found[1], "/run/sysctl.d/60-x.conf", 1, "7", false, false);
    assert_assignment(&found[2], "/etc/sysctl.d/70-y.conf", 2, "8", false, true);
    assert_assignment(&found[3], "/etc/sysctl.d/99-sysctl.conf", 1, "1024", true, false);
    assert_string_equal(found[3].real_file, "/etc/sysctl.conf");
    assert_true(found[3].is_read);
}

static void test_sysctl_assignments_old_file_without_a_link_is_not_read(void **state)
{
    struct boot_tree *tree = *state;
    struct sysctl_assignment *found = NULL;
    size_t count = 0;

    boot_tree_write(tree, "usr/lib/sysctl.d/10-vendor.conf", KEY " = 1\n");
    boot_tree_write(tree, "etc/sysctl.conf", KEY " = 1024\n");
    boot_tree_directory(tree, "etc/sysctl.d/x");
    assert_int_equal(sysctl_assignments(tree->host, KEY, tree->arena, &found, &count, &tree->err),
                     0);
    assert_int_equal(count, 2);
    assert_assignment(&found[0], "/etc/sysctl.conf", 1, "1024", false, false);
    assert_false(found[0].is_read);
    assert_assignment(&found[1], "/usr/lib/sysctl.d/10-vendor.conf", 1, "1", true, false);
}

static void test_sysctl_assignments_masked_file_is_not_told(void **state)
{
    struct boot_tree *tree = *state;
    struct sysctl_assignment *found = NULL;
    size_t count = 0;

    boot_tree_write(tree, "run/sysctl.d/50-x.conf", KEY " = 5\n");
    boot_tree_link(tree, "etc/sysctl.d/50-x.conf", "/dev/null");
    assert_int_equal(sysctl_assignments(tree->host, KEY, tree->arena, &found, &count, &tree->err),
                     0);
    assert_int_equal(count, 0);
}

static void test_sysctl_at_boot_nothing_set_gives_no_value(void **state)
{
    struct sysctl_boot boot = at_boot(*state, KEY);

    assert_null(boot.value);
    assert_null(boot.file);
}

static void test_sysctl_at_boot_later_name_wins_over_earlier_directory(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/50-a.conf", KEY " = 1\n");
    boot_tree_write(tree, "usr/lib/sysctl.d/60-b.conf", "x = 1\n\nnet/core/somaxconn = \t 2  \n");
    struct sysctl_boot boot = at_boot(tree, KEY);
    assert_string_equal(boot.value, "2");
    assert_string_equal(boot.file, "/usr/lib/sysctl.d/60-b.conf");
    assert_int_equal(boot.line, 3);
}

static void test_sysctl_at_boot_same_name_is_masked_by_earlier_directory(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "usr/lib/sysctl.d/60-b.conf", KEY " = 2\n");
    boot_tree_link(tree, "etc/sysctl.d/60-b.conf", "/dev/null");
    assert_null(at_boot(tree, KEY).value);
}

static void test_sysctl_at_boot_directory_of_that_name_masks(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "usr/lib/sysctl.d/60-b.conf", KEY " = 2\n");
    boot_tree_directory(tree, "etc/sysctl.d/60-b.conf/x");
    assert_null(at_boot(tree, KEY).value);
}

static void test_sysctl_at_boot_link_names_both_files(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.conf", KEY " = 3\n");
    assert_null(at_boot(tree, KEY).value);
    boot_tree_link(tree, "etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
    struct sysctl_boot boot = at_boot(tree, KEY);
    assert_string_equal(boot.value, "3");
    assert_string_equal(boot.file, "/etc/sysctl.d/99-sysctl.conf");
    assert_string_equal(boot.real_file, "/etc/sysctl.conf");
}

static void test_sysctl_at_boot_link_loop_is_nothing(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_link(tree, "etc/sysctl.d/10-loop.conf", "10-loop.conf");
    assert_null(at_boot(tree, KEY).value);
}

static void test_sysctl_at_boot_explicit_key_beats_later_glob(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/10.conf", "net.ipv4.conf.all.rp_filter = 1\n");
    boot_tree_write(tree, "etc/sysctl.d/20.conf", "net.ipv4.conf.*.rp_filter = 2\n");
    assert_string_equal(at_boot(tree, "net.ipv4.conf.all.rp_filter").value, "1");
    assert_string_equal(at_boot(tree, "net.ipv4.conf.lo.rp_filter").value, "2");
    assert_null(at_boot(tree, "net.ipv4.conf.lo.deep.rp_filter").value);
}

/* The first glob is applied last: its value was another before, and then changed. */
static void test_sysctl_at_boot_glob_that_changed_last_wins(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/10.conf", "net.ipv4.conf.*.rp_filter = 1\n");
    boot_tree_write(tree, "etc/sysctl.d/20.conf", "net.ipv4.conf.a*.rp_filter = 2\n");
    assert_string_equal(at_boot(tree, "net.ipv4.conf.all.rp_filter").value, "2");
    boot_tree_write(tree, "etc/sysctl.d/30.conf", "net.ipv4.conf.*.rp_filter = 1\n");
    assert_string_equal(at_boot(tree, "net.ipv4.conf.all.rp_filter").value, "2");
    boot_tree_write(tree, "etc/sysctl.d/30.conf", "net.ipv4.conf.*.rp_filter = 0\n");
    assert_string_equal(at_boot(tree, "net.ipv4.conf.all.rp_filter").value, "0");
}

static void test_sysctl_at_boot_minus_alone_keeps_globs_away(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/10.conf",
                    "net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\n");
    assert_null(at_boot(tree, "net.ipv4.conf.all.rp_filter").value);
    assert_string_equal(at_boot(tree, "net.ipv4.conf.lo.rp_filter").value, "2");
}

static void test_sysctl_at_boot_value_is_all_behind_the_equal_sign(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/10.conf", "- " KEY "=1 # no comment\r\nother.key=2\r\n");
    assert_string_equal(at_boot(tree, KEY).value, "1 # no comment");
    assert_string_equal(at_boot(tree, "other.key").value, "2");
}

static void test_sysctl_at_boot_foreign_bytes_are_escaped(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/10.conf", KEY " = 1\x1b[2J\n");
    assert_string_equal(at_boot(tree, KEY).value, "1\\x1b[2J");
}

static void test_sysctl_edit_text_keeps_every_other_byte(void **state)
{
    struct boot_tree *tree = *state;

    assert_string_equal(edited_text(tree, "# a\r\n-net/core/somaxconn\t=  1 \t\r\nb.c=2", "4096"),
                        "# a\r\n-net/core/somaxconn\t=  4096 \t\r\nb.c=2");
    assert_string_equal(edited_text(tree, KEY " =\n", "4096"), KEY " = 4096\n");
    assert_string_equal(edited_text(tree, KEY " =   \n", "4096"), KEY " = 4096   \n");
}

static void test_sysctl_edit_text_changes_the_last_assignment(void **state)
{
    struct boot_tree *tree = *state;

    assert_string_equal(
        edited_text(tree, KEY "=1\nnet/core/somaxconn=2\n#" KEY "=3\n-" KEY "\n", "9"),
        KEY "=1\nnet/core/somaxconn=9\n#" KEY "=3\n-" KEY "\n");
}

static void test_sysctl_edit_text_appends_behind_a_cut_off_line(void **state)
{
    struct boot_tree *tree = *state;

    assert_string_equal(edited_text(tree, "a.b=1", "9"), "a.b=1\n" KEY " = 9\n");
    assert_string_equal(edited_text(tree, "a.b=1\r\n", "9"), "a.b=1\r\n" KEY " = 9\r\n");
    assert_string_equal(edited_text(tree, "", "9"), HEAD KEY " = 9\n");
}

static void test_sysctl_edit_text_removal_leaves_what_is_not_ours(void **state)
{
    struct boot_tree *tree = *state;

    assert_string_equal(edited_text(tree, HEAD KEY " = 9\n", NULL), "");
    assert_string_equal(edited_text(tree, HEAD KEY " = 9\nother.key = 1\n", NULL),
                        HEAD "other.key = 1\n");
    assert_string_equal(edited_text(tree, HEAD "# why\n" KEY " = 9\n", NULL), HEAD "# why\n");
    assert_string_equal(edited_text(tree, "a.b=1\n", NULL), "a.b=1\n");
}

static void test_sysctl_edit_text_survives_nul_bytes(void **state)
{
    struct boot_tree *tree = *state;
    static const char text[] = "a.b=1\0" KEY "=2\0c.d=3";
    static const char expected[] = "a.b=1\0" KEY "=9\0c.d=3";

    assert_memory_equal(edited(tree, (struct span){text, sizeof text - 1}, KEY, "9"), expected,
                        sizeof expected);
}

static void test_sysctl_edit_text_with_a_line_break_in_the_value_is_refused(void **state)
{
    struct boot_tree *tree = *state;
    struct span out;

    assert_int_equal(
        sysctl_edit_text(span_of(""), KEY, "1\nkernel.x=2", tree->arena, &out, NULL, &tree->err),
        -1);
    assert_int_equal(tree->err.kind, ERR_INPUT);
}

static void test_sysctl_plan_edit_new_key_goes_to_our_file(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "usr/lib/sysctl.d/50-a.conf", KEY " = 1\n");
    struct sysctl_edit edit = plan(tree, KEY, "4096");
    assert_string_equal(edit.path, SYSCTL_OWN_FILE);
    assert_false(edit.existed);
    assert_true(edit.exists);
    assert_text(edit.after, HEAD KEY " = 4096\n");
    assert_string_equal(edit.boot.file, SYSCTL_OWN_FILE);
    assert_int_equal(edit.diff.count, 2);
    assert_string_equal(edit.diff.at[1], "+" KEY " = 4096");
}

/* The two names of the field: both sort behind 99-hamedic.conf. */
static void test_sysctl_plan_edit_later_file_is_edited_where_it_stands(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/99-haproxy.conf", "# tuned\n" KEY "=128\nfs.file-max=1\n");
    struct sysctl_edit edit = plan(tree, KEY, "4096");
    assert_string_equal(edit.path, "/etc/sysctl.d/99-haproxy.conf");
    assert_text(edit.after, "# tuned\n" KEY "=4096\nfs.file-max=1\n");
}

static void test_sysctl_plan_edit_debian_link_leads_to_its_real_file(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.conf", KEY "=128\n");
    boot_tree_link(tree, "etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
    struct sysctl_edit edit = plan(tree, KEY, "4096");
    assert_string_equal(edit.path, "/etc/sysctl.conf");
    assert_text(edit.after, KEY "=4096\n");
    assert_string_equal(edit.boot.file, "/etc/sysctl.d/99-sysctl.conf");
}

static void test_sysctl_plan_edit_package_file_gets_a_later_one_of_ours(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "usr/lib/sysctl.d/99-vendor.conf", KEY "=128\n");
    assert_string_equal(plan(tree, KEY, "4096").path, "/etc/sysctl.d/zz-hamedic.conf");
    boot_tree_write(tree, "run/sysctl.d/zz-tuned.conf", KEY "=129\n");
    assert_string_equal(plan(tree, KEY, "4096").path, "/etc/sysctl.d/zzzz-hamedic.conf");
}

static void test_sysctl_plan_edit_managed_file_gets_a_later_one_of_ours(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/99-zz.conf", "# Ansible managed\n" KEY "=128\n");
    assert_string_equal(plan(tree, KEY, "4096").path, "/etc/sysctl.d/zz-hamedic.conf");
}

static void test_sysctl_plan_edit_minus_in_later_file_gets_a_later_one_of_ours(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/99-zz.conf", "-" KEY "\n");
    struct sysctl_edit edit = plan(tree, KEY, "4096");
    assert_string_equal(edit.path, "/etc/sysctl.d/zz-hamedic.conf");
    assert_string_equal(edit.boot.value, "4096");
}

static void test_sysctl_plan_edit_later_glob_does_not_move_our_file(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/zz.conf", "net.ipv4.conf.*.rp_filter=2\n");
    assert_string_equal(plan(tree, "net.ipv4.conf.all.rp_filter", "1").path, SYSCTL_OWN_FILE);
}

static void test_sysctl_plan_edit_our_name_masked_uses_another(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_link(tree, "etc/sysctl.d/99-hamedic.conf", "/dev/null");
    assert_string_equal(plan(tree, KEY, "4096").path, "/etc/sysctl.d/zz-hamedic.conf");
}

static void test_sysctl_plan_edit_no_name_of_ours_would_win_is_unsupported(void **state)
{
    struct boot_tree *tree = *state;
    struct sysctl_edit edit;

    boot_tree_write(tree, "usr/lib/sysctl.d/zzzzz.conf", "\n" KEY "=128\n");
    assert_int_equal(sysctl_plan_edit(tree->host, KEY, "4096", tree->arena, &edit, &tree->err), -1);
    assert_int_equal(tree->err.kind, ERR_UNSUPPORTED);
    assert_non_null(strstr(tree->err.text, "'/usr/lib/sysctl.d/zzzzz.conf' line 2"));
}

static void test_sysctl_plan_edit_same_value_changes_nothing(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/99-haproxy.conf",
                    "net.ipv4.ip_local_port_range=1024\t65535\n");
    struct sysctl_edit edit = plan(tree, "net.ipv4.ip_local_port_range", "1024 65535");
    assert_true(span_equal(edit.before, edit.after));
    assert_int_equal(edit.diff.count, 0);
}

static void test_sysctl_plan_edit_removal_deletes_our_emptied_file(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/50.conf", KEY "=128\n");
    boot_tree_write(tree, "etc/sysctl.d/99-hamedic.conf", HEAD KEY " = 4096\n");
    struct sysctl_edit edit = plan(tree, KEY, NULL);
    assert_true(edit.existed);
    assert_false(edit.exists);
    assert_string_equal(edit.boot.value, "128");
}

static void test_sysctl_plan_edit_removal_leaves_files_of_others(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "etc/sysctl.d/99-haproxy.conf", KEY "=128\n");
    struct sysctl_edit edit = plan(tree, KEY, NULL);
    assert_false(edit.existed);
    assert_false(edit.exists);
}

/* A tree that stands for a running kernel. */
static void make_running(struct boot_tree *tree, const char *value)
{
    boot_tree_write(tree, "proc/sys/net/core/somaxconn", value);
    tree->host->live = true;
}

static void test_sysctl_read_folds_blanks(void **state)
{
    struct boot_tree *tree = *state;
    const char *value = NULL;

    make_running(tree, "32768\t60999\n");
    assert_int_equal(sysctl_read(tree->host, KEY, tree->arena, &value, &tree->err), 0);
    assert_string_equal(value, "32768 60999");
    assert_int_equal(sysctl_read(tree->host, "net.core.nosuch", tree->arena, &value, &tree->err),
                     0);
    assert_null(value);
}

static void test_sysctl_read_follows_no_link(void **state)
{
    struct boot_tree *tree = *state;
    const char *value = NULL;

    make_running(tree, "1\n");
    boot_tree_write(tree, "secret", "42\n");
    boot_tree_link(tree, "proc/sys/net/core/link", "../../../../secret");
    assert_int_equal(sysctl_read(tree->host, "net.core.link", tree->arena, &value, &tree->err), -1);
    assert_int_equal(tree->err.kind, ERR_SYS);
}

static void test_sysctl_write_in_a_tree_is_unsupported(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, "proc/sys/net/core/somaxconn", "1\n");
    assert_int_equal(sysctl_write(tree->host, KEY, "2", &tree->err), -1);
    assert_int_equal(tree->err.kind, ERR_UNSUPPORTED);
    assert_string_equal(boot_tree_read(tree, "proc/sys/net/core/somaxconn"), "1\n");
}

static void test_sysctl_write_is_read_back(void **state)
{
    struct boot_tree *tree = *state;

    make_running(tree, "1\n");
    assert_int_equal(sysctl_write(tree->host, KEY, "4096", &tree->err), 0);
    assert_string_equal(boot_tree_read(tree, "proc/sys/net/core/somaxconn"), "4096\n");
    assert_int_equal(sysctl_write(tree->host, "net.core.nosuch", "1", &tree->err), -1);
    assert_int_equal(tree->err.kind, ERR_UNSUPPORTED);
    assert_int_equal(sysctl_write(tree->host, KEY, "1\n2", &tree->err), -1);
    assert_int_equal(tree->err.kind, ERR_INPUT);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, boot_tree_setup, boot_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sysctl_key_is_valid_only_as_a_dotted_path),
        IN_TREE(test_sysctl_assignments_are_told_in_the_order_of_boot),
        IN_TREE(test_sysctl_assignments_old_file_without_a_link_is_not_read),
        IN_TREE(test_sysctl_assignments_masked_file_is_not_told),
        IN_TREE(test_sysctl_at_boot_nothing_set_gives_no_value),
        IN_TREE(test_sysctl_at_boot_later_name_wins_over_earlier_directory),
        IN_TREE(test_sysctl_at_boot_same_name_is_masked_by_earlier_directory),
        IN_TREE(test_sysctl_at_boot_directory_of_that_name_masks),
        IN_TREE(test_sysctl_at_boot_link_names_both_files),
        IN_TREE(test_sysctl_at_boot_link_loop_is_nothing),
        IN_TREE(test_sysctl_at_boot_explicit_key_beats_later_glob),
        IN_TREE(test_sysctl_at_boot_glob_that_changed_last_wins),
        IN_TREE(test_sysctl_at_boot_minus_alone_keeps_globs_away),
        IN_TREE(test_sysctl_at_boot_value_is_all_behind_the_equal_sign),
        IN_TREE(test_sysctl_at_boot_foreign_bytes_are_escaped),
        IN_TREE(test_sysctl_edit_text_keeps_every_other_byte),
        IN_TREE(test_sysctl_edit_text_changes_the_last_assignment),
        IN_TREE(test_sysctl_edit_text_appends_behind_a_cut_off_line),
        IN_TREE(test_sysctl_edit_text_removal_leaves_what_is_not_ours),
        IN_TREE(test_sysctl_edit_text_survives_nul_bytes),
        IN_TREE(test_sysctl_edit_text_with_a_line_break_in_the_value_is_refused),
        IN_TREE(test_sysctl_plan_edit_new_key_goes_to_our_file),
        IN_TREE(test_sysctl_plan_edit_later_file_is_edited_where_it_stands),
        IN_TREE(test_sysctl_plan_edit_debian_link_leads_to_its_real_file),
        IN_TREE(test_sysctl_plan_edit_package_file_gets_a_later_one_of_ours),
        IN_TREE(test_sysctl_plan_edit_managed_file_gets_a_later_one_of_ours),
        IN_TREE(test_sysctl_plan_edit_minus_in_later_file_gets_a_later_one_of_ours),
        IN_TREE(test_sysctl_plan_edit_later_glob_does_not_move_our_file),
        IN_TREE(test_sysctl_plan_edit_our_name_masked_uses_another),
        IN_TREE(test_sysctl_plan_edit_no_name_of_ours_would_win_is_unsupported),
        IN_TREE(test_sysctl_plan_edit_same_value_changes_nothing),
        IN_TREE(test_sysctl_plan_edit_removal_deletes_our_emptied_file),
        IN_TREE(test_sysctl_plan_edit_removal_leaves_files_of_others),
        IN_TREE(test_sysctl_read_folds_blanks),
        IN_TREE(test_sysctl_read_follows_no_link),
        IN_TREE(test_sysctl_write_in_a_tree_is_unsupported),
        IN_TREE(test_sysctl_write_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
