/* Compiled for processors with AVX-512 BW, VBMI and VBMI2 (agent/CMakeLists.txt), and called on them only (scan.c). */
#if defined(__AVX512VBMI2__)
#define SCAN_LINES log_scan_lines_avx512
#include "agent/logs/scan_wide.h"
#else
#include "agent/logs/scan.h"

void log_scan_lines_avx512(struct log_tally *tally, struct span lines)
{
    log_scan_lines_plain(tally, lines);
}
#endif
