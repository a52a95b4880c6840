/* Stands in for selinux_policy.c where libsepol is missing. */
#include "remediations/host/selinux_policy.h"

int selinux_policy_open(const struct host *host, struct selinux_policy **out_policy,
                        struct err *err)
{
    (void)host, (void)out_policy;
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libsepol");
}

void selinux_policy_close(struct selinux_policy *policy)
{
    (void)policy;
}

const char *selinux_policy_port_type(const struct selinux_policy *policy, const char *protocol,
                                     uint32_t port)
{
    (void)policy, (void)protocol, (void)port;
    return NULL;
}

bool selinux_policy_has_type(const struct selinux_policy *policy, const char *type)
{
    (void)policy, (void)type;
    return false;
}

bool selinux_policy_is_permissive(const struct selinux_policy *policy, const char *domain)
{
    (void)policy, (void)domain;
    return false;
}

static int say_unsupported(struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libsepol");
}

int selinux_policy_allows(const struct selinux_policy *policy, const char *domain, const char *type,
                          const char *protocol, unsigned uses, bool *out_allowed, struct err *err)
{
    (void)policy, (void)domain, (void)type, (void)protocol, (void)uses, (void)out_allowed;
    return say_unsupported(err);
}

int selinux_policy_types_for(const struct selinux_policy *policy, const char *domain,
                             const char *protocol, const char *present_type, unsigned uses,
                             struct arena *arena, struct strings *out_types, struct err *err)
{
    (void)policy, (void)domain, (void)protocol, (void)present_type, (void)uses, (void)arena;
    (void)out_types;
    return say_unsupported(err);
}

int selinux_policy_booleans_for(const struct selinux_policy *policy, const char *domain,
                                const char *type, const char *protocol, unsigned uses,
                                struct arena *arena, struct selinux_boolean_effect **out_effects,
                                size_t *out_count, struct err *err)
{
    (void)policy, (void)domain, (void)type, (void)protocol, (void)uses, (void)arena;
    (void)out_effects, (void)out_count;
    return say_unsupported(err);
}

int selinux_policy_boolean_effect(const struct selinux_policy *policy, const char *boolean,
                                  const char *domain, struct arena *arena,
                                  struct selinux_boolean_effect *out_effect, struct err *err)
{
    (void)policy, (void)boolean, (void)domain, (void)arena, (void)out_effect;
    return say_unsupported(err);
}

int selinux_policy_label_effect(const struct selinux_policy *policy, const char *protocol,
                                const char *from, const char *to, struct arena *arena,
                                struct selinux_label_effect *out_effect, struct err *err)
{
    (void)policy, (void)protocol, (void)from, (void)to, (void)arena, (void)out_effect;
    return say_unsupported(err);
}
