/*
 * The WhatsApp plugin: the list of templates, from the request to the core.
 */
#include "whatsapp_host.h"

/* What the core was told, as words: "begin", names, "end". */
static char told[1024];

static void tell(const char *word)
{
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s%s", told[0] ? " " : "", word);
}

static void fake_begin(struct hilo_self *self)
{
    (void)self;
    tell("begin");
}

static int32_t fake_put(struct hilo_self *self, struct hilo_str group)
{
    char name[64];

    (void)self;
    copy(name, sizeof name, hilo_get_str(group, HILO_T_TEMPLATE_NAME));
    tell(name);
    return HILO_OK;
}

static void fake_end(struct hilo_self *self)
{
    (void)self;
    tell("end");
}

/* Opened, not started. */
static int setup_templates(void **state)
{
    struct fake *f;

    if (setup(state) != 0)
        return -1;
    f = *state;
    plugin->close(f->inst);
    told[0] = 0;
    f->host.template_begin = fake_begin;
    f->host.template_put = fake_put;
    f->host.template_end = fake_end;
    f->conf.template_refresh_us = INT64_C(3600000000);
    return plugin->open(&f->host, (struct hilo_self *)f, &f->conf, &f->inst) == HILO_OK ? 0 : -1;
}

#define ONE(name)                                                                                            \
    "{\"name\":\"" name "\",\"language\":\"es\",\"status\":\"APPROVED\",\"category\":\"UTILITY\"}"
#define LAST(list) "{\"data\":[" list "]}"
#define MORE(list)                                                                                           \
    "{\"data\":[" list "],\"paging\":{\"cursors\":{\"after\":\"QQ+/\"},\"next\":\"https://x\"}}"
#define STATUS(event)                                                                                        \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102\",\"changes\":[{\"field\":"          \
    "\"message_template_status_update\",\"value\":{\"event\":\"" event "\",\"message_template_name\":\"a\"," \
    "\"message_template_language\":\"es\"}}]}]}"

/* The timer that was set last, if it is the plugin's own, runs out. */
static void later(struct fake *f)
{
    assert_true(f->timer_us > 0);
    f->now_us = f->timer_us;
    f->timer_us = 0;
    plugin->on_timer(f->inst, WA_TIMER_TEMPLATES);
}

static void test_a_list_is_published_whole(void **state)
{
    struct fake *f = *state;

    assert_int_equal(plugin->start(f->inst), HILO_OK);
    assert_int_equal(f->n_http, 1);
    assert_string_equal(f->http[0].method, "GET");
    assert_string_equal(f->http[0].url,
                        "https://graph.example/v23.0/102/message_templates?fields=" META_TEMPLATE_FIELDS
                        "&limit=100");
    assert_string_equal(f->http[0].authorization, "Bearer TOKEN");
    meta(f, 0, 200, MORE(ONE("a") "," ONE("b")), NULL);
    assert_string_equal(told, ""); /* a page that fails would leave half a list */
    assert_int_equal(f->n_http, 2);
    assert_non_null(strstr(f->http[1].url, "&after=QQ%2B%2F"));
    meta(f, 1, 200, LAST(ONE("c") ",7"), NULL);
    assert_string_equal(told, "begin a b c end");
    assert_int_equal(f->timer_us, INT64_C(3600000000));
    later(f);
    assert_int_equal(f->n_http, 3);
    meta(f, 2, 200, LAST(""), NULL);
    assert_string_equal(told, "begin a b c end begin end");
}

static void test_a_list_that_fails_changes_nothing(void **state)
{
    struct fake *f = *state;

    assert_int_equal(plugin->start(f->inst), HILO_OK);
    meta(f, 0, 200, MORE(ONE("a")), NULL);
    meta(f, 1, 500, "", NULL);
    assert_int_equal(f->timer_us, 30000000);
    later(f);
    meta(f, 2, 200, MORE(ONE("a")), NULL);
    meta(f, 3, 200, MORE(ONE("a")), NULL); /* the same page again: it would never end */
    assert_int_equal(f->timer_us - f->now_us, 60000000);
    later(f);
    meta(f, 4, 200, "<html>", NULL);
    assert_int_equal(f->timer_us - f->now_us, 120000000);
    later(f);
    meta_breaks(f, 5, HILO_HTTP_MAYBE_SENT);
    assert_int_equal(f->timer_us - f->now_us, 240000000);
    later(f);
    meta(f, 6, 403, ERROR(200), NULL); /* the token may send all the same */
    assert_int_equal(f->state, HILO_OK);
    later(f);
    assert_string_equal(told, "");
    meta(f, 7, 200, LAST(ONE("a")), NULL);
    assert_string_equal(told, "begin a end");
    later(f);
    meta(f, 8, 401, ERROR(190), NULL);
    assert_int_equal(f->state, HILO_CONFIG);
}

static void test_a_change_is_told_at_once_and_the_list_asked_for_soon(void **state)
{
    struct fake *f = *state;

    assert_int_equal(plugin->start(f->inst), HILO_OK);
    meta(f, 0, 200, LAST(ONE("a")), NULL);
    told[0] = 0;
    f->timer_us = 0;
    f->now_us += 1000000;
    deliver(f, 1, STATUS("PAUSED"));
    assert_int_equal(f->answer[0].status, 200);
    assert_string_equal(told, "a");
    assert_int_equal(f->timer_us - f->now_us, 2000000);
    f->now_us += 1000000;
    f->timer_us = 0;
    deliver(f, 2, STATUS("APPROVED"));
    assert_int_equal(f->timer_us, 0); /* it is coming anyway */
    f->timer_us = f->now_us + 1000000;
    later(f);
    assert_int_equal(f->n_http, 2);
    /* changed while the list is under way: once more */
    f->timer_us = 0;
    deliver(f, 3, STATUS("PAUSED"));
    assert_int_equal(f->timer_us, 0);
    meta(f, 1, 200, LAST(ONE("a")), NULL);
    assert_int_equal(f->timer_us - f->now_us, 2000000);
    later(f);
    assert_int_equal(f->n_http, 3);
    assert_string_equal(told, "a a a begin a end");
}

static void test_nothing_is_fetched_without_an_account_or_a_core_that_keeps_it(void **state)
{
    struct fake *f = *state;

    plugin->close(f->inst);
    f->conf.waba_id = str("");
    assert_int_equal(plugin->open(&f->host, (struct hilo_self *)f, &f->conf, &f->inst), HILO_OK);
    f->n_log = 0;
    assert_int_equal(plugin->start(f->inst), HILO_OK);
    assert_int_equal(f->n_log, 1);
    deliver(f, 1, STATUS("PAUSED"));
    assert_string_equal(told, "a"); /* what a webhook says is as good as ever */
    assert_int_equal(f->n_http, 0);
    plugin->close(f->inst);
    f->conf.waba_id = str("102");
    f->host.size = offsetof(struct hilo_host, template_begin);
    assert_int_equal(plugin->open(&f->host, (struct hilo_self *)f, &f->conf, &f->inst), HILO_OK);
    assert_int_equal(plugin->start(f->inst), HILO_OK);
    deliver(f, 2, STATUS("PAUSED"));
    assert_string_equal(told, "a");
    assert_int_equal(f->n_http, 0);
}

static void test_drained_it_asks_no_more(void **state)
{
    struct fake *f = *state;

    assert_int_equal(plugin->start(f->inst), HILO_OK);
    plugin->drain(f->inst, f->now_us + 1000000);
    plugin->on_timer(f->inst, WA_TIMER_DRAIN);
    meta(f, 0, 200, LAST(ONE("late")), NULL);
    plugin->on_timer(f->inst, WA_TIMER_TEMPLATES);
    assert_int_equal(f->n_http, 1);
    assert_string_equal(told, "");
}

#define TEMPLATES(test) cmocka_unit_test_setup_teardown(test, setup_templates, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMPLATES(test_a_list_is_published_whole),
        TEMPLATES(test_a_list_that_fails_changes_nothing),
        TEMPLATES(test_a_change_is_told_at_once_and_the_list_asked_for_soon),
        TEMPLATES(test_nothing_is_fetched_without_an_account_or_a_core_that_keeps_it),
        TEMPLATES(test_drained_it_asks_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
