/*
 * Options to bytes and back (options.h). A pointer within the bytes says only whether the
 * option was set; the lengths say where each text ends.
 */
#include "plug/options.h"
#include "base/check.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

static bool is_text(const struct hilo_option *o)
{
    return o->type == HILO_OPT_STR || o->type == HILO_OPT_URL || o->type == HILO_OPT_TREE;
}

static struct hilo_str text_at(const void *conf, const struct hilo_option *o)
{
    struct hilo_str s;

    memcpy(&s, (const char *)conf + o->offset, sizeof s);
    return s;
}

int32_t options_pack(const struct hilo_plugin *d, const void *conf, struct buf *out)
{
    size_t at = out->n;
    int32_t rc = buf_add(out, conf, d->conf_size);

    for (uint32_t i = 0; i < d->n_options && rc == HILO_OK; i++)
        if (is_text(&d->options[i])) {
            struct hilo_str s = text_at(conf, &d->options[i]);
            s.p = s.p ? (const char *)(uintptr_t)1 : NULL;
            memcpy(out->p + at + d->options[i].offset, &s, sizeof s);
        }
    for (uint32_t i = 0; i < d->n_options && rc == HILO_OK; i++)
        if (is_text(&d->options[i])) {
            struct hilo_str s = text_at(conf, &d->options[i]);
            if (s.n)
                rc = buf_add(out, s.p, (size_t)s.n);
        }
    return rc;
}

void options_forget(struct buf *b)
{
    if (b->n)
        explicit_bzero(b->p, b->n);
    buf_done(b);
}

void *options_unpack(const struct hilo_plugin *d, struct hilo_str bytes)
{
    static const char nothing[1];
    uint64_t rest, n = d->conf_size, texts = 0;
    const char *from;
    char *conf, *to;

    if (bytes.n < d->conf_size)
        return NULL;
    rest = bytes.n - d->conf_size;
    for (uint32_t i = 0; i < d->n_options; i++)
        if (is_text(&d->options[i])) {
            uint64_t length = text_at(bytes.p, &d->options[i]).n;
            if (length > rest)
                return NULL;
            rest -= length;
            texts++;
        }
    if (rest)
        return NULL;
    n = bytes.n + texts; /* each gets its NUL */
    conf = malloc(n ? (size_t)n : 1);
    if (!conf)
        check_nomem();
    if (d->conf_size)
        memcpy(conf, bytes.p, d->conf_size);
    from = bytes.p ? bytes.p + d->conf_size : nothing;
    to = conf + d->conf_size;
    for (uint32_t i = 0; i < d->n_options; i++) {
        struct hilo_str s;

        if (!is_text(&d->options[i]))
            continue;
        s = text_at(conf, &d->options[i]);
        if (s.n)
            memcpy(to, from, (size_t)s.n);
        to[s.n] = '\0';
        from += s.n;
        s.p = s.p ? to : NULL;
        to += s.n + 1;
        memcpy(conf + d->options[i].offset, &s, sizeof s);
    }
    return conf;
}
