/* SPDX-License-Identifier: Apache-2.0 */
#include "desc.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool desc_space(char c)
{
    return c == ' ' || c == '\t';
}

struct hilo_str desc_word(struct hilo_str *rest, char stop)
{
    struct hilo_str w;

    while (rest->n && desc_space(*rest->p))
        rest->p++, rest->n--;
    w = (struct hilo_str){rest->p, 0};
    while (rest->n && !desc_space(*rest->p) && (!stop || *rest->p != stop))
        rest->p++, rest->n--, w.n++;
    if (stop && rest->n && *rest->p == stop)
        rest->p++, rest->n--;
    return w;
}

bool desc_number(struct hilo_str s, uint32_t max, uint32_t *out)
{
    uint64_t v = 0, i;

    if (s.n == 0 || s.n > 10)
        return false;
    for (i = 0; i < s.n; i++) {
        if (!isdigit((unsigned char)s.p[i]))
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (v > max)
        return false;
    *out = (uint32_t)v;
    return true;
}

bool desc_is(struct hilo_str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* The line at *at, without its end and the spaces before it; *at goes behind it. */
static struct hilo_str desc_line(const char **at, const char *end)
{
    struct hilo_str line;

    while (*at < end && desc_space(**at))
        ++*at;
    line = (struct hilo_str){*at, 0};
    while (*at < end && **at != '\r' && **at != '\n')
        ++*at, line.n++;
    if (*at < end)
        ++*at;
    return line;
}

/* Words go back to the peer when the medium is refused: nothing but what can be seen. */
static bool desc_seen(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0;
}

static bool desc_medium(struct hilo_str value, struct desc_media *m)
{
    struct hilo_str port, first;

    m->kind = desc_word(&value, 0);
    port = desc_word(&value, 0);
    m->proto = desc_word(&value, 0);
    m->formats = value;
    first = desc_word(&value, 0);
    port = desc_word(&port, '/'); /* "4000/2": the first */
    if (!desc_number(port, UINT32_MAX, &m->port))
        return false;
    return desc_seen(m->kind) && desc_seen(m->proto) && (first.n == 0 || desc_seen(first));
}

static void desc_mode(struct hilo_str value, uint32_t *mode)
{
    if (desc_is(value, "sendrecv"))
        *mode = DESC_SENDS | DESC_RECEIVES;
    else if (desc_is(value, "sendonly"))
        *mode = DESC_SENDS;
    else if (desc_is(value, "recvonly"))
        *mode = DESC_RECEIVES;
    else if (desc_is(value, "inactive"))
        *mode = 0;
}

const char *desc_read(struct hilo_str text, struct desc *d)
{
    struct desc_media session = {.mode = DESC_SENDS | DESC_RECEIVES}, *m = &session;
    const char *at = text.p, *end = text.p + text.n, *begin;
    bool version = false, origin = false, own = false;
    struct hilo_str line, value;

    d->n = 0;
    if (text.n == 0)
        return "the session description (SDP) is missing";
    if (text.n > DESC_TEXT_MAX)
        return "the session description (SDP) is longer than can be read";
    while (at < end) {
        begin = at;
        line = desc_line(&at, end);
        if (line.n == 0)
            continue;
        if (line.n < 2 || line.p[1] != '=' || memchr(line.p, '\0', line.n))
            return "the session description (SDP) is malformed: a line is none of its";
        value = (struct hilo_str){line.p + 2, line.n - 2};
        while (value.n && desc_space(value.p[value.n - 1]))
            value.n--;
        if (!version && !(line.p[0] == 'v' && value.n == 1 && value.p[0] == '0'))
            return "the session description (SDP) is malformed: it does not begin with v=0";
        version = true;
        switch (line.p[0]) {
        case 'o':
            origin = true;
            break;
        case 'c':
            /* The first of a medium; later ones are for layered coding. */
            if (m == &session || !own)
                m->connection = value;
            own = m != &session;
            break;
        case 'a':
            desc_mode(value, &m->mode);
            break;
        case 'm':
            if (m != &session)
                m->lines.n = (uint64_t)(begin - m->lines.p);
            if (d->n == DESC_MEDIA_MAX)
                return "the session description (SDP) has more media than can be read";
            m = &d->media[d->n++];
            *m = session;
            own = false;
            if (!desc_medium(value, m))
                return "the session description (SDP) is malformed: a medium (m=) is none";
            m->lines = (struct hilo_str){at, (uint64_t)(end - at)};
            break;
        }
    }
    if (!origin)
        return "the session description (SDP) is malformed: it has no origin (o=)";
    return NULL;
}

bool desc_attribute(const struct desc_media *m, const char *name, const char **at, struct hilo_str *value)
{
    const char *from = *at ? *at : m->lines.p, *end = m->lines.p + m->lines.n;
    struct hilo_str line;

    while (from < end) {
        line = desc_line(&from, end);
        if (line.n < 2 || memcmp(line.p, "a=", 2) != 0)
            continue;
        line = (struct hilo_str){line.p + 2, line.n - 2};
        if (!desc_is(desc_word(&line, ':'), name))
            continue;
        *at = from;
        *value = line;
        return true;
    }
    return false;
}
