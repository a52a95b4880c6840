#include <string.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"
#include "remediations/host/haproxy_cfg_parse.h"

enum { CONTEXT_LINES = 2, DIFF_LINE_MAX = 1000 };

/* ---- lines of a file ---- */

static size_t line_start(struct span bytes, size_t offset)
{
    const char *feed = offset > 0 ? memrchr(bytes.ptr, '\n', offset) : NULL;

    return feed == NULL ? 0 : (size_t)(feed - bytes.ptr) + 1;
}

/* Behind its line feed. */
static size_t line_end(struct span bytes, size_t offset)
{
    const char *feed =
        offset < bytes.len ? memchr(bytes.ptr + offset, '\n', bytes.len - offset) : NULL;

    return feed == NULL ? bytes.len : (size_t)(feed - bytes.ptr) + 1;
}

static struct span blanks_of(struct span line)
{
    size_t len = 0;

    while (len < line.len && (line.ptr[len] == ' ' || line.ptr[len] == '\t'))
        len++;
    return (struct span){line.ptr, len};
}

static bool is_blank_or_comment(struct span line)
{
    struct span text = span_trim(line);

    return text.len == 0 || text.ptr[0] == '#';
}

/* ---- where a person would put a new line ---- */

/* What proxies are begun with; behind these a maxconn is at home. */
static bool is_leading_keyword(struct span keyword)
{
    static const char *const leading[] = {"mode",    "bind",     "log", "option",
                                          "no",      "default",  "id",  "description",
                                          "enabled", "disabled", "guid"};

    for (size_t i = 0; i < sizeof leading / sizeof leading[0]; i++)
        if (span_is(keyword, leading[i]))
            return true;
    return false;
}

struct spot {
    size_t offset;
    struct span indentation; /* len 0: none was seen */
};

/* The first word of a line; empty where it says nothing. */
static struct span keyword_of(struct lex *lex, struct span line)
{
    struct lex_position position = {"", 0, {"", 0}};
    struct lex_words words;
    struct err ignored;

    if (is_blank_or_comment(line) || lex_line(lex, line, &position, &words, &ignored) < 0 ||
        words.count == 0)
        return (struct span){"", 0};
    return words.at[0].value;
}

/* Behind the leading block of settings: of global its first block, of proxies what they are begun
 * with. */
static struct spot find_spot(const struct cfg *cfg, const struct cfg_place *header,
                             struct arena *arena)
{
    struct span bytes = header->file->bytes;
    struct lex *lex = lex_new(arena, cfg->environment);
    bool any =
        header->offset == cfg->global.header.offset && header->file == cfg->global.header.file;
    struct spot spot = {line_end(bytes, header->offset), {"", 0}};
    bool begun = false;

    for (size_t at = spot.offset, end; at < bytes.len; at = end) {
        end = line_end(bytes, at);
        struct span line = {bytes.ptr + at, end - at - (bytes.ptr[end - 1] == '\n')};
        struct span keyword = keyword_of(lex, line);
        if (keyword.len == 0 && !begun)
            continue; /* a comment under the header */
        if (keyword.len == 0 || keyword.ptr[0] == '.' || parse_is_section(keyword))
            break;
        if (spot.indentation.len == 0)
            spot.indentation = blanks_of(line);
        if (!any && !is_leading_keyword(keyword))
            break;
        begun = true;
        spot.offset = end;
    }
    return spot;
}

/* The first indentation of the file that is one; four blanks where there is none. */
static struct span usual_indentation(struct span bytes)
{
    struct span rest = bytes, line;

    while (span_next_line(&rest, &line)) {
        struct span blanks = blanks_of(line);
        if (blanks.len > 0 && !is_blank_or_comment(line))
            return blanks;
    }
    return span_of("    ");
}

static const char *feed_of(struct span bytes, size_t offset)
{
    size_t end = line_end(bytes, offset);

    return end >= 2 && bytes.ptr[end - 1] == '\n' && bytes.ptr[end - 2] == '\r' ? "\r\n" : "\n";
}

struct cfg_edit cfg_edit_add_line(const struct cfg *cfg, const struct cfg_place *header,
                                  const struct cfg_place *before, const char *line,
                                  struct arena *arena)
{
    struct span bytes = header->file->bytes;
    struct spot spot = {0, {"", 0}};

    if (before != NULL && before->len > 0) {
        spot.offset = before->offset;
        spot.indentation = blanks_of((struct span){bytes.ptr + before->offset, before->len});
    } else {
        spot = find_spot(cfg, header, arena);
        if (spot.indentation.len == 0)
            spot.indentation = usual_indentation(bytes);
    }
    struct text text = text_new(arena);
    text_add_span(&text, spot.indentation);
    text_add(&text, line);
    text_add(&text, feed_of(bytes, header->offset));
    return (struct cfg_edit){header->file, spot.offset, 0, text_span(&text)};
}

/* Above the first section and the comment that belongs to it, but below the comment at the top of
 * the file. */
static size_t above_first_section(struct span bytes)
{
    size_t first = 0, block = 0;

    for (size_t end; first < bytes.len; first = end) {
        end = line_end(bytes, first);
        struct span line = {bytes.ptr + first, end - first};
        if (!is_blank_or_comment(line))
            break;
        if (span_trim(line).len == 0)
            block = end;
    }
    return block > 0 ? block : first;
}

struct cfg_edit cfg_edit_add_global(const struct cfg *cfg, const char *line, struct arena *arena)
{
    const struct cfg_file *file = &cfg->files[0];
    const char *feed = feed_of(file->bytes, 0);
    struct text text = text_new(arena);

    text_addf(&text, "global%s", feed);
    text_add_span(&text, usual_indentation(file->bytes));
    text_addf(&text, "%s%s%s", line, feed, feed);
    return (struct cfg_edit){file, above_first_section(file->bytes), 0, text_span(&text)};
}

struct cfg_edit cfg_edit_remove_line(const struct cfg_place *line, size_t end)
{
    struct span bytes = line->file->bytes;
    size_t stop = line->offset + line->len;
    struct span behind = span_trim((struct span){bytes.ptr + end, stop - end});

    if (behind.len == 0)
        return (struct cfg_edit){
            line->file, line->offset, line_end(bytes, line->offset) - line->offset, {"", 0}};
    size_t from = line->offset + blanks_of((struct span){bytes.ptr + line->offset, line->len}).len;
    while (end < stop && (bytes.ptr[end] == ' ' || bytes.ptr[end] == '\t'))
        end++;
    return (struct cfg_edit){line->file, from, end - from, {"", 0}};
}

/* ---- applying ---- */

static void add_lines(struct strings *diff, const char *sign, struct span bytes, size_t from,
                      size_t to, struct arena *arena)
{
    struct span rest = {bytes.ptr + from, to - from}, line;

    while (span_next_line(&rest, &line))
        strings_addf(diff, arena, "%s%s", sign, escape_span(arena, line, DIFF_LINE_MAX));
}

void cfg_edit_apply(const struct cfg_edit *edit, struct arena *arena, struct cfg_file *out_file,
                    struct strings *out_diff)
{
    struct span old = edit->file->bytes;
    struct span new = {NULL, old.len - edit->len + edit->text.len};
    char *bytes = arena_alloc(arena, new.len + 1);

    memcpy(bytes, old.ptr, edit->offset);
    memcpy(bytes + edit->offset, edit->text.ptr, edit->text.len);
    memcpy(bytes + edit->offset + edit->text.len, old.ptr + edit->offset + edit->len,
           old.len - edit->offset - edit->len);
    new.ptr = bytes;

    /* Whole lines that come or go leave the line behind them alone; anything else changes the line
     * it is in. */
    size_t from = line_start(old, edit->offset);
    bool whole = from == edit->offset &&
                 (edit->text.len == 0 || edit->text.ptr[edit->text.len - 1] == '\n') &&
                 (edit->len == 0 || old.ptr[edit->offset + edit->len - 1] == '\n');
    size_t old_end = edit->offset + edit->len;
    size_t new_end = edit->offset + edit->text.len;
    if (!whole) {
        old_end = line_end(old, old_end);
        new_end = line_end(new, new_end);
    }
    size_t above = from, below = old_end;
    for (int i = 0; i < CONTEXT_LINES; i++) {
        above = above > 0 ? line_start(old, above - 1) : 0;
        below = line_end(old, below);
    }
    struct strings diff = {0};
    add_lines(&diff, " ", old, above, from, arena);
    add_lines(&diff, "-", old, from, old_end, arena);
    add_lines(&diff, "+", new, from, new_end, arena);
    add_lines(&diff, " ", old, old_end, below, arena);
    *out_diff = diff;
    *out_file = (struct cfg_file){edit->file->path, new};
}

int cfg_parse_with(const struct cfg *cfg, const struct cfg_file *file, const char *only,
                   struct arena *arena, struct cfg **out_cfg, struct err *err)
{
    struct cfg_file *files = arena_alloc(arena, (cfg->file_count + 1) * sizeof *files);

    for (size_t i = 0; i < cfg->file_count; i++)
        files[i] = strcmp(cfg->files[i].path, file->path) == 0 ? *file : cfg->files[i];
    return cfg_parse_only(files, cfg->file_count, cfg->environment, only, arena, out_cfg, err);
}
