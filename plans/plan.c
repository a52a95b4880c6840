#include "plans/plan.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plans/base/escape.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const char *const risk_words[] = {
    [RISK_LOW] = "low", [RISK_MEDIUM] = "medium", [RISK_HIGH] = "high"};
static const char *const impact_words[] = {
    [IMPACT_NONE] = "none", [IMPACT_RELOAD] = "reload", [IMPACT_RESTART] = "restart"};
static const char *const action_words[] = {[ACTION_NO_OP] = "no-op",
                                           [ACTION_CREATE] = "create",
                                           [ACTION_UPDATE] = "update",
                                           [ACTION_DELETE] = "delete"};
static const char *const finding_state_words[] = {
    [FINDING_PROVEN] = "proven", [FINDING_POSSIBLE] = "possible"};
static const char *const severity_words[] = {
    [SEVERITY_NOTICE] = "notice", [SEVERITY_WARNING] = "warning", [SEVERITY_CRITICAL] = "critical"};

static const char *word_at(const char *const *words, size_t count, size_t index)
{
    assert(index < count);
    return words[index];
}

/* False where the word is none of them. */
static bool index_of(const char *const *words, size_t count, const char *word, size_t *out_index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

const char *risk_word(enum risk risk)
{
    return word_at(risk_words, LENGTH(risk_words), (size_t)risk);
}

const char *impact_word(enum impact impact)
{
    return word_at(impact_words, LENGTH(impact_words), (size_t)impact);
}

const char *action_word(enum action action)
{
    return word_at(action_words, LENGTH(action_words), (size_t)action);
}

const char *finding_state_word(enum finding_state state)
{
    return word_at(finding_state_words, LENGTH(finding_state_words), (size_t)state);
}

const char *severity_word(enum severity severity)
{
    return word_at(severity_words, LENGTH(severity_words), (size_t)severity);
}

bool risk_from_word(const char *word, enum risk *out_risk)
{
    size_t index;

    if (!index_of(risk_words, LENGTH(risk_words), word, &index))
        return false;
    *out_risk = (enum risk)index;
    return true;
}

bool impact_from_word(const char *word, enum impact *out_impact)
{
    size_t index;

    if (!index_of(impact_words, LENGTH(impact_words), word, &index))
        return false;
    *out_impact = (enum impact)index;
    return true;
}

bool action_from_word(const char *word, enum action *out_action)
{
    size_t index;

    if (!index_of(action_words, LENGTH(action_words), word, &index))
        return false;
    *out_action = (enum action)index;
    return true;
}

bool finding_state_from_word(const char *word, enum finding_state *out_state)
{
    size_t index;

    if (!index_of(finding_state_words, LENGTH(finding_state_words), word, &index))
        return false;
    *out_state = (enum finding_state)index;
    return true;
}

bool severity_from_word(const char *word, enum severity *out_severity)
{
    size_t index;

    if (!index_of(severity_words, LENGTH(severity_words), word, &index))
        return false;
    *out_severity = (enum severity)index;
    return true;
}

void strings_add(struct strings *strings, struct arena *arena, const char *string)
{
    const char *copy = arena_string(arena, string);

    ARENA_PUSH(arena, strings->at, strings->count) = copy;
}

void strings_addf(struct strings *strings, struct arena *arena, const char *format, ...)
{
    char first[256];
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(first, sizeof first, format, args);
    va_end(args);
    assert(len >= 0);
    char *string = arena_alloc(arena, (size_t)len + 1);
    (void)vsnprintf(string, (size_t)len + 1, format, again);
    va_end(again);
    ARENA_PUSH(arena, strings->at, strings->count) = string;
}

bool strings_have(const struct strings *strings, const char *string)
{
    for (size_t i = 0; i < strings->count; i++)
        if (strcmp(strings->at[i], string) == 0)
            return true;
    return false;
}

enum impact plan_impact(const struct plan *plan)
{
    enum impact highest = IMPACT_NONE;

    for (size_t i = 0; i < plan->change_count; i++)
        if (plan->changes[i].action != ACTION_NO_OP && plan->changes[i].impact > highest)
            highest = plan->changes[i].impact;
    return highest;
}

size_t plan_effective_changes(const struct plan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->change_count; i++)
        if (plan->changes[i].action != ACTION_NO_OP)
            count++;
    return count;
}

/* Lower-case words joined by dots, at least two: "selinux.port", "haproxy.stats_socket". */
static bool is_kind(struct span kind)
{
    size_t words = 0;

    while (kind.len > 0) {
        struct span word = span_cut(&kind, '.');
        if (word.len == 0)
            return false;
        for (size_t i = 0; i < word.len; i++) {
            char c = word.ptr[i];
            if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
                return false;
        }
        words++;
    }
    return words >= 2;
}

/* Printable ASCII without a blank. */
static bool is_target(struct span target)
{
    for (size_t i = 0; i < target.len; i++)
        if (target.ptr[i] <= 0x20 || target.ptr[i] >= 0x7f)
            return false;
    return target.len > 0;
}

static bool split(struct span address, struct span *out_kind, struct span *out_target)
{
    struct span rest = address;
    struct span kind = span_cut(&rest, ':');

    /* "a.b" without ':' leaves no rest; "a.b:" too: neither names a target. */
    if (kind.len > 0 && kind.ptr[kind.len - 1] == '.')
        return false;
    if (!is_kind(kind) || !is_target(rest))
        return false;
    *out_kind = kind;
    *out_target = rest;
    return true;
}

bool address_split(struct arena *arena, const char *address, const char **out_kind,
                   const char **out_target)
{
    struct span kind, target;

    if (!split(span_of(address), &kind, &target))
        return false;
    *out_kind = arena_copy(arena, kind.ptr, kind.len);
    *out_target = arena_copy(arena, target.ptr, target.len);
    return true;
}

int wish_parse(struct arena *arena, const char *text, struct wish *out_wish, struct err *err)
{
    struct span whole = span_of(text), kind, target;

    if (whole.len > PLAN_STRING_MAX || !escape_is_plain(whole))
        return err_set(err, ERR_INPUT,
                       "wish '%.80s': expected at most %d bytes, all printable ASCII", text,
                       PLAN_STRING_MAX);
    for (size_t at = whole.len; at-- > 0;) {
        if (text[at] != '=' || !split((struct span){text, at}, &kind, &target))
            continue;
        struct wish wish = {.source = WISH_OPERATOR};
        wish.address = arena_copy(arena, text, at);
        wish.value = arena_string(arena, text + at + 1);
        strings_add(&wish.why, arena, "wish");
        *out_wish = wish;
        return 0;
    }
    return err_set(err, ERR_INPUT,
                   "wish '%.80s': expected KIND:TARGET=VALUE, "
                   "such as 'sysctl.dropin:net.core.somaxconn=4096'",
                   text);
}

static const int64_t last_second = 253402300799; /* 9999-12-31T23:59:59Z */

const char *time_text(struct arena *arena, int64_t seconds)
{
    struct tm tm;

    /* The form has four digits of year: a clock beyond them is shown at the end it ran over. */
    if (seconds < 0)
        seconds = 0;
    if (seconds > last_second)
        seconds = last_second;
    time_t moment = (time_t)seconds;
    struct tm *filled = gmtime_r(&moment, &tm);
    assert(filled != NULL);
    return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ", filled->tm_year + 1900,
                        filled->tm_mon + 1, filled->tm_mday, filled->tm_hour, filled->tm_min,
                        filled->tm_sec);
}

/* The digits of `text` where `form` has a '0', and the very bytes of `form` elsewhere. */
static bool has_form(const char *text, const char *form)
{
    if (strlen(text) != strlen(form))
        return false;
    for (; *form != '\0'; form++, text++) {
        bool digit = *text >= '0' && *text <= '9';
        if (*form == '0' ? !digit : *text != *form)
            return false;
    }
    return true;
}

static int digits(const char *text, size_t len)
{
    int value = 0;

    for (size_t i = 0; i < len; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

bool time_from_text(const char *text, int64_t *out_seconds)
{
    if (!has_form(text, "0000-00-00T00:00:00Z"))
        return false;
    struct tm tm = {.tm_year = digits(text, 4) - 1900,
                    .tm_mon = digits(text + 5, 2) - 1,
                    .tm_mday = digits(text + 8, 2),
                    .tm_hour = digits(text + 11, 2),
                    .tm_min = digits(text + 14, 2),
                    .tm_sec = digits(text + 17, 2)};
    struct tm given = tm;
    int64_t seconds = (int64_t)timegm(&tm);
    /* timegm takes the 31st of June for the 1st of July: what it moved was no such time. */
    if (seconds < 0 || given.tm_mon != tm.tm_mon || given.tm_mday != tm.tm_mday ||
        given.tm_hour != tm.tm_hour || given.tm_min != tm.tm_min || given.tm_sec != tm.tm_sec)
        return false;
    *out_seconds = seconds;
    return true;
}
