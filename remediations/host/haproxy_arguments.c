#include <string.h>

#include "remediations/host/haproxy_endpoint.h"
#include "remediations/host/haproxy_process.h"

static const char *absolute(struct arena *arena, const char *directory, const char *path)
{
    if (path[0] == '/')
        return path;
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return arena_printf(arena, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, path);
}

/* What follows an option: nothing, one word, one word that may be left out, or words up to the next
 * option. */
enum follows { FOLLOWS_NOTHING, FOLLOWS_WORD, FOLLOWS_WORD_MAYBE, FOLLOWS_PIDS, FOLLOWS_FILES };

/* HAProxy looks at the first letters of an option alone: "-fX file" is "-f file". */
static enum follows follows_of(const char *option)
{
    if (strcmp(option, "--") == 0)
        return FOLLOWS_FILES;
    if (strncmp(option, "-sf", 3) == 0 || strncmp(option, "-st", 3) == 0)
        return FOLLOWS_PIDS;
    if (strncmp(option, "-dt", 3) == 0)
        return FOLLOWS_WORD_MAYBE;
    if (strncmp(option, "-cc", 3) == 0)
        return FOLLOWS_WORD;
    return option[1] != '\0' && strchr("CfLmNnpSx", option[1]) != NULL ? FOLLOWS_WORD
                                                                       : FOLLOWS_NOTHING;
}

static const char *find_directory(const struct strings *words, const char *directory, bool inside,
                                  struct arena *arena, bool *out_given)
{
    const char *given = NULL;

    for (size_t i = 1; i < words->count; i++) {
        const char *word = words->at[i];
        if (word[0] != '-' || strcmp(word, "--") == 0)
            continue;
        if (follows_of(word) != FOLLOWS_WORD || i + 1 == words->count)
            continue;
        i++;
        if (word[1] == 'C')
            given = words->at[i];
    }
    *out_given = given != NULL;
    if (given == NULL || (inside && given[0] != '/'))
        return directory;
    return absolute(arena, directory, given);
}

/* "/run/master.sock,mode,600", "unix@master.sock", "ipv4@127.0.0.1:9998" */
static const char *master_socket(const char *bind, const char *directory, struct arena *arena)
{
    const char *text = arena_copy(arena, bind, strcspn(bind, ","));

    if (strncmp(text, "unix@", 5) == 0)
        return absolute(arena, directory, text + 5);
    return haproxy_endpoint(text, arena);
}

static void take_word(struct haproxy_command *command, const char *option, const char *value,
                      struct arena *arena)
{
    switch (option[1]) {
    case 'f':
        strings_add(&command->config, arena, absolute(arena, command->directory, value));
        return;
    case 'S':
        command->has_master_api = true;
        if (command->master_socket == NULL)
            command->master_socket = master_socket(value, command->directory, arena);
        return;
    case 'p':
        command->pid_file = absolute(arena, command->directory, value);
        return;
    case 'C': /* added once, absolute */
    case 'x':
        return;
    case 'n':
        if (!span_scan_u64(span_of(value), &command->maxconn))
            command->maxconn = 0;
        break;
    default:
        break;
    }
    strings_add(&command->arguments, arena, option);
    strings_add(&command->arguments, arena, value);
}

static void take_flag(struct haproxy_command *command, const char *option, struct arena *arena)
{
    switch (option[1]) {
    case 'c':
    case 'v':
    case 'h':
        command->serves = false;
        return;
    case 'W': /* a `program` section is valid with a master only */
        command->master_worker = true;
        break;
    case 'D':
    case 'q':
    case 'V':
    case '\0':
        return;
    case 'd':
        /* Debugging output and dumps; "-dr", "-dW" and the like do change what is valid. */
        if (option[2] == '\0' || strchr("bKLFt", option[2]) != NULL)
            return;
        break;
    default:
        break;
    }
    strings_add(&command->arguments, arena, option);
}

void haproxy_command_parse(const struct strings *words, const char *directory, bool inside,
                           struct arena *arena, struct haproxy_command *out_command)
{
    struct haproxy_command command = {.serves = true};
    bool given = false;

    command.directory = find_directory(words, directory, inside, arena, &given);
    if (given) {
        strings_add(&command.arguments, arena, "-C");
        strings_add(&command.arguments, arena, command.directory);
    }
    for (size_t i = 1; i < words->count; i++) {
        const char *word = words->at[i];
        enum follows follows = word[0] == '-' ? follows_of(word) : FOLLOWS_NOTHING;
        bool more = i + 1 < words->count;
        if (word[0] != '-')
            continue;
        if (strncmp(word, "-cc", 3) == 0)
            command.serves = false;
        if (follows == FOLLOWS_FILES) {
            while (++i < words->count)
                strings_add(&command.config, arena,
                            absolute(arena, command.directory, words->at[i]));
        } else if (follows == FOLLOWS_PIDS) {
            while (i + 1 < words->count && words->at[i + 1][0] != '-')
                strings_add(&command.replaces, arena, words->at[++i]);
        } else if (follows == FOLLOWS_WORD) {
            if (more)
                take_word(&command, word, words->at[++i], arena);
        } else {
            if (follows == FOLLOWS_WORD_MAYBE && more && words->at[i + 1][0] != '-')
                i++;
            take_flag(&command, word, arena);
        }
    }
    *out_command = command;
}
