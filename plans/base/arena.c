#include "plans/base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    BLOCK_SIZE = 64 * 1024,
    HUGE_PAGE = 2 * 1024 * 1024, /* of x86-64, and of arm64 with pages of 4 KiB */
    ALIGNMENT = 16,
    FIRST_GROWTH = 8,
};

struct block {
    struct block *next;
    size_t used;
    size_t size;
    size_t mapped; /* bytes; 0: it came from calloc() */
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

struct arena {
    struct block *blocks; /* the one allocated from is first */
    size_t other_owners;
    bool is_huge;
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

struct arena *arena_new_huge(void)
{
    struct arena *arena = arena_new();

    arena->is_huge = true;
    return arena;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    if (arena->other_owners > 0) {
        arena->other_owners--;
        return;
    }
    for (struct block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        if (block->mapped > 0)
            (void)munmap(block, block->mapped);
        else
            free(block);
    }
    free(arena);
}

struct arena *arena_share(struct arena *arena)
{
    arena->other_owners++;
    return arena;
}

/* What is put there leaves the block allocated from first. */
static struct block **end_of(struct arena *arena)
{
    struct block **end = &arena->blocks;

    while (*end != NULL)
        end = &(*end)->next;
    return end;
}

void arena_adopt(struct arena *arena, struct arena *other)
{
    assert(other->other_owners == 0);
    *end_of(arena) = other->blocks;
    free(other);
}

/* The kernel gives a huge page only where all of it fits in, so what is before and behind goes back. Where there are
 * none it is as slow as other memory. */
static struct block *map_block(size_t room)
{
    if (room > SIZE_MAX / 2)
        arena_exhausted();
    size_t size = (sizeof(struct block) + room + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    char *memory =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        arena_exhausted();
    size_t past = (uintptr_t)memory % HUGE_PAGE, before = past == 0 ? 0 : HUGE_PAGE - past;
    if (before > 0)
        (void)munmap(memory, before);
    (void)munmap(memory + before + size, HUGE_PAGE - before);
    (void)madvise(memory + before, HUGE_PAGE, MADV_HUGEPAGE);
    struct block *block = (struct block *)(void *)(memory + before);
    block->size = size - sizeof *block;
    block->mapped = size;
    return block;
}

static struct block *new_block(size_t room)
{
    struct block *block = calloc(1, sizeof *block + room);

    if (block == NULL)
        arena_exhausted();
    block->size = room;
    return block;
}

void *arena_alloc_huge(struct arena *arena, size_t size)
{
    struct block *block = map_block(size);

    *end_of(arena) = block;
    block->used = block->size;
    return block->bytes;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT - sizeof(struct block))
        arena_exhausted();
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    struct block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        bool is_large = size > (arena->is_huge ? HUGE_PAGE : BLOCK_SIZE) / 4;
        if (is_large)
            block = new_block(size);
        else
            block = arena->is_huge ? map_block(1) : new_block(BLOCK_SIZE);
        if (is_large && arena->blocks != NULL) {
            /* A large piece gets a block of its own behind the current one, whose rest stays in use. */
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
