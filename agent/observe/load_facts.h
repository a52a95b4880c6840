/* observe/load_facts: how much of the processors and of the memory that it may have HAProxy's worker uses.
 * Use:     load_begin() as early as possible, collect_load() as late: what happened between the two.
 * Shapes:  milliseconds and KiB; -1: not known, or there is no such limit. Thread times are summed.
 * Owns:    plain data.
 * Errors:  none: what could not be read is not known.
 * Source:  proc(5); kernel documentation, scheduler/sched-stats (schedstat: nanoseconds at work and
 *          nanoseconds spent waiting for a processor) and admin-guide/cgroup-v2.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_LOAD_FACTS_H
#define HAMEDIC_AGENT_OBSERVE_LOAD_FACTS_H

#include <stdint.h>
#include <sys/types.h>

struct load_moment {
    int64_t nanoseconds; /* of the monotonic clock; 0: nothing was read */
    int64_t work, wait;  /* nanoseconds since the threads were started */
    int64_t own;         /* the same of this process and of those that it started and that ended */
    int64_t threads;
    int64_t throttled; /* periods in which the control group had used up its share */
};
struct load_facts {
    struct load_moment begin;
    int64_t sample_ms, work_ms, wait_ms, throttled;
    int64_t own_ms; /* what hamedic itself took from the processors meanwhile */
    int64_t threads;
    int64_t cpus;                                     /* on which it may run */
    int64_t memory_group_limit_kib, memory_group_kib; /* of its control group */
    int64_t oom_kills;                                /* in that group, since it was made */
    int64_t memory_process_limit_kib,
        memory_process_kib; /* RLIMIT_AS or RLIMIT_DATA, the fuller one */
};

void load_begin(pid_t worker, struct load_moment *out_moment);

#endif
