#include "remediations/host/port_owner.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plans/base/file.h"
#include "remediations/host/haproxy_process.h"
#include "remediations/host/netlink.h"
#include "remediations/host/network.h"
#include "remediations/host/sockets_table.h"

enum { PROCESSES_MAX = 65536, TRIES = 3 };

/* ---- listeners ---- */

struct wanted {
    struct port_owners *owners;
    size_t missing;
    struct arena *arena;
};

/* "socket:[12345]" */
static bool inode_of(int dir, const char *name, uint64_t *out_inode)
{
    char link[64];
    ssize_t len = readlinkat(dir, name, link, sizeof link);
    struct span text = {link, len < 0 ? 0 : (size_t)len};

    if (!span_starts_with(text, "socket:[") || !span_ends_with(text, "]"))
        return false;
    return span_scan_u64((struct span){link + 8, text.len - 9}, out_inode);
}

static void take(struct wanted *wanted, pid_t pid, uint64_t inode, bool is_own)
{
    for (size_t i = 0; i < wanted->owners->count; i++) {
        struct port_owner *owner = &wanted->owners->at[i];

        if (owner->inode != inode || owner->pid != 0)
            continue;
        owner->pid = pid;
        owner->is_own = is_own;
        wanted->missing--;
    }
}

/* False: it may not be looked at. */
static bool look_at(struct wanted *wanted, pid_t pid, bool is_own)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%jd/fd", (intmax_t)pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT || errno == ESRCH;
    /* These streams are ours alone, and readdir_r is deprecated. */
    /* cppcheck-suppress readdirCalled */
    for (const struct dirent *entry; wanted->missing > 0 && (entry = readdir(dir)) != NULL;) {
        uint64_t inode = 0;

        if (inode_of(dirfd(dir), entry->d_name, &inode))
            take(wanted, pid, inode, is_own);
    }
    (void)closedir(dir);
    return true;
}

static int look_at_all(struct wanted *wanted, struct err *err)
{
    DIR *proc = opendir("/proc");
    size_t seen = 0;

    if (proc == NULL)
        return err_sys(err, errno, "cannot open '/proc'");
    /* cppcheck-suppress readdirCalled */
    for (const struct dirent *entry; wanted->missing > 0 && (entry = readdir(proc)) != NULL;) {
        uint64_t pid = 0;

        if (!span_scan_u64(span_of(entry->d_name), &pid) || pid == 0 || pid > INT32_MAX)
            continue;
        if (seen++ >= PROCESSES_MAX || !look_at(wanted, (pid_t)pid, false))
            wanted->owners->complete = false;
    }
    (void)closedir(proc);
    return 0;
}

static void name(struct port_owner *owner, struct arena *arena)
{
    struct process process;

    if (owner->pid == 0 || !process_read((pid_t)owner->pid, arena, &process))
        return;
    owner->name = process.name;
    owner->program = process.program;
}

int port_owner_find(const pid_t *own, size_t own_count, const uint64_t *inodes, size_t count,
                    struct arena *arena, struct port_owners *out_owners, struct err *err)
{
    struct port_owners owners = {.count = count, .complete = true};
    struct wanted wanted = {&owners, count, arena};

    owners.at = arena_alloc(arena, count * sizeof *owners.at);
    for (size_t i = 0; i < count; i++)
        owners.at[i].inode = inodes[i];
    for (size_t i = 0; i < own_count && wanted.missing > 0; i++)
        if (!look_at(&wanted, own[i], true))
            owners.complete = false;
    if (wanted.missing > 0 && look_at_all(&wanted, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        name(&owners.at[i], arena);
    *out_owners = owners;
    return 0;
}

/* ---- connections ---- */

struct reading {
    const uint32_t *ports;
    size_t count;
    struct arena *arena;
    struct port_holds holds;
};

static const char *endpoint(struct arena *arena, int family, const void *address, uint16_t port)
{
    char text[INET6_ADDRSTRLEN] = "";

    (void)inet_ntop(family, address, text, sizeof text);
    return arena_printf(arena, family == AF_INET6 ? "[%s]:%u" : "%s:%u", text,
                        (unsigned)ntohs(port));
}

static void take_connection(void *context, uint16_t type, struct span payload)
{
    struct reading *reading = context;
    struct inet_diag_msg message;
    struct port_hold *hold = NULL;
    bool is_wanted = false;

    (void)type;
    if (payload.len < sizeof message)
        return;
    memcpy(&message, payload.ptr, sizeof message);
    uint32_t port = ntohs(message.id.idiag_sport);
    for (size_t i = 0; i < reading->count; i++)
        is_wanted = is_wanted || reading->ports[i] == port;
    if (!is_wanted)
        return;
    for (size_t i = 0; i < reading->holds.count; i++)
        if (reading->holds.at[i].port == port)
            hold = &reading->holds.at[i];
    if (hold == NULL) {
        hold = &ARENA_PUSH(reading->arena, reading->holds.at, reading->holds.count);
        hold->port = port;
        hold->local = endpoint(reading->arena, message.idiag_family, message.id.idiag_src,
                               message.id.idiag_sport);
        hold->remote = endpoint(reading->arena, message.idiag_family, message.id.idiag_dst,
                                message.id.idiag_dport);
    }
    hold->total++;
    hold->time_wait += message.idiag_state == SOCKET_TIME_WAIT;
    if (message.idiag_inode != 0)
        hold->inode = message.idiag_inode;
}

static int read_there(void *context, struct err *err)
{
    static const unsigned char families[] = {AF_INET, AF_INET6};
    struct netlink *netlink CLEANUP_NETLINK = NULL;

    if (netlink_open(NETLINK_SOCK_DIAG, &netlink, err) < 0)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        const struct inet_diag_req_v2 request = {
            .sdiag_family = families[i],
            .sdiag_protocol = IPPROTO_TCP,
            .idiag_states = 1U << SOCKET_ESTABLISHED | 1U << SOCKET_SYN_SENT |
                            1U << SOCKET_FIN_WAIT1 | 1U << SOCKET_FIN_WAIT2 |
                            1U << SOCKET_TIME_WAIT | 1U << SOCKET_CLOSE_WAIT |
                            1U << SOCKET_LAST_ACK | 1U << SOCKET_CLOSING};
        struct netlink_body body = {.len = 0};
        const struct netlink_question question = {SOCK_DIAG_BY_FAMILY, true, &body,
                                                  "the kernel's list of sockets"};

        netlink_put(&body, &request, sizeof request);
        if (netlink_ask(netlink, &question, take_connection, context, err) < 0)
            return -1;
    }
    return 0;
}

int port_owner_connections(pid_t pid, const uint32_t *ports, size_t count, struct arena *arena,
                           struct port_holds *out_holds, struct err *err)
{
    for (int i = 0;; i++) {
        struct reading reading = {.ports = ports, .count = count, .arena = arena};

        if (network_run(pid, read_there, &reading, err) == 0) {
            *out_holds = reading.holds;
            return 0;
        }
        /* EINTR: the list changed so much while it was read that the kernel disowns it. */
        if (err->sys != EINTR || i + 1 >= TRIES)
            return -1;
        *err = (struct err){0};
    }
}
