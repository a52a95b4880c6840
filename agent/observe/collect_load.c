#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "agent/observe/collect.h"
#include "remediations/host/haproxy_process.h"

enum {
    SAMPLE_LEAST_MS = 200, /* of a process that seems busy: less may be one burst */
    SAMPLES_MAX = 3,
    OWN_SHARE = 10,   /* a tenth of the time that passed changes no judgement */
    IDLE_ENOUGH = 20, /* per cent: above it nobody needs the sample */
    NS_OF_MS = 1000000,
    THREADS_MAX = 4096,
    PATH_ROOM = 512,
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_OF_MS + now.tv_nsec;
}

static int64_t ns_of(const struct timeval *time)
{
    return ((int64_t)time->tv_sec * 1000000 + time->tv_usec) * 1000;
}

static int64_t own_ns(void)
{
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    int64_t sum = 0;

    for (size_t i = 0; i < sizeof whose / sizeof *whose; i++) {
        struct rusage usage;
        if (getrusage(whose[i], &usage) == 0)
            sum += ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime);
    }
    return sum;
}

/* "WORK WAIT SLICES" */
static bool read_schedstat(pid_t pid, const char *thread, struct arena *arena,
                           struct load_moment *moment)
{
    char name[PATH_ROOM];
    int64_t work, wait;

    (void)snprintf(name, sizeof name, "task/%s/schedstat", thread);
    struct span text = process_file(pid, name, arena);
    if (!span_scan_i64(span_cut(&text, ' '), &work) || !span_scan_i64(span_cut(&text, ' '), &wait))
        return false;
    moment->work += work;
    moment->wait += wait;
    moment->threads++;
    return true;
}

/* ---- its control group ---- */

/* A file of the group that the process is in, of the one hierarchy of cgroup v2; empty: there is
 * none, or it has no such file. */
static struct span group_file(pid_t pid, const char *name, struct arena *arena)
{
    struct span groups = process_file(pid, "cgroup", arena), line;
    char path[PATH_ROOM];

    while (span_next_line(&groups, &line)) {
        if (!span_starts_with(line, "0::/"))
            continue;
        int len = snprintf(path, sizeof path, "/sys/fs/cgroup%.*s/%s", (int)line.len - 3,
                           line.ptr + 3, name);
        if (len < 0 || (size_t)len >= sizeof path)
            break;
        FILE *file = fopen(path, "re");
        if (file == NULL)
            break;
        char *bytes = arena_alloc(arena, 4096);
        size_t got = fread(bytes, 1, 4096, file);
        (void)fclose(file);
        return (struct span){bytes, got};
    }
    return (struct span){NULL, 0};
}

/* "KEY NUMBER" a line; -1: there is no such line. */
static int64_t group_number(struct span text, const char *key)
{
    struct span line;
    int64_t number;

    while (span_next_line(&text, &line)) {
        struct span word = span_cut(&line, ' ');
        if (span_is(word, key) && span_scan_i64(span_trim(line), &number))
            return number;
    }
    return -1;
}

/* A number of bytes alone, as KiB; "max" and what is not there: -1. */
static int64_t group_kib(pid_t pid, const char *name, struct arena *arena)
{
    int64_t bytes;

    return span_scan_i64(span_trim(group_file(pid, name, arena)), &bytes) ? bytes / 1024 : -1;
}

/* ---- the process ---- */

static void read_threads(pid_t pid, struct arena *arena, struct load_moment *moment)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%jd/task", (intmax_t)pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    /* cppcheck-suppress readdirCalled */
    for (const struct dirent *entry;
         moment->threads < THREADS_MAX && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            (void)read_schedstat(pid, entry->d_name, arena, moment);
    (void)closedir(dir);
}

static void read_moment(pid_t pid, struct arena *arena, struct load_moment *out_moment)
{
    struct load_moment moment = {
        .throttled = group_number(group_file(pid, "cpu.stat", arena), "nr_throttled")};

    read_threads(pid, arena, &moment);
    moment.own = own_ns();
    if (moment.threads > 0)
        moment.nanoseconds = now_ns();
    *out_moment = moment;
}

void load_begin(pid_t worker, struct load_moment *out_moment)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    read_moment(worker, arena, out_moment);
}

/* "0-3,8" counted; -1: not such a list. */
static int64_t count_list(struct span list)
{
    int64_t count = 0;

    while (list.len > 0) {
        struct span range = span_cut(&list, ',');
        struct span first = span_cut(&range, '-');
        int64_t low, high;
        if (!span_scan_i64(first, &low))
            return -1;
        high = low;
        if (range.len > 0 && !span_scan_i64(range, &high))
            return -1;
        if (low < 0 || high < low || high > THREADS_MAX)
            return -1;
        count += high - low + 1;
    }
    return count > 0 ? count : -1;
}

/* "Max address space      SOFT      HARD      bytes", as KiB; "unlimited": -1. */
static int64_t limit_kib(struct span limits, const char *name)
{
    struct span line;

    while (span_next_line(&limits, &line)) {
        int64_t bytes;
        if (!span_starts_with(line, name))
            continue;
        line.ptr += strlen(name);
        line.len -= strlen(name);
        line = span_trim(line);
        return span_scan_i64(span_cut(&line, ' '), &bytes) ? bytes / 1024 : -1;
    }
    return -1;
}

/* Of the two limits that a process may have, the one that is met first. */
static void read_process_memory(pid_t pid, struct arena *arena, struct load_facts *load)
{
    static const struct {
        const char *limit, *used;
    } kinds[] = {{"Max address space", "VmSize:"}, {"Max data size", "VmData:"}};
    struct span limits = process_file(pid, "limits", arena);
    struct span status = process_file(pid, "status", arena);

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int64_t limit = limit_kib(limits, kinds[i].limit), used;
        struct span field = process_field(status, kinds[i].used);
        if (limit < 0 || !span_scan_i64(span_cut(&field, ' '), &used) ||
            (load->memory_process_limit_kib >= 0 &&
             limit - used >= load->memory_process_limit_kib - load->memory_process_kib))
            continue;
        load->memory_process_limit_kib = limit;
        load->memory_process_kib = used;
    }
}

static void sleep_until(int64_t nanoseconds)
{
    int64_t rest = nanoseconds - now_ns();

    if (rest > 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)rest}, NULL);
}

static void take_sample(const struct load_moment *end, struct load_facts *load)
{
    const struct load_moment *begin = &load->begin;

    /* Another number of threads: another worker, or one that has just begun. */
    if (end->threads != begin->threads || end->work < begin->work)
        return;
    load->sample_ms = (end->nanoseconds - begin->nanoseconds) / NS_OF_MS;
    load->work_ms = (end->work - begin->work) / NS_OF_MS;
    load->wait_ms = (end->wait - begin->wait) / NS_OF_MS;
    load->own_ms = (end->own - begin->own) / NS_OF_MS;
    load->threads = end->threads;
    if (end->throttled >= 0 && begin->throttled >= 0)
        load->throttled = end->throttled - begin->throttled;
}

/* Who looks takes processor time, too: where that was much of it, another look at a quiet moment. */
static void sample(pid_t pid, bool busy, struct arena *arena, struct load_facts *load)
{
    struct load_moment end;

    for (int i = 0; i < SAMPLES_MAX && load->begin.nanoseconds != 0; i++) {
        if (busy)
            sleep_until(load->begin.nanoseconds + (int64_t)SAMPLE_LEAST_MS * NS_OF_MS);
        read_moment(pid, arena, &end);
        take_sample(&end, load);
        if (!busy || load->own_ms * OWN_SHARE < load->sample_ms)
            return;
        load->begin = end;
    }
}

int collect_load(struct collection *collection, struct err *err)
{
    const struct facts *known = collection->known;
    struct arena *arena = collection->arena;
    struct load_facts load = {known->load.begin, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    int64_t idle = -1;

    if (!known->haproxy->running || known->haproxy->worker == 0)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy runs here");
    pid_t pid = known->haproxy->worker;
    bool told =
        facts_have(known, SOURCE_STATS) && haproxy_info_number(&known->info, "Idle_pct", &idle);
    sample(pid, !told || idle < IDLE_ENOUGH, arena, &load);
    load.cpus = count_list(
        span_trim(process_field(process_file(pid, "status", arena), "Cpus_allowed_list:")));
    read_process_memory(pid, arena, &load);
    load.memory_group_limit_kib = group_kib(pid, "memory.max", arena);
    load.memory_group_kib = group_kib(pid, "memory.current", arena);
    load.oom_kills = group_number(group_file(pid, "memory.events", arena), "oom_kill");
    collection->facts->load = load;
    if (load.cpus < 0 && load.sample_ms < 0)
        return err_set(err, ERR_SYS, "cannot read /proc/%jd", (intmax_t)pid);
    return 0;
}
