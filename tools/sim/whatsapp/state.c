/* What the simulated service remembers: customers and their windows, messages in both directions, callback
 * data.
 *
 * Limits: the newest `keep` messages of each direction stay; older ones can no longer be looked up or
 * answered, but stay counted. Callback data stays for all messages up to CALLBACK_DATA_TRACKED distinct
 * values, because "was anything sent twice" is the question that a torture test asks at its end. Customers
 * are never forgotten. */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void state_init(struct sim *s, size_t keep)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, &attr);
    pthread_cond_init(&s->work, &attr);
    pthread_cond_init(&s->stop, &attr);
    pthread_condattr_destroy(&attr);
    random_bytes(&s->id_nonce, sizeof s->id_nonce);
    struct ring *rings[] = {&s->sent, &s->received, &s->acked};
    for (int i = 0; i < 3; i++) {
        rings[i]->cap = keep;
        rings[i]->slot = xcalloc(keep, sizeof(void *));
    }
}

/* Puts `p` into the ring and gives back what fell out. */
static void *ring_put(struct ring *ring, void *p)
{
    void **slot = &ring->slot[ring->next++ % ring->cap], *old = *slot;
    *slot = p;
    return old;
}

static void message_free(struct message *m)
{
    free(m->body);
    free(m->callback_data);
    free(m);
}

void state_free(struct sim *s)
{
    struct customer *c, *next_c;
    struct callback_data *d, *next_d;
    HASH_CLEAR(by_user_id, s->by_user_id);
    /* Every customer is in the phone table, under its number or else its user id: that table owns them. */
    HASH_ITER(by_phone, s->by_phone, c, next_c)
    {
        HASH_DELETE(by_phone, s->by_phone, c);
        free(c);
    }
    HASH_ITER(hh, s->callbacks, d, next_d)
    {
        HASH_DEL(s->callbacks, d);
        free(d->key);
        free(d);
    }
    HASH_CLEAR(hh, s->messages);
    HASH_CLEAR(hh, s->inbounds);
    for (size_t i = 0; i < s->sent.cap; i++) {
        if (s->sent.slot[i])
            message_free(s->sent.slot[i]);
        free(s->received.slot[i]);
        free(s->acked.slot[i]);
    }
    free(s->sent.slot);
    free(s->received.slot);
    free(s->acked.slot);
    cJSON_Delete(s->conf.templates);
    pthread_cond_destroy(&s->changed);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->stop);
    pthread_mutex_destroy(&s->lock);
}

struct customer *customer_find_locked(struct sim *s, const char *phone_or_user_id)
{
    struct customer *c;
    HASH_FIND(by_phone, s->by_phone, phone_or_user_id, strlen(phone_or_user_id), c);
    if (!c)
        HASH_FIND(by_user_id, s->by_user_id, phone_or_user_id, strlen(phone_or_user_id), c);
    return c;
}

/* An id such as the service would give: the same for the same number, different for different ones in
 * practice. */
static void user_id_of(const char *phone, char out[USER_ID_MAX])
{
    static const char *const countries[][2] = {{"57", "CO"}, {"56", "CL"}, {"52", "MX"}, {"54", "AR"},
                                               {"55", "BR"}, {"51", "PE"}, {"34", "ES"}, {"1", "US"}};
    const char *country = "ZZ";
    for (size_t i = 0; i < sizeof countries / sizeof countries[0]; i++) {
        if (!strncmp(phone, countries[i][0], strlen(countries[i][0]))) {
            country = countries[i][1];
            break;
        }
    }
    uint64_t h = 14695981039346656037u;
    for (; *phone; phone++)
        h = (h ^ (uint8_t)*phone) * 1099511628211u;
    snprintf(out, USER_ID_MAX, "%s.%020llu", country, (unsigned long long)h);
}

struct customer *customer_touch_locked(struct sim *s, const char *phone, const char *user_id)
{
    struct customer *c = phone ? customer_find_locked(s, phone) : NULL;
    char made[USER_ID_MAX];
    if (!c && user_id)
        c = customer_find_locked(s, user_id);
    if (!c) {
        c = xcalloc(1, sizeof *c);
        if (!user_id) {
            user_id_of(phone, made);
            user_id = made;
        }
        copy_text(c->user_id, sizeof c->user_id, user_id);
        copy_text(c->name, sizeof c->name, phone ? phone : user_id);
        copy_text(c->phone, sizeof c->phone, phone ? phone : "");
        const char *key = phone ? c->phone : c->user_id;
        HASH_ADD_KEYPTR(by_phone, s->by_phone, key, strlen(key), c);
        HASH_ADD_KEYPTR(by_user_id, s->by_user_id, c->user_id, strlen(c->user_id), c);
    } else if (phone && !c->phone[0]) { /* known by its user id until now */
        HASH_DELETE(by_phone, s->by_phone, c);
        copy_text(c->phone, sizeof c->phone, phone);
        HASH_ADD_KEYPTR(by_phone, s->by_phone, c->phone, strlen(c->phone), c);
    } else if (user_id && c->phone[0] && strcmp(c->user_id, user_id) && !customer_find_locked(s, user_id)) {
        HASH_DELETE(by_user_id, s->by_user_id, c);
        copy_text(c->user_id, sizeof c->user_id, user_id);
        HASH_ADD_KEYPTR(by_user_id, s->by_user_id, c->user_id, strlen(c->user_id), c);
    }
    return c;
}

bool window_open_locked(const struct sim *s, const struct customer *c)
{
    if (!s->conf.enforce_window)
        return true;
    return c && c->last_inbound_us && clock_us_locked(s) - c->last_inbound_us < s->conf.window_s * 1000000;
}

void wamid_new_locked(struct sim *s, const char *party, char out[WAMID_MAX])
{
    /* The shape of the real ones: "wamid." and base64 of a few marks, the party and a unique part in hex. */
    uint8_t raw[60] = {0x1C, 0x18};
    size_t n = strlen(party) < 20 ? strlen(party) : 20;
    uint64_t seq = ++s->id_seq, nonce = s->id_nonce;
    raw[2] = (uint8_t)n;
    memcpy(raw + 3, party, n);
    static const uint8_t marks[] = {0x15, 0x02, 0x00, 0x11, 0x18, 0x12};
    memcpy(raw + 3 + n, marks, sizeof marks);
    int m = snprintf((char *)raw + 9 + n, sizeof raw - 9 - n, "%08llX%010llX",
                     (unsigned long long)(nonce & 0xFFFFFFFF), (unsigned long long)(seq & 0xFFFFFFFFFF));
    char *text = base64(raw, 9 + n + (size_t)m + 1);
    snprintf(out, WAMID_MAX, "wamid.%s", text);
    free(text);
}

struct message *message_add_locked(struct sim *s, const char *id, char *body, char *callback_data)
{
    struct message *m = xcalloc(1, sizeof *m);
    copy_text(m->id, sizeof m->id, id);
    m->body = body;
    m->callback_data = callback_data;
    m->at_s = unix_s();
    struct message *old = ring_put(&s->sent, m);
    m->seq = s->sent.next;
    if (old) {
        HASH_DEL(s->messages, old);
        message_free(old);
    }
    HASH_ADD_STR(s->messages, id, m);
    s->counts.accepted++;
    if (callback_data) {
        struct callback_data *d;
        HASH_FIND_STR(s->callbacks, callback_data, d);
        if (!d && HASH_COUNT(s->callbacks) < CALLBACK_DATA_TRACKED) {
            d = xcalloc(1, sizeof *d);
            d->key = xstrdup(callback_data);
            HASH_ADD_KEYPTR(hh, s->callbacks, d->key, strlen(d->key), d);
        }
        if (d)
            d->n++;
        else
            s->counts.untracked++;
    }
    pthread_cond_broadcast(&s->changed);
    return m;
}

struct message *message_find_locked(struct sim *s, const char *id)
{
    struct message *m;
    HASH_FIND_STR(s->messages, id, m);
    return m;
}

struct message *message_last_locked(struct sim *s, const char *party)
{
    struct ring *ring = &s->sent;
    for (uint64_t i = ring->next; i > 0 && ring->next - i < ring->cap; i--) {
        struct message *m = ring->slot[(i - 1) % ring->cap];
        if (!m->dropped && (!party || !strcmp(m->phone, party) || !strcmp(m->user_id, party)))
            return m;
    }
    return NULL;
}

struct inbound *inbound_add_locked(struct sim *s, const char *id)
{
    struct inbound *in = xcalloc(1, sizeof *in), *old = ring_put(&s->received, in);
    copy_text(in->id, sizeof in->id, id);
    if (old) {
        HASH_DEL(s->inbounds, old);
        free(old);
    }
    HASH_ADD_STR(s->inbounds, id, in);
    s->counts.inbound++;
    return in;
}

void inbound_acked_locked(struct sim *s, const char *id)
{
    struct inbound *in;
    HASH_FIND_STR(s->inbounds, id, in);
    if (in && in->acked_seq)
        return; /* a duplicate on purpose, acknowledged before */
    free(ring_put(&s->acked, xstrdup(id)));
    if (in)
        in->acked_seq = s->acked.next;
    s->counts.acked_messages++;
}

bool wait_changed_locked(struct sim *s, int64_t deadline_us)
{
    struct timespec ts = {.tv_sec = deadline_us / 1000000, .tv_nsec = deadline_us % 1000000 * 1000};
    if (s->stopping || mono_us() >= deadline_us)
        return false;
    return pthread_cond_timedwait(&s->changed, &s->lock, &ts) != ETIMEDOUT && !s->stopping;
}
