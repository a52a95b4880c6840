/* Where a period stands in a file that is sorted by time, more or less.
 *
 * Probes spread over a stretch of the file tell its times; an end of the period lies between two of
 * them, and probes are spread over some steps around it next, until the stretch is small. Halving
 * would need fewer, but could not tell whether the times jump back. Where they do, the stretch is
 * read whole: at the first step that is the file, later a small part of it.
 *
 * A jump back that a step does not see is shorter than two of its distances, and the next stretch
 * holds four of them on the side on which lines could be lost; or it is shorter than the tolerance
 * and one distance, and the period's ends are widened by two tolerances. */
#include "agent/logs/period.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/logs/line.h"

enum {
    PROBES = 64,
    PROBE_SIZE = 4 * 1024, /* the rest of one line, and some more */
    PROBE_MAX = 64 * 1024, /* how far the next line with a time may be */
    SMALL = 128 * 1024,    /* a stretch that is not worth another step */
    NEAR = 1,              /* distances kept where no line can be lost, */
    FAR = 4,               /* and where some could be */
};

struct finder {
    int fd;
    uint64_t size;
    struct log_clock clock;
    char bytes[PROBE_SIZE];
};

/* The first line with a time that begins at or behind an offset. */
struct probe_line {
    uint64_t offset;
    int64_t time;
};

static int read_at(struct finder *finder, uint64_t offset, struct span *out_bytes, struct err *err)
{
    uint64_t left = finder->size - offset;
    ssize_t got;

    do
        got = pread(finder->fd, finder->bytes, left < PROBE_SIZE ? (size_t)left : PROBE_SIZE,
                    (off_t)offset);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_sys(err, errno, "cannot read");
    *out_bytes = (struct span){finder->bytes, (size_t)got};
    return 0;
}

/* Of the lines that begin in `bytes`, which stand at `offset`. */
static bool scan_lines(struct finder *finder, struct span bytes, uint64_t offset,
                       struct probe_line *out_probe)
{
    const char *start = bytes.ptr;

    if (offset > 0)
        (void)span_cut(&bytes, '\n');
    while (bytes.len > 0) {
        const char *line = bytes.ptr;
        bool is_whole = memchr(line, '\n', bytes.len) != NULL;
        uint64_t at = offset + (uint64_t)(line - start);
        if (!is_whole && at + bytes.len < finder->size)
            return false;
        int64_t time = log_line_time(&finder->clock, span_cut(&bytes, '\n'));
        if (time == LOG_NO_TIME)
            continue;
        *out_probe = (struct probe_line){at, time};
        return true;
    }
    return false;
}

/* *out_found false: none within PROBE_MAX. */
static int look(struct finder *finder, uint64_t offset, struct probe_line *out_probe,
                bool *out_found, struct err *err)
{
    /* One byte earlier: a line that begins right here is seen to begin. */
    uint64_t at = offset > 0 ? offset - 1 : 0;

    *out_found = false;
    while (at < finder->size && at < offset + PROBE_MAX) {
        struct span bytes;
        if (read_at(finder, at, &bytes, err) < 0)
            return -1;
        *out_found = scan_lines(finder, bytes, at, out_probe);
        if (*out_found || bytes.len == 0)
            return 0;
        /* A line that this piece cut is looked at whole in the next one. */
        const char *last = memrchr(bytes.ptr, '\n', bytes.len);
        at += last != NULL && last > bytes.ptr ? (size_t)(last - bytes.ptr) : bytes.len;
    }
    return 0;
}

struct stretch {
    uint64_t begin, end;
    bool is_sorted;
};

/* Times of places in the stretch, in order; how many were found. */
static int spread(struct finder *finder, struct stretch *stretch, struct probe_line *probes,
                  size_t *out_count, struct err *err)
{
    uint64_t distance = (stretch->end - stretch->begin) / (PROBES + 1);
    int64_t newest = INT64_MIN;
    size_t count = 0;

    for (unsigned i = 1; i <= PROBES; i++) {
        bool found = false;
        if (look(finder, stretch->begin + i * distance, &probes[count], &found, err) < 0)
            return -1;
        if (!found)
            continue;
        if (newest != INT64_MIN && probes[count].time < newest - LOG_PERIOD_TOLERANCE)
            stretch->is_sorted = false;
        newest = probes[count].time > newest ? probes[count].time : newest;
        count++;
    }
    *out_count = count;
    return 0;
}

/* Around the first probe at or behind `bound`; around the last one before it, with `after`. */
static void choose(const struct probe_line *probes, size_t count, int64_t bound, bool after,
                   struct stretch *stretch)
{
    size_t at = after ? count : 0;

    if (after)
        while (at > 0 && probes[at - 1].time >= bound)
            at--;
    else
        while (at < count && probes[at].time < bound)
            at++;
    /* probes[at] is the first one behind the place. */
    size_t before = after ? NEAR : FAR, behind = after ? FAR : NEAR;
    if (at > before)
        stretch->begin = probes[at - before - 1].offset;
    if (at + behind < count)
        stretch->end = probes[at + behind].offset;
}

/* The whole stretch that was looked at last is what lies on the side that must be read. */
static int find_bound(struct finder *finder, int64_t bound, bool after, uint64_t *out_offset,
                      bool *is_sorted, struct err *err)
{
    struct stretch stretch = {0, finder->size, true};
    struct probe_line probes[PROBES + 1];

    for (bool is_first = true; stretch.end - stretch.begin > SMALL; is_first = false) {
        uint64_t len = stretch.end - stretch.begin;
        size_t count;
        if (spread(finder, &stretch, probes, &count, err) < 0)
            return -1;
        if (is_first && !stretch.is_sorted)
            *is_sorted = false;
        if (stretch.is_sorted)
            choose(probes, count, bound, after, &stretch);
        if (!stretch.is_sorted || stretch.end - stretch.begin >= len)
            break;
    }
    *out_offset = after ? stretch.end : stretch.begin;
    return 0;
}

int log_period_find(int fd, uint64_t size, int64_t since, int64_t until, int64_t now,
                    struct log_place *out_place, struct err *err)
{
    struct finder finder = {.fd = fd, .size = size};
    struct log_place place = {0, size, true};

    log_clock_init(&finder.clock, now);
    if (since != LOG_NO_TIME && find_bound(&finder, since - 2 * LOG_PERIOD_TOLERANCE, false,
                                           &place.begin, &place.is_sorted, err) < 0)
        return -1;
    if (until != LOG_NO_TIME && place.is_sorted &&
        find_bound(&finder, until + 2 * LOG_PERIOD_TOLERANCE, true, &place.end, &place.is_sorted,
                   err) < 0)
        return -1;
    if (!place.is_sorted || place.begin > place.end)
        place = (struct log_place){0, size, place.is_sorted};
    *out_place = place;
    return 0;
}
