/* plans/codec_shape: what a plan's JSON looks like, once, for the reader and for the writer.
 * Use:     for each field of shape_plan: read or write `key` at `at` bytes into the struct.
 * Shapes:  fields stand in the order in which they are written; each is always there (null
 *          included).
 * Owns:    constants.
 */
#ifndef HAMEDIC_PLANS_CODEC_SHAPE_H
#define HAMEDIC_PLANS_CODEC_SHAPE_H

#include "plans/plan.h"

enum form {
    FORM_STRING,         /* const char * */
    FORM_STRING_OR_NULL, /* const char * */
    FORM_ID,             /* char[PLAN_ID_SIZE] */
    FORM_BOOL,           /* bool */
    FORM_INT,            /* int64_t, 0..max */
    FORM_TIME,           /* int64_t, seconds <-> "2026-11-22T09:14:02Z" */
    FORM_WORD,           /* an enum <-> its word */
    FORM_ONE_WORD,       /* an enum <-> an array of its one word */
    FORM_STRINGS,        /* struct strings, at most max */
    FORM_OBJECT,         /* a struct inside the struct */
    FORM_LIST,           /* a pointer to structs, at most max; how many is a size_t at count_at */
};

struct words {
    const char *(*word)(const void *value);
    bool (*from_word)(const char *word, void *out_value);
    const char *expected; /* "low, medium or high" */
};

struct field {
    const char *key;
    enum form form;
    size_t at;
    size_t count_at;
    size_t max;
    const struct words *words;         /* FORM_WORD, FORM_ONE_WORD */
    const struct shape *shape;         /* FORM_OBJECT, FORM_LIST */
    bool (*holds)(const char *string); /* FORM_STRING: NULL, or what it must be besides */
    const char *expected;              /* what `holds` asks for, in words */
};

struct shape {
    size_t size; /* of the struct */
    const struct field *fields;
    size_t count;
};

extern const struct shape shape_plan;
extern const struct shape shape_diagnosis;

#endif
