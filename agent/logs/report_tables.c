/* The tables of the report: times, frontends, backends, servers, statuses, termination states. */
#include "agent/logs/report.h"

#include <stdlib.h>
#include <string.h>

#include "agent/logs/words.h"
#include "plans/render_line.h"

enum { NAME_WIDTH = 24, CELL_MAX = 8 };

/* Of numbers on the right of a name; a name that is too wide has a line of its own. */
static void add_row(const char *name, const char *const *cells, const int *widths, size_t count,
                    struct text *text)
{
    size_t len = strlen(name);

    text_addf(text, "  %s", name);
    if (len > NAME_WIDTH)
        text_add(text, "\n  ");
    text_addf(text, "%*s", len > NAME_WIDTH ? NAME_WIDTH : NAME_WIDTH - (int)len, "");
    for (size_t i = 0; i < count; i++)
        text_addf(text, "%*s", widths[i], cells[i]);
    text_add(text, "\n");
}

static const char *show_p95(struct arena *arena, const struct log_group *group, int timer)
{
    return group->timers[timer].count == 0
               ? "-"
               : arena_printf(arena, "%jd", (intmax_t)group->timers[timer].p95);
}

/* The worst first: what failed most, and of what did not, what was asked most. */
static int compare_groups(const void *a, const void *b)
{
    const struct log_group *first = *(const struct log_group *const *)a;
    const struct log_group *second = *(const struct log_group *const *)b;

    if (first->failed != second->failed)
        return first->failed < second->failed ? 1 : -1;
    if (first->requests != second->requests)
        return first->requests < second->requests ? 1 : -1;
    return strcmp(first->name, second->name);
}

static const struct log_group **worst_first(const struct log_group *groups, size_t count,
                                            struct arena *arena)
{
    const struct log_group **sorted = arena_alloc(arena, (count + 1) * sizeof *sorted);

    for (size_t i = 0; i < count; i++)
        sorted[i] = &groups[i];
    qsort(sorted, count, sizeof *sorted, compare_groups);
    return sorted;
}

struct table {
    const char *title;
    const struct log_group *groups;
    size_t count;
};

enum { COLUMNS = 7 }; /* of a table of groups */

static void add_table(const struct table *table, const struct log_report *report,
                      struct arena *arena, struct text *text)
{
    static const int widths[COLUMNS] = {12, 10, 9, 5, 6, 6, 6};
    static const char *const heads[COLUMNS] = {"requests", "failed", "retries", "Tw",
                                               "Tc",       "Tr",     "Ta"};
    static const int timers[] = {LOG_TIMER_TW, LOG_TIMER_TC, LOG_TIMER_RESPONSE, LOG_TIMER_TA};
    const struct log_group **sorted = worst_first(table->groups, table->count, arena);

    if (table->count == 0)
        return;
    text_add(text, "\n");
    add_row(table->title, heads, widths, COLUMNS, text);
    for (size_t i = 0; i < table->count && i < report->top; i++) {
        const struct log_group *group = sorted[i];
        const char *cells[COLUMNS] = {
            log_report_number(arena, group->requests),
            log_report_number(arena, group->failed),
            log_report_number(arena, group->retries),
        };
        for (size_t timer = 0; timer < 4; timer++)
            cells[3 + timer] = show_p95(arena, group, timers[timer]);
        add_row(group->backend == NULL ? group->name
                                       : arena_printf(arena, "%s/%s", group->backend, group->name),
                cells, widths, COLUMNS, text);
    }
    if (table->count > report->top)
        text_addf(text, "  and %zu more\n", table->count - report->top);
}

static void add_times(const struct log_report *report, struct arena *arena, struct text *text)
{
    static const int widths[] = {10, 10, 10, 10};
    static const char *const heads[] = {"half", "95 %", "99 %", "longest"};
    const struct log_group *all = &report->summary->all;

    if (all->requests == 0)
        return;
    text_add(text, "\n");
    add_row("Times within, ms", heads, widths, 4, text);
    for (int timer = 0; timer < LOG_TIMER_COUNT; timer++) {
        const struct log_percentiles *times = &all->timers[timer];
        const int64_t values[] = {times->p50, times->p95, times->p99, times->max};
        const char *cells[CELL_MAX];
        if (times->count == 0)
            continue;
        for (size_t i = 0; i < 4; i++)
            cells[i] = values[i] < 0 ? "-" : log_report_number(arena, (uint64_t)values[i]);
        add_row(arena_printf(arena, "%s %s", log_words_timer_name(timer), log_words_timer(timer)),
                cells, widths, 4, text);
    }
}

static void add_queue(const struct render_style *style, const struct log_report *report,
                      struct arena *arena, struct text *text)
{
    const struct log_summary *summary = report->summary;
    const struct log_group *longest = NULL;

    if (summary->all.queued == 0)
        return;
    for (size_t i = 0; i < summary->backend_count; i++)
        if (longest == NULL || summary->backends[i].backend_queue > longest->backend_queue)
            longest = &summary->backends[i];
    struct line line = line_new(style, text, 2);
    line_words(&line, TONE_WARNING,
               arena_printf(arena, "%s requests waited in a queue",
                            log_report_number(arena, summary->all.queued)));
    if (longest != NULL && longest->backend_queue > 0)
        line_words(&line, TONE_PLAIN,
                   arena_printf(arena, ", the longest that of %s: %u", longest->name,
                                longest->backend_queue));
    line_end(&line);
}

/* "503=8,120, 200=1,900,000": nothing is broken in two. */
static void add_statuses(const struct render_style *style, const struct log_report *report,
                         struct arena *arena, struct text *text)
{
    const struct log_group *all = &report->summary->all;
    struct text words = text_new(arena);

    for (size_t i = 0; i < all->status_count && i < report->top; i++)
        text_addf(&words, "%s%d=%s", i == 0 ? "" : ", ", all->statuses[i].status,
                  log_report_number(arena, all->statuses[i].count));
    if (all->status_count > report->top)
        text_addf(&words, ", and %zu more", all->status_count - report->top);
    if (all->status_count > 0)
        line_labelled(style, 0, "Statuses  ", 10, text_string(&words), text);
    words = text_new(arena);
    for (size_t i = 0; i < all->state_count && i < report->top; i++)
        text_addf(&words, "%s%s=%s", i == 0 ? "" : ", ", all->states[i].state,
                  log_report_number(arena, all->states[i].count));
    if (all->state_count > report->top)
        text_addf(&words, ", and %zu more", all->state_count - report->top);
    if (all->state_count > 0)
        line_labelled(style, 0, "Ends  ", 10, text_string(&words), text);
}

void log_report_tables(const struct render_style *style, const struct log_report *report,
                       struct arena *arena, struct text *text)
{
    const struct log_summary *summary = report->summary;
    const struct table tables[] = {
        {"Servers (times: 95 %)", summary->servers, summary->server_count},
        {"Backends (times: 95 %)", summary->backends, summary->backend_count},
        {"Frontends (times: 95 %)", summary->frontends, summary->frontend_count},
    };

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        add_table(&tables[i], report, arena, text);
    add_times(report, arena, text);
    if (summary->all.requests > 0)
        text_add(text, "\n");
    add_queue(style, report, arena, text);
    add_statuses(style, report, arena, text);
}
