/* remediations/stage_internal: what the parts of stage share. Nobody else includes it. */
#ifndef HAMEDIC_REMEDIATIONS_STAGE_INTERNAL_H
#define HAMEDIC_REMEDIATIONS_STAGE_INTERNAL_H

#include "remediations/stage.h"

struct stage_file {
    const char *path;       /* as the rows name it: links followed */
    const char *stage_name; /* beside it: ".hamedic.ID.N" */
    const char *undo_name;  /* in the undo directory: "old.N" */
    struct file_image before;
    bool exists; /* shall be there */
    struct span text;
    struct digest written; /* of text; empty hex where it shall not be there */
    bool changed;
    bool sealed;
    bool committed;          /* by this process */
    bool from_journal;       /* staged by another process: what became of it the directory tells */
    size_t made_directories; /* how many directories above it were made for it, innermost first */
};

struct stage_memo {
    const char *address, *key, *value;
};

struct stage {
    struct stage_settings settings;
    struct arena *arena;
    struct stage_file **files; /* pointers: rows may hold one while the list grows */
    size_t file_count;
    struct stage_memo *notes;
    size_t note_count;
    struct semanage *store;
    bool store_begun;
    /* Commits to it that the journal has begun and not ended: what is half done there may be ours. */
    struct commit_numbers {
        uint64_t *at;
        size_t count;
    } store_commits;
    bool store_stands;       /* committed in this process, on disk and loaded */
    uint64_t expected_limit; /* 0: no change to it */
    bool want_reload, want_daemon_reload;
    bool daemon_reloaded;
    bool announced_reload, announced_start, announced_daemon_reload, announced_store;
    bool undoing;
};

/* Opens the directory of a staged file. */
MUST_CHECK int stage_file_parent(const struct stage *stage, const struct stage_file *file,
                                 int *out_dir, const char **out_name, struct err *err);
/* Checks that need the whole of the staged configuration: `haproxy -c` and the descriptor budget.
 */
MUST_CHECK int stage_check_config(struct stage *stage, struct err *err);
/* A reload that is wanted and cannot be done is found out before anything is visible. */
MUST_CHECK int stage_check_reload(const struct stage *stage, struct err *err);
MUST_CHECK int stage_say(struct stage *stage, const char *what, struct err *err);

#endif
