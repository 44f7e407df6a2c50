/*
 * The SMS channel through the daemon and a simulated SMSC: messages out as they are written, their receipts
 * however the SMSC writes them, messages from mobiles in.
 */
#include "sms.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char to[] = "+573001112233", phone[] = "573001112233";

/* ---- out ---- */

static void a_text_goes_out_and_is_delivered(void **state)
{
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    sms_send(&s, to, "¿Señor, su pedido de 5 € está listo? [ñ]", "", id);
    gate_wait_status(&s.w.gate, id, "delivered");
    struct answer a = sms_submits(&s, 1);
    assert_string_equal(answer_str(&a, "submits/0/text"), "¿Señor, su pedido de 5 € está listo? [ñ]");
    assert_int_equal(answer_num(&a, "submits/0/data_coding"), 8); /* á is not in GSM 03.38 */
    assert_string_equal(answer_str(&a, "submits/0/destination"), phone);
    assert_int_equal(answer_num(&a, "submits/0/dest_ton"), 1);
    assert_int_equal(answer_num(&a, "submits/0/dest_npi"), 1);
    assert_string_equal(answer_str(&a, "submits/0/source"), "890123");
    assert_int_equal(answer_num(&a, "submits/0/registered"), 1);
    sms_message_is(&s, id, "provider_id", answer_str(&a, "submits/0/id"));
    answer_done(&a);
    sms_message_number(&s, id, "attempts", 1);
    sms_down(&s);
}

static void what_gsm_can_say_goes_as_gsm(void **state)
{
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    sms_send(&s, to, "¿Mañana? ¡Sí no, É {5 €} [~] ñÑüÜ", "", id); /* í is not in it */
    sms_send(&s, to, "¿Mañana? ¡Claro! É {5 €} [~] ñÑüÜ", "", id);
    struct answer a = sms_submits(&s, 2);
    assert_int_equal(answer_num(&a, "submits/0/data_coding"), 8);
    assert_int_equal(answer_num(&a, "submits/1/data_coding"), 0);
    assert_string_equal(answer_str(&a, "submits/1/text"), "¿Mañana? ¡Claro! É {5 €} [~] ñÑüÜ");
    answer_done(&a);
    sms_down(&s);
}

/* The parts seen from `from` on, joined; how many they are. */
static unsigned join(const struct answer *a, unsigned from, char *out, size_t cap, const char *by)
{
    char path[64];
    unsigned n = 0, total = 1;
    double ref = -1;

    out[0] = 0;
    for (; n < total; n++) {
        (void)snprintf(path, sizeof path, "submits/%u/concat/total", from + n);
        total = (unsigned)answer_num(a, path);
        (void)snprintf(path, sizeof path, "submits/%u/concat/index", from + n);
        assert_int_equal(answer_num(a, path), n + 1);
        (void)snprintf(path, sizeof path, "submits/%u/concat/by", from + n);
        assert_string_equal(answer_str(a, path), by);
        (void)snprintf(path, sizeof path, "submits/%u/concat/ref", from + n);
        assert_true(ref < 0 || answer_num(a, path) == ref);
        ref = answer_num(a, path);
        (void)snprintf(path, sizeof path, "submits/%u/text", from + n);
        (void)snprintf(out + strlen(out), cap - strlen(out), "%s", answer_str(a, path));
    }
    return n;
}

static void long_out(const char *lines, const char *by)
{
    struct sms_world s = {0};
    char gsm[401] = "", wide[600] = "", id[64], wide_id[64], got[1024];

    while (strlen(gsm) < 380)
        strcat(gsm, "uno dos {} ");
    while (strlen(wide) < 560)
        strcat(wide, "así 😀 ");
    sms_up(&s, lines, NULL, true);
    sms_send(&s, to, gsm, "", id);
    gate_wait_status(&s.w.gate, id, "delivered");
    struct answer a = sms_submits(&s, 1);
    unsigned n = join(&a, 0, got, sizeof got, by);
    assert_int_equal(n, cJSON_GetArraySize(json_at(a.json, "submits")));
    assert_string_equal(got, gsm);
    answer_done(&a);
    sms_message_number(&s, id, "segments/count", n);
    sms_message_is(&s, id, "segments/encoding", "gsm7");
    sms_send(&s, to, wide, "", wide_id);
    gate_wait_status(&s.w.gate, wide_id, "delivered");
    a = sms_submits(&s, n + 1);
    n += join(&a, n, got, sizeof got, by);
    assert_string_equal(got, wide); /* a surrogate pair that was cut would be two U+FFFD */
    assert_int_equal(n, cJSON_GetArraySize(json_at(a.json, "submits")));
    answer_done(&a);
    sms_message_is(&s, wide_id, "segments/encoding", "ucs2");
    sms_down(&s);
}

static void a_long_text_goes_in_parts_by_udh(void **state)
{
    (void)state;
    long_out(NULL, "udh8");
}

static void a_long_text_goes_in_parts_by_a_16_bit_reference(void **state)
{
    (void)state;
    long_out("    long_messages: udh16\n", "udh16");
}

static void a_long_text_goes_in_parts_by_sar(void **state)
{
    (void)state;
    long_out("    long_messages: sar\n", "sar");
}

static void a_long_text_goes_whole_if_the_smsc_cuts(void **state)
{
    struct sms_world s = {0};
    char text[500] = "", id[64];

    (void)state;
    while (strlen(text) < 400)
        strcat(text, "uno dos tres ");
    sms_up(&s, "    long_messages: payload\n", NULL, true);
    sms_send(&s, to, text, "", id);
    gate_wait_status(&s.w.gate, id, "delivered");
    struct answer a = sms_submits(&s, 1);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "submits")), 1);
    assert_non_null(answer_str(&a, "submits/0/tlvs/0x0424"));
    assert_string_equal(answer_str(&a, "submits/0/text"), text);
    answer_done(&a);
    sms_down(&s);
}

static void spanish_letters_go_by_the_single_shift_table(void **state)
{
    struct sms_world s = {0};
    static const char text[] =
        "Así será el día: comunicación rápida, información útil, atención única, corazón, "
        "árbol, ningún límite más allá";
    char id[64];

    (void)state;
    sms_up(&s, "    national_tables: spanish\n", NULL, true);
    sms_send(&s, to, text, "", id);
    struct answer a = sms_submits(&s, 1);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "submits")), 1);
    assert_int_equal(answer_num(&a, "submits/0/data_coding"), 0);
    assert_int_equal(answer_num(&a, "submits/0/single_shift"), 2);
    assert_string_equal(answer_str(&a, "submits/0/text"), text);
    answer_done(&a);
    sms_down(&s);
}

/* ---- receipts ---- */

static void receipts(const char *config, const char *status)
{
    struct sms_world s = {0};
    char id[64];

    sms_up(&s, NULL, config, true);
    sms_send(&s, to, "hola", "", id);
    gate_wait_status(&s.w.gate, id, status);
    sim_quiet(&s.w.sim);
    assert_string_equal(gate_status(&s.w.gate, id), status);
    sms_down(&s);
}

static void receipts_in_every_shape_are_understood(void **state)
{
    static const char *const configs[] = {"{\"receipts\":{\"variant\":\"seconds\"}}",
                                          "{\"receipts\":{\"variant\":\"capitals\"}}",
                                          "{\"receipts\":{\"variant\":\"minimal\"}}",
                                          "{\"receipts\":{\"variant\":\"order\"}}",
                                          "{\"receipts\":{\"variant\":\"underscores\"}}",
                                          "{\"receipts\":{\"variant\":\"spaces\"}}",
                                          "{\"receipts\":{\"variant\":\"lower\"}}",
                                          "{\"receipts\":{\"variant\":\"tricky\"}}",
                                          "{\"receipts\":{\"form\":\"tlv\"}}",
                                          "{\"receipts\":{\"form\":\"both\",\"data_sm\":true}}"};
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        sim_set(&s.w.sim, "/_sim/config", "{\"receipts\":{\"form\":\"text\",\"data_sm\":false}}");
        sim_set(&s.w.sim, "/_sim/config", "%s", configs[i]);
        print_message("%s\n", configs[i]);
        sms_send(&s, to, "hola", "", id);
        gate_wait_status(&s.w.gate, id, "delivered");
    }
    sms_down(&s);
}

static void ids_in_every_spelling_are_found(void **state)
{
    static const char *const spellings[][2] = {{"hex", "dec"},  {"dec", "hex"},  {"dec", "HEX"},
                                               {"HEX", "hex"},  {"dec", "dec0"}, {"hex", "hex0"},
                                               {"hex0", "dec"}, {"text", "same"}};
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        print_message("%s, %s\n", spellings[i][0], spellings[i][1]);
        sim_set(&s.w.sim, "/_sim/config", "{\"id\":\"%s\",\"receipts\":{\"id\":\"%s\"}}", spellings[i][0],
                spellings[i][1]);
        sms_send(&s, to, "hola", "", id);
        gate_wait_status(&s.w.gate, id, "delivered");
    }
    sms_down(&s);
}

static void a_receipt_before_its_response_waits_for_it(void **state)
{
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, "{\"receipts\":{\"before_response\":true}}", true);
    sms_faults(&s, "{\"do\":\"hold\"}");
    sms_send(&s, to, "hola", "", id);
    struct answer a = sim_get(&s.w.sim, "/_sim/deliveries?min_done=1&wait_ms=%d", DEADLINE_S * 1000);
    assert_string_equal(answer_str(&a, "deliveries/0/state"),
                        "acked"); /* it is on disk, whose it is not known yet */
    answer_done(&a);
    assert_string_not_equal(gate_status(&s.w.gate, id), "delivered");
    sim_set(&s.w.sim, "/_sim/faults", "{\"release\":true}");
    gate_wait_status(&s.w.gate, id, "sent");
    assert_string_equal(gate_status(&s.w.gate, id), "delivered"); /* by the one that waited */
    sms_down(&s);
}

static void undelivered_is_failed_with_its_reason(void **state)
{
    (void)state;
    receipts("{\"receipts\":{\"states\":[\"UNDELIV\"],\"err\":\"001\"}}", "failed");
    receipts("{\"receipts\":{\"states\":[\"ENROUTE\",\"DELIVRD\"],\"always\":true}}", "delivered");
}

static void several_segments_have_one_status(void **state)
{
    struct sms_world s = {0};
    char text[500] = "", id[64];

    (void)state;
    while (strlen(text) < 320)
        strcat(text, "uno dos tres ");
    sms_up(&s, NULL, "{\"receipts\":{\"states\":[]}}", true);
    sms_send(&s, to, text, "", id);
    gate_wait_status(&s.w.gate, id, "sent");
    struct answer a = sms_submits(&s, 3);
    for (unsigned i = 0; i < 3; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "submits/%u/id", i);
        assert_string_equal(gate_status(&s.w.gate, id), "sent");
        sim_set(&s.w.sim, "/_sim/receipt", "{\"message\":\"%s\",\"state\":\"DELIVRD\"}",
                answer_str(&a, path));
        sim_quiet(&s.w.sim);
    }
    answer_done(&a);
    gate_wait_status(&s.w.gate, id, "delivered");
    sms_down(&s);
}

/* ---- in ---- */

static void messages_from_mobiles_come_in(void **state)
{
    struct sms_world s = {0};

    (void)state;
    sms_up(&s, NULL, NULL, true);
    sim_set(&s.w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"to\":\"890123\",\"text\":\"¿Hay alguien? {€} ñ\"}",
            phone);
    assert_string_equal(sms_came(&s, 1), "¿Hay alguien? {€} ñ");
    sim_set(&s.w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"text\":\"así 😀\"}", phone);
    assert_string_equal(sms_came(&s, 2), "así 😀");
    sim_set(&s.w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"text\":\"así\",\"coding\":\"latin1\"}", phone);
    assert_string_equal(sms_came(&s, 3), "así");
    sim_set(&s.w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"text\":\"por data_sm\",\"data_sm\":true}", phone);
    assert_string_equal(sms_came(&s, 4), "por data_sm");
    sim_set(&s.w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"text\":\"entera\",\"concat\":\"payload\"}", phone);
    assert_string_equal(sms_came(&s, 5), "entera");
    sim_quiet(&s.w.sim);
    assert_int_equal(sim_count(&s.w.sim, "acked"), 5);
    sms_down(&s);
}

static void parts_come_together_in_any_order(void **state)
{
    struct sms_world s = {0};
    char text[420] = "", wide[420] = "";

    (void)state;
    while (strlen(text) < 400)
        strcat(text, "uno dos tres ");
    while (strlen(wide) < 380)
        strcat(wide, "así 😀 ");
    sms_up(&s, NULL, NULL, true);
    sim_set(&s.w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"text\":\"%s\",\"concat\":\"udh8\",\"ref\":7,\"order\":[3,1,1,2]}", phone,
            text);
    assert_string_equal(sms_came(&s, 1), text);
    sim_set(&s.w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"text\":\"%s\",\"concat\":\"udh16\",\"ref\":700,\"order\":[2,3,1]}", phone,
            text);
    assert_string_equal(sms_came(&s, 2), text);
    sim_set(&s.w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"text\":\"%s\",\"concat\":\"sar\",\"ref\":9,\"order\":[2,1,3]}", phone, text);
    assert_string_equal(sms_came(&s, 3), text);
    /* Cut through surrogate pairs. */
    sim_set(&s.w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"text\":\"%s\",\"concat\":\"udh8\",\"ref\":8,\"part_octets\":74}", phone,
            wide);
    assert_string_equal(sms_came(&s, 4), wide);
    sms_down(&s);
}

static void parts_survive_a_kill(void **state)
{
    struct sms_world s = {0};
    char text[420] = "";

    (void)state;
    while (strlen(text) < 400)
        strcat(text, "uno dos tres ");
    sms_up(&s, NULL, NULL, true);
    sim_set(&s.w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"text\":\"%s\",\"concat\":\"udh8\",\"ref\":7,\"order\":[3,1]}", phone, text);
    sim_quiet(&s.w.sim);
    assert_int_equal(sim_count(&s.w.sim, "acked"), 2);
    gate_kill(&s.w.gate);
    gate_again(&s.w.gate);
    sim_set(&s.w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"text\":\"%s\",\"concat\":\"udh8\",\"ref\":7,\"order\":[2]}", phone, text);
    assert_string_equal(sms_came(&s, 1), text);
    sms_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_goes_out_and_is_delivered),
        cmocka_unit_test(what_gsm_can_say_goes_as_gsm),
        cmocka_unit_test(a_long_text_goes_in_parts_by_udh),
        cmocka_unit_test(a_long_text_goes_in_parts_by_a_16_bit_reference),
        cmocka_unit_test(a_long_text_goes_in_parts_by_sar),
        cmocka_unit_test(a_long_text_goes_whole_if_the_smsc_cuts),
        cmocka_unit_test(spanish_letters_go_by_the_single_shift_table),
        cmocka_unit_test(receipts_in_every_shape_are_understood),
        cmocka_unit_test(ids_in_every_spelling_are_found),
        cmocka_unit_test(a_receipt_before_its_response_waits_for_it),
        cmocka_unit_test(undelivered_is_failed_with_its_reason),
        cmocka_unit_test(several_segments_have_one_status),
        cmocka_unit_test(messages_from_mobiles_come_in),
        cmocka_unit_test(parts_come_together_in_any_order),
        cmocka_unit_test(parts_survive_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
