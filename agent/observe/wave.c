#include "agent/observe/wave.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#include "plans/base/clock.h"
#include "agent/observe/apart.h"
#include "agent/observe/parts.h"

/* One collector at work. */
struct work {
    const struct collector *collector;
    const struct part *part; /* NULL: no process of its own */
    struct collection collection;
    struct facts known; /* its own copy: later waves must not change it */
    struct source *source;
    struct err err;
    bool failed;
    int64_t started;

    bool has_thread;
    pthread_t thread;
    int done; /* an eventfd: a thread has ended */

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
    uint64_t threads; /* that run */
};

static void close_opened(struct collection *collection)
{
    while (collection->opened_count > 0)
        (void)close(collection->opened[--collection->opened_count]);
}

static void end(struct work *work)
{
    struct source *source = work->source;

    source->milliseconds = clock_ms(CLOCK_MONOTONIC) - work->started;
    source->state = SOURCE_OK;
    if (!work->failed)
        return;
    source->state = work->err.kind == ERR_UNSUPPORTED ? SOURCE_ABSENT : SOURCE_FAILED;
    source->reason = arena_string(work->collection.arena, work->err.text);
}

/* ---- in a thread ---- */

static void collect(struct work *work)
{
    work->failed = work->collector->collect(&work->collection, &work->err) < 0;
    end(work);
}

static void *collect_in_thread(void *context)
{
    const uint64_t one = 1;
    struct work *work = context;

    collect(work);
    /* It fails only where 2^64 others have ended before. */
    if (write(work->done, &one, sizeof one) < 0)
        assert(errno == EAGAIN);
    return NULL;
}

/* Signals are for the main thread, which knows what to do about them. */
static void start_thread(struct waves *waves, struct work *work)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    work->has_thread = pthread_create(&work->thread, NULL, collect_in_thread, work) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (work->has_thread)
        waves->threads++;
    else
        collect(work);
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

static void start_apart(struct work *work)
{
    struct collection *collection = &work->collection;
    struct apart_job *job = &work->job;

    work->failed = work->part->open(collection, &work->err) < 0;
    if (!work->failed) {
        *job = (struct apart_job){.name = work->collector->name,
                                  .work = collect_apart,
                                  .context = work,
                                  .time_ms = work->part->time_ms,
                                  .message_bytes = work->part->message_bytes,
                                  .arena = collection->arena};
        for (size_t i = 0; i < collection->opened_count; i++)
            job->keep[job->keep_count++] = collection->opened[i];
        work->failed = apart_start(&work->apart, job, &work->err) < 0;
    }
    close_opened(collection);
    work->is_apart = !work->failed;
    if (work->failed)
        end(work);
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
    /* Threads of this wave fill in other members meanwhile. */
    wire_move(work->part->shape, facts, &found);
    return 0;
}

static void end_apart(struct waves *waves, struct work *work)
{
    work->failed = take_message(work, waves->facts) < 0;
    work->is_apart = false;
    end(work);
}

/* ---- waves ---- */

/* Until what waves say: reads what processes send, for otherwise they would wait for us. */
static void wait_for(struct waves *waves, bool (*is_over)(const struct waves *waves))
{
    struct pollfd slots[WAVE_COLLECTORS_MAX + 1];
    struct work *of[WAVE_COLLECTORS_MAX + 1];

    while (!is_over(waves)) {
        int64_t now = clock_ms(CLOCK_MONOTONIC), next = INT64_MAX;
        nfds_t count = 0;

        of[count] = NULL;
        slots[count++] = (struct pollfd){.fd = waves->done, .events = POLLIN};
        for (size_t i = 0; i < waves->count; i++) {
            struct work *work = waves->works[i];
            if (!work->is_apart)
                continue;
            of[count] = work;
            slots[count++] = (struct pollfd){.fd = work->apart.fd, .events = POLLIN};
            next = work->apart.killed_at < next ? work->apart.killed_at : next;
        }
        int64_t left = next == INT64_MAX ? -1 : next > now ? next - now : 0;
        if (poll(slots, count, (int)left) < 0 && errno != EINTR)
            assert(errno == ENOMEM);
        uint64_t ended = 0;
        if (read(waves->done, &ended, sizeof ended) == (ssize_t)sizeof ended)
            waves->threads -= ended;
        for (nfds_t i = 1; i < count; i++) {
            apart_read(&of[i]->apart);
            if (apart_is_ended(&of[i]->apart, clock_ms(CLOCK_MONOTONIC)))
                end_apart(waves, of[i]);
        }
    }
}

static bool is_wave_over(const struct waves *waves)
{
    return waves->threads == 0;
}

static bool is_all_over(const struct waves *waves)
{
    bool over = waves->threads == 0;

    for (size_t i = 0; i < waves->count; i++)
        over = over && !waves->works[i]->is_apart;
    return over;
}

static void begin(struct waves *waves, const struct collector *collector)
{
    struct work *work = arena_alloc(waves->arena, sizeof *work);
    struct source *source = &waves->facts->sources[collector->id];

    *work = (struct work){.collector = collector,
                          .part = part_of(collector->id),
                          .known = *waves->facts,
                          .source = source,
                          .started = clock_ms(CLOCK_MONOTONIC),
                          .done = waves->done};
    work->collection = (struct collection){
        .host = waves->host, .known = &work->known, .arena = arena_new(), .facts = waves->facts};
    source->time = (int64_t)time(NULL);
    waves->works[waves->count++] = work;
    if (!waves->host->live && !collector->of_trees) {
        work->failed =
            err_set(&work->err, ERR_UNSUPPORTED, "on a tree, nothing that runs is asked") < 0;
        end(work);
    } else if (work->part != NULL) {
        start_apart(work);
    }
}

static bool is_to_run_here(const struct work *work)
{
    return work->part == NULL && !work->failed;
}

/* Processes first: none may be made while threads run. The last collector of a wave keeps this
 * thread busy, unless there is something to read from processes meanwhile. */
static void run_wave(struct waves *waves, const struct collector *collectors, size_t count,
                     unsigned wave)
{
    size_t first = waves->count;

    for (size_t i = 0; i < count; i++)
        if (collectors[i].wave == wave)
            begin(waves, &collectors[i]);
    for (size_t i = first; i < waves->count; i++)
        if (is_to_run_here(waves->works[i]))
            start_thread(waves, waves->works[i]);
    wait_for(waves, is_wave_over);
    for (size_t i = first; i < waves->count; i++)
        if (waves->works[i]->has_thread)
            (void)pthread_join(waves->works[i]->thread, NULL);
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
    if (done < 0)
        return err_sys(err, errno, "cannot make an eventfd");
    for (unsigned wave = 0; wave < WAVES && needed == NULL; wave++) {
        run_wave(&waves, collectors, count, wave);
        if (wave + 1 == WAVE_OF_ANSWERS)
            wait_for(&waves, is_all_over);
        needed = find_needed(&waves);
    }
    wait_for(&waves, is_all_over);
    for (size_t i = 0; i < waves.count; i++)
        arena_adopt(arena, waves.works[i]->collection.arena);
    if (needed == NULL)
        return 0;
    *err = needed->err;
    return -1;
}
