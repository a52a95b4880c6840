/* logs/scan_ends: where lines end in a block. For logs/scan_wide only. */
#ifndef HAMEDIC_AGENT_LOGS_SCAN_ENDS_H
#define HAMEDIC_AGENT_LOGS_SCAN_ENDS_H

#include "agent/logs/scan_bytes.h"

/* The bits that are set, as numbers from `base` on; returns how many. */
static inline uint32_t scan_tell_bits(uint64_t bits, uint32_t base, uint32_t *out)
{
    uint32_t count = 0;

    for (; bits != 0; bits &= bits - 1)
        out[count++] = base + scan_first_bit(bits);
    return count;
}

#if defined(__AVX512CD__)
/* Eight times 64 bytes, of which most hold one end or none: those need no branch. */
static inline uint32_t scan_tell_ends(const uint64_t *bits, uint32_t base, uint32_t *out)
{
    const __m512i places = _mm512_set_epi64(511, 447, 383, 319, 255, 191, 127, 63);
    __m512i all = _mm512_loadu_si512(bits);
    __m512i rest = _mm512_and_si512(all, _mm512_sub_epi64(all, _mm512_set1_epi64(1)));
    __m512i first = _mm512_xor_si512(all, rest);
    __m512i ends = _mm512_sub_epi64(_mm512_add_epi64(places, _mm512_set1_epi64(base)),
                                    _mm512_lzcnt_epi64(first));
    __mmask8 some = _mm512_test_epi64_mask(all, all);
    uint32_t count = 0;

    if (_mm512_test_epi64_mask(rest, rest) != 0) {
        for (uint32_t i = 0; i < 8; i++)
            count += scan_tell_bits(bits[i], base + 64 * i, out + count);
        return count;
    }
    _mm256_storeu_si256((__m256i *)(void *)out,
                        _mm512_cvtepi64_epi32(_mm512_maskz_compress_epi64(some, ends)));
    return (uint32_t)__builtin_popcount(some);
}
#else
static inline uint32_t scan_tell_ends(const uint64_t *bits, uint32_t base, uint32_t *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < 8; i++) {
        out[count] = base + 64 * i + scan_first_bit(bits[i]);
        count += bits[i] != 0;
        if ((bits[i] & (bits[i] - 1)) != 0)
            count += scan_tell_bits(bits[i] & (bits[i] - 1), base + 64 * i, out + count);
    }
    return count;
}
#endif

/* As offsets, in order; there is room for eight more than there are bytes. `bits`: SCAN_BLOCK of them. */
static inline size_t scan_find_ends(const char *block, size_t len, uint64_t *bits, uint32_t *out)
{
    size_t words = (len + 63) / 64;
    size_t count = 0;

    for (size_t i = 0; i < words; i++)
        bits[i] = scan_equal64(block + 64 * i, '\n');
    if (len % 64 != 0)
        bits[words - 1] &= (UINT64_C(1) << len % 64) - 1;
    for (; words % 8 != 0; words++)
        bits[words] = 0;
    for (size_t i = 0; i < words; i += 8)
        count += scan_tell_ends(bits + i, (uint32_t)(64 * i), out + count);
    return count;
}

#endif
