/*
 * What was newly said, what is repeated of before, and the signature. Heuristics, on lines: a mail that is
 * read wrongly still has all of it in its original. SPDX-License-Identifier: Apache-2.0
 */
#include "mail_impl.h"

#include <stdlib.h>
#include <string.h>

enum { QUOTE_LINES_MAX = 20000, QUOTE_LEAD_MAX = 400 /* bytes of an "On … wrote:" */ };

struct line {
    const char *p;
    size_t n;
};

static bool has(struct line l, const char *word)
{
    return l.n >= strlen(word) && memmem(l.p, l.n, word, strlen(word)) != NULL;
}
static bool starts(struct line l, const char *word)
{
    return l.n >= strlen(word) && g_ascii_strncasecmp(l.p, word, strlen(word)) == 0;
}
static bool ends(struct line l, const char *word)
{
    size_t n = strlen(word);

    while (l.n && (l.p[l.n - 1] == ' ' || l.p[l.n - 1] == '\t'))
        l.n--;
    return l.n >= n && memcmp(l.p + l.n - n, word, n) == 0;
}
static bool empty(struct line l)
{
    while (l.n && (*l.p == ' ' || *l.p == '\t'))
        l.p++, l.n--;
    return l.n == 0;
}

static bool quoted(struct line l)
{
    while (l.n && (*l.p == ' ' || *l.p == '\t'))
        l.p++, l.n--;
    return l.n && *l.p == '>';
}

/* "-----Mensaje original-----", a line of underscores (Outlook) followed by From:. */
static bool divider(const struct line *l, size_t i, size_t n)
{
    static const char *const words[] = {"Original Message",
                                        "Mensaje original",
                                        "Mensagem original",
                                        "Message d'origine",
                                        "Forwarded message",
                                        "Mensaje reenviado",
                                        "Begin forwarded message",
                                        "Inicio del mensaje reenviado",
                                        NULL};
    size_t k, dashes = 0;

    if (starts(l[i], "--") || starts(l[i], "Begin forwarded") || starts(l[i], "Inicio del mensaje"))
        for (k = 0; words[k]; k++)
            if (has(l[i], words[k]))
                return true;
    for (k = 0; k < l[i].n; k++)
        dashes += l[i].p[k] == '_';
    return dashes >= 20 && dashes == l[i].n && i + 1 < n &&
           (starts(l[i + 1], "From:") || starts(l[i + 1], "De:") || starts(l[i + 1], "*From:") ||
            starts(l[i + 1], "*De:"));
}

/* A block "De: … / Enviado: … / Para: … / Asunto: …" that clients put before the history. */
static bool header_block(const struct line *l, size_t i, size_t n)
{
    static const char *const from[] = {"From:", "De:", "*From:", "*De:", "Von:", NULL},
                             *const next[] = {"Sent:",     "Enviado",  "Date:",   "Fecha:",  "To:",  "Para:",
                                              "*Sent:",    "*Enviado", "*Date:",  "*Fecha:", "*To:", "*Para:",
                                              "Gesendet:", "Subject:", "Asunto:", NULL};
    size_t k, j, found = 0;

    for (k = 0; from[k] && !starts(l[i], from[k]); k++)
        ;
    if (!from[k])
        return false;
    for (j = i + 1; j < n && j < i + 5; j++)
        for (k = 0; next[k]; k++)
            if (starts(l[j], next[k])) {
                found++;
                break;
            }
    return found >= 2;
}

/* "El mar, 1 dic 2026 a las 10:00, Ana (<a@b>) escribió:", over up to four lines. The number of its lines; 0:
 * it is none. */
static size_t attribution(const struct line *l, size_t i, size_t n)
{
    static const struct {
        const char *begin, *end;
    } forms[] = {{"On ", "wrote:"},  {"El ", "escribió:"}, {"El ", "escribio:"}, {"Em ", "escreveu:"},
                 {"Le ", "écrit :"}, {"Le ", "écrit:"},    {"Am ", "schrieb:"},  {"El día ", "escribió:"}};
    size_t k, j, bytes;

    for (k = 0; k < sizeof forms / sizeof *forms; k++) {
        if (!starts(l[i], forms[k].begin))
            continue;
        for (j = i, bytes = 0; j < n && j < i + 4 && bytes < QUOTE_LEAD_MAX && !empty(l[j]); j++) {
            bytes += l[j].n;
            if (ends(l[j], forms[k].end))
                return j - i + 1;
        }
    }
    /* "Ana Ruiz <ana@example.com> escribió:" */
    return l[i].n < QUOTE_LEAD_MAX && has(l[i], "@") && has(l[i], "<") &&
                   (ends(l[i], "wrote:") || ends(l[i], "escribió:"))
               ? 1
               : 0;
}

/* Where the history begins that goes on to the end. Answers between quoted lines are kept whole: then nothing
 * is cut. */
static size_t history(const struct line *l, size_t n)
{
    size_t i, j, lead;

    for (i = 0; i < n; i++) {
        if (divider(l, i, n) || header_block(l, i, n))
            return i;
        lead = attribution(l, i, n);
        if (!lead && !quoted(l[i]))
            continue;
        for (j = i + lead; j < n && (empty(l[j]) || quoted(l[j])); j++)
            ;
        if (j >= n)
            return i;
        /* Under an attribution the history may have no marks at all (HTML's is in a blockquote, so it has).
         */
        if (lead && j == i + lead)
            continue;
        /* Something is said behind it: a signature is no answer. */
        if (starts(l[j], "-- ") || (l[j].n == 2 && starts(l[j], "--")))
            return i;
    }
    return n;
}

/* "-- " by RFC 3676, and what telephones write. */
static size_t signature(const struct line *l, size_t n)
{
    static const char *const phones[] = {
        "Sent from my ",         "Enviado desde mi ",   "Enviado desde Outlook", "Get Outlook for ",
        "Obtener Outlook para ", "Obtén Outlook para ", "Enviado do meu ",       NULL};
    size_t i, k;

    for (i = n; i-- > 0 && i + 40 > n;) {
        if ((l[i].n == 3 && memcmp(l[i].p, "-- ", 3) == 0) || (l[i].n == 2 && memcmp(l[i].p, "--", 2) == 0))
            return i;
        for (k = 0; phones[k]; k++)
            if (starts(l[i], phones[k]))
                return i;
    }
    return n;
}

/* Lines from to to, without blank ones around; NULL: none or no memory. */
static char *joined(const struct line *l, size_t from, size_t to, bool *failed)
{
    char *s;

    while (from < to && empty(l[from]))
        from++;
    while (to > from && empty(l[to - 1]))
        to--;
    if (from == to)
        return NULL;
    s = strndup(l[from].p, (size_t)(l[to - 1].p + l[to - 1].n - l[from].p));
    *failed = *failed || !s;
    return s;
}

int32_t mail_quote(const char *whole, struct mail *m)
{
    struct line *l = malloc(QUOTE_LINES_MAX * sizeof *l);
    size_t n = 0, end, sign;
    bool failed = !l;
    const char *at = whole;

    while (l && *at && n < QUOTE_LINES_MAX) {
        const char *lf = strchr(at, '\n');

        l[n].p = at;
        l[n].n = lf && n + 1 < QUOTE_LINES_MAX ? (size_t)(lf - at) : strlen(at);
        at = l[n].p + l[n].n;
        at += *at == '\n';
        n++;
    }
    if (l) {
        end = history(l, n);
        sign = signature(l, end);
        /* Who says nothing new forwards: then all of it is what is said. */
        m->text = joined(l, 0, sign, &failed);
        if (!m->text && !failed && end < n) {
            m->text = joined(l, 0, n, &failed);
        } else {
            m->signature = joined(l, sign, end, &failed);
            m->quoted = joined(l, end, n, &failed);
        }
        if (!m->text && !failed)
            m->text = strdup("");
        if (m->text && strlen(m->text) > MAIL_TEXT_MAX) {
            size_t cut = MAIL_TEXT_MAX;

            while (cut && ((unsigned char)m->text[cut] & 0xc0) == 0x80)
                cut--;
            m->text[cut] = '\0';
        }
    }
    free(l);
    return failed || !m->text ? HILO_NOMEM : HILO_OK;
}
