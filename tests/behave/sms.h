/*
 * A gateway whose one channel, "wa", is of type sms, and the simulated SMSC that it speaks SMPP with
 * (tools/sim/smsc). Above harness.h.
 */
#ifndef TESTS_SMS_H
#define TESTS_SMS_H

#include "harness.h"

struct sms_world {
    struct world w;
    char lines[2048];
    int smpp, tls; /* the SMSC's ports */
};

/* lines: more options of the channel, indented by 4 (what they name replaces what is here: system_id hilo,
 * password secret, sender 890123); sim: a JSON object for the SMSC's configuration; either may be NULL. Waits
 * until the channel is up, unless wait is false. */
void sms_up(struct sms_world *, const char *lines, const char *sim, bool wait);
/* Writes other options, for a reload. */
void sms_configure(struct sms_world *, const char *lines);
/* The SMSC saw nothing that SMPP does not allow; then world_down. */
void sms_down(struct sms_world *);

/* Asserts 202, copies the message's id (64 bytes); more: ",\"expires_in\":\"PT1H\"" or "". */
void sms_send(struct sms_world *, const char *phone, const char *text, const char *more, char *id);
/* Waits until the SMSC has seen n submits in all; the answer has them: "submits/0/text". */
struct answer sms_submits(struct sms_world *, unsigned n);
void sms_faults(struct sms_world *, const char *faults_json);
/* Waits until so many binds were made since the start. */
void sms_binds(struct sms_world *, unsigned n);
/* Asserts a string, a number of the message by the API. */
void sms_message_is(struct sms_world *, const char *id, const char *path, const char *value);
void sms_message_number(struct sms_world *, const char *id, const char *path, double value);
/* The text of the nth message that came in, by the API; static. */
const char *sms_came(struct sms_world *, unsigned nth);

#endif
