#include "plans/base/escape.h"

#include <string.h>

#include "plans/base/text.h"

enum { ESCAPE_STRING_MAX = 4096 };

static bool is_plain(char byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

bool escape_is_plain(struct span span)
{
    for (size_t i = 0; i < span.len; i++)
        if (!is_plain(span.ptr[i]))
            return false;
    return true;
}

const char *escape_span(struct arena *arena, struct span span, size_t max)
{
    struct text text = text_new(arena);
    size_t shown = span.len > max ? max : span.len;

    /* Nearly all that is shown is as it is, and takes no more room than it has. */
    if (shown == span.len && escape_is_plain(span) &&
        (span.len == 0 || memchr(span.ptr, '\\', span.len) == NULL))
        return arena_copy(arena, span.ptr, span.len);

    for (size_t i = 0; i < shown; i++) {
        if (span.ptr[i] == '\\')
            text_add(&text, "\\\\");
        else if (span.ptr[i] == '\t')
            text_add(&text, "\\t");
        else if (is_plain(span.ptr[i]))
            text_add_span(&text, (struct span){span.ptr + i, 1});
        else
            text_addf(&text, "\\x%02x", (unsigned)(unsigned char)span.ptr[i]);
    }
    if (shown < span.len)
        text_addf(&text, "... (%zu more bytes)", span.len - shown);
    return text_string(&text);
}

const char *escape_string(struct arena *arena, const char *string)
{
    return escape_span(arena, span_of(string), ESCAPE_STRING_MAX);
}
