/* plans/codec: a plan and its file, a diagnosis and its JSON.
 * Use:     text = codec_write_plan(plan, arena);  codec_read_plan(bytes, arena, &plan, err)
 * Shapes:  pretty-printed JSON, printable ASCII and LF, deterministic (fixed key order); described
 *          by plans/plan.schema.json. The digest of these very bytes is what is signed.
 * Owns:    results live in the arena.
 * Errors:  ERR_INPUT with the path inside the document. The reader is strict: a byte outside
 *          0x20..0x7e and LF, duplicate or unknown keys, wrong types, over-long strings, depth,
 *          size, a kind that does not match its address, an id that is not 32 hex digits are all
 *          errors. What codec_write_plan wrote is read back to the same plan, and written again to
 *          the same bytes.
 */
#ifndef HAMEDIC_PLANS_CODEC_H
#define HAMEDIC_PLANS_CODEC_H

#include "plans/plan.h"

struct json;

struct span codec_write_plan(const struct plan *plan, struct arena *arena);
MUST_CHECK int codec_read_plan(struct span bytes, struct arena *arena, struct plan *out_plan,
                               struct err *err);

/* What `diagnose` found, as its --json. */
struct diagnosis {
    const char *host;
    const char *haproxy; /* version or NULL */
    bool running;
    bool tree;                            /* a tree of files was looked at: nothing that runs */
    int64_t frontends, backends, servers; /* of the configuration */
    int64_t time;
    struct finding *findings;
    size_t finding_count;
    struct strings not_checked;
    struct diagnosis_source {
        const char *name;
        const char *state;  /* "ok", "absent", "failed" */
        const char *reason; /* NULL where ok */
        int64_t milliseconds;
    } * sources;
    size_t source_count;
};
const char *codec_write_diagnosis(const struct diagnosis *diagnosis, struct arena *arena);

#endif
