#include "remediations/host/unit_files.h"

#include "tests/unit/boot_tree.h"

#define UNIT    "haproxy.service"
#define LIB     "usr/lib/systemd/system/"
#define ETC     "etc/systemd/system/"
#define DROPINS "etc/systemd/system/haproxy.service.d/"
#define DEBIAN                                                                                     \
    "[Unit]\nDescription=HAProxy Load Balancer\n\n[Service]\nEnvironmentFile=-/etc/default/"       \
    "haproxy\n"                                                                                    \
    "Environment=\"CONFIG=/etc/haproxy/haproxy.cfg\" \"PIDFILE=/run/haproxy.pid\" "                \
    "\"EXTRAOPTS=-S /run/haproxy-master.sock\"\n"                                                  \
    "ExecStart=/usr/sbin/haproxy -Ws -f $CONFIG -p $PIDFILE $EXTRAOPTS\nType=notify\n"

static struct unit read_unit(struct boot_tree *tree, const char *name)
{
    struct unit unit = {0};

    if (unit_read(tree->host, name, tree->arena, &unit, &tree->err) < 0)
        fail_msg("%s", tree->err.text);
    return unit;
}

static struct unit_edit plan(struct boot_tree *tree, const char *value)
{
    struct unit_edit edit = {0};

    if (unit_plan_limit(tree->host, UNIT, value, tree->arena, &edit, &tree->err) < 0)
        fail_msg("%s", tree->err.text);
    return edit;
}

static void set_limit(struct boot_tree *tree, const char *path, const char *value)
{
    boot_tree_write(tree, path, arena_printf(tree->arena, "[Service]\nLimitNOFILE=%s\n", value));
}

static const char *words(struct boot_tree *tree, const struct strings *list)
{
    const char *all = "";

    for (size_t i = 0; i < list->count; i++)
        all = arena_printf(tree->arena, "%s<%s>", all, list->at[i]);
    return all;
}

static const char *command(struct boot_tree *tree, const char *service)
{
    boot_tree_write(tree, LIB UNIT, arena_printf(tree->arena, "[Service]\n%s\n", service));
    struct unit unit = read_unit(tree, UNIT);
    return words(tree, &unit.exec_start);
}

static void test_unit_files_absent_unit_does_not_exist(void **state)
{
    struct boot_tree *tree = *state;
    struct unit unit = read_unit(tree, UNIT);

    assert_false(unit.exists);
    set_limit(tree, DROPINS "a.conf", "5");
    unit = read_unit(tree, UNIT);
    assert_false(unit.exists);
}

static void test_unit_files_name_that_is_no_service_is_refused(void **state)
{
    struct boot_tree *tree = *state;
    static const char *const names[] = {"haproxy", "../x.service", ".service", "a b.service",
                                        "haproxy.socket"};
    struct unit unit;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(unit_read(tree->host, names[i], tree->arena, &unit, &tree->err), -1);
        assert_int_equal(tree->err.kind, ERR_INPUT);
    }
}

static void test_unit_files_debian_unit_is_read(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, LIB UNIT, DEBIAN);
    struct unit unit = read_unit(tree, UNIT);
    assert_true(unit.exists);
    assert_true(unit.type_notify);
    assert_false(unit.bounds_sys_resource);
    assert_null(unit.user);
    assert_null(unit.limit_text);
    assert_int_equal(unit.limit_soft, 0);
    assert_string_equal(unit.file, "/" LIB UNIT);
    assert_string_equal(words(tree, &unit.exec_start),
                        "</usr/sbin/haproxy><-Ws><-f></etc/haproxy/haproxy.cfg><-p>"
                        "</run/haproxy.pid><-S></run/haproxy-master.sock>");
}

static void test_unit_files_environment_file_wins_over_environment(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, LIB UNIT, DEBIAN);
    boot_tree_write(tree, "etc/default/haproxy",
                    "# defaults\nCONFIG=\"/etc/haproxy/other.cfg\"  \n;x\nEXTRAOPTS='-n 400' \n"
                    "LONG=a\\\nb\nbroken line\nEND=1");
    struct unit unit = read_unit(tree, UNIT);
    assert_string_equal(words(tree, &unit.environment),
                        "<CONFIG=/etc/haproxy/other.cfg><PIDFILE=/run/haproxy.pid>"
                        "<EXTRAOPTS=-n 400><LONG=ab><END=1>");
    assert_string_equal(unit.exec_start.at[3], "/etc/haproxy/other.cfg");
    assert_string_equal(unit.exec_start.at[6], "-n");
    assert_string_equal(unit.exec_start.at[7], "400");
}

static void test_unit_files_command_words_are_those_of_systemd(void **state)
{
    struct boot_tree *tree = *state;

    assert_string_equal(command(tree, "ExecStart=-/bin/a  'b c' \"d\\x20e\" f\\sg %%h $$i"),
                        "</bin/a><b c><d e><f g><%h><$i>");
    assert_string_equal(command(tree, "Environment=A=1 \"B=x y\"\nExecStart=/bin/a $A ${B} $B $NO "
                                      "${NO} pre${A}post pre$A"),
                        "</bin/a><1><x y><x><y><><pre1post><pre$A>");
    assert_string_equal(command(tree, "ExecStart=/bin/a\nExecStart=\nExecStart=@/bin/b name -x"),
                        "</bin/b><-x>");
    assert_string_equal(command(tree, "Environment=A=1\nExecStart=:/bin/a $A"), "</bin/a><$A>");
    assert_string_equal(command(tree, "ExecStart=/bin/a \\\n# no\n  -f x"), "</bin/a><-f><x>");
    assert_string_equal(command(tree, "ExecStart=/bin/a\nExecStart="), "");
}

static void test_unit_files_only_the_service_section_counts(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, LIB UNIT,
                    "LimitNOFILE=1\n[Unit]\nLimitNOFILE=2\n[Service]\nLimitNOFILE=3\n[X-Service]\n"
                    "LimitNOFILE=4\n");
    assert_string_equal(read_unit(tree, UNIT).limit_text, "3");
}

static void test_unit_files_unreadable_limit_leaves_the_one_before(void **state)
{
    struct boot_tree *tree = *state;
    static const char *const wrong[] = {"", "64K", "5:3", "3 : 5", "10:", ":10", "-1", "x"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        boot_tree_write(
            tree, LIB UNIT,
            arena_printf(tree->arena, "[Service]\nLimitNOFILE=7\nLimitNOFILE=%s\n", wrong[i]));
        struct unit unit = read_unit(tree, UNIT);
        assert_string_equal(unit.limit_text, "7");
        assert_int_equal(unit.limit_line, 2);
    }
}

static void test_unit_files_limit_forms_are_read(void **state)
{
    struct boot_tree *tree = *state;

    set_limit(tree, LIB UNIT, "1024:infinity");
    struct unit unit = read_unit(tree, UNIT);
    assert_int_equal(unit.limit_soft, 1024);
    assert_true(unit.limit_hard == UINT64_MAX);
    set_limit(tree, LIB UNIT, "0x400");
    unit = read_unit(tree, UNIT);
    assert_int_equal(unit.limit_soft, 1024);
    assert_int_equal(unit.limit_hard, 1024);
}

static void test_unit_files_dropins_apply_by_name_over_all_directories(void **state)
{
    struct boot_tree *tree = *state;

    set_limit(tree, LIB UNIT, "1");
    set_limit(tree, DROPINS "50-a.conf", "2");
    set_limit(tree, "run/systemd/system/service.d/60-all.conf", "3");
    struct unit unit = read_unit(tree, UNIT);
    assert_int_equal(unit.limit_soft, 3);
    assert_string_equal(unit.limit_file, "/run/systemd/system/service.d/60-all.conf");
    assert_int_equal(unit.dropins.count, 2);
    set_limit(tree, LIB "haproxy.service.d/70-vendor.conf", "4");
    assert_int_equal(read_unit(tree, UNIT).limit_soft, 4);
    boot_tree_link(tree, DROPINS "70-vendor.conf", "/dev/null");
    assert_int_equal(read_unit(tree, UNIT).limit_soft, 3);
}

static void test_unit_files_fragment_in_etc_hides_the_package_one(void **state)
{
    struct boot_tree *tree = *state;

    set_limit(tree, LIB UNIT, "1");
    set_limit(tree, ETC UNIT, "2");
    assert_int_equal(read_unit(tree, UNIT).limit_soft, 2);
}

static void test_unit_files_merged_lib_counts_once(void **state)
{
    struct boot_tree *tree = *state;

    set_limit(tree, LIB UNIT, "1");
    set_limit(tree, LIB "haproxy.service.d/a.conf", "2");
    boot_tree_link(tree, "lib", "usr/lib");
    struct unit unit = read_unit(tree, UNIT);
    assert_string_equal(unit.file, "/" LIB UNIT);
    assert_int_equal(unit.dropins.count, 1);
}

static void test_unit_files_masked_unit_is_told(void **state)
{
    struct boot_tree *tree = *state;

    set_limit(tree, LIB UNIT, "1");
    boot_tree_link(tree, ETC UNIT, "/dev/null");
    struct unit unit = read_unit(tree, UNIT);
    assert_true(unit.exists);
    assert_true(unit.masked);
}

static void test_unit_files_empty_unit_is_masked(void **state)
{
    struct boot_tree *tree = *state;

    set_limit(tree, LIB UNIT, "1");
    boot_tree_write(tree, ETC UNIT, "");
    assert_true(read_unit(tree, UNIT).masked);
}

static void test_unit_files_alias_and_its_dropins_are_the_same_unit(void **state)
{
    struct boot_tree *tree = *state;

    set_limit(tree, LIB UNIT, "1");
    boot_tree_link(tree, ETC "lb.service", "/" LIB UNIT);
    set_limit(tree, ETC "lb.service.d/a.conf", "2");
    struct unit unit = read_unit(tree, "lb.service");
    assert_string_equal(unit.name, UNIT);
    assert_int_equal(unit.limit_soft, 2);
    assert_int_equal(read_unit(tree, UNIT).limit_soft, 2);
}

static void test_unit_files_instance_is_read_from_its_template(void **state)
{
    struct boot_tree *tree = *state;

    set_limit(tree, LIB "haproxy@.service", "1");
    set_limit(tree, ETC "haproxy@.service.d/a.conf", "2");
    assert_int_equal(read_unit(tree, "haproxy@blue.service").limit_soft, 2);
    set_limit(tree, ETC "haproxy@blue.service.d/a.conf", "3");
    assert_int_equal(read_unit(tree, "haproxy@blue.service").limit_soft, 3);
    assert_int_equal(read_unit(tree, "haproxy@green.service").limit_soft, 2);
}

static void test_unit_files_link_loop_ends(void **state)
{
    struct boot_tree *tree = *state;
    struct unit unit;

    boot_tree_link(tree, ETC "a.service", "b.service");
    boot_tree_link(tree, ETC "b.service", "a.service");
    assert_int_equal(unit_read(tree->host, "a.service", tree->arena, &unit, &tree->err), -1);
    assert_int_equal(tree->err.kind, ERR_INPUT);
}

static void test_unit_files_capability_lists_add_up(void **state)
{
    struct boot_tree *tree = *state;
    static const struct {
        const char *text;
        bool bounds;
    } cases[] = {
        {"", false},
        {"CapabilityBoundingSet=CAP_NET_BIND_SERVICE", true},
        {"CapabilityBoundingSet=CAP_KILL cap_sys_resource", false},
        {"CapabilityBoundingSet=CAP_KILL\nCapabilityBoundingSet=CAP_SYS_RESOURCE", false},
        {"CapabilityBoundingSet=~CAP_SYS_RESOURCE", true},
        {"CapabilityBoundingSet=~CAP_KILL", false},
        {"CapabilityBoundingSet=", true},
        {"CapabilityBoundingSet=CAP_KILL\nCapabilityBoundingSet=~", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        boot_tree_write(tree, LIB UNIT,
                        arena_printf(tree->arena, "[Service]\n%s\n", cases[i].text));
        assert_int_equal(read_unit(tree, UNIT).bounds_sys_resource, cases[i].bounds);
    }
}

static void test_unit_files_plan_makes_our_dropin(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, LIB UNIT, DEBIAN);
    struct unit_edit edit = plan(tree, "200000");
    assert_string_equal(edit.path, "/" DROPINS "99-hamedic.conf");
    assert_false(edit.existed);
    assert_non_null(strstr(edit.after.ptr, "\n[Service]\nLimitNOFILE=200000\n"));
    assert_int_equal(edit.limit_soft, 200000);
    assert_string_equal(edit.limit_file, edit.path);
}

static void test_unit_files_plan_stands_behind_every_other_dropin(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, LIB UNIT, DEBIAN);
    set_limit(tree, LIB "service.d/99-site.conf", "5000");
    assert_string_equal(plan(tree, "200000").path, "/" DROPINS "zz-hamedic.conf");
    set_limit(tree, DROPINS "zz.conf", "5000");
    assert_string_equal(plan(tree, "200000").path, "/" DROPINS "zzzz-hamedic.conf");
}

static void test_unit_files_plan_behind_the_last_name_is_unsupported(void **state)
{
    struct boot_tree *tree = *state;
    struct unit_edit edit;

    boot_tree_write(tree, LIB UNIT, DEBIAN);
    set_limit(tree, DROPINS "zzzzz.conf", "5000");
    assert_int_equal(unit_plan_limit(tree->host, UNIT, "1000", tree->arena, &edit, &tree->err), -1);
    assert_int_equal(tree->err.kind, ERR_UNSUPPORTED);
    assert_non_null(strstr(tree->err.text, "zzzzz.conf"));
}

static void test_unit_files_plan_for_an_absent_or_masked_unit_is_unsupported(void **state)
{
    struct boot_tree *tree = *state;
    struct unit_edit edit;

    assert_int_equal(unit_plan_limit(tree->host, UNIT, "1000", tree->arena, &edit, &tree->err), -1);
    assert_int_equal(tree->err.kind, ERR_UNSUPPORTED);
    boot_tree_link(tree, ETC UNIT, "/dev/null");
    assert_int_equal(unit_plan_limit(tree->host, UNIT, "1000", tree->arena, &edit, &tree->err), -1);
    assert_non_null(strstr(tree->err.text, "is masked"));
}

static void test_unit_files_plan_changes_its_own_line_only(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, LIB UNIT, DEBIAN);
    boot_tree_write(tree, DROPINS "99-hamedic.conf",
                    "[Service]\nNice=1\nLimitNOFILE=\\\n  1000\n# end");
    struct unit_edit edit = plan(tree, "2000");
    assert_int_equal(edit.after.len, strlen("[Service]\nNice=1\nLimitNOFILE=2000\n# end"));
    assert_memory_equal(edit.after.ptr, "[Service]\nNice=1\nLimitNOFILE=2000\n# end",
                        edit.after.len);
    edit = plan(tree, "");
    assert_true(edit.exists);
    assert_memory_equal(edit.after.ptr, "[Service]\nNice=1\n# end", edit.after.len);
    assert_null(edit.limit_file);
}

static void test_unit_files_plan_removal_deletes_our_emptied_dropin(void **state)
{
    struct boot_tree *tree = *state;

    boot_tree_write(tree, LIB UNIT, DEBIAN);
    struct unit_edit edit = plan(tree, "2000");
    boot_tree_write(tree, DROPINS "99-hamedic.conf",
                    arena_copy(tree->arena, edit.after.ptr, edit.after.len));
    edit = plan(tree, "");
    assert_true(edit.existed);
    assert_false(edit.exists);
}

static void test_unit_files_plan_with_a_value_systemd_would_ignore_is_refused(void **state)
{
    struct boot_tree *tree = *state;
    struct unit_edit edit;

    boot_tree_write(tree, LIB UNIT, DEBIAN);
    assert_int_equal(unit_plan_limit(tree->host, UNIT, "64K", tree->arena, &edit, &tree->err), -1);
    assert_int_equal(tree->err.kind, ERR_INPUT);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, boot_tree_setup, boot_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(test_unit_files_absent_unit_does_not_exist),
        IN_TREE(test_unit_files_name_that_is_no_service_is_refused),
        IN_TREE(test_unit_files_debian_unit_is_read),
        IN_TREE(test_unit_files_environment_file_wins_over_environment),
        IN_TREE(test_unit_files_command_words_are_those_of_systemd),
        IN_TREE(test_unit_files_only_the_service_section_counts),
        IN_TREE(test_unit_files_unreadable_limit_leaves_the_one_before),
        IN_TREE(test_unit_files_limit_forms_are_read),
        IN_TREE(test_unit_files_dropins_apply_by_name_over_all_directories),
        IN_TREE(test_unit_files_fragment_in_etc_hides_the_package_one),
        IN_TREE(test_unit_files_merged_lib_counts_once),
        IN_TREE(test_unit_files_masked_unit_is_told),
        IN_TREE(test_unit_files_empty_unit_is_masked),
        IN_TREE(test_unit_files_alias_and_its_dropins_are_the_same_unit),
        IN_TREE(test_unit_files_instance_is_read_from_its_template),
        IN_TREE(test_unit_files_link_loop_ends),
        IN_TREE(test_unit_files_capability_lists_add_up),
        IN_TREE(test_unit_files_plan_makes_our_dropin),
        IN_TREE(test_unit_files_plan_stands_behind_every_other_dropin),
        IN_TREE(test_unit_files_plan_behind_the_last_name_is_unsupported),
        IN_TREE(test_unit_files_plan_for_an_absent_or_masked_unit_is_unsupported),
        IN_TREE(test_unit_files_plan_changes_its_own_line_only),
        IN_TREE(test_unit_files_plan_removal_deletes_our_emptied_dropin),
        IN_TREE(test_unit_files_plan_with_a_value_systemd_would_ignore_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
