/*
 * What must be true in the end, whatever happened on the way:
 *
 *   every acknowledged request and every message of a customer is in its customer's
 *   timeline, once, as it was said, and nothing else is;
 *   what the simulator accepted is read, for it said so; what it did not accept is
 *   nowhere said to have arrived, and nothing is on its way for ever;
 *   what was answered to be canceled never reached it;
 *   under hold it accepted nothing twice, under resend only what was in doubt once;
 *   one customer's messages reached it in the order in which they were accepted here,
 *   but for those that were in doubt;
 *   media have their bytes, cases their messages.
 */
#include "torture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { COMPLAINTS_SHOWN = 20, PAGE = 2000 };

struct verify {
    struct torture *t;
    struct post *posts;       /* by id */
    struct arrival *arrivals; /* by id */
};

static void complain(struct torture *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct torture *t, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (t->complaints++ < COMPLAINTS_SHOWN)
        print_message("  ! %s\n", text);
}

static const char *str_at(const cJSON *j, const char *path)
{
    const char *s = cJSON_GetStringValue(json_at(j, path));

    return s ? s : "";
}

/* ---- waiting ---- */

static void wait_for_queue(struct torture *t)
{
    for (bool empty = false; !empty;) {
        process_skip(t->gate.process);
        struct answer a = gate_get(&t->gate, "/v1/channels");
        assert_int_equal(a.status, 200);
        empty = answer_num(&a, "channels/0/queued") == 0 && answer_num(&a, "channels/0/in_flight") == 0;
        answer_done(&a);
        if (!empty)
            (void)process_wait_line(t->gate.process, "message.", NULL);
    }
}

void verify_drain(struct torture *t)
{
    wait_for_queue(t);
    sim_quiet(&t->sim);
    gate_queue_is(&t->gate, 0, 0);
}

/* ---- the simulator's side ---- */

static void accepted_one(struct verify *v, const cJSON *m, uint64_t place)
{
    const char *id = str_at(m, "biz_opaque_callback_data");
    char text[TEXT_MAX];
    struct post *p;

    HASH_FIND_STR(v->posts, id, p);
    if (!p) {
        complain(v->t, "the simulator accepted %s, which nobody posted", id);
        return;
    }
    text_of(p, text);
    if ((p->kind == POST_TEXT || p->kind == POST_LONG) && strcmp(str_at(m, "body/text/body"), text) != 0)
        complain(v->t, "the simulator accepted %s with other words", id);
    if (p->accepted++ == 0)
        p->place = place;
}

static void accepted_all(struct verify *v)
{
    uint64_t since = 0, place = 0;
    int n;

    do {
        struct answer a =
            sim_get(&v->t->sim, "/_sim/messages?since=%llu&limit=%d", (unsigned long long)since, PAGE);
        const cJSON *m;
        n = cJSON_GetArraySize(json_at(a.json, "messages"));
        assert_int_equal(answer_num(&a, "forgotten"), 0);
        cJSON_ArrayForEach(m, json_at(a.json, "messages")) accepted_one(v, m, ++place);
        since = (uint64_t)answer_num(&a, "next");
        answer_done(&a);
    } while (n == PAGE);
}

/* ---- timelines ---- */

static bool was_in_doubt(const cJSON *message)
{
    const cJSON *step;

    cJSON_ArrayForEach(step, json_at(message, "history")) if (strcmp(str_at(step, "status"), "in_doubt") ==
                                                              0) return true;
    return false;
}

static bool status_fits(const struct torture *t, const struct post *p, const char *status, const char *reason)
{
    if (p->canceled || (p->cancel_tried && strcmp(status, "canceled") == 0))
        return strcmp(status, "canceled") == 0 && p->accepted == 0;
    if (p->accepted)
        return strcmp(status, "read") == 0;
    if (p->kind == POST_BRIEF && strcmp(status, "expired") == 0)
        return true;
    /* Its time was over before the gateway was back, whatever became of it: too late to send it again, too.
     */
    if (p->kind == POST_BRIEF && strcmp(status, "failed") == 0 && strcmp(reason, "in_doubt") == 0)
        return true;
    return t->hold && strcmp(status, "in_doubt") == 0 && reason[0];
}

static void outbound_one(struct verify *v, unsigned customer, const cJSON *m)
{
    const char *id = str_at(m, "id"), *status = str_at(m, "status"), *reason = str_at(m, "reason");
    char text[TEXT_MAX];
    struct post *p;

    HASH_FIND_STR(v->posts, id, p);
    if (!p) {
        complain(v->t, "%s stands in a timeline and was posted by nobody, or acknowledged as another", id);
        return;
    }
    if (p->customer != customer || p->shown++)
        complain(v->t, "%s stands in the timeline of another, or twice", id);
    text_of(p, text);
    char *content = cJSON_PrintUnformatted(json_at(m, "content"));
    if (!content || !strstr(content, text))
        complain(v->t, "%s says something else: %.200s", id, content ? content : "");
    cJSON_free(content);
    if (p->kind == POST_MEDIA && strcmp(str_at(m, "content/media"), p->media) != 0)
        complain(v->t, "%s has other media", id);
    p->doubted = was_in_doubt(m);
    if (!status_fits(v->t, p, status, reason)) {
        char *history = cJSON_PrintUnformatted(json_at(m, "history"));
        complain(v->t, "%s is %s (%s), and the simulator accepted it %u times: %.300s", id, status, reason,
                 p->accepted, history ? history : "");
        cJSON_free(history);
    }
}

static void inbound_one(struct verify *v, unsigned customer, const cJSON *m)
{
    const char *id = str_at(m, "provider_id");
    struct arrival *a;

    HASH_FIND_STR(v->arrivals, id, a);
    if (!a) {
        complain(v->t, "%s stands in a timeline and was written by nobody", id);
        return;
    }
    if (a->customer != customer || a->shown++)
        complain(v->t, "%s stands in the timeline of another, or twice", id);
    if (strcmp(str_at(m, a->photo.bytes ? "content/caption" : "content/text"), a->text) != 0)
        complain(v->t, "%s says something else than \"%s\"", id, a->text);
    if (a->photo.bytes)
        (void)snprintf(a->photo.id, sizeof a->photo.id, "%s", str_at(m, "content/media"));
}

/* Pages through it; how many of its messages belong to this case. */
static unsigned timeline(struct verify *v, unsigned customer, const char *id, const char *case_id)
{
    char cursor[256] = "";
    unsigned in_case = 0;

    do {
        struct answer a = gate_get(&v->t->gate, "/v1/customers/%s/timeline?limit=100%s%s", id,
                                   cursor[0] ? "&cursor=" : "", cursor);
        const cJSON *m;
        if (a.status != 200)
            print_message("  %ld %s\n", a.status, a.body);
        assert_int_equal(a.status, 200);
        cJSON_ArrayForEach(m, json_at(a.json, "messages"))
        {
            in_case += case_id[0] && strcmp(str_at(m, "case"), case_id) == 0;
            if (strcmp(str_at(m, "kind"), "outbound") == 0)
                outbound_one(v, customer, m);
            else
                inbound_one(v, customer, m);
        }
        (void)snprintf(cursor, sizeof cursor, "%s", str_at(a.json, "next"));
        answer_done(&a);
    } while (cursor[0]);
    return in_case;
}

static void customer_one(struct verify *v, unsigned customer)
{
    const char *case_id = v->t->case_of[customer];
    char phone[16], id[ID_MAX];

    phone_of(customer, phone);
    struct answer a = gate_post(&v->t->gate, "/v1/customers/search", "{\"phone\":\"+%s\"}", phone);
    assert_int_equal(a.status, 200);
    (void)snprintf(id, sizeof id, "%s", str_at(a.json, "customers/0/id"));
    answer_done(&a);
    for (const struct post *p = v->posts; p; p = p->hh.next)
        if (p->customer == customer && strcmp(p->customer_id, id) != 0)
            complain(v->t, "%s was accepted for customer %s, which is %s now", p->id, p->customer_id, id);
    if (!id[0])
        return; /* nobody wrote to them; or it shows in what is not shown */
    unsigned in_case = timeline(v, customer, id, case_id);
    if (!case_id[0])
        return;
    a = gate_get(&v->t->gate, "/v1/cases/%s", case_id);
    if (answer_num(&a, "messages") != in_case)
        complain(v->t, "case %s counts %.0f messages and has %u", case_id, answer_num(&a, "messages"),
                 in_case);
    answer_done(&a);
}

/* ---- order ---- */

static int by_place(const struct post *a, const struct post *b)
{
    return a->place < b->place ? -1 : a->place > b->place;
}

static void order(struct verify *v)
{
    const struct post *last[CUSTOMERS] = {NULL};

    HASH_SORT(v->posts, by_place);
    for (const struct post *p = v->posts; p; p = p->hh.next) {
        if (!p->accepted || p->doubted)
            continue;
        if (last[p->customer] && last[p->customer]->number > p->number)
            complain(v->t, "%s was sent after %s, which was accepted later", p->id, last[p->customer]->id);
        last[p->customer] = p;
    }
}

/* ---- media ---- */

static void photo_is_there(struct verify *v, const struct photo *p, const char *whose)
{
    struct torture *t = v->t;
    uint8_t bytes[PHOTO_MAX];
    bool pending = true;

    while (pending) {
        process_skip(t->gate.process);
        struct answer a = gate_get(&t->gate, "/v1/media/%s?info", p->id);
        pending = strcmp(str_at(a.json, "state"), "pending") == 0;
        answer_done(&a);
        if (pending)
            (void)process_wait_line(t->gate.process, "media.", NULL);
    }
    photo_bytes(p, bytes);
    struct answer a = gate_get(&t->gate, "/v1/media/%s", p->id);
    if (a.status != 200 || a.n != p->bytes || memcmp(a.body, bytes, a.n) != 0)
        complain(t, "media %s of %s: answered %ld with %zu bytes, %u were stored", p->id, whose, a.status,
                 a.n, p->bytes);
    answer_done(&a);
}

/* ---- all of it ---- */

static void index_all(struct verify *v)
{
    for (unsigned i = 0; i < POSTERS; i++)
        for (unsigned k = 0; k < v->t->poster[i].n; k++) {
            struct post *p = v->t->poster[i].post[k], *other;
            HASH_FIND_STR(v->posts, p->id, other);
            if (other)
                complain(v->t, "%s was given to two posts", p->id);
            else
                HASH_ADD_STR(v->posts, id, p);
        }
    for (unsigned i = 0; i < v->t->n_arrivals; i++)
        HASH_ADD_STR(v->arrivals, id, v->t->arrival[i]);
}

void verify_all(struct torture *t)
{
    struct verify v = {.t = t};
    unsigned accepted = 0, doubted = 0, twice = 0;

    index_all(&v);
    accepted_all(&v);
    for (unsigned i = 0; i < CUSTOMERS; i++)
        customer_one(&v, i);
    for (const struct post *p = v.posts; p; p = p->hh.next) {
        if (!p->shown)
            complain(t, "%s was acknowledged and is lost", p->id);
        if (p->accepted > 1 && (t->hold || !p->doubted))
            complain(t, "%s was sent %u times", p->id, p->accepted);
        accepted += p->accepted > 0;
        doubted += p->doubted;
        twice += p->accepted > 1;
    }
    for (struct arrival *a = v.arrivals; a; a = a->hh.next) {
        if (!a->shown)
            complain(t, "%s (\"%s\") was acknowledged and is lost", a->id, a->text);
        if (a->photo.bytes && a->photo.id[0])
            photo_is_there(&v, &a->photo, a->id);
    }
    for (unsigned i = 0; i < POSTERS; i++)
        for (unsigned k = 0; k < t->poster[i].n_photos; k++)
            photo_is_there(&v, &t->poster[i].photo[k], "an upload");
    order(&v);
    print_message("  %u posts: %u sent, %u in doubt once, %u sent twice; %u arrivals\n", HASH_COUNT(v.posts),
                  accepted, doubted, twice, t->n_arrivals);
    HASH_CLEAR(hh, v.posts);
    HASH_CLEAR(hh, v.arrivals);
    assert_int_equal(t->complaints, 0);
}
