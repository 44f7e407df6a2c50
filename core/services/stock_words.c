/*
 * What a customer is told when what she waited for has arrived. The gateway's own words are short and, in
 * Spanish, without the letters that would make an SMS one of UCS-2.
 */
#include "base/str.h"
#include "model/json.h"
#include "model/jsoncheck.h"
#include "model/out.h"
#include "services/stock.h"
#include <string.h>

static bool speaks_spanish(const struct gateway *gw, const struct rec_customer *who)
{
    struct hilo_str language = who->language.n ? who->language : gw->language;

    return language.n >= 2 && (language.p[0] == 'e' || language.p[0] == 'E') &&
           (language.p[1] == 's' || language.p[1] == 'S');
}

/* "Camisa azul (M)": as it is called, else by its sku, with what was asked for. */
static struct hilo_str item_name(const struct ev_stock_arrived *e, const struct rec_wish *w, struct arena *a)
{
    struct hilo_str what = e->title.n ? e->title : w->sku;
    struct hilo_str size = e->size.n ? e->size : w->size, colour = e->colour.n ? e->colour : w->colour;

    if (!size.n && !colour.n)
        return what;
    return arena_fmt(a, "%.*s (%.*s%s%.*s)", STR_FMT(what), STR_FMT(size), size.n && colour.n ? ", " : "",
                     STR_FMT(colour));
}

static struct hilo_str own_words(const struct gateway *gw, const struct ev_stock_arrived *e,
                                 const struct rec_wish *w, const struct rec_customer *who,
                                 struct hilo_str link, struct arena *a)
{
    const bool es = speaks_spanish(gw, who);
    struct hilo_str name = item_name(e, w, a), store = e->store.n ? e->store : w->store, s;

    if (es)
        s = who->name.n ? arena_fmt(a, "Hola, %.*s. Ya hay %.*s", STR_FMT(who->name), STR_FMT(name))
                        : arena_fmt(a, "Ya hay %.*s", STR_FMT(name));
    else
        s = who->name.n ? arena_fmt(a, "Hello %.*s. %.*s is here", STR_FMT(who->name), STR_FMT(name))
                        : arena_fmt(a, "%.*s is here", STR_FMT(name));
    if (link.n)
        return arena_fmt(a, "%.*s. %s: %.*s", STR_FMT(s), es ? "Para comprar" : "To buy", STR_FMT(link));
    if (store.n)
        return arena_fmt(a, "%.*s, %s %.*s.", STR_FMT(s), es ? "en" : "at", STR_FMT(store));
    return arena_fmt(a, "%.*s.", STR_FMT(s));
}

/* Every {name} in the JSON's strings; outside of them there can be none. Values come escaped. */
static bool fill_in(struct buf *to, struct hilo_str json, const struct hilo_kv *values, unsigned n)
{
    bool ok = true;

    for (uint64_t i = 0; i < json.n;) {
        unsigned v = 0;
        while (v < n && !(json.p[i] == '{' && json.n - i > values[v].key.n + 1 &&
                          json.p[i + 1 + values[v].key.n] == '}' &&
                          memcmp(json.p + i + 1, values[v].key.p, (size_t)values[v].key.n) == 0))
            v++;
        if (v == n) {
            ok &= buf_add(to, json.p + i++, 1) == HILO_OK;
            continue;
        }
        struct buf text = {0};
        ok &= json_put_str(&text, values[v].val) == HILO_OK &&
              buf_add(to, (const char *)text.p + 1, text.n - 2) == HILO_OK;
        buf_done(&text);
        i += values[v].key.n + 2;
    }
    return ok;
}

static int content_bytes(struct arena *a, struct hilo_str json, struct hilo_str *out, struct fault *f)
{
    const struct model_path at = {NULL, STR("/content"), 0};
    const struct json_limits limits = {.bytes_max = 1 << 20};
    struct hilo_writer w;
    const cJSON *tree;
    struct err e = {0};
    int32_t rc = json_parse_in(a, json, &limits, &e, &tree);

    if (rc == HILO_OK) {
        arena_writer(a, &w);
        rc = model_json_read(&w, MODEL_G_CONTENT, tree, &at, &e);
    }
    if (rc != HILO_OK)
        return fault_set(f, 422, "invalid_content", "/content", "%.380s", e.text);
    *out = hilo_written(&w);
    return 0;
}

int stock__words(struct gateway *gw, const struct ev_stock_arrived *e, const struct rec_wish *w,
                 const struct rec_customer *who, struct arena *a, struct hilo_str *content_out,
                 struct fault *f)
{
    const struct hilo_str link = e->link.n ? e->link : w->link;

    if (e->content.n) {
        const struct hilo_kv values[] = {{STR("name"), who->name},
                                         {STR("title"), e->title.n ? e->title : w->sku},
                                         {STR("link"), link},
                                         {STR("size"), e->size.n ? e->size : w->size},
                                         {STR("colour"), e->colour.n ? e->colour : w->colour},
                                         {STR("store"), e->store.n ? e->store : w->store}};
        struct buf json = {0};
        const bool ok = fill_in(&json, e->content, values, sizeof values / sizeof *values);
        struct hilo_str filled = arena_str(a, buf_str(&json));
        buf_done(&json);
        if (!ok)
            return fault_set(f, 503, "no_memory", "/content", "out of memory; try again later");
        return content_bytes(a, filled, content_out, f);
    }
    struct hilo_writer out;
    arena_writer(a, &out);
    hilo_put_u64(&out, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&out, HILO_T_CONTENT_TEXT, own_words(gw, e, w, who, link, a));
    *content_out = hilo_written(&out);
    return 0;
}
