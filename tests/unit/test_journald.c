/* The journal that is read here is made by systemd-journal-remote from its export format. */
#include <spawn.h>
#include <sys/wait.h>

#include "plans/base/text.h"
#include "remediations/host/audit.h"
#include "remediations/host/journald.h"
#include "tests/unit/scratch.h"

extern char **environ;

static const char *const converters[] = {"/lib/systemd/systemd-journal-remote",
                                         "/usr/lib/systemd/systemd-journal-remote"};

struct made {
    struct scratch scratch;
    struct host *host;
    struct text exported;
    const char *directory;
    int64_t next;
};

#define MADE_START INT64_C(1795336000)

static int set_up(void **state)
{
    struct made *made = calloc(1, sizeof *made);

    assert_non_null(made);
    scratch_open(&made->scratch);
    struct err err = {0};
    assert_int_equal(host_open(NULL, &made->host, &err), 0);
    made->exported = text_new(made->scratch.arena);
    made->directory = arena_printf(made->scratch.arena, "%s/journal", made->scratch.path);
    assert_int_equal(mkdir(made->directory, 0755), 0);
    made->next = MADE_START;
    *state = made;
    return 0;
}

static int tear_down(void **state)
{
    struct made *made = *state;

    host_close(made->host);
    scratch_close(&made->scratch);
    free(made);
    return 0;
}

/* One entry a second; `fields` are lines. */
static void add(struct made *made, const char *fields, const char *message)
{
    text_addf(&made->exported,
              "__REALTIME_TIMESTAMP=%jd000000\n__MONOTONIC_TIMESTAMP=%jd000000\n"
              "_BOOT_ID=0123456789abcdef0123456789abcdef\n"
              "_MACHINE_ID=0123456789abcdef0123456789abcdef\n%sMESSAGE=%s\n\n",
              (intmax_t)made->next, (intmax_t)(made->next - MADE_START + 1), fields, message);
    made->next++;
}

#define OF_UNIT                                                                                    \
    "_TRANSPORT=stdout\n_SYSTEMD_UNIT=haproxy.service\n_PID=333\n_UID=0\nSYSLOG_IDENTIFIER="       \
    "haproxy\n"

static void make(struct made *made)
{
    struct arena *arena = made->scratch.arena;
    const char *export = arena_printf(arena, "%s/export", made->scratch.path);
    const char *output = arena_printf(arena, "%s/system.journal", made->directory);
    struct span bytes = text_span(&made->exported);
    size_t which = access(converters[0], X_OK) == 0 ? 0 : 1;
    char *const argv[] = {arena_string(arena, converters[which]), arena_string(arena, "-o"),
                          arena_string(arena, output), arena_string(arena, export), NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int status = -1;
    FILE *file = fopen(export, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawn(&pid, argv[0], &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static struct journald_query query_of(const struct made *made)
{
    (void)made;
    return (struct journald_query){.unit = "haproxy.service",
                                   .deadline_ms = 60000,
                                   .max_count = JOURNALD_COUNT_MAX,
                                   .max_bytes = JOURNALD_BYTES_MAX};
}

static struct journald_list read_list(struct made *made, const struct journald_query *query)
{
    struct journald_files files = {0};
    struct journald_list list = {0};
    struct err err = {0};

    if (journald_open(made->host, made->directory, &files, &err) < 0 ||
        journald_read(&files, query, made->scratch.arena, &list, &err) < 0)
        fail_msg("%s", err.text);
    /* Still ours to close, and still open. */
    assert_int_equal(files.count, 1);
    assert_true(fcntl(files.fd[0], F_GETFD) >= 0);
    journald_close(&files);
    return list;
}

static void test_read_only_what_the_unit_and_systemd_said_in_order(void **state)
{
    struct made *made = *state;
    struct journald_query query = query_of(made);

    add(made, OF_UNIT, "[NOTICE]   (333) : New worker (339) forked");
    add(made,
        "_TRANSPORT=syslog\n_SYSTEMD_UNIT=ssh.service\n_PID=5\n_UID=0\nSYSLOG_IDENTIFIER=haproxy\n",
        "of another unit");
    add(made,
        "_TRANSPORT=journal\n_PID=1\n_UID=0\nSYSLOG_IDENTIFIER=systemd\nUNIT=haproxy.service\n",
        "haproxy.service: Main process exited, code=killed, status=9/KILL");
    add(made,
        "_TRANSPORT=journal\n_PID=77\n_UID=1000\nSYSLOG_IDENTIFIER=systemd\nUNIT=haproxy.service\n",
        "forged: not of PID 1");
    add(made, OF_UNIT, "[ALERT]    (333) : Loading failure!");
    make(made);
    struct journald_list list = read_list(made, &query);
    assert_int_equal(list.count, 3);
    assert_false(list.cut);
    assert_true(span_is(list.at[0].text, "[NOTICE]   (333) : New worker (339) forked"));
    assert_int_equal(list.at[0].pid, 333);
    assert_int_equal(list.at[0].time, MADE_START * 1000000);
    assert_false(list.at[0].of_systemd);
    assert_true(list.at[1].of_systemd);
    assert_true(span_is(list.at[2].text, "[ALERT]    (333) : Loading failure!"));
}

/* Traffic is logged under the same unit, and there may be any amount of it. */
static void test_read_traffic_is_neither_output_nor_urgent(void **state)
{
    struct made *made = *state;
    struct journald_query query = query_of(made);

    add(made,
        "_TRANSPORT=syslog\n_SYSTEMD_UNIT=haproxy.service\n_PID=339\n_UID=99\nPRIORITY=6\n"
        "SYSLOG_IDENTIFIER=haproxy\n",
        "10.0.0.1:4711 [22/Nov/2026:08:39:17.123] f b/s 0/0/0/1/1 200 99 - - ---- 1/1/0/0/0 0/0 "
        "\"GET / HTTP/1.1\"");
    add(made,
        "_TRANSPORT=syslog\n_SYSTEMD_UNIT=haproxy.service\n_PID=339\n_UID=99\nPRIORITY=0\n"
        "SYSLOG_IDENTIFIER=haproxy\n",
        "Proxy f reached system FD limit (maxsock=99). Please check system tunables.");
    add(made, OF_UNIT, "[NOTICE]   (333) : Loading success.");
    make(made);
    struct journald_list list = read_list(made, &query);
    assert_int_equal(list.count, 1);
    assert_true(span_is(list.at[0].text, "[NOTICE]   (333) : Loading success."));
    query.of = JOURNALD_URGENT;
    list = read_list(made, &query);
    assert_int_equal(list.count, 1);
    assert_true(span_starts_with(list.at[0].text, "Proxy f reached system FD limit"));
    assert_int_equal(list.at[0].pid, 339);
}

static void test_read_a_tag_counts_with_roots_user_id_alone(void **state)
{
    struct made *made = *state;
    struct journald_query query = query_of(made);

    query.unit = NULL;
    query.tag = "haproxy";
    add(made, "_TRANSPORT=stdout\n_PID=40\n_UID=0\nSYSLOG_IDENTIFIER=haproxy\n", "root's");
    add(made, "_TRANSPORT=stdout\n_PID=41\n_UID=1000\nSYSLOG_IDENTIFIER=haproxy\n", "a user's");
    make(made);
    struct journald_list list = read_list(made, &query);
    assert_int_equal(list.count, 1);
    assert_true(span_is(list.at[0].text, "root's"));
}

static void test_read_the_newest_stay_within_the_bounds(void **state)
{
    struct made *made = *state;
    struct journald_query query = query_of(made);

    for (int i = 0; i < 50; i++)
        add(made, OF_UNIT, arena_printf(made->scratch.arena, "line %02d", i));
    make(made);
    query.max_count = 7;
    struct journald_list list = read_list(made, &query);
    assert_int_equal(list.count, 7);
    assert_true(list.cut);
    assert_true(span_is(list.at[0].text, "line 43"));
    assert_true(span_is(list.at[6].text, "line 49"));
    query.max_count = JOURNALD_COUNT_MAX;
    query.max_bytes = 7 * 3;
    list = read_list(made, &query);
    assert_int_equal(list.count, 3);
    assert_true(list.cut);
    query.max_bytes = JOURNALD_BYTES_MAX;
    query.since = MADE_START + 48;
    list = read_list(made, &query);
    assert_int_equal(list.count, 2);
    assert_false(list.cut);
}

static void test_read_a_long_text_is_cut_and_binary_ones_are_kept(void **state)
{
    struct made *made = *state;
    struct journald_query query = query_of(made);
    char *text = arena_alloc(made->scratch.arena, 100001);

    memset(text, 'x', 100000);
    add(made, OF_UNIT, text);
    add(made, OF_UNIT, "esc \x1b[31m \x80\xff");
    make(made);
    struct journald_list list = read_list(made, &query);
    assert_int_equal(list.count, 2);
    assert_true(list.at[0].text.len <= JOURNALD_TEXT_MAX);
    assert_true(list.at[0].text.len > JOURNALD_TEXT_MAX / 2);
    assert_true(span_is(list.at[1].text, "esc \x1b[31m \x80\xff"));
}

static void test_read_audit_records_stand_as_in_auditds_log(void **state)
{
    struct made *made = *state;
    struct journald_query query = query_of(made);
    struct denials denials = {0};
    struct err err = {0};
    struct text log = text_new(made->scratch.arena);

    query.unit = NULL;
    query.of = JOURNALD_AUDIT;
    add(made,
        "_TRANSPORT=audit\n_AUDIT_TYPE=1400\n_AUDIT_TYPE_NAME=AVC\n_AUDIT_ID=45\n"
        "_SOURCE_REALTIME_TIMESTAMP=1795336000123000\n",
        "AVC avc:  denied  { name_connect } for  pid=380 comm=\"haproxy\" dest=8888 "
        "scontext=system_u:system_r:haproxy_t:s0 tcontext=system_u:object_r:unreserved_port_t:s0 "
        "tclass=tcp_socket permissive=0");
    add(made,
        "_TRANSPORT=audit\n_AUDIT_TYPE=1131\n_AUDIT_TYPE_NAME=SERVICE_STOP\n_AUDIT_ID=46\n"
        "_SOURCE_REALTIME_TIMESTAMP=1795336001123000\n",
        "SERVICE_STOP pid=1 uid=0");
    add(made, "_TRANSPORT=kernel\nSYSLOG_IDENTIFIER=kernel\n",
        "audit: type=1400 audit(1795336002.500:47): avc:  denied  { name_bind } for  pid=381 "
        "comm=\"haproxy\" src=8404 scontext=system_u:system_r:haproxy_t:s0 "
        "tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket permissive=0");
    add(made, "_TRANSPORT=kernel\nSYSLOG_IDENTIFIER=kernel\n", "eth0: link is up");
    add(made, "_TRANSPORT=syslog\n_UID=1000\nSYSLOG_IDENTIFIER=kernel\n",
        "audit: type=1400 audit(1795336003.500:48): avc:  denied  { name_bind } for forged");
    make(made);
    struct journald_list list = read_list(made, &query);
    assert_int_equal(list.count, 2);
    assert_true(
        span_starts_with(list.at[0].text, "type=AVC msg=audit(1795336000.123:45): avc:  denied"));
    assert_true(
        span_starts_with(list.at[1].text, "type=AVC msg=audit(1795336002.500:47): avc:  denied"));
    for (size_t i = 0; i < list.count; i++) {
        text_add_span(&log, list.at[i].text);
        text_add(&log, "\n");
    }
    assert_int_equal(audit_parse(text_span(&log), "/usr/sbin/haproxy", "lb01", made->scratch.arena,
                                 &denials, &err),
                     0);
    assert_int_equal(denials.count, 2);
    assert_int_equal(denials.at[0].port, 8888);
    assert_string_equal(denials.at[0].permission, "name_connect");
    assert_int_equal(denials.at[1].port, 8404);
    assert_int_equal(denials.at[1].last, 1795336002);
}

static void test_read_a_file_cut_short_gives_no_wrong_answer(void **state)
{
    struct made *made = *state;
    struct journald_query query = query_of(made);
    const char *path = arena_printf(made->scratch.arena, "%s/system.journal", made->directory);

    for (int i = 0; i < 50; i++)
        add(made, OF_UNIT, "line");
    make(made);
    for (off_t len = 8192; len >= 0; len -= 1024) {
        struct journald_files files = {0};
        struct journald_list list = {0};
        struct err err = {0};

        assert_int_equal(truncate(path, len), 0);
        if (journald_open(made->host, made->directory, &files, &err) < 0) {
            assert_int_equal(err.kind, ERR_UNSUPPORTED);
            assert_int_equal(len, 0);
            break;
        }
        int done = journald_read(&files, &query, made->scratch.arena, &list, &err);
        journald_close(&files);
        if (done < 0) {
            assert_int_equal(err.kind, ERR_SYS);
            continue;
        }
        assert_true(list.count <= 50);
        for (size_t i = 0; i < list.count; i++)
            assert_true(span_is(list.at[i].text, "line"));
    }
}

static void test_open_where_there_is_none_is_unsupported(void **state)
{
    struct made *made = *state;
    struct journald_files files = {0};
    struct err err = {0};

    assert_int_equal(journald_open(made->host, made->directory, &files, &err), -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    err = (struct err){0};
    made->host->live = false;
    assert_int_equal(journald_open(made->host, NULL, &files, &err), -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
}

static void test_open_takes_the_systems_own_files_and_the_newest_of_them(void **state)
{
    struct made *made = *state;
    struct scratch *scratch = &made->scratch;
    struct journald_files files = {0};
    struct err err = {0};

    for (int i = 0; i < JOURNALD_FILES_MAX + 3; i++) {
        const char *name = arena_printf(scratch->arena, "journal/system@%d.journal", i);
        struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};

        scratch_write(scratch, name, "x");
        assert_int_equal(utimensat(scratch->dir, name, times, 0), 0);
    }
    scratch_write(scratch, "journal/user-1000.journal", "x");
    scratch_write(scratch, "journal/system.journal.note", "x");
    assert_int_equal(symlinkat("/etc/passwd", scratch->dir, "journal/system@link.journal"), 0);
    assert_int_equal(journald_open(made->host, made->directory, &files, &err), 0);
    assert_int_equal(files.count, JOURNALD_FILES_MAX);
    for (size_t i = 0; i < files.count; i++)
        assert_in_range(files.written[i], 1003, 1000 + JOURNALD_FILES_MAX + 2);
    journald_close(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read_only_what_the_unit_and_systemd_said_in_order,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_traffic_is_neither_output_nor_urgent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_read_a_tag_counts_with_roots_user_id_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_read_the_newest_stay_within_the_bounds, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_read_a_long_text_is_cut_and_binary_ones_are_kept,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_audit_records_stand_as_in_auditds_log, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_read_a_file_cut_short_gives_no_wrong_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open_where_there_is_none_is_unsupported, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_open_takes_the_systems_own_files_and_the_newest_of_them, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
