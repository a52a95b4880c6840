/* host/semanage_store: an opened policy store, for semanage (store and transaction) and semanage_records (what is in it).
 * Owns:    its arena owns what is expected; the handle is semanage's.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SEMANAGE_STORE_H
#define HAMEDIC_REMEDIATIONS_HOST_SEMANAGE_STORE_H

#include "remediations/host/semanage.h"
#include "remediations/host/semanage_condition.h"

/* What a commit has to have done, asked of a fresh handle afterwards. */
struct semanage_expectation {
    const char *boolean; /* NULL: it is about a port */
    const char *protocol;
    uint32_t port;
    const char *type; /* NULL: no local record */
    bool local;
    bool on;
};

struct semanage {
    struct arena *arena;
    const struct host *host;
    struct semanage_paths paths;
    struct semanage_handle *handle; /* NULL: lost when a commit failed */
    bool begun;
    uint64_t begun_on;
    struct semanage_expectation *expected;
    size_t expected_count;
    char said[ERR_TEXT_SIZE]; /* libsemanage's own words: the first error since they were last
                                 cleared */
};

/* An error with libsemanage's own words for the last thing that it was asked. */
int semanage_store_fail(struct semanage *store, struct err *err, const char *what);
/* For who found nothing in it: of a store that lost its `active` since it was opened libsemanage says that it is empty,
 * and calls that a success. */
MUST_CHECK int semanage_store_require_present(const struct semanage *store, struct err *err);
MUST_CHECK int semanage_store_require_transaction(const struct semanage *store, struct err *err);

/* Whether the store is as it was staged. */
MUST_CHECK int semanage_records_expect(struct semanage *store,
                                       const struct semanage_expectation *wanted, struct err *err);

#endif
