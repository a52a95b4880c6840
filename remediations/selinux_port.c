/* remediations/selinux_port: the SELinux type of one port, in the policy store.
 * Shapes:  target is "tcp/8888" or "udp/8888"; values are port types ("http_port_t"), or "" for the
 * policy's own.
 */
#include "remediations/remediation.h"

#include <string.h>

#include "remediations/host/selinux.h"
#include "remediations/selinux_exposure.h"

extern const struct remediation selinux_port;

enum { TYPE_LEN_MAX = 128 };

struct port {
    const char *protocol;
    uint32_t number;
};

/* The one spelling: digits without a leading zero, so that one port has one address. */
static int parse_target(const char *target, struct port *out_port, struct err *err)
{
    struct span number = span_of(target);
    struct span protocol = span_cut(&number, '/');
    uint64_t value = 0;

    if (span_is(protocol, "tcp"))
        out_port->protocol = "tcp";
    else if (span_is(protocol, "udp"))
        out_port->protocol = "udp";
    else
        return err_set(err, ERR_INPUT, "'%.160s' is no port: expected tcp/NUMBER or udp/NUMBER",
                       target);
    if (number.len > 0 && number.ptr[0] == '0')
        return err_set(err, ERR_INPUT, "'%.160s': a port is written without leading zeros", target);
    if (span_to_u64(number, "port", 1, 65535, &value, err) < 0)
        return -1;
    out_port->number = (uint32_t)value;
    return 0;
}

static int port_check(const char *target, const char *value, struct arena *arena,
                      const char **out_value, struct err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    struct port port;
    size_t len = strlen(value);

    if (parse_target(target, &port, err) < 0)
        return -1;
    if (len > TYPE_LEN_MAX || strspn(value, letters) != len)
        return err_set(err, ERR_INPUT, "'%.160s' cannot be the name of an SELinux type", value);
    *out_value = arena_string(arena, value);
    return 0;
}

static const char *describe(const struct semanage_port_label *label, struct arena *arena)
{
    const char *range = label->local_range_type == NULL
                            ? "none"
                            : arena_printf(arena, "%u-%u %s", label->local_low, label->local_high,
                                           label->local_range_type);

    return arena_printf(arena, "type %s, policy %s, local %s, local range %s\n",
                        label->type == NULL ? "none" : label->type,
                        label->policy_type == NULL ? "none" : label->policy_type,
                        label->is_local ? "yes" : "no", range);
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void fill_now(const char *target, const struct semanage_port_label *label,
                     struct arena *arena, struct change *out_now)
{
    change_begin(out_now, &selinux_port, target, arena);
    out_now->before.persistent = label->type == NULL ? NULL : arena_string(arena, label->type);
    change_touch(out_now, arena, arena_printf(arena, "selinux port %s", target), true,
                 span_of(describe(label, arena)));
}

static int read_label(const struct host *host, const char *target, struct arena *arena,
                      struct semanage_port_label *out_label, struct err *err)
{
    struct semanage *store = NULL;
    struct port port;

    if (parse_target(target, &port, err) < 0 || semanage_open(host, &store, err) < 0)
        return -1;
    int result = semanage_get_port(store, port.protocol, port.number, arena, out_label, err);
    semanage_close(store);
    return result;
}

static int port_read(const struct scene *scene, const char *target, struct arena *arena,
                     struct change *out_now, struct err *err)
{
    struct semanage_port_label label;

    if (read_label(scene->host, target, arena, &label, err) < 0)
        return -1;
    fill_now(target, &label, arena, out_now);
    return 0;
}

/* ---- planning ---- */
/* Would this label be ours to give? */
static int judge(struct semanage *store, const char *target, const char *type,
                 const struct semanage_port_label *now, struct err *err)
{
    struct semanage_boolean any = {0};
    bool is_type = false;

    if (semanage_is_port_type(store, type, &is_type, err) < 0)
        return -1;
    if (!is_type)
        return err_set(err, ERR_INPUT, "'%s' is no type that the policy gives to a port", type);
    if (now->local_range_type != NULL)
        return err_set(err, ERR_INPUT,
                       "%s lies in the local range %u-%u (%s): a label of its own would overlap "
                       "it; change the range with semanage port",
                       target, now->local_low, now->local_high, now->local_range_type);
    if (selinux_is_nobodys(now->policy_type) || same(now->policy_type, type))
        return 0;
    if (semanage_get_boolean(store, "haproxy_connect_any", &any, err) < 0)
        return -1;
    return err_set(
        err, ERR_INPUT, "%s is %s in the policy: a label would take it from that service%s", target,
        now->policy_type, any.known ? "; use selinux.boolean:haproxy_connect_any=on" : "");
}

static void plan_removal(const struct semanage_port_label *now, struct arena *arena,
                         struct change *change)
{
    change->after = change->before;
    change->undo = "nothing to undo";
    if (!now->is_local)
        return;
    change->action = ACTION_DELETE;
    change->after.persistent = now->policy_type;
    strings_addf(&change->diff, arena, "-%s %s", change->target, now->type);
    change->undo = arena_printf(arena, "labels it '%s' again", now->type);
}

static void plan_type(const struct semanage_port_label *now, const char *type, struct arena *arena,
                      struct change *change)
{
    change->after.persistent = type;
    change->undo = "nothing to undo";
    if (same(now->type, type))
        return;
    change->action = now->is_local ? ACTION_UPDATE : ACTION_CREATE;
    if (now->is_local)
        strings_addf(&change->diff, arena, "-%s %s", change->target, now->type);
    strings_addf(&change->diff, arena, "+%s %s", change->target, type);
    if (!now->is_local && now->policy_type != NULL)
        strings_addf(&change->notes, arena, "the policy's own label '%s' is covered, not removed",
                     now->policy_type);
    change->undo = now->is_local ? arena_printf(arena, "labels it '%s' again", now->type)
                                 : "takes the local label away: the policy's own label is back";
}

static int plan_in_store(struct semanage *store, const char *target, const char *value,
                         struct arena *arena, struct change *out_change, struct err *err)
{
    struct semanage_port_label now;
    struct change change;
    struct port port;

    if (parse_target(target, &port, err) < 0 ||
        semanage_get_port(store, port.protocol, port.number, arena, &now, err) < 0)
        return -1;
    fill_now(target, &now, arena, &change);
    if (value[0] == '\0')
        plan_removal(&now, arena, &change);
    else if (!same(now.type, value) && judge(store, target, value, &now, err) < 0)
        return -1;
    else
        plan_type(&now, arena_string(arena, value), arena, &change);
    change.impact = IMPACT_NONE;
    *out_change = change;
    return 0;
}

static int port_plan(const struct scene *scene, const struct wish *wish, struct arena *arena,
                     struct change *out_change, struct err *err)
{
    const char *kind = NULL, *target = NULL;
    struct semanage *store = NULL;
    struct change change;
    struct port port;

    if (!address_split(arena, wish->address, &kind, &target))
        return err_set(err, ERR_BUG, "'%s' is no address", wish->address);
    if (semanage_open(scene->host, &store, err) < 0)
        return -1;
    int result = plan_in_store(store, target, wish->value, arena, &change, err);
    semanage_close(store);
    if (result < 0 || parse_target(target, &port, err) < 0)
        return -1;
    if (change.action != ACTION_NO_OP)
        selinux_exposure_of_label(scene, port.protocol, change.before.persistent,
                                  change.after.persistent, arena, &change);
    if (scene->host->live && selinux_mode(scene->host) == SELINUX_OFF)
        strings_add(&change.notes, arena, "SELinux is off on this host: only the store changes");
    *out_change = change;
    return 0;
}

/* ---- applying ---- */
/* Under the store's lock nobody else writes: what is seen now is what will be displaced. */
static int require_unmoved(const struct change *change, const char *text, struct err *err)
{
    struct digest digest = digest_bytes(span_of(text));

    if (change->touched_count == 1 && strcmp(change->touched[0].digest, digest.hex) == 0)
        return 0;
    return err_set(err, ERR_CHANGED, "SELinux port '%s' is not as planned: now %.*s",
                   change->target, (int)strlen(text) - 1, text);
}

static int port_stage(struct stage *stage, const struct scene *scene, const struct change *change,
                      struct err *err)
{
    struct semanage *store = NULL;
    struct semanage_port_label now;
    struct port port;

    (void)scene;
    if (change->action == ACTION_NO_OP)
        return 0;
    if (parse_target(change->target, &port, err) < 0 || stage_store(stage, &store, err) < 0 ||
        semanage_get_port(store, port.protocol, port.number, stage_arena(stage), &now, err) < 0 ||
        require_unmoved(change, describe(&now, stage_arena(stage)), err) < 0)
        return -1;
    stage_note(stage, change->address, "local", now.is_local ? now.type : "none");
    if (change->action == ACTION_DELETE)
        return semanage_unset_port(store, port.protocol, port.number, err);
    return semanage_set_port(store, port.protocol, port.number, change->after.persistent, err);
}

static int port_commit(struct stage *stage, const struct change *change, struct err *err)
{
    (void)change;
    return stage_commit_store(stage, err);
}

static int port_prove(struct stage *stage, const struct change *change, struct arena *arena,
                      struct proof *out_proof, struct err *err)
{
    const struct host *host = stage_host(stage);
    struct semanage_port_label now;

    if (read_label(host, change->target, arena, &now, err) < 0)
        return -1;
    if (!same(now.type, change->after.persistent) ||
        (change->action == ACTION_DELETE && now.is_local))
        return err_set(err, ERR_SYS, "the policy store has %s as '%s', not '%s'", change->target,
                       now.type == NULL ? "none" : now.type,
                       change->after.persistent == NULL ? "none" : change->after.persistent);
    *out_proof = (struct proof){
        .now = arena_printf(arena, "%s in the policy store and in the installed policy, read back",
                            now.type == NULL ? "no label" : now.type),
        .later =
            selinux_mode(host) == SELINUX_OFF ? "running: when a kernel loads this policy" : NULL,
    };
    return 0;
}

static int undo_in_store(struct semanage *store, const struct change *change, const char *local,
                         const struct port *port, struct arena *arena, struct undo_report *report,
                         struct err *err)
{
    struct semanage_port_label now;

    if (semanage_get_port(store, port->protocol, port->number, arena, &now, err) < 0)
        return -1;
    if (same(local, now.is_local ? now.type : "none"))
        return 0;
    bool ours = change->action == ACTION_DELETE
                    ? !now.is_local
                    : now.is_local && same(now.type, change->after.persistent);
    if (!ours) {
        report->persistent = UNDONE_LEFT;
        report->left = arena_printf(arena,
                                    "the local label of %s is %s, neither ours nor the one before "
                                    "(%s): check it with semanage port -l -C",
                                    change->target, now.is_local ? now.type : "gone", local);
        return 0;
    }
    report->persistent = UNDONE_RESTORED;
    if (strcmp(local, "none") == 0)
        return semanage_unset_port(store, port->protocol, port->number, err);
    return semanage_set_port(store, port->protocol, port->number, local, err);
}

static int port_undo(struct stage *stage, const struct change *change, struct arena *arena,
                     struct undo_report *out_report, struct err *err)
{
    const char *local = stage_recall(stage, change->address, "local");
    struct undo_report report = {.persistent = UNDONE_ALREADY, .runtime = UNDONE_ALREADY};
    struct semanage *store = NULL;
    struct port port;

    if (local != NULL && !stage_store_is_untouched(stage) &&
        (parse_target(change->target, &port, err) < 0 || stage_store(stage, &store, err) < 0 ||
         undo_in_store(store, change, local, &port, arena, &report, err) < 0 ||
         stage_commit_store(stage, err) < 0))
        return -1;
    /* The reload that ends the transaction brings the running policy along, where one runs. */
    if (selinux_mode(stage_host(stage)) != SELINUX_OFF)
        report.runtime = report.persistent;
    *out_report = report;
    return 0;
}

const struct remediation selinux_port = {
    .kind = "selinux.port",
    .summary = "the SELinux type of a port",
    .example = "selinux.port:tcp/8888=http_port_t",
    .check = port_check,
    .read = port_read,
    .plan = port_plan,
    .stage = port_stage,
    .commit = port_commit,
    .prove = port_prove,
    .undo = port_undo,
};
