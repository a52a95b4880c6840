#include "remediations/host/sockets_table.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ADDRESS = 16, FIRST_SLOTS = 256, PORTS = 65536, EMPTY = 0 };

static const unsigned char mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

struct entry {
    unsigned char source[ADDRESS], destination[ADDRESS];
    uint32_t port;
    uint32_t total, established, time_wait, syn_sent;
    uint32_t measured, retrying, least_round_trip_us;
    uint64_t round_trips_us; /* of all that were measured */
    uint64_t segments, retransmitted;
};

struct socket_table {
    struct arena *arena;
    struct socket_row *listeners;
    size_t listener_count;
    uint32_t *half_open;                   /* for each listener */
    unsigned char is_listening[PORTS / 8]; /* most ports are not: no need to look further */
    struct entry *entries;
    size_t entry_count;
    size_t *slots; /* index of an entry plus one; EMPTY */
    size_t slot_count;
    uint64_t seed; /* peers may choose addresses: they must not be able to choose collisions */
};

struct socket_table *socket_table_new(struct arena *arena)
{
    struct socket_table *table = arena_alloc(arena, sizeof *table);

    table->arena = arena;
    if (getrandom(&table->seed, sizeof table->seed, GRND_NONBLOCK) < 0)
        table->seed = 0;
    table->slot_count = FIRST_SLOTS;
    table->slots = arena_alloc(arena, table->slot_count * sizeof *table->slots);
    return table;
}

void socket_row_address(unsigned char address[16], bool v6, const void *bytes)
{
    if (v6) {
        memcpy(address, bytes, ADDRESS);
        return;
    }
    memcpy(address, mapped_prefix, sizeof mapped_prefix);
    memcpy(address + sizeof mapped_prefix, bytes, ADDRESS - sizeof mapped_prefix);
}

static bool is_v4(const unsigned char address[16])
{
    return memcmp(address, mapped_prefix, sizeof mapped_prefix) == 0;
}

void socket_table_listen(struct socket_table *table, const struct socket_row *row)
{
    if (row->local_port >= PORTS)
        return;
    table->half_open =
        arena_grow(table->arena, table->half_open, table->listener_count, sizeof *table->half_open);
    ARENA_PUSH(table->arena, table->listeners, table->listener_count) = *row;
    table->is_listening[row->local_port / 8] |= (unsigned char)(1U << row->local_port % 8);
}

static bool listens_on(const unsigned char listener[16], const unsigned char address[16])
{
    static const unsigned char any[ADDRESS] = {0};
    static const unsigned char any_v4[ADDRESS] = {[10] = 0xff, [11] = 0xff};

    return memcmp(listener, address, ADDRESS) == 0 || memcmp(listener, any, ADDRESS) == 0 ||
           (is_v4(address) && memcmp(listener, any_v4, ADDRESS) == 0);
}

/* Which listener accepts, or accepted, this; listener_count: none. */
static size_t find_listener(const struct socket_table *table, const struct socket_row *row)
{
    uint32_t port = row->local_port;

    if ((table->is_listening[port / 8] & (1U << port % 8)) == 0)
        return table->listener_count;
    for (size_t i = 0; i < table->listener_count; i++)
        if (table->listeners[i].local_port == port &&
            listens_on(table->listeners[i].local, row->local))
            return i;
    return table->listener_count;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static uint64_t hash_entry(const struct socket_table *table, const struct entry *entry)
{
    uint64_t hash = table->seed ^ UINT64_C(0xcbf29ce484222325);

    hash = mix(hash, entry->source, ADDRESS);
    hash = mix(hash, entry->destination, ADDRESS);
    return mix(hash, &entry->port, sizeof entry->port);
}

static bool same_key(const struct entry *a, const struct entry *b)
{
    return a->port == b->port && memcmp(a->source, b->source, ADDRESS) == 0 &&
           memcmp(a->destination, b->destination, ADDRESS) == 0;
}

static size_t find_slot(const struct socket_table *table, const struct entry *key)
{
    size_t mask = table->slot_count - 1;
    size_t at = (size_t)hash_entry(table, key) & mask;

    while (table->slots[at] != EMPTY && !same_key(&table->entries[table->slots[at] - 1], key))
        at = (at + 1) & mask;
    return at;
}

static void grow(struct socket_table *table)
{
    table->slot_count *= 4;
    table->slots = arena_alloc(table->arena, table->slot_count * sizeof *table->slots);
    for (size_t i = 0; i < table->entry_count; i++)
        table->slots[find_slot(table, &table->entries[i])] = i + 1;
}

static void measure(struct entry *entry, const struct socket_row *row)
{
    entry->measured++;
    entry->retrying += row->retrying;
    entry->round_trips_us += row->round_trip_us;
    entry->segments += row->segments;
    entry->retransmitted += row->retransmitted;
    if (row->least_round_trip_us > 0 &&
        (entry->least_round_trip_us == 0 || row->least_round_trip_us < entry->least_round_trip_us))
        entry->least_round_trip_us = row->least_round_trip_us;
}

void socket_table_count(struct socket_table *table, const struct socket_row *row)
{
    struct entry key = {.port = row->remote_port};

    if (row->local_port >= PORTS || row->local_port == 0 || row->remote_port == 0 ||
        row->state == SOCKET_LISTEN || row->state == SOCKET_CLOSE || row->state > SOCKET_CLOSING)
        return;
    size_t listener = find_listener(table, row);
    if (row->state == SOCKET_SYN_RECV && listener < table->listener_count)
        table->half_open[listener]++;
    if (row->state == SOCKET_SYN_RECV || listener < table->listener_count)
        return;
    memcpy(key.source, row->local, ADDRESS);
    memcpy(key.destination, row->remote, ADDRESS);
    if (table->entry_count * 2 >= table->slot_count)
        grow(table);
    size_t slot = find_slot(table, &key);
    if (table->slots[slot] == EMPTY) {
        ARENA_PUSH(table->arena, table->entries, table->entry_count) = key;
        table->slots[slot] = table->entry_count;
    }
    struct entry *entry = &table->entries[table->slots[slot] - 1];
    entry->total++;
    entry->established += row->state == SOCKET_ESTABLISHED;
    entry->time_wait += row->state == SOCKET_TIME_WAIT;
    entry->syn_sent += row->state == SOCKET_SYN_SENT;
    if (row->measured)
        measure(entry, row);
}

static const char *address_text(const unsigned char address[16], struct arena *arena)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (is_v4(address))
        (void)inet_ntop(AF_INET, address + sizeof mapped_prefix, text, sizeof text);
    else
        (void)inet_ntop(AF_INET6, address, text, sizeof text);
    return arena_string(arena, text);
}

static int compare_destinations(const void *a, const void *b)
{
    const struct destination *left = a, *right = b;

    if (left->total != right->total)
        return left->total > right->total ? -1 : 1;
    int order = strcmp(left->address, right->address);
    if (order == 0 && left->port != right->port)
        order = left->port < right->port ? -1 : 1;
    return order != 0 ? order : strcmp(left->source, right->source);
}

void socket_table_finish(const struct socket_table *table, struct arena *arena,
                         struct sockets *out_sockets)
{
    struct sockets sockets = {.listener_count = table->listener_count,
                              .destination_count = table->entry_count};

    sockets.listeners = arena_alloc(arena, sockets.listener_count * sizeof *sockets.listeners);
    for (size_t i = 0; i < table->listener_count; i++) {
        const struct socket_row *row = &table->listeners[i];
        sockets.listeners[i] = (struct listener){.address = address_text(row->local, arena),
                                                 .port = row->local_port,
                                                 .queue = row->queue,
                                                 .queue_limit = row->queue_limit,
                                                 .inode = row->inode,
                                                 .half_open = table->half_open[i],
                                                 .drops_known = row->drops_known,
                                                 .drops = row->drops};
    }
    sockets.destinations =
        arena_alloc(arena, sockets.destination_count * sizeof *sockets.destinations);
    for (size_t i = 0; i < table->entry_count; i++) {
        const struct entry *entry = &table->entries[i];
        sockets.destinations[i] =
            (struct destination){.source = address_text(entry->source, arena),
                                 .address = address_text(entry->destination, arena),
                                 .port = entry->port,
                                 .total = entry->total,
                                 .established = entry->established,
                                 .time_wait = entry->time_wait,
                                 .syn_sent = entry->syn_sent,
                                 .measured = entry->measured,
                                 .retrying = entry->retrying,
                                 .least_round_trip_us = entry->least_round_trip_us,
                                 .segments = entry->segments,
                                 .retransmitted = entry->retransmitted};
        if (entry->measured > 0)
            sockets.destinations[i].round_trip_us =
                (uint32_t)(entry->round_trips_us / entry->measured);
    }
    if (sockets.destination_count > 1)
        qsort(sockets.destinations, sockets.destination_count, sizeof *sockets.destinations,
              compare_destinations);
    *out_sockets = sockets;
}

/* ---- /proc/net/tcp ---- */

static struct span next_word(struct span *rest)
{
    size_t skip = 0;

    while (skip < rest->len && rest->ptr[skip] == ' ')
        skip++;
    *rest = (struct span){rest->ptr + skip, rest->len - skip};
    return span_cut(rest, ' ');
}

static bool scan_hex(struct span digits, uint64_t *out_value)
{
    uint64_t value = 0;

    if (digits.len == 0 || digits.len > 16)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        char digit = digits.ptr[i];
        unsigned nibble;
        if (digit >= '0' && digit <= '9')
            nibble = (unsigned)(digit - '0');
        else if (digit >= 'A' && digit <= 'F')
            nibble = (unsigned)(digit - 'A') + 10;
        else
            return false;
        value = value << 4 | nibble;
    }
    *out_value = value;
    return true;
}

/* "0100007F:1F90": words of four bytes as the machine has them in memory, read as numbers. */
static bool scan_endpoint(struct span word, bool v6, unsigned char address[16], uint32_t *out_port)
{
    size_t digits = v6 ? 32 : 8;
    uint32_t words[4] = {0};
    uint64_t value = 0;

    if (word.len != digits + 5 || word.ptr[digits] != ':')
        return false;
    for (size_t i = 0; i < digits / 8; i++) {
        if (!scan_hex((struct span){word.ptr + i * 8, 8}, &value))
            return false;
        words[i] = (uint32_t)value;
    }
    if (!scan_hex((struct span){word.ptr + digits + 1, 4}, &value))
        return false;
    socket_row_address(address, v6, words);
    *out_port = (uint32_t)value;
    return true;
}

/* "  0: LOCAL REMOTE STATE TX:RX TIMER:WHEN RETRANSMITS UID TIMEOUT INODE ..." */
static bool scan_line(struct span line, bool v6, struct socket_row *row)
{
    struct span rest = line;
    uint64_t state = 0, queue = 0;

    (void)next_word(&rest);
    if (!scan_endpoint(next_word(&rest), v6, row->local, &row->local_port) ||
        !scan_endpoint(next_word(&rest), v6, row->remote, &row->remote_port) ||
        !scan_hex(next_word(&rest), &state))
        return false;
    struct span queues = next_word(&rest);
    (void)span_cut(&queues, ':');
    if (!scan_hex(queues, &queue))
        return false;
    for (int i = 0; i < 4; i++)
        (void)next_word(&rest);
    if (!span_scan_u64(next_word(&rest), &row->inode))
        return false;
    row->state = (unsigned)state;
    row->queue = (uint32_t)queue;
    row->queue_limit = 0;
    return true;
}

void socket_table_read_proc(struct socket_table *table, struct span text, bool v6, bool listeners)
{
    struct span line;

    while (span_next_line(&text, &line)) {
        struct socket_row row = {0};
        if (!scan_line(line, v6, &row))
            continue;
        if (listeners && row.state == SOCKET_LISTEN)
            socket_table_listen(table, &row);
        else if (!listeners)
            socket_table_count(table, &row);
    }
}
