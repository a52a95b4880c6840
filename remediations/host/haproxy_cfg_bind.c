#include "remediations/host/haproxy_cfg_parse.h"

#include <arpa/inet.h>
#include <string.h>

#include "plans/base/escape.h"
#include "remediations/host/haproxy_cfg_address.h"

enum { TEXT_SHOWN_MAX = 512 };

static const char *shown(struct arena *arena, struct span text)
{
    if (text.len < TEXT_SHOWN_MAX && escape_is_plain(text) &&
        (text.len == 0 || memchr(text.ptr, '\\', text.len) == NULL))
        return arena_copy(arena, text.ptr, text.len);
    return escape_span(arena, text, TEXT_SHOWN_MAX);
}

static bool is_literal(struct span host, int family)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];

    if (host.len == 0 || host.len >= sizeof text)
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(family, text, address) == 1;
}

/* Takes "ipv4@", "unix@", "tcp4@", ... off; *out_family 0: any. False for a form without an address
 * (fd@3, abns@x). */
static bool take_prefix(struct span *text, int *out_family, bool *out_unix)
{
    static const struct {
        const char *prefix;
        int family;
        bool is_unix;
    } prefixes[] = {
        {"ipv4@", AF_INET, false},   {"ipv6@", AF_INET6, false},   {"ip@", 0, false},
        {"tcp@", 0, false},          {"tcp4@", AF_INET, false},    {"tcp6@", AF_INET6, false},
        {"udp@", 0, false},          {"udp4@", AF_INET, false},    {"udp6@", AF_INET6, false},
        {"quic4@", AF_INET, false},  {"quic6@", AF_INET6, false},  {"mptcp@", 0, false},
        {"mptcp4@", AF_INET, false}, {"mptcp6@", AF_INET6, false}, {"uxst@", 0, true},
        {"uxdg@", 0, true},          {"unix@", 0, true},
    };

    *out_family = 0;
    *out_unix = false;
    if (text->len == 0 || memchr(text->ptr, '@', text->len) == NULL)
        return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t len = strlen(prefixes[i].prefix);
        if (!span_starts_with(*text, prefixes[i].prefix))
            continue;
        *text = (struct span){text->ptr + len, text->len - len};
        *out_family = prefixes[i].family;
        *out_unix = prefixes[i].is_unix;
        return true;
    }
    return text->ptr[0] == '/';
}

static void split_ports(struct span text, struct cfg_address *address)
{
    struct span rest = text;
    struct span low = span_cut(&rest, '-');
    uint64_t first = 0, last = 0;

    if (!span_scan_u64(low, &first) || first > UINT16_MAX)
        return;
    if (low.len == text.len)
        last = first;
    else if (!span_scan_u64(rest, &last) || last > UINT16_MAX || last < first)
        return;
    address->port_low = (uint32_t)first;
    address->port_high = (uint32_t)last;
}

struct cfg_address cfg_address_parse(struct span text, bool listening, struct arena *arena)
{
    struct cfg_address address = {0};
    int family = 0;

    if (!take_prefix(&text, &family, &address.is_unix))
        return address;
    address.is_unix = address.is_unix || (text.len > 0 && text.ptr[0] == '/');
    if (address.is_unix) {
        address.text = shown(arena, text);
        return address;
    }
    struct span host = text;
    const char *colon = text.len > 0 ? memrchr(text.ptr, ':', text.len) : NULL;
    if (colon != NULL) {
        host.len = (size_t)(colon - text.ptr);
        split_ports((struct span){colon + 1, text.len - host.len - 1}, &address);
    }
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (struct span){host.ptr + 1, host.len - 2};
    if (listening && (host.len == 0 || span_is(host, "*")))
        address.text = family == AF_INET6 ? "::" : "0.0.0.0";
    else if (is_literal(host, AF_INET) || is_literal(host, AF_INET6))
        address.text = shown(arena, host);
    return address;
}

/* The parameters of the line that matter, for each of its addresses. */
static void parse_parameters(struct parser *parser, struct cfg_bind *bind)
{
    bind->shards = 1;
    for (size_t i = 2; i < parser->words.count;) {
        uint64_t shards = 0;
        bind->accept_proxy = bind->accept_proxy || parse_word_is(parser, i, "accept-proxy");
        bind->ssl = bind->ssl || parse_word_is(parser, i, "ssl");
        if (parse_word_is(parser, i, "maxconn")) {
            bind->maxconn = parse_word_number(parser, i + 1);
        } else if (parse_word_is(parser, i, "backlog")) {
            bind->backlog = parse_word_number(parser, i + 1);
        } else if (parse_word_is(parser, i, "namespace")) {
            bind->in_namespace = true;
        } else if (parse_word_is(parser, i, "transparent")) {
            bind->transparent = true;
        } else if (parse_word_is(parser, i, "shards") && i + 1 < parser->words.count) {
            if (parse_word_is(parser, i + 1, "by-thread"))
                bind->shards = CFG_SHARDS_BY_THREAD;
            else if (span_scan_u64(parser->words.at[i + 1].value, &shards) && shards > 0 &&
                     shards < CFG_SHARDS_BY_THREAD)
                bind->shards = (uint32_t)shards;
        }
        i += cfg_takes_value(parser->words.at[i].value) ? 2 : 1;
    }
}

void parse_bind_line(struct parser *parser, struct cfg_bind **binds, size_t *count)
{
    if (parser->words.count < 2)
        return;
    struct cfg_bind like = {
        .line = parser->line, .file = parser->file, .conditional = parser->unsure};
    parse_parameters(parser, &like);
    /* HAProxy cuts at commas with no regard to what is between them. */
    struct span rest = parser->words.at[1].value;
    while (rest.len > 0) {
        struct span text = span_cut(&rest, ',');
        struct cfg_address address = cfg_address_parse(text, true, parser->arena);
        struct cfg_bind *bind = &ARENA_PUSH(parser->arena, *binds, *count);
        *bind = like;
        bind->text = shown(parser->arena, text);
        bind->address = address.text;
        bind->is_unix = address.is_unix;
        bind->port_low = address.port_low;
        bind->port_high = address.port_high;
    }
}
