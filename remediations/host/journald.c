#include "remediations/host/journald.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "plans/base/clock.h"

static void journald_cleanup(sd_journal **journal)
{
    sd_journal_close(*journal);
}
#define CLEANUP_JOURNAL __attribute__((cleanup(journald_cleanup)))

/* ---- what to look for ---- */

static int add_match(sd_journal *journal, struct arena *arena, const char *field, const char *value)
{
    return sd_journal_add_match(journal, arena_printf(arena, "%s=%s", field, value), 0);
}

/* Whose word counts: journald says itself which unit a process is of; a name is what anybody calls
 * himself, so that it must be root. */
static int add_writer(sd_journal *journal, const struct journald_query *query, struct arena *arena)
{
    if (query->unit != NULL)
        return add_match(journal, arena, "_SYSTEMD_UNIT", query->unit);
    int done = add_match(journal, arena, "SYSLOG_IDENTIFIER", query->tag);
    return done >= 0 ? add_match(journal, arena, "_UID", "0") : done;
}

static int add_output(sd_journal *journal, const struct journald_query *query, struct arena *arena)
{
    int done = add_match(journal, arena, "_TRANSPORT", "stdout");

    if (done >= 0)
        done = add_writer(journal, query, arena);
    if (query->unit == NULL)
        return done;
    if (done >= 0)
        done = sd_journal_add_disjunction(journal);
    if (done >= 0)
        done = add_match(journal, arena, "UNIT", query->unit);
    return done >= 0 ? add_match(journal, arena, "_PID", "1") : done;
}

static int add_urgent(sd_journal *journal, const struct journald_query *query, struct arena *arena)
{
    static const char *const priorities[] = {"0", "1", "2", "3"};
    int done = add_match(journal, arena, "_TRANSPORT", "syslog");

    for (size_t i = 0; done >= 0 && i < sizeof priorities / sizeof *priorities; i++)
        done = add_match(journal, arena, "PRIORITY", priorities[i]);
    return done >= 0 ? add_writer(journal, query, arena) : done;
}

static int add_audit(sd_journal *journal, struct arena *arena)
{
    int done = add_match(journal, arena, "_TRANSPORT", "audit");

    /* Where nobody listens for them the kernel writes them into its own log. */
    return done >= 0 ? add_match(journal, arena, "_TRANSPORT", "kernel") : done;
}

static int add_matches(sd_journal *journal, const struct journald_query *query, struct arena *arena)
{
    switch (query->of) {
    case JOURNALD_OUTPUT:
        return add_output(journal, query, arena);
    case JOURNALD_URGENT:
        return add_urgent(journal, query, arena);
    case JOURNALD_ALL:
        return add_writer(journal, query, arena);
    case JOURNALD_AUDIT:
        break;
    }
    return add_audit(journal, arena);
}

/* ---- one entry ---- */

/* Empty where it has none, or it cannot be read: a damaged entry is no error of the others. */
static struct span field(sd_journal *journal, const char *name)
{
    const void *bytes = NULL;
    size_t len = 0, skip = strlen(name) + 1;

    if (sd_journal_get_data(journal, name, &bytes, &len) < 0 || len < skip)
        return (struct span){"", 0};
    return (struct span){(const char *)bytes + skip, len - skip};
}

static struct span bounded(struct span text)
{
    if (text.len > JOURNALD_TEXT_MAX)
        text.len = JOURNALD_TEXT_MAX;
    return text;
}

static struct span copy(struct arena *arena, struct span text)
{
    return (struct span){arena_copy(arena, text.ptr, text.len), text.len};
}

/* "AVC avc:  denied ..." becomes what stands in the log of auditd:
 * "type=AVC msg=audit(1795336029.123:45): avc:  denied ...". False: it is no such record. */
static bool audit_text(sd_journal *journal, struct arena *arena, struct span *out_text)
{
    static const char kernel[] = "audit: type=1400 audit(";
    struct span text = bounded(field(journal, "MESSAGE")), rest = text;
    uint64_t serial = 0, microseconds = 0;

    if (span_starts_with(text, kernel)) {
        *out_text = span_of(arena_printf(arena, "type=AVC msg=audit(%.*s",
                                         (int)(text.len - (sizeof kernel - 1)),
                                         text.ptr + sizeof kernel - 1));
        return true;
    }
    struct span type = span_cut(&rest, ' ');
    if (!span_is(field(journal, "_TRANSPORT"), "audit"))
        return false;
    /* Of AVC and SYSCALL records it is made up what HAProxy was denied. */
    if (!span_is(type, "AVC") && !span_is(type, "SYSCALL"))
        return false;
    if (!span_scan_u64(field(journal, "_AUDIT_ID"), &serial) ||
        !span_scan_u64(field(journal, "_SOURCE_REALTIME_TIMESTAMP"), &microseconds))
        return false;
    *out_text = span_of(arena_printf(arena, "type=%.*s msg=audit(%ju.%03ju:%ju): %.*s",
                                     (int)type.len, type.ptr, (uintmax_t)(microseconds / 1000000),
                                     (uintmax_t)(microseconds / 1000 % 1000), (uintmax_t)serial,
                                     (int)rest.len, rest.ptr));
    return true;
}

/* False: this one is not wanted. */
static bool read_entry(sd_journal *journal, const struct journald_query *query, struct arena *arena,
                       struct journald_entry *out_entry)
{
    struct journald_entry entry = {0};
    uint64_t microseconds = 0, pid = 0;

    if (sd_journal_get_realtime_usec(journal, &microseconds) < 0)
        return false;
    entry.time = (int64_t)microseconds;
    if (query->of == JOURNALD_AUDIT) {
        if (!audit_text(journal, arena, &entry.text))
            return false;
    } else {
        entry.text = copy(arena, bounded(field(journal, "MESSAGE")));
    }
    if (span_scan_u64(field(journal, "_PID"), &pid) && pid <= INT32_MAX)
        entry.pid = (pid_t)pid;
    entry.of_systemd = query->of == JOURNALD_OUTPUT && query->unit != NULL && entry.pid == 1;
    *out_entry = entry;
    return entry.text.len > 0;
}

/* ---- the whole ---- */

static void turn_around(struct journald_list *list)
{
    for (size_t i = 0; i < list->count / 2; i++) {
        struct journald_entry other = list->at[i];

        list->at[i] = list->at[list->count - 1 - i];
        list->at[list->count - 1 - i] = other;
    }
}

/* The library takes descriptors over where it succeeds, and leaves them where it fails: it gets
 * its own. */
static int open_files(const struct journald_files *files, sd_journal **out_journal, struct err *err)
{
    sd_journal *journal = NULL;
    int fds[JOURNALD_FILES_MAX];
    unsigned count = 0;

    for (size_t i = 0; i < files->count; i++)
        if ((fds[count] = fcntl(files->fd[i], F_DUPFD_CLOEXEC, 3)) >= 0)
            count++;
    int done = sd_journal_open_files_fd(&journal, fds, count, 0);
    if (done >= 0) {
        *out_journal = journal;
        return 0;
    }
    while (count > 0)
        (void)close(fds[--count]);
    return err_sys(err, -done, "cannot read the journal");
}

int journald_read(const struct journald_files *files, const struct journald_query *query,
                  struct arena *arena, struct journald_list *out_list, struct err *err)
{
    sd_journal *journal CLEANUP_JOURNAL = NULL;
    struct journald_list list = {0};
    int64_t deadline = clock_ms(CLOCK_MONOTONIC) + query->deadline_ms;
    size_t bytes = 0;
    int done;

    if (open_files(files, &journal, err) < 0)
        return -1;
    (void)sd_journal_set_data_threshold(journal, JOURNALD_TEXT_MAX + 64);
    done = add_matches(journal, query, arena);
    if (done >= 0)
        done = sd_journal_seek_tail(journal);
    while (done >= 0 && (done = sd_journal_previous(journal)) > 0) {
        struct journald_entry entry;
        uint64_t microseconds = 0;

        if (query->since > 0 && sd_journal_get_realtime_usec(journal, &microseconds) >= 0 &&
            (int64_t)(microseconds / 1000000) < query->since)
            break;
        if (list.count >= query->max_count || bytes >= query->max_bytes ||
            clock_ms(CLOCK_MONOTONIC) > deadline) {
            list.cut = true;
            break;
        }
        if (!read_entry(journal, query, arena, &entry))
            continue;
        bytes += entry.text.len;
        ARENA_PUSH(arena, list.at, list.count) = entry;
    }
    if (done < 0)
        return err_sys(err, -done, "cannot read the journal");
    turn_around(&list);
    *out_list = list;
    return 0;
}
