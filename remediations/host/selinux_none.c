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
