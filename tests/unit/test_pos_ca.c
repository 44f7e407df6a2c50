/*
 * Certificates that the plugin makes, judged by the openssl program: its verdict on chains, purposes and
 * names, its requests with keys of all kinds, and requests that must be refused.
 */
#include "../../plugins/pos/ca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/pem.h>

#define DAY (INT64_C(86400) * 1000000)

static char dir[] = "/tmp/hilo-pos-ca-XXXXXX";

static struct hilo_str z(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static int64_t now_us(void)
{
    return (int64_t)time(NULL) * 1000000;
}

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Runs a shell command in the folder; all that it printed, in a buffer that lives until the next. */
static const char *run(const char *command, int *status_out)
{
    static char out[32768];
    char line[2048];
    size_t n;
    FILE *p;

    (void)snprintf(line, sizeof line, "cd %s && { %s ; } 2>&1", dir, command);
    p = popen(line, "r");
    assert_non_null(p);
    n = fread(out, 1, sizeof out - 1, p);
    out[n] = '\0';
    *status_out = pclose(p);
    return out;
}

static void run_well(const char *command, const char *says)
{
    int status;
    const char *out = run(command, &status);

    if (status != 0 || !strstr(out, says))
        fail_msg("%s: status %d, without \"%s\": %s", command, status, says, out);
}

static char *text_of(const char *name)
{
    static char buf[8][16384];
    static unsigned turn;
    char path[128], *out = buf[turn++ % 8];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "r");
    assert_non_null(f);
    n = fread(out, 1, sizeof buf[0] - 1, f);
    out[n] = '\0';
    (void)fclose(f);
    return out;
}

static struct pos_pair own_ca(void)
{
    struct pos_pair ca = {0};
    char *pem;

    assert_int_equal(pos_ca_make("pos", now_us(), &ca), HILO_OK);
    pem = pos_ca_pem(ca.cert);
    assert_non_null(pem);
    put("ca.pem", pem);
    free(pem);
    return ca;
}

static void an_authority_is_one(void **state)
{
    struct pos_pair ca = own_ca(), again = {0};
    char why[POS_CA_WORDS] = "", *cert, *key;

    (void)state;
    assert_int_equal(pos_ca_check(&ca, now_us(), why), HILO_OK);
    run_well("openssl x509 -in ca.pem -noout -text", "CA:TRUE, pathlen:0");
    run_well("openssl x509 -in ca.pem -noout -text", "Certificate Sign, CRL Sign");
    run_well("openssl x509 -in ca.pem -noout -text", "ASN1 OID: prime256v1");
    run_well("openssl verify -check_ss_sig -CAfile ca.pem ca.pem", "OK");
    run_well("openssl x509 -in ca.pem -noout -checkend 315000000", "will not expire"); /* nearly ten years */
    /* Written and read again it is the same. */
    cert = pos_ca_pem(ca.cert);
    key = pos_ca_key_pem(ca.key);
    assert_int_equal(pos_pair_read(z(cert), z(key), &again, why), HILO_OK);
    assert_int_equal(X509_cmp(ca.cert, again.cert), 0);
    assert_int_equal(EVP_PKEY_eq(ca.key, again.key), 1);
    assert_int_equal(pos_ca_check(&ca, now_us() + 3700 * DAY, why), HILO_CONFIG);
    assert_string_equal(why, "has expired");
    assert_int_equal(pos_ca_check(&ca, now_us() - DAY, why), HILO_CONFIG);
    free(cert);
    free(key);
    pos_pair_done(&again);
    pos_pair_done(&ca);
}

static void a_request_is_signed_for_what_we_say(void **state)
{
    struct pos_pair ca = own_ca();
    struct pos_issued i = {0};
    const char *why = NULL;
    char store[33], terminal[33], key[65], line[256];
    uint8_t digest[32];
    BIO *bio;
    X509 *x;

    (void)state;
    /* The request wishes to be somebody else, an authority, and a server. */
    run_well("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout till.key -out "
             "till.csr -subj "
             "/CN=admin -addext basicConstraints=CA:TRUE -addext extendedKeyUsage=serverAuth -addext "
             "subjectAltName=URI:urn:hilo:pos:OTRA:9,DNS:pos.example && echo made",
             "made");
    assert_int_equal(pos_ca_sign(&ca, z(text_of("till.csr")), "CENTRO", "3", now_us(), 90 * DAY, &i, &why),
                     HILO_OK);
    put("till.pem", i.pem);
    run_well("openssl verify -purpose sslclient -CAfile ca.pem till.pem", "OK");
    run_well("openssl verify -purpose sslserver -CAfile ca.pem till.pem || echo refused", "refused");
    run_well("openssl x509 -in till.pem -noout -ext subjectAltName", "URI:urn:hilo:pos:CENTRO:3\n");
    run_well("openssl x509 -in till.pem -noout -ext basicConstraints", "CA:FALSE");
    run_well("openssl x509 -in till.pem -noout -ext extendedKeyUsage", "TLS Web Client Authentication\n");
    run_well("openssl x509 -in till.pem -noout -subject", "subject=CN = CENTRO/3\n");
    run_well("openssl x509 -in till.pem -noout -checkend 7775000", "will not expire");
    run_well("openssl x509 -in till.pem -noout -checkend 7777000 || true", "will expire");
    run_well("openssl x509 -in till.pem -noout -text | grep -c 'pos.example\\|OTRA\\|admin' || true", "0\n");
    run_well("openssl x509 -in till.pem -noout -pubkey >a; openssl pkey -in till.key -pubout >b; cmp a b && "
             "echo same",
             "same");
    /* Serial and digest are as openssl sees them. */
    (void)snprintf(line, sizeof line, "openssl x509 -in till.pem -noout -serial | tr A-F a-f");
    run_well(line, i.serial);
    pos_ca_hex(i.key, 32, key);
    run_well("openssl x509 -in till.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum", key);
    bio = BIO_new_mem_buf(i.pem, -1);
    x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(x);
    assert_true(pos_ca_terminal_of(x, store, terminal));
    assert_string_equal(store, "CENTRO");
    assert_string_equal(terminal, "3");
    assert_true(pos_ca_key_of(x, digest));
    assert_memory_equal(digest, i.key, 32);
    assert_int_equal(pos_ca_ends(x), i.expires_us);
    assert_true(i.expires_us - now_us() <= 90 * DAY && i.expires_us - now_us() > 90 * DAY - 5000000);
    assert_true(pos_ca_begins(x) <= now_us() - 290 * INT64_C(1000000));
    BIO_free(bio);
    X509_free(x);
    free(i.pem);
    /* The longest names there are, and a serial number of its own. */
    {
        struct pos_issued j = {0};
        char long_name[33];

        memset(long_name, 'x', 32);
        long_name[32] = '\0';
        assert_int_equal(
            pos_ca_sign(&ca, z(text_of("till.csr")), long_name, long_name, now_us(), 90 * DAY, &j, &why),
            HILO_OK);
        assert_string_not_equal(i.serial, j.serial);
        free(j.pem);
        /* Not longer than the authority itself. */
        assert_int_equal(
            pos_ca_sign(&ca, z(text_of("till.csr")), "A", "1", now_us() + 3640 * DAY, 90 * DAY, &j, &why),
            HILO_OK);
        assert_int_equal(j.expires_us, pos_ca_ends(ca.cert));
        free(j.pem);
    }
    pos_pair_done(&ca);
}

static void keys_of_these_kinds_alone(void **state)
{
    static const struct {
        const char *make;
        bool good;
    } kinds[] = {
        {"-newkey ec -pkeyopt ec_paramgen_curve:P-256", true},
        {"-newkey ec -pkeyopt ec_paramgen_curve:P-384", true},
        {"-newkey rsa:2048", true},
        {"-newkey ed25519", true},
        {"-newkey ec -pkeyopt ec_paramgen_curve:P-224", false},
        {"-newkey ec -pkeyopt ec_paramgen_curve:secp256k1", false},
        {"-newkey ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit", false},
        {"-newkey rsa:1024", false},
        {"-newkey rsa:4608", false},
        {"-newkey ed448", false},
    };
    struct pos_pair ca = own_ca();
    const char *why;
    char line[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct pos_issued made = {0};
        int32_t rc;

        (void)snprintf(line, sizeof line,
                       "openssl req -new %s -nodes -keyout k -out kind.csr -subj /CN=x && echo made",
                       kinds[i].make);
        run_well(line, "made");
        why = NULL;
        rc = pos_ca_sign(&ca, z(text_of("kind.csr")), "A", "1", now_us(), DAY, &made, &why);
        if ((rc == HILO_OK) != kinds[i].good)
            fail_msg("%s: %d %s", kinds[i].make, (int)rc, why ? why : "");
        assert_true(kinds[i].good || why);
        free(made.pem);
    }
    pos_pair_done(&ca);
}

/* Somebody else's key, without having it: the request is changed after it was signed. */
static void a_request_must_be_its_keys_own(void **state)
{
    struct pos_pair ca = own_ca();
    struct pos_issued made = {0};
    const char *why = NULL;
    unsigned char der[2048], *at = der;
    X509_REQ *r;
    BIO *bio;
    char pem[4096];
    int n, i;

    (void)state;
    run_well("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out good.csr "
             "-subj /CN=xyzzy && "
             "echo made",
             "made");
    bio = BIO_new_mem_buf(text_of("good.csr"), -1);
    r = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    assert_non_null(r);
    n = i2d_X509_REQ(r, &at);
    X509_REQ_free(r);
    BIO_free(bio);
    for (i = 0; i + 5 < n && memcmp(der + i, "xyzzy", 5) != 0; i++)
        ;
    assert_true(i + 5 < n);
    der[i] = 'a';
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio(bio, PEM_STRING_X509_REQ, "", der, n) > 0, 1);
    n = BIO_read(bio, pem, sizeof pem - 1);
    assert_true(n > 0);
    pem[n] = '\0';
    BIO_free(bio);
    assert_int_equal(pos_ca_sign(&ca, z(pem), "A", "1", now_us(), DAY, &made, &why), HILO_INVALID);
    assert_string_equal(why, "its signature is not that of its key");
    assert_null(made.pem);
    /* What is none at all; an encrypted block asks nobody for a pass phrase. */
    assert_int_equal(pos_ca_sign(&ca, z(""), "A", "1", now_us(), DAY, &made, &why), HILO_INVALID);
    assert_int_equal(
        pos_ca_sign(&ca, z("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"),
                    "A", "1", now_us(), DAY, &made, &why),
        HILO_INVALID);
    assert_int_equal(
        pos_ca_sign(&ca,
                    z("-----BEGIN CERTIFICATE REQUEST-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                      "AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n-----END CERTIFICATE "
                      "REQUEST-----\n"),
                    "A", "1", now_us(), DAY, &made, &why),
        HILO_INVALID);
    memset(pem, 'A', sizeof pem);
    assert_int_equal(
        pos_ca_sign(&ca, (struct hilo_str){pem, sizeof pem}, "A", "1", now_us(), DAY, &made, &why),
        HILO_INVALID);
    pos_pair_done(&ca);
}

static void a_server_is_known_by_its_names(void **state)
{
    struct pos_pair ca = own_ca(), s = {0};
    char why[POS_CA_WORDS] = "", *pem;

    (void)state;
    assert_int_equal(
        pos_ca_server(&ca, z("pos.tienda.example, 10.0.0.5 ,\nfd00::1"), now_us(), 90 * DAY, &s, why),
        HILO_OK);
    pem = pos_ca_pem(s.cert);
    put("server.pem", pem);
    free(pem);
    run_well(
        "openssl verify -purpose sslserver -CAfile ca.pem -verify_hostname pos.tienda.example server.pem",
        "OK");
    run_well("openssl verify -purpose sslserver -CAfile ca.pem -verify_ip 10.0.0.5 server.pem", "OK");
    run_well("openssl verify -purpose sslserver -CAfile ca.pem -verify_ip fd00::1 server.pem", "OK");
    run_well("openssl verify -CAfile ca.pem -verify_hostname otra.example server.pem || echo refused",
             "refused");
    run_well("openssl verify -purpose sslclient -CAfile ca.pem server.pem || echo refused", "refused");
    assert_int_equal(sk_X509_num(s.above), 1);
    assert_int_equal(X509_check_private_key(s.cert, s.key), 1);
    pos_pair_done(&s);
    /* Names are names: nothing of OpenSSL's grammar comes through. */
    assert_int_equal(pos_ca_server(&ca, z("a,DNS:b.example"), now_us(), DAY, &s, why), HILO_CONFIG);
    assert_int_equal(pos_ca_server(&ca, z("a.example @section"), now_us(), DAY, &s, why), HILO_CONFIG);
    assert_int_equal(pos_ca_server(&ca, z("*.example"), now_us(), DAY, &s, why), HILO_CONFIG);
    assert_int_equal(pos_ca_server(&ca, z(" , "), now_us(), DAY, &s, why), HILO_CONFIG);
    assert_string_equal(why, "has no name");
    assert_null(s.cert);
    pos_pair_done(&ca);
}

/* What openssl has made says to us what it says to everybody. */
static void certificates_of_others(void **state)
{
    static const struct {
        const char *ext;
        const char *store; /* NULL: none of ours */
    } cases[] = {
        {"subjectAltName=URI:urn:hilo:pos:NORTE:caja.7", "NORTE"},
        {"subjectAltName=DNS:x.example,URI:https://x.example,URI:urn:hilo:pos:NORTE:caja.7", "NORTE"},
        {"subjectAltName=URI:urn:hilo:pos:NORTE:caja.7,URI:urn:hilo:pos:NORTE:8", NULL}, /* two */
        {"subjectAltName=URI:urn:hilo:pos:NORTE", NULL},
        {"subjectAltName=URI:urn:hilo:pos:NORTE:a:b", NULL},
        {"subjectAltName=URI:urn:hilo:pos::7", NULL},
        {"subjectAltName=URI:urn:hilo:pos:NORTE:", NULL},
        {"subjectAltName=URI:urn:hilo:pos:NOR%54E:7", NULL},
        {"subjectAltName=URI:urn:hilo:pos:123456789012345678901234567890123:7", NULL}, /* 33 */
        {"subjectAltName=DNS:urn.hilo.pos", NULL},
        {"keyUsage=digitalSignature", NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[512], store[33] = "?", terminal[33] = "?";
        bool ours;
        BIO *bio;
        X509 *x;

        (void)snprintf(line, sizeof line,
                       "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out "
                       "other.pem -subj "
                       "/CN=NORTE/CN=caja.7 -addext '%s' && echo made",
                       cases[i].ext);
        run_well(line, "made");
        bio = BIO_new_mem_buf(text_of("other.pem"), -1);
        x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        assert_non_null(x);
        ours = pos_ca_terminal_of(x, store, terminal);
        if (ours != (cases[i].store != NULL))
            fail_msg("%s: %d %s %s", cases[i].ext, ours, store, terminal);
        if (ours) {
            assert_string_equal(store, cases[i].store);
            assert_string_equal(terminal, "caja.7");
        }
        X509_free(x);
        BIO_free(bio);
    }
}

static void pairs_of_operators(void **state)
{
    struct pos_pair p = {0};
    char why[POS_CA_WORDS] = "";

    (void)state;
    run_well(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout op.key -out op.pem -subj /CN=Operator -addext "
        "basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign && echo made",
        "made");
    run_well("openssl req -x509 -newkey rsa:2048 -nodes -keyout end.key -out end.pem -subj /CN=End -addext "
             "basicConstraints=critical,CA:FALSE && echo made",
             "made");
    run_well("openssl pkey -in op.key -aes256 -passout pass:secret -out locked.key && echo made", "made");
    run_well("cat op.pem end.pem >chain.pem && echo made", "made");
    assert_int_equal(pos_pair_read(z(text_of("op.pem")), z(text_of("op.key")), &p, why), HILO_OK);
    assert_int_equal(pos_ca_check(&p, now_us(), why), HILO_OK);
    assert_int_equal(sk_X509_num(p.above), 0);
    {
        /* It signs as well as our own. */
        struct pos_issued i = {0};
        const char *refused = NULL;

        run_well("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out op.csr "
                 "-subj /CN=x && "
                 "echo made",
                 "made");
        assert_int_equal(pos_ca_sign(&p, z(text_of("op.csr")), "A", "1", now_us(), DAY, &i, &refused),
                         HILO_OK);
        put("op-till.pem", i.pem);
        run_well("openssl verify -purpose sslclient -CAfile op.pem op-till.pem", "OK");
        free(i.pem);
    }
    pos_pair_done(&p);
    assert_int_equal(pos_pair_read(z(text_of("chain.pem")), z(text_of("op.key")), &p, why), HILO_OK);
    assert_int_equal(sk_X509_num(p.above), 1);
    pos_pair_done(&p);
    assert_int_equal(pos_pair_read(z(text_of("end.pem")), z(text_of("end.key")), &p, why), HILO_OK);
    assert_int_equal(pos_ca_check(&p, now_us(), why), HILO_CONFIG);
    pos_pair_done(&p);
    assert_int_equal(pos_pair_read(z(text_of("op.pem")), z(text_of("end.key")), &p, why), HILO_CONFIG);
    assert_int_equal(pos_pair_read(z(text_of("op.pem")), z(text_of("locked.key")), &p, why), HILO_CONFIG);
    assert_int_equal(pos_pair_read(z("x"), z(text_of("op.key")), &p, why), HILO_CONFIG);
    assert_int_equal(pos_pair_read(z(""), z(""), &p, why), HILO_CONFIG);
    assert_null(p.cert);
}

static int folder_up(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int folder_down(void **state)
{
    char line[64];

    (void)state;
    (void)snprintf(line, sizeof line, "rm -r %s", dir);
    return system(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_authority_is_one),
        cmocka_unit_test(a_request_is_signed_for_what_we_say),
        cmocka_unit_test(keys_of_these_kinds_alone),
        cmocka_unit_test(a_request_must_be_its_keys_own),
        cmocka_unit_test(a_server_is_known_by_its_names),
        cmocka_unit_test(certificates_of_others),
        cmocka_unit_test(pairs_of_operators),
    };

    return cmocka_run_group_tests(tests, folder_up, folder_down);
}
