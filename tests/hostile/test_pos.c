/*
 * The port for terminals, and who is not let in there: certificates that are none of ours, roles, card
 * numbers. Each is refused with a reason that is logged (plugins/pos/PROTOCOL.md, section 9), and a good till
 * is served meanwhile.
 */
#include "shop.h"
#include "wire.h"
#include <ftw.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cmocka.h>

/* ---- who it is ---- */

/* Dials as d says; ends without an answer to hello, with this alert (0: any or none), and is logged. */
static void refused(struct shop *s, const char *what, const struct till_dial *d, int alert,
                    const char *reason)
{
    struct till_line l;
    bool up = till_dial(&l, d);
    cJSON *answer = NULL;

    if (up && till_ask(&l, "h", "hello", "{\"protocol\":1}"))
        answer = till_json(&l);
    if (answer && json_at(answer, "result"))
        fail_msg("%s: it is welcome", what);
    cJSON_Delete(answer);
    if (up)
        till_wait_end(&l);
    if (alert && l.alert != alert)
        fail_msg("%s: alert %d, not %d", what, l.alert, alert);
    till_close(&l);
    ERR_clear_error();
    shop_refused(s, reason);
    shop_serves(s);
}

static void signed_by(struct shop *s, struct till_id *id, const char *uri, long from_s, long to_s)
{
    X509_free(id->cert);
    id->cert = cert_make(id->key, "CENTRO/1", uri, from_s, to_s, s->ca_cert, s->ca_key);
}

static void only_a_certificate_of_its_own_lets_in(void **state)
{
    struct shop *s = *state;
    struct till_id id = {.key = cert_key()}, other = {0};
    struct till_dial d = shop_dial(s, NULL);
    EVP_PKEY *ca_key = cert_key();
    X509 *ca = cert_make(ca_key, "A CA of the operator", NULL, -3600, 86400, NULL, NULL);
    struct answer a;

    shop_serves(s);
    refused(s, "no certificate", &d, SSL_AD_CERTIFICATE_REQUIRED, "no_certificate");
    d.id = &id;
    signed_by(s, &id, "urn:hilo:pos:CENTRO:1", -7200, -3600);
    refused(s, "expired", &d, SSL_AD_CERTIFICATE_EXPIRED, "expired");
    signed_by(s, &id, "urn:hilo:pos:CENTRO:1", 3600, 7200);
    refused(s, "not yet valid", &d, 0, "not_yet_valid");
    X509_free(id.cert);
    id.cert = cert_make(id.key, "CENTRO/1", "urn:hilo:pos:CENTRO:1", -60, 3600, ca, ca_key);
    refused(s, "another CA of the same name", &d, SSL_AD_UNKNOWN_CA, "unknown_ca");
    X509_free(id.cert);
    id.cert = cert_make(id.key, "CENTRO/1", "urn:hilo:pos:CENTRO:1", -60, 3600, NULL, NULL);
    refused(s, "signed by itself", &d, SSL_AD_UNKNOWN_CA, "unknown_ca");
    signed_by(s, &id, NULL, -60, 3600);
    refused(s, "no URI", &d, SSL_AD_BAD_CERTIFICATE, "bad_name");
    signed_by(s, &id, "urn:hilo:pos:CENTRO", -60, 3600);
    refused(s, "half a URI", &d, SSL_AD_BAD_CERTIFICATE, "bad_name");
    signed_by(s, &id, "urn:hilo:pos:CENTRO:1:2", -60, 3600);
    refused(s, "a URI and a half", &d, SSL_AD_BAD_CERTIFICATE, "bad_name");
    signed_by(s, &id, "urn:hilo:pos:CENTRO:1", -60, 3600);
    refused(s, "our CA, our name, another key", &d, 0, "other_key");

    /* The key of a terminal that is there, and a certificate that says another store. */
    till_enroll(&s->gate, s->port, "SUR", "1", NULL, &other);
    d.id = &other;
    signed_by(s, &other, "urn:hilo:pos:NORTE:1", -60, 3600);
    refused(s, "another store, which has no such terminal", &d, 0, "not_registered");
    signed_by(s, &other, "urn:hilo:pos:CENTRO:1", -60, 3600);
    refused(s, "another store's terminal", &d, 0, "other_key");

    /* Revoked: at once, and on a connection that is open. */
    signed_by(s, &other, "urn:hilo:pos:SUR:1", -60, 3600);
    struct till_line l;
    till_hello(&l, &d);
    SSL_SESSION *session;
    till_is_result(till_call(&l, "p1", "ping", "{}")); /* the ticket is here by now */
    session = l.session;
    l.session = NULL;
    assert_non_null(session);
    a = gate_do(&s->gate, "POST", "/v1/channels/wa/admin/terminals/SUR/1/revoke", NULL);
    if (a.status / 100 != 2)
        fail_msg("revoke: %ld %s", a.status, a.body);
    answer_done(&a);
    cJSON *push = till_json(&l);
    assert_string_equal(cJSON_GetStringValue(json_at(push, "method")), "revoked");
    cJSON_Delete(push);
    till_wait_end(&l);
    till_close(&l);
    refused(s, "revoked", &d, SSL_AD_CERTIFICATE_REVOKED, "revoked");
    /* A session that was begun before is worth nothing either. */
    d.session = session;
    refused(s, "revoked, with a ticket", &d, 0, "revoked");
    SSL_SESSION_free(session);

    till_id_done(&id);
    till_id_done(&other);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
}

static void only_tls_1_3_and_our_names_are_spoken(void **state)
{
    struct shop *s = *state;
    struct till_dial d = shop_dial(s, &s->good);

    d.tls_max = TLS1_2_VERSION;
    refused(s, "TLS 1.2", &d, SSL_AD_PROTOCOL_VERSION, "tls_version");
    d.tls_max = 0;
    d.alpn = "h2";
    refused(s, "ALPN h2", &d, SSL_AD_NO_APPLICATION_PROTOCOL, "alpn");
}

/* Bytes instead of TLS. */
static void what_is_no_tls_is_no_handshake(void **state)
{
    static const char *const first[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                        "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"hello\"}\n",
                                        "\x16\x03\x01\xff\xff", "\x80\x2e\x01", NULL};
    struct shop *s = *state;

    for (unsigned i = 0; first[i]; i++) {
        const struct till_dial d = {.port = s->port, .alpn = "hilo-enroll/1"};
        struct till_line l;
        BIO *b = BIO_new_connect("127.0.0.1");
        char port[16], waste[256];

        (void)snprintf(port, sizeof port, "%d", s->port);
        (void)BIO_set_conn_port(b, port);
        assert_int_equal(BIO_do_connect(b), 1);
        assert_true(BIO_write(b, first[i], (int)strlen(first[i])) > 0);
        if (i >= 2)
            (void)shutdown((int)BIO_get_fd(b, NULL), SHUT_WR);
        while (BIO_read(b, waste, sizeof waste) > 0)
            ;
        BIO_free_all(b);
        shop_refused(s, "handshake");
        /* And the next one gets in. */
        assert_true(till_dial(&l, &d));
        till_close(&l);
    }
    ERR_clear_error();
    shop_serves(s);
}

static void without_a_certificate_there_is_enroll_alone(void **state)
{
    struct shop *s = *state;
    const struct till_dial d = {.port = s->port, .ca = s->good.ca, .alpn = "hilo-enroll/1"};
    struct till_line l;

    assert_true(till_dial(&l, &d));
    till_is_error(till_call(&l, "1", "hello", "{\"protocol\":1}"), -32001, "role");
    shop_refused(s, "role");
    till_is_error(till_call(&l, "2", "customer.find",
                            "{\"by\":{\"document\":" DOCUMENT "},\"reason\":\"x\",\"clerk\":\"x\"}"),
                  -32001, "role");
    /* A code that nobody made. */
    till_is_error(till_call(&l, "3", "enroll", "{\"code\":\"HILO1-AAAAA\",\"csr\":\"x\"}"), -32001, "code");
    till_close(&l);
    shop_serves(s);
}

/* ---- roles ---- */

static void a_kiosk_is_no_clerk(void **state)
{
    static const char *const not_for_kiosks[] = {"customer.find", "customer.timeline", "media.get",
                                                 "slip.render",   "customer.upsert",   "case.open",
                                                 "case.note",     "wish.add",          "visit.record",
                                                 "sale.record",   "consent.set",       "message.send"};
    struct shop *s = *state;
    struct till_id id;
    struct till_dial d;
    struct till_line l;

    till_enroll(&s->gate, s->port, "CENTRO", "kiosk", "kiosk", &id);
    d = shop_dial(s, &id);
    till_hello(&l, &d);
    for (unsigned i = 0; i < sizeof not_for_kiosks / sizeof *not_for_kiosks; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "k-%u", i);
        till_is_error(till_call(&l, name, not_for_kiosks[i], "{}"), -32001, "role");
        shop_refused(s, "role");
    }
    till_close(&l);
    till_id_done(&id);
    shop_serves(s);
}

/* ---- card numbers ---- */

static const char *const cards[] = {"4111111111111111", "5500 0000 0000 0004", "3782-822463-10005",
                                    "6011000990139424", NULL};

struct hunt {
    const char *want;
    unsigned found;
};
static struct hunt hunted; /* ftw() takes no argument */

static int hunt_file(const char *path, const struct stat *st, int type)
{
    char *text;
    size_t n;

    if (type != FTW_F || !S_ISREG(st->st_mode))
        return 0;
    text = file_read(path, &n);
    if (n >= strlen(hunted.want) && memmem(text, n, hunted.want, strlen(hunted.want)))
        hunted.found++;
    free(text);
    return 0;
}

static unsigned files_with(const struct shop *s, const char *word)
{
    hunted = (struct hunt){word, 0};
    assert_int_equal(ftw(scratch_path(&s->scratch, "data"), hunt_file, 16), 0);
    return hunted.found;
}

/* params with CASE, CUSTOMER and CARD filled in; free() it. */
static char *filled(const char *params, const struct shop *s, const char *card)
{
    struct bytes b = {0};

    while (*params) {
        if (strncmp(params, "CASE", 4) == 0) {
            bytes_fmt(&b, "%s", s->case_id);
            params += 4;
        } else if (strncmp(params, "CUSTOMER", 8) == 0) {
            bytes_fmt(&b, "%s", s->customer);
            params += 8;
        } else if (strncmp(params, "CARD", 4) == 0) {
            bytes_fmt(&b, "%s", card);
            params += 4;
        } else {
            bytes_add(&b, params++, 1);
        }
    }
    return b.p;
}

static void a_card_number_is_refused_and_is_nowhere(void **state)
{
    /* Where it stands: in strings, names of members, deep within, between words. */
    static const struct {
        const char *method, *params;
    } where[] = {
        {"case.note", "{\"case\":\"CASE\",\"text\":\"paid with CARD yesterday\"}"},
        {"case.note", "{\"case\":\"CASE\",\"text\":\"x\",\"clerk\":\"CARD\"}"},
        {"case.open", "{\"customer\":\"CUSTOMER\",\"subject\":\"CARD\"}"},
        {"case.open", "{\"customer\":\"CUSTOMER\",\"subject\":\"x\",\"owner\":\"CARD\"}"},
        {"case.update", "{\"case\":\"CASE\",\"subject\":\"CARD\"}"},
        {"customer.upsert", "{\"customer\":\"CUSTOMER\",\"name\":\"CARD\"}"},
        {"customer.upsert", "{\"customer\":\"CUSTOMER\",\"attributes\":{\"a\":{\"b\":[{\"c\":\"CARD\"}]}}}"},
        {"customer.upsert", "{\"customer\":\"CUSTOMER\",\"attributes\":{\"CARD\":1}}"},
        {"customer.upsert", "{\"identifiers\":[{\"scheme\":\"loyalty\",\"value\":\"CARD\"}]}"},
        {"visit.record", "{\"customer\":\"CUSTOMER\",\"purpose\":\"CARD\"}"},
        {"wish.add", "{\"customer\":\"CUSTOMER\",\"sku\":\"CARD\"}"},
        {"wish.add", "{\"customer\":\"CUSTOMER\",\"sku\":\"A\",\"link\":\"https://x.example/?n=CARD\"}"},
        {"sale.record",
         "{\"customer\":\"CUSTOMER\",\"number\":\"CARD\",\"currency\":\"COP\",\"total\":\"1\"}"},
        {"sale.record",
         "{\"customer\":\"CUSTOMER\",\"number\":\"A-1\",\"currency\":\"COP\",\"total\":\"1\",\"items\":[{"
         "\"sku\":\"A\",\"name\":\"card CARD\",\"quantity\":1,\"price\":\"1\"}]}"},
        {"message.send",
         "{\"to\":{\"customer\":\"CUSTOMER\"},\"content\":{\"type\":\"text\",\"text\":\"CARD\"}}"},
        {"consent.set",
         "{\"customer\":\"CUSTOMER\",\"category\":\"promotional\",\"state\":\"granted\",\"proof\":{\"how\":"
         "\"paper\",\"text\":\"x\",\"reference\":\"CARD\"}}"},
        {"customer.find", "{\"by\":{\"loyalty\":\"CARD\"},\"reason\":\"claim\",\"clerk\":\"ana\"}"},
        {"customer.find", "{\"by\":{\"document\":" DOCUMENT "},\"reason\":\"CARD\",\"clerk\":\"ana\"}"},
        {"choice.answer", "{\"message\":\"msg_01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"choice\":\"CARD\"}"},
        {"appointment.checkin", "{\"code\":\"K7QM2P\",\"clerk\":\"CARD\"}"},
        {"hello", "{\"protocol\":1,\"software\":\"CARD\"}"},
        {"ping", "{\"clerk\":\"CARD\"}"},
        {"no.such.method", "{\"anything\":\"CARD\"}"},
    };
    static const char kept[] = "palabra-que-se-guarda";
    struct shop *s = *state;
    struct till_id id;
    struct till_dial d;
    struct till_line l;
    unsigned n = 0;

    till_enroll(&s->gate, s->port, "CENTRO", "6", NULL, &id);
    d = shop_dial(s, &id);
    till_hello(&l, &d);
    for (unsigned i = 0; i < sizeof where / sizeof *where; i++) {
        for (unsigned k = 0; cards[k]; k++) {
            char *params = filled(where[i].params, s, cards[k]), name[32];
            cJSON *answer;
            int code;

            (void)snprintf(name, sizeof name, "card-%u", ++n);
            assert_true(till_ask(&l, name, where[i].method, params));
            free(params);
            answer = till_answer(&l, name);
            code = answer ? json_at(answer, "error/code") ? json_at(answer, "error/code")->valueint : 0 : 1;
            /* Of a method that is none, that may be said first. */
            if (code != -32004 && !(code == -32601 && strcmp(where[i].method, "no.such.method") == 0))
                fail_msg("%s with a card number in %s: %s", where[i].method, where[i].params,
                         answer ? cJSON_Print(answer) : "ended");
            if (strstr(cJSON_GetStringValue(json_at(answer, "error/message")), cards[k]))
                fail_msg("the answer says it again");
            cJSON_Delete(answer);
        }
    }
    shop_refused(s, "card_number");
    /* As a number, too. */
    till_is_error(till_call(&l, "card-number", "customer.upsert",
                            "{\"customer\":\"%s\",\"attributes\":{\"n\":4111111111111111}}", s->customer),
                  -32004, "card_number");
    /* An id, which is kept with what was done, or a method. */
    till_is_error(till_call(&l, cards[0], "visit.record", "{\"customer\":\"%s\"}", s->customer), -32004,
                  "card_number");
    (void)till_ask(&l, "in-the-method", cards[0], "{}");
    till_is_error(till_answer(&l, "in-the-method"), -32601, NULL);
    /* What is kept is found where the others are looked for: so that looking means something. */
    till_is_result(till_call(&l, "kept", "case.note", "{\"case\":\"%s\",\"text\":\"%s\"}", s->case_id, kept));
    till_close(&l);
    till_id_done(&id);
    assert_true(files_with(s, kept) > 0);
    for (unsigned k = 0; cards[k]; k++) {
        assert_int_equal(files_with(s, cards[k]), 0);
        assert_false(process_saw(s->gate.process, cards[k]));
    }
    shop_serves(s);
}

static int up(void **state)
{
    return shop_group(state, "    heartbeat: 60s\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_certificate_of_its_own_lets_in),
        cmocka_unit_test(only_tls_1_3_and_our_names_are_spoken),
        cmocka_unit_test(what_is_no_tls_is_no_handshake),
        cmocka_unit_test(without_a_certificate_there_is_enroll_alone),
        cmocka_unit_test(a_kiosk_is_no_clerk),
        cmocka_unit_test(a_card_number_is_refused_and_is_nowhere),
    };

    return cmocka_run_group_tests(tests, up, shop_group_down);
}
