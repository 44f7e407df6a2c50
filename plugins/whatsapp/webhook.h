/* What reading a provider's webhook gives. */
#ifndef WHATSAPP_WEBHOOK_H
#define WHATSAPP_WEBHOOK_H

#include <hilo/types.h>
#include <stdbool.h>

/* What was met besides messages and receipts. */
enum wa_note {
    WA_NOTE_OBJECT,        /* not about WhatsApp at all: text is the object's name */
    WA_NOTE_FIELD,         /* news of a kind that is not used: text is its name */
    WA_NOTE_FOREIGN,       /* a change for another number: text is its id */
    WA_NOTE_STATUS,        /* a status that Hilo has no word for: text is the provider's word */
    WA_NOTE_MALFORMED,     /* something is not of the shape documented: text says what */
    WA_NOTE_TOO_LARGE,     /* a message above HILO_MESSAGE_MAX, given without its content: text is its id */
    WA_NOTE_ACCOUNT_ERROR, /* the account has a problem: code, text is the provider's title */
    WA_NOTE_ACCOUNT_STOP,  /* it can't send until an operator acts: code, text is the reason */
    WA_NOTE_ACCOUNT_UP,    /* it can send again: text is what was said */
    WA_NOTE_ACCOUNT_NEWS,  /* something that people should know: text is it */
    WA_NOTE_TEMPLATES      /* the list of templates has changed: text is the name of one */
};

/* Who takes templates, as bytes of the group TEMPLATE. why: it can't be told to the
 * core, and the reason; group is then empty. */
struct wa_template_sink {
    void *arg;
    void (*put)(void *arg, struct hilo_str group, struct hilo_str name, const char *why);
};

struct wa_sink {
    void *arg;
    /* One message of kind INBOUND or RECEIPT, valid during the call. True to go on. */
    bool (*message)(void *arg, struct hilo_str message);
    void (*note)(void *arg, enum wa_note, int64_t code, struct hilo_str text);
    /* What a template is from now on: some of the fields of its group. */
    void (*template_put)(void *arg, struct hilo_str group);
};

struct wa_account {
    struct hilo_str phone_number_id; /* ours: changes of others are only noted */
    struct hilo_str waba_id;         /* scope of user ids where an entry has no id; may be empty */
};

#endif
