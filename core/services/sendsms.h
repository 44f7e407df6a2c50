/*
 * Kannel's sendsms: its parameters, its answers, its callbacks' addresses. Applications
 * that were written for Kannel 1.4 go on as they are. [core]
 */
#ifndef SERVICES_SENDSMS_H
#define SERVICES_SENDSMS_H

#include "base/buf.h"
#include "services/gateway.h"

enum {
    SENDSMS_RECEIVERS = 100, /* of one request */
    SENDSMS_URL_MAX = 2048,  /* of dlr-url, escapes filled */
    SENDSMS_UNSET = -1       /* of a number that was not given */
};

/* As the request has them, decoded; p NULL: not given. */
struct sendsms_request {
    struct hilo_str username, password, from, to, text, charset, smsc, udh, dlr_url, account, binfo,
        meta_data;
    /* p NULL or digits: as text, so that nonsense can be told from 0 */
    struct hilo_str mclass, mwi, coding, compress, validity, deferred, dlr_mask, pid, alt_dcs, rpi, priority;
    struct hilo_str client; /* its IP address */
};
struct sendsms_answer {
    uint32_t status;
    struct hilo_str text;
};

/* The user, or NULL: none of this name and password from this address. In constant time. */
const struct sendsms_user *sendsms_user(const struct gateway *, const struct sendsms_request *);

/* Appends a message for each receiver, and which callbacks are wanted. Between store_begin and
 * store_end, after store_room. True: something was appended. */
bool sendsms_accept(struct gateway *, const struct sendsms_user *, const struct hilo_id *cause,
                    const struct sendsms_request *, struct arena *, struct sendsms_answer *out);

/* ---- sendsms_text.c: pure, [any] ---- */

/* Whether an address is let in: "1.2.3.4" by "1.2.*.*;…". Kannel's rule: allow first, then deny, else in. */
bool sendsms_ip(struct hilo_str client, struct hilo_str allow, struct hilo_str deny);

/* The text as UTF-8. coding: 0, 1, 2 or SENDSMS_UNSET. NULL, or what is wrong, Kannel's words. */
const char *sendsms_text(struct arena *, struct hilo_str text, struct hilo_str charset, int64_t coding,
                         struct hilo_str *out);

/* What a callback's address is filled with. */
struct sendsms_escapes {
    struct hilo_str receiver, sender; /* %p %P, of the message sent */
    struct hilo_str smsc, service, account, binfo, meta_data, charset, dlr_url;
    struct hilo_str id; /* %I */
    int64_t mclass, mwi, coding, validity, deferred;
};
/* All of them that are known when a message is accepted; the others stay, for sendsms_url_told. */
int32_t sendsms_url_asked(struct hilo_str url, const struct sendsms_escapes *, struct buf *out);
/* The others: kind (%d), time (%t %T), the provider's id (%F), and the words of the SMSC
 * (%A %a %b, word by word %k %s %S %r). */
int32_t sendsms_url_told(struct hilo_str url, const struct rec_callback *, struct buf *out);

#endif
