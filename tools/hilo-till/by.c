/*
 * What a clerk types, or a scanner reads, told apart by its form: a document, a telephone number, an address,
 * the code of an appointment, an order, a slip. What could be two things is the more usual one at a counter;
 * a word before it decides ("pedido 1020304050").
 */
#include "ui.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ASCII only: documents and codes have no other. */
static bool by__in(const char *s, const char *set)
{
    return s[strspn(s, set)] == 0;
}

static const char digits[] = "0123456789";
static const char code_letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Without what people put between: "1.020.304.050" is 1020304050. */
static void by__compact(const char *s, char *out, size_t cap)
{
    size_t n = 0;

    for (; *s && n + 1 < cap; s++)
        if (!strchr(" .-/()", *s))
            out[n++] = (char)toupper((unsigned char)*s);
    out[n] = 0;
}

static cJSON *by__one(const char *name, const char *value)
{
    cJSON *o = cJSON_CreateObject();

    cJSON_AddStringToObject(o, name, value);
    return o;
}

static cJSON *by__document(const char *country, const char *type, const char *number)
{
    cJSON *o = cJSON_CreateObject(), *d = cJSON_AddObjectToObject(o, "document");

    if (country[0])
        cJSON_AddStringToObject(d, "country", country);
    cJSON_AddStringToObject(d, "type", type);
    cJSON_AddStringToObject(d, "number", number);
    return o;
}

/* ---- a word before it -----------------------------------------------------------------------------------
 */

static const struct {
    const char *word, *by;
} words[] = {
    {"pedido", "order"},
    {"orden", "order"},
    {"factura", "order"},
    {"order", "order"},
    {"invoice", "order"},
    {"cita", "appointment"},
    {"appointment", "appointment"},
    {"puntos", "loyalty"},
    {"socio", "loyalty"},
    {"loyalty", "loyalty"},
    {"tel", "phone"},
    {"cel", "phone"},
    {"phone", "phone"},
};
static const char *const types[] = {"CC",  "CE",  "TI",   "NIT", "CURP", "RFC", "DNI",
                                    "RUC", "RUT", "CUIT", "CPF", "CNPJ", "NIE"};

static cJSON *by__worded(const char *s, const char *country)
{
    size_t n = strcspn(s, " :"), i;
    const char *rest = s + n + strspn(s + n, " :");
    char compact[64];

    if (!s[n] || !*rest)
        return NULL;
    by__compact(rest, compact, sizeof compact);
    for (i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].word) == n && strncasecmp(s, words[i].word, n) == 0)
            return by__one(words[i].by,
                           strcmp(words[i].by, "phone") == 0 || strcmp(words[i].by, "appointment") == 0
                               ? compact
                               : rest);
    for (i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i]) == n && strncasecmp(s, types[i], n) == 0)
            return by__document(country, types[i], compact);
    return NULL;
}

/* "CO:CC:1020304050", as documents are written elsewhere in Hilo. */
static cJSON *by__full(const char *s)
{
    char country[3], type[9], number[41];

    if (sscanf(s, "%2[A-Za-z]:%8[A-Za-z]:%40[A-Za-z0-9.-]", country, type, number) != 3 ||
        strlen(country) != 2)
        return NULL;
    country[0] = (char)toupper((unsigned char)country[0]);
    country[1] = (char)toupper((unsigned char)country[1]);
    return by__document(country, type, number);
}

/* ---- by its form
 * ---------------------------------------------------------------------------------------------- */

static const char *by__type(const char *country, const char *typed, const char *c)
{
    size_t n = strlen(c), d = strspn(c, digits);

    if (strcmp(country, "MX") == 0)
        return n == 18 ? "CURP" : n == 12 || n == 13 ? "RFC" : NULL;
    if (strcmp(country, "CL") == 0)
        return n >= 7 && n <= 9 && (d == n || (d == n - 1 && c[d] == 'K')) ? "RUT" : NULL;
    if (strcmp(country, "ES") == 0)
        return n == 9 && d == 8                                                 ? "DNI"
               : n == 9 && strchr("XYZ", c[0]) && !isdigit((unsigned char)c[8]) ? "NIE"
                                                                                : NULL;
    if (strcmp(country, "PE") == 0)
        return d == n && n == 11 ? "RUC" : (n == 8 || n == 9) && d >= 8 ? "DNI" : NULL;
    if (d != n)
        return NULL;
    if (strcmp(country, "BR") == 0)
        return n == 11 ? "CPF" : n == 14 ? "CNPJ" : NULL;
    if (strcmp(country, "AR") == 0)
        return n == 11 ? "CUIT" : n == 7 || n == 8 ? "DNI" : NULL;
    if (strcmp(country, "CO") == 0)
        return n >= 9 && n <= 10 && strchr(typed, '-') ? "NIT" : n >= 5 && n <= 10 ? "CC" : NULL;
    return NULL;
}

cJSON *by_read(const char *typed, const char *country)
{
    char s[200], compact[200];
    const char *type;
    size_t n, d;
    cJSON *o;

    while (*typed == ' ')
        typed++;
    n = strlen(typed);
    while (n && typed[n - 1] == ' ')
        n--;
    if (n == 0 || n >= sizeof s)
        return NULL;
    snprintf(s, sizeof s, "%.*s", (int)n, typed);
    if (strpbrk(s, "*%?")) /* nothing partial */
        return NULL;
    if ((o = by__worded(s, country)) || (o = by__full(s)))
        return o;
    if (strchr(s, '@'))
        return strchr(s, ' ') ? NULL : by__one("email", s);
    if (strncmp(s, "cus_", 4) == 0)
        return by__one("customer", s);
    if (strncmp(s, "cas_", 4) == 0) /* the code on a slip */
        return by__one("case", s);
    if (s[0] == '#')
        return s[1] ? by__one("order", s + 1) : NULL;
    by__compact(s, compact, sizeof compact);
    if (compact[0] == '+')
        return compact[1] && by__in(compact + 1, digits) ? by__one("phone", compact) : NULL;
    n = strlen(compact);
    d = strspn(compact, digits);
    if ((type = by__type(country, s, compact)))
        return by__document(country, type, compact);
    /* An appointment's code is short and of letters that can't be taken for one another. */
    if (n >= 4 && n <= 8 && d < n && by__in(compact, code_letters))
        return by__one("appointment", compact);
    if (n >= 4 && !strchr(s, ' ') && strpbrk(s, digits))
        return by__one("order", s);
    return NULL;
}
