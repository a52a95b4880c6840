#include "plans/base/thread.h"

#include <signal.h>

int thread_start(pthread_t *out_thread, void *(*work)(void *context), void *context)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(out_thread, NULL, work, context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}
