/* The files of a stage: read once, written beside their targets, exchanged, and taken back. */
#include "remediations/stage_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static struct stage_file *find(const struct stage *stage, const char *path)
{
    for (size_t i = 0; i < stage->file_count; i++)
        if (strcmp(stage->files[i]->path, path) == 0)
            return stage->files[i];
    return NULL;
}

int stage_file_parent(const struct stage *stage, const struct stage_file *file, int *out_dir,
                      const char **out_name, struct err *err)
{
    return host_open_parent(stage->settings.host, file->path, false, out_dir, out_name, err);
}

static bool is_absent(const struct err *err)
{
    return err->kind == ERR_SYS && err->sys == ENOENT;
}

static int read_before(struct stage *stage, struct stage_file *file, struct err *err)
{
    int dir CLEANUP_FD = -1;
    const char *name;

    if (stage_file_parent(stage, file, &dir, &name, err) < 0)
        return is_absent(err) ? 0 : -1; /* no directory, no file: both will be made */
    return replace_read(dir, name, stage->arena, &file->before, err);
}

/* How many directories above `path` are missing. */
static size_t missing_directories(const struct stage *stage, const char *path)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    char *parent = arena_string(arena, path);
    size_t missing = 0;

    for (char *slash = strrchr(parent, '/'); slash != NULL && slash > parent;
         slash = strrchr(parent, '/')) {
        struct err err;
        int fd CLEANUP_FD = -1;
        *slash = '\0';
        if (host_open_path(stage->settings.host, parent, O_PATH | O_DIRECTORY, &fd, &err) == 0)
            break;
        missing++;
    }
    return missing;
}

static int use(struct stage *stage, const char *path, struct stage_file **out_file, struct err *err)
{
    struct stage_file *file = find(stage, path);

    if (file == NULL) {
        file = arena_alloc(stage->arena, sizeof *file);
        file->path = arena_string(stage->arena, path);
        file->stage_name =
            arena_printf(stage->arena, ".hamedic.%s.%zu", stage->settings.id, stage->file_count);
        file->undo_name = arena_printf(stage->arena, "old.%zu", stage->file_count);
        if (read_before(stage, file, err) < 0)
            return err_wrap(err, "cannot stage '%s'", path);
        file->made_directories = missing_directories(stage, path);
        file->exists = file->before.exists;
        file->text = file->before.bytes;
        ARENA_PUSH(stage->arena, stage->files, stage->file_count) = file;
    }
    *out_file = file;
    return 0;
}

int stage_file_text(struct stage *stage, const char *path, bool *out_exists, struct span *out_text,
                    struct err *err)
{
    struct stage_file *file;

    if (use(stage, path, &file, err) < 0)
        return -1;
    *out_exists = file->exists;
    *out_text = file->text;
    return 0;
}

int stage_file_set(struct stage *stage, const char *path, bool exists, struct span text,
                   struct err *err)
{
    struct stage_file *file;

    if (use(stage, path, &file, err) < 0)
        return -1;
    file->exists = exists;
    file->text = exists ? text : (struct span){NULL, 0};
    file->changed = exists != file->before.exists || !span_equal(text, file->before.bytes);
    if (exists)
        file->written = digest_bytes(text);
    else
        file->written.hex[0] = '\0';
    return 0;
}

/* ---- seal ---- */

/* An owner or a group may be anybody's: who may write HAProxy's configuration decides already what
 * HAProxy, which root starts, does. But nobody reviews what everybody may write. */
static int check_writers(const struct stage_file *file, const char *name, struct err *err)
{
    if (!file->before.exists || (file->before.st.st_mode & S_IWOTH) == 0)
        return 0;
    return err_set(err, ERR_DENIED, "'%s' may be written by everybody (mode %04o)", name,
                   file->before.st.st_mode & 07777u);
}

static int seal_file(struct stage *stage, struct stage_file *file, struct err *err)
{
    int dir CLEANUP_FD = -1;
    const char *name;

    if (host_open_parent(stage->settings.host, file->path, true, &dir, &name, err) < 0 ||
        check_writers(file, name, err) < 0 || replace_check(dir, name, err) < 0)
        return -1;
    if (file->before.exists &&
        file_put(stage->settings.undo_dir, file->undo_name, file->before.bytes, 0600, err) < 0)
        return -1;
    if (file->exists && replace_stage(dir, file->stage_name, file->text, &file->before, err) < 0)
        return -1;
    file->sealed = true;
    return 0;
}

int stage_check_planned(const struct stage *stage, const struct change *change, struct err *err)
{
    for (size_t i = 0; i < change->touched_count; i++) {
        const struct touched *planned = &change->touched[i];
        const struct stage_file *file = find(stage, planned->object);
        if (file == NULL)
            continue;
        if (strcmp(file->before.exists ? file->before.digest.hex : "absent", planned->digest) != 0)
            return err_set(err, ERR_CHANGED, "'%s' moved since the plan was made", file->path);
    }
    return 0;
}

int stage_seal(struct stage *stage, struct err *err)
{
    if (stage_check_reload(stage, err) < 0)
        return -1;
    for (size_t i = 0; i < stage->file_count; i++) {
        struct stage_file *file = stage->files[i];
        if (file->changed && !file->sealed && seal_file(stage, file, err) < 0)
            return err_wrap(err, "cannot stage '%s'", file->path);
    }
    return stage_check_config(stage, err);
}

/* ---- commit ---- */

int stage_commit_file(struct stage *stage, const char *path, struct err *err)
{
    struct stage_file *file = find(stage, path);
    int dir CLEANUP_FD = -1;
    const char *name;

    if (file == NULL)
        return err_set(err, ERR_BUG, "'%s' was never staged", path);
    if (!file->changed || file->committed)
        return 0;
    if (!file->sealed)
        return err_set(err, ERR_BUG, "'%s' was never sealed", path);
    if (stage_file_parent(stage, file, &dir, &name, err) < 0)
        return err_wrap(err, "cannot replace '%s'", path);
    int done = file->exists ? replace_commit(dir, name, file->stage_name, &file->before, err)
                            : replace_remove(dir, name, file->stage_name, &file->before, err);
    if (done < 0)
        return err_wrap(err, "cannot replace '%s'", path);
    file->committed = true;
    return 0;
}

/* ---- undo ---- */

/* Directories that were made for this file go again, as far as they are empty. */
static int remove_made_directories(const struct stage *stage, const struct stage_file *file,
                                   struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    char *path = arena_string(arena, file->path);

    for (size_t i = 0; i < file->made_directories; i++) {
        int dir CLEANUP_FD = -1;
        const char *name;
        *strrchr(path, '/') = '\0';
        if (host_open_parent(stage->settings.host, path, false, &dir, &name, err) < 0) {
            if (is_absent(err))
                continue;
            return -1;
        }
        if (unlinkat(dir, name, AT_REMOVEDIR) < 0) {
            if (errno == ENOENT)
                continue;
            if (errno == ENOTEMPTY || errno == EEXIST)
                return 0; /* somebody else uses it by now */
            return err_sys(err, errno, "cannot remove directory '%s'", path);
        }
        if (fsync(dir) < 0)
            return err_sys(err, errno, "cannot sync the directory above '%s'", path);
    }
    return 0;
}

/* What is being made for an undo stands here until it is exchanged: never where the displaced file
 * stands. */
static const char *back_name(const struct stage *stage, const struct stage_file *file)
{
    return arena_printf(stage->arena, "%s.back", file->stage_name);
}

/* Removes what stands beside the target, but only what is known: our new text, or what it displaced. */
static int settle_aside(const struct stage_file *file, int dir, const char *name, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct file_image aside;

    if (replace_look(dir, file->stage_name, arena, &aside, err) < 0)
        return -1;
    /* Of a new file owner and mode are what the directory gave it. */
    struct file_image written = file->before.exists ? file->before : aside;
    const struct file_image *known[] = {&file->before, &written};
    written.digest = file->written;
    return replace_settle_known(dir, name, file->stage_name, known, sizeof known / sizeof known[0],
                                err);
}

/* The target, what stands beside it under the staged name, and whose hands it is in. */
struct undoing {
    int dir;
    const char *name;
    struct file_image now, aside;
};

static int restore_whole(struct stage *stage, struct stage_file *file, struct undoing *at,
                         struct err *err)
{
    /* The displaced file itself, inode and times and all, where it is still there. */
    if (file->before.exists && at->aside.exists)
        return file->exists
                   ? replace_revert(at->dir, at->name, file->stage_name, &at->now, true, err)
                   : replace_unremove(at->dir, at->name, file->stage_name, err);
    struct digest copy = digest_bytes(file->before.bytes);
    if (file->before.exists && !digest_equal(&copy, &file->before.digest))
        return err_set(err, ERR_INPUT,
                       "its copy '%s' in the transaction's folder is missing or damaged",
                       file->undo_name);
    return replace_restore(at->dir, at->name,
                           file->before.exists ? back_name(stage, file) : file->stage_name,
                           &at->now, &file->before, err);
}

/* New text, in what else somebody made of the file. */
static int put_text(struct stage *stage, const struct stage_file *file, struct undoing *at,
                    struct span text, struct err *err)
{
    const char *temporary = back_name(stage, file);
    struct err second;

    if (replace_stage(at->dir, temporary, text, &at->now, err) < 0)
        return -1;
    int done = replace_commit(at->dir, at->name, temporary, &at->now, err);
    int settled = replace_settle(at->dir, temporary, done < 0 ? &second : err);
    return done < 0 ? done : settled;
}

static int take_own_part(struct stage *stage, struct stage_file *file, struct undoing *at,
                         stage_take_back *take_back, void *context, enum undone *out_undone,
                         struct err *err)
{
    struct span text = at->now.bytes;
    bool ours = false;

    if (!at->now.exists)
        return err_set(err, ERR_CHANGED, "somebody removed it since, and it is left so");
    if (!S_ISREG(at->now.st.st_mode))
        return err_set(err, ERR_CHANGED, "somebody put %s in its place since: it is left",
                       file_kind_word(at->now.st.st_mode));
    if (take_back(context, at->now.bytes, stage->arena, &ours, &text, err) < 0)
        return -1;
    if (!ours) {
        *out_undone = UNDONE_LEFT;
        return 0;
    }
    *out_undone = UNDONE_OWN_PART;
    if (text.len == 0 && !file->before.exists)
        return replace_revert(at->dir, at->name, file->stage_name, &at->now, false, err);
    if (!span_equal(text, at->now.bytes))
        return put_text(stage, file, at, text, err);
    *out_undone = UNDONE_ALREADY;
    return 0;
}

/* A link or a folder has no bytes, and is not the same as nothing. */
static bool holds(const struct file_image *image, const struct digest *bytes)
{
    return digest_equal(&image->digest, bytes) && image->exists == (bytes->hex[0] != '\0');
}

/* Was it never put in place, or put back at once? Then nothing that stands there is ours. */
static bool was_never_placed(const struct stage_file *file, const struct undoing *at)
{
    if (at->aside.exists)
        return file->exists && holds(&at->aside, &file->written);
    return !file->from_journal && !file->committed && !holds(&at->now, &file->written);
}

/* The target has the bytes that we wrote, or is gone as we wanted it. */
static int take_ours_back(struct stage *stage, struct stage_file *file, struct undoing *at,
                          enum undone *out_undone, struct err *err)
{
    *out_undone = UNDONE_OWN_PART;
    /* A crash came before anybody looked at what was displaced, and it was somebody's edit. */
    if (at->aside.exists && !holds(&at->aside, &file->before.digest))
        return file->exists
                   ? replace_revert(at->dir, at->name, file->stage_name, &at->now, true, err)
                   : replace_unremove(at->dir, at->name, file->stage_name, err);
    /* Somebody gave it another owner, mode, ACL or label since, and keeps that. */
    struct digest copy = digest_bytes(file->before.bytes);
    if (file->exists && file->before.exists && !replace_same_dress(&at->now, &file->before) &&
        digest_equal(&copy, &file->before.digest))
        return put_text(stage, file, at, file->before.bytes, err);
    *out_undone = UNDONE_RESTORED;
    return restore_whole(stage, file, at, err);
}

static int undo_in(struct stage *stage, struct stage_file *file, struct undoing *at,
                   stage_take_back *take_back, void *context, enum undone *out_undone,
                   struct err *err)
{
    enum undone undone = file->committed ? UNDONE_RESTORED : UNDONE_ALREADY;
    int done = 0;

    if (replace_look(at->dir, at->name, stage->arena, &at->now, err) < 0 ||
        replace_look(at->dir, file->stage_name, stage->arena, &at->aside, err) < 0)
        return -1;
    if (!holds(&at->now, &file->before.digest) && !was_never_placed(file, at))
        done = holds(&at->now, &file->written)
                   ? take_ours_back(stage, file, at, &undone, err)
                   : take_own_part(stage, file, at, take_back, context, &undone, err);
    if (done < 0 || replace_settle(at->dir, back_name(stage, file), err) < 0 ||
        settle_aside(file, at->dir, at->name, err) < 0)
        return -1;
    *out_undone = undone;
    return 0;
}

int stage_undo_file(struct stage *stage, const char *path, stage_take_back *take_back,
                    void *context, enum undone *out_undone, struct err *err)
{
    struct stage_file *file = find(stage, path);
    int dir CLEANUP_FD = -1;
    struct undoing at = {0};

    *out_undone = UNDONE_ALREADY;
    if (file == NULL || !file->changed)
        return 0;
    if (stage_file_parent(stage, file, &dir, &at.name, err) < 0) {
        /* A crash may have come between the directories that we made. */
        if (is_absent(err) && !file->before.exists &&
            remove_made_directories(stage, file, err) == 0)
            return 0;
        return err_wrap(err, "cannot take back '%s'", path);
    }
    at.dir = dir;
    if (undo_in(stage, file, &at, take_back, context, out_undone, err) < 0 ||
        remove_made_directories(stage, file, err) < 0)
        return err_wrap(err, "cannot take back '%s'", path);
    return 0;
}

/* ---- end ---- */

typedef int clear_aside(const struct stage_file *file, int dir, const char *name, struct err *err);

/* Whatever it is: before anything was exchanged, all that bears our names is ours, also one that a
 * crash left half written. */
static int drop_aside(const struct stage_file *file, int dir, const char *name, struct err *err)
{
    (void)name;
    return replace_settle(dir, file->stage_name, err);
}

static int clear_file(struct stage *stage, struct stage_file *file, clear_aside *clear,
                      struct err *err)
{
    int dir CLEANUP_FD = -1;
    const char *name;

    if (!file->changed)
        return 0;
    if (stage_file_parent(stage, file, &dir, &name, err) < 0)
        return is_absent(err) ? 0 : -1;
    if (replace_settle(dir, back_name(stage, file), err) < 0)
        return -1;
    return clear(file, dir, name, err);
}

int stage_settle(struct stage *stage, struct err *err)
{
    for (size_t i = 0; i < stage->file_count; i++)
        if (clear_file(stage, stage->files[i], settle_aside, err) < 0)
            return err_wrap(err, "cannot clear up beside '%s'", stage->files[i]->path);
    return 0;
}

int stage_discard(struct stage *stage, struct err *err)
{
    stage_undo_begin(stage);
    for (size_t i = 0; i < stage->file_count; i++) {
        struct stage_file *file = stage->files[i];
        if (clear_file(stage, file, drop_aside, err) < 0 ||
            (file->changed && !file->before.exists &&
             remove_made_directories(stage, file, err) < 0))
            return err_wrap(err, "cannot clear up beside '%s'", file->path);
    }
    return 0;
}
