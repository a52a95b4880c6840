/* transaction/unmoved: is every object still as the plan found it? */
#ifndef HAMEDIC_AGENT_TRANSACTION_UNMOVED_H
#define HAMEDIC_AGENT_TRANSACTION_UNMOVED_H

#include "plans/plan.h"

/* Distinct objects that the plan's changes rest on. */
size_t unmoved_count(const struct plan *plan);

#endif
