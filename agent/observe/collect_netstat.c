#include <time.h>
#include <unistd.h>

#include "agent/observe/collect.h"
#include "plans/base/clock.h"
#include "remediations/host/network.h"

/* Long enough that a queue which overflows is seen to do so, where clients come all the time; short
 * enough to wait for. */
enum { READINGS = 11, PAUSE_MS = 50 };

static void rest(void)
{
    struct timespec left = {.tv_nsec = PAUSE_MS * 1000000L};

    while (nanosleep(&left, &left) < 0)
        continue;
}

/* ---- listeners ---- */

struct sampling {
    struct arena *arena;
    struct listener *first; /* by inode: several may listen on one port */
    size_t first_count;
    struct listener_sample *samples; /* for each of `first` */
};

static struct listener_sample *find_sample(const struct sampling *sampling,
                                           const struct listener *listener, size_t guess)
{
    const struct listener *first = sampling->first;

    if (guess < sampling->first_count && first[guess].inode == listener->inode)
        return &sampling->samples[guess];
    for (size_t i = 0; i < sampling->first_count; i++)
        if (first[i].inode == listener->inode)
            return &sampling->samples[i];
    return NULL;
}

static void add_reading(struct sampling *sampling, const struct listener *listeners, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct listener_sample *sample = find_sample(sampling, &listeners[i], i);
        if (sample == NULL)
            continue;
        if (listeners[i].queue > sample->queue_most)
            sample->queue_most = listeners[i].queue;
        sample->queue_limit = listeners[i].queue_limit;
        sample->drops_rise += listeners[i].drops - sample->drops;
        sample->drops = listeners[i].drops;
    }
}

static void begin_samples(struct sampling *sampling)
{
    sampling->samples =
        arena_alloc(sampling->arena, sampling->first_count * sizeof *sampling->samples);
    for (size_t i = 0; i < sampling->first_count; i++) {
        const struct listener *listener = &sampling->first[i];
        sampling->samples[i] = (struct listener_sample){.address = listener->address,
                                                        .port = listener->port,
                                                        .queue_most = listener->queue,
                                                        .queue_limit = listener->queue_limit,
                                                        .drops_known = listener->drops_known,
                                                        .drops = listener->drops};
    }
}

/* Runs in HAProxy's network namespace. */
static int sample_listeners(void *context, struct err *err)
{
    struct sampling *sampling = context;

    if (sockets_listeners(sampling->arena, &sampling->first, &sampling->first_count, err) < 0)
        return -1;
    begin_samples(sampling);
    for (int i = 1; i < READINGS; i++) {
        struct arena *scratch CLEANUP_ARENA = arena_new();
        struct listener *listeners;
        size_t count;
        rest();
        if (sockets_listeners(scratch, &listeners, &count, err) < 0)
            return -1;
        add_reading(sampling, listeners, count);
    }
    return 0;
}

int collect_netstat(struct collection *collection, struct err *err)
{
    pid_t worker = collection->known->haproxy->worker;
    struct net_facts *net = &collection->facts->net;
    struct sampling sampling = {.arena = collection->arena};
    struct netstat before, after;
    struct err unseen = {0};
    int64_t began = clock_ms(CLOCK_MONOTONIC);

    if (netstat_read(worker, collection->arena, &before, err) < 0)
        return -1;
    bool sampled = network_run(worker, sample_listeners, &sampling, &unseen) == 0;
    for (int i = 1; !sampled && i < READINGS; i++)
        rest();
    if (netstat_read(worker, collection->arena, &after, err) < 0)
        return -1;
    net->total = after;
    net->rise = netstat_rise(&before, &after);
    net->sample_ms = clock_ms(CLOCK_MONOTONIC) - began;
    if (sampled) {
        net->listeners = sampling.samples;
        net->listener_count = sampling.first_count;
    } else {
        net->listeners_unknown = arena_string(collection->arena, unseen.text);
    }
    return 0;
}

int collect_conntrack(struct collection *collection, struct err *err)
{
    pid_t worker = collection->known->haproxy->worker;
    struct net_facts *net = &collection->facts->net;
    struct conntrack before, after;

    if (conntrack_read(collection->host, worker, collection->arena, &before, err) < 0)
        return -1;
    if (before.count == 0)
        return err_set(err, ERR_UNSUPPORTED, "no connection is tracked here");
    for (int i = 1; i < READINGS; i++)
        rest();
    if (conntrack_read(collection->host, worker, collection->arena, &after, err) < 0)
        return -1;
    net->conntrack = after;
    net->conntrack_dropped_rise = net->conntrack_evicted_rise = -1;
    if (before.dropped >= 0 && after.dropped >= before.dropped && after.evicted >= before.evicted) {
        net->conntrack_dropped_rise = after.dropped - before.dropped;
        net->conntrack_evicted_rise = after.evicted - before.evicted;
    }
    return 0;
}
