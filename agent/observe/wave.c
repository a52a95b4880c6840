#include "agent/observe/wave.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "plans/base/clock.h"
#include "agent/observe/apart.h"
#include "agent/observe/beside.h"
#include "agent/observe/parts.h"

/* One collector at work, and all that its thread uses: where that must be left behind nobody else
 * may touch it any more. */
struct work {
    const struct collector *collector;
    const struct part *part; /* NULL: no process of its own */
    struct collection collection;
    struct facts known; /* its own copy: later waves must not change it */
    struct source *source;
    struct err err;
    bool failed;
    bool is_over;
    int64_t started;

    bool is_beside; /* its thread runs: it collects, or opens what its process will read */
    struct beside beside;
    struct host host;   /* its own, whose root stays open */
    struct facts found; /* what the thread fills in, on top of what is known */
    struct said {
        bool failed;
        struct err err;
        int64_t time;
    } said;                          /* the thread's word, read once it has ended */
    bool is_left;                    /* it has not, and is not waited for */
    struct arena *own, *known_lives; /* where it lives itself, and what it knows of */

    bool is_apart; /* its process runs */
    struct apart_job job;
    struct apart apart;
};

struct waves {
    const struct host *host;
    struct arena *arena;
    struct facts *facts;
    struct work *works[WAVE_COLLECTORS_MAX];
    size_t count;
    int done;
};

static void close_opened(struct collection *collection)
{
    while (collection->opened_count > 0)
        (void)close(collection->opened[--collection->opened_count]);
}

static void end(const struct waves *waves, struct work *work, int64_t now)
{
    struct source *source = work->source;

    work->is_over = true;
    source->milliseconds = now - work->started;
    source->state = SOURCE_OK;
    if (!work->failed)
        return;
    source->state = work->err.kind == ERR_UNSUPPORTED ? SOURCE_ABSENT : SOURCE_FAILED;
    source->reason = arena_string(waves->arena, work->err.text);
}

static void end_now(const struct waves *waves, struct work *work)
{
    end(waves, work, clock_ms(CLOCK_MONOTONIC));
}

/* ---- in a thread ---- */

static void collect(void *context)
{
    struct work *work = context;
    struct said *said = &work->said;

    said->failed =
        (work->part != NULL ? work->part->open(&work->collection, &said->err)
                            : work->collector->collect(&work->collection, &said->err)) < 0;
    said->time = clock_ms(CLOCK_MONOTONIC);
}

/* What it filled in is what it changed: its own part, whichever that is. */
static void publish(const struct work *work, struct facts *facts)
{
    const unsigned char *before = (const unsigned char *)&work->known;
    const unsigned char *after = (const unsigned char *)&work->found;
    unsigned char *to = (unsigned char *)facts;

    for (size_t i = 0; i < sizeof *facts; i++)
        if (after[i] != before[i])
            to[i] = after[i];
}

static void take_word(struct waves *waves, struct work *work)
{
    work->failed = work->said.failed;
    work->err = work->said.err;
    (void)close(work->host.root);
    if (work->part == NULL)
        publish(work, waves->facts);
    else if (!work->failed)
        return; /* its process comes next */
    else
        close_opened(&work->collection);
    end(waves, work, work->said.time);
}

static void forget(void *context)
{
    struct work *work = context;

    close_opened(&work->collection);
    (void)close(work->host.root);
    arena_free(work->known_lives);
    arena_free(work->host.arena);
    arena_free(work->own); /* and the work with it */
}

/* What later waves would read of it stays as it was before. */
static void leave(struct waves *waves, struct work *work)
{
    const struct collector *collector = work->collector;

    work->is_left = true;
    work->known_lives = arena_share(waves->arena);
    (void)arena_share(work->host.arena);
    work->failed =
        err_set(&work->err, ERR_SYS,
                "not available because it took longer than %u s: does a file system, or a "
                "disk, not answer?",
                collector->time_ms / 1000) < 0;
    work->source->is_late = true;
    end_now(waves, work);
    if (collector->without != NULL) {
        const struct facts known = *waves->facts;
        struct collection collection = {
            .host = waves->host, .known = &known, .arena = waves->arena, .facts = waves->facts};
        collector->without(&collection);
    }
}

static void look_beside(struct waves *waves, struct work *work)
{
    enum beside_state state = beside_look(&work->beside, clock_ms(CLOCK_MONOTONIC));

    work->is_beside = state == BESIDE_RUNS;
    if (state == BESIDE_ENDED)
        take_word(waves, work);
    else if (state == BESIDE_LEFT)
        leave(waves, work);
}

static void start_beside(struct waves *waves, struct work *work)
{
    const struct beside_job job = {.name = work->collector->name,
                                   .work = collect,
                                   .forget = forget,
                                   .context = work,
                                   .done = waves->done,
                                   .time_ms = work->collector->time_ms};

    work->host = *waves->host;
    work->host.root = fcntl(waves->host->root, F_DUPFD_CLOEXEC, 0);
    if (work->host.root < 0) {
        work->failed = err_sys(&work->err, errno, "cannot keep the root open") < 0;
        end_now(waves, work);
        return;
    }
    work->is_beside = beside_begin(&work->beside, &job);
    if (work->is_beside)
        return;
    /* A host that is out of threads is ill enough to be looked at, even without a bound. */
    collect(work);
    take_word(waves, work);
}

/* ---- in a process apart ---- */

/* What comes before the part: did it work, and if not, why? */
struct verdict {
    bool failed;
    enum err_kind kind;
    int32_t sys;
    const char *text;
};

static const struct wire_field verdict_fields[] = {
    WIRE(struct verdict, failed),
    WIRE_ENUM_OF(struct verdict, kind, ERR_BUG + 1),
    WIRE(struct verdict, sys),
    WIRE(struct verdict, text),
};
static const struct wire_shape verdict_shape = WIRE_SHAPE(struct verdict, verdict_fields);

static void collect_apart(void *context, struct text *out)
{
    struct work *work = context;
    struct facts found = {0};
    struct err err = {0};

    work->collection.facts = &found;
    work->collection.arena = out->arena;
    bool failed = work->collector->collect(&work->collection, &err) < 0;
    const struct verdict verdict = {failed, err.kind, err.sys, err.text};
    wire_write(out, &verdict_shape, &verdict);
    if (!failed)
        wire_write(out, work->part->shape, &found);
}

static void start_apart(struct waves *waves, struct work *work)
{
    struct collection *collection = &work->collection;
    struct apart_job *job = &work->job;

    *job = (struct apart_job){.name = work->collector->name,
                              .work = collect_apart,
                              .context = work,
                              .time_ms = work->part->time_ms,
                              .message_bytes = work->part->message_bytes,
                              .arena = collection->arena};
    for (size_t i = 0; i < collection->opened_count; i++)
        job->keep[job->keep_count++] = collection->opened[i];
    work->failed = apart_start(&work->apart, job, &work->err) < 0;
    close_opened(collection);
    work->is_apart = !work->failed;
    if (work->failed)
        end_now(waves, work);
}

static int take_message(struct work *work, struct facts *facts)
{
    struct arena *arena = work->collection.arena;
    struct verdict verdict = {0};
    struct facts found = {0};
    struct span message;

    if (apart_end(&work->apart, &message, &work->err) < 0 ||
        wire_read(&message, &verdict_shape, arena, &verdict, &work->err) < 0)
        return -1;
    if (verdict.failed)
        return err_set(&work->err, verdict.kind == ERR_NONE ? ERR_BUG : verdict.kind, "%s",
                       verdict.text != NULL ? verdict.text : "");
    if (wire_read(&message, work->part->shape, arena, &found, &work->err) < 0)
        return -1;
    if (message.len > 0)
        return err_set(&work->err, ERR_INPUT, "malformed message: bytes behind its end");
    wire_move(work->part->shape, facts, &found);
    return 0;
}

static void end_apart(struct waves *waves, struct work *work)
{
    work->failed = take_message(work, waves->facts) < 0;
    work->is_apart = false;
    end_now(waves, work);
}

/* ---- waves ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Until what waves say: reads what processes send, for otherwise they would wait for us. */
static void wait_for(struct waves *waves, bool (*is_over)(const struct waves *waves))
{
    struct pollfd slots[WAVE_COLLECTORS_MAX + 1];

    while (!is_over(waves)) {
        int64_t now = clock_ms(CLOCK_MONOTONIC), next = INT64_MAX;
        uint64_t ended;

        slots[waves->count] = (struct pollfd){.fd = waves->done, .events = POLLIN};
        for (size_t i = 0; i < waves->count; i++) {
            const struct work *work = waves->works[i];
            /* poll(2) passes over what is below 0. */
            slots[i] =
                (struct pollfd){.fd = work->is_apart ? work->apart.fd : -1, .events = POLLIN};
            if (work->is_apart)
                next = earlier(next, work->apart.killed_at);
            if (work->is_beside)
                next = earlier(next, work->beside.left_at);
        }
        int64_t left = next == INT64_MAX ? -1 : next > now ? next - now : 0;
        if (poll(slots, waves->count + 1, (int)left) < 0 && errno != EINTR)
            assert(errno == ENOMEM);
        if (read(waves->done, &ended, sizeof ended) < 0)
            assert(errno == EAGAIN);
        for (size_t i = 0; i < waves->count; i++) {
            struct work *work = waves->works[i];
            if (work->is_beside)
                look_beside(waves, work);
            if (!work->is_apart)
                continue;
            apart_read(&work->apart);
            if (apart_is_ended(&work->apart, clock_ms(CLOCK_MONOTONIC)))
                end_apart(waves, work);
        }
    }
}

static bool is_wave_over(const struct waves *waves)
{
    for (size_t i = 0; i < waves->count; i++)
        if (waves->works[i]->is_beside)
            return false;
    return true;
}

static bool is_all_over(const struct waves *waves)
{
    for (size_t i = 0; i < waves->count; i++)
        if (waves->works[i]->is_beside || waves->works[i]->is_apart)
            return false;
    return true;
}

static int check_wanted(const struct waves *waves, const struct collector *collector,
                        struct source *source, struct err *err)
{
    if (!waves->host->live && !collector->of_trees)
        return err_set(err, ERR_UNSUPPORTED, "on a tree, nothing that runs is asked");
    /* Who looks again and again would else leave one more behind each time. */
    source->is_late = beside_hangs(collector->name) || apart_hangs(collector->name);
    if (source->is_late)
        return err_set(err, ERR_SYS, "not available because the last look at it still hangs");
    return 0;
}

static void begin(struct waves *waves, const struct collector *collector)
{
    struct arena *arena = arena_new();
    struct work *work = arena_alloc(arena, sizeof *work);
    struct source *source = &waves->facts->sources[collector->id];

    *work = (struct work){.collector = collector,
                          .part = part_of(collector->id),
                          .known = *waves->facts,
                          .found = *waves->facts,
                          .source = source,
                          .started = clock_ms(CLOCK_MONOTONIC),
                          .own = arena};
    work->collection = (struct collection){
        .host = &work->host, .known = &work->known, .arena = arena, .facts = &work->found};
    source->time = (int64_t)time(NULL);
    waves->works[waves->count++] = work;
    work->failed = check_wanted(waves, collector, source, &work->err) < 0;
    if (work->failed)
        end_now(waves, work);
}

/* Processes first: none should be made while threads run. What they read is opened in threads, all
 * of which have ended by then, but for those that hang. */
static void run_wave(struct waves *waves, const struct collector *collectors, size_t count,
                     unsigned wave)
{
    size_t first = waves->count;

    for (size_t i = 0; i < count; i++)
        if (collectors[i].wave == wave)
            begin(waves, &collectors[i]);
    for (size_t i = first; i < waves->count; i++)
        if (waves->works[i]->part != NULL && !waves->works[i]->is_over)
            start_beside(waves, waves->works[i]);
    wait_for(waves, is_wave_over);
    for (size_t i = first; i < waves->count; i++)
        if (waves->works[i]->part != NULL && !waves->works[i]->is_over)
            start_apart(waves, waves->works[i]);
    for (size_t i = first; i < waves->count; i++)
        if (waves->works[i]->part == NULL && !waves->works[i]->is_over)
            start_beside(waves, waves->works[i]);
    wait_for(waves, is_wave_over);
}

static const struct work *find_needed(const struct waves *waves)
{
    for (size_t i = 0; i < waves->count; i++)
        if (waves->works[i]->collector->is_needed &&
            waves->works[i]->source->state == SOURCE_FAILED)
            return waves->works[i];
    return NULL;
}

int wave_run_all(const struct host *host, const struct collector *collectors, size_t count,
                 struct arena *arena, struct facts *facts, struct err *err)
{
    int done CLEANUP_FD = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct waves waves = {.host = host, .arena = arena, .facts = facts, .done = done};
    const struct work *needed = NULL;

    assert(count <= WAVE_COLLECTORS_MAX);
    beside_sweep();
    if (done < 0)
        return err_sys(err, errno, "cannot make an eventfd");
    for (unsigned wave = 0; wave < WAVES && needed == NULL; wave++) {
        run_wave(&waves, collectors, count, wave);
        if (wave + 1 == WAVE_OF_ANSWERS)
            wait_for(&waves, is_all_over);
        needed = find_needed(&waves);
    }
    wait_for(&waves, is_all_over);
    if (needed != NULL)
        *err = needed->err;
    if (needed != NULL && needed->source->is_late)
        (void)err_wrap(err, "%s", needed->collector->name);
    for (size_t i = 0; i < waves.count; i++)
        if (!waves.works[i]->is_left)
            arena_adopt(arena, waves.works[i]->own);
    return needed == NULL ? 0 : -1;
}
