#include "remediations/host/netstat.h"

#include <errno.h>
#include <unistd.h>

#include "remediations/host/haproxy_process.h"

static const struct {
    const char *group, *name;
} counters[NETSTAT_COUNT] = {
    [NETSTAT_LISTEN_OVERFLOWS] = {"TcpExt", "ListenOverflows"},
    [NETSTAT_LISTEN_DROPS] = {"TcpExt", "ListenDrops"},
    [NETSTAT_REQUESTS_FULL_DROP] = {"TcpExt", "TCPReqQFullDrop"},
    [NETSTAT_REQUESTS_FULL_COOKIE] = {"TcpExt", "TCPReqQFullDoCookies"},
    [NETSTAT_BACKLOG_DROP] = {"TcpExt", "TCPBacklogDrop"},
    [NETSTAT_PRUNED] = {"TcpExt", "PruneCalled"},
    [NETSTAT_TIMEOUTS] = {"TcpExt", "TCPTimeouts"},
    [NETSTAT_RETRANSMITTED] = {"Tcp", "RetransSegs"},
    [NETSTAT_SEGMENTS] = {"Tcp", "OutSegs"},
};

const char *netstat_name(enum netstat_counter counter)
{
    return counters[counter].name;
}

static void take(struct span group, struct span name, struct span value, struct netstat *netstat)
{
    int64_t number;

    for (size_t i = 0; i < NETSTAT_COUNT; i++)
        if (span_is(group, counters[i].group) && span_is(name, counters[i].name) &&
            span_scan_i64(value, &number) && number >= 0)
            netstat->at[i] = number;
}

/* Two lines that belong together begin alike: "TcpExt: NAME NAME ..." and "TcpExt: 1 2 ...". */
void netstat_parse(struct span text, struct netstat *netstat)
{
    struct span names, values;

    while (span_next_line(&text, &names) && span_next_line(&text, &values)) {
        struct span group = span_cut(&names, ':');

        if (!span_equal(group, span_cut(&values, ':')))
            return;
        names = span_trim(names);
        values = span_trim(values);
        while (names.len > 0 && values.len > 0) {
            struct span name = span_cut(&names, ' ');
            take(group, name, span_cut(&values, ' '), netstat);
        }
    }
}

int netstat_read(pid_t pid, struct arena *arena, struct netstat *out_netstat, struct err *err)
{
    struct netstat netstat;
    pid_t whose = pid != 0 ? pid : getpid();
    struct span extended = process_file(whose, "net/netstat", arena);
    struct span basic = process_file(whose, "net/snmp", arena);

    if (extended.len == 0 && basic.len == 0)
        return err_sys(err, ENOENT, "cannot read '/proc/%jd/net/netstat'", (intmax_t)whose);
    for (size_t i = 0; i < NETSTAT_COUNT; i++)
        netstat.at[i] = -1;
    netstat_parse(extended, &netstat);
    netstat_parse(basic, &netstat);
    *out_netstat = netstat;
    return 0;
}

struct netstat netstat_rise(const struct netstat *before, const struct netstat *after)
{
    struct netstat rise;

    for (size_t i = 0; i < NETSTAT_COUNT; i++)
        rise.at[i] =
            before->at[i] < 0 || after->at[i] < before->at[i] ? -1 : after->at[i] - before->at[i];
    return rise;
}
