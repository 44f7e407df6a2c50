/*
 * A template message against the template that its channel has published: what the
 * provider would refuse later, with a code, is refused now, with words.
 */
#include "base/buf.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/table.h"
#include "model/validate.h"
#include "services/templates.h"
#include "store/keys.h"
#include <inttypes.h>
#include <stdio.h>

enum { PARAMS_MAX = 64, NAMES_SHOWN = 5 };

/* Parameters of one part (header, body), as published or as given. */
struct params {
    struct hilo_str p[PARAMS_MAX]; /* names, or groups PARAM */
    unsigned n;
};

static void params_read(struct hilo_str group, uint32_t tag, struct params *out)
{
    struct hilo_field f;

    out->n = 0;
    while (hilo_next(&group, &f) == 1)
        if (f.tag == tag && out->n < PARAMS_MAX)
            out->p[out->n++] = f.val;
}

/* ---- not there ---- */

struct search {
    struct arena *arena;
    struct hilo_str name;
    struct hilo_str languages; /* in which it exists */
    struct hilo_str near[NAMES_SHOWN], any[NAMES_SHOWN];
    unsigned n_near, n_any, all;
};

static void search_add(struct search *s, struct hilo_str *list, unsigned *n, struct hilo_str name)
{
    for (unsigned i = 0; i < *n; i++)
        if (str_eq(list[i], name))
            return;
    if (*n < NAMES_SHOWN)
        list[(*n)++] = arena_str(s->arena, str_utf8_head(name, 60));
}

static bool search_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct search *s = arg;
    struct rec_template r;

    (void)key;
    if (rec_unpack(&rec_desc_template, val, &r, NULL) != HILO_OK)
        return true;
    struct hilo_str name = hilo_get_str(r.body, HILO_T_TEMPLATE_NAME);
    s->all++;
    if (str_eq(name, s->name))
        s->languages = arena_fmt(s->arena, "%.*s%s%.*s", STR_FMT(s->languages), s->languages.n ? ", " : "",
                                 STR_FMT(hilo_get_str(r.body, HILO_T_TEMPLATE_LANGUAGE)));
    else if (str_distance(name, s->name, 3) <= (s->name.n < 4 ? 1 : s->name.n < 8 ? 2 : 3))
        search_add(s, s->near, &s->n_near, name);
    else if (hilo_get_u64(r.body, HILO_T_TEMPLATE_STATUS) == HILO_TEMPLATE_APPROVED)
        search_add(s, s->any, &s->n_any, name);
    return true;
}

static struct hilo_str join(struct arena *a, const struct hilo_str *list, unsigned n)
{
    struct hilo_str all = STR("");

    for (unsigned i = 0; i < n; i++)
        all = arena_fmt(a, "%.*s%s%.*s", STR_FMT(all), i ? ", " : "", STR_FMT(list[i]));
    return all;
}

/* 0: the channel has published no list, so nothing is known. */
static int absent(struct gateway *gw, const struct gw_channel *c, struct hilo_str name,
                  struct hilo_str language, struct arena *a, struct fault *f)
{
    struct search s = {.arena = a, .name = name};
    struct key prefix = key_channel(c->name);
    struct err e = {0};
    int32_t rc = store_scan(gw->store, TABLE_TEMPLATE, key_str(&prefix), (struct hilo_str){0}, false,
                            search_one, &s, &e);

    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (s.all == 0)
        return 0;
    if (s.languages.n)
        return fault_set(f, 422, "template_unknown_language", "/content/language",
                         "the template %.*s does not exist in %.*s; it does in %.*s",
                         STR_FMT(str_utf8_head(name, 100)), STR_FMT(language),
                         STR_FMT(str_utf8_head(s.languages, 200)));
    if (s.n_near)
        return fault_set(f, 422, "template_unknown", "/content/name",
                         "the channel %.*s has no template of this name; did you mean %.*s?",
                         STR_FMT(c->name), STR_FMT(join(a, s.near, s.n_near)));
    return fault_set(f, 422, "template_unknown", "/content/name",
                     "the channel %.*s has no template of this name; approved ones are %.*s%s; see GET "
                     "/v1/channels/%.*s/templates",
                     STR_FMT(c->name), STR_FMT(str_utf8_head(join(a, s.any, s.n_any), 200)),
                     s.n_any == NAMES_SHOWN ? " and more" : "", STR_FMT(c->name));
}

/* ---- there, and not to be sent ---- */

static int status_check(struct hilo_str t, struct fault *f)
{
    static const char *const words[] = {[HILO_TEMPLATE_PENDING] = "waits for the provider's approval",
                                        [HILO_TEMPLATE_REJECTED] = "was rejected by the provider",
                                        [HILO_TEMPLATE_PAUSED] = "is paused by the provider",
                                        [HILO_TEMPLATE_DISABLED] = "was disabled by the provider"};
    uint64_t status = hilo_get_u64(t, HILO_T_TEMPLATE_STATUS);
    struct hilo_str reason = str_utf8_head(hilo_get_str(t, HILO_T_TEMPLATE_REASON), 120);

    if (status == HILO_TEMPLATE_APPROVED)
        return 0;
    return fault_set(f, 422, "template_not_approved", "/content/name",
                     "this template %s%s%.*s; send another one, or wait until it is approved",
                     status < sizeof words / sizeof *words && words[status] ? words[status]
                                                                            : "is not approved",
                     reason.n ? ": " : "", STR_FMT(reason));
}

/* ---- parameters ---- */

static int wrong(struct fault *f, const char *part, int index, const char *words)
{
    char pointer[64];

    if (index < 0)
        (void)snprintf(pointer, sizeof pointer, "/content/parameters/%s", part);
    else
        (void)snprintf(pointer, sizeof pointer, "/content/parameters/%s/%d", part, index);
    return fault_set(f, 422, "template_parameters", pointer, "%s", words);
}

static int count_wrong(struct arena *a, struct fault *f, const char *part, const struct params *want,
                       unsigned given)
{
    if (want->n == 0)
        return wrong(f, part, 0, arena_fmt(a, "this template's %s takes no parameters; remove them", part).p);
    return wrong(f, part, given > want->n ? (int)want->n : -1,
                 arena_fmt(a, "this template's %s takes %u parameter%s, and %u %s given", part, want->n,
                           want->n == 1 ? "" : "s", given, given == 1 ? "is" : "are")
                     .p);
}

/* Where a name stands among those that are wanted; -1: nowhere. */
static int place_of(const struct params *want, struct hilo_str name)
{
    for (unsigned i = 0; i < want->n; i++)
        if (str_eq(want->p[i], name))
            return (int)i;
    return -1;
}

/* Texts by place or by name; on success given is in the order of want. */
static int texts_check(struct arena *a, const char *part, bool named, const struct params *want,
                       struct params *given, struct fault *f)
{
    struct params sorted = {.n = want->n};

    for (unsigned i = 0; i < given->n; i++) {
        struct hilo_str name = hilo_get_str(given->p[i], HILO_T_PARAM_NAME), s;
        uint64_t type = hilo_find(given->p[i], HILO_T_PARAM_TYPE, &s) ? hilo_u64(s) : HILO_PARAM_TEXT;
        if (type != HILO_PARAM_TEXT && type != HILO_PARAM_CURRENCY && type != HILO_PARAM_DATE_TIME)
            return wrong(f, part, (int)i,
                         arena_fmt(a, "a text is expected in this template's %s, not %s", part,
                                   model_value_text(MODEL_E_PARAM, type))
                             .p);
        if (named && name.n == 0)
            return wrong(f, part, (int)i,
                         arena_fmt(a, "this template's parameters go by name; give \"name\": %.*s",
                                   STR_FMT(str_utf8_head(join(a, want->p, want->n), 200)))
                             .p);
        if (!named && name.n)
            return wrong(f, part, (int)i, "this template's parameters go by place; remove \"name\"");
    }
    if (!named)
        return given->n == want->n ? 0 : count_wrong(a, f, part, want, given->n);
    for (unsigned i = 0; i < given->n; i++) {
        int at = place_of(want, hilo_get_str(given->p[i], HILO_T_PARAM_NAME));
        if (at < 0)
            return wrong(f, part, (int)i,
                         arena_fmt(a, "this template has no parameter of this name here; it has %.*s",
                                   STR_FMT(str_utf8_head(join(a, want->p, want->n), 200)))
                             .p);
        if (sorted.p[at].n)
            return wrong(f, part, (int)i, "the same name as another parameter");
        sorted.p[at] = given->p[i];
    }
    for (unsigned i = 0; i < want->n; i++)
        if (sorted.p[i].n == 0)
            return wrong(
                f, part, -1,
                arena_fmt(a, "the parameter %.*s is missing", STR_FMT(str_utf8_head(want->p[i], 100))).p);
    *given = sorted;
    return 0;
}

static int header_check(struct arena *a, struct hilo_str t, const struct params *want, struct params *given,
                        struct fault *f)
{
    uint64_t kind = hilo_get_u64(t, HILO_T_TEMPLATE_HEADER);
    const char *name = model_value_text(MODEL_E_PARAM, kind);

    if (kind == 0 && given->n)
        return wrong(f, "header", 0, "this template has no header; remove its parameters");
    if (kind == 0 || kind == HILO_PARAM_TEXT)
        return texts_check(a, "header", hilo_get_u64(t, HILO_T_TEMPLATE_NAMED) != 0, want, given, f);
    if (given->n == 0)
        return wrong(
            f, "header", -1,
            arena_fmt(a, "this template has a header of type %s; give one parameter of that type", name).p);
    if (hilo_get_u64(given->p[0], HILO_T_PARAM_TYPE) != kind)
        return wrong(
            f, "header", 0,
            arena_fmt(a, "this template has a header of type %s; give a parameter of that type", name).p);
    return given->n == 1 ? 0 : wrong(f, "header", 1, "this template's header takes one parameter");
}

static int buttons_check(struct arena *a, const struct params *want, const struct params *given,
                         struct fault *f)
{
    uint64_t seen = 0;

    for (unsigned i = 0; i < given->n; i++) {
        uint64_t at = hilo_get_u64(given->p[i], HILO_T_BUTTON_INDEX);
        uint64_t type = hilo_get_u64(given->p[i], HILO_T_BUTTON_TYPE);
        if (at >= want->n)
            return wrong(f, "buttons", (int)i,
                         arena_fmt(a, "this template has %u button%s; \"index\" counts them from 0", want->n,
                                   want->n == 1 ? "" : "s")
                             .p);
        uint64_t is = hilo_get_u64(want->p[at], HILO_T_TBUTTON_TYPE);
        if (is == HILO_BUTTON_PHONE || is == HILO_BUTTON_OTHER)
            return wrong(f, "buttons", (int)i, "this button takes no parameter; remove it");
        if (is != type)
            return wrong(f, "buttons", (int)i,
                         arena_fmt(a, "the button %" PRIu64 " of this template is a %s", at,
                                   model_value_text(MODEL_E_BUTTON, is))
                             .p);
        if (seen >> at & 1)
            return wrong(f, "buttons", (int)i, "the same button as another parameter's");
        seen |= UINT64_C(1) << at;
    }
    for (unsigned i = 0; i < want->n; i++)
        if (hilo_get_u64(want->p[i], HILO_T_TBUTTON_NEEDS) && !(seen >> i & 1))
            return wrong(
                f, "buttons", -1,
                arena_fmt(a, "the button %u of this template (%s) needs a parameter", i,
                          model_value_text(MODEL_E_BUTTON, hilo_get_u64(want->p[i], HILO_T_TBUTTON_TYPE)))
                    .p);
    return 0;
}

/* ---- how it reads ---- */

/* text with its places {{name}} filled. */
static int32_t put_filled(struct buf *b, struct hilo_str text, const struct params *names,
                          const struct params *given)
{
    struct hilo_str name, rest = text;
    int32_t rc = HILO_OK;

    while (rc == HILO_OK && rest.n) {
        const char *open = memmem(rest.p, (size_t)rest.n, "{{", 2);
        const char *end = open ? memmem(open, (size_t)(rest.p + rest.n - open), "}}", 2) : NULL;
        if (!end)
            break;
        name = str_n(open + 2, (size_t)(end - open - 2));
        while (name.n && name.p[0] == ' ')
            name = str_n(name.p + 1, (size_t)name.n - 1);
        while (name.n && name.p[name.n - 1] == ' ')
            name.n--;
        int at = place_of(names, name);
        rc = buf_add(b, rest.p, (size_t)(open - rest.p));
        if (rc == HILO_OK)
            rc = at >= 0 && (unsigned)at < given->n
                     ? buf_add_str(b, hilo_get_str(given->p[at], HILO_T_PARAM_TEXT))
                     : buf_add(b, open, (size_t)(end + 2 - open));
        rest = str_n(end + 2, (size_t)(rest.p + rest.n - end - 2));
    }
    return rc == HILO_OK ? buf_add_str(b, rest) : rc;
}

static int put_text(struct arena *a, struct hilo_str t, const struct params want[2],
                    const struct params given[2], struct hilo_str *content, struct fault *f)
{
    struct hilo_str header = hilo_get_str(t, HILO_T_TEMPLATE_HEADER_TEXT);
    struct hilo_str footer = hilo_get_str(t, HILO_T_TEMPLATE_FOOTER);
    struct buf b = {0};
    struct err e = {0};
    int32_t rc;

    if (hilo_get_str(*content, HILO_T_CONTENT_TEXT).n)
        return 0;
    rc = put_filled(&b, header, &want[0], &given[0]);
    if (rc == HILO_OK && header.n)
        rc = buf_add(&b, "\n\n", 2);
    if (rc == HILO_OK)
        rc = put_filled(&b, hilo_get_str(t, HILO_T_TEMPLATE_TEXT), &want[1], &given[1]);
    if (rc == HILO_OK && footer.n)
        rc = buf_fmt(&b, "\n\n%.*s", STR_FMT(footer));
    if (rc == HILO_OK && b.n) {
        const struct model_change c =
            change_str(HILO_T_CONTENT_TEXT, str_utf8_head(buf_str(&b), MODEL_TEXT_MAX));
        rc = model_edit(a, *content, &c, 1, content, &e);
    }
    buf_done(&b);
    if (rc == HILO_OK)
        return 0;
    return fault_set(f, rc == HILO_NOMEM ? 503 : 422, rc == HILO_NOMEM ? "no_memory" : "invalid_content",
                     "/content", "%.380s", e.text);
}

int template_check(struct gateway *gw, const struct gw_channel *c, struct hilo_str *content,
                   uint32_t *category, struct arena *a, struct fault *f)
{
    struct hilo_str name = hilo_get_str(*content, HILO_T_CONTENT_NAME);
    struct hilo_str language = hilo_get_str(*content, HILO_T_CONTENT_LANGUAGE);
    struct hilo_str params = hilo_get_str(*content, HILO_T_CONTENT_PARAMETERS);
    struct params want[2], given[2], buttons, button_params;
    struct rec_template r;
    struct err e = {0};

    if (!(c->able->contents & 1u << HILO_CONTENT_TEMPLATE) || name.n == 0 || language.n == 0)
        return 0; /* lowered, or refused as it is */
    struct key k = key_template(c->name, name, language);
    int32_t rc = store_record(gw->store, TABLE_TEMPLATE, key_str(&k), &rec_desc_template, a, &r, &e);
    if (rc == HILO_NOTFOUND)
        return absent(gw, c, name, language, a, f);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    params_read(r.body, HILO_T_TEMPLATE_HEADER_PARAMS, &want[0]);
    params_read(r.body, HILO_T_TEMPLATE_BODY_PARAMS, &want[1]);
    params_read(r.body, HILO_T_TEMPLATE_BUTTONS, &buttons);
    params_read(params, HILO_T_PARAMS_HEADER, &given[0]);
    params_read(params, HILO_T_PARAMS_BODY, &given[1]);
    params_read(params, HILO_T_PARAMS_BUTTONS, &button_params);
    if (status_check(r.body, f) != 0 || header_check(a, r.body, &want[0], &given[0], f) != 0 ||
        texts_check(a, "body", hilo_get_u64(r.body, HILO_T_TEMPLATE_NAMED) != 0, &want[1], &given[1], f) !=
            0 ||
        buttons_check(a, &buttons, &button_params, f) != 0)
        return -1;
    if (*category == 0)
        *category = (uint32_t)hilo_get_u64(r.body, HILO_T_TEMPLATE_CATEGORY);
    return put_text(a, r.body, want, given, content, f);
}
