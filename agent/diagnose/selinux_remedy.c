#include "agent/diagnose/selinux.h"

#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/look.h"

/* More ports than this are better opened by the boolean that is made for it: each label is one more
 * thing that somebody must know of. */
#define LABELS_MAX 8

void selinux_require(struct diagnosis_work *work, const char *protocol, uint32_t port, unsigned use)
{
    struct selinux_view *view = work->selinux;
    const struct selinux_port_fact *fact = selinux_find_port(work, protocol, port);

    if (fact == NULL || (fact->allowed & use) != 0)
        return;
    for (size_t i = 0; i < view->need_count; i++)
        if (view->needs[i].fact == fact) {
            view->needs[i].uses |= use;
            return;
        }
    ARENA_PUSH(work->arena, view->needs, view->need_count) =
        (struct selinux_need){.fact = fact, .uses = use};
}

static const struct selinux_cure *cure_of(const struct selinux_need *need)
{
    return &need->fact->cures[need->uses % SELINUX_CURES];
}

/* A label takes the port from the service that has it: only those of nobody are free. */
static const char *label_for(const struct selinux_need *need)
{
    const struct selinux_cure *cure = cure_of(need);

    return selinux_is_nobodys(need->fact->type) && cure->types.count > 0 ? cure->types.at[0] : NULL;
}

/* Never one that reaches other domains too: who turns it on for HAProxy turns it on for them. */
static bool is_own(const struct selinux_boolean_effect *effect)
{
    return effect->other_domains == 0;
}

static const struct selinux_boolean_effect *boolean_for(const struct selinux_need *need)
{
    const struct selinux_cure *cure = cure_of(need);
    const struct selinux_boolean_effect *best = NULL;

    for (size_t i = 0; i < cure->boolean_count; i++) {
        const struct selinux_boolean_effect *effect = &cure->booleans[i];

        if (is_own(effect) && (best == NULL || effect->connect_ports + effect->bind_ports <
                                                   best->connect_ports + best->bind_ports))
            best = effect;
    }
    return best;
}

static bool is_cured_by(const struct selinux_need *need, const char *boolean)
{
    const struct selinux_cure *cure = cure_of(need);

    for (size_t i = 0; i < cure->boolean_count; i++)
        if (is_own(&cure->booleans[i]) && look_same(cure->booleans[i].name, boolean))
            return true;
    return false;
}

/* One that is on at the next boot already, and was turned off in the running policy: nothing new is
 * opened by it. */
static const char *boolean_at_boot(const struct facts *facts, const struct selinux_need *need)
{
    for (size_t i = 0; i < facts->selinux.boolean_count; i++) {
        const struct selinux_boolean_fact *boolean = &facts->selinux.booleans[i];

        if (boolean->persistent && !boolean->running && is_cured_by(need, boolean->name))
            return boolean->name;
    }
    return NULL;
}

static void choose_each(struct diagnosis_work *work)
{
    struct selinux_view *view = work->selinux;

    for (size_t i = 0; i < view->need_count; i++) {
        struct selinux_need *need = &view->needs[i];
        const struct selinux_boolean_effect *effect = boolean_for(need);
        const char *boolean = boolean_at_boot(work->facts, need);

        need->remedy = REMEDY_BOOLEAN;
        if (boolean != NULL) {
            need->value = boolean;
            continue;
        }
        need->value = label_for(need);
        if (need->value != NULL)
            need->remedy = REMEDY_LABEL;
        else if (effect != NULL)
            need->value = effect->name;
        else
            need->remedy = REMEDY_NONE;
    }
}

static void use_boolean(struct selinux_view *view, const char *boolean)
{
    for (size_t i = 0; i < view->need_count; i++)
        if (is_cured_by(&view->needs[i], boolean)) {
            view->needs[i].remedy = REMEDY_BOOLEAN;
            view->needs[i].value = boolean;
        }
}

/* Where there are too many labels: the boolean that takes the place of most of them. */
static const char *boolean_for_labels(const struct selinux_view *view)
{
    const char *best = NULL;
    size_t best_count = LABELS_MAX;

    for (size_t i = 0; i < view->need_count; i++) {
        const struct selinux_boolean_effect *effect = boolean_for(&view->needs[i]);
        size_t count = 0;

        for (size_t k = 0; effect != NULL && k < view->need_count; k++)
            count +=
                view->needs[k].remedy == REMEDY_LABEL && is_cured_by(&view->needs[k], effect->name);
        if (count > best_count) {
            best = effect->name;
            best_count = count;
        }
    }
    return best;
}

/* What is opened anyway needs no label on top. */
static void choose_together(struct selinux_view *view)
{
    for (size_t i = 0; i < view->need_count; i++)
        if (view->needs[i].remedy == REMEDY_BOOLEAN)
            use_boolean(view, view->needs[i].value);
    const char *boolean = boolean_for_labels(view);
    if (boolean != NULL)
        use_boolean(view, boolean);
}

void selinux_choose(struct diagnosis_work *work)
{
    choose_each(work);
    choose_together(work->selinux);
}

/* ---- words ---- */

static const char *effect_text(struct diagnosis_work *work,
                               const struct selinux_boolean_effect *effect)
{
    return arena_printf(work->arena,
                        "%s opens %" PRIu64 " TCP ports to connect to and %" PRIu64 " to bind",
                        effect->name, effect->connect_ports, effect->bind_ports);
}

static const char *use_text(unsigned uses)
{
    static const char *const words[SELINUX_CURES] = {"use", "connect to", "bind",
                                                     "connect to and bind"};

    return words[uses % SELINUX_CURES];
}

static void wish_label(struct diagnosis_work *work, const struct cause *cause,
                       const struct selinux_need *need, const char *address)
{
    const struct selinux_port_fact *fact = need->fact;
    const struct selinux_boolean_effect *effect = boolean_for(need);
    const char *because =
        arena_printf(work->arena, "%s may not %s %s/%" PRIu32 " as %s, and may as %s%s%s",
                     work->facts->selinux.domain, use_text(need->uses), fact->protocol, fact->port,
                     fact->type != NULL ? fact->type : "what no record covers", need->value,
                     effect != NULL ? "; not the boolean: " : "",
                     effect != NULL ? effect_text(work, effect) : "");

    diagnose_wish_text(work, cause, address, need->value, because);
}

static void wish_boolean(struct diagnosis_work *work, const struct cause *cause,
                         const struct selinux_need *need, const char *address)
{
    const struct selinux_port_fact *fact = need->fact;
    const struct selinux_cure *cure = cure_of(need);
    const char *reason = "it is needed for other ports, or these are too many to label each";
    const char *opens = need->value;

    for (size_t i = 0; i < cure->boolean_count; i++)
        if (look_same(cure->booleans[i].name, need->value))
            opens = effect_text(work, &cure->booleans[i]);
    if (boolean_at_boot(work->facts, need) != NULL)
        reason = "the next boot turns it on anyway";
    else if (!selinux_is_nobodys(fact->type))
        reason = arena_printf(work->arena,
                              "%s/%" PRIu32 " is %s: a label would take it from that service",
                              fact->protocol, fact->port, fact->type);
    else if (label_for(need) == NULL)
        reason = arena_printf(work->arena, "there is no label under which %s may %s %s/%" PRIu32,
                              work->facts->selinux.domain, use_text(need->uses), fact->protocol,
                              fact->port);
    diagnose_wish_text(work, cause, address, "on",
                       arena_printf(work->arena, "%s; %s", reason, opens));
}

static void advise_none(struct diagnosis_work *work, struct finding *finding,
                        const struct selinux_need *need)
{
    const struct selinux_port_fact *fact = need->fact;

    strings_addf(&finding->advice, work->arena,
                 "no label of a port and no boolean of its own lets %s %s %s/%" PRIu32
                 " (%s): use another port, or have the one who keeps this host's SELinux policy "
                 "allow it",
                 work->facts->selinux.domain, use_text(need->uses), fact->protocol, fact->port,
                 fact->type != NULL ? fact->type : "no type");
}

void selinux_wish(struct diagnosis_work *work, const struct cause *cause, struct finding *finding,
                  const char *protocol, uint32_t port)
{
    const struct selinux_port_fact *fact = selinux_find_port(work, protocol, port);
    const struct selinux_need *need = NULL;

    for (size_t i = 0; i < work->selinux->need_count; i++)
        if (fact != NULL && work->selinux->needs[i].fact == fact)
            need = &work->selinux->needs[i];
    if (need == NULL)
        return;
    if (need->remedy == REMEDY_NONE) {
        advise_none(work, finding, need);
        return;
    }
    bool label = need->remedy == REMEDY_LABEL;
    const char *address =
        label ? arena_printf(work->arena, "selinux.port:%s/%" PRIu32, protocol, port)
              : arena_printf(work->arena, "selinux.boolean:%s", need->value);
    if (selinux_is_damaged(work->facts))
        strings_addf(&finding->advice, work->arena,
                     "%s=%s would cure it, and waits until the policy store is repaired: see "
                     "selinux-store-damaged",
                     address, label ? need->value : "on");
    else if (label)
        wish_label(work, cause, need, address);
    else
        wish_boolean(work, cause, need, address);
    /* The policy changes at once, but HAProxy does not try again by itself. */
    if ((need->uses & SELINUX_BIND) != 0 && look_should_run(work->facts))
        diagnose_activate(work, address);
}
