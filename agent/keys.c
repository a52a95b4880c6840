#include "agent/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/prompt.h"
#include "agent/transaction/ledger.h"
#include "plans/base/file.h"

static int check_secret_file(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(err, ERR_INPUT, "'%s' belongs to uid %u: expected root", path, st.st_uid);
    if ((st.st_mode & 077) != 0)
        return err_set(err, ERR_INPUT, "'%s' may be read by others (mode %04o): expected 0600",
                       path, st.st_mode & 07777u);
    return 0;
}

int keys_load_agent(const struct host *host, bool *out_exists, struct minisign_secret *out_secret,
                    struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span text;
    int fd CLEANUP_FD = -1;

    *out_exists = false;
    if (host_open_path(host, AGENT_KEY_FILE, O_RDONLY | O_NOFOLLOW, &fd, err) < 0)
        return err->kind == ERR_SYS && err->sys == ENOENT ? 0 : -1;
    if (check_secret_file(fd, AGENT_KEY_FILE, err) < 0 ||
        file_read_fd(fd, AGENT_KEY_FILE, MINISIGN_FILE_MAX, arena, &text, err) < 0)
        return -1;
    if (minisign_parse_secret(text, NULL, out_secret, err) < 0)
        return err_wrap(err, "'%s'", AGENT_KEY_FILE);
    *out_exists = true;
    return 0;
}

/* Both files or none, and never over one that is there. */
static int write_pair(int dir, const char *key_name, const char *public_name,
                      const struct minisign_secret *secret, const char *passphrase,
                      struct minisign_public *out_public, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const char *text;

    if (faccessat(dir, key_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
        faccessat(dir, public_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(err, ERR_INPUT, "'%s' or '%s' exists already: a key is never overwritten",
                       key_name, public_name);
    if (minisign_write_secret(secret, passphrase, arena, &text, err) < 0 ||
        file_create(dir, key_name, span_of(text), 0600, err) < 0)
        return -1;
    minisign_public_of(secret, out_public);
    const char *public_text = minisign_write_public(out_public, arena);
    if (file_create(dir, public_name, span_of(public_text), 0644, err) < 0) {
        (void)unlinkat(dir, key_name, 0);
        return -1;
    }
    return 0;
}

int keys_make_agent(const struct host *host, struct minisign_public *out_public, struct err *err)
{
    struct minisign_secret secret;
    int dir CLEANUP_FD = -1;
    const char *name;

    if (host_open_parent(host, AGENT_KEY_FILE, true, &dir, &name, err) < 0)
        return -1;
    minisign_generate(&secret);
    int done =
        write_pair(dir, name, strrchr(AGENT_PUBLIC_FILE, '/') + 1, &secret, NULL, out_public, err);
    minisign_wipe(&secret);
    if (done < 0)
        return err_wrap(err, "in /etc/hamedic");
    return ledger_make_lineage(host, err);
}

int keys_make_operator(const char *base, const char *passphrase, struct minisign_public *out_public,
                       struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct minisign_secret secret;

    minisign_generate(&secret);
    int done =
        write_pair(AT_FDCWD, arena_printf(arena, "%s.key", base),
                   arena_printf(arena, "%s.pub", base), &secret, passphrase, out_public, err);
    minisign_wipe(&secret);
    return done;
}

int keys_load_operator(const char *path, struct minisign_secret *out_secret, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const char *passphrase = NULL;
    struct span text;
    bool encrypted;
    int fd CLEANUP_FD = -1;

    if (file_open(AT_FDCWD, path, &fd, err) < 0 || check_secret_file(fd, path, err) < 0 ||
        file_read_fd(fd, path, MINISIGN_FILE_MAX, arena, &text, err) < 0)
        return -1;
    if (minisign_secret_is_encrypted(text, &encrypted, err) < 0)
        return err_wrap(err, "'%s'", path);
    if (encrypted && prompt_ask(arena_printf(arena, "Passphrase of %s: ", path), true, arena,
                                &passphrase, err) < 0)
        return -1;
    if (minisign_parse_secret(text, passphrase, out_secret, err) < 0)
        return err_wrap(err, "'%s'", path);
    return 0;
}
