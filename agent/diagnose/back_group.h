/* diagnose/back_group: the servers of one backend that have one cause are one finding.
 * Use:     back_look_for(work, cause, &(struct back_search){...}) for what word_verdict tells of each
 *          server; back_find_group for a group that was found in another way.
 * Owns:    everything lives in the work's arena.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_BACK_GROUP_H
#define HAMEDIC_AGENT_DIAGNOSE_BACK_GROUP_H

#include "agent/diagnose/back_word.h"

#define BACK_MEMBERS_MAX 8 /* servers told one by one; the rest is counted */

struct back_group {
    const char *backend;
    size_t start, end; /* of the backend in work->servers */
    enum finding_state state;
    size_t *members; /* indices of work->servers */
    size_t count;
};
const struct server_view *back_member(const struct diagnosis_work *work,
                                      const struct back_group *group, size_t index);

typedef const char *back_advice(struct diagnosis_work *work, const struct server_view *view);
typedef bool back_filter(const struct diagnosis_work *work, const struct server_view *view);
/* What else is to be said of a finding that was just made. */
typedef void back_more(struct diagnosis_work *work, const struct cause *cause,
                       struct finding *finding, const struct back_group *group);

struct back_search {
    enum word word;
    back_filter *also;   /* NULL: all with that word */
    const char *what;    /* "refuse connections": "1 of 2 servers of be ..." */
    back_advice *advise; /* NULL: nothing, for each server */
    back_more *more;     /* NULL: nothing */
};
/* A finding for each backend, and state, in which word_verdict gives this word. Nothing on a tree. */
void back_look_for(struct diagnosis_work *work, const struct cause *cause,
                   const struct back_search *search);
/* The same for servers that `filter` takes. */
void back_look_filtered(struct diagnosis_work *work, const struct cause *cause, back_filter *filter,
                        const char *what, back_advice *advise, back_more *more);
/* "app1 of be", "3 of 4 servers of be": for a summary of one's own. */
const char *back_subject(struct diagnosis_work *work, const struct back_group *group);

#endif
