/* logs/scan_numbers_512: as logs/scan_numbers, for processors with AVX-512 VBMI2: where separators stand is squeezed into
 * one register, and a byte shuffle puts all numbers of a part into place. For logs/scan_wide only. */
#ifndef HAMEDIC_AGENT_LOGS_SCAN_NUMBERS_512_H
#define HAMEDIC_AGENT_LOGS_SCAN_NUMBERS_512_H

#include "agent/logs/scan_bytes.h"

/* Two parts of a line with seven numbers each; of a number's eight bytes the last digit is the highest. */
struct scan_numbers {
    __m512i timers, conns;
    uint64_t wrong; /* bits of bytes that are no digits, or of numbers that are empty or too long */
    unsigned minus; /* numbers that are -1, of the timers */
};

static inline void scan_clear_numbers(struct scan_numbers *numbers)
{
    numbers->wrong = 0;
}

/* Byte i of number n: `text` at the n-th separator, less 8, plus i; nothing where that is in front of the number.
 * A '+' may be in front of the numbers of `plus`, and is taken away. */
static inline __m512i scan_place_numbers(struct scan_numbers *numbers, __m512i text,
                                         __m128i separators, uint64_t plus, uint64_t *out_plus)
{
    const __m512i number_of = _mm512_set_epi64(
        0x0707070707070707, 0x0606060606060606, 0x0505050505050505, 0x0404040404040404,
        0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
    const __m512i from_end = _mm512_set1_epi64((long long)UINT64_C(0xfffefdfcfbfaf9f8));
    const uint64_t used = UINT64_C(0x00ffffffffffffff);
    /* the separator before each number: for the first, the byte before the text */
    __m128i before = _mm_or_si128(_mm_slli_si128(separators, 1), _mm_cvtsi32_si128(0xff));
    __m512i end = _mm512_permutexvar_epi8(number_of, _mm512_castsi128_si512(separators));
    __m512i begin = _mm512_permutexvar_epi8(number_of, _mm512_castsi128_si512(before));
    __m512i index = _mm512_add_epi8(end, from_end);
    __m512i len_1 = _mm512_sub_epi8(_mm512_sub_epi8(end, begin), _mm512_set1_epi8(2));
    uint64_t inside = _mm512_cmpgt_epi8_mask(index, begin) & used;
    uint64_t first = inside & ~((inside & SCAN_BYTES(0x7f)) << 1);
    __m512i digits =
        _mm512_maskz_sub_epi8(inside, _mm512_permutexvar_epi8(index, text), _mm512_set1_epi8('0'));

    *out_plus = _mm512_cmpeq_epi8_mask(digits, _mm512_set1_epi8('+' - '0')) & first & plus;
    numbers->wrong |= _mm512_cmpgt_epu8_mask(len_1, _mm512_set1_epi8(7)) & used;
    return _mm512_maskz_mov_epi8(~*out_plus, digits);
}

/* Bytes of a number that may be a '+' with a digit behind it. */
#define SCAN_PLUS(number) (UINT64_C(0x7f) << 8 * (number))

/* Where these bits stand. */
static inline __m512i scan_all_places(uint64_t bits)
{
    const __m512i every = _mm512_set_epi64(
        0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928, 0x2726252423222120,
        0x1f1e1d1c1b1a1918, 0x1716151413121110, 0x0f0e0d0c0b0a0908, 0x0706050403020100);

    return _mm512_maskz_compress_epi8(bits, every);
}

static inline __m128i scan_places(uint64_t bits)
{
    return _mm512_castsi512_si128(scan_all_places(bits));
}

/* "TR/Tw/Tc/Tr/Ta status bytes - - " */
static inline bool scan_read_timers(const char **at, struct scan_numbers *numbers)
{
    __m512i text = _mm512_loadu_si512(*at);
    uint64_t spaces = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(' '));
    uint64_t both = spaces | _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('/'));
    __m128i separators = scan_places(both);
    uint32_t end = (uint32_t)_mm_extract_epi8(separators, 6);
    uint64_t plus;

    /* four slashes, three spaces */
    if ((_pext_u64(spaces, both) & 0x7f) != 0x70 || end > 59 || memcmp(*at + end, " - - ", 5) != 0)
        return false;
    text = scan_place_numbers(numbers, text, separators, SCAN_PLUS(LANE_TA) | SCAN_PLUS(LANE_BYTES),
                              &plus);
    numbers->minus = _mm512_cmpeq_epi64_mask(text, _mm512_set1_epi64(0x01fd000000000000)) & 0x3f;
    numbers->timers = _mm512_maskz_mov_epi64((__mmask8)~numbers->minus, text);
    *at += end + 5;
    return true;
}

/* "ac/fc/bc/sc/rc sq/bq", up to a space or the end of the line. */
static inline bool scan_read_conns(const char **at, const char *line_end,
                                   struct scan_numbers *numbers, bool *out_is_redispatched)
{
    __m512i text = _mm512_loadu_si512(*at);
    size_t left = line_end < *at ? 0 : (size_t)(line_end - *at);
    uint64_t end_bit = left < 64 ? UINT64_C(1) << left : 0;
    uint64_t spaces = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(' '));
    uint64_t both = spaces | _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('/'));
    __m128i separators;
    uint64_t plus;

    spaces = (spaces & (end_bit - 1)) | end_bit;
    both = (both & (end_bit - 1)) | end_bit;
    separators = scan_places(both);
    /* four slashes, a space, a slash, a space */
    if ((_pext_u64(spaces, both) & 0x7f) != 0x50)
        return false;
    numbers->conns = scan_place_numbers(numbers, text, separators,
                                        SCAN_PLUS(LANE_RETRIES - LANE_ACTCONN), &plus);
    *out_is_redispatched = plus != 0;
    *at += _mm_extract_epi8(separators, 6);
    return true;
}

/* Pairs of digits, pairs of pairs, and those; packing goes by quarters, which are put in order at the end. */
static inline bool scan_read_numbers(const struct scan_numbers *numbers, int32_t *out_lanes)
{
    const __m512i tens = _mm512_set1_epi16(0x010a), hundreds = _mm512_set1_epi32(0x00010064);
    const __m512i order = _mm512_set_epi32(15, 13, 14, 11, 10, 7, 6, 3, 2, 12, 9, 8, 5, 4, 1, 0);
    __m512i a = _mm512_madd_epi16(_mm512_maddubs_epi16(numbers->timers, tens), hundreds);
    __m512i b = _mm512_madd_epi16(_mm512_maddubs_epi16(numbers->conns, tens), hundreds);
    __m512i value = _mm512_madd_epi16(_mm512_packus_epi32(a, b), _mm512_set1_epi32(0x00012710));

    value = _mm512_permutexvar_epi32(order, value);
    value = _mm512_mask_set1_epi32(value, (__mmask16)numbers->minus, -1);
    /* In the halves in which they are loaded again: a half of a whole is not forwarded. */
    _mm256_storeu_si256((__m256i *)(void *)out_lanes, _mm512_castsi512_si256(value));
    _mm256_storeu_si256((__m256i *)(void *)(out_lanes + 8), _mm512_extracti64x4_epi64(value, 1));
    return (numbers->wrong | _mm512_cmpgt_epu8_mask(numbers->timers, _mm512_set1_epi8(9)) |
            _mm512_cmpgt_epu8_mask(numbers->conns, _mm512_set1_epi8(9))) == 0;
}

/* The whole of " TR/Tw/Tc/Tr/Ta status bytes - - state ac/fc/bc/sc/rc sq/bq " where it is within 64 bytes and no number has
 * more than four digits, but two that may have eight, nor a plus: nearly always. Each lane's digits stand in its four
 * bytes; two lanes more have the upper digits of the two. */
#define SCAN_SHAPE      UINT64_C(0x287e1) /* of the separators at which places there are spaces */
#define SCAN_SHAPE_MASK UINT64_C(0x3ffff)
#define SCAN_4(n)       (0x01010101U * (n))
#define SCAN_LANES(of)                                                                             \
    (int)SCAN_4(4 + (of)), (int)SCAN_4(6 + (of)), (int)SCAN_4(16 + (of)), (int)SCAN_4(15 + (of)),  \
        (int)SCAN_4(14 + (of)), (int)SCAN_4(13 + (of)), (int)SCAN_4(12 + (of)),                    \
        (int)SCAN_4(11 + (of)), (int)SCAN_4(10 + (of)), (int)SCAN_4(6 + (of)),                     \
        (int)SCAN_4(5 + (of)), (int)SCAN_4(4 + (of)), (int)SCAN_4(3 + (of)),                       \
        (int)SCAN_4(2 + (of)), (int)SCAN_4(1 + (of)), (int)SCAN_4(0 + (of))

/* Lanes that are "-1" where they may be lose their text, and get that value at the end; false: there is something else
 * that is no number. Few lines come here. */
static inline bool scan_take_minus(__m512i *digits, __mmask16 *out_minus)
{
    *out_minus = _mm512_mask_cmpeq_epi32_mask(0x3f, *digits, _mm512_set1_epi32(0x01fd0000));
    *digits = _mm512_maskz_mov_epi32((__mmask16) ~*out_minus, *digits);
    return _mm512_cmpgt_epu8_mask(*digits, _mm512_set1_epi8(9)) == 0;
}

static inline bool scan_read_all(const char *rest, int32_t *out_lanes, uint32_t *out_state,
                                 const char **out_tail, bool *out_is_busy)
{
    const __m512i begin_of = _mm512_set_epi32(SCAN_LANES(0));
    const __m512i end_of = _mm512_set_epi32(SCAN_LANES(1));
    const int low = (int)0xfffefdfcU, high = (int)0xfbfaf9f8U; /* -4 to -1, -8 to -5 */
    const __m512i from_end = _mm512_set_epi32(high, high, low, low, low, low, low, low, low, low,
                                              low, low, low, low, low, low);
    const int four = (int)SCAN_4(3), eight = (int)SCAN_4(7); /* digits, less one */
    const __m512i most = _mm512_set_epi32(eight, eight, four, four, four, four, four, four, four,
                                          eight, four, eight, four, four, four, four);
    const __m512i upper = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 15, 0, 0, 0, 0);
    const __m512i times = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 10000, 0, 10000, 0, 0, 0, 0);
    const __m512i busy = _mm512_set_epi32(0, 0, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    __m512i text = _mm512_loadu_si512(rest);
    uint64_t spaces = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(' '));
    uint64_t both = spaces | _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('/'));
    __m512i places = scan_all_places(both);
    __m512i begin = _mm512_permutexvar_epi8(begin_of, places);
    __m512i end = _mm512_permutexvar_epi8(end_of, places);
    __m512i index = _mm512_add_epi8(end, from_end);
    __m512i digits =
        _mm512_maskz_sub_epi8(_mm512_cmpgt_epi8_mask(index, begin),
                              _mm512_permutexvar_epi8(index, text), _mm512_set1_epi8('0'));
    __m512i len_1 = _mm512_sub_epi8(_mm512_sub_epi8(end, begin), _mm512_set1_epi8(2));
    __m128i first = _mm512_castsi512_si128(places);
    const char *cookies = rest + _mm_extract_epi8(first, 7);
    const char *state_end = rest + _mm_extract_epi8(first, 10);
    __mmask16 minus = 0;
    __m512i value;

    if ((_pext_u64(spaces, both) & SCAN_SHAPE_MASK) != SCAN_SHAPE || state_end - cookies != 9 ||
        (scan_load8(cookies) ^ UINT64_C(0x202d202d20)) << 24 != 0 ||
        _mm512_cmpgt_epu8_mask(len_1, most) != 0)
        return false;
    if (_mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9)) != 0 &&
        !scan_take_minus(&digits, &minus))
        return false;
    value = _mm512_madd_epi16(_mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a)),
                              _mm512_set1_epi32(0x00010064));
    /* The lanes that are not used get something, too. */
    value =
        _mm512_add_epi32(value, _mm512_madd_epi16(_mm512_permutexvar_epi32(upper, value), times));
    if (minus != 0)
        value = _mm512_mask_set1_epi32(value, minus, -1);
    _mm512_store_si512(out_lanes, value);
    memcpy(out_state, cookies + 5, 4);
    *out_is_busy = _mm512_test_epi32_mask(value, busy) != 0;
    *out_tail = rest + _mm_extract_epi8(_mm512_extracti32x4_epi32(places, 1), 1);
    return true;
}

#endif
