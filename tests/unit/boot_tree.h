/* tests/unit/boot_tree: a tree of configuration files, a host on it, and a stage of its own. */
#ifndef HAMEDIC_TESTS_BOOT_TREE_H
#define HAMEDIC_TESTS_BOOT_TREE_H

#include "remediations/remediation.h"
#include "tests/unit/scratch.h"

struct boot_tree {
    struct scratch scratch;
    struct arena *arena; /* the scratch's */
    struct host *host;
    struct haproxy haproxy;
    struct scene scene;
    struct stage *stage;
    int undo;
    struct err err;
};

static inline void boot_tree_directory(struct boot_tree *tree, const char *path)
{
    char part[512];

    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        (void)mkdirat(tree->scratch.dir, part, 0755);
    }
}

/* `path` without a slash in front. */
static inline void boot_tree_write(struct boot_tree *tree, const char *path, const char *text)
{
    boot_tree_directory(tree, path);
    scratch_write(&tree->scratch, path, text);
}

static inline void boot_tree_link(struct boot_tree *tree, const char *path, const char *target)
{
    boot_tree_directory(tree, path);
    assert_int_equal(symlinkat(target, tree->scratch.dir, path), 0);
}

static inline int boot_tree_setup(void **state)
{
    static struct boot_tree tree;
    char path[300];

    tree = (struct boot_tree){0};
    scratch_open(&tree.scratch);
    tree.arena = tree.scratch.arena;
    (void)snprintf(path, sizeof path, "%s/undo", tree.scratch.path);
    assert_int_equal(mkdir(path, 0700), 0);
    tree.undo = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (host_open(tree.scratch.path, &tree.host, &tree.err) < 0)
        fail_msg("%s", tree.err.text);
    tree.scene = (struct scene){.host = tree.host, .haproxy = &tree.haproxy};
    *state = &tree;
    return 0;
}

static inline int boot_tree_teardown(void **state)
{
    struct boot_tree *tree = *state;

    if (tree->stage != NULL)
        stage_free(tree->stage);
    host_close(tree->host);
    (void)close(tree->undo);
    scratch_close(&tree->scratch);
    return 0;
}

/* ---- a change from the wish to the end ---- */

static inline struct change boot_tree_plan(struct boot_tree *tree, const char *address,
                                           const char *value)
{
    const char *kind = NULL, *target = NULL;
    struct wish wish = {.address = address, .value = value};
    struct change change = {0};

    assert_true(address_split(tree->arena, address, &kind, &target));
    const struct remediation *row = remediation_for(kind);
    assert_non_null(row);
    if (row->check(target, value, tree->arena, &wish.value, &tree->err) < 0 ||
        row->plan(&tree->scene, &wish, tree->arena, &change, &tree->err) < 0)
        fail_msg("%s", tree->err.text);
    return change;
}

/* The plan is refused; the reason is in tree->err. */
static inline void boot_tree_refuse(struct boot_tree *tree, const char *address, const char *value,
                                    enum err_kind kind)
{
    const char *name = NULL, *target = NULL;
    struct wish wish = {.address = address, .value = value};
    struct change change = {0};

    assert_true(address_split(tree->arena, address, &name, &target));
    const struct remediation *row = remediation_for(name);
    if (row->check(target, value, tree->arena, &wish.value, &tree->err) == 0 &&
        row->plan(&tree->scene, &wish, tree->arena, &change, &tree->err) == 0)
        fail_msg("'%s' = '%s' was planned", address, value);
    assert_int_equal(tree->err.kind, kind);
}

static inline void boot_tree_stage(struct boot_tree *tree, const struct change *changes,
                                   size_t count)
{
    const struct stage_settings settings = {.host = tree->host,
                                            .haproxy = &tree->haproxy,
                                            .id = "0123456789abcdef",
                                            .undo_dir = tree->undo};

    if (stage_new(&settings, &tree->stage, &tree->err) < 0)
        fail_msg("%s", tree->err.text);
    for (size_t i = 0; i < count; i++) {
        if (remediation_for(changes[i].kind)
                ->stage(tree->stage, &tree->scene, &changes[i], &tree->err) < 0)
            fail_msg("%s", tree->err.text);
    }
    if (stage_seal(tree->stage, &tree->err) < 0)
        fail_msg("%s", tree->err.text);
}

/* Staged, committed and proven. */
static inline void boot_tree_apply(struct boot_tree *tree, const struct change *changes,
                                   size_t count)
{
    struct proof proof;

    boot_tree_stage(tree, changes, count);
    for (size_t i = 0; i < count; i++) {
        if (remediation_for(changes[i].kind)->commit(tree->stage, &changes[i], &tree->err) < 0)
            fail_msg("%s", tree->err.text);
    }
    for (size_t i = 0; i < count; i++) {
        if (remediation_for(changes[i].kind)
                ->prove(tree->stage, &changes[i], tree->arena, &proof, &tree->err) < 0)
            fail_msg("%s", tree->err.text);
        assert_non_null(proof.now);
    }
}

static inline struct undo_report boot_tree_undo(struct boot_tree *tree, const struct change *change)
{
    struct undo_report report = {0};

    stage_undo_begin(tree->stage);
    if (remediation_for(change->kind)->undo(tree->stage, change, tree->arena, &report, &tree->err) <
        0)
        fail_msg("%s", tree->err.text);
    return report;
}

static inline const char *boot_tree_read(const struct boot_tree *tree, const char *path)
{
    return scratch_read(&tree->scratch, path);
}

#endif
