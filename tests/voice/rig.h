/*
 * A gateway whose one channel, "wa", is of type voice, on free ports of the loopback, everything that crosses
 * it captured. Above tests/behave/harness.h.
 */
#ifndef TESTS_VOICE_RIG_H
#define TESTS_VOICE_RIG_H

#include "lab.h"
#include "peers.h"
#include "phone.h"
#include "sound.h"

enum { RIG_WPM = 160 };

struct rig {
    struct scratch scratch;
    struct gate gate;
    struct capture *capture;
    struct process *events; /* hilo events --follow --json */
    char pcap[160], lines[12288];
    int sip, tls;  /* where the gateway listens: UDP and TCP, TLS */
    int ports[12]; /* of SIP, for tshark; rig_port() adds one */
    unsigned n_ports;
};

/* lines: more options of the channel, indented by 4, which may hold a menu (else one that says rig_welcome
 * and then asks rig_main: 1 tells of a problem, 2 leads to the user "agente", 3 to a second menu that says
 * rig_second); NULL: none. Waits until the channel is up. */
void rig_up(struct rig *, const char *lines);
/* The same without starting it: for a gateway that is to be seen to start. */
void rig_prepare(struct rig *, const char *lines);
void rig_launch(struct rig *);
/* Stops it, checks its store, and lets tshark judge all that was sent: at least so many packets of both. */
void rig_down(struct rig *, unsigned sip, unsigned rtp);
void rig_port(struct rig *, int port);
/* "sip:tienda@127.0.0.1:PORT"; static. */
const char *rig_uri(const struct rig *);

extern const char rig_welcome[], rig_main[], rig_second[];
/* As the gateway's espeak-ng says it in Spanish. */
struct sound rig_say(struct rig *, const char *text);

/* The next event of this type that holds these words, among those that came since the one before: its data.
 * delete it. */
cJSON *rig_event(struct rig *, const char *type, const char *word);
/* The gateway's log says this. */
void rig_log(struct rig *, const char *word, const char *more);
/* A customer by the API; her id into id (64 bytes). phone, document ("CO:CC:…") may be NULL. */
void rig_customer(struct rig *, const char *name, const char *phone, const char *document, char *id);
/* Sends a text to a phone; the message's id. more: as gate_send(). */
void rig_send(struct rig *, const char *phone, const char *content_json, char *id);
/* The recording of a message (content's media) as sound; *channels of the WAV. Waits until it is stored. */
struct sound rig_recording(struct rig *, const cJSON *message, unsigned channel, unsigned *channels);

#endif
