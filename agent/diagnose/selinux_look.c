#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/selinux.h"

#define PORTS_TOLD_MAX  8 /* ports told one by one; the rest is counted */
#define OTHERS_TOLD_MAX 3

/* ---- bind-selinux ---- */

static void tell_bind(struct diagnosis_work *work, struct finding *finding,
                      const struct selinux_bind *bind)
{
    const struct selinux_port_fact *fact = bind->fact;

    diagnose_evidence(work, finding, SOURCE_CONFIG, "%s: bind %s (%s)",
                      look_shown(bind->proxy->name), look_shown(bind->bind->text),
                      look_place(work, bind->bind->file, bind->bind->line));
    if (look_same(fact->protocol, "tcp") && facts_have(work->facts, SOURCE_SOCKETS))
        diagnose_evidence(work, finding, SOURCE_SOCKETS, "nobody listens on tcp/%" PRIu32,
                          fact->port);
    selinux_tell(work, finding, fact->protocol, fact->port, SELINUX_BIND);
}

static void consequences_of_bind(struct diagnosis_work *work, struct finding *finding)
{
    if (selinux_keeps_down(work)) {
        strings_add(&finding->consequences, work->arena,
                    "HAProxy cannot start: clients get Connection refused on all its ports");
        return;
    }
    strings_add(&finding->consequences, work->arena,
                "clients get Connection refused on these ports");
    if (!work->facts->haproxy->running)
        return;
    strings_add(&finding->consequences, work->arena,
                "a reload fails silently, the old process keeps serving with the old "
                "configuration; a restart stops the service");
}

static void advise_bind(struct diagnosis_work *work, struct finding *finding)
{
    const struct facts *facts = work->facts;
    const char *unit =
        facts->haproxy->unit != NULL ? facts->haproxy->unit : look_shown(facts->unit.name);

    if (!facts->systemd_unit.loaded)
        strings_add(&finding->advice, work->arena,
                    facts->haproxy->running ? "then reload HAProxy: it does not try again by itself"
                                            : "then start HAProxy");
    else if (facts->haproxy->running)
        strings_addf(&finding->advice, work->arena,
                     "then: systemctl reload %s; HAProxy does not try again by itself", unit);
    else
        strings_addf(&finding->advice, work->arena,
                     "then: systemctl reset-failed %s; systemctl start %s", unit, unit);
}

/* What the unit says of a HAProxy that does not run. */
static void tell_unit(struct diagnosis_work *work, struct finding *finding)
{
    const struct systemd_unit *unit = &work->facts->systemd_unit;

    if (!look_is_stopped(work->facts))
        return;
    diagnose_evidence(work, finding, SOURCE_PROCESS, "no haproxy process; %s is installed",
                      work->facts->haproxy->program);
    if (unit->loaded && unit->active_state != NULL)
        diagnose_evidence(work, finding, SOURCE_UNIT, "%s is %s (%s), result %s",
                          look_shown(work->facts->haproxy->unit), unit->active_state,
                          look_shown(unit->sub_state), look_shown(unit->result));
}

static void find_binds_of(struct diagnosis_work *work, const struct cause *cause,
                          enum finding_state state)
{
    const struct selinux_view *view = work->selinux;
    const struct selinux_bind *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < view->bind_count; i++)
        if (view->binds[i].state == state) {
            count++;
            first = first != NULL ? first : &view->binds[i];
        }
    if (first == NULL)
        return;
    const char *port =
        arena_printf(work->arena, "%s/%" PRIu32, first->fact->protocol, first->fact->port);
    const char *more = count > 1 ? arena_printf(work->arena, " and %zu more", count - 1) : "";
    struct finding *finding =
        diagnose_find(work, cause, state, arena_printf(work->arena, "%s%s", port, more));
    finding->summary = arena_printf(work->arena, "SELinux keeps HAProxy (%s) from binding %s%s",
                                    look_shown(work->facts->selinux.domain), port, more);
    count = 0;
    for (size_t i = 0; i < view->bind_count; i++)
        if (view->binds[i].state == state && count++ < PORTS_TOLD_MAX)
            tell_bind(work, finding, &view->binds[i]);
    tell_unit(work, finding);
    if (state == FINDING_POSSIBLE) {
        finding->severity = SEVERITY_WARNING;
        finding->settle = "whether HAProxy tried to bind it: a start or a reload that fails leaves "
                          "a denial (name_bind) in the audit log";
        return;
    }
    consequences_of_bind(work, finding);
    for (size_t i = 0; i < view->bind_count; i++)
        if (view->binds[i].state == state)
            selinux_wish(work, cause, finding, view->binds[i].fact->protocol,
                         view->binds[i].fact->port);
    if (finding->repair.count == 0 || !look_should_run(work->facts))
        advise_bind(work, finding);
}

void selinux_look_bind(struct diagnosis_work *work, const struct cause *cause)
{
    find_binds_of(work, cause, FINDING_PROVEN);
    find_binds_of(work, cause, FINDING_POSSIBLE);
}

static bool is_other(const struct facts *facts, const struct denial *denial)
{
    return denial->port == 0 && !denial->permissive &&
           (facts->selinux.domain == NULL || look_same(denial->source_type, facts->selinux.domain));
}

void selinux_tell_others(struct diagnosis_work *work, struct finding *finding)
{
    const struct facts *facts = work->facts;
    size_t told = 0;

    if (!facts_have(facts, SOURCE_AUDIT) || facts->selinux.mode != SELINUX_ENFORCING)
        return;
    for (size_t i = facts->denials.count; i > 0 && told < OTHERS_TOLD_MAX; i--) {
        const struct denial *denial = &facts->denials.at[i - 1];

        if (!is_other(facts, denial))
            continue;
        diagnose_evidence(work, finding, SOURCE_AUDIT, "denied %s of %s, %s -> %s: the last at %s",
                          denial->permission, denial->object, denial->source_type,
                          denial->target_type, time_text(work->arena, denial->last));
        told++;
    }
    if (told > 0)
        strings_add(&finding->advice, work->arena,
                    "SELinux denied HAProxy what has nothing to do with ports: see that its files, "
                    "sockets and directories have the labels and owners of its package "
                    "(restorecon -nvR on them)");
}

/* ---- boolean-not-persistent ---- */

static const char *word(bool on)
{
    return on ? "on" : "off";
}

static bool is_wished(const struct diagnosis_work *work, const char *address)
{
    for (size_t i = 0; i < work->result->wish_count; i++)
        if (strcmp(work->result->wishes[i].address, address) == 0)
            return true;
    return false;
}

/* "haproxy_connect_any" of haproxy_t, or one that reaches nobody else. */
static bool is_haproxys(const struct selinux_facts *selinux,
                        const struct selinux_boolean_fact *boolean)
{
    size_t len = selinux->domain != NULL ? strlen(selinux->domain) : 0;
    bool named = len > 2 && strcmp(selinux->domain + len - 2, "_t") == 0 &&
                 strncmp(boolean->name, selinux->domain, len - 1) == 0;

    return named || boolean->other_domains == 0;
}

static void find_boolean(struct diagnosis_work *work, const struct cause *cause,
                         const struct selinux_boolean_fact *boolean)
{
    const char *address = arena_printf(work->arena, "selinux.boolean:%s", boolean->name);

    /* What makes it work now makes it so at the next boot too. */
    if (is_wished(work, address))
        return;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, boolean->name);
    finding->summary =
        arena_printf(work->arena, "%s is %s now, and %s after the next boot", boolean->name,
                     word(boolean->running), word(boolean->persistent));
    diagnose_evidence(work, finding, SOURCE_SELINUX, "running %s (the loaded policy)",
                      word(boolean->running));
    diagnose_evidence(work, finding, SOURCE_SELINUX, "persistent %s (the policy store, %s)",
                      word(boolean->persistent), look_shown(work->facts->selinux.store_path));
    strings_addf(&finding->consequences, work->arena,
                 boolean->running
                     ? "after the next boot HAProxy may no longer use the ports that %s gives it"
                     : "the next boot gives HAProxy the ports of %s again",
                 boolean->name);
    if (selinux_is_damaged(work->facts))
        strings_add(&finding->advice, work->arena,
                    "this waits until the policy store is repaired: see selinux-store-damaged");
    else
        diagnose_wish_text(work, cause, address, word(boolean->running),
                           arena_printf(work->arena, "running %s, persistent %s",
                                        word(boolean->running), word(boolean->persistent)));
}

void selinux_look_booleans(struct diagnosis_work *work, const struct cause *cause)
{
    const struct selinux_facts *selinux = &work->facts->selinux;

    if (work->facts->tree || !facts_have(work->facts, SOURCE_SELINUX) ||
        selinux->mode == SELINUX_OFF)
        return;
    for (size_t i = 0; i < selinux->boolean_count; i++)
        if (selinux->booleans[i].running != selinux->booleans[i].persistent &&
            is_haproxys(selinux, &selinux->booleans[i]))
            find_boolean(work, cause, &selinux->booleans[i]);
}

/* ---- selinux-store-damaged ---- */

void selinux_look_store(struct diagnosis_work *work, const struct cause *cause)
{
    const struct selinux_facts *selinux = &work->facts->selinux;
    const char *store = look_shown(selinux->store_path);

    if (!selinux_is_damaged(work->facts))
        return;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, store);
    if (selinux->store == SEMANAGE_NO_ACTIVE) {
        finding->summary = "the SELinux policy store was left half changed: it has no active part";
        diagnose_evidence(work, finding, SOURCE_SELINUX,
                          "%s/active is missing or empty, %s/previous holds the store as it was",
                          store, store);
        strings_addf(&finding->consequences, work->arena,
                     "semanage and semodule see an empty store, and a change made now would "
                     "begin from nothing");
        strings_addf(&finding->advice, work->arena,
                     "let no semanage or semodule run before; where %s/active exists and is "
                     "empty, take it away; then: mv -T %s/previous %s/active; semodule -B",
                     store, store, store);
    } else if (selinux->not_loaded) {
        finding->summary = "the kernel holds an older SELinux policy than the installed one";
        diagnose_evidence(work, finding, SOURCE_SELINUX,
                          "types, booleans or labels of ports in %s/policy, written since the "
                          "boot, are not those in /sys/fs/selinux/policy",
                          look_shown(selinux->installed));
        strings_add(&finding->consequences, work->arena,
                    "what semanage shows is not in force before the next boot");
        strings_add(&finding->advice, work->arena,
                    "see that what the store holds is wanted (semanage export), then load it: "
                    "load_policy");
    } else {
        finding->summary = "the SELinux policy store and the installed policy differ";
        diagnose_evidence(work, finding, SOURCE_SELINUX,
                          "%s/active/policy.kern is not the policy in %s/policy", store,
                          look_shown(selinux->installed));
        strings_add(&finding->consequences, work->arena,
                    "what semanage shows is not what the next boot loads");
        strings_addf(&finding->advice, work->arena,
                     "see that what the store holds is wanted (semanage export), then build and "
                     "install it: semodule -B");
    }
    strings_add(&finding->consequences, work->arena,
                "no SELinux change is planned until the store is repaired");
    strings_add(&finding->advice, work->arena,
                "where hamedic itself was interrupted: hamedic recover");
}
