#include "agent/commands/watching.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "agent/report.h"

/* The other screen, without a cursor, and long words do not run over into the next line. */
#define ENTER          "\x1b[?1049h\x1b[?25l\x1b[?7l"
#define LEAVE          "\x1b[?7h\x1b[?25h\x1b[?1049l"
#define HOME           "\x1b[H"
#define REST_OF_LINE   "\x1b[K"
#define REST_OF_SCREEN "\x1b[J"

/* What a signal's handler needs: what is shown when it ends, and who is to show it. A child that
 * collects has this handler too, until it has its own. */
static struct {
    pid_t watcher;
    bool terminal;
    struct span last; /* changed only while the signals are held back */
} shown;

static bool put(struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes.ptr, bytes.len);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0)
            bytes = (struct span){bytes.ptr + done, bytes.len - (size_t)done};
    }
    return true;
}

/* The last round stays to be read, on the screen that was there before. */
static void leave(void)
{
    if (shown.terminal && put(span_of(LEAVE)))
        (void)put(shown.last);
}

static void end(int signal)
{
    (void)signal;
    if (getpid() != shown.watcher)
        _exit(EXIT_ERROR);
    leave();
    _exit(EXIT_OK);
}

static void take_note(int signal)
{
    (void)signal; /* it ends the pause, and that is all */
}

/* Stopped from the terminal: it is given back meanwhile. */
static void pause_it(int signal)
{
    (void)signal;
    if (getpid() == shown.watcher && shown.terminal)
        (void)put(span_of(LEAVE));
    (void)kill(getpid(), SIGSTOP);
    if (getpid() == shown.watcher && shown.terminal)
        (void)put(span_of(ENTER));
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

static void set_signals(void)
{
    struct sigaction action = {.sa_handler = end, .sa_flags = 0};

    (void)sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
        (void)sigaction(ending[i], &action, NULL);
    action.sa_handler = take_note;
    (void)sigaction(SIGWINCH, &action, NULL);
    action.sa_handler = pause_it;
    (void)sigaction(SIGTSTP, &action, NULL);
}

static void hold_signals(bool hold)
{
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
        (void)sigaddset(&set, ending[i]);
    (void)sigaddset(&set, SIGTSTP);
    (void)sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* Each line over what stood there, and nothing left below: no moment at which the screen is empty. */
static struct span over_the_old(struct span report, struct arena *arena)
{
    struct text text = text_new(arena);
    struct span line;
    bool first = true;

    text_add(&text, HOME);
    while (span_next_line(&report, &line)) {
        text_add(&text, first ? "" : "\r\n");
        text_add_span(&text, line);
        text_add(&text, REST_OF_LINE);
        first = false;
    }
    text_add(&text, REST_OF_SCREEN);
    return text_span(&text);
}

static size_t window(struct render_style *style)
{
    struct winsize size = {0};

    if (!shown.terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2)
        return 0;
    if (size.ws_col > 0)
        style->width = size.ws_col;
    return size.ws_row;
}

/* The time, and how to end it. */
static void add_top(const struct render_style *style, const struct examination *seen,
                    unsigned seconds, struct text *text)
{
    render_toned(style, TONE_DIM,
                 arena_printf(text->arena, "%s, every %u s%s",
                              time_text(text->arena, seen->facts.time), seconds,
                              shown.terminal ? "; Ctrl-C ends it" : ""),
                 text);
    text_add(text, "\n");
}

static bool show(struct span report, struct arena *arena, bool first)
{
    bool written;

    hold_signals(true);
    shown.last = report;
    written = shown.terminal ? put(over_the_old(report, arena))
                             : (first || put(span_of("\n"))) && put(report);
    hold_signals(false);
    return written;
}

/* One round; what it found takes the place of *names. */
static int watch_once(struct invocation *invocation, const struct host *host,
                      const struct policy *policy, const struct watching *how, struct arena *arena,
                      struct strings *names, bool first, struct err *err)
{
    struct examination seen = {.wanted = how->wanted};
    struct text text = text_new(arena);
    size_t lines;

    if (examine(host, policy, arena, &seen, err) < 0)
        return -1;
    lines = window(&invocation->style);
    add_top(&invocation->style, &seen, how->seconds, &text);
    report_window(&invocation->style, lines == 0 ? 0 : lines - 1, &seen, first ? NULL : names,
                  &text);
    if (!show(text_span(&text), arena, first))
        return err_sys(err, errno, "cannot write the output");
    *names = report_names(&seen, arena);
    return 0;
}

enum exit_code watching_run(struct invocation *invocation, const struct host *host,
                            const struct policy *policy, const struct watching *how)
{
    const char *term = getenv("TERM");
    struct arena *before =
        arena_new(); /* the round that is shown; the next one is compared with it */
    struct strings names = {0};
    struct err err;

    shown.watcher = getpid();
    shown.terminal =
        isatty(STDOUT_FILENO) == 1 && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
    set_signals();
    if (shown.terminal)
        (void)put(span_of(ENTER));
    for (bool first = true;; first = false) {
        struct arena *now = arena_new();
        int done = watch_once(invocation, host, policy, how, now, &names, first, &err);

        hold_signals(true);
        if (done < 0) {
            shown.last = (struct span){NULL, 0};
            leave();
        }
        arena_free(before);
        before = now;
        hold_signals(false);
        if (done < 0)
            break;
        (void)nanosleep(&(struct timespec){.tv_sec = how->seconds}, NULL);
    }
    arena_free(before);
    return cli_fail(&err);
}
