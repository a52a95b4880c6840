/* logs/scan_numbers: the numbers of a line, eight bytes each. For logs/scan_wide only, behind its helpers. */
#ifndef HAMEDIC_AGENT_LOGS_SCAN_NUMBERS_H
#define HAMEDIC_AGENT_LOGS_SCAN_NUMBERS_H

#include "agent/logs/scan_bytes.h"

/* Numbers as text, put so that the last digit is the highest byte and '0' is 0. */
struct scan_numbers {
    uint64_t texts[LANE_COUNT];
    uint32_t long_ones; /* from 8 on: one was longer than its eight bytes */
};

/* An empty number keeps the separator that stands there, which is no digit. */
static inline void put_number(struct scan_numbers *numbers, enum tally_lane lane, const char *at,
                              uint32_t len)
{
    numbers->texts[lane] = (scan_load8(at) ^ SCAN_BYTES('0')) << ((64 - 8 * len) & 63);
    numbers->long_ones |= len - 1;
}

static inline void scan_clear_numbers(struct scan_numbers *numbers)
{
    for (size_t i = LANE_USED; i < LANE_COUNT; i++)
        numbers->texts[i] = 0;
    numbers->long_ones = 0;
}

#define TEXT_OF_MINUS_1 UINT64_C(0x011d000000000000)

static const uint64_t may_be_minus_1[LANE_COUNT] = {
    [LANE_TR] = UINT64_MAX,       [LANE_TW] = UINT64_MAX, [LANE_TC] = UINT64_MAX,
    [LANE_RESPONSE] = UINT64_MAX, [LANE_TA] = UINT64_MAX, [LANE_STATUS] = UINT64_MAX};

/* All at once: pairs of digits, pairs of pairs, and those. False where one is no number, or below 0 that may not be. */
#if defined(__AVX2__)
static inline __m256i load_words(const uint64_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline bool scan_read_numbers(const struct scan_numbers *numbers, int32_t *out_lanes)
{
    const __m256i tens = _mm256_set1_epi16(0x010a), hundreds = _mm256_set1_epi32(0x00010064);
    const __m256i tenthousands = _mm256_set1_epi32(0x00012710), nine = _mm256_set1_epi8(9);
    const __m256i minus_1 = _mm256_set1_epi64x((long long)TEXT_OF_MINUS_1);
    __m256i wrong = _mm256_setzero_si256();

    for (unsigned i = 0; i < LANE_COUNT; i += 8) {
        __m256i a = load_words(numbers->texts + i), b = load_words(numbers->texts + i + 4);
        __m256i minus_a =
            _mm256_and_si256(_mm256_cmpeq_epi64(a, minus_1), load_words(may_be_minus_1 + i));
        __m256i minus_b =
            _mm256_and_si256(_mm256_cmpeq_epi64(b, minus_1), load_words(may_be_minus_1 + i + 4));
        __m256i value;

        a = _mm256_andnot_si256(minus_a, a);
        b = _mm256_andnot_si256(minus_b, b);
        wrong = _mm256_or_si256(
            wrong, _mm256_or_si256(_mm256_subs_epu8(a, nine), _mm256_subs_epu8(b, nine)));
        a = _mm256_madd_epi16(_mm256_maddubs_epi16(a, tens), hundreds);
        b = _mm256_madd_epi16(_mm256_maddubs_epi16(b, tens), hundreds);
        value = _mm256_madd_epi16(_mm256_packus_epi32(a, b), tenthousands);
        value = _mm256_or_si256(value, _mm256_packs_epi32(minus_a, minus_b));
        value = _mm256_permute4x64_epi64(value, 0xd8); /* packing goes by halves */
        _mm256_storeu_si256((__m256i *)(void *)(out_lanes + i), value);
    }
    return _mm256_testz_si256(wrong, wrong) && numbers->long_ones < 8;
}
#else
static inline bool scan_read_numbers(const struct scan_numbers *numbers, int32_t *out_lanes)
{
    uint64_t wrong = 0;

    for (unsigned i = 0; i < LANE_COUNT; i++) {
        uint64_t text = numbers->texts[i];
        uint64_t minus = text == TEXT_OF_MINUS_1 ? may_be_minus_1[i] : 0;

        text &= ~minus;
        wrong |= (text | ((text & SCAN_BYTES(0x7f)) + SCAN_BYTES(0x76))) & SCAN_BYTES(0x80);
        text = (text * 10 + (text >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
        text = (text * 100 + (text >> 16)) & UINT64_C(0x0000ffff0000ffff);
        text = (text & UINT32_MAX) * 10000 + (text >> 32);
        out_lanes[i] = (int32_t)(uint32_t)(text | minus);
    }
    return wrong == 0 && numbers->long_ones < 8;
}
#endif

/* "TR/Tw/Tc/Tr/Ta status bytes - - " */
static inline bool scan_read_timers(const char **at, struct scan_numbers *numbers)
{
    const char *text = *at;
    uint64_t spaces = scan_equal64(text, ' '), slashes = scan_equal64(text, '/');
    uint32_t tw = scan_take_bit(&slashes) + 1, tc = scan_take_bit(&slashes) + 1;
    uint32_t response = scan_take_bit(&slashes) + 1, total = scan_take_bit(&slashes) + 1;
    uint32_t status = scan_take_bit(&spaces) + 1, bytes = scan_take_bit(&spaces) + 1;
    uint32_t end = scan_take_bit(&spaces), early, more;

    if (total >= status || end > 59 || scan_first_bit(slashes) < end ||
        memcmp(text + end, " - - ", 5) != 0)
        return false;
    early = text[total] == '+';
    more = text[bytes] == '+';
    put_number(numbers, LANE_TR, text, tw - 1);
    put_number(numbers, LANE_TW, text + tw, tc - tw - 1);
    put_number(numbers, LANE_TC, text + tc, response - tc - 1);
    put_number(numbers, LANE_RESPONSE, text + response, total - response - 1);
    put_number(numbers, LANE_TA, text + total + early, status - 1 - total - early);
    put_number(numbers, LANE_STATUS, text + status, bytes - 1 - status);
    put_number(numbers, LANE_BYTES, text + bytes + more, end - bytes - more);
    *at = text + end + 5;
    return true;
}

/* "ac/fc/bc/sc/rc sq/bq", up to a space or the end of the line. */
static inline bool scan_read_conns(const char **at, const char *end, struct scan_numbers *numbers,
                                   bool *out_is_redispatched)
{
    const char *text = *at;
    size_t left = end < text ? 0 : (size_t)(end - text);
    uint64_t line_end = left < 64 ? UINT64_C(1) << left : 0;
    uint64_t spaces = (scan_equal64(text, ' ') & (line_end - 1)) | line_end;
    uint64_t slashes = scan_equal64(text, '/');
    uint32_t fe = scan_take_bit(&slashes) + 1, be = scan_take_bit(&slashes) + 1;
    uint32_t srv = scan_take_bit(&slashes) + 1, retries = scan_take_bit(&slashes) + 1;
    uint32_t queue = scan_take_bit(&spaces) + 1;
    uint32_t be_queue = scan_take_bit(&slashes) + 1, last = scan_take_bit(&spaces);
    uint32_t plus;

    if (retries >= queue || queue >= be_queue || be_queue >= last || last == 64)
        return false;
    plus = text[retries] == '+';
    put_number(numbers, LANE_ACTCONN, text, fe - 1);
    put_number(numbers, LANE_FECONN, text + fe, be - fe - 1);
    put_number(numbers, LANE_BECONN, text + be, srv - be - 1);
    put_number(numbers, LANE_SRVCONN, text + srv, retries - srv - 1);
    put_number(numbers, LANE_RETRIES, text + retries + plus, queue - 1 - retries - plus);
    put_number(numbers, LANE_SERVER_QUEUE, text + queue, be_queue - queue - 1);
    put_number(numbers, LANE_BACKEND_QUEUE, text + be_queue, last - be_queue);
    *out_is_redispatched = plus != 0;
    *at = text + last;
    return true;
}

/* Without AVX-512 both parts are read apart. */
static inline bool scan_read_all(const char *rest, int32_t *out_lanes, uint32_t *out_state,
                                 const char **out_tail, bool *out_is_busy)
{
    (void)rest, (void)out_lanes, (void)out_state, (void)out_tail, (void)out_is_busy;
    return false;
}

#endif
