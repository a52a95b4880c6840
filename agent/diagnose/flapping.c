/* Servers that come and go: whoever looks in between finds nothing. */
#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/back_word.h"
#include "agent/diagnose/causes.h"

enum { DOWNS_LEAST = 3, LATELY = 120 /* seconds since it went down last */ };

static const struct log_message_count *downs_of(const struct diagnosis_work *work,
                                                const struct server_view *view)
{
    const struct log_summary *log = &work->facts->logs.summary;

    for (size_t i = 0; facts_have(work->facts, SOURCE_LOGS) && i < log->message_count; i++)
        if (strcmp(log->messages[i].kind, "server-down") == 0 &&
            look_same(log->messages[i].proxy, view->backend) &&
            look_same(log->messages[i].server, view->name))
            return &log->messages[i];
    return NULL;
}

/* What it is now, and why, is named there. */
static bool is_told(const struct diagnosis_work *work, const struct server_view *view)
{
    enum finding_state state = FINDING_POSSIBLE;

    return word_is_maintained(view) || view->follows != NULL ||
           (word_verdict(work, view, &state) != WORD_NONE && state == FINDING_PROVEN);
}

static void find_flapping(struct diagnosis_work *work, const struct cause *cause,
                          const struct server_view *view, const struct log_message_count *said)
{
    const struct haproxy_stat *row = view->row;
    /* A line may stand there twice: from the process, and from what its master passes on. */
    int64_t downs =
        (int64_t)said->count < row->check_downs ? (int64_t)said->count : row->check_downs;
    struct finding *finding = diagnose_find(
        work, cause, FINDING_PROVEN, arena_printf(work->arena, "%s/%s", view->backend, view->name));

    finding->summary = arena_printf(work->arena,
                                    "%s was taken out by its check %" PRId64 " times in %" PRId64
                                    " s, and came back",
                                    view->name, downs, work->facts->time - said->first / 1000);
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "%s/%s %s, chkdown %" PRId64 ", chkfail %" PRId64 ", since %" PRId64 " s",
                      view->backend, view->name, look_shown(row->status), row->check_downs,
                      row->check_failures, row->last_change);
    if (said->example != NULL)
        diagnose_evidence(work, finding, SOURCE_LOGS, "%s", said->example);
    strings_add(&finding->consequences, work->arena,
                "until its check notices, requests fail there each time; then the others carry its "
                "load, and connections bound to it are lost");
    strings_addf(
        &finding->advice, work->arena,
        "on %s: see why the service of %s/%s on tcp/%" PRIu32 " comes and goes: it is "
        "restarted again and again, or so loaded that its check fails at times; the reason "
        "of the check is in the line above",
        look_shown(view->check_address), view->backend, view->name, view->check_port);
    if (row->check_fall == 1)
        strings_addf(&finding->advice, work->arena,
                     "%s/%s has `fall 1`: a single failed check takes it out; with `fall 3`, as "
                     "HAProxy has it by itself, single ones do not",
                     view->backend, view->name);
}

void flapping_look(struct diagnosis_work *work, const struct cause *cause)
{
    for (size_t i = 0; facts_have(work->facts, SOURCE_STATS) && i < work->server_count; i++) {
        const struct server_view *view = &work->servers[i];

        if (view->row == NULL || view->row->check_downs < DOWNS_LEAST || is_told(work, view))
            continue;
        const struct log_message_count *said = downs_of(work, view);
        if (said != NULL && said->count >= DOWNS_LEAST && said->last / 1000 <= work->facts->time &&
            work->facts->time - said->last / 1000 <= LATELY)
            find_flapping(work, cause, view, said);
    }
}
