/*
 * Recordings of a call, as another program finds them on disk: who is in them, when they end, and that there
 * is a whole WAV at any moment; and what is told of speech and beeps. The clock is the test's.
 */
#include "voice_peer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- a file, as it lies there ------------------------------------------------------------------- */

struct file {
    char name[64];
    unsigned char *p;
    size_t n;
    unsigned channels, rate, octets; /* octets: of sound, as its head says */
};

static int file_new(struct file *f)
{
    int fd;

    memset(f, 0, sizeof *f);
    (void)strcpy(f->name, "/tmp/hilo-voice-XXXXXX");
    fd = mkstemp(f->name);
    assert_true(fd >= 0);
    return fd;
}

static unsigned le(const unsigned char *p, int n)
{
    unsigned v = 0;

    while (n--)
        v = v << 8 | p[n];
    return v;
}

/* Reads it by the letter of the format: anything that is not as it must be fails. */
static void file_read(struct file *f)
{
    struct stat st;
    int fd = open(f->name, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    f->n = (size_t)st.st_size;
    free(f->p);
    f->p = malloc(f->n + 1);
    assert_non_null(f->p);
    assert_int_equal(read(fd, f->p, f->n), (ssize_t)f->n);
    (void)close(fd);
    assert_true(f->n >= 44);
    assert_memory_equal(f->p, "RIFF", 4);
    assert_memory_equal(f->p + 8, "WAVEfmt ", 8);
    assert_int_equal(le(f->p + 16, 4), 16);
    assert_int_equal(le(f->p + 20, 2), 1);
    f->channels = le(f->p + 22, 2);
    f->rate = le(f->p + 24, 4);
    assert_int_equal(le(f->p + 28, 4), f->rate * f->channels * 2);
    assert_int_equal(le(f->p + 32, 2), f->channels * 2);
    assert_int_equal(le(f->p + 34, 2), 16);
    assert_memory_equal(f->p + 36, "data", 4);
    f->octets = le(f->p + 40, 4);
    assert_int_equal(le(f->p + 4, 4), f->octets + 36);
    assert_true(f->octets + 44 <= f->n); /* its head never says more than there is */
}

/* The samples of one channel. */
static size_t file_channel(const struct file *f, unsigned channel, int *out, size_t most)
{
    size_t n = f->octets / 2 / f->channels, i;

    for (i = 0; i < n && i < most; i++)
        out[i] = (int16_t)le(f->p + 44 + (i * f->channels + channel) * 2, 2);
    return i;
}

static void file_free(struct file *f)
{
    (void)unlink(f->name);
    free(f->p);
}

static struct media_record wanted(struct file *f, uint32_t flags, int64_t max_us, int64_t silence_us)
{
    return (struct media_record){
        .fd = file_new(f), .flags = flags, .max_us = max_us, .silence_us = silence_us};
}

static void line_records(struct line *l, const struct media_record *r)
{
    media_record(l->m, CALL, r);
    line_orders(l);
}

/* Frames of hers. */
static void line_says(struct line *l, double hz, unsigned frames)
{
    for (; frames; frames--) {
        line_sounds(l, hz, 0, hz > 0 ? 8000 : 0);
        line_beats(l, 1);
    }
}

/* ---- what is in it ------------------------------------------------------------------------------ */

static void caller_alone_is_recorded(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    struct media_record r;
    struct file f;
    int x[40000];
    size_t n;

    (void)state;
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 0);
    line_plays(l, 1, sine(440, 10000, 8000), 0, false);
    line_says(l, 0, 5);
    line_records(l, &r);
    line_says(l, 1000, 100);
    line_says(l, 0, 25);
    media_record_end(l->m, CALL);
    line_orders(l);
    e = line_await(l, MEDIA_RECORDED);
    assert_int_equal(e.why, MEDIA_ENDED);
    assert_int_equal(e.length_ms, 2500);
    assert_true(e.speech_ms >= 1900 && e.speech_ms <= 2400);
    file_read(&f);
    assert_int_equal(e.bytes, f.n);
    assert_int_equal(f.n, 44 + f.octets);
    assert_int_equal(f.channels, 1);
    assert_int_equal(f.rate, 8000);
    n = file_channel(&f, 0, x, 40000);
    assert_int_equal(n, 20000);
    /* She is in it whole, but for the delay of the jitter buffer; what we played is not. */
    assert_true(ear_pitch(x + 800, 14400, 1000, 8000) > 0.98);
    assert_true(ear_pitch(x + 800, 14400, 440, 8000) < 0.01);
    assert_true(ear_pitch(x + 17600, 2400, 1000, 8000) < 0.01);
    file_free(&f);
    line_free(l);
}

static void both_are_recorded_each_in_a_channel(void **state)
{
    struct line *l = line_new();
    struct media_record r;
    struct file f;
    int x[8000];

    (void)state;
    r = wanted(&f, 0, 0, 0);
    line_records(l, &r);
    line_plays(l, 1, sine(440, 1000, 8000), 0, false);
    line_says(l, 1000, 50);
    media_record_end(l->m, CALL);
    line_orders(l);
    (void)line_event(l, MEDIA_PLAYED);
    assert_int_equal(line_await(l, MEDIA_RECORDED).length_ms, 1000);
    file_read(&f);
    assert_int_equal(f.channels, 2);
    assert_int_equal(file_channel(&f, 0, x, 8000), 8000);
    assert_true(ear_pitch(x + 800, 7200, 1000, 8000) > 0.98);
    assert_true(ear_pitch(x + 800, 7200, 440, 8000) < 0.01);
    assert_int_equal(file_channel(&f, 1, x, 8000), 8000);
    assert_true(ear_pitch(x, 8000, 440, 8000) > 0.98);
    assert_true(ear_pitch(x, 8000, 1000, 8000) < 0.01);
    file_free(&f);
    line_free(l);
}

static void packets_out_of_order_are_put_in_order(void **state)
{
    struct line *l = line_new();
    struct media_record r;
    unsigned char p[6][172];
    struct file f;
    int x[16000], round, i, k;

    (void)state;
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 0);
    line_records(l, &r);
    /* Each three packets come last first, and late together; one comes twice; across the turn of both counts.
     */
    for (round = 0; round < 10; round++) {
        for (i = 0; i < 3; i++) {
            size_t at = peer_head(&l->peer, 0, false, l->peer.seq++, l->peer.ts, p[i]);

            for (k = 0; k < 160; k++)
                p[i][at + (size_t)k] = peer_code(
                    (int)lrint(8000 * sin(2 * M_PI * 500 * (l->peer.ts - 0xffffff00u + (unsigned)k) / 8000)),
                    false);
            l->peer.ts += 160;
        }
        line_beats(l, 2);
        for (i = 2; i >= 0; i--)
            line_octets(l, l->peer.rtp, p[i], 172);
        line_octets(l, l->peer.rtp, p[1], 172);
        line_beats(l, 1);
    }
    line_beats(l, 10);
    media_record_end(l->m, CALL);
    line_orders(l);
    (void)line_await(l, MEDIA_RECORDED);
    file_read(&f);
    i = (int)file_channel(&f, 0, x, 16000);
    for (k = 0; k < i && abs(x[k]) < 500; k++)
        ;
    /* 600 ms of one unbroken sine, wherever they begin. */
    assert_true(k + 4700 <= i);
    assert_true(ear_pitch(x + k, 4600, 500, 8000) > 0.97);
    media_close(l->m, CALL);
    line_orders(l);
    assert_int_equal(line_event(l, MEDIA_CLOSED).lost, 0);
    file_free(&f);
    line_free(l);
}

/* A-law by a number of the peer's own, then by its static one, then mu-law, which was offered as well. */
static void each_codec_is_heard_as_what_it_is(void **state)
{
    struct line *l = line_new();
    struct media_record r;
    struct file f;
    int x[16000];

    (void)state;
    l->agreed.codec = NEG_PCMA;
    l->agreed.codec_type = 97;
    media_set(l->m, CALL, &l->agreed);
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 0);
    line_records(l, &r);
    line_beats(l, 1);
    l->peer.alaw = true;
    l->peer.type = 97;
    line_says(l, 1000, 20);
    l->peer.type = 8;
    line_says(l, 1000, 20);
    l->peer.alaw = false;
    l->peer.type = 0;
    line_says(l, 1000, 20);
    media_record_end(l->m, CALL);
    line_orders(l);
    (void)line_await(l, MEDIA_RECORDED);
    file_read(&f);
    assert_int_equal(file_channel(&f, 0, x, 16000), 61 * 160);
    assert_true(ear_pitch(x + 800, 2400, 1000, 8000) > 0.98);
    assert_true(ear_pitch(x + 4000, 2400, 1000, 8000) > 0.98);
    assert_true(ear_pitch(x + 7200, 2400, 1000, 8000) > 0.98);
    file_free(&f);
    line_free(l);
}

/* A transfer at their end: another sender, whose clock has nothing to do with the first's, is heard at once.
 */
static void another_sender_goes_on_without_a_gap(void **state)
{
    struct line *l = line_new();
    struct media_record r;
    struct file f;
    int x[16000];
    size_t n, i, loud = 0;

    (void)state;
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 0);
    line_records(l, &r);
    line_beats(l, 1);
    line_says(l, 500, 20);
    line_beats(l, 5);
    l->peer.ssrc = 5;
    l->peer.seq = 5;
    l->peer.ts -= 16000;
    line_says(l, 500, 20);
    line_beats(l, 5);
    media_record_end(l->m, CALL);
    line_orders(l);
    (void)line_await(l, MEDIA_RECORDED);
    file_read(&f);
    n = file_channel(&f, 0, x, 16000);
    for (i = 0; i + 160 <= n; i += 160)
        loud += ear_pitch(x + i, 160, 500, 8000) > 0.9;
    assert_int_equal(loud, 40);
    file_free(&f);
    line_free(l);
}

/* ---- when it ends ------------------------------------------------------------------------------- */

static void key_ends_it_and_is_not_in_it(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    struct media_record r;
    struct file f;
    int x[16000];
    size_t n;

    (void)state;
    l->agreed.dtmf_type = l->agreed.dtmf_recv_type = -1;
    media_set(l->m, CALL, &l->agreed);
    r = wanted(&f, MEDIA_CALLER_ONLY | MEDIA_KEY_ENDS, 0, 0);
    line_records(l, &r);
    line_says(l, 500, 25);
    line_says(l, 0, 25);
    for (n = 0; n < 20; n++) {
        line_sounds(l, 941, 1477, 5000);
        line_beats(l, 1);
    }
    e = line_event(l, MEDIA_DIGIT);
    assert_int_equal(e.digit, '#');
    e = line_await(l, MEDIA_RECORDED);
    assert_int_equal(e.why, MEDIA_BY_KEY);
    assert_true(e.length_ms >= 900 && e.length_ms <= 1100);
    file_read(&f);
    n = file_channel(&f, 0, x, 16000);
    assert_true(ear_pitch(x + 800, 3200, 500, 8000) > 0.95);
    assert_true(ear_pitch(x + n - 400, 400, 941, 5000) < 0.3);
    file_free(&f);
    /* By event it ends at once; without being asked to, a key ends nothing. */
    line_says(l, 0, 20);
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 0);
    line_records(l, &r);
    line_event_packet(l, 11, true, 800, true, l->peer.ts);
    line_event_packet(l, 11, true, 800, true, l->peer.ts);
    assert_false(media_next(l->m, &e)); /* no telephone-event was agreed: that number means nothing */
    l->agreed.dtmf_type = l->agreed.dtmf_recv_type = 101;
    media_set(l->m, CALL, &l->agreed);
    line_orders(l);
    line_event_packet(l, 11, true, 800, true, l->peer.ts + 1600);
    (void)line_event(l, MEDIA_DIGIT);
    line_beats(l, 50);
    line_no_event(l);
    media_record_end(l->m, CALL);
    line_orders(l);
    assert_int_equal(line_await(l, MEDIA_RECORDED).length_ms, 1000);
    file_free(&f);
    line_free(l);
}

static void silence_ends_it(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    struct media_record r;
    struct file f;

    (void)state;
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 3000000);
    line_records(l, &r);
    line_says(l, 500, 100);
    line_says(l, 0, 149);
    line_no_event(l);
    line_says(l, 0, 40); /* 300 ms until it is silence, 40 ms of delay */
    e = line_await(l, MEDIA_RECORDED);
    assert_int_equal(e.why, MEDIA_BY_SILENCE);
    assert_true(e.speech_ms > 1900 && e.speech_ms < 2400);
    file_free(&f);
    /* Who says nothing at all is heard out no longer either. */
    r = wanted(&f, MEDIA_CALLER_ONLY | MEDIA_CUT_SILENCE, 0, 3000000);
    line_records(l, &r);
    line_says(l, 0, 150);
    e = line_await(l, MEDIA_RECORDED);
    assert_int_equal(e.why, MEDIA_BY_SILENCE);
    assert_int_equal(e.speech_ms, 0);
    assert_true(e.length_ms <= 200);
    file_free(&f);
    line_free(l);
}

static void longest_time_ends_it(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    struct media_record r;
    struct file f;

    (void)state;
    r = wanted(&f, MEDIA_CALLER_ONLY, 2000000, 0);
    line_records(l, &r);
    line_says(l, 500, 99);
    line_no_event(l);
    line_says(l, 500, 1);
    e = line_await(l, MEDIA_RECORDED);
    assert_int_equal(e.why, MEDIA_TOO_LONG);
    assert_int_equal(e.length_ms, 2000);
    file_free(&f);
    line_free(l);
}

static void silence_is_cut_and_no_word_with_it(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    struct media_record r;
    struct file f;
    int x[80000];
    size_t n, i, loud = 0;

    (void)state;
    r = wanted(&f, MEDIA_CALLER_ONLY | MEDIA_CUT_SILENCE, 0, 0);
    line_records(l, &r);
    line_says(l, 0, 200);
    line_says(l, 500, 50);
    line_says(l, 0, 200);
    line_says(l, 500, 50);
    line_says(l, 0, 200);
    media_record_end(l->m, CALL);
    line_orders(l);
    e = line_await(l, MEDIA_RECORDED);
    /* Two seconds of speech; four of silence before, between and behind have become less than one each. */
    assert_true(e.length_ms >= 2000 && e.length_ms < 2000 + 3 * 1000);
    file_read(&f);
    n = file_channel(&f, 0, x, 80000);
    for (i = 0; i + 160 <= n; i += 160)
        loud += ear_pitch(x + i, 160, 500, 8000) > 0.9;
    assert_in_range(loud, 97, 101);
    file_free(&f);
    line_free(l);
}

static void call_that_ends_ends_it_first(void **state)
{
    struct line *l = line_new();
    struct media_record r;
    struct media_event e;
    struct file f, g;

    (void)state;
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 0);
    line_records(l, &r);
    line_says(l, 500, 30);
    /* Another takes its place. */
    r = wanted(&g, MEDIA_CALLER_ONLY, 0, 0);
    line_records(l, &r);
    e = line_await(l, MEDIA_RECORDED);
    assert_int_equal(e.length_ms, 600);
    line_says(l, 500, 30);
    media_close(l->m, CALL);
    line_orders(l);
    e = line_await(l, MEDIA_RECORDED);
    assert_int_equal(e.why, MEDIA_ENDED);
    assert_int_equal(e.length_ms, 600);
    (void)line_await(l, MEDIA_CLOSED);
    /* For a call that is no more, the file is let go of. */
    file_free(&f);
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 0);
    line_records(l, &r);
    assert_int_equal(fcntl(r.fd, F_GETFD), -1);
    file_free(&f);
    file_free(&g);
    line_free(l);
}

/* ---- the disk ----------------------------------------------------------------------------------- */

/* While it goes on: at each change that another sees, a whole WAV, which grows second by second. */
static void file_is_whole_each_second(void **state)
{
    struct line *l = line_new();
    char events[4096] __attribute__((aligned(8)));
    struct media_record r;
    struct file f;
    int watch = inotify_init1(0), second;

    (void)state;
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 0);
    assert_true(watch >= 0);
    assert_true(inotify_add_watch(watch, f.name, IN_MODIFY) >= 0);
    line_records(l, &r);
    for (second = 0; second <= 3; second++) {
        do {
            assert_true(heard_waits(watch, 10000));
            assert_true(read(watch, events, sizeof events) > 0);
            if (f.n == 0 && second == 0) {
                struct stat st;

                assert_int_equal(stat(f.name, &st), 0);
                if (st.st_size < 44)
                    continue;
            }
            file_read(&f);
        } while (f.n == 0 || f.octets < (unsigned)second * 16000);
        assert_int_equal(f.octets, second * 16000);
        line_says(l, 500, 50);
    }
    media_record_end(l->m, CALL);
    line_orders(l);
    (void)line_await(l, MEDIA_RECORDED);
    file_read(&f);
    assert_int_equal(f.octets, 4 * 16000);
    (void)close(watch);
    file_free(&f);
    line_free(l);
}

/* A disk that is full after 40,000 octets. */
static void full_disk_ends_it_with_what_there_is(void **state)
{
    struct rlimit before, little = {40000, 40000};
    struct line *l = line_new();
    struct media_event e;
    struct media_record r;
    struct file f;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    r = wanted(&f, MEDIA_CALLER_ONLY, 0, 0);
    line_records(l, &r);
    do {
        line_says(l, 500, 1);
    } while (!media_next(l->m, &e) && l->now < 100000000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(e.type, MEDIA_RECORDED);
    assert_int_equal(e.why, MEDIA_DISK);
    assert_int_equal(e.length_ms, 2000);
    file_read(&f);
    assert_int_equal(f.octets, 32000);
    assert_int_equal(f.n, 32044);
    assert_int_equal(e.bytes, f.n);
    file_free(&f);
    line_free(l);
}

static void descriptor_that_can_not_be_written_is_told(void **state)
{
    struct line *l = line_new();
    struct media_event e = {0};
    struct media_record r = {.flags = MEDIA_CALLER_ONLY};

    (void)state;
    r.fd = open("/dev/full", O_WRONLY);
    assert_true(r.fd >= 0);
    line_records(l, &r);
    do {
        line_says(l, 500, 1);
    } while (!media_next(l->m, &e) && l->now < 100000000);
    assert_int_equal(e.type, MEDIA_RECORDED);
    assert_int_equal(e.why, MEDIA_DISK);
    assert_int_equal(e.length_ms, 0);
    line_free(l);
}

/* ---- what is told of speech --------------------------------------------------------------------- */

/* Something like a voice: harmonics of a pitch that moves, in syllables. */
static void line_speaks(struct line *l, unsigned frames)
{
    unsigned char p[160];
    unsigned f, i, h;
    double phase = 0;

    for (f = 0; f < frames; f++) {
        for (i = 0; i < 160; i++) {
            double t = (double)(f * 160 + i) / 8000, x = 0;

            phase += 2 * M_PI * (140 + 30 * sin(2 * M_PI * 2.3 * t)) / 8000;
            for (h = 1; h < 18; h++)
                x += sin(h * phase) / (1 + fabs(h - 4.0));
            p[i] = peer_code((int)lrint(4000 * x * fabs(sin(2 * M_PI * 2 * t))), false);
        }
        line_packet(l, l->peer.rtp, 0, false, l->peer.ts, p, sizeof p);
        l->peer.ts += 160;
        line_beats(l, 1);
    }
}

static void speech_silence_and_beeps_are_told(void **state)
{
    struct line *l = line_new();
    struct media_event e;
    int64_t began;
    int i;

    (void)state;
    line_says(l, 0, 20);
    line_no_event(l); /* nobody asked */
    media_listen(l->m, CALL, true);
    line_says(l, 0, 20);
    line_no_event(l);
    began = l->now;
    line_speaks(l, 100);
    e = line_event(l, MEDIA_SPEECH);
    assert_int_equal(e.on, 1);
    assert_int_equal(e.tone, 0);
    line_no_event(l); /* the pauses between syllables are none, and no vowel is a tone */
    line_says(l, 0, 30);
    e = line_event(l, MEDIA_SPEECH);
    assert_int_equal(e.on, 0);
    line_no_event(l);
    /* The beep of an answering machine: 1,000 Hz for 400 ms. */
    line_says(l, 1000, 20);
    e = line_event(l, MEDIA_SPEECH);
    assert_int_equal(e.on, 1);
    if (!e.tone) /* speech first, then it is known to be a tone */
        e = line_event(l, MEDIA_SPEECH);
    assert_int_equal(e.tone, 1);
    line_says(l, 0, 10);
    e = line_event(l, MEDIA_SPEECH);
    assert_int_equal(e.on, 0);
    assert_int_equal(e.tone, 0);
    line_no_event(l);
    /* Two pitches at once, as of an exchange's tones: a sound, and no beep. */
    for (i = 0; i < 20; i++) {
        line_sounds(l, 900, 1300, 5000);
        line_beats(l, 1);
    }
    line_says(l, 0, 30);
    e = line_event(l, MEDIA_SPEECH);
    assert_int_equal(e.on, 1);
    assert_int_equal(e.tone, 0);
    e = line_event(l, MEDIA_SPEECH);
    assert_int_equal(e.on, 0);
    line_no_event(l);
    media_listen(l->m, CALL, false);
    line_speaks(l, 50);
    line_no_event(l);
    assert_true(l->now > began);
    line_free(l);
}

/* A voice presses no keys. */
static void voice_is_no_key(void **state)
{
    struct line *l = line_new();

    (void)state;
    l->agreed.dtmf_type = l->agreed.dtmf_recv_type = -1;
    media_set(l->m, CALL, &l->agreed);
    line_speaks(l, 1500);
    line_no_event(l);
    line_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caller_alone_is_recorded),
        cmocka_unit_test(both_are_recorded_each_in_a_channel),
        cmocka_unit_test(packets_out_of_order_are_put_in_order),
        cmocka_unit_test(each_codec_is_heard_as_what_it_is),
        cmocka_unit_test(another_sender_goes_on_without_a_gap),
        cmocka_unit_test(key_ends_it_and_is_not_in_it),
        cmocka_unit_test(silence_ends_it),
        cmocka_unit_test(longest_time_ends_it),
        cmocka_unit_test(silence_is_cut_and_no_word_with_it),
        cmocka_unit_test(call_that_ends_ends_it_first),
        cmocka_unit_test(file_is_whole_each_second),
        cmocka_unit_test(full_disk_ends_it_with_what_there_is),
        cmocka_unit_test(descriptor_that_can_not_be_written_is_told),
        cmocka_unit_test(speech_silence_and_beeps_are_told),
        cmocka_unit_test(voice_is_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
