/* observe/parts: which sources are read by a process apart, since strangers can write into them.
 * Use:     const struct part *part = part_of(SOURCE_STATS); NULL: a thread of this process does it.
 * Shapes:  `shape` is of struct facts, and has just the members that this collector fills in: what
 *          the process sends, and all that it can change. A new source of that kind is one row.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_PARTS_H
#define HAMEDIC_AGENT_OBSERVE_PARTS_H

#include "agent/observe/collect.h"
#include "plans/base/wire.h"

struct part {
    const struct wire_shape *shape;
    int (*open)(struct collection *collection, struct err *err);
    unsigned time_ms;     /* the process is ended after that */
    size_t message_bytes; /* what it may send at most */
};

/* How long a log is read, and how much of it: its newest, which takes a fraction of that. */
#define LOGS_READ_MS    5000
#define LOGS_READ_BYTES ((uint64_t)512 * 1024 * 1024)

const struct part *part_of(enum source_id id);

#endif
