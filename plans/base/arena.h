/* base/arena: memory that is freed all at once.
 * Use:     struct arena *arena = arena_new(); ...; arena_free(arena);
 * Shapes:  sizes in bytes; all memory is zeroed and aligned for any type.
 * Owns:    the arena owns everything allocated from it; pointers live until arena_free.
 * Errors:  none to check: when memory is exhausted the handler of arena_on_exhausted is called and
 *          MUST NOT return (the agent's prints one line and ends the process: for the transaction
 *          that is a crash, and crashes are what the journal is for). Without a handler: abort().
 */
#ifndef HAMEDIC_PLANS_BASE_ARENA_H
#define HAMEDIC_PLANS_BASE_ARENA_H

#include <stddef.h>

#include "plans/base/err.h"

struct arena;

void arena_on_exhausted(void (*handler)(void));
/* For memory that a foreign library could not get: the same end. */
_Noreturn void arena_exhausted(void);

struct arena *arena_new(void);
/* For some megabytes that are used all the time: in huge pages where the system has them, each of which costs one
 * fault instead of 512. */
struct arena *arena_new_huge(void);
/* A large piece whose first 2 MiB are a huge page and the rest are not: what is used all the time comes first. */
void *arena_alloc_huge(struct arena *arena, size_t size);
void arena_free(struct arena *arena); /* NULL is allowed */
/* It has one more owner: it is freed once each of them has called arena_free. Returns it. */
struct arena *arena_share(struct arena *arena);
/* What was allocated from `other` belongs to `arena` from now on; `other` itself is gone. An arena
 * is one thread's: so threads fill their own and hand them over. */
void arena_adopt(struct arena *arena, struct arena *other);

void *arena_alloc(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const void *bytes, size_t len); /* NUL is added */
char *arena_string(struct arena *arena, const char *string);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Room for one more element behind `count`; returns the (perhaps moved) array. */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t element);

/* A new zeroed slot at the end of `array` (a pointer lvalue) whose length is `count` (an lvalue).
 */
#define ARENA_PUSH(arena, array, count)                                                            \
    (*((array) = arena_grow((arena), (array), (count), sizeof *(array)), &(array)[(count)++]))

static inline void arena_cleanup(struct arena **arena)
{
    arena_free(*arena);
}
/* struct arena *scratch CLEANUP_ARENA = arena_new(); */
#define CLEANUP_ARENA __attribute__((cleanup(arena_cleanup)))

#endif
