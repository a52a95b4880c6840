#include "agent/observe/beside.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "plans/base/clock.h"
#include "plans/base/thread.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct beside *left; /* the main thread's */

static void *run(void *context)
{
    const uint64_t one = 1;
    struct beside *beside = context;

    beside->job.work(beside->job.context);
    (void)pthread_mutex_lock(&lock);
    beside->has_ended = true;
    /* The descriptor of one that was left may be another file's by now. A write fails only where
     * 2^64 others have ended before. */
    if (!beside->is_left && write(beside->job.done, &one, sizeof one) < 0)
        assert(errno == EAGAIN);
    (void)pthread_mutex_unlock(&lock);
    return NULL;
}

bool beside_begin(struct beside *beside, const struct beside_job *job)
{
    *beside = (struct beside){.job = *job, .left_at = clock_ms(CLOCK_MONOTONIC) + job->time_ms};
    return thread_start(&beside->thread, run, beside) == 0;
}

enum beside_state beside_look(struct beside *beside, int64_t now)
{
    (void)pthread_mutex_lock(&lock);
    bool ended = beside->has_ended;
    beside->is_left = !ended && now >= beside->left_at;
    (void)pthread_mutex_unlock(&lock);
    if (ended) {
        (void)pthread_join(beside->thread, NULL);
        return BESIDE_ENDED;
    }
    if (now < beside->left_at)
        return BESIDE_RUNS;
    beside->next = left;
    left = beside;
    return BESIDE_LEFT;
}

static bool has_ended(const struct beside *beside)
{
    (void)pthread_mutex_lock(&lock);
    bool ended = beside->has_ended;
    (void)pthread_mutex_unlock(&lock);
    return ended;
}

bool beside_hangs(const char *name)
{
    for (const struct beside *one = left; one != NULL; one = one->next)
        if (strcmp(one->job.name, name) == 0 && !has_ended(one))
            return true;
    return false;
}

bool beside_some_hang(void)
{
    for (const struct beside *one = left; one != NULL; one = one->next)
        if (!has_ended(one))
            return true;
    return false;
}

void beside_sweep(void)
{
    struct beside **at = &left;

    while (*at != NULL) {
        struct beside *one = *at;
        if (!has_ended(one)) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        (void)pthread_join(one->thread, NULL);
        one->job.forget(one->job.context);
    }
}
