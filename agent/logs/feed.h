/* logs/feed: pieces of bytes, as they are read, into a tally as whole lines; for logs/read only.
 * Use:     feed_init(&feed, tally); loop { read at most feed_room(&feed, &room) bytes there;
 *          feed_take(&feed, got); } feed_end(&feed, true);
 * Shapes:  a line that does not fit into the buffer is fed as its beginning; the rest is dropped.
 * Owns:    nothing: the buffer is the tally's, so there is one feed at a time for each.
 */
#ifndef HAMEDIC_AGENT_LOGS_FEED_H
#define HAMEDIC_AGENT_LOGS_FEED_H

#include "agent/logs/tally.h"

struct feed {
    struct log_tally *tally;
    char *buffer;
    size_t have;
    bool is_dropping; /* up to the end of a line that was too long */
    uint64_t bytes, long_lines;
};

void feed_init(struct feed *feed, struct log_tally *tally);
/* Where to read to; *out_room is at least 1. */
char *feed_room(const struct feed *feed, size_t *out_room);
void feed_take(struct feed *feed, size_t got);
/* What is left has no end of line. is_whole: it is a line all the same; else it was cut off. */
void feed_end(struct feed *feed, bool is_whole);

#endif
