#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "plans/base/escape.h"
#include "plans/base/clock.h"
#include "plans/base/text.h"
#include "remediations/host/haproxy_api.h"
#include "remediations/host/haproxy_cfg.h"
#include "remediations/host/haproxy_process.h"
#include "remediations/host/systemd.h"

enum {
    POLL_MS = 25,
    ASK_EVERY_MS = 100, /* a socket is asked less often than /proc is read */
    ASK_MS = 250,       /* a master that executes itself anew leaves questions unanswered */
    SETTLE_MS = 500,    /* how long a worker that nobody can ask must live */
    CHECK_MS = 10000,
    IDLE_LOOKS = 2, /* between a signal's handler and what it asks for the master looks idle */
    ANSWER_MAX = 1024 * 1024,
    ALERTS_MAX = 4,
    SHOWN_MAX = 200,
};

/* One reload, from before its start until its end is known. */
struct reload {
    const struct host *host;
    const struct haproxy *haproxy;
    const char *stats_socket; /* of the configuration that is being loaded; NULL: none */
    struct arena *arena;      /* until the reload is over */
    int64_t deadline;
    const char *program;    /* of the master before: its path; NULL: not known */
    struct process *before; /* the workers that were there */
    size_t before_count;
    int64_t failed_before, failed_before_asked; /* failed reloads so far; -1: not told */
    struct process worker;                      /* the new one; pid 0: not yet */
    int64_t seen;                               /* when it was first seen */
    int idle;                                   /* looks at a master that waits, since it is gone */
    const char *messages;                       /* what HAProxy said of the failure; NULL */
};

/* ---- what /proc and the master socket tell ---- */

/* Where a script stands for HAProxy a reload makes a shell of the master for a while, and the
 * shell's children are no workers. Another HAProxy may have come: /opt/haproxy-2.8.2. */
static bool is_still_haproxy(const struct reload *reload, const char *program)
{
    static const char usual[] = "haproxy";

    return program == NULL || reload->program == NULL ||
           strcmp(basename(program), basename(reload->program)) == 0 ||
           strncmp(basename(program), usual, sizeof usual - 1) == 0;
}

/* The master's children that run its program; its "program" sections have others. */
static struct process *list_workers(const struct reload *reload, struct arena *arena,
                                    size_t *out_count)
{
    struct process *workers = NULL, *all = NULL, process;
    pid_t master = reload->haproxy->master;
    const char *program = process_link(master, "exe", arena);
    const char *name = arena_printf(arena, "task/%jd/children", (intmax_t)master);
    struct span pids = span_trim(process_file(master, name, arena));
    size_t count = 0, all_count = 0;
    struct err err = {0};

    *out_count = 0;
    if (!is_still_haproxy(reload, program))
        return NULL;
    while (pids.len > 0) {
        uint64_t pid = 0;
        if (!span_scan_u64(span_cut(&pids, ' '), &pid) || pid > INT32_MAX ||
            !process_read((pid_t)pid, arena, &process))
            continue;
        const char *link = process_link((pid_t)pid, "exe", arena);
        if (program == NULL || link == NULL || strcmp(link, program) == 0)
            ARENA_PUSH(arena, workers, count) = process;
    }
    /* Kernels without that file. */
    if (count == 0 && process_list_haproxy(program, arena, &all, &all_count, &err) == 0)
        for (size_t i = 0; i < all_count; i++)
            if (all[i].parent == master)
                ARENA_PUSH(arena, workers, count) = all[i];
    *out_count = count;
    return workers;
}

static bool was_there(const struct reload *reload, const struct process *process)
{
    for (size_t i = 0; i < reload->before_count; i++)
        if (reload->before[i].pid == process->pid && reload->before[i].start == process->start)
            return true;
    return false;
}

static bool is_alive(const struct process *process)
{
    return process->pid != 0 && process_start(process->pid) == process->start;
}

static bool ask_master(const struct reload *reload, struct arena *arena,
                       struct haproxy_proc *out_proc)
{
    const char *path = reload->haproxy->master_socket;
    struct span answer;
    struct err err = {0};

    /* While the master executes itself anew it answers nobody: not known is no failure. */
    return path != NULL &&
           haproxy_api_ask(path, "show proc", ASK_MS, ANSWER_MAX, arena, &answer, &err) == 0 &&
           haproxy_proc_parse(answer, out_proc, &err) == 0;
}

/* The stats socket of the configuration on disk: that is what the new worker will open. */
static const char *next_stats_socket(const struct host *host, const struct haproxy *haproxy,
                                     struct arena *arena)
{
    struct haproxy next = *haproxy;
    struct cfg *cfg = NULL;
    struct err err = {0};

    if (host->settings.stats_socket != NULL)
        return host->settings.stats_socket;
    if (cfg_load_without_servers(host, haproxy, arena, &cfg, &err) < 0)
        return haproxy->stats_socket;
    next.running = false;
    haproxy_choose_stats_socket(host, cfg, &next);
    return next.stats_socket;
}

static void remember_before(struct reload *reload)
{
    struct haproxy_proc proc;

    reload->program = process_link(reload->haproxy->master, "exe", reload->arena);
    reload->before = list_workers(reload, reload->arena, &reload->before_count);
    reload->failed_before = haproxy_told_failures(reload->haproxy, reload->arena);
    reload->failed_before_asked =
        ask_master(reload, reload->arena, &proc) ? proc.failed_reloads : -1;
}

/* ---- one that is under way already ---- */

/* From the signal on until it waits again a master blocks SIGUSR2, or has it pending. */
static bool is_at_work(const struct reload *reload, struct arena *arena)
{
    static const char *const fields[] = {"SigPnd:", "ShdPnd:", "SigBlk:"};
    const uint64_t wanted = UINT64_C(1) << (SIGUSR2 - 1);
    struct span line, status = process_file(reload->haproxy->master, "status", arena);
    struct systemd_unit unit = {0};
    struct err err = {0};

    while (span_next_line(&status, &line))
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (span_starts_with(line, fields[i]) &&
                (strtoull(arena_copy(arena, line.ptr, line.len) + strlen(fields[i]), NULL, 16) &
                 wanted) != 0)
                return true;
    return reload->haproxy->by_systemd &&
           systemd_unit_state(reload->host, reload->haproxy->unit, arena, &unit, &err) == 0 &&
           unit.active_state != NULL && strcmp(unit.active_state, "reloading") == 0;
}

/* Somebody's reload, or one of ours that was killed while it waited: it may have read the files as
 * they were before, and its worker is not the one that this reload brings. One that does not end is
 * not waited for longer than half the time; what follows then tells. */
static void let_others_end(const struct reload *reload)
{
    int64_t begin = clock_ms(CLOCK_MONOTONIC), limit = begin + (reload->deadline - begin) / 2;

    for (int idle = 0; idle < IDLE_LOOKS && clock_ms(CLOCK_MONOTONIC) < limit;) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        idle = is_at_work(reload, arena) ? 0 : idle + 1;
        if (idle < IDLE_LOOKS)
            (void)poll(NULL, 0, POLL_MS);
    }
}

/* ---- starting it ---- */

static int signal_master(const struct haproxy *haproxy, struct err *err)
{
    int master CLEANUP_FD = (int)syscall(SYS_pidfd_open, haproxy->master, 0U);

    if (master < 0)
        return err_sys(err, errno, "cannot reach HAProxy's master %jd", (intmax_t)haproxy->master);
    /* The descriptor is held first: the number cannot become another process's any more. */
    if (!haproxy_is_same_process(haproxy))
        return err_set(err, ERR_CHANGED, "HAProxy's master %jd has ended",
                       (intmax_t)haproxy->master);
    if (syscall(SYS_pidfd_send_signal, master, SIGUSR2, NULL, 0U) < 0)
        return err_sys(err, errno, "cannot signal HAProxy's master %jd", (intmax_t)haproxy->master);
    return 0;
}

/* HAProxy's alerts among its messages, each cut to a readable length; NULL: none. */
static const char *pick_alerts(struct span messages, struct arena *arena)
{
    struct text text = text_new(arena);
    struct span line;
    int count = 0;

    while (count < ALERTS_MAX && span_next_line(&messages, &line)) {
        static const char word[] = "[ALERT]";
        if (!span_starts_with(line, word))
            continue;
        const char *colon = memmem(line.ptr, line.len, " : ", 3);
        if (colon != NULL)
            line = (struct span){colon + 3, line.len - (size_t)(colon + 3 - line.ptr)};
        text_addf(&text, "%s%s", count++ == 0 ? "" : "; ", escape_span(arena, line, SHOWN_MAX));
    }
    return count == 0 ? NULL : text_string(&text);
}

/* 2.7 and later answer when it is over: "Success=1", or "Success=0", "--" and the messages.
 * *out_asked false: this socket cannot be used for it. */
static int ask_for_reload(struct reload *reload, bool *out_asked, bool *out_failed)
{
    const struct haproxy *haproxy = reload->haproxy;
    int64_t left = reload->deadline - clock_ms(CLOCK_MONOTONIC);
    struct span answer = {NULL, 0};
    struct err err = {0};

    *out_asked = false;
    *out_failed = false;
    if (haproxy->master_socket == NULL || haproxy->major < 2 ||
        (haproxy->major == 2 && haproxy->minor < 7) || left <= 0)
        return 0;
    if (!haproxy_api_connects(haproxy->master_socket))
        return 0;
    *out_asked = true;
    /* No answer: it may be under way all the same, and what follows looks for that. */
    if (haproxy_api_ask(haproxy->master_socket, "reload", (unsigned)left, ANSWER_MAX, reload->arena,
                        &answer, &err) < 0)
        return 0;
    if (span_starts_with(answer, "Success=0")) {
        *out_failed = true;
        reload->messages = pick_alerts(answer, reload->arena);
    } else if (!span_starts_with(answer, "Success=1")) {
        *out_asked = false;
    }
    return 0;
}

static int start_reload(struct reload *reload, bool *out_failed, struct err *err)
{
    const struct haproxy *haproxy = reload->haproxy;
    int64_t left = reload->deadline - clock_ms(CLOCK_MONOTONIC);
    bool asked = false;

    *out_failed = false;
    if (haproxy->by_systemd)
        return systemd_reload_unit(reload->host, haproxy->unit, left > 0 ? (unsigned)left : 0, err);
    if (ask_for_reload(reload, &asked, out_failed) < 0)
        return -1;
    return asked ? 0 : signal_master(haproxy, err);
}

/* ---- following it ---- */

enum outcome { RELOAD_PENDING, RELOAD_DONE, RELOAD_FAILED, RELOAD_MASTER_GONE, RELOAD_WORKER_GONE };

static bool has_failed(const struct reload *reload, struct arena *arena)
{
    int64_t failed = haproxy_told_failures(reload->haproxy, arena);

    return failed >= 0 && reload->failed_before >= 0 && failed > reload->failed_before;
}

static void look_for_worker(struct reload *reload, struct arena *arena)
{
    size_t count = 0;
    const struct process *workers = list_workers(reload, arena, &count);

    for (size_t i = 0; i < count; i++) {
        if (was_there(reload, &workers[i]) ||
            (reload->worker.pid != 0 && workers[i].start < reload->worker.start))
            continue;
        if (workers[i].pid != reload->worker.pid) {
            reload->seen = clock_ms(CLOCK_MONOTONIC);
            reload->idle = 0;
        }
        reload->worker = (struct process){.pid = workers[i].pid, .start = workers[i].start};
    }
}

static bool serves(const struct reload *reload, struct arena *arena)
{
    struct haproxy_info info = {0};
    struct span answer;
    struct err err = {0};
    int64_t pid = 0;

    return haproxy_api_ask(reload->stats_socket, "show info", ASK_MS, ANSWER_MAX, arena, &answer,
                           &err) == 0 &&
           haproxy_info_parse(answer, arena, &info, &err) == 0 &&
           haproxy_info_number(&info, "Pid", &pid) && pid == reload->worker.pid;
}

static enum outcome ask(const struct reload *reload, struct arena *arena)
{
    struct haproxy_proc proc;
    bool told = ask_master(reload, arena, &proc);

    if (told && proc.failed_reloads >= 0 && reload->failed_before_asked >= 0 &&
        proc.failed_reloads > reload->failed_before_asked)
        return RELOAD_FAILED;
    if (reload->worker.pid == 0)
        return RELOAD_PENDING;
    if (reload->stats_socket != NULL)
        return serves(reload, arena) ? RELOAD_DONE : RELOAD_PENDING;
    if (reload->haproxy->master_socket != NULL)
        return told && proc.worker == reload->worker.pid ? RELOAD_DONE : RELOAD_PENDING;
    return clock_ms(CLOCK_MONOTONIC) - reload->seen >= SETTLE_MS && !is_at_work(reload, arena)
               ? RELOAD_DONE
               : RELOAD_PENDING;
}

static enum outcome look(struct reload *reload, bool may_ask)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    bool had_worker = reload->worker.pid != 0;

    if (!haproxy_is_same_process(reload->haproxy))
        return RELOAD_MASTER_GONE;
    if (has_failed(reload, arena))
        return RELOAD_FAILED;
    look_for_worker(reload, arena);
    if (had_worker && !is_alive(&reload->worker)) {
        /* On its way a master starts others, which look like itself until they are another program:
         * only one that waits again has had its worker. */
        reload->idle = is_at_work(reload, arena) ? 0 : reload->idle + 1;
        return reload->idle < IDLE_LOOKS ? RELOAD_PENDING : RELOAD_WORKER_GONE;
    }
    return may_ask ? ask(reload, arena) : RELOAD_PENDING;
}

static enum outcome follow(struct reload *reload)
{
    enum outcome outcome = RELOAD_PENDING;
    int64_t asked = 0;

    while (outcome == RELOAD_PENDING && clock_ms(CLOCK_MONOTONIC) < reload->deadline) {
        bool may_ask = clock_ms(CLOCK_MONOTONIC) - asked >= ASK_EVERY_MS;
        outcome = look(reload, may_ask);
        if (may_ask)
            asked = clock_ms(CLOCK_MONOTONIC);
        if (outcome == RELOAD_PENDING)
            (void)poll(NULL, 0, POLL_MS);
    }
    return outcome;
}

/* ---- telling how it went ---- */

static const char *who_serves(const struct reload *reload)
{
    const char *who = "no worker is left";

    for (size_t i = 0; i < reload->before_count; i++)
        if (is_alive(&reload->before[i]))
            who = arena_printf(reload->arena, "worker %jd still serves what it had loaded",
                               (intmax_t)reload->before[i].pid);
    return who;
}

/* A master from before 2.7 says why in its log alone; what is wrong with the file can be found out
 * here. */
static const char *find_reason(const struct reload *reload, enum err_kind *out_kind)
{
    struct haproxy_verdict verdict = {0};
    struct err err = {0};
    const char *alerts;

    *out_kind = ERR_SYS;
    if (reload->messages != NULL)
        return reload->messages;
    if (haproxy_check(reload->host, reload->haproxy, NULL, 0, CHECK_MS, reload->arena, &verdict,
                      &err) < 0 ||
        verdict.exit_code == 0)
        return "the configuration is valid, but HAProxy could not start with it (its log says "
               "which bind, limit or file)";
    *out_kind = ERR_INPUT;
    alerts = pick_alerts(verdict.output, reload->arena);
    return alerts == NULL ? "haproxy -c refuses the configuration" : alerts;
}

static int report(const struct reload *reload, enum outcome outcome, struct err *err)
{
    enum err_kind kind = ERR_SYS;
    const char *reason;

    switch (outcome) {
    case RELOAD_DONE:
        return 0;
    case RELOAD_FAILED:
        reason = find_reason(reload, &kind);
        return err_set(err, kind, "the reload failed: %s; %s", reason, who_serves(reload));
    case RELOAD_WORKER_GONE:
        reason = find_reason(reload, &kind);
        return err_set(err, kind, "the reload failed: the new worker %jd ended at once: %s; %s",
                       (intmax_t)reload->worker.pid, reason, who_serves(reload));
    case RELOAD_MASTER_GONE:
        return err_set(err, ERR_SYS, "HAProxy's master %jd ended during the reload; %s",
                       (intmax_t)reload->haproxy->master, who_serves(reload));
    case RELOAD_PENDING:
        break;
    }
    if (reload->worker.pid != 0)
        return err_sys(err, ETIMEDOUT, "the new worker %jd does not answer at '%s'",
                       (intmax_t)reload->worker.pid,
                       reload->stats_socket != NULL ? reload->stats_socket
                                                    : reload->haproxy->master_socket);
    return err_sys(err, ETIMEDOUT, "the reload brought no new worker; %s", who_serves(reload));
}

static void bring_up_to_date(const struct reload *reload, struct arena *arena,
                             struct haproxy *haproxy)
{
    struct haproxy fresh;
    struct err err = {0};

    if (haproxy_find(reload->host, arena, &fresh, &err) == 0 && fresh.master == haproxy->master &&
        fresh.master_start == haproxy->master_start) {
        *haproxy = fresh;
        return;
    }
    haproxy->worker = reload->worker.pid;
    haproxy->worker_start = reload->worker.start;
    if (reload->stats_socket != NULL)
        haproxy->stats_socket = arena_string(arena, reload->stats_socket);
}

int haproxy_check_reload(const struct host *host, const struct haproxy *haproxy, struct err *err)
{
    if (!host->live || !haproxy->running || haproxy->master != 0)
        return 0;
    return err_set(err, ERR_UNSUPPORTED,
                   "HAProxy runs without a master (-W): it cannot be reloaded, only started anew");
}

int haproxy_reload(const struct host *host, struct haproxy *haproxy, unsigned deadline_ms,
                   struct arena *arena, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct reload reload = {.host = host,
                            .haproxy = haproxy,
                            .arena = scratch,
                            .deadline = clock_ms(CLOCK_MONOTONIC) + deadline_ms};
    bool failed = false;

    if (!host->live)
        return err_set(err, ERR_UNSUPPORTED, "nothing runs in a tree that could be reloaded");
    if (!haproxy->running)
        return err_set(err, ERR_UNSUPPORTED, "HAProxy does not run: there is nothing to reload");
    if (haproxy_check_reload(host, haproxy, err) < 0)
        return -1;
    if (!haproxy_is_same_process(haproxy))
        return err_set(err, ERR_CHANGED, "HAProxy's master %jd has ended",
                       (intmax_t)haproxy->master);
    reload.stats_socket = next_stats_socket(host, haproxy, scratch);
    let_others_end(&reload);
    remember_before(&reload);
    if (start_reload(&reload, &failed, err) < 0)
        return err_wrap(err, "cannot reload HAProxy");
    if (report(&reload, failed ? RELOAD_FAILED : follow(&reload), err) < 0)
        return -1;
    bring_up_to_date(&reload, arena, haproxy);
    return 0;
}
