#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "agent/observe/collect.h"

static const struct collector {
    enum source_id id;
    const char *name;
    unsigned wave;  /* those of one wave run side by side, and know what earlier waves found */
    bool of_trees;  /* also on a tree; the others ask what runs */
    bool is_needed; /* without it there is nothing to look at */
    int (*collect)(struct collection *collection, struct err *err);
} collectors[] = {
    {SOURCE_PROCESS, "process", 0, true, true, collect_process},
    {SOURCE_CONFIG, "config", 1, true, false, collect_config},
    {SOURCE_UNIT, "unit", 2, true, false, collect_unit},
    {SOURCE_CHECK, "haproxy -c", 2, false, false, collect_check},
    {SOURCE_SELINUX, "selinux", 2, true, false, collect_selinux},
    {SOURCE_STATS, "stats", 2, false, false, collect_stats},
    {SOURCE_MASTER, "master", 2, false, false, collect_master},
    {SOURCE_SYSCTL, "sysctl", 2, true, false, collect_sysctls},
    {SOURCE_SOCKETS, "sockets", 1, false, false, collect_sockets},
    {SOURCE_AUDIT, "audit", 1, false, false, collect_audit},
    /* After the sockets were counted: it makes some. */
    {SOURCE_PROBE, "probe", 2, false, false, collect_probes},
    {SOURCE_NETSTAT, "netstat", 2, false, false, collect_netstat},
    {SOURCE_CONNTRACK, "conntrack", 2, false, false, collect_conntrack},
    /* After the probes: who was not asked for is not known. */
    {SOURCE_LINKS, "links", 3, false, false, collect_links},
};
enum { COLLECTORS = sizeof collectors / sizeof *collectors, WAVES = 4 };
static_assert((int)COLLECTORS == (int)SOURCE_COUNT, "each source has its collector");

/* One collector at work. */
struct work {
    const struct collector *collector;
    struct collection collection;
    struct source *source;
    struct err err;
    bool failed;
    bool has_thread;
    pthread_t thread;
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void run(struct work *work)
{
    struct source *source = work->source;
    int64_t started = now_ms();

    source->time = (int64_t)time(NULL);
    if (!work->collection.host->live && !work->collector->of_trees)
        work->failed =
            err_set(&work->err, ERR_UNSUPPORTED, "on a tree, nothing that runs is asked") < 0;
    else
        work->failed = work->collector->collect(&work->collection, &work->err) < 0;
    source->milliseconds = now_ms() - started;
    source->state = SOURCE_OK;
    if (!work->failed)
        return;
    source->state = work->err.kind == ERR_UNSUPPORTED ? SOURCE_ABSENT : SOURCE_FAILED;
    source->reason = arena_string(work->collection.arena, work->err.text);
}

static void *run_in_thread(void *work)
{
    run(work);
    return NULL;
}

/* Signals are for the main thread, which knows what to do about them. */
static void start(struct work *work)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    work->has_thread = pthread_create(&work->thread, NULL, run_in_thread, work) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int run_wave(const struct host *host, unsigned wave, struct arena *arena,
                    struct facts *facts, struct err *err)
{
    struct work works[COLLECTORS];
    struct facts known = *facts;
    size_t count = 0;
    const struct work *needed = NULL;

    for (size_t i = 0; i < COLLECTORS; i++)
        if (collectors[i].wave == wave)
            works[count++] = (struct work){
                .collector = &collectors[i],
                .source = &facts->sources[collectors[i].id],
                .collection = {host, &known, arena_new(), facts},
            };
    /* The last one keeps this thread busy meanwhile; so does one for which there is no thread. */
    for (size_t i = 0; i + 1 < count; i++)
        start(&works[i]);
    for (size_t i = 0; i < count; i++)
        if (!works[i].has_thread)
            run(&works[i]);
    for (size_t i = 0; i < count; i++) {
        if (works[i].has_thread)
            (void)pthread_join(works[i].thread, NULL);
        arena_adopt(arena, works[i].collection.arena);
        if (works[i].collector->is_needed && works[i].source->state == SOURCE_FAILED)
            needed = &works[i];
    }
    if (needed == NULL)
        return 0;
    *err = needed->err;
    return err_wrap(err, "cannot observe this host");
}

int facts_observe(const struct host *host, struct arena *arena, struct facts *out_facts,
                  struct err *err)
{
    struct facts facts = {.time = (int64_t)time(NULL), .tree = !host->live};

    facts.host_name = host_name(host, arena);
    for (size_t i = 0; i < COLLECTORS; i++)
        facts.sources[collectors[i].id].name = collectors[i].name;
    for (unsigned wave = 0; wave < WAVES; wave++)
        if (run_wave(host, wave, arena, &facts, err) < 0)
            return -1;
    *out_facts = facts;
    return 0;
}

const struct sysctl_fact *facts_sysctl(const struct facts *facts, const char *key)
{
    for (size_t i = 0; i < facts->sysctl_count; i++)
        if (strcmp(facts->sysctls[i].key, key) == 0)
            return &facts->sysctls[i];
    return NULL;
}

bool facts_have(const struct facts *facts, enum source_id id)
{
    return facts->sources[id].state == SOURCE_OK;
}
