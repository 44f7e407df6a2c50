/*
 * Apply: callbacks that were asked for with a message (Kannel's dlr-url). The kinds are
 * Kannel's bits of dlr-mask. Which one a message has come to follows from its status, in
 * order: the SMSC took it (SENT), then its end. A kind comes once; after the last one nothing
 * more does.
 *
 * What waits to be told stands in CALLBACK with all that is needed for it, so that the
 * message may move on; due 0: at once.
 */
#include "store/apply.h"
#include "base/str.h"

enum { KEY_BYTES = 8 + 8 + 1 };

/* Of several that one event brings, this is their order. */
static uint8_t callback_rank(uint64_t kind)
{
    return kind == CALLBACK_TAKEN ? 0 : kind == CALLBACK_WAITS ? 1 : 2;
}

static void callback_queue(struct apply *a, struct hilo_id id, const struct rec_message *m, uint64_t kind)
{
    const bool news = m->detail.n || m->provider_code.n || m->reason.n;
    const struct rec_callback r = {.message = id,
                                   .kind = kind,
                                   .time = (uint64_t)a->event->head.time_us,
                                   .url = m->callback,
                                   .ext_id = m->ext_id,
                                   .text = !news                ? (struct hilo_str){0}
                                           : m->detail.n        ? m->detail
                                           : m->provider_code.n ? m->provider_code
                                                                : m->reason};
    struct key k = key_callback(0, a->event->head.seq, callback_rank(kind));

    apply__put(a, TABLE_CALLBACK, &k, &rec_desc_callback, &r);
}

/* The kinds that a message has come to by its status. */
static uint64_t callback_reached(const struct rec_message *m)
{
    const uint64_t told = m->asked >> CALLBACK_TOLD;

    switch (m->status) {
    case HILO_STATUS_SENT:
        return CALLBACK_TAKEN;
    case HILO_STATUS_DELIVERED:
    case HILO_STATUS_READ:
        return CALLBACK_TAKEN | CALLBACK_DELIVERED;
    case HILO_STATUS_FAILED:
    case HILO_STATUS_EXPIRED:
    case HILO_STATUS_CANCELED:
    case HILO_STATUS_SUPPRESSED:
        return told & CALLBACK_TAKEN ? CALLBACK_FAILED : CALLBACK_REFUSED;
    default:
        return 0;
    }
}

/* Who asked for failures hears of those before the SMSC had it, too, as by Kannel. */
static bool callback_wanted(const struct rec_message *m, uint64_t kind)
{
    return (m->asked & kind) || (kind == CALLBACK_REFUSED && (m->asked & CALLBACK_FAILED));
}

static bool callback_ended(const struct rec_message *m)
{
    return m->asked >> CALLBACK_TOLD & (CALLBACK_DELIVERED | CALLBACK_FAILED | CALLBACK_REFUSED);
}

void apply__callbacks(struct apply *a, struct hilo_id id, struct rec_message *m)
{
    static const uint64_t order[] = {CALLBACK_TAKEN, CALLBACK_DELIVERED, CALLBACK_FAILED, CALLBACK_REFUSED};
    uint64_t reached;

    if (!m->asked || callback_ended(m))
        return;
    reached = callback_reached(m) & ~(m->asked >> CALLBACK_TOLD);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (!(reached & order[i]))
            continue;
        m->asked |= order[i] << CALLBACK_TOLD;
        if (callback_wanted(m, order[i]))
            callback_queue(a, id, m, order[i]);
    }
    if (callback_ended(m))
        m->callback = (struct hilo_str){0};
}

void apply__callback_waits(struct apply *a, struct hilo_id id, struct rec_message *m)
{
    if (!(m->asked & CALLBACK_WAITS) || m->asked >> CALLBACK_TOLD & CALLBACK_WAITS || callback_ended(m))
        return;
    m->asked |= (uint64_t)CALLBACK_WAITS << CALLBACK_TOLD;
    callback_queue(a, id, m, CALLBACK_WAITS);
}

int32_t apply__callback_asked(struct apply *a, const struct ev_callback_asked *e)
{
    struct rec_message m;
    struct key k = key_of_id(e->id);
    int32_t rc = apply__get(a, TABLE_MESSAGE, &k, &rec_desc_message, &m);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such message") : rc;
    if (!e->mask || e->mask >> CALLBACK_TOLD || !e->url.n)
        return apply__wrong(a, "it asks for nothing");
    m.asked = e->mask;
    m.callback = e->url;
    apply__callbacks(a, e->id, &m);
    apply__put(a, TABLE_MESSAGE, &k, &rec_desc_message, &m);
    return HILO_OK;
}

static struct key callback_key(struct hilo_str bytes)
{
    struct key k;

    key_init(&k);
    key_bytes(&k, bytes);
    return k;
}

int32_t apply__callback_settled(struct apply *a, const struct ev_callback_settled *e)
{
    if (e->keys.n == 0 || e->keys.n % KEY_BYTES)
        return apply__wrong(a, "it has no whole number of keys");
    for (uint64_t at = 0; at < e->keys.n; at += KEY_BYTES) {
        struct key k = callback_key((struct hilo_str){e->keys.p + at, KEY_BYTES});
        apply__del(a, TABLE_CALLBACK, &k);
    }
    return HILO_OK;
}

int32_t apply__callback_postponed(struct apply *a, const struct ev_callback_postponed *e)
{
    struct rec_callback r;
    struct key k;
    int32_t rc;

    if (e->key.n != KEY_BYTES || !e->due)
        return apply__wrong(a, "it has no key, or is due at no time");
    k = callback_key(e->key);
    rc = apply__get(a, TABLE_CALLBACK, &k, &rec_desc_callback, &r);
    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such callback waits") : rc;
    apply__del(a, TABLE_CALLBACK, &k);
    r.attempts = e->attempts;
    k = key_callback(e->due, key_tail_u64(e->key, 1), (uint8_t)e->key.p[KEY_BYTES - 1]);
    apply__put(a, TABLE_CALLBACK, &k, &rec_desc_callback, &r);
    return HILO_OK;
}
