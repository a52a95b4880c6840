#include "remediations/host/haproxy_cfg_parse.h"

#include <errno.h>
#include <string.h>

static char index_kind(enum cfg_kind kind)
{
    return (char)('a' + (int)kind);
}

const struct cfg_proxy *cfg_find_proxy(const struct cfg *cfg, enum cfg_kind kind, const char *name)
{
    return index_get(cfg->index, index_kind(kind), span_of(name));
}

const struct cfg_proxy *cfg_find_backend(const struct cfg *cfg, const char *name)
{
    const struct cfg_proxy *backend = cfg_find_proxy(cfg, CFG_BACKEND, name);

    return backend != NULL ? backend : cfg_find_proxy(cfg, CFG_LISTEN, name);
}

static bool is_of_template(const struct cfg_server *server, const char *name)
{
    size_t prefix = strlen(server->name);
    uint64_t number = 0;

    return server->template_high > 0 && strncmp(name, server->name, prefix) == 0 &&
           name[prefix] != '0' && span_scan_u64(span_of(name + prefix), &number) &&
           number >= server->template_low && number <= server->template_high;
}

const struct cfg_server *cfg_find_server(const struct cfg_proxy *proxy, const char *name)
{
    for (size_t i = 0; i < proxy->server_count; i++) {
        const struct cfg_server *server = &proxy->servers[i];
        if (server->template_high == 0 ? strcmp(server->name, name) == 0
                                       : is_of_template(server, name))
            return server;
    }
    return NULL;
}

struct cfg_number cfg_effective_maxconn(const struct cfg_proxy *proxy)
{
    for (; proxy != NULL; proxy = proxy->defaults)
        if (proxy->maxconn.set)
            return proxy->maxconn.value > 0 ? proxy->maxconn : (struct cfg_number){0};
    return (struct cfg_number){0};
}

/* The word behind `from`, or 0. "defaults from x" has no name of its own. */
static size_t from_word(const struct parser *parser, enum cfg_kind kind, bool *out_named)
{
    bool bare =
        kind == CFG_DEFAULTS && parser->words.count == 3 && parse_word_is(parser, 1, "from");

    *out_named = !bare && parser->words.count > 1;
    if (bare)
        return 2;
    return parser->words.count > 3 && parse_word_is(parser, 2, "from") ? 3 : 0;
}

static void inherit(struct cfg_proxy *proxy, const struct cfg_proxy *defaults)
{
    proxy->defaults = defaults;
    if (defaults == NULL)
        return;
    proxy->fullconn = defaults->fullconn;
    proxy->default_backend = defaults->default_backend;
    proxy->splice = defaults->splice;
    proxy->splice_options = defaults->splice_options;
    proxy->disabled = defaults->disabled;
    proxy->server_settings = defaults->server_settings;
    proxy->check = defaults->check;
    proxy->check.is_inherited = true;
    proxy->is_http = defaults->is_http;
    proxy->answers_itself = defaults->answers_itself;
    proxy->monitor_uri = defaults->monitor_uri;
}

void parse_proxy_begin(struct parser *parser, enum cfg_kind kind)
{
    struct cfg *cfg = parser->cfg;
    struct cfg_proxy *proxy = arena_alloc(parser->arena, sizeof *proxy);
    bool named = false;
    size_t from = from_word(parser, kind, &named);

    proxy->kind = kind;
    proxy->name = named ? parse_word_text(parser, 1) : "";
    proxy->file = parser->file;
    proxy->line = parser->line;
    proxy->conditional = parser->unsure;
    proxy->header = parse_line_place(parser);
    if (from > 0)
        inherit(proxy,
                index_get(parser->index, index_kind(CFG_DEFAULTS), parser->words.at[from].value));
    else if (kind != CFG_DEFAULTS)
        inherit(proxy, parser->last_defaults);
    if (kind == CFG_DEFAULTS)
        parser->last_defaults = proxy;

    void **slot = index_slot(parser->index, index_kind(kind), span_of(proxy->name));
    struct cfg_proxy *first = *slot;
    if (first == NULL)
        *slot = proxy;
    else if (first->twin == NULL)
        first->twin = proxy;
    ARENA_PUSH(parser->arena, cfg->proxies, cfg->proxy_count) = proxy;
    parser->proxy = proxy;
}

void parse_proxy_end(struct parser *parser)
{
    struct cfg_proxy *proxy = parser->proxy;

    parser->proxy = NULL;
    if (proxy == NULL || parser->server_count == 0)
        return;
    size_t size = parser->server_count * sizeof *parser->servers;
    proxy->servers = arena_alloc(parser->arena, size);
    memcpy(proxy->servers, parser->servers, size);
    proxy->server_count = parser->server_count;
    parser->server_count = 0;
}

static void parse_option(struct cfg_proxy *proxy, const struct parser *parser, size_t word, bool on)
{
    static const char *const options[] = {"splice-auto", "splice-request", "splice-response"};

    for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (!parse_word_is(parser, word, options[i]))
            continue;
        proxy->splice_options =
            on ? proxy->splice_options | (1u << i) : proxy->splice_options & ~(1u << i);
    }
    proxy->splice = proxy->splice_options != 0;
}

/* The last one counts. */
static void parse_maxconn(struct cfg_proxy *proxy, const struct parser *parser)
{
    struct cfg_number number = parse_word_number(parser, 1);

    if (!number.set || proxy->kind == CFG_BACKEND)
        return;
    if (parser->unsure)
        proxy->unsure_maxconn = number.place;
    else
        proxy->maxconn = number;
}

static bool word_is_one_of(const struct parser *parser, size_t word, const char *const *texts,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (parse_word_is(parser, word, texts[i]))
            return true;
    return false;
}

/* Does this line take requests that no server gets? */
static bool takes_requests(const struct parser *parser)
{
    static const char *const lines[] = {"dispatch", "redirect", "stats", "monitor-uri",
                                        "use-fcgi-app"};
    static const char *const actions[] = {"return", "redirect",    "deny",
                                          "reject", "tarpit",      "use-service",
                                          "auth",   "silent-drop", "cache-use"};
    static const char *const options[] = {"transparent", "http_proxy"};
    enum { ACTIONS = sizeof actions / sizeof actions[0] };

    if (parse_word_is(parser, 0, "option"))
        return word_is_one_of(parser, 1, options, sizeof options / sizeof options[0]);
    if (parse_word_is(parser, 0, "http-request"))
        return word_is_one_of(parser, 1, actions, ACTIONS);
    if (parse_word_is(parser, 0, "tcp-request"))
        return word_is_one_of(parser, 2, actions, ACTIONS);
    return word_is_one_of(parser, 0, lines, sizeof lines / sizeof lines[0]);
}

/* What it answers itself: that it is well, that it is not, and what stands for a 503. */
static void parse_own_answer(struct cfg_proxy *proxy, struct parser *parser)
{
    static const char *const pages[] = {"errorfile", "errorloc", "errorloc302", "errorloc303"};

    if (parse_word_is(parser, 0, "monitor-uri") && parser->words.count > 1)
        proxy->monitor_uri = parse_word_text(parser, 1);
    else if (parse_word_is(parser, 0, "monitor") && parse_word_is(parser, 1, "fail") &&
             proxy->monitor_fail_line == 0)
        proxy->monitor_fail_line = parser->line;
    else if ((word_is_one_of(parser, 0, pages, sizeof pages / sizeof pages[0]) &&
              parse_word_is(parser, 1, "503")) ||
             (parse_word_is(parser, 0, "http-error") && parse_word_is(parser, 1, "status") &&
              parse_word_is(parser, 2, "503")))
        proxy->error_page_line = parser->line;
}

static void parse_route(struct cfg_proxy *proxy, struct parser *parser)
{
    if (parse_word_is(parser, 0, "use_backend") && parser->words.count > 1)
        strings_add(&proxy->uses, parser->arena, parse_word_text(parser, 1));
    else if (parse_word_is(parser, 0, "use-server") && parser->words.count > 1)
        strings_add(&proxy->servers_chosen, parser->arena, parse_word_text(parser, 1));
    else if (parse_word_is(parser, 0, "mode"))
        proxy->is_http = parse_word_is(parser, 1, "http");
    else
        proxy->answers_itself = proxy->answers_itself || takes_requests(parser);
}

int parse_proxy_line(struct parser *parser, struct err *err)
{
    struct cfg_proxy *proxy = parser->proxy;
    bool is_server = false;

    if (!parse_server_line(parser, &is_server))
        return err_sys(err, ENOMEM, "cannot keep %zu servers", parser->server_count);
    if (is_server || parse_check_line(parser))
        return 0;
    parse_route(proxy, parser);
    parse_own_answer(proxy, parser);
    if (parse_word_is(parser, 0, "bind"))
        parse_bind_line(parser, &proxy->binds, &proxy->bind_count);
    else if (parse_word_is(parser, 0, "maxconn"))
        parse_maxconn(proxy, parser);
    else if (parse_word_is(parser, 0, "fullconn"))
        proxy->fullconn = parse_word_number(parser, 1);
    else if (parse_word_is(parser, 0, "backlog"))
        proxy->backlog = parse_word_number(parser, 1);
    else if (parse_word_is(parser, 0, "default_backend"))
        proxy->default_backend = parse_word_text(parser, 1);
    else if (parse_word_is(parser, 0, "disabled"))
        proxy->disabled = true;
    else if (parse_word_is(parser, 0, "enabled"))
        proxy->disabled = false;
    else if (parse_word_is(parser, 0, "option"))
        parse_option(proxy, parser, 1, true);
    else if ((parse_word_is(parser, 0, "no") || parse_word_is(parser, 0, "default")) &&
             parse_word_is(parser, 1, "option"))
        parse_option(proxy, parser, 2, false);
    return 0;
}
