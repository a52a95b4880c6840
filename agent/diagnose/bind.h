/* diagnose/bind: ports that HAProxy wants and does not get.
 * Use:     the causes of causes.h; then bind_keeps_down(work)
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_BIND_H
#define HAMEDIC_AGENT_DIAGNOSE_BIND_H

#include "agent/diagnose/diagnose.h"

/* HAProxy does not run, and a bind that is proven to fail is why: told there as what it leads to. */
bool bind_keeps_down(const struct diagnosis_work *work);

#endif
