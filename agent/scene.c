#include "agent/scene.h"

int scene_open(const struct host *host, const struct policy *policy, struct arena *arena,
               struct haproxy *out_haproxy, struct scene *out_scene, struct err *err)
{
    struct scene scene = {.host = host, .haproxy = out_haproxy};
    struct cfg *cfg = NULL;
    struct err unreadable;

    if (haproxy_find(host, arena, out_haproxy, err) < 0)
        return -1;
    if (cfg_load(host, out_haproxy, arena, &cfg, &unreadable) < 0)
        scene.cfg_error = arena_string(arena, unreadable.text);
    else
        scene.cfg = cfg;
    scene.may_edit_managed_files = policy != NULL && policy_allows_managed_files(policy);
    *out_scene = scene;
    return 0;
}
