/*
 * Octets of a short message, and texts to be sent as such. The first four bytes choose the
 * alphabet or what is allowed, the header, and how large a segment is.
 *
 * Beyond not crashing: octets of any alphabet become UTF-8; septets packed and unpacked are
 * the same; a text is cut into as many segments as were counted, each within its room,
 * and their octets read as the text, where nothing was lost.
 */
#include "sms_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_utf8(struct hilo_str s)
{
    const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;
    uint32_t len;

    for (; p < end; p += len)
        must(hilo__utf8(p, end, &len) != UINT32_MAX && *p != 0);
}

static void check_decode(const uint8_t choice[4], struct hilo_str octets)
{
    uint64_t cap = 4 * octets.n + 4;
    struct sms_coding coding = sms_coding_read(choice[0], (uint8_t)(1 + choice[1] % 4));
    struct sms_text text;
    char *out = malloc(cap);

    must(out != NULL);
    must(coding.alphabet >= SMS_ALPHABET_GSM && coding.alphabet <= SMS_ALPHABET_BINARY);
    must(coding.class >= -1 && coding.class <= 3);
    if (coding.alphabet != SMS_ALPHABET_BINARY) {
        must(sms_text_decode(coding.alphabet, choice[2] & HILO_GSM_NATIONAL, octets, choice[3], out, cap,
                             &text) == HILO_OK);
        must(text.text.n <= cap);
        must_be_utf8(text.text);
        must(text.low == 0 || (text.low & 0xfc00) == 0xdc00);
        must(text.high == 0 || (text.high & 0xfc00) == 0xd800);
    }
    free(out);
}

static void check_pack(uint32_t header, struct hilo_str octets)
{
    uint64_t n = octets.n, i, packed_n, back_n;
    uint8_t *septets = malloc(n + 1), *packed = malloc(n * 7 / 8 + 3), *back = malloc(n + 4);

    must(septets && packed && back);
    for (i = 0; i < n; i++)
        septets[i] = (uint8_t)octets.p[i] & 0x7f;
    packed_n = sms_gsm_pack(septets, n, header, packed);
    must(packed_n <= n * 7 / 8 + 3);
    back_n = sms_gsm_unpack((struct hilo_str){(const char *)packed, packed_n}, header, back);
    must(back_n == n || (back_n == n + 1 && back[n] == '\r' && (back[n - 1] == '\r' || back[n - 1] == 0)));
    must(n == 0 || memcmp(back, septets, n) == 0);
    free(septets);
    free(packed);
    free(back);
}

/* A text as its parts should read: composed, NUL left out. False: it has what is not text, or a
 * byte order mark, which a part may begin with. */
static bool expected(struct hilo_str text, char *out, uint64_t *n)
{
    const uint8_t *p = (const uint8_t *)text.p, *end = text.n ? p + text.n : p;
    uint32_t len, cp;

    *n = 0;
    for (; p < end; p += len) {
        cp = hilo__segment_read(p, end, &len);
        if (cp > 0x10ffff || cp == 0xfeff || cp == 0xfffe)
            return false;
        if (cp == 0)
            continue;
        if (len == 3 && p[0] < 0x80) {
            out[(*n)++] = (char)(0xc0 | cp >> 6);
            out[(*n)++] = (char)(0x80 | (cp & 0x3f));
            continue;
        }
        memcpy(out + *n, p, len);
        *n += len;
    }
    return true;
}

static void check_segments(const uint8_t choice[4], struct hilo_str text)
{
    static const uint16_t udh[] = {0, 6, 7};
    struct hilo_segment_rules rules = {choice[0] & 127, (uint16_t)(choice[1] | 16), udh[choice[2] % 3], 0, 0};
    struct hilo_str rest = text, part;
    struct hilo_segments plan;
    struct sms_text read;
    uint8_t octets[512], alphabet, packed[512];
    uint64_t n, at = 0, want_n, units = 0;
    uint32_t segments = 0;
    char *got, *want, buf[4 * 512 + 4];
    int32_t rc = hilo_segments_measure(text, &rules, &plan);

    must(rc == HILO_OK || rc == HILO_INVALID ||
         (rc == HILO_NOSUP && !(rules.flags & HILO_SEGMENT_ENCODINGS)));
    if (rc)
        return;
    must((plan.form & ~rules.flags) == 0 && plan.segments >= 1);
    got = malloc(3 * text.n + 4);
    want = malloc(text.n + 1);
    must(got && want);
    alphabet = plan.form & HILO_SEGMENT_UCS2     ? SMS_ALPHABET_UCS2
               : plan.form & HILO_SEGMENT_LATIN1 ? SMS_ALPHABET_LATIN1
                                                 : SMS_ALPHABET_GSM;
    while (hilo_segment_next(&plan, &rest, &part)) {
        n = hilo_segment_encode(&plan, part, octets, sizeof octets);
        must(part.n > 0 && n <= plan.room * (plan.form & HILO_SEGMENT_UCS2 ? 2 : 1));
        units += plan.form & HILO_SEGMENT_UCS2 ? n / 2 : n;
        segments++;
        must(sms_text_decode(alphabet, plan.form & HILO_GSM_NATIONAL,
                             (struct hilo_str){(const char *)octets, n}, 0, buf, sizeof buf,
                             &read) == HILO_OK);
        must(read.low == 0 && read.high == 0);
        memcpy(got + at, read.text.p, read.text.n);
        at += read.text.n;
        if (plan.form & HILO_SEGMENT_GSM7) {
            /* Packed, with its header, it is no longer than a segment. */
            uint64_t packed_n = sms_gsm_pack(octets, n, plan.udh_octets, packed);

            must(plan.udh_octets + packed_n <= rules.octets + 1u);
        }
    }
    must(units == plan.units && (segments ? segments : 1) == plan.segments);
    if (plan.lost == 0 && !(plan.form & HILO_SEGMENT_TRANSLIT) && expected(text, want, &want_n))
        must(at == want_n && memcmp(got, want, at) == 0);
    free(got);
    free(want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hilo_str rest;

    if (size < 4)
        return 0;
    /* Longer ones show nothing more, and cost. */
    rest = (struct hilo_str){size > 4 ? (const char *)data + 4 : NULL, size < 2004 ? size - 4 : 2000};
    check_decode(data, rest);
    check_pack(data[3], rest);
    check_segments(data, rest);
    return 0;
}
