/* logs/names: numbers for names, as many as there is room for; for logs/tally only.
 * Use:     struct log_names names; log_names_init(&names, arena, max, bytes);
 *          size_t index = log_names_add(&names, name, log_names_hash(name));
 * Shapes:  indexes count from 0 in the order in which names came; a name is any bytes, LOG_TALLY_NAME_MAX at most.
 * Owns:    the arena given owns all.
 * Errors:  LOG_NAMES_NONE where there is no more room, or the name is too long.
 */
#ifndef HAMEDIC_AGENT_LOGS_NAMES_H
#define HAMEDIC_AGENT_LOGS_NAMES_H

#include "plans/base/arena.h"
#include "plans/base/span.h"

#define LOG_NAMES_NONE UINT32_MAX
/* So many bytes may be read behind a name: comparing takes 64 at once. */
#define LOG_NAMES_MARGIN 64

struct log_name {
    uint32_t hash;
    uint32_t offset; /* in bytes */
    uint32_t len;
};

struct log_names {
    struct log_name *names;
    uint32_t count, max;
    uint32_t *slots; /* index + 1, or 0; open addressing */
    uint32_t slot_mask;
    char *bytes;
    uint32_t used, room;
};

void log_names_init(struct log_names *names, struct arena *arena, uint32_t max, uint32_t room);
uint32_t log_names_hash(struct span name);
uint32_t log_names_find(const struct log_names *names, struct span name, uint32_t hash);
/* Finds it, or takes it in. */
uint32_t log_names_add(struct log_names *names, struct span name, uint32_t hash);
struct span log_names_get(const struct log_names *names, uint32_t index);

#endif
