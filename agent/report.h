/* agent/report: an examination as a person reads it.
 * Use:     report_whole(&style, &seen, self, verbose, &text) for `diagnose`;
 *          report_window(&style, lines, &seen, &before, &text) for a screen of so many lines.
 * Shapes:  the worst first; lines of at most style.width columns where the words allow it.
 * Owns:    text is the caller's builder; what a finding is told from is only read.
 */
#ifndef HAMEDIC_AGENT_REPORT_H
#define HAMEDIC_AGENT_REPORT_H

#include "agent/examine.h"
#include "plans/render.h"

/* Host, HAProxy, how many of what; how many sources; how many findings. */
void report_headline(const struct render_style *style, const struct examination *seen,
                     struct text *text);
/* All of it. `self` is what to type to get here again; verbose: each source, with its time. Where
 * that is longer than `height` lines (0: never), how many findings there are and which is the worst
 * stands at its end once more. */
void report_whole(const struct render_style *style, const struct examination *seen,
                  const char *self, bool verbose, size_t height, struct text *text);

/* What was found in an earlier round: a string for each finding. */
struct strings report_names(const struct examination *seen, struct arena *arena);
/* At most `lines` lines: the worst in full, the others in brief, the rest counted; marked what
 * `before` does not have (NULL: nothing is marked), and told what it had more. lines 0: all of it. */
void report_window(const struct render_style *style, size_t lines, const struct examination *seen,
                   const struct strings *before, struct text *text);

#endif
