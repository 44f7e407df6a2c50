/*
 * Documents: numbers of public registers (companies, tax offices, ministries' own specimens), each check
 * digit judged a second time by another formulation than the plugin's, and what must be refused.
 */
#include "../../plugins/pos/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct hilo_str z(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

/* Into a buffer of its own: the document, or "!" and why not. */
static const char *doc(const char *text, const char *country)
{
    static char out[POS_DOCUMENT_MAX];
    const char *why = "nothing";

    memset(out, 'x', sizeof out);
    if (pos_document_text(z(text), z(country), out, &why) != HILO_OK)
        (void)snprintf(out, sizeof out, "!%s", why);
    return out;
}

static void numbers_of_public_registers(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"CO:CC:1.020.304.050", "CO:CC:1020304050"},
        {"co:cc:19 123 456", "CO:CC:19123456"},
        {"CO:CC:0079123456", "CO:CC:79123456"},
        {"CO:NIT:890.903.938-8", "CO:NIT:8909039388"}, /* Bancolombia */
        {"CO:NIT:899999068-1", "CO:NIT:8999990681"},   /* Ecopetrol */
        {"CO:NIT:890100577-6", "CO:NIT:8901005776"},   /* Avianca */
        {"CO:NIT:900156264-2", "CO:NIT:9001562642"},
        {"CO:NIT:830122566-1", "CO:NIT:8301225661"},
        {"CO:NIT:890900608-9", "CO:NIT:8909006089"}, /* Éxito */
        {"CO:CE:345678", "CO:CE:345678"},
        {"CO:TI:99012345678", "CO:TI:99012345678"},
        {"MX:CURP:BOXW310820HNERXN09", "MX:CURP:BOXW310820HNERXN09"}, /* RENAPO's specimens */
        {"MX:CURP:hegg560427mvzrrl04", "MX:CURP:HEGG560427MVZRRL04"},
        {"MX:RFC:GODE-561231-GR8", "MX:RFC:GODE561231GR8"}, /* SAT's specimen */
        {"MX:RFC:SAT970701NN3", "MX:RFC:SAT970701NN3"},     /* SAT itself */
        {"MX:RFC:CFE370814QI0", "MX:RFC:CFE370814QI0"},     /* Comisión Federal de Electricidad */
        {"MX:RFC:TME840315KT6", "MX:RFC:TME840315KT6"},     /* Telmex */
        {"MX:RFC:NWM9709244W4", "MX:RFC:NWM9709244W4"},     /* Walmart */
        {"PE:DNI:10117410-2", "PE:DNI:10117410"},
        {"PE:DNI:10117410G", "PE:DNI:10117410"},
        {"PE:DNI:10117410", "PE:DNI:10117410"},
        {"PE:RUC:20131312955", "PE:RUC:20131312955"}, /* SUNAT itself */
        {"PE:RUC:20100070970", "PE:RUC:20100070970"}, /* Plaza Vea */
        {"CL:RUT:61.603.000-0", "CL:RUT:616030000"},  /* FONASA */
        {"CL:RUT:81.201.000-k", "CL:RUT:81201000K"},  /* Cencosud */
        {"CL:RUN:12531909-2", "CL:RUT:125319092"},
        {"CL:RUT:097004000-5", "CL:RUT:970040005"}, /* Banco de Chile */
        {"AR:DNI:12.345.678", "AR:DNI:12345678"},
        {"AR:DNI:02-055.827", "AR:DNI:2055827"},
        {"AR:CUIT:33-69345023-9", "AR:CUIT:33693450239"}, /* AFIP itself */
        {"AR:CUIT:30-50001091-2", "AR:CUIT:30500010912"}, /* Banco Nación */
        {"AR:CUIL:20-05536168-2", "AR:CUIT:20055361682"},
        {"BR:CPF:529.982.247-25", "BR:CPF:52998224725"},
        {"BR:CPF:390.533.447-05", "BR:CPF:39053344705"},
        {"BR:CNPJ:33.000.167/0001-01", "BR:CNPJ:33000167000101"}, /* Petrobras */
        {"BR:CNPJ:00.000.000/0001-91", "BR:CNPJ:00000000000191"}, /* Banco do Brasil */
        {"BR:CNPJ:12.ABC.345/01DE-35",
         "BR:CNPJ:12ABC34501DE35"}, /* Receita Federal's specimen with letters */
        {"ES:DNI:12345678Z", "ES:DNI:12345678Z"},
        {"ES:DNI:1234567-L", "ES:DNI:01234567L"},
        {"ES:NIF:X-1234567-L", "ES:NIE:X1234567L"},
        {"ES:NIE:Z8327649K", "ES:NIE:Z8327649K"},
        {"ES:NIF:12345678z", "ES:DNI:12345678Z"},
        {"PE:PASSPORT:A1234567", "PE:PASSPORT:A1234567"},
        {"ES:PA:xdb 123456", "ES:PASSPORT:XDB123456"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(doc(cases[i].text, ""), cases[i].want);
}

static void of_the_default_country_by_its_form(void **state)
{
    (void)state;
    assert_string_equal(doc("1.020.304.050", "CO"), "CO:CC:1020304050");
    assert_string_equal(doc("BOXW310820HNERXN09", "mx"), "MX:CURP:BOXW310820HNERXN09");
    assert_string_equal(doc("SAT970701NN3", "MX"), "MX:RFC:SAT970701NN3");
    assert_string_equal(doc("101174102", "PE"), "PE:DNI:10117410");
    assert_string_equal(doc("20131312955", "PE"), "PE:RUC:20131312955");
    assert_string_equal(doc("12.531.909-2", "CL"), "CL:RUT:125319092");
    assert_string_equal(doc("20055361682", "AR"), "AR:CUIT:20055361682");
    assert_string_equal(doc("12345678", "AR"), "AR:DNI:12345678");
    assert_string_equal(doc("33000167000101", "BR"), "BR:CNPJ:33000167000101");
    assert_string_equal(doc("52998224725", "BR"), "BR:CPF:52998224725");
    assert_string_equal(doc("X1234567L", "ES"), "ES:NIE:X1234567L");
    assert_string_equal(doc("12345678Z", "ES"), "ES:DNI:12345678Z");
    assert_string_equal(doc("1020304050", ""), "!country");
}

static void refused_with_a_reason(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"US:SSN:123456789", "!country"},
        {"CO:RUT:8909039388", "!type"},
        {"CO:CC", "!form"},
        {"CO:CC:", "!length"},
        {"CO:CC:10203*", "!pattern"},
        {"CO:CC:1020%", "!pattern"},
        {"CO:CC:102030405_", "!pattern"},
        {"CO:CC:1020304?50", "!pattern"},
        {"CO:CC:10203O4050", "!characters"}, /* a letter O */
        {"CO:CC:\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4", "!characters"},
        {"CO:CC:\xef\xbc\x91\xef\xbc\x92\xef\xbc\x93", "!characters"},
        {"CO:CC:123456789", "!length"}, /* there are none of nine */
        {"CO:CC:2020304050", "!length"},
        {"CO:CC:12", "!length"},
        {"CO:CC:11111111", "!repeated"},
        {"CO:CC:10203040501020304050102030405010203040", "!length"},
        {"CO:NIT:890903938-7", "!check_digit"},
        {"CO:NIT:999999999-4", "!repeated"},
        {"MX:CURP:BOXW310820HNERXN08", "!check_digit"},
        {"MX:CURP:BOXW311320HNERXN09", "!date"},
        {"MX:CURP:BOXW310820HXXRXN09", "!form"}, /* no such state */
        {"MX:CURP:BOXW310820JNERXN09", "!form"}, /* no such sex */
        {"MX:CURP:BOXW310820HNERXA09", "!form"}, /* a vowel where a consonant is */
        {"MX:CURP:BOXW310820HNERXN0", "!length"},
        {"MX:RFC:GODE561231GR7", "!check_digit"},
        {"MX:RFC:GODE561331GR8", "!date"},
        {"MX:RFC:XAXX010101000", "!generic"},
        {"MX:RFC:XEXX010101000", "!generic"},
        {"MX:RFC:G", "!length"},
        {"PE:DNI:101174103", "!check_digit"},
        {"PE:DNI:10117410H", "!check_digit"},
        {"PE:DNI:11111111", "!repeated"},
        {"PE:DNI:1011741", "!length"},
        {"PE:RUC:20131312954", "!check_digit"},
        {"PE:RUC:30131312955", "!form"},
        {"CL:RUT:12.345.678-9", "!check_digit"},
        {"CL:RUT:11.111.111-1", "!repeated"}, /* right by its digit */
        {"CL:RUT:12.345.678-L", "!characters"},
        {"CL:RUT:1-9", "!length"},
        {"CL:RUT:0", "!characters"},
        {"AR:CUIT:20-05536168-3", "!check_digit"},
        {"AR:CUIT:21-05536168-2", "!form"},
        {"AR:DNI:99999999", "!repeated"},
        {"BR:CPF:52998224726", "!check_digit"},
        {"BR:CPF:52998224735", "!check_digit"},
        {"BR:CPF:11111111111", "!repeated"}, /* right by both */
        {"BR:CPF:00000000000", "!repeated"},
        {"BR:CNPJ:33000167000102", "!check_digit"},
        {"BR:CNPJ:12ABC34501DE3A", "!characters"},
        {"BR:CNPJ:00000000000000", "!repeated"},
        {"ES:DNI:12345678A", "!check_digit"},
        {"ES:DNI:12345678", "!form"},
        {"ES:DNI:00000000T", "!repeated"}, /* right by its letter */
        {"ES:NIE:W1234567L", "!form"},
        {"ES:NIE:X1234567M", "!check_digit"},
        {"ES:DNI:X1234567L", "!form"},
        {"ES:PASSPORT:A1", "!length"},
        {"ES:PASSPORT:\xc3\x91"
         "A1234",
         "!characters"},
        /* One country's form is not another's. */
        {"BR:CPF:12.531.909-2", "!length"},
        {"CL:RUT:529.982.247-25", "!length"},
        {"CO:CC:12345678Z", "!characters"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = doc(cases[i].text, "");

        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].text, got, cases[i].want);
    }
}

/* A NUL ends nothing. */
static void bytes_are_bytes(void **state)
{
    char out[POS_DOCUMENT_MAX] = "untouched";
    const char *why;

    (void)state;
    assert_int_equal(pos_document_text((struct hilo_str){"CO:CC:1020304050\0x", 18}, z(""), out, &why),
                     HILO_INVALID);
    assert_string_equal(why, "characters");
    assert_string_equal(out, "untouched");
    assert_int_equal(pos_document_text((struct hilo_str){NULL, 0}, z("CO"), out, &why), HILO_INVALID);
    assert_int_equal(pos_document((struct hilo_str){NULL, 0}, z("CC"), z("1020304050"), out, &why),
                     HILO_INVALID);
    assert_string_equal(why, "country");
}

static void words_for_clerks(void **state)
{
    static const char *const whys[] = {"country", "type",     "pattern", "characters", "length",
                                       "form",    "repeated", "generic", "date",       "check_digit"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof whys / sizeof *whys; i++) {
        assert_string_not_equal(pos_document_words(whys[i], true), pos_document_words("", true));
        assert_string_not_equal(pos_document_words(whys[i], false), pos_document_words("", false));
    }
}

/* ---- each check digit once more ------------------------------------------------------------------------ */

/* The last character that belongs to a body, by a formulation of its own; 0: such a body has none. */
typedef char other_fn(const char *body);

/* All that is counted, with the digit, is a multiple of 11. */
static char by_congruence(const char *body, const int *weight, int n)
{
    int d, i, sum = 0;

    for (i = 0; i < n; i++)
        sum += (body[i] - '0') * weight[i];
    for (d = 0; d < 10; d++)
        if ((sum + d) % 11 == 0)
            return (char)('0' + d);
    return 0;
}

static char other_rut(const char *body)
{
    long t = atol(body);
    int m = 0, s = 1; /* the folklore loop */

    for (; t; t /= 10)
        s = (int)(s + t % 10 * (9 - m++ % 6)) % 11;
    return (char)(s ? s + 47 : 75);
}

/* Where the congruence has no digit, the number was never given out: its owner got another kind. */
static char other_cuit(const char *body)
{
    static const int weight[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2};

    return by_congruence(body, weight, 10);
}

static char other_ruc(const char *body)
{
    static const int weight[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    char c = by_congruence(body, weight, 10);

    /* 10 is written 0 and 11 is written 1: where the congruence has no digit, and where it has 0. */
    return c == 0 ? '0' : c == '0' ? '1' : c;
}

static char other_nit(const char *body)
{
    /* From the left, for nine digits. */
    static const int weight[] = {41, 37, 29, 23, 19, 17, 13, 7, 3};
    int i, sum = 0;

    for (i = 0; i < 9; i++)
        sum += (body[i] - '0') * weight[i];
    return "01987654321"[sum % 11];
}

static char other_es(const char *body)
{
    static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
    int i, r = 0; /* digit by digit, as one divides on paper */

    for (i = 0; body[i]; i++)
        r = (r * 10 + body[i] - '0') % 23;
    return letters[r];
}

static char other_cpf_first(const char *body)
{
    int i, sum = 0;

    for (i = 0; i < 9; i++)
        sum += (body[i] - '0') * (i + 1); /* weights that rise: the remainder is the digit */
    return (char)('0' + sum % 11 % 10);
}

static char other_cpf_second(const char *body)
{
    int i, sum = 0;

    for (i = 0; i < 10; i++)
        sum += (body[i] - '0') * i;
    return (char)('0' + sum % 11 % 10);
}

static char other_cnpj(const char *body, int n)
{
    static const int weight[] = {5, 6, 7, 8, 9, 2, 3, 4, 5, 6, 7, 8, 9}; /* likewise */
    int i, sum = 0;

    for (i = 0; i < n; i++)
        sum += (body[i] - '0') * weight[13 - n + i];
    return (char)('0' + sum % 11 % 10);
}

static unsigned random_digits(unsigned seed, char *out, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        seed = seed * 1103515245 + 12345;
        out[i] = (char)('0' + seed / 65536 % 10);
    }
    out[n] = '\0';
    return seed;
}

/* For bodies at random: of all possible last characters, exactly the other formulation's is taken. */
static void the_right_character_and_no_other(const char *type, const char *start, int n, other_fn *other)
{
    char body[32], text[64];
    unsigned seed = 5, round;
    const char *c;

    for (round = 0; round < 500; round++) {
        strcpy(body, start);
        seed = random_digits(seed, body + strlen(start), n - (int)strlen(start));
        if (body[strlen(start)] == '0')
            body[strlen(start)] = '7';
        for (c = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"; *c; c++) {
            (void)snprintf(text, sizeof text, "%s:%s%c", type, body, *c);
            if ((doc(text, "")[0] != '!') != (*c == other(body)))
                fail_msg("%s: %s, the other way says %c", text, doc(text, ""), other(body));
        }
    }
}

static void digits_judged_by_another_formulation(void **state)
{
    char body[32], text[64];
    unsigned seed = 9, round;

    (void)state;
    the_right_character_and_no_other("CL:RUT", "", 8, other_rut);
    the_right_character_and_no_other("AR:CUIT", "20", 10, other_cuit);
    the_right_character_and_no_other("PE:RUC", "20", 10, other_ruc);
    the_right_character_and_no_other("CO:NIT", "", 9, other_nit);
    the_right_character_and_no_other("ES:DNI", "", 8, other_es);
    for (round = 0; round < 500; round++) {
        seed = random_digits(seed, body, 9);
        body[9] = other_cpf_first(body);
        body[10] = other_cpf_second(body);
        body[11] = '\0';
        (void)snprintf(text, sizeof text, "BR:CPF:%s", body);
        assert_string_equal(doc(text, ""), text);
        text[17] = text[17] == '9' ? '0' : (char)(text[17] + 1);
        assert_string_equal(doc(text, ""), "!check_digit");
        seed = random_digits(seed, body, 12);
        body[2] = 'A'; /* letters too */
        body[7] = 'Z';
        body[12] = other_cnpj(body, 12);
        body[13] = '\0';
        body[13] = other_cnpj(body, 13);
        body[14] = '\0';
        (void)snprintf(text, sizeof text, "BR:CNPJ:%s", body);
        assert_string_equal(doc(text, ""), text);
        text[11] = text[11] == '9' ? '0' : (char)(text[11] + 1);
        assert_string_equal(doc(text, ""), "!check_digit");
    }
}

/* What these digits are for: one that is mistyped, and two that are swapped, are found out. */
static void mistyped_is_found_out(void **state)
{
    static const char *const right[] = {"CO:NIT:8909039388",  "CL:RUT:125319092", "AR:CUIT:20055361682",
                                        "PE:RUC:20131312955", "ES:DNI:12345678Z", "BR:CPF:52998224725"};
    size_t i, k, from;
    char text[64], d;

    (void)state;
    for (i = 0; i < sizeof right / sizeof *right; i++) {
        from = (size_t)(strrchr(right[i], ':') - right[i]) + 1;
        for (k = from; right[i][k]; k++) {
            if (right[i][k] > '9')
                continue;
            for (d = '0'; d <= '9'; d++) {
                strcpy(text, right[i]);
                text[k] = d;
                assert_int_equal(doc(text, "")[0] == '!', d != right[i][k]);
            }
            strcpy(text, right[i]);
            if (text[k + 1] && text[k + 1] != text[k]) {
                d = text[k];
                text[k] = text[k + 1];
                text[k + 1] = d;
                assert_int_equal(doc(text, "")[0], '!');
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_public_registers),
        cmocka_unit_test(of_the_default_country_by_its_form),
        cmocka_unit_test(refused_with_a_reason),
        cmocka_unit_test(bytes_are_bytes),
        cmocka_unit_test(words_for_clerks),
        cmocka_unit_test(digits_judged_by_another_formulation),
        cmocka_unit_test(mistyped_is_found_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
