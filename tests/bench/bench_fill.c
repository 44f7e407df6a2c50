/*
 * Fills a data folder as a year of use would, by the store's own functions (the daemon
 * would take an hour): so many customers with a phone each, then so many messages to
 * customers at random, each accepted with its idempotency key, claimed and sent.
 *
 *   bench_fill DATA_DIR CUSTOMERS MESSAGES [MAP_GIB [SAMPLE]]
 *
 * SAMPLE: the messages go to the first so many customers, in turn and each as many, and every customer has a
 * document, too: CO:CC:1 and i in nine digits.
 *
 * Customer i has the phone +57300 and i in seven digits, as messages.lua and search.lua
 * ask for. Prints its progress to stderr and one line at the end: events and seconds.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "base/str.h"
#include "store/store.h"
#include <hilo/message.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { A_COMMIT = 2000, TICK = 100000 };
#define CHANNEL STR("bench")
static const char text[] = "Hola Ana: su pedido sale hoy de la bodega y llega entre las dos y las seis de la "
                           "tarde. Si no va a estar "
                           "en casa, responda a este mensaje y lo dejamos con el portero o lo llevamos otro "
                           "dia. Gracias por comprar "
                           "en la Tienda de Ana; guarde este numero para cualquier reclamo o cambio.";

struct fill {
    struct store *store;
    struct arena *arena;
    struct hilo_id *customer, *conversation; /* of each customer; none: not opened */
    uint64_t customers, sample, events, random;
    int64_t now;
    bool failed;
};

static uint64_t next_random(struct fill *f) /* splitmix64 */
{
    uint64_t z = f->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void append(struct fill *f, const struct rec_desc *d, const void *ev)
{
    struct err e = {0};

    if (!f->failed && store_append(f->store, d, ev, &actor_core, f->now, NULL, &e) != HILO_OK) {
        (void)fprintf(stderr, "bench_fill: %s: %s\n", d->name, e.text);
        f->failed = true;
    }
    f->events++;
}

/* Commits, and waits while the flusher is behind. */
static void commit(struct fill *f)
{
    struct err e = {0};
    int32_t rc;

    f->now = clock_wall_us();
    if (store_commit(f->store, &e) != HILO_OK) {
        (void)fprintf(stderr, "bench_fill: %s\n", e.text);
        f->failed = true;
    }
    (void)store_tick(f->store);
    while (!f->failed && (rc = store_room(f->store, STORE_NEW, &e)) != HILO_OK) {
        if (rc != HILO_AGAIN) {
            (void)fprintf(stderr, "bench_fill: %s\n", e.text);
            f->failed = true;
        }
        (void)usleep(10000);
        (void)store_tick(f->store);
    }
}

static struct hilo_str phone_of(struct fill *f, uint64_t i)
{
    return arena_fmt(f->arena, "+57300%07" PRIu64, i);
}

static struct hilo_str document_of(struct fill *f, uint64_t i)
{
    return arena_fmt(f->arena, "CO:CC:1%09" PRIu64, i);
}

static struct hilo_str party_of(struct fill *f, uint64_t i)
{
    struct hilo_writer w;

    arena_writer(f->arena, &w);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, phone_of(f, i));
    return hilo_written(&w);
}

static void add_customer(struct fill *f, uint64_t i)
{
    const struct ev_customer_created c = {
        .id = idgen_next(store_ids(f->store)), .name = STR("Ana Maria Restrepo"), .language = STR("es")};
    const struct ev_identifier_added id = {
        .customer = c.id, .scheme = HILO_SCHEME_PHONE, .value = phone_of(f, i)};

    store_begin(f->store);
    append(f, &ev_desc_customer_created, &c);
    append(f, &ev_desc_identifier_added, &id);
    if (f->sample) {
        const struct ev_identifier_added document = {
            .customer = c.id, .scheme = HILO_SCHEME_DOCUMENT, .value = document_of(f, i)};

        append(f, &ev_desc_identifier_added, &document);
    }
    store_end(f->store);
    f->customer[i] = c.id;
}

static struct hilo_str message_bytes(struct fill *f, struct hilo_id id, uint64_t i)
{
    struct hilo_writer w;

    arena_writer(f->arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_put_id(&w, HILO_T_MSG_ID, id);
    hilo_put_str(&w, HILO_T_MSG_CHANNEL, CHANNEL);
    hilo_put_u64(&w, HILO_T_MSG_CATEGORY, HILO_CATEGORY_SERVICE);
    hilo_put_id(&w, HILO_T_MSG_CUSTOMER, f->customer[i]);
    hilo_put_id(&w, HILO_T_MSG_CONVERSATION, f->conversation[i]);
    hilo_put_u64(&w, HILO_T_MSG_ARRIVED, (uint64_t)f->now);
    hilo_put_u64(&w, HILO_T_MSG_DUE, (uint64_t)f->now);
    hilo_put_u64(&w, HILO_T_MSG_EXPIRES, (uint64_t)f->now + UINT64_C(86400000000));
    hilo_put_u64(&w, HILO_T_MSG_PRIORITY, 1);
    hilo_put_str(&w, HILO_T_MSG_PARTY, party_of(f, i));
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, str_n(text, sizeof text - 1));
    hilo_close(&w);
    return hilo_written(&w);
}

static void add_message(struct fill *f, uint64_t n)
{
    uint64_t i = f->sample ? n % f->sample : next_random(f) % f->customers;
    struct hilo_id id = idgen_next(store_ids(f->store));
    struct hilo_str key = arena_fmt(f->arena, "fill-%" PRIu64, n);
    uint8_t digest[32];

    if (id_none(f->conversation[i])) {
        f->conversation[i] = idgen_next(store_ids(f->store));
        const struct ev_conversation_opened opened = {.id = f->conversation[i],
                                                      .customer = f->customer[i],
                                                      .channel = CHANNEL,
                                                      .party = party_of(f, i)};
        store_begin(f->store);
        append(f, &ev_desc_conversation_opened, &opened);
        store_end(f->store);
    }
    sha256(key.p, key.n, digest);
    const struct ev_message_accepted accepted = {.id = id,
                                                 .message = message_bytes(f, id, i),
                                                 .policy = 1,
                                                 .once_key = str_n(digest, 16),
                                                 .once_request = str_n(digest + 16, 16)};
    const struct ev_message_claimed claimed = {.id = id, .attempt = 1};
    const struct ev_message_reported reported = {
        .id = id,
        .status = HILO_STATUS_SENT,
        .ext_id = arena_fmt(f->arena, "wamid.HBgLNTczMDAxMTEyMjMzFQIAERgS%012" PRIX64, next_random(f) >> 16),
        .attempts = 1};
    store_begin(f->store);
    append(f, &ev_desc_message_accepted, &accepted);
    append(f, &ev_desc_message_claimed, &claimed);
    append(f, &ev_desc_message_reported, &reported);
    store_end(f->store);
}

static void fill(struct fill *f, uint64_t messages)
{
    for (uint64_t i = 0; i < f->customers + messages && !f->failed; i++) {
        if (i < f->customers)
            add_customer(f, i);
        else
            add_message(f, i - f->customers);
        arena_reset(f->arena);
        if ((i + 1) % A_COMMIT == 0)
            commit(f);
        if ((i + 1) % TICK == 0)
            (void)fprintf(stderr, "\rbench_fill: %" PRIu64 " of %" PRIu64 " customers and messages ", i + 1,
                          f->customers + messages);
    }
    commit(f);
    (void)fputc('\n', stderr);
}

int main(int argc, char **argv)
{
    struct fill f = {.arena = arena_new(), .random = 42};
    struct err e = {0};
    int64_t began = clock_mono_us();

    if (argc < 4) {
        (void)fprintf(stderr, "usage: bench_fill DATA_DIR CUSTOMERS MESSAGES [MAP_GIB [SAMPLE]]\n");
        return 2;
    }
    f.customers = strtoull(argv[2], NULL, 10);
    f.sample = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
    f.customer = calloc(f.customers + 1, sizeof *f.customer);
    f.conversation = calloc(f.customers + 1, sizeof *f.conversation);
    const struct store_options o = {.dir = argv[1],
                                    .segment_bytes = UINT64_C(64) << 20,
                                    .map_bytes = strtoull(argc > 4 ? argv[4] : "64", NULL, 10) << 30};
    if (!f.customer || !f.conversation || f.customers == 0 || f.sample > f.customers ||
        store_open(&o, &e, &f.store) != HILO_OK) {
        (void)fprintf(stderr, "bench_fill: %s\n", e.text[0] ? e.text : "no memory, or no customers");
        return 1;
    }
    f.now = clock_wall_us();
    fill(&f, strtoull(argv[3], NULL, 10));
    store_close(&f.store);
    arena_free(&f.arena);
    free(f.customer);
    free(f.conversation);
    printf("events=%" PRIu64 " seconds=%.1f\n", f.events, (double)(clock_mono_us() - began) / 1e6);
    return f.failed;
}
