#include "agent/logs/read.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/clock.h"
#include "agent/logs/feed.h"
#include "agent/logs/period.h"
#include "plans/base/escape.h"
#include "remediations/host/unpack.h"

enum {
    THREADS_UNASKED = 2, /* HAProxy needs the others */
    UNPACKING = 12,      /* what a compressed byte costs, in bytes that are not */
    LINE_STEP = 16 * 1024,
};

/* A part of a file, for one thread; or all of one that is compressed. */
struct part {
    const struct log_file *file;
    bool is_packed;
    uint64_t begin, end;
    uint64_t weight;
};

struct worker {
    const struct log_reading *reading;
    struct part *parts;
    size_t count;
    struct log_tally *tally;
    struct arena *arena;
    struct strings notes; /* each says that something is missing */
    uint64_t bytes, long_lines;
    bool is_late;
    bool has_thread;
    pthread_t thread;
};

static bool is_late(struct worker *worker)
{
    if (worker->reading->deadline != 0 && clock_ms(CLOCK_MONOTONIC) >= worker->reading->deadline)
        worker->is_late = true;
    return worker->is_late;
}

static void note(struct strings *notes, struct arena *arena, const char *name, const char *what)
{
    strings_add(notes, arena, arena_printf(arena, "%s %s", escape_string(arena, name), what));
}

/* ---- one part ---- */

static void read_plain(struct worker *worker, const struct part *part)
{
    struct feed feed;
    uint64_t at = part->begin;

    feed_init(&feed, worker->tally);
    while (at < part->end && !is_late(worker)) {
        size_t room;
        char *to = feed_room(&feed, &room);
        if (room > part->end - at)
            room = (size_t)(part->end - at);
        ssize_t got = pread(part->file->fd, to, room, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            note(&worker->notes, worker->arena, part->file->name,
                 got == 0 ? "became shorter while it was read" : strerror(errno));
            break;
        }
        feed_take(&feed, (size_t)got);
        at += (uint64_t)got;
    }
    feed_end(&feed, at == part->end);
    worker->bytes += feed.bytes;
    worker->long_lines += feed.long_lines;
}

/* Also what is not compressed, where it comes by a pipe. */
static void read_packed(struct worker *worker, int fd, const char *name)
{
    struct unpack *unpack CLEANUP_UNPACK = NULL;
    struct feed feed;
    struct err err = {0};
    size_t got = 1;

    if (unpack_open(fd, escape_string(worker->arena, name), &unpack, &err) < 0) {
        strings_add(&worker->notes, worker->arena, err.text);
        return;
    }
    feed_init(&feed, worker->tally);
    while (got > 0 && !is_late(worker)) {
        size_t room;
        char *to = feed_room(&feed, &room);
        if (unpack_read(unpack, to, room, &got, &err) < 0) {
            strings_add(
                &worker->notes, worker->arena,
                arena_printf(worker->arena, "%s; what came before it is counted", err.text));
            break;
        }
        feed_take(&feed, got);
    }
    feed_end(&feed, got == 0);
    worker->bytes += feed.bytes;
    worker->long_lines += feed.long_lines;
}

static void *work(void *context)
{
    struct worker *worker = context;

    worker->tally = log_tally_new(&worker->reading->options);
    for (size_t i = 0; i < worker->count && !worker->is_late; i++) {
        const struct part *part = &worker->parts[i];
        if (part->is_packed)
            read_packed(worker, part->file->fd, part->file->name);
        else
            read_plain(worker, part);
    }
    return NULL;
}

/* ---- which part is whose ---- */

static int is_packed(const struct log_file *file, bool *out_packed, struct err *err)
{
    struct unpack *unpack CLEANUP_UNPACK = NULL;

    if (unpack_open(file->fd, file->name, &unpack, err) < 0) {
        *out_packed = true; /* which is told when it is read */
        *err = (struct err){0};
    } else {
        *out_packed = unpack_kind(unpack) != UNPACK_PLAIN;
    }
    if (lseek(file->fd, 0, SEEK_SET) < 0)
        return err_sys(err, errno, "cannot read '%s'", file->name);
    return 0;
}

static int plan_file(const struct log_file *file, struct log_reading *reading, struct arena *arena,
                     struct part *out_part, struct err *err)
{
    struct part part = {.file = file};
    struct log_place place = {0, file->size, true};
    const struct log_options *options = &reading->options;

    if (is_packed(file, &part.is_packed, err) < 0)
        return -1;
    if (!part.is_packed && log_period_find(file->fd, file->size, options->since, options->until,
                                           options->now, &place, err) < 0)
        return -1;
    if (!place.is_sorted)
        note(&reading->notes, arena, file->name,
             "is not sorted by time: all of it is read for the period");
    reading->passed_over += file->size - (place.end - place.begin);
    part.begin = place.begin;
    part.end = place.end;
    part.weight = part.is_packed ? file->size * UNPACKING : place.end - place.begin;
    *out_part = part;
    return 0;
}

/* The first byte of a line at or behind `offset`. */
static uint64_t next_line(int fd, uint64_t offset, uint64_t end)
{
    char bytes[LINE_STEP];

    /* One byte earlier: a line may begin right here. */
    for (uint64_t at = offset - 1; at < end;) {
        ssize_t got = pread(fd, bytes, sizeof bytes, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        const char *lf = memchr(bytes, '\n', (size_t)got);
        if (lf != NULL && at + (uint64_t)(lf - bytes) + 1 < end)
            return at + (uint64_t)(lf - bytes) + 1;
        at += (uint64_t)got;
    }
    return end;
}

/* Only the newest reading->newest bytes: what stands before them in the parts is left out. */
static void drop_oldest(struct part *parts, size_t count, struct log_reading *reading,
                        struct arena *arena)
{
    uint64_t left = reading->newest;
    bool dropped = false;

    for (size_t i = count; reading->newest > 0 && i-- > 0;) {
        struct part *part = &parts[i];
        if (part->weight > left) {
            dropped = true;
            part->begin = part->is_packed || left == 0
                              ? part->end
                              : next_line(part->file->fd, part->end - left, part->end);
            part->weight = part->end - part->begin;
        }
        left -= part->weight;
    }
    if (!dropped)
        return;
    strings_addf(&reading->notes, arena, "only the newest %ju MiB were read",
                 (uintmax_t)(reading->newest >> 20));
    reading->failures++;
}

/* Parts in their order, so that each worker has what follows what the one before it has. */
static size_t share_out(struct part *parts, size_t count, struct worker *workers, unsigned threads,
                        struct part *out_shared)
{
    uint64_t all = 0, done = 0;
    size_t shared = 0, who = 0;

    for (size_t i = 0; i < count; i++)
        all += parts[i].weight;
    workers[0].parts = out_shared;
    for (size_t i = 0; i < count; i++) {
        struct part rest = parts[i];
        /* As often as this worker's share ends inside of it. */
        while (who + 1 < threads) {
            uint64_t share = all / threads * (who + 1);
            if (done + rest.weight <= share ||
                (rest.is_packed && share > done && share - done > rest.weight / 2))
                break;
            struct part front = rest;
            front.end = rest.is_packed || share <= done
                            ? rest.begin
                            : next_line(rest.file->fd, rest.begin + (share - done), rest.end);
            front.weight = front.end - front.begin;
            if (front.weight > 0) {
                out_shared[shared++] = front;
                workers[who].count++;
            }
            done += front.weight;
            rest.begin = front.end;
            rest.weight -= front.weight;
            workers[++who].parts = &out_shared[shared];
        }
        if (rest.weight == 0)
            continue;
        out_shared[shared++] = rest;
        workers[who].count++;
        done += rest.weight;
    }
    return who + 1;
}

static unsigned choose_threads(const struct log_reading *reading, const struct part *parts,
                               size_t count)
{
    unsigned threads = reading->threads;
    uint64_t all = 0;
    cpu_set_t cpus;

    for (size_t i = 0; i < count; i++)
        all += parts[i].weight;
    if (threads > 0)
        return threads > LOG_READ_THREADS_MAX ? LOG_READ_THREADS_MAX : threads;
    threads = THREADS_UNASKED;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) < THREADS_UNASKED)
        threads = 1;
    return all < LOG_READ_PAYS * threads ? 1 : threads;
}

/* ---- all of them ---- */

/* Signals are for the main thread. */
static void start(struct worker *worker)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->has_thread = pthread_create(&worker->thread, NULL, work, worker) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void finish(struct worker *worker, struct log_reading *reading, struct arena *arena,
                   struct log_tally *into)
{
    if (worker->tally != into) {
        log_tally_merge(into, worker->tally);
        log_tally_free(worker->tally);
    }
    for (size_t i = 0; i < worker->notes.count; i++)
        strings_add(&reading->notes, arena, worker->notes.at[i]);
    reading->failures += worker->notes.count;
    arena_adopt(arena, worker->arena);
    reading->bytes += worker->bytes;
    reading->long_lines += worker->long_lines;
    reading->is_late = reading->is_late || worker->is_late;
}

static void run(struct worker *workers, size_t count, struct log_reading *reading,
                struct arena *arena, struct log_tally **out_tally)
{
    for (size_t i = 0; i < count; i++) {
        workers[i].reading = reading;
        workers[i].arena = arena_new();
        if (i > 0)
            start(&workers[i]);
    }
    (void)work(&workers[0]);
    for (size_t i = 0; i < count; i++) {
        if (workers[i].has_thread)
            (void)pthread_join(workers[i].thread, NULL);
        else if (i > 0)
            (void)work(&workers[i]);
        finish(&workers[i], reading, arena, workers[0].tally);
    }
    *out_tally = workers[0].tally;
}

void log_read_files(const struct log_files *files, struct log_reading *reading, struct arena *arena,
                    struct log_tally **out_tally)
{
    struct worker workers[LOG_READ_THREADS_MAX] = {0};
    struct part *parts = arena_alloc(arena, (files->count + 1) * sizeof *parts);
    struct part *shared =
        arena_alloc(arena, (files->count + LOG_READ_THREADS_MAX + 1) * sizeof *shared);
    size_t count = 0;

    for (size_t i = files->count; i-- > 0;) {
        struct err unreadable = {0};
        if (plan_file(&files->at[i], reading, arena, &parts[count], &unreadable) == 0) {
            count++;
            continue;
        }
        note(&reading->notes, arena, files->at[i].name, unreadable.text);
        reading->failures++;
    }
    drop_oldest(parts, count, reading, arena);
    unsigned threads = choose_threads(reading, parts, count);
    size_t working = share_out(parts, count, workers, threads, shared);
    run(workers, working, reading, arena, out_tally);
}

void log_read_stream(int fd, const char *name, struct log_reading *reading, struct arena *arena,
                     struct log_tally **out_tally)
{
    struct worker worker = {.reading = reading, .arena = arena_new()};

    worker.tally = log_tally_new(&reading->options);
    read_packed(&worker, fd, name);
    finish(&worker, reading, arena, worker.tally);
    *out_tally = worker.tally;
}
