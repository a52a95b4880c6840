#include "remediations/host/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#include "plans/base/text.h"
#include "remediations/host/sysctl_rules.h"

/* The kernel takes and gives at most a page at a time. */
enum { KEY_MAX_BYTES = 255, VALUE_MAX_BYTES = 4000, READ_MAX_BYTES = 65536 };

bool sysctl_key_is_valid(const char *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-/";
    struct arena *scratch CLEANUP_ARENA = arena_new();
    size_t len = strlen(key);
    const char *dot = strpbrk(key, "./");

    /* The first separator decides what a slash means: with a dot first, a key has one spelling
     * only. */
    if (len == 0 || len > KEY_MAX_BYTES || strspn(key, allowed) != len || key[0] == '-' ||
        dot == NULL || *dot != '.')
        return false;
    struct span path = span_of(sysctl_rules_path(scratch, span_of(key)));
    if (path.len != len)
        return false; /* an empty part or a "." was dropped */
    while (path.len > 0) {
        if (span_is(span_cut(&path, '/'), ".."))
            return false;
    }
    return true;
}

bool sysctl_same_value(const char *a, const char *b)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();

    return strcmp(sysctl_rules_value(scratch, span_of(a)),
                  sysctl_rules_value(scratch, span_of(b))) == 0;
}

/* Opens below /proc/sys without following any link. 0 and *out_fd -1: no such key. */
static int open_key(const struct host *host, const char *key, int flags, int *out_fd,
                    struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    if (!sysctl_key_is_valid(key))
        return err_set(err, ERR_INPUT,
                       "'%s' is no name of a kernel setting, expected such as net.core.somaxconn",
                       key);
    int base CLEANUP_FD = -1;
    if (host_open_path(host, "/proc/sys", O_PATH | O_DIRECTORY, &base, err) < 0)
        return -1;
    const char *path = sysctl_rules_path(scratch, span_of(key));
    int fd = (int)syscall(SYS_openat2, base, path, &how, sizeof how);
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
        return err_sys(err, errno, "cannot open kernel setting '%s'", key);
    *out_fd = fd < 0 ? -1 : fd;
    return 0;
}

int sysctl_read(const struct host *host, const char *key, struct arena *arena,
                const char **out_value, struct err *err)
{
    struct text text = text_new(arena);
    char buffer[4096];
    int fd CLEANUP_FD = -1;

    *out_value = NULL;
    if (!host->live)
        return 0;
    if (open_key(host, key, O_RDONLY, &fd, err) < 0)
        return -1;
    if (fd < 0)
        return 0;
    for (;;) {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, errno, "cannot read kernel setting '%s'", key);
        if (got == 0)
            break;
        text_add_span(&text, (struct span){buffer, (size_t)got});
        if (text.len > READ_MAX_BYTES)
            return err_set(err, ERR_INPUT, "kernel setting '%s' is longer than %d bytes", key,
                           READ_MAX_BYTES);
    }
    *out_value = sysctl_rules_value(arena, text_span(&text));
    return 0;
}

static int write_value(const struct host *host, const char *key, const char *value,
                       struct arena *arena, struct err *err)
{
    const char *line = arena_printf(arena, "%s\n", value);
    size_t len = strlen(line);
    int fd CLEANUP_FD = -1;

    if (open_key(host, key, O_WRONLY | O_TRUNC, &fd, err) < 0)
        return -1;
    if (fd < 0)
        return err_set(err, ERR_UNSUPPORTED, "this kernel has no setting '%s'", key);
    /* MUST be one call: the kernel takes every write as a whole new value. */
    ssize_t put = write(fd, line, len);
    if (put < 0)
        return err_sys(err, errno, "cannot set kernel setting '%s' to '%s'", key, value);
    if ((size_t)put != len)
        return err_sys(err, EIO, "kernel setting '%s' took only a part of '%s'", key, value);
    return 0;
}

int sysctl_write(const struct host *host, const char *key, const char *value, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const char *now;

    if (!host->live)
        return err_set(err, ERR_UNSUPPORTED, "'%s': a tree has no running kernel", key);
    if (strlen(value) > VALUE_MAX_BYTES || strchr(value, '\n') != NULL)
        return err_set(err, ERR_INPUT, "'%s': expected one line of at most %d bytes", key,
                       VALUE_MAX_BYTES);
    if (write_value(host, key, value, scratch, err) < 0 ||
        sysctl_read(host, key, scratch, &now, err) < 0)
        return -1;
    if (now == NULL || !sysctl_same_value(now, value))
        return err_set(err, ERR_CHANGED, "kernel setting '%s' was set to '%s' and reads back '%s'",
                       key, value, now == NULL ? "" : now);
    return 0;
}

int sysctl_at_boot(const struct host *host, const char *key, struct arena *arena,
                   struct sysctl_boot *out_boot, struct err *err)
{
    struct sysctl_winner winner;

    if (sysctl_rules_winner(host, key, NULL, arena, &winner, err) < 0)
        return -1;
    *out_boot = winner.boot;
    return 0;
}
