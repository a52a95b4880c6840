#include "agent/logs/feed.h"

#include <string.h>

void feed_init(struct feed *feed, struct log_tally *tally)
{
    *feed = (struct feed){.tally = tally, .buffer = log_tally_buffer(tally)};
}

char *feed_room(const struct feed *feed, size_t *out_room)
{
    *out_room = LOG_TALLY_BUFFER - feed->have;
    return feed->buffer + feed->have;
}

static void keep_from(struct feed *feed, size_t offset)
{
    feed->have -= offset;
    memmove(feed->buffer, feed->buffer + offset, feed->have);
}

void feed_take(struct feed *feed, size_t got)
{
    size_t before = feed->have;

    feed->bytes += got;
    feed->have += got;
    if (feed->is_dropping) {
        const char *end = memchr(feed->buffer, '\n', feed->have);
        keep_from(feed, end == NULL ? feed->have : (size_t)(end - feed->buffer) + 1);
        feed->is_dropping = end == NULL;
        before = 0;
    }
    const char *last =
        feed->have > before ? memrchr(feed->buffer + before, '\n', feed->have - before) : NULL;
    if (last != NULL) {
        size_t whole = (size_t)(last - feed->buffer) + 1;
        log_tally_feed(feed->tally, (struct span){feed->buffer, whole});
        keep_from(feed, whole);
    } else if (feed->have == LOG_TALLY_BUFFER) {
        log_tally_feed(feed->tally, (struct span){feed->buffer, feed->have});
        feed->have = 0;
        feed->is_dropping = true;
        feed->long_lines++;
    }
}

void feed_end(struct feed *feed, bool is_whole)
{
    if (feed->have > 0 && is_whole)
        log_tally_feed(feed->tally, (struct span){feed->buffer, feed->have});
    feed->have = 0;
    feed->is_dropping = false;
}
