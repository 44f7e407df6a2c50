/* Addresses: what is one, and its one form. */
#include "model_util.h"
#include "model/address.h"

static void e164_is_strict(void **state)
{
    static const char *const good[] = {"+57300111", "+573001112233", "+123456789012345"};
    static const char *const bad[] = {"",
                                      "+",
                                      "573001112233",
                                      "+0573001112233",
                                      "+5730011",
                                      "+1234567890123456",
                                      "+57 3001112233",
                                      "+57300111223a",
                                      "+57300111223\xd9\xa1"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(address_e164(str(good[i])));
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(address_e164(str(bad[i])));
}

static const struct {
    const char *in, *out; /* NULL: refused */
} phones[] = {
    {"+573001112233", "+573001112233"},
    {"+57 (300) 111-22.33", "+573001112233"},
    {"0057 300 111 2233", "+573001112233"},
    {" +57 3001112233 ", "+573001112233"},
    {"3001112233", NULL},
    {"+57+3001112233", NULL},
    {"+573001112233 ext 4", NULL},
    {"+57300111223312345", NULL},
    {"", NULL},
    {"+", NULL},
    {"00", NULL},
};

static void phones_are_normalised(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof phones / sizeof *phones; i++) {
        char out[ADDRESS_PHONE] = "same";
        struct err e = {0};

        if (phones[i].out) {
            assert_int_equal(address_phone(str(phones[i].in), out, &e), HILO_OK);
            assert_string_equal(out, phones[i].out);
        } else {
            assert_int_equal(address_phone(str(phones[i].in), out, &e), HILO_INVALID);
            assert_string_equal(out, "same");
        }
    }
}

static const struct {
    const char *in, *normal, *identity; /* NULL: refused */
} emails[] = {
    {"Ana@Example.COM", "Ana@example.com", "ana@example.com"},
    {"a.b+c@sub.example.co", "a.b+c@sub.example.co", "a.b+c@sub.example.co"},
    {"\xc3\x91o\xc3\xb1o@\xc3\x89xito.co", "\xc3\x91o\xc3\xb1o@\xc3\xa9xito.co",
     "\xc3\xb1o\xc3\xb1o@\xc3\xa9xito.co"},
    {"ana", NULL, NULL},
    {"ana@", NULL, NULL},
    {"@example.com", NULL, NULL},
    {"ana@localhost", NULL, NULL},
    {"ana@@example.com", NULL, NULL},
    {"ana@exa mple.com", NULL, NULL},
    {"ana @example.com", NULL, NULL},
    {"ana@-example.com", NULL, NULL},
    {"ana@example..com", NULL, NULL},
    {"ana@example.com.", NULL, NULL},
    {".ana@example.com", NULL, NULL},
    {"a..b@example.com", NULL, NULL},
    {"a\r\nb@example.com", NULL, NULL},
    {"a<b@example.com", NULL, NULL},
    {"a\xff@example.com", NULL, NULL},
};

static void emails_are_normalised(void **state)
{
    char longest[320];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof emails / sizeof *emails; i++) {
        char out[ADDRESS_EMAIL] = "same";
        struct err e = {0};

        assert_int_equal(address_email(str(emails[i].in)), emails[i].normal != NULL);
        assert_int_equal(address_email_normal(str(emails[i].in), out, &e),
                         emails[i].normal ? HILO_OK : HILO_INVALID);
        assert_string_equal(out, emails[i].normal ? emails[i].normal : "same");
        if (emails[i].normal) {
            assert_int_equal(address_email_identity(str(emails[i].in), out, &e), HILO_OK);
            assert_string_equal(out, emails[i].identity);
        }
    }
    (void)snprintf(longest, sizeof longest, "a@%060d.%060d.%060d.%060d.example.com", 1, 1, 1, 1);
    assert_false(address_email(str(longest)));
    (void)snprintf(longest, sizeof longest, "%065d@example.com", 1);
    assert_false(address_email(str(longest)));
}

static const struct {
    const char *in, *out;
} documents[] = {
    {"CO:CC:1020304050", "CO:CC:1020304050"},
    {"co:cc:1.020.304.050", "CO:CC:1020304050"},
    {"cl:rut:12.345.678-k", "CL:RUT:12345678K"},
    {"CO:CC:0001020", "CO:CC:1020"},
    {"CO:CC:10 20", "CO:CC:1020"},
    {"CO:CC:", NULL},
    {"CO:CC:000", NULL},
    {"CO:CC", NULL},
    {"COL:CC:1", NULL},
    {"CO::1", NULL},
    {"C1:CC:1", NULL},
    {"CO:CC:1:2", NULL},
    {"CO:C C:1", NULL},
    {"CO:CC:123456789012345678901234567890123", NULL},
};

static void documents_are_normalised(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof documents / sizeof *documents; i++) {
        char out[ADDRESS_DOCUMENT] = "same";
        struct err e = {0};

        assert_int_equal(address_document(str(documents[i].in), out, &e),
                         documents[i].out ? HILO_OK : HILO_INVALID);
        assert_string_equal(out, documents[i].out ? documents[i].out : "same");
    }
}

/* A number, and all the forms of its line, the canonical first. */
static const struct {
    const char *in, *forms[2];
} lines[] = {
    {"+525512345678", {"+525512345678", "+5215512345678"}},
    {"+5215512345678", {"+525512345678", "+5215512345678"}},
    {"+5491123456789", {"+5491123456789", "+541123456789"}},
    {"+541123456789", {"+5491123456789", "+541123456789"}},
    {"+5511987654321", {"+5511987654321", "+551187654321"}},
    {"+551187654321", {"+5511987654321", "+551187654321"}},
    {"+551132654321", {"+551132654321", NULL}},   /* a landline has no ninth digit */
    {"+5511932654321", {"+5511932654321", NULL}}, /* nor may one be made of this */
    {"+573001112233", {"+573001112233", NULL}},
    {"+56912345678", {"+56912345678", NULL}},
    {"+521551234567", {"+521551234567", "+5211551234567"}}, /* ten digits that begin with 1 */
};

static void whatsapp_variants_meet(void **state)
{
    size_t i, n;

    (void)state;
    for (i = 0; i < sizeof lines / sizeof *lines; i++) {
        char out[ADDRESS_VARIANTS][ADDRESS_PHONE], one[ADDRESS_PHONE];
        struct err e = {0};

        n = address_whatsapp_variants(str(lines[i].in), out);
        assert_int_equal(n, lines[i].forms[1] ? 2 : 1);
        assert_string_equal(out[0], lines[i].forms[0]);
        if (n == 2)
            assert_string_equal(out[1], lines[i].forms[1]);
        assert_int_equal(address_whatsapp_e164(str(lines[i].in + 1), one, &e), HILO_OK);
        assert_string_equal(one, lines[i].forms[0]);
    }
}

static void what_is_no_number_has_no_variants(void **state)
{
    static const char *const bad[] = {"",         "1", "+573001112233", "0573001112233", "1234567890123456",
                                      "57300111x"};
    char out[ADDRESS_VARIANTS][ADDRESS_PHONE], one[ADDRESS_PHONE];
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(address_whatsapp_e164(str(bad[i]), one, &e), HILO_INVALID);
    assert_int_equal(address_whatsapp_variants(STR("573001112233"), out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e164_is_strict),         cmocka_unit_test(phones_are_normalised),
        cmocka_unit_test(emails_are_normalised),  cmocka_unit_test(documents_are_normalised),
        cmocka_unit_test(whatsapp_variants_meet), cmocka_unit_test(what_is_no_number_has_no_variants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
