#include "agent/logs/line_parts.h"

#include "agent/logs/take.h"

/* Words of a cookie that are looked through for the termination state behind it. */
#define COOKIE_WORDS_MAX 512

bool log_request_read_client(struct span token, struct log_line *line)
{
    uint64_t port;

    for (size_t i = token.len; i-- > 1;) {
        if (token.ptr[i] != ':')
            continue;
        line->client = (struct span){token.ptr, i};
        if (span_scan_u64(take_rest(token, i + 1), &port) && port <= 65535)
            line->client_port = (int32_t)port;
        return true;
    }
    return false;
}

bool log_request_is_state(struct span token, size_t letters)
{
    static const char *const allowed[] = {"-LcCsSPRIDKU", "RCHDLQT-", "NIDVEOU7-", "NPDIRU67-"};

    if (token.len != letters)
        return false;
    for (size_t i = 0; i < letters; i++)
        if (token.ptr[i] == '\0' || strchr(allowed[i], token.ptr[i]) == NULL)
            return false;
    return true;
}

bool log_request_read_conns(struct span *rest, char separator, struct log_line *line)
{
    int32_t *const counts[] = {&line->actconn, &line->feconn, &line->beconn, &line->srvconn};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (!take_i32(rest, counts[i]) || !take_char(rest, separator))
            return false;
    line->is_redispatched = take_char(rest, '+');
    return take_i32(rest, &line->retries) && take_char(rest, ' ') &&
           take_i32(rest, &line->server_queue) && take_char(rest, separator) &&
           take_i32(rest, &line->backend_queue);
}

/* Three timers are TCP's Tw/Tc/Tt, five HTTP's; each may have the '+' of option logasap. */
static bool read_timers(struct span *rest, struct log_line *line, bool *out_is_http)
{
    int32_t values[LOG_TIMER_COUNT];
    size_t count = 0;

    do {
        if (count == LOG_TIMER_COUNT)
            return false;
        if (take_char(rest, '+'))
            line->is_early = true;
        if (!take_i32(rest, &values[count]))
            return false;
        count++;
    } while (take_char(rest, '/'));
    if (count == LOG_TIMER_COUNT) {
        memcpy(line->timers, values, sizeof values);
    } else if (count == 3) {
        line->timers[LOG_TIMER_TW] = values[0];
        line->timers[LOG_TIMER_TC] = values[1];
        line->timers[LOG_TIMER_TA] = values[2];
    } else {
        return false;
    }
    *out_is_http = count == LOG_TIMER_COUNT;
    return take_char(rest, ' ');
}

/* "SC-- 1/1/0/0/3 0/0" at the front of *rest, with an end or a blank behind it. */
static bool read_state(struct span *rest, size_t letters, struct log_line *line)
{
    struct span state;

    if (!take_until(rest, ' ', &state) || !log_request_is_state(state, letters) ||
        !log_request_read_conns(rest, '/', line))
        return false;
    memcpy(line->state, state.ptr, letters);
    return rest->len == 0 || *rest->ptr == ' ';
}

/* Two cookies, then the state. A captured cookie may hold blanks, quotes and whole forged states; it stands
 * before the true one, and what a client can write behind the true one has its quotes and braces escaped: so
 * the last state with a quote or brace behind it is HAProxy's. */
static bool read_cookies_and_state(struct span *rest, struct log_line *line)
{
    struct span at = *rest;
    struct span word;
    struct span found = {0};
    bool is_plain;

    if (!take_until(&at, ' ', &word))
        return false;
    is_plain = span_is(word, "-");
    for (size_t i = 0; i < COOKIE_WORDS_MAX && take_until(&at, ' ', &word); i++) {
        struct span after = at;

        if (!read_state(&after, 4, line))
            continue;
        if (is_plain || after.len == 0) {
            *rest = after;
            return true;
        }
        if (after.len >= 2 && (after.ptr[1] == '"' || after.ptr[1] == '{' || after.ptr[1] == '\\'))
            found = at;
    }
    if (found.ptr == NULL)
        return false;
    *rest = found;
    return read_state(rest, 4, line);
}

/* The request's quotes are escaped by HAProxy; a syslog daemon may have put a '\' before the outer ones. */
static bool read_quoted(struct span *rest, struct span *out)
{
    bool escaped = take_char(rest, '\\');
    struct span all = *rest;

    if (!take_char(rest, '"'))
        return false;
    if (take_until(rest, '"', out)) {
        if (escaped && out->len > 0 && out->ptr[out->len - 1] == '\\')
            out->len--;
        return true;
    }
    *out = take_rest(all, 1);
    *rest = (struct span){all.ptr + all.len, 0};
    return false;
}

/* Captures and request, as far as they are there. */
static bool read_captures_and_request(struct span *rest, struct log_line *line)
{
    for (size_t i = 0; take_char(rest, ' ') && take_char(rest, '{') && i < 2; i++)
        if (!take_until(rest, '}', &line->captures[i])) {
            line->captures[i] = *rest;
            return false;
        }
    return read_quoted(rest, &line->request);
}

void log_request_read_tail(struct span rest, struct log_line *line)
{
    struct span all = rest;
    bool is_whole;

    line->kind = span_is(line->backend, "-") && span_is(line->server, "-") ? LOG_KIND_HTTPCLIENT
                                                                           : LOG_KIND_HTTP;
    is_whole = read_captures_and_request(&rest, line);
    line->cut = !is_whole && !log_request_is_whole_tail(all);
    if (is_whole && !log_request_is_whole_tail(all) && take_char(&rest, ' ') && rest.len > 0 &&
        memchr(rest.ptr, '/', rest.len) != NULL)
        line->kind = LOG_KIND_HTTPS;
}

static bool read_http(struct span rest, struct log_line *line)
{
    if (!take_i32(&rest, &line->status) || line->status < -1 || line->status > 999 ||
        !take_char(&rest, ' '))
        return false;
    (void)take_char(&rest, '+');
    if (!take_u64(&rest, &line->bytes) || !take_char(&rest, ' ') ||
        !read_cookies_and_state(&rest, line))
        return false;
    log_request_read_tail(rest, line);
    return true;
}

static bool read_tcp(struct span rest, struct log_line *line)
{
    (void)take_char(&rest, '+');
    if (!take_u64(&rest, &line->bytes) || !take_char(&rest, ' ') || !read_state(&rest, 2, line))
        return false;
    line->kind = LOG_KIND_TCP;
    return true;
}

/* "fe/bind: why", where a request has its frontend: names have no '/'. */
static bool read_error_line(struct span rest, struct span slash, struct log_line *line)
{
    line->frontend = slash;
    rest = take_rest(rest, slash.len + 1);
    if (!take_until(&rest, ':', &line->bind) || !take_char(&rest, ' '))
        return false;
    line->message = rest;
    line->kind = LOG_KIND_ERROR_LINE;
    return true;
}

bool log_request_read(struct log_clock *clock, struct span rest, struct log_line *line)
{
    struct span token, slash;
    bool is_http;

    if (!take_until(&rest, ' ', &token) || !log_request_read_client(token, line) ||
        !take_char(&rest, '[') || !log_clock_read_date(clock, &rest, &line->accepted) ||
        !take_char(&rest, ']') || !take_char(&rest, ' '))
        return false;
    if (!take_until(&rest, ' ', &token))
        return false;
    slash = token;
    if (memchr(token.ptr, '/', token.len) != NULL) {
        slash = span_cut(&token, '/');
        return read_error_line((struct span){slash.ptr, (size_t)(rest.ptr + rest.len - slash.ptr)},
                               slash, line);
    }
    line->is_tls = span_ends_with(token, "~");
    if (line->is_tls)
        token.len--;
    line->frontend = token;
    if (!take_until(&rest, ' ', &token) || !take_until(&token, '/', &line->backend))
        return false;
    line->server = token;
    if (line->frontend.len == 0 || line->backend.len == 0 || token.len == 0)
        return false;
    return read_timers(&rest, line, &is_http) &&
           (is_http ? read_http(rest, line) : read_tcp(rest, line));
}
