/* What a policy answers, compared with what libsepol computes from the same file by the kernel's own
 * way. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define bool boolean /* libsepol up to 3.8 names a member so */
#include <sepol/boolean_record.h>
#include <sepol/booleans.h>
#include <sepol/policydb/policydb.h>
#include <sepol/policydb/services.h>
#include <sepol/sepol.h>
#undef bool
#define bool _Bool

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "remediations/host/selinux_policy.h"
#include "remediations/host/semanage.h"

#define TREE_NAME "policy"
#include "tests/unit/selinux_tree.h"

#define DIR       TREE "/etc/selinux/default/policy"
#define INSTALLED DIR "/policy.33"
#define GROUP     "hamedic_one_t"

struct fixture {
    struct host *host;
    struct arena *arena;
    struct selinux_policy *policy;
    struct err err;
};

#define ASSERT_OK(call)                                                                            \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, fixture->err.text);                                          \
    } while (0)
#define ASSERT_FAILS(call, expected_kind, words)                                                   \
    do {                                                                                           \
        assert_int_equal((call), -1);                                                              \
        if (strstr(fixture->err.text, (words)) == NULL)                                            \
            fail_msg("expected '%s' in: %s", (words), fixture->err.text);                          \
        assert_int_equal(fixture->err.kind, (expected_kind));                                      \
    } while (0)

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->arena = arena_new();
    ASSERT_OK(host_open(TREE, &fixture->host, &fixture->err));
    ASSERT_OK(selinux_policy_open(fixture->host, &fixture->policy, &fixture->err));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    selinux_policy_close(fixture->policy);
    host_close(fixture->host);
    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

/* For tests that change the tree. */
static int set_up_afresh(void **state)
{
    tree_make();
    return set_up(state);
}

static int tear_down_afresh(void **state)
{
    tear_down(state);
    tree_make();
    return 0;
}

static void reopen(struct fixture *fixture)
{
    selinux_policy_close(fixture->policy);
    fixture->policy = NULL;
    ASSERT_OK(selinux_policy_open(fixture->host, &fixture->policy, &fixture->err));
}

static bool allows(struct fixture *fixture, const char *domain, const char *type,
                   const char *protocol, unsigned uses)
{
    bool allowed = false;

    ASSERT_OK(selinux_policy_allows(fixture->policy, domain, type, protocol, uses, &allowed,
                                    &fixture->err));
    return allowed;
}

static struct span installed_bytes(struct fixture *fixture)
{
    struct span bytes;

    ASSERT_OK(file_read(AT_FDCWD, INSTALLED, HOST_FILE_MAX, fixture->arena, &bytes, &fixture->err));
    return bytes;
}

static void write_policy(struct fixture *fixture, const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    ASSERT_OK(file_write_all(fd, path, bytes, &fixture->err));
    assert_return_code(close(fd), 0);
}

/* ---- the oracle ---- */
static sepol_policydb_t *oracle_read(void)
{
    FILE *stream = fopen(INSTALLED, "re");
    sepol_policydb_t *database = NULL;
    sepol_policy_file_t *file = NULL;

    assert_non_null(stream);
    assert_int_equal(sepol_policydb_create(&database), 0);
    assert_int_equal(sepol_policy_file_create(&file), 0);
    sepol_policy_file_set_fp(file, stream);
    assert_int_equal(sepol_policydb_read(database, file), 0);
    sepol_policy_file_free(file);
    (void)fclose(stream);
    return database;
}

/* libsepol forgets what it had loaded before: there where the leak checker runs, it is told so. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static void oracle_load(void)
{
    FILE *stream = fopen(INSTALLED, "re");

    assert_non_null(stream);
    if (__lsan_disable != NULL)
        __lsan_disable();
    assert_int_equal(sepol_set_policydb_from_file(stream), 0);
    if (__lsan_enable != NULL)
        __lsan_enable();
    (void)fclose(stream);
}

static sepol_security_id_t oracle_sid(const char *type)
{
    sepol_security_id_t sid = 0;
    char context[256];

    int len = snprintf(context, sizeof context, "system_u:object_r:%s:s0", type);
    assert_true(len > 0 && len < (int)sizeof context);
    assert_int_equal(sepol_context_to_sid(context, (size_t)len + 1, &sid), 0);
    return sid;
}

static bool oracle_allows(sepol_security_id_t domain, sepol_security_id_t type,
                          const char *class_name, const char *permission)
{
    struct sepol_av_decision decision = {0};
    sepol_security_class_t class = 0;
    sepol_access_vector_t wanted = 0;

    assert_int_equal(sepol_string_to_security_class(class_name, &class), 0);
    assert_int_equal(sepol_string_to_av_perm(class, permission, &wanted), 0);
    assert_int_equal(sepol_compute_av(domain, type, class, wanted, &decision), 0);
    return (decision.allowed & wanted) != 0;
}

/* Compares the three permissions that exist; tells how many are granted. */
static size_t compare(struct fixture *fixture, const char *domain, const char *type)
{
    static const struct {
        const char *protocol, *class, *permission;
        enum selinux_use use;
    } questions[] = {{"tcp", "tcp_socket", "name_connect", SELINUX_CONNECT},
                     {"tcp", "tcp_socket", "name_bind", SELINUX_BIND},
                     {"udp", "udp_socket", "name_bind", SELINUX_BIND}};
    size_t granted = 0;

    for (size_t at = 0; at < sizeof questions / sizeof questions[0]; at++) {
        bool expected = oracle_allows(oracle_sid(domain), oracle_sid(type), questions[at].class,
                                      questions[at].permission);
        bool told = allows(fixture, domain, type, questions[at].protocol, questions[at].use);
        if (told != expected)
            fail_msg("%s %s %s: told %d, expected %d", domain, questions[at].permission, type, told,
                     expected);
        granted += told;
    }
    return granted;
}

/* Every type that some port has, each once. */
static struct strings port_types(struct fixture *fixture)
{
    static const char *const protocols[] = {"tcp", "udp"};
    struct strings types = {0};

    for (size_t at = 0; at < 2; at++)
        for (uint32_t port = 1; port <= 65535; port++) {
            const char *type = selinux_policy_port_type(fixture->policy, protocols[at], port);
            if (type != NULL && (types.count == 0 || types.at[types.count - 1] != type) &&
                !strings_have(&types, type))
                strings_add(&types, fixture->arena, type);
        }
    return types;
}

static void compare_all(struct fixture *fixture)
{
    static const char *const domains[] = {"haproxy_t", "hamedic_web_t", GROUP,   "hamedic_trial_t",
                                          "init_t",    "kernel_t",      "sshd_t"};
    struct strings types = port_types(fixture);
    size_t granted = 0;

    oracle_load();
    assert_true(types.count > 150);
    for (size_t domain = 0; domain < sizeof domains / sizeof domains[0]; domain++)
        for (size_t type = 0; type < types.count; type++)
            if (selinux_policy_has_type(fixture->policy, domains[domain]))
                granted += compare(fixture, domains[domain], types.at[type]);
    assert_true(granted > 10);
}

static void test_selinux_policy_answers_what_libsepol_computes(void **state)
{
    compare_all(*state);
}

/* Each domain there is, for the types that matter most. */
static void test_selinux_policy_answers_for_every_domain(void **state)
{
    static const char *const types[] = {"http_port_t", "unreserved_port_t", "ntop_port_t"};
    struct fixture *fixture = *state;
    sepol_policydb_t *database = oracle_read();
    size_t granted = 0;

    oracle_load();
    for (uint32_t at = 0; at < database->p.p_types.nprim; at++) {
        const type_datum_t *type = database->p.type_val_to_struct[at];
        /* libsepol's answer leaves bounds out; the kernel's does not. */
        if (type == NULL || type->flavor == TYPE_ATTRIB || type->bounds != 0)
            continue;
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            granted += compare(fixture, database->p.p_type_val_to_name[at], types[i]);
    }
    sepol_policydb_free(database);
    assert_true(granted > 3);
}

static void turn(const char *name, int value)
{
    sepol_policydb_t *database = oracle_read();
    sepol_handle_t *handle = sepol_handle_create();
    sepol_policy_file_t *file = NULL;
    sepol_bool_key_t *key = NULL;
    sepol_bool_t *boolean = NULL;
    FILE *stream = NULL;

    assert_int_equal(sepol_bool_key_create(handle, name, &key), 0);
    assert_int_equal(sepol_bool_query(handle, database, key, &boolean), 0);
    sepol_bool_set_value(boolean, value);
    assert_int_equal(sepol_bool_set(handle, database, key, boolean), 0);
    stream = fopen(INSTALLED, "we");
    assert_non_null(stream);
    assert_int_equal(sepol_policy_file_create(&file), 0);
    sepol_policy_file_set_fp(file, stream);
    assert_int_equal(sepol_policydb_write(database, file), 0);
    assert_return_code(fclose(stream), 0);
    sepol_policy_file_free(file);
    sepol_bool_free(boolean);
    sepol_bool_key_free(key);
    sepol_handle_destroy(handle);
    sepol_policydb_free(database);
}

static void test_selinux_policy_answers_with_booleans_as_they_stand(void **state)
{
    struct fixture *fixture = *state;

    turn("haproxy_connect_any", 1);
    turn("haproxy_on_by_policy", 0);
    turn("hamedic_wide", 1);
    reopen(fixture);
    assert_true(allows(fixture, "haproxy_t", "postgresql_port_t", "tcp", SELINUX_CONNECT));
    assert_true(allows(fixture, GROUP, "postgresql_port_t", "tcp", SELINUX_CONNECT));
    assert_false(allows(fixture, GROUP, "squid_port_t", "udp", SELINUX_BIND));
    compare_all(fixture);
    turn("hamedic_narrow", 1);
    reopen(fixture);
    assert_false(allows(fixture, GROUP, "postgresql_port_t", "tcp", SELINUX_CONNECT));
    assert_true(allows(fixture, GROUP, "squid_port_t", "udp", SELINUX_BIND));
    compare_all(fixture);
}

static void test_selinux_policy_ways_of_use_are_all_asked(void **state)
{
    struct fixture *fixture = *state;
    const unsigned both = SELINUX_CONNECT | SELINUX_BIND;

    assert_true(allows(fixture, "haproxy_t", "http_port_t", "tcp", both));
    assert_true(allows(fixture, "haproxy_t", "commplex_link_port_t", "tcp", SELINUX_CONNECT));
    assert_false(allows(fixture, "haproxy_t", "commplex_link_port_t", "tcp", both));
    /* No class of udp has a permission to connect: the kernel asks nobody. */
    assert_true(allows(fixture, "haproxy_t", "http_port_t", "udp", SELINUX_CONNECT));
    assert_false(allows(fixture, "haproxy_t", "http_port_t", "udp", both));
}

static void test_selinux_policy_bounded_domain_may_no_more_than_its_bound(void **state)
{
    struct fixture *fixture = *state;
    struct selinux_label_effect effect;

    assert_true(allows(fixture, "hamedic_child_t", "http_port_t", "tcp", SELINUX_BIND));
    assert_false(allows(fixture, "hamedic_child_t", "http_port_t", "tcp", SELINUX_CONNECT));
    ASSERT_OK(selinux_policy_label_effect(fixture->policy, "tcp", "unreserved_port_t",
                                          "http_port_t", fixture->arena, &effect, &fixture->err));
    assert_true(strings_have(&effect.bind_gain, "hamedic_child_t"));
    assert_false(strings_have(&effect.connect_gain, "hamedic_child_t"));
}

static void test_selinux_policy_names_are_found(void **state)
{
    struct fixture *fixture = *state;
    bool allowed;

    assert_true(selinux_policy_has_type(fixture->policy, "haproxy_t"));
    assert_true(selinux_policy_has_type(fixture->policy, "hamedic_first_t")); /* an alias */
    assert_true(allows(fixture, "hamedic_first_t", "http_cache_port_t", "tcp", SELINUX_CONNECT));
    assert_false(selinux_policy_has_type(fixture->policy, "port_type")); /* an attribute */
    assert_false(selinux_policy_has_type(fixture->policy, ""));
    assert_true(selinux_policy_is_permissive(fixture->policy, "hamedic_trial_t"));
    assert_false(selinux_policy_is_permissive(fixture->policy, "haproxy_t"));
    assert_false(selinux_policy_is_permissive(fixture->policy, "no_such_t"));
    ASSERT_FAILS(selinux_policy_allows(fixture->policy, "no_such_t", "http_port_t", "tcp",
                                       SELINUX_BIND, &allowed, &fixture->err),
                 ERR_INPUT, "'no_such_t'");
    ASSERT_FAILS(selinux_policy_allows(fixture->policy, "haproxy_t", "no_port_t", "tcp",
                                       SELINUX_BIND, &allowed, &fixture->err),
                 ERR_INPUT, "'no_port_t'");
    ASSERT_FAILS(selinux_policy_allows(fixture->policy, "haproxy_t", "http_port_t", "icmp",
                                       SELINUX_BIND, &allowed, &fixture->err),
                 ERR_INPUT, "'icmp'");
}

/* ---- ports ---- */
static const char *type_of(struct fixture *fixture, uint32_t port)
{
    return selinux_policy_port_type(fixture->policy, "tcp", port);
}

static void test_selinux_policy_port_has_the_type_of_its_first_record(void **state)
{
    struct fixture *fixture = *state;

    assert_string_equal(type_of(fixture, 80), "http_port_t");
    assert_string_equal(type_of(fixture, 8080), "http_cache_port_t");
    assert_string_equal(type_of(fixture, 8888), "unreserved_port_t");
    assert_string_equal(type_of(fixture, 20001), "hamedic_range_port_t");
    assert_string_equal(type_of(fixture, 20010), "hamedic_range_port_t");
    assert_string_equal(type_of(fixture, 20011), "unreserved_port_t");
    assert_string_equal(type_of(fixture, 65535), "unreserved_port_t");
    assert_null(type_of(fixture, 70000));
    assert_null(type_of(fixture, 0));
    assert_null(selinux_policy_port_type(fixture->policy, "icmp", 80));
}

/* Local records come first, and a wide one covers what the policy says of single ports. */
static void test_selinux_policy_local_records_cover_the_policys_own(void **state)
{
    struct fixture *fixture = *state;
    char semodule[] = "semodule", path_option[] = "-p", tree[] = TREE, store_option[] = "-s";
    char name[] = "default", build[] = "-nNB";
    char *const argv[] = {semodule, path_option, tree, store_option, name, build, NULL};

    write_policy(fixture, STORE "/active/ports.local",
                 span_of("portcon tcp 8888 system_u:object_r:http_port_t:s0\n"
                         "portcon tcp 7990-8100 system_u:object_r:commplex_main_port_t:s0\n"));
    assert_int_equal(tree_run("semodule", argv), 0);
    reopen(fixture);
    assert_string_equal(type_of(fixture, 8888), "http_port_t");
    assert_string_equal(selinux_policy_port_type(fixture->policy, "udp", 8888),
                        "unreserved_port_t");
    assert_string_equal(type_of(fixture, 8080), "commplex_main_port_t");
    assert_string_equal(type_of(fixture, 7989), "unreserved_port_t");
    /* A type that a local range gives away is a service's all the same. */
    struct strings types;
    ASSERT_OK(selinux_policy_types_for(fixture->policy, "haproxy_t", "tcp", "unreserved_port_t",
                                       SELINUX_BIND, fixture->arena, &types, &fixture->err));
    assert_true(strings_have(&types, "commplex_main_port_t"));
    assert_true(strings_have(&types, "http_cache_port_t"));
}

/* ---- labels ---- */
static void test_selinux_policy_types_for_haproxy_begin_with_http(void **state)
{
    struct fixture *fixture = *state;
    struct strings types;

    ASSERT_OK(selinux_policy_types_for(fixture->policy, "haproxy_t", "tcp", "unreserved_port_t",
                                       SELINUX_CONNECT | SELINUX_BIND, fixture->arena, &types,
                                       &fixture->err));
    assert_int_equal(types.count, 3);
    assert_string_equal(types.at[0], "http_port_t");
    /* One other domain each: then the one with the fewest ports. */
    assert_string_equal(types.at[1], "commplex_main_port_t");
    assert_string_equal(types.at[2], "http_cache_port_t");
    ASSERT_OK(selinux_policy_types_for(fixture->policy, "haproxy_t", "tcp", NULL, SELINUX_CONNECT,
                                       fixture->arena, &types, &fixture->err));
    assert_string_equal(types.at[0], "http_port_t");
    assert_true(strings_have(&types, "commplex_link_port_t"));
}

/* What no service has is nothing to label a port with, even where the domain may use it. */
static void test_selinux_policy_types_for_leave_out_what_is_left_over(void **state)
{
    static const char *const left_over[] = {"unreserved_port_t", "reserved_port_t",
                                            "hi_reserved_port_t", "port_t"};
    struct fixture *fixture = *state;
    struct strings types;

    turn("haproxy_connect_any", 1);
    reopen(fixture);
    ASSERT_OK(selinux_policy_types_for(fixture->policy, "haproxy_t", "tcp", "postgresql_port_t",
                                       SELINUX_BIND, fixture->arena, &types, &fixture->err));
    assert_true(types.count > 100);
    assert_string_equal(types.at[0], "http_port_t");
    assert_false(strings_have(&types, "postgresql_port_t"));
    for (size_t at = 0; at < sizeof left_over / sizeof left_over[0]; at++)
        assert_false(strings_have(&types, left_over[at]));
}

static void test_selinux_policy_label_tells_who_gains_and_who_loses(void **state)
{
    struct fixture *fixture = *state;
    struct selinux_label_effect effect;

    ASSERT_OK(selinux_policy_label_effect(fixture->policy, "tcp", "http_cache_port_t",
                                          "http_port_t", fixture->arena, &effect, &fixture->err));
    assert_true(strings_have(&effect.bind_gain, "hamedic_web_t"));
    assert_false(strings_have(&effect.bind_gain, "haproxy_t"));
    assert_int_equal(effect.connect_gain.count, 0);
    assert_int_equal(effect.connect_lose.count, 2);
    assert_string_equal(effect.connect_lose.at[0], "hamedic_one_t");
    assert_string_equal(effect.connect_lose.at[1], "hamedic_trial_t");
    assert_int_equal(effect.bind_lose.count, 0);
    ASSERT_OK(selinux_policy_label_effect(fixture->policy, "tcp", NULL, "http_port_t",
                                          fixture->arena, &effect, &fixture->err));
    assert_true(strings_have(&effect.connect_gain, "haproxy_t"));
    ASSERT_FAILS(selinux_policy_label_effect(fixture->policy, "tcp", "http_port_t", "no_port_t",
                                             fixture->arena, &effect, &fixture->err),
                 ERR_INPUT, "'no_port_t'");
}

/* ---- booleans ---- */
static uint64_t count_ports(struct fixture *fixture, const char *domain, enum selinux_use use)
{
    uint64_t count = 0;

    for (uint32_t port = 1; port <= 65535; port++)
        count += allows(fixture, domain, type_of(fixture, port), "tcp", use);
    return count;
}

static void test_selinux_policy_boolean_effect_is_what_turning_it_on_gives(void **state)
{
    static const struct {
        const char *boolean, *domain;
        size_t others;
    } cases[] = {{"haproxy_connect_any", "haproxy_t", 0},
                 {"hamedic_wide", GROUP, 1},
                 {"hamedic_narrow", GROUP, 0},
                 {"hamedic_wide", "haproxy_t", 2}};
    struct fixture *fixture = *state;
    struct selinux_boolean_effect effect, while_on;

    for (size_t at = 0; at < sizeof cases / sizeof cases[0]; at++) {
        const char *domain = cases[at].domain;
        uint64_t connect = count_ports(fixture, domain, SELINUX_CONNECT);
        uint64_t bind = count_ports(fixture, domain, SELINUX_BIND);
        ASSERT_OK(selinux_policy_boolean_effect(fixture->policy, cases[at].boolean, domain,
                                                fixture->arena, &effect, &fixture->err));
        effect.name = arena_string(fixture->arena, effect.name);
        turn(cases[at].boolean, 1);
        reopen(fixture);
        assert_string_equal(effect.name, cases[at].boolean);
        assert_int_equal(effect.connect_ports,
                         count_ports(fixture, domain, SELINUX_CONNECT) - connect);
        assert_int_equal(effect.bind_ports, count_ports(fixture, domain, SELINUX_BIND) - bind);
        assert_int_equal(effect.other_domains, cases[at].others);
        /* Of one that is on it tells the same. */
        ASSERT_OK(selinux_policy_boolean_effect(fixture->policy, cases[at].boolean, domain,
                                                fixture->arena, &while_on, &fixture->err));
        assert_int_equal(while_on.connect_ports, effect.connect_ports);
        assert_int_equal(while_on.bind_ports, effect.bind_ports);
        assert_int_equal(while_on.other_domains, effect.other_domains);
        turn(cases[at].boolean, 0);
        reopen(fixture);
    }
    ASSERT_FAILS(selinux_policy_boolean_effect(fixture->policy, "no_such_boolean", "haproxy_t",
                                               fixture->arena, &effect, &fixture->err),
                 ERR_INPUT, "'no_such_boolean'");
}

static struct selinux_boolean_effect *booleans_for(struct fixture *fixture, const char *domain,
                                                   const char *type, unsigned uses, size_t *count)
{
    struct selinux_boolean_effect *effects = NULL;

    ASSERT_OK(selinux_policy_booleans_for(fixture->policy, domain, type, "tcp", uses,
                                          fixture->arena, &effects, count, &fixture->err));
    return effects;
}

static void test_selinux_policy_booleans_for_are_those_that_would_do(void **state)
{
    struct fixture *fixture = *state;
    size_t count = 0;

    struct selinux_boolean_effect *effects = booleans_for(fixture, "haproxy_t", "postgresql_port_t",
                                                          SELINUX_CONNECT | SELINUX_BIND, &count);
    assert_int_equal(count, 1);
    assert_string_equal(effects[0].name, "haproxy_connect_any");
    assert_true(effects[0].bind_ports > 65000);
    /* The one that reaches fewer others first. */
    effects = booleans_for(fixture, GROUP, "ntop_port_t", SELINUX_CONNECT, &count);
    assert_int_equal(count, 2);
    assert_string_equal(effects[0].name, "hamedic_narrow");
    assert_int_equal(effects[0].other_domains, 0);
    assert_string_equal(effects[1].name, "hamedic_wide");
    assert_int_equal(effects[1].other_domains, 1);
    /* It lets the group connect, never bind; and what is allowed already needs none. */
    (void)booleans_for(fixture, GROUP, "ntop_port_t", SELINUX_BIND, &count);
    assert_int_equal(count, 0);
    (void)booleans_for(fixture, "haproxy_t", "http_port_t", SELINUX_CONNECT, &count);
    assert_int_equal(count, 0);
}

/* ---- which policy ---- */
static void test_selinux_policy_newest_readable_version_is_opened(void **state)
{
    struct fixture *fixture = *state;

    write_policy(fixture, DIR "/policy.9", span_of("old"));
    write_policy(fixture, DIR "/policy.32", span_of("older"));
    write_policy(fixture, DIR "/policy.4711", span_of("from a later system"));
    write_policy(fixture, DIR "/policy.33.rpmsave", span_of("saved"));
    reopen(fixture);
    assert_return_code(unlink(INSTALLED), 0);
    struct selinux_policy *policy = NULL;
    ASSERT_FAILS(selinux_policy_open(fixture->host, &policy, &fixture->err), ERR_INPUT,
                 "policy.32'");
    assert_null(policy);
}

static void test_selinux_policy_of_a_tree_without_one_is_unsupported(void **state)
{
    struct fixture *fixture = *state;
    struct selinux_policy *policy = NULL;

    assert_return_code(unlink(INSTALLED), 0);
    ASSERT_FAILS(selinux_policy_open(fixture->host, &policy, &fixture->err), ERR_UNSUPPORTED,
                 "/etc/selinux/default/policy");
    assert_return_code(unlink(TREE "/etc/selinux/config"), 0);
    ASSERT_FAILS(selinux_policy_open(fixture->host, &policy, &fixture->err), ERR_UNSUPPORTED,
                 "no SELinux policy");
    assert_null(policy);
}

/* ---- damage ---- */
/* Whatever it says goes into the error, and not to standard error. */
static int open_silently(struct fixture *fixture, struct selinux_policy **out_policy)
{
    char path[] = TREE "/stderr.XXXXXX";
    struct stat st;
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);

    assert_true(fd >= 0 && saved >= 0);
    assert_return_code(dup2(fd, STDERR_FILENO), 0);
    int result = selinux_policy_open(fixture->host, out_policy, &fixture->err);
    assert_return_code(dup2(saved, STDERR_FILENO), 0);
    assert_return_code(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    (void)close(saved);
    (void)close(fd);
    (void)unlink(path);
    return result;
}

static void test_selinux_policy_that_is_cut_off_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct span whole = installed_bytes(fixture);

    for (size_t step = 0; step < 64; step++) {
        struct selinux_policy *policy = NULL;
        size_t len = step < 32 ? step : whole.len / 32 * (step - 31) - 1;
        write_policy(fixture, INSTALLED, (struct span){whole.ptr, len});
        assert_int_equal(open_silently(fixture, &policy), -1);
        assert_int_equal(fixture->err.kind, ERR_INPUT);
        assert_non_null(strstr(fixture->err.text, "policy.33'"));
        assert_null(policy);
    }
}

/* Such a policy may well still be one: then it is asked, and nothing is touched that is not there. */
static void test_selinux_policy_with_flipped_bits_is_read_or_refused(void **state)
{
    struct fixture *fixture = *state;
    struct span whole = installed_bytes(fixture);
    char *bytes = arena_copy(fixture->arena, whole.ptr, whole.len);
    size_t refused = 0;

    for (size_t step = 0; step < 96; step++) {
        struct selinux_policy *policy = NULL;
        size_t at = step < 32 ? step : step < 64 ? step * 61 : whole.len / 96 * step;
        struct strings types;
        bytes[at] = (char)(whole.ptr[at] ^ (1 << step % 8));
        write_policy(fixture, INSTALLED, (struct span){bytes, whole.len});
        bytes[at] = whole.ptr[at];
        if (open_silently(fixture, &policy) < 0) {
            refused++;
            continue;
        }
        for (uint32_t port = 1; port <= 65535; port++)
            (void)selinux_policy_port_type(policy, "tcp", port);
        if (selinux_policy_types_for(policy, "haproxy_t", "tcp", NULL, SELINUX_BIND, fixture->arena,
                                     &types, &fixture->err) < 0)
            assert_int_equal(fixture->err.kind, ERR_INPUT);
        selinux_policy_close(policy);
    }
    assert_true(refused > 10);
}

static void test_selinux_policy_that_is_something_else_is_an_error(void **state)
{
    static const char *const others[] = {"", "hello, this is no policy\n", "\x8c\xff\x7c\xf9",
                                         "\x8d\xff\x7c\xf9\x0d\0\0\0SE Linux Module"};
    static const size_t lengths[] = {0, 25, 4, 23};
    struct fixture *fixture = *state;
    struct selinux_policy *policy = NULL;

    for (size_t at = 0; at < sizeof others / sizeof others[0]; at++) {
        write_policy(fixture, INSTALLED, (struct span){others[at], lengths[at]});
        assert_int_equal(open_silently(fixture, &policy), -1);
        assert_int_equal(fixture->err.kind, ERR_INPUT);
    }
}

/* ---- threads ---- */
static void *ask_in_a_thread(void *context)
{
    struct fixture *fixture = context;
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct selinux_policy *own CLEANUP_SELINUX_POLICY = NULL;
    struct err err;
    bool good = selinux_policy_open(fixture->host, &own, &err) == 0;

    for (size_t at = 0; good && at < 20; at++) {
        struct strings types;
        good =
            selinux_policy_types_for(at % 2 == 0 ? own : fixture->policy, "haproxy_t", "tcp",
                                     "unreserved_port_t", SELINUX_BIND, arena, &types, &err) == 0 &&
            types.count == 3;
    }
    return good ? fixture : NULL;
}

static void test_selinux_policy_is_asked_by_threads(void **state)
{
    pthread_t threads[4];

    for (size_t at = 0; at < 4; at++)
        assert_int_equal(pthread_create(&threads[at], NULL, ask_in_a_thread, *state), 0);
    for (size_t at = 0; at < 4; at++) {
        void *good = NULL;
        assert_int_equal(pthread_join(threads[at], &good), 0);
        assert_non_null(good);
    }
}

#define TEST(name)   cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define AFRESH(name) cmocka_unit_test_setup_teardown(name, set_up_afresh, tear_down_afresh)

/* What a commit installs and does not load is told from what was there before. */
static void test_selinux_policy_is_like_itself_and_not_after_a_commit(void **state)
{
    struct fixture *fixture = *state;
    struct selinux_policy *same CLEANUP_SELINUX_POLICY = NULL;
    struct selinux_policy *later CLEANUP_SELINUX_POLICY = NULL;
    struct semanage *store = NULL;
    bool loaded = false;

    ASSERT_OK(selinux_policy_open_installed(fixture->host, &same, &fixture->err));
    assert_true(selinux_policy_is_like(fixture->policy, same));
    ASSERT_OK(semanage_open(fixture->host, &store, &fixture->err));
    ASSERT_OK(semanage_begin(store, &fixture->err));
    ASSERT_OK(semanage_set_port(store, "tcp", 8888, "http_port_t", &fixture->err));
    ASSERT_OK(semanage_commit_staged(store, &fixture->err));
    semanage_close(store);
    ASSERT_OK(selinux_policy_open_installed(fixture->host, &later, &fixture->err));
    assert_false(selinux_policy_is_like(fixture->policy, later));
    assert_false(selinux_policy_is_like(later, same));
    /* Nothing is loaded from a tree. */
    ASSERT_OK(selinux_policy_is_loaded(fixture->host, &loaded, &fixture->err));
    assert_true(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_selinux_policy_is_like_itself_and_not_after_a_commit,
                                        set_up_afresh, tear_down),
        TEST(test_selinux_policy_answers_what_libsepol_computes),
        TEST(test_selinux_policy_answers_for_every_domain),
        AFRESH(test_selinux_policy_answers_with_booleans_as_they_stand),
        TEST(test_selinux_policy_ways_of_use_are_all_asked),
        TEST(test_selinux_policy_bounded_domain_may_no_more_than_its_bound),
        TEST(test_selinux_policy_names_are_found),
        TEST(test_selinux_policy_port_has_the_type_of_its_first_record),
        AFRESH(test_selinux_policy_local_records_cover_the_policys_own),
        TEST(test_selinux_policy_types_for_haproxy_begin_with_http),
        AFRESH(test_selinux_policy_types_for_leave_out_what_is_left_over),
        TEST(test_selinux_policy_label_tells_who_gains_and_who_loses),
        AFRESH(test_selinux_policy_boolean_effect_is_what_turning_it_on_gives),
        TEST(test_selinux_policy_booleans_for_are_those_that_would_do),
        AFRESH(test_selinux_policy_newest_readable_version_is_opened),
        AFRESH(test_selinux_policy_of_a_tree_without_one_is_unsupported),
        AFRESH(test_selinux_policy_that_is_cut_off_is_an_error),
        AFRESH(test_selinux_policy_with_flipped_bits_is_read_or_refused),
        AFRESH(test_selinux_policy_that_is_something_else_is_an_error),
        TEST(test_selinux_policy_is_asked_by_threads),
    };

    tree_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
