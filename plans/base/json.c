#include "plans/base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* From here on these names mean jansson's own; ours are spelled out. */
#undef json_object
#undef json_array
#undef json_string
#undef json_is_object
#undef json_string_value
#include <jansson.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"

enum { PATH_SIZE = 256 };

/* The tree on the heap is never const: `const struct json` is our promise, and jansson asks for
 * more. */
static json_t *raw(const struct json *value)
{
    return (json_t *)(uintptr_t)value;
}

static struct json *wrap(json_t *value)
{
    if (value == NULL)
        arena_exhausted();
    return (struct json *)value;
}

/* jansson's own bound of nesting (2048) is fixed: ours is checked before it sees a byte. */
static int check_depth(struct span bytes, size_t max_depth, struct err *err)
{
    size_t depth = 0, line = 1;
    bool quoted = false;

    for (size_t i = 0; i < bytes.len; i++) {
        char byte = bytes.ptr[i];
        if (byte == '\n')
            line++;
        if (quoted && byte == '\\') {
            i++;
        } else if (byte == '"') {
            quoted = !quoted;
        } else if (quoted) {
            continue;
        } else if (byte == '{' || byte == '[') {
            if (++depth > max_depth)
                return err_set(err, ERR_INPUT,
                               "line %zu: nested too deep: expected at most %zu levels", line,
                               max_depth);
        } else if ((byte == '}' || byte == ']') && depth > 0) {
            depth--;
        }
    }
    return 0;
}

int json_parse(struct span bytes, size_t max_depth, struct json **out_root, struct err *err)
{
    json_error_t error;

    if (check_depth(bytes, max_depth, err) < 0)
        return -1;
    json_t *root =
        json_loadb(bytes.len == 0 ? "" : bytes.ptr, bytes.len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL && json_error_code(&error) == json_error_out_of_memory)
        arena_exhausted();
    if (root == NULL && json_error_code(&error) == json_error_null_character)
        return err_set(err, ERR_INPUT, "line %d, column %d: a NUL character is not allowed",
                       error.line, error.column);
    if (root == NULL)
        return err_set(err, ERR_INPUT, "line %d, column %d: %s", error.line, error.column,
                       error.text);
    *out_root = wrap(root);
    return 0;
}

void json_free(struct json *root)
{
    json_decref(raw(root));
}

/* ---- reading ---- */

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

static void join(char *to, const char *path, const char *key)
{
    (void)snprintf(to, PATH_SIZE, "%s%s%s", path, path[0] == '\0' ? "" : ".", key);
}

static int wrong(struct err *err, const char *path, const char *key, const char *expected,
                 const json_t *found)
{
    char where[PATH_SIZE];

    join(where, path, key);
    if (found == NULL)
        return err_set(err, ERR_INPUT, "%s: expected %s, but it is missing", where, expected);
    return err_set(err, ERR_INPUT, "%s: expected %s, found %s", where, expected, type_name(found));
}

int json_check_keys(const struct json *object, const char *path, const char *const *known,
                    struct err *err)
{
    const char *key;
    json_t *value;

    if (!json_value_is_object(object))
        return err_set(err, ERR_INPUT, "%s: expected an object, found %s",
                       path[0] == '\0' ? "document" : path, type_name(raw(object)));
    json_object_foreach(raw(object), key, value)
    {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], key) != 0)
            i++;
        if (known[i] == NULL) {
            char where[PATH_SIZE];
            join(where, path, key);
            return err_set(err, ERR_INPUT, "%s: unknown key", where);
        }
    }
    return 0;
}

int json_get_string(const struct json *object, const char *path, const char *key, size_t max,
                    const char **out_value, struct err *err)
{
    const json_t *value = json_object_get(raw(object), key);

    if (!json_is_string(value))
        return wrong(err, path, key, "a string", value);
    if (json_string_length(value) > max) {
        char where[PATH_SIZE];
        join(where, path, key);
        return err_set(err, ERR_INPUT, "%s: expected at most %zu bytes, found %zu", where, max,
                       json_string_length(value));
    }
    *out_value = json_string_value(value);
    return 0;
}

int json_get_string_or_null(const struct json *object, const char *path, const char *key,
                            size_t max, const char **out_value, struct err *err)
{
    const json_t *value = json_object_get(raw(object), key);

    if (value == NULL || json_is_null(value)) {
        *out_value = NULL;
        return 0;
    }
    return json_get_string(object, path, key, max, out_value, err);
}

int json_get_int(const struct json *object, const char *path, const char *key, int64_t min,
                 int64_t max, int64_t *out_value, struct err *err)
{
    const json_t *value = json_object_get(raw(object), key);

    if (!json_is_integer(value))
        return wrong(err, path, key, "a whole number", value);
    int64_t number = json_integer_value(value);
    if (number < min || number > max) {
        char where[PATH_SIZE];
        join(where, path, key);
        return err_set(err, ERR_INPUT,
                       "%s: expected a whole number from %" PRId64 " to %" PRId64
                       ", found %" PRId64,
                       where, min, max, number);
    }
    *out_value = number;
    return 0;
}

int json_get_bool(const struct json *object, const char *path, const char *key, bool *out_value,
                  struct err *err)
{
    const json_t *value = json_object_get(raw(object), key);

    if (!json_is_boolean(value))
        return wrong(err, path, key, "true or false", value);
    *out_value = json_is_true(value);
    return 0;
}

int json_get_object(const struct json *object, const char *path, const char *key,
                    const struct json **out_value, struct err *err)
{
    const json_t *value = json_object_get(raw(object), key);

    if (!json_is_object(value))
        return wrong(err, path, key, "an object", value);
    *out_value = (const struct json *)value;
    return 0;
}

int json_get_array(const struct json *object, const char *path, const char *key, size_t max,
                   const struct json **out_value, struct err *err)
{
    const json_t *value = json_object_get(raw(object), key);

    if (!json_is_array(value))
        return wrong(err, path, key, "an array", value);
    if (json_array_size(value) > max) {
        char where[PATH_SIZE];
        join(where, path, key);
        return err_set(err, ERR_INPUT, "%s: expected at most %zu elements, found %zu", where, max,
                       json_array_size(value));
    }
    *out_value = (const struct json *)value;
    return 0;
}

size_t json_count(const struct json *array)
{
    return json_array_size(raw(array));
}

const struct json *json_at(const struct json *array, size_t index)
{
    return (const struct json *)json_array_get(raw(array), index);
}

bool json_value_is_object(const struct json *value)
{
    return json_is_object(raw(value));
}

const char *json_value_string(const struct json *value)
{
    return json_string_value(raw(value));
}

bool json_has(const struct json *object, const char *key)
{
    const json_t *value = json_object_get(raw(object), key);

    return value != NULL && !json_is_null(value);
}

bool json_has_key(const struct json *object, const char *key)
{
    return json_object_get(raw(object), key) != NULL;
}

/* ---- writing ---- */

struct json *json_new_object(void)
{
    return wrap(json_object());
}

struct json *json_new_array(void)
{
    return wrap(json_array());
}

struct json *json_new_string(const char *value)
{
    if (value == NULL)
        return wrap(json_null());
    json_t *string = json_string(value);
    if (string == NULL) {
        /* Either memory is exhausted or these bytes are no UTF-8: those are shown, never dropped.
         */
        struct arena *scratch CLEANUP_ARENA = arena_new();
        string = json_string(escape_span(scratch, span_of(value), strlen(value)));
    }
    return wrap(string);
}

struct json *json_int(int64_t value)
{
    return wrap(json_integer(value));
}

struct json *json_bool(bool value)
{
    return wrap(json_boolean(value));
}

void json_set(struct json *object, const char *key, struct json *value)
{
    assert(json_value_is_object(object) && value != object);
    if (json_object_set_new(raw(object), key, raw(value)) < 0)
        arena_exhausted();
}

void json_append(struct json *array, struct json *value)
{
    assert(json_is_array(raw(array)) && value != array);
    if (json_array_append_new(raw(array), raw(value)) < 0)
        arena_exhausted();
}

void json_set_string(struct json *object, const char *key, const char *value)
{
    json_set(object, key, json_new_string(value));
}

void json_set_int(struct json *object, const char *key, int64_t value)
{
    json_set(object, key, json_int(value));
}

void json_set_bool(struct json *object, const char *key, bool value)
{
    json_set(object, key, json_bool(value));
}

static int add_chunk(const char *bytes, size_t len, void *text)
{
    struct span rest = {bytes, len};

    /* jansson takes DEL for printable: a terminal does not. */
    while (rest.len > 0) {
        size_t before = rest.len;
        struct span part = span_cut(&rest, 0x7f);
        text_add_span(text, part);
        if (before > part.len)
            text_add(text, "\\u007F");
    }
    return 0;
}

const char *json_write(const struct json *root, bool pretty, struct arena *arena)
{
    struct text text = text_new(arena);
    size_t style = pretty ? JSON_INDENT(2) : JSON_COMPACT;

    if (json_dump_callback(raw(root), add_chunk, &text, JSON_ENSURE_ASCII | style) < 0)
        arena_exhausted();
    if (pretty)
        text_add(&text, "\n");
    return text_string(&text);
}
