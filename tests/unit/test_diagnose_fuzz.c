#include "cmocka_all.h"

#include <limits.h>
#include <stdio.h>

#include "plans/base/escape.h"
#include "tests/diagnosis/bench_selinux.h"

#define ROUNDS 10000

/* A fixed sequence, so that a failure comes again: xorshift64. */
static uint64_t sequence;

static uint64_t next(void)
{
    sequence ^= sequence << 13;
    sequence ^= sequence >> 7;
    sequence ^= sequence << 17;
    return sequence;
}

static bool rarely(void)
{
    return next() % 5 == 0;
}

static void any_number(int64_t *number)
{
    static const int64_t edges[] = {-1, 0, 1, 2, 99, 100, 1000, 65535, INT_MAX, INT64_MAX};

    if (rarely())
        *number = edges[next() % (sizeof edges / sizeof edges[0])];
}

static void any_unsigned(uint64_t *number)
{
    static const uint64_t edges[] = {0, 1, 100, 65535, UINT32_MAX, UINT64_MAX};

    if (rarely())
        *number = edges[next() % (sizeof edges / sizeof edges[0])];
}

static void any_u32(uint32_t *number)
{
    uint64_t wide = *number;

    any_unsigned(&wide);
    *number = (uint32_t)wide;
}

static void any_text(const char **text)
{
    static const char *const texts[] = {
        NULL,
        "",
        "DOWN",
        "MAINT",
        "DRAIN (agent)",
        "no check",
        "L4CON",
        "L4TOUT",
        "Connection refused",
        "Out of local source ports on the system",
        "0 65535",
        "1024 65535",
        "65535 65535",
        "0-65535",
        "1,3,5-7,,-",
        "::",
        "127.0.0.1",
        "10.0.0.11",
        ":::::",
        "[]:1",
        "operator",
        "no \x01 printable \xff text",
        "/etc/haproxy/haproxy.cfg:7: error",
    };

    if (rarely())
        *text = texts[next() % (sizeof texts / sizeof texts[0])];
}

static void any_bool(bool *flag)
{
    if (rarely())
        *flag = !*flag;
}

static void any_cfg_number(struct cfg_number *number)
{
    if (number->place.file == NULL) /* it stands nowhere */
        return;
    any_bool(&number->set);
    any_unsigned(&number->value);
    any_bool(&number->place.conditional);
}

static void shake_stats(struct bench *bench)
{
    static const char *const infos[] = {"-1", "0", "1", "9223372036854775807", "", "x", "1000"};

    for (size_t i = 0; i < ROW_COUNT; i++) {
        struct haproxy_stat *row = &bench->rows[i];
        int64_t *const numbers[] = {&row->queue,  &row->sessions,       &row->session_limit,
                                    &row->weight, &row->connect_errors, &row->queue_ms,
                                    &row->backup, &row->response_ms,    &row->connect_ms};

        for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
            any_number(numbers[n]);
        any_text(&row->status);
        any_text(&row->check_status);
        any_text(&row->last_check);
        any_text(&row->address);
        if (rarely())
            row->type = (enum stat_type)(next() % 4);
    }
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (rarely())
            bench->fields[i].value = span_of(infos[next() % (sizeof infos / sizeof infos[0])]);
}

static void shake_config(struct bench *bench)
{
    struct cfg_bind *const binds[] = {bench->web_bind, bench->api_bind};
    struct cfg_proxy *const proxies[] = {bench->web, bench->api, bench->be_api, bench->be_web};
    struct cfg_server *const servers[] = {&bench->apps[0], &bench->apps[1], bench->web1};

    for (size_t i = 0; i < 2; i++) {
        any_text(&binds[i]->text);
        any_text(&binds[i]->address);
        any_u32(&binds[i]->port_low);
        any_u32(&binds[i]->port_high);
        any_bool(&binds[i]->is_unix);
    }
    for (size_t i = 0; i < 4; i++) {
        any_cfg_number(&proxies[i]->maxconn);
        any_bool(&proxies[i]->conditional);
        any_bool(&proxies[i]->disabled);
        if (rarely())
            proxies[i]->kind = (enum cfg_kind)(next() % 6);
    }
    for (size_t i = 0; i < 3; i++) {
        any_cfg_number(&servers[i]->maxconn);
        any_text(&servers[i]->address);
        any_text(&servers[i]->text);
        any_u32(&servers[i]->port);
        any_bool(&servers[i]->disabled);
        any_bool(&servers[i]->maxconn_is_own);
    }
    any_cfg_number(&bench->cfg->global.maxconn);
    any_cfg_number(&bench->cfg->global.ulimit_n);
    any_bool(&bench->facts.budget.is_strict);
    any_text(&bench->socket->path);
    any_text(&bench->socket->endpoint);
    any_text(&bench->socket->text);
    any_text(&bench->socket->level);
}

static void shake_host(struct bench *bench)
{
    static const int errors[] = {0, ECONNREFUSED, ETIMEDOUT, EADDRNOTAVAIL, EHOSTUNREACH, -1};
    struct facts *facts = &bench->facts;

    any_bool(&bench->haproxy.running);
    any_bool(&bench->haproxy.by_systemd);
    any_bool(&bench->haproxy.same_network);
    any_bool(&bench->haproxy.can_raise_limit);
    any_text(&bench->haproxy.program);
    any_text(&bench->haproxy.version);
    any_text(&bench->haproxy.unit);
    any_unsigned(&bench->haproxy.argument_maxconn);
    any_unsigned(&bench->haproxy.limit_hard);
    any_bool(&facts->unit.exists);
    any_text(&facts->unit.user);
    any_text(&facts->unit.name);
    any_text(&facts->systemd_unit.active_state);
    any_text(&facts->cfg_error);
    any_text(&facts->stats_error);
    any_text(&facts->host_name);
    any_number(&facts->memory_available_kib);
    any_unsigned(&facts->budget.maxconn);
    any_unsigned(&facts->budget.need);
    any_unsigned(&facts->budget.limit);
    any_unsigned(&facts->budget.maxconn_that_fits);
    any_text(&facts->budget.formula);
    any_text(&facts->budget.limit_from);
    if (rarely())
        facts->check.exit_code = (int)(next() % 4);
    for (size_t i = 0; i < SYSCTL_COUNT; i++) {
        any_text(&bench->sysctls[i].running);
        any_text(&bench->sysctls[i].boot.value);
    }
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        any_text(&bench->probes[i].address);
        if (rarely())
            bench->probes[i].error = errors[next() % (sizeof errors / sizeof errors[0])];
    }
    for (size_t i = 0; i < DEST_COUNT; i++) {
        any_text(&bench->destinations[i].address);
        any_u32(&bench->destinations[i].total);
        any_u32(&bench->destinations[i].time_wait);
    }
    for (size_t i = 0; i <= LISTENER_SSH; i++) {
        any_text(&bench->listeners[i].address);
        any_u32(&bench->listeners[i].port);
        any_u32(&bench->listeners[i].queue);
    }
}

static void shake_denial(struct bench *bench, uint32_t port)
{
    static const char *const permissions[] = {"name_connect", "name_bind", "dac_override", ""};
    struct denial *denial = bench_denial(bench, permissions[next() % 4], port);

    any_u32(&denial->port);
    any_text(&denial->source_type);
    any_text(&denial->target_type);
    any_text(&denial->object);
    any_bool(&denial->permissive);
    any_unsigned(&denial->count);
    any_number(&denial->first);
    any_number(&denial->last);
}

static void shake_selinux(struct bench *bench)
{
    static const uint32_t ports[] = {80, 8080, 8443};
    struct selinux_facts *selinux = &bench->facts.selinux;

    if (rarely())
        return;
    bench_selinux(bench);
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        if (rarely())
            continue;
        struct selinux_port_fact *fact = bench_forbid(
            bench, "tcp", ports[i], next() % 2 == 0 ? "unreserved_port_t" : "postgresql_port_t");
        fact->allowed = (unsigned)(next() % 4) & (unsigned)(next() % 4);
        any_text(&fact->type);
        any_u32(&fact->port);
        for (unsigned uses = 0; uses < SELINUX_CURES; uses++)
            if (rarely())
                fact->cures[uses] = (struct selinux_cure){0};
        shake_denial(bench, ports[i]);
        bench_check(bench, ROW_APP1 + next() % 2, "DOWN", "L4CON", rarely() ? "" : DENIED_TEXT);
    }
    any_bool(&selinux->domain_permissive);
    any_bool(&selinux->booleans[0].running);
    any_bool(&selinux->booleans[0].persistent);
    any_text(&selinux->domain);
    any_text(&selinux->store_path);
    if (next() % 10 == 0)
        any_text(&selinux->unasked);
    if (next() % 10 == 0)
        any_text(&selinux->unread);
    if (rarely())
        selinux->store = (enum semanage_condition)(next() % 4);
    if (rarely())
        selinux->mode = (enum selinux_mode)(next() % 3);
}

static void shake_sources(struct bench *bench)
{
    if (next() % 10 == 0)
        bench_tree(bench);
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        if (next() % 12 == 0)
            bench_lose(bench, (enum source_id)i, rarely() ? SOURCE_ABSENT : SOURCE_FAILED);
}

static bool any_bound(void *context, const char *address, uint64_t *out_bound)
{
    (void)context;
    (void)address;
    *out_bound = next() % 3 == 0 ? 0 : next() % 100000;
    return next() % 2 == 0;
}

/* ---- what holds whatever the facts are ---- */

static void assert_plain(const char *text)
{
    assert_non_null(text);
    assert_true(escape_is_plain(span_of(text)));
    assert_true(strlen(text) < PLAN_STRING_MAX);
}

/* What no facts may lead to. */
static void assert_never(const struct facts *facts, const struct diagnosis_result *result)
{
    for (size_t i = 0; i < result->wish_count; i++) {
        const char *address = result->wishes[i].address;

        assert_null(strstr(address, "nis_enabled"));
        if (strncmp(address, "selinux.", 8) != 0)
            continue;
        assert_false(facts->tree);
        assert_int_equal(facts->sources[SOURCE_SELINUX].state, SOURCE_OK);
        assert_int_not_equal(facts->selinux.mode, SELINUX_OFF);
        assert_true(facts->selinux.store == SEMANAGE_SOUND ||
                    facts->selinux.store == SEMANAGE_NONE);
        if (strncmp(address, "selinux.port:", 13) != 0)
            continue;
        assert_int_equal(facts->selinux.mode, SELINUX_ENFORCING);
        assert_false(facts->selinux.domain_permissive);
        assert_true(strcmp(result->wishes[i].value, "http_port_t") == 0);
    }
}

static void assert_sound(const struct diagnosis_result *result)
{
    bool any_proven = false;

    for (size_t i = 0; i < result->finding_count; i++) {
        const struct finding *finding = &result->findings[i];

        assert_plain(finding->object);
        assert_plain(finding->summary);
        assert_true(finding->evidence_count > 0);
        assert_true(finding->consequences.count > 0 || finding->state == FINDING_POSSIBLE);
        assert_int_equal(finding->settle != NULL, finding->state == FINDING_POSSIBLE);
        any_proven = any_proven || finding->state == FINDING_PROVEN;
        for (size_t e = 0; e < finding->evidence_count; e++)
            assert_plain(finding->evidence[e].text);
        if (i > 0)
            assert_true(finding->severity <= result->findings[i - 1].severity);
    }
    assert_true(result->wish_count == 0 || any_proven);
    for (size_t i = 0; i < result->wish_count; i++) {
        assert_plain(result->wishes[i].address);
        assert_plain(result->wishes[i].value);
        assert_plain(result->wishes[i].because);
        assert_true(result->wishes[i].value[0] != '\0');
        assert_true(strcmp(result->wishes[i].value, "0") != 0);
        assert_true(result->wishes[i].why.count > 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(result->wishes[i].address, result->wishes[k].address);
    }
}

static size_t count_labels(const struct diagnosis_result *result)
{
    size_t count = 0;

    for (size_t i = 0; i < result->wish_count; i++)
        count += strncmp(result->wishes[i].address, "selinux.port:", 13) == 0;
    return count;
}

static void test_diagnose_any_facts_gives_a_sound_result(void **state)
{
    size_t findings = 0, wishes = 0, labels = 0;

    (void)state;
    sequence = 0x9e3779b97f4a7c15u;
    for (int round = 0; round < ROUNDS; round++) {
        struct bench *bench = bench_new();
        struct diagnosis_result result;

        shake_stats(bench);
        shake_selinux(bench);
        shake_config(bench);
        shake_host(bench);
        shake_sources(bench);
        diagnose(&bench->facts, any_bound, NULL, bench->arena, &result);
        assert_sound(&result);
        assert_never(&bench->facts, &result);
        labels += count_labels(&result);
        findings += result.finding_count;
        wishes += result.wish_count;
        bench_free(bench);
    }
    /* Facts that break nothing would prove nothing. */
    assert_true(findings > ROUNDS);
    assert_true(wishes > ROUNDS / 10);
    assert_true(labels > ROUNDS / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diagnose_any_facts_gives_a_sound_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
