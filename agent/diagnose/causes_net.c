#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
    {
        .slug = "listen-overflow",
        .severity = SEVERITY_CRITICAL,
        .look = accept_look_listen_overflow,
        .is_cured_later = true,
        .explain =
            {
                .line = "clients come faster than a listener's queue holds",
                .means = "connections wait in the kernel until HAProxy accepts them. That queue is "
                         "full though HAProxy is not at its maxconn: the kernel drops what comes "
                         "then, clients try again after seconds, and nothing is logged",
                .proof = "ListenOverflows rises in HAProxy's network namespace while hamedic "
                         "looks, and this listener lost connections, or its queue is full. What "
                         "caps the queue is named: backlog, a maxconn, or somaxconn",
                .repair = "sysctl.dropin: net.core.somaxconn; haproxy.maxconn where that caps it; "
                          "else advice: a backlog on the bind line",
                .cost = "a listener keeps its queue until it listens again: HAProxy must be "
                        "restarted, a reload is not enough",
                .unlike = {{"global-maxconn", "HAProxy itself takes no more; the queue follows"},
                           {"frontend-maxconn", "the same for one frontend"},
                           {"syn-overflow", "there handshakes are not completed"}},
            },
    },
    {
        .slug = "syn-overflow",
        .severity = SEVERITY_CRITICAL,
        .look = accept_look_syn_overflow,
        .explain =
            {
                .line = "half-open connections crowd out new clients",
                .means = "SYN cookies are off, and so many handshakes are not completed that the "
                         "kernel remembers no more of them: it drops the SYN of clients it does "
                         "not know",
                .proof = "ListenDrops rises without ListenOverflows, connections in SYN-RECV near "
                         "tcp_max_syn_backlog, tcp_syncookies = 0. With cookies on that limit "
                         "turns nobody away",
                .repair = "sysctl.dropin: net.ipv4.tcp_max_syn_backlog; advice on tcp_syncookies "
                          "and on who opens them",
                .cost = "some 300 bytes of memory for each",
                .unlike = {{"listen-overflow",
                            "handshakes are complete there, and wait to be accepted"}},
            },
    },
    {
        .slug = "conntrack-full",
        .severity = SEVERITY_CRITICAL,
        .look = accept_look_conntrack_full,
        .explain =
            {
                .line = "the firewall tracks no more connections",
                .means = "the packet filter follows each connection, up to nf_conntrack_max. New "
                         "ones are dropped, of clients and to servers, whatever HAProxy does",
                .proof = "nf_conntrack_count at nf_conntrack_max, and packets dropped for want of "
                         "room, in HAProxy's network namespace",
                .repair = "sysctl.dropin: net.netfilter.nf_conntrack_max; advice on what keeps it "
                          "at boot, and on leaving HAProxy's connections untracked",
                .cost = "some 400 bytes of memory for each that is tracked; lost at boot where "
                        "the module is loaded late",
                .unlike = {{"backend-timeout", "one server does not answer; here all suffer"},
                           {"listen-overflow", "there the listener's queue is full"}},
            },
    },
    {
        .slug = "frontend-firewalled",
        .severity = SEVERITY_WARNING,
        .look = reach_look_firewalled,
        .explain =
            {
                .line = "this host's own firewall keeps clients out",
                .means = "HAProxy listens and is well, but the packet filter of this host drops "
                         "or rejects the port for other hosts. From the host itself it works",
                .proof = "the rules in the kernel, read and followed for a new connection to that "
                         "port: one that names the port, or all ports of HAProxy shut. What "
                         "depends on who asks is not judged. Rules of legacy iptables are not "
                         "read, which is said",
                .repair = "advice: the rule, by table, chain and handle",
                .cost = "hamedic changes no firewall",
                .unlike = {{"not-listening-there", "nothing listens at what clients ask for"},
                           {"haproxy-not-running", "refused on the host itself, too"}},
            },
    },
    {
        .slug = "vip-elsewhere",
        .severity = SEVERITY_WARNING,
        .look = reach_look_vip_elsewhere,
        .explain =
            {
                .line = "the address clients ask for is on another host",
                .means = "HAProxy listens on an address that comes and goes (VRRP), and this host "
                         "does not hold it now: its clients go elsewhere. On a standby that is as "
                         "it should be",
                .proof = "there is a listener on the address, no interface has it, and it is the "
                         "one that clients ask for (--target)",
                .repair = "advice: look on the peer that holds it, or why this host is not master",
                .cost = "nothing is changed here",
                .unlike = {{"bind-address-missing", "there HAProxy may not listen on it"},
                           {"frontend-firewalled", "the address is here; a rule is in the way"}},
            },
    },
    {
        .slug = "not-listening-there",
        .severity = SEVERITY_WARNING,
        .look = reach_look_not_listening,
        .explain =
            {
                .line = "clients ask where HAProxy does not listen",
                .means = "HAProxy is well, but no bind line serves the address or port that "
                         "clients ask for, or only on the loopback address: they are refused",
                .proof = "what is asked for (--target) is in no bind line, and nothing, or "
                         "another program, listens there",
                .repair = "advice: what it does listen on, and the bind line that is missing",
                .cost = "nothing is changed here",
                .unlike = {{"frontend-firewalled", "it listens there, and a rule is in the way"},
                           {"haproxy-not-running", "it listens nowhere"}},
            },
    },
};

const struct causes_of causes_net = {rows, sizeof rows / sizeof rows[0]};
