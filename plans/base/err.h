/* base/err: what went wrong, as one value that the caller owns.
 * Use:     struct err err = {0}; if (thing_do(..., &err) < 0) ...err.text...
 * Shapes:  text is one line of printable ASCII, NUL-ended: everything else was escaped on the way
 *          in, so that it can go to a terminal or a log as it is.
 * Owns:    nothing; fixed size, no allocation.
 * Errors:  fallible functions return 0 or -1 and set it exactly when they return -1.
 */
#ifndef HAMEDIC_PLANS_BASE_ERR_H
#define HAMEDIC_PLANS_BASE_ERR_H

/* A kind says what the caller can do about it, not where it happened. */
enum err_kind {
    ERR_NONE = 0,
    ERR_SYS,         /* the system said no: disk full, permission, no such file */
    ERR_INPUT,       /* what was given is malformed: a person must correct it */
    ERR_CHANGED,     /* the host is not as planned: make a new plan */
    ERR_DENIED,      /* signature, approvals, expiry, replay, policy: refused */
    ERR_UNSUPPORTED, /* this host or this build cannot do that */
    ERR_BUG,         /* a promise inside hamedic was broken */
};

#define ERR_TEXT_SIZE 1024

struct err {
    enum err_kind kind;
    int sys; /* errno where kind is ERR_SYS, else 0 */
    char text[ERR_TEXT_SIZE];
};

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Each sets *err and returns -1, so that a failing function can say `return err_set(...)`. */
int err_set(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* The text gets ": " and the name of errno value `sys` appended. */
int err_sys(struct err *err, int sys, const char *format, ...) PRINTF_LIKE(3, 4);
/* Puts "context: " before the text that is there; kind and errno stay. Once per layer. */
int err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Compilers and analyzers, which read one file at a time, are told so. */
static inline int err_minus_one(int result)
{
    (void)result;
    return -1;
}
#define err_set(...)  err_minus_one(err_set(__VA_ARGS__))
#define err_sys(...)  err_minus_one(err_sys(__VA_ARGS__))
#define err_wrap(...) err_minus_one(err_wrap(__VA_ARGS__))

#endif
