/*
 * Media: RTP and SRTP of all calls, on one thread with a 20 ms beat: plays, hears keys, records.
 *
 * As ua.h: functions are called on the plugin's own loop, leave an order and return; what happens comes
 * by media_next() after wake(). A call is known by the number that ua.h has for it. A call hears what is
 * played in the order of media_play(); silence is sent between, for NATs and for those who listen to it.
 * While the peer holds the call (agreed direction without NEG_SEND) what plays waits. Orders for a call that
 * is closed, or was never opened, are ignored: what they hand over is let go of.
 */
#ifndef VOICE_MEDIA_H
#define VOICE_MEDIA_H

#include "pcm.h"
#include "negotiate.h"

struct media_conf {
    struct hilo_str listen;               /* address of RTP; "0.0.0.0", "::", one for each family by space */
    uint32_t port_min, port_max;          /* even ones are RTP's, the next RTCP's */
    int64_t jitter_min_us, jitter_max_us; /* of the jitter buffer */
    int64_t silent_us;                    /* no RTP for so long (and no hold): MEDIA_SILENT */
    uint32_t inband_dtmf; /* tones are keys too, in a call where no telephone-event has come */
    uint32_t spare;
};

enum media_event_type {
    MEDIA_DIGIT = 1, /* digit, once each key press, when it begins to be sure; how it came */
    MEDIA_PLAYED,    /* play: to its end (complete) or stopped; listened_ms */
    MEDIA_RECORDED,  /* the recording has ended and is on disk: why, length_ms, speech_ms, bytes */
    MEDIA_SPEECH,    /* somebody began to speak (on 1) or has been silent for 300 ms (on 0); tone 1: it is a
                        steady tone (beep), told after 120 ms, its end after 80 */
    MEDIA_SILENT,    /* no RTP any more: the call is to be ended. Once, until there is some again */
    MEDIA_CLOSED     /* the last of a call: packets, lost, late (frames of ours that were not sent, because
                        they would have been late by more than 20 ms), jitter_us. After its MEDIA_RECORDED */
};
enum { MEDIA_BY_EVENT = 1, MEDIA_BY_TONE = 2 };
enum media_why { MEDIA_ENDED = 1, MEDIA_BY_KEY, MEDIA_BY_SILENCE, MEDIA_TOO_LONG, MEDIA_DISK };

struct media_event {
    enum media_event_type type;
    uint32_t on, tone, how, complete, listened_ms, length_ms, speech_ms;
    enum media_why why;
    char digit, spare[3];
    uint64_t call, play, bytes;
    uint64_t packets_in, packets_out, lost, late;
    uint32_t jitter_us, spare2;
};

enum { MEDIA_BARGE_IN = 1 }; /* a key ends this and all that waits behind it */
enum { MEDIA_CALLER_ONLY = 1, MEDIA_CUT_SILENCE = 2, MEDIA_KEY_ENDS = 4 };

struct media_record {
    int32_t fd;     /* writable, given away: a WAV (PCM 16 bits; both legs: two channels), made valid and
                       synced each second, so that what is there after a crash is whole up to its last second */
    uint32_t flags; /* MEDIA_CALLER_ONLY … */
    int64_t max_us, silence_us; /* ends by itself after so long, after so much silence; 0: never */
};

struct media;

struct media *media_new(const struct media_conf *, void (*wake)(void *arg), void *arg, char why[256]);
bool media_next(struct media *, struct media_event *);
/* Takes a pair of ports for a call, at once: where RTP is awaited, for the family that the peer has. false:
 * all in use. Nothing is sent before media_set(). */
bool media_open(struct media *, uint64_t call, int family, struct sockaddr_storage *local);
void media_set(struct media *, uint64_t call, const struct neg_agreed *);
/* Queued behind what plays; id: the caller's, comes back in MEDIA_PLAYED. Holds pcm. loop: until stopped. */
void media_play(struct media *, uint64_t call, uint64_t id, struct pcm *, uint32_t flags, bool loop);
void media_stop(struct media *, uint64_t call); /* all that plays or waits */
/* Sends a key to the peer, by telephone-event or, where that was not agreed, as a tone. */
void media_send_digit(struct media *, uint64_t call, char digit, uint32_t ms);
void media_record(struct media *, uint64_t call, const struct media_record *);
void media_record_end(struct media *, uint64_t call);
/* Whether MEDIA_SPEECH is wanted (who answers: a person or a machine). */
void media_listen(struct media *, uint64_t call, bool);
void media_close(struct media *, uint64_t call);
void media_free(struct media *);

#endif
