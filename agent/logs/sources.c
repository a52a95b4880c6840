#include "agent/logs/sources.h"

#include <stdlib.h>
#include <string.h>

#include "agent/logs/names.h"
#include "plans/base/escape.h"

static struct span address_of(const struct log_sources *sources, size_t i)
{
    return (struct span){sources->addresses[i], sources->lens[i]};
}

static size_t find(const struct log_sources *sources, struct span address, uint32_t hash)
{
    for (size_t i = 0; i < sources->count; i++)
        if (sources->hashes[i] == hash && span_equal(address_of(sources, i), address))
            return i;
    return sources->count;
}

static size_t rarest(const struct log_sources *sources)
{
    size_t least = 0;

    for (size_t i = 1; i < sources->count; i++)
        if (sources->counts[i] < sources->counts[least])
            least = i;
    return least;
}

static void put(struct log_sources *sources, size_t i, struct span address, uint32_t hash)
{
    sources->hashes[i] = hash;
    sources->lens[i] = (unsigned char)address.len;
    if (address.len > 0)
        memcpy(sources->addresses[i], address.ptr, address.len);
}

/* Where there is no room the rarest gives way, and hands on its count: the newcomer may have come that often
 * before, unseen. */
void log_sources_add(struct log_sources *sources, struct span address)
{
    uint32_t hash;
    size_t i;

    if (address.len > LOG_SOURCES_ADDRESS)
        address.len = LOG_SOURCES_ADDRESS;
    hash = log_names_hash(address);
    i = find(sources, address, hash);
    if (i == sources->count) {
        if (sources->count < LOG_TALLY_SOURCES) {
            sources->count++;
        } else {
            i = rarest(sources);
            sources->over[i] = sources->counts[i];
        }
        put(sources, i, address, hash);
    }
    sources->counts[i]++;
}

/* What one of two does not know came to it at most as often as its rarest, where it had to drop any. */
static uint64_t unseen(const struct log_sources *sources)
{
    return sources->count < LOG_TALLY_SOURCES ? 0 : sources->counts[rarest(sources)];
}

void log_sources_merge(struct log_sources *into, const struct log_sources *from)
{
    struct log_sources old = *into;
    uint64_t unseen_old = unseen(&old), unseen_from = unseen(from);

    for (size_t i = 0; i < into->count; i++) {
        size_t other = find(from, address_of(&old, i), old.hashes[i]);
        bool found = other < from->count;

        into->counts[i] += found ? from->counts[other] : unseen_from;
        into->over[i] += found ? from->over[other] : unseen_from;
    }
    for (size_t i = 0; i < from->count; i++) {
        struct span address = address_of(from, i);
        uint64_t count = from->counts[i] + unseen_old;
        size_t slot = into->count;

        if (find(&old, address, from->hashes[i]) < old.count)
            continue;
        if (slot == LOG_TALLY_SOURCES) {
            slot = rarest(into);
            if (into->counts[slot] >= count)
                continue;
        } else {
            into->count++;
        }
        put(into, slot, address, from->hashes[i]);
        into->counts[slot] = count;
        into->over[slot] = from->over[i] + unseen_old;
    }
}

static int by_count(const void *a, const void *b)
{
    const struct log_source *first = a, *second = b;

    if (first->count != second->count)
        return first->count < second->count ? 1 : -1;
    return strcmp(first->address, second->address);
}

void log_sources_top(const struct log_sources *sources, struct arena *arena,
                     struct log_source **out_top, size_t *out_count)
{
    struct log_source *top = arena_alloc(arena, (sources->count + 1) * sizeof *top);

    for (size_t i = 0; i < sources->count; i++)
        top[i] = (struct log_source){
            .address = escape_span(arena, address_of(sources, i), LOG_SOURCES_ADDRESS),
            .count = sources->counts[i],
            .over = sources->over[i]};
    if (sources->count > 0)
        qsort(top, sources->count, sizeof *top, by_count);
    *out_top = top;
    *out_count = sources->count < LOG_TALLY_TOP ? sources->count : LOG_TALLY_TOP;
}
