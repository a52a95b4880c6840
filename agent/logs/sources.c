#include "agent/logs/sources.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "agent/logs/names.h"
#include "plans/base/escape.h"

static struct span address_of(const struct log_sources *sources, size_t i)
{
    return (struct span){sources->addresses[i], sources->lens[i]};
}

_Static_assert(LOG_TALLY_SOURCES == 64, "a bit for each");

/* One bit for each hash that is the same, without a branch for each. */
static uint64_t same_hashes(const struct log_sources *sources, uint32_t hash)
{
    uint64_t same = 0;

#if defined(__SSE2__)
    __m128i wanted = _mm_set1_epi32((int)hash);

    for (size_t i = 0; i < LOG_TALLY_SOURCES; i += 16) {
        __m128i part[4];

        for (size_t k = 0; k < 4; k++)
            part[k] = _mm_cmpeq_epi32(
                _mm_loadu_si128((const __m128i *)(const void *)(sources->hashes + i + 4 * k)),
                wanted);
        part[0] =
            _mm_packs_epi16(_mm_packs_epi32(part[0], part[1]), _mm_packs_epi32(part[2], part[3]));
        same |= (uint64_t)(uint32_t)_mm_movemask_epi8(part[0]) << i;
    }
#else
    for (size_t i = 0; i < LOG_TALLY_SOURCES; i++)
        same |= (uint64_t)(sources->hashes[i] == hash) << i;
#endif
    return same;
}

static size_t find(const struct log_sources *sources, struct span address, uint32_t hash)
{
    for (uint64_t same = same_hashes(sources, hash); same != 0; same &= same - 1) {
        size_t i = (size_t)__builtin_ctzll(same);

        if (i < sources->count && span_equal(address_of(sources, i), address))
            return i;
    }
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

/* The same of a full table, going on where it stopped: counts only grow, so that what was passed need not be looked at
 * again until all are above what was least. */
static size_t next_rarest(struct log_sources *sources)
{
    for (uint32_t i = sources->rarest; i < LOG_TALLY_SOURCES; i++)
        if (sources->counts[i] == sources->least) {
            sources->rarest = i;
            return i;
        }
    sources->rarest = (uint32_t)rarest(sources);
    sources->least = sources->counts[sources->rarest];
    return sources->rarest;
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
            i = next_rarest(sources);
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
    into->rarest = LOG_TALLY_SOURCES; /* look anew */
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
