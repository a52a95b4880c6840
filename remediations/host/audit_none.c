/* Stands in for audit.c where libauparse is missing. */
#include "remediations/host/audit.h"

static int say_unsupported(struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libauparse");
}

int audit_parse(struct span log, const char *program, const char *node, struct arena *arena,
                struct denials *out_denials, struct err *err)
{
    (void)log, (void)program, (void)node, (void)arena, (void)out_denials;
    return say_unsupported(err);
}

int audit_read(const struct host *host, const char *program, const char *node, struct arena *arena,
               struct denials *out_denials, struct err *err)
{
    (void)host, (void)program, (void)node, (void)arena, (void)out_denials;
    return say_unsupported(err);
}
