/* diagnose/path: how this host reaches a server, as far as its own kernel knows: route, neighbour,
 * its own packet filter, and what the connections to it measured.
 * Owns:    texts live in the work's arena.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_PATH_H
#define HAMEDIC_AGENT_DIAGNOSE_PATH_H

#include "agent/diagnose/look.h"

/* Evidence for a server that cannot be reached. */
void path_tell(struct diagnosis_work *work, struct finding *finding,
               const struct server_view *view);
/* What to do about a server that is unreachable; NULL: nothing is known of the way there. */
const char *path_advise(struct diagnosis_work *work, const struct server_view *view);
/* Nobody has that address, or that of the gateway to it: the kernel asked in vain who does. */
bool path_is_silent(const struct diagnosis_work *work, const char *address);
/* What is sent to it is lost on the way, so much that its answers are late by that alone. */
bool path_is_lossy(const struct diagnosis_work *work, const struct server_view *view);
/* The rule of this host itself that keeps HAProxy from this server; NULL: none is known. */
const struct firewall_answer *path_rule(const struct diagnosis_work *work,
                                        const struct server_view *view);
/* Rules of this host itself that were not read, and may keep HAProxy from a server; NULL: none. */
const char *path_unread_rules(const struct diagnosis_work *work);
/* The commands that list the rules of this host. */
const char *path_rules_command(const struct diagnosis_work *work);
/* Who on the way to it, or on its host before its service, answered a connect of ours; NULL: nobody is known to.
 * What this host said to itself is no such answer. */
const struct probe_answer *path_answer(const struct diagnosis_work *work,
                                       const struct server_view *view);

#endif
