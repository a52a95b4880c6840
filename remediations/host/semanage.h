/* host/semanage: the persistent SELinux policy store, through libsemanage. Its only user.
 * Use:     semanage_open(host, &store, err); queries; semanage_begin; semanage_set_*;
 *          semanage_commit_staged; semanage_close. One transaction carries all SELinux changes of
 *          a plan; after a commit that succeeded the store can begin another one.
 * Shapes:  ports 1..65535 host order, protocol "tcp" or "udp"; types are names ("http_port_t").
 *          libsemanage keeps its root and store for the life of the process: another one is
 *          ERR_BUG. Queries tell what is committed, not what is staged.
 * Errors:  ERR_UNSUPPORTED without libsemanage or without a managed store; ERR_INPUT what the
 *          store does not know (boolean, port type), named; ERR_CHANGED a damaged store
 *          (semanage_check); ERR_DENIED a tree that leads outside or names programs; ERR_SYS with
 *          libsemanage's own words, EBUSY where another program writes (it is named).
 *          libsemanage reports success for much that it did not do: everything is validated
 *          before and read back after, here.
 * Source:  libsemanage 3.4 (semanage_set_root(3), semanage_bool(3), semanage_port(3)); behaviour
 *          measured on it.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SEMANAGE_H
#define HAMEDIC_REMEDIATIONS_HOST_SEMANAGE_H

#include "remediations/host/host.h"

struct semanage;

/* The store's condition, seen without opening it: what a crash in the middle of a commit leaves
 * behind. */
enum semanage_condition {
    SEMANAGE_SOUND,
    SEMANAGE_NO_ACTIVE, /* between two renames: `active` is gone, `previous` holds the old store */
    SEMANAGE_NOT_INSTALLED, /* store is new, the installed policy is old */
    SEMANAGE_NONE,          /* no store at all */
};
MUST_CHECK int semanage_check(const struct host *host, struct arena *arena,
                              enum semanage_condition *out_condition, struct err *err);
/* The same, with the number of the commit that made the store: libsemanage counts its commits.
 * `number` is that of `active`; without one, that of `previous`; 0: it has none. */
struct semanage_state {
    enum semanage_condition condition;
    uint64_t number;
};
MUST_CHECK int semanage_look(const struct host *host, struct arena *arena,
                             struct semanage_state *out_state, struct err *err);

/* Commits of ours that may have been interrupted, each by the number of the store it began on
 * (semanage_begun_on). */
struct semanage_commits {
    const uint64_t *at;
    size_t count;
};
/* Puts right what such a commit left half done, under libsemanage's locks: without `active` the old
 * store is put back; a policy that is not installed is built anew (takes as long as semodule -B)
 * and installed, which is a commit on the store's present number. A sound store: nothing is done.
 * Damage that no commit of ours can have left is ERR_CHANGED, and stays. NULL: whoever left it. */
MUST_CHECK int semanage_repair(const struct host *host, const struct semanage_commits *ours,
                               struct err *err);
/* What the store holds is on disk, and where SELinux runs here it is loaded: for who finds that a
 * commit was made and cannot know how far it came. */
MUST_CHECK int semanage_settle(const struct host *host, struct err *err);

MUST_CHECK int semanage_open(const struct host *host, struct semanage **out_store, struct err *err);
void semanage_close(struct semanage *store);

struct semanage_boolean {
    bool known;
    bool on;       /* what the next boot gives: the installed policy's value, local one included */
    bool is_local; /* somebody customised it */
    bool local_on;
};
MUST_CHECK int semanage_get_boolean(struct semanage *store, const char *name,
                                    struct semanage_boolean *out_boolean, struct err *err);

struct semanage_port_label {
    const char *type; /* the type the port has: the first record that covers it; NULL: no record */
    bool is_local;    /* by a local record for exactly this port */
    const char *policy_type;      /* what the policy itself says, NULL: nothing */
    const char *local_range_type; /* a local record of a range that covers it: an exact record would
                                     overlap; NULL */
    uint32_t local_low, local_high;
};
MUST_CHECK int semanage_get_port(struct semanage *store, const char *protocol, uint32_t port,
                                 struct arena *arena, struct semanage_port_label *out_port,
                                 struct err *err);
/* Is it a type that ports can have? That is one which some record of the policy gives to a port:
 * libsemanage does not tell attributes, and a type without any port is nobody's to give. */
MUST_CHECK int semanage_is_port_type(struct semanage *store, const char *type, bool *out_is,
                                     struct err *err);

MUST_CHECK int semanage_begin(struct semanage *store, struct err *err);
/* Stage into the transaction. Booleans: persistent, and running where `run`. */
MUST_CHECK int semanage_set_boolean(struct semanage *store, const char *name, bool on, bool run,
                                    struct err *err);
MUST_CHECK int semanage_unset_boolean(struct semanage *store, const char *name, struct err *err);
MUST_CHECK int semanage_set_port(struct semanage *store, const char *protocol, uint32_t port,
                                 const char *type, struct err *err);
MUST_CHECK int semanage_unset_port(struct semanage *store, const char *protocol, uint32_t port,
                                   struct err *err);
/* In a transaction: how many changes are staged, and the number of the store it began on. */
size_t semanage_staged_count(const struct semanage *store);
uint64_t semanage_begun_on(const struct semanage *store);
/* Everything staged, at once; loads the policy where the host is live; what it wrote is on disk
 * then. A commit that installed nothing although something was staged is an error. After an error
 * the store may be damaged: close it, semanage_repair. */
MUST_CHECK int semanage_commit_staged(struct semanage *store, struct err *err);
void semanage_abandon(struct semanage *store);

#endif
