#include "remediations/host/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "plans/base/escape.h"
#include "remediations/host/netlink.h"
#include "remediations/host/network.h"

enum { ROWS_MAX = 100000, TRIES = 3, NAME_MAX_BYTES = 64, HARDWARE_MAX = 32 };

struct neighbour {
    uint32_t link;
    unsigned state;
    const char *address;
    const char *hardware;
};
struct reading {
    const struct strings *targets;
    struct arena *arena;
    struct links links;
    uint32_t *address_links; /* index for each address: links come in any order */
    struct neighbour *neighbours;
    size_t neighbour_count;
    struct path *path; /* the one that is asked for */
};

static const char *address_text(struct arena *arena, unsigned family, struct span bytes)
{
    char text[INET6_ADDRSTRLEN] = "";
    size_t len = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);

    if ((family != AF_INET && family != AF_INET6) || bytes.ptr == NULL || bytes.len < len ||
        inet_ntop((int)family, bytes.ptr, text, sizeof text) == NULL)
        return NULL;
    return arena_string(arena, text);
}

static const struct link *find_link(const struct links *links, uint32_t index)
{
    for (size_t i = 0; i < links->link_count; i++)
        if (links->links[i].index == index)
            return &links->links[i];
    return NULL;
}

/* ---- lists ---- */

static void take_link(void *context, uint16_t type, struct span payload)
{
    struct reading *reading = context;
    struct ifinfomsg header;
    struct links *links = &reading->links;

    if (type != RTM_NEWLINK || payload.len < sizeof header || links->link_count >= ROWS_MAX)
        return;
    memcpy(&header, payload.ptr, sizeof header);
    struct span name = netlink_string(netlink_find(payload, sizeof header, IFLA_IFNAME));
    ARENA_PUSH(reading->arena, links->links, links->link_count) = (struct link){
        .name = escape_span(reading->arena, name, NAME_MAX_BYTES),
        .index = (uint32_t)header.ifi_index,
        .loopback = (header.ifi_flags & IFF_LOOPBACK) != 0,
        .up = (header.ifi_flags & IFF_UP) != 0,
        .carrier = (header.ifi_flags & IFF_RUNNING) != 0,
        .direct = (header.ifi_flags & (IFF_LOOPBACK | IFF_POINTOPOINT | IFF_NOARP)) != 0,
    };
}

static void take_address(void *context, uint16_t type, struct span payload)
{
    struct reading *reading = context;
    struct links *links = &reading->links;
    struct ifaddrmsg header;

    if (type != RTM_NEWADDR || payload.len < sizeof header || links->address_count >= ROWS_MAX)
        return;
    memcpy(&header, payload.ptr, sizeof header);
    /* On a point-to-point link IFA_ADDRESS is the other end. */
    struct span bytes = netlink_find(payload, sizeof header, IFA_LOCAL);
    if (bytes.ptr == NULL)
        bytes = netlink_find(payload, sizeof header, IFA_ADDRESS);
    const char *text = address_text(reading->arena, header.ifa_family, bytes);
    if (text == NULL)
        return;
    reading->address_links = arena_grow(reading->arena, reading->address_links,
                                        links->address_count, sizeof *reading->address_links);
    reading->address_links[links->address_count] = header.ifa_index;
    ARENA_PUSH(reading->arena, links->addresses, links->address_count).address = text;
}

static const char *hardware_text(struct arena *arena, struct span bytes)
{
    char text[HARDWARE_MAX * 3 + 1] = "";
    size_t at = 0;

    if (bytes.ptr == NULL || bytes.len == 0 || bytes.len > HARDWARE_MAX)
        return NULL;
    for (size_t i = 0; i < bytes.len; i++) {
        static const char digits[] = "0123456789abcdef";
        unsigned char byte = (unsigned char)bytes.ptr[i];
        if (i > 0)
            text[at++] = ':';
        text[at++] = digits[byte >> 4];
        text[at++] = digits[byte & 15];
    }
    return arena_string(arena, text);
}

static void take_neighbour(void *context, uint16_t type, struct span payload)
{
    struct reading *reading = context;
    struct ndmsg header;

    if (type != RTM_NEWNEIGH || payload.len < sizeof header || reading->neighbour_count >= ROWS_MAX)
        return;
    memcpy(&header, payload.ptr, sizeof header);
    const char *address = address_text(reading->arena, header.ndm_family,
                                       netlink_find(payload, sizeof header, NDA_DST));
    if (address != NULL)
        ARENA_PUSH(reading->arena, reading->neighbours, reading->neighbour_count) =
            (struct neighbour){
                (uint32_t)header.ndm_ifindex, header.ndm_state, address,
                hardware_text(reading->arena, netlink_find(payload, sizeof header, NDA_LLADDR))};
}

static int compare_neighbours(const void *left, const void *right)
{
    const struct neighbour *a = left, *b = right;

    if (a->link != b->link)
        return a->link < b->link ? -1 : 1;
    return strcmp(a->address, b->address);
}

static int read_lists(struct reading *reading, struct netlink *netlink, struct err *err)
{
    static const struct {
        uint16_t type;
        size_t header;
        netlink_take *take;
        const char *what;
    } lists[] = {
        {RTM_GETLINK, sizeof(struct ifinfomsg), take_link, "the kernel's list of interfaces"},
        {RTM_GETADDR, sizeof(struct ifaddrmsg), take_address, "the kernel's list of addresses"},
        {RTM_GETNEIGH, sizeof(struct ndmsg), take_neighbour, "the kernel's list of neighbours"},
    };
    static const char zeros[sizeof(struct ifinfomsg)];

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct netlink_body body = {.len = 0};
        const struct netlink_question question = {lists[i].type, true, &body, lists[i].what};
        netlink_put(&body, zeros, lists[i].header);
        if (netlink_ask(netlink, &question, lists[i].take, reading, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < reading->links.address_count; i++)
        reading->links.addresses[i].link = find_link(&reading->links, reading->address_links[i]);
    if (reading->neighbour_count > 1)
        qsort(reading->neighbours, reading->neighbour_count, sizeof *reading->neighbours,
              compare_neighbours);
    return 0;
}

/* ---- paths ---- */

static void take_route(void *context, uint16_t type, struct span payload)
{
    struct reading *reading = context;
    struct path *path = reading->path;
    struct rtmsg header;
    uint32_t index;

    if (type != RTM_NEWROUTE || payload.len < sizeof header)
        return;
    memcpy(&header, payload.ptr, sizeof header);
    switch (header.rtm_type) {
    case RTN_LOCAL:
        path->state = PATH_LOCAL;
        return;
    case RTN_BLACKHOLE:
    case RTN_UNREACHABLE:
    case RTN_PROHIBIT:
        path->state = PATH_FORBIDDEN;
        return;
    case RTN_UNICAST:
        path->state = PATH_ROUTED;
        break;
    default:
        return;
    }
    if (netlink_u32(netlink_find(payload, sizeof header, RTA_OIF), &index))
        path->link = find_link(&reading->links, index);
    path->hop = address_text(reading->arena, header.rtm_family,
                             netlink_find(payload, sizeof header, RTA_GATEWAY));
    /* An IPv4 target behind an IPv6 gateway: the family stands before the address. */
    struct span via = netlink_find(payload, sizeof header, RTA_VIA);
    uint16_t family;
    if (path->hop == NULL && via.ptr != NULL && via.len > sizeof family) {
        memcpy(&family, via.ptr, sizeof family);
        path->hop = address_text(reading->arena, family,
                                 (struct span){via.ptr + sizeof family, via.len - sizeof family});
    }
    path->gateway = path->hop != NULL;
    if (path->hop == NULL)
        path->hop = path->target;
}

static void find_neighbour(const struct reading *reading, struct path *path)
{
    if (path->link == NULL || path->hop == NULL)
        return;
    if (path->link->direct) {
        path->neighbour = NEIGHBOUR_NEEDLESS;
        return;
    }
    const struct neighbour key = {.link = path->link->index, .address = path->hop};
    const struct neighbour *found =
        reading->neighbour_count == 0 ? NULL
                                      : bsearch(&key, reading->neighbours, reading->neighbour_count,
                                                sizeof *reading->neighbours, compare_neighbours);
    if (found == NULL || found->state == NUD_NONE)
        return;
    path->hardware = found->hardware;
    path->neighbour =
        (found->state & (NUD_FAILED | NUD_INCOMPLETE)) != 0 ? NEIGHBOUR_SILENT : NEIGHBOUR_SEEN;
}

static int ask_path(struct reading *reading, struct netlink *netlink, struct path *path,
                    struct err *err)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    struct netlink_body body = {.len = 0};
    const struct netlink_question question = {RTM_GETROUTE, false, &body, "the kernel's route"};
    struct rtmsg header = {.rtm_family = AF_INET, .rtm_dst_len = 32};
    size_t len = sizeof(struct in_addr);

    if (inet_pton(AF_INET, path->target, bytes) != 1) {
        if (inet_pton(AF_INET6, path->target, bytes) != 1)
            return 0;
        header.rtm_family = AF_INET6;
        header.rtm_dst_len = 128;
        len = sizeof bytes;
    }
    netlink_put(&body, &header, sizeof header);
    netlink_put_attribute(&body, RTA_DST, bytes, len);
    reading->path = path;
    if (netlink_ask(netlink, &question, take_route, reading, err) < 0) {
        switch (err->sys) {
        case ENETUNREACH:
            path->state = PATH_NONE;
            break;
        case EHOSTUNREACH:
        case EACCES:
        case EINVAL:
            path->state = PATH_FORBIDDEN;
            break;
        default:
            return -1;
        }
        *err = (struct err){0};
    }
    find_neighbour(reading, path);
    return 0;
}

static int read_there(void *context, struct err *err)
{
    struct reading *reading = context;
    struct netlink *netlink CLEANUP_NETLINK = NULL;
    size_t count = reading->targets->count;

    if (netlink_open(NETLINK_ROUTE, &netlink, err) < 0 || read_lists(reading, netlink, err) < 0)
        return -1;
    reading->links.paths = arena_alloc(reading->arena, count * sizeof *reading->links.paths);
    reading->links.path_count = count;
    for (size_t i = 0; i < count; i++) {
        struct path *path = &reading->links.paths[i];
        path->target = reading->targets->at[i];
        if (ask_path(reading, netlink, path, err) < 0)
            return -1;
    }
    return 0;
}

int links_read(pid_t pid, const struct strings *targets, struct arena *arena,
               struct links *out_links, struct err *err)
{
    for (int i = 0;; i++) {
        struct reading reading = {.targets = targets, .arena = arena};
        if (network_run(pid, read_there, &reading, err) == 0) {
            *out_links = reading.links;
            return 0;
        }
        /* EINTR: a list changed so much while it was read that the kernel disowns it. */
        if (err->sys != EINTR || i + 1 >= TRIES)
            return -1;
        *err = (struct err){0};
    }
}

bool links_have(const struct links *links, const char *address)
{
    for (size_t i = 0; address != NULL && i < links->address_count; i++)
        if (strcmp(links->addresses[i].address, address) == 0)
            return true;
    return false;
}

const struct path *links_path(const struct links *links, const char *target)
{
    for (size_t i = 0; target != NULL && i < links->path_count; i++)
        if (strcmp(links->paths[i].target, target) == 0)
            return &links->paths[i];
    return NULL;
}
