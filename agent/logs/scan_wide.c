#define SCAN_LINES log_scan_lines_wide
#include "agent/logs/scan_wide.h"
