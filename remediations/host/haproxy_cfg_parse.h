/* host/haproxy_cfg_parse: what the parts of the configuration's reader share, and nobody else.
 * Use:     haproxy_cfg.c drives lines, conditionals and sections; it hands the words of a line to
 *          parse_global_line or parse_proxy_line.
 * Owns:    the model lives in the arena; servers are collected in memory of the parser's own.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_PARSE_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_CFG_PARSE_H

#include "remediations/host/haproxy_cfg.h"
#include "remediations/host/haproxy_index.h"
#include "remediations/host/haproxy_lex.h"

/* Sections that are no proxy, as far as they matter. */
enum section {
    SECTION_NONE,
    SECTION_GLOBAL,
    SECTION_PROXY,
    SECTION_PEERS,
    SECTION_BINDS,
    SECTION_OTHER
};

struct parser {
    struct arena *arena;
    struct cfg *cfg;
    struct index *index;
    struct lex *lex;
    struct lex_words words;
    /* Only servers of proxies of this name are kept; NULL: all. */
    const char *only;

    const struct cfg_file *file;
    size_t line;
    size_t line_offset, line_len;

    enum section section;
    struct span section_name;
    struct cfg_proxy *proxy; /* SECTION_PROXY */
    const struct cfg_proxy *last_defaults;
    bool unsure; /* this line may not count, or not in this section */

    struct cfg_server *servers; /* of the current proxy; malloc'ed, so that it can grow in place */
    size_t server_count, server_room;
};

/* Does a line that begins with this word begin a section? */
bool parse_is_section(struct span keyword);
bool parse_word_is(const struct parser *parser, size_t word, const char *text);
const char *parse_word_text(struct parser *parser,
                            size_t word); /* escaped; "" where there is none */
struct cfg_place parse_word_place(const struct parser *parser, size_t word);
struct cfg_place parse_line_place(const struct parser *parser);
uint32_t parse_words_end(const struct parser *parser);
/* The number of a word as atol(3) reads it; negative ones are 0. */
struct cfg_number parse_word_number(const struct parser *parser, size_t word);

void parse_global_line(struct parser *parser);
MUST_CHECK int parse_proxy_line(struct parser *parser, struct err *err);
/* server, server-template, default-server. *out_is_one false: the line is none of them. False:
 * memory is exhausted. */
MUST_CHECK bool parse_server_line(struct parser *parser, bool *out_is_one);
/* The listeners of a `bind` line, into a proxy's list. */
void parse_bind_line(struct parser *parser, struct cfg_bind **binds, size_t *count);
/* What haproxy_cfg_check.h tells, of one line of a proxy; false: others may read it, too. */
bool parse_check_line(struct parser *parser);
/* The same of one word of a server line, with a value behind it or alone. *own: this line has a
 * cfg_contact of its own already. */
void parse_contact_word(const struct parser *parser, size_t word, struct cfg_server *server,
                        bool *own);
void parse_contact_flag(const struct parser *parser, size_t word, struct cfg_server *server,
                        bool *own);
void parse_proxy_begin(struct parser *parser, enum cfg_kind kind);
void parse_proxy_end(struct parser *parser);

/* No proxy has a name like that. */
#define KEEP_NO_SERVERS "/"
/* cfg_parse for one look at one target: keeps only the servers of proxies called `only` (NULL:
 * all). */
MUST_CHECK int cfg_parse_only(const struct cfg_file *files, size_t file_count,
                              const struct strings *environment, const char *only,
                              struct arena *arena, struct cfg **out_cfg, struct err *err);

/* Where and how a maxconn is written. */
struct cfg_site {
    struct cfg_target target;
    struct cfg_slot slot;
    enum cfg_site_form {
        SITE_TOKEN,   /* slot.token is replaced */
        SITE_WORDS,   /* " maxconn N" is added at words_end */
        SITE_LINE,    /* a new line in the section of `header`, before `before` where that stands
                         somewhere */
        SITE_SECTION, /* a new global section */
    } form;
    struct cfg_place header;
    struct cfg_place before;
    uint32_t words_end;
    const struct cfg_number *minconn; /* of the server: HAProxy raises maxconn to it */
};
MUST_CHECK int cfg_site_find(const struct cfg *cfg, const struct haproxy *haproxy,
                             const char *target, struct arena *arena, struct cfg_site *out_site,
                             struct err *err);

/* One piece of a file replaced by another. */
struct cfg_edit {
    const struct cfg_file *file;
    size_t offset, len; /* of what goes */
    struct span text;   /* what comes */
};
/* `line` (without indentation and end) as a new line of the section. */
struct cfg_edit cfg_edit_add_line(const struct cfg *cfg, const struct cfg_place *header,
                                  const struct cfg_place *before, const char *line,
                                  struct arena *arena);
struct cfg_edit cfg_edit_add_global(const struct cfg *cfg, const char *line, struct arena *arena);
/* The statement that ends at `end` goes, and its line with it unless a comment stands there. */
struct cfg_edit cfg_edit_remove_line(const struct cfg_place *line, size_t end);
/* The new file, and the lines that differ with two around them. */
void cfg_edit_apply(const struct cfg_edit *edit, struct arena *arena, struct cfg_file *out_file,
                    struct strings *out_diff);
/* The configuration with `file` in the place of the one of that path. */
MUST_CHECK int cfg_parse_with(const struct cfg *cfg, const struct cfg_file *file, const char *only,
                              struct arena *arena, struct cfg **out_cfg, struct err *err);

#endif
