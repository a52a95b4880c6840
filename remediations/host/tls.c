#include "remediations/host/tls.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"
#include "remediations/host/tls_name.h"

enum { TEXT_MAX = 160, AUTHORITIES_MAX = 512, NAMES_SHOWN_MAX = 4 };

/* OpenSSL is loaded when it is first needed: nearly no command speaks TLS, each start would cost some 140 page faults
 * more (perf stat -e page-faults), and what changes the host as root has no use for it. */
#define FUNCTIONS(F)                                                                               \
    F(ASN1_STRING_to_UTF8)                                                                         \
    F(ASN1_TIME_print)                                                                             \
    F(BIO_ctrl)                                                                                    \
    F(BIO_free)                                                                                    \
    F(BIO_new)                                                                                     \
    F(BIO_new_mem_buf)                                                                             \
    F(BIO_s_mem)                                                                                   \
    F(CRYPTO_free)                                                                                 \
    F(ERR_clear_error)                                                                             \
    F(ERR_error_string_n)                                                                          \
    F(ERR_get_error)                                                                               \
    F(ERR_reason_error_string)                                                                     \
    F(GENERAL_NAMES_free)                                                                          \
    F(OPENSSL_sk_num)                                                                              \
    F(OPENSSL_sk_value)                                                                            \
    F(PEM_read_bio_X509)                                                                           \
    F(SSL_CTX_free)                                                                                \
    F(SSL_CTX_get_cert_store)                                                                      \
    F(SSL_CTX_new)                                                                                 \
    F(SSL_CTX_set_verify)                                                                          \
    F(SSL_ctrl)                                                                                    \
    F(SSL_do_handshake)                                                                            \
    F(SSL_free)                                                                                    \
    F(SSL_get_error)                                                                               \
    F(SSL_get_peer_certificate)                                                                    \
    F(SSL_get_verify_result)                                                                       \
    F(SSL_new)                                                                                     \
    F(SSL_read)                                                                                    \
    F(SSL_set_connect_state)                                                                       \
    F(SSL_set_fd)                                                                                  \
    F(SSL_write)                                                                                   \
    F(TLS_client_method)                                                                           \
    F(X509_NAME_ENTRY_get_data)                                                                    \
    F(X509_NAME_get_entry)                                                                         \
    F(X509_NAME_get_index_by_NID)                                                                  \
    F(X509_STORE_add_cert)                                                                         \
    F(X509_cmp_current_time)                                                                       \
    F(X509_free)                                                                                   \
    F(X509_get0_notAfter)                                                                          \
    F(X509_get0_notBefore)                                                                         \
    F(X509_get_ext_d2i)                                                                            \
    F(X509_get_subject_name)                                                                       \
    F(X509_verify_cert_error_string)

/* A name may be a macro that stands for another one: it is expanded first. */
#define TEXT_OF(name)  TEXT_OF_(name)
#define TEXT_OF_(name) #name

/* What this was compiled for, and no other: types and numbers are those of its headers. */
#ifdef OPENSSL_SHLIB_VERSION
#define LIBRARY "libssl.so." TEXT_OF(OPENSSL_SHLIB_VERSION)
#else
#define LIBRARY "libssl.so." SHLIB_VERSION_NUMBER
#endif

static struct {
#define MEMBER(name) __typeof__(name) *name;
    FUNCTIONS(MEMBER)
} lib;
static bool is_loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    static const struct {
        const char *name;
        size_t offset;
    } functions[] = {
#define ROW(name) {TEXT_OF(name), offsetof(__typeof__(lib), name)},
        FUNCTIONS(ROW)};
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL); /* and libcrypto, which it needs */

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *function = handle == NULL ? NULL : dlsym(handle, functions[i].name);
        if (function == NULL)
            return;
        memcpy((char *)&lib + functions[i].offset, &function, sizeof function);
    }
    is_loaded = true;
}

struct tls {
    SSL_CTX *context;
    SSL *session;
    const struct tls_wish *wish;
    unsigned long error; /* the first of OpenSSL's, once the handshake failed */
    bool failed;
};

static int add_authorities(SSL_CTX *context, struct span trusted, struct err *err)
{
    X509_STORE *store = lib.SSL_CTX_get_cert_store(context);
    BIO *text = trusted.len > INT_MAX ? NULL : lib.BIO_new_mem_buf(trusted.ptr, (int)trusted.len);
    size_t count = 0;
    X509 *one;

    while (text != NULL && count < AUTHORITIES_MAX &&
           (one = lib.PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        count += lib.X509_STORE_add_cert(store, one) == 1 ? 1 : 0;
        lib.X509_free(one);
    }
    lib.BIO_free(text);
    lib.ERR_clear_error();
    return count > 0 ? 0 : err_set(err, ERR_INPUT, "no certificate is in the file of authorities");
}

/* What is wrong with it is read afterwards: the handshake goes on. */
static int take_any(int is_good, X509_STORE_CTX *store)
{
    (void)is_good;
    (void)store;
    return 1;
}

/* OpenSSL copies the name, but takes it as a pointer to what could be changed. */
static bool set_name(SSL *session, const char *name)
{
    char *copy = name == NULL ? NULL : strdup(name);
    bool done =
        name == NULL || (copy != NULL && lib.SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                                      TLSEXT_NAMETYPE_host_name, copy) == 1);

    free(copy);
    return done;
}

int tls_new(int fd, const struct tls_wish *wish, struct tls **out_tls, struct err *err)
{
    (void)pthread_once(&once, load);
    if (!is_loaded)
        return err_set(err, ERR_UNSUPPORTED, "%s is not here", LIBRARY);
    struct tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        return err_sys(err, ENOMEM, "cannot begin a TLS session");
    tls->context = lib.SSL_CTX_new(lib.TLS_client_method());
    if (tls->context != NULL)
        lib.SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, take_any);
    tls->wish = wish;
    if (tls->context != NULL && wish->trusted.len > 0 &&
        add_authorities(tls->context, wish->trusted, err) < 0) {
        tls_free(tls);
        return -1;
    }
    tls->session = tls->context != NULL ? lib.SSL_new(tls->context) : NULL;
    if (tls->session == NULL || lib.SSL_set_fd(tls->session, fd) != 1 ||
        !set_name(tls->session, wish->name)) {
        tls_free(tls);
        lib.ERR_clear_error();
        return err_set(err, ERR_UNSUPPORTED, "OpenSSL cannot be used here");
    }
    lib.SSL_set_connect_state(tls->session);
    *out_tls = tls;
    return 0;
}

static enum tls_step step_of(struct tls *tls, int result)
{
    switch (lib.SSL_get_error(tls->session, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_STEP_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_STEP_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_STEP_DONE;
    default:
        break;
    }
    tls->error = lib.ERR_get_error();
    lib.ERR_clear_error();
    return TLS_STEP_FAILED;
}

enum tls_step tls_shake(struct tls *tls)
{
    lib.ERR_clear_error();
    int result = lib.SSL_do_handshake(tls->session);
    if (result == 1)
        return TLS_STEP_DONE;
    enum tls_step step = step_of(tls, result);
    tls->failed = step == TLS_STEP_FAILED || step == TLS_STEP_DONE;
    return tls->failed ? TLS_STEP_FAILED : step;
}

/* "Jan  1 00:00:00 2026 GMT" */
static const char *time_text_of(const ASN1_TIME *time, struct arena *arena)
{
    BIO *text = lib.BIO_new(lib.BIO_s_mem());
    char *bytes = NULL;
    const char *result = NULL;

    if (text != NULL && lib.ASN1_TIME_print(text, time) == 1) {
        long len = lib.BIO_ctrl(text, BIO_CTRL_INFO, 0, &bytes);
        if (len > 0)
            result = escape_span(arena, (struct span){bytes, (size_t)len}, TEXT_MAX);
    }
    lib.BIO_free(text);
    return result;
}

static const char *valid_text(const X509 *certificate, struct arena *arena)
{
    const char *from = time_text_of(lib.X509_get0_notBefore(certificate), arena);
    const char *until = time_text_of(lib.X509_get0_notAfter(certificate), arena);

    return arena_printf(arena, "it is valid from %s until %s", from != NULL ? from : "?",
                        until != NULL ? until : "?");
}

/* Its names, each once, as far as they are shown; and whether the one that is wanted is among all. */
struct naming {
    const char *expected;
    const char *shown[NAMES_SHOWN_MAX];
    size_t count;
    bool is_met;
    struct arena *arena;
};

static void show_name(struct naming *naming, struct span name)
{
    const char *text = escape_span(naming->arena, name, TEXT_MAX);

    for (size_t i = 0; i < naming->count && i < NAMES_SHOWN_MAX; i++)
        if (strcmp(naming->shown[i], text) == 0)
            return;
    if (naming->count < NAMES_SHOWN_MAX)
        naming->shown[naming->count] = text;
    naming->count++;
}

static void take_name(struct naming *naming, const ASN1_STRING *string)
{
    unsigned char *bytes = NULL;
    int len = lib.ASN1_STRING_to_UTF8(&bytes, string);

    if (len < 0)
        return;
    struct span name = {(const char *)bytes, (size_t)len};
    naming->is_met = naming->is_met || tls_name_matches(name, span_of(naming->expected));
    show_name(naming, name);
    lib.CRYPTO_free(bytes, __FILE__, __LINE__);
}

static void take_names(struct naming *naming, const X509 *certificate)
{
    GENERAL_NAMES *others = lib.X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int count = others == NULL ? 0 : lib.OPENSSL_sk_num((const OPENSSL_STACK *)others);
    const X509_NAME *subject = lib.X509_get_subject_name(certificate);

    for (int i = 0; i < count; i++) {
        const GENERAL_NAME *name = lib.OPENSSL_sk_value((const OPENSSL_STACK *)others, i);
        if (name->type == GEN_DNS)
            take_name(naming, name->d.dNSName);
    }
    lib.GENERAL_NAMES_free(others);
    for (int i = -1; (i = lib.X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;)
        take_name(naming, lib.X509_NAME_ENTRY_get_data(lib.X509_NAME_get_entry(subject, i)));
}

/* NULL: it has the name; else "it names a.example, b.example and 3 more, not c.example". */
static const char *other_names(const X509 *certificate, const char *expected, struct arena *arena)
{
    struct naming naming = {.expected = expected, .arena = arena};
    struct text text = text_new(arena);

    take_names(&naming, certificate);
    if (naming.is_met)
        return NULL;
    text_add(&text, naming.count > 0 ? "it names " : "it names nobody");
    for (size_t i = 0; i < naming.count && i < NAMES_SHOWN_MAX; i++)
        text_addf(&text, "%s%s", i > 0 ? ", " : "", naming.shown[i]);
    if (naming.count > NAMES_SHOWN_MAX)
        text_addf(&text, " and %zu more", naming.count - NAMES_SHOWN_MAX);
    text_addf(&text, ", not %s", escape_string(arena, expected));
    return text_string(&text);
}

static enum tls_result judge(const struct tls *tls, struct arena *arena, const char **out_text)
{
    const struct tls_wish *wish = tls->wish;
    long verdict = lib.SSL_get_verify_result(tls->session);
    X509 *certificate = wish->is_verified ? lib.SSL_get_peer_certificate(tls->session) : NULL;
    enum tls_result result = TLS_RESULT_GOOD;

    if (certificate == NULL)
        return TLS_RESULT_GOOD;
    if (lib.X509_cmp_current_time(lib.X509_get0_notAfter(certificate)) < 0 ||
        lib.X509_cmp_current_time(lib.X509_get0_notBefore(certificate)) > 0) {
        *out_text = valid_text(certificate, arena);
        result = TLS_RESULT_NOT_VALID;
    } else if (wish->trusted.len > 0 && verdict != X509_V_OK) {
        *out_text = escape_string(arena, lib.X509_verify_cert_error_string(verdict));
        result = TLS_RESULT_NOT_TRUSTED;
    } else if (wish->expected != NULL) {
        *out_text = other_names(certificate, wish->expected, arena);
        result = *out_text != NULL ? TLS_RESULT_OTHER_NAME : TLS_RESULT_GOOD;
    }
    lib.X509_free(certificate);
    return result;
}

enum tls_result tls_outcome(const struct tls *tls, struct arena *arena, const char **out_text)
{
    char text[TEXT_MAX];

    *out_text = NULL;
    if (!tls->failed)
        return judge(tls, arena, out_text);
    int reason = ERR_GET_REASON(tls->error);
    if (ERR_GET_LIB(tls->error) == ERR_LIB_SSL &&
        (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
         reason == SSL_R_PACKET_LENGTH_TOO_LONG || reason == SSL_R_UNEXPECTED_MESSAGE))
        return TLS_RESULT_PLAIN;
    if (tls->error == 0) {
        *out_text = "the connection was closed";
    } else {
        const char *words = lib.ERR_reason_error_string(tls->error);
        lib.ERR_error_string_n(tls->error, text, sizeof text);
        *out_text = escape_string(arena, words != NULL ? words : text);
    }
    return TLS_RESULT_FAILED;
}

enum tls_step tls_send(struct tls *tls, struct span bytes, size_t *out_len)
{
    *out_len = 0;
    if (bytes.len == 0 || bytes.len > INT_MAX)
        return TLS_STEP_DONE;
    lib.ERR_clear_error();
    int result = lib.SSL_write(tls->session, bytes.ptr, (int)bytes.len);
    if (result <= 0)
        return step_of(tls, result);
    *out_len = (size_t)result;
    return TLS_STEP_DONE;
}

enum tls_step tls_receive(struct tls *tls, char *buffer, size_t room, size_t *out_len)
{
    *out_len = 0;
    lib.ERR_clear_error();
    int result = lib.SSL_read(tls->session, buffer, room > INT_MAX ? INT_MAX : (int)room);
    if (result <= 0)
        return step_of(tls, result);
    *out_len = (size_t)result;
    return TLS_STEP_DONE;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    lib.SSL_free(tls->session);
    lib.SSL_CTX_free(tls->context);
    free(tls);
}
