/*
 * A customer's telephone: baresip in a process of its own, steered over its control socket (ctrl_tcp). What
 * it hears is written to a WAV, what it says is read from one.
 */
#ifndef TESTS_VOICE_PHONE_H
#define TESTS_VOICE_PHONE_H

#include "harness.h"
#include "sound.h"

struct phone {
    char dir[160]; /* its configuration and its WAV files */
    char user[64];
    int sip, control_port, control;
    struct process *process;
    struct watch *watch;
    char *events; /* what its control socket has said, unread */
    size_t n_events;
    size_t heard;         /* up to here phone_hears() has listened */
    char heard_file[256]; /* in this one: each call of a telephone, and what it is transferred to, has its own
                           */
};

struct phone_conf {
    const char *user;      /* of its address: "+573001112233", "anonymous" */
    const char *name;      /* displayed, or NULL */
    const char *transport; /* "udp", "tcp", "tls" */
    const char *srtp;      /* NULL, "srtp" (offered as an option), "srtp-mand" */
    const char *codecs;    /* "PCMU,PCMA" if NULL */
    const char *ca;        /* PEM of who signed the server's certificate, or NULL */
    int registrar;         /* port of a registrar on 127.0.0.1; 0: none */
    const char *password;
    const char *answer; /* "manual" (NULL), "auto" */
    const char *host;   /* its own and the registrar's: "127.0.0.1" if NULL */
};

/* Starts it in a folder below the scratch's, and waits until it is there: registered if it has a registrar.
 */
void phone_up(struct phone *, struct scratch *, const struct phone_conf *);
void phone_down(struct phone *);
/* Calls a SIP URI; returns at once. */
void phone_dial(struct phone *, const char *uri);
/* Waits for an event of this type ("CALL_ESTABLISHED", "CALL_CLOSED", "CALL_INCOMING"); its parameter, which
 * lives until the next call here. */
const char *phone_event(struct phone *, const char *type);
void phone_command(struct phone *, const char *command, const char *params);
void phone_answer(struct phone *);
void phone_hang_up(struct phone *);
/* Presses keys, one after another. */
void phone_press(struct phone *, const char *keys);
/* Says this from now on, then silence. */
void phone_say(struct phone *, const struct sound *);
/* Waits until this is heard, behind what was heard before; sample where it began. */
#define phone_hears(phone, said) phone_hears_at(phone, said, __FILE__, __LINE__)
size_t phone_hears_at(struct phone *, const struct sound *said, const char *file, int line);
/* Whether it was heard anywhere in what has come so far, from that sample on. */
bool phone_heard(struct phone *, const struct sound *said, size_t from);
/* Waits until n more samples have come. */
void phone_listens(struct phone *, size_t n);
/* What it has heard in its last call. */
struct sound phone_sound(struct phone *);

#endif
