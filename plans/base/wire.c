#include "plans/base/wire.h"

#include <assert.h>
#include <string.h>

/* Seven bits a byte, the last one below 0x80: ten bytes for 64 bits. */
enum { GROUP_BITS = 7, GROUP_MORE = 0x80, GROUPS_MAX = 10 };

static const struct wire_field string_fields[] = {{.type = WIRE_STRING}};
static const struct wire_field u64_fields[] = {{.type = WIRE_U64}};
const struct wire_shape wire_string_shape = WIRE_SHAPE(const char *, string_fields);
const struct wire_shape wire_u64_shape = WIRE_SHAPE(uint64_t, u64_fields);

/* Small negative numbers are common (-1: not known) and shall be short. */
static uint64_t fold(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}
static int64_t unfold(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

/* ---- writing ---- */

static void put_number(struct text *out, uint64_t value)
{
    char bytes[GROUPS_MAX];
    size_t len = 0;

    for (; value >= GROUP_MORE; value >>= GROUP_BITS)
        bytes[len++] = (char)((value & (GROUP_MORE - 1)) | GROUP_MORE);
    bytes[len++] = (char)value;
    text_add_span(out, (struct span){bytes, len});
}

static void put_bytes(struct text *out, struct span bytes)
{
    put_number(out, bytes.len);
    text_add_span(out, bytes);
}

/* One more than the length: 0 is for NULL. */
static void put_string(struct text *out, const char *string)
{
    size_t len = string == NULL ? 0 : strlen(string);

    put_number(out, string == NULL ? 0 : (uint64_t)len + 1);
    text_add_span(out, (struct span){string, len});
}

static void put_elements(struct text *out, const struct wire_shape *shape, const char *elements,
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        wire_write(out, shape, elements + i * shape->size);
}

static size_t count_of(const char *object, const struct wire_field *field)
{
    size_t count;

    memcpy(&count, object + field->count, sizeof count);
    return count;
}

static void put_array(struct text *out, const struct wire_field *field, const char *object)
{
    size_t count = count_of(object, field);
    const char *elements;

    memcpy(&elements, object + field->offset, sizeof elements);
    put_number(out, count);
    put_elements(out, field->shape, elements, count);
}

/* What lies at `from`, as the type that its field has. */
#define AT(type, from) (*(type const *)(const void *)(from))

static void put_field(struct text *out, const struct wire_field *field, const char *object)
{
    const char *from = object + field->offset;

    switch (field->type) {
    case WIRE_BOOL:
        put_number(out, AT(bool, from));
        return;
    case WIRE_I32:
        put_number(out, fold(AT(int32_t, from)));
        return;
    case WIRE_U32:
        put_number(out, AT(uint32_t, from));
        return;
    case WIRE_I64:
        put_number(out, fold(AT(int64_t, from)));
        return;
    case WIRE_U64:
        put_number(out, AT(uint64_t, from));
        return;
    case WIRE_STRING:
        put_string(out, AT(const char *, from));
        return;
    case WIRE_SPAN:
        put_bytes(out, AT(struct span, from));
        return;
    case WIRE_CHARS:
        put_bytes(out, (struct span){from, strnlen(from, field->count)});
        return;
    case WIRE_ENUM:
        put_number(out, AT(unsigned, from));
        return;
    case WIRE_STRUCT:
        wire_write(out, field->shape, from);
        return;
    case WIRE_MANY:
        put_elements(out, field->shape, from, field->count);
        return;
    case WIRE_ARRAY:
        put_array(out, field, object);
        return;
    }
    assert(false && "a field has one of these types");
}

void wire_write(struct text *out, const struct wire_shape *shape, const void *object)
{
    for (size_t i = 0; i < shape->field_count; i++)
        put_field(out, &shape->fields[i], object);
}

/* ---- reading ---- */

static int bad(struct err *err, const char *what)
{
    return err_set(err, ERR_INPUT, "malformed message: %s", what);
}

static int take_number(struct span *rest, uint64_t max, uint64_t *out_value, struct err *err)
{
    uint64_t value = 0;

    for (unsigned group = 0; group < GROUPS_MAX; group++) {
        if (rest->len == 0)
            return bad(err, "it ends inside a number");
        uint64_t byte = (unsigned char)*rest->ptr, bits = byte & (GROUP_MORE - 1);
        *rest = (struct span){rest->ptr + 1, rest->len - 1};
        if (group == GROUPS_MAX - 1 && byte > 1)
            break;
        value |= bits << (group * GROUP_BITS);
        if (byte >= GROUP_MORE)
            continue;
        if (value > max)
            return bad(err, "a number is too large for its field");
        *out_value = value;
        return 0;
    }
    return bad(err, "a number has more than 64 bits");
}

static int take_signed(struct span *rest, int64_t min, int64_t max, int64_t *out_value,
                       struct err *err)
{
    uint64_t folded;

    if (take_number(rest, UINT64_MAX, &folded, err) < 0)
        return -1;
    if (unfold(folded) < min || unfold(folded) > max)
        return bad(err, "a number is too large for its field");
    *out_value = unfold(folded);
    return 0;
}

static int take_bytes(struct span *rest, size_t len, struct span *out_bytes, struct err *err)
{
    if (len > rest->len)
        return bad(err, "a length is beyond its end");
    *out_bytes = (struct span){rest->ptr, len};
    *rest = (struct span){rest->ptr + len, rest->len - len};
    return 0;
}

static int take_string(struct span *rest, struct arena *arena, const char **out_string,
                       struct err *err)
{
    struct span bytes;
    uint64_t len;

    if (take_number(rest, SIZE_MAX, &len, err) < 0)
        return -1;
    if (len == 0) {
        *out_string = NULL;
        return 0;
    }
    if (take_bytes(rest, (size_t)len - 1, &bytes, err) < 0)
        return -1;
    if (bytes.len > 0 && memchr(bytes.ptr, '\0', bytes.len) != NULL)
        return bad(err, "a NUL inside a string");
    *out_string = arena_copy(arena, bytes.ptr, bytes.len);
    return 0;
}

static int take_span(struct span *rest, struct arena *arena, struct span *out_span, struct err *err)
{
    struct span bytes;
    uint64_t len;

    if (take_number(rest, SIZE_MAX, &len, err) < 0 ||
        take_bytes(rest, (size_t)len, &bytes, err) < 0)
        return -1;
    *out_span = (struct span){arena_copy(arena, bytes.ptr, bytes.len), bytes.len};
    return 0;
}

static int take_chars(struct span *rest, size_t room, char *to, struct err *err)
{
    struct span bytes;
    uint64_t len;

    /* Room for the NUL: it is there, since what is read into was zeroed. */
    if (take_number(rest, room - 1, &len, err) < 0 ||
        take_bytes(rest, (size_t)len, &bytes, err) < 0)
        return -1;
    if (bytes.len > 0 && memchr(bytes.ptr, '\0', bytes.len) != NULL)
        return bad(err, "a NUL inside a string");
    memcpy(to, bytes.ptr, bytes.len);
    return 0;
}

static int take_elements(struct span *rest, const struct wire_shape *shape, size_t count,
                         struct arena *arena, char *elements, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (wire_read(rest, shape, arena, elements + i * shape->size, err) < 0)
            return -1;
    return 0;
}

static int take_array(struct span *rest, const struct wire_field *field, struct arena *arena,
                      char *object, struct err *err)
{
    const struct wire_shape *shape = field->shape;
    uint64_t count;

    /* Every field is a byte at least: what a count can make us allocate is bounded by what came. */
    if (take_number(rest, rest->len / shape->field_count, &count, err) < 0)
        return -1;
    size_t number = (size_t)count;
    void *elements = number == 0 ? NULL : arena_alloc(arena, number * shape->size);
    if (take_elements(rest, shape, number, arena, elements, err) < 0)
        return -1;
    memcpy(object + field->offset, &elements, sizeof elements);
    memcpy(object + field->count, &number, sizeof number);
    return 0;
}

#define PUT(type, to, value) (*(type *)(void *)(to) = (type)(value))

static int take_plain(struct span *rest, const struct wire_field *field, char *to, struct err *err)
{
    bool is_signed = field->type == WIRE_I32 || field->type == WIRE_I64;
    uint64_t max = field->type == WIRE_BOOL  ? 1
                   : field->type == WIRE_U32 ? UINT32_MAX
                   : field->type == WIRE_U64 ? UINT64_MAX
                                             : (uint64_t)field->limit - 1;
    uint64_t value = 0;
    int64_t number = 0;

    if (is_signed ? take_signed(rest, field->type == WIRE_I32 ? INT32_MIN : INT64_MIN,
                                field->type == WIRE_I32 ? INT32_MAX : INT64_MAX, &number, err) < 0
                  : take_number(rest, max, &value, err) < 0)
        return -1;
    if (field->type == WIRE_BOOL)
        PUT(bool, to, value != 0);
    else if (field->type == WIRE_I32)
        PUT(int32_t, to, number);
    else if (field->type == WIRE_I64)
        PUT(int64_t, to, number);
    else if (field->type == WIRE_U64)
        PUT(uint64_t, to, value);
    else
        PUT(uint32_t, to, value);
    return 0;
}

static int take_field(struct span *rest, const struct wire_field *field, struct arena *arena,
                      char *object, struct err *err)
{
    char *to = object + field->offset;

    switch (field->type) {
    case WIRE_STRING:
        return take_string(rest, arena, (const char **)(void *)to, err);
    case WIRE_SPAN:
        return take_span(rest, arena, (struct span *)(void *)to, err);
    case WIRE_CHARS:
        return take_chars(rest, field->count, to, err);
    case WIRE_STRUCT:
        return wire_read(rest, field->shape, arena, to, err);
    case WIRE_MANY:
        return take_elements(rest, field->shape, field->count, arena, to, err);
    case WIRE_ARRAY:
        return take_array(rest, field, arena, object, err);
    case WIRE_BOOL:
    case WIRE_I32:
    case WIRE_U32:
    case WIRE_I64:
    case WIRE_U64:
    case WIRE_ENUM:
        return take_plain(rest, field, to, err);
    }
    return err_set(err, ERR_BUG, "a field of no known type");
}

int wire_read(struct span *rest, const struct wire_shape *shape, struct arena *arena,
              void *out_object, struct err *err)
{
    for (size_t i = 0; i < shape->field_count; i++)
        if (take_field(rest, &shape->fields[i], arena, out_object, err) < 0)
            return -1;
    return 0;
}

/* ---- parts of a whole ---- */

static size_t size_of(const struct wire_field *field)
{
    switch (field->type) {
    case WIRE_BOOL:
        return sizeof(bool);
    case WIRE_I32:
    case WIRE_U32:
    case WIRE_ENUM:
        return sizeof(uint32_t);
    case WIRE_I64:
    case WIRE_U64:
        return sizeof(uint64_t);
    case WIRE_STRING:
    case WIRE_ARRAY:
        return sizeof(void *);
    case WIRE_SPAN:
        return sizeof(struct span);
    case WIRE_CHARS:
        return field->count;
    case WIRE_STRUCT:
        return field->shape->size;
    case WIRE_MANY:
        return field->count * field->shape->size;
    }
    return 0;
}

void wire_move(const struct wire_shape *shape, void *to, const void *from)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct wire_field *field = &shape->fields[i];

        memcpy((char *)to + field->offset, (const char *)from + field->offset, size_of(field));
        if (field->type == WIRE_ARRAY)
            memcpy((char *)to + field->count, (const char *)from + field->count, sizeof(size_t));
    }
}

static void mark(unsigned char *seen, size_t offset, size_t size)
{
    memset(seen + offset, 1, size);
}

size_t wire_gap(const struct wire_shape *shape, struct arena *arena)
{
    unsigned char *seen = arena_alloc(arena, shape->size);
    size_t gap = 0, worst = 0;

    for (size_t i = 0; i < shape->field_count; i++) {
        const struct wire_field *field = &shape->fields[i];

        mark(seen, field->offset, size_of(field));
        if (field->type == WIRE_ARRAY)
            mark(seen, field->count, sizeof(size_t));
    }
    for (size_t i = 0; i < shape->size; i++) {
        gap = seen[i] ? 0 : gap + 1;
        worst = gap > worst ? gap : worst;
    }
    for (size_t i = 0; i < shape->field_count; i++) {
        size_t inner = shape->fields[i].shape == NULL ? 0 : wire_gap(shape->fields[i].shape, arena);
        worst = inner > worst ? inner : worst;
    }
    return worst;
}
