#include "agent/logs/tally_count.h"

/* A place for one more usual pair; false where there are enough, or its slot is another's. */
static bool take_usual(struct log_tally *tally, uint32_t key)
{
    struct tally_usual *usual = &tally->usual[tally_mix(key) % TALLY_USUAL_SLOTS];

    if (usual->key == key)
        return true;
    if (usual->key != TALLY_NO_KEY || tally->usual_count == TALLY_USUAL)
        return false;
    *usual = (struct tally_usual){.key = key, .index = tally->usual_count};
    tally->usual_keys[tally->usual_count++] = key;
    return true;
}

static struct tally_outcome *find_outcome(struct log_tally *tally, uint32_t route, uint32_t key)
{
    uint64_t mixed = ((uint64_t)route << 32 | key) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t slot = (uint32_t)(mixed >> 40) % TALLY_OUTCOME_SLOTS;
    struct tally_outcome *row = &tally->outcomes[slot];

    for (; row->count != 0; slot = (slot + 1) % TALLY_OUTCOME_SLOTS, row = &tally->outcomes[slot])
        if (row->route == route && row->key == key)
            return row;
    if (tally->outcome_count == LOG_TALLY_OUTCOMES)
        return NULL;
    tally->outcome_count++;
    row->route = route;
    row->key = key;
    return row;
}

/* Statuses and states of everything stay exact also when the rows are used up. */
static void lose(struct log_tally *tally, uint32_t key, uint64_t count)
{
    tally->lost += count;
    tally->lost_statuses[key >> 16] += count;
    tally->lost_states[key & 0xffff] += count;
}

void log_tally_add_outcome(struct log_tally *tally, uint32_t route, uint32_t key, uint64_t count)
{
    struct tally_outcome *row;

    if (take_usual(tally, key)) {
        uint32_t index = tally->usual[tally_mix(key) % TALLY_USUAL_SLOTS].index;

        tally->route_outcomes[route][index] += count;
        return;
    }
    row = find_outcome(tally, route, key);
    if (row == NULL)
        lose(tally, key, count);
    else
        row->count += count;
}

bool log_tally_next_outcome(const struct log_tally *tally, uint32_t *place,
                            struct tally_outcome *out_outcome)
{
    uint32_t usual = tally->routes.count * TALLY_USUAL;

    for (; *place < usual; ++*place) {
        uint32_t route = *place / TALLY_USUAL, index = *place % TALLY_USUAL;

        *out_outcome = (struct tally_outcome){.route = route,
                                              .key = tally->usual_keys[index],
                                              .count = tally->route_outcomes[route][index]};
        if (out_outcome->count > 0) {
            ++*place;
            return true;
        }
    }
    /* Memory that nothing was written to is not looked at: each page of it would be made by that. */
    for (; tally->outcome_count > 0 && *place < usual + TALLY_OUTCOME_SLOTS; ++*place) {
        *out_outcome = tally->outcomes[*place - usual];
        if (out_outcome->count > 0) {
            ++*place;
            return true;
        }
    }
    return false;
}
