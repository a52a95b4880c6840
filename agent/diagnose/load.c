#include <inttypes.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"

#define IDLE_LOW 10 /* per cent, of HAProxy's own account: what waits is served late */
#define BUSY_SHARE                                                                                 \
    85 /* per cent of the sample that threads were at work or waited for a processor */
#define SAMPLE_LEAST 100 /* milliseconds: less may be one burst */
#define MEMORY_FULL  95  /* per cent of what the control group may have */

/* ---- cpu-saturated ---- */

struct cpu_view {
    int64_t idle, run_queue, threads; /* HAProxy's own word */
    int64_t work, wait; /* per cent of the sample, of all threads that can run at once; -1 */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct cpu_view view_cpu(const struct diagnosis_work *work)
{
    const struct load_facts *load = &work->facts->load;
    struct cpu_view view = {look_info(work, "Idle_pct"), look_info(work, "Run_queue"),
                            look_info(work, "Nbthread"), -1, -1};
    int64_t threads = view.threads > 0 ? view.threads : load->threads;

    if (!facts_have(work->facts, SOURCE_LOAD) || load->sample_ms < SAMPLE_LEAST || threads <= 0)
        return view;
    if (load->cpus > 0)
        threads = least(threads, load->cpus);
    view.work = least(load->work_ms * 100 / (load->sample_ms * threads), 100);
    /* Whoever waited while hamedic looked may have waited for hamedic: for its share of a processor. */
    int64_t own = load->own_ms / (load->cpus > 0 ? load->cpus : 1);
    int64_t wait = load->wait_ms > own ? load->wait_ms - own : 0;
    view.wait = least(wait * 100 / (load->sample_ms * threads), 100);
    return view;
}

static void advise_cpu(struct diagnosis_work *work, struct finding *finding,
                       const struct cpu_view *view)
{
    const struct load_facts *load = &work->facts->load;
    int64_t handshakes = look_info(work, "SslFrontendKeyRate");

    if (load->throttled > 0)
        strings_add(
            &finding->advice, work->arena,
            "its control group has used up its share: raise CPUQuota of the unit (cpu.max)");
    if (view->wait > view->work)
        strings_add(&finding->advice, work->arena,
                    "other processes take its processors: see which (top), and move or limit them");
    if (view->threads > 0 && load->cpus > view->threads)
        strings_addf(&finding->advice, work->arena,
                     "nbthread: it has %" PRId64 " threads, and may run on %" PRId64 " processors",
                     view->threads, load->cpus);
    if (handshakes > 0)
        strings_addf(&finding->advice, work->arena,
                     "%" PRId64
                     " TLS handshakes a second: resumption (tune.ssl.cachesize, tickets), "
                     "ECDSA keys and keep-alive make them fewer or cheaper",
                     handshakes);
    strings_add(&finding->advice, work->arena,
                "see what it works on: show profiling tasks (after: set profiling tasks on); many "
                "rules, regular expressions, compression and TLS cost most");
}

static void tell_cpu(struct diagnosis_work *work, struct finding *finding,
                     const struct cpu_view *view)
{
    const struct load_facts *load = &work->facts->load;

    diagnose_evidence(work, finding, SOURCE_STATS,
                      "Idle_pct %" PRId64 ", Run_queue %" PRId64 ", Nbthread %" PRId64, view->idle,
                      view->run_queue, view->threads);
    if (view->work >= 0)
        diagnose_evidence(work, finding, SOURCE_LOAD,
                          "in %" PRId64 " ms its %" PRId64 " threads were %" PRId64
                          " ms at work and waited %" PRId64 " ms for a processor, of %" PRId64,
                          load->sample_ms, load->threads, load->work_ms, load->wait_ms, load->cpus);
    if (load->own_ms > 0)
        diagnose_evidence(work, finding, SOURCE_LOAD,
                          "hamedic itself took %" PRId64 " ms meanwhile", load->own_ms);
    if (load->throttled > 0)
        diagnose_evidence(work, finding, SOURCE_LOAD,
                          "its control group was held back %" PRId64 " times in that time",
                          load->throttled);
}

void load_look_cpu(struct diagnosis_work *work, const struct cause *cause)
{
    struct cpu_view view = view_cpu(work);

    /* The threads' time alone is no fault: who works at low cost works. HAProxy's own account says
     * that it has no time left. */
    if (view.idle < 0 || view.idle > IDLE_LOW)
        return;
    if (view.work >= 0 && view.work + view.wait < BUSY_SHARE)
        return;
    struct finding *finding =
        diagnose_find(work, cause, view.work >= 0 ? FINDING_PROVEN : FINDING_POSSIBLE, "worker");
    finding->summary =
        view.work >= 0 && view.wait > view.work
            ? arena_printf(work->arena,
                           "HAProxy waits for processors that others use: idle %" PRId64 " %%",
                           view.idle)
            : arena_printf(work->arena, "HAProxy has no processor time left: idle %" PRId64 " %%",
                           view.idle);
    tell_cpu(work, finding, &view);
    strings_add(&finding->consequences, work->arena,
                "everything is late by the time it waits inside HAProxy: accepting, health checks, "
                "answers");
    advise_cpu(work, finding, &view);
    if (finding->state == FINDING_POSSIBLE)
        finding->settle = "the processor time of its threads (top -H): it could not be sampled";
}

/* ---- memory-limit ---- */

static void tell_memory(struct diagnosis_work *work, struct finding *finding)
{
    const struct facts *facts = work->facts;
    const struct load_facts *load = &facts->load;

    if (facts->worker_memory_kib > 0)
        diagnose_evidence(work, finding, SOURCE_PROCESS,
                          "worker: %" PRId64 " MiB of memory resident",
                          facts->worker_memory_kib / 1024);
    if (load->memory_process_limit_kib > 0)
        diagnose_evidence(work, finding, SOURCE_LOAD,
                          "worker: %" PRId64 " MiB of address space or data, at most %" PRId64
                          " allowed",
                          load->memory_process_kib / 1024, load->memory_process_limit_kib / 1024);
    if (load->memory_group_limit_kib > 0)
        diagnose_evidence(work, finding, SOURCE_LOAD,
                          "its control group: %" PRId64 " of %" PRId64 " MiB in use, %" PRId64
                          " processes killed for it",
                          load->memory_group_kib / 1024, load->memory_group_limit_kib / 1024,
                          load->oom_kills > 0 ? load->oom_kills : 0);
}

/* It was killed for memory: systemd says so of its unit. That processes of its control group were
 * killed at some time says less: it may have been another's, or long ago. */
static void look_killed(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const char *unit = facts->unit.name != NULL ? facts->unit.name : "haproxy";

    if (!facts->systemd_unit.loaded || !look_same(facts->systemd_unit.result, "oom-kill"))
        return;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, unit);
    finding->severity = SEVERITY_CRITICAL;
    finding->summary = "the kernel has killed HAProxy for want of memory";
    diagnose_evidence(work, finding, SOURCE_UNIT, "systemd: result oom-kill, %s",
                      look_shown(facts->systemd_unit.active_state));
    tell_memory(work, finding);
    strings_add(&finding->consequences, work->arena,
                "all connections of that process ended at once");
    strings_addf(&finding->advice, work->arena,
                 "give %s more memory (MemoryMax), or let it need less: a lower maxconn, a smaller "
                 "tune.bufsize, smaller stick tables and caches",
                 unit);
}

/* Pools that could not grow. The counter counts since the worker was started. */
static void look_failed(struct diagnosis_work *work, const struct cause *cause)
{
    const struct load_facts *load = &work->facts->load;
    int64_t failed = look_info(work, "PoolFailed"), most = look_info(work, "Memmax_MB"),
            pools = look_info(work, "PoolAlloc_MB");
    bool limited = most > 0 || (load->memory_process_limit_kib > 0);

    if (failed <= 0)
        return;
    struct finding *finding =
        diagnose_find(work, cause, limited ? FINDING_PROVEN : FINDING_POSSIBLE, "worker");
    finding->summary = arena_printf(
        work->arena, "HAProxy was refused memory %" PRId64 " times since its start", failed);
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "PoolFailed %" PRId64 ", PoolAlloc_MB %" PRId64 ", Memmax_MB %" PRId64,
                      failed, pools, most);
    tell_memory(work, finding);
    strings_add(&finding->consequences, work->arena,
                "connections are dropped, or answered 500 with PC, RC or IC in the log");
    if (most > 0)
        strings_addf(&finding->advice, work->arena,
                     "raise or take away the -m %" PRId64
                     " of its command line, or let it need less: a lower maxconn, a smaller "
                     "tune.bufsize",
                     most);
    else if (limited)
        strings_add(&finding->advice, work->arena,
                    "raise the process's memory limit (LimitAS, LimitDATA of the unit)");
    if (finding->state == FINDING_POSSIBLE)
        finding->settle = "which limit was met: the process has none of its own; the memory of the "
                          "host at that time (journalctl -k)";
}

/* It has all that it may have, and says nothing any more. */
static void look_stuck(struct diagnosis_work *work, const struct cause *cause)
{
    const struct load_facts *load = &work->facts->load;
    int64_t most = load->memory_process_limit_kib;

    if (work->facts->sources[SOURCE_STATS].state != SOURCE_FAILED || most <= 0 ||
        load->memory_process_kib < most / 100 * MEMORY_FULL)
        return;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, "worker");
    finding->severity = SEVERITY_CRITICAL;
    finding->summary = arena_printf(work->arena,
                                    "HAProxy has %" PRId64 " of the %" PRId64
                                    " MiB that it may have, and does not answer",
                                    load->memory_process_kib / 1024, most / 1024);
    tell_memory(work, finding);
    diagnose_evidence(work, finding, SOURCE_STATS, "no answer from the Runtime API: %s",
                      look_shown(work->facts->stats_error));
    strings_add(&finding->consequences, work->arena,
                "connections hang or are dropped, and checks fail though the servers are well");
    strings_add(
        &finding->advice, work->arena,
        "restart HAProxy, then raise its limit (-m of its command line, LimitAS, LimitDATA), "
        "or let it need less: a lower maxconn, a smaller tune.bufsize");
}

/* Not yet killed, and there is no room left. */
static void look_full(struct diagnosis_work *work, const struct cause *cause)
{
    const struct load_facts *load = &work->facts->load;
    int64_t all = load->memory_group_limit_kib;

    /* Its cache of files counts there too, and is given back first: half of it must be HAProxy's. */
    if (all <= 0 || load->memory_group_kib < all / 100 * MEMORY_FULL ||
        work->facts->worker_memory_kib < all / 2)
        return;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, "control group");
    finding->summary = arena_printf(
        work->arena, "HAProxy's control group has %" PRId64 " of %" PRId64 " MiB in use",
        load->memory_group_kib / 1024, all / 1024);
    tell_memory(work, finding);
    strings_add(&finding->consequences, work->arena,
                "the next need for memory ends in the kernel killing a process of it");
    strings_add(&finding->advice, work->arena,
                "raise MemoryMax of the unit, or let HAProxy need less: a lower maxconn, a smaller "
                "tune.bufsize, smaller stick tables and caches");
}

void load_look_memory(struct diagnosis_work *work, const struct cause *cause)
{
    size_t before = work->result->finding_count;

    look_killed(work, cause);
    if (work->result->finding_count == before)
        look_failed(work, cause);
    if (work->result->finding_count == before && facts_have(work->facts, SOURCE_LOAD))
        look_stuck(work, cause);
    if (work->result->finding_count == before && facts_have(work->facts, SOURCE_LOAD))
        look_full(work, cause);
}
