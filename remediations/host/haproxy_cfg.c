#include "remediations/host/haproxy_cfg.h"

#include <stdlib.h>
#include <string.h>

#include "plans/base/escape.h"
#include "remediations/host/haproxy_cfg_parse.h"

enum { CONDITIONS_MAX = 16, NAME_SHOWN_MAX = 256 };

/* Nested .if blocks. */
struct conditions {
    size_t depth;
    bool else_seen[CONDITIONS_MAX];
    bool header_inside; /* a section began inside: what follows the block may belong to it or not */
};

/* Every section of 1.8 to 3.5; a word that an older version does not know as one is an error there
 * anyway. */
static const struct {
    const char *name;
    enum section section;
    enum cfg_kind kind;
} sections[] = {
    {"global", SECTION_GLOBAL, CFG_GLOBAL},       {"defaults", SECTION_PROXY, CFG_DEFAULTS},
    {"frontend", SECTION_PROXY, CFG_FRONTEND},    {"backend", SECTION_PROXY, CFG_BACKEND},
    {"listen", SECTION_PROXY, CFG_LISTEN},        {"peers", SECTION_PEERS, CFG_OTHER},
    {"log-forward", SECTION_BINDS, CFG_OTHER},    {"ring", SECTION_OTHER, CFG_OTHER},
    {"resolvers", SECTION_OTHER, CFG_OTHER},      {"userlist", SECTION_OTHER, CFG_OTHER},
    {"mailers", SECTION_OTHER, CFG_OTHER},        {"cache", SECTION_OTHER, CFG_OTHER},
    {"namespace_list", SECTION_OTHER, CFG_OTHER}, {"program", SECTION_OTHER, CFG_OTHER},
    {"fcgi-app", SECTION_OTHER, CFG_OTHER},       {"http-errors", SECTION_OTHER, CFG_OTHER},
    {"crt-store", SECTION_OTHER, CFG_OTHER},      {"log-profile", SECTION_OTHER, CFG_OTHER},
    {"traces", SECTION_OTHER, CFG_OTHER},         {"acme", SECTION_OTHER, CFG_OTHER},
    {"healthcheck", SECTION_OTHER, CFG_OTHER},
};

enum { SECTIONS = sizeof sections / sizeof sections[0] };

/* SECTIONS: it is none. */
static size_t find_section(struct span keyword)
{
    size_t i = 0;

    while (i < SECTIONS &&
           (sections[i].name[0] != keyword.ptr[0] || !span_is(keyword, sections[i].name)))
        i++;
    return i;
}

bool parse_is_section(struct span keyword)
{
    return keyword.len > 0 && find_section(keyword) < SECTIONS;
}

/* ---- words ---- */

bool parse_word_is(const struct parser *parser, size_t word, const char *text)
{
    if (word >= parser->words.count)
        return false;
    struct span value = parser->words.at[word].value;
    return value.ptr[0] == text[0] && span_is(value, text);
}

const char *parse_word_text(struct parser *parser, size_t word)
{
    if (word >= parser->words.count)
        return "";
    struct span value = parser->words.at[word].value;
    if (escape_is_plain(value) && memchr(value.ptr, '\\', value.len) == NULL)
        return arena_copy(parser->arena, value.ptr, value.len);
    return escape_span(parser->arena, value, PLAN_STRING_MAX / 4);
}

struct cfg_place parse_word_place(const struct parser *parser, size_t word)
{
    if (word >= parser->words.count)
        return (struct cfg_place){0};
    const struct lex_word *at = &parser->words.at[word];
    return (struct cfg_place){
        parser->file,      parser->line,   (uint32_t)(parser->line_offset + at->offset),
        (uint32_t)at->len, parser->unsure, at->variable};
}

struct cfg_place parse_line_place(const struct parser *parser)
{
    return (struct cfg_place){
        parser->file,   parser->line, (uint32_t)parser->line_offset, (uint32_t)parser->line_len,
        parser->unsure, false};
}

uint32_t parse_words_end(const struct parser *parser)
{
    const struct lex_word *last = &parser->words.at[parser->words.count - 1];

    return (uint32_t)(parser->line_offset + last->offset + last->len);
}

struct cfg_number parse_word_number(const struct parser *parser, size_t word)
{
    struct cfg_number number = {.set = true, .place = parse_word_place(parser, word)};

    if (word >= parser->words.count)
        return (struct cfg_number){0};
    struct span value = parser->words.at[word].value;
    while (value.len > 0 && lex_is_blank(value.ptr[0]))
        value = (struct span){value.ptr + 1, value.len - 1};
    if (value.len > 0 && value.ptr[0] == '+')
        value = (struct span){value.ptr + 1, value.len - 1};
    for (size_t i = 0; i < value.len && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++)
        if (number.value < INT64_MAX / 10)
            number.value = number.value * 10 + (uint64_t)(value.ptr[i] - '0');
    return number;
}

/* ---- conditionals ---- */

static int open_condition(struct conditions *conditions, struct err *err)
{
    if (conditions->depth + 1 >= CONDITIONS_MAX)
        return err_set(err, ERR_INPUT, "nested '.if', expected at most %d levels",
                       CONDITIONS_MAX - 1);
    conditions->else_seen[++conditions->depth] = false;
    return 0;
}

/* Sets *out_directive where the line is one, which then says nothing else. */
static int parse_directive(struct parser *parser, struct conditions *conditions,
                           bool *out_directive, struct err *err)
{
    struct span word = parser->words.at[0].value;

    *out_directive = true;
    if (word.ptr[0] != '.') {
        *out_directive = false;
        return 0;
    }
    if (span_is(word, ".if"))
        return open_condition(conditions, err);
    if (span_is(word, ".elif") || span_is(word, ".else") || span_is(word, ".endif")) {
        if (conditions->depth == 0)
            return err_set(err, ERR_INPUT, "lone '%s', expected a '.if' above it",
                           parse_word_text(parser, 0));
        if (span_is(word, ".endif")) {
            conditions->depth--;
            return 0;
        }
        if (conditions->else_seen[conditions->depth])
            return err_set(err, ERR_INPUT, "'%s' after '.else', expected '.endif'",
                           parse_word_text(parser, 0));
        conditions->else_seen[conditions->depth] = span_is(word, ".else");
        return 0;
    }
    if (conditions->depth > 0 || span_is(word, ".alert") || span_is(word, ".warning") ||
        span_is(word, ".notice") || span_is(word, ".diag"))
        return 0;
    return err_set(err, ERR_INPUT,
                   "unknown directive '%s', expected .if, .elif, .else, .endif, "
                   ".alert, .warning, .notice or .diag",
                   parse_word_text(parser, 0));
}

/* ---- sections ---- */

static void begin_section(struct parser *parser, enum section section, enum cfg_kind kind)
{
    struct cfg *cfg = parser->cfg;
    size_t name = parser->words.count > 1 ? 1 : 0;

    parse_proxy_end(parser);
    parser->section = section;
    struct span word = parser->words.at[name].value;
    parser->section_name = (struct span){arena_copy(parser->arena, word.ptr, word.len), word.len};
    if (section == SECTION_GLOBAL) {
        cfg->global.present = true;
        if (cfg->global.header.len == 0)
            cfg->global.header = parse_line_place(parser);
    }
    if (section == SECTION_PROXY)
        parse_proxy_begin(parser, kind);
}

static void parse_other_line(struct parser *parser)
{
    struct cfg *cfg = parser->cfg;

    if (parser->section != SECTION_PEERS && parser->section != SECTION_BINDS)
        return;
    if (parse_word_is(parser, 0, "bind") || parse_word_is(parser, 0, "dgram-bind")) {
        struct cfg_bind *binds = NULL;
        size_t count = 0;
        parse_bind_line(parser, &binds, &count);
        for (size_t i = 0; i < count; i++)
            cfg->extra_binds += binds[i].port_high - binds[i].port_low + 1;
    } else if (parser->section == SECTION_PEERS &&
               (parse_word_is(parser, 0, "peer") || parse_word_is(parser, 0, "server"))) {
        cfg->peer_count++;
    }
}

static int parse_line(struct parser *parser, struct conditions *conditions, struct err *err)
{
    bool directive = false;

    if (parse_directive(parser, conditions, &directive, err) < 0)
        return -1;
    if (directive)
        return 0;
    parser->unsure = conditions->depth > 0 || parser->words.uncertain;
    size_t section = find_section(parser->words.at[0].value);
    if (section < SECTIONS) {
        conditions->header_inside = conditions->depth > 0;
        begin_section(parser, sections[section].section, sections[section].kind);
        return 0;
    }
    if (conditions->header_inside)
        parser->unsure = true;
    switch (parser->section) {
    case SECTION_NONE:
        return err_set(err, ERR_INPUT,
                       "'%s' stands before any section, expected 'global', "
                       "'defaults', 'frontend', 'backend' or 'listen'",
                       escape_span(parser->arena, parser->words.at[0].value, NAME_SHOWN_MAX));
    case SECTION_GLOBAL:
        parse_global_line(parser);
        return 0;
    case SECTION_PROXY:
        return parse_proxy_line(parser, err);
    case SECTION_PEERS:
    case SECTION_BINDS:
    case SECTION_OTHER:
        break;
    }
    parse_other_line(parser);
    return 0;
}

/* ---- files ---- */

static size_t line_of_nul(struct span bytes)
{
    size_t line = 1;

    for (size_t i = 0; bytes.ptr[i] != '\0'; i++)
        line += bytes.ptr[i] == '\n' ? 1 : 0;
    return line;
}

static int check_bytes(const struct cfg_file *file, struct err *err)
{
    if (file->bytes.len > HOST_FILE_MAX)
        return err_set(err, ERR_INPUT, "%s:1: %zu bytes, expected at most %zu", file->path,
                       file->bytes.len, HOST_FILE_MAX);
    if (span_starts_with(file->bytes, "\xef\xbb\xbf"))
        return err_set(err, ERR_INPUT, "%s:1: a byte order mark, expected a section", file->path);
    if (file->bytes.len > 0 && memchr(file->bytes.ptr, '\0', file->bytes.len) != NULL)
        return err_set(err, ERR_INPUT, "%s:%zu: a NUL byte, expected text", file->path,
                       line_of_nul(file->bytes));
    return 0;
}

/* Where one target is looked at, the servers of others need no reading: the configuration was read
 * before as a whole. */
static bool is_server_of_others(const struct parser *parser, struct span statement)
{
    return parser->only != NULL && parser->section == SECTION_PROXY &&
           strcmp(parser->only, parser->proxy->name) != 0 && span_starts_with(statement, "server ");
}

static int parse_file_line(struct parser *parser, struct conditions *conditions, struct span line,
                           struct err *err)
{
    struct lex_position position = {parser->file->path, parser->line, parser->section_name};

    if (line.len > LEX_LINE_MAX)
        return err_set(err, ERR_INPUT, "line of %zu bytes, expected at most %zu", line.len,
                       LEX_LINE_MAX);
    size_t blanks = 0;
    while (blanks < line.len && lex_is_blank(line.ptr[blanks]))
        blanks++;
    /* Empty lines, comments, and the scopes of SPOE files. */
    if (blanks == line.len || line.ptr[blanks] == '#' || line.ptr[blanks] == '[')
        return 0;
    if (is_server_of_others(parser, (struct span){line.ptr + blanks, line.len - blanks}))
        return 0;
    if (lex_line(parser->lex, line, &position, &parser->words, err) < 0)
        return -1;
    return parser->words.count == 0 ? 0 : parse_line(parser, conditions, err);
}

static int parse_file(struct parser *parser, const struct cfg_file *file, struct err *err)
{
    struct conditions conditions = {0};
    const char *end = file->bytes.ptr + file->bytes.len;

    parser->file = file;
    parser->line = 0;
    parser->section = SECTION_NONE;
    parser->section_name = (struct span){"", 0};
    if (check_bytes(file, err) < 0)
        return -1;
    for (const char *at = file->bytes.ptr; at < end; at += parser->line_len + 1) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        parser->line++;
        parser->line_offset = (size_t)(at - file->bytes.ptr);
        parser->line_len = (size_t)((feed == NULL ? end : feed) - at);
        if (parse_file_line(parser, &conditions, (struct span){at, parser->line_len}, err) < 0)
            return err_wrap(err, "%s:%zu", file->path, parser->line);
        if (feed == NULL)
            return err_set(err, ERR_INPUT, "%s:%zu: the last line is cut off, expected a line feed",
                           file->path, parser->line);
    }
    parse_proxy_end(parser);
    if (conditions.depth > 0)
        return err_set(err, ERR_INPUT, "%s:%zu: the file ends inside '.if', expected '.endif'",
                       file->path, parser->line);
    return 0;
}

/* ---- who says the file is its own ---- */

static const struct {
    const char *words; /* lower case */
    const char *manager;
} managers[] = {
    {"# _version=", "HAProxy Data Plane API"},
    {"dataplaneapi managed file", "HAProxy Data Plane API"},
    {"ansible managed", "Ansible"},
    {"managed by ansible", "Ansible"},
    {"managed by puppet", "Puppet"},
    {"puppet managed", "Puppet"},
    {"maintained by puppet", "Puppet"},
    {"generated by chef", "Chef"},
    {"managed by chef", "Chef"},
    {"managed by salt", "Salt"},
    {"salt managed", "Salt"},
    {"managed by terraform", "Terraform"},
    {"managed by cloud-init", "cloud-init"},
    {"do not edit", "another program"},
};

static const char *manager_of_line(struct span line)
{
    char lower[512];
    size_t len = line.len < sizeof lower - 1 ? line.len : sizeof lower - 1;

    for (size_t i = 0; i < len; i++)
        lower[i] =
            (char)(line.ptr[i] >= 'A' && line.ptr[i] <= 'Z' ? line.ptr[i] + 32 : line.ptr[i]);
    lower[len] = '\0';
    for (size_t i = 0; i < sizeof managers / sizeof managers[0]; i++)
        if (strstr(lower, managers[i].words) != NULL)
            return managers[i].manager;
    return NULL;
}

/* Only the comment at the top: further down such words are about something else. */
static const char *manager_of_file(const struct cfg_file *file)
{
    struct span rest = file->bytes, line;

    while (span_next_line(&rest, &line)) {
        line = span_trim(line);
        if (line.len > 0 && line.ptr[0] != '#')
            return NULL;
        const char *manager = manager_of_line(line);
        if (manager != NULL)
            return manager;
    }
    return NULL;
}

/* ---- the whole ---- */

static void parser_cleanup(struct parser *parser)
{
    free(parser->servers);
}

int cfg_parse_only(const struct cfg_file *files, size_t file_count,
                   const struct strings *environment, const char *only, struct arena *arena,
                   struct cfg **out_cfg, struct err *err)
{
    struct cfg *cfg = arena_alloc(arena, sizeof *cfg);
    struct parser parser
        __attribute__((cleanup(parser_cleanup))) = {.arena = arena, .cfg = cfg, .only = only};

    parser.index = index_new(arena);
    parser.lex = lex_new(arena, environment);
    cfg->index = parser.index;
    cfg->environment = environment;
    cfg->files = arena_alloc(arena, (file_count + 1) * sizeof *cfg->files);
    cfg->file_count = file_count;
    for (size_t i = 0; i < file_count; i++) {
        cfg->files[i] = files[i];
        if (parse_file(&parser, &cfg->files[i], err) < 0)
            return -1;
        if (cfg->managed_by == NULL)
            cfg->managed_by = manager_of_file(&cfg->files[i]);
    }
    *out_cfg = cfg;
    return 0;
}

int cfg_parse(const struct cfg_file *files, size_t file_count, const struct strings *environment,
              struct arena *arena, struct cfg **out_cfg, struct err *err)
{
    return cfg_parse_only(files, file_count, environment, NULL, arena, out_cfg, err);
}
