/* A gateway with a channel "mail" of tests/plugins/letter.c beside WhatsApp, and mail to it. */
#ifndef TESTS_LETTER_H
#define TESTS_LETTER_H

#include "harness.h"
#include <hilo/message.h>

#define LETTER_URL "https://hilo.example" /* http.public_url */

struct letters {
    struct world w;
    char channel[512];
};
/* isolation: "thread" or "process". yaml: more sections, or NULL. */
void letters_up(struct letters *, const char *isolation, const char *yaml);
void letters_again(struct letters *); /* after gate_kill */
void letters_down(struct letters *);

/* ---- out ---- */

/* Sends to an address by the channel mail, and waits until it was sent; its id (64 bytes). content: JSON.
 * more: members of the request, ",\"category\":…". */
void letter_send(struct letters *, const char *to, const char *content, const char *more, char *id);
/* The last line of the plugin's file that begins so, without that; "" if there is none. Static. */
const char *letter_line(struct letters *, const char *head);
unsigned letter_count(struct letters *, const char *head); /* lines that begin so */
/* POST /v1/media; its id (64 bytes). */
void letter_upload(struct letters *, const char *name, const char *mime, const char *bytes, char *id);

/* ---- in ---- */

struct mail {
    struct hilo_writer w;
    unsigned char b[16384];
};
/* An INBOUND message; what follows is put into its content until mail_give. */
void mail_begin(struct mail *, const char *ext_id, const char *from, const char *reply_to);
void mail_text(struct mail *, const char *text);
/* tag: HILO_T_CONTENT_ATTACHMENTS or _ORIGINAL */
void mail_attach(struct mail *, uint32_t tag, const char *which, const char *name, const char *mime);
/* Posts it to the channel and gives the code that committed() said. */
int mail_give(struct letters *, struct mail *);
/* The id's 16 bytes of "msg_…". */
struct hilo_id id_of(const char *text);

/* The newest message of the thread of whoever has this address (its length: messages of the thread). */
struct answer thread_of(struct letters *, const char *email);
/* "" if nobody has it; else the customer's id. Static. */
const char *customer_of(struct letters *, const char *email);

#endif
