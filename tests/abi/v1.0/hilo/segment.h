/*
 * hilo/segment.h - how a text becomes segments (SMS), counted and cut by the same code.
 *
 * The core counts with these functions what a message will cost (answer 202, rate
 * limits), and the plugin cuts with them; both take the rules from the channel's
 * abilities, so that they can't disagree.
 *
 *     struct hilo_segments plan;
 *     struct hilo_str rest = text, part;
 *
 *     if (hilo_segments_measure(text, &rules, &plan) == HILO_OK)
 *         while (hilo_segment_next(&plan, &rest, &part))
 *             n = hilo_segment_encode(&plan, part, octets, sizeof octets);
 *
 * What is chosen: the form that loses the fewest characters (none, as a rule), of these
 * the one of the fewest segments, of these the first of: GSM 7 bit, UCS-2, Latin-1, GSM
 * 7 bit with national tables, GSM 7 bit transliterated. So national tables, which not
 * every handset knows, and letters other than those written are used only where they save
 * a segment or a character.
 *
 * Where is cut: never between ESC and its septet, never between the halves of a surrogate
 * pair; and not within what is seen as one character (marks, emoji joined by ZWJ, skin
 * tones, flags, keycaps) unless that saves a segment. Marks are known for Latin, Greek and
 * Cyrillic and for symbols; within a syllable of an Indic script may be cut: the
 * handset joins the parts before it shows them.
 *
 * Texts are UTF-8; a byte that is none counts as lost and is U+FFFD in UCS-2. A letter and
 * its combining mark are written as one where Latin-1 has it (ñ, é, ü); other
 * composing (NFC) is the caller's. No allocation, [any] thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HILO_SEGMENT_H
#define HILO_SEGMENT_H

#include <hilo/gsm0338.h>
#include <hilo/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of hilo_segment_rules.flags: what may be used; and of hilo_segments.form: what is
 * used, one of the first three and, with GSM7, some of the others. */
enum {
    HILO_SEGMENT_GSM7 = 1,   /* units are septets */
    HILO_SEGMENT_LATIN1 = 2, /* octets of ISO 8859-1 */
    HILO_SEGMENT_UCS2 = 4,   /* 16 bits, big-endian; UTF-16 beyond the BMP */
    HILO_SEGMENT_ES_SINGLE = HILO_GSM_ES_SINGLE,
    HILO_SEGMENT_PT_SINGLE = HILO_GSM_PT_SINGLE,
    HILO_SEGMENT_PT_LOCKING = HILO_GSM_PT_LOCKING,
    HILO_SEGMENT_TRANSLIT = 64, /* á as a, “ as ", … as ... */
    HILO_SEGMENT_ENCODINGS = HILO_SEGMENT_GSM7 | HILO_SEGMENT_LATIN1 | HILO_SEGMENT_UCS2
};

/* What a channel's segments are. All zero: it has none. */
struct hilo_segment_rules {
    uint32_t flags;        /* HILO_SEGMENT_*; at least one of the encodings */
    uint16_t octets;       /* of user data in a segment, header included; SMS: 140 */
    uint16_t udh_octets;   /* of these, taken in each of several segments by their numbers, the
                            * length octet included: 6 (8-bit reference) or 7 (16-bit), also if
                            * the provider writes them (SAR, message_payload); 0: nothing */
    uint32_t segments_max; /* more are refused by who asks; 0: no limit. Not looked at here */
    uint32_t spare;        /* zero */
};

/* How a text is written and cut. Made by hilo_segments_measure. */
struct hilo_segments {
    uint32_t form;       /* HILO_SEGMENT_*, in use */
    uint32_t segments;   /* at least 1, also of an empty text */
    uint32_t units;      /* septets, octets or 16-bit units of the text, headers not counted */
    uint32_t characters; /* code points, a letter and its mark being one */
    uint32_t lost;       /* of these, written as '?' (in UCS-2 U+FFFD: the text was no UTF-8) */
    uint32_t room;       /* units that fit in each segment */
    uint32_t udh_octets; /* of each segment's header as it goes on the air: numbers if they are several,
                          * 3 for each national table, and the length octet; 0: none */
    uint32_t cut;        /* 1: cut within what is seen as one character, as that saves a segment */
};

/* "gsm7", "latin1" or "ucs2": the name of a form's encoding, as the API writes it. */
static inline const char *hilo_segment_encoding(uint32_t form)
{
    return form & HILO_SEGMENT_UCS2 ? "ucs2" : form & HILO_SEGMENT_LATIN1 ? "latin1" : "gsm7";
}

/* Decodes a code point at p (p < end); *len is its bytes. 0xFFFFFFFF, one byte: no UTF-8. */
static inline uint32_t hilo__utf8(const uint8_t *p, const uint8_t *end, uint32_t *len)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t more = p[0] < 0x80 ? 0 : p[0] < 0xc2 ? 4 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : p[0] < 0xf5 ? 3 : 4;
    uint32_t cp = more ? p[0] & (0x3fu >> more) : p[0], i;

    *len = 1;
    if (more == 4 || more > (uint64_t)(end - p - 1))
        return UINT32_MAX;
    for (i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return UINT32_MAX;
        cp = cp << 6 | (p[i] & 0x3fu);
    }
    if (cp < least[more] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        return UINT32_MAX;
    *len = more + 1;
    return cp;
}

/* The same, a letter with its combining mark being one. */
static inline uint32_t hilo__segment_read(const uint8_t *p, const uint8_t *end, uint32_t *len)
{
    uint32_t more, composed;

    if (p[0] >= 0x80)
        return hilo__utf8(p, end, len);
    /* Marks U+0300 to U+0327 are CC 80 to CC A7. */
    if (end - p >= 3 && p[1] == 0xcc) {
        composed = hilo_latin_compose(p[0], hilo__utf8(p + 1, end, &more));
        if (composed) {
            *len = 3;
            return composed;
        }
    }
    *len = 1;
    return p[0];
}

/* Writes a character in this form: its octets, at most 8; *lost becomes 1 if '?' or U+FFFD
 * stands for it. */
static inline uint32_t hilo__segment_put(uint32_t form, uint32_t cp, uint8_t out[8], uint32_t *lost)
{
    char buf[2];
    const char *s;
    uint32_t n;

    *lost = 0;
    if (form & HILO_SEGMENT_UCS2) {
        *lost = cp > 0x10ffff;
        if (*lost)
            cp = 0xfffd;
        if (cp < 0x10000) {
            out[0] = (uint8_t)(cp >> 8);
            out[1] = (uint8_t)cp;
            return 2;
        }
        cp -= 0x10000;
        out[0] = (uint8_t)(0xd8 | cp >> 18);
        out[1] = (uint8_t)(cp >> 10);
        out[2] = (uint8_t)(0xdc | (cp >> 8 & 3));
        out[3] = (uint8_t)cp;
        return 4;
    }
    if (form & HILO_SEGMENT_LATIN1) {
        *lost = cp > 0xff || (cp >= 0x7f && cp < 0xa0);
        out[0] = (uint8_t)(*lost ? '?' : cp);
        return 1;
    }
    n = hilo_gsm_put(form & HILO_GSM_NATIONAL, cp, out);
    if (n)
        return n;
    s = form & HILO_SEGMENT_TRANSLIT ? hilo_transliterate(cp, buf) : NULL;
    if (s) {
        for (; *s && n <= 6; s++)
            n += hilo_gsm_put(0, (uint8_t)*s, out + n);
        return n;
    }
    *lost = 1;
    out[0] = '?';
    return 1;
}

/* How many units it takes. */
static inline uint32_t hilo__segment_units(uint32_t form, uint32_t cp, uint32_t *lost)
{
    uint8_t octets[8];
    uint32_t n;

    if (cp - 1 < 127 && !(form & HILO_SEGMENT_LATIN1) &&
        (form & HILO_SEGMENT_UCS2 || hilo_gsm_alphabet(form)[cp] == cp)) {
        *lost = 0;
        return 1;
    }
    n = hilo__segment_put(form, cp, octets, lost);
    return form & HILO_SEGMENT_UCS2 ? n / 2 : n;
}

/* Whether cp belongs to what is seen as one character with prev before it; flags is how many
 * regional indicators end with prev (two make a flag). After Unicode UAX #29. */
static inline int hilo__segment_joins(uint32_t prev, uint32_t flags, uint32_t cp)
{
    if (cp < 0x300)
        return prev == '\r' && cp == '\n';
    return prev == 0x200d || cp == 0x200d || cp <= 0x36f || (cp >= 0x483 && cp <= 0x489) ||
           (cp >= 0x1ab0 && cp <= 0x1aff) || (cp >= 0x1dc0 && cp <= 0x1dff) || (cp >= 0x20d0 && cp <= 0x20ff) ||
           (cp >= 0xfe00 && cp <= 0xfe0f) || (cp >= 0xfe20 && cp <= 0xfe2f) || (cp >= 0x1f3fb && cp <= 0x1f3ff) ||
           (cp >= 0xe0020 && cp <= 0xe007f) || (cp >= 0xe0100 && cp <= 0xe01ef) ||
           (cp >= 0x1f1e6 && cp <= 0x1f1ff && (flags & 1));
}

/* As hilo_segment_next; *moved becomes 1 if a cut was moved so as not to be within a character. */
static inline int hilo__segment_next(const struct hilo_segments *plan, struct hilo_str *rest, struct hilo_str *part,
                                     uint32_t *moved)
{
    const uint8_t *start = (const uint8_t *)rest->p, *end, *p = start, *whole = start;
    uint32_t used = 0, prev = 0, flags = 0, cp, len, lost;

    if (rest->n == 0)
        return 0;
    for (end = start + rest->n; p < end; p += len) {
        cp = hilo__segment_read(p, end, &len);
        if (plan->cut || !hilo__segment_joins(prev, flags, cp))
            whole = p;
        used += hilo__segment_units(plan->form, cp, &lost);
        if (used > plan->room && p > start)
            break;
        flags = cp >= 0x1f1e6 && cp <= 0x1f1ff ? flags + 1 : 0;
        prev = cp;
    }
    if (p < end && whole > start && whole < p) {
        p = whole;
        *moved = 1;
    }
    part->p = rest->p;
    part->n = (uint64_t)(p - start);
    rest->p += part->n;
    rest->n -= part->n;
    return 1;
}

/* Takes the next segment's text off *rest. 1: *part is it, and *rest what follows; 0: there is
 * none left. plan must be that of the whole text. (An empty text has one empty segment,
 * which the caller has in plan->segments.) */
static inline int hilo_segment_next(const struct hilo_segments *plan, struct hilo_str *rest, struct hilo_str *part)
{
    uint32_t moved;

    return hilo__segment_next(plan, rest, part, &moved);
}

/* Writes a segment's text into out: unpacked septets (one in each octet), Latin-1 or UCS-2
 * big-endian, without header. The number of octets; stops before the first character that
 * has no room in cap (a segment of rules.octets needs at most rules.octets * 8 / 7). */
static inline uint64_t hilo_segment_encode(const struct hilo_segments *plan, struct hilo_str part, uint8_t *out,
                                           uint64_t cap)
{
    const uint8_t *p = (const uint8_t *)part.p, *end;
    uint64_t at = 0;
    uint32_t len, n, lost;
    uint8_t octets[8];

    if (part.n == 0)
        return 0;
    for (end = p + part.n; p < end; p += len) {
        n = hilo__segment_put(plan->form, hilo__segment_read(p, end, &len), octets, &lost);
        if (n > cap - at)
            break;
        memcpy(out + at, octets, n);
        at += n;
    }
    return at;
}

static inline uint32_t hilo__segment_room(uint32_t form, uint32_t octets)
{
    return form & HILO_SEGMENT_UCS2 ? octets / 2 : form & HILO_SEGMENT_LATIN1 ? octets : octets * 8 / 7;
}

static inline uint32_t hilo__segment_count(const struct hilo_segments *plan, struct hilo_str text, uint32_t *moved)
{
    struct hilo_str part;
    uint32_t n = 0;

    *moved = 0;
    while (hilo__segment_next(plan, &text, &part, moved))
        n++;
    return n;
}

/* Fills *out for one form whose header, where there are several, has so many octets. 1; or 0,
 * and *out is unfinished: it is not better than *best, which may be NULL. */
static inline int hilo__segment_form(struct hilo_str text, const struct hilo_segment_rules *rules, uint32_t form,
                                     uint32_t tables, uint32_t several, const struct hilo_segments *best,
                                     struct hilo_segments *out)
{
    const uint8_t *p = (const uint8_t *)text.p, *end = text.n ? p + text.n : p;
    uint32_t len, lost, moved;

    memset(out, 0, sizeof *out);
    out->form = form;
    for (; p < end; p += len) {
        out->units += hilo__segment_units(form, hilo__segment_read(p, end, &len), &lost);
        out->lost += lost;
        out->characters++;
        if (best && out->lost > best->lost)
            return 0;
    }
    out->segments = 1;
    out->udh_octets = tables ? 1 + 3 * tables : 0;
    out->room = hilo__segment_room(form, rules->octets - out->udh_octets);
    if (out->units > out->room) {
        out->udh_octets = several;
        out->room = hilo__segment_room(form, rules->octets - several);
        out->segments = (out->units + out->room - 1) / out->room;
        if (best && out->lost == best->lost && out->segments >= best->segments)
            return 0;
        out->segments = hilo__segment_count(out, text, &moved);
        if (moved) {
            uint32_t whole = out->segments;

            out->cut = 1;
            out->segments = hilo__segment_count(out, text, &moved);
            out->cut = out->segments < whole;
        }
    }
    return !best || out->lost < best->lost || out->segments < best->segments;
}

/* Chooses the form of a text (at most HILO_MESSAGE_MAX bytes) and counts its segments.
 * HILO_OK and *out; HILO_NOSUP: these rules know no segments, or no encoding;
 * HILO_INVALID: headers leave no room in them. On these, *out is zeroed. */
static inline int32_t hilo_segments_measure(struct hilo_str text, const struct hilo_segment_rules *rules,
                                            struct hilo_segments *out)
{
    static const uint32_t forms[] = {HILO_SEGMENT_GSM7, HILO_SEGMENT_UCS2, HILO_SEGMENT_LATIN1,
        HILO_SEGMENT_GSM7 | HILO_SEGMENT_ES_SINGLE, HILO_SEGMENT_GSM7 | HILO_SEGMENT_PT_SINGLE,
        HILO_SEGMENT_GSM7 | HILO_SEGMENT_PT_LOCKING,
        HILO_SEGMENT_GSM7 | HILO_SEGMENT_PT_LOCKING | HILO_SEGMENT_PT_SINGLE,
        HILO_SEGMENT_GSM7 | HILO_SEGMENT_TRANSLIT};
    int32_t rc = HILO_NOSUP;
    size_t i;

    memset(out, 0, sizeof *out);
    for (i = 0; rules->octets && i < sizeof forms / sizeof *forms; i++) {
        uint32_t form = forms[i], several, tables;
        struct hilo_segments plan;

        if (form & ~rules->flags)
            continue;
        tables = !!(form & HILO_GSM_ES_SINGLE) + !!(form & HILO_GSM_PT_SINGLE) + !!(form & HILO_GSM_PT_LOCKING);
        several = rules->udh_octets ? rules->udh_octets + 3 * tables : tables ? 1 + 3 * tables : 0;
        if (several + 8u > rules->octets) {
            rc = rc == HILO_NOSUP ? HILO_INVALID : rc;
            continue;
        }
        if (hilo__segment_form(text, rules, form, tables, several, rc == HILO_OK ? out : NULL, &plan))
            *out = plan;
        rc = HILO_OK;
        if (out->lost == 0 && out->segments == 1)
            break;
    }
    return rc;
}

#ifdef __cplusplus
}
#endif
#endif
