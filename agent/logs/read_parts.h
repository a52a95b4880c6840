/* logs/read_parts: what reading is made of; for logs/read only.
 * Shapes:  a part is what of a file is to be read; a run is parts that follow each other in the log, read by one thread
 *          into a tally of its own. What is left of a run may be given to another thread, which makes two runs of it.
 */
#ifndef HAMEDIC_AGENT_LOGS_READ_PARTS_H
#define HAMEDIC_AGENT_LOGS_READ_PARTS_H

#include <pthread.h>

#include "agent/logs/read.h"

/* One that is compressed is read whole, or, where begin is end, not at all. */
struct log_part {
    const struct log_file *file;
    bool is_packed;
    uint64_t begin, end;
};

enum log_run_state { LOG_RUN_WAITING, LOG_RUN_READING, LOG_RUN_DONE };

struct log_run {
    struct log_run *next; /* what follows it in the log */
    enum log_run_state state;
    pthread_mutex_t *lock; /* of the parts, where others may take some; else NULL */
    struct log_part *parts;
    size_t count; /* not read yet; of the first one what stands before its begin was */

    /* of the thread that reads it, and once it is done of the one that joins it to another */
    const struct log_reading *reading;
    struct arena *arena;
    struct log_tally *tally;
    struct strings notes; /* each says that something is missing */
    uint64_t bytes, long_lines;
    bool is_late;
};

/* read_part.c */
void log_run_read(struct log_run *run);
void log_run_read_stream(struct log_run *run, int fd, const char *name);
/* `from` follows `into` in the log; it is gone afterwards. */
void log_run_join(struct log_run *into, struct log_run *from);
/* What a part costs, in bytes that are not compressed. */
uint64_t log_part_weight(const struct log_part *part);
/* The first byte of a line at or behind `offset`, or `end`. */
uint64_t log_part_next_line(const struct log_part *part, uint64_t offset);
void log_part_note(struct strings *notes, struct arena *arena, const char *name, const char *what);

/* read_runs.c: parts, oldest first, by so many threads, into one run, which the caller joins or tells of. */
struct log_run *log_runs_read(struct log_part *parts, size_t count, unsigned threads,
                              struct log_reading *reading, struct arena *arena);

#endif
