#include "plans/approval.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/escape.h"
#include "plans/base/file.h"

enum { OPERATORS_MAX = 256, SIGNATURES_MAX = 64, OPERATOR_NAME_MAX = 64, NAMES_MAX = 4096 };

static const char key_suffix[] = ".pub";
static const char minisign_suffix[] = ".minisig";
static const char ssh_suffix[] = ".sig";

/* ---- directories ---- */

static void close_dir(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a directory for which `wanted` holds, sorted. */
static int list_names(int dir, bool (*wanted)(const char *name, const char *about),
                      const char *about, struct arena *arena, struct strings *out_names,
                      struct err *err)
{
    struct strings names = {0};
    int fd CLEANUP_FD = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(err, errno, "cannot open the directory");
    DIR *stream __attribute__((cleanup(close_dir))) = fdopendir(fd);
    if (stream == NULL)
        return err_sys(err, errno, "cannot list the directory");
    (void)take_fd(&fd);
    for (;;) {
        errno = 0;
        /* This stream is ours alone, and readdir_r is deprecated. */
        /* cppcheck-suppress readdirCalled */
        const struct dirent *entry = readdir(stream);
        if (entry == NULL && errno != 0)
            return err_sys(err, errno, "cannot list the directory");
        if (entry == NULL)
            break;
        if (!wanted(entry->d_name, about))
            continue;
        if (names.count == NAMES_MAX)
            return err_set(err, ERR_INPUT, "more than %d files: expected fewer", NAMES_MAX);
        strings_add(&names, arena, entry->d_name);
    }
    if (names.count > 1)
        qsort(names.at, names.count, sizeof *names.at, compare_names);
    *out_names = names;
    return 0;
}

/* ---- keys ---- */

/* Who may write a key or add one decides who may approve. */
static int check_owner(int fd, const char *name, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", name);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(err, ERR_INPUT, "'%s' belongs to uid %u: expected root or uid %u", name,
                       (unsigned)st.st_uid, (unsigned)geteuid());
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(err, ERR_INPUT,
                       "'%s' is writable by others (mode %04o): expected its owner alone", name,
                       (unsigned)(st.st_mode & 07777));
    return 0;
}

/* ERR_SYS with ENOENT where there is none. */
static int load_key(int dir, const char *name, struct arena *arena,
                    struct minisign_public *out_public, struct err *err)
{
    int fd CLEANUP_FD = -1;
    struct span text;

    if (file_open(dir, name, &fd, err) < 0 || check_owner(fd, name, err) < 0 ||
        file_read_fd(fd, name, MINISIGN_FILE_MAX, arena, &text, err) < 0)
        return -1;
    if (minisign_parse_public(text, out_public, err) < 0)
        return err_wrap(err, "'%s'", name);
    return 0;
}

static bool is_key_name(const char *name, const char *about)
{
    (void)about;
    return name[0] != '.' && span_ends_with(span_of(name), key_suffix);
}

static int load_operators(int keys_dir, struct arena *arena, struct keyring *keys, struct err *err)
{
    struct strings names;
    int dir CLEANUP_FD =
        openat(keys_dir, "operators", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (dir < 0 && errno == ENOENT)
        return 0;
    if (dir < 0)
        return err_sys(err, errno, "cannot open the directory 'operators'");
    if (check_owner(dir, "operators", err) < 0)
        return -1;
    if (list_names(dir, is_key_name, NULL, arena, &names, err) < 0)
        return err_wrap(err, "'operators'");
    if (names.count > OPERATORS_MAX)
        return err_set(err, ERR_INPUT, "'operators': expected at most %d keys, found %zu",
                       OPERATORS_MAX, names.count);
    for (size_t i = 0; i < names.count; i++) {
        struct operator_key key = {0};
        if (load_key(dir, names.at[i], arena, &key.public, err) < 0)
            return err_wrap(err, "'operators'");
        size_t len = strlen(names.at[i]) - (sizeof key_suffix - 1);
        key.name = escape_span(arena, (struct span){names.at[i], len}, len);
        ARENA_PUSH(arena, keys->operators, keys->operator_count) = key;
    }
    return 0;
}

int approval_load_keys(int keys_dir, struct arena *arena, struct keyring *out_keys, struct err *err)
{
    struct keyring keys = {0};
    struct err missing = {0};

    if (check_owner(keys_dir, "the directory of keys", err) < 0)
        return -1;
    if (load_key(keys_dir, "agent.pub", arena, &keys.agent, &missing) == 0) {
        keys.has_agent = true;
    } else if (missing.sys != ENOENT) {
        *err = missing;
        return -1;
    }
    if (load_operators(keys_dir, arena, &keys, err) < 0)
        return -1;
    *out_keys = keys;
    return 0;
}

/* ---- signatures ---- */

/* "fix.plan" + ".minisig", or "fix.plan." + anything + ".minisig". */
static bool is_named_after(const char *name, const char *plan_name, const char *suffix)
{
    struct span rest = span_of(name);
    size_t plan_len = strlen(plan_name), suffix_len = strlen(suffix);

    if (rest.len < plan_len + suffix_len || !span_starts_with(rest, plan_name) ||
        !span_ends_with(rest, suffix))
        return false;
    return rest.len == plan_len + suffix_len || name[plan_len] == '.';
}

static bool is_signature_name(const char *name, const char *plan_name)
{
    return is_named_after(name, plan_name, minisign_suffix) ||
           is_named_after(name, plan_name, ssh_suffix);
}

/* What all signature files are held against, and what came of it. */
struct collecting {
    struct span plan_bytes;
    int dir;
    const struct keyring *keys;
    struct arena *arena;
    struct approvals result;
};

enum whose { WHOSE_BAD, WHOSE_UNKNOWN, WHOSE_AGENT, WHOSE_OPERATOR };

/* Tries every key that has the id which the signature names: an id is no proof, and may stand
 * twice. */
static enum whose find_signer(const struct collecting *collecting, struct span text,
                              const struct operator_key **out_operator, struct err *err)
{
    const struct keyring *keys = collecting->keys;
    unsigned char id[MINISIGN_ID_BYTES];
    enum whose whose = WHOSE_UNKNOWN;

    if (minisign_signature_id(text, id, err) < 0)
        return WHOSE_BAD;
    if (keys->has_agent && memcmp(keys->agent.id, id, sizeof id) == 0) {
        if (minisign_verify(collecting->plan_bytes, text, &keys->agent, err) == 0)
            return WHOSE_AGENT;
        whose = WHOSE_BAD;
    }
    for (size_t i = 0; i < keys->operator_count; i++) {
        const struct operator_key *key = &keys->operators[i];
        if (memcmp(key->public.id, id, sizeof id) != 0)
            continue;
        if (minisign_verify(collecting->plan_bytes, text, &key->public, err) < 0) {
            whose = WHOSE_BAD;
            continue;
        }
        /* The agent cannot approve its own plan, under whatever name its key was put there. */
        if (keys->has_agent && minisign_same_key(&key->public, &keys->agent))
            return WHOSE_AGENT;
        *out_operator = key;
        return WHOSE_OPERATOR;
    }
    return whose;
}

static void add_approval(struct collecting *collecting, const struct operator_key *key,
                         const char *file, struct span signature)
{
    struct approvals *result = &collecting->result;
    struct approval approval = {.operator_name = key->name, .file = file, .signature = signature};

    minisign_id_text(&key->public, approval.key_id);
    for (size_t i = 0; i < collecting->keys->operator_count; i++) {
        const struct operator_key *other = &collecting->keys->operators[i];
        if (!minisign_same_key(&other->public, &key->public))
            continue;
        /* All names of one key are told as the first of them: it counts once. */
        approval.operator_name = other->name;
        minisign_id_text(&other->public, approval.key_id);
        break;
    }
    for (size_t i = 0; i < result->approval_count; i++)
        if (result->approvals[i].operator_name == approval.operator_name)
            return;
    ARENA_PUSH(collecting->arena, result->approvals, result->approval_count) = approval;
}

/* "fix.plan.old.minisig" signs "fix.plan.old" where such a file stands there too. */
static bool signs_another(int dir, const char *name, const char *plan_name, struct arena *arena)
{
    size_t len = strlen(name) - (sizeof minisign_suffix - 1);
    const char *signed_name = arena_copy(arena, name, len);
    struct stat st;

    return strcmp(signed_name, plan_name) != 0 &&
           fstatat(dir, signed_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static void judge(struct collecting *collecting, const char *name, const char *plan_name)
{
    struct approvals *result = &collecting->result;
    struct arena *arena = collecting->arena;
    const char *shown = escape_string(arena, name);
    const struct operator_key *operator_key = NULL;
    enum whose whose = WHOSE_BAD;
    struct err err = {0};
    struct span text;

    if (file_read(collecting->dir, name, MINISIGN_FILE_MAX, arena, &text, &err) == 0)
        whose = find_signer(collecting, text, &operator_key, &err);
    switch (whose) {
    case WHOSE_AGENT:
        result->agent_signed = true;
        result->agent_signature = text;
        minisign_id_text(&collecting->keys->agent, result->agent_id);
        return;
    case WHOSE_OPERATOR:
        add_approval(collecting, operator_key, shown, text);
        return;
    case WHOSE_UNKNOWN:
    case WHOSE_BAD:
        break;
    }
    if (signs_another(collecting->dir, name, plan_name, arena))
        strings_addf(&result->ignored, arena, "%s: stands beside a file of its own", shown);
    else if (whose == WHOSE_UNKNOWN)
        strings_addf(&result->unknown, arena, "%s: made with a key that is not known here", shown);
    else
        strings_addf(&result->bad, arena, "%s: %s", shown, err.text);
}

int approval_collect(struct span plan_bytes, int plan_dir, const char *plan_name,
                     const struct keyring *keys, struct arena *arena,
                     struct approvals *out_approvals, struct err *err)
{
    struct collecting collecting = {plan_bytes, plan_dir, keys, arena, {0}};
    struct approvals *result = &collecting.result;
    struct strings names;
    size_t read = 0;

    if (list_names(plan_dir, is_signature_name, plan_name, arena, &names, err) < 0)
        return err_wrap(err, "cannot look for signatures beside '%s'", plan_name);
    for (size_t i = 0; i < names.count; i++) {
        if (!is_named_after(names.at[i], plan_name, minisign_suffix)) {
            strings_addf(&result->ignored, arena, "%s: SSH signatures are not read",
                         escape_string(arena, names.at[i]));
        } else if (read++ < SIGNATURES_MAX) {
            judge(&collecting, names.at[i], plan_name);
        }
    }
    if (read > SIGNATURES_MAX)
        strings_addf(&result->bad, arena, "%zu signature files: expected at most %d", read,
                     SIGNATURES_MAX);
    *out_approvals = collecting.result;
    return 0;
}

int approval_remove(int plan_dir, const char *plan_name, struct arena *arena, struct err *err)
{
    struct strings names;

    if (list_names(plan_dir, is_signature_name, plan_name, arena, &names, err) < 0)
        return err_wrap(err, "cannot look for signatures beside '%s'", plan_name);
    for (size_t i = 0; i < names.count; i++) {
        unsigned char id[MINISIGN_ID_BYTES];
        struct err not_ours;
        struct span text;
        if (!is_named_after(names.at[i], plan_name, minisign_suffix) ||
            signs_another(plan_dir, names.at[i], plan_name, arena) ||
            file_read(plan_dir, names.at[i], MINISIGN_FILE_MAX, arena, &text, &not_ours) < 0 ||
            minisign_signature_id(text, id, &not_ours) < 0)
            continue;
        if (unlinkat(plan_dir, names.at[i], 0) < 0 && errno != ENOENT)
            return err_sys(err, errno, "cannot remove the old signature '%s'", names.at[i]);
    }
    return 0;
}

static bool is_operator_name(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= OPERATOR_NAME_MAX &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

int approval_sign(struct span plan_bytes, int plan_dir, const char *plan_name,
                  const char *operator_name, const struct minisign_secret *secret,
                  struct arena *arena, const char **out_file, struct err *err)
{
    const char *file, *comment = "hamedic plan, written by this host's agent", *text;

    if (plan_name[0] == '\0' || strchr(plan_name, '/') != NULL)
        return err_set(err, ERR_INPUT, "'%s': expected a file name without '/'", plan_name);
    if (operator_name != NULL && !is_operator_name(operator_name))
        return err_set(err, ERR_INPUT,
                       "operator name '%s': expected 1 to %d of A-Z a-z 0-9 '.' '_' '-'",
                       operator_name, OPERATOR_NAME_MAX);
    if (operator_name == NULL) {
        file = arena_printf(arena, "%s%s", plan_name, minisign_suffix);
    } else {
        file = arena_printf(arena, "%s.%s%s", plan_name, operator_name, minisign_suffix);
        comment = arena_printf(arena, "hamedic plan, approved by %s", operator_name);
    }
    if (minisign_sign(plan_bytes, secret, comment, arena, &text, err) < 0 ||
        file_put(plan_dir, file, span_of(text), 0644, err) < 0)
        return err_wrap(err, "cannot sign '%s'", plan_name);
    *out_file = file;
    return 0;
}
