#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
    {
        .slug = "backend-no-ports",
        .severity = SEVERITY_CRITICAL,
        .look = source_ports_look,
        .explain =
            {
                .line = "no local port is left for connections to a server",
                .means = "each connection to one server address takes a local port of "
                         "ip_local_port_range, also for a while after it was closed. All are "
                         "taken: requests get 503 and checks mark servers down that are well",
                .proof =
                    "checks or connection errors that speak of it, and as many sockets to that "
                    "address, in all states, as the range of HAProxy's network namespace has ports",
                .repair = "sysctl.dropin: a wider ip_local_port_range, with every listening port "
                          "in it reserved first, and tcp_tw_reuse where closed connections hold "
                          "the ports; advice on keeping connections open",
                .cost = "inside the range SELinux does not ask who may bind a port, for any "
                        "domain; nothing is disturbed",
                .unlike =
                    {{"backend-refused",
                      "HAProxy logs SC and 503 for both; here the servers answer everybody else"},
                     {"backend-selinux",
                      "the other failure on this side; its check text is Permission denied"}},
            },
    },
    {
        .slug = "backend-selinux",
        .severity = SEVERITY_WARNING,
        .look = back_look_selinux,
        .explain =
            {
                .line = "SELinux keeps HAProxy from connecting to a server",
                .means =
                    "the server's port has a label that HAProxy's domain may not connect to. The "
                    "servers answer, HAProxy does not reach them, and its log does not say why",
                .proof = "checks end with Permission denied while a connect of our own succeeds, "
                         "and the loaded policy says no or the audit log has the denial. A "
                         "permissive domain is denied nothing",
                .repair =
                    "selinux.port: a label that HAProxy may connect to; selinux.boolean where a "
                    "label would take the port from another service, or many ports are concerned",
                .cost = "a label opens one port, to other domains too: the plan counts them. "
                        "haproxy_connect_any opens all ports, for binding as well",
                .unlike = {{"backend-refused",
                            "HAProxy logs SC and 503 for both; the check text tells them apart"},
                           {"backend-unreachable",
                            "there the network says no, here this host's kernel does"}},
            },
    },
    {
        .slug = "backend-loopback-only",
        .severity = SEVERITY_WARNING,
        .look = back_look_loopback_only,
        .explain =
            {
                .line = "the service listens on 127.0.0.1 only",
                .means = "the server is on this host, HAProxy connects to the host's own address, "
                         "and the service listens on the same port of the loopback address alone",
                .proof = "the connection is refused, and the kernel's list of listeners has that "
                         "port on loopback and on no other address",
                .repair = "advice: which service to bind elsewhere, or which address to write on "
                          "the server line",
                .cost = "a service that is bound to another address can be reached from elsewhere: "
                        "see its firewall",
                .unlike = {{"backend-refused",
                            "there nothing listens on the port at all, or a firewall rejects"}},
            },
    },
    {
        .slug = "backend-refused",
        .severity = SEVERITY_WARNING,
        .look = back_look_refused,
        .explain =
            {
                .line = "servers refuse connections",
                .means = "a connection is answered with a reset at once: nothing listens on that "
                         "address and port, or a firewall rejects it. Clients get 503 when no "
                         "other server is left",
                .proof = "the check text or the connection errors of HAProxy say refused, and a "
                         "connect of our own is refused too",
                .repair = "advice: the address and port where a service must be started or a rule "
                          "taken away",
                .cost = "nothing is changed by hamedic",
                .unlike = {{"backend-selinux",
                            "the same SC and 503 in the log; there a connect of our own succeeds"},
                           {"backend-timeout",
                            "nothing comes back at all: dropped, or the host is dead"},
                           {"backend-loopback-only",
                            "refused too, but the service runs here, bound to loopback"}},
            },
    },
    {
        .slug = "backend-timeout",
        .severity = SEVERITY_WARNING,
        .look = back_look_timeout,
        .explain =
            {
                .line = "servers do not answer a connection attempt",
                .means = "the first packet to the server is lost: a firewall drops it, the host is "
                         "dead, or its accept queue is full. Clients wait for timeout connect, as "
                         "often as HAProxy retries, and get 503",
                .proof = "the check ends in L4TOUT or the connections time out, and a connect of "
                         "our own times out too",
                .repair = "advice: the address and port to look at, and from where",
                .cost =
                    "nothing is changed by hamedic; shorter timeouts would hide it, not cure it",
                .unlike = {{"backend-refused", "an answer comes there, and at once"},
                           {"backend-unreachable",
                            "a router or this host's own tables say that there is no way"}},
            },
    },
    {
        .slug = "backend-unreachable",
        .severity = SEVERITY_WARNING,
        .look = back_look_unreachable,
        .explain =
            {
                .line = "there is no way to the server",
                .means = "the kernel, or a router, answers that host or network cannot be reached: "
                         "no route, no neighbour with that address, or a firewall that says so",
                .proof = "the check text says so, or a connect of our own ends with EHOSTUNREACH "
                         "or ENETUNREACH",
                .repair = "advice: the route, the neighbour or the firewall to look at",
                .cost = "nothing is changed by hamedic",
                .unlike =
                    {{"backend-timeout",
                      "no answer at all; a dead neighbour looks like it for the first seconds"},
                     {"backend-refused", "the host itself answers, and refuses"}},
            },
    },
    {
        .slug = "backend-maintenance",
        .severity = SEVERITY_NOTICE,
        .look = back_look_maintenance,
        .explain =
            {
                .line = "somebody took the server out of service",
                .means = "a person or a program set it to maintenance or drain, or the file has it "
                         "disabled: no fault, but its traffic is on the others",
                .proof = "the state in show stat, with the file's word where it stands there",
                .repair = "advice: how to bring it back, once it may",
                .cost = "nothing is changed by hamedic: somebody meant it",
                .unlike =
                    {{"backend-refused",
                      "nobody asks a server in maintenance: whether it answers is not known"}},
            },
    },
};

const struct causes_of causes_back = {rows, sizeof rows / sizeof rows[0]};
