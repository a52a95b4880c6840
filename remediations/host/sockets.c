#include "remediations/host/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "remediations/host/haproxy_process.h"
#include "remediations/host/sockets_table.h"

enum { BUFFER_SIZE = 64 * 1024, TRIES = 3, DEADLINE_S = 10, SILENCE_S = 2 };

static const uint32_t listening = 1U << SOCKET_LISTEN;
static const uint32_t connected = 1U << SOCKET_ESTABLISHED | 1U << SOCKET_SYN_SENT |
                                  1U << SOCKET_FIN_WAIT1 | 1U << SOCKET_FIN_WAIT2 |
                                  1U << SOCKET_TIME_WAIT | 1U << SOCKET_CLOSE_WAIT |
                                  1U << SOCKET_LAST_ACK | 1U << SOCKET_CLOSING;

static void close_netlink(struct mnl_socket *const *netlink)
{
    if (*netlink != NULL)
        (void)mnl_socket_close(*netlink);
}
#define CLEANUP_NETLINK __attribute__((cleanup(close_netlink)))

static int take_message(const struct nlmsghdr *header, void *context)
{
    struct socket_table *table = context;
    struct socket_row row = {0};

    if (mnl_nlmsg_get_payload_len(header) < sizeof(struct inet_diag_msg))
        return MNL_CB_OK;
    const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
    bool v6 = message->idiag_family == AF_INET6;
    socket_row_address(row.local, v6, message->id.idiag_src);
    socket_row_address(row.remote, v6, message->id.idiag_dst);
    row.local_port = ntohs(message->id.idiag_sport);
    row.remote_port = ntohs(message->id.idiag_dport);
    row.state = message->idiag_state;
    row.queue = message->idiag_rqueue;
    row.queue_limit = message->idiag_wqueue;
    row.inode = message->idiag_inode;
    if (row.state == SOCKET_LISTEN)
        socket_table_listen(table, &row);
    else
        socket_table_count(table, &row);
    return MNL_CB_OK;
}

static int dump(struct mnl_socket *netlink, unsigned char family, uint32_t states,
                struct socket_table *table, char *buffer, struct err *err)
{
    unsigned portid = mnl_socket_get_portid(netlink), sequence = (unsigned)family << 16 | states;
    time_t end = time(NULL) + DEADLINE_S;

    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = sequence;
    struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(header, sizeof *request);
    request->sdiag_family = family;
    request->sdiag_protocol = IPPROTO_TCP;
    request->idiag_states = states;
    if (mnl_socket_sendto(netlink, header, header->nlmsg_len) < 0)
        return err_sys(err, errno, "cannot ask the kernel for sockets");
    for (;;) {
        ssize_t got = mnl_socket_recvfrom(netlink, buffer, BUFFER_SIZE);
        if (got < 0)
            return err_sys(err, errno == EAGAIN ? ETIMEDOUT : errno,
                           "cannot read the kernel's list of sockets");
        int more = mnl_cb_run(buffer, (size_t)got, sequence, portid, take_message, table);
        if (more == MNL_CB_STOP)
            return 0;
        if (more < 0)
            return err_sys(err, errno, "cannot read the kernel's list of sockets");
        if (time(NULL) > end)
            return err_sys(err, ETIMEDOUT, "cannot read the kernel's list of sockets");
    }
}

static int read_netlink(struct arena *scratch, struct socket_table **out_table, struct err *err)
{
    static const unsigned char families[] = {AF_INET, AF_INET6};
    const struct timeval silence = {.tv_sec = SILENCE_S};
    struct socket_table *table = socket_table_new(scratch);
    char *buffer = arena_alloc(scratch, BUFFER_SIZE);
    struct mnl_socket *netlink CLEANUP_NETLINK = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);

    if (netlink == NULL || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(netlink), SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) <
            0)
        return err_sys(err, errno, "cannot open a sock_diag socket");
    /* All listeners first: what was accepted is told from what was made by them. */
    for (size_t i = 0; i < 2 * sizeof families; i++)
        if (dump(netlink, families[i % 2], i < 2 ? listening : connected, table, buffer, err) < 0)
            return -1;
    *out_table = table;
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

static bool is_elsewhere(pid_t pid, struct arena *scratch)
{
    const char *theirs = pid == 0 ? NULL : process_link(pid, "ns/net", scratch);
    const char *ours = process_link(getpid(), "ns/net", scratch);

    return theirs != NULL && ours != NULL && strcmp(theirs, ours) != 0;
}

int sockets_read(const struct host *host, pid_t pid, struct arena *arena,
                 struct sockets *out_sockets, struct err *err)
{
    if (!host->live)
        return err_set(err, ERR_UNSUPPORTED, "a tree has no sockets");
    for (int i = 0;; i++) {
        struct arena *scratch CLEANUP_ARENA = arena_new();
        struct socket_table *table = NULL;
        struct err netlink_err = {0};
        if (!is_elsewhere(pid, scratch)) {
            if (read_netlink(scratch, &table, &netlink_err) == 0) {
                socket_table_finish(table, arena, out_sockets);
                return 0;
            }
            /* EINTR: the list changed so much while it was read that the kernel disowns it. */
            if (netlink_err.sys == EINTR && i + 1 < TRIES)
                continue;
        }
        /* Also where sock_diag is not there: kernel without it, or a filter that forbids it. */
        if (read_proc(pid == 0 ? getpid() : pid, scratch, &table, err) < 0)
            return -1;
        socket_table_finish(table, arena, out_sockets);
        return 0;
    }
}
