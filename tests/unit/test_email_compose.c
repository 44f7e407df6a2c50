/*
 * Mails that go out, as bytes: looked at line by line here, and read back by mail.h.
 */
#include "../../plugins/email/compose.h"
#include "../../plugins/email/mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static struct compose_mail in;
static struct compose_out out;
static const char *why;

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static int begin(void **state)
{
    (void)state;
    in = (struct compose_mail){.from = str("soporte@tienda.example"),
                               .to = str("ana@example.com"),
                               .subject = str("Hola"),
                               .text = str("Buenas"),
                               .message_id = str("r0abc@tienda.example"),
                               .date_us = INT64_C(1796137200) * 1000000};
    return 0;
}

/* What holds for every mail: CRLF and nothing else ends lines, none is too long, headers are ASCII lines of
 * at most 998, with a name. */
static void looks_right(void)
{
    const char *s = out.bytes, *end = out.bytes + out.n, *eol;
    bool head = true;

    assert_int_equal(strlen(out.bytes), out.n);
    for (; s < end; s = eol + 2) {
        eol = memmem(s, (size_t)(end - s), "\r\n", 2);
        assert_non_null(eol);
        assert_null(memchr(s, '\n', (size_t)(eol - s)));
        assert_null(memchr(s, '\r', (size_t)(eol - s)));
        assert_in_range(eol - s, 0, 998);
        if (eol == s)
            head = false;
        for (const char *c = s; c < eol; c++) {
            assert_false(head && (unsigned char)*c >= 0x80 && !out.utf8);
            assert_false(head && (unsigned char)*c < ' ' && *c != '\t');
        }
        if (head && *s != ' ' && *s != '\t')
            assert_non_null(memchr(s, ':', (size_t)(eol - s)));
    }
    assert_false(head);
}

static void compose(void)
{
    int32_t rc = compose_mail(&in, &out, &why);

    if (rc != HILO_OK)
        fail_msg("%d %s", (int)rc, why);
    looks_right();
}
static void done(void)
{
    free(out.bytes);
    out.bytes = NULL;
}
static void refuses(const char *words)
{
    assert_int_equal(compose_mail(&in, &out, &why), HILO_INVALID);
    assert_null(out.bytes);
    assert_non_null(strstr(why, words));
}

/* A header of the whole mail, unfolded, as it is written; NULL: none. How many lines begin with the name: *n.
 */
static const char *header(const char *name)
{
    static char value[20000];
    const char *end = strstr(out.bytes, "\r\n\r\n"), *s = out.bytes;
    size_t n = 0;
    bool found = false;

    while (s < end + 2) {
        const char *eol = strstr(s, "\r\n");

        if (*s == ' ' || *s == '\t') {
            if (found)
                n += (size_t)snprintf(value + n, sizeof value - n, "%.*s", (int)(eol - s), s);
        } else {
            if (found)
                return value;
            found = strncasecmp(s, name, strlen(name)) == 0 && s[strlen(name)] == ':';
            if (found)
                n = (size_t)snprintf(value, sizeof value, "%.*s", (int)(eol - s - (long)strlen(name) - 2),
                                     s + strlen(name) + 2);
        }
        s = eol + 2;
    }
    return found ? value : NULL;
}
static bool has(const char *text)
{
    return strstr(out.bytes, text) != NULL;
}

static struct mail back;
static void reads_back(void)
{
    assert_int_equal(mail_read(str(out.bytes), NULL, NULL, &back, &why), HILO_OK);
}

static int file_of(const char *bytes, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    return fd;
}

/* ---- tests ----------------------------------------------------------------------------------------------
 */

static void a_mail_has_text_and_html(void **state)
{
    (void)state;
    in.from_name = str("Tienda");
    in.to_name = str("Ana");
    in.language = str("es");
    in.text = str("Hola <Ana> & \"co\".\n\nVea https://tienda.example/a?b=1&c=2.\nAdiós");
    compose();
    assert_string_equal(header("From"), "\"Tienda\" <soporte@tienda.example>");
    assert_string_equal(header("To"), "\"Ana\" <ana@example.com>");
    assert_string_equal(header("Date"), "Tue, 1 Dec 2026 15:00:00 +0000");
    assert_string_equal(header("Message-ID"), "<r0abc@tienda.example>");
    assert_string_equal(header("Subject"), "Hola");
    assert_string_equal(header("MIME-Version"), "1.0");
    assert_string_equal(header("Content-Language"), "es");
    assert_null(header("In-Reply-To"));
    assert_null(header("References"));
    assert_null(header("Reply-To"));
    assert_null(header("Auto-Submitted"));
    assert_null(header("List-Unsubscribe"));
    assert_non_null(strstr(header("Content-Type"), "multipart/alternative"));
    assert_true(has("<html lang=3D\"es\">"));
    assert_true(has("<p>Hola &lt;Ana&gt; &amp; &quot;co&quot;.</p>"));
    assert_true(has("<a href=3D\"https://tienda.example/a?b=3D1&amp;c=3D2\">"));
    assert_false(has("b=3D1&amp;c=3D2.\">")); /* the sentence's full stop is not the link's */
    reads_back();
    assert_string_equal(back.text, "Hola <Ana> & \"co\".\n\nVea https://tienda.example/a?b=1&c=2.\nAdiós");
    assert_string_equal(back.from.name, "Tienda");
    mail_done(&back);
    done();
}

static void names_and_subjects_are_encoded(void **state)
{
    static const char *const text[] = {
        "Televisión dañada",
        "=?utf-8?q?as_if_encoded?=",
        "Pérez, \"Ana\" <ana@otra.example>",
        "Pérez\\Ana",
        "plain, with \"quotes\" and \\",
        "日本語の件名がとても長いので折り返さなければならないがそれでも正しく読めなければならない",
        "words that are so many that they do not fit in one line and have to be folded once or twice",
        "two  spaces   and more that has to be folded somewhere behind      here  and there",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof text / sizeof *text; i++) {
        in.from_name = in.subject = str(text[i]);
        compose();
        for (const char *s = out.bytes, *eol; (eol = strstr(s, "\r\n")) && eol != s; s = eol + 2)
            assert_in_range(eol - s, 0, 79);
        reads_back();
        assert_string_equal(back.subject, text[i]);
        assert_string_equal(back.from.name, text[i]);
        assert_string_equal(back.from.address, "soporte@tienda.example");
        mail_done(&back);
        done();
    }
}

/* Nothing that anybody wrote makes a header of its own. */
static void no_value_makes_a_header(void **state)
{
    static const char *const evil[] = {"x\r\nBcc: evil@example.com",
                                       "x\nBcc: evil@example.com\n\nbody",
                                       "x\rBcc: evil@example.com",
                                       "x\xe2\x80\xa8"
                                       "Bcc: evil@example.com",
                                       "x\xc2\x85"
                                       "Bcc: e",
                                       "\r\n\r\nBcc: evil",
                                       "x\x01\x02 \x7f \xff\xfe Bcc:"};
    struct compose_file file = {.fd = file_of("abc", 3)};
    struct compose_link link;
    size_t i, k;

    (void)state;
    for (i = 0; i < sizeof evil / sizeof *evil; i++)
        for (k = 0; k < 12; k++) {
            struct hilo_str e = str(evil[i]), reference[2] = {str("a@b"), e};

            (void)begin(NULL);
            file.filename = str("a.txt");
            file.mime = str("text/plain");
            file.content_id = str("");
            in.file = &file;
            in.n_files = 1;
            in.link = &link;
            in.n_links = 1;
            link = (struct compose_link){str("A"), str("https://x.example/")};
            switch (k) {
            case 0:
                in.from_name = e;
                break;
            case 1:
                in.to_name = e;
                break;
            case 2:
                in.subject = e;
                break;
            case 3:
                in.in_reply_to = e;
                break;
            case 4:
                in.reference = reference;
                in.n_references = 2;
                break;
            case 5:
                in.language = e;
                break;
            case 6:
                in.loop_mark = e;
                break;
            case 7:
                in.unsubscribe_url = e;
                break;
            case 8:
                file.filename = e;
                break;
            case 9:
                file.mime = e;
                break;
            case 10:
                file.content_id = e;
                break;
            default:
                link.title = link.url = in.pixel_url = e;
                break;
            }
            compose();
            assert_null(header("Bcc"));
            for (const char *s = out.bytes; s && s < strstr(out.bytes, "\r\n\r\n"); s = strstr(s, "\r\n") + 2)
                assert_int_not_equal(strncasecmp(s, "bcc", 3), 0);
            if (k >= 8 && k <= 10)
                assert_false(has("\r\nBcc"));
            done();
        }
    (void)close(file.fd);
}

static void addresses_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "ana",
                                      "@example.com",
                                      "ana@",
                                      "a b@example.com",
                                      "a@b c",
                                      "a@b\r\nX: y",
                                      "a@-b-.example.",
                                      "<a@example.com>",
                                      "a@b@c>",
                                      "a,b@x.y",
                                      "\"a\"@x.y",
                                      "a@x..y",
                                      "a@\xff",
                                      "\xff@x.y"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        in.to = str(bad[i]);
        refuses("recipient");
        in.to = str("ana@example.com");
        in.from = str(bad[i]);
        refuses("sender");
        in.from = str("soporte@tienda.example");
    }
    in.reply_to = str("x");
    refuses("answers");
    in.reply_to = str("");
    in.message_id = str("a b@c");
    refuses("Message-ID");
}

static void domains_are_a_labels_and_local_parts_utf8(void **state)
{
    (void)state;
    in.to = str("ana@Señal.example");
    compose();
    assert_string_equal(header("To"), "ana@xn--seal-hqa.example");
    assert_false(out.utf8);
    done();
    in.to = str("josé@señal.example");
    compose();
    assert_string_equal(header("To"), "josé@xn--seal-hqa.example");
    assert_true(out.utf8);
    done();
}

static void threads_are_referred_to(void **state)
{
    char text[40][32];
    struct hilo_str reference[40];
    size_t i;
    const char *s;

    (void)state;
    for (i = 0; i < 40; i++) {
        (void)snprintf(text[i], sizeof text[i], "m%zu@example.com", i);
        reference[i] = str(text[i]);
    }
    in.reference = reference;
    in.n_references = 2;
    in.in_reply_to = reference[1];
    compose();
    assert_string_equal(header("In-Reply-To"), "<m1@example.com>");
    assert_string_equal(header("References"), "<m0@example.com> <m1@example.com>");
    done();
    in.in_reply_to = str("other@example.com");
    compose();
    assert_string_equal(header("References"), "<m0@example.com> <m1@example.com> <other@example.com>");
    done();
    in.n_references = 40; /* the first and the last ones */
    compose();
    s = header("References");
    assert_ptr_equal(strstr(s, "<m0@example.com> <m31@example.com>"), s);
    assert_non_null(strstr(s, "<m39@example.com> <other@example.com>"));
    assert_null(strstr(s, "<m30@example.com>"));
    done();
}

static void marks_are_set(void **state)
{
    (void)state;
    in.automatic = true;
    in.loop_mark = str("0123abcd");
    in.reply_to = str("soporte+r0abc@tienda.example");
    in.unsubscribe_url = str("https://hilo.example/u/abc");
    in.unsubscribe_mail = str("baja@tienda.example");
    compose();
    assert_string_equal(header("Auto-Submitted"), "auto-generated");
    assert_string_equal(header("X-Hilo-Loop"), "0123abcd");
    assert_string_equal(header("Reply-To"), "soporte+r0abc@tienda.example");
    assert_string_equal(header("List-Unsubscribe"),
                        "<https://hilo.example/u/abc>, <mailto:baja@tienda.example>");
    assert_string_equal(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    done();
    in.unsubscribe_url = str("http://hilo.example/u/abc"); /* RFC 8058: HTTPS only */
    compose();
    assert_string_equal(header("List-Unsubscribe"), "<mailto:baja@tienda.example>");
    assert_null(header("List-Unsubscribe-Post"));
    done();
}

static void choices_are_links(void **state)
{
    struct compose_link link[2] = {{str("Sí, \"confirmo\""), str("https://hilo.example/c/a?x=1&y=2")},
                                   {str("No"), str("javascript:alert(1)")}};

    (void)state;
    in.link = link;
    in.n_links = 2;
    compose();
    assert_true(has("<a href=3D\"https://hilo.example/c/a?x=3D1&amp;y=3D2\">S=C3=AD, &quot;"));
    assert_false(has("href=3D\"javascript"));
    reads_back();
    assert_string_equal(
        back.text, "Buenas\n\nSí, \"confirmo\": https://hilo.example/c/a?x=1&y=2\nNo: javascript:alert(1)");
    mail_done(&back);
    done();
}

static void html_that_was_given_is_kept(void **state)
{
    struct compose_link link = {str("Ver"), str("https://hilo.example/c/a")};

    (void)state;
    in.text = str("");
    in.html = str("<html><body><b>Hola</b></body></html>");
    in.link = &link;
    in.n_links = 1;
    in.pixel_url = str("https://hilo.example/p/a");
    compose();
    assert_true(has("<b>Hola</b><p><a href=\"https://hilo.example/c/a\">Ver</a></p>"));
    assert_true(has("<img src=\"https://hilo.example/p/a\" width=\"1\" height=\"1\" alt=\"\">\r\n</body>"));
    reads_back();
    assert_string_equal(back.text, "Hola\n\nVer: https://hilo.example/c/a"); /* text is made of it */
    mail_done(&back);
    done();
}

static void files_arrive_as_they_are(void **state)
{
    enum { N = 100000 };
    char *bytes = malloc(N), *got = malloc(N);
    struct compose_file file[3];
    size_t i;
    int fd;

    (void)state;
    for (i = 0; i < N; i++)
        bytes[i] = (char)(i * 31 + i / 256);
    file[0] = (struct compose_file){file_of(bytes, N), str("../Fáctura n.º 1.pdf"), str("application/pdf"),
                                    str("")};
    file[1] =
        (struct compose_file){file_of("\xff\xd8x", 3), str("foto.jpg"), str("image/jpeg"), str("foto1@hilo")};
    file[2] = (struct compose_file){file_of("", 0), str(""), str("message/rfc822"), str("")};
    in.file = file;
    in.n_files = 3;
    compose();
    assert_non_null(strstr(header("Content-Type"), "multipart/mixed"));
    assert_true(has("<img src=3D\"cid:foto1@hilo\"") || has("<img src=\"cid:foto1@hilo\""));
    reads_back();
    assert_int_equal(back.n_parts, 3);
    assert_string_equal(back.part[0].content_id, "foto1@hilo");
    assert_true(back.part[0].inline_);
    assert_string_equal(back.part[1].filename, "_Fáctura n.º 1.pdf");
    assert_string_equal(back.part[1].mime, "application/pdf");
    assert_int_equal(back.part[1].size, N);
    assert_string_equal(back.part[2].mime, "application/octet-stream");
    fd = file_of("", 0);
    assert_int_equal(mail_part_write(str(out.bytes), back.part[1].path, fd), HILO_OK);
    assert_int_equal(pread(fd, got, N, 0), N);
    assert_memory_equal(got, bytes, N);
    (void)close(fd);
    mail_done(&back);
    done();

    in.size_max = 100000; /* told before anything is read */
    refuses("larger");
    in.size_max = 134000; /* 100000 bytes are 133333 on the way, and more with lines and headers */
    refuses("larger");
    in.size_max = 200000;
    compose();
    done();
    (void)close(file[2].fd);
    file[2].fd = -1;
    assert_int_equal(compose_mail(&in, &out, &why), HILO_IO);
    for (i = 0; i < 2; i++)
        (void)close(file[i].fd);
    free(bytes);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_mail_has_text_and_html, begin),
        cmocka_unit_test_setup(names_and_subjects_are_encoded, begin),
        cmocka_unit_test_setup(no_value_makes_a_header, begin),
        cmocka_unit_test_setup(addresses_that_are_none_are_refused, begin),
        cmocka_unit_test_setup(domains_are_a_labels_and_local_parts_utf8, begin),
        cmocka_unit_test_setup(threads_are_referred_to, begin),
        cmocka_unit_test_setup(marks_are_set, begin),
        cmocka_unit_test_setup(choices_are_links, begin),
        cmocka_unit_test_setup(html_that_was_given_is_kept, begin),
        cmocka_unit_test_setup(files_arrive_as_they_are, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
