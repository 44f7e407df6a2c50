/*
 * The WhatsApp plugin: what Meta's answers and error codes mean.
 */
#include "whatsapp_check.h"

static void test_errors(void **state)
{
    static const struct {
        int32_t result;
        const char *reason;
        int32_t code[12]; /* -1 ends */
    } row[] = {
        {HILO_CONFIG, "token_invalid", {0, 190, -1}},
        {HILO_CONFIG, "permission_denied", {3, 10, 200, 250, 299, -1}},
        {HILO_CONFIG, "account_blocked", {368, -1}},
        {HILO_CONFIG, "account_locked", {131031, -1}},
        {HILO_CONFIG, "country_restricted", {130497, -1}},
        {HILO_CONFIG, "billing", {131042, -1}},
        {HILO_CONFIG, "registration", {133000, 133005, 133006, 133008, 133009, 133010, 133015, -1}},
        {HILO_AGAIN, "rate_limited", {4, 80007, 130429, 133016, -1}},
        {HILO_AGAIN, "spam_rate_limited", {131048, -1}},
        {HILO_AGAIN, "pair_rate_limited", {131056, -1}},
        {HILO_TEMP, "provider_error", {1, 131000, -1}},
        {HILO_TEMP, "provider_unavailable", {2, 131016, 133004, -1}},
        {HILO_TEMP, "account_maintenance", {131057, -1}},
        {HILO_PERM, "not_found", {33, -1}},
        {HILO_PERM, "invalid_parameter", {100, 131009, -1}},
        {HILO_PERM, "missing_parameter", {131008, -1}},
        {HILO_PERM, "recipient_is_sender", {131021, -1}},
        {HILO_PERM, "certificate_invalid", {131045, -1}},
        {HILO_PERM, "unsupported_type", {131051, -1}},
        {HILO_PERM, "media_download_failed", {131052, -1}},
        {HILO_PERM, "media_upload_failed", {131053, -1}},
        {HILO_PERM, "window_closed", {131047, -1}},
        {HILO_PERM, "undeliverable", {131026, -1}},
        {HILO_PERM, "marketing_limited", {131049, -1}},
        {HILO_PERM, "marketing_experiment", {130472, -1}},
        {HILO_PERM, "opted_out", {131050, -1}},
        {HILO_PERM, "template_parameters", {132000, -1}},
        {HILO_PERM, "template_missing", {132001, -1}},
        {HILO_PERM, "template_too_long", {132005, -1}},
        {HILO_PERM, "template_policy", {132007, -1}},
        {HILO_PERM, "template_format", {132012, -1}},
        {HILO_PERM, "template_paused", {132015, -1}},
        {HILO_PERM, "template_disabled", {132016, -1}},
        {HILO_PERM, "flow_blocked", {132068, -1}},
        {HILO_PERM, "flow_throttled", {132069, -1}},
    };
    const struct wa_meta_error *e;
    size_t i, k;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        for (k = 0; row[i].code[k] >= 0; k++) {
            e = wa_meta_error_find(row[i].code[k]);
            assert_non_null(e);
            assert_int_equal(e->code, row[i].result);
            assert_string_equal(e->reason, row[i].reason);
        }
    }
    assert_null(wa_meta_error_find(300));
    assert_null(wa_meta_error_find(133007));
    assert_null(wa_meta_error_find(-1));
    assert_int_equal(wa_meta_error_find(131056)->scope, WA_SCOPE_RECIPIENT);
    assert_int_equal(wa_meta_error_find(190)->scope, WA_SCOPE_ACCOUNT);
}

static void test_answers_keep_no_numbers(void **state)
{
    const struct hilo_http h = {
        .size = sizeof h,
        .status = 400,
        .body = str(
            "{\"error\":{\"message\":\"(#131026) no way\\nto +56912345678\",\"code\":131026,\"error_data\":{"
            "\"details\":\"see 131026\"}}}")};
    struct wa_verdict v;

    (void)state;
    wa_meta_judge(&h, &v);
    assert_int_equal(v.code, HILO_PERM);
    assert_string_equal(v.provider_code, "131026");
    assert_string_equal(v.detail, "(#131026) no way to +#: see 131026");
}

/* Retry-After: seconds, or a date seen from the answer's own date. */
static void test_retry_after(void **state)
{
    static const char now[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    static const struct {
        const char *after, *date;
        int64_t s; /* -1: not taken */
    } row[] = {
        {"7", "", 7},
        {"0", "", 0},
        {"99999999", "", 86400},
        {"Sun, 06 Nov 1994 08:50:07 GMT", now, 30},
        {"Sunday, 06-Nov-94 08:50:37 GMT", now, 60},
        {"Sun Nov  6 08:51:37 1994", now, 120},
        {"Mon, 07 Nov 1994 08:49:36 GMT", now, 86399},
        {"Wed, 01 Mar 2000 00:00:01 GMT", "Tue, 29 Feb 2000 23:59:59 GMT", 2},
        {"Sat, 01 Jan 2028 00:00:00 GMT", "Fri, 31 Dec 2027 23:59:00 GMT", 60},
        {"Sun, 06 Nov 1994 08:00:00 GMT", now, 0}, /* has passed */
        {"Sun, 06 Nov 1994 08:50:07 GMT", "", -1}, /* from when on? */
        {"Sun, 06 Nov 1994 08:50:07 GMTx", now, -1},
        {"Sun, 31 Jun 1994 08:50:07 GMT", now, -1},
        {"Sun, 06 anF 1994 08:50:07 GMT", now, -1},
        {"Sun, 06 Nov 1994 25:50:07 GMT", now, -1},
        {"7 s", now, -1},
        {"-7", now, -1},
        {"", now, -1},
        {"tomorrow", now, -1},
    };
    struct hilo_kv header[2] = {{.key = str("retry-after")}, {.key = str("DATE")}};
    const struct hilo_http h = {.size = sizeof h, .status = 429, .header = header, .n_header = 2};
    struct wa_verdict v;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        header[0].val = str(row[i].after);
        header[1].val = str(row[i].date);
        wa_meta_judge(&h, &v);
        assert_int_equal(v.code, HILO_AGAIN);
        assert_int_equal(v.retry_after_given, row[i].s >= 0);
        assert_int_equal(v.retry_after_us, row[i].s >= 0 ? row[i].s * 1000000 : 1000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_answers_keep_no_numbers),
        cmocka_unit_test(test_retry_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
