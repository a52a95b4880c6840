#include "cmocka_all.h"

#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plans/base/file.h"
#include "remediations/host/firewall_rules.h"
#include "remediations/host/netlink.h"

/* Messages of a real kernel (6.x), as it answered for tests/fixtures/nf_tables/ruleset.nft and three
 * rules of iptables-nft: each is its kind (one byte), its length (four, little-endian), and its
 * payload. */
enum { MESSAGES_MAX = 64, MUTATIONS = 6000 };
struct message {
    unsigned kind;
    struct span payload;
};
struct recording {
    struct arena *arena;
    struct message at[MESSAGES_MAX];
    size_t count;
};

static void recording_read(struct recording *recording)
{
    struct err err = {0};
    struct span rest;

    *recording = (struct recording){.arena = arena_new()};
    assert_int_equal(file_read(AT_FDCWD, TESTS_DIR "/fixtures/nf_tables/messages.bin", 1024 * 1024,
                               recording->arena, &rest, &err),
                     0);
    while (rest.len > 0) {
        const unsigned char *head = (const unsigned char *)rest.ptr;
        assert_true(rest.len >= 5 && recording->count < MESSAGES_MAX);
        size_t len = head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;
        assert_true(head[4] == 0 && len <= rest.len - 5);
        recording->at[recording->count++] = (struct message){head[0], {rest.ptr + 5, len}};
        rest = (struct span){rest.ptr + 5 + len, rest.len - 5 - len};
    }
    assert_in_range(recording->count, 20, MESSAGES_MAX);
}

/* ---- bytes with an end ---- */

/* Nothing can be read behind what is put here, in any build: a page that may not be touched
 * follows. Nor before it, but for what pads a page. */
struct fenced {
    char *base;
    size_t page;
};

static struct fenced fenced_new(void)
{
    struct fenced fenced = {.page = (size_t)sysconf(_SC_PAGESIZE)};

    fenced.base = mmap(NULL, 3 * fenced.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(fenced.base != MAP_FAILED);
    assert_int_equal(mprotect(fenced.base + fenced.page, fenced.page, PROT_READ | PROT_WRITE), 0);
    return fenced;
}

static void fenced_free(struct fenced *fenced)
{
    assert_int_equal(munmap(fenced->base, 3 * fenced->page), 0);
}

static struct span fenced_put(const struct fenced *fenced, struct span bytes)
{
    assert_true(bytes.len <= fenced->page);
    char *at = fenced->base + 2 * fenced->page - bytes.len;
    if (bytes.len > 0)
        memcpy(at, bytes.ptr, bytes.len);
    return (struct span){at, bytes.len};
}

/* ---- reading, as firewall.c does ---- */

static struct firewall_set *set_of(struct firewall_ruleset *ruleset, struct span payload)
{
    struct span name = netlink_string(netlink_find(payload, 4, NFTA_SET_ELEM_LIST_SET));

    return name.ptr != NULL ? firewall_rules_set(ruleset, 1, "filter", name) : NULL;
}

static void take(struct firewall_ruleset *ruleset, unsigned kind, struct span payload)
{
    switch (kind) {
    case NFT_MSG_NEWCHAIN:
        firewall_rules_take_chain(ruleset, payload);
        break;
    case NFT_MSG_NEWSET:
        firewall_rules_take_set(ruleset, payload);
        break;
    case NFT_MSG_NEWRULE:
        firewall_rules_take_rule(ruleset, payload);
        break;
    default:
        assert_int_equal(kind, NFT_MSG_NEWSETELEM);
        struct firewall_set *set = set_of(ruleset, payload);
        if (set == NULL)
            return;
        set->is_known = true;
        firewall_rules_take_elements(ruleset, set, payload);
    }
}

struct look {
    struct fenced fenced;
    struct firewall_ruleset ruleset;
};

/* message `changed` with other bytes; SIZE_MAX: none. */
static void look_read(struct look *look, const struct recording *recording, size_t changed,
                      struct span bytes)
{
    look->ruleset = (struct firewall_ruleset){.arena = arena_new()};
    for (size_t i = 0; i < recording->count; i++)
        take(&look->ruleset, recording->at[i].kind,
             fenced_put(&look->fenced, i == changed ? bytes : recording->at[i].payload));
}

static const struct {
    struct firewall_question question;
    enum firewall_verdict verdict;
    bool names_port;
} expected[] = {
    {{FIREWALL_IN, "0.0.0.0", 80}, FIREWALL_UNTOLD, false},
    {{FIREWALL_IN, "10.0.0.5", 81}, FIREWALL_DROPS, true},
    {{FIREWALL_IN, "10.0.0.5", 82}, FIREWALL_DROPS, true},
    {{FIREWALL_IN, "10.0.0.5", 83}, FIREWALL_REJECTS, true},
    {{FIREWALL_IN, "10.0.0.5", 84}, FIREWALL_PASSES, false},
    {{FIREWALL_IN, "10.0.0.5", 85}, FIREWALL_UNTOLD, false},
    {{FIREWALL_IN, "::", 87}, FIREWALL_DROPS, false},
    {{FIREWALL_IN, "10.0.0.5", 89}, FIREWALL_UNTOLD, false},
    {{FIREWALL_IN, "10.0.0.5", 93}, FIREWALL_DROPS, true},
    {{FIREWALL_IN, "10.0.0.5", 97}, FIREWALL_DROPS, true},
    {{FIREWALL_IN, "10.0.0.5", 101}, FIREWALL_REJECTS, true},
    {{FIREWALL_IN, "::", 101}, FIREWALL_UNTOLD, false},
    {{FIREWALL_IN, "10.0.0.5", 8443}, FIREWALL_UNTOLD, false},
    {{FIREWALL_OUT, "10.0.0.11", 8080}, FIREWALL_DROPS, false},
    {{FIREWALL_OUT, "10.0.0.12", 8080}, FIREWALL_REJECTS, true},
    {{FIREWALL_OUT, "10.0.0.13", 8080}, FIREWALL_PASSES, false},
    {{FIREWALL_OUT, "192.0.2.1", 8080}, FIREWALL_DROPS, false},
    {{FIREWALL_OUT, "2001:db8::1", 8080}, FIREWALL_PASSES, false},
};
enum { EXPECTED = sizeof expected / sizeof *expected };

/* Whatever came: an answer to each question, with the place where that is known. */
static void look_judge(struct look *look)
{
    for (size_t i = 0; i < EXPECTED; i++) {
        struct firewall_answer answer;
        firewall_rules_judge(&look->ruleset, &expected[i].question, &answer);
        assert_in_range(answer.verdict, FIREWALL_PASSES, FIREWALL_UNTOLD);
        if (answer.verdict == FIREWALL_DROPS || answer.verdict == FIREWALL_REJECTS)
            assert_non_null(answer.place);
        if (answer.verdict == FIREWALL_UNTOLD)
            assert_non_null(answer.untold);
    }
    arena_free(look->ruleset.arena);
}

static void test_firewall_judges_what_a_kernel_said(void **state)
{
    struct recording recording;
    struct look look = {.fenced = fenced_new()};

    (void)state;
    recording_read(&recording);
    look_read(&look, &recording, SIZE_MAX, (struct span){NULL, 0});
    for (size_t i = 0; i < EXPECTED; i++) {
        struct firewall_answer answer;
        firewall_rules_judge(&look.ruleset, &expected[i].question, &answer);
        if (answer.verdict != expected[i].verdict || answer.names_port != expected[i].names_port)
            fail_msg("%s %u: verdict %d, names its port %d", expected[i].question.address,
                     expected[i].question.port, (int)answer.verdict, answer.names_port);
    }
    arena_free(look.ruleset.arena);
    fenced_free(&look.fenced);
    arena_free(recording.arena);
}

static void test_firewall_message_cut_off_anywhere_is_survived(void **state)
{
    struct recording recording;
    struct look look = {.fenced = fenced_new()};

    (void)state;
    recording_read(&recording);
    for (size_t i = 0; i < recording.count; i++)
        for (size_t len = 0; len < recording.at[i].payload.len; len++) {
            look_read(&look, &recording, i, (struct span){recording.at[i].payload.ptr, len});
            look_judge(&look);
        }
    fenced_free(&look.fenced);
    arena_free(recording.arena);
}

/* The same on every run. */
static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*seed >> 33);
}

static void mutate(char *bytes, size_t len, uint64_t *seed)
{
    static const unsigned char edges[] = {0, 1, 3, 4, 5, 0x7f, 0x80, 0xff};
    unsigned changes = 1 + next_random(seed) % 4;

    for (unsigned i = 0; i < changes; i++) {
        size_t at = next_random(seed) % len;
        switch (next_random(seed) % 3) {
        case 0:
            bytes[at] = (char)(bytes[at] ^ (1 << next_random(seed) % 8));
            break;
        case 1:
            bytes[at] = (char)edges[next_random(seed) % sizeof edges];
            break;
        default: /* lengths stand at multiples of four */
            bytes[at / 4 * 4] = (char)next_random(seed);
        }
    }
}

static void test_firewall_mutated_messages_are_survived(void **state)
{
    struct recording recording;
    struct look look = {.fenced = fenced_new()};
    uint64_t seed = 4711;
    char bytes[4096];

    (void)state;
    recording_read(&recording);
    for (unsigned round = 0; round < MUTATIONS; round++) {
        size_t which = next_random(&seed) % recording.count;
        struct span payload = recording.at[which].payload;
        assert_in_range(payload.len, 1, sizeof bytes);
        memcpy(bytes, payload.ptr, payload.len);
        mutate(bytes, payload.len, &seed);
        look_read(&look, &recording, which, (struct span){bytes, payload.len});
        look_judge(&look);
    }
    fenced_free(&look.fenced);
    arena_free(recording.arena);
}

/* Chains that jump to each other, in a circle and as a tree: the walk has an end. */
static void put_nested(struct netlink_body *body, uint16_t type, const struct netlink_body *inside)
{
    netlink_put_attribute(body, type, inside->bytes, inside->len);
}

static void put_chain(struct netlink_body *body, const char *name, bool is_base)
{
    const unsigned char header[4] = {1, 0, 0, 0};
    const unsigned char local_in[4] = {0, 0, 0, 1}, priority[4] = {0};
    struct netlink_body hook = {.len = 0};

    netlink_put_attribute(&hook, NFTA_HOOK_HOOKNUM, local_in, sizeof local_in);
    netlink_put_attribute(&hook, NFTA_HOOK_PRIORITY, priority, sizeof priority);
    body->len = 0;
    netlink_put(body, header, sizeof header);
    netlink_put_attribute(body, NFTA_CHAIN_TABLE, "t", 2);
    netlink_put_attribute(body, NFTA_CHAIN_NAME, name, strlen(name) + 1);
    if (is_base)
        put_nested(body, NFTA_CHAIN_HOOK, &hook);
}

static void put_jump(struct netlink_body *body, const char *from, const char *to)
{
    const unsigned char header[4] = {1, 0, 0, 0};
    const unsigned char code[4] = {0xff, 0xff, 0xff, 0xfd}; /* NFT_JUMP */
    const unsigned char verdict_register[4] = {0, 0, 0, 0};
    struct netlink_body verdict = {.len = 0}, data = {.len = 0}, immediate = {.len = 0};
    struct netlink_body expression = {.len = 0}, list = {.len = 0};

    netlink_put_attribute(&verdict, NFTA_VERDICT_CODE, code, sizeof code);
    netlink_put_attribute(&verdict, NFTA_VERDICT_CHAIN, to, strlen(to) + 1);
    put_nested(&data, NFTA_DATA_VERDICT, &verdict);
    netlink_put_attribute(&immediate, NFTA_IMMEDIATE_DREG, verdict_register,
                          sizeof verdict_register);
    put_nested(&immediate, NFTA_IMMEDIATE_DATA, &data);
    netlink_put_attribute(&expression, NFTA_EXPR_NAME, "immediate", 10);
    put_nested(&expression, NFTA_EXPR_DATA, &immediate);
    put_nested(&list, NFTA_LIST_ELEM, &expression);
    body->len = 0;
    netlink_put(body, header, sizeof header);
    netlink_put_attribute(body, NFTA_RULE_TABLE, "t", 2);
    netlink_put_attribute(body, NFTA_RULE_CHAIN, from, strlen(from) + 1);
    put_nested(body, NFTA_RULE_EXPRESSIONS, &list);
}

static void test_firewall_chains_that_jump_in_circles_come_to_an_end(void **state)
{
    static const char *const names[] = {"a", "b"};
    struct firewall_ruleset ruleset = {.arena = arena_new()};
    struct netlink_body body = {.len = 0};
    struct firewall_answer answer;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        put_chain(&body, names[i], i == 0);
        firewall_rules_take_chain(&ruleset, (struct span){(const char *)body.bytes, body.len});
    }
    /* Ten ways from each to each: without a bound, ten to the power of its depth. */
    for (size_t i = 0; i < 40; i++) {
        put_jump(&body, names[i % 2], names[i / 2 % 2]);
        firewall_rules_take_rule(&ruleset, (struct span){(const char *)body.bytes, body.len});
    }
    assert_int_equal(ruleset.rule_count, 40);
    firewall_rules_judge(&ruleset, &expected[0].question, &answer);
    assert_int_equal(answer.verdict, FIREWALL_UNTOLD);
    arena_free(ruleset.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_firewall_judges_what_a_kernel_said),
        cmocka_unit_test(test_firewall_message_cut_off_anywhere_is_survived),
        cmocka_unit_test(test_firewall_mutated_messages_are_survived),
        cmocka_unit_test(test_firewall_chains_that_jump_in_circles_come_to_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
