#include "tests/unit/cmocka_all.h"

#include "plans/base/escape.h"
#include "plans/base/text.h"
#include "remediations/host/audit.h"
#include "tests/unit/scratch.h"

#define PROGRAM "/usr/sbin/haproxy"
#define CONTEXTS(source, target)                                                                   \
    "scontext=system_u:system_r:" source ":s0 tcontext=system_u:object_r:" target ":s0 "
#define AVC(id, permission, subject, more)                                                         \
    "type=AVC msg=audit(" id "): avc:  denied  { " permission " } for  pid=380 comm=" subject      \
    " " more "\n"
#define CONNECT(id, port)                                                                          \
    AVC(id, "name_connect", "\"haproxy\"",                                                         \
        "dest=" port                                                                               \
        " " CONTEXTS("haproxy_t", "unreserved_port_t") "tclass=tcp_socket permissive=0")
#define CALL(id, exe)                                                                              \
    "type=SYSCALL msg=audit(" id "): arch=c000003e syscall=42 success=no exit=-13 pid=380 "        \
    "comm=\"haproxy\" exe=" exe " subj=system_u:system_r:haproxy_t:s0 key=(null)\n"

struct log {
    struct scratch scratch;
    struct denials denials;
};

static struct log *log_new(void)
{
    struct log *log = calloc(1, sizeof *log);

    assert_non_null(log);
    scratch_open(&log->scratch);
    return log;
}

static void log_free(struct log *log)
{
    scratch_close(&log->scratch);
    free(log);
}

static void parse_span(struct log *log, struct span text)
{
    struct err err = {0};

    if (audit_parse(text, PROGRAM, "lb01", log->scratch.arena, &log->denials, &err) < 0)
        fail_msg("%s", err.text);
}

static void parse(struct log *log, const char *text)
{
    parse_span(log, span_of(text));
}

static struct span fixture(struct log *log, const char *name)
{
    const char *path = arena_printf(log->scratch.arena, "%s/fixtures/selinux/%s", TESTS_DIR, name);
    struct err err = {0};
    struct span bytes;

    if (file_read(AT_FDCWD, path, 1 << 20, log->scratch.arena, &bytes, &err) < 0)
        fail_msg("%s", err.text);
    return bytes;
}

static const struct denial *denial_at(const struct log *log, const char *permission, uint32_t port)
{
    static const struct denial none = {.permission = "(none)"};

    for (size_t i = 0; i < log->denials.count; i++)
        if (strcmp(log->denials.at[i].permission, permission) == 0 &&
            log->denials.at[i].port == port)
            return &log->denials.at[i];
    return &none;
}

/* ---- recorded logs ---- */

static void test_audit_recorded_connects_are_one_each_with_their_count(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse_span(log, fixture(log, "audit-connect.txt"));
    assert_int_equal(log->denials.count, 4);
    assert_int_equal(log->denials.since, 1795336030);
    const struct denial *denial = denial_at(log, "name_connect", 8888);
    assert_int_equal(denial->count, 7);
    assert_int_equal(denial->first, 1795336030);
    assert_int_equal(denial->last, 1795336059);
    assert_string_equal(denial->object, "tcp_socket");
    assert_string_equal(denial->source_type, "haproxy_t");
    assert_string_equal(denial->target_type, "unreserved_port_t");
    assert_string_equal(denial->comm, "haproxy");
    assert_int_equal(denial->pid, 380);
    assert_false(denial->permissive);
    assert_string_equal(denial_at(log, "name_connect", 5432)->target_type, "postgresql_port_t");
    assert_int_equal(denial_at(log, "name_connect", 33000)->count, 2);
    log_free(log);
}

static void test_audit_recorded_bind_has_its_program(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse_span(log, fixture(log, "audit-bind.txt"));
    assert_int_equal(log->denials.count, 1);
    const struct denial *denial = denial_at(log, "name_bind", 8404);
    assert_int_equal(denial->count, 2);
    assert_string_equal(denial->exe, PROGRAM);
    assert_int_equal(denial->pid, 559);
    assert_int_equal(denial->last - denial->first, 1795336756 - 1795335773);
    log_free(log);
}

static void test_audit_recorded_decoys_are_told_apart(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse_span(log, fixture(log, "audit-permissive.txt"));
    assert_int_equal(log->denials.count, 2);
    assert_true(denial_at(log, "name_connect", 8888)->permissive);
    assert_true(denial_at(log, "name_connect", 8081)->permissive);
    parse_span(log, fixture(log, "audit-dac_override.txt"));
    assert_int_equal(log->denials.count, 1);
    assert_string_equal(denial_at(log, "dac_override", 0)->object, "capability");
    log_free(log);
}

/* ---- whose denial it is ---- */

static void test_audit_another_program_of_that_name_is_left_out(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse(log, CONNECT("100.000:1", "8888") CALL("100.000:1", "\"/home/eve/haproxy\""));
    assert_int_equal(log->denials.count, 0);
    parse(log, CONNECT("100.000:1", "8888") CALL("100.000:1", "\"/usr/sbin/haproxy\""));
    assert_int_equal(log->denials.count, 1);
    /* In hex, since it has a blank: "/usr/sbin/haproxy (deleted)", after an upgrade. */
    parse(log, CONNECT("100.000:1", "8888")
                   CALL("100.000:1", "2F7573722F7362696E2F686170726F7879202864656C6574656429"));
    assert_int_equal(log->denials.count, 1);
    assert_string_equal(log->denials.at[0].exe, "/usr/sbin/haproxy (deleted)");
    log_free(log);
}

static void test_audit_the_name_alone_counts_where_no_program_is_told(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse(log, CONNECT("100.000:1", "8888") CALL("100.000:2", "\"/home/eve/haproxy\""));
    assert_int_equal(log->denials.count, 1);
    assert_null(log->denials.at[0].exe);
    parse(log, AVC("100.000:1", "name_connect", "\"haproxy2\"",
                   "dest=80 " CONTEXTS("haproxy_t", "http_port_t") "tclass=tcp_socket"));
    assert_int_equal(log->denials.count, 0);
    log_free(log);
}

static void test_audit_the_domain_is_told_as_it_was(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse(log, AVC("100.000:1", "name_connect", "\"haproxy\"",
                   "dest=8888 " CONTEXTS("user_t", "unreserved_port_t") "tclass=tcp_socket"));
    assert_int_equal(log->denials.count, 1);
    assert_string_equal(log->denials.at[0].source_type, "user_t");
    log_free(log);
}

static void test_audit_records_of_another_host_are_left_out(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse(log, "node=lb02 " CONNECT("100.000:1",
                                    "8888") "node=lb01.example.org " CONNECT("100.000:2", "8889"));
    assert_int_equal(log->denials.count, 1);
    assert_int_equal(log->denials.at[0].port, 8889);
    log_free(log);
}

/* ---- forms ---- */

static void test_audit_events_that_mix_find_their_system_call(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse(log, CONNECT("100.000:1", "8001") CONNECT("100.000:2", "8002")
                   CALL("100.000:2", "\"/bin/nc\"") CALL("100.000:1", "\"/usr/sbin/haproxy\""));
    assert_int_equal(log->denials.count, 1);
    assert_int_equal(log->denials.at[0].port, 8001);
    assert_string_equal(log->denials.at[0].exe, PROGRAM);
    log_free(log);
}

static void test_audit_many_events_of_one_moment_are_all_counted(void **state)
{
    struct log *log = log_new();
    struct text text = text_new(log->scratch.arena);

    (void)state;
    for (int i = 0; i < 1000; i++)
        text_addf(&text, CONNECT("100.000:%d", "8888") CALL("100.000:%d", "\"%s\""), i, i,
                  i % 2 == 0 ? PROGRAM : "/bin/nc");
    parse_span(log, text_span(&text));
    assert_int_equal(log->denials.count, 1);
    assert_int_equal(log->denials.at[0].count, 500);
    log_free(log);
}

static void test_audit_several_permissions_are_several_denials(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse(log, AVC("100.000:1", "read write", "\"haproxy\"",
                   "name=\"x\" dev=\"sda1\" ino=4 " CONTEXTS("haproxy_t", "etc_t") "tclass=file "
                                                                                   "permissive=0"));
    assert_int_equal(log->denials.count, 2);
    assert_string_equal(denial_at(log, "write", 0)->object, "file");
    log_free(log);
}

static void test_audit_granted_and_kernel_noise_are_no_denials(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse(log, "type=AVC msg=audit(100.000:1): avc:  granted  { name_connect } for  pid=380 "
               "comm=\"haproxy\" dest=8888 " CONTEXTS(
                   "haproxy_t",
                   "unreserved_port_t") "tclass=tcp_socket permissive=0\n"
                                        "type=USER_AVC msg=audit(100.000:2): pid=1 uid=0 msg='avc: "
                                        " denied  { start } "
                                        "for " CONTEXTS(
                                            "haproxy_t",
                                            "x_t") "tclass=service exe=\"/usr/sbin/haproxy\"'\n"
                                                   "type=MAC_STATUS msg=audit(100.000:3): "
                                                   "enforcing=0 old_enforcing=1\n");
    assert_int_equal(log->denials.count, 0);
    assert_int_equal(log->denials.since, 100);
    log_free(log);
}

/* ---- what strangers write ---- */

static void test_audit_a_ports_number_is_checked(void **state)
{
    static const char *const ports[] = {"0", "65536", "99999999999999999999", "-1", "80x",
                                        "",  "(null)"};
    struct log *log = log_new();

    (void)state;
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        parse(log, arena_printf(log->scratch.arena, CONNECT("100.000:1", "%s"), ports[i]));
        assert_int_equal(log->denials.count, 0);
    }
    /* A bind tells src=, a connect dest=. */
    parse(log, AVC("100.000:1", "name_bind", "\"haproxy\"",
                   "dest=8888 " CONTEXTS("haproxy_t", "http_port_t") "tclass=tcp_socket"));
    assert_int_equal(log->denials.count, 0);
    log_free(log);
}

static void test_audit_names_that_are_none_are_left_out(void **state)
{
    struct log *log = log_new();

    (void)state;
    parse(log, CONNECT("100.000:1", "1")
                   AVC("100.000:2", "name_connect", "\"haproxy\"",
                       "dest=2 " CONTEXTS("haproxy-t", "http_port_t") "tclass=tcp_socket")
                       AVC("100.000:3", "name_connect", "\"haproxy\"",
                           "dest=3 scontext=haproxy_t tcontext=a:b:c tclass=tcp_socket")
                           AVC("100.000:4", "name;connect", "\"haproxy\"",
                               "dest=4 " CONTEXTS("haproxy_t", "http_port_t") "tclass=tcp_socket"));
    assert_int_equal(log->denials.count, 1);
    assert_int_equal(log->denials.at[0].port, 1);
    log_free(log);
}

/* Bytes that would move a terminal's cursor come in hex, and are shown as what they are. */
static void test_audit_a_hostile_path_is_escaped(void **state)
{
    struct log *log = log_new();
    struct err err = {0};

    (void)state;
    const char *text = CONNECT("100.000:1", "8888") CALL("100.000:1", "2F1B5B324A0A68617070");
    assert_int_equal(audit_parse(span_of(text), "/\x1b[2J\nhapp", "lb01", log->scratch.arena,
                                 &log->denials, &err),
                     0);
    assert_int_equal(log->denials.count, 1);
    assert_string_equal(log->denials.at[0].exe, "/\\x1b[2J\\x0ahapp");
    log_free(log);
}

static void test_audit_more_distinct_ones_than_are_kept_drop_the_oldest(void **state)
{
    struct log *log = log_new();
    struct text text = text_new(log->scratch.arena);

    (void)state;
    for (int i = 1; i <= AUDIT_DENIALS_MAX + 10; i++)
        text_addf(&text, CONNECT("%d.000:1", "%d"), 1000 + i, i);
    text_addf(&text, CONNECT("5000.000:1", "11"));
    parse_span(log, text_span(&text));
    assert_int_equal(log->denials.count, AUDIT_DENIALS_MAX);
    assert_int_equal(log->denials.left_out, 10);
    assert_string_equal(denial_at(log, "name_connect", 10)->permission, "(none)");
    assert_int_equal(denial_at(log, "name_connect", 11)->count, 2);
    assert_int_equal(denial_at(log, "name_connect", AUDIT_DENIALS_MAX + 10)->count, 1);
    log_free(log);
}

static void test_audit_a_line_too_long_is_left_out(void **state)
{
    struct log *log = log_new();
    char *filler = arena_alloc(log->scratch.arena, 9001);

    (void)state;
    memset(filler, 'x', 9000);
    parse(log,
          arena_printf(log->scratch.arena,
                       AVC("100.000:1", "name_connect", "\"haproxy\"",
                           "dest=8888 " CONTEXTS("haproxy_t", "http_port_t") "tclass=tcp_socket %s")
                           CONNECT("100.000:2", "8889"),
                       filler));
    assert_int_equal(log->denials.count, 1);
    assert_int_equal(log->denials.at[0].port, 8889);
    log_free(log);
}

static void test_audit_a_line_without_its_end_is_still_being_written(void **state)
{
    static const char whole[] = CONNECT("100.000:1", "8888");
    struct log *log = log_new();

    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        parse_span(log, (struct span){whole, len});
        assert_int_equal(log->denials.count, 0);
    }
    parse_span(log, (struct span){whole, sizeof whole - 1});
    assert_int_equal(log->denials.count, 1);
    log_free(log);
}

/* A record cut at any byte, with another one behind it: neither its port nor anything else is taken for what it was. */
static void test_audit_a_record_cut_in_the_middle_is_told(void **state)
{
    static const char first[] = CONNECT("100.000:1", "8888"), next[] = CONNECT("100.000:2", "9999");
    struct log *log = log_new();

    (void)state;
    for (size_t len = 1; len < sizeof first - 1; len++) {
        bool is_whole = len == sizeof first - 2; /* but for its LF */
        const char *cut = arena_copy(log->scratch.arena, first, len);

        parse(log, arena_printf(log->scratch.arena, "%s%s", cut, next));
        assert_int_equal(log->denials.damaged, 1);
        assert_int_equal(log->denials.count, 0);
        parse(log, arena_printf(log->scratch.arena, "%s%s\n%s", next, cut, next));
        assert_int_equal(log->denials.damaged, is_whole ? 0 : 1);
        assert_int_equal(log->denials.count, is_whole ? 2 : 1);
        assert_int_equal(denial_at(log, "name_connect", 9999)->count, 2);
    }
    log_free(log);
}

static void test_audit_a_system_call_cut_short_names_no_program(void **state)
{
    static const char call[] = CALL("100.000:1", "\"/usr/sbin/haproxy-other\"");
    struct log *log = log_new();

    (void)state;
    for (size_t len = strlen("type=SYSCALL "); len < sizeof call - strlen(" key=(null)\n"); len++) {
        parse(log, arena_printf(log->scratch.arena, "%s%.*s\n", CONNECT("100.000:1", "8888"),
                                (int)len, call));
        assert_int_equal(log->denials.damaged, 1);
        assert_int_equal(log->denials.count, 1); /* by its comm */
        assert_null(log->denials.at[0].exe);
    }
    log_free(log);
}

static void test_audit_what_is_no_record_is_told(void **state)
{
    static const char zeros[] =
        CONNECT("100.000:1", "8001") "\0\0\0\0" CONNECT("100.000:2", "8002");
    struct log *log = log_new();

    (void)state;
    parse_span(log, (struct span){zeros, sizeof zeros - 1});
    assert_int_equal(log->denials.damaged, 1);
    assert_int_equal(log->denials.count, 1);
    parse(log, "\xff\x01noise\n" CONNECT("100.000:1", "8001") "type=AVC msg=\n");
    assert_int_equal(log->denials.damaged, 2);
    assert_int_equal(log->denials.count, 1);
    /* whole, if not wanted */
    parse(log,
          CONNECT("100.000:1",
                  "8001") "\n"
                          "type=AVC msg=audit(100.000:2): apparmor=\"DENIED\" operation=\"open\"\n"
                          "node=lb02 " CONNECT(
                              "100.000:3",
                              "8002") "type=USER_LOGIN msg=audit(100.000:4): pid=1 uid=0 "
                                      "msg='op=login acct=\"\xc3\xa9\"'\n"
                                      "type=UNKNOWN[1334] msg=audit(100.000:5): prog-id=1 op=LOAD\n"
                                      "type=PROCTITLE msg=audit(100.000:1): "
                                      "proctitle=2F\x1dUID=\"root\"\n");
    assert_int_equal(log->denials.damaged, 0);
    assert_int_equal(log->denials.count, 1);
    log_free(log);
}

static void test_audit_recorded_logs_are_whole(void **state)
{
    static const char *const names[] = {"audit-connect.txt", "audit-bind.txt",
                                        "audit-permissive.txt", "audit-dac_override.txt"};
    struct log *log = log_new();

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        parse_span(log, fixture(log, names[i]));
        assert_int_equal(log->denials.damaged, i < 3 ? 0 : 1); /* a line of HAProxy's log */
    }
    log_free(log);
}

/* Whatever comes in: what goes out may be shown. */
static void check_shape(const struct log *log)
{
    assert_true(log->denials.count <= AUDIT_DENIALS_MAX);
    for (size_t i = 0; i < log->denials.count; i++) {
        const struct denial *denial = &log->denials.at[i];
        assert_true(denial->port <= 65535);
        assert_true(denial->count > 0);
        assert_true(denial->first <= denial->last);
        assert_true(escape_is_plain(span_of(denial->permission)));
        assert_true(escape_is_plain(span_of(denial->object)));
        assert_true(escape_is_plain(span_of(denial->source_type)));
        assert_true(escape_is_plain(span_of(denial->target_type)));
        assert_true(escape_is_plain(span_of(denial->comm)));
        assert_true(denial->exe == NULL || escape_is_plain(span_of(denial->exe)));
    }
}

static void test_audit_damaged_logs_give_plain_records_or_none(void **state)
{
    static const char *const names[] = {"audit-connect.txt", "audit-bind.txt",
                                        "audit-permissive.txt", "audit-dac_override.txt"};
    static const char bytes[] = {0, '\n', '\x1d', '\xff', '"', '{', '}', '=', ' ', ':', '\'', ','};
    struct log *log = log_new();
    uint64_t random = 88172645463325252u;
    size_t found = 0;

    (void)state;
    for (size_t round = 0; round < 4000; round++) {
        struct log *one = log_new();
        struct span from = fixture(one, names[round % 4]);
        char *text = arena_copy(one->scratch.arena, from.ptr, from.len);
        for (size_t i = 0; i <= round % 7; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text[random % from.len] =
                round % 3 == 0 ? (char)(random >> 32) : bytes[(random >> 32) % sizeof bytes];
        }
        size_t start = round % 5 == 0 ? random % from.len : 0;
        parse_span(one, (struct span){text + start, from.len - start});
        check_shape(one);
        found += one->denials.count;
        log_free(one);
    }
    assert_true(found > 4000); /* most of a damaged log is still read */
    log_free(log);
}

/* ---- the log's files ---- */

static struct span read_log(struct log *log, size_t max, struct err *err)
{
    struct span text = {NULL, 0};
    struct host *host CLEANUP_HOST = NULL;

    assert_int_equal(host_open(log->scratch.path, &host, err), 0);
    if (audit_read_log(host, max, log->scratch.arena, &text, err) < 0)
        return (struct span){NULL, 0};
    return text;
}

static void make_dirs(struct log *log)
{
    assert_int_equal(mkdirat(log->scratch.dir, "var", 0755), 0);
    assert_int_equal(mkdirat(log->scratch.dir, "var/log", 0755), 0);
    assert_int_equal(mkdirat(log->scratch.dir, "var/log/audit", 0700), 0);
    assert_int_equal(mkdirat(log->scratch.dir, "etc", 0755), 0);
    assert_int_equal(mkdirat(log->scratch.dir, "etc/audit", 0755), 0);
}

static void test_audit_no_log_is_unsupported_and_says_why(void **state)
{
    struct log *log = log_new();
    struct err err = {0};

    (void)state;
    assert_null(read_log(log, 1000, &err).ptr);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "auditd is not installed"));
    log_free(log);
}

static void test_audit_rotated_logs_come_oldest_first_and_are_bounded(void **state)
{
    struct log *log = log_new();
    struct err err = {0};

    (void)state;
    make_dirs(log);
    scratch_write(&log->scratch, "var/log/audit/audit.log", "newest1\nnewest2\n");
    scratch_write(&log->scratch, "var/log/audit/audit.log.1", "middle1\nmiddle2\n");
    scratch_write(&log->scratch, "var/log/audit/audit.log.2", "oldest1\noldest2\n");
    assert_true(span_is(read_log(log, 1000, &err), "oldest1\noldest2\nmiddle1\nmiddle2\n"
                                                   "newest1\nnewest2\n"));
    assert_true(span_is(read_log(log, 27, &err), "middle2\nnewest1\nnewest2\n"));
    assert_true(span_is(read_log(log, 16, &err), "newest1\nnewest2\n"));
    assert_true(span_is(read_log(log, 12, &err), "newest2\n"));
    assert_true(span_is(read_log(log, 3, &err), ""));
    log_free(log);
}

/* What auditd is writing just now is in the newest file: nothing finishes it in an older one. */
static void test_audit_a_rotated_log_that_ends_unfinished_is_told(void **state)
{
    static const char cut[] =
        "type=AVC msg=audit(100.000:2): avc:  denied  { name_connect } for  pid=3";
    struct log *log = log_new();
    struct host *host CLEANUP_HOST = NULL;
    struct err err = {0};

    (void)state;
    make_dirs(log);
    assert_int_equal(host_open(log->scratch.path, &host, &err), 0);
    scratch_write(&log->scratch, "var/log/audit/audit.log.1",
                  arena_printf(log->scratch.arena, "%s%s", CONNECT("100.000:1", "8001"), cut));
    scratch_write(&log->scratch, "var/log/audit/audit.log",
                  arena_printf(log->scratch.arena, "%s%s", CONNECT("100.000:3", "8003"), cut));
    assert_int_equal(audit_read(host, PROGRAM, "lb01", log->scratch.arena, &log->denials, &err), 0);
    assert_int_equal(log->denials.damaged, 1);
    assert_int_equal(log->denials.count, 2);
    assert_int_equal(denial_at(log, "name_connect", 8001)->count, 1);
    assert_int_equal(denial_at(log, "name_connect", 8003)->count, 1);
    /* also one that would be of no interest if it were whole */
    scratch_write(&log->scratch, "var/log/audit/audit.log.1",
                  CONNECT("100.000:1", "8001") "type=PROCTITLE msg=audit(100.000:1): proctitle=2F");
    assert_int_equal(audit_read(host, PROGRAM, "lb01", log->scratch.arena, &log->denials, &err), 0);
    assert_int_equal(log->denials.damaged, 1);
    assert_int_equal(log->denials.count, 2);
    scratch_write(&log->scratch, "var/log/audit/audit.log.1", CONNECT("100.000:1", "8001"));
    assert_int_equal(audit_read(host, PROGRAM, "lb01", log->scratch.arena, &log->denials, &err), 0);
    assert_int_equal(log->denials.damaged, 0);
    log_free(log);
}

static void test_audit_log_stands_where_auditd_is_told_to_write(void **state)
{
    struct log *log = log_new();
    struct err err = {0};

    (void)state;
    make_dirs(log);
    scratch_write(&log->scratch, "etc/audit/auditd.conf",
                  "# where\nlog_file = relative\nlog_file = /var/log/other.log\nnum_logs = 5\n");
    scratch_write(&log->scratch, "var/log/other.log", "line\n");
    scratch_write(&log->scratch, "var/log/audit/audit.log", "stale\n");
    assert_true(span_is(read_log(log, 1000, &err), "line\n"));
    log_free(log);
}

static void test_audit_a_directory_or_pipe_for_a_log_is_refused(void **state)
{
    struct log *log = log_new();
    struct err err = {0};

    (void)state;
    make_dirs(log);
    assert_int_equal(mkdirat(log->scratch.dir, "var/log/audit/audit.log", 0755), 0);
    assert_null(read_log(log, 1000, &err).ptr);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(unlinkat(log->scratch.dir, "var/log/audit/audit.log", AT_REMOVEDIR), 0);
    assert_int_equal(mkfifoat(log->scratch.dir, "var/log/audit/audit.log", 0600), 0);
    assert_null(read_log(log, 1000, &err).ptr);
    assert_int_equal(err.kind, ERR_INPUT);
    log_free(log);
}

static void test_audit_read_of_a_tree_finds_its_denials(void **state)
{
    struct log *log = log_new();
    struct host *host CLEANUP_HOST = NULL;
    struct err err = {0};

    (void)state;
    make_dirs(log);
    scratch_write(&log->scratch, "var/log/audit/audit.log", CONNECT("100.000:1", "8888"));
    assert_int_equal(host_open(log->scratch.path, &host, &err), 0);
    assert_int_equal(audit_read(host, PROGRAM, "lb01", log->scratch.arena, &log->denials, &err), 0);
    assert_int_equal(denial_at(log, "name_connect", 8888)->count, 1);
    log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit_recorded_connects_are_one_each_with_their_count),
        cmocka_unit_test(test_audit_recorded_bind_has_its_program),
        cmocka_unit_test(test_audit_recorded_decoys_are_told_apart),
        cmocka_unit_test(test_audit_another_program_of_that_name_is_left_out),
        cmocka_unit_test(test_audit_the_name_alone_counts_where_no_program_is_told),
        cmocka_unit_test(test_audit_the_domain_is_told_as_it_was),
        cmocka_unit_test(test_audit_records_of_another_host_are_left_out),
        cmocka_unit_test(test_audit_events_that_mix_find_their_system_call),
        cmocka_unit_test(test_audit_many_events_of_one_moment_are_all_counted),
        cmocka_unit_test(test_audit_several_permissions_are_several_denials),
        cmocka_unit_test(test_audit_granted_and_kernel_noise_are_no_denials),
        cmocka_unit_test(test_audit_a_ports_number_is_checked),
        cmocka_unit_test(test_audit_names_that_are_none_are_left_out),
        cmocka_unit_test(test_audit_a_hostile_path_is_escaped),
        cmocka_unit_test(test_audit_more_distinct_ones_than_are_kept_drop_the_oldest),
        cmocka_unit_test(test_audit_a_line_too_long_is_left_out),
        cmocka_unit_test(test_audit_a_line_without_its_end_is_still_being_written),
        cmocka_unit_test(test_audit_a_record_cut_in_the_middle_is_told),
        cmocka_unit_test(test_audit_a_system_call_cut_short_names_no_program),
        cmocka_unit_test(test_audit_what_is_no_record_is_told),
        cmocka_unit_test(test_audit_recorded_logs_are_whole),
        cmocka_unit_test(test_audit_damaged_logs_give_plain_records_or_none),
        cmocka_unit_test(test_audit_no_log_is_unsupported_and_says_why),
        cmocka_unit_test(test_audit_rotated_logs_come_oldest_first_and_are_bounded),
        cmocka_unit_test(test_audit_a_rotated_log_that_ends_unfinished_is_told),
        cmocka_unit_test(test_audit_log_stands_where_auditd_is_told_to_write),
        cmocka_unit_test(test_audit_a_directory_or_pipe_for_a_log_is_refused),
        cmocka_unit_test(test_audit_read_of_a_tree_finds_its_denials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
