#include "plans/codec_shape.h"

#include <string.h>

#include "plans/base/digest.h"
#include "plans/codec.h"

enum { APPROVALS_MAX = 64 };

#define WORDS(unit, phrase)                                                                        \
    static const char *unit##_of(const void *value)                                                \
    {                                                                                              \
        return unit##_word(*(const enum unit *)value);                                             \
    }                                                                                              \
    static bool unit##_to(const char *word, void *out_value)                                       \
    {                                                                                              \
        return unit##_from_word(word, out_value);                                                  \
    }                                                                                              \
    static const struct words unit##_vocabulary = {unit##_of, unit##_to, phrase}

WORDS(risk, "low, medium or high");
WORDS(impact, "none, reload or restart");
WORDS(action, "create, update, delete or no-op");
WORDS(finding_state, "proven or possible");
WORDS(severity, "critical, warning or notice");

static bool is_digest(const char *string)
{
    return strlen(string) == DIGEST_HEX_SIZE - 1 &&
           strspn(string, "0123456789abcdef") == DIGEST_HEX_SIZE - 1;
}

static bool is_digest_or_absent(const char *string)
{
    return strcmp(string, "absent") == 0 || is_digest(string);
}

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define SHAPE(type, fields)                                                                        \
    {                                                                                              \
        sizeof(struct type), fields, LENGTH(fields)                                                \
    }
#define STRING(type, name, member)                                                                 \
    {                                                                                              \
        .key = name, .form = FORM_STRING, .at = offsetof(struct type, member)                      \
    }
#define CHECKED(type, name, member, check, phrase)                                                 \
    {                                                                                              \
        .key = name, .form = FORM_STRING, .at = offsetof(struct type, member), .holds = check,     \
        .expected = phrase                                                                         \
    }
#define NULLABLE(type, name, member)                                                               \
    {                                                                                              \
        .key = name, .form = FORM_STRING_OR_NULL, .at = offsetof(struct type, member)              \
    }
#define VALUE(type, name, member, kind)                                                            \
    {                                                                                              \
        .key = name, .form = kind, .at = offsetof(struct type, member)                             \
    }
#define NUMBER(type, name, member, most)                                                           \
    {                                                                                              \
        .key = name, .form = FORM_INT, .at = offsetof(struct type, member), .max = most            \
    }
#define WORD(type, name, member, kind, vocabulary)                                                 \
    {                                                                                              \
        .key = name, .form = kind, .at = offsetof(struct type, member), .words = &(vocabulary)     \
    }
#define STRINGS(type, name, member)                                                                \
    {                                                                                              \
        .key = name, .form = FORM_STRINGS, .at = offsetof(struct type, member),                    \
        .max = PLAN_LINES_MAX                                                                      \
    }
#define OBJECT(type, name, member, inner)                                                          \
    {                                                                                              \
        .key = name, .form = FORM_OBJECT, .at = offsetof(struct type, member), .shape = &(inner)   \
    }
#define LIST(type, name, member, count, most, inner)                                               \
    {                                                                                              \
        .key = name, .form = FORM_LIST, .at = offsetof(struct type, member),                       \
        .count_at = offsetof(struct type, count), .max = most, .shape = &(inner)                   \
    }

static const struct field evidence_fields[] = {
    STRING(evidence, "source", source),
    VALUE(evidence, "time", time, FORM_TIME),
    STRING(evidence, "text", text),
};
static const struct shape shape_evidence = SHAPE(evidence, evidence_fields);

static const struct field finding_fields[] = {
    STRING(finding, "cause", cause),
    WORD(finding, "state", state, FORM_WORD, finding_state_vocabulary),
    WORD(finding, "severity", severity, FORM_WORD, severity_vocabulary),
    STRING(finding, "object", object),
    STRING(finding, "summary", summary),
    LIST(finding, "evidence", evidence, evidence_count, PLAN_LINES_MAX, shape_evidence),
    STRINGS(finding, "consequences", consequences),
    STRINGS(finding, "advice", advice),
    STRINGS(finding, "repair", repair),
    NULLABLE(finding, "settle", settle),
};
static const struct shape shape_finding = SHAPE(finding, finding_fields);

static const struct field sides_fields[] = {
    NULLABLE(sides, "persistent", persistent),
    NULLABLE(sides, "runtime", runtime),
};
static const struct shape shape_sides = SHAPE(sides, sides_fields);

static const struct field touched_fields[] = {
    STRING(touched, "object", object),
    CHECKED(touched, "blake2b", digest, is_digest_or_absent, "64 hex digits or \"absent\""),
};
static const struct shape shape_touched = SHAPE(touched, touched_fields);

static const struct field change_fields[] = {
    STRING(change, "address", address),
    STRING(change, "kind", kind),
    STRING(change, "target", target),
    WORD(change, "actions", action, FORM_ONE_WORD, action_vocabulary),
    OBJECT(change, "before", before, shape_sides),
    OBJECT(change, "after", after, shape_sides),
    NULLABLE(change, "file", file),
    LIST(change, "digest", touched, touched_count, PLAN_LINES_MAX, shape_touched),
    STRINGS(change, "diff", diff),
    STRINGS(change, "why", why),
    WORD(change, "risk", risk, FORM_WORD, risk_vocabulary),
    WORD(change, "impact", impact, FORM_WORD, impact_vocabulary),
    STRINGS(change, "exposure", exposure),
    STRINGS(change, "notes", notes),
    NULLABLE(change, "undo", undo),
};
static const struct shape shape_change = SHAPE(change, change_fields);

/* host and policy are structs without a name of their own: their fields count from the plan's
 * start. */
static const struct field host_fields[] = {
    NULLABLE(plan, "machine", host.machine),
    NULLABLE(plan, "lineage", host.lineage),
    STRING(plan, "name", host.name),
};
static const struct shape shape_host = SHAPE(plan, host_fields);

static const struct field policy_fields[] = {
    STRING(plan, "name", policy.name),
    CHECKED(plan, "digest", policy.digest, is_digest, "64 hex digits"),
};
static const struct shape shape_policy = SHAPE(plan, policy_fields);

#define INSIDE(name, inner)                                                                        \
    {                                                                                              \
        .key = name, .form = FORM_OBJECT, .at = 0, .shape = &(inner)                               \
    }

static const struct field plan_fields[] = {
    VALUE(plan, "id", id, FORM_ID),
    VALUE(plan, "draft", draft, FORM_BOOL),
    VALUE(plan, "tree", tree, FORM_BOOL),
    INSIDE("host", shape_host),
    VALUE(plan, "created", created, FORM_TIME),
    VALUE(plan, "expires", expires, FORM_TIME),
    INSIDE("policy", shape_policy),
    STRING(plan, "agent", agent),
    NULLABLE(plan, "haproxy", haproxy),
    WORD(plan, "risk", risk, FORM_WORD, risk_vocabulary),
    NUMBER(plan, "approvals", approvals, APPROVALS_MAX),
    LIST(plan, "findings", findings, finding_count, PLAN_FINDINGS_MAX, shape_finding),
    LIST(plan, "changes", changes, change_count, PLAN_CHANGES_MAX, shape_change),
    STRINGS(plan, "advice", advice),
    STRINGS(plan, "activates", activates),
    STRINGS(plan, "not_checked", not_checked),
};
const struct shape shape_plan = SHAPE(plan, plan_fields);

static const struct field source_fields[] = {
    STRING(diagnosis_source, "name", name),
    STRING(diagnosis_source, "state", state),
    NULLABLE(diagnosis_source, "reason", reason),
    NUMBER(diagnosis_source, "milliseconds", milliseconds, INT64_MAX),
};
static const struct shape shape_source = SHAPE(diagnosis_source, source_fields);

static const struct field diagnosis_fields[] = {
    STRING(diagnosis, "host", host),
    NULLABLE(diagnosis, "haproxy", haproxy),
    VALUE(diagnosis, "running", running, FORM_BOOL),
    VALUE(diagnosis, "tree", tree, FORM_BOOL),
    NUMBER(diagnosis, "frontends", frontends, INT64_MAX),
    NUMBER(diagnosis, "backends", backends, INT64_MAX),
    NUMBER(diagnosis, "servers", servers, INT64_MAX),
    VALUE(diagnosis, "time", time, FORM_TIME),
    LIST(diagnosis, "findings", findings, finding_count, PLAN_FINDINGS_MAX, shape_finding),
    LIST(diagnosis, "sources", sources, source_count, PLAN_LINES_MAX, shape_source),
    STRINGS(diagnosis, "not_checked", not_checked),
};
const struct shape shape_diagnosis = SHAPE(diagnosis, diagnosis_fields);
