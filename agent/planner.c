#include "agent/planner.h"

#include <string.h>
#include <time.h>

#include "agent/examine.h"
#include "agent/transaction/ledger.h"
#include "plans/base/digest.h"

/* ---- wishes ---- */

static void merge_reasons(struct wish *into, const struct wish *from, struct arena *arena)
{
    for (size_t i = 0; i < from->why.count; i++)
        if (!strings_have(&into->why, from->why.at[i]))
            strings_add(&into->why, arena, from->why.at[i]);
}

static int merge_wish(struct wish *there, const struct wish *wish, struct arena *arena,
                      struct err *err)
{
    bool same = strcmp(there->value, wish->value) == 0;
    bool diagnosed = there->source == WISH_DIAGNOSIS || wish->source == WISH_DIAGNOSIS;

    if (!same && !diagnosed)
        return err_set(err, ERR_INPUT, "%s is wished to be '%s' and '%s': expected one value",
                       there->address, there->value, wish->value);
    if (there->source == WISH_DIAGNOSIS && wish->source != WISH_DIAGNOSIS) {
        there->value = wish->value;
        there->source = wish->source;
        there->because = wish->because;
    }
    if (wish->activation > there->activation)
        there->activation = wish->activation;
    merge_reasons(there, wish, arena);
    return 0;
}

/* Checks each wish by its row, in canonical form, one per address. */
static int collect(const struct planner *planner, const struct wish *wishes, size_t count,
                   struct wish **out_wishes, size_t *out_count, struct err *err)
{
    struct wish *kept = NULL;
    size_t kept_count = 0;

    for (size_t i = 0; i < count; i++) {
        struct wish wish = wishes[i];
        const char *kind, *target;
        if (!address_split(planner->arena, wish.address, &kind, &target))
            return err_set(err, ERR_INPUT, "'%s': expected KIND:TARGET", wish.address);
        const struct remediation *row = remediation_for(kind);
        if (row == NULL)
            return err_set(err, ERR_INPUT, "'%s': unknown kind '%s' (see hamedic help plan)",
                           wish.address, kind);
        if (row->check(target, wish.value, planner->arena, &wish.value, err) < 0)
            return err_wrap(err, "%s", wish.address);
        struct wish *there = NULL;
        for (size_t k = 0; k < kept_count; k++)
            if (strcmp(kept[k].address, wish.address) == 0)
                there = &kept[k];
        if (there == NULL)
            ARENA_PUSH(planner->arena, kept, kept_count) = wish;
        else if (merge_wish(there, &wish, planner->arena, err) < 0)
            return -1;
    }
    *out_wishes = kept;
    *out_count = kept_count;
    return 0;
}

/* ---- changes ---- */

/* What the change needs besides its own two sides: a reload, or a start where HAProxy does not run. */
static void plan_activation(const struct planner *planner, const struct wish *wish,
                            struct change *change, struct plan *plan)
{
    const struct scene *scene = planner->scene;
    struct err err;

    if (change->action == ACTION_NO_OP || wish->activation <= change->impact || !scene->host->live)
        return;
    if (!scene->haproxy->running && haproxy_check_start(scene->host, scene->haproxy, &err) < 0) {
        strings_addf(&plan->advice, planner->arena, "then start HAProxy: %s", err.text);
        return;
    }
    change->impact = wish->activation;
    strings_add(&change->notes, planner->arena,
                scene->haproxy->running ? "HAProxy is reloaded, so that it takes effect"
                                        : "HAProxy does not run: it is started");
}

static int plan_wish(const struct planner *planner, const struct scene *scene,
                     const struct remediation *row, const struct wish *wish, struct plan *plan,
                     struct err *err)
{
    struct change change;

    int planned = row->plan(scene, wish, planner->arena, &change, err);
    if (planned == 0)
        plan_activation(planner, wish, &change, plan);
    if (planned == 0 && change.impact == IMPACT_RELOAD)
        planned = haproxy_check_reload(scene->host, scene->haproxy, err);
    if (planned < 0) {
        if (wish->source != WISH_DIAGNOSIS ||
            (err->kind != ERR_INPUT && err->kind != ERR_UNSUPPORTED))
            return err_wrap(err, "%s", wish->address);
        strings_addf(&plan->advice, planner->arena, "%s=%s would help, but: %s", wish->address,
                     wish->value, err->text);
        return 0;
    }
    change.why = wish->why;
    if (wish->because != NULL)
        strings_add(&change.notes, planner->arena, wish->because);
    ARENA_PUSH(planner->arena, plan->changes, plan->change_count) = change;
    return 0;
}

/* The wishes of one kind: `first`: for the target that must come before the others of its kind, else for those. */
static int plan_kind(const struct planner *planner, const struct scene *scene,
                     const struct remediation *row, bool first, struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < scene->wish_count; i++) {
        const struct wish *wish = &scene->wishes[i];
        const char *kind, *target;
        if (!address_split(planner->arena, wish->address, &kind, &target) ||
            strcmp(kind, row->kind) != 0)
            continue;
        bool is_first = row->first_target != NULL && strcmp(target, row->first_target) == 0;
        if (is_first == first && plan_wish(planner, scene, row, wish, plan, err) < 0)
            return -1;
    }
    return 0;
}

static int plan_changes(const struct planner *planner, const struct wish *wishes, size_t count,
                        struct plan *plan, struct err *err)
{
    struct scene scene = *planner->scene;
    size_t row_count;
    const struct remediation *const *rows = remediation_table(&row_count);

    scene.wishes = wishes;
    scene.wish_count = count;
    for (size_t r = 0; r < row_count; r++)
        if (plan_kind(planner, &scene, rows[r], true, plan, err) < 0 ||
            plan_kind(planner, &scene, rows[r], false, plan, err) < 0)
            return -1;
    if (plan->change_count > PLAN_CHANGES_MAX)
        return err_set(err, ERR_INPUT, "%zu changes in one plan: expected at most %d",
                       plan->change_count, PLAN_CHANGES_MAX);
    return 0;
}

/* ---- header ---- */

static int fill_header(const struct planner *planner, struct plan *plan, struct err *err)
{
    const struct host *host = planner->scene->host;
    struct arena *arena = planner->arena;

    if (digest_random_hex((PLAN_ID_SIZE - 1) / 2, plan->id, err) < 0)
        return -1;
    plan->tree = !host->live;
    plan->host.name = host_name(host, arena);
    if (host_machine(host, arena, &plan->host.machine, err) < 0 ||
        ledger_lineage(host, arena, &plan->host.lineage, err) < 0)
        return -1;
    plan->draft = plan->host.lineage == NULL;
    plan->created = (int64_t)time(NULL);
    plan->expires = plan->created + policy_plan_lifetime(planner->policy);
    plan->agent = HAMEDIC_VERSION;
    plan->haproxy = planner->scene->haproxy->version;
    return 0;
}

static void carry_diagnosis(const struct planner *planner, struct plan *plan)
{
    const struct diagnosis_result *diagnosis = planner->diagnosis;

    if (diagnosis == NULL)
        return;
    plan->findings = diagnosis->findings;
    plan->finding_count = diagnosis->finding_count;
    plan->not_checked = diagnosis->not_checked;
    for (size_t i = 0; i < diagnosis->finding_count; i++)
        for (size_t k = 0; k < diagnosis->findings[i].advice.count; k++)
            strings_add(&plan->advice, planner->arena, diagnosis->findings[i].advice.at[k]);
    plan->activates = diagnosis->activates;
}

/* A reload loads the whole file: what else was edited since the last one is part of the plan. It matters only where
 * something reloads; a plan of wishes has not looked yet. */
static int tell_activates(const struct planner *planner, struct plan *plan, struct err *err)
{
    struct examination seen = {.wanted = {.without_logs = true}};

    if (plan_impact(plan) == IMPACT_NONE) {
        plan->activates = (struct strings){0};
        return 0;
    }
    if (planner->diagnosis != NULL || !planner->scene->host->live)
        return 0;
    if (examine(planner->scene->host, planner->policy, planner->arena, &seen, err) < 0 ||
        facts_check_late(&seen.facts, err) < 0)
        return err_wrap(err, "cannot tell what a reload would activate");
    plan->activates = seen.result.activates;
    return 0;
}

int planner_make(const struct planner *planner, const struct wish *wishes, size_t count,
                 struct plan *out_plan, struct strings *refusals, struct err *err)
{
    struct plan plan = {0};
    struct wish *kept = NULL;
    size_t kept_count = 0;

    carry_diagnosis(planner, &plan);
    if (fill_header(planner, &plan, err) < 0 ||
        collect(planner, wishes, count, &kept, &kept_count, err) < 0 ||
        plan_changes(planner, kept, kept_count, &plan, err) < 0)
        return -1;
    if (tell_activates(planner, &plan, err) < 0)
        return -1;
    if (plan.tree && planner->diagnosis == NULL)
        strings_add(&plan.not_checked, planner->arena,
                    "haproxy -c: a tree's paths are not this machine's");
    policy_rate(planner->policy, &plan, planner->arena);
    policy_judge(planner->policy, &plan, planner->arena, refusals);
    *out_plan = plan;
    return 0;
}
