/* base/escape: the one way from foreign bytes to something that may be shown or signed.
 * Shapes:  the result is printable ASCII (0x20..0x7e), one line, NUL-ended; a tab stands as \t, every other byte
 *          as \xNN and a backslash as \\, so that two different inputs never look alike.
 * Owns:    the arena owns the result.
 */
#ifndef HAMEDIC_PLANS_BASE_ESCAPE_H
#define HAMEDIC_PLANS_BASE_ESCAPE_H

#include "plans/base/arena.h"
#include "plans/base/span.h"

/* At most `max` bytes of input are shown; what was cut is told as "... (N more bytes)". */
const char *escape_span(struct arena *arena, struct span span, size_t max);
const char *escape_string(struct arena *arena, const char *string);
/* True where every byte is printable ASCII, so that showing it needs no escaping. */
bool escape_is_plain(struct span span);

#endif
