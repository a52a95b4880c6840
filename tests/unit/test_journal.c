#include "agent/transaction/journal.h"
#include "tests/unit/scratch.h"

static const char plan_text[] = "{\"schema\": \"a plan\"}\n";

static int setup(void **state)
{
    static struct scratch scratch;
    struct journal journal;
    struct err err;

    scratch_open(&scratch);
    assert_int_equal(journal_create(scratch.dir, span_of(plan_text), &journal, &err), 0);
    assert_int_equal(journal_append(&journal, RECORD_OPEN, "{\"plan\":\"x\"}", &err), 0);
    assert_int_equal(journal_append(&journal, RECORD_STAGED, "{\"files\":[]}", &err), 0);
    assert_int_equal(journal_append(&journal, RECORD_PREPARED, NULL, &err), 0);
    journal_close(&journal);
    *state = &scratch;
    return 0;
}

static int teardown(void **state)
{
    scratch_close(*state);
    return 0;
}

static int parse(const struct scratch *scratch, struct span text, struct journal_records *records,
                 struct err *err)
{
    size_t good;
    struct digest last;

    return journal_parse(text, span_of(plan_text), scratch->arena, records, &good, &last, err);
}

static struct span journal_text(const struct scratch *scratch)
{
    const char *text = scratch_read(scratch, "journal");

    assert_non_null(text);
    return span_of(text);
}

static void test_journal_parse_gives_back_what_was_appended(void **state)
{
    const struct scratch *scratch = *state;
    struct journal_records records;
    struct err err;

    assert_int_equal(parse(scratch, journal_text(scratch), &records, &err), 0);
    assert_int_equal(records.count, 3);
    assert_false(records.torn);
    assert_int_equal(records.at[0].type, RECORD_OPEN);
    assert_string_equal(records.at[0].payload, "{\"plan\":\"x\"}");
    assert_int_equal(records.at[2].type, RECORD_PREPARED);
}

static void test_journal_parse_cut_anywhere_never_invents_a_record(void **state)
{
    const struct scratch *scratch = *state;
    struct span text = journal_text(scratch);
    size_t lines = 0;

    for (size_t len = 0; len <= text.len; len++) {
        struct journal_records records;
        struct err err;
        if (len > 0 && text.ptr[len - 1] == '\n')
            lines++;
        assert_int_equal(parse(scratch, (struct span){text.ptr, len}, &records, &err), 0);
        assert_int_equal(records.count, lines);
        assert_int_equal(records.torn, len > 0 && text.ptr[len - 1] != '\n');
    }
    assert_int_equal(lines, 3);
}

/* The last record may have been acted upon: it is not to be forgotten because of one bit. */
static void test_journal_parse_flipped_bit_anywhere_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    struct span text = journal_text(scratch);

    for (size_t at = 0; at < text.len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            char *flipped = arena_copy(scratch->arena, text.ptr, text.len);
            struct journal_records records;
            struct err err;
            flipped[at] = (char)(flipped[at] ^ (1 << bit));
            assert_int_equal(parse(scratch, (struct span){flipped, text.len}, &records, &err), -1);
            assert_int_equal(err.kind, ERR_INPUT);
        }
}

static void test_journal_parse_block_that_never_arrived_is_torn(void **state)
{
    const struct scratch *scratch = *state;
    struct span text = journal_text(scratch);

    /* The length is on disk, the end of the bytes is not: with or without the last line's own end. */
    for (size_t zeros = 2; zeros < 60; zeros++) {
        char *holed = arena_copy(scratch->arena, text.ptr, text.len);
        struct journal_records records;
        struct err err;
        memset(holed + text.len - zeros, 0, zeros);
        assert_int_equal(parse(scratch, (struct span){holed, text.len}, &records, &err), 0);
        assert_true(records.torn);
        assert_int_equal(records.count, 2);
        holed[text.len - 1] = '\n';
        if (zeros < 3)
            continue;
        assert_int_equal(parse(scratch, (struct span){holed, text.len}, &records, &err), 0);
        assert_int_equal(records.count, 2);
    }
}

/* The text of a journal with one record whose digest holds. */
static const char *one_record(const struct scratch *scratch, const char *rest)
{
    struct digest start = digest_bytes(span_of(plan_text));
    struct digest digest =
        digest_bytes(span_of(arena_printf(scratch->arena, "%s%s", start.hex, rest)));

    return arena_printf(scratch->arena, "%s %s\n", digest.hex, rest);
}

static void test_journal_parse_of_another_version_is_read_or_refused(void **state)
{
    static const struct {
        const char *rest;
        int result;
    } cases[] = {
        {"0 1 b OPEN {\"plan\":\"x\",\"by\":\"y\"}", 0}, /* before there was a format */
        {"0 1 b OPEN {\"format\":1}", 0},
        {"0 1 b OPEN {\"format\":2,\"confirm\":60}", 0},
        {"0 1 b OPEN {\"format\":3}", -1},
        {"0 1 b OPENED {}", -1},
        {"0 1 b OPEN not json", -1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct journal_records records;
        struct err err;
        const char *text = one_record(*state, cases[i].rest);
        int result = parse(*state, span_of(text), &records, &err);
        if (result != cases[i].result)
            fail_msg("'%s': %d", cases[i].rest, result);
        if (result == 0)
            assert_int_equal(records.count, 1);
    }
}

static void test_journal_parse_of_another_plan_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    struct journal_records records;
    struct digest last;
    struct err err;
    size_t good;

    assert_int_equal(journal_parse(journal_text(scratch), span_of("another plan"), scratch->arena,
                                   &records, &good, &last, &err),
                     -1);
}

static void test_journal_append_after_a_torn_line_takes_its_place(void **state)
{
    const struct scratch *scratch = *state;
    struct journal_records records;
    struct journal journal;
    struct err err;

    int fd = openat(scratch->dir, "journal", O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "0123 half a rec", 15), 15);
    (void)close(fd);
    assert_int_equal(
        journal_open(scratch->dir, span_of(plan_text), scratch->arena, &records, &journal, &err),
        0);
    assert_true(records.torn);
    assert_int_equal(journal.state, RECORD_PREPARED);
    assert_int_equal(journal_append(&journal, RECORD_COMMITTING, NULL, &err), 0);
    journal_close(&journal);
    assert_int_equal(parse(scratch, journal_text(scratch), &records, &err), 0);
    assert_int_equal(records.count, 4);
    assert_false(records.torn);
}

static void test_journal_append_illegal_move_is_a_bug_and_writes_nothing(void **state)
{
    const struct scratch *scratch = *state;
    struct journal_records records;
    struct journal journal;
    struct err err;

    assert_int_equal(
        journal_open(scratch->dir, span_of(plan_text), scratch->arena, &records, &journal, &err),
        0);
    assert_int_equal(journal_append(&journal, RECORD_DONE, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_BUG);
    journal_close(&journal);
    assert_int_equal(parse(scratch, journal_text(scratch), &records, &err), 0);
    assert_int_equal(records.count, 3);
}

static void test_journal_moves_nothing_follows_a_rolled_back_transaction(void **state)
{
    (void)state;
    for (unsigned to = 0; to < RECORD_TYPE_COUNT; to++) {
        assert_false(journal_move_is_legal(RECORD_ROLLED_BACK, (enum record_type)to));
        assert_false(journal_move_is_legal(RECORD_ACCEPTED, (enum record_type)to));
    }
    assert_false(journal_move_is_legal(RECORD_ROLLING_BACK, RECORD_PROVEN));
    assert_false(journal_move_is_legal(RECORD_ROLLING_BACK, RECORD_DONE));
    assert_false(journal_move_is_legal(RECORD_OPEN, RECORD_COMMITTING));
    assert_false(journal_move_is_legal(RECORD_COMMITTED, RECORD_AWAITING_CONFIRM));
    assert_false(journal_move_is_legal(RECORD_AWAITING_CONFIRM, RECORD_DONE));
    assert_false(journal_move_is_legal(RECORD_CONFIRMED, RECORD_ROLLING_BACK));
    assert_true(journal_move_is_legal(RECORD_DONE, RECORD_ROLLING_BACK));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_journal_parse_gives_back_what_was_appended),
        WITH(test_journal_parse_cut_anywhere_never_invents_a_record),
        WITH(test_journal_parse_flipped_bit_anywhere_is_refused),
        WITH(test_journal_parse_block_that_never_arrived_is_torn),
        WITH(test_journal_parse_of_another_version_is_read_or_refused),
        WITH(test_journal_parse_of_another_plan_is_refused),
        WITH(test_journal_append_after_a_torn_line_takes_its_place),
        WITH(test_journal_append_illegal_move_is_a_bug_and_writes_nothing),
        WITH(test_journal_moves_nothing_follows_a_rolled_back_transaction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
