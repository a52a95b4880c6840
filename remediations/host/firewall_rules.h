/* host/firewall_rules: rules of nf_tables as they were read, and what they do to a connection.
 * Use:     fill a ruleset with firewall_rules_take_*; firewall_rules_judge(&ruleset, ...)
 * Shapes:  payloads are those of nfnetlink messages, an nfgenmsg and attributes; any bytes may come.
 * Owns:    everything lives in the ruleset's arena.
 * Errors:  what is malformed is left out, or makes what depends on it untold.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_FIREWALL_RULES_H
#define HAMEDIC_REMEDIATIONS_HOST_FIREWALL_RULES_H

#include "remediations/host/firewall.h"

struct firewall_chain {
    unsigned family;
    const char *table, *name;
    bool is_base;
    bool is_nat;
    uint32_t hook;
    int32_t priority;
    bool drops; /* its policy */
    size_t *rules;
    size_t rule_count;
};
struct firewall_rule {
    uint64_t handle;
    struct span expressions;
};
struct firewall_element {
    struct span key, verdict; /* verdict: of a map; ptr NULL: none */
    bool is_end;              /* where an interval ends: it is not in it */
    bool is_rest;             /* stands for all that no other does */
};
struct firewall_set {
    unsigned family;
    const char *table, *name;
    uint32_t flags, key_len;
    bool is_used;  /* by a rule */
    bool is_known; /* its elements were read */
    struct firewall_element *elements;
    size_t element_count;
};
struct firewall_ruleset {
    struct arena *arena;
    struct firewall_chain *chains;
    size_t chain_count;
    struct firewall_rule *rules;
    size_t rule_count;
    struct firewall_set *sets;
    size_t set_count;
    bool is_partial; /* there is more than is read here: devices' own chains, too many rules */
};

/* Chains first, then sets, then rules. */
void firewall_rules_take_chain(struct firewall_ruleset *ruleset, struct span payload);
void firewall_rules_take_set(struct firewall_ruleset *ruleset, struct span payload);
void firewall_rules_take_rule(struct firewall_ruleset *ruleset, struct span payload);
void firewall_rules_take_elements(struct firewall_ruleset *ruleset, struct firewall_set *set,
                                  struct span payload);
const struct firewall_chain *firewall_rules_chain(const struct firewall_ruleset *ruleset,
                                                  unsigned family, const char *table,
                                                  struct span name);
struct firewall_set *firewall_rules_set(const struct firewall_ruleset *ruleset, unsigned family,
                                        const char *table, struct span name);
void firewall_rules_judge(const struct firewall_ruleset *ruleset,
                          const struct firewall_question *question,
                          struct firewall_answer *out_answer);

/* ---- one rule: firewall_match.c ---- */

enum firewall_truth { TRUTH_NO, TRUTH_UNKNOWN, TRUTH_YES };
enum { FIREWALL_REGISTERS = 64 }; /* bytes; the old 16-byte registers are the same ones */
struct firewall_packet {
    bool v6, is_in, is_loopback, has_address;
    unsigned char address[16];
    uint32_t port;
};
enum firewall_action {
    ACTION_NONE,
    ACTION_ACCEPT,
    ACTION_DROP,
    ACTION_REJECT,
    ACTION_JUMP,
    ACTION_GOTO,
    ACTION_RETURN,
    ACTION_OTHER /* it goes elsewhere: another address, a program */
};
struct firewall_effect {
    enum firewall_truth matches;
    enum firewall_action action;
    bool is_unsure;    /* matches, but which action is not known */
    struct span chain; /* of a jump */
    bool names_port;
    bool is_counted;
    uint64_t packets;
};
struct firewall_effect firewall_match_rule(const struct firewall_ruleset *ruleset,
                                           const struct firewall_chain *chain,
                                           const struct firewall_rule *rule,
                                           const struct firewall_packet *packet);
/* Of xtables: firewall_foreign.c. */
enum firewall_truth firewall_foreign_match(struct span data, const struct firewall_packet *packet,
                                           bool *names_port);
enum firewall_action firewall_foreign_target(struct span data);
/* "drop", "jump other": a verdict as nf_tables writes it. */
bool firewall_match_verdict(struct span data, enum firewall_action *out_action,
                            struct span *out_chain);

#endif
