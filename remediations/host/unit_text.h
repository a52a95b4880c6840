/* host/unit_text: the text of unit files and environment files, as systemd reads it. Pure; for
 *          unit_*.c only.
 * Shapes:  a line that ends in a backslash goes on in the next one, joined by a blank; comment
 *          lines in between are dropped. Offsets are in bytes from the start of the text.
 * Owns:    results live in the arena.
 * Source:  systemd.syntax(7), systemd.service(5) "COMMAND LINES", systemd.exec(5) "Environment",
 *          systemd 252.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_UNIT_TEXT_H
#define HAMEDIC_REMEDIATIONS_HOST_UNIT_TEXT_H

#include "remediations/host/conf_files.h"
#include "remediations/host/haproxy_index.h"

struct unit_setting {
    struct span section, key, value; /* value: joined and trimmed */
    size_t line;                     /* of its beginning */
    size_t offset, len;              /* all its lines with their ends */
};
/* Zeroed to begin with. */
struct unit_text {
    struct span section;
    size_t position;
    struct conf_line line;
};
bool unit_text_next(struct span text, struct unit_text *state, struct arena *arena,
                    struct unit_setting *out_setting);

/* LimitNOFILE: soft:hard, one number for both, infinity (UINT64_MAX). There are no K, M, G for this
 * one: systemd ignores such a line, as it ignores every value that is none. */
bool unit_text_limit(struct span value, uint64_t *out_soft, uint64_t *out_hard);

/* Words with quotes and escapes resolved. */
void unit_text_words(struct span value, struct arena *arena, struct strings *out_words);

/* A list of NAME=VALUE. `names` is a new index for an empty list, and stays with it. */
struct unit_variables {
    struct strings list;
    struct index *names;
};
/* NAME=VALUE replaces one of the same name. */
void unit_text_set_variable(struct unit_variables *variables, struct arena *arena,
                            const char *setting);
/* The assignments of an environment file, set one by one. */
void unit_text_environment_file(struct span text, struct arena *arena,
                                struct unit_variables *variables);
/* A command line's words with prefixes off and variables expanded. */
void unit_text_command(struct span value, const struct strings *environment, struct arena *arena,
                       struct strings *out_words);

#endif
