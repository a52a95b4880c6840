#include "agent/diagnose/captures.h"

#include <inttypes.h>

/* HAProxy keeps what came since its start: one of last week says nothing of now. */
enum { RECENT = 3600 };

static const struct haproxy_capture *find(const struct diagnosis_work *work, bool is_response,
                                          const char *proxy)
{
    const struct facts *facts = work->facts;

    for (size_t i = 0; facts_have(facts, SOURCE_ERRORS) && i < facts->capture_count; i++) {
        const struct haproxy_capture *capture = &facts->captures[i];

        if (capture->is_response == is_response && look_same(capture->proxy, proxy))
            return capture->age >= 0 && capture->age <= RECENT ? capture : NULL;
    }
    return NULL;
}

const struct haproxy_capture *captures_request(const struct diagnosis_work *work,
                                               const char *frontend)
{
    return find(work, false, frontend);
}

const struct haproxy_capture *captures_response(const struct diagnosis_work *work,
                                                const struct server_view *view)
{
    const struct haproxy_capture *capture = find(work, true, view->backend);

    return capture != NULL && look_same(capture->server, view->name) ? capture : NULL;
}

const char *captures_beginning(const struct haproxy_capture *capture)
{
    switch (capture->begins) {
    case CAPTURE_NOTHING:
        return "it is empty";
    case CAPTURE_PROXY:
        return "it begins with a header of the PROXY protocol";
    case CAPTURE_TLS:
        return "it begins as TLS does";
    case CAPTURE_HTTP:
        return "it begins as HTTP does, and is malformed";
    case CAPTURE_OTHER:
    case CAPTURE_BEGINS_COUNT:
        break;
    }
    return capture->is_response ? "it is no HTTP" : "it is no HTTP request as HAProxy takes it";
}

void captures_tell(struct diagnosis_work *work, struct finding *finding,
                   const struct haproxy_capture *capture)
{
    const char *who = capture->is_response
                          ? arena_printf(work->arena, "an answer of %s/%s to %s", capture->proxy,
                                         look_shown(capture->server),
                                         capture->other != NULL ? "a client" : "the check")
                          : arena_printf(work->arena, "a request to %s from %s", capture->proxy,
                                         capture->client != NULL ? capture->client : "a client");

    diagnose_evidence(
        work, finding, SOURCE_ERRORS,
        "show errors: %s at %s could not be read at byte %" PRId64 " of %" PRId64 ": %s", who,
        look_shown(capture->time), capture->position, capture->length, captures_beginning(capture));
}
