/* What the links in messages do (linked.h). */
#include "services/linked.h"
#include "base/str.h"
#include "services/consent.h"
#include "services/customers.h"
#include "services/messages.h"
#include "store/keys.h"

static struct hilo_str language_of(struct gateway *gw, struct hilo_str bytes, struct hilo_id customer,
                                   struct arena *a)
{
    struct hilo_str said = hilo_get_str(bytes, HILO_T_MSG_LANGUAGE);
    struct rec_customer who;
    struct fault f;

    for (unsigned i = 0; i < 3; i++) {
        if (i == 1)
            said = customer_get(gw, customer, a, &who, &f) == 0 ? who.language : (struct hilo_str){0};
        else if (i == 2)
            said = gw->language;
        if (str_starts(said, STR("es")))
            return STR("es");
        if (str_starts(said, STR("en")))
            return STR("en");
    }
    return STR("en");
}

static int unknown(struct fault *f)
{
    return fault_set(f, 404, "unknown_link", NULL, "this link is not one of this gateway's");
}

static int choice_find(struct gateway *gw, const struct link *l, struct hilo_str bytes, struct arena *a,
                       struct linked *out, struct fault *f)
{
    struct hilo_str rest = hilo_content(bytes), val;
    char id[ID_TEXT];
    struct hilo_field x;
    struct err e = {0};
    uint32_t n = 0;

    if (hilo_content_type(bytes) != HILO_CONTENT_CHOICES)
        return unknown(f);
    out->question = hilo_get_str(rest, HILO_T_CONTENT_TEXT);
    while (hilo_next(&rest, &x) == 1)
        if (x.tag == HILO_T_CONTENT_CHOICES && n++ == l->choice) {
            out->choice = hilo_get_str(x.val, HILO_T_CHOICE_ID);
            out->title = hilo_get_str(x.val, HILO_T_CHOICE_TITLE);
        }
    if (out->choice.n == 0)
        return unknown(f);
    id_format("msg", l->id, id);
    out->ext_id = arena_fmt(a, "link:%s:%u", id, (unsigned)l->choice);
    struct key k = key_ext(out->channel->name, out->ext_id);
    int32_t rc = store_get(gw->store, TABLE_EXT, key_str(&k), a, &val, &e);
    out->done = rc == HILO_OK;
    return rc == HILO_OK || rc == HILO_NOTFOUND ? 0 : fault_store(f, rc, &e);
}

static int promotion_find(struct gateway *gw, struct arena *a, struct linked *out, struct fault *f)
{
    struct consent_denial d;
    struct err e = {0};
    int32_t rc = consent_denied(gw, out->channel, out->customer, out->party, HILO_CATEGORY_PROMOTIONAL,
                                (struct hilo_id){{0}}, a, &d, &e);

    out->done = rc == HILO_OK && d.denied;
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int linked_find(struct gateway *gw, enum link_kind kind, struct hilo_str token, int64_t now, struct arena *a,
                struct linked *out, struct fault *f)
{
    struct rec_message m;
    struct hilo_str bytes;
    struct link l;

    memset(out, 0, sizeof *out);
    if (link_read(gw, kind, token, now, &l, f) != 0)
        return -1;
    if (message_get(gw, l.id, a, &m, &bytes, f) != 0)
        return f->status == 404 ? unknown(f) : -1;
    out->channel = gateway_channel(gw, m.channel);
    if (m.kind != HILO_KIND_OUTBOUND || id_none(m.customer))
        return unknown(f);
    if (!out->channel)
        return fault_set(f, 410, "link_expired", NULL, "the channel of this message is not there any more");
    out->message = l.id;
    out->customer = m.customer;
    out->conversation = m.conversation;
    out->party = hilo_get_str(bytes, HILO_T_MSG_PARTY);
    out->language = language_of(gw, bytes, m.customer, a);
    return kind == LINK_CHOICE ? choice_find(gw, &l, bytes, a, out, f) : promotion_find(gw, a, out, f);
}

int linked_choose(struct gateway *gw, struct linked *x, int64_t now, struct arena *a, struct fault *f)
{
    struct hilo_writer w;
    struct err e = {0};

    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, x->ext_id);
    hilo_put_id(&w, HILO_T_MSG_REPLY_TO, x->message);
    hilo_put_u64(&w, HILO_T_MSG_TIME, (uint64_t)now);
    hilo_put_str(&w, HILO_T_MSG_PARTY, x->party);
    hilo_put_str(&w, HILO_T_MSG_EXTRA, STR("{\"via\":\"link\"}"));
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    hilo_put_str(&w, HILO_T_CONTENT_CHOICE, x->choice);
    hilo_put_str(&w, HILO_T_CONTENT_TITLE, x->title);
    hilo_close(&w);
    int32_t rc = message_submitted(gw, x->channel, hilo_written(&w), a, &e);
    x->done = rc == HILO_DUPLICATE;
    return rc == HILO_OK || rc == HILO_DUPLICATE ? 0 : fault_store(f, rc, &e);
}

int linked_unsubscribe(struct gateway *gw, struct linked *x, struct hilo_str proof, int64_t now,
                       struct arena *a, struct fault *f)
{
    const struct consent_speaker s = {.channel = x->channel,
                                      .customer = x->customer,
                                      .conversation = x->conversation,
                                      .message = x->message,
                                      .party = &x->party,
                                      .n = 1,
                                      .now = now};
    struct err e = {0};
    bool fresh;
    int32_t rc = consent_unsubscribe(gw, &s, proof, a, &fresh, &e);

    x->done = rc == HILO_OK && !fresh;
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
