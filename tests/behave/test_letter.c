/*
 * What mail needs of the core, from outside and without mail: subjects, HTML and attachments there and
 * where a channel lacks them; several files of one message from a customer, fetched, tried again, given up
 * and over a kill; answers from another address. The channel is tests/plugins/letter.c.
 */
#include "letter.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "ana@example.co", bea[] = "bea@otra.example";

static void member_is(const cJSON *json, const char *path, const char *value)
{
    const cJSON *at = json_at(json, path);

    if (!cJSON_IsString(at) || strcmp(at->valuestring, value) != 0)
        fail_msg("%s is %s, not %s", path, cJSON_IsString(at) ? at->valuestring : "not there", value);
}

/* ---- out -------------------------------------------------------------------------------- */

static void test_subject_html_and_attachments_go_out(void **state)
{
    struct letters l;
    char logo[64], bill[64], content[1024], id[64];

    letters_up(&l, *state, NULL);
    letter_upload(&l, "logo.png", "image/png", "PNG-bytes", logo);
    letter_upload(&l, "factura.pdf", "application/pdf", "PDF-bytes", bill);
    (void)snprintf(
        content, sizeof content,
        "{\"type\":\"text\",\"subject\":\"Tu factura de octubre \\u2014 ñandú\",\"text\":\"Hola Ana\","
        "\"html\":\"<p>Hola <img src='cid:logo'></p>\",\"attachments\":[{\"kind\":\"image\","
        "\"media\":\"%s\",\"content_id\":\"logo\"},{\"media\":\"%s\",\"filename\":\"octubre.pdf\"}]}",
        logo, bill);
    letter_send(&l, ana, content, "", id);
    assert_string_equal(letter_line(&l, "to "), ana);
    assert_string_equal(letter_line(&l, "subject "), "Tu factura de octubre — ñandú");
    assert_string_equal(letter_line(&l, "html "), "32");
    assert_int_equal(letter_count(&l, "attachment "), 2);
    assert_string_equal(letter_line(&l, "attachment image/png "), "logo.png logo PNG-bytes");
    assert_string_equal(letter_line(&l, "attachment application/pdf "), "octubre.pdf  PDF-bytes");
    assert_int_equal(letter_count(&l, "unsubscribe "), 0);
    struct answer a = gate_get(&l.w.gate, "/v1/messages/%s", id);
    member_is(a.json, "content/subject", "Tu factura de octubre — ñandú");
    member_is(a.json, "content/attachments/0/content_id", "logo");
    member_is(a.json, "content/attachments/1/media", bill);
    member_is(a.json, "content/attachments/1/mime", "application/pdf");
    assert_int_equal(json_at(a.json, "content/attachments/1/size")->valuedouble, 9);
    assert_null(json_at(a.json, "lowered"));
    answer_done(&a);
    letters_down(&l);
}

/* A file that is elsewhere is not fetched for its sender: the text says where it is. */
static void test_an_attachment_at_a_url_is_a_line(void **state)
{
    struct letters l;
    char id[64];

    letters_up(&l, *state, NULL);
    letter_send(&l, ana,
                "{\"type\":\"text\",\"text\":\"Hola\",\"attachments\":[{\"url\":\"https://x.co/a.pdf\","
                "\"filename\":\"a.pdf\"}]}",
                "", id);
    assert_int_equal(letter_count(&l, "attachment "), 0);
    assert_int_equal(letter_count(&l, "a.pdf: https://x.co/a.pdf"), 1);
    letters_down(&l);
}

/* On WhatsApp the subject is the first line, and each file a message of its own. */
static void test_a_channel_without_gets_them_lowered(void **state)
{
    struct letters l;
    char bill[64];

    letters_up(&l, *state, NULL);
    letter_upload(&l, "factura.pdf", "application/pdf", "PDF-bytes", bill);
    sim_text(&l.w.sim, "573001112233", "hola", NULL); /* the window is open */
    sim_quiet(&l.w.sim);
    struct answer a =
        gate_post(&l.w.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":"
                  "\"text\",\"subject\":\"Tu factura\",\"text\":\"Hola\",\"html\":\"<p>Hola</p>\","
                  "\"attachments\":[{\"media\":\"%s\"}]}}",
                  bill);
    if (a.status != 202)
        fail_msg("%ld %s", a.status, a.body);
    member_is(a.json, "lowered/0", "subject_to_text");
    member_is(a.json, "lowered/1", "html_dropped");
    member_is(a.json, "lowered/2", "attachments_to_media");
    answer_done(&a);
    a = sim_messages(&l.w.sim, 2);
    assert_non_null(strstr(a.body, "Tu factura\\nHola"));
    assert_non_null(strstr(a.body, "factura.pdf"));
    assert_null(strstr(a.body, "<p>"));
    answer_done(&a);
    letters_down(&l);
}

static void refused(struct letters *l, const char *content, const char *code, const char *pointer)
{
    char body[2048];

    (void)snprintf(body, sizeof body, "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"content\":%s}", ana,
                   content);
    gate_expect(&l->w.gate, 422, code, pointer, "POST", "/v1/messages", body);
}

static void test_what_no_letter_can_have_is_refused(void **state)
{
    struct letters l;
    char big[64], content[512], text[801];

    letters_up(&l, *state, NULL);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    letter_upload(&l, "a.bin", "application/octet-stream", text, big);
    refused(&l, "{\"type\":\"text\",\"text\":\"a\",\"subject\":\"a\\r\\nBcc: b@x.co\"}", "invalid_content",
            "/content/subject");
    refused(&l, "{\"type\":\"text\",\"text\":\"a\",\"subject\":\"\"}", "invalid_content", "/content/subject");
    refused(&l, "{\"type\":\"text\",\"text\":\"a\",\"attachments\":[{}]}", "invalid_content",
            "/content/attachments/0/media");
    refused(&l,
            "{\"type\":\"text\",\"text\":\"a\",\"attachments\":[{\"url\":\"https://x.co/a\",\"filename\":"
            "\"a\\nb\"}]}",
            "invalid_content", "/content/attachments/0/filename");
    refused(&l,
            "{\"type\":\"text\",\"text\":\"a\",\"attachments\":[{\"url\":\"https://x.co/a\",\"mime\":"
            "\"text/html; x\"}]}",
            "invalid_content", "/content/attachments/0/mime");
    refused(&l,
            "{\"type\":\"text\",\"text\":\"a\",\"attachments\":[{\"url\":\"https://x.co/a\",\"content_id\":"
            "\"a\"}]}",
            "invalid_content", "/content/attachments/0/content_id");
    refused(
        &l,
        "{\"type\":\"text\",\"text\":\"a\",\"html\":\"a\",\"attachments\":[{\"url\":\"https://x.co/a\"}]}",
        "not_supported", "/content/attachments");
    refused(&l,
            "{\"type\":\"text\",\"text\":\"a\",\"attachments\":[{\"media\":"
            "\"med_01J00000000000000000000000\"}]}",
            "unknown_media", "/content/attachments/0/media");
    refused(&l, "{\"type\":\"text\",\"text\":\"a\",\"quoted\":\"b\"}", "invalid_content", "/content/quoted");
    refused(&l, "{\"type\":\"note\",\"text\":\"a\",\"subject\":\"b\"}", "invalid_content",
            "/content/subject");
    (void)snprintf(
        content, sizeof content,
        "{\"type\":\"text\",\"text\":\"a\",\"attachments\":[{\"media\":\"%s\"},{\"media\":\"%s\"}]}", big,
        big);
    refused(&l, content, "media_too_large", "/content/attachments");
    letters_down(&l);
}

/* ---- in --------------------------------------------------------------------------------- */

/* Public events of a type so far. */
static unsigned events(struct letters *l, const char *type)
{
    struct answer a = gate_get(&l->w.gate, "/v1/events?type=%s&after=oldest&follow=false", type);
    unsigned n = 0;

    for (const char *at = a.body; (at = strstr(at, "id: evt_")); at++)
        n++;
    answer_done(&a);
    return n;
}

static void state_of(struct letters *l, const char *media, const char *state, const char *bytes)
{
    struct answer a = gate_get(&l->w.gate, "/v1/media/%s?info", media);

    assert_string_equal(answer_str(&a, "state"), state);
    answer_done(&a);
    if (!bytes)
        return;
    a = gate_get(&l->w.gate, "/v1/media/%s", media);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, bytes);
    answer_done(&a);
}

static void test_each_file_of_a_mail_is_fetched(void **state)
{
    struct letters l;
    struct mail m;
    char id[5][64];

    letters_up(&l, *state, NULL);
    mail_begin(&m, "<1@x>", ana, NULL);
    mail_text(&m, "Van las fotos");
    mail_attach(&m, HILO_T_CONTENT_ATTACHMENTS, "file-1.2", "foto.jpg", "image/jpeg");
    mail_attach(&m, HILO_T_CONTENT_ATTACHMENTS, "again-file-1.3", "otra.jpg", "image/jpeg");
    mail_attach(&m, HILO_T_CONTENT_ATTACHMENTS, "never-file-1.4", "mal.jpg", "image/jpeg");
    mail_attach(&m, HILO_T_CONTENT_ATTACHMENTS, "hold-file-1.5", "lenta.pdf", "application/pdf");
    mail_attach(&m, HILO_T_CONTENT_ORIGINAL, "file-1.0", "mail.eml", "message/rfc822");
    assert_int_equal(mail_give(&l, &m), HILO_OK);
    struct answer a = thread_of(&l, ana);
    member_is(a.json, "messages/0/content/subject", "Re: su televisor");
    member_is(a.json, "messages/0/content/quoted", "El lunes escribimos: hola");
    for (unsigned i = 0; i < 5; i++) {
        char path[64];
        (void)snprintf(
            path, sizeof path,
            i < 4 ? "messages/0/content/attachments/%u/media" : "messages/0/content/original/media", i);
        (void)snprintf(id[i], sizeof id[i], "%s", answer_str(&a, path));
    }
    answer_done(&a);
    for (unsigned i = 0; i < 3; i++)
        (void)process_wait_nth(l.w.gate.process, 1, "media.stored",
                               i == 0   ? id[0]
                               : i == 1 ? id[1]
                                        : id[4],
                               NULL);
    (void)process_wait_nth(l.w.gate.process, 1, "media.failed", id[2], "final=1", NULL);
    state_of(&l, id[0], "stored", "file-1.2");
    state_of(&l, id[1], "stored", "again-file-1.3");
    state_of(&l, id[2], "failed", NULL);
    state_of(&l, id[3], "pending", NULL);
    state_of(&l, id[4], "stored", "file-1.0");
    assert_int_equal(events(&l, "media.stored"), 3);
    assert_int_equal(events(&l, "media.failed"), 1);
    assert_int_equal(events(&l, "message.received"), 1);
    a = gate_get(&l.w.gate, "/v1/events?type=message.received&after=oldest&follow=false");
    for (unsigned i = 0; i < 5; i++)
        assert_non_null(strstr(a.body, id[i]));
    answer_done(&a);
    /* What was not stored when the gateway died is asked for again, and nothing else. */
    gate_kill(&l.w.gate);
    letters_again(&l);
    (void)process_wait_nth(l.w.gate.process, 1, "media.stored", id[3], NULL);
    state_of(&l, id[3], "stored", "hold-file-1.5");
    assert_int_equal(letter_count(&l, "fetch file-1.2"), 1);
    assert_int_equal(letter_count(&l, "fetch again-file-1.3"), 2);
    assert_int_equal(letter_count(&l, "fetch hold-file-1.5"), 2);
    assert_int_equal(events(&l, "media.stored"), 4);
    letters_down(&l);
}

/* A plugin names no media of ours: what it gives as an id is not shown. */
static void test_a_channel_gives_no_ids_of_media(void **state)
{
    struct letters l;
    struct mail m;
    char secret[64];

    letters_up(&l, *state, NULL);
    letter_upload(&l, "secreto.pdf", "application/pdf", "secret", secret);
    mail_begin(&m, "<1@x>", ana, NULL);
    mail_text(&m, "hola");
    hilo_open(&m.w, HILO_T_CONTENT_ATTACHMENTS);
    hilo_put_id(&m.w, HILO_T_ATTACHMENT_MEDIA, id_of(secret));
    hilo_close(&m.w);
    hilo_open(&m.w, HILO_T_CONTENT_ORIGINAL);
    hilo_put_id(&m.w, HILO_T_ATTACHMENT_MEDIA, id_of(secret));
    hilo_close(&m.w);
    hilo_put_id(&m.w, HILO_T_CONTENT_MEDIA, id_of(secret));
    assert_int_equal(mail_give(&l, &m), HILO_OK);
    struct answer a = thread_of(&l, ana);
    assert_null(strstr(a.body, secret));
    answer_done(&a);
    mail_begin(&m, "<2@x>", ana, NULL);
    mail_text(&m, "hola");
    for (unsigned i = 0; i <= 64; i++)
        mail_attach(&m, HILO_T_CONTENT_ATTACHMENTS, "file-1.1", "a", "b/c");
    assert_int_equal(mail_give(&l, &m), HILO_INVALID);
    letters_down(&l);
}

/* ---- whose an answer is ------------------------------------------------------------------- */

static void identifiers_are(struct letters *l, const char *email, int n)
{
    struct answer a = gate_get(&l->w.gate, "/v1/customers/%s", customer_of(l, email));

    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "identifiers")), n);
    answer_done(&a);
}

static int messages_of(struct letters *l, const char *email)
{
    struct answer a = thread_of(l, email);
    int n = cJSON_GetArraySize(json_at(a.json, "messages"));

    answer_done(&a);
    return n;
}

static void test_an_answer_from_elsewhere_lands_where_it_belongs(void **state)
{
    struct letters l;
    struct mail m;
    char id[64], one[64], more[128], conversation[64];

    letters_up(&l, *state, NULL);
    struct answer a =
        gate_post(&l.w.gate, "/v1/customers",
                  "{\"name\":\"Ana\",\"identifiers\":[{\"scheme\":\"email\",\"value\":\"%s\"}]}", ana);
    assert_int_equal(a.status, 201);
    answer_done(&a);
    /* Two open cases: an answer that names none would go to none. */
    for (unsigned i = 0; i < 2; i++) {
        a = gate_post(&l.w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Televisor\"}",
                      customer_of(&l, ana));
        assert_int_equal(a.status, 201);
        (void)snprintf(one, sizeof one, "%s", answer_str(&a, "id"));
        answer_done(&a);
    }
    (void)snprintf(more, sizeof more, ",\"case\":\"%s\"", one);
    letter_send(&l, ana, "{\"type\":\"text\",\"subject\":\"Su televisor\",\"text\":\"Hola\"}", more, id);
    a = gate_get(&l.w.gate, "/v1/messages/%s", id);
    (void)snprintf(conversation, sizeof conversation, "%s", answer_str(&a, "conversation"));
    answer_done(&a);

    mail_begin(&m, "<1@x>", bea, id);
    mail_text(&m, "Desde mi otro correo");
    assert_int_equal(mail_give(&l, &m), HILO_OK);
    a = thread_of(&l, ana);
    member_is(a.json, "messages/0/content/text", "Desde mi otro correo");
    member_is(a.json, "messages/0/case", one);
    member_is(a.json, "messages/0/reply_to", id);
    assert_true(cJSON_IsTrue(json_at(a.json, "messages/0/other_sender")));
    member_is(a.json, "messages/0/party/0/value", bea);
    char answered[64];
    (void)snprintf(answered, sizeof answered, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    a = gate_get(&l.w.gate, "/v1/messages/%s", answered);
    member_is(a.json, "conversation", conversation);
    member_is(a.json, "party/0/value", bea);
    assert_true(cJSON_IsTrue(json_at(a.json, "other_sender")));
    answer_done(&a);
    /* Nobody is merged, and nothing learned. */
    assert_string_equal(customer_of(&l, bea), "");
    identifiers_are(&l, ana, 1);
    letter_send(&l, ana, "{\"type\":\"text\",\"text\":\"Gracias\"}", "", answered);
    assert_string_equal(letter_line(&l, "to "), ana);

    /* Somebody whom we know: still Ana's matter; her own mail is her own. */
    mail_begin(&m, "<2@x>", bea, NULL);
    mail_text(&m, "Soy Bea");
    assert_int_equal(mail_give(&l, &m), HILO_OK);
    assert_string_not_equal(customer_of(&l, bea), customer_of(&l, ana));
    mail_begin(&m, "<3@x>", bea, id);
    mail_text(&m, "Ana me lo reenvio");
    assert_int_equal(mail_give(&l, &m), HILO_OK);
    assert_int_equal(messages_of(&l, bea), 1);
    assert_int_equal(messages_of(&l, ana), 4);
    identifiers_are(&l, ana, 1);
    identifiers_are(&l, bea, 1);
    /* From her own address it is not marked. */
    mail_begin(&m, "<4@x>", ana, id);
    mail_text(&m, "Yo misma");
    assert_int_equal(mail_give(&l, &m), HILO_OK);
    a = thread_of(&l, ana);
    assert_null(json_at(a.json, "messages/0/other_sender"));
    member_is(a.json, "messages/0/case", one);
    answer_done(&a);
    letters_down(&l);
}

/* What this channel did not send answers nothing: it is a message as any other. */
static void test_a_wrong_id_is_as_none(void **state)
{
    struct letters l;
    struct mail m;
    char wa[64], in[64];
    static const char *const from[] = {"c@x.co", "d@x.co", "e@x.co"};

    letters_up(&l, *state, NULL);
    gate_send_text(&l.w.gate, "+573001112233", "Hola", wa);
    mail_begin(&m, "<0@x>", ana, NULL);
    mail_text(&m, "hola");
    assert_int_equal(mail_give(&l, &m), HILO_OK);
    struct answer a = thread_of(&l, ana);
    (void)snprintf(in, sizeof in, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    const char *const wrong[] = {"msg_01J00000000000000000000000", wa, in};
    for (unsigned i = 0; i < 3; i++) {
        char ext[16];
        (void)snprintf(ext, sizeof ext, "<%u@x>", i + 1);
        mail_begin(&m, ext, from[i], wrong[i]);
        mail_text(&m, "hola");
        assert_int_equal(mail_give(&l, &m), HILO_OK);
        a = thread_of(&l, from[i]);
        assert_int_equal(cJSON_GetArraySize(json_at(a.json, "messages")), 1);
        assert_null(json_at(a.json, "messages/0/reply_to"));
        assert_null(json_at(a.json, "messages/0/other_sender"));
        answer_done(&a);
    }
    assert_int_equal(messages_of(&l, ana), 1);
    letters_down(&l);
}

/* A STOP from another address ends what goes to the one that we write to. */
static void test_a_stop_from_elsewhere_holds(void **state)
{
    struct letters l;
    struct mail m;
    char id[64];

    letters_up(&l, *state, NULL);
    letter_send(&l, ana, "{\"type\":\"text\",\"text\":\"Hola\"}", "", id);
    mail_begin(&m, "<1@x>", bea, id);
    mail_text(&m, "BAJA");
    assert_int_equal(mail_give(&l, &m), HILO_OK);
    assert_string_equal(customer_of(&l, bea), "");
    struct answer a =
        gate_post(&l.w.gate, "/v1/messages",
                  "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"content\":{\"type\":\"text\","
                  "\"text\":\"Oferta\"},\"category\":\"promotional\"}",
                  ana);
    assert_string_equal(answer_str(&a, "status"), "suppressed");
    answer_done(&a);
    /* Somebody else who writes from there was not asked. */
    letter_send(&l, bea, "{\"type\":\"text\",\"text\":\"Hola\"}", "", id);
    letters_down(&l);
}

int main(void)
{
    static char process[] = "process";
#define ONE(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        ONE(test_subject_html_and_attachments_go_out),
        {"in a process", test_subject_html_and_attachments_go_out, NULL, NULL, process},
        ONE(test_an_attachment_at_a_url_is_a_line),
        ONE(test_a_channel_without_gets_them_lowered),
        ONE(test_what_no_letter_can_have_is_refused),
        ONE(test_each_file_of_a_mail_is_fetched),
        {"in a process", test_each_file_of_a_mail_is_fetched, NULL, NULL, process},
        ONE(test_a_channel_gives_no_ids_of_media),
        ONE(test_an_answer_from_elsewhere_lands_where_it_belongs),
        ONE(test_a_wrong_id_is_as_none),
        ONE(test_a_stop_from_elsewhere_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
