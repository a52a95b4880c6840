#include "agent/logs/words.h"

#include <stddef.h>

#include "agent/logs/line.h"

static const struct {
    char pair[3];
    const char *words;
} pairs[] = {
    {"SC", "not connected: refused, no route, denied on this host, or no port left"},
    {"sC", "the server did not answer the connection within timeout connect"},
    {"sQ", "waited longer than timeout queue for a server below its maxconn"},
    {"SQ", "the server's own queue was full (maxqueue)"},
    {"sH", "the server sent no answer within timeout server"},
    {"SH", "the server closed or reset before its answer was whole"},
    {"PH", "HAProxy blocked the server's answer: invalid, or a rule"},
    {"SD", "the server ended in the middle of its data"},
    {"sD", "the server sent nothing more within timeout server"},
    {"SL", "the server ended before the last data were sent"},
    {"CD", "the client went away in the middle of the data"},
    {"cD", "the client took or sent nothing more within timeout client"},
    {"CH", "the client went away while it waited for the answer"},
    {"cH", "the client sent nothing more while the server was to answer"},
    {"CC", "the client went away while the server was being connected"},
    {"CQ", "the client went away in the queue"},
    {"CR", "the client went away before its request was whole"},
    {"cR", "the client sent no whole request within timeout http-request"},
    {"PR", "HAProxy refused the request: a deny or reject rule, or it was invalid"},
    {"PT", "HAProxy held the request back (tarpit)"},
    {"PC", "HAProxy may open no more connections"},
    {"PD", "HAProxy ended it: what was sent was invalid"},
    {"LR", "HAProxy answered itself (return, redirect, statistics)"},
};

static const struct {
    char letter;
    const char *words;
} firsts[] = {
    {'C', "the client went away"},
    {'c', "the client did nothing more within its timeout"},
    {'S', "the server ended it, or could not be connected"},
    {'s', "the server did nothing more within its timeout"},
    {'P', "HAProxy ended it: a rule, a limit, or something invalid"},
    {'R', "HAProxy had no memory left for it"},
    {'I', "an internal error of HAProxy"},
    {'D', "ended because its server was marked down"},
    {'U', "moved away from a backup server: an active one is up again"},
    {'K', "ended by an administrator"},
    {'L', "HAProxy answered itself"},
};

const char *log_words_state(const char *state, int32_t status, bool has_server)
{
    if (state[0] == '\0')
        return "";
    if (state[0] == 'S' && state[1] == 'C' && !has_server)
        return "no server of the backend was usable (down, in maintenance, or none)";
    if (state[0] == '-')
        return status >= 500 ? "the server itself answered so" : "a normal end";
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].pair[0] == state[0] && pairs[i].pair[1] == state[1])
            return pairs[i].words;
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++)
        if (firsts[i].letter == state[0])
            return firsts[i].words;
    return "not known to hamedic";
}

static const struct {
    const char *name, *words;
} timers[LOG_TIMER_COUNT] = {
    [LOG_TIMER_TR] = {"TR", "reading the request"},
    [LOG_TIMER_TW] = {"Tw", "waiting in queues"},
    [LOG_TIMER_TC] = {"Tc", "connecting"},
    [LOG_TIMER_RESPONSE] = {"Tr", "server's answer"},
    [LOG_TIMER_TA] = {"Ta", "all of it"},
};

const char *log_words_timer(int timer)
{
    return timers[timer].words;
}

const char *log_words_timer_name(int timer)
{
    return timers[timer].name;
}
