/* host/host: the machine, or the tree that stands for it under --root. The only door to its files.
 * Use:     struct host *host; host_open(root_or_NULL, &host, err) ... host_close(host);
 * Shapes:  paths are absolute, as the host sees them ("/etc/haproxy/haproxy.cfg"): under --root
 * they are resolved inside the tree, links included, and nothing outside can be reached. Owns:
 * struct host owns its memory and descriptors; results live in the arena that is given. Errors:
 * ERR_SYS, ERR_INPUT (too large, no regular file); ERR_DENIED where a file or a directory above it
 *          that only root should write may be written by others.
 * Source:  openat2(2) RESOLVE_IN_ROOT, Linux 5.6.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HOST_H
#define HAMEDIC_REMEDIATIONS_HOST_HOST_H

#include "plans/base/arena.h"
#include "plans/base/file.h"
#include "plans/base/span.h"
#include "plans/plan.h"

#define HOST_FILE_MAX ((size_t)16 * 1024 * 1024) /* three times a haproxy.cfg of 100,000 lines */
#define HOST_CONF_MAX ((size_t)1024 * 1024)      /* sysctl.d, units: what systemd allows one line */

/* What /etc/hamedic/hamedic.conf or --config says; NULL or empty: find it yourself. */
struct host_settings {
    const char *unit;      /* "haproxy.service" */
    const char *program;   /* path of haproxy */
    struct strings config; /* -f arguments */
    const char *stats_socket;
    const char *master_socket;
    const char *pid_file;
    const char *selinux_store; /* "targeted", "default" */
    struct strings logs;       /* paths of HAProxy's logs */
    const char *target;        /* what clients ask for: an address; of the command line alone */
    uint32_t target_port;      /* 0: any */
};

struct host {
    int root;              /* descriptor of "/" or of the tree */
    bool live;             /* false under --root: nothing is activated, nothing running is asked */
    const char *root_path; /* "/" or the tree as the user named it */
    struct host_settings settings;
    struct arena *arena;
};

MUST_CHECK int host_open(const char *root, struct host **out_host, struct err *err);
/* Is its root the one this process has, whatever path was given? */
bool host_is_own_root(const struct host *host);
void host_close(struct host *host);
static inline void host_cleanup(struct host **host)
{
    if (*host != NULL)
        host_close(*host);
}
#define CLEANUP_HOST __attribute__((cleanup(host_cleanup)))

/* Opens for reading; links are followed inside the root. flags: as open(2), without O_CREAT. */
MUST_CHECK int host_open_path(const struct host *host, const char *path, int flags, int *out_fd,
                              struct err *err);
/* The whole of a regular file. An absent one: *out_exists false, and 0. */
MUST_CHECK int host_read(const struct host *host, const char *path, size_t max, struct arena *arena,
                         bool *out_exists, struct span *out_bytes, struct err *err);
/* Names in a directory in byte order, "." and ".." left out. An absent directory has none. */
MUST_CHECK int host_list(const struct host *host, const char *dir, struct arena *arena,
                         struct strings *out_names, struct err *err);
/* Where `path` really stands inside the root once all links are followed; NULL where it is absent.
 */
MUST_CHECK int host_real_path(const struct host *host, const char *path, struct arena *arena,
                              const char **out_path, struct err *err);
/* Opens the directory of `path` for a replacement of its last part. Every directory from the root
 * down MUST be a directory of root's that nobody else may write, or ERR_DENIED. `make`: missing
 * ones are made (0755). */
MUST_CHECK int host_open_parent(const struct host *host, const char *path, bool make, int *out_dir,
                                const char **out_name, struct err *err);

/* /etc/machine-id through a keyed hash; NULL where there is none. */
MUST_CHECK int host_machine(const struct host *host, struct arena *arena, const char **out_hash,
                            struct err *err);
/* For people: /etc/hostname in a tree, gethostname(2) live. Never fails: "localhost" at worst. */
const char *host_name(const struct host *host, struct arena *arena);

#endif
