#include "policies/policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "plans/base/escape.h"
#include "plans/base/file.h"
#include "plans/base/text.h"
#include "policies/pattern.h"
#include "policies/policy_builtin_text.h"
#include "policies/rules.h"

#define BUILTIN_NAME "built-in default.conf"

enum { FILES_MAX = 64 };

struct source {
    const char *name; /* as messages name it */
    struct span text;
};

/* ---- loading ---- */

static int parse_sources(struct policy *policy, const struct source *sources, size_t count,
                         struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct conf *files = arena_alloc(scratch, count * sizeof *files);
    struct text all = text_new(scratch);

    for (size_t i = 0; i < count; i++) {
        if (conf_parse(sources[i].text, sources[i].name, &rules_grammar, scratch, &files[i], err) <
            0)
            return -1;
        text_add_span(&all, sources[i].text);
    }
    policy->digest = digest_bytes(text_span(&all));
    if (rules_read(policy, files, count, err) < 0)
        return -1;
    return rules_check(policy, err);
}

static int make_policy(const struct source *sources, size_t count, struct policy **out_policy,
                       struct err *err)
{
    struct arena *arena = arena_new();
    struct policy *policy CLEANUP_POLICY = arena_alloc(arena, sizeof *policy);

    policy->arena = arena;
    if (parse_sources(policy, sources, count, err) < 0)
        return -1;
    *out_policy = policy;
    policy = NULL;
    return 0;
}

int policy_builtin(struct policy **out_policy, struct err *err)
{
    struct source source = {BUILTIN_NAME, {(const char *)policy_builtin_text, policy_builtin_size}};

    return make_policy(&source, 1, out_policy, err);
}

int policy_load_file(int dir, const char *path, struct policy **out_policy, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct source source = {.name = escape_string(scratch, path)};

    if (conf_read(dir, path, source.name, scratch, &source.text, err) < 0)
        return -1;
    return make_policy(&source, 1, out_policy, err);
}

static void close_stream(DIR **stream)
{
    if (*stream != NULL)
        (void)closedir(*stream);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_names(int dir, const char *dir_name, struct arena *arena, struct strings *names,
                      struct err *err)
{
    int fd CLEANUP_FD = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, errno, "cannot open '%s'", dir_name);
    if (conf_check_owner(fd, dir_name, err) < 0)
        return -1;
    DIR *stream __attribute__((cleanup(close_stream))) = fdopendir(fd);
    if (stream == NULL)
        return err_sys(err, errno, "cannot list '%s'", dir_name);
    (void)take_fd(&fd);

    const struct dirent *entry;
    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (entry->d_name[0] == '.' || !span_ends_with(span_of(entry->d_name), ".conf"))
            continue;
        if (names->count == FILES_MAX)
            return err_set(err, ERR_INPUT, "%s: more than %d files *.conf", dir_name, FILES_MAX);
        strings_add(names, arena, entry->d_name);
    }
    if (errno != 0)
        return err_sys(err, errno, "cannot list '%s'", dir_name);
    if (names->count > 0)
        qsort(names->at, names->count, sizeof *names->at, compare_names);
    return 0;
}

int policy_load_dir(int dir, const char *dir_name, struct policy **out_policy, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct strings names = {0};

    if (list_names(dir, dir_name, scratch, &names, err) < 0)
        return -1;
    if (names.count == 0)
        return policy_builtin(out_policy, err);
    struct source *sources = arena_alloc(scratch, names.count * sizeof *sources);
    for (size_t i = 0; i < names.count; i++) {
        sources[i].name =
            arena_printf(scratch, "%s/%s", dir_name, escape_string(scratch, names.at[i]));
        if (conf_read(dir, names.at[i], sources[i].name, scratch, &sources[i].text, err) < 0)
            return -1;
    }
    return make_policy(sources, names.count, out_policy, err);
}

void policy_free(struct policy *policy)
{
    if (policy != NULL)
        arena_free(policy->arena);
}

/* ---- what it says ---- */

const char *policy_name(const struct policy *policy)
{
    return policy->name;
}

const char *policy_digest(const struct policy *policy)
{
    return policy->digest.hex;
}

int64_t policy_plan_lifetime(const struct policy *policy)
{
    return policy->lifetime;
}

bool policy_allows_managed_files(const struct policy *policy)
{
    return policy->managed_files;
}

const struct wish *policy_desired(const struct policy *policy, size_t *out_count)
{
    *out_count = policy->desire_count;
    return policy->desires;
}

int64_t policy_approvals_for(const struct policy *policy, enum risk risk)
{
    return policy->approvals[risk];
}

bool policy_person_suffices(const struct policy *policy, enum risk risk)
{
    return policy->person_suffices && risk <= policy->person_up_to;
}

bool policy_upper_bound(const struct policy *policy, const char *address, uint64_t *out_bound)
{
    uint64_t least = UINT64_MAX;
    bool found = false;

    for (size_t i = 0; i < policy->bound_count; i++) {
        const struct bound_rule *bound = &policy->bounds[i];
        if (bound->form == BOUND_TEXT || !pattern_matches(bound->address, address))
            continue;
        found = true;
        least = bound->max < least ? bound->max : least;
    }
    if (found)
        *out_bound = least;
    return found;
}
