/* host/haproxy_endpoint: addresses as HAProxy writes them, and as connect(2) takes them; and where HAProxy is asked, of the
 *          words with which a socket of its API is configured.
 * Use:     haproxy_endpoint("ipv4@*:9999", arena) is "127.0.0.1:9999"
 * Shapes:  `text` is what `stats socket` or -S names, without what follows (" level admin",
 *          ",mode,600"); the result is what haproxy_api.h takes.
 * Owns:    the result lives as long as `text` and `arena`.
 * Errors:  NULL: one that cannot be asked by a name (fd@3), or no address.
 * Source:  HAProxy's configuration manual, "bind" and "stats socket"; its management manual, -S.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_ENDPOINT_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "plans/base/arena.h"

const char *haproxy_endpoint(const char *text, struct arena *arena);
/* Of "/run/x.sock" and "unix@/run/x.sock"; else NULL. */
const char *haproxy_endpoint_path(const char *text);
/* "10.0.0.1:80", "[::1]:80" or "::1:80" of `show stat`. False: it has no port, or nothing before it; NULL is allowed. */
bool haproxy_endpoint_split(const char *text, struct arena *arena, const char **out_address,
                            uint32_t *out_port);
/* As connect(2) takes it: a literal address without brackets. Its length; 0: it is none. */
socklen_t haproxy_endpoint_ip(const char *address, uint32_t port,
                              struct sockaddr_storage *out_address);
/* A path, "abns@NAME" or "abnsz@NAME". Its length; 0: it is too long. */
socklen_t haproxy_endpoint_unix(const char *text, struct sockaddr_un *out_address);
/* Its address means the same in every network namespace. */
bool haproxy_endpoint_is_path(const char *endpoint);

#endif
