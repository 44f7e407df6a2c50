/*
 * What store_check finds: a store that holds something of everything, one thing damaged
 * at a time, and the words that must come for it.
 */
#include "test_store_tools.h"

#include "store/context_table.h"
#include "store/lmdb_env.h"
#include "store/several.h"
#include <glob.h>

struct scene {
    struct rig *r;
    struct person ana, eva, luz;
    struct hilo_id sent, several, flight, waiting, due, held, asked, in, scheduled;
    struct hilo_id pending, stored, case_id, key_id;
    uint64_t parked; /* the event that parked a receipt by two spellings */
    struct hilo_id webhook, appointment, call, entry;
    char hash[32];
};

/* ---- something of everything ---- */

static const char contents_hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void media_path(const struct rig *r, char *path, size_t cap)
{
    (void)snprintf(path, cap, "%s/media/%.2s", r->dir, contents_hex);
    (void)mkdir(path, 0700);
    (void)snprintf(path, cap, "%s/media/%.2s/%s", r->dir, contents_hex, contents_hex + 2);
}

static void media_write(const struct rig *r, const char *text)
{
    char path[256];

    media_path(r, path, sizeof path);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void scene_messages(struct scene *s)
{
    struct rig *r = s->r;

    s->sent = rig_accept(r, &s->ana, (struct draft){.case_id = s->case_id});
    rig_claim(r, s->sent);
    rig_report(r, s->sent, HILO_STATUS_SENT, "wamid.1");
    s->asked = rig_accept(r, &s->ana, (struct draft){.content = HILO_CONTENT_CHOICES});
    s->flight = s->asked;
    rig_claim(r, s->flight);
    s->waiting = rig_accept(r, &s->ana, (struct draft){0});
    s->several = rig_accept(r, &s->eva, (struct draft){0});
    rig_claim(r, s->several);
    rig_report_several(r, s->several, HILO_STATUS_SENT, "seg.1 seg.2 seg.3");
    rig_park(r, "1A 26", HILO_STATUS_READ);
    s->parked = r->seq;
    rig_part(r, "ref", 2, 3, "part.2");
    s->held = rig_accept(r, &s->eva, (struct draft){0});
    rig_claim(r, s->held);
    rig_report(r, s->held, HILO_STATUS_IN_DOUBT, "");
    s->due = rig_accept(r, &s->luz, (struct draft){.priority = 1});
    s->pending = rig_id(r);
    s->in = rig_receive(r, &s->luz,
                        (struct draft){.ext_id = STR("in.1"), .media = s->pending, .case_id = nobody});
    rig_receipt(r, nobody, "wamid.unknown", HILO_STATUS_READ);
    s->scheduled = rig_accept(r, &s->eva, (struct draft){.due = r->now + SECOND});
}

static void scene_make(struct scene *s, struct rig *r)
{
    uint8_t hash[32];

    *s = (struct scene){.r = r};
    s->ana = rig_person(r, "+573001112233");
    s->eva = rig_person(r, "+573004445566");
    s->luz = rig_person(r, "+573007778899");
    s->case_id = rig_id(r);
    EMIT(r, case_opened, .id = s->case_id, .customer = s->ana.customer, .status = CASE_OPEN);
    scene_messages(s);
    media_write(r, "");
    assert_true(str_unhex(str(contents_hex), hash, sizeof hash));
    s->stored = rig_id(r);
    EMIT(r, media_added, .id = s->stored, .sha256 = str_n(hash, sizeof hash), .mime = STR("text/plain"));
    s->key_id = rig_id(r);
    memset(s->hash, 7, sizeof s->hash);
    EMIT(r, key_created, .id = s->key_id, .hash = str_n(s->hash, sizeof s->hash), .name = STR("shop"));
    EMIT(r, channel_paused, .channel = CHANNEL, .reason = STR("night"));
    EMIT(r, template_stored, .channel = CHANNEL, .name = STR("t"), .language = STR("es"),
         .body = STR("\1\1t\2\2es"));
    struct hilo_writer w;
    arena_writer(r->arena, &w);
    hilo_put_str(&w, 1, rig_party(r->arena, STR("+573001112233")));
    EMIT(r, consent_changed, .customer = s->ana.customer, .categories = 1 << HILO_CATEGORY_PROMOTIONAL,
         .reach = CONSENT_CHANNEL, .name = CHANNEL, .state = CONSENT_DENIED, .how = CONSENT_BY_API,
         .parties = hilo_written(&w));
    EMIT(r, plugin_put, .plugin = STR("whatsapp"), .subject = STR("s"), .key = STR("k"), .value = STR("v"));
    EMIT(r, idempotency_stored, .key = STR("idem"), .status = 202, .answer = STR("{}"));
    EMIT(r, secret_created, .name = STR("link"), .value = STR("secret"));
    s->webhook = rig_id(r);
    EMIT(r, webhook_created, .id = s->webhook, .url = STR("https://example.com/"),
         .secret = STR("0123456789abcdefghijklmn"));
    EMIT(r, webhook_progress, .id = s->webhook, .seq = r->seq);
    EMIT(r, webhook_parked, .id = s->webhook, .customer = s->ana.customer, .seq = 3, .attempts = 1, .due = 1);
    EMIT(r, webhook_parked, .id = s->webhook, .customer = s->ana.customer, .seq = 4);
    EMIT(r, callback_asked, .id = s->sent, .mask = CALLBACK_TAKEN, .url = STR("http://127.0.0.1/%d"));
    s->appointment = rig_id(r);
    const struct rec_notice n = {.kind = NOTICE_CONFIRMATION, .message = s->sent};
    const struct rec_appointment a = {.customer = s->ana.customer,
                                      .case_id = s->case_id,
                                      .status = APPOINTMENT_BOOKED,
                                      .code = STR("K7QM2P"),
                                      .store = STR("centro"),
                                      .starts = 2000,
                                      .near = 1000,
                                      .messages = rig_notices(r->arena, &n, 1)};
    EMIT(r, appointment_booked, .id = s->appointment, .appointment = rig_appointment(r->arena, &a));
    s->call = rig_id(r);
    s->entry = rig_id(r);
    const struct rec_call c = {.customer = s->ana.customer,
                               .case_id = s->case_id,
                               .channel = CHANNEL,
                               .direction = CALL_INBOUND,
                               .status = CALL_ANSWERED,
                               .provider_id = STR("c1"),
                               .started = 1,
                               .entry = s->entry};
    EMIT(r, call_started, .id = s->call, .entry = rig_entry(r->arena, s->call, &c),
         .call = rig_call(r->arena, &c));
    EMIT(r, message_transcribed, .id = s->sent, .text = STR("hola"));
}

/* ---- changes behind the store's back ---- */

static void lmdb_change(struct rig *r, struct hilo_str whole, const struct hilo_str *val)
{
    char dir[128];
    struct lmdb *l = NULL;
    uint64_t seq;
    position end;

    (void)snprintf(dir, sizeof dir, "%s/context", r->dir);
    OK(r, lmdb_open(dir, 64 << 20, false, &r->err, &l));
    OK(r, lmdb_reached(l, &seq, &end, &r->err));
    OK(r, lmdb_write_begin(l, &r->err));
    if (val)
        OK(r, lmdb_write_put(l, whole, *val, &r->err));
    else
        OK(r, lmdb_write_del(l, whole, &r->err));
    OK(r, lmdb_write_commit(l, seq, end, &r->err));
    lmdb_close(&l);
}

static void change(struct scene *s, enum table t, struct key k, const struct hilo_str *val)
{
    char *bytes = arena_alloc(s->r->arena, 1 + (size_t)k.n);

    bytes[0] = table_infos[t].letter;
    memcpy(bytes + 1, k.b, k.n);
    lmdb_change(s->r, str_n(bytes, 1 + (size_t)k.n), val);
}

static void del(struct scene *s, enum table t, struct key k)
{
    change(s, t, k, NULL);
}

static void put(struct scene *s, enum table t, struct key k, struct hilo_str val)
{
    change(s, t, k, &val);
}

static void put_id(struct scene *s, enum table t, struct key k, struct hilo_id id)
{
    put(s, t, k, str_n(arena_dup(s->r->arena, id.b, sizeof id.b), sizeof id.b));
}

static void get_rec(struct scene *s, enum table t, struct key k, const struct rec_desc *d, void *out)
{
    char dir[128];
    struct context *c = NULL;
    struct hilo_str val;

    (void)snprintf(dir, sizeof dir, "%s/context", s->r->dir);
    const struct context_options o = {.dir = dir, .map_bytes = 64 << 20, .read_only = true};
    OK(s->r, context_open(&o, &s->r->err, &c));
    OK(s->r, context_get(c, t, key_str(&k), s->r->arena, &val, &s->r->err));
    OK(s->r, rec_unpack(d, val, out, &s->r->err));
    context_close(&c);
}

static void put_rec(struct scene *s, enum table t, struct key k, const struct rec_desc *d, const void *rec)
{
    struct hilo_writer w;

    arena_writer(s->r->arena, &w);
    rec_pack(d, rec, &w);
    put(s, t, k, hilo_written(&w));
}

/* One field of one record gets another value. */
#define EDIT(s, table, record, id, assignment)                                                               \
    do {                                                                                                     \
        struct rec_##record rec;                                                                             \
        get_rec((s), (table), key_of_id(id), &rec_desc_##record, &rec);                                      \
        rec.assignment;                                                                                      \
        put_rec((s), (table), key_of_id(id), &rec_desc_##record, &rec);                                      \
    } while (0)

static struct rec_message message_of(struct scene *s, struct hilo_id id)
{
    struct rec_message m;

    get_rec(s, TABLE_MESSAGE, key_of_id(id), &rec_desc_message, &m);
    return m;
}

static struct key bytes_key(struct hilo_str s)
{
    struct key k;

    key_init(&k);
    key_bytes(&k, s);
    return k;
}

/* The newest key of a table, for those that hold a time or a sequence. */
static bool any_key(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)val;
    *(struct key *)arg = bytes_key(key);
    return true;
}

static struct key key_in(struct scene *s, enum table t)
{
    char dir[128];
    struct context *c = NULL;
    struct key k = {0};

    (void)snprintf(dir, sizeof dir, "%s/context", s->r->dir);
    const struct context_options o = {.dir = dir, .map_bytes = 64 << 20, .read_only = true};
    OK(s->r, context_open(&o, &s->r->err, &c));
    OK(s->r, context_walk(c, t, any_key, &k, &s->r->err));
    context_close(&c);
    assert_true(k.n != 0);
    return k;
}

#define PHONE(digits) HILO_SCHEME_PHONE, STR(""), STR(digits)

/* ---- one damage each ---- */

#define DAMAGE(name) static void name(struct scene *s)

DAMAGE(identifier_gone)
{
    del(s, TABLE_IDENTIFIER, key_identifier(PHONE("+573001112233")));
}
DAMAGE(identifier_of_nobody)
{
    struct key k = key_identifier(PHONE("+573001112233"));
    const struct rec_identifier r = {.customer = rig_id(s->r)};
    put_rec(s, TABLE_IDENTIFIER, k, &rec_desc_identifier, &r);
}
DAMAGE(identifier_of_another)
{
    struct key k = key_identifier(PHONE("+573001112233"));
    const struct rec_identifier r = {.customer = s->eva.customer};
    put_rec(s, TABLE_IDENTIFIER, k, &rec_desc_identifier, &r);
}
DAMAGE(customer_ident_gone)
{
    del(s, TABLE_CUSTOMER_IDENT, key_customer_ident(s->ana.customer, PHONE("+573001112233")));
}
DAMAGE(customer_ident_says_else)
{
    struct key k = key_customer_ident(s->ana.customer, PHONE("+573001112233"));
    put(s, TABLE_CUSTOMER_IDENT, k, rig_party(s->r->arena, STR("+1")));
}
DAMAGE(customer_gone)
{
    del(s, TABLE_CUSTOMER, key_of_id(s->ana.customer));
}
DAMAGE(customer_malformed)
{
    put(s, TABLE_CUSTOMER, key_of_id(s->ana.customer), STR("\1"));
}
DAMAGE(customer_of_the_future)
{
    EDIT(s, TABLE_CUSTOMER, customer, s->ana.customer, version = 9999);
}
DAMAGE(address_gone)
{
    del(s, TABLE_ADDRESS, key_address(CHANNEL, PHONE("+573001112233")));
}
DAMAGE(address_to_nowhere)
{
    put_id(s, TABLE_ADDRESS, key_address(CHANNEL, PHONE("+1")), rig_id(s->r));
}
DAMAGE(address_elsewhere)
{
    put_id(s, TABLE_ADDRESS, key_address(STR("sms"), PHONE("+1")), s->ana.conversation);
}
DAMAGE(address_too_short)
{
    put(s, TABLE_ADDRESS, key_address(CHANNEL, PHONE("+1")), STR("x"));
}
DAMAGE(conversation_gone)
{
    del(s, TABLE_CONVERSATION, key_of_id(s->ana.conversation));
}
DAMAGE(conversation_without_head)
{
    EDIT(s, TABLE_CONVERSATION, conversation, s->ana.conversation, head = nobody);
}
DAMAGE(head_unknown)
{
    EDIT(s, TABLE_CONVERSATION, conversation, s->ana.conversation, head = rig_id(s->r));
}
DAMAGE(head_of_another)
{
    EDIT(s, TABLE_CONVERSATION, conversation, s->ana.conversation, head = s->due);
}
DAMAGE(head_waits)
{
    EDIT(s, TABLE_CONVERSATION, conversation, s->ana.conversation, head = s->waiting);
}
DAMAGE(choices_unknown)
{
    EDIT(s, TABLE_CONVERSATION, conversation, s->ana.conversation, choices = rig_id(s->r));
}
DAMAGE(waiting_miscounted)
{
    EDIT(s, TABLE_CONVERSATION, conversation, s->ana.conversation, waiting = 2);
}
DAMAGE(waiting_gone)
{
    del(s, TABLE_WAITING, key_in(s, TABLE_WAITING));
}
DAMAGE(waiting_too_many)
{
    put_id(s, TABLE_WAITING, key_id_number(s->eva.conversation, 3), s->held);
}
DAMAGE(waiting_elsewhere)
{
    put_id(s, TABLE_WAITING, key_id_number(s->eva.conversation, 3), s->waiting);
}
DAMAGE(waiting_unknown)
{
    put_id(s, TABLE_WAITING, key_id_number(s->eva.conversation, 3), rig_id(s->r));
}
DAMAGE(due_gone)
{
    del(s, TABLE_DUE, key_in(s, TABLE_DUE));
}
DAMAGE(due_another)
{
    put_id(s, TABLE_DUE, key_in(s, TABLE_DUE), s->sent);
}
DAMAGE(due_at_another_time)
{
    put_id(s, TABLE_DUE, key_due(CHANNEL, 0, 1, 1), s->due);
}
DAMAGE(due_unknown)
{
    put_id(s, TABLE_DUE, key_due(CHANNEL, 0, 1, 1), rig_id(s->r));
}
DAMAGE(flight_gone)
{
    del(s, TABLE_IN_FLIGHT, key_channel_id(CHANNEL, s->flight));
}
DAMAGE(flight_of_what_was_sent)
{
    put(s, TABLE_IN_FLIGHT, key_channel_id(CHANNEL, s->sent), STR("12345678"));
}
DAMAGE(flight_on_another_channel)
{
    put(s, TABLE_IN_FLIGHT, key_channel_id(STR("sms"), s->flight), STR("12345678"));
}
DAMAGE(flight_claimed_in_the_future)
{
    put(s, TABLE_IN_FLIGHT, key_channel_id(CHANNEL, s->flight), STR("12345678"));
}
DAMAGE(expiry_gone)
{
    del(s, TABLE_EXPIRY, key_time_id(message_of(s, s->due).expires, s->due));
}
DAMAGE(expiry_of_what_was_sent)
{
    put(s, TABLE_EXPIRY, key_time_id(5, s->sent), STR(""));
}
DAMAGE(expiry_at_another_time)
{
    put(s, TABLE_EXPIRY, key_time_id(5, s->due), STR(""));
}
DAMAGE(scheduled_gone)
{
    del(s, TABLE_SCHEDULED, key_time_id(message_of(s, s->scheduled).due, s->scheduled));
}
DAMAGE(scheduled_what_waits)
{
    put(s, TABLE_SCHEDULED, key_time_id(5, s->waiting), STR(""));
}
DAMAGE(scheduled_at_another_time)
{
    put(s, TABLE_SCHEDULED, key_time_id(5, s->scheduled), STR(""));
}
DAMAGE(scheduled_unknown)
{
    put(s, TABLE_SCHEDULED, key_time_id(5, rig_id(s->r)), STR(""));
}
DAMAGE(message_gone)
{
    del(s, TABLE_MESSAGE, key_of_id(s->sent));
}
DAMAGE(message_elsewhere)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, at = message_of(s, s->due).at);
}
DAMAGE(message_nowhere)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, at = POSITION(9, 4096));
}
DAMAGE(message_misnumbered)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, number = 1);
}
DAMAGE(message_of_another_kind)
{
    EDIT(s, TABLE_MESSAGE, message, s->in, kind = HILO_KIND_OUTBOUND);
}
DAMAGE(message_with_a_status_too_early)
{
    EDIT(s, TABLE_MESSAGE, message, s->due, status = HILO_STATUS_SENT);
}
DAMAGE(message_at_an_unknown_place)
{
    EDIT(s, TABLE_MESSAGE, message, s->due, place = 77);
}
DAMAGE(message_of_another_customer)
{
    EDIT(s, TABLE_MESSAGE, message, s->due, customer = s->ana.customer);
}
DAMAGE(message_without_its_media)
{
    EDIT(s, TABLE_MESSAGE, message, s->in, media = rig_id(s->r));
}
DAMAGE(message_with_an_unknown_id)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, ext_id = STR("other"));
}
DAMAGE(message_out_of_turn)
{
    EDIT(s, TABLE_CONVERSATION, conversation, s->luz.conversation, head = nobody);
}
DAMAGE(message_with_too_many_parts)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, part = 2);
}
DAMAGE(message_marking_an_unknown_one)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, marks = rig_id(s->r));
}
DAMAGE(message_changing_an_unknown_one)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, about = rig_id(s->r));
}
DAMAGE(message_with_the_words_of_another)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, edit = s->sent);
}
DAMAGE(thread_miscounted)
{
    EDIT(s, TABLE_THREAD, thread, s->ana.customer, count = 7);
}
DAMAGE(thread_gone)
{
    del(s, TABLE_THREAD, key_of_id(s->ana.customer));
}
DAMAGE(thread_broken)
{
    EDIT(s, TABLE_MESSAGE, message, s->asked, before = rig_id(s->r));
}
DAMAGE(thread_in_a_circle)
{
    EDIT(s, TABLE_MESSAGE, message, s->asked, before = s->asked);
}
DAMAGE(ext_gone)
{
    del(s, TABLE_EXT, key_ext(CHANNEL, STR("wamid.1")));
}
DAMAGE(ext_of_nothing)
{
    put_id(s, TABLE_EXT, key_ext(CHANNEL, STR("x")), rig_id(s->r));
}
DAMAGE(ext_elsewhere)
{
    put_id(s, TABLE_EXT, key_ext(STR("sms"), STR("x")), s->sent);
}
DAMAGE(ext_of_no_form)
{
    put(s, TABLE_EXT, key_ext(CHANNEL, STR("seg.2")), STR("seventeen bytes.."));
}
DAMAGE(ext_of_a_fourth_segment)
{
    uint8_t buf[EXT_SEVERAL];
    const struct ext x = {.id = s->several, .several = true, .segment = 3};

    put(s, TABLE_EXT, key_ext(CHANNEL, STR("seg.2")), ext_write(&x, buf));
}
DAMAGE(message_of_one_segment)
{
    EDIT(s, TABLE_MESSAGE, message, s->several, segments = STR("\0\0\4"));
}
DAMAGE(message_with_a_segment_in_doubt)
{
    EDIT(s, TABLE_MESSAGE, message, s->several, segments = STR("\0\0\4\3\4"));
}
DAMAGE(message_behind_its_segments)
{
    EDIT(s, TABLE_MESSAGE, message, s->several, segments = STR("\0\0\x9\x9\xa"));
}
DAMAGE(parked_spelling_gone)
{
    struct key k = key_ext(CHANNEL, STR("26"));

    key_u64(&k, s->parked);
    del(s, TABLE_PARKED, k);
}
DAMAGE(parts_gone)
{
    del(s, TABLE_PARTS, key_parts(CHANNEL, STR("ref")));
}
DAMAGE(parts_age_gone)
{
    del(s, TABLE_PARTS_AGE, key_in(s, TABLE_PARTS_AGE));
}
static void parts_edit(struct scene *s, bool event, bool twice)
{
    struct key k = key_parts(CHANNEL, STR("ref"));
    struct rec_parts r;
    struct hilo_field f;
    struct rec_part p;
    struct hilo_writer w;

    get_rec(s, TABLE_PARTS, k, &rec_desc_parts, &r);
    assert_int_equal(hilo_next(&r.part, &f), 1);
    assert_int_equal(rec_unpack(&rec_desc_part, f.val, &p, NULL), HILO_OK);
    if (event)
        p.at = message_of(s, s->in).at;
    arena_writer(s->r->arena, &w);
    for (unsigned i = 0; i <= twice; i++) {
        hilo_open(&w, 1);
        rec_pack(&rec_desc_part, &p, &w);
        hilo_close(&w);
    }
    r.part = hilo_written(&w);
    put_rec(s, TABLE_PARTS, k, &rec_desc_parts, &r);
}
DAMAGE(part_of_another_event)
{
    parts_edit(s, true, false);
}
DAMAGE(part_twice)
{
    parts_edit(s, false, true);
}
DAMAGE(parts_of_another_total)
{
    struct key k = key_parts(CHANNEL, STR("ref"));
    struct rec_parts r;

    get_rec(s, TABLE_PARTS, k, &rec_desc_parts, &r);
    r.total = 9;
    put_rec(s, TABLE_PARTS, k, &rec_desc_parts, &r);
}
DAMAGE(parts_that_expire_else)
{
    struct key k = key_parts(CHANNEL, STR("ref"));
    struct rec_parts r;

    get_rec(s, TABLE_PARTS, k, &rec_desc_parts, &r);
    r.expires++;
    put_rec(s, TABLE_PARTS, k, &rec_desc_parts, &r);
}
DAMAGE(parts_without_one)
{
    const struct rec_parts none = {.expires = 1, .total = 2};

    put_rec(s, TABLE_PARTS, key_parts(CHANNEL, STR("none")), &rec_desc_parts, &none);
}
DAMAGE(parked_gone)
{
    del(s, TABLE_PARKED, key_in(s, TABLE_PARKED));
}
DAMAGE(parked_short)
{
    put(s, TABLE_PARKED, key_in(s, TABLE_PARKED), STR("short"));
}
DAMAGE(parked_malformed)
{
    put(s, TABLE_PARKED, key_in(s, TABLE_PARKED), STR("12345678\xff"));
}
DAMAGE(parked_age_gone)
{
    del(s, TABLE_PARKED_AGE, key_in(s, TABLE_PARKED_AGE));
}
DAMAGE(job_gone)
{
    del(s, TABLE_JOB, key_in(s, TABLE_JOB));
}
DAMAGE(job_for_what_is_stored)
{
    put(s, TABLE_JOB, key_job(CHANNEL, 1, s->stored), STR(""));
}
DAMAGE(job_at_another_time)
{
    put(s, TABLE_JOB, key_job(CHANNEL, 1, s->pending), STR(""));
}
DAMAGE(media_gone)
{
    del(s, TABLE_MEDIA, key_of_id(s->pending));
}
DAMAGE(media_of_another)
{
    EDIT(s, TABLE_MEDIA, media, s->pending, message = s->sent);
}
DAMAGE(media_without_hash)
{
    EDIT(s, TABLE_MEDIA, media, s->stored, sha256 = STR(""));
}
DAMAGE(media_in_an_unknown_state)
{
    EDIT(s, TABLE_MEDIA, media, s->stored, state = 9);
}
DAMAGE(media_file_gone)
{
    char path[256];
    media_path(s->r, path, sizeof path);
    assert_int_equal(unlink(path), 0);
}
DAMAGE(media_file_longer)
{
    media_write(s->r, "more");
}
DAMAGE(idempotency_gone)
{
    del(s, TABLE_IDEMPOTENCY, bytes_key(STR("idem")));
}
DAMAGE(idempotency_age_gone)
{
    del(s, TABLE_IDEMPOTENCY_AGE, key_in(s, TABLE_IDEMPOTENCY_AGE));
}
DAMAGE(case_gone)
{
    del(s, TABLE_CASE, key_of_id(s->case_id));
}
DAMAGE(case_miscounted)
{
    EDIT(s, TABLE_CASE, case, s->case_id, messages = 3);
}
DAMAGE(case_in_an_unknown_status)
{
    EDIT(s, TABLE_CASE, case, s->case_id, status = 4);
}
DAMAGE(case_of_another)
{
    EDIT(s, TABLE_CASE, case, s->case_id, customer = s->eva.customer);
}
DAMAGE(case_changed)
{
    EDIT(s, TABLE_CASE, case, s->case_id, changed = 5);
}
DAMAGE(case_index_gone)
{
    del(s, TABLE_CASE_INDEX, key_in(s, TABLE_CASE_INDEX));
}
DAMAGE(case_customer_gone)
{
    del(s, TABLE_CASE_CUSTOMER, key_pair(s->ana.customer, s->case_id));
}
DAMAGE(case_message_gone)
{
    del(s, TABLE_CASE_MESSAGE, key_in(s, TABLE_CASE_MESSAGE));
}
DAMAGE(case_message_of_no_case)
{
    put_id(s, TABLE_CASE_MESSAGE, key_id_number(s->case_id, 1), s->waiting);
}
DAMAGE(key_gone)
{
    del(s, TABLE_KEY, bytes_key(str_n(s->hash, sizeof s->hash)));
}
DAMAGE(key_id_gone)
{
    del(s, TABLE_KEY_ID, key_of_id(s->key_id));
}
DAMAGE(channel_malformed)
{
    put(s, TABLE_CHANNEL, key_channel(CHANNEL), STR("\xff"));
}
DAMAGE(template_of_another_name)
{
    const struct rec_template v = {.changed = 1, .body = STR("\1\1u\2\2es")};
    put_rec(s, TABLE_TEMPLATE, key_in(s, TABLE_TEMPLATE), &rec_desc_template, &v);
}
static void consent_put(struct scene *s, enum table t, struct rec_consent v)
{
    put_rec(s, t, key_in(s, t), &rec_desc_consent, &v);
}
DAMAGE(consent_gone)
{
    del(s, TABLE_CONSENT, key_in(s, TABLE_CONSENT));
}
DAMAGE(consent_of_another)
{
    consent_put(s, TABLE_CONSENT,
                (struct rec_consent){.state = CONSENT_DENIED, .seq = 99, .customer = s->eva.customer});
}
DAMAGE(consent_older)
{
    consent_put(s, TABLE_CONSENT,
                (struct rec_consent){.state = CONSENT_DENIED, .seq = 1, .customer = s->ana.customer});
}
DAMAGE(consent_neither)
{
    consent_put(s, TABLE_CONSENT_ADDRESS,
                (struct rec_consent){.state = 3, .seq = 1, .customer = s->ana.customer});
}
DAMAGE(consent_by_no_message)
{
    consent_put(
        s, TABLE_CONSENT_ADDRESS,
        (struct rec_consent){.state = 1, .how = CONSENT_BY_WORD, .seq = 1, .customer = s->ana.customer});
}
DAMAGE(plugin_gone)
{
    del(s, TABLE_PLUGIN, key_in(s, TABLE_PLUGIN));
}
DAMAGE(plugin_changed)
{
    const struct rec_plugin_value v = {.version = 1, .value = STR("w")};
    put_rec(s, TABLE_PLUGIN, key_in(s, TABLE_PLUGIN), &rec_desc_plugin_value, &v);
}
DAMAGE(webhook_gone)
{
    del(s, TABLE_WEBHOOK, key_of_id(s->webhook));
}
DAMAGE(webhook_without_a_secret)
{
    EDIT(s, TABLE_WEBHOOK, webhook, s->webhook, secret = STR(""));
}
DAMAGE(webhook_ahead)
{
    EDIT(s, TABLE_WEBHOOK, webhook, s->webhook, cursor = 1000000);
}
DAMAGE(webhook_parked_gone)
{
    del(s, TABLE_WEBHOOK_PARKED, key_in(s, TABLE_WEBHOOK_PARKED));
}
DAMAGE(webhook_waits_less)
{
    del(s, TABLE_WEBHOOK_WAITING, key_in(s, TABLE_WEBHOOK_WAITING));
}
DAMAGE(webhook_waits_for_the_future)
{
    put(s, TABLE_WEBHOOK_WAITING, key_waiting(s->webhook, s->ana.customer, 1000000), STR(""));
}
DAMAGE(callback_of_no_message)
{
    const struct rec_callback c = {.message = rig_id(s->r), .kind = CALLBACK_TAKEN, .url = STR("http://x/")};
    put_rec(s, TABLE_CALLBACK, key_in(s, TABLE_CALLBACK), &rec_desc_callback, &c);
}
DAMAGE(callback_too_early)
{
    const struct rec_callback c = {.message = s->sent, .kind = CALLBACK_DELIVERED, .url = STR("http://x/")};
    put_rec(s, TABLE_CALLBACK, key_in(s, TABLE_CALLBACK), &rec_desc_callback, &c);
}
DAMAGE(callback_without_an_address)
{
    const struct rec_callback c = {.message = s->sent, .kind = CALLBACK_TAKEN};
    put_rec(s, TABLE_CALLBACK, key_in(s, TABLE_CALLBACK), &rec_desc_callback, &c);
}
DAMAGE(callback_of_the_future)
{
    const struct rec_callback c = {.message = s->sent, .kind = CALLBACK_TAKEN, .url = STR("http://x/")};
    put_rec(s, TABLE_CALLBACK, key_callback(0, 1000000, 0), &rec_desc_callback, &c);
}
DAMAGE(callback_gone)
{
    del(s, TABLE_CALLBACK, key_in(s, TABLE_CALLBACK));
}
#define CALL(s, assignment) EDIT(s, TABLE_CALL, call, (s)->call, assignment)
DAMAGE(call_gone)
{
    del(s, TABLE_CALL, key_of_id(s->call));
}
DAMAGE(call_of_nobody)
{
    CALL(s, customer = rig_id(s->r));
}
DAMAGE(call_of_no_case)
{
    CALL(s, case_id = rig_id(s->r));
}
DAMAGE(call_of_no_message)
{
    CALL(s, message = rig_id(s->r));
}
DAMAGE(call_of_no_status)
{
    CALL(s, status = 9);
}
DAMAGE(call_of_no_direction)
{
    CALL(s, direction = 0);
}
DAMAGE(call_of_the_future)
{
    CALL(s, version = 9999);
}
DAMAGE(call_that_is_over)
{
    CALL(s, status = CALL_ENDED);
}
DAMAGE(call_with_another_id)
{
    CALL(s, provider_id = STR("c2"));
}
DAMAGE(call_on_another_channel)
{
    CALL(s, channel = STR("otro"));
}
DAMAGE(call_without_its_entry)
{
    CALL(s, entry = rig_id(s->r));
}
DAMAGE(call_with_anothers_entry)
{
    CALL(s, entry = s->sent);
}
DAMAGE(call_index_gone)
{
    del(s, TABLE_CALL_INDEX, key_call_at(key_calls_customer(s->ana.customer), s->call));
}
DAMAGE(call_ext_of_none)
{
    put_id(s, TABLE_CALL_EXT, key_ext(CHANNEL, STR("c9")), rig_id(s->r));
}
DAMAGE(entry_of_no_call)
{
    EDIT(s, TABLE_MESSAGE, message, s->entry, call = rig_id(s->r));
}
DAMAGE(transcript_of_another)
{
    EDIT(s, TABLE_MESSAGE, message, s->entry, transcript = message_of(s, s->sent).transcript);
}
DAMAGE(transcript_nowhere)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, transcript = message_of(s, s->sent).at);
}
#define APPOINTMENT(s, assignment) EDIT(s, TABLE_APPOINTMENT, appointment, (s)->appointment, assignment)
DAMAGE(appointment_gone)
{
    del(s, TABLE_APPOINTMENT, key_of_id(s->appointment));
}
DAMAGE(appointment_of_nobody)
{
    APPOINTMENT(s, customer = rig_id(s->r));
}
DAMAGE(appointment_of_no_case)
{
    APPOINTMENT(s, case_id = rig_id(s->r));
}
DAMAGE(appointment_elsewhere)
{
    APPOINTMENT(s, store = STR("norte"));
}
DAMAGE(appointment_at_another_time)
{
    APPOINTMENT(s, starts = 3000);
}
DAMAGE(appointment_of_no_status)
{
    APPOINTMENT(s, status = 9);
}
DAMAGE(appointment_of_the_future)
{
    APPOINTMENT(s, version = 1000000);
}
DAMAGE(appointment_with_another_code)
{
    APPOINTMENT(s, code = STR("AAAAAA"));
}
DAMAGE(appointment_that_is_over)
{
    APPOINTMENT(s, status = APPOINTMENT_CANCELED);
}
DAMAGE(appointment_near_at_another_time)
{
    APPOINTMENT(s, near = 999);
}
DAMAGE(appointment_of_another_message)
{
    const struct rec_notice n = {.kind = NOTICE_CONFIRMATION, .message = s->due};
    APPOINTMENT(s, messages = rig_notices(s->r->arena, &n, 1));
}
DAMAGE(appointment_of_no_message)
{
    const struct rec_notice n = {.kind = NOTICE_CONFIRMATION, .message = rig_id(s->r)};
    APPOINTMENT(s, messages = rig_notices(s->r->arena, &n, 1));
}
DAMAGE(appointment_with_spoilt_notices)
{
    APPOINTMENT(s, messages = STR("\1\7x"));
}
DAMAGE(appointment_index_gone)
{
    del(s, TABLE_APPOINTMENT_INDEX,
        key_appointment_at(key_appointments_customer(s->ana.customer), 2000, s->appointment));
}
DAMAGE(appointment_index_of_another_kind)
{
    struct key k = key_appointment_at(key_appointments(), 2000, s->appointment);
    k.b[0] = 9;
    put(s, TABLE_APPOINTMENT_INDEX, k, STR(""));
}
DAMAGE(appointment_code_of_another)
{
    put_id(s, TABLE_APPOINTMENT_OPEN, key_appointment_code(STR("K7QM2P")), rig_id(s->r));
}
DAMAGE(appointment_near_gone)
{
    del(s, TABLE_APPOINTMENT_OPEN, key_appointment_near(1000, s->appointment));
}
DAMAGE(appointment_near_too_long)
{
    put(s, TABLE_APPOINTMENT_OPEN, key_appointment_near(1000, s->appointment), STR("x"));
}
DAMAGE(message_of_no_appointment)
{
    EDIT(s, TABLE_MESSAGE, message, s->sent, appointment = rig_id(s->r));
}
DAMAGE(secret_changed)
{
    put(s, TABLE_META, key_channel(STR("link")), STR("other"));
}
DAMAGE(a_key_of_no_table)
{
    const struct hilo_str val = STR("v");
    lmdb_change(s->r, STR("~what"), &val);
}
DAMAGE(a_key_too_short)
{
    put(s, TABLE_CASE_INDEX, bytes_key(STR("x")), STR(""));
}

static const struct {
    const char *name;
    void (*damage)(struct scene *);
    const char *finding;
} damages[] = {
#define D(name, finding)                                                                                     \
    {                                                                                                        \
#name, name, finding                                                                                 \
    }
    D(identifier_gone, ": there is no such IDENTIFIER"),
    D(identifier_gone, ": it follows from the journal and is missing"),
    D(identifier_of_nobody, ": its customer does not exist"),
    D(identifier_of_nobody, ": its value is not the one that follows from the journal"),
    D(identifier_of_another, ": the IDENTIFIER belongs to another customer"),
    D(identifier_of_another, ": it is missing among its customer's (CUSTOMER_IDENT)"),
    D(customer_ident_gone, ": it is missing among its customer's (CUSTOMER_IDENT)"),
    D(customer_ident_says_else, ": its value is another identifier than its key"),
    D(customer_gone, "IDENTIFIER 01"),
    D(customer_gone, "THREAD 01"),
    D(customer_gone, "CASE 01"),
    D(customer_malformed, ": customer: its fields are malformed"),
    D(customer_of_the_future, ": its version is no sequence that was reached"),
    D(address_gone, ": the address that it sends to is missing in ADDRESS"),
    D(address_to_nowhere, ": its conversation does not exist"),
    D(address_to_nowhere, ": it does not follow from the journal"),
    D(address_elsewhere, ": its conversation is on another channel"),
    D(address_too_short, ": its value has 1 bytes, not 16"),
    D(conversation_gone, "MESSAGE 01"),
    D(conversation_gone, ": its conversation does not exist"),
    D(conversation_without_head, ": messages wait and none has the turn"),
    D(head_unknown, ": its head does not exist"),
    D(head_of_another, ": its head is of another conversation"),
    D(head_waits, ": its head is neither due nor in flight"),
    D(choices_unknown, ": its newest choices do not exist"),
    D(waiting_miscounted, ": it counts 2 that wait, WAITING has 1"),
    D(waiting_gone, ": it counts 1 that wait, WAITING has 0"),
    D(waiting_gone, ": by its place it must be in WAITING and is not"),
    D(waiting_too_many, ": its message does not wait"),
    D(waiting_elsewhere, ": its message has another conversation or number"),
    D(waiting_unknown, "WAITING 01"),
    D(due_gone, ": by its place it must be in DUE and is not"),
    D(due_another, ": another message has its place in DUE"),
    D(due_another, ": its message is not due"),
    D(due_at_another_time, ": its message has another channel, priority, due time or number"),
    D(due_unknown, ": its message does not exist"),
    D(flight_gone, ": by its place it must be in IN_FLIGHT and is not"),
    D(flight_of_what_was_sent, ": its message is not in flight"),
    D(flight_on_another_channel, ": its message has another channel"),
    D(flight_claimed_in_the_future, ": the sequence of its claim is not after its message"),
    D(expiry_gone, ": by its place it must be in EXPIRY and is not"),
    D(expiry_of_what_was_sent, ": its message is settled or in flight"),
    D(expiry_at_another_time, ": its message expires at another time"),
    D(scheduled_gone, ": by its place it must be in SCHEDULED and is not"),
    D(scheduled_what_waits, ": its message is not scheduled"),
    D(scheduled_at_another_time, ": its message is due at another time"),
    D(scheduled_unknown, ": its message does not exist"),
    D(message_gone, ": the message 3 before its newest does not exist"),
    D(message_gone, ": its message does not exist"),
    D(message_elsewhere, ": the event at its position does not hold it"),
    D(message_nowhere, ": its event can't be read"),
    D(message_misnumbered, ": its number is not its event's sequence"),
    D(message_of_another_kind, ": its kind is not the one of its event"),
    D(message_with_a_status_too_early, ": its status does not fit its place"),
    D(message_at_an_unknown_place, ": its place is unknown"),
    D(message_of_another_customer, ": its conversation is another customer's"),
    D(message_of_another_customer, "is another customer's or out of order"),
    D(message_without_its_media, ": its media does not exist"),
    D(message_without_its_media, ": its message names other media"),
    D(message_with_an_unknown_id, ": its provider's id is missing in EXT"),
    D(message_out_of_turn, ": it is due or in flight and another has the turn"),
    D(message_with_too_many_parts, ": it counts more parts as sent than it has"),
    D(message_marking_an_unknown_one, ": the message that it marks as read does not exist"),
    D(message_changing_an_unknown_one, ": the message that it changes does not exist"),
    D(message_with_the_words_of_another, ": its newest words are in no message that changes it"),
    D(thread_miscounted, ": it counts 7 messages, its chain has 4"),
    D(thread_gone, "THREAD -: the threads hold 5 messages, but 9 belong into one"),
    D(thread_broken, ": the message 3 before its newest does not exist"),
    D(thread_in_a_circle, ": the message 3 before its newest is another customer's or out of order"),
    D(ext_gone, ": its provider's id is missing in EXT"),
    D(ext_of_nothing, ": its message does not exist"),
    D(ext_elsewhere, ": its message is on another channel"),
    D(ext_of_no_form, ": its value is neither a message nor a segment of one"),
    D(ext_of_a_fourth_segment, ": its message has not so many segments"),
    D(message_of_one_segment, ": it has segments and was not sent as several"),
    D(message_with_a_segment_in_doubt, ": a segment of it has a status that none has"),
    D(message_behind_its_segments, ": its segments have brought it further than its status says"),
    D(parts_gone, ": there is no such entry in PARTS"),
    D(parts_age_gone, ": it is missing in PARTS_AGE"),
    D(part_of_another_event, ": the event of a part holds none"),
    D(part_twice, ": a part of it has an index that none has, or comes twice"),
    D(parts_of_another_total, ": the event of a part is that of another"),
    D(parts_that_expire_else, ": its parts' time is over at another time"),
    D(parts_that_expire_else, ": it is missing in PARTS_AGE"),
    D(parts_without_one, ": there is no part"),
    D(parked_spelling_gone, ": another spelling of its id is missing in PARKED"),
    D(parked_gone, ": there is no such entry in PARKED"),
    D(parked_short, ": its value is too short"),
    D(parked_short, ": the entry in PARKED has another time"),
    D(parked_malformed, ": message.receipt: its fields are malformed"),
    D(parked_age_gone, ": it is missing in PARKED_AGE"),
    D(job_gone, ": it is pending and has no JOB"),
    D(job_for_what_is_stored, ": its media is not pending"),
    D(job_at_another_time, ": its media has another channel or due time"),
    D(media_gone, ": its media does not exist"),
    D(media_of_another, ": its message names other media"),
    D(media_of_another, ": its media is another message's"),
    D(media_without_hash, ": it is stored and has no hash"),
    D(media_in_an_unknown_state, ": its state is unknown"),
    D(media_file_gone, ": its file e3/b0c44298"),
    D(media_file_longer, " has 4 bytes, not 0"),
    D(idempotency_gone, ": there is no such entry in IDEMPOTENCY"),
    D(idempotency_age_gone, ": it is missing in IDEMPOTENCY_AGE"),
    D(case_gone, ": its case does not exist"),
    D(case_miscounted, ": it counts 3 messages, CASE_MESSAGE has 2"),
    D(case_in_an_unknown_status, ": its status is unknown"),
    D(case_of_another, ": it is missing in CASE_CUSTOMER"),
    D(case_of_another, ": its case belongs to another customer"),
    D(case_changed, ": its case has another status or time of change"),
    D(case_index_gone, ": it is missing in CASE_INDEX"),
    D(case_customer_gone, ": it is missing in CASE_CUSTOMER"),
    D(case_message_gone, ": it is missing among its case's (CASE_MESSAGE)"),
    D(case_message_of_no_case, ": its message has another case or number"),
    D(key_gone, ": its KEY does not exist"),
    D(key_id_gone, ": its id is missing in KEY_ID"),
    D(channel_malformed, "CHANNEL 77686174"),
    D(template_of_another_name, "it is a template of another name or language"),
    D(consent_gone, ": it is missing among its customer's (CONSENT)"),
    D(consent_of_another, ": it is another customer's"),
    D(consent_older, ": its customer's is older"),
    D(consent_neither, ": it is neither granted nor denied"),
    D(consent_by_no_message, ": the message that said it does not exist"),
    D(plugin_gone, "PLUGIN 77686174"),
    D(plugin_changed, ": its value is not the one that follows from the journal"),
    D(webhook_gone, ": its WEBHOOK does not exist"),
    D(webhook_without_a_secret, ": its secret has 0 bytes"),
    D(webhook_ahead, ": its cursor is beyond the last event"),
    D(webhook_parked_gone, ": its WEBHOOK_PARKED does not exist"),
    D(webhook_waits_less, ": it says that 2 events wait, but WEBHOOK_WAITING has 1"),
    D(webhook_waits_for_the_future, ": the event is beyond the last one"),
    D(callback_of_no_message, ": its MESSAGE does not exist"),
    D(callback_too_early, ": its MESSAGE has not come to that"),
    D(callback_without_an_address, ": it has no address"),
    D(callback_of_the_future, ": the event is beyond the last one"),
    D(callback_gone, "CALLBACK 00000000"),
    D(call_gone, "CALL_INDEX 01"),
    D(call_gone, ": its call does not exist"),
    D(call_gone, ": the call whose entry it is does not exist"),
    D(call_of_nobody, ": its customer does not exist"),
    D(call_of_nobody, ": its call is another customer's or channel's"),
    D(call_of_no_case, ": its case does not exist"),
    D(call_of_no_case, ": its entry is another customer's, or in another case"),
    D(call_of_no_message, ": the message that rang does not exist"),
    D(call_of_no_status, ": its status is unknown"),
    D(call_of_no_direction, ": its direction is unknown"),
    D(call_of_the_future, ": its version is no sequence that was reached"),
    D(call_that_is_over, ": CALL_INDEX and its status do not agree on whether it is over"),
    D(call_with_another_id, ": its provider's id is missing in CALL_EXT"),
    D(call_with_another_id, ": its call has another provider's id"),
    D(call_on_another_channel, ": it is missing in CALL_INDEX"),
    D(call_without_its_entry, ": its entry in the timeline does not exist"),
    D(call_with_anothers_entry, ": its entry in the timeline is of something else"),
    D(call_index_gone, ": it is missing in CALL_INDEX"),
    D(call_ext_of_none, ": its call does not exist"),
    D(entry_of_no_call, ": the call whose entry it is does not exist"),
    D(transcript_of_another, ": the event at its transcript's position is another's"),
    D(transcript_nowhere, ": the event at its transcript's position is another's"),
    D(appointment_gone, "APPOINTMENT_INDEX 01"),
    D(appointment_gone, ": its appointment does not exist"),
    D(appointment_gone, ": it follows from the journal and is missing"),
    D(appointment_of_nobody, ": its customer does not exist"),
    D(appointment_of_nobody, ": its appointment has another time, customer or store"),
    D(appointment_of_no_case, ": its case does not exist"),
    D(appointment_elsewhere, ": it is missing in APPOINTMENT_INDEX"),
    D(appointment_elsewhere, ": its appointment has another time, customer or store"),
    D(appointment_at_another_time, ": its appointment has another time, customer or store"),
    D(appointment_of_no_status, ": its status is unknown"),
    D(appointment_of_the_future, ": its version is no sequence that was reached"),
    D(appointment_with_another_code, ": it is open, and its code does not lead to it"),
    D(appointment_with_another_code,
      ": its appointment has another code, or is to be told of at another time"),
    D(appointment_that_is_over, ": its appointment is open no more"),
    D(appointment_near_at_another_time, ": it is to be told of, and APPOINTMENT_OPEN doesn't say when"),
    D(appointment_near_at_another_time, ": its appointment has another code, or is to be told of at another"),
    D(appointment_of_another_message, ": a MESSAGE that it names leads to another appointment"),
    D(appointment_of_no_message, ": a MESSAGE that it names does not exist"),
    D(appointment_with_spoilt_notices, ": what is kept of its messages can't be read"),
    D(appointment_index_gone, ": it is missing in APPOINTMENT_INDEX"),
    D(appointment_index_of_another_kind, ": its appointment has another time, customer or store"),
    D(appointment_code_of_another, ": it is open, and its code does not lead to it"),
    D(appointment_near_gone, ": it is to be told of, and APPOINTMENT_OPEN doesn't say when"),
    D(appointment_near_too_long, ": its key or value has another length than one has"),
    D(message_of_no_appointment, ": its appointment does not exist"),
    D(secret_changed, "META 6c696e6b00: its value is not the one"),
    D(a_key_of_no_table, "? 7e77686174: it does not follow from the journal"),
    D(a_key_too_short, "CASE_INDEX 78: its key has 1 bytes"),
#undef D
};

static void expect_finding(struct rig *r, const char *name, const char *finding)
{
    int32_t rc = rig_check(r);

    if (rc != HILO_CORRUPT)
        fail_msg("%s: %s (%s)", name, err_name(rc), r->err.text);
    if (!strstr(r->listing, finding))
        fail_msg("%s: not found: %s\n%s", name, finding, r->listing);
}

static void every_damage_is_found(void **state)
{
    struct rig *r = *state;
    struct scene s;
    char whole[128], work[sizeof r->dir];

    scene_make(&s, r);
    rig_clean(r);
    store_close(&r->store);
    memcpy(work, r->dir, sizeof work);
    (void)snprintf(whole, sizeof whole, "%s/whole", work);
    /* The context and the media as they should be are put back after each damage. */
    assert_int_equal(mkdir(whole, 0700), 0);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        char data[160], kept[160];
        (void)snprintf(data, sizeof data, "%s/context", work);
        (void)snprintf(kept, sizeof kept, "%s", whole);
        int from = open(i ? kept : data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int to = open(i ? data : kept, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        folder__copy_file(from, to, "data.mdb");
        close(from);
        close(to);
        media_write(r, "");
        damages[i].damage(&s);
        expect_finding(r, damages[i].name, damages[i].finding);
        arena_reset(r->arena);
    }
    rig_open(r);
}

/* Other contents of the same length. */
static void media_of_the_same_size(void **state)
{
    struct rig *r = *state;
    uint8_t hash[32] = {0};
    char path[256];

    EMIT(r, media_added, .id = rig_id(r), .sha256 = str_n(hash, sizeof hash), .size = 4);
    (void)snprintf(path, sizeof path, "%s/media/00", r->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/media/00/%062d", r->dir, 0);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "four", 4), 4);
    close(fd);
    store_close(&r->store);
    expect_finding(r, "media", " has other contents");
    rig_open(r);
}

/* ---- the journal ---- */

/* Appends an event as no store would. */
static void odd_event(struct rig *r, uint16_t type, uint8_t version, uint8_t actor, struct hilo_str body)
{
    char dir[128];
    struct journal_recovery rec;
    struct journal *j = NULL;
    struct event ev = {.head = {.type = type, .version = version, .actor_kind = actor, .time_us = r->now},
                       .body = body};

    (void)snprintf(dir, sizeof dir, "%s/journal", r->dir);
    const struct journal_options o = {.dir = dir, .segment_bytes = 8 << 20};
    OK(r, journal_open(&o, 0, 0, false, NULL, NULL, &r->err, &rec, &j));
    journal_lock(j);
    journal_group(j);
    OK(r, journal_append(j, &ev, &r->err));
    journal_unlock(j);
    OK(r, journal_commit(j, ev.head.seq, NULL, NULL, &r->err));
    journal_close(&j);
}

static struct hilo_str packed(struct rig *r, const struct rec_desc *d, const void *obj)
{
    struct hilo_writer w;

    arena_writer(r->arena, &w);
    rec_pack(d, obj, &w);
    return hilo_written(&w);
}

static void odd(void **state, uint16_t type, uint8_t version, uint8_t actor, struct hilo_str body,
                const char *finding)
{
    struct rig *r = *state;

    (void)rig_person(r, "+573001112233");
    store_close(&r->store);
    odd_event(r, type, version, actor, body);
    expect_finding(r, finding, finding);
    assert_non_null(strstr(r->listing, "EVENT -: segment 1 offset "));
    assert_non_null(strstr(r->listing, "sequence 4: "));
}

static void an_unknown_event(void **state)
{
    odd(state, 999, 1, ACTOR_CORE, STR(""), ": its type is unknown");
}

static void an_event_of_another_form(void **state)
{
    odd(state, EVENT_customer_created, 2, ACTOR_CORE, STR(""), ": its form is unknown");
}

static void an_event_of_an_unknown_actor(void **state)
{
    odd(state, EVENT_parked_forgotten, 1, 9, STR(""), ": its actor is unknown");
}

static void a_malformed_event(void **state)
{
    odd(state, EVENT_customer_created, 1, ACTOR_CORE, STR("\1\xff"),
        ": customer.created: its fields are malformed");
}

static void an_event_with_a_malformed_message(void **state)
{
    struct rig *r = *state;
    const struct ev_message_accepted ev = {.id = {{1}}, .message = STR("\1\xff")};

    odd(state, EVENT_message_accepted, 1, ACTOR_CORE, packed(r, &ev_desc_message_accepted, &ev),
        ": the message in it is malformed");
}

static void an_event_that_contradicts(void **state)
{
    struct rig *r = *state;
    const struct ev_message_claimed ev = {.id = {{1}}, .attempt = 1};

    odd(state, EVENT_message_claimed, 1, ACTOR_CORE, packed(r, &ev_desc_message_claimed, &ev),
        "contradicts the context: no such message");
}

static void flip(struct rig *r, off_t offset, const char *bytes)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/journal/0000000001.seg", r->dir);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, strlen(bytes), offset), strlen(bytes));
    close(fd);
}

static void a_damaged_journal(void **state)
{
    struct rig *r = *state;
    struct scene s;

    scene_make(&s, r);
    store_close(&r->store);
    flip(r, 4096 + 60, "damage");
    expect_finding(r, "damage", "JOURNAL -: segment 0000000001");
}

static void a_torn_tail_is_only_noted(void **state)
{
    struct rig *r = *state;

    (void)rig_person(r, "+573001112233");
    store_close(&r->store);
    flip(r, 1 << 20, "torn");
    OK(r, rig_check(r));
    assert_non_null(strstr(r->listing, "note: the journal ends in a torn tail of "));
    rig_open(r);
    rig_clean(r); /* the start cut it off */
}

static void a_context_ahead_of_the_journal(void **state)
{
    struct rig *r = *state;
    char path[128], early[128];
    struct person p = rig_person(r, "+573001112233");

    store_close(&r->store);
    (void)snprintf(path, sizeof path, "%s/journal", r->dir);
    (void)snprintf(early, sizeof early, "%s/early", r->dir);
    assert_int_equal(mkdir(early, 0700), 0);
    int from = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        to = open(early, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    folder_copy(from, to);
    close(from);
    close(to);
    rig_open(r);
    (void)rig_accept(r, &p, (struct draft){0});
    store_close(&r->store);
    folder_remove(path);
    assert_int_equal(rename(early, path), 0);
    expect_finding(r, "ahead",
                   "META 72656163686564: the context has reached event 4, but the journal ends with 3");
}

/* ---- what else there is to it ---- */

static void a_new_store_is_clean(void **state)
{
    struct rig *r = *state;

    rig_clean(r);
}

static void a_missing_context_is_only_noted(void **state)
{
    struct rig *r = *state;
    char path[128];
    struct scene s;

    scene_make(&s, r);
    store_close(&r->store);
    (void)snprintf(path, sizeof path, "%s/context/data.mdb", r->dir);
    assert_int_equal(unlink(path), 0);
    OK(r, rig_check(r));
    assert_non_null(strstr(r->listing, "note: there is no context"));
    rig_open(r);
    EXPECT(r, s.sent, NONE, SENT);
    rig_clean(r);
}

static void a_store_that_is_open_is_refused(void **state)
{
    struct rig *r = *state;

    assert_int_equal(rig_check(r), HILO_IO);
    assert_non_null(strstr(r->err.text, "journal"));
    assert_string_equal(r->listing, "");
    rig_clean(r);
}

static void a_folder_without_a_store(void **state)
{
    struct rig *r = *state;
    char dir[sizeof r->dir];

    memcpy(dir, r->dir, sizeof dir);
    (void)snprintf(r->dir, sizeof r->dir, "/tmp/hilo-no-such-store");
    assert_int_equal(rig_check(r), HILO_NOTFOUND);
    memcpy(r->dir, dir, sizeof dir);
}

static void findings_are_listed_up_to_a_limit(void **state)
{
    struct rig *r = *state;
    struct scene s = {.r = r};
    unsigned lines = 0;

    store_close(&r->store);
    for (unsigned i = 0; i < 130; i++) {
        struct hilo_str name = arena_fmt(r->arena, "%u", i);
        put(&s, TABLE_META, key_channel(name), STR("v"));
    }
    assert_int_equal(rig_check(r), HILO_CORRUPT);
    for (const char *p = r->listing; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, 101);
    assert_non_null(strstr(r->listing, "\n130 findings, the first 100 are listed\n"));
    assert_non_null(strstr(r->err.text, "130 findings"));
}

static size_t beside(const char *pattern)
{
    glob_t g = {0};
    size_t n = glob(pattern, 0, NULL, &g) == 0 ? g.gl_pathc : 0;

    globfree(&g);
    return n;
}

static void nothing_is_left_behind(void **state)
{
    struct rig *r = *state;
    char pattern[160], tmp[] = "/tmp/hilo-tmpdir-XXXXXX";

    (void)rig_person(r, "+573001112233");
    rig_clean(r);
    (void)snprintf(pattern, sizeof pattern, "%s.check-*", r->dir);
    assert_int_equal(beside(pattern), 0);
    assert_non_null(mkdtemp(tmp));
    setenv("TMPDIR", tmp, 1);
    rig_clean(r);
    assert_int_equal(rmdir(tmp), 0); /* empty */
    store_close(&r->store);
    assert_int_equal(rig_check(r), HILO_IO);
    unsetenv("TMPDIR");
    assert_non_null(strstr(r->err.text, "TMPDIR says where"));
    rig_open(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(every_damage_is_found),
        T(media_of_the_same_size),
        T(an_unknown_event),
        T(an_event_of_another_form),
        T(an_event_of_an_unknown_actor),
        T(a_malformed_event),
        T(an_event_with_a_malformed_message),
        T(an_event_that_contradicts),
        T(a_damaged_journal),
        T(a_torn_tail_is_only_noted),
        T(a_context_ahead_of_the_journal),
        T(a_new_store_is_clean),
        T(a_missing_context_is_only_noted),
        T(a_store_that_is_open_is_refused),
        T(a_folder_without_a_store),
        T(findings_are_listed_up_to_a_limit),
        T(nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
