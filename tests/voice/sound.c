/*
 * See sound.h. Comparing happens at 4,000 samples a second, where nearly all of speech is: 0.4 s of the
 * beginning is looked for at every place; where that fits, the rest must follow piece by piece, each within
 * 100 ms of where the one before was. Pieces without sound in them are passed over.
 */
#include "sound.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { SLOW = SOUND_RATE / 2, PIECE = SLOW * 2 / 5, SLACK = SLOW / 10, TAPS = 33 };

void sound_done(struct sound *s)
{
    free(s->sample);
    *s = (struct sound){0};
}

static struct sound sound_new(size_t n)
{
    struct sound s = {calloc(n ? n : 1, sizeof(float)), n};

    assert_non_null(s.sample);
    return s;
}

struct sound sound_silence(double seconds)
{
    return sound_new((size_t)(seconds * SOUND_RATE));
}

struct sound sound_tone(double hz, double seconds)
{
    struct sound s = sound_silence(seconds);

    for (size_t i = 0; i < s.n; i++)
        s.sample[i] = (float)(0.4 * sin(2 * M_PI * hz * (double)i / SOUND_RATE));
    return s;
}

struct sound sound_then(struct sound a, const struct sound *b)
{
    struct sound s = sound_new(a.n + b->n);

    memcpy(s.sample, a.sample, a.n * sizeof(float));
    memcpy(s.sample + a.n, b->sample, b->n * sizeof(float));
    sound_done(&a);
    return s;
}

/* ---- another rate: a windowed sinc, below half of the lower one ---- */

static struct sound at_rate(const struct sound *in, unsigned from, unsigned to)
{
    double cut = 0.46 * (from < to ? from : to) / from; /* of the rate it has */
    int reach = (int)(16 / (2 * cut)) + 1;
    struct sound out;

    if (from == to || !in->n) {
        out = sound_new(in->n);
        memcpy(out.sample, in->sample, in->n * sizeof(float));
        return out;
    }
    out = sound_new((size_t)((double)in->n * to / from));
    for (size_t i = 0; i < out.n; i++) {
        double at = (double)i * from / to, sum = 0;
        long first = (long)at - reach, last = (long)at + reach;
        for (long k = first < 0 ? 0 : first; k <= last && k < (long)in->n; k++) {
            double x = (double)k - at, window = 0.5 + 0.5 * cos(M_PI * x / (reach + 1));
            sum += (double)in->sample[k] * window *
                   (fabs(x) < 1e-9 ? 2 * cut : sin(2 * M_PI * cut * x) / (M_PI * x));
        }
        out.sample[i] = (float)sum;
    }
    return out;
}

/* ---- WAV ---- */

static unsigned le(const unsigned char *p, unsigned n)
{
    unsigned v = 0;

    while (n--)
        v = v << 8 | p[n];
    return v;
}

/* strict: the lengths in its head are those of the file. */
static struct sound wav_parse(const unsigned char *p, size_t n, unsigned channel, unsigned *channels_out,
                              bool strict)
{
    unsigned channels = 0, rate = 0, bits = 0;
    size_t at = 12, bytes;
    struct sound raw, out;

    if (strict) {
        assert_true(n >= 44);
        assert_int_equal(le(p + 4, 4), n - 8);
    }
    if (n < 44)
        return sound_new(0);
    assert_memory_equal(p, "RIFF", 4);
    assert_memory_equal(p + 8, "WAVEfmt ", 8);
    for (; at + 8 <= n && memcmp(p + at, "data", 4); at += 8 + le(p + at + 4, 4))
        if (!memcmp(p + at, "fmt ", 4)) {
            assert_int_equal(le(p + at + 8, 2), 1);
            channels = le(p + at + 10, 2);
            rate = le(p + at + 12, 4);
            bits = le(p + at + 22, 2);
        }
    if (at + 8 > n)
        return sound_new(0);
    bytes = n - at - 8;
    if (strict)
        assert_int_equal(le(p + at + 4, 4), bytes);
    assert_int_equal(bits, 16);
    assert_true(channels >= 1 && channel < channels);
    raw = sound_new(bytes / 2 / channels);
    for (size_t i = 0; i < raw.n; i++)
        raw.sample[i] = (float)(int16_t)le(p + at + 8 + 2 * (i * channels + channel), 2) / 32768;
    if (channels_out)
        *channels_out = channels;
    out = at_rate(&raw, rate, SOUND_RATE);
    sound_done(&raw);
    return out;
}

struct sound sound_of(const void *wav, size_t n, unsigned channel, unsigned *channels)
{
    return wav_parse(wav, n, channel, channels, true);
}

struct sound sound_read(const char *path, unsigned channel)
{
    unsigned char *p;
    struct sound s;
    size_t n;
    FILE *f = fopen(path, "rb");

    if (!f)
        return sound_new(0);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    n = (size_t)ftell(f);
    rewind(f);
    p = malloc(n + 1);
    assert_non_null(p);
    n = fread(p, 1, n, f);
    (void)fclose(f);
    s = wav_parse(p, n, channel, NULL, false);
    free(p);
    return s;
}

static void put_le(unsigned char *p, unsigned v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

void sound_write(const struct sound *s, const char *path)
{
    unsigned char head[44] = "RIFF....WAVEfmt ";
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    put_le(head + 4, (unsigned)(36 + 2 * s->n), 4);
    put_le(head + 16, 16, 4);
    put_le(head + 20, 1, 2);
    put_le(head + 22, 1, 2);
    put_le(head + 24, SOUND_RATE, 4);
    put_le(head + 28, 2 * SOUND_RATE, 4);
    put_le(head + 32, 2, 2);
    put_le(head + 34, 16, 2);
    memcpy(head + 36, "data", 4);
    put_le(head + 40, (unsigned)(2 * s->n), 4);
    assert_int_equal(fwrite(head, 1, sizeof head, f), sizeof head);
    for (size_t i = 0; i < s->n; i++) {
        float v = s->sample[i] > 1 ? 1 : s->sample[i] < -1 ? -1 : s->sample[i];
        unsigned char two[2];
        put_le(two, (unsigned)(int)lrintf(v * 32767) & 0xffff, 2);
        assert_int_equal(fwrite(two, 1, 2, f), 2);
    }
    assert_int_equal(fclose(f), 0);
}

struct sound sound_say(const char *dir, const char *voice, unsigned wpm, const char *text)
{
    char path[512], speed[16];
    struct sound s;
    int status;
    pid_t pid;

    (void)snprintf(path, sizeof path, "%s/said-%d.wav", dir, (int)getpid());
    (void)snprintf(speed, sizeof speed, "%u", wpm);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execlp("espeak-ng", "espeak-ng", "-b", "1", "-v", voice, "-s", speed, "-w", path, text,
                     (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    s = sound_read(path, 0);
    assert_true(s.n > SOUND_RATE / 5);
    (void)unlink(path);
    return s;
}

/* ---- is it heard ---- */

static double power(const float *a, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)a[i];
    return sum;
}

/* The best fit of said[0..n) at heard[from..to]; where in *at. */
static double fit(const struct sound *heard, const float *said, size_t n, size_t from, size_t to, size_t *at)
{
    double best = 0, own = power(said, n), there;

    *at = from;
    if (from + n > heard->n)
        return 0;
    if (to > heard->n - n)
        to = heard->n - n;
    there = power(heard->sample + from, n);
    for (size_t i = from; i <= to; i++) {
        const float *h = heard->sample + i;
        float sum = 0;
        if (there > own * 1e-4) {
            for (size_t k = 0; k < n; k++)
                sum += h[k] * said[k];
            if ((double)sum / sqrt(own * there) > best) {
                best = (double)sum / sqrt(own * there);
                *at = i;
            }
        }
        if (i < to)
            there += (double)h[n] * (double)h[n] - (double)h[0] * (double)h[0];
    }
    return best;
}

/* How well all of said is heard, its beginning being at `at`. */
static double follow(const struct sound *heard, const struct sound *said, size_t at, double loud)
{
    double sum = 0, weight = 0;
    long shift = (long)at;

    for (size_t i = 0; i + PIECE / 2 <= said->n; i += PIECE) {
        size_t n = said->n - i < PIECE ? said->n - i : PIECE, found;
        double own = power(said->sample + i, n), score;
        long expect = (long)i + shift;
        if (own / (double)n < loud / 50)
            continue;
        score = fit(heard, said->sample + i, n, expect > SLACK ? (size_t)(expect - SLACK) : 0,
                    (size_t)(expect + SLACK), &found);
        if (score > 0.5)
            shift = (long)found - (long)i;
        sum += score * own;
        weight += own;
    }
    return weight > 0 ? sum / weight : 0;
}

long sound_find(const struct sound *heard8, const struct sound *said8, size_t from, double *score_out,
                size_t *upto)
{
    struct sound heard, said, all;
    size_t first = 0, i, at, room;
    double loud, best = 0;
    long found = -1;

    assert_true(from <= heard8->n);
    heard = at_rate(&(struct sound){heard8->sample + from, heard8->n - from}, SOUND_RATE, SLOW);
    all = at_rate(said8, SOUND_RATE, SLOW);
    loud = power(all.sample, all.n) / (double)all.n;
    assert_true(loud > 0);
    /* From the first sound in it on. */
    while (first + PIECE < all.n && power(all.sample + first, SLOW / 50) / (SLOW / 50.0) < loud / 10)
        first += SLOW / 50;
    said = (struct sound){all.sample + first, all.n - first};
    while (said.n > PIECE && power(said.sample + said.n - SLOW / 50, SLOW / 50) / (SLOW / 50.0) < loud / 100)
        said.n -= SLOW / 50;
    assert_true(said.n >= PIECE);
    room = heard.n >= said.n ? heard.n - said.n + 1 : 0;
    for (i = 0; i < room; i += SLOW / 4) {
        double here = fit(&heard, said.sample, PIECE, i, i + SLOW / 4 < room ? i + SLOW / 4 : room, &at);
        if (here > 0.5) {
            double whole = follow(&heard, &said, at, loud);
            if (whole > best) {
                best = whole;
                found = (long)at;
            }
        }
    }
    *score_out = best;
    if (upto)
        *upto = from + 2 * (room > SLOW ? room - SLOW : 0);
    sound_done(&heard);
    sound_done(&all);
    return found < 0 || best * 100 < SOUND_ALIKE_PERCENT
               ? -1
               : (long)from + 2 * (found - (long)first > 0 ? found - (long)first : 0);
}
