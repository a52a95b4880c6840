/* A journal says that nothing was made visible: does the host say so, too? */
#include "remediations/stage_internal.h"

#include <errno.h>

static int check_file(struct stage *stage, const struct stage_file *file, struct err *err)
{
    struct file_image now = {0};
    int dir CLEANUP_FD = -1;
    const char *name;

    if (stage_file_parent(stage, file, &dir, &name, err) < 0) {
        if (err->kind != ERR_SYS || err->sys != ENOENT)
            return -1;
    } else if (replace_read(dir, name, stage->arena, &now, err) < 0)
        return -1;
    if (digest_equal(&now.digest, &file->before.digest) ||
        !digest_equal(&now.digest, &file->written))
        return 0;
    return err_set(err, ERR_CHANGED, "'%s' is as the plan wants it", file->path);
}

int stage_check_unplaced(struct stage *stage, struct err *err)
{
    for (size_t i = 0; i < stage->file_count; i++)
        if (stage->files[i]->changed && check_file(stage, stage->files[i], err) < 0)
            return -1;
    return 0;
}
