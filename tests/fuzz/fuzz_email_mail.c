/*
 * Any bytes as a mail: read, each file of it written, and what comes out is what the rest of the plugin
 * relies on.
 */
#include "../../plugins/email/mail.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No line breaks and no control characters in what becomes a line. */
static void one_line(const char *s)
{
    for (; s && *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int null = -1;
    struct hilo_str s = {(const char *)data, size};
    const char *why = NULL;
    struct mail m;
    size_t i;

    if (null < 0)
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (mail_read(s, size % 3 == 0 ? "" : NULL, "mark", &m, &why) != HILO_OK) {
        if (!why)
            abort();
        return 0;
    }
    if (!m.text || !m.subject || !m.message_id || strlen(m.text) > MAIL_TEXT_MAX ||
        m.n_parts > MAIL_PARTS_MAX || m.n_references > MAIL_REFERENCES_MAX)
        abort();
    one_line(m.subject);
    one_line(m.from.address);
    one_line(m.from.name);
    one_line(m.message_id);
    one_line(m.in_reply_to);
    one_line(m.about.diagnostic);
    one_line(m.about.recipient);
    for (i = 0; i < m.n_references; i++)
        one_line(m.reference[i]);
    for (i = 0; i < m.n_to; i++)
        one_line(m.to[i].address);
    for (i = 0; i < m.n_parts && i < 20; i++) {
        one_line(m.part[i].filename);
        one_line(m.part[i].mime);
        if (!*m.part[i].filename || strpbrk(m.part[i].filename, "/\\"))
            abort();
        if (mail_part_write(s, m.part[i].path, null) == HILO_NOTFOUND)
            abort();
    }
    mail_done(&m);
    return 0;
}
