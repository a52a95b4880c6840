/* policies/pattern: which names a rule means.
 * Shapes:  '*' stands for any characters but '/', "**" for any characters at all; everything else
 *          for itself: "haproxy_*" is every boolean of that prefix. Upper and lower case differ.
 * Owns:    nothing.
 * Errors:  none.
 */
#ifndef HAMEDIC_POLICIES_PATTERN_H
#define HAMEDIC_POLICIES_PATTERN_H

#include <stdbool.h>

bool pattern_matches(const char *pattern, const char *name);
bool pattern_is_literal(const char *pattern); /* no '*' in it */

#endif
