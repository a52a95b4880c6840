#include "agent/logs/names.h"

#include <string.h>

#include "agent/logs/tally.h"

static uint32_t slots_for(uint32_t max)
{
    uint32_t slots = 16;

    while (slots < 2 * max)
        slots *= 2;
    return slots;
}

void log_names_init(struct log_names *names, struct arena *arena, uint32_t max, uint32_t room)
{
    uint32_t slots = slots_for(max);
    size_t name_bytes = max * sizeof *names->names, slot_bytes = slots * sizeof *names->slots;
    /* In one piece: memory as large as that is there only where it is used. */
    char *memory = arena_alloc(arena, name_bytes + slot_bytes + room + LOG_NAMES_MARGIN);

    *names = (struct log_names){.names = (struct log_name *)(void *)memory,
                                .max = max,
                                .slots = (uint32_t *)(void *)(memory + name_bytes),
                                .slot_mask = slots - 1,
                                .bytes = memory + name_bytes + slot_bytes,
                                .room = room};
}

/* Eight bytes at a time. Who can choose names writes the configuration, or sends whole lines to the syslog
 * daemon: the worst that colliding names do is a walk over LOG_TALLY_ROUTES slots for each line. */
uint32_t log_names_hash(struct span name)
{
    uint64_t hash = name.len * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word = 0;

    for (; name.len > 8; name.ptr += 8, name.len -= 8) {
        memcpy(&word, name.ptr, 8);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    word = 0;
    if (name.len > 0)
        memcpy(&word, name.ptr, name.len);
    hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(hash ^ hash >> 32);
}

struct span log_names_get(const struct log_names *names, uint32_t index)
{
    return (struct span){names->bytes + names->names[index].offset, names->names[index].len};
}

/* The slot where the name is, or where it would be put. */
static uint32_t slot_of(const struct log_names *names, struct span name, uint32_t hash)
{
    uint32_t slot = hash & names->slot_mask;

    for (; names->slots[slot] != 0; slot = (slot + 1) & names->slot_mask) {
        uint32_t index = names->slots[slot] - 1;

        if (names->names[index].hash == hash && span_equal(log_names_get(names, index), name))
            break;
    }
    return slot;
}

uint32_t log_names_find(const struct log_names *names, struct span name, uint32_t hash)
{
    uint32_t slot = slot_of(names, name, hash);

    return names->slots[slot] == 0 ? LOG_NAMES_NONE : names->slots[slot] - 1;
}

uint32_t log_names_add(struct log_names *names, struct span name, uint32_t hash)
{
    uint32_t slot = slot_of(names, name, hash);

    if (names->slots[slot] != 0)
        return names->slots[slot] - 1;
    if (names->count == names->max || name.len > LOG_TALLY_NAME_MAX ||
        name.len > names->room - names->used)
        return LOG_NAMES_NONE;
    if (name.len > 0)
        memcpy(names->bytes + names->used, name.ptr, name.len);
    names->names[names->count] =
        (struct log_name){.hash = hash, .offset = names->used, .len = (uint32_t)name.len};
    names->used += (uint32_t)name.len;
    names->slots[slot] = ++names->count;
    return names->count - 1;
}
