#include "remediations/sysctl_ports.h"

#include <string.h>

#include "plans/base/text.h"
#include "remediations/host/sockets.h"
#include "remediations/host/sysctl.h"

enum { PORT_MAX = 65535, RANGE_LOW_DEFAULT = 32768, RANGE_HIGH_DEFAULT = 60999 };
enum { UNPRIVILEGED_DEFAULT = 1024 };

bool ports_have(const struct ports *ports, uint32_t port)
{
    return port <= PORT_MAX && (ports->in[port / 8] & (1u << (port % 8))) != 0;
}

void ports_add(struct ports *ports, uint32_t low, uint32_t high)
{
    for (uint32_t port = low; port <= high && port <= PORT_MAX; port++)
        ports->in[port / 8] = (uint8_t)(ports->in[port / 8] | (1u << (port % 8)));
}

int ports_parse(struct span text, struct ports *out_ports, struct err *err)
{
    struct ports ports = {0};

    text = span_trim(text);
    while (text.len > 0) {
        struct span high = span_trim(span_cut(&text, ','));
        if (high.len == 0)
            continue;
        struct span low = span_cut(&high, '-');
        uint64_t from, to;
        if (span_to_u64(low, "port", 1, PORT_MAX, &from, err) < 0 ||
            (to = from, high.len > 0 && span_to_u64(high, "port", from, PORT_MAX, &to, err) < 0))
            return -1;
        ports_add(&ports, (uint32_t)from, (uint32_t)to);
    }
    *out_ports = ports;
    return 0;
}

const char *ports_text(const struct ports *ports, struct arena *arena)
{
    struct text text = text_new(arena);

    for (uint32_t low = 0; low <= PORT_MAX; low++) {
        if (!ports_have(ports, low))
            continue;
        uint32_t high = low;
        while (high < PORT_MAX && ports_have(ports, high + 1))
            high++;
        text_addf(&text, text.len == 0 ? "%u" : ",%u", low);
        if (high > low)
            text_addf(&text, "-%u", high);
        low = high;
    }
    return text_string(&text);
}

int ports_parse_range(struct span text, uint32_t *out_low, uint32_t *out_high, struct err *err)
{
    struct span rest = span_trim(text), low = span_cut(&rest, ' ');
    uint64_t from, to;

    if (span_to_u64(low, "lowest port", 1, PORT_MAX - 1, &from, err) < 0 ||
        span_to_u64(span_trim(rest), "highest port", from + 1, PORT_MAX, &to, err) < 0)
        return -1;
    *out_low = (uint32_t)from;
    *out_high = (uint32_t)to;
    return 0;
}

/* The running value, in a tree (or where the kernel tells none) what the boot sets; may be NULL. */
static int value_now(const struct host *host, const char *key, struct arena *arena,
                     const char **out_value, struct err *err)
{
    struct sysctl_boot boot;

    if (sysctl_read(host, key, arena, out_value, err) < 0)
        return -1;
    if (*out_value != NULL)
        return 0;
    if (sysctl_at_boot(host, key, arena, &boot, err) < 0)
        return -1;
    *out_value = boot.value;
    return 0;
}

static int check_lowest(const struct scene *scene, uint32_t low, struct arena *arena,
                        struct err *err)
{
    uint64_t lowest = UNPRIVILEGED_DEFAULT;
    const char *value;

    if (value_now(scene->host, "net.ipv4.ip_unprivileged_port_start", arena, &value, err) < 0)
        return -1;
    if (value != NULL)
        (void)span_scan_u64(span_of(value), &lowest);
    if (low < lowest)
        return err_set(err, ERR_INPUT,
                       "%s begins at %u: expected %u or more (net.ipv4.ip_unprivileged_port_start)",
                       SYSCTL_PORT_RANGE, low, (unsigned)lowest);
    return 0;
}

/* What listens now and what the configuration binds. */
static int listening_ports(const struct scene *scene, struct arena *arena, struct ports *ports,
                           struct err *err)
{
    struct sockets sockets;

    if (scene->host->live) {
        if (sockets_read(scene->host, 0, arena, &sockets, err) < 0)
            return err_wrap(err, "cannot tell which ports listen");
        for (size_t i = 0; i < sockets.listener_count; i++)
            ports_add(ports, sockets.listeners[i].port, sockets.listeners[i].port);
    }
    for (size_t i = 0; scene->cfg != NULL && i < scene->cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = scene->cfg->proxies[i];
        for (size_t k = 0; k < proxy->bind_count; k++) {
            if (proxy->binds[k].port_low != 0)
                ports_add(ports, proxy->binds[k].port_low, proxy->binds[k].port_high);
        }
    }
    return 0;
}

static const char *wished_reserved(const struct scene *scene)
{
    for (size_t i = 0; i < scene->wish_count; i++) {
        if (strcmp(scene->wishes[i].address, "sysctl.dropin:" SYSCTL_RESERVED_PORTS) == 0)
            return scene->wishes[i].value;
    }
    return NULL;
}

/* What will be reserved now and after the next boot: what the same plan wishes, else what both
 * sides have. */
static int reserved_ports(const struct scene *scene, struct arena *arena, struct ports *out_ports,
                          struct err *err)
{
    const char *wished = wished_reserved(scene), *running;
    struct sysctl_boot boot;
    struct ports other;

    if (wished != NULL)
        return ports_parse(span_of(wished), out_ports, err);
    if (sysctl_read(scene->host, SYSCTL_RESERVED_PORTS, arena, &running, err) < 0 ||
        sysctl_at_boot(scene->host, SYSCTL_RESERVED_PORTS, arena, &boot, err) < 0 ||
        ports_parse(span_of(boot.value == NULL ? "" : boot.value), out_ports, err) < 0)
        return -1;
    if (!scene->host->live)
        return 0;
    if (ports_parse(span_of(running == NULL ? "" : running), &other, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof other.in; i++)
        out_ports->in[i] = (uint8_t)(out_ports->in[i] & other.in[i]);
    return 0;
}

static int refuse(const struct ports *reserved, const struct ports *missing, const char *value,
                  struct arena *arena, struct err *err)
{
    struct ports all = *reserved;

    for (size_t i = 0; i < sizeof all.in; i++)
        all.in[i] = (uint8_t)(all.in[i] | missing->in[i]);
    return err_set(err, ERR_INPUT,
                   "%s %s would cover ports that listen and are not reserved: %s; wish "
                   "sysctl.dropin:%s=%s in the same plan",
                   SYSCTL_PORT_RANGE, value, ports_text(missing, arena), SYSCTL_RESERVED_PORTS,
                   ports_text(&all, arena));
}

/* What the widening opens. */
static void tell_widening(uint32_t low, uint32_t high, uint32_t old_low, uint32_t old_high,
                          struct arena *arena, struct change *change)
{
    if (low >= old_low && high <= old_high)
        return;
    strings_addf(&change->exposure, arena,
                 "outgoing connections take their ports from %u-%u (before: %u-%u)", low, high,
                 old_low, old_high);
    strings_addf(
        &change->exposure, arena,
        "inside %u-%u the kernel does not ask SELinux for name_bind: every domain may bind "
        "these TCP and UDP ports, whatever they are labelled",
        low, high);
}

int ports_judge_range(const struct scene *scene, const char *value, struct arena *arena,
                      struct change *change, struct err *err)
{
    struct ports *sets = arena_alloc(arena, 4 * sizeof *sets);
    struct ports *listening = &sets[0], *reserved = &sets[1], *missing = &sets[2],
                 *known = &sets[3];
    uint32_t low, high, old_low = RANGE_LOW_DEFAULT, old_high = RANGE_HIGH_DEFAULT;
    struct err ignored;
    const char *now;
    bool any = false, any_known = false;

    if (ports_parse_range(span_of(value), &low, &high, err) < 0 ||
        check_lowest(scene, low, arena, err) < 0 ||
        value_now(scene->host, SYSCTL_PORT_RANGE, arena, &now, err) < 0 ||
        listening_ports(scene, arena, listening, err) < 0 ||
        reserved_ports(scene, arena, reserved, err) < 0)
        return -1;
    if (now != NULL && ports_parse_range(span_of(now), &old_low, &old_high, &ignored) < 0) {
        old_low = RANGE_LOW_DEFAULT;
        old_high = RANGE_HIGH_DEFAULT;
    }
    for (uint32_t port = low; port <= high; port++) {
        if (!ports_have(listening, port) || ports_have(reserved, port))
            continue;
        bool was_inside = port >= old_low && port <= old_high;
        ports_add(was_inside ? known : missing, port, port);
        any = any || !was_inside;
        any_known = any_known || was_inside;
    }
    if (any)
        return refuse(reserved, missing, value, arena, err);
    if (any_known)
        strings_addf(&change->notes, arena, "listening, inside the range before, not reserved: %s",
                     ports_text(known, arena));
    tell_widening(low, high, old_low, old_high, arena, change);
    return 0;
}

void ports_compare_reserved(const char *before, const char *after, struct arena *arena,
                            struct change *change)
{
    struct ports *sets = arena_alloc(arena, 2 * sizeof *sets);
    struct err ignored;
    bool any = false;

    if (before == NULL || ports_parse(span_of(before), &sets[0], &ignored) < 0 ||
        ports_parse(span_of(after), &sets[1], &ignored) < 0)
        return;
    for (size_t i = 0; i < sizeof sets[0].in; i++) {
        sets[0].in[i] = (uint8_t)(sets[0].in[i] & ~sets[1].in[i]);
        any = any || sets[0].in[i] != 0;
    }
    if (any)
        strings_addf(&change->exposure, arena, "no longer reserved for servers: %s",
                     ports_text(&sets[0], arena));
}
