#include "plans/base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64 * 1024, ALIGNMENT = 16, FIRST_GROWTH = 8 };

struct block {
    struct block *next;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

struct arena {
    struct block *blocks; /* the one allocated from is first */
};

static void (*exhausted_handler)(void);

void arena_on_exhausted(void (*handler)(void))
{
    exhausted_handler = handler;
}

_Noreturn void arena_exhausted(void)
{
    if (exhausted_handler != NULL)
        exhausted_handler();
    abort();
}

struct arena *arena_new(void)
{
    struct arena *arena = calloc(1, sizeof *arena);

    if (arena == NULL)
        arena_exhausted();
    return arena;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    for (struct block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

void arena_adopt(struct arena *arena, struct arena *other)
{
    struct block **end = &arena->blocks;

    /* At the end: the block allocated from stays first. */
    while (*end != NULL)
        end = &(*end)->next;
    *end = other->blocks;
    free(other);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT - sizeof(struct block))
        arena_exhausted();
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    struct block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK_SIZE / 4 ? size : (size_t)BLOCK_SIZE;
        block = calloc(1, sizeof *block + room);
        if (block == NULL)
            arena_exhausted();
        block->size = room;
        if (size > BLOCK_SIZE / 4 && arena->blocks != NULL) {
            /* A large piece gets a block of its own behind the current one, whose rest stays in
             * use. */
            block->next = arena->blocks->next;
            arena->blocks->next = block;
        } else {
            block->next = arena->blocks;
            arena->blocks = block;
        }
    }
    void *bytes = block->bytes + block->used;
    block->used += size;
    return bytes;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);

    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

char *arena_string(struct arena *arena, const char *string)
{
    return arena_copy(arena, string, strlen(string));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    char *string = arena_alloc(arena, (size_t)len + 1);
    (void)vsnprintf(string, (size_t)len + 1, format, again);
    va_end(again);
    return string;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t element)
{
    /* The capacity is not stored: it is always FIRST_GROWTH or the power of two at or above count.
     */
    bool full = count == 0 || (count >= FIRST_GROWTH && (count & (count - 1)) == 0);
    if (!full)
        return array;
    size_t room = count == 0 ? FIRST_GROWTH : count * 2;
    if (room < count || room > SIZE_MAX / element)
        arena_exhausted();
    void *grown = arena_alloc(arena, room * element);
    if (count > 0)
        memcpy(grown, array, count * element);
    return grown;
}
