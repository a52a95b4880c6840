#include "remediations/host/haproxy_api.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "plans/base/clock.h"
#include "plans/base/escape.h"
#include "plans/base/file.h"
#include "plans/base/text.h"
#include "remediations/host/haproxy_endpoint.h"

enum { READ_STEP = 64 * 1024, RETRY_MS = 20, CONNECT_MS = 500, SHOWN_MAX = 300 };

/* 0: ready; else an errno value. */
static int wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = events};
        int64_t left = deadline - clock_ms(CLOCK_MONOTONIC);
        if (left <= 0)
            return ETIMEDOUT;
        int ready = poll(&poll_fd, 1, (int)left);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return errno;
    }
}

struct endpoint {
    union {
        struct sockaddr any;
        struct sockaddr_un path;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t len;
};

/* "127.0.0.1:9999", "[::1]:9999" */
static bool name_tcp(const char *text, struct endpoint *endpoint)
{
    char ip[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    bool is_v6 = text[0] == '[';
    uint64_t port;

    if (colon == NULL || !span_scan_u64(span_of(colon + 1), &port) || port == 0 ||
        port > UINT16_MAX)
        return false;
    struct span host = {text, (size_t)(colon - text)};
    if (is_v6) {
        if (host.len < 2 || host.ptr[host.len - 1] != ']')
            return false;
        host = (struct span){host.ptr + 1, host.len - 2};
    }
    if (host.len >= sizeof ip)
        return false;
    memcpy(ip, host.ptr, host.len);
    ip[host.len] = '\0';
    if (is_v6) {
        endpoint->len = sizeof endpoint->address.v6;
        endpoint->address.v6 =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        return inet_pton(AF_INET6, ip, &endpoint->address.v6.sin6_addr) == 1;
    }
    endpoint->len = sizeof endpoint->address.v4;
    endpoint->address.v4 =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, ip, &endpoint->address.v4.sin_addr) == 1;
}

static int name_endpoint(const char *text, struct endpoint *endpoint, struct err *err)
{
    *endpoint = (struct endpoint){0};
    if (text[0] != '/' && name_tcp(text, endpoint))
        return 0;
    *endpoint = (struct endpoint){0};
    endpoint->len = haproxy_endpoint_unix(text, &endpoint->address.path);
    return endpoint->len > 0 ? 0 : err_set(err, ERR_INPUT, "socket path too long: '%s'", text);
}

/* 0: connected; else an errno value. */
static int try_connect(int fd, const struct endpoint *endpoint)
{
    if (connect(fd, &endpoint->address.any, endpoint->len) == 0 || errno == EISCONN)
        return 0;
    return errno;
}

/* A full accept queue: a UNIX socket does not tell when there is room again. Or TCP is under way. */
static bool is_busy(int failed)
{
    return failed == EAGAIN || failed == EINTR || failed == EINPROGRESS || failed == EALREADY;
}

int haproxy_api_open(const char *socket_path, int *out_fd, struct err *err)
{
    struct endpoint endpoint;

    if (name_endpoint(socket_path, &endpoint, err) < 0)
        return -1;
    int fd CLEANUP_FD =
        socket(endpoint.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(err, errno, "cannot make a socket");
    int failed = try_connect(fd, &endpoint);
    if (failed != 0 && !is_busy(failed))
        return err_sys(err, failed, "cannot connect to '%s'", socket_path);
    *out_fd = take_fd(&fd);
    return 0;
}

static int finish_connect(int fd, const char *path, int64_t deadline, struct err *err)
{
    struct endpoint endpoint;
    int failed;

    if (name_endpoint(path, &endpoint, err) < 0)
        return -1;
    while ((failed = try_connect(fd, &endpoint)) != 0) {
        if (!is_busy(failed))
            return err_sys(err, failed, "cannot connect to '%s'", path);
        if (clock_ms(CLOCK_MONOTONIC) >= deadline)
            return err_sys(err, ETIMEDOUT, "cannot connect to '%s'", path);
        (void)poll(NULL, 0, RETRY_MS);
    }
    return 0;
}

static int send_line(int fd, const char *path, const char *command, int64_t deadline,
                     struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct span rest = span_of(arena_printf(scratch, "%s\n", command));

    while (rest.len > 0) {
        ssize_t put = send(fd, rest.ptr, rest.len, MSG_NOSIGNAL);
        if (put >= 0) {
            rest = (struct span){rest.ptr + put, rest.len - (size_t)put};
            continue;
        }
        int failed = errno;
        if (failed == EAGAIN)
            failed = wait_for(fd, POLLOUT, deadline);
        if (failed != 0 && failed != EINTR)
            return err_sys(err, failed, "cannot ask '%s'", path);
    }
    /* A stats socket ends the connection behind its answer by itself; a master socket waits for the
     * next question (seen with 2.6), unless it is told that there is none. */
    if (shutdown(fd, SHUT_WR) < 0)
        return err_sys(err, errno, "cannot ask '%s'", path);
    return 0;
}

static int receive_all(int fd, const char *path, const char *command, int64_t deadline, size_t max,
                       struct text *answer, struct err *err)
{
    char *step = arena_alloc(answer->arena, READ_STEP);

    for (;;) {
        ssize_t got = recv(fd, step, READ_STEP, 0);
        if (got == 0)
            return 0;
        if (got > 0) {
            if ((size_t)got > max - answer->len)
                return err_set(err, ERR_INPUT, "'%s' answers '%s' with more than %zu bytes", path,
                               command, max);
            text_add_span(answer, (struct span){step, (size_t)got});
            /* A peer that never pauses must not outlast the deadline either. */
            if (clock_ms(CLOCK_MONOTONIC) >= deadline)
                return err_sys(err, ETIMEDOUT, "'%s' did not end its answer to '%s'", path,
                               command);
            continue;
        }
        int failed = errno;
        if (failed == EAGAIN)
            failed = wait_for(fd, POLLIN, deadline);
        if (failed != 0 && failed != EINTR)
            return err_sys(err, failed, "'%s' did not answer '%s'", path, command);
    }
}

int haproxy_api_ask_open(int fd, const char *socket_path, const char *command, unsigned deadline_ms,
                         size_t max, struct arena *arena, struct span *out_answer, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct text answer = text_new(scratch);
    int64_t deadline = clock_ms(CLOCK_MONOTONIC) + deadline_ms;

    assert(strchr(command, '\n') == NULL);
    if (finish_connect(fd, socket_path, deadline, err) < 0 ||
        send_line(fd, socket_path, command, deadline, err) < 0 ||
        receive_all(fd, socket_path, command, deadline, max, &answer, err) < 0)
        return -1;
    if (answer.len == 0)
        return err_set(err, ERR_INPUT, "'%s' closed the connection without an answer to '%s'",
                       socket_path, command);
    *out_answer = (struct span){arena_copy(arena, answer.ptr, answer.len), answer.len};
    return 0;
}

int haproxy_api_ask(const char *socket_path, const char *command, unsigned deadline_ms, size_t max,
                    struct arena *arena, struct span *out_answer, struct err *err)
{
    int fd CLEANUP_FD = -1;

    if (haproxy_api_open(socket_path, &fd, err) < 0)
        return -1;
    return haproxy_api_ask_open(fd, socket_path, command, deadline_ms, max, arena, out_answer, err);
}

int haproxy_api_tell(const char *socket_path, const char *command, unsigned deadline_ms,
                     struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct span answer;

    if (haproxy_api_ask(socket_path, command, deadline_ms, READ_STEP, scratch, &answer, err) < 0)
        return -1;
    answer = span_trim(answer);
    if (answer.len == 0)
        return 0;
    return err_set(err, ERR_INPUT, "'%s' was answered with '%s'", command,
                   escape_span(scratch, answer, SHOWN_MAX));
}

bool haproxy_api_connects(const char *socket_path)
{
    struct err err = {0};
    int fd CLEANUP_FD = -1;

    return haproxy_api_open(socket_path, &fd, &err) == 0 &&
           finish_connect(fd, socket_path, clock_ms(CLOCK_MONOTONIC) + CONNECT_MS, &err) == 0;
}
