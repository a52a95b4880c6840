/* The budget against the Maxsock that real HAProxy works out. */
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plans/base/file.h"
#include "remediations/host/fd_budget.h"
#include "remediations/host/haproxy_api.h"

enum { START_TRIES = 250, STEP_NS = 20000000 };

struct budget_case {
    const char *name;
    const char *text;
    bool master, master_socket;
};

#define TIMES " timeout connect 1s\n timeout client 1s\n timeout server 1s\n"
#define TOP                                                                                        \
    "global\n maxconn 50\n nbthread 2\n stats socket unix@s.sock level admin\ndefaults\n" TIMES

static const struct budget_case cases[] = {
    {"one listener", TOP "frontend f\n bind unix@a.sock\n", false, false},
    {"several addresses and ports",
     TOP "frontend f\n bind unix@a.sock,127.0.0.1:21081-21084\n bind unix@b.sock\n", false, false},
    {"shards",
     TOP "frontend f\n bind 127.0.0.1:21081 shards by-thread\n bind 127.0.0.1:21082 shards 9\n",
     false, false},
    {"two stats sockets, more connections",
     "global\n stats socket unix@t.sock\n stats maxconn 25\n" TOP "frontend f\n bind unix@a.sock\n",
     false, false},
    {"master", TOP "frontend f\n bind unix@a.sock\n", true, false},
    {"master with a socket", TOP "frontend f\n bind unix@a.sock\n", true, true},
    {"checks",
     TOP "listen f\n bind unix@a.sock\n default-server check port 1\n server a 127.0.0.1:1\n"
         " server b 127.0.0.1:1 no-check\n server c 127.0.0.1:1 port 2 agent-check agent-port 3\n"
         " server-template t 3 127.0.0.1:1\nbackend d\n disabled\n server a 127.0.0.1:1 check\n",
     false, false},
    {"splice",
     TOP "listen f\n mode tcp\n bind unix@a.sock\n option splice-auto\n maxconn 20\n fullconn 30\n",
     false, false},
    {"splice without a limit",
     TOP " option splice-request\nfrontend f\n mode tcp\n bind unix@a.sock\nfrontend g\n"
         " no option splice-request\n bind unix@b.sock\n",
     false, false},
    {"pipes said", "global\n maxpipes 7\n" TOP "frontend f\n bind unix@a.sock\n", false, false},
    {"log-forward and ring",
     TOP "frontend f\n bind unix@a.sock\nlog-forward l\n bind 127.0.0.1:21081\n log stdout format "
         "raw local0\n",
     false, false},
    {"peers",
     "global\n localpeer me\n" TOP
     "peers p\n bind 127.0.0.1:21081\n server me\n server you 127.0.0.1:21082\n"
     "backend st\n stick-table type ip size 10 peers p\nfrontend f\n bind unix@a.sock\n",
     false, false},
    {"no threads said",
     "global\n maxconn 50\n stats socket unix@s.sock level admin\ndefaults\n" TIMES
     "frontend f\n bind unix@a.sock\n",
     false, false},
};

static pid_t start(const struct budget_case *one)
{
    const char *arguments[12] = {"haproxy", "-db", "-f", "a.cfg"};
    size_t count = 4;

    if (one->master)
        arguments[count++] = "-W";
    if (one->master_socket) {
        arguments[count++] = "-S";
        arguments[count++] = "unix@m.sock";
    }
    pid_t pid = fork();
    if (pid == 0) {
        int log = open("haproxy.log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
            _exit(126);
        (void)execvp("haproxy", (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static void stop(pid_t pid)
{
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct haproxy_info ask(const struct budget_case *one, pid_t pid, struct arena *arena)
{
    static const struct timespec step = {0, STEP_NS};
    struct haproxy_info info = {0};
    struct span answer = {0};
    struct err err = {0};

    for (int i = 0; i < START_TRIES; i++) {
        if (haproxy_api_ask("s.sock", "show info", HAPROXY_API_DEADLINE_MS, 1 << 20, arena, &answer,
                            &err) == 0) {
            assert_int_equal(haproxy_info_parse(answer, arena, &info, &err), 0);
            return info;
        }
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            struct span log = {0};
            assert_int_equal(file_read(AT_FDCWD, "haproxy.log", 65536, arena, &log, &err), 0);
            fail_msg("%s: HAProxy does not start: %.*s", one->name, (int)log.len, log.ptr);
        }
        (void)nanosleep(&step, NULL);
    }
    stop(pid);
    fail_msg("%s: %s", one->name, err.text);
    return info;
}

static struct cfg *parse(const char *text, struct arena *arena)
{
    struct cfg_file file = {"a.cfg", span_of(text)};
    struct cfg *cfg = NULL;
    struct err err = {0};

    if (cfg_parse(&file, 1, NULL, arena, &cfg, &err) < 0)
        fail_msg("%s", err.text);
    return cfg;
}

/* "2.6.12-1+deb12u4" */
static void take_version(const struct haproxy_info *info, struct haproxy *haproxy,
                         struct arena *arena)
{
    const char *version = haproxy_info_text(info, "Version", arena);
    char *end = NULL;

    assert_non_null(version);
    haproxy->major = (unsigned)strtoul(version, &end, 10);
    assert_int_equal(*end, '.');
    haproxy->minor = (unsigned)strtoul(end + 1, NULL, 10);
}

static void compare(const struct budget_case *one, const struct host *host, struct arena *arena)
{
    struct haproxy haproxy = {.running = true, .limit_hard = 100000};
    struct fd_budget budget;
    struct err err = {0};
    int64_t maxsock = 0, maxconn = 0, pid = 0;

    assert_int_equal(file_put(AT_FDCWD, "a.cfg", span_of(one->text), 0600, &err), 0);
    (void)unlink("s.sock");
    pid_t child = start(one);
    struct haproxy_info info = ask(one, child, arena);
    assert_true(haproxy_info_number(&info, "Maxsock", &maxsock));
    assert_true(haproxy_info_number(&info, "Maxconn", &maxconn));
    assert_true(haproxy_info_number(&info, "Pid", &pid));
    take_version(&info, &haproxy, arena);
    haproxy.worker = (pid_t)pid;
    haproxy.master = one->master ? child : 0;
    haproxy.has_master_api = one->master_socket;
    int done = fd_budget_compute(host, &haproxy, parse(one->text, arena), (uint64_t)maxconn, 0,
                                 arena, &budget, &err);
    stop(child);
    if (done < 0)
        fail_msg("%s: %s", one->name, err.text);
    if (budget.need != (uint64_t)maxsock)
        fail_msg("%s: HAProxy says %lld, we said %llu: %s", one->name, (long long)maxsock,
                 (unsigned long long)budget.need, budget.formula);
}

static void test_fd_budget_compute_need_is_the_maxsock_of_haproxy(void **state)
{
    char directory[] = "/tmp/hamedic-budget-XXXXXX";
    struct host *host CLEANUP_HOST = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(host_open(NULL, &host, &err), 0);
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        compare(&cases[i], host, arena);
    }
    static const char *const left[] = {"a.cfg",  "a.sock", "b.sock",     "s.sock",
                                       "t.sock", "m.sock", "haproxy.log"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        (void)unlink(left[i]);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(directory), 0);
}

static struct fd_budget compute(const struct host *host, const struct haproxy *haproxy,
                                const char *text, uint64_t maxconn, uint64_t limit,
                                struct arena *arena)
{
    struct fd_budget budget = {0};
    struct err err = {0};

    if (fd_budget_compute(host, haproxy, parse(text, arena), maxconn, limit, arena, &budget, &err) <
        0)
        fail_msg("%s", err.text);
    return budget;
}

static void test_fd_budget_compute_limit_is_the_lowest_that_applies(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct host *host CLEANUP_HOST = NULL;
    struct err err = {0};
    static const char plain[] = "global\n nbthread 2\nfrontend f\n bind :80\n";
    struct haproxy bound = {.running = true, .limit_hard = 1017};
    struct haproxy free_one = {.running = true, .limit_hard = 1017, .can_raise_limit = true};

    (void)state;
    assert_int_equal(host_open(NULL, &host, &err), 0);
    struct fd_budget budget = compute(host, &bound, plain, 500, 0, arena);
    assert_int_equal(budget.need, 10 + 1 + 6 + 1000);
    assert_int_equal(budget.limit, 1017);
    assert_int_equal(budget.maxconn_that_fits, 500);
    assert_string_equal(budget.formula,
                        "10 + 1 listeners + 3 x 2 threads + 2 x 500 connections = 1017");
    assert_non_null(strstr(budget.limit_from, "hard limit 1017"));

    budget = compute(host, &bound, plain, 500, 5000, arena);
    assert_int_equal(budget.limit, 5000);
    budget = compute(host, &free_one, plain, 500, 0, arena);
    assert_true(budget.limit > 1017);
    assert_non_null(strstr(budget.limit_from, "fs.nr_open"));
    budget = compute(host, &free_one, "global\n nbthread 2\n fd-hard-limit 800\n", 500, 0, arena);
    assert_int_equal(budget.limit, 800);
    assert_non_null(strstr(budget.limit_from, "a.cfg:3"));
}

/* As Maxsock of each of these versions had it, with and without -S. */
static void test_fd_budget_compute_masters_api_is_by_version(void **state)
{
    static const struct {
        unsigned major, minor;
        uint64_t more;
        const char *told;
    } versions[] = {
        {2, 2, 11, " + 11 for the master's API"},
        {2, 6, 11, " + 11 for the master's API"},
        {2, 7, 22, " + 22 for the master's API"},
        {2, 8, 22, " + 22 for the master's API"},
        {3, 0, 22, " + 22 for the master's API"},
        {3, 1, 0, NULL},
        {3, 2, 0, NULL},
        {0, 0, 22, " + 22 for the master's API"},
    };
    static const char text[] = "global\n nbthread 2\nfrontend f\n bind :80\n";
    struct host *host CLEANUP_HOST = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(host_open("/", &host, &err), 0);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy haproxy = {.running = true,
                                  .master = 10,
                                  .limit_hard = 5000,
                                  .major = versions[i].major,
                                  .minor = versions[i].minor};
        struct fd_budget without = compute(host, &haproxy, text, 500, 0, arena);
        haproxy.has_master_api = true;
        struct fd_budget with = compute(host, &haproxy, text, 500, 0, arena);
        assert_int_equal(without.need, 10 + 1 + 10 + 1 + 3 * 2 + 2 * 500);
        assert_int_equal(with.need - without.need, versions[i].more);
        assert_null(strstr(without.formula, "master's API"));
        if (versions[i].told == NULL)
            assert_null(strstr(with.formula, "master's API"));
        else
            assert_non_null(strstr(with.formula, versions[i].told));
    }
}

static void test_fd_budget_compute_unknown_limit_is_said(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct host *host CLEANUP_HOST = NULL;
    struct haproxy absent = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(host_open("/", &host, &err), 0);
    struct fd_budget budget = compute(host, &absent, "global\n nbthread 2\n", 500, 0, arena);
    assert_int_equal(budget.limit, 0);
    assert_non_null(budget.limit_from);
    budget.need = 7;
    assert_int_equal(fd_budget_compute(host, &absent, parse("global\n", arena),
                                       UINT64_C(99999999999), 0, arena, &budget, &err),
                     -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(budget.need, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fd_budget_compute_need_is_the_maxsock_of_haproxy),
        cmocka_unit_test(test_fd_budget_compute_limit_is_the_lowest_that_applies),
        cmocka_unit_test(test_fd_budget_compute_masters_api_is_by_version),
        cmocka_unit_test(test_fd_budget_compute_unknown_limit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
