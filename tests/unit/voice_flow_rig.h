/*
 * A caller, a gateway and an agent for test_voice_flow.c: the signalling, the media, the speech and the host
 * that the dialogue stands on are made here, one turn at a time and by a clock that the test moves. The table
 * of calls, talk, ledger, menu and prompts are the plugin's.
 */
#ifndef VOICE_FLOW_RIG_H
#define VOICE_FLOW_RIG_H

#include "../../plugins/voice/ask.h"
#include "../../plugins/voice/calls.h"
#include "../../plugins/voice/flow.h"
#include "../../plugins/voice/id.h"
#include "../../plugins/voice/keep.h"
#include "../../plugins/voice/ledger.h"
#include "../../plugins/voice/options.h"
#include "../../plugins/voice/said.h"
#include "../../plugins/voice/script.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <hilo/message.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { RIG_MAX = 64, RIG_TEXT = 4096 };

struct rig_request {
    uint64_t token;
    char method[8], url[128], body[RIG_TEXT], key[128];
    bool answered;
};

static struct rig {
    struct voice voice;
    int64_t now_us, wall_us;
    struct {
        uint32_t id;
        int64_t at;
    } timer[RIG_MAX];
    struct rig_request request[256];
    int n_requests;
    struct {
        uint64_t token;
        uint8_t bytes[RIG_TEXT];
        uint64_t n;
        bool answered;
    } submitted[RIG_MAX];
    int n_submitted;
    struct {
        uint64_t token;
        char name[128];
        bool removed, answered;
    } file[RIG_MAX];
    int n_files;
    struct hilo_report report[RIG_MAX];
    char report_reason[RIG_MAX][64];
    int n_reports;
    char state[128];
    uint32_t credit;
    /* ua */
    struct ua_event ua[RIG_MAX];
    int n_ua, at_ua;
    char did[RIG_TEXT]; /* "answer 1;refer 1 sip:600;…" */
    uint64_t call, agent;
    char invite_to[256], invite_headers[256];
    /* media */
    struct media_event media[RIG_MAX];
    int n_media, at_media;
    struct {
        uint64_t call, play;
        char text[512];
        bool loop;
    } playing[RIG_MAX];
    int n_playing;
    struct media_record record;
    bool recording, closed;
    /* speech */
    char said[RIG_MAX][512];
    int n_said;
    bool dumb;            /* nothing can be spoken */
    char heard[RIG_TEXT]; /* all that was played since rig_forget() */
    bool no_ports;
} rig;

static int rig_marker; /* something to point at */

/* ---- the host ------------------------------------------------------------------------------------ */

static void host_log(struct hilo_self *s, int32_t level, struct hilo_str text)
{
    (void)s;
    (void)level;
    if (getenv("RIG_LOG"))
        fprintf(stderr, "log: %.*s\n", (int)text.n, text.p);
}
static void host_wake(struct hilo_self *s)
{
    (void)s;
}
static int64_t host_mono(struct hilo_self *s)
{
    (void)s;
    return rig.now_us;
}
static int64_t host_wall(struct hilo_self *s)
{
    (void)s;
    return rig.wall_us;
}
static struct hilo_str host_channel(struct hilo_self *s)
{
    (void)s;
    return voice_str("linea");
}

static int32_t host_submit(struct hilo_self *s, uint64_t token, struct hilo_str message)
{
    (void)s;
    assert_true(rig.n_submitted < RIG_MAX && message.n < RIG_TEXT);
    rig.submitted[rig.n_submitted].token = token;
    memcpy(rig.submitted[rig.n_submitted].bytes, message.p, message.n);
    rig.submitted[rig.n_submitted++].n = message.n;
    return HILO_OK;
}

static void host_report(struct hilo_self *s, const struct hilo_report *r)
{
    (void)s;
    assert_true(rig.n_reports < RIG_MAX);
    rig.report[rig.n_reports] = *r;
    (void)snprintf(rig.report_reason[rig.n_reports++], 64, "%.*s", (int)r->reason.n,
                   r->reason.n ? r->reason.p : "");
}

static void host_credit(struct hilo_self *s, uint32_t n)
{
    (void)s;
    rig.credit += n;
}
static void host_state(struct hilo_self *s, int32_t code, struct hilo_str text)
{
    (void)s;
    (void)snprintf(rig.state, sizeof rig.state, "%d %.*s", code, (int)text.n, text.n ? text.p : "");
}

static int32_t host_timer(struct hilo_self *s, uint32_t id, int64_t at)
{
    int i, room = -1;

    (void)s;
    for (i = 0; i < RIG_MAX; i++) {
        if (rig.timer[i].id == id) {
            room = i;
            break;
        }
        if (rig.timer[i].id == 0 && room < 0)
            room = i;
    }
    assert_true(room >= 0);
    rig.timer[room].id = at ? id : 0;
    rig.timer[room].at = at;
    return HILO_OK;
}

static int32_t host_api(struct hilo_self *s, uint64_t token, const struct hilo_http *h)
{
    struct rig_request *r = &rig.request[rig.n_requests++];

    (void)s;
    assert_true(rig.n_requests < 256);
    memset(r, 0, sizeof *r);
    r->token = token;
    (void)snprintf(r->method, sizeof r->method, "%.*s", (int)h->method.n, h->method.p);
    (void)snprintf(r->url, sizeof r->url, "%.*s", (int)h->url.n, h->url.p);
    (void)snprintf(r->body, sizeof r->body, "%.*s", (int)h->body.n, h->body.n ? h->body.p : "");
    if (h->n_header)
        (void)snprintf(r->key, sizeof r->key, "%.*s", (int)h->header[0].val.n, h->header[0].val.p);
    return HILO_OK;
}

static int32_t rig_file(uint64_t token, struct hilo_str name, bool removed)
{
    assert_true(rig.n_files < RIG_MAX);
    rig.file[rig.n_files].token = token;
    rig.file[rig.n_files].removed = removed;
    (void)snprintf(rig.file[rig.n_files++].name, 128, "%.*s", (int)name.n, name.p);
    return HILO_OK;
}
static int32_t host_file_open(struct hilo_self *s, uint64_t token, struct hilo_str name, uint32_t flags)
{
    (void)s;
    (void)flags;
    return rig_file(token, name, false);
}
static int32_t host_file_remove(struct hilo_self *s, uint64_t token, struct hilo_str name)
{
    (void)s;
    return rig_file(token, name, true);
}

/* ---- ua ------------------------------------------------------------------------------------------------ */

static void did(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void did(const char *format, ...)
{
    size_t n = strlen(rig.did);
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(rig.did + n, sizeof rig.did - n, format, ap);
    va_end(ap);
    strncat(rig.did, ";", sizeof rig.did - strlen(rig.did) - 1);
}

static const char *who(uint64_t call)
{
    return call == rig.call ? "she" : "agent";
}

bool ua_next(struct ua *ua, struct ua_event *e)
{
    (void)ua;
    if (rig.at_ua == rig.n_ua)
        return false;
    *e = rig.ua[rig.at_ua++];
    return true;
}
void ua_call(struct ua *ua, uint64_t call, const struct ua_invite *i)
{
    (void)ua;
    rig.agent = call;
    (void)snprintf(rig.invite_to, sizeof rig.invite_to, "%.*s", (int)i->to.n, i->to.p);
    (void)snprintf(rig.invite_headers, sizeof rig.invite_headers, "%.*s", (int)i->headers.n, i->headers.p);
    assert_true(i->sdp.n > 0);
    did("invite %s", rig.invite_to);
}
void ua_ring(struct ua *ua, uint64_t call, struct hilo_str sdp)
{
    (void)ua;
    (void)sdp;
    did("ring %s", who(call));
}
void ua_answer(struct ua *ua, uint64_t call, struct hilo_str sdp)
{
    (void)ua;
    assert_true(sdp.n > 0);
    did("answer %s", who(call));
}
void ua_reject(struct ua *ua, uint64_t call, uint32_t status, struct hilo_str contact, uint32_t retry)
{
    (void)ua;
    (void)contact;
    (void)retry;
    did("reject %s %u", who(call), status);
}
void ua_hangup(struct ua *ua, uint64_t call, struct hilo_str reason)
{
    (void)ua;
    (void)reason;
    did("hangup %s", who(call));
}
void ua_reoffer(struct ua *ua, uint64_t call, struct hilo_str sdp)
{
    (void)ua;
    did("%s %s", memmem(sdp.p, sdp.n, "a=sendonly", 10) ? "hold" : "resume", who(call));
}
void ua_refer(struct ua *ua, uint64_t call, struct hilo_str target, uint64_t with)
{
    (void)ua;
    did("refer %s %.*s%s", who(call), (int)target.n, target.p, with ? " with agent" : "");
}
void ua_refer_answer(struct ua *ua, uint64_t call, uint32_t status)
{
    (void)ua;
    did("refer_answer %s %u", who(call), status);
}
void ua_free(struct ua *ua, int64_t wait_us)
{
    (void)ua;
    (void)wait_us;
}

/* ---- media ------------------------------------------------------------------------------------------------
 */

static void media_said(const struct media_event *e)
{
    assert_true(rig.n_media < RIG_MAX);
    rig.media[rig.n_media++] = *e;
}
bool media_next(struct media *m, struct media_event *e)
{
    (void)m;
    if (rig.at_media == rig.n_media)
        return false;
    *e = rig.media[rig.at_media++];
    return true;
}
bool media_open(struct media *m, uint64_t call, int family, struct sockaddr_storage *local)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(20000)};

    (void)m;
    (void)call;
    assert_int_equal(family, AF_INET);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(local, 0, sizeof *local);
    memcpy(local, &in, sizeof in);
    return !rig.no_ports;
}
void media_set(struct media *m, uint64_t call, const struct neg_agreed *a)
{
    (void)m;
    (void)call;
    (void)a;
}
void media_play(struct media *m, uint64_t call, uint64_t id, struct pcm *p, uint32_t flags, bool loop)
{
    const char *text =
        p->n && p->sample[0] > 0 && p->sample[0] <= rig.n_said ? rig.said[p->sample[0] - 1] : "[tone]";

    (void)m;
    (void)flags;
    assert_true(rig.n_playing < RIG_MAX);
    rig.playing[rig.n_playing].call = call;
    rig.playing[rig.n_playing].play = id;
    rig.playing[rig.n_playing].loop = loop;
    (void)snprintf(rig.playing[rig.n_playing++].text, 512, "%s", text);
    (void)snprintf(rig.heard + strlen(rig.heard), sizeof rig.heard - strlen(rig.heard), "%s ", text);
}
void media_stop(struct media *m, uint64_t call)
{
    int i;

    (void)m;
    for (i = 0; i < rig.n_playing; i++)
        if (rig.playing[i].call == call) {
            struct media_event e = {.type = MEDIA_PLAYED, .call = call, .play = rig.playing[i].play};

            media_said(&e);
        }
    rig.n_playing = 0;
}
void media_send_digit(struct media *m, uint64_t call, char digit, uint32_t ms)
{
    (void)m;
    (void)call;
    (void)digit;
    (void)ms;
}
void media_record(struct media *m, uint64_t call, const struct media_record *r)
{
    (void)m;
    (void)call;
    assert_false(rig.recording);
    rig.record = *r;
    rig.recording = true;
}
void media_record_end(struct media *m, uint64_t call)
{
    struct media_event e = {
        .type = MEDIA_RECORDED, .call = call, .why = MEDIA_ENDED, .length_ms = 9000, .speech_ms = 5000};

    (void)m;
    if (!rig.recording)
        return;
    rig.recording = false;
    (void)close(rig.record.fd);
    media_said(&e);
}
void media_listen(struct media *m, uint64_t call, bool on)
{
    (void)m;
    (void)call;
    (void)on;
}
void media_close(struct media *m, uint64_t call)
{
    struct media_event e = {.type = MEDIA_CLOSED, .call = call};

    if (call == rig.call)
        media_record_end(m, call);
    media_stop(m, call);
    media_said(&e);
}
void media_free(struct media *m)
{
    (void)m;
}

/* ---- speech
 * -------------------------------------------------------------------------------------------------- */

/* Its sound is one sample that says which text it is. */
static void rig_speak(uint64_t token, struct hilo_str text)
{
    struct pcm *p = rig.dumb ? NULL : pcm_new(1);
    char *out = rig.said[rig.n_said];
    bool tag = false;
    size_t n = 0;
    uint64_t i;

    assert_true(rig.n_said < RIG_MAX);
    for (i = 0; i < text.n && n < 511; i++) {
        tag = tag || text.p[i] == '<';
        if (!tag)
            out[n++] = text.p[i];
        if (text.p[i] == '>')
            tag = false;
    }
    out[n] = 0;
    rig.n_said++;
    if (p)
        p->sample[0] = (int16_t)rig.n_said;
    talk_on_speech(&rig.voice, token, p, p ? NULL : "no voice");
    pcm_drop(p);
}
void speech_say(struct speech *s, uint64_t token, enum say_language l, struct hilo_str text)
{
    (void)s;
    (void)l;
    rig_speak(token, text);
}
void speech_say_ssml(struct speech *s, uint64_t token, enum say_language l, struct hilo_str text)
{
    (void)s;
    (void)l;
    rig_speak(token, text);
}
void speech_file(struct speech *s, uint64_t token, const char *path)
{
    (void)s;
    rig_speak(token, voice_str(path));
}
void speech_forget(struct speech *s, uint64_t token)
{
    (void)s;
    (void)token;
}

/* ---- the other side
 * ------------------------------------------------------------------------------------------- */

void out_line(struct voice *v, bool up)
{
    (void)v;
    (void)up;
}
void out_transcribe(struct voice *v, struct hilo_str id, enum say_language l)
{
    (void)v;
    (void)id;
    (void)l;
}
const char *out_conf_wrong(const struct out_conf *c, char wrong[OUT_WRONG_MAX])
{
    (void)c;
    (void)wrong;
    return NULL;
}

void voice_log(struct voice *v, int32_t level, const char *format, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    v->host.log(v->self, level, voice_str(line));
}
void voice_set_state(struct voice *v, int32_t code, const char *text)
{
    v->host.state(v->self, code, voice_str(text));
}

/* ---- what a test does
 * -------------------------------------------------------------------------------------------- */

/* Everything that is due now. */
static void rig_turn(void)
{
    int i, guard = 0;
    bool again = true;

    while (again) {
        assert_true(guard++ < 1000);
        again = rig.at_ua < rig.n_ua || rig.at_media < rig.n_media;
        voice_calls_woken(&rig.voice);
        rig.at_ua = rig.n_ua = rig.at_media = rig.n_media = 0;
        for (i = 0; i < RIG_MAX; i++) {
            uint32_t id = rig.timer[i].id;

            if (!id || rig.timer[i].at > rig.now_us + 1)
                continue;
            rig.timer[i].id = 0;
            again = true;
            voice_timers_on(&rig.voice, id);
        }
        voice_asks_woken(&rig.voice);
        again = again || rig.at_ua < rig.n_ua || rig.at_media < rig.n_media;
    }
}

static void rig_pass(int64_t us)
{
    int64_t until = rig.now_us + us, next;
    int i;

    for (;;) {
        next = until;
        for (i = 0; i < RIG_MAX; i++)
            if (rig.timer[i].id && rig.timer[i].at < next)
                next = rig.timer[i].at;
        if (next > rig.now_us) {
            rig.wall_us += next - rig.now_us;
            rig.now_us = next;
        }
        rig_turn();
        if (rig.now_us >= until)
            return;
    }
}

static void rig_forget(void)
{
    rig.heard[0] = rig.did[0] = 0;
}

/* All that plays is played to its end, and what follows from that at once, until she is waited for. */
static void rig_listen(void)
{
    int guard = 0;

    while (rig.n_playing && !(rig.n_playing == 1 && rig.playing[0].loop)) {
        struct media_event e = {.type = MEDIA_PLAYED, .complete = 1, .listened_ms = 1000};
        int i, n = rig.n_playing;

        assert_true(guard++ < 100);
        rig.n_playing = 0;
        for (i = 0; i < n; i++) {
            e.call = rig.playing[i].call;
            e.play = rig.playing[i].play;
            media_said(&e);
        }
        rig_turn();
    }
}

static void rig_key(char key)
{
    struct media_event e = {.type = MEDIA_DIGIT, .call = rig.call, .digit = key, .how = MEDIA_BY_EVENT};

    media_said(&e);
    rig_turn();
}

static void rig_keys(const char *keys)
{
    for (; *keys; keys++)
        rig_key(*keys);
}

static void rig_ua(struct ua_event e)
{
    rig.ua[rig.n_ua++] = e;
    rig_turn();
}

static struct hilo_str rig_sdp(void)
{
    return voice_str("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                     "m=audio 30000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
                     "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n");
}

/* She is called and rings; the look-up of her number, if she has one, is the first request. */
static void rig_incoming(const char *from)
{
    rig.call = UA_CALL_INBOUND | 7;
    rig_ua((struct ua_event){.type = UA_INCOMING,
                             .call = rig.call,
                             .from = voice_str(from),
                             .to = voice_str("sip:6015551234@hilo"),
                             .call_id = voice_str("abc@pbx"),
                             .peer = voice_str("127.0.0.1:5060"),
                             .sdp = rig_sdp()});
}

static void rig_ack(void)
{
    rig_ua((struct ua_event){.type = UA_ANSWERED, .call = rig.call});
}

static void rig_hangs_up(void)
{
    rig_ua((struct ua_event){.type = UA_ENDED, .call = rig.call, .status = 200, .by_peer = 1});
}

/* The oldest request of this kind that is not answered. */
static struct rig_request *rig_asked(const char *method, const char *url)
{
    int i;

    for (i = 0; i < rig.n_requests; i++) {
        struct rig_request *r = &rig.request[i];

        if (!r->answered && strcmp(r->method, method) == 0 && strncmp(r->url, url, strlen(url)) == 0)
            return r;
    }
    return NULL;
}

static void rig_answer(const char *method, const char *url, uint32_t status, const char *body)
{
    struct hilo_http h = {.size = sizeof h, .status = status, .body = voice_str(body), .sink_fd = -1};
    struct rig_request *r = rig_asked(method, url);

    if (!r)
        fail_msg("nobody asks %s %s", method, url);
    r->answered = true;
    voice_asks_on_http(&rig.voice, r->token, HILO_OK, &h);
    rig_turn();
}

/* What the ledger tells, all of it taken. */
static void rig_calls_taken(void)
{
    while (rig_asked("PATCH", "/v1/calls/"))
        rig_answer("PATCH", "/v1/calls/", 200, "{\"id\":\"cal_01J0000000000000000000000A\"}");
}

#define RIG_CAL "cal_01J0000000000000000000000A"
#define RIG_CUS "cus_01J0000000000000000000000B"
#define RIG_CAS "cas_01J0000000000000000000000C"

static void rig_call_known(void)
{
    rig_answer("POST", "/v1/calls", 201, "{\"id\":\"" RIG_CAL "\",\"customer\":\"" RIG_CUS "\"}");
}

/* Whether a body that was sent to url holds this text. */
static bool rig_told(const char *method, const char *url, const char *text)
{
    int i;

    for (i = 0; i < rig.n_requests; i++)
        if (strcmp(rig.request[i].method, method) == 0 &&
            strncmp(rig.request[i].url, url, strlen(url)) == 0 && strstr(rig.request[i].body, text))
            return true;
    return false;
}

static void rig_heard(const char *text)
{
    if (!strstr(rig.heard, text))
        fail_msg("\"%s\" was not heard, but: %s", text, rig.heard);
}
static void rig_not_heard(const char *text)
{
    if (strstr(rig.heard, text))
        fail_msg("\"%s\" was heard: %s", text, rig.heard);
}
static void rig_done(const char *what)
{
    if (!strstr(rig.did, what))
        fail_msg("\"%s\" was not done, but: %s", what, rig.did);
}

/* The nth that was submitted of this kind of content, from 0. */
static struct hilo_str rig_submitted(uint32_t content, int nth)
{
    int i;

    for (i = 0; i < rig.n_submitted; i++) {
        struct hilo_str m = {(const char *)rig.submitted[i].bytes, rig.submitted[i].n};

        if (hilo_content_type(m) == content && nth-- == 0)
            return m;
    }
    fail_msg("nothing of content %u was submitted", content);
    return voice_none();
}

static void rig_commit(int32_t code)
{
    int i;

    for (i = 0; i < rig.n_submitted; i++) {
        if (rig.submitted[i].answered)
            continue;
        rig.submitted[i].answered = true;
        voice_asks_on_committed(&rig.voice, rig.submitted[i].token, code);
    }
    rig_turn();
}

/* The file that was asked for is opened, or not. */
static void rig_opened(int32_t code)
{
    int i;

    for (i = 0; i < rig.n_files; i++) {
        if (rig.file[i].answered)
            continue;
        rig.file[i].answered = true;
        voice_asks_on_file(&rig.voice, rig.file[i].token, code,
                           code == HILO_OK && !rig.file[i].removed ? dup(0) : -1, 0);
    }
    rig_turn();
}

static void rig_recorded(enum media_why why, uint32_t speech_ms)
{
    struct media_event e = {.type = MEDIA_RECORDED,
                            .call = rig.call,
                            .why = why,
                            .length_ms = speech_ms + 500,
                            .speech_ms = speech_ms};

    assert_true(rig.recording);
    rig.recording = false;
    (void)close(rig.record.fd);
    media_said(&e);
    rig_turn();
}

static const char *rig_menu;

static int rig_setup(void **state)
{
    struct voice *v = &rig.voice;

    (void)state;
    memset(&rig, 0, sizeof rig);
    rig.now_us = 1000000;
    rig.wall_us = INT64_C(1795791600000000); /* 2026-11-27T15:00:00Z, a Friday; Bogota 10:00 */
    v->magic = VOICE_MAGIC;
    v->host = (struct hilo_host){.size = sizeof v->host,
                                 .log = host_log,
                                 .wake = host_wake,
                                 .mono_us = host_mono,
                                 .wall_us = host_wall,
                                 .channel = host_channel,
                                 .submit = host_submit,
                                 .report = host_report,
                                 .credit = host_credit,
                                 .state = host_state,
                                 .timer = host_timer,
                                 .api = host_api,
                                 .file_open = host_file_open,
                                 .file_remove = host_file_remove};
    v->conf = (struct voice_conf){.calls_max = 10,
                                  .codecs = voice_str("pcma pcmu"),
                                  .rtp = voice_str("127.0.0.1"),
                                  .business = voice_str("Tienda Sol"),
                                  .country = voice_str("CO"),
                                  .document_type = voice_str("CC"),
                                  .country_code = voice_str("57"),
                                  .time_zone = voice_str("America/Bogota"),
                                  .consent = VOICE_CONSENT_NONE,
                                  .agent_ring_us = 30000000,
                                  .gateway_us = 5000000,
                                  .call_us = INT64_C(3600000000),
                                  .key_us = 5000000};
    return 0;
}

/* After a test has set what it wants other. */
static void rig_open(void)
{
    struct voice *v = &rig.voice;
    char why[MENU_WRONG] = "";

    v->conf.menu = voice_str(rig_menu);
    assert_true(voice_options_copy(&v->conf, &v->fixed));
    v->timers = voice_timers_new();
    v->asks = voice_asks_new();
    v->calls = voice_calls_new();
    v->talks = talk_waits_new();
    v->keep = keep_new(v);
    v->words = words_read(voice_none(), why);
    v->ua = (struct ua *)(void *)&rig_marker;
    v->media = (struct media *)(void *)&rig_marker;
    v->speech = (struct speech *)(void *)&rig_marker;
    v->flow = flow_new(v, why);
    if (!v->flow)
        fail_msg("%s", why);
}

static int rig_teardown(void **state)
{
    struct voice *v = &rig.voice;

    (void)state;
    v->draining = true;
    voice_calls_free(v);
    flow_free(v->flow);
    keep_free(v);
    said_free(v);
    ledgers_free(v);
    voice_asks_free(v);
    talk_waits_free(v->talks);
    words_free(v->words);
    voice_timers_free(v->timers);
    voice_options_free(&v->fixed);
    rig_menu = NULL;
    return 0;
}

#endif
