/* Stands in for selinux_policy.c where libsepol is missing: no policy is ever open to be asked. */
#include "remediations/host/selinux_policy.h"

int selinux_policy_open(const struct host *host, struct selinux_policy **out_policy,
                        struct err *err)
{
    (void)host, (void)out_policy;
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libsepol");
}

int selinux_policy_open_installed(const struct host *host, struct selinux_policy **out_policy,
                                  struct err *err)
{
    return selinux_policy_open(host, out_policy, err);
}

/* Nobody can tell: what this build cannot see is not called damage. */
int selinux_policy_is_loaded(const struct host *host, bool *out_is, struct err *err)
{
    (void)host, (void)err;
    *out_is = true;
    return 0;
}
