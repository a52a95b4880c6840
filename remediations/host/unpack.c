#include "remediations/host/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_SIZE = 128 * 1024, FIRST_SIZE = 4 * 1024, MAGIC_MAX = 6 };

struct unpack {
    int fd;
    char *name;
    enum unpack_kind kind;
    const struct unpack_format *format; /* NULL: plain */
    void *state;
    uint64_t taken, given; /* bytes of the file, bytes given out */
    size_t start, end;     /* of what waits in `input` */
    bool at_end_of_file;
    bool may_end; /* the last member is complete */
    struct err failed;
    unsigned char input[INPUT_SIZE];
};

static const struct {
    enum unpack_kind kind;
    size_t len;
    unsigned char magic[MAGIC_MAX];
    const char *word;
    const struct unpack_format *(*format)(void);
} kinds[] = {
    {UNPACK_GZIP, 2, {0x1f, 0x8b}, "gzip", unpack_gz_format},
    {UNPACK_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}, "zstd", unpack_zstd_format},
    {UNPACK_XZ, 6, {0xfd, '7', 'z', 'X', 'Z', 0}, "xz", unpack_xz_format},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

const char *unpack_kind_word(enum unpack_kind kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].word;
    return "";
}

enum unpack_kind unpack_kind(const struct unpack *unpack)
{
    return unpack->kind;
}

uint64_t unpack_offset(const struct unpack *unpack)
{
    return unpack->taken;
}

static int read_some(const struct unpack *unpack, void *buffer, size_t room, size_t *out_len,
                     struct err *err)
{
    ssize_t got;

    do
        got = read(unpack->fd, buffer, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_sys(err, errno, "cannot read '%s'", unpack->name);
    *out_len = (size_t)got;
    return 0;
}

/* At least `least` bytes wait in `input`, or all that the file still has, and at most `most`. */
static int fill(struct unpack *unpack, size_t least, size_t most, struct err *err)
{
    if (unpack->start > 0) {
        memmove(unpack->input, unpack->input + unpack->start, unpack->end - unpack->start);
        unpack->end -= unpack->start;
        unpack->start = 0;
    }
    while (unpack->end < least && !unpack->at_end_of_file) {
        size_t got;
        if (read_some(unpack, unpack->input + unpack->end, most - unpack->end, &got, err) < 0)
            return -1;
        unpack->at_end_of_file = got == 0;
        unpack->end += got;
    }
    return 0;
}

static int tell_kind(struct unpack *unpack, struct err *err)
{
    /* Of a file that is not packed the rest is better read to where it is wanted. */
    if (fill(unpack, MAGIC_MAX, FIRST_SIZE, err) < 0)
        return -1;
    for (size_t i = 0; i < KINDS; i++) {
        if (unpack->end < kinds[i].len || memcmp(unpack->input, kinds[i].magic, kinds[i].len) != 0)
            continue;
        unpack->kind = kinds[i].kind;
        unpack->format = kinds[i].format();
        unpack->state = unpack->format->begin(err);
        if (unpack->state == NULL)
            return err_wrap(err, "cannot unpack '%s' (%s)", unpack->name, kinds[i].word);
    }
    return 0;
}

int unpack_open(int fd, const char *name, struct unpack **out_unpack, struct err *err)
{
    char *copy = strdup(name);
    struct unpack *unpack CLEANUP_UNPACK = copy == NULL ? NULL : calloc(1, sizeof *unpack);

    if (unpack == NULL) {
        free(copy);
        return err_sys(err, ENOMEM, "cannot unpack '%s'", name);
    }
    unpack->fd = fd;
    unpack->name = copy;
    if (tell_kind(unpack, err) < 0)
        return -1;
    *out_unpack = unpack;
    unpack = NULL;
    return 0;
}

void unpack_close(struct unpack *unpack)
{
    if (unpack->state != NULL)
        unpack->format->end(unpack->state);
    free(unpack->name);
    free(unpack);
}

static int read_plain(struct unpack *unpack, void *buffer, size_t room, size_t *out_len,
                      struct err *err)
{
    size_t waiting = unpack->end - unpack->start;

    if (waiting == 0)
        return read_some(unpack, buffer, room, out_len, err);
    *out_len = waiting < room ? waiting : room;
    memcpy(buffer, unpack->input + unpack->start, *out_len);
    unpack->start += *out_len;
    return 0;
}

static int check_growth(const struct unpack *unpack, struct err *err)
{
    uint64_t most = UNPACK_FREE_MAX + unpack->taken * UNPACK_RATIO_MAX;

    if (unpack->given <= most)
        return 0;
    return err_set(err, ERR_INPUT,
                   "it becomes more than %d times its size (%ju bytes so far): not read further",
                   UNPACK_RATIO_MAX, (uintmax_t)unpack->given);
}

/* Zero bytes in *out_len only at the end, or where the stream is wrong. */
static int unpack_some(struct unpack *unpack, unsigned char *buffer, size_t room, size_t *out_len,
                       struct err *err)
{
    *out_len = 0;
    while (*out_len == 0) {
        enum unpack_result result = UNPACK_MORE;
        if (unpack->start == unpack->end && fill(unpack, 1, INPUT_SIZE, err) < 0)
            return -1;
        if (unpack->start == unpack->end && unpack->may_end)
            return 0;
        struct unpack_io io = {
            .in = unpack->input + unpack->start,
            .in_len = unpack->end - unpack->start,
            .in_ended = unpack->at_end_of_file,
            .out = buffer,
            .out_room = room,
        };
        int stepped = unpack->format->step(unpack->state, &io, &result, err);
        size_t taken = unpack->end - unpack->start - io.in_len;
        *out_len = room - io.out_room;
        unpack->start += taken;
        unpack->taken += taken;
        unpack->given += *out_len;
        if (stepped < 0)
            return -1;
        unpack->may_end = result == UNPACK_AT_END;
        if (taken == 0 && *out_len == 0 && !unpack->may_end)
            return err_set(err, ERR_INPUT, "%s",
                           unpack->at_end_of_file ? "it ends in the middle" : "it is damaged");
    }
    return check_growth(unpack, err);
}

int unpack_read(struct unpack *unpack, void *buffer, size_t room, size_t *out_len, struct err *err)
{
    if (unpack->format == NULL) {
        if (read_plain(unpack, buffer, room, out_len, err) < 0)
            return -1;
        unpack->taken += *out_len;
        return 0;
    }
    if (unpack->failed.kind == ERR_NONE) {
        if (unpack_some(unpack, buffer, room, out_len, &unpack->failed) == 0)
            return 0;
        if (unpack->failed.kind != ERR_SYS)
            (void)err_wrap(&unpack->failed, "'%s' (%s) at byte %ju", unpack->name,
                           unpack_kind_word(unpack->kind), (uintmax_t)unpack->taken);
        if (*out_len > 0)
            return 0; /* what came before it; the next read tells */
    }
    *err = unpack->failed;
    return -1;
}
