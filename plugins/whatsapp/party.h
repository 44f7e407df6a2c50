/* Private to webhook.c: the senders of the messages of one change. All strings here
 * are JSON values of the body. */
#ifndef WHATSAPP_PARTY_H
#define WHATSAPP_PARTY_H

#include "inbound.h"

struct wa_contact {
    struct hilo_str wa_id, user_id, name, whole;
    bool more; /* it says more than these */
};
struct wa_contacts {
    struct wa_contact *v; /* freed by the owner */
    size_t n;
};

/* Reads contacts[] over what was there before. False: no memory. */
bool wa_contacts_read(struct wa_contacts *, struct hilo_str contacts);

/* The contact of the n-th message's sender, or NULL. Usually that is the n-th. If
 * there is just one, and nothing that it says speaks against it, it is the sender's. */
const struct wa_contact *wa_contacts_find(const struct wa_contacts *, size_t n, struct hilo_str from,
                                          struct hilo_str user_id);

/* Writes PARTY for every identifier of the sender, the strongest first (the user
 * id, then the phone), and PARTY_NAME. A "from" that is no phone is taken for a
 * user id. scope is the entry's id, account (plain text) stands in for it. */
void wa_party_put(struct wa_in *, struct hilo_str scope, struct hilo_str account, struct hilo_str from,
                  struct hilo_str user_id, const struct wa_contact *);

/* One identifier into a group of this tag, verified. _phone: wa_id is plain digits;
 * false: it is no phone, nothing was written. _user: user_id is JSON. */
bool wa_party_put_phone(struct wa_in *, uint32_t tag, struct hilo_str wa_id);
void wa_party_put_user(struct wa_in *, uint32_t tag, struct hilo_str scope, struct hilo_str account,
                       struct hilo_str user_id);

#endif
