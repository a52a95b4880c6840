#include "agent/transaction/deadline.h"
#include "tests/unit/scratch.h"

static void test_deadline_left_counts_down_in_its_own_boot_only(void **state)
{
    const struct ledger_entry entry = {.deadline_ms = 90000, .deadline_boot = "boot-1"};

    (void)state;
    assert_int_equal(deadline_left_at(&entry, 0, "boot-1"), 90000);
    assert_int_equal(deadline_left_at(&entry, 89999, "boot-1"), 1);
    assert_int_equal(deadline_left_at(&entry, 90000, "boot-1"), 0);
    assert_int_equal(deadline_left_at(&entry, 200000, "boot-1"), 0);
    assert_int_equal(deadline_left_at(&entry, 0, "boot-2"), 0);
}

/* No /proc, no boot id: nobody can say that it is the same boot. */
static void test_deadline_left_without_a_boot_id_is_over(void **state)
{
    const struct ledger_entry entry = {.deadline_ms = 90000, .deadline_boot = "-"};

    (void)state;
    assert_int_equal(deadline_left_at(&entry, 0, "-"), 0);
}

static void test_deadline_of_a_tree_is_refused(void **state)
{
    const struct ledger ledger = {.transactions = -1, .lock = -1};
    const struct host tree = {.live = false};
    struct err err;

    (void)state;
    assert_int_equal(deadline_check(&tree, &ledger, &err), -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_int_equal(deadline_disarm(&tree, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline_left_counts_down_in_its_own_boot_only),
        cmocka_unit_test(test_deadline_left_without_a_boot_id_is_over),
        cmocka_unit_test(test_deadline_of_a_tree_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
