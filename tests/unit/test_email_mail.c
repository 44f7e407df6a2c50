/*
 * Mails as people and machines send them, read.
 */
#include "../../plugins/email/mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static struct mail m;
static const char *why;

static int32_t reads_from(const char *text, const char *envelope)
{
    struct hilo_str s = {text, strlen(text)};

    return mail_read(s, envelope, "mark-1", &m, &why);
}
static void reads(const char *text)
{
    int32_t rc = reads_from(text, "ana@example.com");

    if (rc != HILO_OK)
        fail_msg("%d %s: %.200s", (int)rc, why, text);
}

#define HEAD "From: Ana <ana@Example.COM>\r\nTo: soporte@tienda.example\r\nMessage-ID: <1@example.com>\r\n"

static void headers_are_decoded(void **state)
{
    (void)state;
    reads("From: =?utf-8?q?Ana_Mar=C3=ADa?= <ana@Example.COM>\r\n"
          "Reply-To: otra@example.com\r\n"
          "To: Soporte <soporte+r0x@tienda.example>, grupo: a@b.example, c@d.example;\r\n"
          "Subject: Re: RV: Fwd: =?iso-8859-1?q?Televisi=F3n_da=F1ada?=\r\n"
          "Date: Tue, 1 Dec 2026 10:00:00 -0500\r\nMessage-ID: <abc@example.com>\r\n"
          "In-Reply-To: <our1@tienda.example>\r\nReferences: <a@x> <b@x>\r\n "
          "<our1@tienda.example>\r\n\r\nHola\r\n");
    assert_string_equal(m.from.address, "ana@example.com");
    assert_string_equal(m.from.name, "Ana María");
    assert_string_equal(m.sender.address, "otra@example.com");
    assert_int_equal(m.n_to, 3);
    assert_string_equal(m.to[0].address, "soporte+r0x@tienda.example");
    assert_string_equal(m.subject, "Televisión dañada");
    assert_string_equal(m.message_id, "abc@example.com");
    assert_string_equal(m.in_reply_to, "our1@tienda.example");
    assert_int_equal(m.n_references, 3);
    assert_string_equal(m.reference[2], "our1@tienda.example");
    assert_int_equal(m.date_us, INT64_C(1796137200) * 1000000);
    assert_string_equal(m.text, "Hola");
    assert_false(m.automatic);
    mail_done(&m);
}

static void charsets_that_are_wrong_are_read_as_well_as_can_be(void **state)
{
    (void)state;
    reads(HEAD "Subject: x\r\n\r\nma\xf1"
               "ana\r\n"); /* no charset: Windows */
    assert_string_equal(m.text, "mañana");
    mail_done(&m);
    reads(HEAD "Content-Type: text/plain; charset=x-nobody-knows\r\n\r\nma\xc3\xb1"
               "ana\r\n");
    assert_string_equal(m.text, "mañana");
    mail_done(&m);
    reads(HEAD "Content-Type: text/plain; charset=utf-8\r\n\r\nma\xf1"
               "ana \xff\r\n"); /* says so and is not */
    assert_non_null(strstr(m.text, "ana"));
    mail_done(&m);
    reads(HEAD "Subject: =?utf-8?b?SG9sYQ0KQmNjOiB4QHk=?=\r\n\r\nx\r\n"); /* a line break in a word */
    assert_null(strpbrk(m.subject, "\r\n"));
    mail_done(&m);
}

static void an_answer_is_cut_from_its_history(void **state)
{
    static const struct {
        const char *body, *text, *quoted, *signature;
    } t[] = {
        {"Sí, mañana.\n\nEl mar, 1 dic 2026 a las 10:00, Soporte (<s@t.example>)\nescribió:\n> ¿Le sirve?\n> "
         "Saludos\n",
         "Sí, mañana.",
         "El mar, 1 dic 2026 a las 10:00, Soporte (<s@t.example>)\nescribió:\n> ¿Le sirve?\n> Saludos", NULL},
        {"Yes.\n\nOn Tue, Dec 1, 2026 at 10:00 AM Support <s@t.example> wrote:\n\n> Hello\n>\n> Bye\n",
         "Yes.", "On Tue, Dec 1, 2026 at 10:00 AM Support <s@t.example> wrote:\n\n> Hello\n>\n> Bye", NULL},
        {"Ok\n\n-----Mensaje original-----\nDe: Soporte\nHola\n", "Ok",
         "-----Mensaje original-----\nDe: Soporte\nHola", NULL},
        {"Ok\n\nDe: Soporte <s@t.example>\nEnviado: martes\nPara: Ana\nAsunto: x\n\nHola\n", "Ok",
         "De: Soporte <s@t.example>\nEnviado: martes\nPara: Ana\nAsunto: x\n\nHola", NULL},
        {"Ok\n\n________________________________\nFrom: S <s@t.example>\nSent: x\n\nHi\n", "Ok",
         "________________________________\nFrom: S <s@t.example>\nSent: x\n\nHi", NULL},
        {"Listo\n-- \nAna Ruiz\nCalle 1\n", "Listo", NULL, "-- \nAna Ruiz\nCalle 1"},
        {"Listo\n\nEnviado desde mi iPhone\n\n> antes\n", "Listo", "> antes", "Enviado desde mi iPhone"},
        /* Answers between the lines stay whole. */
        {"> ¿Talla?\nM\n> ¿Color?\nAzul\n", "> ¿Talla?\nM\n> ¿Color?\nAzul", NULL, NULL},
        /* Nothing new: all of it is what she sends. */
        {"> reenviado\n> todo\n", "> reenviado\n> todo", NULL, NULL},
        {"On balance I would say no.\nIt wrote: nothing\n", "On balance I would say no.\nIt wrote: nothing",
         NULL, NULL},
        {"", "", NULL, NULL},
    };
    char mail[2048];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        (void)snprintf(mail, sizeof mail, HEAD "Content-Type: text/plain; charset=utf-8\r\n\r\n%s",
                       t[i].body);
        reads(mail);
        assert_string_equal(m.text, t[i].text);
        if (t[i].quoted)
            assert_string_equal(m.quoted, t[i].quoted);
        else
            assert_null(m.quoted);
        if (t[i].signature)
            assert_string_equal(m.signature, t[i].signature);
        else
            assert_null(m.signature);
        mail_done(&m);
    }
}

static void html_alone_has_a_safe_text(void **state)
{
    (void)state;
    reads(
        HEAD
        "Content-Type: text/html; charset=utf-8\r\n\r\n"
        "<html><head><title>no</title><style>p{}</style></head><body><div style='display: none'>oculto</div>"
        "<p>Hola <b>Ana</b>&nbsp;&amp; c&iacute;a</p><script>alert(1)</script><ul><li>uno<li>dos</ul>"
        "<a href='https://t.example/x'>aqu&iacute;</a><a href='javascript:x()'>malo</a>"
        "<blockquote><p>antes</p></blockquote><img src='http://track.example/p.gif' alt='logo'>");
    assert_true(m.from_html);
    assert_non_null(strstr(m.text, "Hola Ana"));
    assert_non_null(strstr(m.text, "cía"));
    assert_non_null(strstr(m.text, "- uno\n- dos"));
    assert_non_null(strstr(m.text, "aquí (https://t.example/x)"));
    assert_non_null(strstr(m.text, "> antes"));
    assert_null(strstr(m.text, "oculto"));
    assert_null(strstr(m.text, "alert"));
    assert_null(strstr(m.text, "javascript"));
    assert_null(strstr(m.text, "track"));
    mail_done(&m);
}

/* The part's bytes are text. */
static void part_is(const char *mail, size_t i, const char *text)
{
    struct hilo_str s = {mail, strlen(mail)};
    char path[] = "/tmp/hilo-mail-XXXXXX", got[256];
    int fd = mkstemp(path);
    ssize_t n;

    assert_true(fd >= 0);
    (void)unlink(path);
    assert_int_equal(mail_part_write(s, m.part[i].path, fd), HILO_OK);
    n = pread(fd, got, sizeof got - 1, 0);
    assert_true(n >= 0);
    got[n] = '\0';
    assert_string_equal(got, text);
    (void)close(fd);
}

static void files_come_out_as_they_went_in(void **state)
{
    static const char mail[] =
        HEAD "Content-Type: multipart/mixed; boundary=a\r\n\r\n"
             "--a\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
             "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
             "--c\r\nContent-Type: text/plain\r\n\r\nMire la foto\r\n"
             "--c\r\nContent-Type: text/html\r\n\r\n<p>Mire la foto <img src=cid:f1></p>\r\n--c--\r\n"
             "--b\r\nContent-Type: image/png\r\nContent-ID: <f1>\r\nContent-Transfer-Encoding: "
             "base64\r\n\r\nQUJD\r\n--b--\r\n"
             "--a\r\nContent-Type: application/pdf; name=\"=?utf-8?q?Factura_ni=C3=B1o.pdf?=\"\r\n"
             "Content-Disposition: attachment; filename*=utf-8''..%2F..%2Fetc%2FFactura%20ni%C3%B1o.pdf\r\n"
             "Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db\r\n"
             "--a\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n\r\nTNEF\r\n"
             "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: dentro\r\n\r\nhola\r\n--a--\r\n";

    (void)state;
    reads(mail);
    assert_string_equal(m.text, "Mire la foto");
    assert_int_equal(m.n_parts, 4);
    assert_true(m.part[0].inline_);
    assert_string_equal(m.part[0].mime, "image/png");
    assert_string_equal(m.part[0].content_id, "f1");
    assert_int_equal(m.part[0].size, 3);
    part_is(mail, 0, "ABC");
    assert_string_equal(m.part[1].filename, "Factura niño.pdf");
    assert_false(m.part[1].inline_);
    part_is(mail, 1, "a=b");
    assert_string_equal(m.part[2].filename, "winmail.dat");
    assert_string_equal(m.part[3].filename, "dentro.eml");
    assert_string_equal(m.part[3].mime, "message/rfc822");
    mail_done(&m);
}

static void servers_say_what_became_of_a_mail(void **state)
{
    (void)state;
    assert_int_equal(
        reads_from(
            "From: MAILER-DAEMON@mx.example\r\nTo: soporte+b0x@tienda.example\r\nMessage-ID: <d@mx>\r\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n"
            "--r\r\n\r\nSorry\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; "
            "mx\r\n\r\n"
            "Final-Recipient: rfc822; ana@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 <ana@example.com>:\r\n User unknown\r\n\r\n"
            "--r\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x\r\nMessage-ID: "
            "<our9@tienda.example>\r\n--r--\r\n",
            ""),
        HILO_OK);
    assert_int_equal(m.about.report, MAIL_BOUNCE);
    assert_true(m.about.hard);
    assert_string_equal(m.about.status, "5.1.1");
    assert_string_equal(m.about.recipient, "ana@example.com");
    assert_string_equal(m.about.message_id, "our9@tienda.example");
    assert_string_equal(m.about.diagnostic, "smtp; 550 5.1.1 <ana@example.com>: User unknown");
    assert_true(m.automatic);
    mail_done(&m);

    reads(
        "From: ana@example.com\r\nMessage-ID: <r@x>\r\nContent-Type: multipart/report; "
        "report-type=disposition-notification;"
        " boundary=r\r\n\r\n--r\r\n\r\nread\r\n--r\r\nContent-Type: message/disposition-notification\r\n\r\n"
        "Final-Recipient: rfc822;ana@example.com\r\nOriginal-Message-ID: <our8@t>\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n--r--\r\n");
    assert_int_equal(m.about.report, MAIL_READ);
    assert_string_equal(m.about.message_id, "our8@t");
    mail_done(&m);

    reads("From: fbl@isp.example\r\nMessage-ID: <f@x>\r\nContent-Type: multipart/report; "
          "report-type=feedback-report; boundary=r\r\n\r\n"
          "--r\r\n\r\nspam\r\n--r\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: "
          "abuse\r\nVersion: 1\r\n"
          "Original-Rcpt-To: ana@example.com\r\n--r\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: "
          "<our7@t>\r\n\r\nx\r\n--r--\r\n");
    assert_int_equal(m.about.report, MAIL_COMPLAINT);
    assert_string_equal(m.about.message_id, "our7@t");
    assert_string_equal(m.about.recipient, "ana@example.com");
    mail_done(&m);

    assert_int_equal(
        reads_from(
            "From: Mail Delivery System <MAILER-DAEMON@old.example>\r\nMessage-ID: <o@x>\r\n\r\n"
            "Your message could not be delivered: mailbox full (4.2.2)\r\n\r\nMessage-Id: <our6@t>\r\n",
            ""),
        HILO_OK);
    assert_int_equal(m.about.report, MAIL_BOUNCE);
    assert_false(m.about.hard);
    assert_string_equal(m.about.status, "4.2.2");
    assert_string_equal(m.about.message_id, "our6@t");
    mail_done(&m);
    /* A person may write the same words. */
    reads(HEAD "\r\nMy message could not be delivered: user unknown\r\n");
    assert_int_equal(m.about.report, MAIL_NO_REPORT);
    mail_done(&m);
}

static void machines_and_circles_are_known(void **state)
{
    static const struct {
        const char *header, *why;
    } t[] = {{"Auto-Submitted: auto-replied\r\n", "auto-submitted"},
             {"Auto-Submitted: no\r\n", NULL},
             {"Precedence: bulk\r\n", "bulk"},
             {"List-Id: <x.y>\r\n", "list"},
             {"X-Auto-Response-Suppress: All\r\n", "auto-response-suppress"},
             {"X-Other: 1\r\n", NULL}};
    char mail[16384];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        (void)snprintf(mail, sizeof mail, HEAD "%s\r\nx\r\n", t[i].header);
        reads(mail);
        assert_int_equal(m.automatic, t[i].why != NULL);
        if (t[i].why)
            assert_string_equal(m.why_automatic, t[i].why);
        mail_done(&m);
    }
    reads("From: No-Reply@shop.example\r\n\r\nx\r\n");
    assert_string_equal(m.why_automatic, "no-reply-address");
    assert_non_null(strstr(m.message_id, "@digest.invalid"));
    mail_done(&m);
    reads(HEAD "X-Hilo-Loop: mark-1\r\n\r\nx\r\n");
    assert_true(m.loop);
    mail_done(&m);
    reads(HEAD "X-Hilo-Loop: other\r\n\r\nx\r\n");
    assert_false(m.loop);
    mail_done(&m);
    mail[0] = '\0';
    for (i = 0; i < MAIL_RECEIVED_MAX + 1; i++)
        (void)strcat(mail, "Received: from a by b; Tue, 1 Dec 2026 10:00:00 +0000\r\n");
    (void)strcat(mail, HEAD "\r\nx\r\n");
    reads(mail);
    assert_true(m.loop);
    mail_done(&m);
}

static void an_invitation_is_answered(void **state)
{
    (void)state;
    reads(HEAD
          "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nAceptado\r\n"
          "--a\r\nContent-Type: text/calendar; method=REPLY; charset=utf-8\r\n\r\n"
          "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:apt_1@tienda."
          "example\r\n"
          "SEQUENCE:2\r\nDTSTAMP:20261201T100000Z\r\nATTENDEE;PARTSTAT=DECLINED:mailto:ana@example.com\r\n"
          "END:VEVENT\r\nEND:VCALENDAR\r\n--a--\r\n");
    assert_int_equal(m.reply.partstat, MAIL_DECLINED);
    assert_string_equal(m.reply.uid, "apt_1@tienda.example");
    assert_int_equal(m.reply.sequence, 2);
    assert_string_equal(m.part[0].filename, "invite.ics");
    mail_done(&m);
}

/* What is too much is refused at once, whatever its size. */
static void what_is_beyond_the_limits_is_refused(void **state)
{
    const size_t size = 25u << 20;
    char *big = malloc(size + 1), *at = big;
    clock_t began;
    unsigned i;

    (void)state;
    assert_non_null(big);
    assert_int_equal(reads_from("", ""), HILO_INVALID);
    at += sprintf(at, HEAD);
    for (i = 0; i < 60; i++)
        at += sprintf(at, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
    (void)sprintf(at, "\r\nx\r\n");
    assert_int_equal(reads_from(big, NULL), HILO_INVALID);
    assert_string_equal(why, "it is nested too deeply");
    /* 25 MB of nested parts; of boundaries that almost are; of one header; of parts. */
    for (i = 0; i < 6; i++) {
        unsigned k = 0;

        at = big + sprintf(big, HEAD);
        if (i == 1)
            at += sprintf(at, "Content-Type: multipart/mixed; boundary=\"%066d\"\r\n\r\n", 0);
        else if (i == 3)
            at += sprintf(at, "Content-Type: multipart/mixed; boundary=p\r\n\r\n");
        while ((size_t)(at - big) + 200 < size) {
            if (i == 0)
                at += sprintf(at, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", k, k);
            else if (i == 1)
                at += sprintf(at, "--%066d\r\n", 1);
            else if (i == 2)
                at += sprintf(at, " %064d\r\n", 1);
            else if (i == 3)
                at += sprintf(at, "--p\r\n\r\nx\r\n");
            else if (i == 4)
                at += sprintf(at, "Content-Type: message/rfc822\r\n\r\n");
            else
                at += sprintf(at, "%s> a\r\nb\r\nOn x\r\n<p><div><b",
                              k ? "" : "Content-Type: text/html\r\n\r\n");
            k++;
        }
        began = clock();
        if (reads_from(big, NULL) == HILO_OK)
            mail_done(&m);
        assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 10); /* sanitized; a second without */
    }
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_decoded),
        cmocka_unit_test(charsets_that_are_wrong_are_read_as_well_as_can_be),
        cmocka_unit_test(an_answer_is_cut_from_its_history),
        cmocka_unit_test(html_alone_has_a_safe_text),
        cmocka_unit_test(files_come_out_as_they_went_in),
        cmocka_unit_test(servers_say_what_became_of_a_mail),
        cmocka_unit_test(machines_and_circles_are_known),
        cmocka_unit_test(an_invitation_is_answered),
        cmocka_unit_test(what_is_beyond_the_limits_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
