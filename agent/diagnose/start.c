#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "agent/diagnose/bind.h"
#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/reach.h"
#include "agent/diagnose/selinux.h"
#include "agent/diagnose/words.h"
#include "plans/base/escape.h"

#define ALERTS_MAX 10

/* ---- config-invalid ---- */

/* "[ALERT]    (123) : config : parsing [FILE:LINE] : what is wrong": a line of `haproxy -c`, taken
 * apart. Up to 2.3 the process id is preceded by the date, and "config : " is missing up to 2.4. */
struct alert {
    struct span place; /* "FILE:LINE"; len 0: none */
    struct span message;
};

static bool alert_parse(struct span line, struct alert *out_alert)
{
    static const char parsing[] = "parsing [", config[] = "config : ";
    struct alert alert = {.place = {"", 0}, .message = span_trim(line)};

    if (!span_starts_with(alert.message, "[ALERT]"))
        return false;
    const char *mark = memmem(alert.message.ptr, alert.message.len, " : ", 3);
    if (mark != NULL) {
        size_t skip = (size_t)(mark - alert.message.ptr) + 3;
        alert.message = (struct span){mark + 3, alert.message.len - skip};
    }
    if (span_starts_with(alert.message, config))
        alert.message = (struct span){alert.message.ptr + sizeof config - 1,
                                      alert.message.len - (sizeof config - 1)};
    /* These only sum up the lines before them. */
    if (span_starts_with(alert.message, "Error(s) found in configuration file") ||
        span_starts_with(alert.message, "Fatal errors found in configuration"))
        return false;
    /* "[FILE:LINE] : 'server app/one' : ..." is said of some lines of servers. */
    size_t skip = span_starts_with(alert.message, parsing) ? sizeof parsing - 1
                  : span_starts_with(alert.message, "[/")  ? 1
                                                           : 0;
    if (skip > 0) {
        struct span rest = {alert.message.ptr + skip, alert.message.len - skip};
        struct span place = span_cut(&rest, ']');

        if (rest.len > 0 && memchr(place.ptr, ':', place.len) != NULL) {
            alert.place = place;
            if (span_starts_with(rest, " : "))
                rest = (struct span){rest.ptr + 3, rest.len - 3};
            alert.message = span_trim(rest);
        }
    }
    *out_alert = alert;
    return true;
}

/* "Proxy 'web': unable to find required default_backend: 'nope'.": what is found once all lines were read has the name of
 * its section only. */
static struct span place_of_section(struct diagnosis_work *work, struct span message)
{
    static const char *const kinds[] = {"Proxy '", "proxy '", "frontend '", "backend '",
                                        "listen '"};
    const struct cfg *cfg = work->facts->cfg;
    const struct cfg_proxy *proxy = NULL;

    for (size_t i = 0; cfg != NULL && i < sizeof kinds / sizeof *kinds && proxy == NULL; i++) {
        if (!span_starts_with(message, kinds[i]))
            continue;
        struct span rest = {message.ptr + strlen(kinds[i]), message.len - strlen(kinds[i])};
        struct span quoted = span_cut(&rest, '\'');
        const char *name = arena_copy(work->arena, quoted.ptr, quoted.len);
        proxy = look_front(cfg, name);
        if (proxy == NULL)
            proxy = cfg_find_backend(cfg, name);
    }
    return span_of(proxy != NULL ? look_place(work, proxy->file, proxy->line) : "");
}

static const char *span_shown(struct diagnosis_work *work, struct span span)
{
    size_t len = span.len < 512 ? span.len : 512;
    struct span cut = {span.ptr, len};

    return escape_is_plain(cut) ? arena_copy(work->arena, cut.ptr, cut.len)
                                : escape_span(work->arena, cut, cut.len);
}

static void advise_alert(struct diagnosis_work *work, struct finding *finding,
                         const struct alert *alert)
{
    if (alert->place.len > 0)
        strings_addf(&finding->advice, work->arena, "correct %s: %s",
                     span_shown(work, alert->place), span_shown(work, alert->message));
    else
        strings_addf(&finding->advice, work->arena, "correct the configuration: %s",
                     span_shown(work, alert->message));
}

static const char *unit_name(const struct facts *facts)
{
    return facts->haproxy->unit != NULL ? facts->haproxy->unit : facts->unit.name;
}

static void tell_unit(struct diagnosis_work *work, struct finding *finding)
{
    const struct systemd_unit *state = &work->facts->systemd_unit;

    if (state->loaded && state->active_state != NULL)
        diagnose_evidence(work, finding, SOURCE_UNIT, "%s is %s (%s), result %s",
                          look_shown(unit_name(work->facts)), state->active_state,
                          look_shown(state->sub_state), look_shown(state->result));
}

/* Its start failed by itself, as every start with this file does. Whom a person stopped may not have
 * tried the file at all, and a signal has another reason. */
static bool invalid_keeps_down(const struct facts *facts)
{
    const struct systemd_unit *state = &facts->systemd_unit;

    return look_is_stopped(facts) && look_config_is_invalid(facts) && state->loaded &&
           (look_same(state->result, "exit-code") || look_same(state->result, "start-limit-hit"));
}

static void consequences_of_invalid(struct diagnosis_work *work, struct finding *finding)
{
    const struct facts *facts = work->facts;

    if (facts->haproxy->running) {
        strings_add(&finding->consequences, work->arena,
                    "the running process keeps its old configuration; a reload changes nothing");
        strings_add(&finding->consequences, work->arena,
                    "a restart or a reboot stops the service: clients get Connection refused");
        return;
    }
    if (look_is_stopped(facts))
        finding->severity = SEVERITY_CRITICAL;
    if (invalid_keeps_down(facts)) {
        tell_unit(work, finding);
        strings_addf(&finding->advice, work->arena, "then: systemctl start %s",
                     look_shown(unit_name(facts)));
    }
    strings_add(&finding->consequences, work->arena,
                "HAProxy cannot start with this file: clients get Connection refused");
}

static void invalid_by_haproxy(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, "configuration");
    struct span rest = facts->check.output, line;
    struct alert alert;
    size_t count = 0;

    finding->summary = "HAProxy refuses its configuration";
    while (span_next_line(&rest, &line)) {
        if (!alert_parse(line, &alert) || count++ >= ALERTS_MAX)
            continue;
        if (alert.place.len == 0)
            alert.place = place_of_section(work, alert.message);
        if (count == 1 && alert.place.len > 0)
            finding->object = span_shown(work, alert.place);
        diagnose_evidence(work, finding, SOURCE_CHECK, "%s%s%s", span_shown(work, alert.place),
                          alert.place.len > 0 ? ": " : "", span_shown(work, alert.message));
        advise_alert(work, finding, &alert);
    }
    if (count == 0)
        diagnose_evidence(work, finding, SOURCE_CHECK, "exit 1 without an [ALERT] line");
    if (facts->cfg_error != NULL)
        diagnose_evidence(work, finding, SOURCE_CONFIG, "%s", facts->cfg_error);
    if (count > ALERTS_MAX)
        diagnose_evidence(work, finding, SOURCE_CHECK, "and %zu more", count - ALERTS_MAX);
    consequences_of_invalid(work, finding);
}

static void invalid_without_listener(struct diagnosis_work *work, const struct cause *cause)
{
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, "configuration");

    finding->summary = "the configuration has no listener: HAProxy ends at once when it starts";
    diagnose_evidence(work, finding, SOURCE_CHECK,
                      "exit 2: no error in the file, but no bind line in any frontend or listen");
    strings_add(
        &finding->advice, work->arena,
        "add a bind line to a frontend; where one is in another file or directory, see that "
        "the unit names it with -f");
    consequences_of_invalid(work, finding);
}

static void invalid_perhaps(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    struct finding *finding = diagnose_find(work, cause, FINDING_POSSIBLE, "configuration");

    if (facts_have(facts, SOURCE_CHECK)) {
        finding->summary = "haproxy -c ended in a way that says nothing of the configuration";
        diagnose_evidence(work, finding, SOURCE_CHECK, "exit %d", facts->check.exit_code);
        finding->settle = "run haproxy -c by hand with the unit's own options and read how it ends";
        return;
    }
    finding->summary = "the configuration cannot be read as HAProxy would";
    diagnose_evidence(work, finding, SOURCE_CONFIG, "%s", facts->cfg_error);
    finding->settle = "haproxy -c with the unit's own -f options: it has the last word";
}

/* "FILE:LINE: what": an error in the text, not one of reading the file. */
static bool names_a_line(const char *error)
{
    for (const char *at = error; at != NULL && (at = strchr(at, ':')) != NULL; at++) {
        size_t digits = strspn(at + 1, "0123456789");

        if (digits > 0 && at[1 + digits] == ':')
            return true;
    }
    return false;
}

void start_look_config_invalid(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    if (facts_have(facts, SOURCE_CHECK)) {
        if (facts->check.exit_code == 1)
            invalid_by_haproxy(work, cause);
        else if (facts->check.exit_code == 2)
            invalid_without_listener(work, cause);
        else if (facts->check.exit_code != 0)
            invalid_perhaps(work, cause);
    } else if (names_a_line(facts->cfg_error)) {
        invalid_perhaps(work, cause);
    }
}

/* ---- haproxy-not-running ---- */

/* How many TCP ports of the file are listened on by somebody, and how many there are. */
static void count_bound(const struct facts *facts, size_t *out_bound, size_t *out_all)
{
    size_t bound = 0, all = 0;

    for (size_t p = 0; facts->cfg != NULL && p < facts->cfg->proxy_count; p++) {
        const struct cfg_proxy *proxy = facts->cfg->proxies[p];

        for (size_t i = 0; look_is_front(proxy) && !proxy->disabled && i < proxy->bind_count; i++) {
            if (!look_is_tcp(&proxy->binds[i]) || proxy->binds[i].conditional)
                continue;
            all++;
            bound += look_is_listened(&facts->sockets, &proxy->binds[i], proxy->binds[i].port_low);
        }
    }
    *out_bound = bound;
    *out_all = all;
}

static void advise_start(struct diagnosis_work *work, struct finding *finding, const char *unit)
{
    const struct facts *facts = work->facts;
    const struct haproxy_message *refused =
        words_of_attempt(facts, LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT);

    if (look_config_is_invalid(facts))
        strings_add(&finding->advice, work->arena,
                    "correct the configuration first: see config-invalid");
    else if (look_budget_is_short(facts))
        strings_add(&finding->advice, work->arena,
                    "it would not get its file descriptors: see maxconn-over-budget");
    else if (refused != NULL && refused->need > refused->limit && refused->limit > 0)
        strings_addf(&finding->advice, work->arena,
                     "give it %" PRId64 " file descriptors where it is started (LimitNOFILE of its "
                     "unit, ulimit -n in a script, --ulimit nofile of a container): it may have "
                     "%" PRId64 "; or lower maxconn",
                     refused->need, refused->limit);
    if (unit != NULL && facts->systemd_unit.loaded)
        strings_addf(&finding->advice, work->arena,
                     "read its last words: journalctl -u %s -n 50; then: systemctl start %s", unit,
                     unit);
    else
        strings_add(&finding->advice, work->arena,
                    "start it the way this host starts its services, and read what it prints");
}

enum { LAST_WORDS = 4 };

/* How its main process ended: 128 and more is a signal, as the master of a worker says it. */
static void tell_end(struct diagnosis_work *work, struct finding *finding)
{
    const struct systemd_unit *state = &work->facts->systemd_unit;
    const struct haproxy_message *gone = words_of_attempt(work->facts, LOG_MESSAGE_WORKERS_GONE);
    int64_t status = gone != NULL ? gone->code : -1;

    if (state->loaded && state->exit_code != 0) {
        status = state->exit_status + (state->exit_code == CLD_EXITED ? 0 : 128);
        diagnose_evidence(work, finding, SOURCE_UNIT, "its main process ended: %s %d",
                          state->exit_code == CLD_EXITED ? "exit status" : "signal",
                          state->exit_status);
    }
    words_quote_last(work, finding, LAST_WORDS);
    if (words_exit(status) != NULL)
        finding->summary =
            arena_printf(work->arena, "HAProxy does not run: it was ended %s", words_exit(status));
    else if (words_of_attempt(work->facts, LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT) != NULL)
        finding->summary = "HAProxy does not run: it did not get its file descriptors";
}

void start_look_not_running(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const struct haproxy *haproxy = facts->haproxy;
    const struct systemd_unit *state = &facts->systemd_unit;
    const char *unit = unit_name(facts);
    bool told = state->loaded && state->active_state != NULL;
    bool says_active = told && strcmp(state->active_state, "active") == 0;
    size_t bound = 0, all = 0;

    /* Told as what a refused file, or a bind that fails, leads to. */
    if (!look_is_stopped(facts) || invalid_keeps_down(facts) || selinux_keeps_down(work) ||
        bind_keeps_down(work) || reach_keeps_down(work))
        return;
    if (facts_have(facts, SOURCE_SOCKETS))
        count_bound(facts, &bound, &all);
    /* Its ports all served, and no unit that says it is down: it may run where it cannot be seen
     * from here. */
    bool perhaps = says_active || (!told && all > 0 && bound == all);
    struct finding *finding = diagnose_find(
        work, cause, perhaps ? FINDING_POSSIBLE : FINDING_PROVEN, unit != NULL ? unit : "haproxy");
    finding->summary = "HAProxy does not run";
    diagnose_evidence(work, finding, SOURCE_PROCESS, "no haproxy process; %s is installed",
                      haproxy->program);
    tell_unit(work, finding);
    tell_end(work, finding);
    if (all > 0)
        diagnose_evidence(work, finding, SOURCE_SOCKETS, "%zu of %zu bind lines have a listener%s",
                          bound, all, bound > 0 ? ": somebody else holds them" : "");
    if (perhaps)
        finding->settle = "whether a haproxy process runs in a container or another pid namespace";
    strings_add(&finding->consequences, work->arena,
                bound < all || all == 0 ? "clients get Connection refused"
                                        : "clients reach whatever else listens on these ports");
    selinux_tell_others(work, finding);
    advise_start(work, finding, unit);
}
