#include "remediations/host/unit_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/text.h"

enum { ALIAS_STEPS_MAX = 8, UNIT_NAME_MAX = 255 };

static const char suffix[] = ".service";

static bool name_is_valid(struct span name)
{
    if (name.len <= sizeof suffix - 1 || name.len > UNIT_NAME_MAX || name.ptr[0] == '.' ||
        !span_ends_with(name, suffix))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
              (byte >= '0' && byte <= '9') || (byte != '\0' && strchr(":-_.\\@", byte) != NULL)))
            return false;
    }
    return true;
}

/* Where units are looked for, earlier ones first; one that is a link to another of them stands
 * once. */
static int load_path(const struct host *host, struct arena *arena, struct strings *out_dirs,
                     struct err *err)
{
    static const char *const dirs[] = {
        "/etc/systemd/system.control", "/run/systemd/system.control",
        "/run/systemd/transient",      "/run/systemd/generator.early",
        "/etc/systemd/system",         "/etc/systemd/system.attached",
        "/run/systemd/system",         "/run/systemd/system.attached",
        "/run/systemd/generator",      "/usr/local/lib/systemd/system",
        "/lib/systemd/system",         "/usr/lib/systemd/system",
        "/run/systemd/generator.late",
    };

    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        const char *real;
        if (host_real_path(host, dirs[i], arena, &real, err) < 0)
            return -1;
        if (real == NULL)
            real = dirs[i];
        if (!strings_have(out_dirs, real))
            strings_add(out_dirs, arena, real);
    }
    return 0;
}

/* *out_target: the last part of what the link at `path` says; NULL: it is no link. */
static int link_target(const struct host *host, const char *path, struct arena *arena,
                       const char **out_target, struct err *err)
{
    char target[PATH_MAX];
    struct stat st;
    int fd CLEANUP_FD = -1;

    *out_target = NULL;
    if (host_open_path(host, path, O_PATH | O_NOFOLLOW, &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", path);
    if (!S_ISLNK(st.st_mode))
        return 0;
    ssize_t len = readlinkat(fd, "", target, sizeof target - 1);
    if (len < 0)
        return err_sys(err, errno, "cannot read link '%s'", path);
    target[len] = '\0';
    const char *slash = strrchr(target, '/');
    *out_target = arena_string(arena, slash == NULL ? target : slash + 1);
    return 0;
}

static const char *template_of(const char *name, struct arena *arena)
{
    const char *at = strchr(name, '@');

    if (at == NULL || strcmp(at + 1, suffix) == 0)
        return NULL;
    return arena_printf(arena, "%.*s@%s", (int)(at - name), name, suffix);
}

/* The first file of that name in the load path; *out_path NULL: none. */
static int find_fragment(const struct host *host, const struct strings *dirs, const char *name,
                         struct arena *arena, const char **out_path, struct err *err)
{
    *out_path = NULL;
    for (size_t i = 0; i < dirs->count; i++) {
        struct strings names;
        if (host_list(host, dirs->at[i], arena, &names, err) < 0)
            return -1;
        if (strings_have(&names, name)) {
            *out_path = arena_printf(arena, "%s/%s", dirs->at[i], name);
            return 0;
        }
    }
    const char *template = template_of(name, arena);
    return template == NULL ? 0 : find_fragment(host, dirs, template, arena, out_path, err);
}

/* Every link in the load path that leads to `id` gives it another name. */
static int find_aliases(const struct host *host, const struct strings *dirs, const char *id,
                        struct arena *arena, struct strings *names, struct err *err)
{
    for (size_t i = 0; i < dirs->count; i++) {
        struct strings listed;
        if (host_list(host, dirs->at[i], arena, &listed, err) < 0)
            return -1;
        for (size_t k = 0; k < listed.count; k++) {
            const char *name = listed.at[k], *target;
            if (!name_is_valid(span_of(name)) || strings_have(names, name))
                continue;
            const char *path = arena_printf(arena, "%s/%s", dirs->at[i], name);
            if (link_target(host, path, arena, &target, err) < 0)
                return -1;
            if (target != NULL && strcmp(target, id) == 0)
                strings_add(names, arena, name);
        }
    }
    return 0;
}

/* "foo-bar-baz.service": "foo-bar-.service", then "foo-.service". NULL: no shorter one. */
static const char *shorter_name(const char *name, struct arena *arena)
{
    const char *end = strchr(name, '@');
    size_t len = end == NULL ? strlen(name) - (sizeof suffix - 1) : (size_t)(end - name);
    const char *rest = end == NULL ? suffix : end;

    if (len > 0 && name[len - 1] == '-')
        len--;
    while (len > 0 && name[len - 1] != '-')
        len--;
    if (len <= 1)
        return NULL;
    return arena_printf(arena, "%.*s%s", (int)len, name, rest);
}

static void add_dropin_dirs(const char *dir, const char *name, struct arena *arena,
                            struct strings *out_dirs)
{
    for (; name != NULL; name = shorter_name(name, arena)) {
        const char *template = template_of(name, arena);
        strings_addf(out_dirs, arena, "%s/%s.d", dir, name);
        if (template != NULL)
            add_dropin_dirs(dir, template, arena, out_dirs);
    }
}

static int find_dropins(const struct host *host, const struct strings *dirs,
                        const struct strings *names, const struct conf_what_if *what_if,
                        struct arena *arena, struct conf_files *out_files, struct err *err)
{
    struct strings all = {0};

    for (size_t i = 0; i < names->count; i++) {
        for (size_t k = 0; k < dirs->count; k++)
            add_dropin_dirs(dirs->at[k], names->at[i], arena, &all);
    }
    for (size_t k = 0; k < dirs->count; k++)
        strings_addf(&all, arena, "%s/service.d", dirs->at[k]);
    return conf_files_list(host, &all, what_if, arena, out_files, err);
}

/* An empty file masks, and so does a link to /dev/null (in a tree it leads nowhere, which comes to
 * the same). */
static int look_at_fragment(const struct host *host, const char *path, const char *target,
                            struct arena *arena, struct unit_sources *sources, struct err *err)
{
    struct span bytes;

    sources->fragment = (struct conf_file){.name = sources->id, .path = path};
    if (conf_real_file(host, path, arena, &sources->fragment.real, err) < 0 ||
        conf_file_bytes(host, &sources->fragment, NULL, arena, &bytes, err) < 0)
        return -1;
    sources->masked = sources->fragment.real == NULL ? target != NULL && strcmp(target, "null") == 0
                                                     : bytes.len == 0;
    sources->exists = sources->masked || sources->fragment.real != NULL;
    return 0;
}

int unit_rules_sources(const struct host *host, const char *name,
                       const struct conf_what_if *what_if, struct arena *arena,
                       struct unit_sources *out_sources, struct err *err)
{
    struct unit_sources sources = {.id = arena_string(arena, name)};
    struct strings dirs = {0}, names = {0};
    const char *path = NULL, *target = NULL;

    if (!name_is_valid(span_of(name)))
        return err_set(err, ERR_INPUT, "'%s' is no name of a service, expected NAME.service", name);
    if (load_path(host, arena, &dirs, err) < 0)
        return -1;
    for (unsigned step = 0;; step++) {
        if (find_fragment(host, &dirs, sources.id, arena, &path, err) < 0 ||
            (path != NULL && link_target(host, path, arena, &target, err) < 0))
            return -1;
        if (path == NULL || target == NULL || strcmp(target, sources.id) == 0 ||
            !name_is_valid(span_of(target)) || strchr(sources.id, '@') != NULL)
            break;
        if (step == ALIAS_STEPS_MAX)
            return err_set(err, ERR_INPUT, "unit '%s': too many links", name);
        sources.id = target;
    }
    strings_add(&names, arena, sources.id);
    if ((path != NULL && look_at_fragment(host, path, target, arena, &sources, err) < 0) ||
        find_aliases(host, &dirs, sources.id, arena, &names, err) < 0 ||
        find_dropins(host, &dirs, &names, what_if, arena, &sources.dropins, err) < 0)
        return -1;
    *out_sources = sources;
    return 0;
}
