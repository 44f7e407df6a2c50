/*
 * Apply: dispatch by event, and the small tables. Collected changes are put when the
 * event was understood as a whole; reads of one event see its own changes, of which
 * there are few, so a list is enough.
 */
#include "store/apply.h"
#include "base/str.h"

struct apply_change {
    struct apply_change *next;
    enum table table;
    bool del;
    struct hilo_str key, val;
};

static struct apply_change *apply__find(struct apply *a, enum table t, struct hilo_str key)
{
    for (struct apply_change *c = a->changes; c; c = c->next)
        if (c->table == t && str_eq(c->key, key))
            return c;
    return NULL;
}

int32_t apply__raw(struct apply *a, enum table t, const struct key *k, struct hilo_str *val_out)
{
    const struct apply_change *c = apply__find(a, t, key_str(k));

    if (c) {
        if (c->del)
            return HILO_NOTFOUND;
        *val_out = c->val;
        return HILO_OK;
    }
    return context_get(a->context, t, key_str(k), a->arena, val_out, a->err);
}

int32_t apply__get(struct apply *a, enum table t, const struct key *k, const struct rec_desc *d,
                   void *rec_out)
{
    struct hilo_str val;
    int32_t rc = apply__raw(a, t, k, &val);

    return rc == HILO_OK ? rec_unpack(d, val, rec_out, a->err) : rc;
}

static struct apply_change *apply__add(struct apply *a, enum table t, struct hilo_str key)
{
    struct apply_change *c = ARENA_NEW(a->arena, struct apply_change);

    c->table = t;
    c->key = arena_str(a->arena, key);
    *a->changes_end = c;
    a->changes_end = &c->next;
    return c;
}

static void apply__change(struct apply *a, enum table t, const struct key *k, bool del, struct hilo_str val)
{
    struct apply_change *c = apply__find(a, t, key_str(k));

    if (!c)
        c = apply__add(a, t, key_str(k));
    c->del = del;
    c->val = val;
}

void apply__put_raw(struct apply *a, enum table t, const struct key *k, struct hilo_str val)
{
    apply__change(a, t, k, false, val.n ? arena_str(a->arena, val) : val);
}

void apply__put(struct apply *a, enum table t, const struct key *k, const struct rec_desc *d, const void *rec)
{
    struct hilo_writer w;

    arena_writer(a->arena, &w);
    rec_pack(d, rec, &w);
    apply__change(a, t, k, false, hilo_written(&w));
}

void apply__del(struct apply *a, enum table t, const struct key *k)
{
    apply__change(a, t, k, true, (struct hilo_str){0});
}

int32_t apply__wrong(struct apply *a, const char *what)
{
    return err_set(a->err, HILO_CORRUPT, "event %llu (%s) contradicts the context: %s",
                   (unsigned long long)a->event->head.seq, event_desc(a->event->head.type)->name, what);
}

struct apply__deleting {
    struct apply *a;
    enum table table;
};

static bool apply__del_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    const struct apply__deleting *d = arg;

    (void)val;
    /* Added without a look at the others, as no key comes twice. */
    apply__add(d->a, d->table, key)->del = true;
    return true;
}

int32_t apply__del_all(struct apply *a, enum table t, const struct key *prefix)
{
    struct apply__deleting d = {a, t};

    return context_scan(a->context, t, key_str(prefix), (struct hilo_str){0}, false, apply__del_one, &d,
                        a->err);
}

/* ---- the small tables ---- */

int32_t apply__key_created(struct apply *a, const struct ev_key_created *e)
{
    struct rec_key r = {
        .id = e->id, .name = e->name, .scopes = e->scopes, .created = (uint64_t)a->event->head.time_us};
    struct key k, by_id = key_of_id(e->id);

    if (e->hash.n != 32)
        return apply__wrong(a, "the key's hash has not 32 bytes");
    key_init(&k);
    key_bytes(&k, e->hash);
    apply__put(a, TABLE_KEY, &k, &rec_desc_key, &r);
    apply__put_raw(a, TABLE_KEY_ID, &by_id, e->hash);
    return HILO_OK;
}

int32_t apply__key_revoked(struct apply *a, const struct ev_key_revoked *e)
{
    struct key k, by_id = key_of_id(e->id);
    struct hilo_str hash;
    struct rec_key r;

    if (apply__raw(a, TABLE_KEY_ID, &by_id, &hash) != HILO_OK)
        return apply__wrong(a, "no such key");
    key_init(&k);
    key_bytes(&k, hash);
    if (apply__get(a, TABLE_KEY, &k, &rec_desc_key, &r) != HILO_OK)
        return apply__wrong(a, "no such key");
    r.revoked = (uint64_t)a->event->head.time_us;
    apply__put(a, TABLE_KEY, &k, &rec_desc_key, &r);
    return HILO_OK;
}

int32_t apply__channel_paused(struct apply *a, const struct ev_channel_paused *e)
{
    struct key k = key_channel(e->channel);
    struct rec_channel r = {.paused = (uint64_t)a->event->head.time_us, .reason = e->reason};

    apply__put(a, TABLE_CHANNEL, &k, &rec_desc_channel, &r);
    return HILO_OK;
}

int32_t apply__channel_resumed(struct apply *a, const struct ev_channel_resumed *e)
{
    struct key k = key_channel(e->channel);

    apply__del(a, TABLE_CHANNEL, &k);
    return HILO_OK;
}

int32_t apply__template_stored(struct apply *a, const struct ev_template_stored *e)
{
    struct key k = key_template(e->channel, e->name, e->language);
    struct rec_template r = {.changed = (uint64_t)a->event->head.time_us, .body = e->body};

    apply__put(a, TABLE_TEMPLATE, &k, &rec_desc_template, &r);
    return HILO_OK;
}

int32_t apply__template_removed(struct apply *a, const struct ev_template_removed *e)
{
    struct key k = key_template(e->channel, e->name, e->language);

    apply__del(a, TABLE_TEMPLATE, &k);
    return HILO_OK;
}

int32_t apply__plugin_put(struct apply *a, const struct ev_plugin_put *e)
{
    struct key k = key_plugin(e->plugin, e->subject, e->key);
    struct rec_plugin_value r = {.version = a->event->head.seq, .value = e->value};

    apply__put(a, TABLE_PLUGIN, &k, &rec_desc_plugin_value, &r);
    return HILO_OK;
}

int32_t apply__secret_created(struct apply *a, const struct ev_secret_created *e)
{
    struct key k = key_channel(e->name);

    apply__put_raw(a, TABLE_META, &k, e->value);
    return HILO_OK;
}

int32_t apply__once(struct apply *a, struct hilo_str key, struct hilo_str request)
{
    struct rec_idempotency r = {.request = request,
                                .at = a->event->at,
                                .seq = a->event->head.seq,
                                .time = (uint64_t)a->event->head.time_us};
    struct key k, age;

    if (key.n > CONTEXT_KEY_MAX - 8)
        return apply__wrong(a, "the key has no length that a key can have");
    key_init(&k);
    key_bytes(&k, key);
    key_init(&age);
    key_u64(&age, r.time);
    key_bytes(&age, key);
    apply__put(a, TABLE_IDEMPOTENCY, &k, &rec_desc_idempotency, &r);
    apply__put_raw(a, TABLE_IDEMPOTENCY_AGE, &age, (struct hilo_str){0});
    return HILO_OK;
}

int32_t apply__idempotency_stored(struct apply *a, const struct ev_idempotency_stored *e)
{
    return e->key.n ? apply__once(a, e->key, e->request) : apply__wrong(a, "it has no key");
}

int32_t apply__idempotency_forgotten(struct apply *a, const struct ev_idempotency_forgotten *e)
{
    return apply__forget(a, TABLE_IDEMPOTENCY_AGE, TABLE_IDEMPOTENCY, e->before);
}

int32_t apply__parked_forgotten(struct apply *a, const struct ev_parked_forgotten *e)
{
    return apply__forget(a, TABLE_PARKED_AGE, TABLE_PARKED, e->before);
}

struct apply__old {
    struct apply *a;
    enum table age, table;
    uint64_t before;
};

static bool apply__forget_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct apply__old *o = arg;

    (void)val;
    if (key_tail_u64((struct hilo_str){key.p, 8}, 0) >= o->before)
        return false;
    /* Added without a look at the others: all keys differ, and there may be many. */
    apply__add(o->a, o->age, key)->del = true;
    apply__add(o->a, o->table, (struct hilo_str){key.p + 8, key.n - 8})->del = true;
    return true;
}

int32_t apply__forget(struct apply *a, enum table age, enum table table, uint64_t before)
{
    struct apply__old o = {a, age, table, before};

    return context_scan(a->context, age, (struct hilo_str){0}, (struct hilo_str){0}, false, apply__forget_one,
                        &o, a->err);
}

/* ---- dispatch ---- */

static int32_t apply__dispatch(struct apply *a, const void *body)
{
    switch (a->event->head.type) {
#define EVENT(name, number, text)                                                                            \
    case (number):                                                                                           \
        return apply__##name(a, body);
#include "store/events.def"
    default:
        return HILO_CORRUPT;
    }
}

int32_t apply_event(struct context *context, struct arena *arena, const struct event *event,
                    const struct apply_step **steps_out, struct err *err)
{
    struct apply a = {.context = context, .arena = arena, .event = event, .err = err};
    const struct rec_desc *d = event_desc(event->head.type);
    int32_t rc;

    a.changes_end = &a.changes;
    a.steps_end = &a.steps;
    if (!d)
        return err_set(err, HILO_CORRUPT, "event %llu has type %u, which this version does not know",
                       (unsigned long long)event->head.seq, (unsigned)event->head.type);
    if (event->head.version != 1)
        return err_set(err, HILO_CORRUPT, "event %llu (%s) has form %u, this version knows form 1",
                       (unsigned long long)event->head.seq, d->name, (unsigned)event->head.version);
    void *body = arena_alloc(arena, d->bytes);
    rc = rec_unpack(d, event->body, body, err);
    if (rc == HILO_OK)
        rc = apply__dispatch(&a, body);
    for (const struct apply_unsaid *u = a.unsaid; u && rc == HILO_OK; u = u->next)
        rc = apply__wish_unsaid(&a, u->wish, u->message);
    if (rc != HILO_OK)
        return rc;
    for (const struct apply_change *c = a.changes; c; c = c->next) {
        if (c->del)
            context_del(context, c->table, c->key);
        else
            context_put(context, c->table, c->key, c->val);
    }
    context_applied(context, event->head.time_us);
    if (steps_out)
        *steps_out = a.steps;
    return HILO_OK;
}
