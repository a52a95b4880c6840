/* Compiled for processors with AVX2 and BMI2 (agent/CMakeLists.txt), and called on them only (scan.c). */
#if defined(__AVX2__)
#define SCAN_LINES log_scan_lines_avx2
#include "agent/logs/scan_wide.h"
#else
#include "agent/logs/scan.h"

void log_scan_lines_avx2(struct log_tally *tally, struct span lines)
{
    log_scan_lines_plain(tally, lines);
}
#endif
