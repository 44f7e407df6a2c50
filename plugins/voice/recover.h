/*
 * What a crash left: calls that the gateway holds for going on are broken, and recordings that never became
 * messages become messages of those calls. What was out to be spoken is in doubt by the gateway's own rule;
 * nobody is called again from here. [own] loop.
 */
#ifndef VOICE_RECOVER_H
#define VOICE_RECOVER_H

#include "voice.h"

struct recover;

struct recover *recover_new(struct voice *); /* NULL: no memory */
/* In start(), before the line is up: a call that begins later is none of the last instance's. */
void recover_start(struct recover *);
void recover_free(struct recover *); /* NULL is fine */

/* The call ("cal_…") and the number of a recording's file name, "rec-cal_…-1.wav"; false: it is none. Pure.
 */
bool recover_name(struct hilo_str name, struct hilo_str *call, uint32_t *n);

#endif
