/* diagnose/captures: what `show errors` holds of a proxy, as proof. The bytes themselves are a
 * stranger's and are never told: what they begin with is, in a word of ours.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_CAPTURES_H
#define HAMEDIC_AGENT_DIAGNOSE_CAPTURES_H

#include "agent/diagnose/look.h"

/* Of a frontend, lately; NULL: none, or not known. */
const struct haproxy_capture *captures_request(const struct diagnosis_work *work,
                                               const char *frontend);
/* HAProxy keeps one for a whole backend: NULL also where the last one came from another server. */
const struct haproxy_capture *captures_response(const struct diagnosis_work *work,
                                                const struct server_view *view);
/* "a header of the PROXY protocol" */
const char *captures_beginning(const struct haproxy_capture *capture);
void captures_tell(struct diagnosis_work *work, struct finding *finding,
                   const struct haproxy_capture *capture);

#endif
