/* A short message service centre: sessions, accounts, messages, receipts, and what is to go wrong.
 *
 * It does no I/O and reads no clock. Whoever drives it (net.c; a test with a clock of its own) says what time
 * it is in now_us and wall_us before each call, gives it the bytes that came, writes what gathers in a
 * session's out, and closes a session that has an end once out is written. smsc_tick() does what is due.
 *
 * Nothing here is shared with the gateway: the simulator must be able to disagree with it. */
#ifndef SIM_SMSC_H
#define SIM_SMSC_H

#include "smpp.h"

#include <cjson/cJSON.h>

enum { ACCOUNTS_MAX = 16, STATES_MAX = 8, VIOLATIONS_KEPT = 32 };

/* ---- configuration ---- */

enum id_format { ID_SAME, ID_DEC, ID_HEX, ID_HEX_UPPER, ID_DEC_ZEROS, ID_HEX_ZEROS, ID_TEXT };
struct account {
    char system_id[17], password[17], system_type[17]; /* system_type "": any */
    int64_t max_binds;                                 /* 0: any number */
};
enum form { FORM_TEXT, FORM_TLV, FORM_BOTH };
struct receipts { /* what follows a message that asked for receipts */
    char states[STATES_MAX][16];
    int n_states;
    char variant[16]; /* of the text: receipt.c */
    char err[12];
    enum form form;
    enum id_format id; /* ID_SAME: as it was in the response */
    bool before_response, always, data_sm, intermediate_flag;
    int64_t delay_ms, between_ms;
};
struct conf {
    struct account account[ACCOUNTS_MAX];
    int n_accounts;
    int64_t window;             /* submits of a session without a response; 0: any number */
    int64_t forget_ms;          /* after which one without a response counts no longer; 0: never */
    int64_t rate;               /* submits a second, of all; 0: any number */
    int64_t response_ms;        /* after which submits are answered */
    int64_t enquire_link_ms;    /* of silence, after which it asks; 0: never */
    int64_t enquire_timeout_ms; /* and then hangs up */
    int64_t deliver_window,
        retry_ms;                /* deliver_sm without a response; until one refused for now comes again */
    int64_t id_start, seq_start; /* of the next message; of a session's own requests */
    int64_t sc_version;          /* in bind responses; -1: none */
    bool any_version, bare_errors, require_npi;
    enum id_format id;
    struct receipts receipts;
};

/* ---- what goes wrong ---- */

enum act {
    ACT_STATUS,      /* refused with that status */
    ACT_NACK,        /* the same by generic_nack */
    ACT_DROP,        /* taken, and the connection is cut instead of a response */
    ACT_RESET,       /* the same by RST */
    ACT_DROP_BEFORE, /* cut, and nothing was taken */
    ACT_DROP_AFTER,  /* taken, answered, cut */
    ACT_SILENT,      /* taken, never answered */
    ACT_DELAY,       /* taken, answered after ms */
    ACT_HOLD,        /* taken, answered at the next release */
    ACT_GARBAGE,     /* taken, and 64 octets of ff come instead of a response */
    ACT_OVERLONG,    /* taken; the response says that it is 2 GiB long */
    ACT_SHORT,       /* taken; the response says that it is 8 octets long */
    ACT_NO_ID,       /* taken; the response is a header alone */
    ACT_WRONG_SEQ,   /* taken; the response is to another request */
    ACT_TWICE,       /* taken, answered twice */
    ACT_RAW,         /* the octets given come before the response */
    ACT_SPLIT        /* from here on the session's octets come one at a time */
};
struct rule {
    uint32_t on;  /* a command; 0: any bind */
    char to[22];  /* only messages to that address; "": any */
    int64_t skip; /* so many pass before */
    int64_t count;
    enum act act;
    uint32_t status;
    int64_t ms;
    struct sbuf raw;
};

/* ---- what there is ---- */

enum end { END_NONE, END_CLOSE, END_RESET };
struct open { /* a request without a response */
    uint32_t seq;
    int64_t at_us;
};
struct session {
    struct session *next;
    uint64_t id;
    char system_id[17], peer[64];
    bool tx, rx, deaf, split, asked, unbinding; /* deaf: the driver does not read from it */
    enum end end;
    struct sbuf in, out;
    uint32_t next_seq;
    struct open *open;
    size_t n_open, cap_open, window_max, deliveries;
    int64_t heard_us;
    uint64_t submits;
    int fd; /* the driver's, like ssl */
    void *ssl;
    bool handshake;
};
struct submit {
    uint64_t seq, session, number;
    int64_t at_us;
    char id[66], system_id[17];
    uint32_t command, status;
    bool accepted, answered, canceled;
    struct sm sm; /* its bytes are in body */
    struct sbuf body;
    char state[16]; /* the last that a receipt told; "ENROUTE" before */
    unsigned receipts, receipts_acked;
};
enum delivery_state { D_PLANNED, D_READY, D_SENT, D_ACKED, D_REFUSED };
struct delivery {
    struct delivery *prev, *next; /* while ready or sent */
    uint64_t seq, session;
    uint32_t command, sequence, status;
    enum delivery_state state;
    char system_id[17];
    unsigned attempts, lost; /* lost: the connection ended before its answer came */
    int64_t at_us, acked_us;
    struct submit *about; /* of a receipt */
    char name[16];        /* its state */
    struct sbuf body;
};
struct response { /* that waits */
    struct response *next;
    uint64_t session;
    uint32_t to; /* sequence */
    struct sbuf bytes;
    struct submit *submit;
    enum end end;
};
struct due {
    int64_t at_us;
    uint64_t order;
    enum { DUE_DELIVERY, DUE_RESPONSE, DUE_LINK } what;
    uint64_t session;
    void *p;
};
struct counts {
    uint64_t connections, binds, binds_refused, unbinds, accepted, refused, throttled, window_exceeded,
        enquire_links, enquire_link_answers, links_lost, delivered, acked, refused_deliveries, nacks, queries,
        cancels;
};
struct smsc {
    int64_t now_us, wall_us; /* set by who drives it */
    struct conf conf;
    struct rule *rules;
    size_t n_rules;
    struct session *sessions;
    struct submit **submits;
    size_t n_submits, cap_submits;
    struct delivery **deliveries; /* all there were */
    size_t n_deliveries, cap_deliveries;
    struct delivery *first, *last; /* ready or sent, oldest first */
    size_t n_active, n_planned, n_ready;
    struct response *held;
    size_t n_waiting; /* responses, held or delayed */
    struct due *due;  /* a heap */
    size_t n_due, cap_due;
    uint64_t order, last_session, violations;
    char violation[VIOLATIONS_KEPT][160];
    double tokens;
    int64_t tokens_us;
    struct counts counts;
};

void smsc_init(struct smsc *);
void smsc_done(struct smsc *);
struct session *smsc_open(struct smsc *, const char *peer);
void smsc_input(struct smsc *, struct session *, const void *, size_t);
void smsc_closed(struct smsc *, struct session *); /* it is gone; frees it */
int64_t smsc_tick(struct smsc *);                  /* when the next is due; INT64_MAX: nothing is */

/* Something that the client must not do: counted, and the last ones kept in words. */
void violation(struct smsc *, const struct session *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void session_request(struct session *, uint32_t command, const void *body, size_t n);
void session_end(struct session *, enum end);
void responses_release(struct smsc *);
void due_add(struct smsc *, int64_t at_us, int what, uint64_t session, void *);
struct session *session_find(struct smsc *, uint64_t id);

/* ---- receipts and messages from mobiles: deliver.c, receipt.c ---- */

struct delivery *delivery_new(struct smsc *, uint32_t command, const char *system_id, const struct sm *);
void delivery_plan(struct smsc *, struct delivery *, int64_t after_us);
void delivery_ready(struct smsc *, struct delivery *);
void deliveries_send(struct smsc *);
void delivery_answered(struct smsc *, struct session *, uint32_t sequence, uint32_t status);
void deliveries_back(struct smsc *, const struct session *); /* it is gone: they go by another */
void receipt_send(struct smsc *, struct submit *, const char *state, const struct receipts *,
                  int64_t after_us);
void receipts_plan(struct smsc *, struct submit *);
bool receipt_variant_known(const char *);
void id_print(enum id_format, uint64_t number, char out[66]);
struct submit *submit_find(struct smsc *, const char *id); /* "last": the newest that was accepted */

/* ---- JSON: conf.c, inbound.c, look.c ---- */

bool conf_apply(struct smsc *, const cJSON *, char why[200]);
bool faults_apply(struct smsc *, const cJSON *, char why[200]);
bool receipts_apply(struct receipts *, const cJSON *, char why[200]);
/* A message from a mobile, as its parts; the seqs of its deliveries are added to ids. */
bool inbound_make(struct smsc *, const cJSON *, cJSON *ids, char why[200]);
/* Members that the functions above share. */
bool take_number(int64_t *out, const cJSON *, int64_t min, int64_t max, char why[200]);
bool take_text(char *out, size_t cap, const cJSON *, char why[200]);
bool take_bool(bool *out, const cJSON *, char why[200]);
const char *member(const cJSON *object, const char *key);

/* ---- text: text.c ---- */

enum coding { CODING_GSM, CODING_UCS2, CODING_LATIN1, CODING_ASCII, CODING_BINARY };
/* UTF-8 to octets (GSM 03.38 one septet an octet). False: it can't say that. */
bool text_encode(enum coding, const char *utf8, struct sbuf *out);
/* The other way, for people to read; what is no character becomes U+FFFD. shift: national language of
 * the single shift table (0 none, 2 Spanish, 3 Portuguese). */
void text_decode(enum coding, unsigned shift, const uint8_t *, size_t, struct sbuf *out);
enum coding coding_of(uint8_t data_coding);

#endif
