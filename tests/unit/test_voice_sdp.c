/*
 * Offers and answers, as telephones, exchanges and browsers write them, and as nobody should.
 */
#include "../../plugins/voice/negotiate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
/* 0, 1, … 29 and 45, as RFC 4648 writes them. */
#define KEY30  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define KEY46  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ"
#define CRYPTO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"

struct us {
    struct neg_local local;
    struct neg_agreed agreed;
    char text[NEG_TEXT_MAX];
    size_t n;
    const char *why;
};

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static void at(struct sockaddr_storage *s, int family, const char *host, uint16_t port)
{
    memset(s, 0, sizeof *s);
    s->ss_family = (sa_family_t)family;
    ((struct sockaddr_in *)s)->sin_port = htons(port);
    assert_int_equal(inet_pton(family, host,
                               family == AF_INET ? (void *)&((struct sockaddr_in *)s)->sin_addr
                                                 : (void *)&((struct sockaddr_in6 *)s)->sin6_addr),
                     1);
}

static struct us *us_new(void)
{
    struct us *u = calloc(1, sizeof *u);
    int i;

    assert_non_null(u);
    at(&u->local.addr, AF_INET, "198.51.100.9", 20000);
    u->local.session = 77;
    u->local.version = 3;
    u->local.prefer[0] = NEG_PCMA;
    u->local.prefer[1] = NEG_PCMU;
    u->local.n_prefer = 2;
    u->local.srtp = NEG_SRTP_NEVER;
    u->local.direction = NEG_SEND | NEG_RECV;
    u->local.crypto.suite = NEG_AES_CM_128_80;
    u->local.crypto.tag = 1;
    for (i = 0; i < NEG_KEY_MAX; i++)
        u->local.crypto.key[i] = (unsigned char)(200 + i);
    return u;
}

/* Read from memory of its very size. */
static uint32_t answers(struct us *u, const char *offer)
{
    size_t n = strlen(offer);
    char *copy = malloc(n ? n : 1);
    uint32_t status;

    assert_non_null(copy);
    memcpy(copy, offer, n);
    u->why = NULL;
    memset(&u->agreed, 0xee, sizeof u->agreed);
    status = neg_answer(&u->local, (struct hilo_str){copy, n}, u->text, &u->n, &u->agreed, &u->why);
    free(copy);
    if (status) {
        assert_non_null(u->why);
    } else {
        assert_int_equal(strlen(u->text), u->n);
    }
    return status;
}

static bool says(const struct us *u, const char *line)
{
    char with[512];

    (void)snprintf(with, sizeof with, "\r\n%s\r\n", line);
    return strstr(u->text, with) != NULL;
}

static uint16_t port_of(const struct sockaddr_storage *s)
{
    return ntohs(((const struct sockaddr_in *)s)->sin_port);
}

static void answer_is_the_whole_text(void **state)
{
    struct us *u = us_new();

    (void)state;
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n"
                                     "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
                                     "a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"),
                     0);
    assert_string_equal(
        u->text, "v=0\r\no=- 77 3 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n"
                 "m=audio 20000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
                 "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n");
    assert_int_equal(u->agreed.codec, NEG_PCMA);
    assert_int_equal(u->agreed.codec_type, 8);
    assert_int_equal(u->agreed.dtmf_type, 101);
    assert_int_equal(u->agreed.dtmf_recv_type, 101);
    assert_int_equal(u->agreed.cn_type, -1);
    assert_int_equal(u->agreed.ptime_ms, 20);
    assert_int_equal(u->agreed.direction, NEG_SEND | NEG_RECV);
    assert_int_equal(u->agreed.remote.suite, NEG_SUITE_NONE);
    assert_int_equal(port_of(&u->agreed.addr), 4000);
    assert_int_equal(u->agreed.rtcp_port, 4001);
    assert_int_equal(((struct sockaddr_in *)&u->agreed.addr)->sin_addr.s_addr, inet_addr("192.0.2.7"));
    free(u);
}

static void formats_are_the_offerers(void **state)
{
    static const struct {
        const char *media;
        const char *line;
        int codec, type, dtmf, cn;
    } is[] = {
        /* Static numbers need no rtpmap; the operator's order counts. */
        {"m=audio 4000 RTP/AVP 18 0 8\r\n", "m=audio 20000 RTP/AVP 8", NEG_PCMA, 8, -1, -1},
        {"m=audio 4000 RTP/AVP 0\r\n", "m=audio 20000 RTP/AVP 0", NEG_PCMU, 0, -1, -1},
        /* Numbers of the offerer's own. */
        {"m=audio 4000 RTP/AVP 96 97\r\na=rtpmap:96 pcmu/8000/1\r\na=rtpmap:97 Telephone-Event/8000\r\n",
         "m=audio 20000 RTP/AVP 96 97", NEG_PCMU, 96, 97, -1},
        /* telephone-event for each clock: only ours. */
        {"m=audio 4000 RTP/AVP 9 0 120 121\r\na=rtpmap:120 telephone-event/16000\r\n"
         "a=rtpmap:121 telephone-event/8000\r\n",
         "m=audio 20000 RTP/AVP 0 121", NEG_PCMU, 0, 121, -1},
        {"m=audio 4000 RTP/AVP 8 13 100\r\na=rtpmap:100 telephone-event/8000\r\n",
         "m=audio 20000 RTP/AVP 8 13 100", NEG_PCMA, 8, 100, 13},
        /* 0 is another codec here; stereo is another too; 72 would look like RTCP. */
        {"m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 L16/8000\r\n", "m=audio 20000 RTP/AVP 8", NEG_PCMA, 8, -1,
         -1},
        {"m=audio 4000 RTP/AVP 96 0\r\na=rtpmap:96 PCMA/8000/2\r\n", "m=audio 20000 RTP/AVP 0", NEG_PCMU, 0,
         -1, -1},
        {"m=audio 4000 RTP/AVP 72 0\r\na=rtpmap:72 PCMA/8000\r\n", "m=audio 20000 RTP/AVP 0", NEG_PCMU, 0, -1,
         -1},
        {"m=audio 4000 RTP/AVPF 8\r\n", "m=audio 20000 RTP/AVPF 8", NEG_PCMA, 8, -1, -1},
        /* A browser's extras are passed over: we do no rtcp-mux, so we do not answer it. */
        {"m=audio 4000 RTP/AVP 111 0\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-mux\r\na=mid:0\r\n"
         "a=candidate:1 1 UDP 1 192.0.2.7 4000 typ host\r\na=setup:actpass\r\n",
         "m=audio 20000 RTP/AVP 0", NEG_PCMU, 0, -1, -1},
    };
    struct us *u = us_new();
    char offer[1024];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof is / sizeof is[0]; i++) {
        (void)snprintf(offer, sizeof offer, HEAD "%s", is[i].media);
        assert_int_equal(answers(u, offer), 0);
        assert_true(says(u, is[i].line));
        assert_null(strstr(u->text, "rtcp-mux"));
        assert_int_equal(u->agreed.codec, is[i].codec);
        assert_int_equal(u->agreed.codec_type, is[i].type);
        assert_int_equal(u->agreed.dtmf_type, is[i].dtmf);
        assert_int_equal(u->agreed.cn_type, is[i].cn);
    }
    free(u);
}

static void other_media_are_refused_in_their_places(void **state)
{
    struct us *u = us_new();

    (void)state;
    assert_int_equal(answers(u, HEAD "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                                     "m=audio 0 RTP/AVP 8\r\n"
                                     "m=audio 4000 RTP/AVP 8\r\n"
                                     "m=audio 4002 RTP/AVP 8\r\n"
                                     "m=image 6000 udptl t38\r\n"
                                     "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"),
                     0);
    assert_non_null(strstr(
        u->text, "t=0 0\r\nm=video 0 RTP/AVP 96\r\nm=audio 0 RTP/AVP 8\r\nm=audio 20000 RTP/AVP 8\r\n"));
    assert_non_null(strstr(u->text, "a=sendrecv\r\nm=audio 0 RTP/AVP 8\r\nm=image 0 udptl t38\r\n"
                                    "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert_int_equal(port_of(&u->agreed.addr), 4000);
    free(u);
}

static void hold_is_seen_in_every_guise(void **state)
{
    static const struct {
        const char *offer, *mode;
        uint32_t direction;
    } is[] = {
        {HEAD "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n", "a=recvonly", NEG_RECV},
        {HEAD "m=audio 4000 RTP/AVP 0\r\na=inactive\r\n", "a=inactive", 0},
        {HEAD "m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n", "a=sendonly", NEG_SEND},
        {HEAD "a=sendonly\r\nm=audio 4000 RTP/AVP 0\r\n", "a=recvonly", NEG_RECV},
        {HEAD "a=inactive\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n", "a=sendrecv", NEG_SEND | NEG_RECV},
        {HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", "a=recvonly", NEG_RECV},
        {HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", "a=inactive", 0},
    };
    struct us *u = us_new();
    size_t i;

    (void)state;
    for (i = 0; i < sizeof is / sizeof is[0]; i++) {
        assert_int_equal(answers(u, is[i].offer), 0);
        assert_true(says(u, "t=0 0"));
        assert_non_null(strstr(u->text, is[i].mode));
        assert_int_equal(u->agreed.direction, is[i].direction);
    }
    /* Of several addresses of a medium the first counts. */
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.8\r\nc=IN IP4 0.0.0.0\r\n"),
                     0);
    assert_int_equal(((struct sockaddr_in *)&u->agreed.addr)->sin_addr.s_addr, inet_addr("192.0.2.8"));
    /* What we do not want either is not agreed. */
    u->local.direction = NEG_SEND;
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/AVP 0\r\n"), 0);
    assert_non_null(strstr(u->text, "a=sendonly"));
    assert_int_equal(u->agreed.direction, NEG_SEND);
    free(u);
}

static void times_and_ports_are_read(void **state)
{
    static const struct {
        const char *attributes;
        uint32_t ptime, rtcp;
    } is[] = {
        {"", 20, 4001},
        {"a=ptime:30\r\n", 30, 4001},
        {"a=ptime:10\r\na=rtcp:5005\r\n", 10, 5005},
        {"a=ptime:60\r\na=maxptime:40\r\n", 40, 4001},
        {"a=ptime:0\r\na=rtcp:53020 IN IP4 192.0.2.7\r\n", 20, 53020},
        {"a=ptime:4294967297\r\na=rtcp:70000\r\n", 20, 0},
        {"a=ptime:5\r\na=rtcp:x\r\n", 10, 4001},
        {"a=ptime:25\r\n", 20, 4001},
        {"a=ptime:-1\r\n", 20, 4001},
        {"a=ptime:200\r\n", 60, 4001},
    };
    struct us *u = us_new();
    char offer[512];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof is / sizeof is[0]; i++) {
        (void)snprintf(offer, sizeof offer, HEAD "m=audio 4000 RTP/AVP 0\r\n%s", is[i].attributes);
        assert_int_equal(answers(u, offer), 0);
        assert_int_equal(u->agreed.ptime_ms, is[i].ptime);
        assert_int_equal(u->agreed.rtcp_port, is[i].rtcp);
    }
    free(u);
}

static void ipv6_is_answered_by_ipv6(void **state)
{
    struct us *u = us_new();

    (void)state;
    at(&u->local.addr, AF_INET6, "2001:db8::9", 20000);
    assert_int_equal(answers(u,
                             "v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\n"
                             "m=audio 4000 RTP/AVP 0\r\n"),
                     0);
    assert_true(says(u, "o=- 77 3 IN IP6 2001:db8::9"));
    assert_true(says(u, "c=IN IP6 2001:db8::9"));
    assert_int_equal(u->agreed.addr.ss_family, AF_INET6);
    assert_int_equal(ntohs(((struct sockaddr_in6 *)&u->agreed.addr)->sin6_port), 4000);
    assert_int_equal(((struct sockaddr_in6 *)&u->agreed.addr)->sin6_addr.s6_addr[15], 7);
    /* Hold, by the address that is none. */
    assert_int_equal(answers(u, "v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 ::\r\nt=0 0\r\n"
                                "m=audio 4000 RTP/AVP 0\r\n"),
                     0);
    assert_int_equal(u->agreed.direction, NEG_RECV);
    /* We await it at an address of the other version. */
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/AVP 0\r\n"), 488);
    free(u);
}

static void what_can_not_be_is_refused_with_words(void **state)
{
    static const struct {
        const char *offer;
        uint32_t status;
        const char *word;
    } is[] = {
        {"", 400, "missing"},
        {"hello", 400, "malformed"},
        {"v=1\r\no=- 1 1 IN IP4 192.0.2.7\r\n", 400, "malformed"},
        {"v=0\r\nm=\r\n", 400, "malformed"},
        {HEAD, 488, "no audio"},
        {HEAD "m=video 5000 RTP/AVP 96\r\n", 488, "no audio"},
        {HEAD "m=audio 0 RTP/AVP 0\r\n", 488, "no audio"},
        {HEAD "m=audio 65536 RTP/AVP 0\r\n", 488, "no audio"},
        {HEAD "m=audio 99999999999999999999 RTP/AVP 0\r\n", 400, "malformed"},
        {HEAD "m=audio 4000 RTP/AVP 18 9\r\n", 488, "codec"},
        {HEAD "m=audio 4000 RTP/AVP\r\n", 488, "codec"},
        {HEAD "m=audio 4000 RTP/AVP 96\r\n", 488, "codec"},
        {HEAD "m=audio 4000 RTP/SAVP 0\r\n" CRYPTO, 488, "plain RTP"},
        {HEAD "m=audio 4000 RTP/SAVPF 0\r\n" CRYPTO, 488, "plain RTP"},
        {HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", 488, "plain RTP"},
        {"v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n", 488, "address"},
        {HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 pbx.example\r\n", 488, "address"},
        {HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 233.252.0.1/127\r\n", 488, "address"},
        {HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.0.0.1\r\n", 488, "address"},
        {HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 255.255.255.255\r\n", 488, "address"},
        {HEAD "m=audio 4000 RTP/AVP 0\r\nx\r\n", 400, "malformed"},
        {HEAD "m=audio 4000 RTP/AV\xdfP 0\r\n", 400, "malformed"},
        {HEAD "m=audio 4000 RTP/AVP \xff\r\n", 400, "malformed"},
        {HEAD "m=audio 4000\r\n", 400, "malformed"},
        {HEAD "m=audio x RTP/AVP 0\r\n", 400, "malformed"},
        {"v=0\r\nc=IN IP4 192.0.2.7\r\nm=audio 4000 RTP/AVP 0\r\n", 400, "malformed"},
    };
    struct us *u = us_new();
    struct neg_agreed none;
    size_t i, n;
    char *big;

    (void)state;
    memset(&none, 0xee, sizeof none);
    for (i = 0; i < sizeof is / sizeof is[0]; i++) {
        assert_int_equal(answers(u, is[i].offer), is[i].status);
        assert_non_null(strstr(u->why, is[i].word));
        assert_memory_equal(&u->agreed, &none, sizeof none);
    }
    assert_int_equal(neg_answer(&u->local,
                                (struct hilo_str){HEAD "m=audio 4000 RTP/AVP 0\r\n\0", sizeof HEAD + 24},
                                u->text, &u->n, &u->agreed, &u->why),
                     400);
    /* More than can be read, or than an answer has room for. */
    n = 70000;
    big = malloc(n + 1);
    assert_non_null(big);
    memset(big, 'x', n);
    big[n] = '\0';
    assert_int_equal(answers(u, big), 400);
    (void)strcpy(big, HEAD "m=audio 4000 RTP/AVP 0\r\n");
    for (i = 0; i < 60; i++)
        (void)strcat(
            big,
            "m=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1 x y\r\n");
    assert_int_equal(answers(u, big), 488);
    assert_non_null(strstr(u->why, "room"));
    (void)strcpy(big, HEAD "m=audio 4000 RTP/AVP 0\r\n");
    for (i = 0; i < 100; i++)
        (void)strcat(big, "m=a 1 x y\r\n");
    assert_int_equal(answers(u, big), 400);
    free(big);
    free(u);
}

static void srtp_is_taken_where_it_may_be(void **state)
{
    unsigned char key[46];
    struct us *u = us_new();
    int i;

    (void)state;
    for (i = 0; i < 46; i++)
        key[i] = (unsigned char)i;
    u->local.srtp = NEG_SRTP_MAY;
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/SAVP 0\r\n"
                                     "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"
                                     "a=crypto:7 AES_256_CM_HMAC_SHA1_80 inline:" KEY46
                                     "==|2^31 WSH=64\r\n" CRYPTO),
                     0);
    assert_true(says(u, "m=audio 20000 RTP/SAVP 0"));
    assert_int_equal(u->agreed.remote.suite, NEG_AES_256_80);
    assert_int_equal(u->agreed.remote.tag, 7);
    assert_memory_equal(u->agreed.remote.key, key, 46);
    assert_int_equal(u->agreed.local.suite, NEG_AES_256_80);
    assert_int_equal(u->agreed.local.tag, 7);
    assert_memory_equal(u->agreed.local.key, u->local.crypto.key, 46);
    /* 200, 201 ... 245, as RFC 4648 writes them. */
    assert_true(says(u, "a=crypto:7 AES_256_CM_HMAC_SHA1_80 "
                        "inline:yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5ufo6err7O3u7/Dx8vP09Q=="));
    /* Plain lines are for those who may. */
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/AVP 0\r\n" CRYPTO), 0);
    assert_true(says(u, "m=audio 20000 RTP/AVP 0"));
    assert_null(strstr(u->text, "crypto"));
    assert_int_equal(u->agreed.remote.suite, NEG_SUITE_NONE);
    u->local.srtp = NEG_SRTP_MUST;
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/AVP 0\r\n"), 488);
    assert_non_null(strstr(u->why, "SRTP is asked for"));
    /* With feedback, which we owe nobody: the same. */
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/SAVPF 0\r\n" CRYPTO), 0);
    assert_true(says(u, "m=audio 20000 RTP/SAVPF 0"));
    assert_int_equal(u->agreed.remote.suite, NEG_AES_CM_128_80);
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/AVPF 0\r\n"), 488);
    /* Either of two lines; the other is refused in its place. */
    assert_int_equal(answers(u, HEAD "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/SAVP 0\r\n" CRYPTO), 0);
    assert_non_null(strstr(u->text, "m=audio 0 RTP/AVP 0\r\nm=audio 20000 RTP/SAVP 0\r\n"));
    assert_int_equal(u->agreed.remote.suite, NEG_AES_CM_128_80);
    assert_memory_equal(u->agreed.remote.key, key, 30);
    u->local.srtp = NEG_SRTP_NEVER;
    assert_int_equal(answers(u, HEAD "m=audio 4002 RTP/SAVP 0\r\n" CRYPTO "m=audio 4000 RTP/AVP 0\r\n"), 0);
    assert_non_null(strstr(u->text, "m=audio 0 RTP/SAVP 0\r\nm=audio 20000 RTP/AVP 0\r\n"));
    free(u);
}

static void keys_that_can_not_be_used_are_none(void **state)
{
    static const char *const crypto[] = {
        "1 AES_CM_128_HMAC_SHA1_80",
        "x AES_CM_128_HMAC_SHA1_80 inline:" KEY30,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "A",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQF",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw=",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGx!d",
        "1 AES_CM_128_HMAC_SHA1_80 uri:" KEY30,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|2^20|1:4",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1:4",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|2^10",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1000",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 ";inline:" KEY30,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " UNENCRYPTED_SRTP",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " KDR=1",
        "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY30,
        "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY46 "=A",
        "1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd",
        "9999999999 AES_CM_128_HMAC_SHA1_80 inline:" KEY30,
    };
    struct us *u = us_new();
    char offer[512];
    size_t i;

    (void)state;
    u->local.srtp = NEG_SRTP_MAY;
    for (i = 0; i < sizeof crypto / sizeof crypto[0]; i++) {
        (void)snprintf(offer, sizeof offer, HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:%s\r\n", crypto[i]);
        assert_int_equal(answers(u, offer), 488);
        assert_non_null(strstr(u->why, "key"));
    }
    /* And those that can: a lifetime, an unknown that may be passed over, 62 characters without padding. */
    assert_int_equal(answers(u, HEAD
                             "m=audio 4000 RTP/SAVP 0\r\na=crypto:2 aes_cm_128_hmac_sha1_32 inline:" KEY30
                             "|1048576 -x=1\r\n"),
                     0);
    assert_int_equal(u->agreed.remote.suite, NEG_AES_CM_128_32);
    assert_int_equal(
        answers(u, HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:2 AES_256_CM_HMAC_SHA1_80 inline:" KEY46 "\r\n"),
        0);
    assert_int_equal(u->agreed.remote.key[45], 45);
    free(u);
}

static uint32_t agrees(struct us *u, const char *answer)
{
    u->why = NULL;
    return neg_agree(&u->local, str(answer), &u->agreed, &u->why);
}

static void offer_and_their_answer(void **state)
{
    struct us *u = us_new();

    (void)state;
    u->n = neg_offer(&u->local, u->text);
    assert_int_equal(u->n, strlen(u->text));
    assert_string_equal(
        u->text, "v=0\r\no=- 77 3 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n"
                 "m=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
                 "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n");
    /* They await the events under a number of their own; we keep ours. */
    assert_int_equal(agrees(u, HEAD "m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n"), 0);
    assert_int_equal(u->agreed.codec, NEG_PCMU);
    assert_int_equal(u->agreed.dtmf_type, 96);
    assert_int_equal(u->agreed.dtmf_recv_type, 101);
    assert_int_equal(agrees(u, HEAD "m=audio 4000 RTP/AVP 0\r\n"), 0);
    assert_int_equal(u->agreed.dtmf_type, -1);
    assert_int_equal(u->agreed.dtmf_recv_type, -1);
    assert_int_equal(agrees(u, HEAD "m=audio 0 RTP/AVP 0\r\n"), 488);
    assert_int_equal(agrees(u, HEAD "m=audio 4000 RTP/SAVP 0\r\n" CRYPTO), 488);
    assert_int_equal(agrees(u, HEAD), 488);
    assert_int_equal(agrees(u, ""), 488);
    free(u);
}

static void offer_of_srtp_wants_its_own_line_back(void **state)
{
    struct us *u = us_new();

    (void)state;
    u->local.srtp = NEG_SRTP_MUST;
    u->local.crypto.tag = 4;
    assert_true(neg_offer(&u->local, u->text) > 0);
    assert_non_null(strstr(
        u->text, "m=audio 20000 RTP/SAVP 8 0 101\r\n"
                 "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl\r\n"));
    assert_int_equal(
        agrees(u, HEAD "m=audio 4000 RTP/SAVP 8\r\na=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"),
        0);
    assert_int_equal(u->agreed.remote.suite, NEG_AES_CM_128_80);
    assert_int_equal(u->agreed.local.suite, NEG_AES_CM_128_80);
    assert_int_equal(u->agreed.remote.key[29], 29);
    assert_int_equal(u->agreed.local.key[0], 200);
    /* Another's number, another suite, none. */
    assert_int_equal(agrees(u, HEAD "m=audio 4000 RTP/SAVP 8\r\n" CRYPTO), 488);
    assert_int_equal(
        agrees(u, HEAD "m=audio 4000 RTP/SAVP 8\r\na=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "\r\n"),
        488);
    assert_int_equal(agrees(u, HEAD "m=audio 4000 RTP/AVP 8\r\n"), 488);
    free(u);
}

static void later_offers_keep_every_line_in_its_place(void **state)
{
    char before[NEG_TEXT_MAX];
    struct us *u = us_new();

    (void)state;
    assert_int_equal(
        answers(u, HEAD "m=video 5000 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 0\r\nm=image 6 udptl t38\r\n"), 0);
    memcpy(before, u->text, u->n + 1);
    u->local.before = str(before);
    u->local.version++;
    u->local.direction = NEG_RECV; /* we put her on hold */
    assert_true(neg_offer(&u->local, u->text) > 0);
    assert_non_null(strstr(u->text, "t=0 0\r\nm=video 0 RTP/AVP 96\r\nm=audio 20000 RTP/AVP 8 0 101\r\n"));
    assert_non_null(strstr(u->text, "a=recvonly\r\nm=image 0 udptl t38\r\n"));
    assert_non_null(strstr(u->text, "o=- 77 4 "));
    assert_int_equal(
        agrees(u, HEAD
               "m=video 0 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\nm=image 0 udptl t38\r\n"),
        0);
    assert_int_equal(u->agreed.direction, NEG_RECV);
    assert_int_equal(agrees(u, HEAD "m=audio 4000 RTP/AVP 0\r\n"), 488);
    assert_non_null(strstr(u->why, "fewer"));
    free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_is_the_whole_text),
        cmocka_unit_test(formats_are_the_offerers),
        cmocka_unit_test(other_media_are_refused_in_their_places),
        cmocka_unit_test(hold_is_seen_in_every_guise),
        cmocka_unit_test(times_and_ports_are_read),
        cmocka_unit_test(ipv6_is_answered_by_ipv6),
        cmocka_unit_test(what_can_not_be_is_refused_with_words),
        cmocka_unit_test(srtp_is_taken_where_it_may_be),
        cmocka_unit_test(keys_that_can_not_be_used_are_none),
        cmocka_unit_test(offer_and_their_answer),
        cmocka_unit_test(offer_of_srtp_wants_its_own_line_back),
        cmocka_unit_test(later_offers_keep_every_line_in_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
