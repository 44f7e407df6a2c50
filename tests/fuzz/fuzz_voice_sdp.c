/*
 * Offers and answers that anybody may send with an INVITE.
 *
 * Beyond not crashing: what we answer has as many media as the offer, one of them taken, and is an offer that
 * we would take ourselves; a later offer keeps those media; a key that is read is written the same again.
 */
#include "../../plugins/voice/negotiate.h"
#include "../../plugins/voice/sdes.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define must(x)                                                                                              \
    do {                                                                                                     \
        if (!(x))                                                                                            \
            abort();                                                                                         \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many m= lines, and how many of them with a port. */
static unsigned media(const char *text, size_t n, unsigned *open)
{
    unsigned all = 0;
    size_t i;

    *open = 0;
    for (i = 0; i + 2 < n; i++) {
        if ((i && text[i - 1] != '\n') || text[i] != 'm' || text[i + 1] != '=')
            continue;
        all++;
        for (; i < n && text[i] != ' '; i++)
            ;
        *open += i + 1 < n && text[i + 1] != '0';
    }
    return all;
}

static void key(const struct neg_crypto *c)
{
    char text[SDES_TEXT_MAX];
    struct neg_crypto again;

    sdes_write(c, text);
    must(sdes_read((struct hilo_str){text, strlen(text)}, &again));
    must(again.suite == c->suite && again.tag == c->tag);
    must(memcmp(again.key, c->key, neg_key_octets(c->suite)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct neg_local l = {.session = 1, .version = 1, .prefer = {NEG_PCMA, NEG_PCMU}, .n_prefer = 2};
    char out[NEG_TEXT_MAX], later[NEG_TEXT_MAX], *copy = malloc(size + 1);
    struct neg_agreed agreed, again;
    unsigned all, open, all_later, open_later;
    size_t n = 0, m;
    const char *why = NULL;
    struct hilo_str text;
    unsigned how;

    must(copy != NULL);
    how = size ? data[0] : 0;
    if (size) {
        data++;
        size--;
        memcpy(copy, data, size);
    }
    copy[size] = '\0';
    text = (struct hilo_str){copy, size};
    l.srtp = how % 3;
    l.direction = how / 4 % 4;
    l.addr.ss_family = how & 64 ? AF_INET6 : AF_INET;
    if (how & 64) {
        ((struct sockaddr_in6 *)&l.addr)->sin6_addr = in6addr_loopback;
        ((struct sockaddr_in6 *)&l.addr)->sin6_port = htons(20000);
    } else {
        ((struct sockaddr_in *)&l.addr)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ((struct sockaddr_in *)&l.addr)->sin_port = htons(20000);
    }
    l.crypto.suite = NEG_AES_CM_128_80;
    l.crypto.tag = 1;
    switch (neg_answer(&l, text, out, &n, &agreed, &why)) {
    case 0:
        must(n > 0 && n < sizeof out && out[n] == '\0' && !memchr(out, '\0', n));
        all = media(out, n, &open);
        must(open == 1);
        must(agreed.codec_type >= 0 && agreed.codec_type < 128 && agreed.dtmf_type < 128 &&
             agreed.cn_type < 128);
        must(agreed.ptime_ms >= 10 && agreed.ptime_ms <= 60 && agreed.ptime_ms % 10 == 0);
        must((agreed.direction & ~l.direction) == 0);
        must(agreed.addr.ss_family == l.addr.ss_family);
        must((l.srtp != NEG_SRTP_MUST || agreed.remote.suite) &&
             (l.srtp != NEG_SRTP_NEVER || !agreed.remote.suite));
        must(agreed.remote.suite == agreed.local.suite);
        if (agreed.remote.suite)
            key(&agreed.remote);
        /* Our own answer, as an offer. */
        l.srtp = NEG_SRTP_MAY;
        must(neg_answer(&l, (struct hilo_str){out, n}, later, &m, &again, &why) == 0);
        must(again.codec_type == agreed.codec_type && again.dtmf_type == agreed.dtmf_type);
        must(media(later, m, &open_later) == all && open_later == 1);
        /* And what we offer next. */
        l.before = (struct hilo_str){out, n};
        m = neg_offer(&l, later);
        if (m) {
            all_later = media(later, m, &open_later);
            must(all_later == all && open_later == 1);
        }
        break;
    case 400:
    case 488:
        must(why && *why);
        break;
    default:
        abort();
    }
    /* The same as their answer to an offer of ours, and as what we said before. */
    if (neg_agree(&l, text, &again, &why) == 0)
        must(again.codec_type >= 0 && again.direction <= 3);
    l.before = text;
    (void)neg_offer(&l, later);
    if (sdes_read(text, &agreed.remote))
        key(&agreed.remote);
    free(copy);
    return 0;
}
