#include "remediations/stage.h"
#include "plans/base/json.h"
#include "tests/unit/scratch.h"

#define PATH "/etc/sysctl.d/99-hamedic.conf"
#define OLD  "/etc/old.conf"

struct room {
    struct scratch scratch;
    struct host *host;
    struct haproxy haproxy;
    int undo;
};

static int setup(void **state)
{
    static struct room room;
    struct err err = {0};
    char path[300];

    scratch_open(&room.scratch);
    assert_int_equal(mkdirat(room.scratch.dir, "etc", 0755), 0);
    assert_int_equal(mkdirat(room.scratch.dir, "undo", 0700), 0);
    scratch_write(&room.scratch, "etc/old.conf", "a = 1\n");
    (void)snprintf(path, sizeof path, "%s/undo", room.scratch.path);
    room.undo = open(path, O_RDONLY | O_DIRECTORY);
    if (host_open(room.scratch.path, &room.host, &err) < 0)
        fail_msg("%s", err.text);
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
    const struct stage_settings settings = {
        .host = room->host,
        .haproxy = &room->haproxy,
        .id = "0123456789abcdef",
        .undo_dir = room->undo,
    };
    struct stage *stage = NULL;
    struct err err;

    assert_int_equal(stage_new(&settings, &stage, &err), 0);
    return stage;
}

static void set(struct stage *stage, const char *path, const char *text)
{
    struct err err;

    if (stage_file_set(stage, path, text != NULL, span_of(text == NULL ? "" : text), &err) < 0)
        fail_msg("%s", err.text);
}

static void seal_and_commit(struct stage *stage, const char *path)
{
    struct err err;

    if (stage_seal(stage, &err) < 0 || stage_commit_file(stage, path, &err) < 0)
        fail_msg("%s", err.text);
}

/* The text without the word "ours". */
static int take_back(void *context, struct span text, struct arena *arena, bool *out_ours,
                     struct span *out_text, struct err *err)
{
    (void)err;
    (*(int *)context)++;
    const char *found = strstr(text.ptr, "ours\n");
    *out_ours = found != NULL;
    if (found != NULL)
        *out_text = span_of(arena_printf(arena, "%.*s%s", (int)(found - text.ptr), text.ptr,
                                         found + strlen("ours\n")));
    return 0;
}

static void test_stage_two_edits_of_one_file_are_one_image(void **state)
{
    struct room *room = *state;
    struct stage *stage = new_stage(room);
    struct span text;
    struct err err;
    bool exists;

    set(stage, OLD, "a = 2\n");
    assert_int_equal(stage_file_text(stage, OLD, &exists, &text, &err), 0);
    assert_true(exists);
    assert_memory_equal(text.ptr, "a = 2\n", 6);
    set(stage, OLD, "a = 2\nb = 3\n");
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 1\n");
    seal_and_commit(stage, OLD);
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 2\nb = 3\n");
    stage_free(stage);
}

static void test_stage_discard_leaves_no_trace(void **state)
{
    struct room *room = *state;
    struct stage *stage = new_stage(room);
    struct err err;

    set(stage, PATH, "ours\n");
    set(stage, OLD, "a = 2\n");
    assert_int_equal(stage_seal(stage, &err), 0);
    assert_int_equal(scratch_count(&room->scratch, "etc"), 3); /* old.conf, its stage, sysctl.d */
    assert_int_equal(stage_discard(stage, &err), 0);
    assert_int_equal(scratch_count(&room->scratch, "etc"), 1);
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 1\n");
    stage_free(stage);
}

static void test_stage_undo_of_a_new_file_removes_it_and_its_directory(void **state)
{
    struct room *room = *state;
    struct stage *stage = new_stage(room);
    enum undone undone;
    struct err err;
    int asked = 0;

    set(stage, PATH, "ours\n");
    seal_and_commit(stage, PATH);
    assert_string_equal(scratch_read(&room->scratch, "etc/sysctl.d/99-hamedic.conf"), "ours\n");
    stage_undo_begin(stage);
    assert_int_equal(stage_undo_file(stage, PATH, take_back, &asked, &undone, &err), 0);
    assert_int_equal(undone, UNDONE_RESTORED);
    assert_int_equal(asked, 0);
    assert_int_equal(scratch_count(&room->scratch, "etc"), 1);
    stage_free(stage);
}

static void test_stage_undo_of_a_removed_file_gives_it_back(void **state)
{
    struct room *room = *state;
    struct stage *stage = new_stage(room);
    enum undone undone;
    struct err err;
    int asked = 0;

    set(stage, OLD, NULL);
    seal_and_commit(stage, OLD);
    assert_null(scratch_read(&room->scratch, "etc/old.conf"));
    stage_undo_begin(stage);
    assert_int_equal(stage_undo_file(stage, OLD, take_back, &asked, &undone, &err), 0);
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 1\n");
    assert_int_equal(scratch_count(&room->scratch, "etc"), 1);
    stage_free(stage);
}

static void test_stage_undo_of_an_edited_file_takes_only_our_part(void **state)
{
    struct room *room = *state;
    struct stage *stage = new_stage(room);
    enum undone undone;
    struct err err;
    int asked = 0;

    set(stage, OLD, "a = 1\nours\n");
    seal_and_commit(stage, OLD);
    scratch_write(&room->scratch, "etc/old.conf", "a = 1\nours\nsomebody's\n");
    stage_undo_begin(stage);
    assert_int_equal(stage_undo_file(stage, OLD, take_back, &asked, &undone, &err), 0);
    assert_int_equal(undone, UNDONE_OWN_PART);
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 1\nsomebody's\n");
    assert_int_equal(stage_settle(stage, &err), 0);
    assert_int_equal(scratch_count(&room->scratch, "etc"), 1);
    stage_free(stage);
}

static void test_stage_undo_where_our_part_is_gone_leaves_it_alone(void **state)
{
    struct room *room = *state;
    struct stage *stage = new_stage(room);
    enum undone undone;
    struct err err;
    int asked = 0;

    set(stage, OLD, "a = 1\nours\n");
    seal_and_commit(stage, OLD);
    scratch_write(&room->scratch, "etc/old.conf", "all new\n");
    stage_undo_begin(stage);
    assert_int_equal(stage_undo_file(stage, OLD, take_back, &asked, &undone, &err), 0);
    assert_int_equal(undone, UNDONE_LEFT);
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "all new\n");
    stage_free(stage);
}

/* What a process that was killed left is undone by another one, from the records alone. */
static void test_stage_restore_in_another_process_undoes_it(void **state)
{
    struct room *room = *state;
    struct stage *first = new_stage(room);
    enum undone undone;
    struct err err;
    int asked = 0;

    set(first, OLD, "a = 2\n");
    set(first, PATH, "ours\n");
    stage_note(first, "sysctl.dropin:x", "was", "17 \"quoted\"\n");
    const char *records = stage_records(first, room->scratch.arena);
    seal_and_commit(first, OLD);
    assert_int_equal(stage_commit_file(first, PATH, &err), 0);
    assert_int_equal(stage_settle(first, &err),
                     0); /* the displaced inode is gone: the copy must do */
    stage_free(first);

    struct stage *second = new_stage(room);
    assert_int_equal(stage_restore(second, span_of(records), &err), 0);
    assert_string_equal(stage_recall(second, "sysctl.dropin:x", "was"), "17 \"quoted\"\n");
    stage_undo_begin(second);
    assert_int_equal(stage_undo_file(second, PATH, take_back, &asked, &undone, &err), 0);
    assert_int_equal(stage_undo_file(second, OLD, take_back, &asked, &undone, &err), 0);
    assert_int_equal(undone, UNDONE_RESTORED);
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 1\n");
    assert_int_equal(scratch_count(&room->scratch, "etc"), 1);
    assert_int_equal(stage_undo_file(second, OLD, take_back, &asked, &undone, &err), 0);
    assert_int_equal(undone, UNDONE_ALREADY);
    stage_free(second);
}

/* What somebody else, or the undo before a crash, already put back is as before, not a stranger's. */
static int is_as_before(void *context, struct span text, struct arena *arena, bool *out_ours,
                        struct span *out_text, struct err *err)
{
    (void)context;
    (void)arena;
    (void)err;
    *out_ours = true;
    *out_text = text;
    return 0;
}

static void test_stage_undo_where_our_part_is_as_before_writes_nothing(void **state)
{
    struct room *room = *state;
    struct stage *stage = new_stage(room);
    enum undone undone;
    struct err err;

    set(stage, OLD, "a = 1\nours\n");
    seal_and_commit(stage, OLD);
    scratch_write(&room->scratch, "etc/old.conf", "a = 1\nsomebody's\n");
    /* Left by an undo that a crash cut short. */
    scratch_write(&room->scratch, "etc/.hamedic.0123456789abcdef.0.back", "half");
    stage_undo_begin(stage);
    assert_int_equal(stage_undo_file(stage, OLD, is_as_before, NULL, &undone, &err), 0);
    assert_int_equal(undone, UNDONE_ALREADY);
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 1\nsomebody's\n");
    assert_int_equal(stage_settle(stage, &err), 0);
    assert_int_equal(scratch_count(&room->scratch, "etc"), 1);
    stage_free(stage);
}

/* Without the displaced file and without a sound copy there is nothing to restore: the file MUST
 * stay. */
static void test_stage_undo_without_a_sound_copy_leaves_the_file(void **state)
{
    struct room *room = *state;
    const char *const copies[] = {NULL, "a = 0\n", ""};

    for (size_t i = 0; i < sizeof copies / sizeof copies[0]; i++) {
        struct stage *first = new_stage(room), *second = new_stage(room);
        enum undone undone;
        struct err err;
        int asked = 0;

        scratch_write(&room->scratch, "etc/old.conf", "a = 1\n");
        set(first, OLD, "a = 2\n");
        const char *records = stage_records(first, room->scratch.arena);
        seal_and_commit(first, OLD);
        assert_int_equal(stage_settle(first, &err), 0);
        stage_free(first);
        assert_int_equal(unlinkat(room->undo, "old.0", 0), 0);
        if (copies[i] != NULL)
            scratch_write(&room->scratch, "undo/old.0", copies[i]);

        assert_int_equal(stage_restore(second, span_of(records), &err), 0);
        stage_undo_begin(second);
        assert_int_equal(stage_undo_file(second, OLD, take_back, &asked, &undone, &err), -1);
        assert_non_null(strstr(err.text, "'old.0'"));
        assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 2\n");
        stage_free(second);
    }
}

static void test_stage_check_planned_sees_a_file_that_moved_before_it_was_staged(void **state)
{
    struct room *room = *state;
    struct digest digest = digest_bytes(span_of("a = 1\n"));
    struct touched touched[] = {{OLD, digest.hex}, {PATH, "absent"}};
    struct change change = {.touched = touched, .touched_count = 2};
    struct err err;

    struct stage *stage = new_stage(room);
    set(stage, OLD, "a = 2\n");
    set(stage, PATH, "ours\n");
    assert_int_equal(stage_check_planned(stage, &change, &err), 0);
    stage_free(stage);

    scratch_write(&room->scratch, "etc/old.conf", "a = 7\n");
    stage = new_stage(room);
    set(stage, OLD, "a = 2\n");
    assert_int_equal(stage_check_planned(stage, &change, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    stage_free(stage);
}

static void test_stage_file_below_a_directory_of_others_is_refused(void **state)
{
    struct room *room = *state;
    struct stage *stage = new_stage(room);
    struct span text;
    struct err err;
    bool exists;

    assert_int_equal(fchmodat(room->scratch.dir, "etc", 0777, 0), 0);
    assert_int_equal(stage_file_text(stage, OLD, &exists, &text, &err), -1);
    assert_int_equal(err.kind, ERR_DENIED);
    stage_free(stage);
}

/* ---- what somebody else did meanwhile ---- */

/* Killed between the exchange and the look at what came out of it: somebody's edit stands aside. */
static void test_stage_undo_after_a_crash_gives_a_displaced_edit_back(void **state)
{
    struct room *room = *state;
    struct stage *first = new_stage(room), *second = new_stage(room);
    enum undone undone;
    struct err err;
    int asked = 0;

    set(first, OLD, "a = 2\n");
    const char *records = stage_records(first, room->scratch.arena);
    assert_int_equal(stage_seal(first, &err), 0);
    stage_free(first);
    scratch_write(&room->scratch, "etc/old.conf", "somebody's\n");
    assert_int_equal(renameat2(room->scratch.dir, "etc/old.conf", room->scratch.dir,
                               "etc/.hamedic.0123456789abcdef.0", RENAME_EXCHANGE),
                     0);

    assert_int_equal(stage_restore(second, span_of(records), &err), 0);
    stage_undo_begin(second);
    if (stage_undo_file(second, OLD, take_back, &asked, &undone, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(undone, UNDONE_OWN_PART);
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "somebody's\n");
    assert_int_equal(stage_settle(second, &err), 0);
    assert_int_equal(scratch_count(&room->scratch, "etc"), 1);
    stage_free(second);
}

/* The same while taking back: ours, edited by somebody, stands aside. */
static void test_stage_undo_after_a_crash_in_an_undo_keeps_an_edit_of_ours(void **state)
{
    struct room *room = *state;
    struct stage *first = new_stage(room), *second = new_stage(room);
    enum undone undone;
    struct err err;
    int asked = 0;

    set(first, OLD, "a = 2\n");
    const char *records = stage_records(first, room->scratch.arena);
    assert_int_equal(stage_seal(first, &err), 0);
    stage_free(first);
    scratch_write(&room->scratch, "etc/.hamedic.0123456789abcdef.0", "a = 2\nsomebody's\n");

    assert_int_equal(stage_restore(second, span_of(records), &err), 0);
    stage_undo_begin(second);
    assert_int_equal(stage_undo_file(second, OLD, take_back, &asked, &undone, &err), -1);
    assert_non_null(strstr(err.text, ".hamedic.0123456789abcdef.0.kept"));
    assert_string_equal(scratch_read(&room->scratch, "etc/.hamedic.0123456789abcdef.0.kept"),
                        "a = 2\nsomebody's\n");
    assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 1\n");
    assert_int_equal(stage_settle(second, &err), 0);
    stage_free(second);
}

static void test_stage_undo_of_a_commit_that_found_an_edit_leaves_the_edit(void **state)
{
    struct room *room = *state;
    const char *const wanted[] = {"a = 2\n", NULL};

    for (size_t i = 0; i < 2; i++) {
        struct stage *stage = new_stage(room);
        enum undone undone;
        struct err err;
        int asked = 0;

        scratch_write(&room->scratch, "etc/old.conf", "a = 1\n");
        set(stage, OLD, wanted[i]);
        assert_int_equal(stage_seal(stage, &err), 0);
        scratch_write(&room->scratch, "etc/old.conf", "somebody's\n");
        assert_int_equal(stage_commit_file(stage, OLD, &err), -1);
        assert_int_equal(err.kind, ERR_CHANGED);
        stage_undo_begin(stage);
        assert_int_equal(stage_undo_file(stage, OLD, take_back, &asked, &undone, &err), 0);
        assert_int_equal(undone, UNDONE_ALREADY);
        assert_int_equal(asked, 0);
        assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "somebody's\n");
        assert_int_equal(scratch_count(&room->scratch, "etc"), 1);
        stage_free(stage);
    }
}

/* Our bytes, but somebody gave the file another mode since: the bytes go, the mode stays. Both with
 * the displaced file at hand and from the copy. */
static void test_stage_undo_of_a_file_with_another_mode_since_keeps_the_mode(void **state)
{
    struct room *room = *state;

    for (int settled = 0; settled < 2; settled++) {
        struct stage *stage = new_stage(room);
        enum undone undone;
        struct stat st;
        struct err err;
        int asked = 0;

        scratch_write(&room->scratch, "etc/old.conf", "a = 1\n");
        set(stage, OLD, "a = 2\n");
        seal_and_commit(stage, OLD);
        if (settled == 1)
            assert_int_equal(stage_settle(stage, &err), 0);
        assert_int_equal(fchmodat(room->scratch.dir, "etc/old.conf", 0600, 0), 0);
        stage_undo_begin(stage);
        if (stage_undo_file(stage, OLD, take_back, &asked, &undone, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(undone, UNDONE_OWN_PART);
        assert_string_equal(scratch_read(&room->scratch, "etc/old.conf"), "a = 1\n");
        assert_int_equal(fstatat(room->scratch.dir, "etc/old.conf", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(scratch_count(&room->scratch, "etc"), 1);
        stage_free(stage);
    }
}

static void test_stage_check_unplaced_names_a_file_that_stands_as_it_was_written(void **state)
{
    struct room *room = *state;
    struct stage *stage = new_stage(room);
    struct err err = {0};

    set(stage, OLD, "a = 2\n");
    set(stage, PATH, "ours\n");
    assert_int_equal(stage_seal(stage, &err), 0);
    assert_int_equal(stage_check_unplaced(stage, &err), 0);
    /* Somebody else's text is nothing that was placed. */
    scratch_write(&room->scratch, "etc/old.conf", "a = 3\n");
    assert_int_equal(stage_check_unplaced(stage, &err), 0);
    assert_int_equal(stage_commit_file(stage, PATH, &err), 0);
    assert_int_equal(stage_check_unplaced(stage, &err), -1);
    assert_int_equal(err.kind, ERR_CHANGED);
    assert_non_null(strstr(err.text, PATH));
    stage_free(stage);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_stage_two_edits_of_one_file_are_one_image),
        WITH(test_stage_discard_leaves_no_trace),
        WITH(test_stage_undo_of_a_new_file_removes_it_and_its_directory),
        WITH(test_stage_undo_of_a_removed_file_gives_it_back),
        WITH(test_stage_undo_of_an_edited_file_takes_only_our_part),
        WITH(test_stage_undo_where_our_part_is_gone_leaves_it_alone),
        WITH(test_stage_restore_in_another_process_undoes_it),
        WITH(test_stage_undo_where_our_part_is_as_before_writes_nothing),
        WITH(test_stage_undo_without_a_sound_copy_leaves_the_file),
        WITH(test_stage_check_planned_sees_a_file_that_moved_before_it_was_staged),
        WITH(test_stage_file_below_a_directory_of_others_is_refused),
        WITH(test_stage_undo_after_a_crash_gives_a_displaced_edit_back),
        WITH(test_stage_undo_after_a_crash_in_an_undo_keeps_an_edit_of_ours),
        WITH(test_stage_undo_of_a_commit_that_found_an_edit_leaves_the_edit),
        WITH(test_stage_undo_of_a_file_with_another_mode_since_keeps_the_mode),
        WITH(test_stage_check_unplaced_names_a_file_that_stands_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
