#include "remediations/host/limits.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

bool limits_may_raise(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (syscall(SYS_capget, &header, sets) < 0)
        return false;
    return (sets[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective & CAP_TO_MASK(CAP_SYS_RESOURCE)) != 0;
}

int limits_read(pid_t pid, uint64_t *out_soft, uint64_t *out_hard, struct err *err)
{
    struct rlimit limit;

    if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) < 0)
        return err_sys(err, errno, "cannot read the file limit of process %d", (int)pid);
    *out_soft = limit.rlim_cur;
    *out_hard = limit.rlim_max;
    return 0;
}

int limits_set(pid_t pid, uint64_t soft, uint64_t hard, struct err *err)
{
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

    if (prlimit(pid, RLIMIT_NOFILE, &limit, NULL) < 0)
        return err_sys(err, errno, "cannot set the file limit of process %d", (int)pid);
    return 0;
}
