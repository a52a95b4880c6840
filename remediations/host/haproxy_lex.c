#include "remediations/host/haproxy_lex.h"

#include <string.h>

#include "remediations/host/haproxy_index.h"

enum { OUTPUT_FIRST = 4096 };

/* What all lines together may be copied: short lines with long variables take time out of nothing.
 */
#define COPIED_MAX ((size_t)256 * 1024 * 1024)

struct variable {
    struct variable *next; /* of all variables, for resetenv */
    const char *name;
    struct span value;
    bool set;
    bool uncertain;
    bool listed;
};

struct lex {
    struct arena *arena;
    struct index *variables;
    struct variable *all; /* at least those that are set */
    char *output;         /* values that differ from their raw bytes */
    size_t output_room;
    size_t output_len;
    size_t copied;
    char number[24]; /* .LINE as text */
};

/* The line being cut. */
struct cut {
    struct lex *lex;
    struct span line;
    const struct lex_position *position;
    size_t at;
    struct lex_words *words;
    size_t word;   /* index of the current word */
    size_t start;  /* raw offset of the current word */
    size_t output; /* where the current word's value begins in the output, once it is `copied` */
    bool copied;
    bool double_quoted;
    bool single_quoted;
};

/* ---- variables ---- */

static struct variable *variable_slot(struct lex *lex, struct span name)
{
    void **slot = index_slot(lex->variables, 'v', name);

    if (*slot == NULL) {
        struct variable *variable = arena_alloc(lex->arena, sizeof *variable);
        variable->name = arena_copy(lex->arena, name.ptr, name.len);
        *slot = variable;
    }
    return *slot;
}

struct lex *lex_new(struct arena *arena, const struct strings *environment)
{
    struct lex *lex = arena_alloc(arena, sizeof *lex);

    lex->arena = arena;
    lex->variables = index_new(arena);
    lex->output_room = OUTPUT_FIRST;
    lex->output = arena_alloc(arena, lex->output_room);
    for (size_t i = 0; environment != NULL && i < environment->count; i++) {
        struct span value = span_of(environment->at[i]);
        struct span name = span_cut(&value, '=');
        if (!lex_has_variable(lex, name)) /* getenv(3) finds the first of two */
            lex_set_variable(lex, name, value, false);
    }
    return lex;
}

void lex_set_variable(struct lex *lex, struct span name, struct span value, bool uncertain)
{
    struct variable *variable = variable_slot(lex, name);

    variable->value = (struct span){arena_copy(lex->arena, value.ptr, value.len), value.len};
    variable->set = true;
    variable->uncertain = uncertain;
    if (!variable->listed) {
        variable->listed = true;
        variable->next = lex->all;
        lex->all = variable;
    }
}

bool lex_has_variable(const struct lex *lex, struct span name)
{
    const struct variable *variable = index_get(lex->variables, 'v', name);

    return variable != NULL && variable->set;
}

void lex_unset_variable(struct lex *lex, struct span name, bool uncertain)
{
    struct variable *variable = variable_slot(lex, name);

    variable->set = false;
    variable->uncertain = uncertain;
}

void lex_keep_variables(struct lex *lex, const struct lex_word *names, size_t count, bool uncertain)
{
    for (struct variable **at = &lex->all; *at != NULL;) {
        struct variable *variable = *at;
        bool kept = false;
        for (size_t i = 0; i < count; i++)
            kept = kept || span_is(names[i].value, variable->name);
        if (kept) {
            at = &variable->next;
            continue;
        }
        variable->set = false;
        variable->uncertain = uncertain;
        variable->listed = false;
        *at = variable->next;
    }
}

/* ---- output ---- */

static int emit(struct cut *cut, struct span bytes, struct err *err)
{
    struct lex *lex = cut->lex;

    if (lex->output_len + bytes.len > LEX_LINE_MAX)
        return err_set(err, ERR_INPUT, "line of more than %zu bytes once variables are expanded",
                       LEX_LINE_MAX);
    lex->copied += bytes.len;
    if (lex->copied > COPIED_MAX)
        return err_set(err, ERR_INPUT, "variables make more than %zu bytes out of the lines so far",
                       COPIED_MAX);
    if (lex->output_len + bytes.len > lex->output_room) {
        size_t room = lex->output_room;
        while (room < lex->output_len + bytes.len)
            room *= 2;
        /* Values of words that are complete go on pointing into the old piece, which the arena
         * keeps. */
        char *grown = arena_alloc(lex->arena, room);
        memcpy(grown, lex->output, lex->output_len);
        lex->output = grown;
        lex->output_room = room;
    }
    if (bytes.len > 0)
        memcpy(lex->output + lex->output_len, bytes.ptr, bytes.len);
    lex->output_len += bytes.len;
    return 0;
}

/* From the first byte that is not itself on, the word's value is a copy. */
static int begin_copy(struct cut *cut, struct err *err)
{
    if (cut->copied)
        return 0;
    cut->copied = true;
    cut->output = cut->lex->output_len;
    return emit(cut, (struct span){cut->line.ptr + cut->start, cut->at - cut->start}, err);
}

static int emit_byte(struct cut *cut, char byte, struct err *err)
{
    return emit(cut, (struct span){&byte, 1}, err);
}

/* ---- words ---- */

static void end_word(struct cut *cut, size_t raw_end)
{
    struct lex_word *word = &cut->words->at[cut->word];
    struct span value = {cut->line.ptr + cut->start, raw_end - cut->start};

    if (cut->copied) {
        value = (struct span){cut->lex->output + cut->output, cut->lex->output_len - cut->output};
        value.len = strnlen(value.ptr, value.len);
    }
    word->value = value;
    word->offset = cut->start;
    word->len = raw_end - cut->start;
}

static int next_word(struct cut *cut, size_t start, struct err *err)
{
    if (++cut->word >= LEX_WORDS_MAX)
        return err_set(err, ERR_INPUT, "too many words, expected at most %d", LEX_WORDS_MAX);
    cut->words->at[cut->word].variable = false;
    cut->start = start;
    cut->copied = false;
    return 0;
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* The byte `ahead` of the current one; NUL behind the end, as HAProxy sees it. */
static char peek(const struct cut *cut, size_t ahead)
{
    if (cut->at + ahead >= cut->line.len)
        return '\0';
    return cut->line.ptr[cut->at + ahead];
}

static int cut_escape(struct cut *cut, struct err *err)
{
    char next = peek(cut, 1);
    char sent = '\\';
    size_t used = 1;

    if (begin_copy(cut, err) < 0)
        return -1;
    if (next == ' ' || next == '\\' || next == '#' || next == '\'' || next == '"' ||
        (next == '$' && cut->double_quoted)) {
        sent = next;
        used = 2;
    } else if (next == 't' || next == 'n' || next == 'r') {
        static const char names[] = "tnr", bytes[] = "\t\n\r";
        sent = bytes[strchr(names, next) - names];
        used = 2;
    } else if (next == 'x') {
        int high = hex_digit(peek(cut, 2)), low = hex_digit(peek(cut, 3));
        if (high < 0 || low < 0)
            return err_set(err, ERR_INPUT,
                           "bad hexadecimal sequence, expected \\x and two digits at column %zu",
                           cut->at + 1);
        sent = (char)(high * 16 + low);
        used = 4;
    }
    cut->at += used;
    return emit_byte(cut, sent, err);
}

static bool is_name_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static int variable_value(struct cut *cut, struct span name, bool *out_set, struct span *out_value,
                          struct err *err)
{
    struct lex *lex = cut->lex;

    *out_set = true;
    if (span_is(name, ".FILE")) {
        *out_value = span_of(cut->position->file);
    } else if (span_is(name, ".SECTION")) {
        *out_value = cut->position->section;
    } else if (span_is(name, ".LINE")) {
        size_t at = sizeof lex->number, line = cut->position->line;
        do {
            lex->number[--at] = (char)('0' + line % 10);
            line /= 10;
        } while (line > 0);
        *out_value = (struct span){lex->number + at, sizeof lex->number - at};
    } else if (name.ptr[0] == '.') {
        return err_set(err, ERR_INPUT,
                       "unknown pseudo variable '%.*s', expected .FILE, .LINE or "
                       ".SECTION",
                       (int)(name.len > 40 ? 40 : name.len), name.ptr);
    } else {
        const struct variable *variable = index_get(lex->variables, 'v', name);
        *out_set = variable != NULL && variable->set;
        *out_value = *out_set ? variable->value : (struct span){0};
        if (variable != NULL && variable->uncertain)
            cut->words->uncertain = true;
    }
    return 0;
}

static int expand(struct cut *cut, struct span value, bool split, size_t raw_start, struct err *err)
{
    if (!split)
        return emit(cut, value, err);
    for (size_t i = 0; i < value.len; i++) {
        if (!lex_is_blank(value.ptr[i])) {
            if (emit_byte(cut, value.ptr[i], err) < 0)
                return -1;
            continue;
        }
        end_word(cut, cut->at);
        if (next_word(cut, raw_start, err) < 0)
            return -1;
        cut->words->at[cut->word].variable = true;
        cut->copied = true;
        cut->output = cut->lex->output_len;
        while (i + 1 < value.len && lex_is_blank(value.ptr[i + 1]))
            i++;
    }
    return 0;
}

/* $NAME, ${NAME}, ${NAME[*]}, ${NAME-default} inside double quotes. */
static int cut_variable(struct cut *cut, struct err *err)
{
    size_t raw_start = cut->start;
    size_t column = cut->at + 1;
    bool brace = false, split = false, set = false;
    struct span value = {0};

    if (begin_copy(cut, err) < 0)
        return -1;
    cut->words->at[cut->word].variable = true;
    cut->at++;
    if (peek(cut, 0) == '{') {
        brace = true;
        cut->at++;
    }
    struct span name = {cut->line.ptr + cut->at, 0};
    if (peek(cut, 0) == '.')
        name.len++;
    else if (!is_name_byte(peek(cut, 0)) || (peek(cut, 0) >= '0' && peek(cut, 0) <= '9'))
        return err_set(err, ERR_INPUT,
                       "bad first character of a variable's name, expected a letter or '_' at "
                       "column %zu",
                       cut->at + 1);
    while (is_name_byte(peek(cut, name.len)))
        name.len++;
    if (variable_value(cut, name, &set, &value, err) < 0)
        return -1;
    cut->at += name.len;
    if (brace && peek(cut, 0) == '[') {
        if (peek(cut, 1) != '*' || peek(cut, 2) != ']')
            return err_set(err, ERR_INPUT, "bad word expansion, expected '[*]' at column %zu",
                           cut->at + 1);
        split = true;
        cut->at += 3;
    }
    if (brace) {
        struct span fallback = {cut->line.ptr + cut->at, 0};
        if (peek(cut, 0) == '-') {
            cut->at++;
            fallback.ptr++;
            while (cut->at < cut->line.len && peek(cut, 0) != '}') {
                cut->at++;
                fallback.len++;
            }
        }
        if (peek(cut, 0) != '}')
            return err_set(err, ERR_INPUT, "open brace of a variable, expected '}' for column %zu",
                           column);
        cut->at++;
        if (!set)
            value = fallback;
    }
    return expand(cut, value, split, raw_start, err);
}

static int cut_quote(struct cut *cut, bool *quoted, struct err *err)
{
    if (begin_copy(cut, err) < 0)
        return -1;
    *quoted = !*quoted;
    cut->at++;
    return 0;
}

static int cut_blanks(struct cut *cut, struct err *err)
{
    end_word(cut, cut->at);
    while (cut->at < cut->line.len && lex_is_blank(cut->line.ptr[cut->at]))
        cut->at++;
    return next_word(cut, cut->at, err);
}

/* Bytes that mean nothing but themselves, in one go. */
static int cut_plain(struct cut *cut, struct err *err)
{
    const char *from = cut->line.ptr + cut->at, *end = cut->line.ptr + cut->line.len;
    const char *at = from + 1;

    while (at < end && *at >= '-' && *at != '\\')
        at++;
    cut->at += (size_t)(at - from);
    if (!cut->copied)
        return 0;
    return emit(cut, (struct span){from, (size_t)(at - from)}, err);
}

static int cut_all(struct cut *cut, struct err *err)
{
    while (cut->at < cut->line.len) {
        char byte = cut->line.ptr[cut->at];
        bool quoted = cut->double_quoted || cut->single_quoted;
        int done;

        if (byte >= '-' && byte != '\\') {
            if (cut_plain(cut, err) < 0)
                return -1;
            continue;
        }
        if (byte == '\r' || (byte == '#' && !quoted))
            break;
        if (byte == '"' && !cut->single_quoted)
            done = cut_quote(cut, &cut->double_quoted, err);
        else if (byte == '\'' && !cut->double_quoted)
            done = cut_quote(cut, &cut->single_quoted, err);
        else if (byte == '\\' && !cut->single_quoted)
            done = cut_escape(cut, err);
        else if (lex_is_blank(byte) && !quoted)
            done = cut_blanks(cut, err);
        else if (byte == '$' && cut->double_quoted)
            done = cut_variable(cut, err);
        else
            done = cut_plain(cut, err);
        if (done < 0)
            return -1;
    }
    if (cut->double_quoted || cut->single_quoted)
        return err_set(err, ERR_INPUT, "open quote, expected a closing %s",
                       cut->double_quoted ? "double quote" : "single quote");
    end_word(cut, cut->at);
    return 0;
}

int lex_line(struct lex *lex, struct span line, const struct lex_position *position,
             struct lex_words *out_words, struct err *err)
{
    struct cut cut = {.lex = lex, .line = line, .position = position, .words = out_words};

    lex->output_len = 0;
    out_words->count = 0;
    out_words->uncertain = false;
    out_words->at[0].variable = false;
    while (cut.at < line.len && lex_is_blank(line.ptr[cut.at]))
        cut.at++;
    cut.start = cut.at;
    if (cut_all(&cut, err) < 0)
        return -1;
    /* HAProxy's keywords stop at the first empty word, and a line that begins with one says
     * nothing. */
    size_t count = 0;
    while (count <= cut.word && out_words->at[count].value.len > 0)
        count++;
    out_words->count = count;
    out_words->all = cut.word + 1;
    return 0;
}
