/* logs/words: what a termination state says, in a person's words.
 * Shapes:  at most some 75 columns, no full stop. It says where a request ended, never why.
 * Source:  HAProxy 2.6 configuration.txt 8.5, and which code paths really set each of them.
 */
#ifndef HAMEDIC_AGENT_LOGS_WORDS_H
#define HAMEDIC_AGENT_LOGS_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* state: the first two letters count. has_server: a server had been chosen. */
const char *log_words_state(const char *state, int32_t status, bool has_server);
/* "waiting in queues": what a timer of enum log_timer measures. */
const char *log_words_timer(int timer);
/* "Tw" */
const char *log_words_timer_name(int timer);

#endif
