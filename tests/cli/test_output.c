/* What people and programs see. */
#include "rig.h"
#include <stdio.h>
#include <string.h>

static int rig_setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int rig_teardown(void **state)
{
    struct rig *rig = *state;

    rig_free(&rig);
    return 0;
}

static const char channels[] =
    "{\"channels\":["
    "{\"name\":\"whatsapp-co\",\"type\":\"whatsapp\",\"state\":\"up\",\"paused\":false,\"queued\":12,"
    "\"in_flight\":3,\"isolation\":\"process\",\"pid\":4711,"
    "\"since_start\":{\"sent\":1042,\"failed\":7,\"in_doubt\":0,\"received\":99,\"restarts\":2}},"
    "{\"name\":\"sms\",\"type\":\"sms\",\"state\":\"up\",\"paused\":true,\"why\":\"prueba\",\"text\":"
    "\"ready\","
    "\"queued\":0,\"in_flight\":0,\"since_start\":{\"sent\":0,\"failed\":0,\"in_doubt\":0,\"received\":0,"
    "\"restarts\":0}},"
    "{\"name\":\"voz\",\"type\":\"voice\",\"state\":\"broken\",\"paused\":false,\"text\":\"no such file\"}]}";

static void tables_align_and_numbers_stand_right(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200, channels);
    assert_int_equal(RUN(rig, "channels"), 0);
    assert_string_equal(
        rig_out(rig),
        "CHANNEL      TYPE      STATE   QUEUED  IN FLIGHT  SENT  FAILED  IN DOUBT  RECEIVED   PID  RESTARTS  "
        "NOTE\n"
        "whatsapp-co  whatsapp  up          12          3  1042       7         0        99  4711         2\n"
        "sms          sms       paused       0          0     0       0         0         0               0  "
        "prueba\n"
        "voz          voice     broken                                                                       "
        "no such "
        "file\n");
}

static void headings_follow_the_language(void **state)
{
    static const struct {
        const char *lang, *all, *heading;
    } cases[] = {{"es_CO.UTF-8", NULL, "CANAL "}, {"es", NULL, "CANAL "},
                 {"C", "es_ES.UTF-8", "CANAL "},  {"es_CO.UTF-8", "C", "CHANNEL "},
                 {"est_EE", NULL, "CHANNEL "},    {"en_US.UTF-8", NULL, "CHANNEL "}};
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_forget(rig);
        rig_answer(rig, 200, channels);
        rig_env(rig, "LANG", cases[i].lang);
        rig_env(rig, "LC_ALL", cases[i].all);
        assert_int_equal(RUN(rig, "channels"), 0);
        assert_int_equal(strncmp(rig_out(rig), cases[i].heading, strlen(cases[i].heading)), 0);
    }
}

static void columns_are_measured_as_they_are_shown(void **state)
{
    struct rig *rig = *state;

    /* A wide script, a combining accent, an emoji, bytes of different number. */
    rig_answer(rig, 200,
               "{\"customers\":[{\"id\":\"a\",\"name\":\"李小龙\",\"identifiers\":[{\"scheme\":\"phone\","
               "\"value\":\"+86\",\"verified\":true}]},{\"id\":\"b\",\"name\":\"Gómez\","
               "\"identifiers\":[{\"scheme\":\"email\",\"value\":\"g@x.co\"}]},"
               "{\"id\":\"c\",\"name\":\"😀!\",\"identifiers\":[]}]}");
    assert_int_equal(RUN(rig, "customer", "find", "--phone", "+86"), 0);
    assert_string_equal(rig_out(rig), "CUSTOMER  NAME    IDENTIFIERS\n"
                                      "a         李小龙  phone +86 ✓\n"
                                      "b         Gómez   email g@x.co\n"
                                      "c         😀!\n");
}

static const char timeline[] =
    "{\"messages\":["
    "{\"id\":\"msg_4\",\"kind\":\"inbound\",\"channel\":\"wa\",\"status\":\"delivered\","
    "\"arrived\":\"2026-11-25T15:04:07.123Z\",\"content\":{\"type\":\"choice_reply\",\"choice\":\"exchange\","
    "\"title\":\"Cambio\"}},"
    "{\"id\":\"msg_3\",\"kind\":\"outbound\",\"channel\":\"wa\",\"status\":\"read\","
    "\"arrived\":\"2026-11-25T15:04:06Z\",\"content\":{\"type\":\"choices\",\"text\":\"¿Cambio o "
    "devolución?\","
    "\"choices\":[{\"id\":\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\",\"title\":\"Devolución\"}]}},"
    "{\"id\":\"msg_2\",\"kind\":\"inbound\",\"channel\":\"wa\",\"status\":\"delivered\","
    "\"time\":\"2026-11-25T15:04:05Z\",\"content\":{\"type\":\"media\",\"kind\":\"image\",\"media\":\"med_"
    "1\","
    "\"caption\":\"la pantalla\"}},"
    "{\"id\":\"msg_1\",\"kind\":\"outbound\",\"channel\":\"wa\",\"status\":\"delivered\","
    "\"arrived\":\"2026-11-25T15:04:04Z\",\"content\":{\"type\":\"template\",\"name\":\"pedir_foto\","
    "\"language\":\"es\",\"parameters\":{\"body\":[\"Ana\",{\"text\":\"hoy\"}]}}}"
    "],\"next\":\"abc\"}";

static void a_timeline_ends_with_the_newest(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200, timeline);
    assert_int_equal(RUN(rig, "timeline", "cus_1"), 0);
    assert_string_equal(
        rig_out(rig),
        "older ones: --cursor abc\n"
        "TIME                    CHANNEL  STATUS     MESSAGE\n"
        "2026-11-25 15:04:04  →  wa       delivered  [template] pedir_foto/es: Ana | hoy\n"
        "2026-11-25 15:04:05  ←  wa       delivered  [image] la pantalla med_1\n"
        "2026-11-25 15:04:06  →  wa       read       [choices] ¿Cambio o devolución? [Cambio | Devolución]\n"
        "2026-11-25 15:04:07  ←  wa       delivered  [choice_reply] Cambio (exchange)\n");
}

static void times_are_local(void **state)
{
    struct rig *rig = *state;

    rig_env(rig, "TZ", "<-05>5");
    rig_answer(rig, 200,
               "{\"cases\":[{\"id\":\"cas_1\",\"status\":\"open\",\"changed\":\"2026-11-25T02:00:00Z\"}]}");
    assert_int_equal(RUN(rig, "case", "list"), 0);
    assert_contains(rig_out(rig), "2026-11-24 21:00:00");
}

static void every_content_is_told_on_a_line(void **state)
{
    static const struct {
        const char *json, *line;
    } cases[] = {
        {"{\"type\":\"text\",\"text\":\"a\\nb\\tc\"}", "a b c"},
        {"{\"type\":\"text\",\"text\":\"Va\",\"subject\":\"Fotos\",\"attachments\":[{\"filename\":\"a.jpg\"},"
         "{"
         "\"filename\":\"b.jpg\"}]}",
         "Fotos: Va [a.jpg | b.jpg]"},
        {"{\"type\":\"media\",\"kind\":\"document\",\"filename\":\"f.pdf\",\"url\":\"https://x.co/f\"}",
         "[document] (f.pdf) https://x.co/f"},
        {"{\"type\":\"location\",\"latitude\":4.65,\"longitude\":-74.05,\"name\":\"Tienda\",\"address\":"
         "\"Cra 7\"}",
         "[location] Tienda Cra 7 4.65,-74.05"},
        {"{\"type\":\"contacts\",\"contacts\":[{\"name\":\"Luis\"},{\"name\":\"Eva\"}]}",
         "[contacts] Luis | Eva"},
        {"{\"type\":\"template\",\"name\":\"t\",\"language\":\"es\",\"text\":\"Hola Ana\"}",
         "[template] t/es: Hola Ana"},
        {"{\"type\":\"reaction\",\"emoji\":\"👍\"}", "[reaction] 👍"},
        {"{\"type\":\"order\",\"items\":[{\"sku\":\"A1\",\"quantity\":2}],\"text\":\"pronto\"}",
         "[order] pronto A1"},
        {"{\"type\":\"call\",\"digits\":\"12\",\"outcome\":\"answered\"}", "[call] 12 answered"},
        {"{\"type\":\"appointment\",\"title\":\"Visita\",\"starts\":\"2026-11-26T10:00:00Z\"}",
         "[appointment] Visita 2026-11-26T10:00:00Z"},
        {"{\"type\":\"note\",\"text\":\"llamar\"}", "[note] llamar"},
        {"{\"type\":\"system\",\"event\":\"mark_read\"}", "[system] mark_read"},
        {"{\"type\":\"unsupported\",\"raw_type\":\"poll\",\"raw\":\"{}\"}", "[unsupported] poll"},
        {"{\"type\":\"hologram\",\"text\":\"new\"}", "[hologram] new"},
    };
    struct rig *rig = *state;
    char json[512], line[512];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_forget(rig);
        (void)snprintf(json, sizeof json, "{\"id\":\"msg_1\",\"content\":%s}", cases[i].json);
        (void)snprintf(line, sizeof line, "Message  msg_1\nContent  %s\n", cases[i].line);
        rig_answer(rig, 200, json);
        assert_int_equal(RUN(rig, "message", "show", "msg_1"), 0);
        /* Headings are padded to the longest of all; what matters is the value. */
        assert_contains(rig_out(rig), strchr(line, '\n') + 1 + strlen("Content  "));
    }
}

static void what_customers_write_can_not_act_on_the_terminal(void **state)
{
    struct rig *rig = *state;

    /* Escape sequences, C1, an 8-bit CSI, bidirectional overrides, a line separator. */
    rig_answer(rig, 200,
               "{\"messages\":[{\"id\":\"m\",\"content\":{\"type\":\"text\",\"text\":\"a\\u001b[2Jb\\u0007c"
               "\\u009bd\\u202ee\\u2066f\\u2028g\\u007fh\"}}]}");
    assert_int_equal(RUN(rig, "case", "messages", "cas_1"), 0);
    assert_contains(rig_out(rig), "a�[2Jb�c�d�e�f�g�h\n");
    assert_null(strchr(rig_out(rig), '\033'));
    rig_answer(rig, 422,
               "{\"code\":\"x\\u001b]0;t\\u0007\",\"detail\":\"d\\u001b[1m\",\"pointer\":\"/\\u001b\"}");
    assert_int_equal(RUN(rig, "channels"), 1);
    assert_null(strchr(rig_err(rig), '\033'));
    assert_contains(rig_err(rig), "x�]0;t� at /�: d�[1m (HTTP 422)");
    /* Bytes that are no UTF-8. */
    rig_answer(rig, 200,
               "{\"messages\":[{\"content\":{\"type\":\"text\",\"text\":\"a\xc3(b\xff\xed\xa0\x80"
               "c\"}}]}");
    assert_int_equal(RUN(rig, "case", "messages", "cas_1"), 0);
    assert_contains(rig_out(rig), "a�(b����c\n");
}

static void details_leave_out_what_is_not_there(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 201,
               "{\"id\":\"cus_1\",\"name\":\"Ana Gómez\",\"attributes\":{},\"identifiers\":[{\"scheme\":"
               "\"document\",\"value\":\"CO:CC:1\",\"verified\":true}],\"version\":1}");
    rig_env(rig, "LANG", "es_CO.UTF-8");
    assert_int_equal(RUN(rig, "customer", "create", "--name", "Ana Gómez"), 0);
    assert_string_equal(rig_out(rig), "Cliente          cus_1\n"
                                      "Nombre           Ana Gómez\n"
                                      "Identificadores  document CO:CC:1 ✓\n");
}

static void a_message_is_shown_with_its_history(void **state)
{
    struct rig *rig = *state;

    rig_answer(
        rig, 200,
        "{\"id\":\"msg_1\",\"status\":\"failed\",\"reason\":\"window_closed\",\"provider_code\":\"131047\","
        "\"history\":[{\"status\":\"accepted\",\"time\":\"2026-11-25T15:04:05Z\"},{\"status\":\"failed\","
        "\"time\":\"2026-11-25T15:04:06Z\",\"attempt\":1,\"reason\":\"window_closed\"}]}");
    assert_int_equal(RUN(rig, "message", "show", "msg_1"), 0);
    assert_contains(rig_out(rig), "Provider's code  131047\n");
    assert_contains(rig_out(rig), "\n\nTIME                 STATUS    ATTEMPT  REASON         DETAIL\n"
                                  "2026-11-25 15:04:05  accepted\n"
                                  "2026-11-25 15:04:06  failed          1  window_closed\n");
}

static void segments_are_shown_with_their_receipts(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200,
               "{\"id\":\"msg_1\",\"status\":\"sent\",\"segments\":{\"count\":2,\"encoding\":\"ucs2\","
               "\"units\":90},\"history\":[{\"status\":\"sent\",\"time\":\"2026-11-25T15:04:05Z\"},"
               "{\"status\":\"delivered\",\"time\":\"2026-11-25T15:04:06Z\",\"segment\":2}]}");
    assert_int_equal(RUN(rig, "message", "show", "msg_1"), 0);
    assert_contains(rig_out(rig), "Segments         2 (ucs2)\n");
    assert_contains(rig_out(rig), "\n\nSEGMENT  TIME                 STATUS     ATTEMPT  REASON  DETAIL\n"
                                  "         2026-11-25 15:04:05  sent\n"
                                  "      2  2026-11-25 15:04:06  delivered\n");
}

static void a_case_is_shown_with_its_messages(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200,
               "{\"id\":\"cas_1\",\"status\":\"open\",\"subject\":\"Televisor averiado\",\"messages\":1}");
    rig_answer(rig, 200, timeline);
    assert_int_equal(RUN(rig, "case", "show", "cas_1"), 0);
    assert_request(rig, 1, "GET", "/v1/cases/cas_1/messages?limit=200", NULL);
    assert_contains(rig_out(rig), "Subject   Televisor averiado\n");
    assert_contains(rig_out(rig), "[choice_reply] Cambio (exchange)\n");
    assert_contains(rig_out(rig), "\nmore: --cursor abc\n");
}

static void nothing_is_said_in_words(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200, "{\"cases\":[],\"next\":null}");
    assert_int_equal(RUN(rig, "case", "list"), 0);
    assert_string_equal(rig_out(rig), "no cases\n");
    rig_env(rig, "LANG", "es");
    rig_answer(rig, 200, "{\"messages\":[],\"next\":null}");
    assert_int_equal(RUN(rig, "timeline", "cus_1"), 0);
    assert_string_equal(rig_out(rig), "sin mensajes\n");
}

static void json_comes_as_it_came(void **state)
{
    struct rig *rig = *state;
    static const char odd[] =
        "{ \"channels\" : [ {\"name\":\"\\u0061\",\"n\":9007199254740993} ]\n,\"x\":1.10 }";

    rig_answer(rig, 200, odd);
    assert_int_equal(RUN(rig, "channels", "--json"), 0);
    assert_int_equal(strncmp(rig_out(rig), odd, strlen(odd)), 0);
    assert_string_equal(rig_out(rig) + strlen(odd), "\n");
    rig_answer(rig, 202, "{\"id\":\"msg_1\"}\n");
    assert_int_equal(RUN(rig, "send", "--phone", "+57", "x", "--json"), 0);
    assert_string_equal(rig_out(rig), "{\"id\":\"msg_1\"}\n");
    rig_answer(rig, 204, "");
    assert_int_equal(RUN(rig, "key", "revoke", "key_1", "--json"), 0);
    assert_string_equal(rig_out(rig), "");
}

static void quiet_is_the_id_alone(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 202, "{\"id\":\"msg_1\",\"status\":\"accepted\"}");
    assert_int_equal(RUN(rig, "send", "-q", "--phone", "+57", "x"), 0);
    assert_string_equal(rig_out(rig), "msg_1\n");
    rig_answer(rig, 201, "{\"id\":\"key_1\",\"name\":\"n\",\"scopes\":[\"all\"],\"key\":\"hilo_secret\"}");
    assert_int_equal(RUN(rig, "key", "create", "--name", "n", "--scopes", "all", "-q"), 0);
    assert_string_equal(rig_out(rig), "hilo_secret\n");
    rig_answer(rig, 200, timeline);
    assert_int_equal(RUN(rig, "timeline", "cus_1", "-q"), 0);
    assert_string_equal(rig_out(rig), "msg_4\nmsg_3\nmsg_2\nmsg_1\n");
    rig_answer(rig, 200, channels);
    assert_int_equal(RUN(rig, "channels", "-q"), 0);
    assert_string_equal(rig_out(rig), "whatsapp-co\nsms\nvoz\n");
}

static void a_new_key_is_shown_with_a_warning(void **state)
{
    struct rig *rig = *state;

    rig_answer(
        rig, 201,
        "{\"id\":\"key_1\",\"name\":\"n\",\"scopes\":[\"cases:read\",\"cases:write\"],\"key\":\"hilo_s\"}");
    assert_int_equal(RUN(rig, "key", "create", "--name", "n", "--scopes", "cases:read cases:write"), 0);
    assert_string_equal(rig_out(rig), "Key     hilo_s\n"
                                      "Id      key_1\n"
                                      "Name    n\n"
                                      "Scopes  cases:read cases:write\n"
                                      "\n"
                                      "Keep the key: it is shown this once.\n");
}

/* ---- terminals ------------------------------------------------------------------------------- */

static void colours_are_for_terminals_that_want_them(void **state)
{
    static const char *const args[] = {"channels", NULL};
    static const struct {
        const char *no_color, *term;
        bool colour;
    } cases[] = {{NULL, "xterm", true},
                 {"", "xterm", true},
                 {"1", "xterm", false},
                 {NULL, "dumb", false},
                 {NULL, NULL, false}};
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_forget(rig);
        rig_answer(rig, 200, channels);
        rig_env(rig, "NO_COLOR", cases[i].no_color);
        rig_env(rig, "TERM", cases[i].term);
        assert_int_equal(rig_run_terminal(rig, 120, args), 0);
        assert_contains(rig_out(rig), "whatsapp-co");
        assert_int_equal(strstr(rig_out(rig), "\033[") != NULL, cases[i].colour);
    }
    rig_forget(rig);
    rig_env(rig, "NO_COLOR", NULL);
    rig_env(rig, "TERM", "xterm");
    rig_answer(rig, 200, channels);
    assert_int_equal(rig_run_terminal(rig, 120, args), 0);
    assert_contains(rig_out(rig), "\033[32mup\033[0m      ");
    assert_contains(rig_out(rig), "\033[33mpaused\033[0m");
    assert_contains(rig_out(rig), "\033[31mbroken\033[0m");
}

static void the_last_column_goes_on_below_itself(void **state)
{
    static const char *const args[] = {"case", "messages", "cas_1", NULL};
    struct rig *rig = *state;

    rig_env(rig, "NO_COLOR", "1");
    rig_answer(rig, 200,
               "{\"messages\":[{\"kind\":\"inbound\",\"channel\":\"wa\",\"status\":\"read\",\"arrived\":"
               "\"2026-11-25T15:04:05Z\",\"content\":{\"type\":\"text\",\"text\":\"uno dos tres cuatro cinco "
               "李李李李李李李李李李李李李李李\"}}]}");
    assert_int_equal(rig_run_terminal(rig, 64, args), 0);
    assert_string_equal(rig_out(rig), "TIME                    CHANNEL  STATUS  MESSAGE\r\n"
                                      "2026-11-25 15:04:05  ←  wa       read    uno dos tres cuatro\r\n"
                                      "                                         cinco\r\n"
                                      "                                         李李李李李李李李李李李\r\n"
                                      "                                         李李李李\r\n");
}

static void what_was_changed_or_taken_back_says_so(void **state)
{
    struct rig *rig = *state;

    rig_env(rig, "TZ", "UTC");
    rig_answer(
        rig, 200,
        "{\"messages\":[{\"kind\":\"inbound\",\"channel\":\"wa\",\"status\":\"read\",\"arrived\":"
        "\"2026-11-25T15:04:05Z\",\"edited\":\"2026-11-25T15:05:05Z\",\"content\":{\"type\":\"text\","
        "\"text\":\"cuatro\"}},{\"kind\":\"inbound\",\"channel\":\"wa\",\"status\":\"read\",\"arrived\":"
        "\"2026-11-25T15:06:05Z\",\"deleted\":\"2026-11-25T15:07:05Z\"}]}");
    assert_int_equal(RUN(rig, "case", "messages", "cas_1"), 0);
    assert_string_equal(rig_out(rig), "TIME                    CHANNEL  STATUS  MESSAGE\n"
                                      "2026-11-25 15:04:05  ←  wa       read    [edited] cuatro\n"
                                      "2026-11-25 15:06:05  ←  wa       read    [deleted]\n");
}

static void templates_say_how_they_read(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200,
               "{\"templates\":[{\"name\":\"aviso\",\"language\":\"es\",\"status\":\"paused\",\"category\":"
               "\"transactional\",\"header\":\"image\",\"text\":\"Hola {{1}}\",\"body_parameters\":[\"1\"],"
               "\"buttons\":[{\"type\":\"url\",\"text\":\"Ver\"}]}],\"next\":null}");
    assert_int_equal(RUN(rig, "channels", "templates", "wa"), 0);
    assert_string_equal(rig_out(rig),
                        "TEMPLATE  LANGUAGE  STATUS  CATEGORY       PARAMETERS  TEXT\n"
                        "aviso     es        paused  transactional  1           [image] Hola {{1}} [Ver]\n");
}

static void a_plan_that_is_refused_ends_so(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200,
               "{\"accepted\":false,\"problem\":{\"code\":\"window_closed\",\"detail\":\"send a template\"},"
               "\"channel\":\"wa\"}");
    assert_int_equal(RUN(rig, "send", "--phone", "+1", "hola", "--plan"), 1);
    assert_string_equal(rig_out(rig), "Would be      refused\n"
                                      "Why not       send a template\n"
                                      "Code          window_closed\n"
                                      "Channel       wa\n");
    assert_string_equal(rig_request(rig, 0)->uri, "/v1/messages/plan");
    rig_answer(rig, 200, "{\"accepted\":true,\"channel\":\"wa\",\"lowered\":[\"media_kind\"]}");
    assert_int_equal(RUN(rig, "send", "--phone", "+1", "hola", "--plan"), 0);
    assert_contains(rig_out(rig), "Lowered       media_kind\n");
}

static void a_file_is_not_thrown_at_a_terminal(void **state)
{
    static const char *const args[] = {"media", "get", "med_1", NULL};
    struct rig *rig = *state;

    assert_int_equal(rig_run_terminal(rig, 80, args), 2);
    assert_contains(rig_out(rig), "-o FILE");
    assert_int_equal(rig_requests(rig), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tables_align_and_numbers_stand_right),
        TEST(headings_follow_the_language),
        TEST(columns_are_measured_as_they_are_shown),
        TEST(a_timeline_ends_with_the_newest),
        TEST(times_are_local),
        TEST(every_content_is_told_on_a_line),
        TEST(what_customers_write_can_not_act_on_the_terminal),
        TEST(details_leave_out_what_is_not_there),
        TEST(a_message_is_shown_with_its_history),
        TEST(a_case_is_shown_with_its_messages),
        TEST(nothing_is_said_in_words),
        TEST(json_comes_as_it_came),
        TEST(quiet_is_the_id_alone),
        TEST(a_new_key_is_shown_with_a_warning),
        TEST(colours_are_for_terminals_that_want_them),
        TEST(the_last_column_goes_on_below_itself),
        TEST(what_was_changed_or_taken_back_says_so),
        TEST(templates_say_how_they_read),
        TEST(segments_are_shown_with_their_receipts),
        TEST(a_plan_that_is_refused_ends_so),
        TEST(a_file_is_not_thrown_at_a_terminal),
    };

    return cmocka_run_group_tests_name("cli output", tests, NULL, NULL);
}
