/*
 * WAV files: the codings that an operator's files have, files that lie about their lengths, and the head that
 * recordings get. Expected samples are written here by hand or by the formulas of G.711.
 */
#include "../../plugins/voice/pcm.h"
#include "../../plugins/voice/wav.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct file {
    unsigned char p[512];
    size_t n;
};

static void add(struct file *f, const void *p, size_t n)
{
    assert_true(f->n + n <= sizeof f->p);
    memcpy(f->p + f->n, p, n);
    f->n += n;
}

static void add16(struct file *f, unsigned v)
{
    add(f, (unsigned char[]){v & 255, v >> 8 & 255}, 2);
}

static void add32(struct file *f, unsigned long v)
{
    add16(f, v & 0xffff);
    add16(f, v >> 16 & 0xffff);
}

static void riff(struct file *f)
{
    f->n = 0;
    add(f, "RIFF\xff\xff\xff\xffWAVE", 12);
}

static void fmt(struct file *f, unsigned tag, unsigned channels, unsigned long rate, unsigned bits)
{
    add(f, "fmt ", 4);
    add32(f, 16);
    add16(f, tag);
    add16(f, channels);
    add32(f, rate);
    add32(f, rate * channels * bits / 8);
    add16(f, channels * bits / 8);
    add16(f, bits);
}

static void data(struct file *f, const void *p, size_t n, unsigned long says)
{
    add(f, "data", 4);
    add32(f, says);
    add(f, p, n);
}

/* Read from memory of its very size, so that a step beyond its end is seen. */
static const char *reads(const struct file *f, struct wav *w, unsigned char **copy)
{
    *copy = malloc(f->n ? f->n : 1);
    assert_non_null(*copy);
    memcpy(*copy, f->p, f->n);
    return wav_read((struct hilo_str){(const char *)*copy, f->n}, w);
}

static void wav_codings_are_read(void **state)
{
    static const struct {
        unsigned tag, channels, bits;
        unsigned long rate;
        const char *data;
        size_t n, frames;
        int16_t mono[2];
    } is[] = {
        {1, 1, 16, 8000, "\x01\x00\xfe\xff", 4, 2, {1, -2}},
        {1, 1, 8, 11025, "\x80\xff", 2, 2, {0, 32512}},
        {1, 1, 8, 22050, "\x00\x7f", 2, 2, {-32768, -256}},
        {1, 2, 16, 44100, "\x0a\x00\x14\x00\x00\x80\x00\x80", 8, 2, {15, -32768}},
        {1, 2, 8, 48000, "\x80\x82\xff\x01", 4, 2, {256, 0}},
        {6, 1, 8, 8000, "\xd5\x2a", 2, 2, {8, -32256}}, /* the least, and the greatest below 0 */
        {7, 1, 8, 8000, "\xff\x00", 2, 2, {0, -32124}},
        {7, 2, 8, 8000, "\xff\xff\x00\x80", 4, 2, {0, 0}},
    };
    unsigned char *copy;
    struct file f = {.n = 0};
    struct wav w;
    int16_t out[2];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof is / sizeof is[0]; i++) {
        riff(&f);
        fmt(&f, is[i].tag, is[i].channels, is[i].rate, is[i].bits);
        data(&f, is[i].data, is[i].n, is[i].n);
        assert_null(reads(&f, &w, &copy));
        assert_int_equal(w.rate, is[i].rate);
        assert_int_equal(w.channels, is[i].channels);
        assert_int_equal(w.n, is[i].frames);
        wav_mono(&w, 0, 2, out);
        assert_memory_equal(out, is[i].mono, sizeof out);
        free(copy);
    }
}

static void wav_channels_are_told_apart(void **state)
{
    struct file f = {.n = 0};
    unsigned char *copy;
    int16_t out[2];
    struct wav w;

    (void)state;
    riff(&f);
    fmt(&f, 1, 2, 8000, 16);
    data(&f, "\x01\x00\x02\x00\x03\x00\x04\x00", 8, 8);
    assert_null(reads(&f, &w, &copy));
    wav_channel(&w, 0, 0, 2, out);
    assert_int_equal(out[0], 1);
    assert_int_equal(out[1], 3);
    wav_channel(&w, 1, 1, 1, out);
    assert_int_equal(out[0], 4);
    free(copy);
}

static void wav_extensible_is_read(void **state)
{
    struct file f = {.n = 0};
    unsigned char *copy;
    struct wav w;
    int16_t out;

    (void)state;
    riff(&f);
    add(&f, "LIST\x03\x00\x00\x00xyz\x00", 12); /* of an odd length, with its filling octet */
    add(&f, "fmt ", 4);
    add32(&f, 40);
    add16(&f, 0xfffe);
    add16(&f, 1);
    add32(&f, 16000);
    add32(&f, 32000);
    add16(&f, 2);
    add16(&f, 16);
    add16(&f, 22);
    add16(&f, 16);
    add32(&f, 4);
    add(&f, "\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71", 16);
    data(&f, "\x00\x01", 2, 2);
    assert_null(reads(&f, &w, &copy));
    wav_mono(&w, 0, 1, &out);
    assert_int_equal(out, 256);
    free(copy);
    f.p[12 + 12 + 8 + 24] = 3; /* IEEE float */
    assert_non_null(reads(&f, &w, &copy));
    free(copy);
}

static void wav_written_into_a_pipe_ends_with_the_file(void **state)
{
    unsigned long says[] = {0x7ffff000, 0xffffffff, 5};
    struct file f = {.n = 0};
    unsigned char *copy;
    struct wav w;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        riff(&f);
        fmt(&f, 1, 1, 22050, 16);
        data(&f, "\x01\x00\x02\x00\x03", 5, says[i]);
        assert_null(reads(&f, &w, &copy));
        assert_int_equal(w.n, 2); /* half a sample is none */
        assert_int_equal(w.data.n, 4);
        free(copy);
    }
}

static void wav_that_is_none_is_refused_with_words(void **state)
{
    struct file good = {.n = 0}, f;
    unsigned char *copy;
    struct wav w;
    size_t n;

    (void)state;
    riff(&good);
    fmt(&good, 1, 1, 8000, 16);
    data(&good, "\x01\x00", 2, 2);
    /* Cut anywhere before its sound, it is refused and nothing beyond is touched. */
    for (n = 0; n < 44; n++) {
        f = good;
        f.n = n;
        assert_non_null(reads(&f, &w, &copy));
        free(copy);
    }
    f = good;
    f.p[22] = 3; /* channels */
    assert_non_null(reads(&f, &w, &copy));
    free(copy);
    f = good;
    f.p[22] = 0;
    assert_non_null(reads(&f, &w, &copy));
    free(copy);
    f = good;
    f.p[34] = 24; /* bits */
    assert_non_null(reads(&f, &w, &copy));
    free(copy);
    f = good;
    memset(f.p + 24, 0, 4); /* rate */
    assert_non_null(reads(&f, &w, &copy));
    free(copy);
    f = good;
    memset(f.p + 16, 0xff, 4); /* length of fmt */
    assert_non_null(reads(&f, &w, &copy));
    free(copy);
    f = good;
    f.p[32] = 4; /* octets of a frame */
    assert_non_null(reads(&f, &w, &copy));
    free(copy);
}

static void wav_head_is_what_others_read(void **state)
{
    /* 8,000 a second, two channels, 6,400 octets: by the format's description. */
    static const unsigned char want[44] = "RIFF\x24\x19\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00"
                                          "\x40\x1f\x00\x00\x00\x7d\x00\x00\x04\x00\x10\x00"
                                          "data\x00\x19\x00";
    unsigned char head[WAV_HEAD];

    (void)state;
    wav_head(8000, 2, 6400, head);
    assert_memory_equal(head, want, sizeof head);
}

static void pcm_goes_with_its_last_holder(void **state)
{
    struct pcm *p = pcm_new(3);

    (void)state;
    assert_non_null(p);
    assert_int_equal(p->n, 3);
    assert_int_equal(p->sample[2], 0);
    assert_ptr_equal(pcm_hold(p), p);
    pcm_drop(p);
    p->sample[0] = 1; /* still there, or the sanitizer speaks */
    pcm_drop(p);
    pcm_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wav_codings_are_read),
        cmocka_unit_test(wav_channels_are_told_apart),
        cmocka_unit_test(wav_extensible_is_read),
        cmocka_unit_test(wav_written_into_a_pipe_ends_with_the_file),
        cmocka_unit_test(wav_that_is_none_is_refused_with_words),
        cmocka_unit_test(wav_head_is_what_others_read),
        cmocka_unit_test(pcm_goes_with_its_last_holder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
