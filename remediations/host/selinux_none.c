/* Stands in for selinux.c where libselinux is missing. */
#include "remediations/host/selinux.h"

enum selinux_mode selinux_mode(const struct host *host)
{
    (void)host;
    return SELINUX_OFF;
}

static int say_unsupported(struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libselinux");
}

int selinux_boolean_running(const struct host *host, const char *name, bool *out_known,
                            bool *out_on, struct err *err)
{
    (void)host, (void)name, (void)out_known, (void)out_on;
    return say_unsupported(err);
}

int selinux_boolean_run(const struct host *host, const char *name, bool on, struct err *err)
{
    (void)host, (void)name, (void)on;
    return say_unsupported(err);
}

int selinux_boolean_names(const struct host *host, struct arena *arena, struct strings *out_names,
                          struct err *err)
{
    (void)host, (void)arena, (void)out_names;
    return say_unsupported(err);
}

int selinux_domain(const struct host *host, pid_t pid, const char *program, struct arena *arena,
                   struct selinux_domain *out_domain, struct err *err)
{
    (void)host, (void)pid, (void)program, (void)arena, (void)out_domain;
    return say_unsupported(err);
}

int selinux_ask(const struct host *host, const struct selinux_domain *domain, const char *type,
                const char *protocol, struct selinux_answer *out_answer, struct err *err)
{
    (void)host, (void)domain, (void)type, (void)protocol, (void)out_answer;
    return say_unsupported(err);
}
