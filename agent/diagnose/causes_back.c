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
        .slug = "backend-source-missing",
        .severity = SEVERITY_WARNING,
        .look = checks_look_source,
        .explain =
            {
                .line = "the address to connect from is not on this host",
                .means = "a `source` line tells HAProxy which address of its own to use towards "
                         "a server, and this host does not have it, or its range of ports is "
                         "used up. Checks and requests fail before anything is sent",
                .proof = "the check text says that it cannot bind to the source address, and a "
                         "bind of our own to it fails too",
                .repair = "advice: the address to add to an interface, or the line to correct",
                .cost = "nothing is changed by hamedic",
                .unlike =
                    {{"backend-no-ports",
                      "there the address is present, and all its ports towards the server are "
                      "taken"},
                     {"backend-unreachable", "there packets are sent, and find no way"}},
            },
    },
    {
        .slug = "check-port-differs",
        .severity = SEVERITY_WARNING,
        .look = checks_look_differs,
        .explain =
            {
                .line = "check and traffic go to different places",
                .means = "the check has a port or an address of its own, and what it says is not "
                         "true of the traffic: a server is kept although clients cannot reach "
                         "it, or taken out although they could",
                .proof = "the check says one thing of its own place, a connect of our own there "
                         "says the same, and one to the place of the traffic says the opposite",
                .repair = "advice: both places, and the line that names them",
                .cost = "nothing is changed by hamedic",
                .unlike = {{"backend-refused",
                            "there both places refuse, or they are the same place"}},
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
                         "connect of our own is refused too. Where ICMP says so it is a packet "
                         "filter, and whose: a service's host answers with a reset",
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
                         "or ENETUNREACH; this host's tables, or the ICMP answer and who sent it, "
                         "say where the way ends",
                .repair = "advice: the route, the neighbour or the firewall to look at",
                .cost = "nothing is changed by hamedic",
                .unlike =
                    {{"backend-timeout",
                      "no answer at all; a dead neighbour looks like it for the first seconds"},
                     {"backend-refused", "the host itself answers, and refuses"}},
            },
    },
    {
        .slug = "backend-tls",
        .severity = SEVERITY_WARNING,
        .look = checks_look_tls,
        .explain =
            {
                .line = "TLS with the server does not come about",
                .means = "the server ends the handshake, has a certificate that is over, that "
                         "HAProxy is not to trust or that has another name, speaks plain text "
                         "where the line says ssl, or TLS where it does not",
                .proof = "the check ends in L6RSP or L6TOUT, or in an answer that is TLS, and a "
                         "handshake of our own, done as the line says, fails in the same way. "
                         "Where HAProxy alone knows which name it wants, its word is enough",
                .repair = "advice: the certificate, the port or the words of the line",
                .cost = "nothing is changed by hamedic; verify none would hide an attacker, too",
                .unlike = {{"backend-bad-response", "there is no TLS in it: the bytes are no HTTP"},
                           {"backend-refused",
                            "nothing takes the connection there; here it is taken"}},
            },
    },
    {
        .slug = "backend-http-status",
        .severity = SEVERITY_WARNING,
        .look = checks_look_status,
        .explain =
            {
                .line = "the service itself answers with an error",
                .means = "the server is reached, and its own HTTP status says that it cannot "
                         "serve, or that what the check asks for does not exist. Clients see the "
                         "same status, or 503 when no server is left",
                .proof = "L7STS with its code: HAProxy keeps what the server said. A request of "
                         "our own, as the check sends it, gets the same. For servers without "
                         "such a check: their own 5xx answers, and ours",
                .repair = "advice: the service to look at, or the request and status that the "
                          "check should use",
                .cost = "nothing is changed by hamedic",
                .unlike = {{"backend-bad-response", "what comes there is no HTTP status at all"},
                           {"backend-slow-check", "no answer comes in time there"}},
            },
    },
    {
        .slug = "backend-bad-response",
        .severity = SEVERITY_WARNING,
        .look = checks_look_answer,
        .explain =
            {
                .line = "the answer is none that HAProxy can take",
                .means = "the connection is taken, and then closed, reset, or answered with "
                         "bytes that are not what the check expects: the wrong service, or one "
                         "that crashes. Clients get 502",
                .proof = "L7RSP or SOCKERR, and a request of our own that is answered no better; "
                         "for other checks than HTTP, the words of the check. Where the check is "
                         "content: PH in the log, eresp, and such an answer in show errors",
                .repair = "advice: where to look for the service behind the port",
                .cost = "nothing is changed by hamedic",
                .unlike = {{"backend-http-status",
                            "that is a whole answer, with a status of the service"},
                           {"backend-tls", "the bytes are TLS there, or the handshake fails"},
                           {"backend-slow-check",
                            "up to 3.0 HAProxy may call an answer that is no HTTP a timeout"}},
            },
    },
    {
        .slug = "backend-slow-check",
        .severity = SEVERITY_WARNING,
        .look = checks_look_slow,
        .explain =
            {
                .line = "servers do not answer their check in time",
                .means = "the connection is taken, and no answer comes within the time of the "
                         "check. Mostly the service is short of workers or waits for another; "
                         "its clients wait just as long",
                .proof = "L7TOUT, and a request of our own that gets no answer either, or one "
                         "later than the check waits",
                .repair = "advice: the service to look at, and the time that the check gives it",
                .cost = "nothing is changed by hamedic; a longer timeout hides it",
                .unlike = {{"backend-timeout", "there not even the connection comes about"},
                           {"backend-bad-response", "an answer comes there, a wrong one"}},
            },
    },
    {
        .slug = "backend-flapping",
        .severity = SEVERITY_WARNING,
        .look = flapping_look,
        .explain =
            {
                .line = "a server comes and goes",
                .means = "the check takes a server out and in again and again. Whoever looks in "
                         "between finds it well; its requests fail for a moment each time, and "
                         "the others must carry its load",
                .proof = "HAProxy's counter of how often the server went down, and as many lines "
                         "of its log within the last minutes, the last one not long ago",
                .repair = "advice: the service to look at, and how many failed checks take it out",
                .cost = "nothing is changed by hamedic; a higher `fall` hides short failures, and "
                        "notices long ones later",
                .unlike = {{"backend-slow-check", "that one is down, and stays so"},
                           {"backend-refused", "there the service is gone for good"}},
            },
    },
    {
        .slug = "backend-dns",
        .severity = SEVERITY_WARNING,
        .look = resolve_look_dns,
        .explain =
            {
                .line = "the name of a server does not resolve",
                .means = "HAProxy takes a server whose name has no address out of service, MAINT "
                         "(resolution), until one of its resolvers tells it one",
                .proof = "the state in show stat. Slots of a server-template that its name has "
                         "no address for today are no fault",
                .repair = "advice: the name, the name servers to ask, and the line",
                .cost = "nothing is changed by hamedic",
                .unlike = {{"backend-maintenance",
                            "there a person or an agent said so, not the name service"},
                           {"backend-unreachable", "an address is known there, and no way to it"}},
            },
    },
    {
        .slug = "backend-empty",
        .severity = SEVERITY_WARNING,
        .look = resolve_look_empty,
        .explain =
            {
                .line = "a backend in use has no server at all",
                .means = "requests are sent to a backend that has no server line and no rule "
                         "that answers in their place: each of them gets 503, though nothing is "
                         "down",
                .proof = "the configuration has no server there and sends requests to it, and "
                         "the running process has none either",
                .repair = "advice: the section to give servers, and who sends requests there",
                .cost = "nothing is changed by hamedic",
                .unlike = {{"backend-maintenance",
                            "there are servers there, and somebody took them out"},
                           {"backend-refused", "there are servers there, and they do not answer"}},
            },
    },
    {
        .slug = "backend-maintenance",
        .severity = SEVERITY_NOTICE,
        .look = resolve_look_maintenance,
        .explain =
            {
                .line = "somebody took the server out of service",
                .means = "a person or a program set it to maintenance or drain, its agent on the "
                         "server says that it shall not serve, or the file has it disabled or "
                         "without weight: no fault, but its traffic is on the others",
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
