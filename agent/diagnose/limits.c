/* File descriptors: used up now, or a limit that was given and is not in force. */
#include <inttypes.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"

/* ---- fd-limit ---- */

/* So near to its limit HAProxy fails now and then: a connection takes two, a check one, and what is
 * counted from outside is a moment old. */
enum { MARGIN_LEAST = 8, MARGIN_SHARE = 100 };

/* What the worker holds, and what keeps it from more. */
struct use {
    uint64_t open, limit, need;
    bool by_process; /* its RLIMIT_NOFILE; else HAProxy's own table, which its maxconn sizes */
};

static bool look_at_use(const struct diagnosis_work *work, struct use *use)
{
    const struct facts *facts = work->facts;
    int64_t maxsock = look_info(work, "Maxsock");
    uint64_t table = maxsock > 0 ? (uint64_t)maxsock : UINT64_MAX, margin;

    if (!facts->haproxy->running || facts->open_descriptors < 0 ||
        facts->haproxy->worker_limit_soft == 0)
        return false;
    use->open = (uint64_t)facts->open_descriptors;
    use->limit = facts->haproxy->worker_limit_soft;
    use->by_process = use->limit < table;
    use->need = maxsock > 0 ? (uint64_t)maxsock : 0;
    if (facts->budget.need > use->need)
        use->need = facts->budget.need;
    if (!use->by_process)
        use->limit = table;
    margin = use->limit / MARGIN_SHARE;
    if (margin < MARGIN_LEAST)
        margin = MARGIN_LEAST;
    return use->open + margin >= use->limit;
}

static void advise_by_hand(struct diagnosis_work *work, struct finding *finding,
                           const struct use *use)
{
    const struct facts *facts = work->facts;
    const struct cfg *cfg = facts->cfg;

    if (!use->by_process)
        strings_addf(&finding->advice, work->arena,
                     "raise the global maxconn: HAProxy sizes its table of %" PRIu64
                     " descriptors by it, and something else than connections uses them",
                     use->limit);
    else if (cfg != NULL && cfg->global.ulimit_n.set && cfg->global.ulimit_n.value < use->need)
        strings_addf(&finding->advice, work->arena,
                     "take ulimit-n %" PRIu64
                     " out of global: HAProxy works out by itself that it needs %" PRIu64,
                     cfg->global.ulimit_n.value, use->need);
    else if (facts->haproxy->can_raise_limit || facts->haproxy->limit_hard >= use->need)
        strings_addf(&finding->advice, work->arena,
                     "reload HAProxy: a new worker raises its own limit to the %" PRIu64
                     " descriptors that it needs",
                     use->need);
    else if (use->need > look_nr_open(work))
        strings_addf(&finding->advice, work->arena,
                     "%" PRIu64 " descriptors are more than fs.nr_open allows one process (%" PRIu64
                     "): raise that first, or lower maxconn",
                     use->need, look_nr_open(work));
    else
        strings_addf(&finding->advice, work->arena,
                     "give HAProxy %" PRIu64
                     " file descriptors where it is started (ulimit -n in its script, --ulimit "
                     "nofile of a container), or lower maxconn to what it has",
                     use->need);
}

static void wish_descriptors(struct diagnosis_work *work, const struct cause *cause,
                             struct finding *finding, const struct use *use)
{
    const struct haproxy *haproxy = work->facts->haproxy;
    bool helps = use->by_process && !haproxy->can_raise_limit && haproxy->limit_hard < use->need;

    if (!helps ||
        !look_wish_descriptors(work, cause, use->need,
                               arena_printf(work->arena,
                                            "%" PRIu64 " of %" PRIu64
                                            " file descriptors are in use, %" PRIu64 " are needed",
                                            use->open, use->limit, use->need)))
        advise_by_hand(work, finding, use);
}

/* A worker without any descriptor left cannot take the question how it is. That it cannot have come
 * to its maxconn is told by the file then: it has fewer than that needs. */
static bool is_mute_for_want_of_one(const struct diagnosis_work *work, const struct use *use)
{
    const struct facts *facts = work->facts;

    return facts->sources[SOURCE_STATS].state == SOURCE_FAILED && facts->budget.maxconn > 0 &&
           use->limit < facts->budget.need;
}

void limits_look_fd_limit(struct diagnosis_work *work, const struct cause *cause)
{
    int64_t connections = look_info(work, "CurrConns"), maxconn = look_info(work, "Maxconn");
    struct use use = {0};

    if (!look_at_use(work, &use))
        return;
    /* A process whose limit was sized by its maxconn comes near both at once: then it is maxconn
     * that holds, and holds what it should. */
    bool told = connections >= 0 && maxconn > 0;
    if (told && connections >= maxconn - maxconn / 20)
        return;
    bool mute = !told && is_mute_for_want_of_one(work, &use);
    struct finding *finding =
        diagnose_find(work, cause, told || mute ? FINDING_PROVEN : FINDING_POSSIBLE, "worker");
    finding->summary = arena_printf(work->arena,
                                    "HAProxy has used up its file descriptors: %" PRIu64
                                    " of %" PRIu64 " are open",
                                    use.open, use.limit);
    diagnose_evidence(
        work, finding, SOURCE_PROCESS, "worker %jd: %" PRIu64 " descriptors open, limit %" PRIu64,
        (intmax_t)work->facts->haproxy->worker, use.open, work->facts->haproxy->worker_limit_soft);
    if (use.need > 0)
        diagnose_evidence(work, finding,
                          use.need == work->facts->budget.need ? SOURCE_CONFIG : SOURCE_STATS,
                          "%" PRIu64 " are needed for its maxconn", use.need);
    strings_add(&finding->consequences, work->arena,
                "new clients connect and wait, servers get no connection (503) and their checks "
                "fail, though nothing is wrong with them");
    if (!told && !mute) {
        finding->settle = "CurrConns and Maxconn (show info): connections below maxconn while no "
                          "descriptor is left";
        return;
    }
    if (mute)
        diagnose_evidence(work, finding, SOURCE_STATS,
                          "no answer from the Runtime API: there is no descriptor for it");
    else
        diagnose_evidence(work, finding, SOURCE_STATS,
                          "CurrConns %" PRId64 ", below Maxconn %" PRId64, connections, maxconn);
    wish_descriptors(work, cause, finding, &use);
}

/* ---- limit-not-effective ---- */

void limits_look_not_effective(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const struct unit *unit = &facts->unit;
    uint64_t pending = look_pending_limit(work);
    const char *name = facts->haproxy->unit;

    if (pending == 0 || name == NULL)
        return;
    bool loaded = facts->systemd_unit.loaded && facts->systemd_unit.limit_hard >= pending;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, name);
    finding->summary = arena_printf(
        work->arena, "LimitNOFILE=%s is not in force: the running HAProxy has %" PRIu64,
        look_shown(unit->limit_text), facts->haproxy->limit_hard);
    diagnose_evidence(work, finding, SOURCE_UNIT, "%s:%zu: LimitNOFILE=%s",
                      look_shown(unit->limit_file), unit->limit_line, look_shown(unit->limit_text));
    if (facts->systemd_unit.loaded)
        diagnose_evidence(work, finding, SOURCE_UNIT, "systemd has %s%" PRIu64 " loaded%s",
                          facts->systemd_unit.limit_hard == UINT64_MAX ? "no limit, " : "",
                          facts->systemd_unit.limit_hard,
                          loaded ? "" : ": no daemon-reload since the file was written");
    diagnose_evidence(work, finding, SOURCE_PROCESS, "hard limit %" PRIu64 " of the running %s",
                      facts->haproxy->limit_hard,
                      facts->haproxy->master != 0 ? "master" : "process");
    strings_add(&finding->consequences, work->arena,
                "a limit is given to a process when it is started: a reload does not bring it, and "
                "one that needs more fails silently");
    if (facts->haproxy->can_raise_limit) {
        strings_addf(&finding->advice, work->arena,
                     "restart %s when it suits: without a maxconn in global HAProxy works one out "
                     "from the limit that it is started with",
                     name);
        return;
    }
    diagnose_wish(work, cause, arena_printf(work->arena, "systemd.limit:%s", name), pending,
                  WISH_FLOOR,
                  arena_printf(work->arena, "%s:%zu says so", look_shown(unit->limit_file),
                               unit->limit_line));
}
