#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "plans/base/file.h"
#include "plans/base/text.h"
#include "remediations/host/sockets_table.h"

static struct socket_row row_of(const char *local, uint32_t local_port, const char *remote,
                                uint32_t remote_port, unsigned state)
{
    struct socket_row row = {.local_port = local_port, .remote_port = remote_port, .state = state};
    unsigned char bytes[16];
    int local_family = strchr(local, ':') == NULL ? AF_INET : AF_INET6;
    int remote_family = strchr(remote, ':') == NULL ? AF_INET : AF_INET6;

    assert_int_equal(inet_pton(local_family, local, bytes), 1);
    socket_row_address(row.local, local_family == AF_INET6, bytes);
    assert_int_equal(inet_pton(remote_family, remote, bytes), 1);
    socket_row_address(row.remote, remote_family == AF_INET6, bytes);
    return row;
}

static void count(struct socket_table *table, const char *local, uint32_t local_port,
                  const char *remote, uint32_t remote_port, unsigned state)
{
    struct socket_row row = row_of(local, local_port, remote, remote_port, state);

    socket_table_count(table, &row);
}

static void listens(struct socket_table *table, const char *local, uint32_t port)
{
    struct socket_row row = row_of(local, port, "0.0.0.0", 0, SOCKET_LISTEN);

    socket_table_listen(table, &row);
}

static void test_table_counts_per_source_destination_and_port(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(arena);
    struct sockets sockets;

    (void)state;
    count(table, "10.0.0.1", 40000, "10.0.1.1", 80, SOCKET_ESTABLISHED);
    count(table, "10.0.0.1", 40001, "10.0.1.1", 80, SOCKET_TIME_WAIT);
    count(table, "10.0.0.1", 40002, "10.0.1.1", 80, SOCKET_TIME_WAIT);
    count(table, "10.0.0.1", 40003, "10.0.1.1", 80, SOCKET_SYN_SENT);
    count(table, "10.0.0.1", 40004, "10.0.1.1", 80, SOCKET_FIN_WAIT2);
    count(table, "10.0.0.2", 40000, "10.0.1.1", 80, SOCKET_ESTABLISHED);
    count(table, "10.0.0.1", 40000, "10.0.1.1", 81, SOCKET_ESTABLISHED);
    count(table, "10.0.0.1", 0, "10.0.1.1", 80, SOCKET_CLOSE);
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.destination_count, 3);
    assert_string_equal(sockets.destinations[0].source, "10.0.0.1");
    assert_string_equal(sockets.destinations[0].address, "10.0.1.1");
    assert_int_equal(sockets.destinations[0].port, 80);
    assert_int_equal(sockets.destinations[0].total, 5);
    assert_int_equal(sockets.destinations[0].established, 1);
    assert_int_equal(sockets.destinations[0].time_wait, 2);
    assert_int_equal(sockets.destinations[0].syn_sent, 1);
    assert_int_equal(sockets.destinations[1].total, 1);
}

static void test_table_mapped_ipv4_counts_with_ipv4(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(arena);
    struct sockets sockets;

    (void)state;
    count(table, "10.0.0.1", 40000, "10.0.1.1", 80, SOCKET_ESTABLISHED);
    count(table, "::ffff:10.0.0.1", 40001, "::ffff:10.0.1.1", 80, SOCKET_ESTABLISHED);
    count(table, "2001:db8::1", 40001, "2001:db8::2", 80, SOCKET_ESTABLISHED);
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.destination_count, 2);
    assert_int_equal(sockets.destinations[0].total, 2);
    assert_string_equal(sockets.destinations[1].address, "2001:db8::2");
}

static void test_table_accepted_sockets_are_not_outgoing(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(arena);
    struct sockets sockets;

    (void)state;
    listens(table, "0.0.0.0", 80);
    listens(table, "10.0.0.7", 443);
    listens(table, "::", 8080);
    listens(table, "::1", 9000);
    count(table, "10.0.0.1", 80, "192.0.2.1", 50000, SOCKET_ESTABLISHED);
    count(table, "10.0.0.7", 443, "192.0.2.1", 50000, SOCKET_ESTABLISHED);
    count(table, "10.0.0.1", 8080, "192.0.2.1", 50000, SOCKET_TIME_WAIT);
    count(table, "2001:db8::1", 8080, "2001:db8::2", 50000, SOCKET_ESTABLISHED);
    count(table, "10.0.0.1", 40000, "192.0.2.1", 50000, SOCKET_SYN_RECV);
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.destination_count, 0);
    assert_int_equal(sockets.listener_count, 4);

    /* A listening port of another address is as good a local port as any. */
    count(table, "10.0.0.1", 443, "192.0.2.1", 50000, SOCKET_ESTABLISHED);
    count(table, "10.0.0.1", 9000, "192.0.2.1", 50000, SOCKET_ESTABLISHED);
    count(table, "2001:db8::1", 80, "2001:db8::2", 50000, SOCKET_ESTABLISHED);
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.destination_count, 2);
    assert_int_equal(sockets.destinations[0].total + sockets.destinations[1].total, 3);
}

static void test_table_half_open_counts_for_its_listener(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(arena);
    struct sockets sockets;

    (void)state;
    listens(table, "0.0.0.0", 80);
    listens(table, "10.0.0.7", 443);
    count(table, "10.0.0.7", 443, "192.0.2.1", 50000, SOCKET_SYN_RECV);
    count(table, "10.0.0.7", 443, "192.0.2.2", 50000, SOCKET_SYN_RECV);
    count(table, "10.0.0.8", 443, "192.0.2.2", 50000, SOCKET_SYN_RECV);
    count(table, "10.0.0.7", 443, "192.0.2.3", 50000, SOCKET_ESTABLISHED);
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.listeners[0].half_open, 0);
    assert_int_equal(sockets.listeners[1].half_open, 2);
    assert_int_equal(sockets.destination_count, 0);
}

static void test_table_adds_up_what_connections_measured(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(arena);
    struct sockets sockets;
    struct socket_row row = row_of("10.0.0.1", 40000, "10.0.1.1", 80, SOCKET_ESTABLISHED);

    (void)state;
    socket_table_count(table, &row);
    row.measured = true;
    row.round_trip_us = 1000;
    row.least_round_trip_us = 400;
    row.segments = 10;
    row.retransmitted = 1;
    socket_table_count(table, &row);
    row.round_trip_us = 3000;
    row.least_round_trip_us = 300;
    row.retrying = true;
    socket_table_count(table, &row);
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.destinations[0].total, 3);
    assert_int_equal(sockets.destinations[0].measured, 2);
    assert_int_equal(sockets.destinations[0].retrying, 1);
    assert_int_equal(sockets.destinations[0].round_trip_us, 2000);
    assert_int_equal(sockets.destinations[0].least_round_trip_us, 300);
    assert_int_equal(sockets.destinations[0].segments, 20);
    assert_int_equal(sockets.destinations[0].retransmitted, 2);
}

static void test_table_many_sockets_keep_their_counts(void **state)
{
    enum { DESTINATIONS = 5000, EACH = 60 };
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(arena);
    struct sockets sockets;

    (void)state;
    listens(table, "0.0.0.0", 80);
    for (uint32_t i = 0; i < DESTINATIONS * EACH; i++) {
        uint32_t to = htonl(0x0a000000u + i % DESTINATIONS), from = htonl(0xc0a80001u);
        struct socket_row row = {
            .local_port = 1024 + i % 60000, .remote_port = 443, .state = SOCKET_ESTABLISHED};
        socket_row_address(row.local, false, &from);
        socket_row_address(row.remote, false, &to);
        socket_table_count(table, &row);
    }
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.destination_count, DESTINATIONS);
    for (size_t i = 0; i < DESTINATIONS; i++)
        assert_int_equal(sockets.destinations[i].total, EACH);
}

/* Recorded lines of a Linux 6.18 host. */
static const char proc_tcp[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode                                                     \n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 "
    "4711 1 0000000000000000 100 0 0 10 0                      \n"
    "   1: 0100007F:9C40 0200007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 "
    "4712 1 0000000000000000 20 4 30 10 -1                     \n"
    "   2: 0100007F:9C41 0200007F:0050 06 00000000:00000000 03:00000000 00000000     0        0 "
    "0 3 0000000000000000                                      \n"
    "   3: 0100007F:1F90 0300007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 "
    "4713 1 0000000000000000 20 4 30 10 -1                     \n";

static void read_both(struct socket_table *table, struct span text, bool v6)
{
    socket_table_read_proc(table, text, v6, true);
    socket_table_read_proc(table, text, v6, false);
}

static void test_proc_lines_become_listeners_and_destinations(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(arena);
    struct sockets sockets;

    (void)state;
    read_both(table, span_of(proc_tcp), false);
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.listener_count, 1);
    assert_string_equal(sockets.listeners[0].address, "127.0.0.1");
    assert_int_equal(sockets.listeners[0].port, 8080);
    assert_int_equal(sockets.listeners[0].queue, 3);
    assert_int_equal(sockets.listeners[0].inode, 4711);
    assert_int_equal(sockets.destination_count, 1);
    assert_string_equal(sockets.destinations[0].address, "127.0.0.2");
    assert_int_equal(sockets.destinations[0].port, 80);
    assert_int_equal(sockets.destinations[0].total, 2);
    assert_int_equal(sockets.destinations[0].time_wait, 1);
}

static void test_proc_ipv6_lines_are_understood(void **state)
{
    static const char text[] =
        "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 00:00000000 00000000     0        0 99 1 0 100 0 0 10 0\n"
        "   1: 0000000000000000FFFF00000100007F:9C40 0000000000000000FFFF00000200007F:0050 01 "
        "00000000:00000000 00:00000000 00000000     0        0 98 1 0 20 4 30 10 -1\n";
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(arena);
    struct sockets sockets;

    (void)state;
    read_both(table, span_of(text), true);
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.listener_count, 1);
    assert_string_equal(sockets.listeners[0].address, "::");
    assert_int_equal(sockets.destination_count, 1);
    assert_string_equal(sockets.destinations[0].address, "127.0.0.2");
}

static void test_proc_cut_off_or_garbage_lines_are_skipped(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof proc_tcp; len++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct socket_table *table = socket_table_new(arena);
        struct sockets sockets;
        char *copy = arena_copy(arena, proc_tcp, len);
        read_both(table, (struct span){copy, len}, false);
        read_both(table, (struct span){copy, len}, true);
        socket_table_finish(table, arena, &sockets);
        assert_true(sockets.listener_count <= 1);
        assert_true(sockets.destination_count <= 1);
    }
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct socket_table *table = socket_table_new(arena);
    struct sockets sockets;
    read_both(table, span_of("0: 0100007F:GGGG 0:0 01\n\n:\n 1: 0100007F:0050\0x\n"), false);
    socket_table_finish(table, arena, &sockets);
    assert_int_equal(sockets.listener_count + sockets.destination_count, 0);
}

/* ---- the kernel's own list ---- */

static int open_listener(uint16_t *out_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f2a0001)}};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 7), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *out_port = ntohs(address.sin_port);
    return fd;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(0x7f2a0001)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void test_read_live_sees_queue_connection_and_time_wait(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct host host = {.live = true};
    struct sockets sockets = {0};
    struct err err = {0};
    uint16_t port;
    struct destination found = {0};
    struct listener listener = {0};

    (void)state;
    int server CLEANUP_FD = open_listener(&port);
    int kept CLEANUP_FD = connect_to(port);
    int closed = connect_to(port);
    int accepted CLEANUP_FD = accept(server, NULL, NULL);
    int accepted_too CLEANUP_FD = accept(server, NULL, NULL);
    int waiting CLEANUP_FD = connect_to(port);
    char byte;
    assert_true(kept >= 0 && accepted >= 0 && waiting >= 0);
    /* Who closes first waits: our side, so that it is an outgoing one. */
    assert_int_equal(close(closed), 0);
    assert_int_equal(read(accepted_too, &byte, 1), 0);
    assert_int_equal(close(take_fd(&accepted_too)), 0);

    assert_int_equal(sockets_read(&host, 0, arena, &sockets, &err), 0);
    for (size_t i = 0; i < sockets.listener_count; i++)
        if (sockets.listeners[i].port == port)
            listener = sockets.listeners[i];
    for (size_t i = 0; i < sockets.destination_count; i++)
        if (sockets.destinations[i].port == port)
            found = sockets.destinations[i];
    assert_int_equal(listener.port, port);
    assert_string_equal(listener.address, "127.42.0.1");
    assert_int_equal(listener.queue, 1);
    assert_int_equal(listener.queue_limit, 7);
    assert_int_equal(found.port, port);
    assert_string_equal(found.address, "127.42.0.1");
    assert_int_equal(found.established, 2);
    assert_int_equal(found.time_wait, 1);
    assert_int_equal(found.total, 3);
}

static void test_read_tree_is_unsupported(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct host host = {.live = false};
    struct sockets sockets = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(sockets_read(&host, 0, arena, &sockets, &err), -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_counts_per_source_destination_and_port),
        cmocka_unit_test(test_table_mapped_ipv4_counts_with_ipv4),
        cmocka_unit_test(test_table_accepted_sockets_are_not_outgoing),
        cmocka_unit_test(test_table_half_open_counts_for_its_listener),
        cmocka_unit_test(test_table_adds_up_what_connections_measured),
        cmocka_unit_test(test_table_many_sockets_keep_their_counts),
        cmocka_unit_test(test_proc_lines_become_listeners_and_destinations),
        cmocka_unit_test(test_proc_ipv6_lines_are_understood),
        cmocka_unit_test(test_proc_cut_off_or_garbage_lines_are_skipped),
        cmocka_unit_test(test_read_live_sees_queue_connection_and_time_wait),
        cmocka_unit_test(test_read_tree_is_unsupported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
