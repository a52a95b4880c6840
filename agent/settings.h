/* agent/settings: /etc/hamedic/hamedic.conf: what an operator tells hamedic about HAProxy here.
 * Use:     settings_load(host, config_or_NULL, &host->settings, err)
 * Shapes:  every key may be absent (NULL, or an empty list: find it yourself):
 *              unit = "haproxy.service"
 *              program = "/usr/sbin/haproxy"
 *              config = {"/etc/haproxy/haproxy.cfg", "/etc/haproxy/conf.d"}  (-f, in order)
 *              stats_socket, master_socket, pid_file = "/absolute/path"
 *              selinux_store = "targeted"
 *              logs = {"/var/log/haproxy.log"}  (those they are rotated to are found beside them)
 *          The default path is inside the host's root; a path that is given is this machine's, also
 *          with --root.
 * Owns:    strings live in host->arena.
 * Errors:  as policies/conf.h. An absent file is none, unless it was asked for.
 */
#ifndef HAMEDIC_AGENT_SETTINGS_H
#define HAMEDIC_AGENT_SETTINGS_H

#include "remediations/host/host.h"

#define SETTINGS_FILE "/etc/hamedic/hamedic.conf"

MUST_CHECK int settings_load(const struct host *host, const char *config_path,
                             struct host_settings *out_settings, struct err *err);

/* --target ADDRESS[:PORT]: "10.0.0.1", "10.0.0.1:443", "2001:db8::1", "[2001:db8::1]:443". */
MUST_CHECK int settings_take_target(const char *text, struct arena *arena,
                                    struct host_settings *settings, struct err *err);

#endif
