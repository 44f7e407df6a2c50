/* Inbound messages that come in parts: any order, twice, cut through a character, never all of them;
 * more than are kept; over a restart; on a full disk. */
#include "api_rig.h"
#include "store/keys.h"

/* What store_room says of new work. */
static int32_t room = HILO_OK;

static int32_t test_room(struct store *s, enum store_use use, struct err *e)
{
    if (use == STORE_NEW && room != HILO_OK)
        return err_set(e, room, "no room");
    return store_room(s, use, e);
}
#define store_room test_room
#include "services/inbound.c"
#undef store_room

static int setup(void **state)
{
    room = HILO_OK;
    *state = rig_new();
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

struct draft {
    const char *key;
    unsigned index, total;
    const char *ext, *text;
    uint64_t low, high;
    const char *phone; /* NULL: Ana's */
};

static int32_t submit(struct rig *r, struct draft d, struct err *e)
{
    struct hilo_writer w;
    int32_t rc;

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, str(d.ext));
    hilo_put_u64(&w, HILO_T_MSG_TIME, 1790000000000000 + d.index);
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, str(d.phone ? d.phone : "+573001112233"));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, str(d.text));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_PART);
    hilo_put_str(&w, HILO_T_PART_KEY, str(d.key));
    hilo_put_u64(&w, HILO_T_PART_INDEX, d.index);
    hilo_put_u64(&w, HILO_T_PART_TOTAL, d.total);
    if (d.low)
        hilo_put_u64(&w, HILO_T_PART_LOW, d.low);
    if (d.high)
        hilo_put_u64(&w, HILO_T_PART_HIGH, d.high);
    hilo_close(&w);
    store_begin(r->store);
    rc = message_submitted(&r->gw, &r->ch, hilo_written(&w), r->gw.arena, e);
    store_end(r->store);
    rig_turn(r);
    return rc;
}

static int32_t put(struct rig *r, const char *key, unsigned index, unsigned total, const char *ext,
                   const char *text)
{
    struct err e = {0};

    return submit(r, (struct draft){.key = key, .index = index, .total = total, .ext = ext, .text = text},
                  &e);
}

static bool known(struct rig *r, const char *ext, struct hilo_id *id)
{
    struct key k = key_ext(STR("wa"), str(ext));
    struct hilo_str val;
    struct err e = {0};

    if (store_get(r->store, TABLE_EXT, key_str(&k), r->gw.arena, &val, &e) != HILO_OK)
        return false;
    *id = key_tail_id(val);
    return true;
}

/* The message that an id leads to, as the API shows it. */
static void show(struct rig *r, const char *ext, struct reply *a)
{
    char text[ID_TEXT], path[64];
    struct hilo_id id;

    assert_true(known(r, ext, &id));
    id_format("msg", id, text);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", text);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, a), 200);
}

static void they_are_one_message_whatever_their_order(void **state)
{
    static const unsigned orders[6][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    static const char *const text[] = {"", "uno ", "dos ", "tres"};
    struct rig *r = *state;
    struct hilo_id id, same;
    struct reply a;

    for (unsigned o = 0; o < 6; o++) {
        char key[16], ext[4][16];
        (void)snprintf(key, sizeof key, "ref%u", o);
        for (unsigned i = 0; i < 3; i++) {
            unsigned n = orders[o][i];
            (void)snprintf(ext[n], sizeof ext[n], "o%u.%u", o, n);
            assert_int_equal(r->ch.received, o);
            assert_int_equal(put(r, key, n, 3, ext[n], text[n]), HILO_OK);
        }
        assert_int_equal(r->ch.received, o + 1);
        show(r, ext[1], &a);
        assert_has(a.body, "\"text\":\"uno dos tres\"");
        assert_has(a.body, "\"value\":\"+573001112233\"");
        assert_has(a.body, "\"time\":\"2026-09-21T14:13:20.000001Z\""); /* the first part's */
        assert_hasnt(a.body, "missing_parts");
        assert_hasnt(a.body, "\"part\"");
        assert_true(known(r, ext[1], &id));
        for (unsigned n = 1; n <= 3; n++) { /* each of them is known from now on */
            assert_true(known(r, ext[n], &same) && id_eq(id, same));
            assert_int_equal(put(r, key, n, 3, ext[n], text[n]), HILO_DUPLICATE);
        }
    }
    assert_int_equal(r->ch.received, 6);
    assert_int_equal(r->ch.parts_messages, 0);
    assert_int_equal(r->ch.parts_bytes, 0);
}

static void a_part_that_comes_twice_is_one(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(put(r, "k", 1, 2, "a", "uno "), HILO_OK);
    assert_int_equal(put(r, "k", 1, 2, "a", "uno "), HILO_DUPLICATE);
    assert_int_equal(put(r, "k", 1, 2, "b", "uno "), HILO_DUPLICATE); /* the peer named it anew */
    assert_int_equal(r->ch.parts_messages, 1);
    assert_int_equal(put(r, "k", 2, 2, "c", "dos"), HILO_OK);
    show(r, "a", &a);
    assert_has(a.body, "\"text\":\"uno dos\"");
    assert_int_equal(r->ch.received, 1);
}

static void one_of_one_is_a_message(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(put(r, "k", 1, 1, "a", "solo"), HILO_OK);
    show(r, "a", &a);
    assert_has(a.body, "\"text\":\"solo\"");
    assert_int_equal(r->ch.parts_messages, 0);
}

/* Another message with a reference that is still in use: the first is taken as far as it came. */
static void a_reference_that_is_used_again(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(put(r, "k", 2, 4, "a2", "dos "), HILO_OK);
    assert_int_equal(put(r, "k", 1, 4, "a1", "uno "), HILO_OK);
    assert_int_equal(put(r, "k", 1, 4, "b1", "otro "), HILO_OK);
    show(r, "a2", &a);
    assert_has(a.body, "\"text\":\"uno dos [\xe2\x80\xa6]\"");
    assert_has(a.body, "\"missing_parts\":2");
    assert_int_equal(r->ch.received, 1);
    assert_int_equal(r->ch.parts_messages, 1);
    assert_int_equal(put(r, "k", 2, 3, "c2", "mas"), HILO_OK); /* of another length */
    show(r, "b1", &a);
    assert_has(a.body, "\"text\":\"otro [\xe2\x80\xa6]\"");
    assert_has(a.body, "\"missing_parts\":3");
    rewind(r->logged);
    static char log[1 << 16];
    log[fread(log, 1, sizeof log - 1, r->logged)] = 0;
    assert_has(log, "message.incomplete");
    assert_has(log, "missing=2 parts=4 reason=reference_again");
}

static void a_character_that_was_cut_is_whole(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    struct reply a;
    struct draft first = {"k", 1, 3, "a1", "ja ", 0, 0xd83d, NULL},
                 second = {"k", 2, 3, "a2", "", 0xde00, 0xd83d, NULL}, /* nothing between two halves */
        third = {"k", 3, 3, "a3", " no", 0xde01, 0, NULL};

    assert_int_equal(submit(r, third, &e), HILO_OK);
    assert_int_equal(submit(r, first, &e), HILO_OK);
    assert_int_equal(submit(r, second, &e), HILO_OK);
    show(r, "a1", &a);
    assert_has(a.body, "\"text\":\"ja \xf0\x9f\x98\x80\xf0\x9f\x98\x81 no\"");
    /* Without its other half it is what stands for none. */
    first.key = second.key = "l";
    first.ext = "b1";
    second.ext = "b3";
    second.index = 3;
    assert_int_equal(submit(r, first, &e), HILO_OK);
    assert_int_equal(submit(r, second, &e), HILO_OK);
    first.text = "x";
    first.ext = "c1";
    assert_int_equal(submit(r, first, &e), HILO_OK);
    show(r, "b1", &a);
    assert_has(a.body, "\"text\":\"ja \xef\xbf\xbd[\xe2\x80\xa6]\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void what_is_no_part_is_refused_with_words(void **state)
{
    static const struct {
        struct draft d;
        const char *words;
    } wrong[] = {
        {{"k", 0, 3, "a", "x", 0, 0, NULL}, "part 0 of 3 can't be"},
        {{"k", 4, 3, "a", "x", 0, 0, NULL}, "part 4 of 3 can't be"},
        {{"k", 1, 256, "a", "x", 0, 0, NULL}, "of at most 255"},
        {{"", 1, 2, "a", "x", 0, 0, NULL}, "a key of 1 to 512 bytes"},
        {{"k", 1, 2, "", "x", 0, 0, NULL}, "no provider_id"},
        {{"k", 1, 2, "a", "x", 0xd800, 0, NULL}, "begins with a low surrogate"},
        {{"k", 1, 2, "a", "x", 0, 0x41, NULL}, "ends with a high one"},
        {{"k", 1, 2, "a", "x", 0, 0, "12"}, "party"},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err e = {0};
        assert_int_equal(submit(r, wrong[i].d, &e), HILO_INVALID);
        assert_has(e.text, wrong[i].words);
    }
    assert_int_equal(r->ch.parts_messages, 0);
}

/* Its time is over: the timer takes it, once, and the loop sleeps until then. */
static void what_does_not_become_whole_is_taken_in_the_end(void **state)
{
    struct rig *r = *state;
    int64_t began = clock_mono_us();
    struct reply a;

    r->gw.parts_wait_us = 60000;
    assert_int_equal(put(r, "k", 2, 3, "a2", "dos"), HILO_OK);
    assert_int_equal(put(r, "k", 3, 3, "a3", " tres"), HILO_OK);
    while (r->ch.received == 0) {
        (void)loop_run(r->loop, true);
        rig_turn(r);
    }
    assert_true(clock_mono_us() - began >= 60000);
    show(r, "a3", &a);
    assert_has(a.body, "\"text\":\"[\xe2\x80\xa6]dos tres\"");
    assert_has(a.body, "\"missing_parts\":1");
    assert_int_equal(r->ch.next_parts_us, 0);
    /* One that comes behind it is another's beginning. */
    assert_int_equal(put(r, "k", 1, 3, "a1", "uno"), HILO_OK);
    assert_int_equal(r->ch.received, 1);
    assert_int_equal(r->ch.parts_messages, 1);
}

/* As after a restart: counted from the tables, the timer is set for what waits. */
static void they_are_found_again_at_the_start(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    struct reply a;
    uint64_t bytes;
    int64_t next;

    assert_int_equal(put(r, "k", 2, 2, "a2", "dos"), HILO_OK);
    assert_int_equal(put(r, "l", 1, 2, "b1", "uno "), HILO_OK);
    bytes = r->ch.parts_bytes;
    next = r->ch.next_parts_us;
    assert_true(bytes > 0 && next > clock_wall_us());
    delivery_free(&r->delivery);
    r->ch.parts_messages = r->ch.parts_bytes = 77;
    r->ch.next_parts_us = 0;
    assert_int_equal(delivery_new(&r->gw, &e, &r->delivery), HILO_OK);
    assert_int_equal(r->ch.parts_messages, 2);
    assert_int_equal(r->ch.parts_bytes, bytes);
    assert_int_equal(r->ch.next_parts_us, next);
    assert_int_equal(put(r, "k", 1, 2, "a1", "uno "), HILO_OK);
    show(r, "a2", &a);
    assert_has(a.body, "\"text\":\"uno dos\"");
}

/* Nobody fills the gateway with beginnings: the oldest are taken as far as they came. */
static void there_are_no_more_than_are_kept(void **state)
{
    struct rig *r = *state;
    char key[16], ext[16];
    struct reply a;

    for (unsigned i = 0; i <= PARTS_MESSAGES_MAX; i++) {
        (void)snprintf(key, sizeof key, "k%u", i);
        (void)snprintf(ext, sizeof ext, "e%u", i);
        assert_int_equal(put(r, key, 1, 2, ext, "hola"), HILO_OK);
    }
    assert_int_equal(r->ch.parts_messages, PARTS_MESSAGES_MAX);
    assert_int_equal(r->ch.received, 1);
    show(r, "e0", &a);
    assert_has(a.body, "\"missing_parts\":1");
    /* The second of one that is kept pushes nobody out. */
    assert_int_equal(put(r, "k5", 2, 2, "f5", " Ana"), HILO_OK);
    assert_int_equal(r->ch.received, 2);
    assert_int_equal(r->ch.parts_messages, PARTS_MESSAGES_MAX - 1);
    /* Nor bytes. */
    r->ch.parts_bytes = PARTS_BYTES_MAX;
    assert_int_equal(put(r, "long", 1, 2, "g1", "hola"), HILO_OK);
    assert_true(r->ch.received > 2);
}

static void a_full_disk_takes_no_part_and_ends_none(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    struct reply a;
    const int64_t later = clock_wall_us() + 2 * r->gw.parts_wait_us;

    assert_int_equal(put(r, "k", 1, 2, "a1", "uno"), HILO_OK);
    room = HILO_FULL;
    assert_int_equal(put(r, "k", 2, 2, "a2", "dos"), HILO_FULL);
    assert_int_equal(message_parts_due(&r->gw, &r->ch, later, &e), HILO_FULL);
    assert_int_equal(r->ch.next_parts_us, later + 1000000);
    assert_int_equal(r->ch.received, 0);
    assert_int_equal(r->ch.parts_messages, 1);
    room = HILO_OK;
    assert_int_equal(message_parts_due(&r->gw, &r->ch, later, &e), HILO_OK);
    rig_turn(r);
    show(r, "a1", &a);
    assert_has(a.body, "\"missing_parts\":1");
    assert_int_equal(r->ch.next_parts_us, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(they_are_one_message_whatever_their_order),
        T(a_part_that_comes_twice_is_one),
        T(one_of_one_is_a_message),
        T(a_reference_that_is_used_again),
        T(a_character_that_was_cut_is_whole),
        T(what_is_no_part_is_refused_with_words),
        T(what_does_not_become_whole_is_taken_in_the_end),
        T(they_are_found_again_at_the_start),
        T(there_are_no_more_than_are_kept),
        T(a_full_disk_takes_no_part_and_ends_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
