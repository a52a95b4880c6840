#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/observe/collect.h"
#include "remediations/host/network.h"

enum { PROBES_MAX = 512, DEADLINE_US = 1000000 };

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct target {
    struct sockaddr_storage address;
    socklen_t len;
    int64_t started;
};

static bool make_target(const struct cfg_server *server, struct target *target)
{
    *target = (struct target){0};
    if (server->is_unix || server->address == NULL || server->port == 0 || server->port > 65535)
        return false;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    if (inet_pton(AF_INET, server->address, &v4.sin_addr) == 1) {
        memcpy(&target->address, &v4, sizeof v4);
        target->len = sizeof v4;
        return true;
    }
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)server->port)};
    if (inet_pton(AF_INET6, server->address, &v6.sin6_addr) != 1)
        return false;
    memcpy(&target->address, &v6, sizeof v6);
    target->len = sizeof v6;
    return true;
}

static bool is_known(const struct target *targets, size_t count, const struct target *target)
{
    for (size_t i = 0; i < count; i++)
        if (targets[i].len == target->len &&
            memcmp(&targets[i].address, &target->address, target->len) == 0)
            return true;
    return false;
}

static size_t list_targets(const struct cfg *cfg, struct target *targets, struct probe *probes)
{
    size_t count = 0;

    for (size_t i = 0; i < cfg->proxy_count; i++)
        for (size_t j = 0; j < cfg->proxies[i]->server_count && count < PROBES_MAX; j++) {
            const struct cfg_server *server = &cfg->proxies[i]->servers[j];
            struct target target;
            if (!make_target(server, &target) || is_known(targets, count, &target))
                continue;
            targets[count] = target;
            probes[count++] = (struct probe){.address = server->address, .port = server->port};
        }
    return count;
}

/* The descriptor, or -1 where it was decided at once. A reset at the end: no TIME-WAIT stays
 * behind, which would take a local port from HAProxy. */
static int begin(struct target *target, struct probe *probe)
{
    const struct linger reset = {.l_onoff = 1};
    int fd CLEANUP_FD =
        socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    target->started = now_us();
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0) {
        probe->error = errno;
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&target->address, target->len) == 0)
        return -1;
    if (errno == EINPROGRESS)
        return take_fd(&fd);
    probe->error = errno;
    probe->microseconds = now_us() - target->started;
    return -1;
}

static void end(const struct target *target, struct probe *probe, struct pollfd *slot)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (slot->revents == 0)
        error = ETIMEDOUT;
    else if (getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    probe->error = error;
    probe->microseconds = now_us() - target->started;
    (void)close(slot->fd);
    slot->fd = -1;
}

static void connect_all(struct target *targets, struct probe *probes, struct pollfd *slots,
                        size_t count)
{
    size_t open = 0;

    for (size_t i = 0; i < count; i++) {
        slots[i] = (struct pollfd){.fd = begin(&targets[i], &probes[i]), .events = POLLOUT};
        open += slots[i].fd >= 0;
    }
    int64_t deadline = now_us() + DEADLINE_US;
    while (open > 0) {
        int64_t left = deadline - now_us();
        int ready = left <= 0 ? 0 : poll(slots, (nfds_t)count, (int)(left / 1000 + 1));
        if (ready < 0 && errno == EINTR)
            continue;
        for (size_t i = 0; i < count; i++) {
            /* With nothing ready, time is up for all that are left. */
            if (slots[i].fd < 0 || (ready > 0 && slots[i].revents == 0))
                continue;
            if (ready <= 0)
                slots[i].revents = 0;
            end(&targets[i], &probes[i], &slots[i]);
            open--;
        }
    }
}

struct probing {
    struct target *targets;
    struct probe *probes;
    struct pollfd *slots;
    size_t count;
};

static int probe_there(void *context, struct err *err)
{
    const struct probing *probing = context;

    (void)err;
    connect_all(probing->targets, probing->probes, probing->slots, probing->count);
    return 0;
}

int collect_probes(struct collection *collection, struct err *err)
{
    const struct facts *known = collection->known;
    struct arena *arena = collection->arena;

    if (known->cfg == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no configuration was read that names servers");
    struct target *targets = arena_alloc(arena, PROBES_MAX * sizeof *targets);
    struct probe *probes = arena_alloc(arena, PROBES_MAX * sizeof *probes);
    struct pollfd *slots = arena_alloc(arena, PROBES_MAX * sizeof *slots);
    size_t count = list_targets(known->cfg, targets, probes);

    if (count == 0)
        return err_set(err, ERR_UNSUPPORTED, "no server has an address to connect to");
    struct probing probing = {targets, probes, slots, count};
    if (network_run(known->haproxy->worker, probe_there, &probing, err) < 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "HAProxy lives in another network namespace, which this agent may not "
                       "enter: a connect from here would tell nothing");
    collection->facts->probes = probes;
    collection->facts->probe_count = count;
    return 0;
}
