/* diagnose/boot: what the files of the next boot say of kernel settings, for other causes. */
#ifndef HAMEDIC_AGENT_DIAGNOSE_BOOT_H
#define HAMEDIC_AGENT_DIAGNOSE_BOOT_H

#include "agent/observe/facts.h"

/* The value that a file gives this setting for HAProxy, and that loses to a later file; NULL: there
 * is none. Who needs more of it takes what was meant before anything else. */
const char *boot_overridden_value(const struct facts *facts, const char *key);

#endif
