#include "remediations/host/tls_name.h"

#include <string.h>
#include <strings.h>

static bool is_same(struct span one, struct span other)
{
    return one.len == other.len && (one.len == 0 || strncasecmp(one.ptr, other.ptr, one.len) == 0);
}

static struct span first(struct span text, size_t len)
{
    return (struct span){text.ptr, len};
}

static struct span last(struct span text, size_t len)
{
    return (struct span){text.ptr + text.len - len, len};
}

bool tls_name_matches(struct span pattern, struct span name)
{
    struct span rest = pattern, others = name;
    struct span label = span_cut(&rest, '.'), here = span_cut(&others, '.');
    const char *star = label.len > 0 ? memchr(label.ptr, '*', label.len) : NULL;

    if (is_same(pattern, name))
        return true;
    if (star == NULL || label.len == pattern.len || here.len == name.len ||
        !is_same(rest, others) || here.len + 1 < label.len)
        return false;
    size_t before = (size_t)(star - label.ptr), behind = label.len - before - 1;
    return memchr(star + 1, '*', behind) == NULL &&
           is_same(first(label, before), first(here, before)) &&
           is_same(last(label, behind), last(here, behind));
}
