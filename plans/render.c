#include "plans/render.h"

#include "plans/render_line.h"

void render_toned(const struct render_style *style, enum tone tone, const char *words,
                  struct text *text)
{
    line_open_tone(style, tone, text);
    (void)line_show(style, span_of(words), text);
    line_close_tone(style, tone, text);
}

void render_wrapped(const struct render_style *style, const char *first, size_t indent,
                    const char *words, struct text *text)
{
    struct line line = line_new(style, text, indent);

    line.column = line_show(style, span_of(first), text);
    line_words(&line, TONE_PLAIN, words);
    line_end(&line);
}

void render_step(const struct render_style *style, bool good, const char *words, struct text *text)
{
    struct line line = line_new(style, text, style->unicode ? 2 : 3);

    line_words(&line, good ? TONE_GOOD : TONE_BAD, good ? "✓" : "✗");
    line_words(&line, TONE_PLAIN, " ");
    line_words(&line, TONE_PLAIN, words);
    line_end(&line);
}
