#include "agent/logs/line_parts.h"

#include "agent/logs/message.h"
#include "agent/logs/take.h"

static bool is_message(struct span payload)
{
    struct log_message message;

    return log_message_classify(payload, &message);
}

static void clear(struct log_line *line)
{
    *line = (struct log_line){.kind = LOG_KIND_UNKNOWN,
                              .level = LOG_LINE_NONE,
                              .time = LOG_NO_TIME,
                              .accepted = LOG_NO_TIME,
                              .client_port = LOG_LINE_NONE,
                              .status = LOG_LINE_NONE,
                              .actconn = LOG_LINE_NONE,
                              .feconn = LOG_LINE_NONE,
                              .beconn = LOG_LINE_NONE,
                              .srvconn = LOG_LINE_NONE,
                              .retries = LOG_LINE_NONE,
                              .server_queue = LOG_LINE_NONE,
                              .backend_queue = LOG_LINE_NONE};
    for (size_t i = 0; i < LOG_TIMER_COUNT; i++)
        line->timers[i] = LOG_LINE_NONE;
}

/* The framing stays, what a format that did not fit has filled in goes. */
static void clear_payload(struct log_line *line)
{
    struct log_line kept = *line;

    clear(line);
    line->framing = kept.framing;
    line->level = kept.level;
    line->time = kept.time;
    line->host = kept.host;
    line->tag = kept.tag;
    line->payload = kept.payload;
}

/* "Connect from 10.0.0.1:4711 to ... (fe/HTTP)" */
static bool read_connect_from(struct span payload, struct log_line *line)
{
    struct span rest = payload;
    struct span word;

    if (span_starts_with(payload, "Connect from ")) {
        rest = take_rest(rest, strlen("Connect from "));
        if (!take_until(&rest, ' ', &word) ||
            (!log_request_read_client(word, line) && !span_is(word, "unknown")))
            return false;
    } else if (!span_starts_with(payload, "Connect to unix:")) {
        return false;
    }
    line->message = payload;
    line->kind = LOG_KIND_CONNECT_FROM;
    for (size_t i = rest.len; i-- > 0;)
        if (rest.ptr[i] == '(') {
            struct span name = take_rest(rest, i + 1);

            (void)take_until(&name, '/', &line->frontend);
            return true;
        }
    line->cut = true;
    return true;
}

/* An unknown prefix ("web1 | ", "stdout F "): the client is the word before " [dd/". A line whose tag is known
 * has its client right behind it, or none: other programs' lines may quote what a stranger sent them. */
static bool find_client(struct span *rest)
{
    struct span at = *rest;
    const char *bracket;

    while (at.len > 0 && (bracket = memchr(at.ptr, '[', at.len)) != NULL) {
        size_t before = (size_t)(bracket - rest->ptr);
        size_t start;

        at = (struct span){bracket + 1, rest->len - before - 1};
        if (before < 2 || rest->ptr[before - 1] != ' ' || at.len < 3 || at.ptr[2] != '/')
            continue;
        for (start = before - 1; start > 0 && rest->ptr[start - 1] != ' '; start--)
            continue;
        *rest = take_rest(*rest, start);
        return start > 0;
    }
    return false;
}

/* What begins like a request and goes on otherwise stays unknown, whatever its tag: cut, or a log-format. */
static bool read_payload(struct log_clock *clock, struct log_line *line)
{
    struct span payload = line->payload;
    bool begins_like_request;

    if (log_request_read(clock, payload, line))
        return true;
    begins_like_request = line->accepted != LOG_NO_TIME;
    clear_payload(line);
    if (log_clf_read(payload, line))
        return true;
    begins_like_request |= line->accepted != LOG_NO_TIME;
    clear_payload(line);
    line->cut = begins_like_request;
    return begins_like_request || read_connect_from(payload, line);
}

static void read_other(struct log_clock *clock, struct log_line *line)
{
    bool is_ours = span_starts_with(line->tag, "haproxy");

    clear_payload(line);
    if (line->payload.len == 0)
        return;
    if ((is_ours || line->tag.len == 0) && is_message(line->payload)) {
        line->kind = LOG_KIND_MESSAGE;
        line->message = line->payload;
    } else if (is_ours) {
        line->kind = LOG_KIND_UNKNOWN; /* a log-format, in which clients may say what they like */
    } else if (line->tag.len > 0) {
        line->kind = LOG_KIND_OTHER;
    } else if (find_client(&line->payload)) {
        (void)read_payload(clock, line);
    }
}

bool log_line_is_request(const struct log_line *line)
{
    return line->state[0] != '\0';
}

void log_line_parse(struct log_clock *clock, struct span bytes, struct log_line *out_line)
{
    while (bytes.len > 0 && (bytes.ptr[bytes.len - 1] == '\r' || bytes.ptr[bytes.len - 1] == '\n'))
        bytes.len--;
    clear(out_line);
    out_line->payload = bytes;
    log_framing_strip(clock, &out_line->payload, out_line);
    if (!read_payload(clock, out_line))
        read_other(clock, out_line);
    if (out_line->accepted == LOG_NO_TIME)
        return;
    if (out_line->framing == LOG_FRAMING_TRADITIONAL)
        log_framing_settle_year(clock, bytes, out_line);
    if (out_line->time == LOG_NO_TIME) {
        int32_t total = out_line->timers[LOG_TIMER_TA];

        out_line->time = out_line->accepted + (total > 0 ? total : 0);
    }
}

int64_t log_line_time(struct log_clock *clock, struct span bytes)
{
    struct log_line line;

    log_line_parse(clock, bytes, &line);
    return line.time;
}
