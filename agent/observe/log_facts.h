/* observe/log_facts: what HAProxy's logs said lately.
 * Shapes:  summary counts the lines from `since` (milliseconds since 1970) on. Strangers write much
 *          of every line: a finding that rests on it alone is `possible`, and brings no change.
 * Owns:    everything lives in the arena of the facts.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_LOG_FACTS_H
#define HAMEDIC_AGENT_OBSERVE_LOG_FACTS_H

#include "agent/logs/tally.h"

struct log_facts {
    struct log_summary summary;
    int64_t since;
    const char *where;   /* "/var/log/haproxy.log", "the journal of haproxy.service" */
    const char *missing; /* what was not read of it, and why; NULL: nothing */
    const char *unknown; /* how much of what was read is not understood; NULL: none, or little */
};

#endif
