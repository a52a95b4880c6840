/* tests/diagnosis/result: what a test asks of a diagnosis.
 * Use:     struct diagnosis_result result = run(bench); find(&result, "server-queue")->object ...
 */
#ifndef HAMEDIC_TESTS_DIAGNOSIS_RESULT_H
#define HAMEDIC_TESTS_DIAGNOSIS_RESULT_H

#include "tests/diagnosis/bench.h"

static inline struct diagnosis_result run(struct bench *bench)
{
    struct diagnosis_result result;

    diagnose(&bench->facts, NULL, NULL, bench->arena, &result);
    return result;
}

struct bound {
    const char *address;
    uint64_t value;
};
static inline bool bound_of(void *context, const char *address, uint64_t *out_bound)
{
    const struct bound *bound = context;

    if (strcmp(bound->address, address) != 0)
        return false;
    *out_bound = bound->value;
    return true;
}

/* What find gives where there is none, so that the assertion behind it fails and nothing crashes.
 */
static const struct finding no_finding = {.cause = "(none)",
                                          .state = FINDING_POSSIBLE,
                                          .object = "(none)",
                                          .summary = "(none)",
                                          .settle = NULL};

static inline const struct finding *find(const struct diagnosis_result *result, const char *cause)
{
    for (size_t i = 0; i < result->finding_count; i++)
        if (strcmp(result->findings[i].cause, cause) == 0)
            return &result->findings[i];
    return &no_finding;
}

static inline size_t wish_index(const struct diagnosis_result *result, const char *address)
{
    for (size_t i = 0; i < result->wish_count; i++)
        if (strcmp(result->wishes[i].address, address) == 0)
            return i;
    return SIZE_MAX;
}

static inline const char *wished(const struct diagnosis_result *result, const char *address)
{
    size_t index = wish_index(result, address);

    return index != SIZE_MAX ? result->wishes[index].value : "(none)";
}

static inline bool mentions(const struct strings *strings, const char *part)
{
    for (size_t i = 0; i < strings->count; i++)
        if (strstr(strings->at[i], part) != NULL)
            return true;
    return false;
}

static inline bool proves(const struct finding *finding, const char *source, const char *part)
{
    for (size_t i = 0; i < finding->evidence_count; i++)
        if (strcmp(finding->evidence[i].source, source) == 0 &&
            strstr(finding->evidence[i].text, part) != NULL)
            return true;
    return false;
}

#endif
