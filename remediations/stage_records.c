/* A stage as text for the journal, and back: what an undo in another process needs. */
#include "remediations/stage_internal.h"

#include <errno.h>
#include <string.h>

#include "plans/base/json.h"

enum { RECORDS_DEPTH = 6, FILES_MAX = 1024, NOTES_MAX = 8192, ATTRIBUTES_MAX = 256 };

static const char *hex_of(struct arena *arena, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = arena_alloc(arena, bytes.len * 2 + 1);

    for (size_t i = 0; i < bytes.len; i++) {
        hex[2 * i] = digits[(unsigned char)bytes.ptr[i] >> 4];
        hex[2 * i + 1] = digits[(unsigned char)bytes.ptr[i] & 15];
    }
    return hex;
}

static int nibble(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

static int from_hex(struct arena *arena, const char *hex, struct span *out_bytes, struct err *err)
{
    size_t len = strlen(hex);
    char *bytes = arena_alloc(arena, len / 2 + 1);

    for (size_t i = 0; i + 1 < len; i += 2) {
        int high = nibble(hex[i]), low = nibble(hex[i + 1]);
        if (high < 0 || low < 0)
            return err_set(err, ERR_INPUT, "'%.20s': expected hex digits", hex);
        bytes[i / 2] = (char)(high * 16 + low);
    }
    if (len % 2 != 0)
        return err_set(err, ERR_INPUT, "'%.20s': expected pairs of hex digits", hex);
    *out_bytes = (struct span){bytes, len / 2};
    return 0;
}

static struct json *before_json(const struct file_image *image, struct arena *arena)
{
    struct json *object = json_object();
    struct json *attributes = json_array();

    json_set_string(object, "digest", image->digest.hex);
    json_set_int(object, "uid", image->st.st_uid);
    json_set_int(object, "gid", image->st.st_gid);
    json_set_int(object, "mode", image->st.st_mode & 07777);
    json_set_int(object, "atime", image->st.st_atim.tv_sec);
    json_set_int(object, "atime_ns", image->st.st_atim.tv_nsec);
    json_set_int(object, "mtime", image->st.st_mtim.tv_sec);
    json_set_int(object, "mtime_ns", image->st.st_mtim.tv_nsec);
    for (size_t i = 0; i < image->xattr_count; i++) {
        struct json *attribute = json_object();
        json_set_string(attribute, "name", image->xattrs[i].name);
        json_set_string(attribute, "hex", hex_of(arena, image->xattrs[i].value));
        json_append(attributes, attribute);
    }
    json_set(object, "attributes", attributes);
    return object;
}

static struct json *file_json(const struct stage_file *file, struct arena *arena)
{
    struct json *object = json_object();

    json_set_string(object, "path", file->path);
    json_set_string(object, "stage", file->stage_name);
    json_set_string(object, "undo", file->undo_name);
    json_set_bool(object, "exists", file->exists);
    json_set_string(object, "written", file->written.hex);
    json_set_int(object, "directories", (int64_t)file->made_directories);
    json_set(object, "before",
             file->before.exists ? before_json(&file->before, arena) : json_string(NULL));
    return object;
}

const char *stage_records(const struct stage *stage, struct arena *arena)
{
    struct json *root CLEANUP_JSON = json_object();
    struct json *files = json_array();
    struct json *notes = json_array();

    for (size_t i = 0; i < stage->file_count; i++)
        if (stage->files[i]->changed)
            json_append(files, file_json(stage->files[i], arena));
    for (size_t i = 0; i < stage->note_count; i++) {
        struct json *note = json_object();
        json_set_string(note, "address", stage->notes[i].address);
        json_set_string(note, "key", stage->notes[i].key);
        json_set_string(note, "value", stage->notes[i].value);
        json_append(notes, note);
    }
    json_set(root, "files", files);
    json_set(root, "notes", notes);
    json_set_bool(root, "reload", stage->want_reload);
    json_set_bool(root, "daemon_reload", stage->want_daemon_reload);
    json_set_bool(root, "was_in_step", stage->settings.was_in_step);
    return json_write(root, false, arena);
}

/* ---- the way back ---- */

static int get_number(const struct json *object, const char *key, int64_t *out_value,
                      struct err *err)
{
    return json_get_int(object, "before", key, INT64_MIN, INT64_MAX, out_value, err);
}

static int restore_attributes(struct stage *stage, const struct json *object,
                              struct file_image *image, struct err *err)
{
    const struct json *attributes;

    if (json_get_array(object, "before", "attributes", ATTRIBUTES_MAX, &attributes, err) < 0)
        return -1;
    for (size_t i = 0; i < json_count(attributes); i++) {
        const char *name, *hex;
        struct span value;
        if (json_get_string(json_at(attributes, i), "attributes", "name", 256, &name, err) < 0 ||
            json_get_string(json_at(attributes, i), "attributes", "hex", 131072, &hex, err) < 0 ||
            from_hex(stage->arena, hex, &value, err) < 0)
            return -1;
        ARENA_PUSH(stage->arena, image->xattrs, image->xattr_count) =
            (struct file_xattr){arena_string(stage->arena, name), value};
    }
    return 0;
}

static int get_digest(const struct json *object, const char *path, const char *key,
                      struct digest *out_digest, struct err *err)
{
    const char *hex;

    if (json_get_string(object, path, key, DIGEST_HEX_SIZE - 1, &hex, err) < 0)
        return -1;
    memset(out_digest, 0, sizeof *out_digest);
    memcpy(out_digest->hex, hex, strlen(hex));
    return 0;
}

static int restore_before(struct stage *stage, const struct json *object, struct stage_file *file,
                          struct err *err)
{
    struct file_image *image = &file->before;
    int64_t uid, gid, mode, atime, atime_ns, mtime, mtime_ns;

    image->exists = true;
    if (get_digest(object, "before", "digest", &image->digest, err) < 0 ||
        get_number(object, "uid", &uid, err) < 0 || get_number(object, "gid", &gid, err) < 0 ||
        get_number(object, "mode", &mode, err) < 0 ||
        get_number(object, "atime", &atime, err) < 0 ||
        get_number(object, "atime_ns", &atime_ns, err) < 0 ||
        get_number(object, "mtime", &mtime, err) < 0 ||
        get_number(object, "mtime_ns", &mtime_ns, err) < 0 ||
        restore_attributes(stage, object, image, err) < 0)
        return -1;
    image->st.st_uid = (uid_t)uid;
    image->st.st_gid = (gid_t)gid;
    image->st.st_mode = (mode_t)mode;
    image->st.st_atim = (struct timespec){atime, atime_ns};
    image->st.st_mtim = (struct timespec){mtime, mtime_ns};

    /* A crash may have come before the copy was written; what is wrong with it is told by who needs
     * it. */
    struct err ignored;
    if (file_read(stage->settings.undo_dir, file->undo_name, REPLACE_FILE_MAX, stage->arena,
                  &image->bytes, &ignored) < 0)
        image->bytes = (struct span){NULL, 0};
    return 0;
}

static const char *keep(struct stage *stage, const char *string)
{
    return arena_string(stage->arena, string);
}

static int restore_file(struct stage *stage, const struct json *object, struct err *err)
{
    struct stage_file *file = arena_alloc(stage->arena, sizeof *file);
    const char *path, *stage_name, *undo_name;
    const struct json *before;
    int64_t directories;

    if (json_get_string(object, "files", "path", 4096, &path, err) < 0 ||
        json_get_string(object, "files", "stage", 255, &stage_name, err) < 0 ||
        json_get_string(object, "files", "undo", 255, &undo_name, err) < 0 ||
        json_get_bool(object, "files", "exists", &file->exists, err) < 0 ||
        json_get_int(object, "files", "directories", 0, 64, &directories, err) < 0 ||
        get_digest(object, "files", "written", &file->written, err) < 0)
        return -1;
    file->path = keep(stage, path);
    file->stage_name = keep(stage, stage_name);
    file->undo_name = keep(stage, undo_name);
    file->made_directories = (size_t)directories;
    file->changed = true;
    file->sealed = true;
    file->from_journal = true;
    if (json_has(object, "before") &&
        (json_get_object(object, "files", "before", &before, err) < 0 ||
         restore_before(stage, before, file, err) < 0))
        return -1;
    ARENA_PUSH(stage->arena, stage->files, stage->file_count) = file;
    return 0;
}

static int restore_note(struct stage *stage, const struct json *object, struct err *err)
{
    const char *address, *key, *value;

    if (json_get_string(object, "notes", "address", 4096, &address, err) < 0 ||
        json_get_string(object, "notes", "key", 256, &key, err) < 0 ||
        json_get_string(object, "notes", "value", 65536, &value, err) < 0)
        return -1;
    stage_note(stage, address, key, value);
    return 0;
}

int stage_restore(struct stage *stage, struct span records, struct err *err)
{
    struct json *root CLEANUP_JSON = NULL;
    const struct json *files, *notes;

    if (json_parse(records, RECORDS_DEPTH, &root, err) < 0 ||
        json_get_array(root, "", "files", FILES_MAX, &files, err) < 0 ||
        json_get_array(root, "", "notes", NOTES_MAX, &notes, err) < 0 ||
        json_get_bool(root, "", "reload", &stage->want_reload, err) < 0 ||
        json_get_bool(root, "", "daemon_reload", &stage->want_daemon_reload, err) < 0 ||
        json_get_bool(root, "", "was_in_step", &stage->settings.was_in_step, err) < 0)
        return err_wrap(err, "cannot read the journal's undo records");
    for (size_t i = 0; i < json_count(files); i++)
        if (restore_file(stage, json_at(files, i), err) < 0)
            return err_wrap(err, "cannot read the journal's undo records");
    for (size_t i = 0; i < json_count(notes); i++)
        if (restore_note(stage, json_at(notes, i), err) < 0)
            return err_wrap(err, "cannot read the journal's undo records");
    return 0;
}
