#include "agent/logs/sources.h"

#include <assert.h>
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

void log_sources_init(struct log_sources *sources, uint32_t room, struct arena *arena)
{
    assert(room % 16 == 0 && room <= LOG_SOURCES_MAX);
    *sources = (struct log_sources){
        .room = room,
        .hashes = arena_alloc(arena, room * sizeof *sources->hashes),
        .counts = arena_alloc(arena, room * sizeof *sources->counts),
        .over = arena_alloc(arena, room * sizeof *sources->over),
        .lens = arena_alloc(arena, room * sizeof *sources->lens),
        .addresses = arena_alloc(arena, room * sizeof *sources->addresses),
    };
}

/* One bit for each hash that is the same, without a branch for each. */
static uint64_t same_hashes(const struct log_sources *sources, uint32_t hash)
{
    uint64_t same = 0;

#if defined(__SSE2__)
    __m128i wanted = _mm_set1_epi32((int)hash);

    for (size_t i = 0; i < sources->room; i += 16) {
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
    for (size_t i = 0; i < sources->room; i++)
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
    for (uint32_t i = sources->rarest; i < sources->room; i++)
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
        if (sources->count < sources->room) {
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
    return sources->count < sources->room ? 0 : sources->counts[rarest(sources)];
}

/* What was there before a merge, which is over before it goes. */
struct kept {
    uint32_t hashes[LOG_SOURCES_MAX];
    uint64_t counts[LOG_SOURCES_MAX], over[LOG_SOURCES_MAX];
    unsigned char lens[LOG_SOURCES_MAX];
    char addresses[LOG_SOURCES_MAX][LOG_SOURCES_ADDRESS];
};

static struct log_sources keep(const struct log_sources *sources, struct kept *kept)
{
    memcpy(kept->hashes, sources->hashes, sources->room * sizeof *sources->hashes);
    memcpy(kept->counts, sources->counts, sources->room * sizeof *sources->counts);
    memcpy(kept->over, sources->over, sources->room * sizeof *sources->over);
    memcpy(kept->lens, sources->lens, sources->room * sizeof *sources->lens);
    memcpy(kept->addresses, sources->addresses, sources->room * sizeof *sources->addresses);
    return (struct log_sources){.room = sources->room,
                                .count = sources->count,
                                .hashes = kept->hashes,
                                .counts = kept->counts,
                                .over = kept->over,
                                .lens = kept->lens,
                                .addresses = kept->addresses};
}

void log_sources_merge(struct log_sources *into, const struct log_sources *from)
{
    struct kept kept;
    struct log_sources old = keep(into, &kept);
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
        if (slot == into->room) {
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
    into->rarest = into->room; /* look anew */
}

static bool is_before(const struct log_sources *sources, size_t i, size_t k)
{
    size_t len = sources->lens[i] < sources->lens[k] ? sources->lens[i] : sources->lens[k];
    int order;

    if (sources->counts[i] != sources->counts[k])
        return sources->counts[i] > sources->counts[k];
    order = memcmp(sources->addresses[i], sources->addresses[k], len);
    return order != 0 ? order < 0 : sources->lens[i] < sources->lens[k];
}

/* Few of many: only they are put in order, and escaped. */
void log_sources_top(const struct log_sources *sources, struct arena *arena,
                     struct log_source **out_top, size_t *out_count)
{
    size_t top[LOG_TALLY_TOP], count = 0;

    for (size_t i = 0; i < sources->count; i++) {
        size_t place = count;

        while (place > 0 && is_before(sources, i, top[place - 1]))
            place--;
        if (place == LOG_TALLY_TOP)
            continue;
        count += count < LOG_TALLY_TOP;
        memmove(&top[place + 1], &top[place], (count - 1 - place) * sizeof *top);
        top[place] = i;
    }
    *out_top = arena_alloc(arena, (count + 1) * sizeof **out_top);
    for (size_t i = 0; i < count; i++)
        (*out_top)[i] = (struct log_source){
            .address = escape_span(arena, address_of(sources, top[i]), LOG_SOURCES_ADDRESS),
            .count = sources->counts[top[i]],
            .over = sources->over[top[i]]};
    *out_count = count;
}
