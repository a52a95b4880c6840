/* logs/journal: HAProxy's lines in systemd's journal, for hosts without a log file.
 * Use:     log_journal_open(host, unit_or_NULL, arena, &journal, err); log_journal_read(&journal,
 *          &reading, arena, &tally), which opens nothing; log_journal_close(&journal);
 * Shapes:  the newest LOG_JOURNAL_COUNT_MAX entries of the unit, within LOG_JOURNAL_BYTES_MAX; what
 *          is older is told as a note and a failure of the reading. An entry's time is the
 *          journal's.
 * Owns:    log_journal_close closes what was opened; strings live in the arena.
 * Errors:  as host/journald.h.
 */
#ifndef HAMEDIC_AGENT_LOGS_JOURNAL_H
#define HAMEDIC_AGENT_LOGS_JOURNAL_H

#include "agent/logs/read.h"
#include "remediations/host/journald.h"

enum { LOG_JOURNAL_COUNT_MAX = 200000, LOG_JOURNAL_MS = 30000 };
#define LOG_JOURNAL_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct log_journal {
    struct journald_files files;
    const char *unit; /* NULL: by its name, "haproxy" */
    const char *name; /* for people */
};

MUST_CHECK int log_journal_open(const struct host *host, const char *unit, struct arena *arena,
                                struct log_journal *out_journal, struct err *err);
void log_journal_read(const struct log_journal *journal, struct log_reading *reading,
                      struct arena *arena, struct log_tally **out_tally);
void log_journal_close(struct log_journal *journal);
static inline void log_journal_cleanup(struct log_journal *journal)
{
    log_journal_close(journal);
}
#define CLEANUP_LOG_JOURNAL __attribute__((cleanup(log_journal_cleanup)))

#endif
