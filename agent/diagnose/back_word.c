#include "agent/diagnose/back_word.h"

#include <errno.h>
#include <string.h>

#include "agent/diagnose/path.h"
#include "agent/diagnose/selinux.h"

bool word_has(const char *text, const char *part)
{
    return text != NULL && strstr(text, part) != NULL;
}

/* The text decides, not "L4CON": that stands for a refusal, for SELinux ("Permission denied"), for
 * a missing route and for used-up local ports alike. Up to 3.0 the text is errno's, later it has
 * errno's name before it. */
static enum word word_of_connect(const char *text)
{
    if (word_has(text, "bind to source") || word_has(text, "Source port range exhausted"))
        return WORD_NO_SOURCE;
    /* A UNIX socket's service may not have made it yet. */
    if (word_has(text, "Connection refused") || word_has(text, "No such file or directory"))
        return WORD_REFUSED;
    if (word_has(text, "No route to host") || word_has(text, "Network is unreachable") ||
        word_has(text, "Host is unreachable"))
        return WORD_UNREACHABLE;
    if (word_has(text, "Connection timed out"))
        return WORD_TIMEOUT;
    if (word_has(text, "Permission denied"))
        return WORD_DENIED;
    return WORD_OTHER;
}

enum word word_of_check(const struct haproxy_stat *row)
{
    const char *status = row != NULL ? row->check_status : NULL;

    if (status == NULL || status[0] == '\0' || strcmp(status, "UNK") == 0 ||
        strcmp(status, "INI") == 0 || look_same(row->status, "no check"))
        return WORD_NONE;
    if (strcmp(status, "L4OK") == 0 || strcmp(status, "L6OK") == 0 ||
        strncmp(status, "L7OK", 4) == 0 || strcmp(status, "PROCOK") == 0)
        return WORD_FINE;
    if (strcmp(status, "L4TOUT") == 0)
        return WORD_TIMEOUT;
    if (strcmp(status, "L4CON") == 0)
        return word_of_connect(row->last_check);
    /* So is a connect() called that fails at once: to a UNIX socket it always does. */
    if (strcmp(status, "SOCKERR") == 0 && word_of_connect(row->last_check) == WORD_REFUSED)
        return WORD_REFUSED;
    return word_of_answer(row);
}

enum word word_of_probe(const struct probe *probe)
{
    if (probe == NULL)
        return WORD_NONE;
    switch (probe->error) {
    case 0:
        return WORD_FINE;
    case ECONNREFUSED:
    case ENOENT: /* a UNIX socket that nobody has made */
        return WORD_REFUSED;
    case ETIMEDOUT:
        return WORD_TIMEOUT;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
        return WORD_UNREACHABLE;
    default:
        return WORD_OTHER;
    }
}

bool word_is_maintained(const struct server_view *view)
{
    const char *status = view->row != NULL ? view->row->status : NULL;

    return status != NULL && (strncmp(status, "MAINT", 5) == 0 || strncmp(status, "DRAIN", 5) == 0);
}

bool word_is_by_agent(const struct server_view *view)
{
    return view->row != NULL && word_has(view->row->status, "(agent)");
}

bool word_is_failure(enum word word)
{
    return word == WORD_REFUSED || word == WORD_TIMEOUT || word == WORD_UNREACHABLE;
}

static bool is_unsaid(const struct haproxy_stat *row)
{
    return look_same(row->check_status, "L4CON") &&
           (row->last_check == NULL || row->last_check[0] == '\0');
}

/* ---- denied by SELinux ---- */

uint32_t word_checked_port(const struct server_view *view)
{
    bool checked = view->server != NULL && word_of_check(view->row) != WORD_NONE;

    return checked && view->server->check_port > 0 ? view->server->check_port : view->port;
}

static bool is_denied(const struct diagnosis_work *work, const struct server_view *view)
{
    uint32_t port = word_checked_port(view);
    enum word check = word_of_check(view->row);

    if (selinux_is_silent(work))
        return check == WORD_DENIED && selinux_denial(work, "tcp", port, SELINUX_CONNECT) != NULL;
    if (!selinux_denies(work, "tcp", port, SELINUX_CONNECT))
        return false;
    if (check == WORD_NONE)
        return (view->row != NULL && view->row->connect_errors > 0) ||
               selinux_denial_now(work, "tcp", port, SELINUX_CONNECT) != NULL;
    return check == WORD_DENIED || (check == WORD_OTHER && is_unsaid(view->row));
}

/* That HAProxy may not, and that it does not get through, are two words already. A connection from
 * here that fails too says that there is more behind it. */
static enum finding_state denied_state(const struct diagnosis_work *work,
                                       const struct server_view *view)
{
    bool other_port = word_checked_port(view) != view->port;

    if (selinux_is_silent(work))
        return FINDING_POSSIBLE;
    return view->probe == NULL || other_port || word_of_probe(view->probe) == WORD_FINE
               ? FINDING_PROVEN
               : FINDING_POSSIBLE;
}

/* ---- an address to connect from ---- */

static const struct probe_source *tried_source(const struct diagnosis_work *work,
                                               const struct server_view *view)
{
    const char *source = look_source_of(view);

    for (size_t i = 0; source != NULL && i < work->facts->source_tried_count; i++)
        if (look_same(work->facts->sources_tried[i].address, source))
            return &work->facts->sources_tried[i];
    return NULL;
}

/* HAProxy's word, and what became of a bind of our own to that address. */
static bool lacks_source(const struct diagnosis_work *work, const struct server_view *view,
                         enum word check, enum finding_state *out_state)
{
    const struct probe_source *tried = tried_source(work, view);
    bool missing = tried != NULL && tried->error == EADDRNOTAVAIL;
    bool said = check == WORD_NO_SOURCE;

    if (!said && !missing)
        return false;
    if (!said && check != WORD_NONE && !word_is_failure(check) && check != WORD_OTHER)
        return false;
    /* A range of its own may be used up though the address is there. */
    bool used_up = said && view->contact->source_has_range;
    bool counted = view->row != NULL && view->row->connect_errors > 0;
    *out_state = said ? look_second(work, SOURCE_PROBE, missing || used_up)
                      : look_second(work, SOURCE_STATS, counted);
    return true;
}

/* ---- a check that goes elsewhere ---- */

/* Both places were tried, one answers, and the check says the same of its own. */
static bool differs(const struct server_view *view, enum word check)
{
    enum word traffic = word_of_probe(view->probe), other = word_of_probe(view->check_probe);

    if (!look_check_goes_elsewhere(view) || view->probe == NULL || view->check_probe == NULL)
        return false;
    if (check == WORD_FINE)
        return word_is_failure(traffic) && other == WORD_FINE;
    return word_is_failure(check) && word_is_failure(other) && traffic == WORD_FINE;
}

/* ---- both together ---- */

/* Who asks for a neighbour's hardware address in vain hears so after 3 s: a connection that is given
 * up before is a timeout to whoever made it. */
static enum word word_of_way(const struct diagnosis_work *work, const struct probe *probe)
{
    enum word word = word_of_probe(probe);

    return word == WORD_TIMEOUT && path_is_silent(work, probe->address) ? WORD_UNREACHABLE : word;
}

/* Where it cannot, HAProxy's own word is the only one there is: the file has a name, or another address than
 * the one that HAProxy was told at run time. */
static bool can_be_probed(const struct server_view *view)
{
    return view->server != NULL && cfg_server_is_direct(view->server) &&
           look_same(view->server->address, view->address);
}

bool word_is_of_older_file(const struct diagnosis_work *work, const struct server_view *view)
{
    const struct facts *facts = work->facts;

    return facts->worker_started > 0 && facts->cfg_changed > facts->worker_started &&
           (view->server == NULL ||
            (view->server->address != NULL && !look_same(view->server->address, view->address)));
}

static enum word contact_verdict(const struct diagnosis_work *work, const struct server_view *view,
                                 enum word check, enum finding_state *out_state)
{
    const struct probe *checked = view->check_probe != NULL ? view->check_probe : view->probe;
    enum word probe = word_of_way(work, view->probe), other = word_of_way(work, checked);

    if (word_is_failure(check)) {
        if (check == WORD_TIMEOUT && other == WORD_UNREACHABLE)
            check = WORD_UNREACHABLE;
        *out_state = checked != NULL
                         ? (other == check ? FINDING_PROVEN : FINDING_POSSIBLE)
                         : look_second(work, SOURCE_PROBE,
                                       !can_be_probed(view) && !word_is_of_older_file(work, view));
        return check;
    }
    if (!word_is_failure(probe))
        return word_unchecked_verdict(work, view, out_state);
    *out_state = FINDING_POSSIBLE;
    /* A server without a check: HAProxy counts its failed connections, those of requests that were
     * then sent elsewhere apart, or has no opinion at all. */
    if (check == WORD_NONE)
        *out_state = look_second(
            work, SOURCE_STATS,
            view->row != NULL && (view->row->connect_errors > 0 || view->row->redispatches > 0));
    return probe;
}

enum word word_verdict(const struct diagnosis_work *work, const struct server_view *view,
                       enum finding_state *out_state)
{
    enum word check = word_of_check(view->row);
    const struct probe *checked = view->check_probe != NULL ? view->check_probe : view->probe;

    /* While the next check is under way HAProxy keeps the old status, and its text is gone: our own
     * connect says what it would have said. */
    if (check == WORD_OTHER && is_unsaid(view->row) &&
        (word_of_probe(checked) == WORD_REFUSED || word_of_probe(checked) == WORD_UNREACHABLE))
        check = word_of_probe(checked);

    /* What is said of one that follows another is said of that one. */
    if (word_is_maintained(view) || word_is_by_agent(view) || view->follows != NULL)
        return WORD_NONE;
    if (is_denied(work, view)) {
        *out_state = denied_state(work, view);
        return WORD_DENIED;
    }
    if (lacks_source(work, view, check, out_state))
        return WORD_NO_SOURCE;
    if (differs(view, check)) {
        *out_state = FINDING_PROVEN;
        return WORD_DIFFERS;
    }
    switch (check) {
    case WORD_OTHER:
    case WORD_DENIED:
        return WORD_NONE;
    case WORD_STATUS:
    case WORD_ANSWER:
    case WORD_SLOW:
    case WORD_TLS:
        return word_answer_verdict(work, view, check, out_state);
    case WORD_NONE:
    case WORD_FINE:
    case WORD_REFUSED:
    case WORD_TIMEOUT:
    case WORD_UNREACHABLE:
    case WORD_NO_SOURCE:
    case WORD_DIFFERS:
        break;
    }
    return contact_verdict(work, view, check, out_state);
}
