/* Matches and targets of xtables inside rules of nf_tables, as iptables-nft writes them. */
#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <string.h>

#include "remediations/host/firewall_rules.h"
#include "remediations/host/netlink.h"

enum { TCP_SYN_FLAG = 2 };

static enum firewall_truth truth_of(bool is)
{
    return is ? TRUTH_YES : TRUTH_NO;
}

static enum firewall_truth match_tcp(const struct firewall_packet *packet, struct span bytes,
                                     bool *names_port)
{
    struct xt_tcp tcp;
    uint32_t port = packet->port;

    if (bytes.len < sizeof tcp)
        return TRUTH_UNKNOWN;
    memcpy(&tcp, bytes.ptr, sizeof tcp);
    bool inside = port >= tcp.dpts[0] && port <= tcp.dpts[1];
    if (inside == ((tcp.invflags & XT_TCP_INV_DSTPT) != 0))
        return TRUTH_NO;
    *names_port |= tcp.dpts[0] != 0 || tcp.dpts[1] != UINT16_MAX;
    if (tcp.option != 0 || tcp.spts[0] != 0 || tcp.spts[1] != UINT16_MAX)
        return TRUTH_UNKNOWN;
    if (tcp.flg_mask == 0)
        return TRUTH_YES;
    bool same = (tcp.flg_mask & TCP_SYN_FLAG) == tcp.flg_cmp;
    return truth_of(same != ((tcp.invflags & XT_TCP_INV_FLAGS) != 0));
}

static enum firewall_truth match_multiport(const struct firewall_packet *packet, struct span bytes,
                                           bool *names_port)
{
    struct xt_multiport_v1 ports;
    uint32_t port = packet->port;
    bool inside = false;

    if (bytes.len < sizeof ports)
        return TRUTH_UNKNOWN;
    memcpy(&ports, bytes.ptr, sizeof ports);
    if (ports.flags != XT_MULTIPORT_DESTINATION || ports.count > XT_MULTI_PORTS)
        return TRUTH_UNKNOWN;
    for (unsigned i = 0; i < ports.count; i++) {
        uint32_t low = ports.ports[i], high = low;
        if (ports.pflags[i] != 0 && i + 1U < ports.count)
            high = ports.ports[++i];
        inside |= port >= low && port <= high;
    }
    *names_port |= ports.invert == 0;
    return truth_of(inside != (ports.invert != 0));
}

static enum firewall_truth match_state(struct span bytes, uint32_t revision)
{
    struct xt_conntrack_mtinfo3 info;

    if (revision < 2 || bytes.len < sizeof info)
        return TRUTH_UNKNOWN;
    memcpy(&info, bytes.ptr, sizeof info);
    if (info.match_flags != XT_CONNTRACK_STATE)
        return TRUTH_UNKNOWN;
    bool has = (info.state_mask & XT_CONNTRACK_STATE_BIT(IP_CT_NEW)) != 0;
    return truth_of(has != ((info.invert_flags & XT_CONNTRACK_STATE) != 0));
}

enum firewall_truth firewall_foreign_match(struct span data, const struct firewall_packet *packet,
                                           bool *names_port)
{
    struct span name = netlink_string(netlink_find(data, 0, NFTA_MATCH_NAME));
    struct span bytes = netlink_find(data, 0, NFTA_MATCH_INFO);
    uint32_t revision = 0, state = 0;

    (void)netlink_be32(netlink_find(data, 0, NFTA_MATCH_REV), &revision);
    if (span_is(name, "comment"))
        return TRUTH_YES;
    if (span_is(name, "udp"))
        return TRUTH_NO;
    if (span_is(name, "tcp") && bytes.ptr != NULL)
        return match_tcp(packet, bytes, names_port);
    if (span_is(name, "multiport") && bytes.ptr != NULL && revision == 1)
        return match_multiport(packet, bytes, names_port);
    if (span_is(name, "conntrack") && bytes.ptr != NULL)
        return match_state(bytes, revision);
    if (span_is(name, "state") && netlink_u32(bytes, &state))
        return truth_of((state & XT_STATE_BIT(IP_CT_NEW)) != 0);
    return TRUTH_UNKNOWN;
}

enum firewall_action firewall_foreign_target(struct span data)
{
    static const char *const harmless[] = {"LOG",    "NFLOG", "MARK", "CT",  "CONNMARK",
                                           "TCPMSS", "TRACE", "DSCP", "TOS", "SECMARK"};
    struct span name = netlink_string(netlink_find(data, 0, NFTA_TARGET_NAME));

    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (span_is(name, harmless[i]))
            return ACTION_NONE;
    return span_is(name, "REJECT") ? ACTION_REJECT : ACTION_OTHER;
}
