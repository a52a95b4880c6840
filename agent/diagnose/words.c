#include "agent/diagnose/words.h"

#include <string.h>

#include "agent/diagnose/look.h"

bool words_are_of_a_file(const struct facts *facts)
{
    return facts->messages.from != NULL && strcmp(facts->messages.from, "journal") != 0;
}

void words_quote(struct diagnosis_work *work, struct finding *finding,
                 const struct haproxy_message *message)
{
    const char *from = words_are_of_a_file(work->facts)
                           ? arena_printf(work->arena, " in %s", work->facts->messages.from)
                           : "";

    diagnose_evidence(work, finding, SOURCE_JOURNAL, "%s%s%s%s: \"%s\"",
                      message->of_systemd ? "systemd" : "HAProxy", message->time > 0 ? " at " : "",
                      message->time > 0 ? time_text(work->arena, message->time) : "", from,
                      look_shown(message->text));
}

static bool is_last_word(const struct haproxy_message *message)
{
    if (message->of_systemd)
        return message->text != NULL &&
               (strstr(message->text, "exited") != NULL || strstr(message->text, "OOM") != NULL ||
                strstr(message->text, "Failed with result") != NULL);
    return message->level == LOG_LEVEL_ALERT || message->kind == LOG_MESSAGE_WORKERS_GONE;
}

void words_quote_last(struct diagnosis_work *work, struct finding *finding, size_t max)
{
    const struct haproxy_messages *messages = &work->facts->messages;
    const struct haproxy_message **last = NULL;
    size_t count = 0;

    if (!facts_have(work->facts, SOURCE_JOURNAL))
        return;
    for (size_t i = messages_attempt(messages); i < messages->count; i++)
        if (is_last_word(&messages->at[i]))
            ARENA_PUSH(work->arena, last, count) = &messages->at[i];
    for (size_t i = count > max ? count - max : 0; i < count; i++)
        words_quote(work, finding, last[i]);
}

const struct haproxy_message *words_of_attempt(const struct facts *facts,
                                               enum log_message_kind kind)
{
    const struct haproxy_messages *messages = &facts->messages;

    if (!facts_have(facts, SOURCE_JOURNAL))
        return NULL;
    for (size_t i = messages->count; i > messages_attempt(messages); i--)
        if (!messages->at[i - 1].of_systemd && messages->at[i - 1].kind == kind)
            return &messages->at[i - 1];
    return NULL;
}

bool words_say_reload_failed(const struct facts *facts)
{
    bool denied = facts->told_failures == 0 || look_failed_reloads(facts) == 0;

    return words_of_attempt(facts, LOG_MESSAGE_LOADING_FAILURE) != NULL &&
           !(words_are_of_a_file(facts) && denied);
}

bool words_reload_failed(const struct facts *facts)
{
    return facts->haproxy->running && (facts->told_failures > 0 || look_failed_reloads(facts) > 0 ||
                                       words_say_reload_failed(facts));
}

const char *words_exit(int64_t status)
{
    switch (status) {
    case 134:
        return "by SIGABRT: HAProxy's watchdog, or a bug that it noticed";
    case 137:
        return "by SIGKILL: the kernel for want of memory, or a person";
    case 139:
        return "by SIGSEGV: a bug";
    default:
        return NULL;
    }
}
