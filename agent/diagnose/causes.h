/* diagnose/causes: the table of causes, and the functions its rows name.
 * Use:     for (size_t i = 0; i < causes_count(); i++) causes_at(i)->slug ...
 *          A NEW CAUSE is one row in the table of its subject (causes_start.c, causes_back.c,
 *          causes_front.c, causes_net.c, causes_slow.c, causes_latent.c, causes_reload.c), its function, declared
 *          below, and its scenarios. The row has all of its texts (struct explanation): unit/diagnose_explain
 *          holds them to that, to the width of a line, and to the slugs that they name.
 * Shapes:  the tables are asked in the order given above, and rows in the order in which they stand:
 *          who asks what others have found comes after them, and wishes stand in this order: what
 *          must be reserved before what opens it.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_CAUSES_H
#define HAMEDIC_AGENT_DIAGNOSE_CAUSES_H

#include "agent/diagnose/diagnose.h"

size_t causes_count(void);
const struct cause *causes_at(size_t index);       /* NULL: past the last */
const struct cause *causes_find(const char *slug); /* NULL: no such cause */

struct causes_of {
    const struct cause *rows;
    size_t count;
};
extern const struct causes_of causes_start;  /* it does not start, or cannot listen */
extern const struct causes_of causes_back;   /* it cannot reach its servers */
extern const struct causes_of causes_net;    /* clients do not get through the kernel to it */
extern const struct causes_of causes_front;  /* clients are refused, hang or get nothing */
extern const struct causes_of causes_slow;   /* it answers, but slowly */
extern const struct causes_of causes_latent; /* it works now, but not after a boot or a start */
extern const struct causes_of causes_reload; /* it runs, but not what its files say */

/* start.c: does it run at all? */
void start_look_not_running(struct diagnosis_work *work, const struct cause *cause);
void start_look_config_invalid(struct diagnosis_work *work, const struct cause *cause);
/* bind.c: a port that it wants and does not get */
void bind_look_in_use(struct diagnosis_work *work, const struct cause *cause);
void bind_look_ephemeral_clash(struct diagnosis_work *work, const struct cause *cause);
void bind_look_privilege(struct diagnosis_work *work, const struct cause *cause);
/* stopped.c: what was told to stop or to go slower, and what does not stop */
void stopped_look_frontend(struct diagnosis_work *work, const struct cause *cause);
void stopped_look_rate(struct diagnosis_work *work, const struct cause *cause);
void stopped_look_old_workers(struct diagnosis_work *work, const struct cause *cause);
void stopped_look_system_fd(struct diagnosis_work *work, const struct cause *cause);
/* answers.c: errors that HAProxy answers itself, as it was told */
void answers_look_unmatched(struct diagnosis_work *work, const struct cause *cause);
void answers_look_rule(struct diagnosis_work *work, const struct cause *cause);
/* front.c: clients are kept waiting */
void front_look_global_maxconn(struct diagnosis_work *work, const struct cause *cause);
void front_look_frontend_maxconn(struct diagnosis_work *work, const struct cause *cause);
/* accept.c: the queues in which clients wait to be accepted overflow */
void accept_look_listen_overflow(struct diagnosis_work *work, const struct cause *cause);
void accept_look_syn_overflow(struct diagnosis_work *work, const struct cause *cause);
void accept_look_conntrack_full(struct diagnosis_work *work, const struct cause *cause);
/* reach.c: clients ask where HAProxy does not listen, or do not get through to it */
void reach_look_address_missing(struct diagnosis_work *work, const struct cause *cause);
void reach_look_vip_elsewhere(struct diagnosis_work *work, const struct cause *cause);
void reach_look_not_listening(struct diagnosis_work *work, const struct cause *cause);
void reach_look_firewalled(struct diagnosis_work *work, const struct cause *cause);
/* path.c: the network between here and a server loses packets */
void path_look_network_slow(struct diagnosis_work *work, const struct cause *cause);
/* back.c: HAProxy cannot reach its servers */
void back_look_selinux(struct diagnosis_work *work, const struct cause *cause);
void back_look_refused(struct diagnosis_work *work, const struct cause *cause);
void back_look_timeout(struct diagnosis_work *work, const struct cause *cause);
void back_look_unreachable(struct diagnosis_work *work, const struct cause *cause);
void back_look_loopback_only(struct diagnosis_work *work, const struct cause *cause);
/* checks.c: it reaches them, and what they say is wrong; or it looks for them in the wrong place */
void checks_look_status(struct diagnosis_work *work, const struct cause *cause);
void checks_look_answer(struct diagnosis_work *work, const struct cause *cause);
void checks_look_slow(struct diagnosis_work *work, const struct cause *cause);
void checks_look_tls(struct diagnosis_work *work, const struct cause *cause);
void checks_look_differs(struct diagnosis_work *work, const struct cause *cause);
void checks_look_source(struct diagnosis_work *work, const struct cause *cause);
/* resolve.c: it was told not to use them, or does not know where they are */
void resolve_look_maintenance(struct diagnosis_work *work, const struct cause *cause);
void resolve_look_dns(struct diagnosis_work *work, const struct cause *cause);
void resolve_look_empty(struct diagnosis_work *work, const struct cause *cause);
/* source_ports.c: no local port is left for a connection to a server */
void source_ports_look(struct diagnosis_work *work, const struct cause *cause);
/* slow.c, slow_back.c: it answers, but slowly; after slow_look_back, which is what is behind many a
 * queue */
void slow_look_back(struct diagnosis_work *work, const struct cause *cause);
void slow_look_server_queue(struct diagnosis_work *work, const struct cause *cause);
/* load.c: the processors and the memory that HAProxy may have */
void load_look_cpu(struct diagnosis_work *work, const struct cause *cause);
void load_look_memory(struct diagnosis_work *work, const struct cause *cause);
/* proxy_protocol.c: a header that one side sends, or waits for, and the other does not */
void proxy_protocol_look(struct diagnosis_work *work, const struct cause *cause);
/* flapping.c: servers that come and go */
void flapping_look(struct diagnosis_work *work, const struct cause *cause);
/* aborts.c: servers that take a connection and do not keep it */
void aborts_look(struct diagnosis_work *work, const struct cause *cause);
/* latent.c: it works now, but not after the next start */
void latent_look_maxconn_over_budget(struct diagnosis_work *work, const struct cause *cause);
void latent_look_port_range_overlap(struct diagnosis_work *work, const struct cause *cause);
void latent_look_stats_socket_off(struct diagnosis_work *work, const struct cause *cause);
/* Wishes that the ports of bind lines are not given to outgoing connections. */
void latent_reserve(struct diagnosis_work *work, const struct cause *cause,
                    struct finding *finding);
/* limits.c: file descriptors */
void limits_look_fd_limit(struct diagnosis_work *work, const struct cause *cause);
void limits_look_not_effective(struct diagnosis_work *work, const struct cause *cause);
/* boot.c: what the next boot sets is not what runs */
void boot_look_sysctl_overridden(struct diagnosis_work *work, const struct cause *cause);
void boot_look_sysctl_not_persistent(struct diagnosis_work *work, const struct cause *cause);
/* reload.c: it runs, but not what its files say; after the causes that can be behind it */
void reload_look_not_loaded(struct diagnosis_work *work, const struct cause *cause);
void reload_look_failed(struct diagnosis_work *work, const struct cause *cause);

/* selinux_look.c: what the policy, and the store it is made from, do to it */
void selinux_look_bind(struct diagnosis_work *work, const struct cause *cause);
void selinux_look_booleans(struct diagnosis_work *work, const struct cause *cause);
void selinux_look_store(struct diagnosis_work *work, const struct cause *cause);

/* Asks selinux.h to let through what is proven to be denied. */
void back_require_denied(struct diagnosis_work *work);
/* DOWN servers that no finding speaks of: told under "not checked", so that nobody takes silence
 * for health. */
void resolve_tell_unexplained(struct diagnosis_work *work);

#endif
