#include "remediations/host/selinux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <selinux/selinux.h>

enum selinux_mode selinux_mode(const struct host *host)
{
    if (!host->live || is_selinux_enabled() <= 0)
        return SELINUX_OFF;
    return security_getenforce() == 0 ? SELINUX_PERMISSIVE : SELINUX_ENFORCING;
}

static int require_selinux(const struct host *host, struct err *err)
{
    if (selinux_mode(host) != SELINUX_OFF)
        return 0;
    return err_set(err, ERR_UNSUPPORTED, "%s",
                   host->live ? "SELinux is off on this host" : "a tree has no running SELinux");
}

/* libselinux makes a path of the name below /sys/fs/selinux/booleans: it MUST be one plain
 * component. */
static int check_name(const char *name, struct err *err)
{
    if (name[0] == '\0' || name[0] == '.' || strlen(name) > 255 || strchr(name, '/') != NULL)
        return err_set(err, ERR_INPUT, "'%.64s' cannot be the name of an SELinux boolean", name);
    return 0;
}

int selinux_boolean_running(const struct host *host, const char *name, bool *out_known,
                            bool *out_on, struct err *err)
{
    if (require_selinux(host, err) < 0 || check_name(name, err) < 0)
        return -1;
    errno = 0;
    int value = security_get_boolean_active(name);
    if (value < 0 && errno != ENOENT)
        return err_sys(err, errno, "cannot read the running SELinux boolean '%s'", name);
    *out_known = value >= 0;
    *out_on = value > 0;
    return 0;
}

/* SELboolean.name is not const in libselinux, though it is only read. */
static int set_running(const char *name, bool on)
{
    char *copy = strdup(name);

    if (copy == NULL)
        return -1;
    SELboolean one = {.name = copy, .value = on};
    int result = security_set_boolean_list(1, &one, 0);
    int saved = errno;
    free(copy);
    errno = saved;
    return result;
}

int selinux_boolean_run(const struct host *host, const char *name, bool on, struct err *err)
{
    bool known = false, now = false;

    if (selinux_boolean_running(host, name, &known, &now, err) < 0)
        return -1;
    if (!known)
        return err_set(err, ERR_INPUT, "the loaded policy has no boolean '%s'", name);
    if (now == on)
        return 0;
    errno = 0;
    if (set_running(name, on) < 0)
        return err_sys(err, errno, "cannot turn the running SELinux boolean '%s' %s", name,
                       on ? "on" : "off");
    if (selinux_boolean_running(host, name, &known, &now, err) < 0)
        return -1;
    if (!known || now != on)
        return err_set(err, ERR_SYS, "the running SELinux boolean '%s' did not turn %s", name,
                       on ? "on" : "off");
    return 0;
}
