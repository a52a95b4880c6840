/* observe/facts: what was seen on the host, by source, and nothing of what it means.
 * Use:     facts_observe(host, &wanted, arena, &facts, err): all collectors, side by side.
 * Shapes:  each source says whether it was seen (ok), is not there (absent: normal on this host)
 *          or could not be read (failed), with the reason. What a source that is not ok would have
 *          filled in is empty.
 * Owns:    everything lives in the arena given.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_FACTS_H
#define HAMEDIC_AGENT_OBSERVE_FACTS_H

#include "agent/observe/load_facts.h"
#include "agent/observe/log_facts.h"
#include "agent/observe/messages.h"
#include "agent/observe/net_facts.h"
#include "agent/observe/port_facts.h"
#include "agent/observe/probe_facts.h"
#include "remediations/host/audit.h"
#include "remediations/host/fd_budget.h"
#include "remediations/host/haproxy_api.h"
#include "remediations/host/haproxy_cfg.h"
#include "remediations/host/haproxy_errors.h"
#include "remediations/host/selinux.h"
#include "remediations/host/semanage.h"
#include "remediations/host/sockets.h"
#include "remediations/host/systemd.h"
#include "remediations/host/unit_files.h"

enum source_state { SOURCE_ABSENT, SOURCE_OK, SOURCE_FAILED };
enum source_id {
    SOURCE_PROCESS, /* /proc: the HAProxy processes, limits, descriptors, memory */
    SOURCE_UNIT,    /* systemd, or its files */
    SOURCE_CONFIG,  /* haproxy.cfg as parsed here */
    SOURCE_CHECK,   /* haproxy -c */
    SOURCE_STATS,   /* Runtime API */
    SOURCE_SYSCTL,
    SOURCE_SOCKETS,   /* sock_diag */
    SOURCE_PROBE,     /* our own connects to the servers */
    SOURCE_MASTER,    /* `show proc` of HAProxy's master socket */
    SOURCE_AUDIT,     /* SELinux denials of HAProxy, out of the audit log */
    SOURCE_SELINUX,   /* the loaded policy, and its store */
    SOURCE_NETSTAT,   /* the kernel's counters of TCP, over a sample; the listeners meanwhile */
    SOURCE_CONNTRACK, /* connections that the firewall tracks */
    SOURCE_FIREWALL,  /* this host's own packet filter, asked about its ports and servers */
    SOURCE_LINKS,     /* interfaces, addresses, routes and neighbours */
    SOURCE_LOGS,      /* the newest lines of HAProxy's log files, or of the journal */
    SOURCE_LOAD,      /* processors and memory of the worker, over the time that the others take */
    SOURCE_ANSWER, /* what servers say to a question of our own, which their check gave a reason for */
    SOURCE_ERRORS, /* `show errors`: what HAProxy could not read, where its numbers say so */
    SOURCE_JOURNAL, /* what HAProxy, and systemd of it, said since it was started: of a host that keeps no
                       journal, its log files */
    SOURCE_PORTS, /* who holds the ports that the configuration wants */
    SOURCE_COUNT
};
struct source {
    const char *name; /* as in evidence: "process", "unit", "config", "haproxy -c", "stats", ... */
    enum source_state state;
    const char *reason;   /* NULL where ok */
    bool is_late;         /* failed, since it hangs: what else looks at the same may, too */
    int64_t time;         /* when it was read */
    int64_t milliseconds; /* how long that took */
};

struct sysctl_fact {
    const char *key;
    const char *running; /* NULL: this kernel has none, or a tree */
    struct sysctl_boot_fact {
        const char *value, *file;
        size_t line;
        bool for_haproxy; /* the file's name or text speaks of HAProxy, or it is ours */
        bool since_boot;  /* the file was changed after this host was started */
    } boot;
    struct sysctl_boot_fact *others; /* an administrator's assignments that do not win, in order */
    size_t other_count;
    /* What a boot leaves where no file sets it; NULL: not the same on every host. */
    const char *kernel_default;
    /* Boot sets this very value, and nothing that is known sets it later: what runs is what boot
     * set, or what somebody set since. */
    bool follows_boot;
};

#define SELINUX_CURES 4
/* What would let HAProxy's domain use a port whose type it may not use now. */
struct selinux_cure {
    struct strings types; /* labels for the port, the one to prefer first */
    struct selinux_boolean_effect *booleans;
    size_t boolean_count;
};
/* A port that the configuration connects to or binds. */
struct selinux_port_fact {
    const char *protocol; /* "tcp", "udp" */
    uint32_t port;
    unsigned wanted;  /* enum selinux_use: what the configuration does with it */
    unsigned allowed; /* the loaded policy's word */
    const char *type; /* NULL: no record of the policy covers it */
    struct selinux_cure
        cures[SELINUX_CURES]; /* by what it shall be allowed, of what is wanted; empty where it
                                     is allowed */
};
struct selinux_boolean_fact {
    const char *name;
    bool running, persistent;
    size_t other_domains; /* that it reaches besides HAProxy's */
};
struct selinux_facts {
    enum selinux_mode mode;
    const char *domain;     /* HAProxy's: "haproxy_t"; NULL: not known */
    bool domain_permissive; /* the policy denies it nothing, whatever it says */
    const char *unasked;    /* why nothing is known of domain and ports; NULL: it is */
    struct selinux_port_fact *ports;
    size_t port_count;
    struct selinux_boolean_fact *booleans; /* those that concern HAProxy's ports */
    size_t boolean_count;
    const char *unread;            /* why nothing is known of booleans; NULL: it is */
    enum semanage_condition store; /* SEMANAGE_NONE: there is none, or it could not be told */
    bool not_loaded;               /* the kernel holds an older policy than the installed one */
    const char *store_path;        /* "/var/lib/selinux/targeted"; NULL: there is none */
    const char *installed;         /* "/etc/selinux/targeted" */
};

/* What is not the same for all who look. */
struct facts_wanted {
    bool without_logs;   /* to prove a change: no log decides that */
    struct strings logs; /* paths as this process sees them; none: those of the host */
    int64_t logs_since;  /* milliseconds since 1970; 0: FACTS_LOGS_MS before now */
};
#define FACTS_LOGS_MS ((int64_t)15 * 60 * 1000)

struct facts {
    struct facts_wanted wanted;
    int64_t time;
    bool tree; /* under --root: nothing that runs was asked */
    const char *host_name;
    struct source sources[SOURCE_COUNT];

    const struct haproxy *haproxy; /* always there; running may be false */
    int64_t worker_started;        /* seconds since 1970; 0 unknown */
    uint64_t capabilities;         /* effective ones of the master (of the only process) */
    bool capabilities_known;
    int64_t old_worker_descriptors; /* of all old workers together; -1 unknown */
    int64_t told_failures;          /* failed reloads by the master's environment; -1 not told */
    int64_t open_descriptors;       /* of the worker; -1 unknown */
    int64_t memory_available_kib;   /* MemAvailable; -1 unknown */
    int64_t worker_memory_kib;      /* VmRSS of the worker; -1 unknown */

    struct load_facts load; /* SOURCE_LOAD; begin: SOURCE_PROCESS */

    struct unit unit;                 /* SOURCE_UNIT: the files' word; exists false: no such unit */
    struct systemd_unit systemd_unit; /* loaded false: no systemd here */

    const struct cfg *cfg; /* NULL: not readable */
    const char *cfg_error;
    int64_t cfg_changed; /* when its newest file was written; 0 unknown */
    const char *cfg_changed_file;
    struct haproxy_verdict check; /* SOURCE_CHECK */

    struct haproxy_proc master; /* SOURCE_MASTER */

    struct haproxy_info info;
    struct haproxy_stat *stats;
    size_t stat_count;
    struct haproxy_resolver
        *resolvers; /* SOURCE_STATS; asked only where servers have names to resolve */
    size_t resolver_count;
    struct haproxy_capture *captures; /* SOURCE_ERRORS */
    size_t capture_count;
    const char *stats_error; /* "connect: Permission denied", ...; NULL */

    struct sysctl_fact *sysctls;
    size_t sysctl_count;

    struct sockets sockets;
    struct net_facts net; /* SOURCE_NETSTAT and what follows it */

    struct probe *probes;
    size_t probe_count;
    struct probe_source *sources_tried; /* each address of a `source`, tried once */
    size_t source_tried_count;
    struct asked *asked; /* servers that were asked more than whether they are there */
    size_t asked_count;

    struct denials denials; /* SOURCE_AUDIT */
    struct log_facts logs;  /* SOURCE_LOGS */
    struct selinux_facts selinux;
    struct haproxy_messages messages; /* SOURCE_JOURNAL */
    struct port_facts ports;          /* SOURCE_PORTS */

    /* FD budget of the configured maxconn, SOURCE_CONFIG; maxconn 0: not worked out */
    struct fd_budget budget;
};

/* wanted NULL: as a struct of zeros. */
MUST_CHECK int facts_observe(const struct host *host, const struct facts_wanted *wanted,
                             struct arena *arena, struct facts *out_facts, struct err *err);
const struct sysctl_fact *facts_sysctl(const struct facts *facts,
                                       const char *key); /* NULL: not looked at */
bool facts_have(const struct facts *facts, enum source_id id);
/* For who is about to change the host, and would look at the same places again, without a bound.
 * Fails where a source hangs, but for those of logs: nothing is changed there. */
MUST_CHECK int facts_check_late(const struct facts *facts, struct err *err);

#endif
