/* diagnose/words: what HAProxy and systemd said, as evidence. It explains what other sources show;
 * alone it proves nothing.
 * Owns:    as diagnose.h.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_WORDS_H
#define HAMEDIC_AGENT_DIAGNOSE_WORDS_H

#include "agent/diagnose/diagnose.h"

/* This host keeps no journal: they stand in a log file, where whoever may log can have put them. */
bool words_are_of_a_file(const struct facts *facts);
void words_quote(struct diagnosis_work *work, struct finding *finding,
                 const struct haproxy_message *message);
/* The last alerts of the newest try to start or reload, and what systemd said of its end. */
void words_quote_last(struct diagnosis_work *work, struct finding *finding, size_t max);
/* The newest of its kind in the newest try to start or reload; NULL: none. */
const struct haproxy_message *words_of_attempt(const struct facts *facts,
                                               enum log_message_kind kind);
/* The master said so; in a log file that is worth nothing where the master counts that none failed. */
bool words_say_reload_failed(const struct facts *facts);
/* It runs, and its master counts, or said, a reload that failed. */
bool words_reload_failed(const struct facts *facts);
/* "by SIGKILL: the OOM killer, or a person" for an exit status above 128; NULL: none known. */
const char *words_exit(int64_t status);

#endif
