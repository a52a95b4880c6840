#include "agent/observe/probe_answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

/* RFC 4443, 3.1; glibc's headers have no names for them. */
enum { ICMP6_SOURCE_POLICY = 5, ICMP6_ROUTE_REJECT = 6 };

static const struct {
    uint8_t origin, type, code;
    bool is_filter;
    const char *word;
} answers[] = {
    {SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_NET_UNREACH, false, "net unreachable"},
    {SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, false, "host unreachable"},
    {SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, true, "protocol unreachable"},
    {SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, true, "port unreachable"},
    {SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_NET_ANO, true, "net prohibited"},
    {SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_HOST_ANO, true, "host prohibited"},
    {SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, true, "prohibited"},
    {SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, false, "no route"},
    {SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, true, "prohibited"},
    {SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, false, "address unreachable"},
    {SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, true, "port unreachable"},
    {SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_SOURCE_POLICY, true, "source address prohibited"},
    {SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_ROUTE_REJECT, false, "route refused"},
};

void probe_answer_watch(int fd, sa_family_t family)
{
    const int on = 1;

    if (family == AF_INET)
        (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    else if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
}

static const char *address_text(const struct sockaddr_storage *from, struct arena *arena)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    const char *shown = NULL;

    memcpy(&v4, from, sizeof v4);
    memcpy(&v6, from, sizeof v6);
    if (from->ss_family == AF_INET)
        shown = inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    else if (from->ss_family == AF_INET6)
        shown = inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return shown == NULL ? NULL : arena_string(arena, shown);
}

/* An error and, behind it, the address of who sent it. */
static const struct probe_answer *answer_of(const struct cmsghdr *message, struct arena *arena)
{
    struct sock_extended_err error;
    struct sockaddr_storage from = {0};
    size_t len = message->cmsg_len - CMSG_LEN(0);

    if (message->cmsg_len < CMSG_LEN(sizeof error))
        return NULL;
    memcpy(&error, CMSG_DATA(message), sizeof error);
    len -= sizeof error;
    memcpy(&from, CMSG_DATA(message) + sizeof error, len < sizeof from ? len : sizeof from);
    const char *text = address_text(&from, arena);
    for (size_t i = 0; text != NULL && i < sizeof answers / sizeof answers[0]; i++) {
        if (answers[i].origin != error.ee_origin || answers[i].type != error.ee_type ||
            answers[i].code != error.ee_code)
            continue;
        struct probe_answer *answer = arena_alloc(arena, sizeof *answer);
        *answer = (struct probe_answer){text, answers[i].word, answers[i].is_filter};
        return answer;
    }
    return NULL;
}

const struct probe_answer *probe_answer_read(int fd, struct arena *arena)
{
    const struct probe_answer *last = NULL;
    _Alignas(struct cmsghdr) char control[512];
    char packet[64]; /* of ours, as far as it came back; nobody reads it */
    struct iovec into = {packet, sizeof packet};

    for (;;) {
        struct msghdr message = {.msg_iov = &into,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        ssize_t got = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return last;
        for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part != NULL;
             part = CMSG_NXTHDR(&message, part)) {
            bool is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                            (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
            const struct probe_answer *answer = is_error ? answer_of(part, arena) : NULL;
            if (answer != NULL)
                last = answer;
        }
    }
}
