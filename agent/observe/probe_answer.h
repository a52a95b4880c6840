/* observe/probe_answer: what a router or a firewall said to a connect of ours, instead of the server.
 * Use:     probe_answer_watch(fd, family); connect(fd, ...); where that failed:
 *          probe->answer = probe_answer_read(fd, arena);
 * Shapes:  the last ICMP error to this socket. A TCP server that has nothing on a port answers with a reset, which is
 *          no ICMP: "port unreachable" is a packet filter's, as "prohibited" is.
 * Source:  RFC 792, 1122 (3.2.2.1, 4.2.3.9), 1812 (5.2.7.1), 4443 (3.1); ip(7) and ipv6(7), IP_RECVERR.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_PROBE_ANSWER_H
#define HAMEDIC_AGENT_OBSERVE_PROBE_ANSWER_H

#include <sys/socket.h>

#include "agent/observe/probe_facts.h"
#include "plans/base/arena.h"

/* Where it cannot be watched nothing is read later. */
void probe_answer_watch(int fd, sa_family_t family);
/* NULL: there was none, or none that ends a connect. */
const struct probe_answer *probe_answer_read(int fd, struct arena *arena);

#endif
