/*
 * Opt-out and opt-in words. A text counts only when it is nothing but the word: "no me
 * den de baja el plan" or "stop by at five" are sentences. Compared folded: compatibility
 * decomposition (so that full-width letters count), full case folding, marks left out, and
 * whatever is no letter or digit is a gap (libunistring).
 *
 * Sources: CTIA's handbook and the FCC's rule of 2025 for stop, quit, end, revoke, opt out,
 * cancel, unsubscribe, and UNSTOP; the CRC (Colombia), IFT (Mexico) and ANATEL (Brazil) for
 * theirs. YES and INFO, which some carriers take for START and HELP, are left out: a gateway
 * that talks with people gets them as answers.
 */
#include "services/consent_words.h"
#include "base/str.h"
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

enum { SAID_MAX = 64 }; /* bytes of what can be a word */

const char *const word_languages[WORD_LANGUAGES] = {"en", "es", "pt"};

/* Folded. */
static const struct word {
    const char *text;
    uint32_t kind, languages, flags;
} words[] = {
    {"stop", WORD_STOP, WORD_EN | WORD_ES | WORD_PT, WORD_BUTTON | WORD_FIRM},
    {"stopall", WORD_STOP, WORD_EN, WORD_BUTTON | WORD_FIRM},
    {"stop all", WORD_STOP, WORD_EN, WORD_BUTTON | WORD_FIRM},
    {"unsubscribe", WORD_STOP, WORD_EN, WORD_BUTTON | WORD_FIRM},
    {"opt out", WORD_STOP, WORD_EN, WORD_BUTTON | WORD_FIRM},
    {"optout", WORD_STOP, WORD_EN, WORD_BUTTON | WORD_FIRM},
    {"stop promotions", WORD_STOP, WORD_EN, WORD_BUTTON | WORD_FIRM},
    {"end", WORD_STOP, WORD_EN, 0},
    {"quit", WORD_STOP, WORD_EN, 0},
    {"cancel", WORD_STOP, WORD_EN, 0},
    {"revoke", WORD_STOP, WORD_EN, 0},
    {"baja", WORD_STOP, WORD_ES, WORD_BUTTON},
    {"dar de baja", WORD_STOP, WORD_ES, WORD_BUTTON | WORD_FIRM},
    {"darme de baja", WORD_STOP, WORD_ES, WORD_BUTTON | WORD_FIRM},
    {"darse de baja", WORD_STOP, WORD_ES, WORD_BUTTON | WORD_FIRM},
    {"detener promociones", WORD_STOP, WORD_ES, WORD_BUTTON | WORD_FIRM},
    {"alto", WORD_STOP, WORD_ES, 0},
    {"parar", WORD_STOP, WORD_ES | WORD_PT, 0},
    {"cancelar", WORD_STOP, WORD_ES | WORD_PT, 0},
    {"detener", WORD_STOP, WORD_ES, 0},
    {"salir", WORD_STOP, WORD_ES, 0},
    {"no mas", WORD_STOP, WORD_ES, 0},
    {"sair", WORD_STOP, WORD_PT, 0},
    {"pare", WORD_STOP, WORD_PT, 0},
    {"descadastrar", WORD_STOP, WORD_PT, WORD_BUTTON | WORD_FIRM},
    {"parar promocoes", WORD_STOP, WORD_PT, WORD_BUTTON | WORD_FIRM},
    {"start", WORD_START, WORD_EN | WORD_ES | WORD_PT, WORD_BUTTON},
    {"unstop", WORD_START, WORD_EN | WORD_ES | WORD_PT, WORD_BUTTON},
    {"alta", WORD_START, WORD_ES, 0},
    {"dar de alta", WORD_START, WORD_ES, WORD_BUTTON},
    {"darme de alta", WORD_START, WORD_ES, WORD_BUTTON},
    {"voltar", WORD_START, WORD_PT, 0},
    {"help", WORD_HELP, WORD_EN | WORD_ES | WORD_PT, 0},
    {"ayuda", WORD_HELP, WORD_ES, 0},
    {"ajuda", WORD_HELP, WORD_PT, 0},
};

/* No letter of theirs needs UCS-2 in an SMS. */
static const struct {
    const char *language, *stop, *start;
} answers[] = {
    {"en", "{name}: you will get no more messages from us here. Reply START to get them again.",
     "{name}: you will get our messages here again. Reply STOP to end them."},
    {"es", "{name}: ya no le enviaremos mensajes por este medio. Responda ALTA para recibirlos de nuevo.",
     "{name}: le enviaremos mensajes de nuevo por este medio. Responda BAJA para no recibirlos."},
    {"pt", "{name}: mensagens canceladas por aqui. Responda VOLTAR para receber de novo.",
     "{name}: mensagens ativadas por aqui. Responda SAIR para cancelar."},
};

static uint8_t *decomposed(struct hilo_str s, size_t *n_out)
{
    return u8_casefold((const uint8_t *)s.p, (size_t)s.n, NULL, UNINORM_NFKD, NULL, n_out);
}

/* The same for text that is ASCII alone, or longer than a word by its ASCII alone, which most of what
 * people say is: by the library it took as much as all the rest of taking a message. False:
 * it is neither. */
static bool fold_ascii(struct arena *a, struct hilo_str s, struct hilo_str *out)
{
    char said[SAID_MAX];
    size_t k = 0;
    bool gap = false, longer = false, other = false;

    for (uint64_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x80) {
            other = true;
            continue;
        }
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) {
            gap = k > 0;
            continue;
        }
        longer |= k + gap + 1 > SAID_MAX;
        if (longer)
            continue;
        if (gap)
            said[k++] = ' ';
        gap = false;
        said[k++] = (char)c;
    }
    *out = longer || k == 0 || other ? (struct hilo_str){0} : arena_str(a, str_n(said, k));
    return longer || !other;
}

struct hilo_str word_fold(struct arena *a, struct hilo_str s)
{
    struct hilo_str ascii;
    size_t n = 0, i, k = 0;
    bool gap = false;
    ucs4_t uc;
    int len;

    /* Longer with signs around it, but not by pages. */
    if (s.n == 0 || s.n > 4 * SAID_MAX)
        return (struct hilo_str){0};
    if (fold_ascii(a, s, &ascii))
        return ascii;
    if (!str_utf8_valid(s))
        return (struct hilo_str){0};
    uint8_t *low = decomposed(s, &n);
    if (!low)
        return (struct hilo_str){0};
    uint8_t *p = arena_alloc(a, n + 1);
    for (i = 0; i < n; i += (size_t)len) {
        len = u8_mbtouc(&uc, low + i, n - i);
        if (len <= 0)
            break;
        if (uc_is_general_category_withtable(uc, UC_CATEGORY_MASK_M))
            continue;
        if (!uc_is_general_category_withtable(uc, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N)) {
            gap = k > 0;
            continue;
        }
        if (gap)
            p[k++] = ' ';
        gap = false;
        memcpy(p + k, low + i, (size_t)len);
        k += (size_t)len;
    }
    free(low);
    return k > SAID_MAX ? (struct hilo_str){0} : str_n(p, k);
}

static uint32_t single(uint32_t languages)
{
    return languages & (languages - 1) ? 0 : languages;
}

struct word_found word_find(const struct consent_rules *r, struct hilo_str said, bool button, struct arena *a)
{
    struct hilo_str s = word_fold(a, said);

    if (s.n == 0)
        return (struct word_found){0};
    for (const struct own_word *w = r->words; w; w = w->next)
        if (str_eq(w->text, s))
            return w->kind == WORD_IGNORED ? (struct word_found){0}
                                           : (struct word_found){.kind = w->kind, .flags = WORD_BUTTON};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eqz(s, words[i].text) && (words[i].languages & r->languages) &&
            (!button || (words[i].flags & WORD_BUTTON)))
            return (struct word_found){
                .kind = words[i].kind, .flags = words[i].flags, .language = single(words[i].languages)};
    return (struct word_found){0};
}

/* "es-CO" is of "es". */
static bool speaks(struct hilo_str language, struct hilo_str of)
{
    return str_starts(language, of) && (language.n == of.n || language.p[of.n] == '-');
}

static struct hilo_str named(struct hilo_str text, struct hilo_str name, struct arena *a)
{
    static const char mark[] = "{name}";
    const char *at = text.n ? memmem(text.p, (size_t)text.n, mark, sizeof mark - 1) : NULL;

    if (!at)
        return text;
    struct hilo_str rest = str_n(at + sizeof mark - 1, (size_t)(text.p + text.n - at) - (sizeof mark - 1));
    return arena_fmt(a, "%.*s%.*s%.*s", (int)(at - text.p), text.p, STR_FMT(name), STR_FMT(rest));
}

struct hilo_str word_answer(const struct consent_rules *r, uint32_t kind, struct hilo_str language,
                            struct hilo_str name, struct arena *a)
{
    const struct own_text *any = NULL;
    size_t i, n = sizeof answers / sizeof *answers;

    for (const struct own_text *t = r->texts; t; t = t->next) {
        if (t->kind != kind)
            continue;
        if (t->language.n && speaks(language, t->language))
            return named(t->text, name, a);
        if (t->language.n == 0 && !any)
            any = t;
    }
    if (any)
        return named(any->text, name, a);
    if (kind == WORD_HELP)
        return (struct hilo_str){0};
    for (i = 0; i < n && !speaks(language, str(answers[i].language));)
        i++;
    if (i == n)
        i = 0;
    return named(str(kind == WORD_STOP ? answers[i].stop : answers[i].start), name, a);
}
