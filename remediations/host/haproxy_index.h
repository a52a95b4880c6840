/* host/haproxy_index: finds things by name, so that 10,000 sections cost no 10,000 squared.
 * Use:     index_new(arena); *index_slot(index, kind, name) = thing; index_get(index, kind, name)
 * Owns:    names are copied into the arena; things are the caller's.
 * Errors:  none.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_INDEX_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_INDEX_H

#include "plans/base/arena.h"
#include "plans/base/span.h"

struct index;
struct index *index_new(struct arena *arena);
/* The slot of `name`, made (with NULL in it) where there is none. Valid until the next index_slot.
 */
void **index_slot(struct index *index, char kind, struct span name);
/* NULL: no such name. */
void *index_get(const struct index *index, char kind, struct span name);

#endif
