#include "agent/logs/tally_parts.h"

#include <string.h>

/* HAProxy's letters for each place, behind one for "no letter". */
static const char *const letters_of[4] = {" -LcCsSPRIDKU", " -RCHDLQT", " -NIDVEOU7", " -NPDIRU67"};

uint32_t log_tally_pack_state(const char *state, size_t letters)
{
    uint32_t packed = 0;

    for (size_t i = 0; i < 4; i++) {
        const char *found =
            i < letters && state[i] != '\0' ? strchr(letters_of[i], state[i]) : NULL;

        packed = packed << 4 | (found == NULL ? 0 : (uint32_t)(found - letters_of[i]));
    }
    return packed;
}

void log_tally_unpack_state(uint32_t packed, size_t letters, char *out_state)
{
    size_t len = 0;

    for (size_t i = 0; i < letters; i++) {
        uint32_t index = packed >> (12 - 4 * i) & 15;

        if (index == 0)
            break;
        out_state[len++] = letters_of[i][index];
    }
    out_state[len] = '\0';
}

bool log_tally_is_error(const char *state, int32_t status)
{
    return log_tally_is_error_packed(log_tally_pack_state(state, strnlen(state, 4)),
                                     status == LOG_LINE_NONE ? TALLY_NO_STATUS
                                                             : (uint32_t)(status + 1));
}
