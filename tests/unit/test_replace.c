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
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before, &err), 0);
    assert_string_equal(scratch_read(scratch, NAME), "new\n");
    struct file_image written = read_image(scratch, NAME);
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
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before, &err), -1);
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
    assert_int_equal(replace_commit(scratch->dir, "99-hamedic.conf", STAGE, &none, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_string_equal(scratch_read(scratch, "99-hamedic.conf"), "somebody's\n");
}

static void test_replace_remove_and_unremove_gives_it_back(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct err err;

    assert_int_equal(replace_remove(scratch->dir, NAME, STAGE, &before, &err), 0);
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
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before, &err), 0);
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
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before, &err), 0);
    assert_int_equal(replace_settle(scratch->dir, STAGE, &err), 0);
    struct file_image written = read_image(scratch, NAME);
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
    struct err err;

    scratch_write(scratch, "new.conf", "ours\n");
    struct file_image written = read_image(scratch, "new.conf");
    scratch_write(scratch, "new.conf", "somebody's\n");
    assert_int_equal(replace_revert(scratch->dir, "new.conf", STAGE, &written, false, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_string_equal(scratch_read(scratch, "new.conf"), "somebody's\n");
    scratch_write(scratch, "new.conf", "ours\n");
    scratch_write(scratch, STAGE, "left over\n");
    assert_int_equal(replace_revert(scratch->dir, "new.conf", STAGE, &written, false, &err), 0);
    assert_int_equal(scratch_count(scratch, "."), 1);
}

/* ---- what somebody else did between look and exchange ---- */

static void assert_commit_finds(const struct scratch *scratch, const struct file_image *before,
                                const char *words)
{
    struct err err = {0};

    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, before, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, words);
    /* Ours is aside again, and nothing else is there. */
    assert_string_equal(scratch_read(scratch, STAGE), "new\n");
    assert_int_equal(scratch_count(scratch, "."), 2);
}

static void test_replace_commit_over_another_mode_changes_nothing(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);

    stage(scratch, "new\n", &before);
    assert_int_equal(fchmodat(scratch->dir, NAME, 0600, 0), 0);
    assert_commit_finds(scratch, &before, "mode");
    assert_int_equal(read_image(scratch, NAME).st.st_mode & 07777, 0600);
}

static void test_replace_commit_over_another_attribute_changes_nothing(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    char path[300];

    (void)snprintf(path, sizeof path, "%s/%s", scratch->path, NAME);
    stage(scratch, "new\n", &before);
    assert_int_equal(setxattr(path, "user.note", "somebody's", 10, 0), 0);
    assert_commit_finds(scratch, &before, "attributes");
    assert_int_equal(read_image(scratch, NAME).xattr_count, 1);
}

static void test_replace_commit_over_a_link_or_a_folder_changes_nothing(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct stat st;

    stage(scratch, "new\n", &before);
    assert_int_equal(unlinkat(scratch->dir, NAME, 0), 0);
    assert_int_equal(symlinkat("/nowhere", scratch->dir, NAME), 0);
    assert_commit_finds(scratch, &before, "a symbolic link");
    assert_int_equal(fstatat(scratch->dir, NAME, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(unlinkat(scratch->dir, NAME, 0), 0);
    assert_int_equal(mkdirat(scratch->dir, NAME, 0755), 0);
    assert_commit_finds(scratch, &before, "a directory");
    assert_int_equal(unlinkat(scratch->dir, NAME, AT_REMOVEDIR), 0);
}

static void test_replace_commit_over_a_file_that_is_gone_makes_none(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct err err;

    stage(scratch, "new\n", &before);
    assert_int_equal(unlinkat(scratch->dir, NAME, 0), 0);
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_non_null(strstr(err.text, "removed"));
    assert_null(scratch_read(scratch, NAME));
}

static void test_replace_commit_over_a_second_link_changes_nothing(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct err err;

    stage(scratch, "new\n", &before);
    assert_int_equal(linkat(scratch->dir, NAME, scratch->dir, "second", 0), 0);
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_int_equal(read_image(scratch, NAME).st.st_ino, before.st.st_ino);
}

/* Who has it open may write after the look: into the displaced file, which will go. */
static void test_replace_commit_over_a_file_that_is_being_written_changes_nothing(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct err err;

    stage(scratch, "new\n", &before);
    int writer = openat(scratch->dir, NAME, O_WRONLY | O_CLOEXEC);
    assert_true(writer >= 0);
    assert_int_equal(replace_check(scratch->dir, NAME, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_commit_finds(scratch, &before, "being written to");
    assert_int_equal(write(writer, "somebody's\n", 11), 11);
    assert_int_equal(close(writer), 0);
    assert_string_equal(scratch_read(scratch, NAME), "somebody's\n");
    assert_int_equal(replace_check(scratch->dir, NAME, &err), 0);
}

static void test_replace_revert_over_another_mode_leaves_it(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    struct err err;

    stage(scratch, "new\n", &before);
    assert_int_equal(replace_commit(scratch->dir, NAME, STAGE, &before, &err), 0);
    struct file_image written = read_image(scratch, NAME);
    assert_int_equal(fchmodat(scratch->dir, NAME, 0600, 0), 0);
    assert_int_equal(replace_revert(scratch->dir, NAME, STAGE, &written, true, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_string_equal(scratch_read(scratch, NAME), "new\n");
    assert_int_equal(read_image(scratch, NAME).st.st_mode & 07777, 0600);
}

static void test_replace_settle_known_keeps_what_somebody_wrote_and_tells_where(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);
    const struct file_image *known[] = {&before};
    struct err err;

    assert_int_equal(replace_remove(scratch->dir, NAME, STAGE, &before, &err), 0);
    scratch_write(scratch, STAGE ".kept", "the day before\n");
    int fd = openat(scratch->dir, STAGE, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "his\n", 4), 4);
    assert_int_equal(close(fd), 0);
    assert_int_equal(replace_settle_known(scratch->dir, NAME, STAGE, known, 1, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_non_null(strstr(err.text, STAGE ".kept.2"));
    assert_string_equal(scratch_read(scratch, STAGE ".kept.2"), "his\n");
    assert_string_equal(scratch_read(scratch, STAGE ".kept"), "the day before\n");
    assert_int_equal(replace_settle_known(scratch->dir, NAME, STAGE, known, 1, &err), 0);
}

/* What stands in it would get the directory's group. */
static void test_replace_stage_in_a_directory_with_a_group_keeps_the_files_own(void **state)
{
    const struct scratch *scratch = *state;
    struct file_image before = read_image(scratch, NAME);

    assert_int_equal(fchown(scratch->dir, 0, 4321), 0);
    assert_int_equal(fchmod(scratch->dir, 02755), 0);
    stage(scratch, "new\n", &before);
    assert_int_equal(read_image(scratch, STAGE).st.st_gid, before.st.st_gid);
}

static void test_replace_check_an_attribute_that_would_be_lost_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    char path[300];
    struct err err;

    (void)snprintf(path, sizeof path, "%s/%s", scratch->path, NAME);
    assert_int_equal(setxattr(path, "trusted.note", "x", 1, 0), 0);
    assert_int_equal(replace_check(scratch->dir, NAME, &err), -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "'trusted.note'"));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_replace_commit_and_revert_gives_the_same_inode_back),
        WITH(test_replace_commit_over_an_edited_file_changes_nothing),
        WITH(test_replace_commit_new_over_an_appeared_file_changes_nothing),
        WITH(test_replace_remove_and_unremove_gives_it_back),
        WITH(test_replace_stage_keeps_owner_mode_and_attributes),
        WITH(test_replace_restore_after_settle_gives_bytes_mode_and_times_back),
        WITH(test_replace_check_hard_links_are_refused),
        WITH(test_replace_read_a_link_is_refused),
        WITH(test_replace_stage_takes_no_acl_from_the_directory),
        WITH(test_replace_revert_of_a_new_file_that_was_edited_keeps_it),
        WITH(test_replace_commit_over_another_mode_changes_nothing),
        WITH(test_replace_commit_over_another_attribute_changes_nothing),
        WITH(test_replace_commit_over_a_link_or_a_folder_changes_nothing),
        WITH(test_replace_commit_over_a_file_that_is_gone_makes_none),
        WITH(test_replace_commit_over_a_second_link_changes_nothing),
        WITH(test_replace_commit_over_a_file_that_is_being_written_changes_nothing),
        WITH(test_replace_revert_over_another_mode_leaves_it),
        WITH(test_replace_settle_known_keeps_what_somebody_wrote_and_tells_where),
        WITH(test_replace_stage_in_a_directory_with_a_group_keeps_the_files_own),
        WITH(test_replace_check_an_attribute_that_would_be_lost_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
