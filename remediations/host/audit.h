/* host/audit: SELinux denials of one program, out of the audit log. audit.c is the only user of
 * libauparse.
 * Use:     audit_read(host, program, node, arena, &denials, err); or audit_read_log, and then
 *          audit_parse with the bytes: that half opens nothing, and can run where nothing can be
 *          opened.
 * Shapes:  equal denials (permission, class, port, types, permissive) are one, with their count and
 *          first and last time (seconds since 1970). A name of a type, class or permission is
 *          letters, digits and '_'. comm and exe are data from strangers: escaped.
 * Owns:    everything lives in the arena.
 * Errors:  ERR_UNSUPPORTED without libauparse or without a log; ERR_SYS. No log is malformed: lines
 *          that are no records (cut off, binary, too long) are passed over and counted. Only the last
 *          record of the newest file may be unfinished: it is being written.
 * Source:  Linux 6.1 security/selinux/avc.c and lsm_audit.c: name_connect tells dest=, name_bind
 *          src=; auditd.conf(5) log_file, log_format (what follows byte 0x1d repeats the record in
 *          other words), name_format (node=); auparse(5) 3.0.9.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_AUDIT_H
#define HAMEDIC_REMEDIATIONS_HOST_AUDIT_H

#include <sys/types.h>

#include "remediations/host/host.h"

#define AUDIT_LOG_MAX     ((size_t)8 * 1024 * 1024) /* the newest bytes, over all its files */
#define AUDIT_DENIALS_MAX 256                       /* the newest ones, in the order first seen */

struct denial {
    const char *permission;  /* "name_connect" */
    const char *object;      /* its class: "tcp_socket", "udp_socket", "capability" */
    uint32_t port;           /* of name_connect and name_bind; 0: none */
    const char *source_type; /* "haproxy_t" */
    const char *target_type; /* "unreserved_port_t" */
    bool permissive;         /* it was let through */
    const char *comm;
    const char *exe; /* NULL: the log has no system call with it */
    pid_t pid;       /* of the last one */
    uint64_t count;
    int64_t first, last;
};

struct denials {
    struct denial *at;
    size_t count;
    size_t left_out; /* distinct ones beyond AUDIT_DENIALS_MAX */
    size_t damaged;  /* lines that hold no record, or not all of it, or parts of two */
    int64_t since;   /* time of the oldest record that was looked at; 0: there was none */
};

/* The log and those it was rotated to, newest first, opened: read where nothing can be opened. */
#define AUDIT_FILES_MAX 100 /* auditd.conf(5): num_logs is at most 99; and the log itself */
struct audit_log {
    struct audit_file {
        int fd;
        const char *path;
        off_t offset; /* what is before is left out */
        size_t len;
    } files[AUDIT_FILES_MAX];
    size_t count;
};
MUST_CHECK int audit_open_log(const struct host *host, size_t max, struct arena *arena,
                              struct audit_log *out_log, struct err *err);
MUST_CHECK int audit_read_open(const struct audit_log *log, struct arena *arena,
                               struct span *out_bytes, struct err *err);
void audit_close_log(struct audit_log *log);

/* `program`: the path whose denials are wanted. By exe where the log says it, else by comm, which
 * any process can give itself: who uses them MUST look at source_type too.
 * `node`: this host's name; records that other hosts sent here are passed over. */
MUST_CHECK int audit_read(const struct host *host, const char *program, const char *node,
                          struct arena *arena, struct denials *out_denials, struct err *err);
MUST_CHECK int audit_parse(struct span log, const char *program, const char *node,
                           struct arena *arena, struct denials *out_denials, struct err *err);
/* The newest `max` bytes of the log and of those it was rotated to, oldest first, beginning with a
 * whole line. A record that a rotated file does not finish ends with AUDIT_CUT. */
#define AUDIT_CUT "\0\n"
MUST_CHECK int audit_read_log(const struct host *host, size_t max, struct arena *arena,
                              struct span *out_log, struct err *err);

#endif
