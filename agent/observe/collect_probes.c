#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "agent/observe/collect.h"
#include "agent/observe/probe_answer.h"
#include "remediations/host/haproxy_endpoint.h"
#include "remediations/host/network.h"

/* So many at once that the usual limit of descriptors is enough. All that are well take their turn
 * within milliseconds; where many are not, the rest is left untried once time is up. */
enum { PROBES_MAX = 4096, AT_ONCE = 448, KNOWN_SLOTS = 8192, SOURCES_MAX = 64 };
enum { DEADLINE_US = 1000000, ALL_US = 2 * DEADLINE_US };

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

static bool make_target(const char *address, uint32_t port, struct target *target)
{
    *target = (struct target){0};
    if (address != NULL && port > 0 && port <= UINT16_MAX)
        target->len = haproxy_endpoint_ip(address, port, &target->address);
    return target->len > 0;
}

/* False: it has none, or one without a name. */
static bool make_unix_target(const struct cfg_server *server, struct target *target)
{
    const char *text = cfg_server_unix(server);
    struct sockaddr_un name;

    *target = (struct target){0};
    /* What was escaped is no name any more. */
    if (text == NULL || (server->is_unix && text[0] != '/') || strchr(text, '\\') != NULL ||
        strncmp(server->text, "uxdg@", 5) == 0)
        return false;
    target->len = haproxy_endpoint_unix(text, &name);
    memcpy(&target->address, &name, sizeof name);
    return target->len > 0;
}

/* Those that are known, by address: open addressing, never full. */
struct known {
    uint32_t slots[KNOWN_SLOTS]; /* index + 1; 0: free */
};

static uint32_t hash_of(const struct target *target)
{
    const unsigned char *bytes = (const unsigned char *)&target->address;
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (socklen_t i = 0; i < target->len; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

static bool add_if_new(struct known *known, const struct target *targets, size_t count,
                       const struct target *target)
{
    uint32_t at = hash_of(target) % KNOWN_SLOTS;

    for (; known->slots[at] != 0; at = (at + 1) % KNOWN_SLOTS) {
        const struct target *other = &targets[known->slots[at] - 1];
        if (other->len == target->len &&
            memcmp(&other->address, &target->address, target->len) == 0)
            return false;
    }
    known->slots[at] = (uint32_t)count + 1;
    return true;
}

struct list {
    struct arena *arena;
    struct host *root; /* HAProxy's own, which `chroot` may have changed; NULL: it does not run */
    struct target *targets;
    struct probe *probes;
    size_t count;
    struct known known;
};

static void add(struct list *list, const struct target *target, const struct probe *probe)
{
    if (list->count == PROBES_MAX || !add_if_new(&list->known, list->targets, list->count, target))
        return;
    list->targets[list->count] = *target;
    list->probes[list->count++] = *probe;
}

static void add_address(struct list *list, const char *address, uint32_t port)
{
    struct target target;

    if (make_target(address, port, &target))
        add(list, &target, &(struct probe){.address = address, .port = port});
}

static void add_unix(struct list *list, const struct cfg_server *server)
{
    struct target target;

    if (list->root != NULL && make_unix_target(server, &target))
        add(list, &target, &(struct probe){.address = cfg_server_unix(server)});
}

/* Where traffic goes, and where the check goes if that is another place. */
static void list_targets(const struct cfg *cfg, struct list *list)
{
    for (size_t i = 0; i < cfg->proxy_count; i++)
        for (size_t j = 0; j < cfg->proxies[i]->server_count; j++) {
            const struct cfg_server *server = &cfg->proxies[i]->servers[j];
            const char *checked = cfg_contact_of(server)->check_address;

            add_unix(list, server);
            if (!cfg_server_is_direct(server))
                continue;
            add_address(list, server->address, server->port);
            if (checked != NULL || server->check_port > 0)
                add_address(list, checked != NULL ? checked : server->address,
                            server->check_port > 0 ? server->check_port : server->port);
        }
}

/* ---- addresses to connect from ---- */

static int try_to_bind(const char *address)
{
    struct sockaddr_storage name;
    socklen_t len = haproxy_endpoint_ip(address, 0, &name);

    if (len == 0)
        return EINVAL;
    int fd CLEANUP_FD = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && bind(fd, (const struct sockaddr *)&name, len) == 0 ? 0 : errno;
}

static void try_source(struct collection *collection, const char *address)
{
    struct facts *facts = collection->facts;

    if (address == NULL || facts->source_tried_count == SOURCES_MAX)
        return;
    for (size_t i = 0; i < facts->source_tried_count; i++)
        if (strcmp(facts->sources_tried[i].address, address) == 0)
            return;
    ARENA_PUSH(collection->arena, facts->sources_tried, facts->source_tried_count) =
        (struct probe_source){address, try_to_bind(address)};
}

static void try_sources(struct collection *collection, const struct cfg *cfg)
{
    for (size_t i = 0; i < cfg->proxy_count; i++) {
        try_source(collection, cfg->proxies[i]->check.source);
        for (size_t j = 0; j < cfg->proxies[i]->server_count; j++)
            try_source(collection, cfg_contact_of(&cfg->proxies[i]->servers[j])->source);
    }
}

/* ---- connects ---- */

/* A path means what it means to HAProxy: below its root, links included. 0; else an errno value. */
static int connect_to(int fd, const struct target *target, const struct host *root)
{
    struct sockaddr_un name;
    int there CLEANUP_FD = -1;
    struct err err;

    memcpy(&name, &target->address, sizeof name);
    if (name.sun_family == AF_UNIX && name.sun_path[0] == '/') {
        if (host_open_path(root, name.sun_path, O_PATH, &there, &err) < 0)
            return err.sys;
        (void)snprintf(name.sun_path, sizeof name.sun_path, "/proc/self/fd/%d", there);
        return connect(fd, (const struct sockaddr *)&name, sizeof name) == 0 ? 0 : errno;
    }
    return connect(fd, (const struct sockaddr *)&target->address, target->len) == 0 ? 0 : errno;
}

/* The descriptor, or -1 where it was decided at once. A reset at the end: no TIME-WAIT stays
 * behind, which would take a local port from HAProxy. */
static int begin(struct target *target, struct probe *probe, const struct list *list)
{
    const struct linger reset = {.l_onoff = 1};
    int fd CLEANUP_FD =
        socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    target->started = now_us();
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0) {
        probe->error = errno;
        return -1;
    }
    probe_answer_watch(fd, target->address.ss_family);
    int failed = connect_to(fd, target, list->root);
    if (failed == EINPROGRESS)
        return take_fd(&fd);
    if (failed == 0)
        return -1;
    probe->error = failed;
    probe->microseconds = now_us() - target->started;
    probe->answer = probe_answer_read(fd, list->arena);
    return -1;
}

static void end(const struct target *target, struct probe *probe, const struct pollfd *slot,
                struct arena *arena)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (slot->revents == 0)
        error = ETIMEDOUT;
    else if (getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    probe->error = error;
    probe->microseconds = now_us() - target->started;
    if (error != 0)
        probe->answer = probe_answer_read(slot->fd, arena);
    (void)close(slot->fd);
}

/* Connects that are under way, and whose they are. */
struct flight {
    struct pollfd slots[AT_ONCE];
    size_t of[AT_ONCE];
    size_t count;
};

static void begin_more(struct list *list, struct flight *flight, size_t *next)
{
    while (flight->count < AT_ONCE && *next < list->count) {
        size_t index = (*next)++;
        int fd = begin(&list->targets[index], &list->probes[index], list);

        if (fd < 0)
            continue;
        flight->slots[flight->count] = (struct pollfd){.fd = fd, .events = POLLOUT};
        flight->of[flight->count++] = index;
    }
}

static void end_some(struct list *list, struct flight *flight)
{
    int64_t now = now_us();
    size_t kept = 0;

    for (size_t i = 0; i < flight->count; i++) {
        size_t index = flight->of[i];
        struct pollfd slot = flight->slots[i];

        if (slot.revents != 0 || now - list->targets[index].started >= DEADLINE_US) {
            end(&list->targets[index], &list->probes[index], &slot, list->arena);
            continue;
        }
        flight->slots[kept] = slot;
        flight->of[kept++] = index;
    }
    flight->count = kept;
}

/* How many were tried: the first ones of the list. */
static size_t connect_all(struct list *list, struct flight *flight)
{
    int64_t started = now_us();
    size_t next = 0;

    begin_more(list, flight, &next);
    while (flight->count > 0) {
        /* The first one that is left has waited longest. */
        int64_t left = list->targets[flight->of[0]].started + DEADLINE_US - now_us();

        for (size_t i = 0; i < flight->count; i++)
            flight->slots[i].revents = 0;
        if (poll(flight->slots, (nfds_t)flight->count, left <= 0 ? 0 : (int)(left / 1000 + 1)) < 0)
            for (size_t i = 0; i < flight->count; i++)
                flight->slots[i].revents = 0;
        end_some(list, flight);
        if (now_us() - started < ALL_US - DEADLINE_US)
            begin_more(list, flight, &next);
    }
    return next;
}

struct probing {
    struct collection *collection;
    struct list *list;
    size_t tried;
};

static int probe_there(void *context, struct err *err)
{
    struct probing *probing = context;

    (void)err;
    try_sources(probing->collection, probing->collection->known->cfg);
    probing->tried =
        connect_all(probing->list, arena_alloc(probing->collection->arena, sizeof(struct flight)));
    return 0;
}

int collect_probes(struct collection *collection, struct err *err)
{
    const struct facts *known = collection->known;
    struct arena *arena = collection->arena;
    struct list *list = arena_alloc(arena, sizeof *list);
    struct probing probing = {collection, list, 0};
    struct host *root CLEANUP_HOST = NULL;
    struct err ignored; /* that of a worker that has just ended */

    if (known->cfg == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no configuration was read that names servers");
    if (known->haproxy->worker > 0)
        (void)!host_open(arena_printf(arena, "/proc/%jd/root", (intmax_t)known->haproxy->worker),
                         &root, &ignored);
    list->arena = arena;
    list->root = root;
    list->targets = arena_alloc(arena, PROBES_MAX * sizeof *list->targets);
    list->probes = arena_alloc(arena, PROBES_MAX * sizeof *list->probes);
    list_targets(known->cfg, list);
    if (list->count == 0)
        return err_set(err, ERR_UNSUPPORTED, "no server has an address to connect to");
    if (network_run(known->haproxy->worker, probe_there, &probing, err) < 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "HAProxy lives in another network namespace, which this agent may not "
                       "enter: a connect from here would tell nothing");
    collection->facts->probes = list->probes;
    collection->facts->probe_count = probing.tried;
    return 0;
}
