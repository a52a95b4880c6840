/* Expressions of nf_tables, one after the other, with registers of which some bytes are known. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>

#include <string.h>

#include "remediations/host/firewall_rules.h"
#include "remediations/host/netlink.h"

enum { TCP_SYN_FLAG = 2, LOOPBACK_INDEX = 1, VALUE_MAX = 64 };

/* What a register holds besides bytes that are known. */
enum meaning { MEANS_NOTHING, MEANS_INTERFACE, MEANS_PORT };

struct machine {
    const struct firewall_ruleset *ruleset;
    const struct firewall_chain *chain;
    const struct firewall_packet *packet;
    unsigned char bytes[FIREWALL_REGISTERS];
    bool known[FIREWALL_REGISTERS];
    enum meaning means[FIREWALL_REGISTERS];
    struct firewall_effect effect;
};

/* Where the bytes of a register begin; false: there is no such register. */
static bool find_register(struct span data, unsigned attribute, size_t len, size_t *out_at)
{
    uint32_t number;
    size_t at;

    if (!netlink_be32(netlink_find(data, 0, attribute), &number))
        return false;
    if (number >= NFT_REG_1 && number <= NFT_REG_4)
        at = (number - NFT_REG_1) * 16;
    else if (number >= NFT_REG32_00 && number <= NFT_REG32_15)
        at = (number - NFT_REG32_00) * 4;
    else
        return false;
    if (len > FIREWALL_REGISTERS || at > FIREWALL_REGISTERS - len)
        return false;
    *out_at = at;
    return true;
}

static void unsure(struct machine *machine)
{
    if (machine->effect.matches == TRUTH_YES)
        machine->effect.matches = TRUTH_UNKNOWN;
}

static void decide(struct machine *machine, enum firewall_truth truth)
{
    if (truth == TRUTH_UNKNOWN)
        unsure(machine);
    else if (truth == TRUTH_NO)
        machine->effect.matches = TRUTH_NO;
}

/* value NULL: not known. */
static void load(struct machine *machine, struct span data, unsigned attribute, const void *value,
                 size_t len, enum meaning means)
{
    size_t at, all = (len + 3) / 4 * 4;

    if (!find_register(data, attribute, all, &at))
        return;
    for (size_t i = 0; i < all; i++) {
        machine->known[at + i] = value != NULL;
        machine->means[at + i] = means;
        machine->bytes[at + i] = 0;
    }
    if (value != NULL)
        memcpy(machine->bytes + at, value, len);
}

static bool is_known(const struct machine *machine, size_t at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!machine->known[at + i])
            return false;
    return true;
}

/* ---- what is loaded ---- */

static void load_meta(struct machine *machine, struct span data)
{
    const struct firewall_packet *packet = machine->packet;
    const uint8_t protocol = IPPROTO_TCP, family = packet->v6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
    const uint16_t frame = htons(packet->v6 ? 0x86dd : 0x0800);
    uint32_t key;

    if (!netlink_be32(netlink_find(data, 0, NFTA_META_KEY), &key)) {
        unsure(machine);
        return;
    }
    switch (key) {
    case NFT_META_L4PROTO:
        load(machine, data, NFTA_META_DREG, &protocol, sizeof protocol, MEANS_NOTHING);
        return;
    case NFT_META_NFPROTO:
        load(machine, data, NFTA_META_DREG, &family, sizeof family, MEANS_NOTHING);
        return;
    case NFT_META_PROTOCOL:
        load(machine, data, NFTA_META_DREG, &frame, sizeof frame, MEANS_NOTHING);
        return;
    case NFT_META_IIF:
    case NFT_META_IIFNAME:
    case NFT_META_OIF:
    case NFT_META_OIFNAME:
        load(machine, data, NFTA_META_DREG, NULL, 16, MEANS_INTERFACE);
        return;
    default:
        load(machine, data, NFTA_META_DREG, NULL, 16, MEANS_NOTHING);
    }
}

static void load_network(struct machine *machine, struct span data, uint32_t offset, uint32_t len)
{
    const struct firewall_packet *packet = machine->packet;
    const uint8_t protocol = IPPROTO_TCP;
    uint32_t address_at = packet->v6 ? 24 : 16, address_len = packet->v6 ? 16 : 4;

    if (offset >= address_at && len > 0 && offset + len <= address_at + address_len &&
        packet->has_address)
        load(machine, data, NFTA_PAYLOAD_DREG, packet->address + (offset - address_at), len,
             MEANS_NOTHING);
    else if (offset == (packet->v6 ? 6U : 9U) && len == 1)
        load(machine, data, NFTA_PAYLOAD_DREG, &protocol, 1, MEANS_NOTHING);
    else
        load(machine, data, NFTA_PAYLOAD_DREG, NULL, len, MEANS_NOTHING);
}

static void load_payload(struct machine *machine, struct span data)
{
    const uint16_t port = htons((uint16_t)machine->packet->port);
    const uint8_t flags = TCP_SYN_FLAG;
    uint32_t base, offset, len;

    if (netlink_find(data, 0, NFTA_PAYLOAD_SREG).ptr != NULL)
        return; /* it writes */
    if (!netlink_be32(netlink_find(data, 0, NFTA_PAYLOAD_BASE), &base) ||
        !netlink_be32(netlink_find(data, 0, NFTA_PAYLOAD_OFFSET), &offset) ||
        !netlink_be32(netlink_find(data, 0, NFTA_PAYLOAD_LEN), &len) || len > VALUE_MAX ||
        offset > UINT16_MAX) {
        unsure(machine);
        return;
    }
    if (base == NFT_PAYLOAD_NETWORK_HEADER)
        load_network(machine, data, offset, len);
    else if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 2 && len == 2)
        load(machine, data, NFTA_PAYLOAD_DREG, &port, sizeof port, MEANS_PORT);
    else if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 13 && len == 1)
        load(machine, data, NFTA_PAYLOAD_DREG, &flags, sizeof flags, MEANS_NOTHING);
    else
        load(machine, data, NFTA_PAYLOAD_DREG, NULL, len, MEANS_NOTHING);
}

static void load_ct(struct machine *machine, struct span data)
{
    const uint32_t state = NF_CT_STATE_BIT(IP_CT_NEW);
    uint32_t key;

    if (netlink_find(data, 0, NFTA_CT_SREG).ptr != NULL)
        return;
    if (netlink_be32(netlink_find(data, 0, NFTA_CT_KEY), &key) && key == NFT_CT_STATE)
        load(machine, data, NFTA_CT_DREG, &state, sizeof state, MEANS_NOTHING);
    else
        load(machine, data, NFTA_CT_DREG, NULL, 16, MEANS_NOTHING);
}

/* ---- what is compared ---- */

static struct span value_of(struct span data, unsigned attribute)
{
    return netlink_find(netlink_find(data, 0, attribute), 0, NFTA_DATA_VALUE);
}

/* Where it comes in, or goes out: nobody asks over the loopback interface from another host. */
static enum firewall_truth compare_interface(const struct machine *machine, struct span value,
                                             uint32_t operation)
{
    static const char name[] = "lo";
    uint32_t index = 0;
    bool is_lo =
        (value.len >= sizeof name && memcmp(value.ptr, name, sizeof name) == 0) ||
        (netlink_u32(value, &index) && value.len == sizeof index && index == LOOPBACK_INDEX);

    if (!is_lo || (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ))
        return machine->packet->is_loopback && operation == NFT_CMP_EQ ? TRUTH_NO : TRUTH_UNKNOWN;
    return (operation == NFT_CMP_EQ) == machine->packet->is_loopback ? TRUTH_YES : TRUTH_NO;
}

static enum firewall_truth truth_of(bool is)
{
    return is ? TRUTH_YES : TRUTH_NO;
}

static void compare(struct machine *machine, struct span data)
{
    struct span value = value_of(data, NFTA_CMP_DATA);
    uint32_t operation;
    size_t at;

    if (value.ptr == NULL || !netlink_be32(netlink_find(data, 0, NFTA_CMP_OP), &operation) ||
        !find_register(data, NFTA_CMP_SREG, value.len, &at)) {
        unsure(machine);
        return;
    }
    if (machine->means[at] == MEANS_INTERFACE) {
        decide(machine, compare_interface(machine, value, operation));
        return;
    }
    if (!is_known(machine, at, value.len)) {
        unsure(machine);
        return;
    }
    int order = memcmp(machine->bytes + at, value.ptr, value.len);
    machine->effect.names_port |= machine->means[at] == MEANS_PORT && operation == NFT_CMP_EQ;
    switch (operation) {
    case NFT_CMP_EQ:
        decide(machine, truth_of(order == 0));
        return;
    case NFT_CMP_NEQ:
        decide(machine, truth_of(order != 0));
        return;
    case NFT_CMP_LT:
        decide(machine, truth_of(order < 0));
        return;
    case NFT_CMP_LTE:
        decide(machine, truth_of(order <= 0));
        return;
    case NFT_CMP_GT:
        decide(machine, truth_of(order > 0));
        return;
    case NFT_CMP_GTE:
        decide(machine, truth_of(order >= 0));
        return;
    default:
        unsure(machine);
    }
}

static void compare_range(struct machine *machine, struct span data)
{
    struct span from = value_of(data, NFTA_RANGE_FROM_DATA),
                to = value_of(data, NFTA_RANGE_TO_DATA);
    uint32_t operation;
    size_t at;

    if (from.ptr == NULL || to.ptr == NULL || from.len != to.len ||
        !netlink_be32(netlink_find(data, 0, NFTA_RANGE_OP), &operation) ||
        !find_register(data, NFTA_RANGE_SREG, from.len, &at) || !is_known(machine, at, from.len)) {
        unsure(machine);
        return;
    }
    bool inside = memcmp(machine->bytes + at, from.ptr, from.len) >= 0 &&
                  memcmp(machine->bytes + at, to.ptr, to.len) <= 0;
    machine->effect.names_port |= machine->means[at] == MEANS_PORT && operation == NFT_RANGE_EQ;
    decide(machine, truth_of(inside == (operation == NFT_RANGE_EQ)));
}

static void mask(struct machine *machine, struct span data)
{
    struct span mask_bytes = value_of(data, NFTA_BITWISE_MASK);
    struct span flip = value_of(data, NFTA_BITWISE_XOR);
    unsigned char result[VALUE_MAX];
    uint32_t operation = 0;
    size_t at;

    (void)netlink_be32(netlink_find(data, 0, NFTA_BITWISE_OP), &operation);
    if (operation != 0 || mask_bytes.ptr == NULL || flip.ptr == NULL ||
        mask_bytes.len != flip.len || mask_bytes.len > sizeof result ||
        !find_register(data, NFTA_BITWISE_SREG, mask_bytes.len, &at) ||
        !is_known(machine, at, mask_bytes.len)) {
        load(machine, data, NFTA_BITWISE_DREG, NULL, 16, MEANS_NOTHING);
        return;
    }
    enum meaning means = machine->means[at];
    for (size_t i = 0; i < mask_bytes.len; i++)
        result[i] = (unsigned char)((machine->bytes[at + i] & (unsigned char)mask_bytes.ptr[i]) ^
                                    (unsigned char)flip.ptr[i]);
    load(machine, data, NFTA_BITWISE_DREG, result, mask_bytes.len, means);
}

/* ---- sets ---- */

/* The element that stands for this key; NULL: none does. */
static const struct firewall_element *find_element(const struct firewall_set *set,
                                                   const unsigned char *key)
{
    const struct firewall_element *best = NULL, *rest = NULL;

    for (size_t i = 0; i < set->element_count; i++) {
        const struct firewall_element *element = &set->elements[i];
        if (element->is_rest) {
            rest = element;
            continue;
        }
        if (element->key.len != set->key_len)
            continue;
        int order = memcmp(element->key.ptr, key, set->key_len);
        if ((set->flags & NFT_SET_INTERVAL) == 0) {
            if (order == 0)
                return element;
            continue;
        }
        /* The last bound that is not above it says whether it is in. */
        if (order > 0)
            continue;
        order = best == NULL ? 1 : memcmp(element->key.ptr, best->key.ptr, set->key_len);
        if (order > 0 || (order == 0 && best->is_end))
            best = element;
    }
    return best != NULL && !best->is_end ? best : rest;
}

static void look_up(struct machine *machine, struct span data)
{
    struct span name = netlink_string(netlink_find(data, 0, NFTA_LOOKUP_SET));
    const struct firewall_set *set =
        firewall_rules_set(machine->ruleset, machine->chain->family, machine->chain->table, name);
    uint32_t flags = 0, target = UINT32_MAX;
    size_t at;

    (void)netlink_be32(netlink_find(data, 0, NFTA_LOOKUP_FLAGS), &flags);
    (void)netlink_be32(netlink_find(data, 0, NFTA_LOOKUP_DREG), &target);
    bool is_verdict = target == NFT_REG_VERDICT;
    if (set == NULL || !set->is_known || (set->flags & NFT_SET_CONCAT) != 0 ||
        !find_register(data, NFTA_LOOKUP_SREG, set->key_len, &at) ||
        !is_known(machine, at, set->key_len)) {
        unsure(machine);
        machine->effect.is_unsure |= is_verdict;
        if (!is_verdict && target != UINT32_MAX)
            load(machine, data, NFTA_LOOKUP_DREG, NULL, 16, MEANS_NOTHING);
        return;
    }
    const struct firewall_element *element = find_element(set, machine->bytes + at);
    bool inverted = (flags & NFT_LOOKUP_F_INV) != 0;
    machine->effect.names_port |= machine->means[at] == MEANS_PORT && !inverted;
    decide(machine, truth_of((element != NULL) != inverted));
    if (is_verdict && element != NULL) {
        if (!firewall_match_verdict(element->verdict, &machine->effect.action,
                                    &machine->effect.chain))
            machine->effect.is_unsure = true;
    } else if (!is_verdict && target != UINT32_MAX) {
        load(machine, data, NFTA_LOOKUP_DREG, NULL, 16, MEANS_NOTHING);
    }
}

/* ---- verdicts ---- */

bool firewall_match_verdict(struct span data, enum firewall_action *out_action,
                            struct span *out_chain)
{
    struct span verdict = netlink_find(data, 0, NFTA_DATA_VERDICT);
    uint32_t code;

    if (!netlink_be32(netlink_find(verdict, 0, NFTA_VERDICT_CODE), &code))
        return false;
    *out_chain = netlink_string(netlink_find(verdict, 0, NFTA_VERDICT_CHAIN));
    switch ((int32_t)code) {
    case NF_ACCEPT:
        *out_action = ACTION_ACCEPT;
        return true;
    case NF_DROP:
        *out_action = ACTION_DROP;
        return true;
    case NFT_JUMP:
        *out_action = ACTION_JUMP;
        return true;
    case NFT_GOTO:
        *out_action = ACTION_GOTO;
        return true;
    case NFT_RETURN:
        *out_action = ACTION_RETURN;
        return true;
    case NFT_CONTINUE:
        *out_action = ACTION_NONE;
        return true;
    default:
        *out_action = ACTION_OTHER;
        return true;
    }
}

static void take_immediate(struct machine *machine, struct span data)
{
    struct span value = netlink_find(data, 0, NFTA_IMMEDIATE_DATA), bytes;
    uint32_t target;

    if (!netlink_be32(netlink_find(data, 0, NFTA_IMMEDIATE_DREG), &target)) {
        unsure(machine);
        return;
    }
    if (target == NFT_REG_VERDICT) {
        if (!firewall_match_verdict(value, &machine->effect.action, &machine->effect.chain))
            machine->effect.is_unsure = true;
        return;
    }
    bytes = netlink_find(value, 0, NFTA_DATA_VALUE);
    load(machine, data, NFTA_IMMEDIATE_DREG, bytes.ptr, bytes.len <= VALUE_MAX ? bytes.len : 0,
         MEANS_NOTHING);
}

/* ---- xtables' own, as iptables-nft writes them ---- */

static void match_foreign(struct machine *machine, struct span data)
{
    decide(machine, firewall_foreign_match(data, machine->packet, &machine->effect.names_port));
}

static void take_foreign_target(struct machine *machine, struct span data)
{
    enum firewall_action action = firewall_foreign_target(data);

    if (action != ACTION_NONE)
        machine->effect.action = action;
}

/* ---- the rule ---- */

static void take_counter(struct machine *machine, struct span data)
{
    machine->effect.is_counted =
        netlink_be64(netlink_find(data, 0, NFTA_COUNTER_PACKETS), &machine->effect.packets);
}

static void take_reject(struct machine *machine, struct span data)
{
    (void)data;
    machine->effect.action = ACTION_REJECT;
}

static void take_other(struct machine *machine, struct span data)
{
    (void)data;
    machine->effect.action = ACTION_OTHER;
}

static void take_nothing(struct machine *machine, struct span data)
{
    (void)machine;
    (void)data;
}

static void run(struct machine *machine, struct span name, struct span data)
{
    static const struct {
        const char *name;
        void (*take)(struct machine *machine, struct span data);
    } known[] = {
        {"meta", load_meta},
        {"payload", load_payload},
        {"ct", load_ct},
        {"cmp", compare},
        {"range", compare_range},
        {"bitwise", mask},
        {"lookup", look_up},
        {"immediate", take_immediate},
        {"match", match_foreign},
        {"target", take_foreign_target},
        {"counter", take_counter},
        {"reject", take_reject},
        {"nat", take_other},
        {"redir", take_other},
        {"masq", take_other},
        {"tproxy", take_other},
        {"queue", take_other},
        {"synproxy", take_other},
        {"fwd", take_other},
        {"log", take_nothing},
        {"notrack", take_nothing},
        {"objref", take_nothing},
        {"last", take_nothing},
        {"dup", take_nothing},
        {"flow_offload", take_nothing},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_is(name, known[i].name)) {
            known[i].take(machine, data);
            return;
        }
    /* It may load something (fib, rt, socket, hash, numgen, exthdr), or match (limit, quota,
     * connlimit): neither is known. */
    unsure(machine);
    memset(machine->known, 0, sizeof machine->known);
    memset(machine->means, 0, sizeof machine->means);
}

struct firewall_effect firewall_match_rule(const struct firewall_ruleset *ruleset,
                                           const struct firewall_chain *chain,
                                           const struct firewall_rule *rule,
                                           const struct firewall_packet *packet)
{
    struct machine machine = {.ruleset = ruleset, .chain = chain, .packet = packet};
    struct span rest = rule->expressions, expression;
    unsigned type;

    machine.effect.matches = TRUTH_YES;
    while (machine.effect.matches != TRUTH_NO && netlink_next(&rest, &type, &expression))
        run(&machine, netlink_string(netlink_find(expression, 0, NFTA_EXPR_NAME)),
            netlink_find(expression, 0, NFTA_EXPR_DATA));
    return machine.effect;
}
