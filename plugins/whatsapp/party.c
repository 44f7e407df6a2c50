/*
 * Who sent a message: its identifiers and name.
 *
 * Identity is never the phone alone: since 2026 a webhook may name a user by a
 * business-scoped id and leave the phone out, and then "from" and "wa_id" are
 * absent, or hold that id.
 * Limit: 1024 contacts in a change; senders beyond have no name.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "party.h"

#include <stdlib.h>

enum {
    PARTY_CONTACTS_MAX = 1024,
    PARTY_PHONE_MIN = 8, /* as the core wants it; shorter ones are opaque ids */
    PARTY_PHONE_MAX = 15
};

static const struct hilo_str party_none = {NULL, 0};

/* What is between a string's quotes. */
static struct hilo_str party_inside(struct hilo_str value)
{
    return value.n > 2 ? (struct hilo_str){value.p + 1, value.n - 2} : party_none;
}

static bool party_is_phone(struct hilo_str s)
{
    uint64_t i;

    if (s.n < PARTY_PHONE_MIN || s.n > PARTY_PHONE_MAX || s.p[0] == '0')
        return false;
    for (i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

static bool party_same(struct hilo_str a, struct hilo_str b)
{
    return a.n > 2 && a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

bool wa_contacts_read(struct wa_contacts *cs, struct hilo_str contacts)
{
    struct hilo_str rest = wa_json_type(contacts) == WA_JSON_ARRAY ? wa_json_inside(contacts) : party_none;
    struct hilo_str item, in, key, value;
    struct wa_contact *c;

    cs->n = 0;
    while (cs->n < PARTY_CONTACTS_MAX && wa_json_item(&rest, &item)) {
        if (!cs->v && !(cs->v = malloc(PARTY_CONTACTS_MAX * sizeof *cs->v)))
            return false;
        c = &cs->v[cs->n++];
        memset(c, 0, sizeof *c);
        c->whole = item;
        in = wa_json_type(item) == WA_JSON_OBJECT ? wa_json_inside(item) : party_none;
        while (wa_json_member(&in, &key, &value)) {
            if (wa_json_key_is(key, "wa_id") && wa_json_type(value) == WA_JSON_STRING)
                c->wa_id = value;
            else if (wa_json_key_is(key, "user_id") && wa_json_type(value) == WA_JSON_STRING)
                c->user_id = value;
            else if (!wa_json_key_is(key, "profile"))
                c->more = true;
        }
        in = wa_json_inside(wa_json_get(item, "profile"));
        while (wa_json_member(&in, &key, &value)) {
            if (wa_json_key_is(key, "name") && wa_json_type(value) == WA_JSON_STRING)
                c->name = value;
            else
                c->more = true;
        }
    }
    return true;
}

const struct wa_contact *wa_contacts_find(const struct wa_contacts *cs, size_t n, struct hilo_str from,
                                          struct hilo_str user_id)
{
    const struct wa_contact *c;
    size_t i;

    for (i = 0; i < cs->n; i++) {
        c = &cs->v[(n + i) % cs->n];
        if (party_same(c->user_id, user_id) || party_same(c->wa_id, from) || party_same(c->user_id, from))
            return c;
    }
    if (cs->n == 1) {
        c = &cs->v[0];
        if ((c->wa_id.n == 0 || from.n == 0) && (c->user_id.n == 0 || user_id.n == 0))
            return c;
    }
    return NULL;
}

void wa_party_put_user(struct wa_in *in, uint32_t tag, struct hilo_str scope, struct hilo_str account,
                       struct hilo_str user_id)
{
    struct hilo_writer *w = &in->w;

    hilo_open(w, tag);
    hilo_put_u64(w, HILO_T_IDENT_SCHEME, HILO_SCHEME_WHATSAPP);
    if (!wa_in_text(in, HILO_T_IDENT_SCOPE, scope))
        hilo_put_str(w, HILO_T_IDENT_SCOPE, account);
    wa_in_text(in, HILO_T_IDENT_VALUE, user_id);
    hilo_put_u64(w, HILO_T_IDENT_VERIFIED, 1);
    hilo_close(w);
}

bool wa_party_put_phone(struct wa_in *in, uint32_t tag, struct hilo_str wa_id)
{
    struct hilo_writer *w = &in->w;
    char e164[PARTY_PHONE_MAX + 1];

    if (!party_is_phone(wa_id))
        return false;
    e164[0] = '+';
    memcpy(e164 + 1, wa_id.p, wa_id.n);
    hilo_open(w, tag);
    hilo_put_u64(w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put(w, HILO_T_IDENT_VALUE, e164, wa_id.n + 1);
    hilo_put_u64(w, HILO_T_IDENT_VERIFIED, 1);
    hilo_put_str(w, HILO_T_IDENT_NATIVE, wa_id);
    hilo_close(w);
    return true;
}

void wa_party_put(struct wa_in *in, struct hilo_str scope, struct hilo_str account, struct hilo_str from,
                  struct hilo_str user_id, const struct wa_contact *c)
{
    struct hilo_str phone = party_inside(from);

    if (user_id.n == 0 && c)
        user_id = c->user_id;
    if (!party_is_phone(phone) && c)
        phone = party_inside(c->wa_id);
    if (user_id.n > 2)
        wa_party_put_user(in, HILO_T_MSG_PARTY, scope, account, user_id);
    wa_party_put_phone(in, HILO_T_MSG_PARTY, phone);
    if (from.n > 2 && !party_is_phone(party_inside(from)) && !party_same(from, user_id))
        wa_party_put_user(in, HILO_T_MSG_PARTY, scope, account, from);
    if (c && c->name.n > 2)
        wa_in_text(in, HILO_T_MSG_PARTY_NAME, c->name);
}
