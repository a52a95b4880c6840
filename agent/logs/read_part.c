#include "agent/logs/read_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/logs/feed.h"
#include "plans/base/clock.h"
#include "plans/base/escape.h"
#include "remediations/host/unpack.h"

enum {
    UNPACKING = 12, /* what a compressed byte costs, in bytes that are not */
    LINE_STEP = 16 * 1024,
};

uint64_t log_part_weight(const struct log_part *part)
{
    return (part->end - part->begin) * (part->is_packed ? UNPACKING : 1);
}

void log_part_note(struct strings *notes, struct arena *arena, const char *name, const char *what)
{
    strings_add(notes, arena, arena_printf(arena, "%s %s", escape_string(arena, name), what));
}

/* As many bytes as are there; less than `len` only at the end. */
static ssize_t read_at(int fd, char *to, size_t len, uint64_t at)
{
    size_t have = 0;

    while (have < len) {
        ssize_t got = pread(fd, to + have, len - have, (off_t)(at + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

uint64_t log_part_next_line(const struct log_part *part, uint64_t offset)
{
    char bytes[LINE_STEP];

    if (offset == 0)
        return 0;
    /* One byte earlier: a line may begin right here. */
    for (uint64_t at = offset - 1; at < part->end;) {
        ssize_t got = read_at(part->file->fd, bytes, sizeof bytes, at);
        if (got <= 0)
            break;
        const char *lf = memchr(bytes, '\n', (size_t)got);
        if (lf != NULL && at + (uint64_t)(lf - bytes) + 1 < part->end)
            return at + (uint64_t)(lf - bytes) + 1;
        at += (uint64_t)got;
    }
    return part->end;
}

/* ---- what is left of a run, of which another thread may take the end at any time ---- */

static void lock(const struct log_run *run)
{
    if (run->lock != NULL)
        (void)pthread_mutex_lock(run->lock);
}

static void unlock(const struct log_run *run)
{
    if (run->lock != NULL)
        (void)pthread_mutex_unlock(run->lock);
}

/* Of the first part the next bytes, at most `most`; 0: there are no more. */
static uint64_t claim(struct log_run *run, uint64_t most, uint64_t *out_at)
{
    struct log_part *part = run->parts;

    lock(run);
    uint64_t left = part->end - part->begin, len = left < most ? left : most;
    *out_at = part->begin;
    part->begin += len;
    unlock(run);
    return len;
}

static bool first_part(struct log_run *run, struct log_part *out_part)
{
    lock(run);
    bool is_one = run->count > 0;
    if (is_one)
        *out_part = run->parts[0];
    unlock(run);
    return is_one;
}

static void drop_first(struct log_run *run)
{
    lock(run);
    run->parts++;
    run->count--;
    unlock(run);
}

static void drop_all(struct log_run *run)
{
    lock(run);
    run->count = 0;
    unlock(run);
}

static bool is_late(struct log_run *run)
{
    if (run->reading->deadline != 0 && clock_ms(CLOCK_MONOTONIC) >= run->reading->deadline)
        run->is_late = true;
    return run->is_late;
}

/* ---- one part ---- */

static void read_plain(struct log_run *run, const struct log_file *file)
{
    struct feed feed;
    bool is_whole = true;

    feed_init(&feed, run->tally);
    while (is_whole) {
        size_t room;
        char *to = feed_room(&feed, &room);
        uint64_t at, len = is_late(run) ? 0 : claim(run, room, &at);
        if (len == 0)
            break;
        ssize_t got = read_at(file->fd, to, (size_t)len, at);
        is_whole = got == (ssize_t)len;
        if (!is_whole)
            log_part_note(&run->notes, run->arena, file->name,
                          got < 0 ? strerror(errno) : "became shorter while it was read");
        if (got > 0)
            feed_take(&feed, (size_t)got);
    }
    feed_end(&feed, is_whole && !run->is_late);
    run->bytes += feed.bytes;
    run->long_lines += feed.long_lines;
}

/* Also what is not compressed, where it comes by a pipe. */
static void read_packed(struct log_run *run, int fd, const char *name)
{
    struct unpack *unpack CLEANUP_UNPACK = NULL;
    struct feed feed;
    struct err err = {0};
    size_t got = 1;

    if (unpack_open(fd, escape_string(run->arena, name), &unpack, &err) < 0) {
        strings_add(&run->notes, run->arena, err.text);
        return;
    }
    feed_init(&feed, run->tally);
    while (got > 0 && !is_late(run)) {
        size_t room;
        char *to = feed_room(&feed, &room);
        if (unpack_read(unpack, to, room, &got, &err) < 0) {
            strings_add(&run->notes, run->arena,
                        arena_printf(run->arena, "%s; what came before it is counted", err.text));
            break;
        }
        feed_take(&feed, got);
    }
    feed_end(&feed, got == 0);
    run->bytes += feed.bytes;
    run->long_lines += feed.long_lines;
}

/* ---- all of a run ---- */

static void begin(struct log_run *run)
{
    run->arena = arena_new();
    run->tally = log_tally_new(&run->reading->options);
}

void log_run_read(struct log_run *run)
{
    struct log_part part;

    begin(run);
    for (; first_part(run, &part) && !is_late(run); drop_first(run)) {
        uint64_t at;
        if (!part.is_packed)
            read_plain(run, part.file);
        else if (claim(run, UINT64_MAX, &at) > 0)
            read_packed(run, part.file->fd, part.file->name);
    }
    drop_all(run);
}

void log_run_read_stream(struct log_run *run, int fd, const char *name)
{
    begin(run);
    read_packed(run, fd, name);
}

void log_run_join(struct log_run *into, struct log_run *from)
{
    log_tally_merge(into->tally, from->tally);
    log_tally_free(from->tally);
    for (size_t i = 0; i < from->notes.count; i++)
        strings_add(&into->notes, into->arena, from->notes.at[i]);
    arena_adopt(into->arena, from->arena);
    into->bytes += from->bytes;
    into->long_lines += from->long_lines;
    into->is_late = into->is_late || from->is_late;
}
