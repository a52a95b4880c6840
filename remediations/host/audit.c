#include "remediations/host/audit.h"

#include <string.h>

#include <auparse.h>
#include <linux/audit.h>

#include "plans/base/escape.h"

/* One record; auditd itself writes none longer. */
#define LINE_MAX_BYTES ((size_t)8970)
/* Only in front of an id: the kernel writes what strangers name in hex where it holds a blank. */
#define ID_FIELD "msg=audit("
#define ID_MARK  " " ID_FIELD

enum {
    EVENTS_OPEN = 16, /* whose system call may still come: other processors' events come between */
    EVENT_LINES_MAX = 16,
    NAME_LEN_MAX = 128,
    ID_LEN_MAX = 64,
    COMM_LEN_MAX = 15, /* the kernel's TASK_COMM_LEN without its NUL */
    SHOWN_MAX = 256,
};

/* ---- lines ---- */

struct line {
    struct span text;
    struct span id; /* "1795336030.636:40" */
    bool is_denial, is_call;
};

/* The same up to the first '.': one may be a short name and the other a full one. */
static bool is_same_node(struct span a, struct span b)
{
    return span_equal(span_cut(&a, '.'), span_cut(&b, '.'));
}

static struct span behind(struct span line, const char *mark)
{
    const char *at = memmem(line.ptr, line.len, mark, strlen(mark));

    if (at == NULL)
        return (struct span){"", 0};
    at += strlen(mark);
    return (struct span){at, (size_t)(line.ptr + line.len - at)};
}

static bool has(struct span text, const char *mark)
{
    return memmem(text.ptr, text.len, mark, strlen(mark)) != NULL;
}

/* "type=WORD msg=audit(ID): ..." once: where a record was cut the next one may go on in its line. A NUL is
 * in none: power cuts leave them where bytes were not written. */
static bool is_one_record(struct span bytes)
{
    struct span rest = bytes, type = span_cut(&rest, ' ');

    if (!span_starts_with(type, "type=") || has((struct span){type.ptr + 5, type.len - 5}, "=") ||
        !span_starts_with(rest, ID_FIELD))
        return false;
    return !has(behind(rest, ID_FIELD), ID_MARK) && memchr(bytes.ptr, '\0', bytes.len) == NULL;
}

/* What the kernel ends these records with is there. Before Linux 3.17 a denial had no "permissive=": then
 * none of the log has it. */
static bool is_whole(const struct line *line, struct span body, bool *tells_permissive)
{
    static const char denied[] = "avc:  denied ";

    if (line->is_call)
        return has(body, " key=");
    if (!span_starts_with(body, denied))
        return body.len >= strlen(denied); /* granted, or of AppArmor */
    if (!has(body, " permissive=0") && !has(body, " permissive=1"))
        return !*tells_permissive && has(body, " tclass=");
    *tells_permissive = true;
    return true;
}

enum line_state { LINE_WANTED, LINE_OTHER, LINE_DAMAGED };

/* What libauparse gets to see: one printable line of a kind that is wanted, its repetition in other
 * words cut off. */
static enum line_state line_parse(struct span bytes, const char *node, bool *tells_permissive,
                                  struct line *out_line)
{
    struct span from = {NULL, 0}, body;
    struct line line;

    if (span_starts_with(bytes, "node="))
        from = span_cut(&bytes, ' ');
    if (bytes.len == 0 && from.len == 0)
        return LINE_OTHER;
    if (!is_one_record(bytes))
        return LINE_DAMAGED;
    if (from.len > 0 && !is_same_node((struct span){from.ptr + 5, from.len - 5}, span_of(node)))
        return LINE_OTHER;
    line.text = span_cut(&bytes, '\x1d');
    line.is_denial = span_starts_with(line.text, "type=AVC ");
    line.is_call = span_starts_with(line.text, "type=SYSCALL ");
    if (!line.is_denial && !line.is_call)
        return LINE_OTHER;
    body = behind(line.text, ID_MARK);
    line.id = span_cut(&body, ')');
    body = behind(body, ": ");
    if (line.text.len > LINE_MAX_BYTES || !escape_is_plain(line.text) || line.id.len == 0 ||
        line.id.len > ID_LEN_MAX || !is_whole(&line, body, tells_permissive))
        return LINE_DAMAGED;
    *out_line = line;
    return LINE_WANTED;
}

static int64_t line_time(const struct line *line)
{
    struct span id = line->id;
    int64_t seconds = 0;

    return span_scan_i64(span_cut(&id, '.'), &seconds) ? seconds : 0;
}

/* ---- records ---- */

/* One AVC record as libauparse reads it; spans point into its memory. */
struct record {
    struct span result, permissions, object, source, target, port_from, port_to, comm, permissive;
    struct span pid;
};

struct parser {
    auparse_state_t *state;
    struct arena *arena;   /* what is kept */
    struct arena *scratch; /* what is looked at */
    const char *program;
    struct denials denials;
};

static struct span field_text(auparse_state_t *state)
{
    const char *text = auparse_get_field_str(state);

    return text != NULL ? span_of(text) : (struct span){"", 0};
}

/* comm and exe are in quotes, or in hex where a byte of theirs is special. */
static const char *field_interpreted(struct parser *parser)
{
    const char *text = auparse_interpret_field(parser->state);

    return text != NULL ? arena_string(parser->scratch, text) : NULL;
}

static void record_take(struct parser *parser, struct record *record)
{
    const struct {
        const char *name;
        struct span *into;
    } fields[] = {
        {"seresult", &record->result},       {"seperms", &record->permissions},
        {"tclass", &record->object},         {"scontext", &record->source},
        {"tcontext", &record->target},       {"src", &record->port_from},
        {"dest", &record->port_to},          {"pid", &record->pid},
        {"permissive", &record->permissive},
    };
    const char *name = auparse_get_field_name(parser->state);

    if (name == NULL)
        return;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(name, fields[i].name) == 0 && fields[i].into->len == 0)
            *fields[i].into = field_text(parser->state);
    if (strcmp(name, "comm") == 0 && record->comm.len == 0) {
        const char *comm = field_interpreted(parser);
        record->comm = comm != NULL ? span_of(comm) : record->comm;
    }
}

static bool is_name(struct span name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

    if (name.len == 0 || name.len > NAME_LEN_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '\0' || strchr(letters, name.ptr[i]) == NULL)
            return false;
    return true;
}

/* The third part of "system_u:system_r:haproxy_t:s0". */
static struct span type_of(struct span context)
{
    (void)span_cut(&context, ':');
    (void)span_cut(&context, ':');
    return span_cut(&context, ':');
}

/* False: it says a port, and that is none. */
static bool port_of(const struct record *record, struct span permission, uint32_t *out_port)
{
    bool binds = span_is(permission, "name_bind"), connects = span_is(permission, "name_connect");
    uint64_t port = 0;

    if ((binds || connects) &&
        (!span_scan_u64(binds ? record->port_from : record->port_to, &port) || port == 0 ||
         port > 65535))
        return false;
    *out_port = (uint32_t)port;
    return true;
}

static bool is_same(const struct denial *a, const struct denial *b)
{
    return a->port == b->port && a->permissive == b->permissive &&
           strcmp(a->permission, b->permission) == 0 && strcmp(a->object, b->object) == 0 &&
           strcmp(a->source_type, b->source_type) == 0 &&
           strcmp(a->target_type, b->target_type) == 0;
}

/* Its place among those that are known, or that of the one which has been quiet for longest. */
static struct denial *slot_for(struct parser *parser, const struct denial *seen)
{
    struct denials *denials = &parser->denials;
    size_t quiet = 0;

    for (size_t i = 0; i < denials->count; i++) {
        if (is_same(&denials->at[i], seen))
            return &denials->at[i];
        if (denials->at[i].last < denials->at[quiet].last)
            quiet = i;
    }
    if (denials->count < AUDIT_DENIALS_MAX)
        return &ARENA_PUSH(parser->arena, denials->at, denials->count);
    denials->left_out++;
    denials->at[quiet] = (struct denial){0};
    return &denials->at[quiet];
}

static void count_denial(struct parser *parser, const struct denial *seen)
{
    struct denial *denial = slot_for(parser, seen);

    if (denial->count == 0) {
        struct arena *arena = parser->arena;
        *denial = *seen;
        denial->permission = arena_string(arena, seen->permission);
        denial->object = arena_string(arena, seen->object);
        denial->source_type = arena_string(arena, seen->source_type);
        denial->target_type = arena_string(arena, seen->target_type);
        denial->comm = escape_span(arena, span_of(seen->comm), SHOWN_MAX);
        denial->exe = seen->exe != NULL ? escape_span(arena, span_of(seen->exe), SHOWN_MAX) : NULL;
    }
    denial->count++;
    denial->pid = seen->pid;
    if (seen->first < denial->first)
        denial->first = seen->first;
    if (seen->last > denial->last)
        denial->last = seen->last;
}

static bool is_of_program(const char *program, const char *exe, struct span comm)
{
    const char *slash = strrchr(program, '/');
    struct span name = span_of(slash != NULL ? slash + 1 : program);

    if (exe != NULL) {
        struct span path = span_of(exe), deleted = span_of(" (deleted)");
        /* The package was upgraded while it ran. */
        if (span_ends_with(path, deleted.ptr))
            path.len -= deleted.len;
        return span_is(path, program);
    }
    if (name.len > COMM_LEN_MAX)
        name.len = COMM_LEN_MAX;
    return span_equal(name, comm);
}

static const char *copy(struct parser *parser, struct span span)
{
    return arena_copy(parser->scratch, span.ptr, span.len);
}

static void take_denials(struct parser *parser, const struct record *record, const char *exe)
{
    struct span source = type_of(record->source), target = type_of(record->target);
    struct span permissions = record->permissions;
    int64_t time = (int64_t)auparse_get_time(parser->state);
    uint64_t pid = 0;

    if (!span_is(record->result, "denied") || !is_name(source) || !is_name(target) ||
        !is_name(record->object) || !is_of_program(parser->program, exe, record->comm))
        return;
    (void)span_scan_u64(record->pid, &pid);
    while (permissions.len > 0) {
        struct span permission = span_cut(&permissions, ',');
        struct denial denial = {
            .permission = copy(parser, permission),
            .object = copy(parser, record->object),
            .source_type = copy(parser, source),
            .target_type = copy(parser, target),
            .permissive = span_is(record->permissive, "1"),
            .comm = copy(parser, record->comm),
            .exe = exe,
            .pid = pid <= INT32_MAX ? (pid_t)pid : 0,
            .first = time,
            .last = time,
        };
        if (!is_name(permission) || !port_of(record, permission, &denial.port))
            continue;
        count_denial(parser, &denial);
    }
}

/* ---- events ---- */

/* The records of one moment: denials, and the system call they came from. */
struct event {
    struct span id;
    struct span lines[EVENT_LINES_MAX];
    size_t count;
};

static const char *event_exe(struct parser *parser)
{
    auparse_state_t *state = parser->state;

    for (int more = auparse_first_record(state); more > 0; more = auparse_next_record(state)) {
        if (auparse_get_type(state) != AUDIT_SYSCALL)
            continue;
        for (int field = auparse_first_field(state); field > 0; field = auparse_next_field(state)) {
            const char *name = auparse_get_field_name(state);
            if (name != NULL && strcmp(name, "exe") == 0)
                return field_interpreted(parser);
        }
    }
    return NULL;
}

static void event_read(struct parser *parser)
{
    auparse_state_t *state = parser->state;
    const char *exe = event_exe(parser);

    for (int more = auparse_first_record(state); more > 0; more = auparse_next_record(state)) {
        struct record record = {0};
        if (auparse_get_type(state) != AUDIT_AVC)
            continue;
        for (int field = auparse_first_field(state); field > 0; field = auparse_next_field(state))
            record_take(parser, &record);
        take_denials(parser, &record, exe);
    }
}

/* libauparse gets one event at a time: of a whole log it would look at all open events for each
 * record, which takes quadratic time where many are of one second. */
static int event_close(struct parser *parser, struct event *event, char *buffer, struct err *err)
{
    size_t len = 0;
    int more;

    for (size_t i = 0; i < event->count; i++) {
        memcpy(buffer + len, event->lines[i].ptr, event->lines[i].len);
        len += event->lines[i].len;
        buffer[len++] = '\n';
    }
    buffer[len] = '\0';
    event->count = 0;
    if (len == 0)
        return 0;
    if (auparse_new_buffer(parser->state, buffer, len) < 0)
        return err_set(err, ERR_SYS, "libauparse took no buffer");
    while ((more = auparse_next_event(parser->state)) > 0)
        event_read(parser);
    if (more < 0)
        return err_set(err, ERR_SYS, "libauparse could not read a record of the audit log");
    return 0;
}

static void event_add(struct event *event, struct span line)
{
    if (event->count < EVENT_LINES_MAX)
        event->lines[event->count++] = line;
}

static struct event *event_find(struct event *events, struct span id)
{
    for (size_t i = 0; i < EVENTS_OPEN; i++)
        if (events[i].count > 0 && span_equal(events[i].id, id))
            return &events[i];
    return NULL;
}

static int read_events(struct parser *parser, struct span log, const char *node, char *buffer,
                       struct err *err)
{
    struct event events[EVENTS_OPEN] = {0};
    struct span bytes;
    struct line line;
    bool tells_permissive = false;
    size_t next = 0;

    /* A last line without its end is still being written. */
    while (log.len > 0 && log.ptr[log.len - 1] != '\n')
        log.len--;
    while (span_next_line(&log, &bytes)) {
        enum line_state read = line_parse(bytes, node, &tells_permissive, &line);
        parser->denials.damaged += read == LINE_DAMAGED;
        if (read != LINE_WANTED)
            continue;
        if (parser->denials.since == 0)
            parser->denials.since = line_time(&line);
        struct event *event = event_find(events, line.id);
        if (event == NULL && line.is_denial) {
            event = &events[next++ % EVENTS_OPEN];
            if (event_close(parser, event, buffer, err) < 0)
                return -1;
            event->id = line.id;
        }
        if (event != NULL)
            event_add(event, line.text);
    }
    for (size_t i = 0; i < EVENTS_OPEN; i++, next++)
        if (event_close(parser, &events[next % EVENTS_OPEN], buffer, err) < 0)
            return -1;
    return 0;
}

static void state_cleanup(auparse_state_t **state)
{
    if (*state != NULL)
        auparse_destroy(*state);
}

int audit_parse(struct span log, const char *program, const char *node, struct arena *arena,
                struct denials *out_denials, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    char *buffer = arena_alloc(scratch, EVENT_LINES_MAX * (LINE_MAX_BYTES + 1) + 1);
    auparse_state_t *state __attribute__((cleanup(state_cleanup))) =
        auparse_init(AUSOURCE_BUFFER, "\n");
    struct parser parser = {.state = state, .arena = arena, .scratch = scratch, .program = program};

    if (state == NULL)
        return err_set(err, ERR_SYS, "libauparse cannot be used");
    auparse_set_escape_mode(state, AUPARSE_ESC_RAW); /* escaping is done here, and once */
    if (read_events(&parser, log, node, buffer, err) < 0)
        return -1;
    *out_denials = parser.denials;
    return 0;
}

int audit_read(const struct host *host, const char *program, const char *node, struct arena *arena,
               struct denials *out_denials, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct span log;

    if (audit_read_log(host, AUDIT_LOG_MAX, scratch, &log, err) < 0)
        return -1;
    return audit_parse(log, program, node, arena, out_denials, err);
}
