#include "remediations/host/systemd.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "plans/base/escape.h"

/* How long systemd may take for an answer. A daemon-reload runs every generator of the host. */
enum { CALL_SECONDS = 10, DAEMON_RELOAD_SECONDS = 90 };

static const char service[] = "org.freedesktop.systemd1";
static const char manager_path[] = "/org/freedesktop/systemd1";
static const char manager[] = "org.freedesktop.systemd1.Manager";
static const char unit_interface[] = "org.freedesktop.systemd1.Unit";
static const char service_interface[] = "org.freedesktop.systemd1.Service";

static void bus_cleanup(sd_bus **bus)
{
    (void)sd_bus_flush_close_unref(*bus);
}
#define CLEANUP_BUS __attribute__((cleanup(bus_cleanup)))

static void message_cleanup(sd_bus_message **message)
{
    (void)sd_bus_message_unref(*message);
}
#define CLEANUP_MESSAGE __attribute__((cleanup(message_cleanup)))

static void slot_cleanup(sd_bus_slot **slot)
{
    (void)sd_bus_slot_unref(*slot);
}
#define CLEANUP_SLOT __attribute__((cleanup(slot_cleanup)))

#define CLEANUP_BUS_ERROR __attribute__((cleanup(sd_bus_error_free)))

static void string_cleanup(char **string)
{
    free(*string);
}
#define CLEANUP_STRING __attribute__((cleanup(string_cleanup)))

bool systemd_runs(const struct host *host)
{
    return host->live && sd_booted() > 0;
}

/* systemd's own socket: there before D-Bus is, and on hosts that have no D-Bus; for root only. */
static int open_private(sd_bus **out_bus)
{
    sd_bus *bus CLEANUP_BUS = NULL;

    int done = sd_bus_new(&bus);
    if (done >= 0)
        done = sd_bus_set_address(bus, "unix:path=/run/systemd/private");
    if (done >= 0)
        done = sd_bus_start(bus);
    if (done < 0)
        return done;
    *out_bus = bus;
    bus = NULL;
    return 0;
}

static int open_bus(const struct host *host, sd_bus **out_bus, struct err *err)
{
    sd_bus *bus CLEANUP_BUS = NULL;

    if (!systemd_runs(host))
        return err_set(err, ERR_UNSUPPORTED, "no systemd runs here");
    int done = geteuid() == 0 ? open_private(&bus) : -EPERM;
    if (done < 0)
        done = sd_bus_open_system(&bus);
    if (done >= 0)
        done = sd_bus_set_method_call_timeout(bus, CALL_SECONDS * UINT64_C(1000000));
    if (done < 0)
        return err_sys(err, -done, "cannot reach systemd");
    *out_bus = bus;
    bus = NULL;
    return 0;
}

static int fail(struct err *err, int done, const sd_bus_error *error, const char *what)
{
    if (error != NULL && error->message != NULL)
        return err_set(err, ERR_SYS, "systemd: %s: %s", what, error->message);
    return err_sys(err, -done, "systemd: %s", what);
}

static int unit_path(sd_bus *bus, const char *unit, struct arena *arena, const char **out_path,
                     struct err *err)
{
    sd_bus_error error CLEANUP_BUS_ERROR = SD_BUS_ERROR_NULL;
    sd_bus_message *reply CLEANUP_MESSAGE = NULL;
    const char *path;

    int done = sd_bus_call_method(bus, service, manager_path, manager, "LoadUnit", &error, &reply,
                                  "s", unit);
    if (done >= 0)
        done = sd_bus_message_read(reply, "o", &path);
    if (done < 0)
        return fail(err, done, &error, unit);
    *out_path = arena_string(arena, path);
    return 0;
}

static int get_string(sd_bus *bus, const char *path, const char *interface, const char *property,
                      struct arena *arena, const char **out_value, struct err *err)
{
    sd_bus_error error CLEANUP_BUS_ERROR = SD_BUS_ERROR_NULL;
    char *value CLEANUP_STRING = NULL;

    int done = sd_bus_get_property_string(bus, service, path, interface, property, &error, &value);
    if (done < 0)
        return fail(err, done, &error, property);
    *out_value = escape_string(arena, value);
    return 0;
}

/* `type` as in D-Bus: 'b' int, 'i' int32_t, 'u' uint32_t, 't' uint64_t. */
static int get_plain(sd_bus *bus, const char *path, const char *interface, const char *property,
                     char type, void *out_value, struct err *err)
{
    sd_bus_error error CLEANUP_BUS_ERROR = SD_BUS_ERROR_NULL;

    int done = sd_bus_get_property_trivial(bus, service, path, interface, property, &error, type,
                                           out_value);
    return done < 0 ? fail(err, done, &error, property) : 0;
}

/* The same where this systemd may be too old to know it: *out_value stays as it is then. */
static void get_if_known(sd_bus *bus, const char *path, const char *interface, const char *property,
                         char type, void *out_value)
{
    uint64_t value = 0; /* room for each of the types */
    struct err ignored;

    if (get_plain(bus, path, interface, property, type, &value, &ignored) == 0)
        memcpy(out_value, &value, type == 't' ? sizeof(uint64_t) : sizeof(uint32_t));
}

static const char *get_string_if_known(sd_bus *bus, const char *path, const char *property,
                                       struct arena *arena)
{
    const char *value = NULL;
    struct err ignored;

    return get_string(bus, path, service_interface, property, arena, &value, &ignored) == 0 ? value
                                                                                            : NULL;
}

static void get_more(sd_bus *bus, const char *path, struct arena *arena, struct systemd_unit *state)
{
    uint64_t active_microseconds = 0, capabilities = UINT64_MAX;
    uint32_t restarts = UINT32_MAX;
    int32_t exit_code = 0, exit_status = 0;

    get_if_known(bus, path, unit_interface, "ActiveEnterTimestamp", 't', &active_microseconds);
    get_if_known(bus, path, service_interface, "NRestarts", 'u', &restarts);
    get_if_known(bus, path, service_interface, "ExecMainCode", 'i', &exit_code);
    get_if_known(bus, path, service_interface, "ExecMainStatus", 'i', &exit_status);
    get_if_known(bus, path, service_interface, "CapabilityBoundingSet", 't', &capabilities);
    state->status_text = get_string_if_known(bus, path, "StatusText", arena);
    state->reload_result = get_string_if_known(bus, path, "ReloadResult", arena);
    state->active_since = (int64_t)(active_microseconds / 1000000);
    state->restarts = restarts == UINT32_MAX ? -1 : (int64_t)restarts;
    state->exit_code = exit_code;
    state->exit_status = exit_status;
    state->bounds_sys_resource = (capabilities & (UINT64_C(1) << CAP_SYS_RESOURCE)) == 0;
}

int systemd_unit_state(const struct host *host, const char *unit, struct arena *arena,
                       struct systemd_unit *out_unit, struct err *err)
{
    sd_bus *bus CLEANUP_BUS = NULL;
    struct systemd_unit state = {0};
    const char *path = NULL, *load_state = NULL;
    uint32_t main_pid = 0;
    int needs_reload = 0;

    if (open_bus(host, &bus, err) < 0 || unit_path(bus, unit, arena, &path, err) < 0 ||
        get_string(bus, path, unit_interface, "LoadState", arena, &load_state, err) < 0 ||
        get_string(bus, path, unit_interface, "ActiveState", arena, &state.active_state, err) < 0 ||
        get_string(bus, path, unit_interface, "SubState", arena, &state.sub_state, err) < 0 ||
        get_plain(bus, path, unit_interface, "NeedDaemonReload", 'b', &needs_reload, err) < 0)
        return -1;
    state.loaded = strcmp(load_state, "loaded") == 0;
    state.needs_daemon_reload = needs_reload != 0;
    if (state.loaded &&
        (get_string(bus, path, service_interface, "Result", arena, &state.result, err) < 0 ||
         get_plain(bus, path, service_interface, "MainPID", 'u', &main_pid, err) < 0 ||
         get_plain(bus, path, service_interface, "LimitNOFILE", 't', &state.limit_hard, err) < 0 ||
         get_plain(bus, path, service_interface, "LimitNOFILESoft", 't', &state.limit_soft, err) <
             0))
        return -1;
    state.main_pid = (pid_t)main_pid;
    if (state.loaded)
        get_more(bus, path, arena, &state);
    *out_unit = state;
    return 0;
}

int systemd_unit_of(const struct host *host, pid_t pid, struct arena *arena, const char **out_unit,
                    struct err *err)
{
    sd_bus *bus CLEANUP_BUS = NULL;
    sd_bus_error error CLEANUP_BUS_ERROR = SD_BUS_ERROR_NULL;
    sd_bus_message *reply CLEANUP_MESSAGE = NULL;
    const char *path;

    if (open_bus(host, &bus, err) < 0)
        return -1;
    int done = sd_bus_call_method(bus, service, manager_path, manager, "GetUnitByPID", &error,
                                  &reply, "u", (uint32_t)pid);
    if (done < 0 && sd_bus_error_has_name(&error, "org.freedesktop.systemd1.NoUnitForPID")) {
        *out_unit = NULL;
        return 0;
    }
    if (done >= 0)
        done = sd_bus_message_read(reply, "o", &path);
    if (done < 0)
        return fail(err, done, &error, "GetUnitByPID");
    return get_string(bus, path, unit_interface, "Id", arena, out_unit, err);
}

int systemd_daemon_reload(const struct host *host, struct err *err)
{
    sd_bus *bus CLEANUP_BUS = NULL;
    sd_bus_error error CLEANUP_BUS_ERROR = SD_BUS_ERROR_NULL;
    sd_bus_message *call CLEANUP_MESSAGE = NULL, *reply CLEANUP_MESSAGE = NULL;

    if (open_bus(host, &bus, err) < 0)
        return -1;
    int done = sd_bus_message_new_method_call(bus, &call, service, manager_path, manager, "Reload");
    if (done >= 0)
        done = sd_bus_call(bus, call, DAEMON_RELOAD_SECONDS * UINT64_C(1000000), &error, &reply);
    return done < 0 ? fail(err, done, &error, "daemon-reload") : 0;
}

/* The end of the job that we wait for. */
struct job {
    const char *path;
    bool ended;
    char result[32];
};

static int on_job_removed(sd_bus_message *message, void *context, sd_bus_error *error)
{
    struct job *job = context;
    const char *path, *unit, *result;
    uint32_t id;

    (void)error;
    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0)
        return 0;
    if (job->path != NULL && strcmp(path, job->path) == 0) {
        size_t len = strnlen(result, sizeof job->result - 1);
        memcpy(job->result, result, len);
        job->result[len] = '\0';
        job->ended = true;
    }
    return 0;
}

static uint64_t now_microseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* A job of systemd's on one unit, by the method that makes it. */
struct order {
    const char *method; /* "ReloadUnit" */
    const char *word;   /* "reload" */
    const char *unit;
    uint64_t deadline;
};

static int wait_for(sd_bus *bus, const struct job *job, const struct order *order, struct err *err)
{
    while (!job->ended) {
        int done = sd_bus_process(bus, NULL);
        uint64_t now = now_microseconds();
        if (done < 0)
            return fail(err, done, NULL, order->unit);
        if (done > 0)
            continue;
        if (now >= order->deadline)
            return err_sys(err, ETIMEDOUT, "systemd: the %s of '%s' did not end", order->word,
                           order->unit);
        done = sd_bus_wait(bus, order->deadline - now);
        if (done < 0 && done != -EINTR)
            return fail(err, done, NULL, order->unit);
    }
    if (strcmp(job->result, "done") != 0)
        return err_set(err, ERR_SYS, "systemd: the %s of '%s' ended with '%s'", order->word,
                       order->unit, job->result);
    return 0;
}

static int run_job(sd_bus *bus, const struct order *order, struct err *err)
{
    struct job job = {0};
    sd_bus_slot *slot CLEANUP_SLOT = NULL;
    sd_bus_error error CLEANUP_BUS_ERROR = SD_BUS_ERROR_NULL;
    sd_bus_message *reply CLEANUP_MESSAGE = NULL;

    /* Before the job begins, so that its end is not missed. */
    int done = sd_bus_match_signal(bus, &slot, NULL, manager_path, manager, "JobRemoved",
                                   on_job_removed, &job);
    /* systemd's own socket tells without being asked, and may say that it knows no Subscribe. */
    if (done >= 0)
        (void)sd_bus_call_method(bus, service, manager_path, manager, "Subscribe", NULL, NULL, "");
    if (done >= 0)
        done = sd_bus_call_method(bus, service, manager_path, manager, order->method, &error,
                                  &reply, "ss", order->unit, "replace");
    if (done >= 0)
        done = sd_bus_message_read(reply, "o", &job.path);
    if (done < 0)
        return fail(err, done, &error, order->unit);
    return wait_for(bus, &job, order, err);
}

static uint64_t deadline_in(unsigned milliseconds)
{
    return now_microseconds() + (uint64_t)milliseconds * 1000;
}

int systemd_reload_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                        struct err *err)
{
    struct order order = {"ReloadUnit", "reload", unit, deadline_in(deadline_ms)};
    sd_bus *bus CLEANUP_BUS = NULL;

    if (open_bus(host, &bus, err) < 0)
        return -1;
    return run_job(bus, &order, err);
}

int systemd_start_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                       struct err *err)
{
    struct order order = {"StartUnit", "start", unit, deadline_in(deadline_ms)};
    sd_bus *bus CLEANUP_BUS = NULL;

    if (open_bus(host, &bus, err) < 0)
        return -1;
    /* It keeps count of failed starts and refuses the next one; a unit that did not fail needs none
     * of this, so that what it answers does not matter. */
    (void)sd_bus_call_method(bus, service, manager_path, manager, "ResetFailedUnit", NULL, NULL,
                             "s", unit);
    return run_job(bus, &order, err);
}

int systemd_stop_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                      struct err *err)
{
    struct order order = {"StopUnit", "stop", unit, deadline_in(deadline_ms)};
    sd_bus *bus CLEANUP_BUS = NULL;

    if (open_bus(host, &bus, err) < 0)
        return -1;
    return run_job(bus, &order, err);
}

int systemd_unit_file_state(const struct host *host, const char *unit, struct arena *arena,
                            const char **out_state, struct err *err)
{
    sd_bus *bus CLEANUP_BUS = NULL;
    sd_bus_error error CLEANUP_BUS_ERROR = SD_BUS_ERROR_NULL;
    sd_bus_message *reply CLEANUP_MESSAGE = NULL;
    const char *state;

    if (open_bus(host, &bus, err) < 0)
        return -1;
    int done = sd_bus_call_method(bus, service, manager_path, manager, "GetUnitFileState", &error,
                                  &reply, "s", unit);
    if (done == -ENOENT || sd_bus_error_has_name(&error, SD_BUS_ERROR_FILE_NOT_FOUND)) {
        *out_state = NULL;
        return 0;
    }
    if (done >= 0)
        done = sd_bus_message_read(reply, "s", &state);
    if (done < 0)
        return fail(err, done, &error, unit);
    *out_state = escape_string(arena, state);
    return 0;
}
