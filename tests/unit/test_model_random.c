/* Properties that must hold for any message: made at random from the table, by a fixed
 * generator, so that a failure comes again. */
#include "model_util.h"
#include "model/dump.h"
#include "model/lift.h"
#include "model/lower.h"

static uint64_t seed;

/* xorshift64* */
static uint64_t rnd(uint64_t below)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (seed * UINT64_C(2685821657736338717)) % below;
}

static uint64_t rnd64(void)
{
    return rnd(UINT64_C(1) << 32) << 32 | rnd(UINT64_C(1) << 32);
}

static void put_text(struct hilo_writer *w, uint32_t tag)
{
    static const char *const pieces[] = {
        "a",  "Z9 ", "\xc3\xb1", "\xe2\x80\xa6", "\xf0\x9f\x98\x80", "\"", "\\", "\n",
        "\t", "/~",  "\x01",     "\x7f",         "e\xcc\x81",        ". ", "1",  "\xe2\x80\xa8"};
    char s[200];
    size_t n = 0, k = rnd(24);

    while (k--)
        n += (size_t)snprintf(s + n, sizeof s - n, "%s", pieces[rnd(sizeof pieces / sizeof *pieces)]);
    hilo_put(w, tag, s, n);
}

static void put_bytes(struct hilo_writer *w, uint32_t tag, size_t n)
{
    uint8_t b[32];
    size_t i;

    for (i = 0; i < n; i++)
        b[i] = (uint8_t)rnd(256);
    hilo_put(w, tag, b, n);
}

static void put_double(struct hilo_writer *w, uint32_t tag)
{
    uint64_t u = rnd64();
    double d;

    if ((u >> 52 & 0x7ff) == 0x7ff) /* not finite */
        u ^= UINT64_C(1) << 62;
    memcpy(&d, &u, sizeof d);
    hilo_put_f64(w, tag, rnd(2) ? d : (double)(int64_t)rnd(360) / 2 - 90);
}

static void put_group(struct hilo_writer *w, enum model_group group, bool unknown);

static void put_field(struct hilo_writer *w, const struct model_field *f, bool unknown)
{
    switch ((enum model_type)f->type) {
    case MODEL_U64:
        hilo_put_u64(w, f->tag, rnd64() >> rnd(64));
        break;
    case MODEL_TIME:
        hilo_put_u64(w, f->tag, rnd(2) ? rnd(MODEL_TIME_MAX + 1) : rnd(4000000000) * 1000000);
        break;
    case MODEL_BOOL:
        hilo_put_u64(w, f->tag, rnd(2));
        break;
    case MODEL_F64:
        put_double(w, f->tag);
        break;
    case MODEL_STR:
        put_text(w, f->tag);
        break;
    case MODEL_BYTES:
        put_bytes(w, f->tag, rnd(20));
        break;
    case MODEL_ID:
        put_bytes(w, f->tag, 16);
        break;
    case MODEL_ENUM:
        hilo_put_u64(w, f->tag, rnd(8) ? 1 + rnd(8) : rnd(UINT64_C(1) << 32));
        break;
    case MODEL_GROUP:
        hilo_open(w, f->tag);
        put_group(w, f->arg, unknown);
        hilo_close(w);
        break;
    }
}

/* In the order of tags, unknown ones last: the canonical order. What is internal is not among them,
 * as JSON does not have it. */
static void put_group(struct hilo_writer *w, enum model_group group, bool unknown)
{
    size_t n, i, k;
    const struct model_field *f = model_fields(group, &n);

    for (i = 0; i < n; i++) {
        if (f[i].flags & MODEL_INTERNAL)
            continue;
        for (k = f[i].flags & MODEL_REPEATED ? rnd(4) : rnd(3) == 0; k > 0; k--)
            put_field(w, &f[i], unknown);
    }
    for (k = unknown ? rnd(3) : 0; k > 0; k--)
        put_bytes(w, (uint32_t)(n + 1 + rnd(100000)), rnd(32));
}

static struct hilo_str random_message(struct arena *a, bool unknown)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    put_group(&w, MODEL_G_MSG, unknown);
    return hilo_written(&w);
}

static void messages_survive_json(void **state)
{
    int i;

    (void)state;
    seed = 20261124;
    for (i = 0; i < 3000; i++) {
        struct arena *a = arena_new();
        struct hilo_str m = random_message(a, true);
        struct hilo_writer w;
        struct buf b = {0};
        struct err e = {0};
        cJSON *tree = NULL;

        if (model_check(m, &e) || model_json_write(&b, MODEL_G_MSG, m, &e) ||
            json_parse(buf_str(&b), NULL, &e, &tree))
            fail_msg("round %d: %s", i, e.text);
        arena_writer(a, &w);
        if (model_json_read(&w, MODEL_G_MSG, tree, NULL, &e))
            fail_msg("round %d: %s: %.*s", i, e.text, STR_FMT(buf_str(&b)));
        if (!str_eq(m, hilo_written(&w)))
            fail_msg("round %d differs: %.*s", i, STR_FMT(buf_str(&b)));
        buf_clear(&b);
        assert_int_equal(model_dump(&b, MODEL_G_MSG, m), HILO_OK);
        assert_null(m.n ? strstr(arena_z(a, buf_str(&b)), "malformed") : NULL);
        cJSON_Delete(tree);
        buf_done(&b);
        arena_free(&a);
    }
}

/* An edit of known fields leaves every unknown one, and undoes itself. */
static void unknown_tags_survive_edits(void **state)
{
    int i;

    (void)state;
    seed = 7;
    for (i = 0; i < 1000; i++) {
        struct arena *a = arena_new();
        struct hilo_str m = random_message(a, true), edited, back, was, rest;
        struct model_change in = change_str(HILO_T_CONTENT_TEXT, STR("new")), c[2];
        struct hilo_field f;
        struct err e = {0};

        c[0] = change_str(HILO_T_MSG_CHANNEL, STR("other"));
        c[1] = change_into(HILO_T_MSG_CONTENT, &in, 1);
        assert_int_equal(model_edit(a, m, c, 2, &edited, &e), HILO_OK);
        assert_int_equal(model_check(edited, &e), HILO_OK);
        assert_true(str_eqz(hilo_get_str(edited, HILO_T_MSG_CHANNEL), "other"));
        assert_true(str_eqz(hilo_get_str(hilo_content(edited), HILO_T_CONTENT_TEXT), "new"));
        for (rest = m; hilo_next(&rest, &f) == 1;) {
            if (f.tag != HILO_T_MSG_CHANNEL && f.tag != HILO_T_MSG_CONTENT && f.tag != HILO_T_MSG_PARTY)
                assert_true(str_eq(f.val, hilo_get_str(m, f.tag)) ==
                            str_eq(f.val, hilo_get_str(edited, f.tag)));
        }
        c[0] = hilo_find(m, HILO_T_MSG_CHANNEL, &was) ? change_str(HILO_T_MSG_CHANNEL, was)
                                                      : change_remove(HILO_T_MSG_CHANNEL);
        in = hilo_find(hilo_content(m), HILO_T_CONTENT_TEXT, &was) ? change_str(HILO_T_CONTENT_TEXT, was)
                                                                   : change_remove(HILO_T_CONTENT_TEXT);
        if (!hilo_find(m, HILO_T_MSG_CONTENT, &was))
            c[1] = change_remove(HILO_T_MSG_CONTENT);
        assert_int_equal(model_edit(a, edited, c, 2, &back, &e), HILO_OK);
        assert_true(str_eq(m, back));
        arena_free(&a);
    }
}

/* Whatever is lowered keeps to what the channel declared. */
static void lowered_messages_keep_the_limits(void **state)
{
    const struct hilo_abilities able = {.contents = 1u << HILO_CONTENT_TEXT | 1u << HILO_CONTENT_CHOICES,
                                        .text_max = 17,
                                        .buttons_max = 3,
                                        .button_title_max = 9,
                                        .list_max = 6,
                                        .list_title_max = 12,
                                        .list_description_max = 8,
                                        .body_max = 15,
                                        .list_body_max = 25,
                                        .choice_id_max = 40};
    const struct lower_env env = {.language = "en"};
    int i, done = 0;

    (void)state;
    seed = 99;
    for (i = 0; i < 3000; i++) {
        struct arena *a = arena_new();
        const struct model_change in =
            change_u64(HILO_T_CONTENT_TYPE, i % 2 ? HILO_CONTENT_TEXT : HILO_CONTENT_CHOICES);
        const struct model_change c = change_into(HILO_T_MSG_CONTENT, &in, 1);
        struct hilo_str m;
        struct lowered out;
        struct err e = {0};
        size_t k;

        assert_int_equal(model_edit(a, random_message(a, true), &c, 1, &m, &e), HILO_OK);
        if (lower(m, &able, &env, a, &out, &e) == HILO_OK) {
            done++;
            for (k = 0; k < out.n; k++) {
                struct hilo_str got = hilo_content(out.message[k]), rest = got;
                bool text = hilo_content_type(out.message[k]) == HILO_CONTENT_TEXT;
                bool list = hilo_get_str(got, HILO_T_CONTENT_BUTTON).n > 0;
                struct hilo_field f;
                size_t choices = 0;

                assert_int_equal(model_check(out.message[k], &e), HILO_OK);
                assert_true(str_utf8_count(hilo_get_str(got, HILO_T_CONTENT_TEXT)) <=
                            (text   ? able.text_max
                             : list ? able.list_body_max
                                    : able.body_max));
                while (!text && hilo_next(&rest, &f) == 1) {
                    if (f.tag != HILO_T_CONTENT_CHOICES)
                        continue;
                    choices++;
                    assert_true(str_utf8_count(hilo_get_str(f.val, HILO_T_CHOICE_TITLE)) <=
                                (list ? able.list_title_max : able.button_title_max));
                    assert_true(str_utf8_count(hilo_get_str(f.val, HILO_T_CHOICE_DESCRIPTION)) <=
                                (list ? able.list_description_max : 0));
                }
                assert_true(choices <= (list ? able.list_max : able.buttons_max));
            }
        }
        arena_free(&a);
    }
    assert_true(done > 1000); /* else nothing was tested */
}

/* What choices become as numbers, the answer's number undoes. */
static void numbers_come_back_as_the_same_choice(void **state)
{
    const struct hilo_abilities sms = {.contents = 1u << HILO_CONTENT_TEXT, .text_max = 1600};
    const struct lower_env env = {.language = "es"};
    struct arena *a = arena_new();
    struct hilo_str q, out;
    struct lowered low;
    struct err e = {0};
    struct hilo_writer w;
    char title[32];
    int n, i;

    (void)state;
    for (n = 1; n <= 12; n++) {
        arena_writer(a, &w);
        hilo_open(&w, HILO_T_MSG_CONTENT);
        hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICES);
        hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("?"));
        for (i = 1; i <= n; i++) {
            hilo_open(&w, HILO_T_CONTENT_CHOICES);
            hilo_put(&w, HILO_T_CHOICE_ID, title, (size_t)snprintf(title, sizeof title, "id%d", i));
            hilo_put(&w, HILO_T_CHOICE_TITLE, title,
                     (size_t)snprintf(title, sizeof title, "Tienda %c", 'A' + i));
            hilo_close(&w);
        }
        hilo_close(&w);
        q = hilo_written(&w);
        assert_int_equal(lower(q, &sms, &env, a, &low, &e), HILO_OK);
        for (i = 1; i <= n; i++) {
            (void)snprintf(title, sizeof title, n <= 3 ? "%d para Tienda %c" : "\n%d. Tienda %c", i, 'A' + i);
            assert_non_null(
                strstr(arena_z(a, hilo_get_str(hilo_content(low.message[0]), HILO_T_CONTENT_TEXT)), title));
            assert_int_equal(lift(msg_of(a, arena_fmt(a, "{'content':{'type':'text','text':'%d'}}", i).p), q,
                                  false, a, &out, &e),
                             HILO_OK);
            (void)snprintf(title, sizeof title, "id%d", i);
            assert_true(str_eqz(hilo_get_str(hilo_content(out), HILO_T_CONTENT_CHOICE), title));
        }
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_survive_json),
        cmocka_unit_test(unknown_tags_survive_edits),
        cmocka_unit_test(lowered_messages_keep_the_limits),
        cmocka_unit_test(numbers_come_back_as_the_same_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
