/* host/journald: what systemd's journal holds of one unit, or of the kernel's audit. The only user of
 * <systemd/sd-journal.h>.
 * Use:     journald_open(host, NULL, &files, err); journald_read(&files, &query, arena, &list,
 *          err), which opens nothing; journald_close(&files)
 * Shapes:  the newest entries, oldest first, within `max_count` entries and `max_bytes` of text. A
 *          text is what was logged, any byte, at most JOURNALD_TEXT_MAX of it.
 *          Of the files those that were written last are taken, whichever directory they are in.
 * Owns:    texts live in the arena; journald_close closes what journald_open opened.
 * Errors:  ERR_UNSUPPORTED without libsystemd, in a tree, or where this host keeps no journal;
 *          ERR_SYS where there is one that may not be read. What is damaged in it is passed over.
 * Source:  sd-journal(3), sd_journal_open(3), systemd.journal-fields(7): fields that begin with '_'
 *          are journald's own word; SYSLOG_IDENTIFIER is whatever the writer says, so that it counts
 *          only with the user id of root.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_JOURNALD_H
#define HAMEDIC_REMEDIATIONS_HOST_JOURNALD_H

#include <sys/types.h>

#include "remediations/host/host.h"

#define JOURNALD_FILES_MAX 64
#define JOURNALD_TEXT_MAX  8192
#define JOURNALD_COUNT_MAX 2000
#define JOURNALD_BYTES_MAX ((size_t)1024 * 1024)

/* Its files for the whole system; what users' processes say is in others. */
struct journald_files {
    int fd[JOURNALD_FILES_MAX];
    int64_t written[JOURNALD_FILES_MAX]; /* when, last */
    size_t count;
};
/* `directory`: where its files stand; NULL: those of this host. */
MUST_CHECK int journald_open(const struct host *host, const char *directory,
                             struct journald_files *out_files, struct err *err);
void journald_close(struct journald_files *files);

enum journald_of {
    JOURNALD_OUTPUT, /* what the unit's processes wrote to their standard error, and what systemd said of it */
    JOURNALD_URGENT, /* what they logged as an error or worse: not their traffic */
    JOURNALD_ALL,    /* all that they logged or wrote, their traffic too */
    JOURNALD_AUDIT,  /* the kernel's audit records of SELinux, in the format of its log */
};
struct journald_query {
    enum journald_of of;
    const char *unit;     /* "haproxy.service": what its processes and systemd say of it; NULL */
    const char *tag;      /* "haproxy": what root logs under that name; NULL */
    bool audit;           /* instead: the kernel's audit records, in the format of its log */
    int64_t since;        /* seconds since 1970; 0: from the beginning */
    unsigned deadline_ms; /* what was not read by then is left out */
    size_t max_count, max_bytes;
};
struct journald_entry {
    int64_t time;    /* microseconds since 1970 */
    pid_t pid;       /* of the writer; 0: not told */
    bool of_systemd; /* PID 1 said it of the unit */
    struct span text;
};
struct journald_list {
    struct journald_entry *at;
    size_t count;
    bool cut; /* there are older ones */
};
MUST_CHECK int journald_read(const struct journald_files *files, const struct journald_query *query,
                             struct arena *arena, struct journald_list *out_list, struct err *err);

#endif
