#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "plans/base/file.h"
#include "remediations/host/haproxy_api.h"

enum manner {
    ANSWERS,
    ANSWERS_UNTIL_TOLD,
    ANSWERS_SLOWLY,
    SAYS_NOTHING,
    CLOSES,
    STOPS_HALFWAY,
    NEVER_ENDS
};

/* A thread that serves one connection on a socket in a directory of its own. */
struct server {
    enum manner manner;
    const char *answer;
    char directory[64];
    char path[96];
    char asked[128];
    int listener;
    int stop[2];
    pthread_t thread;
};

static void say(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t put = send(fd, text, len, MSG_NOSIGNAL);
        if (put < 0)
            return;
        text += put;
        len -= (size_t)put;
    }
}

static void wait_until_stopped(const struct server *server)
{
    char byte;

    (void)!read(server->stop[0], &byte, 1);
}

static void *serve(void *context)
{
    struct server *server = context;
    char byte;
    int fd CLEANUP_FD = accept(server->listener, NULL, NULL);

    if (fd < 0)
        return NULL;
    if (server->manner == CLOSES)
        return NULL;
    (void)!recv(fd, server->asked, sizeof server->asked - 1, 0);
    switch (server->manner) {
    case ANSWERS:
        say(fd, server->answer);
        break;
    case ANSWERS_UNTIL_TOLD:
        say(fd, server->answer);
        /* As a master does: there may be another question. */
        (void)!recv(fd, &byte, 1, 0);
        break;
    case ANSWERS_SLOWLY:
        for (const char *at = server->answer; *at != '\0'; at++) {
            char one[2] = {*at, '\0'};
            say(fd, one);
            (void)usleep(2000);
        }
        break;
    case STOPS_HALFWAY:
        say(fd, server->answer);
        wait_until_stopped(server);
        break;
    case NEVER_ENDS:
        while (send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL) > 0)
            continue;
        break;
    case SAYS_NOTHING:
        wait_until_stopped(server);
        break;
    case CLOSES:
        break;
    }
    return NULL;
}

static void begin(struct server *server)
{
    assert_int_equal(listen(server->listener, 4), 0);
    assert_int_equal(pipe(server->stop), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

/* On any free port of loopback, which is then its path. */
static void start_tcp(struct server *server, int family, const char *answer)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address.v4;

    if (family == AF_INET6) {
        address.v6 =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        len = sizeof address.v6;
    }
    *server = (struct server){.manner = ANSWERS, .answer = answer};
    server->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, &address.any, len), 0);
    assert_int_equal(getsockname(server->listener, &address.any, &len), 0);
    if (family == AF_INET6)
        (void)snprintf(server->path, sizeof server->path, "[::1]:%u", ntohs(address.v6.sin6_port));
    else
        (void)snprintf(server->path, sizeof server->path, "127.0.0.1:%u",
                       ntohs(address.v4.sin_port));
    begin(server);
}

static void start(struct server *server, enum manner manner, const char *answer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *server = (struct server){.manner = manner, .answer = answer};
    (void)snprintf(server->directory, sizeof server->directory, "/tmp/hamedic-api-XXXXXX");
    assert_non_null(mkdtemp(server->directory));
    (void)snprintf(server->path, sizeof server->path, "%s/sock", server->directory);
    memcpy(address.sun_path, server->path, sizeof server->path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (const struct sockaddr *)&address, sizeof address), 0);
    begin(server);
}

static void stop(struct server *server)
{
    (void)close(server->stop[1]);
    (void)shutdown(server->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    (void)close(server->stop[0]);
    (void)close(server->listener);
    if (server->directory[0] == '\0')
        return;
    (void)unlink(server->path);
    (void)rmdir(server->directory);
}

static void test_api_ask_answer_is_read_to_its_end(void **state)
{
    static const enum manner manners[] = {ANSWERS, ANSWERS_UNTIL_TOLD, ANSWERS_SLOWLY};

    (void)state;
    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct server server;
        struct span answer = {NULL, 0};
        struct err err = {0};
        start(&server, manners[i], "one\n\ntwo\n\n");
        assert_int_equal(
            haproxy_api_ask(server.path, "show info;show stat", 5000, 1024, arena, &answer, &err),
            0);
        stop(&server);
        assert_true(span_is(answer, "one\n\ntwo\n\n"));
        assert_string_equal(server.asked, "show info;show stat\n");
    }
}

static void test_api_ask_answer_of_exactly_max_is_allowed_one_more_is_not(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct server server;
    struct span answer = {NULL, 0};
    struct err err = {0};

    (void)state;
    start(&server, ANSWERS, "123456789\n");
    assert_int_equal(haproxy_api_ask(server.path, "x", 5000, 10, arena, &answer, &err), 0);
    stop(&server);
    start(&server, ANSWERS, "123456789\n");
    assert_int_equal(haproxy_api_ask(server.path, "x", 5000, 9, arena, &answer, &err), -1);
    stop(&server);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "more than 9 bytes"));
}

static void test_api_ask_endless_answer_ends_at_the_bound(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct server server;
    struct span answer = {NULL, 0};
    struct err err = {0};

    (void)state;
    start(&server, NEVER_ENDS, "garbage garbage garbage garbage\n");
    assert_int_equal(haproxy_api_ask(server.path, "x", 60000, 100000, arena, &answer, &err), -1);
    stop(&server);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_null(answer.ptr);
}

static void test_api_ask_silence_ends_at_the_deadline(void **state)
{
    static const enum manner manners[] = {SAYS_NOTHING, STOPS_HALFWAY};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct server server;
        struct span answer = {NULL, 0};
        struct err err = {0};
        start(&server, manners[i], "half an answer");
        assert_int_equal(haproxy_api_ask(server.path, "x", 100, 1024, arena, &answer, &err), -1);
        stop(&server);
        assert_int_equal(err.kind, ERR_SYS);
        assert_int_equal(err.sys, ETIMEDOUT);
        assert_null(answer.ptr);
    }
}

static void test_api_ask_full_accept_queue_ends_at_the_deadline(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    char directory[] = "/tmp/hamedic-api-XXXXXX", path[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct span answer = {NULL, 0};
    struct err err = {0};

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/sock", directory);
    memcpy(address.sun_path, path, sizeof path);
    int listener CLEANUP_FD = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 0), 0);
    int first CLEANUP_FD = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(first, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(haproxy_api_ask(path, "x", 100, 1024, arena, &answer, &err), -1);
    assert_int_equal(err.sys, ETIMEDOUT);
    (void)unlink(path);
    (void)rmdir(directory);
}

static void test_api_ask_closed_without_an_answer_is_an_error(void **state)
{
    static const enum manner manners[] = {CLOSES, ANSWERS};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct server server;
        struct span answer = {NULL, 0};
        struct err err = {0};
        start(&server, manners[i], "");
        assert_int_equal(haproxy_api_ask(server.path, "x", 5000, 1024, arena, &answer, &err), -1);
        stop(&server);
        assert_true(err.kind == ERR_INPUT || err.kind == ERR_SYS);
        assert_int_not_equal(err.sys, ETIMEDOUT);
    }
}

static void test_api_ask_no_socket_says_so(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span answer = {NULL, 0};
    struct err err = {0};
    char path[200];

    (void)state;
    assert_int_equal(haproxy_api_ask("/nowhere/at/all", "x", 100, 1024, arena, &answer, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.text, "'/nowhere/at/all'"));
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(haproxy_api_ask(path, "x", 100, 1024, arena, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(haproxy_api_connects("/nowhere/at/all"));
}

static void test_api_ask_one_on_tcp(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct server server;
        struct span answer = {NULL, 0};
        struct err err = {0};

        start_tcp(&server, families[i], "Name: HAProxy\n\n");
        int status = haproxy_api_ask(server.path, "show info", 5000, 1024, arena, &answer, &err);
        stop(&server);
        assert_int_equal(status, 0);
        assert_string_equal(server.asked, "show info\n");
        assert_true(span_is(answer, "Name: HAProxy\n\n"));
        /* Nobody listens there any more. */
        assert_int_equal(haproxy_api_ask(server.path, "x", 5000, 1024, arena, &answer, &err), -1);
        assert_int_equal(err.sys, ECONNREFUSED);
        assert_non_null(strstr(err.text, server.path));
        assert_false(haproxy_api_connects(server.path));
    }
}

static void test_api_ask_what_is_no_address_is_a_path(void **state)
{
    static const char *const texts[] = {
        "127.0.0.1",      "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "[::1]", "[::1:80",
        "[127.0.0.1]:80", "::1:80",     "[]:80",       "host:80",         ":80",   ""};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span answer = {NULL, 0};
        struct err err = {0};

        assert_int_equal(haproxy_api_ask(texts[i], "x", 100, 1024, arena, &answer, &err), -1);
        assert_true(err.sys == ENOENT || err.sys == ECONNREFUSED || err.sys == EINVAL);
    }
}

/* HAProxy's "abns@x" fills the address up, its "abnsz@x" ends with the name: two addresses. */
static void test_api_connects_to_abstract_names_of_both_lengths(void **state)
{
    static const char *const kinds[] = {"abns@", "abnsz@"};

    (void)state;
    for (size_t listening = 0; listening < 2; listening++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        char name[sizeof address.sun_path - 1], text[2][sizeof name + 8];
        int fd CLEANUP_FD = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int len = snprintf(name, sizeof name, "hamedic-test-%jd", (intmax_t)getpid());

        memcpy(address.sun_path + 1, name, (size_t)len);
        for (size_t i = 0; i < 2; i++)
            (void)snprintf(text[i], sizeof text[i], "%s%s", kinds[i], name);
        size_t exact = offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len;
        socklen_t size = (socklen_t)(listening == 0 ? sizeof address : exact);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
        assert_int_equal(listen(fd, 4), 0);
        assert_int_equal(haproxy_api_connects(text[0]), listening == 0);
        assert_int_equal(haproxy_api_connects(text[1]), listening == 1);
    }
}

static void test_api_abstract_name_of_any_length_ends_well(void **state)
{
    char text[200] = "abns@";
    int fd = -1;

    (void)state;
    for (size_t len = 5; len < sizeof text - 1; len++) {
        struct err err = {0};
        text[len] = 'x';
        assert_int_equal(haproxy_api_open(text, &fd, &err), -1);
        assert_int_equal(err.kind, len - 4 < sizeof((struct sockaddr_un *)0)->sun_path - 1
                                       ? ERR_SYS
                                       : ERR_INPUT);
    }
}

static void test_api_tell_any_answer_is_a_refusal(void **state)
{
    struct server server;
    struct err err = {0};

    (void)state;
    start(&server, ANSWERS, "\n");
    assert_int_equal(haproxy_api_tell(server.path, "set maxconn server b/s 1", 5000, &err), 0);
    stop(&server);
    start(&server, ANSWERS, "Permission denied\n\n");
    assert_int_equal(haproxy_api_tell(server.path, "set maxconn server b/s 1", 5000, &err), -1);
    stop(&server);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "'Permission denied'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_ask_answer_is_read_to_its_end),
        cmocka_unit_test(test_api_ask_answer_of_exactly_max_is_allowed_one_more_is_not),
        cmocka_unit_test(test_api_ask_endless_answer_ends_at_the_bound),
        cmocka_unit_test(test_api_ask_silence_ends_at_the_deadline),
        cmocka_unit_test(test_api_ask_full_accept_queue_ends_at_the_deadline),
        cmocka_unit_test(test_api_ask_closed_without_an_answer_is_an_error),
        cmocka_unit_test(test_api_ask_no_socket_says_so),
        cmocka_unit_test(test_api_ask_one_on_tcp),
        cmocka_unit_test(test_api_ask_what_is_no_address_is_a_path),
        cmocka_unit_test(test_api_connects_to_abstract_names_of_both_lengths),
        cmocka_unit_test(test_api_abstract_name_of_any_length_ends_well),
        cmocka_unit_test(test_api_tell_any_answer_is_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
