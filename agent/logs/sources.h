/* logs/sources: who comes most often, in bounded memory ("space saving"); for logs/tally only.
 * Shapes:  an address is at most LOG_SOURCES_ADDRESS bytes, longer ones are cut. With n additions, an address added
 *          more than n / room times is among those kept; a count is never too low, and at most
 *          `over` too high.
 * Source:  Metwally, Agrawal, El Abbadi: Efficient computation of frequent and top-k elements in data streams
 *          (2005); merging: Agarwal et al., Mergeable summaries (2012).
 */
#ifndef HAMEDIC_AGENT_LOGS_SOURCES_H
#define HAMEDIC_AGENT_LOGS_SOURCES_H

#include "agent/logs/tally.h"

#define LOG_SOURCES_ADDRESS 47 /* the longest IPv6 address has 45 */
#define LOG_SOURCES_MAX     64 /* a bit for each */

struct log_sources {
    uint32_t room, count;
    uint32_t
        rarest; /* all in front of it came more often than the rarest did when it was looked for */
    uint64_t least; /* how often that was */
    uint32_t *hashes;
    uint64_t *counts, *over;
    unsigned char *lens;
    char (*addresses)[LOG_SOURCES_ADDRESS];
};

/* For `room` addresses: a multiple of 16, at most LOG_SOURCES_MAX. */
void log_sources_init(struct log_sources *sources, uint32_t room, struct arena *arena);

void log_sources_add(struct log_sources *sources, struct span address);
void log_sources_merge(struct log_sources *into, const struct log_sources *from);
/* The LOG_TALLY_TOP that came most often, most first. */
void log_sources_top(const struct log_sources *sources, struct arena *arena,
                     struct log_source **out_top, size_t *out_count);

#endif
