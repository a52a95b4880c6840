#include "remediations/host/firewall.h"

#include <errno.h>
#include <limits.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/utsname.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"
#include "remediations/host/firewall_rules.h"
#include "remediations/host/haproxy_process.h"
#include "remediations/host/netlink.h"
#include "remediations/host/network.h"

enum { TRIES = 3, MODULES_MAX = 1024 * 1024 };

/* To ask would make a kernel load the module that is not there: nothing is to change by looking. */
static bool has_module(const struct host *host, struct arena *arena)
{
    struct utsname kernel;
    struct span loaded, line, builtin;
    struct err ignored = {0};
    bool exists = false;

    if (host_read(host, "/proc/modules", MODULES_MAX, arena, &exists, &loaded, &ignored) < 0 ||
        !exists)
        return true; /* it loads none */
    while (span_next_line(&loaded, &line))
        if (span_starts_with(line, "nf_tables "))
            return true;
    if (uname(&kernel) < 0 ||
        host_read(host, arena_printf(arena, "/lib/modules/%s/modules.builtin", kernel.release),
                  MODULES_MAX, arena, &exists, &builtin, &ignored) < 0 ||
        !exists)
        return false;
    while (span_next_line(&builtin, &line))
        if (span_ends_with(line, "/nf_tables.ko"))
            return true;
    return false;
}

static uint16_t type_of(unsigned message)
{
    return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message);
}

static void take_chain(void *context, uint16_t type, struct span payload)
{
    if (type == type_of(NFT_MSG_NEWCHAIN))
        firewall_rules_take_chain(context, payload);
}

static void take_set(void *context, uint16_t type, struct span payload)
{
    if (type == type_of(NFT_MSG_NEWSET))
        firewall_rules_take_set(context, payload);
}

static void take_rule(void *context, uint16_t type, struct span payload)
{
    if (type == type_of(NFT_MSG_NEWRULE))
        firewall_rules_take_rule(context, payload);
}

struct set_reading {
    struct firewall_ruleset *ruleset;
    struct firewall_set *set;
};

static void take_elements(void *context, uint16_t type, struct span payload)
{
    const struct set_reading *reading = context;

    if (type == type_of(NFT_MSG_NEWSETELEM) && reading->set->is_known)
        firewall_rules_take_elements(reading->ruleset, reading->set, payload);
}

static int read_set(struct netlink *netlink, struct firewall_ruleset *ruleset,
                    struct firewall_set *set, struct err *err)
{
    const struct nfgenmsg header = {.nfgen_family = (__u8)set->family, .version = NFNETLINK_V0};
    struct netlink_body body = {.len = 0};
    const struct netlink_question question = {type_of(NFT_MSG_GETSETELEM), true, &body,
                                              "the kernel's packet filter"};
    struct set_reading reading = {ruleset, set};
    size_t table = strlen(set->table) + 1, name = strlen(set->name) + 1;

    if (table + name + sizeof header + 16 > sizeof body.bytes)
        return 0; /* stays unknown */
    netlink_put(&body, &header, sizeof header);
    netlink_put_attribute(&body, NFTA_SET_ELEM_LIST_TABLE, set->table, table);
    netlink_put_attribute(&body, NFTA_SET_ELEM_LIST_SET, set->name, name);
    set->is_known = true;
    set->element_count = 0;
    if (netlink_ask(netlink, &question, take_elements, &reading, err) == 0)
        return 0;
    set->is_known = false;
    if (err->sys == EINTR)
        return -1;
    *err = (struct err){0}; /* it went away meanwhile */
    return 0;
}

static int read_all(void *context, struct err *err)
{
    static const struct {
        unsigned message;
        netlink_take *take;
    } lists[] = {
        {NFT_MSG_GETCHAIN, take_chain}, {NFT_MSG_GETSET, take_set}, {NFT_MSG_GETRULE, take_rule}};
    const struct nfgenmsg header = {.nfgen_family = 0, .version = NFNETLINK_V0};
    struct firewall_ruleset *ruleset = context;
    struct netlink *netlink CLEANUP_NETLINK = NULL;

    if (netlink_open(NETLINK_NETFILTER, &netlink, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct netlink_body body = {.len = 0};
        const struct netlink_question question = {type_of(lists[i].message), true, &body,
                                                  "the kernel's packet filter"};
        netlink_put(&body, &header, sizeof header);
        if (netlink_ask(netlink, &question, lists[i].take, ruleset, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < ruleset->set_count; i++)
        if (ruleset->sets[i].is_used && read_set(netlink, ruleset, &ruleset->sets[i], err) < 0)
            return -1;
    return 0;
}

static int read_rules(pid_t pid, struct arena *arena, struct firewall_ruleset *ruleset,
                      struct err *err)
{
    for (int i = 0;; i++) {
        *ruleset = (struct firewall_ruleset){.arena = arena};
        if (network_run(pid, read_all, ruleset, err) == 0)
            return 0;
        switch (err->sys) {
        case EINTR: /* it was changed while it was read */
            if (i + 1 >= TRIES)
                return -1;
            *err = (struct err){0};
            break;
        case EPERM:
            return err_set(err, ERR_UNSUPPORTED,
                           "this agent may not read the packet filter (CAP_NET_ADMIN)");
        case EPROTONOSUPPORT:
        case EOPNOTSUPP:
        case EINVAL:
            return err_set(err, ERR_UNSUPPORTED, "this kernel has no nf_tables");
        default:
            return -1;
        }
    }
}

/* "filter, nat"; NULL: none is in use. */
static const char *list_tables(struct span names, struct arena *arena)
{
    struct text list = text_new(arena);
    struct span line;

    while (span_next_line(&names, &line))
        text_addf(&list, "%s%s", list.len > 0 ? ", " : "", escape_span(arena, line, NAME_MAX));
    return list.len > 0 ? text_string(&list) : NULL;
}

/* Its tables are there once somebody has put a rule into one, or has only looked. */
static const char *tell_unread(pid_t pid, struct arena *arena)
{
    static const struct {
        const char *file, *program;
    } families[] = {{"net/ip_tables_names", "iptables"}, {"net/ip6_tables_names", "ip6tables"}};
    struct text tables = text_new(arena), commands = text_new(arena);

    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const char *list = list_tables(process_file(pid, families[i].file, arena), arena);
        if (list == NULL)
            continue;
        text_addf(&tables, "%s%s (%s)", tables.len > 0 ? " and " : "", families[i].program, list);
        text_addf(&commands, "%s%s-legacy-save", commands.len > 0 ? " or " : "",
                  families[i].program);
    }
    return tables.len == 0 ? NULL
                           : arena_printf(arena, "rules of the old %s are not read: %s shows them",
                                          text_string(&tables), text_string(&commands));
}

static int refuse(const char *why, const char *unread, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "%s%s%s", why, unread != NULL ? "; " : "",
                   unread != NULL ? unread : "");
}

int firewall_ask(const struct host *host, pid_t pid, const struct firewall_question *questions,
                 size_t count, struct arena *arena, struct firewall *out_firewall, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct firewall firewall = {.answer_count = count};
    struct firewall_ruleset ruleset;

    firewall.unread = tell_unread(pid != 0 ? pid : getpid(), arena);
    if (!has_module(host, scratch))
        return refuse("nf_tables is not loaded", firewall.unread, err);
    if (read_rules(pid, arena, &ruleset, err) < 0)
        return err->kind == ERR_UNSUPPORTED
                   ? refuse(arena_string(scratch, err->text), firewall.unread, err)
                   : -1;
    firewall.rule_count = ruleset.rule_count;
    firewall.answers = arena_alloc(arena, count * sizeof *firewall.answers);
    for (size_t i = 0; i < count; i++)
        firewall_rules_judge(&ruleset, &questions[i], &firewall.answers[i]);
    *out_firewall = firewall;
    return 0;
}
