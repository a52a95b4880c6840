/* sysctl_ports: what a range of ports for outgoing connections may cover.
 * Shapes:  port lists as the kernel prints them: "8404,8443,9000-9010", in order, neighbours
 *          joined.
 * Source:  ip-sysctl of the kernel's documentation: ip_local_port_range, ip_local_reserved_ports,
 *          ip_unprivileged_port_start. Reproduced: an outgoing socket on a port, also in
 *          TIME-WAIT, keeps a server from binding it.
 */
#ifndef HAMEDIC_REMEDIATIONS_SYSCTL_PORTS_H
#define HAMEDIC_REMEDIATIONS_SYSCTL_PORTS_H

#include "remediations/remediation.h"

#define SYSCTL_PORT_RANGE     "net.ipv4.ip_local_port_range"
#define SYSCTL_RESERVED_PORTS "net.ipv4.ip_local_reserved_ports"

/* A set of ports. */
struct ports {
    uint8_t in[65536 / 8];
};
bool ports_have(const struct ports *ports, uint32_t port);
void ports_add(struct ports *ports, uint32_t low, uint32_t high);
MUST_CHECK int ports_parse(struct span text, struct ports *out_ports, struct err *err);
const char *ports_text(const struct ports *ports, struct arena *arena);
/* "1024 65535". */
MUST_CHECK int ports_parse_range(struct span text, uint32_t *out_low, uint32_t *out_high,
                                 struct err *err);

/* May the range become `value`? ERR_INPUT names the listening ports that it would newly cover
 * unreserved. Fills exposure and notes of `change`. */
MUST_CHECK int ports_judge_range(const struct scene *scene, const char *value, struct arena *arena,
                                 struct change *change, struct err *err);
/* Says which ports a new list no longer reserves. */
void ports_compare_reserved(const char *before, const char *after, struct arena *arena,
                            struct change *change);

#endif
