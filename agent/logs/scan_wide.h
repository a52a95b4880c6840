/* logs/scan_wide: the fast way, for each file that compiles it for one kind of processor. For logs/scan_*.c only, which
 * define SCAN_LINES, the name of the function made.
 *
 * A line of httplog is: framing, client, date, names, numbers, state, numbers, tail. Each part is found from the one
 * before it, with 64 bytes at a time compared to what separates its fields; nothing is looped over byte by byte, and
 * whatever is not as it should be ends in one place, where the plain way takes the line. Branches are few, since what
 * fields look like is random to a processor: a wrong guess costs as much as ten fields. */
#include "agent/logs/scan_count.h"
#include "agent/logs/scan_ends.h"

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

/* Of names what is likely to differ: their ends, and what stands before the slash. */
static inline uint32_t hash_of(const char *names, uint32_t slash, uint32_t len)
{
    uint64_t first = (scan_load8(names) ^ len) * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t last = scan_load8(names + (len < 8 ? 0 : len - 8)) * UINT64_C(0xff51afd7ed558ccd);
    uint64_t middle =
        scan_load8(names + (slash < 8 ? 0 : slash - 8)) * UINT64_C(0xc4ceb9fe1a85ec53);

    return (uint32_t)((first ^ (last + (middle ^ middle >> 29))) >> 32);
}

/* Above 0xffff where one is no letter of its place. */
static inline uint32_t state_of(const struct log_scan *scan, const char *state)
{
    return scan->letters[0][(unsigned char)state[0]] | scan->letters[1][(unsigned char)state[1]] |
           scan->letters[2][(unsigned char)state[2]] | scan->letters[3][(unsigned char)state[3]];
}

static __attribute__((noinline)) struct scan_ending *find_ending(struct log_scan *scan,
                                                                 uint64_t key, uint32_t slot)
{
    uint32_t text = (uint32_t)key, status = (uint32_t)(key >> 32);
    char letters[4];
    uint32_t state;

    for (; scan->endings[slot].key != 0; slot = (slot + 1) % SCAN_ENDINGS)
        if (scan->endings[slot].key == key)
            return &scan->endings[slot];
    memcpy(letters, &text, sizeof letters);
    state = state_of(scan, letters);
    if (state > 0xffff || status > 1000 || scan->ending_count == SCAN_ENDINGS / 2)
        return NULL;
    scan->ending_count++;
    scan->endings[slot] =
        (struct scan_ending){.key = key,
                             .outcome = status << 16 | state,
                             .usual = TALLY_USUAL,
                             .is_error = log_tally_is_error_packed(state, status)};
    return &scan->endings[slot];
}

/* NULL: that is none. `text`: the state's four letters. */
static inline struct scan_ending *ending_of(struct log_scan *scan, uint32_t text, int32_t status)
{
    uint64_t key = (uint64_t)(uint32_t)(status + 1) << 32 | text;
    uint32_t slot = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> SCAN_ENDINGS_SHIFT);
    struct scan_ending *ending = &scan->endings[slot];

    return ending->key == key ? ending : find_ending(scan, key, slot);
}

/* "10.0.0.1:4711 [22/Nov/2026:08:45:15.182] "; *at is behind it then. */
static inline bool read_client_and_date(const struct log_scan *scan, const char **at,
                                        const struct scan_prefix *prefix, uint32_t *out_client)
{
    const char *client = *at;
    uint32_t len = scan_first_bit(scan_equal64(client, ' '));
    uint64_t before = len == 64 ? 0 : (UINT64_C(1) << len) - 1;
    uint64_t colons = scan_equal64(client, ':') & before & ~UINT64_C(1);

    /* A colon that is neither first nor last; and no time or priority that only looks like a client. */
    if (colons == 0 || colons > before >> 1 ||
        (!prefix->has_time && (client[4] == '-' || client[0] == '<')))
        return false;
    if (!scan->date.is_known ||
        scan_is_outside(client + len + 1, scan->date.low, scan->date.high, 1))
        return false;
    *out_client = len;
    *at = client + len + 1 + SCAN_DATE_LEN;
    return true;
}

/* "fe be/srv "; whether it is that is seen where it is not known yet. */
static inline bool read_names(const char *names, uint32_t *out_slash, uint32_t *out_len)
{
    uint64_t spaces = scan_equal64(names, ' ');
    uint32_t len = scan_first_bit(spaces & (spaces - 1));

    *out_slash = scan_first_bit(scan_equal64(names, '/'));
    *out_len = len;
    return *out_slash < len && len < 64;
}

/* " TR/Tw/Tc/Tr/Ta status bytes - - state ac/fc/bc/sc/rc sq/bq" */
static inline bool read_parts(const char *rest, struct scan_request *request, uint32_t *out_state,
                              bool *out_is_busy)
{
    struct scan_numbers numbers;
    const char *at = rest + 1;
    const int32_t *lanes = request->lanes;

    scan_clear_numbers(&numbers);
    if (!scan_read_timers(&at, &numbers) || at[4] != ' ')
        return false;
    memcpy(out_state, at, 4);
    at += 5;
    if (!scan_read_conns(&at, request->end, &numbers, &request->is_redispatched) ||
        !scan_read_numbers(&numbers, request->lanes))
        return false;
    request->tail = at;
    *out_is_busy =
        lanes[LANE_RETRIES] > 0 || lanes[LANE_SERVER_QUEUE] > 0 || lanes[LANE_BACKEND_QUEUE] > 0;
    return true;
}

/* False: this line is for the plain way. */
static inline bool read_request(struct log_scan *scan, const char *line, const char *end,
                                struct scan_request *request)
{
    const struct scan_prefix *prefix;
    const char *at, *rest;
    uint32_t state;
    bool is_busy, is_whole;

    if (!read_prefix(scan, line, (size_t)(end - line), &prefix))
        return false;
    request->line = line;
    request->end = end;
    request->client = at = line + prefix->len;
    if (!read_client_and_date(scan, &at, prefix, &request->client_len))
        return false;
    request->names = at;
    if (!read_names(at, &request->slash, &request->names_len))
        return false;
    rest = at + request->names_len;
    request->is_redispatched = false;
    if (!scan_read_all(rest, request->lanes, &state, &request->tail, &is_busy) &&
        !read_parts(rest, request, &state, &is_busy))
        return false;
    is_whole =
        log_request_is_whole_tail((struct span){request->tail, (size_t)(end - request->tail)});
    request->ending = ending_of(scan, state, request->lanes[LANE_STATUS]);
    if (request->ending == NULL || (!is_whole && end[-1] == '\r'))
        return false;
    request->time = time_of(scan, prefix, line, request->client + request->client_len + 1,
                            request->lanes[LANE_TA]);
    request->hash = hash_of(request->names, request->slash, request->names_len);
    request->is_odd = is_busy | !is_whole | request->ending->is_error;
    return true;
}

static inline void scan_line(struct log_tally *tally, const char *line, const char *end)
{
    struct log_scan *scan = tally->scan;

    if (line < end && read_request(scan, line, end, &scan->requests[scan->request_count])) {
        if (++scan->request_count == SCAN_REQUESTS)
            scan_count_requests(tally);
        return;
    }
    scan_count_requests(tally); /* in the order of lines */
    log_scan_line(tally, (struct span){line, (size_t)(end - line)});
}

void SCAN_LINES(struct log_tally *tally, struct span lines)
{
    struct log_scan *scan = tally->scan;
    const char *start = lines.ptr;

    for (size_t offset = 0; offset < lines.len; offset += SCAN_BLOCK) {
        const char *block = lines.ptr + offset;
        size_t len = lines.len - offset < SCAN_BLOCK ? lines.len - offset : SCAN_BLOCK;
        size_t count = scan_find_ends(block, len, scan->end_bits, scan->ends);

        for (size_t i = 0; i < count; i++) {
            const char *end = block + scan->ends[i];

            scan_line(tally, start, end);
            start = end + 1;
        }
        tally->lines += count;
    }
    scan_count_requests(tally);
    if (start < lines.ptr + lines.len) {
        tally->lines++;
        log_scan_line(tally, (struct span){start, (size_t)(lines.ptr + lines.len - start)});
    }
}
