#include "policies/never.h"

#include <stddef.h>
#include <string.h>

#include "plans/base/span.h"
#include "policies/pattern.h"

static const struct {
    const char *kind;
    const char *target; /* pattern */
    const char *reason;
} never[] = {
    {"sysctl.dropin", "kernel.core_pattern", "the kernel would run a program that it names"},
    {"sysctl.dropin", "kernel.modprobe", "the kernel would run a program that it names"},
    {"sysctl.dropin", "kernel.hotplug", "the kernel would run a program that it names"},
    {"sysctl.dropin", "kernel.poweroff_cmd", "the kernel would run a program that it names"},
    {"sysctl.dropin", "kernel.usermodehelper.**", "it decides what programs the kernel runs"},
    {"selinux.boolean", "nis_enabled", "it opens ports to every domain that looks up a name"},
    {"selinux.boolean", "secure_mode**", "it could not be taken back without a reboot"},
};

/* Where a kind stands here, a '*' reaches only these targets of it. */
static const struct {
    const char *kind;
    const char *target;
} reachable[] = {
    {"selinux.boolean", "haproxy_*"},     {"sysctl.dropin", "net.**"},
    {"sysctl.dropin", "fs.file-max"},     {"sysctl.dropin", "fs.nr_open"},
    {"systemd.limit", "haproxy.service"}, {"systemd.limit", "haproxy@*.service"},
};

/* A sysctl can be written with '/' in the place of '.', and then '.' in that of '/'. */
static bool is_same_sysctl(const char *pattern, const char *target)
{
    char dotted[256];
    size_t len = strlen(target);

    if (len >= sizeof dotted)
        return false;
    memcpy(dotted, target, len + 1);
    for (char *slash = dotted; (slash = strchr(slash, '/')) != NULL;)
        *slash = '.';
    return pattern_matches(pattern, dotted);
}

static bool is_port(const char *target)
{
    struct span rest = span_of(target);
    struct span protocol = span_cut(&rest, '/');
    uint64_t port;

    if (!span_is(protocol, "tcp") && !span_is(protocol, "udp") && !span_is(protocol, "dccp") &&
        !span_is(protocol, "sctp"))
        return false;
    return span_scan_u64(rest, &port) && port >= 1 && port <= 65535;
}

const char *never_reason(const char *kind, const char *target)
{
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strcmp(kind, never[i].kind) == 0 &&
            (pattern_matches(never[i].target, target) || is_same_sysctl(never[i].target, target)))
            return never[i].reason;
    /* libsemanage takes port 0, and cuts 70000 to 4464. */
    if (strcmp(kind, "selinux.port") == 0 && !is_port(target))
        return "ports are tcp/1 to tcp/65535, or udp";
    return NULL;
}

bool never_wildcard_reaches(const char *kind, const char *target)
{
    bool listed = false;

    for (size_t i = 0; i < sizeof reachable / sizeof *reachable; i++) {
        if (strcmp(kind, reachable[i].kind) != 0)
            continue;
        listed = true;
        if (pattern_matches(reachable[i].target, target))
            return true;
    }
    return !listed;
}
