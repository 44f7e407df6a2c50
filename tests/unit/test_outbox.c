/* The outbox's pure parts: schedule, Retry-After, answers, URLs, signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "services/outbox_answer.h"
#include "services/outbox_sign.h"
#include "services/outbox_time.h"
#include "services/outbox_url.h"
#include <string.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

/* ---- when ------------------------------------------------------------------------------- */

static void the_schedule_is_that_of_the_standard(void **state)
{
    static const int64_t wait[] = {5 * SECOND, 300 * SECOND, HOUR / 2,  2 * HOUR, 5 * HOUR,
                                   10 * HOUR,  14 * HOUR,    20 * HOUR, 24 * HOUR};
    int64_t sum = 0;

    (void)state;
    for (uint64_t i = 0; i < 9; i++) {
        assert_int_equal(outbox_retry_us(i + 1, 0), wait[i]);
        sum += wait[i];
        for (uint64_t random = 1; random; random = random * 3 & UINT64_MAX >> 1) {
            int64_t us = outbox_retry_us(i + 1, random);
            assert_true(us >= wait[i] && us <= wait[i] + wait[i] / 5);
            if (random > UINT64_MAX / 8)
                break;
        }
        assert_int_equal(outbox_retry_us(i + 1, (uint64_t)(wait[i] / 5)), wait[i] + wait[i] / 5);
    }
    assert_true(sum > 3 * 24 * HOUR); /* three days, then it is given up */
    assert_int_equal(outbox_retry_us(OUTBOX_ATTEMPTS, 7), -1);
    assert_int_equal(outbox_retry_us(UINT64_MAX, 7), -1);
    assert_int_equal(outbox_retry_us(0, 7), -1);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    const int64_t now = INT64_C(1790000000) * SECOND; /* Mon, 21 Sep 2026 14:13:20 GMT */

    (void)state;
    assert_int_equal(outbox_retry_after_us("", now), -1);
    assert_int_equal(outbox_retry_after_us("soon", now), -1);
    assert_int_equal(outbox_retry_after_us("-5", now), -1);
    assert_int_equal(outbox_retry_after_us("0", now), 0);
    assert_int_equal(outbox_retry_after_us("120", now), 120 * SECOND);
    assert_int_equal(outbox_retry_after_us("18446744073709551615", now), 24 * HOUR);
    assert_int_equal(outbox_retry_after_us("Mon, 21 Sep 2026 14:14:20 GMT", now), 60 * SECOND);
    assert_int_equal(outbox_retry_after_us("Mon, 21 Sep 2026 14:00:00 GMT", now), 0);
    assert_int_equal(outbox_retry_after_us("Mon, 21 Sep 2099 14:00:00 GMT", now), 24 * HOUR);
}

/* ---- answers ------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    enum outbox_answer_state state;
    uint32_t status;
    bool keep;
    const char *retry_after;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", OUTBOX_ANSWER_DONE, 200, true, ""},
    {"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", OUTBOX_ANSWER_DONE, 200, true, ""},
    {"HTTP/1.1 200\r\nContent-Length: 2\n\nok", OUTBOX_ANSWER_DONE, 200, true, ""},
    {"HTTP/1.1 204 No\r\n\r\n", OUTBOX_ANSWER_DONE, 204, true, ""},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n", OUTBOX_ANSWER_DONE, 202,
     true, ""},
    {"HTTP/1.1 429 x\r\nRetry-After: 7 \r\nContent-Length: 0\r\n\r\n", OUTBOX_ANSWER_DONE, 429, true, "7"},
    {"HTTP/1.1 100 x\r\nRetry-After: 9\r\n\r\nHTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n",
     OUTBOX_ANSWER_DONE, 200, true, ""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;n=v\r\n0123456789\r\n0\r\nT: "
     "x\r\n\r\n",
     OUTBOX_ANSWER_DONE, 200, true, ""},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", OUTBOX_ANSWER_DONE, 200, false,
     ""},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", OUTBOX_ANSWER_DONE, 200, false, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", OUTBOX_ANSWER_DONE, 200, false, ""},
    {"HTTP/1.1 200 OK\r\n\r\nwhatever", OUTBOX_ANSWER_DONE, 200, false, ""},
    {"HTTP/1.1 500 x\r\nContent-Length: 9999999\r\n\r\n", OUTBOX_ANSWER_DONE, 500, false, ""},
    {"HTTP/1.1 500 x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", OUTBOX_ANSWER_DONE, 500, false, ""},
    {"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n", OUTBOX_ANSWER_DONE, 200, false, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx", OUTBOX_ANSWER_MORE, 200, false, ""},
    {"HTTP/1.1 200 OK\r\nContent-Le", OUTBOX_ANSWER_MORE, 200, false, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", OUTBOX_ANSWER_BAD, 0, false, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nx", OUTBOX_ANSWER_BAD, 0, false, ""},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", OUTBOX_ANSWER_BAD, 0,
     false, ""},
    {"HTTP/1.1 101 Up\r\n\r\n", OUTBOX_ANSWER_BAD, 0, false, ""},
    {"HTTP/1.1 20 OK\r\n\r\n", OUTBOX_ANSWER_BAD, 0, false, ""},
    {"HTTP/2 200 OK\r\n\r\n", OUTBOX_ANSWER_BAD, 0, false, ""},
    {"SSH-2.0-OpenSSH_9.2\r\n", OUTBOX_ANSWER_BAD, 0, false, ""},
    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", OUTBOX_ANSWER_BAD, 0, false, ""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", OUTBOX_ANSWER_BAD, 0, false, ""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", OUTBOX_ANSWER_BAD, 0, false, ""},
};

static void answers_are_read_in_whatever_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t n = strlen(answers[i].text);
        for (size_t piece = 1; piece <= n; piece = piece == 1 ? 7 : piece == 7 ? n : n + 1) {
            struct outbox_answer a = {0};
            enum outbox_answer_state s = OUTBOX_ANSWER_MORE;
            for (size_t at = 0; at < n; at += piece)
                s = outbox_answer_read(&a, answers[i].text + at, piece < n - at ? piece : n - at);
            if (s != answers[i].state || (s != OUTBOX_ANSWER_BAD && a.status != answers[i].status) ||
                a.keep != answers[i].keep)
                fail_msg("\"%s\" in pieces of %zu: state %d, status %u, keep %d", answers[i].text, piece,
                         (int)s, a.status, a.keep);
            if (s == OUTBOX_ANSWER_DONE)
                assert_string_equal(a.retry_after, answers[i].retry_after);
        }
    }
}

static void an_answer_that_ends_early_counts_once_its_status_is_whole(void **state)
{
    struct outbox_answer head = {0}, body = {0}, none = {0};

    (void)state;
    outbox_answer_read(&head, "HTTP/1.1 200 OK\r\nContent-", 25);
    assert_int_equal(outbox_answer_end(&head), OUTBOX_ANSWER_BAD);
    outbox_answer_read(&body, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx", 39);
    assert_int_equal(outbox_answer_end(&body), OUTBOX_ANSWER_DONE);
    assert_int_equal(body.status, 200);
    assert_false(body.keep);
    assert_int_equal(outbox_answer_end(&none), OUTBOX_ANSWER_BAD);
    assert_false(none.begun);
}

static void a_head_without_end_is_given_up(void **state)
{
    struct outbox_answer a = {0};
    enum outbox_answer_state s = outbox_answer_read(&a, "HTTP/1.1 200 OK\r\n", 17);

    (void)state;
    for (unsigned i = 0; i < OUTBOX_HEAD_MAX && s == OUTBOX_ANSWER_MORE; i++)
        s = outbox_answer_read(&a, "a: b\r\n", 6);
    assert_int_equal(s, OUTBOX_ANSWER_BAD);
    assert_true(a.head_bytes <= OUTBOX_HEAD_MAX + 1);
}

/* ---- URLs and signatures ------------------------------------------------------------------------ */

static void urls_are_https_or_this_machine(void **state)
{
    static const char *const good[] = {"https://example.com/",    "https://example.com:8443/a/b?c=d&e",
                                       "https://[2001:db8::1]/x", "http://localhost/x",
                                       "http://127.1.2.3:8080/",  "http://[::1]:9/"};
    static const char *const bad[] = {"",
                                      "example.com",
                                      "http://example.com/",
                                      "http://10.0.0.1/",
                                      "http://localhost.example.com/",
                                      "http://127.0.0.1.example.com/",
                                      "https://u@example.com/",
                                      "https://u:p@example.com/",
                                      "https://example.com/#f",
                                      "https://exa mple.com/",
                                      "https://example.com/\n",
                                      "https://example.com/\xc3\xb1",
                                      "file:///etc/passwd",
                                      "gopher://localhost/",
                                      "https://"};
    struct buf b = {0};
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (outbox_url_check(str(good[i]), false, &e) != HILO_OK)
            fail_msg("%s: %s", good[i], e.text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (outbox_url_check(str(bad[i]), false, &e) != HILO_INVALID)
            fail_msg("%s was taken", bad[i]);
    assert_int_equal(outbox_url_check(STR("http://example.com/"), true, &e), HILO_OK);
    outbox_url_head(STR("https://example.com:8443/a?b=c"), &b);
    assert_true(str_starts(buf_str(&b), STR("POST /a?b=c HTTP/1.1\r\nHost: example.com:8443\r\n")));
    buf_clear(&b);
    outbox_url_head(STR("https://example.com"), &b);
    assert_true(str_starts(buf_str(&b), STR("POST / HTTP/1.1\r\nHost: example.com\r\n")));
    buf_done(&b);
}

/* The example that the libraries of the standard test themselves with:
 * whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw. */
static void the_signature_is_that_of_the_standard(void **state)
{
    const char key[] =
        "\x31\xf2\x90\xf6\xbf\x06\x29\x8a\xab\x4f\x08\xd4\x3c\x3f\x08\x2c\xf6\x48\xa3\x62\xda\x2d\xa4\xb0";
    struct outbox_signer *s = outbox_signer_new(str_n(key, 24));
    char one[OUTBOX_SIGNATURE_TEXT], two[OUTBOX_SIGNATURE_TEXT], text[OUTBOX_SECRET_TEXT];
    uint8_t secret[OUTBOX_SECRET_BYTES];

    (void)state;
    outbox_sign(s, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330, STR("{\"test\": 2432232314}"), one);
    outbox_sign(s, STR("x"), 1, STR("y"), two);
    assert_string_not_equal(one, two);
    outbox_sign(s, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330, STR("{\"test\": 2432232314}"), two);
    assert_string_equal(one, two); /* a signer is used again */
    assert_string_equal(one, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    outbox_signer_free(&s);
    outbox_secret_new(secret);
    outbox_secret_text(secret, text);
    assert_int_equal(strlen(text), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schedule_is_that_of_the_standard),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(answers_are_read_in_whatever_pieces),
        cmocka_unit_test(an_answer_that_ends_early_counts_once_its_status_is_whole),
        cmocka_unit_test(a_head_without_end_is_given_up),
        cmocka_unit_test(urls_are_https_or_this_machine),
        cmocka_unit_test(the_signature_is_that_of_the_standard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
