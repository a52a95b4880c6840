/* Messages that HAProxy could not take, of the proxies whose numbers say that there are some. */
#include <inttypes.h>
#include <string.h>

#include "agent/observe/collect.h"
#include "plans/base/text.h"

/* A message is at most a buffer (16 KiB as HAProxy comes), each byte of it four characters. */
enum { ASKED_MAX = 32, ANSWER_MAX = 4 * 1024 * 1024 };

struct question {
    const char *text; /* "show errors 2 request;show errors 3 response" */
    size_t count;
};

static bool has_bad_answer(const struct haproxy_stat *row)
{
    static const char *const words[] = {"L7RSP", "L7TOUT", "SOCKERR", "L6RSP"};

    for (size_t i = 0; row->check_status != NULL && i < sizeof words / sizeof *words; i++)
        if (strcmp(row->check_status, words[i]) == 0)
            return true;
    return row->response_errors > 0;
}

static bool is_of_backend(const struct haproxy_stat *row, const struct haproxy_stat *backend)
{
    return row->type == STAT_SERVER && row->id == backend->id;
}

static bool has_bad_responses(const struct facts *facts, const struct haproxy_stat *backend)
{
    for (size_t i = 0; i < facts->stat_count; i++)
        if (is_of_backend(&facts->stats[i], backend) && has_bad_answer(&facts->stats[i]))
            return true;
    return backend->response_errors > 0;
}

static const char *side_to_ask(const struct facts *facts, const struct haproxy_stat *row)
{
    if (row->type == STAT_FRONTEND && row->request_errors > 0)
        return "request";
    return row->type == STAT_BACKEND && has_bad_responses(facts, row) ? "response" : NULL;
}

/* By number: a frontend and a backend may have one name. */
static struct question ask_for(const struct facts *facts, struct arena *arena)
{
    struct text text = text_new(arena);
    size_t count = 0;

    for (size_t i = 0; i < facts->stat_count && count < ASKED_MAX; i++) {
        const struct haproxy_stat *row = &facts->stats[i];
        const char *side = row->id > 0 ? side_to_ask(facts, row) : NULL;

        if (side == NULL)
            continue;
        text_addf(&text, "%sshow errors %" PRId64 " %s", count > 0 ? ";" : "", row->id, side);
        count++;
    }
    return (struct question){arena_copy(arena, text.ptr, text.len), count};
}

int collect_open_errors(struct collection *collection, struct err *err)
{
    const struct facts *known = collection->known;
    struct question *question = arena_alloc(collection->arena, sizeof *question);

    if (known->sources[SOURCE_STATS].state != SOURCE_OK)
        return err_set(err, ERR_UNSUPPORTED, "HAProxy's stats were not read");
    *question = ask_for(known, collection->arena);
    if (question->count == 0)
        return err_set(err, ERR_UNSUPPORTED, "no proxy gives a reason to ask for them");
    if (haproxy_api_open(known->haproxy->stats_socket, &collection->opened[0], err) < 0)
        return -1;
    collection->opened_count = 1;
    collection->context = question;
    return 0;
}

int collect_errors(struct collection *collection, struct err *err)
{
    const struct question *question = collection->context;
    struct facts *facts = collection->facts;
    struct span answer;

    if (haproxy_api_ask_open(collection->opened[0], collection->known->haproxy->stats_socket,
                             question->text, HAPROXY_API_DEADLINE_MS, ANSWER_MAX, collection->arena,
                             &answer, err) < 0)
        return -1;
    return haproxy_errors_parse(answer, question->count, collection->arena, &facts->captures,
                                &facts->capture_count, err);
}
