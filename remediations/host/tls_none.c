#include "remediations/host/tls.h"

int tls_new(int fd, const struct tls_wish *wish, struct tls **out_tls, struct err *err)
{
    (void)fd;
    (void)wish;
    (void)out_tls;
    return err_set(err, ERR_UNSUPPORTED, "this build has no OpenSSL");
}

enum tls_step tls_shake(struct tls *tls)
{
    (void)tls;
    return TLS_STEP_FAILED;
}

enum tls_result tls_outcome(const struct tls *tls, struct arena *arena, const char **out_text)
{
    (void)tls;
    (void)arena;
    *out_text = NULL;
    return TLS_RESULT_FAILED;
}

enum tls_step tls_send(struct tls *tls, struct span bytes, size_t *out_len)
{
    (void)tls;
    (void)bytes;
    *out_len = 0;
    return TLS_STEP_FAILED;
}

enum tls_step tls_receive(struct tls *tls, char *buffer, size_t room, size_t *out_len)
{
    (void)tls;
    (void)buffer;
    (void)room;
    *out_len = 0;
    return TLS_STEP_FAILED;
}

void tls_free(struct tls *tls)
{
    (void)tls;
}
