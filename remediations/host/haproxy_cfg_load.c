#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "remediations/host/haproxy_cfg_parse.h"

/* A configuration in pieces is bounded as a whole too. */
struct loading {
    const struct host *host;
    struct arena *arena;
    struct cfg_file *files;
    size_t count;
    size_t bytes;
};

static int load_file(struct loading *loading, const char *path, struct err *err)
{
    struct span bytes = {0};
    bool exists = false;
    const char *real = NULL;

    if (host_real_path(loading->host, path, loading->arena, &real, err) < 0)
        return -1;
    if (real == NULL)
        return err_sys(err, ENOENT, "cannot read '%s'", path);
    if (host_read(loading->host, real, HOST_FILE_MAX, loading->arena, &exists, &bytes, err) < 0)
        return -1;
    if (!exists)
        return err_sys(err, ENOENT, "cannot read '%s'", path);
    loading->bytes += bytes.len;
    if (loading->bytes > HOST_FILE_MAX)
        return err_set(err, ERR_INPUT,
                       "'%s' and the files before it are too large: expected at most %zu bytes",
                       path, HOST_FILE_MAX);
    struct cfg_file *file = &ARENA_PUSH(loading->arena, loading->files, loading->count);
    *file = (struct cfg_file){real, bytes};
    return 0;
}

/* Follows links, as HAProxy's stat(2) does. */
static int mode_of(const struct host *host, const char *path, mode_t *out_mode, struct err *err)
{
    int fd CLEANUP_FD = -1;
    struct stat st;

    if (host_open_path(host, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", path);
    *out_mode = st.st_mode;
    return 0;
}

/* *.cfg, regular, not hidden, in byte order. */
static int load_directory(struct loading *loading, const char *dir, struct err *err)
{
    struct strings names = {0};
    size_t len = strlen(dir);
    const char *slash = len > 0 && dir[len - 1] == '/' ? "" : "/";

    if (host_list(loading->host, dir, loading->arena, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        mode_t mode = 0;
        if (names.at[i][0] == '.' || !span_ends_with(span_of(names.at[i]), ".cfg"))
            continue;
        const char *path = arena_printf(loading->arena, "%s%s%s", dir, slash, names.at[i]);
        if (mode_of(loading->host, path, &mode, err) < 0)
            return -1;
        if (S_ISREG(mode) && load_file(loading, path, err) < 0)
            return -1;
    }
    return 0;
}

static int load(const struct host *host, const struct haproxy *haproxy, const char *only,
                struct arena *arena, struct cfg **out_cfg, struct err *err)
{
    struct loading loading = {.host = host, .arena = arena};

    if (haproxy->config.count == 0)
        return err_set(err, ERR_INPUT, "HAProxy's configuration file is not known");
    for (size_t i = 0; i < haproxy->config.count; i++) {
        const char *path = haproxy->config.at[i];
        mode_t mode = 0;
        if (mode_of(host, path, &mode, err) < 0)
            return -1;
        if ((S_ISDIR(mode) ? load_directory(&loading, path, err) : load_file(&loading, path, err)) <
            0)
            return -1;
    }
    return cfg_parse_only(loading.files, loading.count, &haproxy->environment, only, arena, out_cfg,
                          err);
}

int cfg_load(const struct host *host, const struct haproxy *haproxy, struct arena *arena,
             struct cfg **out_cfg, struct err *err)
{
    return load(host, haproxy, NULL, arena, out_cfg, err);
}

int cfg_load_without_servers(const struct host *host, const struct haproxy *haproxy,
                             struct arena *arena, struct cfg **out_cfg, struct err *err)
{
    return load(host, haproxy, KEEP_NO_SERVERS, arena, out_cfg, err);
}
