#include "agent/logs/report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/logs/words.h"
#include "plans/base/escape.h"
#include "plans/render_line.h"

enum { INDENT = 12, SOURCES = 3, NAMES = 3, PLACES = 3, EXAMPLE = 160, DAY = 24 * 3600 };

/* ---- numbers and times ---- */

const char *log_report_number(struct arena *arena, uint64_t number)
{
    char digits[32], shown[48];
    int len = snprintf(digits, sizeof digits, "%ju", (uintmax_t)number);
    size_t at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            shown[at++] = ',';
        shown[at++] = digits[i];
    }
    return arena_copy(arena, shown, at);
}

const char *log_report_size(struct arena *arena, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    size_t unit = 0;

    while (size >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        size /= 1024;
        unit++;
    }
    return arena_printf(arena, "%.*f %s", size < 10 && unit > 0 ? 1 : 0, size, units[unit]);
}

const char *log_report_share(struct arena *arena, uint64_t part, uint64_t all)
{
    double share = all == 0 ? 0 : 100.0 * (double)part / (double)all;

    if (part > 0 && share < 0.01)
        return "< 0.01 %";
    return arena_printf(arena, "%.*f %%", share < 1 ? 2 : share < 10 ? 1 : 0, share);
}

/* A local moment as it is shown. */
struct moment {
    bool is_known;
    char day[16];       /* "2026-11-28" */
    char day_short[16]; /* "28 Nov" */
    char clock[16];     /* "09:14:02" */
    char zone[16];      /* "CET" */
};

static struct moment moment_of(int64_t time)
{
    struct moment moment = {.is_known = false};
    time_t seconds = (time_t)(time / 1000);
    struct tm tm;

    if (time == LOG_NO_TIME || localtime_r(&seconds, &tm) == NULL)
        return moment;
    moment.is_known = strftime(moment.day, sizeof moment.day, "%Y-%m-%d", &tm) > 0 &&
                      strftime(moment.day_short, sizeof moment.day_short, "%d %b", &tm) > 0 &&
                      strftime(moment.clock, sizeof moment.clock, "%H:%M:%S", &tm) > 0 &&
                      strftime(moment.zone, sizeof moment.zone, "%Z", &tm) > 0;
    return moment;
}

const char *log_report_time(struct arena *arena, const struct log_summary *summary, int64_t time)
{
    bool is_long = summary->last - summary->first > (int64_t)DAY * 1000;
    struct moment moment = moment_of(time);

    if (!moment.is_known)
        return "?";
    return is_long ? arena_printf(arena, "%s %s", moment.day_short, moment.clock)
                   : arena_string(arena, moment.clock);
}

static const char *show_span(struct arena *arena, const struct log_summary *summary, int64_t first,
                             int64_t last)
{
    const char *from = log_report_time(arena, summary, first);
    const char *to = log_report_time(arena, summary, last);

    if (first == LOG_NO_TIME)
        return "";
    return strcmp(from, to) == 0 ? from : arena_printf(arena, "%s to %s", from, to);
}

/* ---- the head ---- */

static const char *show_sources(const struct log_report *report, struct arena *arena)
{
    struct text text = text_new(arena);
    size_t shown = report->sources.count > NAMES + 1 ? NAMES : report->sources.count;

    for (size_t i = 0; i < shown; i++)
        text_addf(&text, "%s%s", i == 0 ? "" : ", ", escape_string(arena, report->sources.at[i]));
    if (shown < report->sources.count)
        text_addf(&text, " and %zu more", report->sources.count - shown);
    return text_string(&text);
}

static void add_head(const struct render_style *style, const struct log_report *report,
                     struct arena *arena, struct text *text)
{
    const struct log_summary *summary = report->summary;
    double seconds = (double)(summary->last - summary->first) / 1000;
    struct line line = line_new(style, text, 2);

    line_words(&line, TONE_BOLD, show_sources(report, arena));
    line_words(&line, TONE_PLAIN,
               arena_printf(arena, " · %s lines, %s",
                            log_report_number(arena, summary->lines - summary->skipped),
                            log_report_size(arena, report->reading->bytes)));
    line_end(&line);
    if (summary->first == LOG_NO_TIME) {
        text_add(text, "No line with a time is of the period.\n");
        return;
    }
    struct moment first = moment_of(summary->first), last = moment_of(summary->last);
    bool same_day = strcmp(first.day, last.day) == 0;
    line = line_new(style, text, 2);
    line_words(&line, TONE_PLAIN,
               arena_printf(arena, "%s %s to %s%s%s (%s)", first.day, first.clock,
                            same_day ? "" : last.day, same_day ? "" : " ", last.clock, last.zone));
    line_words(
        &line, TONE_PLAIN,
        arena_printf(arena, " · %s requests", log_report_number(arena, summary->all.requests)));
    if (seconds >= 1)
        line_words(&line, TONE_PLAIN,
                   arena_printf(arena, ", %.1f a second", (double)summary->all.requests / seconds));
    line_end(&line);
}

/* ---- what failed ---- */

static bool is_of_kind(const struct log_fault *fault, const struct log_error_kind *kind)
{
    return fault->status == kind->status && fault->server_kind == kind->server &&
           strcmp(fault->state, kind->state) == 0;
}

static const char *show_milliseconds(struct arena *arena, int64_t least, int64_t most)
{
    return least == most ? arena_printf(arena, "%jd ms", (intmax_t)most)
                         : arena_printf(arena, "%jd to %jd ms", (intmax_t)least, (intmax_t)most);
}

/* Where, how often, when; and how long it took against its retries, which tells causes apart. */
static void add_fault(const struct render_style *style, const struct log_report *report,
                      const struct log_fault *fault, struct arena *arena, struct text *text)
{
    struct line line = line_new(style, text, INDENT + 2);

    line_pad(&line, INDENT);
    line_words(&line, TONE_PLAIN,
               fault->server_kind == LOG_SERVER_NAMED
                   ? arena_printf(arena, "%s/%s", fault->backend, fault->server)
                   : fault->backend);
    line_words(&line, TONE_PLAIN,
               arena_printf(arena, " %s×, %s", log_report_number(arena, fault->count),
                            show_span(arena, report->summary, fault->first, fault->last)));
    line_words(&line, TONE_PLAIN,
               arena_printf(arena, ", after %s",
                            show_milliseconds(arena, fault->least_total, fault->most_total)));
    if (fault->most_retries > 0)
        line_words(&line, TONE_PLAIN,
                   fault->least_retries == fault->most_retries
                       ? arena_printf(arena, " and %d retries", fault->most_retries)
                       : arena_printf(arena, " and %d to %d retries", fault->least_retries,
                                      fault->most_retries));
    line_end(&line);
}

/* Counts of those that do not stand out say little: they may be too high by `over`. */
static void add_clients(const struct render_style *style, const struct log_source *sources,
                        size_t count, struct arena *arena, struct text *text)
{
    struct text words = text_new(arena);
    size_t shown = 0;

    for (size_t i = 0; i < count && shown < SOURCES; i++)
        if (sources[i].over <= sources[i].count / 4)
            text_addf(&words, "%s%s %s×", shown++ == 0 ? "" : ", ", sources[i].address,
                      log_report_number(arena, sources[i].count));
    if (shown == 0 && count > 0)
        text_addf(&words, "many, none with more than %s×",
                  log_report_number(arena, sources[0].count));
    if (count > 0)
        line_labelled(style, INDENT, "clients ", 8, text_string(&words), text);
}

/* Of one kind: so that the other kinds are seen too. One more takes no more room than its number. */
static size_t faults_shown(const struct log_report *report, const struct log_error_kind *kind)
{
    size_t most = report->top < 3 * PLACES ? PLACES : report->top / 3, count = 0;

    for (size_t i = 0; i < report->summary->fault_count; i++)
        count += is_of_kind(&report->summary->faults[i], kind);
    return count == most + 1 ? count : most;
}

static void add_kind(const struct render_style *style, const struct log_report *report,
                     const struct log_error_kind *kind, struct arena *arena, struct text *text)
{
    const struct log_summary *summary = report->summary;
    struct line line = line_new(style, text, INDENT);
    size_t most = faults_shown(report, kind), shown = 0, more = 0;
    uint64_t left = 0;

    line_pad(&line, 2);
    line_words(&line, TONE_BOLD,
               kind->status == LOG_LINE_NONE
                   ? arena_printf(arena, "TCP %s", kind->state)
                   : arena_printf(arena, "%3d  %s", kind->status, kind->state));
    line_pad(&line, INDENT);
    line_words(&line, TONE_BAD, arena_printf(arena, "%s×", log_report_number(arena, kind->count)));
    line_words(
        &line, TONE_PLAIN,
        arena_printf(arena, "  %s",
                     log_words_state(kind->state, kind->status, kind->server != LOG_SERVER_NONE)));
    line_end(&line);
    for (size_t i = 0; i < summary->fault_count; i++) {
        if (!is_of_kind(&summary->faults[i], kind))
            continue;
        if (shown < most) {
            add_fault(style, report, &summary->faults[i], arena, text);
            shown++;
        } else {
            more++;
            left += summary->faults[i].count;
        }
    }
    if (more > 0)
        text_addf(text, "%*sand %zu more with %s requests\n", INDENT, "", more,
                  log_report_number(arena, left));
    add_clients(style, kind->sources, kind->source_count, arena, text);
}

static void add_failures(const struct render_style *style, const struct log_report *report,
                         struct arena *arena, struct text *text)
{
    const struct log_summary *summary = report->summary;
    const struct log_group *all = &summary->all;
    size_t shown =
        summary->error_kind_count < report->top ? summary->error_kind_count : report->top;

    if (all->requests == 0)
        return;
    text_add(text, "\n");
    if (all->failed == 0) {
        render_toned(style, TONE_GOOD, "No request failed.", text);
        text_add(text, "\n");
        return;
    }
    render_toned(style, TONE_BAD,
                 arena_printf(arena, "%s of %s requests failed (%s)",
                              log_report_number(arena, all->failed),
                              log_report_number(arena, all->requests),
                              log_report_share(arena, all->failed, all->requests)),
                 text);
    text_add(text, "\n");
    for (size_t i = 0; i < shown; i++)
        add_kind(style, report, &summary->error_kinds[i], arena, text);
    if (shown < summary->error_kind_count)
        text_addf(text, "  and %zu more kinds of failure\n", summary->error_kind_count - shown);
    render_wrapped(style, "  ", 2,
                   "A termination state tells where a request ended, not why: one state has many "
                   "causes.",
                   text);
}

/* ---- the rest ---- */

static void add_early(const struct render_style *style, const struct log_report *report,
                      struct arena *arena, struct text *text)
{
    const struct log_summary *summary = report->summary;

    if (summary->early_count == 0)
        return;
    text_add(text, "\nConnections that ended before a request\n");
    for (size_t i = 0; i < summary->early_count && i < report->top; i++) {
        const struct log_early *early = &summary->early[i];
        struct line line = line_new(style, text, INDENT);
        line_pad(&line, 2);
        line_words(&line, TONE_PLAIN,
                   arena_printf(arena, "%s× %s/%s %s, %s", log_report_number(arena, early->count),
                                early->frontend, early->bind, early->reason,
                                show_span(arena, summary, early->first, early->last)));
        line_end(&line);
        add_clients(style, early->sources, early->source_count, arena, text);
    }
    if (summary->early_count > report->top)
        text_addf(text, "  and %zu more\n", summary->early_count - report->top);
}

static void add_messages(const struct render_style *style, const struct log_report *report,
                         struct arena *arena, struct text *text)
{
    const struct log_summary *summary = report->summary;

    if (summary->message_count == 0)
        return;
    text_add(text, "\nWhat HAProxy said itself\n");
    for (size_t i = 0; i < summary->message_count && i < report->top; i++) {
        const struct log_message_count *message = &summary->messages[i];
        struct line line = line_new(style, text, 4);
        line_pad(&line, 2);
        line_words(&line, TONE_PLAIN,
                   arena_printf(arena, "%s×, %s: %s", log_report_number(arena, message->count),
                                show_span(arena, summary, message->first, message->last),
                                message->example));
        line_end(&line);
    }
    if (summary->message_count > report->top)
        text_addf(text, "  and %zu more\n", summary->message_count - report->top);
}

/* So much of the example that its format is seen. */
static void add_unknown(const struct log_summary *summary, struct strings *notes,
                        struct arena *arena)
{
    const char *example = summary->unknown;

    if (summary->kinds[LOG_KIND_UNKNOWN] > 0)
        strings_addf(notes, arena,
                     "%s lines in no format that is known, such as a log-format of its own: "
                     "requests in them are not counted%s%.*s%s",
                     log_report_number(arena, summary->kinds[LOG_KIND_UNKNOWN]),
                     example != NULL ? "; the last: " : "", EXAMPLE, example != NULL ? example : "",
                     example != NULL && strlen(example) > EXAMPLE ? "..." : "");
    if (summary->timeless > 0)
        strings_addf(notes, arena,
                     "%s lines in no format that is known, and without a time, were left out",
                     log_report_number(arena, summary->timeless));
}

/* What was not understood, not read, or read in part only. */
static void add_notes(const struct render_style *style, const struct log_report *report,
                      struct arena *arena, struct text *text)
{
    const struct log_summary *summary = report->summary;
    const struct log_reading *reading = report->reading;
    struct strings notes = {0};

    for (size_t i = 0; i < reading->notes.count; i++)
        strings_add(&notes, arena, reading->notes.at[i]);
    for (size_t i = 0; i < report->notes.count; i++)
        strings_add(&notes, arena, report->notes.at[i]);
    add_unknown(summary, &notes, arena);
    if (summary->kinds[LOG_KIND_OTHER] > 0)
        strings_addf(&notes, arena, "%s lines of other programs",
                     log_report_number(arena, summary->kinds[LOG_KIND_OTHER]));
    if (summary->cut > 0)
        strings_addf(&notes, arena, "%s lines were cut off (log ... len)",
                     log_report_number(arena, summary->cut));
    if (reading->long_lines > 0)
        strings_addf(&notes, arena, "%s lines were longer than %s",
                     log_report_number(arena, reading->long_lines),
                     log_report_size(arena, LOG_TALLY_BUFFER));
    if (summary->others > 0)
        strings_addf(&notes, arena, "%s requests of more names than there is room for",
                     log_report_number(arena, summary->others));
    if (notes.count == 0)
        return;
    text_add(text, "\nAlso\n");
    line_list(style, &notes, text);
}

void log_report_text(const struct render_style *style, const struct log_report *report,
                     struct arena *arena, struct text *text)
{
    add_head(style, report, arena, text);
    add_failures(style, report, arena, text);
    add_early(style, report, arena, text);
    log_report_tables(style, report, arena, text);
    add_messages(style, report, arena, text);
    add_notes(style, report, arena, text);
    if (report->next != NULL)
        text_addf(text, "\nNext: %s\n", report->next);
}
