#include <dirent.h>
#include <stdio.h>

#include "agent/observe/collect.h"
#include "remediations/host/haproxy_process.h"

static int64_t count_descriptors(pid_t pid)
{
    char path[64];
    int64_t count = 0;

    (void)snprintf(path, sizeof path, "/proc/%jd/fd", (intmax_t)pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -1;
    /* This stream is ours alone, and readdir_r is deprecated. */
    /* cppcheck-suppress readdirCalled */
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

/* Of those that can be told. */
static int64_t count_old(const struct haproxy *haproxy)
{
    int64_t count = haproxy->old_worker_count == 0 ? 0 : -1;

    for (size_t i = 0; i < haproxy->old_worker_count; i++) {
        int64_t one = count_descriptors(haproxy->old_workers[i]);

        if (one >= 0)
            count = one + (count < 0 ? 0 : count);
    }
    return count;
}

/* "VmRSS:     12345 kB"; -1: no such line. */
static int64_t read_kib(struct span text, const char *key)
{
    struct span rest = process_field(text, key);
    int64_t kib = -1;

    return span_scan_i64(span_cut(&rest, ' '), &kib) ? kib : -1;
}

static int64_t read_available(const struct host *host, struct arena *arena)
{
    struct err err = {0};
    struct span text;
    bool exists = false;

    if (host_read(host, "/proc/meminfo", HOST_FILE_MAX, arena, &exists, &text, &err) < 0 || !exists)
        return -1;
    return read_kib(text, "MemAvailable:");
}

int collect_process(struct collection *collection, struct err *err)
{
    struct arena *arena = collection->arena;
    struct facts *facts = collection->facts;
    struct haproxy *haproxy = arena_alloc(arena, sizeof *haproxy);

    facts->haproxy = haproxy;
    facts->open_descriptors = -1;
    facts->memory_available_kib = -1;
    facts->worker_memory_kib = -1;
    facts->told_failures = -1;
    facts->old_worker_descriptors = -1;
    if (haproxy_locate(collection->host, arena, haproxy, err) < 0)
        return -1;
    if (!collection->host->live)
        return err_set(err, ERR_UNSUPPORTED, "a tree has no processes");
    facts->memory_available_kib = read_available(collection->host, arena);
    if (!haproxy->running)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy runs here");
    facts->told_failures = haproxy_told_failures(haproxy, arena);
    facts->capabilities_known = process_capabilities(
        haproxy->master != 0 ? haproxy->master : haproxy->worker, arena, &facts->capabilities);
    facts->old_worker_descriptors = count_old(haproxy);
    if (haproxy->worker != 0) {
        load_begin(haproxy->worker, &facts->load.begin);
        facts->worker_started = process_started(haproxy->worker_start);
        facts->open_descriptors = count_descriptors(haproxy->worker);
        facts->worker_memory_kib =
            read_kib(process_file(haproxy->worker, "status", arena), "VmRSS:");
    }
    return 0;
}
