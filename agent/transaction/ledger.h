/* transaction/ledger: /var/lib/hamedic: one folder per transaction. History, spent plans and what
 * is unfinished are all read from there: one truth.
 * Use:     ledger_open(host, LEDGER_WRITE, ...) holds the host's one lock until ledger_close;
 *          LEDGER_READ holds none.
 * Shapes:  tx/SERIAL-PLANID/ {plan, plan.minisig, plan.*.minisig, journal, old.N}; SERIAL is six
 *          digits or more, rising. A folder is built as tx/.new-PLANID and renamed when its first
 *          record is on disk.
 * Owns:    struct ledger owns its descriptors; entries live in the arena given.
 * Errors:  ERR_SYS; ERR_CHANGED where another hamedic holds the lock (names its pid). A folder
 *          that cannot be read is an entry with `damaged` set, not an error of the list.
 */
#ifndef HAMEDIC_AGENT_TRANSACTION_LEDGER_H
#define HAMEDIC_AGENT_TRANSACTION_LEDGER_H

#include "agent/transaction/journal.h"
#include "plans/plan.h"
#include "remediations/host/host.h"

#define LEDGER_DIR  "/var/lib/hamedic"
#define LEDGER_LOCK "/run/hamedic/lock"

enum ledger_mode { LEDGER_READ, LEDGER_WRITE };

struct ledger {
    const struct host *host;
    int transactions; /* descriptor of tx/; -1: there is none yet (LEDGER_READ) */
    int lock;         /* -1: LEDGER_READ */
};
MUST_CHECK int ledger_open(const struct host *host, enum ledger_mode mode,
                           struct ledger *out_ledger, struct err *err);
void ledger_close(struct ledger *ledger);
static inline void ledger_cleanup(struct ledger *ledger)
{
    ledger_close(ledger);
}
#define CLEANUP_LEDGER __attribute__((cleanup(ledger_cleanup)))

struct ledger_entry {
    uint64_t serial;
    const char *folder;
    const char *plan_id;
    const char *damaged; /* why it cannot be read; NULL: it can */
    struct span plan_bytes;
    struct journal_records records;
    enum record_type state;
    bool spent; /* PREPARED was reached */
    int64_t
        confirm_seconds; /* it stays only if it is confirmed within that time; 0: it just stays */
    int64_t deadline_ms; /* AWAITING-CONFIRM: CLOCK_BOOTTIME of `deadline_boot` */
    const char *deadline_boot; /* "" where it does not await anything */
};
/* Oldest first. */
MUST_CHECK int ledger_list(const struct ledger *ledger, struct arena *arena,
                           struct ledger_entry **out_entries, size_t *out_count, struct err *err);
/* Is this a transaction that a crash interrupted? One that awaits its confirmation is none. */
bool ledger_is_unfinished(const struct ledger_entry *entry);
bool ledger_awaits_confirm(const struct ledger_entry *entry);

/* A file to keep with the plan: its signatures. */
struct ledger_file {
    const char *name;
    struct span bytes;
};
/* A new folder with plan, files and the OPEN record, all on disk. Gives its descriptor and its
 * journal. */
MUST_CHECK int ledger_begin(const struct ledger *ledger, const char *plan_id,
                            struct span plan_bytes, const struct ledger_file *files,
                            size_t file_count, const char *open_payload, int *out_folder,
                            struct journal *out_journal, struct err *err);
MUST_CHECK int ledger_open_entry(const struct ledger *ledger, const struct ledger_entry *entry,
                                 struct arena *arena, int *out_folder,
                                 struct journal_records *out_records, struct journal *out_journal,
                                 struct err *err);
/* Removes the folder of a transaction that never touched anything. */
MUST_CHECK int ledger_forget(const struct ledger *ledger, const char *plan_id, struct err *err);

/* The lineage made with the agent's key; NULL: there is none. */
MUST_CHECK int ledger_lineage(const struct host *host, struct arena *arena,
                              const char **out_lineage, struct err *err);
MUST_CHECK int ledger_make_lineage(const struct host *host, struct err *err);
/* The latest time any transaction was recorded at: a clock before it was set back. 0: none. */
int64_t ledger_latest_time(const struct ledger_entry *entries, size_t count);

#endif
