/*
 * The WhatsApp plugin: signatures, ids, tables.
 */
#include "base/ids.h"
#include "whatsapp_write.h"

static void test_signature(void **state)
{
    /* printf %s "$body" | openssl dgst -sha256 -hmac 'app-secret' */
    static const char body[] = "{\"object\":\"whatsapp_business_account\",\"n\":\"\\u00f1\"}";
    char header[] = "sha256=396d764ab16317a98454733aba7ce532d03199d35114c36835f2b5c58c124d2f";
    struct hilo_str b = str(body), h = str(header), none = {NULL, 0};
    struct wa_signer *secret = wa_signer_new(str("app-secret")), *other = wa_signer_new(str("app-secreT"));
    size_t i;

    (void)state;
    assert_non_null(secret);
    assert_non_null(other);
    assert_null(wa_signer_new(none));
    assert_true(wa_signature_ok(secret, b, h));
    assert_true(wa_signature_ok(secret, b, h)); /* not used up */
    assert_false(wa_signature_ok(other, b, h));
    assert_false(wa_signature_ok(NULL, b, h));
    assert_false(wa_signature_ok(secret, (struct hilo_str){b.p, b.n - 1}, h));
    assert_false(wa_signature_ok(secret, b, (struct hilo_str){h.p, h.n - 1}));
    assert_false(wa_signature_ok(secret, b, (struct hilo_str){NULL, 0}));
    for (i = 0; i < h.n; i++) {
        header[i] ^= 1;
        assert_false(wa_signature_ok(secret, b, h));
        header[i] ^= 1;
    }
    for (i = 7; i < h.n; i++)
        if (header[i] >= 'a')
            header[i] = (char)(header[i] - 'a' + 'A');
    assert_true(wa_signature_ok(secret, b, h));
    wa_signer_free(&secret);
    wa_signer_free(&other);
    assert_true(wa_secret_eq(str("abc"), str("abc")));
    assert_false(wa_secret_eq(str("abc"), str("abd")));
    assert_false(wa_secret_eq(str("abc"), str("abcd")));
}

static void test_echo(void **state)
{
    static const char *const bad[] = {"",
                                      "msg_",
                                      "msg_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", /* above 2^128 */
                                      "msg_0000000000000000000000000U",
                                      "cus_00000000000000000000000000",
                                      "msg_000000000000000000000000000"};
    struct hilo_id id, back = {{0}};
    char text[WA_ECHO_TEXT], cores[ID_TEXT];
    unsigned i;

    (void)state;
    memset(&id, 0xff, sizeof id);
    wa_echo_write(id, text);
    assert_string_equal(text, "msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    assert_true(wa_echo_parse(str(text), &back));
    assert_memory_equal(&id, &back, sizeof id);
    memset(&id, 0, sizeof id);
    id.b[15] = 33;
    wa_echo_write(id, text);
    assert_string_equal(text, "msg_00000000000000000000000011");
    assert_true(wa_echo_parse(str(text), &back));
    assert_memory_equal(&id, &back, sizeof id);
    assert_true(wa_echo_parse(str("msg_7zzzzzzzzzzzzzzzzzzzzzzzzz"), &back));
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(wa_echo_parse(str(bad[i]), &back));
    id_format("msg", our_id, cores); /* the core and the plugin write the same */
    wa_echo_write(our_id, text);
    assert_string_equal(text, cores);
}

static void test_slots_never_find_another(void **state)
{
    struct wa_slots s = {.n = 0};
    uint64_t key[40], old;
    unsigned i;
    int x[40];

    (void)state;
    for (i = 0; i < 40; i++) {
        key[i] = wa_slots_put(&s, &x[i]);
        assert_true(key[i] != 0 && key[i] >> 40 == 0);
    }
    for (i = 0; i < 40; i++)
        assert_ptr_equal(wa_slots_get(&s, key[i]), &x[i]);
    old = key[7];
    assert_ptr_equal(wa_slots_take(&s, old), &x[7]);
    assert_null(wa_slots_take(&s, old));
    key[7] = wa_slots_put(&s, &x[7]);
    assert_true(key[7] != old);
    assert_null(wa_slots_get(&s, old));
    assert_ptr_equal(wa_slots_get(&s, key[7]), &x[7]);
    assert_int_equal(s.used, 40);
    wa_slots_done(&s);
}

static void test_uploads_run_out(void **state)
{
    struct wa_uploads *u = calloc(1, sizeof *u);
    const int64_t day_us = INT64_C(86400000000);
    struct hilo_id id = {{1}};
    char long_id[WA_UPLOAD_ID_MAX + 1], ext[16] = "";
    unsigned i;

    (void)state;
    assert_non_null(u);
    assert_null(wa_uploads_get(u, id, 0));
    assert_true(wa_uploads_put(u, id, "M1", 0));
    assert_string_equal(wa_uploads_get(u, id, 28 * day_us), "M1");
    assert_null(wa_uploads_get(u, id, 29 * day_us));
    wa_uploads_forget(u, id);
    assert_null(wa_uploads_get(u, id, 0));
    memset(long_id, 'x', sizeof long_id);
    long_id[WA_UPLOAD_ID_MAX] = 0;
    assert_false(wa_uploads_put(u, id, long_id, 0));
    for (i = 0; i <= WA_UPLOADS_MAX; i++) { /* one more than fit: the first is gone */
        id.b[1] = (uint8_t)(i >> 8);
        id.b[2] = (uint8_t)i;
        snprintf(ext, sizeof ext, "%u", i);
        assert_true(wa_uploads_put(u, id, ext, 0));
    }
    assert_string_equal(wa_uploads_get(u, id, 0), ext);
    id.b[1] = id.b[2] = 0;
    assert_null(wa_uploads_get(u, id, 0));
    free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_slots_never_find_another),
        cmocka_unit_test(test_uploads_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
