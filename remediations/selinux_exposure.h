/* remediations/selinux_exposure: what a port label or a boolean opens, to whom, and whom it takes
 * something from: counted in the policy itself.
 * Use:     while a change is planned, once its action and sides are known.
 * Shapes:  lines for people, of the form that follows "opens". HAProxy's domain is that of the
 *          running process; where none runs, or in a tree, haproxy_t if the policy has it.
 * Errors:  none: what cannot be counted is told in words, with a note that says why.
 */
#ifndef HAMEDIC_REMEDIATIONS_SELINUX_EXPOSURE_H
#define HAMEDIC_REMEDIATIONS_SELINUX_EXPOSURE_H

#include "remediations/remediation.h"

/* The port of `change` goes from one type to another (NULL: no record). */
void selinux_exposure_of_label(const struct scene *scene, const char *protocol, const char *from,
                               const char *to, struct arena *arena, struct change *change);
/* The boolean of `change` turns on or off. */
void selinux_exposure_of_boolean(const struct scene *scene, bool on, struct arena *arena,
                                 struct change *change);

#endif
