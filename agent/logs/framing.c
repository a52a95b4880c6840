#include "agent/logs/line_parts.h"

#include "agent/logs/take.h"

/* "<134>" */
static bool take_priority(struct span *rest, struct log_line *line)
{
    struct span at = *rest;
    uint64_t priority;

    if (!take_char(&at, '<') || !take_u64(&at, &priority) || priority > 191 || !take_char(&at, '>'))
        return false;
    line->level = (int32_t)(priority & 7);
    line->framing = LOG_FRAMING_PRIORITY;
    *rest = at;
    return true;
}

/* "haproxy[1]:", "haproxy:" → without pid and colon */
static bool is_tag(struct span token, struct span *out_tag)
{
    struct span name;

    if (token.len < 2 || token.ptr[token.len - 1] != ':')
        return false;
    token.len--;
    name = token;
    if (token.ptr[token.len - 1] == ']')
        for (size_t i = token.len - 1; i-- > 0;)
            if (token.ptr[i] == '[') {
                name.len = i;
                break;
            }
    *out_tag = name;
    return name.len > 0;
}

/* "[host ]tag[pid]: ": where neither the first nor the second word is a tag there is none, and all is payload. */
static bool take_host_and_tag(struct span *rest, struct log_line *line)
{
    struct span at = *rest;
    struct span first, second, tag;

    if (!take_until(&at, ' ', &first))
        return false;
    if (is_tag(first, &tag)) {
        line->tag = tag;
        *rest = at;
        return true;
    }
    if (!take_until(&at, ' ', &second) || !is_tag(second, &tag))
        return false;
    line->host = first;
    line->tag = tag;
    *rest = at;
    return true;
}

static void skip_spaces(struct span *rest)
{
    while (take_char(rest, ' '))
        continue;
}

/* "-", or elements "[name key=\"value\"]" where '\' escapes what ends a value. */
static bool take_structured(struct span *rest)
{
    struct span at = *rest;

    if (take_char(&at, '-')) {
        *rest = at;
        return true;
    }
    while (take_char(&at, '[')) {
        bool quoted = false;

        for (; at.len > 0 && (quoted || *at.ptr != ']'); at = take_rest(at, 1)) {
            if (*at.ptr == '\\' && at.len > 1)
                at = take_rest(at, 1);
            else if (*at.ptr == '"')
                quoted = !quoted;
        }
        if (!take_char(&at, ']'))
            return false;
        *rest = at;
    }
    return at.ptr == rest->ptr;
}

/* Behind "<134>1 ": "TIME host tag pid msgid structured-data MSG" */
static bool take_rfc5424(struct log_clock *clock, struct span *rest, struct log_line *line)
{
    struct span at = *rest;
    struct span host, tag, pid, id;
    int64_t time = LOG_NO_TIME;

    if (!log_clock_read_iso(clock, &at, &time) && !take_char(&at, '-'))
        return false;
    if (!take_char(&at, ' ') || !take_until(&at, ' ', &host) || !take_until(&at, ' ', &tag) ||
        !take_until(&at, ' ', &pid) || !take_until(&at, ' ', &id))
        return false;
    {
        struct span before = at;

        if (!take_structured(&at) || at.ptr == before.ptr)
            return false;
    }
    skip_spaces(&at);
    line->framing = LOG_FRAMING_RFC5424;
    line->time = time;
    if (!span_is(host, "-"))
        line->host = host;
    if (!span_is(tag, "-"))
        line->tag = tag;
    *rest = at;
    return true;
}

void log_framing_strip(struct log_clock *clock, struct span *rest, struct log_line *line)
{
    struct span at;
    int64_t time;

    if (take_priority(rest, line)) {
        at = *rest;
        if (take_char(&at, '1') && take_char(&at, ' ') && take_rfc5424(clock, &at, line)) {
            *rest = at;
            return;
        }
    }
    at = *rest;
    if (log_clock_read_iso(clock, &at, &time) && take_char(&at, ' ')) {
        line->framing = LOG_FRAMING_TIMED;
        if (take_host_and_tag(&at, line))
            line->framing = LOG_FRAMING_ISO;
    } else if (at = *rest,
               log_clock_read_traditional(clock, &at, LOG_NO_TIME, &time) && take_char(&at, ' ')) {
        line->framing = LOG_FRAMING_TRADITIONAL;
        (void)take_host_and_tag(&at, line);
    } else {
        return;
    }
    line->time = time;
    skip_spaces(&at);
    *rest = at;
}

void log_framing_settle_year(struct log_clock *clock, struct span bytes, struct log_line *line)
{
    struct log_line ignored = {0};

    (void)take_priority(&bytes, &ignored);
    (void)log_clock_read_traditional(clock, &bytes, line->accepted, &line->time);
}
