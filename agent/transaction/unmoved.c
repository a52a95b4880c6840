#include "agent/transaction/unmoved.h"

#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>

#include "agent/transaction/engine.h"

size_t unmoved_count(const struct plan *plan)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct strings seen = {0};

    for (size_t i = 0; i < plan->change_count; i++)
        for (size_t k = 0; k < plan->changes[i].touched_count; k++)
            if (!strings_have(&seen, plan->changes[i].touched[k].object))
                strings_add(&seen, arena, plan->changes[i].touched[k].object);
    return seen.count;
}

static const char *shown(const char *value)
{
    return value == NULL ? "(none)" : value;
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* "changed 2026-11-22T09:20:11Z, owner uid 0", where the object is a file. */
static const char *who_and_when(const struct host *host, const char *object, struct arena *arena)
{
    struct err ignored;
    struct stat st;
    int fd CLEANUP_FD = -1;

    if (object[0] != '/' || host_open_path(host, object, O_PATH, &fd, &ignored) < 0 ||
        fstat(fd, &st) < 0)
        return "";
    return arena_printf(arena, " (changed %s, owner uid %u)", time_text(arena, st.st_mtim.tv_sec),
                        st.st_uid);
}

static const struct touched *find_touched(const struct change *now, const char *object)
{
    for (size_t i = 0; i < now->touched_count; i++)
        if (strcmp(now->touched[i].object, object) == 0)
            return &now->touched[i];
    return NULL;
}

static int check_objects(const struct scene *scene, const struct change *planned,
                         const struct change *now, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < planned->touched_count; i++) {
        const struct touched *then = &planned->touched[i];
        const struct touched *found = find_touched(now, then->object);
        if (found == NULL)
            return err_set(err, ERR_CHANGED,
                           "%s: '%s' no longer decides it: the host moved since the plan was made",
                           planned->address, then->object);
        if (strcmp(found->digest, then->digest) != 0)
            return err_set(err, ERR_CHANGED, "'%s' moved since the plan was made%s", then->object,
                           who_and_when(scene->host, then->object, arena));
    }
    return 0;
}

int engine_check_unmoved(const struct scene *scene, const struct change *change,
                         struct arena *arena, struct err *err)
{
    const struct remediation *row = remediation_for(change->kind);
    struct change now;

    if (row == NULL)
        return err_set(err, ERR_UNSUPPORTED, "%s: this hamedic knows no such kind of change",
                       change->address);
    if (row->read(scene, change->target, arena, &now, err) < 0)
        return err_wrap(err, "%s", change->address);
    if (!same(now.before.runtime, change->before.runtime))
        return err_set(err, ERR_CHANGED,
                       "%s moved since the plan was made: running then %s, now %s", change->address,
                       shown(change->before.runtime), shown(now.before.runtime));
    if (!same(now.before.persistent, change->before.persistent))
        return err_set(
            err, ERR_CHANGED, "%s moved since the plan was made: persistent then %s, now %s%s",
            change->address, shown(change->before.persistent), shown(now.before.persistent),
            now.file == NULL ? "" : who_and_when(scene->host, now.file, arena));
    return check_objects(scene, change, &now, arena, err);
}
