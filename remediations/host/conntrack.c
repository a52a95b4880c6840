#include "remediations/host/conntrack.h"

#include <unistd.h>

#include "remediations/host/haproxy_process.h"
#include "remediations/host/network.h"
#include "remediations/host/sysctl.h"

static bool scan_hex(struct span digits, uint64_t *out_value)
{
    uint64_t value = 0;

    if (digits.len == 0 || digits.len > 16)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        char digit = digits.ptr[i];
        if (digit >= '0' && digit <= '9')
            value = value << 4 | (unsigned)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = value << 4 | ((unsigned)(digit - 'a') + 10);
        else
            return false;
    }
    *out_value = value;
    return true;
}

static struct span next_word(struct span *rest)
{
    *rest = span_trim(*rest);
    return span_cut(rest, ' ');
}

bool conntrack_parse(struct span text, int64_t *out_dropped, int64_t *out_evicted)
{
    struct span head, line;
    int64_t dropped = 0, evicted = 0;

    if (!span_next_line(&text, &head) || !span_starts_with(head, "entries"))
        return false;
    while (span_next_line(&text, &line)) {
        struct span names = head;

        while (span_trim(names).len > 0 && span_trim(line).len > 0) {
            struct span name = next_word(&names), word = next_word(&line);
            uint64_t value;
            if (!scan_hex(word, &value) || value > UINT32_MAX)
                return false;
            if (span_is(name, "drop"))
                dropped += (int64_t)value;
            else if (span_is(name, "early_drop"))
                evicted += (int64_t)value;
        }
    }
    *out_dropped = dropped;
    *out_evicted = evicted;
    return true;
}

struct limits {
    const struct host *host;
    struct arena *arena;
    const char *count, *max;
};

static int read_limits(void *context, struct err *err)
{
    struct limits *limits = context;

    if (sysctl_read(limits->host, "net.netfilter.nf_conntrack_count", limits->arena, &limits->count,
                    err) < 0)
        return -1;
    return sysctl_read(limits->host, "net.netfilter.nf_conntrack_max", limits->arena, &limits->max,
                       err);
}

int conntrack_read(const struct host *host, pid_t pid, struct arena *arena,
                   struct conntrack *out_conntrack, struct err *err)
{
    struct conntrack conntrack = {.count = -1, .max = -1, .dropped = -1, .evicted = -1};
    struct limits limits = {.host = host, .arena = arena};
    pid_t whose = pid != 0 ? pid : getpid();

    if (network_run(pid, read_limits, &limits, err) < 0)
        return -1;
    if (limits.count == NULL || limits.max == NULL)
        return err_set(err, ERR_UNSUPPORTED, "this kernel tracks no connections");
    if (!span_scan_i64(span_of(limits.count), &conntrack.count) ||
        !span_scan_i64(span_of(limits.max), &conntrack.max))
        return err_set(err, ERR_INPUT, "nf_conntrack_count and nf_conntrack_max: expected numbers");
    struct span text = process_file(whose, "net/stat/nf_conntrack", arena);
    if (!conntrack_parse(text, &conntrack.dropped, &conntrack.evicted))
        conntrack.dropped = conntrack.evicted = -1;
    *out_conntrack = conntrack;
    return 0;
}
