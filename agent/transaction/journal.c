#include "agent/transaction/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "plans/base/file.h"
#include "plans/base/json.h"
#include "plans/base/text.h"

#define JOURNAL_NAME "journal"
#define JOURNAL_MAX  ((size_t)64 * 1024 * 1024)

static const char *const words[RECORD_TYPE_COUNT] = {
    [RECORD_OPEN] = "OPEN",
    [RECORD_STAGED] = "STAGED",
    [RECORD_PREPARED] = "PREPARED",
    [RECORD_COMMITTING] = "COMMITTING",
    [RECORD_ANNOUNCE] = "ANNOUNCE",
    [RECORD_COMMITTED] = "COMMITTED",
    [RECORD_PROVEN] = "PROVEN",
    [RECORD_AWAITING_CONFIRM] = "AWAITING-CONFIRM",
    [RECORD_CONFIRMED] = "CONFIRMED",
    [RECORD_DONE] = "DONE",
    [RECORD_ROLLING_BACK] = "ROLLING-BACK",
    [RECORD_UNDONE] = "UNDONE",
    [RECORD_ROLLED_BACK] = "ROLLED-BACK",
    [RECORD_NEEDS_A_PERSON] = "NEEDS-A-PERSON",
    [RECORD_ACCEPTED] = "ACCEPTED",
};

#define MAY(type) (1u << (unsigned)(type))

/* From each state, what may follow. ROLLING-BACK may follow itself: recovery after a crash in an
 * undo. */
static const unsigned legal[RECORD_TYPE_COUNT] = {
    [RECORD_OPEN] = MAY(RECORD_STAGED) | MAY(RECORD_ROLLED_BACK),
    [RECORD_STAGED] = MAY(RECORD_PREPARED) | MAY(RECORD_ROLLED_BACK),
    [RECORD_PREPARED] = MAY(RECORD_COMMITTING) | MAY(RECORD_ROLLED_BACK),
    [RECORD_COMMITTING] = MAY(RECORD_ANNOUNCE) | MAY(RECORD_COMMITTED) | MAY(RECORD_ROLLING_BACK),
    [RECORD_COMMITTED] = MAY(RECORD_PROVEN) | MAY(RECORD_ROLLING_BACK),
    [RECORD_PROVEN] = MAY(RECORD_DONE) | MAY(RECORD_AWAITING_CONFIRM) | MAY(RECORD_ROLLING_BACK),
    [RECORD_AWAITING_CONFIRM] = MAY(RECORD_CONFIRMED) | MAY(RECORD_ROLLING_BACK),
    [RECORD_CONFIRMED] = MAY(RECORD_DONE),
    [RECORD_DONE] = MAY(RECORD_ROLLING_BACK),
    [RECORD_ROLLING_BACK] = MAY(RECORD_ANNOUNCE) | MAY(RECORD_UNDONE) | MAY(RECORD_ROLLED_BACK) |
                            MAY(RECORD_NEEDS_A_PERSON) | MAY(RECORD_ROLLING_BACK),
    [RECORD_NEEDS_A_PERSON] = MAY(RECORD_ACCEPTED) | MAY(RECORD_ROLLING_BACK),
};

const char *record_type_word(enum record_type type)
{
    return words[type];
}

bool journal_move_is_legal(enum record_type from, enum record_type to)
{
    return (legal[from] & MAY(to)) != 0;
}

static bool is_state(enum record_type type)
{
    return type != RECORD_ANNOUNCE && type != RECORD_UNDONE;
}

static struct digest chain(const struct digest *last, struct span rest, struct arena *arena)
{
    struct text text = text_new(arena);

    text_add(&text, last->hex);
    text_add_span(&text, rest);
    return digest_bytes(text_span(&text));
}

/* ---- reading ---- */

enum line { LINE_GOOD, LINE_BAD, LINE_UNKNOWN };

static enum line parse_line(struct span line, uint64_t sequence, const struct digest *last,
                            struct arena *arena, struct record *out_record,
                            struct digest *out_digest)
{
    struct span rest = line;
    struct span digest = span_cut(&rest, ' ');
    struct digest expected = chain(last, rest, arena);
    uint64_t number;
    int64_t seconds;

    if (!span_is(digest, expected.hex))
        return LINE_BAD;
    if (!span_scan_u64(span_cut(&rest, ' '), &number) || number != sequence ||
        !span_scan_i64(span_cut(&rest, ' '), &seconds))
        return LINE_BAD;
    struct span boot = span_cut(&rest, ' ');
    struct span type = span_cut(&rest, ' ');
    for (unsigned i = 0; i < RECORD_TYPE_COUNT; i++) {
        if (!span_is(type, words[i]))
            continue;
        *out_record = (struct record){
            .type = (enum record_type)i,
            .time = seconds,
            .boot = arena_copy(arena, boot.ptr, boot.len),
            .payload = arena_copy(arena, rest.ptr, rest.len),
        };
        *out_digest = expected;
        return LINE_GOOD;
    }
    return LINE_UNKNOWN;
}

/* Is `line`, which is no record and has nothing behind it, what a crash leaves? Bytes after the
 * point that the disk reached are missing, or zero where the length got there before them. One that
 * only lacks a right last byte was whole once. */
static bool is_torn(struct span line, bool whole, uint64_t sequence, const struct digest *last,
                    struct arena *arena)
{
    static const char hole[2] = {0, 0};
    struct record record;
    struct digest digest;

    if (memmem(line.ptr, line.len, hole, sizeof hole) != NULL)
        return true;
    return !whole && parse_line((struct span){line.ptr, line.len - 1}, sequence, last, arena,
                                &record, &digest) == LINE_BAD;
}

static int refuse_line(size_t number, enum line line, struct err *err)
{
    if (line == LINE_UNKNOWN)
        return err_set(err, ERR_UNSUPPORTED,
                       "journal:%zu: a kind of record that this hamedic does not know: a newer one "
                       "wrote it",
                       number);
    return err_set(err, ERR_INPUT,
                   "journal:%zu: expected a record whose digest continues the records above it and "
                   "the file 'plan'",
                   number);
}

static int check_format(const char *payload, struct err *err)
{
    struct json *object CLEANUP_JSON = NULL;
    int64_t format = 1;

    if (json_parse(span_of(payload), 2, &object, err) < 0 ||
        (json_has(object, "format") &&
         json_get_int(object, "OPEN", "format", 1, INT64_MAX, &format, err) < 0))
        return err_wrap(err, "journal:1");
    if (format > JOURNAL_FORMAT)
        return err_set(err, ERR_UNSUPPORTED,
                       "journal:1: format %jd, expected %d or less: a newer hamedic wrote it",
                       (intmax_t)format, JOURNAL_FORMAT);
    return 0;
}

int journal_parse(struct span text, struct span plan_bytes, struct arena *arena,
                  struct journal_records *out_records, size_t *out_good, struct digest *out_last,
                  struct err *err)
{
    struct journal_records records = {0};
    struct digest last = digest_bytes(plan_bytes);
    struct span rest = text;
    enum record_type state = RECORD_OPEN;

    while (rest.len > 0) {
        struct span before = rest;
        bool whole = memchr(rest.ptr, '\n', rest.len) != NULL;
        struct span line = span_cut(&rest, '\n');
        struct record record;
        struct digest digest;
        enum line kind =
            whole ? parse_line(line, records.count, &last, arena, &record, &digest) : LINE_BAD;
        if (kind != LINE_GOOD) {
            if (kind == LINE_UNKNOWN || rest.len > 0 ||
                !is_torn(line, whole, records.count, &last, arena))
                return refuse_line(records.count + 1, kind, err);
            records.torn = true;
            rest = before;
            break;
        }
        if (records.count == 0 ? record.type != RECORD_OPEN
                               : !journal_move_is_legal(state, record.type))
            return err_set(err, ERR_INPUT, "journal:%zu: %s cannot follow %s", records.count + 1,
                           words[record.type], words[state]);
        if (records.count == 0 && check_format(record.payload, err) < 0)
            return -1;
        if (is_state(record.type))
            state = record.type;
        ARENA_PUSH(arena, records.at, records.count) = record;
        last = digest;
    }
    *out_records = records;
    *out_good = text.len - rest.len;
    *out_last = last;
    return 0;
}

static enum record_type state_of(const struct journal_records *records)
{
    enum record_type state = RECORD_OPEN;

    for (size_t i = 0; i < records->count; i++)
        if (is_state(records->at[i].type))
            state = records->at[i].type;
    return state;
}

int journal_open(int dir, struct span plan_bytes, struct arena *arena,
                 struct journal_records *out_records, struct journal *out_journal, struct err *err)
{
    struct span text;
    size_t good;
    int fd CLEANUP_FD = openat(dir, JOURNAL_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return err_sys(err, errno, "cannot open the journal");
    if (file_read_fd(fd, JOURNAL_NAME, JOURNAL_MAX, arena, &text, err) < 0)
        return -1;
    struct journal journal = {0};
    if (journal_parse(text, plan_bytes, arena, out_records, &good, &journal.last, err) < 0)
        return -1;
    journal.fd = take_fd(&fd);
    journal.end = (off_t)good;
    journal.sequence = out_records->count;
    journal.empty = out_records->count == 0;
    journal.state = state_of(out_records);
    *out_journal = journal;
    return 0;
}

/* ---- writing ---- */

int journal_create(int dir, struct span plan_bytes, struct journal *out_journal, struct err *err)
{
    int fd = openat(dir, JOURNAL_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_sys(err, errno, "cannot create the journal");
    *out_journal = (struct journal){
        .fd = fd,
        .last = digest_bytes(plan_bytes),
        .empty = true,
    };
    return 0;
}

void journal_close(struct journal *journal)
{
    if (journal->fd >= 0)
        (void)close(journal->fd);
    journal->fd = -1;
}

const char *journal_boot_id(struct arena *arena)
{
    struct err ignored;
    struct span bytes;

    if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 128, arena, &bytes, &ignored) < 0)
        return "-";
    bytes = span_trim(bytes);
    return bytes.len == 0 ? "-" : arena_copy(arena, bytes.ptr, bytes.len);
}

static int write_at_end(struct journal *journal, struct span line, struct err *err)
{
    size_t done = 0;

    /* What an earlier failed append left behind the last good record goes first. */
    if (ftruncate(journal->fd, journal->end) < 0)
        return err_sys(err, errno, "cannot write the journal");
    while (done < line.len) {
        ssize_t put =
            pwrite(journal->fd, line.ptr + done, line.len - done, journal->end + (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_sys(err, errno, "cannot write the journal");
        done += (size_t)put;
    }
    if (fsync(journal->fd) < 0)
        return err_sys(err, errno, "cannot sync the journal");
    return 0;
}

int journal_append(struct journal *journal, enum record_type type, const char *payload,
                   struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    if (journal->empty ? type != RECORD_OPEN : !journal_move_is_legal(journal->state, type))
        return err_set(err, ERR_BUG, "journal: %s cannot follow %s", words[type],
                       words[journal->state]);
    const char *rest =
        arena_printf(arena, "%" PRIu64 " %jd %s %s %s", journal->sequence, (intmax_t)time(NULL),
                     journal_boot_id(arena), words[type], payload == NULL ? "{}" : payload);
    struct digest digest = chain(&journal->last, span_of(rest), arena);
    const char *line = arena_printf(arena, "%s %s\n", digest.hex, rest);
    if (write_at_end(journal, span_of(line), err) < 0)
        return -1;
    journal->end += (off_t)strlen(line);
    journal->sequence++;
    journal->last = digest;
    journal->empty = false;
    if (is_state(type))
        journal->state = type;
    return 0;
}
