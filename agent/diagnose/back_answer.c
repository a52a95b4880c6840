#include <string.h>

#include "agent/diagnose/back_word.h"
#include "agent/diagnose/captures.h"
#include "agent/observe/ask.h"

/* Of an answer that is neither good nor a status: a short list of words that say what HAProxy
 * itself could not do, which is no answer at all. */
static bool is_own_trouble(const char *text)
{
    static const char *const words[] = {"Permission denied", "Out of ", "Too many sockets",
                                        "source address", "maxconn"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (word_has(text, words[i]))
            return true;
    return false;
}

/* "Detected 10 consecutive errors, last one was: Wrong http response" */
static enum word word_of_observed(const char *text)
{
    if (word_has(text, "Wrong http response"))
        return WORD_STATUS;
    if (word_has(text, "Invalid http response") || word_has(text, "Close from server") ||
        word_has(text, "Read error http response"))
        return WORD_ANSWER;
    return WORD_OTHER;
}

enum word word_of_answer(const struct haproxy_stat *row)
{
    const char *status = row->check_status, *text = row->last_check;

    if (strcmp(status, "L7STS") == 0) /* mysql-check and the like have codes of their own */
        return row->check_code >= 100 && row->check_code <= 599 ? WORD_STATUS : WORD_ANSWER;
    if (strcmp(status, "L7RSP") == 0)
        return WORD_ANSWER;
    if (strcmp(status, "SOCKERR") == 0)
        return is_own_trouble(text) ? WORD_OTHER : WORD_ANSWER;
    if (strcmp(status, "L7TOUT") == 0)
        return WORD_SLOW;
    if (strcmp(status, "L6RSP") == 0 || strcmp(status, "L6TOUT") == 0)
        return WORD_TLS;
    if (strcmp(status, "HANA") == 0)
        return word_of_observed(text);
    return WORD_OTHER;
}

/* "Server presented an SSL certificate different from the expected one" ("from the configured one"
 * where no SNI was sent). */
bool word_is_name_refused(const struct haproxy_stat *row)
{
    return row != NULL && look_same(row->check_status, "L6RSP") &&
           word_has(row->last_check, "SSL certificate different from");
}

static bool is_check_ssl(const struct server_view *view)
{
    return view->server != NULL && cfg_check_is_ssl(view->server);
}

static bool tls_is_bad(const struct asked *asked)
{
    return asked->tls == TLS_PLAIN || asked->tls == TLS_REFUSED || ask_has_bad_certificate(asked);
}

/* The service speaks TLS where the file says nothing of it. */
static bool speaks_tls_unasked(const struct asked *asked)
{
    return asked->said == ASKED_TLS ||
           (asked->tls_was_a_try && (asked->tls == TLS_FINE || ask_has_bad_certificate(asked)));
}

/* What the answer to our own question is worth as a word; WORD_FINE: as it should be. */
static enum word word_of_asked(const struct server_view *view)
{
    const struct asked *asked = view->asked;
    bool known = false;

    if (speaks_tls_unasked(asked) || (!asked->tls_was_a_try && tls_is_bad(asked)))
        return WORD_TLS;
    switch (asked->said) {
    case ASKED_STATUS:
        if (view->proxy != NULL &&
            cfg_check_takes_status(&view->proxy->check, asked->status, &known))
            return WORD_FINE;
        return known || asked->status >= 500 ? WORD_STATUS : WORD_FINE;
    case ASKED_OTHER:
    case ASKED_CLOSED:
        return WORD_ANSWER;
    case ASKED_SILENT:
        return WORD_SLOW;
    case ASKED_TLS:
        return WORD_TLS;
    case ASKED_NOTHING:
    case ASKED_SAID_COUNT:
        break;
    }
    if (asked->tls == TLS_SILENT)
        return WORD_SLOW;
    return asked->tls == TLS_FINE ? WORD_FINE : WORD_NONE;
}

/* It did answer, but in how much more than the check's time? */
static bool was_slow(const struct server_view *view)
{
    return view->proxy != NULL &&
           view->asked->milliseconds >=
               (int64_t)cfg_check_limit_ms(&view->proxy->check, view->server);
}

static bool is_code_unsaid(const struct haproxy_stat *row)
{
    return row->check_code <= 0 && look_same(row->check_status, "L7STS") &&
           (row->last_check == NULL || row->last_check[0] == '\0');
}

/* Which name HAProxy wants was not known here: that it refuses the one it got is its word alone. */
static bool is_name_refused_unseen(const struct server_view *view)
{
    return word_is_name_refused(view->row) && view->asked->tls == TLS_FINE &&
           view->asked->wanted == NULL;
}

/* Our own question decides between HAProxy's words: what is no HTTP is a bad answer to 2.6 and a
 * timeout to 3.0, and TLS where none was expected is either. */
enum word word_answer_verdict(const struct diagnosis_work *work, const struct server_view *view,
                              enum word check, enum finding_state *out_state)
{
    const struct probe *checked = view->check_probe != NULL ? view->check_probe : view->probe;
    enum word asked = view->asked != NULL ? word_of_asked(view) : WORD_NONE;

    (void)work;
    /* While the next check is under way HAProxy keeps "L7STS", and the code is gone. */
    if (check == WORD_ANSWER && asked == WORD_STATUS && is_code_unsaid(view->row))
        check = WORD_STATUS;
    *out_state = FINDING_PROVEN;
    if (asked == WORD_NONE) {
        /* The check got as far as an answer: a connection that fails now says that more is wrong. */
        if (word_is_failure(word_of_probe(checked)))
            *out_state = FINDING_POSSIBLE;
        return check;
    }
    if (asked == check || (asked == WORD_TLS && check != WORD_STATUS))
        return asked;
    /* "The plain HTTP request was sent to HTTPS port" */
    if (asked == WORD_TLS || (check == WORD_STATUS && speaks_tls_unasked(view->asked)))
        return WORD_TLS;
    if (view->asked->said == ASKED_STATUS && check == WORD_STATUS &&
        (int64_t)view->asked->status == view->row->check_code)
        return WORD_STATUS;
    if (check == WORD_SLOW && asked == WORD_ANSWER)
        return WORD_ANSWER;
    if (check == WORD_SLOW && view->asked->said == ASKED_STATUS && was_slow(view))
        return WORD_SLOW;
    if (check == WORD_TLS && is_name_refused_unseen(view))
        return WORD_TLS;
    /* Closed by a peer that wants TLS, or that was in trouble for a moment: see settle. */
    if (check == WORD_TLS && (asked == WORD_SLOW || (asked == WORD_ANSWER && is_check_ssl(view))))
        return WORD_TLS;
    *out_state = FINDING_POSSIBLE;
    return check;
}

/* ---- what the traffic got ---- */

enum { BAD_SHARE = 5 /* per cent of its requests */, BAD_LEAST = 10 /* fewer are chance */ };

static bool is_share(uint64_t bad, uint64_t all)
{
    return bad >= BAD_LEAST && bad * 100 >= all * BAD_SHARE;
}

/* PH is also what a rule of HAProxy's own says of an answer: alone it proves nothing. */
static bool is_in_log(const struct diagnosis_work *work, const struct server_view *view,
                      bool *out_over)
{
    const struct log_summary *log = &work->facts->logs.summary;
    const struct log_group *group = look_log_of(work, view);
    uint64_t bad = 0;

    *out_over = group != NULL && group->requests > 0;
    for (size_t i = 0; i < log->fault_count; i++)
        if (strcmp(log->faults[i].state, "PH") == 0 &&
            look_same(log->faults[i].backend, view->backend) &&
            look_same(log->faults[i].server, view->name)) {
            bad += log->faults[i].count;
            *out_over = *out_over && look_is_over(work, &log->faults[i]);
        }
    return group != NULL && is_share(bad, group->requests);
}

/* HAProxy counted many bad answers, and holds one of them: of servers that broke theirs off it holds
 * none, but those may be among what it counted. */
static bool answers_badly(const struct diagnosis_work *work, const struct server_view *view,
                          enum finding_state *out_state)
{
    const struct haproxy_stat *row = view->row;
    const struct haproxy_capture *capture = row != NULL ? captures_response(work, view) : NULL;

    /* Without a client it was an answer to a check. */
    if (capture == NULL || capture->other == NULL || row->response_errors < 0 ||
        row->sessions_total < 0 ||
        !is_share((uint64_t)row->response_errors, (uint64_t)row->sessions_total))
        return false;
    bool has_log = facts_have(work->facts, SOURCE_LOGS), over = false;
    bool in_log = has_log && is_in_log(work, view, &over);
    *out_state = in_log && !over ? FINDING_PROVEN : FINDING_POSSIBLE;
    return in_log || !has_log || work->facts->logs.unknown != NULL;
}

/* Nobody checks more than the connection: what the traffic got is the other word. */
enum word word_unchecked_verdict(const struct diagnosis_work *work, const struct server_view *view,
                                 enum finding_state *out_state)
{
    const struct haproxy_stat *row = view->row;
    enum word asked = view->asked != NULL && row != NULL ? word_of_asked(view) : WORD_NONE;

    *out_state = FINDING_PROVEN;
    if (asked == WORD_STATUS && view->asked->status >= 500 && row->responses_5xx > 0 &&
        row->responses_5xx > row->responses_2xx + row->responses_3xx)
        return WORD_STATUS;
    if (asked == WORD_TLS && (row->connect_errors > 0 || row->response_errors > 0))
        return WORD_TLS;
    if (asked == WORD_ANSWER && row->response_errors > 0)
        return WORD_ANSWER;
    return answers_badly(work, view, out_state) ? WORD_ANSWER : WORD_NONE;
}
