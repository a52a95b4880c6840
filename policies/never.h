/* policies/never: what no policy can allow, and what a policy must name to allow.
 * Shapes:  kind and target as in an address.
 * Owns:    nothing: reasons are constants.
 * Errors:  none.
 */
#ifndef HAMEDIC_POLICIES_NEVER_H
#define HAMEDIC_POLICIES_NEVER_H

#include <stdbool.h>

/* Why this is refused whatever the policy says; NULL: the policy decides. */
const char *never_reason(const char *kind, const char *target);
/* Does a pattern with '*' reach this target? If not, a policy must name it in full. */
bool never_wildcard_reaches(const char *kind, const char *target);

#endif
