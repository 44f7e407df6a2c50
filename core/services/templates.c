/*
 * Templates: what a channel's plugin publishes, kept in the store.
 *
 * A list between begin and end is noted by its keys; end removes what is stored and was
 * not noted. A list that could not all be written removes nothing: better a template
 * that is gone at the provider than one that is there and refused here.
 */
#include "services/templates.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/table.h"
#include "store/keys.h"
#include <stdlib.h>

enum { NAME_MAX_BYTES = 512, LANGUAGE_MAX_BYTES = 35, LIST_MAX = 20000 };

/* The keys of the list that is being put. */
struct template_list {
    struct key *key;
    size_t n, cap;
    size_t changed; /* so many were new or not as they are stored */
    bool partial;   /* one of it is not stored */
};

static int key_compare(const void *a, const void *b)
{
    return str_cmp(key_str(a), key_str(b));
}

void templates_drop(struct gw_channel *c)
{
    if (c->templates)
        free(c->templates->key);
    free(c->templates);
    c->templates = NULL;
}

void templates_begin(struct gw_channel *c)
{
    templates_drop(c);
    c->templates = calloc(1, sizeof *c->templates);
    if (!c->templates)
        check_nomem();
}

static void list_note(struct template_list *l, const struct key *k)
{
    if (l->n == LIST_MAX) {
        l->partial = true;
        return;
    }
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->key = realloc(l->key, l->cap * sizeof *l->key);
        if (!l->key)
            check_nomem();
    }
    l->key[l->n++] = *k;
}

/* Whether a whole template makes sense, as far as the core goes by it. */
static int32_t check_whole(struct hilo_str t, struct err *e)
{
    struct hilo_str s, rest = t;
    struct hilo_field f;

    if (!model_value_text(MODEL_E_TEMPLATE, hilo_get_u64(t, HILO_T_TEMPLATE_STATUS)))
        return err_set(e, HILO_INVALID, "it has no status that is known");
    if (!model_value_text(MODEL_E_CATEGORY, hilo_get_u64(t, HILO_T_TEMPLATE_CATEGORY)))
        return err_set(e, HILO_INVALID, "it has no category that is known");
    if (hilo_find(t, HILO_T_TEMPLATE_HEADER, &s) && !model_value_text(MODEL_E_PARAM, hilo_u64(s)))
        return err_set(e, HILO_INVALID, "its header is of a kind that is not known");
    while (hilo_next(&rest, &f) == 1)
        if (f.tag == HILO_T_TEMPLATE_BUTTONS &&
            !model_value_text(MODEL_E_BUTTON, hilo_get_u64(f.val, HILO_T_TBUTTON_TYPE)))
            return err_set(e, HILO_INVALID,
                           "a button of it is of a type that is not known; \"other\" is one");
    return HILO_OK;
}

/* What is stored, with what the change gives in its place. */
static int32_t merge(struct arena *a, struct hilo_str old, struct hilo_str change, struct hilo_str *out,
                     struct err *e)
{
    struct model_change c[64];
    struct hilo_str rest = change;
    struct hilo_field f;
    uint64_t seen = 0;
    size_t n = 0;

    while (hilo_next(&rest, &f) == 1) {
        const struct model_field *m = model_field(MODEL_G_TEMPLATE, f.tag);
        bool first = f.tag < 64 && !(seen >> f.tag & 1);
        if (!m || (!first && !(m->flags & MODEL_REPEATED)))
            continue;
        if (n + 2 > sizeof c / sizeof *c)
            return err_set(e, HILO_INVALID, "it has too many fields");
        if (!(m->flags & MODEL_REPEATED)) {
            c[n++] = change_str(f.tag, f.val);
        } else {
            if (first)
                c[n++] = change_remove(f.tag);
            c[n++] = change_add(f.tag, f.val);
        }
        seen |= UINT64_C(1) << f.tag;
    }
    return model_edit(a, old, c, n, out, e);
}

static int32_t put(struct gw_channel *c, struct hilo_str t, struct err *e)
{
    struct gateway *gw = c->gateway;
    struct rec_template r;
    int32_t rc = model_check_group(MODEL_G_TEMPLATE, t, e);

    if (rc != HILO_OK)
        return rc;
    struct ev_template_stored ev = {.channel = c->name,
                                    .name = hilo_get_str(t, HILO_T_TEMPLATE_NAME),
                                    .language = hilo_get_str(t, HILO_T_TEMPLATE_LANGUAGE),
                                    .body = t};
    if (ev.name.n == 0 || ev.name.n > NAME_MAX_BYTES || ev.language.n == 0 ||
        ev.language.n > LANGUAGE_MAX_BYTES)
        return err_set(e, HILO_INVALID, "its name must have 1 to %d bytes and its language 1 to %d",
                       NAME_MAX_BYTES, LANGUAGE_MAX_BYTES);
    struct key k = key_template(c->name, ev.name, ev.language);
    if (c->templates)
        list_note(c->templates, &k);
    rc = store_record(gw->store, TABLE_TEMPLATE, key_str(&k), &rec_desc_template, gw->arena, &r, e);
    if (rc == HILO_OK && !c->templates)
        rc = merge(gw->arena, r.body, t, &ev.body, e);
    if (rc == HILO_NOTFOUND) {
        r.body = (struct hilo_str){0};
        rc = HILO_OK;
    }
    if (rc == HILO_OK)
        rc = check_whole(ev.body, e);
    if (rc != HILO_OK || str_eq(ev.body, r.body))
        return rc;
    const struct actor actor = {.kind = ACTOR_CHANNEL};
    rc = store_append(gw->store, &ev_desc_template_stored, &ev, &actor, clock_wall_us(), NULL, e);
    if (rc == HILO_OK && c->templates)
        c->templates->changed++;
    else if (rc == HILO_OK)
        log_event(gw->log, HILO_LOG_INFO, "template.changed", "channel=%.*s status=%s", STR_FMT(c->name),
                  model_value_text(MODEL_E_TEMPLATE, hilo_get_u64(ev.body, HILO_T_TEMPLATE_STATUS)));
    return rc;
}

void templates_put(struct gw_channel *c, struct hilo_str t)
{
    struct gateway *gw = c->gateway;
    char name[100], words[300];
    struct err e = {0};

    store_begin(gw->store);
    int32_t rc = put(c, t, &e);
    store_end(gw->store);
    if (rc == HILO_OK)
        return;
    if (c->templates)
        c->templates->partial = true;
    log_event(gw->log, HILO_LOG_WARN, rc == HILO_INVALID ? "template.refused" : "template.not_stored",
              "channel=%.*s name=%s error=%s", STR_FMT(c->name),
              log_quote(hilo_get_str(t, HILO_T_TEMPLATE_NAME), name, sizeof name),
              log_quote(str(e.text), words, sizeof words));
}

struct gone {
    struct gw_channel *channel;
    struct gone_one {
        struct gone_one *next;
        struct hilo_str body;
    } * first;
};

static bool gone_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct gone *g = arg;
    const struct template_list *l = g->channel->templates;
    struct rec_template r;
    struct key k;

    key_init(&k);
    key_bytes(&k, key);
    if (l->n && bsearch(&k, l->key, l->n, sizeof *l->key, key_compare))
        return true;
    if (rec_unpack(&rec_desc_template, val, &r, NULL) == HILO_OK) {
        struct gone_one *one = ARENA_NEW(g->channel->gateway->arena, struct gone_one);
        *one = (struct gone_one){g->first, arena_str(g->channel->gateway->arena, r.body)};
        g->first = one;
    }
    return true;
}

void templates_end(struct gw_channel *c)
{
    struct gateway *gw = c->gateway;
    struct template_list *l = c->templates;
    struct key prefix = key_channel(c->name);
    struct gone g = {c, NULL};
    struct err e = {0};
    unsigned removed = 0;
    int32_t rc = HILO_OK;

    if (!l || l->partial) {
        templates_drop(c);
        return;
    }
    if (l->n)
        qsort(l->key, l->n, sizeof *l->key, key_compare);
    rc = store_scan(gw->store, TABLE_TEMPLATE, key_str(&prefix), (struct hilo_str){0}, false, gone_collect,
                    &g, &e);
    for (struct gone_one *one = g.first; one && rc == HILO_OK; one = one->next) {
        const struct ev_template_removed ev = {.channel = c->name,
                                               .name = hilo_get_str(one->body, HILO_T_TEMPLATE_NAME),
                                               .language = hilo_get_str(one->body, HILO_T_TEMPLATE_LANGUAGE)};
        const struct actor actor = {.kind = ACTOR_CHANNEL};
        store_begin(gw->store);
        rc = store_append(gw->store, &ev_desc_template_removed, &ev, &actor, clock_wall_us(), NULL, &e);
        store_end(gw->store);
        removed += rc == HILO_OK;
    }
    log_event(gw->log, l->changed || removed ? HILO_LOG_INFO : HILO_LOG_DEBUG, "templates.listed",
              "channel=%.*s templates=%zu changed=%zu removed=%u", STR_FMT(c->name), l->n, l->changed,
              removed);
    if (rc != HILO_OK)
        log_event(gw->log, HILO_LOG_WARN, "template.not_removed", "channel=%.*s error=%s", STR_FMT(c->name),
                  LOG_VALUE(str(e.text)));
    templates_drop(c);
}

/* ---- looking ---- */

struct page {
    struct arena *arena;
    struct hilo_str after, *key, *val;
    unsigned n, max;
};

static bool page_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct page *p = arg;

    if (p->after.n && str_eq(key, p->after))
        return true; /* the cursor is the last one that was shown */
    p->key[p->n] = arena_str(p->arena, key);
    p->val[p->n] = arena_str(p->arena, val);
    return ++p->n < p->max;
}

int templates_list(struct gateway *gw, const struct gw_channel *c, struct hilo_str after, unsigned limit,
                   struct arena *a, template_fn *fn, void *arg, struct hilo_str *next_out, struct fault *f)
{
    /* One more than is shown says whether there is a next page. */
    struct page p = {.arena = a,
                     .after = after,
                     .key = ARENA_ARRAY(a, struct hilo_str, limit + 1),
                     .val = ARENA_ARRAY(a, struct hilo_str, limit + 1),
                     .max = limit + 1};
    struct key prefix = key_channel(c->name);
    struct rec_template r;
    struct err e = {0};
    int32_t rc = store_scan(gw->store, TABLE_TEMPLATE, key_str(&prefix), after, false, page_collect, &p, &e);

    for (unsigned i = 0; i < p.n && i < limit && rc == HILO_OK; i++) {
        rc = rec_unpack(&rec_desc_template, p.val[i], &r, &e);
        if (rc == HILO_OK)
            fn(arg, &r);
    }
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    *next_out = p.n > limit ? p.key[limit - 1] : (struct hilo_str){0};
    return 0;
}
