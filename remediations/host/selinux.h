/* host/selinux: the policy in the kernel, through libselinux. The only user of libselinux.
 * Without libselinux, without SELinux, or in a tree: selinux_mode() is SELINUX_OFF, and what asks
 * the kernel is ERR_UNSUPPORTED.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SELINUX_H
#define HAMEDIC_REMEDIATIONS_HOST_SELINUX_H

#include <sys/types.h>

#include "remediations/host/selinux_policy.h"

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
/* All booleans of the loaded policy. */
MUST_CHECK int selinux_boolean_names(const struct host *host, struct arena *arena,
                                     struct strings *out_names, struct err *err);

/* What a process runs as. */
struct selinux_domain {
    const char *context; /* "system_u:system_r:haproxy_t:s0" */
    const char *type;    /* "haproxy_t" */
};
/* Of a process; `pid` 0: the one that a service gets whose program init starts. */
MUST_CHECK int selinux_domain(const struct host *host, pid_t pid, const char *program,
                              struct arena *arena, struct selinux_domain *out_domain,
                              struct err *err);

/* The kernel's own word on a port of `type` (NULL: the kernel's own for a port that no record
 * covers): enum selinux_use or-ed. What its classes do not know it does not check, and that is
 * allowed. */
struct selinux_answer {
    unsigned allowed;
    bool permissive; /* of the domain: what is not allowed happens all the same */
};
MUST_CHECK int selinux_ask(const struct host *host, const struct selinux_domain *domain,
                           const char *type, const char *protocol,
                           struct selinux_answer *out_answer, struct err *err);

/* A type of ports that belong to no service (needs no library). */
bool selinux_is_nobodys(const char *type);

#endif
