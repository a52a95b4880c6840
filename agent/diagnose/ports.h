/* diagnose/ports: sets and ranges of TCP ports as the kernel's settings write them.
 * Shapes:  a set is text such as "8080,9000-9010", ascending, without blanks; ports 0..65535.
 * Owns:    sets and texts live in the arena given.
 * Source:  kernel ip-sysctl.rst: ip_local_port_range, ip_local_reserved_ports.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_PORTS_H
#define HAMEDIC_AGENT_DIAGNOSE_PORTS_H

#include "plans/base/arena.h"
#include "plans/base/span.h"

struct port_set {
    uint8_t bits[65536 / 8];
};
struct port_set *port_set_new(struct arena *arena);
void port_set_add(struct port_set *set, uint32_t low, uint32_t high); /* above 65535: cut off */
bool port_set_has(const struct port_set *set, uint32_t port);
uint32_t port_set_count(const struct port_set *set, uint32_t low, uint32_t high);
/* Adds what the text lists; pieces that are no ports are passed over. NULL is the empty list. */
void port_set_add_text(struct port_set *set, const char *text);
const char *port_set_text(const struct port_set *set, struct arena *arena);

struct port_range {
    bool known;
    uint32_t low, high;
};
struct port_range
port_range_parse(const char *text); /* "32768 60999"; NULL or malformed: not known */

#endif
