#include "agent/diagnose/causes.h"

#include <string.h>

static const struct causes_of *const tables[] = {&causes_start, &causes_back, &causes_front,
                                                 &causes_net,   &causes_slow, &causes_latent,
                                                 &causes_reload};
enum { TABLES = sizeof tables / sizeof tables[0] };

size_t causes_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < TABLES; i++)
        count += tables[i]->count;
    return count;
}

const struct cause *causes_at(size_t index)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (index < tables[i]->count)
            return &tables[i]->rows[index];
        index -= tables[i]->count;
    }
    return NULL;
}

const struct cause *causes_find(const char *slug)
{
    const struct cause *cause;

    for (size_t i = 0; (cause = causes_at(i)) != NULL; i++)
        if (strcmp(cause->slug, slug) == 0)
            return cause;
    return NULL;
}
