/*
 * From a mail that was read to the bytes of the gateway's message. Pure.
 */
#ifndef EMAIL_INBOUND_H
#define EMAIL_INBOUND_H

#include "email.h"
#include "mail.h"

#include <hilo/message.h>

struct inbound_around {
    const char *file;        /* keep.h's name of it: its parts are fetched from there */
    struct hilo_id answered; /* none: it answers nothing of ours for sure */
    const char *envelope_from;
    uint64_t size; /* of the whole mail */
    int64_t now_us;
    int64_t language; /* enum email_language, of the titles that are made here */
};
/* Who it is from; NULL: nobody says. */
const char *inbound_from(const struct mail *, const char *envelope_from);
/* HILO_OK, or HILO_INVALID: nobody says whom it is from; HILO_NOMEM. */
int32_t inbound_write(const struct mail *, const struct inbound_around *, struct hilo_writer *);

/* A receipt for a message of ours; status: HILO_STATUS_x. */
void inbound_receipt(struct hilo_id message, uint32_t status, const char *reason, struct hilo_str code,
                     const char *detail, int64_t now_us, struct hilo_writer *);

#endif
