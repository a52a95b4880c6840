/* host/unpack: the bytes of a file that may be compressed, in the order they were written. Each of
 * unpack_gz.c (zlib), unpack_zstd.c (libzstd) and unpack_xz.c (liblzma) is its library's only user.
 * Use:     unpack_open(fd, name, &unpack, err) ... unpack_read(unpack, buffer, room, &len, err)
 *          until len is 0 ... unpack_close(unpack);
 * Shapes:  the first bytes tell the kind, never the name; what is not compressed comes as it is.
 *          fd may be a pipe. Members and frames that follow each other are one stream. Memory is
 *          some 200 KiB and the window that the stream asks for, at most UNPACK_WINDOW_MAX.
 * Owns:    fd stays the caller's, open as long as this is. `name` is copied.
 * Errors:  ERR_INPUT where the stream is damaged, ends in the middle (each says where), asks for
 *          more memory than the bound, or becomes more than UNPACK_FREE_MAX and UNPACK_RATIO_MAX
 *          times its size; ERR_UNSUPPORTED without the library; ERR_SYS. What came before is given
 *          out first, and each further read tells the same error again.
 * Source:  RFC 1952 (gzip 2.3.1: ID1, ID2), RFC 8878 (zstd 3.1.1), the .xz format 1.2.0 (2.1.1.1);
 *          zlib 1.2.13, libzstd 1.5.4, liblzma 5.4.1.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_UNPACK_H
#define HAMEDIC_REMEDIATIONS_HOST_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plans/base/err.h"

enum {
    UNPACK_WINDOW_LOG = 27, /* what zstd's and xz's own programs write at their highest levels */
    UNPACK_RATIO_MAX = 250, /* logs come to 10 to 40 times their compressed size */
};
#define UNPACK_WINDOW_MAX ((uint64_t)1 << UNPACK_WINDOW_LOG)
#define UNPACK_FREE_MAX   ((uint64_t)1 << 30) /* bytes that are given out whatever the ratio */

enum unpack_kind { UNPACK_PLAIN, UNPACK_GZIP, UNPACK_ZSTD, UNPACK_XZ };

struct unpack;

MUST_CHECK int unpack_open(int fd, const char *name, struct unpack **out_unpack, struct err *err);
/* At most `room` bytes; *out_len 0 only at the end. */
MUST_CHECK int unpack_read(struct unpack *unpack, void *buffer, size_t room, size_t *out_len,
                           struct err *err);
void unpack_close(struct unpack *unpack);
enum unpack_kind unpack_kind(const struct unpack *unpack);
/* "gzip", "zstd", "xz"; "" for plain. */
const char *unpack_kind_word(enum unpack_kind kind);
/* Bytes of the file that were taken so far. */
uint64_t unpack_offset(const struct unpack *unpack);

static inline void unpack_cleanup(struct unpack **unpack)
{
    if (*unpack != NULL)
        unpack_close(*unpack);
}
#define CLEANUP_UNPACK __attribute__((cleanup(unpack_cleanup)))

/* ---- what one compressed format does; unpack.c is the only caller ---- */

struct unpack_io {
    const unsigned char *in;
    size_t in_len;
    bool in_ended; /* nothing follows in_len */
    unsigned char *out;
    size_t out_room;
};
/* MORE: give more input or room. AT_END: a member or frame is complete, and the stream may end. */
enum unpack_result { UNPACK_MORE, UNPACK_AT_END };
struct unpack_format {
    /* NULL with *err set where the library is missing or has no memory. */
    void *(*begin)(struct err *err);
    /* Takes from the front of `in` and fills the front of `out`, moving both. err: what is wrong
     * with the stream, as "what", without its name. */
    int (*step)(void *state, struct unpack_io *io, enum unpack_result *out_result, struct err *err);
    void (*end)(void *state);
};
const struct unpack_format *unpack_gz_format(void);
const struct unpack_format *unpack_zstd_format(void);
const struct unpack_format *unpack_xz_format(void);

#endif
