/*
 * RTP's pure parts: packets and senders, reports, the jitter buffer, and who may send into a call.
 */
#include "../../plugins/voice/jitter.h"
#include "../../plugins/voice/latch.h"
#include "../../plugins/voice/rtcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* ---- senders ------------------------------------------------------------------------------------ */

static bool sees(struct rtp_source *s, uint32_t ssrc, uint16_t seq, uint32_t ts, uint32_t arrival)
{
    const struct rtp p = {.ssrc = ssrc, .seq = seq, .ts = ts};

    return rtp_source_see(s, &p, arrival, false);
}

static void losses_are_counted_across_the_turn(void **state)
{
    struct rtp_source s = {0};
    uint32_t i;

    (void)state;
    assert_int_equal(rtp_source_lost(&s), 0);
    assert_true(sees(&s, 1, 65500, 0, 0));
    for (i = 1; i < 100; i++)
        if (i % 25)
            assert_false(sees(&s, 1, (uint16_t)(65500 + i), i * 160, i * 160));
    assert_int_equal(rtp_source_received(&s), 97);
    assert_int_equal(rtp_source_lost(&s), 3);
    /* One of them was only late. */
    assert_false(sees(&s, 1, (uint16_t)(65500 + 50), 50 * 160, 50 * 160));
    assert_int_equal(rtp_source_lost(&s), 2);
    /* Another sender: what the first had lost remains. */
    assert_true(sees(&s, 2, 9, 0, 0));
    assert_false(sees(&s, 2, 11, 0, 0));
    assert_int_equal(rtp_source_lost(&s), 3);
    assert_int_equal(rtp_source_received(&s), 100);
}

static void jump_is_believed_when_it_goes_on(void **state)
{
    struct rtp_source s = {0};

    (void)state;
    assert_true(sees(&s, 1, 100, 0, 0));
    assert_false(sees(&s, 1, 101, 160, 160));
    assert_false(sees(&s, 1, 40000, 0, 320)); /* nonsense, so far */
    assert_false(sees(&s, 1, 102, 480, 480));
    assert_false(sees(&s, 1, 40000, 0, 320));
    assert_true(sees(&s, 1, 40001, 160, 480)); /* it began anew */
    assert_false(sees(&s, 1, 40002, 320, 640));
    assert_int_equal(rtp_source_lost(&s), 0);
}

static void jitter_is_by_the_formula(void **state)
{
    struct rtp_source s = {0};
    double want = 0;
    uint32_t i, late;
    int last = 0;

    (void)state;
    /* Each other packet 10 ms late: the mean comes near 10 ms (RFC 3550 6.4.1, written here in floating
     * point). */
    for (i = 0; i < 400; i++) {
        late = i % 2 ? 80 : 0;
        (void)sees(&s, 1, (uint16_t)i, i * 160, i * 160 + late);
        if (i)
            want += (abs((int)late - last) - want) / 16;
        last = (int)late;
    }
    assert_true(rtp_source_jitter_us(&s) > (uint32_t)(want * 125) - 300);
    assert_true(rtp_source_jitter_us(&s) < (uint32_t)(want * 125) + 300);
    assert_true(want > 79);
}

/* ---- reports ------------------------------------------------------------------------------------ */

static void report_is_read_as_it_was_written(void **state)
{
    struct rtcp_report r = {.ssrc = 0x11223344,
                            .sent = true,
                            .bye = true,
                            .ntp = rtcp_ntp(1700000000500000),
                            .packets = 7,
                            .octets = 1120,
                            .heard = true,
                            .peer = 0xaabbccdd,
                            .jitter = 33,
                            .last_sr = 0x10000,
                            .since_sr = 0x8000,
                            .lost = 5};
    struct rtcp_seen seen;
    uint8_t p[RTCP_PACKET_MAX], *copy;
    size_t n, i;

    (void)state;
    assert_int_equal(r.ntp >> 32, 1700000000u + 2208988800u);
    assert_int_equal(r.ntp & 0xffffffff, 0x80000000);
    (void)strcpy(r.name, "0123456789abcdef");
    n = rtcp_write(&r, p);
    assert_int_equal(n % 4, 0);
    /* The peer that it is about reads it one second after its own report, which we held for half of it. */
    assert_true(rtcp_read(p, n, 0xaabbccdd, (UINT64_C(0x20000) << 16), &seen));
    assert_true(seen.sr && seen.about_us && seen.bye);
    assert_int_equal(seen.ssrc, 0x11223344);
    assert_int_equal(seen.sr_middle, (uint32_t)(r.ntp >> 16));
    assert_int_equal(seen.lost, 5);
    assert_int_equal(seen.jitter, 33);
    assert_int_equal(seen.rtt_65536, 0x8000);
    assert_true(rtcp_read(p, n, 1, 0, &seen));
    assert_false(seen.about_us);
    /* Cut anywhere, or with a length that says more, it is none. */
    for (i = 0; i < n; i++) {
        if (i == 52 || i == 52 + 28)
            continue; /* the end of a packet within */
        copy = malloc(i ? i : 1);
        assert_non_null(copy);
        memcpy(copy, p, i);
        assert_false(rtcp_read(copy, i, 1, 0, &seen));
        free(copy);
    }
    p[3] = 0xff;
    assert_false(rtcp_read(p, n, 1, 0, &seen));
    p[3] = 12;
    p[0] = 0x9f; /* 31 blocks */
    assert_false(rtcp_read(p, n, 1, 0, &seen));
    p[0] = 0x81;
    p[1] = 203; /* a farewell does not come first */
    assert_false(rtcp_read(p, n, 1, 0, &seen));
    r.sent = r.heard = r.bye = false;
    n = rtcp_write(&r, p);
    assert_true(rtcp_read(p, n, 1, 0, &seen));
    assert_false(seen.sr || seen.about_us || seen.bye);
    assert_true(rtp_is_rtcp(p, n));
}

/* ---- the jitter buffer -------------------------------------------------------------------------- */

/* A packet whose samples say which they are: 1 + their number in the stream. */
static void stream(struct jitter *j, uint32_t zero, uint32_t from, uint32_t n)
{
    int16_t s[JITTER_PUT_MAX];
    uint32_t i;

    for (i = 0; i < n; i++)
        s[i] = (int16_t)(1 + from + i);
    jitter_put(j, zero + from, s, n);
}

/* Takes frames, and holds what comes out against the stream: in order, nothing twice. How many samples of it
 * came; *last: the last. */
static uint32_t gets(struct jitter *j, uint32_t frames, int *last)
{
    int16_t s[VOICE_FRAME];
    uint32_t n = 0, i;

    for (; frames; frames--) {
        (void)jitter_get(j, s);
        for (i = 0; i < VOICE_FRAME; i++) {
            if (s[i] == 0)
                continue;
            assert_true(s[i] > *last);
            *last = s[i];
            n++;
        }
    }
    return n;
}

static struct jitter *jitter_new(int64_t min_us, int64_t max_us)
{
    struct jitter *j = malloc(sizeof *j);

    assert_non_null(j);
    jitter_init(j, min_us, max_us);
    return j;
}

static void steady_stream_comes_out_whole(void **state)
{
    static const uint32_t lengths[] = {80, 160, 240, 480};
    struct jitter *j;
    uint32_t i, k, sent, came;
    int last;

    (void)state;
    for (k = 0; k < 4; k++) {
        j = jitter_new(60000, 200000);
        last = 0;
        came = sent = 0;
        for (i = 0; i < 100; i++) {
            while (sent < (i + 1) * 160) {
                stream(j, 0xfffff000, sent, lengths[k]); /* its time turns over on the way */
                sent += lengths[k];
            }
            came += gets(j, 1, &last);
            if (i == 2)
                assert_int_equal(came, 0); /* the least delay */
        }
        came += gets(j, 5, &last);
        assert_int_equal(came, sent);
        assert_int_equal(j->late, 0);
        free(j);
    }
}

static void disorder_and_doubles_are_mended(void **state)
{
    struct jitter *j = jitter_new(60000, 200000);
    uint32_t i, came = 0;
    int last = 0;

    (void)state;
    for (i = 0; i < 50; i++) {
        stream(j, 0, (i ^ 1) * 160, 160);
        stream(j, 0, (i ^ 1) * 160, 160);
        came += gets(j, 1, &last);
    }
    came += gets(j, 5, &last);
    assert_int_equal(came, 50 * 160);
    free(j);
}

/* A network that stands still for 120 ms: nothing is lost, it is only later; and in time it is sooner again.
 */
static void delay_grows_by_need_and_shrinks_again(void **state)
{
    struct jitter *j = jitter_new(40000, 200000);
    uint32_t i, sent = 0, came = 0, most = 0, delay;
    int16_t loud[VOICE_FRAME];
    int last = 0;

    (void)state;
    for (i = 0; i < 190; i++) {
        while ((i < 50 || i > 55) && sent < (i + 1) * 160) {
            stream(j, 5000, sent, 160);
            sent += 160;
        }
        came += gets(j, 1, &last);
        delay = sent - (uint32_t)last;
        if (i > 60 && delay > most)
            most = delay;
    }
    assert_int_equal(came, (uint32_t)last); /* every sample */
    assert_int_equal(j->late, 0);
    assert_in_range(most, 6 * 160, 8 * 160);
    /* Four seconds for each frame of delay, while nobody is silent. */
    for (; i < 190 + 8 * 200; i++) {
        memset(loud, 0x11, sizeof loud);
        jitter_put(j, 5000 + sent, loud, 160);
        sent += 160;
        (void)jitter_get(j, loud);
    }
    assert_in_range(j->newest - j->next, 320 - 160, 320 + 160);
    free(j);
}

static void later_than_the_most_is_given_up(void **state)
{
    struct jitter *j = jitter_new(40000, 100000);
    uint32_t i, came = 0;
    int last = 0;

    (void)state;
    for (i = 0; i < 10; i++) {
        stream(j, 0, i * 160, 160);
        came += gets(j, 1, &last);
    }
    came += gets(j, 50, &last); /* a second without anything */
    for (i = 10; i < 60; i++)   /* that comes all at once */
        stream(j, 0, i * 160, 160);
    assert_true(j->newest - j->next <= 800 + 160);
    came += gets(j, 10, &last);
    assert_int_equal(last, 60 * 160);
    /* Ten at first, as far as they had been played, and the newest 100 ms. */
    assert_int_equal(came, 10 * 160 + 800);
    free(j);
}

static void clock_that_was_set_is_followed(void **state)
{
    static const uint32_t jumps[] = {0x80000000, 100000, 0xfffe7960 /* 100,000 back */};
    struct jitter *j;
    uint32_t i, k, came;
    int last;

    (void)state;
    for (k = 0; k < 3; k++) {
        j = jitter_new(40000, 100000);
        last = 0;
        for (i = 0; i < 10; i++) {
            stream(j, 0, i * 160, 160);
            (void)gets(j, 1, &last);
        }
        came = 0;
        for (i = 10; i < 60; i++) {
            stream(j, jumps[k], i * 160, 160);
            came += gets(j, 1, &last);
        }
        assert_true(came >= 44 * 160);
        free(j);
    }
}

/* A sender whose clock is a thousandth too fast, or too slow: for ever it does not run over or dry. */
static void clocks_that_differ_need_no_more(void **state)
{
    struct jitter *j;
    int16_t s[VOICE_FRAME] = {0}, out[VOICE_FRAME];
    uint32_t i, dry, ts;
    int fast;

    (void)state;
    for (fast = 0; fast < 2; fast++) {
        j = jitter_new(40000, 200000);
        for (i = 0, dry = 0, ts = 0; i < 50 * 600; i++) {
            if (fast || i % 1000) {
                jitter_put(j, ts, s, 160);
                ts += 160;
            }
            if (fast && i % 1000 == 0) {
                jitter_put(j, ts, s, 160);
                ts += 160;
            }
            dry += !jitter_get(j, out);
            assert_true(j->newest - j->next <= 1600 + 160);
        }
        assert_true(dry < 50);
        assert_int_equal(j->late, 0);
        free(j);
    }
}

/* ---- who may send ------------------------------------------------------------------------------- */

static struct sockaddr_storage host(const char *ip, uint16_t port)
{
    struct sockaddr_storage s = {0};

    s.ss_family = AF_INET;
    ((struct sockaddr_in *)&s)->sin_port = htons(port);
    assert_int_equal(inet_pton(AF_INET, ip, &((struct sockaddr_in *)&s)->sin_addr), 1);
    return s;
}

static unsigned takes(struct latch *l, const char *ip, uint16_t port, uint32_t ssrc, uint16_t *seq,
                      bool sealed, int64_t now, unsigned packets)
{
    struct sockaddr_storage from = host(ip, port);
    unsigned n = 0;

    while (packets--)
        n += latch_take(l, &from, ssrc, (*seq)++, sealed, now);
    return n;
}

static void agreed_address_is_taken_at_once_and_kept(void **state)
{
    struct sockaddr_storage agreed = host("192.0.2.1", 4000);
    struct latch l = {0};
    uint16_t a = 1, b = 100;

    (void)state;
    latch_agree(&l, &agreed);
    assert_int_equal(takes(&l, "192.0.2.1", 4000, 1, &a, false, 0, 3), 3);
    /* Somebody else, with the same SSRC and with another, of the same host and of another. */
    assert_int_equal(takes(&l, "203.0.113.5", 4000, 1, &b, false, 1000, 50), 0);
    assert_int_equal(takes(&l, "203.0.113.5", 4000, 2, &b, false, 1000, 50), 0);
    assert_int_equal(takes(&l, "192.0.2.1", 4002, 2, &b, false, 1000, 50), 0);
    assert_int_equal(takes(&l, "203.0.113.5", 4000, 2, &b, true, 1000, 50), 0);
    assert_int_equal(l.refused, 200);
    assert_true(latch_same(&l.from, &agreed));
    /* It is silent for two seconds: a stranger is one still, the same sender elsewhere goes on. */
    assert_int_equal(takes(&l, "203.0.113.5", 4000, 2, &b, false, 2000000, 50), 0);
    assert_int_equal(takes(&l, "203.0.113.5", 4000, 1, &b, false, 2000000, 10), 10 - 3);
    /* And the agreed address comes back by packets in a row, though the other is not silent. */
    assert_int_equal(takes(&l, "192.0.2.1", 4000, 1, &a, false, 2000000, 10), 10 - 3);
    assert_true(latch_same(&l.from, &agreed));
    /* Agreed anew: the same changes nothing, another at once. */
    latch_agree(&l, &agreed);
    assert_true(l.known);
    agreed = host("192.0.2.9", 5000);
    latch_agree(&l, &agreed);
    assert_true(latch_same(&l.from, &agreed));
    assert_int_equal(takes(&l, "192.0.2.9", 5000, 7, &a, false, 2000000, 1), 1);
}

static void behind_a_nat_packets_in_a_row_prove_her(void **state)
{
    struct sockaddr_storage agreed = host("10.0.0.5", 4000);
    struct latch l = {0};
    uint16_t a = 1;
    unsigned i;

    (void)state;
    latch_agree(&l, &agreed);
    assert_int_equal(takes(&l, "198.51.100.77", 61234, 5, &a, false, 0, 4), 1);
    assert_int_equal(takes(&l, "198.51.100.77", 61234, 5, &a, false, 0, 4), 4);
    /* The same host is proved by two; SRTP by one; who skips is not proved. */
    l = (struct latch){0};
    latch_agree(&l, &agreed);
    assert_int_equal(takes(&l, "10.0.0.5", 4010, 5, &a, false, 0, 2), 1);
    l = (struct latch){0};
    latch_agree(&l, &agreed);
    assert_int_equal(takes(&l, "198.51.100.77", 61234, 5, &a, true, 0, 1), 1);
    l = (struct latch){0};
    latch_agree(&l, &agreed);
    for (i = 0; i < 20; i++, a++)
        assert_int_equal(takes(&l, "198.51.100.77", 61234, 5, &a, false, 0, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_counted_across_the_turn),
        cmocka_unit_test(jump_is_believed_when_it_goes_on),
        cmocka_unit_test(jitter_is_by_the_formula),
        cmocka_unit_test(report_is_read_as_it_was_written),
        cmocka_unit_test(steady_stream_comes_out_whole),
        cmocka_unit_test(disorder_and_doubles_are_mended),
        cmocka_unit_test(delay_grows_by_need_and_shrinks_again),
        cmocka_unit_test(later_than_the_most_is_given_up),
        cmocka_unit_test(clock_that_was_set_is_followed),
        cmocka_unit_test(clocks_that_differ_need_no_more),
        cmocka_unit_test(agreed_address_is_taken_at_once_and_kept),
        cmocka_unit_test(behind_a_nat_packets_in_a_row_prove_her),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
