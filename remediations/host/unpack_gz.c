/* The only user of zlib. */
#include "remediations/host/unpack.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    WINDOW_BITS = 15 + 16
}; /* 16: a gzip header is expected, and its check is held against it */

struct gz {
    z_stream stream;
    bool between; /* a member is complete; the next byte, if there is one, begins another */
};

static void *gz_begin(struct err *err)
{
    struct gz *gz = calloc(1, sizeof *gz);

    if (gz != NULL && inflateInit2(&gz->stream, WINDOW_BITS) == Z_OK)
        return gz;
    free(gz);
    (void)err_set(err, ERR_SYS, "no memory");
    return NULL;
}

static void gz_end(void *state)
{
    struct gz *gz = state;

    (void)inflateEnd(&gz->stream);
    free(gz);
}

static uInt at_most(size_t len)
{
    return len > UINT_MAX ? UINT_MAX : (uInt)len;
}

/* zlib's own type has no const there; it only reads. */
static Bytef *unconst(const unsigned char *bytes)
{
    union {
        const unsigned char *in;
        Bytef *out;
    } pointer = {.in = bytes};

    return pointer.out;
}

static int gz_step(void *state, struct unpack_io *io, enum unpack_result *out_result,
                   struct err *err)
{
    struct gz *gz = state;

    /* gzip(1) writes zeros behind the last member on tapes, and reads over them. */
    while (gz->between && io->in_len > 0 && *io->in == 0)
        io->in++, io->in_len--;
    if (gz->between && io->in_len == 0) {
        *out_result = UNPACK_AT_END;
        return 0;
    }
    if (gz->between && inflateReset(&gz->stream) != Z_OK)
        return err_set(err, ERR_INPUT, "zlib cannot go on");
    gz->between = false;

    uInt in = at_most(io->in_len), out = at_most(io->out_room);
    gz->stream.next_in = unconst(io->in);
    gz->stream.avail_in = in;
    gz->stream.next_out = io->out;
    gz->stream.avail_out = out;
    int result = inflate(&gz->stream, Z_NO_FLUSH);
    size_t taken = in - gz->stream.avail_in, given = out - gz->stream.avail_out;
    io->in += taken, io->in_len -= taken;
    io->out += given, io->out_room -= given;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return err_set(err, ERR_INPUT, "it is damaged: %s",
                       gz->stream.msg == NULL ? "zlib cannot read on" : gz->stream.msg);
    gz->between = result == Z_STREAM_END;
    *out_result = gz->between ? UNPACK_AT_END : UNPACK_MORE;
    return 0;
}

static const struct unpack_format format = {gz_begin, gz_step, gz_end};

const struct unpack_format *unpack_gz_format(void)
{
    return &format;
}
