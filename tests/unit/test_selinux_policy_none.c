/* Without libsepol nothing is guessed: a policy cannot be opened, and the message says why. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "remediations/host/selinux_policy.h"

static void test_selinux_policy_without_libsepol_is_unsupported(void **state)
{
    struct selinux_policy *policy = NULL;
    struct host *host CLEANUP_HOST = NULL;
    struct err err;

    (void)state;
    assert_return_code(host_open("/", &host, &err), 0);
    assert_int_equal(selinux_policy_open(host, &policy, &err), -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "libsepol"));
    assert_null(policy);
    selinux_policy_close(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selinux_policy_without_libsepol_is_unsupported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
