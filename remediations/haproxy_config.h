/* remediations/haproxy_config: what the rows that edit haproxy.cfg share.
 * Use:     config_require(scene, err) before anything; config_staged() while staging;
 *          config_alone() while undoing, where nothing but one file's text counts.
 * Owns:    results live in the arena, or in the stage's.
 * Errors:  ERR_UNSUPPORTED no configuration can be read; ERR_DENIED another program manages it.
 */
#ifndef HAMEDIC_REMEDIATIONS_HAPROXY_CONFIG_H
#define HAMEDIC_REMEDIATIONS_HAPROXY_CONFIG_H

#include "remediations/remediation.h"

MUST_CHECK int config_require(const struct scene *scene, struct err *err);
MUST_CHECK int config_require_unmanaged(const struct scene *scene, const struct cfg_file *file,
                                        struct err *err);
/* scene's configuration with the staged text of `path`. Lives in the stage's arena. */
MUST_CHECK int config_staged(struct stage *stage, const struct scene *scene, const char *path,
                             struct cfg **out_cfg, struct err *err);
MUST_CHECK int config_alone(struct stage *stage, const char *path, struct span text,
                            struct arena *arena, struct cfg **out_cfg, struct err *err);
/* Of the configuration as it is on disk now. */
MUST_CHECK int config_on_disk(struct stage *stage, struct arena *arena, struct cfg **out_cfg,
                              struct err *err);
/* Does the Runtime API socket that answers have level admin? */
bool config_has_admin_socket(const struct cfg *cfg, const struct haproxy *haproxy);

#endif
