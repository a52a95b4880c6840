/* agent/scene: what planning and applying look at: the host, its HAProxy, its configuration.
 * Use:     scene_open(host, policy, arena, &haproxy, &scene, err); policy NULL: nothing is planned
 * Owns:    everything lives in the arena; `haproxy` is the caller's.
 * Errors:  a configuration that cannot be read is none: scene.cfg is NULL and scene.cfg_error says
 * why.
 */
#ifndef HAMEDIC_AGENT_SCENE_H
#define HAMEDIC_AGENT_SCENE_H

#include "policies/policy.h"
#include "remediations/remediation.h"

MUST_CHECK int scene_open(const struct host *host, const struct policy *policy, struct arena *arena,
                          struct haproxy *out_haproxy, struct scene *out_scene, struct err *err);

#endif
