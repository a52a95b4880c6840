/* host/selinux: the policy in the kernel, through libselinux. The only user of libselinux.
 * Without libselinux, without SELinux, or in a tree: selinux_mode() is SELINUX_OFF, and what asks
 * the kernel is ERR_UNSUPPORTED.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SELINUX_H
#define HAMEDIC_REMEDIATIONS_HOST_SELINUX_H

#include "remediations/host/host.h"

enum selinux_mode { SELINUX_OFF, SELINUX_PERMISSIVE, SELINUX_ENFORCING };
enum selinux_mode selinux_mode(const struct host *host);
/* "targeted", "default": the host's settings, else SELINUXTYPE of the host's /etc/selinux/config
 * (tree or live; needs no library). NULL: there is none. */
MUST_CHECK int selinux_store_name(const struct host *host, struct arena *arena,
                                  const char **out_name, struct err *err);
/* The running value. *out_known false: the loaded policy has no such boolean. */
MUST_CHECK int selinux_boolean_running(const struct host *host, const char *name, bool *out_known,
                                       bool *out_on, struct err *err);
MUST_CHECK int selinux_boolean_run(const struct host *host, const char *name, bool on,
                                   struct err *err);

#endif
