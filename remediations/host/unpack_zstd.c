/* The only user of libzstd. */
#include "remediations/host/unpack.h"

#include <stdlib.h>
#include <zstd.h>

static void *zstd_begin(struct err *err)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();

    if (context != NULL &&
        ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, UNPACK_WINDOW_LOG)) == 0)
        return context;
    (void)ZSTD_freeDCtx(context);
    (void)err_set(err, ERR_SYS, "no memory");
    return NULL;
}

static void zstd_end(void *state)
{
    (void)ZSTD_freeDCtx(state);
}

static int zstd_step(void *state, struct unpack_io *io, enum unpack_result *out_result,
                     struct err *err)
{
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_room, 0};
    size_t result = ZSTD_decompressStream(state, &out, &in);

    io->in += in.pos, io->in_len -= in.pos;
    io->out += out.pos, io->out_room -= out.pos;
    if (ZSTD_isError(result) != 0)
        return err_set(err, ERR_INPUT, "it is damaged: %s", ZSTD_getErrorName(result));
    *out_result = result == 0 ? UNPACK_AT_END : UNPACK_MORE;
    return 0;
}

static const struct unpack_format format = {zstd_begin, zstd_step, zstd_end};

const struct unpack_format *unpack_zstd_format(void)
{
    return &format;
}
