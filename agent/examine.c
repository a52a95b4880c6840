#include "agent/examine.h"

static bool bound_of_policy(void *context, const char *address, uint64_t *out_bound)
{
    const struct policy *policy = context;

    return policy_upper_bound(policy, address, out_bound);
}

int examine(const struct host *host, const struct policy *policy, struct arena *arena,
            struct examination *out_examination, struct err *err)
{
    /* The callback's context is not const; the policy behind it is only read. */
    union {
        const struct policy *in;
        void *out;
    } context = {.in = policy};

    if (facts_observe(host, &out_examination->wanted, arena, &out_examination->facts, err) < 0)
        return -1;
    diagnose(&out_examination->facts, bound_of_policy, context.out, arena,
             &out_examination->result);
    return 0;
}

static void count_proxies(const struct cfg *cfg, struct diagnosis *diagnosis)
{
    for (size_t i = 0; cfg != NULL && i < cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = cfg->proxies[i];

        diagnosis->frontends += proxy->kind == CFG_FRONTEND || proxy->kind == CFG_LISTEN ? 1 : 0;
        diagnosis->backends += proxy->kind == CFG_BACKEND || proxy->kind == CFG_LISTEN ? 1 : 0;
        for (size_t s = 0; s < proxy->server_count; s++)
            diagnosis->servers +=
                (int64_t)proxy->servers[s].template_high - proxy->servers[s].template_low + 1;
    }
}

struct diagnosis examine_report(const struct examination *examination, struct arena *arena)
{
    static const char *const states[] = {
        [SOURCE_ABSENT] = "absent",
        [SOURCE_OK] = "ok",
        [SOURCE_FAILED] = "failed",
    };
    const struct facts *facts = &examination->facts;
    struct diagnosis diagnosis = {
        .host = facts->host_name,
        .haproxy = facts->haproxy->version,
        .running = facts->haproxy->running,
        .tree = facts->tree,
        .time = facts->time,
        .findings = examination->result.findings,
        .finding_count = examination->result.finding_count,
        .not_checked = examination->result.not_checked,
    };

    count_proxies(facts->cfg, &diagnosis);
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        ARENA_PUSH(arena, diagnosis.sources, diagnosis.source_count) = (struct diagnosis_source){
            facts->sources[i].name,
            states[facts->sources[i].state],
            facts->sources[i].reason,
            facts->sources[i].milliseconds,
        };
    return diagnosis;
}

bool examine_found_something(const struct examination *examination)
{
    for (size_t i = 0; i < examination->result.finding_count; i++)
        if (examination->result.findings[i].state == FINDING_PROVEN)
            return true;
    return false;
}
