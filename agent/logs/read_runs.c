#include "agent/logs/read_parts.h"

#include "plans/base/thread.h"

/* The processors of a host are not equally free, so that halves that are equally long are not read in equal time: a
 * thread that is ready takes half of what another one has left. Runs that are read and follow each other are joined at
 * once, so that there are never many tallies. */
struct pool {
    struct log_reading *reading;
    struct arena *arena;
    pthread_mutex_t lock; /* of all below */
    struct log_run *runs; /* in the log's order; there is always one */
};

static struct log_run *new_run(struct pool *pool, struct log_part *parts, size_t count)
{
    struct log_run *run = arena_alloc(pool->arena, sizeof *run);

    *run = (struct log_run){
        .reading = pool->reading, .lock = &pool->lock, .parts = parts, .count = count};
    return run;
}

static uint64_t weigh(const struct log_run *run)
{
    uint64_t all = 0;

    for (size_t i = 0; i < run->count; i++)
        all += log_part_weight(&run->parts[i]);
    return all;
}

/* The end of a part's bytes, some `want` of them, from a line's begin on. */
static struct log_part cut_off(struct log_part *part, uint64_t want)
{
    struct log_part end = *part;

    end.begin = log_part_next_line(part, part->end - want);
    part->end = end.begin;
    return end;
}

/* Half of what is left of a run, from its end, into parts; as many as that are. What is at work is only cut, and of a
 * compressed one nothing can be had. */
static size_t take_half(struct log_run *run, struct log_part *parts)
{
    uint64_t want = weigh(run) / 2;
    size_t count = 0;

    while (run->count > 0 && want > 0) {
        struct log_part *last = &run->parts[run->count - 1];
        uint64_t weight = log_part_weight(last);
        bool is_whole = run->count > 1 && (last->is_packed ? weight / 2 : weight) <= want;
        struct log_part taken = *last;
        if (is_whole)
            run->count--;
        else if (last->is_packed)
            break;
        else
            taken = cut_off(last, weight < want ? weight : want);
        if (taken.begin < taken.end)
            parts[count++] = taken;
        if (!is_whole)
            break;
        want -= weight < want ? weight : want;
    }
    for (size_t i = 0; i < count / 2; i++) {
        struct log_part part = parts[i];
        parts[i] = parts[count - 1 - i];
        parts[count - 1 - i] = part;
    }
    return count;
}

/* A run of what the one with the most left gives up; NULL where that is less than `least`. */
static struct log_run *take_over(struct pool *pool, uint64_t least)
{
    struct log_run *most = NULL;
    uint64_t left = 0;

    for (struct log_run *run = pool->runs; run != NULL; run = run->next)
        if (weigh(run) > left) {
            left = weigh(run);
            most = run;
        }
    if (most == NULL || left < least)
        return NULL;
    struct log_part *parts = arena_alloc(pool->arena, most->count * sizeof *parts);
    size_t count = take_half(most, parts);
    if (count == 0)
        return NULL;
    struct log_run *run = new_run(pool, parts, count);
    run->next = most->next;
    most->next = run;
    return run;
}

static struct log_run *next_run(struct pool *pool)
{
    uint64_t pays = pool->reading->pays > 0 ? pool->reading->pays : LOG_READ_PAYS;
    struct log_run *run;

    (void)pthread_mutex_lock(&pool->lock);
    for (run = pool->runs; run != NULL && run->state != LOG_RUN_WAITING; run = run->next)
        continue;
    if (run == NULL) {
        run = take_over(pool, pays);
        pool->reading->taken_over += run != NULL;
    }
    if (run != NULL)
        run->state = LOG_RUN_READING;
    (void)pthread_mutex_unlock(&pool->lock);
    return run;
}

static struct log_run *before(const struct pool *pool, const struct log_run *run)
{
    struct log_run *other = pool->runs;

    while (other != NULL && other->next != run)
        other = other->next;
    return other;
}

/* It is read, and is joined to those beside it that are, too: what two threads join is never the same, as what is being
 * joined is not done. */
static void settle(struct pool *pool, struct log_run *run)
{
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct log_run *into = before(pool, run), *from = run;
        if (into == NULL || into->state != LOG_RUN_DONE) {
            into = run;
            from = run->next;
        }
        if (from == NULL || (from != run && from->state != LOG_RUN_DONE))
            break;
        into->state = LOG_RUN_READING;
        into->next = from->next;
        (void)pthread_mutex_unlock(&pool->lock);
        log_run_join(into, from);
        (void)pthread_mutex_lock(&pool->lock);
        run = into;
    }
    run->state = LOG_RUN_DONE;
    (void)pthread_mutex_unlock(&pool->lock);
}

static void *work(void *context)
{
    struct pool *pool = context;
    struct log_run *run;

    while ((run = next_run(pool)) != NULL) {
        log_run_read(run);
        settle(pool, run);
    }
    return NULL;
}

struct log_run *log_runs_read(struct log_part *parts, size_t count, unsigned threads,
                              struct log_reading *reading, struct arena *arena)
{
    struct pool pool = {.reading = reading, .arena = arena, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t others[LOG_READ_THREADS_MAX];
    unsigned started = 0;

    pool.runs = new_run(&pool, parts, count);
    for (unsigned i = 1; i < threads; i++)
        (void)take_over(&pool, 1);
    for (unsigned i = 1; i < threads && thread_start(&others[started], work, &pool) == 0; i++)
        started++;
    (void)work(&pool); /* also what no thread could be had for */
    while (started > 0)
        (void)pthread_join(others[--started], NULL);
    return pool.runs;
}
