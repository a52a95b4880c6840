#include "policies/conf_scan.h"

#include <string.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"

enum { SHOWN_MAX = 64, NEAR_MAX = 2, NAME_MAX_LEN = 64 };

enum token_kind { TOKEN_NONE, TOKEN_WORD, TOKEN_STRING, TOKEN_SIGN };

struct token {
    enum token_kind kind;
    struct span span; /* a string without its quotes */
    size_t line;
};

struct scan {
    const char *file;
    const struct conf_grammar *grammar;
    struct arena *arena;
    struct err *err;
    char *clean;
    size_t len;
    size_t at;
    size_t line;
    struct token last, before;      /* the two tokens read last */
    const struct conf_block *block; /* the section we are in; NULL: the root */
    bool in_list;
    struct conf *conf;
};

static bool is_word(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '.' || byte == '-';
}

static const char *shown(const struct scan *scan, struct span span)
{
    return escape_span(scan->arena, span, SHOWN_MAX);
}

/* ---- every byte is one that a person sees ---- */

static int check_bytes(struct scan *scan)
{
    size_t line = 1;

    for (size_t i = 0; i < scan->len; i++) {
        unsigned char byte = (unsigned char)scan->clean[i];
        if (byte == '\n')
            line++;
        else if (byte != '\t' && (byte < 0x20 || byte > 0x7e))
            return err_set(scan->err, ERR_INPUT,
                           "%s:%zu: byte 0x%02x: expected printable ASCII, tab and line feed only",
                           scan->file, line, (unsigned)byte);
        else if (byte == '$' && scan->clean[i + 1] == '{')
            return err_set(scan->err, ERR_INPUT,
                           "%s:%zu: '${' is refused, also in quotes and comments: the environment "
                           "must not decide",
                           scan->file, line);
    }
    return 0;
}

/* ---- unknown names ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein distance of two short names. */
static size_t distance(struct span a, struct span b)
{
    size_t row[NAME_MAX_LEN + 1];

    if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t swap = diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = least(least(row[j] + 1, row[j - 1] + 1), swap);
        }
    }
    return row[b.len];
}

static int refuse_unknown(struct scan *scan, const struct token *token, const char *what,
                          const struct strings *known)
{
    struct text words = text_new(scan->arena);
    size_t nearest = NEAR_MAX + 1;

    for (size_t i = 0; i < known->count; i++)
        nearest = least(nearest, distance(token->span, span_of(known->at[i])));
    bool near = nearest <= NEAR_MAX;
    const char *separator = "";
    for (size_t i = 0; i < known->count; i++) {
        if (near && distance(token->span, span_of(known->at[i])) != nearest)
            continue;
        text_addf(&words, "%s'%s'", separator, known->at[i]);
        separator = near ? " or " : ", ";
    }
    return err_set(scan->err, ERR_INPUT, "%s:%zu: unknown %s '%s' (%s %s%s)", scan->file,
                   token->line, what, shown(scan, token->span),
                   near ? "did you mean" : "known here:",
                   known->count == 0 ? "none" : text_string(&words), near ? "?" : "");
}

static int refuse_unknown_key(struct scan *scan, const struct token *token,
                              const struct conf_key *keys)
{
    struct strings known = {0};

    for (const struct conf_key *key = keys; key->name != NULL; key++)
        strings_add(&known, scan->arena, key->name);
    return refuse_unknown(scan, token, "key", &known);
}

static int refuse_unknown_block(struct scan *scan, const struct token *token)
{
    struct strings known = {0};

    for (const struct conf_block *block = scan->grammar->blocks;
         block != NULL && block->name != NULL; block++)
        strings_add(&known, scan->arena, block->name);
    return refuse_unknown(scan, token, "section", &known);
}

static const struct conf_block *find_block(const struct scan *scan, struct span name)
{
    for (const struct conf_block *block = scan->grammar->blocks;
         block != NULL && block->name != NULL; block++)
        if (span_is(name, block->name))
            return block;
    return NULL;
}

/* ---- structure: what '=', '{' and '}' mean follows from the two tokens before them ---- */

static struct conf_section *current(struct scan *scan)
{
    struct conf *conf = scan->conf;

    return scan->block == NULL ? &conf->root : &conf->sections[conf->section_count - 1];
}

static int see_assignment(struct scan *scan)
{
    const struct token *name = &scan->last;
    const struct conf_key *key = scan->block == NULL ? scan->grammar->keys : scan->block->keys;
    const struct conf_key *keys = key;
    struct conf_section *section = current(scan);

    /* A quoted key could reach into another section ("approvals|low"). */
    if (name->kind != TOKEN_WORD)
        return err_set(scan->err, ERR_INPUT, "%s:%zu: expected a key without quotes before '='",
                       scan->file, scan->line);
    while (key->name != NULL && !span_is(name->span, key->name))
        key++;
    if (key->name == NULL)
        return refuse_unknown_key(scan, name, keys);
    for (size_t i = 0; i < section->setting_count; i++)
        if (section->settings[i].key == key->name)
            return err_set(scan->err, ERR_INPUT, "%s:%zu: '%s' stands twice: first in %s:%zu",
                           scan->file, name->line, key->name, scan->file,
                           section->settings[i].line);
    struct conf_setting *setting =
        &ARENA_PUSH(scan->arena, section->settings, section->setting_count);
    setting->key = key->name;
    setting->type = key->type;
    setting->line = name->line;
    return 0;
}

static bool same_title(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int see_section(struct scan *scan)
{
    bool titled = scan->last.kind == TOKEN_STRING;
    const struct token *name = titled ? &scan->before : &scan->last;
    struct conf *conf = scan->conf;

    if (name->kind != TOKEN_WORD)
        return err_set(scan->err, ERR_INPUT, "%s:%zu: expected the name of a section before '{'",
                       scan->file, scan->line);
    if (scan->block != NULL)
        return err_set(scan->err, ERR_INPUT, "%s:%zu: section '%s' inside of section '%s'",
                       scan->file, name->line, shown(scan, name->span), scan->block->name);
    const struct conf_block *block = find_block(scan, name->span);
    if (block == NULL)
        return refuse_unknown_block(scan, name);
    if (block->titled != titled)
        return err_set(scan->err, ERR_INPUT, "%s:%zu: section '%s' %s", scan->file, name->line,
                       block->name,
                       titled ? "has no title" : "needs a title in double quotes before '{'");
    const char *title =
        titled ? arena_copy(scan->arena, scan->last.span.ptr, scan->last.span.len) : NULL;
    for (size_t i = 0; i < conf->section_count; i++)
        if (conf->sections[i].name == block->name && same_title(conf->sections[i].title, title))
            return err_set(scan->err, ERR_INPUT, "%s:%zu: %s%s%s%s stands twice: first in %s:%zu",
                           scan->file, name->line, block->name, titled ? " \"" : "",
                           titled ? shown(scan, scan->last.span) : "", titled ? "\"" : "",
                           scan->file, conf->sections[i].line);
    if (conf->section_count == CONF_SECTIONS_MAX)
        return err_set(scan->err, ERR_INPUT, "%s:%zu: more than %d sections", scan->file,
                       name->line, CONF_SECTIONS_MAX);
    struct conf_section *section = &ARENA_PUSH(scan->arena, conf->sections, conf->section_count);
    *section = (struct conf_section){.name = block->name, .title = title, .line = name->line};
    scan->block = block;
    return 0;
}

static int see_list(struct scan *scan)
{
    const struct conf_section *section = current(scan);
    const struct conf_setting *setting = &section->settings[section->setting_count - 1];

    if (setting->type != CONF_LIST)
        return err_set(scan->err, ERR_INPUT, "%s:%zu: '%s' takes one value, not a list", scan->file,
                       scan->line, setting->key);
    scan->in_list = true;
    return 0;
}

static int see_sign(struct scan *scan, char sign)
{
    bool after_equals = scan->last.kind == TOKEN_SIGN && span_is(scan->last.span, "=");

    switch (sign) {
    case '=':
        return see_assignment(scan);
    case '{':
        return after_equals ? see_list(scan) : see_section(scan);
    case '}':
        if (scan->in_list)
            scan->in_list = false;
        else
            scan->block = NULL;
        return 0;
    default:
        return 0;
    }
}

/* ---- tokens ---- */

static int refuse_byte(struct scan *scan, char byte)
{
    const char *why = "expected a key, a value, '=', '{', '}', ',' or '#'";

    if (byte == '(' || byte == ')')
        why = "functions such as include() are refused";
    else if (byte == '\'')
        why = "values stand in double quotes";
    else if (byte == '+')
        why = "a list is written once, with '='";
    else if (byte == '/')
        why = "paths stand in double quotes, comments begin with '#'";
    return err_set(scan->err, ERR_INPUT, "%s:%zu: unexpected '%c': %s", scan->file, scan->line,
                   byte, why);
}

static int read_string(struct scan *scan, struct token *out_token)
{
    size_t start = ++scan->at;

    while (scan->at < scan->len && scan->clean[scan->at] != '"') {
        char byte = scan->clean[scan->at];
        if (byte == '\n')
            break;
        /* libconfuse would make other bytes of an escape, NUL among them. */
        if (byte == '\\' || byte == '\t')
            return err_set(scan->err, ERR_INPUT, "%s:%zu: a %s in quotes is refused", scan->file,
                           scan->line, byte == '\t' ? "tab" : "backslash");
        scan->at++;
    }
    if (scan->at == scan->len || scan->clean[scan->at] == '\n')
        return err_set(scan->err, ERR_INPUT, "%s:%zu: '\"' is not closed on its line", scan->file,
                       scan->line);
    out_token->kind = TOKEN_STRING;
    out_token->span = (struct span){scan->clean + start, scan->at - start};
    scan->at++;
    return 0;
}

static int read_token(struct scan *scan)
{
    struct token token = {.line = scan->line};
    char byte = scan->clean[scan->at];
    size_t start = scan->at;

    if (is_word(byte)) {
        while (scan->at < scan->len && is_word(scan->clean[scan->at]))
            scan->at++;
        token.kind = TOKEN_WORD;
        token.span = (struct span){scan->clean + start, scan->at - start};
    } else if (byte == '"') {
        if (read_string(scan, &token) < 0)
            return -1;
    } else if (byte == '=' || byte == '{' || byte == '}' || byte == ',') {
        if (see_sign(scan, byte) < 0)
            return -1;
        scan->at++;
        token.kind = TOKEN_SIGN;
        token.span = (struct span){scan->clean + start, 1};
    } else {
        return refuse_byte(scan, byte);
    }
    scan->before = scan->last;
    scan->last = token;
    return 0;
}

static void blank_comment(struct scan *scan)
{
    while (scan->at < scan->len && scan->clean[scan->at] != '\n')
        scan->clean[scan->at++] = ' ';
}

int conf_scan(struct span text, const char *file, const struct conf_grammar *grammar,
              struct arena *arena, struct conf *out_conf, const char **out_clean, struct err *err)
{
    struct conf conf = {.file = arena_string(arena, file), .root = {.name = "", .line = 1}};
    struct scan scan = {.file = conf.file,
                        .grammar = grammar,
                        .arena = arena,
                        .err = err,
                        .clean = arena_copy(arena, text.ptr, text.len),
                        .len = text.len,
                        .line = 1,
                        .conf = &conf};

    if (check_bytes(&scan) < 0)
        return -1;
    while (scan.at < scan.len) {
        char byte = scan.clean[scan.at];
        if (byte == '#') {
            blank_comment(&scan);
        } else if (byte == '\n' || byte == ' ' || byte == '\t') {
            scan.line += byte == '\n';
            scan.at++;
        } else if (read_token(&scan) < 0) {
            return -1;
        }
    }
    /* libconfuse takes the end of the file for the end of a section: half a file would be a whole
     * one. */
    if (scan.block != NULL)
        return err_set(err, ERR_INPUT, "%s:%zu: section '%s' is not closed: the file is cut off",
                       conf.file, current(&scan)->line, scan.block->name);
    *out_conf = conf;
    *out_clean = scan.clean;
    return 0;
}
