/* logs/report: what a log says, as a person reads it and as a program does.
 * Use:     struct log_report report = {...}; log_report_text(&style, &report, arena, &text); or
 *          log_report_json(&report, arena).
 * Shapes:  text: lines of at most style.width columns where names allow it, the worst first, tables
 *          cut to `top` rows. JSON: hamedic/logs/1 (logs.schema.json), all rows.
 * Owns:    text is the caller's builder; strings live in the arena.
 */
#ifndef HAMEDIC_AGENT_LOGS_REPORT_H
#define HAMEDIC_AGENT_LOGS_REPORT_H

#include "agent/logs/read.h"
#include "plans/render.h"

#define LOG_REPORT_SCHEMA "hamedic/logs/1"

struct log_report {
    const struct log_summary *summary;
    const struct log_reading *reading;
    struct strings sources; /* names of what was read */
    size_t unread;          /* rotated files that were not needed */
    struct strings notes;   /* what else is to be said */
    size_t top;             /* rows of a table */
    const char *next;       /* what to type next; NULL: nothing */
};

void log_report_text(const struct render_style *style, const struct log_report *report,
                     struct arena *arena, struct text *text);
const char *log_report_json(const struct log_report *report, struct arena *arena);

/* ---- words that both parts of the text use ---- */

/* "1,234,567" */
const char *log_report_number(struct arena *arena, uint64_t number);
/* "412 MiB" */
const char *log_report_size(struct arena *arena, uint64_t bytes);
/* "0.62 %", "< 0.01 %" */
const char *log_report_share(struct arena *arena, uint64_t part, uint64_t all);
/* "09:14:02", or "28 Nov 09:14:02" where the period is longer than a day; local. */
const char *log_report_time(struct arena *arena, const struct log_summary *summary, int64_t time);
void log_report_tables(const struct render_style *style, const struct log_report *report,
                       struct arena *arena, struct text *text);

#endif
