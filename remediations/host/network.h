/* host/network: does something in the network namespace of another process.
 * Use:     network_run(haproxy->worker, ask, context, err)
 * Shapes:  `ask` runs in a thread of its own that has entered the namespace, so that the rest of
 *          the agent stays where it is; sockets that it opens and what it reads below /proc/sys/net
 *          and /proc/thread-self/net are of there. Where that namespace is the agent's own, or the
 *          pid is 0, it runs in the calling thread. The caller waits meanwhile.
 * Errors:  those of `ask`; ERR_SYS EPERM where this agent may not enter.
 * Source:  setns(2): CAP_SYS_ADMIN over that namespace and here.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_NETWORK_H
#define HAMEDIC_REMEDIATIONS_HOST_NETWORK_H

#include <sys/types.h>

#include "remediations/host/host.h"

typedef int network_ask(void *context, struct err *err);
MUST_CHECK int network_run(pid_t pid, network_ask *ask, void *context, struct err *err);
/* Is the network namespace of this process known to be another than the agent's? */
bool network_is_elsewhere(pid_t pid);

#endif
