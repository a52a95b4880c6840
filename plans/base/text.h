/* base/text: builds a string piece by piece, in an arena.
 * Use:     struct text text = text_new(arena); text_addf(&text, ...); return text_string(&text);
 * Owns:    the arena owns the bytes.
 * Errors:  none.
 */
#ifndef HAMEDIC_PLANS_BASE_TEXT_H
#define HAMEDIC_PLANS_BASE_TEXT_H

#include "plans/base/arena.h"
#include "plans/base/span.h"

struct text {
    struct arena *arena;
    char *ptr;
    size_t len;
    size_t room;
};

struct text text_new(struct arena *arena);
void text_add(struct text *text, const char *string);
void text_add_span(struct text *text, struct span span);
void text_addf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
const char *text_string(struct text *text); /* NUL-ended; valid until the next add */
struct span text_span(const struct text *text);

#endif
