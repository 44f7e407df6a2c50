/*
 * The LMTP server's side of the protocol, without sockets: what is answered, and which mails come of it.
 */
#include "../../plugins/email/lmtp_parse.h"

#include <hilo/plugin.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MAIL_MAX = 1000, MAILS = 8 };

struct rig {
    struct lmtp_session s;
    struct lmtp_session_conf conf;
    char said[64 * 1024]; /* by the server */
    size_t said_n;
    char mail[MAILS][MAIL_MAX + 1]; /* "from|rcpt|rcpt\nbytes" */
    unsigned n_mails;
    bool later; /* answers are given by the test */
    const char *reply;
    int64_t held, held_max;
    bool no_room;
};

static int32_t on_rcpt(void *arg, const char *address, char why[256])
{
    (void)arg;
    if (strncmp(address, "nobody", 6) != 0)
        return 0;
    (void)snprintf(why, 256, "550 5.1.1 No such address");
    return HILO_NOTFOUND;
}

static int32_t on_room(void *arg, uint64_t bytes)
{
    struct rig *r = arg;

    (void)bytes;
    return r->no_room ? HILO_FULL : HILO_OK;
}

static bool on_hold(void *arg, int64_t bytes)
{
    struct rig *r = arg;

    if (bytes > 0 && r->held + bytes > r->held_max)
        return false;
    r->held += bytes;
    assert_true(r->held >= 0);
    return true;
}

static void on_take(void *arg)
{
    struct rig *r = arg;
    size_t i, n;
    char *m;

    assert_in_range(r->n_mails, 0, MAILS - 1);
    m = r->mail[r->n_mails++];
    n = (size_t)snprintf(m, MAIL_MAX, "%s", r->s.from);
    for (i = 0; i < r->s.n_rcpt; i++)
        n += (size_t)snprintf(m + n, MAIL_MAX - n, "|%s", r->s.rcpt[i]);
    m[n++] = '\n';
    assert_true(n + r->s.n_bytes <= MAIL_MAX);
    if (r->s.n_bytes)
        memcpy(m + n, r->s.bytes, r->s.n_bytes);
    m[n + r->s.n_bytes] = '\0';
    if (r->later)
        return;
    n = r->s.n_rcpt;
    for (i = 0; i < n; i++)
        lmtp_session_answer(&r->s, i, r->reply ? r->reply : "250 2.0.0 Taken");
}

static const struct lmtp_session_hooks hooks = {
    .rcpt = on_rcpt, .room = on_room, .hold = on_hold, .take = on_take};

static void drain(struct rig *r)
{
    assert_true(r->said_n + r->s.out_n < sizeof r->said);
    if (r->s.out_n)
        memcpy(r->said + r->said_n, r->s.out, r->s.out_n);
    r->said_n += r->s.out_n;
    r->said[r->said_n] = '\0';
    lmtp_session_wrote(&r->s, r->s.out_n);
}

static void start(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->conf = (struct lmtp_session_conf){"gw.example", 200, 3};
    r->held_max = 1 << 20;
    lmtp_session_init(&r->s, &r->conf, &hooks, r);
    drain(r);
    assert_string_equal(r->said, "220 gw.example LMTP Hilo\r\n");
    r->said_n = 0;
}

static void finish(struct rig *r)
{
    lmtp_session_done(&r->s);
    assert_int_equal(r->held, 0);
}

/* In pieces of so many bytes; what the server says is collected. */
static void feed_n(struct rig *r, const char *text, size_t n, size_t piece)
{
    size_t at = 0, k, took;

    while (at < n) {
        k = n - at < piece ? n - at : piece;
        took = lmtp_session_feed(&r->s, text + at, k);
        drain(r);
        if (took == 0)
            break;
        at += took;
    }
}

static void feed(struct rig *r, const char *text)
{
    r->said_n = 0;
    r->said[0] = '\0';
    feed_n(r, text, strlen(text), SIZE_MAX);
}

static void says(struct rig *r, const char *text, const char *answer)
{
    feed(r, text);
    assert_string_equal(r->said, answer);
}

static void hello(struct rig *r)
{
    feed(r, "LHLO mx.example\r\n");
    assert_non_null(strstr(r->said, "250 SIZE 200\r\n"));
}

#define MAIL_OK "250 2.1.0 Sender taken\r\n"
#define RCPT_OK "250 2.1.5 Recipient taken\r\n"
#define GO      "354 End it with a line of one dot\r\n"
#define TAKEN   "250 2.0.0 Taken\r\n"

static void a_mail(void **state)
{
    struct rig r;

    (void)state;
    start(&r);
    says(&r, "LHLO mx.example\r\n",
         "250-gw.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
         "250 SIZE 200\r\n");
    says(&r, "MAIL FROM:<ana@example.com> SIZE=50 BODY=8BITMIME\r\n", MAIL_OK);
    says(&r, "rcpt to:<soporte@tienda.example>\r\n", RCPT_OK);
    says(&r, "DATA\r\n", GO);
    says(&r, "Subject: hola\r\n\r\n..uno\r\n.dos\r\ntres\r\n.\r\n", TAKEN);
    assert_int_equal(r.n_mails, 1);
    assert_string_equal(
        r.mail[0], "ana@example.com|soporte@tienda.example\nSubject: hola\r\n\r\n.uno\r\ndos\r\ntres\r\n");
    assert_int_equal(r.s.state, LMTP_READY);
    says(&r, "QUIT\r\n", "221 2.0.0 gw.example Until the next mail\r\n");
    assert_int_equal(r.s.state, LMTP_ENDED);
    finish(&r);
}

/* Whatever the pieces, the same comes of it. */
static void pipelined_in_any_pieces(void **state)
{
    static const char talk[] =
        "LHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<nobody@x.example>\r\nRCPT "
        "TO:<b@x.example>\r\n"
        "DATA\r\n.\r\nMAIL FROM:<c@y.example>\r\nRCPT TO:<nobody@x.example>\r\nDATA\r\nRSET\r\n"
        "MAIL FROM:<c@y.example>\r\nRCPT "
        "TO:<a@x.example>\r\nDATA\r\n\r\n..\r\n\r\r\n.\r\n.x\r\n..\r.\n.\r\r\n"
        "\n.\n.\r\nQUIT\r\nNOOP\r\n";
    char whole[4096];
    struct rig r;
    size_t piece;

    (void)state;
    for (piece = sizeof talk; piece > 0; piece--) {
        start(&r);
        feed_n(&r, talk, sizeof talk - 1, piece);
        if (piece == sizeof talk)
            memcpy(whole, r.said, r.said_n + 1);
        assert_string_equal(r.said, whole);
        assert_int_equal(r.n_mails, 2);
        assert_string_equal(r.mail[0], "|a@x.example|b@x.example\n");
        assert_string_equal(r.mail[1], "c@y.example|a@x.example\n\r\n.\r\n\r\r\n");
        finish(&r);
    }
    assert_non_null(strstr(whole, MAIL_OK RCPT_OK
                           "550 5.1.1 No such address\r\n" RCPT_OK GO TAKEN TAKEN MAIL_OK
                           "550 5.1.1 No such address\r\n503 5.5.1 No recipient was taken\r\n250 2.0.0 "
                           "Forgotten\r\n" MAIL_OK RCPT_OK GO TAKEN));
}

/* CVE-2023-51764 and its kin: what one server takes for the end of a mail is text for the next. */
static void nothing_is_smuggled(void **state)
{
    static const char *const ends[] = {"\n.\n",   "\n.\r\n",     "\r.\r\n",    "\r\n.\n",
                                       "\r\n.\r", "\r\n\r.\r\n", "\r\n.\r\r\n"};
    char text[300];
    struct rig r;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof ends / sizeof *ends; i++) {
        start(&r);
        hello(&r);
        (void)snprintf(
            text, sizeof text,
            "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nuno%sMAIL FROM:<evil@x.example>\r\n",
            ends[i]);
        feed(&r, text);
        assert_int_equal(r.s.state, LMTP_DATA);
        assert_int_equal(r.n_mails, 0);
        says(&r, "\r\n.\r\n", TAKEN);
        assert_int_equal(r.n_mails, 1);
        assert_non_null(strstr(r.mail[0], "evil"));
        finish(&r);
    }
}

static void each_recipient_for_itself(void **state)
{
    struct rig r;

    (void)state;
    start(&r);
    hello(&r);
    r.later = true;
    feed(&r, "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nRCPT TO:<c@x.example>\r\nRCPT "
             "TO:<d@x.example>\r\n");
    says(&r, "RCPT TO:<e@x.example>\r\n", "452 4.5.3 No more recipients in one mail\r\n");
    says(&r, "DATA\r\nhola\r\n.\r\n", GO);
    assert_int_equal(r.s.state, LMTP_TAKEN);
    /* Nothing is read meanwhile. */
    assert_int_equal(lmtp_session_feed(&r.s, "NOOP\r\n", 6), 0);
    lmtp_session_end(&r.s, "421 4.4.2 Late");
    lmtp_session_answer(&r.s, 2, "452 4.3.1 Full");
    lmtp_session_answer(&r.s, 2, "250 2.0.0 Never mind");
    lmtp_session_answer(&r.s, 3, "250 2.0.0 Nobody");
    assert_int_equal(r.s.out_n, 0);
    lmtp_session_answer(&r.s, 0, "250 2.0.0 Taken\r\n250 2.0.0 Twice");
    lmtp_session_answer(&r.s, 1, "nonsense");
    assert_int_equal(r.s.state, LMTP_READY);
    r.said_n = 0;
    drain(&r);
    assert_string_equal(r.said,
                        "250 2.0.0 Taken??250 2.0.0 Twice\r\n451 4.3.0 It can't be taken now, come again "
                        "later\r\n452 4.3.1 Full\r\n");
    says(&r, "NOOP\r\n", "250 2.0.0 Here\r\n");
    finish(&r);
}

static void too_large(void **state)
{
    char text[600];
    struct rig r;

    (void)state;
    start(&r);
    hello(&r);
    says(&r, "MAIL FROM:<a@x.example> SIZE=201\r\n", "552 5.3.4 The largest mail taken has 200 bytes\r\n");
    says(&r, "MAIL FROM:<a@x.example> SIZE=99999999999999999999\r\n",
         "552 5.3.4 The largest mail taken has 200 bytes\r\n");
    /* It fits to the byte; dots that were stuffed do not count. */
    (void)snprintf(text, sizeof text,
                   "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n..%0197d\r\n.\r\n", 0);
    says(&r, text, MAIL_OK RCPT_OK GO TAKEN);
    assert_int_equal(strlen(strchr(r.mail[0], '\n') + 1), 200);
    (void)snprintf(text, sizeof text,
                   "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nRCPT "
                   "TO:<c@x.example>\r\nDATA\r\n%0199d\r\n.\r\n",
                   0);
    says(&r, text,
         MAIL_OK RCPT_OK RCPT_OK GO "552 5.3.4 The largest mail taken has 200 bytes\r\n"
                                    "552 5.3.4 The largest mail taken has 200 bytes\r\n");
    assert_int_equal(r.n_mails, 1);
    assert_int_equal(r.held, 0);
    r.held_max = 0;
    (void)snprintf(text, sizeof text,
                   "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nhola\r\n.\r\n");
    says(&r, text, MAIL_OK RCPT_OK GO "452 4.3.1 No room now, come again later\r\n");
    r.no_room = true;
    says(&r, "MAIL FROM:<a@x.example>\r\n", "452 4.3.1 No room now, come again later\r\n");
    r.no_room = false;
    r.held_max = 1 << 20;
    says(&r, text, MAIL_OK RCPT_OK GO TAKEN);
    finish(&r);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *say, *code;
    } before[] = {{"EHLO x\r\n", "500 5.5.1"},
                  {"HELO x\r\n", "500 5.5.1"},
                  {"LHLO\r\n", "501"},
                  {"MAIL FROM:<a@x.example>\r\n", "503"},
                  {"RCPT TO:<a@x.example>\r\n", "503"},
                  {"DATA\r\n", "503"},
                  {"\r\n", "500"},
                  {"RSETX\r\n", "500"},
                  {"RSET x\r\n", "501"},
                  {"N\rOOP\r\n", "500"},
                  {"STARTTLS\r\n", "500"},
                  {"BDAT 5 LAST\r\n", "500"}},
      after[] = {{"MAIL FROM:a@x.example\r\n", "501 5.1.7"},
                 {"MAIL TO:<a@x.example>\r\n", "501 5.5.2"},
                 {"MAIL FROM:<a@x.example\r\n", "501 5.1.7"},
                 {"MAIL FROM:<a b@x.example>\r\n", "501 5.1.7"},
                 {"MAIL FROM:<a@x.example>SIZE=5\r\n", "501 5.1.7"},
                 {"MAIL FROM:<@a@x.example>\r\n", "501 5.1.7"},
                 {"MAIL FROM:<a@x.example> SIZE=\r\n", "501 5.5.4"},
                 {"MAIL FROM:<a@x.example> SIZE=-5\r\n", "501 5.5.4"},
                 {"MAIL FROM:<a@x.example> SIZE=5 SIZE=5\r\n", "555 5.5.4"},
                 {"MAIL FROM:<a@x.example> BODY=BINARYMIME\r\n", "501 5.5.4"},
                 {"MAIL FROM:<a@x.example> SMTPUTF8=yes\r\n", "555 5.5.4"},
                 {"MAIL FROM:<a@x.example> RET=FULL\r\n", "555 5.5.4"},
                 {"MAIL FROM:<\xc3\xb1@x.example>\r\n", "553 5.6.7"},
                 {"MAIL FROM:<\xff@x.example> SMTPUTF8\r\n", "501 5.1.7"},
                 {"MAIL FROM:<\xed\xa0\x80@x.example> SMTPUTF8\r\n", "501 5.1.7"},
                 {"MAIL FROM:<a@x.example>\r\n", "250 2.1.0"},
                 {"MAIL FROM:<a@x.example>\r\n", "503 5.5.1"},
                 {"RCPT TO:<>\r\n", "501 5.1.3"},
                 {"RCPT TO:<a@x.example> NOTIFY=NEVER\r\n", "555 5.5.4"},
                 {"RCPT TO:<\xc3\xb1@x.example>\r\n", "553 5.6.7"},
                 {"RCPT TO:<nobody@x.example>\r\n", "550 5.1.1"},
                 {"DATA\r\n", "503 5.5.1"},
                 {"VRFY ana\r\n", "252"},
                 {"RSET\r\n", "250"},
                 {"RCPT TO:<a@x.example>\r\n", "503 5.5.1"}};
    struct rig r;
    size_t i;

    (void)state;
    start(&r);
    for (i = 0; i < sizeof before / sizeof *before; i++) {
        feed(&r, before[i].say);
        assert_memory_equal(r.said, before[i].code, strlen(before[i].code));
    }
    hello(&r);
    for (i = 0; i < sizeof after / sizeof *after; i++) {
        feed(&r, after[i].say);
        if (memcmp(r.said, after[i].code, strlen(after[i].code)) != 0)
            fail_msg("%s: %s", after[i].say, r.said);
    }
    finish(&r);
    start(&r);
    r.said_n = 0;
    feed_n(&r, "NO\0OP\r\n", 7, SIZE_MAX);
    assert_memory_equal(r.said, "500 5.5.2", 9);
    finish(&r);
}

static void addresses(void **state)
{
    struct rig r;
    char text[800];

    (void)state;
    start(&r);
    hello(&r);
    says(&r,
         "MAIL FROM:<\xc3\xb1u@ni\xc3\xb1o.example> SMTPUTF8\r\nRCPT TO:<@hop.example,@two.example:\"a> "
         "\\\"b\"@x.example>\r\n"
         "RCPT TO:  <postmaster>\r\nDATA\r\n.\r\n",
         MAIL_OK RCPT_OK RCPT_OK GO TAKEN TAKEN);
    assert_string_equal(r.mail[0], "\xc3\xb1u@ni\xc3\xb1o.example|\"a> \\\"b\"@x.example|postmaster\n");
    /* 254 octets are an address, 255 are not. */
    (void)snprintf(text, sizeof text, "MAIL FROM:<%0244d@x.example>\r\n", 0);
    says(&r, text, MAIL_OK);
    (void)snprintf(text, sizeof text, "RCPT TO:<%0245d@x.example>\r\n", 0);
    says(&r, text, "550 5.1.1 Nobody here has so long an address\r\n");
    feed(&r, "RSET\r\n");
    (void)snprintf(text, sizeof text, "MAIL FROM:<%0245d@x.example>\r\n", 0);
    feed(&r, text);
    assert_memory_equal(r.said, "501 5.1.7", 9);
    finish(&r);
}

static void long_lines(void **state)
{
    struct rig r;
    char text[6000];
    size_t i;

    (void)state;
    start(&r);
    hello(&r);
    (void)snprintf(text, sizeof text, "NOOP %0570d\r\nNOOP %0571d\r\nNOOP %04000d\r\nNOOP\r\n", 0, 0, 0);
    says(&r, text,
         "250 2.0.0 Here\r\n500 5.5.2 The line is too long\r\n500 5.5.2 The line is too long\r\n250 2.0.0 "
         "Here\r\n");
    /* Whoever talks nonsense is not listened to for ever. */
    for (i = 0; i < LMTP_REFUSED_MAX && r.s.state != LMTP_ENDED; i++)
        feed(&r, "GET / HTTP/1.1\r\n");
    assert_int_equal(r.s.state, LMTP_ENDED);
    assert_non_null(strstr(r.said, "\r\n421 4.7.0 "));
    assert_int_equal(lmtp_session_feed(&r.s, "NOOP\r\n", 6), 0);
    finish(&r);
}

/* A client that does not read its replies is not read from. */
static void replies_that_wait(void **state)
{
    static const char rset[] = "RSET\r\n";
    struct rig r;
    unsigned n = 0;

    (void)state;
    start(&r);
    while (lmtp_session_feed(&r.s, rset, 6) == 6)
        assert_in_range(++n, 1, 2000);
    assert_in_range(r.s.out_n, LMTP_OUT_MAX, LMTP_OUT_MAX + LMTP_REPLY_MAX);
    lmtp_session_wrote(&r.s, r.s.out_n - 10);
    assert_int_equal(lmtp_session_feed(&r.s, rset, 6), 6);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail),
        cmocka_unit_test(pipelined_in_any_pieces),
        cmocka_unit_test(nothing_is_smuggled),
        cmocka_unit_test(each_recipient_for_itself),
        cmocka_unit_test(too_large),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(addresses),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(replies_that_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
