/* transaction/journal: the one truth about a transaction, append-only, on disk before what it
 * announces.
 * Use:     journal_create(dir, plan_bytes, &journal) ; journal_append(...) ; journal_close.
 *          journal_open gives all records and goes on appending.
 * Shapes:  file "journal" in the transaction's directory; one record a line, printable ASCII:
 *              DIGEST SEQUENCE SECONDS BOOT TYPE PAYLOAD LF
 *          DIGEST is BLAKE2b-256 over the digest of the record before (of the plan's bytes for the
 *          first) and the rest of the line, so that no record can be changed, dropped or put
 *          elsewhere unseen. BOOT is the boot id. PAYLOAD is one line of JSON; that of the first
 *          record has the "format" of the file (none: 1, before there were deadlines).
 * Owns:    struct journal is the caller's; the descriptor is the journal's.
 * Errors:  ERR_SYS: the record may be on disk or not. What a crash cut off (a last line without
 *          its end, or with a block that never arrived) is `torn`, and cut away by the next append.
 *          ERR_INPUT: anything else that does not hold: the last record may have been acted upon,
 *          so it is not to be forgotten. ERR_UNSUPPORTED: of a newer format. Nothing may be done
 *          automatically with such a transaction.
 */
#ifndef HAMEDIC_AGENT_TRANSACTION_JOURNAL_H
#define HAMEDIC_AGENT_TRANSACTION_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "plans/base/arena.h"
#include "plans/base/digest.h"
#include "plans/base/span.h"

enum record_type {
    RECORD_OPEN,       /* a transaction began; {"plan":ID,"by":...} */
    RECORD_STAGED,     /* the undo records, before anything is written anywhere */
    RECORD_PREPARED,   /* all staged, nothing visible; the plan is spent from here on */
    RECORD_COMMITTING, /* from here on things become visible */
    RECORD_ANNOUNCE,   /* an effect that no digest shows is about to happen; {"what":...} */
    RECORD_COMMITTED,
    RECORD_PROVEN, /* decided: the new state stays, or may be confirmed where that was asked for */
    RECORD_AWAITING_CONFIRM, /* {"seconds":N,"until_ms":CLOCK_BOOTTIME of that boot} */
    RECORD_CONFIRMED,        /* decided by a person: the new state stays; {"by":...} */
    RECORD_DONE,             /* cleared up */
    RECORD_ROLLING_BACK,     /* decided: the old state comes back; {"reason":...} */
    RECORD_UNDONE,           /* {"address":...,"persistent":...,"runtime":...,"left":...} */
    RECORD_ROLLED_BACK,
    RECORD_NEEDS_A_PERSON, /* {"what":[...]} */
    RECORD_ACCEPTED,       /* a person recorded the present state as it is */
    RECORD_TYPE_COUNT
};
const char *record_type_word(enum record_type type);

struct record {
    enum record_type type;
    int64_t time;
    const char *boot;
    const char *payload;
};

#define JOURNAL_FORMAT 2 /* what this program writes; it reads this one and those before */

struct journal_records {
    struct record *at;
    size_t count;
    bool torn; /* the last line was cut off by a crash */
};

struct journal {
    int fd;
    off_t end; /* of the last good record */
    uint64_t sequence;
    struct digest last;
    enum record_type state; /* last record that is a state, i.e. no ANNOUNCE and no UNDONE */
    bool empty;
};

MUST_CHECK int journal_create(int dir, struct span plan_bytes, struct journal *out_journal,
                              struct err *err);
/* Reads and checks all records, and opens the journal for more. */
MUST_CHECK int journal_open(int dir, struct span plan_bytes, struct arena *arena,
                            struct journal_records *out_records, struct journal *out_journal,
                            struct err *err);
void journal_close(struct journal *journal);
/* On disk when it returns 0. A move that is not legal from the present state is ERR_BUG. */
MUST_CHECK int journal_append(struct journal *journal, enum record_type type, const char *payload,
                              struct err *err);
/* This boot's: /proc/sys/kernel/random/boot_id, or "-" where there is no /proc. */
const char *journal_boot_id(struct arena *arena);
/* Is `to` a legal next record when the state is `from`? */
bool journal_move_is_legal(enum record_type from, enum record_type to);
/* Pure: checks the text of a journal. *out_good: length of its valid part. */
MUST_CHECK int journal_parse(struct span text, struct span plan_bytes, struct arena *arena,
                             struct journal_records *out_records, size_t *out_good,
                             struct digest *out_last, struct err *err);

#endif
