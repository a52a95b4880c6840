#include "agent/logs/read.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "agent/logs/period.h"
#include "agent/logs/read_parts.h"
#include "remediations/host/unpack.h"

enum { THREADS_UNASKED = 2 }; /* HAProxy needs the others */

/* ---- what of each file is to be read ---- */

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
                     struct log_part *out_part, struct err *err)
{
    struct log_part part = {.file = file};
    struct log_place place = {0, file->size, true};
    const struct log_options *options = &reading->options;

    if (is_packed(file, &part.is_packed, err) < 0)
        return -1;
    if (!part.is_packed && log_period_find(file->fd, file->size, options->since, options->until,
                                           options->now, &place, err) < 0)
        return -1;
    if (!place.is_sorted)
        log_part_note(&reading->notes, arena, file->name,
                      "is not sorted by time: all of it is read for the period");
    reading->passed_over += file->size - (place.end - place.begin);
    part.begin = place.begin;
    part.end = place.end;
    *out_part = part;
    return 0;
}

/* Only the newest reading->newest bytes: what stands before them in the parts is left out. */
static void drop_oldest(struct log_part *parts, size_t count, struct log_reading *reading,
                        struct arena *arena)
{
    uint64_t left = reading->newest;
    bool dropped = false;

    for (size_t i = count; reading->newest > 0 && i-- > 0;) {
        struct log_part *part = &parts[i];
        if (log_part_weight(part) > left) {
            dropped = true;
            part->begin = part->is_packed || left == 0 ? part->end
                                                       : log_part_next_line(part, part->end - left);
        }
        left -= log_part_weight(part);
    }
    if (!dropped)
        return;
    strings_addf(&reading->notes, arena, "only the newest %ju MiB were read",
                 (uintmax_t)(reading->newest >> 20));
    reading->failures++;
}

static unsigned choose_threads(const struct log_reading *reading, const struct log_part *parts,
                               size_t count)
{
    unsigned threads = reading->threads;
    uint64_t all = 0;
    cpu_set_t cpus;

    for (size_t i = 0; i < count; i++)
        all += log_part_weight(&parts[i]);
    if (threads > 0)
        return threads > LOG_READ_THREADS_MAX ? LOG_READ_THREADS_MAX : threads;
    threads = THREADS_UNASKED;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) < THREADS_UNASKED)
        threads = 1;
    return all < LOG_READ_PAYS * threads ? 1 : threads;
}

/* ---- all of them ---- */

static void tell(struct log_run *run, struct log_reading *reading, struct arena *arena,
                 struct log_tally **out_tally)
{
    for (size_t i = 0; i < run->notes.count; i++)
        strings_add(&reading->notes, arena, run->notes.at[i]);
    reading->failures += run->notes.count;
    arena_adopt(arena, run->arena);
    reading->bytes += run->bytes;
    reading->long_lines += run->long_lines;
    reading->is_late = reading->is_late || run->is_late;
    *out_tally = run->tally;
}

void log_read_files(const struct log_files *files, struct log_reading *reading, struct arena *arena,
                    struct log_tally **out_tally)
{
    struct log_part *parts = arena_alloc(arena, (files->count + 1) * sizeof *parts);
    size_t count = 0;

    for (size_t i = files->count; i-- > 0;) {
        struct err unreadable = {0};
        if (plan_file(&files->at[i], reading, arena, &parts[count], &unreadable) == 0) {
            count++;
            continue;
        }
        log_part_note(&reading->notes, arena, files->at[i].name, unreadable.text);
        reading->failures++;
    }
    drop_oldest(parts, count, reading, arena);
    unsigned threads = choose_threads(reading, parts, count);
    tell(log_runs_read(parts, count, threads, reading, arena), reading, arena, out_tally);
}

void log_read_stream(int fd, const char *name, struct log_reading *reading, struct arena *arena,
                     struct log_tally **out_tally)
{
    struct log_run run = {.reading = reading};

    log_run_read_stream(&run, fd, name);
    tell(&run, reading, arena, out_tally);
}
