#include "agent/observe/ask.h"

#include <string.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"
#include "remediations/host/haproxy_endpoint.h"

enum {
    STATUS_LINE_MIN = 12, /* "HTTP/1.1 200" */
    PILED_LEAST = 4,      /* fewer are chance */
    PILED_FACTOR = 4,
};

/* ---- who ---- */

static bool is(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

static bool starts(const char *text, const char *word)
{
    return text != NULL && strncmp(text, word, strlen(word)) == 0;
}

/* The check got its connection, and no good answer. */
static bool failed_behind_the_connection(const struct haproxy_stat *row)
{
    const char *status = row->check_status;

    return is(status, "L7STS") || is(status, "L7RSP") || is(status, "L7TOUT") ||
           is(status, "L6RSP") || is(status, "L6TOUT") || is(status, "SOCKERR") ||
           is(status, "HANA");
}

static bool is_checked_no_further(const struct haproxy_stat *row)
{
    return row->check_status == NULL || is(row->check_status, "L4OK") ||
           is(row->check_status, "L6OK") || is(row->status, "no check");
}

static bool has_errors(const struct haproxy_stat *row)
{
    return row->responses_5xx > 0 || row->response_errors > 0 || row->connect_errors > 0;
}

uint64_t ask_unanswered(const struct haproxy_stat *row)
{
    const int64_t answered[] = {row->responses_1xx, row->responses_2xx, row->responses_3xx,
                                row->responses_4xx, row->responses_5xx, row->responses_other};
    int64_t left = row->sessions_total;

    for (size_t i = 0; i < sizeof answered / sizeof *answered; i++) {
        if (answered[i] < 0)
            return 0;
        left -= answered[i];
    }
    if (left > row->sessions)
        left = row->sessions;
    return left > 0 ? (uint64_t)left : 0;
}

bool ask_is_piled_up(const struct haproxy_stat *row)
{
    uint64_t unanswered = ask_unanswered(row);
    double usual = row->rate > 0 && row->response_ms > 0
                       ? (double)row->rate * (double)row->response_ms / 1000
                       : 0;

    return unanswered >= PILED_LEAST && (double)unanswered > PILED_FACTOR * usual;
}

/* The check is content with a handshake in which it may have sent another name than the traffic. */
static bool fails_in_spite_of_check(const struct haproxy_stat *row)
{
    return starts(row->check_status, "L7OK") && row->connect_errors > 0;
}

static bool is_to_be_asked(const struct haproxy_stat *row)
{
    if (row->type != STAT_SERVER || row->tracked != NULL || starts(row->status, "MAINT") ||
        starts(row->status, "DRAIN"))
        return false;
    return failed_behind_the_connection(row) || (is_checked_no_further(row) && has_errors(row)) ||
           fails_in_spite_of_check(row) || ask_is_piled_up(row);
}

/* As the check would ask it; else as the traffic does. */
static bool is_about_check(const struct haproxy_stat *row)
{
    return failed_behind_the_connection(row) && !is(row->check_status, "HANA");
}

/* ---- what ---- */

static bool changes_nothing(const char *method)
{
    return is(method, "GET") || is(method, "HEAD") || is(method, "OPTIONS");
}

/* A word of a request line must be one: nothing that ends it. */
static bool is_word(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool is_line(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ')
            return false;
    return true;
}

static const char *or_else(const char *text, const char *other)
{
    return text != NULL && text[0] != '\0' ? text : other;
}

static void write_check(const struct cfg_check *check, struct arena *arena, struct ask *ask)
{
    const char *method = or_else(check->method, "OPTIONS"), *uri = or_else(check->uri, "/");
    const char *version = or_else(check->version, "HTTP/1.0");
    struct text text = text_new(arena);

    if (check->is_intricate || !changes_nothing(method) || !is_word(uri) || !is_word(version))
        return;
    text_addf(&text, "%s %s %s\r\n", method, uri, version);
    for (size_t i = 0; i < check->headers.count; i++) {
        if (!is_line(check->headers.at[i]))
            return;
        text_addf(&text, "%s\r\n", check->headers.at[i]);
    }
    text_add(&text, "Connection: close\r\n\r\n");
    if (text.len > ASK_QUESTION_MAX)
        return;
    ask->question = text_span(&text);
    ask->asked.question = escape_string(arena, arena_printf(arena, "%s %s", method, uri));
}

static void write_first_page(struct arena *arena, struct ask *ask)
{
    const char *name = ask->name != NULL ? ask->name : ask->asked.address;

    ask->question = span_of(arena_printf(arena,
                                         "GET / HTTP/1.1\r\nHost: %s\r\n"
                                         "Connection: close\r\n\r\n",
                                         name));
    ask->asked.question = "GET /";
}

/* "str(www.example.com)": the only expression that has one value for all. */
static const char *fixed_name(const char *expression, struct arena *arena)
{
    struct span text = span_of(expression != NULL ? expression : "");

    if (!span_starts_with(text, "str(") || !span_ends_with(text, ")"))
        return NULL;
    const char *name = arena_copy(arena, text.ptr + 4, text.len - 5);
    return name[0] != '\0' && is_word(name) ? name : NULL;
}

/* Since 3.3 it sends one that it takes from the request, where the line has none. */
static bool may_send_name_unasked(const struct haproxy *haproxy)
{
    return haproxy->major > 3 || (haproxy->major == 3 && haproxy->minor >= 3);
}

/* SNI's name is the one that counts, and `verifyhost` only where none is sent. */
static void name_certificate(const struct facts *facts, const struct cfg_contact *contact,
                             bool is_name_known, struct ask *ask)
{
    if (!ask->is_verified || !is_name_known ||
        (ask->name == NULL && may_send_name_unasked(facts->haproxy)))
        return;
    ask->asked.wanted = ask->name != NULL ? ask->name : contact->verify_host;
    ask->asked.wanted_by = ask->asked.wanted == NULL         ? NULL
                           : ask->name == NULL               ? "verifyhost"
                           : ask->name == contact->check_sni ? "check-sni"
                                                             : "sni";
}

/* How the check, or the traffic, speaks TLS. */
static void set_tls(const struct facts *facts, const struct haproxy_stat *row,
                    const struct cfg_proxy *proxy, const struct cfg_server *server,
                    struct arena *arena, struct ask *ask)
{
    const struct cfg_contact *contact = cfg_contact_of(server);
    bool of_check = is_about_check(row);
    /* A check that got behind the handshake has taken the certificate. */
    bool is_judged = !of_check || !starts(row->check_status, "L7");

    ask->is_tls = of_check ? cfg_check_is_ssl(server) : contact->ssl;
    ask->name = of_check ? contact->check_sni : fixed_name(contact->sni, arena);
    ask->is_verified = ask->is_tls && is_judged &&
                       (contact->verify_required ||
                        (!contact->verify_none && !facts->cfg->global.verifies_no_server));
    ask->ca_file = ask->is_verified ? contact->ca_file : NULL;
    name_certificate(
        facts, contact,
        of_check ? !proxy->check.connects_by_rule : contact->sni == NULL || ask->name != NULL, ask);
}

/* What the file has an address of is connected to anyway; of others HAProxy alone knows it. */
static bool make_connection(struct ask *ask)
{
    ask->is_connection = true;
    ask->asked.question = "a connection";
    return true;
}

static bool make_ask(const struct facts *facts, const struct haproxy_stat *row, struct arena *arena,
                     struct ask *ask)
{
    const struct cfg_proxy *proxy = cfg_find_backend(facts->cfg, row->proxy);
    const struct cfg_server *server = proxy != NULL ? cfg_find_server(proxy, row->name) : NULL;
    bool of_check = is_about_check(row);

    *ask = (struct ask){.asked = {.backend = row->proxy, .server = row->name}};
    if (proxy == NULL || (server != NULL && !cfg_server_is_direct(server)) ||
        !haproxy_endpoint_split(row->address, arena, &ask->asked.address, &ask->asked.port))
        return false;
    if (server == NULL) {
        ask->source = proxy->check.source;
        return !of_check && make_connection(ask);
    }
    const struct cfg_contact *contact = cfg_contact_of(server);
    /* It wants to hear first who the client is, and that is HAProxy's to say. */
    if (contact->send_proxy || (of_check && contact->check_send_proxy))
        return false;
    set_tls(facts, row, proxy, server, arena, ask);
    ask->source = contact->source != NULL ? contact->source : proxy->check.source;
    if (fails_in_spite_of_check(row) && !ask_is_piled_up(row)) {
        ask->asked.question = "a TLS handshake";
        return ask->asked.wanted != NULL && !is(contact->check_sni, ask->asked.wanted);
    }
    if (of_check) {
        if (contact->check_address != NULL)
            ask->asked.address = contact->check_address;
        if (server->check_port > 0)
            ask->asked.port = server->check_port;
        if (proxy->check.kind == CFG_CHECK_HTTP)
            write_check(&proxy->check, arena, ask);
    } else if (proxy->is_http) {
        write_first_page(arena, ask);
    }
    if (ask->question.len > 0)
        return true;
    if (!ask->is_tls)
        return !of_check && !is(server->address, ask->asked.address) && make_connection(ask);
    ask->asked.question = "a TLS handshake";
    return true;
}

/* A monitor of HAProxy's own that is told when to say that it is not well: nobody logs what it says.
 * To ask it changes nothing, and is what whoever stands before HAProxy does all the time. */
static bool make_monitor_ask(const struct cfg_proxy *proxy, struct arena *arena, struct ask *ask)
{
    *ask =
        (struct ask){.asked = {.backend = proxy->name, .server = ASK_MONITOR}, .is_monitor = true};
    if (proxy->monitor_uri == NULL || proxy->monitor_fail_line == 0 || proxy->disabled ||
        !is_word(proxy->monitor_uri) || strlen(proxy->monitor_uri) > ASK_QUESTION_MAX / 2)
        return false;
    for (size_t i = 0; i < proxy->bind_count && ask->asked.address == NULL; i++) {
        const struct cfg_bind *bind = &proxy->binds[i];

        if (bind->address == NULL || bind->is_unix || bind->in_namespace || bind->accept_proxy ||
            bind->port_low == 0)
            continue;
        ask->asked.address = is(bind->address, "0.0.0.0") ? "127.0.0.1"
                             : is(bind->address, "::")    ? "::1"
                                                          : bind->address;
        ask->asked.port = bind->port_low;
        ask->is_tls = bind->ssl;
    }
    if (ask->asked.address == NULL)
        return false;
    ask->question = span_of(arena_printf(arena, "GET %s HTTP/1.0\r\n\r\n", proxy->monitor_uri));
    ask->asked.question = escape_string(arena, arena_printf(arena, "GET %s", proxy->monitor_uri));
    return true;
}

struct ask *ask_list(const struct facts *facts, struct arena *arena, size_t *out_count)
{
    struct ask *asks = NULL;
    size_t count = 0;

    for (size_t i = 0; facts->cfg != NULL && i < facts->stat_count && count < ASK_MAX; i++) {
        struct ask ask;

        if (is_to_be_asked(&facts->stats[i]) && make_ask(facts, &facts->stats[i], arena, &ask))
            ARENA_PUSH(arena, asks, count) = ask;
    }
    for (size_t i = 0; facts->cfg != NULL && i < facts->cfg->proxy_count && count < ASK_MAX; i++) {
        struct ask ask;

        if (make_monitor_ask(facts->cfg->proxies[i], arena, &ask))
            ARENA_PUSH(arena, asks, count) = ask;
    }
    *out_count = count;
    return asks;
}

/* ---- the answer ---- */

bool ask_has_bad_certificate(const struct asked *asked)
{
    return asked->tls == TLS_EXPIRED || asked->tls == TLS_DISTRUSTED ||
           asked->tls == TLS_OTHER_NAME;
}

/* A record of TLS: an alert, or a part of a handshake. */
static bool is_tls_record(struct span bytes)
{
    return bytes.len >= 3 && (bytes.ptr[0] == 0x15 || bytes.ptr[0] == 0x16) &&
           bytes.ptr[1] == 0x03 && bytes.ptr[2] <= 0x04 && bytes.ptr[2] >= 0;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* "HTTP/1.1 503 ..." */
static bool read_status(struct span line, uint32_t *out_status)
{
    const char *at = line.ptr;

    if (line.len < STATUS_LINE_MIN || memcmp(at, "HTTP/", 5) != 0 || !is_digit(at[5]) ||
        at[6] != '.' || !is_digit(at[7]) || at[8] != ' ' || !is_digit(at[9]) || !is_digit(at[10]) ||
        !is_digit(at[11]) || (line.len > STATUS_LINE_MIN && at[12] != ' ' && at[12] != '\r'))
        return false;
    *out_status = (uint32_t)((at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0'));
    return *out_status >= 100;
}

bool ask_read(struct span bytes, bool is_closed, struct arena *arena, struct asked *asked)
{
    struct span rest = bytes, line = {0};
    uint32_t status = 0;

    if (bytes.len == 0) {
        if (is_closed)
            asked->said = ASKED_CLOSED;
        return is_closed;
    }
    const char *end = memchr(bytes.ptr, '\n', bytes.len);
    if (is_tls_record(bytes)) {
        asked->said = ASKED_TLS;
        return true;
    }
    /* A line that goes on for ever is none. */
    if (end == NULL && !is_closed && bytes.len < ASK_LINE_MAX)
        return false;
    (void)span_next_line(&rest, &line);
    line = span_trim(line);
    asked->text = escape_span(arena, line, ASK_LINE_MAX);
    asked->said = end != NULL && read_status(line, &status) ? ASKED_STATUS : ASKED_OTHER;
    asked->status = asked->said == ASKED_STATUS ? status : 0;
    return true;
}
