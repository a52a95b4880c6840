/* logs/scan_bytes: many bytes looked at at once, with what the file that includes it is compiled for. For
 * logs/scan_*.h only. */
#ifndef HAMEDIC_AGENT_LOGS_SCAN_BYTES_H
#define HAMEDIC_AGENT_LOGS_SCAN_BYTES_H

#include <string.h>

#include "agent/logs/tally_parts.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define SCAN_BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Bit i: byte i of 64 is `byte`. */
static inline uint64_t scan_equal64(const char *at, char byte)
{
#if defined(__AVX512BW__)
    return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(at), _mm512_set1_epi8(byte));
#elif defined(__AVX2__)
    __m256i wanted = _mm256_set1_epi8(byte);
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));
    uint32_t low_bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
    uint32_t high_bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted));

    return low_bits | (uint64_t)high_bits << 32;
#elif defined(__SSE2__)
    __m128i wanted = _mm_set1_epi8(byte);
    uint64_t bits = 0;

    for (unsigned i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));

        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part, wanted)) << 16 * i;
    }
    return bits;
#else
    uint64_t bits = 0;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t word, same;

        memcpy(&word, at + 8 * i, 8);
        word ^= SCAN_BYTES((unsigned char)byte);
        /* The top bit of each byte: it was zero. Then those eight bits are gathered. */
        same = ~(((word & SCAN_BYTES(0x7f)) + SCAN_BYTES(0x7f)) | word) & SCAN_BYTES(0x80);
        bits |= ((same >> 7) * UINT64_C(0x0102040810204080) >> 56) << 8 * i;
    }
    return bits;
#endif
}

/* Is any of `parts`, 1 or 2, times 32 bytes below its `low` or above its `high`? */
static inline bool scan_is_outside(const char *at, const unsigned char *low,
                                   const unsigned char *high, unsigned parts)
{
#if defined(__AVX512BW__)
    if (parts == 1) {
        __m256i half = _mm256_loadu_si256((const __m256i *)(const void *)at);

        return !_kortestz_mask32_u8(
            _mm256_cmplt_epu8_mask(half, _mm256_loadu_si256((const void *)low)),
            _mm256_cmpgt_epu8_mask(half, _mm256_loadu_si256((const void *)high)));
    }
    __m512i bytes = _mm512_loadu_si512(at);

    return !_kortestz_mask64_u8(_mm512_cmplt_epu8_mask(bytes, _mm512_loadu_si512(low)),
                                _mm512_cmpgt_epu8_mask(bytes, _mm512_loadu_si512(high)));
#elif defined(__AVX2__)
    __m256i wrong = _mm256_setzero_si256();

    for (unsigned i = 0; i < 32 * parts; i += 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(at + i));
        __m256i least = _mm256_loadu_si256((const __m256i *)(const void *)(low + i));
        __m256i most = _mm256_loadu_si256((const __m256i *)(const void *)(high + i));

        wrong = _mm256_or_si256(wrong, _mm256_subs_epu8(least, bytes));
        wrong = _mm256_or_si256(wrong, _mm256_subs_epu8(bytes, most));
    }
    return !_mm256_testz_si256(wrong, wrong);
#else
    unsigned wrong = 0;

    for (unsigned i = 0; i < 32 * parts; i++)
        wrong |= ((unsigned char)at[i] < low[i]) | ((unsigned char)at[i] > high[i]);
    return wrong != 0;
#endif
}

static inline uint32_t scan_first_bit(uint64_t bits)
{
#if defined(__BMI__)
    return (uint32_t)_tzcnt_u64(bits);
#else
    return bits == 0 ? 64 : (uint32_t)__builtin_ctzll(bits);
#endif
}

static inline uint32_t scan_take_bit(uint64_t *bits)
{
    uint32_t at = scan_first_bit(*bits);

    *bits &= *bits - 1;
    return at;
}

/* The first `len` of 64 bytes are the same. */
static inline bool scan_same64(const char *a, const char *b, uint32_t len)
{
#if defined(__AVX512BW__)
    return scan_first_bit(_mm512_cmpneq_epi8_mask(_mm512_loadu_si512(a), _mm512_loadu_si512(b))) >=
           len;
#elif defined(__AVX2__)
    __m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)a),
                                    _mm256_loadu_si256((const __m256i *)(const void *)b));
    __m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(a + 32)),
                                     _mm256_loadu_si256((const __m256i *)(const void *)(b + 32)));
    uint64_t same =
        (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;

    return scan_first_bit(~same) >= len;
#else
    return memcmp(a, b, len) == 0;
#endif
}

static inline uint64_t scan_load8(const char *at)
{
    uint64_t word;

    memcpy(&word, at, 8);
    return word;
}

#endif
