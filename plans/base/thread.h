/* base/thread: threads that no signal reaches: signals are for the main thread, which knows what to do about them.
 * Use:     thread_start(&thread, work, context); ... pthread_join(thread, NULL);
 * Errors:  the number of pthread_create(3), 0: it runs.
 */
#ifndef HAMEDIC_PLANS_BASE_THREAD_H
#define HAMEDIC_PLANS_BASE_THREAD_H

#include <pthread.h>

#include "plans/base/err.h"

MUST_CHECK int thread_start(pthread_t *out_thread, void *(*work)(void *context), void *context);

#endif
