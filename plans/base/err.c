#include "plans/base/err.h"
#undef err_set
#undef err_sys
#undef err_wrap

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Copies `from` to `to` (ERR_TEXT_SIZE bytes), printable ASCII only; what does not fit is cut at
 * "...". */
static void put_escaped(char *to, const char *from)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;

    for (; *from != '\0'; from++) {
        unsigned char byte = (unsigned char)*from;
        bool plain = byte >= 0x20 && byte < 0x7f;
        if (at + (plain ? 1 : 4) >= ERR_TEXT_SIZE - 4) {
            memcpy(to + at, "...", 3);
            at += 3;
            break;
        }
        if (plain) {
            to[at++] = (char)byte;
        } else {
            to[at++] = '\\';
            to[at++] = 'x';
            to[at++] = hex[byte >> 4];
            to[at++] = hex[byte & 15];
        }
    }
    to[at] = '\0';
}

static void format_text(struct err *err, const char *format, va_list args, const char *tail)
    __attribute__((format(printf, 2, 0)));

static void format_text(struct err *err, const char *format, va_list args, const char *tail)
{
    char raw[ERR_TEXT_SIZE];
    int len = vsnprintf(raw, sizeof raw, format, args);

    if (len < 0)
        raw[0] = '\0';
    if (tail != NULL) {
        size_t used = strlen(raw);
        (void)snprintf(raw + used, sizeof raw - used, ": %s", tail);
    }
    put_escaped(err->text, raw);
}

int err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    format_text(err, format, args, NULL);
    va_end(args);
    err->kind = kind;
    err->sys = 0;
    return -1;
}

int err_sys(struct err *err, int sys, const char *format, ...)
{
    char name[128];
    va_list args;

    va_start(args, format);
    format_text(err, format, args, strerror_r(sys, name, sizeof name));
    va_end(args);
    err->kind = ERR_SYS;
    err->sys = sys;
    return -1;
}

int err_wrap(struct err *err, const char *format, ...)
{
    char inner[ERR_TEXT_SIZE];
    va_list args;

    memcpy(inner, err->text, sizeof inner);
    va_start(args, format);
    format_text(err, format, args, inner);
    va_end(args);
    return -1;
}
