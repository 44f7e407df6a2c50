/* /v1/customers/{id}/consents: what a customer said of being written to. */
#include "api/fields.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/str.h"
#include "model/table.h"
#include <string.h>

struct wanted {
    struct hilo_str state, channel, type, proof;
};
#define AT(field) .offset = offsetof(struct wanted, field)
static const struct field wanted_fields[] = {
    {.name = "state", .type = FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 16, AT(state)},
    {.name = "channel", .type = FIELD_STR, .min = 1, .max = 64, AT(channel)},
    {.name = "channel_type", .type = FIELD_STR, .min = 1, .max = 64, AT(type)},
    {.name = "proof", .type = FIELD_STR, .min = 1, .max = 500, AT(proof)},
};
#undef AT

struct shown {
    struct out o;
    struct fault *f;
    bool failed;
};

/* The key or the person on the machine who said it; a word is the customer's own. */
static void consent__actor(struct out *o, const struct rec_consent *r)
{
    if (r->actor_kind == ACTOR_KEY)
        out_id(o, "key", "key", r->actor);
}

int shape_consent(struct out *o, const struct consent_entry *e, struct fault *f)
{
    const char *category = model_value_text(MODEL_E_CATEGORY, e->category);

    out_begin(o, NULL, '{');
    out_str(o, "category", str(category ? category : "unknown"));
    out_str(o, "state", str(consent_state_name(e->r->state)));
    if (e->reach == CONSENT_CHANNEL)
        out_str(o, "channel", e->name);
    if (e->reach == CONSENT_TYPE)
        out_str(o, "channel_type", e->name);
    if (e->party.n && shape_group(o, "address", MODEL_G_IDENT, e->party, false, f) != 0)
        return -1;
    out_time(o, "since", e->r->time);
    out_str(o, "how", str(consent_how_name(e->r->how)));
    out_opt(o, "proof", e->r->proof);
    out_id(o, "message", "msg", e->r->message);
    consent__actor(o, e->r);
    out_end(o, '}');
    return 0;
}

static void consent__one(void *arg, const struct consent_entry *e)
{
    struct shown *s = arg;

    if (!s->failed && shape_consent(&s->o, e, s->f) != 0)
        s->failed = true;
}

static int consent__list(struct request *rq, struct hilo_id customer, uint64_t category, struct fault *f)
{
    struct shown s = {.f = f};

    out_begin(&s.o, NULL, '{');
    out_begin(&s.o, "consents", '[');
    if (consent_list(rq->api->gw, customer, category, rq->arena, consent__one, &s, f) != 0 || s.failed) {
        buf_done(&s.o.b);
        return -1;
    }
    out_end(&s.o, ']');
    out_end(&s.o, '}');
    return reply_json(rq, 200, &s.o, f);
}

int consent_index(struct request *rq, struct fault *f)
{
    struct hilo_id id;

    return reply_param_id(rq, 0, "cus", "unknown_customer", &id, f) != 0 ? -1 : consent__list(rq, id, 0, f);
}

int consent_put_one(struct request *rq, struct fault *f)
{
    struct consent_change change = {.category = (uint32_t)model_value(MODEL_E_CATEGORY, rq->param[1])};
    struct wanted w;
    const cJSON *root;
    struct hilo_id id;
    int rc;

    memset(&w, 0, sizeof w);
    if (reply_param_id(rq, 0, "cus", "unknown_customer", &id, f) != 0)
        return -1;
    if (change.category == 0)
        return fault_set(f, 404, "unknown_category", "",
                         "a category is service, transactional, promotional or authentication");
    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", wanted_fields, sizeof wanted_fields / sizeof *wanted_fields, &w, NULL, f) != 0)
        return -1;
    change.granted = str_eqz(w.state, "granted");
    if (!change.granted && !str_eqz(w.state, "denied"))
        return fault_set(f, 422, "invalid_field", "/state", "state: granted or denied is expected");
    if (w.channel.n && w.type.n)
        return fault_set(f, 422, "invalid_field", "/channel_type",
                         "a channel or a type of channels is expected, not both");
    change.channel = w.channel;
    change.type = w.type;
    change.proof = w.proof;
    /* Who wants no messages is heard on a full disk, too. */
    rc = change.granted ? idempotent_begin(rq, NULL, NULL, f) : idempotent_begin_anyway(rq, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = consent_put(rq->api->gw, &rq->actor, id, &change, rq->arena, f);
    if (rc == 0)
        rc = consent__list(rq, id, change.category, f);
    return idempotent_end(rq, rc, f);
}
