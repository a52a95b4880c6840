#include "remediations/host/haproxy_endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "remediations/host/haproxy_cfg_address.h"

const char *haproxy_endpoint_path(const char *text)
{
    if (strncmp(text, "unix@", 5) == 0)
        text += 5;
    return text[0] == '/' ? text : NULL;
}

bool haproxy_endpoint_split(const char *text, struct arena *arena, const char **out_address,
                            uint32_t *out_port)
{
    const char *colon = text != NULL ? strrchr(text, ':') : NULL;
    uint64_t port;

    if (colon == NULL || !span_scan_u64(span_of(colon + 1), &port) || port == 0 ||
        port > UINT16_MAX)
        return false;
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0)
        return false;
    *out_address = arena_copy(arena, text, len);
    *out_port = (uint32_t)port;
    return true;
}

socklen_t haproxy_endpoint_ip(const char *address, uint32_t port,
                              struct sockaddr_storage *out_address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

    *out_address = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(out_address, &v4, sizeof v4);
        return sizeof v4;
    }
    if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
        return 0;
    memcpy(out_address, &v6, sizeof v6);
    return sizeof v6;
}

/* Behind that prefix; NULL: it has another one. */
static const char *behind(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* An abstract name begins with a zero. HAProxy's "abns@" has zeros behind it, too, up to the end;
 * its "abnsz@" ends with the name. */
socklen_t haproxy_endpoint_unix(const char *text, struct sockaddr_un *out_address)
{
    const char *padded = behind(text, "abns@"), *exact = behind(text, "abnsz@");
    const char *name = padded != NULL ? padded : exact != NULL ? exact : text;
    size_t first = name != text, len = strlen(name);

    *out_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (first + len >= sizeof out_address->sun_path)
        return 0;
    memcpy(out_address->sun_path + first, name, len);
    return exact != NULL ? (socklen_t)(offsetof(struct sockaddr_un, sun_path) + first + len)
                         : (socklen_t)sizeof *out_address;
}

bool haproxy_endpoint_is_path(const char *endpoint)
{
    return endpoint[0] == '/';
}

/* Of one on TCP: from this host, also where it listens everywhere. */
static const char *tcp_endpoint(const char *text, struct arena *arena)
{
    struct cfg_address address = cfg_address_parse(span_of(text), true, arena);

    if (address.text == NULL || address.is_unix || address.port_low == 0 ||
        address.port_low != address.port_high)
        return NULL;
    if (strchr(address.text, ':') != NULL)
        return arena_printf(arena, "[%s]:%u",
                            strcmp(address.text, "::") == 0 ? "::1" : address.text,
                            (unsigned)address.port_low);
    return arena_printf(arena, "%s:%u",
                        strcmp(address.text, "0.0.0.0") == 0 ? "127.0.0.1" : address.text,
                        (unsigned)address.port_low);
}

const char *haproxy_endpoint(const char *text, struct arena *arena)
{
    const char *path = haproxy_endpoint_path(text);

    if (path != NULL)
        return path;
    if (strncmp(text, "abns@", 5) == 0 || strncmp(text, "abnsz@", 6) == 0)
        return text;
    return tcp_endpoint(text, arena);
}
