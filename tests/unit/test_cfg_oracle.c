/* Real HAProxy as the judge: it reads the same odd configurations, before and after an edit, and
 * its Runtime API tells which maxconn each frontend and server has. hamedic must have said the
 * same. */
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plans/base/file.h"
#include "remediations/host/haproxy_api.h"
#include "remediations/host/haproxy_cfg.h"

enum { FILES_MAX = 4, START_TRIES = 250, STEP_NS = 20000000 };

/* Read last: gives each configuration a listener and a socket to ask. */
static const char harness[] =
    "global\n stats socket unix@s.sock level admin\ndefaults zz\n mode http\n"
    " timeout connect 1s\n timeout client 1s\n timeout server 1s\n"
    "frontend zz from zz\n bind unix@zz.sock\n";

struct oracle_case {
    const char *name;
    const char *files[FILES_MAX];
    const char *target, *value;
    const char *refused; /* part of the reason; NULL: the edit is made */
    uint64_t n;          /* -n */
};

#define D " timeout connect 1s\n timeout client 1s\n timeout server 1s\n"

static const struct oracle_case cases[] = {
    {.name = "plain global", .files = {"global\n maxconn 50\n"}, .target = "global", .value = "60"},
    {.name = "crlf",
     .files = {"global\r\n\tmaxconn 50\r\n\tnbthread 1\r\n"},
     .target = "global",
     .value = "61"},
    {.name = "crlf absent",
     .files = {"global\r\n\tnbthread 1\r\n\r\n"},
     .target = "global",
     .value = "62"},
    {.name = "tabs and form feeds",
     .files = {"global\n\t\v\fmaxconn\t\t\f50\t\n"},
     .target = "global",
     .value = "63"},
    {.name = "quotes inside the keyword",
     .files = {"global\n max\"con\"n 5\"0\"\n"},
     .target = "global",
     .value = "64"},
    {.name = "single quotes",
     .files = {"'global'\n 'maxconn' '5'0\n"},
     .target = "global",
     .value = "65"},
    {.name = "hex escapes",
     .files = {"glob\\x61l\n \\x6d\\x61xconn \\x350\n"},
     .target = "global",
     .value = "66"},
    {.name = "comment glued to the value",
     .files = {"global\n maxconn 50#60\n"},
     .target = "global",
     .value = "67"},
    {.name = "text behind a carriage return",
     .files = {"global\n maxconn 50\r 70\n nbthread 1\n"},
     .target = "global",
     .value = "68"},
    {.name = "two globals",
     .files = {"global\n maxconn 50\nglobal\n maxconn 55\n"},
     .target = "global",
     .value = "69"},
    {.name = "two lines",
     .files = {"global\n maxconn 50\n maxconn 55\n"},
     .target = "global",
     .value = "70"},
    {.name = "zero first",
     .files = {"global\n maxconn 0\n maxconn 55\n"},
     .target = "global",
     .value = "71"},
    {.name = "zero only",
     .files = {"global\n nbthread 1\n maxconn 0\n"},
     .target = "global",
     .value = "72"},
    {.name = "no global",
     .files = {"# top\n\n# mine\ndefaults\n mode http\n"},
     .target = "global",
     .value = "73"},
    {.name = "absent before a conditional",
     .files = {"global\n.if defined(NONE_SUCH)\n nbthread 1\n.endif\n"},
     .target = "global",
     .value = "74"},
    {.name = "inside a conditional",
     .files = {"global\n.if defined(NONE_SUCH)\n maxconn 9\n.endif\n"},
     .target = "global",
     .value = "75",
     .refused = "(.if)"},
    {.name = "false conditional behind",
     .files = {"global\n maxconn 40\n.if defined(NONE_SUCH)\n maxconn 9\n.endif\n"},
     .target = "global",
     .value = "75"},
    {.name = "from a variable",
     .files = {"global\n setenv HM 44\n maxconn \"$HM\"\n"},
     .target = "global",
     .value = "76",
     .refused = "variable"},
    {.name = "variable with a fallback",
     .files = {"global\n maxconn \"${HM_NONE-43}\"\n"},
     .target = "global",
     .value = "76",
     .refused = "variable"},
    {.name = "unquoted dollar",
     .files = {"global\n maxconn $X\n"},
     .target = "global",
     .value = "76"},
    {.name = "many files, second has it",
     .files = {"defaults\n mode http\n", "global\n maxconn 45\n", "global\n maxconn 46\n"},
     .target = "global",
     .value = "77"},
    {.name = "command line wins",
     .files = {"global\n maxconn 45\n"},
     .target = "frontend/zz",
     .value = "20",
     .n = 33},
    {.name = "garbage behind the number",
     .files = {"global\n maxconn 45x\n"},
     .target = "global",
     .value = "78"},
    {.name = "frontend, last line wins",
     .files = {"global\n maxconn 99\nfrontend f\n mode http\n" D
               " bind unix@f.sock\n maxconn 5\n maxconn 6\n"},
     .target = "frontend/f",
     .value = "7"},
    {.name = "frontend absent",
     .files = {"global\n maxconn 99\nfrontend f\n bind unix@f.sock\n" D},
     .target = "frontend/f",
     .value = "8"},
    {.name = "frontend zero",
     .files = {"global\n maxconn 99\ndefaults\n maxconn 12\nfrontend f\n bind unix@f.sock\n" D
               " maxconn 0\n"},
     .target = "frontend/f",
     .value = "8"},
    {.name = "inherited from defaults",
     .files = {"global\n maxconn 99\ndefaults\n maxconn 12\n" D "frontend f\n bind unix@f.sock\n"},
     .target = "defaults",
     .value = "9"},
    {.name = "own over inherited",
     .files = {"global\n maxconn 99\ndefaults\n maxconn 12\n" D "frontend f\n bind unix@f.sock\n"},
     .target = "frontend/f",
     .value = "10"},
    {.name = "defaults reset",
     .files = {"global\n maxconn 99\ndefaults\n maxconn 12\ndefaults b\n" D
               "frontend f\n bind unix@f.sock\n"},
     .target = "defaults/b",
     .value = "11"},
    {.name = "named defaults",
     .files = {"global\n maxconn 99\ndefaults a\n maxconn 12\n" D "defaults b\n maxconn 13\n" D
               "frontend f from a\n bind unix@f.sock\nlisten l from b\n bind unix@l.sock\n"},
     .target = "defaults/a",
     .value = "14"},
    {.name = "defaults from defaults",
     .files = {"global\n maxconn 99\ndefaults a\n maxconn 12\n" D
               "defaults b from a\nfrontend f from b\n bind unix@f.sock\n"},
     .target = "frontend/f",
     .value = "15"},
    {.name = "same name frontend and backend",
     .files = {"global\n maxconn 99\nbackend x\n" D
               " server s 127.0.0.1:1 maxconn 3\nfrontend x\n" D " bind unix@f.sock\n maxconn 4\n"},
     .target = "frontend/x",
     .value = "16"},
    {.name = "same name, the backend's server",
     .files = {"global\n maxconn 99\nfrontend x\n" D " bind unix@f.sock\n maxconn 4\nbackend x\n" D
               " server s 127.0.0.1:1 maxconn 3\n"},
     .target = "server/x/s",
     .value = "17"},
    {.name = "section order upside down",
     .files = {"backend b\n" D " server s 127.0.0.1:1 maxconn 3\nfrontend f\n" D
               " bind unix@f.sock\n",
               "global\n maxconn 98\n"},
     .target = "global",
     .value = "97"},
    {.name = "default-server only after it",
     .files = {"backend b\n" D
               " server a 127.0.0.1:1\n default-server maxconn 5\n server b 127.0.0.1:1\n "
               "default-server maxconn 6 inter 1s\n server c 127.0.0.1:1\n"},
     .target = "server/b/a",
     .value = "18"},
    {.name = "default-server ambiguous",
     .files = {"backend b\n" D
               " server a 127.0.0.1:1\n default-server maxconn 5\n server b 127.0.0.1:1\n"},
     .target = "default-server/b",
     .value = "18",
     .refused = "above all servers"},
    {.name = "default-server edited",
     .files = {"backend b\n" D " default-server maxconn 5 inter 2s # all\n server a 127.0.0.1:1\n "
               "server b 127.0.0.1:1 maxconn 4\n"},
     .target = "default-server/b",
     .value = "19"},
    {.name = "default-server made",
     .files = {"backend b\n" D
               "\n\t # servers\n\tserver a 127.0.0.1:1\n\tserver b 127.0.0.1:1 maxconn 4\n"},
     .target = "default-server/b",
     .value = "20"},
    {.name = "default-server inherited",
     .files = {"defaults\n" D " default-server maxconn 8\nbackend b\n server a 127.0.0.1:1\n"},
     .target = "server/b/a",
     .value = "21"},
    {.name = "server twice on the line",
     .files = {"backend b\n" D " server a 127.0.0.1:1 maxconn 3 check maxconn 4 port 1\n"},
     .target = "server/b/a",
     .value = "22"},
    {.name = "server word named maxconn",
     .files = {"backend b\n" D
               " cookie c insert\n server maxconn 127.0.0.1:1 cookie maxconn maxconn 3\n"},
     .target = "server/b/maxconn",
     .value = "23"},
    {.name = "server comment glued",
     .files = {"backend b\n" D " server a 127.0.0.1:1#x\n"},
     .target = "server/b/a",
     .value = "24"},
    {.name = "server with an empty word",
     .files = {"backend b\n" D " server a 127.0.0.1:1 \"\" maxconn 9\n"},
     .target = "server/b/a",
     .value = "25"},
    {.name = "server unlimited",
     .files = {"backend b\n" D " default-server maxconn 4\n server a 127.0.0.1:1 maxconn 0\n"},
     .target = "server/b/a",
     .value = "26"},
    {.name = "minconn raises maxconn",
     .files = {"backend b\n" D
               " fullconn 10\n server a 127.0.0.1:1 minconn 7\n server b 127.0.0.1:1 minconn 7 "
               "maxconn 3\n server c 127.0.0.1:1 minconn 2 maxconn 3\n"},
     .target = "server/b/c",
     .value = "27"},
    {.name = "minconn too high",
     .files = {"backend b\n" D " server a 127.0.0.1:1 minconn 70 maxconn 80\n"},
     .target = "server/b/a",
     .value = "27",
     .refused = "minconn 70"},
    {.name = "server-template",
     .files = {"backend b\n" D " server-template t 2-3 127.0.0.1:1 maxconn 5\n"},
     .target = "server/b/t2",
     .value = "28",
     .refused = "server-template"},
    {.name = "source with options",
     .files = {"backend b\n" D
               " server a 127.0.0.1:1 source 127.0.0.1:1024-2048 interface lo maxconn 5\n"},
     .target = "server/b/a",
     .value = "29"},
    {.name = "variable makes several words",
     .files = {"global\n setenv W \"check inter 3s\"\nbackend b\n" D
               " server a 127.0.0.1:1 \"${W[*]}\" maxconn 5\n"},
     .target = "server/b/a",
     .value = "30"},
    {.name = "maxconn out of several words",
     .files = {"global\n setenv W \"check maxconn 3\"\nbackend b\n" D
               " server a 127.0.0.1:1 \"${W[*]}\"\n"},
     .target = "server/b/a",
     .value = "30",
     .refused = "variable"},
    {.name = "name from a variable",
     .files = {"global\n setenv N web\n presetenv N no\nbackend \"b$N\"\n" D
               " server \"${N}\"1 127.0.0.1:1 maxconn 5\n"},
     .target = "server/bweb/web1",
     .value = "31"},
    {.name = "unset and reset variables",
     .files = {"global\n setenv A 1\n setenv B 2\n unsetenv A\nbackend \"x${A-u}\"\n" D
               "global\n setenv A 3\n resetenv PATH\nbackend \"y${B-v}${A-w}\"\n" D
               " server s 127.0.0.1:1\n"},
     .target = "server/yvw/s",
     .value = "32"},
    {.name = "listen",
     .files = {"listen l\n mode tcp\n bind unix@l.sock\n" D
               " maxconn 5 # few\n server s 127.0.0.1:1 maxconn 6\n"},
     .target = "listen/l",
     .value = "33"},
    {.name = "doubled frontends",
     .files = {"frontend f\n mode tcp\n", "frontend f\n mode tcp\n"},
     .target = "frontend/f",
     .value = "33",
     .refused = "two sections"},
    {.name = "scope line",
     .files = {"[x]\nglobal\n maxconn 41\n"},
     .target = "global",
     .value = "34"},
    {.name = "empty first word",
     .files = {"global\n \"\" maxconn 9\n maxconn 41\n"},
     .target = "global",
     .value = "35"},
};

/* ---- HAProxy ---- */

struct run {
    char directory[64];
    struct cfg_file files[FILES_MAX + 1];
    size_t file_count;
    uint64_t n;
};

static void write_files(const struct run *run)
{
    struct err err = {0};

    for (size_t i = 0; i < run->file_count; i++)
        if (file_put(AT_FDCWD, run->files[i].path, run->files[i].bytes, 0644, &err) < 0)
            fail_msg("%s", err.text);
}

static pid_t start(const struct run *run, bool check_only)
{
    const char *arguments[4 + 2 * (FILES_MAX + 1) + 3];
    char n[24];
    size_t count = 0;

    arguments[count++] = "haproxy";
    arguments[count++] = check_only ? "-c" : "-db";
    for (size_t i = 0; i < run->file_count; i++) {
        arguments[count++] = "-f";
        arguments[count++] = run->files[i].path;
    }
    if (run->n > 0) {
        (void)snprintf(n, sizeof n, "%llu", (unsigned long long)run->n);
        arguments[count++] = "-n";
        arguments[count++] = n;
    }
    arguments[count] = NULL;
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

static const char *log_text(struct arena *arena)
{
    struct span text = {0};
    struct err err;

    return file_read(AT_FDCWD, "haproxy.log", 65536, arena, &text, &err) < 0
               ? ""
               : arena_copy(arena, text.ptr, text.len);
}

static void stop(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct span ask(const struct oracle_case *one, pid_t pid, const char *command,
                       struct arena *arena)
{
    static const struct timespec step = {0, STEP_NS};
    struct span answer = {0};
    struct err err = {0};

    for (int i = 0; i < START_TRIES; i++) {
        if (haproxy_api_ask("s.sock", command, HAPROXY_API_DEADLINE_MS, 1 << 20, arena, &answer,
                            &err) == 0)
            return answer;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            fail_msg("%s: HAProxy does not start: %s", one->name, log_text(arena));
        (void)nanosleep(&step, NULL);
    }
    stop(pid);
    fail_msg("%s: HAProxy does not answer: %s", one->name, err.text);
    return answer;
}

/* ---- comparing ---- */

struct answers {
    int64_t maxconn;
    struct haproxy_stat *rows;
    size_t row_count;
};

static struct answers look(const struct oracle_case *one, const struct run *run,
                           struct arena *arena)
{
    struct answers answers = {0};
    struct haproxy_info info;
    struct err err = {0};

    (void)unlink("s.sock");
    pid_t pid = start(run, false);
    struct span info_text = ask(one, pid, "show info", arena);
    struct span stat_text = ask(one, pid, "show stat", arena);
    stop(pid);
    assert_int_equal(haproxy_info_parse(info_text, arena, &info, &err), 0);
    assert_true(haproxy_info_number(&info, "Maxconn", &answers.maxconn));
    assert_int_equal(haproxy_stat_parse(stat_text, arena, &answers.rows, &answers.row_count, &err),
                     0);
    return answers;
}

static int64_t limit_of(const struct oracle_case *one, const struct answers *answers,
                        enum stat_type type, const char *proxy, const char *name)
{
    for (size_t i = 0; i < answers->row_count; i++) {
        const struct haproxy_stat *row = &answers->rows[i];
        if (row->type == type && strcmp(row->proxy, proxy) == 0 &&
            (type == STAT_FRONTEND || strcmp(row->name, name) == 0))
            return row->session_limit > 0 ? row->session_limit : 0;
    }
    fail_msg("%s: HAProxy has no %s/%s", one->name, proxy, name);
    return 0;
}

static void compare_server(const struct oracle_case *one, const struct answers *answers,
                           const struct cfg_proxy *proxy, const struct cfg_server *server)
{
    uint64_t low = server->template_high == 0 ? 0 : server->template_low;
    uint64_t expected = server->maxconn.set ? server->maxconn.value : 0;

    if (server->minconn != NULL && server->minconn->value > expected)
        expected = server->minconn->value;
    for (uint64_t i = low; i <= server->template_high; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, server->template_high == 0 ? "%s" : "%s%llu",
                       server->name, (unsigned long long)i);
        int64_t seen = limit_of(one, answers, STAT_SERVER, proxy->name, name);
        if (seen != (int64_t)expected)
            fail_msg("%s: server %s/%s has %lld, we said %llu", one->name, proxy->name, name,
                     (long long)seen, (unsigned long long)expected);
    }
}

/* Every frontend and server of the model against what HAProxy says of it. */
static void compare_all(const struct oracle_case *one, const struct run *run, const struct cfg *cfg,
                        struct arena *arena)
{
    struct answers answers = look(one, run, arena);
    int64_t global = run->n > 0                ? (int64_t)run->n
                     : cfg->global.maxconn.set ? (int64_t)cfg->global.maxconn.value
                                               : answers.maxconn;

    if (cfg->global.unsure_maxconn.len == 0 || cfg->global.maxconn.set)
        assert_int_equal(answers.maxconn, global);
    for (size_t i = 0; i < cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = cfg->proxies[i];
        if (proxy->kind == CFG_DEFAULTS)
            continue;
        if (proxy->kind != CFG_BACKEND) {
            struct cfg_number own = cfg_effective_maxconn(proxy);
            int64_t expected = own.set ? (int64_t)own.value : global;
            int64_t seen = limit_of(one, &answers, STAT_FRONTEND, proxy->name, "FRONTEND");
            if (seen != expected)
                fail_msg("%s: frontend %s has %lld, we said %lld", one->name, proxy->name,
                         (long long)seen, (long long)expected);
        }
        for (size_t k = 0; k < proxy->server_count; k++)
            compare_server(one, &answers, proxy, &proxy->servers[k]);
    }
}

static void check_accepted(const struct oracle_case *one, const struct run *run,
                           struct arena *arena)
{
    int status = 0;
    pid_t pid = start(run, true);

    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: haproxy -c refuses the edit: %s", one->name, log_text(arena));
}

/* Only one piece of one file may differ. */
static void check_every_other_byte(struct span before, struct span after, const char *value)
{
    size_t head = 0, tail = 0;
    size_t shorter = before.len < after.len ? before.len : after.len;

    while (head < shorter && before.ptr[head] == after.ptr[head])
        head++;
    while (tail < shorter - head &&
           before.ptr[before.len - 1 - tail] == after.ptr[after.len - 1 - tail])
        tail++;
    struct span piece = {after.ptr + head, after.len - head - tail};
    assert_true(piece.len <= strlen(value) + sizeof "global\n    default-server maxconn \r\n\n");
    assert_true(before.len - head - tail <= sizeof "\"${X-00}\"");
}

static struct cfg *parse(const struct run *run, struct arena *arena)
{
    struct cfg *cfg = NULL;
    struct err err = {0};

    if (cfg_parse(run->files, run->file_count, NULL, arena, &cfg, &err) < 0)
        fail_msg("%s", err.text);
    return cfg;
}

static void judge(const struct oracle_case *one, struct run *run, struct arena *arena)
{
    struct haproxy haproxy = {.argument_maxconn = one->n};
    struct cfg_file changed = {0};
    struct strings diff;
    struct err err = {0};

    run->n = one->n;
    run->file_count = 0;
    for (size_t i = 0; i < FILES_MAX && one->files[i] != NULL; i++)
        run->files[run->file_count++] =
            (struct cfg_file){arena_printf(arena, "%zu.cfg", i), span_of(one->files[i])};
    run->files[run->file_count++] = (struct cfg_file){"z.cfg", span_of(harness)};
    write_files(run);
    struct cfg *cfg = parse(run, arena);
    bool doubled = one->refused != NULL && strcmp(one->refused, "two sections") == 0;
    if (!doubled) /* which HAProxy refuses itself */
        compare_all(one, run, cfg, arena);

    int set = cfg_set_maxconn(cfg, &haproxy, one->target, one->value, arena, &changed, &diff, &err);
    if (one->refused != NULL) {
        assert_int_equal(set, -1);
        if (strstr(err.text, one->refused) == NULL)
            fail_msg("%s: '%s' does not say '%s'", one->name, err.text, one->refused);
        return;
    }
    if (set < 0)
        fail_msg("%s: %s", one->name, err.text);
    for (size_t i = 0; i < run->file_count; i++) {
        if (strcmp(run->files[i].path, changed.path) != 0)
            continue;
        check_every_other_byte(run->files[i].bytes, changed.bytes, one->value);
        run->files[i] = changed;
    }
    write_files(run);
    check_accepted(one, run, arena);
    compare_all(one, run, parse(run, arena), arena);
}

static void test_cfg_oracle_every_odd_configuration_means_the_same_to_haproxy(void **state)
{
    struct run run = {.directory = "/tmp/hamedic-oracle-XXXXXX"};

    (void)state;
    assert_true(sizeof cases / sizeof cases[0] >= 40);
    assert_non_null(mkdtemp(run.directory));
    assert_int_equal(chdir(run.directory), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        judge(&cases[i], &run, arena);
    }
    static const char *const left[] = {"0.cfg",  "1.cfg",  "2.cfg",   "z.cfg",      "s.sock",
                                       "f.sock", "l.sock", "zz.sock", "haproxy.log"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        (void)unlink(left[i]);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(run.directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cfg_oracle_every_odd_configuration_means_the_same_to_haproxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
