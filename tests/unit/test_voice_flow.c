/*
 * A caller's way through the menu, with a gateway, a voice and an agent that do what a test says, or fail.
 */
#include "voice_flow_rig.h"

#define ES_EN(text) "{\"es\":\"" text "\",\"en\":\"" text " (en)\"}"
#define ANA         "sip:+573001112233@pbx.example"
#define LOOKUP      "/v1/customers/lookup"

static const char nobody[] = "{\"customer\":null,\"cases\":[],\"appointments\":[]}";
static const char ana[] =
    "{\"customer\":{\"id\":\"" RIG_CUS
    "\",\"name\":\"Ana\",\"language\":\"es\",\"attributes\":{\"color\":\"azul\"},"
    "\"identifiers\":[]},\"cases\":[{\"id\":\"" RIG_CAS
    "\",\"subject\":\"televisor roto\",\"status\":\"open\"}],"
    "\"appointments\":[{\"id\":\"apt_1\",\"status\":\"booked\",\"starts_at\":\"2026-11-28T21:00:00Z\","
    "\"time_zone\":\"America/Bogota\",\"place\":\"Tienda Centro\",\"subject\":\"el cambio\"}]}";
static const char ann[] =
    "{\"customer\":{\"id\":\"" RIG_CUS "\",\"name\":\"Ann\",\"language\":\"en\",\"identifiers\":[]},"
    "\"cases\":[],\"appointments\":[]}";

/* She is in the call, behind the greeting. */
static void begin(const char *answer)
{
    rig_open();
    rig_incoming(ANA);
    rig_answer("POST", LOOKUP, 200, answer);
    rig_ack();
    rig_call_known();
    rig_calls_taken();
    rig_listen();
}

/* ---- the first words ----------------------------------------------------------------------------- */

static void greeted_by_name(void **state)
{
    (void)state;
    rig_open();
    rig_incoming(ANA);
    rig_done("ring she");
    assert_true(rig_told("POST", LOOKUP, "\"phone\":\"+573001112233\""));
    assert_true(rig_told("POST", "/v1/calls", "\"direction\":\"inbound\""));
    assert_true(rig_told("POST", "/v1/calls", "{\"scheme\":\"phone\",\"value\":\"+573001112233\"}"));
    assert_null(strstr(rig.did, "answer")); /* not before it is known in which tongue */
    rig_answer("POST", LOOKUP, 200, ana);
    rig_done("answer she");
    assert_string_equal(rig.heard, "");
    rig_ack();
    rig_heard("Hola, Ana. Gracias por llamar a Tienda Sol.");
    rig_listen();
    /* The built-in menu tells what is open, then asks. */
    rig_heard("Tiene una cita mañana a las cuatro de la tarde.");
    rig_heard("El lugar es Tienda Centro.");
    rig_heard("Es sobre: televisor roto.");
    rig_heard("Para contarnos un problema, marque uno.");
    rig_call_known();
    assert_true(rig_told("PATCH", "/v1/calls/" RIG_CAL, "\"status\":\"answered\""));
    rig_hangs_up();
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"status\":\"ended\""));
    assert_true(rig_told("PATCH", "/v1/calls/", "\"reason\":\"hangup\""));
    assert_true(LIST_EMPTY(&rig.voice.ledgers));
}

static void in_her_language(void **state)
{
    (void)state;
    begin(ann);
    rig_heard("Hello, Ann. Thank you for calling Tienda Sol.");
    rig_heard("You have nothing open with us.");
    rig_not_heard("Hola");
}

/* A look-up that does not come keeps nobody ringing. */
static void slow_lookup(void **state)
{
    (void)state;
    rig_open();
    rig_incoming(ANA);
    rig_pass(1400000);
    assert_null(strstr(rig.did, "answer"));
    rig_pass(200000);
    rig_done("answer she");
    rig_ack();
    rig_heard("Hola. Gracias por llamar a Tienda Sol.");
}

static void hidden_number(void **state)
{
    (void)state;
    rig_open();
    rig_incoming("sip:anonymous@anonymous.invalid");
    rig_done("answer she");
    assert_true(rig_told("POST", "/v1/calls", "{\"scheme\":\"web_visitor\",\"value\":\"abc@pbx\"}"));
    assert_null(rig_asked("POST", LOOKUP));
}

static void canceled_while_it_rings(void **state)
{
    (void)state;
    rig_open();
    rig_incoming(ANA);
    rig_ua((struct ua_event){.type = UA_ENDED, .call = rig.call, .status = 487, .by_peer = 1});
    rig_call_known();
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"reason\":\"canceled\""));
    assert_int_equal(voice_calls_count(&rig.voice, true), 0);
    rig_pass(10000000); /* nothing is left that could happen */
    assert_string_equal(rig.heard, "");
}

static void no_ports(void **state)
{
    (void)state;
    rig_open();
    rig.no_ports = true;
    rig_incoming(ANA);
    rig_answer("POST", LOOKUP, 200, ana);
    rig_done("reject she 503");
}

static void no_media_in_common(void **state)
{
    (void)state;
    rig_open();
    rig.call = UA_CALL_INBOUND | 7;
    rig_ua((struct ua_event){
        .type = UA_INCOMING,
        .call = rig.call,
        .from = voice_str("sip:x@y"),
        .call_id = voice_str("abc"),
        .sdp = voice_str("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                         "m=audio 30000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n")});
    rig_done("reject she 488");
}

static void one_too_many(void **state)
{
    (void)state;
    rig.voice.conf.calls_max = 1;
    rig_open();
    rig_incoming(ANA);
    rig_ua((struct ua_event){
        .type = UA_INCOMING, .call = UA_CALL_INBOUND | 8, .from = voice_str(ANA), .sdp = rig_sdp()});
    rig_done("reject agent 503");
}

/* An operator's own words, in one language; the other has the built-in ones. */
static void own_words(void **state)
{
    char wrong[MENU_WRONG];

    (void)state;
    assert_null(words_read(voice_str("{\"greting\":{\"es\":\"a\"}}"), wrong));
    assert_non_null(strstr(wrong, "prompts.greting: there is no prompt"));
    assert_null(words_read(voice_str("{\"greeting\":{\"pt\":\"a\"}}"), wrong));
    assert_non_null(strstr(wrong, "prompts.greeting.pt: "));
    assert_null(words_read(voice_str("{\"greeting\":{\"es\":\"a {b\"}}"), wrong));
    assert_non_null(strstr(wrong, "prompts.greeting.es: "));
    assert_null(words_read(voice_str("{\"greeting\":\"hola\"}"), wrong));
    rig_menu = "{\"start\":\"bye\",\"bye\":{\"do\":\"hangup\"}}";
    rig_open();
    words_free(rig.voice.words);
    rig.voice.words = words_read(voice_str("{\"greeting\":{\"es\":\"Buenas, {business}.\"},"
                                           "\"goodbye\":{\"es\":\"file:/a.wav\"}}"),
                                 wrong);
    assert_non_null(rig.voice.words);
    rig_incoming("sip:anonymous@anonymous.invalid");
    rig_ack();
    rig_listen();
    rig_heard("Buenas, Tienda Sol. /a.wav");
}

/* ---- keys -------------------------------------------------------------------------------------------- */

static const char
    keys_menu
        [] =
            "{\"start\":\"main\",\"main\":{\"do\":\"keys\",\"say\":" ES_EN(
                "Menú.") ",\"wait\":\"5s\",\"no_key\":\"silent\","
                         "\"wrong_key\":\"wrong\",\"keys\":{\"1\":{\"to\":\"one\",\"label\":" ES_EN(
                             "cambios") ",\"choice\":\"exchange\"},"
                                        "\"2\":{\"to\":\"two\",\"label\":" ES_EN(
                                            "otra cosa") "}}},"
                                                         "\"one\":{\"do\":\"hangup\",\"say\":" ES_EN("Uno.") "},\"two\":{\"do\":\"keys\",\"say\":" ES_EN(
                                                             "Dos.") ","
                                                                     "\"no_key\":\"silent\",\"keys\":{\"9\":"
                                                                     "\"main\"}},"
                                                                     "\"silent\":{\"do\":\"hangup\","
                                                                     "\"say\":" ES_EN(
                                                                         "Silencio.") "},\"wrong\":{\"do\":"
                                                                                      "\"hangup\","
                                                                                      "\"say\":" ES_EN(
                                                                                          "Mal.") "}}";

static void a_choice(void **state)
{
    struct hilo_str m, content;

    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    rig_heard("Para cambios, marque uno. Para otra cosa, marque dos.");
    rig_key('1');
    rig_heard("Uno.");
    m = rig_submitted(HILO_CONTENT_CHOICE_REPLY, 0);
    content = hilo_content(m);
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_KIND), HILO_KIND_INBOUND);
    assert_true(voice_str_is(hilo_get_str(content, HILO_T_CONTENT_CHOICE), "exchange"));
    assert_true(voice_str_is(hilo_get_str(content, HILO_T_CONTENT_TITLE), "cambios"));
    assert_true(voice_str_is(hilo_get_str(content, HILO_T_CONTENT_TEXT), "Menú."));
    assert_true(
        voice_str_is(hilo_get_str(hilo_get_str(m, HILO_T_MSG_PARTY), HILO_T_IDENT_VALUE), "+573001112233"));
    rig_listen();
    rig_done("hangup she");
}

static void barge_in(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    rig_open();
    rig_incoming(ANA);
    rig_answer("POST", LOOKUP, 200, ana);
    rig_ack();
    rig_heard("Hola, Ana.");
    assert_true(rig.n_playing > 0);
    rig_key('1'); /* into the greeting: what is asked next has it already */
    rig_heard("Uno.");
    rig_not_heard("Menú.");
}

/* Who knows the menu by heart waits for nothing. */
static void keys_ahead(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    rig_open();
    rig_incoming(ANA);
    rig_answer("POST", LOOKUP, 200, ana);
    rig_ack();
    rig_ua((struct ua_event){.type = UA_PROGRESS}); /* of no call: nothing comes of it */
    {
        const struct media_event keys[] = {{.type = MEDIA_DIGIT, .call = rig.call, .digit = '2'},
                                           {.type = MEDIA_DIGIT, .call = rig.call, .digit = '9'},
                                           {.type = MEDIA_DIGIT, .call = rig.call, .digit = '1'}};
        size_t i;

        for (i = 0; i < 3; i++) /* within one turn: faster than anything is said */
            media_said(&keys[i]);
        rig_turn();
    }
    rig_heard("Uno.");
    rig_not_heard("Menú.");
    rig_not_heard("Dos.");
}

static void silence(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    rig_forget();
    rig_pass(5100000);
    rig_heard("No recibí ninguna respuesta. Menú.");
    rig_listen();
    rig_pass(5100000);
    rig_listen();
    rig_not_heard("Silencio.");
    rig_pass(5100000);
    rig_heard("Silencio.");
    rig_listen();
    rig_done("hangup she");
}

static void wrong_keys(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    rig_forget();
    rig_key('7');
    rig_heard("Esa opción no existe. Menú.");
    rig_key('7'); /* into the words: barge-in, and wrong again */
    rig_key('#');
    rig_heard("Mal.");
}

static void from_step_to_step(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    rig_forget();
    rig_key('2');
    rig_heard("Dos.");
    rig_key('9');
    rig_heard("Menú.");
    rig_key('1');
    rig_heard("Uno.");
    rig_hangs_up();
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"digits\":\"291\""));
}

/* A key twice pressed and told by INFO too is one; without telephone-event INFO counts. */
static void info_keys(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    rig_ua((struct ua_event){.type = UA_DIGIT, .call = rig.call, .digit = '1'});
    rig_not_heard("Uno.");
    rig_key('1');
    rig_heard("Uno.");
}

static void languages(void **state)
{
    (void)state;
    rig_menu = "{\"start\":\"l\",\"l\":{\"do\":\"language\",\"next\":\"bye\"},\"bye\":{\"do\":\"hangup\"}}";
    begin(nobody);
    rig_heard("Para continuar en español, marque uno. To continue in English, press two.");
    rig_key('2');
    rig_heard("Thank you for your call. Goodbye.");
}

static void hours(void **state)
{
    (void)state;
    rig_menu = "{\"start\":\"h\",\"hours\":{\"mon-fri\":\"08:00-09:00 14:00-18:00\"},"
               "\"h\":{\"do\":\"hours\",\"open\":\"o\",\"closed\":\"c\"},"
               "\"o\":{\"do\":\"hangup\",\"say\":" ES_EN(
                   "Abierto.") "},\"c\":{\"do\":\"hangup\",\"say\":\"closed\"}}";
    begin(nobody);
    rig_heard("En este momento estamos cerrados. Abrimos hoy a las dos de la tarde.");
}

/* ---- who she is -----------------------------------------------------------------------------------------
 */

static const char who_menu[] =
    "{\"start\":\"who\",\"who\":{\"do\":\"identify\",\"found\":\"f\",\"unknown\":\"u\"},"
    "\"f\":{\"do\":\"tell\",\"next\":\"bye\"},\"u\":{\"do\":\"hangup\",\"say\":" ES_EN(
        "Sin datos.") "},"
                      "\"bye\":{\"do\":\"hangup\",\"say\":" ES_EN("Conocida, {attribute.color}.") "}}";

static void known_by_number(void **state)
{
    (void)state;
    rig_menu = who_menu;
    begin(ana);
    rig_not_heard("documento");
    rig_heard("Conocida, azul.");
}

static void known_by_document(void **state)
{
    (void)state;
    rig_menu = who_menu;
    begin(nobody);
    rig_heard("Por favor, marque su número de documento.");
    rig_forget();
    rig_keys("99*1020304050#");
    rig_heard("Usted marcó: uno, cero, dos, cero, tres, cero, cuatro, cero, cinco, cero.");
    assert_null(rig_asked("POST", LOOKUP)); /* not before she has confirmed it */
    rig_key('1');
    assert_true(rig_told("POST", LOOKUP, "\"document\":\"CO:CC:1020304050\""));
    rig_answer("POST", LOOKUP, 200, ana);
    rig_heard("Gracias, Ana.");
    rig_listen();
    rig_heard("Conocida, azul.");
    assert_true(rig_told("PATCH", "/v1/calls/" RIG_CAL, "\"customer\":\"" RIG_CUS "\""));
    rig_hangs_up();
    rig_calls_taken();
    assert_false(rig_told("PATCH", "/v1/calls/", "1020304050")); /* her number is in no entry */
    assert_false(rig_told("PATCH", "/v1/calls/", "\"digits\""));
}

static void corrected_and_not_found(void **state)
{
    (void)state;
    rig_menu = who_menu;
    begin(nobody);
    rig_keys("1020#");
    rig_forget();
    rig_key('2'); /* no, not that */
    rig_heard("Inténtelo de nuevo, por favor.");
    rig_keys("2030#1");
    rig_forget();
    rig_keys("1");
    rig_answer("POST", LOOKUP, 200, nobody);
    rig_heard("No encontré ese número de documento.");
    rig_keys("4050#");
    rig_key('1');
    rig_answer("POST", LOOKUP, 200, nobody);
    rig_heard("No encontré sus datos, pero de todas formas le puedo ayudar.");
    rig_listen();
    rig_heard("Sin datos.");
}

static void three_silences(void **state)
{
    int i;

    (void)state;
    rig_menu = who_menu;
    begin(nobody);
    for (i = 0; i < 3; i++) {
        rig_not_heard("Sin datos.");
        rig_pass(6100000);
        rig_listen();
    }
    rig_heard("Sin datos.");
}

static void would_rather_not_say(void **state)
{
    (void)state;
    rig_menu = who_menu;
    begin(nobody);
    rig_key('#');
    rig_heard("Sin datos.");
}

/* Between keys it waits; what came without the end key counts. */
static void without_end_key(void **state)
{
    (void)state;
    rig_menu = who_menu;
    begin(nobody);
    rig_forget();
    rig_keys("102030");
    rig_pass(4900000);
    rig_not_heard("Usted marcó");
    rig_pass(200000);
    rig_heard("Usted marcó: uno, cero, dos, cero, tres, cero.");
}

/* Somebody who is only a number, from a call before, is asked. */
static void a_number_is_nobody(void **state)
{
    (void)state;
    rig_menu = who_menu;
    begin("{\"customer\":{\"id\":\"" RIG_CUS
          "\",\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573001112233\"}]},"
          "\"cases\":[],\"appointments\":[]}");
    rig_heard("Por favor, marque su número de documento.");
}

static void caller_id_is_not_enough(void **state)
{
    (void)state;
    rig_menu = "{\"start\":\"who\",\"who\":{\"do\":\"identify\",\"caller_id\":false,\"found\":\"t\","
               "\"unknown\":\"t\"},"
               "\"t\":{\"do\":\"tell\",\"next\":\"bye\"},\"bye\":{\"do\":\"hangup\"}}";
    begin(ana);
    rig_heard("marque su número de documento");
    rig_key('#');
    rig_listen();
    rig_not_heard("cita");
    rig_not_heard("televisor");
    rig_heard("Hasta luego.");
}

/* ---- her case, and what she leaves on it
 * -------------------------------------------------------------------- */

static const char case_menu[] =
    "{\"start\":\"c\",\"c\":{\"do\":\"case\",\"subject\":\"Avería\",\"next\":\"r\"},"
    "\"r\":{\"do\":\"record\",\"max\":\"60s\",\"next\":\"bye\"},\"bye\":{\"do\":\"hangup\"}}";

static void a_new_case_with_a_message(void **state)
{
    struct hilo_str m, content;
    struct hilo_id id;

    (void)state;
    rig_menu = case_menu;
    begin(ann);
    assert_true(rig_told("POST", "/v1/cases", "\"customer\":\"" RIG_CUS "\""));
    assert_true(rig_told("POST", "/v1/cases", "\"subject\":\"Avería\""));
    assert_true(rig_asked("POST", "/v1/cases")->key[0] != 0); /* asked twice it is one */
    rig_answer("POST", "/v1/cases", 201, "{\"id\":\"" RIG_CAS "\"}");
    rig_heard("Your case has been registered.");
    rig_listen();
    assert_true(rig_told("PATCH", "/v1/calls/" RIG_CAL, "\"case\":\"" RIG_CAS "\""));
    rig_heard("After the tone, please tell us what happened.");
    assert_false(rig.recording);
    assert_string_equal(rig.file[0].name, "rec-" RIG_CAL "-1.wav");
    rig_opened(HILO_OK);
    rig_listen();
    rig_heard("[tone]");
    assert_true(rig.recording);
    assert_int_equal(rig.record.flags, MEDIA_CALLER_ONLY | MEDIA_CUT_SILENCE | MEDIA_KEY_ENDS);
    assert_int_equal(rig.record.max_us, 60000000);
    rig_key('#'); /* that ends it, and answers nothing that comes */
    rig_recorded(MEDIA_BY_KEY, 4000);
    rig_heard("To save your message, press one.");
    assert_int_equal(rig.n_submitted, 0);
    rig_key('1');
    m = rig_submitted(HILO_CONTENT_MEDIA, 0);
    content = hilo_content(m);
    assert_true(voice_str_is(hilo_get_str(content, HILO_T_CONTENT_EXT_MEDIA), "rec-" RIG_CAL "-1.wav"));
    assert_int_equal(hilo_get_u64(content, HILO_T_CONTENT_KIND), HILO_MEDIA_VOICE);
    assert_true(voice_str_is(hilo_get_str(m, HILO_T_MSG_EXT_ID), "rec-" RIG_CAL "-1"));
    assert_true(id_read("cas", voice_str(RIG_CAS), &id));
    assert_memory_equal(&id, hilo_get_id(m, HILO_T_MSG_CASE).b, 16);
    assert_true(id_read("cal", voice_str(RIG_CAL), &id));
    assert_memory_equal(&id, hilo_get_id(m, HILO_T_MSG_CALL).b, 16);
    rig_not_heard("Your message has been saved."); /* not before it is on disk */
    rig_commit(HILO_OK);
    rig_heard("Your message has been saved.");
    rig_listen();
    rig_heard("Goodbye.");
}

static void the_open_case(void **state)
{
    (void)state;
    rig_menu = case_menu;
    begin(ana);
    rig_heard("Lo agregamos a su caso.");
    assert_null(rig_asked("POST", "/v1/cases"));
    assert_true(rig_told("PATCH", "/v1/calls/" RIG_CAL, "\"case\":\"" RIG_CAS "\""));
}

/* She hears it, records it once more, and says nothing of that: it is kept. */
static void thinks_it_over(void **state)
{
    (void)state;
    rig_menu = case_menu;
    begin(ana);
    rig_opened(HILO_OK);
    rig_listen();
    rig_recorded(MEDIA_BY_SILENCE, 4000);
    rig_forget();
    rig_key('2');
    assert_string_equal(rig.file[1].name, rig.file[0].name);
    rig_opened(HILO_OK); /* what is no WAV is passed over */
    rig_heard("Para guardar su mensaje, marque uno.");
    rig_key('3');
    assert_true(rig.file[2].removed);
    rig_opened(HILO_OK);
    rig_heard("Después del tono");
    rig_listen();
    assert_string_equal(rig.file[3].name, "rec-" RIG_CAL "-2.wav");
    rig_opened(HILO_OK);
    rig_listen();
    rig_recorded(MEDIA_BY_SILENCE, 4000);
    rig_listen();
    rig_pass(8100000);
    assert_true(voice_str_is(
        hilo_get_str(hilo_content(rig_submitted(HILO_CONTENT_MEDIA, 0)), HILO_T_CONTENT_EXT_MEDIA),
        "rec-" RIG_CAL "-2.wav"));
    rig_commit(HILO_OK);
    rig_heard("Su mensaje quedó guardado.");
}

static void hangs_up_while_she_thinks(void **state)
{
    (void)state;
    rig_menu = case_menu;
    begin(ana);
    rig_opened(HILO_OK);
    rig_listen();
    rig_recorded(MEDIA_BY_SILENCE, 4000);
    assert_int_equal(rig.n_submitted, 0);
    rig_hangs_up();
    (void)rig_submitted(HILO_CONTENT_MEDIA, 0);
    rig_commit(HILO_OK);
}

static void nothing_was_said(void **state)
{
    (void)state;
    rig_menu = case_menu;
    begin(ana);
    rig_opened(HILO_OK);
    rig_listen();
    rig_recorded(MEDIA_BY_SILENCE, 100);
    rig_heard("No escuché nada.");
    assert_true(rig.file[1].removed);
    assert_string_equal(rig.file[1].name, rig.file[0].name);
    rig_opened(HILO_OK);
    rig_listen();
    rig_opened(HILO_OK);
    rig_listen();
    assert_true(rig.recording); /* once more */
    rig_recorded(MEDIA_BY_SILENCE, 0);
    rig_listen();
    rig_heard("Hasta luego.");
}

static void hangs_up_while_she_speaks(void **state)
{
    (void)state;
    rig_menu = case_menu;
    begin(ana);
    rig_opened(HILO_OK);
    rig_listen();
    assert_true(rig.recording);
    rig_hangs_up(); /* media_close() ends the recording: 5 s of speech */
    (void)rig_submitted(HILO_CONTENT_MEDIA, 0);
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"status\":\"ended\""));
    rig_commit(HILO_FULL); /* and again until it is taken */
    assert_int_equal(rig.n_submitted, 1);
    rig_pass(600000);
    assert_int_equal(rig.n_submitted, 2);
    rig_commit(HILO_OK);
    assert_true(LIST_EMPTY(&rig.voice.said));
}

static void hangs_up_while_the_case_opens(void **state)
{
    (void)state;
    rig_menu = case_menu;
    begin(ann);
    rig_hangs_up();
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"status\":\"ended\""));
    rig_answer("POST", "/v1/cases", 201, "{\"id\":\"" RIG_CAS "\"}");
    assert_true(rig_told("PATCH", "/v1/calls/" RIG_CAL, "\"case\":\"" RIG_CAS "\""));
    rig_calls_taken();
    assert_true(LIST_EMPTY(&rig.voice.ledgers));
}

static void no_file(void **state)
{
    (void)state;
    rig_menu = case_menu;
    begin(ana);
    rig_opened(HILO_FULL);
    rig_heard("No pudimos guardar su mensaje.");
    rig_listen();
    rig_heard("Hasta luego.");
}

/* ---- consent
 * ---------------------------------------------------------------------------------------------------- */

static void announced(void **state)
{
    (void)state;
    rig.voice.conf.consent = VOICE_CONSENT_ANNOUNCE;
    rig_menu = case_menu;
    begin(ana);
    rig_heard("Le informamos que esta llamada será grabada.");
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"recording_consent\":\"announced\""));
    rig_heard("Después del tono");
}

static void asked_and_refused(void **state)
{
    (void)state;
    rig.voice.conf.consent = VOICE_CONSENT_ASK;
    rig_menu = case_menu;
    begin(ana);
    rig_heard("Si está de acuerdo, marque uno.");
    rig_key('2');
    rig_heard("La llamada no se grabará.");
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"recording_consent\":\"denied\""));
    rig_listen();
    assert_int_equal(rig.n_files, 0);
    rig_heard("Hasta luego.");
}

static void another_key_has_not_agreed(void **state)
{
    (void)state;
    rig.voice.conf.consent = VOICE_CONSENT_ASK;
    rig_menu = case_menu;
    begin(ana);
    rig_key('5');
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"recording_consent\":\"denied\""));
    rig_listen();
    assert_int_equal(rig.n_files, 0);
}

static void who_says_nothing_has_not_agreed(void **state)
{
    (void)state;
    rig.voice.conf.consent = VOICE_CONSENT_ASK;
    rig_menu = case_menu;
    begin(ana);
    rig_pass(6100000);
    rig_listen();
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"recording_consent\":\"denied\""));
    assert_int_equal(rig.n_files, 0);
}

/* The whole call, with a message in the middle: three files, one after the other. */
static void the_whole_call(void **state)
{
    (void)state;
    rig.voice.conf.consent = VOICE_CONSENT_ANNOUNCE;
    rig.voice.conf.record_call = 1;
    rig.voice.conf.record_legs = VOICE_LEGS_BOTH;
    rig_menu = "{\"start\":\"k\",\"k\":{\"do\":\"keys\",\"say\":" ES_EN(
        "Menú.") ",\"no_key\":\"bye\",\"keys\":{\"1\":\"r\"}},"
                 "\"r\":{\"do\":\"record\",\"next\":\"k2\"},\"k2\":{\"do\":\"keys\",\"say\":" ES_EN(
                     "Otra vez.") ","
                                  "\"no_key\":\"bye\",\"keys\":{\"2\":\"bye\"}},\"bye\":{\"do\":\"hangup\"}}";
    begin(ana);
    rig_heard("esta llamada será grabada");
    rig_opened(HILO_OK);
    assert_true(rig.recording);
    assert_int_equal(rig.record.flags, 0);
    rig_key('1');
    rig_listen();
    rig_opened(HILO_OK);
    rig_listen();
    assert_true(rig.recording);
    assert_true(rig.record.flags & MEDIA_CALLER_ONLY);
    rig_recorded(MEDIA_BY_KEY, 3000);
    rig_key('1');
    rig_commit(HILO_OK);
    rig_listen();
    rig_heard("Otra vez.");
    rig_opened(HILO_OK);
    assert_int_equal(rig.record.flags, 0);
    rig_hangs_up();
    assert_true(voice_str_is(
        hilo_get_str(hilo_content(rig_submitted(HILO_CONTENT_MEDIA, 2)), HILO_T_CONTENT_EXT_MEDIA),
        "rec-" RIG_CAL "-3.wav"));
    rig_commit(HILO_OK);
}

/* ---- choices by the core
 * --------------------------------------------------------------------------------------------- */

static const char choices_menu[] = "{\"start\":\"q\",\"q\":{\"do\":\"choices\",\"say\":" ES_EN(
    "¿Cambio o devolución?") ",\"no_key\":\"n\",\"choices\":["
                             "{\"choice\":\"exchange\",\"label\":" ES_EN(
                                 "Cambio") ",\"to\":\"a\"},"
                                           "{\"choice\":\"refund\",\"label\":" ES_EN(
                                               "Devolución") ",\"to\":\"b\"}]},"
                                                             "\"a\":{\"do\":\"hangup\",\"say\":" ES_EN(
                                                                 "Es "
                                                                 "cambi"
                                                                 "o.") "},\"b\":{\"do\":\"hangup\","
                                                                       "\"say\":" ES_EN(
                                                                           "Es devolución.") "},"
                                                                                             "\""
                                                                                             "n"
                                                                                             "\""
                                                                                             ":{"
                                                                                             "\""
                                                                                             "do"
                                                                                             "\""
                                                                                             ":"
                                                                                             "\""
                                                                                             "ha"
                                                                                             "ng"
                                                                                             "up"
                                                                                             "\""
                                                                                             ","
                                                                                             "\""
                                                                                             "sa"
                                                                                             "y"
                                                                                             "\""
                                                                                             ":" ES_EN(
                                                                                                 "Nada.") "}"
                                                                                                          "}";
#define MSG "msg_01J0000000000000000000000D"

static int32_t send_text(const char *id, const char *text, bool choices)
{
    uint8_t room[512];
    struct hilo_writer w;
    struct hilo_id msg, cus;
    int32_t code = HILO_BUG;

    assert_true(id_read("msg", voice_str(id), &msg) && id_read("cus", voice_str(RIG_CUS), &cus));
    hilo_writer_init(&w, room, sizeof room);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_put_id(&w, HILO_T_MSG_CUSTOMER, cus);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, voice_str(text));
    if (choices) {
        hilo_open(&w, HILO_T_CONTENT_CHOICES);
        hilo_put_str(&w, HILO_T_CHOICE_ID, voice_str("x"));
        hilo_close(&w);
    }
    hilo_close(&w);
    if (!flow_send(&rig.voice, msg, hilo_written(&w), &code))
        return HILO_NOTFOUND;
    rig_turn();
    return code;
}

static struct hilo_str receipt(int nth, uint64_t status)
{
    int i;

    for (i = 0; i < rig.n_submitted; i++) {
        struct hilo_str m = {(const char *)rig.submitted[i].bytes, rig.submitted[i].n};

        if (hilo_get_u64(m, HILO_T_MSG_KIND) == HILO_KIND_RECEIPT &&
            hilo_get_u64(hilo_get_str(m, HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_STATUS) == status && nth-- == 0)
            return m;
    }
    return voice_none();
}

static void choices_by_the_core(void **state)
{
    struct hilo_str m;

    (void)state;
    rig_menu = choices_menu;
    begin(ana);
    assert_true(rig_told("POST", "/v1/messages", "\"customer\":\"" RIG_CUS "\""));
    assert_true(rig_told("POST", "/v1/messages", "\"channel\":\"linea\""));
    assert_true(rig_told("POST", "/v1/messages", "{\"id\":\"exchange\",\"title\":\"Cambio\"}"));
    rig_answer("POST", "/v1/messages", 202, "{\"id\":\"" MSG "\",\"status\":\"accepted\"}");
    assert_int_equal(send_text(MSG, "¿Cambio o devolución? Para cambio, marque 1.", true), HILO_OK);
    rig_heard("¿Cambio o devolución? Para cambio, marque 1.");
    assert_int_equal(rig.n_reports, 1);
    assert_int_equal(rig.report[0].code, HILO_OK);
    assert_true(receipt(0, HILO_STATUS_DELIVERED).n > 0);
    assert_int_equal(receipt(0, HILO_STATUS_READ).n, 0);
    rig_key('2');
    rig_heard("Es devolución.");
    assert_true(receipt(0, HILO_STATUS_READ).n > 0);
    m = rig_submitted(HILO_CONTENT_TEXT, 0);
    assert_true(voice_str_is(hilo_get_str(hilo_content(m), HILO_T_CONTENT_TEXT), "2"));
    {
        struct hilo_id id = hilo_get_id(m, HILO_T_MSG_REPLY_TO);
        char text[ID_TEXT_MAX];

        id_write("msg", id, text);
        assert_string_equal(text, MSG);
    }
}

/* send() may come before the API's answer. */
static void sent_before_it_is_known(void **state)
{
    (void)state;
    rig_menu = choices_menu;
    begin(ana);
    assert_int_equal(send_text(MSG, "¿Cambio?", true), HILO_OK);
    rig_not_heard("¿Cambio?");
    rig_answer("POST", "/v1/messages", 202, "{\"id\":\"" MSG "\",\"status\":\"accepted\"}");
    rig_heard("¿Cambio?");
    rig_key('1');
    rig_heard("Es cambio.");
}

static void choices_unanswered(void **state)
{
    int i;

    (void)state;
    rig_menu = choices_menu;
    begin(ana);
    rig_answer("POST", "/v1/messages", 202, "{\"id\":\"" MSG "\",\"status\":\"accepted\"}");
    assert_int_equal(send_text(MSG, "¿Cambio?", true), HILO_OK);
    rig_key('7');
    rig_heard("Esa opción no existe.");
    for (i = 0; i < 2; i++) {
        rig_listen();
        rig_pass(6100000);
    }
    rig_heard("Nada.");
    assert_int_equal(rig.n_reports, 1);
}

static void she_wants_no_messages(void **state)
{
    (void)state;
    rig_menu = choices_menu;
    begin(ana);
    rig_answer("POST", "/v1/messages", 202, "{\"id\":\"" MSG "\",\"status\":\"suppressed\"}");
    rig_heard("Nada.");
}

/* An agent's message reaches her in the call: behind the step, with its own key. */
static void a_message_in_the_call(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    rig_forget();
    assert_int_equal(send_text(MSG, "¿Le llega bien?", true), HILO_OK);
    rig_not_heard("¿Le llega bien?");
    rig_key('2');
    rig_heard("Acaba de llegar un mensaje para usted. ¿Le llega bien?");
    rig_listen();
    rig_key('3');
    assert_true(voice_str_is(
        hilo_get_str(hilo_content(rig_submitted(HILO_CONTENT_TEXT, 0)), HILO_T_CONTENT_TEXT), "3"));
    rig_heard("Dos."); /* and the menu goes on where it was going */
}

static void a_message_that_was_not_spoken(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    assert_int_equal(send_text(MSG, "¿Hola?", false), HILO_OK);
    rig_hangs_up();
    assert_int_equal(rig.n_reports, 1);
    assert_int_equal(rig.report[0].code, HILO_AGAIN);
    assert_string_equal(rig.report_reason[0], "call_ended");
    assert_int_equal(send_text(MSG, "¿Hola?", false), HILO_NOTFOUND); /* nobody is in a call: out.c's */
}

static void revoked(void **state)
{
    struct hilo_id id;

    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    assert_int_equal(send_text(MSG, "¿Hola?", false), HILO_OK);
    assert_true(id_read("msg", voice_str(MSG), &id));
    assert_true(flow_revoke(&rig.voice, id));
    assert_string_equal(rig.report_reason[0], "revoked");
    assert_false(flow_revoke(&rig.voice, id));
}

/* ---- other people
 * -------------------------------------------------------------------------------------------------------- */

#define TRANSFER(more)                                                                                       \
    "{\"start\":\"t\",\"t\":{\"do\":\"transfer\",\"to\":\"sip:600@pbx\"," more                               \
    "\"busy\":\"b\",\"no_answer\":\"n\"},"                                                                   \
    "\"b\":{\"do\":\"hangup\",\"say\":" ES_EN("Ocupados.") "},\"n\":{\"do\":\"hangup\",\"say\":" ES_EN(      \
        "Nadie.") "}}"

static void referred(uint32_t status)
{
    rig_ua((struct ua_event){.type = UA_REFERRED, .call = rig.call, .status = status});
}

static void blind(void **state)
{
    (void)state;
    rig_menu = TRANSFER("");
    begin(ana);
    rig_heard("Le comunico con una persona de nuestro equipo.");
    assert_true(rig_told("PATCH", "/v1/calls/" RIG_CAL, "\"status\":\"offered\",\"to\":\"sip:600@pbx\""));
    assert_null(strstr(rig.did, "refer")); /* the agent's screen knows her before the phone rings */
    rig_calls_taken();
    rig_done("refer she sip:600@pbx;");
    rig_heard("[tone]");
    referred(100);
    referred(200);
    rig_done("hangup she");
    rig_ua((struct ua_event){.type = UA_ENDED, .call = rig.call, .status = 200});
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"status\":\"transferred\""));
    assert_true(rig_told("PATCH", "/v1/calls/", "\"reason\":\"transferred\""));
}

static void busy_agents(void **state)
{
    (void)state;
    rig_menu = TRANSFER("");
    begin(ana);
    rig_calls_taken();
    referred(486);
    rig_heard("En este momento todas las personas de nuestro equipo están ocupadas.");
    rig_listen();
    rig_heard("Ocupados.");
    rig_calls_taken();
    assert_false(rig_told("PATCH", "/v1/calls/", "\"status\":\"transferred\""));
}

static void nobody_says_how_it_went(void **state)
{
    (void)state;
    rig_menu = TRANSFER("");
    begin(ana);
    rig_calls_taken();
    referred(100);
    rig_pass(36000000);
    rig_heard("Nadie contesta en este momento.");
    rig_listen();
    rig_heard("Nadie.");
}

static void bye_is_all_they_say(void **state)
{
    (void)state;
    rig_menu = TRANSFER("");
    begin(ana);
    rig_calls_taken();
    referred(100);
    rig_hangs_up();
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"status\":\"transferred\""));
    assert_true(rig_told("PATCH", "/v1/calls/", "\"reason\":\"transferred\""));
}

static void gateway_does_not_say_offered(void **state)
{
    (void)state;
    rig_menu = TRANSFER("");
    begin(ana);
    rig_pass(5100000);
    rig_done("refer she sip:600@pbx;");
}

static void agent(struct ua_event e)
{
    e.call = rig.agent;
    rig_ua(e);
}

static void attended(void **state)
{
    (void)state;
    rig_menu = TRANSFER("\"attended\":true,");
    begin(ana);
    rig_calls_taken();
    rig_done("hold she");
    assert_string_equal(rig.invite_to, "sip:600@pbx");
    assert_non_null(strstr(rig.invite_headers, "X-Hilo-Call: " RIG_CAL "\r\n"));
    rig_heard("[tone]");
    rig_ua((struct ua_event){.type = UA_ANSWERED, .call = rig.call, .sdp = rig_sdp()}); /* of the hold */
    agent((struct ua_event){.type = UA_PROGRESS, .status = 180});
    assert_null(strstr(rig.did, "refer"));
    agent((struct ua_event){.type = UA_ANSWERED, .sdp = rig_sdp()});
    rig_done("refer she sip:600@pbx with agent;");
    agent((struct ua_event){.type = UA_ENDED, .status = 200, .by_peer = 1}); /* replaced */
    referred(200);
    rig_done("hangup she");
}

static void silent_line(void)
{
    const struct media_event e = {.type = MEDIA_SILENT, .call = rig.call};

    media_said(&e);
    rig_turn();
}

/* Who is on hold sends nothing, and is no dead line. */
static void silence_on_hold(void **state)
{
    (void)state;
    rig_menu = TRANSFER("\"attended\":true,");
    begin(ana);
    rig_calls_taken();
    rig_done("hold she");
    silent_line();
    assert_null(strstr(rig.did, "hangup"));
}

static void dead_line(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    silent_line();
    rig_done("hangup she");
}

static void agent_does_not_answer(void **state)
{
    (void)state;
    rig_menu = TRANSFER("\"attended\":true,");
    begin(ana);
    rig_calls_taken();
    agent((struct ua_event){.type = UA_ENDED, .status = 487});
    rig_done("resume she");
    rig_heard("Nadie contesta en este momento.");
    rig_listen();
    rig_heard("Nadie.");
}

static void she_hangs_up_while_the_agent_rings(void **state)
{
    (void)state;
    rig_menu = TRANSFER("\"attended\":true,");
    begin(ana);
    rig_calls_taken();
    rig_hangs_up();
    rig_done("hangup agent");
    agent((struct ua_event){.type = UA_ENDED, .status = 487});
    assert_int_equal(voice_calls_count(&rig.voice, false), 0);
}

/* ---- trouble
 * --------------------------------------------------------------------------------------------------------------
 */

static void no_voice(void **state)
{
    (void)state;
    rig.dumb = true;
    rig_menu = keys_menu;
    rig_open();
    rig_incoming(ANA);
    rig_answer("POST", LOOKUP, 200, ana);
    rig_ack();
    rig_done("hangup she"); /* there is nothing that could be told */
}

static void no_voice_but_a_desk(void **state)
{
    (void)state;
    rig.dumb = true;
    rig.voice.conf.desk = voice_str("sip:0@pbx");
    rig_menu = keys_menu;
    rig_open();
    rig_incoming(ANA);
    rig_answer("POST", LOOKUP, 200, ana);
    rig_ack();
    rig_call_known();
    rig_calls_taken();
    rig_done("refer she sip:0@pbx;");
}

static void gateway_fails(void **state)
{
    (void)state;
    rig_menu = case_menu;
    begin(ann);
    rig_answer("POST", "/v1/cases", 503, "{}");
    rig_heard("We are sorry, we have a technical problem.");
    rig_listen();
    rig_done("hangup she");
    rig_ua((struct ua_event){.type = UA_ENDED, .call = rig.call, .status = 200});
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/", "\"reason\":\"trouble\""));
}

static void gateway_is_slow(void **state)
{
    (void)state;
    rig.voice.conf.desk = voice_str("sip:0@pbx");
    rig_menu = case_menu;
    begin(ann);
    rig_pass(5100000);
    rig_heard("I am connecting you to someone on our team.");
    rig_listen();
    rig_calls_taken();
    rig_done("refer she sip:0@pbx;");
    referred(503);
    rig_listen();
    rig_heard("We are sorry, we have a technical problem.");
    rig_done("hangup she");
}

/* The call is known to nobody: it goes on as far as it can, and is told of as soon as that can be. */
static void gateway_knows_no_call(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    rig_open();
    rig_incoming(ANA);
    rig_answer("POST", LOOKUP, 503, "{}");
    rig_ack();
    rig_answer("POST", "/v1/calls", 503, "{}");
    rig_listen();
    rig_key('1');
    rig_heard("Uno.");
    rig_hangs_up();
    rig_pass(20000000);
    rig_call_known();
    rig_calls_taken();
    assert_true(rig_told("PATCH", "/v1/calls/" RIG_CAL, "\"status\":\"answered\""));
    assert_true(rig_told("PATCH", "/v1/calls/" RIG_CAL, "\"status\":\"ended\""));
    assert_true(LIST_EMPTY(&rig.voice.ledgers));
}

static void too_long(void **state)
{
    (void)state;
    rig.voice.conf.call_us = 60000000;
    rig_menu = case_menu;
    begin(ana);
    rig_opened(HILO_OK);
    rig_listen();
    rig_pass(61000000);
    rig_done("hangup she");
}

static void drained(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    rig_forget();
    rig.voice.draining = true;
    flow_drain(&rig.voice, rig.now_us + 9000000);
    rig_turn();
    rig_not_heard("En este momento no podemos");
    rig_pass(1100000);
    rig_heard("En este momento no podemos atender su llamada.");
    rig_listen();
    rig_done("hangup she");
    rig_ua((struct ua_event){
        .type = UA_INCOMING, .call = UA_CALL_INBOUND | 9, .from = voice_str(ANA), .sdp = rig_sdp()});
    rig_done("reject agent 503");
}

static void they_may_not_transfer_us(void **state)
{
    (void)state;
    rig_menu = keys_menu;
    begin(ana);
    rig_ua((struct ua_event){.type = UA_TRANSFER, .call = rig.call, .target = voice_str("sip:premium@x")});
    rig_done("refer_answer she 603");
}

/* The table is as long as its number says: a row that is lacking would be one without a name. */
static void options_are_all_there(void **state)
{
    uint32_t i, j;

    (void)state;
    rig_open();
    for (i = 0; i < VOICE_OPTIONS; i++) {
        assert_non_null(voice_options[i].name);
        assert_non_null(voice_options[i].help);
        for (j = 0; j < i; j++)
            assert_string_not_equal(voice_options[i].name, voice_options[j].name);
    }
}

static void the_line(void **state)
{
    (void)state;
    rig.voice.conf.out.calls = 30;
    rig_open();
    rig_ua((struct ua_event){.type = UA_UP});
    assert_int_equal(rig.credit, 30 + VOICE_CREDIT_INBOUND);
    rig_ua((struct ua_event){.type = UA_DOWN, .reason = voice_str("no answer")});
    assert_string_equal(rig.state, "-5 no answer");
    rig_ua((struct ua_event){.type = UA_UP});
    assert_int_equal(rig.credit, 30 + VOICE_CREDIT_INBOUND);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(greeted_by_name),
                                       T(in_her_language),
                                       T(slow_lookup),
                                       T(hidden_number),
                                       T(canceled_while_it_rings),
                                       T(no_ports),
                                       T(no_media_in_common),
                                       T(one_too_many),
                                       T(own_words),
                                       T(a_choice),
                                       T(barge_in),
                                       T(keys_ahead),
                                       T(silence),
                                       T(wrong_keys),
                                       T(from_step_to_step),
                                       T(info_keys),
                                       T(languages),
                                       T(hours),
                                       T(known_by_number),
                                       T(known_by_document),
                                       T(corrected_and_not_found),
                                       T(three_silences),
                                       T(would_rather_not_say),
                                       T(without_end_key),
                                       T(a_number_is_nobody),
                                       T(caller_id_is_not_enough),
                                       T(a_new_case_with_a_message),
                                       T(the_open_case),
                                       T(thinks_it_over),
                                       T(hangs_up_while_she_thinks),
                                       T(nothing_was_said),
                                       T(hangs_up_while_she_speaks),
                                       T(hangs_up_while_the_case_opens),
                                       T(no_file),
                                       T(announced),
                                       T(asked_and_refused),
                                       T(who_says_nothing_has_not_agreed),
                                       T(another_key_has_not_agreed),
                                       T(the_whole_call),
                                       T(choices_by_the_core),
                                       T(sent_before_it_is_known),
                                       T(choices_unanswered),
                                       T(she_wants_no_messages),
                                       T(a_message_in_the_call),
                                       T(a_message_that_was_not_spoken),
                                       T(revoked),
                                       T(blind),
                                       T(busy_agents),
                                       T(nobody_says_how_it_went),
                                       T(bye_is_all_they_say),
                                       T(gateway_does_not_say_offered),
                                       T(attended),
                                       T(silence_on_hold),
                                       T(dead_line),
                                       T(agent_does_not_answer),
                                       T(she_hangs_up_while_the_agent_rings),
                                       T(no_voice),
                                       T(no_voice_but_a_desk),
                                       T(gateway_fails),
                                       T(gateway_is_slow),
                                       T(gateway_knows_no_call),
                                       T(too_long),
                                       T(drained),
                                       T(they_may_not_transfer_us),
                                       T(options_are_all_there),
                                       T(the_line)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
