/* base/wire: plain data as bytes and back, for a process that does not trust the one that wrote
 * them.
 * Use:     static const struct wire_field fields[] = {WIRE(struct row, name), WIRE(struct row,
 *          port), ...}; static const struct wire_shape shape = WIRE_SHAPE(struct row, fields);
 *          wire_write(&text, &shape, &row);  ...  wire_read(&rest, &shape, arena, &row, err);
 * Shapes:  one table of fields writes and reads, so that the two cannot differ. Numbers are
 *          variable-length; a string or a span is its length and its bytes; an array its count and
 *          its elements. The bytes are for the same program on the same machine, never for a disk.
 * Owns:    what is read lives in the arena; nothing points into the bytes.
 * Errors:  ERR_INPUT where bytes are missing, a length or a count is beyond what is there, a number
 *          does not fit its field, an enum has no such value, a string holds a NUL. What was read
 *          by then MUST NOT be used.
 */
#ifndef HAMEDIC_PLANS_BASE_WIRE_H
#define HAMEDIC_PLANS_BASE_WIRE_H

#include "plans/base/text.h"

enum wire_type {
    WIRE_BOOL,
    WIRE_I32,
    WIRE_U32,
    WIRE_I64,
    WIRE_U64,
    WIRE_STRING, /* const char *, may be NULL */
    WIRE_SPAN,
    WIRE_CHARS,  /* char name[N], NUL-ended */
    WIRE_ENUM,   /* 0 <= value < limit */
    WIRE_STRUCT, /* in its place */
    WIRE_MANY,   /* a fixed number, in their place */
    WIRE_ARRAY,  /* a pointer to elements, and their count (size_t) */
};

struct wire_shape;
struct wire_field {
    size_t offset;
    size_t count; /* WIRE_ARRAY: where the count stands; WIRE_MANY, _CHARS: number */
    const struct wire_shape *shape; /* WIRE_STRUCT, WIRE_MANY, WIRE_ARRAY */
    enum wire_type type;
    unsigned limit; /* WIRE_ENUM */
};
struct wire_shape {
    size_t size;
    const struct wire_field *fields;
    size_t field_count;
};

/* The member's own type says how it goes; one that is not listed does not compile. */
#define WIRE_TYPE_OF(expression)                                                                   \
    _Generic((expression), bool                                                                    \
             : WIRE_BOOL, int32_t                                                                  \
             : WIRE_I32, uint32_t                                                                  \
             : WIRE_U32, int64_t                                                                   \
             : WIRE_I64, uint64_t                                                                  \
             : WIRE_U64, const char *                                                              \
             : WIRE_STRING, struct span                                                            \
             : WIRE_SPAN)
#define WIRE_MEMBER(structure, member) (((structure *)0)->member)
#define WIRE(structure, member)                                                                    \
    {                                                                                              \
        .type = WIRE_TYPE_OF(WIRE_MEMBER(structure, member)),                                      \
        .offset = offsetof(structure, member)                                                      \
    }
#define WIRE_ENUM_OF(structure, member, values)                                                    \
    {                                                                                              \
        .type = WIRE_ENUM, .offset = offsetof(structure, member), .limit = (values)                \
    }
#define WIRE_CHARS_OF(structure, member)                                                           \
    {                                                                                              \
        .type = WIRE_CHARS, .offset = offsetof(structure, member),                                 \
        .count = sizeof WIRE_MEMBER(structure, member)                                             \
    }
#define WIRE_STRUCT_OF(structure, member, its_shape)                                               \
    {                                                                                              \
        .type = WIRE_STRUCT, .offset = offsetof(structure, member), .shape = (its_shape)           \
    }
/* `member` is an array in its place: struct row rows[4] */
#define WIRE_MANY_OF(structure, member, its_shape)                                                 \
    {                                                                                              \
        .type = WIRE_MANY, .offset = offsetof(structure, member),                                  \
        .count = sizeof WIRE_MEMBER(structure, member) / sizeof WIRE_MEMBER(structure, member)[0], \
        .shape = (its_shape)                                                                       \
    }
#define WIRE_ARRAY_OF(structure, member, count_member, its_shape)                                  \
    {                                                                                              \
        .type = WIRE_ARRAY, .offset = offsetof(structure, member),                                 \
        .count = offsetof(structure, count_member), .shape = (its_shape)                           \
    }
#define WIRE_SHAPE(structure, its_fields)                                                          \
    {                                                                                              \
        .size = sizeof(structure), .fields = (its_fields),                                         \
        .field_count = sizeof(its_fields) / sizeof((its_fields)[0])                                \
    }

/* For arrays and MANY of one plain value each. */
extern const struct wire_shape wire_string_shape; /* const char * */
extern const struct wire_shape wire_u64_shape;

void wire_write(struct text *out, const struct wire_shape *shape, const void *object);
/* *rest goes behind what was read. *out_object MUST be zeroed; on failure it may be half filled. */
MUST_CHECK int wire_read(struct span *rest, const struct wire_shape *shape, struct arena *arena,
                         void *out_object, struct err *err);
/* Only the members that the shape names; what they point to is shared. */
void wire_move(const struct wire_shape *shape, void *to, const void *from);
/* The longest run of bytes that no field covers, in the shape and in those within it. More than
 * padding (7) is a member that was forgotten: for tests. */
size_t wire_gap(const struct wire_shape *shape, struct arena *arena);

#endif
