/* tests/host/traffic: clients that ask, wait for the answer, pause and ask again; how they fared.
 * Use:     traffic -a 127.0.0.1:8001 -n 60 [-p 100] [-w 2] [-t 10] [-m 5000] [-s 16]
 * Shapes:  -n clients; -p milliseconds between an answer and the next request, on average;
 *          -m milliseconds of patience; a line each -w seconds, the end after -t seconds (0:
 *          never). Clients come from -s addresses, 127.1.0.1 and on, so that their own ports never
 *          run short. A line:
 *              requests=90 rate=45 ok=60 503=30 other=0 refused=0 hung=0 p50=201 p95=800 max=950
 *          "ok" is 2xx, "other" any other status or a broken answer, hung: patience ran out; times
 *          are milliseconds of the answered requests.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 5000
#define TIMES_MAX   60001 /* one counter a millisecond; the last one counts all that took longer */

enum client_state { CLIENT_PAUSED, CLIENT_CONNECTING, CLIENT_WAITING };
struct client {
    enum client_state state;
    int fd;         /* -1: no connection */
    int64_t since;  /* when it asked */
    int64_t resume; /* when it asks again */
    char answer[2048];
    size_t length;
};

static struct client clients[CLIENTS_MAX];
static struct sockaddr_in target = {.sin_family = AF_INET};
static const char *target_text;
static int64_t client_count = 1, pause_ms = 100, window_s = 2, total_s, patience_ms = 5000,
               source_count = 16;
static int poller;

static struct {
    int64_t begin, ok, unavailable, other, refused, hung, answered, worst;
    uint32_t times[TIMES_MAX];
} window;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* The time within which `share` percent of the answers came. */
static int64_t percentile(int64_t share)
{
    int64_t wanted = (window.answered * share + 99) / 100, seen = 0;
    for (int64_t time = 0; time < TIMES_MAX; time++) {
        seen += window.times[time];
        if (seen >= wanted)
            return time;
    }
    return TIMES_MAX;
}

static void report(int64_t time)
{
    int64_t requests = window.ok + window.unavailable + window.other + window.refused + window.hung;
    int64_t span = time > window.begin ? time - window.begin : 1;
    printf("requests=%" PRId64 " rate=%" PRId64 " ok=%" PRId64 " 503=%" PRId64 " other=%" PRId64
           " refused=%" PRId64 " hung=%" PRId64 " p50=%" PRId64 " p95=%" PRId64 " max=%" PRId64
           "\n",
           requests, requests * 1000 / span, window.ok, window.unavailable, window.other,
           window.refused, window.hung, percentile(50), percentile(95), window.worst);
    fflush(stdout);
    memset(&window, 0, sizeof window);
    window.begin = time;
}

static void disconnect(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

static void rest(struct client *client)
{
    client->state = CLIENT_PAUSED;
    client->resume = now() + pause_ms / 2 + (pause_ms > 0 ? random() % pause_ms : 0);
}

static void give_up(struct client *client, int64_t *counter)
{
    (*counter)++;
    disconnect(client);
    rest(client);
}

static void send_request(struct client *client)
{
    char request[128];
    int length =
        snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", target_text);
    client->state = CLIENT_WAITING;
    client->length = 0;
    if (send(client->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        give_up(client, &window.other);
}

static void connect_client(struct client *client)
{
    int on = 1;
    uint32_t number = (uint32_t)((client - clients) % source_count);
    struct sockaddr_in source = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(0x7f010001u + number)};
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
    /* The port is chosen at connect, so that the sources' ports are counted for each destination.
     */
    if (client->fd < 0 ||
        setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
        bind(client->fd, (struct sockaddr *)&source, sizeof source) != 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event) != 0) {
        perror("traffic: cannot make a socket");
        exit(1);
    }
    client->state = CLIENT_CONNECTING;
    if (connect(client->fd, (struct sockaddr *)&target, sizeof target) != 0 && errno != EINPROGRESS)
        give_up(client, errno == ECONNREFUSED ? &window.refused : &window.other);
}

static void begin_request(struct client *client)
{
    client->since = now();
    if (client->fd < 0)
        connect_client(client);
    else
        send_request(client);
}

/* Is the answer whole? Answers without a length end with the connection. */
static bool answer_is_whole(struct client *client, bool closed)
{
    client->answer[client->length] = '\0';
    const char *body = strstr(client->answer, "\r\n\r\n");
    if (body == NULL)
        return false;
    const char *field = strcasestr(client->answer, "\r\ncontent-length:");
    if (field == NULL || field > body)
        return closed;
    size_t size = strtoul(field + strlen("\r\ncontent-length:"), NULL, 10);
    return client->length - (size_t)(body + 4 - client->answer) >= size;
}

static void count_answer(struct client *client)
{
    int64_t took = now() - client->since;
    int status = 0;
    if (sscanf(client->answer, "HTTP/1.%*1d %3d", &status) != 1)
        status = 0;
    if (status >= 200 && status < 300)
        window.ok++;
    else if (status == 503)
        window.unavailable++;
    else
        window.other++;
    window.answered++;
    window.times[took < TIMES_MAX - 1 ? took : TIMES_MAX - 1]++;
    if (took > window.worst)
        window.worst = took;
}

static void read_answer(struct client *client)
{
    for (;;) {
        size_t space = sizeof client->answer - 1 - client->length;
        ssize_t size = read(client->fd, client->answer + client->length, space);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size > 0)
            client->length += (size_t)size;
        bool closed = size <= 0;
        bool waiting = client->state == CLIENT_WAITING;
        if (waiting && answer_is_whole(client, closed)) {
            count_answer(client);
            rest(client);
        } else if (waiting && (closed || client->length == sizeof client->answer - 1)) {
            give_up(client, &window.other);
        }
        /* The server may close a connection that rests. */
        if (closed)
            disconnect(client);
        if (client->fd < 0)
            return;
    }
}

static void advance(struct client *client)
{
    if (client->state == CLIENT_CONNECTING) {
        int problem = 0;
        socklen_t size = sizeof problem;
        getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem == EINPROGRESS)
            return;
        if (problem != 0)
            give_up(client, problem == ECONNREFUSED ? &window.refused : &window.other);
        else
            send_request(client);
    }
    if (client->fd >= 0)
        read_answer(client);
}

static void tick(int64_t time)
{
    for (struct client *client = clients; client < clients + client_count; client++) {
        if (client->state == CLIENT_PAUSED && client->resume <= time)
            begin_request(client);
        else if (client->state != CLIENT_PAUSED && client->since + patience_ms <= time)
            give_up(client, &window.hung);
    }
}

static bool parse_target(const char *text)
{
    char address[INET_ADDRSTRLEN];
    uint16_t port;
    if (sscanf(text, "%15[0-9.]:%" SCNu16, address, &port) != 2 ||
        inet_pton(AF_INET, address, &target.sin_addr) != 1)
        return false;
    target.sin_port = htons(port);
    target_text = text;
    return true;
}

static bool parse_arguments(int count, char **arguments)
{
    int option;
    while ((option = getopt(count, arguments, "a:n:p:w:t:m:s:")) != -1) {
        int64_t *number = option == 'n'   ? &client_count
                          : option == 'p' ? &pause_ms
                          : option == 'w' ? &window_s
                          : option == 't' ? &total_s
                          : option == 'm' ? &patience_ms
                          : option == 's' ? &source_count
                                          : NULL;
        if (number != NULL)
            *number = strtoll(optarg, NULL, 10);
        else if (option != 'a' || !parse_target(optarg))
            return false;
    }
    return target_text != NULL && client_count >= 1 && client_count <= CLIENTS_MAX &&
           pause_ms >= 0 && window_s >= 1 && total_s >= 0 && patience_ms >= 1 &&
           source_count >= 1 && source_count <= 250;
}

int main(int count, char **arguments)
{
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0 || !parse_arguments(count, arguments)) {
        fprintf(stderr, "usage: traffic -a ADDRESS:PORT [-n CLIENTS] [-p PAUSE_MS] [-w WINDOW_S]"
                        " [-t TOTAL_S] [-m PATIENCE_MS] [-s SOURCES]\n");
        return 64;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    int64_t begin = now(), ticked = 0;
    window.begin = begin;
    for (int64_t i = 0; i < client_count; i++) {
        clients[i].fd = -1;
        clients[i].resume = begin + i * pause_ms / client_count; /* not all in one moment */
    }
    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, 5);
        for (int i = 0; i < ready; i++)
            advance(events[i].data.ptr);
        int64_t time = now();
        if (time - ticked >= 5) {
            tick(time);
            ticked = time;
        }
        if (time - window.begin >= window_s * 1000)
            report(time);
        if (total_s > 0 && time - begin >= total_s * 1000)
            return 0;
    }
}
