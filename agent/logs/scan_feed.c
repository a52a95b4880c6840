#include "agent/logs/scan.h"

#include <string.h>

void log_scan_lines_plain(struct log_tally *tally, struct span lines)
{
    struct span line;

    while (span_next_line(&lines, &line)) {
        struct log_line parts;

        tally->lines++;
        log_tally_line(tally, line, &parts);
    }
}

static void scan_lines(struct log_tally *tally, struct span lines)
{
    static void (*const ways[LOG_SCAN_WAYS])(struct log_tally *, struct span) = {
        [LOG_SCAN_PLAIN] = log_scan_lines_plain,
        [LOG_SCAN_WIDE] = log_scan_lines_wide,
        [LOG_SCAN_AVX2] = log_scan_lines_avx2,
        [LOG_SCAN_AVX512] = log_scan_lines_avx512,
    };

    if (lines.len > 0)
        ways[tally->scan->way](tally, lines);
}

/* The last lines are read from a copy with room behind it. */
void log_scan_feed(struct log_tally *tally, struct span whole_lines)
{
    char copy[SCAN_TAIL + SCAN_MARGIN] = {0};
    size_t head = whole_lines.len;
    size_t tail;

    while (head > 0 && whole_lines.len - head < SCAN_MARGIN)
        head--;
    while (head > 0 && whole_lines.ptr[head - 1] != '\n')
        head--;
    tail = whole_lines.len - head;
    scan_lines(tally, (struct span){whole_lines.ptr, head});
    if (tail <= SCAN_TAIL) {
        memcpy(copy, whole_lines.ptr + head, tail);
        scan_lines(tally, (struct span){copy, tail});
    } else {
        log_scan_lines_plain(tally, (struct span){whole_lines.ptr + head, tail});
    }
}
