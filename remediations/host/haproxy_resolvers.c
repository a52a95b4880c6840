#include <string.h>

#include "plans/base/escape.h"
#include "remediations/host/haproxy_api.h"

enum { NAME_MAX_SHOWN = 128, ROWS_MAX = 256 };

static const struct {
    const char *key;
    size_t offset;
} counters[] = {
    {"sent", offsetof(struct haproxy_resolver, sent)},
    {"snd_error", offsetof(struct haproxy_resolver, send_errors)},
    {"valid", offsetof(struct haproxy_resolver, valid)},
    {"nx", offsetof(struct haproxy_resolver, no_such_name)},
    {"timeout", offsetof(struct haproxy_resolver, timeouts)},
    {"refused", offsetof(struct haproxy_resolver, refused)},
};

/* "  timeout:     3" */
static void read_counter(struct span line, struct haproxy_resolver *row)
{
    struct span value = span_trim(line), key = span_cut(&value, ':');
    int64_t number;

    if (!span_scan_i64(span_trim(value), &number))
        return;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        if (span_is(key, counters[i].key))
            memcpy((char *)row + counters[i].offset, &number, sizeof number);
}

void haproxy_resolvers_parse(struct span answer, struct arena *arena,
                             struct haproxy_resolver **rows, size_t *count)
{
    const char *section = NULL;
    struct span rest = answer, line;
    bool in_row = false;

    while (span_next_line(&rest, &line)) {
        if (span_starts_with(line, "Resolvers section ")) {
            section = escape_span(arena, span_trim((struct span){line.ptr + 18, line.len - 18}),
                                  NAME_MAX_SHOWN);
            in_row = false;
        } else if (section != NULL && span_starts_with(line, " nameserver ") && *count < ROWS_MAX) {
            struct span name = span_trim((struct span){line.ptr + 12, line.len - 12});
            if (name.len > 0 && name.ptr[name.len - 1] == ':')
                name.len--;
            ARENA_PUSH(arena, *rows, *count) = (struct haproxy_resolver){
                section, escape_span(arena, name, NAME_MAX_SHOWN), -1, -1, -1, -1, -1, -1};
            in_row = true;
        } else if (in_row && span_starts_with(line, "  ")) {
            read_counter(line, &(*rows)[*count - 1]);
        } else if (line.len > 0 && line.ptr[0] != ' ') {
            section = NULL;
            in_row = false;
        }
    }
}
