/*
 * Who calls the shop: heard and understood by a telephone that we did not write, through a proxy that we did
 * not write. Each judges by what comes out of the telephone and by the gateway's API.
 */
#include "rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "+573001112233", document[] = "CO:CC:1020304050";

static void her_name_and_case_are_told(struct rig *r, const char *id)
{
    struct answer a =
        gate_post(&r->gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Pantalla rota\"}", id);

    assert_int_equal(a.status, 201);
    answer_done(&a);
}

/* The gateway and Ana's telephone are registered at Kamailio, each by digest; she calls by way of it. */
static void a_telephone_hears_the_prompts_through_a_registrar(void **state)
{
    struct kamailio k;
    struct scratch s;
    struct phone p;
    struct rig r;
    struct sound welcome, main_menu, second;
    char lines[512], uri[64], id[64];
    cJSON *call;
    size_t at;

    (void)state;
    scratch_init(&s);
    kamailio_up(&k, &s);
    (void)snprintf(lines, sizeof lines,
                   "    registrar: \"sip:127.0.0.1:%d\"\n    user: tienda\n    secret: " KAMAILIO_PASSWORD
                   "\n    trunk: 127.0.0.1\n",
                   k.port);
    rig_up(&r, lines);
    rig_port(&r, k.port);
    rig_customer(&r, "Ana", ana, NULL, id);
    welcome = rig_say(&r, rig_welcome);
    main_menu = rig_say(&r, rig_main);
    second = rig_say(&r, rig_second);
    phone_up(&p, &r.scratch,
             &(struct phone_conf){.user = ana, .registrar = k.port, .password = KAMAILIO_PASSWORD});
    rig_port(&r, p.sip);
    (void)snprintf(uri, sizeof uri, "sip:tienda@127.0.0.1:%d", k.port);
    phone_dial(&p, uri);
    (void)phone_event(&p, "CALL_ESTABLISHED");
    (void)phone_hears(&p, &welcome);
    (void)phone_hears(&p, &main_menu);
    phone_press(&p, "3");
    at = phone_hears(&p, &second);
    assert_false(phone_heard(&p, &main_menu, at));
    /* Back, and a key as soon as it begins again: it goes no further. */
    phone_press(&p, "1");
    phone_listens(&p, SOUND_RATE);
    phone_press(&p, "3");
    (void)phone_hears(&p, &second);
    assert_false(phone_heard(&p, &main_menu, at));
    phone_hang_up(&p);
    call = rig_event(&r, "hilo.call.ended", NULL);
    assert_string_equal(json_at(call, "status")->valuestring, "ended");
    assert_string_equal(json_at(call, "direction")->valuestring, "inbound");
    assert_string_equal(json_at(call, "customer")->valuestring, id);
    cJSON_Delete(call);
    phone_down(&p);
    gate_stop(&r.gate); /* takes its registration back */
    gate_check_store(&r.gate);
    kamailio_down(&k);
    rig_down(&r, 20, 300);
    scratch_done(&s);
    sound_done(&welcome);
    sound_done(&main_menu);
    sound_done(&second);
}

/* A number that nobody knows: she types her document, hears it back, and is greeted by her name. */
static void she_types_her_document_and_is_known(void **state)
{
    struct phone p;
    struct rig r;
    struct sound ask, back, confirm, thanks, open;
    char id[64];
    cJSON *call;

    (void)state;
    rig_up(&r, NULL);
    rig_customer(&r, "Ana", NULL, document, id);
    her_name_and_case_are_told(&r, id);
    ask = rig_say(&r, "Por favor, marque su número de documento. Al terminar, marque la tecla numeral.");
    back = rig_say(&r, "Usted marcó: uno, cero, dos, cero, tres, cero, cuatro, cero, cinco, cero.");
    confirm = rig_say(&r, "Si es correcto, marque uno. Para corregirlo, marque dos.");
    thanks = rig_say(&r, "Gracias, Ana.");
    open = rig_say(&r, "Tiene un caso abierto. Es sobre: Pantalla rota.");
    phone_up(&p, &r.scratch, &(struct phone_conf){.user = "anonymous"});
    rig_port(&r, p.sip);
    phone_dial(&p, rig_uri(&r));
    (void)phone_hears(&p, &ask);
    /* One wrong digit first. */
    phone_press(&p, "1020304051#");
    (void)phone_hears(&p, &confirm);
    phone_press(&p, "2");
    (void)phone_hears(&p, &ask);
    phone_press(&p, "1020304050#");
    (void)phone_hears(&p, &back);
    (void)phone_hears(&p, &confirm);
    phone_press(&p, "1");
    (void)phone_hears(&p, &thanks);
    (void)phone_hears(&p, &open);
    phone_hang_up(&p);
    call = rig_event(&r, "hilo.call.ended", NULL);
    assert_string_equal(json_at(call, "customer")->valuestring, id);
    cJSON_Delete(call);
    phone_down(&p);
    rig_down(&r, 6, 300);
    sound_done(&ask);
    sound_done(&back);
    sound_done(&confirm);
    sound_done(&thanks);
    sound_done(&open);
}

/* What she says after the tone is, as she said it, on the case that her call opened. */
static void what_she_says_is_on_the_case(void **state)
{
    static const char problem[] =
        "El televisor llegó con la pantalla rota, y no prende. Necesito que me lo cambien.";
    struct phone p;
    struct rig r;
    struct sound welcome, ask, saved, said, kept;
    char id[64], case_id[64];
    const cJSON *entry;
    unsigned channels;
    double score;
    struct answer a;
    cJSON *message;

    (void)state;
    rig_up(&r, NULL);
    rig_customer(&r, "Ana", ana, NULL, id);
    welcome = rig_say(&r, rig_welcome);
    ask = rig_say(&r, "Después del tono, cuéntenos qué ocurre. Al terminar, marque la tecla numeral.");
    saved = rig_say(&r, "Su mensaje quedó guardado.");
    said = sound_say(r.scratch.dir, "es", 150, problem);
    phone_up(&p, &r.scratch, &(struct phone_conf){.user = ana, .codecs = "PCMA"});
    rig_port(&r, p.sip);
    phone_dial(&p, rig_uri(&r));
    (void)phone_hears(&p, &welcome);
    phone_listens(&p, 2 * SOUND_RATE); /* of the menu */
    phone_press(&p, "1");
    (void)phone_hears(&p, &ask);
    phone_listens(&p, SOUND_RATE * 3 / 2); /* the tone */
    phone_say(&p, &said);
    phone_listens(&p, said.n + SOUND_RATE);
    phone_press(&p, "#");
    (void)phone_hears(&p, &saved);
    phone_hang_up(&p);
    message = rig_event(&r, "hilo.message.received", "\"voice\"");
    kept = rig_recording(&r, message, 0, &channels);
    assert_int_equal(channels, 1);
    assert_true(sound_find(&kept, &said, 0, &score, NULL) >= 0);
    assert_true(score > 0.9);
    /* Not longer than what she said, and a little. */
    assert_in_range(kept.n, said.n, said.n + 6 * SOUND_RATE);
    assert_string_equal(json_at(message, "customer")->valuestring, id);
    (void)snprintf(case_id, sizeof case_id, "%s", json_at(message, "case")->valuestring);
    a = gate_get(&r.gate, "/v1/cases/%s", case_id);
    assert_string_equal(answer_str(&a, "subject"), "Televisor averiado");
    answer_done(&a);
    a = gate_get(&r.gate, "/v1/cases/%s/messages", case_id);
    entry = json_at(a.json, "messages");
    assert_true(cJSON_GetArraySize(entry) >= 1);
    answer_done(&a);
    cJSON_Delete(message);
    phone_down(&p);
    rig_down(&r, 6, 500);
    sound_done(&welcome);
    sound_done(&ask);
    sound_done(&saved);
    sound_done(&said);
    sound_done(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_telephone_hears_the_prompts_through_a_registrar),
        cmocka_unit_test(she_types_her_document_and_is_known),
        cmocka_unit_test(what_she_says_is_on_the_case),
    };

    lab_network();
    cmocka_set_test_filter(getenv("HILO_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
