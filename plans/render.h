/* plans/render: findings, plans and verdicts as a person reads them.
 * Use:     struct render_style style = {...}; render_plan(&style, plan, ..., &text);
 * Shapes:  lines of at most style.width columns where the words allow it; the worst first; no
 * control bytes but LF, and SGR colour where style.color. Non-ASCII signs only where style.unicode.
 * Owns:    text is the caller's builder.
 */
#ifndef HAMEDIC_PLANS_RENDER_H
#define HAMEDIC_PLANS_RENDER_H

#include "plans/approval.h"
#include "plans/base/text.h"
#include "plans/codec.h"
#include "plans/plan.h"

struct render_style {
    bool color;
    bool unicode;
    size_t width; /* columns; at least 40 */
};

/* A coloured word: the one place where escape sequences are made. */
enum tone { TONE_PLAIN, TONE_BOLD, TONE_DIM, TONE_GOOD, TONE_WARNING, TONE_BAD };
void render_toned(const struct render_style *style, enum tone tone, const char *words,
                  struct text *text);
/* Words wrapped at style.width; the first line after `first`, later ones after `indent` blanks. */
void render_wrapped(const struct render_style *style, const char *first, size_t indent,
                    const char *words, struct text *text);
/* "ok" sign and one line, as the steps of `apply` are told; bad: the other sign. */
void render_step(const struct render_style *style, bool good, const char *words, struct text *text);

void render_findings(const struct render_style *style, const struct finding *findings, size_t count,
                     struct text *text);
/* Of each cause the first `most` in full and the others in a line each; how many those are. */
size_t render_findings_folded(const struct render_style *style, const struct finding *findings,
                              size_t count, size_t most, struct text *text);
/* A plan for whoever made it (brief: what is wrong in one line each, what will change), or for
 * review (full: all the evidence, the lines around each change, what each change rests on). `next`
 * (may be NULL) is what to type next. */
enum render_detail { RENDER_BRIEF, RENDER_FULL };
void render_plan(const struct render_style *style, enum render_detail detail,
                 const struct plan *plan, const char *next, struct text *text);
/* One line a finding: how bad, cause, object, what is wrong. */
void render_findings_brief(const struct render_style *style, const struct finding *findings,
                           size_t count, struct text *text);
void render_approvals(const struct render_style *style, const struct plan *plan,
                      const struct approvals *approvals, struct text *text);

#endif
