#include "remediations/host/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <string.h>

#include "remediations/host/haproxy_process.h"
#include "remediations/host/netlink.h"
#include "remediations/host/network.h"
#include "remediations/host/sockets_table.h"

enum { TRIES = 3 };

static const uint32_t listening = 1U << SOCKET_LISTEN;
static const uint32_t connected =
    1U << SOCKET_ESTABLISHED | 1U << SOCKET_SYN_SENT | 1U << SOCKET_SYN_RECV |
    1U << SOCKET_FIN_WAIT1 | 1U << SOCKET_FIN_WAIT2 | 1U << SOCKET_TIME_WAIT |
    1U << SOCKET_CLOSE_WAIT | 1U << SOCKET_LAST_ACK | 1U << SOCKET_CLOSING;

/* Each kernel tells as much of the structure as it knows of. */
static void take_info(struct socket_row *row, struct span value)
{
    struct tcp_info info = {0};

    if (value.ptr == NULL || value.len < offsetof(struct tcp_info, tcpi_segs_in))
        return;
    memcpy(&info, value.ptr, value.len < sizeof info ? value.len : sizeof info);
    row->measured = true;
    row->retrying = info.tcpi_retransmits > 0;
    row->round_trip_us = info.tcpi_rtt;
    row->least_round_trip_us = info.tcpi_min_rtt == UINT32_MAX ? 0 : info.tcpi_min_rtt;
    row->segments = info.tcpi_segs_out;
    row->retransmitted = info.tcpi_total_retrans;
}

static void take_drops(struct socket_row *row, struct span value)
{
    uint32_t numbers[SK_MEMINFO_VARS];

    if (value.ptr == NULL || value.len < sizeof numbers)
        return;
    memcpy(numbers, value.ptr, sizeof numbers);
    row->drops_known = true;
    row->drops = numbers[SK_MEMINFO_DROPS];
}

static void take_message(void *context, uint16_t type, struct span payload)
{
    struct socket_table *table = context;
    struct inet_diag_msg message;
    struct socket_row row = {0};

    (void)type;
    if (payload.len < sizeof message)
        return;
    memcpy(&message, payload.ptr, sizeof message);
    bool v6 = message.idiag_family == AF_INET6;
    socket_row_address(row.local, v6, message.id.idiag_src);
    socket_row_address(row.remote, v6, message.id.idiag_dst);
    row.local_port = ntohs(message.id.idiag_sport);
    row.remote_port = ntohs(message.id.idiag_dport);
    row.state = message.idiag_state;
    row.queue = message.idiag_rqueue;
    row.queue_limit = message.idiag_wqueue;
    row.inode = message.idiag_inode;
    if (row.state == SOCKET_LISTEN) {
        take_drops(&row, netlink_find(payload, sizeof message, INET_DIAG_SKMEMINFO));
        socket_table_listen(table, &row);
    } else {
        take_info(&row, netlink_find(payload, sizeof message, INET_DIAG_INFO));
        socket_table_count(table, &row);
    }
}

static int dump(struct netlink *netlink, unsigned char family, uint32_t states,
                struct socket_table *table, struct err *err)
{
    const struct inet_diag_req_v2 request = {
        .sdiag_family = family,
        .sdiag_protocol = IPPROTO_TCP,
        .idiag_states = states,
        .idiag_ext =
            (__u8)(1U << ((states == listening ? INET_DIAG_SKMEMINFO : INET_DIAG_INFO) - 1))};
    struct netlink_body body = {.len = 0};
    const struct netlink_question question = {SOCK_DIAG_BY_FAMILY, true, &body,
                                              "the kernel's list of sockets"};

    netlink_put(&body, &request, sizeof request);
    return netlink_ask(netlink, &question, take_message, table, err);
}

static int read_netlink(struct socket_table *table, bool listeners_alone, struct err *err)
{
    static const unsigned char families[] = {AF_INET, AF_INET6};
    struct netlink *netlink CLEANUP_NETLINK = NULL;

    if (netlink_open(NETLINK_SOCK_DIAG, &netlink, err) < 0)
        return -1;
    /* All listeners first: what was accepted is told from what was made by them. */
    for (size_t i = 0; i < (listeners_alone ? 1 : 2) * sizeof families; i++)
        if (dump(netlink, families[i % 2], i < 2 ? listening : connected, table, err) < 0)
            return -1;
    return 0;
}

static int read_proc(pid_t pid, struct arena *scratch, struct socket_table **out_table,
                     struct err *err)
{
    static const char *const names[] = {"tcp", "tcp6"};
    struct socket_table *table = socket_table_new(scratch);
    struct span texts[2] = {{NULL, 0}, {NULL, 0}};

    for (size_t i = 0; i < 2; i++) {
        const char *path = arena_printf(scratch, "/proc/%jd/net/%s", (intmax_t)pid, names[i]);
        int fd CLEANUP_FD = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && i == 1 && errno == ENOENT)
            continue; /* a kernel without IPv6 */
        if (fd < 0)
            return err_sys(err, errno, "cannot open '%s'", path);
        if (file_read_fd(fd, path, 16 * HOST_FILE_MAX, scratch, &texts[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; i < 4; i++)
        socket_table_read_proc(table, texts[i % 2], i % 2 == 1, i < 2);
    *out_table = table;
    return 0;
}

struct reading {
    struct arena *scratch;
    struct socket_table *table;
};

static int read_there(void *context, struct err *err)
{
    struct reading *reading = context;

    reading->table = socket_table_new(reading->scratch);
    return read_netlink(reading->table, false, err);
}

int sockets_read(const struct host *host, pid_t pid, struct arena *arena,
                 struct sockets *out_sockets, struct err *err)
{
    if (!host->live)
        return err_set(err, ERR_UNSUPPORTED, "a tree has no sockets");
    for (int i = 0;; i++) {
        struct arena *scratch CLEANUP_ARENA = arena_new();
        struct reading reading = {.scratch = scratch};
        struct err netlink_err = {0};
        if (network_run(pid, read_there, &reading, &netlink_err) == 0) {
            socket_table_finish(reading.table, arena, out_sockets);
            return 0;
        }
        /* EINTR: the list changed so much while it was read that the kernel disowns it. */
        if (netlink_err.sys == EINTR && i + 1 < TRIES)
            continue;
        /* Also where sock_diag is not there: kernel without it, or a filter that forbids it; and
         * where HAProxy's namespace may not be entered. */
        if (read_proc(pid == 0 ? getpid() : pid, scratch, &reading.table, err) < 0)
            return -1;
        socket_table_finish(reading.table, arena, out_sockets);
        return 0;
    }
}

int sockets_listeners(struct arena *arena, struct listener **out_listeners, size_t *out_count,
                      struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(scratch);
    struct sockets sockets;

    if (read_netlink(table, true, err) < 0)
        return -1;
    socket_table_finish(table, arena, &sockets);
    *out_listeners = sockets.listeners;
    *out_count = sockets.listener_count;
    return 0;
}
