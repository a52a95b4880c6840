/* plans/render_line: a line that knows its column and goes on below where words do not fit.
 * Use:     struct line line = line_new(style, text, indent); line_words(&line, TONE_BOLD, "...");
 *          line_end(&line);
 * Shapes:  words are parted at blanks, which are kept within a line; a word wider than the
 *          terminal stands whole on a line of its own. Bytes that are neither printable ASCII nor
 *          one of our signs are shown as \xNN.
 * Owns:    nothing.
 */
#ifndef HAMEDIC_PLANS_RENDER_LINE_H
#define HAMEDIC_PLANS_RENDER_LINE_H

#include "plans/render.h"

struct line {
    const struct render_style *style;
    struct text *text;
    size_t indent; /* of the lines below the first */
    size_t column;
    bool broken; /* nothing but the indent stands on this line yet */
};

struct line line_new(const struct render_style *style, struct text *text, size_t indent);
/* Words that follow what stands there; a blank between two calls is the caller's to give. */
void line_words(struct line *line, enum tone tone, const char *words);
/* Blanks up to that column; at least one where something stands there. */
void line_pad(struct line *line, size_t column);
/* Words at the right edge, or behind the rest where they do not fit there. */
void line_right(struct line *line, enum tone tone, const char *words);
void line_end(struct line *line);

/* Shows the words (text NULL: does not) and tells how many columns they take. */
size_t line_show(const struct render_style *style, struct span words, struct text *text);
void line_open_tone(const struct render_style *style, enum tone tone, struct text *text);
void line_close_tone(const struct render_style *style, enum tone tone, struct text *text);

/* Columns the words take up as they are shown. */
size_t line_width(const struct render_style *style, const char *words);
/* "1 change", "3 changes". */
const char *line_count(struct arena *arena, size_t count, const char *noun);
/* `indent` blanks, a label padded to `width`, and words that go on under themselves. */
void line_labelled(const struct render_style *style, size_t indent, const char *label, size_t width,
                   const char *words, struct text *text);
/* Each string after "  - " in its own lines. */
void line_list(const struct render_style *style, const struct strings *strings, struct text *text);

#endif
