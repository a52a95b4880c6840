/* host/haproxy_lex: one physical line of haproxy.cfg as words, the way HAProxy cuts it.
 * Use:     lex_new(arena, environment); lex_line(lex, line, &position, &words, err) for each line
 * Shapes:  a line comes without its '\n' and has no NUL. offset and len of a word are of its raw
 *          bytes in the line, quotes and escapes and all; `value` is unquoted, unescaped and
 *          expanded, cut at its first NUL. A word out of "${NAME[*]}" shares its place with its
 *          brothers.
 * Owns:    words live until the next lex_line; values point into the line or into the lexer.
 * Errors:  ERR_INPUT what HAProxy itself refuses: more than 64 words, an open quote or brace, a
 *          bad \x. The text says what is wrong, not where: the caller knows file and line.
 * Source:  HAProxy configuration.txt 2.2 "Quoting and escaping", 2.3 "Environment variables";
 *          parse_line() of 2.6 was read for facts. '\r' ends a line anywhere but behind a blank.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_LEX_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_LEX_H

#include "plans/base/arena.h"
#include "plans/base/span.h"
#include "plans/plan.h"

#define LEX_WORDS_MAX 64
/* HAProxy knows no bound. A line that nobody can read is refused, so that time and memory have one:
 * longer ones by the caller, those that variables make longer here. */
#define LEX_LINE_MAX ((size_t)1024 * 1024)

struct lex_word {
    struct span value;
    size_t offset, len;
    bool variable; /* part of its text comes from the environment */
};

struct lex_words {
    struct lex_word at[LEX_WORDS_MAX];
    size_t count;   /* up to the first empty word: HAProxy's keywords read no further */
    size_t all;     /* with what stands behind it */
    bool uncertain; /* a variable in it was set inside a conditional block */
};

/* Where the pseudo variables .FILE, .LINE and .SECTION point. */
struct lex_position {
    const char *file;
    size_t line;
    struct span section;
};

struct lex;
struct lex *lex_new(struct arena *arena, const struct strings *environment);
MUST_CHECK int lex_line(struct lex *lex, struct span line, const struct lex_position *position,
                        struct lex_words *out_words, struct err *err);

/* setenv, presetenv, unsetenv, resetenv of the global section. `uncertain`: the line was
 * conditional. */
void lex_set_variable(struct lex *lex, struct span name, struct span value, bool uncertain);
bool lex_has_variable(const struct lex *lex, struct span name);
void lex_unset_variable(struct lex *lex, struct span name, bool uncertain);
void lex_keep_variables(struct lex *lex, const struct lex_word *names, size_t count,
                        bool uncertain);

/* A blank as isspace(3) in the C locale sees it. */
static inline bool lex_is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

#endif
