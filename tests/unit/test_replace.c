#include <sys/xattr.h>

#include "plans/base/replace.h"
#include "tests/unit/scratch.h"

#define NAME  "haproxy.cfg"
#define STAGE ".hamedic.t.0"

static int setup(void **state)
{
    static struct scratch scratch;

    scratch_open(&scratch);
    scratch_write(&scratch, NAME, "old\n");
    *state = &scratch;
    return 0;
}

static int teardown(void **state)
{
    scratch_close(*state);
    return 0;
}

static struct file_image read_image(const struct scratch *scratch, const char *name)
{
    struct file_image image;
    struct err err;

    if (replace_read(scratch->dir, name, scratch->arena, &image, &err) < 0)
        fail_msg("%s", err.text);
    return image;
}

static void stage(const struct scratch *scratch, const char *text, const struct file_image *like)
{
    struct err err;

    if (replace_stage(scratch->dir, STAGE, span_of(text), like, &err) < 0)
        fail_msg("%s", err.text);
}

static void test_replace_commit_and_revert_gives_the_same_inode_back(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct err err;

    stage(scratch, "new\n", &before);
    assert_string_equal(scratch_read(scratch, NAME), "old\n");
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before.digest, &err), 0);
    assert_string_equal(scratch_read(scratch, NAME), "new\n");
    struct digest written = digest_bytes(span_of("new\n"));
    assert_int_equal(replace_revert(scratch->dir, NAME, STAGE, &written, true, &err), 0);
    struct file_image after = read_image(scratch, NAME);
    assert_string_equal(scratch_read(scratch, NAME), "old\n");
    assert_int_equal(after.st.st_ino, before.st.st_ino);
    assert_int_equal(after.st.st_mtim.tv_nsec, before.st.st_mtim.tv_nsec);
    assert_int_equal(scratch_count(scratch, "."), 1);
}

static void test_replace_commit_over_an_edited_file_changes_nothing(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct err err;

    stage(scratch, "new\n", &before);
    scratch_write(scratch, NAME, "somebody's\n");
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before.digest, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_string_equal(scratch_read(scratch, NAME), "somebody's\n");
}

static void test_replace_commit_new_over_an_appeared_file_changes_nothing(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image none = read_image(scratch, "99-hamedic.conf");
    struct err err;

    assert_false(none.exists);
    stage(scratch, "new\n", &none);
    scratch_write(scratch, "99-hamedic.conf", "somebody's\n");
    assert_int_equal(replace_commit(scratch->dir, "99-hamedic.conf", STAGE, &none.digest, &err),
                     -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_string_equal(scratch_read(scratch, "99-hamedic.conf"), "somebody's\n");
}

static void test_replace_remove_and_unremove_gives_it_back(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct err err;

    assert_int_equal(replace_remove(scratch->dir, NAME, STAGE, &before.digest, &err), 0);
    assert_null(scratch_read(scratch, NAME));
    assert_int_equal(replace_unremove(scratch->dir, NAME, STAGE, &err), 0);
    assert_int_equal(read_image(scratch, NAME).st.st_ino, before.st.st_ino);
}

static void test_replace_stage_keeps_owner_mode_and_attributes(void **state)
{
    const struct scratch *scratch = *state;
    struct err err;
    char path[300];

    (void)snprintf(path, sizeof path, "%s/%s", scratch->path, NAME);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(chown(path, 1234, 4321), 0);
    assert_int_equal(setxattr(path, "user.note", "kept", 4, 0), 0);
    struct file_image before = read_image(scratch, NAME);
    assert_int_equal(before.xattr_count, 1);
    stage(scratch, "new\n", &before);
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before.digest, &err), 0);
    struct file_image after = read_image(scratch, NAME);
    assert_int_equal(after.st.st_mode & 07777, 0640);
    assert_int_equal(after.st.st_uid, 1234);
    assert_int_equal(after.st.st_gid, 4321);
    assert_int_equal(after.xattr_count, 1);
    assert_memory_equal(after.xattrs[0].value.ptr, "kept", 4);
}

static void test_replace_restore_after_settle_gives_bytes_mode_and_times_back(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct err err;

    stage(scratch, "new\n", &before);
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before.digest, &err), 0);
    assert_int_equal(replace_settle(scratch->dir, STAGE, &err), 0);
    struct digest written = digest_bytes(span_of("new\n"));
    assert_int_equal(replace_restore(scratch->dir, NAME, STAGE, &written, &before, &err), 0);
    struct file_image after = read_image(scratch, NAME);
    assert_string_equal(scratch_read(scratch, NAME), "old\n");
    assert_int_equal(after.st.st_mtim.tv_sec, before.st.st_mtim.tv_sec);
    assert_int_equal(after.st.st_mtim.tv_nsec, before.st.st_mtim.tv_nsec);
    assert_int_equal(after.st.st_mode, before.st.st_mode);
    assert_int_equal(scratch_count(scratch, "."), 1);
}

static void test_replace_check_hard_links_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    struct err err;

    assert_int_equal(replace_check(scratch->dir, NAME, &err), 0);
    assert_int_equal(linkat(scratch->dir, NAME, scratch->dir, "second", 0), 0);
    assert_int_equal(replace_check(scratch->dir, NAME, &err), -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
}

static void test_replace_read_a_link_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image image;
    struct err err;

    assert_int_equal(symlinkat(NAME, scratch->dir, "link"), 0);
    assert_int_equal(replace_read(scratch->dir, "link", scratch->arena, &image, &err), -1);
}

/* user::rw-, user:1:rw-, group::r--, mask::rw-, other::--- as linux/posix_acl_xattr.h has it. */
static void test_replace_stage_takes_no_acl_from_the_directory(void **state)
{
    static const unsigned char acl[] = {
        2,  0, 0, 0,                     /* version */
        1,  0, 6, 0, 255, 255, 255, 255, /* user:: */
        2,  0, 6, 0, 1,   0,   0,   0,   /* user:1: */
        4,  0, 4, 0, 255, 255, 255, 255, /* group:: */
        16, 0, 6, 0, 255, 255, 255, 255, /* mask:: */
        32, 0, 0, 0, 255, 255, 255, 255, /* other:: */
    };
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);

    assert_int_equal(fsetxattr(scratch->dir, "system.posix_acl_default", acl, sizeof acl, 0), 0);
    stage(scratch, "new\n", &before);
    struct file_image staged = read_image(scratch, STAGE);
    for (size_t i = 0; i < staged.xattr_count; i++)
        assert_string_not_equal(staged.xattrs[i].name, "system.posix_acl_access");
    assert_int_equal(staged.st.st_mode, before.st.st_mode);
}

/* A new file is looked at as it is taken away: one that was edited meanwhile stays. */
static void test_replace_revert_of_a_new_file_that_was_edited_keeps_it(void **state)
{
    const struct scratch *scratch = *state;
    struct digest written = digest_bytes(span_of("ours\n"));
    struct err err;

    scratch_write(scratch, "new.conf", "somebody's\n");
    assert_int_equal(replace_revert(scratch->dir, "new.conf", STAGE, &written, false, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_string_equal(scratch_read(scratch, "new.conf"), "somebody's\n");
    scratch_write(scratch, "new.conf", "ours\n");
    scratch_write(scratch, STAGE, "left over\n");
    assert_int_equal(replace_revert(scratch->dir, "new.conf", STAGE, &written, false, &err), 0);
    assert_int_equal(scratch_count(scratch, "."), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replace_commit_and_revert_gives_the_same_inode_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_commit_over_an_edited_file_changes_nothing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_replace_commit_new_over_an_appeared_file_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_remove_and_unremove_gives_it_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_replace_stage_keeps_owner_mode_and_attributes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_replace_restore_after_settle_gives_bytes_mode_and_times_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_check_hard_links_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_read_a_link_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_stage_takes_no_acl_from_the_directory, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_replace_revert_of_a_new_file_that_was_edited_keeps_it,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
