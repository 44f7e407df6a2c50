/*
 * Cutting text. Only the part to be taken is looked at, so splitting a whole text is
 * linear. Blanks are ASCII's: a no-break space holds words together.
 *
 * Grapheme clusters are libunistring's. Its version 1.0 breaks emoji that are joined
 * by U+200D; those joints are mended here.
 */
#include "model/split.h"
#include "base/str.h"
#include <stdbool.h>
#include <unigbrk.h>
#include <unistr.h>

static bool blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static struct hilo_str trim_left(struct hilo_str s)
{
    while (s.n > 0 && blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    return s;
}

static struct hilo_str trim_right(struct hilo_str s)
{
    while (s.n > 0 && blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool joiner(const uint8_t *p, const uint8_t *end)
{
    return end - p >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] == 0x8d; /* U+200D */
}

struct hilo_str split_head(struct hilo_str s, size_t max)
{
    struct hilo_str head = str_utf8_head(s, max);
    const uint8_t *start = (const uint8_t *)s.p, *end = start + s.n, *limit = start + head.n;
    const uint8_t *p = start, *next, *good = start;

    if (head.n == s.n)
        return head;
    while ((next = u8_grapheme_next(p, end)) != NULL && next <= limit) {
        p = next;
        if (!joiner(p, end) && !(p - start >= 3 && joiner(p - 3, end)))
            good = p;
    }
    return good > start ? str_n(start, (size_t)(good - start)) : head;
}

/* After a sentence: its mark, perhaps a closing quote or bracket, and then a blank. */
static bool sentence_end(struct hilo_str s, size_t at)
{
    static const struct hilo_str ellipsis = {"…", 3};

    if (at == 0 || !blank(s.p[at]))
        return false;
    if (s.p[at - 1] == '"' || s.p[at - 1] == ')' || s.p[at - 1] == '\'')
        at--;
    if (at >= 3 && str_eq(str_n(s.p + at - 3, 3), ellipsis))
        return true;
    return at > 0 && (s.p[at - 1] == '.' || s.p[at - 1] == '!' || s.p[at - 1] == '?');
}

/* Where to cut s, whose first limit bytes are what may be taken (limit < s.n). */
static size_t cut_at(struct hilo_str s, size_t limit, size_t max)
{
    size_t i, sentence = 0, word = 0;

    for (i = limit; i > 0; i--) {
        if (!blank(s.p[i]))
            continue;
        if (word == 0)
            word = i;
        if (i < limit / 3)
            break;
        if (s.p[i] == '\n')
            return i;
        if (sentence == 0 && i >= limit / 2 && sentence_end(s, i))
            sentence = i;
    }
    if (sentence)
        return sentence;
    return word ? word : (size_t)split_head(s, max).n;
}

struct hilo_str split_take(struct hilo_str *rest, size_t max)
{
    struct hilo_str s = *rest, head = str_utf8_head(s, max), part;
    size_t cut;

    if (head.n == s.n) {
        *rest = str_n(s.n ? s.p + s.n : s.p, 0); /* nothing may be nowhere */
        return s;
    }
    s = trim_left(s);
    head = str_utf8_head(s, max);
    cut = head.n == s.n ? (size_t)s.n : cut_at(s, (size_t)head.n, max);
    part = trim_right(str_n(s.p, cut));
    *rest = trim_left(str_n(s.p + cut, (size_t)s.n - cut));
    return part;
}
