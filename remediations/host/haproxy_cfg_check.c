#include "remediations/host/haproxy_cfg_check.h"

#include <string.h>

#include "remediations/host/haproxy_cfg_parse.h"

enum { INTER_DEFAULT_MS = 2000, TIME_MAX_MS = INT32_MAX };

static const char *raw_text(const struct parser *parser, size_t word)
{
    if (word >= parser->words.count)
        return NULL;
    return arena_copy(parser->arena, parser->words.at[word].value.ptr,
                      parser->words.at[word].value.len);
}

/* "2000", "2s", "500ms", "1m": without a unit milliseconds. 0: no time. */
static uint32_t parse_time(const struct parser *parser, size_t word)
{
    static const struct {
        const char *unit;
        uint64_t times, part;
    } units[] = {
        {"us", 1, 1000}, {"ms", 1, 1},      {"s", 1000, 1},     {"", 1, 1},
        {"m", 60000, 1}, {"h", 3600000, 1}, {"d", 86400000, 1},
    };
    struct span text = word < parser->words.count ? parser->words.at[word].value : (struct span){0};
    uint64_t value = 0;
    size_t digits = 0;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (!span_scan_u64((struct span){text.ptr, digits}, &value) || value > TIME_MAX_MS)
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (span_is((struct span){text.ptr + digits, text.len - digits}, units[i].unit)) {
            value = value * units[i].times / units[i].part;
            return value > TIME_MAX_MS ? TIME_MAX_MS : (uint32_t)value;
        }
    return 0;
}

/* ---- server lines ---- */

/* Server lines share what they inherit, until one says something of its own. */
static struct cfg_contact *own_contact(const struct parser *parser, struct cfg_server *server,
                                       bool *own)
{
    if (!*own) {
        struct cfg_contact *made = arena_alloc(parser->arena, sizeof *made);

        *made = *cfg_contact_of(server);
        server->contact = made;
        *own = true;
    }
    /* It was made here, or by the line before this word. */
    return (struct cfg_contact *)(uintptr_t)server->contact;
}

/* "10.0.0.5", "10.0.0.5:1024-2048", "[::1]:0": the address alone. */
static void parse_source(const struct parser *parser, size_t word, const char **out_address,
                         bool *out_has_range)
{
    struct span text = parser->words.at[word].value;
    const char *colon = memrchr(text.ptr, ':', text.len);
    const char *first = memchr(text.ptr, ':', text.len);
    bool bracketed = text.len > 0 && text.ptr[0] == '[';

    *out_has_range = false;
    if (span_starts_with(text, "ipv4@") || span_starts_with(text, "ipv6@"))
        text = (struct span){text.ptr + 5, text.len - 5};
    if (colon != NULL && (bracketed || colon == first)) {
        struct span port = {colon + 1, text.len - (size_t)(colon + 1 - text.ptr)};
        if (!bracketed || memchr(port.ptr, ']', port.len) == NULL) {
            text.len = (size_t)(colon - text.ptr);
            *out_has_range = port.len > 0 && memchr(port.ptr, '-', port.len) != NULL;
        }
    }
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = (struct span){text.ptr + 1, text.len - 2};
    *out_address = arena_copy(parser->arena, text.ptr, text.len);
}

void parse_contact_word(const struct parser *parser, size_t word, struct cfg_server *server,
                        bool *own)
{
    static const struct {
        const char *keyword;
        size_t offset;
    } texts[] = {
        {"addr", offsetof(struct cfg_contact, check_address)},
        {"sni", offsetof(struct cfg_contact, sni)},
        {"check-sni", offsetof(struct cfg_contact, check_sni)},
        {"verifyhost", offsetof(struct cfg_contact, verify_host)},
        {"ca-file", offsetof(struct cfg_contact, ca_file)},
        {"resolvers", offsetof(struct cfg_contact, resolvers)},
        {"init-addr", offsetof(struct cfg_contact, init_addr)},
        {"track", offsetof(struct cfg_contact, track)},
        {"observe", offsetof(struct cfg_contact, observe)},
        {"socks4", offsetof(struct cfg_contact, socks)},
        {"namespace", offsetof(struct cfg_contact, network_namespace)},
    };

    if (parse_word_is(parser, word, "inter")) {
        server->inter_ms = parse_time(parser, word + 1);
        return;
    }
    if (parse_word_is(parser, word, "weight")) {
        server->weight_is_zero = parse_word_is(parser, word + 1, "0");
        return;
    }
    if (word + 1 >= parser->words.count)
        return;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (parse_word_is(parser, word, texts[i].keyword)) {
            const char *text = raw_text(parser, word + 1);
            memcpy((char *)own_contact(parser, server, own) + texts[i].offset, &text, sizeof text);
            return;
        }
    if (parse_word_is(parser, word, "source")) {
        struct cfg_contact *contact = own_contact(parser, server, own);
        parse_source(parser, word + 1, &contact->source, &contact->source_has_range);
    } else if (parse_word_is(parser, word, "verify")) {
        struct cfg_contact *contact = own_contact(parser, server, own);
        contact->verify_none = parse_word_is(parser, word + 1, "none");
        contact->verify_required = parse_word_is(parser, word + 1, "required");
    }
}

void parse_contact_flag(const struct parser *parser, size_t word, struct cfg_server *server,
                        bool *own)
{
    static const struct {
        const char *keyword;
        size_t offset;
        bool value;
    } flags[] = {
        {"ssl", offsetof(struct cfg_contact, ssl), true},
        {"no-ssl", offsetof(struct cfg_contact, ssl), false},
        {"send-proxy", offsetof(struct cfg_contact, send_proxy), true},
        {"send-proxy-v2", offsetof(struct cfg_contact, send_proxy), true},
        {"send-proxy-v2-ssl", offsetof(struct cfg_contact, send_proxy), true},
        {"send-proxy-v2-ssl-cn", offsetof(struct cfg_contact, send_proxy), true},
        {"no-send-proxy", offsetof(struct cfg_contact, send_proxy), false},
        {"no-send-proxy-v2", offsetof(struct cfg_contact, send_proxy), false},
        {"check-send-proxy", offsetof(struct cfg_contact, check_send_proxy), true},
        {"no-check-send-proxy", offsetof(struct cfg_contact, check_send_proxy), false},
    };

    if (parse_word_is(parser, word, "check-ssl") || parse_word_is(parser, word, "no-check-ssl")) {
        struct cfg_contact *contact = own_contact(parser, server, own);
        contact->check_ssl = parse_word_is(parser, word, "check-ssl");
        contact->no_check_ssl = !contact->check_ssl;
        return;
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (parse_word_is(parser, word, flags[i].keyword))
            memcpy((char *)own_contact(parser, server, own) + flags[i].offset, &flags[i].value,
                   sizeof flags[i].value);
}

const struct cfg_contact *cfg_contact_of(const struct cfg_server *server)
{
    static const struct cfg_contact plain;

    return server->contact != NULL ? server->contact : &plain;
}

const char *cfg_server_unix(const struct cfg_server *server)
{
    const char *text = server->text;
    bool is_abstract = text != NULL && strncmp(text, "abns", 4) == 0 && strchr(text, '@') != NULL;

    if (server->is_unix)
        return server->address != NULL ? server->address : text;
    return is_abstract ? text : NULL;
}

bool cfg_server_is_direct(const struct cfg_server *server)
{
    const struct cfg_contact *contact = cfg_contact_of(server);
    const char *text = server->text;

    return cfg_server_unix(server) == NULL && contact->socks == NULL &&
           contact->network_namespace == NULL &&
           (text == NULL || (strncmp(text, "udp", 3) != 0 && strncmp(text, "quic", 4) != 0) ||
            strchr(text, '@') == NULL);
}

bool cfg_check_is_ssl(const struct cfg_server *server)
{
    const struct cfg_contact *contact = cfg_contact_of(server);
    bool elsewhere = server->check_port > 0 || contact->check_address != NULL;

    return contact->check_ssl || (contact->ssl && !contact->no_check_ssl && !elsewhere);
}

/* ---- proxies ---- */

static struct cfg_check *check_of(struct parser *parser)
{
    return &parser->proxy->check;
}

static bool is_formatted(const char *text)
{
    return text != NULL && strchr(text, '%') != NULL;
}

/* Up to 2.1 headers could stand in the version: "HTTP/1.1\r\nHost: www". */
static void split_version(const struct parser *parser, struct cfg_check *check)
{
    struct span rest = span_of(check->version), line;

    if (memchr(rest.ptr, '\r', rest.len) == NULL && memchr(rest.ptr, '\n', rest.len) == NULL)
        return;
    if (!span_next_line(&rest, &line))
        return;
    line = span_trim(line);
    check->version = arena_copy(parser->arena, line.ptr, line.len);
    while (span_next_line(&rest, &line)) {
        line = span_trim(line);
        if (line.len > 0)
            strings_add(&check->headers, parser->arena,
                        arena_copy(parser->arena, line.ptr, line.len));
    }
}

/* "option httpchk [METHOD] [URI] [VERSION]": one word alone is the URI. */
static void parse_httpchk(struct parser *parser)
{
    struct cfg_check *check = check_of(parser);
    size_t given = parser->words.count - 2;

    *check = (struct cfg_check){.kind = CFG_CHECK_HTTP,
                                .name = "httpchk",
                                .timeout_ms = check->timeout_ms,
                                .source = check->source,
                                .expect = check->expect,
                                .expect_is_negated = check->expect_is_negated,
                                .expected = check->expected,
                                .expect_line = check->expect_line,
                                .connects_by_rule = check->connects_by_rule,
                                .is_intricate = parser->unsure};
    if (given == 1) {
        check->uri = raw_text(parser, 2);
        return;
    }
    check->method = raw_text(parser, 2);
    check->uri = raw_text(parser, 3);
    check->version = raw_text(parser, 4);
    if (check->version != NULL)
        split_version(parser, check);
}

/* "http-check send [meth M] [uri U] [ver V] [hdr NAME VALUE]... [body B] [comment C]" */
static void parse_send(struct parser *parser)
{
    struct cfg_check *check = check_of(parser);

    for (size_t i = 2; i < parser->words.count;) {
        if (parse_word_is(parser, i, "meth")) {
            check->method = raw_text(parser, i + 1);
        } else if (parse_word_is(parser, i, "uri")) {
            check->uri = raw_text(parser, i + 1);
        } else if (parse_word_is(parser, i, "ver")) {
            check->version = raw_text(parser, i + 1);
        } else if (parse_word_is(parser, i, "hdr") && i + 2 < parser->words.count) {
            const char *name = raw_text(parser, i + 1), *value = raw_text(parser, i + 2);
            check->is_intricate = check->is_intricate || is_formatted(value);
            strings_addf(&check->headers, parser->arena, "%s: %s", name, value);
            i += 3;
            continue;
        } else if (!parse_word_is(parser, i, "comment")) {
            /* A body, a URI that is worked out, or a word of a later version. */
            check->is_intricate = true;
        }
        i += 2;
    }
}

/* "http-check expect [OPTIONS] [!] MATCH PATTERN" */
static void parse_expect(struct parser *parser)
{
    struct cfg_check *check = check_of(parser);
    size_t i = 2;

    while (parse_word_is(parser, i, "min-recv") || parse_word_is(parser, i, "comment") ||
           parse_word_is(parser, i, "ok-status") || parse_word_is(parser, i, "error-status") ||
           parse_word_is(parser, i, "tout-status") || parse_word_is(parser, i, "on-success") ||
           parse_word_is(parser, i, "on-error") || parse_word_is(parser, i, "status-code"))
        i += 2;
    if (check->expect_line > 0)
        check->is_intricate = true; /* several steps */
    check->expect_is_negated = parse_word_is(parser, i, "!");
    if (check->expect_is_negated)
        i++;
    check->expect = CFG_EXPECT_OTHER;
    check->expect_line = parser->line;
    if (!parse_word_is(parser, i, "status"))
        return;
    check->expect = CFG_EXPECT_STATUS;
    check->expected = raw_text(parser, i + 1);
}

static void parse_option_check(struct parser *parser, size_t word)
{
    static const char *const others[] = {
        "tcp-check",   "ssl-hello-chk", "smtpchk",        "mysql-check", "pgsql-check",
        "redis-check", "ldap-check",    "external-check", "spop-check",
    };
    struct cfg_check *check = check_of(parser);

    if (parse_word_is(parser, word, "httpchk"))
        parse_httpchk(parser);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (parse_word_is(parser, word, others[i])) {
            check->kind = CFG_CHECK_OTHER;
            check->name = others[i];
        }
}

/* Rules of the section take the place of those of its defaults. What of a request is then left of
 * theirs is not the same in all versions. */
static void begin_own_rules(const struct parser *parser, struct cfg_check *check)
{
    if (parser->unsure)
        check->is_intricate = true;
    if (!check->is_inherited)
        return;
    check->is_inherited = false;
    check->is_intricate = check->headers.count > 0 || check->is_intricate;
    check->expect = CFG_EXPECT_USUAL;
    check->expect_is_negated = false;
    check->expect_line = 0;
}

bool parse_check_line(struct parser *parser)
{
    struct cfg_check *check = check_of(parser);

    if (parse_word_is(parser, 0, "option")) {
        parse_option_check(parser, 1);
        return false;
    }
    if (parse_word_is(parser, 0, "http-check")) {
        begin_own_rules(parser, check);
        if (parse_word_is(parser, 1, "send"))
            parse_send(parser);
        else if (parse_word_is(parser, 1, "expect"))
            parse_expect(parser);
        else if (parse_word_is(parser, 1, "connect"))
            check->is_intricate = check->connects_by_rule = true;
        return true;
    }
    if (parse_word_is(parser, 0, "tcp-check")) {
        check->connects_by_rule = check->connects_by_rule || parse_word_is(parser, 1, "connect");
        return true;
    }
    if (parse_word_is(parser, 0, "timeout") && parse_word_is(parser, 1, "check")) {
        check->timeout_ms = parse_time(parser, 2);
        return true;
    }
    if (parse_word_is(parser, 0, "source") && parser->words.count > 1) {
        bool has_range;
        parse_source(parser, 1, &check->source, &has_range);
        return true;
    }
    return false;
}

/* ---- what it means ---- */

bool cfg_check_takes_status(const struct cfg_check *check, uint32_t status, bool *out_known)
{
    struct span rest, piece;
    bool in = false;

    *out_known = check->expect != CFG_EXPECT_OTHER;
    if (check->expect == CFG_EXPECT_USUAL)
        return status >= 200 && status < 400;
    if (check->expect == CFG_EXPECT_OTHER || check->expected == NULL)
        return false;
    rest = span_of(check->expected);
    while (rest.len > 0) {
        uint64_t low, high;
        piece = span_cut(&rest, ',');
        struct span upper = piece, lower = span_cut(&upper, '-');
        if (!span_scan_u64(lower, &low))
            continue;
        if (lower.len == piece.len)
            high = low;
        else if (!span_scan_u64(upper, &high))
            continue;
        in = in || (status >= low && status <= high);
    }
    return in != check->expect_is_negated;
}

uint32_t cfg_check_limit_ms(const struct cfg_check *check, const struct cfg_server *server)
{
    if (check->timeout_ms > 0)
        return check->timeout_ms;
    return server != NULL && server->inter_ms > 0 ? server->inter_ms : INTER_DEFAULT_MS;
}
