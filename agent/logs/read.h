/* logs/read: the bytes of opened logs into one tally, with the threads that pay, none of which waits for another.
 * Use:     struct log_reading reading = {.options = ...}; log_read_files(&files, &reading, arena,
 *          &tally); or log_read_stream(fd, "standard input", ...) for what comes by a pipe.
 * Shapes:  files are read from the last of the list to its first: oldest first. Of a file that is
 *          not compressed only the part that may hold options.since..until, and no more than it
 *          held when it was opened. One that is cut meanwhile ends there. It is read, never mapped,
 *          so that nothing but an error can come of that.
 *          Memory: some tallies for each thread, and what unpacking takes. A line longer than
 *          LOG_TALLY_BUFFER is its beginning.
 * Owns:    the caller frees the tally; notes live in the arena.
 * Errors:  none: what is damaged or unreadable is a note, after what came before it was counted.
 */
#ifndef HAMEDIC_AGENT_LOGS_READ_H
#define HAMEDIC_AGENT_LOGS_READ_H

#include "agent/logs/files.h"
#include "agent/logs/tally.h"

#define LOG_READ_PAYS        ((uint64_t)16 * 1024 * 1024) /* bytes: for each thread, or to be halved */
#define LOG_READ_THREADS_MAX 8

struct log_reading {
    struct log_options options;
    unsigned threads; /* 0: two, where there are processors and enough to read */
    uint64_t newest;  /* of all that is to be read no more than the newest bytes; 0: all */
    int64_t deadline; /* milliseconds of CLOCK_MONOTONIC; 0: none */
    uint64_t
        pays; /* a thread takes half of what another has left, where that is so many bytes; 0: LOG_READ_PAYS */

    /* what became of it */
    uint64_t bytes;       /* read, after unpacking */
    uint64_t passed_over; /* bytes of the files that need not be read */
    uint64_t long_lines;  /* cut to a buffer */
    size_t taken_over;    /* times that a thread that was ready took over from another */
    bool is_late;         /* the deadline came first: not all was read */
    size_t failures;      /* of the notes: those that say that something is missing */
    struct strings notes; /* what was damaged, unsorted, cut meanwhile: one line each, escaped */
};

void log_read_files(const struct log_files *files, struct log_reading *reading, struct arena *arena,
                    struct log_tally **out_tally);
void log_read_stream(int fd, const char *name, struct log_reading *reading, struct arena *arena,
                     struct log_tally **out_tally);

#endif
