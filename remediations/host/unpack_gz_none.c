/* Stands in for unpack_gz.c where zlib is missing. */
#include "remediations/host/unpack.h"

static void *gz_begin(struct err *err)
{
    (void)err_set(err, ERR_UNSUPPORTED, "this hamedic was built without zlib");
    return NULL;
}

static int gz_step(void *state, struct unpack_io *io, enum unpack_result *out_result,
                   struct err *err)
{
    (void)state, (void)io, (void)out_result;
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without zlib");
}

static void gz_end(void *state)
{
    (void)state;
}

static const struct unpack_format format = {gz_begin, gz_step, gz_end};

const struct unpack_format *unpack_gz_format(void)
{
    return &format;
}
