/*
 * A recording goes into a file of the channel's from its first word, so a crash leaves what was said; it
 * becomes a message when it ends, whatever ended it. Of whole calls and of messages only one goes on at a
 * time: a message that is left interrupts the other, which goes on in a file of its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow_int.h"

#include "wav.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RECORD_LEAST_MS = 600, /* of speech; less is a cough */
    RECORD_TRIES = 2,
    RECORD_REVIEW_US = 8000000 /* she thinks it over; then it is kept as it is */
};

static void record_failed(struct flow_call *);
static void record_begin(struct flow_call *, int32_t fd);

static void filed(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct flow_call *fc = arg;
    enum flow_recording what = fc->filing;

    (void)size;
    fc->filing = FLOW_REC_NONE;
    fc->filing_asking = 0;
    if (code != HILO_OK) {
        voice_log(flow_voice(fc), HILO_LOG_ERROR, "voice.record call=%s code=%d: no file to record into",
                  ledger_id(fc->call->ledger), (int)code);
        if (what == FLOW_REC_MESSAGE && !fc->call->over)
            record_failed(fc);
        return;
    }
    if (fc->call->over) {
        (void)close(fd);
        (void)voice_ask_file_remove(flow_voice(fc), voice_str(fc->file), NULL, NULL);
        return;
    }
    fc->recording = what;
    record_begin(fc, fd);
    if (what == FLOW_REC_CALL && fc->record_next)
        voice_call_record_end(fc->call);
}

static void record_file(struct flow_call *fc, enum flow_recording what)
{
    fc->filing = what;
    keep_name(ledger_id(fc->call->ledger), ++fc->n_recordings, fc->file);
    fc->filing_asking = voice_ask_file(flow_voice(fc), voice_str(fc->file), HILO_FILE_CREATE, filed, fc);
    if (fc->filing_asking == 0)
        filed(fc, HILO_NOMEM, -1, 0);
}

void flow_record_whole(struct flow_call *fc)
{
    if (fc->recording == FLOW_REC_NONE && fc->filing == FLOW_REC_NONE && !fc->call->over &&
        ledger_id(fc->call->ledger)[0])
        record_file(fc, FLOW_REC_CALL);
}

static void record_now(struct flow_call *fc, int32_t fd)
{
    const struct voice_conf *conf = &flow_voice(fc)->conf;
    struct media_record r = {.fd = fd};

    if (fc->recording == FLOW_REC_MESSAGE) {
        r.flags = MEDIA_CALLER_ONLY | MEDIA_CUT_SILENCE | MEDIA_KEY_ENDS;
        r.max_us = fc->step->max_us;
        r.silence_us = fc->step->silence_us;
    } else {
        r.flags = conf->record_legs == VOICE_LEGS_CALLER ? MEDIA_CALLER_ONLY : 0;
        r.max_us = conf->call_us;
    }
    voice_call_record(fc->call, &r);
}

static void record_beeped(struct flow_call *fc)
{
    int32_t fd = fc->record_fd;

    fc->record_fd = -1;
    record_now(fc, fd);
}

static void record_begin(struct flow_call *fc, int32_t fd)
{
    struct talk_ask ask = {.flags = 0};
    struct script s;

    if (fc->recording == FLOW_REC_CALL) {
        record_now(fc, fd);
        return;
    }
    fc->record_fd = fd;
    flow_script(fc, &s);
    script_sound(&s, fc->flow->beep);
    flow_talk(fc, &s, &ask, record_beeped);
}

/* ---- what was recorded -------------------------------------------------------------------------- */

/* The call may be over when the gateway has it. */
struct saving {
    struct voice *voice;
    uint64_t call;
};

static void record_say(struct flow_call *fc, enum prompt p, flow_then *then)
{
    struct talk_ask ask = {.flags = TALK_NO_AHEAD};
    struct script s;

    flow_script(fc, &s);
    script_prompt(&s, p, NULL, 0);
    flow_talk(fc, &s, &ask, then);
}

/* The whole call's goes on. */
static void record_leave(struct flow_call *fc)
{
    if (fc->record_call)
        flow_record_whole(fc);
    flow_next(fc);
}

static void record_failed(struct flow_call *fc)
{
    record_say(fc, PROMPT_RECORD_FAILED, record_leave);
}

static void record_saved(struct flow_call *fc)
{
    record_say(fc, PROMPT_RECORD_SAVED, record_leave);
}

static void saved(void *arg, int32_t code)
{
    struct saving *s = arg;
    struct voice_call *c = voice_call_find(s->voice, s->call);
    struct flow_call *fc = c && !c->over && c->inbound ? c->of_side : NULL;

    free(s);
    if (!fc || !fc->saving)
        return;
    fc->saving = false;
    voice_timer_cancel(flow_voice(fc), &fc->timer);
    if (code == HILO_OK || code == HILO_DUPLICATE)
        record_saved(fc);
    else
        record_failed(fc);
}

/* The gateway takes its time, but the recording is on disk and will be its as soon as it can take it. */
static void saving_late(struct flow_call *fc)
{
    fc->saving = false;
    record_saved(fc);
}

static bool record_submit(struct flow_call *fc)
{
    struct saving *s = malloc(sizeof *s);
    char ext[VOICE_TEXT_MAX], id[KEEP_NAME_MAX];
    struct said_by by = flow_by(fc, ext);

    if (!s)
        return false;
    *s = (struct saving){.voice = flow_voice(fc), .call = fc->call->id};
    memcpy(id, fc->file, sizeof id);
    id[strlen(id) - strlen(".wav")] = 0; /* a leftover is given by the same name after a crash */
    by.ext_id = voice_str(id);
    if (said_recording(flow_voice(fc), &by, voice_str(fc->file), saved, s))
        return true;
    free(s);
    return false;
}

static void record_message(struct flow_call *fc)
{
    record_file(fc, FLOW_REC_MESSAGE);
}

static void record_ask(struct flow_call *fc)
{
    struct talk_ask ask = {.flags = TALK_BARGE_IN};
    struct script s;

    flow_script(fc, &s);
    if (script_has(&fc->step->prompt))
        script_menu(&s, &fc->step->prompt);
    else
        script_prompt(&s, PROMPT_RECORD, NULL, 0);
    flow_talk(fc, &s, &ask, record_message);
}

static void record_empty(struct flow_call *fc)
{
    (void)voice_ask_file_remove(flow_voice(fc), voice_str(fc->file), NULL, NULL);
    if (fc->call->over)
        return;
    record_say(fc, PROMPT_RECORD_EMPTY, ++fc->tries < RECORD_TRIES ? record_ask : record_leave);
}

static void record_keep(struct flow_call *fc)
{
    fc->reviewing = false;
    if (!record_submit(fc)) {
        record_failed(fc);
        return;
    }
    fc->saving = true;
    flow_in(fc, flow_voice(fc)->conf.gateway_us, saving_late);
}

/* ---- what she thinks of it ---------------------------------------------------------------------- */

static void record_review(struct flow_call *);

/* What a recording of ours has for sound: 16 bits, one channel, the plugin's rate. */
static struct pcm *record_read(int32_t fd)
{
    struct stat st;
    struct wav w;
    struct pcm *sound = NULL;
    char *bytes = NULL;
    ssize_t n = -1;

    if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= WAV_DATA_MAX)
        bytes = malloc((size_t)st.st_size);
    if (bytes)
        n = pread(fd, bytes, (size_t)st.st_size, 0);
    if (n > 0 && !wav_read((struct hilo_str){bytes, (uint64_t)n}, &w) && w.rate == VOICE_RATE && w.n > 0)
        sound = pcm_new((uint32_t)w.n);
    if (sound)
        wav_mono(&w, 0, w.n, sound->sample);
    free(bytes);
    return sound;
}

static void record_listen(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct flow_call *fc = arg;
    struct pcm *sound = code == HILO_OK ? record_read(fd) : NULL;
    struct script s;

    (void)size;
    fc->filing_asking = 0;
    if (fd >= 0)
        (void)close(fd);
    if (fc->call->over) {
        pcm_drop(sound);
        return;
    }
    flow_script(fc, &s);
    script_sound(&s, sound);
    pcm_drop(sound);
    flow_say(fc, &s, record_review); /* of what can't be read she hears the question again */
}

static void record_reviewed(void *arg, const struct talk_heard *heard)
{
    struct flow_call *fc = arg;

    if (heard->why == TALK_FAILED) {
        flow_trouble(fc, "speech");
    } else if (heard->why == TALK_PRESSED && heard->key[0] == '2') {
        fc->filing_asking = voice_ask_file(flow_voice(fc), voice_str(fc->file), 0, record_listen, fc);
        if (fc->filing_asking == 0)
            record_keep(fc);
    } else if (heard->why == TALK_PRESSED && heard->key[0] == '3') {
        fc->reviewing = false;
        (void)voice_ask_file_remove(flow_voice(fc), voice_str(fc->file), NULL, NULL);
        record_ask(fc);
    } else if (heard->why == TALK_PRESSED && heard->key[0] != '1' && ++fc->tries < RECORD_TRIES) {
        record_review(fc);
    } else {
        record_keep(fc);
    }
}

static void record_review(struct flow_call *fc)
{
    struct talk_ask ask = {
        .keys_max = 1, .wait_us = RECORD_REVIEW_US, .flags = TALK_BARGE_IN | TALK_NO_AHEAD};
    struct script s;

    fc->reviewing = true;
    flow_script(fc, &s);
    script_prompt(&s, PROMPT_RECORD_REVIEW, NULL, 0);
    flow_keys(fc, &s, &ask, record_reviewed);
}

static void record_message_ended(struct flow_call *fc, const struct media_event *e)
{
    if (e->speech_ms < RECORD_LEAST_MS)
        record_empty(fc);
    else if (fc->call->over)
        (void)record_submit(fc);
    else if (fc->step->review)
        record_review(fc);
    else
        record_keep(fc);
}

void flow_recorded(struct flow_call *fc, const struct media_event *e)
{
    enum flow_recording what = fc->recording;

    fc->recording = FLOW_REC_NONE;
    voice_log(flow_voice(fc), HILO_LOG_INFO, "voice.recorded call=%s file=%s length_ms=%u why=%d",
              ledger_id(fc->call->ledger), fc->file, e->length_ms, (int)e->why);
    if (what == FLOW_REC_MESSAGE) {
        record_message_ended(fc, e);
    } else if (what == FLOW_REC_CALL) {
        (void)record_submit(fc);
        if (fc->record_next && !fc->call->over)
            record_ask(fc);
        fc->record_next = false;
    }
}

/* ---- the step ----------------------------------------------------------------------------------- */

static void record_booked(struct flow_call *fc)
{
    fc->record_next = fc->recording == FLOW_REC_CALL || fc->filing == FLOW_REC_CALL;
    if (!fc->record_next)
        record_ask(fc);
    else if (fc->recording == FLOW_REC_CALL)
        voice_call_record_end(fc->call);
}

static void record_consented(struct flow_call *fc)
{
    if (fc->consent == FLOW_CONSENT_GIVEN)
        flow_need_call(fc, record_booked);
    else
        flow_next(fc);
}

void flow_record_step(struct flow_call *fc)
{
    flow_consent_ask(fc, record_consented);
}

void flow_record_left(struct flow_call *fc)
{
    struct voice *v = flow_voice(fc);

    if (fc->reviewing) /* she has not said that it is not to be kept */
        (void)record_submit(fc);
    fc->reviewing = false;
    if (fc->record_fd >= 0)
        (void)close(fc->record_fd);
    voice_ask_forget(v, fc->filing_asking);
    if (fc->record_fd >= 0 || fc->filing != FLOW_REC_NONE)
        (void)voice_ask_file_remove(v, voice_str(fc->file), NULL, NULL);
}
