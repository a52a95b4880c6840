#include "remediations/host/selinux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <selinux/selinux.h>

enum selinux_mode selinux_mode(const struct host *host)
{
    if (!host->live || is_selinux_enabled() <= 0)
        return SELINUX_OFF;
    return security_getenforce() == 0 ? SELINUX_PERMISSIVE : SELINUX_ENFORCING;
}

static int require_selinux(const struct host *host, struct err *err)
{
    if (selinux_mode(host) != SELINUX_OFF)
        return 0;
    return err_set(err, ERR_UNSUPPORTED, "%s",
                   host->live ? "SELinux is off on this host" : "a tree has no running SELinux");
}

/* libselinux makes a path of the name below /sys/fs/selinux/booleans: it MUST be one plain
 * component. */
static int check_name(const char *name, struct err *err)
{
    if (name[0] == '\0' || name[0] == '.' || strlen(name) > 255 || strchr(name, '/') != NULL)
        return err_set(err, ERR_INPUT, "'%.64s' cannot be the name of an SELinux boolean", name);
    return 0;
}

int selinux_boolean_running(const struct host *host, const char *name, bool *out_known,
                            bool *out_on, struct err *err)
{
    if (require_selinux(host, err) < 0 || check_name(name, err) < 0)
        return -1;
    errno = 0;
    int value = security_get_boolean_active(name);
    if (value < 0 && errno != ENOENT)
        return err_sys(err, errno, "cannot read the running SELinux boolean '%s'", name);
    *out_known = value >= 0;
    *out_on = value > 0;
    return 0;
}

/* SELboolean.name is not const in libselinux, though it is only read. */
static int set_running(const char *name, bool on)
{
    char *copy = strdup(name);

    if (copy == NULL)
        return -1;
    SELboolean one = {.name = copy, .value = on};
    int result = security_set_boolean_list(1, &one, 0);
    int saved = errno;
    free(copy);
    errno = saved;
    return result;
}

int selinux_boolean_run(const struct host *host, const char *name, bool on, struct err *err)
{
    bool known = false, now = false;

    if (selinux_boolean_running(host, name, &known, &now, err) < 0)
        return -1;
    if (!known)
        return err_set(err, ERR_INPUT, "the loaded policy has no boolean '%s'", name);
    if (now == on)
        return 0;
    errno = 0;
    if (set_running(name, on) < 0)
        return err_sys(err, errno, "cannot turn the running SELinux boolean '%s' %s", name,
                       on ? "on" : "off");
    if (selinux_boolean_running(host, name, &known, &now, err) < 0)
        return -1;
    if (!known || now != on)
        return err_set(err, ERR_SYS, "the running SELinux boolean '%s' did not turn %s", name,
                       on ? "on" : "off");
    return 0;
}

int selinux_boolean_names(const struct host *host, struct arena *arena, struct strings *out_names,
                          struct err *err)
{
    struct strings names = {0};
    char **list = NULL;
    int count = 0;

    if (require_selinux(host, err) < 0)
        return -1;
    errno = 0;
    if (security_get_boolean_names(&list, &count) < 0)
        return err_sys(err, errno, "cannot list the booleans of the loaded SELinux policy");
    for (int i = 0; i < count; i++) {
        strings_add(&names, arena, arena_string(arena, list[i]));
        free(list[i]);
    }
    free(list);
    *out_names = names;
    return 0;
}

/* ---- domains and ports ---- */

static void context_cleanup(char **context)
{
    freecon(*context);
}
#define CLEANUP_CONTEXT __attribute__((cleanup(context_cleanup)))

/* The third part of "system_u:system_r:haproxy_t:s0", and what stands before and behind it. */
static int split_context(const char *context, struct span *out_head, struct span *out_type,
                         struct span *out_tail, struct err *err)
{
    struct span rest = span_of(context);

    (void)span_cut(&rest, ':');
    (void)span_cut(&rest, ':');
    struct span head = {context, (size_t)(rest.ptr - context)};
    struct span type = span_cut(&rest, ':');
    if (type.len == 0)
        return err_set(err, ERR_INPUT, "'%.160s' is no SELinux context", context);
    *out_head = head;
    *out_type = type;
    *out_tail = (struct span){type.ptr + type.len, strlen(type.ptr) - type.len};
    return 0;
}

static int take_domain(const char *context, struct arena *arena, struct selinux_domain *out_domain,
                       struct err *err)
{
    struct span head, type, tail;

    if (split_context(context, &head, &type, &tail, err) < 0)
        return -1;
    out_domain->context = arena_string(arena, context);
    out_domain->type = arena_copy(arena, type.ptr, type.len);
    return 0;
}

/* As execve(2) works it out. */
static int domain_of_service(const char *program, struct arena *arena,
                             struct selinux_domain *out_domain, struct err *err)
{
    char *init CLEANUP_CONTEXT = NULL;
    char *file CLEANUP_CONTEXT = NULL;
    char *made CLEANUP_CONTEXT = NULL;

    errno = 0;
    if (getpidcon_raw(1, &init) < 0)
        return err_sys(err, errno, "cannot read the SELinux context of process 1");
    if (getfilecon_raw(program, &file) < 0)
        return err_sys(err, errno, "cannot read the SELinux context of '%s'", program);
    if (security_compute_create_raw(init, file, string_to_security_class("process"), &made) < 0)
        return err_sys(err, errno, "the kernel does not say what '%s' would run as", program);
    return take_domain(made, arena, out_domain, err);
}

int selinux_domain(const struct host *host, pid_t pid, const char *program, struct arena *arena,
                   struct selinux_domain *out_domain, struct err *err)
{
    char *context CLEANUP_CONTEXT = NULL;

    if (require_selinux(host, err) < 0)
        return -1;
    if (pid == 0)
        return domain_of_service(program, arena, out_domain, err);
    errno = 0;
    if (getpidcon_raw(pid, &context) < 0 || context == NULL)
        return err_sys(err, errno, "cannot read the SELinux context of process %jd", (intmax_t)pid);
    return take_domain(context, arena, out_domain, err);
}

/* The context of a port: that of the kernel's own for ports, with another type. */
static int port_context(const char *type, struct arena *arena, const char **out_context,
                        struct err *err)
{
    char *own CLEANUP_CONTEXT = NULL;
    struct span head, own_type, tail;

    errno = 0;
    if (security_get_initial_context_raw("port", &own) < 0)
        return err_sys(err, errno, "cannot read the SELinux context of ports");
    if (split_context(own, &head, &own_type, &tail, err) < 0)
        return -1;
    *out_context = type == NULL ? arena_string(arena, own)
                                : arena_printf(arena, "%.*s%s%.*s", (int)head.len, head.ptr, type,
                                               (int)tail.len, tail.ptr);
    return 0;
}

/* What the policy's class does not have is never asked. */
static bool says_yes(const struct av_decision *decision, security_class_t object,
                     const char *permission)
{
    access_vector_t wanted = string_to_av_perm(object, permission);

    return wanted == 0 || (decision->allowed & wanted) == wanted;
}

int selinux_ask(const struct host *host, const struct selinux_domain *domain, const char *type,
                const char *protocol, struct selinux_answer *out_answer, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const char *name = arena_printf(scratch, "%s_socket", protocol);
    const char *port = NULL;
    struct av_decision decision = {0};

    if (require_selinux(host, err) < 0 || port_context(type, scratch, &port, err) < 0)
        return -1;
    errno = 0;
    security_class_t object = string_to_security_class(name);
    if (object == 0)
        return err_sys(err, errno, "the loaded SELinux policy has no class '%s'", name);
    if (security_compute_av_flags_raw(domain->context, port, object, 0, &decision) < 0)
        return err_sys(err, errno, "the kernel does not say what '%s' may do with '%s'",
                       domain->context, port);
    *out_answer = (struct selinux_answer){
        .allowed = (says_yes(&decision, object, "name_connect") ? SELINUX_CONNECT : 0u) |
                   (says_yes(&decision, object, "name_bind") ? SELINUX_BIND : 0u),
        .permissive = (decision.flags & SELINUX_AVD_FLAGS_PERMISSIVE) != 0,
    };
    return 0;
}
