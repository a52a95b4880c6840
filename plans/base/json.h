/* base/json: strict JSON in, deterministic JSON out. The only user of jansson.
 * Use:     struct json *doc; json_parse(bytes, max_depth, &doc, err) ... json_free(doc); Reading:
 *          json_get_*(object, "key", path...). Writing: json_object(), json_set_*(), json_write().
 * Shapes:  in: UTF-8; duplicate keys, NUL, trailing text, depth above the bound are errors with
 *          line and column. Out: two blanks of indentation or one line, keys in the order they
 *          were set, printable ASCII and LF only (everything else as \uXXXX). Integers are int64.
 * Owns:    the root owns the tree: json_free on the root only. json_set, json_append hand a child
 *          over to its parent (also on failure). Strings that are read live as long as the root.
 * Errors:  ERR_INPUT, with the path of what was wrong ("changes[3].before: expected an object").
 */
#ifndef HAMEDIC_PLANS_BASE_JSON_H
#define HAMEDIC_PLANS_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plans/base/arena.h"
#include "plans/base/span.h"

/* jansson exports these very names: ours are linked under others, so that neither ever answers for
 * the other. */
#define json_object       json_new_object
#define json_array        json_new_array
#define json_string       json_new_string
#define json_is_object    json_value_is_object
#define json_string_value json_value_string

struct json;

MUST_CHECK int json_parse(struct span bytes, size_t max_depth, struct json **out_root,
                          struct err *err);
void json_free(struct json *root); /* NULL is allowed */
static inline void json_cleanup(struct json **root)
{
    json_free(*root);
}
#define CLEANUP_JSON __attribute__((cleanup(json_cleanup)))

/* ---- reading: `path` says where in the document `object` stands, for messages ("" is the root)
 * ---- */

/* Every key of `object` must be in `known` (NULL-ended), or ERR_INPUT names the unknown one. */
MUST_CHECK int json_check_keys(const struct json *object, const char *path,
                               const char *const *known, struct err *err);
/* The value must be there and of that type. Strings: at most `max` bytes. */
MUST_CHECK int json_get_string(const struct json *object, const char *path, const char *key,
                               size_t max, const char **out_value, struct err *err);
/* As above, but null or absence gives NULL. */
MUST_CHECK int json_get_string_or_null(const struct json *object, const char *path, const char *key,
                                       size_t max, const char **out_value, struct err *err);
MUST_CHECK int json_get_int(const struct json *object, const char *path, const char *key,
                            int64_t min, int64_t max, int64_t *out_value, struct err *err);
MUST_CHECK int json_get_bool(const struct json *object, const char *path, const char *key,
                             bool *out_value, struct err *err);
MUST_CHECK int json_get_object(const struct json *object, const char *path, const char *key,
                               const struct json **out_value, struct err *err);
/* At most `max` elements. */
MUST_CHECK int json_get_array(const struct json *object, const char *path, const char *key,
                              size_t max, const struct json **out_value, struct err *err);
size_t json_count(const struct json *array);
const struct json *json_at(const struct json *array, size_t index);
bool json_is_object(const struct json *value);
/* NULL where the value is no string. */
const char *json_string_value(const struct json *value);
bool json_has(const struct json *object, const char *key); /* present and not null */
bool json_has_key(const struct json *object, const char *key);

/* ---- writing: memory exhaustion is the arena's handler's affair, so nothing fails here ---- */

struct json *json_object(void);
struct json *json_array(void);
struct json *json_string(const char *value); /* NULL gives null */
struct json *json_int(int64_t value);
struct json *json_bool(bool value);
void json_set(struct json *object, const char *key, struct json *value);
void json_append(struct json *array, struct json *value);
/* Short forms. */
void json_set_string(struct json *object, const char *key, const char *value);
void json_set_int(struct json *object, const char *key, int64_t value);
void json_set_bool(struct json *object, const char *key, bool value);

/* Pretty (two blanks, ends with LF) or compact (one line, no LF). */
const char *json_write(const struct json *root, bool pretty, struct arena *arena);

#endif
