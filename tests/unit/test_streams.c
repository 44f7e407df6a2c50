/* GET /v1/events within the API: who is told what, by whom it is ended, and what it costs nobody else. */
#include "api_rig.h"
#include "services/public_event.h"
#include "store/keys.h"

/* A client that reads the stream: chunks taken apart, all text so far. */
struct client {
    int fd;
    char *raw, *text;
    size_t n, cap, done, text_n;
    bool ended; /* by the last chunk */
    bool closed;
};

static void client_ask(struct rig *r, struct client *c, const char *path, const char *headers)
{
    memset(c, 0, sizeof *c);
    c->fd = rig_connect(r);
    c->cap = 16 << 20;
    c->raw = malloc(c->cap);
    c->text = malloc(c->cap);
    assert_non_null(c->raw);
    assert_non_null(c->text);
    rig_ask(r, c->fd, "GET", path, headers, NULL, 0);
}

/* What is there now. */
static void client_read(struct client *c)
{
    ssize_t got;

    while ((got = recv(c->fd, c->raw + c->n, c->cap - 1 - c->n, MSG_DONTWAIT)) > 0)
        c->n += (size_t)got;
    c->closed = c->closed || got == 0 || (got < 0 && errno != EAGAIN);
    c->raw[c->n] = 0;
    if (c->done == 0) {
        char *body = strstr(c->raw, "\r\n\r\n");
        if (!body)
            return;
        c->done = (size_t)(body + 4 - c->raw);
    }
    while (!c->ended) {
        char *end;
        size_t n = strtoul(c->raw + c->done, &end, 16);
        if (strncmp(end, "\r\n", 2) != 0 || c->n - (size_t)(end + 2 - c->raw) < n + 2)
            break;
        memcpy(c->text + c->text_n, end + 2, n);
        c->text_n += n;
        c->done = (size_t)(end + 2 - c->raw) + n + 2;
        c->ended = n == 0;
    }
    c->text[c->text_n] = 0;
}

static void client_wait(struct rig *r, struct client *c, const char *words)
{
    do {
        rig_turn(r);
        client_read(c);
        if (c->closed && !(c->done && strstr(c->text, words)))
            fail_msg("it ended without %s: %s %s", words, c->raw, c->text);
    } while (c->done == 0 || !strstr(c->text, words));
}

static void client_end(struct client *c)
{
    (void)close(c->fd);
    free(c->raw);
    free(c->text);
}

static unsigned count(const char *text, const char *words)
{
    unsigned n = 0;

    for (const char *p = text; (p = strstr(p, words)); p += strlen(words))
        n++;
    return n;
}

static int setup(void **state)
{
    struct rig *r = rig_new();

    (void)alarm(120);
    r->ch.credit = 10;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

/* A customer with this name. */
static void happen(struct rig *r, const char *name)
{
    struct reply *a = calloc(1, sizeof *a);
    char body[200];

    (void)snprintf(body, sizeof body, "{\"name\":\"%s\"}", name);
    assert_non_null(a);
    assert_int_equal(rig_post(r, "/v1/customers", body, a), 201);
    free(a);
}

static void many(struct rig *r, unsigned n)
{
    struct err e = {0};
    char name[400];

    memset(name, 'x', sizeof name);
    store_begin(r->store);
    for (unsigned i = 0; i < n; i++) {
        const struct ev_customer_created ev = {.id = idgen_next(store_ids(r->store)),
                                               .name = str_n(name, sizeof name)};
        assert_int_equal(
            store_append(r->store, &ev_desc_customer_created, &ev, &actor_core, clock_wall_us(), NULL, &e),
            HILO_OK);
    }
    store_end(r->store);
}

/* The id of the event whose data hold these words. */
static void id_of(const char *text, const char *words, char out[64])
{
    const char *p = strstr(text, words), *at = NULL;

    assert_non_null(p);
    for (const char *q = text; (q = strstr(q, "id: evt_")) && q < p; q++)
        at = q;
    assert_non_null(at);
    (void)snprintf(out, 64, "%.30s", at + 4);
}

static void it_tells_what_happens_in_order(void **state)
{
    struct rig *r = *state;
    struct client c;

    happen(r, "before");
    client_ask(r, &c, "/v1/events", "");
    client_wait(r, &c, "retry:");
    assert_has(c.raw, "HTTP/1.1 200");
    assert_has(c.raw, "Content-Type: text/event-stream");
    happen(r, "one");
    happen(r, "two");
    client_wait(r, &c, "\"two\"");
    assert_hasnt(c.text, "before");
    assert_int_equal(count(c.text, "event: hilo.customer.created\ndata: {"), 2);
    assert_true(strstr(c.text, "\"one\"") < strstr(c.text, "\"two\""));
    client_end(&c);
}

static void nothing_is_told_before_it_is_on_disk(void **state)
{
    struct rig *r = *state;
    struct client c;
    int fd = rig_connect(r);

    client_ask(r, &c, "/v1/events", "");
    client_wait(r, &c, "retry:");
    r->hold_commit = true;
    rig_ask(r, fd, "POST", "/v1/customers", JSON_TYPE, "{\"name\":\"early\"}", 16);
    uint64_t before = store_seq(r->store);
    while (store_seq(r->store) == before)
        rig_turn(r);
    for (unsigned i = 0; i < 20; i++)
        rig_turn(r);
    client_read(&c);
    assert_hasnt(c.text, "early");
    r->hold_commit = false;
    client_wait(r, &c, "early");
    (void)close(fd);
    client_end(&c);
}

static void it_goes_on_where_it_was(void **state)
{
    struct rig *r = *state;
    struct client c;
    char id[64], path[128], header[128];

    for (unsigned i = 0; i < 3; i++)
        happen(r, i == 0 ? "one" : i == 1 ? "two" : "three");
    client_ask(r, &c, "/v1/events?after=oldest", "");
    client_wait(r, &c, "\"three\"");
    assert_int_equal(count(c.text, "event: hilo.customer.created\n"), 3);
    id_of(c.text, "\"one\"", id);
    client_end(&c);

    (void)snprintf(path, sizeof path, "/v1/events?after=%s", id);
    client_ask(r, &c, path, "");
    client_wait(r, &c, "\"three\"");
    assert_hasnt(c.text, "\"one\"");
    assert_has(c.text, "\"two\"");
    id_of(c.text, "\"two\"", id);
    client_end(&c);

    /* A browser sends the address of its first request again; the header counts. */
    (void)snprintf(header, sizeof header, "Last-Event-ID: %s\r\n", id);
    client_ask(r, &c, path, header);
    client_wait(r, &c, "\"three\"");
    assert_hasnt(c.text, "\"two\"");
    happen(r, "four");
    client_wait(r, &c, "\"four\"");
    assert_int_equal(count(c.text, "event: hilo.customer.created\n"), 2);
    client_end(&c);

    /* An id of another time of this store, and of one that never was. */
    id[29] = id[29] == 'Z' ? 'Y' : 'Z';
    (void)snprintf(path, sizeof path, "/v1/events?after=%s", id);
    client_ask(r, &c, path, "");
    client_wait(r, &c, "event: stream.reset\ndata: {\"reason\":\"unknown\"}\n\n");
    happen(r, "five");
    client_wait(r, &c, "\"five\"");
    assert_int_equal(count(c.text, "event: hilo.customer.created\n"), 1);
    client_end(&c);
}

static void the_last_few(void **state)
{
    struct rig *r = *state;
    struct client c;

    for (unsigned i = 0; i < 9; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "n%u", i);
        happen(r, name);
    }
    client_ask(r, &c, "/v1/events?last=3&follow=false", "");
    client_wait(r, &c, "\"n8\"");
    while (!c.ended) {
        rig_turn(r);
        client_read(&c);
    }
    assert_int_equal(count(c.text, "event: hilo.customer.created\n"), 3);
    assert_has(c.text, "\"n6\"");
    client_end(&c);

    client_ask(r, &c, "/v1/events?last=2", "");
    client_wait(r, &c, "\"n8\"");
    happen(r, "n9");
    client_wait(r, &c, "\"n9\"");
    assert_int_equal(count(c.text, "event: hilo.customer.created\n"), 3);
    assert_has(c.text, "\"n7\"");
    client_end(&c);
    /* More than there are; and of a kind of which there are none. */
    client_ask(r, &c, "/v1/events?last=1000&follow=false&type=hilo.case.*", "");
    while (!c.ended) {
        rig_turn(r);
        client_read(&c);
    }
    assert_int_equal(count(c.text, "event:"), 0);
    client_end(&c);
}

static void filters_and_scopes(void **state)
{
    struct rig *r = *state;
    struct client all, some;
    struct reply *a = calloc(1, sizeof *a);
    char cus[128], body[200], path[200], key[64];

    assert_non_null(a);
    assert_int_equal(rig_post(r, "/v1/customers", "{\"name\":\"Ana\"}", a), 201);
    (void)rig_value(a, "id", cus);
    (void)snprintf(path, sizeof path, "/v1/events?type=case.opened,hilo.customer.*&customer=%s", cus);
    client_ask(r, &some, path, "");
    client_ask(r, &all, "/v1/events?channel=wa", "");
    client_wait(r, &some, "retry:");
    client_wait(r, &all, "retry:");
    happen(r, "other");
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"mine\"}", cus);
    assert_int_equal(rig_post(r, "/v1/cases", body, a), 201);
    (void)snprintf(path, sizeof path, "/v1/customers/%s", cus);
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{\"language\":\"es\"}", a), 200);
    assert_int_equal(rig_post(r, "/v1/channels/wa/pause", "{\"reason\":\"night\"}", a), 200);
    client_wait(r, &some, "hilo.customer.updated");
    client_wait(r, &all, "night");
    assert_has(some.text, "\"mine\"");
    assert_hasnt(some.text, "other");
    assert_hasnt(some.text, "night");
    assert_int_equal(count(all.text, "event:"), 1);
    client_end(&some);
    client_end(&all);

    /* A key sees what its scopes allow. */
    struct hilo_str secret;
    struct hilo_id id;
    struct fault f = {0};
    (void)snprintf(key, sizeof key, "%s", r->key);
    store_begin(r->store);
    assert_int_equal(
        access_key_create(&r->gw, &actor_core, STR("c"), SCOPE_CASES_READ, r->gw.arena, &secret, &id, &f), 0);
    store_end(r->store);
    (void)snprintf(r->key, sizeof r->key, "%.*s", STR_FMT(secret));
    rig_turn(r);
    client_ask(r, &some, "/v1/events?after=oldest", "");
    client_wait(r, &some, "\"mine\"");
    assert_int_equal(count(some.text, "event:"), 1);
    client_end(&some);
    assert_int_equal(rig_call(r, "GET", "/v1/events?type=message.received", "", NULL, a), 403);
    assert_has(a->body, "messages:read");
    (void)snprintf(r->key, sizeof r->key, "%s", key);
    static const char *const wrong[] = {"type=mesage.*",       "customer=cus_1",
                                        "after=evt_",          "last=0",
                                        "last=1001",           "follow=perhaps",
                                        "case=msg_1",          "x=1",
                                        "after=oldest&last=1", NULL};
    for (unsigned i = 0; wrong[i]; i++) {
        (void)snprintf(path, sizeof path, "/v1/events?%s", wrong[i]);
        assert_int_equal(rig_call(r, "GET", path, "", NULL, a), 400);
    }
    assert_int_equal(rig_call(r, "GET", "/v1/events?channel=none", "", NULL, a), 404);
    free(a);
}

static void many_share_what_is_read_once(void **state)
{
    struct rig *r = *state;
    struct client c[8], ninth;

    for (unsigned i = 0; i < 8; i++) {
        client_ask(r, &c[i], "/v1/events", "");
        client_wait(r, &c[i], "retry:");
    }
    /* http.event_streams is 8 here. */
    client_ask(r, &ninth, "/v1/events", "");
    while (!strstr(ninth.raw, "too_many_streams")) {
        rig_turn(r);
        client_read(&ninth);
    }
    assert_has(ninth.raw, "HTTP/1.1 503");
    assert_has(ninth.raw, "Retry-After: 5");
    client_end(&ninth);
    happen(r, "shared");
    for (unsigned i = 0; i < 8; i++) {
        client_wait(r, &c[i], "shared");
        assert_int_equal(count(c[i].text, "event:"), 1);
    }
    client_end(&c[0]);
    /* Its place is free once its end was seen: when something is to be sent to it. */
    for (;;) {
        happen(r, "again");
        client_ask(r, &ninth, "/v1/events", "");
        while (!strstr(ninth.raw, "\r\n\r\n")) {
            rig_turn(r);
            client_read(&ninth);
        }
        if (strstr(ninth.raw, "HTTP/1.1 200"))
            break;
        client_end(&ninth);
    }
    client_end(&ninth);
    for (unsigned i = 1; i < 8; i++)
        client_end(&c[i]);
}

/* A burst larger than any buffer: nobody who reads loses anything, and one who does not costs no more
 * than his buffer. */
static void a_burst_ends_no_stream(void **state)
{
    enum { BURST = 6000 };
    struct rig *r = *state;
    struct client good, idle;

    client_ask(r, &good, "/v1/events", "");
    client_ask(r, &idle, "/v1/events", "");
    client_wait(r, &good, "retry:");
    client_wait(r, &idle, "retry:");
    many(r, BURST);
    happen(r, "end");
    client_wait(r, &good, "\"end\"");
    assert_int_equal(count(good.text, "event: hilo.customer.created\n"), BURST + 1);
    char id[64], last[64] = "";
    for (const char *p = good.text; (p = strstr(p, "id: evt_")); p++) {
        (void)snprintf(id, sizeof id, "%.30s", p + 4);
        assert_true(strcmp(last, id) < 0); /* in order, each once */
        memcpy(last, id, sizeof last);
    }
    client_end(&good);
    client_wait(r, &idle, "\"end\""); /* it may come late, and has lost nothing either */
    assert_int_equal(count(idle.text, "event: hilo.customer.created\n"), BURST + 1);
    client_end(&idle);
}

static void a_revoked_key_ends_its_streams(void **state)
{
    struct rig *r = *state;
    struct client c, other;
    struct reply *a = calloc(1, sizeof *a);
    struct hilo_str secret;
    struct hilo_id id;
    struct fault f = {0};
    char key[64], path[96], text[ID_TEXT];

    assert_non_null(a);
    client_ask(r, &other, "/v1/events", "");
    client_wait(r, &other, "retry:");
    (void)snprintf(key, sizeof key, "%s", r->key);
    store_begin(r->store);
    assert_int_equal(
        access_key_create(&r->gw, &actor_core, STR("c"), SCOPE_ALL, r->gw.arena, &secret, &id, &f), 0);
    store_end(r->store);
    (void)snprintf(r->key, sizeof r->key, "%.*s", STR_FMT(secret));
    rig_turn(r);
    client_ask(r, &c, "/v1/events", "");
    client_wait(r, &c, "retry:");
    id_format("key", id, text);
    (void)snprintf(path, sizeof path, "/v1/keys/%s", text);
    assert_int_equal(rig_call(r, "DELETE", path, "", NULL, a), 204);
    while (!c.ended) {
        rig_turn(r);
        client_read(&c);
    }
    (void)snprintf(r->key, sizeof r->key, "%s", key);
    happen(r, "after");
    client_wait(r, &other, "after");
    assert_hasnt(c.text, "after");
    client_end(&c);
    client_end(&other);
    free(a);
}

static void at_the_end_streams_end_cleanly(void **state)
{
    struct rig *r = *state;
    struct client c;

    client_ask(r, &c, "/v1/events", "");
    client_wait(r, &c, "retry:");
    api_quiesce(r->api);
    while (!c.ended) {
        rig_turn(r);
        client_read(&c);
    }
    client_end(&c);
    /* One that never comes to its end is no reason not to stop: teardown frees the API under it. */
}

static void the_api_ends_under_an_open_stream(void **state)
{
    struct rig *r = *state;
    struct client c;

    client_ask(r, &c, "/v1/events", "");
    client_wait(r, &c, "retry:");
    api_free(&r->api);
    client_end(&c);
}

static void it_has_a_head(void **state)
{
    struct rig *r = *state;
    int fd = rig_connect(r);
    struct reply *a = calloc(1, sizeof *a);

    assert_non_null(a);
    rig_ask(r, fd, "HEAD", "/v1/events", "", NULL, 0);
    while (!rig_peek(fd, a, true))
        rig_turn(r);
    assert_int_equal(a->status, 200);
    (void)close(fd);
    free(a);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(it_tells_what_happens_in_order),
        T(nothing_is_told_before_it_is_on_disk),
        T(it_goes_on_where_it_was),
        T(the_last_few),
        T(filters_and_scopes),
        T(many_share_what_is_read_once),
        T(a_burst_ends_no_stream),
        T(a_revoked_key_ends_its_streams),
        T(at_the_end_streams_end_cleanly),
        T(the_api_ends_under_an_open_stream),
        T(it_has_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
