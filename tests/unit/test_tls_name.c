#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "remediations/host/tls_name.h"

/* What HAProxy 2.6 and 3.2 say of each (ssl_sock_srv_hostcheck). */
static const struct {
    const char *pattern, *name;
    bool matches;
} cases[] = {
    {"app.example", "app.example", true},
    {"APP.example", "app.EXAMPLE", true},
    {"app.example", "app.example.", false},
    {"app.example", "xapp.example", false},
    {"*.example", "app.example", true},
    {"*.example", "a.b.example", false},
    {"*.example", ".example", true},
    {"*.example", "example", false},
    {"*.example", "app.other", false},
    {"www*.example", "www7.example", true},
    {"www*.example", "www.example", true},
    {"www*.example", "ww.example", false},
    {"www*.example", "xwww7.example", false},
    {"*-eu.example", "app-eu.example", true},
    {"*-eu.example", "app-us.example", false},
    {"a*a.example", "a.example", false},
    {"a*a.example", "aa.example", true},
    {"**.example", "app.example", false},
    {"app.*", "app.example", false},
    {"*", "app", false},
    {"*", "app.example", false},
    {"", "app.example", false},
    {"*.", "app.", true},
};

static char *exact(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    assert_non_null(copy);
    memcpy(copy, text, strlen(text));
    return copy;
}

static void test_tls_name_matches_as_haproxy_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* Without an end: a read past it is seen by the sanitizers. */
        char *pattern = exact(cases[i].pattern), *name = exact(cases[i].name);

        if (tls_name_matches((struct span){pattern, strlen(cases[i].pattern)},
                             (struct span){name, strlen(cases[i].name)}) != cases[i].matches)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].name);
        free(pattern);
        free(name);
    }
}

static void test_tls_name_behind_a_nul_is_another(void **state)
{
    (void)state;
    assert_false(tls_name_matches((struct span){"app.example\0.evil", 17}, span_of("app.example")));
    assert_false(tls_name_matches((struct span){"*\0.example", 10}, span_of("app.example")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_name_matches_as_haproxy_does),
        cmocka_unit_test(test_tls_name_behind_a_nul_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
