/*
 * Amounts: "veintiún pesos", "un millón de pesos", "una libra con cincuenta peniques"; "one dollar and fifty
 * cents".
 * SPDX-License-Identifier: Apache-2.0
 */
#include "say_out.h"

struct unit {
    const char *name[2][2]; /* by language: one, more */
    bool feminine;          /* in Spanish; each part of these is masculine */
};
#define UNIT(one_es, more_es, one_en, more_en)                                                               \
    {                                                                                                        \
        {[SAY_ES] = {one_es, more_es}, [SAY_EN] = {one_en, more_en}}, false                                  \
    }

static const struct unit peso = UNIT("peso", "pesos", "peso", "pesos"),
                         centavo = UNIT("centavo", "centavos", "centavo", "centavos"),
                         cent = UNIT("centavo", "centavos", "cent", "cents"),
                         euro_cent = UNIT("céntimo", "céntimos", "cent", "cents"),
                         centimo = UNIT("céntimo", "céntimos", "céntimo", "céntimos"),
                         centesimo = UNIT("centésimo", "centésimos", "centésimo", "centésimos"),
                         penny = UNIT("penique", "peniques", "penny", "pence");

/* Those of the Americas, and of Europe what is met there. Which of several pesos it is, a caller knows. part:
 * its hundredth; NULL: it has none. */
static const struct {
    char code[4];
    struct unit unit;
    const struct unit *part;
} currencies[] = {
    {"BOB", UNIT("boliviano", "bolivianos", "boliviano", "bolivianos"), &centavo},
    {"BRL", UNIT("real", "reales", "real", "reais"), &centavo},
    {"CAD", UNIT("dólar canadiense", "dólares canadienses", "Canadian dollar", "Canadian dollars"), &cent},
    {"CRC", UNIT("colón", "colones", "colón", "colones"), &centimo},
    {"EUR", UNIT("euro", "euros", "euro", "euros"), &euro_cent},
    {"GBP", {{[SAY_ES] = {"libra", "libras"}, [SAY_EN] = {"pound", "pounds"}}, true}, &penny},
    {"GTQ", UNIT("quetzal", "quetzales", "quetzal", "quetzales"), &centavo},
    {"HNL", UNIT("lempira", "lempiras", "lempira", "lempiras"), &centavo},
    {"NIO", UNIT("córdoba", "córdobas", "córdoba", "córdobas"), &centavo},
    {"PAB", UNIT("balboa", "balboas", "balboa", "balboas"), &centesimo},
    {"PEN", UNIT("sol", "soles", "sol", "soles"), &centimo},
    {"PYG", UNIT("guaraní", "guaraníes", "guaraní", "guaraníes"), NULL},
    {"USD", UNIT("dólar", "dólares", "dollar", "dollars"), &cent},
    {"VES", UNIT("bolívar", "bolívares", "bolívar", "bolívares"), &centimo},
};
static const struct {
    char code[4];
    const struct unit *part;
} pesos[] = {{"ARS", &centavo}, {"CLP", NULL},     {"COP", &centavo},  {"CUP", &centavo},
             {"DOP", &centavo}, {"MXN", &centavo}, {"UYU", &centesimo}};

static const struct unit *find(struct hilo_str code, const struct unit **part_out)
{
    unsigned i;

    *part_out = NULL;
    if (code.n != 3)
        return NULL;
    for (i = 0; i < sizeof pesos / sizeof *pesos; i++)
        if (memcmp(pesos[i].code, code.p, 3) == 0) {
            *part_out = pesos[i].part;
            return &peso;
        }
    for (i = 0; i < sizeof currencies / sizeof *currencies; i++)
        if (memcmp(currencies[i].code, code.p, 3) == 0) {
            *part_out = currencies[i].part;
            return &currencies[i].unit;
        }
    return NULL;
}

bool say_money_known(struct hilo_str currency)
{
    const struct unit *part;

    return find(currency, &part) != NULL;
}

struct hilo_str say_currency_of(struct hilo_str country)
{
    static const char of[][6] = {"ARARS", "BOUSD", "CACAD", "CLCLP", "COCOP", "CRUSD", "CUCUP", "DODOP",
                                 "ECUSD", "ESUSD", "GTUSD", "HNUSD", "MXMXN", "NIUSD", "PAUSD", "PEUSD",
                                 "PRUSD", "PYUSD", "SVUSD", "USUSD", "UYUYU", "VEUSD"};
    unsigned i;

    for (i = 0; country.n == 2 && i < sizeof of / sizeof *of; i++)
        if (memcmp(of[i], country.p, 2) == 0)
            return (struct hilo_str){of[i] + 2, 3};
    return (struct hilo_str){0};
}

/* "veintiún pesos", "un millón de pesos" */
static void put_units(struct say_out *o, enum say_language language, uint64_t n, const struct unit *u)
{
    say_put_cardinal(o, language, n, u->feminine ? SAY_FEMININE : SAY_MASCULINE);
    if (language == SAY_ES && n && n % 1000000 == 0)
        say_word(o, "de");
    say_word(o, u->name[language][n != 1]);
}

size_t say_money(enum say_language language, struct hilo_str amount, struct hilo_str currency, char *out,
                 size_t n)
{
    struct say_out o = {out, n, 0};
    struct say_amount a;
    const struct unit *unit, *part;
    unsigned hundredths = 0;
    char words[256];

    if (!say_amount_read(amount, &a))
        return say_nothing(&o);
    unit = find(currency, &part);
    if (!unit || a.fraction.n > 2 || (a.fraction.n && !part)) {
        /* As a number, "uno coma dos cinco". */
        if (!say_decimal(language, amount, words, sizeof words))
            return say_nothing(&o);
        say_word(&o, words);
        if (unit)
            say_word(&o, unit->name[language][1]);
        else if (say_spell(language, currency, words, sizeof words)) {
            say_puts(&o, ",");
            say_word(&o, words);
        }
        return say_end(&o);
    }
    if (a.fraction.n)
        hundredths = (unsigned)(a.fraction.p[0] - '0') * 10 +
                     (a.fraction.n > 1 ? (unsigned)(a.fraction.p[1] - '0') : 0);
    if (a.minus && (a.whole || hundredths))
        say_word(&o, language == SAY_ES ? "menos" : "minus");
    if (a.whole || !hundredths)
        put_units(&o, language, a.whole, unit);
    if (hundredths) {
        if (a.whole)
            say_word(&o, language == SAY_ES ? "con" : "and");
        put_units(&o, language, hundredths, part);
    }
    return say_end(&o);
}
