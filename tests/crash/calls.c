#include "tests/crash/calls.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

/* Where a call's path stands among its arguments. */
enum shape {
    SHAPE_FD,        /* a descriptor, first */
    SHAPE_BYTES,     /* the same, and bytes second, their number third */
    SHAPE_PATH,      /* a path, first */
    SHAPE_AT,        /* a directory and a path; without a path the descriptor itself */
    SHAPE_PATHS,     /* two paths */
    SHAPE_ATS,       /* twice a directory and a path */
    SHAPE_AT_THIRD,  /* symlinkat: a directory second, a path third */
    SHAPE_OUT_THIRD, /* copy_file_range: the written descriptor is the third */
    SHAPE_NONE,
};

static const struct row {
    long number;
    const char *kind;
    enum shape shape;
} rows[] = {
    {SYS_write, "write", SHAPE_BYTES},       {SYS_pwrite64, "write", SHAPE_BYTES},
    {SYS_writev, "write", SHAPE_FD},         {SYS_pwritev, "write", SHAPE_FD},
    {SYS_pwritev2, "write", SHAPE_FD},       {SYS_ftruncate, "write", SHAPE_FD},
    {SYS_truncate, "write", SHAPE_PATH},     {SYS_fallocate, "write", SHAPE_FD},
    {SYS_sendfile, "write", SHAPE_FD},       {SYS_copy_file_range, "write", SHAPE_OUT_THIRD},
    {SYS_fchmod, "meta", SHAPE_FD},          {SYS_fchown, "meta", SHAPE_FD},
    {SYS_fsetxattr, "meta", SHAPE_FD},       {SYS_fremovexattr, "meta", SHAPE_FD},
    {SYS_chmod, "meta", SHAPE_PATH},         {SYS_chown, "meta", SHAPE_PATH},
    {SYS_lchown, "meta", SHAPE_PATH},        {SYS_setxattr, "meta", SHAPE_PATH},
    {SYS_lsetxattr, "meta", SHAPE_PATH},     {SYS_removexattr, "meta", SHAPE_PATH},
    {SYS_utime, "meta", SHAPE_PATH},         {SYS_utimes, "meta", SHAPE_PATH},
    {SYS_fchmodat, "meta", SHAPE_AT},        {SYS_fchownat, "meta", SHAPE_AT},
    {SYS_utimensat, "meta", SHAPE_AT},       {SYS_fsync, "sync", SHAPE_FD},
    {SYS_fdatasync, "sync", SHAPE_FD},       {SYS_syncfs, "syncfs", SHAPE_FD},
    {SYS_sync, "syncfs", SHAPE_NONE},        {SYS_open, "open", SHAPE_PATH},
    {SYS_creat, "open", SHAPE_PATH},         {SYS_openat, "open", SHAPE_AT},
    {SYS_openat2, "open", SHAPE_AT},         {SYS_mkdir, "make", SHAPE_PATH},
    {SYS_mkdirat, "make", SHAPE_AT},         {SYS_mknod, "make", SHAPE_PATH},
    {SYS_mknodat, "make", SHAPE_AT},         {SYS_symlink, "make", SHAPE_PATHS},
    {SYS_symlinkat, "make", SHAPE_AT_THIRD}, {SYS_link, "link", SHAPE_PATHS},
    {SYS_linkat, "link", SHAPE_ATS},         {SYS_unlink, "remove", SHAPE_PATH},
    {SYS_rmdir, "remove", SHAPE_PATH},       {SYS_unlinkat, "remove", SHAPE_AT},
    {SYS_rename, "rename", SHAPE_PATHS},     {SYS_renameat, "rename", SHAPE_ATS},
    {SYS_renameat2, "rename", SHAPE_ATS},    {SYS_fork, "child", SHAPE_NONE},
    {SYS_vfork, "child", SHAPE_NONE},        {SYS_clone, "child", SHAPE_NONE},
    {SYS_clone3, "child", SHAPE_NONE},
};

static const long never_fail[] = {
    SYS_getpid,  SYS_gettid, SYS_getppid, SYS_getuid,     SYS_geteuid,      SYS_getgid,
    SYS_getegid, SYS_umask,  SYS_exit,    SYS_exit_group, SYS_rt_sigreturn,
};

static const struct row *find(long number)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].number == number)
            return &rows[i];
    return NULL;
}

bool call_can_fail(long number)
{
    for (size_t i = 0; i < sizeof never_fail / sizeof *never_fail; i++)
        if (never_fail[i] == number)
            return false;
    return true;
}

bool call_syncs(const struct call *call)
{
    return call->number == SYS_fsync || call->number == SYS_fdatasync || call->number == SYS_syncfs;
}

/* ---- the process's memory and descriptors ---- */

/* Never across the end of a page: what follows may not be there. */
static size_t peek_page(pid_t pid, uint64_t address, void *bytes, size_t len)
{
    uint64_t page = 4096 - address % 4096;
    const struct iovec to = {bytes, len < page ? len : (size_t)page};
    const struct iovec from = {(void *)(uintptr_t)address, to.iov_len};
    ssize_t got = process_vm_readv(pid, &to, 1, &from, 1, 0);

    return got < 0 ? 0 : (size_t)got;
}

static size_t peek(pid_t pid, uint64_t address, void *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        size_t got = peek_page(pid, address + done, (char *)bytes + done, len - done);
        if (got == 0)
            break;
        done += got;
    }
    return done;
}

static void peek_string(pid_t pid, uint64_t address, char *string, size_t size)
{
    size_t len = 0;

    string[0] = '\0';
    while (len < size - 1) {
        size_t got = peek_page(pid, address + len, string + len, size - 1 - len);
        if (got == 0 || memchr(string + len, '\0', got) != NULL)
            return;
        len += got;
        string[len] = '\0';
    }
}

static void path_of_fd(pid_t pid, int fd, char *path, size_t size)
{
    char link[64];

    (void)snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/%d/cwd" : "/proc/%d/fd/%d", (int)pid,
                   fd);
    ssize_t len = readlink(link, path, size - 1);
    if (len < 0)
        (void)snprintf(path, size, "?");
    else
        path[len] = '\0';
}

static void path_at(pid_t pid, int dir, uint64_t address, char *path, size_t size)
{
    char name[PATH_MAX], base[PATH_MAX];

    if (address == 0) {
        path_of_fd(pid, dir, path, size);
        return;
    }
    peek_string(pid, address, name, sizeof name);
    if (name[0] == '/' && dir == AT_FDCWD) {
        (void)snprintf(path, size, "%s", name);
        return;
    }
    path_of_fd(pid, dir, base, sizeof base);
    const char *rest = name[0] == '/' ? name + 1 : name; /* openat2 inside a root */
    (void)snprintf(path, size, rest[0] == '\0' ? "%s%s" : "%s/%s", base, rest);
}

/* ---- one call ---- */

static void describe_paths(pid_t pid, enum shape shape, struct call *call)
{
    const uint64_t *args = call->args;

    switch (shape) {
    case SHAPE_FD:
    case SHAPE_BYTES:
        path_of_fd(pid, (int)args[0], call->path, sizeof call->path);
        break;
    case SHAPE_OUT_THIRD:
        path_of_fd(pid, (int)args[2], call->path, sizeof call->path);
        break;
    case SHAPE_PATH:
        path_at(pid, AT_FDCWD, args[0], call->path, sizeof call->path);
        break;
    case SHAPE_AT:
        path_at(pid, (int)args[0], args[1], call->path, sizeof call->path);
        break;
    case SHAPE_AT_THIRD:
        path_at(pid, (int)args[1], args[2], call->path, sizeof call->path);
        break;
    case SHAPE_PATHS:
        path_at(pid, AT_FDCWD, args[0], call->path, sizeof call->path);
        path_at(pid, AT_FDCWD, args[1], call->other, sizeof call->other);
        break;
    case SHAPE_ATS:
        path_at(pid, (int)args[0], args[1], call->path, sizeof call->path);
        path_at(pid, (int)args[2], args[3], call->other, sizeof call->other);
        break;
    case SHAPE_NONE:
        break;
    }
}

static uint64_t open_flags(pid_t pid, const struct call *call)
{
    uint64_t flags = 0;

    switch (call->number) {
    case SYS_creat:
        return O_CREAT | O_TRUNC;
    case SYS_open:
        return call->args[1];
    case SYS_openat2: /* struct open_how begins with them */
        (void)peek(pid, call->args[2], &flags, sizeof flags);
        return flags;
    default:
        return call->args[2];
    }
}

static void describe_open(pid_t pid, struct call *call)
{
    uint64_t flags = open_flags(pid, call);
    struct stat st;
    bool exists = lstat(call->path, &st) == 0;

    if ((flags & O_CREAT) != 0 && !exists)
        call->kind = "make";
    else if ((flags & O_TRUNC) != 0 && exists)
        call->kind = "write";
    else
        call->kind = "-";
}

static void escape(const char *bytes, size_t len, char *out, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < len && at + 5 < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte < ' ' || byte > '~' || byte == '\\')
            at += (size_t)snprintf(out + at, size - at, "\\x%02x", byte);
        else
            out[at++] = (char)byte;
    }
    out[at] = '\0';
}

void call_describe(pid_t pid, struct call *call)
{
    const struct row *row = find(call->number);
    char bytes[160];

    call->kind = call_can_fail(call->number) ? "-" : "sure";
    if (row == NULL)
        return;
    call->kind = row->kind;
    describe_paths(pid, row->shape, call);
    if (row->shape == SHAPE_BYTES) {
        size_t len = call->args[2] < sizeof bytes ? (size_t)call->args[2] : sizeof bytes;
        escape(bytes, peek(pid, call->args[1], bytes, len), call->detail, sizeof call->detail);
    }
    if (strcmp(row->kind, "open") == 0)
        describe_open(pid, call);
    if (call->number == SYS_renameat2 && (call->args[4] & RENAME_EXCHANGE) != 0)
        call->kind = "swap";
}

void call_print(FILE *file, long n, const struct call *call, int64_t result)
{
    char path[PATH_MAX * 2], other[PATH_MAX * 2];

    escape(call->path, strlen(call->path), path, sizeof path);
    escape(call->other, strlen(call->other), other, sizeof other);
    (void)fprintf(file, "%ld\t%ld\t%" PRId64 "\t%s\t%s\t%s\t%s\n", n, call->number, result,
                  call->kind, path, other, call->detail);
}
