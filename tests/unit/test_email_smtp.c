/*
 * Mails handed to relays that the test plays: what they get, what becomes of each mail, and which relay is
 * asked.
 */
#include "../../plugins/email/smtp.h"
#include "../../plugins/email/smtp_talk.h"

#include "email_relay.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>
#include <cmocka.h>

enum { OUTCOMES = 256, WAIT_MS = 20000 };

static struct {
    int fd;
    _Atomic int64_t now;
    _Atomic unsigned logs;
} fake;
static struct {
    uint64_t token;
    int32_t code;
    uint32_t status, relay;
    char enhanced[16], words[600];
} outcome[OUTCOMES];
static unsigned n_outcome;
static struct smtp *smtp;
static struct test_relay first, second;
static struct smtp_relay conf[2];
static char why[256];

static int32_t host_watch(struct hilo_self *self, int32_t fd, uint32_t events)
{
    (void)self;
    fake.fd = events ? fd : -1;
    return HILO_OK;
}
static int64_t host_mono(struct hilo_self *self)
{
    (void)self;
    return fake.now;
}
static void host_log(struct hilo_self *self, int32_t level, struct hilo_str text)
{
    (void)self, (void)level, (void)text;
    fake.logs++;
}
static const struct hilo_host host = {
    .size = sizeof host, .watch = host_watch, .mono_us = host_mono, .log = host_log};

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static void on_done(void *arg, uint64_t token, const struct smtp_outcome *o)
{
    assert_ptr_equal(arg, &fake);
    assert_true(n_outcome < OUTCOMES);
    outcome[n_outcome].token = token;
    outcome[n_outcome].code = o->code;
    outcome[n_outcome].status = o->status;
    outcome[n_outcome].relay = o->relay;
    (void)snprintf(outcome[n_outcome].enhanced, 16, "%.*s", (int)o->enhanced.n, o->enhanced.p);
    (void)snprintf(outcome[n_outcome++].words, 600, "%.*s", (int)o->words.n, o->words.p);
}

static int begin(void **state)
{
    (void)state;
    memset(conf, 0, sizeof conf);
    n_outcome = 0;
    fake.now = 1000000;
    fake.logs = 0;
    return 0;
}
static void open_relays(size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        struct test_relay *r = i ? &second : &first;

        if (!r->port)
            relay_start(r);
        if (!conf[i].url.n)
            conf[i].url = str(r->url);
        if (!conf[i].connections)
            conf[i].connections = 1;
        if (!first.starttls && !conf[i].ca.n)
            conf[i].tls = SMTP_TLS_NEVER;
    }
    smtp = smtp_new(conf, n, "hilo.example", &host, NULL, on_done, &fake, why);
    if (!smtp)
        fail_msg("%s", why);
}
static int end(void **state)
{
    (void)state;
    smtp_free(smtp);
    smtp = NULL;
    if (first.port)
        relay_stop(&first);
    if (second.port)
        relay_stop(&second);
    return 0;
}

static void send_bytes(uint64_t token, const char *to, const char *bytes, bool utf8)
{
    struct smtp_mail m = {token, "soporte+b0x@tienda.example", to, strdup(bytes), strlen(bytes), utf8};

    assert_int_equal(smtp_send(smtp, &m), HILO_OK);
}
static void send_one(uint64_t token)
{
    send_bytes(token, "ana@example.com", "Subject: x\r\n\r\n.dot\r\n..two\r\nend\r\n", false);
}
/* More than any buffer on the way. */
static void send_large(uint64_t token)
{
    enum { N = 9 * 1000 * 1000 };
    struct smtp_mail m = {token, "soporte@tienda.example", "ana@example.com", malloc(N), N, false};

    memset(m.bytes, 'x', N);
    for (size_t i = 78; i + 1 < N; i += 80)
        memcpy(m.bytes + i, "\r\n", 2);
    assert_int_equal(smtp_send(smtp, &m), HILO_OK);
}
static void wait_for(unsigned n)
{
    while (n_outcome < n) {
        struct pollfd p = {.fd = fake.fd, .events = POLLIN};

        if (poll(&p, 1, WAIT_MS) != 1)
            fail_msg("%u outcomes of %u", n_outcome, n);
        assert_true(smtp_on_fd(smtp, fake.fd, HILO_READ));
    }
    assert_int_equal(n_outcome, n);
}
static void ends(int32_t code, uint32_t status, const char *enhanced)
{
    send_one(1);
    wait_for(1);
    if (outcome[0].code != code || outcome[0].status != status || strcmp(outcome[0].enhanced, enhanced) != 0)
        fail_msg("%d %u %s %s", (int)outcome[0].code, outcome[0].status, outcome[0].enhanced,
                 outcome[0].words);
}

/* ---- tests
 * ------------------------------------------------------------------------------------------------- */

static void a_mail_arrives_as_it_is(void **state)
{
    (void)state;
    open_relays(1);
    ends(HILO_OK, 250, "2.0.0");
    assert_string_equal(outcome[0].words, "2.0.0 queued as 42");
    assert_int_equal(outcome[0].token, 1);
    assert_string_equal(first.got[0].data, "Subject: x\r\n\r\n.dot\r\n..two\r\nend\r\n");
    assert_string_equal(first.got[0].mail, "<soporte+b0x@tienda.example> SIZE=32");
    assert_string_equal(first.got[0].rcpt, "<ana@example.com>");
    assert_int_equal(smtp_size_max(smtp), 10000000);
    assert_false(smtp_on_fd(smtp, fake.fd + 1, HILO_READ));
}

/* All of its connections are over. */
static unsigned quits(struct test_relay *r)
{
    smtp_free(smtp);
    smtp = NULL;
    relay_join(r);
    return r->n_quit;
}

static void connections_are_kept_and_left_with_quit(void **state)
{
    unsigned i;

    (void)state;
    open_relays(1);
    for (i = 0; i < 20; i++)
        send_one(i);
    wait_for(20);
    for (i = 0; i < 20; i++) {
        assert_int_equal(outcome[i].code, HILO_OK);
        assert_int_equal(outcome[i].token, i); /* one connection: in order */
    }
    assert_int_equal(first.n_conn, 1);
    assert_int_equal(quits(&first), 1);
}

static void several_at_once(void **state)
{
    unsigned i;

    (void)state;
    conf[0].connections = 4;
    open_relays(1);
    for (i = 0; i < 100; i++)
        send_one(i);
    wait_for(100);
    assert_int_equal(first.n_got, 100);
    assert_in_range(first.n_conn, 1, 4);
    assert_int_equal(quits(&first), first.n_conn);
}

static void what_a_relay_says_of_a_mail_is_final(void **state)
{
    static const struct {
        const char *mail, *rcpt, *data, *final;
        int32_t code;
        uint32_t status;
        const char *enhanced;
    } say[] = {
        {NULL, "550 5.1.1 no such user", NULL, NULL, HILO_PERM, 550, "5.1.1"},
        {NULL, "550-5.1.1 no\r\n550 5.1.1 such user", NULL, NULL, HILO_PERM, 550, "5.1.1"},
        {NULL, "450 4.2.0 greylisted", NULL, NULL, HILO_TEMP, 450, "4.2.0"},
        {NULL, "452 mailbox full", NULL, NULL, HILO_TEMP, 452, ""},
        {"552 5.3.4 too large", NULL, NULL, NULL, HILO_PERM, 552, "5.3.4"},
        {"451 4.3.0 later", NULL, NULL, NULL, HILO_TEMP, 451, "4.3.0"},
        {NULL, NULL, "554 5.5.1 none valid", NULL, HILO_PERM, 554, "5.5.1"},
        {NULL, NULL, NULL, "554 5.7.1 spam", HILO_PERM, 554, "5.7.1"},
        {NULL, NULL, NULL, "451 4.7.1 try again", HILO_TEMP, 451, "4.7.1"},
    };
    size_t i;

    for (i = 0; i < sizeof say / sizeof *say; i++) {
        (void)begin(state);
        first.mail = say[i].mail;
        first.rcpt = say[i].rcpt;
        first.data = say[i].data;
        first.final = say[i].final;
        open_relays(2);
        ends(say[i].code, say[i].status, say[i].enhanced);
        assert_int_equal(second.n_conn, 0);
        (void)end(state);
    }
}

static void a_relay_that_takes_nothing_is_left_for_the_next(void **state)
{
    static const char *const greeting[] = {"421 4.3.2 not now", "554 5.7.1 not you", "nonsense"};
    size_t i;

    for (i = 0; i < sizeof greeting / sizeof *greeting; i++) {
        (void)begin(state);
        first.greeting = greeting[i];
        if (i == 2)
            first.hang_in_data = true, first.greeting = NULL; /* hung up before it had all of it */
        open_relays(2);
        send_large(1);
        wait_for(1);
        assert_int_equal(outcome[0].code, HILO_OK);
        assert_int_equal(second.got[0].n, 9 * 1000 * 1000 + 2 * (9 * 1000 * 1000 % 80 != 0));
        assert_int_equal(outcome[0].relay, 1);
        assert_int_equal(first.n_conn, 1);
        assert_int_equal(fake.logs, 1);
        send_one(2); /* it is not asked again at once */
        wait_for(2);
        assert_int_equal(first.n_conn, 1);
        first.greeting = NULL;
        first.hang_in_data = false;
        fake.now += 6000000; /* but later */
        send_one(3);
        wait_for(3);
        assert_int_equal(outcome[2].relay, 0);
        assert_int_equal(fake.logs, 2);
        (void)end(state);
    }
}

static void no_relay_at_all(void **state)
{
    char gone[64];

    (void)state;
    relay_start(&first);
    (void)snprintf(gone, sizeof gone, "%s", first.url);
    relay_stop(&first);
    conf[0] = (struct smtp_relay){.url = str(gone), .connections = 1, .tls = SMTP_TLS_NEVER};
    smtp = smtp_new(conf, 1, "hilo.example", &host, NULL, on_done, &fake, why);
    assert_non_null(smtp);
    ends(HILO_DOWN, 0, "");
    assert_true(outcome[0].words[0]);
}

static void the_last_word_that_does_not_come_leaves_a_doubt(void **state)
{
    (void)state;
    first.final = "";
    open_relays(2);
    ends(HILO_IN_DOUBT, 0, "");
    assert_int_equal(first.n_got, 1);
    assert_int_equal(second.n_conn, 0); /* a second relay would make two mails of it */
}

static void a_connection_that_was_closed_meanwhile_is_opened_again(void **state)
{
    (void)state;
    first.idle_close = true;
    open_relays(1);
    send_one(1);
    wait_for(1);
    send_one(2);
    wait_for(2);
    assert_int_equal(outcome[1].code, HILO_OK);
    assert_int_equal(first.n_conn, 2);
    assert_int_equal(fake.logs, 0);
}

static void international_addresses_need_smtputf8(void **state)
{
    (void)state;
    first.ehlo = "250 SMTPUTF8";
    open_relays(1);
    send_bytes(1, "josé@señal.example", "Subject: x\r\n\r\nx\r\n", true);
    wait_for(1);
    assert_int_equal(outcome[0].code, HILO_OK);
    assert_non_null(strstr(first.got[0].mail, " SMTPUTF8"));
    assert_string_equal(first.got[0].rcpt, "<josé@xn--seal-hqa.example>");
    send_one(2);
    wait_for(2);
    assert_null(strstr(first.got[1].mail, "SMTPUTF8"));
    (void)end(state);
    (void)begin(state);
    open_relays(1); /* this one has it not */
    send_bytes(1, "josé@example.com", "Subject: x\r\n\r\nx\r\n", true);
    send_bytes(2, "a b@example.com", "x", false);
    wait_for(2);
    assert_int_equal(first.n_got, 0);
    assert_int_equal(outcome[0].code, HILO_PERM);
    assert_int_equal(outcome[1].code, HILO_PERM);
    assert_true(strcmp(outcome[0].enhanced, "5.6.7") == 0 || strcmp(outcome[1].enhanced, "5.6.7") == 0);
    assert_true(strcmp(outcome[0].enhanced, "5.1.3") == 0 || strcmp(outcome[1].enhanced, "5.1.3") == 0);
}

static void starttls_auth_and_certificates(void **state)
{
    struct test_cert own = {NULL}, other = {NULL}, client = {NULL};

    cert_make(&own);
    cert_make(&other);
    cert_make(&client);
    /* with a name, a password and a certificate of our own */
    first.starttls = true;
    first.auth = "235 2.7.0 welcome";
    first.ctx = relay_tls(&own, &client);
    conf[0] = (struct smtp_relay){.user = str("hilo"),
                                  .secret = str("s3cret"),
                                  .ca = str(own.cert_pem),
                                  .client_cert = str(client.cert_pem),
                                  .client_key = str(client.key_pem)};
    open_relays(1);
    ends(HILO_OK, 250, "2.0.0");
    assert_true(first.got[0].tls);
    assert_true(first.got[0].client_cert);
    assert_string_equal(first.got[0].auth, "PLAIN AGhpbG8AczNjcmV0"); /* \0hilo\0s3cret */
    (void)end(state);
    /* TLS from the first byte, and a bearer token */
    (void)begin(state);
    first.implicit = true;
    first.auth = "235 2.7.0 welcome";
    first.ctx = relay_tls(&own, NULL);
    conf[0] = (struct smtp_relay){
        .user = str("hilo"), .secret = str("t0ken"), .mechanism = str("XOAUTH2"), .ca = str(own.cert_pem)};
    open_relays(1);
    ends(HILO_OK, 250, "2.0.0");
    assert_true(first.got[0].tls);
    /* user=hilo\1auth=Bearer t0ken\1\1 */
    assert_string_equal(first.got[0].auth, "XOAUTH2 dXNlcj1oaWxvAWF1dGg9QmVhcmVyIHQwa2VuAQE=");
    (void)end(state);
    /* a certificate is asked for, and there is none */
    (void)begin(state);
    first.starttls = true;
    first.ctx = relay_tls(&own, &client);
    conf[0] = (struct smtp_relay){.ca = str(own.cert_pem)};
    open_relays(1);
    send_one(1);
    wait_for(1);
    assert_int_not_equal(outcome[0].code, HILO_OK);
    assert_int_not_equal(outcome[0].code, HILO_IN_DOUBT);
    assert_int_equal(first.n_got, 0);
    (void)end(state);
    /* it refuses the password */
    (void)begin(state);
    first.starttls = true;
    first.auth = "535 5.7.8 wrong";
    first.ctx = relay_tls(&own, NULL);
    conf[0] = (struct smtp_relay){.user = str("hilo"), .secret = str("s3cret"), .ca = str(own.cert_pem)};
    open_relays(1);
    ends(HILO_CONFIG, 535, "5.7.8");
    (void)end(state);
    /* it is somebody else */
    (void)begin(state);
    first.starttls = true;
    first.ctx = relay_tls(&own, NULL);
    conf[0] = (struct smtp_relay){.ca = str(other.cert_pem)};
    open_relays(1);
    ends(HILO_CONFIG, 0, "");
    (void)end(state);
    /* it has no TLS at all, and nothing is said in the clear */
    (void)begin(state);
    conf[0] = (struct smtp_relay){.ca = str(own.cert_pem)};
    open_relays(1);
    ends(HILO_CONFIG, 0, "");
    assert_int_equal(first.n_got, 0);
    (void)end(state);
    /* where it may be without */
    (void)begin(state);
    conf[0] = (struct smtp_relay){.ca = str(own.cert_pem), .tls = SMTP_TLS_MAY};
    open_relays(1);
    ends(HILO_OK, 250, "2.0.0");
    (void)end(state);
    cert_free(&own);
    cert_free(&other);
    cert_free(&client);
}

static void the_end_waits_for_no_relay(void **state)
{
    struct timespec a, b;

    (void)state;
    first.greeting = "220-it never comes to an end"; /* the connection hangs in its greeting */
    open_relays(1);
    send_one(1);
    for (;;) {
        unsigned n;

        pthread_mutex_lock(&first.lock);
        n = first.n_conn;
        pthread_mutex_unlock(&first.lock);
        if (n)
            break;
        (void)poll(NULL, 0, 1);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    smtp_free(smtp);
    smtp = NULL;
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    assert_in_range(b.tv_sec - a.tv_sec, 0, 5);
    assert_int_equal(n_outcome, 0);
}

static void wrong_options_are_told(void **state)
{
    struct smtp_relay r = {.url = str("smtp://127.0.0.1:25"), .connections = 1};

    (void)state;
    assert_null(smtp_new(&r, 0, "hilo.example", &host, NULL, on_done, &fake, why));
    assert_null(smtp_new(&r, 1, "a/b", &host, NULL, on_done, &fake, why));
    assert_non_null(strstr(why, "EHLO"));
    r.url = str("mail.example.com");
    assert_null(smtp_new(&r, 1, "hilo.example", &host, NULL, on_done, &fake, why));
    assert_non_null(strstr(why, "URL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(x) cmocka_unit_test_setup_teardown(x, begin, end)
        T(a_mail_arrives_as_it_is),
        T(connections_are_kept_and_left_with_quit),
        T(several_at_once),
        T(what_a_relay_says_of_a_mail_is_final),
        T(a_relay_that_takes_nothing_is_left_for_the_next),
        T(no_relay_at_all),
        T(the_last_word_that_does_not_come_leaves_a_doubt),
        T(a_connection_that_was_closed_meanwhile_is_opened_again),
        T(international_addresses_need_smtputf8),
        T(starttls_auth_and_certificates),
        T(the_end_waits_for_no_relay),
        T(wrong_options_are_told),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as in the gateway; the relay's TLS writes */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
