#include "cmocka_all.h"

#include <errno.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "remediations/host/conntrack.h"
#include "remediations/host/netlink.h"
#include "remediations/host/netstat.h"

/* ---- attributes ---- */

static struct span body_of(const struct netlink_body *body)
{
    return (struct span){(const char *)body->bytes, body->len};
}

static void test_attributes_are_found_behind_their_header(void **state)
{
    struct netlink_body body = {.len = 0};
    const uint32_t number = 4711, header = 7;
    uint32_t read = 0;

    (void)state;
    netlink_put(&body, &header, sizeof header);
    netlink_put_attribute(&body, 3, "ab", 3);
    netlink_put_attribute(&body, 9 | NLA_F_NESTED, &number, sizeof number);
    assert_true(span_is(netlink_string(netlink_find(body_of(&body), sizeof header, 3)), "ab"));
    assert_true(netlink_u32(netlink_find(body_of(&body), sizeof header, 9), &read));
    assert_int_equal(read, 4711);
    assert_null(netlink_find(body_of(&body), sizeof header, 4).ptr);
}

static void test_attributes_that_lie_about_their_length_end_the_list(void **state)
{
    struct netlink_body body = {.len = 0};
    struct nlattr lie = {.nla_len = 200, .nla_type = 5};
    uint32_t number;

    (void)state;
    netlink_put_attribute(&body, 3, "ab", 2);
    netlink_put(&body, &lie, sizeof lie);
    assert_null(netlink_find(body_of(&body), 0, 5).ptr);
    lie.nla_len = 3; /* shorter than itself */
    memcpy(body.bytes + 8, &lie, sizeof lie);
    assert_null(netlink_find(body_of(&body), 0, 5).ptr);
    assert_false(netlink_u32(netlink_find(body_of(&body), 0, 3), &number));
    assert_null(netlink_find(body_of(&body), 100, 3).ptr);
    for (size_t len = 0; len < body.len; len++) {
        struct span rest = {(const char *)body.bytes, len}, value;
        unsigned type;
        while (netlink_next(&rest, &type, &value))
            assert_true(value.ptr + value.len <= (const char *)body.bytes + len);
    }
}

/* ---- the kernel's answers ---- */

static void count_message(void *context, uint16_t type, struct span payload)
{
    (void)type;
    *(size_t *)context += payload.len > 0;
}

static void test_netlink_lists_and_single_answers_and_refusals(void **state)
{
    struct netlink *netlink CLEANUP_NETLINK = NULL;
    struct netlink_body body = {.len = 0};
    struct ifinfomsg link = {.ifi_index = 0};
    struct netlink_question question = {RTM_GETLINK, true, &body, "the list of links"};
    struct err err = {0};
    size_t count = 0;

    (void)state;
    assert_int_equal(netlink_open(NETLINK_ROUTE, &netlink, &err), 0);
    netlink_put(&body, &link, sizeof link);
    assert_int_equal(netlink_ask(netlink, &question, count_message, &count, &err), 0);
    assert_true(count >= 1);
    question.dump = false;
    body.len = 0;
    link.ifi_index = 1;
    netlink_put(&body, &link, sizeof link);
    count = 0;
    assert_int_equal(netlink_ask(netlink, &question, count_message, &count, &err), 0);
    assert_int_equal(count, 1);
    body.len = 0;
    link.ifi_index = 0x7ffffff0;
    netlink_put(&body, &link, sizeof link);
    assert_int_equal(netlink_ask(netlink, &question, count_message, &count, &err), -1);
    assert_int_equal(err.sys, ENODEV);
    assert_non_null(strstr(err.text, "the list of links"));
}

/* ---- counters ---- */

static const char netstat_text[] = "TcpExt: SyncookiesSent ListenOverflows ListenDrops NewOne\n"
                                   "TcpExt: 0 17 23 5\n"
                                   "IpExt: ListenDrops InOctets\n"
                                   "IpExt: 99 1\n"
                                   "Tcp: MaxConn OutSegs RetransSegs\n"
                                   "Tcp: -1 1000 12\n";

static struct netstat netstat_of(const char *text)
{
    struct netstat netstat;

    for (size_t i = 0; i < NETSTAT_COUNT; i++)
        netstat.at[i] = -1;
    netstat_parse(span_of(text), &netstat);
    return netstat;
}

static void test_netstat_reads_by_name_and_group(void **state)
{
    struct netstat netstat = netstat_of(netstat_text);

    (void)state;
    assert_int_equal(netstat.at[NETSTAT_LISTEN_OVERFLOWS], 17);
    assert_int_equal(netstat.at[NETSTAT_LISTEN_DROPS], 23);
    assert_int_equal(netstat.at[NETSTAT_SEGMENTS], 1000);
    assert_int_equal(netstat.at[NETSTAT_RETRANSMITTED], 12);
    assert_int_equal(netstat.at[NETSTAT_REQUESTS_FULL_DROP], -1);
}

static void test_netstat_malformed_is_not_known(void **state)
{
    (void)state;
    assert_int_equal(netstat_of("TcpExt: ListenDrops\n").at[NETSTAT_LISTEN_DROPS], -1);
    assert_int_equal(netstat_of("TcpExt: ListenDrops\nTcp: 4\n").at[NETSTAT_LISTEN_DROPS], -1);
    assert_int_equal(netstat_of("TcpExt: ListenDrops\nTcpExt: x\n").at[NETSTAT_LISTEN_DROPS], -1);
    assert_int_equal(
        netstat_of("TcpExt: ListenOverflows ListenDrops\nTcpExt: 4\n").at[NETSTAT_LISTEN_DROPS],
        -1);
    assert_int_equal(netstat_of("").at[NETSTAT_LISTEN_DROPS], -1);
}

static void test_netstat_rise_of_unknown_or_reset_is_unknown(void **state)
{
    struct netstat before = netstat_of(netstat_text), after = before;

    (void)state;
    after.at[NETSTAT_LISTEN_OVERFLOWS] = 20;
    after.at[NETSTAT_LISTEN_DROPS] = 1;
    struct netstat rise = netstat_rise(&before, &after);
    assert_int_equal(rise.at[NETSTAT_LISTEN_OVERFLOWS], 3);
    assert_int_equal(rise.at[NETSTAT_LISTEN_DROPS], -1);
    assert_int_equal(rise.at[NETSTAT_SEGMENTS], 0);
    assert_int_equal(rise.at[NETSTAT_PRUNED], -1);
}

static void test_netstat_of_this_host_is_read(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct netstat netstat;
    struct err err = {0};

    (void)state;
    assert_int_equal(netstat_read(0, arena, &netstat, &err), 0);
    for (size_t i = 0; i < NETSTAT_COUNT; i++)
        if (netstat.at[i] < 0)
            fail_msg("the kernel does not count %s", netstat_name((enum netstat_counter)i));
}

/* ---- tracked connections ---- */

static void test_conntrack_adds_up_all_processors(void **state)
{
    int64_t dropped = -1, evicted = -1;

    (void)state;
    assert_true(conntrack_parse(
        span_of("entries  clashres found new insert insert_failed drop early_drop icmp_error\n"
                "00000010  00000000 00000000 00000000 00000000 00000001 0000000a 00000002 0\n"
                "00000010  00000000 00000000 00000000 00000000 00000000 00000010 00000000 0\n"),
        &dropped, &evicted));
    assert_int_equal(dropped, 26);
    assert_int_equal(evicted, 2);
}

static void test_conntrack_malformed_is_not_known(void **state)
{
    int64_t dropped = -1, evicted = -1;

    (void)state;
    assert_false(conntrack_parse(span_of(""), &dropped, &evicted));
    assert_false(conntrack_parse(span_of("drop\nzz\n"), &dropped, &evicted));
    assert_false(conntrack_parse(span_of("entries drop\n00 zz\n"), &dropped, &evicted));
    assert_int_equal(dropped, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes_are_found_behind_their_header),
        cmocka_unit_test(test_attributes_that_lie_about_their_length_end_the_list),
        cmocka_unit_test(test_netlink_lists_and_single_answers_and_refusals),
        cmocka_unit_test(test_netstat_reads_by_name_and_group),
        cmocka_unit_test(test_netstat_malformed_is_not_known),
        cmocka_unit_test(test_netstat_rise_of_unknown_or_reset_is_unknown),
        cmocka_unit_test(test_netstat_of_this_host_is_read),
        cmocka_unit_test(test_conntrack_adds_up_all_processors),
        cmocka_unit_test(test_conntrack_malformed_is_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
