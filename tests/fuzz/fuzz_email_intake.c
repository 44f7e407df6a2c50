/*
 * A recipient (the first line) and a mail (the rest), all the way to the gateway's message or receipt: well
 * formed, no larger than a message may be, and never an answer to a message of ours, as nobody has the key.
 */
#include "../../plugins/email/id.h"
#include "../../plugins/email/inbound.h"
#include "../../plugins/email/ours.h"
#include "../../plugins/email/words.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Groups are sequences of fields, all the way down. */
static void well_formed(struct hilo_str group, unsigned depth)
{
    struct hilo_field f;
    int rc;

    while ((rc = hilo_next(&group, &f)) == 1)
        if (depth == 0 &&
            (f.tag == HILO_T_MSG_CONTENT || f.tag == HILO_T_MSG_PARTY || f.tag == HILO_T_MSG_RECEIPT))
            well_formed(f.val, 1);
        else if (depth == 1 && (f.tag == HILO_T_CONTENT_ATTACHMENTS || f.tag == HILO_T_CONTENT_ORIGINAL))
            well_formed(f.val, 2);
    if (rc < 0)
        abort();
}

static void written(const struct hilo_writer *w)
{
    if (w->failed || w->depth)
        abort();
    well_formed(hilo_written(w), 0);
}

static void report(const struct mail *m, uint8_t *buf)
{
    const struct hilo_id id = {{1}};
    struct hilo_writer w;
    struct words words;

    words_of(email_str(m->about.status), 0, email_str(m->about.diagnostic), EMAIL_ES, &words);
    if (strlen(words.text) >= WORDS_MAX || strchr(words.text, '@'))
        abort(); /* an address is a person's */
    hilo_writer_init(&w, buf, HILO_MESSAGE_MAX);
    inbound_receipt(id, HILO_STATUS_FAILED, words.reason, email_str(m->about.status), words.text, 1, &w);
    written(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[HILO_MESSAGE_MAX];
    static const struct email_conf conf = {.address = {"soporte@tienda.example", 22}, .separator = {"+", 1}};
    struct email e = {.conf = &conf, .keys = {{7}}, .n_keys = 1};
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    char to[320];
    const char *rcpt[] = {to}, *why = NULL;
    struct inbound_around around = {
        .file = "m-0000000000000-0000000000000000.eml", .now_us = 1, .size = size};
    struct hilo_id id = {{0}};
    struct hilo_writer w;
    struct mail m;

    if (!end)
        return 0;
    email_copy(to, sizeof to, (struct hilo_str){(const char *)data, (uint64_t)(end - data)});
    (void)ours_address(&conf, email_str(to));
    if (mail_read((struct hilo_str){(const char *)end + 1, size - (size_t)(end + 1 - data)}, "", "mark", &m,
                  &why) != HILO_OK)
        return 0;
    if (ours_answered(&e, rcpt, 1, &m, &id) || ours_reported(&e, rcpt, 1, &m, &id) ||
        ours_invited(&e, &m, &id) || ours_bounced(&e, rcpt, 1, &m) || !id_is_none(id))
        abort();
    report(&m, buf);
    hilo_writer_init(&w, buf, sizeof buf);
    if (inbound_write(&m, &around, &w) == HILO_OK)
        written(&w);
    around.answered.b[0] = 1;
    hilo_writer_init(&w, buf, sizeof buf);
    if (inbound_write(&m, &around, &w) == HILO_OK)
        written(&w);
    mail_done(&m);
    return 0;
}
