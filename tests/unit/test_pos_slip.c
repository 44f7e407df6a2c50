/*
 * Neutral slips: what is taken as JSON and what is refused, slips of the gateway's records in
 * Spanish and English, as text, and as a picture whose codes another program reads.
 */
#include "pos_slip_check.h"

/* ---- JSON -------------------------------------------------------------------------------- */

static void test_a_slip_is_read_and_written_as_the_same(void **state)
{
    static const char *const whole =
        "{\"title\":\"Su "
        "cita\",\"lines\":[{\"text\":\"viernes\",\"bold\":true,\"align\":\"center\",\"size\":2},"
        "{\"text\":\"42\",\"label\":\"Talla\"},{\"text\":\"fin\",\"align\":\"right\"}],\"barcode\":"
        "\"K7QM2P\",\"cut\":\"full\"}";
    struct pos_slip *slip = slip_of(whole);
    size_t n = 0;
    char *again;

    (void)state;
    assert_int_equal(slip->title.n, 7);
    assert_int_equal(slip->n_line, 3);
    assert_true(slip->line[0].bold);
    assert_int_equal(slip->line[0].align, POS_ALIGN_CENTER);
    assert_int_equal(slip->line[0].size, 2);
    assert_memory_equal(slip->line[1].label.p, "Talla", 5);
    assert_int_equal(slip->line[2].align, POS_ALIGN_RIGHT);
    assert_int_equal(slip->line[2].size, 1);
    assert_int_equal(slip->mark, POS_MARK_BARCODE);
    assert_int_equal(slip->cut, POS_CUT_FULL);
    again = pos_slip_json(slip, &n);
    assert_non_null(again);
    assert_int_equal(n, strlen(again));
    assert_string_equal(again, whole);
    free(again);
    pos_slip_free(&slip);
    assert_null(slip);
}

static void test_what_a_slip_may_not_have_is_refused_by_its_name(void **state)
{
    static const struct {
        const char *json, *why;
    } bad[] = {
        {"", "slip: an object"},
        {"[1]", "slip: an object"},
        {"{\"lines\":[]}", "slip: there is nothing"},
        {"{\"title\":1}", "title: a string"},
        {"{\"title\":\"\\u001b@\"}", "title: it holds a control"},
        {"{\"title\":\"a\\u0000b\"}", "slip: it holds a control"},
        {"{\"title\":\"a\\u009bb\"}", "title: it holds a control"},
        {"{\"title\":\"a\xff\"}", "title: it is not UTF-8"},
        {"{\"title\":\"a\",\"drawer\":true}", "slip: title, lines"},
        {"{\"title\":\"a\",\"cut\":\"half\"}", "cut: partial, full or none"},
        {"{\"title\":\"a\",\"qr\":\"\"}", "qr: 1 to 300"},
        {"{\"title\":\"a\",\"qr\":\"1\",\"barcode\":\"2\"}", "qr, barcode: one"},
        {"{\"title\":\"a\",\"barcode\":\"\xc3\xb1\"}", "barcode: printable ASCII"},
        {"{\"title\":\"a\",\"qr\":\"\xc3\xb1\"}", "qr: printable ASCII"},
        {"{\"title\":\"a\",\"barcode\":\"1\\n2\"}", "barcode: printable ASCII"},
        {"{\"title\":\"a\",\"lines\":{}}", "lines: an array"},
        {"{\"lines\":[\"a\"]}", "lines/0: an object"},
        {"{\"lines\":[{\"bold\":true}]}", "lines/0/text: it is required"},
        {"{\"lines\":[{\"text\":\"a\"},{\"text\":\"b\",\"size\":5}]}", "lines/1/size: 1, 2, 3 or 4"},
        {"{\"lines\":[{\"text\":\"a\",\"size\":1.5}]}", "lines/0/size: 1, 2, 3 or 4"},
        {"{\"lines\":[{\"text\":\"a\",\"bold\":1}]}", "lines/0/bold: true or false"},
        {"{\"lines\":[{\"text\":\"a\",\"align\":\"middle\"}]}", "lines/0/align: left, center or right"},
        {"{\"lines\":[{\"text\":\"a\",\"colour\":\"red\"}]}", "lines/0: text, label"},
    };
    char why[POS_SLIP_WORDS];
    struct pos_slip *slip;
    int32_t code;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(why, 0, sizeof why);
        slip = pos_slip_parse(str(bad[i].json), &code, why);
        assert_null(slip);
        assert_int_equal(code, HILO_INVALID);
        if (strncmp(why, bad[i].why, strlen(bad[i].why)) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", bad[i].json, why, bad[i].why);
    }
}

static void test_a_slip_is_bounded(void **state)
{
    static char json[POS_SLIP_JSON_MAX + 2];
    char why[POS_SLIP_WORDS];
    struct pos_slip *slip;
    struct pos_bytes out;
    int32_t code;
    size_t i, n;

    (void)state;
    memset(json, ' ', sizeof json);
    assert_null(pos_slip_parse((struct hilo_str){json, sizeof json - 1}, &code, why));
    assert_int_equal(code, HILO_INVALID);
    n = (size_t)sprintf(json, "{\"lines\":[");
    for (i = 0; i <= POS_SLIP_LINES_MAX; i++)
        n += (size_t)sprintf(json + n, "%s{\"text\":\"x\"}", i ? "," : "");
    (void)sprintf(json + n, "]}");
    assert_null(pos_slip_parse(str(json), &code, why));
    assert_string_equal(why, "lines: 200 at most are taken");
    /* Few lines, but metres of paper. */
    n = (size_t)sprintf(json, "{\"lines\":[{\"size\":4,\"text\":\"");
    memset(json + n, 'x', POS_SLIP_TEXT_MAX);
    (void)sprintf(json + n + POS_SLIP_TEXT_MAX, "\"}]}");
    slip = slip_of(json);
    assert_int_equal(pos_escpos(slip, &pos_paper_default, &out, NULL), HILO_INVALID);
    assert_int_equal(pos_render_png(slip, &pos_paper_default, NULL, NULL, &out, why), HILO_INVALID);
    assert_null(pos_render_text(slip, 32, &n));
    pos_slip_free(&slip);
}

/* ---- of records ----------------------------------------------------------------------------- */

static char *made(enum pos_slip_kind kind, const char *record, const struct pos_slip_how *how,
                  uint32_t columns)
{
    char why[POS_SLIP_WORDS] = "";
    int32_t code = 1;
    struct pos_slip *slip = pos_slip_make(kind, str(record), how, &code, why);
    size_t n = 0;
    char *text;

    if (!slip)
        fail_msg("%s: %s", record, why);
    assert_int_equal(code, HILO_OK);
    text = pos_render_text(slip, columns, &n);
    assert_non_null(text);
    assert_int_equal(n, strlen(text));
    pos_slip_free(&slip);
    return text;
}

static void expect(char *text, const char *wanted)
{
    assert_string_equal(text, wanted);
    free(text);
}

static const char *const an_appointment =
    "{\"id\":\"apt_01JDPZ\",\"code\":\"K7QM2P\",\"customer\":\"cus_1\",\"status\":\"booked\",\"store\":"
    "\"CENTRO\","
    "\"place\":\"Tienda Centro, Carrera 7 # 12-34\",\"subject\":\"Televisor que no enciende\","
    "\"starts_at\":\"2026-11-27T20:30:00Z\",\"time_zone\":\"America/Bogota\"}";

static void test_an_appointment_is_said_as_people_say_it(void **state)
{
    (void)state;
    /* 32 columns; Bogotá is five hours behind, and writes hours as 3:30 p. m. */
    expect(made(POS_SLIP_APPOINTMENT, an_appointment, &(struct pos_slip_how){.locale = str("es-CO")}, 32),
           "            Su cita\n"
           "    viernes, 27 de noviembre\n"
           "           3:30 p. m.\n"
           "Tienda Centro, Carrera 7 # 12-34\n"
           "   Televisor que no enciende\n"
           " Muestre este código al llegar:\n"
           "             K7QM2P\n"
           "[QR K7QM2P]\n");
    /* 48 columns, a barcode, whose letters stand below it. */
    expect(made(POS_SLIP_APPOINTMENT, an_appointment,
                &(struct pos_slip_how){.locale = str("en-US"), .mark = POS_MARK_BARCODE}, 48),
           "                Your appointment\n"
           "              Friday, November 27\n"
           "                    3:30 PM\n"
           "        Tienda Centro, Carrera 7 # 12-34\n"
           "           Televisor que no enciende\n"
           "        Show this code when you arrive:\n"
           "                     K7QM2P\n"
           "[|||K7QM2P|||]\n"
           "                     K7QM2P\n");
}

static void test_the_zone_of_the_options_is_for_records_without_one(void **state)
{
    static const char *const record =
        "{\"code\":\"K7QM2P\",\"starts_at\":\"2026-03-29T00:15:00.5Z\",\"store\":\"NORTE\"}";
    char why[POS_SLIP_WORDS];
    int32_t code = HILO_OK;

    (void)state;
    /* Half an hour before Spain's summer time begins; and by another way of writing that instant. */
    expect(made(POS_SLIP_APPOINTMENT, record,
                &(struct pos_slip_how){.locale = str("es-ES"), .time_zone = str("Europe/Madrid")}, 32),
           "            Su cita\n      domingo, 29 de marzo\n              1:15\n             NORTE\n"
           " Muestre este código al llegar:\n             K7QM2P\n[QR K7QM2P]\n");
    expect(made(POS_SLIP_APPOINTMENT, "{\"code\":\"A\",\"starts_at\":\"2026-03-28T23:15:00-03:00\"}",
                &(struct pos_slip_how){.locale = str("es-ES"), .time_zone = str("Europe/Madrid")}, 32),
           "            Su cita\n      domingo, 29 de marzo\n              4:15\n"
           " Muestre este código al llegar:\n               A\n[QR A]\n");
    assert_true(pos_slip_time_zone_known(str("America/Mexico_City")));
    assert_true(pos_slip_time_zone_known(str("")));
    assert_false(pos_slip_time_zone_known(str("America/Nowhere")));
    assert_false(pos_slip_time_zone_known(str("../etc/passwd")));
    assert_null(pos_slip_make(POS_SLIP_APPOINTMENT, str(record),
                              &(struct pos_slip_how){.time_zone = str("America/Nowhere")}, &code, why));
    assert_int_equal(code, HILO_INVALID);
    assert_string_equal(why, "its time zone is not known");
}

static void test_a_canceled_appointment_opens_nothing(void **state)
{
    (void)state;
    expect(made(POS_SLIP_APPOINTMENT,
                "{\"code\":\"K7QM2P\",\"status\":\"canceled\",\"starts_at\":\"2026-11-27T20:30:00Z\"}",
                &(struct pos_slip_how){.locale = str("es-PE"), .time_zone = str("America/Lima")}, 32),
           "         Cita cancelada\n    viernes, 27 de noviembre\n             15:30\n");
}

static void test_a_case_has_its_number(void **state)
{
    static const char *const record = "{\"id\":\"cas_01JDPZ5V9K3QWERTY0123456\",\"customer\":\"cus_1\","
                                      "\"status\":\"pending\",\"subject\":\"Televisor de 55 "
                                      "pulgadas: "
                                      "no\\u001benciende\",\"opened\":\"2026-11-27T03:30:00Z\",\"changed\":"
                                      "\"x\",\"messages\":3,\"version\":4}";

    (void)state;
    expect(made(POS_SLIP_CASE, record,
                &(struct pos_slip_how){
                    .locale = str("es-CO"), .time_zone = str("America/Bogota"), .store = str("Centro")},
                32),
           "            Su caso\n"
           "  Televisor de 55 pulgadas: no\n"
           "            enciende\n"
           "Abierto  26 de noviembre de 2026\n"
           "Estado                 en espera\n"
           "Tienda                    Centro\n"
           "Número\n"
           "    cas_01JDPZ5V9K3QWERTY0123456\n"
           " Guarde este número: con él no\n"
           "    tendrá que repetir nada.\n"
           "[QR cas_01JDPZ5V9K3QWERTY0123456]\n");
    expect(made(POS_SLIP_CASE, record,
                &(struct pos_slip_how){.locale = str("en"), .time_zone = str("America/Bogota")}, 48),
           "                   Your case\n"
           "     Televisor de 55 pulgadas: no enciende\n"
           "Opened                         November 26, 2026\n"
           "Status                                   pending\n"
           "Number              cas_01JDPZ5V9K3QWERTY0123456\n"
           " Keep this number: with it you need not repeat\n"
           "                   anything.\n"
           "[QR cas_01JDPZ5V9K3QWERTY0123456]\n");
}

static void test_a_wish_has_what_was_wished_for(void **state)
{
    (void)state;
    expect(made(POS_SLIP_WISH,
                "{\"id\":\"wsh_01\",\"customer\":\"cus_1\",\"sku\":\"CAM-042\",\"size\":\"M\",\"colour\":"
                "\"azul\",\"store\":\"CENTRO\"}",
                &(struct pos_slip_how){.locale = str("fr")}, 32),
           "         Le avisaremos\n"
           "Referencia               CAM-042\n"
           "Talla                          M\n"
           "Color                       azul\n"
           "Tienda                    CENTRO\n"
           " Cuando llegue, le escribimos.\n"
           "[QR wsh_01]\n");
}

static void test_what_is_no_such_record_is_refused(void **state)
{
    static const struct {
        enum pos_slip_kind kind;
        const char *record;
    } bad[] = {{POS_SLIP_CASE, "{}"},
               {POS_SLIP_CASE, "{\"id\":\"cas_1\",\"opened\":\"yesterday\"}"},
               {POS_SLIP_APPOINTMENT, "{\"code\":\"A\"}"},
               {POS_SLIP_APPOINTMENT, "{\"code\":\"A\",\"starts_at\":\"2026-13-27T20:30:00Z\"}"},
               {POS_SLIP_APPOINTMENT, "{\"code\":\"A\",\"starts_at\":\"2026-11-27T20:30:00\"}"},
               {POS_SLIP_WISH, "{\"id\":\"wsh_1\"}"},
               {POS_SLIP_WISH, "no JSON"}};
    const struct pos_slip_how how = {.locale = {"es", 2}};
    char why[POS_SLIP_WORDS];
    int32_t code;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        code = HILO_OK;
        assert_null(pos_slip_make(bad[i].kind, str(bad[i].record), &how, &code, why));
        assert_int_equal(code, HILO_INVALID);
    }
}

/* ---- text --------------------------------------------------------------------------------------- */

static void as_text(const char *json, uint32_t columns, const char *wanted)
{
    struct pos_slip *slip = slip_of(json);
    size_t n;

    expect(pos_render_text(slip, columns, &n), wanted);
    pos_slip_free(&slip);
}

static void test_lines_break_where_words_end(void **state)
{
    (void)state;
    as_text("{\"lines\":[{\"text\":\"El envío llegó incompleto, por favor llame\"}]}", 20,
            "El envío llegó\nincompleto, por\nfavor llame\n");
    /* A word wider than the paper is cut; nothing of it is lost. */
    as_text("{\"lines\":[{\"text\":\"ver https://tienda.example.com/pedidos/1234567890\"}]}", 16,
            "ver https://\ntienda.example.\ncom/\npedidos/12345678\n90\n");
    as_text("{\"lines\":[{\"text\":\"ABCDEFGHIJKLMNOPQRSTUVWXYZ\"}]}", 10,
            "ABCDEFGHIJ\nKLMNOPQRST\nUVWXYZ\n");
    /* Width is what is seen: a mark takes none, a wide character two columns. */
    as_text("{\"lines\":[{\"text\":\"cafe\\u0301 cafe\\u0301\"}]}", 9, "cafe\xcc\x81 cafe\xcc\x81\n");
    as_text("{\"lines\":[{\"text\":\"\\u6771\\u4eac\\u6771\"}]}", 5,
            "\xe6\x9d\xb1\xe4\xba\xac\n\xe6\x9d\xb1\n");
    /* Twice as wide, half as many. */
    as_text("{\"lines\":[{\"text\":\"uno dos tres\",\"size\":2}]}", 16, "uno dos\ntres\n");
    as_text("{\"lines\":[{\"text\":\"uno\\n\\ndos\"}]}", 16, "uno\n\ndos\n");
    as_text("{\"lines\":[{\"text\":\"\"},{\"text\":\"x\"}]}", 16, "\nx\n");
    /* Exactly as wide as the paper, and what follows it. */
    as_text("{\"lines\":[{\"text\":\"12345678 9\"}]}", 8, "12345678\n9\n");
}

static void test_a_label_and_its_value_share_a_row_if_they_can(void **state)
{
    (void)state;
    as_text("{\"lines\":[{\"label\":\"Total\",\"text\":\"129.900\"}]}", 16, "Total    129.900\n");
    as_text("{\"lines\":[{\"label\":\"Total\",\"text\":\"129.900.000\"}]}", 16, "Total\n     129.900.000\n");
    as_text("{\"lines\":[{\"label\":\"Ñandú\",\"text\":\"á\",\"size\":2}]}", 16, "Ñandú          á\n");
}

/* ---- a picture ------------------------------------------------------------------------------------- */

static void read_back(const char *json, const struct pos_paper *paper, const char *wanted)
{
    struct pos_slip *slip = slip_of(json);
    char why[POS_SLIP_WORDS] = "", seen[1024];
    struct pos_bytes png = {0};

    if (pos_render_png(slip, paper, NULL, NULL, &png, why) != HILO_OK)
        fail_msg("%s: %s", json, why);
    assert_memory_equal(png.p, "\x89PNG\r\n\x1a\n", 8);
    judge(png.p, png.n, ".png", seen, sizeof seen);
    assert_string_equal(seen, wanted);
    free(png.p);
    pos_slip_free(&slip);
}

static void test_codes_of_the_picture_are_read_by_another_program(void **state)
{
    struct pos_paper narrow = {.columns = 32, .dots = 384, .codepage = POS_CODEPAGE_858, .page = 19};

    (void)state;
    read_back("{\"title\":\"Su cita\",\"lines\":[{\"text\":\"viernes, 27 de noviembre\"}],\"qr\":\"K7QM2P\"}",
              &pos_paper_default, "QR-Code:K7QM2P\n");
    read_back("{\"title\":\"Su "
              "caso\",\"qr\":\"https://tienda.example.com/c/cas_01JDPZ5V9K3QWERTY0123456?de=m%C3%B3vil\"}",
              &narrow, "QR-Code:https://tienda.example.com/c/cas_01JDPZ5V9K3QWERTY0123456?de=m%C3%B3vil\n");
    read_back("{\"title\":\"Su cita\",\"barcode\":\"K7QM2P\"}", &narrow, "CODE-128:K7QM2P\n");
    read_back("{\"title\":\"Pedido\",\"barcode\":\"PED-2026/000123 {x}\"}", &pos_paper_default,
              "CODE-128:PED-2026/000123 {x}\n");
    /* It does not fit as bars: then it is a QR code, and the letters are below it all the same. */
    read_back("{\"barcode\":\"cas_01JDPZ5V9K3QWERTY0123456\"}", &narrow,
              "QR-Code:cas_01JDPZ5V9K3QWERTY0123456\n");
}

static void test_a_font_that_is_not_there_is_told(void **state)
{
    struct pos_slip *slip = slip_of("{\"title\":\"x\"}");
    char why[POS_SLIP_WORDS];
    struct pos_bytes png;

    (void)state;
    assert_int_equal(pos_render_png(slip, &pos_paper_default, "/nowhere.ttf", NULL, &png, why), HILO_IO);
    assert_string_equal(why, "/nowhere.ttf can't be read: install fonts-dejavu-core");
    pos_slip_free(&slip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slip_is_read_and_written_as_the_same),
        cmocka_unit_test(test_what_a_slip_may_not_have_is_refused_by_its_name),
        cmocka_unit_test(test_a_slip_is_bounded),
        cmocka_unit_test(test_an_appointment_is_said_as_people_say_it),
        cmocka_unit_test(test_the_zone_of_the_options_is_for_records_without_one),
        cmocka_unit_test(test_a_canceled_appointment_opens_nothing),
        cmocka_unit_test(test_a_case_has_its_number),
        cmocka_unit_test(test_a_wish_has_what_was_wished_for),
        cmocka_unit_test(test_what_is_no_such_record_is_refused),
        cmocka_unit_test(test_lines_break_where_words_end),
        cmocka_unit_test(test_a_label_and_its_value_share_a_row_if_they_can),
        cmocka_unit_test(test_codes_of_the_picture_are_read_by_another_program),
        cmocka_unit_test(test_a_font_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
