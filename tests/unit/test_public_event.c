/* What applications are told of: each public event, its JSON, whose it is, and that it never changes. */
#include "api_rig.h"
#include "services/public_event.h"
#include "services/cases.h"
#include "store/keys.h"
#include <cjson/cJSON.h>

enum { EVENTS_MAX = 200 };
struct told {
    unsigned n;
    struct {
        struct public_event p;
        char type[40];
        struct hilo_str json;
    } e[EVENTS_MAX];
    struct arena *arena;
};

/* All public events since a sequence. */
static void tell(struct rig *r, uint64_t after, struct told *out)
{
    struct err e = {0};
    struct event ev;
    struct tail *t = store_tail(r->store);

    memset(out, 0, sizeof *out);
    out->arena = arena_new();
    assert_int_equal(tail_to_seq(t, after, &e), HILO_OK);
    while (tail_next(t, &ev, &e) == HILO_OK) {
        ev.body.p = arena_dup(out->arena, ev.body.p, (size_t)ev.body.n); /* filters come later */
        int32_t rc = public_event_look(&r->gw, &ev, out->arena, &out->e[out->n].p, &e);
        if (rc == HILO_NOSUP)
            continue;
        assert_int_equal(rc, HILO_OK);
        assert_true(out->n < EVENTS_MAX);
        rc = public_event_write(&r->gw, &ev, tail_id(t), &out->e[out->n].p, out->arena, &out->e[out->n].json,
                                &e);
        if (rc != HILO_OK)
            fail_msg("%s", e.text);
        (void)snprintf(out->e[out->n].type, sizeof out->e[out->n].type, "%s",
                       public_type_name(out->e[out->n].p.type));
        out->n++;
    }
    tail_free(&t);
}

static void forget(struct told *t)
{
    arena_free(&t->arena);
}

static const char *member(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

    return cJSON_IsString(v) ? v->valuestring : NULL;
}

/* The envelope is right whatever it is about; *data_out is owned by the caller by its root. */
static cJSON *parsed(const struct told *t, unsigned i, const cJSON **data_out)
{
    cJSON *o = cJSON_ParseWithLength(t->e[i].json.p, (size_t)t->e[i].json.n);
    struct hilo_id id;

    assert_non_null(o);
    assert_null(memchr(t->e[i].json.p, '\n', (size_t)t->e[i].json.n));
    assert_string_equal(member(o, "specversion"), "1.0");
    assert_string_equal(member(o, "type"), t->e[i].type);
    assert_string_equal(member(o, "datacontenttype"), "application/json");
    assert_int_equal(strncmp(member(o, "source"), "urn:hilo:store:", 15), 0);
    assert_non_null(member(o, "time"));
    assert_non_null(member(o, "subject"));
    assert_true(public_event_id_parse(str(member(o, "id")), &id));
    if (id_none(t->e[i].p.customer))
        assert_null(member(o, "partitionkey"));
    else
        assert_int_equal(strncmp(member(o, "partitionkey"), "cus_", 4), 0);
    *data_out = cJSON_GetObjectItemCaseSensitive(o, "data");
    assert_true(cJSON_IsObject(*data_out));
    return o;
}

static void expect(const struct told *t, const char *const *types)
{
    unsigned i = 0;

    for (; types[i]; i++)
        if (i >= t->n || strcmp(t->e[i].type, types[i]) != 0)
            fail_msg("event %u is %s, %s was expected", i, i < t->n ? t->e[i].type : "none", types[i]);
    if (i != t->n)
        fail_msg("%s was not expected", t->e[i].type);
}

static int setup(void **state)
{
    struct rig *r = rig_new();

    r->ch.credit = 10;
    r->ch.provides |= HILO_CAN_FETCH;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

static struct hilo_id send_text(struct rig *r, const char *text, unsigned repeat)
{
    struct message_plan plan;
    struct fault f = {0};
    struct hilo_writer w;
    char *p = arena_alloc(r->gw.arena, repeat + 1);

    memset(p, text[0], repeat);
    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, repeat ? str_n(p, repeat) : str(text));
    const struct message_request q = {.to = {.scheme = HILO_SCHEME_PHONE, .value = STR("+573001112233")},
                                      .channel = STR("wa"),
                                      .priority = 1,
                                      .content = hilo_written(&w)};
    store_begin(r->store);
    if (message_accept(&r->gw, &actor_core, &q, r->gw.arena, &plan, &f) != 0)
        fail_msg("%s: %s", f.code, f.text);
    store_end(r->store);
    rig_turn(r);
    return plan.id;
}

static void report(struct rig *r, struct hilo_id id, int32_t code, const char *ext, const char *reason)
{
    const struct hilo_report rep = {
        .size = sizeof rep, .code = code, .id = id, .ext_id = str(ext), .reason = str(reason)};
    struct err e = {0};

    store_begin(r->store);
    assert_int_equal(delivery_report(r->delivery, &r->ch, &rep, &e), HILO_OK);
    store_end(r->store);
    rig_turn(r);
}

static void receipt(struct rig *r, const char *ext, uint64_t status, uint64_t time)
{
    struct hilo_writer w;
    struct err e = {0};

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_RECEIPT);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, str(ext));
    hilo_put_u64(&w, HILO_T_MSG_TIME, time);
    hilo_open(&w, HILO_T_MSG_RECEIPT);
    hilo_put_u64(&w, HILO_T_RECEIPT_STATUS, status);
    hilo_close(&w);
    store_begin(r->store);
    if (message_submitted(&r->gw, &r->ch, hilo_written(&w), r->gw.arena, &e) != HILO_OK)
        fail_msg("%s", e.text);
    store_end(r->store);
    rig_turn(r);
}

#define ACCEPTED "hilo.message.accepted"
#define STATUS   "hilo.message.status"

/* The statuses of a message in the order in which they were told, "sent delivered". */
static void statuses(const struct told *t, char *out, size_t cap)
{
    *out = 0;
    for (unsigned i = 0; i < t->n; i++) {
        const cJSON *data;
        cJSON *o = parsed(t, i, &data);
        if (strcmp(t->e[i].type, STATUS) == 0)
            (void)snprintf(out + strlen(out), cap - strlen(out), "%s%s", *out ? " " : "",
                           member(data, "status"));
        cJSON_Delete(o);
    }
}

static void a_message_and_what_becomes_of_it(void **state)
{
    struct rig *r = *state;
    uint64_t from = store_seq(r->store);
    struct told t;
    const cJSON *data, *v;
    char words[200];

    struct hilo_id id = send_text(r, "hola", 0);
    report(r, id, HILO_AGAIN, "", "throttled");
    (void)id;
    tell(r, from, &t);
    expect(&t, (const char *const[]){"hilo.customer.created", "hilo.identifier.added",
                                     "hilo.conversation.opened", ACCEPTED, STATUS, NULL});
    cJSON *o = parsed(&t, 3, &data);
    assert_string_equal(member(o, "subject"), member(data, "id"));
    assert_string_equal(member(o, "partitionkey"), member(data, "customer"));
    assert_string_equal(member(data, "kind"), "outbound");
    assert_string_equal(member(data, "status"), "accepted");
    assert_string_equal(member(data, "channel"), "wa");
    v = cJSON_GetObjectItemCaseSensitive(data, "content");
    assert_string_equal(member(v, "text"), "hola");
    cJSON_Delete(o);
    o = parsed(&t, 4, &data);
    assert_string_equal(member(data, "status"), "queued");
    assert_string_equal(member(data, "reason"), "throttled");
    assert_non_null(member(data, "due"));
    assert_string_equal(member(o, "partitionkey"), member(data, "customer"));
    cJSON_Delete(o);
    statuses(&t, words, sizeof words);
    assert_string_equal(words, "queued");
    forget(&t);
}

static void statuses_are_told_once_and_only_when_they_move(void **state)
{
    struct rig *r = *state;
    uint64_t from;
    struct told t;
    char words[200];

    /* Receipts before the report: parked, and told when it is known whose they are. */
    from = store_seq(r->store);
    struct hilo_id id = send_text(r, "a", 0);
    receipt(r, "wamid.1", HILO_STATUS_DELIVERED, 5000000);
    receipt(r, "wamid.1", HILO_STATUS_READ, 6000000);
    report(r, id, HILO_OK, "wamid.1", "");
    tell(r, from, &t);
    statuses(&t, words, sizeof words);
    assert_string_equal(words, "sent delivered read");
    forget(&t);

    /* Overtaken: what came late moves nothing. */
    from = store_seq(r->store);
    id = send_text(r, "b", 0);
    report(r, id, HILO_OK, "wamid.2", "");
    receipt(r, "wamid.2", HILO_STATUS_READ, 6000000);
    receipt(r, "wamid.2", HILO_STATUS_DELIVERED, 5000000);
    receipt(r, "wamid.2", HILO_STATUS_SENT, 4000000);
    tell(r, from, &t);
    statuses(&t, words, sizeof words);
    assert_string_equal(words, "sent read");
    forget(&t);

    /* Two parts: delivered is the last of them. */
    from = store_seq(r->store);
    id = send_text(r, "c", 5000);
    report(r, id, HILO_OK, "wamid.3", "");
    receipt(r, "wamid.3", HILO_STATUS_DELIVERED, 5000000);
    rig_turn(r);
    report(r, id, HILO_OK, "wamid.4", "");
    tell(r, from, &t);
    statuses(&t, words, sizeof words);
    assert_string_equal(words, "queued sent");
    forget(&t);
    from = store_seq(r->store);
    receipt(r, "wamid.4", HILO_STATUS_DELIVERED, 7000000);
    tell(r, from, &t);
    statuses(&t, words, sizeof words);
    assert_string_equal(words, "delivered");
    const cJSON *data;
    cJSON *o = parsed(&t, 0, &data);
    assert_string_equal(member(data, "provider_id"), "wamid.4");
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(data, "parts")->valueint, 2);
    cJSON_Delete(o);
    forget(&t);
}

/* One send that is two messages at the provider: its status is theirs together. */
static void segments_are_told_as_one(void **state)
{
    struct rig *r = *state;
    uint64_t from = store_seq(r->store);
    const struct hilo_str more[] = {STR("s.2")};
    struct err e = {0};
    struct told t;
    const cJSON *data;
    char words[200];

    const struct hilo_report rep = {.size = sizeof rep,
                                    .code = HILO_OK,
                                    .id = send_text(r, "a", 0),
                                    .ext_id = STR("s.1"),
                                    .more_ext_ids = more,
                                    .n_more_ext_ids = 1};
    store_begin(r->store);
    assert_int_equal(delivery_report(r->delivery, &r->ch, &rep, &e), HILO_OK);
    store_end(r->store);
    receipt(r, "s.1", HILO_STATUS_FAILED, 5000000);
    tell(r, from, &t);
    statuses(&t, words, sizeof words);
    assert_string_equal(words, "sent");
    forget(&t);
    from = store_seq(r->store);
    receipt(r, "s.2", HILO_STATUS_DELIVERED, 6000000);
    tell(r, from, &t);
    /* The receipt says delivered; what became of the message, that one of two failed. */
    statuses(&t, words, sizeof words);
    assert_string_equal(words, "failed");
    cJSON *o = parsed(&t, 0, &data);
    assert_string_equal(member(data, "detail"), "1 of 2 segments failed");
    cJSON_Delete(o);
    forget(&t);
}

static void put_event(struct rig *r, const struct rec_desc *d, const void *ev)
{
    struct err e = {0};

    store_begin(r->store);
    if (store_append(r->store, d, ev, &actor_core, clock_wall_us(), NULL, &e) != HILO_OK)
        fail_msg("%s", e.text);
    store_end(r->store);
    rig_turn(r);
}

static void customers_cases_media_and_channels(void **state)
{
    struct rig *r = *state;
    struct reply *a = calloc(1, sizeof *a);
    uint64_t from = store_seq(r->store);
    struct told t;
    char path[200], body[300], cus[128], cas[128], text[128];
    const cJSON *data;
    struct err e = {0};
    struct hilo_writer w;

    assert_non_null(a);
    assert_int_equal(rig_post(r, "/v1/customers",
                              "{\"name\":\"Ana\\nMar\xc3\xad"
                              "a\",\"attributes\":{\"plan\":\"oro\"},"
                              "\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573009998877\"}]}",
                              a),
                     201);
    (void)rig_value(a, "id", cus);
    (void)snprintf(path, sizeof path, "/v1/customers/%s", cus);
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{\"name\":null,\"language\":\"es\"}", a), 200);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Factura\"}", cus);
    assert_int_equal(rig_post(r, "/v1/cases", body, a), 201);
    (void)rig_value(a, "id", cas);
    (void)snprintf(path, sizeof path, "/v1/cases/%s", cas);
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{\"status\":\"closed\",\"owner\":\"luis\"}", a),
                     200);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/consents/promotional", cus);
    assert_int_equal(rig_call(r, "PUT", path, JSON_TYPE,
                              "{\"state\":\"denied\",\"channel\":\"wa\",\"proof\":\"call\"}", a),
                     200);
    assert_int_equal(rig_post(r, "/v1/channels/wa/pause", "{\"reason\":\"night\"}", a), 200);
    assert_int_equal(rig_post(r, "/v1/channels/wa/resume", "{}", a), 200);

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, STR("wamid.in"));
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, STR("+573009998877"));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_MEDIA);
    hilo_put_u64(&w, HILO_T_CONTENT_KIND, HILO_MEDIA_IMAGE);
    hilo_put_str(&w, HILO_T_CONTENT_EXT_MEDIA, STR("m1"));
    hilo_close(&w);
    store_begin(r->store);
    assert_int_equal(message_submitted(&r->gw, &r->ch, hilo_written(&w), r->gw.arena, &e), HILO_OK);
    store_end(r->store);
    rig_turn(r);

    struct key k = key_ext(STR("wa"), STR("wamid.in"));
    struct hilo_str val;
    struct rec_message m;
    assert_int_equal(store_get(r->store, TABLE_EXT, key_str(&k), r->gw.arena, &val, &e), HILO_OK);
    k = key_of_id(key_tail_id(val));
    assert_int_equal(
        store_record(r->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, r->gw.arena, &m, &e), HILO_OK);
    /* A download that is tried again is nobody's business, and the last try is. */
    const struct ev_media_failed again = {.id = m.media, .due = 7, .attempts = 1, .reason = STR("timeout")};
    put_event(r, &ev_desc_media_failed, &again);
    const struct ev_media_failed failed = {.id = m.media, .attempts = 2, .reason = STR("timeout")};
    put_event(r, &ev_desc_media_failed, &failed);

    tell(r, from, &t);
    expect(&t,
           (const char *const[]){"hilo.customer.created", "hilo.identifier.added", "hilo.customer.updated",
                                 "hilo.case.opened", "hilo.case.updated", "hilo.consent.changed",
                                 "hilo.channel.paused", "hilo.channel.resumed", "hilo.conversation.opened",
                                 "hilo.message.received", "hilo.media.failed", NULL});
    for (unsigned i = 0; i < t.n; i++) {
        cJSON *o = parsed(&t, i, &data);
        bool of_channel = strncmp(t.e[i].type, "hilo.channel.", 13) == 0;
        if (of_channel)
            assert_string_equal(member(o, "subject"), "wa");
        else
            assert_string_equal(member(o, "partitionkey"), cus);
        if (i == 0) {
            assert_string_equal(member(data, "name"), "Ana\nMar\xc3\xad"
                                                      "a");
            assert_string_equal(member(cJSON_GetObjectItem(data, "attributes"), "plan"), "oro");
        } else if (i == 2) {
            assert_true(cJSON_IsNull(cJSON_GetObjectItem(data, "name")));
            assert_string_equal(member(data, "language"), "es");
            assert_null(cJSON_GetObjectItem(data, "attributes"));
        } else if (i == 4) {
            assert_string_equal(member(data, "status"), "closed");
            assert_string_equal(member(data, "owner"), "luis");
            assert_null(cJSON_GetObjectItem(data, "subject"));
        } else if (i == 5) {
            assert_string_equal(member(o, "subject"), cus);
            assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(data, "categories"), 0)->valuestring,
                                "promotional");
            assert_string_equal(member(data, "state"), "denied");
            assert_string_equal(member(data, "channel"), "wa");
            assert_string_equal(member(data, "how"), "api");
            assert_string_equal(member(data, "proof"), "call");
        } else if (i == 9) {
            assert_string_equal(member(data, "provider_id"), "wamid.in");
            id_format("med", m.media, text);
            assert_string_equal(member(data, "media"), text);
        } else if (i == 10) {
            assert_string_equal(member(data, "reason"), "timeout");
            assert_string_equal(member(data, "channel"), "wa");
        }
        cJSON_Delete(o);
    }

    /* Whatever happens later, and after a restart's reading, it is the same bytes. */
    struct told again_told;
    (void)snprintf(path, sizeof path, "/v1/cases/%s", cas);
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{\"status\":\"open\"}", a), 200);
    r->gw.name = STR("renamed");
    tell(r, from, &again_told);
    assert_int_equal(again_told.n, t.n + 1);
    for (unsigned i = 0; i < t.n; i++)
        assert_true(str_eq(t.e[i].json, again_told.e[i].json));
    forget(&again_told);

    /* Filters. */
    struct public_filter f = {.scopes = SCOPE_CASES_READ};
    unsigned seen = 0;
    for (unsigned i = 0; i < t.n; i++)
        seen += public_filter_takes(&f, &t.e[i].p);
    assert_int_equal(seen, 2);
    f = (struct public_filter){.scopes = SCOPE_ALL, .channel = STR("wa")};
    seen = 0;
    for (unsigned i = 0; i < t.n; i++)
        seen += public_filter_takes(&f, &t.e[i].p);
    assert_int_equal(seen, 6);
    f = (struct public_filter){.scopes = SCOPE_ALL};
    assert_true(id_parse("cas", str(cas), &f.case_id));
    seen = 0;
    for (unsigned i = 0; i < t.n; i++)
        seen += public_filter_takes(&f, &t.e[i].p);
    assert_int_equal(seen, 2);
    forget(&t);
    free(a);
}

/* "store/terminal/clerk" of an event's origin, and when; NULL at: no such member. */
static void told_origin(const struct told *t, unsigned i, const char *who, const char *at)
{
    const cJSON *data, *origin;
    char text[200];
    cJSON *o = parsed(t, i, &data);

    origin = cJSON_GetObjectItemCaseSensitive(data, "origin");
    if (!cJSON_IsObject(origin))
        fail_msg("%s: no origin", t->e[i].type);
    (void)snprintf(text, sizeof text, "%s/%s/%s", member(origin, "store"), member(origin, "terminal"),
                   member(origin, "clerk"));
    assert_string_equal(text, who);
    if (at)
        assert_string_equal(member(origin, "at"), at);
    else
        assert_null(cJSON_GetObjectItem(origin, "at"));
    cJSON_Delete(o);
}

/* What is done to people and cases at a counter, and said to them, says where, by whom and when, in each of
 * its events. */
static void what_is_done_says_by_whom(void **state)
{
#define AT_TILL "\"store\":\"CENTRO\",\"terminal\":\"3\",\"clerk\":\"luz\",\"at\":\"2026-01-02T03:04:05Z\""
#define WHO     "CENTRO/3/luz", "2026-01-02T03:04:05.000Z"
    struct rig *r = *state;
    struct reply *a = calloc(1, sizeof *a);
    uint64_t from = store_seq(r->store);
    char path[200], customer[200], opened[200], body[400], cus[128], cas[128], pointer[128];
    const cJSON *data;
    struct told t;

    assert_non_null(a);
    assert_int_equal(rig_post(r, "/v1/customers",
                              "{\"name\":\"Ana\"," AT_TILL
                              ",\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573009998877\"}]}",
                              a),
                     201);
    (void)rig_value(a, "id", cus);
    (void)snprintf(customer, sizeof customer, "/v1/customers/%s", cus);
    /* Nothing of herself changes: who took down the address is with the address. */
    assert_int_equal(rig_call(r, "PATCH", customer, JSON_TYPE,
                              "{" AT_TILL
                              ",\"add_identifiers\":[{\"scheme\":\"email\",\"value\":\"ana@example.com\"}],"
                              "\"remove_identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573009998877\"}]}",
                              a),
                     200);
    assert_int_equal(
        rig_call(r, "PATCH", customer, JSON_TYPE,
                 "{\"language\":\"es\",\"store\":\"NORTE\",\"terminal\":\"1\",\"clerk\":\"eva\"}", a),
        200);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",\"subject\":\"Factura\"," AT_TILL "}", cus);
    assert_int_equal(rig_post(r, "/v1/cases", body, a), 201);
    (void)rig_value(a, "id", cas);
    (void)snprintf(path, sizeof path, "/v1/cases/%s", cas);
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{\"status\":\"closed\"," AT_TILL "}", a), 200);
    /* Where nothing changes there is nothing to say it of. */
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{" AT_TILL "}", a), 200);
    assert_int_equal(rig_call(r, "PATCH", path, JSON_TYPE, "{\"owner\":\"luis\"}", a), 200);
    /* A message makes its customer, by the same hand. */
    assert_int_equal(rig_post(r, "/v1/messages",
                              "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\"," AT_TILL
                              ",\"content\":{\"type\":\"text\",\"text\":\"hola\"}}",
                              a),
                     202);
    tell(r, from, &t);
    expect(&t,
           (const char *const[]){"hilo.customer.created", "hilo.identifier.added", "hilo.identifier.removed",
                                 "hilo.identifier.added", "hilo.customer.updated", "hilo.case.opened",
                                 "hilo.case.updated", "hilo.case.updated", "hilo.customer.created",
                                 "hilo.identifier.added", "hilo.conversation.opened", ACCEPTED, NULL});
    for (unsigned i = 0; i < 4; i++)
        told_origin(&t, i, WHO);
    told_origin(&t, 4, "NORTE/1/eva", NULL);
    told_origin(&t, 5, WHO);
    told_origin(&t, 6, WHO);
    cJSON *o = parsed(&t, 7, &data);
    assert_null(cJSON_GetObjectItem(data, "origin"));
    cJSON_Delete(o);
    told_origin(&t, 8, WHO);
    told_origin(&t, 9, WHO);
    told_origin(&t, 11, WHO);
    forget(&t);

    /* And none of it is taken as it comes. */
    const char *const wrong[][2] = {
        {"\"clerk\":\"l\\nuz\"", "/clerk"},
        {"\"store\":\"" /* 33 letters of two bytes */
         "\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1"
         "\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1"
         "\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\"",
         "/store"},
        {"\"terminal\":null", "/terminal"},
        {"\"at\":\"2999-01-01T00:00:00Z\"", "/at"},
        {"\"at\":\"yesterday\"", "/at"},
    };
    const struct {
        const char *method, *path, *members;
    } to[] = {{"POST", "/v1/customers", "\"name\":\"x\""},
              {"PATCH", customer, "\"name\":\"x\""},
              {"POST", "/v1/cases", opened},
              {"PATCH", path, "\"subject\":\"x\""},
              {"POST", "/v1/messages",
               "\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\","
               "\"text\":\"x\"}"}};
    (void)snprintf(opened, sizeof opened, "\"customer\":\"%s\",\"subject\":\"x\"", cus);
    from = store_seq(r->store);
    for (unsigned i = 0; i < sizeof to / sizeof *to; i++)
        for (unsigned k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            (void)snprintf(body, sizeof body, "{%s,%s}", to[i].members, wrong[k][0]);
            assert_int_equal(rig_call(r, to[i].method, to[i].path, JSON_TYPE, body, a), 422);
            assert_string_equal(rig_value(a, "pointer", pointer), wrong[k][1]);
        }
    assert_int_equal(store_seq(r->store), from);
    free(a);
#undef AT_TILL
#undef WHO
}

static void types_are_parsed(void **state)
{
    struct hilo_str word;
    uint64_t bits = 0;

    (void)state;
    assert_true(public_types_parse(STR("hilo.message.received"), &bits, &word));
    assert_int_equal(bits, 1u << PUBLIC_MESSAGE_RECEIVED);
    assert_true(public_types_parse(STR("message.*,case.opened"), &bits, &word));
    assert_int_equal(bits, 1u << PUBLIC_MESSAGE_RECEIVED | 1u << PUBLIC_MESSAGE_ACCEPTED |
                               1u << PUBLIC_MESSAGE_STATUS | 1u << PUBLIC_CASE_OPENED |
                               UINT64_C(1) << PUBLIC_MESSAGE_TRANSCRIBED);
    assert_true(public_types_parse(STR("hilo.*"), &bits, &word));
    assert_int_equal(bits, (UINT64_C(1) << PUBLIC__END) - 1);
    assert_false(public_types_parse(STR("message.received,mesage.*"), &bits, &word));
    assert_true(str_eqz(word, "mesage.*"));
    assert_false(public_types_parse(STR("message.received,"), &bits, &word));
    assert_false(public_types_parse(STR("message"), &bits, &word));
    assert_false(public_types_parse(STR("*"), &bits, &word));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_message_and_what_becomes_of_it), T(statuses_are_told_once_and_only_when_they_move),
        T(segments_are_told_as_one),         T(customers_cases_media_and_channels),
        T(what_is_done_says_by_whom),        cmocka_unit_test(types_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
