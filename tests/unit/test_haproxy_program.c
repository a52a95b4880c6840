#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "plans/base/file.h"
#include "remediations/host/haproxy_process.h"

/* A script in a directory of its own stands in for haproxy. */
struct script {
    char directory[64];
    char path[96];
};

static void write_script(struct script *script, const char *text)
{
    (void)snprintf(script->directory, sizeof script->directory, "/tmp/hamedic-program-XXXXXX");
    assert_non_null(mkdtemp(script->directory));
    (void)snprintf(script->path, sizeof script->path, "%s/program", script->directory);
    const char *const parts[] = {"#!/bin/sh\n", text};
    FILE *file = fopen(script->path, "we");
    assert_non_null(file);
    assert_true(fputs(parts[0], file) >= 0 && fputs(parts[1], file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(script->path, 0755), 0);
    assert_int_equal(chmod(script->directory, 0755), 0);
}

static void remove_script(const struct script *script)
{
    (void)unlink(script->path);
    (void)rmdir(script->directory);
}

static int run(const char *text, const char *const *arguments, unsigned deadline_ms,
               struct arena *arena, int *out_exit, struct span *out_output, struct err *err)
{
    static const char *const environment[] = {"ONE=1", "PATH=/usr/bin:/bin", NULL};
    const char *argv[8] = {NULL};
    struct script script;

    write_script(&script, text);
    argv[0] = script.path;
    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++)
        argv[i + 1] = arguments[i];
    struct program_run program = {
        .argv = argv, .environment = environment, .directory = script.directory};
    int result = haproxy_program_run(&program, deadline_ms, arena, out_exit, out_output, err);
    remove_script(&script);
    return result;
}

static void test_run_gives_both_outputs_and_the_exit(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span output;
    struct err err = {0};
    int code = -1;

    (void)state;
    assert_int_equal(
        run("echo out; echo err >&2; exit 3\n", NULL, 10000, arena, &code, &output, &err), 0);
    assert_int_equal(code, 3);
    assert_true(span_is(output, "out\nerr\n"));
}

static void test_run_environment_words_and_directory_are_the_given_ones(void **state)
{
    static const char *const arguments[] = {"a b", "$(id)", "*", NULL};
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span output;
    struct err err = {0};
    int code = -1;

    (void)state;
    assert_int_equal(setenv("HAMEDIC_LEAKS", "1", 1), 0);
    assert_int_equal(run("printf '%s|' \"$@\" \"$ONE\" \"${HAMEDIC_LEAKS-none}\"\n"
                         "[ \"$(pwd)/program\" = \"$0\" ] && echo here; read -r x || echo eof\n",
                         arguments, 10000, arena, &code, &output, &err),
                     0);
    assert_true(span_is(output, "a b|$(id)|*|1|none|here\neof\n"));
    assert_int_equal(code, 0);
}

static void test_run_descriptors_of_ours_are_not_inherited(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span output;
    struct err err = {0};
    int code = -1, leaky[2];

    (void)state;
    assert_int_equal(pipe(leaky), 0);
    assert_int_equal(run("for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && readlink "
                         "/proc/$$/fd/$fd | grep pipe; done; exit 0\n",
                         NULL, 10000, arena, &code, &output, &err),
                     0);
    assert_true(span_is(output, ""));
    (void)close(leaky[0]);
    (void)close(leaky[1]);
}

static void test_run_sockets_are_open_at_their_numbers(void **state)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
    static const int sockets[] = {3, 8, 21};
    struct arena *arena CLEANUP_ARENA = arena_new();
    const char *argv[2] = {NULL};
    struct script script;
    struct span output;
    struct err err = {0};
    int code = -1;

    (void)state;
    write_script(&script, "for fd in 0 3 4 5 6 7 8 9 20 21 22; do\n"
                          "case $(readlink /proc/$$/fd/$fd) in socket:*) echo $fd ;; esac\n"
                          "done\n");
    argv[0] = script.path;
    struct program_run program = {.argv = argv,
                                  .environment = environment,
                                  .directory = script.directory,
                                  .sockets = sockets,
                                  .socket_count = 3};
    assert_int_equal(haproxy_program_run(&program, 10000, arena, &code, &output, &err), 0);
    remove_script(&script);
    assert_true(span_is(output, "3\n8\n21\n"));
    /* What cannot be run is still told, also where the pipe for that had one of the numbers. */
    argv[0] = "/nonexistent";
    program.directory = "/";
    assert_int_equal(haproxy_program_run(&program, 10000, arena, &code, &output, &err), -1);
    assert_non_null(strstr(err.text, "cannot run '/nonexistent'"));
}

static void test_run_output_beyond_the_bound_is_dropped_and_the_program_ends(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span output;
    struct err err = {0};
    int code = -1;

    (void)state;
    assert_int_equal(
        run("head -c 3000000 /dev/zero; exit 5\n", NULL, 30000, arena, &code, &output, &err), 0);
    assert_int_equal(code, 5);
    assert_int_equal(output.len, PROGRAM_OUTPUT_MAX);
}

static void test_run_killed_by_a_signal_tells_it(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span output;
    struct err err = {0};
    int code = -1;

    (void)state;
    assert_int_equal(run("kill -ABRT $$\n", NULL, 10000, arena, &code, &output, &err), 0);
    assert_int_equal(code, 128 + SIGABRT);
}

static void test_run_deadline_ends_the_program_and_what_it_started(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span output;
    struct err err = {0};
    int code = -1;
    char pids[64];

    (void)state;
    (void)snprintf(pids, sizeof pids, "/tmp/hamedic-pids-%d", (int)getpid());
    const char *text =
        arena_printf(arena, "sleep 300 & echo $! > %s; echo $$ >> %s; wait\n", pids, pids);
    assert_int_equal(run(text, NULL, 700, arena, &code, &output, &err), -1);
    assert_int_equal(err.kind, ERR_SYS);
    assert_int_equal(err.sys, ETIMEDOUT);
    FILE *file = fopen(pids, "re");
    assert_non_null(file);
    int child = 0, shell = 0;
    assert_int_equal(fscanf(file, "%d %d", &child, &shell), 2);
    (void)fclose(file);
    (void)unlink(pids);
    /* The shell was ours to reap; its child goes to somebody else, who may take a moment. */
    assert_int_equal(kill(shell, 0), -1);
    struct process process;
    for (int i = 0; i < 500; i++) {
        struct arena *scratch CLEANUP_ARENA = arena_new();
        if (!process_read(child, scratch, &process) || process.words.count == 0)
            return;
        (void)usleep(10000);
    }
    fail_msg("process %d outlived the deadline", child);
}

static void test_run_ends_with_the_program_though_a_child_holds_the_output(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span output;
    struct err err = {0};
    int code = -1;

    (void)state;
    assert_int_equal(run("sleep 300 & echo done\n", NULL, 20000, arena, &code, &output, &err), 0);
    assert_true(span_is(output, "done\n"));
}

static void test_run_no_program_says_so(void **state)
{
    const char *const argv[] = {"/nowhere/haproxy", NULL}, *const environment[] = {NULL};
    struct program_run program = {.argv = argv, .environment = environment, .directory = "/"};
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span output;
    struct err err = {0};
    int code;

    (void)state;
    assert_int_equal(haproxy_program_run(&program, 10000, arena, &code, &output, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.text, "'/nowhere/haproxy'"));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static const char *version_of(const char *text, struct arena *arena)
{
    struct script script;
    const char *version = NULL;
    struct err err = {0};

    write_script(&script, text);
    assert_int_equal(haproxy_program_version(script.path, 10000, arena, &version, &err), 0);
    remove_script(&script);
    return version;
}

static void test_version_is_found_in_old_and_new_answers(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    (void)state;
    assert_string_equal(version_of("[ \"$1\" = -v ] && echo 'HA-Proxy version 1.8.27-493ce0b "
                                   "2020/11/06'\n",
                                   arena),
                        "1.8.27-493ce0b");
    assert_string_equal(version_of("echo 'HAProxy version 3.5-dev5 2026/08/21 - x'\n", arena),
                        "3.5-dev5");
    assert_null(version_of("echo nginx version: 1\n", arena));
    assert_null(version_of("echo 'HAProxy version '\n", arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_gives_both_outputs_and_the_exit),
        cmocka_unit_test(test_run_environment_words_and_directory_are_the_given_ones),
        cmocka_unit_test(test_run_descriptors_of_ours_are_not_inherited),
        cmocka_unit_test(test_run_sockets_are_open_at_their_numbers),
        cmocka_unit_test(test_run_output_beyond_the_bound_is_dropped_and_the_program_ends),
        cmocka_unit_test(test_run_killed_by_a_signal_tells_it),
        cmocka_unit_test(test_run_deadline_ends_the_program_and_what_it_started),
        cmocka_unit_test(test_run_ends_with_the_program_though_a_child_holds_the_output),
        cmocka_unit_test(test_run_no_program_says_so),
        cmocka_unit_test(test_version_is_found_in_old_and_new_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
