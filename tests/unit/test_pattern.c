#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/never.h"
#include "policies/pattern.h"

static void test_pattern_star_stays_within_a_part(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "a", true},
        {"a", "A", false},
        {"a", "ab", false},
        {"*", "", true},
        {"*", "abc", true},
        {"*", "a/b", false},
        {"**", "a/b", true},
        {"**", "", true},
        {"***", "a/b/c", true},
        {"haproxy_*", "haproxy_connect_any", true},
        {"haproxy_*", "httpd_haproxy_x", false},
        {"server/*/*", "server/be/app1", true},
        {"server/*/*", "server/be", false},
        {"server/*/*", "server/be/app1/x", false},
        {"server/**", "server/be/app1", true},
        {"*b*/c", "abxb/c", true},
        {"*b*/c", "abx/d", false},
        {"a*/b", "a/x/b", false},
        {"a**/b", "a/x/b", true},
        {"**/*x/end", "a/bx/c/dx/end", true},
        {"**/*x/end", "a/bx/c/d/end", false},
        {"*a**b*c", "xa/b/bxc", true},
        {"*a**b*c", "xa/b/b/c", false},
        {"/run/haproxy/*", "/run/haproxy/admin.sock", true},
        {"/run/haproxy/*", "/run/haproxy/x/admin.sock", false},
        {"/run/haproxy.*", "/run/haproxy.sock", true},
        {"/run/haproxy.*", "/run/haproxyd", false},
        {"[a]?", "[a]?", true},
        {"[a]?", "ab", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (pattern_matches(cases[i].pattern, cases[i].name) != cases[i].matches)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].name);
}

/* The matcher agrees with the plainest definition there is, over all short patterns and names. */
static bool matches_by_definition(const char *pattern, const char *name)
{
    if (pattern[0] == '\0')
        return name[0] == '\0';
    if (pattern[0] == '*' && pattern[1] == '*')
        return matches_by_definition(pattern + 2, name) ||
               (name[0] != '\0' && matches_by_definition(pattern, name + 1));
    if (pattern[0] == '*')
        return matches_by_definition(pattern + 1, name) ||
               (name[0] != '\0' && name[0] != '/' && matches_by_definition(pattern, name + 1));
    return pattern[0] == name[0] && matches_by_definition(pattern + 1, name + 1);
}

static void spell(unsigned number, const char *letters, size_t len, char *out)
{
    size_t base = strlen(letters);

    for (size_t i = 0; i < len; i++, number /= (unsigned)base)
        out[i] = letters[number % base];
    out[len] = '\0';
}

static void test_pattern_every_short_pair_is_as_defined(void **state)
{
    char pattern[7], name[7];
    unsigned patterns = 1, names = 1, matched = 0;

    (void)state;
    for (size_t p = 0; p <= 6; p++, patterns *= 3)
        for (unsigned i = 0; i < patterns; i++) {
            spell(i, "*a/", p, pattern);
            names = 1;
            for (size_t n = 0; n <= 6; n++, names *= 2)
                for (unsigned j = 0; j < names; j++) {
                    spell(j, "a/", n, name);
                    bool expected = matches_by_definition(pattern, name);
                    matched += expected;
                    if (pattern_matches(pattern, name) != expected)
                        fail_msg("'%s' and '%s'", pattern, name);
                }
        }
    assert_true(matched > 1000);
}

static void test_never_programs_of_the_kernel_are_refused(void **state)
{
    (void)state;
    assert_non_null(never_reason("sysctl.dropin", "kernel.core_pattern"));
    assert_non_null(never_reason("sysctl.dropin", "kernel/core_pattern"));
    assert_non_null(never_reason("sysctl.dropin", "kernel.usermodehelper.bset"));
    assert_non_null(never_reason("selinux.boolean", "nis_enabled"));
    assert_non_null(never_reason("selinux.boolean", "secure_mode_policyload"));
    assert_null(never_reason("sysctl.dropin", "net.core.somaxconn"));
    assert_null(never_reason("selinux.boolean", "haproxy_connect_any"));
}

static void test_never_ports_outside_of_1_to_65535_are_refused(void **state)
{
    (void)state;
    assert_non_null(never_reason("selinux.port", "tcp/0"));
    assert_non_null(never_reason("selinux.port", "tcp/65536"));
    assert_non_null(never_reason("selinux.port", "tcp/70000"));
    assert_non_null(never_reason("selinux.port", "tcp/"));
    assert_non_null(never_reason("selinux.port", "tcp/1-65535"));
    assert_non_null(never_reason("selinux.port", "8888"));
    assert_null(never_reason("selinux.port", "tcp/1"));
    assert_null(never_reason("selinux.port", "udp/65535"));
}

static void test_never_wildcards_reach_haproxys_own_only(void **state)
{
    (void)state;
    assert_true(never_wildcard_reaches("selinux.boolean", "haproxy_connect_any"));
    assert_false(never_wildcard_reaches("selinux.boolean", "httpd_can_network_connect"));
    assert_true(never_wildcard_reaches("sysctl.dropin", "net.core.somaxconn"));
    assert_false(never_wildcard_reaches("sysctl.dropin", "vm.overcommit_memory"));
    assert_false(never_wildcard_reaches("systemd.limit", "sshd.service"));
    assert_true(never_wildcard_reaches("haproxy.maxconn", "server/be/app1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_star_stays_within_a_part),
        cmocka_unit_test(test_pattern_every_short_pair_is_as_defined),
        cmocka_unit_test(test_never_programs_of_the_kernel_are_refused),
        cmocka_unit_test(test_never_ports_outside_of_1_to_65535_are_refused),
        cmocka_unit_test(test_never_wildcards_reach_haproxys_own_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
