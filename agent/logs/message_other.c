/* What HAProxy tells its logs beside all that has a kind: known by how it begins, and no finding rests on it. What
 * begins otherwise may be of a log-format, and hold clients' bytes.
 *
 * Source: every send_log() of HAProxy 1.8 to 3.5-dev5, and what `-c` says. What Lua logs may be any text, and is not
 * among them. */
#include "agent/logs/message_parse.h"

static const char *const beginnings[] = {
    "A bogus ", /* stream.c: one that spins */
    "Applet '",
    "Blocking cacheable cookie in response from instance ",
    "Cannot set CLOEXEC on client socket",
    "Cannot set client socket to non blocking mode",
    "Configuration file is valid",
    "DNS : resolvers '",
    "DNS : section '",
    "Grace period expired, ",
    "In backend '",
    "Internal error: action yields ",
    "Internal error: yield not allowed ",
    "Permission error on QUIC socket binding for proxy ",
    "SIGHUP received, dumping servers states",
    "SIGHUP: Proxy ",
    "SIGHUP: Server ",
    "SPOE: [",
    "Scheduling a soft-stop in ",
    "Some proxies refused to ",
    "Some tasks resisted to hard-stop",
    "Vars: internal error ",
    "Vars: memory allocation failure ",
    "WURFL: ",
    "Warnings were found.",
    "acme: ",
    "backend ID mismatch: ",
    "backend name mismatch: ",
    "can not build the query message for ",
    "can't find server '",
    "cannot disable a reverse-HTTP listener",
    "could not generate a query id for ",
    "haproxy: openssl returns too many async fds",
    "preconnect ",
    "soft-stop running for too long",
    "stick table: internal error ",
    "stick table: invalid expression ",
};

/* "b/s changed its IP from ...", from 1.8 on also "b/s: IP changed from ..." */
static bool is_of_server(struct span text)
{
    struct span proxy, server;

    if (!message_take_name(&text, &proxy) || !message_take(&text, "/") ||
        !message_take_name(&text, &server))
        return false;
    if (span_ends_with(server, ":"))
        return message_take(&text, " IP changed from ") ||
               message_take(&text, " port changed from ");
    return message_take(&text, " changed its IP from ") ||
           message_take(&text, " changed its FQDN from ");
}

/* "Proxy p failed to add or set the request header ...", up to 1.8 "Proxy p reached process FD limit at 1000.", up to
 * 2.4 "Stopping frontend f in 0 ms." */
static bool is_of_proxy(struct span text)
{
    struct span word, name;

    if (message_take(&text, "Stopping "))
        return message_take_name(&text, &word) && message_take(&text, " ") &&
               message_take_name(&text, &name) && message_take(&text, " in ");
    return message_take(&text, "Proxy ") && message_take_name(&text, &name) &&
           (message_take(&text, " failed to add or set the ") || message_take(&text, " reached "));
}

bool message_parse_other(struct span text, struct log_message *message)
{
    bool is_known = is_of_server(text) || is_of_proxy(text);

    for (size_t i = 0; !is_known && i < sizeof beginnings / sizeof *beginnings; i++)
        is_known = span_starts_with(text, beginnings[i]);
    message->kind = LOG_MESSAGE_OTHER;
    return is_known;
}
