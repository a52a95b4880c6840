/* policy_store: changes to the policy store of a tree from a shell: for measuring, and to be killed
 * half-way.
 *
 *   policy_store TREE show     condition of the store, the boolean and the port, each on a line
 *   policy_store TREE apply    haproxy_connect_any=on and tcp/8888=http_port_t in one transaction
 *   policy_store TREE apart    the same in two transactions
 *   policy_store TREE undo     both taken back in one transaction
 *   policy_store TREE repair   what an interrupted commit left is put right
 *   policy_store TREE measure  "one transaction 0.41 s, two 0.78 s, ratio 0.53": the best of five
 * rounds
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "remediations/host/semanage.h"

#define BOOLEAN "haproxy_connect_any"
enum { PORT = 8888, ROUNDS = 8 };

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

/* Both ways in turn, so that what else the machine does meets both alike. */
static int measure(const struct host *host, struct err *err)
{
    double one = 0, two = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct timespec start;
        (void)clock_gettime(CLOCK_MONOTONIC, &start);
        if (change(host, true, true, true, err) < 0)
            return -1;
        one += seconds_since(&start);
        if (change(host, true, true, false, err) < 0)
            return -1;
        (void)clock_gettime(CLOCK_MONOTONIC, &start);
        if (apply_apart(host, err) < 0)
            return -1;
        two += seconds_since(&start);
        if (change(host, true, true, false, err) < 0)
            return -1;
    }
    (void)printf("one transaction %.3f s, two %.3f s, ratio %.2f\n", one / ROUNDS, two / ROUNDS,
                 one / two);
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
        return semanage_repair(host, err);
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
