/* Errors that HAProxy answers itself because its configuration says so: no server was asked. */
#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"

enum { SHARE_MUCH = 10 /* per cent of a frontend's requests */ };

static uint64_t requests_of(const struct facts *facts, const char *frontend)
{
    const struct log_summary *log = &facts->logs.summary;

    for (size_t i = 0; i < log->frontend_count; i++)
        if (look_same(log->frontends[i].name, frontend))
            return log->frontends[i].requests;
    return 0;
}

static void weigh(const struct facts *facts, const struct log_fault *fault, struct finding *finding)
{
    uint64_t all = requests_of(facts, fault->frontend);

    if (fault->count * 100 < all * SHARE_MUCH)
        finding->severity = SEVERITY_NOTICE;
}

/* ---- no-backend-matched ---- */

static void look_unmatched(struct diagnosis_work *work, const struct cause *cause,
                           const struct log_fault *fault)
{
    const struct facts *facts = work->facts;
    const struct cfg_proxy *proxy = cfg_find_proxy(facts->cfg, CFG_FRONTEND, fault->frontend);
    const struct haproxy_stat *row = look_row(work, STAT_FRONTEND, fault->frontend);

    /* A frontend that chose no backend is logged in its place. */
    if (proxy == NULL || proxy->default_backend != NULL ||
        !look_same(fault->backend, fault->frontend) || fault->server_kind != LOG_SERVER_NONE ||
        strcmp(fault->state, "SC") != 0)
        return;
    bool counted = row != NULL && row->responses_5xx > 0;
    struct finding *finding = diagnose_find(
        work, cause,
        counted || look_second(work, SOURCE_STATS, false) == FINDING_PROVEN ? FINDING_PROVEN
                                                                            : FINDING_POSSIBLE,
        fault->frontend);

    weigh(facts, fault, finding);
    finding->summary = arena_printf(
        work->arena, "%s has no backend for some requests: no rule matched, and it has no default",
        fault->frontend);
    diagnose_evidence(work, finding, SOURCE_LOGS,
                      "%" PRIu64 " of %" PRIu64 " requests: %" PRId32 " SC with %s/<NOSRV>",
                      fault->count, requests_of(facts, fault->frontend), fault->status,
                      fault->frontend);
    diagnose_evidence(work, finding, SOURCE_CONFIG, "%s has no default_backend (%s)",
                      fault->frontend, look_place(work, proxy->file, proxy->line));
    if (counted)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/FRONTEND 5xx %" PRId64, fault->frontend,
                          row->responses_5xx);
    strings_add(&finding->consequences, work->arena, "their clients get 503 at once");
    strings_addf(&finding->advice, work->arena,
                 "add a default_backend to %s (%s), or a use_backend rule for what these requests "
                 "ask for (host and path are in the log)",
                 fault->frontend, look_place(work, proxy->file, proxy->line));
    if (finding->state == FINDING_POSSIBLE)
        finding->settle = "show stat: 5xx of that frontend";
}

void answers_look_unmatched(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    if (!facts_have(facts, SOURCE_LOGS) || facts->cfg == NULL)
        return;
    for (size_t i = 0; i < facts->logs.summary.fault_count; i++)
        if (facts->logs.summary.faults[i].status == 503)
            look_unmatched(work, cause, &facts->logs.summary.faults[i]);
}

/* ---- answered-by-rule ---- */

struct rule {
    const struct cfg_file *file;
    size_t line;
    struct span text; /* len 0: none */
};

static struct span first_word(struct span *rest)
{
    size_t len = 0;

    *rest = span_trim(*rest);
    while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '\t')
        len++;
    struct span word = {rest->ptr, len};
    *rest = span_trim((struct span){rest->ptr + len, rest->len - len});
    return word;
}

static bool has_piece(struct span line, const char *piece)
{
    return line.len > 0 && memmem(line.ptr, line.len, piece, strlen(piece)) != NULL;
}

/* "http-request deny deny_status 503 ...", "http-request return status 503 ...": by the words, so that
 * one written in another way is not found, and not claimed either. */
static bool answers(struct span line, const struct log_fault *fault, struct arena *arena)
{
    struct span rest = line, word = first_word(&rest);

    if (!span_is(word, "http-request") && !span_is(word, "http-response"))
        return false;
    word = first_word(&rest);
    if (strcmp(fault->state, "PT") == 0)
        return span_is(word, "tarpit");
    return (span_is(word, "deny") || span_is(word, "return")) &&
           (has_piece(rest, arena_printf(arena, "status %" PRId32, fault->status)) ||
            has_piece(rest, arena_printf(arena, "status \"%" PRId32, fault->status)));
}

/* In the section of the frontend, or of the backend that it went to. */
static struct rule find_rule(const struct diagnosis_work *work, const struct log_fault *fault)
{
    static const char *const sections[] = {"frontend", "backend", "listen", "defaults", "global"};
    const struct cfg *cfg = work->facts->cfg;
    struct rule rule = {.text = {"", 0}};

    for (size_t i = 0; cfg != NULL && i < cfg->file_count; i++) {
        struct span rest = cfg->files[i].bytes, line;
        bool inside = false;

        for (size_t number = 1; span_next_line(&rest, &line); number++) {
            struct span words = line, word = first_word(&words), name = first_word(&words);

            for (size_t k = 0; k < sizeof sections / sizeof *sections; k++)
                if (span_is(word, sections[k]))
                    inside = span_is(name, fault->frontend) || span_is(name, fault->backend) ||
                             span_is(word, "defaults");
            if (inside && answers(line, fault, work->arena))
                return (struct rule){&cfg->files[i], number, span_trim(line)};
        }
    }
    return rule;
}

static void look_answered(struct diagnosis_work *work, const struct cause *cause,
                          const struct log_fault *fault)
{
    const struct facts *facts = work->facts;
    const struct haproxy_stat *row = look_row(work, STAT_FRONTEND, fault->frontend);
    struct rule rule = find_rule(work, fault);
    bool denied = row != NULL && row->requests_denied > 0 && fault->state[0] == 'P';
    struct finding *finding = diagnose_find(
        work, cause, rule.text.len > 0 ? FINDING_PROVEN : FINDING_POSSIBLE, fault->frontend);

    weigh(facts, fault, finding);
    finding->summary = arena_printf(work->arena, "%s answers %" PRId32 " itself, by a rule",
                                    fault->frontend, fault->status);
    diagnose_evidence(
        work, finding, SOURCE_LOGS,
        "%" PRIu64 " of %" PRIu64 " requests: %" PRId32 " with %s, and no server was asked",
        fault->count, requests_of(facts, fault->frontend), fault->status, fault->state);
    if (rule.text.len > 0)
        diagnose_evidence(work, finding, SOURCE_CONFIG, "%s: %.*s",
                          look_place(work, rule.file, rule.line),
                          (int)(rule.text.len < 300 ? rule.text.len : 300), rule.text.ptr);
    if (denied)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/FRONTEND denied %" PRId64 " requests",
                          fault->frontend, row->requests_denied);
    strings_add(&finding->consequences, work->arena,
                "the servers have no part in it: they may be well");
    if (rule.text.len > 0)
        strings_addf(&finding->advice, work->arena,
                     "change the rule at %s where these clients shall be served",
                     look_place(work, rule.file, rule.line));
    else
        finding->settle = "which rule of its configuration answers so (deny, return, tarpit; also "
                          "Lua and filters)";
}

void answers_look_rule(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    if (!facts_have(facts, SOURCE_LOGS))
        return;
    for (size_t i = 0; i < facts->logs.summary.fault_count; i++) {
        const struct log_fault *fault = &facts->logs.summary.faults[i];

        if (fault->status >= 500 && fault->server_kind == LOG_SERVER_NONE &&
            (strcmp(fault->state, "PR") == 0 || strcmp(fault->state, "LR") == 0 ||
             strcmp(fault->state, "PT") == 0))
            look_answered(work, cause, fault);
    }
}
