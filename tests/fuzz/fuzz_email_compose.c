/*
 * Any bytes as what people write (names, subject, texts, file names, links, an invitation), made into a mail:
 * its headers are ours and no others, its lines are CRLF and short enough, and a reader sees whom it is from
 * and to.
 */
#include "../../plugins/email/compose.h"
#include "../../plugins/email/mail.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FROM "soporte@tienda.example"
#define TO   "ana@example.com"

enum { WORDS = 18 };

static const char *const allowed[] = {"Date",
                                      "From",
                                      "To",
                                      "Reply-To",
                                      "Subject",
                                      "Message-ID",
                                      "References",
                                      "In-Reply-To",
                                      "Content-Language",
                                      "Auto-Submitted",
                                      "X-Auto-Response-Suppress",
                                      "X-Hilo-Loop",
                                      "List-Unsubscribe",
                                      "List-Unsubscribe-Post",
                                      "MIME-Version",
                                      "Content-Type",
                                      "Content-Transfer-Encoding"};

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static void check_header(const char *s, const char *eol)
{
    const char *colon = memchr(s, ':', (size_t)(eol - s));
    size_t i;

    for (i = 0; colon && i < sizeof allowed / sizeof *allowed; i++)
        if (strlen(allowed[i]) == (size_t)(colon - s) && strncmp(s, allowed[i], (size_t)(colon - s)) == 0)
            return;
    abort();
}

static void check_bytes(const struct compose_out *out)
{
    const char *s = out->bytes, *end = s + out->n, *eol;
    int head = 1;

    for (; s < end; s = eol + 2) {
        eol = memmem(s, (size_t)(end - s), "\r\n", 2);
        if (!eol || eol - s > 998 || memchr(s, '\n', (size_t)(eol - s)) ||
            memchr(s, '\r', (size_t)(eol - s)) || memchr(s, '\0', (size_t)(eol - s)))
            abort();
        if (eol == s)
            head = 0;
        else if (head && *s != ' ' && *s != '\t')
            check_header(s, eol);
    }
}

static void check_read(const struct compose_out *out)
{
    struct hilo_str bytes = {out->bytes, out->n};
    const char *why;
    struct mail m;

    if (mail_read(bytes, NULL, NULL, &m, &why) != HILO_OK || !m.from.address ||
        strcmp(m.from.address, FROM) != 0 || m.n_to != 1 || strcmp(m.to[0].address, TO) != 0 ||
        strcmp(m.message_id, "r0abc@tienda.example") != 0)
        abort();
    mail_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hilo_str word[WORDS] = {{NULL, 0}};
    struct compose_file file = {.fd = -1};
    struct compose_link link;
    struct compose_mail m = {.from = str(FROM), .to = str(TO), .message_id = str("r0abc@tienda.example")};
    struct compose_out out;
    const char *why = NULL, *p = (const char *)data, *end = p + size, *cut;
    uint8_t flags = size ? data[0] : 0;
    size_t i;

    for (i = 0, p += size > 0; i < WORDS && p < end; i++) {
        cut = memchr(p, 0xff, (size_t)(end - p)); /* no byte of UTF-8 */
        word[i] = (struct hilo_str){p, (uint64_t)((cut ? cut : end) - p)};
        p = cut ? cut + 1 : end;
    }
    m.from_name = word[0];
    m.to_name = word[1];
    m.subject = word[2];
    m.text = word[3];
    m.html = flags & 1 ? word[4] : str("");
    m.in_reply_to = word[5];
    m.reference = &word[5];
    m.n_references = 2;
    m.language = word[7];
    m.loop_mark = word[8];
    m.unsubscribe_url = word[9];
    m.pixel_url = word[10];
    m.automatic = flags & 2;
    link = (struct compose_link){word[11], word[12]};
    m.link = &link;
    m.n_links = flags & 4 ? 1 : 0;
    if (flags & 8) {
        file = (struct compose_file){memfd_create("fuzz", MFD_CLOEXEC), word[13], word[14], word[15]};
        m.file = &file;
        m.n_files = 1;
    }
    if (flags & 16)
        m.event = (struct compose_event){.method = flags & 32 ? COMPOSE_CANCEL : COMPOSE_REQUEST,
                                         .uid = str("apt_1@tienda.example"),
                                         .summary = word[2],
                                         .description = word[3],
                                         .location = word[16],
                                         .time_zone = flags & 64 ? word[17] : str("America/Bogota"),
                                         .organizer_name = word[0],
                                         .starts_us = (int64_t)flags << 43};
    if (compose_mail(&m, &out, &why) == HILO_OK) {
        check_bytes(&out);
        check_read(&out);
        free(out.bytes);
    } else if (!why) {
        abort();
    }
    if (file.fd >= 0)
        (void)close(file.fd);

    /* and as an address */
    m = (struct compose_mail){.from = str(FROM), .to = word[0], .message_id = str("r0abc@tienda.example")};
    if (compose_mail(&m, &out, &why) == HILO_OK) {
        check_bytes(&out);
        free(out.bytes);
    }
    return 0;
}
