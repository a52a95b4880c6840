#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agent/logs/message.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/fixture.h"

static void assert_span(struct span seen, const char *string)
{
    if (!span_is(seen, string))
        fail_msg("'%.*s' is not '%s'", (int)seen.len, seen.ptr == NULL ? "" : seen.ptr, string);
}

static struct log_message classify(const char *text)
{
    struct log_message message = {0};

    if (!log_message_classify(span_of(text), &message))
        fail_msg("not classified: %s", text);
    return message;
}

static void assert_kind(const char *text, enum log_message_kind kind)
{
    struct log_message message = classify(text);

    if (message.kind != kind)
        fail_msg("%s: %s, not %s", text, log_message_word(message.kind), log_message_word(kind));
}

/* ---- recorded ---- */

/* What was tried, and what came of it. */
static const struct bind_want {
    const char *proxy, *address, *reason;
    int error;
    uint32_t port;
    uint64_t line;
} bind_wants[] = {
    {"fe", "127.0.0.1:9001", "Address already in use", EADDRINUSE, 9001, 7},
    {"fe2", "203.0.113.77:80", "Cannot assign requested address", EADDRNOTAVAIL, 80, 9},
    {"fe4", "0.0.0.0:80", "Permission denied", EACCES, 80, 13},
    {"l3", "/nonexistent/x.sock", "No such file or directory", ENOENT, 0, 11},
};

/* Gives which one it is. */
static size_t assert_bind(const struct log_message *message, bool has_place, bool has_reason)
{
    size_t at = 0;

    while (!span_is(message->proxy, bind_wants[at].proxy))
        assert_true(++at < sizeof bind_wants / sizeof *bind_wants);
    const struct bind_want *want = &bind_wants[at];
    assert_int_equal(message->level, LOG_LEVEL_ALERT);
    assert_span(message->address, want->address);
    assert_span(message->reason, has_reason ? want->reason : "");
    assert_int_equal(message->error, has_reason ? want->error : 0);
    assert_int_equal(message->port, want->port);
    assert_span(message->file, has_place ? "bind.cfg" : "");
    assert_int_equal(message->line, has_place ? want->line : 0);
    return at;
}

/* 2.2 does not say why; from 3.1 on a worker tells it, and its master that it is gone. */
static void test_classify_recorded_bind_errors_of_every_version_name_address_and_errno(void **state)
{
    static const struct {
        const char *version;
        bool has_place, has_reason;
        size_t last_words, writers;
    } versions[] = {
        {"2.2.9-deb11u6", false, false, 0, 1}, {"2.4.0", false, true, 1, 1},
        {"2.6.12-deb12u4", true, true, 1, 1},  {"2.8.0", true, true, 1, 1},
        {"3.0.0", true, true, 1, 1},           {"3.0.11-deb13u4", true, true, 1, 1},
        {"3.2.26", true, true, 1, 2},
    };

    (void)state;
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span text = haproxy_fixture(arena, versions[v].version, "stderr_bind_errors.txt"),
                    line;
        size_t seen[sizeof bind_wants / sizeof *bind_wants] = {0};
        size_t failed = 0, told = 0, gone = 0;

        while (span_next_line(&text, &line)) {
            struct log_message message = {0};

            assert_true(log_message_classify(line, &message));
            assert_true(message.writer > 0);
            failed += message.kind == LOG_MESSAGE_LISTENERS_FAILED;
            told += message.kind == LOG_MESSAGE_VERSION;
            gone += message.kind == LOG_MESSAGE_LOADING_FAILURE && message.code == 1;
            if (message.kind != LOG_MESSAGE_BIND_FAILED)
                continue;
            seen[assert_bind(&message, versions[v].has_place, versions[v].has_reason)]++;
        }
        for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
            assert_int_equal(seen[i], 1);
        assert_int_equal(failed, versions[v].last_words);
        assert_int_equal(told, versions[v].writers);
        assert_int_equal(gone, versions[v].writers - 1);
    }
}

/* With strict-limits HAProxy tells the limit that it had, else the one that it took. */
static void test_classify_recorded_limits_tell_what_was_asked_and_what_there_is(void **state)
{
    static const struct {
        const char *version;
        int64_t strict_limit;
    } versions[] = {{"2.2.9-deb11u6", 1024}, {"2.4.0", 20000}, {"2.6.12-deb12u4", 20000},
                    {"2.8.0", 20000},        {"3.0.0", 20000}, {"3.0.11-deb13u4", 1024},
                    {"3.2.26", 1024}};
    static const char *const names[] = {"stderr_fdlimit_strict.txt", "stderr_fdlimit_nostrict.txt"};

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof versions / sizeof *versions); i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span text = haproxy_fixture(arena, versions[i / 2].version, names[i % 2]), line;
        size_t raised = 0, low = 0, version = 0;

        while (span_next_line(&text, &line)) {
            struct log_message message = {0};

            assert_true(log_message_classify(line, &message));
            raised += message.kind == LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT;
            low += message.kind == LOG_MESSAGE_FD_LIMIT_TOO_LOW;
            version += message.kind == LOG_MESSAGE_VERSION;
            if (message.kind == LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT) {
                assert_int_equal(message.need, 200028);
                assert_int_equal(message.limit, i % 2 == 0 ? versions[i / 2].strict_limit : 20000);
                assert_int_equal(message.level, i % 2 == 0 ? LOG_LEVEL_ALERT : LOG_LEVEL_WARNING);
            }
            if (message.kind == LOG_MESSAGE_FD_LIMIT_TOO_LOW) {
                assert_int_equal(message.need, 200028);
                assert_int_equal(message.limit, 20000);
            }
        }
        assert_int_equal(raised, 1);
        assert_int_equal(low, i % 2);
        assert_int_equal(version, 1);
    }
}

static void test_classify_recorded_checks_tell_why_a_server_is_down(void **state)
{
    static const struct {
        const char *version, *garbage, *close_info, *reset_info;
    } versions[] = {
        {"2.2.9-deb11u6", "Layer7 invalid response", "TCPCHK got an empty response at step 1",
         "Connection reset by peer"},
        {"2.6.12-deb12u4", "Layer7 invalid response", "", "Connection reset by peer"},
        {"2.8.0", "Layer7 timeout", "", "Connection reset by peer"},
        {"3.0.0", "Layer7 timeout", "", "Connection reset by peer"},
        {"3.0.11-deb13u4", "Layer7 timeout", "",
         "ECONNRESET returned by OS (Connection reset by peer)"},
        {"3.2.26", "Socket error", "", "ECONNRESET returned by OS (Connection reset by peer)"},
    };

    (void)state;
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span text = haproxy_fixture(arena, versions[v].version, "checks.log"), line;
        size_t down = 0, none = 0, refused = 0, codes = 0, resets = 0;

        while (span_next_line(&text, &line)) {
            struct log_message message = {0};
            const char *behind = memmem(line.ptr, line.len, "]: ", 3);

            assert_non_null(behind);
            line.len -= (size_t)(behind + 3 - line.ptr);
            line.ptr = behind + 3;
            assert_true(log_message_classify(line, &message));
            none += message.kind == LOG_MESSAGE_NO_SERVER_AVAILABLE;
            if (message.kind != LOG_MESSAGE_SERVER_DOWN)
                continue;
            down++;
            assert_true(message.reason.len > 0);
            assert_true(message.active >= 0);
            assert_int_equal(message.backups, 0);
            refused += message.error == ECONNREFUSED;
            codes += message.code == 500;
            if (span_is(message.server, "s500")) {
                assert_span(message.proxy, "h");
                assert_span(message.reason, "Layer7 wrong status");
                assert_span(message.info, "ISE");
            }
            if (span_is(message.server, "garbage"))
                assert_span(message.reason, versions[v].garbage);
            if (span_is(message.server, "close"))
                assert_span(message.info, versions[v].close_info);
            if (span_is(message.server, "rst"))
                assert_span(message.info, versions[v].reset_info);
            resets += message.error == ECONNRESET;
            if (span_is(message.server, "slow"))
                assert_span(message.reason, "Layer7 timeout");
        }
        assert_int_equal(none, 2);
        assert_int_equal(refused, 4);
        assert_int_equal(codes, 1);
        assert_int_equal(resets, 1);
        assert_true(down >= 11);
    }
}

/* ---- texts of other versions ---- */

static void test_classify_old_header_and_old_texts_are_read(void **state)
{
    struct log_message message;

    (void)state;
    message = classify(
        "[ALERT] 325/082200 (16138) : Starting frontend F: cannot bind socket [0.0.0.0:80]");
    assert_int_equal(message.kind, LOG_MESSAGE_BIND_FAILED);
    assert_int_equal(message.writer, 16138);
    assert_int_equal(message.error, 0);
    assert_int_equal(message.port, 80);
    assert_span(message.proxy, "F");
    message = classify(
        "[ALERT]    (1) : Binding [/etc/haproxy/a b.cfg:7] for proxy a:b.c: protocol tcpv6: cannot "
        "bind socket (Address already in use) for [:::443].");
    assert_span(message.file, "/etc/haproxy/a b.cfg");
    assert_int_equal(message.line, 7);
    assert_span(message.proxy, "a:b.c");
    assert_span(message.address, ":::443");
    assert_int_equal(message.port, 443);
    message = classify(
        "Starting [x.cfg:3] for frontend f: cannot listen to socket: (Address already in use) for "
        "[10.0.0.1:80]");
    assert_int_equal(message.kind, LOG_MESSAGE_LISTEN_FAILED);
    assert_int_equal(message.error, EADDRINUSE);
    assert_int_equal(message.line, 3);
    message = classify(
        "[ALERT] (7) : Binding [b.cfg:9] for frontend GLOBAL: cannot bind UNIX socket (already in "
        "use) [/run/x.sock]");
    assert_int_equal(message.error, EADDRINUSE);
    assert_span(message.address, "/run/x.sock");
    message = classify("[ALERT]    (9) : [haproxy.main()] Cannot raise FD limit to 200028, current "
                       "limit is 1024 and "
                       "hard limit is 20000. You may prefer ...");
    assert_int_equal(message.need, 200028);
    assert_int_equal(message.limit, 20000);
    message = classify("Server app/s1 is DOWN, reason: Layer4 connection problem, info: "
                       "\"ECONNREFUSED returned by OS "
                       "(Connection refused)\", check duration: 0ms. 0 active and 1 backup servers "
                       "left. Running on "
                       "backup. 0 sessions active, 0 requeued, 0 remaining in queue.");
    assert_int_equal(message.error, ECONNREFUSED);
    assert_int_equal(message.active, 0);
    assert_int_equal(message.backups, 1);
}

static void test_classify_each_form_gives_its_kind(void **state)
{
    static const struct {
        const char *text;
        enum log_message_kind kind;
    } texts[] = {
        {"Server h/a is DOWN. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 "
         "remaining in queue.",
         LOG_MESSAGE_SERVER_DOWN},
        {"Backup Server h/a is UP. 1 active and 1 backup servers online. 0 sessions requeued, 0 "
         "total in queue.",
         LOG_MESSAGE_SERVER_UP},
        {"Server h/a is DOWN via t/u. 0 active and 0 backup servers left.",
         LOG_MESSAGE_SERVER_DOWN},
        {"Server h/a is stopping. 0 active", LOG_MESSAGE_SERVER_STOPPING},
        {"Server h/a is going DOWN for maintenance. 0 active", LOG_MESSAGE_SERVER_MAINTENANCE},
        {"Server h/a was DOWN and now enters maintenance (DNS NX status).",
         LOG_MESSAGE_SERVER_MAINTENANCE},
        {"Server h/a ('app.example') is UP/READY (resolves again).",
         LOG_MESSAGE_SERVER_MAINTENANCE},
        {"Server h/a is UP/READY (leaving forced maintenance).", LOG_MESSAGE_SERVER_MAINTENANCE},
        {"Server h/a administratively READY thanks to valid DNS answer.",
         LOG_MESSAGE_SERVER_MAINTENANCE},
        {"Health check for server h/a failed, reason: Layer4 timeout, check duration: 500ms, "
         "status: 0/2 DOWN.",
         LOG_MESSAGE_CHECK_FAILED},
        {"Health check for backup server h/a conditionally succeeded, reason: Layer7 check "
         "conditionally passed, "
         "code: 404, check duration: 1ms, status: 3/3 DRAIN.",
         LOG_MESSAGE_CHECK_SUCCEEDED},
        {"backend b has no server available!", LOG_MESSAGE_NO_SERVER_AVAILABLE},
        {"[ALERT]    (4) : proxy 'l' has no server available!", LOG_MESSAGE_NO_SERVER_AVAILABLE},
        {"Proxy f reached process FD limit (maxsock=99). Please check 'ulimit-n' and restart.",
         LOG_MESSAGE_FD_LIMIT_PROCESS},
        {"Proxy f reached system FD limit (actconn=7). Please check system tunables.",
         LOG_MESSAGE_FD_LIMIT_SYSTEM},
        {"Proxy f reached system memory limit (maxsock=99). Please check system tunables.",
         LOG_MESSAGE_MEMORY_LIMIT},
        {"Connect() failed for backend b: no free ports.", LOG_MESSAGE_NO_FREE_PORTS},
        {"Connect() failed for backend b: local address already in use.",
         LOG_MESSAGE_LOCAL_ADDRESS_IN_USE},
        {"Cannot bind to source address before connect() for backend b. Aborting.",
         LOG_MESSAGE_CANNOT_BIND_SOURCE},
        {"socket(): not enough free sockets. Raise -n argument. Giving up.",
         LOG_MESSAGE_NO_FREE_SOCKETS},
        {"Proxy f has insufficient permissions to open server socket.",
         LOG_MESSAGE_CANNOT_CREATE_SOCKET},
        {"[NOTICE]   (1) : New worker (22) forked", LOG_MESSAGE_WORKER_STARTED},
        {"[NOTICE]   (1) : New worker #1 (22) forked", LOG_MESSAGE_WORKER_STARTED},
        {"[NOTICE]   (1) : Loading success.", LOG_MESSAGE_LOADING_SUCCESS},
        {"[ALERT]    (1) : Loading failure!", LOG_MESSAGE_LOADING_FAILURE},
        {"[WARNING]  (1) : Reexecuting Master process in waitpid mode",
         LOG_MESSAGE_LOADING_FAILURE},
        {"[WARNING]  (1) : Failed to load worker (33) exited with code 1 (Exit)",
         LOG_MESSAGE_LOADING_FAILURE},
        {"[WARNING]  (1) : All workers exited. Exiting... (137)", LOG_MESSAGE_WORKERS_GONE},
        {"Paused frontend f.", LOG_MESSAGE_PROXY_PAUSED},
        {"Resumed frontend f.", LOG_MESSAGE_PROXY_RESUMED},
        {"Proxy f stopped (cumulated conns: FE: 3, BE: 0).", LOG_MESSAGE_PROXY_STOPPED},
        {"Port 80 busy while trying to enable frontend f.", LOG_MESSAGE_PROXY_ENABLE_FAILED},
        {"[ALERT]    (1) : config : Fatal errors found in configuration.",
         LOG_MESSAGE_CONFIG_REFUSED},
        {"[WARNING]  (1) : config : missing timeouts for frontend 'f'.",
         LOG_MESSAGE_CONFIG_WARNING},
        {"[NOTICE]   (1) : path to executable is /usr/sbin/haproxy", LOG_MESSAGE_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_kind(texts[i].text, texts[i].kind);
}

static void test_classify_worker_exit_tells_process_and_code(void **state)
{
    struct log_message message =
        classify("[ALERT]    (812) : Current worker (815) exited with code 134 (Aborted)");

    (void)state;
    assert_int_equal(message.kind, LOG_MESSAGE_WORKER_EXITED);
    assert_int_equal(message.worker, 815);
    assert_int_equal(message.code, 134);
    assert_span(message.reason, "Aborted");
    message =
        classify("[ALERT] (8) : Current worker #1 (9) exited with code 139 (Segmentation fault)");
    assert_int_equal(message.worker, 9);
    assert_int_equal(message.code, 139);
}

static void test_classify_config_error_tells_file_and_line(void **state)
{
    struct log_message message =
        classify("[ALERT]    (9699) : config : parsing [/etc/haproxy/haproxy.cfg:2] : unknown "
                 "keyword 'maxcon' in 'global' section");

    (void)state;
    assert_int_equal(message.kind, LOG_MESSAGE_CONFIG_ERROR);
    assert_span(message.file, "/etc/haproxy/haproxy.cfg");
    assert_int_equal(message.line, 2);
    assert_span(message.reason, "unknown keyword 'maxcon' in 'global' section");
    message = classify("[ALERT] 001/000000 (5) : parsing [x.cfg:14]: Missing LF on last line");
    assert_int_equal(message.kind, LOG_MESSAGE_CONFIG_ERROR);
    assert_int_equal(message.line, 14);
    message = classify("[ALERT] (5) : config : Proxy 'f': unable to set CA file 'x' for bind "
                       "'*:443' at [h.cfg:20].");
    assert_span(message.file, "h.cfg");
    assert_int_equal(message.line, 20);
    message = classify(
        "[ALERT] (5) : config : Proxy 'f': unable to find required default_backend: 'nope'.");
    assert_int_equal(message.kind, LOG_MESSAGE_CONFIG_ERROR);
    assert_int_equal(message.line, 0);
}

/* ---- strangers' bytes ---- */

/* What a server answers stands in the text; it does not get to say how many servers are left. */
static void test_classify_forged_info_does_not_move_the_fields(void **state)
{
    struct log_message message = classify("Server h/a is DOWN, reason: Layer7 wrong status, code: "
                                          "503, info: \"x\", check duration: 1ms. 9 active and 9 "
                                          "backup servers left, code: 200, info: \"y\", check "
                                          "duration: 4ms. 1 active and 0 backup servers left. 0 "
                                          "sessions active, 0 requeued, 0 remaining in queue.");

    (void)state;
    assert_int_equal(message.active, 1);
    assert_int_equal(message.backups, 0);
    assert_int_equal(message.code, 503);
    assert_span(message.reason, "Layer7 wrong status");
}

static void test_classify_what_is_not_haproxys_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "[",
        "[ALERT]",
        "[ALERT] (",
        "[ALERT] 325/ (3) : x",
        ("10.0.0.1:4711 [22/Nov/2026:08:39:17.123] f b/s 0/0/0/1/1 200 99 - - ---- 1/1/0/0/0 0/0 "
         "\"GET / HTTP/1.1\""),
        "GET /Server h/a is DOWN",
        "Server h is DOWN. 0 active",
        "Server h/ is DOWN",
        "Server /a is DOWN",
        "Server h/a is DEAD",
        "Proxy  reached process FD limit (maxsock=1)",
        "Proxy f g reached process FD limit (maxsock=1)",
        "backend b has no server available",
        "Binding [x] for frontend f: cannot bind socket",
        "Binding [x:y] for frontend f: cannot bind socket",
        "Starting frontend: cannot bind socket",
        "New worker (x) forked",
        "New worker (99999999999999999999999) forked",
    };
    struct log_message message = {.code = 77};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (log_message_classify(span_of(texts[i]), &message))
            fail_msg("taken for %s: %s", log_message_word(message.kind), texts[i]);
    assert_int_equal(message.code, 77);
}

static bool is_inside(struct span span, const char *bytes, size_t len)
{
    return span.len == 0 ||
           (span.ptr >= bytes && span.len <= len && (size_t)(span.ptr - bytes) <= len - span.len);
}

/* A copy with nothing behind it, so that a read past the end is seen by the sanitizers. */
static void try(const char *bytes, size_t len)
{
    char *copy = malloc(len == 0 ? 1 : len);
    struct log_message message = {0};

    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    if (log_message_classify((struct span){copy, len}, &message)) {
        assert_true(message.kind < LOG_MESSAGE_KINDS);
        assert_non_null(log_message_word(message.kind));
        assert_true(is_inside(message.proxy, copy, len) && is_inside(message.server, copy, len));
        assert_true(is_inside(message.reason, copy, len) && is_inside(message.info, copy, len));
        assert_true(is_inside(message.file, copy, len) && is_inside(message.address, copy, len));
        assert_true(is_inside(message.body, copy, len));
        assert_true(message.port <= 65535);
    }
    free(copy);
}

static void test_classify_cut_and_mutated_lines_stay_inside(void **state)
{
    static const char *const names[] = {"stderr_bind_errors.txt", "stderr_fdlimit_nostrict.txt",
                                        "checks.log"};
    uint32_t random = 12345;
    size_t lines = 0;

    (void)state;
    for (size_t f = 0; f < 3; f++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span text = haproxy_fixture(arena, "3.2.26", names[f]), line;

        while (span_next_line(&text, &line)) {
            char bytes[1024];
            const char *behind = memmem(line.ptr, line.len, "]: ", 3);

            if (f == 2) {
                assert_non_null(behind);
                line.len -= (size_t)(behind + 3 - line.ptr);
                line.ptr = behind + 3;
            }
            assert_true(line.len <= sizeof bytes);
            for (size_t len = 0; len <= line.len; len++)
                try(line.ptr, len);
            for (size_t i = 0; i < 2000; i++) {
                memcpy(bytes, line.ptr, line.len);
                for (size_t k = 0; k < 3; k++) {
                    random = random * 1664525U + 1013904223U;
                    bytes[(random >> 8) % line.len] = (char)(random >> 24);
                }
                try(bytes, line.len);
            }
            lines++;
        }
    }
    assert_true(lines > 20);
}

static void test_classify_a_huge_line_is_looked_at_in_part(void **state)
{
    size_t len = (size_t)4 * 1024 * 1024;
    char *bytes = malloc(len);
    struct log_message message = {0};
    static const char head[] = "Server h/a is DOWN, reason: Layer4 timeout";

    (void)state;
    assert_non_null(bytes);
    memset(bytes, '[', len);
    memcpy(bytes, head, sizeof head - 1);
    assert_true(log_message_classify((struct span){bytes, len}, &message));
    assert_true(message.body.len <= LOG_MESSAGE_MAX);
    free(bytes);
}

static void test_word_every_kind_has_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < LOG_MESSAGE_KINDS; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(log_message_word((enum log_message_kind)a),
                                    log_message_word((enum log_message_kind)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_classify_recorded_bind_errors_of_every_version_name_address_and_errno),
        cmocka_unit_test(test_classify_recorded_limits_tell_what_was_asked_and_what_there_is),
        cmocka_unit_test(test_classify_recorded_checks_tell_why_a_server_is_down),
        cmocka_unit_test(test_classify_old_header_and_old_texts_are_read),
        cmocka_unit_test(test_classify_each_form_gives_its_kind),
        cmocka_unit_test(test_classify_worker_exit_tells_process_and_code),
        cmocka_unit_test(test_classify_config_error_tells_file_and_line),
        cmocka_unit_test(test_classify_forged_info_does_not_move_the_fields),
        cmocka_unit_test(test_classify_what_is_not_haproxys_is_refused),
        cmocka_unit_test(test_classify_cut_and_mutated_lines_stay_inside),
        cmocka_unit_test(test_classify_a_huge_line_is_looked_at_in_part),
        cmocka_unit_test(test_word_every_kind_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
