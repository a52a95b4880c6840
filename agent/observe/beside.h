/* observe/beside: work in a thread of its own, which is waited for no longer than its time.
 * Use:     beside_begin(&beside, &job); poll job.done until beside_look(&beside, now) says that it
 *          has ended, or was left.
 * Shapes:  nothing can end a thread that hangs in a system call, as where a network file system or
 *          a disk does not answer. Such a one is left: it may go on whenever it likes, and nobody
 *          reads what it does then. All functions are the main thread's.
 * Owns:    what the work uses, `beside` included, MUST NOT be freed after BESIDE_LEFT but by
 *          job.forget, which beside_sweep calls once the thread has ended; in a process that ends
 *          before, nobody does.
 * Errors:  beside_begin: false where no thread can be made.
 * Source:  a process whose thread hangs cannot exit(3) like others, which may wait for what that
 *          one holds; and it is gone for its parent only once the kernel lets the thread go: at
 *          once in waits that a fatal signal ends (NFS, page cache), else when they are over.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_BESIDE_H
#define HAMEDIC_AGENT_OBSERVE_BESIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct beside_job {
    const char *name; /* "sysctl" */
    void (*work)(void *context);
    void (*forget)(void *context);
    void *context;
    int done;         /* an eventfd: told when it ends */
    unsigned time_ms; /* it is left after that */
};

struct beside {
    struct beside_job job;
    pthread_t thread;
    int64_t left_at;
    bool has_ended, is_left; /* under the lock */
    struct beside *next;     /* of those that were left */
};

enum beside_state { BESIDE_RUNS, BESIDE_ENDED, BESIDE_LEFT };

bool beside_begin(struct beside *beside, const struct beside_job *job);
/* Not once more after another state than BESIDE_RUNS. */
enum beside_state beside_look(struct beside *beside, int64_t now);

/* Of those that were left: has one of this name not ended yet? Has any? */
bool beside_hangs(const char *name);
bool beside_some_hang(void);
/* Forgets those that have ended since. */
void beside_sweep(void);

#endif
