/*
 * Words by which people end and begin messages, from the inbound message on: what is
 * heard, written down and answered. Before any route or case: whoever says STOP wants no
 * answer from a bot.
 *
 * The answer is the one message that its denial lets through: the denial names it
 * (consent.answer). It goes to the address that spoke, and is written in the same batch.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/lower.h"
#include "model/table.h"
#include "services/consent.h"
#include "services/customers.h"
#include "services/delivery.h"
#include "services/outbound.h"
#include "services/window.h"
#include "store/keys.h"

enum { PROOF_MAX = 64, CATEGORIES = 8 };

void consent_hear(const struct gw_channel *c, struct hilo_str message, struct arena *a,
                  struct consent_heard *out)
{
    struct hilo_str content = hilo_content(message);
    uint64_t type = hilo_get_u64(content, HILO_T_CONTENT_TYPE);
    bool button = type == HILO_CONTENT_CHOICE_REPLY;

    *out = (struct consent_heard){0};
    if (!c->consent || (type != HILO_CONTENT_TEXT && !button))
        return;
    out->said = hilo_get_str(content, button ? HILO_T_CONTENT_CHOICE : HILO_T_CONTENT_TEXT);
    if (button && out->said.n == 0)
        out->said = hilo_get_str(content, HILO_T_CONTENT_TITLE);
    out->word = word_find(c->consent, out->said, button, a);
}

/* ---- what is new in it ---- */

/* Whether one of the addresses, or the customer, has not this state for some category. */
static int32_t news(struct gateway *gw, const struct consent_speaker *s, uint64_t categories, uint64_t state,
                    struct arena *a, bool *new_out, struct err *e)
{
    int32_t rc = HILO_OK;

    *new_out = false;
    for (uint64_t category = 1; category < CATEGORIES && rc == HILO_OK; category++) {
        if (!(categories >> category & 1))
            continue;
        for (unsigned i = 0; i <= s->n && rc == HILO_OK; i++) {
            struct key k = i < s->n ? key_consent_address(s->channel->name, s->party[i], category)
                                    : key_consent(s->customer, category, CONSENT_CHANNEL, s->channel->name);
            struct rec_consent r = {0};
            rc = store_record(gw->store, i < s->n ? TABLE_CONSENT_ADDRESS : TABLE_CONSENT, key_str(&k),
                              &rec_desc_consent, a, &r, e);
            if (rc == HILO_NOTFOUND)
                rc = HILO_OK;
            *new_out |= rc == HILO_OK && r.state != state;
        }
    }
    return rc;
}

static struct hilo_str parties_bytes(const struct consent_speaker *s, struct arena *a)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    for (unsigned i = 0; i < s->n; i++)
        hilo_put_str(&w, 1, s->party[i]);
    return hilo_written(&w);
}

/* ---- the answer ---- */

/* The customer's language, that of the word, the gateway's. */
static struct hilo_str language_of(struct gateway *gw, const struct consent_heard *h,
                                   const struct consent_speaker *s, struct arena *a)
{
    struct rec_customer who;
    struct fault f;

    if (customer_get(gw, s->customer, a, &who, &f) == 0 && who.language.n)
        return who.language;
    for (unsigned i = 0; i < WORD_LANGUAGES; i++)
        if (h->word.language == 1u << i)
            return str(word_languages[i]);
    return gw->language;
}

/* False: there is none, or the channel can't carry it; the log says why. */
static bool answer_make(struct gateway *gw, const struct consent_heard *h, const struct consent_speaker *s,
                        struct arena *a, struct outbound *o)
{
    struct hilo_str language = language_of(gw, h, s, a);
    struct hilo_str text = word_answer(s->channel->consent, h->word.kind, language, gw->name, a);
    struct hilo_writer w;
    struct fault f;

    if (!s->channel->consent->confirm || text.n == 0 || !s->channel->plug ||
        !(s->channel->provides & HILO_CAN_SEND))
        return false;
    *o = (struct outbound){.now = s->now,
                           .expires = s->now + gw->expires_us,
                           .category = HILO_CATEGORY_SERVICE,
                           .priority = 0,
                           .window_us = s->now + 1, /* they wrote just now */
                           .language = language,
                           .party = s->party[s->main]};
    o->plan = (struct message_plan){.id = idgen_next(store_ids(gw->store)),
                                    .customer = s->customer,
                                    .conversation = s->conversation,
                                    .channel = s->channel};
    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, text);
    o->content = hilo_written(&w);
    if (outbound_finish(gw, o, a, &f) == 0)
        return true;
    log_event(gw->log, HILO_LOG_WARN, "consent.unanswered", "channel=%.*s reason=%s",
              STR_FMT(s->channel->name), f.code);
    return false;
}

static int32_t answer_append(struct gateway *gw, struct outbound *o, struct err *e)
{
    struct fault f;

    return outbound_append(gw, &actor_core, o, &f) == 0 ? HILO_OK : err_set(e, HILO_FULL, "%s", f.text);
}

int32_t consent_obey(struct gateway *gw, const struct consent_heard *h, const struct consent_speaker *s,
                     struct arena *a, struct err *e)
{
    const struct actor actor = {.kind = ACTOR_CHANNEL};
    bool stop = h->word.kind == WORD_STOP, fresh = true;
    struct ev_consent_changed ev = {.customer = s->customer,
                                    .categories = s->channel->consent->categories,
                                    .reach = CONSENT_CHANNEL,
                                    .name = s->channel->name,
                                    .state = stop ? CONSENT_DENIED : CONSENT_GRANTED,
                                    .how = CONSENT_BY_WORD,
                                    .parties = parties_bytes(s, a),
                                    .message = s->message,
                                    .proof = str_utf8_head(h->said, PROOF_MAX)};
    struct outbound o;
    int32_t rc = HILO_OK;

    if (h->word.kind == WORD_HELP)
        return answer_make(gw, h, s, a, &o) ? answer_append(gw, &o, e) : HILO_OK;
    rc = news(gw, s, ev.categories, ev.state, a, &fresh, e);
    if (rc != HILO_OK || !fresh)
        return rc;
    bool answered = answer_make(gw, h, s, a, &o);
    if (answered)
        ev.answer = o.plan.id;
    rc = consent__append(gw, &actor, &ev, s->now, e);
    if (rc == HILO_OK && stop)
        rc = delivery_recall(gw->delivery, s->channel, s->customer, e);
    if (rc == HILO_OK && answered)
        rc = answer_append(gw, &o, e);
    if (rc == HILO_OK && stop)
        s->channel->opted_out++;
    else if (rc == HILO_OK)
        s->channel->opted_in++;
    return rc;
}

/* ---- links ---- */

int32_t consent_unsubscribe(struct gateway *gw, const struct consent_speaker *s, struct hilo_str proof,
                            struct arena *a, bool *new_out, struct err *e)
{
    const struct actor actor = {.kind = ACTOR_CHANNEL};
    const struct ev_consent_changed ev = {.customer = s->customer,
                                          .categories = UINT64_C(1) << HILO_CATEGORY_PROMOTIONAL,
                                          .reach = CONSENT_CHANNEL,
                                          .name = s->channel->name,
                                          .state = CONSENT_DENIED,
                                          .how = CONSENT_BY_LINK,
                                          .parties = parties_bytes(s, a),
                                          .message = s->message,
                                          .proof = proof};
    int32_t rc = news(gw, s, ev.categories, ev.state, a, new_out, e);

    if (rc != HILO_OK || !*new_out)
        return rc;
    rc = consent__append(gw, &actor, &ev, s->now, e);
    if (rc == HILO_OK)
        rc = delivery_recall(gw->delivery, s->channel, s->customer, e);
    s->channel->opted_out += rc == HILO_OK;
    return rc;
}
