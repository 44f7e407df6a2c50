/*
 * Slices of a WAV file through speexdsp's resampler. Its delay is left out at the beginning and pushed out by
 * silence at the end, so that the sound is as long as the file says. SPDX-License-Identifier: Apache-2.0
 */
#include "convert.h"
#include "wav.h"

#include <assert.h>
#include <speex/speex_resampler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 80 dB of what would fold back into the band; a telephone's own codec has 38. */
enum { QUALITY = 5 };

struct convert {
    struct wav wav;
    uint64_t at;                /* frames of the file that were taken */
    SpeexResamplerState *speex; /* NULL: it has our rate already */
    struct pcm *pcm;
    uint32_t n; /* samples that are there */
    int16_t *slice;
};

struct convert *convert_new(struct hilo_str file, char wrong[200])
{
    struct convert *c = calloc(1, sizeof *c);
    uint64_t n;
    int rc = RESAMPLER_ERR_SUCCESS;

    (void)snprintf(wrong, 200, "can't be converted: no memory is left");
    if (!c)
        return NULL;
    const char *bad = wav_read(file, &c->wav);
    if (bad || c->wav.n > (uint64_t)c->wav.rate * CONVERT_MAX_S) {
        (void)snprintf(wrong, 200, bad ? "is not a WAV file: %s" : "is longer than half an hour; cut it%s",
                       bad ? bad : "");
        goto fail;
    }
    n = (c->wav.n * VOICE_RATE + c->wav.rate - 1) / c->wav.rate;
    c->pcm = pcm_new(n ? (uint32_t)n : VOICE_FRAME);
    c->slice = malloc((size_t)c->wav.rate * CONVERT_SLICE_MS / 1000 * sizeof *c->slice);
    if (c->wav.rate != VOICE_RATE)
        c->speex = speex_resampler_init(1, c->wav.rate, VOICE_RATE, QUALITY, &rc);
    if (!c->pcm || !c->slice || rc != RESAMPLER_ERR_SUCCESS)
        goto fail;
    if (c->speex)
        (void)speex_resampler_skip_zeros(c->speex);
    return c;
fail:
    convert_free(c);
    return NULL;
}

static void push(struct convert *c, const int16_t *in, uint32_t n)
{
    while (n && c->n < c->pcm->n) {
        spx_uint32_t took = n, gave = c->pcm->n - c->n;
        const int rc = speex_resampler_process_int(c->speex, 0, in, &took, c->pcm->sample + c->n, &gave);
        assert(rc == RESAMPLER_ERR_SUCCESS && (took || gave));
        in += took;
        n -= took;
        c->n += gave;
    }
}

bool convert_step(struct convert *c)
{
    const uint64_t left = c->wav.n - c->at, most = (uint64_t)c->wav.rate * CONVERT_SLICE_MS / 1000;
    const uint32_t n = (uint32_t)(left < most ? left : most);

    if (c->wav.n == 0)
        return true;
    if (!c->speex) {
        wav_mono(&c->wav, c->at, n, c->pcm->sample + c->at);
        c->at += n;
        return c->at == c->wav.n;
    }
    wav_mono(&c->wav, c->at, n, c->slice);
    push(c, c->slice, n);
    c->at += n;
    if (c->at < c->wav.n)
        return false;
    memset(c->slice, 0, (size_t)most * sizeof *c->slice); /* its delay is less than that */
    push(c, c->slice, (uint32_t)most);
    assert(c->n == c->pcm->n);
    return true;
}

struct pcm *convert_take(struct convert *c)
{
    struct pcm *p = c->pcm;

    c->pcm = NULL;
    return p;
}

void convert_free(struct convert *c)
{
    if (!c)
        return;
    if (c->speex)
        speex_resampler_destroy(c->speex);
    pcm_drop(c->pcm);
    free(c->slice);
    free(c);
}
