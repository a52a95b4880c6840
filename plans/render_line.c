#include "plans/render_line.h"

#include <string.h>

enum { WIDTH_MIN = 40, LIST_INDENT = 4 };

/* The only characters beyond ASCII that are ever shown, each with what stands for it without
 * Unicode. */
static const struct sign {
    const char *utf8;
    const char *ascii;
} signs[] = {{"→", "->"}, {"·", "|"},  {"–", "-"}, {"…", "..."},
             {"✓", "ok"}, {"✗", "!!"}, {"×", "x"}, {"≥", ">="}};

static const struct sign *find_sign(struct span span)
{
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (span_starts_with(span, signs[i].utf8))
            return &signs[i];
    return NULL;
}

size_t line_show(const struct render_style *style, struct span words, struct text *text)
{
    size_t columns = 0;

    while (words.len > 0) {
        unsigned char byte = (unsigned char)words.ptr[0];
        const struct sign *sign = byte < 0x80 ? NULL : find_sign(words);
        size_t taken = 1;
        if (byte >= 0x20 && byte < 0x7f) {
            if (text != NULL)
                text_add_span(text, (struct span){words.ptr, 1});
            columns++;
        } else if (sign != NULL) {
            taken = strlen(sign->utf8);
            if (text != NULL)
                text_add(text, style->unicode ? sign->utf8 : sign->ascii);
            columns += style->unicode ? 1 : strlen(sign->ascii);
        } else {
            if (text != NULL)
                text_addf(text, "\\x%02x", byte);
            columns += 4;
        }
        words.ptr += taken;
        words.len -= taken;
    }
    return columns;
}

void line_open_tone(const struct render_style *style, enum tone tone, struct text *text)
{
    static const char *const codes[] = {
        [TONE_PLAIN] = "",  [TONE_BOLD] = "1",     [TONE_DIM] = "2",
        [TONE_GOOD] = "32", [TONE_WARNING] = "33", [TONE_BAD] = "1;31"};

    if (style->color && tone != TONE_PLAIN)
        text_addf(text, "\x1b[%sm", codes[tone]);
}

void line_close_tone(const struct render_style *style, enum tone tone, struct text *text)
{
    if (style->color && tone != TONE_PLAIN)
        text_add(text, "\x1b[0m");
}

static void add_blanks(struct text *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_add(text, " ");
}

struct line line_new(const struct render_style *style, struct text *text, size_t indent)
{
    return (struct line){.style = style, .text = text, .indent = indent};
}

size_t line_width(const struct render_style *style, const char *words)
{
    return line_show(style, span_of(words), NULL);
}

static size_t edge(const struct line *line)
{
    return line->style->width < WIDTH_MIN ? WIDTH_MIN : line->style->width;
}

static void break_line(struct line *line, enum tone tone)
{
    line_close_tone(line->style, tone, line->text);
    text_add(line->text, "\n");
    add_blanks(line->text, line->indent);
    line_open_tone(line->style, tone, line->text);
    line->column = line->indent;
    line->broken = true;
}

void line_words(struct line *line, enum tone tone, const char *words)
{
    struct span rest = span_of(words);

    line_open_tone(line->style, tone, line->text);
    while (rest.len > 0) {
        size_t gap = 0, end;
        while (gap < rest.len && rest.ptr[gap] == ' ')
            gap++;
        for (end = gap; end < rest.len && rest.ptr[end] != ' ';)
            end++;
        struct span word = {rest.ptr + gap, end - gap};
        size_t columns = line_show(line->style, word, NULL);
        /* A break takes the place of the blanks; without any, the word belongs to what stands
         * there. */
        if (gap > 0 && word.len > 0 && !line->broken && line->column > line->indent &&
            line->column + gap + columns > edge(line))
            break_line(line, tone);
        else if (word.len > 0 || line->column + gap <= edge(line)) {
            add_blanks(line->text, line->broken ? 0 : gap);
            line->column += line->broken ? 0 : gap;
        }
        (void)line_show(line->style, word, line->text);
        line->column += columns;
        line->broken = line->broken && word.len == 0;
        rest.ptr += end;
        rest.len -= end;
    }
    line_close_tone(line->style, tone, line->text);
}

void line_pad(struct line *line, size_t column)
{
    size_t blanks = line->column < column ? column - line->column : 1;

    if (line->column == 0 && column == 0)
        return;
    add_blanks(line->text, blanks);
    line->column += blanks;
}

void line_right(struct line *line, enum tone tone, const char *words)
{
    size_t columns = line_width(line->style, words);

    if (line->column + 3 + columns <= edge(line)) {
        line_pad(line, edge(line) - columns);
    } else {
        break_line(line, TONE_PLAIN);
        line->broken = false;
    }
    render_toned(line->style, tone, words, line->text);
    line->column += columns;
}

void line_end(struct line *line)
{
    text_add(line->text, "\n");
}

const char *line_count(struct arena *arena, size_t count, const char *noun)
{
    return arena_printf(arena, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

void line_labelled(const struct render_style *style, size_t indent, const char *label, size_t width,
                   const char *words, struct text *text)
{
    struct line line = line_new(style, text, indent + width);

    line_pad(&line, indent);
    line_words(&line, TONE_DIM, label);
    line_pad(&line, indent + width);
    line_words(&line, TONE_PLAIN, words);
    line_end(&line);
}

void line_list(const struct render_style *style, const struct strings *strings, struct text *text)
{
    for (size_t i = 0; i < strings->count; i++)
        render_wrapped(style, "  - ", LIST_INDENT, strings->at[i], text);
}
