/* host/haproxy_endpoint: where HAProxy is asked, of the words with which a socket of its API is configured.
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
#include <sys/socket.h>
#include <sys/un.h>

#include "plans/base/arena.h"

const char *haproxy_endpoint(const char *text, struct arena *arena);
/* Of "/run/x.sock" and "unix@/run/x.sock"; else NULL. */
const char *haproxy_endpoint_path(const char *text);
/* As connect(2) takes it: a path, "abns@NAME" or "abnsz@NAME". Its length; 0: it is too long. */
socklen_t haproxy_endpoint_unix(const char *text, struct sockaddr_un *out_address);
/* Its address means the same in every network namespace. */
bool haproxy_endpoint_is_path(const char *endpoint);

#endif
