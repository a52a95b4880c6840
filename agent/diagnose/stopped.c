/* What was told to stop, and goes slower or on longer than somebody thinks: frontends, rates, old
 * workers; and the host's own limit of files. */
#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/words.h"

/* ---- frontend-stopped ---- */

/* Does HAProxy listen on a port of this section? -1: not known. */
static int is_listening(const struct facts *facts, const struct cfg_proxy *proxy)
{
    bool any = false;

    if (proxy == NULL || !facts_have(facts, SOURCE_PORTS))
        return -1;
    for (size_t i = 0; i < proxy->bind_count; i++) {
        const struct cfg_bind *bind = &proxy->binds[i];

        if (!look_is_tcp(bind))
            continue;
        any = any || !bind->conditional;
        for (size_t k = 0; k < facts->ports.listener_count; k++) {
            const struct port_listener *listener = &facts->ports.listeners[k];

            if (listener->owner.is_own && listener->port >= bind->port_low &&
                listener->port <= bind->port_high)
                return 1;
        }
    }
    return any ? 0 : -1;
}

static void find_stopped(struct diagnosis_work *work, const struct cause *cause,
                         const struct haproxy_stat *row)
{
    const struct facts *facts = work->facts;
    const struct cfg_proxy *proxy = look_front(facts->cfg, row->proxy);
    bool paused = look_same(row->status, "PAUSED");
    int listening = is_listening(facts, proxy);
    struct finding *finding = diagnose_find(
        work, cause, listening == 1 ? FINDING_POSSIBLE : FINDING_PROVEN, look_shown(row->proxy));

    finding->summary =
        arena_printf(work->arena, "frontend %s was %s", look_shown(row->proxy),
                     paused ? "disabled while HAProxy runs" : "shut down while HAProxy runs");
    diagnose_evidence(work, finding, SOURCE_STATS, "%s/FRONTEND %s", look_shown(row->proxy),
                      row->status);
    if (listening == 0)
        diagnose_evidence(work, finding, SOURCE_PORTS, "HAProxy listens on none of its ports");
    if (listening == 1)
        finding->settle = "whether HAProxy accepts on its ports: ss -ltn, and a connect";
    strings_add(&finding->consequences, work->arena, "its clients get Connection refused");
    strings_addf(&finding->advice, work->arena,
                 paused ? "ask who disabled it; to enable it again: `enable frontend %s` on the "
                          "stats socket"
                        : "ask who shut frontend %s down; only a reload brings it back",
                 look_shown(row->proxy));
}

static void find_disabled(struct diagnosis_work *work, const struct cause *cause,
                          const struct cfg_proxy *proxy)
{
    const char *place = look_place(work, proxy->file, proxy->line);
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, look_shown(proxy->name));

    finding->severity = SEVERITY_NOTICE;
    finding->summary =
        arena_printf(work->arena, "%s is disabled in the configuration", look_shown(proxy->name));
    diagnose_evidence(work, finding, SOURCE_CONFIG, "%s is `disabled` (%s)",
                      look_shown(proxy->name), place);
    if (facts_have(work->facts, SOURCE_STATS))
        diagnose_evidence(work, finding, SOURCE_STATS, "it is not among the running frontends");
    strings_add(&finding->consequences, work->arena, "nobody listens on its ports");
    strings_addf(&finding->advice, work->arena,
                 "take the line `disabled` out of it where it shall serve (section at %s), and "
                 "reload",
                 place);
}

void stopped_look_frontend(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    if (facts->tree || !facts->haproxy->running)
        return;
    for (size_t i = 0; i < facts->stat_count && look_info(work, "Stopping") <= 0; i++)
        if (facts->stats[i].type == STAT_FRONTEND && (look_same(facts->stats[i].status, "PAUSED") ||
                                                      look_same(facts->stats[i].status, "STOP")))
            find_stopped(work, cause, &facts->stats[i]);
    for (size_t p = 0; facts->cfg != NULL && p < facts->cfg->proxy_count; p++) {
        const struct cfg_proxy *proxy = facts->cfg->proxies[p];

        if (look_is_front(proxy) && proxy->disabled && !proxy->conditional &&
            proxy->bind_count > 0 && look_row(work, STAT_FRONTEND, proxy->name) == NULL)
            find_disabled(work, cause, proxy);
    }
}

/* ---- rate-limited ---- */

/* A rate is an average of the last second, which lags behind a limit a little. */
static bool is_at(int64_t rate, int64_t limit)
{
    return limit > 0 && rate >= limit - limit / 10;
}

static void find_limited(struct diagnosis_work *work, const struct cause *cause,
                         const struct cfg_proxy *proxy, const char *object, const char *keyword,
                         int64_t rate, int64_t limit)
{
    bool full = false;
    int64_t queue = look_accept_queue(work, proxy, &full);

    if (queue == 0)
        return;
    struct finding *finding =
        diagnose_find(work, cause, queue > 0 ? FINDING_PROVEN : FINDING_POSSIBLE, object);
    finding->summary = arena_printf(
        work->arena, "%s takes no more than %" PRId64 " a second, and more come", object, limit);
    diagnose_evidence(work, finding, SOURCE_STATS, "%s: %" PRId64 " a second, limit %" PRId64,
                      object, rate, limit);
    if (queue > 0)
        diagnose_evidence(work, finding, SOURCE_SOCKETS,
                          "%" PRId64 " connections wait in the accept queues%s", queue,
                          full ? ", which are full" : "");
    else
        finding->settle = "whether connections wait to be accepted: ss -ltn, Recv-Q of its ports";
    strings_add(&finding->consequences, work->arena,
                "new clients connect, and wait for their turn; nothing is logged meanwhile");
    strings_addf(&finding->advice, work->arena,
                 "raise `%s` (%" PRId64 " now) if the load is welcome, or keep clients from coming "
                 "so often",
                 keyword, limit);
}

void stopped_look_rate(struct diagnosis_work *work, const struct cause *cause)
{
    static const struct {
        const char *rate, *limit, *keyword, *object;
    } rates[] = {{"ConnRate", "ConnRateLimit", "maxconnrate", "global connections"},
                 {"SessRate", "SessRateLimit", "maxsessrate", "global sessions"},
                 {"SslRate", "SslRateLimit", "maxsslrate", "global TLS handshakes"}};
    const struct facts *facts = work->facts;

    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        int64_t rate = look_info(work, rates[i].rate), limit = look_info(work, rates[i].limit);

        if (is_at(rate, limit))
            find_limited(work, cause, NULL, rates[i].object, rates[i].keyword, rate, limit);
    }
    for (size_t i = 0; i < facts->stat_count; i++) {
        const struct haproxy_stat *row = &facts->stats[i];
        const struct cfg_proxy *proxy = look_front(facts->cfg, row->proxy);

        if (row->type == STAT_FRONTEND && proxy != NULL && is_at(row->rate, row->rate_limit))
            find_limited(work, cause, proxy,
                         arena_printf(work->arena, "frontend %s", look_shown(row->proxy)),
                         "rate-limit sessions", row->rate, row->rate_limit);
    }
}

/* ---- old-workers ---- */

enum { DRAINING_SECONDS = 60, GENERATIONS = 2, GENERATIONS_MANY = 5 };

/* "hard-stop-after" as a word of some line. */
static bool has_hard_stop(const struct cfg *cfg)
{
    static const char word[] = "hard-stop-after";

    for (size_t i = 0; cfg != NULL && i < cfg->file_count; i++) {
        struct span rest = cfg->files[i].bytes, line;

        while (span_next_line(&rest, &line))
            if (span_starts_with(span_trim(line), word))
                return true;
    }
    return false;
}

void stopped_look_old_workers(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const struct haproxy *haproxy = facts->haproxy;
    size_t count = haproxy->old_worker_count;
    bool long_ago =
        facts->worker_started > 0 && facts->time - facts->worker_started >= DRAINING_SECONDS;

    if (facts->tree || !haproxy->running || (count < GENERATIONS && !(count == 1 && long_ago)))
        return;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN,
                                            haproxy->unit != NULL ? haproxy->unit : "haproxy");
    bool hard_stop = has_hard_stop(facts->cfg);

    if (count < GENERATIONS_MANY)
        finding->severity = SEVERITY_NOTICE;
    finding->summary =
        arena_printf(work->arena,
                     "%zu old worker%s still run%s, with connections from before the "
                     "last reload",
                     count, count == 1 ? "" : "s", count == 1 ? "s" : "");
    for (size_t i = 0; i < count && i < 8; i++)
        diagnose_evidence(work, finding, SOURCE_PROCESS,
                          "pid %jd is an old worker; the present one is %jd",
                          (intmax_t)haproxy->old_workers[i], (intmax_t)haproxy->worker);
    if (facts->old_worker_descriptors >= 0)
        diagnose_evidence(work, finding, SOURCE_PROCESS,
                          "they hold %" PRId64 " file descriptors together",
                          facts->old_worker_descriptors);
    if (facts->cfg != NULL)
        diagnose_evidence(work, finding, SOURCE_CONFIG, "hard-stop-after is %s",
                          hard_stop ? "set" : "not set: they may stay for ever");
    strings_add(&finding->consequences, work->arena,
                "they serve by the old configuration, and take memory, ports and descriptors");
    strings_add(&finding->advice, work->arena,
                hard_stop ? "wait for hard-stop-after, or end them: kill -TERM PID"
                          : "set hard-stop-after in global (such as 5m), so that an old worker "
                            "ends; until then end them by hand: kill -TERM PID");
}

/* ---- system-fd-limit ---- */

/* A host of a few services has some thousand files open; the kernel's own default is a tenth of its
 * memory in KiB (Documentation/admin-guide/sysctl/fs.rst), 52,000 where that is 512 MiB. */
enum { FILES_LEAST = 16384 };

/* "1184 0 9223372036854775807": used, free, most. */
static bool read_file_nr(const struct diagnosis_work *work, uint64_t *out_used, uint64_t *out_most)
{
    const char *text = look_sysctl(work, "fs.file-nr");
    uint64_t numbers[3] = {0};

    if (text == NULL)
        return false;
    for (size_t i = 0; i < 3; i++) {
        size_t digits = strspn(text, "0123456789");

        if (!span_scan_u64((struct span){text, digits}, &numbers[i]))
            return false;
        text += digits;
        text += strspn(text, " \t");
    }
    *out_used = numbers[0] - (numbers[1] < numbers[0] ? numbers[1] : numbers[0]);
    *out_most = numbers[2];
    return numbers[2] > 0;
}

void stopped_look_system_fd(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    uint64_t used = 0, most = 0;
    const struct haproxy_message *said =
        facts_have(facts, SOURCE_JOURNAL)
            ? messages_last(&facts->messages, LOG_MESSAGE_FD_LIMIT_SYSTEM)
            : NULL;
    bool known = read_file_nr(work, &used, &most);
    bool near = known && used >= most - most / 50;

    if (facts->tree || (!near && said == NULL))
        return;
    struct finding *finding = diagnose_find(
        work, cause, near && said != NULL ? FINDING_PROVEN : FINDING_POSSIBLE, "fs.file-max");
    finding->summary = near ? "the host has no file descriptor left, for any process"
                            : "the host had no file descriptor left, and has some now";
    if (known)
        diagnose_evidence(work, finding, SOURCE_SYSCTL,
                          "fs.file-nr: %" PRIu64 " of %" PRIu64 " in use", used, most);
    if (said != NULL)
        words_quote(work, finding, said);
    strings_add(&finding->consequences, work->arena,
                "connections to servers fail, and new clients wait");
    if (finding->state != FINDING_PROVEN) {
        finding->settle = "fs.file-nr while it lasts, and HAProxy's own words (\"reached system FD "
                          "limit\")";
        return;
    }
    /* Who lowers it takes nothing away from those that have more already. */
    uint64_t held = used > most ? used : most, wanted = look_round_up(held + held / 2);
    diagnose_wish(work, cause, "sysctl.dropin:fs.file-max",
                  wanted > FILES_LEAST ? wanted : FILES_LEAST, WISH_FLOOR,
                  arena_printf(work->arena, "%" PRIu64 " of %" PRIu64 " are in use", used, most));
    strings_add(&finding->advice, work->arena, "see which process holds so many: lsof, /proc/*/fd");
}
