/* logs/scan_wide: the fast way, for each file that compiles it for one kind of processor. For logs/scan_*.c only, which
 * define SCAN_LINES, the name of the function made.
 *
 * A line of httplog is: framing, client, date, names, numbers, state, numbers, tail. Each part is found from the one
 * before it, with 64 bytes at a time compared to what separates its fields; nothing is looped over byte by byte, and
 * whatever is not as it should be ends in one place, where the plain way takes the line. Branches are few, since what
 * fields look like is random to a processor: a wrong guess costs as much as ten fields. */
#include "agent/logs/scan.h"

#include "agent/logs/line_parts.h"
#include "agent/logs/tally_count.h"

#if defined(__AVX512VBMI2__)
#include "agent/logs/scan_numbers_512.h"
#else
#include "agent/logs/scan_numbers.h"
#endif

/* The framing, and what time it has. */
static inline bool read_prefix(struct log_scan *scan, const char *line, size_t len,
                               const struct scan_prefix **out_prefix)
{
    for (uint32_t tried = 0; tried < SCAN_PREFIXES; tried++) {
        const struct scan_prefix *prefix = &scan->prefixes[scan->current];

        if (prefix->is_known && prefix->len < len &&
            !scan_is_outside(line, prefix->low, prefix->high, SCAN_PREFIX / 32)) {
            *out_prefix = prefix;
            return true;
        }
        scan->current = (scan->current + 1) % SCAN_PREFIXES;
    }
    return false;
}

static inline int64_t two_digits(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static inline int64_t three_digits(const char *at)
{
    return (at[0] - '0') * 100 + two_digits(at + 1);
}

/* When it was written; without a framing's time that is the end of the request. */
static inline int64_t time_of(const struct log_scan *scan, const struct scan_prefix *prefix,
                              const char *line, const char *date, int32_t total)
{
    const char *second = line + prefix->second;

    if (prefix->has_time)
        return prefix->minute + two_digits(second) * 1000 +
               (prefix->has_fraction ? three_digits(second + 3) : 0);
    return scan->date.hour + two_digits(date + 16) * 60000 + two_digits(date + 19) * 1000 +
           three_digits(date + 22) + (total > 0 ? total : 0);
}

static inline bool is_route(const struct log_tally *tally, const struct scan_cached *cached,
                            uint32_t hash, const char *names, uint32_t len)
{
    const struct tally_route *row = &tally->route_rows[cached->route];

    return cached->hash == hash && row->name_len == len &&
           scan_same64(tally->routes.bytes + row->name, names, len);
}

/* "fe be/srv": known by its ends and by what stands before the slash, then compared whole. */
static inline uint32_t route_of(struct log_tally *tally, const char *names, uint32_t slash,
                                uint32_t len)
{
    uint64_t mixed = (scan_load8(names) ^ len) * UINT64_C(0x9e3779b97f4a7c15);
    struct scan_cached *first, *second;
    uint32_t hash;

    mixed =
        (mixed ^ scan_load8(names + (slash < 8 ? 0 : slash - 8))) * UINT64_C(0xff51afd7ed558ccd);
    mixed = (mixed ^ mixed >> 32 ^ scan_load8(names + (len < 8 ? 0 : len - 8))) *
            UINT64_C(0xc4ceb9fe1a85ec53);
    hash = (uint32_t)(mixed >> 32);
    first = &tally->scan->cache[hash >> SCAN_CACHE_SHIFT]; /* its high bits are the mixed ones */
    if (is_route(tally, first, hash, names, len))
        return first->route;
    second = &tally->scan->cache[hash >> SCAN_CACHE_SHIFT ^ 1];
    if (is_route(tally, second, hash, names, len))
        return second->route;
    *second = *first;
    first->hash = hash;
    first->route = log_tally_route(tally, (struct span){names, len});
    return first->route;
}

/* Above 0xffff where one is no letter of its place. */
static inline uint32_t state_of(const struct log_scan *scan, const char *state)
{
    return scan->letters[0][(unsigned char)state[0]] | scan->letters[1][(unsigned char)state[1]] |
           scan->letters[2][(unsigned char)state[2]] | scan->letters[3][(unsigned char)state[3]];
}

/* "10.0.0.1:4711 [22/Nov/2026:08:45:15.182] "; *at is behind it then. */
static inline bool read_client_and_date(const struct log_scan *scan, const char **at,
                                        const struct scan_prefix *prefix, uint32_t *out_client)
{
    const char *client = *at;
    uint32_t len = scan_first_bit(scan_equal64(client, ' '));
    uint64_t before = len == 64 ? 0 : (UINT64_C(1) << len) - 1;

    /* A colon that is neither first nor last; and no time or priority that only looks like a client. */
    if ((scan_equal64(client, ':') & before & ~UINT64_C(1)) == 0 || client[len - 1] == ':' ||
        (!prefix->has_time && (client[4] == '-' || client[0] == '<')))
        return false;
    if (!scan->date.is_known ||
        scan_is_outside(client + len + 1, scan->date.low, scan->date.high, 1))
        return false;
    *out_client = len;
    *at = client + len + 1 + SCAN_DATE_LEN;
    return true;
}

/* "fe be/srv " */
static inline bool read_names(const char **at, uint32_t *out_slash, uint32_t *out_len)
{
    uint64_t spaces = scan_equal64(*at, ' ');
    uint32_t frontend = scan_take_bit(&spaces), len = scan_take_bit(&spaces);
    uint32_t slash = scan_first_bit(scan_equal64(*at, '/'));

    if (frontend < 2 || slash <= frontend + 1 || len <= slash + 1 || len == 64)
        return false;
    *out_slash = slash;
    *out_len = len;
    *at += len + 1;
    return true;
}

static __attribute__((noinline)) void count_odd_tail(struct log_tally *tally, struct span tail,
                                                     bool is_client)
{
    struct log_line line = {.kind = LOG_KIND_HTTP};

    log_request_read_tail(tail, &line);
    if (is_client && line.kind == LOG_KIND_HTTP)
        line.kind = LOG_KIND_HTTPCLIENT;
    tally->kinds[line.kind]++;
    tally->cut += line.cut;
}

static inline void count_kind(struct log_tally *tally, uint32_t route, struct span tail)
{
    bool is_client = tally->route_rows[route].is_client;

    if (log_request_is_whole_tail(tail))
        tally->kinds[is_client ? LOG_KIND_HTTPCLIENT : LOG_KIND_HTTP]++;
    else
        count_odd_tail(tally, tail, is_client);
}

/* False: this line is for the plain way, and nothing was counted. */
static inline bool scan_line(struct log_tally *tally, const char *line, const char *end)
{
    struct log_scan *scan = tally->scan;
    struct scan_numbers numbers;
    struct log_sample sample;
    const struct scan_prefix *prefix;
    const char *at, *client, *names, *state;
    uint32_t client_len, slash, names_len, route;

    if (!read_prefix(scan, line, (size_t)(end - line), &prefix))
        return false;
    client = at = line + prefix->len;
    if (!read_client_and_date(scan, &at, prefix, &client_len))
        return false;
    names = at;
    scan_clear_numbers(&numbers);
    if (!read_names(&at, &slash, &names_len) || !scan_read_timers(&at, &numbers))
        return false;
    state = at;
    at += 5;
    if (state[4] != ' ' || !scan_read_conns(&at, end, &numbers, &sample.is_redispatched) ||
        !scan_read_numbers(&numbers, sample.lanes) || end[-1] == '\r')
        return false;
    sample.state = state_of(scan, state);
    sample.status = (uint32_t)(sample.lanes[LANE_STATUS] + 1);
    if (sample.state > 0xffff || sample.status > 1000)
        return false;
    sample.time = time_of(scan, prefix, line, client + client_len + 1, sample.lanes[LANE_TA]);
    /* Where it is the last one's, that one was counted: skipped lines leave it alone. */
    if (sample.time != tally->counted && !log_tally_see_time(tally, &sample.time))
        return true;
    sample.line = (struct span){line, (size_t)(end - line)};
    sample.client = (struct span){client, client_len};
    sample.has_port = true;
    sample.bytes = (uint32_t)sample.lanes[LANE_BYTES];
    route = route_of(tally, names, slash, names_len);
    count_kind(tally, route, (struct span){at, (size_t)(end - at)});
    tally_count(tally, route, &sample);
    return true;
}

#define SCAN_BLOCK 8192

/* Where lines end in a block, as offsets: most 64 bytes hold one end or none, which takes no branch. */
static inline size_t find_ends(const char *block, size_t len, uint32_t *ends)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i += 64) {
        uint64_t bits = scan_equal64(block + i, '\n');

        if (len - i < 64)
            bits &= (UINT64_C(1) << (len - i)) - 1;
        ends[count] = (uint32_t)i + scan_first_bit(bits);
        count += bits != 0;
        for (bits &= bits - 1; bits != 0; bits &= bits - 1)
            ends[count++] = (uint32_t)i + scan_first_bit(bits);
    }
    return count;
}

void SCAN_LINES(struct log_tally *tally, struct span lines)
{
    uint32_t *ends = tally->scan->ends;
    const char *start = lines.ptr;

    for (size_t offset = 0; offset < lines.len; offset += SCAN_BLOCK) {
        const char *block = lines.ptr + offset;
        size_t len = lines.len - offset < SCAN_BLOCK ? lines.len - offset : SCAN_BLOCK;
        size_t count = find_ends(block, len, ends);

        for (size_t i = 0; i < count; i++) {
            const char *end = block + ends[i];

            if (end == start || !scan_line(tally, start, end))
                log_scan_line(tally, (struct span){start, (size_t)(end - start)});
            start = end + 1;
        }
        tally->lines += count;
    }
    if (start < lines.ptr + lines.len) {
        tally->lines++;
        log_scan_line(tally, (struct span){start, (size_t)(lines.ptr + lines.len - start)});
    }
}
