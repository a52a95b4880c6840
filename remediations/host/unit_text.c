#include "remediations/host/unit_text.h"

#include <string.h>

#include "plans/base/text.h"

static struct span skip_blanks(struct span span)
{
    while (span.len > 0 && strchr(" \t\n\r", span.ptr[0]) != NULL && span.ptr[0] != '\0') {
        span.ptr++;
        span.len--;
    }
    return span;
}

/* An odd backslash at the end, counted as systemd counts: a backslash escapes the byte behind it.
 */
static bool goes_on(struct span span)
{
    bool escaped = false;

    for (size_t i = 0; i < span.len; i++)
        escaped = !escaped && span.ptr[i] == '\\';
    return escaped;
}

/* One logical line; false at the end of the text. */
static bool next_joined(struct span text, struct unit_text *state, struct arena *arena,
                        struct unit_setting *setting, struct span *out_line)
{
    struct text joined = text_new(arena);
    bool open = false;

    while (conf_next_line(text, &state->position, &state->line)) {
        struct span line = skip_blanks(state->line.text);
        if (state->line.number == 1 && span_starts_with(line, "\xef\xbb\xbf")) {
            line.ptr += 3;
            line.len -= 3;
        }
        if (line.len > 0 && (line.ptr[0] == '#' || line.ptr[0] == ';'))
            continue;
        if (!open) {
            setting->line = state->line.number;
            setting->offset = state->line.offset;
        }
        text_add_span(&joined, line);
        open = goes_on(line); /* what it is joined to ends with a blank */
        if (!open) {
            *out_line = text_span(&joined);
            setting->len = state->position - setting->offset;
            return true;
        }
        joined.ptr[joined.len - 1] = ' ';
    }
    *out_line = text_span(&joined);
    setting->len = state->position - setting->offset;
    return open;
}

bool unit_text_next(struct span text, struct unit_text *state, struct arena *arena,
                    struct unit_setting *out_setting)
{
    struct span line;

    while (next_joined(text, state, arena, out_setting, &line)) {
        line = span_trim(line);
        if (line.len == 0)
            continue;
        if (line.ptr[0] == '[') {
            if (line.ptr[line.len - 1] != ']')
                return false; /* systemd reads no further either */
            state->section = (struct span){line.ptr + 1, line.len - 2};
            continue;
        }
        const char *equal = memchr(line.ptr, '=', line.len);
        if (equal == NULL || equal == line.ptr)
            continue;
        out_setting->section = state->section;
        out_setting->key = span_trim((struct span){line.ptr, (size_t)(equal - line.ptr)});
        out_setting->value =
            span_trim((struct span){equal + 1, (size_t)(line.ptr + line.len - equal - 1)});
        return true;
    }
    return false;
}

static int digit_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return 16;
}

/* systemd takes the prefixes of C: 0x, 0b, 0o and 0. */
static bool scan_number(struct span span, uint64_t *out_value)
{
    uint64_t value = 0;
    int base = 10;

    if (span_is(span, "infinity")) {
        *out_value = UINT64_MAX;
        return true;
    }
    if (span.len > 0 && span.ptr[0] == '+') {
        span.ptr++;
        span.len--;
    }
    if (span.len > 1 && span.ptr[0] == '0') {
        char mark = span.ptr[1];
        size_t skip = mark >= '0' && mark <= '9' ? 1 : 2;
        base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
        span.ptr += skip;
        span.len -= skip;
    }
    for (size_t i = 0; i < span.len; i++) {
        int digit = digit_of(span.ptr[i]);
        if (digit >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    if (span.len == 0 || value == UINT64_MAX)
        return false;
    *out_value = value;
    return true;
}

bool unit_text_limit(struct span value, uint64_t *out_soft, uint64_t *out_hard)
{
    bool pair = value.len > 0 && memchr(value.ptr, ':', value.len) != NULL;
    struct span rest = value;
    uint64_t soft, hard;

    if (!scan_number(span_cut(&rest, ':'), &soft))
        return false;
    hard = soft;
    if (pair && !scan_number(rest, &hard))
        return false;
    if (soft > hard)
        return false;
    *out_soft = soft;
    *out_hard = hard;
    return true;
}

/* What stands behind a backslash; returns how many bytes of `rest` it took. */
static size_t add_escape(struct text *word, struct span rest)
{
    static const char from[] = "abfnrtvs\\\"'", to[] = "\a\b\f\n\r\t\v \\\"'";
    const char *found = rest.len > 0 && rest.ptr[0] != '\0' ? strchr(from, rest.ptr[0]) : NULL;

    if (found != NULL) {
        text_add_span(word, (struct span){to + (found - from), 1});
        return 1;
    }
    if (rest.len >= 3 && rest.ptr[0] == 'x' && digit_of(rest.ptr[1]) < 16 &&
        digit_of(rest.ptr[2]) < 16) {
        char byte = (char)(digit_of(rest.ptr[1]) * 16 + digit_of(rest.ptr[2]));
        if (byte != '\0')
            text_add_span(word, (struct span){&byte, 1});
        return 3;
    }
    text_add(word, "\\");
    return 0;
}

void unit_text_words(struct span value, struct arena *arena, struct strings *out_words)
{
    while ((value = skip_blanks(value)).len > 0) {
        struct text word = text_new(arena);
        char quote = '\0';
        while (value.len > 0) {
            char byte = value.ptr[0];
            if (quote == '\0' && byte != '\0' && strchr(" \t\n\r", byte) != NULL)
                break;
            value.ptr++;
            value.len--;
            if (byte == '\\') {
                size_t took = add_escape(&word, value);
                value.ptr += took;
                value.len -= took;
            } else if (quote != '\0' ? byte == quote : byte == '"' || byte == '\'') {
                quote = quote == '\0' ? byte : '\0';
            } else if (byte != '\0') {
                text_add_span(&word, (struct span){&byte, 1});
            }
        }
        strings_add(out_words, arena, text_string(&word));
    }
}
