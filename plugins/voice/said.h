/*
 * What a caller says, by keys or by voice, as inbound messages on her thread. Each is submitted until the
 * gateway has it, whether her call still is or not. [own] loop.
 */
#ifndef VOICE_SAID_H
#define VOICE_SAID_H

#include "voice.h"

/* Who said it, and in which call. Texts may be empty, but for one of document, phone and visitor. */
struct said_by {
    struct hilo_str document; /* "CO:CC:…", typed; goes before the phone */
    struct hilo_str phone;    /* E.164 */
    struct hilo_str visitor;  /* SIP Call-ID */
    struct hilo_str call;     /* "cal_…" */
    struct hilo_str casus;    /* "cas_…" */
    enum say_language language;
    struct hilo_str ext_id; /* of this message, unique on the channel */
};

/* Called once: HILO_OK or HILO_DUPLICATE: it is on disk. May be NULL. */
typedef void said_done(void *arg, int32_t code);

/* A choice of the menu: its id and label, and what was asked. */
bool said_choice(struct voice *, const struct said_by *, struct hilo_str choice, struct hilo_str title,
                 struct hilo_str asked);
/* Keys in answer to a message of ours, which the core lifts. */
bool said_keys(struct voice *, const struct said_by *, struct hilo_id reply_to, struct hilo_str keys);
/* A recording in the channel's file of this name (keep.h). */
bool said_recording(struct voice *, const struct said_by *, struct hilo_str name, said_done *, void *arg);
/* News of a message of ours, known by its id: enum hilo_status. */
void said_receipt(struct voice *, struct hilo_id message, uint32_t status);

/* In close(). */
void said_free(struct voice *);

#endif
