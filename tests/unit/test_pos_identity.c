/*
 * The identity of terminals on a host of the test's: enrolment, handshakes and their alerts, renewal,
 * revocation, over restarts, a full disk and a full link, with a clock that is set.
 */
#include "pos_identity_rig.h"

/* ---- enrolment --------------------------------------------------------------------------------------------
 */

static void a_code_brings_a_terminal_in(void **state)
{
    struct rig *r = rig_up();
    struct till t = {0};
    struct pos_code code;
    const char *why = NULL, *text = rig_code(r, "CENTRO", "3", "cashier");
    struct shake s;
    struct pos_who who;
    uint8_t digest[32];

    (void)state;
    /* It says where, and by whom the gateway will be known. */
    assert_int_equal(pos_code_read(z(text), &code, &why), HILO_OK);
    assert_string_equal(code.host, "pos.tienda.example");
    assert_int_equal(code.port, 7443);
    s = shake(r, NULL);
    assert_non_null(s.top);
    assert_true(pos_ca_key_of(s.top, digest));
    assert_memory_equal(digest, code.fingerprint, POS_CODE_FINGERPRINT);
    shake_done(&s);

    assert_int_equal(till_enroll(r, &t, text, "10.0.0.9"), 0);
    assert_string_equal(cJSON_GetObjectItem(r->result, "store")->valuestring, "CENTRO");
    assert_string_equal(cJSON_GetObjectItem(r->result, "terminal")->valuestring, "3");
    assert_string_equal(cJSON_GetObjectItem(r->result, "role")->valuestring, "cashier");
    who = admitted(r, &t);
    assert_string_equal(who.store, "CENTRO");
    assert_string_equal(who.terminal, "3");
    assert_int_equal(who.role, POS_ROLE_CASHIER);
    assert_false(who.renew);
    assert_int_equal(who.expires_us, pos_ca_ends(t.cert));
    assert_true(strstr(r->log, "pos.enrolled store=CENTRO terminal=3 role=cashier") != NULL);
    assert_true(strstr(r->log, "by=key_boss") != NULL);
    /* Neither the code nor its secret is in the log or in a key. */
    {
        char hex[2 * POS_CODE_SECRET + 1];
        unsigned i;

        pos_ca_hex(code.secret, POS_CODE_SECRET, hex);
        assert_null(strstr(r->log, text + 10));
        assert_null(strstr(r->log, hex));
        for (i = 0; i < r->n_keys; i++) {
            assert_null(strstr(r->keys[i].val, hex));
            assert_null(strstr(r->keys[i].val, text + 10));
            assert_true(strncmp(r->keys[i].key, "tienda/", 7) == 0);
        }
    }
    till_done(&t);
    rig_down(r);
}

static void a_code_is_good_once(void **state)
{
    struct rig *r = rig_up();
    struct till t = {0}, thief = {0};
    const char *code = rig_code(r, "CENTRO", "3", "clerk");

    (void)state;
    assert_int_equal(till_enroll(r, &t, code, "10.0.0.9"), 0);
    assert_int_equal(till_enroll(r, &thief, code, "10.0.0.66"), -32001);
    assert_string_equal(r->reason, "code");
    /* The same key again, because the answer got lost: answered again, also after a restart. */
    assert_int_equal(till_enroll(r, &t, code, "10.0.0.9"), 0);
    rig_stop(r);
    rig_start(r);
    assert_int_equal(till_enroll(r, &thief, code, "10.0.0.67"), -32001);
    assert_int_equal(till_enroll(r, &t, code, "10.0.0.9"), 0);
    (void)admitted(r, &t);
    /* And not for ever. */
    rig_pass(r, 3600 * SECOND);
    assert_int_equal(till_enroll(r, &t, code, "10.0.0.9"), -32001);
    till_done(&t);
    till_done(&thief);
    rig_down(r);
}

static void a_code_ends(void **state)
{
    struct rig *r = rig_up();
    struct till t = {0};
    const char *first = rig_code(r, "CENTRO", "3", "clerk"), *second, *late, *withdrawn;
    char url[64];

    (void)state;
    /* By another for the same terminal. */
    second = rig_code(r, "CENTRO", "3", "clerk");
    assert_int_equal(till_enroll(r, &t, first, "10.0.0.9"), -32001);
    /* By its time, also while the gateway was down. */
    late = rig_code(r, "CENTRO", "4", "clerk");
    rig_pass(r, 3599 * SECOND);
    assert_int_equal(till_enroll(r, &t, second, "10.0.0.9"),
                     0 /* exactly in time: it was made a moment ago */);
    rig_stop(r);
    r->wall += 2 * SECOND;
    rig_start(r);
    assert_int_equal(till_enroll(r, &t, late, "10.0.0.9"), -32001);
    /* By an operator. */
    withdrawn = rig_code(r, "CENTRO", "5", "clerk");
    (void)snprintf(url, sizeof url, "/enrollments/%s", rig_said(r, "id"));
    assert_int_equal(rig_admin(r, "DELETE", url, NULL), 204);
    assert_int_equal(rig_admin(r, "DELETE", url, NULL), 404);
    assert_int_equal(till_enroll(r, &t, withdrawn, "10.0.0.9"), -32001);
    till_done(&t);
    rig_down(r);
}

static void guessing_is_slow(void **state)
{
    struct rig *r = rig_up();
    struct till t = {0};
    const char *code = rig_code(r, "CENTRO", "3", "clerk");
    struct pos_code guess;
    char text[POS_CODE_TEXT_MAX];
    const char *why;
    unsigned i, refused = 0;

    (void)state;
    assert_int_equal(pos_code_read(z(code), &guess, &why), HILO_OK);
    for (i = 0; i < 1000; i++) {
        guess.secret[0]++;
        guess.secret[1] = (uint8_t)i;
        assert_int_equal(pos_code_write(&guess, text), HILO_OK);
        refused += till_enroll(r, &t, i % 2 ? text : "rubbish", "10.0.0.66") == -32001;
    }
    assert_int_equal(refused, 10);
    assert_int_equal(r->error, -32003);
    assert_true(r->retry_ms > 0 && r->retry_ms <= 60001);
    /* The right one does not help who has guessed so much; others do not suffer. */
    assert_int_equal(till_enroll(r, &t, code, "10.0.0.66"), -32003);
    assert_int_equal(till_enroll(r, &t, "rubbish", "2001:db8::1"), -32001);
    for (i = 0; i < 20; i++) { /* one host has 2^64 addresses */
        (void)snprintf(text, sizeof text, "2001:db8::%x", i + 2);
        (void)till_enroll(r, &t, "rubbish", text);
    }
    assert_int_equal(r->error, -32003);
    assert_int_equal(till_enroll(r, &t, code, "2001:db8:0:1::1"), 0);
    /* The log has a line a try that was judged, and one a minute of the rest. */
    {
        const char *p = r->log;
        unsigned lines = 0;

        for (; (p = strstr(p, "pos.refused")) != NULL; p++)
            lines++;
        assert_int_equal(lines, 10 + 1 + 10 + 1);
    }
    rig_pass(r, 61 * SECOND);
    assert_int_equal(till_enroll(r, &t, "rubbish", "10.0.0.66"), -32001);
    till_done(&t);
    rig_down(r);
}

static void a_bad_request_costs_no_code(void **state)
{
    struct rig *r = rig_up();
    struct till t = {.key = EVP_EC_gen("P-224")};
    const char *code = rig_code(r, "CENTRO", "3", "clerk");

    (void)state;
    assert_int_equal(till_enroll(r, &t, code, "10.0.0.9"), -32602);
    assert_string_equal(r->reason, "csr");
    till_done(&t);
    assert_int_equal(till_enroll(r, &t, code, "10.0.0.9"), 0);
    till_done(&t);
    rig_down(r);
}

/* A till that broke is replaced: the key before is over, and its connection. */
static void enrolled_anew(void **state)
{
    struct rig *r = rig_up();
    struct till old = rig_till(r, "CENTRO", "3"), new;

    (void)state;
    assert_string_equal(r->ended, "");
    new = rig_till(r, "CENTRO", "3");
    assert_string_equal(r->ended, "CENTRO/3 replaced");
    refused(r, &old, "other_key", SSL_AD_CERTIFICATE_UNKNOWN);
    (void)admitted(r, &new);
    till_done(&old);
    till_done(&new);
    rig_down(r);
}

/* ---- handshakes
 * ---------------------------------------------------------------------------------------------- */

/* A certificate that this pair signs for a till. */
static void sign(struct till *t, const struct pos_pair *ca, const char *store, const char *terminal,
                 int64_t now, int64_t lifetime)
{
    struct pos_issued i = {0};
    const char *why = NULL;

    assert_int_equal(pos_ca_sign(ca, z(till_csr(t)), store, terminal, now, lifetime, &i, &why), HILO_OK);
    X509_free(t->cert);
    t->cert = x509_of(i.pem);
    free(i.pem);
}

/* The gateway's own CA, as it lies in its key. */
static struct pos_pair kept_ca(struct rig *r)
{
    cJSON *json = cJSON_Parse(rig_key(r, "tienda/ca")->val);
    struct pos_pair ca = {0};
    char why[POS_CA_WORDS];

    assert_int_equal(pos_pair_read(z(cJSON_GetObjectItem(json, "certificate")->valuestring),
                                   z(cJSON_GetObjectItem(json, "key")->valuestring), &ca, why),
                     HILO_OK);
    cJSON_Delete(json);
    return ca;
}

static void each_refusal_has_its_reason_and_alert(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3"), other = rig_till(r, "NORTE", "3"), x = {0};
    struct pos_pair ours = kept_ca(r), strangers = {0};
    SSL_CTX *ctx;
    struct shake s;

    (void)state;
    refused(r, NULL, "no_certificate", SSL_AD_CERTIFICATE_REQUIRED);

    /* Another CA, of the same name; and none at all. */
    assert_int_equal(pos_ca_make("tienda", r->wall, &strangers), HILO_OK);
    x.key = EVP_PKEY_dup(t.key);
    sign(&x, &strangers, "CENTRO", "3", r->wall, DAY);
    refused(r, &x, "unknown_ca", SSL_AD_UNKNOWN_CA);
    pos_pair_done(&strangers);
    assert_int_equal(pos_ca_make("otra", r->wall, &strangers), HILO_OK);
    sign(&x, &strangers, "CENTRO", "3", r->wall, DAY);
    refused(r, &x, "unknown_ca", SSL_AD_UNKNOWN_CA);

    /* Ours, but: past, and to come. */
    sign(&x, &ours, "CENTRO", "3", r->wall + DAY, DAY);
    refused(r, &x, "not_yet_valid", SSL_AD_BAD_CERTIFICATE);
    sign(&x, &ours, "CENTRO", "3", r->wall, 60 * SECOND);
    (void)admitted(r, &x);
    rig_pass(r, 61 * SECOND);
    refused(r, &x, "expired", SSL_AD_CERTIFICATE_EXPIRED);

    /* For another store's till, for none that is registered, with another's key. */
    sign(&x, &ours, "NORTE", "3", r->wall, DAY);
    refused(r, &x, "other_key", SSL_AD_CERTIFICATE_UNKNOWN);
    sign(&x, &ours, "CENTRO", "99", r->wall, DAY);
    refused(r, &x, "not_registered", SSL_AD_CERTIFICATE_UNKNOWN);
    till_done(&x);
    sign(&x, &ours, "CENTRO", "3", r->wall, DAY);
    refused(r, &x, "other_key", SSL_AD_CERTIFICATE_UNKNOWN);

    /* The server's own certificate is none of a terminal. */
    {
        struct pos_pair server = {0};
        char why[POS_CA_WORDS];

        assert_int_equal(pos_ca_server(&ours, z("x.example"), r->wall, DAY, &server, why), HILO_OK);
        X509_free(x.cert);
        EVP_PKEY_free(x.key);
        x.cert = server.cert;
        x.key = server.key;
        refused(r, &x, "bad_name", SSL_AD_UNSUPPORTED_CERTIFICATE);
        sk_X509_pop_free(server.above, X509_free);
        till_done(&x);
    }

    /* TLS 1.2. */
    ctx = rig_context(r);
    s = shake_with(r, ctx, &t, NULL, TLS1_2_VERSION);
    assert_string_equal(pos_refused_word(s.verdict), "tls_version");
    assert_int_equal(s.alert, SSL_AD_PROTOCOL_VERSION);
    shake_done(&s);
    SSL_CTX_free(ctx);

    assert_int_equal(rig_admin(r, "POST", "/terminals/CENTRO/3/revoke", NULL), 200);
    refused(r, &t, "revoked", SSL_AD_CERTIFICATE_REVOKED);
    s = shake(r, &t);
    assert_string_equal(s.words, "CENTRO/3");
    shake_done(&s);
    (void)admitted(r, &other);
    pos_pair_done(&ours);
    pos_pair_done(&strangers);
    till_done(&t);
    till_done(&other);
    rig_down(r);
}

/* TLS does not look at the certificate of a session that is resumed: we do. */
static void a_resumed_session_is_judged_too(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3");
    SSL_CTX *ctx = rig_context(r);
    struct shake first = shake_with(r, ctx, &t, NULL, TLS1_3_VERSION), again;

    (void)state;
    assert_int_equal(first.verdict, POS_ADMITTED);
    assert_false(first.resumed);
    again = shake_with(r, ctx, &t, first.session, TLS1_3_VERSION);
    assert_int_equal(again.verdict, POS_ADMITTED);
    assert_true(again.resumed);
    assert_string_equal(again.who.store, "CENTRO");
    assert_int_equal(rig_admin(r, "POST", "/terminals/CENTRO/3/revoke", NULL), 200);
    shake_done(&first);
    first = shake_with(r, ctx, &t, again.session, TLS1_3_VERSION);
    assert_true(first.resumed);
    assert_int_equal(first.verdict, POS_REVOKED);
    assert_int_equal(pos_identity_still(r->id, &again.who), POS_REVOKED);
    shake_done(&first);
    shake_done(&again);
    SSL_CTX_free(ctx);
    till_done(&t);
    rig_down(r);
}

static void an_open_connection_ends_with_its_certificate(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3");
    struct pos_who who = admitted(r, &t);

    (void)state;
    assert_int_equal(pos_identity_still(r->id, &who), POS_ADMITTED);
    r->wall = who.expires_us - 1;
    assert_int_equal(pos_identity_still(r->id, &who), POS_ADMITTED);
    r->wall++;
    assert_int_equal(pos_identity_still(r->id, &who), POS_EXPIRED);
    till_done(&t);
    rig_down(r);
}

/* ---- renewal
 * ---------------------------------------------------------------------------------------------------- */

static void the_old_key_works_until_the_new_one_did(void **state)
{
    struct rig *r = rig_up();
    struct till old = rig_till(r, "CENTRO", "3"), new = {0}, newest = {0};
    struct pos_who who, was;

    (void)state;
    r->wall += 61 * DAY;
    was = who = admitted(r, &old);
    assert_true(who.renew);
    assert_int_equal(till_renew(r, &who, &new), 0);
    assert_true(pos_ca_ends(new.cert) > r->wall + 89 * DAY);
    (void)admitted(r, &old);
    rig_stop(r); /* in between, too */
    rig_start(r);
    (void)admitted(r, &old);
    who = admitted(r, &new);
    assert_false(who.renew);
    refused(r, &old, "other_key", SSL_AD_CERTIFICATE_UNKNOWN);
    assert_int_equal(pos_identity_still(r->id, &was), POS_OTHER_KEY);
    rig_stop(r);
    rig_start(r);
    refused(r, &old, "other_key", SSL_AD_CERTIFICATE_UNKNOWN);
    (void)admitted(r, &new);
    /* Who is over can't renew, and a stolen old key gets nothing. */
    assert_int_equal(till_renew(r, &was, &newest), -32001);
    /* Renewed twice before it is used: the last one counts. */
    assert_int_equal(till_renew(r, &who, &newest), 0);
    till_done(&old);
    assert_int_equal(till_renew(r, &who, &old), 0);
    refused(r, &newest, "other_key", SSL_AD_CERTIFICATE_UNKNOWN);
    (void)admitted(r, &old);
    till_done(&old);
    till_done(&new);
    till_done(&newest);
    rig_down(r);
}

static void renewed_with_the_same_key(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3");
    X509 *before = X509_dup(t.cert), *after;
    struct pos_who who = admitted(r, &t);

    (void)state;
    r->wall += 80 * DAY;
    assert_int_equal(till_renew(r, &who, &t), 0);
    (void)admitted(r, &t);
    after = t.cert;
    t.cert = before;
    (void)admitted(r, &t); /* the key is what is registered */
    r->wall += 11 * DAY;
    refused(r, &t, "expired", SSL_AD_CERTIFICATE_EXPIRED);
    t.cert = after;
    (void)admitted(r, &t);
    X509_free(before);
    till_done(&t);
    rig_down(r);
}

static void renewals_have_a_limit(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3");
    struct pos_who who = admitted(r, &t);
    unsigned i;

    (void)state;
    for (i = 0; i < 10; i++)
        assert_int_equal(till_renew(r, &who, &t), 0);
    assert_int_equal(till_renew(r, &who, &t), -32003);
    till_done(&t);
    rig_down(r);
}

/* ---- operators
 * ------------------------------------------------------------------------------------------------------ */

static void revoked_at_once_and_for_good(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3"), again = {0};
    struct pos_who who = admitted(r, &t);

    (void)state;
    assert_int_equal(rig_admin(r, "POST", "/terminals/CENTRO/3/revoke", "{}"), 200);
    assert_string_equal(rig_said(r, "state"), "revoked");
    assert_string_equal(rig_said(r, "changed_by"), "key_boss");
    assert_string_equal(r->ended, "CENTRO/3 revoked");
    assert_true(strstr(r->log, "pos.revoked store=CENTRO terminal=3 role=clerk by=key_boss") != NULL);
    assert_int_equal(pos_identity_still(r->id, &who), POS_REVOKED);
    refused(r, &t, "revoked", SSL_AD_CERTIFICATE_REVOKED);
    assert_int_equal(till_renew(r, &who, &t), -32001);
    rig_stop(r);
    rig_start(r);
    refused(r, &t, "revoked", SSL_AD_CERTIFICATE_REVOKED);
    assert_int_equal(rig_admin(r, "POST", "/terminals/CENTRO/3/rotate", NULL), 409);
    assert_int_equal(rig_admin(r, "PATCH", "/terminals/CENTRO/3", "{\"role\":\"kiosk\"}"), 409);
    /* Only a new code brings it back. */
    again = rig_till(r, "CENTRO", "3");
    (void)admitted(r, &again);
    refused(r, &t, "other_key", SSL_AD_CERTIFICATE_UNKNOWN);
    assert_int_equal(rig_admin(r, "DELETE", "/terminals/CENTRO/3", NULL), 204);
    assert_string_equal(r->ended, "CENTRO/3 revoked");
    refused(r, &again, "not_registered", SSL_AD_CERTIFICATE_UNKNOWN);
    assert_int_equal(rig_admin(r, "GET", "/terminals/CENTRO/3", NULL), 404);
    rig_stop(r);
    rig_start(r);
    refused(r, &again, "not_registered", SSL_AD_CERTIFICATE_UNKNOWN);
    till_done(&t);
    till_done(&again);
    rig_down(r);
}

static void rotated_and_given_another_role(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3"), new = {0};
    struct pos_who who;

    (void)state;
    assert_false(admitted(r, &t).renew);
    assert_int_equal(rig_admin(r, "POST", "/terminals/CENTRO/3/rotate", NULL), 200);
    assert_int_equal(r->n_rotate, 1);
    rig_stop(r);
    rig_start(r); /* it is asked for until it was done */
    who = admitted(r, &t);
    assert_true(who.renew);
    assert_int_equal(till_renew(r, &who, &new), 0);
    assert_false(admitted(r, &new).renew);
    assert_int_equal(rig_admin(r, "PATCH", "/terminals/CENTRO/3", "{\"role\":\"kiosk\"}"), 200);
    assert_string_equal(rig_said(r, "role"), "kiosk");
    assert_string_equal(r->role_changed, "CENTRO/3 kiosk");
    assert_int_equal(admitted(r, &new).role, POS_ROLE_KIOSK);
    rig_stop(r);
    rig_start(r);
    assert_int_equal(admitted(r, &new).role, POS_ROLE_KIOSK);
    till_done(&t);
    till_done(&new);
    rig_down(r);
}

static unsigned listed(struct rig *r)
{
    return (unsigned)cJSON_GetArraySize(cJSON_GetObjectItem(r->body, "terminals"));
}

static void lists_and_what_is_refused(void **state)
{
    static const struct {
        const char *method, *url, *body;
        uint32_t status;
    } bad[] = {
        {"GET", "/terminals/CENTRO", NULL, 404},
        {"GET", "/terminals/CENTRO/99", NULL, 404},
        {"GET", "/terminals/CENTRO/3/x", NULL, 404},
        {"GET", "/terminals/CENTRO/3/revoke", NULL, 405},
        {"GET", "/terminals/CENTRO/3/revoke/x", NULL, 404},
        {"GET", "/terminals/CEN%54RO/3", NULL, 404},
        {"GET", "/terminals//3", NULL, 404},
        {"PUT", "/terminals", NULL, 405},
        {"POST", "/terminals/CENTRO/99/revoke", NULL, 404},
        {"POST", "/terminals/CENTRO/3/revoke", "{\"why\":1}", 422},
        {"PATCH", "/terminals/CENTRO/3", "{\"role\":\"boss\"}", 422},
        {"PATCH", "/terminals/CENTRO/3", "{\"role\":1}", 422},
        {"PATCH", "/terminals/CENTRO/3", NULL, 422},
        {"PATCH", "/terminals/CENTRO/3", "[]", 400},
        {"PATCH", "/terminals/CENTRO/3", "{", 400},
        {"GET", "/terminals?limit=0", NULL, 422},
        {"GET", "/terminals?limit=1001", NULL, 422},
        {"GET", "/terminals?limit=x", NULL, 422},
        {"GET", "/terminals?store=a/b", NULL, 422},
        {"POST", "/enrollments", NULL, 422},
        {"POST", "/enrollments", "{\"store\":\"CENTRO\"}", 422},
        {"POST", "/enrollments", "{\"store\":\"A B\",\"terminal\":\"1\"}", 422},
        {"POST", "/enrollments", "{\"store\":\"A\",\"terminal\":\"1\",\"role\":\"x\"}", 422},
        {"POST", "/enrollments", "{\"store\":\"A\",\"terminal\":\"1\",\"lifetime_s\":1}", 422},
        {"POST", "/enrollments", "{\"store\":\"A\",\"terminal\":\"1\",\"rol\":\"clerk\"}", 422},
        {"DELETE", "/enrollments/enr_0000000000000000", NULL, 404},
        {"PUT", "/enrollments", NULL, 405},
        {"POST", "/ca", NULL, 405},
        {"GET", "/ca/x", NULL, 404},
    };
    struct rig *r = rig_up();
    struct hilo_http h = {.size = sizeof h, .method = z("GET"), .url = z("/elsewhere"), .sink_fd = -1};
    struct till t[5];
    char url[128];
    size_t i;

    (void)state;
    t[0] = rig_till(r, "CENTRO", "3");
    t[1] = rig_till(r, "CENTRO", "10");
    t[2] = rig_till(r, "CENTRO-2", "1");
    t[3] = rig_till(r, "NORTE", "1");
    t[4] = rig_till(r, "CENTRO", "1");
    assert_int_equal(rig_admin(r, "POST", "/terminals/NORTE/1/revoke", NULL), 200);
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (rig_admin(r, bad[i].method, bad[i].url, bad[i].body) != bad[i].status)
            fail_msg("%s %s %s: %u", bad[i].method, bad[i].url, bad[i].body ? bad[i].body : "", r->status);
        assert_int_equal(cJSON_GetObjectItem(r->body, "status")->valuedouble, bad[i].status);
        assert_string_not_equal(rig_said(r, "code"), "");
        assert_string_not_equal(rig_said(r, "detail"), "");
    }
    assert_false(pos_identity_request(r->id, 77, &h)); /* another's */
    /* In order, by pages that leave nothing out. */
    {
        char names[256] = "", next[80] = "";
        unsigned n, k;

        for (n = 0; n < 9; n++) {
            (void)snprintf(url, sizeof url, "/terminals?limit=2%s%s", next[0] ? "&cursor=" : "", next);
            assert_int_equal(rig_admin(r, "GET", url, NULL), 200);
            for (k = 0; k < listed(r); k++) {
                cJSON *one = cJSON_GetArrayItem(cJSON_GetObjectItem(r->body, "terminals"), (int)k);

                (void)snprintf(names + strlen(names), sizeof names - strlen(names), "%s/%s ",
                               cJSON_GetObjectItem(one, "store")->valuestring,
                               cJSON_GetObjectItem(one, "terminal")->valuestring);
                assert_true(cJSON_IsFalse(cJSON_GetObjectItem(one, "connected")));
            }
            (void)snprintf(next, sizeof next, "%s", rig_said(r, "next"));
            if (!next[0])
                break;
        }
        assert_string_equal(names, "CENTRO/1 CENTRO/10 CENTRO/3 CENTRO-2/1 NORTE/1 ");
    }
    assert_int_equal(rig_admin(r, "GET", "/terminals?store=CENTRO", NULL), 200);
    assert_int_equal(listed(r), 3);
    assert_int_equal(rig_admin(r, "GET", "/terminals?state=revoked", NULL), 200);
    assert_int_equal(listed(r), 1);
    assert_int_equal(rig_admin(r, "GET", "/terminals?state=active&limit=1000", NULL), 200);
    assert_int_equal(listed(r), 4);
    (void)rig_code(r, "SUR", "1", "kiosk");
    assert_int_equal(rig_admin(r, "GET", "/enrollments", NULL), 200);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(r->body, "enrollments")), 6);
    {
        char *text = cJSON_PrintUnformatted(r->body);

        assert_null(strstr(text, "HILO1"));
        assert_null(strstr(text, "hash"));
        cJSON_free(text);
    }
    assert_int_equal(rig_admin(r, "GET", "/ca", NULL), 200);
    assert_string_equal(rig_said(r, "kind"), "own");
    assert_non_null(strstr(rig_said(r, "certificates"), "BEGIN CERTIFICATE"));
    {
        char *text = cJSON_PrintUnformatted(r->body);

        assert_null(strstr(text, "PRIVATE"));
        cJSON_free(text);
    }
    for (i = 0; i < 5; i++)
        till_done(&t[i]);
    rig_down(r);
}

/* A chain opens its tills on one day. */
static void many_stores_and_terminals(void **state)
{
    struct rig *r = rig_up();
    struct till t = {0};
    char store[16], terminal[16], url[64];
    unsigned i;

    (void)state;
    for (i = 0; i < 240; i++) {
        (void)snprintf(store, sizeof store, "S%u", i / 2);
        (void)snprintf(terminal, sizeof terminal, "%u", i);
        assert_int_equal(till_enroll(r, &t, rig_code(r, store, terminal, "clerk"), "10.0.0.9"), 0);
        if (i < 239)
            till_done(&t);
    }
    rig_stop(r);
    rig_start(r);
    assert_int_equal(rig_admin(r, "GET", "/terminals?limit=1000", NULL), 200);
    assert_int_equal(listed(r), 240);
    (void)snprintf(url, sizeof url, "/terminals/S119/239");
    assert_int_equal(rig_admin(r, "GET", url, NULL), 200);
    assert_string_not_equal(rig_said(r, "spki_sha256"), "");
    (void)admitted(r, &t);
    till_done(&t);
    rig_down(r);
}

/* ---- when something is full, or fails
 * -------------------------------------------------------------------------------- */

static void a_full_disk(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3"), u = {0};
    const char *code = rig_code(r, "CENTRO", "4", "clerk");
    struct pos_who who = admitted(r, &t);

    (void)state;
    r->disk_full = true;
    assert_int_equal(till_enroll(r, &u, code, "10.0.0.9"), -32000);
    assert_string_equal(r->reason, "full");
    assert_int_equal(till_renew(r, &who, &u), -32000);
    assert_int_equal(rig_admin(r, "POST", "/enrollments", "{\"store\":\"A\",\"terminal\":\"1\"}"), 503);
    assert_int_equal(rig_admin(r, "PATCH", "/terminals/CENTRO/3", "{\"role\":\"kiosk\"}"), 503);
    assert_int_equal(admitted(r, &t).role, POS_ROLE_CLERK);
    /* Revoked all the same, and said that it is not for good. */
    assert_int_equal(rig_admin(r, "POST", "/terminals/CENTRO/3/revoke", NULL), 503);
    assert_string_equal(r->ended, "CENTRO/3 revoked");
    refused(r, &t, "revoked", SSL_AD_CERTIFICATE_REVOKED);
    r->disk_full = false;
    assert_int_equal(rig_admin(r, "POST", "/terminals/CENTRO/3/revoke", NULL), 200);
    /* The code is as good as before. */
    assert_int_equal(till_enroll(r, &u, code, "10.0.0.9"), 0);
    rig_stop(r);
    rig_start(r);
    refused(r, &t, "revoked", SSL_AD_CERTIFICATE_REVOKED);
    (void)admitted(r, &u);
    till_done(&t);
    till_done(&u);
    rig_down(r);
}

/* Killed between any two of its keys: a repetition with the same key mends it, nobody else's is taken. */
static void killed_at_any_point_of_an_enrolment(void **state)
{
    unsigned steps, k;

    (void)state;
    for (steps = 0; steps <= 5; steps++) {
        struct rig *r = rig_up();
        struct till t = {0}, thief = {0};
        const char *code = rig_code(r, "CENTRO", "3", "clerk");
        cJSON *params = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(params, "code", code);
        (void)cJSON_AddStringToObject(params, "csr", till_csr(&t));
        pos_identity_enroll(r->id, 5, z("10.0.0.9"), params);
        cJSON_Delete(params);
        for (k = 0; k < steps; k++)
            (void)rig_step(r);
        rig_stop(r);
        rig_start(r);
        assert_int_equal(r->ready_code, HILO_OK);
        if (steps > 0)
            assert_int_equal(till_enroll(r, &thief, code, "10.0.0.66"), -32001);
        assert_int_equal(till_enroll(r, &t, code, "10.0.0.9"), 0);
        (void)admitted(r, &t);
        rig_stop(r);
        rig_start(r);
        (void)admitted(r, &t);
        till_done(&t);
        till_done(&thief);
        rig_down(r);
    }
}

static void a_full_link_is_tried_again(void **state)
{
    struct rig *r = rig_up();
    struct till t = {0};
    const char *code = rig_code(r, "CENTRO", "3", "clerk");
    cJSON *params = cJSON_CreateObject();

    (void)state;
    (void)cJSON_AddStringToObject(params, "code", code);
    (void)cJSON_AddStringToObject(params, "csr", till_csr(&t));
    r->link_full = true;
    pos_identity_enroll(r->id, 5, z("10.0.0.9"), params);
    cJSON_Delete(params);
    rig_run(r);
    assert_int_equal(r->ref, 0);
    r->link_full = false;
    pos_identity_woken(r->id);
    assert_int_equal(till_take(r, &t), 0);
    (void)admitted(r, &t);
    /* At a start, too. */
    rig_stop(r);
    r->link_full = true;
    rig_start(r);
    assert_int_equal(r->n_ready, 0);
    r->link_full = false;
    rig_pass(r, SECOND);
    assert_int_equal(r->n_ready, 1);
    (void)admitted(r, &t);
    till_done(&t);
    rig_down(r);
}

static void a_registry_that_cant_be_read_now(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3");
    struct hilo_http h = {.size = sizeof h, .method = z("GET"), .url = z("/terminals"), .sink_fd = -1};

    (void)state;
    rig_stop(r);
    r->get_fails = HILO_IO;
    rig_start(r);
    assert_int_equal(r->ready_code, HILO_TEMP);
    assert_true(pos_identity_request(r->id, 77, &h));
    assert_int_equal(r->status, 503);
    rig_pass(r, 5 * SECOND);
    assert_int_equal(r->ready_code, HILO_TEMP);
    r->get_fails = 0;
    rig_pass(r, 2 * SECOND);
    assert_int_equal(r->ready_code, HILO_OK);
    (void)admitted(r, &t);
    till_done(&t);
    rig_down(r);
}

static void what_is_kept_is_damaged(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3"), u = rig_till(r, "CENTRO", "4");
    struct rig_key *k;

    (void)state;
    rig_stop(r);
    k = rig_key(r, "tienda/terminal/CENTRO/3");
    k->val[1] = 'x';
    rig_start(r);
    assert_int_equal(r->ready_code, HILO_OK);
    assert_non_null(strstr(r->log, "store=CENTRO terminal=3 note=\"its record can't be read"));
    refused(r, &t, "not_registered", SSL_AD_CERTIFICATE_UNKNOWN);
    (void)admitted(r, &u);
    rig_stop(r);
    /* Another CA is not made silently in the place of one that is damaged. */
    k = rig_key(r, "tienda/ca");
    k->val[40] ^= 1;
    rig_start(r);
    assert_int_equal(r->ready_code, HILO_CONFIG);
    rig_pass(r, 10 * SECOND);
    assert_int_equal(r->n_ready, 1);
    till_done(&t);
    till_done(&u);
    rig_down(r);
}

static void a_ca_that_is_not_on_disk_signs_nothing(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    (void)state;
    r->wall = (int64_t)time(NULL) * SECOND;
    r->conf = (struct pos_identity_conf){
        .names = z("a.example"), .port = 1, .code_lifetime_us = SECOND, .certificate_lifetime_us = DAY};
    r->disk_full = true;
    rig_start(r);
    assert_int_equal(r->ready_code, HILO_TEMP);
    rig_pass(r, 3 * SECOND);
    assert_int_equal(r->ready_code, HILO_TEMP);
    assert_int_equal(r->n_keys, 0);
    r->disk_full = false;
    rig_pass(r, 2 * SECOND);
    assert_int_equal(r->ready_code, HILO_OK);
    rig_down(r);
}

/* ---- certificates of the gateway
 * ------------------------------------------------------------------------------------------ */

static void the_servers_certificate_is_renewed_while_it_runs(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3");
    struct shake s;
    unsigned day;

    (void)state;
    for (day = 0; day < 59; day++)
        rig_pass(r, DAY);
    assert_int_equal(r->n_server_changed, 0);
    rig_pass(r, 2 * DAY);
    assert_int_equal(r->n_server_changed, 1);
    s = shake(r, &t);
    assert_int_equal(s.verdict, POS_ADMITTED);
    shake_done(&s);
    for (day = 0; day < 60; day++)
        rig_pass(r, DAY);
    assert_int_equal(r->n_server_changed, 2);
    till_done(&t);
    rig_down(r);
}

static char *pem_of(X509 *x)
{
    char *pem = pos_ca_pem(x);

    assert_non_null(pem);
    return pem;
}

static void an_operators_ca_and_certificate(void **state)
{
    struct rig *r = rig_up();
    struct till t = rig_till(r, "CENTRO", "3"), u = {0};
    struct pos_pair ca = {0}, public_ca = {0}, server = {0}, server_2 = {0};
    char why[POS_WORDS] = "", *ca_pem, *ca_key, *chain, *server_key, *leaf, *top, *leaf_2, *key_2;
    struct pos_identity_conf with;
    struct pos_code code;
    const char *text, *w;
    uint8_t digest[32];

    (void)state;
    assert_int_equal(pos_ca_make("Operador", r->wall, &ca), HILO_OK);
    assert_int_equal(pos_ca_make("Publica", r->wall, &public_ca), HILO_OK);
    assert_int_equal(pos_ca_server(&public_ca, z("pos.tienda.example"), r->wall, 90 * DAY, &server, why),
                     HILO_OK);
    assert_int_equal(pos_ca_server(&public_ca, z("pos.tienda.example"), r->wall, 90 * DAY, &server_2, why),
                     HILO_OK);
    ca_pem = pem_of(ca.cert);
    ca_key = pos_ca_key_pem(ca.key);
    leaf = pem_of(server.cert);
    top = pem_of(public_ca.cert);
    leaf_2 = pem_of(server_2.cert);
    key_2 = pos_ca_key_pem(server_2.key);
    chain = malloc(strlen(leaf) + strlen(top) + 1);
    (void)sprintf(chain, "%s%s", leaf, top);
    server_key = pos_ca_key_pem(server.key);
    rig_stop(r);
    r->conf.ca_cert = z(ca_pem);
    r->conf.ca_key = z(ca_key);
    rig_start(r);
    assert_int_equal(r->ready_code, HILO_OK);
    /* What the gateway's own CA has signed is another's now, though the key is registered. */
    refused(r, &t, "unknown_ca", SSL_AD_UNKNOWN_CA);
    u = rig_till(r, "CENTRO", "4");
    (void)admitted(r, &u);
    assert_int_equal(X509_verify(u.cert, ca.key), 1);
    assert_int_equal(rig_admin(r, "GET", "/ca", NULL), 200);
    assert_string_equal(rig_said(r, "kind"), "operator");
    /* The operator's server certificate comes by a reload; the code names who vouches for that one now, and
     * the terminal gets both. */
    with = r->conf;
    with.tls_cert = z(chain);
    with.tls_key = z(server_key);
    assert_int_equal(pos_identity_reconfigure(r->id, &with, why), HILO_OK);
    assert_int_equal(r->n_server_changed, 1);
    (void)admitted(r, &u);
    text = rig_code(r, "CENTRO", "5", "clerk");
    assert_int_equal(pos_code_read(z(text), &code, &w), HILO_OK);
    assert_true(pos_ca_key_of(public_ca.cert, digest));
    assert_memory_equal(code.fingerprint, digest, POS_CODE_FINGERPRINT);
    till_done(&t);
    assert_int_equal(till_enroll(r, &t, text, "10.0.0.9"), 0);
    {
        const char *bundle = cJSON_GetObjectItem(r->result, "ca")->valuestring;

        assert_non_null(strstr(bundle, ca_pem));
        assert_non_null(strstr(bundle, top));
    }
    /* A reload that is wrong changes nothing. */
    with.tls_key = z(ca_key);
    assert_int_equal(pos_identity_reconfigure(r->id, &with, why), HILO_CONFIG);
    assert_int_equal(strncmp(why, "tls_cert", 8), 0);
    assert_int_equal(r->n_server_changed, 1);
    (void)admitted(r, &u);
    /* A leaf alone is its own anchor. */
    with.tls_cert = z(leaf_2);
    with.tls_key = z(key_2);
    assert_int_equal(pos_identity_reconfigure(r->id, &with, why), HILO_OK);
    text = rig_code(r, "CENTRO", "6", "clerk");
    assert_int_equal(pos_code_read(z(text), &code, &w), HILO_OK);
    assert_true(pos_ca_key_of(server_2.cert, digest));
    assert_memory_equal(code.fingerprint, digest, POS_CODE_FINGERPRINT);
    rig_stop(r);
    /* Back to the gateway's own: what it signed is good again, where no other key came in between. */
    r->conf.ca_cert = r->conf.ca_key = z("");
    rig_start(r);
    refused(r, &u, "unknown_ca", SSL_AD_UNKNOWN_CA);
    free(ca_pem);
    free(ca_key);
    free(chain);
    free(server_key);
    free(leaf);
    free(top);
    free(leaf_2);
    free(key_2);
    pos_pair_done(&ca);
    pos_pair_done(&public_ca);
    pos_pair_done(&server);
    pos_pair_done(&server_2);
    till_done(&t);
    till_done(&u);
    rig_down(r);
}

static void options_that_cant_be(void **state)
{
    struct pos_identity_conf c = {.names = z("pos.example"), .port = 7443};

    (void)state;
    assert_null(pos_identity_wrong_option(&c));
    c.names = z("pos.example , 10.0.0.5,fd00::1");
    assert_null(pos_identity_wrong_option(&c));
    c.names = z("pos.example,-*-");
    assert_non_null(pos_identity_wrong_option(&c));
    c.names = z("");
    assert_int_equal(strncmp(pos_identity_wrong_option(&c), "names ", 6), 0);
    c.names = z("a");
    c.ca_cert = z("x");
    assert_int_equal(strncmp(pos_identity_wrong_option(&c), "ca_cert ", 8), 0);
    c.ca_key = z("x");
    assert_int_equal(strncmp(pos_identity_wrong_option(&c), "ca_cert ", 8), 0);
    c.ca_cert = c.ca_key = z("");
    c.tls_key = z("x");
    assert_int_equal(strncmp(pos_identity_wrong_option(&c), "tls_cert ", 9), 0);
    c.tls_key = z("");
    {
        static const char *const good[] = {"a.example", "a.example:1", "10.0.0.1:65535",
                                           "::1",       "[::1]:7443",  "[::1]"};
        static const char *const bad[] = {"a.example:0", "a.example:65536", "a.example:x", ":1", "a b",
                                          "[::1",        "[::1]x"};
        size_t i;

        for (i = 0; i < sizeof good / sizeof *good; i++) {
            c.address = z(good[i]);
            assert_null(pos_identity_wrong_option(&c));
        }
        for (i = 0; i < sizeof bad / sizeof *bad; i++) {
            c.address = z(bad[i]);
            if (!pos_identity_wrong_option(&c))
                fail_msg("taken: %s", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_brings_a_terminal_in),
        cmocka_unit_test(a_code_is_good_once),
        cmocka_unit_test(a_code_ends),
        cmocka_unit_test(guessing_is_slow),
        cmocka_unit_test(a_bad_request_costs_no_code),
        cmocka_unit_test(enrolled_anew),
        cmocka_unit_test(each_refusal_has_its_reason_and_alert),
        cmocka_unit_test(a_resumed_session_is_judged_too),
        cmocka_unit_test(an_open_connection_ends_with_its_certificate),
        cmocka_unit_test(the_old_key_works_until_the_new_one_did),
        cmocka_unit_test(renewed_with_the_same_key),
        cmocka_unit_test(renewals_have_a_limit),
        cmocka_unit_test(revoked_at_once_and_for_good),
        cmocka_unit_test(rotated_and_given_another_role),
        cmocka_unit_test(lists_and_what_is_refused),
        cmocka_unit_test(many_stores_and_terminals),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(killed_at_any_point_of_an_enrolment),
        cmocka_unit_test(a_full_link_is_tried_again),
        cmocka_unit_test(a_registry_that_cant_be_read_now),
        cmocka_unit_test(what_is_kept_is_damaged),
        cmocka_unit_test(a_ca_that_is_not_on_disk_signs_nothing),
        cmocka_unit_test(the_servers_certificate_is_renewed_while_it_runs),
        cmocka_unit_test(an_operators_ca_and_certificate),
        cmocka_unit_test(options_that_cant_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
