/*
 * Links in messages, from outside: a choice's page asks and its button answers, once, on the customer's
 * thread; opening one, as every mail scanner does, changes nothing. Unsubscribing, by one click (RFC 8058)
 * and by the page. Invitations to appointments and their answers. The channel is tests/plugins/letter.c.
 */
#include "letter.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static const char ana[] = "ana@example.co";

/* The path of a link that the plugin was given: "/c/…". */
static void path_of(struct letters *l, const char *head, char out[128])
{
    const char *url = letter_line(l, head);

    if (strncmp(url, LETTER_URL "/", strlen(LETTER_URL) + 1) != 0)
        fail_msg("%s has no link: %s", head, url);
    (void)snprintf(out, 128, "%s", url + strlen(LETTER_URL));
}

/* Without a key, as a browser asks. */
static struct answer visit(struct letters *l, const char *method, const char *path, const char *body,
                           const char *type)
{
    char url[512], header[128];
    const char *const headers[] = {header, NULL};

    (void)snprintf(url, sizeof url, "%s%s", l->w.gate.url, path);
    (void)snprintf(header, sizeof header, "Content-Type: %s",
                   type ? type : "application/x-www-form-urlencoded");
    struct answer a = http_do(method, url, NULL, body, headers);
    if (strncmp(a.body, "<!doctype", 9) == 0) {
        assert_non_null(strstr(a.headers, "Content-Security-Policy: default-src 'none'; style-src 'sha256-"));
        assert_non_null(strstr(a.headers, "Referrer-Policy: no-referrer"));
        assert_non_null(strstr(a.headers, "Content-Type: text/html; charset=utf-8"));
        assert_non_null(strstr(a.headers, "Cache-Control: no-store"));
    } else if (strcmp(method, "HEAD") != 0) {
        assert_true(a.status >= 400);
    }
    assert_null(strstr(a.headers, "Set-Cookie"));
    assert_null(strstr(a.headers, "Location:"));
    return a;
}

static void page_is(struct letters *l, const char *method, const char *path, const char *body, long status,
                    const char *words)
{
    struct answer a = visit(l, method, path, body, NULL);

    if (a.status != status || (words && !strstr(a.body, words)))
        fail_msg("%s: %ld %s", method, a.status, a.body);
    answer_done(&a);
}

static int messages_of(struct letters *l)
{
    struct answer a = thread_of(l, ana);
    int n = cJSON_GetArraySize(json_at(a.json, "messages"));

    answer_done(&a);
    return n;
}

static void newest_is(struct letters *l, const char *path, const char *value)
{
    struct answer a = thread_of(l, ana);
    char at[128];

    (void)snprintf(at, sizeof at, "messages/0/%s", path);
    const char *now = answer_str(&a, at);
    if (!now || strcmp(now, value) != 0)
        fail_msg("%s is %s, not %s", at, now ? now : "not there", value);
    answer_done(&a);
}

static const char question[] =
    "{\"type\":\"choices\",\"text\":\"¿Cambio o devolución?\",\"choices\":[{\"id\":"
    "\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\",\"title\":\"Dinero <b>\"}]}";

/* ---- choices ------------------------------------------------------------------------------ */

static void test_a_choice_is_taken_by_its_button(void **state)
{
    struct letters l;
    char id[64], exchange[128], refund[128], path[160];

    letters_up(&l, *state, NULL);
    letter_send(&l, ana, question, ",\"language\":\"es\"", id);
    path_of(&l, "choice exchange ", exchange);
    path_of(&l, "choice refund ", refund);
    /* Whoever opens it, how often and how: nothing was answered. */
    for (unsigned i = 0; i < 3; i++) {
        page_is(&l, "GET", exchange, NULL, 200, "<button>Cambio</button>");
        page_is(&l, "HEAD", exchange, NULL, 200, NULL);
    }
    (void)snprintf(path, sizeof path, "%s?utm_source=mail", refund);
    page_is(&l, "GET", path, NULL, 200, "Dinero &lt;b&gt;");
    page_is(&l, "GET", exchange, NULL, 200, "¿Cambio o devolución?");
    assert_int_equal(messages_of(&l), 1);
    page_is(&l, "POST", exchange, "", 200, "Gracias");
    assert_int_equal(messages_of(&l), 2);
    newest_is(&l, "content/type", "choice_reply");
    newest_is(&l, "content/choice", "exchange");
    newest_is(&l, "content/title", "Cambio");
    newest_is(&l, "reply_to", id);
    newest_is(&l, "kind", "inbound");
    newest_is(&l, "channel", "mail");
    /* Once, also over a crash. */
    page_is(&l, "POST", exchange, "", 200, "Ya la tenemos");
    page_is(&l, "GET", exchange, NULL, 200, "Ya la tenemos");
    gate_kill(&l.w.gate);
    letters_again(&l);
    page_is(&l, "POST", exchange, "", 200, "Ya la tenemos");
    assert_int_equal(messages_of(&l), 2);
    /* She may think better of it: that is news. */
    page_is(&l, "POST", refund, "", 200, "Gracias");
    newest_is(&l, "content/choice", "refund");
    assert_int_equal(messages_of(&l), 3);
    /* Nothing else is taken there. */
    struct answer a = visit(&l, "PUT", exchange, "", NULL);
    assert_int_equal(a.status, 405);
    answer_done(&a);
    a = visit(&l, "DELETE", exchange, NULL, NULL);
    assert_int_equal(a.status, 405);
    answer_done(&a);
    letters_down(&l);
}

/* Tokens that are none, of whatever make, lead nowhere and tell nothing. */
static void test_no_other_token_answers(void **state)
{
    struct letters l;
    char id[64], exchange[128], end[128], path[1200], upload[64];

    letters_up(&l, *state, NULL);
    letter_send(&l, ana, question, "", id);
    path_of(&l, "choice exchange ", exchange);
    letter_send(&l, ana, "{\"type\":\"text\",\"text\":\"Oferta\"}", ",\"category\":\"promotional\"", id);
    path_of(&l, "unsubscribe ", end);
    letter_upload(&l, "a.txt", "text/plain", "a", upload);
    struct answer a = gate_get(&l.w.gate, "/v1/media/%s?info", upload);
    const char *media = strstr(answer_str(&a, "link"), "/m/");
    const char *const parts[] = {"",
                                 "A",
                                 "%00",
                                 "..",
                                 "%2e%2e",
                                 "<script>",
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                 end + 3,
                                 media + 3,
                                 id};
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        for (unsigned post = 0; post < 2; post++) {
            (void)snprintf(path, sizeof path, "/c/%s", parts[i]);
            struct answer b = visit(&l, post ? "POST" : "GET", path, post ? "" : NULL, NULL);
            assert_true(b.status == 404 || b.status == 400);
            assert_null(strstr(b.body, "<script>"));
            answer_done(&b);
        }
    answer_done(&a);
    /* A choice's link unsubscribes nobody. */
    (void)snprintf(path, sizeof path, "/u/%s", exchange + 3);
    page_is(&l, "POST", path, "List-Unsubscribe=One-Click", 404, NULL);
    memset(path, 'A', sizeof path);
    memcpy(path, "/c/", 3);
    path[1100] = 0;
    page_is(&l, "GET", path, NULL, 404, NULL);
    for (size_t i = 3; i < strlen(exchange); i += 7) {
        (void)snprintf(path, sizeof path, "%s", exchange);
        path[i] = path[i] == 'x' ? 'y' : 'x';
        page_is(&l, "POST", path, "", 404, NULL);
    }
    assert_int_equal(messages_of(&l), 2);
    letters_down(&l);
}

static void test_a_link_is_not_asked_for_without_end(void **state)
{
    struct letters l;
    char id[64], exchange[128];
    unsigned refused = 0;

    letters_up(&l, *state, NULL);
    letter_send(&l, ana, question, "", id);
    path_of(&l, "choice exchange ", exchange);
    for (unsigned i = 0; i < 60; i++) {
        struct answer a = visit(&l, "GET", exchange, NULL, NULL);
        if (a.status == 429) {
            assert_non_null(strstr(a.headers, "Retry-After: "));
            refused++;
        } else {
            assert_int_equal(a.status, 200);
        }
        answer_done(&a);
    }
    assert_true(refused > 0 && refused <= 30); /* the burst of 30 was served */
    letters_down(&l);
}

/* ---- unsubscribing ------------------------------------------------------------------------- */

static void consent_is(struct letters *l, const char *proof, const char *message)
{
    struct answer a = gate_get(&l->w.gate, "/v1/customers/%s/consents", customer_of(l, ana));
    const cJSON *one;
    unsigned found = 0;

    cJSON_ArrayForEach(one, json_at(a.json, "consents"))
    {
        const cJSON *how = json_at(one, "how");
        assert_string_equal(json_at(one, "category")->valuestring, "promotional");
        assert_string_equal(json_at(one, "state")->valuestring, "denied");
        assert_string_equal(json_at(one, "channel")->valuestring, "mail");
        assert_string_equal(how->valuestring, "link");
        assert_string_equal(json_at(one, "proof")->valuestring, proof);
        assert_string_equal(json_at(one, "message")->valuestring, message);
        found++;
    }
    assert_int_equal(found, proof ? 2 : 0); /* hers, and her address's */
    answer_done(&a);
}

static void test_unsubscribing_by_one_click(void **state)
{
    static const char multipart[] =
        "--limit\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n"
        "One-Click\r\n--limit--\r\n";
    struct letters l;
    char id[64], later[64], end[128], big[5001];

    letters_up(&l, *state, NULL);
    letter_send(&l, ana, "{\"type\":\"text\",\"text\":\"Oferta\"}",
                ",\"category\":\"promotional\",\"language\":\"es\"", id);
    path_of(&l, "unsubscribe ", end);
    page_is(&l, "GET", end, NULL, 200, "¿No quieres más ofertas?");
    page_is(&l, "HEAD", end, NULL, 200, NULL);
    /* A POST that says nothing, or something else, is none. */
    page_is(&l, "POST", end, "", 400, "No se pudo");
    page_is(&l, "POST", end, "List-Unsubscribe=Two-Clicks", 400, NULL);
    page_is(&l, "POST", end, "x=List-Unsubscribe%3DOne-Click", 400, NULL);
    page_is(&l, "POST", end, "List-Unsubscribe=One-Clickkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 400, NULL);
    struct answer a = visit(&l, "POST", end, "{\"List-Unsubscribe\":\"One-Click\"}", "application/json");
    assert_int_equal(a.status, 400);
    answer_done(&a);
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    a = visit(&l, "POST", end, big, NULL);
    assert_int_equal(a.status, 413);
    answer_done(&a);
    consent_is(&l, NULL, NULL);
    /* What is queued for later goes with it. */
    gate_expect(&l.w.gate, 200, NULL, NULL, "POST", "/v1/channels/mail/pause", "{}");
    a = gate_post(&l.w.gate, "/v1/messages",
                  "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"category\":\"promotional\",\"content\":{"
                  "\"type\":\"text\",\"text\":\"Otra\"}}",
                  ana);
    (void)snprintf(later, sizeof later, "%s", answer_str(&a, "id"));
    answer_done(&a);
    a = visit(&l, "POST", end, multipart, "multipart/form-data; boundary=limit");
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "Suscripción cancelada"));
    answer_done(&a);
    consent_is(&l, "one_click", id);
    gate_expect(&l.w.gate, 200, NULL, NULL, "POST", "/v1/channels/mail/resume", "{}");
    (void)process_wait_nth(l.w.gate.process, 1, "message.settled", later, "suppressed", NULL);
    /* Again: the same, and nothing is written. */
    page_is(&l, "POST", end, "List-Unsubscribe=page", 200, NULL);
    page_is(&l, "GET", end, NULL, 200, "Suscripción cancelada");
    consent_is(&l, "one_click", id);
    /* It is of advertising only, and of this channel. */
    letter_send(&l, ana, "{\"type\":\"text\",\"text\":\"Su pedido\"}", ",\"category\":\"transactional\"", id);
    a = gate_get(&l.w.gate, "/v1/events?type=consent.changed&after=oldest&follow=false");
    assert_non_null(strstr(a.body, "\"how\":\"link\""));
    answer_done(&a);
    letters_down(&l);
}

static void test_unsubscribing_by_the_page_over_a_kill(void **state)
{
    struct letters l;
    char id[64], end[128];

    letters_up(&l, *state, NULL);
    letter_send(&l, ana, "{\"type\":\"text\",\"text\":\"Offer\"}",
                ",\"category\":\"promotional\",\"language\":\"en\"", id);
    path_of(&l, "unsubscribe ", end);
    page_is(&l, "GET", end, NULL, 200, "value=\"page\"");
    page_is(&l, "POST", end, "List-Unsubscribe=page", 200, "You are unsubscribed");
    gate_kill(&l.w.gate);
    letters_again(&l);
    consent_is(&l, "page", id);
    struct answer a =
        gate_post(&l.w.gate, "/v1/messages",
                  "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"category\":\"promotional\","
                  "\"content\":{\"type\":\"text\",\"text\":\"Oferta\"}}",
                  ana);
    assert_string_equal(answer_str(&a, "status"), "suppressed");
    answer_done(&a);
    letters_down(&l);
}

/* ---- appointments ------------------------------------------------------------------------- */

static const char *at(int64_t seconds)
{
    static char text[4][32];
    static unsigned n;
    char *out = text[n++ % 4];
    time_t when = time(NULL) / 60 * 60 + (time_t)seconds;
    struct tm tm;

    assert_non_null(gmtime_r(&when, &tm));
    assert_true(strftime(out, sizeof text[0], "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
    return out;
}

static void book(struct letters *l, char id[64], char message[64])
{
    struct answer a =
        gate_post(&l->w.gate, "/v1/appointments",
                  "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"store\":\"centro\",\"place\":"
                  "\"Tienda Centro, Calle 10\",\"subject\":\"Revisión\",\"time_zone\":"
                  "\"America/Bogota\",\"starts_at\":\"%s\",\"ends_at\":\"%s\",\"remind_before\":[]}",
                  ana, at(864000), at(867600));
    if (a.status != 201)
        fail_msg("%ld %s", a.status, a.body);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    (void)snprintf(message, 64, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    gate_wait_status(&l->w.gate, message, "sent");
}

/* The message of the appointment's last notice, sent. */
static void last_notice(struct letters *l, const struct answer *a, char message[64])
{
    char path[64];
    int n = cJSON_GetArraySize(json_at(a->json, "messages"));

    (void)snprintf(path, sizeof path, "messages/%d/id", n - 1);
    (void)snprintf(message, 64, "%s", answer_str(a, path));
    gate_wait_status(&l->w.gate, message, "sent");
}

static void status_is(struct letters *l, const char *id, const char *status, const char *answered)
{
    struct answer a = gate_get(&l->w.gate, "/v1/appointments/%s", id);

    assert_string_equal(answer_str(&a, "status"), status);
    if (answered)
        assert_string_equal(answer_str(&a, "answer"), answered);
    answer_done(&a);
}

static void reply(struct letters *l, const char *ext_id, const char *from, const char *to, const char *choice)
{
    struct mail m;

    mail_begin(&m, ext_id, from, to);
    hilo_put_u64(&m.w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    hilo_put(&m.w, HILO_T_CONTENT_CHOICE, choice, strlen(choice));
    assert_int_equal(mail_give(l, &m), HILO_OK);
}

static void test_an_invitation_follows_its_appointment(void **state)
{
    struct letters l;
    char id[64], message[64], moved[64], head[128], path[128], confirm[128];
    const char *line;

    letters_up(&l, *state, NULL);
    book(&l, id, message);
    (void)snprintf(head, sizeof head, "invitation %s ", id);
    line = letter_line(&l, head);
    assert_int_equal(strncmp(line, "0 booked|Revisión|Tienda Centro, Calle 10|", 42), 0);
    assert_non_null(strstr(line, "|America/Bogota|"));
    assert_non_null(strstr(line, "|1")); /* it asks */
    /* Another time: the same invitation, later in its sequence. */
    (void)snprintf(path, sizeof path, "/v1/appointments/%s", id);
    char body[128];
    (void)snprintf(body, sizeof body, "{\"starts_at\":\"%s\"}", at(950400));
    struct answer a = gate_do(&l.w.gate, "PATCH", path, body);
    assert_int_equal(a.status, 200);
    last_notice(&l, &a, moved);
    answer_done(&a);
    assert_int_equal(strncmp(letter_line(&l, head), "1 booked|", 9), 0);
    /* What answers the first time confirms nothing; what answers this one does, also from elsewhere. */
    reply(&l, "<1@x>", ana, message, "confirm");
    status_is(&l, id, "booked", "confirm");
    reply(&l, "<2@x>", "asistente@otra.example", moved, "confirm");
    status_is(&l, id, "confirmed", "confirm");
    /* A change that needs no message moves the sequence, too. */
    a = gate_do(&l.w.gate, "PATCH", path, "{\"place\":\"Tienda Norte\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = gate_do(&l.w.gate, "PATCH", path, "{\"status\":\"canceled\",\"confirm\":true}");
    assert_int_equal(a.status, 200);
    last_notice(&l, &a, moved);
    answer_done(&a);
    line = letter_line(&l, head);
    assert_int_equal(strncmp(line, "3 canceled|Revisión|Tienda Norte|", 34), 0);
    assert_int_equal(strcmp(line + strlen(line) - 2, "|0"), 0);
    /* Another one, declined by the calendar. */
    book(&l, id, message);
    reply(&l, "<3@x>", ana, message, "cancel");
    status_is(&l, id, "canceled", "cancel");
    /* And one confirmed by the link. */
    book(&l, id, message);
    path_of(&l, "choice confirm ", confirm);
    page_is(&l, "GET", confirm, NULL, 200, NULL);
    status_is(&l, id, "booked", NULL);
    page_is(&l, "POST", confirm, "", 200, NULL);
    status_is(&l, id, "confirmed", "confirm");
    letters_down(&l);
}

int main(void)
{
    static char process[] = "process";
#define ONE(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        ONE(test_a_choice_is_taken_by_its_button),
        {"in a process", test_a_choice_is_taken_by_its_button, NULL, NULL, process},
        ONE(test_no_other_token_answers),
        ONE(test_a_link_is_not_asked_for_without_end),
        ONE(test_unsubscribing_by_one_click),
        ONE(test_unsubscribing_by_the_page_over_a_kill),
        ONE(test_an_invitation_follows_its_appointment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
