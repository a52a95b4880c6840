#include "agent/logs/scan.h"

#include <string.h>

#include "agent/logs/take.h"

#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
}
#else
static bool has_avx2(void)
{
    return false;
}

static bool has_avx512(void)
{
    return false;
}
#endif

bool log_tally_has_way(enum log_scan_way way)
{
    if (way == LOG_SCAN_AVX512)
        return has_avx512();
    if (way == LOG_SCAN_AVX2)
        return has_avx2();
    /* The wide way puts digits in place by shifting them up. */
    if (way == LOG_SCAN_WIDE)
        return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    return way < LOG_SCAN_WAYS;
}

static enum log_scan_way choose(enum log_scan_way way)
{
    static const enum log_scan_way best[] = {LOG_SCAN_AVX512, LOG_SCAN_AVX2, LOG_SCAN_WIDE};

    if (way != LOG_SCAN_BEST)
        return log_tally_has_way(way) ? way : LOG_SCAN_PLAIN;
    for (size_t i = 0; i < sizeof best / sizeof *best; i++)
        if (log_tally_has_way(best[i]))
            return best[i];
    return LOG_SCAN_PLAIN;
}

static void forget_prefixes(struct log_scan *scan)
{
    for (size_t i = 0; i < SCAN_PREFIXES; i++)
        scan->prefixes[i].len = SCAN_UNKNOWN;
}

size_t log_scan_size(void)
{
    return sizeof(struct log_scan);
}

void log_scan_init(struct log_scan *scan, const struct log_tally *tally, enum log_scan_way way)
{
    scan->way = choose(way);
    scan->request = scan->requests;
    scan->prefix = scan->prefixes;
    forget_prefixes(scan);
    memset(scan->date.low, 0xff, sizeof scan->date.low); /* and nothing is at most 0 */
    for (size_t i = 0; i < SCAN_CACHE; i++)
        scan->cache[i] = &tally->route_rows[0];
    for (int letter = 0; letter < 256; letter++) {
        char one[4];

        memset(one, letter, sizeof one);
        for (unsigned place = 0; place < 4; place++) {
            uint32_t packed = log_tally_pack_state(one, 4) & (0xf000U >> 4 * place);

            scan->letters[place][letter] = packed == 0 ? SCAN_NO_LETTER : packed;
        }
    }
}

static void allow(struct scan_prefix *prefix, size_t at, char low, char high)
{
    prefix->low[at] = (unsigned char)low;
    prefix->high[at] = (unsigned char)high;
}

/* Where a framing's time has its seconds, "17" of "08:39:17": behind the second colon. */
static bool find_second(struct span framing, enum log_framing kind, uint32_t *out_at)
{
    size_t at = kind == LOG_FRAMING_TRADITIONAL ? 13 : 17;

    if (framing.len > 0 && *framing.ptr == '<')
        for (at++; at < framing.len &&
                   framing.ptr[at - (kind == LOG_FRAMING_TRADITIONAL ? 14 : 18)] != '>';)
            at++;
    if (kind == LOG_FRAMING_RFC5424)
        at += 2;
    *out_at = (uint32_t)at;
    return at + 2 < framing.len && framing.ptr[at - 1] == ':' && take_is_digit(framing.ptr[at]) &&
           take_is_digit(framing.ptr[at + 1]);
}

static int64_t digits_at(struct span bytes, size_t at, size_t count)
{
    int64_t value = 0;

    for (size_t i = at; i < at + count && i < bytes.len; i++)
        value = value * 10 + (bytes.ptr[i] - '0');
    return value;
}

/* Seconds may be any, and behind a dot so may three or more digits, of which three are read. */
static void allow_time(struct scan_prefix *prefix, struct span framing, int64_t time)
{
    uint32_t at = prefix->second;
    uint32_t digits = 0;

    prefix->minute = time - digits_at(framing, at, 2) * 1000;
    allow(prefix, at, '0', '5');
    allow(prefix, at + 1, '0', '9');
    at += 3;
    while (at + digits < framing.len && take_is_digit(framing.ptr[at + digits]))
        digits++;
    if (framing.ptr[at - 1] != '.' || digits < 3)
        return;
    prefix->has_fraction = true;
    prefix->minute -= digits_at(framing, at, 3);
    for (uint32_t i = 0; i < digits; i++)
        allow(prefix, at + i, '0', '9');
}

/* "haproxy[812]: ": another process of the same length is the same framing. */
static void allow_process(struct scan_prefix *prefix, struct span framing)
{
    size_t at = framing.len;

    if (!span_ends_with(framing, "]: "))
        return;
    for (at -= 3; at > 0 && take_is_digit(framing.ptr[at - 1]); at--)
        continue;
    if (at == 0 || framing.ptr[at - 1] != '[')
        return;
    for (; take_is_digit(framing.ptr[at]); at++)
        allow(prefix, at, '0', '9');
}

static void learn_prefix(struct log_scan *scan, struct span bytes, const struct log_line *line)
{
    struct span framing = {bytes.ptr, (size_t)(line->payload.ptr - bytes.ptr)};
    struct scan_prefix prefix = {.len = (uint32_t)framing.len};
    bool is_timed = line->framing != LOG_FRAMING_RAW && line->framing != LOG_FRAMING_PRIORITY;

    if (framing.len > SCAN_PREFIX || (line->framing == LOG_FRAMING_RAW && framing.len > 0))
        return;
    memset(prefix.high, 0xff, sizeof prefix.high);
    for (size_t i = 0; i < framing.len; i++)
        allow(&prefix, i, framing.ptr[i], framing.ptr[i]);
    if (is_timed) {
        prefix.has_time = true;
        if (!find_second(framing, line->framing, &prefix.second) || line->time == LOG_NO_TIME)
            return;
        allow_time(&prefix, framing, line->time);
        allow_process(&prefix, framing);
    }
    scan->prefixes[scan->next] = prefix;
    scan->prefix = &scan->prefixes[scan->next];
    scan->next = (scan->next + 1) % SCAN_PREFIXES;
}

/* The date's own bytes stand behind the client: "[22/Nov/2026:08:45:15.182] ". A time without a year was settled by
 * the date: where its month or year is another one, what was learned of framings is forgotten. */
static void learn_date(struct log_scan *scan, const struct log_line *line)
{
    static const unsigned char tens[] = {16, 19}, digits[] = {17, 20, 22, 23, 24};
    struct scan_date *date = &scan->date;
    struct span rest = line->payload;
    struct span client;

    if (!take_until(&rest, ' ', &client) || rest.len < SCAN_DATE_LEN)
        return;
    if (memcmp(date->low + 4, rest.ptr + 4, 8) != 0)
        forget_prefixes(scan);
    memset(date->low, 0, sizeof date->low);
    memset(date->high, 0xff, sizeof date->high);
    memcpy(date->low, rest.ptr, SCAN_DATE_LEN);
    memcpy(date->high, rest.ptr, SCAN_DATE_LEN);
    for (size_t i = 0; i < sizeof tens; i++)
        date->low[tens[i]] = '0', date->high[tens[i]] = '5';
    for (size_t i = 0; i < sizeof digits; i++)
        date->low[digits[i]] = '0', date->high[digits[i]] = '9';
    date->hour = line->accepted - digits_at(rest, 16, 2) * 60000 - digits_at(rest, 19, 2) * 1000 -
                 digits_at(rest, 22, 3);
}

static bool fits(const struct scan_prefix *prefix, struct span line)
{
    if (line.len < prefix->len)
        return false;
    for (size_t i = 0; i < prefix->len; i++) {
        unsigned char byte = (unsigned char)line.ptr[i];

        if (byte < prefix->low[i] || byte > prefix->high[i])
            return false;
    }
    return true;
}

void log_scan_line(struct log_tally *tally, struct span bytes)
{
    struct log_scan *scan = tally->scan;
    struct log_line line;

    log_tally_line(tally, bytes, &line);
    if (line.kind != LOG_KIND_HTTP && line.kind != LOG_KIND_HTTPS && line.kind != LOG_KIND_TCP)
        return;
    learn_date(scan, &line);
    for (uint32_t i = 0; i < SCAN_PREFIXES; i++)
        if (scan->prefixes[i].len == (size_t)(line.payload.ptr - bytes.ptr) &&
            fits(&scan->prefixes[i], bytes)) {
            scan->prefix = &scan->prefixes[i];
            return;
        }
    learn_prefix(scan, bytes, &line);
}
