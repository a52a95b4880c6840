#include "agent/transaction/deadline.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "plans/base/clock.h"
#include "remediations/host/systemd.h"

#define RECOVER_UNIT "hamedic-recover.service"
#define TIMER_UNIT   "hamedic-deadline.timer"

enum { JOB_DEADLINE_MS = 20000 };

/* What stands on such a file system is gone after a restart, the transaction's undo with it. */
static int check_ledger_lasts(const struct ledger *ledger, struct err *err)
{
    struct statfs fs;

    if (ledger->transactions < 0)
        return 0;
    if (fstatfs(ledger->transactions, &fs) < 0)
        return err_sys(err, errno, "cannot examine the file system of '%s'", LEDGER_DIR);
    if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC)
        return err_set(err, ERR_UNSUPPORTED,
                       "'%s' is in memory only: a restart of the host would forget the deadline",
                       LEDGER_DIR);
    return 0;
}

int deadline_check(const struct host *host, const struct ledger *ledger, struct err *err)
{
    const char *state;

    if (!host->live)
        return err_set(err, ERR_UNSUPPORTED, "nothing holds a deadline for a tree");
    if (!systemd_runs(host))
        return err_set(err, ERR_UNSUPPORTED, "no systemd runs here that would hold the deadline");
    struct arena *scratch CLEANUP_ARENA = arena_new();
    if (systemd_unit_file_state(host, TIMER_UNIT, scratch, &state, err) < 0)
        return -1;
    if (state == NULL)
        return err_set(err, ERR_UNSUPPORTED, "systemd knows no '%s', which would hold the deadline",
                       TIMER_UNIT);
    if (systemd_unit_file_state(host, RECOVER_UNIT, scratch, &state, err) < 0)
        return -1;
    if (state == NULL || strcmp(state, "enabled") != 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "'%s' is %s, expected enabled: it holds the deadline over a restart of the "
                       "host (systemctl enable %s)",
                       RECOVER_UNIT, state == NULL ? "not installed" : state, RECOVER_UNIT);
    return check_ledger_lasts(ledger, err);
}

int deadline_arm(const struct host *host, struct err *err)
{
    if (systemd_start_unit(host, TIMER_UNIT, JOB_DEADLINE_MS, err) < 0)
        return err_wrap(err, "cannot start what holds the deadline");
    return 0;
}

int deadline_disarm(const struct host *host, struct err *err)
{
    const char *state;

    if (!systemd_runs(host))
        return 0;
    struct arena *scratch CLEANUP_ARENA = arena_new();
    if (systemd_unit_file_state(host, TIMER_UNIT, scratch, &state, err) < 0)
        return -1;
    return state == NULL ? 0 : systemd_stop_unit(host, TIMER_UNIT, JOB_DEADLINE_MS, err);
}

int64_t deadline_now_ms(void)
{
    return clock_ms(CLOCK_BOOTTIME);
}

int64_t deadline_left_at(const struct ledger_entry *entry, int64_t now_ms, const char *boot)
{
    if (strcmp(boot, "-") == 0 || strcmp(entry->deadline_boot, boot) != 0 ||
        now_ms >= entry->deadline_ms)
        return 0;
    return entry->deadline_ms - now_ms;
}

int64_t deadline_left_ms(const struct ledger_entry *entry)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();

    return deadline_left_at(entry, deadline_now_ms(), journal_boot_id(scratch));
}
