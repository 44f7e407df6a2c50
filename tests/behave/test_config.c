/*
 * The configuration as operators meet it: hilod --check-config says all that is wrong, by
 * place, and never a secret; a channel whose plugin can't be used stops no other.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Ends with status; what it wrote. */
static char *check(struct scratch *s, const char *yaml, int status)
{
    char bin[256], path[256];
    const char *const argv[] = {bin, "--check-config", "-c", path, NULL};

    (void)snprintf(bin, sizeof bin, "%s/hilod", harness_build());
    (void)snprintf(path, sizeof path, "%s/t.yaml", s->dir);
    if (yaml)
        file_write(path, yaml);
    struct process *p = process_start(argv);
    char *said = process_output(p);
    int was = process_wait(p);
    if (was != status)
        print_message("%s\n---\n%s\nended with %d\n", yaml ? yaml : "(no file)", said, was);
    assert_int_equal(was, status);
    process_free(&p);
    return said;
}

static void says(const char *said, const char *words)
{
    if (!strstr(said, words))
        print_message("\"%s\" is not in:\n%s\n", words, said);
    assert_non_null(strstr(said, words));
}

/* A whole good file but for %1: more of a section, and %2: the channel. */
static char *yaml_of(const char *sections, const char *channel)
{
    static char text[8192];

    (void)snprintf(text, sizeof text,
                   "gateway:\n  plugin_dir: %s/plugins\n%schannels:\n  wa:\n    type: whatsapp\n"
                   "    phone_number_id: \"1\"\n    token: top-secret-token\n    app_secret: s3cr3t-app\n"
                   "    verify_token: s3cr3t-words\n%s",
                   harness_build(), sections, channel);
    return text;
}

static void a_good_file_is_good(void **state)
{
    struct scratch s;

    (void)state;
    scratch_init(&s);
    char *said = check(&s, yaml_of("", ""), 0);
    says(said, "is good: 1 channel");
    free(said);
    scratch_done(&s);
}

static void each_kind_of_fault_is_told_by_its_place(void **state)
{
    /* The sections begin in line 3 of the file, the channel's own options in line 10. */
    static const struct {
        const char *sections, *channel, *place, *words;
    } all[] = {
        {"htpp:\n  listen: 127.0.0.1:1\n", "", ":3:1: ", "did you mean \"http\""},
        {"http:\n  listn: 127.0.0.1:1\n", "", ":4:3: ", "did you mean \"listen\""},
        {"http:\n  listen: nowhere\n", "", ":4:11: ", "127.0.0.1:8080"},
        {"store:\n  segment_size: 3\n", "", ":4:17: ", "segment_size"},
        {"store:\n  segment_size: many\n", "", ":4:17: ", "many"},
        {"log:\n  level: loud\n", "", ":4:10: ", "error, warn, info"},
        {"log: verbose\n", "", ":3:6: ", "mapping"},
        {"log:\n  level: info\n  level: debug\n", "", ":5:3: ", "level"},
        {"log:\n  level: ${HILO_TEST_UNSET}\n", "", ":4:10: ", "HILO_TEST_UNSET"},
        {"", "    tokn: x\n", ":10:5: ", "did you mean \"token\""},
        {"", "    timeout: 10\n", ":10:14: ", "timeout"},
        {"", "    in_flight: 0\n", ":10:16: ", "in_flight"},
        {"", "    preview_url: maybe\n", ":10:18: ", "true or false"},
        {"", "    in_doubt: dubious\n", ":10:15: ", "hold"},
        {"", "    base_url: ftp://x\n", ":10:15: ", "base_url"},
        {"", "routes:\n  - channel: wax\n", ":11:14: ", "wa"},
        {"", "routes:\n  - scheme: fone\n    channel: wa\n", ":11:13: ", "phone"},
        {"", "    account: [1\n", "t.yaml:", ""},
        {"", "\tmore: 1\n", "t.yaml:", ""},
        {"", "    account: \"\\q\"\n", "t.yaml:", ""},
        {"", "    account: *nothing\n", "t.yaml:", ""},
        {"", "  wa:\n    type: whatsapp\n", ":10:3: ", "wa"},
        {"", "  WA:\n    type: whatsapp\n", ":10:3: ", "WA"},
    };
    struct scratch s;

    (void)state;
    scratch_init(&s);
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        char *said = check(&s, yaml_of(all[i].sections, all[i].channel), 3);
        says(said, all[i].place);
        says(said, all[i].words);
        assert_null(strstr(said, "s3cr3t"));
        assert_null(strstr(said, "top-secret"));
        free(said);
    }
    scratch_done(&s);
}

static void all_faults_are_told_at_once_in_their_order(void **state)
{
    struct scratch s;

    (void)state;
    scratch_init(&s);
    char *said = check(&s,
                       "gateway:\n  nmae: x\nstore:\n  map_size: much\nhttp:\n  body_max: -1\nlogs: {}\n"
                       "channels:\n  one: {type: whatsapp, plugin: /none.so, max_attempts: many}\nroutes:\n  "
                       "- channel: two\n",
                       3);
    const char *const places[] = {
        "t.yaml:2:3: ", "t.yaml:4:13: ", "t.yaml:6:13: ", "t.yaml:7:1: ", "t.yaml:9:", "t.yaml:11:14: "};
    const char *at = said;
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        says(at, places[i]);
        at = strstr(at, places[i]);
    }
    says(said, "has 6 errors; nothing was started");
    free(said);
    scratch_done(&s);
}

/* By the plugin's own check(): what is missing depends on the provider. */
static void what_a_plugin_requires_and_does_not_get_is_told(void **state)
{
    static const struct {
        const char *options, *says;
    } row[] = {
        {"", "t.yaml:4:3: channels.wa.token is missing"},
        {"    token: x\n", "channels.wa.phone_number_id must be digits"},
        {"    token: x\n    phone_number_id: 1\n", "channels.wa.app_secret is missing"},
        {"    token: x\n    phone_number_id: 1\n    app_secret: y\n", "channels.wa.verify_token is missing"},
        {"    provider: infobip\n", "channels.wa.base_url is missing"},
        {"    provider: infobip\n    base_url: https://x.api.infobip.com\n",
         "channels.wa.api_key is missing"},
        {"    provider: infobip\n    base_url: https://x.api.infobip.com\n    api_key: k\n",
         "channels.wa.sender is missing"},
        {"    provider: infobip\n    base_url: https://x.api.infobip.com\n    api_key: k\n    sender: "
         "57300\n",
         "channels.wa.webhook_secret is missing"},
        {"    provider: twilio\n", "channels.wa.provider"},
    };
    struct scratch s;
    char yaml[1024];

    (void)state;
    scratch_init(&s);
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        (void)snprintf(yaml, sizeof yaml,
                       "gateway:\n  plugin_dir: %s/plugins\nchannels:\n  wa:\n    type: whatsapp\n%s",
                       harness_build(), row[i].options);
        char *said = check(&s, yaml, 3);
        says(said, row[i].says);
        free(said);
    }
    scratch_done(&s);
}

/* What a plugin says of a node within a tree is told with that node's place, on a thread and by a
 * worker, whichever describes the plugin. */
static void a_fault_within_a_tree_has_its_place(void **state)
{
    static const char *const isolation[] = {"thread", "process"};
    static const struct {
        const char *menu, *says;
    } row[] = {
        {"      main:\n        say: hola\n        keys:\n          1: salse\n",
         "t.yaml:12:14: channels.tel.menu.main.keys.1: there is no step 'salse'"},
        {"      holidays:\n        - 2026-12-25\n        - \"2026-13-01\"\n",
         "t.yaml:11:11: channels.tel.menu.holidays.1: is no date"},
        {"      main: &x {}\n", "t.yaml:9:13: anchors"},
    };
    struct scratch s;
    char yaml[1024], build[256];

    (void)state;
    scratch_init(&s);
    assert_non_null(realpath(harness_build(), build));
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < sizeof row / sizeof *row; k++) {
            (void)snprintf(
                yaml, sizeof yaml,
                "gateway:\n  plugin_dir: %s/plugins\nchannels:\n  tel:\n    type: phone\n    plugin: "
                "%s/tests/plugins/phone.so\n    isolation: %s\n    menu:\n%s",
                harness_build(), build, isolation[i], row[k].menu);
            char *said = check(&s, yaml, 3);
            says(said, row[k].says);
            free(said);
        }
    scratch_done(&s);
}

/* conf/infobip.yaml, as it is but for the folder of plugins. */
static void the_example_of_infobip_is_good(void **state)
{
    struct scratch s;
    char *example = file_read("conf/infobip.yaml", NULL), *yaml = NULL;

    (void)state;
    scratch_init(&s);
    (void)setenv("HILO_INFOBIP_API_KEY", "k", 1);
    (void)setenv("HILO_WHATSAPP_WABA_ID", "102290129340398", 1);
    (void)setenv("HILO_INFOBIP_WEBHOOK_SECRET", "0123456789abcdef", 1);
    (void)setenv("HILO_INFOBIP_WEBHOOK_PASSWORD", "p", 1);
    assert_true(asprintf(&yaml, "gateway:\n  plugin_dir: %s/plugins\n%s", harness_build(), example) > 0);
    char *said = check(&s, yaml, 0);
    says(said, "is good: 1 channel");
    free(said);
    free(yaml);
    free(example);
    scratch_done(&s);
}

/* The same of conf/sms-try.yaml and pos-try.yaml, which have a section of their own for folders. */
static void the_examples_to_try_are_good(void **state)
{
    static const char *const example[] = {"conf/sms-try.yaml", "conf/pos-try.yaml"};
    struct scratch s;

    (void)state;
    scratch_init(&s);
    for (unsigned i = 0; i < sizeof example / sizeof *example; i++) {
        char *text = file_read(example[i], NULL), *yaml = NULL, *rest = strstr(text, "\nhttp:"), *said;
        assert_non_null(rest);
        assert_true(asprintf(&yaml, "gateway:\n  plugin_dir: %s/plugins%s", harness_build(), rest) > 0);
        said = check(&s, yaml, 0);
        says(said, "is good: 1 channel");
        free(said);
        free(yaml);
        free(text);
    }
    scratch_done(&s);
}

/* conf/sms-*.yaml, as they are but for the folder of plugins; and what is wrong with such options. */
static void the_examples_of_sms_are_good(void **state)
{
#define IB "    provider: infobip\n    base_url: https://x\n    api_key: k\n    sender: T\n"
#define TW                                                                                                   \
    "    provider: twilio\n    account_sid: AC0123456789abcdef0123456789abcdef\n    auth_token: t\n    "     \
    "sender: T\n"
#define TW_URL TW "    webhook_url: https://h/hooks/sms\n"
    static const char *const example[] = {"conf/sms-smpp.yaml", "conf/sms-infobip.yaml",
                                          "conf/sms-twilio.yaml"};
    static const struct {
        const char *options, *says;
    } row[] = {
        {"    system_id: s\n", "channels.sms.host is missing"},
        {"    host: h\n", "channels.sms.system_id is missing"},
        {"    host: h\n    system_id: s\n    sender: \"DEMASIADO LARGO\"\n", "channels.sms.sender is none"},
        {"    host: h\n    system_id: s\n    addresses: \"+56:2\"\n", "channels.sms.addresses can't be read"},
        {"    host: h\n    system_id: s\n    window_size: 256\n", "channels.sms.window_size"},
        {"    host: h\n    system_id: s\n    tls: true\n    tls_ca: x\n",
         "channels.sms.tls_ca holds no certificate"},
        {"    host: h\n    system_id: s\n    tls_cert: x\n", "channels.sms.tls_cert and tls_key"},
        {"    host: h\n    system_id: s\n    provider: carrier-pigeon\n", "channels.sms.provider"},
        {"    provider: infobip\n", "channels.sms.base_url is missing"},
        {"    provider: infobip\n    base_url: https://x\n", "channels.sms.api_key is missing"},
        {"    provider: infobip\n    base_url: https://x\n    api_key: k\n",
         "channels.sms.sender is missing"},
        {IB, "channels.sms.webhook_secret is missing"},
        {IB "    webhook_user: u\n", "channels.sms.webhook_user and webhook_password"},
        {IB "    webhook_user: \"a:b\"\n    webhook_password: p\n", "channels.sms.webhook_user must not"},
        {IB "    webhook_secret: short\n", "channels.sms.webhook_secret must have"},
        {IB "    webhook_secret: 0123456789abcde/\n", "channels.sms.webhook_secret must be"},
        {IB "    webhook_secret: 0123456789abcdef\n    latin1: true\n", "channels.sms.latin1 is smpp's"},
        {IB "    webhook_secret: 0123456789abcdef\n    long_messages: sar\n",
         "channels.sms.long_messages is"},
        {IB "    webhook_secret: 0123456789abcdef\n    receipts: failure\n",
         "channels.sms.receipts: failure"},
        {IB "    webhook_secret: 0123456789abcdef\n    intermediate_receipts: true\n",
         "channels.sms.intermediate_receipts need webhook_url"},
        {"    provider: twilio\n", "channels.sms.account_sid is missing"},
        {"    provider: twilio\n    account_sid: AC01\n", "channels.sms.account_sid is missing, or is not"},
        {"    provider: twilio\n    account_sid: AC0123456789abcdef0123456789abcdef\n",
         "channels.sms.auth_token is missing"},
        {TW, "channels.sms.webhook_url is missing"},
        {TW_URL "    api_key: SK0123456789abcdef0123456789abcdef\n", "channels.sms.api_key and api_secret"},
        {TW_URL "    api_key: AC0123456789abcdef0123456789abcdef\n    api_secret: s\n",
         "channels.sms.api_key is not"},
        {TW_URL "    messaging_service_sid: MG1\n", "channels.sms.messaging_service_sid is not"},
        {TW_URL "    national_tables: spanish\n", "channels.sms.national_tables must be none"},
        {TW_URL "    flash: true\n", "channels.sms.flash must be false"},
        {TW_URL "    intermediate_receipts: true\n", "channels.sms.intermediate_receipts must be false"},
        {TW_URL "    api_key: \"SK\\n\"\n", "channels.sms.api_key, api_secret or auth_token holds"},
    };
    struct scratch s;
    char *text, *yaml, *said, bad[1024];

    (void)state;
    scratch_init(&s);
    (void)setenv("HILO_SMS_PASSWORD", "p", 1);
    (void)setenv("HILO_INFOBIP_API_KEY", "k", 1);
    (void)setenv("HILO_INFOBIP_WEBHOOK_SECRET", "0123456789abcdef", 1);
    (void)setenv("HILO_INFOBIP_WEBHOOK_PASSWORD", "p", 1);
    (void)setenv("HILO_TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef", 1);
    (void)setenv("HILO_TWILIO_AUTH_TOKEN", "t", 1);
    for (unsigned i = 0; i < sizeof example / sizeof *example; i++) {
        text = file_read(example[i], NULL);
        assert_true(asprintf(&yaml, "gateway:\n  plugin_dir: %s/plugins\n%s", harness_build(), text) > 0);
        said = check(&s, yaml, 0);
        says(said, "is good: 1 channel");
        free(said);
        free(yaml);
        free(text);
    }
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        (void)snprintf(bad, sizeof bad,
                       "gateway:\n  plugin_dir: %s/plugins\nchannels:\n  sms:\n    type: sms\n%s",
                       harness_build(), row[i].options);
        said = check(&s, bad, 3);
        says(said, row[i].says);
        free(said);
    }
    scratch_done(&s);
}

/* The same of conf/email.yaml. */
static void the_example_of_email_is_good(void **state)
{
#define AT "    address: a@b.example\n"
    static const struct {
        const char *options, *says;
    } row[] = {
        {"    lmtp: unix:/x\n", "channels.mail.address is required and missing"},
        {"    address: nobody\n    lmtp: unix:/x\n", "channels.mail.address must be"},
        {"    address: a@b@c\n    lmtp: unix:/x\n", "channels.mail.address must be"},
        {AT, "channels.mail.relay, lmtp or imap must say"},
        {AT "    lmtp: nowhere\n", "channels.mail.lmtp must be"},
        {AT "    relay: http://x\n", "channels.mail.relay must be"},
        {AT "    imap: http://x\n", "channels.mail.imap must be"},
        {AT "    imap: imaps://x\n", "channels.mail.imap needs"},
        {AT "    relay: smtp://a smtp://b smtp://c smtp://d smtp://e smtp://f smtp://g smtp://h smtp://i\n",
         "channels.mail.relay has more than 8"},
        {AT "    relay: smtp://x\n    relay_user: u\n", "channels.mail.relay_user needs"},
        {AT "    relay: smtp://x\n    relay_user: u\n    relay_password: p\n    relay_tls: never\n",
         "channels.mail.relay_tls must not be"},
        {AT "    lmtp: unix:/x\n    separator: \"x\"\n", "channels.mail.separator must be"},
        {AT "    lmtp: unix:/x\n    aliases: c@d e\n", "channels.mail.aliases must be"},
        {AT "    relay: smtp://x\n    dkim_key: k\n", "channels.mail.dkim_key needs"},
        {AT "    relay: smtp://x\n    relay_cert: k\n", "channels.mail.relay_cert needs"},
    };
    struct scratch s;
    static const char *const example[] = {"conf/email.yaml", "conf/email-hosted.yaml"};
    char *text, *yaml, *said, bad[768];

    (void)state;
    scratch_init(&s);
    (void)setenv("HILO_MAIL_PASSWORD", "p", 1);
    for (unsigned i = 0; i < 2; i++) {
        text = file_read(example[i], NULL);
        assert_true(asprintf(&yaml, "gateway:\n  plugin_dir: %s/plugins\n%s", harness_build(), text) > 0);
        said = check(&s, yaml, 0);
        says(said, "is good: 1 channel");
        free(said);
        free(yaml);
        free(text);
    }
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        (void)snprintf(bad, sizeof bad,
                       "gateway:\n  plugin_dir: %s/plugins\nchannels:\n  mail:\n    type: email\n%s",
                       harness_build(), row[i].options);
        said = check(&s, bad, 3);
        says(said, row[i].says);
        free(said);
    }
    scratch_done(&s);
#undef AT
}

/* The same of conf/pos.yaml. */
static void the_example_of_terminals_is_good(void **state)
{
    static const struct {
        const char *options, *says;
    } row[] = {
        {"    names: x\n    listen: nowhere\n", "channels.pos.listen must be"},
        {"    names: x\n    listen: \"1.2.3:7443\"\n", "channels.pos.listen must be"},
        {"    names: x\n    listen: \"70000\"\n", "channels.pos.listen must be"},
        {"    names: x\n    country: co\n", "channels.pos.country must be"},
        {"    names: x\n    heartbeat: 10ms\n", "channels.pos.heartbeat"},
        {"    names: x\n    tls_min: \"1.1\"\n", "channels.pos.tls_min"},
        {"    listen: 7443\n", "channels.pos.names"},
    };
    struct scratch s;
    char *text = file_read("conf/pos.yaml", NULL), *yaml, *said, bad[512];

    (void)state;
    scratch_init(&s);
    assert_true(asprintf(&yaml, "gateway:\n  plugin_dir: %s/plugins\n%s", harness_build(), text) > 0);
    said = check(&s, yaml, 0);
    says(said, "is good: 1 channel");
    free(said);
    free(yaml);
    free(text);
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        (void)snprintf(bad, sizeof bad,
                       "gateway:\n  plugin_dir: %s/plugins\nchannels:\n  pos:\n    type: pos\n%s",
                       harness_build(), row[i].options);
        said = check(&s, bad, 3);
        says(said, row[i].says);
        free(said);
    }
    scratch_done(&s);
}

/* The same of conf/voice.yaml; a menu's fault has its own line and column. */
static void the_example_of_a_telephone_line_is_good(void **state)
{
#define LINE "    udp: 127.0.0.1:5060\n    trunk: 192.0.2.1\n"
    static const struct {
        const char *options, *says;
    } row[] = {
        {"    trunk: 192.0.2.1\n    udp: \"\"\n", "channels.voice.udp"},
        {"    udp: 127.0.0.1:5060\n", "channels.voice.registrar"},
        {LINE "    country: co\n", "channels.voice.country must be"},
        {LINE "    time_zone: Bogota\n", "channels.voice.time_zone must be"},
        {LINE "    codecs: opus\n", "channels.voice.codecs must be"},
        {LINE "    tls: 127.0.0.1:5061\n", "channels.voice.tls needs"},
        {LINE "    prompts:\n      greting: {es: a, en: b}\n", ":9:7: channels.voice.prompts.greting: "},
        {LINE "    menu:\n      start: a\n      a:\n        do: keys\n        no_key: b\n"
              "        keys: {1: salse}\n      b: {do: hangup}\n",
         ":13:19: channels.voice.menu.a.keys.1: there is no step 'salse'"},
        {LINE "    menu:\n      start: a\n      a: {do: say, say: goodbye, next: a}\n",
         ":10:40: channels.voice.menu.a.next: a caller who presses nothing would go round for ever"},
    };
    struct scratch s;
    char *text = file_read("conf/voice.yaml", NULL), *yaml, *said, bad[768];

    (void)state;
    scratch_init(&s);
    assert_int_equal(setenv("HILO_VOICE_SECRET", "x", 1), 0);
    assert_true(asprintf(&yaml, "gateway:\n  plugin_dir: %s/plugins\n%s", harness_build(), text) > 0);
    said = check(&s, yaml, 0);
    says(said, "is good: 1 channel");
    free(said);
    free(yaml);
    free(text);
    assert_int_equal(unsetenv("HILO_VOICE_SECRET"), 0);
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        (void)snprintf(bad, sizeof bad,
                       "gateway:\n  plugin_dir: %s/plugins\nchannels:\n  voice:\n    type: voice\n%s",
                       harness_build(), row[i].options);
        said = check(&s, bad, 3);
        says(said, row[i].says);
        free(said);
    }
    scratch_done(&s);
#undef LINE
}

static void faults_of_a_plugins_options_are_told_with_the_others(void **state)
{
    struct scratch s;

    (void)state;
    scratch_init(&s);
    char *said = check(
        &s, yaml_of("http:\n  listn: x\n  listn: y\n", "    account: ${HILO_TEST_UNSET}\n    tokn: x\n"), 3);
    says(said, ":4:3: ");
    says(said, ":5:3: ");
    says(said, "HILO_TEST_UNSET");
    says(said, "did you mean \"token\"");
    says(said, "has 4 errors; nothing was started");
    free(said);
    scratch_done(&s);
}

static void a_secret_that_is_wrong_is_not_printed_either(void **state)
{
    struct scratch s;
    char yaml[2048], longer[400];

    (void)state;
    scratch_init(&s);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    memcpy(longer, "s3cr3t", 6);
    (void)snprintf(yaml, sizeof yaml,
                   "gateway:\n  plugin_dir: %s/plugins\nchannels:\n  wa:\n    type: whatsapp\n"
                   "    phone_number_id: \"1\"\n    token: {s3cr3t: s3cr3t}\n    app_secret: %s\n"
                   "    verify_token: \"s3cr3t\\0\"\n",
                   harness_build(), longer);
    char *said = check(&s, yaml, 3);
    says(said, ":7:12: ");
    says(said, ":8:17: ");
    says(said, ":9:19: ");
    assert_null(strstr(said, "s3cr3t"));
    free(said);
    scratch_done(&s);
}

static void a_secret_may_be_in_a_file_beside_the_configuration(void **state)
{
    struct scratch s;
    char yaml[1024];

    (void)state;
    scratch_init(&s);
    (void)snprintf(
        yaml, sizeof yaml,
        "gateway:\n  plugin_dir: %s/plugins\nchannels:\n  wa:\n    type: whatsapp\n"
        "    phone_number_id: \"1\"\n    app_secret: a\n    verify_token: b\n    token: file:token\n",
        harness_build());
    char *said = check(&s, yaml, 3);
    says(said, ":9:12: ");
    says(said, "the file \"token\"");
    free(said);
    file_write(scratch_path(&s, "token"), "s3cr3t\n");
    said = check(&s, yaml, 0);
    assert_null(strstr(said, "s3cr3t"));
    free(said);
    scratch_done(&s);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct scratch s;

    (void)state;
    scratch_init(&s);
    char *said = check(&s, NULL, 1);
    says(said, "/t.yaml");
    free(said);
    scratch_done(&s);
}

/* ---- plugins that can't be used ---- */

static struct answer channel_named(struct world *w, const char *name, const cJSON **out)
{
    struct answer a = gate_get(&w->gate, "/v1/channels");
    const cJSON *c;

    *out = NULL;
    cJSON_ArrayForEach(c, json_at(a.json, "channels")) if (strcmp(json_at(c, "name")->valuestring, name) ==
                                                           0) *out = c;
    assert_non_null(*out);
    return a;
}

/* A channel with this plugin beside the channel wa, which works all the same. */
static void broken(const char *plugin, const char *reason)
{
    struct world w = {0};
    char channel[512], id[64];
    const cJSON *c;

    (void)snprintf(channel, sizeof channel, "  bad:\n    type: bad\n    plugin: %s\n", plugin);
    world_up(&w, channel, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
    struct answer a = channel_named(&w, "bad", &c);
    assert_string_equal(json_at(c, "state")->valuestring, "broken");
    says(json_at(c, "text")->valuestring, plugin);
    says(json_at(c, "text")->valuestring, reason);
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"bad\",\"content\":{\"type\":\"text\","
                  "\"text\":\"x\"}}");
    answer_is(&a, 503, "channel_broken", "/channel");
    answer_done(&a);
    gate_send_text(&w.gate, "+573001112233", "hola", id);
    gate_wait_status(&w.gate, id, "read");
    (void)process_wait_nth(w.gate.process, 1, "channel.broken", "channel=bad", reason, NULL);
    world_down(&w);
}

static void test_plugin(const char *name, const char *reason)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s/tests/plugins/%s.so", harness_build(), name);
    broken(path, reason);
}

static void a_plugin_with_a_wrong_magic_stops_no_other_channel(void **state)
{
    (void)state;
    test_plugin("BROKEN_magic", "magic");
}

static void a_plugin_that_requires_what_is_not_there_stops_no_other_channel(void **state)
{
    (void)state;
    test_plugin("BROKEN_requires", "update hilod");
}

static void a_plugin_that_asks_for_too_much_stops_no_other_channel(void **state)
{
    (void)state;
    test_plugin("BROKEN_scopes", "keys:write");
}

static void a_plugin_without_its_symbol_stops_no_other_channel(void **state)
{
    (void)state;
    test_plugin("BROKEN_no_symbol", "hilo_plugin_v1");
}

static void a_plugin_that_is_not_there_stops_no_other_channel(void **state)
{
    (void)state;
    broken("/nonexistent/plugin.so", "there is no such file");
}

static void a_file_that_is_no_plugin_stops_no_other_channel(void **state)
{
    struct scratch s;
    char path[256];

    (void)state;
    scratch_init(&s);
    (void)snprintf(path, sizeof path, "%s/text.so", s.dir);
    file_write(path, "This is no shared object.\n");
    broken(path, "text.so");
    scratch_done(&s);
}

static void a_plugin_of_another_type_is_an_error_of_the_file(void **state)
{
    struct scratch s;
    char yaml[1024];

    (void)state;
    scratch_init(&s);
    (void)snprintf(yaml, sizeof yaml,
                   "channels:\n  one:\n    type: sms\n    plugin: %s/tests/plugins/echo.so\n",
                   harness_build());
    char *said = check(&s, yaml, 3);
    says(said, "t.yaml:2:3: channels.one: type is \"sms\", but ");
    free(said);
    scratch_done(&s);
}

static void an_option_that_a_plugin_does_not_have_is_named(void **state)
{
    struct scratch s;
    char yaml[1024];

    (void)state;
    scratch_init(&s);
    (void)snprintf(
        yaml, sizeof yaml,
        "channels:\n  one:\n    type: echo\n    plugin: %s/tests/plugins/echo.so\n    greting: hi\n"
        "    volume: 11\n",
        harness_build());
    char *said = check(&s, yaml, 3);
    says(said, "t.yaml:5:5: ");
    says(said, "did you mean \"greeting\"");
    says(said, "t.yaml:6:5: ");
    says(said, "volume");
    free(said);
    scratch_done(&s);
}

static void scopes_of_a_channel_can_be_narrowed_only(void **state)
{
    static const struct {
        const char *scopes, *said;
    } cases[] = {
        {"cases:read sales:write",
         "t.yaml:5:13: channels.one.scopes: sales:write is not what its plugin asks for (messages:read "
         "messages:write customers:read cases:read)"},
        {"cases:reed", "t.yaml:5:13: channels.one.scopes: there is no scope \"cases:reed\""},
        {"cases:read messages:read", NULL},
        {"", NULL}};
    struct scratch s;
    char yaml[1024];

    (void)state;
    scratch_init(&s);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(
            yaml, sizeof yaml,
            "channels:\n  one:\n    type: echo\n    plugin: %s/tests/plugins/echo.so\n    scopes: \"%s\"\n",
            harness_build(), cases[i].scopes);
        char *said = check(&s, yaml, cases[i].said ? 3 : 0);
        if (cases[i].said)
            says(said, cases[i].said);
        free(said);
    }
    scratch_done(&s);
}

static void a_check_of_the_file_finds_broken_plugins_too(void **state)
{
    struct scratch s;

    (void)state;
    scratch_init(&s);
    char *said = check(&s, yaml_of("", "  bad:\n    type: bad\n    plugin: /nonexistent/plugin.so\n"), 3);
    says(said, "/nonexistent/plugin.so");
    says(said, "1 of 2 channels can't be loaded");
    free(said);
    scratch_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_good),
        cmocka_unit_test(each_kind_of_fault_is_told_by_its_place),
        cmocka_unit_test(all_faults_are_told_at_once_in_their_order),
        cmocka_unit_test(what_a_plugin_requires_and_does_not_get_is_told),
        cmocka_unit_test(a_fault_within_a_tree_has_its_place),
        cmocka_unit_test(the_example_of_infobip_is_good),
        cmocka_unit_test(the_examples_to_try_are_good),
        cmocka_unit_test(the_examples_of_sms_are_good),
        cmocka_unit_test(the_example_of_terminals_is_good),
        cmocka_unit_test(the_example_of_email_is_good),
        cmocka_unit_test(the_example_of_a_telephone_line_is_good),
        cmocka_unit_test(faults_of_a_plugins_options_are_told_with_the_others),
        cmocka_unit_test(a_secret_that_is_wrong_is_not_printed_either),
        cmocka_unit_test(a_secret_may_be_in_a_file_beside_the_configuration),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(a_plugin_with_a_wrong_magic_stops_no_other_channel),
        cmocka_unit_test(a_plugin_that_requires_what_is_not_there_stops_no_other_channel),
        cmocka_unit_test(a_plugin_that_asks_for_too_much_stops_no_other_channel),
        cmocka_unit_test(a_plugin_without_its_symbol_stops_no_other_channel),
        cmocka_unit_test(a_plugin_that_is_not_there_stops_no_other_channel),
        cmocka_unit_test(a_file_that_is_no_plugin_stops_no_other_channel),
        cmocka_unit_test(a_plugin_of_another_type_is_an_error_of_the_file),
        cmocka_unit_test(scopes_of_a_channel_can_be_narrowed_only),
        cmocka_unit_test(an_option_that_a_plugin_does_not_have_is_named),
        cmocka_unit_test(a_check_of_the_file_finds_broken_plugins_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
