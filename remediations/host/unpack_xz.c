/* The only user of liblzma. */
#include "remediations/host/unpack.h"

#include <lzma.h>
#include <stdlib.h>

static void *xz_begin(struct err *err)
{
    lzma_stream *stream = calloc(1, sizeof *stream);

    if (stream != NULL &&
        lzma_stream_decoder(stream, UNPACK_WINDOW_MAX, LZMA_CONCATENATED) == LZMA_OK)
        return stream;
    free(stream);
    (void)err_set(err, ERR_SYS, "no memory");
    return NULL;
}

static void xz_end(void *state)
{
    lzma_end(state);
    free(state);
}

static const char *word_of(lzma_ret result)
{
    if (result == LZMA_MEMLIMIT_ERROR)
        return "it asks for more than 128 MiB of memory";
    if (result == LZMA_BUF_ERROR)
        return "it ends in the middle";
    if (result == LZMA_OPTIONS_ERROR)
        return "it is damaged, or needs a newer liblzma";
    return "it is damaged";
}

static int xz_step(void *state, struct unpack_io *io, enum unpack_result *out_result,
                   struct err *err)
{
    lzma_stream *stream = state;

    stream->next_in = io->in;
    stream->avail_in = io->in_len;
    stream->next_out = io->out;
    stream->avail_out = io->out_room;
    /* Streams may follow each other, so that only the end of the file ends the last one. */
    lzma_ret result = lzma_code(stream, io->in_ended ? LZMA_FINISH : LZMA_RUN);
    io->in = stream->next_in;
    io->in_len = stream->avail_in;
    io->out = stream->next_out;
    io->out_room = stream->avail_out;
    if (result != LZMA_OK && result != LZMA_STREAM_END)
        return err_set(err, ERR_INPUT, "%s", word_of(result));
    *out_result = result == LZMA_STREAM_END ? UNPACK_AT_END : UNPACK_MORE;
    return 0;
}

static const struct unpack_format format = {xz_begin, xz_step, xz_end};

const struct unpack_format *unpack_xz_format(void)
{
    return &format;
}
