/* policies/conf: a libconfuse file, read strictly: what libconfuse lets pass is an error here.
 * Use:     describe the file in a struct conf_grammar; conf_read (or conf_read_fd) ; conf_parse ;
 *          then conf_find(&conf.root, "key") and conf.sections[].
 * Shapes:  KEY = VALUE, KEY = {VALUE, VALUE}, NAME { ... }, NAME "title" { ... }; comments from '#'
 *          to the end of the line. A value with more than letters, digits, '_', '.', '-' stands in
 *          double quotes, on one line, without backslash. Printable ASCII, tab and LF only; at most
 *          CONF_FILE_MAX bytes. Numbers are decimal, 0..INT64_MAX. true, yes, on and false, no, off
 *          are the truth values.
 * Owns:    everything lives in the arena; nothing of libconfuse is left behind.
 * Errors:  ERR_INPUT, beginning with "FILE:LINE: " where a line is at fault: an unknown key (with
 *          the nearest known one), a key or section that stands twice (with both lines), a wrong
 *          type, an empty list, a section that is not closed, "${" anywhere (libconfuse would put
 *          the environment there), functions such as include(). ERR_DENIED a file that is neither
 *          root's nor the caller's, or that group or others may write. ERR_SYS.
 *          Not for two threads at once: libconfuse's scanner has global state.
 * Source:  libconfuse 3.3: lexer.l (expansion of "${", escapes, bytes dropped in silence),
 *          confuse.c (the last duplicate wins; "a|b" reaches into a section; the end of the file
 *          closes one).
 */
#ifndef HAMEDIC_POLICIES_CONF_H
#define HAMEDIC_POLICIES_CONF_H

#include "plans/plan.h"

#define CONF_FILE_MAX     ((size_t)256 * 1024)
#define CONF_SECTIONS_MAX 1024

enum conf_type { CONF_TEXT, CONF_NUMBER, CONF_TRUTH, CONF_LIST };

struct conf_key {
    const char *name; /* NULL ends a table */
    enum conf_type type;
};

struct conf_block {
    const char *name; /* NULL ends a table */
    bool titled;
    const struct conf_key *keys;
};

struct conf_grammar {
    const struct conf_key *keys;     /* outside of all sections */
    const struct conf_block *blocks; /* NULL: there are none */
};

struct conf_setting {
    const char *key;
    enum conf_type type;
    size_t line;
    const char *text;    /* CONF_TEXT, and how the others were written; NULL for a list */
    uint64_t number;     /* CONF_NUMBER */
    bool truth;          /* CONF_TRUTH */
    struct strings list; /* CONF_LIST: at least one */
};

struct conf_section {
    const char *name;  /* "" for the root */
    const char *title; /* NULL without one */
    size_t line;
    struct conf_setting *settings; /* in the order of the file */
    size_t setting_count;
};

struct conf {
    const char *file; /* as messages name it */
    struct conf_section root;
    struct conf_section *sections; /* in the order of the file */
    size_t section_count;
};

/* Opens without following a link, checks the opened file, reads it. `name` is for messages. */
MUST_CHECK int conf_read(int dir, const char *path, const char *name, struct arena *arena,
                         struct span *out_text, struct err *err);
/* The same for a file that is open. */
MUST_CHECK int conf_read_fd(int fd, const char *name, struct arena *arena, struct span *out_text,
                            struct err *err);
/* The owner's test alone, also for a directory. */
MUST_CHECK int conf_check_owner(int fd, const char *name, struct err *err);

MUST_CHECK int conf_parse(struct span text, const char *file, const struct conf_grammar *grammar,
                          struct arena *arena, struct conf *out_conf, struct err *err);
/* NULL where the key does not stand there. */
const struct conf_setting *conf_find(const struct conf_section *section, const char *key);

#endif
