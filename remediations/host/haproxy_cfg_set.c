#include <inttypes.h>
#include <string.h>

#include "remediations/host/haproxy_cfg_parse.h"

static struct span line_of(const struct cfg_place *token, size_t *out_offset)
{
    struct span bytes = token->file->bytes;
    const char *before = token->offset > 0 ? memrchr(bytes.ptr, '\n', token->offset) : NULL;
    size_t from = before == NULL ? 0 : (size_t)(before - bytes.ptr) + 1;
    const char *feed = memchr(bytes.ptr + token->offset, '\n', bytes.len - token->offset);
    size_t to = feed == NULL ? bytes.len : (size_t)(feed - bytes.ptr);

    *out_offset = from;
    return (struct span){bytes.ptr + from, to - from};
}

/* Takes `maxconn N` out of a line that says more, with the blanks before it; a line that says
 * nothing else goes. */
static int remove_words(const struct cfg *cfg, const struct cfg_place *token, struct arena *arena,
                        struct cfg_edit *out_edit, struct err *err)
{
    size_t offset = 0, at = 0;
    struct span line = line_of(token, &offset);
    struct lex_position position = {token->file->path, token->line, {"", 0}};
    struct lex_words words;

    if (lex_line(lex_new(arena, cfg->environment), line, &position, &words, err) < 0)
        return err_wrap(err, "%s:%zu", token->file->path, token->line);
    while (at < words.all && offset + words.at[at].offset != token->offset)
        at++;
    if (at == 0 || at == words.all)
        return err_set(err, ERR_BUG, "%s:%zu: maxconn is not where it was", token->file->path,
                       token->line);
    struct cfg_place whole = {token->file,        token->line, (uint32_t)offset,
                              (uint32_t)line.len, false,       false};
    size_t end = token->offset + token->len;
    /* "maxconn N" and "default-server maxconn N" */
    bool alone =
        at == 1 || (at == 2 && span_is(words.at[0].value, "default-server") && words.count == 3);
    if (alone) {
        *out_edit = cfg_edit_remove_line(&whole, end);
        return 0;
    }
    size_t from = offset + words.at[at - 2].offset + words.at[at - 2].len;
    *out_edit = (struct cfg_edit){token->file, from, end - from, {"", 0}};
    return 0;
}

static int make_edit(const struct cfg *cfg, const struct cfg_site *site, const char *value,
                     struct arena *arena, struct cfg_edit *out_edit, struct err *err)
{
    const struct cfg_place *token = &site->slot.token;
    const char *words = arena_printf(arena, "maxconn %s", value);

    if (value[0] == '\0') {
        if (site->form != SITE_TOKEN)
            return err_set(err, ERR_INPUT, "there is no maxconn of its own to remove");
        return remove_words(cfg, token, arena, out_edit, err);
    }
    switch (site->form) {
    case SITE_TOKEN:
        *out_edit = (struct cfg_edit){token->file, token->offset, token->len, span_of(value)};
        break;
    case SITE_WORDS:
        *out_edit = (struct cfg_edit){site->slot.file, site->words_end, 0,
                                      span_of(arena_printf(arena, " %s", words))};
        break;
    case SITE_LINE:
        if (site->target.kind == TARGET_DEFAULT_SERVER)
            words = arena_printf(arena, "default-server %s", words);
        *out_edit = cfg_edit_add_line(cfg, &site->header, &site->before, words, arena);
        break;
    case SITE_SECTION:
        *out_edit = cfg_edit_add_global(cfg, words, arena);
        break;
    }
    return 0;
}

/* Only the target's own servers are looked at. */
static const char *kept_servers(const struct cfg_target *target)
{
    bool wanted = target->kind == TARGET_SERVER || target->kind == TARGET_DEFAULT_SERVER;

    return wanted ? target->proxy : KEEP_NO_SERVERS;
}

/* Reads the result as HAProxy will. */
static int verify(const struct cfg *cfg, const struct cfg_file *file, const char *target,
                  const char *only, const char *value, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct cfg *changed = NULL;
    struct cfg_slot slot;

    if (cfg_parse_with(cfg, file, only, arena, &changed, err) < 0 ||
        cfg_find_maxconn(changed, NULL, target, arena, &slot, err) < 0)
        return err_wrap(err, "the changed configuration cannot be read");
    if (value[0] != '\0' && (slot.value == NULL || strcmp(slot.value, value) != 0))
        return err_set(err, ERR_INPUT, "the new maxconn %s of '%s' would not take effect: %s%s%s",
                       value, target, slot.value == NULL ? "none" : slot.value,
                       slot.inherited_from == NULL ? "" : " from ",
                       slot.inherited_from == NULL ? "" : slot.inherited_from);
    return 0;
}

int cfg_set_maxconn(const struct cfg *cfg, const struct haproxy *haproxy, const char *target,
                    const char *value, struct arena *arena, struct cfg_file *out_file,
                    struct strings *out_diff, struct err *err)
{
    struct cfg_site site;
    struct cfg_edit edit;
    struct cfg_file file;
    struct strings diff;
    uint64_t number = 0;

    if (value[0] != '\0' && span_to_u64(span_of(value), "maxconn", 1, INT32_MAX, &number, err) < 0)
        return -1;
    if (cfg_site_find(cfg, haproxy, target, arena, &site, err) < 0)
        return -1;
    if (value[0] != '\0' && site.minconn != NULL && site.minconn->value > number)
        return err_set(
            err, ERR_INPUT,
            "%s:%zu: minconn %" PRIu64 " is higher than maxconn %s, and HAProxy would take it",
            site.minconn->place.file->path, site.minconn->place.line, site.minconn->value, value);
    if (make_edit(cfg, &site, value, arena, &edit, err) < 0)
        return -1;
    cfg_edit_apply(&edit, arena, &file, &diff);
    if (verify(cfg, &file, target, kept_servers(&site.target), value, err) < 0)
        return -1;
    *out_file = file;
    *out_diff = diff;
    return 0;
}

/* ---- stats socket ---- */

static const struct cfg_stats_socket *find_socket(const struct cfg *cfg, const char *path)
{
    for (size_t i = 0; i < cfg->global.stats_socket_count; i++) {
        const struct cfg_stats_socket *socket = &cfg->global.stats_sockets[i];
        if (socket->path != NULL && strcmp(socket->path, path) == 0)
            return socket;
    }
    return NULL;
}

static int remove_socket(const struct cfg *cfg, const char *path, struct arena *arena,
                         struct cfg_edit *out_edit, struct err *err)
{
    const struct cfg_stats_socket *socket = find_socket(cfg, path);

    if (socket == NULL)
        return err_set(err, ERR_INPUT, "there is no stats socket '%s' in the configuration", path);
    const struct cfg_place *line = &socket->line_place;
    if (line->conditional)
        return err_set(
            err, ERR_INPUT,
            "%s:%zu: this stats socket stands inside or behind a conditional block (.if)",
            line->file->path, line->line);
    struct lex_position position = {line->file->path, line->line, {"", 0}};
    struct lex_words words;
    if (lex_line(lex_new(arena, cfg->environment),
                 (struct span){line->file->bytes.ptr + line->offset, line->len}, &position, &words,
                 err) < 0)
        return err_wrap(err, "%s:%zu", line->file->path, line->line);
    size_t end = line->offset;
    for (size_t i = 0; i < words.all; i++)
        if (words.at[i].len > 0)
            end = line->offset + words.at[i].offset + words.at[i].len;
    *out_edit = cfg_edit_remove_line(line, end);
    return 0;
}

static int add_socket(const struct cfg *cfg, const char *path, struct arena *arena,
                      struct cfg_edit *out_edit, struct err *err)
{
    const struct cfg_stats_socket *present = find_socket(cfg, path);
    const struct cfg_place *header = &cfg->global.header;
    const char *line = arena_printf(arena, "stats socket %s mode 600 level admin", path);

    if (present != NULL)
        return err_set(err, ERR_INPUT, "%s:%zu: there is a stats socket '%s' already",
                       present->file->path, present->line, path);
    if (cfg->global.present && header->conditional)
        return err_set(err, ERR_INPUT,
                       "%s:%zu: the global section stands inside a conditional block (.if)",
                       header->file->path, header->line);
    if (cfg->file_count == 0)
        return err_set(err, ERR_INPUT, "there is no configuration file");
    *out_edit = cfg->global.present ? cfg_edit_add_line(cfg, header, NULL, line, arena)
                                    : cfg_edit_add_global(cfg, line, arena);
    return 0;
}

int cfg_set_stats_socket(const struct cfg *cfg, const char *path, const char *remove_path,
                         struct arena *arena, struct cfg_file *out_file, struct strings *out_diff,
                         struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct cfg *changed = NULL;
    struct cfg_edit edit;
    struct cfg_file file;
    struct strings diff;
    bool removing = path[0] == '\0';

    if ((removing ? remove_socket(cfg, remove_path, arena, &edit, err)
                  : add_socket(cfg, path, arena, &edit, err)) < 0)
        return -1;
    cfg_edit_apply(&edit, arena, &file, &diff);
    if (cfg_parse_with(cfg, &file, KEEP_NO_SERVERS, scratch, &changed, err) < 0)
        return err_wrap(err, "the changed configuration cannot be read");
    if ((find_socket(changed, removing ? remove_path : path) != NULL) == removing)
        return err_set(err, ERR_INPUT, "the change of stats socket '%s' would not take effect",
                       removing ? remove_path : path);
    *out_file = file;
    *out_diff = diff;
    return 0;
}
