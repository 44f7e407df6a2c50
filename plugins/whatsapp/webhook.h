/*
 * From the body of a webhook to Hilo messages. Pure: it reads no clock, keeps no
 * state and calls nothing but the sink. [any] thread.
 */
#ifndef WHATSAPP_WEBHOOK_H
#define WHATSAPP_WEBHOOK_H

#include <hilo/types.h>
#include <stdbool.h>

/* What was met besides messages and receipts. */
enum wa_note {
    WA_NOTE_OBJECT,       /* not about WhatsApp at all: text is the object's name */
    WA_NOTE_FIELD,        /* a change of a field that is not "messages": text is its name */
    WA_NOTE_FOREIGN,      /* a change for another number: text is its phone_number_id */
    WA_NOTE_STATUS,       /* a status that Hilo has no word for: text is Meta's word */
    WA_NOTE_MALFORMED,    /* something is not of the shape documented: text says what */
    WA_NOTE_TOO_LARGE,    /* a message above HILO_MESSAGE_MAX, given without its content: text is its id */
    WA_NOTE_ACCOUNT_ERROR /* value.errors: code, text is Meta's title */
};

struct wa_sink {
    void *arg;
    /* One message of kind INBOUND or RECEIPT, valid during the call. True to go on. */
    bool (*message)(void *arg, struct hilo_str message);
    void (*note)(void *arg, enum wa_note, int64_t code, struct hilo_str text);
};

struct wa_account {
    struct hilo_str phone_number_id; /* ours: changes of others are only noted */
    struct hilo_str waba_id;         /* scope of user ids where an entry has no id; may be empty */
};

/* Gives every message and every status in the body to the sink, in their order.
 * HILO_OK; HILO_INVALID: the body is not a JSON object, nothing was given;
 * HILO_NOMEM: not all were given; HILO_AGAIN: the sink said to stop. */
int32_t wa_webhook_read(struct hilo_str body, const struct wa_account *, const struct wa_sink *);

#endif
