#include "agent/observe/messages.h"

#include <string.h>

#include "plans/base/escape.h"

enum { NAME_MAX_BYTES = 256, TEXT_MAX_BYTES = 600 };

/* NULL where the message has none. */
static const char *shown(struct arena *arena, struct span span, size_t max)
{
    return span.len == 0 ? NULL : escape_span(arena, span, max);
}

static struct haproxy_message *next_slot(struct haproxy_messages *messages, struct arena *arena)
{
    if (messages->count < MESSAGES_MAX)
        return &ARENA_PUSH(arena, messages->at, messages->count);
    for (size_t i = 1; i < messages->count; i++)
        messages->at[i - 1] = messages->at[i];
    messages->left_out++;
    return &messages->at[messages->count - 1];
}

bool messages_add(struct haproxy_messages *messages, struct arena *arena, int64_t time,
                  int64_t writer, bool of_systemd, struct span text)
{
    struct log_message found = {.body = text, .code = -1, .need = -1, .limit = -1};

    if (!of_systemd && !log_message_classify(text, &found))
        return false;
    /* What explains nothing, and may come with every request, must not take the place of what does. */
    if (!of_systemd && found.kind == LOG_MESSAGE_OTHER && found.level == LOG_LEVEL_NONE)
        return false;
    *next_slot(messages, arena) = (struct haproxy_message){
        .kind = found.kind,
        .level = found.level,
        .of_systemd = of_systemd,
        .time = time,
        .writer = found.writer > 0 ? found.writer : writer,
        .proxy = shown(arena, found.proxy, NAME_MAX_BYTES),
        .server = shown(arena, found.server, NAME_MAX_BYTES),
        .address = shown(arena, found.address, NAME_MAX_BYTES),
        .file = shown(arena, found.file, NAME_MAX_BYTES),
        .reason = shown(arena, found.reason, TEXT_MAX_BYTES),
        .port = found.port,
        .line = found.line,
        .error = found.error,
        .code = found.code,
        .worker = found.worker,
        .need = found.need,
        .limit = found.limit,
        .text = escape_span(arena, found.body, TEXT_MAX_BYTES),
    };
    return true;
}

const struct haproxy_message *messages_last(const struct haproxy_messages *messages,
                                            enum log_message_kind kind)
{
    for (size_t i = messages->count; i > 0; i--)
        if (!messages->at[i - 1].of_systemd && messages->at[i - 1].kind == kind)
            return &messages->at[i - 1];
    return NULL;
}

/* Who takes part in an attempt: the master (or only process), and the worker that it made. */
struct attempt {
    int64_t process, worker;
    bool repeats; /* up to 2.4: a reload that failed is followed by the word that begins one */
};

/* A process tells its version before the first thing that it complains of, and a master who it made
 * a worker of: so a start that fails begins there. From 3.1 on the worker reads the configuration,
 * and both of them complain. A reload begins with the master's word, and it does not start anew. */
static bool begins(const struct attempt *attempt, const struct haproxy_message *message)
{
    if (message->kind == LOG_MESSAGE_RELOADING)
        return !(attempt->repeats && message->writer == attempt->process);
    if (message->kind == LOG_MESSAGE_LOADING_SUCCESS)
        return true;
    return (message->kind == LOG_MESSAGE_VERSION || message->kind == LOG_MESSAGE_WORKER_STARTED) &&
           message->writer != attempt->process && message->writer != attempt->worker;
}

size_t messages_attempt(const struct haproxy_messages *messages)
{
    struct attempt attempt = {0};
    size_t begin = 0;

    for (size_t i = 0; i < messages->count; i++) {
        const struct haproxy_message *message = &messages->at[i];

        if (message->of_systemd)
            continue;
        if (begins(&attempt, message)) {
            begin = i + 1;
            attempt = (struct attempt){.process = message->writer};
        } else if (message->kind == LOG_MESSAGE_RELOADING) {
            attempt.repeats = false;
        }
        if (message->kind == LOG_MESSAGE_WORKER_STARTED)
            attempt.worker = message->worker;
        if (message->kind == LOG_MESSAGE_LOADING_FAILURE)
            attempt.repeats = message->text != NULL && strstr(message->text, "waitpid") != NULL;
    }
    return begin;
}
