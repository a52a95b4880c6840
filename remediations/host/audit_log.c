/* The part of host/audit that needs no library: where the log stands, and its newest bytes. */
#include "remediations/host/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/text.h"

#define AUDITD_CONF "/etc/audit/auditd.conf"
#define AUDIT_LOG   "/var/log/audit/audit.log"

enum { CONF_MAX = 256 * 1024 };

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
static int read_from(const struct audit_file *file, struct arena *arena, struct span *out_bytes,
                     struct err *err)
{
    char *bytes = arena_alloc(arena, file->len + 1);
    size_t done = 0;

    while (done < file->len) {
        ssize_t got = pread(file->fd, bytes + done, file->len - done, file->offset + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, errno, "cannot read '%s'", file->path);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *out_bytes = (struct span){bytes, done};
    if (file->offset > 0)
        (void)span_cut(out_bytes, '\n'); /* this line began before */
    return 0;
}

/* The last `max` bytes of one file; fd -1 where there is none. */
static int open_tail(const struct host *host, const char *path, size_t max,
                     struct audit_file *out_file, struct err *err)
{
    struct stat st;
    int fd CLEANUP_FD = -1;

    *out_file = (struct audit_file){.fd = -1, .path = path};
    if (host_open_path(host, path, O_RDONLY | O_NONBLOCK, &fd, err) < 0) {
        if (err->kind != ERR_SYS || (err->sys != ENOENT && err->sys != ENOTDIR))
            return -1;
        *err = (struct err){0};
        return 0;
    }
    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INPUT, "'%s' is not a regular file", path);
    size_t size = (size_t)st.st_size;
    out_file->offset = size <= max ? 0 : (off_t)(size - max);
    out_file->len = size <= max ? size : max;
    out_file->fd = take_fd(&fd);
    return 0;
}

void audit_close_log(struct audit_log *log)
{
    while (log->count > 0)
        (void)close(log->files[--log->count].fd);
}

static int open_files(const struct host *host, const char *path, size_t max, struct arena *arena,
                      struct audit_log *log, struct err *err)
{
    for (size_t i = 0; i < AUDIT_FILES_MAX && max > 0; i++) {
        struct audit_file file;

        if (open_tail(host, i == 0 ? path : arena_printf(arena, "%s.%zu", path, i), max, &file,
                      err) < 0)
            return -1;
        /* Between two steps of a rotation the log itself may be missing. */
        if (file.fd < 0 && i > 0)
            break;
        if (file.fd < 0)
            continue;
        log->files[log->count++] = file;
        max -= file.len;
        if (file.offset > 0)
            break;
    }
    if (log->count == 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "no audit log: there is no '%s' (auditd is not installed, or never ran)",
                       path);
    return 0;
}

int audit_open_log(const struct host *host, size_t max, struct arena *arena,
                   struct audit_log *out_log, struct err *err)
{
    struct audit_log log = {.count = 0};
    const char *path = NULL;

    if (find_log(host, arena, &path, err) < 0)
        return -1;
    if (open_files(host, path, max, arena, &log, err) < 0) {
        audit_close_log(&log);
        return -1;
    }
    *out_log = log;
    return 0;
}

int audit_read_open(const struct audit_log *log, struct arena *arena, struct span *out_bytes,
                    struct err *err)
{
    struct text all = text_new(arena);
    struct span piece;

    for (size_t i = log->count; i > 0; i--) {
        if (read_from(&log->files[i - 1], arena, &piece, err) < 0)
            return -1;
        if (log->count == 1) {
            *out_bytes = piece;
            return 0;
        }
        text_add_span(&all, piece);
        /* What the next file begins with must not make one record of two. */
        if (i > 1 && piece.len > 0 && piece.ptr[piece.len - 1] != '\n')
            text_add_span(&all, (struct span){AUDIT_CUT, sizeof AUDIT_CUT - 1});
    }
    *out_bytes = text_span(&all);
    return 0;
}

int audit_read_log(const struct host *host, size_t max, struct arena *arena, struct span *out_log,
                   struct err *err)
{
    struct audit_log log;

    if (audit_open_log(host, max, arena, &log, err) < 0)
        return -1;
    int failed = audit_read_open(&log, arena, out_log, err);
    audit_close_log(&log);
    return failed;
}
