#include "remediations/host/firewall_rules.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "plans/base/escape.h"
#include "remediations/host/netlink.h"

/* The kernel itself allows 16 jumps one inside the other. */
enum { CHAINS_MAX = 10000, RULES_MAX = 100000, ELEMENTS_MAX = 100000, DEPTH_MAX = 16 };
enum { STEPS_MAX = 200000, NAME_MAX_BYTES = 128 };
#define HEADER sizeof(struct nfgenmsg)

/* ---- taking what was read ---- */

static bool take_family(struct span payload, unsigned *out_family)
{
    struct nfgenmsg header;

    if (payload.len < sizeof header)
        return false;
    memcpy(&header, payload.ptr, sizeof header);
    *out_family = header.nfgen_family;
    return true;
}

static const char *take_name(struct firewall_ruleset *ruleset, struct span payload, unsigned type)
{
    struct span name = netlink_string(netlink_find(payload, HEADER, type));

    return name.ptr == NULL || name.len == 0 ? NULL
                                             : arena_copy(ruleset->arena, name.ptr, name.len);
}

static struct span keep(struct firewall_ruleset *ruleset, struct span bytes)
{
    if (bytes.ptr == NULL)
        return bytes;
    return (struct span){arena_copy(ruleset->arena, bytes.ptr, bytes.len), bytes.len};
}

void firewall_rules_take_chain(struct firewall_ruleset *ruleset, struct span payload)
{
    struct firewall_chain chain = {0};
    uint32_t policy = NF_ACCEPT, priority = 0;

    if (!take_family(payload, &chain.family) || chain.family == NFPROTO_ARP ||
        chain.family == NFPROTO_BRIDGE)
        return;
    chain.table = take_name(ruleset, payload, NFTA_CHAIN_TABLE);
    chain.name = take_name(ruleset, payload, NFTA_CHAIN_NAME);
    if (chain.family == NFPROTO_NETDEV || ruleset->chain_count >= CHAINS_MAX) {
        ruleset->is_partial = true;
        return;
    }
    if (chain.table == NULL || chain.name == NULL)
        return;
    struct span hook = netlink_find(payload, HEADER, NFTA_CHAIN_HOOK);
    chain.is_base = netlink_be32(netlink_find(hook, 0, NFTA_HOOK_HOOKNUM), &chain.hook);
    if (netlink_be32(netlink_find(hook, 0, NFTA_HOOK_PRIORITY), &priority))
        chain.priority = (int32_t)priority;
    chain.is_nat = span_is(netlink_string(netlink_find(payload, HEADER, NFTA_CHAIN_TYPE)), "nat");
    (void)netlink_be32(netlink_find(payload, HEADER, NFTA_CHAIN_POLICY), &policy);
    chain.drops = policy == NF_DROP;
    ARENA_PUSH(ruleset->arena, ruleset->chains, ruleset->chain_count) = chain;
}

void firewall_rules_take_set(struct firewall_ruleset *ruleset, struct span payload)
{
    struct firewall_set set = {0};

    if (!take_family(payload, &set.family) || ruleset->set_count >= CHAINS_MAX)
        return;
    set.table = take_name(ruleset, payload, NFTA_SET_TABLE);
    set.name = take_name(ruleset, payload, NFTA_SET_NAME);
    (void)netlink_be32(netlink_find(payload, HEADER, NFTA_SET_FLAGS), &set.flags);
    if (set.table != NULL && set.name != NULL &&
        netlink_be32(netlink_find(payload, HEADER, NFTA_SET_KEY_LEN), &set.key_len))
        ARENA_PUSH(ruleset->arena, ruleset->sets, ruleset->set_count) = set;
}

static struct firewall_chain *find_chain(const struct firewall_ruleset *ruleset, unsigned family,
                                         const char *table, struct span name)
{
    for (size_t i = 0; i < ruleset->chain_count; i++) {
        struct firewall_chain *chain = &ruleset->chains[i];
        if (chain->family == family && span_is(name, chain->name) &&
            strcmp(chain->table, table) == 0)
            return chain;
    }
    return NULL;
}

const struct firewall_chain *firewall_rules_chain(const struct firewall_ruleset *ruleset,
                                                  unsigned family, const char *table,
                                                  struct span name)
{
    return find_chain(ruleset, family, table, name);
}

struct firewall_set *firewall_rules_set(const struct firewall_ruleset *ruleset, unsigned family,
                                        const char *table, struct span name)
{
    for (size_t i = 0; i < ruleset->set_count; i++) {
        struct firewall_set *set = &ruleset->sets[i];
        if (set->family == family && span_is(name, set->name) && strcmp(set->table, table) == 0)
            return set;
    }
    return NULL;
}

/* Only sets that a rule looks into are worth reading. */
static void mark_sets(struct firewall_ruleset *ruleset, const struct firewall_chain *chain,
                      struct span expressions)
{
    struct span expression;
    unsigned type;

    while (netlink_next(&expressions, &type, &expression)) {
        if (!span_is(netlink_string(netlink_find(expression, 0, NFTA_EXPR_NAME)), "lookup"))
            continue;
        struct span data = netlink_find(expression, 0, NFTA_EXPR_DATA);
        struct firewall_set *set =
            firewall_rules_set(ruleset, chain->family, chain->table,
                               netlink_string(netlink_find(data, 0, NFTA_LOOKUP_SET)));
        if (set != NULL)
            set->is_used = true;
    }
}

void firewall_rules_take_rule(struct firewall_ruleset *ruleset, struct span payload)
{
    struct firewall_rule rule = {0};
    unsigned family;

    if (!take_family(payload, &family))
        return;
    const char *table = take_name(ruleset, payload, NFTA_RULE_TABLE);
    struct firewall_chain *chain =
        table == NULL ? NULL
                      : find_chain(ruleset, family, table,
                                   netlink_string(netlink_find(payload, HEADER, NFTA_RULE_CHAIN)));
    if (chain == NULL)
        return;
    if (ruleset->rule_count >= RULES_MAX) {
        ruleset->is_partial = true;
        return;
    }
    (void)netlink_be64(netlink_find(payload, HEADER, NFTA_RULE_HANDLE), &rule.handle);
    rule.expressions = keep(ruleset, netlink_find(payload, HEADER, NFTA_RULE_EXPRESSIONS));
    mark_sets(ruleset, chain, rule.expressions);
    ARENA_PUSH(ruleset->arena, chain->rules, chain->rule_count) = ruleset->rule_count;
    ARENA_PUSH(ruleset->arena, ruleset->rules, ruleset->rule_count) = rule;
}

void firewall_rules_take_elements(struct firewall_ruleset *ruleset, struct firewall_set *set,
                                  struct span payload)
{
    struct span rest = netlink_find(payload, HEADER, NFTA_SET_ELEM_LIST_ELEMENTS), one;
    unsigned type;

    while (netlink_next(&rest, &type, &one)) {
        struct firewall_element element = {0};
        uint32_t flags = 0;
        if (set->element_count >= ELEMENTS_MAX) {
            set->is_known = false;
            return;
        }
        (void)netlink_be32(netlink_find(one, 0, NFTA_SET_ELEM_FLAGS), &flags);
        element.key = keep(
            ruleset, netlink_find(netlink_find(one, 0, NFTA_SET_ELEM_KEY), 0, NFTA_DATA_VALUE));
        element.verdict = keep(ruleset, netlink_find(one, 0, NFTA_SET_ELEM_DATA));
        element.is_end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0;
        element.is_rest = (flags & NFT_SET_ELEM_CATCHALL) != 0;
        ARENA_PUSH(ruleset->arena, set->elements, set->element_count) = element;
    }
}

/* ---- what they do ---- */

enum outcome { OUTCOME_GOES_ON, OUTCOME_ACCEPTED, OUTCOME_STOPPED };

struct walk {
    const struct firewall_ruleset *ruleset;
    const struct firewall_packet *packet;
    struct firewall_answer *answer;
    bool may_pass, may_stop; /* for some, by a rule whose match is not known */
    const char *unknown;     /* the first of those */
    size_t steps;
};

static const char *place_of(const struct walk *walk, const struct firewall_chain *chain,
                            const struct firewall_rule *rule)
{
    static const char *const families[] = {
        [NFPROTO_INET] = "inet", [NFPROTO_IPV4] = "ip", [NFPROTO_IPV6] = "ip6"};
    const char *family =
        chain->family < sizeof families / sizeof *families ? families[chain->family] : NULL;
    struct arena *arena = walk->ruleset->arena;
    const char *where = arena_printf(arena, "%s %s %s", family != NULL ? family : "?",
                                     escape_span(arena, span_of(chain->table), NAME_MAX_BYTES),
                                     escape_span(arena, span_of(chain->name), NAME_MAX_BYTES));

    return rule == NULL ? arena_printf(arena, "policy of chain %s", where)
                        : arena_printf(arena, "chain %s, rule with handle %ju", where,
                                       (uintmax_t)rule->handle);
}

static void note_unknown(struct walk *walk, const struct firewall_chain *chain,
                         const struct firewall_rule *rule)
{
    if (walk->unknown == NULL)
        walk->unknown = place_of(walk, chain, rule);
}

static void stop(struct walk *walk, const struct firewall_chain *chain,
                 const struct firewall_rule *rule, const struct firewall_effect *effect)
{
    struct firewall_answer *answer = walk->answer;

    answer->verdict = effect->action == ACTION_REJECT ? FIREWALL_REJECTS : FIREWALL_DROPS;
    answer->place = place_of(walk, chain, rule);
    answer->names_port |= effect->names_port;
    answer->is_counted = effect->is_counted;
    answer->packets = effect->packets;
}

static enum outcome follow(struct walk *walk, const struct firewall_chain *chain, bool is_sure,
                           size_t depth);

/* A rule that matches only perhaps, or of which it is not known what it does. */
static void take_unsure(struct walk *walk, const struct firewall_chain *chain,
                        const struct firewall_rule *rule, const struct firewall_effect *effect)
{
    if (effect->action == ACTION_NONE && !effect->is_unsure)
        return;
    note_unknown(walk, chain, rule);
    walk->may_pass |= effect->action != ACTION_DROP && effect->action != ACTION_REJECT;
    walk->may_stop |= effect->action != ACTION_ACCEPT && effect->action != ACTION_RETURN;
}

static enum outcome jump(struct walk *walk, const struct firewall_chain *chain,
                         const struct firewall_rule *rule, const struct firewall_effect *effect,
                         bool is_sure, size_t depth)
{
    const struct firewall_chain *to =
        firewall_rules_chain(walk->ruleset, chain->family, chain->table, effect->chain);

    if (to == NULL || depth >= DEPTH_MAX) {
        note_unknown(walk, chain, rule);
        walk->may_pass = walk->may_stop = true;
        return OUTCOME_GOES_ON;
    }
    bool sure = is_sure && effect->matches == TRUTH_YES;
    if (sure && effect->names_port)
        walk->answer->names_port = true;
    enum outcome outcome = follow(walk, to, sure, depth + 1);
    if (sure && effect->names_port && outcome == OUTCOME_GOES_ON)
        walk->answer->names_port = false;
    return outcome;
}

/* What a rule does for sure; *out_leaves: the rest of the chain is not asked. */
static enum outcome act(struct walk *walk, const struct firewall_chain *chain,
                        const struct firewall_rule *rule, const struct firewall_effect *effect,
                        bool *out_leaves)
{
    switch (effect->action) {
    case ACTION_ACCEPT:
        return OUTCOME_ACCEPTED;
    case ACTION_DROP:
    case ACTION_REJECT:
        stop(walk, chain, rule, effect);
        return OUTCOME_STOPPED;
    case ACTION_RETURN:
        *out_leaves = true;
        return OUTCOME_GOES_ON;
    case ACTION_OTHER:
        note_unknown(walk, chain, rule);
        walk->may_pass = walk->may_stop = true;
        return OUTCOME_GOES_ON;
    case ACTION_NONE:
    case ACTION_JUMP:
    case ACTION_GOTO:
        break;
    }
    return OUTCOME_GOES_ON;
}

static enum outcome follow(struct walk *walk, const struct firewall_chain *chain, bool is_sure,
                           size_t depth)
{
    for (size_t i = 0; i < chain->rule_count; i++) {
        const struct firewall_rule *rule = &walk->ruleset->rules[chain->rules[i]];
        if (++walk->steps > STEPS_MAX) {
            note_unknown(walk, chain, rule);
            walk->may_pass = walk->may_stop = true;
            return OUTCOME_GOES_ON;
        }
        struct firewall_effect effect =
            firewall_match_rule(walk->ruleset, chain, rule, walk->packet);
        if (effect.matches == TRUTH_NO)
            continue;
        bool sure = is_sure && effect.matches == TRUTH_YES && !effect.is_unsure, leaves = false;
        if (effect.action == ACTION_JUMP || effect.action == ACTION_GOTO) {
            enum outcome outcome = jump(walk, chain, rule, &effect, sure, depth);
            if (sure && (outcome != OUTCOME_GOES_ON || effect.action == ACTION_GOTO))
                return outcome;
            continue;
        }
        if (!sure) {
            take_unsure(walk, chain, rule, &effect);
            /* Whatever comes after a return that may have been is as unsure. */
            is_sure = is_sure && effect.action != ACTION_RETURN;
            continue;
        }
        enum outcome outcome = act(walk, chain, rule, &effect, &leaves);
        if (outcome != OUTCOME_GOES_ON || leaves)
            return outcome;
    }
    return OUTCOME_GOES_ON;
}

static int compare_chains(const void *left, const void *right)
{
    const struct firewall_chain *a = *(const struct firewall_chain *const *)left;
    const struct firewall_chain *b = *(const struct firewall_chain *const *)right;

    if (a->hook != b->hook)
        return a->hook < b->hook ? -1 : 1;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    return 0;
}

/* The chains that this packet passes, in their order. */
static const struct firewall_chain **list_chains(const struct firewall_ruleset *ruleset,
                                                 const struct firewall_packet *packet,
                                                 size_t *out_count)
{
    const struct firewall_chain **list = NULL;
    size_t count = 0;

    for (size_t i = 0; i < ruleset->chain_count; i++) {
        const struct firewall_chain *chain = &ruleset->chains[i];
        bool in_time =
            packet->is_in ? chain->hook == NF_INET_PRE_ROUTING || chain->hook == NF_INET_LOCAL_IN
                          : chain->hook == NF_INET_LOCAL_OUT || chain->hook == NF_INET_POST_ROUTING;
        bool of_family =
            chain->family == NFPROTO_INET ||
            chain->family == (packet->v6 ? (unsigned)NFPROTO_IPV6 : (unsigned)NFPROTO_IPV4);
        /* Another source address is no obstacle. */
        bool of_source = chain->is_nat &&
                         (chain->hook == NF_INET_LOCAL_IN || chain->hook == NF_INET_POST_ROUTING);
        if (chain->is_base && in_time && of_family && !of_source)
            ARENA_PUSH(ruleset->arena, list, count) = chain;
    }
    if (count > 1)
        qsort(list, count, sizeof *list, compare_chains);
    *out_count = count;
    return list;
}

static bool make_packet(const struct firewall_question *question, struct firewall_packet *packet)
{
    *packet =
        (struct firewall_packet){.is_in = question->way == FIREWALL_IN, .port = question->port};
    if (inet_pton(AF_INET, question->address, packet->address) != 1) {
        if (inet_pton(AF_INET6, question->address, packet->address) != 1)
            return false;
        packet->v6 = true;
    }
    static const unsigned char zeros[16];
    packet->has_address = memcmp(packet->address, zeros, sizeof zeros) != 0;
    packet->is_loopback =
        packet->v6 ? strcmp(question->address, "::1") == 0 : packet->address[0] == 127;
    return true;
}

void firewall_rules_judge(const struct firewall_ruleset *ruleset,
                          const struct firewall_question *question,
                          struct firewall_answer *out_answer)
{
    struct firewall_packet packet;
    struct walk walk = {.ruleset = ruleset, .packet = &packet, .answer = out_answer};
    enum outcome outcome = OUTCOME_GOES_ON;
    size_t count = 0;

    *out_answer = (struct firewall_answer){.question = *question};
    if (!make_packet(question, &packet)) {
        out_answer->verdict = FIREWALL_UNTOLD;
        out_answer->untold = "it has no address";
        return;
    }
    const struct firewall_chain **chains = list_chains(ruleset, &packet, &count);
    for (size_t i = 0; i < count && outcome != OUTCOME_STOPPED; i++) {
        out_answer->names_port = false;
        outcome = follow(&walk, chains[i], true, 0);
        if (outcome == OUTCOME_GOES_ON && chains[i]->drops) {
            const struct firewall_effect policy = {.action = ACTION_DROP};
            stop(&walk, chains[i], NULL, &policy);
            outcome = OUTCOME_STOPPED;
        }
    }
    if (outcome == OUTCOME_STOPPED ? walk.may_pass : walk.may_stop || ruleset->is_partial) {
        out_answer->verdict = FIREWALL_UNTOLD;
        out_answer->untold = walk.unknown != NULL
                                 ? arena_printf(ruleset->arena, "it depends on %s", walk.unknown)
                                 : "a network device has rules of its own";
    }
    if (outcome != OUTCOME_STOPPED || out_answer->verdict == FIREWALL_UNTOLD)
        out_answer->names_port = false;
}
