#include "agent/diagnose/explain.h"

#include "agent/diagnose/causes.h"
#include "plans/render_line.h"

enum { INDENT = 2, LABEL_WIDTH = 10, SLUG_WIDTH = 26 };

static void labelled(const struct render_style *style, const char *label, const char *words,
                     struct text *text)
{
    line_labelled(style, INDENT, label, LABEL_WIDTH, words, text);
}

void explain_cause(const struct render_style *style, const struct cause *cause, struct text *text)
{
    const struct explanation *explain = &cause->explain;

    render_toned(style, TONE_BOLD, cause->slug, text);
    text_add(text, "\n");
    render_wrapped(style, "  ", INDENT, explain->line, text);
    text_add(text, "\n");
    labelled(style, "Means", explain->means, text);
    labelled(style, "Proof", explain->proof, text);
    labelled(style, "Repair", explain->repair, text);
    labelled(style, "Cost", explain->cost, text);
    for (size_t i = 0; i < CAUSE_UNLIKE_MAX && explain->unlike[i].slug != NULL; i++)
        labelled(
            style, i == 0 ? "Unlike" : "",
            arena_printf(text->arena, "%s: %s", explain->unlike[i].slug, explain->unlike[i].how),
            text);
}

void explain_list(const struct render_style *style, struct text *text)
{
    const struct cause *cause;

    for (size_t i = 0; (cause = causes_at(i)) != NULL; i++)
        line_labelled(style, INDENT, cause->slug, SLUG_WIDTH - INDENT, cause->explain.line, text);
}
