/* unit/fixture: what was recorded, for tests.
 * Use:     haproxy_fixture(arena, "2.6.12-deb12u4", "show_stat.txt")
 * Owns:    the bytes live in the arena. The test fails where there is no such file.
 */
#ifndef HAMEDIC_TESTS_UNIT_FIXTURE_H
#define HAMEDIC_TESTS_UNIT_FIXTURE_H

#include <fcntl.h>

#include "plans/base/file.h"

#define FIXTURE_MAX (1024UL * 1024UL)

static inline struct span haproxy_fixture(struct arena *arena, const char *version,
                                          const char *name)
{
    const char *path = arena_printf(arena, TESTS_DIR "/fixtures/haproxy/%s/%s", version, name);
    struct span bytes = {NULL, 0};
    struct err err = {0};

    if (file_read(AT_FDCWD, path, FIXTURE_MAX, arena, &bytes, &err) < 0)
        fail_msg("%s", err.text);
    return bytes;
}

#endif
