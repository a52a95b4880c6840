/* base/span: a piece of bytes that somebody else owns.
 * Shapes:  ptr may be NULL when len is 0; not NUL-ended; any byte may occur.
 * Owns:    nothing: a span lives as long as what it points into.
 * Errors:  ERR_INPUT from the number parsers, naming `what`, the text seen and the bounds.
 */
#ifndef HAMEDIC_PLANS_BASE_SPAN_H
#define HAMEDIC_PLANS_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plans/base/err.h"

struct span {
    const char *ptr;
    size_t len;
};

struct span span_of(const char *string);
bool span_equal(struct span a, struct span b);
bool span_is(struct span span, const char *string);
bool span_starts_with(struct span span, const char *prefix);
bool span_ends_with(struct span span, const char *suffix);
struct span span_trim(struct span span); /* space, tab, CR, LF off both ends */
/* The part before the first `separator` (all of it where there is none); *rest goes behind it. */
struct span span_cut(struct span *rest, char separator);
/* The next line without its LF; false at the end. A last line without LF counts. */
bool span_next_line(struct span *rest, struct span *out_line);

/* Decimal digits only: no sign, no blank, no prefix; min <= value <= max. */
MUST_CHECK int span_to_u64(struct span span, const char *what, uint64_t min, uint64_t max,
                           uint64_t *out_value, struct err *err);
/* As above without a message, for scanning. */
bool span_scan_u64(struct span span, uint64_t *out_value);
bool span_scan_i64(struct span span, int64_t *out_value); /* one leading '-' is allowed */

#endif
