/* A reload that failed: the old worker goes on with the old configuration, and nobody is told. */
#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/activates.h"
#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/words.h"

#define DIFFERENCES_MAX 4
#define LAST_WORDS      4

/* What speaks for a reload that failed. */
struct signs {
    int64_t asked; /* failed reloads by `show proc`; -1: not told */
    int64_t told;  /* by the master's environment; -1: not told */
    bool said;     /* the unit's status text says so */
    bool logged;   /* the master's own words, in the journal */
    bool differs;  /* file and running process */
    bool older;    /* the worker is older than the file */
};

static struct signs look_for_signs(const struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;
    const char *text = facts->systemd_unit.status_text;
    struct signs signs = {.asked = look_failed_reloads(facts), .told = facts->told_failures};

    /* HAProxy 2.8 and later: "Reload failed!", "Reload failed (master failed to load or ...)!" */
    signs.said = facts->systemd_unit.loaded && facts->haproxy->by_systemd && text != NULL &&
                 strncmp(text, "Reload failed", strlen("Reload failed")) == 0;
    signs.logged = words_say_reload_failed(facts);
    signs.differs = work->result->activates.count > 0;
    signs.older = facts->worker_started > 0 && facts->cfg_changed > facts->worker_started;
    return signs;
}

enum { SIGNS_NONE, SIGNS_POSSIBLE, SIGNS_PROVEN };

static int weigh(const struct signs *signs)
{
    int direct = (signs->asked > 0) + (signs->told > 0) + signs->said + signs->logged;
    bool denied = signs->asked == 0 || signs->told == 0;
    bool indirect = signs->differs || signs->older;

    if (direct == 0)
        return !denied && signs->differs && signs->older ? SIGNS_POSSIBLE : SIGNS_NONE;
    return direct > 1 || indirect ? SIGNS_PROVEN : SIGNS_POSSIBLE;
}

static void tell_older(struct diagnosis_work *work, struct finding *finding)
{
    const struct facts *facts = work->facts;

    diagnose_evidence(work, finding, SOURCE_CONFIG,
                      "%s was written %" PRId64 " s after worker %jd was started",
                      look_shown(facts->cfg_changed_file),
                      facts->cfg_changed - facts->worker_started, (intmax_t)facts->haproxy->worker);
}

static void tell_signs(struct diagnosis_work *work, struct finding *finding,
                       const struct signs *signs)
{
    const struct facts *facts = work->facts;
    const struct strings *differences = &work->result->activates;

    if (signs->asked > 0)
        diagnose_evidence(work, finding, SOURCE_MASTER,
                          "show proc: %" PRId64 " failed since the last reload that worked",
                          signs->asked);
    if (signs->told > 0)
        diagnose_evidence(work, finding, SOURCE_PROCESS,
                          "master %jd counts %" PRId64 " failed in its environment",
                          (intmax_t)facts->haproxy->master, signs->told);
    if (signs->said)
        diagnose_evidence(work, finding, SOURCE_UNIT, "%s: \"%s\"",
                          look_shown(facts->haproxy->unit), facts->systemd_unit.status_text);
    if (signs->older)
        tell_older(work, finding);
    if (signs->logged)
        words_quote_last(work, finding, LAST_WORDS);
    for (size_t i = 0; i < differences->count && i < DIFFERENCES_MAX; i++)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s", differences->at[i]);
}

/* Causes of a start that fails after `haproxy -c` was content, and of -c itself. */
static bool can_be_behind(const char *cause)
{
    static const char *const causes[] = {
        "config-invalid",      "bind-in-use",          "bind-selinux",
        "bind-privilege",      "bind-address-missing", "bind-ephemeral-clash",
        "limit-not-effective", "maxconn-over-budget",  "fd-limit"};

    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (strcmp(causes[i], cause) == 0)
            return true;
    return false;
}

/* The change is the one of the cause behind it; this finding must be gone with it. */
static void point_to_cause(struct diagnosis_work *work, const struct cause *cause,
                           struct finding *finding)
{
    const struct diagnosis_result *result = work->result;
    const char *unit = work->facts->haproxy->unit;
    bool found = false;

    for (size_t i = 0; i < result->finding_count; i++) {
        const struct finding *behind = &result->findings[i];

        if (behind->state != FINDING_PROVEN || !can_be_behind(behind->cause))
            continue;
        strings_addf(&finding->consequences, work->arena, "the cause behind it: %s (%s)",
                     behind->cause, look_shown(behind->summary));
        for (size_t k = 0; k < behind->repair.count; k++)
            if (diagnose_join(work, cause, behind->repair.at[k]))
                diagnose_activate(work, behind->repair.at[k]);
        found = true;
    }
    if (found)
        return;
    if (unit != NULL && work->facts->systemd_unit.loaded)
        strings_addf(&finding->advice, work->arena,
                     "read why the reload failed: journalctl -u %s -n 50 ([ALERT] lines); then "
                     "reload again",
                     unit);
    else
        strings_add(&finding->advice, work->arena,
                    "read why the reload failed where HAProxy's messages go ([ALERT] lines); then "
                    "reload again");
}

void reload_look_failed(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    if (facts->tree || !facts->haproxy->running || facts->haproxy->master == 0)
        return;
    struct signs signs = look_for_signs(work);
    int weight = weigh(&signs);
    if (weight == SIGNS_NONE)
        return;
    struct finding *finding =
        diagnose_find(work, cause, weight == SIGNS_PROVEN ? FINDING_PROVEN : FINDING_POSSIBLE,
                      facts->haproxy->unit != NULL ? facts->haproxy->unit : "haproxy");
    finding->summary = "the last reload failed: the old worker serves with the old configuration";
    tell_signs(work, finding, &signs);
    if (weight == SIGNS_POSSIBLE) {
        finding->severity = SEVERITY_NOTICE;
        if (signs.asked > 0 || signs.told > 0 || signs.said || signs.logged) {
            finding->summary = "a reload failed, but what runs is what the file says now";
            finding->settle = "whether the file was put back since: the next reload that works "
                              "clears this";
        } else {
            finding->summary = "what runs is not what the file says: it was not reloaded, or the "
                               "reload failed";
            finding->settle = "`show proc` of a master socket (-S), or the messages of the last "
                              "reload";
        }
        return;
    }
    strings_add(&finding->consequences, work->arena,
                "what was changed in the configuration is not in force, though the reload was "
                "reported as done");
    strings_add(&finding->consequences, work->arena,
                "a restart or a reboot meets the same fault, and stops the service");
    point_to_cause(work, cause, finding);
}

/* ---- config-not-loaded ---- */

enum { TOLD_MAX = 8 };

/* What a reload or a start would meet now: who is told to reload would walk into it. */
static bool tell_obstacles(struct diagnosis_work *work, struct finding *finding)
{
    const struct diagnosis_result *result = work->result;
    bool found = false;

    for (size_t i = 0; i < result->finding_count; i++) {
        const struct finding *in_the_way = &result->findings[i];

        if (in_the_way->state != FINDING_PROVEN || !can_be_behind(in_the_way->cause))
            continue;
        strings_addf(&finding->consequences, work->arena, "a reload now meets %s (%s)",
                     in_the_way->cause, look_shown(in_the_way->summary));
        strings_addf(&finding->advice, work->arena,
                     "do not reload before %s is repaired, or put the file back",
                     in_the_way->cause);
        found = true;
    }
    return found;
}

static void advise_reload(struct diagnosis_work *work, struct finding *finding)
{
    const struct facts *facts = work->facts;

    if (facts->haproxy->unit != NULL && facts->systemd_unit.loaded)
        strings_addf(&finding->advice, work->arena,
                     "if the change is meant: systemctl reload %s; else put the file back",
                     facts->haproxy->unit);
    else
        strings_add(&finding->advice, work->arena,
                    "if the change is meant, reload HAProxy; else put the file back");
}

void reload_look_not_loaded(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const struct strings *differences = &work->result->activates;

    if (facts->tree || !facts->haproxy->running)
        return;
    struct signs signs = look_for_signs(work);
    bool failed = signs.asked > 0 || signs.told > 0 || signs.said || signs.logged;
    /* Nobody says that none failed: then it is not known which of the two it is. Without a master a reload is a
     * start beside this process, and one that failed is none. */
    bool none_failed = signs.asked == 0 || signs.told == 0 || facts->haproxy->master == 0;
    if (!signs.differs || !signs.older || failed || !none_failed)
        return;
    struct finding *finding =
        diagnose_find(work, cause, FINDING_PROVEN,
                      facts->haproxy->unit != NULL ? facts->haproxy->unit : "haproxy");
    finding->summary = "the configuration was changed, and HAProxy has not loaded it";
    tell_older(work, finding);
    for (size_t i = 0; i < differences->count && i < TOLD_MAX; i++)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s", differences->at[i]);
    if (signs.asked == 0)
        diagnose_evidence(work, finding, SOURCE_MASTER,
                          "show proc: no reload has failed since the last one that worked");
    strings_add(&finding->consequences, work->arena,
                "what was changed is not in force; the next reload or start brings it");
    if (!tell_obstacles(work, finding))
        advise_reload(work, finding);
}
