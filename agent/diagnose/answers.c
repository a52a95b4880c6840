/* Errors that HAProxy answers itself because its configuration says so: no server was asked. */
#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/observe/ask.h"

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

/* ---- a page of its own, in the place of servers ---- */

static struct span line_of(const struct cfg_file *file, size_t number)
{
    struct span rest = file->bytes, line = {"", 0};

    for (size_t i = 0; i < number && span_next_line(&rest, &line); i++)
        continue;
    return span_trim(line);
}

static void tell_line(struct diagnosis_work *work, struct finding *finding,
                      const struct cfg_proxy *proxy, size_t number)
{
    struct span line = line_of(proxy->file, number);

    diagnose_evidence(work, finding, SOURCE_CONFIG, "%s: %.*s",
                      look_place(work, proxy->file, number), (int)(line.len < 300 ? line.len : 300),
                      line.ptr);
}

/* A backend without servers whose own 503 is a page: somebody wrote that one to be seen. */
static void look_page(struct diagnosis_work *work, const struct cause *cause,
                      const struct log_fault *fault)
{
    const struct cfg_proxy *proxy = cfg_find_backend(work->facts->cfg, fault->backend);

    if (proxy == NULL || proxy->error_page_line == 0 || proxy->server_count > 0)
        return;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, proxy->name);
    weigh(work->facts, fault, finding);
    finding->summary =
        arena_printf(work->arena, "%s answers 503 itself, with a page of its own", proxy->name);
    diagnose_evidence(work, finding, SOURCE_LOGS,
                      "%" PRIu64 " of %" PRIu64 " requests of %s: 503 with %s/<NOSRV>",
                      fault->count, requests_of(work->facts, fault->frontend), fault->frontend,
                      fault->backend);
    tell_line(work, finding, proxy, proxy->error_page_line);
    strings_add(&finding->consequences, work->arena, "no server is asked: it has none");
    strings_addf(&finding->advice, work->arena,
                 "send these clients to another backend, or add servers to %s (%s), where they "
                 "shall be served",
                 proxy->name, look_place(work, proxy->file, proxy->line));
}

/* ---- monitor fail ---- */

static const struct asked *monitor_of(const struct facts *facts, const struct cfg_proxy *proxy)
{
    for (size_t i = 0; facts_have(facts, SOURCE_ANSWER) && i < facts->asked_count; i++)
        if (look_same(facts->asked[i].server, ASK_MONITOR) &&
            look_same(facts->asked[i].backend, proxy->name))
            return &facts->asked[i];
    return NULL;
}

static bool uses(const struct cfg_proxy *proxy, const char *object)
{
    size_t len = strcspn(object, "/");

    for (size_t i = 0; i < proxy->uses.count; i++)
        if (span_is((struct span){object, len}, proxy->uses.at[i]))
            return true;
    return proxy->default_backend != NULL &&
           span_is((struct span){object, len}, proxy->default_backend);
}

/* What keeps the frontend from serving, and was named: the monitor only says so. */
static struct finding *behind_monitor(const struct diagnosis_work *work,
                                      const struct cfg_proxy *proxy)
{
    for (size_t i = 0; i < work->result->finding_count; i++) {
        struct finding *finding = &work->result->findings[i];
        if (finding->state == FINDING_PROVEN && finding->object != NULL &&
            uses(proxy, finding->object))
            return finding;
    }
    return NULL;
}

static void look_monitor(struct diagnosis_work *work, const struct cause *cause,
                         const struct cfg_proxy *proxy)
{
    const struct asked *asked = monitor_of(work->facts, proxy);

    if (asked == NULL || asked->said != ASKED_STATUS || asked->status < 500)
        return;
    const char *consequence =
        arena_printf(work->arena,
                     "who asks the monitor of %s (%s) gets %" PRIu32
                     ", and sends it no more clients; HAProxy does not log that",
                     proxy->name, look_shown(asked->question), asked->status);
    struct finding *behind = behind_monitor(work, proxy);
    if (behind != NULL) {
        strings_add(&behind->consequences, work->arena, consequence);
        return;
    }
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, proxy->name);
    finding->summary =
        arena_printf(work->arena, "%s answers its monitor with %" PRIu32 ", by `monitor fail`",
                     proxy->name, asked->status);
    diagnose_evidence(work, finding, SOURCE_ANSWER, "%s at %s:%" PRIu32 ": \"%s\"",
                      look_shown(asked->question), asked->address, asked->port,
                      look_shown(asked->text));
    tell_line(work, finding, proxy, proxy->monitor_fail_line);
    strings_add(&finding->consequences, work->arena, consequence);
    strings_addf(&finding->advice, work->arena,
                 "see what the condition at %s looks at, and change that or the condition where "
                 "this HAProxy shall serve",
                 look_place(work, proxy->file, proxy->monitor_fail_line));
}

void answers_look_rule(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    for (size_t i = 0; facts->cfg != NULL && i < facts->cfg->proxy_count; i++)
        if (look_is_front(facts->cfg->proxies[i]))
            look_monitor(work, cause, facts->cfg->proxies[i]);
    if (!facts_have(facts, SOURCE_LOGS))
        return;
    for (size_t i = 0; i < facts->logs.summary.fault_count; i++) {
        const struct log_fault *fault = &facts->logs.summary.faults[i];

        if (fault->status >= 500 && fault->server_kind == LOG_SERVER_NONE &&
            (strcmp(fault->state, "PR") == 0 || strcmp(fault->state, "LR") == 0 ||
             strcmp(fault->state, "PT") == 0))
            look_answered(work, cause, fault);
        if (facts->cfg != NULL && fault->status == 503 && fault->server_kind == LOG_SERVER_NONE &&
            strcmp(fault->state, "SC") == 0)
            look_page(work, cause, fault);
    }
}
