/* logs/wire: a summary as a message (base/wire). */
#ifndef HAMEDIC_AGENT_LOGS_WIRE_H
#define HAMEDIC_AGENT_LOGS_WIRE_H

#include "plans/base/wire.h"

extern const struct wire_shape logs_wire_summary; /* struct log_summary */

#endif
