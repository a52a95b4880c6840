/* What hamedic says the next boot will set, for the tests that ask systemd about the same tree.
 *   boot_answer TREE sysctl KEY             value, file and line
 *   boot_answer TREE set-sysctl KEY VALUE   makes our edit in the tree; prints the file
 *   boot_answer TREE unset-sysctl KEY       takes ours away
 *   boot_answer TREE limit UNIT             LimitNOFILE as written, file and line; drop-ins
 *   boot_answer TREE set-limit UNIT VALUE   makes our edit; VALUE "" takes it away
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "remediations/host/sysctl.h"
#include "remediations/host/unit_files.h"

static int put(const struct host *host, const char *path, bool exists, struct span bytes,
               struct err *err)
{
    int dir CLEANUP_FD = -1;
    const char *name;

    if (host_open_parent(host, path, true, &dir, &name, err) < 0)
        return -1;
    if (exists)
        return file_put(dir, name, bytes, 0644, err);
    if (unlinkat(dir, name, 0) < 0)
        (void)puts("was not there");
    return 0;
}

static int answer_sysctl(const struct host *host, const char *key, struct arena *arena,
                         struct err *err)
{
    struct sysctl_boot boot;

    if (sysctl_at_boot(host, key, arena, &boot, err) < 0)
        return -1;
    (void)printf("%s\t%s\t%zu\n", boot.value == NULL ? "-" : boot.value,
                 boot.file == NULL ? "-" : boot.file, boot.line);
    return 0;
}

static int edit_sysctl(const struct host *host, const char *key, const char *value,
                       struct arena *arena, struct err *err)
{
    struct sysctl_edit edit;

    if (sysctl_plan_edit(host, key, value, arena, &edit, err) < 0 ||
        (edit.existed != edit.exists || !span_equal(edit.before, edit.after)
             ? put(host, edit.path, edit.exists, edit.after, err)
             : 0) < 0)
        return -1;
    (void)puts(edit.path);
    return 0;
}

static int answer_limit(const struct host *host, const char *name, struct arena *arena,
                        struct err *err)
{
    struct unit unit;

    if (unit_read(host, name, arena, &unit, err) < 0)
        return -1;
    (void)printf("%s\t%s\t%zu\n", unit.limit_text == NULL ? "-" : unit.limit_text,
                 unit.limit_file == NULL ? "-" : unit.limit_file, unit.limit_line);
    for (size_t i = 0; i < unit.dropins.count; i++)
        (void)printf("dropin\t%s\n", unit.dropins.at[i]);
    return 0;
}

static int edit_limit(const struct host *host, const char *name, const char *value,
                      struct arena *arena, struct err *err)
{
    struct unit_edit edit;

    if (unit_plan_limit(host, name, value, arena, &edit, err) < 0 ||
        (edit.existed != edit.exists || !span_equal(edit.before, edit.after)
             ? put(host, edit.path, edit.exists, edit.after, err)
             : 0) < 0)
        return -1;
    (void)puts(edit.path);
    return 0;
}

static int answer(int argc, char **argv, const struct host *host, struct arena *arena,
                  struct err *err)
{
    const char *what = argv[2], *name = argv[3], *value = argc > 4 ? argv[4] : NULL;

    if (strcmp(what, "sysctl") == 0)
        return answer_sysctl(host, name, arena, err);
    if (strcmp(what, "set-sysctl") == 0 && value != NULL)
        return edit_sysctl(host, name, value, arena, err);
    if (strcmp(what, "unset-sysctl") == 0)
        return edit_sysctl(host, name, NULL, arena, err);
    if (strcmp(what, "limit") == 0)
        return answer_limit(host, name, arena, err);
    if (strcmp(what, "set-limit") == 0 && value != NULL)
        return edit_limit(host, name, value, arena, err);
    return err_set(err, ERR_INPUT, "'%s' is no question", what);
}

int main(int argc, char **argv)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct host *host CLEANUP_HOST = NULL;
    struct err err = {0};

    if (argc < 4 || host_open(argv[1], &host, &err) < 0 ||
        answer(argc, argv, host, arena, &err) < 0) {
        (void)fprintf(stderr, "boot_answer: %s\n", argc < 4 ? "expected TREE WHAT NAME" : err.text);
        return 1;
    }
    return 0;
}
