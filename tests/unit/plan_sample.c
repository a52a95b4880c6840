/* plan_sample plan | empty | diagnosis: writes such a document to standard output.
 * plan_sample read < PLAN: exit 0 where it is a plan; else 1, with the reason on standard error. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plans/base/file.h"
#include "tests/unit/sample_plan.h"

static int write_out(const char *text)
{
    return fputs(text, stdout) < 0 || fflush(stdout) != 0;
}

static int read_in(struct arena *arena)
{
    char *bytes = arena_alloc(arena, PLAN_FILE_MAX + 2);
    size_t len = fread(bytes, 1, PLAN_FILE_MAX + 1, stdin);
    struct plan plan;
    struct err err = {0};

    if (codec_read_plan((struct span){bytes, len}, arena, &plan, &err) == 0)
        return 0;
    (void)fprintf(stderr, "%s\n", err.text);
    return 1;
}

int main(int argc, char **argv)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct plan plan = sample_plan(arena);
    struct diagnosis diagnosis = sample_diagnosis(arena);
    const char *what = argc == 2 ? argv[1] : "";

    if (strcmp(what, "read") == 0)
        return read_in(arena);
    if (strcmp(what, "diagnosis") == 0)
        return write_out(codec_write_diagnosis(&diagnosis, arena));
    if (strcmp(what, "empty") == 0) {
        plan.finding_count = plan.change_count = plan.advice.count = plan.activates.count = 0;
        plan.not_checked.count = 0;
        plan.host.machine = plan.host.lineage = plan.haproxy = NULL;
        plan.draft = plan.tree = true;
    } else if (strcmp(what, "plan") != 0) {
        (void)fprintf(stderr, "usage: plan_sample plan|empty|diagnosis|read\n");
        return 64;
    }
    return write_out(codec_write_plan(&plan, arena).ptr);
}
