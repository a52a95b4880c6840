/* What the next boot sets, and what runs: kernel settings that will not be what they are now. */
#include <string.h>

#include "agent/diagnose/boot.h"
#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/ports.h"
#include "remediations/host/sysctl.h"

#define OTHERS_MAX 6

static bool same_setting(const char *a, const char *b)
{
    return a != NULL && b != NULL && sysctl_same_value(a, b);
}

/* A connection tracker's module may come after all files were read, and reset what they set. */
static bool is_sure(const char *key)
{
    return strncmp(key, "net.netfilter.", 14) != 0;
}

static bool in_other_network(const struct facts *facts, const char *key)
{
    return facts->haproxy->running && !facts->haproxy->same_network && strncmp(key, "net.", 4) == 0;
}

/* What hamedic changes by itself. The others open more than room: ip_nonlocal_bind lets a program
 * take another host's address, and so on. */
static bool is_changed_here(const char *key)
{
    static const char *const keys[] = {
        "fs.file-max",
        "fs.nr_open",
        "net.core.somaxconn",
        "net.ipv4.tcp_max_syn_backlog",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_tw_reuse",
    };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static void wish_value(struct diagnosis_work *work, const struct cause *cause,
                       struct finding *finding, const char *key, const char *value,
                       const char *because)
{
    const char *address = arena_printf(work->arena, "sysctl.dropin:%s", key);
    uint64_t number, bound = look_bound(work, address);

    /* An empty wish would take away what is ours. */
    if (value[0] == '\0' || !is_changed_here(key)) {
        strings_addf(&finding->advice, work->arena,
                     "where it is meant to stay, set %s = %s by hand in the file that wins", key,
                     value);
        return;
    }
    if (span_scan_u64(span_of(value), &number) && number > bound) {
        strings_addf(&finding->advice, work->arena,
                     "set %s to %s by hand: the policy allows no more than %ju", key, value,
                     (uintmax_t)bound);
        return;
    }
    diagnose_wish_text(work, cause, address, value, because);
}

/* ---- sysctl-overridden ---- */

enum overridden { OVERRIDDEN_NOT, OVERRIDDEN_PERHAPS, OVERRIDDEN_SURELY };

static bool range_gives_more(const char *a, const char *b)
{
    struct port_range mine = port_range_parse(a), other = port_range_parse(b);

    return mine.known && other.known && mine.high - mine.low > other.high - other.low;
}

static bool ports_give_more(const char *a, const char *b)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct port_set *both = port_set_new(arena), *other = port_set_new(arena);

    port_set_add_text(both, a);
    port_set_add_text(both, b);
    port_set_add_text(other, b);
    return port_set_count(both, 0, 65535) > port_set_count(other, 0, 65535);
}

/* A value that loses to one which gives more is no loss. Where more is not better, each other value
 * is. */
static bool gives_more(const char *key, const char *a, const char *b)
{
    static const char *const amounts[] = {"fs.file-max", "fs.nr_open", "net.core.somaxconn",
                                          "net.ipv4.tcp_max_syn_backlog",
                                          "net.netfilter.nf_conntrack_max"};
    uint64_t mine, other;

    if (strcmp(key, "net.ipv4.ip_local_port_range") == 0)
        return range_gives_more(a, b);
    if (strcmp(key, "net.ipv4.ip_local_reserved_ports") == 0)
        return ports_give_more(a, b);
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
        if (strcmp(amounts[i], key) == 0)
            return span_scan_u64(span_of(a), &mine) && span_scan_u64(span_of(b), &other) &&
                   mine > other;
    return true;
}

/* Vendors' files that lose are not among the others. Where the file that wins is HAProxy's own
 * concern, those before it are what it is there to override. */
static enum overridden judge_other(const struct sysctl_fact *fact,
                                   const struct sysctl_boot_fact *other)
{
    if (same_setting(other->value, fact->boot.value) || fact->boot.for_haproxy ||
        !gives_more(fact->key, look_shown(other->value), fact->boot.value))
        return OVERRIDDEN_NOT;
    if (is_sure(fact->key) && (other->for_haproxy || same_setting(other->value, fact->running)))
        return OVERRIDDEN_SURELY;
    return OVERRIDDEN_PERHAPS;
}

/* The one that is meant: the surest, and of those the last, which would win without the winner. */
static enum overridden find_overridden(const struct sysctl_fact *fact,
                                       const struct sysctl_boot_fact **out_other)
{
    enum overridden most = OVERRIDDEN_NOT;
    bool for_haproxy = false;

    for (size_t i = 0; fact->boot.value != NULL && i < fact->other_count; i++) {
        const struct sysctl_boot_fact *other = &fact->others[i];
        enum overridden now = judge_other(fact, other);

        if (now == OVERRIDDEN_NOT || now < most || (for_haproxy && !other->for_haproxy))
            continue;
        most = now;
        for_haproxy = other->for_haproxy;
        *out_other = other;
    }
    return most;
}

const char *boot_overridden_value(const struct facts *facts, const char *key)
{
    const struct sysctl_fact *fact = facts_sysctl(facts, key);
    const struct sysctl_boot_fact *other = NULL;

    return fact != NULL && find_overridden(fact, &other) == OVERRIDDEN_SURELY && other->for_haproxy
               ? other->value
               : NULL;
}

static void tell_files(struct diagnosis_work *work, struct finding *finding,
                       const struct sysctl_fact *fact)
{
    for (size_t i = 0; i < fact->other_count && i < OTHERS_MAX; i++)
        diagnose_evidence(work, finding, SOURCE_SYSCTL, "%s:%zu sets %s = \"%s\"",
                          look_shown(fact->others[i].file), fact->others[i].line, fact->key,
                          look_shown(fact->others[i].value));
    if (fact->boot.value != NULL)
        diagnose_evidence(work, finding, SOURCE_SYSCTL, "%s:%zu sets %s = \"%s\", and wins at boot",
                          look_shown(fact->boot.file), fact->boot.line, fact->key,
                          fact->boot.value);
    else
        diagnose_evidence(work, finding, SOURCE_SYSCTL,
                          "no file sets %s: the kernel's default at boot is \"%s\"", fact->key,
                          look_shown(fact->kernel_default));
    if (fact->running != NULL)
        diagnose_evidence(work, finding, SOURCE_SYSCTL, "%s = \"%s\" now", fact->key,
                          fact->running);
}

static void overridden_is(struct diagnosis_work *work, const struct cause *cause,
                          const struct sysctl_fact *fact, const struct sysctl_boot_fact *other,
                          bool surely)
{
    struct finding *finding =
        diagnose_find(work, cause, surely ? FINDING_PROVEN : FINDING_POSSIBLE, fact->key);

    finding->summary = arena_printf(work->arena, "%s in %s has no effect: %s wins at boot with %s",
                                    fact->key, look_shown(other->file), look_shown(fact->boot.file),
                                    look_shown(fact->boot.value));
    tell_files(work, finding, fact);
    if (!surely) {
        finding->severity = SEVERITY_NOTICE;
        finding->settle = "which of the two values is meant: nothing says that either is for "
                          "HAProxy";
        return;
    }
    strings_addf(&finding->consequences, work->arena,
                 same_setting(fact->running, other->value)
                     ? "it works now; after the next boot %s is %s"
                     : "%s is %s, not what was set for HAProxy",
                 fact->key, fact->boot.value);
    wish_value(work, cause, finding, fact->key, other->value,
               arena_printf(work->arena, "%s:%zu sets it, and loses to %s:%zu",
                            look_shown(other->file), other->line, look_shown(fact->boot.file),
                            fact->boot.line));
}

void boot_look_sysctl_overridden(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    for (size_t i = 0; facts_have(facts, SOURCE_SYSCTL) && i < facts->sysctl_count; i++) {
        const struct sysctl_fact *fact = &facts->sysctls[i];
        const struct sysctl_boot_fact *other = NULL;
        enum overridden how = find_overridden(fact, &other);

        if (how != OVERRIDDEN_NOT && !in_other_network(facts, fact->key))
            overridden_is(work, cause, fact, other, how == OVERRIDDEN_SURELY);
    }
}

/* ---- sysctl-not-persistent ---- */

/* The ports that are reserved may be written in many ways. */
static const char *one_form(struct diagnosis_work *work, const char *key, const char *value)
{
    struct port_set *set;

    if (strcmp(key, "net.ipv4.ip_local_reserved_ports") != 0)
        return value;
    set = port_set_new(work->arena);
    port_set_add_text(set, value);
    return port_set_text(set, work->arena);
}

static void not_persistent(struct diagnosis_work *work, const struct cause *cause,
                           const struct sysctl_fact *fact, const char *boot)
{
    /* A file that was written since this host was started may be what is meant, and was not loaded
     * yet. */
    bool surely = fact->boot.value == NULL || !fact->boot.since_boot;
    struct finding *finding =
        diagnose_find(work, cause, surely ? FINDING_PROVEN : FINDING_POSSIBLE, fact->key);

    finding->summary = arena_printf(work->arena, "%s is \"%s\" now, and \"%s\" after the next boot",
                                    fact->key, fact->running, boot);
    tell_files(work, finding, fact);
    if (!surely) {
        finding->severity = SEVERITY_NOTICE;
        finding->settle =
            arena_printf(work->arena,
                         "which of the two is meant: %s was written since this host was started "
                         "(sysctl --system would load it)",
                         look_shown(fact->boot.file));
        return;
    }
    strings_add(&finding->consequences, work->arena,
                "what was changed in the running kernel is lost at the next boot");
    wish_value(work, cause, finding, fact->key, fact->running,
               arena_printf(work->arena, "it is the running value, and a boot would make it \"%s\"",
                            boot));
}

void boot_look_sysctl_not_persistent(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    for (size_t i = 0; facts_have(facts, SOURCE_SYSCTL) && i < facts->sysctl_count; i++) {
        const struct sysctl_fact *fact = &facts->sysctls[i];
        const struct sysctl_boot_fact *other = NULL;
        const char *boot = fact->boot.value != NULL ? fact->boot.value : fact->kernel_default;

        if (!fact->follows_boot || fact->running == NULL || boot == NULL ||
            in_other_network(facts, fact->key) ||
            same_setting(one_form(work, fact->key, fact->running), one_form(work, fact->key, boot)))
            continue;
        /* That says more: which file is in the way. */
        if (find_overridden(fact, &other) != OVERRIDDEN_SURELY)
            not_persistent(work, cause, fact, boot);
    }
}
