#include "plans/codec.h"

#include <assert.h>
#include <string.h>

#include "plans/base/escape.h"
#include "plans/base/json.h"
#include "plans/codec_shape.h"

enum { FIELDS_MAX = 32 };

/* Where in the document a value is read, and into what. */
struct place {
    const struct json *object;
    const char *path; /* of the object */
    const struct field *field;
    char *record;
};

static int read_object(const struct json *object, const char *path, const struct shape *shape,
                       char *record, struct arena *arena, struct err *err);

static const char *path_of(const struct place *place, struct arena *arena)
{
    return arena_printf(arena, "%s%s%s", place->path, place->path[0] == '\0' ? "" : ".",
                        place->field->key);
}

/* A \u escape can bring in what the bytes of the file may not hold. */
static int refuse_foreign(const char *path, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s: expected printable ASCII", path);
}

static int read_string(const struct place *place, const char **out_value, struct arena *arena,
                       struct err *err)
{
    const struct field *field = place->field;
    const char *value;

    if (!json_has_key(place->object, field->key))
        return err_set(err, ERR_INPUT, "%s: expected a string%s, but it is missing",
                       path_of(place, arena), field->form == FORM_STRING_OR_NULL ? " or null" : "");
    if (field->form == FORM_STRING_OR_NULL && !json_has(place->object, field->key)) {
        *out_value = NULL;
        return 0;
    }
    if (json_get_string(place->object, place->path, field->key, PLAN_STRING_MAX, &value, err) < 0)
        return -1;
    if (!escape_is_plain(span_of(value)))
        return refuse_foreign(path_of(place, arena), err);
    if (field->holds != NULL && !field->holds(value))
        return err_set(err, ERR_INPUT, "%s: expected %s, found \"%s\"", path_of(place, arena),
                       field->expected, value);
    *out_value = arena_string(arena, value);
    return 0;
}

static int read_id(const struct place *place, char *out_id, struct arena *arena, struct err *err)
{
    const char *value;

    if (read_string(place, &value, arena, err) < 0)
        return -1;
    if (strlen(value) != PLAN_ID_SIZE - 1 || strspn(value, "0123456789abcdef") != PLAN_ID_SIZE - 1)
        return err_set(err, ERR_INPUT, "%s: expected %d lower-case hex digits, found \"%s\"",
                       path_of(place, arena), PLAN_ID_SIZE - 1, value);
    memcpy(out_id, value, PLAN_ID_SIZE);
    return 0;
}

static int read_time(const struct place *place, int64_t *out_time, struct arena *arena,
                     struct err *err)
{
    const char *value;

    if (read_string(place, &value, arena, err) < 0)
        return -1;
    if (!time_from_text(value, out_time))
        return err_set(err, ERR_INPUT,
                       "%s: expected a time such as \"2026-11-22T09:14:02Z\", found \"%s\"",
                       path_of(place, arena), value);
    return 0;
}

static int read_word(const struct place *place, void *out_value, struct arena *arena,
                     struct err *err)
{
    const char *value;

    if (read_string(place, &value, arena, err) < 0)
        return -1;
    if (!place->field->words->from_word(value, out_value))
        return err_set(err, ERR_INPUT, "%s: expected %s, found \"%s\"", path_of(place, arena),
                       place->field->words->expected, value);
    return 0;
}

static int read_one_word(const struct place *place, void *out_value, struct arena *arena,
                         struct err *err)
{
    const struct json *array;

    if (json_get_array(place->object, place->path, place->field->key, 1, &array, err) < 0)
        return -1;
    const char *value = json_string_value(json_at(array, 0));
    if (value == NULL || !place->field->words->from_word(value, out_value))
        return err_set(err, ERR_INPUT, "%s: expected an array of one word: %s",
                       path_of(place, arena), place->field->words->expected);
    return 0;
}

static int read_strings(const struct place *place, struct strings *out_strings, struct arena *arena,
                        struct err *err)
{
    const struct json *array;

    if (json_get_array(place->object, place->path, place->field->key, place->field->max, &array,
                       err) < 0)
        return -1;
    for (size_t i = 0; i < json_count(array); i++) {
        const char *value = json_string_value(json_at(array, i));
        const char *path = arena_printf(arena, "%s[%zu]", path_of(place, arena), i);
        if (value == NULL || strlen(value) > PLAN_STRING_MAX)
            return err_set(err, ERR_INPUT, "%s: expected a string of at most %d bytes", path,
                           PLAN_STRING_MAX);
        if (!escape_is_plain(span_of(value)))
            return refuse_foreign(path, err);
        strings_add(out_strings, arena, value);
    }
    return 0;
}

/* All pointers to structs have one representation; memcpy writes it without lying about the type.
 */
static void store(char *to, const void *value, size_t size)
{
    memcpy(to, value, size);
}

static int read_list(const struct place *place, struct arena *arena, struct err *err)
{
    const struct field *field = place->field;
    const struct json *array;

    if (json_get_array(place->object, place->path, field->key, field->max, &array, err) < 0)
        return -1;
    size_t count = json_count(array);
    char *first = count == 0 ? NULL : arena_alloc(arena, count * field->shape->size);
    for (size_t i = 0; i < count; i++) {
        const char *path = arena_printf(arena, "%s[%zu]", path_of(place, arena), i);
        if (read_object(json_at(array, i), path, field->shape, first + i * field->shape->size,
                        arena, err) < 0)
            return -1;
    }
    store(place->record + field->at, &first, sizeof first);
    store(place->record + field->count_at, &count, sizeof count);
    return 0;
}

static int read_inner(const struct place *place, char *record, struct arena *arena, struct err *err)
{
    const struct json *object;

    if (json_get_object(place->object, place->path, place->field->key, &object, err) < 0)
        return -1;
    return read_object(object, path_of(place, arena), place->field->shape, record, arena, err);
}

static int read_field(const struct place *place, struct arena *arena, struct err *err)
{
    void *value = place->record + place->field->at;

    switch (place->field->form) {
    case FORM_STRING:
    case FORM_STRING_OR_NULL:
        return read_string(place, value, arena, err);
    case FORM_ID:
        return read_id(place, value, arena, err);
    case FORM_BOOL:
        return json_get_bool(place->object, place->path, place->field->key, value, err);
    case FORM_INT:
        return json_get_int(place->object, place->path, place->field->key, 0,
                            (int64_t)place->field->max, value, err);
    case FORM_TIME:
        return read_time(place, value, arena, err);
    case FORM_WORD:
        return read_word(place, value, arena, err);
    case FORM_ONE_WORD:
        return read_one_word(place, value, arena, err);
    case FORM_STRINGS:
        return read_strings(place, value, arena, err);
    case FORM_OBJECT:
        return read_inner(place, value, arena, err);
    case FORM_LIST:
        return read_list(place, arena, err);
    }
    return err_set(err, ERR_BUG, "%s: a field without a form", path_of(place, arena));
}

static int check_keys(const struct json *object, const char *path, const struct shape *shape,
                      struct err *err)
{
    const char *known[FIELDS_MAX] = {NULL};
    size_t count = 0;

    assert(shape->count + 2 <= FIELDS_MAX);
    for (size_t i = 0; i < shape->count; i++)
        known[count++] = shape->fields[i].key;
    if (path[0] == '\0')
        known[count++] = "schema";
    return json_check_keys(object, path, known, err);
}

static int read_object(const struct json *object, const char *path, const struct shape *shape,
                       char *record, struct arena *arena, struct err *err)
{
    if (check_keys(object, path, shape, err) < 0)
        return -1;
    for (size_t i = 0; i < shape->count; i++) {
        struct place place = {object, path, &shape->fields[i], record};
        if (read_field(&place, arena, err) < 0)
            return -1;
    }
    return 0;
}

static int check_bytes(struct span bytes, struct err *err)
{
    size_t line = 1, column = 0;

    if (bytes.len > PLAN_FILE_MAX)
        return err_set(err, ERR_INPUT, "document: expected at most %zu bytes, found %zu",
                       PLAN_FILE_MAX, bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        column++;
        if (byte == '\n') {
            line++;
            column = 0;
        } else if (byte < 0x20 || byte > 0x7e) {
            return err_set(err, ERR_INPUT,
                           "line %zu, column %zu: expected printable ASCII, found byte 0x%02x",
                           line, column, byte);
        }
    }
    return 0;
}

static int check_schema(const struct json *root, struct err *err)
{
    const char *schema;

    if (!json_is_object(root))
        return err_set(err, ERR_INPUT, "document: expected an object");
    if (json_get_string(root, "", "schema", PLAN_STRING_MAX, &schema, err) < 0)
        return -1;
    if (strcmp(schema, PLAN_SCHEMA) != 0)
        return err_set(err, ERR_INPUT, "schema: expected \"%s\", found \"%.80s\"", PLAN_SCHEMA,
                       schema);
    return 0;
}

/* What one field alone cannot tell. */
static int check_sense(const struct plan *plan, struct arena *arena, struct err *err)
{
    if (plan->expires < plan->created)
        return err_set(err, ERR_INPUT, "expires: expected a time not before created");
    for (size_t i = 0; i < plan->change_count; i++) {
        const struct change *change = &plan->changes[i];
        const char *kind, *target;
        if (!address_split(arena, change->address, &kind, &target))
            return err_set(err, ERR_INPUT,
                           "changes[%zu].address: expected KIND:TARGET, found \"%.200s\"", i,
                           change->address);
        if (strcmp(kind, change->kind) != 0)
            return err_set(err, ERR_INPUT,
                           "changes[%zu].kind: expected \"%.200s\" as in its address, "
                           "found \"%.200s\"",
                           i, kind, change->kind);
        if (strcmp(target, change->target) != 0)
            return err_set(err, ERR_INPUT,
                           "changes[%zu].target: expected \"%.200s\" as in its address, "
                           "found \"%.200s\"",
                           i, target, change->target);
    }
    return 0;
}

int codec_read_plan(struct span bytes, struct arena *arena, struct plan *out_plan, struct err *err)
{
    struct json *root CLEANUP_JSON = NULL;
    struct plan plan = {0};

    if (check_bytes(bytes, err) < 0 || json_parse(bytes, PLAN_DEPTH_MAX, &root, err) < 0 ||
        check_schema(root, err) < 0 ||
        read_object(root, "", &shape_plan, (char *)&plan, arena, err) < 0 ||
        check_sense(&plan, arena, err) < 0)
        return -1;
    *out_plan = plan;
    return 0;
}
