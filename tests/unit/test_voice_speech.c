/*
 * Speech by child processes: the real espeak-ng in both languages, and programs of the test's own that count,
 * wait, fail and hang, to see what becomes of them. A host with a clock that the test sets; what is waited
 * for is a descriptor.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../plugins/voice/speech.h"
#include "../../plugins/voice/wav.h"

enum { TOKENS = 1200, FDS = 1024 };
#define SECOND INT64_C(1000000)

struct rig {
    struct hilo_host host;
    struct speech *speech;
    int64_t now, timer; /* timer 0: none */
    bool watched[FDS];
    bool refuse_watch;
    unsigned timers_fired;
    /* by token */
    unsigned told[TOKENS];
    struct pcm *pcm[TOKENS];
    char why[TOKENS][400];
    /* what done() does besides */
    void (*then)(struct rig *, uint64_t token);
    char dir[64], program[96];
    int fds; /* open before */
};

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

/* ---- the host -------------------------------------------------------------------------------------- */

static struct rig *rig_of(struct hilo_self *self)
{
    return (struct rig *)self;
}

static int64_t fake_mono(struct hilo_self *self)
{
    return rig_of(self)->now;
}

static int32_t fake_watch(struct hilo_self *self, int32_t fd, uint32_t events)
{
    assert_in_range(fd, 0, FDS - 1);
    if (events && rig_of(self)->refuse_watch)
        return HILO_FULL;
    rig_of(self)->watched[fd] = events != 0;
    return HILO_OK;
}

static int32_t fake_timer(struct hilo_self *self, uint32_t id, int64_t at)
{
    assert_int_equal(id, SPEECH_TIMER);
    rig_of(self)->timer = at;
    return HILO_OK;
}

static void done(void *arg, uint64_t token, struct pcm *pcm, const char *why)
{
    struct rig *r = arg;

    assert_in_range(token, 0, TOKENS - 1);
    assert_true(!pcm != !why);
    r->told[token]++;
    r->pcm[token] = pcm ? pcm_hold(pcm) : NULL;
    (void)snprintf(r->why[token], sizeof r->why[token], "%s", why ? why : "");
    if (r->then)
        r->then(r, token);
}

static int open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

static unsigned watched(const struct rig *r)
{
    unsigned n = 0, i;

    for (i = 0; i < FDS; i++)
        n += r->watched[i];
    return n;
}

/* Serves timers that are due and, if there are none, the next descriptor that is ready. */
static void turn(struct rig *r)
{
    struct pollfd p[FDS];
    nfds_t n = 0;
    int i;

    if (r->timer && r->timer <= r->now) {
        r->timer = 0;
        r->timers_fired++;
        assert_true(speech_on_timer(r->speech, SPEECH_TIMER));
        return;
    }
    for (i = 0; i < FDS; i++)
        if (r->watched[i])
            p[n++] = (struct pollfd){.fd = i, .events = POLLIN};
    assert_true(n > 0); /* else it would wait for nothing */
    assert_true(poll(p, n, 60000) > 0);
    for (i = 0; i < (int)n; i++)
        if (p[i].revents && r->watched[p[i].fd]) /* another's end may have ended this one's watch */
            assert_true(speech_on_fd(r->speech, p[i].fd, HILO_READ));
}

static void until_told(struct rig *r, uint64_t token)
{
    while (!r->told[token])
        turn(r);
    assert_int_equal(r->told[token], 1);
}

static void until_nothing_runs(struct rig *r)
{
    while (watched(r) || (r->timer && r->timer <= r->now))
        turn(r);
}

static void no_child_is_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* ---- programs ---------------------------------------------------------------------------------------- */

static void write_file(const struct rig *r, const char *name, const void *bytes, size_t n, mode_t mode)
{
    char path[128], fresh[160];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", r->dir, name);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rename(fresh, path), 0);
}

/* A tone of so many samples; each text may be given another length by the program. */
static size_t tone(unsigned char *out, uint32_t rate, double hz, double seconds)
{
    const uint32_t n = (uint32_t)(rate * seconds);
    uint32_t i;

    wav_head(rate, 1, n * 2, out);
    for (i = 0; i < n; i++) {
        const int v = (int)lrint(10000 * sin(2 * M_PI * hz * i / rate));
        out[WAV_HEAD + 2 * i] = (unsigned char)v;
        out[WAV_HEAD + 2 * i + 1] = (unsigned char)(v >> 8);
    }
    return WAV_HEAD + (size_t)n * 2;
}

static void program(struct rig *r, const char *script)
{
    char text[1024];
    const int n = snprintf(text, sizeof text, "#!/bin/sh\ncd %s\n%s\n", r->dir, script);

    write_file(r, "program", text, (size_t)n, 0755);
    (void)snprintf(r->program, sizeof r->program, "%s/program", r->dir);
}

static char *contents(const struct rig *r, const char *name)
{
    static char text[65536];
    char path[128];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", r->dir, name);
    f = fopen(path, "r");
    n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = 0;
    if (f)
        (void)fclose(f);
    return text;
}

static unsigned spoken(const struct rig *r)
{
    unsigned n = 0;
    const char *p;

    for (p = contents(r, "spoken"); (p = strchr(p, '\n')) != NULL; p++)
        n++;
    return n;
}

#define SPEAKS "echo >>spoken; cat tone.wav"

/* ---- each test ------------------------------------------------------------------------------------------
 */

static void begin(struct rig *r, const char *name, uint32_t children, int64_t cache_bytes)
{
    const struct speech_conf conf = {.program = str(name ? name : r->program),
                                     .voice_es = str("es-419"),
                                     .voice_en = str("en-us"),
                                     .currency = str("COP"),
                                     .words_per_minute = 160,
                                     .children = children,
                                     .cache_bytes = cache_bytes};

    r->host = (struct hilo_host){
        .size = sizeof r->host, .mono_us = fake_mono, .watch = fake_watch, .timer = fake_timer};
    r->speech = speech_new(&conf, &r->host, (struct hilo_self *)r, done, r);
    assert_non_null(r->speech);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    unsigned char wav[WAV_HEAD + 2 * 22050];

    (void)strcpy(r->dir, "/tmp/hilo-speech-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->now = 1000 * SECOND;
    r->fds = open_descriptors();
    write_file(r, "tone.wav", wav, tone(wav, 22050, 1000, 0.5), 0644);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    char command[128];
    unsigned i;

    speech_free(r->speech);
    assert_int_equal(watched(r), 0);
    assert_int_equal(r->timer, 0);
    no_child_is_left();
    assert_int_equal(open_descriptors(), r->fds);
    for (i = 0; i < TOKENS; i++)
        pcm_drop(r->pcm[i]);
    (void)snprintf(command, sizeof command, "rm -rf %s", r->dir);
    assert_int_equal(system(command), 0);
    free(r);
    return 0;
}

/* ---- sound
 * -------------------------------------------------------------------------------------------------- */

static double rms(const struct pcm *p, uint32_t from, uint32_t n)
{
    double sum = 0;
    uint32_t i;

    for (i = from; i < from + n; i++)
        sum += (double)p->sample[i] * p->sample[i];
    return sqrt(sum / n);
}

/* Of a frequency's part, as of a sine of that amplitude. */
static double amplitude(const struct pcm *p, double hz)
{
    double re = 0, im = 0;
    uint32_t i;

    for (i = 0; i < p->n; i++) {
        re += p->sample[i] * cos(2 * M_PI * hz * i / VOICE_RATE);
        im += p->sample[i] * sin(2 * M_PI * hz * i / VOICE_RATE);
    }
    return 2 * sqrt(re * re + im * im) / p->n;
}

static double seconds(const struct pcm *p)
{
    return (double)p->n / VOICE_RATE;
}

static struct pcm *speak(struct rig *r, uint64_t token, enum say_language language, const char *text)
{
    if (strncmp(text, "<speak", 6) == 0)
        speech_say_ssml(r->speech, token, language, str(text));
    else
        speech_say(r->speech, token, language, str(text));
    until_told(r, token);
    assert_string_equal(r->why[token], "");
    return r->pcm[token];
}

/* ---- with espeak-ng
 * ------------------------------------------------------------------------------------------- */

static void it_speaks_both_languages(void **state)
{
    static const struct {
        enum say_language language;
        const char *text;
        double least, most; /* seconds */
    } t[] = {
        {SAY_ES, "Hola. Gracias por llamar a Electro Hogar.", 2, 4},
        {SAY_EN, "Hello. Thank you for calling Electro Home.", 2, 4},
        {SAY_ES, "Su cita es mañana a las cuatro de la tarde.", 2, 4},
        {SAY_EN, "Your appointment is tomorrow at four in the afternoon.", 2, 4.5},
    };
    struct rig *r = *state;
    struct speech *second;
    unsigned i;

    begin(r, "espeak-ng", 2, 8 << 20);
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        const struct pcm *p = speak(r, i, t[i].language, t[i].text);
        uint32_t k, loudest = 0;
        if (seconds(p) < t[i].least || seconds(p) > t[i].most)
            fail_msg("%s: %f s", t[i].text, seconds(p));
        for (k = 0; k < p->n; k++)
            loudest = (uint32_t)abs(p->sample[k]) > loudest ? (uint32_t)abs(p->sample[k]) : loudest;
        /* As loud as a telephone wants it: -26 to -14 dB, and not cut off. */
        assert_true(rms(p, 0, p->n) > 1600 && rms(p, 0, p->n) < 6500);
        assert_true(loudest > 8000 && loudest < 32767);
        /* It begins at once and ends in a pause, that what follows it is a sentence of its own. */
        assert_true(rms(p, 0, VOICE_RATE / 4) > 300);
        assert_true(rms(p, p->n - VOICE_RATE / 5, VOICE_RATE / 5) < 50);
    }
    /* The same again is the same sound, not another child's. */
    speech_say(r->speech, 10, SAY_ES, str(t[0].text));
    assert_int_equal(r->told[10], 1);
    assert_ptr_equal(r->pcm[10], r->pcm[0]);
    assert_int_equal(watched(r), 0);
    /* Another instance's child says the same, sample by sample. */
    second = r->speech;
    begin(r, "espeak-ng", 1, 8 << 20);
    (void)speak(r, 11, SAY_ES, t[0].text);
    assert_int_equal(r->pcm[11]->n, r->pcm[0]->n);
    assert_memory_equal(r->pcm[11]->sample, r->pcm[0]->sample, r->pcm[0]->n * sizeof(int16_t));
    /* The other language's voice says it otherwise. */
    (void)speak(r, 12, SAY_EN, t[0].text);
    assert_true(r->pcm[12]->n != r->pcm[0]->n);
    speech_free(second);
}

static void ssml_is_heard(void **state)
{
    struct rig *r = *state;
    double plain, longer;

    begin(r, "espeak-ng", 2, 8 << 20);
    plain = seconds(speak(r, 0, SAY_ES, "<speak>Su cita es mañana. Adiós.</speak>"));
    longer = seconds(speak(r, 1, SAY_ES, "<speak>Su cita es mañana. <break time=\"2s\"/>Adiós.</speak>"));
    assert_true(longer > plain + 1.2 && longer < plain + 2.5);
    longer = seconds(
        speak(r, 2, SAY_ES, "<speak><prosody rate=\"50%\">Su cita es mañana. Adiós.</prosody></speak>"));
    assert_true(longer > plain * 1.4 && longer < plain * 2.2);
    longer = seconds(
        speak(r, 3, SAY_ES, "<speak><prosody rate=\"x-fast\">Su cita es mañana. Adiós.</prosody></speak>"));
    assert_true(longer < plain * 0.8);
    /* Say-as and sub are what they stand for. */
    (void)speak(r, 4, SAY_ES, "<speak>Son <say-as interpret-as=\"digits\">12</say-as>.</speak>");
    (void)speak(r, 5, SAY_ES, "<speak>Son uno, dos.</speak>");
    assert_int_equal(r->pcm[4]->n, r->pcm[5]->n);
    assert_memory_equal(r->pcm[4]->sample, r->pcm[5]->sample, r->pcm[4]->n * sizeof(int16_t));
    /* Within lang the other voice speaks, and afterwards the first again. */
    (void)speak(r, 6, SAY_ES, "<speak><lang xml:lang=\"en\">Thank you for calling.</lang></speak>");
    (void)speak(r, 7, SAY_EN, "Thank you for calling.");
    assert_int_equal(r->pcm[6]->n, r->pcm[7]->n);
    plain = seconds(speak(r, 8, SAY_ES, "<speak>Muchas gracias por llamar.</speak>"));
    longer = seconds(
        speak(r, 9, SAY_ES,
              "<speak><s><lang xml:lang=\"en\">Thank you for calling.</lang></s><s>Muchas gracias por "
              "llamar.</s></speak>"));
    assert_true(fabs(longer - plain - seconds(r->pcm[7])) < 0.15);
}

/* Markup, phonemes and commands in a plain text are heard as text or not at all. */
static void a_text_is_no_markup(void **state)
{
    struct rig *r = *state;

    begin(r, "espeak-ng", 2, 8 << 20);
    (void)speak(r, 0, SAY_ES, "Hola h@loU Ana");
    (void)speak(r, 1, SAY_ES, "Hola [[h@loU]] Ana");
    assert_int_equal(r->pcm[0]->n, r->pcm[1]->n);
    speech_say(r->speech, 2, SAY_ES, str("<speak><break time=\"9s\"/>Hola</speak>"));
    until_told(r, 2);
    assert_true(seconds(r->pcm[2]) > 2); /* "menor que speak mayor que…" */
    speech_say(r->speech, 3, SAY_ES,
               str("Hola \x01"
                   "50S Ana"));
    speech_say(r->speech, 4, SAY_ES, str("Hola  50S Ana"));
    until_told(r, 3);
    until_told(r, 4);
    assert_int_equal(r->pcm[3]->n, r->pcm[4]->n);
    /* Nothing to be heard is silence, and no fault. */
    (void)speak(r, 5, SAY_ES, "");
    (void)speak(r, 6, SAY_ES, "...");
    assert_true(r->pcm[5]->n > 0 && rms(r->pcm[6], 0, r->pcm[6]->n) < 10);
}

static void a_voice_that_is_not_there_is_told(void **state)
{
    struct rig *r = *state;
    const struct speech_conf conf = {.program = str("espeak-ng"),
                                     .voice_es = str("nowhere"),
                                     .voice_en = str("en-us"),
                                     .words_per_minute = 160,
                                     .children = 1,
                                     .cache_bytes = 1 << 20};

    begin(r, "espeak-ng", 1, 0);
    speech_free(r->speech);
    r->speech = speech_new(&conf, &r->host, (struct hilo_self *)r, done, r);
    speech_say(r->speech, 0, SAY_ES, str("Hola"));
    until_told(r, 0);
    assert_null(r->pcm[0]);
    assert_non_null(strstr(
        r->why[0], "espeak-ng failed with status 1: Error: The specified espeak-ng voice does not exist"));
}

/* ---- with programs of the test's own
 * ------------------------------------------------------------------------------ */

static void what_is_spoken_is_resampled(void **state)
{
    struct rig *r = *state;
    unsigned char wav[WAV_HEAD + 2 * 48000];
    struct pcm *p;

    program(r, SPEAKS);
    begin(r, NULL, 1, 1 << 20);
    p = speak(r, 0, SAY_ES, "a");
    assert_int_equal(p->n, 4000);
    assert_true(amplitude(p, 1000) > 9700 && amplitude(p, 1000) < 10300);
    assert_true(amplitude(p, 2000) < 100);
    /* What 8,000 samples can't carry doesn't come back as something else. */
    write_file(r, "tone.wav", wav, tone(wav, 22050, 6000, 0.5), 0644);
    p = speak(r, 1, SAY_ES, "b");
    assert_true(rms(p, 400, p->n - 800) < 30);
    write_file(r, "tone.wav", wav, tone(wav, 8000, 1000, 0.5), 0644);
    p = speak(r, 2, SAY_ES, "c");
    assert_int_equal(p->n, 4000);
    assert_int_equal(p->sample[2], 10000);
    write_file(r, "tone.wav", wav, tone(wav, 48000, 1000, 1), 0644);
    p = speak(r, 3, SAY_ES, "d");
    assert_int_equal(p->n, 8000);
    assert_true(amplitude(p, 1000) > 9700);
    /* No delay: the first crest of the tone is where it was, at 0.25 ms. */
    assert_true(p->sample[2] > 9000 && abs(p->sample[4]) < 1500 && p->sample[6] < -9000);
}

static void the_child_is_given_the_text_and_nothing_else(void **state)
{
    struct rig *r = *state;
    const int leak = open("/dev/zero", O_RDONLY); /* as a library might, without O_CLOEXEC */
    char text[512];
    sigset_t gateways;
    uint64_t blocked;
    int n;

    assert_int_equal(sigemptyset(&gateways) | sigaddset(&gateways, SIGTERM), 0);
    assert_int_equal(sigprocmask(SIG_BLOCK, &gateways, NULL), 0);
    assert_int_equal(setenv("HILO_SECRET", "never", 1), 0);
    program(r, "cat >text; echo \"$@\" >args; env >env; ls -l /proc/$$/fd >fds; cat tone.wav");
    begin(r, NULL, 1, 1 << 20);
    (void)speak(r, 0, SAY_EN, "Ana & $ 1.50");
    assert_string_equal(contents(r, "text"), "<speak>Ana &amp; one peso and fifty centavos</speak>");
    assert_string_equal(contents(r, "args"), "-m -b1 -v en-us -s 160 --stdin --stdout\n");
    assert_null(strstr(contents(r, "env"), "never"));
    assert_non_null(strstr(contents(r, "env"), "PULSE_SERVER=unix:/dev/null\n")); /* a gateway is not heard */
    assert_non_null(strstr(contents(r, "fds"), "memfd:"));
    assert_null(strstr(contents(r, "fds"), "/dev/zero"));
    /* Nor the gateway's blocked signals, which a shell would hide. */
    n = snprintf(
        text, sizeof text,
        "#!/usr/bin/perl\nopen S, '/proc/self/status'; open O, '>', '%s/status'; print O <S>; close O; "
        "exec 'cat', '%s/tone.wav';\n",
        r->dir, r->dir);
    write_file(r, "program", text, (size_t)n, 0755);
    (void)speak(r, 1, SAY_EN, "Ana");
    assert_int_equal(sscanf(strstr(contents(r, "status"), "SigBlk:"), "SigBlk: %" SCNx64, &blocked), 1);
    assert_int_equal(blocked >> (SIGTERM - 1) & 1, 0);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &gateways, NULL), 0);
    (void)close(leak);
}

static void what_several_want_is_spoken_once(void **state)
{
    struct rig *r = *state;
    unsigned i;

    program(r, "while [ ! -e gate ]; do sleep 0.01; done; " SPEAKS);
    begin(r, NULL, 4, 1 << 20);
    for (i = 0; i < 5; i++)
        speech_say(r->speech, i, SAY_ES, str("Hola"));
    assert_int_equal(watched(r), 1);
    speech_forget(r->speech, 3);
    write_file(r, "gate", "", 0, 0644);
    until_told(r, 0);
    for (i = 0; i < 5; i++) {
        assert_int_equal(r->told[i], i != 3);
        if (i != 3)
            assert_ptr_equal(r->pcm[i], r->pcm[0]);
    }
    assert_int_equal(spoken(r), 1);
    /* As SSML, or in the other language, it is another sound. */
    (void)speak(r, 5, SAY_ES, "<speak>Hola</speak>");
    (void)speak(r, 6, SAY_EN, "Hola");
    (void)speak(r, 7, SAY_ES, "Hola");
    assert_int_equal(spoken(r), 3);
}

static void no_more_children_than_allowed(void **state)
{
    struct rig *r = *state;
    char text[16];
    unsigned i;

    program(r, "while [ ! -e gate ]; do sleep 0.01; done; " SPEAKS);
    begin(r, NULL, 2, 1 << 20);
    for (i = 0; i < 6; i++) {
        (void)snprintf(text, sizeof text, "texto %u", i);
        speech_say(r->speech, i, SAY_ES, str(text));
        assert_true(watched(r) <= 2);
    }
    assert_int_equal(watched(r), 2);
    speech_forget(r->speech, 4); /* one that waits is not spoken at all */
    write_file(r, "gate", "", 0, 0644);
    while (watched(r)) {
        assert_true(watched(r) <= 2);
        turn(r);
    }
    for (i = 0; i < 6; i++)
        assert_int_equal(r->told[i], i != 4);
    assert_int_equal(spoken(r), 5);
}

static void a_queue_has_an_end(void **state)
{
    struct rig *r = *state;
    char text[16];
    unsigned i;

    program(r, "exec sleep 1000");
    begin(r, NULL, 1, 1 << 20);
    for (i = 0; i < SPEECH_WAITING_MAX + 2; i++) {
        (void)snprintf(text, sizeof text, "texto %u", i);
        speech_say(r->speech, i, SAY_ES, str(text));
        assert_int_equal(r->told[i], i == SPEECH_WAITING_MAX + 1);
    }
    assert_string_equal(r->why[SPEECH_WAITING_MAX + 1],
                        "too many texts wait to be spoken (1,024); raise the channel's speech_children");
    /* Who asks for one of them still may wait. */
    speech_say(r->speech, i, SAY_ES, str("texto 7"));
    assert_int_equal(r->told[i], 0);
}

static void a_child_that_nobody_waits_for_is_ended(void **state)
{
    struct rig *r = *state;

    program(r, "sleep 1000 & echo $! >grandchild.new; mv grandchild.new grandchild; wait");
    begin(r, NULL, 1, 1 << 20);
    speech_say(r->speech, 0, SAY_ES, str("Hola"));
    speech_say(r->speech, 1, SAY_ES, str("Hola"));
    speech_forget(r->speech, 0);
    assert_int_equal(watched(r), 1);
    speech_forget(r->speech, 1);
    until_nothing_runs(r); /* or this would wait for a thousand seconds */
    no_child_is_left();
    assert_int_equal(r->told[0] + r->told[1], 0);
    /* It can be asked for anew. */
    program(r, SPEAKS);
    (void)speak(r, 2, SAY_ES, "Hola");
    assert_int_equal(spoken(r), 1);
}

static void what_a_child_started_ends_with_it(void **state)
{
    struct rig *r = *state;
    struct pollfd p = {.events = POLLIN};
    char path[128], pid[16] = "";
    int fd;

    /* It ends when the test has read of whom it started. */
    program(r, "sleep 1000 & echo $! >pid; " SPEAKS);
    (void)snprintf(path, sizeof path, "%s/pid", r->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    begin(r, NULL, 1, 1 << 20);
    speech_say(r->speech, 0, SAY_ES, str("Hola"));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, pid, sizeof pid - 1) > 0);
    assert_int_equal(close(fd), 0);
    p.fd = pidfd_open((pid_t)atoi(pid), 0);
    assert_true(p.fd >= 0); /* nobody has ended it yet */
    until_told(r, 0);
    assert_int_equal(poll(&p, 1, 60000), 1);
    (void)close(p.fd);
}

static void a_child_that_hangs_is_ended_in_time(void **state)
{
    struct rig *r = *state;

    program(r, "exec sleep 1000");
    begin(r, NULL, 1, 1 << 20);
    speech_say(r->speech, 0, SAY_ES, str("Hola"));
    assert_int_equal(r->timer, r->now + 20 * SECOND);
    r->now += 20 * SECOND - 1;
    assert_true(speech_on_timer(r->speech, SPEECH_TIMER)); /* too early: nothing happens */
    assert_int_equal(r->timer, r->now + 1);
    r->now++;
    until_told(r, 0);
    assert_null(r->pcm[0]);
    assert_non_null(strstr(r->why[0], "/program took longer than 20 s and was ended"));
    no_child_is_left();
    assert_false(speech_on_timer(r->speech, SPEECH_TIMER + 1));
    assert_false(speech_on_fd(r->speech, 0, HILO_READ));
}

static void what_goes_wrong_is_told(void **state)
{
    static const struct {
        const char *script, *why;
    } t[] = {
        {"echo one moment >&2; echo no voice >&2; exit 3", "/program failed with status 3: no voice"},
        {"kill -SEGV $$", "/program was ended by signal 11 (Segmentation fault)"},
        {"exit 0", "/program wrote no sound"},
        {"echo hola", "/program wrote is not a WAV file: it does not begin as one"},
        {"head -c 30 tone.wav", "/program wrote is not a WAV file: its format (fmt) is cut off"},
    };
    struct rig *r = *state;
    char none[160];
    unsigned i;

    for (i = 0; i < sizeof t / sizeof *t; i++) {
        program(r, t[i].script);
        begin(r, NULL, 1, 1 << 20);
        speech_say(r->speech, i, SAY_ES, str("Mi número es 1020"));
        until_told(r, i);
        assert_null(r->pcm[i]);
        if (!strstr(r->why[i], t[i].why))
            fail_msg("%s: %s", t[i].script, r->why[i]);
        assert_null(strstr(r->why[i], "1020")); /* what was to be said is nobody's */
        speech_free(r->speech);
    }
    (void)snprintf(none, sizeof none, "%s/none", r->dir);
    begin(r, none, 1, 1 << 20);
    speech_say(r->speech, 10, SAY_ES, str("Hola"));
    assert_int_equal(r->told[10], 1); /* at once */
    assert_non_null(
        strstr(r->why[10], "/none is not there; install it (Debian: apt install espeak-ng) or name another"));
    speech_free(r->speech);
    (void)chmod(r->program, 0644);
    begin(r, NULL, 1, 1 << 20);
    speech_say(r->speech, 11, SAY_ES, str("Hola"));
    assert_non_null(strstr(r->why[11], "/program can't be started: Permission denied"));
    r->refuse_watch = true;
    program(r, "exec sleep 1000");
    speech_say(r->speech, 12, SAY_ES, str("Hola"));
    assert_non_null(strstr(r->why[12], "/program can't be watched; raise the limit of open files"));
    r->refuse_watch = false;
    speech_say_ssml(r->speech, 13, SAY_ES, str("<speak><audio src=\"x\"/></speak>"));
    assert_string_equal(
        r->why[13],
        "the text can't be spoken: line 1, column 8: <audio> can't be spoken; there are p, s, break, "
        "prosody, emphasis, say-as, sub and lang");
    char *much = malloc(16385);
    memset(much, 'a', 16385);
    speech_say(r->speech, 14, SAY_ES, (struct hilo_str){much, 16385});
    free(much);
    assert_string_equal(r->why[14], "the text can't be spoken: it is longer than 16,384 bytes; part it");
}

static void the_cache_forgets_what_was_used_least_lately(void **state)
{
    struct rig *r = *state;

    program(r, SPEAKS);
    begin(r, NULL, 1, 2 * 8000 + 2000); /* two sounds of half a second */
    (void)speak(r, 0, SAY_ES, "a");
    (void)speak(r, 1, SAY_ES, "b");
    (void)speak(r, 2, SAY_ES, "a");
    assert_int_equal(spoken(r), 2);
    (void)speak(r, 3, SAY_ES, "c"); /* b goes */
    (void)speak(r, 4, SAY_ES, "a");
    assert_int_equal(spoken(r), 3);
    (void)speak(r, 5, SAY_ES, "b");
    assert_int_equal(spoken(r), 4);
    /* Who holds a sound keeps it, whatever the cache forgets. */
    assert_int_equal(r->pcm[1]->n, 4000);
    assert_int_equal(atomic_load(&r->pcm[1]->holders), 1);
    /* One that is larger than all of the cache is still spoken. */
    speech_free(r->speech);
    begin(r, NULL, 1, 0);
    (void)speak(r, 6, SAY_ES, "a");
    (void)speak(r, 7, SAY_ES, "a");
    assert_int_equal(spoken(r), 6);
}

/* ---- files
 * ----------------------------------------------------------------------------------------------------------
 */

static void files_are_read_and_read_again_when_they_change(void **state)
{
    struct rig *r = *state;
    unsigned char *wav = malloc(WAV_HEAD + 2 * 30 * 44100);
    char path[128], text[200];
    size_t n = tone(wav, 44100, 1000, 30);

    begin(r, "espeak-ng", 1, 8 << 20);
    (void)snprintf(path, sizeof path, "%s/tone.wav", r->dir);
    speech_file(r->speech, 0, path);
    assert_int_equal(r->told[0], 1);
    assert_int_equal(r->pcm[0]->n, 4000);
    speech_file(r->speech, 1, path);
    assert_ptr_equal(r->pcm[1], r->pcm[0]);
    /* A long one, a slice a turn. */
    write_file(r, "tone.wav", wav, n, 0644);
    speech_file(r->speech, 2, path);
    assert_int_equal(r->told[2], 0);
    until_told(r, 2);
    assert_true(r->timers_fired >= 5);
    assert_int_equal(r->pcm[2]->n, 30 * VOICE_RATE);
    assert_true(amplitude(r->pcm[2], 1000) > 9700); /* no break between the slices */
    assert_true(rms(r->pcm[2], r->pcm[2]->n - 100, 100) > 6500);
    /* Forgotten in the middle. */
    n = tone(wav, 44100, 500, 30);
    write_file(r, "tone.wav", wav, n, 0644);
    speech_file(r->speech, 3, path);
    speech_forget(r->speech, 3);
    assert_int_equal(r->timer, 0);
    free(wav);
    speech_file(r->speech, 4, r->dir);
    (void)snprintf(text, sizeof text, "%s can't be read: it is no file", r->dir);
    assert_string_equal(r->why[4], text);
    speech_file(r->speech, 5, "/nowhere.wav");
    assert_string_equal(r->why[5], "/nowhere.wav can't be read: No such file or directory");
    write_file(r, "tone.wav", "RIFF", 4, 0644);
    speech_file(r->speech, 6, path);
    (void)snprintf(text, sizeof text, "%s is not a WAV file", path);
    assert_int_equal(strncmp(r->why[6], text, strlen(text)), 0);
    (void)snprintf(path, sizeof path, "%s/pipe", r->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    speech_file(r->speech, 7, path); /* and doesn't wait for a writer */
    assert_int_equal(r->told[7], 1);
    assert_null(r->pcm[7]);
}

/* ---- from within
 * ---------------------------------------------------------------------------------------------------------
 */

/* The first that hears forgets the second and asks for more, of which one is there and one is not. */
static void forgets_and_asks(struct rig *r, uint64_t token)
{
    if (token != 0)
        return;
    speech_forget(r->speech, 1);
    speech_forget(r->speech, 0);
    speech_say(r->speech, 10, SAY_ES, str("Hola"));
    speech_say(r->speech, 11, SAY_ES, str("Adiós"));
    assert_int_equal(r->told[10], 0); /* one after the other */
}

static void done_may_forget_and_ask(void **state)
{
    struct rig *r = *state;

    program(r, SPEAKS);
    begin(r, NULL, 1, 1 << 20);
    r->then = forgets_and_asks;
    speech_say(r->speech, 0, SAY_ES, str("Hola"));
    speech_say(r->speech, 1, SAY_ES, str("Hola"));
    speech_say(r->speech, 2, SAY_ES, str("Hola"));
    until_told(r, 11);
    assert_int_equal(r->told[0], 1);
    assert_int_equal(r->told[1], 0);
    assert_int_equal(r->told[2], 1);
    assert_int_equal(r->told[10], 1);
    assert_int_equal(spoken(r), 2);
}

static void closing_ends_what_runs(void **state)
{
    struct rig *r = *state;

    program(r, "exec sleep 1000");
    begin(r, NULL, 2, 1 << 20);
    speech_say(r->speech, 0, SAY_ES, str("a"));
    speech_say(r->speech, 1, SAY_ES, str("b"));
    speech_say(r->speech, 2, SAY_ES, str("c"));
    assert_int_equal(watched(r), 2);
    speech_free(r->speech); /* teardown looks for what is left */
    r->speech = NULL;
    assert_int_equal(r->told[0] + r->told[1] + r->told[2], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_speaks_both_languages, setup, teardown),
        cmocka_unit_test_setup_teardown(ssml_is_heard, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_is_no_markup, setup, teardown),
        cmocka_unit_test_setup_teardown(a_voice_that_is_not_there_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_spoken_is_resampled, setup, teardown),
        cmocka_unit_test_setup_teardown(the_child_is_given_the_text_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(what_several_want_is_spoken_once, setup, teardown),
        cmocka_unit_test_setup_teardown(no_more_children_than_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_queue_has_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_that_nobody_waits_for_is_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_child_started_ends_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_that_hangs_is_ended_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(what_goes_wrong_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(the_cache_forgets_what_was_used_least_lately, setup, teardown),
        cmocka_unit_test_setup_teardown(files_are_read_and_read_again_when_they_change, setup, teardown),
        cmocka_unit_test_setup_teardown(done_may_forget_and_ask, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_ends_what_runs, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
