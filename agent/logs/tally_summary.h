/* logs/tally_summary: what log_tally_summary is made of; for logs/tally only. */
#ifndef HAMEDIC_AGENT_LOGS_TALLY_SUMMARY_H
#define HAMEDIC_AGENT_LOGS_TALLY_SUMMARY_H

#include "agent/logs/tally_parts.h"

/* tally_groups.c: all, frontends, backends, servers. */
void log_tally_summary_groups(const struct log_tally *tally, struct arena *arena,
                              struct log_summary *summary);

#endif
