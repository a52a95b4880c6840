/* Stands in for journald.c where hamedic was built without libsystemd. */
#include "remediations/host/journald.h"

int journald_read(const struct journald_files *files, const struct journald_query *query,
                  struct arena *arena, struct journald_list *out_list, struct err *err)
{
    (void)files;
    (void)query;
    (void)arena;
    (void)out_list;
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libsystemd");
}
