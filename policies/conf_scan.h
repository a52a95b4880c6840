/* policies/conf_scan: what libconfuse does not tell or lets pass: lines, unknown keys, duplicates,
 * odd bytes, a file cut off.
 * Use:     conf_scan(text, file, grammar, arena, &conf, &clean, err), then give `clean` to
 *          libconfuse.
 * Shapes:  `clean` is the text with its comments blanked out (libconfuse miscounts lines at
 *          comments), NUL-ended. out_conf has every section and setting with its line, without
 *          values.
 * Owns:    everything lives in the arena.
 * Errors:  as conf.h says. What is left (a missing '=' or comma) is libconfuse's to find.
 */
#ifndef HAMEDIC_POLICIES_CONF_SCAN_H
#define HAMEDIC_POLICIES_CONF_SCAN_H

#include "policies/conf.h"

MUST_CHECK int conf_scan(struct span text, const char *file, const struct conf_grammar *grammar,
                         struct arena *arena, struct conf *out_conf, const char **out_clean,
                         struct err *err);

#endif
