/*
 * The pure parts of the WhatsApp plugin: webhook bytes to messages, messages to
 * request bodies, signatures, error codes, ids. The plugin's flows, with a fake
 * host, are in test_whatsapp_flow.c. Both compile the plugin's sources in: it is
 * no library, and its .so exports only its descriptor.
 */
#include "whatsapp_sources.h"

#include "base/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* ---- helpers ------------------------------------------------------------------------ */

enum { GOT_MAX = 64 };

struct got {
    struct hilo_str message[GOT_MAX]; /* copies */
    unsigned n, stop_at;              /* stop_at: refuse that one; 0: none */
    unsigned note[8];                 /* by enum wa_note */
    int64_t code;
    char text[128]; /* of the last note */
};

static struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static bool got_message(void *arg, struct hilo_str m)
{
    struct got *g = arg;
    char *copy;

    if (g->stop_at && g->n + 1 == g->stop_at)
        return false;
    assert_true(g->n < GOT_MAX);
    copy = malloc(m.n);
    assert_non_null(copy);
    memcpy(copy, m.p, m.n);
    g->message[g->n++] = (struct hilo_str){copy, m.n};
    return true;
}

static void got_note(void *arg, enum wa_note what, int64_t code, struct hilo_str text)
{
    struct got *g = arg;

    g->note[what]++;
    g->code = code;
    snprintf(g->text, sizeof g->text, "%.*s", (int)text.n, text.n ? text.p : "");
}

static int32_t read_body(struct got *g, const char *body, size_t n)
{
    const struct wa_account account = {str("106540352242922"), str("WABA")};
    const struct wa_sink sink = {g, got_message, got_note};
    char *exact = malloc(n ? n : 1); /* so that ASan sees any read beyond the end */
    int32_t rc;

    assert_non_null(exact);
    if (n)
        memcpy(exact, body, n);
    rc = wa_meta_read((struct hilo_str){exact, n}, &account, &sink);
    free(exact);
    return rc;
}

static void got_free(struct got *g)
{
    unsigned i;

    for (i = 0; i < g->n; i++)
        free((void *)(uintptr_t)g->message[i].p);
    memset(g, 0, sizeof *g);
}

/* A body whose one change has this value, beside messaging_product and metadata. */
static void read_value(struct got *g, const char *value)
{
    char body[16384];

    snprintf(body, sizeof body,
             "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{"
             "\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{"
             "\"display_phone_number\":\"15550783881\",\"phone_number_id\":\"106540352242922\"},%s}}]}]}",
             value);
    assert_int_equal(read_body(g, body, strlen(body)), HILO_OK);
}

/* One message of Ana's with these members beside the common ones. */
static struct hilo_str read_one(struct got *g, const char *members)
{
    char value[8192];

    memset(g, 0, sizeof *g);
    snprintf(value, sizeof value,
             "\"contacts\":[{\"profile\":{\"name\":\"Ana\"},\"wa_id\":\"56912345678\"}],\"messages\":[{"
             "\"from\":\"56912345678\",\"id\":\"wamid.A\",\"timestamp\":\"1750857384\",%s}]",
             members);
    read_value(g, value);
    assert_int_equal(g->n, 1);
    return g->message[0];
}

static void check_str(struct hilo_str s, const char *expected, int line)
{
    if (s.n != strlen(expected) || (s.n && memcmp(s.p, expected, s.n) != 0))
        fail_msg("line %d: \"%.*s\" is not \"%s\"", line, (int)s.n, s.n ? s.p : "", expected);
}
#define assert_field(group, tag, expected) check_str(hilo_get_str(group, tag), expected, __LINE__)

static void check_holds(struct hilo_str s, const char *part, int line)
{
    if (!s.n || !memmem(s.p, s.n, part, strlen(part)))
        fail_msg("line %d: \"%.*s\" does not hold \"%s\"", line, (int)s.n, s.n ? s.p : "", part);
}
#define assert_holds(group, tag, part) check_holds(hilo_get_str(group, tag), part, __LINE__)

static bool has(struct hilo_str group, uint32_t tag)
{
    struct hilo_str v;
    return hilo_find(group, tag, &v);
}

/* The n-th group with this tag. */
static struct hilo_str nth(struct hilo_str group, uint32_t tag, unsigned n)
{
    struct hilo_field f;

    while (hilo_next(&group, &f) == 1)
        if (f.tag == tag && n-- == 0)
            return f.val;
    return (struct hilo_str){NULL, 0};
}

/* ---- webhook: messages ------------------------------------------------------------------ */

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

static void test_reaction_and_system(void **state)
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
    m = read_one(&g, "\"type\":\"system\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":\"569\","
                     "\"body\":\"User A changed\"}");
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_SYSTEM);
    assert_int_equal(hilo_get_u64(hilo_content(m), HILO_T_CONTENT_EVENT), HILO_SYSTEM_NUMBER_CHANGED);
    assert_field(hilo_content(m), HILO_T_CONTENT_TEXT, "User A changed");
    assert_holds(m, HILO_T_MSG_EXTRA, "\"wa_id\":\"569\"");
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
         "\"flow\",\"body\":\"Sent\",\"response_json\":\"{\\\"a\\\":1}\"}}"},
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
    m = read_one(
        &g, "\"context\":{\"forwarded\":true},\"type\":\"text\",\"text\":{\"body\":\"x\"},"
            "\"referral\":{\"source_url\":\"https:\\/\\/fb.me\\/1\",\"ctwa_clid\":\"c\"},\"group_id\":\"g\"");
    assert_field(m, HILO_T_MSG_EXTRA,
                 "{\"context\":{\"forwarded\":true},\"referral\":{\"source_url\":\"https:\\/\\/fb.me\\/1\","
                 "\"ctwa_clid\":\"c\"},\"group_id\":\"g\"}");
    assert_false(has(m, HILO_T_MSG_REPLY_EXT));
    got_free(&g);
    m = read_one(
        &g, "\"context\":{\"id\":\"wamid.P\",\"referred_product\":{\"catalog_id\":\"C\"}},\"type\":\"text\","
            "\"text\":{\"body\":\"x\",\"new\":[1]},\"a\":1,\"a\":2");
    assert_field(m, HILO_T_MSG_REPLY_EXT, "wamid.P");
    assert_field(m, HILO_T_MSG_EXTRA,
                 "{\"context\":{\"id\":\"wamid.P\",\"referred_product\":{\"catalog_id\":\"C\"}},"
                 "\"text\":{\"body\":\"x\",\"new\":[1]},\"a\":1}");
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

/* ---- webhook: statuses -------------------------------------------------------------------------- */

static void test_statuses(void **state)
{
    static const struct {
        const char *word;
        enum hilo_status status;
    } row[] = {{"sent", HILO_STATUS_SENT},
               {"delivered", HILO_STATUS_DELIVERED},
               {"read", HILO_STATUS_READ},
               {"played", HILO_STATUS_READ},
               {"failed", HILO_STATUS_FAILED}};
    const struct hilo_id id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    char value[1024], echo[WA_ECHO_TEXT];
    struct hilo_str r;
    struct hilo_id back;
    struct got g;
    size_t i;

    (void)state;
    wa_echo_write(id, echo);
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        memset(&g, 0, sizeof g);
        snprintf(value, sizeof value,
                 "\"statuses\":[{\"id\":\"wamid.S\",\"status\":\"%s\",\"timestamp\":\"1750857384\","
                 "\"recipient_id\":"
                 "\"569\",\"biz_opaque_callback_data\":\"%s\",\"conversation\":{\"id\":\"c\"},\"pricing\":{"
                 "\"billable\":"
                 "true,\"pricing_model\":\"PMP\",\"type\":\"regular\",\"category\":\"utility\"}}]",
                 row[i].word, echo);
        read_value(&g, value);
        assert_int_equal(g.n, 1);
        assert_int_equal(hilo_get_u64(g.message[0], HILO_T_MSG_KIND), HILO_KIND_RECEIPT);
        assert_field(g.message[0], HILO_T_MSG_EXT_ID, "wamid.S");
        assert_int_equal(hilo_get_u64(g.message[0], HILO_T_MSG_TIME), INT64_C(1750857384000000));
        assert_field(g.message[0], HILO_T_MSG_EXTRA, "{\"conversation\":{\"id\":\"c\"}}");
        r = hilo_get_str(g.message[0], HILO_T_MSG_RECEIPT);
        assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), row[i].status);
        back = hilo_get_id(r, HILO_T_RECEIPT_ECHO);
        assert_memory_equal(&back, &id, sizeof id);
        assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_BILLABLE), 1);
        assert_field(r, HILO_T_RECEIPT_PRICING_MODEL, "PMP");
        assert_field(r, HILO_T_RECEIPT_PRICING_TYPE, "regular");
        assert_field(r, HILO_T_RECEIPT_PRICING_CATEGORY, "utility");
        assert_false(has(r, HILO_T_RECEIPT_REASON));
        got_free(&g);
    }
}

static void test_a_failed_status_says_why(void **state)
{
    struct got g = {.n = 0};
    struct hilo_str r;

    (void)state;
    read_value(
        &g,
        "\"statuses\":["
        "{\"id\":\"w\",\"status\":\"failed\",\"timestamp\":\"1\",\"errors\":[{\"code\":131047,\"title\":"
        "\"Re-engagement message\",\"message\":\"Re\",\"error_data\":{\"details\":\"More than 24 hours\"}}]},"
        "{\"id\":\"w\",\"status\":\"failed\",\"timestamp\":\"1\",\"errors\":[{\"code\":999999,\"title\":"
        "\"T\"}]},"
        "{\"id\":\"w\",\"status\":\"failed\",\"errors\":{}},"
        "{\"id\":\"w\",\"status\":\"failed\",\"biz_opaque_callback_data\":\"of another\",\"pricing\":5}]");
    assert_int_equal(g.n, 4);
    r = hilo_get_str(g.message[0], HILO_T_MSG_RECEIPT);
    assert_field(r, HILO_T_RECEIPT_REASON, "window_closed");
    assert_field(r, HILO_T_RECEIPT_CODE, "131047");
    assert_field(r, HILO_T_RECEIPT_DETAIL, "More than 24 hours");
    r = hilo_get_str(g.message[1], HILO_T_MSG_RECEIPT);
    assert_field(r, HILO_T_RECEIPT_REASON, "rejected");
    assert_field(r, HILO_T_RECEIPT_CODE, "999999");
    assert_field(r, HILO_T_RECEIPT_DETAIL, "T");
    r = hilo_get_str(g.message[2], HILO_T_MSG_RECEIPT);
    assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), HILO_STATUS_FAILED);
    assert_false(has(g.message[2], HILO_T_MSG_TIME));
    assert_false(has(hilo_get_str(g.message[3], HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_ECHO));
    got_free(&g);
}

static void test_unknown_statuses_are_noted(void **state)
{
    struct got g = {.n = 0};

    (void)state;
    read_value(&g, "\"statuses\":[{\"id\":\"w\",\"status\":\"warning\",\"timestamp\":\"1\"},"
                   "{\"id\":7,\"status\":\"sent\"},{\"status\":\"sent\"},5,{\"id\":\"w\",\"status\":null}]");
    assert_int_equal(g.n, 0);
    assert_int_equal(g.note[WA_NOTE_STATUS], 1);
    assert_int_equal(g.note[WA_NOTE_MALFORMED], 4);
    got_free(&g);
}

/* ---- webhook: envelope ------------------------------------------------------------------------------ */

#define ONE_TEXT(id)                                                                                         \
    "{\"from\":\"56911111111\",\"id\":\"" id "\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}"
#define ROOT         "{\"object\":\"whatsapp_business_account\",\"entry\":"
#define CHANGE(pnid) "{\"field\":\"messages\",\"value\":{\"metadata\":{\"phone_number_id\":\"" pnid "\"},"
#define OURS         "106540352242922"

static void test_batches_are_read_in_order(void **state)
{
    static const char body[] =
        ROOT "[{\"id\":\"E1\",\"changes\":[" CHANGE(OURS) "\"messages\":[" ONE_TEXT("1") "," ONE_TEXT(
            "2") "]}}," CHANGE("666") "\"messages\":[" ONE_TEXT("foreign") "]}},"
                                                                           "{\"field\":\"account_update\","
                                                                           "\"value\":{\"event\":\"X\"}}]},"
                                                                           "{\"id\":\"E2\",\"changes\":"
                                                                           "[" CHANGE(
                                                                               OURS) "\"statuses\":[{\"id\":"
                                                                                     "\"3\",\"status\":"
                                                                                     "\"read\"}],"
                                                                                     "\"messages\":"
                                                                                     "[" ONE_TEXT(
                                                                                         "4") "]}}]}]}";
    static const char *const order[] = {"1", "2", "4", "3"};
    struct got g = {.n = 0};
    unsigned i;

    (void)state;
    assert_int_equal(read_body(&g, body, strlen(body)), HILO_OK);
    assert_int_equal(g.n, 4);
    for (i = 0; i < 4; i++)
        assert_field(g.message[i], HILO_T_MSG_EXT_ID, order[i]);
    assert_int_equal(g.note[WA_NOTE_FOREIGN], 1);
    assert_int_equal(g.note[WA_NOTE_FIELD], 1);
    got_free(&g);
    g.stop_at = 2;
    assert_int_equal(read_body(&g, body, strlen(body)), HILO_AGAIN);
    assert_int_equal(g.n, 1);
    got_free(&g);
}

static void test_other_objects_and_account_errors(void **state)
{
    struct got g = {.n = 0};

    (void)state;
    assert_int_equal(read_body(&g, "{\"object\":\"page\",\"entry\":[]}", 28), HILO_OK);
    assert_int_equal(g.note[WA_NOTE_OBJECT], 1);
    assert_string_equal(g.text, "page");
    got_free(&g);
    assert_int_equal(read_body(&g, "{}", 2), HILO_OK);
    assert_int_equal(g.note[WA_NOTE_OBJECT], 1);
    got_free(&g);
    read_value(&g, "\"errors\":[{\"code\":131031,\"title\":\"Account locked\"}]");
    assert_int_equal(g.note[WA_NOTE_ACCOUNT_ERROR], 1);
    assert_int_equal(g.note[WA_NOTE_ACCOUNT_STOP], 1);
    assert_int_equal(g.code, 131031);
    assert_string_equal(g.text, "account_locked");
    got_free(&g);
    read_value(&g, "\"errors\":[{\"code\":130429,\"title\":\"Too fast\"}]");
    assert_int_equal(g.note[WA_NOTE_ACCOUNT_ERROR], 1);
    assert_int_equal(g.note[WA_NOTE_ACCOUNT_STOP], 0);
    assert_string_equal(g.text, "Too fast");
    got_free(&g);
}

static void test_bodies_that_are_no_json_object(void **state)
{
    static const char *const row[] = {"",
                                      " ",
                                      "[]",
                                      "7",
                                      "null",
                                      "\"x\"",
                                      "{",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":-}",
                                      "{\"a\":1e}",
                                      "{\"a\":+1}",
                                      "{\"a\":.5}",
                                      "{\"a\":tru}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u12g4\"}",
                                      "{\"a\":\"\t\"}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\xc0\xaf\"}",
                                      "{\"a\":\"\xed\xa0\x80\"}",
                                      "{\"a\":\"\xf4\x90\x80\x80\"}",
                                      "{\"a\":\"\xe2\x82\"}",
                                      "{} {}",
                                      "{\"a\":[1 2]}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[}",
                                      "{\"a\":1]",
                                      "{\"a\":NaN}",
                                      "{\"a\":\"",
                                      "{\"a\":\"\\",
                                      "{\"a\":\"\\u00",
                                      "\xef\xbb\xbf{}",
                                      "{,\"a\":1}"};
    char *deep = malloc(200000);
    struct got g = {.n = 0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++)
        if (read_body(&g, row[i], strlen(row[i])) != HILO_INVALID)
            fail_msg("taken for a JSON object: %s", row[i]);
    assert_int_equal(read_body(&g, "{\0}", 3), HILO_INVALID);
    assert_non_null(deep);
    for (i = 0; i < 200000; i++)
        deep[i] = i < 100000 ? '[' : ']';
    assert_int_equal(read_body(&g, deep, 200000), HILO_INVALID);
    free(deep);
    assert_int_equal(g.n, 0);
}

/* Every prefix of a good body is refused, and none is read beyond its end. */
static void test_truncated_bodies(void **state)
{
    static const char body[] =
        ROOT "[{\"id\":\"E\",\"changes\":[" CHANGE(OURS) "\"messages\":[" ONE_TEXT("1\\u00f1") "]}}]}]}";
    struct got g = {.n = 0};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof body - 1; n++)
        assert_int_equal(read_body(&g, body, n), HILO_INVALID);
    assert_int_equal(read_body(&g, body, n), HILO_OK);
    assert_int_equal(g.n, 1);
    got_free(&g);
}

/* Each value of a full body, replaced by each other kind of value. */
static void replace_each(cJSON *root, cJSON *node, unsigned *count)
{
    static const char *const other[] = {"null",
                                        "true",
                                        "-1.5e3",
                                        "\"\"",
                                        "\"\\u0000\\ud800\"",
                                        "[]",
                                        "[[{}]]",
                                        "{}",
                                        "{\"\":{\"\":[]}}",
                                        "123456789012345678901234567890"};
    cJSON *child, *spare, was;
    struct got g;
    char *text;
    size_t i;

    for (child = node->child; child; child = child->next)
        replace_each(root, child, count);
    for (i = 0; node != root && i < sizeof other / sizeof *other; i++) {
        spare = cJSON_CreateRaw(other[i]);
        assert_non_null(spare);
        was = *node; /* keeps its place and its name */
        node->type = cJSON_Raw;
        node->valuestring = spare->valuestring;
        node->child = NULL;
        text = cJSON_PrintUnformatted(root);
        *node = was;
        cJSON_Delete(spare);
        assert_non_null(text);
        memset(&g, 0, sizeof g);
        assert_int_equal(read_body(&g, text, strlen(text)), HILO_OK);
        got_free(&g);
        free(text);
        (*count)++;
    }
}

static void test_wrong_types_everywhere(void **state)
{
    static const char body[] = ROOT "[{\"id\":\"E\",\"changes\":[" CHANGE(
        OURS) "\"contacts\":[{\"profile\":{\"name\":\"A\"},\"wa_id\":"
              "\"56911111111\",\"user_id\":\"CL.1\"}],\"messages\":["
              "{\"from\":\"56911111111\",\"from_user_id\":\"CL.1\",\"id\":\"1\",\"timestamp\":\"1\",\"type\":"
              "\"image\","
              "\"image\":{\"id\":\"M\",\"mime_type\":\"m\",\"sha256\":\"s\",\"caption\":\"c\"},\"context\":{"
              "\"id\":\"q\"}},"
              "{\"id\":\"2\",\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\",\"list_"
              "reply\":{\"id\":\"i\","
              "\"title\":\"t\",\"description\":\"d\"}}},"
              "{\"type\":\"contacts\",\"contacts\":[{\"name\":{\"formatted_name\":\"f\"},\"phones\":[{"
              "\"phone\":\"1\"}],"
              "\"org\":{\"company\":\"c\"}}]},{\"type\":\"order\",\"order\":{\"catalog_id\":\"c\",\"product_"
              "items\":[{"
              "\"product_retailer_id\":\"s\",\"quantity\":1,\"item_price\":2,\"currency\":\"USD\"}]}},"
              "{\"type\":\"reaction\",\"reaction\":{\"message_id\":\"m\",\"emoji\":\"e\"}},{\"type\":"
              "\"location\","
              "\"location\":{\"latitude\":1,\"longitude\":2}},{\"type\":\"button\",\"button\":{\"payload\":"
              "\"p\","
              "\"text\":\"t\"}},{\"type\":\"system\",\"system\":{\"type\":\"x\",\"body\":\"b\"}}],"
              "\"statuses\":[{\"id\":\"s\",\"status\":\"failed\",\"timestamp\":\"1\",\"biz_opaque_callback_"
              "data\":\"x\","
              "\"pricing\":{\"billable\":true},\"errors\":[{\"code\":1,\"title\":\"t\",\"error_data\":{"
              "\"details\":\"d\"}}]}],"
              "\"errors\":[{\"code\":1,\"title\":\"t\"}]}}]}]}";
    cJSON *root = cJSON_Parse(body);
    unsigned count = 0;

    (void)state;
    assert_non_null(root);
    replace_each(root, root, &count);
    assert_true(count > 500);
    cJSON_Delete(root);
}

static void test_a_message_without_id_is_recognised_again(void **state)
{
    struct got g = {.n = 0};
    struct hilo_str id;

    (void)state;
    read_value(&g,
               "\"messages\":[{\"type\":\"x\",\"n\":1},{\"type\":\"x\",\"n\":1},{\"type\":\"x\",\"n\":2},5]");
    assert_int_equal(g.n, 3);
    id = hilo_get_str(g.message[0], HILO_T_MSG_EXT_ID);
    assert_int_equal(id.n, 71);
    assert_memory_equal(id.p, "sha256:", 7);
    assert_memory_equal(hilo_get_str(g.message[1], HILO_T_MSG_EXT_ID).p, id.p, 71);
    assert_memory_not_equal(hilo_get_str(g.message[2], HILO_T_MSG_EXT_ID).p, id.p, 71);
    assert_int_equal(g.note[WA_NOTE_MALFORMED], 1);
    got_free(&g);
}

static void test_a_message_that_is_too_large(void **state)
{
    static const char head[] = ROOT
        "[{\"id\":\"E\",\"changes\":[" CHANGE(OURS) "\"messages\":[{\"from\":\"56911111111\","
                                                    "\"id\":\"big\",\"type\":\"text\",\"text\":{\"body\":\"";
    static const char tail[] = "\"}}," ONE_TEXT("next") "]}}]}]}";
    const size_t n = (size_t)2 << 20;
    char *body = malloc(n + sizeof head + sizeof tail);
    struct got g = {.n = 0};

    (void)state;
    assert_non_null(body);
    memcpy(body, head, sizeof head - 1);
    memset(body + sizeof head - 1, 'x', n);
    memcpy(body + sizeof head - 1 + n, tail, sizeof tail - 1);
    assert_int_equal(read_body(&g, body, sizeof head - 1 + n + sizeof tail - 1), HILO_OK);
    free(body);
    assert_int_equal(g.n, 2);
    assert_field(g.message[0], HILO_T_MSG_EXT_ID, "big");
    assert_int_equal(hilo_content_type(g.message[0]), HILO_CONTENT_UNSUPPORTED);
    assert_field(hilo_content(g.message[0]), HILO_T_CONTENT_RAW_TYPE, "text");
    assert_holds(g.message[0], HILO_T_MSG_EXTRA, "{\"dropped_bytes\":20972");
    assert_field(g.message[1], HILO_T_MSG_EXT_ID, "next");
    assert_int_equal(g.note[WA_NOTE_TOO_LARGE], 1);
    got_free(&g);
}

/* ---- encode ----------------------------------------------------------------------------------------------
 */

static const struct hilo_id our_id = {{0x01, 0x93, 0x5c, 0x7e, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255}};

struct out {
    uint8_t buf[8192];
    struct hilo_writer w;
};

static void put(struct out *o, uint32_t tag, const char *s)
{
    hilo_put_str(&o->w, tag, str(s));
}

/* Begins a message to an address, its content open. */
static void out_to(struct out *o, unsigned scheme, const char *value, const char *native,
                   enum hilo_content type)
{
    hilo_writer_init(&o->w, o->buf, sizeof o->buf);
    hilo_put_u64(&o->w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_open(&o->w, HILO_T_MSG_PARTY);
    hilo_put_u64(&o->w, HILO_T_IDENT_SCHEME, scheme);
    put(o, HILO_T_IDENT_VALUE, value);
    if (native)
        put(o, HILO_T_IDENT_NATIVE, native);
    hilo_close(&o->w);
    hilo_open(&o->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&o->w, HILO_T_CONTENT_TYPE, type);
}

static void out_begin(struct out *o, enum hilo_content type)
{
    out_to(o, HILO_SCHEME_PHONE, "+56912345678", NULL, type);
}

/* Closes the content; reply: the message answered, or NULL. */
static struct hilo_str out_reply(struct out *o, const char *reply)
{
    hilo_close(&o->w);
    if (reply)
        put(o, HILO_T_MSG_REPLY_EXT, reply);
    assert_int_equal(o->w.failed, 0);
    return hilo_written(&o->w);
}

static struct hilo_str out_end(struct out *o)
{
    return out_reply(o, NULL);
}

static const char *media_known(void *arg, struct hilo_id media)
{
    (void)arg;
    return media.b[15] == 7 ? "MEDIA7" : NULL;
}

static int32_t encode(struct hilo_str message, struct wa_encoded *out)
{
    const struct wa_conf conf = {.base_url = str("https://graph.example"),
                                 .version = str("v23.0"),
                                 .phone_number_id = str("106540352242922")};
    const struct wa_encode with = {.conf = &conf, .media = media_known};
    char *exact = malloc(message.n ? message.n : 1);
    int32_t rc;

    assert_non_null(exact);
    if (message.n)
        memcpy(exact, message.p, message.n);
    rc = wa_meta_encode(our_id, (struct hilo_str){exact, message.n}, &with, out);
    free(exact);
    return rc;
}

/* The body, without what all have in common, is this JSON. */
static void check_encodes(struct hilo_str message, const char *expected, int line)
{
    struct wa_encoded out;
    char echo[WA_ECHO_TEXT];
    cJSON *got, *want;

    assert_int_equal(encode(message, &out), HILO_OK);
    assert_true(out.echoed);
    assert_string_equal(out.url, "https://graph.example/v23.0/106540352242922/messages");
    got = cJSON_Parse(out.body);
    want = cJSON_Parse(expected);
    if (!got || !want)
        fail_msg("line %d: no JSON", line);
    wa_echo_write(our_id, echo);
    assert_non_null(cJSON_AddStringToObject(want, "messaging_product", "whatsapp"));
    assert_non_null(cJSON_AddStringToObject(want, "recipient_type", "individual"));
    if (!cJSON_GetObjectItemCaseSensitive(want, "recipient") && !cJSON_GetObjectItemCaseSensitive(want, "to"))
        assert_non_null(cJSON_AddStringToObject(want, "to", "56912345678"));
    assert_non_null(cJSON_AddStringToObject(want, "biz_opaque_callback_data", echo));
    if (!cJSON_Compare(got, want, 1))
        fail_msg("line %d: got %s, expected %s", line, out.body, expected);
    cJSON_Delete(got);
    cJSON_Delete(want);
    wa_encoded_done(&out);
}
#define assert_encodes(message, expected) check_encodes(message, expected, __LINE__)

static void check_refused(struct hilo_str message, int line)
{
    struct wa_encoded out;

    if (encode(message, &out) != HILO_INVALID || out.body || !out.why)
        fail_msg("line %d: not refused", line);
}
#define assert_refused(message) check_refused(message, __LINE__)

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
static void param(struct out *o, uint32_t tag, unsigned type, const char *text, const char *name)
{
    hilo_open(&o->w, tag);
    if (type)
        hilo_put_u64(&o->w, HILO_T_PARAM_TYPE, type);
    put(o, HILO_T_PARAM_TEXT, text);
    if (name)
        put(o, HILO_T_PARAM_NAME, name);
}

static void button(struct out *o, unsigned type, int index, const char *text)
{
    hilo_open(&o->w, HILO_T_PARAMS_BUTTONS);
    hilo_put_u64(&o->w, HILO_T_BUTTON_TYPE, type);
    if (index >= 0)
        hilo_put_u64(&o->w, HILO_T_BUTTON_INDEX, (uint64_t)index);
    put(o, HILO_T_BUTTON_TEXT, text);
    hilo_close(&o->w);
}

/* A template's name and language; its parameters are left open. */
static void out_template(struct out *o, const char *name, const char *language)
{
    out_begin(o, HILO_CONTENT_TEMPLATE);
    put(o, HILO_T_CONTENT_NAME, name);
    put(o, HILO_T_CONTENT_LANGUAGE, language);
    hilo_open(&o->w, HILO_T_CONTENT_PARAMETERS);
}

#define TEMPLATE(name, code)                                                                                 \
    "{\"type\":\"template\",\"template\":{\"name\":\"" name "\",\"language\":{\"code\":\"" code              \
    "\",\"policy\":\"deterministic\"}"

static void test_encode_template(void **state)
{
    struct hilo_id known = {{0}};
    struct out o;

    (void)state;
    known.b[15] = 7;
    out_template(&o, "hello_world", "en_US");
    hilo_close(&o.w);
    put(&o, HILO_T_CONTENT_TEXT, "for people, not sent");
    assert_encodes(out_end(&o), TEMPLATE("hello_world", "en_US") "}}");

    out_template(&o, "aviso_pago", "es");
    button(&o, HILO_BUTTON_QUICK_REPLY, -1, "PAGAR");
    param(&o, HILO_T_PARAMS_BODY, 0, "Ana", NULL);
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_BODY, HILO_PARAM_CURRENCY, "$100", NULL);
    put(&o, HILO_T_PARAM_CURRENCY, "CLP");
    hilo_put_u64(&o.w, HILO_T_PARAM_AMOUNT_1000, 100000);
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_BODY, HILO_PARAM_DATE_TIME, "lunes", NULL);
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_HEADER, HILO_PARAM_IMAGE, "", NULL);
    hilo_put_id(&o.w, HILO_T_PARAM_MEDIA, known);
    hilo_close(&o.w);
    button(&o, HILO_BUTTON_URL, 1, "ruta-123");
    button(&o, HILO_BUTTON_COPY_CODE, 2, "25OFF");
    hilo_close(&o.w);
    assert_encodes(
        out_end(&o),
        TEMPLATE(
            "aviso_pago",
            "es") ",\"components\":["
                  "{\"type\":\"header\",\"parameters\":[{\"type\":\"image\",\"image\":{\"id\":\"MEDIA7\"}}]},"
                  "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"Ana\"},{\"type\":"
                  "\"currency\",\"currency\":"
                  "{\"fallback_value\":\"$100\",\"code\":\"CLP\",\"amount_1000\":100000}},{\"type\":\"date_"
                  "time\",\"date_time\":"
                  "{\"fallback_value\":\"lunes\"}}]},"
                  "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"0\",\"parameters\":[{"
                  "\"type\":\"payload\","
                  "\"payload\":\"PAGAR\"}]},"
                  "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"1\",\"parameters\":[{\"type\":"
                  "\"text\",\"text\":"
                  "\"ruta-123\"}]},"
                  "{\"type\":\"button\",\"sub_type\":\"copy_code\",\"index\":\"2\",\"parameters\":[{\"type\":"
                  "\"coupon_code\","
                  "\"coupon_code\":\"25OFF\"}]}]}}");

    out_template(&o, "n", "es");
    param(&o, HILO_T_PARAMS_HEADER, HILO_PARAM_LOCATION, "Tienda", NULL);
    hilo_put_f64(&o.w, HILO_T_PARAM_LATITUDE, 4.6);
    hilo_put_f64(&o.w, HILO_T_PARAM_LONGITUDE, -74.08);
    put(&o, HILO_T_PARAM_ADDRESS, "Calle 1");
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_HEADER, HILO_PARAM_DOCUMENT, "", NULL);
    put(&o, HILO_T_PARAM_URL, "https://x/f.pdf");
    put(&o, HILO_T_PARAM_FILENAME, "f.pdf");
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_BODY, HILO_PARAM_TEXT, "Ana", "nombre");
    hilo_close(&o.w);
    hilo_close(&o.w);
    assert_encodes(
        out_end(&o),
        TEMPLATE(
            "n",
            "es") ",\"components\":[{\"type\":\"header\",\"parameters\":[{\"type\":\"location\","
                  "\"location\":{\"latitude\":\"4.6\",\"longitude\":\"-74.08\",\"name\":\"Tienda\","
                  "\"address\":"
                  "\"Calle "
                  "1\"}},{\"type\":\"document\",\"document\":{\"link\":\"https://x/f.pdf\",\"filename\":"
                  "\"f.pdf\"}}]},{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"parameter_name\":"
                  "\"nombre\",\"text\":\"Ana\"}]}]}}");

    out_template(&o, "n", "");
    hilo_close(&o.w);
    assert_refused(out_end(&o));
    out_template(&o, "n", "es");
    button(&o, 9, 0, "x");
    hilo_close(&o.w);
    assert_refused(out_end(&o));
}

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

/* ---- small ones -------------------------------------------------------------------------------------------
 */

static void test_signature(void **state)
{
    /* printf %s "$body" | openssl dgst -sha256 -hmac 'app-secret' */
    static const char body[] = "{\"object\":\"whatsapp_business_account\",\"n\":\"\\u00f1\"}";
    char header[] = "sha256=396d764ab16317a98454733aba7ce532d03199d35114c36835f2b5c58c124d2f";
    struct hilo_str b = str(body), h = str(header), secret = str("app-secret");
    size_t i;

    (void)state;
    assert_true(wa_signature_ok(secret, b, h));
    assert_false(wa_signature_ok(str("app-secreT"), b, h));
    assert_false(wa_signature_ok(str(""), b, h));
    assert_false(wa_signature_ok(secret, (struct hilo_str){b.p, b.n - 1}, h));
    assert_false(wa_signature_ok(secret, b, (struct hilo_str){h.p, h.n - 1}));
    assert_false(wa_signature_ok(secret, b, (struct hilo_str){NULL, 0}));
    for (i = 0; i < h.n; i++) {
        header[i] ^= 1;
        assert_false(wa_signature_ok(secret, b, h));
        header[i] ^= 1;
    }
    for (i = 7; i < h.n; i++)
        if (header[i] >= 'a')
            header[i] = (char)(header[i] - 'a' + 'A');
    assert_true(wa_signature_ok(secret, b, h));
    assert_true(wa_secret_eq(str("abc"), str("abc")));
    assert_false(wa_secret_eq(str("abc"), str("abd")));
    assert_false(wa_secret_eq(str("abc"), str("abcd")));
}

static void test_echo(void **state)
{
    static const char *const bad[] = {"",
                                      "msg_",
                                      "msg_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", /* above 2^128 */
                                      "msg_0000000000000000000000000U",
                                      "cus_00000000000000000000000000",
                                      "msg_000000000000000000000000000"};
    struct hilo_id id, back = {{0}};
    char text[WA_ECHO_TEXT], cores[ID_TEXT];
    unsigned i;

    (void)state;
    memset(&id, 0xff, sizeof id);
    wa_echo_write(id, text);
    assert_string_equal(text, "msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    assert_true(wa_echo_parse(str(text), &back));
    assert_memory_equal(&id, &back, sizeof id);
    memset(&id, 0, sizeof id);
    id.b[15] = 33;
    wa_echo_write(id, text);
    assert_string_equal(text, "msg_00000000000000000000000011");
    assert_true(wa_echo_parse(str(text), &back));
    assert_memory_equal(&id, &back, sizeof id);
    assert_true(wa_echo_parse(str("msg_7zzzzzzzzzzzzzzzzzzzzzzzzz"), &back));
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(wa_echo_parse(str(bad[i]), &back));
    id_format("msg", our_id, cores); /* the core and the plugin write the same */
    wa_echo_write(our_id, text);
    assert_string_equal(text, cores);
}

static void test_errors(void **state)
{
    static const struct {
        int32_t result;
        const char *reason;
        int32_t code[12]; /* -1 ends */
    } row[] = {
        {HILO_CONFIG, "token_invalid", {0, 190, -1}},
        {HILO_CONFIG, "permission_denied", {3, 10, 200, 250, 299, -1}},
        {HILO_CONFIG, "account_blocked", {368, -1}},
        {HILO_CONFIG, "account_locked", {131031, -1}},
        {HILO_CONFIG, "country_restricted", {130497, -1}},
        {HILO_CONFIG, "billing", {131042, -1}},
        {HILO_CONFIG, "registration", {133000, 133005, 133006, 133008, 133009, 133010, 133015, -1}},
        {HILO_AGAIN, "rate_limited", {4, 80007, 130429, 133016, -1}},
        {HILO_AGAIN, "spam_rate_limited", {131048, -1}},
        {HILO_AGAIN, "pair_rate_limited", {131056, -1}},
        {HILO_TEMP, "provider_error", {1, 131000, -1}},
        {HILO_TEMP, "provider_unavailable", {2, 131016, 133004, -1}},
        {HILO_TEMP, "account_maintenance", {131057, -1}},
        {HILO_PERM, "not_found", {33, -1}},
        {HILO_PERM, "invalid_parameter", {100, 131009, -1}},
        {HILO_PERM, "missing_parameter", {131008, -1}},
        {HILO_PERM, "recipient_is_sender", {131021, -1}},
        {HILO_PERM, "certificate_invalid", {131045, -1}},
        {HILO_PERM, "unsupported_type", {131051, -1}},
        {HILO_PERM, "media_download_failed", {131052, -1}},
        {HILO_PERM, "media_upload_failed", {131053, -1}},
        {HILO_PERM, "window_closed", {131047, -1}},
        {HILO_PERM, "undeliverable", {131026, -1}},
        {HILO_PERM, "marketing_limited", {131049, -1}},
        {HILO_PERM, "marketing_experiment", {130472, -1}},
        {HILO_PERM, "opted_out", {131050, -1}},
        {HILO_PERM, "template_parameters", {132000, -1}},
        {HILO_PERM, "template_missing", {132001, -1}},
        {HILO_PERM, "template_too_long", {132005, -1}},
        {HILO_PERM, "template_policy", {132007, -1}},
        {HILO_PERM, "template_format", {132012, -1}},
        {HILO_PERM, "template_paused", {132015, -1}},
        {HILO_PERM, "template_disabled", {132016, -1}},
        {HILO_PERM, "flow_blocked", {132068, -1}},
        {HILO_PERM, "flow_throttled", {132069, -1}},
    };
    const struct wa_meta_error *e;
    size_t i, k;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        for (k = 0; row[i].code[k] >= 0; k++) {
            e = wa_meta_error_find(row[i].code[k]);
            assert_non_null(e);
            assert_int_equal(e->code, row[i].result);
            assert_string_equal(e->reason, row[i].reason);
        }
    }
    assert_null(wa_meta_error_find(300));
    assert_null(wa_meta_error_find(133007));
    assert_null(wa_meta_error_find(-1));
    assert_int_equal(wa_meta_error_find(131056)->scope, WA_SCOPE_RECIPIENT);
    assert_int_equal(wa_meta_error_find(190)->scope, WA_SCOPE_ACCOUNT);
}

static void test_answers_keep_no_numbers(void **state)
{
    const struct hilo_http h = {
        .size = sizeof h,
        .status = 400,
        .body = str(
            "{\"error\":{\"message\":\"(#131026) no way\\nto +56912345678\",\"code\":131026,\"error_data\":{"
            "\"details\":\"see 131026\"}}}")};
    struct wa_verdict v;

    (void)state;
    wa_meta_judge(&h, &v);
    assert_int_equal(v.code, HILO_PERM);
    assert_string_equal(v.provider_code, "131026");
    assert_string_equal(v.detail, "(#131026) no way to +#: see 131026");
}

/* Retry-After: seconds, or a date seen from the answer's own date. */
static void test_retry_after(void **state)
{
    static const char now[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    static const struct {
        const char *after, *date;
        int64_t s; /* -1: not taken */
    } row[] = {
        {"7", "", 7},
        {"0", "", 0},
        {"99999999", "", 86400},
        {"Sun, 06 Nov 1994 08:50:07 GMT", now, 30},
        {"Sunday, 06-Nov-94 08:50:37 GMT", now, 60},
        {"Sun Nov  6 08:51:37 1994", now, 120},
        {"Mon, 07 Nov 1994 08:49:36 GMT", now, 86399},
        {"Wed, 01 Mar 2000 00:00:01 GMT", "Tue, 29 Feb 2000 23:59:59 GMT", 2},
        {"Sat, 01 Jan 2028 00:00:00 GMT", "Fri, 31 Dec 2027 23:59:00 GMT", 60},
        {"Sun, 06 Nov 1994 08:00:00 GMT", now, 0}, /* has passed */
        {"Sun, 06 Nov 1994 08:50:07 GMT", "", -1}, /* from when on? */
        {"Sun, 06 Nov 1994 08:50:07 GMTx", now, -1},
        {"Sun, 31 Jun 1994 08:50:07 GMT", now, -1},
        {"Sun, 06 anF 1994 08:50:07 GMT", now, -1},
        {"Sun, 06 Nov 1994 25:50:07 GMT", now, -1},
        {"7 s", now, -1},
        {"-7", now, -1},
        {"", now, -1},
        {"tomorrow", now, -1},
    };
    struct hilo_kv header[2] = {{.key = str("retry-after")}, {.key = str("DATE")}};
    const struct hilo_http h = {.size = sizeof h, .status = 429, .header = header, .n_header = 2};
    struct wa_verdict v;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        header[0].val = str(row[i].after);
        header[1].val = str(row[i].date);
        wa_meta_judge(&h, &v);
        assert_int_equal(v.code, HILO_AGAIN);
        assert_int_equal(v.retry_after_given, row[i].s >= 0);
        assert_int_equal(v.retry_after_us, row[i].s >= 0 ? row[i].s * 1000000 : 1000000);
    }
}

static void test_pace_grows_and_forgets(void **state)
{
    struct wa_pace pace = {0};
    uint64_t ana = wa_pace_hash("56911111111");

    (void)state;
    assert_int_equal(wa_pace_refused(&pace, ana, 0), 4000000);
    assert_int_equal(wa_pace_refused(&pace, ana, 0), 16000000);
    assert_int_equal(wa_pace_refused(&pace, ana, 0), 64000000);
    wa_pace_taken(&pace, ana);
    assert_int_equal(wa_pace_refused(&pace, ana, 0), 4000000);
    assert_int_equal(wa_pace_refused(&pace, ana, INT64_C(3605000000)), 4000000);
}

static void test_slots_never_find_another(void **state)
{
    struct wa_slots s = {.n = 0};
    uint64_t key[40], old;
    unsigned i;
    int x[40];

    (void)state;
    for (i = 0; i < 40; i++) {
        key[i] = wa_slots_put(&s, &x[i]);
        assert_true(key[i] != 0 && key[i] >> 40 == 0);
    }
    for (i = 0; i < 40; i++)
        assert_ptr_equal(wa_slots_get(&s, key[i]), &x[i]);
    old = key[7];
    assert_ptr_equal(wa_slots_take(&s, old), &x[7]);
    assert_null(wa_slots_take(&s, old));
    key[7] = wa_slots_put(&s, &x[7]);
    assert_true(key[7] != old);
    assert_null(wa_slots_get(&s, old));
    assert_ptr_equal(wa_slots_get(&s, key[7]), &x[7]);
    assert_int_equal(s.used, 40);
    wa_slots_done(&s);
}

static void test_uploads_run_out(void **state)
{
    struct wa_uploads *u = calloc(1, sizeof *u);
    const int64_t day_us = INT64_C(86400000000);
    struct hilo_id id = {{1}};
    char long_id[WA_UPLOAD_ID_MAX + 1], ext[16] = "";
    unsigned i;

    (void)state;
    assert_non_null(u);
    assert_null(wa_uploads_get(u, id, 0));
    assert_true(wa_uploads_put(u, id, "M1", 0));
    assert_string_equal(wa_uploads_get(u, id, 28 * day_us), "M1");
    assert_null(wa_uploads_get(u, id, 29 * day_us));
    wa_uploads_forget(u, id);
    assert_null(wa_uploads_get(u, id, 0));
    memset(long_id, 'x', sizeof long_id);
    long_id[WA_UPLOAD_ID_MAX] = 0;
    assert_false(wa_uploads_put(u, id, long_id, 0));
    for (i = 0; i <= WA_UPLOADS_MAX; i++) { /* one more than fit: the first is gone */
        id.b[1] = (uint8_t)(i >> 8);
        id.b[2] = (uint8_t)i;
        snprintf(ext, sizeof ext, "%u", i);
        assert_true(wa_uploads_put(u, id, ext, 0));
    }
    assert_string_equal(wa_uploads_get(u, id, 0), ext);
    id.b[1] = id.b[2] = 0;
    assert_null(wa_uploads_get(u, id, 0));
    free(u);
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
        cmocka_unit_test(test_reaction_and_system),
        cmocka_unit_test(test_unknown_is_kept_whole),
        cmocka_unit_test(test_siblings_go_into_extra),
        cmocka_unit_test(test_user_id_without_phone),
        cmocka_unit_test(test_who_sent_it),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_a_failed_status_says_why),
        cmocka_unit_test(test_unknown_statuses_are_noted),
        cmocka_unit_test(test_batches_are_read_in_order),
        cmocka_unit_test(test_other_objects_and_account_errors),
        cmocka_unit_test(test_bodies_that_are_no_json_object),
        cmocka_unit_test(test_truncated_bodies),
        cmocka_unit_test(test_wrong_types_everywhere),
        cmocka_unit_test(test_a_message_without_id_is_recognised_again),
        cmocka_unit_test(test_a_message_that_is_too_large),
        cmocka_unit_test(test_encode_text),
        cmocka_unit_test(test_encode_whom),
        cmocka_unit_test(test_encode_media),
        cmocka_unit_test(test_encode_template),
        cmocka_unit_test(test_encode_choices),
        cmocka_unit_test(test_encode_location),
        cmocka_unit_test(test_encode_contacts_and_reaction),
        cmocka_unit_test(test_encode_mark_read),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_answers_keep_no_numbers),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_pace_grows_and_forgets),
        cmocka_unit_test(test_slots_never_find_another),
        cmocka_unit_test(test_uploads_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
