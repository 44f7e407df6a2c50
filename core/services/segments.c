/*
 * Counting segments: by the functions that the plugin cuts with, and the channel's own
 * rules, so that what is told, charged and sent are the same number.
 *
 * A text is refused, with words that help its author, if it has more segments than its
 * channel takes, or characters that no encoding of the channel has: nothing is sent cut
 * short or with question marks in it.
 */
#include "services/segments.h"
#include "base/str.h"
#include <stdio.h>

/* Whether there is something to count: then *out says what. */
static bool measured(const struct hilo_abilities *able, struct hilo_str lowered, struct hilo_segments *out)
{
    struct hilo_str content;

    if (able->segment.octets == 0)
        return false;
    content = hilo_content(lowered);
    return hilo_get_u64(content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_TEXT &&
           hilo_segments_measure(hilo_get_str(content, HILO_T_CONTENT_TEXT), &able->segment, out) == HILO_OK;
}

/* The first character that the given form can't write: "“ñ” (U+00F1)". */
static void character_words(struct hilo_str text, uint32_t form, char *out, size_t size)
{
    const uint8_t *p = (const uint8_t *)text.p, *end = p + text.n;
    uint32_t cp, len, lost;
    uint8_t octets[8];

    out[0] = '\0';
    for (; p < end; p += len) {
        cp = hilo__segment_read(p, end, &len);
        (void)hilo__segment_put(form, cp, octets, &lost);
        if (lost) {
            (void)snprintf(out, size, "\"%.*s\" (U+%04X)", (int)len, (const char *)p, (unsigned)cp);
            return;
        }
    }
}

static bool too_many(const struct hilo_abilities *able, const struct hilo_segments *s)
{
    return able->segment.segments_max && s->segments > able->segment.segments_max;
}

static int32_t too_many_words(const struct hilo_abilities *able, struct hilo_str text,
                              const struct hilo_segments *s, struct err *e)
{
    const struct hilo_segment_rules *r = &able->segment;
    unsigned long long room = (unsigned long long)s->room * r->segments_max;
    struct hilo_segment_rules plain = *r;
    struct hilo_segments without;
    char what[64];

    plain.flags = r->flags & HILO_SEGMENT_GSM7;
    if ((s->form & HILO_SEGMENT_UCS2) && hilo_segments_measure(text, &plain, &without) == HILO_OK &&
        !too_many(able, &without)) {
        character_words(text, HILO_SEGMENT_GSM7, what, sizeof what);
        return err_set(e, HILO_NOSUP,
                       "it is %u segments (%s) and the channel takes at most %u; shorten it to %llu "
                       "characters, or leave out %s and others that SMS's own alphabet lacks: then it is %u",
                       s->segments, hilo_segment_encoding(s->form), r->segments_max, room, what,
                       without.segments);
    }
    return err_set(e, HILO_NOSUP,
                   "it is %u segments (%s, %u of at most %llu that fit) and the channel takes at most %u; "
                   "shorten it, or send it as several messages",
                   s->segments, hilo_segment_encoding(s->form), s->units, room, r->segments_max);
}

static int32_t wrong(const struct hilo_abilities *able, struct hilo_str text, const struct hilo_segments *s,
                     struct err *e)
{
    char what[64];

    if (too_many(able, s))
        return too_many_words(able, text, s, e);
    if (s->lost == 0)
        return HILO_OK;
    character_words(text, s->form, what, sizeof what);
    return err_set(e, HILO_NOSUP,
                   "the channel can't write %u of its characters, the first is %s; write them otherwise, or "
                   "allow the channel another encoding",
                   s->lost, what);
}

unsigned segments_of(const struct hilo_abilities *able, struct hilo_str message,
                     const struct lowered *lowered, size_t part, struct err *e)
{
    const uint64_t max = able->segment.segments_max;
    struct hilo_segments s;
    struct hilo_str text;
    uint64_t told;

    if (able->segment.octets == 0)
        return 1;
    told =
        lowered->n == 1 ? hilo_get_u64(hilo_get_str(message, HILO_T_MSG_SEGMENTS), HILO_T_SEGMENTS_COUNT) : 0;
    if (told && (max == 0 || told <= max))
        return (unsigned)told;
    if (!measured(able, lowered->message[part], &s))
        return 1;
    text = hilo_get_str(hilo_content(lowered->message[part]), HILO_T_CONTENT_TEXT);
    return wrong(able, text, &s, e) == HILO_OK ? s.segments : 0;
}

int segments_plan(struct outbound *o, struct arena *a, struct fault *f)
{
    const struct hilo_abilities *able = o->plan.channel->able;
    const char *pointer = hilo_content_type(o->bytes) == HILO_CONTENT_TEXT ? "/content/text" : "/content";
    uint64_t count = 0, units = 0;
    const char *encoding = NULL;
    unsigned costliest = 0;
    struct err e = {0};
    struct hilo_writer w;
    int32_t rc = HILO_OK;
    bool many = false;

    for (size_t i = 0; i < o->lowered.n; i++) {
        struct hilo_segments s;
        if (!measured(able, o->lowered.message[i], &s)) {
            count++;
            continue;
        }
        count += s.segments;
        units += s.units;
        if (!encoding || s.segments > costliest) {
            encoding = hilo_segment_encoding(s.form);
            costliest = s.segments;
        }
        if (rc == HILO_OK) {
            rc = wrong(able, hilo_get_str(hilo_content(o->lowered.message[i]), HILO_T_CONTENT_TEXT), &s, &e);
            many = rc != HILO_OK && too_many(able, &s);
        }
    }
    if (!encoding)
        return 0;
    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_SEGMENTS_COUNT, count);
    hilo_put_str(&w, HILO_T_SEGMENTS_ENCODING, str(encoding));
    hilo_put_u64(&w, HILO_T_SEGMENTS_UNITS, units);
    o->plan.segments = hilo_written(&w);
    if (rc == HILO_OK)
        return 0;
    return fault_set(f, 422, many ? "too_many_segments" : "not_supported", pointer, "%s", e.text);
}
