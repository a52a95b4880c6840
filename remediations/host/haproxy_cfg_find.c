#include <inttypes.h>
#include <string.h>

#include "remediations/host/haproxy_cfg_parse.h"

/* ---- targets ---- */

/* As HAProxy's invalid_char(): letters, digits and these. */
static bool is_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";

    return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

static bool take(const char **target, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strncmp(*target, prefix, len) != 0)
        return false;
    *target += len;
    return true;
}

static bool split_server(const char *names, struct arena *arena, struct cfg_target *target)
{
    const char *slash = strchr(names, '/');

    if (slash == NULL)
        return false;
    target->proxy = arena_copy(arena, names, (size_t)(slash - names));
    target->server = slash + 1;
    return is_name(target->proxy) && is_name(target->server);
}

int cfg_target_parse(const char *target, struct arena *arena, struct cfg_target *out_target,
                     struct err *err)
{
    struct cfg_target parsed = {.kind = TARGET_PROXY, .section = CFG_OTHER, .proxy = ""};
    const char *rest = arena_string(arena, target);
    bool good;

    if (strcmp(target, "global") == 0) {
        parsed.kind = TARGET_GLOBAL;
        good = true;
    } else if (strcmp(target, "defaults") == 0) {
        parsed.section = CFG_DEFAULTS;
        good = true;
    } else if (take(&rest, "server/")) {
        parsed.kind = TARGET_SERVER;
        good = split_server(rest, arena, &parsed);
    } else if (take(&rest, "default-server/")) {
        parsed.kind = TARGET_DEFAULT_SERVER;
        parsed.proxy = rest;
        good = is_name(rest);
    } else {
        parsed.section = take(&rest, "defaults/")   ? CFG_DEFAULTS
                         : take(&rest, "frontend/") ? CFG_FRONTEND
                         : take(&rest, "listen/")   ? CFG_LISTEN
                                                    : CFG_OTHER;
        parsed.proxy = rest;
        good = parsed.section != CFG_OTHER && is_name(rest);
    }
    if (!good)
        return err_set(err, ERR_INPUT,
                       "bad target '%s', expected global, defaults, defaults/NAME, frontend/NAME, "
                       "listen/NAME, server/BACKEND/NAME or default-server/BACKEND",
                       target);
    *out_target = parsed;
    return 0;
}

/* ---- places ---- */

static int refuse_conditional(const struct cfg_place *place, const char *what, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "%s:%zu: %s stands inside or behind a conditional block (.if), so that it is "
                   "not known whether it counts",
                   place->file->path, place->line, what);
}

static int check_token(const struct cfg_place *place, struct err *err)
{
    if (place->conditional)
        return refuse_conditional(place, "this maxconn", err);
    if (place->from_variable)
        return err_set(err, ERR_INPUT,
                       "%s:%zu: this maxconn comes from an environment variable: change it there",
                       place->file->path, place->line);
    return 0;
}

static bool is_before(const struct cfg_place *a, const struct cfg_place *b)
{
    return a->file == b->file ? a->line < b->line : a->file < b->file;
}

static const char *decimal(struct arena *arena, uint64_t value)
{
    return arena_printf(arena, "%" PRIu64, value);
}

static void take_token(struct cfg_site *site, const struct cfg_number *number, struct arena *arena)
{
    site->form = SITE_TOKEN;
    site->slot.token = number->place;
    site->slot.file = number->place.file;
    site->slot.value = number->value > 0 ? decimal(arena, number->value) : NULL;
}

/* ---- one kind of target each ---- */

static int find_global(const struct cfg *cfg, const struct haproxy *haproxy, struct arena *arena,
                       struct cfg_site *site, struct err *err)
{
    const struct cfg_number *winner = &cfg->global.maxconn;
    const struct cfg_place *unsure = &cfg->global.unsure_maxconn;

    if (haproxy != NULL && haproxy->argument_maxconn > 0)
        site->slot.overridden_by = arena_printf(arena, "-n %" PRIu64 " on HAProxy's command line",
                                                haproxy->argument_maxconn);
    if (unsure->len > 0 && (!winner->set || is_before(unsure, &winner->place)))
        return refuse_conditional(unsure, "this maxconn", err);
    if (winner->set || cfg->global.zero_maxconn.len > 0) {
        struct cfg_number zero = {.set = true, .place = cfg->global.zero_maxconn};
        take_token(site, winner->set ? winner : &zero, arena);
        return check_token(&site->slot.token, err);
    }
    if (!cfg->global.present) {
        if (cfg->file_count == 0)
            return err_set(err, ERR_INPUT, "there is no configuration file");
        site->form = SITE_SECTION;
        site->slot.file = &cfg->files[0];
        return 0;
    }
    if (cfg->global.header.conditional)
        return refuse_conditional(&cfg->global.header, "the global section", err);
    site->form = SITE_LINE;
    site->header = cfg->global.header;
    site->slot.file = cfg->global.header.file;
    return 0;
}

static const char *kind_word(enum cfg_kind kind)
{
    switch (kind) {
    case CFG_GLOBAL:
        return "global";
    case CFG_DEFAULTS:
        return "defaults";
    case CFG_FRONTEND:
        return "frontend";
    case CFG_BACKEND:
        return "backend";
    case CFG_LISTEN:
        return "listen";
    case CFG_OTHER:
        break;
    }
    return "section";
}

static int check_proxy(const struct cfg_proxy *proxy, struct err *err)
{
    if (proxy->twin != NULL)
        return err_set(err, ERR_INPUT,
                       "there are two sections '%s %s': %s:%zu and %s:%zu, expected one",
                       kind_word(proxy->kind), proxy->name, proxy->file->path, proxy->line,
                       proxy->twin->file->path, proxy->twin->line);
    if (proxy->conditional)
        return refuse_conditional(&proxy->header, "this section", err);
    return 0;
}

static int find_proxy(const struct cfg *cfg, struct arena *arena, struct cfg_site *site,
                      struct err *err)
{
    const struct cfg_target *target = &site->target;
    const struct cfg_proxy *proxy = cfg_find_proxy(cfg, target->section, target->proxy);

    if (proxy == NULL)
        return err_set(err, ERR_INPUT, "there is no section '%s%s%s' in the configuration",
                       kind_word(target->section), target->proxy[0] == '\0' ? "" : " ",
                       target->proxy);
    if (check_proxy(proxy, err) < 0)
        return -1;
    const struct cfg_place *unsure = &proxy->unsure_maxconn;
    if (unsure->len > 0 && (!proxy->maxconn.set || is_before(&proxy->maxconn.place, unsure)))
        return refuse_conditional(unsure, "this maxconn", err);
    if (proxy->maxconn.set) {
        take_token(site, &proxy->maxconn, arena);
        return check_token(&site->slot.token, err);
    }
    site->form = SITE_LINE;
    site->header = proxy->header;
    site->slot.file = proxy->file;
    struct cfg_number inherited = cfg_effective_maxconn(proxy->defaults);
    if (inherited.set) {
        site->slot.value = decimal(arena, inherited.value);
        site->slot.inherited_from = arena_printf(arena, "defaults (%s:%zu)",
                                                 inherited.place.file->path, inherited.place.line);
    }
    return 0;
}

static int find_backend(const struct cfg *cfg, const struct cfg_target *target,
                        const struct cfg_proxy **out_proxy, struct err *err)
{
    const struct cfg_proxy *backend = cfg_find_proxy(cfg, CFG_BACKEND, target->proxy);
    const struct cfg_proxy *listen = cfg_find_proxy(cfg, CFG_LISTEN, target->proxy);

    if (backend != NULL && listen != NULL)
        return err_set(
            err, ERR_INPUT, "'%s' is a backend (%s:%zu) and a listen (%s:%zu), expected one",
            target->proxy, backend->file->path, backend->line, listen->file->path, listen->line);
    if (backend == NULL)
        backend = listen;
    if (backend == NULL)
        return err_set(err, ERR_INPUT, "there is no backend '%s' in the configuration",
                       target->proxy);
    *out_proxy = backend;
    return check_proxy(backend, err);
}

static int check_server(const struct cfg_proxy *proxy, const struct cfg_server *server,
                        const char *name, struct err *err)
{
    const struct cfg_place *line = &server->line_place;
    for (const struct cfg_server *other = server + 1; other < proxy->servers + proxy->server_count;
         other++)
        if (strcmp(other->name, name) == 0)
            return err_set(err, ERR_INPUT, "server '%s' stands twice in '%s': %s:%zu and %s:%zu",
                           name, proxy->name, line->file->path, line->line,
                           other->line_place.file->path, other->line_place.line);
    if (server->template_high > 0)
        return err_set(err, ERR_INPUT,
                       "%s:%zu: server '%s' is one of many that this server-template line makes, "
                       "expected a server with a line of its own",
                       line->file->path, line->line, name);
    if (line->conditional)
        return refuse_conditional(line, "this server", err);
    return 0;
}

static int find_server(const struct cfg *cfg, struct arena *arena, struct cfg_site *site,
                       struct err *err)
{
    const struct cfg_proxy *proxy = NULL;

    if (find_backend(cfg, &site->target, &proxy, err) < 0)
        return -1;
    const struct cfg_server *server = cfg_find_server(proxy, site->target.server);
    if (server == NULL)
        return err_set(err, ERR_INPUT, "there is no server '%s' in backend '%s' (%s:%zu)",
                       site->target.server, proxy->name, proxy->file->path, proxy->line);
    if (check_server(proxy, server, site->target.server, err) < 0)
        return -1;
    site->minconn = server->minconn;
    if (server->maxconn_is_own) {
        take_token(site, &server->maxconn, arena);
        if (check_token(&site->slot.token, err) < 0)
            return -1;
    } else {
        site->form = SITE_WORDS;
        site->words_end = server->words_end;
        site->slot.file = server->line_place.file;
    }
    const struct cfg_number *counts = &server->maxconn;
    if (server->minconn != NULL && (!counts->set || server->minconn->value > counts->value))
        counts = server->minconn;
    if (!counts->set || counts->value == 0)
        return 0;
    site->slot.value = decimal(arena, counts->value);
    if (counts == server->minconn || !server->maxconn_is_own)
        site->slot.inherited_from = arena_printf(
            arena, "%s (%s:%zu)", counts == server->minconn ? "minconn" : "default-server",
            counts->place.file->path, counts->place.line);
    return 0;
}

/* The default-server lines that every server of the section sees; others that set maxconn make it
 * ambiguous. */
static int find_default_server(const struct cfg *cfg, struct arena *arena, struct cfg_site *site,
                               struct err *err)
{
    const struct cfg_proxy *proxy = NULL;
    const struct cfg_default_server *holder = NULL, *last = NULL;

    if (find_backend(cfg, &site->target, &proxy, err) < 0)
        return -1;
    for (size_t i = 0; i < proxy->default_server_count; i++) {
        const struct cfg_default_server *line = &proxy->default_servers[i];
        if (line->maxconn.set && line->servers_above > 0)
            return err_set(err, ERR_INPUT,
                           "%s:%zu: this default-server sets maxconn for the servers below it "
                           "only, expected it above all servers of '%s'",
                           line->line_place.file->path, line->line_place.line, proxy->name);
        if (line->maxconn.set && line->line_place.conditional)
            return refuse_conditional(&line->line_place, "this default-server", err);
        if (line->servers_above > 0 || line->line_place.conditional)
            continue;
        last = line;
        if (line->maxconn.set)
            holder = line;
    }
    if (holder != NULL) {
        take_token(site, &holder->maxconn, arena);
        return check_token(&site->slot.token, err);
    }
    const struct cfg_number inherited =
        proxy->defaults != NULL ? proxy->defaults->server_settings.maxconn : (struct cfg_number){0};
    if (inherited.set && inherited.value > 0) {
        site->slot.value = decimal(arena, inherited.value);
        site->slot.inherited_from = arena_printf(arena, "default-server (%s:%zu)",
                                                 inherited.place.file->path, inherited.place.line);
    }
    site->slot.file = proxy->file;
    site->form = last != NULL ? SITE_WORDS : SITE_LINE;
    site->words_end = last != NULL ? last->words_end : 0;
    site->header = proxy->header;
    if (proxy->server_count > 0 && !proxy->servers[0].line_place.conditional)
        site->before = proxy->servers[0].line_place;
    return 0;
}

int cfg_site_find(const struct cfg *cfg, const struct haproxy *haproxy, const char *target,
                  struct arena *arena, struct cfg_site *out_site, struct err *err)
{
    struct cfg_site site = {0};
    int found = -1;

    if (cfg_target_parse(target, arena, &site.target, err) < 0)
        return -1;
    switch (site.target.kind) {
    case TARGET_GLOBAL:
        found = find_global(cfg, haproxy, arena, &site, err);
        break;
    case TARGET_PROXY:
        found = find_proxy(cfg, arena, &site, err);
        break;
    case TARGET_SERVER:
        found = find_server(cfg, arena, &site, err);
        break;
    case TARGET_DEFAULT_SERVER:
        found = find_default_server(cfg, arena, &site, err);
        break;
    }
    if (found == 0)
        *out_site = site;
    return found;
}

int cfg_find_maxconn(const struct cfg *cfg, const struct haproxy *haproxy, const char *target,
                     struct arena *arena, struct cfg_slot *out_slot, struct err *err)
{
    struct cfg_site site;

    if (cfg_site_find(cfg, haproxy, target, arena, &site, err) < 0)
        return -1;
    *out_slot = site.slot;
    return 0;
}
