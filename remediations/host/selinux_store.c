/* The part of host/selinux that needs no library: it answers the same in every build and in a tree.
 */
#include "remediations/host/selinux.h"

#include <string.h>
#include <strings.h>

#define CONFIG_PATH "/etc/selinux/config"
#define CONFIG_MAX  ((size_t)256 * 1024)

bool selinux_is_nobodys(const char *type)
{
    static const char *const nobodys[] = {"unreserved_port_t", "reserved_port_t",
                                          "hi_reserved_port_t", "ephemeral_port_t", "port_t"};

    if (type == NULL)
        return true;
    for (size_t at = 0; at < sizeof nobodys / sizeof nobodys[0]; at++)
        if (strcmp(type, nobodys[at]) == 0)
            return true;
    return false;
}

/* One plain path component: the name becomes part of paths that root writes to. */
static bool is_store_name(struct span name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

    if (name.len == 0 || name.len > 64 || name.ptr[0] == '.')
        return false;
    for (size_t at = 0; at < name.len; at++)
        if (name.ptr[at] == '\0' || strchr(letters, name.ptr[at]) == NULL)
            return false;
    return true;
}

/* libselinux reads it so: the tag in any case, at the start of a line, and the last one wins. */
static struct span find_type(struct span text)
{
    static const char tag[] = "SELINUXTYPE=";
    const size_t tag_len = sizeof tag - 1;
    struct span found = span_of("targeted");
    struct span line;

    while (span_next_line(&text, &line)) {
        line = span_trim(line);
        if (line.len < tag_len || strncasecmp(line.ptr, tag, tag_len) != 0)
            continue;
        found = span_trim((struct span){line.ptr + tag_len, line.len - tag_len});
    }
    return found;
}

int selinux_store_name(const struct host *host, struct arena *arena, const char **out_name,
                       struct err *err)
{
    struct span name;

    if (host->settings.selinux_store != NULL && host->settings.selinux_store[0] != '\0') {
        name = span_of(host->settings.selinux_store);
    } else {
        struct span text;
        bool exists = false;
        if (host_read(host, CONFIG_PATH, CONFIG_MAX, arena, &exists, &text, err) < 0)
            return -1;
        if (!exists) {
            *out_name = NULL;
            return 0;
        }
        name = find_type(text);
    }
    if (!is_store_name(name))
        return err_set(err, ERR_INPUT, "'%.*s' cannot be the name of an SELinux policy",
                       (int)(name.len < 64 ? name.len : 64), name.ptr);
    *out_name = arena_copy(arena, name.ptr, name.len);
    return 0;
}
