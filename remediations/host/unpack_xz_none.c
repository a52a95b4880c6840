/* Stands in for unpack_xz.c where liblzma is missing. */
#include "remediations/host/unpack.h"

static void *xz_begin(struct err *err)
{
    (void)err_set(err, ERR_UNSUPPORTED, "this hamedic was built without liblzma");
    return NULL;
}

static int xz_step(void *state, struct unpack_io *io, enum unpack_result *out_result,
                   struct err *err)
{
    (void)state, (void)io, (void)out_result;
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without liblzma");
}

static void xz_end(void *state)
{
    (void)state;
}

static const struct unpack_format format = {xz_begin, xz_step, xz_end};

const struct unpack_format *unpack_xz_format(void)
{
    return &format;
}
