#include "agent/diagnose/diagnose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/diagnose/activates.h"
#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/ports.h"
#include "agent/diagnose/selinux.h"
#include "plans/base/escape.h"

#define EVIDENCE_MAX 24   /* lines of one finding: more prove nothing more */
#define TEXT_MAX     1024 /* bytes of one text */

struct wish_mark {
    enum { MARK_FLOOR, MARK_CEILING, MARK_TEXT } kind;
    uint64_t value;
};

static const char *const source_names[SOURCE_COUNT] = {
    [SOURCE_PROCESS] = "process",     [SOURCE_UNIT] = "unit",     [SOURCE_CONFIG] = "config",
    [SOURCE_CHECK] = "haproxy -c",    [SOURCE_STATS] = "stats",   [SOURCE_SYSCTL] = "sysctl",
    [SOURCE_SOCKETS] = "sockets",     [SOURCE_PROBE] = "probe",   [SOURCE_AUDIT] = "audit",
    [SOURCE_SELINUX] = "selinux",     [SOURCE_MASTER] = "master", [SOURCE_NETSTAT] = "netstat",
    [SOURCE_CONNTRACK] = "conntrack", [SOURCE_LINKS] = "links",   [SOURCE_LOAD] = "load",
    [SOURCE_ANSWER] = "answer",       [SOURCE_ERRORS] = "errors", [SOURCE_JOURNAL] = "journal",
    [SOURCE_PORTS] = "ports",
};

static const char *source_name(const struct facts *facts, enum source_id id)
{
    return facts->sources[id].name != NULL ? facts->sources[id].name : source_names[id];
}

/* What the facts' own collectors escaped stays as it is; what they took as it was (a path, a name
 * in the file) does not get past here, and nothing that a plan could not hold. */
static const char *plain(struct diagnosis_work *work, const char *text)
{
    struct span span;

    if (text == NULL)
        return NULL;
    span = span_of(text);
    if (escape_is_plain(span) && span.len < PLAN_STRING_MAX)
        return text;
    return escape_span(work->arena, span, TEXT_MAX / 2);
}

struct finding *diagnose_find(struct diagnosis_work *work, const struct cause *cause,
                              enum finding_state state, const char *object)
{
    struct diagnosis_result *result = work->result;
    struct finding *finding;

    if (result->finding_count < PLAN_FINDINGS_MAX) {
        finding = &result->findings[result->finding_count++];
    } else {
        finding = arena_alloc(work->arena, sizeof *finding);
        work->findings_left_out++;
    }
    finding->cause = cause->slug;
    finding->severity = cause->severity;
    finding->state = state;
    finding->object = object;
    return finding;
}

void diagnose_evidence(struct diagnosis_work *work, struct finding *finding, enum source_id source,
                       const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;

    if (finding->evidence_count >= EVIDENCE_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int64_t time = work->facts->sources[source].time;
    struct evidence *evidence =
        &ARENA_PUSH(work->arena, finding->evidence, finding->evidence_count);
    evidence->source = source_name(work->facts, source);
    evidence->time = time != 0 ? time : work->facts->time;
    evidence->text = plain(work, arena_string(work->arena, text));
}

/* ---- wishes ---- */

static struct wish *find_wish(struct diagnosis_work *work, const char *address, size_t *out_index)
{
    struct diagnosis_result *result = work->result;

    for (size_t i = 0; i < result->wish_count; i++)
        if (strcmp(result->wishes[i].address, address) == 0) {
            *out_index = i;
            return &result->wishes[i];
        }
    return NULL;
}

static struct wish *add_wish(struct diagnosis_work *work, const char *address, const char *value,
                             const char *because, struct wish_mark mark)
{
    struct diagnosis_result *result = work->result;
    size_t mark_count = result->wish_count;
    struct wish *wish = &ARENA_PUSH(work->arena, result->wishes, result->wish_count);

    ARENA_PUSH(work->arena, work->marks, mark_count) = mark;
    wish->address = address;
    wish->value = value;
    wish->source = WISH_DIAGNOSIS;
    wish->because = because;
    return wish;
}

/* The finding that a cause has just made is what it wishes for. */
static void add_repair(struct diagnosis_work *work, const struct wish *wish,
                       const struct cause *cause)
{
    struct diagnosis_result *result = work->result;
    struct finding *last =
        result->finding_count == 0 ? NULL : &result->findings[result->finding_count - 1];

    if (last != NULL && strcmp(last->cause, cause->slug) == 0 &&
        !strings_have(&last->repair, wish->address))
        strings_add(&last->repair, work->arena, wish->address);
}

/* Once all wishes are merged their values stand: "ADDRESS" becomes "ADDRESS=VALUE". */
static void fill_repairs(struct diagnosis_work *work)
{
    struct diagnosis_result *result = work->result;

    for (size_t i = 0; i < result->finding_count; i++)
        for (size_t k = 0; k < result->findings[i].repair.count; k++) {
            size_t index;
            const char **repair = &result->findings[i].repair.at[k];
            const struct wish *wish = find_wish(work, *repair, &index);
            if (wish != NULL)
                *repair = arena_printf(work->arena, "%s=%s", wish->address, wish->value);
        }
}

static void add_why(struct diagnosis_work *work, struct wish *wish, const struct cause *cause)
{
    add_repair(work, wish, cause);
    if (!strings_have(&wish->why, cause->slug))
        strings_add(&wish->why, work->arena, cause->slug);
}

/* Does the new value take the place of the old one? */
static bool beats(struct wish_mark mark, struct wish_mark old)
{
    if (mark.kind == MARK_CEILING)
        return old.kind != MARK_CEILING || mark.value < old.value;
    return old.kind == MARK_FLOOR && mark.value > old.value;
}

void diagnose_wish(struct diagnosis_work *work, const struct cause *cause, const char *address,
                   uint64_t value, enum wish_bound bound, const char *because)
{
    struct wish_mark mark = {bound == WISH_CEILING ? MARK_CEILING : MARK_FLOOR, value};
    const char *text = arena_printf(work->arena, "%ju", (uintmax_t)value);
    size_t index;
    struct wish *wish = find_wish(work, address, &index);

    if (wish == NULL) {
        wish = add_wish(work, address, text, because, mark);
    } else if (beats(mark, work->marks[index])) {
        work->marks[index] = mark;
        wish->value = text;
        wish->because = because;
    }
    add_why(work, wish, cause);
}

bool diagnose_join(struct diagnosis_work *work, const struct cause *cause, const char *address)
{
    size_t index;
    struct wish *wish = find_wish(work, address, &index);

    if (wish != NULL)
        add_why(work, wish, cause);
    return wish != NULL;
}

void diagnose_wish_text(struct diagnosis_work *work, const struct cause *cause, const char *address,
                        const char *value, const char *because)
{
    struct wish_mark mark = {MARK_TEXT, 0};
    size_t index;
    struct wish *wish = find_wish(work, address, &index);

    if (wish == NULL) {
        wish = add_wish(work, address, value, because, mark);
    } else if (strcmp(address, WISH_RESERVED_PORTS) == 0) {
        /* Each cause has its ports; what one reserves the other must not free. */
        struct port_set *set = port_set_new(work->arena);

        port_set_add_text(set, wish->value);
        port_set_add_text(set, value);
        wish->value = port_set_text(set, work->arena);
    }
    add_why(work, wish, cause);
}

void diagnose_activate(struct diagnosis_work *work, const char *address)
{
    size_t index;
    struct wish *wish = find_wish(work, address, &index);

    if (wish != NULL)
        wish->activation = IMPACT_RELOAD;
}

/* ---- the whole ---- */

static bool is_worse(const struct finding *a, const struct finding *b)
{
    if (a->state != b->state && (a->severity == b->severity))
        return a->state == FINDING_PROVEN;
    return a->severity > b->severity;
}

/* Stable, so that findings of one weight keep the order of the table. */
static void sort_findings(struct finding *findings, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct finding moving = findings[i];
        size_t to = i;

        while (to > 0 && is_worse(&moving, &findings[to - 1])) {
            findings[to] = findings[to - 1];
            to--;
        }
        findings[to] = moving;
    }
}

/* A source that was read may still have held what could not be. */
static void tell_passed_over(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;
    struct strings *lines = &work->result->not_checked;

    if (facts_have(facts, SOURCE_LOGS) && facts->logs.missing != NULL)
        strings_addf(lines, work->arena, "logs: %s", facts->logs.missing);
    if (facts_have(facts, SOURCE_LOGS) && facts->logs.unknown != NULL)
        strings_addf(lines, work->arena, "logs: %s", facts->logs.unknown);
    if (facts_have(facts, SOURCE_AUDIT) && facts->denials.damaged > 0)
        strings_addf(lines, work->arena,
                     "audit: passed over, as they are cut or damaged: %zu of its records",
                     facts->denials.damaged);
}

static void tell_not_checked(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;
    struct strings *lines = &work->result->not_checked;

    if (!facts->haproxy->running && facts->haproxy->program == NULL && !facts->tree)
        strings_add(lines, work->arena, "HAProxy: it is not installed on this host");
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        const struct source *source = &facts->sources[i];
        const char *usual = facts->tree ? "not asked of a tree of files" : "not there on this host";

        /* Most hosts have no master socket, and what it would tell is told elsewhere too; what does
         * not run has no load. */
        if (source->state == SOURCE_OK ||
            ((i == SOURCE_MASTER || i == SOURCE_LOAD) && source->state == SOURCE_ABSENT))
            continue;
        /* Nobody gave a reason to ask. */
        if ((i == SOURCE_ANSWER || i == SOURCE_ERRORS) && source->state == SOURCE_ABSENT)
            continue;
        /* Nothing is tracked on most hosts, and nothing can overflow there. */
        if (i == SOURCE_CONNTRACK && source->state == SOURCE_ABSENT)
            continue;
        /* Nobody misses a log of denials where nothing is denied. */
        if (i == SOURCE_AUDIT && facts_have(facts, SOURCE_SELINUX) &&
            facts->selinux.mode == SELINUX_OFF)
            continue;
        if (source->state == SOURCE_FAILED)
            usual = "it could not be read";
        strings_addf(lines, work->arena, "%s: %s", source_name(facts, (enum source_id)i),
                     source->reason != NULL ? source->reason : usual);
    }
    if (facts_have(facts, SOURCE_PROCESS) && facts->haproxy->worker != 0 &&
        facts->open_descriptors < 0)
        strings_add(
            lines, work->arena,
            "process: how many file descriptors HAProxy has open: only root may count them");
    if (facts_have(facts, SOURCE_FIREWALL) && facts->net.firewall.unread != NULL)
        strings_addf(lines, work->arena, "%s: %s", source_name(facts, SOURCE_FIREWALL),
                     facts->net.firewall.unread);
    if (work->findings_left_out > 0)
        strings_addf(lines, work->arena, "%zu more findings than a report holds",
                     work->findings_left_out);
}

static void make_strings_plain(struct diagnosis_work *work, struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        strings->at[i] = plain(work, strings->at[i]);
}

static void make_plain(struct diagnosis_work *work)
{
    struct diagnosis_result *result = work->result;
    size_t kept = 0;

    for (size_t i = 0; i < result->finding_count; i++) {
        struct finding *finding = &result->findings[i];

        finding->object = plain(work, finding->object);
        finding->summary = plain(work, finding->summary);
        finding->settle = plain(work, finding->settle);
        make_strings_plain(work, &finding->consequences);
        make_strings_plain(work, &finding->advice);
        make_strings_plain(work, &finding->repair);
    }
    for (size_t i = 0; i < result->wish_count; i++) {
        struct wish *wish = &result->wishes[i];

        /* An escaped name is another name: nothing can be wished for that one. */
        if (plain(work, wish->address) != wish->address || plain(work, wish->value) != wish->value)
            continue;
        wish->because = plain(work, wish->because);
        result->wishes[kept++] = *wish;
    }
    result->wish_count = kept;
    make_strings_plain(work, &result->activates);
    make_strings_plain(work, &result->not_checked);
}

void diagnose(const struct facts *facts, diagnose_bound *upper_bound, void *context,
              struct arena *arena, struct diagnosis_result *out_result)
{
    struct diagnosis_work work = {
        .facts = facts,
        .arena = arena,
        .upper_bound = upper_bound,
        .context = context,
        .result = out_result,
    };

    *out_result = (struct diagnosis_result){
        .findings = arena_alloc(arena, PLAN_FINDINGS_MAX * sizeof(struct finding))};
    look_find_servers(&work);
    activates_list(&work);
    selinux_prepare(&work);
    for (size_t i = 0; i < causes_count(); i++)
        causes_at(i)->look(&work, causes_at(i));
    sort_findings(out_result->findings, out_result->finding_count);
    tell_not_checked(&work);
    tell_passed_over(&work);
    selinux_tell_not_checked(&work);
    resolve_tell_unexplained(&work);
    fill_repairs(&work);
    make_plain(&work);
}
