/* observe_answer: what hamedic's own code finds, checks, reloads and observes, one "key value" a
 * line, for the tests of integration/observe_*.sh. observe_answer [-p PID-FILE] [-r ROOT] find |
 * check [PATH STAGED]... | reload MS | reload-twice MS | facts | firewall in|out ADDRESS PORT | links ADDRESS... Exit status: 0 done, 1 refused (the
 * reason is on standard output), 2 usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/observe/facts.h"
#include "remediations/host/haproxy.h"

struct question {
    struct host *host;
    struct arena *arena;
    char **words;
    int count;
};

static int refuse(const struct err *err)
{
    printf("kind %d\nerror %s\n", (int)err->kind, err->text);
    return 1;
}

static void print_strings(const char *key, const struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        printf("%s %s\n", key, strings->at[i]);
}

static const char *word_or_none(const char *word)
{
    return word == NULL ? "none" : word;
}

static void print_haproxy(const struct haproxy *haproxy)
{
    printf("running %d\nmaster %jd\nworker %jd\n", haproxy->running, (intmax_t)haproxy->master,
           (intmax_t)haproxy->worker);
    for (size_t i = 0; i < haproxy->old_worker_count; i++)
        printf("old %jd\n", (intmax_t)haproxy->old_workers[i]);
    printf("program %s\nversion %s\nmajor %u\nminor %u\n", word_or_none(haproxy->program),
           word_or_none(haproxy->version), haproxy->major, haproxy->minor);
    print_strings("config", &haproxy->config);
    print_strings("argument", &haproxy->arguments);
    for (size_t i = 0; i < haproxy->environment.count; i++)
        if (strncmp(haproxy->environment.at[i], "OBSERVE_", 8) == 0)
            printf("environment %s\n", haproxy->environment.at[i]);
    printf("maxconn %ju\ndirectory %s\nunit %s\nstats %s\nmaster-socket %s\n",
           (uintmax_t)haproxy->argument_maxconn, haproxy->directory, word_or_none(haproxy->unit),
           word_or_none(haproxy->stats_socket), word_or_none(haproxy->master_socket));
    printf("soft %ju\nhard %ju\nworker-soft %ju\nraise %d\nnetwork %d\nuid %u\n",
           (uintmax_t)haproxy->limit_soft, (uintmax_t)haproxy->limit_hard,
           (uintmax_t)haproxy->worker_limit_soft, haproxy->can_raise_limit, haproxy->same_network,
           haproxy->uid);
}

static int answer_find(struct question *question)
{
    struct haproxy haproxy;
    struct err err = {0};

    if (haproxy_find(question->host, question->arena, &haproxy, &err) < 0)
        return refuse(&err);
    print_haproxy(&haproxy);
    return 0;
}

static int answer_check(struct question *question)
{
    struct staged_file staged[8];
    struct haproxy_verdict verdict;
    struct haproxy haproxy;
    size_t count = 0;
    struct err err = {0};

    for (int i = 0; i + 1 < question->count && count < 8; i += 2)
        staged[count++] = (struct staged_file){question->words[i], question->words[i + 1]};
    if (haproxy_find(question->host, question->arena, &haproxy, &err) < 0 ||
        haproxy_check(question->host, &haproxy, staged, count, 10000, question->arena, &verdict,
                      &err) < 0)
        return refuse(&err);
    printf("exit %d\n%.*s", verdict.exit_code, (int)verdict.output.len, verdict.output.ptr);
    return 0;
}

static int answer_reload(struct question *question, int times)
{
    struct haproxy haproxy;
    struct err err = {0};

    if (question->count < 1 || haproxy_find(question->host, question->arena, &haproxy, &err) < 0)
        return refuse(&err);
    for (int i = 0; i < times; i++)
        if (haproxy_reload(question->host, &haproxy,
                           (unsigned)strtoul(question->words[0], NULL, 10), question->arena,
                           &err) < 0)
            return refuse(&err);
    print_haproxy(&haproxy);
    return 0;
}

static void print_facts(const struct facts *facts)
{
    static const char *const states[] = {"absent", "ok", "failed"};
    int64_t pid = 0;

    for (size_t i = 0; i < SOURCE_COUNT; i++)
        printf("source %s: %s%s%s\n", facts->sources[i].name, states[facts->sources[i].state],
               facts->sources[i].reason == NULL ? "" : ": ",
               facts->sources[i].reason == NULL ? "" : facts->sources[i].reason);
    printf("tree %d\ndescriptors %d\nworker-memory %d\n", facts->tree, facts->open_descriptors > 3,
           facts->worker_memory_kib > 100);
    printf("check %d\nproxies %zu\n", facts->check.exit_code,
           facts->cfg == NULL ? 0 : facts->cfg->proxy_count);
    if (haproxy_info_number(&facts->info, "Pid", &pid))
        printf("info-pid %jd\n", (intmax_t)pid);
    for (size_t i = 0; i < facts->stat_count; i++)
        printf("stat %s/%s %s\n", facts->stats[i].proxy, facts->stats[i].name,
               facts->stats[i].status);
    for (size_t i = 0; i < facts->sysctl_count; i++)
        printf("sysctl %s %s boot %s\n", facts->sysctls[i].key,
               word_or_none(facts->sysctls[i].running), word_or_none(facts->sysctls[i].boot.value));
    for (size_t i = 0; i < facts->sockets.listener_count; i++)
        printf("listener %s %u limit %u\n", facts->sockets.listeners[i].address,
               facts->sockets.listeners[i].port, facts->sockets.listeners[i].queue_limit);
    for (size_t i = 0; i < facts->sockets.destination_count; i++)
        printf("destination %s %s %u established %u\n", facts->sockets.destinations[i].source,
               facts->sockets.destinations[i].address, facts->sockets.destinations[i].port,
               facts->sockets.destinations[i].established);
    for (size_t i = 0; i < facts->probe_count; i++)
        printf("probe %s %u %s\n", facts->probes[i].address, facts->probes[i].port,
               facts->probes[i].error == 0 ? "connected" : strerror(facts->probes[i].error));
    printf("budget %ju need %d\n", (uintmax_t)facts->budget.maxconn,
           facts->budget.need > 2 * facts->budget.maxconn);
}

static int answer_facts(struct question *question)
{
    struct facts facts;
    struct err err = {0};

    if (facts_observe(question->host, NULL, question->arena, &facts, &err) < 0)
        return refuse(&err);
    print_haproxy(facts.haproxy);
    print_facts(&facts);
    return 0;
}

/* WAY ADDRESS PORT of a connection: what this host's packet filter does to it. */
static int answer_firewall(struct question *question)
{
    static const char *const verdicts[] = {"passes", "drops", "rejects", "untold"};
    struct firewall_question asked;
    struct firewall firewall;
    struct err err = {0};

    if (question->count != 3)
        return 2;
    asked = (struct firewall_question){
        strcmp(question->words[0], "in") == 0 ? FIREWALL_IN : FIREWALL_OUT, question->words[1],
        (uint32_t)strtoul(question->words[2], NULL, 10)};
    if (firewall_ask(question->host, 0, &asked, 1, question->arena, &firewall, &err) < 0)
        return refuse(&err);
    const struct firewall_answer *answer = &firewall.answers[0];
    printf("%s%s", verdicts[answer->verdict], answer->names_port ? " names-port" : "");
    if (answer->verdict == FIREWALL_DROPS || answer->verdict == FIREWALL_REJECTS)
        printf(" by %s", answer->place);
    if (answer->is_counted)
        printf(" packets %ju", (uintmax_t)answer->packets);
    printf("%s%s\n", answer->untold != NULL ? ": " : "",
           answer->untold != NULL ? answer->untold : "");
    return 0;
}

/* ADDRESS...: interfaces, addresses, and the way to each of these. */
static int answer_links(struct question *question)
{
    static const char *const states[] = {"unknown", "local", "routed", "none", "forbidden"};
    static const char *const neighbours[] = {"unknown", "needless", "seen", "silent"};
    struct strings targets = {0};
    struct links links;
    struct err err = {0};

    for (int i = 0; i < question->count; i++)
        strings_add(&targets, question->arena, question->words[i]);
    if (links_read(0, &targets, question->arena, &links, &err) < 0)
        return refuse(&err);
    for (size_t i = 0; i < links.address_count; i++)
        printf("address %s %s\n", links.addresses[i].address,
               links.addresses[i].link != NULL ? links.addresses[i].link->name : "?");
    for (size_t i = 0; i < links.path_count; i++)
        printf("path %s %s %s %s %s\n", links.paths[i].target, states[links.paths[i].state],
               links.paths[i].link != NULL ? links.paths[i].link->name : "-",
               word_or_none(links.paths[i].hop), neighbours[links.paths[i].neighbour]);
    return 0;
}

static int answer(const char *what, struct question *question)
{
    if (strcmp(what, "find") == 0)
        return answer_find(question);
    if (strcmp(what, "check") == 0)
        return answer_check(question);
    if (strcmp(what, "reload") == 0)
        return answer_reload(question, 1);
    if (strcmp(what, "reload-twice") == 0)
        return answer_reload(question, 2);
    if (strcmp(what, "facts") == 0)
        return answer_facts(question);
    if (strcmp(what, "firewall") == 0)
        return answer_firewall(question);
    if (strcmp(what, "links") == 0)
        return answer_links(question);
    return 2;
}

int main(int argc, char **argv)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct host *host CLEANUP_HOST = NULL;
    const char *pid_file = NULL, *root = NULL;
    struct err err = {0};
    int option;

    while ((option = getopt(argc, argv, "+p:r:")) != -1) {
        if (option == 'p')
            pid_file = optarg;
        else if (option == 'r')
            root = optarg;
        else
            return 2;
    }
    if (optind == argc)
        return 2;
    if (host_open(root, &host, &err) < 0)
        return refuse(&err);
    host->settings.pid_file = pid_file;
    struct question question = {host, arena, argv + optind + 1, argc - optind - 1};
    return answer(argv[optind], &question);
}
