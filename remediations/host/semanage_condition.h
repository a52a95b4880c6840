/* host/semanage_condition: the policy store as files, without any library: where it stands, what a
 * crash left of it, and who holds its lock.
 * Use:     semanage_condition_paths(host, arena, &paths, err); then the others. semanage_check of
 *          semanage.h is implemented here too, so that every build can tell a damaged store.
 * Shapes:  paths are as in host/host. Everything MUST be asked before the first libsemanage call
 *          of a process: on a store without `active` some of its calls make an empty one.
 * Owns:    results live in the arena.
 * Errors:  ERR_INPUT a store name or root that cannot be one; ERR_SYS, with ETIMEDOUT where
 *          another program held the store's lock all the time we waited; ERR_DENIED as
 *          host_open_parent says.
 * Source:  libsemanage 3.4: it renames active to previous, tmp to active, and then copies to
 *          /etc/selinux/STORE; flock(2) on semanage.trans.LOCK (writers) and semanage.read.LOCK;
 *          semanage.conf(5) store-root.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SEMANAGE_CONDITION_H
#define HAMEDIC_REMEDIATIONS_HOST_SEMANAGE_CONDITION_H

#include "remediations/host/semanage.h"

struct semanage_paths {
    const char *name; /* "targeted"; NULL: this host has no policy store, and nothing else is set */
    const char *root; /* "/var/lib/selinux", or what semanage.conf says */
    const char *store;     /* root/name */
    const char *installed; /* "/etc/selinux/NAME" */
};
MUST_CHECK int semanage_condition_paths(const struct host *host, struct arena *arena,
                                        struct semanage_paths *out_paths, struct err *err);
/* The tree's own absolute path: the name it was given by may be relative. "" on a live host. */
MUST_CHECK int semanage_condition_root(const struct host *host, char *out_root, size_t size,
                                       struct err *err);
/* ERR_CHANGED names the damage; ERR_UNSUPPORTED: there is no store. */
MUST_CHECK int semanage_condition_require_sound(const struct semanage_paths *paths,
                                                enum semanage_condition condition, struct err *err);
/* As semanage_look, but at this moment: for who holds the writers' lock. */
MUST_CHECK int semanage_condition_look(const struct host *host, const struct semanage_paths *paths,
                                       struct semanage_state *out_state, struct err *err);
/* SEMANAGE_NO_ACTIVE put right where one of our commits left it: `previous`, the store as it was
 * before the commit, becomes `active` again, under both locks, and is on disk. Another condition:
 * nothing is done. */
MUST_CHECK int semanage_condition_restore(const struct host *host,
                                          const struct semanage_commits *ours, struct err *err);
/* Did one of these commits leave the store as it is? If not, ERR_CHANGED names the damage. */
MUST_CHECK int semanage_condition_require_ours(const struct semanage_paths *paths,
                                               const struct semanage_state *state,
                                               const struct semanage_commits *ours,
                                               struct err *err);
/* What a commit wrote after libsemanage's own syncfs is brought to the disk: the store's folder,
 * `active`, and all that is installed. */
MUST_CHECK int semanage_condition_sync(const struct host *host, const struct semanage_paths *paths,
                                       struct err *err);
/* In a tree: nothing on the way to the store may be a link (libsemanage follows them out of the
 * tree), and semanage.conf may name no program of its own to run. ERR_DENIED. A live host passes:
 * it is root's. */
MUST_CHECK int semanage_condition_guard(const struct host *host, const struct semanage_paths *paths,
                                        struct err *err);
/* "process 4711 (dnf)", whoever holds the writers' lock; NULL: nobody, or it cannot be told. */
const char *semanage_condition_lock_holder(const struct host *host,
                                           const struct semanage_paths *paths, struct arena *arena);

#endif
