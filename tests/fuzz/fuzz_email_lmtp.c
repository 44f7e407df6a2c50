/*
 * Any bytes from a client of the LMTP server, in any pieces: the same replies and mails come of them as of
 * the whole, each reply is a line, each recipient of a mail gets one, and no memory is held at the end.
 */
#include "../../plugins/email/lmtp_parse.h"

#include <hilo/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_ = 3000, HELD_MAX = 64 * 1024 };

struct run {
    struct lmtp_session s;
    struct lmtp_session_conf conf;
    uint64_t said, mails; /* digests */
    size_t n_said, n_mails;
    int64_t held;
    bool later;
};

static void digest(uint64_t *d, const char *p, size_t n)
{
    for (; n; n--, p++)
        *d = (*d ^ (uint8_t)*p) * UINT64_C(1099511628211);
}

static int32_t on_rcpt(void *arg, const char *address, char why[256])
{
    (void)arg;
    if (!*address || strlen(address) > LMTP_ADDRESS_MAX)
        abort();
    if (address[0] != 'n')
        return 0;
    (void)snprintf(why, 256, "550 5.1.1 %.100s", address);
    return HILO_NOTFOUND;
}

static int32_t on_room(void *arg, uint64_t bytes)
{
    (void)arg;
    return bytes == 13 ? HILO_FULL : HILO_OK;
}

static bool on_hold(void *arg, int64_t bytes)
{
    struct run *r = arg;

    if (r->held + bytes > HELD_MAX)
        return false;
    r->held += bytes;
    if (r->held < 0)
        abort();
    return true;
}

static void answer(struct run *r)
{
    size_t n = r->s.n_rcpt, i;

    for (i = n; i; i--)
        lmtp_session_answer(&r->s, i - 1, i % 2 ? "250 2.0.0 Taken" : "452 4.3.1\r\n250 Full");
}

static void on_take(void *arg)
{
    struct run *r = arg;
    size_t i;

    if (r->s.n_rcpt == 0 || r->s.n_rcpt > r->conf.recipients_max || r->s.n_bytes > SIZE_MAX_)
        abort();
    r->n_mails++;
    digest(&r->mails, r->s.from, strlen(r->s.from) + 1);
    for (i = 0; i < r->s.n_rcpt; i++)
        digest(&r->mails, r->s.rcpt[i], strlen(r->s.rcpt[i]) + 1);
    digest(&r->mails, r->s.bytes, r->s.n_bytes);
    if (!r->later)
        answer(r);
}

static void drain(struct run *r)
{
    const struct lmtp_session *s = &r->s;
    size_t i;

    for (i = 0; i < s->out_n; i++)
        if ((s->out[i] < ' ' || s->out[i] > '~') && s->out[i] != '\r' && s->out[i] != '\n')
            abort();
    if (s->out_n && (s->out_n < 6 || s->out[s->out_n - 1] != '\n' || s->out[s->out_n - 2] != '\r'))
        abort();
    digest(&r->said, s->out, s->out_n);
    r->n_said += s->out_n;
    lmtp_session_wrote(&r->s, s->out_n);
}

static void run(struct run *r, const uint8_t *data, size_t n, size_t piece, bool later)
{
    static const struct lmtp_session_hooks hooks = {
        .rcpt = on_rcpt, .room = on_room, .hold = on_hold, .take = on_take};
    size_t at = 0, k, took;

    memset(r, 0, sizeof *r);
    r->later = later;
    r->conf = (struct lmtp_session_conf){"gw.example", SIZE_MAX_, 5};
    lmtp_session_init(&r->s, &r->conf, &hooks, r);
    while (at < n && r->s.state != LMTP_ENDED) {
        k = n - at < piece ? n - at : piece;
        took = lmtp_session_feed(&r->s, (const char *)data + at, k);
        drain(r);
        if (r->s.state == LMTP_TAKEN) {
            answer(r);
            drain(r);
            if (r->s.state != LMTP_READY)
                abort();
        } else if (took == 0 && r->s.state != LMTP_ENDED) {
            abort(); /* it would never go on */
        }
        at += took;
    }
    lmtp_session_done(&r->s);
    if (r->held != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, parts;

    if (size < 1)
        return 0;
    run(&whole, data + 1, size - 1, SIZE_MAX, false);
    run(&parts, data + 1, size - 1, (size_t)data[0] % 37 + 1, data[0] & 1);
    if (whole.said != parts.said || whole.n_said != parts.n_said || whole.mails != parts.mails ||
        whole.n_mails != parts.n_mails)
        abort();
    return 0;
}
