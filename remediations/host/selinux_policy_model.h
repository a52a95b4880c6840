/* host/selinux_policy_model: what of a binary policy says who may use which ports, without any
 * library.
 * Use:     the reader (selinux_policy.c) fills a struct selinux_policy and calls
 *          model_settle(); from then on nothing of it changes, and selinux_policy_ask.c answers.
 * Shapes:  types and attributes are the policy's values, 1..type_count; a set has one bit a value,
 *          `words` words long. A rule's source or target is a type or an attribute:
 *          model_covers() tells whose.
 * Owns:    everything lives in policy->arena; sets that are computed live in the arena given.
 * Errors:  ERR_INPUT a value or an expression that cannot be.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SELINUX_POLICY_MODEL_H
#define HAMEDIC_REMEDIATIONS_HOST_SELINUX_POLICY_MODEL_H

#include "remediations/host/selinux_policy.h"

enum model_protocol { MODEL_TCP, MODEL_UDP, MODEL_DCCP, MODEL_SCTP, MODEL_PROTOCOLS };
/* -1: none of them. */
int model_protocol_of(const char *name);

enum { MODEL_PORTS = 65536, MODEL_DEPTH_MAX = 64 };

struct model_name { /* of a type or an alias */
    const char *name;
    uint32_t value;
};
struct model_record { /* a portcon, in the order in which the kernel looks at them */
    uint32_t low, high;
    enum model_protocol protocol;
    uint32_t type;
};
struct model_rule {
    uint16_t source, target;
    uint8_t protocol, uses;
};
struct model_rules {
    struct model_rule *at;
    size_t count;
};
struct model_branch {
    struct model_rules rules;
    uint32_t *sources; /* of every rule that allows anything */
    size_t source_count;
};
/* In reverse Polish notation. */
enum model_operator {
    MODEL_BOOLEAN,
    MODEL_NOT,
    MODEL_OR,
    MODEL_AND,
    MODEL_XOR,
    MODEL_EQ,
    MODEL_NE
};
struct model_term {
    enum model_operator operator;
    uint32_t boolean; /* index into booleans */
};
struct model_condition {
    struct model_term *terms;
    size_t term_count;
    struct model_branch branch[2]; /* while it does not hold, and while it holds */
};
struct model_boolean {
    const char *name;
    bool on;
};
struct model_bound { /* `type` may no more than `by` */
    uint32_t type, by;
};

struct selinux_policy {
    struct arena *arena;
    uint32_t type_count;
    size_t words;
    const char **names; /* by value; NULL: an attribute */
    struct model_name *by_name;
    size_t by_name_count;
    uint64_t **members; /* by value, of attributes that rules name; NULL: only itself */
    uint64_t *claimed;  /* types that the policy defines for one service; NULL: it does not tell */
    uint64_t *permissive;
    struct model_bound *bounds;
    size_t bound_count;
    struct model_record *records;
    size_t record_count;
    uint32_t no_record;               /* the type of ports without a record; 0: none */
    uint8_t checked[MODEL_PROTOCOLS]; /* uses that a permission stands for */
    struct model_rules rules;         /* without a condition */
    struct model_condition *conditions;
    size_t condition_count;
    struct model_boolean *booleans;
    size_t boolean_count;
    /* model_settle */
    uint16_t *ports[MODEL_PROTOCOLS]; /* type by port, 0: no record */
    bool *holds;                      /* by condition */
};

MUST_CHECK int model_settle(struct selinux_policy *policy, struct err *err);

/* 0: there is no such type. */
uint32_t model_find_type(const struct selinux_policy *policy, const char *name);
bool model_set_has(const uint64_t *set, uint32_t value);
void model_set_add(uint64_t *set, uint32_t value);
uint64_t *model_set_new(const struct selinux_policy *policy, struct arena *arena);
/* Is `type` the type or one of the attribute `value`? */
bool model_covers(const struct selinux_policy *policy, uint32_t value, uint32_t type);
void model_add_members(const struct selinux_policy *policy, uint32_t value, uint64_t *set);

/* Which conditions hold when one boolean is turned over. */
bool *model_turn_over(const struct selinux_policy *policy, size_t boolean, struct arena *arena);

/* The rules in force while those conditions hold. */
struct model_walk {
    const struct selinux_policy *policy;
    const bool *holds;
    const struct model_rules *rules;
    size_t next_rule, next_condition;
};
struct model_walk model_walk_begin(const struct selinux_policy *policy, const bool *holds);
const struct model_rule *model_walk_next(struct model_walk *walk);

#endif
