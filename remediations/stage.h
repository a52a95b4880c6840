/* remediations/stage: everything one transaction prepares, each shared object once: every file as
 * one staged image, the SELinux store as one libsemanage transaction, daemon-reload and reload one
 * time each.
 * Use:     prepare: stage_new; rows edit through stage_file_text, stage_file_set, stage_note and
 *                   stage_want_reload; stage_seal.
 *          commit:  rows call stage_commit_file, stage_daemon_reload, ...; stage_finish (the one
 *                   reload).
 *          undo:    rows call stage_undo_file, ...; stage_undo_finish. It works in a new process
 *                   after a crash: stage_restore gives back what stage_records told.
 *          end:     stage_settle removes what was displaced; stage_free.
 * Shapes:  paths as in host/host. All calls may be repeated: what is done is not done again.
 * Owns:    struct stage owns its staged files until stage_settle or stage_discard.
 * Errors:  ERR_CHANGED the object is not as expected; else as the host calls say.
 */
#ifndef HAMEDIC_REMEDIATIONS_STAGE_H
#define HAMEDIC_REMEDIATIONS_STAGE_H

#include "plans/base/replace.h"
#include "remediations/host/haproxy.h"
#include "remediations/host/semanage.h"

struct stage;

/* Called before an effect becomes visible, so that the journal holds it first (fsynced). */
typedef int stage_announce(void *context, const char *what, struct err *err);

struct stage_settings {
    const struct host *host;
    struct haproxy *haproxy; /* may be not running; brought up to date by a reload */
    const char *id;          /* of the transaction: part of the staged files' names */
    int undo_dir;            /* open directory for the old bytes of files; borrowed */
    /* Was the running HAProxy what its files said when the plan was made? If not, an undo never
     * reloads: it would activate what was not active before. */
    bool was_in_step;
    stage_announce *announce;
    void *context;
};
MUST_CHECK int stage_new(const struct stage_settings *settings, struct stage **out_stage,
                         struct err *err);
void stage_free(struct stage *stage);

struct arena *stage_arena(struct stage *stage);
const struct host *stage_host(const struct stage *stage);
struct haproxy *stage_haproxy(struct stage *stage);

/* ---- files ---- */
/* The staged text of `path` (its bytes on disk at first use). */
MUST_CHECK int stage_file_text(struct stage *stage, const char *path, bool *out_exists,
                               struct span *out_text, struct err *err);
/* What it shall be. exists false: the file shall not be there. */
MUST_CHECK int stage_file_set(struct stage *stage, const char *path, bool exists, struct span text,
                              struct err *err);
MUST_CHECK int stage_commit_file(struct stage *stage, const char *path, struct err *err);

/* How an undo of one object went. */
enum undone {
    UNDONE_RESTORED, /* is as before */
    UNDONE_OWN_PART, /* somebody edited it since: only our part was taken back */
    UNDONE_ALREADY,  /* was as before */
    UNDONE_LEFT,     /* is neither as before nor as we made it: left alone, and reported */
};
/* Restores the file whole where it is what we wrote; else calls `take_back` on its present text,
 * which takes our own part away (out_text; the same text where it is as before already) or says with
 * *out_ours false that what stands there is neither ours nor as before. */
typedef int stage_take_back(void *context, struct span text, struct arena *arena, bool *out_ours,
                            struct span *out_text, struct err *err);
MUST_CHECK int stage_undo_file(struct stage *stage, const char *path, stage_take_back *take_back,
                               void *context, enum undone *out_undone, struct err *err);

/* ---- SELinux: all changes of the plan in one libsemanage transaction ---- */
/* Opens the store and begins a transaction where none is open. */
MUST_CHECK int stage_store(struct stage *stage, struct semanage **out_store, struct err *err);
/* Commits what was staged since the last commit; nothing where nothing was. While undoing, this is
 * put off to stage_undo_finish, so that all inverses are one transaction too. */
MUST_CHECK int stage_commit_store(struct stage *stage, struct err *err);
/* No commit to it was ever begun: nothing of ours can be in it, and an undo need not open it. */
bool stage_store_is_untouched(const struct stage *stage);

/* ---- the service ---- */
void stage_want_reload(struct stage *stage);
void stage_want_daemon_reload(struct stage *stage);
/* At the first call, where it was wanted and systemd runs. */
MUST_CHECK int stage_daemon_reload(struct stage *stage, struct err *err);

/* The LimitNOFILE that the next start will have once this is committed: the descriptor budget is
 * judged with it. */
void stage_expect_limit(struct stage *stage, uint64_t limit);

/* ---- notes: what undo will need and the plan does not say; journaled before commit ---- */
void stage_note(struct stage *stage, const char *address, const char *key, const char *value);
const char *stage_recall(const struct stage *stage, const char *address, const char *key);

/* Right before a running value is written: `now` is still what the plan found. Else ERR_CHANGED,
 * and an undo leaves that value to whoever set it: nothing of ours is in it. */
MUST_CHECK int stage_check_running(struct stage *stage, const struct change *change,
                                   const char *now, struct err *err);
bool stage_running_is_theirs(const struct stage *stage, const struct change *change);

/* ---- for the engine ---- */
/* Was each file that was staged for this change read as the plan found it? */
MUST_CHECK int stage_check_planned(const struct stage *stage, const struct change *change,
                                   struct err *err);
/* Nothing visible yet: writes every staged file beside its target and the undo copies, checks that
 * each file can be replaced; runs `haproxy -c` on the staged configuration and the descriptor
 * budget that -c does not look at. */
MUST_CHECK int stage_seal(struct stage *stage, struct err *err);
/* One JSON text with files, notes and wants, for the journal; and the way back. */
const char *stage_records(const struct stage *stage, struct arena *arena);
MUST_CHECK int stage_restore(struct stage *stage, struct span records, struct err *err);
MUST_CHECK int stage_finish(struct stage *stage, struct err *err); /* the reload, where wanted */
/* Undoing begins: what is staged and not committed in the SELinux store is given up. */
void stage_undo_begin(struct stage *stage);
/* Will stage_undo_finish bring the running HAProxy to what its files say then? */
bool stage_undo_reloads(const struct stage *stage);
/* The reload that was made also activated what had been edited before, which no undo can take back. */
bool stage_undo_leaves_active(const struct stage *stage);
/* HAProxy did not run before, was started, and goes on: an undo stops no service. */
bool stage_undo_leaves_started(const struct stage *stage);
/* The effects that the journal says were announced, after a crash. */
void stage_mark_announced(struct stage *stage, const char *what);
/* The store's inverses, daemon-reload and reload, each where it had been done. */
MUST_CHECK int stage_undo_finish(struct stage *stage, struct err *err);
/* Is no staged file in its place yet? ERR_CHANGED names one that stands there as this transaction
 * wrote it. */
MUST_CHECK int stage_check_unplaced(struct stage *stage, struct err *err);
/* Removes the displaced files; the undo copies stay. */
MUST_CHECK int stage_settle(struct stage *stage, struct err *err);
/* Sealed or not, nothing committed: removes every staged file and directory made for one. */
MUST_CHECK int stage_discard(struct stage *stage, struct err *err);

#endif
