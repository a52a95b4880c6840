/* A log as a busy host has it, the same for the same arguments: several frontends, 60 servers, sick ones among
 * them, captures, requests short and long, and what HAProxy says of itself in between.
 *   make_log LINES [iso|traditional] [SECONDS [START]] >FILE
 * LINES over SECONDS (a day) from START (1795305600, 2026-11-22T00:00:00Z), in the order of the ends of requests,
 * as HAProxy writes them. Traditional times and HAProxy's own are UTC's: read it with TZ=UTC. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t random_state = 42;

/* splitmix64 */
static uint64_t next_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned below(unsigned bound)
{
    return (unsigned)((next_random() >> 32) * bound >> 32);
}

static bool chance(unsigned in_10000)
{
    return below(10000) < in_10000;
}

/* Mostly small, sometimes large: like times and sizes are. */
static unsigned skewed(unsigned typical)
{
    unsigned value = below(2 * typical + 1);

    while (chance(1500) && value < 100000000)
        value = value * 3 + 1;
    return value;
}

static const struct place {
    const char *frontend, *backend;
    unsigned servers;
    unsigned weight; /* of 100 */
    bool captures, cookie;
    unsigned response; /* typical, ms */
} places[] = {
    {"www~", "shop", 12, 30, true, true, 25},
    {"www~", "static", 6, 25, true, false, 2},
    {"www", "static", 6, 5, true, false, 2},
    {"api~", "api-v1", 10, 15, false, false, 40},
    {"api~", "api-v2", 10, 10, false, false, 35},
    {"intern", "wiki", 4, 5, false, true, 120},
    {"intern", "build.ci", 8, 5, false, false, 300},
    {"partner~", "partner:xml", 10, 5, true, false, 80},
};

static const char *const paths[] = {"/",          "/api/v1/orders/", "/static/js/app.",
                                    "/img/item/", "/search?q=",      "/checkout/step/",
                                    "/login",     "/health",         "/wiki/page/"};
static const char *const agents[] = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
    "curl/8.5.0",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
    "okhttp/4.12.0",
};
static const char *const messages[] = {
    "Server shop/shop3 is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", "
    "check "
    "duration: 0ms. 11 active and 0 backup servers left. 4 sessions active, 0 requeued, 0 "
    "remaining in queue.",
    "Server shop/shop3 is UP, reason: Layer7 check passed, code: 200, check duration: 3ms. 12 "
    "active and 0 "
    "backup servers online. 0 sessions requeued, 0 total in queue.",
    "Connect() failed for backend wiki: no free ports.",
    "backend wiki has no server available!",
    "Proxy www reached process FD limit (maxsock=4012). Please check 'ulimit-n' and restart.",
};

/* What a request came to. */
struct end {
    const char *state;
    int status;
    bool has_server, connected, answered;
    unsigned retries;
};

static struct end choose_end(bool cookie)
{
    static const int usual[] = {200, 200, 200, 200, 200, 304, 302,
                                404, 201, 206, 301, 204, 401, 403};
    static const struct end ends[] = {
        {"SC--", 503, true, false, false, 3},  {"SC--", 503, false, false, false, 0},
        {"sC--", 503, true, false, false, 3},  {"sQ--", 503, false, false, false, 0},
        {"sH--", 504, true, true, false, 0},   {"SH--", 502, true, true, false, 0},
        {"PH--", 502, true, true, false, 0},   {"CD--", 200, true, true, true, 0},
        {"SD--", 200, true, true, true, 0},    {"cD--", 200, true, true, true, 1},
        {"PR--", 403, false, false, false, 0}, {"LR--", 302, false, false, false, 0},
        {"CH--", -1, true, true, false, 0},    {"cR--", 408, false, false, false, 0},
        {"----", 503, true, true, true, 0},    {"----", 500, true, true, true, 0},
    };

    if (chance(300))
        return ends[below(sizeof ends / sizeof *ends)];
    return (struct end){cookie ? (chance(5000) ? "--VN" : "--NI") : "----",
                        usual[below(sizeof usual / sizeof *usual)],
                        true,
                        true,
                        true,
                        chance(20) ? 1 : 0};
}

static void write_request(void)
{
    unsigned kind = below(sizeof paths / sizeof *paths);

    printf(" \"%s %s", chance(8000) ? "GET" : "POST", paths[kind]);
    for (unsigned i = skewed(3); i > 0 && i < 60; i--)
        printf("%x", (unsigned)(next_random() >> 40));
    if (chance(2500))
        printf("?session=%016llx&utm_source=%x&page=%u", (unsigned long long)next_random(),
               below(1 << 30), below(100));
    fputs(chance(6000) ? " HTTP/1.1\"" : " HTTP/2.0\"", stdout);
}

static void write_http(uint64_t end_time, unsigned load)
{
    unsigned pick = below(100);
    const struct place *place = places;
    struct end end;
    unsigned wait, connect, response, total, server, queue;
    uint64_t start;
    time_t seconds;
    struct tm parts;
    char date[64];

    for (; pick >= place->weight; place++)
        pick -= place->weight;
    end = choose_end(place->cookie);
    server = 1 + below(place->servers);
    queue = chance(100) ? 1 + below(20) : 0;
    wait = queue > 0 ? skewed(50) : 0;
    connect = skewed(1);
    response = skewed(server == place->servers ? place->response * 4 : place->response);
    total = wait + (end.connected ? connect + response : end.retries * 1001) + skewed(5);
    start = end_time - total;
    seconds = (time_t)(start / 1000);
    gmtime_r(&seconds, &parts);
    (void)strftime(date, sizeof date, "%d/%b/%Y:%H:%M:%S", &parts);
    if (chance(800))
        printf("2001:db8:%x::%x", below(64), below(4096));
    else
        printf("10.%u.%u.%u", below(4), below(250), 1 + below(250));
    printf(":%u [%s.%03u] %s %s/", 1024 + below(60000), date, (unsigned)(start % 1000),
           place->frontend, place->backend);
    if (end.has_server)
        printf("%s%u ", place->backend, server);
    else
        fputs("<NOSRV> ", stdout);
    printf("%u/", skewed(1));
    if (!end.has_server)
        printf("-1/-1/-1/%u", total);
    else if (!end.connected)
        printf("%u/-1/-1/%u", wait, total);
    else if (!end.answered)
        printf("%u/%u/-1/%u", wait, connect, total);
    else
        printf("%u/%u/%u/%u", wait, connect, response, total);
    printf(" %d %u - - %s %u/%u/%u/%u/%s%u %u/%u", end.status, 200 + skewed(8000), end.state, load,
           load / 2, load / 5, load / 40, end.retries == 3 && chance(3000) ? "+" : "", end.retries,
           0U, queue);
    if (place->captures)
        printf(" {shop.example.net|%s} {nginx}", agents[below(sizeof agents / sizeof *agents)]);
    write_request();
    putchar('\n');
}

int main(int argc, char **argv)
{
    uint64_t lines = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    bool iso = argc > 2 && strcmp(argv[2], "iso") == 0;
    uint64_t span = (argc > 3 ? strtoull(argv[3], NULL, 10) : 86400) * 1000;
    uint64_t begin = (argc > 4 ? strtoull(argv[4], NULL, 10) : 1795305600) * 1000;

    for (uint64_t line = 0; line < lines; line++) {
        uint64_t now = begin + (uint64_t)((double)span * (double)line / (double)lines);
        time_t seconds = (time_t)(now / 1000);
        struct tm parts;
        char stamp[64];

        gmtime_r(&seconds, &parts);
        (void)strftime(stamp, sizeof stamp, iso ? "%Y-%m-%dT%H:%M:%S" : "%b %e %H:%M:%S", &parts);
        if (iso)
            printf("%s.%06u+00:00 lb1 haproxy[812]: ", stamp, (unsigned)(now % 1000 * 1000 + 17));
        else
            printf("%s lb1 haproxy[812]: ", stamp);
        if (chance(10))
            puts(messages[below(sizeof messages / sizeof *messages)]);
        else
            write_http(now, 100 + below(900));
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
