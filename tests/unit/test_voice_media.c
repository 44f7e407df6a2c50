/*
 * A call's media as a telephone at the other end of real sockets sees it: what is played, what keys are heard
 * and sent, who may take part. The clock is the test's.
 */
#include "voice_peer.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- what is played ----------------------------------------------------------------------------- */

static void prompt_is_heard_once_in_time_and_whole(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    int sound[8000], i, k;
    struct heard h;
    uint32_t ts = 0, ssrc = 0;
    unsigned seq = 0;

    (void)state;
    line_plays(l, 5, sine(440, 1000, 10000), 0, false);
    for (i = 0; i < 50; i++) {
        line_beats(l, 1);
        peer_hears(l->peer.rtp, &h);
        assert_int_equal(h.type, 0);
        assert_int_equal(h.payload_n, 160);
        assert_int_equal(h.marker, i == 0);
        if (i) {
            assert_int_equal(h.ts, ts + 160);
            assert_int_equal(h.seq, (seq + 1) & 0xffff);
            assert_int_equal(h.ssrc, ssrc);
        }
        ts = h.ts;
        seq = h.seq;
        ssrc = h.ssrc;
        for (k = 0; k < 160; k++)
            sound[i * 160 + k] = peer_ulaw_value(h.payload[k]);
    }
    assert_true(ear_pitch(sound, 8000, 440, 10000) > 0.98);
    assert_true(ear_pitch(sound, 8000, 880, 10000) < 0.02);
    e = line_event(l, MEDIA_PLAYED);
    assert_int_equal(e.play, 5);
    assert_int_equal(e.complete, 1);
    assert_int_equal(e.listened_ms, 1000);
    assert_true(l->woken > 0);
    /* Silence follows, without a gap. */
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    assert_int_equal(h.ts, ts + 160);
    assert_int_equal(h.marker, 0);
    for (k = 0; k < 160; k++)
        assert_int_equal(h.payload[k], 0xff);
    line_no_event(l);
    line_free(l);
}

static void prompts_follow_without_a_gap_in_their_order(void **state)
{
    struct line *l = line_new();
    struct pcm *a = pcm_new(100), *b = pcm_new(0), *c = pcm_new(100);
    struct heard h;
    int i;

    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    for (i = 0; i < 100; i++) {
        a->sample[i] = 1000;
        c->sample[i] = -1000;
    }
    line_plays(l, 1, a, 0, false);
    line_plays(l, 2, b, 0, true); /* nothing, for ever: over at once */
    line_plays(l, 3, c, 0, false);
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    for (i = 0; i < 160; i++)
        assert_true(i < 100 ? peer_ulaw_value(h.payload[i]) > 900 : peer_ulaw_value(h.payload[i]) < -900);
    assert_int_equal(line_event(l, MEDIA_PLAYED).play, 1);
    assert_int_equal(line_event(l, MEDIA_PLAYED).play, 2);
    line_no_event(l);
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    assert_true(peer_ulaw_value(h.payload[39]) < -900);
    assert_int_equal(h.payload[40], 0xff);
    assert_int_equal(line_event(l, MEDIA_PLAYED).play, 3);
    line_free(l);
}

static void alaw_and_a_number_of_the_peers_own(void **state)
{
    struct line *l = line_new();
    int sound[800], i, k;
    struct heard h;

    (void)state;
    l->agreed.codec = NEG_PCMA;
    l->agreed.codec_type = 97;
    media_set(l->m, CALL, &l->agreed);
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    assert_int_equal(h.type, 97);
    for (k = 0; k < 160; k++)
        assert_int_equal(h.payload[k], 0xd5);
    line_plays(l, 1, sine(1000, 100, 8000), 0, false);
    for (i = 0; i < 5; i++) {
        line_beats(l, 1);
        peer_hears(l->peer.rtp, &h);
        for (k = 0; k < 160; k++)
            sound[i * 160 + k] = peer_alaw_value(h.payload[k]);
    }
    assert_true(ear_pitch(sound, 800, 1000, 8000) > 0.98);
    line_free(l);
}

static void packets_are_as_long_as_the_peer_asks(void **state)
{
    static const unsigned ptimes[] = {10, 20, 30, 40, 60};
    struct line *l = line_new();
    unsigned i, got;
    struct heard h;
    uint32_t ts;
    size_t k;

    (void)state;
    for (i = 0; i < 5; i++) {
        l->agreed.ptime_ms = ptimes[i];
        media_set(l->m, CALL, &l->agreed);
        line_orders(l);
        while (heard_waits(l->peer.rtp, 0))
            peer_hears(l->peer.rtp, &h);
        line_plays(l, i, sine(440, 240, 8000), 0, false);
        line_beats(l, 12); /* 240 ms */
        (void)line_event(l, MEDIA_PLAYED);
        for (got = 0, ts = 0; got < 240 / ptimes[i]; got++) {
            peer_hears(l->peer.rtp, &h);
            assert_int_equal(h.payload_n, ptimes[i] * 8);
            if (got)
                assert_int_equal(h.ts, ts + ptimes[i] * 8);
            ts = h.ts;
            for (k = 0; k < h.payload_n; k++)
                if (got && h.payload[k] != 0xff && h.payload[k] != 0x7f)
                    break;
            assert_true(got == 0 || k < h.payload_n);
        }
        assert_false(heard_waits(l->peer.rtp, 0));
    }
    line_free(l);
}

static void hold_sends_nothing_and_what_plays_waits(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    struct heard h;
    uint32_t ts;

    (void)state;
    line_plays(l, 1, sine(440, 100, 8000), 0, false);
    line_beats(l, 2);
    peer_hears(l->peer.rtp, &h);
    peer_hears(l->peer.rtp, &h);
    ts = h.ts;
    l->agreed.direction = NEG_RECV;
    media_set(l->m, CALL, &l->agreed);
    line_beats(l, 10);
    assert_false(heard_waits(l->peer.rtp, 0));
    line_no_event(l);
    l->agreed.direction = NEG_SEND | NEG_RECV;
    media_set(l->m, CALL, &l->agreed);
    line_beats(l, 3);
    peer_hears(l->peer.rtp, &h);
    assert_int_equal(h.ts, ts + 11 * 160); /* its clock went on */
    assert_int_equal(h.marker, 1);
    e = line_event(l, MEDIA_PLAYED);
    assert_int_equal(e.complete, 1);
    assert_int_equal(e.listened_ms, 100);
    line_free(l);
}

/* As telephones of old hold: an address that is none. Nothing is sent anywhere, and after it all is as
 * before. */
static void hold_by_no_address_forgets_nobody(void **state)
{
    struct line *l = line_new();
    struct sockaddr_storage agreed = l->agreed.addr;
    uint16_t port = 0;
    int nat = peer_socket(AF_INET, &port), i;
    struct heard h;

    (void)state;
    for (i = 0; i < 2; i++)
        line_packet(l, nat, 0, false, l->peer.ts, "\xff\xff\xff", 3);
    ((struct sockaddr_in *)&l->agreed.addr)->sin_addr.s_addr = 0;
    l->agreed.direction = NEG_RECV;
    media_set(l->m, CALL, &l->agreed);
    line_beats(l, 10 * 50);
    assert_false(heard_waits(nat, 0));
    /* Its music is heard, were it listened to; keys count. */
    line_packet(l, nat, 101, true, l->peer.ts, "\x05\x8a\0\xa0", 4);
    assert_int_equal(line_event(l, MEDIA_DIGIT).digit, '5');
    l->agreed.addr = agreed;
    l->agreed.direction = NEG_SEND | NEG_RECV;
    media_set(l->m, CALL, &l->agreed);
    line_beats(l, 1);
    peer_hears(nat, &h);
    (void)close(nat);
    line_free(l);
}

static void stop_and_loop(void **state)
{
    struct line *l = line_new();
    struct media_event e;

    (void)state;
    line_plays(l, 1, sine(440, 50, 8000), 0, true);
    line_plays(l, 2, sine(440, 50, 8000), 0, false);
    line_beats(l, 20);
    line_no_event(l);
    media_stop(l->m, CALL);
    line_orders(l);
    e = line_event(l, MEDIA_PLAYED);
    assert_int_equal(e.play, 1);
    assert_int_equal(e.complete, 0);
    assert_int_equal(e.listened_ms, 400);
    e = line_event(l, MEDIA_PLAYED);
    assert_int_equal(e.play, 2);
    assert_int_equal(e.listened_ms, 0);
    line_free(l);
}

/* A machine that stood still: what is late by more than 20 ms is not sent, and each time stays true. */
static void what_would_be_late_is_left_out(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    struct heard h;
    uint32_t ts;

    (void)state;
    line_plays(l, 1, sine(440, 200, 8000), 0, false);
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    ts = h.ts;
    l->now += 7 * 20000;
    (void)media__run(l->m, l->now);
    peer_hears(l->peer.rtp, &h);
    assert_int_equal(h.ts, ts + 7 * 160);
    assert_int_equal(h.marker, 1);
    assert_false(heard_waits(l->peer.rtp, 0));
    /* No sound is lost by it. */
    line_beats(l, 8);
    e = line_event(l, MEDIA_PLAYED);
    assert_int_equal(e.listened_ms, 200);
    media_close(l->m, CALL);
    line_orders(l);
    e = line_event(l, MEDIA_CLOSED);
    assert_int_equal(e.late, 6);
    assert_int_equal(e.packets_out, 10);
    line_free(l);
}

/* ---- keys that come ----------------------------------------------------------------------------- */

static void line_key(struct line *l, char key, uint32_t how)
{
    struct media_event e = line_event(l, MEDIA_DIGIT);

    assert_int_equal(e.digit, key);
    assert_int_equal(e.how, how);
}

/* A press as a good telephone sends it: 100 ms, three packets of its end. */
static void line_presses(struct line *l, unsigned event)
{
    uint32_t ts = l->peer.ts;
    unsigned i;

    for (i = 1; i <= 5; i++)
        line_event_packet(l, event, i == 5, i * 160, i == 1, ts);
    line_event_packet(l, event, true, 800, false, ts);
    line_event_packet(l, event, true, 800, false, ts);
    l->peer.ts += 960;
}

static void every_key_is_told_once(void **state)
{
    static const char keys[] = "0123456789*#ABCD";
    struct line *l = line_new();
    unsigned i;

    (void)state;
    for (i = 0; i < 16; i++) {
        line_presses(l, i);
        line_key(l, keys[i], MEDIA_BY_EVENT);
        line_no_event(l);
    }
    line_presses(l, 16); /* a flash is no key */
    line_no_event(l);
    line_presses(l, 5);
    line_presses(l, 5);
    line_key(l, '5', MEDIA_BY_EVENT);
    line_key(l, '5', MEDIA_BY_EVENT);
    line_no_event(l);
    line_free(l);
}

static void keys_are_told_whatever_the_network_does(void **state)
{
    struct line *l = line_new();
    uint32_t ts = l->peer.ts;

    (void)state;
    /* Only packets of the end. */
    line_event_packet(l, 3, true, 800, false, ts);
    line_event_packet(l, 3, true, 800, false, ts);
    line_key(l, '3', MEDIA_BY_EVENT);
    line_no_event(l);
    /* Its end sent again after the next has begun. */
    line_event_packet(l, 4, false, 160, true, ts + 1600);
    line_key(l, '4', MEDIA_BY_EVENT);
    line_event_packet(l, 3, true, 800, false, ts);
    line_event_packet(l, 4, false, 320, false, ts + 1600);
    line_event_packet(l, 4, true, 480, false, ts + 1600);
    line_no_event(l);
    /* A long press goes on in a segment of its own (RFC 4733 2.5.1.3). */
    line_event_packet(l, 6, false, 0xffff, true, ts + 9600);
    line_key(l, '6', MEDIA_BY_EVENT);
    line_event_packet(l, 6, false, 160, false, ts + 9600 + 0xffff);
    line_event_packet(l, 6, true, 320, false, ts + 9600 + 0xffff);
    line_no_event(l);
    /* A new time in each packet, from those who know no better. */
    line_event_packet(l, 7, false, 160, true, ts + 90000);
    line_event_packet(l, 7, false, 320, false, ts + 90160);
    line_event_packet(l, 7, true, 480, false, ts + 90320);
    line_key(l, '7', MEDIA_BY_EVENT);
    line_no_event(l);
    /* And then a real one of the same key. */
    line_event_packet(l, 7, false, 160, true, ts + 91600);
    line_key(l, '7', MEDIA_BY_EVENT);
    /* Too short to be one. */
    line_packet(l, l->peer.rtp, 101, true, ts + 99999, "\x01\x0a\x00", 3);
    line_no_event(l);
    line_free(l);
}

static void heads_of_every_shape_are_read(void **state)
{
    struct line *l = line_new();
    unsigned char p[128];
    size_t n;

    (void)state;
    line_sounds(l, 0, 0, 0);
    /* Two contributing sources, an extension of one word, four octets of padding. */
    n = peer_head(&l->peer, 101, true, l->peer.seq++, l->peer.ts, p);
    p[0] = 0x80 | 0x20 | 0x10 | 2;
    memcpy(p + n,
           "\0\0\0\1\0\0\0\2"
           "\xbe\xde\0\1\x10\0\0\0"
           "\x08\x0a\0\xa0"
           "\0\0\0\4",
           24);
    line_octets(l, l->peer.rtp, p, n + 24);
    line_key(l, '8', MEDIA_BY_EVENT);
    /* The same with lengths that can't be: nothing, and nobody falls over. Each would be another press. */
    p[0] = 0x80 | 0x20;
    p[n + 23] = 200;
    p[5]++;
    line_octets(l, l->peer.rtp, p, n + 24);
    p[n + 23] = 0;
    p[5]++;
    line_octets(l, l->peer.rtp, p, n + 24);
    p[0] = 0x80 | 15;
    p[5]++;
    line_octets(l, l->peer.rtp, p, n + 24);
    p[0] = 0x90;
    p[n + 2] = 0xff;
    p[5]++;
    line_octets(l, l->peer.rtp, p, n + 24);
    p[0] = 0x40;
    p[5]++;
    line_octets(l, l->peer.rtp, p, n + 24);
    line_octets(l, l->peer.rtp, p, 1);
    line_octets(l, l->peer.rtp, p, 11);
    line_no_event(l);
    l->peer.ts += 1600;
    line_presses(l, 9);
    line_key(l, '9', MEDIA_BY_EVENT);
    line_free(l);
}

static void another_sender_in_the_same_call(void **state)
{
    struct line *l = line_new();

    (void)state;
    line_presses(l, 1);
    line_key(l, '1', MEDIA_BY_EVENT);
    /* A transfer at their end: all numbers begin anew, even with a time that was there before. */
    l->peer.ssrc = 99;
    l->peer.seq = 7;
    l->peer.ts -= 960;
    line_presses(l, 1);
    line_key(l, '1', MEDIA_BY_EVENT);
    line_no_event(l);
    line_free(l);
}

static void key_stops_what_lets_itself_be_stopped(void **state)
{
    struct line *l = line_new();
    struct media_event e;

    (void)state;
    line_plays(l, 1, sine(440, 1000, 8000), MEDIA_BARGE_IN, false);
    line_plays(l, 2, sine(440, 1000, 8000), 0, false);
    line_beats(l, 5);
    line_presses(l, 2);
    line_key(l, '2', MEDIA_BY_EVENT);
    e = line_event(l, MEDIA_PLAYED);
    assert_int_equal(e.play, 1);
    assert_int_equal(e.complete, 0);
    assert_int_equal(e.listened_ms, 100);
    assert_int_equal(line_event(l, MEDIA_PLAYED).play, 2);
    /* And what does not, goes on. */
    line_plays(l, 3, sine(440, 100, 8000), 0, false);
    line_beats(l, 1);
    line_presses(l, 2);
    line_key(l, '2', MEDIA_BY_EVENT);
    line_no_event(l);
    line_beats(l, 4);
    assert_int_equal(line_event(l, MEDIA_PLAYED).complete, 1);
    line_free(l);
}

/* Beats in which the telephone sounds two pitches, or one, or none. */
static void line_tones(struct line *l, double hz, double hz2, double amplitude, unsigned frames)
{
    for (; frames; frames--) {
        line_sounds(l, hz, hz2, amplitude);
        line_beats(l, 1);
    }
}

static void tones_are_keys_where_events_are_not(void **state)
{
    static const double low[4] = {697, 770, 852, 941}, high[4] = {1209, 1336, 1477, 1633};
    static const char pad[] = "123A456B789C*0#D";
    struct line *l = line_new();
    int i;

    (void)state;
    l->agreed.dtmf_type = l->agreed.dtmf_recv_type = -1;
    media_set(l->m, CALL, &l->agreed);
    line_tones(l, 0, 0, 0, 10);
    for (i = 0; i < 16; i++) {
        line_tones(l, low[i / 4], high[i % 4], 5000, 4);
        line_tones(l, 0, 0, 0, 6);
        line_key(l, pad[i], MEDIA_BY_TONE);
        line_no_event(l);
    }
    /* Held for two seconds it is still one key; the same again is another. */
    line_tones(l, 770, 1336, 5000, 100);
    line_tones(l, 0, 0, 0, 6);
    line_key(l, '5', MEDIA_BY_TONE);
    line_no_event(l);
    line_tones(l, 770, 1336, 5000, 4);
    line_tones(l, 0, 0, 0, 10);
    line_key(l, '5', MEDIA_BY_TONE);
    /* 20 ms are none, one pitch is none, nor are two of the same side, nor a key's with a third. */
    line_tones(l, 770, 1336, 5000, 1);
    line_tones(l, 0, 0, 0, 6);
    line_tones(l, 770, 0, 8000, 10);
    line_tones(l, 770, 941, 5000, 10);
    line_tones(l, 0, 0, 0, 6);
    line_no_event(l);
    line_free(l);
}

static void key_that_comes_as_both_is_one(void **state)
{
    struct line *l = line_new();
    uint32_t ts;

    (void)state;
    line_tones(l, 0, 0, 0, 10);
    /* The beginning of the tone gets through before the gateway writes events. */
    line_tones(l, 770, 1336, 5000, 4);
    ts = l->peer.ts;
    line_event_packet(l, 5, false, 160, true, ts);
    line_key(l, '5', MEDIA_BY_EVENT);
    line_event_packet(l, 5, true, 800, false, ts);
    l->peer.ts += 800;
    line_tones(l, 0, 0, 0, 20);
    line_no_event(l);
    /* Events have come: the tone beside them is not listened to any more. */
    line_presses(l, 6);
    line_key(l, '6', MEDIA_BY_EVENT);
    line_tones(l, 770, 1477, 5000, 10);
    line_tones(l, 0, 0, 0, 20);
    line_no_event(l);
    line_free(l);
}

static void tone_whose_events_never_come_is_a_key(void **state)
{
    struct line *l = line_new();

    (void)state;
    line_tones(l, 0, 0, 0, 10);
    line_tones(l, 770, 1336, 5000, 8);
    line_no_event(l); /* it is waited for */
    line_tones(l, 0, 0, 0, 10);
    line_key(l, '5', MEDIA_BY_TONE);
    /* An event that comes after all, for what was told already. */
    line_event_packet(l, 5, true, 800, false, l->peer.ts);
    line_no_event(l);
    l->peer.ts += 1600;
    line_presses(l, 5);
    line_key(l, '5', MEDIA_BY_EVENT);
    line_free(l);
}

static void tones_are_not_heard_where_the_operator_wants_none(void **state)
{
    struct line *l = malloc(sizeof *l);

    (void)state;
    assert_non_null(l);
    line_conf(l);
    l->conf.inband_dtmf = 0;
    line_media(l);
    line_call(l, AF_INET);
    l->agreed.dtmf_type = l->agreed.dtmf_recv_type = -1;
    media_set(l->m, CALL, &l->agreed);
    line_tones(l, 770, 1336, 5000, 20);
    line_no_event(l);
    line_free(l);
}

/* ---- keys that go ------------------------------------------------------------------------------- */

static void keys_are_sent_as_events(void **state)
{
    struct line *l = line_new();
    struct heard h;
    unsigned i, seq;
    uint32_t ts;

    (void)state;
    line_plays(l, 1, sine(440, 1000, 8000), 0, false);
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    ts = h.ts;
    seq = h.seq;
    media_send_digit(l->m, CALL, '#', 100);
    media_send_digit(l->m, CALL, 'x', 100); /* no key */
    media_send_digit(l->m, CALL, '1', 60);
    line_beats(l, 30);
    for (i = 1; i <= 7; i++) {
        peer_hears(l->peer.rtp, &h);
        assert_int_equal(h.type, 101);
        assert_int_equal(h.payload_n, 4);
        assert_int_equal(h.ts, ts + 160);
        assert_int_equal(h.seq, (seq + i) & 0xffff);
        assert_int_equal(h.marker, i == 1);
        assert_int_equal(h.payload[0], 11);
        assert_int_equal(h.payload[1] >> 7, i >= 5);
        assert_int_equal(h.payload[1] & 63, 10);
        assert_int_equal(h.payload[2] << 8 | h.payload[3], (i < 5 ? i : 5) * 160);
    }
    /* Two beats of pause, then the next. */
    peer_hears(l->peer.rtp, &h);
    assert_int_equal(h.ts, ts + 160 + 9 * 160);
    assert_int_equal(h.payload[0], 1);
    for (i = 0; i < 4; i++)
        peer_hears(l->peer.rtp, &h);
    assert_int_equal(h.payload[1] >> 7, 1);
    /* The sound goes on where it was. */
    peer_hears(l->peer.rtp, &h);
    assert_int_equal(h.type, 0);
    assert_int_equal(h.marker, 1);
    assert_int_equal(h.ts, ts + 160 + 9 * 160 + 7 * 160);
    line_beats(l, 49 - 14);
    assert_int_equal(line_event(l, MEDIA_PLAYED).listened_ms, 1000);
    line_free(l);
}

static void keys_are_sent_as_tones_where_events_are_not(void **state)
{
    struct line *l = line_new();
    int sound[800], i, k;
    struct heard h;

    (void)state;
    l->agreed.dtmf_type = l->agreed.dtmf_recv_type = -1;
    media_set(l->m, CALL, &l->agreed);
    media_send_digit(l->m, CALL, '9', 100);
    for (i = 0; i < 5; i++) {
        line_beats(l, 1);
        peer_hears(l->peer.rtp, &h);
        assert_int_equal(h.type, 0);
        for (k = 0; k < 160; k++)
            sound[i * 160 + k] = peer_ulaw_value(h.payload[k]);
    }
    assert_true(ear_pitch(sound, 800, 852, 7200) > 0.95);
    assert_true(ear_pitch(sound, 800, 1477, 9000) > 0.95);
    assert_true(ear_pitch(sound, 800, 770, 7200) < 0.1);
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    assert_int_equal(h.payload[0], 0xff);
    line_free(l);
}

/* ---- who takes part ----------------------------------------------------------------------------- */

static void media_go_where_they_come_from(void **state)
{
    struct line *l = line_new();
    uint16_t port = 0;
    int nat = peer_socket(AF_INET, &port), i;
    struct heard h;

    (void)state;
    /* Behind a NAT: another port than was agreed. Two packets in a row prove it. */
    for (i = 0; i < 2; i++) {
        line_packet(l, nat, 0, false, l->peer.ts, "\xff\xff\xff", 3);
        l->peer.ts += 160;
    }
    line_beats(l, 1);
    peer_hears(nat, &h);
    assert_false(heard_waits(l->peer.rtp, 0));
    /* Keys of theirs count from then on. */
    i = l->peer.rtp;
    l->peer.rtp = nat;
    line_presses(l, 4);
    line_key(l, '4', MEDIA_BY_EVENT);
    l->peer.rtp = i;
    (void)close(nat);
    line_free(l);
}

static void strangers_can_not_take_a_call_over(void **state)
{
    struct line *l = line_new();
    uint16_t port = 0;
    int stranger = peer_socket(AF_INET, &port), i;
    uint32_t ssrc = l->peer.ssrc;
    uint16_t seq;
    struct heard h;

    (void)state;
    line_sounds(l, 0, 0, 0);
    /* As many as they like, even with the SSRC, which can be seen on the way. */
    seq = l->peer.seq;
    for (i = 0; i < 50; i++) {
        line_packet(l, stranger, 0, false, l->peer.ts, "\xff\xff\xff", 3);
        l->peer.ssrc = i % 2 ? ssrc : 1;
    }
    i = l->peer.rtp;
    l->peer.rtp = stranger;
    line_presses(l, 4);
    l->peer.rtp = i;
    line_no_event(l);
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    assert_false(heard_waits(stranger, 0));
    /* The call's own are heard as before. */
    l->peer.ssrc = ssrc;
    l->peer.seq = seq;
    line_presses(l, 5);
    line_key(l, '5', MEDIA_BY_EVENT);
    /* She has been silent for two seconds, and her NAT gives her another port: the same sender goes on. */
    line_beats(l, 100);
    seq = l->peer.seq;
    for (i = 0; i < 4; i++)
        line_packet(l, stranger, 0, false, l->peer.ts, "\xff\xff\xff", 3);
    line_beats(l, 1);
    peer_hears(stranger, &h);
    (void)close(stranger);
    line_free(l);
}

static void other_payloads_are_no_media(void **state)
{
    struct line *l = line_new();
    uint16_t port = 0;
    int nat = peer_socket(AF_INET, &port), i;
    struct heard h;

    (void)state;
    for (i = 0; i < 20; i++)
        line_packet(l, nat, 96, false, l->peer.ts, "\xff\xff\xff", 3);
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    assert_false(heard_waits(nat, 0));
    (void)close(nat);
    line_free(l);
}

static void silence_on_the_line_is_told_once_and_not_on_hold(void **state)
{
    struct line *l = line_new();

    (void)state;
    line_beats(l, 30 * 50 - 1);
    line_no_event(l);
    line_beats(l, 2);
    (void)line_event(l, MEDIA_SILENT);
    line_beats(l, 30 * 50);
    line_no_event(l);
    /* Comfort noise is a sign of life. */
    line_packet(l, l->peer.rtp, 13, false, l->peer.ts, "\x40", 1);
    line_beats(l, 29 * 50);
    line_packet(l, l->peer.rtp, 13, false, l->peer.ts, "\x40", 1);
    line_beats(l, 29 * 50);
    line_no_event(l);
    line_beats(l, 2 * 50);
    (void)line_event(l, MEDIA_SILENT);
    /* They hold us, and need not send. */
    l->agreed.direction = NEG_SEND;
    media_set(l->m, CALL, &l->agreed);
    line_beats(l, 60 * 50);
    line_no_event(l);
    line_free(l);
}

static void ipv6_is_as_good(void **state)
{
    struct line *l = malloc(sizeof *l);
    struct heard h;

    (void)state;
    assert_non_null(l);
    line_conf(l);
    line_media(l);
    line_call(l, AF_INET6);
    assert_int_equal(l->local.ss_family, AF_INET6);
    line_beats(l, 1);
    peer_hears(l->peer.rtp, &h);
    line_presses(l, 0);
    line_key(l, '0', MEDIA_BY_EVENT);
    line_free(l);
}

/* ---- reports ------------------------------------------------------------------------------------ */

static uint32_t word(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return ntohl(v);
}

static void reports_say_what_came_and_went(void **state)
{
    struct line *l = line_new();
    struct sockaddr_storage rtcp = l->peer.to;
    unsigned char p[512], sr[28] = {0x80, 200, 0, 6};
    struct media_call *c = line_inside(l);
    struct heard h;
    uint32_t ssrc;
    ssize_t n;
    int i;

    (void)state;
    /* 50 packets, every tenth lost on its way. */
    for (i = 0; i < 50; i++) {
        if (i % 10 == 9)
            l->peer.seq++;
        line_sounds(l, 0, 0, 0);
        line_beats(l, 1);
        peer_hears(l->peer.rtp, &h);
    }
    ssrc = h.ssrc;
    memcpy(sr + 4, "\0\0\0\1", 4); /* another SSRC is no matter: the host counts */
    memcpy(sr + 8, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    ((struct sockaddr_in *)&rtcp)->sin_port =
        htons((uint16_t)(ntohs(((struct sockaddr_in *)&rtcp)->sin_port) + 1));
    assert_int_equal(sendto(l->peer.rtcp, sr, 28, 0, (struct sockaddr *)&rtcp, sizeof(struct sockaddr_in)),
                     28);
    assert_true(heard_waits(c->rtcp, 10000));
    line_orders(l);
    for (i = 0; i < 8 * 50 && !heard_waits(l->peer.rtcp, 0); i++)
        line_beats(l, 1);
    n = recv(l->peer.rtcp, p, sizeof p, MSG_DONTWAIT);
    assert_true(n >= 28 + 24 + 8);
    assert_int_equal(p[0], 0x81);
    assert_int_equal(p[1], 200);
    assert_int_equal(p[3], 12);
    assert_int_equal(word(p + 4), ssrc);
    assert_true(word(p + 20) >= 50);                    /* packets */
    assert_int_equal(word(p + 24), 160 * word(p + 20)); /* octets */
    assert_int_equal(word(p + 28), l->peer.ssrc);
    assert_int_equal(word(p + 32) >> 24, 5 * 255 / 55);
    assert_int_equal(word(p + 32) & 0xffffff, 5);
    assert_int_equal(word(p + 36), 65536 + ((65530 + 54) & 0xffff)); /* one turn of the sequence */
    assert_int_equal(word(p + 44), 0x33445566);
    assert_true(word(p + 48) > 0); /* 1/65536 s since */
    assert_int_equal(p[52], 0x81);
    assert_int_equal(p[53], 202);
    assert_int_equal(p[60], 1);
    assert_int_equal(p[61], 16);
    assert_int_equal((size_t)n, 52 + 4 + 4u * (unsigned)p[55]);
    /* At the end it says farewell. */
    while (heard_waits(l->peer.rtcp, 0))
        (void)recv(l->peer.rtcp, p, sizeof p, 0);
    media_close(l->m, CALL);
    line_orders(l);
    assert_true(heard_waits(l->peer.rtcp, 10000));
    n = recv(l->peer.rtcp, p, sizeof p, 0);
    assert_true(n > 8);
    assert_int_equal(p[n - 7], 203);
    assert_int_equal(word(p + n - 4), ssrc);
    assert_int_equal(line_event(l, MEDIA_CLOSED).lost, 5);
    line_free(l);
}

/* ---- beginning and end -------------------------------------------------------------------------- */

static void last_of_a_call_is_that_it_is_closed(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    struct heard h;

    (void)state;
    line_plays(l, 1, sine(440, 1000, 8000), 0, false);
    line_sounds(l, 0, 0, 0);
    line_beats(l, 3);
    media_close(l->m, CALL);
    line_orders(l);
    assert_int_equal(line_event(l, MEDIA_PLAYED).complete, 0);
    e = line_event(l, MEDIA_CLOSED);
    assert_int_equal(e.packets_in, 1);
    assert_int_equal(e.packets_out, 3);
    assert_int_equal(e.lost, 0);
    assert_int_equal(e.late, 0);
    while (heard_waits(l->peer.rtp, 0))
        peer_hears(l->peer.rtp, &h);
    line_beats(l, 10);
    assert_false(heard_waits(l->peer.rtp, 0));
    /* Its number is dead: what is handed over is let go of. */
    line_plays(l, 2, sine(440, 1000, 8000), 0, false);
    media_set(l->m, CALL, &l->agreed);
    media_close(l->m, CALL);
    line_beats(l, 1);
    line_no_event(l);
    line_free(l);
}

static void ports_are_pairs_and_come_to_an_end(void **state)
{
    struct sockaddr_storage a, b, c;
    struct line *l = malloc(sizeof *l);
    struct peer two;
    char why[256];

    (void)state;
    assert_non_null(l);
    peer_init(&two, AF_INET); /* two ports that are free once it is gone */
    peer_done(&two);
    line_conf(l);
    l->conf.port_min = two.port;
    l->conf.port_max = two.port + 1u;
    line_media(l);
    assert_true(media_open(l->m, 1, AF_INET, &a));
    assert_int_equal(ntohs(((struct sockaddr_in *)&a)->sin_port), two.port);
    assert_false(media_open(l->m, 2, AF_INET, &b));
    assert_true(media_open(l->m, 3, AF_INET6, &b)); /* the other family has its own */
    media_close(l->m, 1);
    line_orders(l);
    assert_true(media_open(l->m, 4, AF_INET, &c));
    media_free(l->m);
    l->conf.port_max = two.port;
    assert_null(media__new(&l->conf, line_woken, l, false, why));
    assert_non_null(strstr(why, "pair"));
    l->conf.port_max = 39999;
    l->conf.listen = (struct hilo_str){"pbx.example", 11};
    assert_null(media__new(&l->conf, line_woken, l, false, why));
    assert_non_null(strstr(why, "pbx.example"));
    l->conf.listen = (struct hilo_str){"127.0.0.1 127.0.0.2", 19};
    assert_null(media__new(&l->conf, line_woken, l, false, why));
    l->conf.listen = (struct hilo_str){NULL, 0};
    assert_null(media__new(&l->conf, line_woken, l, false, why));
    free(l);
}

struct woken {
    pthread_mutex_t lock;
    pthread_cond_t more;
    unsigned n;
};

static void thread_woken(void *arg)
{
    struct woken *w = arg;

    pthread_mutex_lock(&w->lock);
    w->n++;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

/* The same on its own thread and by the system's clock: it plays, wakes, and ends when told. */
static void its_own_thread_keeps_the_beat(void **state)
{
    struct woken w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    struct line *l = malloc(sizeof *l);
    struct media_event e;
    char why[256] = "";
    struct heard h;
    bool played = false;
    uint32_t ts = 0;
    int i;

    (void)state;
    assert_non_null(l);
    line_conf(l);
    l->m = media_new(&l->conf, thread_woken, &w, why);
    assert_non_null(l->m);
    peer_init(&l->peer, AF_INET);
    assert_true(media_open(l->m, CALL, AF_INET, &l->local));
    peer_is(&l->peer, l->peer.port, &l->agreed.addr);
    l->agreed.ptime_ms = 20;
    l->agreed.dtmf_type = l->agreed.dtmf_recv_type = l->agreed.cn_type = -1;
    l->agreed.direction = NEG_SEND | NEG_RECV;
    media_set(l->m, CALL, &l->agreed);
    line_plays(l, 9, sine(440, 100, 8000), 0, false);
    for (i = 0; i < 5; i++) {
        peer_hears(l->peer.rtp, &h);
        assert_true(i == 0 || (h.ts - ts) % 160 == 0);
        ts = h.ts;
    }
    pthread_mutex_lock(&w.lock);
    while (!played) {
        while (w.n == 0)
            pthread_cond_wait(&w.more, &w.lock);
        w.n = 0;
        while (media_next(l->m, &e))
            played = e.type == MEDIA_PLAYED && e.play == 9 && e.complete;
    }
    pthread_mutex_unlock(&w.lock);
    line_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompt_is_heard_once_in_time_and_whole),
        cmocka_unit_test(prompts_follow_without_a_gap_in_their_order),
        cmocka_unit_test(alaw_and_a_number_of_the_peers_own),
        cmocka_unit_test(packets_are_as_long_as_the_peer_asks),
        cmocka_unit_test(hold_sends_nothing_and_what_plays_waits),
        cmocka_unit_test(hold_by_no_address_forgets_nobody),
        cmocka_unit_test(stop_and_loop),
        cmocka_unit_test(what_would_be_late_is_left_out),
        cmocka_unit_test(every_key_is_told_once),
        cmocka_unit_test(keys_are_told_whatever_the_network_does),
        cmocka_unit_test(heads_of_every_shape_are_read),
        cmocka_unit_test(another_sender_in_the_same_call),
        cmocka_unit_test(key_stops_what_lets_itself_be_stopped),
        cmocka_unit_test(tones_are_keys_where_events_are_not),
        cmocka_unit_test(key_that_comes_as_both_is_one),
        cmocka_unit_test(tone_whose_events_never_come_is_a_key),
        cmocka_unit_test(tones_are_not_heard_where_the_operator_wants_none),
        cmocka_unit_test(keys_are_sent_as_events),
        cmocka_unit_test(keys_are_sent_as_tones_where_events_are_not),
        cmocka_unit_test(media_go_where_they_come_from),
        cmocka_unit_test(strangers_can_not_take_a_call_over),
        cmocka_unit_test(other_payloads_are_no_media),
        cmocka_unit_test(silence_on_the_line_is_told_once_and_not_on_hold),
        cmocka_unit_test(ipv6_is_as_good),
        cmocka_unit_test(reports_say_what_came_and_went),
        cmocka_unit_test(last_of_a_call_is_that_it_is_closed),
        cmocka_unit_test(ports_are_pairs_and_come_to_an_end),
        cmocka_unit_test(its_own_thread_keeps_the_beat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
