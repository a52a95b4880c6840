#include "plans/render.h"

#include <string.h>

#include "plans/render_line.h"

enum {
    SUMMARY_INDENT = 2,
    EVIDENCE_INDENT = 4,
    SOURCE_MIN = 7,
    SOURCE_MAX = 18,
    LABEL_WIDTH = 10,
    DAY = 24 * 60 * 60,
};

static enum tone tone_of(const struct finding *finding)
{
    if (finding->state == FINDING_POSSIBLE)
        return TONE_BOLD;
    switch (finding->severity) {
    case SEVERITY_CRITICAL:
        return TONE_BAD;
    case SEVERITY_WARNING:
        return TONE_WARNING;
    case SEVERITY_NOTICE:
        return TONE_BOLD;
    }
    return TONE_PLAIN;
}

static const char *severity_shown(enum severity severity)
{
    switch (severity) {
    case SEVERITY_CRITICAL:
        return "CRITICAL";
    case SEVERITY_WARNING:
        return "WARNING";
    case SEVERITY_NOTICE:
        return "NOTICE";
    }
    return "";
}

static void render_headline(const struct render_style *style, const struct finding *finding,
                            struct text *text)
{
    struct line line = line_new(style, text, 10);

    line_words(&line, tone_of(finding), severity_shown(finding->severity));
    line_pad(&line, 10);
    line_words(&line, TONE_BOLD, finding->cause);
    line_words(&line, TONE_PLAIN, "   ");
    line_words(&line, TONE_PLAIN, finding->object);
    if (finding->state == FINDING_POSSIBLE)
        line_words(&line, TONE_DIM, "   (possible, not proven)");
    line_end(&line);
}

static size_t source_width(const struct finding *finding)
{
    size_t width = SOURCE_MIN;

    for (size_t i = 0; i < finding->evidence_count; i++) {
        size_t len = strlen(finding->evidence[i].source);
        if (len > width)
            width = len > SOURCE_MAX ? (size_t)SOURCE_MAX : len;
    }
    return width + 2;
}

/* "09:14:02Z"; with month and day where it was not on the day of the newest. */
static const char *moment(struct arena *arena, int64_t time, int64_t newest)
{
    const char *whole = time_text(arena, time);

    if (time / DAY == newest / DAY)
        return whole + strlen("2026-11-22T");
    return arena_printf(arena, "%.5s %s", whole + strlen("2026-"), whole + strlen("2026-11-22T"));
}

static void render_evidence(const struct render_style *style, const struct evidence *evidence,
                            size_t width, int64_t newest, struct text *text)
{
    struct line line = line_new(style, text, EVIDENCE_INDENT + width);

    line_pad(&line, EVIDENCE_INDENT);
    line_words(&line, TONE_DIM, evidence->source);
    line_pad(&line, EVIDENCE_INDENT + width);
    line_words(&line, TONE_PLAIN, evidence->text);
    if (evidence->time > 0)
        line_right(&line, TONE_DIM, moment(text->arena, evidence->time, newest));
    line_end(&line);
}

static void render_finding(const struct render_style *style, const struct finding *finding,
                           int64_t newest, struct text *text)
{
    size_t width = source_width(finding);

    render_headline(style, finding, text);
    render_wrapped(style, "  ", SUMMARY_INDENT, finding->summary, text);
    for (size_t i = 0; i < finding->evidence_count; i++)
        render_evidence(style, &finding->evidence[i], width, newest, text);
    for (size_t i = 0; i < finding->consequences.count; i++)
        line_labelled(style, SUMMARY_INDENT, "Effect", LABEL_WIDTH, finding->consequences.at[i],
                      text);
    for (size_t i = 0; i < finding->advice.count; i++)
        line_labelled(style, SUMMARY_INDENT, "Advice", LABEL_WIDTH, finding->advice.at[i], text);
    for (size_t i = 0; i < finding->repair.count; i++)
        line_labelled(style, SUMMARY_INDENT, "Repair", LABEL_WIDTH, finding->repair.at[i], text);
    if (finding->settle != NULL)
        line_labelled(style, SUMMARY_INDENT, "To settle", LABEL_WIDTH, finding->settle, text);
}

static bool is_worse(const struct finding *a, const struct finding *b)
{
    if (a->state != b->state)
        return a->state == FINDING_PROVEN;
    return a->severity > b->severity;
}

/* The worst first; of two that are as bad, the one that came first. */
static const struct finding **in_order(const struct finding *findings, size_t count,
                                       struct arena *arena)
{
    const struct finding **order = arena_alloc(arena, count * sizeof *order);

    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && is_worse(&findings[i], order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = &findings[i];
    }
    return order;
}

static void render_brief(const struct render_style *style, const struct finding *finding,
                         struct text *text)
{
    render_headline(style, finding, text);
    render_wrapped(style, "  ", SUMMARY_INDENT, finding->summary, text);
}

static size_t count_same(const struct finding *const *order, size_t count)
{
    size_t same = 0;

    for (size_t i = 0; i < count; i++)
        same += strcmp(order[i]->cause, order[count]->cause) == 0;
    return same;
}

size_t render_findings_folded(const struct render_style *style, const struct finding *findings,
                              size_t count, size_t most, struct text *text)
{
    const struct finding **order = in_order(findings, count, text->arena);
    int64_t newest = 0;
    size_t folded = 0;
    bool was_brief = false;

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < findings[i].evidence_count; j++)
            if (findings[i].evidence[j].time > newest)
                newest = findings[i].evidence[j].time;
    for (size_t i = 0; i < count; i++) {
        bool brief = most < count && count_same(order, i) >= most;
        if (i > 0 && !(brief && was_brief))
            text_add(text, "\n");
        if (brief)
            render_brief(style, order[i], text);
        else
            render_finding(style, order[i], newest, text);
        folded += brief;
        was_brief = brief;
    }
    return folded;
}

void render_findings(const struct render_style *style, const struct finding *findings, size_t count,
                     struct text *text)
{
    (void)render_findings_folded(style, findings, count, count, text);
}

void render_findings_brief(const struct render_style *style, const struct finding *findings,
                           size_t count, struct text *text)
{
    const struct finding **order = in_order(findings, count, text->arena);

    for (size_t i = 0; i < count; i++)
        render_brief(style, order[i], text);
}
