/* Environment files and command lines: the part of host/unit_text that knows variables. */
#include <string.h>

#include "plans/base/text.h"
#include "remediations/host/unit_text.h"

static const char *find_variable(const struct strings *environment, struct span name)
{
    for (size_t i = 0; i < environment->count; i++) {
        const char *setting = environment->at[i];
        if (strncmp(setting, name.ptr, name.len) == 0 && setting[name.len] == '=')
            return setting + name.len + 1;
    }
    return NULL;
}

static size_t name_length(struct span span)
{
    size_t len = 0;

    while (len < span.len &&
           ((span.ptr[len] >= 'A' && span.ptr[len] <= 'Z') ||
            (span.ptr[len] >= 'a' && span.ptr[len] <= 'z') || span.ptr[len] == '_' ||
            (len > 0 && span.ptr[len] >= '0' && span.ptr[len] <= '9')))
        len++;
    return len;
}

void unit_text_set_variable(struct unit_variables *variables, struct arena *arena,
                            const char *setting)
{
    struct span name = {setting, name_length(span_of(setting))};

    if (name.len == 0 || setting[name.len] != '=')
        return;
    void **slot = index_slot(variables->names, 'v', name);
    const size_t *place = *slot;
    if (place != NULL) {
        variables->list.at[*place] = arena_string(arena, setting);
        return;
    }
    size_t *new_place = arena_alloc(arena, sizeof *new_place);
    *new_place = variables->list.count;
    *slot = new_place;
    strings_add(&variables->list, arena, setting);
}

static char take(struct span *rest)
{
    char byte = rest->ptr[0];

    rest->ptr++;
    rest->len--;
    return byte;
}

static bool at_end_of_line(struct span rest)
{
    return rest.len == 0 || rest.ptr[0] == '\n' || rest.ptr[0] == '\r';
}

static void skip_line(struct span *rest)
{
    while (!at_end_of_line(*rest))
        (void)take(rest);
}

static void read_quoted(struct span *rest, char quote, struct text *value)
{
    while (rest->len > 0) {
        char byte = take(rest);
        if (byte == quote)
            return;
        if (byte == '\\' && quote == '"' && rest->len > 0) {
            char escaped = take(rest);
            if (escaped == '\n')
                continue;
            if (escaped == '\0' || strchr("\"\\`$", escaped) == NULL)
                text_add(value, "\\");
            byte = escaped;
        }
        if (byte != '\0')
            text_add_span(value, (struct span){&byte, 1});
    }
}

/* An unquoted stretch; blanks at its end are dropped by the caller's trim. */
static void read_value(struct span *rest, struct text *value)
{
    size_t keep = value->len;

    while (!at_end_of_line(*rest)) {
        char byte = rest->ptr[0];
        bool blank = byte == ' ' || byte == '\t';
        if (value->len == keep && blank) {
            (void)take(rest);
            continue;
        }
        if (value->len == keep && (byte == '"' || byte == '\'')) {
            (void)take(rest);
            read_quoted(rest, byte, value);
            keep = value->len;
            continue;
        }
        (void)take(rest);
        if (byte == '\\' && rest->len > 0) {
            byte = take(rest);
            if (byte == '\n')
                continue;
        }
        if (byte != '\0')
            text_add_span(value, (struct span){&byte, 1});
    }
    while (value->len > keep && strchr(" \t", value->ptr[value->len - 1]) != NULL)
        value->len--;
}

void unit_text_environment_file(struct span rest, struct arena *arena,
                                struct unit_variables *variables)
{
    while (rest.len > 0) {
        struct text setting = text_new(arena);
        if (strchr(" \t\r\n", rest.ptr[0]) != NULL) {
            (void)take(&rest);
            continue;
        }
        if (rest.ptr[0] == '#' || rest.ptr[0] == ';') {
            skip_line(&rest);
            continue;
        }
        struct span key = {rest.ptr, 0};
        while (!at_end_of_line(rest) && rest.ptr[0] != '=') {
            (void)take(&rest);
            key.len++;
        }
        if (at_end_of_line(rest))
            continue;
        (void)take(&rest);
        text_add_span(&setting, span_trim(key));
        text_add(&setting, "=");
        read_value(&rest, &setting);
        unit_text_set_variable(variables, arena, text_string(&setting));
    }
}

/* ${NAME} inside a word; $$ is one dollar. */
static const char *expand_word(const char *word, const struct strings *environment,
                               struct arena *arena)
{
    struct text out = text_new(arena);
    struct span rest = span_of(word);

    while (rest.len > 0) {
        char byte = take(&rest);
        if (byte != '$' || rest.len == 0) {
            text_add_span(&out, (struct span){&byte, 1});
        } else if (rest.ptr[0] == '$') {
            text_add_span(&out, (struct span){&byte, 1});
            (void)take(&rest);
        } else {
            /* $NAME within a word stays as it is. */
            struct span name = {rest.ptr + 1, rest.len - 1};
            name.len = rest.ptr[0] == '{' ? name_length(name) : 0;
            if (name.len == 0 || name.len + 1 >= rest.len || rest.ptr[name.len + 1] != '}') {
                text_add(&out, "$");
                continue;
            }
            const char *value = find_variable(environment, name);
            text_add(&out, value == NULL ? "" : value);
            rest.ptr += name.len + 2;
            rest.len -= name.len + 2;
        }
    }
    return text_string(&out);
}

static void expand(const struct strings *words, const struct strings *environment,
                   struct arena *arena, struct strings *out_words)
{
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->at[i];
        struct span name = {word + 1, word[0] == '$' ? strlen(word + 1) : 0};
        /* $NAME alone becomes as many words as its value has. */
        if (name.len > 0 && name_length(name) == name.len) {
            const char *value = find_variable(environment, name);
            if (value != NULL)
                unit_text_words(span_of(value), arena, out_words);
            continue;
        }
        strings_add(out_words, arena, expand_word(word, environment, arena));
    }
}

/* %% is one percent sign; other specifiers stay as they are. */
static const char *single_percents(const char *word, struct arena *arena)
{
    struct text out = text_new(arena);

    for (; *word != '\0'; word++) {
        text_add_span(&out, (struct span){word, 1});
        if (word[0] == '%' && word[1] == '%')
            word++;
    }
    return text_string(&out);
}

void unit_text_command(struct span value, const struct strings *environment, struct arena *arena,
                       struct strings *out_words)
{
    struct strings words = {0};
    bool own_name = false, literal = false;

    while (value.len > 0 && value.ptr[0] != '\0' && strchr("-@:+!", value.ptr[0]) != NULL) {
        own_name = own_name || value.ptr[0] == '@';
        literal = literal || value.ptr[0] == ':';
        value.ptr++;
        value.len--;
    }
    unit_text_words(value, arena, &words);
    for (size_t i = 0; i < words.count; i++)
        words.at[i] = single_percents(words.at[i], arena);
    if (own_name && words.count > 1) {
        /* "@PROGRAM NAME ARGUMENT...": the name is only what the program is told. */
        memmove(&words.at[1], &words.at[2], (words.count - 2) * sizeof *words.at);
        words.count--;
    }
    if (literal)
        *out_words = words;
    else
        expand(&words, environment, arena, out_words);
}
