/* host/selinux_policy: a binary SELinux policy, asked what it allows, through libsepol. Its only
 * user.
 * Use:     selinux_policy_open(host, &policy, err); questions; selinux_policy_close.
 * Shapes:  protocols are "tcp", "udp", "sctp", "dccp"; ports 1..65535 host order; types, domains
 *          and booleans are names as the policy has them. A domain is any type that rules let use
 *          ports. What the policy's class does not know is not checked by the kernel either: every
 *          domain may connect by udp. Only type enforcement is asked: constraints on users, roles
 *          and levels, which hold for logins rather than for services, are not. The kernel does not
 *          ask for name_bind inside net.ipv4.ip_local_port_range.
 * Owns:    names that are returned are borrowed from the policy and live until it is closed, lists
 *          and the strings in them live in the arena. An open policy does not change: any number
 *          of threads may ask it. Opening takes 0.1 to 0.3 s; a question some microseconds.
 * Errors:  ERR_UNSUPPORTED without libsepol, with another libsepol than this one was built with, or
 *          where the host has no policy; ERR_INPUT what is no policy (cut off, garbage), and names
 *          that the policy does not know; ERR_SYS it cannot be read.
 * Source:  libsepol 3.4 <sepol/policydb/policydb.h>; Linux 6.1 security/selinux/ss/services.c for
 *          what an answer is.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SELINUX_POLICY_H
#define HAMEDIC_REMEDIATIONS_HOST_SELINUX_POLICY_H

#include "remediations/host/host.h"

struct selinux_policy;

/* Live with SELinux on: the policy that the kernel holds, booleans as they run. Otherwise the
 * newest installed policy of the host's store (selinux_store_name), in a tree or not: booleans as
 * the next boot gives them. */
MUST_CHECK int selinux_policy_open(const struct host *host, struct selinux_policy **out_policy,
                                   struct err *err);
/* The installed one, whatever the kernel holds. */
MUST_CHECK int selinux_policy_open_installed(const struct host *host,
                                             struct selinux_policy **out_policy, struct err *err);
/* Does the kernel hold the policy that is installed? A commit that was cut off before it loaded its
 * policy, or that was told not to, leaves it behind. Seen are types, booleans and the labels of
 * ports, not what differs in rules alone. What was installed before the boot was loaded by it: then,
 * and in a tree, nothing is opened and the answer is yes. */
MUST_CHECK int selinux_policy_is_loaded(const struct host *host, bool *out_is, struct err *err);
/* Pure: the same of two policies. */
bool selinux_policy_is_like(const struct selinux_policy *a, const struct selinux_policy *b);
void selinux_policy_close(struct selinux_policy *policy); /* NULL is allowed */
static inline void selinux_policy_cleanup(struct selinux_policy **policy)
{
    selinux_policy_close(*policy);
}
#define CLEANUP_SELINUX_POLICY __attribute__((cleanup(selinux_policy_cleanup)))

/* The type that the policy gives to a port: local labels are in the policy too, and the first
 * record that covers it wins, as in the kernel. NULL: none covers it. */
const char *selinux_policy_port_type(const struct selinux_policy *policy, const char *protocol,
                                     uint32_t port);
bool selinux_policy_has_type(const struct selinux_policy *policy, const char *type);
/* A permissive type: what the policy denies it happens all the same. */
bool selinux_policy_is_permissive(const struct selinux_policy *policy, const char *domain);

enum selinux_use { SELINUX_CONNECT = 1, SELINUX_BIND = 2 }; /* may be or-ed */

/* May processes of `domain` use ports of `type` in all the ways asked, booleans as they stand? */
MUST_CHECK int selinux_policy_allows(const struct selinux_policy *policy, const char *domain,
                                     const char *type, const char *protocol, unsigned uses,
                                     bool *out_allowed, struct err *err);

/* Types of ports that `domain` may use in all the ways asked, without those that the policy gives
 * to whatever no service has (unreserved_port_t). The first is the one to label a port with whose
 * type is `present_type` (NULL: the kernel's own for a port without a record):
 * - the type of HTTP's own port, tcp/80, where it is among them: what is behind HAProxy is HTTP
 *   first, and people expect a port of their own beside it;
 * - then the one that opens the port to the fewest other domains that could not use it so before;
 *   of equals the one that has the fewest ports, then by name. */
MUST_CHECK int selinux_policy_types_for(const struct selinux_policy *policy, const char *domain,
                                        const char *protocol, const char *present_type,
                                        unsigned uses, struct arena *arena,
                                        struct strings *out_types, struct err *err);

/* What a boolean would change, turned on alone. */
struct selinux_boolean_effect {
    const char *name;
    uint64_t connect_ports, bind_ports; /* TCP ports that `domain` gains, 0..65535 each */
    size_t other_domains; /* others that rules of it let do something, whatever it is, and whether
                             other rules allow it already or not */
};
/* The booleans that are off and would, turned on alone, let `domain` use ports of `type` so; those
 * that reach the fewest other domains first. */
MUST_CHECK int selinux_policy_booleans_for(const struct selinux_policy *policy, const char *domain,
                                           const char *type, const char *protocol, unsigned uses,
                                           struct arena *arena,
                                           struct selinux_boolean_effect **out_effects,
                                           size_t *out_count, struct err *err);
/* Of a boolean that is on: what it gives now. `domain` NULL: of nobody, and all others are counted.
 */
MUST_CHECK int selinux_policy_boolean_effect(const struct selinux_policy *policy,
                                             const char *boolean, const char *domain,
                                             struct arena *arena,
                                             struct selinux_boolean_effect *out_effect,
                                             struct err *err);

/* Who gains and who loses when a port goes from one type to another (NULL: no record at all, which
 * is the kernel's own type for ports): domains, by name. */
struct selinux_label_effect {
    struct strings connect_gain, bind_gain, connect_lose, bind_lose;
};
MUST_CHECK int selinux_policy_label_effect(const struct selinux_policy *policy,
                                           const char *protocol, const char *from, const char *to,
                                           struct arena *arena,
                                           struct selinux_label_effect *out_effect,
                                           struct err *err);

#endif
