/* What a clerk types or a scanner reads, told apart; and text as it may stand on a screen. */
#include "rig.h"
#include "ui.h"
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *country, *typed, *by;
} rows[] = {
    /* A number alone is the country's usual document. */
    {"CO", "1020304050", "{\"document\":{\"country\":\"CO\",\"type\":\"CC\",\"number\":\"1020304050\"}}"},
    {"CO", " 1.020.304.050 ",
     "{\"document\":{\"country\":\"CO\",\"type\":\"CC\",\"number\":\"1020304050\"}}"},
    {"CO", "900.123.456-7", "{\"document\":{\"country\":\"CO\",\"type\":\"NIT\",\"number\":\"9001234567\"}}"},
    {"MX", "gomc900101hdfrrl09",
     "{\"document\":{\"country\":\"MX\",\"type\":\"CURP\",\"number\":\"GOMC900101HDFRRL09\"}}"},
    {"MX", "GOMC900101AB1",
     "{\"document\":{\"country\":\"MX\",\"type\":\"RFC\",\"number\":\"GOMC900101AB1\"}}"},
    {"CL", "12.345.678-5", "{\"document\":{\"country\":\"CL\",\"type\":\"RUT\",\"number\":\"123456785\"}}"},
    {"CL", "7654321-k", "{\"document\":{\"country\":\"CL\",\"type\":\"RUT\",\"number\":\"7654321K\"}}"},
    {"PE", "12345678", "{\"document\":{\"country\":\"PE\",\"type\":\"DNI\",\"number\":\"12345678\"}}"},
    {"PE", "20123456789", "{\"document\":{\"country\":\"PE\",\"type\":\"RUC\",\"number\":\"20123456789\"}}"},
    {"AR", "20-12345678-6",
     "{\"document\":{\"country\":\"AR\",\"type\":\"CUIT\",\"number\":\"20123456786\"}}"},
    {"BR", "123.456.789-09",
     "{\"document\":{\"country\":\"BR\",\"type\":\"CPF\",\"number\":\"12345678909\"}}"},
    {"BR", "11.222.333/0001-81",
     "{\"document\":{\"country\":\"BR\",\"type\":\"CNPJ\",\"number\":\"11222333000181\"}}"},
    {"ES", "12345678Z", "{\"document\":{\"country\":\"ES\",\"type\":\"DNI\",\"number\":\"12345678Z\"}}"},
    {"ES", "x1234567l", "{\"document\":{\"country\":\"ES\",\"type\":\"NIE\",\"number\":\"X1234567L\"}}"},
    /* With its type, or whole. */
    {"CO", "ce 123456", "{\"document\":{\"country\":\"CO\",\"type\":\"CE\",\"number\":\"123456\"}}"},
    {"", "CC 1020304050", "{\"document\":{\"type\":\"CC\",\"number\":\"1020304050\"}}"},
    {"MX", "co:cc:1020304050",
     "{\"document\":{\"country\":\"CO\",\"type\":\"cc\",\"number\":\"1020304050\"}}"},
    /* The rest. */
    {"CO", "+57 300 111 2233", "{\"phone\":\"+573001112233\"}"},
    {"CO", "tel +57-300-111-2233", "{\"phone\":\"+573001112233\"}"},
    {"CO", "ana@example.com", "{\"email\":\"ana@example.com\"}"},
    {"CO", "k7qm2p", "{\"appointment\":\"K7QM2P\"}"},
    {"ES", "K7QM2P", "{\"appointment\":\"K7QM2P\"}"},
    {"CO", "cita 234567", "{\"appointment\":\"234567\"}"},
    {"CO", "#F-77", "{\"order\":\"F-77\"}"},
    {"CO", "pedido 1020304050", "{\"order\":\"1020304050\"}"},
    {"CO", "F-2026/0077", "{\"order\":\"F-2026/0077\"}"},
    {"CO", "socio 881", "{\"loyalty\":\"881\"}"},
    {"CO", "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV", "{\"customer\":\"cus_01ARZ3NDEKTSV4RRFFQ69G5FAV\"}"},
    {"CO", "cas_01ARZ3NDEKTSV4RRFFQ69G5FAV", "{\"case\":\"cas_01ARZ3NDEKTSV4RRFFQ69G5FAV\"}"},
    /* Nothing partial, nothing guessed. */
    {"CO", "10203*", NULL},
    {"CO", "%", NULL},
    {"CO", "", NULL},
    {"CO", "   ", NULL},
    {"CO", "Ana Ruiz", NULL},
    {"CO", "+57 abc", NULL},
    {"CO", "a b@c", NULL},
    {"CO", "#", NULL},
    {"CO", "12", NULL},
};

static void what_is_typed_is_told_apart(void **state)
{
    cJSON *by, *want;
    char *said;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        by = by_read(rows[i].typed, rows[i].country);
        want = rows[i].by ? cJSON_Parse(rows[i].by) : NULL;
        said = by ? cJSON_PrintUnformatted(by) : NULL;
        if (!by != !want || (by && !cJSON_Compare(by, want, 1)))
            fail_msg("%s in %s: %s", rows[i].typed, rows[i].country, said ? said : "nothing");
        cJSON_free(said);
        cJSON_Delete(by);
        cJSON_Delete(want);
    }
}

static void lines_break_at_spaces_and_never_within_a_character(void **state)
{
    static const char *const want[] = {"una frase", "larga", "para", "冷蔵庫冷蔵", "庫 x"};
    const char *rest = "una frase larga\npara 冷蔵庫冷蔵庫 x", *next;
    size_t i, n;

    (void)state;
    for (i = 0; *rest; i++, rest = next) {
        n = text_line(rest, 10, &next);
        assert_in_range(i, 0, 4);
        if (n != strlen(want[i]) || memcmp(rest, want[i], n) != 0)
            fail_msg("line %zu: %.*s", i, (int)n, rest);
    }
    assert_int_equal(i, 5);
    assert_int_equal(text_width("a冷é"), 4);
}

static void times_are_near_or_dated(void **state)
{
    struct text t = {0};

    (void)state;
    text_time(&t, true, "2026-11-27T14:05:00Z", 1795795200 - 3 * 3600); /* 2026-11-27 */
    text_add(&t, "|");
    text_time(&t, true, "2026-11-20T14:05:00.123Z", 1795795200 - 3 * 3600);
    text_add(&t, "|");
    text_time(&t, false, "2026-11-20T14:05:00Z", 1795795200 - 3 * 3600);
    text_add(&t, "|");
    text_time(&t, false, "yesterday", 0);
    assert_string_equal(text_z(&t), "14:05|20/11 14:05|Nov 20 14:05|");
    text_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_typed_is_told_apart),
        cmocka_unit_test(lines_break_at_spaces_and_never_within_a_character),
        cmocka_unit_test(times_are_near_or_dated),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
