/*
 * DKIM: the example of RFC 8463, appendix A, to the last bit; and keys that are none. (What others make of
 * our signatures: tests/peers/email.mjs.)
 */
#include "../../plugins/email/dkim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/pem.h>
#include <cmocka.h>

#define LIST "from:to:subject:date:message-id:from:subject:date"
static const char mail[] = "From: Joe SixPack <joe@football.example.com>\r\n"
                           "To: Suzie Q <suzie@shopping.example.net>\r\n"
                           "Subject: Is dinner ready?\r\n"
                           "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
                           "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
                           "\r\n"
                           "Hi.\r\n"
                           "\r\n"
                           "We lost the game.  Are you hungry yet?\r\n"
                           "\r\n"
                           "Joe.\r\n";
static const char body_hash[] = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static size_t unbase64(const char *text, uint8_t *out)
{
    int n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)strlen(text));

    assert_true(n > 0);
    return (size_t)n - (strstr(text, "==") ? 2 : strchr(text, '=') ? 1 : 0);
}

static void bodies_are_hashed_as_in_the_rfc(void **state)
{
    uint8_t digest[DKIM_DIGEST];
    char text[64];

    (void)state;
    assert_true(dkim_body_digest(str(mail), digest));
    (void)EVP_EncodeBlock((unsigned char *)text, digest, DKIM_DIGEST);
    assert_string_equal(text, body_hash);
    /* RFC 6376, section 3.4.4: an empty body */
    assert_true(dkim_body_digest(str("A: b\r\n\r\n"), digest));
    (void)EVP_EncodeBlock((unsigned char *)text, digest, DKIM_DIGEST);
    assert_string_equal(text, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

/* The same by spaces, tabs and empty lines; section 3.4.5's example. */
static void space_does_not_count(void **state)
{
    uint8_t a[DKIM_DIGEST], b[DKIM_DIGEST];

    (void)state;
    assert_true(dkim_body_digest(str("A: X\r\n\r\n C \r\nD \t E\r\n\r\n\r\n"), a));
    assert_int_equal(EVP_Digest(" C\r\nD E\r\n", 9, b, NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(a, b, DKIM_DIGEST);
    assert_true(dkim_head_digest(str("A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n"), "A:B", "S: t", a));
    assert_int_equal(EVP_Digest("a:X\r\nb:Y Z\r\ns:t", 15, b, NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(a, b, DKIM_DIGEST);
    /* the last of several first, and none where there is no other */
    assert_true(dkim_head_digest(str("A: 1\r\nA: 2\r\nC: 3\r\n\r\nA: body\r\n"), "A:A:A:X", "S: t", a));
    assert_int_equal(EVP_Digest("a:2\r\na:1\r\ns:t", 13, b, NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(a, b, DKIM_DIGEST);
}

static void ed25519_signs_as_in_the_rfc(void **state)
{
    static const char head[] = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                               " d=football.example.com; i=@football.example.com;\r\n"
                               " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                               " subject : date : message-id : from : subject : date;\r\n"
                               " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                               " b=";
    uint8_t digest[DKIM_DIGEST], secret[48], want[96], got[64];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = sizeof got;
    EVP_PKEY *key;

    (void)state;
    assert_int_equal(unbase64("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", secret), 32);
    assert_int_equal(
        unbase64("/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
                 want),
        64);
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
    assert_non_null(key);
    assert_true(dkim_head_digest(str(mail), LIST, head, digest));
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, got, &n, digest, DKIM_DIGEST), 1);
    assert_memory_equal(got, want, 64);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static void rsa_signs_as_in_the_rfc(void **state)
{
    static const char head[] = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
                               " d=football.example.com; i=@football.example.com;\r\n"
                               " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
                               " date : message-id : from : subject : date;\r\n"
                               " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                               " b=";
    static const char public_key[] =
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/"
        "J16JYi0Qvx/"
        "byYzCNb3W91y3FutACDfzwQ/BC/e/"
        "8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+"
        "l/K4w3QIDAQAB";
    static const char signature[] =
        "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+"
        "FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEF"
        "E4LjFYNcUxZQ4FADY+8=";
    uint8_t digest[DKIM_DIGEST], der[256], b[192];
    const unsigned char *p = der;
    size_t n_der = unbase64(public_key, der);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)n_der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

    (void)state;
    assert_non_null(key);
    assert_true(dkim_head_digest(str(mail), LIST, head, digest));
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_verify(ctx, b, unbase64(signature, b), digest, DKIM_DIGEST), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static void pem_of(EVP_PKEY *key, char out[4096])
{
    BIO *bio = BIO_new(BIO_s_mem());
    int n;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    n = BIO_read(bio, out, 4095);
    out[n > 0 ? n : 0] = '\0';
    BIO_free(bio);
    EVP_PKEY_free(key);
}

static int32_t sign(const char *domain, const char *selector, const char *pem, const char **why)
{
    struct compose_dkim one = {str(domain), str(selector), str(pem)};
    struct compose_mail m = {.dkim = &one, .n_dkim = 1, .date_us = INT64_C(1528637909000000)};
    struct compose_out out = {strdup(mail), strlen(mail), false};
    int32_t rc = dkim_sign(&m, &out, why);

    if (rc == HILO_OK) {
        assert_memory_equal(out.bytes, "DKIM-Signature: v=1; a=", 23);
        assert_string_equal(out.bytes + out.n - strlen(mail), mail);
        assert_non_null(strstr(out.bytes, " t=1528637909;"));
    } else {
        assert_string_equal(out.bytes, mail);
    }
    free(out.bytes);
    return rc;
}

static void keys_that_are_none_are_refused(void **state)
{
    const char *why = NULL;
    char pem[4096];

    (void)state;
    pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), pem);
    assert_int_equal(sign("tienda.example", "s1", pem, &why), HILO_OK);
    assert_int_equal(sign("tienda.example; x=", "s1", pem, &why), HILO_INVALID);
    assert_int_equal(sign("tienda.example", "", pem, &why), HILO_INVALID);
    assert_int_equal(sign("tienda.example", "s1", "no key", &why), HILO_INVALID);
    assert_non_null(strstr(why, "PEM"));
    pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)512), pem);
    assert_int_equal(sign("tienda.example", "s1", pem, &why), HILO_INVALID);
    assert_non_null(strstr(why, "1024"));
    pem_of(EVP_EC_gen("P-256"), pem);
    assert_int_equal(sign("tienda.example", "s1", pem, &why), HILO_INVALID);
    assert_non_null(strstr(why, "Ed25519"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_hashed_as_in_the_rfc), cmocka_unit_test(space_does_not_count),
        cmocka_unit_test(ed25519_signs_as_in_the_rfc),     cmocka_unit_test(rsa_signs_as_in_the_rfc),
        cmocka_unit_test(keys_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
