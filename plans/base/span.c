#include "plans/base/span.h"

#include <inttypes.h>
#include <string.h>

struct span span_of(const char *string)
{
    return (struct span){string, strlen(string)};
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool span_is(struct span span, const char *string)
{
    return span_equal(span, span_of(string));
}

bool span_starts_with(struct span span, const char *prefix)
{
    size_t len = strlen(prefix);

    return span.len >= len && memcmp(span.ptr, prefix, len) == 0;
}

bool span_ends_with(struct span span, const char *suffix)
{
    size_t len = strlen(suffix);

    return span.len >= len && memcmp(span.ptr + span.len - len, suffix, len) == 0;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct span span_trim(struct span span)
{
    while (span.len > 0 && is_blank(span.ptr[0])) {
        span.ptr++;
        span.len--;
    }
    while (span.len > 0 && is_blank(span.ptr[span.len - 1]))
        span.len--;
    return span;
}

struct span span_cut(struct span *rest, char separator)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->ptr, separator, rest->len);
    size_t len = found == NULL ? rest->len : (size_t)(found - rest->ptr);
    struct span part = {rest->ptr, len};
    size_t skip = found == NULL ? len : len + 1;

    if (skip > 0) {
        rest->ptr += skip;
        rest->len -= skip;
    }
    return part;
}

bool span_next_line(struct span *rest, struct span *out_line)
{
    if (rest->len == 0)
        return false;
    *out_line = span_cut(rest, '\n');
    return true;
}

bool span_scan_u64(struct span span, uint64_t *out_value)
{
    uint64_t value = 0;

    if (span.len == 0)
        return false;
    for (size_t i = 0; i < span.len; i++) {
        if (span.ptr[i] < '0' || span.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(span.ptr[i] - '0'), &value))
            return false;
    }
    *out_value = value;
    return true;
}

bool span_scan_i64(struct span span, int64_t *out_value)
{
    bool negative = span.len > 0 && span.ptr[0] == '-';
    uint64_t value;

    if (negative) {
        span.ptr++;
        span.len--;
    }
    if (!span_scan_u64(span, &value) || value > (uint64_t)INT64_MAX)
        return false;
    *out_value = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

int span_to_u64(struct span span, const char *what, uint64_t min, uint64_t max, uint64_t *out_value,
                struct err *err)
{
    uint64_t value;
    int shown = span.len > 40 ? 40 : (int)span.len;

    if (!span_scan_u64(span, &value) || value < min || value > max)
        return err_set(
            err, ERR_INPUT, "%s '%.*s%s': expected a whole number from %" PRIu64 " to %" PRIu64,
            what, shown, span.ptr == NULL ? "" : span.ptr, span.len > 40 ? "..." : "", min, max);
    *out_value = value;
    return 0;
}
