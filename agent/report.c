#include "agent/report.h"

#include <string.h>

#include "plans/render_line.h"

enum {
    SOURCE_INDENT = 2,
    STATE_COLUMN = 16,
    REASON_COLUMN = 36,
    SAME_IN_FULL = 5, /* of one cause: a dead server may be in a hundred backends */
};

/* ---- the lines above ---- */

static const char *seconds(struct arena *arena, int64_t milliseconds)
{
    return arena_printf(arena, "%jd.%jd s", (intmax_t)(milliseconds / 1000),
                        (intmax_t)(milliseconds % 1000 / 100));
}

struct counts {
    size_t by_severity[SEVERITY_CRITICAL + 1], possible, all;
};

static struct counts count_findings(const struct examination *seen)
{
    struct counts counts = {.all = seen->result.finding_count};

    for (size_t i = 0; i < counts.all; i++) {
        const struct finding *finding = &seen->result.findings[i];
        if (finding->state == FINDING_POSSIBLE)
            counts.possible++;
        else
            counts.by_severity[finding->severity]++;
    }
    return counts;
}

/* "Found: 2 critical, 1 warning; 1 possible" */
static void add_counts(const struct examination *seen, struct text *text)
{
    static const struct {
        enum severity severity;
        const char *one, *many;
    } words[] = {{SEVERITY_CRITICAL, "critical", "critical"},
                 {SEVERITY_WARNING, "warning", "warnings"},
                 {SEVERITY_NOTICE, "notice", "notices"}};
    struct counts counts = count_findings(seen);
    const char *comma = "";

    text_add(text, "Found: ");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t count = counts.by_severity[words[i].severity];
        if (count == 0)
            continue;
        text_addf(text, "%s%zu %s", comma, count, count == 1 ? words[i].one : words[i].many);
        comma = ", ";
    }
    if (counts.possible > 0)
        text_addf(text, "%s%zu possible, not proven", comma[0] == '\0' ? "" : "; ",
                  counts.possible);
    text_add(text, counts.all == 0 ? "nothing wrong\n" : "\n");
}

void report_headline(const struct render_style *style, const struct examination *seen,
                     struct text *text)
{
    const struct facts *facts = &seen->facts;
    const struct diagnosis host = examine_report(seen, text->arena);
    size_t asked = 0;
    int64_t slowest = 0;

    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        asked += facts->sources[i].state == SOURCE_OK ? 1 : 0;
        if (facts->sources[i].milliseconds > slowest)
            slowest = facts->sources[i].milliseconds;
    }
    const char *dot = style->unicode ? "·" : "-";
    render_toned(style, TONE_BOLD, facts->host_name, text);
    text_addf(text, " %s HAProxy %s%s", dot,
              facts->haproxy->version == NULL ? "(not installed)" : facts->haproxy->version,
              facts->tree               ? ", a tree"
              : facts->haproxy->running ? ""
                                        : ", not running");
    text_addf(text, " %s %jd frontends, %jd backends, %jd servers\n%zu sources, the slowest %s\n",
              dot, (intmax_t)host.frontends, (intmax_t)host.backends, (intmax_t)host.servers, asked,
              seconds(text->arena, slowest));
    add_counts(seen, text);
}

static void add_sources(const struct render_style *style, const struct facts *facts,
                        struct text *text)
{
    static const char *const states[] = {
        [SOURCE_ABSENT] = "absent", [SOURCE_OK] = "ok", [SOURCE_FAILED] = "failed"};

    text_add(text, "\nSources\n");
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        const struct source *source = &facts->sources[i];
        struct line line = line_new(style, text, REASON_COLUMN);

        line_pad(&line, SOURCE_INDENT);
        line_words(&line, TONE_PLAIN, source->name);
        line_pad(&line, STATE_COLUMN);
        line_words(&line, source->state == SOURCE_FAILED ? TONE_WARNING : TONE_PLAIN,
                   arena_printf(text->arena, "%-7s %8jd ms", states[source->state],
                                (intmax_t)source->milliseconds));
        if (source->reason != NULL) {
            line_pad(&line, REASON_COLUMN);
            line_words(&line, TONE_PLAIN, source->reason);
        }
        line_end(&line);
    }
}

/* ---- all of it ---- */

static size_t count_lines(struct span text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n' ? 1 : 0;
    return lines;
}

/* On a terminal the worst stands first, and has scrolled away. */
static void repeat_worst(const struct render_style *style, const struct examination *seen,
                         struct text *text)
{
    text_add(text, "\n");
    add_counts(seen, text);
    text_add(text, "The worst:\n");
    render_findings_brief(style, seen->result.findings, 1, text);
}

static void add_findings(const struct render_style *style, const struct diagnosis_result *result,
                         const char *self, bool verbose, struct text *text)
{
    size_t folded = render_findings_folded(style, result->findings, result->finding_count,
                                           verbose ? result->finding_count : SAME_IN_FULL, text);

    if (folded > 0)
        text_addf(text, "\n%zu of these in one line each; all of them in full: %s diagnose -v\n",
                  folded, self);
}

void report_whole(const struct render_style *style, const struct examination *seen,
                  const char *self, bool verbose, size_t height, struct text *text)
{
    const struct diagnosis_result *result = &seen->result;
    size_t before = text->len;

    report_headline(style, seen, text);
    if (verbose)
        add_sources(style, &seen->facts, text);
    text_add(text, "\n");
    if (result->finding_count == 0)
        text_add(text, "Nothing wrong was found.\n");
    else
        add_findings(style, result, self, verbose, text);
    for (size_t i = 0; i < result->not_checked.count; i++)
        render_wrapped(style, i == 0 ? "Not looked at: " : "               ", 15,
                       result->not_checked.at[i], text);
    struct span all = text_span(text);
    if (height > 0 && result->finding_count > 0 &&
        count_lines((struct span){all.ptr + before, all.len - before}) >= height)
        repeat_worst(style, seen, text);
    if (result->wish_count > 0)
        text_addf(text, "\nNext: %s plan -o fix.plan\n", self);
}

/* ---- a window of it ---- */

static const char *name_of(const struct finding *finding, struct arena *arena)
{
    return arena_printf(arena, "%s %s", finding->cause, finding->object);
}

struct strings report_names(const struct examination *seen, struct arena *arena)
{
    struct strings names = {0};

    for (size_t i = 0; i < seen->result.finding_count; i++)
        strings_add(&names, arena, name_of(&seen->result.findings[i], arena));
    return names;
}

/* One finding, at both lengths. */
struct sized {
    struct span full, brief;
    size_t full_lines, brief_lines;
};

static struct sized *size_findings(const struct render_style *style, const struct examination *seen,
                                   const struct strings *before, struct arena *arena)
{
    const struct diagnosis_result *result = &seen->result;
    struct sized *all = arena_alloc(arena, (result->finding_count + 1) * sizeof *all);

    for (size_t i = 0; i < result->finding_count; i++) {
        struct finding finding = result->findings[i];
        struct text full = text_new(arena), brief = text_new(arena);

        if (before != NULL && !strings_have(before, name_of(&finding, arena)))
            finding.object = arena_printf(arena, "%s   (new)", finding.object);
        render_findings(style, &finding, 1, &full);
        render_findings_brief(style, &finding, 1, &brief);
        all[i] = (struct sized){text_span(&full), text_span(&brief), count_lines(text_span(&full)),
                                count_lines(text_span(&brief))};
    }
    return all;
}

/* How many, from the worst on, stand there in full where all stand there at least in brief. */
static size_t how_many_in_full(const struct sized *all, size_t count, size_t lines)
{
    size_t taken = 0, full = 0;

    for (size_t i = 0; i < count; i++)
        taken += all[i].brief_lines;
    while (full < count && taken + all[full].full_lines - all[full].brief_lines <= lines) {
        taken += all[full].full_lines - all[full].brief_lines;
        full++;
    }
    return full;
}

static void add_gone(const struct render_style *style, const struct examination *seen,
                     const struct strings *before, struct text *text)
{
    struct strings now = report_names(seen, text->arena);

    for (size_t i = 0; before != NULL && i < before->count; i++)
        if (!strings_have(&now, before->at[i]))
            render_wrapped(style, "gone: ", 6, before->at[i], text);
}

/* The first lines of `whole`, and how many findings do not stand there. */
static void add_cut(const struct sized *all, size_t count, size_t lines, struct text *text)
{
    size_t shown = 0;

    for (; shown < count && all[shown].brief_lines + 1 <= lines; shown++) {
        text_add_span(text, all[shown].brief);
        lines -= all[shown].brief_lines;
    }
    if (shown < count && lines > 0)
        text_addf(text, "and %zu more\n", count - shown);
}

void report_window(const struct render_style *style, size_t lines, const struct examination *seen,
                   const struct strings *before, struct text *text)
{
    struct text head = text_new(text->arena), gone = text_new(text->arena);
    size_t count = seen->result.finding_count, full, used;
    struct sized *all = size_findings(style, seen, before, text->arena);

    report_headline(style, seen, &head);
    add_gone(style, seen, before, &gone);
    text_add_span(text, text_span(&head));
    used = count_lines(text_span(&head)) + count_lines(text_span(&gone));
    size_t left = lines == 0 ? SIZE_MAX / 2 : lines > used ? lines - used : 0, least = 0;
    for (size_t i = 0; i < count; i++)
        least += all[i].brief_lines;
    if (least > left) {
        add_cut(all, count, left, text);
    } else {
        full = how_many_in_full(all, count, left);
        for (size_t i = 0; i < count; i++)
            text_add_span(text, i < full ? all[i].full : all[i].brief);
    }
    text_add_span(text, text_span(&gone));
}
