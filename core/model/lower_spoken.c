/*
 * Lowering to what is spoken to who listens (HILO_ABLE_SPOKEN). A choice is a key: the first nine have
 * 1 to 9, a tenth has 0, and model/lift.h makes the key the choice again. The choices stay in the content
 * beside the words, in the order of their keys, so that the channel knows which keys mean something.
 *
 * No URL is spoken, and nothing is said of its being sent in another way, as nobody knows whether it is.
 * Each part that is emitted is a call of its own, so there is never more than one.
 */
#include "base/buf.h"
#include "base/str.h"
#include "model/lower_job.h"
#include "model/split.h"
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

enum { KEYS = 10 };

/* ---- URLs ---------------------------------------------------------------------------- */

static bool url_begins(struct hilo_str s, uint64_t at)
{
    static const struct hilo_str heads[] = {{"https://", 8}, {"http://", 7}, {"www.", 4}};
    struct hilo_str rest = str_n(s.p + at, (size_t)(s.n - at));

    if (at > 0 && !strchr(" \t\r\n(<\"'[", s.p[at - 1]))
        return false;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (rest.n > heads[i].n && str_eq_nocase(str_n(rest.p, (size_t)heads[i].n), heads[i]))
            return true;
    return false;
}

/* Where it ends: what closes a sentence is not its own. */
static uint64_t url_end(struct hilo_str s, uint64_t at)
{
    while (at < s.n && !strchr(" \t\r\n>\"", s.p[at]))
        at++;
    while (at > 0 && strchr(".,;:!?)]'", s.p[at - 1]))
        at--;
    return at;
}

static struct hilo_str without_urls(struct lower_job *j, struct hilo_str s)
{
    char *to = arena_alloc(j->arena, (size_t)s.n + 1);
    size_t n = 0;

    for (uint64_t i = 0; i < s.n;) {
        if (!url_begins(s, i)) {
            to[n++] = s.p[i++];
            continue;
        }
        j->notes |= NOTE_URLS;
        i = url_end(s, i);
        while (n && strchr(" \t<(", to[n - 1]))
            n--;
        while (i < s.n && strchr(">)", s.p[i]))
            i++;
    }
    while (n && strchr(" \t\r\n:", to[n - 1]))
        n--;
    return str_n(to, n);
}

/* ---- words ------------------------------------------------------------------------------ */

/* Adds it as a sentence: behind what is there, and with an end. */
static int32_t sentence(struct buf *b, struct hilo_str s)
{
    int32_t rc;

    while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
        s.n--;
    if (s.n == 0)
        return HILO_OK;
    rc = buf_fmt(b, "%s%.*s", b->n ? "\n" : "", STR_FMT(s));
    return rc || strchr(".:!?;,", s.p[s.n - 1]) ? rc : buf_add(b, ".", 1);
}

/* Within a sentence: "Cambio" is said "cambio", "IVA" as it is. */
static struct hilo_str within(struct lower_job *j, struct hilo_str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    ucs4_t first, second;
    uint8_t low[6];
    int n, m, k;

    while (s.n && strchr(".,;:!? ", s.p[s.n - 1]))
        s.n--;
    n = s.n ? u8_mbtouc(&first, p, (size_t)s.n) : 0;
    m = n > 0 && (uint64_t)n < s.n ? u8_mbtouc(&second, p + n, (size_t)s.n - (size_t)n) : 0;
    if (n <= 0 || m <= 0 || !uc_is_upper(first) || uc_is_upper(second) || uc_is_property_white_space(second))
        return s;
    k = u8_uctomb(low, uc_tolower(first), sizeof low);
    return k <= 0 ? s
                  : arena_fmt(j->arena, "%.*s%.*s", k, (const char *)low, (int)(s.n - (uint64_t)n), s.p + n);
}

static bool begins(struct hilo_str s, struct hilo_str head)
{
    return s.n > head.n && str_eq_nocase(str_n(s.p, (size_t)head.n), head);
}

/* "Para cambio, marque 1." "For exchange, press 1." */
static int32_t put_key(struct lower_job *j, struct buf *b, struct hilo_str choice, size_t nth, bool spanish)
{
    struct hilo_str title = without_urls(j, hilo_get_str(choice, HILO_T_CHOICE_TITLE)), more;
    bool led =
        spanish ? begins(title, STR("para ")) : begins(title, STR("for ")) || begins(title, STR("to "));

    more = within(j, without_urls(j, hilo_get_str(choice, HILO_T_CHOICE_DESCRIPTION)));
    return buf_fmt(b, "%s%s%.*s%s%.*s, %s %zu.", b->n ? "\n" : "",
                   led       ? ""
                   : spanish ? "Para "
                             : "For ",
                   STR_FMT(led ? title : within(j, title)), more.n ? ", " : "", STR_FMT(more),
                   spanish ? "marque" : "press", nth % KEYS);
}

/* A text of these words, with the choices that there are. */
static int32_t emit_words(struct lower_job *j, const struct buf *b)
{
    const struct hilo_str words = buf_str(b);
    struct hilo_str rest = j->content;
    struct model_change content;
    struct hilo_writer w;
    struct hilo_field f;

    if (words.n == 0)
        return err_set(
            j->err, HILO_NOSUP,
            "the channel speaks, and nothing of it can be spoken (links, pictures, places); give words");
    if (!split_fits(words, j->able->text_max))
        return err_set(j->err, HILO_NOSUP,
                       "it is longer than what the channel speaks in one call; shorten it");
    arena_writer(j->arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, words);
    while (hilo_next(&rest, &f) == 1)
        if (f.tag == HILO_T_CONTENT_CHOICES)
            hilo_put_str(&w, f.tag, f.val);
    content = change_str(HILO_T_MSG_CONTENT, hilo_written(&w));
    return lower__emit_whole(j, &content);
}

static int32_t no_memory(struct lower_job *j)
{
    return err_set(j->err, HILO_NOMEM, "no memory to write what is spoken");
}

static int32_t spoken_choices(struct lower_job *j)
{
    struct hilo_str rest = j->content, section = STR(""), s;
    bool es = lower__spanish(j);
    struct hilo_field f;
    struct buf b = {0};
    size_t n = 0;
    int32_t rc;

    j->notes |= NOTE_SPOKEN;
    rc = sentence(&b, without_urls(j, hilo_get_str(j->content, HILO_T_CONTENT_HEADER)));
    if (!rc)
        rc = sentence(&b, without_urls(j, hilo_get_str(j->content, HILO_T_CONTENT_TEXT)));
    while (!rc && hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        s = hilo_get_str(f.val, HILO_T_CHOICE_SECTION);
        if (s.n && !str_eq(s, section))
            rc = sentence(&b, section = s);
        if (!rc)
            rc = put_key(j, &b, f.val, ++n, es);
    }
    if (!rc)
        rc = sentence(&b, without_urls(j, hilo_get_str(j->content, HILO_T_CONTENT_FOOTER)));
    if (rc)
        rc = no_memory(j);
    else if (n == 0)
        rc = err_set(j->err, HILO_INVALID, "choices without a choice");
    else if (n > KEYS)
        rc = err_set(j->err, HILO_NOSUP, "the channel has %d keys for choices, and these are more", KEYS);
    else
        rc = emit_words(j, &b);
    buf_done(&b);
    return rc;
}

/* Sentences, one of each, without what can't be said. */
static int32_t spoken_words(struct lower_job *j, const uint32_t *tags, size_t n, uint32_t note)
{
    struct buf b = {0};
    int32_t rc = HILO_OK;

    j->notes |= note;
    for (size_t i = 0; i < n && !rc; i++)
        rc = sentence(&b, without_urls(j, hilo_get_str(j->content, tags[i])));
    rc = rc ? no_memory(j) : emit_words(j, &b);
    buf_done(&b);
    return rc;
}

static int32_t spoken_text(struct lower_job *j)
{
    const struct hilo_str text = hilo_get_str(j->content, HILO_T_CONTENT_TEXT), said = without_urls(j, text);
    struct buf b = {0};
    int32_t rc;

    if (str_eq(text, said) && split_fits(text, j->able->text_max))
        return lower__emit(j, NULL, 0);
    rc = buf_add(&b, said.p, (size_t)said.n) ? no_memory(j) : emit_words(j, &b);
    buf_done(&b);
    return rc;
}

/* A recording is played, with its caption spoken before; of a picture the caption is all there is. */
static int32_t spoken_media(struct lower_job *j)
{
    static const uint32_t caption[] = {HILO_T_CONTENT_CAPTION};
    const uint64_t kind = hilo_get_u64(j->content, HILO_T_CONTENT_KIND),
                   size = hilo_get_u64(j->content, HILO_T_CONTENT_SIZE);
    const struct hilo_str words = hilo_get_str(j->content, HILO_T_CONTENT_CAPTION),
                          said = without_urls(j, words);
    struct model_change c;
    struct hilo_str s;

    if (!lower__can(j, HILO_CONTENT_MEDIA) || (kind != HILO_MEDIA_AUDIO && kind != HILO_MEDIA_VOICE) ||
        !(j->able->media_kinds >> kind & 1) ||
        (j->able->media_max[kind] && size > j->able->media_max[kind]) ||
        !(j->able->flags & HILO_ABLE_MEDIA_FILE) || !hilo_find(j->content, HILO_T_CONTENT_MEDIA, &s))
        return spoken_words(j, caption, 1, NOTE_CAPTION);
    if (!split_fits(said, j->able->caption_max))
        return err_set(j->err, HILO_NOSUP, "the caption is longer than what the channel speaks; shorten it");
    c = said.n ? change_str(HILO_T_CONTENT_CAPTION, said) : change_remove(HILO_T_CONTENT_CAPTION);
    return lower__emit(j, &c, str_eq(words, said) ? 0 : 1);
}

int32_t lower__spoken(struct lower_job *j, uint32_t type, bool *taken)
{
    static const uint32_t page[] = {HILO_T_CONTENT_HEADER, HILO_T_CONTENT_TEXT, HILO_T_CONTENT_FOOTER},
                          place[] = {HILO_T_CONTENT_NAME, HILO_T_CONTENT_ADDRESS},
                          text[] = {HILO_T_CONTENT_TEXT};

    *taken = true;
    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP, "the channel can't carry text");
    switch (type) {
    case HILO_CONTENT_TEXT:
        return spoken_text(j);
    case HILO_CONTENT_CHOICES:
        return spoken_choices(j);
    case HILO_CONTENT_MEDIA:
        return spoken_media(j);
    case HILO_CONTENT_LINK:
        return spoken_words(j, page, 3, NOTE_LINK);
    case HILO_CONTENT_FORM:
        return spoken_words(j, page, 3, NOTE_FORM);
    case HILO_CONTENT_LOCATION:
        return spoken_words(j, place, 2, NOTE_LOCATION);
    case HILO_CONTENT_TEMPLATE:
        return spoken_words(j, text, 1, NOTE_TEMPLATE);
    case HILO_CONTENT_APPOINTMENT:
        return spoken_words(j, text, 1, NOTE_APPOINTMENT);
    default:
        *taken = false;
        return HILO_OK;
    }
}
