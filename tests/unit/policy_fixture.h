/* tests/unit/policy_fixture: policies from text, and plans to hold against them. */
#ifndef HAMEDIC_TESTS_UNIT_POLICY_FIXTURE_H
#define HAMEDIC_TESTS_UNIT_POLICY_FIXTURE_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plans/base/file.h"
#include "policies/policy.h"

struct fixture {
    struct arena *arena;
    struct err err;
    struct policy *policy;
    struct plan plan;
    struct strings refusals;
    char dir_name[64];
    int dir;
};

static inline int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->arena = arena_new();
    memcpy(fixture->dir_name, "/tmp/hamedic-policy-XXXXXX", sizeof "/tmp/hamedic-policy-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir_name));
    fixture->dir = open(fixture->dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fixture->dir >= 0);
    *state = fixture;
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"p.conf", "10-a.conf", "20-b.conf", "c.txt", ".d.conf"};

    policy_free(fixture->policy);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlinkat(fixture->dir, names[i], 0);
    (void)close(fixture->dir);
    (void)rmdir(fixture->dir_name);
    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

static inline void fixture_put(struct fixture *fixture, const char *name, struct span text)
{
    struct err err = {0};

    assert_int_equal(file_put(fixture->dir, name, text, 0644, &err), 0);
}

static inline int fixture_load(struct fixture *fixture, const char *text)
{
    policy_free(fixture->policy);
    fixture->policy = NULL;
    fixture->err = (struct err){0};
    fixture_put(fixture, "p.conf", span_of(text));
    return policy_load_file(fixture->dir, "p.conf", &fixture->policy, &fixture->err);
}

/* A policy file of the project, whatever the mode the source tree gave it. */
static inline struct span fixture_shipped(struct fixture *fixture, const char *name)
{
    struct err err = {0};
    struct span text;

    assert_int_equal(file_read(AT_FDCWD,
                               arena_printf(fixture->arena, TESTS_DIR "/../policies/%s", name),
                               (size_t)1024 * 1024, fixture->arena, &text, &err),
                     0);
    assert_true(text.len > 0);
    return text;
}

static inline void fixture_load_shipped(struct fixture *fixture, const char *name)
{
    assert_int_equal(fixture_load(fixture, fixture_shipped(fixture, name).ptr), 0);
}

static inline struct change *fixture_add(struct fixture *fixture, const char *address,
                                         const char *before, const char *after)
{
    struct plan *plan = &fixture->plan;
    struct change *change = &ARENA_PUSH(fixture->arena, plan->changes, plan->change_count);

    *change = (struct change){.address = address,
                              .action = before == NULL ? ACTION_CREATE : ACTION_UPDATE,
                              .before = {before, before},
                              .after = {after, after}};
    assert_true(address_split(fixture->arena, address, &change->kind, &change->target));
    return change;
}

/* A plan of one change, rated and judged. */
static inline void fixture_judge(struct fixture *fixture)
{
    fixture->refusals = (struct strings){0};
    fixture->plan.created = 1000;
    fixture->plan.expires = 1000 + policy_plan_lifetime(fixture->policy);
    policy_rate(fixture->policy, &fixture->plan, fixture->arena);
    policy_judge(fixture->policy, &fixture->plan, fixture->arena, &fixture->refusals);
}

static inline struct change *fixture_judge_one(struct fixture *fixture, const char *address,
                                               const char *before, const char *after)
{
    fixture->plan = (struct plan){0};
    struct change *change = fixture_add(fixture, address, before, after);
    fixture_judge(fixture);
    return change;
}

static inline void assert_allowed(struct fixture *fixture, const char *address, const char *before,
                                  const char *after, enum risk risk)
{
    const struct change *change = fixture_judge_one(fixture, address, before, after);

    if (fixture->refusals.count > 0)
        fail_msg("%s=%s refused: %s", address, after, fixture->refusals.at[0]);
    if (change->risk != risk)
        fail_msg("%s=%s is of risk %s, not %s", address, after, risk_word(change->risk),
                 risk_word(risk));
    assert_int_equal(fixture->plan.risk, risk);
}

static inline void assert_refused(struct fixture *fixture, const char *address, const char *before,
                                  const char *after, const char *why)
{
    (void)fixture_judge_one(fixture, address, before, after);
    if (fixture->refusals.count == 0)
        fail_msg("%s=%s is allowed", address, after);
    if (strncmp(fixture->refusals.at[0], address, strlen(address)) != 0 ||
        strstr(fixture->refusals.at[0], why) == NULL)
        fail_msg("%s=%s: '%s' does not tell '%s'", address, after, fixture->refusals.at[0], why);
}

#endif
