#include "agent/logs/message.h"

#include <string.h>

#include "agent/logs/message_parse.h"

/* ---- pieces ---- */

bool message_take(struct span *rest, const char *literal)
{
    size_t len = strlen(literal);

    if (rest->len < len || memcmp(rest->ptr, literal, len) != 0)
        return false;
    rest->ptr += len;
    rest->len -= len;
    return true;
}

/* configuration.txt 4: letters, digits, '-', '_', '.', ':' */
static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':';
}

bool message_take_name(struct span *rest, struct span *out_name)
{
    size_t len = 0;

    while (len < rest->len && is_of_name(rest->ptr[len]))
        len++;
    if (len == 0)
        return false;
    *out_name = (struct span){rest->ptr, len};
    rest->ptr += len;
    rest->len -= len;
    return true;
}

bool message_take_number(struct span *rest, int64_t *out_number)
{
    size_t len = 0;

    while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9')
        len++;
    if (!span_scan_i64((struct span){rest->ptr, len}, out_number))
        return false;
    rest->ptr += len;
    rest->len -= len;
    return true;
}

bool message_take_place(struct span *rest, struct span *out_file, uint64_t *out_line)
{
    struct span inside = *rest, behind, file;
    size_t end, colon;
    uint64_t line = 0;

    if (!message_take(&inside, "[") || !message_find(inside, "]", &end))
        return false;
    behind = (struct span){inside.ptr + end + 1, inside.len - end - 1};
    inside.len = end;
    if (!message_find_last(inside, ":", &colon) || colon == 0)
        return false;
    file = (struct span){inside.ptr, colon};
    if (!span_scan_u64((struct span){inside.ptr + colon + 1, inside.len - colon - 1}, &line))
        return false;
    *out_file = file;
    *out_line = line;
    *rest = behind;
    return true;
}

bool message_find(struct span text, const char *needle, size_t *out_at)
{
    const char *found = text.len == 0 ? NULL : memmem(text.ptr, text.len, needle, strlen(needle));

    if (found == NULL)
        return false;
    *out_at = (size_t)(found - text.ptr);
    return true;
}

bool message_find_last(struct span text, const char *needle, size_t *out_at)
{
    size_t len = strlen(needle);

    for (size_t at = text.len < len ? 0 : text.len - len + 1; at > 0; at--)
        if (memcmp(text.ptr + at - 1, needle, len) == 0) {
            *out_at = at - 1;
            return true;
        }
    return false;
}

/* ---- texts of one form ---- */

/* %p proxy, %w a word or a path (skipped), %d a number (skipped), %n need, %l limit, %i process, %c exit code,
 * %r the words up to what follows in the pattern, %e the rest. Only the beginning has to fit. */
static const struct form {
    const char *pattern;
    enum log_message_kind kind;
} forms[] = {
    {"backend %p has no server available!", LOG_MESSAGE_NO_SERVER_AVAILABLE},
    {"backend '%p' has no server available!", LOG_MESSAGE_NO_SERVER_AVAILABLE},
    {"proxy %p has no server available!", LOG_MESSAGE_NO_SERVER_AVAILABLE},
    {"proxy '%p' has no server available!", LOG_MESSAGE_NO_SERVER_AVAILABLE},
    {"Proxy %p reached process FD limit (", LOG_MESSAGE_FD_LIMIT_PROCESS},
    {"Proxy %p reached system FD limit (", LOG_MESSAGE_FD_LIMIT_SYSTEM},
    {"Proxy %p reached system memory limit (", LOG_MESSAGE_MEMORY_LIMIT},
    {"Proxy %p reached the configured maximum connection limit", LOG_MESSAGE_CONNECTION_LIMIT},
    {"Proxy %p has insufficient permissions to open server socket",
     LOG_MESSAGE_CANNOT_CREATE_SOCKET},
    {"Proxy %p cannot create a server socket: %e", LOG_MESSAGE_CANNOT_CREATE_SOCKET},
    {"Proxy %p stopped (cumulated conns", LOG_MESSAGE_PROXY_STOPPED},
    {"Proxy %p stopped (FE: ", LOG_MESSAGE_PROXY_STOPPED}, /* up to 2.0 */
    {"Proxy %p hard-stopped (", LOG_MESSAGE_PROXY_STOPPED},
    {"Proxy %p started.", LOG_MESSAGE_PROXY_STARTED},
    {"Connect() failed for backend %p: no free ports", LOG_MESSAGE_NO_FREE_PORTS},
    {"Connect() failed for backend %p: local address already in use",
     LOG_MESSAGE_LOCAL_ADDRESS_IN_USE},
    {"Cannot bind to source address before connect() for backend %p",
     LOG_MESSAGE_CANNOT_BIND_SOURCE},
    {"Cannot bind to tproxy source address before connect() for backend %p",
     LOG_MESSAGE_CANNOT_BIND_SOURCE},
    {"socket(): not enough free sockets.", LOG_MESSAGE_NO_FREE_SOCKETS},
    {"Paused %w %p.", LOG_MESSAGE_PROXY_PAUSED},
    {"Resumed %w %p.", LOG_MESSAGE_PROXY_RESUMED},
    {"Pausing %w %p", LOG_MESSAGE_PROXY_PAUSED}, /* up to 2.2 */
    {"Enabling %w %p", LOG_MESSAGE_PROXY_RESUMED},
    {"frontend %p failed to enter pause mode", LOG_MESSAGE_PROXY_PAUSE_FAILED},
    {"proxy %p failed to enter pause mode", LOG_MESSAGE_PROXY_PAUSE_FAILED},
    {"Port %o busy while trying to enable %w %p", LOG_MESSAGE_PROXY_ENABLE_FAILED},
    {"Bind on socket %d busy while trying to enable %w %p", LOG_MESSAGE_PROXY_ENABLE_FAILED},
    {"Some protocols failed to start their listeners!", LOG_MESSAGE_LISTENERS_FAILED},
    {"No enabled listener found", LOG_MESSAGE_NO_LISTENER},
    {"Cannot raise FD limit to %n, limit is %l", LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT},
    {"Cannot raise FD limit to %n, current limit is %d and hard limit is %l",
     LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT},
    {"Cannot raise FD limit to %n", LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT},
    {"FD limit (%l) too low for maxconn=%d/maxsock=%n", LOG_MESSAGE_FD_LIMIT_TOO_LOW},
    {"Cannot fix MEM limit to ", LOG_MESSAGE_CANNOT_SET_MEMORY_LIMIT},
    {"haproxy version is %e", LOG_MESSAGE_VERSION},
    {"HAProxy version is %e", LOG_MESSAGE_VERSION},
    {"Reexecuting Master process in waitpid mode", LOG_MESSAGE_LOADING_FAILURE},
    {"Reexecuting Master process", LOG_MESSAGE_RELOADING},
    {"Reloading HAProxy", LOG_MESSAGE_RELOADING},
    {"Loading success.", LOG_MESSAGE_LOADING_SUCCESS},
    {"Loading failure!", LOG_MESSAGE_LOADING_FAILURE},
    {"Failed to load worker (%i) exited with code %c (%r)", LOG_MESSAGE_LOADING_FAILURE},
    {"Failed to load worker!", LOG_MESSAGE_LOADING_FAILURE},
    {"New worker (%i) forked", LOG_MESSAGE_WORKER_STARTED},
    {"New worker #%d (%i) forked", LOG_MESSAGE_WORKER_STARTED},
    {"Initializing new worker (%i)", LOG_MESSAGE_WORKER_STARTED},
    {"Current worker (%i) exited with code %c (%r)", LOG_MESSAGE_WORKER_EXITED},
    {"Current worker #%d (%i) exited with code %c (%r)", LOG_MESSAGE_WORKER_EXITED},
    {"Former worker (%i) exited with code %c (%r)", LOG_MESSAGE_WORKER_EXITED},
    {"Former worker #%d (%i) exited with code %c (%r)", LOG_MESSAGE_WORKER_EXITED},
    {"Worker %i exited with code %c (%r)", LOG_MESSAGE_WORKER_EXITED},
    {"Process %i exited with code %c (%r)", LOG_MESSAGE_WORKER_EXITED},
    {"All workers exited. Exiting... (%c", LOG_MESSAGE_WORKERS_GONE},
    {"All workers are gone. Exiting... (%c", LOG_MESSAGE_WORKERS_GONE},
    {"Error(s) found in configuration file : %e", LOG_MESSAGE_CONFIG_REFUSED},
    {"Error(s) found in configuration file %e", LOG_MESSAGE_CONFIG_REFUSED},
    {"Fatal errors found in configuration", LOG_MESSAGE_CONFIG_REFUSED},
    {"Fatal error(s) found", LOG_MESSAGE_CONFIG_REFUSED},
};

/* The name before ". " or ":" may have taken that mark with it: marks are parts of names too. */
static bool take_proxy(struct span *rest, const char *pattern, struct span *out_name)
{
    if (!message_take_name(rest, out_name))
        return false;
    if (out_name->len > 1 && (*pattern == '.' || *pattern == ':') &&
        out_name->ptr[out_name->len - 1] == *pattern) {
        out_name->len--;
        rest->ptr--;
        rest->len++;
    }
    return true;
}

static bool take_words(struct span *rest, char end, struct span *out_words)
{
    const char *found = end == '\0' || rest->len == 0 ? NULL : memchr(rest->ptr, end, rest->len);
    size_t len = found != NULL ? (size_t)(found - rest->ptr) : rest->len;

    if (end != '\0' && found == NULL)
        return false;
    *out_words = (struct span){rest->ptr, len};
    rest->ptr += len;
    rest->len -= len;
    return true;
}

static bool take_field(struct span *rest, const char *pattern, struct log_message *message)
{
    int64_t skipped = 0;
    struct span word;

    switch (*pattern) {
    case 'p':
        return take_proxy(rest, pattern + 1, &message->proxy);
    case 'w':
        return message_take_name(rest, &word);
    case 'd':
        return message_take_number(rest, &skipped);
    case 'o':
        if (!message_take_number(rest, &skipped) || skipped > 65535)
            return false;
        message->port = (uint32_t)skipped;
        return true;
    case 'n':
        return message_take_number(rest, &message->need);
    case 'l':
        return message_take_number(rest, &message->limit);
    case 'i':
        return message_take_number(rest, &message->worker);
    case 'c':
        return message_take_number(rest, &message->code);
    case 'r':
        return take_words(rest, pattern[1], &message->reason);
    default:
        return take_words(rest, '\0', &message->reason);
    }
}

static const struct log_message nothing = {
    .code = -1, .need = -1, .limit = -1, .active = -1, .backups = -1};

static bool fits(const char *pattern, struct span text, struct log_message *message)
{
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '%') {
            if (!take_field(&text, ++pattern, message))
                return false;
        } else if (text.len == 0 || text.ptr[0] != *pattern) {
            return false;
        } else {
            text.ptr++;
            text.len--;
        }
    }
    return true;
}

static bool parse_form(struct span text, struct log_message *message)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct log_message found = nothing;

        if (!fits(forms[i].pattern, text, &found))
            continue;
        found.kind = forms[i].kind;
        if (found.reason.len > 0)
            found.error = message_errno(found.reason);
        *message = found;
        return true;
    }
    return false;
}

/* ---- configuration ---- */

/* Places a loop over all '[' of a line would otherwise find in what a person wrote there. */
enum { PLACES_TRIED = 8 };

/* "parsing [FILE:LINE] : TEXT", "proxy 'p': ... in 'bind *:80' at [FILE:LINE]" */
static bool parse_config(struct span text, bool of_config, struct log_message *message)
{
    struct span rest = text;
    bool parsing = message_take(&rest, "parsing ") || message_take(&rest, "Parsing ");
    size_t at;

    if (message_take_place(&rest, &message->file, &message->line)) {
        message->reason = span_trim(rest);
        if (message_take(&message->reason, ":"))
            message->reason = span_trim(message->reason);
    } else if (parsing || !of_config) {
        return false;
    } else {
        message->reason = text;
        for (int i = 0; i < PLACES_TRIED && message_find(rest, "[", &at); i++) {
            rest.ptr += at;
            rest.len -= at;
            if (message_take_place(&rest, &message->file, &message->line))
                break;
            rest.ptr++;
            rest.len--;
        }
    }
    message->kind =
        message->level == LOG_LEVEL_ALERT ? LOG_MESSAGE_CONFIG_ERROR : LOG_MESSAGE_CONFIG_WARNING;
    return true;
}

/* ---- the whole ---- */

/* "[ALERT]    (13) : ", up to 2.3 "[ALERT] 325/082200 (13) : " */
static bool take_header(struct span *rest, enum log_level *out_level, int64_t *out_writer)
{
    static const struct {
        const char *text;
        enum log_level level;
    } levels[] = {{"[ALERT]", LOG_LEVEL_ALERT},
                  {"[WARNING]", LOG_LEVEL_WARNING},
                  {"[NOTICE]", LOG_LEVEL_NOTICE},
                  {"[DIAG]", LOG_LEVEL_DIAG}};
    struct span text = *rest;
    enum log_level level = LOG_LEVEL_NONE;
    int64_t writer = 0, number = 0;

    for (size_t i = 0; level == LOG_LEVEL_NONE && i < sizeof levels / sizeof *levels; i++)
        if (message_take(&text, levels[i].text))
            level = levels[i].level;
    if (level == LOG_LEVEL_NONE)
        return false;
    text = span_trim(text);
    if (message_take_number(&text, &number)) {
        if (!message_take(&text, "/") || !message_take_number(&text, &number) ||
            !message_take(&text, " "))
            return false;
    }
    if (!message_take(&text, "(") || !message_take_number(&text, &writer) ||
        !message_take(&text, ") : "))
        return false;
    *rest = text;
    *out_level = level;
    *out_writer = writer;
    return true;
}

/* "[/usr/sbin/haproxy.main()] " */
static struct span without_program(struct span text)
{
    struct span rest = text;
    size_t end;

    if (message_take(&rest, "[") && message_find(rest, ".main()] ", &end)) {
        rest.ptr += end;
        rest.len -= end;
        (void)message_take(&rest, ".main()] ");
        return rest;
    }
    return text;
}

bool log_message_classify(struct span text, struct log_message *out_message)
{
    struct log_message message = nothing;
    enum log_level level = LOG_LEVEL_NONE;
    int64_t writer = 0;
    bool (*const parsers[])(struct span, struct log_message *) = {
        message_parse_server, message_parse_check, message_parse_bind, parse_form,
        message_parse_other};

    if (text.len > LOG_MESSAGE_MAX)
        text.len = LOG_MESSAGE_MAX;
    text = span_trim(text);
    bool has_header = take_header(&text, &level, &writer);
    bool of_config = message_take(&text, "config : ") || message_take(&text, "config: ");
    struct span body = without_program(text);
    bool found = false;

    for (size_t i = 0; !found && i < sizeof parsers / sizeof *parsers; i++) {
        message = nothing;
        found = parsers[i](body, &message);
    }
    message.level = level;
    message.writer = writer;
    message.body = body;
    if (!found && has_header) {
        message = nothing;
        message.level = level;
        message.writer = writer;
        message.body = body;
        (void)parse_config(body, of_config, &message);
        found = true;
    }
    if (found)
        *out_message = message;
    return found;
}

const char *log_message_word(enum log_message_kind kind)
{
    static const char *const words[LOG_MESSAGE_KINDS] = {
        [LOG_MESSAGE_OTHER] = "other",
        [LOG_MESSAGE_SERVER_DOWN] = "server-down",
        [LOG_MESSAGE_SERVER_UP] = "server-up",
        [LOG_MESSAGE_SERVER_STOPPING] = "server-stopping",
        [LOG_MESSAGE_SERVER_MAINTENANCE] = "server-maintenance",
        [LOG_MESSAGE_NO_SERVER_AVAILABLE] = "no-server-available",
        [LOG_MESSAGE_CHECK_FAILED] = "health-check-failed",
        [LOG_MESSAGE_CHECK_SUCCEEDED] = "health-check-succeeded",
        [LOG_MESSAGE_FD_LIMIT_PROCESS] = "fd-limit-process",
        [LOG_MESSAGE_FD_LIMIT_SYSTEM] = "fd-limit-system",
        [LOG_MESSAGE_MEMORY_LIMIT] = "memory-limit",
        [LOG_MESSAGE_CONNECTION_LIMIT] = "connection-limit",
        [LOG_MESSAGE_NO_FREE_PORTS] = "no-free-ports",
        [LOG_MESSAGE_LOCAL_ADDRESS_IN_USE] = "local-address-in-use",
        [LOG_MESSAGE_CANNOT_BIND_SOURCE] = "cannot-bind-source",
        [LOG_MESSAGE_NO_FREE_SOCKETS] = "no-free-sockets",
        [LOG_MESSAGE_CANNOT_CREATE_SOCKET] = "cannot-create-socket",
        [LOG_MESSAGE_BIND_FAILED] = "bind-failed",
        [LOG_MESSAGE_LISTEN_FAILED] = "listen-failed",
        [LOG_MESSAGE_LISTENERS_FAILED] = "listeners-failed",
        [LOG_MESSAGE_NO_LISTENER] = "no-listener",
        [LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT] = "cannot-raise-fd-limit",
        [LOG_MESSAGE_FD_LIMIT_TOO_LOW] = "fd-limit-too-low",
        [LOG_MESSAGE_CANNOT_SET_MEMORY_LIMIT] = "cannot-set-memory-limit",
        [LOG_MESSAGE_CONFIG_ERROR] = "config-error",
        [LOG_MESSAGE_CONFIG_WARNING] = "config-warning",
        [LOG_MESSAGE_CONFIG_REFUSED] = "config-refused",
        [LOG_MESSAGE_VERSION] = "version",
        [LOG_MESSAGE_RELOADING] = "reloading",
        [LOG_MESSAGE_LOADING_SUCCESS] = "loading-success",
        [LOG_MESSAGE_LOADING_FAILURE] = "loading-failure",
        [LOG_MESSAGE_WORKER_STARTED] = "worker-started",
        [LOG_MESSAGE_WORKER_EXITED] = "worker-exited",
        [LOG_MESSAGE_WORKERS_GONE] = "workers-gone",
        [LOG_MESSAGE_PROXY_STARTED] = "proxy-started",
        [LOG_MESSAGE_PROXY_PAUSED] = "proxy-paused",
        [LOG_MESSAGE_PROXY_RESUMED] = "proxy-resumed",
        [LOG_MESSAGE_PROXY_STOPPED] = "proxy-stopped",
        [LOG_MESSAGE_PROXY_PAUSE_FAILED] = "proxy-pause-failed",
        [LOG_MESSAGE_PROXY_ENABLE_FAILED] = "proxy-enable-failed",
    };

    return (size_t)kind < LOG_MESSAGE_KINDS ? words[kind] : "other";
}

const char *log_level_word(enum log_level level)
{
    static const char *const words[] = {"", "diag", "notice", "warning", "alert"};

    return (size_t)level < sizeof words / sizeof *words ? words[level] : "";
}
