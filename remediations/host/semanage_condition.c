#include "remediations/host/semanage_condition.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "plans/base/escape.h"
#include "plans/base/file.h"
#include "remediations/host/selinux.h"

#define SEMANAGE_CONF "/etc/selinux/semanage.conf"
#define WRITERS_LOCK  "semanage.trans.LOCK"
#define READERS_LOCK  "semanage.read.LOCK"

enum {
    CONF_MAX = 256 * 1024,
    NUMBER_MAX = 64,
    INSTALLED_DEPTH = 4,
    LOCK_WAIT_MS = 5000,
    LOCK_STEP_MS = 50,
};

/* "store-root = PATH" of semanage.conf; the last one wins. */
static int find_store_root(const struct host *host, struct arena *arena, const char **out_root,
                           struct err *err)
{
    struct span root = span_of("/var/lib/selinux");
    struct span text, line;
    bool exists = false;

    if (host_read(host, SEMANAGE_CONF, CONF_MAX, arena, &exists, &text, err) < 0)
        return -1;
    while (exists && span_next_line(&text, &line)) {
        struct span key = span_trim(span_cut(&line, '='));
        if (span_is(key, "store-root"))
            root = span_trim(line);
    }
    if (root.len == 0 || root.ptr[0] != '/' || memchr(root.ptr, '\0', root.len) != NULL)
        return err_set(err, ERR_INPUT, "'%s': store-root '%s' is no absolute path", SEMANAGE_CONF,
                       escape_span(arena, root, 200));
    while (root.len > 1 && root.ptr[root.len - 1] == '/')
        root.len--;
    *out_root = arena_copy(arena, root.ptr, root.len);
    return 0;
}

int semanage_condition_paths(const struct host *host, struct arena *arena,
                             struct semanage_paths *out_paths, struct err *err)
{
    struct semanage_paths paths = {0};

    if (selinux_store_name(host, arena, &paths.name, err) < 0)
        return -1;
    if (paths.name != NULL) {
        if (find_store_root(host, arena, &paths.root, err) < 0)
            return -1;
        paths.store = arena_printf(arena, "%s/%s", paths.root, paths.name);
        paths.installed = arena_printf(arena, "/etc/selinux/%s", paths.name);
    }
    *out_paths = paths;
    return 0;
}

int semanage_condition_root(const struct host *host, char *out_root, size_t size, struct err *err)
{
    char link[64];

    if (host->live) {
        out_root[0] = '\0';
        return 0;
    }
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", host->root);
    ssize_t len = readlink(link, out_root, size - 1);
    if (len <= 0 || (size_t)len >= size - 1 || out_root[0] != '/')
        return err_set(err, ERR_SYS, "cannot tell the path of the tree '%s'", host->root_path);
    out_root[len] = '\0';
    return 0;
}

/* semanage.conf can name any program as setfiles, load_policy or compiler: a tree's words are data,
 * not orders. */
static int refuse_programs(const struct host *host, struct arena *arena, struct err *err)
{
    struct span text, line;
    bool exists = false;

    if (host_read(host, SEMANAGE_CONF, CONF_MAX, arena, &exists, &text, err) < 0)
        return -1;
    /* Without a file of the tree's own libsemanage would read this machine's. */
    if (!exists)
        return err_set(err, ERR_UNSUPPORTED, "the tree has no '%s'", SEMANAGE_CONF);
    while (span_next_line(&text, &line)) {
        struct span key = span_trim(span_cut(&line, '='));
        struct span program = span_trim(line);
        if (span_is(key, "compiler-directory"))
            return err_set(err, ERR_DENIED, "'%s' of the tree names its own compilers",
                           SEMANAGE_CONF);
        if (span_is(key, "path") && !span_is(program, "/usr/sbin/sefcontext_compile") &&
            !span_is(program, "/usr/sbin/setfiles") && !span_is(program, "/sbin/setfiles") &&
            !span_is(program, "/usr/sbin/load_policy") && !span_is(program, "/sbin/load_policy"))
            return err_set(err, ERR_DENIED, "'%s' of the tree names a program to run: '%s'",
                           SEMANAGE_CONF, escape_span(arena, program, 200));
    }
    return 0;
}

int semanage_condition_guard(const struct host *host, const struct semanage_paths *paths,
                             struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const char *const below[] = {
        arena_printf(scratch, "%s/active/modules", paths->store),
        arena_printf(scratch, "%s/final/%s/policy", paths->root, paths->name),
        arena_printf(scratch, "%s/policy/policy.kern", paths->installed),
        arena_printf(scratch, "%s/contexts/files/file_contexts", paths->installed),
    };

    if (host->live)
        return 0;
    for (size_t at = 0; at < sizeof below / sizeof below[0]; at++) {
        int dir CLEANUP_FD = -1;
        const char *name = NULL;
        if (host_open_parent(host, below[at], false, &dir, &name, err) < 0 &&
            !(err->kind == ERR_SYS && err->sys == ENOENT))
            return -1;
    }
    memset(err, 0, sizeof *err);
    return refuse_programs(host, scratch, err);
}

/* Is there something at DIR/NAME? */
static int look_for(const struct host *host, struct arena *arena, const char *dir, const char *name,
                    bool *out_there, struct err *err)
{
    const char *path = arena_printf(arena, "%s/%s", dir, name);
    int fd CLEANUP_FD = -1;

    if (host_open_path(host, path, O_PATH, &fd, err) == 0) {
        *out_there = true;
        return 0;
    }
    if (err->kind != ERR_SYS || err->sys != ENOENT)
        return -1;
    memset(err, 0, sizeof *err);
    *out_there = false;
    return 0;
}

static bool is_policy_file(const char *name)
{
    static const char prefix[] = "policy.";

    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return false;
    name += sizeof prefix - 1;
    return *name != '\0' && strspn(name, "0123456789") == strlen(name);
}

/* Does one of the installed policy files have the bytes of the store's? */
static int is_installed(const struct host *host, const struct semanage_paths *paths,
                        struct arena *arena, bool *out_is, struct err *err)
{
    struct span built, installed;
    struct strings names = {0};
    bool exists = false;
    const char *dir = arena_printf(arena, "%s/policy", paths->installed);

    if (host_read(host, arena_printf(arena, "%s/active/policy.kern", paths->store), HOST_FILE_MAX,
                  arena, &exists, &built, err) < 0)
        return -1;
    *out_is = false;
    if (!exists)
        return 0;
    if (host_list(host, dir, arena, &names, err) < 0)
        return -1;
    for (size_t at = 0; at < names.count; at++) {
        if (!is_policy_file(names.at[at]))
            continue;
        if (host_read(host, arena_printf(arena, "%s/%s", dir, names.at[at]), HOST_FILE_MAX, arena,
                      &exists, &installed, err) < 0)
            return -1;
        if (exists && span_equal(built, installed))
            *out_is = true;
    }
    return 0;
}

/* The number in DIR/commit_num; 0: there is none. */
static int read_number(const struct host *host, struct arena *arena, const char *dir,
                       uint64_t *out_number, struct err *err)
{
    const char *path = arena_printf(arena, "%s/commit_num", dir);
    struct span text;
    bool exists = false;
    uint64_t number = 0;

    if (host_read(host, path, NUMBER_MAX, arena, &exists, &text, err) < 0)
        return -1;
    /* libsemanage writes its whole buffer: the digits, then NUL bytes. */
    text = exists ? span_trim(span_cut(&text, '\0')) : text;
    if (exists && span_to_u64(text, path, 0, UINT32_MAX, &number, err) < 0)
        return -1;
    *out_number = number;
    return 0;
}

int semanage_condition_look(const struct host *host, const struct semanage_paths *paths,
                            struct semanage_state *out_state, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    bool active = false, built = false, numbered = false, previous = false, installed = false;
    struct semanage_state state = {.condition = SEMANAGE_NONE};

    if (look_for(host, scratch, paths->store, "active", &active, err) < 0 ||
        look_for(host, scratch, paths->store, "active/policy.kern", &built, err) < 0 ||
        look_for(host, scratch, paths->store, "active/commit_num", &numbered, err) < 0 ||
        look_for(host, scratch, paths->store, "previous/policy.kern", &previous, err) < 0)
        return -1;
    bool empty = !active || (!built && !numbered);
    /* `semodule -l` between the two renames makes an `active` with nothing in it. */
    if (previous && empty)
        state.condition = SEMANAGE_NO_ACTIVE;
    else if (!empty && is_installed(host, paths, scratch, &installed, err) < 0)
        return -1;
    else if (!empty)
        state.condition = installed ? SEMANAGE_SOUND : SEMANAGE_NOT_INSTALLED;
    const char *dir = arena_printf(scratch, "%s/%s", paths->store,
                                   state.condition == SEMANAGE_NO_ACTIVE ? "previous" : "active");
    if (state.condition != SEMANAGE_NONE && read_number(host, scratch, dir, &state.number, err) < 0)
        return -1;
    *out_state = state;
    return 0;
}

static void sleep_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        continue;
}

/* "process 4711 (dnf)" of the lock on this open file, from /proc/locks. */
static const char *name_holder(int lock, struct arena *arena)
{
    struct stat st;
    struct span text, line;
    struct err ignored = {0};

    if (fstat(lock, &st) < 0 ||
        file_read(AT_FDCWD, "/proc/locks", 4 * 1024 * 1024, arena, &text, &ignored) < 0)
        return NULL;
    const char *object = arena_printf(arena, "%02x:%02x:%ju", major(st.st_dev), minor(st.st_dev),
                                      (uintmax_t)st.st_ino);
    while (span_next_line(&text, &line)) {
        char kind[16], pid[16], id[64];
        const char *row = arena_copy(arena, line.ptr, line.len);
        if (sscanf(row, "%*s %15s %*s %*s %15[0-9] %63s", kind, pid, id) != 3 ||
            strcmp(kind, "FLOCK") != 0 || strcmp(id, object) != 0)
            continue;
        struct span name;
        const char *path = arena_printf(arena, "/proc/%s/comm", pid);
        if (file_read(AT_FDCWD, path, 256, arena, &name, &ignored) < 0)
            return arena_printf(arena, "a program that process %s, which has ended, left running",
                                pid);
        return arena_printf(arena, "process %s (%s)", pid, escape_span(arena, span_trim(name), 64));
    }
    return NULL;
}

const char *semanage_condition_lock_holder(const struct host *host,
                                           const struct semanage_paths *paths, struct arena *arena)
{
    struct err ignored = {0};
    int lock CLEANUP_FD = -1;

    if (host_open_path(host, arena_printf(arena, "%s/%s", paths->store, WRITERS_LOCK), O_RDONLY,
                       &lock, &ignored) < 0)
        return NULL;
    if (flock(lock, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return NULL;
    const char *holder = name_holder(lock, arena);
    return holder != NULL ? holder : "another program";
}

/* A lock as libsemanage takes it, with its own deadline; closing the descriptor gives it back. */
static int take_lock(const struct host *host, const char *path, struct arena *arena, int *out_lock,
                     struct err *err)
{
    int lock CLEANUP_FD = -1;

    if (host_open_path(host, path, O_RDONLY, &lock, err) < 0)
        return -1;
    for (int waited = 0; flock(lock, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_sys(err, errno, "cannot lock '%s'", path);
        if (waited >= LOCK_WAIT_MS) {
            const char *holder = name_holder(lock, arena);
            return err_sys(err, ETIMEDOUT, "another program holds the policy store's lock '%s'%s%s",
                           path, holder != NULL ? ": " : "", holder != NULL ? holder : "");
        }
        sleep_ms(LOCK_STEP_MS);
    }
    *out_lock = take_fd(&lock);
    return 0;
}

int semanage_look(const struct host *host, struct arena *arena, struct semanage_state *out_state,
                  struct err *err)
{
    struct semanage_paths paths;
    struct semanage_state state = {.condition = SEMANAGE_NONE};

    if (semanage_condition_paths(host, arena, &paths, err) < 0)
        return -1;
    if (paths.name != NULL && semanage_condition_look(host, &paths, &state, err) < 0)
        return -1;
    if (state.condition == SEMANAGE_NO_ACTIVE || state.condition == SEMANAGE_NOT_INSTALLED) {
        /* Somebody's commit passes through these states: look again when nobody writes. */
        int lock CLEANUP_FD = -1;
        const char *path = arena_printf(arena, "%s/%s", paths.store, WRITERS_LOCK);
        /* Without a lock file libsemanage never wrote here. */
        if (take_lock(host, path, arena, &lock, err) < 0 &&
            !(err->kind == ERR_SYS && err->sys == ENOENT))
            return -1;
        memset(err, 0, sizeof *err);
        if (semanage_condition_look(host, &paths, &state, err) < 0)
            return -1;
    }
    *out_state = state;
    return 0;
}

int semanage_check(const struct host *host, struct arena *arena,
                   enum semanage_condition *out_condition, struct err *err)
{
    struct semanage_state state;

    if (semanage_look(host, arena, &state, err) < 0)
        return -1;
    *out_condition = state.condition;
    return 0;
}

int semanage_condition_require_sound(const struct semanage_paths *paths,
                                     enum semanage_condition condition, struct err *err)
{
    switch (condition) {
    case SEMANAGE_SOUND:
        return 0;
    case SEMANAGE_NONE:
        return err_set(err, ERR_UNSUPPORTED, "this host has no SELinux policy store%s%s%s",
                       paths->store != NULL ? " '" : "", paths->store != NULL ? paths->store : "",
                       paths->store != NULL ? "'" : "");
    case SEMANAGE_NO_ACTIVE:
        return err_set(err, ERR_CHANGED,
                       "the policy store '%s' is damaged: 'active' is missing, 'previous' holds "
                       "the store as it was before an interrupted commit",
                       paths->store);
    case SEMANAGE_NOT_INSTALLED:
        return err_set(err, ERR_CHANGED,
                       "the policy store '%s' is damaged: its policy is not the one installed "
                       "below '%s/policy' (an interrupted commit)",
                       paths->store, paths->installed);
    }
    return err_set(err, ERR_BUG, "unknown condition of the policy store");
}

/* A commit on number N leaves the old store N without an `active`, the new one N+1 that is not
 * installed, or the old one N where libsemanage took its own installation back half-way. */
static bool is_ours(const struct semanage_state *state, const struct semanage_commits *ours)
{
    for (size_t at = 0; at < ours->count; at++)
        if (state->number == ours->at[at] ||
            (state->condition == SEMANAGE_NOT_INSTALLED && state->number == ours->at[at] + 1))
            return true;
    return false;
}

int semanage_condition_require_ours(const struct semanage_paths *paths,
                                    const struct semanage_state *state,
                                    const struct semanage_commits *ours, struct err *err)
{
    if (ours == NULL || is_ours(state, ours))
        return 0;
    return err_set(err, ERR_CHANGED,
                   "the SELinux policy store '%s' is damaged by another program's commit (%s): no "
                   "SELinux change is made until a person has repaired it",
                   paths->store,
                   state->condition == SEMANAGE_NO_ACTIVE
                       ? "its 'active' directory is missing"
                       : "the installed policy is not the store's");
}

/* `previous` takes the place of `active`, or of the empty one that some program made meanwhile. */
static int put_back(const struct host *host, const struct semanage_paths *paths,
                    struct arena *arena, struct err *err)
{
    int dir CLEANUP_FD = -1;
    const char *active = NULL;

    if (host_open_parent(host, arena_printf(arena, "%s/active", paths->store), false, &dir, &active,
                         err) < 0)
        return -1;
    if (renameat2(dir, "previous", dir, active, RENAME_NOREPLACE) < 0 &&
        (errno != EEXIST || renameat2(dir, "previous", dir, active, RENAME_EXCHANGE) < 0))
        return err_sys(err, errno, "cannot make '%s/previous' the active store again",
                       paths->store);
    if (fsync(dir) < 0)
        return err_sys(err, errno, "cannot sync '%s'", paths->store);
    return 0;
}

int semanage_condition_restore(const struct host *host, const struct semanage_commits *ours,
                               struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct semanage_paths paths;
    struct semanage_state state;
    int writers CLEANUP_FD = -1;
    int readers CLEANUP_FD = -1;

    if (semanage_condition_paths(host, scratch, &paths, err) < 0)
        return -1;
    if (paths.name == NULL)
        return 0;
    if (semanage_condition_look(host, &paths, &state, err) < 0)
        return -1;
    if (state.condition != SEMANAGE_NO_ACTIVE)
        return 0;
    if (take_lock(host, arena_printf(scratch, "%s/%s", paths.store, WRITERS_LOCK), scratch,
                  &writers, err) < 0 ||
        take_lock(host, arena_printf(scratch, "%s/%s", paths.store, READERS_LOCK), scratch,
                  &readers, err) < 0)
        return -1;
    if (semanage_condition_look(host, &paths, &state, err) < 0)
        return -1;
    if (state.condition != SEMANAGE_NO_ACTIVE)
        return 0;
    if (semanage_condition_require_ours(&paths, &state, ours, err) < 0)
        return -1;
    return put_back(host, &paths, scratch, err);
}

/* ---- on disk ---- */

static int sync_path(const struct host *host, const char *path, bool *out_folder, struct err *err)
{
    struct stat st;
    int fd CLEANUP_FD = -1;

    *out_folder = false;
    if (host_open_path(host, path, O_RDONLY | O_NONBLOCK, &fd, err) < 0) {
        if (err->kind != ERR_SYS || err->sys != ENOENT)
            return -1;
        memset(err, 0, sizeof *err); /* a link to nowhere has nothing to be kept */
        return 0;
    }
    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot look at '%s'", path);
    *out_folder = S_ISDIR(st.st_mode);
    if ((S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && fsync(fd) < 0)
        return err_sys(err, errno, "cannot sync '%s'", path);
    return 0;
}

/* Folders first give their names, then themselves; `depth` folders further down. */
static int sync_folder(const struct host *host, const char *folder, int depth, struct arena *arena,
                       struct err *err)
{
    struct strings names = {0};
    bool is_folder = false;

    if (host_list(host, folder, arena, &names, err) < 0)
        return -1;
    for (size_t at = 0; at < names.count; at++) {
        const char *path = arena_printf(arena, "%s/%s", folder, names.at[at]);
        if (sync_path(host, path, &is_folder, err) < 0 ||
            (is_folder && depth > 0 && sync_folder(host, path, depth - 1, arena, err) < 0))
            return -1;
    }
    return sync_path(host, folder, &is_folder, err);
}

int semanage_condition_sync(const struct host *host, const struct semanage_paths *paths,
                            struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    bool is_folder;

    /* The modules below `active` are what libsemanage itself synced before its renames. */
    if (sync_folder(host, arena_printf(scratch, "%s/active", paths->store), 0, scratch, err) < 0 ||
        sync_path(host, paths->store, &is_folder, err) < 0 ||
        sync_folder(host, paths->installed, INSTALLED_DEPTH, scratch, err) < 0)
        return err_wrap(err, "the policy store is changed, but not safe from a power cut");
    return 0;
}
