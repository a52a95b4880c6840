#include "plans/render.h"

#include <string.h>

#include "plans/render_line.h"

enum { SHORT_ID = 6, DETAIL_INDENT = 6, DETAIL_LABEL = 9, SIDE_LABEL = 9, HOUR = 3600 };

static enum tone tone_of_risk(enum risk risk)
{
    switch (risk) {
    case RISK_LOW:
        return TONE_GOOD;
    case RISK_MEDIUM:
        return TONE_WARNING;
    case RISK_HIGH:
        return TONE_BAD;
    }
    return TONE_PLAIN;
}

static const char *impact_shown(enum impact impact)
{
    switch (impact) {
    case IMPACT_NONE:
        return "no reload, no restart";
    case IMPACT_RELOAD:
        return "a reload of HAProxy, no restart";
    case IMPACT_RESTART:
        return "a restart of HAProxy";
    }
    return "";
}

/* ---- the head ---- */

static const char *lifetime(struct arena *arena, const struct plan *plan)
{
    int64_t seconds = plan->expires - plan->created;

    if (seconds >= HOUR && seconds % HOUR == 0)
        return arena_printf(arena, "%lld h", (long long)(seconds / HOUR));
    return arena_printf(arena, "%lld s", (long long)seconds);
}

static void render_head(const struct render_style *style, const struct plan *plan,
                        struct text *text)
{
    struct arena *arena = text->arena;
    struct line line = line_new(style, text, 2);

    line_words(&line, TONE_BOLD, arena_printf(arena, "Plan %.*s", SHORT_ID, plan->id));
    line_words(&line, TONE_PLAIN,
               arena_printf(arena, " for %s · %s · ", plan->host.name,
                            line_count(arena, plan_effective_changes(plan), "change")));
    line_words(&line, tone_of_risk(plan->risk),
               arena_printf(arena, "risk %s", risk_word(plan->risk)));
    line_words(&line, TONE_PLAIN, arena_printf(arena, " · %s", impact_shown(plan_impact(plan))));
    line_end(&line);
    render_wrapped(style, "  ", 2, arena_printf(arena, "id %s", plan->id), text);
    render_wrapped(style, "  ", 2,
                   arena_printf(arena, "made %s · expires %s (%s later)",
                                time_text(arena, plan->created), time_text(arena, plan->expires),
                                lifetime(arena, plan)),
                   text);
    render_wrapped(style, "  ", 2,
                   arena_printf(arena, "policy %s · hamedic %s · HAProxy %s", plan->policy.name,
                                plan->agent, plan->haproxy == NULL ? "not seen" : plan->haproxy),
                   text);
    if (plan->draft)
        render_wrapped(style, "  ", 2,
                       "DRAFT: there was no agent key. It can be shown and checked, never applied.",
                       text);
    if (plan->tree)
        render_wrapped(style, "  ", 2,
                       "For a tree of files (--root): running values were not looked at, "
                       "and nothing is activated.",
                       text);
}

/* ---- a change ---- */

static const char *value_shown(const char *value)
{
    if (value == NULL)
        return "(none)";
    return value[0] == '\0' ? "\"\"" : value;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *step_shown(struct arena *arena, const char *before, const char *after)
{
    return arena_printf(arena, "%s → %s", value_shown(before), value_shown(after));
}

/* True where one "before → after" tells it for the running side and for the next boot. */
static bool one_step_tells(const struct change *change, const char **out_before,
                           const char **out_after)
{
    const struct sides *before = &change->before, *after = &change->after;

    *out_before = before->persistent;
    *out_after = after->persistent;
    if (before->runtime == NULL && after->runtime == NULL)
        return true;
    if (same(before->persistent, before->runtime) && same(after->persistent, after->runtime))
        return true;
    *out_before = before->runtime;
    *out_after = after->runtime;
    return before->persistent == NULL && after->persistent == NULL;
}

static const char *action_sign(enum action action)
{
    switch (action) {
    case ACTION_NO_OP:
        return "=";
    case ACTION_CREATE:
        return "+";
    case ACTION_UPDATE:
        return "~";
    case ACTION_DELETE:
        return "-";
    }
    return "?";
}

static void render_change_head(const struct render_style *style, const struct change *change,
                               size_t number, struct text *text)
{
    struct arena *arena = text->arena;
    struct line line = line_new(style, text, DETAIL_INDENT);
    const char *before, *after, *right;
    bool one = one_step_tells(change, &before, &after);

    line_words(&line, TONE_PLAIN,
               arena_printf(arena, "%3zu %s ", number, action_sign(change->action)));
    line_words(&line, TONE_BOLD, change->address);
    if (one)
        line_words(&line, TONE_PLAIN,
                   arena_printf(arena, "   %s", step_shown(arena, before, after)));
    right = change->impact == IMPACT_NONE
                ? arena_printf(arena, "risk %s", risk_word(change->risk))
                : arena_printf(arena, "risk %s, %s", risk_word(change->risk),
                               impact_word(change->impact));
    line_right(&line, tone_of_risk(change->risk), right);
    line_end(&line);
    if (one)
        return;
    line_labelled(style, DETAIL_INDENT, "running", SIDE_LABEL,
                  step_shown(arena, change->before.runtime, change->after.runtime), text);
    line_labelled(style, DETAIL_INDENT, "at boot", SIDE_LABEL,
                  step_shown(arena, change->before.persistent, change->after.persistent), text);
}

/* The cause with its sentence, where the plan holds that finding. */
static const char *why_shown(struct arena *arena, const struct plan *plan, const char *why)
{
    for (size_t i = 0; i < plan->finding_count; i++)
        if (strcmp(plan->findings[i].cause, why) == 0)
            return arena_printf(arena, "%s (%s)", why, plan->findings[i].object);
    return why;
}

static void render_diff(const struct render_style *style, enum render_detail detail,
                        const struct strings *diff, struct text *text)
{
    for (size_t i = 0; i < diff->count; i++) {
        const char *words = diff->at[i];
        if (detail == RENDER_BRIEF && words[0] != '+' && words[0] != '-')
            continue;
        struct line line = line_new(style, text, DETAIL_INDENT + 4);
        enum tone tone = words[0] == '+' ? TONE_GOOD : words[0] == '-' ? TONE_BAD : TONE_PLAIN;
        line_pad(&line, DETAIL_INDENT + 2);
        line_words(&line, tone, words);
        line_end(&line);
    }
}

static void render_details(const struct render_style *style, const char *label,
                           const struct strings *strings, struct text *text)
{
    for (size_t i = 0; i < strings->count; i++)
        line_labelled(style, DETAIL_INDENT, label, DETAIL_LABEL, strings->at[i], text);
}

static void render_change(const struct render_style *style, enum render_detail detail,
                          const struct plan *plan, size_t index, struct text *text)
{
    const struct change *change = &plan->changes[index];
    struct arena *arena = text->arena;

    render_change_head(style, change, index + 1, text);
    for (size_t i = 0; i < change->why.count; i++)
        line_labelled(style, DETAIL_INDENT, "why", DETAIL_LABEL,
                      why_shown(arena, plan, change->why.at[i]), text);
    if (change->file != NULL)
        line_labelled(style, DETAIL_INDENT, "file", DETAIL_LABEL,
                      arena_printf(arena, "%s wins at the next boot or start", change->file), text);
    render_diff(style, detail, &change->diff, text);
    render_details(style, "opens", &change->exposure, text);
    render_details(style, "note", &change->notes, text);
    for (size_t i = 0; detail == RENDER_FULL && i < change->touched_count; i++)
        line_labelled(style, DETAIL_INDENT, "rests on", DETAIL_LABEL,
                      arena_printf(arena, "%s%s", change->touched[i].object,
                                   strcmp(change->touched[i].digest, "absent") == 0
                                       ? " (not there yet)"
                                       : ""),
                      text);
    if (change->undo != NULL)
        line_labelled(style, DETAIL_INDENT, "undo", DETAIL_LABEL, change->undo, text);
}

/* ---- the whole ---- */

static void render_needs(const struct render_style *style, const struct plan *plan,
                         struct text *text)
{
    struct arena *arena = text->arena;

    if (plan->draft)
        return;
    if (plan->approvals == 0)
        render_wrapped(style, "", 2, "It changes nothing, so it needs no approval.", text);
    else
        render_wrapped(style, "", 2,
                       arena_printf(arena, "Needs %s by operators' signatures.",
                                    line_count(arena, (size_t)plan->approvals, "approval")),
                       text);
}

static void render_section(const struct render_style *style, const char *title,
                           const struct strings *strings, struct text *text)
{
    if (strings->count == 0)
        return;
    struct line line = line_new(style, text, 2);
    text_add(text, "\n");
    line_words(&line, TONE_BOLD, title);
    line_end(&line);
    line_list(style, strings, text);
}

/* In a plan advice and repairs have sections of their own: the findings are shown without theirs.
 */
static void render_plan_findings(const struct render_style *style, enum render_detail detail,
                                 const struct plan *plan, struct text *text)
{
    if (plan->finding_count == 0)
        return;
    text_add(text, "\n");
    if (detail == RENDER_BRIEF) {
        render_findings_brief(style, plan->findings, plan->finding_count, text);
        return;
    }
    struct finding *findings =
        arena_alloc(text->arena, plan->finding_count * sizeof *plan->findings);
    for (size_t i = 0; i < plan->finding_count; i++) {
        findings[i] = plan->findings[i];
        findings[i].advice = (struct strings){0};
        findings[i].repair = (struct strings){0};
    }
    render_findings(style, findings, plan->finding_count, text);
}

void render_plan(const struct render_style *style, enum render_detail detail,
                 const struct plan *plan, const char *next, struct text *text)
{
    render_head(style, plan, text);
    render_plan_findings(style, detail, plan, text);
    text_add(text, "\n");
    if (plan->change_count == 0)
        render_wrapped(style, "", 2, "No changes.", text);
    for (size_t i = 0; i < plan->change_count; i++) {
        if (i > 0)
            text_add(text, "\n");
        render_change(style, detail, plan, i, text);
    }
    render_section(style, "The reload also activates what was edited since the last one:",
                   &plan->activates, text);
    render_section(style, "For a person elsewhere:", &plan->advice, text);
    render_section(style, "Not checked:", &plan->not_checked, text);
    text_add(text, "\n");
    render_needs(style, plan, text);
    if (next != NULL)
        render_wrapped(style, "Next: ", 6, next, text);
}

/* ---- signatures ---- */

static void render_lines(const struct render_style *style, bool good, const char *before,
                         const struct strings *strings, struct text *text)
{
    for (size_t i = 0; i < strings->count; i++)
        render_step(style, good, arena_printf(text->arena, "%s%s", before, strings->at[i]), text);
}

void render_approvals(const struct render_style *style, const struct plan *plan,
                      const struct approvals *approvals, struct text *text)
{
    struct arena *arena = text->arena;
    size_t asked = plan->approvals > 0 ? (size_t)plan->approvals : 0;

    render_lines(style, false, "bad signature: ", &approvals->bad, text);
    if (approvals->agent_signed)
        render_step(style, true,
                    arena_printf(arena, "signed by the agent of %s (key %s)", plan->host.name,
                                 approvals->agent_id),
                    text);
    else
        render_step(style, false, "not signed by this host's agent", text);
    for (size_t i = 0; i < approvals->approval_count; i++)
        render_step(style, true,
                    arena_printf(arena, "approved by %s (key %s, %s)",
                                 approvals->approvals[i].operator_name,
                                 approvals->approvals[i].key_id, approvals->approvals[i].file),
                    text);
    if (asked > 0)
        render_step(style, approvals->approval_count >= asked,
                    arena_printf(arena, "%zu of %s", approvals->approval_count,
                                 line_count(arena, asked, "approval")),
                    text);
    for (size_t i = 0; i < approvals->unknown.count; i++)
        render_wrapped(style, "  ", 4,
                       arena_printf(arena, "not counted: %s", approvals->unknown.at[i]), text);
    for (size_t i = 0; i < approvals->ignored.count; i++)
        render_wrapped(style, "  ", 4,
                       arena_printf(arena, "not counted: %s", approvals->ignored.at[i]), text);
}
