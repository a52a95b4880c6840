/* observe/port_facts: who holds the TCP ports that the configuration wants (SOURCE_PORTS).
 * Shapes:  only listeners on a port of a bind line; of ports without one, the connections that have
 *          it as their own.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_PORT_FACTS_H
#define HAMEDIC_AGENT_OBSERVE_PORT_FACTS_H

#include "remediations/host/port_owner.h"

#define PORT_FACTS_MAX 4096 /* ports that are looked at */

struct port_listener {
    uint32_t port;
    const char *address;
    struct port_owner owner;
};
struct port_facts {
    struct port_listener *listeners;
    size_t listener_count;
    bool complete; /* whose no process was found is of one that could not be looked at: false */
    struct port_holds holds;
    const char *holds_error; /* why nothing is known of connections; NULL: it is */
};

#endif
