#include "remediations/host/selinux_policy_model.h"

#include <stdlib.h>
#include <string.h>

int model_protocol_of(const char *name)
{
    static const char *const names[MODEL_PROTOCOLS] = {
        [MODEL_TCP] = "tcp", [MODEL_UDP] = "udp", [MODEL_DCCP] = "dccp", [MODEL_SCTP] = "sctp"};

    for (int at = 0; at < MODEL_PROTOCOLS; at++)
        if (strcmp(names[at], name) == 0)
            return at;
    return -1;
}

/* ---- sets of types ---- */
bool model_set_has(const uint64_t *set, uint32_t value)
{
    return (set[value / 64] >> (value % 64) & 1) != 0;
}

void model_set_add(uint64_t *set, uint32_t value)
{
    set[value / 64] |= (uint64_t)1 << (value % 64);
}

uint64_t *model_set_new(const struct selinux_policy *policy, struct arena *arena)
{
    return arena_alloc(arena, policy->words * sizeof(uint64_t));
}

bool model_covers(const struct selinux_policy *policy, uint32_t value, uint32_t type)
{
    const uint64_t *members = policy->members[value];

    return members == NULL ? value == type : model_set_has(members, type);
}

void model_add_members(const struct selinux_policy *policy, uint32_t value, uint64_t *set)
{
    const uint64_t *members = policy->members[value];

    if (members == NULL)
        model_set_add(set, value);
    else
        for (size_t at = 0; at < policy->words; at++)
            set[at] |= members[at];
}

/* ---- names ---- */
static int compare_names(const void *a, const void *b)
{
    const struct model_name *left = a, *right = b;

    return strcmp(left->name, right->name);
}

uint32_t model_find_type(const struct selinux_policy *policy, const char *name)
{
    const struct model_name key = {.name = name};
    const struct model_name *found = policy->by_name_count == 0
                                         ? NULL
                                         : bsearch(&key, policy->by_name, policy->by_name_count,
                                                   sizeof *policy->by_name, compare_names);

    return found == NULL ? 0 : found->value;
}

/* ---- conditions ---- */
static bool combine(enum model_operator operator, bool left, bool right)
{
    switch (operator) {
    case MODEL_OR:
        return left || right;
    case MODEL_AND:
        return left && right;
    case MODEL_XOR:
    case MODEL_NE:
        return left != right;
    case MODEL_EQ:
        return left == right;
    case MODEL_BOOLEAN:
    case MODEL_NOT:
        break;
    }
    return false;
}

/* false: it is no expression. */
static bool evaluate(const struct selinux_policy *policy, const struct model_condition *condition,
                     size_t turned, bool *out_holds)
{
    bool stack[MODEL_DEPTH_MAX];
    size_t depth = 0;

    for (size_t at = 0; at < condition->term_count; at++) {
        const struct model_term *term = &condition->terms[at];
        if (term->operator== MODEL_BOOLEAN) {
            if (depth == MODEL_DEPTH_MAX || term->boolean >= policy->boolean_count)
                return false;
            stack[depth++] = policy->booleans[term->boolean].on != (term->boolean == turned);
        } else if (term->operator== MODEL_NOT) {
            if (depth < 1)
                return false;
            stack[depth - 1] = !stack[depth - 1];
        } else {
            if (depth < 2)
                return false;
            depth--;
            stack[depth - 1] = combine(term->operator, stack[depth - 1], stack[depth]);
        }
    }
    if (depth != 1)
        return false;
    *out_holds = stack[0];
    return true;
}

bool *model_turn_over(const struct selinux_policy *policy, size_t boolean, struct arena *arena)
{
    bool *holds = arena_alloc(arena, policy->condition_count * sizeof *holds + 1);

    /* model_settle made sure that each is an expression. */
    for (size_t at = 0; at < policy->condition_count; at++)
        (void)evaluate(policy, &policy->conditions[at], boolean, &holds[at]);
    return holds;
}

struct model_walk model_walk_begin(const struct selinux_policy *policy, const bool *holds)
{
    return (struct model_walk){.policy = policy, .holds = holds, .rules = &policy->rules};
}

const struct model_rule *model_walk_next(struct model_walk *walk)
{
    while (walk->next_rule == walk->rules->count) {
        size_t condition = walk->next_condition;
        if (condition == walk->policy->condition_count)
            return NULL;
        walk->rules =
            &walk->policy->conditions[condition].branch[walk->holds[condition] ? 1 : 0].rules;
        walk->next_condition++;
        walk->next_rule = 0;
    }
    return &walk->rules->at[walk->next_rule++];
}

/* ---- settling ---- */
static bool is_type(const struct selinux_policy *policy, uint32_t value)
{
    return value >= 1 && value <= policy->type_count && policy->names[value] != NULL;
}

/* From the last record to the first, so that the first wins. */
static int fill_ports(struct selinux_policy *policy, struct err *err)
{
    for (size_t at = 0; at < MODEL_PROTOCOLS; at++)
        policy->ports[at] = arena_alloc(policy->arena, MODEL_PORTS * sizeof *policy->ports[at]);
    for (size_t at = policy->record_count; at > 0; at--) {
        const struct model_record *record = &policy->records[at - 1];
        if (!is_type(policy, record->type) || record->high >= MODEL_PORTS)
            return err_set(err, ERR_INPUT, "a port record is damaged");
        for (uint32_t port = record->low; port <= record->high; port++)
            policy->ports[record->protocol][port] = (uint16_t)record->type;
    }
    return 0;
}

int model_settle(struct selinux_policy *policy, struct err *err)
{
    if (policy->by_name_count > 1)
        qsort(policy->by_name, policy->by_name_count, sizeof *policy->by_name, compare_names);
    if (policy->no_record != 0 && !is_type(policy, policy->no_record))
        return err_set(err, ERR_INPUT, "the initial context of ports is damaged");
    policy->holds = arena_alloc(policy->arena, policy->condition_count * sizeof *policy->holds + 1);
    for (size_t at = 0; at < policy->condition_count; at++)
        if (!evaluate(policy, &policy->conditions[at], SIZE_MAX, &policy->holds[at]))
            return err_set(err, ERR_INPUT, "a condition is damaged");
    return fill_ports(policy, err);
}
