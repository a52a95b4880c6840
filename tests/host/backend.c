/* tests/host/backend: an HTTP server whose answers take as long as they are told to.
 * Use:     backend 127.0.0.11:9001=200 127.0.0.12:9002=0 ... (milliseconds; below 0: the head comes
 *          at once and only the body takes so long); serves until it is ended. Shapes:  every request without a body gets 200 and three bytes; connections stay open.
 * Prints "ready" once it listens everywhere.
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

#define LISTENERS_MAX 32
#define HEAD          "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"

struct peer {
    int fd;         /* -1: gone while its answer was due */
    size_t matched; /* bytes of the blank line that ends a request */
    bool waiting;
    int64_t due;
    struct listener *listener;
    struct peer *next;
};
/* All answers of one listener take equally long, so its queue is in order of time. */
struct listener {
    int fd;
    int64_t delay;
    struct peer *first, *last;
};

static struct listener listeners[LISTENERS_MAX];
static size_t listener_count;
static int poller;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void watch(int fd, void *subject)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = subject};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) {
        perror("backend: epoll_ctl");
        exit(1);
    }
}

static bool listen_on(const char *text)
{
    char address[INET_ADDRSTRLEN];
    uint16_t port;
    struct listener *listener = &listeners[listener_count];
    if (listener_count == LISTENERS_MAX ||
        sscanf(text, "%15[0-9.]:%" SCNu16 "=%" SCNd64, address, &port, &listener->delay) != 3) {
        fprintf(stderr, "backend: '%s' is not ADDRESS:PORT=MILLISECONDS\n", text);
        return false;
    }
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0 || inet_pton(AF_INET, address, &name.sin_addr) != 1 ||
        setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener->fd, (struct sockaddr *)&name, sizeof name) != 0 ||
        listen(listener->fd, 4096) != 0) {
        fprintf(stderr, "backend: cannot listen on %s:%u: %s\n", address, port, strerror(errno));
        return false;
    }
    watch(listener->fd, listener);
    listener_count++;
    return true;
}

static void take_new(struct listener *listener)
{
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *peer = calloc(1, sizeof *peer);
        if (peer == NULL) {
            close(fd);
            return;
        }
        peer->fd = fd;
        peer->listener = listener;
        watch(fd, peer);
    }
}

static void drop(struct peer *peer)
{
    close(peer->fd);
    peer->fd = -1;
    if (!peer->waiting)
        free(peer);
}

static void answer(struct peer *peer)
{
    static const char text[] = HEAD "ok\n";
    size_t sent = peer->listener->delay < 0 ? sizeof HEAD - 1 : 0;
    peer->waiting = false;
    if (peer->fd < 0)
        free(peer);
    else if (send(peer->fd, text + sent, sizeof text - 1 - sent, MSG_NOSIGNAL) < 0)
        drop(peer);
}

static void ask(struct peer *peer)
{
    static const char end[] = "\r\n\r\n";
    char bytes[4096];
    ssize_t size = read(peer->fd, bytes, sizeof bytes);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
        drop(peer);
        return;
    }
    for (ssize_t i = 0; i < size; i++) {
        peer->matched = bytes[i] == end[peer->matched] ? peer->matched + 1 : bytes[i] == '\r';
        if (peer->matched < sizeof end - 1 || peer->waiting)
            continue;
        struct listener *listener = peer->listener;
        peer->matched = 0;
        peer->waiting = true;
        peer->due = now() + (listener->delay < 0 ? -listener->delay : listener->delay);
        peer->next = NULL;
        if (listener->delay < 0)
            (void)send(peer->fd, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL);
        if (listener->first == NULL)
            listener->first = peer;
        else
            listener->last->next = peer;
        listener->last = peer;
    }
}

/* Answers what is due; gives the milliseconds until the next one, -1 without one. */
static int answer_due(void)
{
    int64_t time = now(), wait = -1;
    for (struct listener *listener = listeners; listener < listeners + listener_count; listener++) {
        struct peer *peer;
        while ((peer = listener->first) != NULL && peer->due <= time) {
            listener->first = peer->next;
            answer(peer);
        }
        if (peer != NULL && (wait < 0 || peer->due - time < wait))
            wait = peer->due - time;
    }
    return (int)wait;
}

static bool is_listener(const void *subject)
{
    return (uintptr_t)subject >= (uintptr_t)listeners &&
           (uintptr_t)subject < (uintptr_t)(listeners + LISTENERS_MAX);
}

int main(int count, char **arguments)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0 || count < 2) {
        fprintf(stderr, "usage: backend ADDRESS:PORT=MILLISECONDS...\n");
        return 64;
    }
    for (int i = 1; i < count; i++)
        if (!listen_on(arguments[i]))
            return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, answer_due());
        for (int i = 0; i < ready; i++) {
            if (is_listener(events[i].data.ptr))
                take_new(events[i].data.ptr);
            else
                ask(events[i].data.ptr);
        }
    }
}
