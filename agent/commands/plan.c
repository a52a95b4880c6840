#include "agent/commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/keys.h"
#include "agent/examine.h"
#include "agent/planner.h"
#include "plans/approval.h"
#include "plans/base/file.h"
#include "plans/codec.h"

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "write the plan here, and its signature beside it"},
    {"json", 0, NULL, "print the plan file itself"},
    {"set", 0, "ADDRESS=VALUE", "plan this wish instead of a diagnosis (may be repeated)"},
    {"only", 0, "KIND|CAUSE", "only changes of this kind or for this cause (may be repeated)"},
    {"detailed-exitcode", 0, NULL, "exit 2 where the plan changes something"},
    {"policy", 0, "FILE", "policy file, instead of the host's"},
    {NULL, 0, NULL, NULL},
};

struct planning {
    struct host *host;
    struct policy *policy;
    struct examination seen;
    struct wish *wishes;
    size_t wish_count;
};

static int add_operator_wishes(struct invocation *invocation, struct planning *planning,
                               struct err *err)
{
    struct strings set = cli_values(invocation, "set");

    for (size_t i = 0; i < set.count; i++) {
        struct wish wish = {0};
        if (wish_parse(invocation->arena, set.at[i], &wish, err) < 0)
            return -1;
        ARENA_PUSH(invocation->arena, planning->wishes, planning->wish_count) = wish;
    }
    return 0;
}

static bool is_wanted(struct invocation *invocation, const struct wish *wish)
{
    struct strings only = cli_values(invocation, "only");
    const char *kind, *target;

    if (only.count == 0)
        return true;
    if (address_split(invocation->arena, wish->address, &kind, &target) &&
        strings_have(&only, kind))
        return true;
    for (size_t i = 0; i < wish->why.count; i++)
        if (strings_have(&only, wish->why.at[i]))
            return true;
    return false;
}

static void add_wishes(struct invocation *invocation, struct planning *planning,
                       const struct wish *wishes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_wanted(invocation, &wishes[i]))
            ARENA_PUSH(invocation->arena, planning->wishes, planning->wish_count) = wishes[i];
}

/* Where the wishes come from: --set alone, or the diagnosis and what the policy declares. */
static int gather(struct invocation *invocation, struct planning *planning, struct err *err)
{
    size_t desired_count;

    if (cli_has(invocation, "set"))
        return add_operator_wishes(invocation, planning, err);
    if (examine(planning->host, planning->policy, invocation->arena, &planning->seen, err) < 0)
        return -1;
    if (facts_check_late(&planning->seen.facts, err) < 0)
        return err_wrap(err, "no plan is made of a host that cannot be looked at whole");
    add_wishes(invocation, planning, planning->seen.result.wishes,
               planning->seen.result.wish_count);
    const struct wish *desired = policy_desired(planning->policy, &desired_count);
    add_wishes(invocation, planning, desired, desired_count);
    return 0;
}

static int sign(struct invocation *invocation, const struct host *host, int dir, const char *name,
                struct span bytes, struct err *err)
{
    struct minisign_secret secret;
    const char *file;
    bool exists;

    if (keys_load_agent(host, &exists, &secret, err) < 0)
        return -1;
    if (!exists)
        return 0;
    int done = approval_sign(bytes, dir, name, NULL, &secret, invocation->arena, &file, err);
    minisign_wipe(&secret);
    return done;
}

static int write_plan(struct invocation *invocation, const struct host *host, const char *path,
                      struct span bytes, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const char *parent =
        slash == NULL ? "." : arena_copy(invocation->arena, path, (size_t)(slash - path) + 1);

    if (name[0] == '\0')
        return err_set(err, ERR_INPUT, "'%s': expected the name of a file", path);
    int dir CLEANUP_FD = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(err, errno, "cannot open the directory of '%s'", path);
    /* Signatures of the plan that stood there would only say that they do not hold. */
    if (approval_remove(dir, name, invocation->arena, err) < 0 ||
        file_put(dir, name, bytes, 0644, err) < 0)
        return -1;
    if (sign(invocation, host, dir, name, bytes, err) == 0)
        return 0;
    /* Without its signature it is no plan. */
    (void)unlinkat(dir, name, 0);
    return -1;
}

static enum exit_code refuse_all(const struct strings *refusals)
{
    for (size_t i = 0; i < refusals->count; i++)
        (void)cli_refuse("%s", refusals->at[i]);
    return EXIT_REFUSED;
}

static const char *next_line(struct invocation *invocation, const struct policy *policy,
                             const struct plan *plan, const char *file)
{
    const char *self = cli_self(invocation);

    if (plan_effective_changes(plan) == 0)
        return NULL;
    if (file == NULL)
        return cli_has(invocation, "set")
                   ? "the same with -o FILE, which writes it down"
                   : arena_printf(invocation->arena, "%s plan -o fix.plan", self);
    if (plan->draft)
        return arena_printf(invocation->arena,
                            "%s show %s (a draft: %s keygen makes this host's key)", self, file,
                            self);
    if (!policy_person_suffices(policy, plan->risk))
        return arena_printf(invocation->arena, "%s approve %s -k KEY, then %s apply %s", self, file,
                            self, file);
    return arena_printf(invocation->arena,
                        "%s approve %s -k KEY; or %s apply %s, which shows it and asks you", self,
                        file, self, file);
}

static enum exit_code make(struct invocation *invocation, struct planning *planning)
{
    struct arena *arena = invocation->arena;
    struct haproxy haproxy = {0};
    struct scene scene;
    struct plan plan;
    struct strings refusals = {0};
    struct err err;

    if (gather(invocation, planning, &err) < 0 ||
        scene_open(planning->host, planning->policy, arena, &haproxy, &scene, &err) < 0)
        return cli_fail(&err);
    const struct planner planner = {
        &scene,
        planning->policy,
        cli_has(invocation, "set") ? NULL : &planning->seen.result,
        arena,
    };
    if (planner_make(&planner, planning->wishes, planning->wish_count, &plan, &refusals, &err) < 0)
        return cli_fail(&err);
    if (refusals.count > 0)
        return refuse_all(&refusals);

    const char *file = cli_value(invocation, "output");
    struct span bytes = codec_write_plan(&plan, arena);
    if (file != NULL && write_plan(invocation, planning->host, file, bytes, &err) < 0)
        return cli_fail(&err);
    struct text text = text_new(arena);
    if (cli_has(invocation, "json"))
        text_add_span(&text, bytes);
    else
        render_plan(&invocation->style, cli_has(invocation, "verbose") ? RENDER_FULL : RENDER_BRIEF,
                    &plan, next_line(invocation, planning->policy, &plan, file), &text);
    cli_print(&text);
    return cli_has(invocation, "detailed-exitcode") && plan_effective_changes(&plan) > 0
               ? EXIT_SOMETHING
               : EXIT_OK;
}

static enum exit_code run(struct invocation *invocation)
{
    struct host *host CLEANUP_HOST = NULL;
    struct policy *policy CLEANUP_POLICY = NULL;
    struct planning planning = {0};
    struct err err;

    if (cli_open_host(invocation, &host, &err) < 0 ||
        cli_open_policy(invocation, host, &policy, &err) < 0)
        return cli_fail(&err);
    planning.host = host;
    planning.policy = policy;
    return make(invocation, &planning);
}

const struct command command_plan = {
    .name = "plan",
    .arguments = "",
    .summary = "write down the repair, signed; change nothing",
    .about = "Diagnoses, and plans what the findings need and what the policy declares; with --set "
             "plans just those wishes. The plan is shown; -o writes it with the agent's signature. "
             "Nothing is changed. ADDRESS= (no value) wishes our customisation of that resource "
             "away. `hamedic help plan` lists what can be changed.\n"
             "Exit status: 0 a plan, also one without changes; 3 the policy forbids it.",
    .example = "  hamedic plan -o fix.plan\n"
               "  hamedic plan --set haproxy.maxconn:global=20000 -o more.plan\n",
    .options = options,
    .run = run,
};
