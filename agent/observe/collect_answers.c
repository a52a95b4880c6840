#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/observe/ask.h"
#include "plans/base/clock.h"
#include "agent/observe/collect.h"
#include "remediations/host/haproxy_endpoint.h"
#include "remediations/host/network.h"
#include "remediations/host/tls.h"

/* Each server has two connections: one to ask as the file says, and one for the other way (TLS
 * where it says plain text, plain text where it says TLS), used only where the first says nothing
 * good. Both are made before, with the agent's rights. */
static_assert(2 * ASK_MAX <= COLLECT_OPENED_MAX, "each server has two connections");
enum { LINES = 2, DEADLINE_MS = 1000, OTHER_WAY_MS = 500, RECEIVE_MAX = 512 };
enum { CA_FILE_MAX = 4 * 1024 * 1024 };

enum phase { PHASE_IDLE, PHASE_CONNECT, PHASE_SHAKE, PHASE_SEND, PHASE_RECEIVE, PHASE_OVER };
struct line {
    int fd;
    enum phase phase;
    short events;
    bool is_tls;
    struct tls *tls;
    size_t sent;
    char received[RECEIVE_MAX];
    size_t len;
    struct asked found; /* error, said, status, text, tls, tls_text */
    int64_t ended;
};
struct inquiry {
    struct ask *ask;
    struct tls_wish wish;
    struct line lines[LINES];
};
struct inquiries {
    struct inquiry *at;
    size_t count;
    int64_t started;
    struct arena *arena;
    struct err no_tls; /* why TLS could not even be begun; empty: it could, or was not asked for */
};

/* ---- before: with the agent's rights ---- */

/* 0; else an errno value. A reset at the end: no TIME-WAIT takes a local port from HAProxy. */
static int begin_connection(const struct ask *ask, int *out_fd)
{
    const struct linger reset = {.l_onoff = 1};
    struct sockaddr_storage name, source;
    socklen_t len = haproxy_endpoint_ip(ask->asked.address, ask->asked.port, &name);
    int fd CLEANUP_FD =
        len == 0 ? -1 : socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (len == 0)
        return EAFNOSUPPORT;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0)
        return errno;
    socklen_t source_len = ask->source != NULL ? haproxy_endpoint_ip(ask->source, 0, &source) : 0;
    if (source_len > 0 && bind(fd, (const struct sockaddr *)&source, source_len) < 0)
        return errno;
    if (connect(fd, (const struct sockaddr *)&name, len) < 0 && errno != EINPROGRESS)
        return errno;
    *out_fd = take_fd(&fd);
    return 0;
}

static struct span read_authorities(struct collection *collection, const struct ask *ask)
{
    struct span bytes = {0};
    struct err ignored;
    bool exists = false;

    if (ask->ca_file == NULL || ask->ca_file[0] != '/' ||
        host_read(collection->host, ask->ca_file, CA_FILE_MAX, collection->arena, &exists, &bytes,
                  &ignored) < 0)
        return (struct span){0};
    return bytes;
}

static void make_wish(struct collection *collection, struct inquiry *inquiry)
{
    const struct ask *ask = inquiry->ask;

    inquiry->wish = (struct tls_wish){.name = ask->name,
                                      .is_verified = ask->is_verified,
                                      .trusted = read_authorities(collection, ask),
                                      .expected = ask->asked.wanted};
}

struct opening {
    struct collection *collection;
    struct inquiries *all;
    struct ask *asks;
    size_t count;
};

static int open_there(void *context, struct err *err)
{
    const struct opening *opening = context;
    struct collection *collection = opening->collection;
    struct inquiries *all = opening->all;

    (void)err;
    for (size_t i = 0; i < opening->count; i++) {
        struct inquiry *inquiry = &all->at[all->count];

        *inquiry = (struct inquiry){.ask = &opening->asks[i]};
        for (size_t k = 0; k < LINES; k++) {
            struct line *line = &inquiry->lines[k];
            const struct ask *ask = inquiry->ask;

            line->fd = -1;
            line->is_tls = ask->is_tls != (k == 1);
            /* A connection that says nothing would be one more line in HAProxy's log. */
            if (k == 0 || (!ask->is_monitor && !ask->is_connection))
                line->found.error = begin_connection(ask, &line->fd);
            if (line->fd >= 0)
                collection->opened[collection->opened_count++] = line->fd;
        }
        all->count++;
    }
    return 0;
}

int collect_open_answers(struct collection *collection, struct err *err)
{
    struct inquiries *all = arena_alloc(collection->arena, sizeof *all);
    struct opening opening = {.collection = collection, .all = all};

    opening.asks = ask_list(collection->known, collection->arena, &opening.count);
    if (opening.count == 0)
        return err_set(err, ERR_UNSUPPORTED, "no server gives a reason to be asked more");
    all->at = arena_alloc(collection->arena, opening.count * sizeof *all->at);
    if (network_run(collection->known->haproxy->worker, open_there, &opening, err) < 0)
        return err_set(
            err, ERR_UNSUPPORTED,
            "HAProxy lives in another network namespace, which this agent may not enter");
    for (size_t i = 0; i < all->count; i++)
        make_wish(collection, &all->at[i]);
    collection->context = all;
    return 0;
}

/* ---- the conversation: one step of a line that is ready ---- */

static void end_line(struct line *line)
{
    line->phase = PHASE_OVER;
    line->ended = clock_ms(CLOCK_MONOTONIC);
}

static void take_outcome(struct inquiries *all, struct line *line)
{
    static const enum asked_tls meanings[] = {
        [TLS_RESULT_GOOD] = TLS_FINE,
        [TLS_RESULT_PLAIN] = TLS_PLAIN,
        [TLS_RESULT_FAILED] = TLS_REFUSED,
        [TLS_RESULT_NOT_VALID] = TLS_EXPIRED,
        [TLS_RESULT_NOT_TRUSTED] = TLS_DISTRUSTED,
        [TLS_RESULT_OTHER_NAME] = TLS_OTHER_NAME,
    };

    line->found.tls = meanings[tls_outcome(line->tls, all->arena, &line->found.tls_text)];
}

/* Waits for what the step wants. True: it goes on at once. */
static bool follow(struct line *line, enum tls_step step)
{
    line->events = step == TLS_STEP_WRITE ? POLLOUT : POLLIN;
    return step == TLS_STEP_DONE;
}

static bool step_connect(struct inquiries *all, const struct inquiry *inquiry, struct line *line)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(line->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    line->found.error = error;
    if (error != 0 || inquiry->ask->is_connection) {
        end_line(line);
        return false;
    }
    line->phase = line->is_tls ? PHASE_SHAKE : PHASE_SEND;
    if (line->is_tls && tls_new(line->fd, &inquiry->wish, &line->tls, &all->no_tls) < 0)
        end_line(line);
    return line->phase != PHASE_OVER;
}

static bool step_shake(struct inquiries *all, const struct inquiry *inquiry, struct line *line)
{
    enum tls_step step = tls_shake(line->tls);

    if (step == TLS_STEP_READ || step == TLS_STEP_WRITE)
        return follow(line, step);
    take_outcome(all, line);
    /* To ask on behind a bad certificate is what HAProxy would not do. */
    line->phase = step == TLS_STEP_DONE && line->found.tls == TLS_FINE ? PHASE_SEND : PHASE_OVER;
    if (line->phase == PHASE_OVER || inquiry->ask->question.len == 0)
        end_line(line);
    return line->phase != PHASE_OVER;
}

static bool step_send(const struct inquiry *inquiry, struct line *line)
{
    struct span rest = {inquiry->ask->question.ptr + line->sent,
                        inquiry->ask->question.len - line->sent};
    size_t went = 0;
    enum tls_step step = TLS_STEP_DONE;

    if (line->tls != NULL) {
        step = tls_send(line->tls, rest, &went);
    } else if (rest.len > 0) {
        ssize_t put = send(line->fd, rest.ptr, rest.len, MSG_NOSIGNAL);
        if (put < 0)
            step = errno == EAGAIN || errno == EINTR ? TLS_STEP_WRITE : TLS_STEP_FAILED;
        else
            went = (size_t)put;
    }
    line->sent += went;
    if (step == TLS_STEP_READ || step == TLS_STEP_WRITE)
        return follow(line, step);
    /* What it said before it closed can still be read. */
    if (step == TLS_STEP_FAILED || line->sent == inquiry->ask->question.len) {
        line->phase = PHASE_RECEIVE;
        line->events = POLLIN;
        return line->tls != NULL;
    }
    return true;
}

static bool step_receive(struct inquiries *all, struct line *line)
{
    size_t room = sizeof line->received - line->len, came = 0;
    bool closed = false;

    if (line->tls != NULL) {
        enum tls_step step = tls_receive(line->tls, line->received + line->len, room, &came);
        if (step == TLS_STEP_READ || step == TLS_STEP_WRITE)
            return follow(line, step);
        closed = came == 0;
    } else {
        ssize_t got = recv(line->fd, line->received + line->len, room, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return follow(line, TLS_STEP_READ);
        closed = got <= 0;
        came = got > 0 ? (size_t)got : 0;
    }
    line->len += came;
    if (ask_read((struct span){line->received, line->len}, closed, all->arena, &line->found) ||
        line->len == sizeof line->received)
        end_line(line);
    return line->phase != PHASE_OVER;
}

static void advance(struct inquiries *all, const struct inquiry *inquiry, struct line *line)
{
    bool more = true;

    while (more && line->phase != PHASE_OVER)
        switch (line->phase) {
        case PHASE_CONNECT:
            more = step_connect(all, inquiry, line);
            break;
        case PHASE_SHAKE:
            more = step_shake(all, inquiry, line);
            break;
        case PHASE_SEND:
            more = step_send(inquiry, line);
            break;
        case PHASE_RECEIVE:
            more = step_receive(all, line);
            break;
        case PHASE_IDLE:
        case PHASE_OVER:
            more = false;
            break;
        }
}

/* ---- all of them, in one process ---- */

static void begin_line(struct line *line)
{
    if (line->phase != PHASE_IDLE || line->fd < 0)
        return;
    line->phase = PHASE_CONNECT;
    line->events = POLLOUT;
}

static bool is_good(const struct inquiry *inquiry, const struct line *line)
{
    if (line->found.said == ASKED_STATUS)
        return line->found.status != 400;
    return ask_has_bad_certificate(&line->found) ||
           (inquiry->ask->question.len == 0 && line->found.tls == TLS_FINE);
}

/* Nothing good came from the first line, or nothing at all for a while. */
static void try_other_way(const struct inquiries *all, struct inquiry *inquiry)
{
    const struct line *first = &inquiry->lines[0];
    bool over = first->phase == PHASE_OVER;

    if ((over && !is_good(inquiry, first)) ||
        (!over && clock_ms(CLOCK_MONOTONIC) - all->started >= OTHER_WAY_MS &&
         first->phase > PHASE_CONNECT))
        /* Without a question there is nothing to say in plain text. */
        if (inquiry->lines[1].is_tls || inquiry->ask->question.len > 0)
            begin_line(&inquiry->lines[1]);
}

static size_t list_slots(struct inquiries *all, struct pollfd *slots)
{
    size_t open = 0;

    for (size_t i = 0; i < all->count; i++) {
        try_other_way(all, &all->at[i]);
        for (size_t k = 0; k < LINES; k++) {
            const struct line *line = &all->at[i].lines[k];
            bool is_open = line->phase > PHASE_IDLE && line->phase < PHASE_OVER;

            slots[i * LINES + k] =
                (struct pollfd){.fd = is_open ? line->fd : -1, .events = line->events};
            open += is_open ? 1 : 0;
        }
    }
    return open;
}

static void converse(struct inquiries *all)
{
    struct pollfd slots[ASK_MAX * LINES];

    for (size_t i = 0; i < all->count; i++)
        begin_line(&all->at[i].lines[0]);
    while (list_slots(all, slots) > 0) {
        int64_t passed = clock_ms(CLOCK_MONOTONIC) - all->started;
        int64_t wait = (passed < OTHER_WAY_MS ? OTHER_WAY_MS : DEADLINE_MS) - passed;

        if (passed >= DEADLINE_MS)
            return;
        if (poll(slots, (nfds_t)(all->count * LINES), (int)(wait > 0 ? wait : 0)) <= 0)
            continue;
        for (size_t i = 0; i < all->count * LINES; i++)
            if (slots[i].fd >= 0 && slots[i].revents != 0)
                advance(all, &all->at[i / LINES], &all->at[i / LINES].lines[i % LINES]);
    }
}

/* ---- what came of it ---- */

/* A line that time was over for. */
static void close_line(struct line *line)
{
    if (line->phase == PHASE_CONNECT)
        line->found.error = ETIMEDOUT;
    if (line->phase == PHASE_SHAKE)
        line->found.tls = TLS_SILENT;
    if (line->phase == PHASE_SEND || line->phase == PHASE_RECEIVE)
        line->found.said = ASKED_SILENT;
    if (line->phase != PHASE_OVER)
        line->ended = clock_ms(CLOCK_MONOTONIC);
}

static bool has_result(const struct asked *asked)
{
    return asked->error != 0 || asked->said != ASKED_NOTHING || asked->tls != TLS_NOT_TRIED;
}

static bool fill_in(const struct inquiries *all, struct inquiry *inquiry, struct asked *out)
{
    struct line *first = &inquiry->lines[0], *second = &inquiry->lines[1];

    close_line(first);
    close_line(second);
    *out = inquiry->ask->asked;
    out->error = first->found.error;
    out->said = first->found.said;
    out->status = first->found.status;
    out->text = first->found.text;
    out->tls = first->found.tls;
    out->tls_text = first->found.tls_text;
    out->milliseconds = first->ended - all->started;
    if (second->phase == PHASE_IDLE || second->phase == PHASE_CONNECT)
        return has_result(out);
    if (second->is_tls) {
        out->tls = second->found.tls;
        out->tls_text = second->found.tls_text;
        out->tls_was_a_try = out->tls != TLS_NOT_TRIED;
    } else if (second->found.said == ASKED_STATUS) {
        out->tls = TLS_PLAIN;
        out->tls_text = NULL;
    }
    return has_result(out);
}

int collect_answers(struct collection *collection, struct err *err)
{
    struct inquiries *all = collection->context;
    struct asked *asked = arena_alloc(collection->arena, (all->count + 1) * sizeof *asked);
    size_t count = 0;

    all->started = clock_ms(CLOCK_MONOTONIC);
    all->arena = collection->arena;
    /* A write into a closed TLS connection is OpenSSL's; this process is for nothing else. */
    (void)signal(SIGPIPE, SIG_IGN);
    converse(all);
    for (size_t i = 0; i < all->count; i++) {
        if (fill_in(all, &all->at[i], &asked[count]))
            count++;
        for (size_t k = 0; k < LINES; k++)
            tls_free(all->at[i].lines[k].tls);
    }
    if (count == 0 && all->no_tls.text[0] != '\0') {
        *err = all->no_tls;
        return -1;
    }
    collection->facts->asked = asked;
    collection->facts->asked_count = count;
    return 0;
}
