/* What a policy answers: the same in every build, from what the reader took out of it. */
#include "remediations/host/selinux_policy_model.h"

#include <stdlib.h>
#include <string.h>

enum { HTTP_PORT = 80, BOUNDS_MAX = 16 };

void selinux_policy_close(struct selinux_policy *policy)
{
    if (policy != NULL)
        arena_free(policy->arena);
}

/* ---- names ---- */
const char *selinux_policy_port_type(const struct selinux_policy *policy, const char *protocol,
                                     uint32_t port)
{
    int index = model_protocol_of(protocol);

    return index < 0 || port >= MODEL_PORTS ? NULL : policy->names[policy->ports[index][port]];
}

static bool is_same_name(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Names stand in the order of their values, which the same policy keeps. */
bool selinux_policy_is_like(const struct selinux_policy *a, const struct selinux_policy *b)
{
    if (a->type_count != b->type_count || a->boolean_count != b->boolean_count)
        return false;
    for (uint32_t value = 1; value <= a->type_count; value++)
        if (!is_same_name(a->names[value], b->names[value]))
            return false;
    for (size_t i = 0; i < a->boolean_count; i++)
        if (!is_same_name(a->booleans[i].name, b->booleans[i].name))
            return false;
    for (size_t protocol = 0; protocol < MODEL_PROTOCOLS; protocol++)
        if (memcmp(a->ports[protocol], b->ports[protocol],
                   MODEL_PORTS * sizeof *a->ports[protocol]) != 0)
            return false;
    return true;
}

bool selinux_policy_has_type(const struct selinux_policy *policy, const char *type)
{
    return model_find_type(policy, type) != 0;
}

bool selinux_policy_is_permissive(const struct selinux_policy *policy, const char *domain)
{
    uint32_t value = model_find_type(policy, domain);

    return value != 0 && model_set_has(policy->permissive, value);
}

static int find_type(const struct selinux_policy *policy, const char *name, uint32_t *out_value,
                     struct err *err)
{
    uint32_t value = model_find_type(policy, name);

    if (value == 0)
        return err_set(err, ERR_INPUT, "the SELinux policy has no type '%.160s'", name);
    *out_value = value;
    return 0;
}

static int find_protocol(const char *name, enum model_protocol *out_protocol, struct err *err)
{
    int protocol = model_protocol_of(name);

    if (protocol < 0)
        return err_set(err, ERR_INPUT, "'%.160s' is no protocol that SELinux labels ports of",
                       name);
    *out_protocol = (enum model_protocol)protocol;
    return 0;
}

/* ---- rules ---- */
/* Which of `uses` the rules give, those that nobody checks among them. */
static unsigned given(const struct selinux_policy *policy, const bool *holds,
                      enum model_protocol protocol, uint32_t domain, uint32_t type, unsigned uses,
                      int bounds)
{
    struct model_walk walk = model_walk_begin(policy, holds);
    const struct model_rule *rule;
    unsigned found = uses & ~(unsigned)policy->checked[protocol];

    while (found != uses && (rule = model_walk_next(&walk)) != NULL)
        if (rule->protocol == protocol && (rule->uses & uses & ~found) != 0 &&
            model_covers(policy, rule->target, type) && model_covers(policy, rule->source, domain))
            found |= rule->uses & uses;
    for (size_t at = 0; at < policy->bound_count && bounds < BOUNDS_MAX; at++)
        if (policy->bounds[at].type == domain)
            found &= given(policy, holds, protocol, policy->bounds[at].by, type, found, bounds + 1);
    return found;
}

/* Who may use ports of `type` in one way. `type` 0: nobody. */
static uint64_t *users_of(const struct selinux_policy *policy, const bool *holds,
                          enum model_protocol protocol, uint32_t type, enum selinux_use use,
                          struct arena *arena)
{
    struct model_walk walk = model_walk_begin(policy, holds);
    uint64_t *users = model_set_new(policy, arena);
    const struct model_rule *rule;

    while (type != 0 && (rule = model_walk_next(&walk)) != NULL)
        if (rule->protocol == protocol && (rule->uses & use) != 0 &&
            model_covers(policy, rule->target, type))
            model_add_members(policy, rule->source, users);
    for (size_t at = 0; at < policy->bound_count; at++) {
        uint32_t bound = policy->bounds[at].type;
        if (model_set_has(users, bound) && given(policy, holds, protocol, bound, type, use, 0) == 0)
            users[bound / 64] &= ~((uint64_t)1 << (bound % 64));
    }
    return users;
}

/* The types of ports that `domain` may use in one way. */
static uint64_t *targets_of(const struct selinux_policy *policy, const bool *holds,
                            enum model_protocol protocol, uint32_t domain, enum selinux_use use,
                            struct arena *arena)
{
    struct model_walk walk = model_walk_begin(policy, holds);
    uint64_t *targets = model_set_new(policy, arena);
    const struct model_rule *rule;

    while ((rule = model_walk_next(&walk)) != NULL)
        if (rule->protocol == protocol && (rule->uses & use) != 0 &&
            model_covers(policy, rule->source, domain))
            model_add_members(policy, rule->target, targets);
    for (size_t at = 0; at < policy->bound_count; at++) {
        if (policy->bounds[at].type != domain)
            continue;
        for (uint32_t type = 1; type <= policy->type_count; type++)
            if (model_set_has(targets, type) &&
                given(policy, holds, protocol, domain, type, use, 0) == 0)
                targets[type / 64] &= ~((uint64_t)1 << (type % 64));
    }
    return targets;
}

int selinux_policy_allows(const struct selinux_policy *policy, const char *domain, const char *type,
                          const char *protocol, unsigned uses, bool *out_allowed, struct err *err)
{
    enum model_protocol index;
    uint32_t source, target;

    if (find_protocol(protocol, &index, err) < 0 || find_type(policy, domain, &source, err) < 0 ||
        find_type(policy, type, &target, err) < 0)
        return -1;
    *out_allowed = given(policy, policy->holds, index, source, target, uses, 0) == uses;
    return 0;
}

/* ---- labels ---- */
static size_t count_new(const struct selinux_policy *policy, const uint64_t *before,
                        const uint64_t *after)
{
    size_t count = 0;

    for (size_t at = 0; at < policy->words; at++)
        count += (size_t)__builtin_popcountll(after[at] & ~before[at]);
    return count;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct strings name_new(const struct selinux_policy *policy, const uint64_t *before,
                               const uint64_t *after, struct arena *arena)
{
    struct strings names = {0};

    for (uint32_t type = 1; type <= policy->type_count; type++)
        if (model_set_has(after, type) && !model_set_has(before, type) &&
            policy->names[type] != NULL)
            strings_add(&names, arena, policy->names[type]);
    if (names.count > 1)
        qsort(names.at, names.count, sizeof *names.at, compare_strings);
    return names;
}

static int find_label(const struct selinux_policy *policy, const char *type, uint32_t *out_type,
                      struct err *err)
{
    if (type != NULL)
        return find_type(policy, type, out_type, err);
    *out_type = policy->no_record;
    return 0;
}

int selinux_policy_label_effect(const struct selinux_policy *policy, const char *protocol,
                                const char *from, const char *to, struct arena *arena,
                                struct selinux_label_effect *out_effect, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    enum model_protocol index;
    uint32_t before, after;

    if (find_protocol(protocol, &index, err) < 0 || find_label(policy, from, &before, err) < 0 ||
        find_label(policy, to, &after, err) < 0)
        return -1;
    const uint64_t *connect_before =
        users_of(policy, policy->holds, index, before, SELINUX_CONNECT, scratch);
    const uint64_t *connect_after =
        users_of(policy, policy->holds, index, after, SELINUX_CONNECT, scratch);
    const uint64_t *bind_before =
        users_of(policy, policy->holds, index, before, SELINUX_BIND, scratch);
    const uint64_t *bind_after =
        users_of(policy, policy->holds, index, after, SELINUX_BIND, scratch);
    *out_effect = (struct selinux_label_effect){
        .connect_gain = name_new(policy, connect_before, connect_after, arena),
        .bind_gain = name_new(policy, bind_before, bind_after, arena),
        .connect_lose = name_new(policy, connect_after, connect_before, arena),
        .bind_lose = name_new(policy, bind_after, bind_before, arena),
    };
    return 0;
}

/* ---- types that would do ---- */
struct candidate {
    uint32_t type;
    const char *name;
    bool is_http;
    size_t others, ports;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;

    if (left->is_http != right->is_http)
        return left->is_http ? -1 : 1;
    if (left->others != right->others)
        return left->others < right->others ? -1 : 1;
    if (left->ports != right->ports)
        return left->ports < right->ports ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* Who may use ports of `type` in any way. */
static uint64_t *all_users_of(const struct selinux_policy *policy, enum model_protocol protocol,
                              uint32_t type, struct arena *arena)
{
    uint64_t *users = users_of(policy, policy->holds, protocol, type, SELINUX_CONNECT, arena);
    const uint64_t *more = users_of(policy, policy->holds, protocol, type, SELINUX_BIND, arena);

    for (size_t at = 0; at < policy->words; at++)
        users[at] |= more[at];
    return users;
}

static bool covers_earlier(const struct selinux_policy *policy, size_t index)
{
    const struct model_record *wide = &policy->records[index];

    for (size_t at = 0; at < index; at++) {
        const struct model_record *narrow = &policy->records[at];
        if (narrow->protocol == wide->protocol && narrow->type != wide->type &&
            narrow->low >= wide->low && narrow->high <= wide->high)
            return true;
    }
    return false;
}

/* A type that ports have because no service claims them. A policy that defines which types are a
 * service's is believed; where it does not say so, it is the type of records that stand behind
 * narrower ones they cover, and the kernel's own. */
static bool is_left_over(const struct selinux_policy *policy, uint32_t type)
{
    if (policy->claimed != NULL && model_set_has(policy->claimed, type))
        return false;
    if (type == policy->no_record)
        return true;
    for (size_t at = 0; at < policy->record_count; at++)
        if (policy->records[at].type == type && covers_earlier(policy, at))
            return true;
    return false;
}

static size_t count_ports(const struct selinux_policy *policy, enum model_protocol protocol,
                          uint32_t type)
{
    size_t count = 0;

    for (size_t port = 1; port < MODEL_PORTS; port++)
        count += policy->ports[protocol][port] == type;
    return count;
}

/* The types that records give to ports, each once. */
static uint64_t *types_of_ports(const struct selinux_policy *policy, struct arena *arena)
{
    uint64_t *types = model_set_new(policy, arena);

    for (size_t at = 0; at < policy->record_count; at++)
        model_set_add(types, policy->records[at].type);
    return types;
}

int selinux_policy_types_for(const struct selinux_policy *policy, const char *domain,
                             const char *protocol, const char *present_type, unsigned uses,
                             struct arena *arena, struct strings *out_types, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct candidate *candidates = NULL;
    struct strings types = {0};
    size_t count = 0;
    enum model_protocol index;
    uint32_t source, present;

    if (find_protocol(protocol, &index, err) < 0 || find_type(policy, domain, &source, err) < 0 ||
        find_label(policy, present_type, &present, err) < 0)
        return -1;
    const uint64_t *ports = types_of_ports(policy, scratch);
    uint64_t *before = all_users_of(policy, index, present, scratch);
    model_set_add(before, source);
    for (uint32_t type = 1; type <= policy->type_count; type++) {
        if (!model_set_has(ports, type) || type == present || is_left_over(policy, type) ||
            given(policy, policy->holds, index, source, type, uses, 0) != uses)
            continue;
        ARENA_PUSH(scratch, candidates, count) = (struct candidate){
            .type = type,
            .name = policy->names[type],
            .is_http = policy->ports[MODEL_TCP][HTTP_PORT] == type,
            .others = count_new(policy, before, all_users_of(policy, index, type, scratch)),
            .ports = count_ports(policy, index, type),
        };
    }
    if (count > 1)
        qsort(candidates, count, sizeof *candidates, compare_candidates);
    for (size_t at = 0; at < count; at++)
        strings_add(&types, arena, candidates[at].name);
    *out_types = types;
    return 0;
}

/* ---- booleans ---- */
static uint64_t count_gained(const struct selinux_policy *policy, uint32_t domain,
                             enum selinux_use use, const bool *before, const bool *after,
                             struct arena *arena)
{
    const uint64_t *had = targets_of(policy, before, MODEL_TCP, domain, use, arena);
    const uint64_t *has = targets_of(policy, after, MODEL_TCP, domain, use, arena);
    uint64_t count = 0;

    for (size_t port = 1; port < MODEL_PORTS; port++) {
        uint32_t type = policy->ports[MODEL_TCP][port];
        if (type == 0)
            type = policy->no_record;
        if (type != 0)
            count += model_set_has(has, type) && !model_set_has(had, type);
    }
    return count;
}

static size_t count_reached(const struct selinux_policy *policy, uint32_t domain,
                            const bool *before, const bool *after, struct arena *arena)
{
    uint64_t *none = model_set_new(policy, arena);
    uint64_t *reached = model_set_new(policy, arena);

    for (size_t at = 0; at < policy->condition_count; at++) {
        if (before[at] == after[at])
            continue;
        const struct model_branch *branch = &policy->conditions[at].branch[after[at] ? 1 : 0];
        for (size_t source = 0; source < branch->source_count; source++)
            model_add_members(policy, branch->sources[source], reached);
    }
    reached[domain / 64] &= ~((uint64_t)1 << (domain % 64));
    return count_new(policy, none, reached);
}

/* What the boolean gives: from off to on, whichever it is now. */
static struct selinux_boolean_effect effect_of(const struct selinux_policy *policy, size_t boolean,
                                               uint32_t domain)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const bool *turned = model_turn_over(policy, boolean, scratch);
    bool is_on = policy->booleans[boolean].on;
    const bool *off = is_on ? turned : policy->holds;
    const bool *on = is_on ? policy->holds : turned;

    return (struct selinux_boolean_effect){
        .name = policy->booleans[boolean].name,
        .connect_ports = count_gained(policy, domain, SELINUX_CONNECT, off, on, scratch),
        .bind_ports = count_gained(policy, domain, SELINUX_BIND, off, on, scratch),
        .other_domains = count_reached(policy, domain, off, on, scratch),
    };
}

int selinux_policy_boolean_effect(const struct selinux_policy *policy, const char *boolean,
                                  const char *domain, struct arena *arena,
                                  struct selinux_boolean_effect *out_effect, struct err *err)
{
    uint32_t source = 0;

    (void)arena;
    if (domain != NULL && find_type(policy, domain, &source, err) < 0)
        return -1;
    for (size_t at = 0; at < policy->boolean_count; at++)
        if (strcmp(policy->booleans[at].name, boolean) == 0) {
            *out_effect = effect_of(policy, at, source);
            return 0;
        }
    return err_set(err, ERR_INPUT, "the SELinux policy has no boolean '%.160s'", boolean);
}

static bool has_rule_for(const struct selinux_policy *policy, const struct model_rules *rules,
                         enum model_protocol protocol, uint32_t domain, uint32_t type)
{
    for (size_t at = 0; at < rules->count; at++) {
        const struct model_rule *rule = &rules->at[at];
        if (rule->protocol == protocol && model_covers(policy, rule->target, type) &&
            model_covers(policy, rule->source, domain))
            return true;
    }
    return false;
}

/* The booleans of conditions with a rule that matters here: a policy has hundreds of others. */
static bool *find_concerned(const struct selinux_policy *policy, enum model_protocol protocol,
                            uint32_t domain, uint32_t type, struct arena *arena)
{
    bool *concerned = arena_alloc(arena, policy->boolean_count * sizeof *concerned + 1);

    for (size_t at = 0; at < policy->condition_count; at++) {
        const struct model_condition *condition = &policy->conditions[at];
        if (!has_rule_for(policy, &condition->branch[0].rules, protocol, domain, type) &&
            !has_rule_for(policy, &condition->branch[1].rules, protocol, domain, type))
            continue;
        for (size_t term = 0; term < condition->term_count; term++)
            if (condition->terms[term].operator== MODEL_BOOLEAN)
                concerned[condition->terms[term].boolean] = true;
    }
    return concerned;
}

static int compare_effects(const void *a, const void *b)
{
    const struct selinux_boolean_effect *left = a, *right = b;
    uint64_t left_ports = left->connect_ports + left->bind_ports;
    uint64_t right_ports = right->connect_ports + right->bind_ports;

    if (left->other_domains != right->other_domains)
        return left->other_domains < right->other_domains ? -1 : 1;
    if (left_ports != right_ports)
        return left_ports < right_ports ? -1 : 1;
    return strcmp(left->name, right->name);
}

int selinux_policy_booleans_for(const struct selinux_policy *policy, const char *domain,
                                const char *type, const char *protocol, unsigned uses,
                                struct arena *arena, struct selinux_boolean_effect **out_effects,
                                size_t *out_count, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct selinux_boolean_effect *effects = NULL;
    enum model_protocol index;
    uint32_t source, target;
    size_t count = 0;

    if (find_protocol(protocol, &index, err) < 0 || find_type(policy, domain, &source, err) < 0 ||
        find_type(policy, type, &target, err) < 0)
        return -1;
    if (given(policy, policy->holds, index, source, target, uses, 0) == uses) {
        *out_effects = NULL;
        *out_count = 0;
        return 0;
    }
    const bool *concerned = find_concerned(policy, index, source, target, scratch);
    for (size_t at = 0; at < policy->boolean_count; at++) {
        if (!concerned[at] || policy->booleans[at].on ||
            given(policy, model_turn_over(policy, at, scratch), index, source, target, uses, 0) !=
                uses)
            continue;
        ARENA_PUSH(arena, effects, count) = effect_of(policy, at, source);
    }
    if (count > 1)
        qsort(effects, count, sizeof *effects, compare_effects);
    *out_effects = effects;
    *out_count = count;
    return 0;
}
