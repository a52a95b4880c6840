#include "agent/diagnose/ports.h"

#include <string.h>

#include "plans/base/text.h"

#define PORT_MAX 65535u

struct port_set *port_set_new(struct arena *arena)
{
    return arena_alloc(arena, sizeof(struct port_set));
}

void port_set_add(struct port_set *set, uint32_t low, uint32_t high)
{
    for (uint32_t port = low; port <= high && port <= PORT_MAX; port++)
        set->bits[port / 8] = (uint8_t)(set->bits[port / 8] | 1u << port % 8);
}

bool port_set_has(const struct port_set *set, uint32_t port)
{
    return port <= PORT_MAX && (set->bits[port / 8] & 1u << port % 8) != 0;
}

uint32_t port_set_count(const struct port_set *set, uint32_t low, uint32_t high)
{
    uint32_t count = 0;

    for (uint32_t port = low; port <= high && port <= PORT_MAX; port++)
        count += port_set_has(set, port);
    return count;
}

void port_set_add_text(struct port_set *set, const char *text)
{
    struct span rest = span_of(text != NULL ? text : "");

    while (rest.len > 0) {
        struct span high_text = span_trim(span_cut(&rest, ','));
        bool is_range = memchr(high_text.ptr, '-', high_text.len) != NULL;
        struct span low_text = is_range ? span_cut(&high_text, '-') : high_text;
        uint64_t low, high;

        if (span_scan_u64(low_text, &low) && span_scan_u64(high_text, &high) && high <= PORT_MAX &&
            low <= high)
            port_set_add(set, (uint32_t)low, (uint32_t)high);
    }
}

const char *port_set_text(const struct port_set *set, struct arena *arena)
{
    struct text text = text_new(arena);

    for (uint32_t low = 0; low <= PORT_MAX; low++) {
        uint32_t high = low;

        if (!port_set_has(set, low))
            continue;
        while (port_set_has(set, high + 1))
            high++;
        text_addf(&text, text.len > 0 ? ",%u" : "%u", low);
        if (high > low)
            text_addf(&text, "-%u", high);
        low = high;
    }
    return text_string(&text);
}

struct port_range port_range_parse(const char *text)
{
    struct port_range range = {.known = false};
    struct span high_text = span_trim(span_of(text != NULL ? text : ""));
    size_t cut = 0;
    uint64_t low, high;

    while (cut < high_text.len && high_text.ptr[cut] != ' ' && high_text.ptr[cut] != '\t')
        cut++;
    struct span low_text = {high_text.ptr, cut};
    high_text = span_trim((struct span){high_text.ptr + cut, high_text.len - cut});
    if (span_scan_u64(low_text, &low) && span_scan_u64(high_text, &high) && low <= high &&
        high <= PORT_MAX)
        range = (struct port_range){true, (uint32_t)low, (uint32_t)high};
    return range;
}
