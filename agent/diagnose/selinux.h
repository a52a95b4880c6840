/* diagnose/selinux: what SELinux keeps HAProxy from, and the least that would let it through.
 * Use:     selinux_prepare(work) once, after look_find_servers; then the questions.
 * Shapes:  a need is a port with what HAProxy must be allowed to do with it, proven by what fails
 *          and by the loaded policy. A denial in the log is evidence, never the proof: the policy
 *          may have changed since.
 * Owns:    everything lives in the work's arena or in its facts.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_SELINUX_H
#define HAMEDIC_AGENT_DIAGNOSE_SELINUX_H

#include "agent/diagnose/diagnose.h"

struct selinux_need {
    const struct selinux_port_fact *fact;
    unsigned uses;
    enum { REMEDY_NONE, REMEDY_LABEL, REMEDY_BOOLEAN } remedy;
    const char *value; /* the label's type, or the boolean's name */
};
/* A bind line of the file that the policy forbids and nobody listens on. */
struct selinux_bind {
    const struct selinux_port_fact *fact;
    const struct cfg_proxy *proxy;
    const struct cfg_bind *bind;
    const struct denial *denial; /* NULL: the log has none */
    enum finding_state state;
};
struct selinux_view {
    const struct selinux_port_fact **ports; /* sorted */
    size_t port_count;
    struct selinux_need *needs;
    size_t need_count;
    struct selinux_bind *binds;
    size_t bind_count;
};
void selinux_prepare(struct diagnosis_work *work);
/* While it is prepared: this port must be allowed, for what fails is proven. */
void selinux_require(struct diagnosis_work *work, const char *protocol, uint32_t port,
                     unsigned use);
/* selinux_remedy.c: the least for all needs together. */
void selinux_choose(struct diagnosis_work *work);

/* NULL: the configuration does not use it, or nothing is enforced. */
const struct selinux_port_fact *selinux_find_port(const struct diagnosis_work *work,
                                                  const char *protocol, uint32_t port);
/* Does the loaded policy forbid this to HAProxy, and is that enforced? */
bool selinux_denies(const struct diagnosis_work *work, const char *protocol, uint32_t port,
                    unsigned use);
/* What the audit log has of it: of HAProxy's domain, and not let through; NULL: nothing. Where the
 * domain is not known, of any. */
const struct denial *selinux_denial(const struct diagnosis_work *work, const char *protocol,
                                    uint32_t port, unsigned use);
/* The same, and where HAProxy runs, not from before its worker was started. */
const struct denial *selinux_denial_now(const struct diagnosis_work *work, const char *protocol,
                                        uint32_t port, unsigned use);
/* Enforcing, and the policy cannot be asked. */
bool selinux_is_silent(const struct diagnosis_work *work);
bool selinux_is_damaged(const struct facts *facts);
/* HAProxy does not run because of a bind that is denied. */
bool selinux_keeps_down(const struct diagnosis_work *work);

/* Evidence of what policy and log say of a port. */
void selinux_tell(struct diagnosis_work *work, struct finding *finding, const char *protocol,
                  uint32_t port, unsigned use);
/* The wish that lets it through, or the advice where there is none; for the finding made last. */
void selinux_wish(struct diagnosis_work *work, const struct cause *cause, struct finding *finding,
                  const char *protocol, uint32_t port);
/* Evidence of what else was denied to HAProxy, which no label and no boolean of ports cures. */
void selinux_tell_others(struct diagnosis_work *work, struct finding *finding);
void selinux_tell_not_checked(struct diagnosis_work *work);

#endif
