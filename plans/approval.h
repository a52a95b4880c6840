/* plans/approval: who signed these bytes: this host's agent, and which operators.
 * Use:     approval_load_keys(dir, ...) ; approval_collect(bytes, plan_dir, plan_name, &keys, ...)
 * Shapes:  keys: a directory with agent.pub and operators/NAME.pub (minisign public keys).
 *          Signatures stand beside the plan: FILE.minisig and FILE.*.minisig. (FILE.sig and
 *          FILE.*.sig are SSH signatures: they are named in `ignored`, and not yet read.) The key,
 *          never the file name, decides whose word it is. The same key under two operator names
 *          counts once. The agent's key never counts as an approval, also when it stands among the
 *          operators. Of "fix.plan.old.minisig" beside a file "fix.plan.old" only what holds is
 *          counted: what does not is that other file's affair, and is in `ignored`. At most 64
 *          signature files are read.
 * Owns:    everything lives in the arena.
 * Errors:  ERR_INPUT a key file that is malformed, a key file or folder that is writable by group
 *          or others, or not owned by root or the caller; ERR_SYS. A signature that does not hold,
 *          or one file too many, is no error of the call: it is listed in `bad`, and the caller
 *          refuses (a bad signature beside a plan is never ignored).
 */
#ifndef HAMEDIC_PLANS_APPROVAL_H
#define HAMEDIC_PLANS_APPROVAL_H

#include "plans/minisign.h"
#include "plans/plan.h"

struct operator_key {
    const char *name; /* file name without ".pub", escaped */
    struct minisign_public public;
};

struct keyring {
    bool has_agent;
    struct minisign_public agent;
    struct operator_key *operators;
    size_t operator_count;
};

struct approvals {
    bool agent_signed;
    char agent_id[MINISIGN_ID_SIZE];
    struct span agent_signature; /* the file that held */
    struct approval {
        const char *operator_name;
        char key_id[MINISIGN_ID_SIZE];
        const char *file;
        struct span signature; /* its bytes */
    } * approvals;             /* distinct keys */
    size_t approval_count;
    struct strings bad;     /* "fix.plan.eve.minisig: signature does not hold", one line each */
    struct strings unknown; /* signed by a key that is not in the keyring */
    struct strings ignored;
};

/* keys_dir: an open directory. Absent agent.pub or operators/ are no error. */
MUST_CHECK int approval_load_keys(int keys_dir, struct arena *arena, struct keyring *out_keys,
                                  struct err *err);
/* plan_dir: the open directory in which the plan file `plan_name` stands. */
MUST_CHECK int approval_collect(struct span plan_bytes, int plan_dir, const char *plan_name,
                                const struct keyring *keys, struct arena *arena,
                                struct approvals *out_approvals, struct err *err);
/* Writes NAME.minisig (operator_name NULL: the agent's) or NAME.OPERATOR.minisig beside the plan; a
 * file that exists is replaced. operator_name must match [A-Za-z0-9._-]{1,64}. */
MUST_CHECK int approval_sign(struct span plan_bytes, int plan_dir, const char *plan_name,
                             const char *operator_name, const struct minisign_secret *secret,
                             struct arena *arena, const char **out_file, struct err *err);

/* Removes the signatures beside a plan that is about to be written anew: they sign what is gone. A file that is no
 * minisign signature, or that belongs to another file beside it, stays. */
MUST_CHECK int approval_remove(int plan_dir, const char *plan_name, struct arena *arena,
                               struct err *err);

#endif
