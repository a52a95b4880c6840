#include "remediations/selinux_exposure.h"

#include <stdlib.h>
#include <string.h>

#include "plans/base/text.h"
#include "remediations/host/selinux.h"
#include "remediations/host/selinux_policy.h"

enum { NAMED_MAX = 4 };

/* ---- HAProxy's domain ---- */
static const char *running_domain(const struct scene *scene, struct arena *arena)
{
    pid_t pid = scene->haproxy->master != 0 ? scene->haproxy->master : scene->haproxy->worker;
    struct selinux_domain domain;
    struct err ignored;

    if (!scene->haproxy->running || pid == 0 ||
        selinux_domain(scene->host, pid, NULL, arena, &domain, &ignored) < 0)
        return NULL;
    return domain.type;
}

static const char *find_domain(const struct scene *scene, const struct selinux_policy *policy,
                               struct arena *arena)
{
    const char *domain = running_domain(scene, arena);

    if (domain == NULL)
        domain = "haproxy_t";
    return selinux_policy_has_type(policy, domain) ? domain : NULL;
}

/* ---- words ---- */
static const char *count_text(uint64_t count, struct arena *arena)
{
    if (count < 1000)
        return arena_printf(arena, "%u", (unsigned)count);
    return arena_printf(arena, "%u,%03u", (unsigned)(count / 1000), (unsigned)(count % 1000));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All names of both, each once and in order, without HAProxy's own. */
static struct strings others_of(const struct strings *one, const struct strings *two,
                                const char *domain, struct arena *arena)
{
    const struct strings *const lists[] = {one, two};
    struct strings others = {0};

    for (size_t list = 0; list < 2; list++)
        for (size_t at = 0; at < lists[list]->count; at++) {
            const char *name = lists[list]->at[at];
            if ((domain == NULL || strcmp(name, domain) != 0) &&
                (list == 0 || !strings_have(one, name)))
                strings_add(&others, arena, name);
        }
    if (others.count > 1)
        qsort(others.at, others.count, sizeof *others.at, compare_names);
    return others;
}

static const char *ways(bool connects, bool binds)
{
    return connects && binds ? "connect, bind" : connects ? "connect" : "bind";
}

static size_t count_without(const struct strings *names, const char *domain)
{
    return names->count - (domain != NULL && strings_have(names, domain) ? 1 : 0);
}

/* "14 other domains (12 connect, 8 bind): cupsd_t, httpd_t and 12 more" */
static void add_others(struct text *text, const struct strings *connect, const struct strings *bind,
                       const char *domain, const char *other)
{
    struct strings others = others_of(connect, bind, domain, text->arena);
    size_t connects = count_without(connect, domain), binds = count_without(bind, domain);

    text_addf(text, "%zu %sdomain%s (", others.count, other, others.count == 1 ? "" : "s");
    if (connects == others.count || binds == others.count)
        text_add(text, ways(connects == others.count, binds == others.count));
    else
        text_addf(text, "%zu connect, %zu bind", connects, binds);
    text_add(text, "): ");
    /* One more name takes no more room than "and 1 more". */
    size_t shown = others.count <= NAMED_MAX + 1 ? others.count : NAMED_MAX;
    for (size_t at = 0; at < shown; at++)
        text_addf(text, "%s%s", at == 0 ? "" : ", ", others.at[at]);
    if (shown < others.count)
        text_addf(text, " and %zu more", others.count - shown);
}

/* "haproxy_t (connect, bind) and 2 other domains (...): ..."; NULL: nobody. */
static const char *who(const struct strings *connect, const struct strings *bind,
                       const char *domain, struct arena *arena)
{
    bool connects = domain != NULL && strings_have(connect, domain);
    bool binds = domain != NULL && strings_have(bind, domain);
    bool others = count_without(connect, domain) + count_without(bind, domain) > 0;
    struct text text = text_new(arena);

    if (!connects && !binds && !others)
        return NULL;
    if (connects || binds)
        text_addf(&text, "%s (%s)%s", domain, ways(connects, binds), others ? " and " : "");
    if (others)
        add_others(&text, connect, bind, domain, connects || binds ? "other " : "");
    return text_string(&text);
}

/* ---- labels ---- */
static int count_label(const struct scene *scene, const char *protocol, const char *from,
                       const char *to, struct arena *arena, struct change *change, struct err *err)
{
    struct selinux_policy *policy CLEANUP_SELINUX_POLICY = NULL;
    struct selinux_label_effect effect;

    if (selinux_policy_open(scene->host, &policy, err) < 0 ||
        selinux_policy_label_effect(policy, protocol, from, to, arena, &effect, err) < 0)
        return -1;
    const char *domain = find_domain(scene, policy, arena);
    const char *gain = who(&effect.connect_gain, &effect.bind_gain, domain, arena);
    const char *lose = who(&effect.connect_lose, &effect.bind_lose, domain, arena);
    if (gain != NULL)
        strings_addf(&change->exposure, arena, "%s for %s", change->target, gain);
    else
        strings_addf(&change->notes, arena, "%s opens to no domain that could not use it before",
                     change->target);
    if (lose != NULL)
        strings_addf(&change->notes, arena, "takes %s from %s", change->target, lose);
    return 0;
}

void selinux_exposure_of_label(const struct scene *scene, const char *protocol, const char *from,
                               const char *to, struct arena *arena, struct change *change)
{
    struct err err;

    if (count_label(scene, protocol, from, to, arena, change, &err) == 0)
        return;
    strings_addf(&change->exposure, arena, "%s for HAProxy and every other domain that may use %s",
                 change->target, to == NULL ? "ports without a label" : to);
    strings_addf(&change->notes, arena, "who they are was not counted: %s", err.text);
}

/* ---- booleans ---- */
static const char *ports_of(const struct selinux_boolean_effect *effect, const char *more,
                            struct arena *arena)
{
    const char *connect = count_text(effect->connect_ports, arena);
    const char *bind = count_text(effect->bind_ports, arena);
    bool only_binds = effect->connect_ports == 0;
    const char *end = (only_binds ? effect->bind_ports : effect->connect_ports) == 1 ? "" : "s";

    if (effect->bind_ports == 0)
        return arena_printf(arena, "%s %sTCP port%s to connect to", connect, more, end);
    if (only_binds)
        return arena_printf(arena, "%s %sTCP port%s to bind", bind, more, end);
    return arena_printf(arena, "%s %sTCP port%s to connect to and %s to bind", connect, more, end,
                        bind);
}

static void tell_on(const struct selinux_boolean_effect *effect, const char *domain,
                    struct arena *arena, struct change *change)
{
    if (domain != NULL && effect->connect_ports + effect->bind_ports > 0)
        strings_addf(&change->exposure, arena, "%s, for %s", ports_of(effect, "more ", arena),
                     domain);
    else if (domain != NULL)
        strings_addf(&change->notes, arena, "%s gains no TCP port by it", domain);
    if (effect->other_domains > 0)
        strings_addf(&change->exposure, arena, "what its rules allow %s other domain%s",
                     count_text(effect->other_domains, arena),
                     effect->other_domains == 1 ? "" : "s");
    else
        strings_add(&change->notes, arena, "no other domain gains by it");
}

static void tell_off(const struct selinux_boolean_effect *effect, const char *domain,
                     struct arena *arena, struct change *change)
{
    if (domain != NULL && effect->connect_ports + effect->bind_ports > 0)
        strings_addf(&change->notes, arena, "takes %s from %s", ports_of(effect, "", arena),
                     domain);
    if (effect->other_domains > 0)
        strings_addf(&change->notes, arena, "takes from %s other domain%s what its rules allow",
                     count_text(effect->other_domains, arena),
                     effect->other_domains == 1 ? "" : "s");
}

static int count_boolean(const struct scene *scene, bool on, struct arena *arena,
                         struct change *change, struct err *err)
{
    struct selinux_policy *policy CLEANUP_SELINUX_POLICY = NULL;
    struct selinux_boolean_effect effect;

    if (selinux_policy_open(scene->host, &policy, err) < 0)
        return -1;
    const char *domain = find_domain(scene, policy, arena);
    if (selinux_policy_boolean_effect(policy, change->target, domain, arena, &effect, err) < 0)
        return -1;
    if (on)
        tell_on(&effect, domain, arena, change);
    else
        tell_off(&effect, domain, arena, change);
    return 0;
}

void selinux_exposure_of_boolean(const struct scene *scene, bool on, struct arena *arena,
                                 struct change *change)
{
    struct err err;

    if (count_boolean(scene, on, arena, change, &err) == 0)
        return;
    if (on)
        strings_addf(&change->exposure, arena, "everything that the policy allows under '%s'",
                     change->target);
    strings_addf(&change->notes, arena, "what that is was not counted: %s", err.text);
}
