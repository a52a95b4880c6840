#include "agent/logs/line_parts.h"

#include "agent/logs/take.h"

/* A word with or without quotes; the quoted one may be empty. */
static bool take_word(struct span *rest, struct span *out)
{
    if (take_char(rest, '"'))
        return take_until(rest, '"', out) && take_char(rest, ' ');
    return take_until(rest, ' ', out);
}

static bool read_head(struct span *rest, struct log_line *line)
{
    struct span ignored;

    if (!take_until(rest, ' ', &line->client) || line->client.len == 0)
        return false;
    return take_char(rest, '-') && take_char(rest, ' ') && take_char(rest, '-') &&
           take_char(rest, ' ') && take_char(rest, '[') &&
           log_clock_read_clf(rest, &line->accepted) && take_char(rest, ']') &&
           take_char(rest, ' ') && take_word(rest, &line->request) &&
           take_i32(rest, &line->status) && line->status >= -1 && line->status <= 999 &&
           take_char(rest, ' ') && (take_char(rest, '+') || true) && take_u64(rest, &line->bytes) &&
           take_char(rest, ' ') && take_word(rest, &ignored) && take_word(rest, &ignored) &&
           take_i32(rest, &line->client_port) && take_char(rest, ' ');
}

/* "823 "fe" "be" "srv" TR Tw Tc Tr Ta": %ms, the names and the timers. */
static bool read_places(struct span *rest, struct log_line *line)
{
    int32_t milliseconds;

    if (!take_i32(rest, &milliseconds) || !take_char(rest, ' ') ||
        !take_word(rest, &line->frontend) || !take_word(rest, &line->backend) ||
        !take_word(rest, &line->server))
        return false;
    if (milliseconds >= 0 && milliseconds < 1000)
        line->accepted += milliseconds;
    line->is_tls = span_ends_with(line->frontend, "~");
    if (line->is_tls)
        line->frontend.len--;
    for (size_t i = 0; i < LOG_TIMER_COUNT; i++) {
        if (take_char(rest, '+'))
            line->is_early = true;
        if (!take_i32(rest, &line->timers[i]) || !take_char(rest, ' '))
            return false;
    }
    return true;
}

/* tcplog clf writes Th Tw Tc Tt and the bytes sent where HTTP has its five timers. */
static void move_tcp_timers(struct log_line *line)
{
    line->timers[LOG_TIMER_TA] = line->timers[LOG_TIMER_RESPONSE];
    line->timers[LOG_TIMER_RESPONSE] = LOG_LINE_NONE;
    line->timers[LOG_TIMER_TR] = LOG_LINE_NONE;
    line->status = LOG_LINE_NONE;
}

bool log_clf_read(struct span rest, struct log_line *line)
{
    struct span state;
    bool is_tcp;

    if (!read_head(&rest, line))
        return false;
    is_tcp = line->status == 0 && span_is(line->request, "TCP ");
    if (!read_places(&rest, line) || !take_word(&rest, &state) || !log_request_is_state(state, 4))
        return false;
    for (size_t i = 0; i < 4; i++)
        line->state[i] = is_tcp && i >= 2 ? '\0' : state.ptr[i];
    if (is_tcp)
        move_tcp_timers(line);
    if (!log_request_read_conns(&rest, ' ', line))
        return false;
    line->kind = is_tcp ? LOG_KIND_TCP_CLF : LOG_KIND_CLF;
    return true;
}
