/* What HAProxy says of servers and of their checks. The `info` of a check is what the server
 * answered: whatever is in there, the fields behind it are looked for from the end. */
#include "agent/logs/message_parse.h"

/* The last `needle`, with `text` cut before it and *out_behind what follows. */
static bool cut_last(struct span *text, const char *needle, struct span *out_behind)
{
    size_t at;

    if (!message_find_last(*text, needle, &at))
        return false;
    *out_behind = (struct span){text->ptr + at, text->len - at};
    (void)message_take(out_behind, needle);
    text->len = at;
    return true;
}

/* ", reason: Layer7 wrong status, code: 500, info: "ISE", check duration: 1ms" */
static void parse_reason(struct span text, struct log_message *message)
{
    struct span behind;
    size_t at;

    (void)cut_last(&text, ", check duration: ", &behind);
    if (!message_take(&text, ", reason: ") && !message_take(&text, "reason: "))
        return;
    if (message_find(text, ", info: \"", &at)) {
        behind = (struct span){text.ptr + at, text.len - at};
        (void)message_take(&behind, ", info: \"");
        if (span_ends_with(behind, "\""))
            behind.len--;
        message->info = behind;
        message->error = message_errno(behind);
        text.len = at;
    }
    if (cut_last(&text, ", code: ", &behind) && !message_take_number(&behind, &message->code))
        message->code = -1;
    message->reason = text;
}

/* ". 1 active and 0 backup servers left." */
static void parse_left(struct span *text, struct log_message *message)
{
    struct span behind, number;

    if (!cut_last(text, " active and ", &behind))
        return;
    if (!message_take_number(&behind, &message->backups))
        message->backups = -1;
    if (!cut_last(text, ". ", &number) || !message_take_number(&number, &message->active))
        message->active = -1;
}

static bool take_server(struct span *rest, struct log_message *message)
{
    return message_take_name(rest, &message->proxy) && message_take(rest, "/") &&
           message_take_name(rest, &message->server);
}

/* " (No IP for server )" */
static void parse_cause(struct span text, struct log_message *message)
{
    struct span end = text;
    size_t at;

    if (!message_find(text, " (", &at))
        return;
    end = (struct span){text.ptr + at, text.len - at};
    (void)message_take(&end, " (");
    if (message_find(end, ")", &at))
        message->reason = (struct span){end.ptr, at};
}

bool message_parse_server(struct span text, struct log_message *message)
{
    static const struct {
        const char *text;
        enum log_message_kind kind;
    } states[] = {
        {" is DOWN/", LOG_MESSAGE_SERVER_MAINTENANCE}, /* "(leaving forced maintenance)" */
        {" is UP/", LOG_MESSAGE_SERVER_MAINTENANCE},
        {" is DOWN", LOG_MESSAGE_SERVER_DOWN},
        {" is UP", LOG_MESSAGE_SERVER_UP},
        {" is stopping", LOG_MESSAGE_SERVER_STOPPING},
        {" is going DOWN for maintenance", LOG_MESSAGE_SERVER_MAINTENANCE},
        {" was DOWN and now enters maintenance", LOG_MESSAGE_SERVER_MAINTENANCE},
        {" enters drain state", LOG_MESSAGE_SERVER_MAINTENANCE},
        {" is leaving forced ", LOG_MESSAGE_SERVER_MAINTENANCE},
        {" remains in forced ", LOG_MESSAGE_SERVER_MAINTENANCE},
        {" remains in drain ", LOG_MESSAGE_SERVER_MAINTENANCE},
        {" resolves again but remains in maintenance", LOG_MESSAGE_SERVER_MAINTENANCE},
        {" administratively READY ", LOG_MESSAGE_SERVER_MAINTENANCE},
    };
    struct span rest = text, address;

    message->backup = message_take(&rest, "Backup ");
    if (!message_take(&rest, "Server ") || !take_server(&rest, message))
        return false;
    /* ('app.example') of one that resolves again */
    if (message_take(&rest, " ('") && message_take_name(&rest, &address) &&
        !message_take(&rest, "')"))
        return false;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (!message_take(&rest, states[i].text))
            continue;
        message->kind = states[i].kind;
        parse_left(&rest, message);
        if (message->kind == LOG_MESSAGE_SERVER_MAINTENANCE)
            parse_cause(rest, message);
        else
            parse_reason(rest, message);
        return true;
    }
    return false;
}

bool message_parse_check(struct span text, struct log_message *message)
{
    struct span rest = text, behind;

    if (!message_take(&rest, "Health check for ") && !message_take(&rest, "Agent check for "))
        return false;
    message->backup = message_take(&rest, "backup ");
    if (!message_take(&rest, "server ") || !take_server(&rest, message))
        return false;
    (void)message_take(&rest, " conditionally");
    if (message_take(&rest, " succeeded"))
        message->kind = LOG_MESSAGE_CHECK_SUCCEEDED;
    else if (message_take(&rest, " failed"))
        message->kind = LOG_MESSAGE_CHECK_FAILED;
    else
        return false;
    (void)cut_last(&rest, ", status: ", &behind);
    parse_reason(rest, message);
    return true;
}
