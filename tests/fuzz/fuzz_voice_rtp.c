/*
 * What anybody sends to the ports of a call: RTP and RTCP, plain or with SRTP, between beats.
 *
 * Octets: how the call was agreed; then again and again a command, and with most a packet: its length, its
 * octets. Beyond not crashing: a key is one of a telephone's sixteen; who was once heard is heard again; what
 * is reported has the length it says.
 */
#include "../../plugins/voice/media_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define must(x)                                                                                              \
    do {                                                                                                     \
        if (!(x))                                                                                            \
            abort();                                                                                         \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BEATS_MAX = 50 }; /* of one input: a second, for the ear is slow */

static void woken(void *arg)
{
    (void)arg;
}

static void events(struct media *m)
{
    struct media_event e;

    while (media_next(m, &e)) {
        must(e.call == 1);
        if (e.type == MEDIA_DIGIT)
            must(e.digit && strchr("0123456789*#ABCD", e.digit) &&
                 (e.how == MEDIA_BY_EVENT || e.how == MEDIA_BY_TONE));
        else
            must(e.type == MEDIA_SPEECH);
    }
}

static void agree(struct media_call *c, unsigned how)
{
    struct neg_agreed *a = &c->agreed;

    a->codec = how & 1 ? NEG_PCMA : NEG_PCMU;
    a->codec_type = how & 2 ? 96 : (int32_t)a->codec;
    a->dtmf_type = a->dtmf_recv_type = how & 4 ? -1 : 101;
    a->cn_type = how & 8 ? 13 : -1;
    a->ptime_ms = 20;
    a->direction = NEG_RECV;
    a->rtcp_port = 4001;
    ((struct sockaddr_in *)&a->addr)->sin_family = AF_INET;
    ((struct sockaddr_in *)&a->addr)->sin_port = htons(4000);
    ((struct sockaddr_in *)&a->addr)->sin_addr.s_addr = htonl(0xc0000201);
    if (how & 16) {
        a->remote.suite = a->local.suite = NEG_AES_CM_128_80;
        c->open = secure_new(&a->remote, false);
        must(c->open != NULL);
    }
    latch_agree(&c->latch, &a->addr);
    c->keys = dtmf_in_new(a->dtmf_recv_type >= 0, !(how & 32));
    must(c->keys != NULL);
    c->listen = !(how & 64);
    c->set = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int16_t silence[VOICE_FRAME];
    struct media m = {.wake = woken, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct media_call *c = calloc(1, sizeof *c);
    struct sockaddr_storage from = {0};
    uint8_t *packet, out[RTCP_PACKET_MAX];
    struct rtcp_report r = {.ssrc = 9};
    int64_t now = 0;
    size_t n;
    unsigned command, beats = 0;

    must(c != NULL && secure_ready());
    TAILQ_INIT(&m.news);
    m.conf.jitter_min_us = 40000;
    m.conf.jitter_max_us = 200000;
    c->m = &m;
    c->id = 1;
    c->ssrc = 9;
    TAILQ_INIT(&c->plays);
    hear_init(&c->hear);
    if (size)
        agree(c, data[0]);
    ((struct sockaddr_in *)&from)->sin_family = AF_INET;
    for (data++, size = size ? size - 1 : 0; size >= 3;) {
        command = data[0];
        n = (size_t)data[1] << 8 | data[2];
        data += 3;
        size -= 3;
        if (command < 32) {
            beats += command;
            if (beats > BEATS_MAX)
                break;
            now += (int64_t)command * MEDIA_BEAT_US;
            while (command--)
                media__in_frame(c, silence, false);
            events(&m);
            continue;
        }
        if (n > size)
            n = size;
        /* Of its very size, aligned as media's own are. */
        must(posix_memalign((void **)&packet, 8, n ? n : 1) == 0);
        memcpy(packet, data, n);
        data += n;
        size -= n;
        ((struct sockaddr_in *)&from)->sin_port = htons(command & 64 ? 4000 : 4002);
        ((struct sockaddr_in *)&from)->sin_addr.s_addr = htonl(command & 128 ? 0xc0000201 : 0xc0000202);
        if (rtp_is_rtcp(packet, n))
            media__in_report(c, packet, n, &from, command & 1, now);
        else
            media__in_packet(c, packet, n, &from, now, (uint32_t)(now / 125) + (command & 15) * 20);
        must(!c->latch.known || c->latch.from.ss_family == AF_INET);
        free(packet);
        events(&m);
        rtcp_about(&r, &c->source, c->sr_middle, now - c->sr_us);
        n = rtcp_write(&r, out);
        must(n <= sizeof out && n % 4 == 0);
    }
    dtmf_in_free(c->keys);
    secure_free(c->open);
    free(c->jitter);
    free(c);
    return 0;
}
