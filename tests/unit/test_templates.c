/* Templates: what a channel publishes is kept, whole or in part, by events that are
 * written only when something changed. */
#include "api_rig.h"
#include "services/templates.h"
#include "store/keys.h"

static int setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int teardown(void **state)
{
    templates_drop(&((struct rig *)*state)->ch);
    rig_free(*state);
    return 0;
}

/* A template; status, category 0 and text NULL: not given. */
static struct hilo_str template(struct rig *r, const char *name, const char *language, uint64_t status,
                                uint64_t category, const char *text)
{
    struct hilo_writer w;

    arena_writer(r->gw.arena, &w);
    hilo_put_str(&w, HILO_T_TEMPLATE_NAME, str(name));
    hilo_put_str(&w, HILO_T_TEMPLATE_LANGUAGE, str(language));
    if (status)
        hilo_put_u64(&w, HILO_T_TEMPLATE_STATUS, status);
    if (category)
        hilo_put_u64(&w, HILO_T_TEMPLATE_CATEGORY, category);
    if (text) {
        hilo_put_str(&w, HILO_T_TEMPLATE_TEXT, str(text));
        hilo_put_str(&w, HILO_T_TEMPLATE_BODY_PARAMS, STR("1"));
        hilo_put_str(&w, HILO_T_TEMPLATE_BODY_PARAMS, STR("2"));
    }
    return hilo_written(&w);
}

static void put(struct rig *r, const char *name, const char *language)
{
    templates_put(&r->ch, template(r, name, language, HILO_TEMPLATE_APPROVED, HILO_CATEGORY_TRANSACTIONAL,
                                   "Hola {{1}}, {{2}}"));
}

/* The stored body; empty: there is none. */
static struct hilo_str stored(struct rig *r, const char *name, const char *language)
{
    struct key k = key_template(STR("wa"), str(name), str(language));
    struct rec_template t = {0};
    struct err e = {0};

    (void)store_record(r->store, TABLE_TEMPLATE, key_str(&k), &rec_desc_template, r->gw.arena, &t, &e);
    return t.body;
}

static void a_list_replaces_the_one_before(void **state)
{
    struct rig *r = *state;

    templates_begin(&r->ch);
    put(r, "a", "es");
    put(r, "a", "en");
    put(r, "b", "es");
    templates_end(&r->ch);
    assert_true(stored(r, "a", "es").n && stored(r, "a", "en").n && stored(r, "b", "es").n);

    uint64_t seq = store_seq(r->store);
    templates_begin(&r->ch);
    put(r, "b", "es");
    put(r, "a", "es");
    templates_end(&r->ch);
    assert_true(stored(r, "a", "es").n && stored(r, "b", "es").n);
    assert_int_equal(stored(r, "a", "en").n, 0);
    assert_int_equal(store_seq(r->store), seq + 1); /* the removal; the others are as they were */
}

static void a_list_that_never_ended_removes_nothing(void **state)
{
    struct rig *r = *state;

    put(r, "a", "es");
    templates_begin(&r->ch);
    put(r, "b", "es");
    templates_begin(&r->ch); /* the plugin tries again */
    put(r, "c", "es");
    templates_drop(&r->ch); /* and ends */
    templates_end(&r->ch);
    assert_true(stored(r, "a", "es").n && stored(r, "b", "es").n && stored(r, "c", "es").n);
}

static void a_list_with_a_wrong_one_removes_nothing(void **state)
{
    struct rig *r = *state;

    put(r, "a", "es");
    templates_begin(&r->ch);
    templates_put(&r->ch, template(r, "b", "es", 99, HILO_CATEGORY_SERVICE, NULL));
    templates_put(&r->ch, template(r, "c", "es", HILO_TEMPLATE_PENDING, 0, NULL));
    templates_put(&r->ch, template(r, "", "es", HILO_TEMPLATE_PENDING, HILO_CATEGORY_SERVICE, NULL));
    templates_put(&r->ch, STR("\x01\x05"));
    templates_end(&r->ch);
    assert_true(stored(r, "a", "es").n);
    assert_int_equal(stored(r, "b", "es").n, 0);
    assert_int_equal(stored(r, "c", "es").n, 0);
}

static void a_change_keeps_what_it_does_not_give(void **state)
{
    struct rig *r = *state;
    struct hilo_str rest, t;
    struct hilo_field f;
    unsigned n = 0;

    put(r, "a", "es");
    templates_put(&r->ch, template(r, "a", "es", HILO_TEMPLATE_PAUSED, 0, NULL));
    t = stored(r, "a", "es");
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_STATUS), HILO_TEMPLATE_PAUSED);
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_CATEGORY), HILO_CATEGORY_TRANSACTIONAL);
    assert_true(str_eqz(hilo_get_str(t, HILO_T_TEMPLATE_TEXT), "Hola {{1}}, {{2}}"));
    templates_put(&r->ch, template(r, "a", "es", HILO_TEMPLATE_APPROVED, 0, "Chao {{1}}, {{2}}"));
    t = rest = stored(r, "a", "es");
    while (hilo_next(&rest, &f) == 1)
        n += f.tag == HILO_T_TEMPLATE_BODY_PARAMS;
    assert_int_equal(n, 2); /* given whole, not added to */
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_STATUS), HILO_TEMPLATE_APPROVED);

    /* What is not known can't be changed. */
    templates_put(&r->ch, template(r, "b", "es", HILO_TEMPLATE_PAUSED, 0, NULL));
    assert_int_equal(stored(r, "b", "es").n, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_list_replaces_the_one_before),
        T(a_list_that_never_ended_removes_nothing),
        T(a_list_with_a_wrong_one_removes_nothing),
        T(a_change_keeps_what_it_does_not_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
