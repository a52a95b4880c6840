#include "agent/cli.h"

#include <assert.h>
#include <getopt.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/commands/commands.h"
#include "plans/base/text.h"

enum { OPTIONS_MAX = 64, FIRST_LONG = 256, WIDTH_PIPED = 80, WIDTH_LEAST = 40, WIDTH_MOST = 120 };
enum { HELP_COLUMN = 27 };

static const struct cli_option global_options[] = {
    {"root", 0, "DIR", "work on a tree, not on the live host: nothing is activated"},
    {"config", 0, "FILE", "settings, instead of /etc/hamedic/hamedic.conf"},
    {"color", 0, "WHEN", "auto, always or never (NO_COLOR is honoured)"},
    {"quiet", 'q', NULL, "say less"},
    {"verbose", 'v', NULL, "say more"},
    {"help", 'h', NULL, "this help"},
    {NULL, 0, NULL, NULL},
};

/* ---- options ---- */

struct option_set {
    const struct cli_option *at[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 3];
    size_t count;
};

/* What may be left away goes behind "=", or stands as the first argument of the command. */
static int argument_of(const struct cli_option *option)
{
    if (option->argument == NULL)
        return no_argument;
    return option->argument[0] == '[' ? optional_argument : required_argument;
}

static void add_options(struct option_set *set, const struct cli_option *options)
{
    for (; options != NULL && options->name != NULL && set->count < OPTIONS_MAX; options++) {
        set->at[set->count] = options;
        set->longs[set->count] = (struct option){
            options->name,
            argument_of(options),
            NULL,
            FIRST_LONG + (int)set->count,
        };
        set->count++;
    }
}

/* stop_at_argument: the first word that is no option ends the options (it is the command). */
static void finish_options(struct option_set *set, bool stop_at_argument)
{
    size_t at = 0;

    if (stop_at_argument)
        set->letters[at++] = '+';
    set->letters[at++] = ':';
    for (size_t i = 0; i < set->count; i++) {
        if (set->at[i]->letter == 0)
            continue;
        set->letters[at++] = set->at[i]->letter;
        if (set->at[i]->argument != NULL)
            set->letters[at++] = ':';
    }
    set->letters[at] = '\0';
    set->longs[set->count] = (struct option){NULL, 0, NULL, 0};
}

static const struct cli_option *option_of(const struct option_set *set, int code)
{
    if (code >= FIRST_LONG)
        return set->at[code - FIRST_LONG];
    for (size_t i = 0; i < set->count; i++)
        if (set->at[i]->letter == code)
            return set->at[i];
    return NULL;
}

/* Reads options from argv into the invocation; -1 after a message on bad usage. `optind` tells how
 * far it came. */
static int read_options(struct invocation *invocation, struct option_set *set, int argc,
                        char **argv)
{
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, set->letters, set->longs, NULL);
        if (code == -1)
            return 0;
        if (code == ':' || code == '?') {
            /* For a long option optopt is 0 or its code; the word itself is the one before optind.
             */
            const char *word = optopt > 0 && optopt < FIRST_LONG
                                   ? arena_printf(invocation->arena, "-%c", optopt)
                                   : argv[optind - 1];
            (void)cli_usage(invocation,
                            code == ':' ? "option '%s' needs a value" : "unknown option '%s'",
                            word);
            return -1;
        }
        const struct cli_option *option = option_of(set, code);
        assert(option != NULL); /* getopt gives back only what it was given */
        ARENA_PUSH(invocation->arena, invocation->values, invocation->value_count) =
            (struct cli_value){option->name, optarg == NULL ? "" : optarg};
    }
}

bool cli_has(const struct invocation *invocation, const char *name)
{
    return cli_value(invocation, name) != NULL;
}

const char *cli_value(const struct invocation *invocation, const char *name)
{
    for (size_t i = invocation->value_count; i-- > 0;)
        if (strcmp(invocation->values[i].name, name) == 0)
            return invocation->values[i].value;
    return NULL;
}

struct strings cli_values(const struct invocation *invocation, const char *name)
{
    struct strings found = {0};

    for (size_t i = 0; i < invocation->value_count; i++)
        if (strcmp(invocation->values[i].name, name) == 0)
            strings_add(&found, invocation->arena, invocation->values[i].value);
    return found;
}

/* ---- the terminal ---- */

static int choose_style(struct invocation *invocation)
{
    const char *when = cli_value(invocation, "color");
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool terminal = isatty(STDOUT_FILENO) == 1;
    struct winsize size = {0};

    if (when != NULL && strcmp(when, "auto") != 0 && strcmp(when, "always") != 0 &&
        strcmp(when, "never") != 0) {
        (void)cli_usage(invocation, "--color '%s': expected auto, always or never", when);
        return -1;
    }
    struct render_style *style = &invocation->style;
    style->color = terminal && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
                   strcmp(term, "dumb") != 0;
    if (when != NULL && strcmp(when, "auto") != 0)
        style->color = strcmp(when, "always") == 0;
    style->unicode = terminal && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    style->width = WIDTH_PIPED;
    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        style->width = size.ws_col < WIDTH_LEAST  ? (size_t)WIDTH_LEAST
                       : size.ws_col > WIDTH_MOST ? (size_t)WIDTH_MOST
                                                  : size.ws_col;
    invocation->height = size.ws_row;
    invocation->quiet = cli_has(invocation, "quiet");
    invocation->verbose = cli_has(invocation, "verbose");
    return 0;
}

/* ---- help ---- */

static void help_options(const struct render_style *style, const struct cli_option *options,
                         struct text *text)
{
    for (; options != NULL && options->name != NULL; options++) {
        char left[64], first[80];
        (void)snprintf(left, sizeof left, "%c%c%s--%s%s%s", options->letter == 0 ? ' ' : '-',
                       options->letter == 0 ? ' ' : options->letter,
                       options->letter == 0 ? "  " : ", ", options->name,
                       options->argument == NULL ? "" : " ",
                       options->argument == NULL ? "" : options->argument);
        (void)snprintf(first, sizeof first, "  %-*s ", HELP_COLUMN - 3, left);
        render_wrapped(style, first, HELP_COLUMN, options->help, text);
    }
}

/* Each line is a paragraph. */
static void help_paragraphs(const struct invocation *invocation, const char *words,
                            struct text *text)
{
    struct span rest = span_of(words);

    while (rest.len > 0) {
        struct span paragraph = span_cut(&rest, '\n');
        render_wrapped(&invocation->style, "", 0,
                       arena_copy(invocation->arena, paragraph.ptr, paragraph.len), text);
    }
}

void cli_help_command(struct invocation *invocation, const struct command *command)
{
    struct text text = text_new(invocation->arena);

    text_addf(&text, "usage: hamedic %s [OPTION]...%s%s\n\n", command->name,
              command->arguments[0] == '\0' ? "" : " ", command->arguments);
    help_paragraphs(invocation, command->about, &text);
    if (command->options->name != NULL) {
        text_add(&text, "\nOptions\n");
        help_options(&invocation->style, command->options, &text);
    }
    text_add(&text, "\nEverywhere\n");
    help_options(&invocation->style, global_options, &text);
    text_addf(&text, "\nExample\n%s", command->example);
    cli_print(&text);
}

void cli_help_all(struct invocation *invocation)
{
    struct text text = text_new(invocation->arena);
    size_t count;
    const struct command *const *commands = commands_table(&count);

    text_add(&text, "hamedic finds out why HAProxy does not serve, writes the repair down as a\n"
                    "signed plan, and applies it all-or-nothing once a person has reviewed it.\n\n"
                    "usage: hamedic COMMAND [OPTION]...\n\nCommands\n");
    for (size_t i = 0; i < count; i++)
        text_addf(&text, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    text_add(&text, "\nEverywhere\n");
    help_options(&invocation->style, global_options, &text);
    text_add(&text,
             "\nExit status\n"
             "  0  done; nothing wrong; nothing to do\n"
             "  1  an error: nothing was changed\n"
             "  2  there is something: findings, changes\n"
             "  3  refused: signature, approvals, expiry, replay, host, policy, stale\n"
             "  4  not proven or not confirmed: rolled back, the host is as before\n"
             "  5  rollback incomplete: a person must act\n"
             "  64 usage\n"
             "\nFirst steps\n"
             "  hamedic diagnose                      what is wrong, and how we know\n"
             "  hamedic keygen                        once per host, before the first plan\n"
             "  hamedic plan -o fix.plan              the repair, signed, nothing changed yet\n"
             "  hamedic apply fix.plan                after review, all or nothing\n"
             "  hamedic rollback                      take it back\n");
    cli_print(&text);
}

const struct command *cli_find_command(const char *name)
{
    size_t count;
    const struct command *const *commands = commands_table(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* ---- dispatch ---- */

static enum exit_code run_command(struct invocation *invocation, int argc, char **argv)
{
    const struct command *command = invocation->command;
    struct option_set set = {0};

    add_options(&set, command->options);
    add_options(&set, global_options);
    finish_options(&set, false);
    optind = 0; /* getopt(3): start afresh on another argv */
    if (read_options(invocation, &set, argc, argv) < 0)
        return EXIT_USAGE;
    if (cli_has(invocation, "help")) {
        cli_help_command(invocation, command);
        return EXIT_OK;
    }
    for (int i = optind; i < argc; i++)
        strings_add(&invocation->arguments, invocation->arena, argv[i]);
    if (invocation->arguments.count < command->least)
        return cli_usage(invocation, "%s: expected %s", command->name, command->arguments);
    if (invocation->arguments.count > command->most)
        return cli_usage(invocation, "%s: unexpected '%s'", command->name,
                         invocation->arguments.at[command->most]);
    if (choose_style(invocation) < 0)
        return EXIT_USAGE;
    return command->run(invocation);
}

enum exit_code cli_main(int argc, char **argv)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct invocation invocation = {.arena = arena, .style = {.width = WIDTH_PIPED}};
    struct option_set set = {0};

    add_options(&set, global_options);
    finish_options(&set, true);
    if (read_options(&invocation, &set, argc, argv) < 0)
        return EXIT_USAGE;
    if (optind == argc) {
        cli_help_all(&invocation);
        return cli_finish(NULL, cli_has(&invocation, "help") ? EXIT_OK : EXIT_USAGE);
    }
    invocation.command = cli_find_command(argv[optind]);
    if (invocation.command == NULL)
        return cli_usage(&invocation, "unknown command '%s'", argv[optind]);
    enum exit_code code = run_command(&invocation, argc - optind, argv + optind);
    return cli_finish(invocation.command, code);
}
