/* host/netlink: one question to the kernel over netlink, and all its answers. The only user of
 * libmnl.
 * Use:     netlink_open(NETLINK_ROUTE, &netlink, err); struct netlink_body body = {0};
 *          netlink_put(&body, &header, sizeof header); netlink_ask(netlink, &question, take,
 *          context, err); netlink_close(netlink)
 * Shapes:  a body is the header of the message's family and its attributes, without the nlmsghdr.
 *          Attributes are in the order of the host's bytes unless the family says otherwise.
 * Owns:    the caller closes. Payloads that `take` is given live until it returns.
 * Errors:  ERR_SYS with the kernel's own errno: EINTR where a list changed so much while it was
 *          read that the kernel disowns it, ETIMEDOUT after ten seconds or two of silence.
 * Source:  netlink(7), linux/netlink.h.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_NETLINK_H
#define HAMEDIC_REMEDIATIONS_HOST_NETLINK_H

#include "plans/base/span.h"

struct netlink;

MUST_CHECK int netlink_open(int bus, struct netlink **out_netlink, struct err *err);
void netlink_close(struct netlink *netlink);
static inline void netlink_cleanup(struct netlink **netlink)
{
    if (*netlink != NULL)
        netlink_close(*netlink);
}
#define CLEANUP_NETLINK __attribute__((cleanup(netlink_cleanup)))

struct netlink_body {
    _Alignas(4) unsigned char bytes[256];
    size_t len;
};
/* Both are padded to four bytes. More than fits is a bug of ours. */
void netlink_put(struct netlink_body *body, const void *header, size_t len);
void netlink_put_attribute(struct netlink_body *body, uint16_t type, const void *value, size_t len);

struct netlink_question {
    uint16_t type;
    bool dump; /* a whole list; else one answer */
    const struct netlink_body *body;
    const char *what; /* for messages: "the kernel's list of routes" */
};
typedef void netlink_take(void *context, uint16_t type, struct span payload);
MUST_CHECK int netlink_ask(struct netlink *netlink, const struct netlink_question *question,
                           netlink_take *take, void *context, struct err *err);

/* ---- attributes in what was answered: every length is checked ---- */

/* The next attribute; false at the end, also where what is left is none. The flags in its type are
 * taken off. */
bool netlink_next(struct span *rest, unsigned *out_type, struct span *out_value);
/* The attribute of that type behind a header of `header` bytes; ptr NULL: there is none. */
struct span netlink_find(struct span payload, size_t header, unsigned type);
bool netlink_u8(struct span value, uint8_t *out_number);
bool netlink_u32(struct span value, uint32_t *out_number);  /* the host's order */
bool netlink_be32(struct span value, uint32_t *out_number); /* the network's order */
bool netlink_be64(struct span value, uint64_t *out_number);
/* Up to the first NUL. */
struct span netlink_string(struct span value);

#endif
