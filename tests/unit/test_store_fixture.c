/*
 * Stores that earlier versions left behind (tests/fixtures): what is in them must say the same to this
 * version, as they stand and with a context built anew from the journal, and go on.
 *
 * HILO_FIXTURE=DIR makes one instead: a life that has something of everything, by `make fixture`.
 */
#include "test_store_tools.h"

#include "base/buf.h"
#include "store/context_table.h"
#include "store/media.h"
#include <errno.h>
#include <glob.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

/* ---- what a store says ---- */

/* The record of each table; none: the value is printed as it is. */
static const struct rec_desc *desc_of(enum table t)
{
    switch (t) {
    case TABLE_CUSTOMER:
        return &rec_desc_customer;
    case TABLE_THREAD:
        return &rec_desc_thread;
    case TABLE_IDENTIFIER:
        return &rec_desc_identifier;
    case TABLE_CONVERSATION:
        return &rec_desc_conversation;
    case TABLE_MESSAGE:
        return &rec_desc_message;
    case TABLE_IDEMPOTENCY:
        return &rec_desc_idempotency;
    case TABLE_CASE:
        return &rec_desc_case;
    case TABLE_MEDIA:
        return &rec_desc_media;
    case TABLE_KEY:
        return &rec_desc_key;
    case TABLE_CHANNEL:
        return &rec_desc_channel;
    case TABLE_TEMPLATE:
        return &rec_desc_template;
    case TABLE_CONSENT:
    case TABLE_CONSENT_ADDRESS:
        return &rec_desc_consent;
    case TABLE_CALLBACK:
        return &rec_desc_callback;
    case TABLE_APPOINTMENT:
        return &rec_desc_appointment;
    case TABLE_CALL:
        return &rec_desc_call;
    case TABLE_WEBHOOK:
        return &rec_desc_webhook;
    case TABLE_WEBHOOK_PARKED:
        return &rec_desc_parked;
    case TABLE_PLUGIN:
        return &rec_desc_plugin_value;
    case TABLE_PARTS:
        return &rec_desc_parts;
    default:
        return NULL;
    }
}

/* Printable as it is, the rest as \xx. */
static void put_bytes(struct buf *b, struct hilo_str s)
{
    for (uint64_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        assert_int_equal(buf_fmt(b, c > 0x20 && c < 0x7f && c != '\\' ? "%c" : "\\%02x", c), HILO_OK);
    }
}

/* "name=value" of what is not zero or empty, so that fields of later versions don't show. */
static void put_record(struct buf *b, const struct rec_desc *d, const void *obj)
{
    struct hilo_str s;
    struct hilo_id id;
    uint64_t n;

    for (uint32_t i = 0; i < d->n; i++) {
        const struct rec_field *f = &d->field[i];
        const char *at = (const char *)obj + f->offset;
        if (f->type == REC_U64) {
            memcpy(&n, at, sizeof n);
            if (n)
                assert_int_equal(buf_fmt(b, " %s=%llu", f->name, (unsigned long long)n), HILO_OK);
            continue;
        }
        if (f->type == REC_ID) {
            memcpy(&id, at, sizeof id);
            s = id_none(id) ? (struct hilo_str){0} : str_n(&id, sizeof id);
        } else {
            memcpy(&s, at, sizeof s);
        }
        if (s.n) {
            assert_int_equal(buf_fmt(b, " %s=", f->name), HILO_OK);
            put_bytes(b, s);
        }
    }
}

struct dump {
    struct buf *out;
    enum table table;
};

static bool dump_entry(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct dump *d = arg;
    const struct rec_desc *desc = desc_of(d->table);
    union {
        uint64_t align;
        char bytes[1024];
    } obj;
    struct err e = {0};

    if (d->table == TABLE_META && (str_eqz(key, "format") || str_eqz(key, "reached")))
        return true;
    assert_int_equal(buf_fmt(d->out, "%s ", table_name(d->table)), HILO_OK);
    put_bytes(d->out, key);
    assert_int_equal(buf_fmt(d->out, ":"), HILO_OK);
    if (desc) {
        assert_true(desc->bytes <= sizeof obj);
        if (rec_unpack(desc, val, &obj, &e) != HILO_OK)
            fail_msg("%s: %s", table_name(d->table), e.text);
        put_record(d->out, desc, &obj);
    } else {
        assert_int_equal(buf_fmt(d->out, " "), HILO_OK);
        put_bytes(d->out, val);
    }
    assert_int_equal(buf_fmt(d->out, "\n"), HILO_OK);
    return true;
}

/* Each message's record, to be looked at when the store is open again. */
struct messages {
    struct rec_message at[64];
    unsigned n;
};

static bool keep_message(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct messages *m = arg;
    struct err e = {0};

    (void)key;
    assert_true(m->n < sizeof m->at / sizeof *m->at);
    assert_int_equal(rec_unpack(&rec_desc_message, val, &m->at[m->n++], &e), HILO_OK);
    return true;
}

/* The bytes that the journal has of it. */
static void look_at_message(struct rig *r, const struct rec_message *m)
{
    struct hilo_str bytes;

    OK(r, store_message_bytes(r->store, m, r->arena, &bytes, &r->err));
    assert_int_equal(hilo_get_u64(bytes, HILO_T_MSG_KIND), m->kind);
    assert_true(id_eq(hilo_get_id(bytes, HILO_T_MSG_CUSTOMER), m->customer));
}

/* All tables. The rig's store is open before and after, and not meanwhile: a process opens
 * LMDB once. */
static void dump(struct rig *r, struct buf *out)
{
    struct messages *m = calloc(1, sizeof *m);
    struct context *context = NULL;
    char dir[128];

    assert_non_null(m);
    store_close(&r->store);
    (void)snprintf(dir, sizeof dir, "%s/context", r->dir);
    const struct context_options o = {.dir = dir, .map_bytes = 64 << 20, .read_only = true};
    OK(r, context_open(&o, &r->err, &context));
    for (unsigned t = 0; t < TABLE__COUNT; t++) {
        struct dump d = {out, (enum table)t};
        OK(r, context_walk(context, (enum table)t, dump_entry, &d, &r->err));
    }
    OK(r, context_walk(context, TABLE_MESSAGE, keep_message, m, &r->err));
    context_close(&context);
    rig_open(r);
    assert_true(m->n > 10);
    for (unsigned i = 0; i < m->n; i++)
        look_at_message(r, &m->at[i]);
    free(m);
    assert_int_equal(buf_add(out, "", 1), HILO_OK);
}

/* ---- files ---- */

static void run(const char *const *words)
{
    char *argv[16] = {0};
    pid_t pid;
    int status;

    for (unsigned i = 0; words[i]; i++)
        assert_non_null(argv[i] = strdup(words[i]));
    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (unsigned i = 0; argv[i]; i++)
        free(argv[i]);
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = calloc(1, 1 << 20);

    if (!f || !text)
        fail_msg("%s: %s", path, strerror(errno));
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    assert_int_equal(fclose(f), 0);
    return text;
}

/* The first line that is not the same. */
static void compare(const char *is, const char *expected, const char *which)
{
    unsigned line = 1;

    for (; *is && *is == *expected; is++, expected++)
        line += *is == '\n';
    if (*is != *expected)
        fail_msg("%s, line %u: \"%.200s\" is expected, it says \"%.200s\"", which, line, expected, is);
}

/* ---- old stores ---- */

static void goes_on(struct rig *r)
{
    struct person p;

    r->ids = UINT64_C(1) << 40;
    r->now += INT64_C(86400) * SECOND;
    p = rig_person(r, "+573009998877");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, "wamid.later");
    EXPECT(r, id, NONE, SENT);
    rig_clean(r);
}

static void says_the_same(const char *folder, bool rebuilt)
{
    struct rig *r;
    void *state;
    char path[300], context[160];
    struct buf out = {0};
    char *expected;

    rig_setup(&state);
    r = state;
    store_close(&r->store);
    folder_remove(r->dir);
    assert_int_equal(mkdir(r->dir, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/store.tar.gz", folder);
    run((const char *const[]){"tar", "-xzf", path, "-C", r->dir, NULL});
    if (rebuilt) {
        (void)snprintf(context, sizeof context, "%s/context", r->dir);
        folder_remove(context);
    }
    int32_t rc = rig_check(r);
    if (rc != HILO_OK || (r->listing[0] && !rebuilt))
        fail_msg("%s: %s\n%s", folder, r->err.text, r->listing);
    rig_open(r);
    dump(r, &out);
    (void)snprintf(path, sizeof path, "%s/expected.txt", folder);
    expected = read_text(path);
    compare(out.p, expected, path);
    goes_on(r);
    free(expected);
    buf_done(&out);
    rig_teardown(&state);
}

static void each(bool rebuilt)
{
    glob_t found;

    assert_int_equal(glob("tests/fixtures/store-v*", GLOB_ERR, NULL, &found), 0);
    assert_true(found.gl_pathc >= 1);
    for (size_t i = 0; i < found.gl_pathc; i++)
        says_the_same(found.gl_pathv[i], rebuilt);
    globfree(&found);
}

static void old_stores_say_the_same(void **state)
{
    (void)state;
    each(false);
}

static void contexts_built_anew_from_old_journals_say_the_same(void **state)
{
    (void)state;
    each(true);
}

/* ---- a life ---- */

static void put_media(struct rig *r, const char *contents, struct media_stored *out)
{
    struct media_store *media = NULL;
    struct media_file *file = NULL;
    const struct media_options o = {.dir = store_media_dir(r->store), .max_bytes = 1 << 20};

    OK(r, media_store_open(&o, &r->err, &media));
    OK(r, media_begin(media, &r->err, &file));
    OK(r, media_write(file, contents, strlen(contents), &r->err));
    OK(r, media_finish(&file, (struct hilo_str){0}, out, &r->err));
    media_store_close(&media);
}

static void life_of_people(struct rig *r, struct person *ana, struct person *luis)
{
    *ana = rig_person(r, "+573001112233");
    *luis = rig_person(r, "+573004445566");
    EMIT(r, customer_updated, .id = ana->customer, .set = 15, .name = STR("Ana G\xc3\xb3mez"),
         .language = STR("es"), .time_zone = STR("America/Bogota"), .attributes = STR("{\"tier\":\"gold\"}"));
    EMIT(r, identifier_added, .customer = ana->customer, .scheme = HILO_SCHEME_DOCUMENT,
         .value = STR("CO:CC:1020304050"), .verified = 1);
    EMIT(r, identifier_added, .customer = luis->customer, .scheme = HILO_SCHEME_EMAIL,
         .value = STR("luis@example.com"), .source = CHANNEL);
    EMIT(r, identifier_removed, .customer = luis->customer, .scheme = HILO_SCHEME_EMAIL,
         .value = STR("luis@example.com"));
    EMIT(r, conversation_address, .id = ana->conversation, .party = rig_party(r->arena, STR("+573001112234")),
         .main = 1);
}

/* One in each place and status. */
static void life_of_messages(struct rig *r, const struct person *ana, const struct person *luis,
                             struct hilo_id case_id)
{
    static const struct {
        const char *phone;
        uint64_t status;
    } ends[] = {{"+573000000001", HILO_STATUS_SENT},
                {"+573000000002", HILO_STATUS_FAILED},
                {"+573000000003", HILO_STATUS_IN_DOUBT},
                {"+573000000004", HILO_STATUS_QUEUED},
                {"+573000000005", HILO_STATUS_EXPIRED}};
    struct hilo_id id = rig_receive(r, ana, (struct draft){.ext_id = STR("wamid.in1"), .case_id = case_id});

    id = rig_accept(r, ana, (struct draft){.reply_to = id, .case_id = case_id});
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, "wamid.out1");
    rig_receipt(r, id, "wamid.out1", HILO_STATUS_DELIVERED);
    rig_receipt(r, nobody, "wamid.out1", HILO_STATUS_READ);
    rig_receipt(r, nobody, "wamid.unknown", HILO_STATUS_DELIVERED); /* parked */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct person p = rig_person(r, ends[i].phone);
        id = rig_accept(r, &p, (struct draft){.policy = i % 2 ? POLICY_RESEND : POLICY_HOLD});
        rig_claim(r, id);
        rig_report(r, id, ends[i].status, ends[i].status == HILO_STATUS_SENT ? "wamid.x" : "");
    }
    (void)rig_accept(r, luis, (struct draft){.priority = 1}); /* due */
    (void)rig_accept(r, luis, (struct draft){0});             /* waits behind it */
    id = rig_accept(r, luis, (struct draft){.expires = r->now + 5 * SECOND});
    EMIT(r, message_settled, .id = id, .status = HILO_STATUS_CANCELED, .reason = STR("by request"));
    struct person asked = rig_person(r, "+573000000009");
    (void)rig_accept(r, &asked, (struct draft){.due = r->now + 60 * SECOND}); /* scheduled */
    id = rig_accept(r, &asked, (struct draft){.due = r->now + 5 * SECOND});
    (void)rig_accept(r, &asked, (struct draft){0});
    EMIT(r, message_due, .id = id, .content = HILO_CONTENT_TEXT); /* waits behind it */
    struct person told = rig_person(r, "+573000000007");
    id = rig_accept(r, &told, (struct draft){0});
    rig_claim(r, id);
    rig_report(r, id, HILO_STATUS_SENT, "wamid.told");
    rig_receipt(r, id, "wamid.told", HILO_STATUS_DELIVERED);
    struct person flying = rig_person(r, "+573000000006");
    id = rig_accept(r, &flying, (struct draft){.parts = 2});
    rig_claim(r, id);
    rig_report_part(r, id, "wamid.part1");
    rig_claim(r, id); /* in flight */
}

/* What is one message here and several at the peer. */
static void life_of_several(struct rig *r, const struct person *luis)
{
    struct person p = rig_person(r, "+573000000008");
    struct hilo_id id = rig_accept(r, &p, (struct draft){0});

    rig_claim(r, id);
    rig_report_several(r, id, HILO_STATUS_SENT, "sms.1 sms.2 sms.3");
    rig_receipt(r, id, "sms.2", HILO_STATUS_DELIVERED);
    rig_receipt(r, id, "sms.3", HILO_STATUS_FAILED);
    rig_park(r, "1A 26 0000001a", HILO_STATUS_DELIVERED);
    rig_part(r, "luis/7/2", 1, 2, "mo.1");
    (void)rig_receive(r, luis, (struct draft){.ext_id = STR("mo.1"), .joined = STR("luis/7/2")});
    rig_part(r, "luis/8/3", 3, 3, "mo.5");
    rig_part(r, "luis/8/3", 1, 3, "mo.3");
}

static void life_of_the_rest(struct rig *r, const struct person *ana, const struct person *luis)
{
    static const uint8_t hash[32] = {1, 2, 3}, other[32] = {4, 5, 6};
    struct hilo_id media = rig_id(r), pending = rig_id(r), lost = rig_id(r), key = rig_id(r);
    struct media_stored stored;
    struct hilo_writer w;

    arena_writer(r->arena, &w);
    hilo_put_str(&w, HILO_T_TEMPLATE_NAME, STR("pedir_foto"));
    hilo_put_str(&w, HILO_T_TEMPLATE_LANGUAGE, STR("es"));
    hilo_put_str(&w, HILO_T_TEMPLATE_TEXT, STR("Hola {{1}}"));
    put_media(r, "the contents of an invoice", &stored);
    EMIT(r, media_added, .id = rig_id(r), .sha256 = str_n(stored.hash, 32), .size = stored.bytes,
         .mime = STR("application/pdf"), .filename = STR("factura.pdf"));
    (void)rig_receive(r, ana, (struct draft){.ext_id = STR("wamid.in2"), .media = media});
    put_media(r, "the bytes of a photo", &stored);
    EMIT(r, media_stored, .id = media, .sha256 = str_n(stored.hash, 32), .size = stored.bytes,
         .mime = STR("image/jpeg"));
    (void)rig_receive(r, ana, (struct draft){.ext_id = STR("wamid.in3"), .media = pending});
    EMIT(r, media_failed, .id = pending, .due = (uint64_t)(r->now + 60 * SECOND), .attempts = 1,
         .reason = STR("timeout"));
    (void)rig_receive(r, luis, (struct draft){.ext_id = STR("wamid.in4"), .media = lost});
    EMIT(r, media_failed, .id = lost, .attempts = 5, .reason = STR("gone"));
    EMIT(r, key_created, .id = rig_id(r), .hash = str_n(hash, 32), .name = STR("shop"),
         .scopes = STR("messages:write"));
    EMIT(r, key_created, .id = key, .hash = str_n(other, 32), .name = STR("old"),
         .scopes = STR("messages:read"));
    EMIT(r, key_revoked, .id = key);
    EMIT(r, channel_paused, .channel = STR("sms-co"), .reason = STR("stock taking"));
    EMIT(r, template_stored, .channel = CHANNEL, .name = STR("pedir_foto"), .language = STR("es"),
         .body = hilo_written(&w));
    EMIT(r, plugin_put, .plugin = STR("whatsapp"), .subject = STR("106540352242922"), .key = STR("token"),
         .value = STR("kept"));
    EMIT(r, idempotency_stored, .key = str_n(hash, 16), .request = str_n(other, 16), .status = 202,
         .answer = STR("{\"id\":\"msg_1\"}"), .location = STR("/v1/messages/msg_1"));
    EMIT(r, secret_created, .name = STR("link"), .value = str_n(other, 32));
    arena_writer(r->arena, &w);
    hilo_put_str(&w, 1, rig_party(r->arena, STR("+573001112233")));
    EMIT(r, consent_changed, .customer = ana->customer,
         .categories = 1 << HILO_CATEGORY_PROMOTIONAL | 1 << HILO_CATEGORY_SERVICE, .reach = CONSENT_CHANNEL,
         .name = CHANNEL, .state = CONSENT_DENIED, .how = CONSENT_BY_API, .parties = hilo_written(&w),
         .proof = STR("form 7"));
    EMIT(r, consent_changed, .customer = luis->customer, .categories = 1 << HILO_CATEGORY_PROMOTIONAL,
         .reach = CONSENT_ALL, .state = CONSENT_GRANTED, .how = CONSENT_BY_CLI);
    EMIT(r, case_opened, .id = rig_id(r), .customer = luis->customer, .subject = STR("Cambio"),
         .status = CASE_CLOSED);
}

/* One that is to come, with a reminder that is scheduled; one that was kept; one that was canceled. */
static void life_of_appointments(struct rig *r, const struct person *ana, const struct person *luis,
                                 struct hilo_id case_id)
{
    const struct rec_notice n[] = {
        {.kind = NOTICE_CONFIRMATION, .code = STR("window_closed"), .detail = STR("send a template")},
        {.kind = NOTICE_REMINDER,
         .message =
             rig_accept(r, ana, (struct draft){.case_id = case_id, .due = r->now + INT64_C(3600) * SECOND}),
         .before = UINT64_C(3600) * SECOND,
         .due = (uint64_t)(r->now + INT64_C(3600) * SECOND)}};
    struct rec_appointment a = {.customer = ana->customer,
                                .case_id = case_id,
                                .code = STR("K7QM2P"),
                                .status = APPOINTMENT_CONFIRMED,
                                .store = STR("centro"),
                                .place = STR("Tienda Centro"),
                                .subject = STR("Cambio"),
                                .starts = (uint64_t)(r->now + INT64_C(7200) * SECOND),
                                .near = (uint64_t)(r->now + INT64_C(6300) * SECOND),
                                .messages = rig_notices(r->arena, n, 2),
                                .booked = (uint64_t)r->now};
    const struct hilo_id kept = rig_id(r), gone = rig_id(r);

    EMIT(r, appointment_booked, .id = rig_id(r), .appointment = rig_appointment(r->arena, &a),
         .clerk = STR("ana"));
    a = (struct rec_appointment){.customer = luis->customer,
                                 .code = STR("C3DF4G"),
                                 .status = APPOINTMENT_BOOKED,
                                 .store = STR("norte"),
                                 .starts = (uint64_t)r->now,
                                 .near = (uint64_t)(r->now - SECOND)};
    EMIT(r, appointment_booked, .id = kept, .appointment = rig_appointment(r->arena, &a));
    a.near = 0, a.told = (uint64_t)r->now;
    EMIT(r, appointment_near, .id = kept, .appointment = rig_appointment(r->arena, &a));
    a.status = APPOINTMENT_CHECKED_IN, a.checked_in = (uint64_t)r->now;
    EMIT(r, appointment_checked_in, .id = kept, .appointment = rig_appointment(r->arena, &a),
         .store = STR("norte"));
    a = (struct rec_appointment){.customer = luis->customer,
                                 .code = STR("H5JK6M"),
                                 .status = APPOINTMENT_BOOKED,
                                 .store = STR("norte"),
                                 .starts = (uint64_t)(r->now + 90 * SECOND)};
    EMIT(r, appointment_booked, .id = gone, .appointment = rig_appointment(r->arena, &a));
    a.status = APPOINTMENT_CANCELED, a.answer = APPOINTMENT_ANSWER_CANCEL, a.answered = (uint64_t)r->now;
    EMIT(r, appointment_changed, .id = gone, .appointment = rig_appointment(r->arena, &a),
         .set = APPOINTMENT_SET_STATUS | APPOINTMENT_SET_ANSWER);
}

/* One that is over, with what was said in it, which turned out to be another's; one that goes on; and a
 * message that rang and was not taken. */
static void life_of_calls(struct rig *r, const struct person *ana, const struct person *luis,
                          struct hilo_id case_id)
{
    const struct person eva = rig_person(r, "+573007778899");
    const struct hilo_id first = rig_id(r), second = rig_id(r),
                         said = rig_receive(r, ana, (struct draft){.ext_id = STR("call-1#rec1")}),
                         rang = rig_accept(r, &eva, (struct draft){0});
    struct rec_call c = {.customer = luis->customer,
                         .channel = STR("voz"),
                         .direction = CALL_INBOUND,
                         .status = CALL_RINGING,
                         .party = rig_party(r->arena, STR("+573004445566")),
                         .provider_id = STR("call-1"),
                         .started = (uint64_t)r->now,
                         .entry = rig_id(r)};

    EMIT(r, call_started, .id = first, .entry = rig_entry(r->arena, first, &c),
         .call = rig_call(r->arena, &c));
    c.status = CALL_ANSWERED, c.answered = (uint64_t)r->now;
    c.customer = ana->customer, c.entry = rig_id(r);
    EMIT(r, call_changed, .id = first, .entry = rig_entry(r->arena, first, &c),
         .call = rig_call(r->arena, &c), .set = CALL_SET_STATUS | CALL_SET_CUSTOMER, .at = 5);
    c.status = CALL_OFFERED, c.to = STR("ventas"), c.case_id = case_id, c.consent = CALL_CONSENT_ANNOUNCED;
    EMIT(r, call_offered, .id = first, .call = rig_call(r->arena, &c), .set = CALL_SET_STATUS | CALL_SET_CASE,
         .context = STR("{}"));
    c.status = CALL_ENDED, c.ended = (uint64_t)r->now, c.duration_ms = 61000, c.sip = 486;
    c.reason = STR("busy"), c.text = STR("Busy here"), c.digits = STR("12");
    EMIT(r, call_changed, .id = first, .call = rig_call(r->arena, &c),
         .set = CALL_SET_STATUS | CALL_SET_DETAILS);
    EMIT(r, message_transcribed, .id = said, .text = STR("se me dañó"), .language = STR("es"),
         .service = STR("whisper"));
    c = (struct rec_call){.customer = eva.customer,
                          .channel = STR("voz"),
                          .direction = CALL_OUTBOUND,
                          .status = CALL_RINGING,
                          .message = rang,
                          .started = (uint64_t)r->now,
                          .entry = rig_id(r)};
    EMIT(r, call_started, .id = second, .entry = rig_entry(r->arena, second, &c),
         .call = rig_call(r->arena, &c), .at = 7);
    EMIT(r, message_claimed, .id = rang, .attempt = 1);
    EMIT(r, message_receipt, .id = rang, .channel = CHANNEL, .status = HILO_STATUS_SENT, .time = 9);
    EMIT(r, message_reported, .id = rang, .status = HILO_STATUS_QUEUED, .due = (uint64_t)r->now,
         .attempts = 1, .reason = STR("no_answer"), .untaken = 1);
}

static void make(const char *folder)
{
    struct rig *r;
    void *state;
    struct person ana, luis;
    struct buf out = {0};
    char path[300];
    FILE *f;

    rig_setup(&state);
    r = state;
    life_of_people(r, &ana, &luis);
    struct hilo_id case_id = rig_id(r);
    EMIT(r, case_opened, .id = case_id, .customer = ana.customer, .subject = STR("Televisor"),
         .owner = STR("Luis"), .status = CASE_OPEN);
    life_of_messages(r, &ana, &luis, case_id);
    life_of_several(r, &luis);
    life_of_the_rest(r, &ana, &luis);
    life_of_appointments(r, &ana, &luis, case_id);
    life_of_calls(r, &ana, &luis, case_id);
    EMIT(r, case_updated, .id = case_id, .set = 4, .status = CASE_PENDING);
    rig_clean(r);
    dump(r, &out);
    store_close(&r->store);
    (void)snprintf(path, sizeof path, "%s/context/lock.mdb", r->dir);
    assert_int_equal(unlink(path), 0);
    assert_true(mkdir(folder, 0755) == 0 || errno == EEXIST);
    (void)snprintf(path, sizeof path, "%s/expected.txt", folder);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(out.p, f) >= 0);
    assert_int_equal(fclose(f), 0);
    (void)snprintf(path, sizeof path, "%s/store.tar.gz", folder);
    run((const char *const[]){"tar", "-czf", path, "--sort=name", "--mtime=@0", "--owner=0", "--group=0",
                              "--numeric-owner", "-C", r->dir, ".", NULL});
    buf_done(&out);
    rig_teardown(&state);
}

static void a_fixture_is_made(void **state)
{
    (void)state;
    make(getenv("HILO_FIXTURE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_stores_say_the_same),
        cmocka_unit_test(contexts_built_anew_from_old_journals_say_the_same),
    };
    const struct CMUnitTest making[] = {cmocka_unit_test(a_fixture_is_made)};

    if (getenv("HILO_FIXTURE"))
        return cmocka_run_group_tests(making, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
