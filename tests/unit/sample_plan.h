/* tests/unit/sample_plan: one plan in which every field has a value, for the tests of plans/. */
#ifndef HAMEDIC_TESTS_SAMPLE_PLAN_H
#define HAMEDIC_TESTS_SAMPLE_PLAN_H

#include <string.h>

#include "plans/codec.h"

#define SAMPLE_TIME   ((int64_t)1795338842)
#define SAMPLE_DIGEST "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"

static inline void sample_finding_add(struct plan *plan, struct arena *arena)
{
    struct finding finding = {
        .cause = "backend-selinux",
        .state = FINDING_PROVEN,
        .severity = SEVERITY_CRITICAL,
        .object = "be_api",
        .summary = "SELinux keeps HAProxy (haproxy_t) from connecting to tcp/8888. "
                   "The servers answer.",
    };

    ARENA_PUSH(arena, finding.evidence, finding.evidence_count) =
        (struct evidence){"stats", SAMPLE_TIME,
                          "be_api/app1 DOWN L4CON \"General socket error (Permission denied)\""};
    ARENA_PUSH(arena, finding.evidence, finding.evidence_count) = (struct evidence){
        "policy", SAMPLE_TIME + 1, "haproxy_t may not name_connect unreserved_port_t"};
    strings_add(&finding.consequences, arena, "every request to be_api gets 503");
    ARENA_PUSH(arena, plan->findings, plan->finding_count) = finding;

    struct finding possible = {
        .cause = "backend-timeout",
        .state = FINDING_POSSIBLE,
        .severity = SEVERITY_WARNING,
        .object = "be_old/app9",
        .summary = "Connections to 10.0.3.19:80 time out.",
        .settle = "a capture on 10.0.3.19 that shows whether the SYN arrives",
    };
    strings_add(&possible.advice, arena, "look at the firewall before 10.0.3.19 (tcp/80)");
    ARENA_PUSH(arena, plan->findings, plan->finding_count) = possible;
}

static inline void sample_changes_add(struct plan *plan, struct arena *arena)
{
    struct change port = {
        .address = "selinux.port:tcp/8888",
        .kind = "selinux.port",
        .target = "tcp/8888",
        .action = ACTION_CREATE,
        .after = {"http_port_t", "http_port_t"},
        .risk = RISK_MEDIUM,
        .impact = IMPACT_NONE,
        .undo = "delete the local label of tcp/8888",
    };
    ARENA_PUSH(arena, port.touched, port.touched_count) =
        (struct touched){"selinux port tcp/8888", "absent"};
    strings_add(&port.why, arena, "backend-selinux");
    strings_add(&port.exposure, arena, "tcp/8888 for haproxy_t (bind, connect)");
    ARENA_PUSH(arena, plan->changes, plan->change_count) = port;

    struct change reserve = {
        .address = "sysctl.dropin:net.ipv4.ip_local_reserved_ports",
        .kind = "sysctl.dropin",
        .target = "net.ipv4.ip_local_reserved_ports",
        .action = ACTION_UPDATE,
        .before = {NULL, ""},
        .after = {"8404,8443", "8404,8443"},
        .file = "/etc/sysctl.d/99-hamedic.conf",
        .risk = RISK_LOW,
        .impact = IMPACT_RELOAD,
        .undo = "delete the file, set the running value back to \"\"",
    };
    ARENA_PUSH(arena, reserve.touched, reserve.touched_count) =
        (struct touched){"/etc/sysctl.d/99-hamedic.conf", SAMPLE_DIGEST};
    strings_add(&reserve.diff, arena, "+net.ipv4.ip_local_reserved_ports = 8404,8443");
    strings_add(&reserve.why, arena, "port-range-overlap");
    strings_add(&reserve.notes, arena, "2 ports that HAProxy binds lie in the range");
    ARENA_PUSH(arena, plan->changes, plan->change_count) = reserve;
}

static inline struct plan sample_plan(struct arena *arena)
{
    struct plan plan = {
        .id = "7f3a9c0123456789abcdef0123456789",
        .created = SAMPLE_TIME,
        .expires = SAMPLE_TIME + 86400,
        .agent = "0.1.0",
        .haproxy = "2.6.12",
        .risk = RISK_MEDIUM,
        .approvals = 1,
    };

    plan.host.machine = "00ff00ff00ff00ff";
    plan.host.lineage = "aa55aa55aa55aa55";
    plan.host.name = "lb01";
    plan.policy.name = "default";
    plan.policy.digest = SAMPLE_DIGEST;
    sample_finding_add(&plan, arena);
    sample_changes_add(&plan, arena);
    strings_add(&plan.advice, arena, "open tcp/80 from lb01 to 10.0.3.19 in its firewall");
    strings_add(&plan.activates, arena, "frontend fe_web: maxconn 2000 in the file, 1000 running");
    strings_add(&plan.not_checked, arena, "journal: no systemd-journald on this host");
    return plan;
}

static inline struct diagnosis sample_diagnosis(struct arena *arena)
{
    struct plan plan = sample_plan(arena);
    struct diagnosis diagnosis = {.host = "lb01",
                                  .haproxy = "2.6.12",
                                  .running = true,
                                  .frontends = 3,
                                  .backends = 4,
                                  .servers = 31,
                                  .time = SAMPLE_TIME};

    diagnosis.findings = plan.findings;
    diagnosis.finding_count = plan.finding_count;
    diagnosis.not_checked = plan.not_checked;
    ARENA_PUSH(arena, diagnosis.sources, diagnosis.source_count) =
        (struct diagnosis_source){"stats", "ok", NULL, 12};
    ARENA_PUSH(arena, diagnosis.sources, diagnosis.source_count) =
        (struct diagnosis_source){"journal", "absent", "no systemd-journald on this host", 0};
    return diagnosis;
}

#endif
