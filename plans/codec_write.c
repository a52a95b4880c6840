#include "plans/codec.h"

#include <string.h>

#include "plans/base/escape.h"
#include "plans/base/json.h"
#include "plans/codec_shape.h"

static struct json *write_object(struct json *object, const struct shape *shape, const void *record,
                                 struct arena *arena);

/* A plan's strings are printable ASCII; one that is not shows its bytes, so that it is seen and
 * read. */
static struct json *write_string(const char *string, struct arena *arena)
{
    if (string == NULL || escape_is_plain(span_of(string)))
        return json_string(string);
    return json_string(escape_span(arena, span_of(string), strlen(string)));
}

static struct json *write_strings(const struct strings *strings, struct arena *arena)
{
    struct json *array = json_array();

    for (size_t i = 0; i < strings->count; i++)
        json_append(array, write_string(strings->at[i], arena));
    return array;
}

static struct json *write_one_word(const struct words *words, const void *value)
{
    struct json *array = json_array();

    json_append(array, json_string(words->word(value)));
    return array;
}

static struct json *write_list(const struct field *field, const char *record, struct arena *arena)
{
    struct json *array = json_array();
    const char *first;
    size_t count;

    /* All pointers to structs have one representation; memcpy reads it without lying about the
     * type. */
    memcpy(&first, record + field->at, sizeof first);
    memcpy(&count, record + field->count_at, sizeof count);
    for (size_t i = 0; i < count; i++)
        json_append(array, write_object(json_object(), field->shape, first + i * field->shape->size,
                                        arena));
    return array;
}

static struct json *write_field(const struct field *field, const void *record, struct arena *arena)
{
    const void *value = (const char *)record + field->at;

    switch (field->form) {
    case FORM_STRING:
    case FORM_STRING_OR_NULL:
        return write_string(*(const char *const *)value, arena);
    case FORM_ID:
        return write_string(value, arena);
    case FORM_BOOL:
        return json_bool(*(const bool *)value);
    case FORM_INT:
        return json_int(*(const int64_t *)value);
    case FORM_TIME:
        return json_string(time_text(arena, *(const int64_t *)value));
    case FORM_WORD:
        return json_string(field->words->word(value));
    case FORM_ONE_WORD:
        return write_one_word(field->words, value);
    case FORM_STRINGS:
        return write_strings(value, arena);
    case FORM_OBJECT:
        return write_object(json_object(), field->shape, value, arena);
    case FORM_LIST:
        return write_list(field, record, arena);
    }
    return json_string(NULL);
}

/* Returns `object` with the fields of the shape behind those it has. */
static struct json *write_object(struct json *object, const struct shape *shape, const void *record,
                                 struct arena *arena)
{
    for (size_t i = 0; i < shape->count; i++)
        json_set(object, shape->fields[i].key, write_field(&shape->fields[i], record, arena));
    return object;
}

static const char *write_document(const char *schema, const struct shape *shape, const void *record,
                                  struct arena *arena)
{
    struct json *root CLEANUP_JSON = json_object();

    json_set_string(root, "schema", schema);
    return json_write(write_object(root, shape, record, arena), true, arena);
}

struct span codec_write_plan(const struct plan *plan, struct arena *arena)
{
    return span_of(write_document(PLAN_SCHEMA, &shape_plan, plan, arena));
}

const char *codec_write_diagnosis(const struct diagnosis *diagnosis, struct arena *arena)
{
    return write_document(DIAGNOSIS_SCHEMA, &shape_diagnosis, diagnosis, arena);
}
