/* Stands in for semanage.c where libsemanage is missing. What needs only files (semanage_check)
 * works all the same. */
#include "remediations/host/semanage.h"

static int say_unsupported(struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libsemanage");
}

int semanage_repair(const struct host *host, const struct semanage_commits *ours, struct err *err)
{
    (void)host, (void)ours;
    return say_unsupported(err);
}

int semanage_settle(const struct host *host, struct err *err)
{
    (void)host;
    return say_unsupported(err);
}

int semanage_open(const struct host *host, struct semanage **out_store, struct err *err)
{
    (void)host, (void)out_store;
    return say_unsupported(err);
}

void semanage_close(struct semanage *store)
{
    (void)store;
}

int semanage_get_boolean(struct semanage *store, const char *name,
                         struct semanage_boolean *out_boolean, struct err *err)
{
    (void)store, (void)name, (void)out_boolean;
    return say_unsupported(err);
}

int semanage_get_port(struct semanage *store, const char *protocol, uint32_t port,
                      struct arena *arena, struct semanage_port_label *out_port, struct err *err)
{
    (void)store, (void)protocol, (void)port, (void)arena, (void)out_port;
    return say_unsupported(err);
}

int semanage_is_port_type(struct semanage *store, const char *type, bool *out_is, struct err *err)
{
    (void)store, (void)type, (void)out_is;
    return say_unsupported(err);
}

int semanage_begin(struct semanage *store, struct err *err)
{
    (void)store;
    return say_unsupported(err);
}

int semanage_set_boolean(struct semanage *store, const char *name, bool on, bool run,
                         struct err *err)
{
    (void)store, (void)name, (void)on, (void)run;
    return say_unsupported(err);
}

int semanage_unset_boolean(struct semanage *store, const char *name, struct err *err)
{
    (void)store, (void)name;
    return say_unsupported(err);
}

int semanage_set_port(struct semanage *store, const char *protocol, uint32_t port, const char *type,
                      struct err *err)
{
    (void)store, (void)protocol, (void)port, (void)type;
    return say_unsupported(err);
}

int semanage_unset_port(struct semanage *store, const char *protocol, uint32_t port,
                        struct err *err)
{
    (void)store, (void)protocol, (void)port;
    return say_unsupported(err);
}

size_t semanage_staged_count(const struct semanage *store)
{
    (void)store;
    return 0;
}

uint64_t semanage_begun_on(const struct semanage *store)
{
    (void)store;
    return 0;
}

int semanage_commit_staged(struct semanage *store, struct err *err)
{
    (void)store;
    return say_unsupported(err);
}

void semanage_abandon(struct semanage *store)
{
    (void)store;
}
