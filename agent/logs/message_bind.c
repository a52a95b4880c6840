/* Sockets that HAProxy could not make, from "Starting frontend F: cannot bind socket [0.0.0.0:80]" (up to
 * 2.2) to "Binding [FILE:LINE] for frontend F: protocol tcpv4: cannot bind socket (WHY) for
 * [ADDRESS]." (3.0 on). */
#include "agent/logs/message_parse.h"

#include <errno.h>
#include <string.h>

/* Both ways of saying it: glibc's, and musl's where it differs. */
static const struct {
    const char *text;
    int error;
} errors[] = {
    {"Address already in use", EADDRINUSE},
    {"Address in use", EADDRINUSE},
    {"already in use", EADDRINUSE}, /* of a UNIX socket: HAProxy's own word */
    {"Permission denied", EACCES},
    {"Operation not permitted", EPERM},
    {"Cannot assign requested address", EADDRNOTAVAIL},
    {"Address not available", EADDRNOTAVAIL},
    {"Out of local source ports", EADDRNOTAVAIL},
    {"Address family not supported", EAFNOSUPPORT},
    {"No such file or directory", ENOENT},
    {"No such device", ENODEV},
    {"Connection refused", ECONNREFUSED},
    {"Connection reset by peer", ECONNRESET},
    {"No route to host", EHOSTUNREACH},
    {"Host is unreachable", EHOSTUNREACH},
    {"Network is unreachable", ENETUNREACH},
    {"Network unreachable", ENETUNREACH},
    {"Too many open files in system", ENFILE},
    {"Too many open files", EMFILE},
    {"Connection timed out", ETIMEDOUT},
};

int message_errno(struct span text)
{
    size_t at;

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (message_find(text, errors[i].text, &at))
            return errors[i].error;
    return 0;
}

/* "(Address already in use) for [127.0.0.1:9001]." */
static void parse_why(struct span rest, struct log_message *message)
{
    struct span address;
    size_t open, end;

    (void)message_take(&rest, ":");
    (void)message_take(&rest, " ");
    if (message_take(&rest, "(") && message_find(rest, ")", &end)) {
        message->reason = (struct span){rest.ptr, end};
        message->error = message_errno(message->reason);
        rest.ptr += end;
        rest.len -= end;
    }
    if (!message_find_last(rest, "[", &open))
        return;
    address = (struct span){rest.ptr + open + 1, rest.len - open - 1};
    if (!message_find(address, "]", &end))
        return;
    address.len = end;
    message->address = address;
    if (address.len > 0 && address.ptr[0] != '/' && message_find_last(address, ":", &open)) {
        struct span port = {address.ptr + open + 1, address.len - open - 1};
        uint64_t value = 0;
        if (span_scan_u64(port, &value) && value <= 65535)
            message->port = (uint32_t)value;
    }
}

/* "for frontend F: protocol tcpv4: ", or up to 2.4 "Starting frontend F: " */
static bool take_owner(struct span *rest, struct log_message *message)
{
    struct span name;

    /* "frontend", "proxy", "peers", ...: its kind is a word of HAProxy's */
    if (!message_take_name(rest, &name) || !message_take(rest, " ") ||
        !message_take_name(rest, &message->proxy))
        return false;
    /* ':' may be part of a name, so that the one behind the name was taken with it. */
    if (span_ends_with(message->proxy, ":"))
        message->proxy.len--;
    else if (!message_take(rest, ":"))
        return false;
    if (!message_take(rest, " ") || message->proxy.len == 0)
        return false;
    if (message_take(rest, "protocol ") &&
        !(message_take_name(rest, &name) && message_take(rest, " ")))
        return false;
    return true;
}

bool message_parse_bind(struct span text, struct log_message *message)
{
    static const struct {
        const char *text;
        enum log_message_kind kind;
    } failures[] = {
        {"cannot bind socket", LOG_MESSAGE_BIND_FAILED},
        {"cannot bind UNIX socket", LOG_MESSAGE_BIND_FAILED},
        {"cannot bind receiver to device", LOG_MESSAGE_BIND_FAILED},
        {"cannot create listening socket", LOG_MESSAGE_BIND_FAILED},
        {"cannot create receiving socket", LOG_MESSAGE_BIND_FAILED},
        {"cannot change UNIX socket ownership", LOG_MESSAGE_BIND_FAILED},
        {"error when trying to ", LOG_MESSAGE_BIND_FAILED},
        {"cannot switch final and temporary UNIX sockets", LOG_MESSAGE_BIND_FAILED},
        {"not enough free sockets", LOG_MESSAGE_NO_FREE_SOCKETS},
        {"cannot listen to socket", LOG_MESSAGE_LISTEN_FAILED},
        {"cannot listen on UNIX socket", LOG_MESSAGE_LISTEN_FAILED},
    };
    struct span rest = text;
    size_t at;

    if (message_take(&rest, "Binding ")) {
        if (!message_take_place(&rest, &message->file, &message->line) ||
            !message_take(&rest, " for "))
            return false;
    } else if (!message_take(&rest, "Starting ")) {
        return false;
    } else if (message_take_place(&rest, &message->file, &message->line) &&
               !message_take(&rest, " for ")) {
        return false;
    }
    if (!take_owner(&rest, message))
        return false;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (!message_find(rest, failures[i].text, &at))
            continue;
        rest.ptr += at + strlen(failures[i].text);
        rest.len -= at + strlen(failures[i].text);
        message->kind = failures[i].kind;
        parse_why(rest, message);
        return true;
    }
    return false;
}
