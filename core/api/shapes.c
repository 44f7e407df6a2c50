/* Records as JSON. Of a message, what may change comes from its record and the rest from
 * the event's bytes, so that fields that we do not know are shown too. */
#include "api/shapes.h"
#include "api/cursor.h"
#include "api/http.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/json.h"
#include "services/transcripts.h"
#include <string.h>

static void shape__enum(struct out *o, const char *key, enum model_enum e, uint64_t v)
{
    const char *text = model_value_text(e, v);

    if (text)
        out_str(o, key, str(text));
    else if (v)
        out_u64(o, key, v);
}

static void shape__history(struct out *o, struct hilo_str history)
{
    struct hilo_field field;
    struct rec_step s;

    out_begin(o, "history", '[');
    while (hilo_next(&history, &field) == 1) {
        if (rec_unpack(&rec_desc_step, field.val, &s, NULL) != HILO_OK)
            continue;
        out_begin(o, NULL, '{');
        shape__enum(o, "status", MODEL_E_STATUS, s.status);
        out_time(o, "time", s.time);
        out_opt(o, "reason", s.reason);
        out_opt(o, "provider_code", s.provider_code);
        out_opt(o, "detail", s.detail);
        if (s.attempt)
            out_u64(o, "attempt", s.attempt);
        if (s.segment)
            out_u64(o, "segment", s.segment);
        out_end(o, '}');
    }
    out_end(o, ']');
}

int shape_group(struct out *o, const char *key, enum model_group group, struct hilo_str bytes, bool inside,
                struct fault *f)
{
    struct buf b = {0};
    struct err e = {0};
    int32_t rc = model_json_write(&b, group, bytes, &e);

    if (rc == HILO_OK && !inside)
        out_raw(o, key, buf_str(&b));
    else if (rc == HILO_OK && b.n > 2)
        out_raw(o, NULL, str_n(b.p + 1, b.n - 2));
    buf_done(&b);
    if (rc == HILO_OK)
        return 0;
    return fault_set(f, 500, "corrupt", "", "stored bytes can't be shown: %s; run hilo store check", e.text);
}

int shape_message(struct request *rq, struct out *o, const char *key, struct hilo_id id,
                  const struct rec_message *m, struct hilo_str bytes, struct fault *f)
{
    /* What the record says better, or the same. */
    static const uint32_t known[] = {HILO_T_MSG_KIND,     HILO_T_MSG_ID,       HILO_T_MSG_CHANNEL,
                                     HILO_T_MSG_CATEGORY, HILO_T_MSG_CUSTOMER, HILO_T_MSG_CONVERSATION,
                                     HILO_T_MSG_CASE,     HILO_T_MSG_EXT_ID,   HILO_T_MSG_DUE,
                                     HILO_T_MSG_EXPIRES};
    struct model_change drop[sizeof known / sizeof *known];
    struct err e = {0};

    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        drop[i] = change_remove(known[i]);
    if (model_edit(rq->arena, bytes, drop, sizeof known / sizeof *known, &bytes, &e) != HILO_OK)
        return fault_set(f, 500, "corrupt", "", "stored bytes can't be read: %s; run hilo store check",
                         e.text);
    if (message_amended(rq->api->gw, m, rq->arena, &bytes, f) != 0)
        return -1;
    out_begin(o, key, '{');
    out_id(o, "id", "msg", id);
    shape__enum(o, "kind", MODEL_E_KIND, m->kind);
    out_id(o, "customer", "cus", m->customer);
    out_id(o, "conversation", "cnv", m->conversation);
    out_id(o, "case", "cas", m->case_id);
    out_opt(o, "channel", m->channel);
    shape__enum(o, "category", MODEL_E_CATEGORY, m->category);
    shape__enum(o, "status", MODEL_E_STATUS, m->status);
    out_time(o, "status_time", m->status_time);
    out_opt(o, "reason", m->reason);
    out_opt(o, "provider_code", m->provider_code);
    out_opt(o, "detail", m->detail);
    out_opt(o, "provider_id", m->ext_id);
    out_u64(o, "attempts", m->attempts);
    out_time(o, "due", m->place == PLACE_DUE || m->place == PLACE_SCHEDULED ? m->due : 0);
    out_time(o, "expires", m->expires);
    out_time(o, "edited", m->edited);
    out_time(o, "deleted", m->deleted);
    out_id(o, "media", "med", m->deleted ? (struct hilo_id){{0}} : m->media);
    out_id(o, "key", "key", m->actor);
    out_id(o, "appointment", "apt", m->appointment);
    shape__history(o, m->history);
    if (transcript_put(rq->api->gw, m, rq->arena, o, f) != 0)
        return -1;
    if (m->cost.n && shape_group(o, "cost", MODEL_G_RECEIPT, m->cost, false, f) != 0)
        return -1;
    if (shape_group(o, NULL, MODEL_G_MSG, bytes, true, f) != 0)
        return -1;
    out_end(o, '}');
    return 0;
}

int shape_entry(struct request *rq, struct out *o, struct hilo_id id, const struct rec_message *m,
                struct hilo_str bytes, struct fault *f)
{
    struct err e = {0};
    struct hilo_str content;

    if (message_amended(rq->api->gw, m, rq->arena, &bytes, f) != 0)
        return -1;
    uint64_t time = hilo_get_u64(bytes, HILO_T_MSG_TIME);
    out_begin(o, NULL, '{');
    out_id(o, "id", "msg", id);
    shape__enum(o, "kind", MODEL_E_KIND, m->kind);
    out_time(o, "time", time ? time : hilo_get_u64(bytes, HILO_T_MSG_ARRIVED));
    out_id(o, "case", "cas", m->case_id);
    out_opt(o, "channel", m->channel);
    shape__enum(o, "category", MODEL_E_CATEGORY, m->category);
    shape__enum(o, "status", MODEL_E_STATUS, m->status);
    out_opt(o, "reason", m->reason);
    out_time(o, "edited", m->edited);
    out_time(o, "deleted", m->deleted);
    out_id(o, "media", "med", m->deleted ? (struct hilo_id){{0}} : m->media);
    out_id(o, "appointment", "apt", m->appointment);
    out_id(o, "reply_to", "msg", hilo_get_id(bytes, HILO_T_MSG_REPLY_TO));
    out_opt(o, "sender", hilo_get_str(bytes, HILO_T_MSG_SENDER));
    if (hilo_get_u64(bytes, HILO_T_MSG_OTHER_SENDER)) { /* from none of her addresses */
        out_bool(o, "other_sender", true);
        out_opt(o, "sender", hilo_get_str(hilo_get_str(bytes, HILO_T_MSG_PARTY), HILO_T_IDENT_VALUE));
    }
    out_id(o, "call", "cal", hilo_get_id(bytes, HILO_T_MSG_CALL));
    if (transcript_put(rq->api->gw, m, rq->arena, o, f) != 0)
        return -1;
    if (hilo_find(bytes, HILO_T_MSG_CONTENT, &content)) {
        out_raw(o, "content", STR(""));
        if (model_json_write(&o->b, MODEL_G_CONTENT, content, &e) != HILO_OK)
            return fault_set(f, 500, "corrupt", "", "stored bytes can't be shown: %s; run hilo store check",
                             e.text);
    }
    out_end(o, '}');
    return 0;
}

void shape_case(struct out *o, const char *key, struct hilo_id id, const struct rec_case *c)
{
    const char *status = case_status_name(c->status);

    out_begin(o, key, '{');
    out_id(o, "id", "cas", id);
    out_id(o, "customer", "cus", c->customer);
    out_str(o, "status", str(status ? status : "unknown"));
    out_opt(o, "subject", c->subject);
    out_opt(o, "owner", c->owner);
    out_time(o, "opened", c->opened);
    out_time(o, "changed", c->changed);
    out_u64(o, "messages", c->messages);
    out_u64(o, "version", c->version);
    out_end(o, '}');
}

void shape_identifier(struct out *o, const struct identifier *i, const struct rec_identifier *r)
{
    out_begin(o, NULL, '{');
    shape__enum(o, "scheme", MODEL_E_SCHEME, i->scheme);
    out_opt(o, "scope", i->scope);
    out_str(o, "value", i->value);
    out_bool(o, "verified", r ? r->verified != 0 : i->verified);
    if (r) {
        out_time(o, "since", r->since);
        out_opt(o, "source", r->source);
    }
    out_end(o, '}');
}

void shape_customer(struct out *o, const char *key, struct hilo_id id, const struct rec_customer *c,
                    const struct customer_ident *ident, unsigned n)
{
    out_begin(o, key, '{');
    out_id(o, "id", "cus", id);
    out_opt(o, "name", c->name);
    out_opt(o, "language", c->language);
    out_opt(o, "time_zone", c->time_zone);
    out_raw(o, "attributes", c->attributes.n ? c->attributes : STR("{}"));
    out_begin(o, "identifiers", '[');
    for (unsigned i = 0; i < n; i++)
        shape_identifier(o, &ident[i].is, &ident[i].record);
    out_end(o, ']');
    out_time(o, "created", c->created);
    out_time(o, "changed", c->changed);
    out_u64(o, "version", c->version);
    out_end(o, '}');
}

void shape_next(struct request *rq, struct out *o, char kind, struct hilo_str bytes)
{
    if (bytes.n)
        out_str(o, "next", cursor_encode(rq->arena, kind, bytes));
    else
        out_null(o, "next");
}

int shape_cursor(struct request *rq, char kind, struct hilo_str *out, struct fault *f)
{
    struct hilo_str text = request_query(rq, "cursor");

    *out = (struct hilo_str){NULL, 0};
    if (!text.p || cursor_decode(rq->arena, kind, text, out))
        return 0;
    return fault_set(f, 400, "invalid_cursor", "", "cursor: send \"next\" of the last page, as it came");
}

void shape_scopes(struct out *o, struct hilo_str text)
{
    struct hilo_str word;

    out_begin(o, "scopes", '[');
    while (text.n) {
        (void)str_cut(text, ' ', &word, &text);
        if (word.n)
            out_str(o, NULL, word);
    }
    out_end(o, ']');
}
