#include "remediations/host/netlink.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "plans/base/arena.h"

enum { BUFFER_SIZE = 64 * 1024, DEADLINE_S = 10, SILENCE_S = 2, PAD = 4, HEADER = 4 };

struct netlink {
    struct mnl_socket *socket;
    uint32_t sequence;
    char buffer[BUFFER_SIZE];
};

void netlink_close(struct netlink *netlink)
{
    if (netlink->socket != NULL)
        (void)mnl_socket_close(netlink->socket);
    free(netlink);
}

int netlink_open(int bus, struct netlink **out_netlink, struct err *err)
{
    const struct timeval silence = {.tv_sec = SILENCE_S};
    struct netlink *netlink = calloc(1, sizeof *netlink);

    if (netlink == NULL)
        return err_sys(err, ENOMEM, "cannot open a netlink socket");
    netlink->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
    if (netlink->socket == NULL || mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_RCVTIMEO, &silence,
                   sizeof silence) < 0) {
        int failed = errno;
        netlink_close(netlink);
        return err_sys(err, failed, "cannot open a netlink socket");
    }
    *out_netlink = netlink;
    return 0;
}

static size_t padded(size_t len)
{
    return (len + PAD - 1) / PAD * PAD;
}

void netlink_put(struct netlink_body *body, const void *header, size_t len)
{
    assert(len <= sizeof body->bytes && body->len + padded(len) <= sizeof body->bytes);
    if (len > 0)
        memcpy(body->bytes + body->len, header, len);
    body->len += padded(len);
}

void netlink_put_attribute(struct netlink_body *body, uint16_t type, const void *value, size_t len)
{
    const struct nlattr header = {.nla_len = (uint16_t)(HEADER + len), .nla_type = type};

    assert(len <= sizeof body->bytes);
    netlink_put(body, &header, sizeof header);
    netlink_put(body, value, len);
}

struct taking {
    netlink_take *take;
    void *context;
};

static int take_message(const struct nlmsghdr *header, void *context)
{
    const struct taking *taking = context;

    taking->take(taking->context, header->nlmsg_type,
                 (struct span){mnl_nlmsg_get_payload(header), mnl_nlmsg_get_payload_len(header)});
    return MNL_CB_OK;
}

/* Of a clock that nobody sets. */
static time_t uptime(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static int receive(struct netlink *netlink, const struct netlink_question *question,
                   struct taking *taking, struct err *err)
{
    unsigned portid = mnl_socket_get_portid(netlink->socket);
    time_t end = uptime() + DEADLINE_S;

    for (;;) {
        ssize_t got = mnl_socket_recvfrom(netlink->socket, netlink->buffer, BUFFER_SIZE);
        if (got < 0)
            return err_sys(err, errno == EAGAIN ? ETIMEDOUT : errno, "cannot read %s",
                           question->what);
        int more = mnl_cb_run(netlink->buffer, (size_t)got, netlink->sequence, portid, take_message,
                              taking);
        if (more == MNL_CB_STOP)
            return 0;
        if (more < 0)
            return err_sys(err, errno, "cannot read %s", question->what);
        if (uptime() > end)
            return err_sys(err, ETIMEDOUT, "cannot read %s", question->what);
    }
}

int netlink_ask(struct netlink *netlink, const struct netlink_question *question,
                netlink_take *take, void *context, struct err *err)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(netlink->buffer);
    struct taking taking = {take, context};

    header->nlmsg_type = question->type;
    /* One answer ends with an acknowledgement, a list with its own end. */
    header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (question->dump ? NLM_F_DUMP : NLM_F_ACK));
    header->nlmsg_seq = ++netlink->sequence;
    memcpy(mnl_nlmsg_put_extra_header(header, question->body->len), question->body->bytes,
           question->body->len);
    if (mnl_socket_sendto(netlink->socket, header, header->nlmsg_len) < 0)
        return err_sys(err, errno, "cannot ask for %s", question->what);
    return receive(netlink, question, &taking, err);
}

/* ---- attributes ---- */

bool netlink_next(struct span *rest, unsigned *out_type, struct span *out_value)
{
    struct nlattr header;

    if (rest->len < sizeof header)
        return false;
    memcpy(&header, rest->ptr, sizeof header);
    if (header.nla_len < HEADER || header.nla_len > rest->len)
        return false;
    size_t step = padded(header.nla_len);
    *out_type = header.nla_type & ~(unsigned)(NLA_F_NESTED | NLA_F_NET_BYTEORDER);
    *out_value = (struct span){rest->ptr + HEADER, header.nla_len - (size_t)HEADER};
    if (step > rest->len)
        step = rest->len;
    *rest = (struct span){rest->ptr + step, rest->len - step};
    return true;
}

struct span netlink_find(struct span payload, size_t header, unsigned type)
{
    struct span rest, value;
    unsigned seen;

    header = padded(header);
    if (payload.len < header)
        return (struct span){NULL, 0};
    rest = (struct span){payload.ptr + header, payload.len - header};
    while (netlink_next(&rest, &seen, &value))
        if (seen == type)
            return value;
    return (struct span){NULL, 0};
}

bool netlink_u8(struct span value, uint8_t *out_number)
{
    if (value.ptr == NULL || value.len < sizeof *out_number)
        return false;
    memcpy(out_number, value.ptr, sizeof *out_number);
    return true;
}

bool netlink_u32(struct span value, uint32_t *out_number)
{
    if (value.ptr == NULL || value.len < sizeof *out_number)
        return false;
    memcpy(out_number, value.ptr, sizeof *out_number);
    return true;
}

bool netlink_be32(struct span value, uint32_t *out_number)
{
    uint64_t number = 0;

    if (value.ptr == NULL || value.len < sizeof *out_number)
        return false;
    for (size_t i = 0; i < sizeof *out_number; i++)
        number = number << 8 | (unsigned char)value.ptr[i];
    *out_number = (uint32_t)number;
    return true;
}

bool netlink_be64(struct span value, uint64_t *out_number)
{
    uint64_t number = 0;

    if (value.ptr == NULL || value.len < sizeof number)
        return false;
    for (size_t i = 0; i < sizeof number; i++)
        number = number << 8 | (unsigned char)value.ptr[i];
    *out_number = number;
    return true;
}

struct span netlink_string(struct span value)
{
    if (value.ptr == NULL)
        return value;
    return (struct span){value.ptr, strnlen(value.ptr, value.len)};
}
