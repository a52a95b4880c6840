#include "remediations/host/haproxy_errors.h"

#include <string.h>
#include <time.h>

#include "plans/base/escape.h"

enum { SHOWN_MAX = 160, NAME_MAX_BYTES = 256, CLIENT_MAX = 64, BEGIN_MAX = 16, TIME_SHOWN = 20 };

static int not_the_answer(struct span line, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();

    return err_set(err, ERR_INPUT, "'show errors' was answered with '%s'",
                   escape_span(scratch, span_trim(line), SHOWN_MAX));
}

static int is_cut_off(struct span answer, struct err *err)
{
    return err_set(err, ERR_INPUT, "the answer to 'show errors' is cut off after %zu bytes",
                   answer.len);
}

/* ---- pieces of a line ---- */

static bool take(struct span *rest, const char *word)
{
    size_t len = strlen(word);

    if (!span_starts_with(*rest, word))
        return false;
    *rest = (struct span){rest->ptr + len, rest->len - len};
    return true;
}

/* All up to `end`, which is taken too. */
static bool take_until(struct span *rest, const char *end, struct span *out_part)
{
    const char *at = rest->len == 0 ? NULL : memmem(rest->ptr, rest->len, end, strlen(end));

    if (at == NULL)
        return false;
    *out_part = (struct span){rest->ptr, (size_t)(at - rest->ptr)};
    *rest = (struct span){at, rest->len - out_part->len};
    return take(rest, end);
}

static bool take_number(struct span *rest, const char *end, int64_t *out_value)
{
    struct span digits;

    return take_until(rest, end, &digits) && span_scan_i64(digits, out_value);
}

/* "app (#3)". Empty for none: "<NONE> (#-1)", in 2.2 "(null) (#-1)", and for a check in 3.0 and 3.2
 * HAProxy's own "CHECKS-FE (#-1)". */
static bool take_name(struct span *rest, struct span *out_name)
{
    int64_t number;

    if (!take_until(rest, " (#", out_name) || !take_number(rest, ")", &number) ||
        out_name->len == 0)
        return false;
    if (number < 0 || span_is(*out_name, "<NONE>"))
        out_name->len = 0;
    return true;
}

/* "[29/Nov/2026:23:22:33.803]", as seconds of a clock without zones: only differences are used. */
static bool take_time(struct span *rest, struct span *out_text, int64_t *out_time)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm when = {0};
    struct span all;
    int64_t day, year, hour, minute, second, thousandth;

    if (!take(rest, "[") || !take_until(rest, "]", &all) || all.len != TIME_SHOWN + 4)
        return false;
    *out_text = (struct span){all.ptr, TIME_SHOWN};
    struct span part = all, month;
    if (!take_number(&part, "/", &day) || !take_until(&part, "/", &month) || month.len != 3 ||
        !take_number(&part, ":", &year) || !take_number(&part, ":", &hour) ||
        !take_number(&part, ":", &minute) || !take_number(&part, ".", &second) ||
        !span_scan_i64(part, &thousandth))
        return false;
    const char *at = memmem(months, sizeof months - 1, month.ptr, month.len);
    if (at == NULL || (at - months) % 3 != 0 || day < 1 || day > 31 || year < 1970 || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    when.tm_mday = (int)day;
    when.tm_mon = (int)((at - months) / 3);
    when.tm_year = (int)(year - 1900);
    when.tm_hour = (int)hour;
    when.tm_min = (int)minute;
    when.tm_sec = (int)second;
    *out_time = (int64_t)timegm(&when);
    return true;
}

/* ---- the bytes ---- */

static bool read_hex(char byte, unsigned *out_value)
{
    if (byte >= '0' && byte <= '9')
        *out_value = (unsigned)(byte - '0');
    else if (byte >= 'A' && byte <= 'F')
        *out_value = (unsigned)(byte - 'A') + 10;
    else
        return false;
    return true;
}

/* One byte, as HAProxy writes it: itself, "\r" and the like, or "\x1B". */
static bool take_byte(struct span *rest, unsigned char *out_byte)
{
    static const char escapes[] = "tnre\\", meant[] = "\t\n\r\x1b\\";
    unsigned high, low;

    *out_byte = (unsigned char)rest->ptr[0];
    if (*out_byte < ' ' || *out_byte >= 0x7f)
        return false;
    if (*out_byte != '\\') {
        *rest = (struct span){rest->ptr + 1, rest->len - 1};
        return true;
    }
    if (rest->len < 2)
        return false;
    const char *at = memchr(escapes, rest->ptr[1], sizeof escapes - 1);
    if (at != NULL) {
        *out_byte = (unsigned char)meant[at - escapes];
        *rest = (struct span){rest->ptr + 2, rest->len - 2};
        return true;
    }
    if (rest->len < 4 || rest->ptr[1] != 'x' || !read_hex(rest->ptr[2], &high) ||
        !read_hex(rest->ptr[3], &low))
        return false;
    *out_byte = (unsigned char)(high * 16 + low);
    *rest = (struct span){rest->ptr + 4, rest->len - 4};
    return true;
}

struct beginning {
    unsigned char bytes[BEGIN_MAX];
    uint64_t count; /* of the whole message, so far */
};

/* "  00040+ .1\r\n": where it stands in the message, and at most 70 characters of it. */
static bool add_line(struct beginning *beginning, struct span line)
{
    size_t digits = 0;
    uint64_t offset;

    if (!take(&line, "  "))
        return false;
    while (digits < line.len && line.ptr[digits] >= '0' && line.ptr[digits] <= '9')
        digits++;
    if (digits < 5 || !span_scan_u64((struct span){line.ptr, digits}, &offset) ||
        offset != beginning->count)
        return false;
    line = (struct span){line.ptr + digits, line.len - digits};
    if ((!take(&line, "  ") && !take(&line, "+ ")) || line.len == 0)
        return false;
    while (line.len > 0) {
        unsigned char byte;
        if (!take_byte(&line, &byte))
            return false;
        if (beginning->count < BEGIN_MAX)
            beginning->bytes[beginning->count] = byte;
        beginning->count++;
    }
    return true;
}

static bool has_at(const struct beginning *beginning, size_t from, const char *bytes, size_t len)
{
    return beginning->count >= from + len && from + len <= BEGIN_MAX &&
           memcmp(beginning->bytes + from, bytes, len) == 0;
}

static bool begins_with(const struct beginning *beginning, const char *text)
{
    return has_at(beginning, 0, text, strlen(text));
}

/* The signature of version 2 begins with empty lines, which HAProxy may skip before a request. */
static enum capture_begins classify(const struct beginning *beginning)
{
    static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
    const unsigned char *bytes = beginning->bytes;

    if (beginning->count == 0)
        return CAPTURE_NOTHING;
    if (begins_with(beginning, "PROXY TCP4 ") || begins_with(beginning, "PROXY TCP6 ") ||
        begins_with(beginning, "PROXY UNKNOWN") ||
        has_at(beginning, 0, signature, sizeof signature - 1) ||
        has_at(beginning, 0, signature + 4, sizeof signature - 5))
        return CAPTURE_PROXY;
    if (beginning->count >= 3 && (bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 3 &&
        bytes[2] <= 4)
        return CAPTURE_TLS;
    return begins_with(beginning, "HTTP/") ? CAPTURE_HTTP : CAPTURE_OTHER;
}

/* ---- one message ---- */

/* What its lines hold, as they stand there. */
struct parts {
    struct span time, proxy, other, server, client;
    bool is_response;
    int64_t when, length, position;
};

static bool is_address(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (!((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || byte == '.' ||
              byte == ':'))
            return false;
    }
    return text.len > 0 && text.len <= CLIENT_MAX && text.ptr[0] != ':';
}

/* " frontend web (#2): invalid request", behind the time. */
static bool read_title(struct span line, struct parts *parts)
{
    if (!take_time(&line, &parts->time, &parts->when))
        return false;
    parts->is_response = span_starts_with(line, " backend ");
    return (take(&line, " frontend ") || take(&line, " backend ")) &&
           take_name(&line, &parts->proxy) && parts->proxy.len > 0 &&
           span_is(line, parts->is_response ? ": invalid response" : ": invalid request");
}

/* "  backend <NONE> (#-1), server <NONE> (#-1), event #2, src 127.0.0.1:36962" */
static bool read_sides(struct span line, struct parts *parts)
{
    int64_t event;

    if (!take(&line, parts->is_response ? "  frontend " : "  backend ") ||
        !take_name(&line, &parts->other) || !take(&line, ", server ") ||
        !take_name(&line, &parts->server) || !take(&line, ", event #") ||
        !take_number(&line, ", src ", &event))
        return false;
    /* HAProxy writes no address for a check; what stands there then is not to be shown. */
    parts->client = is_address(line) ? line : (struct span){"", 0};
    return true;
}

/* "  len 65, wraps at 16336, error at position 19" */
static bool read_length(struct span line, struct parts *parts)
{
    int64_t wrap;

    return take(&line, "  len ") && take_number(&line, ", wraps at ", &parts->length) &&
           take_number(&line, ", error at position ", &wrap) &&
           span_scan_i64(line, &parts->position) && parts->length >= 0 && parts->position >= 0;
}

/* Lines that tell of the protocol, and differ by it and by the version; then one of two blanks. */
static bool skip_details(struct span *rest)
{
    struct span line;

    while (span_next_line(rest, &line) && span_starts_with(line, "  "))
        if (line.len == 2)
            return true;
    return false;
}

/* To where the next one begins, or the answer ends. */
static bool read_bytes(struct span *rest, const struct parts *parts, struct beginning *beginning)
{
    struct span line, before = *rest;
    bool interrupted = false;

    while (span_next_line(rest, &line) && span_starts_with(line, "  ")) {
        /* Another one came while this one was told; what is there is of the first. */
        interrupted = span_starts_with(line, "  WARNING! ");
        if (!interrupted && !add_line(beginning, line))
            return false;
        before = *rest;
        if (interrupted)
            break;
    }
    *rest = before;
    return interrupted || beginning->count == (uint64_t)parts->length;
}

static const char *name_or_null(struct span name, struct arena *arena)
{
    return name.len == 0 ? NULL : escape_span(arena, name, NAME_MAX_BYTES);
}

static int read_message(struct span *rest, int64_t now, struct arena *arena,
                        struct haproxy_capture *out, struct err *err)
{
    struct beginning beginning = {.count = 0};
    struct parts parts = {0};
    struct span line = {"", 0};

    if (!span_next_line(rest, &line) || !read_title(line, &parts) || !span_next_line(rest, &line) ||
        !read_sides(line, &parts) || !span_next_line(rest, &line) ||
        !span_starts_with(line, "  buffer starts at ") || !span_next_line(rest, &line) ||
        !read_length(line, &parts))
        return not_the_answer(line, err);
    if (!skip_details(rest) || !read_bytes(rest, &parts, &beginning))
        return err_set(err, ERR_INPUT, "'show errors' holds a message that is not whole");
    *out = (struct haproxy_capture){
        .is_response = parts.is_response,
        .begins = classify(&beginning),
        .proxy = escape_span(arena, parts.proxy, NAME_MAX_BYTES),
        .other = name_or_null(parts.other, arena),
        .server = name_or_null(parts.server, arena),
        .client = name_or_null(parts.client, arena),
        .time = escape_span(arena, parts.time, TIME_SHOWN),
        .age = now >= parts.when ? now - parts.when : -1,
        .length = parts.length,
        .position = parts.position,
    };
    return 0;
}

/* ---- the answers ---- */

static bool is_there(const struct haproxy_capture *rows, size_t count,
                     const struct haproxy_capture *row)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].is_response == row->is_response && strcmp(rows[i].proxy, row->proxy) == 0)
            return true;
    return false;
}

struct captures {
    struct haproxy_capture *rows;
    size_t count;
};

static int read_answer(struct span *rest, struct span answer, struct arena *arena,
                       struct captures *captures, struct err *err)
{
    struct span line = {"", 0}, text;
    int64_t now, total;

    if (!span_next_line(rest, &line))
        return is_cut_off(answer, err);
    struct span head = line;
    if (!take(&head, "Total events captured on ") || !take_time(&head, &text, &now) ||
        !take(&head, " : ") || !span_scan_i64(head, &total))
        return not_the_answer(line, err);
    while (span_next_line(rest, &line) && line.len > 0) {
        struct haproxy_capture row;
        if (!span_is(line, " "))
            return not_the_answer(line, err);
        if (read_message(rest, now, arena, &row, err) < 0)
            return -1;
        if (!is_there(captures->rows, captures->count, &row))
            ARENA_PUSH(arena, captures->rows, captures->count) = row;
    }
    return 0;
}

int haproxy_errors_parse(struct span answer, size_t asked, struct arena *arena,
                         struct haproxy_capture **out_rows, size_t *out_count, struct err *err)
{
    struct captures captures = {0};
    struct span rest = answer;

    for (size_t i = 0; i < asked; i++)
        if (read_answer(&rest, answer, arena, &captures, err) < 0)
            return -1;
    /* Each answer ends with an empty line: a last one without it was cut off on its way. */
    if (answer.len < 2 || memcmp(answer.ptr + answer.len - 2, "\n\n", 2) != 0)
        return is_cut_off(answer, err);
    if (rest.len > 0)
        return not_the_answer(rest, err);
    *out_rows = captures.rows;
    *out_count = captures.count;
    return 0;
}
