/* policy_store: changes to the policy store of a tree from a shell: for measuring, and to be killed
 * half-way.
 *
 *   policy_store TREE show     condition of the store, the boolean and the port, each on a line
 *   policy_store TREE apply    haproxy_connect_any=on and tcp/8888=http_port_t in one transaction
 *   policy_store TREE apart    the same in two transactions
 *   policy_store TREE undo     both taken back in one transaction
 *   policy_store TREE repair   what an interrupted commit left is put right
 *   policy_store TREE measure  apply against apart: the medians, their ratio
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "remediations/host/semanage.h"

#define BOOLEAN "haproxy_connect_any"
#define AIM     0.6
enum { PORT = 8888, ROUNDS = 7 };

static int stage_boolean(struct semanage *store, bool on, struct err *err)
{
    return on ? semanage_set_boolean(store, BOOLEAN, true, false, err)
              : semanage_unset_boolean(store, BOOLEAN, err);
}

static int stage_port(struct semanage *store, bool on, struct err *err)
{
    return on ? semanage_set_port(store, "tcp", PORT, "http_port_t", err)
              : semanage_unset_port(store, "tcp", PORT, err);
}

static int change(const struct host *host, bool boolean, bool port, bool on, struct err *err)
{
    struct semanage *store = NULL;

    if (semanage_open(host, &store, err) < 0)
        return -1;
    int result = semanage_begin(store, err) < 0 || (boolean && stage_boolean(store, on, err) < 0) ||
                         (port && stage_port(store, on, err) < 0) ||
                         semanage_commit_staged(store, err) < 0
                     ? -1
                     : 0;
    semanage_close(store);
    return result;
}

static int apply_apart(const struct host *host, struct err *err)
{
    return change(host, true, false, true, err) < 0 ? -1 : change(host, false, true, true, err);
}

static int show(const struct host *host, struct err *err)
{
    static const char *const words[] = {"sound", "no-active", "not-installed", "none"};
    struct arena *arena CLEANUP_ARENA = arena_new();
    enum semanage_condition condition;
    struct semanage_boolean boolean = {0};
    struct semanage_port_label label = {0};
    struct semanage *store = NULL;

    if (semanage_check(host, arena, &condition, err) < 0)
        return -1;
    (void)printf("store %s\n", words[condition]);
    if (condition != SEMANAGE_SOUND)
        return 0;
    if (semanage_open(host, &store, err) < 0)
        return -1;
    int result = semanage_get_boolean(store, BOOLEAN, &boolean, err) < 0 ||
                         semanage_get_port(store, "tcp", PORT, arena, &label, err) < 0
                     ? -1
                     : 0;
    if (result == 0)
        (void)printf("boolean %s%s\nport %s%s\n", boolean.on ? "on" : "off",
                     boolean.is_local ? " local" : "", label.type, label.is_local ? " local" : "");
    semanage_close(store);
    return result;
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static int by_value(const void *a, const void *b)
{
    const double *one = a, *other = b;

    return *one < *other ? -1 : *one > *other;
}

static double median(double *seconds)
{
    qsort(seconds, ROUNDS, sizeof *seconds, by_value);
    return seconds[ROUNDS / 2];
}

/* libsemanage reports success for much that it did not do. */
static int check_both(const struct host *host, bool on, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct semanage_boolean boolean = {0};
    struct semanage_port_label label = {0};
    struct semanage *store = NULL;

    if (semanage_open(host, &store, err) < 0)
        return -1;
    int result = semanage_get_boolean(store, BOOLEAN, &boolean, err) < 0 ||
                         semanage_get_port(store, "tcp", PORT, arena, &label, err) < 0
                     ? -1
                     : 0;
    semanage_close(store);
    if (result == 0 && (boolean.is_local != on || label.is_local != on))
        return err_set(err, ERR_BUG, "a commit did not do what it reported");
    return result;
}

static int time_one(const struct host *host, bool apart, double *out_seconds, struct err *err)
{
    struct timespec start;

    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    if ((apart ? apply_apart(host, err) : change(host, true, true, true, err)) < 0)
        return -1;
    *out_seconds = seconds_since(&start);
    if (check_both(host, true, err) < 0 || change(host, true, true, false, err) < 0)
        return -1;
    return check_both(host, false, err);
}

/* Both ways in turn, so that what else the machine does meets both alike. */
static int measure(const struct host *host, struct err *err)
{
    double one[ROUNDS], two[ROUNDS];

    for (int round = 0; round < ROUNDS; round++)
        if (time_one(host, false, &one[round], err) < 0 ||
            time_one(host, true, &two[round], err) < 0)
            return -1;
    double ratio = median(one) / median(two);
    (void)printf("a boolean and a port in one policy store transaction against two: %.0f ms "
                 "against %.0f ms, ratio %.2f, aim: at most %.2f: %s\n",
                 median(one) * 1000, median(two) * 1000, ratio, AIM,
                 ratio <= AIM ? "reached" : "MISSED");
    return 0;
}

static int run(const struct host *host, const char *command, struct err *err)
{
    if (strcmp(command, "show") == 0)
        return show(host, err);
    if (strcmp(command, "apply") == 0)
        return change(host, true, true, true, err);
    if (strcmp(command, "apart") == 0)
        return apply_apart(host, err);
    if (strcmp(command, "undo") == 0)
        return change(host, true, true, false, err);
    if (strcmp(command, "repair") == 0)
        return semanage_repair(host, NULL, err);
    if (strcmp(command, "measure") == 0)
        return measure(host, err);
    return err_set(err, ERR_INPUT, "'%s' is no command", command);
}

int main(int argc, char **argv)
{
    struct host *host CLEANUP_HOST = NULL;
    struct err err = {0};

    if (argc != 3) {
        (void)fputs("usage: policy_store TREE show|apply|apart|undo|repair|measure\n", stderr);
        return 64;
    }
    if (host_open(argv[1], &host, &err) < 0 || run(host, argv[2], &err) < 0) {
        (void)fprintf(stderr, "policy_store: %s\n", err.text);
        return 1;
    }
    return 0;
}
