/* host/firewall: what this host's own packet filter does to a connection that comes, or goes.
 * Use:     firewall_ask(host, pid, questions, count, arena, &answers, err)
 * Shapes:  a question is a new TCP connection: from another host to a local address and port, or
 *          from here to a server. Where it depends on what is not known (who asks, how often), or on
 *          a kind of rule that is not understood, the answer is FIREWALL_UNTOLD, never a guess.
 * Owns:    everything lives in the arena; answers stand in the order of the questions.
 * Errors:  ERR_UNSUPPORTED: this kernel has no nf_tables, or the agent may not read its rules;
 *          ERR_SYS.
 * Source:  nfnetlink and linux/netfilter/nf_tables.h, read only. nft(8), "CHAINS", "VERDICT
 *          STATEMENT". Rules that iptables-nft made are nf_tables' own, with matches and targets
 *          of xtables in them. Those of legacy iptables are kept elsewhere, and are not read:
 *          /proc/net/ip_tables_names says which of its tables are in use.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_FIREWALL_H
#define HAMEDIC_REMEDIATIONS_HOST_FIREWALL_H

#include <sys/types.h>

#include "remediations/host/host.h"

enum firewall_way { FIREWALL_IN, FIREWALL_OUT };
struct firewall_question {
    enum firewall_way way;
    const char *address; /* where to; for FIREWALL_IN also "0.0.0.0" and "::": any of ours */
    uint32_t port;
};
enum firewall_verdict { FIREWALL_PASSES, FIREWALL_DROPS, FIREWALL_REJECTS, FIREWALL_UNTOLD };
struct firewall_answer {
    struct firewall_question question;
    enum firewall_verdict verdict;
    const char *place; /* drops, rejects: "inet filter input handle 7", "policy of ..." */
    bool names_port;   /* by a rule that speaks of this port, not of all that is left */
    bool is_counted;   /* the rule has a counter: `packets` */
    uint64_t packets;
    const char *untold; /* why it cannot be told */
};
struct firewall {
    struct firewall_answer *answers;
    size_t answer_count;
    size_t rule_count; /* of all that was read */
    /* "rules of the old iptables (filter, nat) are not read: iptables-legacy-save shows them"; NULL:
     * there are none. */
    const char *unread;
};
MUST_CHECK int firewall_ask(const struct host *host, pid_t pid,
                            const struct firewall_question *questions, size_t count,
                            struct arena *arena, struct firewall *out_firewall, struct err *err);

#endif
