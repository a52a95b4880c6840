/* host/haproxy_cfg_address: addresses and keyword lists of `bind` and `server` lines.
 * A part of the configuration's reader; nobody else includes it.
 * Source:  HAProxy configuration.txt 5.1 "Bind options", 5.2 "Server and default-server options",
 *          11.1 "Address formats", of 2.4 to 3.5.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_ADDRESS_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_ADDRESS_H

#include "plans/base/arena.h"
#include "plans/base/span.h"

struct cfg_address {
    const char
        *text; /* literal IP without brackets, or unix path; NULL: a name or a special form */
    bool is_unix;
    uint32_t port_low, port_high; /* 0: none */
};
/* listening: "*" and "" mean every address. */
struct cfg_address cfg_address_parse(struct span text, bool listening, struct arena *arena);

/* Does this word of a bind or server line take the next one as its value? */
bool cfg_takes_value(struct span keyword);

#endif
