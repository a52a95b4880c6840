/* agent/prompt: questions to a person at a terminal (/dev/tty, so that pipes cannot answer).
 * Errors:  ERR_DENIED where there is no terminal, or the input ended.
 */
#ifndef HAMEDIC_AGENT_PROMPT_H
#define HAMEDIC_AGENT_PROMPT_H

#include <stdbool.h>

#include "plans/base/arena.h"

bool prompt_is_possible(void);
/* One line without its end. `secret`: not echoed. */
MUST_CHECK int prompt_ask(const char *question, bool secret, struct arena *arena,
                          const char **out_answer, struct err *err);

#endif
