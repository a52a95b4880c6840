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

static inline bool is_prefix(const struct scan_prefix *prefix, const char *line, size_t len)
{
    return prefix->len < len && !scan_is_outside(line, prefix->low, prefix->high, SCAN_PREFIX / 32);
}

/* Another framing than the last line's; NULL: it is none that is known. */
static __attribute__((noinline)) const struct scan_prefix *find_prefix(struct log_scan *scan,
                                                                       const char *line, size_t len)
{
    for (uint32_t i = 0; i < SCAN_PREFIXES; i++)
        if (is_prefix(&scan->prefixes[i], line, len)) {
            scan->prefix = &scan->prefixes[i];
            return scan->prefix;
        }
    return NULL;
}

static inline int64_t two_digits(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static inline int64_t three_digits(const char *at)
{
    return (at[0] - '0') * 100 + two_digits(at + 1);
}

/* When it was written; without a framing's time that is when the request came, and how long it took is still to be
 * added. */
static inline int64_t time_of(const struct log_scan *scan, const struct scan_prefix *prefix,
                              const char *line, const char *date)
{
    const char *second = line + prefix->second;

    if (prefix->has_time)
        return prefix->minute + two_digits(second) * 1000 +
               (prefix->has_fraction ? three_digits(second + 3) : 0);
    return scan->date.hour + two_digits(date + 16) * 60000 + two_digits(date + 19) * 1000 +
           three_digits(date + 22);
}

/* Of all bytes of names with AVX-512, else of what is likely to differ: their ends, and what stands before the slash. */
static inline uint32_t hash_of(const char *names, uint32_t len)
{
#if defined(__AVX512BW__)
    const __m512i times =
        _mm512_set_epi32(0x6b2fb645, 0x2545f491, 0x4f6cdd1d, 0x1b873593, 0x7feb352d, 0x5851f42d,
                         0x4be98135, 0x27d4eb2f, 0x165667b1, 0x3c6ef372, 0x5bd1e995, 0x6c078965,
                         0x41c64e6d, 0x2c1b3c6d, 0x297a2d39, 0x64dd81ab);
    __m512i all =
        _mm512_madd_epi16(_mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, len), names), times);
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    __m128i quarter =
        _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));

    return (uint32_t)_mm_crc32_u64((uint64_t)_mm_cvtsi128_si64(quarter),
                                   (uint64_t)_mm_extract_epi64(quarter, 1));
#else
    uint32_t slash = scan_first_bit(scan_equal64(names, '/'));
    uint64_t first = scan_load8(names), last = scan_load8(names + (len < 8 ? 0 : len - 8));
    uint64_t middle = scan_load8(names + (slash < 8 || slash > len ? 0 : slash - 8));

    first = (first ^ len) * UINT64_C(0x9e3779b97f4a7c15);
    last *= UINT64_C(0xff51afd7ed558ccd);
    middle *= UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)((first ^ (last + (middle ^ middle >> 29))) >> 32);
#endif
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
    if (scan_is_outside(client + len + 1, scan->date.low, scan->date.high, 1))
        return false;
    *out_client = len;
    *at = client + len + 1 + SCAN_DATE_LEN;
    return true;
}

/* "fe be/srv "; whether it is that is seen where it is not known yet. */
static inline bool read_names(const char *names, struct scan_request *request)
{
    uint64_t spaces = scan_equal64(names, ' ');
    uint32_t len = scan_first_bit(spaces & (spaces - 1));

    if (len == 64)
        return false;
    request->names = names;
    request->names_len = len;
    request->hash = hash_of(names, len);
    return true;
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
    const struct scan_prefix *prefix = scan->prefix;
    const char *at, *rest;
    uint32_t state;
    bool is_busy, is_whole;

    if (!is_prefix(prefix, line, (size_t)(end - line))) {
        prefix = find_prefix(scan, line, (size_t)(end - line));
        if (prefix == NULL)
            return false;
    }
    request->line = line;
    request->end = end;
    request->client = at = line + prefix->len;
    if (!read_client_and_date(scan, &at, prefix, &request->client_len) || !read_names(at, request))
        return false;
    request->time = time_of(scan, prefix, line, at - SCAN_DATE_LEN);
    rest = at + request->names_len;
    request->is_redispatched = false;
    if (!scan_read_all(rest, request->lanes, &state, &request->tail, &is_busy) &&
        !read_parts(rest, request, &state, &is_busy))
        return false;
    if (!prefix->has_time && request->lanes[LANE_TA] > 0)
        request->time += request->lanes[LANE_TA];
    is_whole =
        log_request_is_whole_tail((struct span){request->tail, (size_t)(end - request->tail)});
    request->ending = ending_of(scan, state, request->lanes[LANE_STATUS]);
    if (request->ending == NULL || (!is_whole && end[-1] == '\r'))
        return false;
    request->is_odd = is_busy | !is_whole | request->ending->is_error;
    return true;
}

static inline void scan_line(struct log_tally *tally, struct log_scan *scan, const char *line,
                             const char *end)
{
    if (line < end && read_request(scan, line, end, scan->request)) {
        if (++scan->request == scan->requests + SCAN_REQUESTS)
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

            scan_line(tally, scan, start, end);
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
