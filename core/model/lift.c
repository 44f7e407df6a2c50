/*
 * Lifting answers. Texts are compared folded: blanks at both ends dropped, full case
 * folding, and of the canonical decomposition the marks left out, so that "opcion",
 * "Opción" and "OPCIÓN" are one (libunistring). Only texts that are short enough to be
 * a title are looked at. When in doubt a text stays a text.
 */
#include "model/lift.h"
#include "base/str.h"
#include "model/codec.h"
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

enum { ANSWER_MAX = 1024, TENTH = 10 }; /* bytes; titles have at most 200 characters */

static struct hilo_str trim(struct hilo_str s)
{
    ucs4_t uc;
    int n;

    while (s.n > 0 && (n = u8_mbtouc(&uc, (const uint8_t *)s.p, (size_t)s.n)) > 0 &&
           uc_is_property_white_space(uc)) {
        s.p += n;
        s.n -= (uint64_t)n;
    }
    while (s.n > 0) {
        const uint8_t *prev = u8_prev(&uc, (const uint8_t *)s.p + s.n, (const uint8_t *)s.p);

        if (!prev || !uc_is_property_white_space(uc))
            break;
        s.n = (uint64_t)((const char *)prev - s.p);
    }
    return s;
}

/* {NULL, 0} for what can be no title: empty, too long, or not to be folded. */
static struct hilo_str fold(struct arena *a, struct hilo_str s)
{
    uint8_t *low, *p;
    size_t n, i, k = 0;
    ucs4_t uc;
    int len;

    s = trim(s);
    if (s.n == 0 || s.n > ANSWER_MAX)
        return (struct hilo_str){NULL, 0};
    low = u8_casefold((const uint8_t *)s.p, (size_t)s.n, NULL, UNINORM_NFD, NULL, &n);
    if (!low)
        return (struct hilo_str){NULL, 0};
    p = arena_dup(a, low, n);
    free(low);
    for (i = 0; i < n; i += (size_t)len) {
        len = u8_mbtouc(&uc, p + i, n - i);
        if (len <= 0)
            break;
        if (uc_is_general_category_withtable(uc, UC_CATEGORY_MASK_Mn))
            continue;
        memmove(p + k, p + i, (size_t)len);
        k += (size_t)len;
    }
    return str_n(p, k);
}

/* The number that a folded text is, "1", "2.", "opcion 1", "option 1"; 0: none. */
static uint64_t number(struct hilo_str s)
{
    static const char *const words[] = {"opcion", "option", "numero", "number"};
    uint64_t v;
    size_t i;

    for (i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_starts(s, str(words[i]))) {
            s = trim(str_n(s.p + strlen(words[i]), (size_t)s.n - strlen(words[i])));
            break;
        }
    }
    if (s.n > 1 && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == ')'))
        s.n--;
    return s.n <= 3 && str_u64(s, &v) ? v : 0;
}

/* ---- which choice ------------------------------------------------------------------ */

struct answer {
    struct hilo_str id, title, description;
};

static void take(struct hilo_str choice, struct answer *out)
{
    out->id = hilo_get_str(choice, HILO_T_CHOICE_ID);
    out->title = hilo_get_str(choice, HILO_T_CHOICE_TITLE);
    out->description = hilo_get_str(choice, HILO_T_CHOICE_DESCRIPTION);
}

/* The one choice that a text means. */
static bool by_text(struct hilo_str question, bool keys, struct arena *a, struct hilo_str text,
                    struct answer *out)
{
    struct hilo_str said = fold(a, text), rest = hilo_content(question), found = {NULL, 0};
    struct hilo_field f;
    uint64_t want, i = 0;
    bool twice = false;

    if (!said.p)
        return false;
    want = keys && str_eqz(said, "0") ? TENTH : number(said);
    while (hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        if (++i == want || str_eq(said, fold(a, hilo_get_str(f.val, HILO_T_CHOICE_TITLE)))) {
            twice |= found.p != NULL;
            found = f.val;
        }
    }
    if (!found.p || twice)
        return false;
    take(found, out);
    return true;
}

static bool by_id(struct hilo_str question, struct hilo_str id, struct answer *out)
{
    struct hilo_str rest = hilo_content(question);
    struct hilo_field f;

    while (hilo_next(&rest, &f) == 1) {
        if (f.tag == HILO_T_CONTENT_CHOICES && str_eq(id, hilo_get_str(f.val, HILO_T_CHOICE_ID))) {
            take(f.val, out);
            return true;
        }
    }
    return false;
}

/* Whether what came answers this question: it names it, or names nothing. What it
 * names by a provider's id that we can't compare counts as this one if sure (the id of
 * a choice says enough), else not. */
static bool answers(struct hilo_str inbound, struct hilo_str question, bool sure)
{
    struct hilo_str s, q;

    if (hilo_find(inbound, HILO_T_MSG_REPLY_TO, &s))
        return hilo_find(question, HILO_T_MSG_ID, &q) && str_eq(s, q);
    if (hilo_find(inbound, HILO_T_MSG_REPLY_EXT, &s))
        return hilo_find(question, HILO_T_MSG_EXT_ID, &q) ? str_eq(s, q) : sure;
    return true;
}

/* Whether a title is the choice's, or was shortened from it ("Devoluc…"). */
static bool same_title(struct hilo_str came, struct hilo_str full)
{
    static const struct hilo_str ellipsis = {"…", 3};

    if (came.n == 0 || str_eq(came, full))
        return true;
    return came.n > ellipsis.n && str_eq(str_n(came.p + came.n - ellipsis.n, (size_t)ellipsis.n), ellipsis) &&
           str_starts(full, str_n(came.p, (size_t)(came.n - ellipsis.n)));
}

/* ---- the reply --------------------------------------------------------------------- */

static int32_t reply(struct hilo_str inbound, struct hilo_str question, const struct answer *an,
                     const struct hilo_str *text, struct arena *a, struct hilo_str *out, struct err *e)
{
    struct model_change in[6], top[4];
    size_t n = 0, m = 0;
    struct hilo_str s;

    in[n++] = change_u64(HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    in[n++] = change_str(HILO_T_CONTENT_CHOICE, an->id);
    in[n++] = change_str(HILO_T_CONTENT_TITLE, an->title);
    if (text) {
        in[n++] = change_remove(HILO_T_CONTENT_TEXT);
        in[n++] = change_remove(HILO_T_CONTENT_PREVIEW_URL);
        if (an->description.n)
            in[n++] = change_str(HILO_T_CONTENT_DESCRIPTION, an->description);
        top[m++] = change_str(HILO_T_MSG_LIFTED_FROM, *text);
    }
    top[m++] = change_into(HILO_T_MSG_CONTENT, in, n);
    if (hilo_find(question, HILO_T_MSG_ID, &s))
        top[m++] = change_str(HILO_T_MSG_REPLY_TO, s);
    if (hilo_find(question, HILO_T_MSG_EXT_ID, &s))
        top[m++] = change_str(HILO_T_MSG_REPLY_EXT, s);
    return model_edit(a, inbound, top, m, out, e);
}

int32_t lift(struct hilo_str inbound, struct hilo_str question, bool keys, struct arena *a,
             struct hilo_str *out, struct err *e)
{
    struct hilo_str content = hilo_content(inbound), text, made = inbound;
    uint32_t type = hilo_content_type(inbound);
    struct answer an;
    int32_t rc = HILO_OK;

    if (hilo_content_type(question) == HILO_CONTENT_CHOICES &&
        answers(inbound, question, type == HILO_CONTENT_CHOICE_REPLY)) {
        text = hilo_get_str(content, HILO_T_CONTENT_TEXT);
        if (type == HILO_CONTENT_TEXT && by_text(question, keys, a, text, &an))
            rc = reply(inbound, question, &an, &text, a, &made, e);
        else if (type == HILO_CONTENT_CHOICE_REPLY &&
                 by_id(question, hilo_get_str(content, HILO_T_CONTENT_CHOICE), &an) &&
                 same_title(hilo_get_str(content, HILO_T_CONTENT_TITLE), an.title))
            rc = reply(inbound, question, &an, NULL, a, &made, e);
    }
    if (!rc)
        *out = made;
    return rc;
}
