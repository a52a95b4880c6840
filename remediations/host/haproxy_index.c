#include "remediations/host/haproxy_index.h"

#include <string.h>

enum { FIRST_ROOM = 64 };

struct entry {
    const char *name; /* NULL: free */
    size_t len;
    uint64_t hash;
    void *thing;
    char kind;
};

struct index {
    struct arena *arena;
    struct entry *entries;
    size_t room; /* a power of two */
    size_t count;
    uint64_t seed;
};

/* FNV-1a; the seed is an address, so that nobody prepares names that all collide. */
static uint64_t hash_name(const struct index *index, char kind, struct span name)
{
    uint64_t hash = 14695981039346656037u ^ index->seed;

    hash = (hash ^ (unsigned char)kind) * 1099511628211u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * 1099511628211u;
    return hash ^ (hash >> 32);
}

static struct entry *find(const struct index *index, uint64_t hash, char kind, struct span name)
{
    for (size_t at = hash & (index->room - 1);; at = (at + 1) & (index->room - 1)) {
        struct entry *entry = &index->entries[at];
        if (entry->name == NULL || (entry->hash == hash && entry->kind == kind &&
                                    span_equal((struct span){entry->name, entry->len}, name)))
            return entry;
    }
}

struct index *index_new(struct arena *arena)
{
    struct index *index = arena_alloc(arena, sizeof *index);

    index->arena = arena;
    index->room = FIRST_ROOM;
    index->entries = arena_alloc(arena, index->room * sizeof *index->entries);
    index->seed = (uint64_t)(uintptr_t)index->entries * 0x9e3779b97f4a7c15u;
    return index;
}

static void grow(struct index *index)
{
    struct index old = *index;

    index->room *= 2;
    index->entries = arena_alloc(index->arena, index->room * sizeof *index->entries);
    for (size_t i = 0; i < old.room; i++) {
        const struct entry *entry = &old.entries[i];
        if (entry->name != NULL)
            *find(index, entry->hash, entry->kind, (struct span){entry->name, entry->len}) = *entry;
    }
}

void **index_slot(struct index *index, char kind, struct span name)
{
    uint64_t hash = hash_name(index, kind, name);
    struct entry *entry = find(index, hash, kind, name);

    if (entry->name == NULL) {
        if (index->count * 2 >= index->room) {
            grow(index);
            entry = find(index, hash, kind, name);
        }
        *entry = (struct entry){arena_copy(index->arena, name.ptr, name.len), name.len, hash, NULL,
                                kind};
        index->count++;
    }
    return &entry->thing;
}

void *index_get(const struct index *index, char kind, struct span name)
{
    return find(index, hash_name(index, kind, name), kind, name)->thing;
}
