/* tests/unit/scratch: a directory of one test's own below TMPDIR or /tmp, gone at the end. */
#ifndef HAMEDIC_TESTS_SCRATCH_H
#define HAMEDIC_TESTS_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plans/base/file.h"
#include "tests/unit/cmocka_all.h"

struct scratch {
    struct arena *arena;
    char path[256];
    int dir;
};

static inline int scratch_remove_one(const char *path, const struct stat *st, int type,
                                     struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void scratch_open(struct scratch *scratch)
{
    const char *base = getenv("TMPDIR");

    scratch->arena = arena_new();
    (void)snprintf(scratch->path, sizeof scratch->path, "%s/hamedic-test.XXXXXX",
                   base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(scratch->path));
    scratch->dir = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(scratch->dir >= 0);
}

static inline void scratch_close(struct scratch *scratch)
{
    (void)close(scratch->dir);
    (void)nftw(scratch->path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(scratch->arena);
}

static inline void scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
    struct err err = {0};

    if (file_put(scratch->dir, name, span_of(text), 0644, &err) < 0)
        fail_msg("%s", err.text);
}

static inline const char *scratch_read(const struct scratch *scratch, const char *name)
{
    struct err err = {0};
    struct span bytes;

    if (file_read(scratch->dir, name, 1 << 20, scratch->arena, &bytes, &err) < 0)
        return NULL;
    return bytes.ptr;
}

/* How many entries a directory below has. */
static inline size_t scratch_count(const struct scratch *scratch, const char *name)
{
    char path[512];
    struct dirent **names;
    size_t count = 0;

    (void)snprintf(path, sizeof path, "%s/%s", scratch->path, name);
    int found = scandir(path, &names, NULL, NULL);
    assert_true(found >= 2);
    for (int i = 0; i < found; i++) {
        count += strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0 ? 1 : 0;
        free(names[i]);
    }
    free(names);
    return count;
}

#endif
