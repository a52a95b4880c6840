/* diagnose/back_word: what HAProxy's check and our own connect say of one server, and what they say
 * together.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_BACK_WORD_H
#define HAMEDIC_AGENT_DIAGNOSE_BACK_WORD_H

#include "agent/diagnose/look.h"

enum word {
    WORD_NONE,
    WORD_FINE,
    WORD_REFUSED,
    WORD_TIMEOUT,
    WORD_UNREACHABLE,
    WORD_DENIED,    /* by this host's own kernel */
    WORD_NO_SOURCE, /* the address that `source` names cannot be connected from */
    WORD_DIFFERS,   /* the check's port and the traffic's do not agree */
    /* It is there, and what it says is not what was asked for. */
    WORD_STATUS, /* an HTTP status */
    WORD_ANSWER, /* something else, or an end */
    WORD_SLOW,   /* nothing, in the time there was */
    WORD_TLS,
    WORD_OTHER
};

bool word_has(const char *text, const char *part); /* NULL has nothing */
enum word word_of_check(const struct haproxy_stat *row);
enum word word_of_probe(const struct probe *probe);
bool word_is_maintained(const struct server_view *view);
/* Its agent on the server says that it shall not serve. */
bool word_is_by_agent(const struct server_view *view);
/* A check may go to another port than the traffic. */
uint32_t word_checked_port(const struct server_view *view);
/* Refused, timed out or unreachable. */
bool word_is_failure(enum word word);
/* For word_verdict alone, about what a server said once it was connected: back_answer.c. */
enum word word_of_answer(const struct haproxy_stat *row);
/* The check found another name in the server's certificate than the one that HAProxy wants. */
bool word_is_name_refused(const struct haproxy_stat *row);
enum word word_answer_verdict(const struct diagnosis_work *work, const struct server_view *view,
                              enum word check, enum finding_state *out_state);
enum word word_unchecked_verdict(const struct diagnosis_work *work, const struct server_view *view,
                                 enum finding_state *out_state);
/* What is wrong with this server, by both sources, and how sure that is (not set for WORD_NONE:
 * nothing that can be named). */
enum word word_verdict(const struct diagnosis_work *work, const struct server_view *view,
                       enum finding_state *out_state);

/* What runs has the server, or its address, from an older file: that the newer one is not loaded is the deeper cause. */
bool word_is_of_older_file(const struct diagnosis_work *work, const struct server_view *view);

#endif
