/* policies/rules_reading: what the readers of settings and of sections share; private to policies/.
 * Use:     rules_read calls reading_section for each section of each file.
 * Owns:    everything lives in policy->arena.
 * Errors:  ERR_INPUT beginning with "FILE:LINE: ".
 */
#ifndef HAMEDIC_POLICIES_RULES_READING_H
#define HAMEDIC_POLICIES_RULES_READING_H

#include "policies/rules.h"

#define READING_APPROVALS_DEFAULT 2 /* signatures for a risk of which the policy says nothing */

/* A section of one file, with what is needed to read and to complain. */
struct reading {
    struct policy *policy;
    const char *file;
    const struct conf_section *section;
    struct err *err;
};

/* setting NULL: the section itself. */
struct place reading_place(const struct reading *reading, const struct conf_setting *setting);

#define READING_REFUSE(reading, setting, format, ...)                                              \
    err_set((reading)->err, ERR_INPUT, "%s:%zu: " format, (reading)->file,                         \
            reading_place((reading), (setting)).line, __VA_ARGS__)

const char *reading_keep(const struct reading *reading, const char *text);
MUST_CHECK int reading_risk(const struct reading *reading, const struct conf_setting *setting,
                            enum risk *out_risk);
MUST_CHECK int reading_section(struct reading *reading);

#endif
