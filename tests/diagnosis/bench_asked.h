/* tests/diagnosis/bench_asked: what our own questions to the bench's servers found.
 * Use:     bench_asked(bench, "app1")->said = ASKED_SILENT;
 */
#ifndef HAMEDIC_TESTS_DIAGNOSIS_BENCH_ASKED_H
#define HAMEDIC_TESTS_DIAGNOSIS_BENCH_ASKED_H

#include "tests/diagnosis/bench.h"

/* A server of be_api. */
static inline struct asked *bench_asked(struct bench *bench, const char *server)
{
    struct asked *asked = &bench->asked[bench->facts.asked_count++];

    *asked = (struct asked){.backend = "be_api",
                            .server = server,
                            .address = "10.0.0.11",
                            .port = 8080,
                            .question = "GET /health",
                            .milliseconds = 3};
    bench->facts.asked = bench->asked;
    return asked;
}

static inline void bench_asked_status(struct bench *bench, const char *server, uint32_t status)
{
    struct asked *asked = bench_asked(bench, server);

    asked->said = ASKED_STATUS;
    asked->status = status;
    asked->text = arena_printf(bench->arena, "HTTP/1.1 %u Whatever", status);
}

/* be_api is checked by HTTP. */
static inline void bench_httpchk(struct bench *bench)
{
    bench_edit(bench, "backend be_api\n", "backend be_api\n    option httpchk GET /health\n");
}

/* The check of app1 goes to port 9090: `error` is what our own connect there ended with. */
static inline void bench_check_port(struct bench *bench, int error, int64_t microseconds)
{
    bench_edit(bench, "app1 10.0.0.11:8080 check", "app1 10.0.0.11:8080 check port 9090");
    bench->probes[PROBE_SPARE] = (struct probe){"10.0.0.11", 9090, error, microseconds, NULL};
    bench->facts.probe_count = PROBE_SPARE + 1;
}

static inline void bench_source(struct bench *bench, int error)
{
    bench_edit(bench, "app1 10.0.0.11:8080 check", "app1 10.0.0.11:8080 check source 10.0.0.77");
    bench->sources[0] = (struct probe_source){"10.0.0.77", error};
    bench->facts.sources_tried = bench->sources;
    bench->facts.source_tried_count = 1;
}

#endif
