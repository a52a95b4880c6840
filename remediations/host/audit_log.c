/* The part of host/audit that needs no library: where the log stands, and its newest bytes. */
#include "remediations/host/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/text.h"

#define AUDITD_CONF "/etc/audit/auditd.conf"
#define AUDIT_LOG   "/var/log/audit/audit.log"

enum { CONF_MAX = 256 * 1024, FILES_MAX = 100 }; /* auditd's num_logs is at most 99, and .log */

/* "log_file = PATH" of auditd.conf; the last one wins. */
static int find_log(const struct host *host, struct arena *arena, const char **out_path,
                    struct err *err)
{
    struct span path = span_of(AUDIT_LOG), text, line;
    bool exists = false;

    if (host_read(host, AUDITD_CONF, CONF_MAX, arena, &exists, &text, err) < 0)
        return -1;
    while (exists && span_next_line(&text, &line)) {
        struct span value = line, key = span_trim(span_cut(&value, '='));
        value = span_trim(value);
        if (span_is(key, "log_file") && value.len > 0 && value.ptr[0] == '/' &&
            memchr(value.ptr, '\0', value.len) == NULL)
            path = value;
    }
    *out_path = arena_copy(arena, path.ptr, path.len);
    return 0;
}

/* `offset` where the file was cut there. */
static int read_from(int fd, const char *path, off_t offset, size_t len, struct arena *arena,
                     struct span *out_bytes, struct err *err)
{
    char *bytes = arena_alloc(arena, len + 1);
    size_t done = 0;

    while (done < len) {
        ssize_t got = pread(fd, bytes + done, len - done, offset + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, errno, "cannot read '%s'", path);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *out_bytes = (struct span){bytes, done};
    if (offset > 0)
        (void)span_cut(out_bytes, '\n'); /* this line began before */
    return 0;
}

/* The last `max` bytes of one file. */
static int read_tail(const struct host *host, const char *path, size_t max, struct arena *arena,
                     bool *out_exists, struct span *out_bytes, bool *out_whole, struct err *err)
{
    struct stat st;
    int fd CLEANUP_FD = -1;

    if (host_open_path(host, path, O_RDONLY, &fd, err) < 0) {
        if (err->kind != ERR_SYS || (err->sys != ENOENT && err->sys != ENOTDIR))
            return -1;
        *err = (struct err){0};
        *out_exists = false;
        return 0;
    }
    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INPUT, "'%s' is not a regular file", path);
    size_t size = (size_t)st.st_size;
    *out_exists = true;
    *out_whole = size <= max;
    return read_from(fd, path, *out_whole ? 0 : (off_t)(size - max), *out_whole ? size : max, arena,
                     out_bytes, err);
}

int audit_read_log(const struct host *host, size_t max, struct arena *arena, struct span *out_log,
                   struct err *err)
{
    struct span pieces[FILES_MAX];
    const char *path = NULL;
    size_t count = 0;
    bool exists = true, whole = true;

    if (find_log(host, arena, &path, err) < 0)
        return -1;
    for (size_t i = 0; i < FILES_MAX && whole && max > 0; i++) {
        const char *name = i == 0 ? path : arena_printf(arena, "%s.%zu", path, i);
        struct span piece = {"", 0};
        if (read_tail(host, name, max, arena, &exists, &piece, &whole, err) < 0)
            return -1;
        /* Between two steps of a rotation the log itself may be missing. */
        if (!exists && i > 0)
            break;
        if (!exists)
            continue;
        max -= piece.len;
        pieces[count++] = piece;
    }
    if (count == 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "no audit log: there is no '%s' (auditd is not installed, or never ran)",
                       path);
    if (count == 1) {
        *out_log = pieces[0];
        return 0;
    }
    struct text log = text_new(arena);
    while (count > 0)
        text_add_span(&log, pieces[--count]);
    *out_log = text_span(&log);
    return 0;
}
