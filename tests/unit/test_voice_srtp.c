/*
 * SRTP of a call with a telephone whose own is written here from RFC 3711 upon OpenSSL's AES and HMAC, and
 * held against the RFC's test vectors first.
 */
#include "voice_peer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* ---- the telephone's SRTP ----------------------------------------------------------------------- */

struct keys { /* of one direction, for RTP or for RTCP */
    unsigned char cipher[32], auth[20], salt[14];
    size_t cipher_n, tag;
};

/* AES in counter mode over n octets, which may be zeros (then it is the key stream). */
static void aes_ctr(const unsigned char *key, size_t key_n, const unsigned char iv[16], unsigned char *p,
                    size_t n)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int did = 0;

    assert_non_null(c);
    assert_int_equal(
        EVP_EncryptInit_ex(c, key_n == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, key, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(c, p, &did, p, (int)n), 1);
    EVP_CIPHER_CTX_free(c);
}

/* RFC 3711 4.3: label 0 to 2 for RTP, 3 to 5 for RTCP; the derivation rate is 0. */
static void derive(const unsigned char *master, size_t key_n, unsigned label, unsigned char *out, size_t n)
{
    unsigned char iv[16] = {0};

    memcpy(iv, master + key_n, 14);
    iv[7] ^= (unsigned char)label;
    memset(out, 0, n);
    aes_ctr(master, key_n, iv, out, n);
}

static void keys_of(struct keys *k, const struct neg_crypto *c, bool rtcp)
{
    size_t key_n = c->suite == NEG_AES_256_80 ? 32 : 16;

    k->cipher_n = key_n;
    k->tag = c->suite == NEG_AES_CM_128_32 && !rtcp ? 4 : 10;
    derive(c->key, key_n, rtcp ? 3 : 0, k->cipher, key_n);
    derive(c->key, key_n, rtcp ? 4 : 1, k->auth, 20);
    derive(c->key, key_n, rtcp ? 5 : 2, k->salt, 14);
}

static void stream(const struct keys *k, const unsigned char *ssrc, uint64_t index, unsigned char *p,
                   size_t n)
{
    unsigned char iv[16] = {0};
    int i;

    memcpy(iv, k->salt, 14);
    for (i = 0; i < 4; i++)
        iv[4 + i] ^= ssrc[i];
    for (i = 0; i < 6; i++)
        iv[8 + i] ^= (unsigned char)(index >> (40 - 8 * i));
    aes_ctr(k->cipher, k->cipher_n, iv, p, n);
}

static void tag_of(const struct keys *k, const unsigned char *p, size_t n, const unsigned char roc[4],
                   unsigned char out[20])
{
    unsigned char in[2100];
    unsigned len = 20;

    memcpy(in, p, n);
    memcpy(in + n, roc, 4);
    assert_non_null(HMAC(EVP_sha1(), k->auth, 20, in, n + 4, out, &len));
}

static void word_at(unsigned char *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
}

/* Head of 12 octets; n grows by the tag. */
static size_t seal(const struct keys *k, unsigned char *p, size_t n, uint32_t roc)
{
    unsigned char r[4], tag[20];

    word_at(r, roc);
    stream(k, p + 8, (uint64_t)roc << 16 | (unsigned)p[2] << 8 | p[3], p + 12, n - 12);
    tag_of(k, p, n, r, tag);
    memcpy(p + n, tag, k->tag);
    return n + k->tag;
}

static size_t unseal(const struct keys *k, unsigned char *p, size_t n, uint32_t roc)
{
    unsigned char r[4], tag[20];

    word_at(r, roc);
    n -= k->tag;
    tag_of(k, p, n, r, tag);
    assert_memory_equal(p + n, tag, k->tag);
    stream(k, p + 8, (uint64_t)roc << 16 | (unsigned)p[2] << 8 | p[3], p + 12, n - 12);
    return n;
}

static void telephone_keeps_to_the_rfc(void **state)
{
    /* RFC 3711 B.3. */
    static const unsigned char master[30] = {0xE1, 0xF9, 0x7A, 0x0D, 0x3E, 0x01, 0x8B, 0xE0, 0xD6, 0x4F,
                                             0xA3, 0x2C, 0x06, 0xDE, 0x41, 0x39, 0x0E, 0xC6, 0x75, 0xAD,
                                             0x49, 0x8A, 0xFE, 0xEB, 0xB6, 0x96, 0x0B, 0x3A, 0xAB, 0xE6};
    static const unsigned char cipher[16] = {0xC6, 0x1E, 0x7A, 0x93, 0x74, 0x4F, 0x39, 0xEE,
                                             0x10, 0x73, 0x4A, 0xFE, 0x3F, 0xF7, 0xA0, 0x87};
    static const unsigned char salt[14] = {0x30, 0xCB, 0xBC, 0x08, 0x86, 0x3D, 0x8C,
                                           0x85, 0xD4, 0x9D, 0xB3, 0x4A, 0x9A, 0xE1};
    static const unsigned char auth[20] = {0xCE, 0xBE, 0x32, 0x1F, 0x6F, 0xF7, 0x71, 0x6B, 0x6F, 0xD4,
                                           0xAB, 0x49, 0xAF, 0x25, 0x6A, 0x15, 0x6D, 0x38, 0xBA, 0xA4};
    struct neg_crypto c = {.suite = NEG_AES_CM_128_80};
    struct keys k;

    (void)state;
    memcpy(c.key, master, 30);
    keys_of(&k, &c, false);
    assert_memory_equal(k.cipher, cipher, 16);
    assert_memory_equal(k.salt, salt, 14);
    assert_memory_equal(k.auth, auth, 20);
}

/* ---- the call ----------------------------------------------------------------------------------- */

static void crypto_of(struct neg_crypto *c, enum neg_suite suite, int seed)
{
    int i;

    c->suite = suite;
    c->tag = 1;
    for (i = 0; i < NEG_KEY_MAX; i++)
        c->key[i] = (unsigned char)(seed + i * 7);
}

static struct line *line_sealed(enum neg_suite suite)
{
    struct line *l = line_new();

    crypto_of(&l->agreed.local, suite, 1);
    crypto_of(&l->agreed.remote, suite, 100);
    media_set(l->m, CALL, &l->agreed);
    line_orders(l);
    return l;
}

/* A key press, sealed; roc: of its sequence. */
static size_t sealed_key(struct line *l, const struct keys *k, unsigned event, uint32_t roc, unsigned char *p)
{
    size_t n = peer_head(&l->peer, 101, true, l->peer.seq, l->peer.ts, p);

    memcpy(p + n, (unsigned char[]){(unsigned char)event, 0x8a, 0, 160}, 4);
    l->peer.seq++;
    l->peer.ts += 1600;
    return seal(k, p, n + 4, roc);
}

static void sound_goes_sealed_in_every_suite(void **state)
{
    static const enum neg_suite suites[] = {NEG_AES_CM_128_80, NEG_AES_CM_128_32, NEG_AES_256_80};
    int i, k, s, sound[1600];
    struct line *l;
    struct heard h;
    struct keys ours;
    uint32_t roc;
    unsigned before;

    (void)state;
    for (s = 0; s < 3; s++) {
        l = line_sealed(suites[s]);
        keys_of(&ours, &l->agreed.local, false);
        line_plays(l, 1, sine(440, 200, 8000), 0, false);
        for (i = 0, roc = 0, before = 0; i < 10; i++) {
            line_beats(l, 1);
            peer_hears(l->peer.rtp, &h);
            roc += i && h.seq < before;
            before = h.seq;
            assert_int_equal(unseal(&ours, h.p, h.n, roc), 172);
            for (k = 0; k < 160; k++)
                sound[i * 160 + k] = peer_ulaw_value(h.payload[k]);
        }
        assert_true(ear_pitch(sound, 1600, 440, 8000) > 0.98);
        line_free(l);
    }
}

static void sealed_keys_count_and_no_others(void **state)
{
    struct line *l = line_sealed(NEG_AES_CM_128_80);
    unsigned char p[256], again[256];
    struct media_event e;
    struct keys k, wrong;
    size_t n, again_n;
    uint16_t port = 0;
    int other = peer_socket(AF_INET, &port), i;

    (void)state;
    keys_of(&k, &l->agreed.remote, false);
    keys_of(&wrong, &l->agreed.local, false);
    /* In clear, and with another's key: nothing. */
    line_event_packet(l, 1, true, 800, true, l->peer.ts);
    n = sealed_key(l, &wrong, 1, 0, p);
    line_octets(l, l->peer.rtp, p, n);
    line_no_event(l);
    assert_false(line_inside(l)->latch.known);
    /* From 65,530 on, so that the sequence turns on the way: its count goes into the seal. */
    l->peer.seq = 65533;
    for (i = 0; i < 6; i++) {
        n = sealed_key(l, &k, (unsigned)i, l->peer.seq < 100 ? 1 : 0, p);
        memcpy(again, p, n);
        again_n = n;
        line_octets(l, l->peer.rtp, p, n);
        e = line_event(l, MEDIA_DIGIT);
        assert_int_equal(e.digit, '0' + i);
    }
    /* The same packet again, even from where she is: a replay. With a bit changed: a forgery. */
    line_octets(l, l->peer.rtp, again, again_n);
    n = sealed_key(l, &k, 9, 1, p);
    p[20] ^= 1;
    line_octets(l, l->peer.rtp, p, n);
    p[20] ^= 1;
    p[3] ^= 4;
    line_octets(l, l->peer.rtp, p, n);
    line_no_event(l);
    p[3] ^= 4;
    line_octets(l, l->peer.rtp, p, n);
    (void)line_event(l, MEDIA_DIGIT);
    /* Behind another NAT port after a silence: sealed, it needs no further proof. */
    l->now += 5000000;
    n = sealed_key(l, &k, 8, 1, p);
    i = l->peer.rtp;
    line_octets(l, other, p, n);
    assert_int_equal(line_event(l, MEDIA_DIGIT).digit, '8');
    (void)close(other);
    line_free(l);
}

/* Agreed again with the same keys (hold, resume), the count of the turns goes on; with another key it begins.
 */
static void keys_that_stay_keep_their_count(void **state)
{
    struct line *l = line_sealed(NEG_AES_CM_128_80);
    unsigned char p[256];
    struct keys k, ours;
    struct heard h;
    size_t n;
    int i;

    (void)state;
    keys_of(&k, &l->agreed.remote, false);
    l->peer.seq = 65535;
    n = sealed_key(l, &k, 1, 0, p);
    line_octets(l, l->peer.rtp, p, n);
    n = sealed_key(l, &k, 2, 1, p);
    line_octets(l, l->peer.rtp, p, n);
    (void)line_event(l, MEDIA_DIGIT);
    (void)line_event(l, MEDIA_DIGIT);
    media_set(l->m, CALL, &l->agreed);
    line_orders(l);
    n = sealed_key(l, &k, 3, 1, p);
    line_octets(l, l->peer.rtp, p, n);
    (void)line_event(l, MEDIA_DIGIT);
    line_inside(l)->seq = 65535;
    line_beats(l, 2);
    crypto_of(&l->agreed.remote, NEG_AES_CM_128_80, 55);
    media_set(l->m, CALL, &l->agreed);
    line_beats(l, 1);
    keys_of(&ours, &l->agreed.local, false);
    for (i = 0; i < 3; i++) {
        peer_hears(l->peer.rtp, &h);
        assert_int_equal(unseal(&ours, h.p, h.n, i > 0), 172);
    }
    n = sealed_key(l, &k, 4, 1, p);
    line_octets(l, l->peer.rtp, p, n);
    line_no_event(l);
    keys_of(&k, &l->agreed.remote, false);
    n = sealed_key(l, &k, 4, 0, p);
    line_octets(l, l->peer.rtp, p, n);
    assert_int_equal(line_event(l, MEDIA_DIGIT).digit, '4');
    line_free(l);
}

/* SRTCP (RFC 3711 3.4): the first 8 octets in clear, the index with its E bit behind, a tag over both. */
static void reports_are_sealed_both_ways(void **state)
{
    struct line *l = line_sealed(NEG_AES_CM_128_32); /* its tag of SRTCP is of 80 bits all the same */
    unsigned char p[512], tag[20], sr[64] = {0x80, 200, 0, 6};
    struct sockaddr_storage rtcp = l->peer.to;
    struct media_call *c = line_inside(l);
    struct keys ours, theirs;
    uint32_t index;
    ssize_t n;
    int i;

    (void)state;
    keys_of(&ours, &l->agreed.local, true);
    keys_of(&theirs, &l->agreed.remote, true);
    memcpy(sr + 4, "\x12\x34\xab\xcd\0\0\x11\x22\x33\x44\0\0", 12);
    stream(&theirs, sr + 4, 1, sr + 8, 20);
    word_at(sr + 28, 0x80000001);
    tag_of(&theirs, sr, 28, sr + 28, tag);
    memcpy(sr + 32, tag, 10);
    ((struct sockaddr_in *)&rtcp)->sin_port =
        htons((uint16_t)(ntohs(((struct sockaddr_in *)&rtcp)->sin_port) + 1));
    assert_int_equal(sendto(l->peer.rtcp, sr, 42, 0, (struct sockaddr *)&rtcp, sizeof(struct sockaddr_in)),
                     42);
    assert_true(heard_waits(c->rtcp, 10000));
    line_orders(l);
    assert_int_equal(c->sr_middle, 0x11223344);
    for (i = 0; i < 8 * 50 && !heard_waits(l->peer.rtcp, 0); i++)
        line_beats(l, 1);
    n = recv(l->peer.rtcp, p, sizeof p, MSG_DONTWAIT);
    assert_true(n > 8 + 14);
    index = (uint32_t)p[n - 14] << 24 | (uint32_t)p[n - 13] << 16 | (uint32_t)p[n - 12] << 8 | p[n - 11];
    assert_int_equal(index >> 31, 1);
    tag_of(&ours, p, (size_t)n - 14, p + n - 14, tag);
    assert_memory_equal(p + n - 10, tag, 10);
    stream(&ours, p + 4, index & 0x7fffffff, p + 8, (size_t)n - 14 - 8);
    assert_int_equal(p[1], 200);
    assert_int_equal(((size_t)p[2] << 8 | p[3]) * 4 + 4 + 4 + 24, n - 14); /* SR, then SDES of 28 octets */
    assert_int_equal(p[((size_t)p[2] << 8 | p[3]) * 4 + 5], 202);
    line_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(telephone_keeps_to_the_rfc),      cmocka_unit_test(sound_goes_sealed_in_every_suite),
        cmocka_unit_test(sealed_keys_count_and_no_others), cmocka_unit_test(keys_that_stay_keep_their_count),
        cmocka_unit_test(reports_are_sealed_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
