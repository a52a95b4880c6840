/* logs/take: reads one thing off the front of a span.
 * Use:     struct span rest = line; if (!take_char(&rest, '[') || !take_i32(&rest, &value)) not such a line.
 * Shapes:  bytes; a number that does not fit is read whole and saturates.
 * Owns:    nothing.
 * Errors:  false where it is not there: *rest may have moved then, the outputs are untouched.
 */
#ifndef HAMEDIC_AGENT_LOGS_TAKE_H
#define HAMEDIC_AGENT_LOGS_TAKE_H

#include <string.h>

#include "plans/base/span.h"

static inline bool take_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline struct span take_rest(struct span span, size_t len)
{
    return (struct span){span.ptr + len, span.len - len};
}

static inline bool take_char(struct span *rest, char c)
{
    if (rest->len == 0 || *rest->ptr != c)
        return false;
    *rest = take_rest(*rest, 1);
    return true;
}

static inline bool take_digits(struct span *rest, size_t count, int *out_value)
{
    int value = 0;

    if (rest->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!take_is_digit(rest->ptr[i]))
            return false;
        value = value * 10 + (rest->ptr[i] - '0');
    }
    *rest = take_rest(*rest, count);
    *out_value = value;
    return true;
}

/* What stands before the next `end`, which is taken too. */
static inline bool take_until(struct span *rest, char end, struct span *out)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->ptr, end, rest->len);

    if (found == NULL)
        return false;
    *out = (struct span){rest->ptr, (size_t)(found - rest->ptr)};
    *rest = take_rest(*rest, out->len + 1);
    return true;
}

static inline bool take_u64(struct span *rest, uint64_t *out_value)
{
    uint64_t value = 0;
    size_t len = 0;

    for (; len < rest->len && take_is_digit(rest->ptr[len]); len++) {
        unsigned digit = (unsigned)(rest->ptr[len] - '0');

        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    if (len == 0)
        return false;
    *rest = take_rest(*rest, len);
    *out_value = value;
    return true;
}

/* An optional '-' before it. */
static inline bool take_i32(struct span *rest, int32_t *out_value)
{
    bool negative = take_char(rest, '-');
    uint64_t value;

    if (!take_u64(rest, &value))
        return false;
    if (value > INT32_MAX)
        value = INT32_MAX;
    *out_value = negative ? -(int32_t)value : (int32_t)value;
    return true;
}

#endif
