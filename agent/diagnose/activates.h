/* diagnose/activates: where the configuration file and the running process differ, so that a reload
 * would bring more than the change it is made for.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_ACTIVATES_H
#define HAMEDIC_AGENT_DIAGNOSE_ACTIVATES_H

#include "agent/diagnose/diagnose.h"

/* Fills work->result->activates: one line a difference, 50 at most. */
void activates_list(struct diagnosis_work *work);

#endif
