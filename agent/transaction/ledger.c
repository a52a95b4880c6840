#include "agent/transaction/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "plans/base/digest.h"
#include "plans/base/file.h"
#include "plans/base/json.h"

#define TRANSACTIONS LEDGER_DIR "/tx"
#define LINEAGE      LEDGER_DIR "/lineage"
#define PLAN_NAME    "plan"
#define UNBORN       ".new-" /* a transaction's folder before it has its name */

enum { LOCK_TRIES = 20, LOCK_PAUSE_MS = 100, LINEAGE_BYTES = 16, ENTRIES_MAX = 100000 };

/* ---- lock ---- */

static int say_who_holds(int fd, struct err *err)
{
    char pid[32] = "";
    ssize_t len = pread(fd, pid, sizeof pid - 1, 0);

    if (len > 0)
        pid[strcspn(pid, "\n")] = '\0';
    return err_set(err, ERR_CHANGED, "another hamedic is at work on this host (pid %s): try again",
                   len > 0 ? pid : "unknown");
}

static int take_lock(const struct host *host, int *out_lock, struct err *err)
{
    int dir CLEANUP_FD = -1;
    const char *name;
    const struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};
    char pid[32];

    if (host_open_parent(host, LEDGER_LOCK, true, &dir, &name, err) < 0)
        return -1;
    int fd CLEANUP_FD = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(err, errno, "cannot open the lock '%s'", LEDGER_LOCK);
    for (int tries = 0; TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | LOCK_NB)) < 0; tries++) {
        if (errno != EWOULDBLOCK)
            return err_sys(err, errno, "cannot lock '%s'", LEDGER_LOCK);
        if (tries == LOCK_TRIES)
            return say_who_holds(fd, err);
        (void)nanosleep(&pause, NULL);
    }
    /* For people only: the lock itself is the kernel's, and ends with the process. */
    int len = snprintf(pid, sizeof pid, "%jd\n", (intmax_t)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) < 0)
        return err_sys(err, errno, "cannot write the lock '%s'", LEDGER_LOCK);
    *out_lock = take_fd(&fd);
    return 0;
}

/* The folder that holds everything is root's alone: it has undo copies of configuration. */
static int open_transactions(const struct host *host, struct err *err, int *out_dir)
{
    int dir CLEANUP_FD = -1;
    const char *name;
    struct stat st;

    if (host_open_parent(host, TRANSACTIONS "/x", true, &dir, &name, err) < 0)
        return -1;
    if (fstat(dir, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", TRANSACTIONS);
    if ((st.st_mode & 07777) != 0700 && (fchmod(dir, 0700) < 0 || fsync(dir) < 0))
        return err_sys(err, errno, "cannot set the mode of '%s'", TRANSACTIONS);
    *out_dir = take_fd(&dir);
    return 0;
}

static void remove_unborn(const struct ledger *ledger);

int ledger_open(const struct host *host, enum ledger_mode mode, struct ledger *out_ledger,
                struct err *err)
{
    struct ledger ledger = {.host = host, .transactions = -1, .lock = -1};

    if (mode == LEDGER_WRITE) {
        if (take_lock(host, &ledger.lock, err) < 0)
            return -1;
        if (open_transactions(host, err, &ledger.transactions) < 0) {
            ledger_close(&ledger);
            return -1;
        }
        remove_unborn(&ledger);
    } else if (host_open_path(host, TRANSACTIONS, O_RDONLY | O_DIRECTORY, &ledger.transactions,
                              err) < 0) {
        if (err->kind != ERR_SYS || err->sys != ENOENT)
            return -1;
        ledger.transactions = -1;
    }
    *out_ledger = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger->transactions >= 0)
        (void)close(ledger->transactions);
    if (ledger->lock >= 0)
        (void)close(ledger->lock);
    ledger->transactions = -1;
    ledger->lock = -1;
}

/* ---- reading ---- */

bool ledger_awaits_confirm(const struct ledger_entry *entry)
{
    return entry->damaged == NULL && entry->state == RECORD_AWAITING_CONFIRM;
}

bool ledger_is_unfinished(const struct ledger_entry *entry)
{
    return entry->damaged == NULL && entry->state != RECORD_DONE &&
           entry->state != RECORD_ROLLED_BACK && entry->state != RECORD_NEEDS_A_PERSON &&
           entry->state != RECORD_ACCEPTED && entry->state != RECORD_AWAITING_CONFIRM;
}

/* A number of one record's payload; where it is not there, *out_value stays. */
static int read_number(const struct record *record, const char *key, int64_t max,
                       int64_t *out_value, struct err *err)
{
    struct json *object CLEANUP_JSON = NULL;

    if (json_parse(span_of(record->payload), 2, &object, err) < 0)
        return -1;
    if (!json_has(object, key))
        return 0;
    return json_get_int(object, record_type_word(record->type), key, 0, max, out_value, err);
}

static int read_deadline(struct ledger_entry *entry, struct err *err)
{
    const struct journal_records *records = &entry->records;

    if (read_number(&records->at[0], "confirm", INT64_MAX, &entry->confirm_seconds, err) < 0)
        return -1;
    for (size_t i = 0; i < records->count; i++) {
        if (records->at[i].type != RECORD_AWAITING_CONFIRM)
            continue;
        entry->deadline_boot = records->at[i].boot;
        if (read_number(&records->at[i], "until_ms", INT64_MAX, &entry->deadline_ms, err) < 0)
            return -1;
    }
    return 0;
}

static bool was_prepared(const struct journal_records *records)
{
    for (size_t i = 0; i < records->count; i++)
        if (records->at[i].type == RECORD_PREPARED)
            return true;
    return false;
}

/* "000012-0123...": false for a name that is no transaction. */
static bool parse_folder(const char *name, struct arena *arena, struct ledger_entry *entry)
{
    struct span rest = span_of(name);
    struct span serial = span_cut(&rest, '-');

    if (!span_scan_u64(serial, &entry->serial) || rest.len != PLAN_ID_SIZE - 1)
        return false;
    entry->folder = arena_string(arena, name);
    entry->plan_id = arena_copy(arena, rest.ptr, rest.len);
    return true;
}

static void read_entry(const struct ledger *ledger, struct arena *arena, struct ledger_entry *entry)
{
    struct journal journal = {.fd = -1};
    struct err err;
    int folder CLEANUP_FD = openat(ledger->transactions, entry->folder,
                                   O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    /* A transaction whose records cannot be trusted is no basis for anything: its plan counts as
     * spent. */
    entry->spent = true;
    entry->deadline_boot = "";
    if (folder < 0) {
        (void)err_sys(&err, errno, "cannot open '%s'", entry->folder);
        entry->damaged = arena_string(arena, err.text);
        return;
    }
    if (file_read(folder, PLAN_NAME, PLAN_FILE_MAX, arena, &entry->plan_bytes, &err) < 0 ||
        journal_open(folder, entry->plan_bytes, arena, &entry->records, &journal, &err) < 0) {
        entry->damaged = arena_string(arena, err.text);
        return;
    }
    /* The folder got its name when its first record was on disk. */
    if (entry->records.count == 0) {
        entry->damaged = "journal:1: expected a record, found none";
        journal_close(&journal);
        return;
    }
    if (read_deadline(entry, &err) < 0)
        entry->damaged = arena_string(arena, err.text);
    entry->state = journal.state;
    entry->spent = was_prepared(&entry->records);
    journal_close(&journal);
}

static int compare_entries(const void *a, const void *b)
{
    const struct ledger_entry *first = a, *second = b;

    return first->serial < second->serial ? -1 : first->serial > second->serial;
}

static void dir_cleanup(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

int ledger_list(const struct ledger *ledger, struct arena *arena, struct ledger_entry **out_entries,
                size_t *out_count, struct err *err)
{
    struct ledger_entry *entries = NULL;
    size_t count = 0;

    *out_entries = NULL;
    *out_count = 0;
    if (ledger->transactions < 0)
        return 0;
    int fd CLEANUP_FD = openat(ledger->transactions, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, errno, "cannot read '%s'", TRANSACTIONS);
    DIR *dir __attribute__((cleanup(dir_cleanup))) = fdopendir(fd);
    if (dir == NULL)
        return err_sys(err, errno, "cannot read '%s'", TRANSACTIONS);
    (void)take_fd(&fd);
    for (;;) {
        struct ledger_entry entry = {0};
        errno = 0;
        const struct dirent *found = readdir(dir);
        if (found == NULL && errno != 0)
            return err_sys(err, errno, "cannot read '%s'", TRANSACTIONS);
        if (found == NULL)
            break;
        if (count == ENTRIES_MAX)
            return err_set(err, ERR_INPUT,
                           "'%s' holds more than %d transactions: move old ones away", TRANSACTIONS,
                           ENTRIES_MAX);
        if (!parse_folder(found->d_name, arena, &entry))
            continue;
        read_entry(ledger, arena, &entry);
        ARENA_PUSH(arena, entries, count) = entry;
    }
    if (count > 1)
        qsort(entries, count, sizeof *entries, compare_entries);
    *out_entries = entries;
    *out_count = count;
    return 0;
}

int64_t ledger_latest_time(const struct ledger_entry *entries, size_t count)
{
    int64_t latest = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < entries[i].records.count; k++)
            if (entries[i].records.at[k].time > latest)
                latest = entries[i].records.at[k].time;
    return latest;
}

int ledger_open_entry(const struct ledger *ledger, const struct ledger_entry *entry,
                      struct arena *arena, int *out_folder, struct journal_records *out_records,
                      struct journal *out_journal, struct err *err)
{
    int folder CLEANUP_FD = openat(ledger->transactions, entry->folder,
                                   O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (folder < 0)
        return err_sys(err, errno, "cannot open transaction '%s'", entry->folder);
    if (journal_open(folder, entry->plan_bytes, arena, out_records, out_journal, err) < 0)
        return err_wrap(err, "transaction '%s'", entry->folder);
    *out_folder = take_fd(&folder);
    return 0;
}

/* ---- writing ---- */

static int remove_folder(const struct ledger *ledger, const char *name, struct err *err)
{
    int fd CLEANUP_FD =
        openat(ledger->transactions, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(err, errno, "cannot open '%s'", name);
    DIR *dir __attribute__((cleanup(dir_cleanup))) = fdopendir(fd);
    if (dir == NULL)
        return err_sys(err, errno, "cannot read '%s'", name);
    (void)take_fd(&fd);
    for (const struct dirent *found = readdir(dir); found != NULL; found = readdir(dir))
        if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0 &&
            unlinkat(dirfd(dir), found->d_name, 0) < 0)
            return err_sys(err, errno, "cannot remove '%s/%s'", name, found->d_name);
    if (unlinkat(ledger->transactions, name, AT_REMOVEDIR) < 0)
        return err_sys(err, errno, "cannot remove '%s'", name);
    return 0;
}

/* A crash may have come before a folder got its name: it is nobody's transaction. One that cannot go
 * is in nobody's way. */
static void remove_unborn(const struct ledger *ledger)
{
    struct err ignored;
    int fd CLEANUP_FD = openat(ledger->transactions, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir __attribute__((cleanup(dir_cleanup))) = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL)
        return;
    (void)take_fd(&fd);
    for (const struct dirent *found = readdir(dir); found != NULL; found = readdir(dir))
        if (strncmp(found->d_name, UNBORN, sizeof UNBORN - 1) == 0 &&
            remove_folder(ledger, found->d_name, &ignored) < 0)
            continue;
}

static int next_serial(const struct ledger *ledger, struct arena *arena, uint64_t *out_serial,
                       struct err *err)
{
    struct ledger_entry *entries;
    size_t count;

    if (ledger_list(ledger, arena, &entries, &count, err) < 0)
        return -1;
    *out_serial = count == 0 ? 1 : entries[count - 1].serial + 1;
    return 0;
}

static int fill_folder(int folder, struct span plan_bytes, const struct ledger_file *files,
                       size_t file_count, const char *open_payload, struct journal *out_journal,
                       struct err *err)
{
    if (file_create(folder, PLAN_NAME, plan_bytes, 0600, err) < 0)
        return -1;
    for (size_t i = 0; i < file_count; i++)
        if (file_create(folder, files[i].name, files[i].bytes, 0600, err) < 0)
            return -1;
    if (journal_create(folder, plan_bytes, out_journal, err) < 0)
        return -1;
    return journal_append(out_journal, RECORD_OPEN, open_payload, err);
}

/* The folder appears under its name with its first record, or not at all. */
static int publish_folder(const struct ledger *ledger, const char *building, const char *name,
                          int folder, struct err *err)
{
    if (fsync(folder) < 0)
        return err_sys(err, errno, "cannot sync '%s'", building);
    if (renameat2(ledger->transactions, building, ledger->transactions, name, RENAME_NOREPLACE) < 0)
        return err_sys(err, errno, "cannot rename '%s'", building);
    if (fsync(ledger->transactions) < 0)
        return err_sys(err, errno, "cannot sync '%s'", TRANSACTIONS);
    return 0;
}

int ledger_begin(const struct ledger *ledger, const char *plan_id, struct span plan_bytes,
                 const struct ledger_file *files, size_t file_count, const char *open_payload,
                 int *out_folder, struct journal *out_journal, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct journal journal = {.fd = -1};
    uint64_t serial;

    const char *building = arena_printf(arena, UNBORN "%s", plan_id);
    if (next_serial(ledger, arena, &serial, err) < 0 || remove_folder(ledger, building, err) < 0)
        return -1;
    if (mkdirat(ledger->transactions, building, 0700) < 0)
        return err_sys(err, errno, "cannot make the transaction's folder");
    int folder CLEANUP_FD =
        openat(ledger->transactions, building, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder < 0)
        return err_sys(err, errno, "cannot open the transaction's folder");
    const char *name = arena_printf(arena, "%06" PRIu64 "-%s", serial, plan_id);
    if (fill_folder(folder, plan_bytes, files, file_count, open_payload, &journal, err) < 0 ||
        publish_folder(ledger, building, name, folder, err) < 0) {
        struct err second;
        journal_close(&journal);
        if (remove_folder(ledger, building, &second) < 0)
            return err_wrap(err, "cannot open a transaction (and '%s' stays behind)", building);
        return err_wrap(err, "cannot open a transaction");
    }
    *out_folder = take_fd(&folder);
    *out_journal = journal;
    return 0;
}

int ledger_forget(const struct ledger *ledger, const char *plan_id, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct ledger_entry *entries;
    size_t count;

    if (ledger_list(ledger, arena, &entries, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].plan_id, plan_id) == 0 && !entries[i].spent &&
            remove_folder(ledger, entries[i].folder, err) < 0)
            return -1;
    return 0;
}

/* ---- lineage ---- */

int ledger_lineage(const struct host *host, struct arena *arena, const char **out_lineage,
                   struct err *err)
{
    struct span bytes;
    bool exists;

    if (host_read(host, LINEAGE, 256, arena, &exists, &bytes, err) < 0)
        return -1;
    bytes = span_trim(bytes);
    if (!exists) {
        *out_lineage = NULL;
        return 0;
    }
    if (bytes.len != 2 * LINEAGE_BYTES)
        return err_set(err, ERR_INPUT, "'%s': expected %d hex digits", LINEAGE, 2 * LINEAGE_BYTES);
    *out_lineage = arena_copy(arena, bytes.ptr, bytes.len);
    return 0;
}

int ledger_make_lineage(const struct host *host, struct err *err)
{
    char hex[2 * LINEAGE_BYTES + 2];
    int dir CLEANUP_FD = -1;
    const char *name;

    if (digest_random_hex(LINEAGE_BYTES, hex, err) < 0)
        return -1;
    hex[2 * LINEAGE_BYTES] = '\n';
    if (host_open_parent(host, LINEAGE, true, &dir, &name, err) < 0)
        return -1;
    return file_put(dir, name, (struct span){hex, 2 * LINEAGE_BYTES + 1}, 0600, err);
}
