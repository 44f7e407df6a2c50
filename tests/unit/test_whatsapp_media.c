/*
 * The WhatsApp plugin: media, both ways.
 */
#include "whatsapp_host.h"

static void test_stored_media_is_uploaded_once(void **state)
{
    struct fake *f = *state;

    send_image(f, 1, 50);
    send_image(f, 2, 50); /* waits for the first one's upload */
    assert_int_equal(f->n_media, 1);
    assert_int_equal(f->n_http, 0);
    give_file(f, 0);
    assert_int_equal(f->n_http, 1);
    assert_string_equal(f->http[0].url, "https://graph.example/v23.0/1065/media");
    assert_int_equal(f->http[0].n_part, 3);
    assert_string_equal(f->http[0].part_type, "image/jpeg");
    assert_string_equal(f->http[0].part_filename, "foto.jpg");
    assert_string_equal(f->http[0].type, ""); /* the host knows the boundary */
    meta(f, 0, 200, "{\"id\":\"META1\"}", NULL);
    assert_int_equal(f->n_http, 3);
    assert_non_null(strstr(f->http[1].body, "\"image\":{\"id\":\"META1\"}"));
    assert_non_null(strstr(f->http[2].body, "\"image\":{\"id\":\"META1\"}"));
    meta(f, 1, 200, TAKEN("w1"), NULL);
    meta(f, 2, 200, TAKEN("w2"), NULL);
    send_image(f, 3, 50);
    assert_int_equal(f->n_media, 1); /* known */
    assert_int_equal(f->n_http, 4);
    meta(f, 3, 400, ERROR(131053), NULL); /* the id has run out: once more, with an upload */
    assert_int_equal(f->report[2].code, HILO_TEMP);
    send_image(f, 4, 50);
    assert_int_equal(f->n_media, 2);
    give_file(f, 1);
    meta(f, 4, 200, "{\"id\":\"META2\"}", NULL);
    meta(f, 5, 400, ERROR(131053), NULL); /* not that: the media itself */
    assert_int_equal(f->report[3].code, HILO_PERM);
    assert_string_equal(f->report[3].reason, "media_upload_failed");
}

static void test_a_failed_upload_is_never_in_doubt(void **state)
{
    struct fake *f = *state;

    send_image(f, 1, 50);
    send_image(f, 2, 50);
    plugin->on_media(f->inst, f->media_token[0], HILO_NOTFOUND, -1, str(""), str(""), 0);
    assert_int_equal(f->n_report, 2); /* who waited shares its end */
    assert_int_equal(f->report[0].code, HILO_PERM);
    assert_string_equal(f->report[0].reason, "media_missing");
    assert_int_equal(f->report[1].code, HILO_PERM);
    send_image(f, 3, 51);
    plugin->on_media(f->inst, f->media_token[1], HILO_TEMP, -1, str(""), str(""), 0);
    assert_int_equal(f->report[2].code, HILO_TEMP);
    send_image(f, 4, 51);
    give_file(f, 2);
    meta_breaks(f, 0, HILO_HTTP_MAYBE_SENT);
    assert_int_equal(f->report[3].code, HILO_TEMP);
    send_image(f, 5, 51);
    give_file(f, 3);
    meta(f, 1, 500, "", NULL);
    assert_int_equal(f->report[4].code, HILO_TEMP);
    send_image(f, 6, 51);
    give_file(f, 4);
    meta(f, 2, 200, "{}", NULL);
    assert_int_equal(f->report[5].code, HILO_TEMP);
    f->media_rc = HILO_FULL;
    send_image(f, 7, 51);
    assert_int_equal(f->report[6].code, HILO_AGAIN);
    f->media_rc = HILO_OK;
    send_image(f, 8, 51);
    f->http_rc = HILO_FULL;
    give_file(f, 6);
    assert_int_equal(f->report[7].code, HILO_AGAIN);
}

static void test_revoke_takes_back_what_has_not_left(void **state)
{
    struct fake *f = *state;

    send_text(f, 1);
    plugin->revoke(f->inst, id_of(1)); /* is on its way */
    assert_int_equal(f->n_report, 0);
    send_image(f, 2, 50);
    send_image(f, 3, 50);
    plugin->revoke(f->inst, id_of(2));
    assert_int_equal(f->n_report, 1);
    assert_int_equal(f->report[0].code, HILO_AGAIN);
    assert_string_equal(f->report[0].reason, "revoked");
    assert_int_equal(f->n_media, 2); /* who waited goes on by itself */
    give_file(f, 0);                 /* too late: closed, not leaked */
    give_file(f, 1);
    assert_int_equal(f->n_http, 2);
    plugin->revoke(f->inst, id_of(77));
}

/* ---- media in ------------------------------------------------------------------------------------ */

static void test_a_download_has_two_steps(void **state)
{
    struct fake *f = *state;

    fetch(f, 7, "123/..?x");
    assert_string_equal(f->http[0].method, "GET");
    assert_string_equal(f->http[0].url, "https://graph.example/v23.0/123%2F..%3Fx?phone_number_id=1065");
    assert_int_equal(f->http[0].fd, -1);
    meta(f, 0, 200, ADDRESS("https:\\/\\/lookaside.example\\/a"), NULL);
    assert_int_equal(f->n_http, 2);
    assert_string_equal(f->http[1].url, "https://lookaside.example/a");
    assert_string_equal(f->http[1].authorization, "Bearer TOKEN");
    assert_true(f->http[1].fd >= 0);
    meta(f, 1, 200, "", NULL);
    assert_int_equal(f->n_fetched, 1);
    assert_int_equal(f->fetched[0].job, 7);
    assert_int_equal(f->fetched[0].code, HILO_OK);
    assert_string_equal(f->fetched[0].mime, "image/jpeg");
}

static void test_each_failed_download_is_told(void **state)
{
    static const struct {
        uint32_t status; /* 0: the exchange broke */
        const char *body;
        bool second;
        int32_t code;
    } row[] = {
        {404, "", false, HILO_PERM},
        {400, ERROR(100), false, HILO_PERM},
        {401, ERROR(190), false, HILO_TEMP}, /* for the channel's state it is CONFIG */
        {500, "", false, HILO_TEMP},
        {429, "", false, HILO_TEMP},
        {200, "{}", false, HILO_TEMP},
        {200, ADDRESS("http://evil.example/"), false, HILO_TEMP}, /* the token would go in the clear */
        {200, ADDRESS("file:///etc/passwd"), false, HILO_TEMP},
        {0, "", false, HILO_TEMP},
        {401, "", true, HILO_TEMP},
        {404, "", true, HILO_TEMP},
        {500, "", true, HILO_TEMP},
        {0, "", true, HILO_TEMP},
    };
    struct fake *f = *state;
    unsigned i, n = 0;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        fetch(f, i, "M");
        if (row[i].second)
            meta(f, n++, 200, ADDRESS("https://x/"), NULL);
        if (row[i].status)
            meta(f, n++, row[i].status, row[i].body, NULL);
        else
            meta_breaks(f, n++, 0);
        assert_int_equal(f->n_fetched, i + 1);
        assert_int_equal(f->fetched[i].job, i);
        assert_int_equal(f->fetched[i].code, row[i].code);
    }
    assert_int_equal(f->n_http, n);
    fetch(f, 90, "");
    assert_int_equal(f->fetched[i].code, HILO_PERM);
    f->http_rc = HILO_FULL;
    fetch(f, 91, "M");
    assert_int_equal(f->fetched[i + 1].code, HILO_TEMP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW(test_stored_media_is_uploaded_once),       FLOW(test_a_failed_upload_is_never_in_doubt),
        FLOW(test_revoke_takes_back_what_has_not_left), FLOW(test_a_download_has_two_steps),
        FLOW(test_each_failed_download_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
