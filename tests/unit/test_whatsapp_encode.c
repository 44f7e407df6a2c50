/*
 * The WhatsApp plugin: messages as bodies of requests.
 */
#include "whatsapp_write.h"

static void test_encode_text(void **state)
{
    struct out o;

    (void)state;
    out_begin(&o, HILO_CONTENT_TEXT);
    put(&o, HILO_T_CONTENT_TEXT, "hola ñ \"x\"\n");
    assert_encodes(out_end(&o),
                   "{\"type\":\"text\",\"text\":{\"body\":\"hola ñ \\\"x\\\"\\n\",\"preview_url\":false}}");
    out_begin(&o, HILO_CONTENT_TEXT);
    put(&o, HILO_T_CONTENT_TEXT, "x");
    hilo_put_u64(&o.w, HILO_T_CONTENT_PREVIEW_URL, 1);
    assert_encodes(out_reply(&o, "wamid.Q"),
                   "{\"type\":\"text\",\"text\":{\"body\":\"x\",\"preview_url\":true},"
                   "\"context\":{\"message_id\":\"wamid.Q\"}}");
    out_begin(&o, HILO_CONTENT_TEXT);
    assert_refused(out_end(&o));
    out_begin(&o, HILO_CONTENT_TEXT);
    hilo_put(&o.w, HILO_T_CONTENT_TEXT, "a\0b", 3);
    assert_refused(out_end(&o));
}

static void test_encode_whom(void **state)
{
    static const struct {
        unsigned scheme;
        const char *value, *native, *member; /* NULL: refused */
    } row[] = {
        {HILO_SCHEME_PHONE, "+5215512345678", NULL, "\"to\":\"5215512345678\""},
        {HILO_SCHEME_PHONE, "+525512345678", "5215512345678", "\"to\":\"5215512345678\""},
        {HILO_SCHEME_PHONE, "+525512345678", "CL.1", "\"to\":\"525512345678\""},
        {HILO_SCHEME_WHATSAPP, "CL.1502576394655843", NULL, "\"recipient\":\"CL.1502576394655843\""},
        {HILO_SCHEME_WHATSAPP, "6834002", NULL, "\"to\":\"6834002\""},
        {HILO_SCHEME_PHONE, "CL.1502576394655843", NULL, NULL},
        {HILO_SCHEME_PHONE, "", NULL, NULL},
        {HILO_SCHEME_EMAIL, "a@b.c", NULL, NULL},
        {HILO_SCHEME_WHATSAPP, "", NULL, NULL},
    };
    char expected[256];
    struct out o;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        out_to(&o, row[i].scheme, row[i].value, row[i].native, HILO_CONTENT_TEXT);
        put(&o, HILO_T_CONTENT_TEXT, "x");
        if (!row[i].member) {
            assert_refused(out_end(&o));
            continue;
        }
        snprintf(expected, sizeof expected,
                 "{%s,\"type\":\"text\",\"text\":{\"body\":\"x\",\"preview_url\":false}}", row[i].member);
        assert_encodes(out_end(&o), expected);
    }
    check_refused((struct hilo_str){NULL, 0}, __LINE__); /* no address at all */
}

static void out_media(struct out *o, enum hilo_media_kind kind)
{
    out_begin(o, HILO_CONTENT_MEDIA);
    hilo_put_u64(&o->w, HILO_T_CONTENT_KIND, kind);
}

static void test_encode_media(void **state)
{
    struct hilo_id known = {{0}}, unknown = {{0}};
    struct wa_encoded out;
    struct out o;

    (void)state;
    known.b[15] = 7;
    unknown.b[15] = 8;
    out_media(&o, HILO_MEDIA_IMAGE);
    put(&o, HILO_T_CONTENT_URL, "https://x/y.jpg");
    put(&o, HILO_T_CONTENT_CAPTION, "c");
    put(&o, HILO_T_CONTENT_FILENAME, "y.jpg"); /* only documents show one */
    assert_encodes(out_end(&o),
                   "{\"type\":\"image\",\"image\":{\"link\":\"https://x/y.jpg\",\"caption\":\"c\"}}");
    out_media(&o, HILO_MEDIA_DOCUMENT);
    hilo_put_id(&o.w, HILO_T_CONTENT_MEDIA, known);
    put(&o, HILO_T_CONTENT_FILENAME, "boleta.pdf");
    put(&o, HILO_T_CONTENT_CAPTION, "c");
    assert_encodes(out_end(&o),
                   "{\"type\":\"document\",\"document\":{\"id\":\"MEDIA7\",\"filename\":\"boleta.pdf\","
                   "\"caption\":\"c\"}}");
    out_media(&o, HILO_MEDIA_VOICE);
    put(&o, HILO_T_CONTENT_EXT_MEDIA, "META9");
    assert_encodes(out_end(&o), "{\"type\":\"audio\",\"audio\":{\"id\":\"META9\"}}");
    out_media(&o, HILO_MEDIA_STICKER);
    put(&o, HILO_T_CONTENT_URL, "https://x");
    assert_encodes(out_end(&o), "{\"type\":\"sticker\",\"sticker\":{\"link\":\"https://x\"}}");

    out_media(&o, HILO_MEDIA_VIDEO);
    hilo_put_id(&o.w, HILO_T_CONTENT_MEDIA, unknown);
    assert_int_equal(encode(out_end(&o), &out), HILO_AGAIN);
    assert_memory_equal(&out.need, &unknown, sizeof unknown);
    assert_null(out.body);

    out_media(&o, HILO_MEDIA_AUDIO);
    put(&o, HILO_T_CONTENT_URL, "https://x");
    put(&o, HILO_T_CONTENT_CAPTION, "never shown");
    assert_refused(out_end(&o));
    out_begin(&o, HILO_CONTENT_MEDIA);
    put(&o, HILO_T_CONTENT_URL, "https://x");
    assert_refused(out_end(&o));
    out_media(&o, HILO_MEDIA_IMAGE);
    assert_refused(out_end(&o));
}

/* A template's parameter, left open. */
static void choice(struct out *o, const char *id, const char *title, const char *description,
                   const char *section)
{
    hilo_open(&o->w, HILO_T_CONTENT_CHOICES);
    put(o, HILO_T_CHOICE_ID, id);
    put(o, HILO_T_CHOICE_TITLE, title);
    if (description)
        put(o, HILO_T_CHOICE_DESCRIPTION, description);
    if (section)
        put(o, HILO_T_CHOICE_SECTION, section);
    hilo_close(&o->w);
}

static void out_choices(struct out *o, const char *question)
{
    out_begin(o, HILO_CONTENT_CHOICES);
    put(o, HILO_T_CONTENT_TEXT, question);
}

#define INTERACTIVE(kind)                                                                                    \
    "{\"type\":\"interactive\",\"interactive\":{\"type\":\"" kind "\",\"body\":{\"text\":\"B\"},"

static void test_encode_choices(void **state)
{
    struct out o;
    unsigned i;
    char id[8];

    (void)state;
    out_choices(&o, "B");
    put(&o, HILO_T_CONTENT_HEADER, "H");
    put(&o, HILO_T_CONTENT_FOOTER, "F");
    choice(&o, "si", "Sí", NULL, NULL);
    choice(&o, "no", "12345678901234567ñññ", NULL, NULL); /* 20 characters, 23 bytes */
    assert_encodes(
        out_end(&o),
        INTERACTIVE("button") "\"header\":{\"type\":\"text\",\"text\":\"H\"},\"footer\":{\"text\":\"F\"},"
                              "\"action\":{\"buttons\":[{\"type\":\"reply\",\"reply\":{\"id\":\"si\","
                              "\"title\":\"Sí\"}},{\"type\":"
                              "\"reply\",\"reply\":{\"id\":\"no\",\"title\":\"12345678901234567ñññ\"}}]}}}");

    /* a title of 21 characters, a description, or a fourth choice make it a list */
    out_choices(&o, "B");
    put(&o, HILO_T_CONTENT_BUTTON, "Una etiqueta demasiado larga");
    choice(&o, "r1", "123456789012345678901", "D", NULL);
    assert_encodes(
        out_end(&o),
        INTERACTIVE("list") "\"action\":{\"button\":\"Una etiqueta demasia\",\"sections\":[{"
                            "\"rows\":[{\"id\":\"r1\",\"title\":\"123456789012345678901\",\"description\":"
                            "\"D\"}]}]}}}");
    /* and so does a label of the list: it was asked for, or lowering chose it */
    out_choices(&o, "B");
    put(&o, HILO_T_CONTENT_BUTTON, "Ver");
    choice(&o, "si", "Sí", NULL, NULL);
    assert_encodes(out_end(&o), INTERACTIVE("list") "\"action\":{\"button\":\"Ver\",\"sections\":[{"
                                                    "\"rows\":[{\"id\":\"si\",\"title\":\"Sí\"}]}]}}}");
    out_choices(&o, "B");
    choice(&o, "1", "a", NULL, NULL);
    choice(&o, "2", "b", NULL, "S1");
    choice(&o, "3", "c", NULL, NULL);
    choice(&o, "4", "d", NULL, "S2");
    hilo_close(&o.w);
    put(&o, HILO_T_MSG_LANGUAGE, "es-CO");
    assert_encodes(hilo_written(&o.w),
                   INTERACTIVE("list") "\"action\":{\"button\":\"Opciones\",\"sections\":["
                                       "{\"title\":\"Opciones\",\"rows\":[{\"id\":\"1\",\"title\":\"a\"}]},"
                                       "{\"title\":\"S1\",\"rows\":[{\"id\":\"2\",\"title\":\"b\"},{\"id\":"
                                       "\"3\",\"title\":\"c\"}]},"
                                       "{\"title\":\"S2\",\"rows\":[{\"id\":\"4\",\"title\":\"d\"}]}]}}}");

    out_choices(&o, "B");
    assert_refused(out_end(&o));
    out_choices(&o, "");
    choice(&o, "1", "a", NULL, NULL);
    assert_refused(out_end(&o));
    out_choices(&o, "B");
    for (i = 0; i < 11; i++) {
        snprintf(id, sizeof id, "%u", i);
        choice(&o, id, id, NULL, NULL);
    }
    assert_refused(out_end(&o));
}

static void test_encode_location(void **state)
{
    struct out o;

    (void)state;
    out_begin(&o, HILO_CONTENT_LOCATION);
    hilo_put_f64(&o.w, HILO_T_CONTENT_LATITUDE, -33.4);
    hilo_put_f64(&o.w, HILO_T_CONTENT_LONGITUDE, -0.00000004);
    put(&o, HILO_T_CONTENT_NAME, "Tienda");
    put(&o, HILO_T_CONTENT_ADDRESS, "Calle 1");
    assert_encodes(out_end(&o),
                   "{\"type\":\"location\",\"location\":{\"latitude\":\"-33.4\",\"longitude\":\"0.0\","
                   "\"name\":\"Tienda\",\"address\":\"Calle 1\"}}");
    out_begin(&o, HILO_CONTENT_LOCATION);
    hilo_put_f64(&o.w, HILO_T_CONTENT_LATITUDE, 90.5);
    hilo_put_f64(&o.w, HILO_T_CONTENT_LONGITUDE, 0);
    assert_refused(out_end(&o));
    out_begin(&o, HILO_CONTENT_LOCATION);
    hilo_put_f64(&o.w, HILO_T_CONTENT_LATITUDE, 1);
    assert_refused(out_end(&o));
}

static void test_encode_contacts_and_reaction(void **state)
{
    struct out o;

    (void)state;
    out_begin(&o, HILO_CONTENT_CONTACTS);
    hilo_open(&o.w, HILO_T_CONTENT_CONTACTS);
    put(&o, HILO_T_CONTACT_NAME, "A B");
    put(&o, HILO_T_CONTACT_ORGANIZATION, "X");
    hilo_open(&o.w, HILO_T_CONTACT_PHONES);
    put(&o, HILO_T_PHONE_NUMBER, "+569");
    put(&o, HILO_T_PHONE_LABEL, "WORK");
    hilo_close(&o.w);
    hilo_close(&o.w);
    assert_encodes(out_end(&o),
                   "{\"type\":\"contacts\",\"contacts\":[{\"name\":{\"formatted_name\":\"A B\","
                   "\"first_name\":\"A B\"},\"org\":{\"company\":\"X\"},\"phones\":[{\"phone\":\"+569\","
                   "\"type\":\"WORK\"}]}]}");
    out_begin(&o, HILO_CONTENT_CONTACTS);
    assert_refused(out_end(&o));
    out_begin(&o, HILO_CONTENT_REACTION);
    put(&o, HILO_T_CONTENT_EMOJI, "");
    assert_encodes(out_reply(&o, "wamid.Q"),
                   "{\"type\":\"reaction\",\"reaction\":{\"message_id\":\"wamid.Q\",\"emoji\":\"\"}}");
    out_begin(&o, HILO_CONTENT_REACTION);
    assert_refused(out_end(&o));
    out_begin(&o, HILO_CONTENT_APPOINTMENT);
    assert_refused(out_end(&o));
}

static void test_encode_link(void **state)
{
    struct out o;

    (void)state;
    out_begin(&o, HILO_CONTENT_LINK);
    put(&o, HILO_T_CONTENT_TEXT, "Pague aquí");
    put(&o, HILO_T_CONTENT_BUTTON, "Pagar");
    put(&o, HILO_T_CONTENT_URL, "https://example.com/p?a=1");
    put(&o, HILO_T_CONTENT_HEADER, "H");
    put(&o, HILO_T_CONTENT_FOOTER, "F");
    assert_encodes(out_end(&o),
                   "{\"type\":\"interactive\",\"interactive\":{\"type\":\"cta_url\",\"header\":{\"type\":"
                   "\"text\",\"text\":"
                   "\"H\"},\"body\":{\"text\":\"Pague "
                   "aquí\"},\"footer\":{\"text\":\"F\"},\"action\":{\"name\":\"cta_url\","
                   "\"parameters\":{\"display_text\":\"Pagar\",\"url\":\"https://example.com/p?a=1\"}}}}");
    out_begin(&o, HILO_CONTENT_LINK);
    put(&o, HILO_T_CONTENT_TEXT, "Pague aquí");
    put(&o, HILO_T_CONTENT_URL, "https://example.com");
    assert_refused(out_end(&o));
}

#define FLOW(parameters)                                                                                     \
    "{\"type\":\"interactive\",\"interactive\":{\"type\":\"flow\",\"body\":{\"text\":\"Pida su cita\"},"     \
    "\"action\":{\"name\":\"flow\",\"parameters\":{\"flow_message_version\":\"3\",\"flow_token\":\"%s\","    \
    "\"flow_cta\":\"Agendar\"," parameters "}}}}"

static void out_form(struct out *o, const char *name, const char *screen, const char *data)
{
    out_begin(o, HILO_CONTENT_FORM);
    put(o, HILO_T_CONTENT_TEXT, "Pida su cita");
    put(o, HILO_T_CONTENT_BUTTON, "Agendar");
    put(o, HILO_T_CONTENT_NAME, name);
    if (screen)
        put(o, HILO_T_CONTENT_SCREEN, screen);
    if (data)
        put(o, HILO_T_CONTENT_DATA, data);
}

/* A flow carries our id as its token. */
static void test_encode_form(void **state)
{
    char echo[WA_ECHO_TEXT], expected[1024];
    struct out o;

    (void)state;
    wa_echo_write(our_id, echo);
    out_form(&o, "1234567890", NULL, NULL);
    snprintf(expected, sizeof expected, FLOW("\"flow_id\":\"1234567890\""), echo);
    assert_encodes(out_end(&o), expected);
    out_form(&o, "cita_2", "CITA", NULL);
    snprintf(expected, sizeof expected,
             FLOW("\"flow_name\":\"cita_2\",\"flow_action\":\"navigate\",\"flow_action_payload\":{\"screen\":"
                  "\"CITA\"}"),
             echo);
    assert_encodes(out_end(&o), expected);
    out_form(&o, "cita_2", "CITA", "{}"); /* nothing to fill it with: Meta refuses an empty object */
    assert_encodes(out_end(&o), expected);
    out_form(&o, "7", "CITA", " {\"dias\":[1,2.50,\"ñ\"]}");
    snprintf(expected, sizeof expected,
             FLOW("\"flow_id\":\"7\",\"flow_action\":\"navigate\",\"flow_action_payload\":{\"screen\":"
                  "\"CITA\",\"data\":"
                  "{\"dias\":[1,2.50,\"ñ\"]}}"),
             echo);
    assert_encodes(out_end(&o), expected);
    out_form(&o, "7", NULL, "{\"a\":1}");
    assert_refused(out_end(&o));
    out_form(&o, "7", "CITA", "[1]");
    assert_refused(out_end(&o));
    out_form(&o, "7", "CITA", "{");
    assert_refused(out_end(&o));
    out_form(&o, "", NULL, NULL);
    assert_refused(out_end(&o));
}

static void test_encode_typing(void **state)
{
    struct wa_encoded out;
    struct out o;

    (void)state;
    out_begin(&o, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&o.w, HILO_T_CONTENT_EVENT, HILO_SYSTEM_TYPING);
    assert_int_equal(encode(out_reply(&o, "wamid.IN"), &out), HILO_OK);
    assert_string_equal(out.body,
                        "{\"messaging_product\":\"whatsapp\",\"status\":\"read\",\"message_id\":\"wamid.IN\","
                        "\"typing_indicator\":{\"type\":\"text\"}}");
    assert_false(out.echoed);
    wa_encoded_done(&out);
}

static void test_encode_mark_read(void **state)
{
    struct wa_encoded out;
    struct out o;

    (void)state;
    out_begin(&o, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&o.w, HILO_T_CONTENT_EVENT, HILO_SYSTEM_MARK_READ);
    assert_int_equal(encode(out_reply(&o, "wamid.IN"), &out), HILO_OK);
    assert_string_equal(
        out.body, "{\"messaging_product\":\"whatsapp\",\"status\":\"read\",\"message_id\":\"wamid.IN\"}");
    assert_false(out.echoed);
    wa_encoded_done(&out);
    out_begin(&o, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&o.w, HILO_T_CONTENT_EVENT, HILO_SYSTEM_MARK_READ);
    assert_refused(out_end(&o));
    out_begin(&o, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&o.w, HILO_T_CONTENT_EVENT, HILO_SYSTEM_OTHER);
    assert_refused(out_reply(&o, "wamid.IN"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_text),     cmocka_unit_test(test_encode_whom),
        cmocka_unit_test(test_encode_media),    cmocka_unit_test(test_encode_choices),
        cmocka_unit_test(test_encode_location), cmocka_unit_test(test_encode_contacts_and_reaction),
        cmocka_unit_test(test_encode_link),     cmocka_unit_test(test_encode_form),
        cmocka_unit_test(test_encode_typing),   cmocka_unit_test(test_encode_mark_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
