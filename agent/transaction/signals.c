#include "agent/transaction/signals.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

static const struct {
    int number;
    const char *name;
} ends[] = {{SIGHUP, "SIGHUP"}, {SIGINT, "SIGINT"}, {SIGQUIT, "SIGQUIT"}, {SIGTERM, "SIGTERM"}};

/* Not those that say that this program itself is wrong, and not the end of children. */
static const int never_held[] = {SIGABRT, SIGBUS, SIGFPE,  SIGILL,
                                 SIGSEGV, SIGSYS, SIGTRAP, SIGCHLD};

/* They stop the program until it is told to go on: that may happen afterwards. */
static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};

static void without(sigset_t *set, const int *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)sigdelset(set, numbers[i]);
}

static void set_of_held(sigset_t *out_set)
{
    (void)sigfillset(out_set);
    without(out_set, never_held, sizeof never_held / sizeof *never_held);
}

void signals_hold(struct signals *signals)
{
    sigset_t held;

    set_of_held(&held);
    (void)sigprocmask(SIG_BLOCK, &held, &signals->before);
}

void signals_release(const struct signals *signals)
{
    const struct timespec now = {0, 0};
    sigset_t come;

    set_of_held(&come);
    without(&come, stops, sizeof stops / sizeof *stops);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&signals->before, number) == 1)
            (void)sigdelset(&come, number);
    while (sigtimedwait(&come, NULL, &now) > 0)
        continue;
    (void)sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

/* A signal that waits is kept even where it is ignored. */
static bool is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int signals_check(struct err *err)
{
    sigset_t pending;

    if (sigpending(&pending) < 0)
        return 0;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (sigismember(&pending, ends[i].number) == 1 && !is_ignored(ends[i].number))
            return err_set(err, ERR_SYS, "stopped by %s", ends[i].name);
    return 0;
}
