/* awaiting: applies a plan to a tree so that it awaits its confirmation, which `hamedic apply
 * --confirm` refuses there, since nobody holds a deadline for a tree.
 *
 *   awaiting TREE PLAN SECONDS     exit status 0 once it awaits; signatures and policy are not asked
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/scene.h"
#include "agent/transaction/engine.h"
#include "plans/base/file.h"
#include "plans/codec.h"

static int apply(const char *root, const char *path, long seconds, struct arena *arena,
                 struct engine_result *out_result, struct err *err)
{
    struct host *host CLEANUP_HOST = NULL;
    struct ledger ledger CLEANUP_LEDGER = {.transactions = -1, .lock = -1};
    struct haproxy haproxy = {0};
    struct scene scene;
    struct plan plan;
    struct engine_order order = {.plan = &plan, .by = "a test", .confirm_seconds = seconds};

    if (host_open(root, &host, err) < 0 || ledger_open(host, LEDGER_WRITE, &ledger, err) < 0 ||
        scene_open(host, NULL, arena, &haproxy, &scene, err) < 0 ||
        file_read(AT_FDCWD, path, PLAN_FILE_MAX, arena, &order.plan_bytes, err) < 0 ||
        codec_read_plan(order.plan_bytes, arena, &plan, err) < 0)
        return -1;
    const struct engine engine = {
        .host = host,
        .haproxy = &haproxy,
        .scene = &scene,
        .ledger = &ledger,
        .arena = arena,
    };
    return engine_apply(&engine, &order, out_result, err);
}

int main(int argc, char **argv)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct engine_result result = {0};
    struct err err;

    if (argc != 4) {
        (void)fputs("usage: awaiting TREE PLAN SECONDS\n", stderr);
        return 64;
    }
    if (apply(argv[1], argv[2], strtol(argv[3], NULL, 10), arena, &result, &err) < 0) {
        (void)fprintf(stderr, "awaiting: %s\n", err.text);
        return 1;
    }
    if (result.outcome != OUTCOME_AWAITING) {
        (void)fprintf(stderr, "awaiting: it does not await: outcome %d\n", (int)result.outcome);
        return 1;
    }
    return 0;
}
