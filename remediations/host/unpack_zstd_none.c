/* Stands in for unpack_zstd.c where libzstd is missing. */
#include "remediations/host/unpack.h"

static void *zstd_begin(struct err *err)
{
    (void)err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libzstd");
    return NULL;
}

static int zstd_step(void *state, struct unpack_io *io, enum unpack_result *out_result,
                     struct err *err)
{
    (void)state, (void)io, (void)out_result;
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libzstd");
}

static void zstd_end(void *state)
{
    (void)state;
}

static const struct unpack_format format = {zstd_begin, zstd_step, zstd_end};

const struct unpack_format *unpack_zstd_format(void)
{
    return &format;
}
