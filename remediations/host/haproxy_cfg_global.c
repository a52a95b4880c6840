#include "remediations/host/haproxy_cfg_parse.h"

#include <string.h>

#include "remediations/host/haproxy_endpoint.h"

/* The first one that is not 0 counts. */
static void parse_maxconn(struct parser *parser)
{
    struct cfg *cfg = parser->cfg;
    struct cfg_number number = parse_word_number(parser, 1);

    if (!number.set)
        return;
    if (parser->unsure) {
        if (cfg->global.unsure_maxconn.len == 0)
            cfg->global.unsure_maxconn = number.place;
    } else if (number.value == 0) {
        if (cfg->global.zero_maxconn.len == 0)
            cfg->global.zero_maxconn = number.place;
    } else if (!cfg->global.maxconn.set) {
        cfg->global.maxconn = number;
    }
}

static void parse_stats_socket(struct parser *parser)
{
    struct cfg *cfg = parser->cfg;
    struct cfg_stats_socket *socket =
        &ARENA_PUSH(parser->arena, cfg->global.stats_sockets, cfg->global.stats_socket_count);

    socket->text = parse_word_text(parser, 2);
    socket->path = haproxy_endpoint_path(socket->text);
    socket->endpoint = haproxy_endpoint(socket->text, parser->arena);
    socket->level = "operator";
    socket->line = parser->line;
    socket->file = parser->file;
    socket->line_place = parse_line_place(parser);
    for (size_t i = 3; i + 1 < parser->words.count; i++) {
        if (parse_word_is(parser, i, "level"))
            socket->level = parse_word_text(parser, ++i);
        else if (parse_word_is(parser, i, "mode"))
            socket->mode = parse_word_text(parser, ++i);
    }
}

static void parse_variable(struct parser *parser)
{
    const struct lex_words *words = &parser->words;
    struct span name = words->count > 1 ? words->at[1].value : (struct span){"", 0};
    struct span value = words->count > 2 ? words->at[2].value : (struct span){"", 0};

    if (parse_word_is(parser, 0, "setenv") ||
        (parse_word_is(parser, 0, "presetenv") && !lex_has_variable(parser->lex, name)))
        lex_set_variable(parser->lex, name, value, parser->unsure);
    else if (parse_word_is(parser, 0, "unsetenv"))
        for (size_t i = 1; i < words->count; i++)
            lex_unset_variable(parser->lex, words->at[i].value, parser->unsure);
    else if (parse_word_is(parser, 0, "resetenv"))
        lex_keep_variables(parser->lex, words->at + 1, words->count - 1, parser->unsure);
}

void parse_global_line(struct parser *parser)
{
    struct cfg *cfg = parser->cfg;
    const struct {
        const char *keyword;
        struct cfg_number *number;
    } numbers[] = {
        {"nbthread", &cfg->global.nbthread},
        {"ulimit-n", &cfg->global.ulimit_n},
        {"fd-hard-limit", &cfg->global.fd_hard_limit},
        {"maxpipes", &cfg->global.maxpipes},
    };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (parse_word_is(parser, 0, numbers[i].keyword))
            *numbers[i].number = parse_word_number(parser, 1);
    if (parse_word_is(parser, 0, "maxconn"))
        parse_maxconn(parser);
    else if (parse_word_is(parser, 0, "stats") && parse_word_is(parser, 1, "socket"))
        parse_stats_socket(parser);
    else if (parse_word_is(parser, 0, "stats") && parse_word_is(parser, 1, "maxconn"))
        cfg->global.stats_maxconn = parse_word_number(parser, 2);
    else if (parse_word_is(parser, 0, "master-worker"))
        cfg->global.master_worker = true;
    else if (parse_word_is(parser, 0, "ssl-server-verify"))
        cfg->global.verifies_no_server = parse_word_is(parser, 1, "none");
    else if (parse_word_is(parser, 0, "strict-limits"))
        cfg->global.strict_limits = CFG_STRICT_ON;
    else if (parse_word_is(parser, 0, "no") && parse_word_is(parser, 1, "strict-limits"))
        cfg->global.strict_limits = CFG_STRICT_OFF;
    else
        parse_variable(parser);
}
