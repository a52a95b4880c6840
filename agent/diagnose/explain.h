/* diagnose/explain: a cause in words: what it is, how it is proven, what repairs it.
 * Use:     const struct cause *cause = causes_find(slug); explain_cause(&style, cause, &text);
 *          explain_list(&style, &text) for one line each.
 * Shapes:  the words are those of the cause's row; folded at style.width.
 * Owns:    text is the caller's builder.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_EXPLAIN_H
#define HAMEDIC_AGENT_DIAGNOSE_EXPLAIN_H

#include "agent/diagnose/diagnose.h"
#include "plans/render.h"

void explain_cause(const struct render_style *style, const struct cause *cause, struct text *text);
void explain_list(const struct render_style *style, struct text *text);

#endif
