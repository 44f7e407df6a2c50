/*
 * The WhatsApp plugin: what customers send, as messages.
 */
#include "whatsapp_read.h"

static void test_text_keeps_who_and_when(void **state)
{
    struct got g;
    struct hilo_str m = read_one(&g, "\"type\":\"text\",\"text\":{\"body\":\"hola\"}");
    struct hilo_str party = nth(m, HILO_T_MSG_PARTY, 0);

    (void)state;
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_KIND), HILO_KIND_INBOUND);
    assert_field(m, HILO_T_MSG_EXT_ID, "wamid.A");
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_TIME), INT64_C(1750857384000000));
    assert_field(m, HILO_T_MSG_PARTY_NAME, "Ana");
    assert_int_equal(hilo_get_u64(party, HILO_T_IDENT_SCHEME), HILO_SCHEME_PHONE);
    assert_field(party, HILO_T_IDENT_VALUE, "+56912345678");
    assert_field(party, HILO_T_IDENT_NATIVE, "56912345678");
    assert_int_equal(hilo_get_u64(party, HILO_T_IDENT_VERIFIED), 1);
    assert_int_equal(nth(m, HILO_T_MSG_PARTY, 1).n, 0);
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_TEXT);
    assert_field(hilo_content(m), HILO_T_CONTENT_TEXT, "hola");
    assert_false(has(m, HILO_T_MSG_EXTRA));
    got_free(&g);
}

static void test_escapes_become_utf8(void **state)
{
    static const struct {
        const char *json, *text;
    } row[] = {
        {"ma\\u00f1ana", "mañana"},
        {"\\ud83d\\udc4d", "👍"},
        {"a\\\"b\\\\c\\/d\\n", "a\"b\\c/d\n"},
        {"\\b\\f\\r\\t", "\b\f\r\t"},
        {"cut \\ud83d", "cut \xef\xbf\xbd"}, /* half a pair: a name cut by its length */
        {"\\udc4d\\ud83d!", "\xef\xbf\xbd\xef\xbf\xbd!"},
        {"a\\u0000b", "a\xef\xbf\xbd"
                      "b"}, /* NUL ends no text */
        {"\\u20ac", "€"},
        {"", ""},
    };
    struct got g;
    char members[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(members, sizeof members, "\"type\":\"text\",\"text\":{\"body\":\"%s\"}", row[i].json);
        assert_field(hilo_content(read_one(&g, members)), HILO_T_CONTENT_TEXT, row[i].text);
        got_free(&g);
    }
}

static void test_image_and_document(void **state)
{
    static const char hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    struct got g;
    struct hilo_str m, c;

    (void)state;
    /* the SHA-256 of nothing, in base64 with an escaped slash */
    m = read_one(&g, "\"type\":\"image\",\"image\":{\"id\":\"M1\",\"mime_type\":\"image\\/jpeg\",\"sha256\":"
                     "\"47DEQpj8HBSa+\\/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\",\"caption\":\"la tele\","
                     "\"url\":\"https://x/y\"}");
    c = hilo_content(m);
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_MEDIA);
    assert_int_equal(hilo_get_u64(c, HILO_T_CONTENT_KIND), HILO_MEDIA_IMAGE);
    assert_field(c, HILO_T_CONTENT_EXT_MEDIA, "M1");
    assert_field(c, HILO_T_CONTENT_MIME, "image/jpeg");
    assert_field(c, HILO_T_CONTENT_SHA256, hex);
    assert_field(c, HILO_T_CONTENT_CAPTION, "la tele");
    assert_false(has(m, HILO_T_MSG_EXTRA)); /* the address of five minutes is not kept */
    got_free(&g);
    m = read_one(
        &g, "\"type\":\"document\",\"document\":{\"id\":\"M2\",\"mime_type\":\"application/pdf\",\"sha256\":"
            "\"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\","
            "\"filename\":\"cv.pdf\"}");
    c = hilo_content(m);
    assert_int_equal(hilo_get_u64(c, HILO_T_CONTENT_KIND), HILO_MEDIA_DOCUMENT);
    assert_field(c, HILO_T_CONTENT_FILENAME, "cv.pdf");
    assert_field(c, HILO_T_CONTENT_SHA256, hex);
    got_free(&g);
    /* a hash that is none is not taken for one, and not lost */
    m = read_one(&g, "\"type\":\"image\",\"image\":{\"id\":\"M3\",\"sha256\":\"zzz\"}");
    assert_false(has(hilo_content(m), HILO_T_CONTENT_SHA256));
    assert_field(m, HILO_T_MSG_EXTRA, "{\"image\":{\"id\":\"M3\",\"sha256\":\"zzz\"}}");
    got_free(&g);
}

static void test_other_media(void **state)
{
    static const struct {
        const char *members;
        enum hilo_media_kind kind;
    } row[] = {
        {"\"type\":\"audio\",\"audio\":{\"id\":\"M\",\"mime_type\":\"audio/ogg; "
         "codecs=opus\",\"voice\":true}",
         HILO_MEDIA_VOICE},
        {"\"type\":\"audio\",\"audio\":{\"id\":\"M\",\"voice\":false}", HILO_MEDIA_AUDIO},
        {"\"type\":\"audio\",\"audio\":{\"id\":\"M\"}", HILO_MEDIA_AUDIO},
        {"\"type\":\"video\",\"video\":{\"id\":\"M\",\"caption\":\"c\"}", HILO_MEDIA_VIDEO},
        {"\"type\":\"sticker\",\"sticker\":{\"id\":\"M\",\"mime_type\":\"image/webp\",\"animated\":true}",
         HILO_MEDIA_STICKER},
    };
    struct got g;
    struct hilo_str m;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        m = read_one(&g, row[i].members);
        assert_int_equal(hilo_content_type(m), HILO_CONTENT_MEDIA);
        assert_int_equal(hilo_get_u64(hilo_content(m), HILO_T_CONTENT_KIND), row[i].kind);
        assert_field(hilo_content(m), HILO_T_CONTENT_EXT_MEDIA, "M");
        assert_false(has(m, HILO_T_MSG_EXTRA));
        got_free(&g);
    }
}

static void test_replies_name_what_they_answer(void **state)
{
    static const struct {
        const char *members, *choice, *title, *description;
    } row[] = {
        {"\"type\":\"interactive\",\"interactive\":{\"type\":\"button_reply\",\"button_reply\":{\"id\":"
         "\"si\","
         "\"title\":\"S\\u00ed\"}}",
         "si", "Sí", ""},
        {"\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\",\"list_reply\":{\"id\":\"r1\","
         "\"title\":"
         "\"Caso\",\"description\":\"el primero\"}}",
         "r1", "Caso", "el primero"},
        {"\"type\":\"button\",\"button\":{\"payload\":\"STOP\",\"text\":\"Baja\"}", "STOP", "Baja", ""},
        {"\"type\":\"button\",\"button\":{\"text\":\"Baja\"}", "Baja", "Baja", ""},
    };
    char members[512];
    struct got g;
    struct hilo_str m, c;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(members, sizeof members, "\"context\":{\"from\":\"BIZ\",\"id\":\"wamid.Q\"},%s",
                 row[i].members);
        m = read_one(&g, members);
        c = hilo_content(m);
        assert_int_equal(hilo_content_type(m), HILO_CONTENT_CHOICE_REPLY);
        assert_field(c, HILO_T_CONTENT_CHOICE, row[i].choice);
        assert_field(c, HILO_T_CONTENT_TITLE, row[i].title);
        assert_field(c, HILO_T_CONTENT_DESCRIPTION, row[i].description);
        assert_field(m, HILO_T_MSG_REPLY_EXT, "wamid.Q");
        assert_false(has(m, HILO_T_MSG_EXTRA));
        got_free(&g);
    }
}

static void test_location_contacts_order(void **state)
{
    struct got g;
    struct hilo_str m, c, x;

    (void)state;
    m = read_one(
        &g, "\"type\":\"location\",\"location\":{\"latitude\":-33.4,\"longitude\":-70.6e0,\"name\":\"T\","
            "\"address\":\"Calle 1\"}");
    c = hilo_content(m);
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_LOCATION);
    assert_true(hilo_get_f64(c, HILO_T_CONTENT_LATITUDE) == -33.4);
    assert_true(hilo_get_f64(c, HILO_T_CONTENT_LONGITUDE) == -70.6);
    assert_field(c, HILO_T_CONTENT_NAME, "T");
    assert_field(c, HILO_T_CONTENT_ADDRESS, "Calle 1");
    got_free(&g);

    m = read_one(
        &g, "\"type\":\"contacts\",\"contacts\":[{\"name\":{\"formatted_name\":\"Luc\\u00eda\","
            "\"first_name\":\"L\"},\"phones\":[{\"phone\":\"+1 (983) 555-2319\",\"wa_id\":\"19835552319\","
            "\"type\":\"MOBILE\"},{\"phone\":\"2\"}],\"org\":{\"company\":\"X\"},\"birthday\":\"2000\"}]");
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_CONTACTS);
    c = nth(hilo_content(m), HILO_T_CONTENT_CONTACTS, 0);
    assert_field(c, HILO_T_CONTACT_NAME, "Lucía");
    assert_field(c, HILO_T_CONTACT_FIRST_NAME, "L");
    assert_field(c, HILO_T_CONTACT_ORGANIZATION, "X");
    x = nth(c, HILO_T_CONTACT_PHONES, 0);
    assert_field(x, HILO_T_PHONE_NUMBER, "+1 (983) 555-2319");
    assert_field(x, HILO_T_PHONE_WHATSAPP, "19835552319");
    assert_field(x, HILO_T_PHONE_LABEL, "MOBILE");
    assert_field(nth(c, HILO_T_CONTACT_PHONES, 1), HILO_T_PHONE_NUMBER, "2");
    assert_holds(m, HILO_T_MSG_EXTRA, "\"birthday\":\"2000\"");
    got_free(&g);

    m = read_one(
        &g, "\"type\":\"order\",\"order\":{\"catalog_id\":\"C\",\"text\":\"ya\",\"product_items\":[{"
            "\"product_retailer_id\":\"sku\",\"quantity\":2,\"item_price\":30.5,\"currency\":\"USD\"}]}");
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_ORDER);
    assert_field(hilo_content(m), HILO_T_CONTENT_CATALOG, "C");
    assert_field(hilo_content(m), HILO_T_CONTENT_TEXT, "ya");
    x = nth(hilo_content(m), HILO_T_CONTENT_ITEMS, 0);
    assert_field(x, HILO_T_ITEM_SKU, "sku");
    assert_int_equal(hilo_get_u64(x, HILO_T_ITEM_QUANTITY), 2);
    assert_true(hilo_get_f64(x, HILO_T_ITEM_PRICE) == 30.5);
    assert_field(x, HILO_T_ITEM_CURRENCY, "USD");
    got_free(&g);
}

static void test_reaction(void **state)
{
    struct got g;
    struct hilo_str m;

    (void)state;
    m = read_one(
        &g, "\"type\":\"reaction\",\"reaction\":{\"message_id\":\"wamid.X\",\"emoji\":\"\\ud83d\\udc4d\"}");
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_REACTION);
    assert_field(m, HILO_T_MSG_REPLY_EXT, "wamid.X");
    assert_field(hilo_content(m), HILO_T_CONTENT_EMOJI, "👍");
    got_free(&g);
    m = read_one(&g, "\"type\":\"reaction\",\"reaction\":{\"message_id\":\"wamid.X\"}");
    assert_true(has(hilo_content(m), HILO_T_CONTENT_EMOJI));
    assert_field(hilo_content(m), HILO_T_CONTENT_EMOJI, "");
    got_free(&g);
}

static void test_edited_and_deleted(void **state)
{
    static const struct {
        const char *edit, *text, *extra;
    } row[] = {
        {"{\"type\":\"text\",\"text\":{\"body\":\"corregido\"}}", "corregido", ""},
        {"{\"context\":{\"id\":\"wamid.C\"},\"type\":\"image\",\"image\":{\"id\":\"M\",\"caption\":\"otra\"}"
         "}",
         "otra", ""},
        {"{\"type\":\"document\",\"document\":{\"caption\":\"\"}}", "", ""},
        {"{\"type\":\"audio\",\"audio\":{\"id\":\"M\"}}", "",
         "{\"edit\":{\"original_message_id\":\"wamid.O\",\"message\":{\"type\":\"audio\",\"audio\":{\"id\":"
         "\"M\"}}}}"},
    };
    char members[512];
    struct got g;
    struct hilo_str m;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(members, sizeof members,
                 "\"type\":\"edit\",\"edit\":{\"original_message_id\":\"wamid.O\",\"message\":%s}",
                 row[i].edit);
        m = read_one(&g, members);
        assert_int_equal(hilo_content_type(m), HILO_CONTENT_SYSTEM);
        assert_int_equal(hilo_get_u64(hilo_content(m), HILO_T_CONTENT_EVENT), HILO_SYSTEM_EDITED);
        assert_field(m, HILO_T_MSG_REPLY_EXT, "wamid.O");
        assert_field(hilo_content(m), HILO_T_CONTENT_TEXT, row[i].text);
        assert_field(m, HILO_T_MSG_EXTRA, row[i].extra);
        got_free(&g);
    }
    m = read_one(&g, "\"type\":\"revoke\",\"revoke\":{\"original_message_id\":\"wamid.O\"}");
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_SYSTEM);
    assert_int_equal(hilo_get_u64(hilo_content(m), HILO_T_CONTENT_EVENT), HILO_SYSTEM_DELETED);
    assert_field(m, HILO_T_MSG_REPLY_EXT, "wamid.O");
    assert_false(has(m, HILO_T_MSG_EXTRA));
    got_free(&g);
}

static void test_system_tells_who_it_is_now(void **state)
{
    struct got g;
    struct hilo_str m, c, now;

    (void)state;
    m = read_one(&g,
                 "\"type\":\"system\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":\"56987654321\","
                 "\"user_id\":\"CL.NEW\",\"body\":\"User A changed\"}");
    c = hilo_content(m);
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_SYSTEM);
    assert_int_equal(hilo_get_u64(c, HILO_T_CONTENT_EVENT), HILO_SYSTEM_NUMBER_CHANGED);
    assert_field(c, HILO_T_CONTENT_TEXT, "User A changed");
    now = nth(c, HILO_T_CONTENT_NEW_PARTY, 0);
    assert_int_equal(hilo_get_u64(now, HILO_T_IDENT_SCHEME), HILO_SCHEME_WHATSAPP);
    assert_field(now, HILO_T_IDENT_SCOPE, "102290129340398");
    assert_field(now, HILO_T_IDENT_VALUE, "CL.NEW");
    now = nth(c, HILO_T_CONTENT_NEW_PARTY, 1);
    assert_int_equal(hilo_get_u64(now, HILO_T_IDENT_SCHEME), HILO_SCHEME_PHONE);
    assert_field(now, HILO_T_IDENT_VALUE, "+56987654321");
    assert_int_equal(hilo_get_u64(now, HILO_T_IDENT_VERIFIED), 1);
    assert_int_equal(nth(c, HILO_T_CONTENT_NEW_PARTY, 2).n, 0);
    assert_holds(m, HILO_T_MSG_EXTRA, "\"type\":\"user_changed_number\"");
    got_free(&g);
    /* as older versions write it */
    m = read_one(
        &g, "\"type\":\"system\",\"system\":{\"type\":\"customer_changed_number\",\"wa_id\":\"56912345678\","
            "\"new_wa_id\":\"56987654321\"}");
    assert_field(nth(hilo_content(m), HILO_T_CONTENT_NEW_PARTY, 0), HILO_T_IDENT_VALUE, "+56987654321");
    got_free(&g);
    /* what is no number is not made one, and not lost */
    m = read_one(&g, "\"type\":\"system\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":\"x\"}");
    assert_false(has(hilo_content(m), HILO_T_CONTENT_NEW_PARTY));
    assert_holds(m, HILO_T_MSG_EXTRA, "\"wa_id\":\"x\"");
    got_free(&g);
    m = read_one(
        &g, "\"type\":\"system\",\"system\":{\"type\":\"user_identity_changed\",\"wa_id\":\"56987654321\","
            "\"body\":\"changed\"}");
    assert_int_equal(hilo_get_u64(hilo_content(m), HILO_T_CONTENT_EVENT), HILO_SYSTEM_OTHER);
    assert_false(has(hilo_content(m), HILO_T_CONTENT_NEW_PARTY));
    got_free(&g);
    /* only the user id changed: who it was is in the system message alone */
    memset(&g, 0, sizeof g);
    read_value(
        &g, "\"messages\":[{\"id\":\"wamid.S\",\"timestamp\":\"1\",\"type\":\"system\",\"system\":{\"type\":"
            "\"user_changed_user_id\",\"previous_user_id\":\"CL.OLD\",\"user_id\":\"CL.NEW\"}}]");
    assert_int_equal(g.n, 1);
    assert_field(nth(g.message[0], HILO_T_MSG_PARTY, 0), HILO_T_IDENT_VALUE, "CL.OLD");
    assert_field(nth(hilo_content(g.message[0]), HILO_T_CONTENT_NEW_PARTY, 0), HILO_T_IDENT_VALUE, "CL.NEW");
    got_free(&g);
}

static void test_a_form_that_was_filled_in(void **state)
{
    struct got g;
    struct hilo_str m, c;

    (void)state;
    m = read_one(
        &g,
        "\"context\":{\"from\":\"1\",\"id\":\"wamid.F\"},\"type\":\"interactive\",\"interactive\":{\"type\":"
        "\"nfm_reply\",\"nfm_reply\":{\"name\":\"flow\",\"body\":\"Sent\",\"response_json\":"
        "\"{\\\"dia\\\":\\\"lunes \\u00f1\\\",\\\"n\\\":1}\"}}");
    c = hilo_content(m);
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_CHOICE_REPLY);
    assert_field(m, HILO_T_MSG_REPLY_EXT, "wamid.F");
    assert_field(c, HILO_T_CONTENT_NAME, "flow");
    assert_field(c, HILO_T_CONTENT_TITLE, "Sent");
    assert_field(c, HILO_T_CONTENT_DATA, "{\"dia\":\"lunes ñ\",\"n\":1}");
    assert_false(has(m, HILO_T_MSG_EXTRA));
    got_free(&g);
}

static void test_how_it_came(void **state)
{
    struct got g;
    struct hilo_str m, r;

    (void)state;
    m = read_one(
        &g,
        "\"type\":\"text\",\"text\":{\"body\":\"x\"},\"referral\":{\"source_url\":\"https:\\/\\/fb.me\\/1\","
        "\"source_id\":\"9\",\"source_type\":\"ad\",\"headline\":\"H\",\"body\":\"B\",\"media_type\":"
        "\"video\","
        "\"video_url\":\"https://v\",\"thumbnail_url\":\"https://t\",\"ctwa_clid\":\"c\","
        "\"welcome_message\":{\"text\":\"W\"}}");
    r = hilo_get_str(m, HILO_T_MSG_REFERRAL);
    assert_field(r, HILO_T_REFERRAL_SOURCE_URL, "https://fb.me/1");
    assert_field(r, HILO_T_REFERRAL_SOURCE_ID, "9");
    assert_field(r, HILO_T_REFERRAL_SOURCE_TYPE, "ad");
    assert_field(r, HILO_T_REFERRAL_HEADLINE, "H");
    assert_field(r, HILO_T_REFERRAL_BODY, "B");
    assert_int_equal(hilo_get_u64(r, HILO_T_REFERRAL_KIND), HILO_MEDIA_VIDEO);
    assert_field(r, HILO_T_REFERRAL_MEDIA_URL, "https://v");
    assert_field(r, HILO_T_REFERRAL_THUMBNAIL_URL, "https://t");
    assert_field(r, HILO_T_REFERRAL_CLICK_ID, "c");
    assert_field(r, HILO_T_REFERRAL_WELCOME, "W");
    assert_false(has(m, HILO_T_MSG_EXTRA));
    got_free(&g);
    m = read_one(
        &g,
        "\"type\":\"text\",\"text\":{\"body\":\"x\"},\"referral\":{\"media_type\":\"image\",\"image_url\":"
        "\"https://i\",\"new\":1}");
    r = hilo_get_str(m, HILO_T_MSG_REFERRAL);
    assert_int_equal(hilo_get_u64(r, HILO_T_REFERRAL_KIND), HILO_MEDIA_IMAGE);
    assert_field(r, HILO_T_REFERRAL_MEDIA_URL, "https://i");
    assert_holds(m, HILO_T_MSG_EXTRA, "\"referral\":{");
    assert_holds(m, HILO_T_MSG_EXTRA, "\"new\":1");
    got_free(&g);
    m = read_one(&g, "\"context\":{\"forwarded\":true},\"type\":\"text\",\"text\":{\"body\":\"x\"}");
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_FORWARDED), 1);
    assert_false(has(m, HILO_T_MSG_FREQUENTLY_FORWARDED));
    assert_false(has(m, HILO_T_MSG_REPLY_EXT));
    assert_false(has(m, HILO_T_MSG_EXTRA));
    got_free(&g);
    m = read_one(&g, "\"context\":{\"frequently_forwarded\":true,\"forwarded\":false},\"type\":\"text\","
                     "\"text\":{\"body\":\"x\"}");
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_FREQUENTLY_FORWARDED), 1);
    assert_false(has(m, HILO_T_MSG_FORWARDED));
    got_free(&g);
    m = read_one(&g,
                 "\"context\":{\"from\":\"1\",\"id\":\"wamid.P\",\"referred_product\":{\"catalog_id\":\"C\","
                 "\"product_retailer_id\":\"sku\"}},\"type\":\"text\",\"text\":{\"body\":\"x\"}");
    r = hilo_get_str(m, HILO_T_MSG_PRODUCT);
    assert_field(r, HILO_T_PRODUCT_CATALOG, "C");
    assert_field(r, HILO_T_PRODUCT_SKU, "sku");
    assert_field(m, HILO_T_MSG_REPLY_EXT, "wamid.P");
    assert_false(has(m, HILO_T_MSG_EXTRA));
    got_free(&g);
}

/* Whatever is not mapped cleanly is kept, byte for byte. */
static void test_unknown_is_kept_whole(void **state)
{
    static const struct {
        const char *type, *members;
    } row[] = {
        {"unsupported",
         "\"type\":\"unsupported\",\"errors\":[{\"code\":131051,\"title\":\"Message type unknown\"}]"},
        {"unknown", "\"type\":\"unknown\""},
        {"hologram",
         "\"type\":\"hologram\",\"hologram\":{\"n\":9007199254740993,\"z\":\"a\\u0000b\", \"e\":1e999}"},
        {"interactive",
         "\"type\":\"interactive\",\"interactive\":{\"type\":\"nfm_reply\",\"nfm_reply\":{\"name\":"
         "\"flow\",\"body\":\"Sent\",\"response_json\":\"[1\"}}"},
        {"interactive", "\"type\":\"interactive\",\"interactive\":{\"type\":\"call_permission_reply\"}"},
        {"edit", "\"type\":\"edit\",\"edit\":{\"message\":{\"type\":\"text\",\"text\":{\"body\":\"x\"}}}"},
        {"revoke", "\"type\":\"revoke\",\"revoke\":{}"},
        {"system", "\"type\":\"system\",\"system\":\"x\""},
        {"text", "\"type\":\"text\",\"text\":{\"body\":7}"},
        {"text", "\"type\":\"text\",\"text\":\"hola\""},
        {"text", "\"type\":\"text\""},
        {"image", "\"type\":\"image\",\"image\":{\"caption\":\"sin id\"}"},
        {"location", "\"type\":\"location\",\"location\":{\"latitude\":\"-33\",\"longitude\":1}"},
        {"order", "\"type\":\"order\",\"order\":{\"product_items\":[{\"product_retailer_id\":\"s\","
                  "\"quantity\":-1}]}"},
        {"contacts", "\"type\":\"contacts\",\"contacts\":[7]"},
        {"reaction", "\"type\":\"reaction\",\"reaction\":{\"emoji\":\"x\"}"},
        {"button", "\"type\":\"button\",\"button\":{}"},
        {"", "\"type\":null,\"text\":{\"body\":\"x\"}"},
        {"", "\"text\":{\"body\":\"x\"}"},
    };
    char whole[1024];
    struct got g;
    struct hilo_str m, c;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(whole, sizeof whole,
                 "{\"from\":\"56912345678\",\"id\":\"wamid.A\",\"timestamp\":\"1750857384\",%s}",
                 row[i].members);
        m = read_one(&g, row[i].members);
        c = hilo_content(m);
        assert_int_equal(hilo_content_type(m), HILO_CONTENT_UNSUPPORTED);
        assert_field(c, HILO_T_CONTENT_RAW_TYPE, row[i].type);
        assert_field(c, HILO_T_CONTENT_RAW, whole);
        assert_field(m, HILO_T_MSG_EXT_ID, "wamid.A");
        got_free(&g);
    }
}

static void test_siblings_go_into_extra(void **state)
{
    struct got g;
    struct hilo_str m;

    (void)state;
    m = read_one(&g, "\"context\":{\"id\":\"wamid.P\",\"depth\":2},\"type\":\"text\","
                     "\"text\":{\"body\":\"x\",\"new\":[1]},\"a\":1,\"a\":2,\"group_id\":\"g\"");
    assert_field(m, HILO_T_MSG_REPLY_EXT, "wamid.P");
    assert_field(
        m, HILO_T_MSG_EXTRA,
        "{\"context\":{\"id\":\"wamid.P\",\"depth\":2},\"text\":{\"body\":\"x\",\"new\":[1]},\"a\":1,"
        "\"group_id\":\"g\"}");
    got_free(&g);
}

/* ---- webhook: who ---------------------------------------------------------------------------- */

static void test_user_id_without_phone(void **state)
{
    struct got g = {.n = 0};
    struct hilo_str m, p;

    (void)state;
    read_value(
        &g, "\"contacts\":[{\"profile\":{\"name\":\"Ana\",\"username\":\"ana.p\"},\"user_id\":\"CL.15025\"}],"
            "\"messages\":[{\"from_user_id\":\"CL.15025\",\"id\":\"wamid.U\",\"timestamp\":\"1750857384\","
            "\"type\":\"text\",\"text\":{\"body\":\"x\"}}]");
    assert_int_equal(g.n, 1);
    m = g.message[0];
    p = nth(m, HILO_T_MSG_PARTY, 0);
    assert_int_equal(hilo_get_u64(p, HILO_T_IDENT_SCHEME), HILO_SCHEME_WHATSAPP);
    assert_field(p, HILO_T_IDENT_VALUE, "CL.15025");
    assert_field(p, HILO_T_IDENT_SCOPE, "102290129340398");
    assert_int_equal(hilo_get_u64(p, HILO_T_IDENT_VERIFIED), 1);
    assert_int_equal(nth(m, HILO_T_MSG_PARTY, 1).n, 0);
    assert_field(m, HILO_T_MSG_PARTY_NAME, "Ana");
    assert_holds(m, HILO_T_MSG_EXTRA, "\"username\":\"ana.p\"");
    got_free(&g);
}

static void test_who_sent_it(void **state)
{
#define ANA "{\"profile\":{\"name\":\"A\"},\"wa_id\":\"56911111111\"}"
#define BEA "{\"profile\":{\"name\":\"B\"},\"wa_id\":\"56922222222\"}"
    /* contacts, the sender's members, then the identifiers as "scheme value" */
    static const struct {
        const char *contacts, *from, *first, *second, *name;
    } row[] = {
        {"[{\"profile\":{\"name\":\"A\"},\"wa_id\":\"56911111111\",\"user_id\":\"CL.1\"}]",
         "\"from\":\"56911111111\",\"from_user_id\":\"CL.1\"", "4 CL.1", "1 +56911111111", "A"},
        {"[{\"profile\":{\"name\":\"A\"},\"wa_id\":\"56911111111\",\"user_id\":\"CL.1\"}]",
         "\"from\":\"56911111111\"", "4 CL.1", "1 +56911111111", "A"},
        {"[{\"profile\":{\"name\":\"A\"},\"user_id\":\"CL.1\"}]", "\"x\":1", "4 CL.1", "", "A"},
        {"[{\"profile\":{\"name\":\"A\"},\"user_id\":\"CL.1\"}]", "\"from\":\"56911111111\"", "4 CL.1",
         "1 +56911111111", "A"},
        {"[" BEA "," ANA "]", "\"from\":\"56911111111\"", "1 +56911111111", "", "A"},
        {"[" BEA "]", "\"from\":\"56911111111\"", "1 +56911111111", "", ""},
        {"[]", "\"from\":\"CL.77\"", "4 CL.77", "", ""},
        {"[]", "\"from\":\"6834002\"", "4 6834002", "", ""}, /* too short for E.164: not lost */
        {"[{\"wa_id\":\"56911111111\",\"user_id\":\"CL.77\"}]", "\"from\":\"CL.77\"", "4 CL.77",
         "1 +56911111111", ""},
        {"7", "\"from\":\"56911111111\"", "1 +56911111111", "", ""},
        {"[7,null,{\"profile\":[1],\"wa_id\":5}]", "\"from\":56911111111", "", "", ""},
        {"[]", "\"from\":\"\"", "", "", ""},
    };
    char value[1024], got[2][64];
    struct hilo_str p;
    struct got g;
    size_t i;
    unsigned k;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        memset(&g, 0, sizeof g);
        snprintf(
            value, sizeof value,
            "\"contacts\":%s,\"messages\":[{%s,\"id\":\"w\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}]",
            row[i].contacts, row[i].from);
        read_value(&g, value);
        assert_int_equal(g.n, 1);
        for (k = 0; k < 2; k++) {
            p = nth(g.message[0], HILO_T_MSG_PARTY, k);
            got[k][0] = 0;
            if (p.n)
                snprintf(got[k], sizeof got[k], "%u %.*s", (unsigned)hilo_get_u64(p, HILO_T_IDENT_SCHEME),
                         (int)hilo_get_str(p, HILO_T_IDENT_VALUE).n, hilo_get_str(p, HILO_T_IDENT_VALUE).p);
        }
        assert_string_equal(got[0], row[i].first);
        assert_string_equal(got[1], row[i].second);
        assert_field(g.message[0], HILO_T_MSG_PARTY_NAME, row[i].name);
        got_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_keeps_who_and_when),
        cmocka_unit_test(test_escapes_become_utf8),
        cmocka_unit_test(test_image_and_document),
        cmocka_unit_test(test_other_media),
        cmocka_unit_test(test_replies_name_what_they_answer),
        cmocka_unit_test(test_location_contacts_order),
        cmocka_unit_test(test_reaction),
        cmocka_unit_test(test_edited_and_deleted),
        cmocka_unit_test(test_system_tells_who_it_is_now),
        cmocka_unit_test(test_a_form_that_was_filled_in),
        cmocka_unit_test(test_how_it_came),
        cmocka_unit_test(test_unknown_is_kept_whole),
        cmocka_unit_test(test_siblings_go_into_extra),
        cmocka_unit_test(test_user_id_without_phone),
        cmocka_unit_test(test_who_sent_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
