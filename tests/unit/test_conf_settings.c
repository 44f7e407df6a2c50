/* The daemon's sections: the example in conf/, defaults, and what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "conf/settings.h"
#include "conf_testing.h"

static struct conf *read_text(const char *yaml, struct settings *s)
{
    struct conf *c;

    (void)conf_parse("t.yaml", str(yaml), NULL, &c);
    assert_non_null(c->root);
    settings_read(c, s);
    return c;
}

static void defaults_are_the_documented_ones(void **state)
{
    struct settings s;
    struct conf *c = read_text("gateway:\nchannels:\n  one: {type: whatsapp}\nroutes:\n", &s);

    (void)state;
    assert_errors(c, "");
    assert_true(str_eqz(s.gateway.name, "hilo") && str_eqz(s.gateway.language, "en"));
    assert_true(str_eqz(s.gateway.data_dir, "/var/lib/hilo"));
    assert_int_equal(s.gateway.expires_us, INT64_C(3) * 86400 * 1000000);
    assert_int_equal(s.store.segment_bytes, 64 << 20);
    assert_int_equal(s.store.map_bytes, INT64_C(64) << 30);
    assert_int_equal(s.store.media_max_bytes, 100 << 20);
    assert_true(str_eqz(s.http.listen, "127.0.0.1:8080"));
    assert_true(str_eqz(s.http.control, "/var/lib/hilo/control.sock"));
    assert_int_equal(s.http.public_url.n, 0);
    assert_int_equal(s.http.body_max_bytes, 1 << 20);
    assert_int_equal(s.http.hook_max_bytes, 4 << 20);
    assert_int_equal(s.http.connections_max, 10000);
    assert_int_equal(s.http.connections_per_ip_max, 1000);
    assert_int_equal(s.http.idle_timeout_us, 60000000);
    assert_int_equal(s.http.link_life_us, INT64_C(86400000000));
    assert_int_equal(s.log.level, HILO_LOG_INFO);
    const struct settings_channel *ch = s.channels;
    assert_non_null(ch);
    assert_null(ch->next);
    assert_true(str_eqz(ch->name, "one") && str_eqz(ch->section, "channels.one"));
    assert_int_equal(ch->common.enabled, 1);
    assert_int_equal(ch->common.in_doubt, SETTINGS_HOLD);
    assert_int_equal(ch->common.max_attempts, 10);
    assert_int_equal(ch->common.retry_min_us, 1000000);
    assert_int_equal(ch->common.retry_max_us, 600000000);
    assert_int_equal(ch->common.queue_max, 100000);
    assert_int_equal(ch->common.account.n, 0);
    assert_int_equal(ch->common.window, SETTINGS_WINDOW_CORE);
    assert_int_equal(ch->common.rate, -1);
    assert_int_equal(ch->common.rate_burst, -1);
    assert_int_equal(ch->common.pair_interval_us, -1);
    assert_int_equal(ch->common.pair_burst, -1);
    assert_int_equal(ch->line, 3);
    assert_int_equal(ch->column, 3);
    char *path = arena_z(c->arena, arena_fmt(c->arena, "%.*s/whatsapp.so", STR_FMT(s.gateway.plugin_dir)));
    assert_true(s.gateway.plugin_dir.n > 0 && str_eqz(ch->common.plugin, path));
    assert_null(s.routes);
    conf_free(&c);
}

static void what_is_given_is_taken(void **state)
{
    struct settings s;
    struct conf *c =
        read_text("gateway: {data_dir: data, plugin_dir: /p}\n"
                  "http: {listen: \"[::1]:0\", control: \"\", public_url: \"https://h.example/\"}\n"
                  "log: {level: debug}\n"
                  "channels:\n"
                  "  b-2: {type: sms, in_doubt: resend, enabled: no, retry_min: 5s, retry_max: 5s, own: 1}\n"
                  "  a: {type: sms, plugin: ./x.so, account: acc, window: provider, rate: 0, rate_burst: 7,\n"
                  "      pair_interval: 0s, pair_burst: 45}\n"
                  "routes:\n"
                  "  - {channel: a, scheme: web_visitor, category: authentication}\n"
                  "  - {channel: b-2, category: service}\n",
                  &s);

    (void)state;
    assert_errors(c, "");
    assert_true(s.http.control.n == 0 && str_eqz(s.http.public_url, "https://h.example"));
    assert_int_equal(s.log.level, HILO_LOG_DEBUG);
    const struct settings_channel *b = s.channels, *a = b->next;
    assert_true(str_eqz(b->name, "b-2") && str_eqz(b->common.plugin, "/p/sms.so") && !b->common.enabled);
    assert_int_equal(b->common.in_doubt, SETTINGS_RESEND);
    assert_non_null(conf_get(b->node, "own"));
    assert_true(str_eqz(a->common.plugin, "./x.so") && str_eqz(a->common.account, "acc"));
    assert_int_equal(a->common.window, SETTINGS_WINDOW_PROVIDER);
    assert_int_equal(a->common.rate, 0); /* no limit, which is not the plugin's */
    assert_int_equal(a->common.rate_burst, 7);
    assert_int_equal(a->common.pair_interval_us, 0);
    assert_int_equal(a->common.pair_burst, 45);
    const struct settings_route *r = s.routes;
    assert_int_equal(r->scheme, HILO_SCHEME_WEB_VISITOR);
    assert_int_equal(r->category, HILO_CATEGORY_AUTHENTICATION);
    r = r->next;
    assert_int_equal(r->scheme, 0);
    assert_int_equal(r->category, HILO_CATEGORY_SERVICE);
    assert_null(r->next);
    conf_free(&c);
}

/* A route's value is the index in its choices: that holds while values count from 1. */
static void every_scheme_and_category_is_a_route(void **state)
{
#define HILO_SCHEME(name, value, text)   {"scheme", text, value},
#define HILO_CATEGORY(name, value, text) {"category", text, value},
    static const struct {
        const char *option, *text;
        int64_t value;
    } all[] = {
#include <hilo/values.def>
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char yaml[160];
        struct settings s;
        (void)snprintf(yaml, sizeof yaml, "channels: {a: {type: x}}\nroutes: [{channel: a, %s: %s}]\n",
                       all[i].option, all[i].text);
        struct conf *c = read_text(yaml, &s);
        assert_errors(c, "");
        assert_int_equal(all[i].option[0] == 's' ? s.routes->scheme : s.routes->category, all[i].value);
        conf_free(&c);
    }
}

static const struct {
    const char *yaml, *errors;
} wrongs[] = {
    {"gatewy: {}\n", "t.yaml:1:1: unknown key \"gatewy\"; did you mean \"gateway\"?\n"},
    {"plugins: {}\n",
     "t.yaml:1:1: unknown key \"plugins\"; known here: gateway, store, http, log, webhooks, appointments, "
     "stock, channels, routes, consent, kannel\n"},
    {"gateway: {time_zone: America/Macondo}\n",
     "t.yaml:1:22: gateway.time_zone can't be used: the system has no time zone America/Macondo; name one of "
     "IANA's, like America/Bogota, or install tzdata\n"},
    {"appointments: {near: 2d, chanel: wa}\nchannels: {wa: {type: x}}\n",
     "t.yaml:1:22: appointments.near must be from 0s to 1d; found \"2d\"\n"
     "t.yaml:1:26: appointments: unknown key \"chanel\"; did you mean \"channel\"?\n"},
    {"appointments: {channel: was}\nchannels: {wa: {type: x}}\n",
     "t.yaml:1:25: appointments.channel: there is no channel \"was\"; did you mean \"wa\"?\n"},
    {"http: on\n", "t.yaml:1:7: http must be a mapping of options\n"},
    {"http:\n  lissen: 127.0.0.1:1\n",
     "t.yaml:2:3: http: unknown key \"lissen\"; did you mean \"listen\"?\n"},
    {"http:\n  listen: localhost:80\n",
     "t.yaml:2:11: http.listen must be an address and a port such as 127.0.0.1:8080 or [::1]:8080\n"},
    {"http:\n  listen: 127.0.0.1:65536\n",
     "t.yaml:2:11: http.listen must be an address and a port such as 127.0.0.1:8080 or [::1]:8080\n"},
    {"http:\n  listen: 8080\n",
     "t.yaml:2:11: http.listen must be an address and a port such as 127.0.0.1:8080 or [::1]:8080\n"},
    {"http:\n  listen: ::1:8080\n",
     "t.yaml:2:11: http.listen must be an address and a port such as 127.0.0.1:8080 or [::1]:8080\n"},
    {"http:\n  listen: 127.0.0.1:\n",
     "t.yaml:2:20: YAML syntax: mapping values are not allowed in this context\n"},
    {"store: {segment_size: 4M}\n", "t.yaml:1:23: store.segment_size must be from 8M to 1G; found \"4M\"\n"},
    {"store: {segment_size: 16777217}\n", "t.yaml:1:23: store.segment_size must be a multiple of 4k\n"},
    {"log: {level: warning}\n", "t.yaml:1:14: log.level must be one of error, warn, info, debug; found "
                                "\"warning\"; did you mean \"warn\"?\n"},
    {"channels: [a]\n", "t.yaml:1:11: channels must be a mapping of names, each with its options below it\n"},
    {"channels:\n  a:\n", "t.yaml:2:3: channels.a.type is required and missing: The kind of channel: the "
                          "name of its plugin, such as "
                          "whatsapp.\n"},
    {"channels:\n  a: whatsapp\n", "t.yaml:2:6: channels.a must be a mapping of options\n"},
    {"channels:\n  -a: {type: x}\n  A: {type: x}\n  a_b: {type: x}\n  \"\": {type: x}\n",
     "t.yaml:2:3: the channel name \"-a\" must be of 1 to 63 letters a-z, digits and hyphens, and not begin "
     "with a "
     "hyphen\n"
     "t.yaml:3:3: the channel name \"A\" must be of 1 to 63 letters a-z, digits and hyphens, and not begin "
     "with a "
     "hyphen\n"
     "t.yaml:4:3: the channel name \"a_b\" must be of 1 to 63 letters a-z, digits and hyphens, and not begin "
     "with a "
     "hyphen\n"
     "t.yaml:5:3: the channel name \"\" must be of 1 to 63 letters a-z, digits and hyphens, and not begin "
     "with a "
     "hyphen\n"},
    {"channels: {a: {type: ../x}}\n", "t.yaml:1:22: channels.a.type must be the name of a plugin, of letters "
                                      "a-z, digits and hyphens; a path goes into "
                                      "plugin\n"},
    {"channels:\n  a: {type: x, retry_min: 11m}\n",
     "t.yaml:2:27: channels.a.retry_min (11m) must not be longer than retry_max (10m)\n"},
    {"channels:\n  a: {type: x, retry_max: 10ms}\n",
     "t.yaml:2:27: channels.a.retry_min (1s) must not be longer than retry_max (10ms)\n"},
    {"channels:\n  a: {type: x, in_doubt: retry}\n",
     "t.yaml:2:26: channels.a.in_doubt must be one of hold, resend; found \"retry\"\n"},
    {"channels:\n  a: {type: x, max_attempts: 0}\n",
     "t.yaml:2:30: channels.a.max_attempts must be from 1 to 1000; found \"0\"\n"},
    {"consent: [STOP]\n", "t.yaml:1:10: consent must be a mapping, such as \"stop_words: [BASTA]\"\n"},
    {"consent:\n  stopwords: [BASTA]\n  languages: [fr]\n  stops: [promotion]\n  confirm: maybe\n",
     "t.yaml:2:3: consent: unknown key \"stopwords\"; did you mean \"stop_words\"?\n"
     "t.yaml:3:15: consent.languages: \"fr\" is unknown\n"
     "t.yaml:4:11: consent.stops: \"promotion\" is unknown; did you mean \"promotional\"?\n"
     "t.yaml:5:12: consent.confirm must be true or false\n"},
    {"channels: {a: {type: x, consent: {stop_words: [{}], stop_text: {es: ''}, stops: []}}}\n",
     "t.yaml:1:48: channels.a.consent.stop_words must be a text here\n"
     "t.yaml:1:69: channels.a.consent.stop_text must have 1 to 1000 bytes\n"
     "t.yaml:1:81: channels.a.consent.stops must name a category that a stop word closes\n"},
    {"routes: {a: 1}\n", "t.yaml:1:9: routes must be a list, each of its items beginning with \"- \"\n"},
    {"routes:\n- a\n- {}\n",
     "t.yaml:2:3: routes[0] must be a mapping of options\n"
     "t.yaml:3:3: routes[1].channel is required and missing: The name of the channel that they go to.\n"},
    {"channels: {sms-co: {type: x}}\nroutes:\n- {channel: sms-c}\n- {channel: email}\n- {channel: sms-co, "
     "sheme: phone}\n",
     "t.yaml:3:13: routes[0].channel: there is no channel \"sms-c\"; did you mean \"sms-co\"?\n"
     "t.yaml:4:13: routes[1].channel: there is no channel \"email\"\n"
     "t.yaml:5:21: routes[2]: unknown key \"sheme\"; did you mean \"scheme\"?\n"},
    {"channels: {a: {type: x}}\nroutes:\n- {channel: a, scheme: telephone}\n",
     "t.yaml:3:24: routes[0].scheme must be one of any, phone, email, document, whatsapp, loyalty, "
     "web_visitor; found "
     "\"telephone\"\n"},
};

static void every_wrong_setting_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct settings s;
        struct conf *c;
        (void)conf_parse("t.yaml", str(wrongs[i].yaml), NULL, &c);
        if (c->root)
            settings_read(c, &s);
        assert_errors(c, wrongs[i].errors);
        conf_free(&c);
    }
}

static void a_long_data_dir_has_no_room_for_the_socket(void **state)
{
    char yaml[300] = "gateway:\n  data_dir: /";
    struct settings s;
    struct conf *c;

    (void)state;
    for (int i = 0; i < 100; i++)
        strcat(yaml, "d");
    strcat(yaml, "\n");
    c = read_text(yaml, &s);
    assert_errors(c, "t.yaml:2:13: gateway.data_dir is too long for the path of a control socket in it; set "
                     "http.control to a shorter path\n");
    conf_free(&c);
    strcat(yaml, "http: {control: /run/hilo.sock}\n");
    c = read_text(yaml, &s);
    assert_errors(c, "");
    conf_free(&c);
}

/* The options of the example's plugin, as far as the example gives them. */
struct own {
    struct hilo_str phone_number_id, waba_id, token, app_secret, verify_token, template_refresh;
};
#define OWN(field, f)                                                                                        \
    {                                                                                                        \
        HILO_OPTION(struct own, field, HILO_OPT_STR), .name = #field, .flags = (f), .help = "x"              \
    }
static const struct hilo_option own_options[] = {OWN(phone_number_id, HILO_OPT_REQUIRED),
                                                 OWN(waba_id, 0),
                                                 OWN(token, HILO_OPT_REQUIRED | HILO_OPT_SECRET),
                                                 OWN(app_secret, HILO_OPT_REQUIRED | HILO_OPT_SECRET),
                                                 OWN(verify_token, HILO_OPT_REQUIRED | HILO_OPT_SECRET),
                                                 OWN(template_refresh, 0)};
enum { N_OWN = sizeof own_options / sizeof *own_options };

static void fill_own(struct conf *c, const struct settings_channel *ch, struct own *own)
{
    *own = (struct own){0};
    conf_fill(c, ch->node, ch->section.p, ch->line, ch->column, own_options, N_OWN, settings_common_keys,
              c->arena, own);
}

static void the_example_is_whole(void **state)
{
    static const char *const names[] = {"HILO_WHATSAPP_PHONE_NUMBER_ID", "HILO_WHATSAPP_WABA_ID",
                                        "HILO_WHATSAPP_TOKEN", "HILO_WHATSAPP_APP_SECRET",
                                        "HILO_WHATSAPP_VERIFY_TOKEN"};
    struct settings s;
    struct own own;
    struct conf *c;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(setenv(names[i], names[i] + 14, 1), 0);
    assert_int_equal(conf_load("conf/hilo.yaml", &err, &c), HILO_OK);
    settings_read(c, &s);
    assert_non_null(s.channels);
    fill_own(c, s.channels, &own);
    assert_errors(c, "");
    assert_true(str_eqz(own.token, "TOKEN") && str_eqz(own.verify_token, "VERIFY_TOKEN"));
    assert_true(str_eqz(s.channels->common.account, "WABA_ID"));
    assert_non_null(s.routes);
    conf_free(&c);

    /* Without its environment it says what is missing, and where. */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(unsetenv(names[i]), 0);
    assert_int_equal(conf_load("conf/hilo.yaml", &err, &c), HILO_OK);
    settings_read(c, &s);
    fill_own(c, s.channels, &own);
    assert_int_equal(c->n_errors, 6);
    char *text = printed_errors(c);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(strstr(text, names[i]));
    free(text);
    conf_free(&c);
}

/* Every option of every section stands in the example, given or as a comment. */
static void the_example_names_every_option(void **state)
{
    static const char *const names[] = {"gateway",      "store", "http",     "log",   "webhooks",
                                        "appointments", "stock", "channels", "routes"};
    static char text[1 << 16];
    FILE *f = fopen("conf/hilo.yaml", "r");

    (void)state;
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    assert_true(n > 0 && n < sizeof text - 1);
    assert_int_equal(fclose(f), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct hilo_option *options;
        uint32_t n_options;
        assert_true(settings_table(names[i], &options, &n_options));
        for (uint32_t k = 0; k < n_options; k++) {
            char key[64];
            (void)snprintf(key, sizeof key, "%s: ", options[k].name);
            if (!strstr(text, key) && !(strcmp(names[i], "routes") == 0 && strstr(text, options[k].name)))
                print_error("not in the example: %s.%s\n", names[i], options[k].name);
            assert_true(strstr(text, key) ||
                        (strcmp(names[i], "routes") == 0 && strstr(text, options[k].name)));
        }
    }
    const struct hilo_option *none;
    uint32_t n_none;
    assert_false(settings_table("nosuch", &none, &n_none));
}

static void the_words_of_consent_are_read(void **state)
{
    struct settings s;
    struct conf *c;

    (void)state;
    assert_int_equal(
        conf_parse("t.yaml",
                   STR("consent:\n  stop_words: [BASTA, NO MAS]\n  ignored_words: cancelar\n"
                       "  stop_text: {es: Listo, en: Done}\n  help_text: Ayuda\n  confirm: false\n"
                       "channels: {sms: {type: x, consent: {stops: [promotional, service], "
                       "languages: []}}}\n"),
                   NULL, &c),
        HILO_OK);
    settings_read(c, &s);
    assert_errors(c, "");
    const struct settings_word *w = s.consent.words;
    assert_true(str_eqz(w->text, "BASTA") && w->kind == SETTINGS_CONSENT_STOP);
    assert_true(str_eqz(w->next->text, "NO MAS"));
    assert_true(str_eqz(w->next->next->text, "cancelar") && w->next->next->kind == SETTINGS_CONSENT_IGNORED);
    const struct settings_text *t = s.consent.texts;
    assert_true(str_eqz(t->text, "Listo") && str_eqz(t->language, "es"));
    assert_true(str_eqz(t->next->next->text, "Ayuda") && t->next->next->language.n == 0);
    assert_true(s.consent.has_confirm && !s.consent.confirm && !s.consent.has_stops);
    const struct settings_consent *sms = &s.channels->consent;
    assert_true(sms->has_languages && sms->languages == 0 && sms->has_stops);
    assert_int_equal(sms->stops, 1 << HILO_CATEGORY_PROMOTIONAL | 1 << HILO_CATEGORY_SERVICE);
    assert_true(settings_same_consent(sms, sms) && !settings_same_consent(sms, &s.consent));
    conf_free(&c);
}

/* The list that plugins' keys are told apart by is the table's. */
static void common_keys_are_the_tables(void **state)
{
    const struct hilo_option *options;
    uint32_t n;

    (void)state;
    assert_true(settings_table("channels", &options, &n));
    for (uint32_t i = 0; i < n; i++)
        assert_string_equal(settings_common_keys[i], options[i].name);
    assert_string_equal(settings_common_keys[n], "consent"); /* a mapping, of no table */
    assert_null(settings_common_keys[n + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(what_is_given_is_taken),
        cmocka_unit_test(every_scheme_and_category_is_a_route),
        cmocka_unit_test(every_wrong_setting_is_refused_with_its_place),
        cmocka_unit_test(a_long_data_dir_has_no_room_for_the_socket),
        cmocka_unit_test(the_example_is_whole),
        cmocka_unit_test(the_example_names_every_option),
        cmocka_unit_test(the_words_of_consent_are_read),
        cmocka_unit_test(common_keys_are_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
