/* What commands start from: host, policy, keys. */
#include <errno.h>
#include <fcntl.h>

#include "agent/cli.h"
#include "agent/pending.h"
#include "agent/settings.h"

#define CONFIG_DIR "/etc/hamedic"
#define POLICY_DIR CONFIG_DIR "/policy.d"

int cli_open_host(const struct invocation *invocation, struct host **out_host, struct err *err)
{
    struct host *host CLEANUP_HOST = NULL;

    const char *target = cli_value(invocation, "target");

    if (host_open(cli_value(invocation, "root"), &host, err) < 0)
        return -1;
    /* Also where the settings cannot be read. */
    if (!invocation->command->changes)
        pending_name(host, invocation->arena);
    if (settings_load(host, cli_value(invocation, "config"), &host->settings, err) < 0 ||
        (target != NULL && settings_take_target(target, host->arena, &host->settings, err) < 0))
        return -1;
    *out_host = host;
    host = NULL;
    return 0;
}

int cli_open_policy(const struct invocation *invocation, const struct host *host,
                    struct policy **out_policy, struct err *err)
{
    const char *file = cli_value(invocation, "policy");
    int dir CLEANUP_FD = -1;

    if (file != NULL)
        return policy_load_file(AT_FDCWD, file, out_policy, err);
    if (host == NULL)
        return policy_builtin(out_policy, err);
    if (host_open_path(host, POLICY_DIR, O_RDONLY | O_DIRECTORY, &dir, err) < 0) {
        if (err->kind == ERR_SYS && err->sys == ENOENT)
            return policy_builtin(out_policy, err);
        return -1;
    }
    return policy_load_dir(dir, POLICY_DIR, out_policy, err);
}

int cli_open_keys(const struct invocation *invocation, const struct host *host, int *out_dir,
                  struct err *err)
{
    const char *keys = cli_value(invocation, "keys");

    *out_dir = -1;
    if (keys != NULL) {
        *out_dir = open(keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return *out_dir < 0 ? err_sys(err, errno, "cannot open the keys in '%s'", keys) : 0;
    }
    if (host == NULL || host_open_path(host, CONFIG_DIR, O_RDONLY | O_DIRECTORY, out_dir, err) == 0)
        return 0;
    return err->kind == ERR_SYS && err->sys == ENOENT ? 0 : -1;
}
