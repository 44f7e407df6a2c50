/* Private to meta_webhook.c, meta_message.c and meta_news.c: a body that is being read. */
#ifndef WHATSAPP_META_WEBHOOK_H
#define WHATSAPP_META_WEBHOOK_H

#include "meta.h"
#include "party.h"

struct webhook {
    const struct wa_account *account;
    const struct wa_sink *sink;
    struct wa_in in;
    struct hilo_str waba; /* JSON value; empty: the account's */
    struct wa_contacts contacts;
    bool stop;
};

static const struct hilo_str wa_meta_none = {NULL, 0};

static inline struct hilo_str wa_meta_str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

/* meta_webhook.c. _put_time: seconds as digits, in a string; false if it is none of
 * this age. _give: the message that was written. */
void wa_meta_note(struct webhook *, enum wa_note, int64_t code, struct hilo_str text);
bool wa_meta_put_time(struct webhook *, struct hilo_str value);
void wa_meta_give(struct webhook *);

/* meta_message.c: the n-th of messages[]. */
void wa_meta_message(struct webhook *, struct hilo_str whole, size_t n);

/* meta_news.c: a change of another field than "messages". False: nothing is made of
 * this one. */
bool wa_meta_news(struct webhook *, struct hilo_str field, struct hilo_str value);

#endif
