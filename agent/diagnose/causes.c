#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
    {"config-invalid", SEVERITY_WARNING, start_look_config_invalid},
    {"bind-selinux", SEVERITY_CRITICAL, selinux_look_bind},
    {"haproxy-not-running", SEVERITY_CRITICAL, start_look_not_running},
    {"backend-no-ports", SEVERITY_CRITICAL, source_ports_look},
    {"backend-selinux", SEVERITY_WARNING, back_look_selinux},
    {"backend-loopback-only", SEVERITY_WARNING, back_look_loopback_only},
    {"backend-refused", SEVERITY_WARNING, back_look_refused},
    {"backend-timeout", SEVERITY_WARNING, back_look_timeout},
    {"backend-unreachable", SEVERITY_WARNING, back_look_unreachable},
    {"backend-maintenance", SEVERITY_NOTICE, back_look_maintenance},
    {"global-maxconn", SEVERITY_CRITICAL, front_look_global_maxconn},
    {"frontend-maxconn", SEVERITY_CRITICAL, front_look_frontend_maxconn},
    {"server-queue", SEVERITY_WARNING, slow_look_server_queue},
    {"fd-limit", SEVERITY_CRITICAL, limits_look_fd_limit},
    {"limit-not-effective", SEVERITY_WARNING, limits_look_not_effective},
    {"maxconn-over-budget", SEVERITY_WARNING, latent_look_maxconn_over_budget},
    {"port-range-overlap", SEVERITY_WARNING, latent_look_port_range_overlap},
    {"boolean-not-persistent", SEVERITY_WARNING, selinux_look_booleans},
    {"selinux-store-damaged", SEVERITY_WARNING, selinux_look_store},
    {"stats-socket-off", SEVERITY_WARNING, latent_look_stats_socket_off},
    {"sysctl-overridden", SEVERITY_WARNING, boot_look_sysctl_overridden},
    {"sysctl-not-persistent", SEVERITY_WARNING, boot_look_sysctl_not_persistent},
    {"reload-failed", SEVERITY_CRITICAL, reload_look_failed},
};

const struct cause *causes_table(size_t *out_count)
{
    *out_count = sizeof rows / sizeof rows[0];
    return rows;
}
