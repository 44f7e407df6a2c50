/*
 * What is done at a counter, from outside: notes, wishes, visits, sales, consent, slips; it is kept with who
 * did it and when, and is seen by whoever asks the gateway.
 */
#include "pos.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/* A clerk's terminal at which Ana was found. */
static struct rig *counter(struct till *t, char ana[64])
{
    struct rig *r = up("");
    cJSON *a;

    till_enroll(t, &r->gate, r->port, "CENTRO", "3", "clerk");
    till_open(t);
    a = till_ask(
        t, "ana", "customer.upsert",
        "{\"name\":\"Ana Ruiz\",\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573001112233\"}]}");
    (void)snprintf(ana, 64, "%s", text_of(result_of(a), "customer"));
    cJSON_Delete(a);
    a = till_ask(t, "find", "customer.find",
                 "{\"by\":{\"phone\":\"+573001112233\"},\"reason\":\"claim\",\"clerk\":\"eva\"}");
    assert_string_equal(text_of(result_of(a), "customer/id"), ana);
    cJSON_Delete(a);
    return r;
}

/* The same request twice has the same result; the named member of it into out. */
static void twice(struct till *t, const char *id, const char *method, const char *params, const char *member,
                  char out[64])
{
    cJSON *a = till_ask(t, id, method, "%s", params), *b = till_ask(t, id, method, "%s", params);

    (void)snprintf(out, 64, "%s", text_of(result_of(a), member));
    assert_true(out[0] != '\0');
    assert_string_equal(text_of(result_of(b), member), out);
    cJSON_Delete(a);
    cJSON_Delete(b);
}

/* A list that the API gives for her has one entry, with this id. */
static void one_of(struct rig *r, const char *path, const char *list, const char *id)
{
    struct answer a = gate_get(&r->gate, "%s", path);

    assert_int_equal(a.status, 200);
    if (cJSON_GetArraySize(json_at(a.json, list)) != 1 || !strstr(a.body, id))
        fail_msg("%s: %s", path, a.body);
    answer_done(&a);
}

static void what_is_done_at_a_counter_is_kept_once(void **state)
{
    char ana[64], kase[64], id[64], body[1024], path[160], at[32];
    time_t then = time(NULL) - 3600;
    struct rig *r;
    struct till t;
    struct answer m;
    struct tm tm;
    cJSON *a;

    (void)state;
    r = counter(&t, ana);
    (void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &tm));
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Camisa\",\"clerk\":\"eva\"}", ana);
    twice(&t, "k1", "case.open", body, "case", kase);

    /* An hour ago, while there was no line. */
    (void)snprintf(body, sizeof body,
                   "{\"case\":\"%s\",\"text\":\"Quiere talla M\",\"clerk\":\"eva\",\"at\":\"%s\"}", kase, at);
    twice(&t, "n1", "case.note", body, "note", id);
    (void)snprintf(body, sizeof body,
                   "{\"customer\":\"%s\",\"sku\":\"CAM/01 "
                   "Ñ\",\"size\":\"M\",\"colour\":\"azul\",\"clerk\":\"eva\",\"at\":\"%s\"}",
                   ana, at);
    twice(&t, "w1", "wish.add", body, "wish", id);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/subscriptions", ana);
    one_of(r, path, "subscriptions", id);
    a = till_ask(
        &t, "s1", "slip.render",
        "{\"kind\":\"wish\",\"id\":\"%s\",\"customer\":\"%s\",\"format\":\"text\",\"language\":\"es\"}", id,
        ana);
    assert_string_equal(text_of(result_of(a), "mime"), "text/plain; charset=utf-8");
    cJSON_Delete(a);
    (void)snprintf(body, sizeof body,
                   "{\"customer\":\"%s\",\"purpose\":\"reclamo\",\"case\":\"%s\",\"clerk\":\"eva\"}", ana,
                   kase);
    twice(&t, "v1", "visit.record", body, "visit", id);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/visits", ana);
    one_of(r, path, "visits", id);
    (void)snprintf(body, sizeof body,
                   "{\"customer\":\"%s\",\"number\":\"F-1001\",\"currency\":\"COP\",\"total\":\"129900.00\","
                   "\"clerk\":\"eva\",\"at\":\"%s\","
                   "\"items\":[{\"sku\":\"CAM01\",\"name\":\"Camisa\",\"quantity\":1,\"price\":\"129900.00\","
                   "\"size\":\"M\"}]}",
                   ana, at);
    twice(&t, "b1", "sale.record", body, "sale", id);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/sales", ana);
    one_of(r, path, "sales", id);
    m = gate_get(&r->gate, "%s", path);
    assert_non_null(strstr(m.body, "\"clerk\":\"eva\""));
    assert_non_null(strstr(m.body, "\"terminal\":\"3\""));
    answer_done(&m);

    a = till_ask(&t, "c1", "consent.set",
                 "{\"customer\":\"%s\",\"category\":\"promotional\",\"state\":\"granted\",\"clerk\":\"eva\","
                 "\"at\":\"%s\","
                 "\"proof\":{\"how\":\"signature\",\"text\":\"Acepta novedades\",\"reference\":\"8812\"}}",
                 ana, at);
    assert_string_equal(text_of(result_of(a), "state"), "granted");
    cJSON_Delete(a);
    m = gate_get(&r->gate, "/v1/customers/%s/consents", ana);
    assert_non_null(strstr(m.body, "signature: Acepta novedades; 8812; CENTRO/3, eva"));
    answer_done(&m);

    /* And all of it is on screen for the next who asks. */
    a = till_ask(&t, "f2", "customer.find",
                 "{\"by\":{\"order\":\"F-1001\"},\"reason\":\"exchange\",\"clerk\":\"eva\"}");
    assert_string_equal(text_of(result_of(a), "customer/id"), ana);
    assert_string_equal(text_of(a, "result/cases/0/id"), kase);
    assert_string_equal(text_of(a, "result/wishes/0/sku"), "CAM/01 Ñ");
    assert_int_equal(cJSON_GetArraySize(json_at(a, "result/visits")), 1);
    assert_string_equal(text_of(a, "result/sales/0/number"), "F-1001");
    cJSON_Delete(a);
    /* By the code on the case's slip, too; that is in the audit as it is. */
    a = till_ask(&t, "f3", "customer.find",
                 "{\"by\":{\"case\":\"%s\"},\"reason\":\"pickup\",\"clerk\":\"eva\"}", kase);
    assert_string_equal(text_of(result_of(a), "customer/id"), ana);
    cJSON_Delete(a);
    a = till_ask(
        &t, "f4", "customer.find",
        "{\"by\":{\"case\":\"cas_01M8FDPS0BF747MPDS9AS2FZ06\"},\"reason\":\"pickup\",\"clerk\":\"eva\"}");
    assert_true(cJSON_IsNull(json_at(result_of(a), "customer")));
    cJSON_Delete(a);
    m = gate_get(&r->gate, "/v1/audit?clerk=eva");
    assert_string_equal(text_of(m.json, "lookups/0/by"), "case");
    assert_true(cJSON_IsFalse(json_at(m.json, "lookups/0/found")));
    assert_string_equal(text_of(m.json, "lookups/1/by"), "case");
    assert_string_equal(text_of(m.json, "lookups/1/customer"), ana);
    answer_done(&m);
    till_free(&t);
    down(r);
}

/* n notes on her case, numbered from 0, each of at least so many bytes. */
static void notes(struct rig *r, const char *kase, unsigned n, size_t bytes)
{
    char path[96], *text = calloc(1, bytes + 16);
    struct answer m;
    unsigned i;

    (void)snprintf(path, sizeof path, "/v1/cases/%s/notes", kase);
    for (i = 0; i < n; i++) {
        int head = snprintf(text, 16, "%u ", i);

        memset(text + head, 'a', bytes);
        m = gate_post(&r->gate, path, "{\"text\":\"%s\",\"clerk\":\"eva\"}", text);
        assert_int_equal(m.status, 201);
        answer_done(&m);
    }
    free(text);
}

/* The entries of list are the notes from first down, in that order; what was not read yet. */
static unsigned notes_down(const cJSON *list, unsigned first)
{
    const cJSON *e;

    cJSON_ArrayForEach(e, list)
    {
        assert_string_equal(text_of(e, "kind"), "note");
        assert_string_equal(text_of(e, "sender"), "eva");
        assert_true(strlen(text_of(e, "time")) > 10);
        assert_int_equal(strtoul(text_of(e, "content/text"), NULL, 10), first);
        first--;
    }
    return first;
}

/* From what a find shows on to what is older, without a gap and nothing twice; as the gateway wrote it, and
 * where it had to be made shorter. */
static void the_timeline_goes_on_behind_what_was_found(void **state)
{
    char ana[64], kase[64], body[128];
    struct rig *r;
    struct till t;
    cJSON *a, *b;

    (void)state;
    r = counter(&t, ana);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Televisor\"}", ana);
    twice(&t, "k1", "case.open", body, "case", kase);
    notes(r, kase, 30, 3900);
    a = till_ask(&t, "f1", "customer.find",
                 "{\"by\":{\"customer\":\"%s\"},\"reason\":\"claim\",\"clerk\":\"eva\",\"timeline\":3}", ana);
    assert_int_equal(notes_down(json_at(result_of(a), "timeline"), 29), 26);
    assert_null(json_at(a, "result/timeline/0/cut"));
    assert_true(cJSON_IsTrue(json_at(a, "result/timeline_more")));
    b = till_ask(&t, "t1", "customer.timeline",
                 "{\"customer\":\"%s\",\"clerk\":\"eva\",\"cursor\":\"%s\",\"limit\":5}", ana,
                 text_of(a, "result/timeline_next"));
    assert_int_equal(notes_down(json_at(result_of(b), "timeline"), 26), 21);
    cJSON_Delete(a);
    cJSON_Delete(b);

    /* 20 of 3,900 bytes are more than a frame: their texts are cut, all of them are there. */
    a = till_ask(&t, "f2", "customer.find",
                 "{\"by\":{\"customer\":\"%s\"},\"reason\":\"claim\",\"clerk\":\"eva\"}", ana);
    assert_int_equal(notes_down(json_at(result_of(a), "timeline"), 29), 9);
    assert_true(cJSON_IsTrue(json_at(a, "result/timeline/0/cut")));
    assert_true(cJSON_IsTrue(json_at(a, "result/timeline_more")));
    b = till_ask(&t, "t2", "customer.timeline", "{\"customer\":\"%s\",\"clerk\":\"eva\",\"cursor\":\"%s\"}",
                 ana, text_of(a, "result/timeline_next"));
    assert_int_equal(notes_down(json_at(result_of(b), "timeline"), 9), UINT_MAX);
    assert_true(cJSON_IsNull(json_at(b, "result/next")));
    cJSON_Delete(a);
    cJSON_Delete(b);

    /* Of 40 some are left out, and a cursor behind those would pass them over. */
    notes(r, kase, 15, 3900);
    a = till_ask(&t, "f3", "customer.find",
                 "{\"by\":{\"customer\":\"%s\"},\"reason\":\"claim\",\"clerk\":\"eva\",\"timeline\":40}",
                 ana);
    assert_true(cJSON_GetArraySize(json_at(result_of(a), "timeline")) < 40);
    assert_true(cJSON_IsTrue(json_at(a, "result/timeline_more")));
    assert_true(cJSON_IsNull(json_at(a, "result/timeline_next")));
    cJSON_Delete(a);
    till_free(&t);
    down(r);
}

static void time_text(time_t t, char out[32])
{
    struct tm tm;

    (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
}

/* What its clock says is ahead happened now, and is the same request when it comes again; a clock that is
 * wrong is no clock. */
static void a_till_whose_clock_runs_fast_is_taken_for_now(void **state)
{
    char ana[64], apt[64], code[32], id[64], body[256], path[96], ahead[32], now[32], wrong[32];
    struct rig *r;
    struct till t;
    struct answer m;

    (void)state;
    r = counter(&t, ana);
    time_text(time(NULL) + 200, ahead);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"clerk\":\"eva\",\"at\":\"%s\"}", ana, ahead);
    twice(&t, "v1", "visit.record", body, "visit", id);
    time_text(time(NULL) + 86400, wrong);
    m = gate_post(&r->gate, "/v1/appointments",
                  "{\"customer\":\"%s\",\"store\":\"CENTRO\",\"starts_at\":\"%s\",\"confirm\":false}", ana,
                  wrong);
    assert_int_equal(m.status, 201);
    (void)snprintf(apt, sizeof apt, "%s", answer_str(&m, "id"));
    (void)snprintf(code, sizeof code, "%s", answer_str(&m, "code"));
    answer_done(&m);
    (void)snprintf(body, sizeof body, "{\"code\":\"%s\",\"at\":\"%s\"}", code, ahead);
    twice(&t, "in1", "appointment.checkin", body, "appointment", id);
    time_text(time(NULL), now);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/visits", ana);
    m = gate_get(&r->gate, "%s", path);
    assert_true(strcmp(text_of(m.json, "visits/0/at"), now) <= 0);
    answer_done(&m);
    m = gate_get(&r->gate, "/v1/appointments/%s", apt);
    assert_true(strlen(text_of(m.json, "checked_in")) > 0);
    assert_true(strcmp(text_of(m.json, "checked_in"), now) <= 0);
    answer_done(&m);
    time_text(time(NULL) + 400, wrong);
    is_error(till_ask(&t, "v2", "visit.record", "{\"customer\":\"%s\",\"clerk\":\"eva\",\"at\":\"%s\"}", ana,
                      wrong),
             -32602, "value");
    till_free(&t);
    down(r);
}

/* Each of the n events of this type says that it was done at this till by this clerk, and when. */
static void done_by(struct rig *r, const char *type, unsigned n, const char *clerk, const char *at)
{
    struct answer a = gate_get(&r->gate, "/v1/events?after=oldest&follow=false&type=%s", type);
    char origin[160];
    unsigned found = 0;

    (void)snprintf(
        origin, sizeof origin,
        "\"origin\":{\"store\":\"CENTRO\",\"terminal\":\"3\",\"clerk\":\"%s\",\"at\":\"%.19s.000Z\"}", clerk,
        at);
    assert_int_equal(a.status, 200);
    for (const char *s = a.body; (s = strstr(s, origin)); s++)
        found++;
    if (found != n)
        fail_msg("%u of %s by %s at %s, not %u: %s", found, type, clerk, at, n, a.body);
    answer_done(&a);
}

static void people_cases_and_messages_are_kept_with_who_did_it(void **state)
{
    char ana[64], kase[64], id[64], body[512], at[32];
    struct rig *r;
    struct till t;

    (void)state;
    r = counter(&t, ana);
    time_text(time(NULL) - 3600, at);
#define BY_LUZ "\"clerk\":\"luz\",\"at\":\"%s\""
    (void)snprintf(body, sizeof body,
                   "{\"name\":\"Luis\"," BY_LUZ
                   ",\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573001112244\"}]}",
                   at);
    twice(&t, "c1", "customer.upsert", body, "customer", id);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"language\":\"es\"," BY_LUZ "}", ana, at);
    twice(&t, "c2", "customer.upsert", body, "customer", id);
    (void)snprintf(body, sizeof body,
                   "{\"customer\":\"%s\"," BY_LUZ
                   ",\"identifiers\":[{\"scheme\":\"email\",\"value\":\"ana@example.com\"}]}",
                   ana, at);
    twice(&t, "c3", "customer.upsert", body, "customer", id);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Camisa\"," BY_LUZ "}", ana, at);
    twice(&t, "k1", "case.open", body, "case", kase);
    (void)snprintf(body, sizeof body, "{\"case\":\"%s\",\"owner\":\"luz\"," BY_LUZ "}", kase, at);
    twice(&t, "k2", "case.update", body, "case", id);
    (void)snprintf(body, sizeof body, "{\"case\":\"%s\"," BY_LUZ "}", kase, at);
    twice(&t, "k3", "case.close", body, "case", id);
    (void)snprintf(body, sizeof body,
                   "{\"to\":{\"customer\":\"%s\"},\"channel\":\"wa\"," BY_LUZ
                   ",\"content\":{\"type\":\"text\",\"text\":\"Hola\"}}",
                   ana, at);
    twice(&t, "m1", "message.send", body, "message", id);
#undef BY_LUZ
    done_by(r, "customer.created", 1, "luz", at);
    done_by(r, "customer.updated", 1, "luz", at);
    done_by(r, "identifier.added", 2, "luz", at);
    done_by(r, "case.opened", 1, "luz", at);
    done_by(r, "case.updated", 2, "luz", at);
    done_by(r, "message.accepted", 1, "luz", at);
    till_free(&t);
    down(r);
}

/* A find or a check-in of long ago, from a till that had no line, is of who left since. */
static void who_was_found_long_since_is_not_attended(void **state)
{
    static const char find[] = "{\"by\":{\"phone\":\"+573001112233\"},\"reason\":\"claim\",\"clerk\":\"%s\","
                               "\"at\":\"%s\"}",
                      timeline[] = "{\"customer\":\"%s\",\"clerk\":\"luz\"}";
    char ana[64], kase[64], code[32], body[256], old[32], late[32], tomorrow[32];
    struct till t, other, cashier;
    struct answer m;
    struct rig *r;
    cJSON *a;

    (void)state;
    r = counter(&t, ana);
    till_enroll(&other, &r->gate, r->port, "CENTRO", "4", "clerk");
    till_enroll(&cashier, &r->gate, r->port, "CENTRO", "5", "cashier");
    till_open(&other);
    till_open(&cashier);
    time_text(time(NULL) - 31 * 60, old); /* attend: 30m */
    time_text(time(NULL) - 25 * 60, late);
    time_text(time(NULL) + 86400, tomorrow);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Televisor\"}", ana);
    twice(&t, "k1", "case.open", body, "case", kase);
    m = gate_post(&r->gate, "/v1/appointments",
                  "{\"customer\":\"%s\",\"store\":\"CENTRO\",\"starts_at\":\"%s\",\"confirm\":false}", ana,
                  tomorrow);
    assert_int_equal(m.status, 201);
    (void)snprintf(code, sizeof code, "%s", answer_str(&m, "code"));
    answer_done(&m);

    a = till_ask(&other, "f1", "customer.find", find, "luz", old);
    assert_string_equal(text_of(result_of(a), "customer/id"), ana);
    cJSON_Delete(a);
    a = till_ask(&cashier, "f1", "customer.find", find, "mar", old);
    assert_string_equal(text_of(result_of(a), "customer/id"), ana);
    cJSON_Delete(a);
    a = till_ask(&cashier, "in", "appointment.checkin", "{\"code\":\"%s\",\"at\":\"%s\"}", code, old);
    assert_string_equal(text_of(result_of(a), "customer"), ana);
    cJSON_Delete(a);
    is_error(till_ask(&other, "t1", "customer.timeline", timeline, ana), -32001, "not_attended");
    is_error(till_ask(&cashier, "s1", "slip.render",
                      "{\"kind\":\"case\",\"id\":\"%s\",\"customer\":\"%s\",\"format\":\"text\"}", kase, ana),
             -32001, "not_attended");
    /* Nor is she taken from where she is. */
    a = till_ask(&t, "t1", "customer.timeline", timeline, ana);
    (void)result_of(a);
    cJSON_Delete(a);
    /* A line that was away for a moment changes nothing. */
    a = till_ask(&other, "f2", "customer.find", find, "luz", late);
    assert_string_equal(text_of(result_of(a), "customer/id"), ana);
    cJSON_Delete(a);
    a = till_ask(&other, "t2", "customer.timeline", timeline, ana);
    (void)result_of(a);
    cJSON_Delete(a);
    is_error(till_ask(&t, "t2", "customer.timeline", timeline, ana), -32001, "not_attended");
    till_free(&cashier);
    till_free(&other);
    till_free(&t);
    down(r);
}

static void slips_are_rendered_for_who_is_attended_alone(void **state)
{
    char ana[64], kase[64], body[256];
    struct rig *r;
    struct till t;
    cJSON *a;

    (void)state;
    r = counter(&t, ana);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Televisor\"}", ana);
    twice(&t, "k1", "case.open", body, "case", kase);
    a = till_ask(&t, "s1", "slip.render",
                 "{\"kind\":\"case\",\"id\":\"%s\",\"customer\":\"%s\",\"format\":\"escpos\"}", kase, ana);
    assert_int_equal(strncmp(text_of(result_of(a), "data"), "G0", 2), 0); /* ESC @ */
    cJSON_Delete(a);
    a = till_ask(&t, "s2", "slip.render",
                 "{\"kind\":\"case\",\"id\":\"%s\",\"customer\":\"%s\",\"format\":\"png\"}", kase, ana);
    assert_int_equal(strncmp(text_of(result_of(a), "data"), "iVBORw0KGgo", 11), 0);
    cJSON_Delete(a);
    is_error(till_ask(&t, "s3", "slip.render",
                      "{\"kind\":\"bill\",\"id\":\"%s\",\"customer\":\"%s\",\"format\":\"png\"}", kase, ana),
             -32602, "value");
    is_error(till_ask(&t, "s4", "slip.render",
                      "{\"kind\":\"case\",\"id\":\"%s\",\"customer\":\"cus_01M8FDPS0BF747MPDS9AS2FZ06\","
                      "\"format\":\"text\"}",
                      kase),
             -32001, "not_attended");
    is_error(till_ask(&t, "s5", "slip.render",
                      "{\"kind\":\"case\",\"id\":\"cas_01M8FDPS0BF747MPDS9AS2FZ06\",\"customer\":\"%s\","
                      "\"format\":\"text\"}",
                      ana),
             -32002, "not_found");
    till_free(&t);
    down(r);
}

/* A request that took effect is answered the same, whoever is attended by then; and a restart forgets neither
 * that nor who is attended where. */
static void a_slip_is_printed_once_and_a_restart_forgets_nobody(void **state)
{
    static const char find[] =
        "{\"by\":{\"phone\":\"+573001112233\"},\"reason\":\"claim\",\"clerk\":\"luz\"}",
                      timeline[] = "{\"customer\":\"%s\",\"clerk\":\"luz\"}",
                      slip[] = "{\"kind\":\"case\",\"id\":\"%s\",\"customer\":\"%s\"}";
    char ana[64], kase[64], body[256];
    struct till t, other;
    struct rig *r;
    int i;
    cJSON *a;

    (void)state;
    r = counter(&t, ana);
    till_enroll(&other, &r->gate, r->port, "CENTRO", "4", "clerk");
    till_open(&other);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Televisor\"}", ana);
    twice(&t, "k1", "case.open", body, "case", kase);
    a = till_ask(&t, "p1", "slip.print", slip, kase, ana);
    assert_string_equal(text_of(result_of(a), "status"), "sent");
    cJSON_Delete(a);
    a = till_push(&t, "print");
    assert_string_equal(text_of(cJSON_GetObjectItem(a, "params"), "job"), "p1");
    till_answer(&t, a);
    cJSON_Delete(a);
    a = till_ask(&other, "f1", "customer.find", find);
    (void)result_of(a);
    cJSON_Delete(a);
    for (i = 0; i < 2; i++) {
        a = till_ask(&t, "p1", "slip.print", slip, kase, ana);
        assert_string_equal(text_of(result_of(a), "status"), "sent");
        assert_string_equal(text_of(result_of(a), "job"), "p1");
        cJSON_Delete(a);
        is_error(till_ask(&t, i ? "p3" : "p2", "slip.print", slip, kase, ana), -32001, "not_attended");
        is_error(till_ask(&t, i ? "t3" : "t2", "customer.timeline", timeline, ana), -32001, "not_attended");
        a = till_ask(&other, i ? "t5" : "t4", "customer.timeline", timeline, ana);
        (void)result_of(a);
        cJSON_Delete(a);
        if (i == 0) {
            till_close(&t);
            till_close(&other);
            gate_kill(&r->gate);
            gate_again(&r->gate);
            (void)process_wait_nth(r->gate.process, 1, "channel", "listening", NULL);
            till_open(&t);
            till_open(&other);
        }
    }
    till_free(&other);
    till_free(&t);
    down(r);
}

static void a_case_that_changes_elsewhere_is_told_where_she_is(void **state)
{
    char ana[64], kase[64], body[256], path[96];
    struct rig *r;
    struct till t;
    struct answer m;
    cJSON *p;

    (void)state;
    r = counter(&t, ana);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Televisor\"}", ana);
    twice(&t, "k1", "case.open", body, "case", kase);
    (void)snprintf(path, sizeof path, "/v1/cases/%s", kase);
    m = gate_do(&r->gate, "PATCH", path, "{\"status\":\"pending\"}");
    assert_int_equal(m.status, 200);
    answer_done(&m);
    p = till_push(&t, "case.updated");
    assert_string_equal(text_of(p, "params/case/id"), kase);
    assert_string_equal(text_of(p, "params/case/status"), "pending");
    till_answer(&t, p);
    cJSON_Delete(p);

    /* What she wished for arrives: the store hears of it. */
    (void)snprintf(body, sizeof body,
                   "{\"customer\":\"%s\",\"sku\":\"CAM01\",\"size\":\"M\",\"clerk\":\"eva\"}", ana);
    p = till_ask(&t, "w1", "wish.add", "%s", body);
    (void)snprintf(kase, sizeof kase, "%s", text_of(result_of(p), "wish"));
    cJSON_Delete(p);
    m = gate_post(&r->gate, "/v1/stock/CAM01/available",
                  "{\"quantity\":1,\"size\":\"M\",\"link\":\"https://shop.example/cam01\"}");
    assert_int_equal(m.status, 202);
    answer_done(&m);
    p = till_push(&t, "stock.arrived");
    assert_string_equal(text_of(p, "params/wish"), kase);
    assert_string_equal(text_of(p, "params/customer"), ana);
    assert_string_equal(text_of(p, "params/sku"), "CAM01");
    cJSON_Delete(p);
    till_free(&t);
    down(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_done_at_a_counter_is_kept_once),
        cmocka_unit_test(the_timeline_goes_on_behind_what_was_found),
        cmocka_unit_test(a_till_whose_clock_runs_fast_is_taken_for_now),
        cmocka_unit_test(people_cases_and_messages_are_kept_with_who_did_it),
        cmocka_unit_test(who_was_found_long_since_is_not_attended),
        cmocka_unit_test(slips_are_rendered_for_who_is_attended_alone),
        cmocka_unit_test(a_slip_is_printed_once_and_a_restart_forgets_nobody),
        cmocka_unit_test(a_case_that_changes_elsewhere_is_told_where_she_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
