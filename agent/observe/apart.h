/* observe/apart: work on bytes that strangers can write, in a process of its own.
 * Use:     struct apart apart; apart_start(&apart, &job, err); poll apart.fd until
 *          apart_is_ended(&apart, now): apart_read(&apart) whenever it is readable;
 *          apart_end(&apart, &message, err)
 * Shapes:  the child has a copy of this process's memory, the descriptors that the job names and
 *          no others (0 to 2 lead nowhere), no core file, no file to write, an end to its time and
 *          its memory. What it puts into its text is what apart_end gives: nothing of it is to be
 *          believed before its lengths were checked (base/wire).
 * Owns:    `message` lives in the arena of the job. apart_end reaps the child and closes fd, also
 *          on failure; after apart_start it MUST be called once. A child that was killed and hangs all
 *          the same is left: apart_hangs(name) says so until it has ended.
 * Errors:  apart_start: ERR_SYS. apart_end: ERR_SYS ETIMEDOUT where its time was over and it was
 *          killed, ERR_SYS where a signal ended it, ERR_INPUT where it sent more than its bound.
 * Source:  fork(2): the child of a process with several threads may only call what is safe in a
 *          signal handler. So this MUST be started while no other thread runs but those that hang
 *          (beside.h): should the child wait for what such a one holds, its own time ends that.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_APART_H
#define HAMEDIC_AGENT_OBSERVE_APART_H

#include <sys/types.h>

#include "plans/base/text.h"

#define APART_KEEP_MAX 128

struct apart_job {
    const char *name; /* for messages: "stats" */
    void (*work)(void *context, struct text *out);
    void *context;
    int keep[APART_KEEP_MAX]; /* descriptors that the child needs */
    size_t keep_count;
    unsigned time_ms;     /* it is killed after that */
    size_t message_bytes; /* and when it sends more than that */
    struct arena *arena;
};

struct apart {
    const struct apart_job *job;
    pid_t pid;
    int fd; /* -1: it has ended its message */
    int64_t killed_at;
    bool sent_too_much;
    struct text received;
};

MUST_CHECK int apart_start(struct apart *out_apart, const struct apart_job *job, struct err *err);
void apart_read(struct apart *apart);
/* Its message has ended, or its time: then apart_end does not wait. */
bool apart_is_ended(const struct apart *apart, int64_t now);
/* Has one of this name been left that has not ended yet? The name lives as long as the process. */
bool apart_hangs(const char *name);
MUST_CHECK int apart_end(struct apart *apart, struct span *out_message, struct err *err);

#endif
