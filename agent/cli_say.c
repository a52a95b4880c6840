/* What commands say, and what kind of end belongs to what kind of error. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli.h"
#include "agent/observe/beside.h"
#include "plans/base/escape.h"
#include "plans/base/text.h"

void cli_print(const struct text *text)
{
    struct span span = text_span(text);

    if (span.len > 0)
        (void)fwrite(span.ptr, 1, span.len, stdout);
    (void)fflush(stdout);
}

void cli_say(const struct invocation *invocation, const char *format, ...)
{
    va_list args;

    if (invocation->quiet)
        return;
    va_start(args, format);
    (void)vfprintf(stdout, format, args);
    va_end(args);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

const char *cli_self(const struct invocation *invocation)
{
    const char *root = cli_value(invocation, "root");

    return root == NULL ? "hamedic"
                        : arena_printf(invocation->arena, "hamedic --root %s",
                                       escape_string(invocation->arena, root));
}

static const struct {
    enum err_kind kind;
    enum exit_code code;
    const char *word;
} ends[] = {
    {ERR_SYS, EXIT_ERROR, ""},
    {ERR_INPUT, EXIT_ERROR, ""},
    {ERR_CHANGED, EXIT_REFUSED, "refused: "},
    {ERR_DENIED, EXIT_REFUSED, "refused: "},
    {ERR_UNSUPPORTED, EXIT_ERROR, "unsupported: "},
    {ERR_BUG, EXIT_ERROR, "a bug in hamedic: "},
};

enum exit_code cli_fail(const struct err *err)
{
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i].kind == err->kind) {
            (void)fprintf(stderr, "hamedic: %s%s\n", ends[i].word, err->text);
            return ends[i].code;
        }
    (void)fprintf(stderr, "hamedic: %s\n", err->text);
    return EXIT_ERROR;
}

enum exit_code cli_refuse(const char *format, ...)
{
    struct err err;
    char words[ERR_TEXT_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    (void)err_set(&err, ERR_DENIED, "%s", words);
    return cli_fail(&err);
}

enum exit_code cli_usage(const struct invocation *invocation, const char *format, ...)
{
    char words[ERR_TEXT_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    (void)fprintf(stderr, "hamedic: %s\n", escape_string(invocation->arena, words));
    (void)fprintf(stderr, "Try: hamedic %s%s--help\n",
                  invocation->command == NULL ? "" : invocation->command->name,
                  invocation->command == NULL ? "" : " ");
    return EXIT_USAGE;
}

enum exit_code cli_finish(const struct command *command, enum exit_code code)
{
    bool failed = ferror(stdout) != 0;

    if (fclose(stdout) != 0 || failed) {
        (void)fprintf(stderr, "hamedic: cannot write the output: %s\n", strerror(errno));
        if ((command == NULL || !command->changes) && (code == EXIT_OK || code == EXIT_SOMETHING))
            code = EXIT_ERROR;
    }
    /* What libraries do at the end may wait for what a thread holds that hangs, or take away what
     * it still uses. */
    if (beside_some_hang()) {
        (void)fflush(stderr);
        _exit((int)code);
    }
    return code;
}
