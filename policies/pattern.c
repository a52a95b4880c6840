#include "policies/pattern.h"

#include <stddef.h>
#include <string.h>

bool pattern_is_literal(const char *pattern)
{
    return strchr(pattern, '*') == NULL;
}

/* Where to go on when a guess about how much a '*' eats was wrong. */
struct retry {
    const char *pattern; /* behind the star; NULL: there was none */
    const char *name;
};

static bool try_again(struct retry *retry, bool crosses_slash, const char **pattern,
                      const char **name)
{
    if (retry->pattern == NULL || *retry->name == '\0' || (!crosses_slash && *retry->name == '/'))
        return false;
    retry->name++;
    *pattern = retry->pattern;
    *name = retry->name;
    return true;
}

/* The newest star of each sort is enough: whatever an older one could still eat, a newer "**" can
 * eat as well; a newer '*' that is stuck at a '/' hands over to the older "**". Time is at most the
 * product of the lengths for each sort, whatever the pattern. */
bool pattern_matches(const char *pattern, const char *name)
{
    struct retry one = {0}, any = {0};

    for (;;) {
        if (pattern[0] == '*' && pattern[1] == '*') {
            pattern += 2;
            any = (struct retry){pattern, name};
            one = (struct retry){0};
        } else if (pattern[0] == '*') {
            pattern++;
            one = (struct retry){pattern, name};
        } else if (*name != '\0' && *pattern == *name) {
            pattern++;
            name++;
        } else if (*pattern == '\0' && *name == '\0') {
            return true;
        } else if (!try_again(&one, false, &pattern, &name)) {
            one = (struct retry){0};
            if (!try_again(&any, true, &pattern, &name))
                return false;
        }
    }
}
