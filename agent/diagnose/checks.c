/* The server is there, and what it says to a check, or to clients, is not what it should be. */
#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/back_group.h"
#include "agent/diagnose/captures.h"
#include "agent/diagnose/causes.h"

/* The UNIX socket that its check goes to; NULL: it goes to an address. */
static const char *checked_unix(const struct server_view *view)
{
    return view->check_address == NULL ? look_unix_of(view) : NULL;
}

static const char *address_of(const struct server_view *view)
{
    return checked_unix(view) != NULL ? "this host" : look_shown(view->check_address);
}

static const char *port_of(struct diagnosis_work *work, const struct server_view *view)
{
    return checked_unix(view) != NULL ? checked_unix(view)
                                      : arena_printf(work->arena, "tcp/%" PRIu32, view->check_port);
}

static const char *place_of(struct diagnosis_work *work, const struct server_view *view)
{
    return checked_unix(view) != NULL
               ? checked_unix(view)
               : arena_printf(work->arena, "%s:%" PRIu32, address_of(view), view->check_port);
}

static const char *rule_place(struct diagnosis_work *work, const struct server_view *view)
{
    const struct cfg_proxy *proxy = view->proxy;

    if (proxy == NULL || proxy->check.expect_line == 0)
        return "";
    return arena_printf(work->arena, " (http-check expect: %s)",
                        look_place(work, proxy->file, proxy->check.expect_line));
}

/* ---- backend-http-status ---- */

/* What the service said: to HAProxy's check, else to us. 0: not known. */
static uint32_t status_of(const struct server_view *view)
{
    enum word check = word_of_check(view->row);

    if (check == WORD_STATUS && view->row->check_code >= 100 && view->row->check_code <= 599)
        return (uint32_t)view->row->check_code;
    return view->asked != NULL && view->asked->said == ASKED_STATUS ? view->asked->status : 0;
}

static const char *advise_status(struct diagnosis_work *work, const struct server_view *view)
{
    uint32_t status = status_of(view);
    const char *asked = view->asked != NULL && view->asked->question != NULL
                            ? view->asked->question
                            : "what the check asks for";

    if (status >= 500 || status == 0)
        return arena_printf(work->arena,
                            "on %s: see in the log of the service of %s/%s (%s) "
                            "why it says so: it is its own word, not HAProxy's",
                            address_of(view), view->backend, view->name, port_of(work, view));
    return arena_printf(work->arena,
                        "%s/%s answers %s with %" PRIu32
                        ": let the check ask for a page that the service has, with the Host "
                        "header that it wants (http-check send), or expect that status%s",
                        view->backend, view->name, asked, status, rule_place(work, view));
}

static void tell_status(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding, const struct back_group *group)
{
    const struct server_view *first = back_member(work, group, 0);
    uint32_t status = status_of(first);
    bool checked = word_of_check(first->row) == WORD_STATUS;

    (void)cause;
    for (size_t i = 1; i < group->count; i++)
        if (status_of(back_member(work, group, i)) != status)
            status = 0;
    if (status != 0)
        finding->summary =
            arena_printf(work->arena, "%s: the service itself answers %s with %" PRIu32,
                         back_subject(work, group), checked ? "the check" : "requests", status);
    for (size_t i = 0; i < group->count && i < BACK_MEMBERS_MAX; i++) {
        const struct server_view *view = back_member(work, group, i);
        if (view->row != NULL && view->row->responses_5xx > 0)
            diagnose_evidence(work, finding, SOURCE_STATS,
                              "%s/%s: %" PRId64 " of its own answers were 5xx, %" PRId64
                              " were 2xx or 3xx",
                              view->backend, view->name, view->row->responses_5xx,
                              (view->row->responses_2xx > 0 ? view->row->responses_2xx : 0) +
                                  (view->row->responses_3xx > 0 ? view->row->responses_3xx : 0));
    }
    if (finding->state == FINDING_POSSIBLE)
        finding->settle = "the next checks: asked from here, the service answers well now";
}

void checks_look_status(struct diagnosis_work *work, const struct cause *cause)
{
    back_look_for(work, cause,
                  &(struct back_search){WORD_STATUS, NULL, "answer with an error of their own",
                                        advise_status, tell_status});
}

/* ---- backend-bad-response ---- */

static const char *advise_answer(struct diagnosis_work *work, const struct server_view *view)
{
    const char *name = view->proxy != NULL ? view->proxy->check.name : NULL;
    enum word check = word_of_check(view->row);

    /* It was seen in the traffic. */
    if ((check == WORD_FINE || check == WORD_NONE) && captures_response(work, view) != NULL)
        return arena_printf(work->arena,
                            "see what %s:%" PRIu32
                            " (%s/%s) answers to requests, and its log: HAProxy cannot take it as "
                            "HTTP. `show errors` on the stats socket holds one, byte by byte",
                            look_shown(view->address), view->port, view->backend, view->name);
    if (name != NULL && view->proxy->check.kind == CFG_CHECK_OTHER)
        return arena_printf(
            work->arena,
            "see what listens on %s (%s/%s): its answer is not what `option %s` and its "
            "rules expect",
            place_of(work, view), view->backend, view->name, name);
    if (word_has(view->row != NULL ? view->row->last_check : NULL, "content check"))
        return arena_printf(work->arena,
                            "see what %s (%s/%s) answers to the check: it is HTTP, but not what "
                            "`http-check expect` wants to find in it%s",
                            place_of(work, view), view->backend, view->name,
                            rule_place(work, view));
    return arena_printf(work->arena,
                        "see what listens on %s (%s/%s), and its log: its answer is no whole HTTP "
                        "answer. The wrong service or port, a service that wants the PROXY "
                        "protocol, or one that crashes",
                        place_of(work, view), view->backend, view->name);
}

static void tell_answer(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding, const struct back_group *group)
{
    (void)cause;
    bool in_traffic = false;

    for (size_t i = 0; i < group->count; i++) {
        const struct server_view *view = back_member(work, group, i);
        const struct haproxy_capture *capture = captures_response(work, view);
        enum word check = word_of_check(view->row);

        if (capture != NULL)
            captures_tell(work, finding, capture);
        in_traffic = in_traffic || check == WORD_FINE || check == WORD_NONE;
    }
    if (in_traffic)
        strings_add(&finding->consequences, work->arena, "clients of these requests got 502");
    if (finding->state == FINDING_POSSIBLE)
        finding->settle = in_traffic ? "the log of HAProxy: requests at that server with PH"
                                     : "the next checks: asked from here, the service answers well "
                                       "now";
}

void checks_look_answer(struct diagnosis_work *work, const struct cause *cause)
{
    back_look_for(work, cause,
                  &(struct back_search){WORD_ANSWER, NULL,
                                        "give an answer that HAProxy cannot take, or none",
                                        advise_answer, tell_answer});
}

/* ---- backend-slow-check ---- */

/* A check by rules waits for what it expects as long as it may, whatever else has come. */
static const char *rules_of(const struct server_view *view)
{
    return view->proxy != NULL && view->proxy->check.kind == CFG_CHECK_OTHER
               ? view->proxy->check.name
               : NULL;
}

static const char *advise_slow(struct diagnosis_work *work, const struct server_view *view)
{
    if (rules_of(view) != NULL)
        return arena_printf(work->arena,
                            "on %s: ask the service of %s/%s on %s what the check asks (`option "
                            "%s` and its rules): it says nothing (out of workers, waiting for "
                            "another service), or something else than what they expect, such as "
                            "that it wants a password",
                            address_of(view), view->backend, view->name, port_of(work, view),
                            rules_of(view));
    return arena_printf(work->arena,
                        "on %s: see why the service of %s/%s takes connections on %s "
                        "and does not answer them: out of workers, waiting for another service. "
                        "A longer `timeout check` only hides that",
                        address_of(view), view->backend, view->name, port_of(work, view));
}

static void tell_slow(struct diagnosis_work *work, const struct cause *cause,
                      struct finding *finding, const struct back_group *group)
{
    const struct server_view *first = back_member(work, group, 0);

    (void)cause;
    if (first->proxy != NULL)
        finding->summary = arena_printf(
            work->arena, "%s are connected to, and do not %s their check within %" PRIu32 " ms",
            back_subject(work, group), rules_of(first) != NULL ? "answer as expected to" : "answer",
            cfg_check_limit_ms(&first->proxy->check, first->server));
    for (size_t i = 0; i < group->count && i < BACK_MEMBERS_MAX; i++) {
        const struct haproxy_stat *row = back_member(work, group, i)->row;
        if (row != NULL && row->check_ms > 0)
            diagnose_evidence(work, finding, SOURCE_STATS,
                              "the check of %s/%s was given up after %" PRId64 " ms", row->proxy,
                              row->name, row->check_ms);
    }
    if (finding->state == FINDING_POSSIBLE)
        finding->settle = "the next checks: asked from here, the service answers in time now";
}

void checks_look_slow(struct diagnosis_work *work, const struct cause *cause)
{
    back_look_for(work, cause,
                  &(struct back_search){WORD_SLOW, NULL,
                                        "are connected to, and do not answer their check in time",
                                        advise_slow, tell_slow});
}

/* ---- backend-tls ---- */

static bool is_tls_meant(const struct server_view *view)
{
    return view->server != NULL && (cfg_check_is_ssl(view->server) || view->contact->ssl);
}

static const char *server_line(struct diagnosis_work *work, const struct server_view *view)
{
    if (view->server == NULL)
        return "its server line";
    return look_place(work, view->server->line_place.file, view->server->line_place.line);
}

static const char *advise_tls(struct diagnosis_work *work, const struct server_view *view)
{
    const struct asked *asked = view->asked;
    enum asked_tls tls = asked != NULL ? asked->tls : TLS_NOT_TRIED;

    if (tls == TLS_PLAIN)
        return arena_printf(work->arena,
                            "%s/%s: the service on %s:%" PRIu32
                            " speaks no TLS: take `ssl` (`check-ssl`) off the line, or name the "
                            "port that does (%s)",
                            view->backend, view->name, address_of(view), view->check_port,
                            server_line(work, view));
    if (asked != NULL && (asked->tls_was_a_try || asked->said == ASKED_TLS) && !is_tls_meant(view))
        return arena_printf(work->arena,
                            "%s/%s: the service on %s:%" PRIu32
                            " speaks TLS, and the line does not say so: add `ssl verify required "
                            "ca-file FILE` (`check-ssl` for the check alone) (%s)",
                            view->backend, view->name, address_of(view), view->check_port,
                            server_line(work, view));
    if (tls == TLS_EXPIRED)
        return arena_printf(work->arena,
                            "on %s: put a certificate that is valid now behind tcp/%" PRIu32
                            " (%s/%s): %s",
                            address_of(view), view->check_port, view->backend, view->name,
                            look_shown(asked->tls_text));
    if (tls == TLS_DISTRUSTED)
        return arena_printf(work->arena,
                            "%s/%s: the certificate on %s:%" PRIu32
                            " is not vouched for by `ca-file %s`: put the authority that signed it "
                            "there, or another certificate on the server (%s)",
                            view->backend, view->name, address_of(view), view->check_port,
                            look_shown(view->contact->ca_file), server_line(work, view));
    if (tls == TLS_OTHER_NAME)
        return arena_printf(work->arena,
                            "%s/%s: let `%s` name what the certificate on %s:%" PRIu32
                            " has, or put a certificate for %s on the server (%s)",
                            view->backend, view->name, look_shown(asked->wanted_by), asked->address,
                            asked->port, look_shown(asked->wanted), server_line(work, view));
    if (word_is_name_refused(view->row))
        return arena_printf(work->arena,
                            "%s/%s: compare the name that HAProxy wants (%s: check-sni, "
                            "verifyhost; `sni` of a `connect` rule of the check) with those of the "
                            "certificate: openssl s_client -connect %s:%" PRIu32,
                            view->backend, view->name, server_line(work, view), address_of(view),
                            view->check_port);
    return arena_printf(work->arena,
                        "compare what both sides of %s:%" PRIu32
                        " want (%s/%s): versions, ciphers, server name (sni, check-sni), "
                        "certificate: openssl s_client -connect %s:%" PRIu32,
                        address_of(view), view->check_port, view->backend, view->name,
                        address_of(view), view->check_port);
}

static void tell_tls(struct diagnosis_work *work, const struct cause *cause,
                     struct finding *finding, const struct back_group *group)
{
    const struct server_view *first = back_member(work, group, 0);
    const struct asked *asked = first->asked;
    const char *what = "fail the TLS handshake";

    (void)cause;
    if (asked != NULL && asked->tls == TLS_PLAIN)
        what = "speak no TLS on a port that the configuration wants it on";
    else if (asked != NULL && !is_tls_meant(first))
        what = "speak TLS where the configuration speaks plain text";
    else if (asked != NULL && asked->tls == TLS_EXPIRED)
        what = "have a certificate that is not valid now";
    else if (asked != NULL && asked->tls == TLS_DISTRUSTED)
        what = "have a certificate that HAProxy is not to trust";
    else if ((asked != NULL && asked->tls == TLS_OTHER_NAME) || word_is_name_refused(first->row))
        what = "have a certificate of another name than HAProxy wants";
    finding->summary = arena_printf(work->arena, "%s %s", back_subject(work, group), what);
    if (finding->state == FINDING_POSSIBLE)
        finding->settle =
            arena_printf(work->arena, "a handshake by hand: openssl s_client -connect %s:%" PRIu32,
                         address_of(first), first->check_port);
}

void checks_look_tls(struct diagnosis_work *work, const struct cause *cause)
{
    back_look_for(
        work, cause,
        &(struct back_search){WORD_TLS, NULL, "fail the TLS handshake", advise_tls, tell_tls});
}

/* ---- check-port-differs ---- */

static const char *advise_differs(struct diagnosis_work *work, const struct server_view *view)
{
    bool is_up = word_of_check(view->row) == WORD_FINE;

    return arena_printf(
        work->arena,
        "%s/%s: traffic goes to %s:%" PRIu32 ", the check to %s:%" PRIu32
        ": %s; let both go to one place, or make the service answer on both (%s)",
        view->backend, view->name, look_shown(view->address), view->port, address_of(view),
        view->check_port,
        is_up ? "the check is content, and clients' connections fail"
              : "the service would take connections, and the check keeps them from it",
        server_line(work, view));
}

static void tell_differs(struct diagnosis_work *work, const struct cause *cause,
                         struct finding *finding, const struct back_group *group)
{
    (void)cause;
    if (word_of_check(back_member(work, group, 0)->row) == WORD_FINE) {
        finding->summary = arena_printf(work->arena,
                                        "%s are UP by their check, which goes to another port or "
                                        "address than the traffic, and that does not get through",
                                        back_subject(work, group));
        strings_add(&finding->consequences, work->arena,
                    "HAProxy keeps sending requests there, and they fail");
    }
}

void checks_look_differs(struct diagnosis_work *work, const struct cause *cause)
{
    back_look_for(work, cause,
                  &(struct back_search){WORD_DIFFERS, NULL,
                                        "take connections, but their check goes to another port or "
                                        "address, and fails",
                                        advise_differs, tell_differs});
}

/* ---- backend-source-missing ---- */

static const char *advise_source(struct diagnosis_work *work, const struct server_view *view)
{
    const char *source = look_source_of(view);

    if (word_has(view->row != NULL ? view->row->last_check : NULL, "range exhausted"))
        return arena_printf(work->arena,
                            "%s/%s: give `source %s` more ports, or no range at all: the kernel "
                            "takes one per connection by itself (%s)",
                            view->backend, view->name, look_shown(source), server_line(work, view));
    return arena_printf(work->arena,
                        "%s/%s: `source %s` names an address that is not on this host: add it to "
                        "an interface, or correct the line (%s)",
                        view->backend, view->name, look_shown(source), server_line(work, view));
}

static void tell_source(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding, const struct back_group *group)
{
    (void)cause;
    for (size_t i = 0; i < group->count && i < BACK_MEMBERS_MAX; i++) {
        const char *source = look_source_of(back_member(work, group, i));

        for (size_t k = 0; source != NULL && k < work->facts->source_tried_count; k++)
            if (look_same(work->facts->sources_tried[k].address, source)) {
                diagnose_evidence(work, finding, SOURCE_PROBE, "bind to %s: %s", source,
                                  work->facts->sources_tried[k].error == 0
                                      ? "works"
                                      : "not possible (EADDRNOTAVAIL)");
                break;
            }
    }
    if (finding->state == FINDING_POSSIBLE)
        finding->settle = "ip address show: is the address of `source` on this host?";
}

void checks_look_source(struct diagnosis_work *work, const struct cause *cause)
{
    back_look_for(work, cause,
                  &(struct back_search){WORD_NO_SOURCE, NULL,
                                        "cannot be connected to from the address of their `source`",
                                        advise_source, tell_source});
}
