/* agent/pending: a transaction that is not at its end is named by every command that only looks.
 * Use:     pending_name(host, arena) once the host is open; one line on standard error for each.
 * Errors:  none: who may not read the ledger, or cannot, is told nothing here.
 */
#ifndef HAMEDIC_AGENT_PENDING_H
#define HAMEDIC_AGENT_PENDING_H

#include "remediations/host/host.h"

void pending_name(const struct host *host, struct arena *arena);

#endif
