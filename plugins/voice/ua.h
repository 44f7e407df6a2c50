/*
 * Signalling: one SIP endpoint (RFC 3261), on sofia-sip's nua, which runs on a thread of its own.
 *
 * All functions here are called on the plugin's own loop. They leave an order for that thread and
 * return at once; nothing is answered but by an event, taken by ua_next() after wake(). A call is
 * named by a number of the plugin's (never used twice in the life of an instance): ua_call() brings
 * its own, UA_INCOMING a new one with UA_CALL_INBOUND set. After UA_ENDED its number is dead: orders for
 * it are ignored.
 *
 * SDP crosses as text; what is offered and answered is decided by negotiate.h. Session timers (RFC 4028),
 * PRACK (RFC 3262), digest (RFC 8760), redirects and retransmission happen within.
 */
#ifndef VOICE_UA_H
#define VOICE_UA_H

#include <stdbool.h>
#include <hilo/types.h>

#define UA_CALL_INBOUND (UINT64_C(1) << 63)

/* What the endpoint is; texts are borrowed for the life of the endpoint. Empty: not so. */
struct ua_conf {
    struct hilo_str udp, tcp,
        tls; /* listens: "0.0.0.0:5060", "[::]:5060"; empty: not over this. Several, by spaces */
    struct hilo_str public_host; /* what Contact and Via say behind a NAT, without port */
    struct hilo_str tls_cert, tls_key,
        tls_ca;                /* PEM; of tls_ca the peer's certificate must be, where it is given */
    struct hilo_str registrar; /* "sip:pbx.example:5060;transport=tcp": REGISTER there */
    struct hilo_str user, auth_user, secret; /* address-of-record's user; digest */
    struct hilo_str domain;                  /* of our own addresses; empty: the registrar's host */
    struct hilo_str proxy;                   /* outbound proxy: every request goes there first */
    struct hilo_str trunk; /* addresses and networks that may call without having been asked, by spaces:
                              "10.0.0.0/8 2001:db8::/32"; their P-Asserted-Identity is believed. Empty
                              with a registrar: who it resolves to */
    int64_t register_expires_us;
    int64_t session_expires_us, min_se_us; /* RFC 4028; 0: no session timer of ours */
    int64_t options_us;      /* keep-alive by OPTIONS to the registrar, proxy or trunk; 0: none */
    uint64_t require_100rel; /* Require: 100rel of our own INVITEs; else Supported */
    uint32_t calls_max;      /* dialogs at once; an INVITE beyond is answered 503 with Retry-After */
    uint32_t invites_per_s;  /* new ones taken in a second, from one address; 0: no limit */
    struct hilo_str user_agent;
};

enum ua_event_type {
    UA_UP = 1,   /* it may call: listening and, with a registrar, registered */
    UA_DOWN,     /* it may not: status, reason; comes again as UA_UP by itself */
    UA_CONFIG,   /* nor ever, as things are: 403 or a wrong secret, an address that is in use */
    UA_INCOMING, /* an INVITE: from, to, asserted, sdp (may be empty: offer in the answer) */
    UA_PROGRESS, /* of ours: 1xx, with or without early media (sdp) */
    UA_ANSWERED, /* of ours: 2xx and its sdp. Of theirs: the ACK of our 2xx came, sdp if the answer was in it
                  */
    UA_OFFER,    /* a re-INVITE or UPDATE within the call: ua_answer() or ua_reject() answers it; sdp empty:
                     they ask for an offer. Also when another peer takes the call over (Replaces, RFC 3891):
                     from and peer are the new one's then, and the call goes on under its number */
    UA_DIGIT,    /* INFO application/dtmf-relay or application/dtmf: digit, duration_ms */
    UA_REFERRED, /* how our transfer goes on: status of the sipfrag, 100 to 699; final from 200 on */
    UA_TRANSFER, /* they REFER us: target, replaces; ua_refer_answer() */
    UA_KEPT,     /* our ua_reoffer() was refused (status, reason): the session stays as it was */
    UA_REFUSED,  /* no call: a stranger, or one too many, was answered status (403, 503); peer, reason. To be
                    logged: at most one a second, duration_ms says how many there were since the last */
    UA_ENDED     /* status (what ended it: 487, 486 …, 200: BYE), reason, by_peer; the last of a call */
};

struct ua_event {
    enum ua_event_type type;
    uint32_t status;
    uint64_t call;
    /* Of the event's own memory: valid until the next ua_next(). */
    struct hilo_str reason; /* words: the phrase, Reason (RFC 3326), or what is wrong */
    struct hilo_str sdp;
    struct hilo_str from, from_name; /* URI, display name */
    struct hilo_str to;              /* request-URI */
    struct hilo_str asserted;        /* P-Asserted-Identity's URI, of trusted peers only */
    struct hilo_str diverted;        /* Diversion or History-Info: who was called first */
    struct hilo_str call_id;         /* SIP Call-ID */
    struct hilo_str peer;            /* address it came from, with port: "192.0.2.1:5060" */
    struct hilo_str target, replaces;
    uint32_t private_id; /* Privacy: id, or the From is anonymous (RFC 3323): the number is withheld */
    uint32_t duration_ms;
    uint32_t by_peer;
    uint32_t
        q850; /* UA_ENDED: cause of a Reason header (ITU-T Q.850), which a network sends along; 0: none */
    char digit, spare[3];
};

/* An INVITE of ours. */
struct ua_invite {
    struct hilo_str
        to; /* "sip:+573001112233@pbx.example", or a user only: at the registrar, proxy or trunk */
    struct hilo_str from_user; /* caller id; empty: conf.user */
    struct hilo_str from_name;
    struct hilo_str sdp; /* the offer */
    struct hilo_str
        headers; /* more, "Name: value\r\n"…, e.g. X-Hilo-Call; checked for line breaks by the maker */
    struct hilo_str replaces; /* Replaces, for an attended transfer */
    int64_t ring_us;          /* CANCEL when nobody has answered so long */
};

struct ua;

/* NULL: why, in words for an operator, in why[]. Nothing is sent before ua_start(). */
struct ua *ua_new(const struct ua_conf *, void (*wake)(void *arg), void *arg, char why[256]);
void ua_start(struct ua *);
/* The next event; false: there is none. */
bool ua_next(struct ua *, struct ua_event *);

void ua_call(struct ua *, uint64_t call, const struct ua_invite *);
/* 180, or with sdp 183 and early media (reliably, RFC 3262, if the caller can). To an INVITE without an
 * offer always 180. */
void ua_ring(struct ua *, uint64_t call, struct hilo_str sdp);
/* 200 to the INVITE or UA_OFFER that is open; of an offerless one, sdp is our offer. */
void ua_answer(struct ua *, uint64_t call, struct hilo_str sdp);
/* The open INVITE or UA_OFFER: 486, 603, 488, 503 …; retry_after_s 0: none. 3xx: contact is where to.
 * UA_ENDED follows if it was the INVITE that began the call. */
void ua_reject(struct ua *, uint64_t call, uint32_t status, struct hilo_str contact, uint32_t retry_after_s);
/* CANCEL, 480 or BYE, whichever is right; UA_ENDED follows at once, without waiting for the peer: 487 or
 * 200. reason: words for the Reason header, may be empty. */
void ua_hangup(struct ua *, uint64_t call, struct hilo_str reason);
/* Our re-INVITE: hold, resume, another codec. UA_ANSWERED with their answer, or UA_KEPT. One at a time:
 * ignored while another is under way. Glare (491) is tried again within. */
void ua_reoffer(struct ua *, uint64_t call, struct hilo_str sdp);
/* REFER (RFC 3515): blind to target, or attended (RFC 5589) to where the call `with` leads, 0: none. */
void ua_refer(struct ua *, uint64_t call, struct hilo_str target, uint64_t with);
/* The first time: what the REFER is answered, 202 or a refusal (603 …). After a 202: how it went on, 100 to
 * 699, told the transferor by NOTIFY; from 200 on it is the last. */
void ua_refer_answer(struct ua *, uint64_t call, uint32_t status);
/* Unregisters, ends every call, and joins the thread: at most for wait_us, then without waiting for peers. */
void ua_free(struct ua *, int64_t wait_us);

#endif
