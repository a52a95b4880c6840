/* observe/wave: runs the collectors side by side, in waves.
 * Use:     wave_run_all(host, collectors, count, arena, &facts, err)
 * Shapes:  those of one wave start together and know what earlier waves found. A wave ends when its
 *          threads have; a process apart (parts.h) may take longer, and is only waited for where a
 *          later wave needs what it finds. A thread that takes longer than its time is left behind
 *          (beside.h): what it would have filled in stays empty, and its collector is not started
 *          again before it has ended.
 * Owns:    everything that is found lives in the arena. A thread that was left shares it, and that
 *          of the host: arena_free then frees neither before that thread has ended.
 * Errors:  of a collector: its source's state and reason. Fails where a collector does without
 *          which there is nothing to look at.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_WAVE_H
#define HAMEDIC_AGENT_OBSERVE_WAVE_H

#include "agent/observe/collect.h"

/* From WAVE_OF_ANSWERS on all that was asked before has been answered. */
enum { WAVE_OF_ANSWERS = 3, WAVES = 4, WAVE_COLLECTORS_MAX = 32 };

struct collector {
    enum source_id id;
    unsigned wave; /* 0 to WAVES - 1 */
    const char *name;
    unsigned time_ms; /* it is waited for so long; one of parts.h to open what it reads */
    bool of_trees;    /* also on a tree; the others ask what runs */
    bool is_needed;   /* without it there is nothing to look at */
    int (*collect)(struct collection *collection, struct err *err);
    /* What later waves can still know where it was left; mostly NULL. */
    void (*without)(struct collection *collection);
};

MUST_CHECK int wave_run_all(const struct host *host, const struct collector *collectors,
                            size_t count, struct arena *arena, struct facts *facts,
                            struct err *err);

#endif
