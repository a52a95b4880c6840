/* diagnose: facts in, findings and wishes out. Pure.
 * Use:     diagnose(facts, arena, &result)
 * Shapes:  a cause is one row of a table in causes_*.c: slug, one function that looks at the
 * facts, and what explains it. A finding is `proven` when two sources that exist agree (or the only source that exists
 * says so), else `possible`, and only proven ones bring wishes. The worst come first.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_DIAGNOSE_H
#define HAMEDIC_AGENT_DIAGNOSE_DIAGNOSE_H

#include "agent/observe/facts.h"
#include "plans/plan.h"

struct diagnosis_result {
    struct finding *findings;
    size_t finding_count;
    struct wish *wishes; /* source WISH_DIAGNOSIS; one per address: same address from two causes was
                            merged */
    size_t wish_count;
    struct strings activates; /* where configuration file and running process differ: what a reload
                                 brings besides */
    struct strings not_checked;
};

/* upper_bound: what the policy allows for an address, so that a wish is sized within it; may be
 * NULL. */
typedef bool diagnose_bound(void *context, const char *address, uint64_t *out_bound);

void diagnose(const struct facts *facts, diagnose_bound *upper_bound, void *context,
              struct arena *arena, struct diagnosis_result *out_result);

/* ---- for the causes ---- */
struct selinux_view;
struct server_view;
struct wish_mark;
struct diagnosis_work {
    const struct facts *facts;
    struct arena *arena;
    diagnose_bound *upper_bound;
    void *context;
    struct diagnosis_result *result;
    struct server_view *servers; /* look.h: one per server, those of a backend together */
    size_t server_count;
    const struct server_view **by_name; /* the same, for look_server */
    const struct haproxy_stat **rows;   /* of frontends and backends, by name: look_row */
    size_t row_count;
    struct wish_mark *marks; /* beside result->wishes: how each was bounded */
    size_t findings_left_out;
    struct selinux_view *selinux; /* selinux.h */
};
/* What `diagnose --explain` tells of a cause: no text may be missing. Whole sentences in plain
 * words, without a capital and a full stop around them, as everywhere in a finding. */
#define CAUSE_UNLIKE_MAX 4
struct explanation {
    const char *line;   /* at a glance, in the list of all: at most 52 columns */
    const char *means;  /* what is wrong, and what clients or the next start see of it */
    const char *proof;  /* what must be seen before it is called proven */
    const char *repair; /* "KIND: ..." of a change that is planned, or "advice: ..." */
    const char *cost;   /* what the repair opens or disturbs */
    struct unlike {     /* what it is often taken for, at least one, and how the two differ */
        const char *slug, *how;
    } unlike[CAUSE_UNLIKE_MAX];
};
struct cause {
    const char *slug;
    enum severity severity; /* usual one; a finding may be milder */
    bool is_cured_later;    /* its repair is in force after a restart: no proof is due before */
    void (*look)(struct diagnosis_work *work, const struct cause *cause);
    struct explanation explain;
};
/* A new finding; fill it in. The pointer stays good; past PLAN_FINDINGS_MAX it is counted, but not
 * in the result. */
struct finding *diagnose_find(struct diagnosis_work *work, const struct cause *cause,
                              enum finding_state state, const char *object);
void diagnose_evidence(struct diagnosis_work *work, struct finding *finding, enum source_id source,
                       const char *format, ...) PRINTF_LIKE(4, 5);
/* Wishes merge by address: a ceiling (what the host can carry) beats a floor (what the load needs).
 */
enum wish_bound { WISH_FLOOR, WISH_CEILING };
void diagnose_wish(struct diagnosis_work *work, const struct cause *cause, const char *address,
                   uint64_t value, enum wish_bound bound, const char *because);
/* The finding that a cause has just made would be cured by a wish of another's, too: the repair
 * must prove that this is gone as well. False: there is no such wish. */
bool diagnose_join(struct diagnosis_work *work, const struct cause *cause, const char *address);
/* What is wished for at this address helps only once HAProxy has loaded its configuration again. */
void diagnose_activate(struct diagnosis_work *work, const char *address);
void diagnose_wish_text(struct diagnosis_work *work, const struct cause *cause, const char *address,
                        const char *value, const char *because);

#endif
