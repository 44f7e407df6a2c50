/*
 * The endpoint's inside: what its files share. Everything but the two boxes and the eventfd belongs to the
 * signalling thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VOICE_UA_INT_H
#define VOICE_UA_INT_H

struct ua;
struct ua_stack;
struct ua_op;
#define NUA_MAGIC_T     struct ua_stack
#define NUA_HMAGIC_T    struct ua_op
#define SU_ROOT_MAGIC_T struct ua

#include <sofia-sip/nua.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/su_wait.h>

#include "ua.h"
#include "ua_box.h"
#include "ua_gate.h"
#include "ua_text.h"

enum {
    UA_STACKS_MAX = 4,      /* two listens each */
    UA_MESSAGE_MAX = 65536, /* octets of one SIP message; a longer one is answered 413 */
    UA_URI_MAX = 1024,
    UA_REDIRECTS_MAX = 5,  /* 3xx followed in one call */
    UA_CHALLENGES_MAX = 3, /* 401 and 407 answered in one request: a proxy's, a server's, a stale nonce */
    UA_GLARES_MAX = 4      /* 491 tried again */
};

/* An order of the plugin's, to the thread. */
enum ua_order_type {
    UA_DO_CALL,
    UA_DO_RING,
    UA_DO_ANSWER,
    UA_DO_REJECT,
    UA_DO_HANGUP,
    UA_DO_REOFFER,
    UA_DO_REFER,
    UA_DO_REFER_ANSWER,
    UA_DO_FREE
};
struct ua_order {
    struct ua_link link;
    enum ua_order_type type;
    uint32_t status, retry_after_s;
    uint64_t call, with;
    int64_t wait_us;         /* UA_DO_FREE */
    struct ua_invite invite; /* sdp is what any order has of it */
    struct hilo_str text;    /* reason, contact or target */
};
struct ua_told {
    struct ua_link link;
    struct ua_event event;
};

/* What a nua handle is of. */
enum ua_op_type { UA_OP_LEG, UA_OP_REGISTER, UA_OP_OPTIONS };
struct ua_op {
    enum ua_op_type type;
    uint32_t challenges, last; /* answered since the request's first try; status of the last */
};

/* Which request of theirs waits for the plugin's word. */
enum ua_open { UA_OPEN_NONE, UA_OPEN_INVITE, UA_OPEN_REINVITE, UA_OPEN_UPDATE, UA_OPEN_ACK };

/* A dialog of INVITE, from its beginning until its handle is gone; longer than its call, which is over for
 * the plugin (told) when UA_ENDED is out. */
struct ua_leg {
    struct ua_op op; /* first: the handle's magic */
    struct ua_leg *next, **prev, *chain;
    struct ua *ua;
    struct ua_stack *st;
    nua_handle_t *nh;
    uint64_t call;
    bool in, up, told, chained; /* they called; ACK or 2xx was; UA_ENDED is out; in the table */
    bool offerless, reoffering, answered, cancelled; /* answered: our 200 is out, ACK or not */
    bool no_timer;    /* no session timer: they have none, nor UPDATE, by which we could refresh */
    char call_id[64]; /* of an INVITE of ours, the same at each try */
    enum ua_open open;
    nua_saved_event_t update[1]; /* UA_OPEN_UPDATE */
    nua_saved_event_t refer[1];  /* a REFER that waits for ua_refer_answer() */
    bool refer_open, refer_told; /* so; answered 202, NOTIFY may follow */
    char *refer_event;           /* Event of those NOTIFYs */
    su_timer_t *timer;           /* ring time, or glare */
    struct ua_leg *successor;    /* an INVITE with Replaces of this dialog, not yet answered */
    struct ua_leg *replaces;     /* of a successor: whom */
    struct ua_order *order;      /* of ours: the INVITE, as long as it may be tried again; or the re-INVITE */
    char *tried[UA_REDIRECTS_MAX + 1];
    uint32_t n_tried, glares;
    char *contact;        /* where the peer is: its Contact */
    char own[UA_URI_MAX]; /* our Contact, where sofia's own would be wrong; else empty */
    uint32_t status;      /* what ended it, as far as known */
    bool by_peer;
    uint32_t q850; /* in a Reason, 0: none */
    char *reason;
};

struct ua_register {
    struct ua_op op;
    nua_handle_t *nh, *options_nh;
    struct ua_op options_op;
    struct ua_stack *st;
    su_timer_t *retry, *options;
    uint32_t failures; /* in a row */
    bool registered, answering, told_up, told_down, given_up;
};

struct ua_stack {
    struct ua *ua;
    nua_t *nua;
    bool udp, tcp, tls, v4, v6;
    bool down; /* nua_r_shutdown came */
};

struct ua {
    struct ua_conf conf; /* of its own memory, each text with a NUL behind it */
    void *conf_node;
    void (*wake)(void *arg);
    void *arg;
    struct ua_box orders, events;
    struct ua_told *taken; /* what ua_next() gave last; the plugin's loop's */
    int order_fd;          /* eventfd: there are orders */
    bool started;
    pthread_t thread;

    /* What follows is the thread's. */
    struct ua_listen listens[UA_LISTENS_MAX];
    uint32_t n_listens;
    su_home_t home[1];
    su_root_t *root;
    struct msg_mclass_s *mclass;
    struct ua_stack stacks[UA_STACKS_MAX];
    uint32_t n_stacks;
    struct ua_leg *legs, **table;
    uint32_t table_mask, n_calls; /* not told */
    uint64_t last_in;
    struct ua_gate gate;
    struct ua_register reg;
    char own_host[64];              /* of our own addresses, where the configuration has none */
    char *registrar, *proxy, *peer; /* URIs: of the registrar, of the outbound proxy, of the trunk's first */
    bool ending, ended;
    su_timer_t *deadline;
};

/* ---- ua_stack.c: the thread ----------------------------------------------------------------- */
void *ua_thread(void *ua);
/* Hands the event to the plugin. */
void ua_tell(struct ua *, const struct ua_event *);
void ua_tell_state(struct ua *, enum ua_event_type, uint32_t status, const char *words);
int64_t ua_now_s(void);
/* The stack to reach a URI by. */
struct ua_stack *ua_stack_for(struct ua *, const char *uri);
/* When an end was asked for and nothing is left: stops the thread. */
void ua_maybe_done(struct ua *);

/* ---- ua_event.c: what nua tells --------------------------------------------------------------- */
void ua_on_nua(nua_event_t, int status, char const *phrase, nua_t *, struct ua_stack *, nua_handle_t *,
               struct ua_op *, sip_t const *, tagi_t tags[]);

/* ---- ua_call.c: orders, and a leg's life ------------------------------------------------------ */
void ua_order_run(struct ua *, struct ua_order *); /* takes it over */
struct ua_leg *ua_leg_new(struct ua *, struct ua_stack *, nua_handle_t *, uint64_t call);
/* Puts it into the table under its number. */
void ua_leg_chain(struct ua_leg *);
void ua_leg_unchain(struct ua_leg *);
struct ua_leg *ua_leg_of(struct ua *, uint64_t call);
/* UA_ENDED, once. */
void ua_leg_tell_end(struct ua_leg *);
/* The leg and its handle are gone. */
void ua_leg_free(struct ua_leg *);
/* What ended it, unless that is known already. */
void ua_leg_cause(struct ua_leg *, uint32_t status, const char *reason, bool by_peer);
/* INVITE of ours, again: after a redirect to uri (NULL: the same place), with authorization. */
bool ua_leg_invite(struct ua_leg *, const char *uri, const char *authorization,
                   const char *proxy_authorization);
void ua_leg_glare(struct ua_leg *);
/* Ends a dialog that the plugin knows nothing of any more. */
void ua_leg_drop(struct ua_leg *, const char *reason);

/* ---- ua_register.c: REGISTER and OPTIONS ------------------------------------------------------ */
void ua_register_begin(struct ua *);
void ua_register_end(struct ua *);
void ua_on_register(struct ua *, bool un, int status, char const *phrase, sip_t const *,
                    const struct sockaddr *from);
void ua_on_options(struct ua *, nua_handle_t *, int status, char const *phrase, sip_t const *);
void ua_register_free(struct ua *);

/* ---- ua_auth.c: digest ------------------------------------------------------------------------ */
/* Answers the challenge of a response within the handle, if it is one that sofia can (MD5): true. */
bool ua_authenticate(struct ua *, nua_handle_t *, struct ua_op *, sip_t const *);
/* The Authorization or Proxy-Authorization for it (SHA-256), in home; NULL: there is none that we can. */
char *ua_authorize(struct ua *, su_home_t *home, struct ua_op *, sip_t const *, const char *method,
                   const char *uri, bool *proxy);

/* ---- ua_check.c: what sofia lets pass ---------------------------------------------------------- */
struct msg_mclass_s *ua_mclass_new(void);

#endif
