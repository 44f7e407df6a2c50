/*
 * The 24 hour window. Its end moves with the customer's newest message by the provider's
 * clock (conversation.last_in), so nothing of it is stored.
 */
#include "services/window.h"
#include "base/str.h"
#include "services/customers.h"
#include "store/keys.h"

enum { SHOWN_MAX = 5 };
static const int64_t WINDOW_US = INT64_C(24) * 3600 * 1000000;

int64_t window_until(const struct rec_conversation *c)
{
    return c->last_in ? (int64_t)c->last_in + WINDOW_US : 0;
}

bool window_needed(const struct gw_channel *c, const struct hilo_str *part, size_t n)
{
    bool has = (c->able->flags & HILO_ABLE_WINDOW) && !c->provider_window;

    for (size_t i = 0; has && i < n; i++) {
        uint32_t type = hilo_content_type(part[i]);
        if (type != HILO_CONTENT_TEMPLATE && type != HILO_CONTENT_SYSTEM)
            return true;
    }
    return false;
}

struct names {
    struct arena *arena;
    struct hilo_str all;
    unsigned n;
};

static void names_add(struct names *x, struct hilo_str name, struct hilo_str more)
{
    x->all =
        arena_fmt(x->arena, "%.*s%s%.*s%s%.*s%s", STR_FMT(x->all), x->n ? ", " : "",
                  STR_FMT(str_utf8_head(name, 40)), more.n ? " (" : "", STR_FMT(more), more.n ? ")" : "");
    x->n++;
}

static bool template_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct names *x = arg;
    struct rec_template r;

    (void)key;
    if (rec_unpack(&rec_desc_template, val, &r, NULL) == HILO_OK &&
        hilo_get_u64(r.body, HILO_T_TEMPLATE_STATUS) == HILO_TEMPLATE_APPROVED)
        names_add(x, hilo_get_str(r.body, HILO_T_TEMPLATE_NAME),
                  hilo_get_str(r.body, HILO_T_TEMPLATE_LANGUAGE));
    return x->n < SHOWN_MAX;
}

static void scheme_add(void *arg, const struct identifier *id, const struct rec_identifier *r)
{
    (void)r;
    *(uint32_t *)arg |= 1u << id->scheme;
}

int window_fault(struct gateway *gw, const struct gw_channel *c, struct hilo_id customer, struct arena *a,
                 struct fault *f)
{
    struct names templates = {.arena = a}, channels = {.arena = a};
    struct key prefix = key_channel(c->name);
    struct err e = {0};
    uint32_t schemes = 0;
    int32_t rc = store_scan(gw->store, TABLE_TEMPLATE, key_str(&prefix), (struct hilo_str){0}, false,
                            template_one, &templates, &e);

    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (!id_none(customer) && customer_identifiers(gw, customer, a, scheme_add, &schemes, f) != 0)
        return -1;
    for (const struct gw_channel *o = gw->channels; o && channels.n < SHOWN_MAX; o = o->next)
        if (o != c && o->plug && (o->provides & HILO_CAN_SEND) && !(o->able->flags & HILO_ABLE_WINDOW) &&
            (o->able->schemes & schemes))
            names_add(&channels, o->name, (struct hilo_str){0});
    return fault_set(f, 409, "window_closed", "/content",
                     "the customer has not written on %.*s within 24 hours, so it takes templates only: send "
                     "%s%.*s%s%s%.*s",
                     STR_FMT(c->name), templates.n ? "one of " : "an approved template",
                     STR_FMT(templates.all), templates.n == SHOWN_MAX ? " …" : "",
                     channels.n ? "; or use another channel: " : "", STR_FMT(channels.all));
}
