#include "agent/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>

#include "plans/base/file.h"

enum { ANSWER_MAX = 1024, CTRL_C = 3 };

static int open_terminal(void)
{
    return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

bool prompt_is_possible(void)
{
    int fd CLEANUP_FD = open_terminal();

    /* Standard input from a pipe or file says that nobody sits here to answer. */
    return fd >= 0 && isatty(STDIN_FILENO) == 1;
}

static int read_line(int fd, struct arena *arena, const char **out_line, struct err *err)
{
    char line[ANSWER_MAX];
    size_t len = 0;

    for (;;) {
        char byte;
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || byte == CTRL_C)
            return err_set(err, ERR_DENIED, "no answer");
        if (byte == '\n')
            break;
        if (len == sizeof line)
            return err_set(err, ERR_INPUT, "answer too long: expected at most %d bytes",
                           ANSWER_MAX);
        line[len++] = byte;
    }
    *out_line = arena_copy(arena, line, len);
    explicit_bzero(line, sizeof line);
    return 0;
}

int prompt_ask(const char *question, bool secret, struct arena *arena, const char **out_answer,
               struct err *err)
{
    struct termios before, silent;
    int fd CLEANUP_FD = open_terminal();

    if (fd < 0 || tcgetattr(fd, &before) < 0)
        return err_set(err, ERR_DENIED, "there is no terminal to ask at");
    /* Before the question: who answers at once is not shown, and nothing of it is flushed. */
    if (secret) {
        silent = before;
        /* Ctrl-C comes as a byte, so that it cannot end the program while nothing is shown. */
        silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
        if (tcsetattr(fd, TCSAFLUSH, &silent) < 0)
            return err_sys(err, errno, "cannot switch the terminal's echo off");
    }
    int done = file_write_all(fd, "/dev/tty", span_of(question), err);
    if (done == 0)
        done = read_line(fd, arena, out_answer, err);
    if (secret) {
        struct err ignored;
        (void)tcsetattr(fd, TCSAFLUSH, &before);
        (void)!file_write_all(fd, "/dev/tty", span_of("\n"), &ignored);
    }
    return done;
}
