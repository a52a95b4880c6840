/* tests/unit/selinux_tree: a fresh tree with a real policy store for a test
 * (tests/fixtures/selinux/make_tree.sh).
 * Use:     tree_make() in the setup of each test: always the same path, since libsemanage keeps
 *          its paths for the life of a process.
 */
#ifndef HAMEDIC_TESTS_UNIT_SELINUX_TREE_H
#define HAMEDIC_TESTS_UNIT_SELINUX_TREE_H

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* One tree per program, so that ctest may run several side by side. */
#define TREE  TREE_DIR "/" TREE_NAME
#define STORE TREE "/var/lib/selinux/default"

extern char **environ;

static inline int tree_run(const char *program, char *const argv[])
{
    pid_t child;
    int status = -1;

    if (posix_spawnp(&child, program, NULL, NULL, argv, environ) != 0 ||
        waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static inline void tree_make(void)
{
    char script[] = TESTS_DIR "/fixtures/selinux/make_tree.sh";
    char shell[] = "sh", tree[] = TREE, cache[] = TREE_DIR "/cache";
    char *const argv[] = {shell, script, tree, cache, NULL};

    if (tree_run("sh", argv) != 0) {
        (void)fprintf(stderr, "cannot make the tree '%s'\n", TREE);
        exit(1);
    }
}

#endif
