/* plans/plan: the remediation plan as data, and the words all of hamedic shares.
 * Use:     fill a struct plan; codec writes it, approval signs it, render shows it, the agent
 *          applies it.
 * Shapes:  strings are printable ASCII, NUL-ended; times are seconds since 1970 UTC; addresses are
 *          "KIND:TARGET" ("selinux.port:tcp/8888"); digests are BLAKE2b-256 hex. A NULL string is
 *          JSON null.
 * Owns:    everything lives in the arena of whoever built the plan.
 */
#ifndef HAMEDIC_PLANS_PLAN_H
#define HAMEDIC_PLANS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plans/base/arena.h"
#include "plans/base/span.h"

#define PLAN_SCHEMA      "hamedic/plan/1"
#define DIAGNOSIS_SCHEMA "hamedic/diagnosis/1"

/* Bounds of a plan file. They bound a strict parser, not what a host may need: each is far above
 * it. */
#define PLAN_FILE_MAX     ((size_t)8 * 1024 * 1024)
#define PLAN_STRING_MAX   4096
#define PLAN_CHANGES_MAX  256
#define PLAN_FINDINGS_MAX 256
#define PLAN_LINES_MAX    4096
#define PLAN_DEPTH_MAX    8
#define PLAN_ID_SIZE      33 /* 128 bit as hex, and NUL */

enum risk { RISK_LOW, RISK_MEDIUM, RISK_HIGH };
enum impact { IMPACT_NONE, IMPACT_RELOAD, IMPACT_RESTART };
enum action { ACTION_NO_OP, ACTION_CREATE, ACTION_UPDATE, ACTION_DELETE };
enum finding_state { FINDING_PROVEN, FINDING_POSSIBLE };
enum severity { SEVERITY_NOTICE, SEVERITY_WARNING, SEVERITY_CRITICAL };

/* "low", "reload", "no-op", "proven", "critical", ...: the words of the JSON and of the terminal.
 */
const char *risk_word(enum risk risk);
const char *impact_word(enum impact impact);
const char *action_word(enum action action);
const char *finding_state_word(enum finding_state state);
const char *severity_word(enum severity severity);
bool risk_from_word(const char *word, enum risk *out_risk);
bool impact_from_word(const char *word, enum impact *out_impact);
bool action_from_word(const char *word, enum action *out_action);
bool finding_state_from_word(const char *word, enum finding_state *out_state);
bool severity_from_word(const char *word, enum severity *out_severity);

/* A growing list of strings in an arena. */
struct strings {
    const char **at;
    size_t count;
};
void strings_add(struct strings *strings, struct arena *arena, const char *string);
void strings_addf(struct strings *strings, struct arena *arena, const char *format, ...)
    PRINTF_LIKE(3, 4);
bool strings_have(const struct strings *strings, const char *string);

/* What was seen, where and when. Text was escaped (base/escape) when it came in. */
struct evidence {
    const char
        *source; /* "stats", "config", "proc", "sysctl", "sockets", "probe", "haproxy -c", ... */
    int64_t time;
    const char *text;
};

/* A cause, with what proves it. */
struct finding {
    const char *cause; /* the stable slug: "server-queue" */
    enum finding_state state;
    enum severity severity;
    const char
        *object; /* what it is about: "be_api/app1", "global", "net.ipv4.ip_local_port_range" */
    const char *summary; /* one sentence: what is wrong */
    struct evidence *evidence;
    size_t evidence_count;
    struct strings consequences; /* what users feel, or will */
    struct strings advice;       /* what a person must do elsewhere, exactly; may be empty */
    struct strings repair;       /* "ADDRESS=VALUE": the changes that would cure it; may be empty */
    const char *settle; /* FINDING_POSSIBLE: which observation would settle it; else NULL */
};

/* "Resource X should have value Y, because Z." */
enum wish_source { WISH_OPERATOR, WISH_DIAGNOSIS, WISH_POLICY };
struct wish {
    const char *address;
    const char *value; /* "" wishes our customisation of that resource away */
    enum wish_source source;
    struct strings why;  /* causes; "wish" for --set; "policy" for declared state */
    const char *because; /* one sentence with the numbers, for people; may be NULL */
    /* IMPACT_RELOAD: it helps only once HAProxy has loaded its configuration again, or was started
     * where it does not run. */
    enum impact activation;
};

/* One resource at one moment. NULL: not there, or cannot be known here. */
struct sides {
    const char *persistent; /* what the next boot or start will give */
    const char *runtime;    /* what is in force now */
};

/* An object that a change rests on: if its digest is another at apply, the plan is stale. */
struct touched {
    const char *object; /* path, or a name such as "sysctl net.core.somaxconn" */
    const char *digest; /* BLAKE2b-256 of its bytes; "absent" where it does not exist */
};

/* A wish made exact by its remediation. */
struct change {
    const char *address;
    const char *kind;
    const char *target;
    enum action action;
    struct sides before;
    struct sides after;
    const char *file; /* the file that wins at the next boot or start once applied; NULL: none */
    struct touched *touched;
    size_t touched_count;
    struct strings diff; /* lines of a unified diff without file headers: " ", "-", "+" */
    struct strings why;
    enum risk risk; /* set by policies/, never by a remediation */
    enum impact impact;
    struct strings exposure; /* what else this opens */
    struct strings notes;    /* numbers behind the value, what becomes effective when */
    const char *undo;        /* one sentence: how it is taken back */
};

struct plan {
    char id[PLAN_ID_SIZE];
    bool draft; /* made where there is no agent key: never applied */
    bool tree;  /* made under --root: nothing is activated */
    struct {
        const char *machine; /* keyed hash of machine-id; NULL where there is none */
        const char *lineage; /* made with the agent's key; NULL in a draft */
        const char *name;
    } host;
    int64_t created;
    int64_t expires;
    struct {
        const char *name;
        const char *digest;
    } policy;
    const char *agent;   /* version of hamedic */
    const char *haproxy; /* version of HAProxy; NULL where none was seen */
    enum risk risk;
    int64_t approvals; /* operators' signatures asked for where no person at a terminal reviews; 0:
                          it changes nothing */
    struct finding *findings;
    size_t finding_count;
    struct change *changes;
    size_t change_count;
    struct strings advice;
    /* What a reload would activate besides these changes: the file differs from the running
     * process. */
    struct strings activates;
    struct strings not_checked; /* what could not be looked at, and why */
};

/* The highest impact of its changes. */
enum impact plan_impact(const struct plan *plan);
/* Changes whose action is not no-op. */
size_t plan_effective_changes(const struct plan *plan);

/* "KIND:TARGET" in two; false where it has no such form. The target may contain ':' and '/'. */
bool address_split(struct arena *arena, const char *address, const char **out_kind,
                   const char **out_target);
/* "KIND:TARGET=VALUE" in two at the last '=' for which KIND:TARGET is well formed. */
MUST_CHECK int wish_parse(struct arena *arena, const char *text, struct wish *out_wish,
                          struct err *err);
/* Seconds as "2026-11-22T09:14:02Z", and back. */
const char *time_text(struct arena *arena, int64_t seconds);
bool time_from_text(const char *text, int64_t *out_seconds);

#endif
