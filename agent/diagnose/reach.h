/* diagnose/reach: can clients reach where HAProxy listens, or should? */
#ifndef HAMEDIC_AGENT_DIAGNOSE_REACH_H
#define HAMEDIC_AGENT_DIAGNOSE_REACH_H

#include "agent/diagnose/look.h"

/* Does a bind address that this host lacks keep HAProxy from starting? Then that is the finding. */
bool reach_keeps_down(struct diagnosis_work *work);

#endif
