/*
 * The POS channel from outside: what a terminal asks and gets, each thing once; what waits for it; messages
 * on its screen.
 */
#include "pos.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/* Ana, by the terminal itself; her id. */
static void ana_comes(struct till *t, char id[64])
{
    cJSON *a =
        till_ask(t, "ana", "customer.upsert",
                 "{\"name\":\"Ana Ruiz\",\"language\":\"es\",\"clerk\":\"eva\",\"identifiers\":["
                 "{\"scheme\":\"document\",\"document\":{\"type\":\"CC\",\"number\":\"1.020.304.050\"}},"
                 "{\"scheme\":\"phone\",\"value\":\"+573001112233\"}]}");

    (void)snprintf(id, 64, "%s", text_of(result_of(a), "customer"));
    assert_int_equal(strncmp(id, "cus_", 4), 0);
    cJSON_Delete(a);
}

static cJSON *find_ana(struct till *t, const char *request)
{
    return till_ask(t, request, "customer.find",
                    "{\"by\":{\"document\":{\"type\":\"CC\",\"number\":\"1020304050\"}},\"reason\":\"claim\","
                    "\"clerk\":\"eva\"}");
}

static void book(struct rig *r, const char *customer, char id[64], char code[32])
{
    char starts[32];
    time_t then = time(NULL) + 86400;
    struct answer a;
    struct tm tm;

    (void)strftime(starts, sizeof starts, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &tm));
    a = gate_post(&r->gate, "/v1/appointments",
                  "{\"customer\":\"%s\",\"store\":\"CENTRO\",\"starts_at\":\"%s\",\"subject\":\"Televisor\","
                  "\"confirm\":false}",
                  customer, starts);
    assert_int_equal(a.status, 201);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    (void)snprintf(code, 32, "%s", answer_str(&a, "code"));
    answer_done(&a);
}

/* ---- what it is for --------------------------------------------------------------------------------- */

static void everything_of_a_customer_in_one_answer(void **state)
{
    struct rig *r = up("");
    char ana[64], apt[64], code[32], kase[64];
    struct till t;
    cJSON *a, *b;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    till_open(&t);
    ana_comes(&t, ana);
    book(r, ana, apt, code);
    a = till_ask(&t, "k1", "case.open",
                 "{\"customer\":\"%s\",\"subject\":\"Televisor no enciende\",\"clerk\":\"eva\"}", ana);
    (void)snprintf(kase, sizeof kase, "%s", text_of(result_of(a), "case"));
    cJSON_Delete(a);
    a = till_ask(&t, "m1", "message.send",
                 "{\"to\":{\"customer\":\"%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":"
                 "\"Hola\"},\"case\":\"%s\"}",
                 ana, kase);
    assert_string_equal(text_of(result_of(a), "status"), "accepted");
    cJSON_Delete(a);

    a = find_ana(&t, "f1");
    assert_string_equal(text_of(result_of(a), "customer/id"), ana);
    assert_string_equal(text_of(a, "result/customer/name"), "Ana Ruiz");
    assert_string_equal(text_of(a, "result/cases/0/id"), kase);
    assert_string_equal(text_of(a, "result/cases/0/subject"), "Televisor no enciende");
    assert_string_equal(text_of(a, "result/appointments/0/id"), apt);
    assert_string_equal(text_of(a, "result/timeline/0/content/text"), "Hola");
    assert_true(strlen(text_of(a, "result/as_of")) > 10);
    cJSON_Delete(a);
    b = till_push(&t, "message.show"); /* found, she is attended here */
    till_answer(&t, b);
    cJSON_Delete(b);

    /* Nobody is no error, and what is mistyped is none either, but it is not asked. */
    a = till_ask(&t, "f2", "customer.find",
                 "{\"by\":{\"document\":{\"type\":\"CC\",\"number\":\"1020304051\"}},\"reason\":\"claim\","
                 "\"clerk\":\"eva\"}");
    if (!cJSON_IsNull(json_at(result_of(a), "customer")))
        fail_msg("nobody was expected");
    cJSON_Delete(a);
    is_error(till_ask(&t, "f3", "customer.find",
                      "{\"by\":{\"document\":{\"type\":\"CC\",\"number\":\"10203*\"}},\"reason\":\"claim\","
                      "\"clerk\":\"eva\"}"),
             -32602, "partial");
    is_error(till_ask(&t, "f4", "customer.find",
                      "{\"by\":{\"document\":{\"type\":\"NIT\",\"number\":\"800197268-5\"}},\"reason\":"
                      "\"claim\",\"clerk\":\"eva\"}"),
             -32602, "document");
    is_error(
        till_ask(&t, "f5", "customer.find", "{\"by\":{\"phone\":\"+573001112233\"},\"reason\":\"claim\"}"),
        -32602, "missing");

    /* Who looked is written down: terminal, clerk, reason. */
    {
        struct answer audit = gate_get(&r->gate, "/v1/audit?customer=%s", ana);

        assert_int_equal(audit.status, 200);
        assert_non_null(strstr(audit.body, "\"terminal\":\"3\""));
        assert_non_null(strstr(audit.body, "\"clerk\":\"eva\""));
        assert_non_null(strstr(audit.body, "\"reason\":\"claim\""));
        answer_done(&audit);
    }
    assert_false(process_saw(r->gate.process, "1020304050"));
    assert_false(process_saw(r->gate.process, "Ana Ruiz"));
    till_free(&t);
    down(r);
}

static void a_write_takes_effect_once(void **state)
{
    struct rig *r = up("");
    char ana[64], kase[64], again[64], body[512];
    struct till t;
    cJSON *a;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    till_open(&t);
    ana_comes(&t, ana);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Uno\",\"clerk\":\"eva\"}", ana);
    a = till_ask(&t, "k1", "case.open", "%s", body);
    (void)snprintf(kase, sizeof kase, "%s", text_of(result_of(a), "case"));
    cJSON_Delete(a);

    /* The line was cut, and then the gateway was killed: the same id is the same case. */
    till_open(&t);
    a = till_ask(&t, "k1", "case.open", "%s", body);
    assert_string_equal(text_of(result_of(a), "case"), kase);
    cJSON_Delete(a);
    crash(r);
    till_open(&t);
    a = till_ask(&t, "k1", "case.open", "%s", body);
    assert_string_equal(text_of(result_of(a), "case"), kase);
    cJSON_Delete(a);
    is_error(till_ask(&t, "k1", "case.open", "{\"customer\":\"%s\",\"subject\":\"Dos\"}", ana), -32005,
             "idempotency_mismatch");

    /* A change that comes again does not undo what came after it. */
    a = till_ask(&t, "c1", "case.close", "{\"case\":\"%s\"}", kase);
    assert_string_equal(text_of(result_of(a), "status"), "closed");
    cJSON_Delete(a);
    a = till_ask(&t, "c2", "case.update", "{\"case\":\"%s\",\"status\":\"open\"}", kase);
    assert_string_equal(text_of(result_of(a), "status"), "open");
    cJSON_Delete(a);
    a = till_ask(&t, "c1", "case.close", "{\"case\":\"%s\"}", kase);
    assert_string_equal(text_of(result_of(a), "status"), "closed");
    cJSON_Delete(a);
    {
        struct answer now = gate_get(&r->gate, "/v1/cases/%s", kase);

        assert_string_equal(answer_str(&now, "status"), "open");
        answer_done(&now);
    }
    /* Another terminal's id is another id. */
    {
        struct till other;

        till_enroll(&other, &r->gate, r->port, "CENTRO", "4", "clerk");
        till_open(&other);
        a = till_ask(&other, "k1", "case.open", "%s", body);
        (void)snprintf(again, sizeof again, "%s", text_of(result_of(a), "case"));
        assert_string_not_equal(again, kase);
        cJSON_Delete(a);
        till_free(&other);
    }
    is_error(
        till_ask(&t, "c3", "case.update", "{\"case\":\"%s\",\"status\":\"pending\",\"version\":1}", kase),
        -32005, "version");
    is_error(till_ask(&t, "c4", "case.close", "{\"case\":\"cas_01M8FDPS0BF747MPDS9AS2FZ06\"}"), -32002,
             "not_found");
    till_free(&t);
    down(r);
}

/* Many writes in one go: their order is theirs. */
static void writes_are_made_in_the_order_in_which_they_were_sent(void **state)
{
    enum { N = 40 };
    struct rig *r = up("");
    char ana[64], frame[512];
    struct till t;
    struct answer a;
    unsigned i, seen = 0;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    till_open(&t);
    ana_comes(&t, ana);
    for (i = 0; i < N; i++) {
        (void)snprintf(frame, sizeof frame,
                       "{\"jsonrpc\":\"2.0\",\"id\":\"w%u\",\"method\":\"case.open\",\"params\":{"
                       "\"customer\":\"%s\",\"subject\":\"%u\"}}",
                       i, ana, i);
        till_frame(&t, frame);
    }
    for (i = 0; i < N; i++) {
        cJSON *answer = till_next(&t);

        (void)result_of(answer);
        (void)snprintf(frame, sizeof frame, "w%u", i);
        assert_string_equal(text_of(answer, "id"), frame);
        cJSON_Delete(answer);
    }
    a = gate_get(&r->gate, "/v1/events?last=200&follow=false&type=case.opened");
    for (i = 0; i < N; i++) {
        const char *at;

        (void)snprintf(frame, sizeof frame, "\"subject\":\"%u\"", i);
        at = strstr(a.body + seen, frame);
        assert_non_null(at);
        seen = (unsigned)(at - a.body);
    }
    answer_done(&a);
    till_free(&t);
    down(r);
}

/* ---- what waits for it ----------------------------------------------------------------------------------
 */

static void who_arrives_is_told_to_the_store_and_kept_for_who_is_away(void **state)
{
    struct rig *r = up("");
    char ana[64], apt[64], code[32], id[80];
    struct till clerk, away, kiosk, elsewhere;
    struct answer m;
    cJSON *p, *a;

    (void)state;
    till_enroll(&clerk, &r->gate, r->port, "CENTRO", "1", "clerk");
    till_enroll(&away, &r->gate, r->port, "CENTRO", "2", "cashier");
    till_enroll(&kiosk, &r->gate, r->port, "CENTRO", "K", "kiosk");
    till_enroll(&elsewhere, &r->gate, r->port, "NORTE", "1", "clerk");
    till_open(&clerk);
    ana_comes(&clerk, ana);
    book(r, ana, apt, code);
    till_open(&kiosk);
    is_error(find_ana(&kiosk, "f1"), -32001, "role");
    is_error(till_ask(&kiosk, "in0", "appointment.checkin", "{\"appointment\":\"%s\"}", apt), -32001, "role");
    a = till_ask(&kiosk, "in1", "appointment.checkin", "{\"code\":\"%s\"}", code);
    assert_string_equal(text_of(result_of(a), "status"), "checked_in");
    assert_string_equal(text_of(a, "result/customer"), "");
    cJSON_Delete(a);

    p = till_push(&clerk, "customer.arriving");
    assert_string_equal(text_of(p, "params/why"), "checked_in");
    assert_string_equal(text_of(p, "params/customer"), ana);
    assert_string_equal(text_of(p, "params/appointment/id"), apt);
    (void)snprintf(id, sizeof id, "%s", text_of(p, "id"));
    cJSON_Delete(p);

    /* Not answered, it comes again, over a crash of the gateway too, with the same id; answered, it does not.
     */
    crash(r);
    till_open(&clerk);
    p = till_push(&clerk, "customer.arriving");
    assert_string_equal(text_of(p, "id"), id);
    till_answer(&clerk, p);
    cJSON_Delete(p);
    a = till_ask(&clerk, "pg", "ping", "{}");
    cJSON_Delete(a);
    till_open(&clerk);
    assert_true(till_connect(&clerk, "hilo-pos/1", 0));
    a = till_ask(&clerk, "h2", "hello", "{\"protocol\":1}");
    assert_int_equal(json_at(result_of(a), "push_pending")->valueint, 0);
    cJSON_Delete(a);

    till_open(&away);
    p = till_push(&away, "customer.arriving");
    assert_string_equal(text_of(p, "params/customer"), ana);
    cJSON_Delete(p);
    /* And nobody of another store hears of it. */
    assert_true(till_connect(&elsewhere, "hilo-pos/1", 0));
    a = till_ask(&elsewhere, "h1", "hello", "{\"protocol\":1}");
    assert_int_equal(json_at(result_of(a), "push_pending")->valueint, 0);
    cJSON_Delete(a);

    /* When it is over its code is nobody's; the check-in by it did take effect, and is answered the same. */
    {
        char path[96];

        (void)snprintf(path, sizeof path, "/v1/appointments/%s", apt);
        m = gate_do(&r->gate, "PATCH", path, "{\"status\":\"completed\"}");
    }
    assert_int_equal(m.status, 200);
    answer_done(&m);
    till_open(&kiosk);
    is_error(till_ask(&kiosk, "in2", "appointment.checkin", "{\"code\":\"%s\"}", code), -32002, "not_found");
    a = till_ask(&kiosk, "in1", "appointment.checkin", "{\"code\":\"%s\"}", code);
    assert_string_equal(text_of(result_of(a), "status"), "checked_in");
    cJSON_Delete(a);
    till_free(&clerk);
    till_free(&away);
    till_free(&kiosk);
    till_free(&elsewhere);
    down(r);
}

static void a_cashier_sees_little(void **state)
{
    struct rig *r = up("");
    struct till clerk, cashier;
    char ana[64];
    cJSON *a;

    (void)state;
    till_enroll(&clerk, &r->gate, r->port, "CENTRO", "1", "clerk");
    till_enroll(&cashier, &r->gate, r->port, "CENTRO", "2", "cashier");
    till_open(&clerk);
    ana_comes(&clerk, ana);
    till_open(&cashier);
    a = find_ana(&cashier, "f1");
    assert_string_equal(text_of(result_of(a), "customer/name"), "Ana Ruiz");
    assert_null(json_at(a, "result/customer/identifiers"));
    assert_null(json_at(a, "result/timeline"));
    assert_null(json_at(a, "result/cases"));
    cJSON_Delete(a);
    is_error(till_ask(&cashier, "t1", "customer.timeline", "{\"customer\":\"%s\",\"clerk\":\"eva\"}", ana),
             -32001, "role");
    /* Whom the clerk did not find he does not read either. */
    is_error(till_ask(&clerk, "t1", "customer.timeline", "{\"customer\":\"%s\",\"clerk\":\"eva\"}", ana),
             -32001, "not_attended");
    a = find_ana(&clerk, "f1");
    cJSON_Delete(a);
    a = till_ask(&clerk, "t2", "customer.timeline", "{\"customer\":\"%s\",\"clerk\":\"eva\"}", ana);
    assert_true(cJSON_IsArray(json_at(result_of(a), "timeline")));
    cJSON_Delete(a);
    till_free(&clerk);
    till_free(&cashier);
    down(r);
}

/* ---- messages on its screen -------------------------------------------------------------------------------
 */

static void a_question_is_asked_where_she_is_and_her_choice_comes_back(void **state)
{
    struct rig *r = up("");
    char ana[64], msg[64];
    struct till t;
    struct answer m;
    cJSON *p, *a;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    till_open(&t);
    ana_comes(&t, ana);
    m = gate_post(&r->gate, "/v1/messages",
                  "{\"to\":{\"customer\":\"%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"choices\","
                  "\"text\":\"¿Cambio o "
                  "devolución?\",\"choices\":[{\"id\":\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\","
                  "\"title\":\"Devolución\"}]}}",
                  ana);
    assert_int_equal(m.status, 202);
    (void)snprintf(msg, sizeof msg, "%s", answer_str(&m, "id"));
    answer_done(&m);
    a = find_ana(&t, "f1");
    cJSON_Delete(a);
    p = till_push(&t, "choice.ask");
    assert_string_equal(text_of(p, "params/message"), msg);
    assert_string_equal(text_of(p, "params/text"), "¿Cambio o devolución?");
    assert_string_equal(text_of(p, "params/choices/0/id"), "exchange");
    cJSON_Delete(p);

    /* Before it is answered the gateway dies: it is asked again, and is still one message. */
    crash(r);
    till_open(&t);
    a = find_ana(&t, "f2");
    cJSON_Delete(a);
    p = till_push(&t, "choice.ask");
    assert_string_equal(text_of(p, "params/message"), msg);
    till_answer(&t, p);
    cJSON_Delete(p);
    gate_wait_status(&r->gate, msg, "sent");
    is_error(till_ask(&t, "c0", "choice.answer", "{\"message\":\"%s\",\"choice\":\"keep\"}", msg), -32602,
             "value");
    a = till_ask(&t, "c1", "choice.answer", "{\"message\":\"%s\",\"choice\":\"refund\"}", msg);
    (void)result_of(a);
    cJSON_Delete(a);
    a = till_ask(&t, "c1", "choice.answer", "{\"message\":\"%s\",\"choice\":\"refund\"}", msg);
    (void)result_of(a);
    cJSON_Delete(a);
    a = till_ask(&t, "t1", "customer.timeline", "{\"customer\":\"%s\",\"clerk\":\"eva\"}", ana);
    assert_string_equal(text_of(result_of(a), "timeline/0/content/choice"), "refund");
    assert_string_equal(text_of(a, "result/timeline/0/reply_to"), msg);
    assert_int_equal(cJSON_GetArraySize(json_at(a, "result/timeline")), 2);
    cJSON_Delete(a);
    till_free(&t);
    down(r);
}

static void a_photo_is_scaled_down_and_a_file_comes_as_it_is(void **state)
{
    struct rig *r = up("");
    char ana[64], med[64], msg[64];
    struct till t;
    struct answer m;
    size_t n = 0, got = 0;
    cJSON *a;
    char *file;

    (void)state;
    file = file_read("tests/fixtures/pos/wide.png", &n); /* 1600 x 2 pixels */
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    till_open(&t);
    ana_comes(&t, ana);
    {
        const char *type[] = {"Content-Type: image/png", NULL};
        char url[128];

        (void)snprintf(url, sizeof url, "%s/v1/media", r->gate.url);
        m = http_bytes("POST", url, r->gate.key, file, n, type);
    }
    assert_int_equal(m.status, 201);
    (void)snprintf(med, sizeof med, "%s", answer_str(&m, "id"));
    answer_done(&m);
    m = gate_post(&r->gate, "/v1/messages",
                  "{\"to\":{\"customer\":\"%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"media\",\"kind\":"
                  "\"image\",\"media\":\"%s\"}}",
                  ana, med);
    assert_int_equal(m.status, 202);
    (void)snprintf(msg, sizeof msg, "%s", answer_str(&m, "id"));
    answer_done(&m);

    is_error(
        till_ask(&t, "g0", "media.get", "{\"media\":\"%s\",\"message\":\"%s\",\"clerk\":\"eva\"}", med, msg),
        -32001, "not_attended");
    a = find_ana(&t, "f1");
    assert_string_equal(text_of(result_of(a), "timeline/0/content/media"), med);
    cJSON_Delete(a);
    a = till_ask(&t, "g1", "media.get", "{\"media\":\"%s\",\"message\":\"%s\",\"clerk\":\"eva\"}", med, msg);
    assert_string_equal(text_of(result_of(a), "mime"), "image/jpeg");
    assert_int_equal(json_at(a, "result/width")->valueint, 1024);
    assert_true(cJSON_IsTrue(json_at(a, "result/eof")));
    assert_int_equal(strncmp(text_of(a, "result/data"), "/9j/", 4), 0); /* FF D8 FF */
    cJSON_Delete(a);
    a = till_ask(&t, "g2", "media.get",
                 "{\"media\":\"%s\",\"message\":\"%s\",\"clerk\":\"eva\",\"max_px\":64}", med, msg);
    assert_int_equal(json_at(result_of(a), "width")->valueint, 64);
    cJSON_Delete(a);
    /* As it is, in pieces of 1,000 bytes. */
    for (;;) {
        a = till_ask(&t, "g3", "media.get",
                     "{\"media\":\"%s\",\"message\":\"%s\",\"clerk\":\"eva\",\"original\":true,\"offset\":%"
                     "zu,\"length\":100}",
                     med, msg, got);
        assert_int_equal(json_at(result_of(a), "size")->valueint, (int)n);
        got += strlen(text_of(a, "result/data")) / 4 * 3;
        if (cJSON_IsTrue(json_at(a, "result/eof")))
            break;
        cJSON_Delete(a);
    }
    cJSON_Delete(a);
    assert_true(got >= n && got < n + 3 * (n / 100 + 1));
    is_error(till_ask(&t, "g4", "media.get",
                      "{\"media\":\"med_01M8FDPS0BF747MPDS9AS2FZ06\",\"message\":\"%s\",\"clerk\":\"eva\"}",
                      msg),
             -32002, "not_found");
    free(file);
    till_free(&t);
    down(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_of_a_customer_in_one_answer),
        cmocka_unit_test(a_write_takes_effect_once),
        cmocka_unit_test(writes_are_made_in_the_order_in_which_they_were_sent),
        cmocka_unit_test(who_arrives_is_told_to_the_store_and_kept_for_who_is_away),
        cmocka_unit_test(a_cashier_sees_little),
        cmocka_unit_test(a_question_is_asked_where_she_is_and_her_choice_comes_back),
        cmocka_unit_test(a_photo_is_scaled_down_and_a_file_comes_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
