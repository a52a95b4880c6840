#include "plans/base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_ROOM = 256 };

struct text text_new(struct arena *arena)
{
    return (struct text){.arena = arena};
}

static void make_room(struct text *text, size_t more)
{
    size_t need = text->len + more + 1;

    if (need <= text->room)
        return;
    size_t room = text->room == 0 ? FIRST_ROOM : text->room * 2;
    if (room < need)
        room = need;
    char *grown = arena_alloc(text->arena, room);
    if (text->len > 0)
        memcpy(grown, text->ptr, text->len);
    text->ptr = grown;
    text->room = room;
}

void text_add_span(struct text *text, struct span span)
{
    make_room(text, span.len);
    if (span.len > 0)
        memcpy(text->ptr + text->len, span.ptr, span.len);
    text->len += span.len;
    text->ptr[text->len] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_add_span(text, span_of(string));
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    make_room(text, (size_t)len);
    (void)vsnprintf(text->ptr + text->len, (size_t)len + 1, format, again);
    va_end(again);
    text->len += (size_t)len;
}

const char *text_string(struct text *text)
{
    make_room(text, 0);
    text->ptr[text->len] = '\0';
    return text->ptr;
}

struct span text_span(const struct text *text)
{
    return (struct span){text->ptr, text->len};
}
