#include "remediations/host/haproxy_cfg_parse.h"

#include <stdlib.h>
#include <string.h>

#include "remediations/host/haproxy_cfg_address.h"

enum { FIRST_SERVERS = 16 };

/* In byte order, for bsearch(3). The others stand alone. */
static const char *const valued_keywords[] = {
    "accept-netscaler-cip",
    "addr",
    "agent-addr",
    "agent-inter",
    "agent-port",
    "agent-send",
    "alpn",
    "backlog",
    "ca-file",
    "ca-ignore-err",
    "ca-sign-file",
    "ca-sign-pass",
    "ca-verify-file",
    "cc",
    "check-alpn",
    "check-pool-conn-name",
    "check-proto",
    "check-sni",
    "ciphers",
    "ciphersuites",
    "client-sigalgs",
    "cookie",
    "crl-file",
    "crt",
    "crt-ignore-err",
    "crt-list",
    "curves",
    "default-crt",
    "downinter",
    "ecdhe",
    "ech",
    "error-limit",
    "expose-fd",
    "fall",
    "fastinter",
    "gid",
    "group",
    "guid",
    "guid-prefix",
    "hash-key",
    "healthcheck",
    "id",
    "idle-ping",
    "init-addr",
    "init-state",
    "inter",
    "interface",
    "ktls",
    "label",
    "level",
    "log-bufsize",
    "log-proto",
    "max-reuse",
    "maxconn",
    "maxqueue",
    "minconn",
    "mode",
    "mss",
    "name",
    "namespace",
    "nbconn",
    "nice",
    "npn",
    "observe",
    "on-error",
    "on-marked-down",
    "on-marked-up",
    "pool-conn-name",
    "pool-low-conn",
    "pool-max-conn",
    "pool-purge-delay",
    "port",
    "process",
    "proto",
    "proxy-v2-options",
    "quic-cc-algo",
    "quic-socket",
    "redir",
    "resolve-net",
    "resolve-opts",
    "resolve-prefer",
    "resolvers",
    "rise",
    "severity-output",
    "shard",
    "shards",
    "sigalgs",
    "slowstart",
    "sni",
    "socks4",
    "source",
    "ssl-max-ver",
    "ssl-min-ver",
    "tcp-md5sig",
    "tcp-ss",
    "tcp-ut",
    "thread",
    "tls-ticket-keys",
    "track",
    "uid",
    "user",
    "usesrc",
    "verify",
    "verifyhost",
    "weight",
    "ws",
};

static int compare_keyword(const void *key, const void *element)
{
    const struct span *word = key;
    const char *keyword = *(const char *const *)element;
    int order = strncmp(word->ptr, keyword, word->len);

    return order != 0 ? order : -(keyword[word->len] != '\0');
}

bool cfg_takes_value(struct span keyword)
{
    return bsearch(&keyword, valued_keywords, sizeof valued_keywords / sizeof valued_keywords[0],
                   sizeof valued_keywords[0], compare_keyword) != NULL ||
           span_starts_with(keyword, "set-proxy-v2-tlv-fmt(");
}

/* Words that stand alone: sets a flag on or off. */
static void parse_flag(const struct parser *parser, size_t word, struct cfg_server *server)
{
    const struct {
        const char *keyword;
        bool *flag;
        bool value;
    } flags[] = {
        {"check", &server->check, true},
        {"no-check", &server->check, false},
        {"agent-check", &server->agent_check, true},
        {"no-agent-check", &server->agent_check, false},
        {"disabled", &server->disabled, true},
        {"enabled", &server->disabled, false},
        {"backup", &server->backup, true},
        {"no-backup", &server->backup, false},
    };

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (parse_word_is(parser, word, flags[i].keyword))
            *flags[i].flag = flags[i].value;
}

static uint32_t parse_port(struct span text)
{
    uint64_t port = 0;

    return span_scan_u64(text, &port) && port <= UINT16_MAX ? (uint32_t)port : 0;
}

static void parse_settings(struct parser *parser, size_t first, struct cfg_server *server)
{
    bool own_contact = false;

    server->check_ports = 0;
    server->maxconn_is_own = false;
    for (size_t i = first; i < parser->words.count;) {
        if (!cfg_takes_value(parser->words.at[i].value)) {
            parse_contact_flag(parser, i, server, &own_contact);
            parse_flag(parser, i++, server);
            continue;
        }
        if (i + 1 < parser->words.count && parse_word_is(parser, i, "maxconn")) {
            server->maxconn = parse_word_number(parser, i + 1);
            server->maxconn_is_own = true;
        } else if (i + 1 < parser->words.count && parse_word_is(parser, i, "minconn")) {
            struct cfg_number *minconn = arena_alloc(parser->arena, sizeof *minconn);
            *minconn = parse_word_number(parser, i + 1);
            server->minconn = minconn;
        } else if (parse_word_is(parser, i, "port") || parse_word_is(parser, i, "agent-port")) {
            server->check_ports++;
            if (parse_word_is(parser, i, "port") && i + 1 < parser->words.count)
                server->check_port = parse_port(parser->words.at[i + 1].value);
        } else {
            parse_contact_word(parser, i, server, &own_contact);
        }
        i += 2;
    }
}

/* Most sections have one such line: room for one, then twice as much each time. */
static struct cfg_default_server *new_default_server(struct arena *arena, struct cfg_proxy *proxy)
{
    size_t count = proxy->default_server_count;

    if ((count & (count - 1)) == 0) {
        struct cfg_default_server *grown =
            arena_alloc(arena, (count == 0 ? 1 : 2 * count) * sizeof *grown);
        if (count > 0)
            memcpy(grown, proxy->default_servers, count * sizeof *grown);
        proxy->default_servers = grown;
    }
    proxy->default_server_count++;
    return &proxy->default_servers[count];
}

static void parse_default_server(struct parser *parser)
{
    struct cfg_proxy *proxy = parser->proxy;
    struct cfg_server settings = proxy->server_settings;
    struct cfg_default_server *line = new_default_server(parser->arena, proxy);

    parse_settings(parser, 1, &settings);
    line->line_place = parse_line_place(parser);
    line->words_end = parse_words_end(parser);
    line->servers_above = parser->server_count;
    if (settings.maxconn_is_own)
        line->maxconn = settings.maxconn;
    parser->cfg->default_ports += settings.check_ports;
    proxy->server_settings = settings;
}

static struct cfg_server *new_server(struct parser *parser)
{
    if (parser->server_count == parser->server_room) {
        size_t room = parser->server_room + parser->server_room / 2 + FIRST_SERVERS;
        struct cfg_server *grown = reallocarray(parser->servers, room, sizeof *grown);
        if (grown == NULL)
            return NULL;
        parser->servers = grown;
        parser->server_room = room;
    }
    return &parser->servers[parser->server_count++];
}

/* "5" is 1 to 5, "3-7" is 3 to 7. */
static bool parse_template_range(struct span text, uint32_t *out_low, uint32_t *out_high)
{
    struct span rest = text;
    struct span first = span_cut(&rest, '-');
    uint64_t low = 1, high = 0;

    if (first.len == text.len) {
        if (!span_scan_u64(first, &high))
            return false;
    } else if (!span_scan_u64(first, &low) || !span_scan_u64(rest, &high)) {
        return false;
    }
    if (high > INT32_MAX || low > high || high == 0)
        return false;
    *out_low = (uint32_t)low;
    *out_high = (uint32_t)high;
    return true;
}

/* False where memory is exhausted. */
static bool parse_server(struct parser *parser, bool is_template)
{
    size_t first = is_template ? 4 : 3;
    struct cfg_server made = parser->proxy->server_settings;

    if (parser->words.count < first)
        return true;
    if (is_template &&
        !parse_template_range(parser->words.at[2].value, &made.template_low, &made.template_high))
        return true;
    struct cfg_address address =
        cfg_address_parse(parser->words.at[first - 1].value, false, parser->arena);
    made.name = parse_word_text(parser, 1);
    made.text = parse_word_text(parser, first - 1);
    made.address = address.text;
    made.is_unix = address.is_unix;
    made.port = address.port_low;
    made.line_place = parse_line_place(parser);
    made.words_end = parse_words_end(parser);
    parse_settings(parser, first, &made);

    struct cfg_server *server = new_server(parser);
    if (server == NULL)
        return false;
    *server = made;
    return true;
}

bool parse_server_line(struct parser *parser, bool *out_is_one)
{
    bool kept = parser->only == NULL || strcmp(parser->only, parser->proxy->name) == 0;

    *out_is_one = true;
    if (parse_word_is(parser, 0, "server") || parse_word_is(parser, 0, "server-template"))
        return !kept || parse_server(parser, parse_word_is(parser, 0, "server-template"));
    if (parse_word_is(parser, 0, "default-server"))
        parse_default_server(parser);
    else
        *out_is_one = false;
    return true;
}
