/* Servers that take a connection and do not answer within `timeout server`: 504, and "sH" in the log. Before that time
 * is over there is neither: then requests pile up there. */
#include <string.h>

#include "agent/diagnose/slow.h"
#include "agent/observe/ask.h"

enum { SHARE = 5 /* per cent of its requests */, LEAST = 10 /* fewer are chance */ };

static bool is_share(uint64_t count, uint64_t all)
{
    return count >= LEAST && count * 100 >= all * SHARE;
}

/* Lines alone prove nothing: HAProxy's own counter of bad answers must be as high. */
static bool is_in_log(const struct diagnosis_work *work, const struct server_view *view,
                      struct no_answers *none)
{
    const struct log_summary *log = &work->facts->logs.summary;
    const struct log_group *group = look_log_of(work, view);
    int64_t last = LOG_NO_TIME;
    bool over = view->asked == NULL || view->asked->said != ASKED_SILENT;

    for (size_t i = 0; group != NULL && i < log->fault_count; i++) {
        const struct log_fault *fault = &log->faults[i];

        if (strcmp(fault->state, "sH") != 0 || !look_same(fault->backend, view->backend) ||
            !look_same(fault->server, view->name))
            continue;
        none->count += fault->count;
        over = over && look_is_over(work, fault);
        if (none->example == NULL || fault->last > last) {
            none->example = fault->example;
            last = fault->last;
        }
    }
    none->requests = group != NULL ? group->requests : 0;
    none->over = over;
    return is_share(none->count, none->requests) &&
           (uint64_t)view->row->response_errors >= none->count / 2;
}

/* Who took as long as we waited on average before may only be as slow as ever. */
static bool is_stuck(const struct server_view *view)
{
    return view->asked != NULL && view->asked->said == ASKED_SILENT &&
           view->row->response_ms <= view->asked->milliseconds / 2 && ask_is_piled_up(view->row);
}

static bool is_counted(const struct diagnosis_work *work, const struct server_view *view,
                       struct no_answers *none)
{
    const struct haproxy_stat *row = view->row;

    if (row->response_errors <= 0)
        return false;
    if (is_in_log(work, view, none))
        return true;
    *none = (struct no_answers){.count = (uint64_t)row->response_errors,
                                .requests = (uint64_t)row->sessions_total};
    return view->asked != NULL && view->asked->said == ASKED_SILENT &&
           is_share(none->count, none->requests);
}

bool slow_gives_none(const struct diagnosis_work *work, const struct server_view *view,
                     struct no_answers *out_none)
{
    const struct haproxy_stat *row = view->row;

    *out_none = (struct no_answers){0};
    if (row == NULL || !look_takes_traffic(view) || row->sessions_total <= 0)
        return false;
    bool counted = is_counted(work, view, out_none);
    if ((counted && !out_none->over) || !is_stuck(view))
        return counted;
    *out_none = (struct no_answers){
        .count = ask_unanswered(row), .requests = (uint64_t)row->sessions, .stuck = true};
    return true;
}
